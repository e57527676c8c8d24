"""The signed-in member and what they said to agreements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import strawberry
from asyncpg import Record

from domain.members import AgreementKind, Gender
from domain.phones import masked
from executor.fields import BatchInfo, batched, derived
from loaders.addresses import addresses_by_member_id
from loaders.members import MemberShape, consents_by_member_id
from models.member_rows import MemberRow, member_row
from resolvers.common.asked import Asked, asked_below
from resolvers.common.context import Context, Info
from resolvers.common.enums import member_of
from resolvers.common.errors import unauthenticated
from resolvers.common.pages import Connection
from resolvers.common.share import absolute_url
from resolvers.member.accounts.types import DataExport, MemberCode
from resolvers.member.addresses.types import Address
from resolvers.member.carts.types import Cart, carts_of_members
from resolvers.member.catalog.viewpoint import view_of, viewpoint
from resolvers.member.checkin.types import Calendar, CheckInCalendar
from resolvers.member.coupons.queries import coupons_ahead, coupons_of_members
from resolvers.member.coupons.types import MemberCoupon
from resolvers.member.flash_sales.queries import tickets_of_members
from resolvers.member.flash_sales.tickets import FlashSaleTicket
from resolvers.member.group_buys.queries import teams_of_members
from resolvers.member.group_buys.teams import GroupBuyTeam
from resolvers.member.invitations.types import InvitationProgram
from resolvers.member.members.view import MemberView, read_member
from resolvers.member.messages.types import Message, messages_of_members
from resolvers.member.orders.queries import orders_ahead, orders_of_members
from resolvers.member.orders.types import MemberCounts, Order
from resolvers.member.points.types import PointsAccount
from resolvers.member.rewards.queries import redemptions_of_members
from resolvers.member.rewards.types import Redemption
from resolvers.member.tiers.types import Membership, Standing
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


async def _read(members: Sequence[MemberView], info: BatchInfo) -> None:
    """Read the rows of members that nothing has read along yet, and the rules to tell them by."""
    context: Context = info.context
    await viewpoint(context)
    for member in members:  # One, as there is one viewer.
        if member.record is None and not await read_member(member, context):
            raise unauthenticated()


def _column(name: str, description: str) -> Any:
    """Declare a field that stands in the member's row."""
    return derived(lambda member, _: member.record[name], needs=_read, description=description)


def _id(member: MemberView, _context: Context) -> str:
    return str(member.id)


def _phone(member: MemberView, context: Context) -> str | None:
    sealed: bytes | None = member.record["phone_encrypted"]
    if sealed is None:
        return None
    return masked(context.ports.personal_data.open(sealed, context=PHONE).decode())


def _avatar_url(member: MemberView, context: Context) -> str | None:
    avatar: str | None = member.record["avatar_url"]
    return absolute_url(context.ports.public_base_url, avatar) if avatar else None


def _gender(member: MemberView, _context: Context) -> Gender:
    return _gender_of(member.record["gender"])


_gender_of = member_of(Gender)


def _joined_at(member: MemberView, _context: Context) -> datetime | None:
    return member.record["joined_at"] if member.record["has_joined"] else None


def _row(member: MemberView, _context: Context) -> Record:
    record: Record = member.record
    return record


def _standing(member: MemberView, context: Context) -> Standing:
    return Standing.of(member.record, view_of(context).rules)


def _calendar(member: MemberView, context: Context) -> Calendar:
    return Calendar.of(member.record, context)


def _invitations(member: MemberView, _context: Context) -> InvitationProgram:
    return InvitationProgram.of(member_row(member.record))


def _code(member: MemberView, context: Context) -> MemberCode | None:
    record = member.record
    return MemberCode.of(record["member_no"], context) if record["has_joined"] else None


def _birthday_editable(member: MemberView, _context: Context) -> bool:
    return member.record["birthday"] is None


