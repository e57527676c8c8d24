"""The Complete Journey read into plain values, by batches and under the import's rules.

1 USD counts as 1 yuan. The price of a SKU is its most frequent price per piece in fen, where the
price per piece of a line is `sales_value / quantity`, what the shop took, rounded half up and at
least 1 fen; of equally frequent ones the highest. docs/data.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.complete_journey import naming
from cli.complete_journey.records import (
    MAX_LINE_QUANTITY,
    MAX_ORDER_LINES,
    Basket,
    BasketLine,
    Category,
    Demographics,
    Household,
    LeftOutReason,
    Product,
    Store,
    Summary,
)
from cli.complete_journey.source import connect, data_folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The source writes New York's time as UTC. The shop's clock is what a day, a campaign and an
# evening are told by, so a basket keeps its clock time and is placed where Shanghai's clocks show
# it. New York was four hours behind UTC between the two switches of 2017, five hours otherwise.
_LINES = f"""
CREATE TABLE line AS
SELECT t.basket_id, t.household_id, t.store_id, t.product_id, t.quantity,
       CAST(round(t.sales_value * 100) AS BIGINT) AS sales_fen,
       t.transaction_timestamp
         - CASE WHEN t.transaction_timestamp >= TIMESTAMP '2017-03-12 07:00:00'
                 AND t.transaction_timestamp < TIMESTAMP '2017-11-05 06:00:00'
                THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END
         - INTERVAL 8 HOUR AS bought_at,
       CASE WHEN t.quantity < 1 THEN '{LeftOutReason.QUANTITY_ZERO.name}'
            WHEN t.quantity > {MAX_LINE_QUANTITY} THEN '{LeftOutReason.QUANTITY_OVER_99.name}'
            WHEN coalesce(round(t.sales_value * 100), 0) < 1
            THEN '{LeftOutReason.WITHOUT_VALUE.name}'
            WHEN p.product_id IS NULL THEN '{LeftOutReason.UNKNOWN_PRODUCT.name}'
       END AS left_out
FROM transactions t LEFT JOIN products p ON p.product_id = t.product_id
"""
_PRICES = """
CREATE TABLE price AS
SELECT product_id, price_fen, sum(lines) OVER (PARTITION BY product_id) AS receipts
FROM (SELECT product_id,
             greatest(1, (2 * sales_fen + quantity) // (2 * quantity)) AS price_fen,
             count(*) AS lines
      FROM line WHERE left_out IS NULL GROUP BY ALL)
QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY lines DESC, price_fen DESC) = 1
"""
_PRODUCTS = """
WITH known AS (
    SELECT p.*, price.price_fen,
           row_number() OVER (ORDER BY coalesce(price.receipts, 0) DESC, product_id) AS rank
    FROM products p LEFT JOIN price USING (product_id)
),
of_type AS (SELECT department, product_category, product_type,
                   quantile_disc(price_fen, 0.5) AS fen FROM known GROUP BY ALL),
of_category AS (SELECT department, product_category,
                       quantile_disc(price_fen, 0.5) AS fen FROM known GROUP BY ALL),
of_department AS (SELECT department, quantile_disc(price_fen, 0.5) AS fen FROM known GROUP BY ALL),
of_all AS (SELECT quantile_disc(price_fen, 0.5) AS fen FROM known)
SELECT k.product_id, k.manufacturer_id, k.department, k.brand, k.product_category, k.product_type,
       k.package_size, k.price_fen IS NOT NULL AS is_sold,
       coalesce(k.price_fen, t.fen, c.fen, d.fen, a.fen, 1) AS price_fen, k.rank
FROM known k
LEFT JOIN of_type t ON t.department = k.department
     AND t.product_category = k.product_category AND t.product_type = k.product_type
LEFT JOIN of_category c
     ON c.department = k.department AND c.product_category = k.product_category
LEFT JOIN of_department d ON d.department = k.department
CROSS JOIN of_all a
ORDER BY k.product_id
"""
_BASKETS = """
SELECT l.basket_id, any_value(l.household_id), any_value(l.store_id), any_value(l.bought_at),
       list(l.product_id ORDER BY l.product_id), list(l.quantity ORDER BY l.product_id),
       list(price.price_fen ORDER BY l.product_id)
FROM line l JOIN price USING (product_id)
WHERE l.left_out IS NULL
GROUP BY l.basket_id
ORDER BY any_value(l.bought_at), l.basket_id
"""
_HOUSEHOLDS = """
SELECT h.household_id, h.first_at, h.baskets, d.household_id IS NOT NULL, d.age, d.income,
       d.home_ownership, d.marital_status, d.household_size, d.household_comp, d.kids_count
FROM (SELECT household_id, min(bought_at) AS first_at, count(DISTINCT basket_id) AS baskets
      FROM line GROUP BY household_id) h
