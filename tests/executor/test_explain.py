"""What is told of an operation: figures, sharing, code, and the names that the code calls."""

import ast

import pytest
from graphql import build_schema

from executor.documents import Documents
from executor.engine import Engine, UnknownOperation
from executor.explain import Explanation, WrongVariables, conditions_of, explain
from executor.hints import Policy
from executor.limits import Limits
from executor.operation import MAX_VARIANTS
from executor.plan import MAX_PLANNED_FIELDS
from tests.executor.library import SCHEMA

MODULE = "tests.executor.library"
DOCUMENTS = Documents(Engine(SCHEMA))


def explained(text: str, name: str | None = None, **conditions: bool) -> Explanation:
    document = DOCUMENTS.get(text)
    assert document.errors == ()
    return explain(document, name, conditions=conditions)


def names(text: str) -> dict[str, str]:
    """Return what is told of the names in the only variant of an operation."""
    [variant] = explained(text).variants
    return {each.name: each.meaning for each in variant.names}


def test_the_whole_text_is_python() -> None:
    told = explained("query Titles { books { title } }")
    assert str(told) == (
        "# query Titles: 8 tokens, depth 2, 2 fields, 0 aliases, cost 21\n"
        "# Public: answered from memory for 60 s at most, until a change of books\n"
        "\n"
        "# root_value    Resolve a root field, and remember what came of it.\n"
        f"# call_1        Query.books, by its resolver: {MODULE}.Query.books\n"
        "# is_awaitable  Whether a value has to be waited for, as the schema's library tells it.\n"
        "# sound_1       books[]: whether it is an object; never null.\n"
        "# check_1       books[]: whether it is of Book, by is_type_of.\n"
        "# items         Return what a list field lists; anything but a list or a tuple is "
        "graphql-core's.\n"
        "# leaf_String   String by its own coercion; never null.\n"
        "\n"
        f"{told.variants[0].code}"
    )
    ast.parse(str(told))


def test_its_figures_are_those_of_the_guard() -> None:
    told = explained(
        "query A { books { name: title authors { name } } } query B { __typename }", "A"
    )
    assert told.operation.name == "A"
    assert told.tokens == 19
    measure = told.measure
    assert (measure.depth, measure.fields, measure.aliases, measure.cost) == (3, 4, 1, 241)
    with pytest.raises(UnknownOperation):
        explained("query A { __typename } query B { __typename }", "C")


def test_its_code_is_what_runs() -> None:
    text = "query ($long: Boolean!) { books { title stars isThick @include(if: $long) } }"
    operation = DOCUMENTS.get(text).operation()
    programs = operation.prepare()
    told = explained(text)
    assert [variant.conditions for variant in told.variants] == [{"long": False}, {"long": True}]
    for variant, program in zip(told.variants, programs, strict=True):
        assert variant.code is not None
        assert ast.dump(ast.parse(variant.code)) == ast.dump(ast.parse(program.text))


def test_a_variant_is_told_with_its_conditions() -> None:
    text = "query ($a: Boolean!, $b: Boolean!) { books { title @skip(if: $a) @include(if: $b) } }"
    assert [each.conditions for each in explained(text, b=True).variants] == [
        {"a": False, "b": True},
        {"a": True, "b": True},
    ]
    [variant] = explained(text, a=True, b=False).variants
    assert str(variant).startswith("\n# With $a = true, $b = false:\n\n# root_value ")


def test_of_many_variants_the_first_are_told() -> None:
    count = 6
    declared = ", ".join(f"$v{number}: Boolean!" for number in range(count))
    asked = " ".join(f"f{number}: title @skip(if: $v{number})" for number in range(count))
    told = explained(f"query ({declared}) {{ books {{ {asked} }} }}")
    assert len(told.variants) == MAX_VARIANTS
    left = 2**count - MAX_VARIANTS
    assert told.variants_left == left
    assert str(told).endswith(f"\n# There are {left} more ways of @skip and @include.\n")
    assert (
        explained(f"query ({declared}) {{ books {{ {asked} }} }}", v0=True, v1=True).variants_left
        == 0
    )


def test_each_way_to_read_a_field_is_told() -> None:
    told = names("{ book(id: 1) { pages isThick stars authors { initial } } }")
    assert {name: told[name] for name in told if name[-1].isdigit()} == {
        "call_1": f"Query.book, by its resolver: {MODULE}.Query.book",
        "sound_1": "book: whether it is an object; null is allowed.",
        "check_1": "book: whether it is of Book, by is_type_of.",
        "convert_2": "Book.pages, out of its row by int",
        "read_3": f"Book.isThick, of its parent alone: {MODULE}.Book.is_thick",
        "call_4": f"Book.stars, by its resolver: {MODULE}.Book.stars",
        "batch_5": f"Book.authors, for a whole level at once: {MODULE}.Book.authors",
        "sound_2": "book.authors[]: whether it is an object; never null.",
        "read_6": f"Author.initial, of its parent alone: {MODULE}.Author.initial",
    }


