"""WeChat Pay v3 through wechatpayv3, with the library's defects worked around.

A call succeeds, raises `WechatPayRefused` (a definite no), or raises `WechatUnavailable`: then the
outcome is unknown and the same number is to be queried. Timeouts, 5xx and answers whose signature
does not hold are all unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import httpx
import structlog
from cryptography import x509
from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType
from wechatpayv3.async_.core import AsyncCore

from domain.clock import SHANGHAI
from domain.errors import WechatUnavailable
from domain.orders import PaymentMethod
from domain.payments import (
    PrepayRequest,
    RefundNotice,
    RefundRequest,
    RefundState,
    RefusalReason,
    SignedPayment,
    Transaction,
    WechatPayRefused,
)
from gateways.wechat import pay_answers
from gateways.wechat.http import DEFAULT_PATIENCE, Patience, new_http_client
from gateways.wechat.pay_answers import Fields
from gateways.wechat.pay_errors import raise_for
from gateways.wechat.pay_signatures import (
    PlatformKeys,
    SignatureRefused,
    UnknownSerial,
    check_signature,
    decrypt_resource,
)

_LOG = structlog.get_logger(__name__)
_T = TypeVar("_T")

_CERTIFICATES_GOOD_FOR_SECONDS = 12 * 3_600
_CERTIFICATES_PAUSE_SECONDS = 60
_DESCRIPTION_LIMIT = 127
_REASON_LIMIT = 80


class InvalidNotification(Exception):
    """What came to a notify URL does not prove to be WeChat Pay's news for us; answer it 4xx.

    The text says why, for the log alone.
    """


@dataclass(frozen=True, slots=True)
class VerifiedNotification:
    """A notification that may be stored: `id` is the same for each time it is delivered."""

    id: str
    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayConfig:
    """A merchant in WeChat Pay public-key mode; keys are PEM texts."""

    mchid: str
    mch_serial: str
    mch_private_key: str = field(repr=False)
    apiv3_key: str = field(repr=False)
    public_key_id: str
    public_key: str = field(repr=False)
    mini_program_appid: str
    official_account_appid: str
    payment_notify_url: str
    refund_notify_url: str
    base: str = "https://api.mch.weixin.qq.com"
    patience: Patience = DEFAULT_PATIENCE
    max_connections: int = 64


class _Core(AsyncCore):  # type: ignore[misc]  # wechatpayv3 is published without types.
    """The library's signing and sending, with our client, base URL and signature check."""

    def __init__(
        self,
        config: PayConfig,
        client: httpx.AsyncClient,
        check: Callable[[Mapping[str, str], bytes], None],
    ) -> None:
        super().__init__(
            mchid=config.mchid,
            cert_serial_no=config.mch_serial,
            private_key=config.mch_private_key,
            apiv3_key=config.apiv3_key,
            public_key=config.public_key,
            public_key_id=config.public_key_id,
        )
        self._gate_way = config.base.rstrip("/")
        self._client = client
        self._check = check

    async def _verify_signature_async(self, headers: httpx.Headers, body: str) -> bool:
        self._check(headers, body.encode())
        return True


class _Library(AsyncWeChatPay):  # type: ignore[misc]  # As above.
    """The library's calls over our core."""

    def __init__(self, config: PayConfig, core: _Core) -> None:
        super().__init__(
            wechatpay_type=WeChatPayType.MINIPROG,
            mchid=config.mchid,
            private_key=config.mch_private_key,
            cert_serial_no=config.mch_serial,
            appid=config.mini_program_appid,
            apiv3_key=config.apiv3_key,
            public_key=config.public_key,
            public_key_id=config.public_key_id,
        )
        self._core = core

    def certificates(self) -> Awaitable[tuple[int, str | bytes]]:
        """Ask for the platform certificates.

        The answer is not verified: it may be signed with what it brings, and the certificates in it
        are encrypted with a key that only WeChat and we have.
        """
        answer: Awaitable[tuple[int, str | bytes]]
        answer = self._core.request("/v3/certificates", skip_verify=True)
        return answer


