"""The WeChat simulator beside the tests, and its control API as calls."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from wxsim.app import create_app
from wxsim.config import Config

_START_SECONDS = 20.0
_SEED = "tests"
"""The same ids and secrets in every run."""


class Simulator:
    """What a test asks of the simulator. Each test finds it empty, without faults."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(
            base_url=f"{url}/_sim",
            trust_env=False,
            verify=False,  # noqa: S501 (plain http; loading certificates takes 20 ms)
        )

    async def user(self, **facts: Any) -> str:
        """Make a person (`nickname=`, `phone=`) and return their id."""
        return str((await self.post("/users", **facts))["user"]["id"])

    async def login_code(self, user: str, **facts: Any) -> str:
        """Return a wx.login code of the mini-program (`appid=` for another app)."""
        return str((await self.post("/login_code", user=user, **facts))["code"])

    async def phone_code(self, user: str, **facts: Any) -> str:
        """Return a code of the getPhoneNumber button."""
        return str((await self.post("/phone_code", user=user, **facts))["code"])

    async def oauth_code(self, user: str, **facts: Any) -> str:
        """Return an OAuth code of the official account (`scope=`, `snapshot=True`)."""
        return str((await self.post("/oauth_code", user=user, **facts))["code"])

    async def pay(self, **facts: Any) -> dict[str, Any]:
        """Pay as the person would (`prepay_id=`, or `out_trade_no=`)."""
        paid: dict[str, Any] = await self.post("/pay", **facts)
        return paid

    async def fault(self, kind: str, **facts: Any) -> None:
        """Switch a fault on (`match=`, `times=`, and what the kind takes)."""
        await self.post("/faults", kind=kind, **facts)

    async def advance(self, duration: str) -> None:
        """Move the simulator's clock, as in "2h"."""
        await self.post("/clock", advance=duration)

    async def journal(self, **query: Any) -> list[dict[str, Any]]:
        """Return what the simulator was asked and answered, oldest first."""
        entries: list[dict[str, Any]] = (await self.get("/journal", **query))["entries"]
        return entries

    async def sms(self, **query: Any) -> list[dict[str, Any]]:
        """Return the short messages of the dev sender (`phone=`), newest first."""
        messages: list[dict[str, Any]] = (await self.get("/sms", **query))["sms"]
        return messages

    async def post(self, path: str, **body: Any) -> Any:
        """Call the control API at `path`; a refusal fails the test."""
        answer = await self.http.post(path, json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        """Read from the control API at `path`; a refusal fails the test."""
        answer = await self.http.get(path, params=query)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()


@contextmanager
def running_simulator() -> Iterator[str]:
    """Serve a simulator from a thread of its own, on a free port; yield its URL."""
    config = uvicorn.Config(
        create_app(Config(seed=_SEED)), port=0, log_level="error", access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="wxsim", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{_port(server, thread)}"
    finally:
        server.should_exit = True
        thread.join()


def _port(server: uvicorn.Server, thread: threading.Thread) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        assert thread.is_alive(), "the simulator did not start"
        assert time.monotonic() < deadline, "the simulator did not start in time"
        time.sleep(0.005)
    return int(server.servers[0].sockets[0].getsockname()[1])
