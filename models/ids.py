"""Identifiers that we make ourselves: they read the clock and chance, as `domain` must not."""

from __future__ import annotations

import secrets
import string
from datetime import timedelta
from uuid import UUID, uuid4

import uuid_utils
import uuid_utils.compat

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits that a person can't mistake for one another; five bits each."""

_BASE62 = string.digits + string.ascii_letters


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): ordered by the millisecond within one process, else random."""
    return uuid_utils.compat.uuid7()


def unguessable_id() -> UUID:
    """Return a UUID of 122 random bits (version 4): for what whoever knows its id may open."""
    return uuid4()


def id_made_before(age: timedelta) -> UUID:
    """Return the least id of so long ago: those of UUIDv7 made before lie below, later ones above.

    It goes by the clock that ids are made by.
    """
    milliseconds = (new_id().int >> 80) - age // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80)


def new_hex_id() -> str:
    """Return a UUIDv7 as 32 hexadecimal digits: for what is only ever written down."""
    return uuid_utils.uuid7().hex


def readable_code(length: int) -> str:
    """Return a random code of `length` letters and digits that can be read aloud."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def base62_code(length: int) -> str:
    """Return `length` random digits and letters, for links and QR codes; nearly six bits each."""
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def number_code(length: int) -> str:
    """Return `length` random decimal digits."""
    return f"{secrets.randbelow(10**length):0{length}}"
