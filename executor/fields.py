"""Fields that are declared in a way that compiled code can use, and graphql-core as well.

`item`: the value stands in a row. `derived`: it is computed from the parent and the context.
`batched`: it is fetched, for all parents at once:

    @strawberry.type
    class Product:
        @batched(description="The variants that are on sale.")
        @staticmethod
        async def skus(products: Sequence[Product], info: BatchInfo) -> list[list[Sku]]:
            rows = await skus_by_product_id([product.id for product in products])
            return [[Sku(row) for row in each] for each in rows]

Compiled code calls the function once with all parents of a level. graphql-core asks parent by
parent; there a DataLoader gathers the parents and calls the same function.

Fields of one level that one statement can answer hear of each other by `ahead`: see `batched`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, get_args

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_directive_values,
)
from graphql.execution.values import VariableValues
from strawberry.dataloader import DataLoader
from strawberry.types.field import StrawberryField

BatchFunction = Callable[..., Awaitable[Sequence[Any]]]
Ahead = Callable[..., Any]
Needs = Callable[[Sequence[Any], "BatchInfo"], Awaitable[None]]
_LIST_OF = re.compile(r"^\s*(?:[\w.]+\.)?(?:list|List|Sequence)\s*\[(.*)\]\s*$", re.DOTALL)


@dataclass(slots=True)  # Not frozen: it is made for each call, and takes half the time.
class BatchInfo:
    """What a batch function may know of its call: what holds for every parent alike.

    There is no path, since each parent has its own. `selected` is what `selected()` says; for a
    function that several fields need, what is asked of the parents: {"skus", "skus.price"}.
    `prepared` is what the field's `ahead` returned; None where nobody called it.
    """

    context: Any
    field_name: str
    root_value: Any = None
    variable_values: Any = field(default_factory=dict)
    selected: frozenset[str] = frozenset()
    prepared: Any = None


def batched(
    *,
    ahead: Ahead | None = None,
    name: str | None = None,
    description: str | None = None,
    deprecation_reason: str | None = None,
    permission_classes: list[Any] | None = None,
    extensions: list[Any] | None = None,
    directives: Sequence[Any] = (),
    metadata: Mapping[Any, Any] | None = None,
) -> Callable[[Any], Any]:
    """Declare a field by a function of all its parents, which answers in their order.

    The function takes the parents, a `BatchInfo`, and the field's arguments. It returns a list
    with one value for each parent; an exception among them is that parent's error, an exception
    raised is everybody's.

    `ahead` takes the same, waits for nothing, and is called for each such field of a level before
    the first of them is fetched: it can leave a note with the parents, so that whichever is fetched
    first fetches for all. What it returns is the function's `info.prepared`. It's a help, no more:
    where fields are resolved one by one nobody calls it.

    Raises:
        TypeError: the function doesn't take parents and info, or isn't annotated to return a list.
    """

    def declare(function: Any) -> Any:
        batch = cast("BatchFunction", getattr(function, "__func__", function))
        return strawberry.field(
            resolver=_one_by_one(batch, ahead),
            name=name,
            description=description,
            deprecation_reason=deprecation_reason,
            permission_classes=permission_classes,
            extensions=extensions,
            directives=directives,
            metadata=metadata,
        )

    return declare


@dataclass(frozen=True, slots=True)
class Item:
    """Where a value stands: `key` of the parent, or of its attribute `of`; then `convert`ed."""

    key: str | int
    of: str = ""
    convert: Callable[[Any], Any] | None = None

    def read(self, parent: Any) -> Any:
        """Return the value; None is never converted."""
        value = (getattr(parent, self.of) if self.of else parent)[self.key]
        return value if value is None or self.convert is None else self.convert(value)


def item(
    key: str | int,
    *,
    of: str = "",
    convert: Callable[[Any], Any] | None = None,
    name: str | None = None,
    description: str | None = None,
    deprecation_reason: str | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """Declare a field that stands in a row: `name: str = item("name", of="row")`.

    Objects of the type then need nothing but their row, and compiled code reads the row in place.
    """
    place = Item(key, of, convert)

    def resolve(root: Any):  # type: ignore[no-untyped-def]
        return place.read(root)

    resolve.item = place  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolve,
        name=name,
        description=description,
        deprecation_reason=deprecation_reason,
        metadata=metadata,
    )


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a value is computed: `function(parent, context)`, once `needs` has been seen to."""

    function: Callable[[Any, Any], Any]
    needs: Needs | None = None


