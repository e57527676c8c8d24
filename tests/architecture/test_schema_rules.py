"""The member API keeps its own rules, wherever a field comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from api.schema import member_schema
from settings import Settings
from tests.factories.flash_sales import a_sale_by_the_clock
from tests.factories.group_buys import a_group_buy
from tests.factories.members import signed_in_member
from tests.factories.shop import a_sku
from tests.support.graphql import GraphQLClient

AnyField = GraphQLField | GraphQLInputField | GraphQLArgument

_CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
_PASCAL = re.compile(r"[A-Z][a-zA-Z0-9]*")
_CAPITALS = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_OF_MONEY = re.compile(
    r"(price|amount|total|payable|paid|refunded|shipping|fee|spend|off|cost)$", re.IGNORECASE
)
NO_MONEY = {
    "CouponCampaign.pointsPrice",
    "OrderDraftInput.pointsToSpend",
    "OrderQuote.maxPointsToSpend",
    "PointsRules.minPointsToSpend",
    "PointsRules.pointsPerYuanOff",
    "Reward.pointsPrice",
}
"""Named like money, and counted in points."""

NUMBERS_WITH_A_POINT = {
    "GeoPointInput.latitude",
    "GeoPointInput.longitude",
    "Membership.progress",
    "Store.latitude",
    "Store.longitude",
}
"""Nothing else is a Float: money and points are whole."""

IDS_OF_OTHERS = {
    "MessageTemplate.id",  # WeChat's own, for wx.requestSubscribeMessage.
    "WechatPayment.appId",
    "WechatPaymentRef.merchantId",
    "WechatPaymentRef.transactionId",
}
"""Names that WeChat gave to texts of its own."""

BARE_IDS = {"Scene.targetId"}
"""An id instead of the object: what it leads to depends on the scene's kind."""

INSTANTS = re.compile(r"(At|From|Until|Before|Since)$|^(at|now|since)$")


@cache
def schema() -> GraphQLSchema:
    return build_schema(member_schema().as_str())


def _types() -> list[Any]:
    return [
        each
        for each in schema().type_map.values()
        if not is_introspection_type(each) and not is_specified_scalar_type(each)
    ]


def _fields() -> Iterator[tuple[str, GraphQLField]]:
    for each in _types():
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{each.name}.{name}", field) for name, field in each.fields.items())


def _input_fields() -> Iterator[tuple[str, GraphQLInputField]]:
    for each in _types():
        if isinstance(each, GraphQLInputObjectType):
            yield from ((f"{each.name}.{name}", field) for name, field in each.fields.items())


def _arguments() -> Iterator[tuple[str, GraphQLArgument]]:
    for place, field in _fields():
        yield from ((f"{place}({name})", argument) for name, argument in field.args.items())


def _everything() -> list[tuple[str, AnyField]]:
    return [*_fields(), *_input_fields(), *_arguments()]


def _mutations() -> dict[str, GraphQLField]:
    mutation = schema().mutation_type
    assert mutation is not None
    return dict(mutation.fields)


def _name(place: str) -> str:
    """Return the last name in a place: `Order.paidAt` is paidAt."""
    return re.split(r"[.(]", place.rstrip(")"))[-1]


def test_everything_has_a_description() -> None:
    mute = [each.name for each in _types() if not each.description]
    mute += [
        place
        for place, field in _everything()
        # A mutation's one argument is described by its type.
        if not field.description and not (place.startswith("Mutation.") and _name(place) == "input")
    ]
    mute += [
        f"{each.name}.{word}"
        for each in _types()
        if isinstance(each, GraphQLEnumType)
        for word, value in each.values.items()
        if not value.description
    ]
    assert mute == []


def test_descriptions_are_sentences() -> None:
    told = [(each.name, each.description) for each in _types()]
    told += [(place, field.description) for place, field in _everything() if field.description]
    broken = [place for place, text in told if text and not re.search(r"[.…)。?]$", text.strip())]
    assert set(broken) <= {"Date", "DateTime"}  # Strawberry's own.


def test_names() -> None:
    wrong = [each.name for each in _types() if not _PASCAL.fullmatch(each.name)]
    wrong += [place for place, _ in _everything() if not _CAMEL.fullmatch(_name(place))]
    wrong += [
        f"{each.name}.{word}"
        for each in _types()
        if isinstance(each, GraphQLEnumType)
        for word in each.values
        if not _CAPITALS.fullmatch(word)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(_mutations()))
