"""Whatever happens to coupons, in whatever order: the mall agrees with a notebook of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.coupons import CampaignKind, CouponNotApplicable, ReturnRule, Terms, Validity
from domain.errors import DomainError
from domain.pricing import CouponStatus
from loaders.along import rows_of_arrays
from loaders.coupons import CouponsShape, count_coupons
from loaders.members import ONLY_THEIR_ID, member_along
from models import database as db
from services import (
    coupon_claims,
    coupon_codes,
    coupon_expiry,
    coupon_grants,
    coupons,
    merging,
)
from services import rules as rule_versions
from services.coupon_checks import CHECKS
from services.coupon_claims import ClaimCode, ClaimCoupon
from tests.factories.coupons import (
    FIVE_OFF,
    FREE_SHIPPING,
    a_campaign,
    a_coupon,
    a_joined_member,
    an_order,
)
from tests.factories.shop import NOW
from tests.stateful.coupons_oracle import Entry, Notebook, Offer

T = TypeVar("T")
MEMBERS = 3
DAY = timedelta(days=1)
LONG = NOW + 30 * DAY
members = st.integers(0, MEMBERS - 1)
WHOLE = replace(FIVE_OFF, return_rule=ReturnRule.WHOLE)
NEVER = replace(FREE_SHIPPING, return_rule=ReturnRule.NEVER)
OFFERS: list[tuple[CampaignKind, Terms, Validity, Offer]] = [
    (CampaignKind.CLAIM, FIVE_OFF, Validity(days=2), Offer(NOW, LONG, 4, 2)),
    (CampaignKind.CLAIM, WHOLE, Validity(days=5), Offer(NOW + DAY, NOW + 3 * DAY, None, 1)),
    (
        CampaignKind.CLAIM,
        NEVER,
        Validity(valid_from=NOW + DAY, valid_until=NOW + 4 * DAY),
        Offer(NOW, NOW + 4 * DAY, 2, 3),
    ),
    (CampaignKind.CODE, FREE_SHIPPING, Validity(days=3), Offer(NOW, LONG, 3, 2)),
    (CampaignKind.GRANT, WHOLE, Validity(days=1), Offer(NOW, LONG, 5, 2)),
]
"""Kinds, terms, validity, and the notebook's page of each campaign."""
TERMS = [FIVE_OFF, FREE_SHIPPING, WHOLE, NEVER]
CODES = 5
CLAIMED, CODED, GRANTED = (0, 1, 2), 3, 4


class OpenDoors:
    """Lets everybody in."""

    async def knock(self, _door: str, _address: str) -> int | None:
        return None


