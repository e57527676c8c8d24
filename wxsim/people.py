"""Users, how each app sees them, and the one-use codes that prove who is there."""

import base64

from wxsim.clock import Clock
from wxsim.config import App, Config
from wxsim.errors import ControlError, WeChatError
from wxsim.ids import Ids
from wxsim.records import Code, Identity, User
from wxsim.store import Store

CODE_SECONDS = 300.0
# Used and expired codes are remembered this long, so that 40163 and 40029 stay distinct.
CODE_MEMORY_SECONDS = 3_600.0
CODE_SWEEP_EVERY = 1_000


class People:
    """Everybody with a WeChat account, by user id and by (appid, openid)."""

    def __init__(self, config: Config, clock: Clock, ids: Ids, store: Store) -> None:
        self._config = config
        self._clock = clock
        self._ids = ids
        self._store = store
        self.users: dict[str, User] = {}
        self._identities: dict[tuple[str, str], Identity] = {}
        self._codes: dict[str, Code] = {}
        for row in store.load("user"):
            self.users[row["id"]] = User(**row)
        for row in store.load("identity"):
            self._identities[row["appid"], row["openid"]] = Identity(**row)

    def clear(self) -> None:
        """Forget everybody."""
        self.users.clear()
        self._identities.clear()
        self._codes.clear()

    def app(self, appid: str | None) -> App:
        """The app of that id, the mini-program when None; ControlError when there is none."""
        if appid is None:
            return self._config.mini_program
        for app in self._config.apps:
            if app.appid == appid:
                return app
        raise ControlError(404, "UNKNOWN_APP", f"There is no app {appid!r}.")

    def create(self, nickname: str | None = None, phone: str | None = "") -> User:
        """A new person; "" as phone gives one a number of their own, None gives none."""
        number = self._ids.next_number()
        user_id = f"u{number}"
        user = User(
            id=user_id,
            nickname=nickname or f"微信用户{number}",
            # 199 0xxx numbers of a length that passes every check of a mainland mobile.
            phone=f"1990{number % 10**7:07d}" if phone == "" else phone,
            unionid="oU" + self._ids.stable("unionid", user_id)[:26],
            created_at=self._clock.now(),
        )
        self.users[user.id] = user
        self._store.put("user", user.id, user)
        return user

    def user(self, user_id: object) -> User:
        """The user of that id; ControlError when there is none."""
        user = self.users.get(user_id) if isinstance(user_id, str) else None
        if user is None:
            raise ControlError(404, "UNKNOWN_USER", f"There is no user {user_id!r}.")
        return user

    def identity(self, user_id: str, appid: str, *, snapshot: bool = False) -> Identity:
        """How the app sees this person, made when they first meet."""
        flavour = "snapshot" if snapshot else "openid"
        openid = "o" + self._ids.stable(flavour, appid, user_id)
        found = self._identities.get((appid, openid))
        if found is None:
            found = Identity(appid, openid, user_id, self._new_session_key(), 0.0, snapshot)
            self._identities[appid, openid] = found
            self._store.put("identity", f"{appid}/{openid}", found)
        return found

    def find(self, appid: str, openid: str) -> Identity | None:
        """The identity behind an openid of that app."""
        return self._identities.get((appid, openid))

    def saw(self, identity: Identity) -> None:
        """Note that the person has just used the app."""
        identity.seen_at = self._clock.now()
        self._store.put("identity", f"{identity.appid}/{identity.openid}", identity)

    def reset_session_key(self, identity: Identity) -> str:
        """A new session key; the old one is worth nothing from now on."""
        identity.session_key = self._new_session_key()
        self._store.put("identity", f"{identity.appid}/{identity.openid}", identity)
        return identity.session_key

    def issue_code(
        self, kind: str, user: User, app: App, *, scope: str = "", snapshot: bool = False
    ) -> Code:
        """A new one-use code of five minutes."""
        if len(self._codes) % CODE_SWEEP_EVERY == CODE_SWEEP_EVERY - 1:
            self._forget_old_codes()
        code = Code(
            code=("0" if kind != "phone" else "") + self._ids.next_hex(f"code/{kind}", 31),
            kind=kind,
            appid=app.appid,
            user_id=user.id,
            expires_at=self._clock.now() + CODE_SECONDS,
            scope=scope,
            snapshot=snapshot,
        )
        self._codes[code.code] = code
        return code

    def redeem_code(self, kind: str, text: str, appid: str) -> Code:
        """The code, used up now; 40029 when unknown, expired or another app's, 40163 when used."""
        code = self._codes.get(text)
        if code is None or code.kind != kind or code.appid != appid:
            raise WeChatError(40029, "invalid code")
        if code.used:
            raise WeChatError(40163, "code been used")
        if self._clock.now() >= code.expires_at:
            raise WeChatError(40029, "invalid code")
        code.used = True
        return code

    def _forget_old_codes(self) -> None:
        horizon = self._clock.now() - CODE_MEMORY_SECONDS
        self._codes = {k: code for k, code in self._codes.items() if code.expires_at > horizon}

    def _new_session_key(self) -> str:
        return base64.b64encode(bytes.fromhex(self._ids.next_hex("session", 32))).decode()
