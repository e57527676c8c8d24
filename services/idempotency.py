"""The same request twice has one effect: keys that remember a success (rules, section 0)."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from domain.errors import IdempotencyKeyReused, InvalidInput
from models import database
from models.ids import new_id

MAX_KEY_LENGTH = 128
REMEMBERED_FOR = timedelta(days=7)
"""A success is remembered at least 24 hours; a week covers a phone left in a drawer."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key taken for what this transaction makes; if not `is_new`, an earlier one made it."""

    id: UUID
    result_id: UUID
    is_new: bool


async def claim(
    actor_id: UUID, operation: str, key: str, request: object, *, result_id: UUID, now: datetime
) -> Claim:
    """Take the key inside the open transaction, or find what it once led to.

    `result_id` is the id of what the transaction is about to make; where that turns out to be
    there already, `settle` says so. A rival with the same key waits for the first to commit. A
    refusal rolls the claim back with its transaction, so a retry may succeed.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
        InvalidInput: the key is empty or too long.
    """
    check_key(key)
    digest = request_hash(request)
    claim_id = new_id()
    row = await database.fetch_one(
        """
        INSERT INTO idempotency_key
            (id, actor_id, operation, key, request_hash, result_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (actor_id, operation, key) DO UPDATE SET key = excluded.key
        RETURNING id, request_hash, result_id
        """,
        claim_id,
        actor_id,
        operation,
        key,
        digest,
        result_id,
        now,
    )
    assert row is not None
    if row["request_hash"] != digest:
        raise IdempotencyKeyReused
    return Claim(row["id"], row["result_id"], is_new=row["id"] == claim_id)


async def recall(actor_id: UUID, operation: str, key: str, request: object) -> UUID | None:
    """Return what an earlier success under this key led to, None when there was none.

    For a repeat that is refused before it could claim: the first may have emptied the shelf.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
    """
    row = await database.fetch_one(
        """
        SELECT request_hash, result_id FROM idempotency_key
        WHERE actor_id = $1 AND operation = $2 AND key = $3
        """,
        actor_id,
        operation,
        key,
    )
    if row is None:
        return None
    if row["request_hash"] != request_hash(request):
        raise IdempotencyKeyReused
    result_id: UUID | None = row["result_id"]
    return result_id


async def settle(claim: Claim, result_id: UUID) -> None:
    """Remember that the request led to this instead, in the transaction that did it."""
    await database.execute(
        "UPDATE idempotency_key SET result_id = $2 WHERE id = $1", claim.id, result_id
    )


async def forget_old(*, now: datetime, limit: int = 5_000) -> int:
    """Drop keys past their time; returns how many."""
    return await database.execute(
        """
        DELETE FROM idempotency_key WHERE id IN (
            SELECT id FROM idempotency_key WHERE created_at < $1 ORDER BY created_at LIMIT $2
        )
        """,
        now - REMEMBERED_FOR,
        limit,
    )


def check_key(key: str) -> None:
    """Refuse a key that can't be one."""
    if not 1 <= len(key) <= MAX_KEY_LENGTH or "\x00" in key:
        raise InvalidInput(
            path=("idempotencyKey",), problem=f"1 to {MAX_KEY_LENGTH} characters are expected."
        )


def request_hash(request: object) -> bytes:
    """Return a digest that is equal for equal requests."""
    plain = orjson.dumps(request, default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(plain).digest()


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (UUID, date, Enum)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    raise TypeError(f"a request holds a {type(value).__name__}")
