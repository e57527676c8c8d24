"""Who may do what: every mutation of the schema against every kind of caller.

The input of each mutation is made from the schema. A mutation or a query by id that is not in the
lists below fails the tests until somebody has decided who may call it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_required_input_field,
)

from api.schema import member_schema
from domain.ledger import EntryReason, SourceKind
from domain.messages import MessageEvent
from gateways.tokens import TYPE, TokenConfig, Tokens
from models import database as db
from models.ids import new_id
from models.members import Upload
from services import messages, points
from settings import Settings
from tests.factories.coupons import a_coupon
from tests.factories.flash_sales import a_rejected_ticket, a_sale_by_the_clock
from tests.factories.members import SignedInMember, signed_in_member
from tests.factories.rewards import a_goods_reward, a_reward, redeemed
from tests.factories.shop import a_cart_line, a_sku, an_address
from tests.support.graphql import Answer, GraphQLClient
from tests.support.sockets import open_socket
from wiring.tokens import tokens_of

SCHEMA = build_schema(member_schema().as_str())
_UNAUTHENTICATED = ["UNAUTHENTICATED"]

PUBLIC = {
    "refreshSession",
    "sendSmsCode",
    "signInWithMiniProgram",
    "signInWithOfficialAccount",
    "signInWithPhone",
}
"""Mutations for whoever has no token yet."""

VISITORS = {
    "acceptInvitation",
    "addToCart",
    "cancelOrder",
    "cancelRedemption",
    "changeOrderAddress",
    "claimFlashSale",
    "clearCart",
    "createUpload",
    "deleteAccount",
    "deleteAddress",
    "markMessagesRead",
    "payOrder",
    "placeOrder",
    "refreshPayment",
    "requestDataExport",
    "saveAddress",
    "setConsents",
    "setFlashSaleReminder",
    "signOut",
    "updateCart",
    "updateProfile",
}
"""What whoever is signed in may do: cart and orders, and what becoming a member takes."""

MEMBERS = {
    *("bindPhone", "checkIn", "claimCoupon", "claimCouponCode", "makeUpCheckIn", "redeemReward"),
}
"""What takes the agreements, whatever the input says."""

MEMBERS_BY_INPUT: dict[str, dict[str, Any]] = {
    "updateProfile": {"birthday": "2000-01-01"},
    "placeOrder": {"draft": {"lines": [], "pointsToSpend": 100}},
}
"""Parts of a visitor's mutations that take the agreements too (rules, section 11)."""

EVERYBODYS_IDS = {
    "addToCart.skuId",
    "claimCoupon.campaignId",
    "claimFlashSale.itemId",
    "claimFlashSale.storeId",
    "placeOrder.draft.groupBuyId",
    "placeOrder.draft.groupBuyTeamId",
    "placeOrder.draft.lines.skuId",
    "placeOrder.draft.storeId",
    "redeemReward.rewardId",
    "redeemReward.storeId",
    "setFlashSaleReminder.itemId",
    "updateCart.lines.skuId",
}
"""Ids in the input of things that everybody sees."""

CHECKED_LATER = {"claimFlashSale.addressId"}
"""Ids of things that have an owner which nobody looks at before a ticket becomes an order."""

QUERIES_BY_ID = {
    "flashSaleTicket": "ticket",
    "memberCoupon": "coupon",
    "order": "order",
    "redemption": "redemption",
}
"""Queries of things that have an owner."""
PUBLIC_QUERIES_BY_ID = {"flashSale", "groupBuy", "groupBuyTeam", "product", "reward"}
"""Of a team, whoever was given its id is meant to see it."""

SUBSCRIPTIONS = {"flashSaleTicketChanged": "ticket", "orderChanged": "order"}
"""Subscriptions, each to one thing that has an owner."""
SUBSCRIPTIONS_BY_LINK = {"groupBuyTeamChanged"}
"""Subscriptions for whoever is signed in and holds an id that nobody can guess."""


def _mutations() -> dict[str, GraphQLField]:
    assert SCHEMA.mutation_type is not None
    return dict(SCHEMA.mutation_type.fields)


