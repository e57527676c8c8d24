"""Promotions: published, ended, and what of them runs now (docs/rules.md, section 5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.errors import NotFound
from domain.pricing import LimitedTimePrice, Promotion, Scope, ScopeKind
from domain.promotions import (
    Conflict,
    PromotionKind,
    Running,
    Scheduled,
    Timetable,
    check,
    could_meet,
    promotion_from_json,
    require,
    terms_to_json,
)
from models import database
from services import rules as rule_versions

_CACHED_FOR = timedelta(seconds=5)
_AHEAD = timedelta(minutes=5)
"""What is read holds those that begin soon, too: windows are judged by `now`, not by the read."""

_cached: tuple[datetime, Timetable] | None = None
_forgotten = 0
"""How often the cache was emptied: what was read before that is not put into it."""


async def running(*, now: datetime, tier_code: str | None) -> tuple[Promotion, ...]:
    """Return the promotions that run at this instant for a tier; None is who has no tier yet.

    Which there are is known for at most five seconds; windows are exact.
    """
    return (await running_now(now=now)).of_tier(tier_code).promotions


async def running_now(*, now: datetime) -> Running:
    """Return what runs at this instant, for every tier."""
    global _cached  # noqa: PLW0603 (one small cache per process)
    if _cached is not None and abs(now - _cached[0]) < _CACHED_FOR:
        return _cached[1].at(now)
    forgotten = _forgotten
    rows = await database.fetch(
        f"{_SELECT} WHERE ended_at IS NULL AND ends_at > $1 AND starts_at <= $2",
        now - _CACHED_FOR,
        now + _AHEAD,
    )
    timetable = Timetable(map(_scheduled, rows))
    if forgotten == _forgotten:
        _cached = (now, timetable)
    return timetable.at(now)


_SELECT = """
SELECT id, kind, title, starts_at, ends_at, scope_kind, scope_ids, tier_codes, priority, terms
FROM promotion
"""


def _scheduled(row: Any) -> Scheduled:
    scope = Scope(ScopeKind(row["scope_kind"]), frozenset(map(UUID, row["scope_ids"])))
    return Scheduled(
        promotion=promotion_from_json(
            PromotionKind(row["kind"]), row["id"], row["title"], scope, row["terms"]
        ),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        tier_codes=frozenset(row["tier_codes"]),
        priority=row["priority"],
    )


def forget_cached() -> None:
    """Read afresh next time: when some have changed, and between tests."""
    global _cached, _forgotten  # noqa: PLW0603
    _cached = None
    _forgotten += 1


async def publish(scheduled: Scheduled, *, now: datetime) -> list[Conflict]:
    """Publish a promotion; returns those that it meets. They stand beside it, by their rules.

    Raises:
        InvalidInput: it can't be meant like this: it would be over, or be for nobody or nothing.
    """
    check(scheduled)
    await _check_names(scheduled, now=now)
    async with database.in_transaction():
        conflicts = await conflicts_of(scheduled)
        promotion = scheduled.promotion
        await database.execute(
            """
            INSERT INTO promotion (id, kind, title, starts_at, ends_at, scope_kind, scope_ids,
                                   tier_codes, priority, terms, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10::jsonb, $11)
            """,
            promotion.id,
            scheduled.kind,
            promotion.title,
            scheduled.starts_at,
            scheduled.ends_at,
            promotion.scope.kind,
            database.to_json(sorted(map(str, promotion.scope.ids))),
            database.to_json(sorted(scheduled.tier_codes)),
            scheduled.priority,
            database.to_json(terms_to_json(promotion)),
            now,
        )
    forget_cached()
    return conflicts


async def _check_names(scheduled: Scheduled, *, now: datetime) -> None:
    """Refuse a promotion that would be over, or names tiers or goods that aren't there."""
    require(scheduled.ends_at > now, "endsAt", "The end must lie ahead.")
    rules = (await rule_versions.in_force(now=now)).rules
    codes = {tier.code for tier in rules.tiers}
    require(scheduled.tier_codes <= codes, "tiers", "There is no such tier.")
    kind, ids = _goods(scheduled.promotion)
    if kind == ScopeKind.ALL:
        return
    known = await database.fetch_value(_KNOWN[kind], ids)
    field = "prices" if kind == _SKUS else "scope"
    require(known == len(ids), field, "Some of these goods are not there.")


_SKUS = "SKUS"
_KNOWN = {
    kind: f"SELECT count(*) FROM {table} WHERE id = ANY($1)"
    for kind, table in (
        (ScopeKind.PRODUCTS.value, "product"),
        (ScopeKind.CATEGORIES.value, "category"),
        (_SKUS, "sku"),
    )
}


async def end(promotion_id: UUID, *, now: datetime) -> None:
    """End a promotion before its time, or take it back before it began; doing it again is fine.

    Raises:
        NotFound: there is no such promotion.
    """
    found = await database.fetch_value(
        """
        UPDATE promotion SET ended_at = coalesce(ended_at, $2) WHERE id = $1 RETURNING id
        """,
        promotion_id,
        now,
    )
    if found is None:
        raise NotFound(thing="promotion", path=("promotionId",))
    forget_cached()


async def conflicts_of(scheduled: Scheduled) -> list[Conflict]:
    """Return the published promotions that this one would meet on some product, by their start."""
    rows = await database.fetch(
        f"{_SELECT} WHERE ended_at IS NULL AND id <> $1 AND kind = $2"
        " AND starts_at < $4 AND ends_at > $3 ORDER BY starts_at, id",
        scheduled.promotion.id,
        scheduled.kind,
        scheduled.starts_at,
        scheduled.ends_at,
    )
    others = [other for other in map(_scheduled, rows) if could_meet(scheduled, other)]
    if not others:
        return []
    found = []
    mine = _goods(scheduled.promotion)
    for other in others:
        products: int = await database.fetch_value(_BOTH_COVER, *mine, *_goods(other.promotion))
        if products:
            found.append(
                Conflict(
                    promotion_id=other.promotion.id,
                    title=other.promotion.title,
                    starts_at=max(scheduled.starts_at, other.starts_at),
                    ends_at=min(scheduled.ends_at, other.ends_at),
                    products=products,
                )
            )
    return found


def _goods(promotion: Promotion) -> tuple[str, list[UUID]]:
    """Return which goods a promotion covers: a kind of scope, or SKUS, and ids."""
    if isinstance(promotion, LimitedTimePrice) and promotion.price_fen_by_sku:
        return _SKUS, list(promotion.price_fen_by_sku)
    return promotion.scope.kind.value, list(promotion.scope.ids)


def _covered(kind: str, ids: str) -> str:
    return f"""
    CASE {kind}
        WHEN 'ALL' THEN true
        WHEN 'PRODUCTS' THEN product.id = ANY({ids})
        WHEN 'CATEGORIES' THEN EXISTS (
            SELECT FROM product_category AS place
            WHERE place.product_id = product.id AND place.category_id = ANY({ids}))
        ELSE EXISTS (SELECT FROM sku WHERE sku.product_id = product.id AND sku.id = ANY({ids}))
    END
    """


_BOTH_COVER = f"""
SELECT count(*) FROM product
WHERE {_covered("$1::text", "$2::uuid[]")} AND {_covered("$3::text", "$4::uuid[]")}
"""
