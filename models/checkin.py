"""Check-ins: one row for each member and day, and what it gave."""

from __future__ import annotations

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from models.fields import Table, belongs_to


class CheckIn(Table):
    """A day that a member checked in, or made up for later.

    `run_start` is the first day of the unbroken run up to this one; the streak follows from it.
    `cycle_day` and what was given are of the moment: a gap made up for later changes neither. A
    made-up day takes a seat of the month in which it was made up for. A merge keeps the second row
    of a day with `merged` set.
    """

    member = belongs_to("Member")
    day = fields.DateField()
    run_start = fields.DateField()
    cycle_day = fields.SmallIntField()
    points = fields.BigIntField()
    growth = fields.BigIntField()
    made_up = fields.BooleanField(default=False)
    act_month = fields.CharField(max_length=7, null=True)
    make_up_seat = fields.SmallIntField(null=True)
    coupon = belongs_to("Coupon", null=True)
    merged = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()

    class Meta:
        table = "check_in"
        constraints = (
            UniqueConstraint(
                fields=("member_id", "act_month", "make_up_seat"), name="check_in_make_up_key"
            ),
            CheckConstraint(check="run_start <= day", name="check_in_run_check"),
            CheckConstraint(check="cycle_day >= 1", name="check_in_cycle_day_check"),
            CheckConstraint(
                check="made_up = (make_up_seat IS NOT NULL) AND made_up = (act_month IS NOT NULL)",
                name="check_in_made_up_check",
            ),
            CheckConstraint(
                check="points >= 0 AND growth >= 0"
                " AND (NOT made_up OR (points = 0 AND growth = 0 AND coupon_id IS NULL))",
                name="check_in_given_check",
            ),
        )