def derived(
    function: Callable[[Any, Any], Any],
    *,
    needs: Needs | None = None,
    name: str | None = None,
    description: str | None = None,
    deprecation_reason: str | None = None,
    metadata: Mapping[Any, Any] | None = None,
) -> Any:
    """Declare a field by a function of the parent and the context: `url: str = derived(_url)`.

    `needs` fetches what the function looks at, for all parents at once, and puts it where the
    function finds it. Fields that name the same `needs` share one call for a level; where fields
    are resolved one by one, it may be called again, and has nothing left to do.
    """
    resolve = _computed(function) if needs is None else _computed_later(function, needs)
    resolve.derivation = Derivation(function, needs)  # type: ignore[attr-defined]
    return strawberry.field(
        resolver=resolve,
        name=name,
        description=description,
        deprecation_reason=deprecation_reason,
        metadata=metadata,
    )


def _computed(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def resolve(root: Any, info: strawberry.Info):  # type: ignore[no-untyped-def]
        return function(root, info.context)

    return resolve


def _computed_later(function: Callable[[Any, Any], Any], needs: Needs) -> Callable[..., Any]:
    async def resolve(root: Any, info: strawberry.Info):  # type: ignore[no-untyped-def]
        await _seen_to(needs, root, info)
        return function(root, info.context)

    return resolve


async def _seen_to(needs: Needs, parent: Any, info: strawberry.Info) -> None:
    """Have what a field needs fetched, together with what its siblings need."""

    async def load(parents: list[Any], told: BatchInfo) -> Sequence[None]:
        await needs(parents, told)
        return [None] * len(parents)

    def asked() -> frozenset[str]:
        return below(info.field_name, selected(info))

    await _loader_of(needs, info, asked, load).load(parent)


def below(name: str, names: frozenset[str]) -> frozenset[str]:
    """Return a field and what is asked below it, as its parent sees them."""
    return frozenset({name, *(f"{name}.{each}" for each in names)})


def item_of(declared: StrawberryField) -> Item | None:
    """Return where the field's value stands; None if it was not declared by `item`."""
    found: Item | None = _told_by(declared, "item")
    return found


def derivation_of(declared: StrawberryField) -> Derivation | None:
    """Return how the field's value is computed; None if it was not declared by `derived`."""
    found: Derivation | None = _told_by(declared, "derivation")
    return found


def ahead_of(declared: StrawberryField) -> Ahead | None:
    """Return what a batched field wants called before its level is fetched, if anything."""
    found: Ahead | None = _told_by(declared, "ahead")
    return found


def batch_of(declared: StrawberryField) -> BatchFunction | None:
    """Return the function that answers the field for many parents; None if it was not declared."""
    found: BatchFunction | None = _told_by(declared, "batch")
    return found


def _told_by(declared: StrawberryField, name: str) -> Any:
    resolver = declared.base_resolver
    return None if resolver is None else getattr(resolver.wrapped_func, name, None)


def _one_by_one(batch: BatchFunction, ahead: Ahead | None) -> Callable[..., Awaitable[Any]]:
    """Return the ordinary resolver over the request's loader."""

    async def resolve(self: Any, info: strawberry.Info, **arguments: Any) -> Any:
        async def load(parents: list[Any], told: BatchInfo) -> Sequence[Any]:
            return await batch(parents, told, **arguments)

        return await _loader_of(batch, info, lambda: selected(info), load).load(self)

    given = inspect.signature(batch)
    if len(given.parameters) < 2:
        raise TypeError(
            f"{batch.__qualname__}: a batch function takes the parents and a BatchInfo."
        )
    _, info_parameter, *rest = given.parameters.values()
    self_parameter = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    own_info = info_parameter.replace(name="info", annotation=strawberry.Info)
    resolve.__signature__ = given.replace(  # type: ignore[attr-defined]
        parameters=[self_parameter, own_info, *rest], return_annotation=_element(batch, given)
    )
    resolve.__name__ = batch.__name__
    resolve.__qualname__ = batch.__qualname__
    resolve.__module__ = batch.__module__
    resolve.__doc__ = batch.__doc__
    resolve.batch = batch  # type: ignore[attr-defined]
    resolve.ahead = ahead  # type: ignore[attr-defined]
    return resolve


def _element(batch: BatchFunction, given: inspect.Signature) -> Any:
    """Return what stands for one parent in the answer: X of `list[X]`."""
    answer = given.return_annotation
    if isinstance(answer, str):
        matched = _LIST_OF.match(answer)
        if matched:
            return matched.group(1)
    elif len(get_args(answer)) == 1:
        return get_args(answer)[0]
    raise TypeError(f"{batch.__qualname__}: a batch function is annotated to return list[...].")


_STORE = "executor_loaders"


def _loader_of(
    function: Callable[..., Any],
    info: strawberry.Info,
    asked: Callable[[], frozenset[str]],
    load: Callable[[list[Any], BatchInfo], Awaitable[Sequence[Any]]],
) -> DataLoader[Any, Any]:
    """Return what calls a function for all parents of one field and one run."""
    raw = info._raw_info  # noqa: SLF001 (Strawberry offers no other way to the nodes)
    loaders, node, variables = _loaders_of(info.context), raw.field_nodes[0], raw.variable_values
    # Within one run, the node says which arguments hold.
    place = (function, id(node), id(variables))
    if place not in loaders:
        told = BatchInfo(
            context=info.context,
            field_name=raw.field_name,
            root_value=raw.root_value,
            variable_values=variables,
            selected=asked(),
        )

        async def load_once(parents: list[Any]) -> Sequence[Any]:
            # It has its keys, and takes no more. What holds the context must not stay in it.
            del loaders[place]
            return await load(parents, told)

        # Kept with what its place is named by, lest an id be given away again.
        loaders[place] = (node, variables, DataLoader(load_fn=load_once, cache=False))
    loader: DataLoader[Any, Any] = loaders[place][2]
    return loader


def _loaders_of(context: Any) -> dict[Any, Any]:
    """Return the loaders that live as long as the request's context."""
    if isinstance(context, dict):
        return cast("dict[Any, Any]", context.setdefault(_STORE, {}))
    loaders: dict[Any, Any] | None = getattr(context, _STORE, None)
    if loaders is None:
        loaders = {}
        try:
            setattr(context, _STORE, loaders)
        except AttributeError:
            message = (
                f"A context for batched fields is a dict or takes an attribute `{_STORE}`;"
                f" {type(context).__name__} does neither."
            )
            raise TypeError(message) from None
    return loaders


class PlannedNodes(list[FieldNode]):
    """The nodes of a compiled field; what they select is worked out once, when it is asked for."""

    def __init__(
        self,
        nodes: Sequence[FieldNode],
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        super().__init__(nodes)
        self._fragments = fragments
        self._variables = variables

    @cached_property
    def selected(self) -> frozenset[str]:
        """What `selected()` says of these nodes."""
        return selected_below(self, self._fragments, self._variables)


def selected(info: Any) -> frozenset[str]:
    """Return the fields asked for below this one, as dotted names: {"nodes", "nodes.skus"}.

    Names are the schema's, not aliases; what @skip and @include leave out is not there; a
    fragment's fields are, whatever its type condition. A resolver can fetch its whole tree by it
    in one go. Compiled code has the answer ready.
    """
    raw = getattr(info, "_raw_info", info)
    if isinstance(raw.field_nodes, PlannedNodes):
        return raw.field_nodes.selected
    variables = raw.variable_values
    if not isinstance(variables, VariableValues):
        variables = VariableValues({}, variables)
    return selected_below(raw.field_nodes, raw.fragments, variables)


def selected_below(
    nodes: Sequence[FieldNode],
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: VariableValues,
) -> frozenset[str]:
    """Walk the selections of nodes; each (fragment, prefix) is walked once."""
    found: set[str] = set()
    walked: set[tuple[str, str]] = set()
    waiting = [(node.selection_set, "") for node in nodes]
    while waiting:
        selections, prefix = waiting.pop()
        for node in selections.selections if selections else ():
            if not _is_included(node, variables):
                continue
            if isinstance(node, FieldNode):
                path = prefix + node.name.value
                found.add(path)
                waiting.append((node.selection_set, path + "."))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, prefix))
            else:
                waiting += _spread(cast("FragmentSpreadNode", node), prefix, fragments, walked)
    return frozenset(found)


def _spread(
    node: FragmentSpreadNode,
    prefix: str,
    fragments: Mapping[str, FragmentDefinitionNode],
    walked: set[tuple[str, str]],
) -> list[tuple[SelectionSetNode | None, str]]:
    name = node.name.value
    if (name, prefix) in walked or name not in fragments:
        return []
    walked.add((name, prefix))
    return [(fragments[name].selection_set, prefix)]


def _is_included(node: Any, variables: VariableValues) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, variables)
    if skip and skip["if"]:
        return False
    include = get_directive_values(GraphQLIncludeDirective, node, variables)
    return not (include and not include["if"])
