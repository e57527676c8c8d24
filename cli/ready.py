"""The last steps of `mall up`: wait until all answer, sign a demo member in, tell of it."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx

from cli.embedded.home import ServersUnavailable
from settings import Settings

_PAUSE_SECONDS = 0.05
_READY_SECONDS = 120.0
_CALL_SECONDS = 10.0
_NICKNAME = "小满"
_SIGN_IN = """mutation ($code: String!) {
  signInWithMiniProgram(input: {code: $code}) { session { accessToken } userErrors { message } }
}"""


class _SignInRefused(Exception):
    """The public API did not sign the demo member in."""


async def simulator_settings(simulator_url: str) -> dict[str, str]:
    """Wait for the simulator and return the WECHAT_* settings that lead to it."""
    answer = await _answer_of(f"{simulator_url}/_sim/config.json")
    return {name: str(value) for name, value in answer.json().items()}


async def wait_for_web(base_url: str) -> None:
    """Wait until the web server says that it, PostgreSQL and Redis answer."""
    await _answer_of(f"{base_url}/readyz")


async def welcome(settings: Settings, home: Path) -> str:
    """Return the block that tells where everything is."""
    web, simulator = settings.base_url, settings.simulator_url
    try:
        token = await _demo_token(web, simulator, home / "demo.json")
        to_try = f'{{"Authorization": "Bearer {token}"}}'
    except (httpx.HTTPError, _SignInRefused) as error:
        to_try = f"none: the demo member could not sign in ({error})"
    return f"""
  The mall is open.

  Shop             {web}/   a small mall of the demo brand
  GraphQL          {web}/graphql   in a browser the explorer; GraphiQL at ?ide=graphiql
  Simulator        {simulator}/_sim/   users, orders, "pay"
  Health           {web}/readyz   {web}/metrics
  Data and logs    {home}

  A member's token to try, in the explorer's headers or with curl:
    {to_try}

  Stop with Ctrl-C. Started again, it finds its data.
"""


async def _answer_of(url: str) -> httpx.Response:
    deadline = time.monotonic() + _READY_SECONDS
    async with httpx.AsyncClient(timeout=_CALL_SECONDS, trust_env=False) as http:
        while True:
            try:
                answer = await http.get(url)
            except httpx.TransportError as error:
                told = str(error)
            else:
                if answer.is_success:
                    return answer
                told = answer.text
            if time.monotonic() > deadline:
                raise ServersUnavailable(f"{url} did not answer in {_READY_SECONDS:.0f} s: {told}")
            await asyncio.sleep(_PAUSE_SECONDS)


async def _demo_token(web: str, simulator: str, kept: Path) -> str:
    """Sign the demo member in, as a mini-program would, and return an access token."""
    async with httpx.AsyncClient(timeout=_CALL_SECONDS, trust_env=False) as http:
        code = await _login_code(http, simulator, kept)
        asked = {"query": _SIGN_IN, "variables": {"code": code}}
        answer = await _post(http, f"{web}/graphql", asked)
        payload = (answer.get("data") or {}).get("signInWithMiniProgram") or {}
        if not payload.get("session"):
            raise _SignInRefused(str(answer.get("errors") or payload.get("userErrors")))
        return str(payload["session"]["accessToken"])


async def _login_code(http: httpx.AsyncClient, simulator: str, kept: Path) -> str:
    """Return a fresh wx.login code of the same person each time."""
    users = (await http.get(f"{simulator}/_sim/users")).json()["users"]
    known = _read(kept)
    if known not in [user["id"] for user in users]:
        made = await _post(http, f"{simulator}/_sim/users", {"nickname": _NICKNAME})
        known = made["user"]["id"]
        _write(kept, known)
    answer = await _post(http, f"{simulator}/_sim/login_code", {"user": known})
    return str(answer["code"])


def _read(kept: Path) -> str:
    return str(json.loads(kept.read_text())["user"]) if kept.exists() else ""


def _write(kept: Path, user: str) -> None:
    kept.write_text(json.dumps({"user": user}))


async def _post(http: httpx.AsyncClient, url: str, body: dict[str, Any]) -> Any:
    answer = await http.post(url, json=body)
    answer.raise_for_status()
    return answer.json()
