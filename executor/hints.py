"""Cache hints on a schema's fields: which answers everybody may share, how long, and until when.

    @strawberry.field(metadata=public("catalog", seconds=30), description="The products on sale.")
    async def products(self, info: Info) -> list[Product]: ...

    GraphQLField(kind, resolve=resolve, extensions=public("catalog", seconds=30))

Hints speak of what an anonymous caller gets. An operation may be answered from a shared cache when
each field of the whole document says so:

- A root field, or one that may look beyond its parent, is not cacheable unless it carries
  `public(...)`: one whose resolver takes arguments or `info`, waits, or has extensions or
  permissions.
- What only reads its parent (an attribute, an `item`, a method of `self` alone) is as public as
  that; `private()` takes it out, `public(...)` limits it.
- A field of an interface is as public as the least public of the types behind it.
- `signed_in()` is for root fields that are null for anonymous callers: what is selected below them
  is never reached, and needs no hints.
- `__typename` is always public; an operation that asks for the schema is not cacheable.

The answer holds for the fewest seconds that any of its fields says, and until one of the tags of
any of its fields changes. `@skip`, `@include` and variables are not looked at: what an operation
might ask for counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)
from strawberry.types.field import StrawberryField

from executor.calling import DEFINITION
from executor.reading import function_of_parent

HINT = "executor-cache-hint"
"""Under this key a hint lies in a Strawberry field's metadata, or a GraphQLField's extensions."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a field says of itself. `seconds` is None where the field sets no limit of its own."""

    is_public: bool
    tags: tuple[str, ...] = ()
    seconds: int | None = None
    private_arguments: frozenset[str] = frozenset()
    is_for_signed_in: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How long an operation's answer may be shared: `seconds`, unless one of its tags changes.

    `absent` are the response names that must be null, for they are for those who are signed in.
    """

    seconds: int
    tags: tuple[str, ...]
    absent: tuple[str, ...] = ()


def public(
    *tags: str, seconds: int | None = None, private_arguments: Collection[str] = ()
) -> dict[str, Hint]:
    """Declare that every anonymous caller gets the same value for the same arguments.

    `tags` name what the value is made from. Without `seconds` the field adds no limit of its own,
    as when it only reshapes what its parent holds. An operation that passes one of the
    `private_arguments`, such as the place where somebody is, is not cacheable.
    """
    if seconds is not None and seconds < 1:
        raise ValueError("A public field lasts one second at least; `private()` is not kept.")
    # Members of a text's enumeration become the plain texts that they stand for.
    return {HINT: Hint(True, tuple(map(str, tags)), seconds, frozenset(private_arguments))}


def private() -> dict[str, Hint]:
    """Declare that a value is never shared, whatever its parent says."""
    return {HINT: Hint(is_public=False)}


def signed_in() -> dict[str, Hint]:
    """Declare that a root field is null, without an error, for whoever is anonymous."""
    return {HINT: Hint(is_public=True, is_for_signed_in=True)}


def hint_of(declared: GraphQLField) -> Hint | None:
    """Return the field's own hint, None when it has none."""
    hint = declared.extensions.get(HINT)
    if hint is None:
        definition = declared.extensions.get(DEFINITION)
        if isinstance(definition, StrawberryField):
            hint = definition.metadata.get(HINT)
    return hint if isinstance(hint, Hint) else None


def reads_parent(declared: GraphQLField) -> bool:
    """Tell whether the value comes from the parent alone: such a field can't know who asks."""
    definition = declared.extensions.get(DEFINITION)
    if not isinstance(definition, StrawberryField):
        return declared.resolve is None
    if definition.extensions:
        return False
    return definition.is_basic_field or function_of_parent(definition) is not None


def policy_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Policy | None:
    """Return how the operation's answer may be shared; None when it may not."""
    try:
        return shared_policy(schema, document, operation)
    except NotShared:
        return None


class NotShared(Exception):
    """An operation whose answers are not shared; the message says which field keeps them."""


