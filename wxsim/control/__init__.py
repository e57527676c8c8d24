"""The control API and page under /_sim: for developers and tests, on loopback only."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from wxsim.control import machine, money, page, people
from wxsim.control.replies import Action, Ask, failure, json_response
from wxsim.errors import ControlError, PayError
from wxsim.mch.fields import is_loopback
from wxsim.world import World


def build(world: World) -> ASGIApp:
    """The ASGI application to mount at /_sim."""
    actions = [
        *people.PeopleControl(world).actions(),
        *money.MoneyControl(world).actions(),
        *machine.MachineControl(world).actions(),
        *page.Page(world).actions(),
    ]
    routes = [Route(a.path, _endpoint(a), methods=[a.method]) for a in actions]
    router = Router(routes, redirect_slashes=False, default=_unknown)
    return _LoopbackOnly(router)


class _LoopbackOnly:
    """Answers 403 to anybody who is not on this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and not (client and is_loopback(client[0])):
            refusal = failure(403, "LOOPBACK_ONLY", "/_sim answers this machine only.")
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _endpoint(action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await _body(request) if request.method == "POST" else {}
            base = f"{request.url.scheme}://{request.url.netloc}"
            answer = await action.run(Ask(body, request.path_params, request.query_params, base))
        except ControlError as error:
            return failure(error.status, error.code, error.message)
        except PayError as error:
            return failure(error.status, error.code, error.message)
        return answer if isinstance(answer, Response) else json_response(answer)

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ControlError(400, "BAD_JSON", "The body is no JSON.") from error
    if not isinstance(data, dict):
        raise ControlError(400, "BAD_JSON", "The body is a JSON object.")
    return data


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = failure(404, "UNKNOWN_PATH", "There is no such control call; see GET /_sim/.")
    await refusal(scope, receive, send)
