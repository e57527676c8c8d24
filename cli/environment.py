"""Settings for commands, with servers behind them.

In production everything comes from the environment. In the dev profile what is missing is made up:
secrets are drawn once and kept in MALL_HOME, and the embedded servers run as long as the command.
"""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.embedded import SharedServers, acquire, prepare_home
from cli.embedded.home import Home
from settings import Profile, Settings, load

_SECRETS = ("SECRET_KEY", "PERSONAL_DATA_KEY", "PHONE_INDEX_KEY")
_SECRET_BYTES = 36
_URLS = ("DATABASE_URL", "REDIS_URL")
_PENDING = {"DATABASE_URL": "postgresql://embedded", "REDIS_URL": "redis://embedded"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a command runs with, once its servers answer."""

    settings: Settings
    additions: dict[str, str]
    """What was made up beside the environment, for child processes that need the same settings."""
    servers: SharedServers | None
    """The share in the embedded servers; None when the environment names others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings that were found sound, before any server is started."""

    settings: Settings
    additions: dict[str, str]
    home: Home | None
    """Where development data is; None outside the dev profile."""
    missing: tuple[str, ...] = ()
    """The addresses that only embedded servers can give."""

    @contextmanager
    def started(self) -> Iterator[Prepared]:
        """Have the servers answer as long as the block runs."""
        if self.home is None or not self.missing:
            yield Prepared(self.settings, self.additions, None)
            return
        database, cache = (name in self.missing for name in _URLS)
        with acquire(self.home, with_postgres=database, with_valkey=cache) as servers:
            urls = dict(zip(_URLS, (servers.database_url, servers.redis_url), strict=True))
            additions = self.additions | {name: urls[name] for name in self.missing}
            yield Prepared(_load(additions), additions, servers)


def plan(**overrides: str) -> Plan:
    """Check the settings; `overrides` (by environment name) come before the environment.

    Raises `SettingsError` with all that is wrong.
    """
    if not is_dev():
        return Plan(_load(overrides), overrides, None)
    home = prepare_home(Path(os.environ.get("MALL_HOME") or ".mall"))
    additions = {**_dev_secrets(home), "MALL_HOME": str(home.path), **overrides}
    missing = tuple(name for name in _URLS if not (overrides.get(name) or os.environ.get(name)))
    settings = _load({**{name: _PENDING[name] for name in missing}, **additions})
    return Plan(settings, additions, home, missing)


@contextmanager
def prepared(**overrides: str) -> Iterator[Prepared]:
    """Yield settings whose servers answer, for as long as the block runs."""
    with plan(**overrides).started() as ready:
        yield ready


@contextmanager
def running_settings(**overrides: str) -> Iterator[Settings]:
    """Yield settings whose servers answer: what most commands need."""
    with prepared(**overrides) as ready:
        yield ready.settings


def is_dev() -> bool:
    """Say whether the dev profile is asked for; a misspelt profile is left to the settings."""
    return os.environ.get("MALL_PROFILE", "").lower() in ("", Profile.DEV)


def _load(additions: dict[str, str]) -> Settings:
    return load(
        **{
            name if name.startswith("MALL_") else name.lower(): value
            for name, value in additions.items()
        }
    )


def _dev_secrets(home: Home) -> dict[str, str]:
    """Return the secrets of this home that the environment does not set, drawing them once."""
    file = home.path / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    drawn = {name: kept.get(name) or secrets.token_urlsafe(_SECRET_BYTES) for name in _SECRETS}
    if drawn != kept:
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(drawn))
        fresh.replace(file)
    return {name: value for name, value in drawn.items() if not os.environ.get(name)}
