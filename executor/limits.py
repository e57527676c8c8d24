"""The most that a document may hold and ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each is a number that still passes. The defaults leave a large page room four times over."""

    characters: int = 20_000
    """Of the text, comments and blanks included. Whoever tells an error's line counts them all."""
    tokens: int = 2_000
    """Names, numbers, texts and punctuation; as many comments are let through besides."""
    operations: int = 20
    fragments: int = 60
    """Definitions of fragments."""
    directives: int = 40
    """Uses of directives, as written."""
    depth: int = 15
    """Fields below one another; fragments don't count."""
    breadth: int = 100
    """Fields of one selection set, those of its fragments included."""
    fields: int = 600
    """Fields of one operation, each as often as fragments spread it."""
    aliases: int = 50
    """Fields of one operation with an alias, each as often as fragments spread it."""
    cost: int = 10_000
    """Of one operation. A field costs 1 unless `costs.cost` tells otherwise, and what stands below
    a list counts once for each item.
    """
    page_items: int = 100
    """How many items a page has when the document doesn't tell, as in `first: $n`."""
    list_items: int = 10
    """How many items a list has that takes no `first` and of which nothing was declared."""
    comparisons: int = 20_000
    """What validation may spend on comparing fields (GraphQL, section 5.3.2), in its own units.

    About a microsecond each. The pages of a shop spend a handful; fifty fragments with the same
    four fields, 17,000.
    """
    errors: int = 10
    """Errors of validation that are told of one document; each may look through all names."""
    introspection: bool = True
    """Whether `__schema` and `__type` may be asked. They are measured apart: they may go as deep as
    the standard introspection query, cost twice as much, and have ten aliases.
    """
