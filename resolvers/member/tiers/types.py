"""Tiers, a member's standing, and growth entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import strawberry
from asyncpg import Record

from domain import tier_terms, tiers
from domain.ledger import AccountKind
from domain.rules import Rules, TierRules
from domain.tiers import BenefitCode
from executor.fields import BatchInfo, batched, derived, item
from executor.hints import public
from models.public_changes import PublicTag
from resolvers.common.context import Context, Info
from resolvers.common.messages import translate
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import KEPT_SECONDS
from resolvers.common.titles import entry_title
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.orders.entries import orders_of_entries
from resolvers.member.orders.types import Order
from services.entries import entries_of

strawberry.enum(BenefitCode, name="BenefitCode", description="What a tier may give.")


@strawberry.enum(description="Why growth came or went.")
class GrowthReason(StrEnum):
    ORDER = "ORDER"
    ORDER_RETURNED = "ORDER_RETURNED"
    SHOP_PURCHASE = "SHOP_PURCHASE"
    SHOP_PURCHASE_RETURNED = "SHOP_PURCHASE_RETURNED"
    CHECK_IN = "CHECK_IN"
    REVIEW = "REVIEW"
    TIER_REVIEW = "TIER_REVIEW"
    MERGE = "MERGE"
    ADJUSTMENT = "ADJUSTMENT"


@strawberry.type(description="Something that a tier gives.")
class Benefit:
    code: BenefitCode = strawberry.field(description="Which benefit.")
    title: str = strawberry.field(description="Its short name, in the reader's language.")
    description: str = strawberry.field(description="What it means, in a sentence.")
    icon_url: str | None = strawberry.field(default=None, description="A picture for it.")


async def _rules_in_force(_sources: Sequence[Any], info: BatchInfo) -> None:
    await viewpoint(info.context)


def _tier_id(tier: TierRules, _context: Context) -> str:
    return tier.code


def _name(tier: TierRules, context: Context) -> str:
    return tier.name_en if context.language == "en" else tier.name


def _benefits(tier: TierRules, context: Context) -> list[Benefit]:
    language = context.language
    return [
        Benefit(
            code=benefit.code,
            title=translate(benefit.title, language, **benefit.facts),
            description=translate(benefit.description, language, **benefit.facts),
        )
        for benefit in tiers.benefits_of(tier, view_of(context).rules)
    ]


_RULES = public(PublicTag.RULES)


@strawberry.type(description="A level of membership.")
class Tier:
    """Its source is a tier of the rules."""

    id: strawberry.ID = derived(_tier_id, metadata=_RULES, description="The tier's id.")
    code: str = strawberry.field(description="REGULAR, SILVER, GOLD, or as the brand names them.")
    level: int = strawberry.field(description="Counts from 0.")
    growth_threshold: int = strawberry.field(description="Growth needed to reach it.")
    name: str = derived(_name, metadata=_RULES, description="Its name, in the reader's language.")
    benefits: list[Benefit] = derived(
        _benefits, needs=_rules_in_force, metadata=_RULES, description="What it gives."
    )


@strawberry.type(description="One change of growth.")
class GrowthEntry:
    id: strawberry.ID = strawberry.field(description="The entry's id.")
    delta: int = strawberry.field(description="Growth that came, or went when negative.")
    growth_after: int = strawberry.field(description="The growth after it.")
    title: str = strawberry.field(description="What it is called, in the reader's language.")
    created_at: datetime = strawberry.field(description="When.")
    reason: GrowthReason = strawberry.field(description="Why.")
    row: strawberry.Private[Any]
    order: Order | None = batched(description="The order it belongs to.")(orders_of_entries)

    @classmethod
    def from_row(cls, row: Any, info: Info) -> GrowthEntry:
        """Show a ledger entry."""
        return cls(
            id=strawberry.ID(str(row["id"])),
            delta=row["delta"],
            growth_after=row["balance_after"],
            title=entry_title(row, info.context.language),
            created_at=row["created_at"],
            reason=GrowthReason(row["reason"]),
            row=row,
        )


@dataclass(slots=True)
class Standing:
    """Where a member stands: their row with `POINTS_COLUMNS`, their tier and the one above."""

    member: Record
    tier: TierRules
    next_tier: TierRules | None

    @classmethod
    def of(cls, member: Record, rules: Rules) -> Standing:
        """Return a member's standing by the rules."""
        tier = rules.tier(member["tier_code"])
        return cls(member, tier, rules.next_tier(tier.code))


def _growth_to_next_tier(standing: Standing, _context: Context) -> int | None:
    above = standing.next_tier
    return max(above.growth_threshold - standing.member["growth"], 0) if above else None


def _progress(standing: Standing, _context: Context) -> float:
    return tiers.progress(standing.member["growth"], standing.tier, standing.next_tier)


def _review_at(standing: Standing, _context: Context) -> datetime | None:
    return standing.member["tier_review_at"] if standing.tier.level else None


def _growth_to_keep(standing: Standing, context: Context) -> int | None:
    if _review_at(standing, context) is None:
        return None
    return tier_terms.to_keep(standing.tier, standing.member["term_growth"])


def _benefits_of_standing(standing: Standing, context: Context) -> list[Benefit]:
    return _benefits(standing.tier, context)


@strawberry.type(description="A member's standing.")
class Membership:
    """Its source is a `Standing`."""

    tier: Tier = strawberry.field(description="The tier held now.")
    growth: int = item("growth", of="member", description="What counts for the tier; never spent.")
    next_tier: Tier | None = strawberry.field(description="The tier above; null at the top.")
    growth_to_next_tier: int | None = derived(
        _growth_to_next_tier, description="Growth still missing."
    )
    progress: float = derived(
        _progress, description="0..1 between this tier's threshold and the next; 1 at the top."
    )
    tier_since: datetime = item("tier_since", of="member", description="When the tier was reached.")
    review_at: datetime | None = derived(
        _review_at, description="When the tier is next reviewed; null on the lowest tier."
    )
    lifetime_growth: int = item(
        "lifetime_growth", of="member", description="All growth ever; no review lowers it."
    )
    benefits: list[Benefit] = derived(
        _benefits_of_standing, needs=_rules_in_force, description="What the tier gives."
    )

    growth_to_keep: int | None = derived(
        _growth_to_keep, description="Growth still needed until the review to keep the tier."
    )

    @strawberry.field(description="Every change of growth, newest first.")
    @staticmethod
    async def growth_entries(
        standing: strawberry.Parent[Standing], info: Info, first: First = 20, after: After = None
    ) -> Connection[GrowthEntry]:
        request = read_page(first, after, int)
        page = await entries_of(standing.member["id"], AccountKind.GROWTH, request)
        return Connection.of(page, lambda row: GrowthEntry.from_row(row, info))


@strawberry.type
class TiersQuery:
    @strawberry.field(
        metadata=public(PublicTag.RULES, seconds=KEPT_SECONDS),
        description="Every tier, lowest first.",
    )
    async def tiers(self, info: Info) -> list[Tier]:
        view = await viewpoint(info.context)
        return cast("list[Tier]", list(view.rules.tiers))
