"""The web application: /graphql before everything, Starlette for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import client_address
from api.auth import Authenticator, Viewer
from api.files import refusal
from api.graphql import document_source, graphql_endpoint
from api.languages import language_of
from api.observability import Observed
from api.public_answers import ChangeListener, public_cache
from api.routes import routes
from api.sockets import websocket_endpoint
from domain.errors import DomainError
from executor.asgi import Headers
from executor.versions import Versions
from loaders import Loaders
from resolvers.common.context import Context
from resolvers.common.messages import Language
from services import presence
from settings import Settings
from wiring.process import Process, process


class MallApp:
    """The ASGI callable of one web process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: Process | None = None
        self._authenticator = Authenticator(settings)
        versions = Versions()
        self._changes = ChangeListener(settings.postgres_url, versions)
        self.public_cache = public_cache(settings, versions)
        documents = document_source(settings)
        self._graphql = graphql_endpoint(
            settings, documents, self._context, cache=self.public_cache
        )
        self._sockets = websocket_endpoint(
            settings, documents, self._authenticator, self._make_context
        )
        self._pages = Starlette(
            routes=routes(settings),
            exception_handlers={DomainError: _refused},
            lifespan=self._lifespan,
        )

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve a request, a socket, or the server's start and stop."""
        kind = scope["type"]
        if kind == "http" and scope["path"] == "/graphql":
            return self._graphql(scope, receive, send)
        if kind == "websocket" and scope["path"] == "/graphql":
            return self._sockets(scope, receive, send)
        return self._pages(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with process(
            self.settings, application_name="membermall-web", reuse_plans=True
        ) as running:
            self.process = running
            app.state.process = running
            async with self._authenticator.watching(), self._hearing_of_changes():
                yield
                await self._sockets.close()
            self.process = None

    def _hearing_of_changes(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self.public_cache is None else self._changes.listening()

    async def _context(self, scope: Scope, headers: Headers) -> Context:
        """Build a request's context."""
        now = datetime.now(UTC)
        authorization = headers.get(b"authorization")
        viewer = await self._authenticator.viewer(
            None if authorization is None else authorization.decode("latin-1"), now=now
        )
        if viewer is not None and not presence.sightings.knows(viewer.member_id, now=now):
            await presence.seen(viewer.member_id, now=now)
        return self._make_context(
            viewer,
            now=now,
            language=language_of(headers),
            client_ip=client_address(scope, self.settings.trusted_proxies),
            request_id=scope.get("request_id", ""),
        )

    def _make_context(
        self,
        viewer: Viewer | None,
        *,
        now: datetime,
        language: Language,
        client_ip: str,
        request_id: str,
    ) -> Context:
        """Say who asks, when, and with what at hand."""
        assert self.process is not None, "the server has started"
        member_id = viewer.member_id if viewer else None
        return Context(
            now=now,
            language=language,
            loaders=Loaders(viewer_id=member_id, now=now),
            ports=self.process.ports,
            member_id=member_id,
            session_id=viewer.session_id if viewer else None,
            client_ip=client_ip,
            request_id=request_id,
            clock=_clock,
        )


_clock = partial(datetime.now, UTC)


async def _refused(request: Request, error: Exception) -> Response:
    """Tell a refusal that no route expected: PostgreSQL being busy above all."""
    assert isinstance(error, DomainError)
    return refusal(request, error)


def create_app(settings: Settings) -> ASGIApp:
    """Return the web application, observed."""
    return Observed(MallApp(settings))
