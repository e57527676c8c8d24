"""What the guard measures, what it refuses, and that it does so in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    get_named_type,
    parse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.costs import cost
from executor.guard import Guard, GuardReport, Limits, check
from executor.measure import CEILING, Measure, Measurement

SCHEMA = build_schema(
    """
    type Query {
      item: Item
      node: Node
      any: Any
      plain: [Item!]!
      some(first: Int, last: Int): [Item]
      page(first: Int, after: String): Page
      seven(first: Int = 7): Page
      unpaged: Page
      name: String
      tags: [String]
    }
    type Mutation { change(input: String): Query }
    interface Node { name: String plain: [Item!]! item: Item page(first: Int): Page }
    type Item implements Node {
      name: String
      item: Item
      plain: [Item!]!
      some(first: Int, last: Int): [Item]
      page(first: Int): Page
      any: Any
    }
    type Other { name: String item: Item }
    union Any = Item | Other
    type Page { nodes: [Item] edges: [Edge!]! total: Int page: Page }
    type Edge { node: Item cursor: String }
    """
)
OPEN = Limits(
    characters=10**9,
    tokens=10**9,
    operations=10**9,
    fragments=10**9,
    directives=10**9,
    depth=10**9,
    breadth=10**9,
    fields=10**9,
    aliases=10**9,
    cost=10**9,
)


def report(text: str, limits: Limits = OPEN, schema: GraphQLSchema = SCHEMA) -> GuardReport:
    return Guard(schema, limits).report(parse(text))


def measure(text: str, schema: GraphQLSchema = SCHEMA) -> Measure:
    [(_, found)] = report(text, schema=schema).operations
    return found


def cost_of(text: str) -> int:
    return measure(text).cost


def told(text: str, limits: Limits) -> list[tuple[str, dict[str, Any] | None, Any]]:
    errors = report(text, limits).errors
    return [(error.message, error.extensions, error.locations) for error in errors]


# What is measured.


def test_a_field_below_another_is_deeper_and_a_fragment_is_not() -> None:
    assert measure("{ name }").depth == 1
    assert measure("{ item { item { name } } name }").depth == 3
    assert (
        measure("{ ... on Query { item { ... { ...F } } } } fragment F on Item { name }").depth == 2
    )


def test_fields_and_aliases_count_as_often_as_fragments_spread_them() -> None:
    found = measure(
        "{ a: item { ...F } item { ...F ...F } } fragment F on Item { x: name y: name name }"
    )
    assert (found.fields, found.aliases) == (2 + 3 * 3, 1 + 3 * 2)


def test_breadth_is_that_of_the_widest_selection_set() -> None:
    text = "{ item { name ... { name name } ...F } name } fragment F on Item { name item { name } }"
    document = parse(text)
    breadth, widest = Measurement(document, SCHEMA, OPEN).broadest
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert (breadth, widest) == (5, operation.selection_set.selections[0])


def test_a_field_costs_one_and_a_list_multiplies_what_is_below_it() -> None:
    assert cost_of("{ name tags }") == 2
    assert cost_of("{ item { name } }") == 2
    assert cost_of("{ plain { name item { name } } }") == 1 + 10 * 3
    assert cost_of("{ plain { plain { name } } }") == 1 + 10 * (1 + 10)


def test_a_list_is_as_long_as_the_document_asks() -> None:
    assert cost_of("{ some(first: 3) { name } }") == 1 + 3
    assert cost_of("{ some(last: 4) { name } }") == 1 + 4
    assert cost_of("{ some(first: 3, last: 4) { name } }") == 1 + 4
    assert cost_of("{ some { name } }") == 1 + 100
    assert cost_of("query($n: Int = 1) { some(first: $n) { name } }") == 1 + 100
    assert cost_of("{ some(first: null) { name } }") == 1 + 100
    assert cost_of("{ some(first: 0) { name } }") == 1 + 1
    assert cost_of("{ some(first: -5) { name } }") == 1 + 1
    assert cost_of("{ some(first: 100000000000000000000) { name } }") == 1 + 10**10


def test_a_connection_multiplies_once() -> None:
    assert cost_of("{ page(first: 5) { nodes { name } total } }") == 1 + 1 + 5 + 1
    assert cost_of("{ page(first: 5) { edges { cursor node { name } } } }") == 1 + 1 + 5 * 3
    assert cost_of("{ page(first: 5) { nodes { page(first: 2) { nodes { name } } } } }") == (
        1 + 1 + 5 * (1 + 1 + 2)
    )
    assert cost_of("{ seven { nodes { name } } }") == 1 + 1 + 7
    assert cost_of("{ seven(first: 2) { nodes { name } } }") == 1 + 1 + 2
    assert cost_of("{ page { nodes { name } } }") == 1 + 1 + 100
    assert cost_of("{ unpaged { nodes { name } } }") == 1 + 1 + 10
    assert cost_of("{ page(first: 5) { page { nodes { name } } } }") == 1 + 1 + 1 + 10


def test_a_connection_s_fragment_takes_the_page_of_where_it_is_spread() -> None:
    text = "{ a: page(first: 5) { ...P } b: page(first: 7) { ...P } } fragment P on Page %s"
    assert cost_of(text % "{ nodes { name } }") == (2 + 5) + (2 + 7)


def test_an_operation_of_an_unknown_kind_or_field_is_measured_all_the_same() -> None:
    assert measure("subscription { a { b } }").cost == 2
    found = measure("{ what { is { this(first: 9) } } ...Nowhere ... on Nothing { x } }")
    assert (found.depth, found.fields, found.cost) == (3, 4, 4)


def test_declared_costs_count() -> None:
    item = GraphQLObjectType("Item", {"name": GraphQLField(GraphQLString)})
    items = GraphQLField(GraphQLList(item), extensions=dict(cost(weight=3, items=40)))
    schema = GraphQLSchema(GraphQLObjectType("Query", {"items": items}))
    assert measure("{ items { name } }", schema).cost == 3 + 40


def test_declared_costs_count_in_strawberry() -> None:
    @strawberry.type
    class Item:
        name: str
        price: int = strawberry.field(metadata=cost(weight=5))

    @strawberry.type
    class Shelf:
        nodes: list[Item]

    @strawberry.type
    class Query:
        @strawberry.field(metadata=cost(items=20))
        def items(self, first: int | None = None) -> list[Item]:
            return []

        @strawberry.field(metadata=cost(items=30))
        def shelf(self) -> Shelf:
            return Shelf(nodes=[])

    schema = strawberry.Schema(Query)._schema
    assert measure("{ items { name price } }", schema).cost == 1 + 20 * (1 + 5)
    assert measure("{ items(first: 2) { name price } }", schema).cost == 1 + 2 * (1 + 5)
    assert measure("{ shelf { nodes { name } } }", schema).cost == 1 + 1 + 30


# What is refused.

CASES = {
    "operations": (
        "query A { name } query B { name }",
        "query A { name } query B { name } query C { name }",
        2,
        3,
        "The document has 3 operations; the limit is 2.",
        [(1, 35)],
    ),
    "fragments": (
        "{ ...A } fragment A on Query { name }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { name }",
        1,
        2,
        "The document has 2 fragments; the limit is 1.",
        [(1, 39)],
    ),
    "directives": (
        "query($a: Boolean!) { name @skip(if: $a) ... @include(if: $a) { name } }",
        "query Q($a: Boolean! @x) @y { name @skip(if: $a) }",
        2,
        3,
        "The document has 3 directives; the limit is 2.",
        [(1, 36)],
    ),
    "depth": (
        "{ item { item { name } } }",
        "{ item { item { item { name } } } name }",
        3,
        4,
        "The document is 4 fields deep; the limit is 3.",
        [(1, 24)],
    ),
    "breadth": (
        "{ item { name name } name }",
        "{ item { name name name } name }",
        2,
        3,
        "The document has a selection set of 3 fields; the limit is 2.",
        [(1, 3)],
    ),
    "fields": (
        "{ item { name } name }",
        "{ item { name name } name }",
        3,
        4,
        "The document asks for 4 fields; the limit is 3.",
        [(1, 1)],
    ),
    "aliases": (
        "{ a: name name }",
        "{ a: name b: name }",
        1,
        2,
        "The document has 2 aliases; the limit is 1.",
        [(1, 1)],
    ),
    "cost": (
        "{ some(first: 4) { name } }",
        "{ some(first: 5) { name } }",
        5,
        6,
        "The document costs 6; the limit is 5.",
        [(1, 1)],
    ),
}


@pytest.mark.parametrize("limit", CASES)
def test_each_limit_lets_its_number_pass_and_refuses_the_next(limit: str) -> None:
    passes, fails, maximum, value, message, locations = CASES[limit]
    changed: dict[str, Any] = {limit: maximum}
    limits = replace(OPEN, **changed)
    assert told(passes, limits) == []
    extensions = {"code": "BAD_REQUEST", "limit": limit, "value": value, "maximum": maximum}
    assert told(fails, limits) == [(message, extensions, locations)]


def test_every_limit_that_is_passed_is_told() -> None:
    limits = replace(OPEN, depth=1, aliases=0, cost=1)
    errors = report("{ a: item { name } }", limits).errors
    assert [(error.extensions or {})["limit"] for error in errors] == ["depth", "aliases", "cost"]


def test_every_operation_is_judged() -> None:
    errors = report("query A { name } query B { a: name }", replace(OPEN, aliases=0)).errors
    assert [error.locations for error in errors] == [[(1, 18)]]


def test_a_number_without_an_end_is_told_as_such() -> None:
    text = "{ item { ...F0 } } " + " ".join(
        f"fragment F{i} on Item {{ ...F{i + 1} ...F{i + 1} }}" for i in range(60)
    )
    text += " fragment F60 on Item { name }"
    [error] = report(text, replace(OPEN, fields=600, breadth=2 * CEILING)).errors[:1]
    assert (
        error.message == "The document asks for 1,000,000,000,000 or more fields; the limit is 600."
    )


@pytest.mark.parametrize(
    ("text", "message", "locations"),
    [
        ("{ ...A } fragment A on Query { ...A }", "Fragment 'A' spreads itself.", [(1, 32)]),
        (
            (
                "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } "
                "fragment C on Query { ... { ...A } }"
            ),
            "Fragment 'A' spreads itself via 'B', 'C'.",
            [(1, 96)],
        ),
        (
            "{ name } fragment A on Query { name ...B } fragment B on Query { ...A }",
            "Fragment 'A' spreads itself via 'B'.",
            [(1, 66)],
        ),
    ],
)
def test_fragments_that_spread_themselves_are_refused(
    text: str, message: str, locations: list[tuple[int, int]]
) -> None:
    assert told(text, OPEN) == [(message, {"code": "BAD_REQUEST"}, locations)]


def test_introspection_can_be_refused() -> None:
    closed = replace(OPEN, introspection=False)
    extensions = {"code": "BAD_REQUEST", "limit": "introspection"}
    assert told("{ ...F } fragment F on Query { __schema { types { name } } }", closed) == [
        ("'__schema' can't be asked here.", extensions, [(1, 32)])
    ]
    assert told('{ __type(name: "A") { name } }', closed) == [
        ("'__type' can't be asked here.", extensions, [(1, 3)])
    ]
    assert told("{ __typename item { __typename } }", closed) == []


def test_introspection_is_measured_apart() -> None:
    strict = replace(OPEN, depth=1, cost=1)
    standard = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    assert told(standard, strict) == []
    types = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert measure(types).cost == 0
    found = told(types.replace("fields { name }", "fields { args { name } args { name } }"), strict)
    assert [(extensions or {})["limit"] for _, extensions, _ in found] == ["cost"]
    deep = "{ __schema { types { " + "ofType { " * 13 + "name" + " }" * 16
    assert [(extensions or {})["limit"] for _, extensions, _ in told(deep, strict)] == ["depth"]
    aliases = "{ " + " ".join(f"a{i}: __schema {{ ...S }}" for i in range(3)) + " } "
    aliases += standard[standard.index("fragment FullType") :]
    aliases += " fragment S on __Schema { types { ...FullType } }"
    assert [(extensions or {})["limit"] for _, extensions, _ in told(aliases, strict)] == ["cost"]


@pytest.mark.parametrize(
    ("text", "aliases"),
    [
        ("{{ {} }}", [f"a{n}: __schema {{ types {{ name }} }}" for n in range(11)]),
        ("{{ __schema {{ types {{ {} }} }} }}", [f"a{n}: fields {{ name }}" for n in range(11)]),
        (
            "{{ ...F }} fragment F on Query {{ a: __schema {{ types {{ {} }} }} }}",
            [f"a{n}: name" for n in range(10)],
        ),
    ],
)
def test_introspection_is_hardly_aliased(text: str, aliases: list[str]) -> None:
    expected = {"code": "BAD_REQUEST", "limit": "aliases", "value": 11, "maximum": 10}
    [(message, extensions, _)] = told(text.format(" ".join(aliases)), OPEN)
    assert (message, extensions) == ("The document has 11 aliases; the limit is 10.", expected)
    assert told(text.format(" ".join(aliases[1:])), OPEN) == []


def test_check_tells_the_same() -> None:
    [error] = check(parse("{ a: name }"), SCHEMA, replace(OPEN, aliases=0))
    assert error.message == "The document has 1 aliases; the limit is 0."


def test_the_defaults_let_a_large_page_pass() -> None:
    field = "page(first: 20) { nodes { name item { name plain { name } } } total }"
    assert told("{ " + field * 8 + " }", Limits()) == []


# One pass, whatever the document.


FAMILIES: dict[str, Callable[[int], str]] = {
    "wide": lambda n: "{ " + "name " * n + "}",
    "deep": lambda n: "{ item { name } " + "item { " * (n % 190) + "name" + " }" * (n % 190) + "}",
    "wide and deep": lambda n: "{ " + "item { item { item { name } } } " * n + "}",
    "aliases": lambda n: "{ " + " ".join(f"a{i}: name" for i in range(n)) + " }",
    "arguments": lambda n: "{ " + "page(first: 2, after: null) { total } " * n + "}",
    "chain of double spreads": lambda n: (
        "{ ...F0 } "
        + " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(n))
        + f" fragment F{n} on Query {{ name }}"
    ),
    "chain of spreads below fields": lambda n: (
        "{ item { ...F0 } } "
        + " ".join(
            f"fragment F{i} on Item {{ item {{ ...F{i + 1} }} plain {{ ...F{i + 1} }} }}"
            for i in range(n)
        )
        + f" fragment F{n} on Item {{ name }}"
    ),
    "every operation spreads the chain": lambda n: (
        " ".join(f"query Q{i} {{ ...F0 ...F1 }}" for i in range(n))
        + " ".join(f"fragment F{i} on Query {{ name ...F{i + 1} }}" for i in range(n))
        + f" fragment F{n} on Query {{ name }}"
    ),
    "every field spreads the same": lambda n: (
        "{ " + "item { ...F ...F ...F } " * n + "} fragment F on Item { name item { name } }"
    ),
    "operations": lambda n: " ".join(f"query Q{i} {{ item {{ name }} }}" for i in range(n)),
    "fragments that nothing spreads": lambda n: (
        "{ name } " + " ".join(f"fragment F{i} on Query {{ name }}" for i in range(n))
    ),
    "cycle": lambda n: (
        "{ ...F0 } "
        + " ".join(f"fragment F{i} on Query {{ ...F{(i + 1) % n} ...F0 }}" for i in range(n))
    ),
    "inline fragments": lambda n: "{ " + "... on Query { ... { name } } " * n + "}",
    "directives": lambda n: "{ " + "name @skip(if: true) " * n + "}",
    "directives on one field": lambda n: "{ name " + "@a " * n + "}",
    "variables": lambda n: (
        "query(" + " ".join(f"$v{i}: Int @d" for i in range(n)) + ") { some(first: $v0) { name } }"
    ),
    "connections": lambda n: (
        "{ " + "page { edges { node { page { nodes { name } } } } } " * n + "}"
    ),
    "unknown": lambda n: "{ " + "what { ...No ... on No { no } } " * n + "}",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_are_linear_in_the_document(family: str) -> None:
    """No document takes more steps than it has tokens, and each repetition takes equally many."""
    make = FAMILIES[family]
    steps = {}
    for size in (10, 20, 40, 80, 160):
        document = parse(make(size))
        steps[size] = Guard(SCHEMA, OPEN).report(document).steps
        assert steps[size] <= document.token_count
    each = (steps[20] - steps[10]) / 10
    assert [steps[size] for size in steps] == [steps[10] + each * (size - 10) for size in steps]


def test_a_document_may_be_deeper_than_the_stack() -> None:
    depth = 5_000
    leaf = FieldNode(name=NameNode(value="name"))
    below = SelectionSetNode(selections=(leaf,))
    for _ in range(depth - 1):
        field = FieldNode(name=NameNode(value="item"), selection_set=below)
        below = SelectionSetNode(selections=(field,))
    operation = OperationDefinitionNode(operation=OperationType.QUERY, selection_set=below)
    found = Guard(SCHEMA, OPEN).report(DocumentNode(definitions=(operation,)))
    assert [measured.depth for _, measured in found.operations] == [depth]


# The same as counting one by one.

COMPOSITE = ("item", "node", "any", "plain", "some", "page", "seven", "unpaged", "nodes", "edges")
CONDITIONS = ("Query", "Item", "Node", "Any", "Page", "Edge", "Nothing")
ARGUMENTS = ("", "(first: 3)", "(last: 2)", "(first: 2, last: 5)", "(first: $n)", "(first: null)")
FRAGMENTS = 3


def selection_sets(fragments: range) -> st.SearchStrategy[str]:
    """Selection sets that spread those fragments alone, so that none spreads itself."""
    leaves = st.builds("{}{}".format, st.sampled_from(("", "a: ")), st.sampled_from(("name", "x")))
    spreads = [f"...F{number}" for number in fragments]

    def around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        fields = st.builds(
            "{}{}{} {{ {} }}".format,
            st.sampled_from(("", "b: ")),
            st.sampled_from(COMPOSITE),
            st.sampled_from(ARGUMENTS),
            inner,
        )
        conditions = st.sampled_from(["", *(f"on {name} " for name in CONDITIONS)])
        inline = st.builds("... {}{{ {} }}".format, conditions, inner)
        return st.lists(st.one_of(leaves, fields, inline, inner), min_size=1, max_size=3).map(
            " ".join
        )

    base = st.one_of(leaves, st.sampled_from(spreads)) if spreads else leaves
    return st.recursive(base, around, max_leaves=8)


@st.composite
def texts(draw: st.DrawFn) -> str:
    parts = ["query($n: Int) { " + draw(selection_sets(range(FRAGMENTS))) + " }"]
    for number in range(FRAGMENTS):
        selections = draw(selection_sets(range(number + 1, FRAGMENTS)))
        condition = draw(st.sampled_from(CONDITIONS))
        parts.append(f"fragment F{number} on {condition} {{ {selections} }}")
    return "\n".join(parts)


class Counted:
    """A document counted one field at a time, each fragment anew at each spread."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

    def fields(self, selection_set: SelectionSetNode, parent: Any) -> Iterator[tuple[Any, Any]]:
        """Return a selection set's fields with their parents' types, fragments written out."""
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                yield parent, selection
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
                type_ = SCHEMA.get_type(fragment.type_condition.name.value)
                yield from self.fields(fragment.selection_set, type_)
            elif isinstance(selection, InlineFragmentNode):
                type_ = parent
                if selection.type_condition is not None:
                    type_ = SCHEMA.get_type(selection.type_condition.name.value)
                yield from self.fields(selection.selection_set, type_)

    def all_fields(
        self, selection_set: SelectionSetNode, parent: Any, depth: int = 1
    ) -> Iterator[tuple[int, int, FieldNode]]:
        """Return depth, breadth and node of every field."""
        here = list(self.fields(selection_set, parent))
        for type_, node in here:
            yield depth, len(here), node
            if node.selection_set is not None:
                below = named(definition(type_, node))
                yield from self.all_fields(node.selection_set, below, depth + 1)

    def cost(self, selection_set: SelectionSetNode, parent: Any, times: int, page: int) -> int:
        """Return what is spent when a selection set runs so often, its pages being of a size."""
        spent = 0
        for type_, node in self.fields(selection_set, parent):
            spent += times
            if node.selection_set is None:
                continue
            field = definition(type_, node)
            is_list = field is not None and "[" in str(field.type)
            size, of_pages = 10, 10
            if field is not None and {"first", "last"} & set(field.args):
                size = asked_of(node, 7 if node.name.value == "seven" else 100)
                of_pages = 10 if is_list else size
            elif is_list and node.name.value in ("nodes", "edges"):
                size = page
            below = times * size if is_list else times
            spent += self.cost(node.selection_set, named(field), below, of_pages)
        return spent


