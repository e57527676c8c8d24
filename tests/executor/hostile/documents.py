"""Hostile documents: they are asked for alike over HTTP and WebSocket."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from graphql import get_introspection_query

from tests.executor.hostile.kinds import Kind, asked

KINDS: list[Kind] = []
_NUMBERS = itertools.count()
TYPENAME = '{"__typename":"Query"}'


def _document(name: str, text: str, told: str, *, status: int = 400, **members: Any) -> None:
    """Add a document that is refused; with status 200, one that is answered.

    A comment makes it new to the server each time, so that it is read and validated anew.
    """

    def body() -> bytes:
        return orjson.dumps({"query": f"{text} #{next(_NUMBERS):08}", **members})

    KINDS.extend(asked(name, body, (status, told)))


def _answered(name: str, text: str, told: str = TYPENAME, **members: Any) -> None:
    _document(name, text, told, status=200, **members)


def _nested(opening: str, inner: str, closing: str, times: int) -> str:
    return opening * times + inner + closing * times


# Depth, breadth, aliases.
_document(
    "deep",
    _nested("{ me ", "{ id }", "}", 100),
    "The document is 101 fields deep; the limit is 15.",
)
_document(
    "deep beyond the parser's stack",
    _nested("{ a", "", "}", 4_900),
    "Syntax Error: Document is nested too deeply. Parsing aborted.",
)
_document(
    "deep inline fragments",
    "{" + _nested("... { ", "__typename", "}", 400) + "}",
    "Syntax Error: Document is nested too deeply. Parsing aborted.",
)
_document(
    "wide",
    "{" + " ".join(f"a{n}" for n in range(150)) + "}",
    "The document has a selection set of 150 fields; the limit is 100.",
)
_document(
    "the same field 900 times",
    "{" + "__typename " * 900 + "}",
    "The document has a selection set of 900 fields; the limit is 100.",
)
_document(
    "aliased",
    "{" + " ".join(f"a{n}: __typename" for n in range(60)) + "}",
    "The document has 60 aliases; the limit is 50.",
)
_document(
    "aliased products",
    "{"
    + " ".join(
        f'a{n}: products(first: 100, filter: {{keyword: "zzz"}}) {{ nodes {{ id }} }}'
        for n in range(50)
    )
    + "}",
    '{"a0":{"nodes":[]},"a1":{"nodes":[]},"a2":{"nodes":[]},"a3":…',
    status=200,
)
_document(
    "lists of lists",
    "{"
    + "".join(
        f"a{n}: products(first: 100) {{ nodes {{ skus {{ options {{ name value }} }} }} }}"
        for n in range(8)
    )
    + "}",
    "The document costs 168,816; the limit is 50,000.",
)
_document(
    "a page of a million",
    "{ products(first: 1000000) { nodes { id } } }",
    "The document costs 1,000,002; the limit is 50,000.",
)
_document(
    "a page of less than nothing",
    "{ products(first: -1) { nodes { id } } }",
    "first: 1 to 100 is expected, not -1.",
    status=200,
)

# Fragments.
CHAIN = 40
_document(
    "a chain of fragments that spread twice",
    "{ ...F0 }"
    + "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(CHAIN))
    + f"fragment F{CHAIN} on Query {{ __typename }}",
    "The document has a selection set of 1,000,000,000,000 or more fields; the limit is 100.",
)
_document(
    "a chain that spreads twice through fields",
    "{ ...F0 }"
    "fragment F0 on Query { me { ...F1 a: id ...F1 } }"
    + "".join(f"fragment F{n} on Member {{ ...F{n + 1} ...F{n + 1} }}" for n in range(1, CHAIN))
    + f"fragment F{CHAIN} on Member {{ id }}",
    "The document has a selection set of 1,000,000,000,000 or more fields; the limit is 100.",
)
_document(
    "a fragment of itself", "{ ...F } fragment F on Query { ...F }", "Fragment 'F' spreads itself."
)
_document(
    "a cycle of fifty fragments",
    "{ ...F0 }" + "".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 50} }}" for n in range(50)),
    "Fragment 'F0' spreads itself via 'F1', 'F2', 'F3', 'F4', 'F5…",
)
_document(
    "unused fragments",
    "{ __typename }" + "".join(f"fragment F{n} on Query {{ __typename }}" for n in range(60)),
    "Fragment 'F0' is never used.",
)
_document(
    "four hundred fragments",
    "{ __typename }" + "".join(f"fragment F{n} on Query{{a}}" for n in range(400)),
    "Syntax Error: Document contains more than 2000 tokens. Parsing aborted.",
)
_document("fragments that aren't there", "{" + "...F " * 90 + "}", "Unknown fragment 'F'.")
_document(
    "fragments on what can't be",
    "{ __typename " + "... on Sku { id } " * 90 + "}",
    "Fragment cannot be spread here as objects of type 'Query' can never be of type 'Sku'.",
)
_document(
    "fragments of one name",
    "{ ...F }" + "fragment F on Query { __typename } " * 50,
    "There can be only one fragment named 'F'.",
)

# Directives.
_document(
    "directives by the hundred",
    "{ __typename " + "@skip(if: false) " * 250 + "}",
    "The document has 250 directives; the limit is 40.",
)
_document(
    "unknown directives",
    "{ __typename " + " ".join(f"@d{n}" for n in range(40)) + "}",
    "Unknown directive '@d0'.",
)
_document(
    "directives on everything",
    "query @a { __typename @b ... @c { __typename } ...F @d } fragment F on Query @e { me { id } }",
    "Unknown directive '@a'.",
)
_document("@defer", "{ ... @defer { __typename } }", "Unknown directive '@defer'.")

# Operations.
_document(
    "many operations",
    " ".join(f"query Q{n} {{ __typename }}" for n in range(30)),
    "The document has 30 operations; the limit is 20.",
)
_document(
    "operations without a name chosen",
    "query A { __typename } query B { __typename }",
    "Must provide operation name if query contains multiple operations.",
)
_document(
    "an operation that isn't there",
    "query A { __typename }",
    "Unknown operation named 'B'.",
    operationName="B",
)
_document(
    "an operation's name of a hundred kilobytes",
    "{ __typename }",
    "Unknown operation named 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA…",
    operationName="A" * 100_000,
)
_document(
    "operations of one name",
    "query A { __typename } query A { __typename }",
    "There can be only one operation named 'A'.",
)
_document(
    "an anonymous operation among others",
    "{ __typename } query A { __typename }",
    "This anonymous operation must be the only defined operation.",
)
_document("no operation", "fragment F on Query { __typename }", "Fragment 'F' is never used.")
_document(
    "a type instead of an operation",
    "type Query { id: ID }",
    "The 'Query' definition is not executable.",
)
_document(
    "a subscription to nothing that there is",
    "subscription { x }",
    "Cannot query field 'x' on type 'Subscription'.",
)
_document(
    "a subscription to two things",
    'subscription { a: orderChanged(orderId: "1") { id } b: orderChanged(orderId: "2") { id } }',
    "Anonymous Subscription must select only one top level field.",
)
_document(
    "a subscription to the schema",
    "subscription { __schema { queryType { name } } }",
    "Anonymous Subscription must not select an introspection top level field.",
)

# Validation's worst cases.
_document(
    "fields that overlap, each with each",
    "{" + "".join("me { orders { nodes { id } } }" for _ in range(90)) + "}",
    "The document takes too much work to validate.",
)
_document(
    "fragments that overlap, each with each",
    "{"
    + "".join(f"...F{n} " for n in range(50))
    + "}"
    + "".join(
        f"fragment F{n} on Query {{ me {{ orders {{ nodes {{ id }} }} }} }}" for n in range(50)
    ),
    '{"me":null}',
    status=200,
)
_document(
    "fields that differ under one name",
    "{" + " ".join(f"x: product(id: {n}) {{ id }}" for n in range(45)) + "}",
    "Fields 'x' conflict because they have differing arguments. U…",
)
_document(
    "unknown fields",
    "{" + " ".join(f"productz{n}" for n in range(95)) + "}",
    "Cannot query field 'productz0' on type 'Query'. Did you mean 'product' or 'products'?",
)
_document(
    "a misspelt field of two thousand letters",
    "{ " + "prodcuts" * 250 + " }",
    "Cannot query field 'prodcutsprodcutsprodcutsprodcutsprodcuts…",
)
_document(
    "unknown arguments",
    "{ products(" + " ".join(f"a{n}: 1" for n in range(400)) + ") { nodes { id } } }",
    "Unknown argument 'a0' on field 'Query.products'.",
)
_document(
    "one argument many times",
    "{ products(" + "first: 1 " * 400 + ") { nodes { id } } }",
    "There can be only one argument named 'first'.",
)
_document(
    "four hundred and fifty variables",
    "query (" + " ".join(f"$v{n}: Int" for n in range(450)) + ") { __typename }",
    "Variable '$v0' is never used.",
)
_document(
    "variables that aren't declared",
    "{ products(first: $a, after: $b) { nodes { id } } }",
    "Variable '$a' is not defined.",
)
_document(
    "a list type of a hundred levels",
    "query ($v: " + _nested("[", "Int", "]", 100) + ") { products(first: $v) { nodes { id } } }",
    "Variable '$v' of type '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…",
)

# Literals.
_document(
    "a number of ten thousand digits",
    "{ products(first: " + "9" * 10_000 + ") { nodes { id } } }",
    "The document costs 10,000,000,002; the limit is 50,000.",
)
_document(
    "a fraction of ten thousand digits",
    "{ products(first: 1." + "9" * 10_000 + ") { nodes { id } } }",
    "Int cannot represent non-integer value: 1.999999999999999999…",
)
_document(
    "an exponent of a thousand digits",
    "{ products(first: 1e" + "9" * 1_000 + ") { nodes { id } } }",
    "Int cannot represent non-integer value: 1e999999999999999999…",
)
_document(
    "a number of ten thousand digits as an id",
    "{ product(id: " + "9" * 10_000 + ") { id } }",
    '{"product":null}',
    status=200,
)
_document(
    "a money of ten thousand digits",
    "{ products(filter: {minPrice: " + "9" * 10_000 + "}) { nodes { id } } }",
    "Money is an integer of fen between ±(2^53 − 1), not nan.",
)
_document(
    "a text of fifteen kilobytes",
    '{ searchSuggestions(text: "' + "x" * 15_000 + '") }',
    "text: at most 64 characters are expected.",
    status=200,
)
_document(
    "a text of two hundred kilobytes",
    '{ product(id: "' + "x" * 200_000 + '") { id } }',
    "The document has 200,036 characters; the limit is 20,000.",
)
_document(
    "a block text with blank lines",
    '{ product(id: """' + " \n" * 7_000 + '""") { id } }',
    '{"product":null}',
    status=200,
)
_document(
    "a block text that never ends",
    '{ product(id: """' + "x\n" * 7_000 + "}",
    "Syntax Error: Unterminated string.",
)
_document(
    "escapes by the thousand",
    '{ product(id: "' + "\\u0041" * 2_500 + '") { id } }',
    '{"product":null}',
    status=200,
)
_document(
    "a list of fifteen hundred literals",
    "{ products(filter: [" + "1 " * 1_500 + "]) { nodes { id } } }",
    "Expected value of type 'ProductFilter' to be an object, foun…",
)
_document(
    "a list literal of two hundred levels",
    "{ products(filter: " + _nested("[", "1", "]", 200) + ") { nodes { id } } }",
    "Syntax Error: Document is nested too deeply. Parsing aborted.",
)
_document(
    "an object literal of two hundred levels",
    "{ products(filter: " + _nested("{a: ", "1", "}", 200) + ") { nodes { id } } }",
    "Syntax Error: Document is nested too deeply. Parsing aborted.",
)
_document(
    "one field of an object many times",
    "{ products(filter: {" + "inStock: true " * 400 + "}) { nodes { id } } }",
    "There can be only one input field named 'inStock'.",
)
_document(
    "an enum that isn't one",
    "{ products(sort: CHAOS) { nodes { id } } }",
    "Value 'CHAOS' does not exist in 'ProductSort' enum.",
)
_document(
    "an enum as a text",
    '{ products(sort: "SALES") { nodes { id } } }',
    "Enum 'ProductSort' cannot represent non-enum value: \"SALES\".",
)
_document(
    "null where none may be",
    "{ product(id: null) { id } }",
    "Expected value of non-null type 'ID!' not to be None.",
)

