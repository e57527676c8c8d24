"""A known member's sign-in by a code of wx.login, by hand."""

from __future__ import annotations

import hashlib

import orjson
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.by_hand.shared import answer, now_utc, read, shared_of
from domain.phones import masked
from domain.sessions import RefreshClaim
from models.ids import new_id
from services.identities import SESSION_KEY
from services.phones import PHONE

_INTENT = """
INSERT INTO sign_in_attempt (id, code_hash, is_new_member, created_at) VALUES ($1, $2, false, $3)
"""
_KNOWN = """
UPDATE identity SET session_key_encrypted = $3, updated_at = $4
FROM member WHERE identity.appid = $1 AND identity.openid = $2 AND member.id = identity.member_id
RETURNING member.id, member.status, member.joined_at, member.nickname, member.avatar_url,
          member.phone_encrypted,
          (SELECT coalesce(sum(quantity), 0) FROM cart_line WHERE member_id = member.id) AS pieces
"""
_SESSION = """
WITH session AS (
    INSERT INTO session (id, member_id, appid, generation, rotated_at, expires_at, created_at)
    VALUES ($1, $2, $3, 0, $4, $5, $4) RETURNING id
)
UPDATE sign_in_attempt SET session_id = session.id, finished_at = $4
FROM session WHERE sign_in_attempt.id = $6 AND finished_at IS NULL
"""


async def sign_in(request: Request) -> Response:
    """Write the intent, ask WeChat, open the session: three statements."""
    shared, now = shared_of(request), now_utc()
    code = (await read(request))["i"]["code"]
    settings = shared.settings
    appid = settings.wechat_mini_program_appid
    attempt_id, session_id = new_id(), new_id()
    digest = hashlib.sha256(f"sign-in:{appid}\x00{code}".encode()).digest()
    await shared.pool.execute(_INTENT, attempt_id, digest, now)
    response = await shared.http.get(
        f"{settings.wechat_api_base.rstrip('/')}/sns/jscode2session",
        params={
            "appid": appid,
            "secret": settings.wechat_mini_program_secret.get_secret_value(),
            "js_code": code,
            "grant_type": "authorization_code",
        },
    )
    account = orjson.loads(response.content)
    session_key = shared.data.seal(account["session_key"].encode(), context=SESSION_KEY)
    lifetime = shared.tokens.refresh_lifetime
    async with shared.pool.acquire() as connection, connection.transaction():
        member = await connection.fetchrow(_KNOWN, appid, account["openid"], session_key, now)
        assert member["status"] == "ACTIVE"
        await connection.execute(
            _SESSION, session_id, member["id"], appid, now, now + lifetime, attempt_id
        )
    access = shared.tokens.access_token(member["id"], session_id, now=now)
    phone = shared.data.open(member["phone_encrypted"], context=PHONE).decode()
    avatar = member["avatar_url"]
    return answer(
        {
            "signInWithMiniProgram": {
                "session": {
                    "accessToken": access.text,
                    "refreshToken": shared.tokens.refresh_token(RefreshClaim(session_id, 0)),
                    "expiresAt": access.expires_at.isoformat(),
                    "isNewMember": False,
                    "member": {
                        "id": str(member["id"]),
                        "joinedAt": member["joined_at"].isoformat(),
                        "nickname": member["nickname"],
                        "avatarUrl": shared.url(avatar) if avatar else None,
                        "phone": masked(phone),
                        "counts": {"cartPieces": int(member["pieces"])},
                    },
                },
                "userErrors": [],
            }
        }
    )