def test_values_of_an_interface_are_told_by_their_types() -> None:
    told = names("{ titled { title ... on Magazine { issue } } }")
    assert told["type_name_1"] == "titled[]: which Titled it is."
    assert told["check_1"] == "titled[]: whether it is of Book, by is_type_of."
    assert told["check_2"] == "titled[]: whether it is of Magazine, by is_type_of."
    assert told["Fallback"] == (
        "Compiled code has met what only graphql-core can answer; `value` is what it met."
    )


def test_a_plain_schema_has_resolvers_of_its_own() -> None:
    def resolve_name(source: object, info: object) -> str:
        return "Ann"

    schema = build_schema("type Query { name: String age: Int }")
    assert schema.query_type is not None
    schema.query_type.fields["name"].resolve = resolve_name
    [variant] = explain(Documents(Engine(schema)).get("{ name age }")).variants
    told = {each.name: each.meaning for each in variant.names}
    origin = f"{__name__}.{resolve_name.__qualname__}"
    assert told["call_1"] == f"Query.name, by its resolver: {origin}"
    assert told["call_2"] == "Query.age, by its resolver: the default one"


@pytest.mark.parametrize(
    ("text", "obstacle"),
    [
        ("{ __schema { queryType { name } } }", "Introspection."),
        ("subscription { a }", "A subscription."),
        ("query @later { a }", "Directives on the operation."),
    ],
)
def test_why_an_operation_is_not_compiled(text: str, obstacle: str) -> None:
    sdl = "directive @later on QUERY type Query { a: String } type Subscription { a: String }"
    told = explain(Documents(Engine(build_schema(sdl))).get(text))
    [variant] = told.variants
    assert (variant.code, variant.obstacle, variant.names) == (None, obstacle, ())
    assert str(told).endswith(f"# Not compiled, graphql-core runs it: {obstacle}\n")


def test_an_operation_is_told_to_be_compiled_exactly_when_it_is() -> None:
    texts = [
        "{ books { title } }",
        "{ __typename }",
        "mutation { lend(id: 1) { title } }",
        "subscription { returned }",
        '{ __type(name: "Book") { name } }',
        "query ($a: Boolean!) { books { title } ... @include(if: $a) { __schema { __typename } } }",
    ]
    for compiles in (True, False):
        documents = Documents(Engine(SCHEMA, compiles=compiles))
        for text in texts:
            document = documents.get(text)
            told = [variant.code is not None for variant in explain(document).variants]
            assert sum(told) == len(document.operation().prepare())
            assert any(told) <= compiles


def test_how_answers_are_shared() -> None:
    told = explained("{ books { title authors { name } } }")
    assert (told.policy, told.private) == (Policy(60, ("authors", "books")), None)
    told = explained("{ books { title stars } }")
    assert (told.policy, told.private) == (None, "Book.stars doesn't say that it is public.")
    assert "\n# Not public: Book.stars doesn't say that it is public.\n" in str(told)


def test_variables_turn_out_conditions() -> None:
    text = """query ($a: Boolean!, $b: Boolean = true, $id: ID!) {
      book(id: $id) { title @skip(if: $a) pages @include(if: $b) }
    }"""
    operation = DOCUMENTS.get(text).operation()
    assert conditions_of(operation, {"a": False, "id": 1}) == {"a": False, "b": True}
    assert conditions_of(operation, {"a": True, "b": False, "id": "1", "c": 1}) == {
        "a": True,
        "b": False,
    }
    with pytest.raises(WrongVariables) as caught:
        conditions_of(operation, {"a": "x"})
    assert str(caught.value) == (
        "Variable '$a' has invalid value: Boolean cannot represent a non boolean value: 'x' "
        "Variable '$id' has invalid value: Expected a value of non-null type 'ID!' to be provided."
    )


def test_the_length_of_the_code_is_bounded() -> None:
    chain = " ".join(
        f"fragment F{level} on Author {{ a{level}: name ...F{level + 1} }}" for level in range(9)
    )
    wide = " ".join(f"b{number}: books {{ authors {{ ...F0 }} title }}" for number in range(500))
    text = f"{{ {wide} }} {chain} fragment F9 on Author {{ name }}"
    limits = Limits(
        characters=10**6, tokens=10**5, breadth=10**4, aliases=10**5, fields=10**5, cost=10**9
    )
    document = Documents(Engine(SCHEMA), limits).get(text)
    assert document.errors == ()
    [variant] = explain(document).variants
    assert variant.obstacle == f"More than {MAX_PLANNED_FIELDS} fields."
