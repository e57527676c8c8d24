"""Cut a fixture of some fifty households out of the whole data set.

    python -m cli.complete_journey.make_fixture tests/fixtures/complete_journey

The households are chosen by rule, so the same files come out again: a few that show each thing an
import must cope with, then those that came about once a week. Everything they bought
comes along, with two hundred products nobody bought, and their campaigns and coupons.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from cli.complete_journey.source import data_folder

HOUSEHOLDS = 50
_CHOSEN = f"""
CREATE TABLE chosen AS
WITH trait AS (
    SELECT t.household_id, count(DISTINCT t.basket_id) AS baskets,
           bool_or(t.quantity > 99) AS has_fuel,
           bool_or(t.quantity > 0 AND p.product_id IS NULL) AS has_unknown_product
    FROM transactions t LEFT JOIN products p USING (product_id) GROUP BY ALL
),
large AS (SELECT household_id FROM transactions GROUP BY household_id, basket_id
          HAVING count(*) FILTER (WHERE quantity BETWEEN 1 AND 99 AND sales_value > 0) > 100),
redeeming AS (SELECT DISTINCT household_id FROM coupon_redemptions),
wanted AS (
    (SELECT household_id FROM trait WHERE household_id IN (FROM large) ORDER BY baskets LIMIT 2)
    UNION (SELECT household_id FROM trait WHERE has_unknown_product ORDER BY baskets LIMIT 2)
    UNION (SELECT household_id FROM trait WHERE has_fuel ORDER BY baskets LIMIT 2)
    UNION (SELECT household_id FROM trait WHERE household_id IN (FROM redeeming)
           ORDER BY baskets, household_id LIMIT 8)
)
SELECT household_id FROM wanted
UNION
(SELECT household_id FROM trait WHERE baskets >= 48 AND household_id NOT IN (FROM wanted)
 ORDER BY baskets, household_id LIMIT {HOUSEHOLDS} - (SELECT count(*) FROM wanted))
"""
_CUTS = {
    "transactions": "FROM transactions SEMI JOIN chosen USING (household_id)"
    " ORDER BY transaction_timestamp, basket_id, product_id",
    "products": "FROM products WHERE product_id IN (SELECT product_id FROM transactions"
    " SEMI JOIN chosen USING (household_id)) OR product_id IN (SELECT product_id FROM products"
    " ANTI JOIN transactions USING (product_id) ORDER BY hash(product_id), product_id LIMIT 200)"
    " ORDER BY product_id",
    "demographics": "FROM demographics SEMI JOIN chosen USING (household_id) ORDER BY household_id",
    "campaigns": "FROM campaigns SEMI JOIN chosen USING (household_id)"
    " ORDER BY campaign_id, household_id",
    "campaign_descriptions": "FROM campaign_descriptions ORDER BY campaign_id",
    "coupon_redemptions": "FROM coupon_redemptions SEMI JOIN chosen USING (household_id)"
    " ORDER BY redemption_date, household_id, coupon_upc",
    "coupons": "FROM coupons SEMI JOIN (SELECT DISTINCT coupon_upc, campaign_id"
    " FROM coupon_redemptions SEMI JOIN chosen USING (household_id))"
    " USING (coupon_upc, campaign_id) WHERE product_id IN (SELECT product_id FROM transactions"
    " SEMI JOIN chosen USING (household_id)) ORDER BY ALL",
}


def main(target: Path) -> None:
    """Write one parquet file per table, compressed."""
    source = data_folder()
    target.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        for table in _CUTS:
            connection.execute(f"CREATE VIEW {table} AS FROM '{source / table}.parquet'")
        connection.execute(_CHOSEN)
        for table, cut in _CUTS.items():
            connection.execute(
                f"COPY ({cut}) TO '{target / table}.parquet'"
                " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
