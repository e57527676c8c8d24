"""Prices and reductions that run for a while."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint

from domain.pricing import ScopeKind
from domain.promotions import PromotionKind
from models.fields import Table, word


class Promotion(Table):
    """A limited-time price, quantity discount or full reduction, as it was published.

    It runs in its window, unless it was ended before. `tier_codes` empty is for everybody;
    `terms` is what the kind needs. Terms never change: another promotion takes its place.
    """

    kind = word(PromotionKind)
    title = fields.CharField(max_length=128)
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    scope_kind = word(ScopeKind)
    scope_ids: Any = fields.JSONField()
    tier_codes: Any = fields.JSONField()
    priority = fields.IntField(default=0)
    terms: Any = fields.JSONField()
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "promotion"
        constraints = (
            CheckConstraint(check="starts_at < ends_at", name="promotion_window_check"),
            CheckConstraint(
                check="(scope_kind = 'ALL') = (jsonb_array_length(scope_ids) = 0)",
                name="promotion_scope_check",
            ),
        )
