"""What a document asks, measured in one pass.

Each selection is visited once, however often fragments spread it: what a fragment measures is kept.
So a chain of fragments that each spread the next twice takes as many steps as it has selections.
Nothing recurses, and fragments that form a cycle are found instead of followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    NamedTypeNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)

from executor.costs import PAGES, cost_of, gives_list, is_paged, page_size
from executor.limits import Limits

CEILING = 10**12
"""Where counting stops: every fragment of a chain can double a number."""
_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(slots=True)
class Measure:
    """What a selection set asks, with all that is below it."""

    depth: int = 0
    breadth: int = 0
    fields: int = 0
    aliases: int = 0
    cost: int = 0
    cost_per_item: int = 0
    """Of `nodes` and `edges`, for each item of the page that was asked for beside them."""
    introspection_depth: int = 0
    introspection_cost: int = 0
    """Of `__schema` and `__type`, which are in neither `depth` nor `cost`."""
    introspection_aliases: int = 0
    """Of `__schema` and `__type`, and of what is below them; they are in `aliases`, too."""
    deepest: FieldNode | None = None

    def add(self, other: Measure) -> None:
        """Count the fields of a fragment as if they stood here."""
        self.reach(other.depth, other.deepest)
        self.breadth = min(CEILING, self.breadth + other.breadth)
        self.fields = min(CEILING, self.fields + other.fields)
        self.aliases = min(CEILING, self.aliases + other.aliases)
        self.cost = min(CEILING, self.cost + other.cost)
        self.cost_per_item = min(CEILING, self.cost_per_item + other.cost_per_item)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.introspection_cost = min(CEILING, self.introspection_cost + other.introspection_cost)
        self.introspection_aliases = min(
            CEILING, self.introspection_aliases + other.introspection_aliases
        )

    def reach(self, depth: int, deepest: FieldNode | None) -> None:
        """Note how deep it goes, and where."""
        if depth > self.depth:
            self.depth, self.deepest = depth, deepest


class _Frame:
    """A selection set under way: whose it is, and what has been counted of it."""

    __slots__ = ("field", "measure", "owner", "parent", "selections")

    def __init__(
        self,
        owner: Node,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        field: GraphQLField | None = None,
    ) -> None:
        self.owner = owner
        self.selections: Iterator[SelectionNode] = iter(selection_set.selections)
        self.parent = parent
        self.field = field
        self.measure = Measure()


class Measurement:
    """A document's measures; it need not be valid.

    `steps` counts the definitions, selections, directives and arguments that were looked at.
    """

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> None:
        self.steps = 0
        self.operations: list[tuple[OperationDefinitionNode, Measure]] = []
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.directives: list[DirectiveNode] = []
        self.broadest: tuple[int, Node | None] = (0, None)
        self.introspection: FieldNode | None = None
        self.cycle: tuple[FragmentSpreadNode, list[str]] | None = None
        """A spread that leads back to where it stands, and the fragments on the way."""
        self._schema = schema
        self._limits = limits
        self._measured: dict[str, Measure] = {}
        self._open: dict[str, None] = {}
        self._stack: list[_Frame] = []
        self._run(document)

    def _run(self, document: DocumentNode) -> None:
        operations: list[OperationDefinitionNode] = []
        for definition in document.definitions:
            self._visit(definition)
            if isinstance(definition, OperationDefinitionNode):
                operations.append(definition)
                for variable in definition.variable_definitions or ():
                    self._visit(variable)
            elif isinstance(definition, FragmentDefinitionNode):
                self.fragments.setdefault(definition.name.value, definition)
        for operation in operations:
            root = self._schema.get_root_type(operation.operation)
            self.operations.append((operation, self._walk(operation, root)))
        for fragment in self.fragments.values():
            if fragment.name.value not in self._measured:
                self._enter(fragment)
                self._drain()

    def _walk(self, operation: OperationDefinitionNode, root: GraphQLObjectType | None) -> Measure:
        frame = _Frame(operation, operation.selection_set, root)
        self._stack.append(frame)
        self._drain()
        measure = frame.measure
        unpaged = measure.cost_per_item * self._limits.list_items
        measure.cost = min(CEILING, measure.cost + unpaged)
        return measure

    def _drain(self) -> None:
        stack = self._stack
        while stack:
            frame = stack[-1]
            selection = next(frame.selections, None)
            if selection is None:
                stack.pop()
                self._close(frame)
                continue
            self._visit(selection)
            if isinstance(selection, FieldNode):
                self._field(frame, selection)
            elif isinstance(selection, FragmentSpreadNode):
                self._spread(frame, selection)
            elif isinstance(selection, InlineFragmentNode):
                parent = self._type(selection.type_condition, frame.parent)
                stack.append(_Frame(selection, selection.selection_set, parent))

    def _visit(self, node: Node) -> None:
        self.steps += 1
        directives = getattr(node, "directives", None)
        if directives:
            self.steps += len(directives)
            self.directives += directives

    def _field(self, frame: _Frame, node: FieldNode) -> None:
        field = self._definition(frame.parent, node)
        measure = frame.measure
        measure.breadth = min(CEILING, measure.breadth + 1)
        measure.fields = min(CEILING, measure.fields + 1)
        measure.aliases = min(CEILING, measure.aliases + (node.alias is not None))
        if self.introspection is None and self._is_introspection(frame.parent, node):
            self.introspection = node
        if node.selection_set is None:
            measure.cost = min(CEILING, measure.cost + cost_of(field).weight)
            measure.reach(1, node)
        else:
            below = get_named_type(field.type) if field else None
            self._stack.append(_Frame(node, node.selection_set, below, field))

    def _spread(self, frame: _Frame, spread: FragmentSpreadNode) -> None:
        name = spread.name.value
        measured = self._measured.get(name)
        if measured is not None:
            frame.measure.add(measured)
        elif name in self._open:
            if self.cycle is None:
                names = list(self._open)
                self.cycle = (spread, names[names.index(name) :])
        elif (fragment := self.fragments.get(name)) is not None:
            self._enter(fragment)

    def _enter(self, fragment: FragmentDefinitionNode) -> None:
        self._open[fragment.name.value] = None
        parent = self._type(fragment.type_condition, None)
        self._stack.append(_Frame(fragment, fragment.selection_set, parent))

    def _close(self, frame: _Frame) -> None:
        owner, measure = frame.owner, frame.measure
        if isinstance(owner, FieldNode):
            self._fold(self._stack[-1], owner, frame)
        elif self._stack:
            self._stack[-1].measure.add(measure)
        if isinstance(owner, FragmentDefinitionNode):
            del self._open[owner.name.value]
            self._measured[owner.name.value] = measure
        if measure.breadth > self.broadest[0] and not isinstance(owner, InlineFragmentNode):
            self.broadest = (measure.breadth, owner)

    def _fold(self, above: _Frame, node: FieldNode, frame: _Frame) -> None:
        """Count a field and what is below it in the selection set that it stands in."""
        field, below, limits = frame.field, frame.measure, self._limits
        into, declared = above.measure, cost_of(field)
        self.steps += len(node.arguments or ())
        into.fields = min(CEILING, into.fields + below.fields)
        into.aliases = min(CEILING, into.aliases + below.aliases)
        # A list's items are counted here; a connection's at `nodes` and `edges` one level down.
        items = declared.items or limits.list_items
        if field is not None and is_paged(field):
            items = page_size(field, node, largest=declared.items or limits.page_items)
        each = below.cost + below.cost_per_item * items
        if self._is_introspection(above.parent, node):
            into.introspection_depth = max(into.introspection_depth, below.depth + 1)
            spent = into.introspection_cost + declared.weight + each
            into.introspection_cost = min(CEILING, spent)
            aliases = into.introspection_aliases + below.aliases + (node.alias is not None)
            into.introspection_aliases = min(CEILING, aliases)
            return
        into.reach(below.depth + 1, below.deepest or node)
        if not gives_list(field):
            into.cost = min(CEILING, into.cost + declared.weight + each)
        elif node.name.value in PAGES and declared.items is None and not is_paged(field):
            into.cost = min(CEILING, into.cost + declared.weight)
            into.cost_per_item = min(CEILING, into.cost_per_item + each)
        else:
            # The field gives a list itself, so `items` are its own and not those of a page in it.
            below_items = below.cost + below.cost_per_item * limits.list_items
            into.cost = min(CEILING, into.cost + declared.weight + items * below_items)

    def _is_introspection(self, parent: GraphQLNamedType | None, node: FieldNode) -> bool:
        return node.name.value in _INTROSPECTION and parent is self._schema.query_type

    def _definition(self, parent: GraphQLNamedType | None, node: FieldNode) -> GraphQLField | None:
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.get_field(parent, node.name.value)
        return None

    def _type(
        self, condition: NamedTypeNode | None, otherwise: GraphQLNamedType | None
    ) -> GraphQLNamedType | None:
        return self._schema.get_type(condition.name.value) if condition else otherwise