def definition(type_: Any, node: FieldNode) -> GraphQLField | None:
    return getattr(type_, "fields", {}).get(node.name.value)


def named(field: GraphQLField | None) -> Any:
    return get_named_type(field.type) if field is not None else None


def asked_of(node: FieldNode, otherwise: int) -> int:
    sizes = [
        int(argument.value.value) if isinstance(argument.value, IntValueNode) else 100
        for argument in node.arguments or ()
    ]
    return max(sizes, default=otherwise)


@given(texts())
@settings(max_examples=150, deadline=None)
def test_the_measures_are_those_of_counting_one_by_one(text: str) -> None:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    counted = Counted(document)
    fields = list(counted.all_fields(operation.selection_set, SCHEMA.query_type))
    measurement = Measurement(document, SCHEMA, OPEN)
    [(_, found)] = measurement.operations
    assert found.depth == max(depth for depth, _, _ in fields)
    assert found.fields == len(fields)
    assert found.aliases == sum(node.alias is not None for _, _, node in fields)
    assert found.cost == counted.cost(operation.selection_set, SCHEMA.query_type, 1, 10)
    assert found.deepest in [node for depth, _, node in fields if depth == found.depth]
    # Fragments that nothing spreads are looked at, too.
    assert measurement.broadest[0] >= max(breadth for _, breadth, _ in fields)


@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=6, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_cycle_is_found_exactly_when_there_is_one(spreads: list[list[int]]) -> None:
    text = "{ name ...F0 } " + " ".join(
        f"fragment F{number} on Query {{ name {' '.join(f'...F{to}' for to in targets)} }}"
        for number, targets in enumerate(spreads)
    )
    try:
        TopologicalSorter(dict(enumerate(spreads))).prepare()
        messages = []
    except CycleError:
        messages = [f"Fragment 'F{number}' spreads itself" for number in range(6)]
    found = [error.message for error in report(text, replace(OPEN, breadth=10**13)).errors]
    if not messages:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(tuple(messages))
