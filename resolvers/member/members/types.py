"""The signed-in member and what they said to agreements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from domain.members import AgreementKind, Gender
from domain.phones import masked
from loaders.addresses import addresses_by_member_id
from loaders.members import consents_by_member_id, member_by_id
from loaders.points import PointsSummary, points_by_member_id
from models.member_rows import MemberRow
from resolvers.common.context import Info
from resolvers.common.pages import Connection
from resolvers.common.share import absolute_url
from resolvers.member.addresses.types import Address
from resolvers.member.carts.types import Cart, cart_of_member
from resolvers.member.invitations.types import InvitationProgram
from resolvers.member.orders.queries import counts_of_member, orders_of_member
from resolvers.member.orders.types import MemberCounts, Order
from resolvers.member.points.types import PointsAccount
from resolvers.member.tiers.types import Membership
from services import rules as rule_versions
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
    id: strawberry.ID = strawberry.field(description="The member's id.")
    member_no: str = strawberry.field(description="The number on the member card.")
    nickname: str = strawberry.field(description="As the member wrote it; empty until then.")
    avatar_url: str | None = strawberry.field(description="The avatar.")
    birthday: date | None = strawberry.field(description="Set once.")
    gender: Gender | None = strawberry.field(description="As the member says.")
    joined_at: datetime | None = strawberry.field(
        description="Null for a visitor: signed in, but the current MEMBERSHIP and PRIVACY"
        " agreements are not accepted; cart and orders only."
    )
    row: strawberry.Private[MemberRow]
    cart: Cart = strawberry.field(
        resolver=cart_of_member, description="What is set aside for buying."
    )
    orders: Connection[Order] = strawberry.field(
        resolver=orders_of_member, description="The member's orders, newest first."
    )
    counts: MemberCounts = strawberry.field(
        resolver=counts_of_member, description="What waits for the member, for badges."
    )

    @strawberry.field(description="Masked: 138****5678.")
    def phone(self, info: Info) -> str | None:
        sealed = self.row.phone_encrypted
        if sealed is None:
            return None
        return masked(info.context.ports.personal_data.open(sealed, context=PHONE).decode())

    @strawberry.field(description="The member's points.")
    async def points(self, info: Info) -> PointsAccount:
        return PointsAccount.of(self.row.id, await self._points(info))

    @strawberry.field(description="The tier, growth, and how far the next tier is.")
    async def membership(self, info: Info) -> Membership:
        context = info.context
        rules = (await rule_versions.in_force(now=context.now)).rules
        return Membership.of(self.row, await self._points(info), rules, context.language)

    async def _points(self, info: Info) -> PointsSummary:
        context = info.context
        rules = (await rule_versions.in_force(now=context.now)).rules
        loader = context.loaders.of(
            points_by_member_id, now=context.now, expiring_days=rules.points.expiring_soon_days
        )
        return await loader.load(self.row.id)

    @strawberry.field(description="What the member said to agreements, the latest of each kind.")
    async def consents(self, info: Info) -> list[Consent]:
        rows = await info.context.loaders.of(consents_by_member_id).load(self.row.id)
        return [Consent.from_row(row) for row in rows]

    @strawberry.field(description="Where parcels go, the default first.")
    async def addresses(self, info: Info) -> list[Address]:
        rows = await info.context.loaders.of(addresses_by_member_id).load(self.row.id)
        return [Address.from_row(row, info) for row in rows]

    @strawberry.field(description="What the member needs to invite others.")
    def invitations(self) -> InvitationProgram:
        return InvitationProgram.of(self.row)

    @strawberry.field(description="Whether the birthday may still be set by its owner.")
    def birthday_editable(self) -> bool:
        return self.row.birthday is None

    @classmethod
    def from_row(cls, row: MemberRow, base_url: str) -> Member:
        """Show a member to themselves."""
        return cls(
            id=strawberry.ID(str(row.id)),
            member_no=row.member_no,
            nickname=row.nickname,
            avatar_url=absolute_url(base_url, row.avatar_url) if row.avatar_url else None,
            birthday=row.birthday,
            gender=row.gender,
            joined_at=row.joined_at if row.has_joined else None,
            row=row,
        )

    @classmethod
    async def load(cls, info: Info, member_id: UUID) -> Member | None:
        """Read the member of an id that the caller may see."""
        loader = info.context.loaders.of(member_by_id, now=info.context.now)
        row = await loader.load(member_id)
        return None if row is None else cls.from_row(row, info.context.ports.public_base_url)
