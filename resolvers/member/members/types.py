"""The signed-in member and what they said to agreements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.members import AgreementKind, Gender
from domain.phones import masked
from domain.rules import Rules
from executor.fields import BatchInfo, batched, item
from loaders.addresses import addresses_by_member_id
from loaders.members import (
    MemberShape,
    consents_by_member_id,
    member_by_id,
)
from loaders.points import PointsSummary, points_by_member_id, summary_of
from models.member_rows import MemberRow, member_row
from resolvers.common.asked import Asked, asked_below
from resolvers.common.context import Context, Info
from resolvers.common.pages import Connection
from resolvers.common.share import absolute_url
from resolvers.member.addresses.types import Address
from resolvers.member.carts.types import Cart, carts_of_members
from resolvers.member.invitations.types import InvitationProgram
from resolvers.member.orders.queries import counts_of_members, orders_of_members
from resolvers.member.orders.types import MemberCounts, Order
from resolvers.member.points.types import PointsAccount
from resolvers.member.tiers.types import Membership
from services import rules as rule_versions
from services.personal_data import PersonalData
from services.phones import PHONE

strawberry.enum(Gender, name="Gender", description="As the member says.")
strawberry.enum(AgreementKind, name="AgreementKind", description="What a person may consent to.")


@strawberry.type(description="What a member said to an agreement, last.")
class Consent:
    kind: AgreementKind = strawberry.field(description="Which agreement.")
    version: str = strawberry.field(description="The version that was answered.")
    given: bool = strawberry.field(description="Yes, or no.")
    at: datetime = strawberry.field(description="When.")

    @classmethod
    def from_row(cls, row: Any) -> Consent:
        """Show a row of `consent`."""
        return cls(
            kind=AgreementKind(row["kind"]),
            version=row["version"],
            given=row["given"],
            at=row["given_at"],
        )


@strawberry.type(description="A person with an account: a member, or a visitor.")
class Member:
    id: strawberry.ID = item("id", of="record", convert=str, description="The member's id.")
    member_no: str = item("member_no", of="record", description="The number on the member card.")
    nickname: str = item(
        "nickname", of="record", description="As the member wrote it; empty until then."
    )
    birthday: date | None = item("birthday", of="record", description="Set once.")
    gender: Gender | None = item(
        "gender", of="record", convert=Gender, description="As the member says."
    )
    record: strawberry.Private[Record]
    """The row that was read, as its `shape` says."""
    shape: strawberry.Private[MemberShape]
    base_url: strawberry.Private[str]
    cart: Cart = batched(description="What is set aside for buying.")(carts_of_members)
    orders: Connection[Order] = batched(description="The member's orders, newest first.")(
        orders_of_members
    )
    counts: MemberCounts = batched(description="What waits for the member, for badges.")(
        counts_of_members
    )

    @strawberry.field(description="The avatar.")
    def avatar_url(self) -> str | None:
        avatar = self.record["avatar_url"]
        return absolute_url(self.base_url, avatar) if avatar else None

    @strawberry.field(
        description="Null for a visitor: signed in, but the current MEMBERSHIP and PRIVACY"
        " agreements are not accepted; cart and orders only."
    )
    def joined_at(self) -> datetime | None:
        return self.record["joined_at"] if self.record["has_joined"] else None

    @batched(description="Masked: 138****5678.")
    @staticmethod
    async def phone(members: Sequence[Member], info: BatchInfo) -> list[str | None]:
        keys = info.context.ports.personal_data
        return [_masked_phone(member.record["phone_encrypted"], keys) for member in members]

    @batched(description="The member's points.")
    @staticmethod
    async def points(members: Sequence[Member], info: BatchInfo) -> list[PointsAccount]:
        summaries, _ = await _points(members, info.context)
        return [
            PointsAccount.of(member.record["id"], summary)
            for member, summary in zip(members, summaries, strict=True)
        ]

    @batched(description="The tier, growth, and how far the next tier is.")
    @staticmethod
    async def membership(members: Sequence[Member], info: BatchInfo) -> list[Membership]:
        summaries, rules = await _points(members, info.context)
        return [
            Membership.of(member.record, summary, rules, info.context.language)
            for member, summary in zip(members, summaries, strict=True)
        ]

    @batched(description="What the member said to agreements, the latest of each kind.")
    @staticmethod
    async def consents(members: Sequence[Member], info: BatchInfo) -> list[list[Consent]]:
        ids = [member.record["id"] for member in members]
        found = await info.context.loaders.read(consents_by_member_id, ids)
        return [[Consent.from_row(row) for row in rows] for rows in found]

    @batched(description="Where parcels go, the default first.")
    @staticmethod
    async def addresses(members: Sequence[Member], info: BatchInfo) -> list[list[Address]]:
        ids = [member.record["id"] for member in members]
        found = await info.context.loaders.read(addresses_by_member_id, ids)
        keys = info.context.ports.personal_data
        return [[Address.from_row(row, keys) for row in rows] for rows in found]

    @strawberry.field(description="What the member needs to invite others.")
    def invitations(self) -> InvitationProgram:
        return InvitationProgram.of(self.row)

    @strawberry.field(description="Whether the birthday may still be set by its owner.")
    def birthday_editable(self) -> bool:
        return self.record["birthday"] is None

    @cached_property
    def row(self) -> MemberRow:
        """The member as services know them."""
        return member_row(self.record)

    @classmethod
    async def load(
        cls, info: Info, member_id: UUID, *, is_right_below: bool = False
    ) -> Member | None:
        """Read the member of an id that the caller may see.

        In a payload the member stands somewhere below the field; `me` is the member itself.
        """
        context = info.context
        shape = member_shape(asked_below(info), is_right_below=is_right_below)
        (record,) = await context.loaders.read(
            member_by_id, [member_id], now=context.now, shape=shape
        )
        if record is None:
            return None
        return cls(record=record, shape=shape, base_url=context.ports.public_base_url)


_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": (),
    "memberNo": ("member_no",),
    "nickname": ("nickname",),
    "birthday": ("birthday",),
    "birthdayEditable": ("birthday",),
    "gender": ("gender",),
    "avatarUrl": ("avatar_url",),
    "joinedAt": ("joined_at", "has_joined"),
    "phone": ("phone_encrypted",),
    "points": (),
    "membership": ("tier_code", "tier_since", "tier_review_at", "lifetime_growth"),
    "cart": (),
    "orders": (),
    "counts": (),
    "consents": (),
    "addresses": (),
    "checkIn": (),
}
"""A field of Member → the columns that it is made from; any other takes them all."""

_EVERY_COLUMN = frozenset(MemberRow.__dataclass_fields__)


@lru_cache(maxsize=1_024)
def member_shape(asked: Asked, *, is_right_below: bool) -> MemberShape:
    """Return what is read of a member for what is asked of them, there or somewhere below."""
    named = asked.directly()
    columns = _EVERY_COLUMN
    if is_right_below and named <= _COLUMNS.keys():
        columns = frozenset(column for name in named for column in _COLUMNS[name])
    return MemberShape(
        columns,
        has_points=asked.for_any("points", "membership"),
        has_order_counts=asked.for_any(
            "ordersAwaitingPayment", "ordersAwaitingShipment", "ordersAwaitingReceipt"
        ),
        has_cart_pieces=asked.for_any("cartPieces"),
        has_check_in=asked.for_any("checkIn"),
        has_coupon_counts=asked.for_any("couponsUsable", "couponsUsed", "couponsExpired"),
        has_tier_term=asked.for_any("growthToKeep"),
    )


async def _points(members: Sequence[Member], context: Context) -> tuple[list[PointsSummary], Rules]:
    """Return the members' points, and the rules that they are told by."""
    rules = (await rule_versions.in_force(now=context.now)).rules
    days = rules.points.expiring_soon_days
    if all(member.shape.has_points for member in members):
        return [summary_of(member.record, context.now, days) for member in members], rules
    ids = [member.record["id"] for member in members]
    found = await context.loaders.read(
        points_by_member_id, ids, now=context.now, expiring_days=days
    )
    return found, rules


def _masked_phone(sealed: bytes | None, keys: PersonalData) -> str | None:
    return None if sealed is None else masked(keys.open(sealed, context=PHONE).decode())
