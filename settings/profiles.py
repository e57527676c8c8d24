"""What each profile refuses. Every rule gives its problems; none stops the others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import SecretStr

from settings.choices import SmsSender, UploadStorage
from settings.errors import Problem, SettingsError

if TYPE_CHECKING:
    from settings.model import Settings

SECRET_BYTES = 32
_LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0", ""}  # noqa: S104 (compared, not bound)
_WEAK_WORDS = (
    "change-me",
    "changeme",
    "example",
    "password",
    "secret-key",
    "dev-only",
    "test-only",
)
_DISTINCT_BYTES = (
    10  # Of 32 random bytes in base64, fewer than 15 distinct ones are next to impossible.
)
_SECRETS = ("secret_key", "personal_data_key", "phone_index_key")
_PREVIOUS_SECRETS = ("secret_key_previous", "personal_data_key_previous")
_WECHAT_BASES = ("wechat_api_base", "wechat_mch_base", "wechat_open_base")
_WECHAT_VALUES = (
    "wechat_mini_program_appid",
    "wechat_mini_program_secret",
    "wechat_official_account_appid",
    "wechat_official_account_secret",
    "wechat_mch_id",
    "wechat_mch_serial",
    "wechat_mch_private_key",
    "wechat_apiv3_key",
    "wechat_pay_public_key",
    "wechat_pay_public_key_id",
)
_APIV3_KEY_BYTES = 32  # AES-256, fixed by WeChat Pay.


def problems_of(settings: Settings) -> list[Problem]:
    """Return all that is wrong with well-formed settings."""
    found = [
        *_servers(settings),
        *_secrets(settings),
        *_wechat(settings),
        *_bounds(settings),
        *_documents(settings),
        *_choices(settings),
    ]
    if settings.in_production:
        found += _production(settings)
    return found


def _servers(settings: Settings) -> Iterator[Problem]:
    for name, url, schemes, example in (
        (
            "DATABASE_URL",
            settings.database_url,
            _POSTGRES_SCHEMES,
            "postgresql://user:password@host:5432/name",
        ),
        ("REDIS_URL", settings.redis_url, ("redis", "rediss"), "redis://:password@host:6379/0"),
    ):
        parts = urlsplit(url.get_secret_value())
        if not url.get_secret_value():
            yield Problem(name, "is not set", example)
        elif parts.scheme not in schemes:
            yield Problem(name, "has another scheme", example)
    redis = urlsplit(settings.redis_url.get_secret_value())
    if settings.redis_cluster and redis.path not in ("", "/", "/0"):
        example = "redis://:password@host:6379/0"
        yield Problem("REDIS_URL", "names a database, which a cluster hasn't", example)


_POSTGRES_SCHEMES = (
    "postgresql",
    "postgres",
    "postgresql+asyncpg",
    "postgresql+psycopg",
    "asyncpg",
    "psycopg",
)


def _secrets(settings: Settings) -> Iterator[Problem]:
    expected = f"{SECRET_BYTES} random bytes or more, as `openssl rand -base64 48` gives them"
    values = {name: _text(settings, name) for name in (*_SECRETS, *_PREVIOUS_SECRETS)}
    for name, value in values.items():
        if not value:
            if name in _SECRETS:
                yield Problem(name.upper(), "is not set", expected)
        elif len(value.encode()) < SECRET_BYTES:
            yield Problem(name.upper(), f"is shorter than {SECRET_BYTES} bytes", expected)
        elif settings.in_production and _is_weak(value):
            yield Problem(name.upper(), "can be guessed", expected)
    for one, other in combinations(values, 2):
        if values[one] and values[one] == values[other]:
            yield Problem(other.upper(), f"is the same as {one.upper()}", "a secret of its own")


def _is_weak(value: str) -> bool:
    lowered = value.lower()
    return len(set(value)) < _DISTINCT_BYTES or any(word in lowered for word in _WEAK_WORDS)


def _wechat(settings: Settings) -> Iterator[Problem]:
    for name in _WECHAT_BASES:
        if value := _text(settings, name):
            yield from _wechat_base(settings, name.upper(), urlsplit(value))
    key = settings.wechat_apiv3_key.get_secret_value()
    if key and len(key.encode()) != _APIV3_KEY_BYTES:
        yield Problem(
            "WECHAT_APIV3_KEY",
            f"does not have {_APIV3_KEY_BYTES} bytes",
            "the APIv3 key of the merchant",
        )
    for name in ("wechat_mch_private_key", "wechat_pay_public_key"):
        value = _text(settings, name)
        if value and not value.lstrip().startswith("-----BEGIN") and not Path(value).is_file():
            yield Problem(
                name.upper(), "is neither PEM text nor a file", "PEM text or the path of a PEM file"
            )
        elif value and not _holds_key(settings, name):
            yield Problem(name.upper(), "holds no such key", "the RSA key in PEM, without password")


def _holds_key(settings: Settings, name: str) -> bool:
    try:
        if name == "wechat_mch_private_key":
            private = settings.mch_private_key_pem.encode()
            return isinstance(load_pem_private_key(private, password=None), RSAPrivateKey)
        public = settings.pay_public_key_pem.encode()
        return isinstance(load_pem_public_key(public), RSAPublicKey)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm):
        return False


def require_wechat(settings: Settings) -> None:
    """Refuse to serve without the values that lead to WeChat; `Settings` asks in production alone.

    Raises `SettingsError` with all that are missing.
    """
    if missing := list(_missing_wechat(settings, _FROM_SIMULATOR)):
        raise SettingsError(missing)


def _missing_wechat(settings: Settings, expected: str) -> Iterator[Problem]:
    for name in _WECHAT_VALUES:
        if not _text(settings, name):
            yield Problem(name.upper(), "is not set", expected)


_FROM_CONSOLE = "the value from WeChat's console"
_FROM_SIMULATOR = "the value of the simulator's /_sim/config.json, as `mall up` sets it"


def _wechat_base(settings: Settings, name: str, url: SplitResult) -> Iterator[Problem]:
    host = url.hostname or ""
    ours = host == "weixin.qq.com" or host.endswith(".weixin.qq.com")
    if settings.in_production:
        if host in _LOOPBACK_HOSTS:
            yield Problem(
                name,
                "is a simulator on this machine",
                "nothing, or https at a host of weixin.qq.com",
            )
        elif url.scheme != "https" or not ours:
            yield Problem(name, "is not WeChat", "nothing, or https at a host of weixin.qq.com")
    elif host.endswith("qq.com"):
        yield Problem(
            name, f"is the real WeChat in profile {settings.profile}", "the simulator's address"
        )
    elif url.scheme not in ("http", "https") or not host:
        yield Problem(name, "is no web address", "the simulator's address")


def _bounds(settings: Settings) -> Iterator[Problem]:
    if settings.database_pool_min_connections > settings.database_pool_max_connections:
        yield Problem(
            "DATABASE_POOL_MIN_CONNECTIONS",
            "is more than DATABASE_POOL_MAX_CONNECTIONS",
            "at most that many",
        )
    if settings.database_lock_timeout_seconds >= settings.database_statement_timeout_seconds:
        yield Problem(
            "DATABASE_LOCK_TIMEOUT_SECONDS",
            "is not below DATABASE_STATEMENT_TIMEOUT_SECONDS",
            "less, or a wait for a lock could not be told from a slow statement",
        )


def _documents(settings: Settings) -> Iterator[Problem]:
    files = settings.trusted_documents
    if not all(file.is_file() for file in files):
        yield Problem("TRUSTED_DOCUMENTS", "names what is no file", _MANIFESTS)
    if settings.trusted_documents_only and not files:
        # The shop's own would still run, and no client could ask for anything.
        yield Problem("TRUSTED_DOCUMENTS", "is not set, and TRUSTED_DOCUMENTS_ONLY is", _MANIFESTS)


_MANIFESTS = "files that `mall documents build` wrote, comma-separated"


def _choices(settings: Settings) -> Iterator[Problem]:
    wanted: dict[str, str] = {}
    if settings.upload_storage is UploadStorage.S3:
        wanted = dict.fromkeys(
            ("s3_region", "s3_bucket", "s3_access_key_id", "s3_secret_access_key"),
            "UPLOAD_STORAGE=s3",
        )
    if settings.sms_sender is SmsSender.WEBHOOK:
        wanted |= dict.fromkeys(("sms_webhook_url", "sms_webhook_secret"), "SMS_SENDER=webhook")
    if settings.sms_sender is SmsSender.TENCENT:
        names = ("secret_id", "secret_key", "sdk_app_id", "sign_name", "template_id")
        wanted |= {f"sms_tencent_{name}": "SMS_SENDER=tencent" for name in names}
    for name, reason in wanted.items():
        if not _text(settings, name):
            yield Problem(name.upper(), "is not set", f"a value, because {reason}")


def _production(settings: Settings) -> Iterator[Problem]:
    if settings.debug:
        yield Problem("MALL_DEBUG", "is on", "off in production: errors would show their insides")
    if settings.simulator_url:
        yield Problem("SIMULATOR_URL", "is set", "nothing in production")
    if settings.sms_sender is SmsSender.SIMULATOR:
        yield Problem(
            "SMS_SENDER",
            "shows codes on the simulator's page",
            "webhook, tencent or off in production",
        )
    base = urlsplit(settings.public_base_url)
    if base.scheme != "https" or (base.hostname or "") in _LOOPBACK_HOSTS or base.query:
        yield Problem("PUBLIC_BASE_URL", "is no public https address", "https://mall.example.com")
    yield from _missing_wechat(settings, _FROM_CONSOLE)


def _text(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
