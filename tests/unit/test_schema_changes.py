"""What counts as breaking a client."""

from cli.schema import breaking_changes

_BEFORE = """
type Query { product(id: ID!): Product  products(first: Int = 20): [Product!]! }
type Product { id: ID!  name: String!  label: Label }
enum Label { NEW SALE }
"""


def test_an_addition_breaks_nobody() -> None:
    after = _BEFORE.replace("name: String!", "name: String!  subtitle: String")
    assert breaking_changes(_BEFORE, after) == []


def test_removals_and_weaker_promises_break_clients() -> None:
    after = (
        _BEFORE.replace("name: String!", "name: String")
        .replace("NEW SALE", "NEW")
        .replace("(first: Int = 20)", "")
    )
    assert breaking_changes(_BEFORE, after) == [
        "Argument Query.products(first:) was removed.",
        "Enum value Label.SALE was removed.",
        "Field Product.name changed type from String! to String.",
        "Standard scalar Int was removed because it is not referenced anymore.",
    ]