class CouponsMachine(RuleBasedStateMachine):
    """Three members and their coupons, until two turn out to be one person."""

    given = Bundle("given")
    unpaid = Bundle("unpaid")
    paid = Bundle("paid")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.ids: list[UUID] = []
        self.campaigns: list[UUID] = []
        self.codes: list[str] = []
        self.book = Notebook()
        self.keys = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that the pool belongs to; this machine has a thread of its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def attempt(self, work: Coroutine[Any, Any, T]) -> tuple[T | None, DomainError | None]:
        """Return what came of it, or the refusal."""
        try:
            return self.run(work), None
        except DomainError as refusal:
            return None, refusal

    @initialize(target=given)
    def begin(self) -> Any:
        self.ids, self.campaigns, self.codes = self.run(_reset())
        self.book.offers = {
            campaign_id: replace(offer)
            for campaign_id, (_, _, _, offer) in zip(self.campaigns, OFFERS, strict=True)
        }
        own = [
            self.bring(member, terms, 1 + member) for member in range(MEMBERS) for terms in TERMS
        ]
        return multiple(*own)

    def key(self) -> str:
        self.keys += 1
        return str(self.keys)

    def note(self, coupon_id: UUID, owner: UUID, place: int) -> UUID:
        """Write a campaign's coupon into the notebook."""
        _, terms, validity, _ = OFFERS[place]
        campaign_id = self.campaigns[place]
        self.book.offers[campaign_id].given += 1
        start, end = validity.window(self.now)
        self.book.entries[coupon_id] = Entry(
            owner, campaign_id, terms.is_for_shipping, terms.return_rule, start, end
        )
        return coupon_id

    @rule(target=given, member=members, place=st.sampled_from(CLAIMED), again=st.booleans())
    def claim(self, member: int, place: int, again: bool) -> Any:
        owner, campaign_id = self.ids[member], self.campaigns[place]
        refusal = self.book.offers[campaign_id].refusal(self.book.had(owner, campaign_id), self.now)
        wish = ClaimCoupon(owner, campaign_id, self.key())
        coupon_id, told = self.attempt(coupon_claims.claim(wish, now=self.now))
        assert (told and told.code) == refusal
        if coupon_id is None:
            return multiple()
        if again:
            assert self.run(coupon_claims.claim(wish, now=self.now)) == coupon_id
        return self.note(coupon_id, owner, place)

    @rule(target=given, member=members, number=st.integers(0, CODES - 1))
    def exchange(self, member: int, number: int) -> Any:
        code = self.codes[number]
        owner, campaign_id = self.ids[member], self.campaigns[CODED]
        refusal = self.book.offers[campaign_id].refusal(self.book.had(owner, campaign_id), self.now)
        wish = ClaimCode(owner, code.lower(), self.key())
        is_used = self.run(_is_used(code))
        coupon_id, told = self.attempt(coupon_claims.claim_code(wish, OpenDoors(), now=self.now))
        assert (told and told.code) == ("COUPON_CODE_INVALID" if is_used else refusal)
        if coupon_id is None:
            return multiple()
        return self.note(coupon_id, owner, CODED)

    @rule(target=given, some=st.sets(members, min_size=1))
    def grant(self, some: set[int]) -> Any:
        """Give to a list: each gets one as long as there are any, and none beyond their limit."""
        owners = list(dict.fromkeys(self.ids[member] for member in sorted(some)))
        campaign_id = self.campaigns[GRANTED]
        grant_id = self.run(coupon_grants.start(campaign_id, owners, name="list", now=self.now))
        while self.run(coupon_grants.run_due(now=self.now, limit=2)):
            pass
        made = []
        for owner in owners:
            refusal = self.book.offers[campaign_id].refusal(
                self.book.had(owner, campaign_id), self.now
            )
            coupon_id = self.run(_granted(grant_id, owner))
            assert (coupon_id is None) == (refusal is not None)
            if coupon_id is not None:
                made.append(self.note(coupon_id, owner, GRANTED))
        return multiple(*made)

    @rule(target=given, member=members, terms=st.sampled_from(TERMS), days=st.integers(1, 4))
    def bring_one(self, member: int, terms: Terms, days: int) -> UUID:
        return self.bring(member, terms, days)

    def bring(self, member: int, terms: Terms, days: int) -> UUID:
        """Give a coupon of no campaign."""
        owner, until = self.ids[member], self.now + days * DAY
        coupon_id = self.run(a_coupon(owner, terms, valid_from=self.now, valid_until=until))
        self.book.entries[coupon_id] = Entry(
            owner, None, terms.is_for_shipping, terms.return_rule, self.now, until
        )
        return coupon_id

    @rule(target=unpaid, coupon=given, other=given, stranger=st.sampled_from([None, None, 0, 1]))
    def place(self, coupon: UUID, other: UUID, stranger: int | None) -> Any:
        owner = self.book.entries[coupon].owner if stranger is None else self.ids[stranger]
        of_both = {self.book.entries[coupon].for_shipping, self.book.entries[other].for_shipping}
        wanted = [coupon, other] if len(of_both) == 2 else [coupon]
        order_id = self.run(an_order(owner))
        may = self.book.may_reserve(wanted, owner, self.now)
        _, refused = self.attempt(
            coupons.reserve(wanted, member_id=owner, order_id=order_id, now=self.now)
        )
        assert (refused is None) == may
        if isinstance(refused, CouponNotApplicable):
            assert refused.coupon_id in wanted
            return multiple()
        for coupon_id in wanted:
            self.book.entries[coupon_id].state = "RESERVED"
            self.book.entries[coupon_id].order = order_id
        return order_id

    @rule(target=paid, order=consumes(unpaid), twice=st.booleans())
    def pay(self, order: UUID, twice: bool) -> UUID:
        self.run(_stands(order, "AWAITING_SHIPMENT"))
        for _ in range(1 + twice):
            self.run(coupons.use(order, now=self.now))
        for entry in self.book.held_by(order):
            entry.state = "USED"
        return order

    @rule(order=consumes(unpaid), twice=st.booleans())
    def cancel(self, order: UUID, twice: bool) -> None:
        held = self.book.held_by(order)
        self.run(_stands(order, "CANCELLED"))
        assert self.run(coupons.release(order, now=self.now)) == len(held)
        if twice:
            assert self.run(coupons.release(order, now=self.now)) == 0
        for entry in held:
            entry.let_go(self.now)

    @rule(order=consumes(paid), before_shipment=st.booleans())
    def refund(self, order: UUID, before_shipment: bool) -> None:
        self.run(_stands(order, "REFUNDED"))
        back = [
            entry
            for entry in self.book.held_by(order)
            if entry.returns == "WHOLE"
            or (entry.returns == "WHOLE_BEFORE_SHIPMENT" and before_shipment)
        ]
        told = self.run(coupons.give_back(order, before_shipment=before_shipment, now=self.now))
        assert told == bool(back)
        for entry in back:
            entry.let_go(self.now)

    @rule(coupon=given)
    def revoke(self, coupon: UUID) -> None:
        entry = self.book.entries[coupon]
        assert self.run(coupons.revoke([coupon])) == (entry.state == "USABLE")
        if entry.state == "USABLE":
            entry.state = "REVOKED"

    @rule()
    def expire(self) -> None:
        due = [
            entry
            for entry in self.book.entries.values()
            if entry.state == "USABLE" and self.now >= entry.end
        ]
        done = 0
        while batch := self.run(coupon_expiry.expire_due(self.now, limit=2)):
            done += batch
        assert done == len(due)
        for entry in due:
            entry.state = "EXPIRED"

    @rule(hours=st.sampled_from([1, 11, 24, 50]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: len(set(self.ids)) == MEMBERS)
    @rule(one=members, two=members)
    def turn_out_to_be_one(self, one: int, two: int) -> None:
        if one == two:
            return
        survivor = self.run(_merge(self.ids[one], self.ids[two], self.now))
        loser = self.ids[two] if survivor == self.ids[one] else self.ids[one]
        self.ids = [survivor if id_ == loser else id_ for id_ in self.ids]
        for entry in self.book.entries.values():
            if entry.owner == loser:
                entry.owner = survivor

    @invariant()
    def the_notebook_agrees(self) -> None:
        if not self.ids:
            return
        for owner in set(self.ids):
            assert self.run(_shown_to(owner, self.now)) == self.book.shown_to(owner, self.now)
            live = self.run(coupons.live(owner, now=self.now))
            assert {(coupon.id, coupon.status) for coupon in live} == {
                (id_, entry.shown(self.now))
                for id_, entry in self.book.entries.items()
                if entry.owner == owner
                and self.now < entry.end
                and entry.state in ("USABLE", "RESERVED")
            }
        stored = self.run(_stored())
        assert stored == {
            id_: (entry.owner, entry.state, entry.order) for id_, entry in self.book.entries.items()
        }

    @invariant()
    def campaigns_agree(self) -> None:
        if self.ids:
            assert self.run(_claimed()) == {
                campaign_id: offer.given if offer.quantity is not None else 0
                for campaign_id, offer in self.book.offers.items()
            }
            assert self.run(_findings()) == {}


async def _reset() -> tuple[list[UUID], list[UUID], list[str]]:
    await db.execute("SELECT testing.reset()")
    rule_versions.forget_cached()
    ids = [await a_joined_member() for _ in range(MEMBERS)]
    campaigns = [
        await a_campaign(
            terms,
            kind=kind,
            validity=validity,
            claim_from=offer.opens,
            claim_until=offer.closes,
            quantity=offer.quantity,
            per_member_limit=offer.each,
        )
        for kind, terms, validity, offer in OFFERS
    ]
    [codes] = [made async for made in coupon_codes.make(campaigns[CODED], CODES)]
    return ids, campaigns, codes


async def _is_used(code: str) -> bool:
    return bool(
        await db.fetch_value(
            "SELECT coupon_id IS NOT NULL FROM exchange_code WHERE digest = $1",
            coupon_codes.digest_of(code),
        )
    )


async def _granted(grant_id: UUID, owner: UUID) -> UUID | None:
    found: UUID | None = await db.fetch_value(
        "SELECT coupon_id FROM coupon_grant_item WHERE grant_id = $1 AND member_id = $2",
        grant_id,
        owner,
    )
    return found


async def _stands(order_id: UUID, status: str) -> None:
    await db.execute(
        "UPDATE sales_order SET status = $2, timeout_due_at = NULL WHERE id = $1",
        order_id,
        status,
    )


async def _merge(one: UUID, two: UUID, now: datetime) -> UUID:
    async with db.in_transaction():
        survivor = await merging.merge(one, two, now=now)
    assert survivor is not None
    return survivor


async def _shown_to(owner: UUID, now: datetime) -> dict[str, int]:
    """Count a member's coupons by status, as their lists do."""
    found = {}
    for status in CouponStatus:
        shape = CouponsShape((status,), goes_on=False)
        read = await member_along(
            owner, now=now, shape=ONLY_THEIR_ID, along=[shape], values=[[100]]
        )
        assert read is not None
        _, [arrays] = read
        count = await count_coupons(owner, shape, now=now)
        assert count == len(rows_of_arrays(arrays))
        if count:
            found[status.value] = count
    return found


async def _stored() -> dict[UUID, tuple[UUID, str, UUID | None]]:
    rows = await db.fetch("SELECT id, member_id, status, order_id FROM coupon")
    return {row["id"]: tuple(row)[1:] for row in rows}


async def _claimed() -> dict[UUID, int]:
    rows = await db.fetch("SELECT id, claimed FROM coupon_campaign")
    return dict(map(tuple, rows))


async def _findings() -> dict[str, list[Any]]:
    found = {check.name: await db.fetch(check.sql) for check in CHECKS}
    return {name: rows for name, rows in found.items() if rows}


async def test_coupons_agree_with_a_notebook(database: str) -> None:
    loop = asyncio.get_running_loop()
    assert settings.default is not None
    examples = settings.default.max_examples // 5
    machine = type("CouponsMachine", (CouponsMachine,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(settings.default, max_examples=examples, stateful_step_count=30),
    )
