"""Tiers, a member's standing, and growth entry by entry."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from asyncpg import Record

from domain import tiers
from domain.ledger import AccountKind, EntryReason
from domain.rules import Rules, TierRules
from domain.tiers import BenefitCode
from executor.fields import batched
from executor.hints import public
from loaders.points import PointsSummary
from models.public_changes import PublicTag
from resolvers.common.context import Info
from resolvers.common.messages import Language, translate
from resolvers.common.pages import After, Connection, First, read_page
from resolvers.common.public import KEPT_SECONDS
from resolvers.common.titles import entry_title
from resolvers.member.orders.entries import orders_of_entries
from resolvers.member.orders.types import Order
from services import rules as rule_versions
from services.entries import entries_of, growth_since

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


@strawberry.type(description="A level of membership.")
class Tier:
    code: str = strawberry.field(description="REGULAR, SILVER, GOLD, or as the brand names them.")
    level: int = strawberry.field(description="Counts from 0.")
    growth_threshold: int = strawberry.field(description="Growth needed to reach it.")
    tier: strawberry.Private[TierRules]
    rules: strawberry.Private[Rules]
    language: strawberry.Private[Language]

    @strawberry.field(description="The tier's id.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(self.code)

    @strawberry.field(description="Its name, in the reader's language.")
    def name(self) -> str:
        return self.tier.name_en if self.language == "en" else self.tier.name

    @strawberry.field(description="What it gives.")
    def benefits(self) -> list[Benefit]:
        return _benefits(self.tier, self.rules, self.language)

    @classmethod
    def of(cls, tier: TierRules, rules: Rules, language: Language) -> Tier:
        """Show a tier of the rules."""
        return cls(
            code=tier.code,
            level=tier.level,
            growth_threshold=tier.growth_threshold,
            tier=tier,
            rules=rules,
            language=language,
        )


def _benefits(tier: TierRules, rules: Rules, language: Language) -> list[Benefit]:
    return [
        Benefit(
            code=benefit.code,
            title=translate(benefit.title, language, **benefit.facts),
            description=translate(benefit.description, language, **benefit.facts),
        )
        for benefit in tiers.benefits_of(tier, rules)
    ]


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
            title=entry_title(EntryReason(row["reason"]), info.context.language),
            created_at=row["created_at"],
            reason=GrowthReason(row["reason"]),
            row=row,
        )


@strawberry.type(description="A member's standing.")
class Membership:
    tier: Tier = strawberry.field(description="The tier held now.")
    growth: int = strawberry.field(description="What counts for the tier; never spent.")
    next_tier: Tier | None = strawberry.field(description="The tier above; null at the top.")
    growth_to_next_tier: int | None = strawberry.field(description="Growth still missing.")
    progress: float = strawberry.field(
        description="0..1 between this tier's threshold and the next; 1 at the top."
    )
    tier_since: datetime = strawberry.field(description="When the tier was reached.")
    review_at: datetime | None = strawberry.field(
        description="When the tier is next reviewed; null on the lowest tier."
    )
    lifetime_growth: int = strawberry.field(description="All growth ever; no review lowers it.")
    member_id: strawberry.Private[Any]
    threshold: strawberry.Private[int]

    @strawberry.field(description="What the tier gives.")
    def benefits(self) -> list[Benefit]:
        tier = self.tier
        return _benefits(tier.tier, tier.rules, tier.language)

    @strawberry.field(description="Growth still needed until the review to keep the tier.")
    async def growth_to_keep(self) -> int | None:
        if self.review_at is None:
            return None
        earned = await growth_since(self.member_id, self.tier_since)
        return max(self.threshold - earned, 0)

    @strawberry.field(description="Every change of growth, newest first.")
    async def growth_entries(
        self, info: Info, first: First = 20, after: After = None
    ) -> Connection[GrowthEntry]:
        request = read_page(first, after, int)
        page = await entries_of(self.member_id, AccountKind.GROWTH, request)
        return Connection.of(page, lambda row: GrowthEntry.from_row(row, info))

    @classmethod
    def of(
        cls, member: Record, summary: PointsSummary, rules: Rules, language: Language
    ) -> Membership:
        """Show where a member stands."""
        tier = rules.tier(member["tier_code"])
        above = rules.next_tier(tier.code)
        missing = max(above.growth_threshold - summary.growth, 0) if above else None
        shown = Tier.of(tier, rules, language)
        reviewed = member["tier_review_at"] if tier.level else None
        return cls(
            tier=shown,
            growth=summary.growth,
            next_tier=Tier.of(above, rules, language) if above else None,
            growth_to_next_tier=missing,
            progress=tiers.progress(summary.growth, tier, above),
            tier_since=member["tier_since"],
            review_at=reviewed,
            lifetime_growth=member["lifetime_growth"],
            member_id=member["id"],
            threshold=tier.growth_threshold,
        )


@strawberry.type
class TiersQuery:
    @strawberry.field(
        metadata=public(PublicTag.RULES, seconds=KEPT_SECONDS),
        description="Every tier, lowest first.",
    )
    async def tiers(self, info: Info) -> list[Tier]:
        context = info.context
        rules = (await rule_versions.in_force(now=context.now)).rules
        return [Tier.of(tier, rules, context.language) for tier in rules.tiers]
