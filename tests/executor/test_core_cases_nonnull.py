"""Nulls where none may be: how far up they reach, from fields that answer at once or late.

Names: `now` and `late` tell when a field answers, `Must` that it may not be null, `box` that it
holds another of the same type.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from tests.executor.cases.check import Case, Told, both, check, error, made, run, table

SCHEMA = made(
    """
    type Query {
      now: String nowMust: String! late: String lateMust: String!
      box: Query boxMust: Query! lateBox: Query lateBoxMust: Query!
      boxes: [Query!] boxesMust: [Query!]! lateBoxes: [Query]
    }
    """
)


class Box:
    """Holds boxes, and leaves that `leaf` makes; each at once or later."""

    def leaf(self, name: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if not name.startswith(("now", "late", "box")):
            raise AttributeError(name)

        def value() -> Any:
            if "ox" not in name:
                return self.leaf(name)
            return [type(self)(), type(self)()] if "oxes" in name else type(self)()

        async def later() -> Any:
            return value()

        return lambda _: later() if name.startswith("late") else value()


class Nulls(Box):
    """Every leaf is null."""

    def leaf(self, name: str) -> Any:
        return None


class Raises(Box):
    """Every leaf raises an error that names it."""

    def leaf(self, name: str) -> Any:
        raise RuntimeError(f"{name} failed")


class Returns(Box):
    """Every leaf answers with an error, which counts as raised."""

    def leaf(self, name: str) -> Any:
        return RuntimeError(f"{name} failed")


NOT_NULL = "Cannot return null for non-nullable field Query."
KINDS: dict[str, type[Box]] = {"null": Nulls, "raised": Raises, "returned": Returns}


def told(kind: str, *path: str | int, at: str | None = None) -> Told:
    name = str(path[-1]).split("_")[0]
    if kind != "null":
        return error(f"{name} failed", *path, at=at)
    return error(f"{NOT_NULL}{name}.", *path, at=at)


LEAVES = pytest.mark.parametrize("leaf", ["now", "late"])
BOXES = pytest.mark.parametrize("box", ["box", "lateBox"])
ALL_KINDS = pytest.mark.parametrize("kind", KINDS)


@both
@ALL_KINDS
@LEAVES
async def test_a_nullable_field_is_null_alone(leaf: str, kind: str, compiles: bool) -> None:
    errors = () if kind == "null" else (told(kind, leaf),)
    query = f"{{ {leaf} other: __typename }}"
    case = Case("", query, {leaf: None, "other": "Query"}, errors, root=KINDS[kind])
    await check(SCHEMA, case, compiles=compiles)


@both
@ALL_KINDS
@BOXES
@LEAVES
async def test_a_null_that_may_not_be_ends_its_object(
    leaf: str, box: str, kind: str, compiles: bool
) -> None:
    query = f"{{ {box} {{ __typename {leaf}Must }} other: box {{ __typename }} }}"
    data = {box: None, "other": {"__typename": "Query"}}
    case = Case("", query, data, (told(kind, box, f"{leaf}Must"),), root=KINDS[kind])
    await check(SCHEMA, case, compiles=compiles)


@both
@ALL_KINDS
@pytest.mark.parametrize("boxes", list(product(["boxMust", "lateBoxMust"], repeat=3)), ids="-".join)
@BOXES
@LEAVES
async def test_it_climbs_to_the_first_that_may_be_null(
    leaf: str, box: str, boxes: tuple[str, ...], kind: str, compiles: bool
) -> None:
    inner = " { ".join(boxes)
    query = f"{{ {box} {{ {inner} {{ {leaf}Must }} }} }} }} }}"
    case = Case("", query, {box: None}, (), root=KINDS[kind])
    errors = (told(kind, box, *boxes, f"{leaf}Must"),)
    await check(SCHEMA, replace(case, errors=errors), compiles=compiles)


@both
@ALL_KINDS
@pytest.mark.parametrize("boxes", list(product(["boxMust", "lateBoxMust"], repeat=2)), ids="-".join)
@LEAVES
async def test_it_ends_the_whole_answer_when_nothing_may_be_null(
    leaf: str, boxes: tuple[str, ...], kind: str, compiles: bool
) -> None:
    query = f"{{ __typename {boxes[0]} {{ {boxes[1]} {{ {leaf}Must }} }} }}"
    case = Case("", query, None, (told(kind, *boxes, f"{leaf}Must"),), root=KINDS[kind])
    await check(SCHEMA, case, compiles=compiles)


@both
@ALL_KINDS
@pytest.mark.parametrize("leaf", ["nowMust", "lateMust"])
async def test_a_root_field_that_may_not_be_null(leaf: str, kind: str, compiles: bool) -> None:
    case = Case("", f"{{ {leaf} }}", None, (told(kind, leaf),), root=KINDS[kind])
    await check(SCHEMA, case, compiles=compiles)


TREE = """{
  box {
    now_1: now late_2: late
    box { now_3: now late_4: late } lateBox { now_5: now late_6: late }
  }
  lateBox {
    now_7: now late_8: late
    box { now_9: now late_10: late } lateBox { now_11: now late_12: late }
  }
}"""
TREE_DATA = {
    top: {
        f"now_{first}": None,
        f"late_{first + 1}": None,
        "box": {f"now_{first + 2}": None, f"late_{first + 3}": None},
        "lateBox": {f"now_{first + 4}": None, f"late_{first + 5}": None},
    }
    for top, first in (("box", 1), ("lateBox", 7))
}
TREE_PATHS: tuple[tuple[str, ...], ...] = (
    ("box", "now_1"),
    ("box", "late_2"),
    ("box", "box", "now_3"),
    ("box", "box", "late_4"),
    ("box", "lateBox", "now_5"),
    ("box", "lateBox", "late_6"),
    ("lateBox", "now_7"),
    ("lateBox", "late_8"),
    ("lateBox", "box", "now_9"),
    ("lateBox", "box", "late_10"),
    ("lateBox", "lateBox", "now_11"),
    ("lateBox", "lateBox", "late_12"),
)


@both
@ALL_KINDS
async def test_every_null_of_a_tree_is_told_on_its_own(kind: str, compiles: bool) -> None:
    errors = () if kind == "null" else tuple(told(kind, *path) for path in TREE_PATHS)
    await check(SCHEMA, Case("", TREE, TREE_DATA, errors, root=KINDS[kind]), compiles=compiles)


FOUR_CHAINS = """{
  a: box { boxMust { lateBoxMust { nowMust_a: nowMust } } }
  b: lateBox { boxMust { lateBoxMust { nowMust_b: nowMust } } }
  c: box { boxMust { lateBoxMust { lateMust_c: lateMust } } }
  d: lateBox { boxMust { lateBoxMust { lateMust_d: lateMust } } }
}"""


@both
@ALL_KINDS
async def test_chains_beside_each_other_end_each_on_their_own(kind: str, compiles: bool) -> None:
    errors = tuple(
        told(kind, top, "boxMust", "lateBoxMust", f"{leaf}_{top}")
        for top, leaf in zip("abcd", ("nowMust", "nowMust", "lateMust", "lateMust"), strict=True)
    )
    data = dict.fromkeys("abcd")
    await check(SCHEMA, Case("", FOUR_CHAINS, data, errors, root=KINDS[kind]), compiles=compiles)


@both
@ALL_KINDS
@pytest.mark.parametrize("leaf", ["nowMust", "lateMust"])
async def test_nulls_inside_of_lists(leaf: str, kind: str, compiles: bool) -> None:
    """The first failing item ends a list of items that must be; other lists keep a hole each."""
    query = f"{{ boxes {{ first: {leaf} }} lateBoxes {{ second: {leaf} }} }}"
    message = "{} failed" if kind != "null" else f"{NOT_NULL}{{}}."
    errors = (
        error(message.format(leaf), "boxes", 0, "first"),
        error(message.format(leaf), "lateBoxes", 0, "second"),
        error(message.format(leaf), "lateBoxes", 1, "second"),
    )
    case = Case("", query, {"boxes": None, "lateBoxes": [None, None]}, errors, root=KINDS[kind])
    await check(SCHEMA, case, compiles=compiles)


@both
@ALL_KINDS
async def test_a_list_that_must_be_ends_the_whole_answer(kind: str, compiles: bool) -> None:
    query = "{ now boxesMust { box { __typename } nowMust } }"
    errors: tuple[Told, ...] = (told(kind, "boxesMust", 0, "nowMust"),)
    if kind != "null":
        errors += (told(kind, "now"),)
    await check(SCHEMA, Case("", query, None, errors, root=KINDS[kind]), compiles=compiles)


PAIR = made("type Query { pair: Pair other: String } type Pair { a: String! b: String! c: String }")


@both
@table(
    Case(
        "both fail at once: the first is told",
        "{ pair { a b } }",
        {"pair": None},
        (error("a failed", "pair", "a"),),
        root=lambda: {"pair": {"a": RuntimeError("a failed"), "b": RuntimeError("b failed")}},
    ),
    Case(
        "the order of the query decides",
        "{ pair { b a } }",
        {"pair": None},
        (error("b failed", "pair", "b"),),
        root=lambda: {"pair": {"a": RuntimeError("a failed"), "b": RuntimeError("b failed")}},
    ),
    Case(
        "what was told before the object ended is kept",
        "{ pair { c a } }",
        {"pair": None},
        (error("c failed", "pair", "c"), error("a failed", "pair", "a")),
        root=lambda: {"pair": {"a": RuntimeError("a failed"), "c": RuntimeError("c failed")}},
    ),
    Case(
        "what would come after it isn't asked",
        "{ pair { a c } }",
        {"pair": None},
        (error("a failed", "pair", "a"),),
        root=lambda: {"pair": {"a": RuntimeError("a failed"), "c": RuntimeError("c failed")}},
    ),
    Case(
        "siblings of the object are untouched",
        "{ pair { a } other }",
        {"pair": None, "other": "kept"},
        (error("Cannot return null for non-nullable field Pair.a.", "pair", "a"),),
        root=lambda: {"pair": {"b": "b"}, "other": "kept"},
    ),
)
async def test_siblings_that_fail(case: Case, compiles: bool) -> None:
    await check(PAIR, case, compiles=compiles)


@both
async def test_the_raised_error_itself_is_told(compiles: bool) -> None:
    failure = RuntimeError("a failed")
    root = {"pair": {"a": failure, "b": "b"}}
    outcome = await run(PAIR, "{ pair { a } }", compiles=compiles, root=root)
    assert outcome.errors is not None
    assert [told.original_error for told in outcome.errors] == [failure]
