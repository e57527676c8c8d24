"""What a simulator is told at its start, and what may be changed while it runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Names under which a deployment says what it is; the first is ours, the others are common ones.
PROFILE_VARIABLES = ("MALL_PROFILE", "ENV", "APP_ENV")
PRODUCTION_NAMES = frozenset({"production", "prod"})


class RefusedInProduction(RuntimeError):
    """The simulator was asked to start where real money could be expected."""


@dataclass(frozen=True, slots=True)
class App:
    """A mini-program or official account bound to the merchant and the Open Platform account."""

    kind: str  # "mini_program" or "official_account"
    appid: str


@dataclass(slots=True)
class Tunables:
    """What `POST /_sim/settings` may change; seconds are simulated seconds."""

    # 1/60 makes the 24 hours of notify retries pass in 24 minutes.
    time_scale: float = 1 / 60
    refund_delay_seconds: float = 1.0
    refund_gap_seconds: float = 60.0
    # Real WeChat refuses text checks of users who have not been there for two hours (61010).
    require_recent_visit: bool = False
    # Real WeChat Pay refuses requests without Accept and User-Agent.
    require_headers: bool = True
    # A new merchant has no platform certificate: /v3/certificates answers 404.
    platform_certificates: bool = True
    risky_words: list[str] = field(default_factory=lambda: ["违规", "赌博", "risky"])


@dataclass(frozen=True, slots=True)
class Config:
    """The fixed part of a simulator; without `state_dir` everything stays in memory."""

    state_dir: Path | None = None
    seed: str | None = None  # None: a random one, kept in the state directory.
    notify_bases: tuple[str, ...] = ()  # Plain-http notify URLs allowed besides loopback.
    frozen_clock: bool = False  # Time stands still until /_sim/clock moves it.
    mini_program: App = App("mini_program", "wx5a6d9b3f0c1e2d47")
    official_account: App = App("official_account", "wx8e21c4b7d9f05a36")
    mchid: str = "1900006891"
    journal_size: int = 5_000
    tunables: Tunables = field(default_factory=Tunables)

    @property
    def apps(self) -> tuple[App, App]:
        """Both apps, the default one first."""
        return (self.mini_program, self.official_account)


def refuse_production(environment: Mapping[str, str] = os.environ) -> None:
    """Raise `RefusedInProduction` where the environment names a production profile."""
    for name in PROFILE_VARIABLES:
        if environment.get(name, "").strip().lower() in PRODUCTION_NAMES:
            raise RefusedInProduction(
                f"The WeChat simulator does not start with {name}={environment[name]}: "
                "it would accept payments that nobody made."
            )