def test_a_mutation_takes_one_input_and_answers_with_a_payload(name: str) -> None:
    field = _mutations()[name]
    assert list(field.args) in ([], ["input"])
    if field.args:
        expected = f"{name[0].upper()}{name[1:]}Input"
        assert str(field.args["input"].type) == f"{expected}!"
    assert isinstance(field.type, GraphQLNonNull)
    payload = get_named_type(field.type)
    assert isinstance(payload, GraphQLObjectType)
    assert payload.name.endswith("Payload")
    assert str(payload.fields["userErrors"].type) == "[UserError!]!"
    required = [
        other
        for other, result in payload.fields.items()
        if other != "userErrors" and isinstance(result.type, GraphQLNonNull)
    ]
    assert required == []  # Nothing but errors when it was refused.


def test_items_of_lists_are_never_null() -> None:
    loose = [
        place
        for place, field in _everything()
        if isinstance(inner := _list_of(field.type), GraphQLList)
        and not isinstance(inner.of_type, GraphQLNonNull)
    ]
    assert loose == []


def test_lists_are_empty_rather_than_null() -> None:
    loose = [
        place
        for place, field in _fields()
        if isinstance(field.type, GraphQLList) and place != "UserError.path"
    ]
    assert loose == []


def _list_of(kind: Any) -> Any:
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def test_money_is_money() -> None:
    def names_money(place: str) -> bool:
        return bool(_OF_MONEY.search(_name(place))) and place not in NO_MONEY

    wrong = [
        f"{place}: {field.type}"
        for place, field in _everything()
        if names_money(place) and get_named_type(field.type).name in ("Int", "Float", "String")
    ]
    assert wrong == []
    of_money = {
        place for place, field in _everything() if get_named_type(field.type).name == "Money"
    }
    assert {place for place in of_money if not names_money(place)} == {
        "CartLine.priceWhenAdded",
        "PriceRange.max",
        "PriceRange.min",
        "Redemption.cash",
    }


def test_floats_are_places_and_shares() -> None:
    floats = {place for place, field in _everything() if get_named_type(field.type).name == "Float"}
    assert floats == NUMBERS_WITH_A_POINT


def test_ids() -> None:
    wrong = []
    for place, field in _everything():
        is_one = _name(place) in ("id", "ids") or _name(place).endswith(("Id", "Ids"))
        kind = get_named_type(field.type).name
        if is_one and place not in IDS_OF_OTHERS and kind != "ID":
            wrong.append(f"{place} is {kind}")
        if not is_one and kind == "ID":
            wrong.append(f"{place} is an ID by another name")
    assert wrong == []
    assert [
        place
        for place, field in _fields()
        if place.endswith(".id") and str(field.type) != "ID!" and place not in IDS_OF_OTHERS
    ] == []


def test_objects_rather_than_bare_ids() -> None:
    bare = {place for place, _ in _fields() if _name(place).endswith(("Id", "Ids"))}
    assert bare - IDS_OF_OTHERS == BARE_IDS


def test_instants_are_named_as_instants() -> None:
    named = {place for place, _ in _everything() if INSTANTS.search(_name(place))}
    typed = {
        place for place, field in _everything() if get_named_type(field.type).name == "DateTime"
    }
    assert named == typed


def test_connections() -> None:
    connections = [each for each in _types() if each.name.endswith("Connection")]
    assert connections
    for connection in connections:
        node = connection.name.removesuffix("Connection")
        assert {name: str(field.type) for name, field in connection.fields.items()} == {
            "nodes": f"[{node}!]!",
            "edges": f"[{node}Edge!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int!",
        }
        edge = schema().type_map[f"{node}Edge"]
        assert isinstance(edge, GraphQLObjectType)
        assert {name: str(field.type) for name, field in edge.fields.items()} == {
            "node": f"{node}!",
            "cursor": "String!",
        }


def test_lists_that_grow_are_pages() -> None:
    for place, field in _fields():
        is_page = get_named_type(field.type).name.endswith("Connection")
        assert is_page == ("after" in field.args), place
        if is_page:
            written = field.args["first"].ast_node
            assert written is not None
            assert print_ast(written) in (_FIRST, _FIRST_OF_A_PRODUCT)
            assert str(field.args["after"].type) == "String"


_FIRST = '"""How many, 1 to 100."""\nfirst: Int = 20'
_FIRST_OF_A_PRODUCT = '"""How many, 1 to 100."""\nfirst: Int = 10'
"""A product's page holds several lists."""

_WAYS = {
    "Query": "%s",
    "FlashSale": "flashSales { nodes { %s } }",
    "GroupBuy": "groupBuys { nodes { %s } }",
    "InvitationProgram": "me { invitations { %s } }",
    "Member": "me { %s }",
    "Membership": "me { membership { %s } }",
    "PointsAccount": "me { points { %s } }",
    "Product": "products { nodes { %s } }",
}
"""How to reach a field of a type; a new type with a list field fails the test until it is here."""
_REQUIRED = {"searchSuggestions": 'text: "苹果", '}
_PAGED = sorted(place for place, field in _fields() if "first" in field.args)