_TEXTS = {"phone": "13812345678"}
_WHOLE_INPUTS: dict[str, dict[str, Any]] = {
    "bindPhone": {"wechatCode": "code"},
    "createUpload": {"purpose": "AVATAR", "contentType": "image/png", "bytes": 1_000},
    "saveAddress": {
        "name": "张三",
        "phone": "13812345678",
        "province": "上海市",
        "city": "上海市",
        "district": "浦东新区",
        "detail": "世纪大道 100 号",
    },
    "updateCart": {"selectAll": True},
    "updateProfile": {"gender": "FEMALE"},
}
"""Where no field is required, or the schema doesn't say what is sensible."""


def minimal(kind: GraphQLInputObjectType) -> dict[str, Any]:
    """Return the smallest input that the schema lets pass."""
    return {
        name: _value(field.type, name)
        for name, field in kind.fields.items()
        if is_required_input_field(field)
    }


def _value(kind: Any, name: str) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type, name)
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLInputObjectType):
        return minimal(kind)
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    values = {"ID": str(new_id()), "Int": 1, "Money": 1, "Boolean": True, "Date": "2026-11-22"}
    return values.get(kind.name) or _TEXTS.get(name, name)


def document_of(mutation: str) -> str:
    """Return a document that runs a mutation with `$input`, where it takes one."""
    field = _mutations()[mutation]
    errors = "{ userErrors { code message path } }"
    if not field.args:
        return f"mutation {{ {mutation} {errors} }}"
    kind = field.args["input"].type
    return f"mutation ($input: {kind}) {{ {mutation}(input: $input) {errors} }}"


