"""A member's profile: nickname, avatar, birthday, gender."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.clock import business_day
from domain.errors import AccountBlocked
from domain.members import Gender, MemberStatus, UploadPurpose
from domain.profiles import BirthdaySet, TextRejected, check_birthday, parse_nickname
from domain.wechat import TextScene, TextVerdict
from models import database
from models.member_rows import MemberRow, members_by_id
from services import presence, uploads
from services import rules as rule_versions
from services.guards import require_active, require_member_consent
from services.uploads import PictureStorage


class TextCheck(Protocol):
    """WeChat's judgement of texts that others will see."""

    @property
    def appid(self) -> str:
        """The app whose users it judges."""

    async def check_text(self, openid: str, content: str, scene: TextScene) -> TextVerdict:
        """Judge a text of a user; raises `WechatUnavailable` when there is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProfile:
    """What a member changes; None leaves a thing as it is."""

    member_id: UUID
    nickname: str | None = field(default=None, repr=False)
    avatar_upload_id: UUID | None = None
    birthday: date | None = field(default=None, repr=False)
    gender: Gender | None = None


async def update_profile(
    change: UpdateProfile,
    texts: TextCheck,
    storage: PictureStorage,
    *,
    base_url: str,
    now: datetime,
) -> None:
    """Change what is given, all or nothing.

    An avatar below our own `base_url` is kept without it: the mall may move to another name.

    A new nickname is judged by WeChat where the member uses the mini-program. What WeChat is not
    sure of is refused like what it rejects, for nobody is there to look; while WeChat is away the
    old nickname stays.

    Raises:
        AccountBlocked
        ConsentRequired: a visitor gave a birthday.
        InvalidInput, UnderAge, BirthdaySet: names the field.
        TextRejected, WechatUnavailable: the nickname.
        NotFound, UploadMissing, ContentRejected, UploadUnusable, StorageUnavailable: the avatar.
    """
    member = await _member(change.member_id, now=now)
    await _check_birthday(change, member, now=now)
    nickname = None
    if change.nickname is not None:
        nickname = parse_nickname(change.nickname, "nickname")
        if nickname != member.nickname:
            await _check_nickname(change.member_id, nickname, texts)
    avatar_url = None
    if change.avatar_upload_id is not None:
        url = await uploads.picture(
            change.avatar_upload_id,
            change.member_id,
            UploadPurpose.AVATAR,
            storage,
            path=("avatarUploadId",),
        )
        avatar_url = url.removeprefix(base_url)
    changed = await database.execute(
        """
        UPDATE member
        SET nickname = coalesce($2, nickname), avatar_url = coalesce($3, avatar_url),
            birthday = coalesce(birthday, $4), gender = coalesce($5, gender), updated_at = $6
        WHERE id = $1 AND status = 'ACTIVE' AND coalesce(birthday = $4, true)
        """,
        change.member_id,
        nickname,
        avatar_url,
        change.birthday,
        change.gender,
        now,
    )
    if not changed:
        await _explain(change.member_id, now=now)
    if change.birthday is not None and member.birthday is None:
        # They were seen before anybody knew of the birthday, and this may be its last day.
        await presence.seen(change.member_id, now=now, anew=True)


async def _member(member_id: UUID, *, now: datetime) -> MemberRow:
    member = (await members_by_id([member_id], now=now)).get(member_id)
    if member is None:
        raise AccountBlocked
    require_active(member)
    return member


async def _check_birthday(change: UpdateProfile, member: MemberRow, *, now: datetime) -> None:
    if change.birthday is None:
        return
    require_member_consent(member)
    if member.birthday is not None:
        if member.birthday != change.birthday:
            raise BirthdaySet
        return
    rules = (await rule_versions.in_force(now=now)).rules
    check_birthday(change.birthday, today=business_day(now), minimum_age=rules.members.minimum_age)


async def _check_nickname(member_id: UUID, nickname: str, texts: TextCheck) -> None:
    openid: str | None = await database.fetch_value(
        "SELECT openid FROM identity WHERE member_id = $1 AND appid = $2", member_id, texts.appid
    )
    if openid is None:
        return
    verdict = await texts.check_text(openid, nickname, TextScene.PROFILE)
    if verdict is not TextVerdict.ACCEPT:
        raise TextRejected(path=("nickname",))


async def _explain(member_id: UUID, *, now: datetime) -> None:
    """Say why nothing was changed: a rival was faster, with another birthday or the account."""
    member = (await members_by_id([member_id], now=now))[member_id]
    if member.status is not MemberStatus.ACTIVE:
        raise AccountBlocked
    raise BirthdaySet