class WechatPay:
    """One merchant's payments; open it with `async with`, once for each process."""

    def __init__(
        self, config: PayConfig, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._config = config
        self._clock = clock
        self._keys = PlatformKeys(config.public_key_id, config.public_key)
        self._http = new_http_client(config.patience, config.max_connections)
        self._library = _Library(config, _Core(config, self._http, self._check_answer))
        self._wanted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Hold the platform certificates there are, and keep them fresh until closed."""
        await self.refresh_certificates()
        self._keeper = asyncio.create_task(self._keep_certificates())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self._http.aclose()

    @property
    def mchid(self) -> str:
        """Our merchant number."""
        return self._config.mchid

    def appid_of(self, method: str) -> str:
        """Return the appid that a payment method belongs to; H5 is the official account's."""
        if method == PaymentMethod.WECHAT_MINI_PROGRAM:
            return self._config.mini_program_appid
        return self._config.official_account_appid

    async def prepay_jsapi(self, request: PrepayRequest) -> str:
        """Make or find the order of that number; return a fresh prepay_id, good for two hours."""
        answer = await self._prepay(
            request, pay_type=WeChatPayType.JSAPI, payer={"openid": request.openid}
        )
        return _read(_prepay_id, answer)

    async def prepay_h5(self, request: PrepayRequest) -> str:
        """Make or find the order of that number; return the URL to send the browser to."""
        scene = {"payer_client_ip": request.client_ip, "h5_info": {"type": "Wap"}}
        answer = await self._prepay(request, pay_type=WeChatPayType.H5, scene_info=scene)
        return _read(_h5_url, answer)

    def sign(self, prepay_id: str, appid: str) -> SignedPayment:
        """Sign what the client hands to WeChat."""
        time_stamp = str(int(self._clock().timestamp()))
        nonce, package = token_hex(16), f"prepay_id={prepay_id}"
        return SignedPayment(
            app_id=appid,
            time_stamp=time_stamp,
            nonce_str=nonce,
            package=package,
            sign_type="RSA",
            pay_sign=self._library.sign([appid, time_stamp, nonce, package]),
        )

    async def query(self, out_trade_no: str) -> Transaction | None:
        """Return what WeChat knows of the number; None when it has never heard of it.

        Any other refusal to tell leaves us as wise as before: `WechatUnavailable`.
        """
        try:
            answer = await self._ask(self._library.query(out_trade_no=out_trade_no))
        except WechatPayRefused as refused:
            _require_never_heard(refused)
            return None
        return _read(pay_answers.read_transaction, answer)

    async def close(self, out_trade_no: str) -> None:
        """Make the number unpayable; one that WeChat doesn't know is closed already."""
        try:
            await self._ask(self._library.close(out_trade_no))
        except WechatPayRefused as refused:
            if refused.reason not in {RefusalReason.NOT_FOUND, RefusalReason.CLOSED}:
                raise

    async def refund(self, request: RefundRequest) -> RefundState:
        """Ask for money to go back; the same number is the same refund."""
        answer = await self._ask(
            self._library.refund(
                out_refund_no=request.out_refund_no,
                out_trade_no=request.out_trade_no,
                reason=request.reason[:_REASON_LIMIT],
                notify_url=self._config.refund_notify_url,
                amount={
                    "refund": request.refund_fen,
                    "total": request.total_fen,
                    "currency": "CNY",
                },
            )
        )
        return _read(_refund_state, answer)

    async def query_refund(self, out_refund_no: str) -> RefundState | None:
        """Return where a refund stands; None when WeChat has never heard of it.

        Any other refusal to tell is `WechatUnavailable`.
        """
        try:
            answer = await self._ask(self._library.query_refund(out_refund_no))
        except WechatPayRefused as refused:
            _require_never_heard(refused)
            return None
        return _read(_refund_state, answer)

    def verify(
        self, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> VerifiedNotification:
        """Prove that a notification is WeChat Pay's, fresh, and for this merchant.

        `headers` finds lower-case names; `body` is the raw one, byte for byte.

        Raises:
            InvalidNotification: in every other case.
        """
        try:
            check_signature(self._keys, headers, body, now=now)
            notification = pay_answers.read_object(body)
            resource = self._open(notification)
            if resource.get("mchid") != self.mchid:
                raise InvalidNotification("another merchant's")
            return VerifiedNotification(
                id=pay_answers.text(notification, "id"),
                event_type=pay_answers.text(notification, "event_type"),
            )
        except UnknownSerial as error:
            # Checking never calls out; WeChat comes again after the certificates were fetched.
            self._wanted.set()
            raise InvalidNotification(str(error)) from error
        except (SignatureRefused, ValueError) as error:
            raise InvalidNotification(str(error)) from error

    def read(self, body: bytes) -> Transaction | RefundNotice | None:
        """Decrypt a notification that was verified when it came; None for news of other kinds.

        Raises:
            ValueError: it is not as WeChat documents it.
        """
        notification = pay_answers.read_object(body)
        kind = str(notification.get("event_type", "")).partition(".")[0]
        if kind == "TRANSACTION":
            return pay_answers.read_transaction(self._open(notification))
        if kind == "REFUND":
            return pay_answers.read_refund_notice(self._open(notification))
        return None

    async def refresh_certificates(self) -> bool:
        """Download the platform certificates; those we hold stay unless that succeeds.

        A merchant new to WeChat Pay has none: then the public key alone signs.
        """
        try:
            answer = await self._ask(self._library.certificates())
            certificates = [self._certificate(entry) for entry in answer["data"]]
        except WechatPayRefused as refused:
            return refused.reason is RefusalReason.NOT_FOUND
        except (WechatUnavailable, ValueError, KeyError, TypeError) as error:
            _LOG.warning("wechat_pay_certificates_not_fetched", error=type(error).__name__)
            return False
        self._keys.replace_certificates(certificates)
        return True

    async def _keep_certificates(self) -> None:
        """Fetch the certificates twice a day, and when a serial was unknown, once a minute."""
        while True:
            await asyncio.sleep(_CERTIFICATES_PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_CERTIFICATES_GOOD_FOR_SECONDS):
                    await self._wanted.wait()
            self._wanted.clear()
            await self.refresh_certificates()

    def _certificate(self, entry: Mapping[str, Any]) -> x509.Certificate:
        pem = decrypt_resource(self._config.apiv3_key, entry["encrypt_certificate"])
        return x509.load_pem_x509_certificate(pem)

    def _open(self, notification: Fields) -> Fields:
        resource = notification.get("resource")
        if not isinstance(resource, dict):
            raise pay_answers.Malformed("there is no resource")
        return pay_answers.read_object(decrypt_resource(self._config.apiv3_key, resource))

    def _check_answer(self, headers: Mapping[str, str], body: bytes) -> None:
        check_signature(self._keys, headers, body, now=self._clock())

    async def _prepay(self, request: PrepayRequest, **particular: Any) -> Fields:
        return await self._ask(
            self._library.pay(
                description=request.description[:_DESCRIPTION_LIMIT],
                out_trade_no=request.out_trade_no,
                amount={"total": request.amount_fen, "currency": "CNY"},
                time_expire=request.expires_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
                notify_url=self._config.payment_notify_url,
                appid=request.appid,
                **particular,
            )
        )

    async def _ask(self, call: Awaitable[tuple[int, str | bytes]]) -> Fields:
        """Await a call of the library and return its answer's object, empty for 204."""
        try:
            with anyio.fail_after(self._config.patience.total):
                status, answer = await call
        except (httpx.HTTPError, TimeoutError, SignatureRefused) as error:
            _LOG.warning("wechat_pay_outcome_unknown", error=type(error).__name__)
            raise WechatUnavailable from error
        if status == httpx.codes.NO_CONTENT:
            return {}
        try:
            fields = pay_answers.read_object(answer)
        except ValueError:
            fields = {}
        if not httpx.codes.is_success(status):
            raise_for(status, str(fields.get("code", "")))
        return fields


def _read(read: Callable[[Fields], _T], answer: Fields) -> _T:
    """Read an answer; one that is not as documented leaves the outcome unknown."""
    try:
        return read(answer)
    except ValueError as error:
        _LOG.warning("wechat_pay_outcome_unknown", error=str(error))
        raise WechatUnavailable from error


def _require_never_heard(refused: WechatPayRefused) -> None:
    """Let a question's refusal pass that means there is no such thing; any other tells nothing."""
    if refused.reason is not RefusalReason.NOT_FOUND:
        raise WechatUnavailable from refused


def _refund_state(answer: Fields) -> RefundState:
    return RefundState(pay_answers.text(answer, "status"))


def _prepay_id(answer: Fields) -> str:
    return pay_answers.text(answer, "prepay_id")


def _h5_url(answer: Fields) -> str:
    return pay_answers.text(answer, "h5_url")
