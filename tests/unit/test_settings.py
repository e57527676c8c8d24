"""Settings: what is refused, that all of it is told at once, and that no secret is told."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from settings import Profile, Rate, Settings, SettingsError, load

_SECRETS = {
    "secret_key": "kT7vX0qLw2Zr9YbN4mHs8JcPd1GfQe5U",
    "personal_data_key": "Uq3Wm8RzJx5Nc0VtLh6YbKe2Ps9Dg4Fa",
    "phone_index_key": "Zp4Xs7Ct1Rw9Mv2Kj6Lh8Qb3Nf5Gd0Ye",
}
_DEV: dict[str, Any] = {
    "database_url": "postgresql://mall:pw@127.0.0.1/mall",
    "redis_url": "redis://127.0.0.1",
    **_SECRETS,
}
_RANDOM = "32 random bytes or more, as `openssl rand -base64 48` gives them"
_REAL = "nothing, or https at a host of weixin.qq.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_KEY_PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
_PUBLIC_PEM = (
    _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
_PRODUCTION: dict[str, Any] = {
    **_DEV,
    "MALL_PROFILE": "production",
    "public_base_url": "https://mall.example.com/",
    "wechat_mini_program_appid": "wx1",
    "wechat_mini_program_secret": "s1",
    "wechat_official_account_appid": "wx2",
    "wechat_official_account_secret": "s2",
    "wechat_mch_id": "1900000001",
    "wechat_mch_serial": "5157F09EFDC096DE",
    "wechat_mch_private_key": _KEY_PEM,
    "wechat_apiv3_key": "0123456789abcdef0123456789abcdef",
    "wechat_pay_public_key": _PUBLIC_PEM,
    "wechat_pay_public_key_id": "PUB_KEY_ID_1",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv((field.alias or name).upper(), raising=False)


def refused(**given: Any) -> list[str]:
    """Return the names of the settings that are refused, in the order they are told."""
    with pytest.raises(SettingsError) as caught:
        load(**given)
    return [problem.name for problem in caught.value.problems]


def test_defaults_are_enough_with_servers_and_secrets() -> None:
    settings = load(**_DEV)
    assert settings.profile is Profile.DEV
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.shows_graphiql is True
    assert settings.logs_json is False
    assert settings.uploads == Path(".mall/uploads")


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "MALL_PROFILE": "production",
        "PORT": "eighty",
        "MALL_DEBUG": "perhaps",
        "TRUSTED_PROXIES": "10.0.0.0/8,nonsense",
        "REDIS_TIMEOUT_SECONDS": "-1",
        "DATABASE_URL": "mysql://h/d",
        "SECRET_KEY": "short",
        "SIMULATOR_URL": "http://127.0.0.1:8001",
        "WECHAT_MCH_BASE": "http://127.0.0.1:8001/mch",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    secrets = {name: _SECRETS[name] for name in ("personal_data_key", "phone_index_key")}
    wechat = {name: value for name, value in _PRODUCTION.items() if name.startswith("wechat_")}
    with pytest.raises(SettingsError) as caught:
        load(**secrets, **wechat, public_base_url="https://mall.example.com")
    assert {str(problem) for problem in caught.value.problems} == {
        "PORT: is not a whole number; expected a port number from 1 to 65535",
        "MALL_DEBUG: is neither on nor off; expected true or false",
        "TRUSTED_PROXIES: is malformed; expected networks such as 10.0.0.0/8,192.168.1.1/32",
        "REDIS_TIMEOUT_SECONDS: is out of range; expected more than 0.0",
        "DATABASE_URL: has another scheme; expected postgresql://user:password@host:5432/name",
        "REDIS_URL: is not set; expected redis://:password@host:6379/0",
        f"SECRET_KEY: is shorter than 32 bytes; expected {_RANDOM}",
        "SIMULATOR_URL: is set; expected nothing in production",
        f"WECHAT_MCH_BASE: is a simulator on this machine; expected {_REAL}",
    }


def test_no_secret_is_shown() -> None:
    url = "postgresql://mall:hunter2@h/d"
    assert "hunter2" not in repr(load(**{**_DEV, "database_url": url}))
    assert not [value for value in _SECRETS.values() if value in repr(load(**_DEV))]
    with pytest.raises(SettingsError) as caught:
        load(**{**_DEV, "database_url": "postgresql://mall:hunter2@h:port/d"})
    assert str(caught.value) == (
        "DATABASE_URL: is malformed; expected postgresql://user:password@host:5432/name"
    )


def test_settings_are_frozen() -> None:
    settings = load(**_DEV)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_production_takes_wechats_own_addresses_by_default() -> None:
    settings = load(**_PRODUCTION)
    assert settings.wechat_api_base == "https://api.weixin.qq.com"
    assert settings.wechat_mch_base == "https://api.mch.weixin.qq.com"
    assert settings.wechat_open_base == "https://open.weixin.qq.com"
    assert settings.shows_graphiql is False
    assert settings.logs_json is True
    assert settings.unlimited_networks == ()
    assert settings.base_url == "https://mall.example.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALL_DEBUG", True),
        ("simulator_url", "http://127.0.0.1:8001"),
        ("sms_sender", "simulator"),
        ("public_base_url", "http://mall.example.com"),
        ("public_base_url", "https://localhost"),
        ("wechat_api_base", "http://127.0.0.1:8001/api"),
        ("wechat_api_base", "http://api.weixin.qq.com"),
        ("wechat_mch_base", "https://api.mch.weixin.qq.com.evil.example"),
        ("wechat_open_base", "https://weixin.example"),
        ("wechat_mch_private_key", "no/such/file.pem"),
        ("wechat_apiv3_key", "one byte too few for AES-256-GCM"[1:]),
        ("secret_key", "change-me-change-me-change-me-change-me"),
        ("secret_key", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("secret_key", "short"),
        ("personal_data_key", _SECRETS["secret_key"]),
        ("phone_index_key", ""),
    ],
)
def test_production_refuses(name: str, value: object) -> None:
    assert refused(**{**_PRODUCTION, name: value}) == [name.upper()]


def test_production_names_each_missing_key() -> None:
    bare = {name: value for name, value in _PRODUCTION.items() if not name.startswith("wechat_")}
    wanted = [name.upper() for name in _PRODUCTION if name.startswith("wechat_")]
    assert sorted(refused(**bare)) == sorted(wanted)


@pytest.mark.parametrize("profile", ["dev", "test"])
def test_other_profiles_refuse_the_real_wechat(profile: str) -> None:
    given = {**_DEV, "MALL_PROFILE": profile, "wechat_mch_base": "https://api.mch.weixin.qq.com"}
    assert refused(**given) == ["WECHAT_MCH_BASE"]


def test_a_lock_is_given_up_before_its_statement_is() -> None:
    given = {"database_lock_timeout_seconds": 10, "database_statement_timeout_seconds": 10}
    assert refused(**_DEV, **given) == ["DATABASE_LOCK_TIMEOUT_SECONDS"]


def test_a_pool_is_not_smaller_than_its_least() -> None:
    given = {"database_pool_min_connections": 11, "database_pool_max_connections": 10}
    assert refused(**_DEV, **given) == ["DATABASE_POOL_MIN_CONNECTIONS"]


@pytest.mark.parametrize(
    ("sender", "names"),
    [
        ("webhook", ["SMS_WEBHOOK_URL", "SMS_WEBHOOK_SECRET"]),
        (
            "tencent",
            [
                "SMS_TENCENT_SECRET_ID",
                "SMS_TENCENT_SECRET_KEY",
                "SMS_TENCENT_SDK_APP_ID",
                "SMS_TENCENT_SIGN_NAME",
                "SMS_TENCENT_TEMPLATE_ID",
            ],
        ),
    ],
)
def test_an_sms_sender_needs_its_settings(sender: str, names: list[str]) -> None:
    assert refused(**_DEV, sms_sender=sender) == names


@pytest.mark.parametrize("path", ["", "/", "/0"])
def test_a_cluster_has_one_database(path: str) -> None:
    url = "redis://:password@127.0.0.1:6379"
    assert load(**{**_DEV, "redis_url": url + path, "redis_cluster": True}).redis_cluster
    with pytest.raises(SettingsError, match="REDIS_URL: names a database, which a cluster hasn't"):
        load(**{**_DEV, "redis_url": f"{url}/1", "redis_cluster": True})
    assert not load(**{**_DEV, "redis_url": f"{url}/1"}).redis_cluster


def test_s3_storage_needs_its_settings() -> None:
    names = ["S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"]
    assert refused(**_DEV, upload_storage="s3") == names


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://u:p@h:5433/d", "postgresql://u:p@h:5433/d"),
        ("postgresql+asyncpg://u:p@h/d?ssl=require", "postgresql://u:p@h/d?sslmode=require"),
        ("postgresql://u:p@h/d?sslmode=verify-full", "postgresql://u:p@h/d?sslmode=verify-full"),
        ("postgresql://u:p%40ss@h/d", "postgresql://u:p%40ss@h/d"),
    ],
)
def test_database_url_is_brought_to_libpqs_form(url: str, expected: str) -> None:
    assert load(**{**_DEV, "database_url": url}).postgres_url == expected


def test_networks_are_read_from_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1/128")
    assert load(**_DEV).trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def test_manifests_are_read_from_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = tmp_path / "40.json", tmp_path / "41.json"
    monkeypatch.setenv("TRUSTED_DOCUMENTS", f"{files[0]}, {files[1]}")
    files[0].touch()
    assert refused(**_DEV) == ["TRUSTED_DOCUMENTS"]
    files[1].touch()
    assert load(**_DEV).trusted_documents == files


def test_without_a_manifest_no_other_documents_can_be_refused(tmp_path: Path) -> None:
    assert refused(**_DEV, trusted_documents_only=True) == ["TRUSTED_DOCUMENTS"]
    file = tmp_path / "manifest.json"
    file.touch()
    settings = load(**_DEV, trusted_documents_only=True, trusted_documents=(file,))
    assert settings.trusted_documents_only


def test_a_key_is_pem_text_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(_KEY_PEM)
    in_one_line = _KEY_PEM.replace("\n", "\\n")
    for given in (_KEY_PEM, in_one_line, str(file)):
        settings = load(**{**_DEV, "wechat_mch_private_key": given})
        assert settings.mch_private_key_pem == _KEY_PEM


def test_a_key_that_signs_nothing_is_refused(tmp_path: Path) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    other = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = tmp_path / "key.pem"
    file.write_text("nothing")
    for given in ("-----BEGIN nonsense", _PUBLIC_PEM, other, str(file)):
        assert refused(**{**_DEV, "wechat_mch_private_key": given}) == ["WECHAT_MCH_PRIVATE_KEY"]
    assert refused(**{**_DEV, "wechat_pay_public_key": _KEY_PEM}) == ["WECHAT_PAY_PUBLIC_KEY"]


def test_loopback_is_unlimited_in_development_alone() -> None:
    assert ip_network("127.0.0.0/8") in load(**_DEV).unlimited_networks
    assert load(**_DEV, MALL_PROFILE="test").unlimited_networks == ()


def test_what_shells_say_of_themselves_is_not_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "HOST", "DEBUG", "PROFILE"):
        monkeypatch.setenv(name, "elsewhere")
    settings = load(**_DEV)
    assert (settings.home, settings.host) == (Path(".mall"), "127.0.0.1")
    assert (settings.debug, settings.profile) == (False, Profile.DEV)


def test_door_limits_are_read_as_they_are_written() -> None:
    settings = load(**_DEV, limit_sms="3/60, 5/3600")
    assert settings.limit_sms == (Rate(3, 60), Rate(5, 3_600))
    assert ",".join(map(str, settings.limit_sms)) == "3/60,5/3600"


@pytest.mark.parametrize("rate", ["many", "3", "0/60", "3/0", "-1/60", "3/60,", "3/9999999"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    assert refused(**_DEV, limit_sign_in=rate) == ["LIMIT_SIGN_IN"]
