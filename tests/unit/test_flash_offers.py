"""What an item of a flash sale says to who looks at it (rules, section 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.campaigns import CampaignStatus
from domain.flash_offers import Offer, Onlooker, judge, sale_status
from domain.flash_sales import FlashSaleState
from domain.members import masked_nickname
from domain.rules import Rules

START = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
RULES = Rules()
OFFER = Offer(
    product="茶壶",
    state=FlashSaleState.PUBLISHED,
    starts_at=START,
    ends_at=END,
    per_member_limit=2,
    min_tier_code=None,
    is_for_sale=True,
    remaining=5,
)
REGULAR = Onlooker(is_active=True, tier_code="REGULAR", claimed=0)
GOLD = replace(REGULAR, tier_code="GOLD")


def said(offer: Offer, onlooker: Onlooker | None, *, now: datetime = START) -> str | None:
    refusal = judge(offer, onlooker, RULES, now=now)
    return refusal.code.value if refusal else None


@pytest.mark.parametrize(
    ("state", "now", "status"),
    [
        (FlashSaleState.PUBLISHED, START - timedelta(seconds=1), CampaignStatus.UPCOMING),
        (FlashSaleState.PUBLISHED, START, CampaignStatus.RUNNING),
        (FlashSaleState.PAUSED, START, CampaignStatus.RUNNING),
        (FlashSaleState.PUBLISHED, END, CampaignStatus.ENDED),
        (FlashSaleState.CANCELLED, START, CampaignStatus.ENDED),
        (FlashSaleState.CLOSED, START, CampaignStatus.ENDED),
    ],
)
def test_where_a_sale_stands(state: FlashSaleState, now: datetime, status: CampaignStatus) -> None:
    assert sale_status(state, START, END, now) is status


def test_reasons_come_in_the_order_in_which_a_claim_is_judged() -> None:
    worst = replace(
        OFFER,
        state=FlashSaleState.CANCELLED,
        min_tier_code="GOLD",
        starts_at=START + timedelta(minutes=1),
        is_for_sale=False,
        remaining=0,
    )
    nobody = Onlooker(is_active=False, tier_code="REGULAR", claimed=9)
    heard = [said(worst, nobody)]
    full = replace(REGULAR, claimed=9)
    heard.append(said(worst, full))
    worst = replace(worst, state=FlashSaleState.PUBLISHED)
    heard.append(said(worst, full))
    worst = replace(worst, min_tier_code=None)
    heard.append(said(worst, full))
    worst = replace(worst, starts_at=START)
    heard.append(said(worst, full))
    heard.append(said(worst, REGULAR))
    worst = replace(worst, is_for_sale=True)
    heard.append(said(worst, REGULAR))
    heard.append(said(OFFER, REGULAR))
    assert heard == [
        *("ACCOUNT_BLOCKED", "CAMPAIGN_ENDED", "TIER_TOO_LOW", "CAMPAIGN_NOT_STARTED"),
        *("PURCHASE_LIMIT_REACHED", "SKU_NOT_FOR_SALE", "CAMPAIGN_SOLD_OUT", None),
    ]


def test_gold_members_come_earlier_and_each_hears_of_their_own_start() -> None:
    early = START - timedelta(minutes=5)
    assert said(OFFER, GOLD, now=early) is None
    for onlooker in (REGULAR, None):
        refusal = judge(OFFER, onlooker, RULES, now=early)
        assert refusal is not None
        assert (refusal.code, refusal.retry_after_seconds) == ("CAMPAIGN_NOT_STARTED", 300)


def test_a_paused_sale_may_go_on_in_a_moment() -> None:
    paused = judge(replace(OFFER, state=FlashSaleState.PAUSED), REGULAR, RULES, now=START)
    assert paused is not None
    assert (paused.code, paused.retry_after_seconds) == ("BUSY", 10)


@pytest.mark.parametrize(("name", "seen"), [("张三丰", "张**"), ("A", "A**"), ("", "**")])
def test_strangers_see_a_first_letter(name: str, seen: str) -> None:
    assert masked_nickname(name) == seen
