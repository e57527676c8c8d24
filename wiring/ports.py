"""Builds every port of a process out of its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx

from gateways.personal_data import PersonalDataCipher, PersonalDataKeys
from gateways.redis.connection import RedisClient
from gateways.redis.gates import Gates
from gateways.redis.limits import Limit, LimitsConfig, RateLimits, Window
from gateways.redis.news import NewsLine
from gateways.redis.stock_gate import StockGate
from gateways.redis.token_store import TokenStore
from gateways.wechat.client import AppConfig, WechatClient
from gateways.wechat.http import Patience, WechatHttp, new_http_client
from gateways.wechat.mini_program import MiniProgram
from gateways.wechat.official_account import OfficialAccount
from gateways.wechat.pay import PayConfig, WechatPay
from services.ports import Ports
from services.stock import available_of
from settings import Rate, Settings
from wiring.flash import flash_gate_of, ticket_keys_of
from wiring.pictures import open_pictures
from wiring.redis import redis_of
from wiring.sms import sms_of
from wiring.tokens import tokens_of


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[tuple[Ports, RedisClient]]:
    """Yield the ports and the Redis client behind them; both are closed in the end."""
    async with AsyncExitStack() as stack:
        redis = redis_of(settings)
        stack.push_async_callback(redis.aclose)
        flash = flash_gate_of(settings, redis)
        news = NewsLine(redis)
        stack.push_async_callback(news.aclose)
        patience = Patience(
            connect=min(settings.wechat_timeout_seconds, 3.0),
            read=settings.wechat_timeout_seconds,
            total=settings.wechat_timeout_seconds + 2,
        )
        http = new_http_client(patience, settings.wechat_max_calls)
        stack.push_async_callback(http.aclose)
        apps = _Apps(settings, http, TokenStore(redis), patience, stack)
        pay = await stack.enter_async_context(WechatPay(_pay_config(settings, patience)))
        pictures = await stack.enter_async_context(open_pictures(settings))
        yield (
            Ports(
                public_base_url=settings.base_url,
                mini_program=apps.mini_program,
                official_account=apps.official_account,
                wechat_phones=apps.mini_program,
                texts=apps.mini_program,
                code_painter=apps.mini_program,
                pay=pay,
                gate=Gates(StockGate(redis, available_of), flash),
                flash=flash,
                ticket_keys=ticket_keys_of(settings),
                news=news,
                personal_data=personal_data_of(settings),
                limits=RateLimits(redis, _limits(settings)),
                sms=sms_of(settings, http),
                captcha=None,
                tokens=tokens_of(settings),
                pictures=pictures,
                upload_max_bytes=settings.upload_max_bytes,
            ),
            redis,
        )


class _Apps:
    """Our two WeChat products, on one HTTP client and one token store."""

    def __init__(
        self,
        settings: Settings,
        client: httpx.AsyncClient,
        tokens: TokenStore,
        patience: Patience,
        stack: AsyncExitStack,
    ) -> None:
        http = WechatHttp(settings.wechat_api_base, client, total_seconds=patience.total)
        mini_program = AppConfig(
            settings.wechat_mini_program_appid,
            settings.wechat_mini_program_secret.get_secret_value(),
            settings.wechat_api_base,
            patience,
            settings.wechat_max_calls,
        )
        official_account = AppConfig(
            settings.wechat_official_account_appid,
            settings.wechat_official_account_secret.get_secret_value(),
            settings.wechat_api_base,
            patience,
            settings.wechat_max_calls,
        )
        clients = [WechatClient(app, http, tokens) for app in (mini_program, official_account)]
        for each in clients:
            stack.callback(each.close)
        self.mini_program = MiniProgram(mini_program, http, clients[0])
        self.official_account = OfficialAccount(
            official_account,
            http,
            clients[1],
            page_hosts={urlsplit(settings.base_url).hostname or ""},
        )


def _pay_config(settings: Settings, patience: Patience) -> PayConfig:
    base, mchid = settings.base_url, settings.wechat_mch_id
    return PayConfig(
        mchid=mchid,
        mch_serial=settings.wechat_mch_serial,
        mch_private_key=settings.mch_private_key_pem,
        apiv3_key=settings.wechat_apiv3_key.get_secret_value(),
        public_key_id=settings.wechat_pay_public_key_id,
        public_key=settings.pay_public_key_pem,
        mini_program_appid=settings.wechat_mini_program_appid,
        official_account_appid=settings.wechat_official_account_appid,
        payment_notify_url=f"{base}/wechat/pay/notify/{mchid}",
        refund_notify_url=f"{base}/wechat/refund/notify/{mchid}",
        base=settings.wechat_mch_base,
        patience=patience,
        max_connections=settings.wechat_max_calls,
    )


def personal_data_of(settings: Settings) -> PersonalDataCipher:
    """Return what seals personal data under the keys of the settings."""
    previous = settings.personal_data_key_previous.get_secret_value()
    return PersonalDataCipher(
        PersonalDataKeys(
            current=settings.personal_data_key.get_secret_value(),
            previous=(previous,) if previous else (),
            index=settings.phone_index_key.get_secret_value(),
        )
    )


def _limits(settings: Settings) -> LimitsConfig:
    doors = {
        "sign_in": settings.limit_sign_in,
        "refresh": settings.limit_refresh,
        "bind_phone": settings.limit_bind_phone,
        "sms": settings.limit_sms,
        "code_image": settings.limit_code_image,
        "coupon_code": settings.limit_coupon_code,
        "upload": settings.limit_upload,
    }
    return LimitsConfig(
        doors={door: [_limit(rate) for rate in rates] for door, rates in doors.items()},
        exempt=settings.unlimited_networks,
        hash_key=settings.phone_index_key.get_secret_value(),
        enabled=settings.rate_limits,
    )


def _limit(rate: Rate) -> Limit:
    """Remember each knock where there are few: exact, and no double share around a window's end."""
    window = Window.MOVING if rate.times <= _REMEMBERED_KNOCKS else Window.FIXED
    return Limit(rate.times, rate.seconds, window)


_REMEMBERED_KNOCKS = 100
