"""Tickets of flash sales: what a claim was, under a MAC, so that it can be told from a guess.

A ticket says by itself whose it is, for what, how many and since when, so that one which Redis has
lost can still be given its end. Its claim's id comes from member and idempotency key: the same key
leads to the same row, whatever Redis remembers.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

OPERATION = "claimFlashSale"
"""What idempotency keys of claims belong to."""

_VERSION = 1
_FORM = struct.Struct(">B16s16s16sBQ")
_MAC_BYTES = 14
"""112 bits: nobody guesses one. A ticket then has 72 bytes, and base64 needs no padding."""
_LENGTH = 96
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A claim of `quantity` pieces of an item, at a millisecond of UNIX time."""

    claim_id: UUID
    item_id: UUID
    member_id: UUID
    quantity: int
    claimed_ms: int

    @property
    def claimed_at(self) -> datetime:
        """Return when it was claimed."""
        return _EPOCH + timedelta(milliseconds=self.claimed_ms)


def claim_id_of(member_id: UUID, idempotency_key: str) -> UUID:
    """Return the id of a member's claim under a key; always the same one."""
    name = f"{member_id}\n{OPERATION}\n{idempotency_key}".encode()
    return UUID(bytes=blake2b(name, digest_size=16).digest())


def mac_key(secret: str) -> bytes:
    """Return the key that tickets are signed with, derived from the installation's secret."""
    return blake2b(secret.encode(), digest_size=32, person=b"flash-tickets").digest()


def write_ticket(ticket: Ticket, key: bytes) -> str:
    """Return the ticket's id, as members get it."""
    content = _FORM.pack(
        _VERSION,
        ticket.claim_id.bytes,
        ticket.item_id.bytes,
        ticket.member_id.bytes,
        ticket.quantity,
        ticket.claimed_ms,
    )
    return urlsafe_b64encode(content + _mac(content, key)).decode()


def read_ticket(text: str, keys: Sequence[bytes]) -> Ticket | None:
    """Return what an id stands for; None unless it was signed with one of the keys."""
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        whole = urlsafe_b64decode(text)
    except NotBase64:
        return None
    if urlsafe_b64encode(whole).decode() != text:
        return None  # A second spelling of the same bytes is no name of the ticket.
    content, mac = whole[: _FORM.size], whole[_FORM.size :]
    if not any(compare_digest(mac, _mac(content, key)) for key in keys):
        return None
    version, claim_id, item_id, member_id, quantity, claimed_ms = _FORM.unpack(content)
    if version != _VERSION:
        return None
    return Ticket(
        UUID(bytes=claim_id), UUID(bytes=item_id), UUID(bytes=member_id), quantity, claimed_ms
    )


def _mac(content: bytes, key: bytes) -> bytes:
    return blake2b(content, digest_size=_MAC_BYTES, key=key).digest()
