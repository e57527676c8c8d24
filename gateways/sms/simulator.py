"""The sender of development and tests: it shows the code on the simulator's page."""

from __future__ import annotations

import httpx
import orjson

from gateways.sms.posting import post


class SimulatorSms:
    """Posts codes to the simulator's control API."""

    def __init__(self, simulator_url: str, client: httpx.AsyncClient) -> None:
        self._url = f"{simulator_url.rstrip('/')}/_sim/sms"
        self._client = client

    async def send_code(self, phone: str, code: str) -> None:
        """Show the code; raises `SmsUnavailable` when the simulator does not answer."""
        text = f"您的验证码是{code}，5分钟内有效。"
        await post(
            self._client,
            self._url,
            orjson.dumps({"phone": phone, "code": code, "text": text}),
            headers={},
        )
