"""Coupons: their terms, templates, campaigns, codes and grants."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from domain.coupons import (
    Audience,
    CampaignKind,
    CampaignState,
    CouponOrigin,
    GrantStatus,
    ReturnRule,
)
from domain.errors import ErrorCode
from domain.pricing import CouponKind, CouponStatus, ScopeKind
from models.fields import Table, belongs_to, fen, word


class CouponTerms(Table):
    """What coupons promise: the snapshot that each coupon keeps.

    Rows never change (a trigger refuses) and are found by the digest of their content, so equal
    terms are one row.
    """

    digest = fields.BinaryField()
    name = fields.CharField(max_length=128)
    name_en = fields.CharField(max_length=128)
    kind = word(CouponKind)
    amount_off_fen = fen()
    pay_bps = fields.IntField()
    max_off_fen = fen(null=True)
    min_spend_fen = fen()
    min_pieces = fields.IntField()
    scope_kind = word(ScopeKind)
    scope_ids: Any = fields.JSONField()
    scope_title = fields.CharField(max_length=256)
    scope_title_en = fields.CharField(max_length=256)
    stacks_with_campaigns = fields.BooleanField()
    gift_sku = belongs_to("Sku", null=True)
    return_rule = word(ReturnRule)
    description = fields.TextField()
    description_en = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "coupon_terms"
        constraints = (
            UniqueConstraint(fields=("digest",), name="coupon_terms_digest_key"),
            CheckConstraint(
                check="amount_off_fen >= 0 AND min_spend_fen >= 0 AND min_pieces >= 0"
                " AND max_off_fen >= 1",
                name="coupon_terms_positive_check",
            ),
            CheckConstraint(
                check="pay_bps BETWEEN 1 AND 10000 AND (kind = 'PERCENT_OFF') = (pay_bps < 10000)",
                name="coupon_terms_percent_check",
            ),
            CheckConstraint(
                check="(kind = 'AMOUNT_OFF') = (amount_off_fen > 0)",
                name="coupon_terms_amount_check",
            ),
            CheckConstraint(
                check="(kind = 'GIFT') = (gift_sku_id IS NOT NULL)", name="coupon_terms_gift_check"
            ),
        )


class CouponTemplate(Table):
    """What coupons of a campaign promise and how long: days from the claim, or a window.

    Changing a template gives it other terms; coupons that were given keep theirs.
    """

    code = fields.CharField(max_length=64, unique=True)
    terms = belongs_to("CouponTerms")
    valid_days = fields.IntField(null=True)
    valid_from = fields.DatetimeField(null=True)
    valid_until = fields.DatetimeField(null=True)
    updated_at = fields.DatetimeField()

    class Meta:
        table = "coupon_template"
        constraints = (
            CheckConstraint(
                check="(valid_days IS NULL) = (valid_from IS NOT NULL)"
                " AND (valid_from IS NULL) = (valid_until IS NULL)",
                name="coupon_template_form_check",
            ),
            CheckConstraint(
                check="(valid_days IS NULL OR valid_days >= 1)"
                " AND (valid_from IS NULL OR valid_from < valid_until)",
                name="coupon_template_window_check",
            ),
        )


class CouponCampaign(Table):
    """Who may have a template's coupons, when, how many, how many each, at what price in points.

    `claimed` counts what was given of `quantity`. An EVENT campaign gives one coupon for an order:
    of `event_min_paid_fen` paid, or with `event_pieces` pieces of a category.
    """

    template = belongs_to("CouponTemplate")
    kind = word(CampaignKind)
    name = fields.CharField(max_length=128)
    claim_from = fields.DatetimeField()
    claim_until = fields.DatetimeField()
    quantity = fields.BigIntField(null=True)
    claimed = fields.BigIntField(default=0)
    per_member_limit = fields.IntField(default=1)
    points_price = fields.BigIntField(default=0)
    min_tier_code = fields.CharField(max_length=32, null=True)
    audience = word(Audience, default=Audience.EVERYBODY)
    event_min_paid_fen = fen(null=True)
    event_category = belongs_to("Category", null=True)
    event_pieces = fields.IntField(null=True)
    series = fields.CharField(max_length=64, null=True)
    status = word(CampaignState, default=CampaignState.PUBLISHED)
    source = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=128, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "coupon_campaign"
        constraints = (
            UniqueConstraint(fields=("source", "source_id"), name="coupon_campaign_source_key"),
            CheckConstraint(
                check="claimed >= 0 AND (quantity IS NULL OR claimed <= quantity)",
                name="coupon_campaign_claimed_check",
            ),
            CheckConstraint(check="claim_from < claim_until", name="coupon_campaign_window_check"),
            CheckConstraint(
                check="per_member_limit BETWEEN 1 AND 100", name="coupon_campaign_limit_check"
            ),
            CheckConstraint(
                check="points_price >= 0 AND (points_price = 0 OR kind = 'CLAIM')",
                name="coupon_campaign_price_check",
            ),
            CheckConstraint(
                check="(kind = 'EVENT')"
                " = (event_min_paid_fen IS NOT NULL OR event_category_id IS NOT NULL)"
                " AND (event_category_id IS NULL) = (event_pieces IS NULL)"
                " AND (event_min_paid_fen IS NULL OR event_min_paid_fen >= 1)"
                " AND (event_pieces IS NULL OR event_pieces >= 1)",
                name="coupon_campaign_event_check",
            ),
        )


class CampaignMember(Table):
    """A member that a LISTED campaign names."""

    campaign = belongs_to("CouponCampaign")
    member = belongs_to("Member")

    class Meta:
        table = "campaign_member"
        indexes = (("member_id",),)
        constraints = (
            UniqueConstraint(fields=("campaign_id", "member_id"), name="campaign_member_key"),
        )


class Coupon(Table):
    """A member's coupon.

    `seat` counts a member's coupons of a campaign, up to its limit; after a merge it may lie beyond
    (`merged`). `origin_id` is what gave it, so that repeating that gives none. An order holds it
    from placing on (RESERVED, then USED); a till uses it at once, for a shop purchase.
    """

    member = belongs_to("Member")
    terms = belongs_to("CouponTerms")
    campaign = belongs_to("CouponCampaign", null=True)
    seat = fields.SmallIntField(null=True)
    code = fields.CharField(max_length=20, unique=True)
    status = word(CouponStatus, default=CouponStatus.USABLE)
    is_for_shipping = fields.BooleanField()
    valid_from = fields.DatetimeField()
    valid_until = fields.DatetimeField()
    order = belongs_to("Order", null=True)
    purchase_id = fields.UUIDField(null=True)
    origin = word(CouponOrigin)
    origin_id = fields.UUIDField(null=True)
    points_paid = fields.BigIntField(default=0)
    merged = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    reminded_at = fields.DatetimeField(null=True)

    class Meta:
        table = "coupon"
        constraints = (
            UniqueConstraint(fields=("campaign_id", "member_id", "seat"), name="coupon_seat_key"),
            UniqueConstraint(fields=("origin", "origin_id"), name="coupon_origin_key"),
            CheckConstraint(check="valid_from < valid_until", name="coupon_window_check"),
            CheckConstraint(
                check="status IN ('RESERVED', 'USED')"
                " OR (order_id IS NULL AND purchase_id IS NULL)",
                name="coupon_held_check",
            ),
            CheckConstraint(
                check="status <> 'RESERVED' OR order_id IS NOT NULL", name="coupon_reserved_check"
            ),
            CheckConstraint(
                check="(status = 'USED') = (used_at IS NOT NULL)", name="coupon_used_check"
            ),
            CheckConstraint(check="status <> 'NOT_YET_VALID'", name="coupon_status_check"),
            CheckConstraint(check="points_paid >= 0", name="coupon_points_paid_check"),
        )


class ExchangeCode(Table):
    """A code that gives one coupon, once; only its digest is kept."""

    campaign = belongs_to("CouponCampaign")
    digest = fields.BinaryField()
    coupon = belongs_to("Coupon", null=True)
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "exchange_code"
        indexes = (("campaign_id",),)
        constraints = (
            UniqueConstraint(fields=("digest",), name="exchange_code_digest_key"),
            UniqueConstraint(fields=("coupon_id",), name="exchange_code_coupon_key"),
            CheckConstraint(
                check="(coupon_id IS NULL) = (used_at IS NULL)", name="exchange_code_used_check"
            ),
        )


class CouponGrant(Table):
    """Giving a campaign's coupon to a list of members; `done` counts those decided so far."""

    campaign = belongs_to("CouponCampaign")
    name = fields.CharField(max_length=128)
    total = fields.BigIntField()
    done = fields.BigIntField(default=0)
    status = word(GrantStatus, default=GrantStatus.RUNNING)
    created_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "coupon_grant"
        constraints = (
            CheckConstraint(check="done BETWEEN 0 AND total", name="coupon_grant_done_check"),
            CheckConstraint(
                check="(status = 'FINISHED') = (finished_at IS NOT NULL)",
                name="coupon_grant_finished_check",
            ),
        )


class CouponGrantItem(Table):
    """A member of a grant's list: undecided, given a coupon, or refused for a reason."""

    grant = belongs_to("CouponGrant")
    member = belongs_to("Member")
    coupon = belongs_to("Coupon", null=True)
    refused = word(ErrorCode, null=True)

    class Meta:
        table = "coupon_grant_item"
        constraints = (
            UniqueConstraint(fields=("grant_id", "member_id"), name="coupon_grant_item_key"),
            CheckConstraint(
                check="coupon_id IS NULL OR refused IS NULL", name="coupon_grant_item_check"
            ),
        )
