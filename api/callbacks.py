"""WeChat Pay's notifications: verify, store, answer. A sweep settles what was stored.

WeChat looks at the HTTP status alone: 204 is taken, anything else is sent again (wechat pay v3,
"notify": a first try and 15 more over 24 hours). So we answer 204 only for what is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateways.wechat.pay import InvalidNotification
from services import inbox

MAX_BODY_BYTES = 64 * 1024
"""A notification has some two kilobytes."""

log = structlog.get_logger(__name__)


async def payment_news(request: Request) -> Response:
    """Take news of a payment or a refund. A merchant number in the path keeps tenants apart."""
    pay = request.app.state.process.ports.pay
    if request.path_params["mchid"] != pay.mchid:
        return _fail(404)
    body = await _body(request)
    if body is None:
        return _fail(413)
    now = datetime.now(UTC)
    try:
        news = pay.verify(request.headers, body, now=now)
    except InvalidNotification as error:
        log.warning("notification_refused", reason=str(error))
        return _fail(401)
    await inbox.store(news.id, news.event_type, body, now=now)
    return Response(status_code=204)


async def _body(request: Request) -> bytes | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _fail(status: int) -> Response:
    return JSONResponse({"code": "FAIL", "message": "失败"}, status)


callback_routes = [
    Route("/wechat/pay/notify/{mchid}", payment_news, methods=["POST"]),
    Route("/wechat/refund/notify/{mchid}", payment_news, methods=["POST"]),
]