@pytest.mark.parametrize("place", _PAGED)
async def test_first_is_bounded(settings: Settings, client: GraphQLClient, place: str) -> None:
    token = (await signed_in_member(settings)).token
    await a_group_buy(await a_sku(), now=datetime.now(UTC))
    await a_sale_by_the_clock(await a_sku())
    owner, _, name = place.partition(".")
    field = dict(_fields())[place]
    selection = "{ nodes { __typename } }" if "after" in field.args else ""

    async def ask(arguments: str) -> list[str]:
        document = f"{name}({_REQUIRED.get(name, '')}{arguments}) {selection}"
        return (await client.gql("{ %s }" % (_WAYS[owner] % document), token=token)).error_codes

    assert await ask("first: 100") == []
    assert await ask("first: null") == []
    for wrong in ("first: 101", "first: 0", "first: -1", "first: 2147483647"):
        assert await ask(wrong) == ["BAD_REQUEST"], wrong
    if selection:
        for wrong in ('after: ""', 'after: "x"', 'after: "bm90IG91cnM="'):
            assert await ask(wrong) == ["BAD_REQUEST"], wrong


_ID = "01a20140-0000-7000-8000-000000000000"
_CONSENT = '{kind: MARKETING, version: "1", given: true}'
_SESSION = "{ session { accessToken } userErrors { code path } }"
_LINE = f'{{skuId: "{_ID}", quantity: 1}}'
LONG_LISTS: dict[str, tuple[str, str]] = {
    "SignInWithMiniProgramInput.consents": (
        'mutation { signInWithMiniProgram(input: {code: "c", consents: %s}) ' + _SESSION + " }",
        _CONSENT,
    ),
    "SignInWithOfficialAccountInput.consents": (
        'mutation { signInWithOfficialAccount(input: {code: "c", consents: %s}) ' + _SESSION + " }",
        _CONSENT,
    ),
    "SignInWithPhoneInput.consents": (
        'mutation { signInWithPhone(input: {phone: "13812345678", smsCode: "1", consents: %s}) '
        + _SESSION
        + " }",
        _CONSENT,
    ),
    "BindPhoneInput.consents": (
        'mutation { bindPhone(input: {wechatCode: "c", consents: %s}) ' + _SESSION + " }",
        _CONSENT,
    ),
    "SetConsentsInput.consents": (
        "mutation { setConsents(input: {consents: %s}) { userErrors { code path } } }",
        _CONSENT,
    ),
    "UpdateCartInput.lines": (
        "mutation { updateCart(input: {lines: %s}) { userErrors { code path } } }",
        f'{{lineId: "{_ID}"}}',
    ),
    "OrderDraftInput.lines": (
        "{ quoteOrder(input: {lines: %s}) { problems { code path } } }",
        _LINE,
    ),
    "MarkMessagesReadInput.ids": (
        "mutation { markMessagesRead(input: {ids: %s}) { userErrors { code } } }",
        f'"{_ID}"',
    ),
    "OrderDraftInput.couponIds": (
        "{ quoteOrder(input: {lines: [" + _LINE + "], couponIds: %s}) { problems { code path } } }",
        f'"{_ID}"',
    ),
    "StoreFilter.inStock": ("{ stores(filter: {inStock: %s}) { nodes { id } } }", _LINE),
}
"""Each list that a client sends, in a document that sends it, and one item."""


def test_every_list_of_the_input_is_tried() -> None:
    sent: list[tuple[str, AnyField]] = [*_input_fields(), *_arguments()]
    lists = {
        place
        for place, field in sent
        if isinstance(_list_of(field.type), GraphQLList)
        and not isinstance(get_named_type(field.type), GraphQLEnumType)  # A set of few words.
    }
    assert lists == set(LONG_LISTS)


@pytest.mark.parametrize("place", sorted(LONG_LISTS))
async def test_lists_of_the_input_are_bounded(
    settings: Settings, client: GraphQLClient, place: str
) -> None:
    """A hundred and one items are refused as such, wherever they are sent."""
    document, item = LONG_LISTS[place]
    token = (await signed_in_member(settings)).token
    answer = await client.gql(document % f"[{', '.join([item] * 101)}]", token=token)
    if answer.errors:
        assert answer.error_codes == ["BAD_REQUEST"]
    else:
        [payload] = answer.data.values()
        refused = payload.get("userErrors") or payload.get("problems")
        assert "INVALID_INPUT" in [error["code"] for error in refused], refused
