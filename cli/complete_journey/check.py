"""The same totals from the parquet files alone, by one query each.

It shares no code, view or constant with the reader on purpose: where the two disagree, one of them
is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_QUERY = """
WITH item AS (
    SELECT basket_id, product_id, quantity,
           CAST(CAST(sales_value AS DECIMAL(12, 2)) * 100 AS INTEGER) AS cents,
           date_add(transaction_timestamp, to_hours(CAST(
               CASE WHEN transaction_timestamp < '2017-03-12 07:00' THEN -5
                    WHEN transaction_timestamp < '2017-11-05 06:00' THEN -4 ELSE -5 END AS INTEGER)
           )) AS shop_clock
    FROM '{transactions}'
    WHERE quantity BETWEEN 1 AND 99
      AND CAST(sales_value AS DECIMAL(12, 2)) > 0
      AND product_id IN (SELECT product_id FROM '{products}')
),
tally AS (
    SELECT product_id, CAST(round(cents / quantity) AS INTEGER) AS rounded, count(*) AS times
    FROM item GROUP BY product_id, rounded
),
tag AS (
    -- The most frequent price; the highest of several. Nothing costs less than one fen.
    SELECT product_id, greatest(max(rounded), 1) AS fen
    FROM tally JOIN (SELECT product_id, max(times) AS times FROM tally GROUP BY product_id)
         USING (product_id, times)
    GROUP BY product_id
),
trip AS (
    SELECT basket_id, min(shop_clock) AS clock, count(*) AS lines,
           sum(quantity) AS pieces, sum(quantity * fen) AS fen
    FROM item JOIN tag USING (product_id) GROUP BY basket_id
)
"""


@dataclass(frozen=True, slots=True)
class Takings:
    """What baskets come to at the SKUs' prices; a basket of n lines is ⌈n / 100⌉ orders."""

    baskets: int
    orders: int
    lines: int
    pieces: int
    fen: int


def takings(folder: Path, *, first: int | None = None) -> Takings:
    """Add up the baskets with lines, or the first of them in time."""
    limit = "" if first is None else f"LIMIT {int(first)}"
    row = _run(
        folder,
        "SELECT count(*), sum(ceil(lines / 100)), sum(lines), sum(pieces), sum(fen)"
        f" FROM (SELECT * FROM trip ORDER BY clock, basket_id {limit})",
    )[0]
    return Takings(*(int(value or 0) for value in row))


def prices(folder: Path) -> dict[int, int]:
    """Return the price in fen of every product that was sold, by product id."""
    return dict(_run(folder, "SELECT product_id, fen FROM tag"))


def counts(folder: Path) -> dict[str, int]:
    """Count products, stores and households in the source."""
    row = _run(
        folder,
        "SELECT (SELECT count(*) FROM '{products}'), (SELECT count(DISTINCT store_id)"
        " FROM '{transactions}'), (SELECT count(DISTINCT household_id) FROM '{transactions}')",
    )[0]
    return dict(zip(("products", "stores", "members"), row, strict=True))


def _run(folder: Path, select: str) -> list[Any]:
    import duckdb

    files = {
        table: str(folder / f"{table}.parquet").replace("'", "''")
        for table in ("transactions", "products")
    }
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        return connection.execute((_QUERY + select).format(**files)).fetchall()
