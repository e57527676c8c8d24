"""Access tokens: only ours, only for us, only now."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateways.tokens import AccessClaims, AccessTokenInvalid, TokenConfig, Tokens

NOW = datetime(2026, 11, 22, 4, 0, 0, 500_000, tzinfo=UTC)
MEMBER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SESSION = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
OLD, NEW = "an old secret of thirty-two bytes.", "a new secret of thirty-two bytes.."


def _tokens(*secrets: str, **changes: Any) -> Tokens:
    facts: dict[str, Any] = {
        "issuer": "membermall",
        "audience": "membermall-member",
        "access_lifetime": timedelta(hours=2),
        "refresh_lifetime": timedelta(days=30),
    }
    return Tokens(TokenConfig(secrets=secrets or (NEW,), **{**facts, **changes}))


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    claims = jwt.decode(text, options={"verify_signature": False})
    return jwt.get_unverified_header(text), claims


def _forged(
    *, header: dict[str, Any] | None = None, key: Any = None, alg: str = "HS256", **claims: Any
) -> str:
    """Return a token like ours, signed with our own key unless told otherwise."""
    tokens = _tokens()
    ours_header, ours = _parts(tokens.access_token(MEMBER, SESSION, now=NOW).text)
    changed = {name: value for name, value in {**ours, **claims}.items() if value is not None}
    headers = {**ours_header, **(header or {}), "alg": alg}
    signed = f"{_encoded(json.dumps(headers))}.{_encoded(json.dumps(changed))}"
    return f"{signed}.{_encoded(_signature(alg, key or tokens._access_key, signed.encode()))}"


def _signature(alg: str, key: Any, signed: bytes) -> bytes:
    if alg == "none":
        return b""
    if alg == "RS256":
        signature: bytes = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return signature
    return hmac.digest(key, signed, alg.replace("HS", "sha"))


def _encoded(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_says_who_and_for_how_long() -> None:
    token = _tokens().access_token(MEMBER, SESSION, now=NOW)
    header, claims = _parts(token.text)
    assert (header["alg"], header["typ"]) == ("HS256", "at+jwt")
    issued_at = int(NOW.timestamp())
    assert claims == {
        "iss": "membermall",
        "aud": "membermall-member",
        "iat": issued_at,
        "exp": issued_at + 7_200,
        "sub": str(MEMBER),
        "sid": str(SESSION),
    }
    assert token.expires_at == datetime.fromtimestamp(issued_at + 7_200, UTC)
    assert token.text not in repr(token)


def test_a_token_is_good_until_the_instant_it_ends() -> None:
    tokens = _tokens()
    token = tokens.access_token(MEMBER, SESSION, now=NOW)
    last = token.expires_at - timedelta(milliseconds=1)
    claims = AccessClaims(MEMBER, SESSION, token.expires_at)
    assert tokens.read_access_token(token.text, now=last) == claims
    with pytest.raises(AccessTokenInvalid):
        tokens.read_access_token(token.text, now=token.expires_at)


def test_a_token_from_the_future_is_refused_beyond_a_small_skew() -> None:
    tokens = _tokens()
    text = tokens.access_token(MEMBER, SESSION, now=NOW).text
    assert tokens.read_access_token(text, now=NOW - timedelta(seconds=30))
    with pytest.raises(AccessTokenInvalid):
        tokens.read_access_token(text, now=NOW - timedelta(seconds=32))


def test_a_secret_is_changed_without_signing_anybody_out() -> None:
    before, between, after = _tokens(OLD), _tokens(NEW, OLD), _tokens(NEW)
    old, new = (each.access_token(MEMBER, SESSION, now=NOW) for each in (before, between))
    claims = AccessClaims(MEMBER, SESSION, old.expires_at)
    assert between.read_access_token(old.text, now=NOW) == claims
    assert after.read_access_token(new.text, now=NOW) == claims
    with pytest.raises(AccessTokenInvalid):
        after.read_access_token(old.text, now=NOW)


RSA_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def _with_foreign_payload() -> str:
    """Return our signature under another member's id."""
    head, _, signature = _forged().split(".")
    _, claims = _parts(_forged())
    return f"{head}.{_encoded(json.dumps({**claims, 'sub': str(SESSION)}))}.{signature}"


BAD_TOKENS = {
    "algorithm none": _forged(alg="none"),
    "algorithm RS256": _forged(alg="RS256", key=RSA_KEY),
    "algorithm HS512": _forged(alg="HS512"),
    "algorithm HS384": _forged(alg="HS384"),
    "foreign key": _forged(key=b"f" * 32),
    "foreign payload": _with_foreign_payload(),
    "unknown kid": _forged(header={"kid": "0" * 16}),
    "kid that is no text": _forged(header={"kid": "None"}),
    "other typ": _forged(header={"typ": "JWT"}),
    "no typ": _forged(header={"typ": None}),
    "other issuer": _forged(iss="somebody"),
    "no issuer": _forged(iss=None),
    "other audience": _forged(aud="membermall-partner"),
    "several audiences": _forged(aud=["membermall-member", "other"]),
    "no audience": _forged(aud=None),
    "expired": _forged(exp=int(NOW.timestamp())),
    "no expiry": _forged(exp=None),
    "expiry that is no number": _forged(exp="tomorrow"),
    "expiry that is infinite": _forged(exp=float("inf")),
    "no subject": _forged(sub=None),
    "subject that is no id": _forged(sub="1 OR 1=1"),
    "no session": _forged(sid=None),
    "no issue time": _forged(iat=None),
    "not yet issued": _forged(iat=int(NOW.timestamp()) + 3_600),
    "empty": "",
    "garbage": "a.b.c",
    "two parts": "e30.e30",
    "Chinese": "令牌",
    "too long": "e30." + "A" * 4_096 + ".AA",
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_a_bad_token_is_refused(name: str) -> None:
    with pytest.raises(AccessTokenInvalid):
        _tokens().read_access_token(BAD_TOKENS[name], now=NOW)


def test_the_tokens_above_are_bad_for_their_one_reason_only() -> None:
    claims = _tokens().read_access_token(_forged(), now=NOW)
    assert (claims.member_id, claims.session_id) == (MEMBER, SESSION)