def shared_policy(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Policy:
    """Return how the operation's answer may be shared.

    The document is valid. Linear in its size: every fragment is looked at once.

    Raises:
        NotShared: it may not.
    """
    if operation.operation is not OperationType.QUERY or schema.query_type is None:
        raise NotShared("It is no query.")
    gathered = _Gathered()
    for place in _fields(schema, document, operation):
        _gather(schema, place, gathered)
    if gathered.seconds is None:
        raise NotShared("No field says for how many seconds.")
    return Policy(gathered.seconds, tuple(sorted(gathered.tags)), tuple(sorted(gathered.absent)))


@dataclass(slots=True)
class _Gathered:
    seconds: int | None = None
    tags: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    def add(self, hint: Hint) -> None:
        self.tags.update(hint.tags)
        if hint.seconds is not None:
            self.seconds = min(hint.seconds, self.seconds or hint.seconds)


@dataclass(frozen=True, slots=True)
class _Place:
    """A field as the document selects it on a type; `is_top` in the operation's own selection."""

    node: FieldNode
    parent: Any
    is_top: bool


def _fields(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Iterator[_Place]:
    """Walk the operation's fields, those of every fragment once; not below absent ones."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    spread: set[tuple[str, bool]] = set()
    waiting: list[tuple[SelectionSetNode, Any, bool]] = [
        (operation.selection_set, schema.query_type, True)
    ]
    while waiting:
        selections, parent, is_top = waiting.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield _Place(node, parent, is_top)
                below = _type_below(schema, parent, node)
                if node.selection_set is not None and below is not None:
                    waiting.append((node.selection_set, below, False))
            elif isinstance(node, InlineFragmentNode):
                waiting.append((node.selection_set, _narrowed(schema, node, parent), is_top))
            elif isinstance(node, FragmentSpreadNode) and (node.name.value, is_top) not in spread:
                spread.add((node.name.value, is_top))
                found = fragments[node.name.value]
                waiting.append((found.selection_set, _narrowed(schema, found, parent), is_top))


def _narrowed(
    schema: GraphQLSchema, node: InlineFragmentNode | FragmentDefinitionNode, parent: Any
) -> Any:
    condition = node.type_condition
    return schema.type_map[condition.name.value] if condition else parent


def _type_below(schema: GraphQLSchema, parent: Any, node: FieldNode) -> Any:
    """Return the type that a field's selections are on; None where they need not be looked at."""
    name = node.name.value
    if name.startswith("__"):
        return None
    declared = parent.fields[name]
    hint = hint_of(declared)
    if parent is schema.query_type and hint is not None and hint.is_for_signed_in:
        return None
    return get_named_type(declared.type)


def _gather(schema: GraphQLSchema, place: _Place, gathered: _Gathered) -> None:
    """Add what the field's hint says.

    Raises:
        NotShared: the field is private, or nothing says that it is public.
    """
    name = place.node.name.value
    if name == "__typename":
        return
    if name.startswith("__"):
        raise NotShared("It asks for the schema.")
    for parent in _types_behind(schema, place.parent):
        declared = parent.fields[name]
        hint = hint_of(declared)
        if hint is None:
            if parent is schema.query_type or not reads_parent(declared):
                raise NotShared(f"{parent.name}.{name} doesn't say that it is public.")
            continue
        passed = {argument.name.value for argument in place.node.arguments or ()}
        if not hint.is_public:
            raise NotShared(f"{parent.name}.{name} is private.")
        telling = sorted(hint.private_arguments & passed)
        if telling:
            raise NotShared(f"{parent.name}.{name} is private with `{telling[0]}`.")
        if hint.is_for_signed_in:
            _require_absent(place, declared, gathered)
        gathered.add(hint)


def _types_behind(schema: GraphQLSchema, parent: Any) -> Collection[GraphQLObjectType]:
    """Return the object types whose field a selection on the type may mean."""
    if isinstance(parent, GraphQLInterfaceType):
        return schema.get_possible_types(parent)
    return (parent,)


def _require_absent(place: _Place, declared: GraphQLField, gathered: _Gathered) -> None:
    if not place.is_top or isinstance(declared.type, GraphQLNonNull):
        raise NotShared(
            f"{place.parent.name}.{place.node.name.value} is for who is signed in, and not a "
            "nullable field of the operation itself."
        )
    alias = place.node.alias or place.node.name
    gathered.absent.add(alias.value)
