"""saveAddress, deleteAddress."""

from __future__ import annotations

import strawberry

from domain.errors import DomainError
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import parse_id
from resolvers.member.addresses.types import Address
from resolvers.member.members.payloads import MemberPayload, member_after
from services.addresses import SaveAddress, delete_address, save_address


@strawberry.input(
    description="An address. `regionCode` alone says where it is; names beside it must agree."
)
class SaveAddressInput:
    id: strawberry.ID | None = strawberry.field(
        default=None, description="The one to change; absent to add one."
    )
    name: str = strawberry.field(description="Who gets the parcel: 1 to 30 characters.")
    phone: str = strawberry.field(description="A mobile, a landline, or +852, +853, +886.")
    province: str = strawberry.field(description="As WeChat's picker gives it, or empty.")
    city: str = strawberry.field(description="As WeChat's picker gives it, or empty.")
    district: str = strawberry.field(default="", description="Empty where a city has none.")
    detail: str = strawberry.field(description="Street and door: 1 to 120 characters.")
    is_default: bool | None = strawberry.field(
        default=False, description="The first address is the default anyhow."
    )
    region_code: str | None = strawberry.field(
        default=None, description="The six-digit code of the district, or of a city without any."
    )


@strawberry.input(description="Which address.")
class DeleteAddressInput:
    id: strawberry.ID = strawberry.field(description="The address's id.")


@strawberry.type(description="The address, or why it was not saved.")
class AddressPayload:
    address: Address | None = strawberry.field(default=None, description="As it was saved.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Empty when it worked."
    )


@strawberry.type
class AddressesMutation:
    @strawberry.mutation(
        description="Adds or changes an address of the viewer's; at most 20, one the default."
    )
    async def save_address(self, info: Info, input: SaveAddressInput) -> AddressPayload:
        context = info.context
        member_id = context.require_member()
        try:
            command = SaveAddress(
                member_id=member_id,
                address_id=None if input.id is None else parse_id(input.id, "address", "id"),
                name=input.name,
                phone=input.phone,
                province=input.province,
                city=input.city,
                district=input.district,
                detail=input.detail,
                region_code=input.region_code,
                is_default=bool(input.is_default),
            )
            row = await save_address(command, context.ports.personal_data, now=context.now)
        except DomainError as error:
            return AddressPayload(user_errors=[UserError.of(error, context.language)])
        context.loaders.forget()
        return AddressPayload(address=Address.from_row(row, info.context.ports.personal_data))

    @strawberry.mutation(
        description="Takes an address off the list; orders keep theirs. Repeating changes nothing."
    )
    async def delete_address(self, info: Info, input: DeleteAddressInput) -> MemberPayload:
        context = info.context
        member_id = context.require_member()
        try:
            address_id = parse_id(input.id, "address", "id")
        except DomainError as error:
            return MemberPayload(user_errors=[UserError.of(error, context.language)])
        work = delete_address(member_id, address_id, now=context.now)
        return await member_after(work, member_id, info)