@strawberry.type(description="A person with an account: a member, or a visitor.")
class Member:
    """Its source is a `MemberView`."""

    id: strawberry.ID = derived(_id, description="The member's id.")
    member_no: str = _column("member_no", "The number on the member card.")
    nickname: str = _column("nickname", "As the member wrote it; empty until then.")
    avatar_url: str | None = derived(_avatar_url, needs=_read, description="The avatar.")
    phone: str | None = derived(_phone, needs=_read, description="Masked: 138****5678.")
    birthday: date | None = _column("birthday", "Set once.")
    gender: Gender | None = derived(_gender, needs=_read, description="As the member says.")
    joined_at: datetime | None = derived(
        _joined_at,
        needs=_read,
        description="Null for a visitor: signed in, but the current MEMBERSHIP and PRIVACY"
        " agreements are not accepted; cart and orders only.",
    )
    points: PointsAccount = derived(_row, needs=_read, description="The member's points.")
    membership: Membership = derived(
        _standing, needs=_read, description="The tier, growth, and how far the next tier is."
    )
    check_in: CheckInCalendar = derived(
        _calendar, needs=_read, description="The member's check-ins."
    )
    cart: Cart = batched(description="What is set aside for buying.")(carts_of_members)
    orders: Connection[Order] = batched(
        ahead=orders_ahead, description="The member's orders, newest first."
    )(orders_of_members)
    coupons: Connection[MemberCoupon] = batched(
        ahead=coupons_ahead,
        description="The member's coupons: those that may still be used by their end, any other"
        " list newest first.",
    )(coupons_of_members)
    redemptions: Connection[Redemption] = batched(
        description="What the member redeemed for points, newest first."
    )(redemptions_of_members)
    flash_sale_tickets: Connection[FlashSaleTicket] = batched(
        description="What became of the member's claims in flash sales, the latest first."
    )(tickets_of_members)
    group_buy_teams: Connection[GroupBuyTeam] = batched(
        description="The teams that the member has a seat in, the latest joined first."
    )(teams_of_members)
    counts: MemberCounts = derived(
        _row, needs=_read, description="What waits for the member, for badges."
    )
    invitations: InvitationProgram = derived(
        _invitations, needs=_read, description="What the member needs to invite others."
    )
    messages: Connection[Message] = batched(
        description="What the mall wrote to the member, newest first."
    )(messages_of_members)
    code: MemberCode | None = derived(
        _code, needs=_read, description="Shown at a till; null for a visitor."
    )
    birthday_editable: bool = derived(
        _birthday_editable,
        needs=_read,
        description="Whether the birthday may still be set by its owner.",
    )

    @batched(description="The latest export of the member's data; null if none was asked for.")
    @staticmethod
    async def data_export(
        members: Sequence[MemberView], info: BatchInfo
    ) -> list[DataExport | None]:
        # A member sees nobody but themselves: there is one.
        return [await DataExport.of(member.id, info.context) for member in members]

    @batched(description="What the member said to agreements, the latest of each kind.")
    @staticmethod
    async def consents(members: Sequence[MemberView], info: BatchInfo) -> list[list[Consent]]:
        ids = [member.id for member in members]
        found = await info.context.loaders.read(consents_by_member_id, ids)
        return [[Consent.from_row(row) for row in rows] for rows in found]

    @batched(description="Where parcels go, the default first.")
    @staticmethod
    async def addresses(members: Sequence[MemberView], info: BatchInfo) -> list[list[Address]]:
        ids = [member.id for member in members]
        found = await info.context.loaders.read(addresses_by_member_id, ids)
        keys = info.context.ports.personal_data
        return [[Address.from_row(row, keys) for row in rows] for rows in found]

    @classmethod
    def of_viewer(cls, info: Info, member_id: UUID) -> Member:
        """Return the viewer, right below the field; their row is read with what is asked of it."""
        shape = member_shape(asked_below(info), is_right_below=True)
        return cast("Member", MemberView(member_id, shape))

    @classmethod
    async def load(cls, info: Info, member_id: UUID) -> Member | None:
        """Read the member of an id that the caller may see, for a payload's field."""
        member = MemberView(member_id, member_shape(asked_below(info), is_right_below=False))
        is_there = await read_member(member, info.context)
        return cast("Member", member) if is_there else None


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
    "messages": (),
    "checkIn": ("joined_at",),
    "coupons": (),
    "redemptions": (),
    "groupBuyTeams": (),
    "flashSaleTickets": (),
    "code": ("member_no", "has_joined"),
    "dataExport": (),
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
        has_unread_messages=asked.for_any("unreadMessages"),
        has_check_in=asked.for_any("checkIn"),
        has_coupon_counts=asked.for_any("couponsUsable", "couponsUsed", "couponsExpired"),
        has_tier_term=asked.for_any("growthToKeep"),
    )