LEFT JOIN demographics d USING (household_id)
ORDER BY h.household_id
"""


class CompleteJourney:
    """The opened data set. Every method may be called again, and starts anew each time."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(_LINES)
        connection.execute(_PRICES)

    def categories(self) -> list[Category]:
        """Return the category tree, parents before their children."""
        found: dict[str, Category] = {}
        for department, category, kind in self._rows(
            "SELECT DISTINCT department, product_category, product_type FROM products ORDER BY ALL"
        ):
            for node in _branch(department, category, kind):
                found.setdefault(node.id, node)
        return list(found.values())

    def products(self, *, batch: int = 2000) -> Iterator[list[Product]]:
        """Yield all products in order of id, those never bought with an estimated price."""
        for rows in self._batches(_PRODUCTS, batch):
            yield [_product(row) for row in rows]

    def stores(self) -> list[Store]:
        """Return the shops in order of id."""
        rows = self._rows("SELECT DISTINCT store_id FROM transactions ORDER BY store_id")
        return [Store(id=store_id) for (store_id,) in rows]

    def households(self) -> list[Household]:
        """Return the households in order of id."""
        return [_household(row) for row in self._rows(_HOUSEHOLDS)]

    def baskets(self, *, first: int | None = None, batch: int = 1000) -> Iterator[list[Basket]]:
        """Yield the baskets that have lines, in time order, split to orders of 100 lines.

        `first` bounds the baskets of the source; the parts of one are never torn apart.
        """
        limit = "" if first is None else f" LIMIT {int(first)}"
        for rows in self._batches(_BASKETS + limit, batch):
            yield [part for row in rows for part in _parts(row)]

    def span(self) -> tuple[datetime, datetime]:
        """Return when the first and the last basket with lines were bought."""
        sql = "SELECT min(bought_at), max(bought_at) FROM line WHERE left_out IS NULL"
        first, last = self._rows(sql)[0]
        return _utc(first), _utc(last)

    def summary(self) -> Summary:
        """Count what is there, what comes in, and what is left out and why."""
        left_out = dict(
            self._rows("SELECT left_out, count(*) FROM line WHERE left_out IS NOT NULL GROUP BY 1")
        )
        totals = self._rows(
            "SELECT count(*), count(*) FILTER (WHERE left_out IS NULL),"
            " count(DISTINCT basket_id), count(DISTINCT store_id), count(DISTINCT household_id)"
            " FROM line"
        )[0]
        sizes = self._rows(
            "SELECT count(*), count(*) FILTER (WHERE lines > ?)"
            " FROM (SELECT count(*) AS lines FROM line WHERE left_out IS NULL GROUP BY basket_id)",
            MAX_ORDER_LINES,
        )[0]
        products = self._rows("SELECT count(*) FROM products")[0][0]
        sold = self._rows("SELECT count(*) FROM price")[0][0]
        return Summary(
            products=products,
            products_sold=sold,
            stores=totals[3],
            households=totals[4],
            baskets=totals[2],
            baskets_with_lines=sizes[0],
            baskets_split=sizes[1],
            lines=totals[0],
            lines_in=totals[1],
            left_out={reason: left_out.get(reason.name, 0) for reason in LeftOutReason},
        )

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, values).fetchall()

    def _batches(self, sql: str, size: int) -> Iterator[list[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(size):
                yield rows


@contextmanager
def open_complete_journey(data: Path | None = None) -> Iterator[CompleteJourney]:
    """Open the data set of a folder, or of the installed package; else DataSetMissing."""
    connection = connect(data_folder(data))
    try:
        yield CompleteJourney(connection)
    finally:
        connection.close()


def _branch(department: str, category: str | None, kind: str | None) -> list[Category]:
    """Return the nodes from the department down; a level that the source leaves open is skipped."""
    nodes = [Category(id=department, parent_id=None, name=naming.chinese(department))]
    if category:
        nodes.append(_child(nodes[-1], category, naming.chinese(category)))
    if kind:
        nodes.append(_child(nodes[-1], kind, naming.tidy(kind)))
    return nodes


def _child(parent: Category, words: str, name: str) -> Category:
    return Category(id=f"{parent.id}|{words}", parent_id=parent.id, name=name)


def _product(row: Any) -> Product:
    number, manufacturer, department, brand, category, kind, size, is_sold, price_fen, rank = row
    brand_name = naming.BRANDS.get(brand, brand)
    words = [naming.chinese(level) for level in (department, category) if level]
    return Product(
        id=number,
        name=naming.product_name(kind=kind, category=category, size=size, number=number),
        subtitle=" · ".join(filter(None, [brand_name, size])),
        keywords=" ".join([*words, brand_name]),
        category_ids=tuple(node.id for node in _branch(department, category, kind)),
        brand=brand_name,
        manufacturer_id=manufacturer,
        package_size=size,
        weight_grams=naming.weight_grams(size),
        price_fen=price_fen,
        is_sold=is_sold,
        rank=rank,
    )


def _household(row: Any) -> Household:
    number, first_at, baskets, has_answered, *answers = row
    return Household(
        id=number,
        first_basket_at=_utc(first_at),
        baskets=baskets,
        demographics=Demographics(*answers) if has_answered else None,
    )


def _parts(row: Any) -> Iterator[Basket]:
    number, household, store, at, products, quantities, prices = row
    lines = tuple(map(BasketLine, products, quantities, prices))
    for part, start in enumerate(range(0, len(lines), MAX_ORDER_LINES), 1):
        yield Basket(
            id=number,
            part=part,
            household_id=household,
            store_id=store,
            at=_utc(at),
            lines=lines[start : start + MAX_ORDER_LINES],
        )


def _utc(written: datetime) -> datetime:
    return written.replace(tzinfo=UTC)
