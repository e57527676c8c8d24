"""Makes a document small while a difference remains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

Differs = Callable[[DocumentNode, str | None, Mapping[str, Any] | None], Awaitable[bool]]

_REMOVABLE = (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    DirectiveNode,
    ArgumentNode,
    ObjectFieldNode,
)


async def shrink(
    schema: GraphQLSchema,
    text: str,
    name: str | None,
    variables: Mapping[str, Any] | None,
    differs: Differs,
) -> tuple[str, dict[str, Any]]:
    """Return the smallest document found that still differs, and its variables."""
    document = parse(text)
    given = dict(variables or {})
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(document, name):
            if _is_empty_somewhere(candidate) or validate(schema, candidate):
                continue
            kept = _needed(candidate, given)
            if await differs(candidate, name, kept):
                document, given, is_smaller = candidate, kept, True
                break
    return print_ast(document), given


def _smaller(document: DocumentNode, name: str | None) -> Iterator[DocumentNode]:
    """Yield documents with one thing less: the largest things first."""
    yield from (
        _tidied(each, name) for each in _edits(document, _Flattened) if each is not document
    )
    yield from (_tidied(each, name) for each in _edits(document, _Without) if each is not document)


def _edits(document: DocumentNode, edit: type[_Edit]) -> Iterator[DocumentNode]:
    number = 0
    while True:
        editor = edit(document, number)
        yield visit(document, editor)
        if editor.seen <= number:
            return
        number += 1


class _Edit(Visitor):
    """Changes the thing of this number, in the order of the document."""

    def __init__(self, document: DocumentNode, number: int) -> None:
        super().__init__()
        self.fragments = _fragments(document)
        self.number = number
        self.seen = 0

    def is_it(self) -> bool:
        self.seen += 1
        return self.seen - 1 == self.number


class _Without(_Edit):
    """Leaves out a selection, a directive or an argument."""

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, _REMOVABLE) and self.is_it():
            return REMOVE
        return None


class _Flattened(_Edit):
    """Puts the selections of a fragment where it stands, if that is possible."""

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Any:
        for index, each in enumerate(node.selections):
            inner = self._inner(each)
            if inner is not None and self.is_it():
                selections = (*node.selections[:index], *inner, *node.selections[index + 1 :])
                return SelectionSetNode(selections=selections)
        return None

    def _inner(self, node: Node) -> Any:
        if isinstance(node, InlineFragmentNode):
            return node.selection_set.selections
        if isinstance(node, FragmentSpreadNode):
            return self.fragments[node.name.value].selection_set.selections
        return None


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def _tidied(document: DocumentNode, name: str | None) -> DocumentNode:
    """Leave out other operations, and fragments and variables that nothing uses."""
    fragments = _fragments(document)
    (operation,) = [
        each
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
        and (name is None or (each.name is not None and each.name.value == name))
    ]
    reached: dict[str, FragmentDefinitionNode] = {}
    used: set[str] = set()
    waiting: list[Node] = [operation.selection_set, *(operation.directives or ())]
    while waiting:
        for node in _all_below(waiting.pop()):
            if isinstance(node, VariableNode):
                used.add(node.name.value)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in reached:
                fragment = fragments[node.name.value]
                reached[node.name.value] = fragment
                waiting.append(fragment)
    declared = tuple(
        each for each in operation.variable_definitions or () if each.variable.name.value in used
    )
    kept = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=declared,
        directives=operation.directives,
        selection_set=operation.selection_set,
    )
    return parse(print_ast(DocumentNode(definitions=(kept, *reached.values()))))


def _all_below(node: Node) -> list[Node]:
    found: list[Node] = []

    class All(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            found.append(node)

    visit(node, All())
    return found


def _is_empty_somewhere(document: DocumentNode) -> bool:
    return any(
        isinstance(node, SelectionSetNode) and not node.selections for node in _all_below(document)
    )


def _needed(document: DocumentNode, given: Mapping[str, Any]) -> dict[str, Any]:
    declared = {
        node.variable.name.value
        for node in _all_below(document)
        if isinstance(node, VariableDefinitionNode)
    }
    return {name: value for name, value in given.items() if name in declared}
