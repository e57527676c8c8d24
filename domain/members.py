"""Words and pure rules of members, identities, sessions and consents."""

from __future__ import annotations

from calendar import isleap
from datetime import date
from enum import StrEnum


class MemberStatus(StrEnum):
    """Where an account stands; MERGED points to its survivor."""

    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    MERGED = "MERGED"
    LEFT = "LEFT"


class Gender(StrEnum):
    """As the member says."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    UNKNOWN = "UNKNOWN"


class IdentityKind(StrEnum):
    """The WeChat product that an openid belongs to."""

    MINI_PROGRAM = "MINI_PROGRAM"
    OFFICIAL_ACCOUNT = "OFFICIAL_ACCOUNT"


class AgreementKind(StrEnum):
    """What a person may consent to."""

    MEMBERSHIP = "MEMBERSHIP"
    PRIVACY = "PRIVACY"
    MARKETING = "MARKETING"
    PERSONALISATION = "PERSONALISATION"


REQUIRED_AGREEMENTS = frozenset({AgreementKind.MEMBERSHIP, AgreementKind.PRIVACY})
"""A visitor becomes a member by accepting the current versions of both."""


class UploadPurpose(StrEnum):
    """What an uploaded picture is for."""

    AVATAR = "AVATAR"
    REVIEW = "REVIEW"
    REFUND_EVIDENCE = "REFUND_EVIDENCE"


class UploadStatus(StrEnum):
    """PENDING until its file has come and been checked."""

    PENDING = "PENDING"
    STORED = "STORED"
    REJECTED = "REJECTED"


class SceneKind(StrEnum):
    """Where a poster's QR leads."""

    HOME = "HOME"
    PRODUCT = "PRODUCT"
    GROUP_BUY_TEAM = "GROUP_BUY_TEAM"
    FLASH_SALE = "FLASH_SALE"
    COUPON_CAMPAIGN = "COUPON_CAMPAIGN"
    STORE = "STORE"
    INVITATION = "INVITATION"


def age_on(birthday: date, today: date) -> int:
    """Return the full years from the birthday to today."""
    before = (today.month, today.day) < (birthday.month, birthday.day)
    return today.year - birthday.year - before


def is_birthday(birthday: date, today: date) -> bool:
    """Tell whether today is the birthday; 29 February is kept on the 28th in common years."""
    return birthday_in(today.year, birthday) == today


def birthday_in(year: int, birthday: date) -> date:
    """Return the day of a year on which the birthday is kept."""
    if (birthday.month, birthday.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return birthday.replace(year=year)


def masked_nickname(nickname: str) -> str:
    """Return what strangers see of a nickname: its first letter."""
    return f"{nickname[:1]}**"
