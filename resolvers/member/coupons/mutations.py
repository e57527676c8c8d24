"""claimCoupon and claimCouponCode."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.errors import DomainError
from resolvers.common.context import Context, Info
from resolvers.common.errors import UserError
from resolvers.common.ids import parse_id
from resolvers.member.coupons.types import MemberCoupon, coupons_by_ids
from services import coupon_claims
from services.coupon_claims import ClaimCode, ClaimCoupon


@strawberry.input(description="A coupon to claim.")
class ClaimCouponInput:
    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    idempotency_key: str = strawberry.field(description="One key for one coupon.")


@strawberry.input(description="An exchange code to turn into a coupon.")
class ClaimCouponCodeInput:
    code: str = strawberry.field(
        description="As typed: case, spaces and dashes don't count. Each try is counted."
    )
    idempotency_key: str = strawberry.field(description="One key for one coupon.")


@strawberry.type(description="The coupon, or why there is none.")
class ClaimCouponPayload:
    coupon: MemberCoupon | None = strawberry.field(default=None, description="The coupon.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )

    @classmethod
    async def of(cls, context: Context, coupon_id: UUID) -> ClaimCouponPayload:
        """Show the coupon as it stands."""
        context.loaders.forget()
        [coupon] = await coupons_by_ids(context, [coupon_id])
        return cls(coupon=coupon)


@strawberry.type
class CouponsMutation:
    @strawberry.mutation(
        description="Claims a coupon of a campaign, for its points where it costs some."
    )
    async def claim_coupon(self, info: Info, input: ClaimCouponInput) -> ClaimCouponPayload:
        context = info.context
        member_id = context.require_member()
        try:
            campaign_id = parse_id(input.campaign_id, "campaign", "campaignId")
            command = ClaimCoupon(member_id, campaign_id, input.idempotency_key)
            coupon_id = await coupon_claims.claim(command, now=context.now)
        except DomainError as error:
            return ClaimCouponPayload(user_errors=[UserError.of(error, context.language)])
        return await ClaimCouponPayload.of(context, coupon_id)

    @strawberry.mutation(description="Turns an exchange code into a coupon, which uses it up.")
    async def claim_coupon_code(
        self, info: Info, input: ClaimCouponCodeInput
    ) -> ClaimCouponPayload:
        context = info.context
        command = ClaimCode(context.require_member(), input.code, input.idempotency_key)
        try:
            coupon_id = await coupon_claims.claim_code(
                command, context.ports.limits, now=context.now
            )
        except DomainError as error:
            return ClaimCouponPayload(user_errors=[UserError.of(error, context.language)])
        return await ClaimCouponPayload.of(context, coupon_id)
