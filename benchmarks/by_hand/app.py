"""Hand-written handlers on Starlette and asyncpg that answer the same bytes as the mall.

What a careful engineer would write for these answers alone: a query or two, a dict, orjson. The
token check, the rule of the price and the sealing of personal data are the mall's own functions,
so that what is compared is how an answer is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth import Authenticator
from api.observability import Observed
from benchmarks.by_hand import buying, home, member, reading, signing_in
from benchmarks.by_hand.shared import Shared, keep, prepare
from domain.rules import from_document
from gateways.wechat.http import DEFAULT_PATIENCE, new_http_client
from models import database
from models.database import dsn
from resolvers.common.messages import chinese
from settings import Settings, load
from wiring.ports import personal_data_of
from wiring.tokens import tokens_of


def application() -> ASGIApp:
    """Return the application, with the mall's request ids and figures for Prometheus."""
    app = Starlette(
        routes=[
            Route("/home", home.home, methods=["POST"]),
            Route("/dashboard", member.dashboard, methods=["POST"]),
            Route("/orders", member.orders, methods=["POST"]),
            Route("/list", reading.product_list, methods=["POST"]),
            Route("/page", reading.product_page, methods=["POST"]),
            Route("/quote", buying.quote_order, methods=["POST"]),
            Route("/place", buying.place_order, methods=["POST"]),
            Route("/pay", buying.pay_order, methods=["POST"]),
            Route("/sign-in", signing_in.sign_in, methods=["POST"]),
            Route("/readyz", reading.ready),
        ],
        lifespan=_lifespan,
    )
    return Observed(_limited(app))


def _limited(app: ASGIApp) -> ASGIApp:
    """Give a request as long as the mall gives it."""
    seconds = load().request_timeout_seconds

    async def limited(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        async with asyncio.timeout(seconds):
            await app(scope, receive, send)

    return limited


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    settings = load()
    chinese()
    authenticator = Authenticator(settings)
    async with (
        _news(settings, authenticator),
        asyncpg.create_pool(
            **dsn(settings.postgres_url),
            min_size=settings.database_pool_min_connections,
            max_size=settings.database_pool_max_connections,
            init=prepare,
            reset=keep,
            server_settings={
                "application_name": "by-hand",
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
            },
        ) as pool,
        new_http_client(DEFAULT_PATIENCE, settings.wechat_max_calls) as http,
    ):
        rules = await pool.fetchrow("SELECT id, document FROM rule_version ORDER BY number DESC")
        app.state.shared = Shared(
            settings=settings,
            base_url=settings.base_url,
            pool=pool,
            http=http,
            tokens=tokens_of(settings),
            data=personal_data_of(settings),
            merchant_key=_merchant_key(settings),
            wechat_key=_wechat_key(settings),
            rules=from_document(rules["document"]),
            rule_version_id=rules["id"],
            authenticator=authenticator,
        )
        yield


@asynccontextmanager
async def _news(settings: Settings, authenticator: Authenticator) -> AsyncIterator[None]:
    """Look once a second which sessions have ended, as the mall does, on a connection for it."""
    await database.connect(settings.postgres_url, max_size=1, application_name="by-hand-news")
    try:
        async with authenticator.watching():
            yield
    finally:
        await database.close()


def _merchant_key(settings: Settings) -> RSAPrivateKey:
    key = load_pem_private_key(settings.mch_private_key_pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _wechat_key(settings: Settings) -> RSAPublicKey:
    key = load_pem_public_key(settings.pay_public_key_pem.encode())
    assert isinstance(key, RSAPublicKey)
    return key
