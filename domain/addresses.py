"""What a parcel's label must say: a name, a phone that rings, a street."""

from __future__ import annotations

import re
import unicodedata

from domain.errors import InvalidInput

MAX_ADDRESSES = 20
"""Live addresses of one member."""
NAME_LENGTH = 30
DETAIL_LENGTH = 120
REGION_NAME_LENGTH = 64
_PHONE_LENGTH = 32

_SEPARATORS = re.compile(r"[\s()\-]+")
_MOBILE = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})", re.ASCII)
_LANDLINE = re.compile(r"(?:\+?86)?(0\d{2,3})-?(\d{7,8})(?:-(\d{1,6}))?", re.ASCII)
_SERVICE_LINE = re.compile(r"400\d{7}", re.ASCII)
_BEYOND = re.compile(r"\+(?:852[2-9]\d{7}|853[268]\d{7}|886\d{8,9})", re.ASCII)
"""Hong Kong, Macau and Taiwan, with their codes."""


class TooManyAddresses(InvalidInput):
    """The member keeps as many addresses as there may be."""

    message = "At most {limit} addresses can be kept. Please delete one first."


def parse_contact_phone(text: str, *path: str) -> str:
    """Return a phone that a courier can ring: a mobile, a landline, a 400 number, or +852 and kin.

    Raises:
        InvalidInput: it is none of these.
    """
    given = unicodedata.normalize("NFKC", text[: _PHONE_LENGTH + 1]).strip()
    plain = _SEPARATORS.sub("", given)
    if len(text) <= _PHONE_LENGTH:
        if mobile := _MOBILE.fullmatch(plain):
            return mobile.group(1)
        if landline := _LANDLINE.fullmatch("".join(given.split())):
            return "-".join(part for part in landline.groups() if part)
        if _BEYOND.fullmatch(plain) or _SERVICE_LINE.fullmatch(plain):
            return plain
    raise InvalidInput(path=path, problem="A phone number is expected.")


def parse_name(text: str, *path: str) -> str:
    """Return who gets the parcel.

    Raises:
        InvalidInput: it is empty, too long, or can't be printed.
    """
    return _printable(text, NAME_LENGTH, "1 to 30 characters are expected.", *path)


def parse_detail(text: str, *path: str) -> str:
    """Return street and door.

    Raises:
        InvalidInput: it is empty, too long, or can't be printed.
    """
    return _printable(text, DETAIL_LENGTH, "1 to 120 characters are expected.", *path)


def parse_region_name(text: str, *path: str) -> str:
    """Return the name of a division as it was sent; the table knows the real ones.

    Raises:
        InvalidInput: it is longer than any, or can't be printed.
    """
    if len(text) > REGION_NAME_LENGTH or _has_controls(text):
        raise InvalidInput(path=path, problem="There is no such division.")
    return text


def _printable(text: str, limit: int, problem: str, *path: str) -> str:
    plain = " ".join(unicodedata.normalize("NFC", text[: 2 * limit + 1]).split())
    if not plain or len(plain) > limit or len(text) > 2 * limit or _has_controls(plain):
        raise InvalidInput(path=path, problem=problem)
    return plain


def _has_controls(text: str) -> bool:
    """Tell whether the text holds controls, overrides or half characters: never on a label."""
    # Not the unassigned and private ones: rare names are written with characters newer than us.
    return any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in text)
