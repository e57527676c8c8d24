"""One simulated WeChat: the parts, wired."""

import secrets
from typing import Any

from wxsim import keys
from wxsim.clock import Clock, Timers
from wxsim.config import Config, Tunables
from wxsim.courier import Courier, Deliver
from wxsim.errors import ControlError
from wxsim.faults import Fault, Faults
from wxsim.ids import Ids
from wxsim.journal import Journal, Stats
from wxsim.notify import Notifier
from wxsim.payments import Payments
from wxsim.people import People
from wxsim.records import Sms
from wxsim.store import Store
from wxsim.tokens import Tokens

SMS_KEPT = 500


class World:
    """Everything a simulator knows. Handlers get it, tests may look into it."""

    def __init__(self, config: Config, deliver: Deliver | None = None) -> None:
        self.config = config
        self.store = Store(config.state_dir)
        kept: dict[str, Any] = next(iter(self.store.load("meta")), {})
        seed = config.seed or kept.get("seed") or secrets.token_hex(16)
        self.seed: str = seed
        self.tunables = Tunables(**{name: getattr(config.tunables, name) for name in TUNABLE_NAMES})
        self.clock = Clock(frozen=config.frozen_clock, offset=kept.get("offset", 0.0))
        self.timers = Timers(self.clock)
        self.ids = Ids(seed, kept.get("serial", 0), kept.get("number", 0))
        self._key_folder = None if config.state_dir is None else config.state_dir / "keys"
        self.keys = keys.load_or_make(self._key_folder, config.mchid)
        self.apiv3_key = self.ids.secret("apiv3")
        self.journal = Journal(config.journal_size)
        self.stats = Stats()
        self.faults = Faults(seed)
        self.sms: list[Sms] = []
        self.people = People(config, self.clock, self.ids, self.store)
        self.tokens = Tokens(config, self.clock, self.ids, self.store)
        self._courier = Courier()
        self.notifier = Notifier(
            clock=self.clock,
            timers=self.timers,
            ids=self.ids,
            store=self.store,
            ring=self.keys,
            apiv3_key=self.apiv3_key,
            tunables=self.tunables,
            faults=self.faults,
            journal=self.journal,
            stats=self.stats,
            deliver=deliver or self._courier,
        )
        self.payments = Payments(
            clock=self.clock,
            timers=self.timers,
            ids=self.ids,
            store=self.store,
            people=self.people,
            notifier=self.notifier,
            tunables=self.tunables,
        )
        self.store.before_flush = self._keep_meta

    def resume(self) -> None:
        """Take up deliveries and refunds that an earlier run left; needs a running loop."""
        self.notifier.resume()
        self.payments.resume()

    async def close(self) -> None:
        """Stop all work and save the state."""
        await self.timers.stop()
        await self.notifier.close()
        self._courier.close()
        self.store.put("meta", "meta", self._meta())
        await self.store.close()

    def reset(self) -> None:
        """Back to an empty world with the same keys, apps and running numbers."""
        for part in (self.timers, self.notifier, self.payments, self.people, self.tokens):
            part.clear()
        self.faults.clear()
        self.journal.clear()
        self.sms.clear()
        self.clock.offset = 0.0
        for name in TUNABLE_NAMES:
            setattr(self.tunables, name, getattr(self.config.tunables, name))
        self.store.clear()
        self.store.put("meta", "meta", self._meta())

    def switch_on(self, items: list[Any]) -> list[Fault]:
        """Add faults, all or none; what takes effect at once does so here."""
        before = list(self.faults.active)
        try:
            faults = [self.faults.add(item) for item in items]
        except ControlError:
            self.faults.active[:] = before
            raise
        for fault in faults:
            if fault.kind == "cert.rotate":
                self.keys.platform.append(keys.new_certified("wxsim platform"))
                keys.keep_platform(self._key_folder, self.keys)
            elif fault.kind == "token.revoke_now" and fault not in self.faults.active:
                self.tokens.revoke_all()
        return faults

    def add_sms(self, sms: Sms) -> None:
        """Show a short message on the page; the oldest make room."""
        self.sms.append(sms)
        del self.sms[:-SMS_KEPT]

    def environment(self, base: str) -> dict[str, str]:
        """The WECHAT_* settings with which a backend talks to this simulator."""
        mini, account = self.config.mini_program, self.config.official_account
        return {
            "WECHAT_API_BASE": f"{base}/api",
            "WECHAT_MCH_BASE": f"{base}/mch",
            "WECHAT_OPEN_BASE": f"{base}/open",
            "WECHAT_MINI_PROGRAM_APPID": mini.appid,
            "WECHAT_MINI_PROGRAM_SECRET": self.tokens.secret(mini.appid),
            "WECHAT_OFFICIAL_ACCOUNT_APPID": account.appid,
            "WECHAT_OFFICIAL_ACCOUNT_SECRET": self.tokens.secret(account.appid),
            "WECHAT_MCH_ID": self.config.mchid,
            "WECHAT_MCH_SERIAL": self.keys.merchant.serial,
            "WECHAT_MCH_PRIVATE_KEY": self.keys.merchant.key_pem,
            "WECHAT_APIV3_KEY": self.apiv3_key,
            "WECHAT_PAY_PUBLIC_KEY": self.keys.public_pem,
            "WECHAT_PAY_PUBLIC_KEY_ID": self.keys.public_id,
        }

    def _meta(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "serial": self.ids.serial,
            "number": self.ids.number,
            "offset": self.clock.offset,
        }

    def _keep_meta(self) -> None:
        self.store.put("meta", "meta", self._meta())


TUNABLE_NAMES = tuple(Tunables.__dataclass_fields__)
