"""The terms of members' tiers, benefits that were granted, and the days that were run."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.benefits import Benefit
from domain.tier_terms import TermCause
from models.fields import Table, belongs_to, word


class TierTerm(Table):
    """A tier that began to hold for a member; rows are never changed.

    `threshold` is what the tier asked for then, `growth` what the member had, `period_growth` what
    the term before had earned. A review leaves its due time in `due_at`: it has one outcome.
    """

    member = belongs_to("Member")
    tier_code = fields.CharField(max_length=32)
    since = fields.DatetimeField()
    review_at = fields.DatetimeField(null=True)
    since_seq = fields.BigIntField()
    cause = word(TermCause)
    threshold = fields.BigIntField()
    growth = fields.BigIntField()
    period_growth = fields.BigIntField()
    rule_version = belongs_to("RuleVersion")
    due_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "tier_term"
        constraints = (
            UniqueConstraint(fields=("member_id", "due_at"), name="tier_term_review_key"),
            CheckConstraint(check="growth >= 0", name="tier_term_growth_check"),
            CheckConstraint(
                check="(due_at IS NOT NULL) = (cause IN ('KEPT', 'DOWN'))",
                name="tier_term_due_check",
            ),
        )


class TierRise(Table):
    """How far members were raised to tiers that a rule version puts in their reach.

    The row's id is the version's; members are gone through in the order of their ids.
    """

    reached_id = fields.UUIDField(null=True)
    risen = fields.BigIntField(default=0)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "tier_rise"
        constraints = (CheckConstraint(check="risen >= 0", name="tier_rise_risen_check"),)


class BenefitGrant(Table):
    """A benefit that a member was given in a window, once.

    Its coupon has the grant as its origin. A merge keeps what both were given: where the two
    collide, the loser's is marked.
    """

    member = belongs_to("Member")
    benefit = word(Benefit)
    period = fields.CharField(max_length=80)
    tier_code = fields.CharField(max_length=32)
    points = fields.BigIntField(default=0)
    merged = fields.BooleanField(default=False)
    rule_version = belongs_to("RuleVersion")
    created_at = fields.DatetimeField()

    class Meta:
        table = "benefit_grant"
        indexes = (("member_id",),)
        constraints = (CheckConstraint(check="points >= 0", name="benefit_grant_points_check"),)


class DayRun(Table):
    """How far a step of a business day's work has come; finished once nothing can be added."""

    day = fields.DateField()
    step = fields.CharField(max_length=32)
    pieces = fields.BigIntField(default=0)
    finished_at = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "day_run"
        constraints = (
            UniqueConstraint(fields=("day", "step"), name="day_run_key"),
            CheckConstraint(check="pieces >= 0", name="day_run_pieces_check"),
        )
