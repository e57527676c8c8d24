"""Access tokens of both lines, JS-SDK tickets and OAuth web tokens, with their exact lives."""

from wxsim.clock import Clock
from wxsim.config import Config
from wxsim.errors import WeChatError
from wxsim.ids import Ids
from wxsim.records import AccessToken, Identity, WebToken
from wxsim.store import Store

TOKEN_SECONDS = 7_200.0
# In its last five minutes a token is replaced on request, and both work that long.
GRACE_SECONDS = 300.0
FORCED_PER_DAY = 20
FORCED_GAP_SECONDS = 30.0
REFRESH_SECONDS = 30 * 86_400.0


class Tokens:
    """Every token that was handed out and may still be shown."""

    def __init__(self, config: Config, clock: Clock, ids: Ids, store: Store) -> None:
        self._clock = clock
        self._ids = ids
        self._store = store
        self._secrets = {app.appid: ids.secret(f"app/{app.kind}") for app in config.apps}
        self._tokens: dict[str, AccessToken] = {}
        self._current: dict[tuple[str, str], AccessToken] = {}
        self._forced: dict[str, list[float]] = {}
        self._tickets: dict[str, tuple[str, float]] = {}
        self._web: dict[str, WebToken] = {}
        self._refresh: dict[str, WebToken] = {}
        for row in store.load("token"):
            token = AccessToken(**row)
            self._tokens[token.value] = token
            if not token.replaced:
                self._current[token.appid, token.line] = token

    def clear(self) -> None:
        """Forget every token."""
        for table in (self._tokens, self._current, self._forced, self._tickets):
            table.clear()
        self._web.clear()
        self._refresh.clear()

    def secret(self, appid: str) -> str:
        """The app's secret."""
        return self._secrets[appid]

    def check_secret(self, appid: str | None, secret: str | None) -> str:
        """The appid, once its secret fits; 40013 or 40125 otherwise, 41002/41004 when missing."""
        if not appid:
            raise WeChatError(41002, "appid missing")
        if not secret:
            raise WeChatError(41004, "appsecret missing")
        if appid not in self._secrets:
            raise WeChatError(40013, "invalid appid")
        if secret != self._secrets[appid]:
            raise WeChatError(40125, "invalid appsecret, view more at http://t.cn/RAEkdVq")
        return appid

    def stable(self, appid: str, *, force: bool) -> AccessToken:
        """The stable token: the same until its last five minutes, unless forced.

        Forcing kills the previous one at once; it is refused (45009) beyond 20 a day, and (45011)
        within 30 seconds.
        """
        now = self._clock.now()
        current = self._current.get((appid, "stable"))
        if force:
            self._count_forced(appid, now)
            if current is not None:
                current.expires_at = now
                self._retire(current)
            return self._issue(appid, "stable", now)
        if current is not None and current.expires_at - now > GRACE_SECONDS:
            return current
        if current is not None:
            current.expires_at = now + GRACE_SECONDS
            self._retire(current)
        return self._issue(appid, "stable", now)

    def legacy(self, appid: str) -> AccessToken:
        """The classic token: every call makes a new one, the previous lives five minutes more."""
        now = self._clock.now()
        current = self._current.get((appid, "legacy"))
        if current is not None:
            current.expires_at = min(current.expires_at, now + GRACE_SECONDS)
            self._retire(current)
        return self._issue(appid, "legacy", now)

    def appid_of(self, value: str | None) -> str:
        """The app whose token this is; 41001, 40001 or 42001 when it opens nothing."""
        if not value:
            raise WeChatError(41001, "access_token missing")
        token = self._tokens.get(value)
        if token is None or (token.replaced and self._clock.now() >= token.expires_at):
            raise WeChatError(40001, "invalid credential, access_token is invalid or not latest")
        if self._clock.now() >= token.expires_at:
            raise WeChatError(42001, "access_token expired")
        return token.appid

    def revoke_all(self) -> None:
        """Make every token handed out so far worthless (40001)."""
        for token in self._tokens.values():
            self._store.remove("token", token.value)
        self._tokens.clear()
        self._current.clear()

    def ticket(self, appid: str) -> tuple[str, int]:
        """The app's jsapi_ticket and the seconds it still lives."""
        now = self._clock.now()
        value, expires_at = self._tickets.get(appid, ("", 0.0))
        if expires_at - now <= GRACE_SECONDS:
            parts = (self._ids.next_text("ticket", 43) for _ in range(2))
            value, expires_at = "".join(parts), now + TOKEN_SECONDS
            self._tickets[appid] = (value, expires_at)
        return value, int(expires_at - now)

    def issue_web(self, identity: Identity, scope: str) -> WebToken:
        """A web token pair for a user who came through OAuth."""
        now = self._clock.now()
        token = WebToken(
            access_token=self._long("web"),
            refresh_token=self._long("refresh"),
            appid=identity.appid,
            openid=identity.openid,
            user_id=identity.user_id,
            scope=scope,
            snapshot=identity.snapshot,
            expires_at=now + TOKEN_SECONDS,
            refresh_expires_at=now + REFRESH_SECONDS,
        )
        if len(self._web) > 10_000:
            self._web = {k: t for k, t in self._web.items() if t.expires_at > now}
        self._web[token.access_token] = token
        self._refresh[token.refresh_token] = token
        return token

    def web(self, value: str | None, openid: str | None) -> WebToken:
        """The web token, when it is this user's; 40001, 42001, 40003 otherwise."""
        token = self._web.get(value or "")
        if token is None:
            raise WeChatError(40001, "invalid credential, access_token is invalid or not latest")
        if self._clock.now() >= token.expires_at:
            raise WeChatError(42001, "access_token expired")
        if token.openid != openid:
            raise WeChatError(40003, "invalid openid")
        return token

    def refresh_web(self, appid: str, value: str | None) -> WebToken:
        """The pair behind a refresh token with a new life; 40030 or 42002 otherwise."""
        token = self._refresh.get(value or "")
        if token is None or token.appid != appid:
            raise WeChatError(40030, "invalid refresh_token")
        now = self._clock.now()
        if now >= token.refresh_expires_at:
            raise WeChatError(42002, "refresh_token expired")
        if now >= token.expires_at:
            self._web.pop(token.access_token, None)
            token.access_token = self._long("web")
            self._web[token.access_token] = token
        token.expires_at = now + TOKEN_SECONDS
        return token

    def _count_forced(self, appid: str, now: float) -> None:
        today = [at for at in self._forced.get(appid, []) if at > now - 86_400]
        if today and now - today[-1] < FORCED_GAP_SECONDS:
            raise WeChatError(45011, "api minute-quota reach limit  mustslower  retry next minute")
        if len(today) >= FORCED_PER_DAY:
            raise WeChatError(45009, "reach max api daily quota limit")
        self._forced[appid] = [*today, now]

    def _issue(self, appid: str, line: str, now: float) -> AccessToken:
        token = AccessToken(self._long(line), appid, line, now, now + TOKEN_SECONDS)
        self._tokens[token.value] = token
        self._current[appid, line] = token
        self._store.put("token", token.value, token)
        return token

    def _retire(self, token: AccessToken) -> None:
        token.replaced = True
        self._store.put("token", token.value, token)
        horizon = self._clock.now() - TOKEN_SECONDS
        for old in [t for t in self._tokens.values() if t.replaced and t.expires_at < horizon]:
            del self._tokens[old.value]
            self._store.remove("token", old.value)

    def _long(self, kind: str) -> str:
        # Real ones have grown to 512 characters; whoever keeps too few notices here.
        return "92_" + "".join(self._ids.next_text(f"token/{kind}", 43) for _ in range(4))