# Texts that aren't.
_document("NUL between tokens", "{ __typename \0 }", "Syntax Error: Unexpected character: U+0000.")
_document("NUL in a text", '{ product(id: "\0") { id } }', '{"product":null}', status=200)
_document(
    "an escaped NUL in a text", '{ product(id: "\\u0000") { id } }', '{"product":null}', status=200
)
_document(
    "half a surrogate pair in a text",
    '{ product(id: "\\uD800") { id } }',
    "Syntax Error: Invalid Unicode escape sequence: '\\uD800'.",
)
_document(
    "an escape beyond Unicode",
    '{ product(id: "\\u{110000}") { id } }',
    "Syntax Error: Invalid Unicode escape sequence: '\\u{110000}'.",
)
_document(
    "letters that look like others", "{ __typenаme }", "Syntax Error: Unexpected character: U+0430."
)
_document(
    "text that runs backwards",
    "{ \u202e__typename }",
    "Syntax Error: Unexpected character: U+202E.",
)
_document(
    "ten kilobytes of garbage", "\x7f\x1b[2J" * 2_500, "Syntax Error: Unexpected character: U+007F."
)
_document("no document", " \n\t,," * 3_000, "Syntax Error: Unexpected <EOF>.")
_document(
    "fifty thousand comments",
    "{ __typename }" + "#\n" * 50_000,
    "The document has 100,024 characters; the limit is 20,000.",
)
_document(
    "five thousand comments",
    "{ __typename }" + "#\n" * 5_000,
    "Syntax Error: Document contains more than 2000 comments. Parsing aborted.",
)
_answered("commas and blanks", "{" + " ,\n\ufeff" * 4_500 + "__typename }")
_answered("a comment of nineteen kilobytes", "{ __typename } #" + "x" * 19_000)

# Introspection.
_answered(
    "as much introspection as may be",
    "{"
    + "".join(
        f"a{n}: __schema {{ types {{ fields {{ description type {{ name description }} }} }} }}"
        for n in range(10)
    )
    + "}",
    '{"a0":{"types":[{"fields":[…',
)
_answered("the standard introspection", get_introspection_query(), '{"__schema":{…')
_document(
    "introspection that goes in circles",
    "{ __schema { types { " + _nested("fields { type { ", "name", "} }", 8) + "} } }",
    "The document is 19 fields deep; the limit is 15.",
)
_document(
    "introspection, aliased",
    "{"
    + "".join(f"a{n}: __schema {{ types {{ fields {{ type {{ name }} }} }} }}" for n in range(30))
    + "}",
    "The document has 30 aliases; the limit is 10.",
)
_document(
    "types of types",
    '{ __type(name: "Query") { ' + _nested("ofType { ", "name", "}", 40) + "} }",
    "The document is 42 fields deep; the limit is 15.",
)
