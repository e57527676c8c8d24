"""Searching by what people type: any word of Chinese from one character on, and suggestions.

A keyword is split at spaces and finds products whose name, subtitle and keywords hold all its
words, in any order and case; full-width letters count as plain ones. PostgreSQL reads the pairs of
neighbouring characters from an index, then each word is compared as it stands, so that `50%` is
found as `50%`. A keyword that is nothing but punctuation finds nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from models import database

MAX_KEYWORD_LENGTH = 64
"""Characters: longer than any product's name that a person would type."""
_CANDIDATES = 200
"""How many best sellers that hold the text are looked at for suggestions."""


class KeywordTooLong(ValueError):
    """A keyword has more characters than anybody types."""

    def __init__(self) -> None:
        super().__init__(f"at most {MAX_KEYWORD_LENGTH} characters are expected.")


@dataclass(frozen=True, slots=True)
class Keyword:
    """What is searched for: the words joined by spaces, and a LIKE pattern for each."""

    text: str
    patterns: tuple[str, ...]


def read_keyword(typed: str) -> Keyword | None:
    """Read what a person typed; None when that is nothing but space.

    Raises:
        KeywordTooLong: beyond `MAX_KEYWORD_LENGTH`.
    """
    text = plain_text(typed)
    if not text:
        return None
    return Keyword(text, tuple(f"%{escape_like(word)}%" for word in text.split(" ")))


def plain_text(typed: str) -> str:
    """Return the text as the search keeps it: NFKC, small letters, single spaces.

    Raises:
        KeywordTooLong: beyond `MAX_KEYWORD_LENGTH`.
    """
    if len(typed) > MAX_KEYWORD_LENGTH:
        raise KeywordTooLong
    return plain(typed)


def plain(text: str) -> str:
    """Return any text as `plain_text` does, whatever its length."""
    normal = unicodedata.normalize("NFKC", text).replace("\x00", " ").lower()
    return " ".join(normal.split())


def escape_like(text: str) -> str:
    """Return the text with LIKE's own characters taken as they are."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def suggest(typed: str, hot_searches: Iterable[str], *, first: int) -> list[str]:
    """Return what the typed text may become: hot searches, categories, names of best sellers.

    What begins with the text comes before what holds it; without a text, the hot searches. The
    product names come from the 200 best sellers that hold the text.

    Raises:
        KeywordTooLong: beyond `MAX_KEYWORD_LENGTH`.
    """
    text = plain_text(typed)
    hot = [word for word in hot_searches if text in plain(word)]
    if not text:
        return hot[:first]
    rows = await database.fetch_planned(
        """
        (
            SELECT name FROM category
            WHERE lower(normalize(name, NFKC)) LIKE $2
            GROUP BY name
            ORDER BY lower(normalize(name, NFKC)) LIKE $3 DESC, name
            LIMIT $4
        )
        UNION ALL
        (
            SELECT name FROM (
                SELECT product.name, product_text.name AS plain, product.sold
                FROM product JOIN product_text ON product_text.id = product.id
                WHERE product.status = 'ON_SALE'
                  AND search_grams($1) <> '{}'
                  AND ngrams(product_text.text) @> search_grams($1)
                  AND product_text.name LIKE $2
                ORDER BY product.sold DESC, product.id DESC
                LIMIT $5
            ) AS best_seller
            GROUP BY name, plain
            ORDER BY plain LIKE $3 DESC, max(sold) DESC, name
            LIMIT $4
        )
        """,
        text,
        f"%{escape_like(text)}%",
        f"{escape_like(text)}%",
        first,
        _CANDIDATES,
    )
    found = dict.fromkeys([*hot, *(row["name"] for row in rows)])
    # The sort is stable: among those that begin with the text, the order is as found.
    return sorted(found, key=lambda name: not plain(name).startswith(text))[:first]
