"""The member API's roots: each area brings its own fields."""

from __future__ import annotations

import strawberry

from resolvers.common.words import explain
from resolvers.member.accounts.mutations import AccountsMutation
from resolvers.member.addresses.mutations import AddressesMutation
from resolvers.member.carts.mutations import CartsMutation
from resolvers.member.catalog.queries import CatalogQuery
from resolvers.member.checkin.mutations import CheckinMutation
from resolvers.member.coupons.mutations import CouponsMutation
from resolvers.member.coupons.queries import CouponsQuery
from resolvers.member.flash_sales.mutations import FlashSalesMutation
from resolvers.member.flash_sales.queries import FlashSalesQuery
from resolvers.member.flash_sales.subscriptions import FlashSalesSubscription
from resolvers.member.group_buys.queries import GroupBuysQuery
from resolvers.member.group_buys.subscriptions import GroupBuysSubscription
from resolvers.member.invitations.mutations import InvitationsMutation
from resolvers.member.members.mutations import MembersMutation
from resolvers.member.members.queries import MembersQuery
from resolvers.member.messages.mutations import MessagesMutation
from resolvers.member.orders.mutations import OrdersMutation
from resolvers.member.orders.queries import OrdersQuery
from resolvers.member.orders.subscriptions import OrdersSubscription
from resolvers.member.payments.mutations import PaymentsMutation
from resolvers.member.pricing.queries import PricingQuery
from resolvers.member.rewards.mutations import RewardsMutation
from resolvers.member.rewards.queries import RewardsQuery
from resolvers.member.scenes.queries import ScenesQuery
from resolvers.member.sessions.mutations import SessionsMutation
from resolvers.member.shop.queries import ShopQuery
from resolvers.member.tiers.types import TiersQuery
from resolvers.member.uploads.mutations import UploadsMutation


@strawberry.type(description="What can be asked.")
class Query(
    ShopQuery,
    ScenesQuery,
    MembersQuery,
    TiersQuery,
    CatalogQuery,
    PricingQuery,
    OrdersQuery,
    CouponsQuery,
    FlashSalesQuery,
    GroupBuysQuery,
    RewardsQuery,
):
    pass


@strawberry.type(description="What can be done.")
class Mutation(
    SessionsMutation,
    MembersMutation,
    AddressesMutation,
    UploadsMutation,
    CartsMutation,
    OrdersMutation,
    PaymentsMutation,
    CheckinMutation,
    CouponsMutation,
    FlashSalesMutation,
    RewardsMutation,
    InvitationsMutation,
    MessagesMutation,
    AccountsMutation,
):
    pass


@strawberry.type(description="What can be followed, over a WebSocket.")
class Subscription(OrdersSubscription, GroupBuysSubscription, FlashSalesSubscription):
    pass


explain()
