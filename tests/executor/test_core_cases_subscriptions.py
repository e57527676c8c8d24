"""Subscriptions through `Operation.subscribe`: opening, events, errors of either, and the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLSchema, parse

from executor.engine import Engine
from executor.outcome import Outcome
from tests.executor.cases.check import Case, Told, assert_told, both, error, made, refused

SDL = """
type Query { a: Int }
type Subscription { ticks(to: Int = 3): Tick must(to: Int = 3): Tick! other: Int }
type Tick { number: Int late: Int must: Int! }
"""


async def ticks(root: Any, info: Any, to: int) -> AsyncIterator[Any]:
    for number in range(1, to + 1):
        yield {"ticks": {"number": number}, "must": {"number": number}}


async def late(tick: Any, info: Any) -> int:
    await asyncio.sleep(0)
    return int(tick["number"]) * 10


def odd_only(tick: Any, info: Any) -> int | None:
    return tick["number"] if tick["number"] % 2 else None


PARTS = {
    "Subscription.ticks.subscribe": ticks,
    "Subscription.must.subscribe": ticks,
    "Tick.late": late,
    "Tick.must": odd_only,
}
SCHEMA = made(SDL, PARTS)


async def opened(
    query: str, *, compiles: bool, schema: GraphQLSchema = SCHEMA, **options: Any
) -> AsyncIterator[Outcome] | Outcome:
    operation = Engine(schema, compiles=compiles).operation(parse(query))
    return await operation.subscribe(options.pop("variables", None), **options)


async def events(query: str, *, compiles: bool, **options: Any) -> list[Outcome]:
    stream = await opened(query, compiles=compiles, **options)
    assert not isinstance(stream, Outcome)
    return [outcome async for outcome in stream]


def event(query: str, data: Any, *errors: Told) -> Case:
    return Case("", query, data, errors)


async def check_events(*cases: Case, compiles: bool, **options: Any) -> None:
    """Compare all events of one subscription, in order."""
    found = await events(cases[0].query, compiles=compiles, **options)
    assert len(found) == len(cases)
    for outcome, case in zip(found, cases, strict=True):
        assert_told(outcome, case)


@both
async def test_each_event_is_answered(compiles: bool) -> None:
    query = "subscription { t: ticks { number late __typename } }"
    cases = [
        event(query, {"t": {"number": n, "late": n * 10, "__typename": "Tick"}}) for n in (1, 2, 3)
    ]
    await check_events(*cases, compiles=compiles)


@both
async def test_variables_reach_the_source_and_every_event(compiles: bool) -> None:
    query = """subscription ($to: Int!, $late: Boolean = false) {
      ticks(to: $to) { number late @include(if: $late) }
    }"""
    cases = [event(query, {"ticks": {"number": 1}}), event(query, {"ticks": {"number": 2}})]
    await check_events(*cases, compiles=compiles, variables={"to": 2})
    whole = event(query, {"ticks": {"number": 1, "late": 10}})
    await check_events(whole, compiles=compiles, variables={"to": 1, "late": True})


@both
async def test_an_error_of_one_event_is_told_with_it(compiles: bool) -> None:
    query = "subscription { ticks { must } }"
    told = error("Cannot return null for non-nullable field Tick.must.", "ticks", "must")
    await check_events(
        event(query, {"ticks": {"must": 1}}),
        event(query, {"ticks": None}, told),
        event(query, {"ticks": {"must": 3}}),
        compiles=compiles,
    )


@both
async def test_an_event_may_be_null_as_a_whole(compiles: bool) -> None:
    query = "subscription { must(to: 2) { must } }"
    told = error(
        "Cannot return null for non-nullable field Tick.must.", "must", "must", at="must#2"
    )
    await check_events(
        event(query, {"must": {"must": 1}}), event(query, None, told), compiles=compiles
    )


@both
async def test_a_source_without_events(compiles: bool) -> None:
    assert await events("subscription { ticks(to: 0) { number } }", compiles=compiles) == []


@both
async def test_the_root_value_may_hold_the_source(compiles: bool) -> None:
    async def source(info: Any) -> AsyncIterator[Any]:
        yield {"other": info.context}

    schema = made(SDL)
    query = "subscription { other }"
    root = {"other": source}
    await check_events(
        event(query, {"other": 5}), compiles=compiles, schema=schema, root=root, context=5
    )


@both
async def test_a_source_that_comes_late(compiles: bool) -> None:
    async def subscribe(root: Any, info: Any, to: int) -> Any:
        await asyncio.sleep(0)
        return ticks(root, info, to)

    schema = made(SDL, {**PARTS, "Subscription.ticks.subscribe": subscribe})
    query = "subscription { ticks(to: 1) { number } }"
    case = event(query, {"ticks": {"number": 1}})
    await check_events(case, compiles=compiles, schema=schema)


@both
async def test_a_resolver_beside_the_source(compiles: bool) -> None:
    """The source gives events, the resolver what an event answers."""

    def resolve(sent: Any, info: Any, to: int) -> Any:
        return {"number": sent["ticks"]["number"] + to}

    parts = {**PARTS, "Subscription.ticks": resolve}
    schema = made(SDL, parts)
    query = "subscription { ticks(to: 2) { number } }"
    cases = [event(query, {"ticks": {"number": n}}) for n in (3, 4)]
    await check_events(*cases, compiles=compiles, schema=schema)


def broken(way: str) -> Callable[..., Any]:
    def now(*_: Any, **__: Any) -> Any:
        if way == "raises":
            raise RuntimeError("closed")
        return RuntimeError("closed")

    async def later(*_: Any, **__: Any) -> Any:
        if way == "raises late":
            raise RuntimeError("closed")
        return RuntimeError("closed")

    return later if way.endswith("late") else now


@both
@pytest.mark.parametrize("way", ["raises", "raises late", "returns", "returns late"])
async def test_a_source_that_fails_to_open(way: str, compiles: bool) -> None:
    schema = made(SDL, {"Subscription.ticks.subscribe": broken(way)})
    query = "subscription { ticks { number } }"
    outcome = await opened(query, compiles=compiles, schema=schema)
    assert isinstance(outcome, Outcome)
    assert_told(outcome, event(query, None, error("closed", "ticks")))


@both
@pytest.mark.parametrize("given", ["words", 5, None, [1, 2]])
async def test_a_source_that_is_none(given: Any, compiles: bool) -> None:
    schema = made(SDL, {"Subscription.ticks.subscribe": lambda *_, **__: given})
    query = "subscription { ticks { number } }"
    outcome = await opened(query, compiles=compiles, schema=schema)
    assert isinstance(outcome, Outcome)
    message = f"Subscription field must return AsyncIterable. Received: {given!r}."
    assert_told(outcome, event(query, None, error(message, "ticks")))


@both
async def test_variables_that_are_refused_open_nothing(compiles: bool) -> None:
    query = "subscription ($to: Int) { ticks(to: $to) { number } }"
    outcome = await opened(query, compiles=compiles, variables={"to": "many"})
    assert isinstance(outcome, Outcome)
    message = "Variable '$to' has invalid value: Int cannot represent non-integer value: 'many'"
    assert_told(outcome, refused("", query, errors=(error(message, at="$to:"),)))


@both
async def test_a_source_that_breaks_off(compiles: bool) -> None:
    """What was sent stands; the error of the source itself is the caller's to tell."""

    async def source(root: Any, info: Any, to: int) -> AsyncIterator[Any]:
        yield {"ticks": {"number": 1}}
        raise GraphQLError("gone")

    schema = made(SDL, {"Subscription.ticks.subscribe": source})
    stream = await opened("subscription { ticks { number } }", compiles=compiles, schema=schema)
    assert not isinstance(stream, Outcome)
    assert (await anext(stream)).data == {"ticks": {"number": 1}}
    with pytest.raises(GraphQLError, match="gone"):
        await anext(stream)


@both
async def test_closing_closes_the_source(compiles: bool) -> None:
    closed: list[int] = []

    async def source(root: Any, info: Any, to: int) -> AsyncIterator[Any]:
        try:
            while True:
                yield {"ticks": {"number": 1}}
        finally:
            closed.append(to)

    schema = made(SDL, {"Subscription.ticks.subscribe": source})
    query = "subscription { ticks(to: 8) { number } }"
    stream: Any = await opened(query, compiles=compiles, schema=schema)
    assert (await anext(stream)).data == {"ticks": {"number": 1}}
    assert closed == []
    await stream.aclose()
    assert closed == [8]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@both
async def test_two_who_listen_to_one_operation(compiles: bool) -> None:
    operation = Engine(SCHEMA, compiles=compiles).operation(
        parse("subscription ($to: Int) { ticks(to: $to) { number } }")
    )
    one: Any = await operation.subscribe({"to": 2})
    two: Any = await operation.subscribe({"to": 1})
    assert (await anext(one)).data == {"ticks": {"number": 1}}
    assert [each.data async for each in two] == [{"ticks": {"number": 1}}]
    assert [each.data async for each in one] == [{"ticks": {"number": 2}}]
