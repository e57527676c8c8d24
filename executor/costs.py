"""What fields cost, and how long their lists are: declared on the field, or taken from its paging.

strawberry.field(metadata=cost(weight=5))            # Strawberry
GraphQLField(..., extensions=cost(weight=5))         # graphql-core
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, IntValueNode, is_list_type, is_non_null_type
from strawberry.schema.schema_converter import GraphQLCoreConverter

PAGING = ("first", "last")
"""Arguments that say how many items are wanted (Relay's cursor connections, "Arguments")."""
PAGES = frozenset({"edges", "nodes"})
"""Fields of a connection that hold the items that were asked for beside it."""

_KEY = "executor.cost"
_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF


@dataclass(frozen=True, slots=True)
class Cost:
    """What a field costs by itself, and the most items that its list or page has."""

    weight: int = 1
    items: int | None = None


_PLAIN = Cost()


def cost(*, weight: int = 1, items: int | None = None) -> Mapping[str, Any]:
    """Declare what a field costs, as `metadata` of Strawberry or `extensions` of graphql-core.

    `weight` is what one call costs, 1 unless told. `items` is the most items that it gives: of a
    plain list, or of a page whose size isn't written in the document.
    """
    return {_KEY: Cost(weight, items)}


def cost_of(field: GraphQLField | None) -> Cost:
    """Return what was declared for a field, or that it costs 1 and that nothing more is known."""
    if field is None:
        return _PLAIN
    declared = field.extensions.get(_KEY)
    if declared is None:
        metadata = getattr(field.extensions.get(_DEFINITION), "metadata", None)
        declared = metadata.get(_KEY) if metadata else None
    return declared if isinstance(declared, Cost) else _PLAIN


def is_paged(field: GraphQLField | None) -> bool:
    """Tell whether a caller says how many items it wants."""
    return field is not None and any(name in field.args for name in PAGING)


def gives_list(field: GraphQLField | None) -> bool:
    """Tell whether a field's value is a list."""
    if field is None:
        return False
    type_ = field.type
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)


def page_size(field: GraphQLField, node: FieldNode, *, largest: int) -> int:
    """Return how many items a paged field is asked for.

    A number in the document counts as it stands. A variable counts as the largest page, whatever
    its default: the client may send any value. Without either, the schema's own default counts.
    """
    sizes: list[int] = []
    for argument in node.arguments or ():
        if argument.name.value in PAGING:
            value = argument.value
            sizes.append(_literal(value.value) if isinstance(value, IntValueNode) else largest)
    if sizes:
        return max(sizes)
    defaults = [_default(field, name) for name in PAGING if name in field.args]
    return max((size for size in defaults if size is not None), default=largest)


def _literal(digits: str) -> int:
    # A number of ten thousand digits would be slow to read, and Int ends at ten.
    return max(1, int(digits)) if len(digits) <= 10 else 10**10


def _default(field: GraphQLField, name: str) -> int | None:
    argument = field.args[name]
    value = argument.default_value
    if argument.default is not None:
        literal = argument.default.literal
        value = int(literal.value) if isinstance(literal, IntValueNode) else argument.default.value
    return max(1, value) if isinstance(value, int) else None
