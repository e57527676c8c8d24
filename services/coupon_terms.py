"""What coupons promise: rows that never change, found by the digest of their content."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from domain.coupons import ReturnRule, Terms
from domain.pricing import CouponKind, Scope
from models import database
from models.ids import new_id
from services.coupon_scopes import scope_of

_REMEMBERED = 10_000
"""Terms that this process keeps in memory: they never change."""

_known: dict[UUID, Terms] = {}


async def terms_id_of(terms: Terms, *, now: datetime) -> UUID:
    """Return the id of these terms; equal terms have one, which is made when first asked for.

    Part of the open transaction or one of its own.
    """
    digest = digest_of(terms)
    found: UUID | None = await database.fetch_value(_BY_DIGEST, digest)
    if found is not None:
        return found
    await database.execute(
        _INSERT,
        new_id(),
        digest,
        terms.name,
        terms.name_en,
        terms.kind,
        terms.amount_off_fen,
        terms.pay_bps,
        terms.max_off_fen,
        terms.min_spend_fen,
        terms.min_pieces,
        terms.scope.kind,
        database.to_json(_ids(terms.scope)),
        terms.scope_title,
        terms.scope_title_en,
        terms.stacks_with_campaigns,
        terms.gift_sku_id,
        terms.return_rule,
        terms.description,
        terms.description_en,
        now,
    )
    made: UUID = await database.fetch_value(_BY_DIGEST, digest)
    return made


_BY_DIGEST = "SELECT id FROM coupon_terms WHERE digest = $1"
_INSERT = """
INSERT INTO coupon_terms (
    id, digest, name, name_en, kind, amount_off_fen, pay_bps, max_off_fen, min_spend_fen,
    min_pieces, scope_kind, scope_ids, scope_title, scope_title_en, stacks_with_campaigns,
    gift_sku_id, return_rule, description, description_en, created_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13, $14, $15, $16, $17, $18,
          $19, $20)
ON CONFLICT (digest) DO NOTHING
"""


async def terms_of(ids: Iterable[UUID]) -> dict[UUID, Terms]:
    """Return terms by id, from memory where this process has read them before."""
    wanted = set(ids)
    missing = [id_ for id_ in wanted if id_ not in _known]
    if missing:
        rows = await database.fetch("SELECT * FROM coupon_terms WHERE id = ANY($1)", missing)
        if len(_known) + len(rows) > _REMEMBERED:
            _known.clear()
            return await terms_of(wanted)
        _known.update((row["id"], _terms(row)) for row in rows)
    return {id_: _known[id_] for id_ in wanted if id_ in _known}


def digest_of(terms: Terms) -> bytes:
    """Return what is equal for equal terms alone."""
    plain = {
        field.name: getattr(terms, field.name)
        for field in dataclasses.fields(terms)
        if field.name != "scope"
    }
    plain["scope_kind"] = terms.scope.kind
    plain["scope_ids"] = _ids(terms.scope)
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


def _ids(scope: Scope) -> list[str]:
    return sorted(map(str, scope.ids))


def _terms(row: asyncpg.Record) -> Terms:
    return Terms(
        name=row["name"],
        name_en=row["name_en"],
        kind=CouponKind(row["kind"]),
        amount_off_fen=row["amount_off_fen"],
        pay_bps=row["pay_bps"],
        max_off_fen=row["max_off_fen"],
        min_spend_fen=row["min_spend_fen"],
        min_pieces=row["min_pieces"],
        scope=scope_of(row),
        scope_title=row["scope_title"],
        scope_title_en=row["scope_title_en"],
        stacks_with_campaigns=row["stacks_with_campaigns"],
        gift_sku_id=row["gift_sku_id"],
        return_rule=ReturnRule(row["return_rule"]),
        description=row["description"],
        description_en=row["description_en"],
    )
