"""The settings, their defaults and their units.

Names in the environment are the fields' names in capitals.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from settings.choices import LogFormat, Profile, Rate, SmsSender, UploadStorage
from settings.errors import Problem, SettingsError
from settings.profiles import problems_of

Network = IPv4Network | IPv6Network
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[float, Field(gt=0, le=3_600)]
Rates = Annotated[tuple[Rate, ...], NoDecode]
OneRate = Annotated[Rate, NoDecode]
LifetimeSeconds = Annotated[int, Field(ge=60, le=366 * 86_400)]

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Settings(BaseSettings):
    """Every setting of a process. Frozen; secrets never show in its repr."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        secrets_dir=None,
    )

    # Where and as what. HOME, HOST and DEBUG mean other things in many shells, hence the prefix.
    profile: Profile = Field(default=Profile.DEV, alias="MALL_PROFILE")
    home: Path = Field(default=Path(".mall"), alias="MALL_HOME")
    """The folder for uploads and development data."""
    host: str = Field(default="127.0.0.1", alias="MALL_HOST")
    """The address that the web server listens on; a container says 0.0.0.0."""
    port: Port = 8000
    public_base_url: str = ""
    """How WeChat and browsers reach the web server from outside.

    Empty means http://127.0.0.1:PORT in dev.
    """
    debug: bool = Field(default=False, alias="MALL_DEBUG")
    """Unexpected errors are answered with their text; never in production."""
    graphiql: bool | None = None
    """GET /graphql shows GraphiQL; unset means everywhere but production."""
    log_level: str = "INFO"
    log_format: LogFormat | None = None
    """Unset means console in dev and test, JSON in production."""

    # PostgreSQL. The web process answers in milliseconds or not at all; jobs and the CLI pass their
    # own limits.
    database_url: SecretStr = SecretStr("")
    database_pool_min_connections: Annotated[int, Field(ge=0, le=1_000)] = 2
    database_pool_max_connections: Count = 10
    """For each process.

    Two cores keep about ten busy; more would wait inside PostgreSQL instead of outside.
    """
    database_connect_timeout_seconds: Seconds = 5.0
    database_pool_timeout_seconds: Seconds = 6.0
    """How long to wait for a free connection, or for a new one, before the client is told BUSY."""
    database_statement_timeout_seconds: Seconds = 10.0
    """Longer than any statement of a request takes; a runaway one frees its connection after it."""
    database_lock_timeout_seconds: Seconds = 4.0
    """Shorter than the statement timeout, so that waiting for a lock is told apart and tried
    again.
    """

    # Redis. It only speeds up: a slow answer is worth less than none, hence the short limits.
    redis_url: SecretStr = SecretStr("")
    redis_cluster: bool = False
    """Whether `redis_url` names a node of a Redis Cluster."""
    redis_pool_max_connections: Count = 50
    redis_timeout_seconds: Seconds = 0.5
    """For connecting, for each answer, and for a free connection."""

    # Web server and worker.
    web_concurrency: Annotated[int, Field(ge=1, le=64)] = 1
    """Web processes. One per core in production."""
    worker_concurrency: Annotated[int, Field(ge=1, le=100)] = 4
    """Jobs at a time in one worker."""
    worker_tickets: bool = True
    """Whether the worker turns flash-sale tickets into orders; off where `mall tickets` does."""
    worker_metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Where a worker shows its figures to Prometheus, on every address; 0 is nowhere."""
    shutdown_grace_seconds: Seconds = 8.0
    """How long requests and jobs that are under way may take to end.

    Below the 10 s that containers are given.
    """
    request_max_bytes: Annotated[int, Field(ge=1_024)] = 256 * 1_024
    """The largest body of a GraphQL request; the largest honest one has a few kilobytes."""
    request_body_timeout_seconds: Seconds = 10.0
    """How long that body may take to come in, from a phone in a tunnel, say."""
    request_timeout_seconds: Seconds = 30.0
    """How long a GraphQL request may run before it is given up.

    Above what PostgreSQL and WeChat are given: their limits know better what to say.
    """
    websocket_max_sockets: Count = 1_000
    """For each web process; whoever comes then is asked to come back later."""
    public_cache_max_bytes: Annotated[int, Field(ge=0)] = 64 * 1_024 * 1_024
    """Memory of each web process for answers that anybody may see; 0 keeps none."""
    graphql_introspection: bool = True
    """Whether clients may ask for the schema."""
    trusted_documents: Annotated[tuple[Path, ...], NoDecode] = ()
    """Manifests of `mall documents build` (files, comma-separated): one for each client's release
    that is in use. Their operations are compiled at start.
    """
    trusted_documents_only: bool = False
    """Whether all other operations are refused."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks (CIDR, comma-separated) whose X-Forwarded-For is believed; none by default."""
    rate_limits: bool = True
    """Limits on the doors. Loopback is exempt in the dev profile, see `unlimited_networks`."""
    # How often one address may knock, as times/seconds, comma-separated. A Chinese carrier puts
    # thousands of phones behind one address: these stop programs, not crowds.
    limit_sign_in: Rates = (Rate(120, 60),)
    limit_refresh: Rates = (Rate(240, 60),)
    limit_bind_phone: Rates = (Rate(20, 600),)
    limit_sms: Rates = (Rate(10, 600), Rate(60, 86_400))
    """Besides this, one phone gets a code a minute and ten a day."""
    limit_code_image: Rates = (Rate(60, 60),)
    """Mini-program codes drawn by WeChat; those drawn before are free."""
    limit_coupon_code: Rates = (Rate(20, 3_600),)
    """Exchange codes tried, right or wrong; by member, wherever they are."""
    limit_upload: Rates = (Rate(60, 3_600),)
    """Forms for pictures; by member, wherever they are."""
    limit_claim_member: OneRate = Rate(20, 10)
    """Claims of flash sales by one member, in each shard; repetitions under a key are free."""
    limit_claim_address: OneRate = Rate(400, 10)
    """The same from one address."""
    flash_shards: Annotated[int, Field(ge=1, le=256)] = 16
    """Hash tags in Redis that items of flash sales are spread over.

    Changed only while no sale is published: items would be looked for elsewhere.
    """
    metrics_networks: Annotated[tuple[Network, ...], NoDecode] = LOOPBACK
    """Networks (CIDR, comma-separated) that may read /metrics."""

    # Secrets: at least 32 bytes each, all different.
    secret_key: SecretStr = SecretStr("")
    """Signs access tokens."""
    secret_key_previous: SecretStr = SecretStr("")
    """Still accepted on access tokens while the key is changed."""
    personal_data_key: SecretStr = SecretStr("")
    """Encrypts phones and addresses."""
    personal_data_key_previous: SecretStr = SecretStr("")
    """Still read while the key is changed."""
    phone_index_key: SecretStr = SecretStr("")
    """Makes the keyed hash by which a phone is found; changing it means rebuilding the hashes."""

    # Tokens.
    access_token_issuer: str = "membermall"  # noqa: S105 (a name, no secret)
    access_token_audience: str = "membermall-member"  # noqa: S105 (a name, no secret)
    access_token_lifetime_seconds: LifetimeSeconds = 2 * 3_600
    refresh_token_lifetime_seconds: LifetimeSeconds = 30 * 86_400

    # WeChat. Empty base addresses mean the real ones in production; dev and test talk to the
    # simulator only.
    wechat_api_base: str = ""
    wechat_mch_base: str = ""
    wechat_open_base: str = ""
    wechat_mini_program_appid: str = ""
    wechat_mini_program_secret: SecretStr = SecretStr("")
    wechat_official_account_appid: str = ""
    wechat_official_account_secret: SecretStr = SecretStr("")
    wechat_mch_id: str = ""
    wechat_mch_serial: str = ""
    wechat_mch_private_key: SecretStr = SecretStr("")
    """PEM text, or the path of a PEM file."""
    wechat_apiv3_key: SecretStr = SecretStr("")
    wechat_pay_public_key: str = ""
    """PEM text, or the path of a PEM file."""
    wechat_pay_public_key_id: str = ""
    wechat_timeout_seconds: Seconds = 5.0
    """For one call. A member waits for it, and WeChat answers in well under a second."""
    wechat_max_calls: Count = 20
    """Calls to WeChat at a time in one process; more wait their turn."""
    simulator_url: str = ""
    """Where the simulator's control API answers (it shows SMS codes).

    Empty outside dev and test.
    """

    # SMS codes.
    sms_sender: SmsSender = SmsSender.OFF
    sms_webhook_url: str = ""
    sms_webhook_secret: SecretStr = SecretStr("")
    sms_tencent_secret_id: str = ""
    sms_tencent_secret_key: SecretStr = SecretStr("")
    sms_tencent_sdk_app_id: str = ""
    sms_tencent_sign_name: str = ""
    """The approved signature that stands before the text."""
    sms_tencent_template_id: str = ""
    """An approved template that takes the code and its minutes."""

    # Uploads.
    upload_storage: UploadStorage = UploadStorage.LOCAL
    upload_max_bytes: Annotated[int, Field(ge=1_024)] = 5 * 1_024 * 1_024
    upload_directory: Path | None = None
    """For local storage; unset means `uploads` in MALL_HOME."""
    s3_endpoint_url: str = ""
    s3_region: str = ""
    s3_bucket: str = ""
    s3_access_key_id: str = ""
    s3_secret_access_key: SecretStr = SecretStr("")
    s3_public_base_url: str = ""
    """Where the bucket's files are read, such as a CDN; unset means at the bucket itself."""

    @field_validator("trusted_documents", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Path(part.strip()) for part in value.split(",") if part.strip())

    @field_validator("trusted_proxies", "metrics_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())

    @field_validator(
        "limit_sign_in",
        "limit_refresh",
        "limit_bind_phone",
        "limit_sms",
        "limit_code_image",
        "limit_coupon_code",
        "limit_upload",
        mode="before",
    )
    @classmethod
    def _split_rates(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Rate.parse(part) for part in value.split(","))

    @field_validator("limit_claim_member", "limit_claim_address", mode="before")
    @classmethod
    def _read_rate(cls, value: object) -> object:
        return Rate.parse(value) if isinstance(value, str) else value

    @field_validator("log_level", mode="after")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("not a level")
        return value.upper()

    @field_validator("database_url", "redis_url", mode="after")
    @classmethod
    def _well_formed_url(cls, value: SecretStr) -> SecretStr:
        # The scheme is checked with the profile's rules; a URL that cannot be split at all is
        # malformed.
        _ = urlsplit(value.get_secret_value()).port
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _all_problems_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Tell what is malformed and what the profile refuses together, for a person mends both
        in one go.
        """
        if str(data.get("MALL_PROFILE")).lower() == Profile.PRODUCTION:
            data = _REAL_WECHAT | data
        malformed: list[Problem] = []
        try:
            settings = handler(data)
        except ValidationError as error:
            malformed = [_problem(each) for each in error.errors(include_input=False)]
            names = {problem.name for problem in malformed}
            sound = {key: value for key, value in data.items() if key.upper() not in names}
            settings = handler(sound)
        told = {problem.name for problem in malformed}
        refused = [each for each in problems_of(settings) if each.name not in told]
        if malformed or refused:
            raise SettingsError([*malformed, *refused])
        return settings

    @property
    def in_production(self) -> bool:
        return self.profile is Profile.PRODUCTION

    @property
    def postgres_url(self) -> str:
        """DATABASE_URL in libpq's form, which psycopg takes as it is and `models.database` turns
        into asyncpg's.
        """
        return libpq_url(self.database_url.get_secret_value())

    @property
    def redis_dsn(self) -> str:
        return self.redis_url.get_secret_value()

    @property
    def base_url(self) -> str:
        """How the outside reaches the web server, without a slash at the end."""
        return (self.public_base_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def shows_graphiql(self) -> bool:
        return not self.in_production if self.graphiql is None else self.graphiql

    @property
    def logs_json(self) -> bool:
        return (
            self.log_format or (LogFormat.JSON if self.in_production else LogFormat.CONSOLE)
        ) is LogFormat.JSON

    @property
    def uploads(self) -> Path:
        """The folder of local upload storage."""
        return self.upload_directory or self.home / "uploads"

    @property
    def unlimited_networks(self) -> tuple[Network, ...]:
        """Networks without rate limits: loopback in the dev profile, so that replays and load
        tests run.
        """
        return LOOPBACK if self.profile is Profile.DEV else ()

    @property
    def mch_private_key_pem(self) -> str:
        return read_pem(self.wechat_mch_private_key.get_secret_value())

    @property
    def pay_public_key_pem(self) -> str:
        return read_pem(self.wechat_pay_public_key)


def load(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` (by field or MALL_* name) come first.

    Raises `SettingsError` with every problem found.
    """
    return Settings(**overrides)


def libpq_url(url: str) -> str:
    """Bring a PostgreSQL URL to libpq's form: one scheme, and `sslmode` for what asyncpg and
    others call `ssl`.
    """
    parts = urlsplit(url)
    query = [("sslmode" if key == "ssl" else key, value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(scheme="postgresql", query=urlencode(query))) if url else ""


def read_pem(text_or_path: str) -> str:
    """Return PEM text given as such (also with `\\n` for line ends, as env files hold it) or as
    a file's path.
    """
    if not text_or_path or text_or_path.lstrip().startswith("-----BEGIN"):
        return text_or_path.replace("\\n", "\n")
    return Path(text_or_path).read_text(encoding="ascii")


def _problem(error: ErrorDetails) -> Problem:
    """Put pydantic's error in our words: its own name types, and may repeat a secret."""
    name = str(error["loc"][0]).upper()
    wrong = _WRONG.get(error["type"], "is out of range" if "ctx" in error else "is malformed")
    return Problem(name, wrong, _EXPECTED.get(name.lower()) or _range(error.get("ctx", {})))


def _range(bounds: dict[str, Any]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    told = [f"{word} {bounds[key]}" for key, word in words.items() if key in bounds]
    return " and ".join(told) or "a number"


_WRONG = {
    "enum": "is none of those there are",
    "bool_parsing": "is neither on nor off",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "value_error": "is malformed",
}
_REAL_WECHAT = {
    "wechat_api_base": "https://api.weixin.qq.com",
    "wechat_mch_base": "https://api.mch.weixin.qq.com",
    "wechat_open_base": "https://open.weixin.qq.com",
}
_SWITCH = "true or false"
_RATE = "times/seconds such as 20/10"
_RATES = "times/seconds such as 10/600,60/86400"
_EXPECTED = {
    "mall_profile": "dev, test or production",
    "port": "a port number from 1 to 65535",
    "mall_debug": _SWITCH,
    "redis_cluster": _SWITCH,
    "graphiql": _SWITCH,
    "graphql_introspection": _SWITCH,
    "trusted_documents_only": _SWITCH,
    "rate_limits": _SWITCH,
    "worker_tickets": _SWITCH,
    "log_level": "DEBUG, INFO, WARNING or ERROR",
    "log_format": "console or json",
    "sms_sender": "simulator, webhook, tencent or off",
    "upload_storage": "local or s3",
    "trusted_proxies": "networks such as 10.0.0.0/8,192.168.1.1/32",
    "metrics_networks": "networks such as 10.0.0.0/8,192.168.1.1/32",
    "limit_sign_in": _RATES,
    "limit_refresh": _RATES,
    "limit_bind_phone": _RATES,
    "limit_sms": _RATES,
    "limit_code_image": _RATES,
    "limit_coupon_code": _RATES,
    "limit_upload": _RATES,
    "limit_claim_member": _RATE,
    "limit_claim_address": _RATE,
    "database_url": "postgresql://user:password@host:5432/name",
    "redis_url": "redis://:password@host:6379/0",
}
