"""redeemReward and cancelRedemption."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.errors import DomainError
from domain.orders import DeliveryMethod
from resolvers.common.context import Info
from resolvers.common.errors import UserError
from resolvers.common.ids import find_id, parse_id
from resolvers.common.problems import user_errors
from resolvers.common.scalars import Money
from resolvers.member.members.types import Member
from resolvers.member.rewards.types import Redemption
from services import reward_cancelling, rewards
from services.placing import DraftRefused
from services.reward_cancelling import CancelRedemption
from services.rewards import RedeemReward

_NO_ID = UUID(int=0)
"""Stands for an id that can't be one: nothing has it."""


@strawberry.input(description="A reward to redeem; goods need an address or a store.")
class RedeemRewardInput:
    reward_id: strawberry.ID = strawberry.field(description="The reward.")
    quantity: int = strawberry.field(
        default=1, description="Pieces; coupons and codes are redeemed one by one."
    )
    address_id: strawberry.ID | None = strawberry.field(
        default=None, description="GOODS: where they go; the default address if none is named."
    )
    idempotency_key: str = strawberry.field(description="One key for one redemption.")
    delivery: DeliveryMethod | None = strawberry.field(
        default=DeliveryMethod.EXPRESS, description="GOODS: sent, or fetched from a store."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="GOODS to be fetched: from which store."
    )
    expected_payable: Money | None = strawberry.field(
        default=None,
        description="The money the member saw, shipping included; another amount is"
        " PRICE_CHANGED, with nothing redeemed.",
    )

    def command(self, member_id: UUID) -> RedeemReward:
        """Return the wish of a member.

        Raises:
            NotFound: the reward's id can't be one.
        """
        return RedeemReward(
            member_id=member_id,
            reward_id=parse_id(self.reward_id, "reward", "rewardId"),
            quantity=self.quantity,
            address_id=_id(self.address_id),
            delivery=self.delivery or DeliveryMethod.EXPRESS,
            store_id=_id(self.store_id),
            expected_payable_fen=self.expected_payable,
            idempotency_key=self.idempotency_key,
        )


def _id(text: str | None) -> UUID | None:
    return None if text is None else find_id(text) or _NO_ID


@strawberry.input(description="A redemption to cancel.")
class CancelRedemptionInput:
    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    idempotency_key: str = strawberry.field(description="One key for one wish.")


@strawberry.type(description="The redemption and the member after it, or why there is none.")
class RedeemRewardPayload:
    redemption: Redemption | None = strawberry.field(default=None, description="The redemption.")
    member: Member | None = strawberry.field(default=None, description="The viewer.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty when it worked."
    )

    @classmethod
    async def of(cls, info: Info, redemption_id: UUID) -> RedeemRewardPayload:
        """Show the redemption and the member as they stand."""
        info.context.loaders.forget()
        return cls(
            redemption=await Redemption.load(info.context, redemption_id),
            member=await Member.load(info, info.context.require_member()),
        )


@strawberry.type
class RewardsMutation:
    @strawberry.mutation(
        description="Redeems a reward for its points. Goods become an order, which awaits payment"
        " of their cash and shipping if there is any."
    )
    async def redeem_reward(self, info: Info, input: RedeemRewardInput) -> RedeemRewardPayload:
        context = info.context
        ports, language = context.ports, context.language
        member_id = context.require_member()
        try:
            redemption_id = await rewards.redeem(
                input.command(member_id), ports.gate, ports.personal_data, now=context.now
            )
        except DraftRefused as refused:
            return RedeemRewardPayload(user_errors=user_errors(refused.problems, language))
        except DomainError as error:
            return RedeemRewardPayload(user_errors=[UserError.of(error, language)])
        return await RedeemRewardPayload.of(info, redemption_id)

    @strawberry.mutation(
        description="Cancels a redemption: points, money and pieces come back. Goods until they"
        " are shipped, a coupon until it is used; a code that was told can't be taken back."
    )
    async def cancel_redemption(
        self, info: Info, input: CancelRedemptionInput
    ) -> RedeemRewardPayload:
        context = info.context
        member_id = context.require_member()
        try:
            redemption_id = parse_id(input.redemption_id, "redemption", "redemptionId")
            command = CancelRedemption(
                member_id=member_id,
                redemption_id=redemption_id,
                idempotency_key=input.idempotency_key,
            )
            await reward_cancelling.cancel(
                command, context.ports.pay, context.ports.gate, now=context.now
            )
        except DomainError as error:
            return RedeemRewardPayload(user_errors=[UserError.of(error, context.language)])
        return await RedeemRewardPayload.of(info, redemption_id)