def input_of(mutation: str) -> dict[str, Any]:
    """Return an input that passes the schema, for someone who has nothing."""
    field = _mutations()[mutation]
    if not field.args:
        return {}
    kind = get_named_type(field.args["input"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return _WHOLE_INPUTS.get(mutation) or minimal(kind)


async def run(
    client: GraphQLClient,
    mutation: str,
    token: str | None = None,
    input: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    given = {"input": input_of(mutation) if input is None else input}
    return await client.gql(document_of(mutation), given, token, headers=headers)


def codes_of(answer: Answer) -> list[str]:
    """Return the codes of the refusals of an answer that ran."""
    [payload] = answer.data.values()
    return [error["code"] for error in payload["userErrors"]]


def test_somebody_has_decided_who_may_call_what() -> None:
    assert set(_mutations()) == PUBLIC | VISITORS | MEMBERS
    assert not PUBLIC & VISITORS
    assert not MEMBERS & (PUBLIC | VISITORS)
    assert set(MEMBERS_BY_INPUT) <= VISITORS


@pytest.mark.parametrize("mutation", sorted(VISITORS | MEMBERS))
async def test_without_a_token(client: GraphQLClient, mutation: str) -> None:
    answer = await run(client, mutation)
    assert answer.error_codes == _UNAUTHENTICATED
    assert answer.body["data"] is None


@pytest.mark.parametrize("mutation", sorted(PUBLIC))
async def test_without_a_token_what_is_public(client: GraphQLClient, mutation: str) -> None:
    refused = {
        "refreshSession": ["REFRESH_TOKEN_INVALID"],
        "sendSmsCode": [],
        "signInWithMiniProgram": ["WECHAT_CODE_INVALID"],
        "signInWithOfficialAccount": ["WECHAT_CODE_INVALID"],
        "signInWithPhone": ["SMS_CODE_INVALID"],
    }
    assert codes_of(await run(client, mutation)) == refused[mutation]


Forge = Callable[[Settings, SignedInMember], dict[str, str]]


def _bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def _foreign(settings: Settings, **changes: Any) -> Tokens:
    facts: dict[str, Any] = {
        "secrets": [settings.secret_key.get_secret_value()],
        "issuer": settings.access_token_issuer,
        "audience": settings.access_token_audience,
        "access_lifetime": timedelta(hours=2),
        "refresh_lifetime": timedelta(days=30),
    }
    return Tokens(TokenConfig(**{**facts, **changes}))


def _by(tokens: Tokens, member: SignedInMember, now: datetime | None = None) -> dict[str, str]:
    signed = tokens.access_token(member.id, member.session_id, now=now or datetime.now(UTC))
    return _bearer(signed.text)


def _unsigned(settings: Settings, member: SignedInMember) -> dict[str, str]:
    claims = jwt.decode(member.token, options={"verify_signature": False})
    header = jwt.get_unverified_header(member.token)
    return _bearer(jwt.encode(claims, "", "none", headers={"typ": TYPE, "kid": header["kid"]}))


BAD_CALLERS: dict[str, Forge] = {
    "nonsense": lambda _settings, _member: _bearer("nonsense"),
    "nothing": lambda _settings, _member: _bearer(""),
    "no bearer": lambda _settings, member: {"authorization": f"Basic {member.token}"},
    "a refresh token": lambda _settings, member: _bearer(member.refresh_token),
    "a token cut short": lambda _settings, member: _bearer(member.token[:-2]),
    "without a signature": _unsigned,
    "of another secret": lambda s, m: _by(
        _foreign(s, secrets=["another secret of 32 bytes ...."]), m
    ),
    "for somebody else": lambda s, m: _by(_foreign(s, audience="membermall-partner"), m),
    "from somebody else": lambda s, m: _by(_foreign(s, issuer="somebody"), m),
    "of yesterday": lambda s, m: _by(tokens_of(s), m, datetime.now(UTC) - timedelta(days=1)),
    "of tomorrow": lambda s, m: _by(tokens_of(s), m, datetime.now(UTC) + timedelta(days=1)),
}


@pytest.mark.parametrize("caller", BAD_CALLERS)
async def test_a_bad_token_opens_nothing(
    settings: Settings, client: GraphQLClient, caller: str
) -> None:
    """Not even what is public: a client that sends one should learn of it."""
    member = await signed_in_member(settings)
    headers = BAD_CALLERS[caller](settings, member)
    for mutation in sorted(_mutations()):
        answer = await run(client, mutation, headers=headers)
        assert answer.error_codes == _UNAUTHENTICATED, mutation
        assert "data" not in answer.body
    answer = await client.gql("{ shop { name } me { id } }", headers=headers)
    assert answer.error_codes == _UNAUTHENTICATED


@pytest.mark.parametrize("mutation", sorted(VISITORS))
async def test_visitors_may(settings: Settings, client: GraphQLClient, mutation: str) -> None:
    visitor = await signed_in_member(settings, joined=False)
    codes = codes_of(await run(client, mutation, visitor.token))
    assert not {"CONSENT_REQUIRED", "ACCOUNT_BLOCKED", "NOT_ALLOWED"} & set(codes)


@pytest.mark.parametrize("mutation", sorted(MEMBERS | set(MEMBERS_BY_INPUT)))
async def test_members_only(settings: Settings, client: GraphQLClient, mutation: str) -> None:
    given = input_of(mutation) | MEMBERS_BY_INPUT.get(mutation, {})
    if mutation == "placeOrder":
        given["draft"]["lines"] = [{"skuId": str((await a_sku(10_000)).id), "quantity": 1}]
        given["draft"]["delivery"] = "EXPRESS"
    visitor = await signed_in_member(settings, joined=False)
    member = await signed_in_member(settings)
    await an_address(visitor.id)
    await an_address(member.id)
    assert codes_of(await run(client, mutation, visitor.token, given)) == ["CONSENT_REQUIRED"]
    assert "CONSENT_REQUIRED" not in codes_of(await run(client, mutation, member.token, given))


_BLOCKED_MAY = {
    "addToCart",
    "cancelOrder",
    "cancelRedemption",
    "changeOrderAddress",
    "clearCart",
    "markMessagesRead",
    "payOrder",
    "refreshPayment",
    "signOut",
    "updateCart",
}
"""What an open session still does for a blocked account: its cart, inbox, and orders that stand.

Whoever blocks an account ends its sessions too.
"""


@pytest.mark.parametrize("mutation", sorted(VISITORS | MEMBERS))
async def test_a_blocked_account_begins_nothing_new(
    settings: Settings, client: GraphQLClient, mutation: str
) -> None:
    member = await signed_in_member(settings)
    await db.execute("UPDATE member SET status = 'BLOCKED' WHERE id = $1", member.id)
    given = input_of(mutation)
    if mutation == "claimFlashSale":  # Who is blocked is known where items are, and tiers count.
        given["itemId"] = str(await a_sale_by_the_clock(await a_sku()))
        await db.execute("UPDATE flash_sale_item SET min_tier_code = 'SILVER'")
    answer = await run(client, mutation, member.token, given)
    if mutation in _BLOCKED_MAY:
        assert "ACCOUNT_BLOCKED" not in codes_of(answer)
    else:
        assert codes_of(answer) == ["ACCOUNT_BLOCKED"]


@dataclass(frozen=True, slots=True)
class Belongings:
    """What one member owns."""

    owner: SignedInMember
    address: str
    cart_line: str
    coupon: str
    message: str
    order: str
    redemption: str
    reward: str
    sku: str
    ticket: str
    upload: str


async def belongings(settings: Settings, client: GraphQLClient) -> Belongings:
    """Make a member who owns one of everything."""
    owner = await signed_in_member(settings)
    address = await an_address(owner.id)
    sku = await a_sku()
    line = await a_cart_line(owner.id, sku)
    today = datetime.now(UTC)
    coupon = await a_coupon(
        owner.id, valid_from=today - timedelta(1), valid_until=today + timedelta(1)
    )
    await messages.tell(
        [owner.id], MessageEvent.CHECK_IN_REMINDER, source_id=new_id(), facts={}, now=today
    )
    draft = {"lines": [{"skuId": str(sku.id), "quantity": 1}]}
    await run(client, "placeOrder", owner.token, {"draft": draft, "idempotencyKey": "first"})
    await points.grant(
        owner.id,
        1_000,
        reason=EntryReason.ADJUSTMENT,
        source=(SourceKind.ADJUSTMENT, new_id()),
        now=today,
    )
    redemption = await redeemed(owner.id, await a_reward(starts_at=today), now=today)
    upload = new_id()
    now = datetime.now(UTC)
    await Upload.create(
        id=upload,
        member_id=owner.id,
        purpose="AVATAR",
        content_type="image/png",
        bytes=10,
        status="STORED",
        storage_key=f"avatar/{upload.hex}.png",
        url=f"/uploads/avatar/{upload.hex}.png",
        expires_at=now + timedelta(hours=1),
        created_at=now,
    )
    return Belongings(
        owner=owner,
        address=str(address),
        cart_line=str(line),
        coupon=str(coupon),
        message=str(await db.fetch_value("SELECT id FROM message WHERE member_id = $1", owner.id)),
        order=str(
            await db.fetch_value("SELECT id FROM sales_order WHERE member_id = $1", owner.id)
        ),
        redemption=str(redemption),
        reward=str(await a_goods_reward(sku, starts_at=today)),
        sku=str(sku.id),
        ticket=await a_rejected_ticket(
            await a_sale_by_the_clock(sku), owner.id, settings.secret_key.get_secret_value()
        ),
        upload=str(upload),
    )


Attempt = Callable[[str, Belongings], dict[str, Any]]
OWNED_IDS: dict[str, tuple[str, Attempt]] = {
    "cancelOrder.orderId": (
        "order",
        lambda thing_id, _: {"orderId": thing_id, "idempotencyKey": "k"},
    ),
    "cancelRedemption.redemptionId": (
        "redemption",
        lambda thing_id, _: {"redemptionId": thing_id, "idempotencyKey": "k"},
    ),
    "changeOrderAddress.addressId": (
        "address",
        lambda thing_id, own: {"orderId": own.order, "addressId": thing_id},
    ),
    "changeOrderAddress.orderId": (
        "order",
        lambda thing_id, own: {"orderId": thing_id, "addressId": own.address},
    ),
    "deleteAddress.id": ("address", lambda thing_id, _: {"id": thing_id}),
    "markMessagesRead.ids": ("message", lambda thing_id, _: {"ids": [thing_id]}),
    "payOrder.orderId": (
        "order",
        lambda thing_id, _: {"orderId": thing_id, "method": "WECHAT_H5", "idempotencyKey": "k"},
    ),
    "placeOrder.draft.addressId": (
        "address",
        lambda thing_id, own: {
            "draft": {"lines": [{"skuId": own.sku, "quantity": 1}], "addressId": thing_id},
            "idempotencyKey": "k",
        },
    ),
    "placeOrder.draft.couponIds": (
        "coupon",
        lambda thing_id, own: {
            "draft": {"lines": [{"skuId": own.sku, "quantity": 1}], "couponIds": [thing_id]},
            "idempotencyKey": "k",
        },
    ),
    "redeemReward.addressId": (
        "address",
        lambda thing_id, own: {
            "rewardId": own.reward,
            "addressId": thing_id,
            "idempotencyKey": "k",
        },
    ),
    "refreshPayment.orderId": ("order", lambda thing_id, _: {"orderId": thing_id}),
    "saveAddress.id": ("address", lambda thing_id, _: input_of("saveAddress") | {"id": thing_id}),
    "updateCart.lines.lineId": (
        "cart_line",
        lambda thing_id, _: {"lines": [{"lineId": thing_id, "quantity": 5}]},
    ),
    "updateProfile.avatarUploadId": ("upload", lambda thing_id, _: {"avatarUploadId": thing_id}),
}
"""Ids in the input of things that have an owner: which thing, and an input that names it."""


def test_every_id_of_the_input_is_somebodys_or_everybodys() -> None:
    found = {
        place
        for mutation, field in _mutations().items()
        for argument in field.args.values()
        for place in _ids(get_named_type(argument.type), mutation)
    }
    assert found == set(OWNED_IDS) | EVERYBODYS_IDS | CHECKED_LATER


def _ids(kind: Any, place: str) -> list[str]:
    if not isinstance(kind, GraphQLInputObjectType):
        return []
    found = []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        found += [f"{place}.{name}"] if inner.name == "ID" else _ids(inner, f"{place}.{name}")
    return found


@pytest.mark.parametrize("place", sorted(OWNED_IDS))
async def test_what_is_somebody_elses_is_as_absent_as_nobodys(
    settings: Settings, client: GraphQLClient, place: str
) -> None:
    theirs = await belongings(settings, client)
    mine = await belongings(settings, client)
    thing, attempt = OWNED_IDS[place]
    mutation = place.partition(".")[0]
    before = await _fingerprint()

    async def try_with(thing_id: str) -> Any:
        [payload] = (
            await run(client, mutation, mine.owner.token, attempt(thing_id, mine))
        ).data.values()
        return payload["userErrors"]

    foreign = await try_with(getattr(theirs, thing))
    assert [error["code"] for error in foreign] == ["NOT_FOUND"]
    assert await try_with(str(new_id())) == foreign
    assert await try_with("no id at all") == foreign
    assert await _fingerprint() == before
    assert "NOT_FOUND" not in [error["code"] for error in await try_with(getattr(mine, thing))]


async def _fingerprint() -> dict[str, str]:
    """Return what changes when any row of any table does."""
    rows = await db.fetch("SELECT source::text, testing.fingerprint(source) FROM testing.tables")
    return dict(rows)


def test_every_query_by_id_is_somebodys_or_everybodys() -> None:
    assert SCHEMA.query_type is not None
    by_id = {
        name
        for name, field in SCHEMA.query_type.fields.items()
        if any(get_named_type(argument.type).name == "ID" for argument in field.args.values())
    }
    assert by_id == set(QUERIES_BY_ID) | PUBLIC_QUERIES_BY_ID


@pytest.mark.parametrize("query", sorted(QUERIES_BY_ID))
async def test_a_query_shows_nobody_elses(
    settings: Settings, client: GraphQLClient, query: str
) -> None:
    theirs = await belongings(settings, client)
    mine = await belongings(settings, client)
    document = f"query ($id: ID!) {{ {query}(id: $id) {{ id }} }}"
    thing_id = getattr(theirs, QUERIES_BY_ID[query])

    async def see(thing_id: str, token: str | None) -> Any:
        return (await client.gql(document, {"id": thing_id}, token)).data[query]

    assert await see(thing_id, theirs.owner.token) == {"id": thing_id}
    assert await see(thing_id, mine.owner.token) is None
    assert await see(thing_id, None) is None
    assert await see(str(new_id()), mine.owner.token) is None


def following(subscription: str) -> str:
    """Return a document that follows a thing by `$id`."""
    assert SCHEMA.subscription_type is not None
    [argument] = SCHEMA.subscription_type.fields[subscription].args
    return f"subscription ($id: ID!) {{ {subscription}({argument}: $id) {{ id }} }}"


def test_somebody_has_decided_who_may_follow_what() -> None:
    assert SCHEMA.subscription_type is not None
    assert set(SCHEMA.subscription_type.fields) == set(SUBSCRIPTIONS) | SUBSCRIPTIONS_BY_LINK


@pytest.mark.parametrize("name", sorted(SUBSCRIPTIONS))
async def test_a_subscription_shows_nobody_elses(
    settings: Settings, client: GraphQLClient, live: str, name: str
) -> None:
    theirs = await belongings(settings, client)
    mine = await belongings(settings, client)
    document = following(name)
    thing_id = getattr(theirs, SUBSCRIPTIONS[name])
    async with open_socket(live) as owner:
        await owner.begin(theirs.owner.token)
        id_ = await owner.follow(document, {"id": thing_id})
        assert await owner.event(id_) == {name: {"id": thing_id}}
    async with open_socket(live) as stranger:
        await stranger.begin(mine.owner.token)
        refusals = [
            await stranger.refusal(await stranger.follow(document, {"id": other}))
            for other in (thing_id, str(new_id()), "no id at all")
        ]
    assert {each["extensions"]["userErrorCode"] for each in refusals} == {"NOT_FOUND"}
    assert refusals[0] == refusals[1] == refusals[2]
    async with open_socket(live) as guest:
        await guest.begin()
        refusal = await guest.refusal(await guest.follow(document, {"id": thing_id}))
        assert [refusal["extensions"]["code"]] == _UNAUTHENTICATED


@pytest.mark.parametrize("name", sorted(SUBSCRIPTIONS_BY_LINK))
async def test_a_guest_follows_nothing_even_by_a_link(live: str, name: str) -> None:
    async with open_socket(live) as guest:
        await guest.begin()
        refusal = await guest.refusal(await guest.follow(following(name), {"id": str(new_id())}))
        assert [refusal["extensions"]["code"]] == _UNAUTHENTICATED


async def test_a_visitor_follows_what_is_theirs(
    settings: Settings, client: GraphQLClient, live: str
) -> None:
    """Cart and orders are a visitor's own, so what becomes of them is too."""
    visitor = await signed_in_member(settings, joined=False)
    await an_address(visitor.id)
    draft = {"lines": [{"skuId": str((await a_sku()).id), "quantity": 1}]}
    await run(client, "placeOrder", visitor.token, {"draft": draft, "idempotencyKey": "first"})
    order_id = await db.fetch_value("SELECT id FROM sales_order WHERE member_id = $1", visitor.id)
    async with open_socket(live) as socket:
        await socket.begin(visitor.token)
        id_ = await socket.follow(following("orderChanged"), {"id": str(order_id)})
        assert await socket.event(id_) == {"orderChanged": {"id": str(order_id)}}


async def test_a_quote_with_somebody_elses_address_is_refused_as_with_none(
    settings: Settings, client: GraphQLClient
) -> None:
    theirs = await belongings(settings, client)
    mine = await belongings(settings, client)
    document = """
    query ($input: OrderDraftInput!) {
        quoteOrder(input: $input) { address { detail } problems { code path } }
    }
    """

    async def quote(address: str) -> Any:
        draft = {"lines": [{"skuId": mine.sku, "quantity": 1}], "addressId": address}
        return (await client.gql(document, {"input": draft}, mine.owner.token)).data["quoteOrder"]

    refused = {"address": None, "problems": [{"code": "NOT_FOUND", "path": ["addressId"]}]}
    assert await quote(theirs.address) == refused
    assert await quote(str(new_id())) == refused
    assert (await quote(mine.address))["problems"] == []


async def test_queries_without_a_token(client: GraphQLClient) -> None:
    """What is one's own is null, a price asks who one is, and the shop is open to everybody."""
    assert SCHEMA.query_type is not None
    private, open_to_all = (
        {"flashSaleTicket", "me", "memberCoupon", "order", "quoteOrder", "redemption"},
        {
            "banners",
            "categories",
            "couponCampaigns",
            "flashSale",
            "flashSales",
            "groupBuy",
            "groupBuyTeam",
            "groupBuys",
            "product",
            "products",
            "reward",
            "rewards",
            "scene",
            "searchSuggestions",
            "shop",
            "stores",
            "tiers",
        },
    )
    assert set(SCHEMA.query_type.fields) == private | open_to_all
    quote = "{ quoteOrder(input: {lines: []}) { payable } }"
    assert (await client.gql(quote)).error_codes == _UNAUTHENTICATED
    assert (await client.gql("{ me { id } }")).data == {"me": None}
    document = """
    { banners(slot: HOME) { id } categories { id } product(id: "x") { id }
      couponCampaigns { nodes { id } } flashSales { nodes { id } } flashSale(id: "x") { id }
      groupBuys { nodes { id } } groupBuy(id: "x") { id }
      groupBuyTeam(id: "x") { id } reward(id: "x") { id } rewards { nodes { id } }
      products { nodes { id } } scene(sceneCode: "x") { code } searchSuggestions(text: "")
      shop { name } stores { nodes { id } } tiers { id } }
    """
    assert set((await client.gql(document)).data) == open_to_all
