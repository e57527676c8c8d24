"""Resolvers that any field can have: each answers what the world decides, in its own manner."""

from __future__ import annotations

import asyncio
from types import CoroutineType
from typing import Any

import strawberry
from graphql import GraphQLOutputType, print_ast
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable

from tests.executor.torture.sources import key_of
from tests.executor.torture.world import Place, World

Info = strawberry.Info[World, Any]


def told(info: Info, source: Any, **arguments: Any) -> Any:
    """Return what the world decides for a field of an object with these arguments."""
    type_, place = asked(info, source, **arguments)
    return info.context.answer(type_, *place)


def asked(info: Info, source: Any, **arguments: Any) -> tuple[GraphQLOutputType, Place]:
    """Return the type and the place of a field's value."""
    raw = info._raw_info
    given = (repr(sorted(arguments.items())),) if arguments else ()
    return raw.return_type, (*key_of(source), raw.field_name, *given)


def used(value: Any) -> Any:
    """Return what a resolver takes for a plain value; close it, if it is a coroutine.

    A schema's own function would forget it, and compiled code may call functions that graphql-core
    doesn't come to.
    """
    if isinstance(value, CoroutineType):
        value.close()
    return value


def at_once(root: Any, info: Info) -> Any:
    """Answer without waiting."""
    return told(info, root)


async def told_later(info: Info, source: Any, **arguments: Any) -> Any:
    """Return it after a while."""
    _, place = asked(info, source, **arguments)
    await info.context.pause(*place)
    value = told(info, source, **arguments)
    return await value if optimized_is_awaitable(value) else value


async def later(root: Any, info: Info) -> Any:
    """Answer after a while."""
    return await told_later(info, root)


def promised(root: Any, info: Info) -> Any:
    """Return a coroutine from a function that isn't one."""
    return later(root, info)


def in_a_task(root: Any, info: Info) -> Any:
    """Return a task."""
    return asyncio.ensure_future(later(root, info))


async def loaded(root: Any, info: Info) -> Any:
    """Answer with others of its kind, by a DataLoader."""
    return await info.context.loader.load(asked(info, root))


def loading(root: Any, info: Info) -> Any:
    """Return the DataLoader's future."""
    return info.context.loader.load(asked(info, root))


def described(root: Any, info: Info, depth: int = 0) -> str:
    """Tell all that `info` says."""
    raw = info._raw_info
    path: Path | None = raw.path
    steps = []
    while path is not None:
        steps.append((path.key, path.typename))
        path = path.prev
    told_of = {
        "argument": depth,
        "context": type(info.context).__name__,
        "definition": info.get_argument_definition("depth") is not None,
        "field": (info.field_name, info.python_name),
        "fragments": sorted(raw.fragments),
        "nodes": [print_ast(node) for node in raw.field_nodes],
        "operation": (info.operation.name and info.operation.name.value, info.query is not None),
        "path": steps,
        "root": key_of(info.root_value),
        "schema": info.schema is not None,
        "selected": info.selected_fields,
        "source": key_of(root),
        "types": (str(raw.parent_type), str(raw.return_type), type(info.return_type).__name__),
        "variables": sorted(info.variable_values.items()),
    }
    return repr(told_of)


async def described_later(root: Any, info: Info, depth: int = 0) -> str:
    """Tell it after a while."""
    await info.context.pause(*key_of(root))
    return described(root, info, depth)


def alone() -> int:
    """Answer without being given anything."""
    return 7


async def alone_later() -> int:
    """Answer later without being given anything."""
    await asyncio.sleep(0)
    return 8


def of_the_parent(parent: strawberry.Parent[Any]) -> str:
    """Answer from the parent alone."""
    return repr(key_of(parent))
