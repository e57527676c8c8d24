"""Every field that anybody can reach says whether its value may be shared, and of which changes."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from api.schema import member_engine
from executor.hints import hint_of, reads_parent
from models.public_changes import PublicTag
from resolvers.common.public import KEPT_SECONDS

PRIVATE = {
    "FlashSaleTicket.order": "a member's own order; without a token there are no tickets",
    "GroupBuyTeam.myOrder": "a member's own order; null without a token",
    "Query.quoteOrder": "a member's own prices, coupons and points; refused without a token",
}
"""Fields that look beyond their parent and carry no hint, each with the reason."""


def _root() -> GraphQLObjectType:
    query = member_engine().schema.query_type
    assert query is not None
    return query


def _reachable() -> Iterator[tuple[str, GraphQLField]]:
    """Walk the fields that an anonymous caller may get a value of."""
    seen: set[str] = set()
    waiting = [_root()]
    while waiting:
        kind = waiting.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        for name, declared in kind.fields.items():
            place = f"{kind.name}.{name}"
            yield place, declared
            hint = hint_of(declared)
            below = get_named_type(declared.type)
            is_reached = place not in PRIVATE and not (hint and hint.is_for_signed_in)
            if is_reached and isinstance(below, GraphQLObjectType):
                waiting.append(below)


def test_what_looks_beyond_its_parent_is_hinted_or_private_for_a_reason() -> None:
    silent = {
        place
        for place, declared in _reachable()
        if hint_of(declared) is None and (place.startswith("Query.") or not reads_parent(declared))
    }
    assert silent == set(PRIVATE)


def test_hints_name_the_tags_that_are_told_and_all_of_them() -> None:
    hints = [hint for _, declared in _reachable() if (hint := hint_of(declared)) is not None]
    assert {tag for hint in hints for tag in hint.tags} == set(PublicTag)


def test_nothing_outlasts_what_the_clock_alone_may_change() -> None:
    hinted = {place: hint_of(declared) for place, declared in _reachable()}
    assert {
        place
        for place, hint in hinted.items()
        if hint is not None and hint.seconds is not None and hint.seconds > KEPT_SECONDS
    } == set()
    # Without a limit at the root, an operation of this field alone would not be shared at all.
    assert {
        place
        for place, hint in hinted.items()
        if place.startswith("Query.")
        and hint is not None
        and not hint.is_for_signed_in
        and hint.seconds is None
    } == set()
