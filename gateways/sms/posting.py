"""What all senders share: one bounded POST whose failure tells nothing of the number or code."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import structlog

from domain.phones import SmsUnavailable

_LOG = structlog.get_logger(__name__)

_TIMEOUT = httpx.Timeout(5.0, connect=2.0)


async def post(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """Post a JSON body and return a 2xx answer.

    Raises:
        SmsUnavailable: on anything else.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    try:
        response = await client.post(url, content=body, headers=headers, timeout=_TIMEOUT)
    except httpx.HTTPError as error:
        _LOG.warning("sms_not_sent", error=type(error).__name__)
        raise SmsUnavailable from error
    if not response.is_success:
        _LOG.warning("sms_not_sent", status=response.status_code)
        raise SmsUnavailable
    return response
