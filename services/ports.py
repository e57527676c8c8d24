"""The outside world as the services see it: one `Ports` for each process, built by `wiring`.

Each port is a Protocol beside its use; this is only the bundle that the context carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.stock_gate import StockDrift
from services.captcha import Captcha
from services.code_images import CodePainter
from services.flash_gate import FlashGate
from services.news import NewsLine
from services.payment_gateway import PaymentGateway
from services.personal_data import PersonalData
from services.profiles import TextCheck
from services.rate_limits import RateLimits
from services.sessions import SessionTokens
from services.sms_codes import SmsSender
from services.stock import StockGate
from services.uploads import PictureStorage
from services.wechat_login import WechatApp, WechatPhones


class ReconciledGate(StockGate, Protocol):
    """The stock gate with the sweep's side of it."""

    async def reconcile(self) -> list[StockDrift]:
        """Compare every count with PostgreSQL; drop and return those that are certainly wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every gateway that a use case may be handed.

    `public_base_url` is how the outside reaches the web server, without a slash at the end.
    `ticket_keys` sign tickets of flash sales, the first one new ones.
    `captcha` is None where the brand asks for none. `upload_max_bytes` is the installation's limit
    for one picture, beside that of its purpose.
    """

    public_base_url: str
    mini_program: WechatApp
    official_account: WechatApp
    wechat_phones: WechatPhones
    texts: TextCheck
    code_painter: CodePainter
    pay: PaymentGateway
    gate: ReconciledGate
    flash: FlashGate
    ticket_keys: tuple[bytes, ...]
    news: NewsLine
    personal_data: PersonalData
    limits: RateLimits
    sms: SmsSender
    captcha: Captcha | None
    tokens: SessionTokens
    pictures: PictureStorage
    upload_max_bytes: int
