"""The months' figures by one query over the parquet files alone.

It shares nothing with the reader, the services or the rules' documents on purpose: the shipped
rules stand here a second time, in SQL. Where the two disagree, one of them is wrong.
"""

from __future__ import annotations

from pathlib import Path

from cli.complete_journey.report import FIGURES, Month

# A term lasts until 00:00 after the same day a year later. All terms of 2017 are reviewed in 2018,
# after the last purchase: what counts is the growth that came after the credit that reached the
# tier. A second review, a year later, finds none.
_QUERY = """
WITH line AS (
    SELECT basket_id, household_id, product_id, quantity,
           CAST(CAST(sales_value AS DECIMAL(12, 2)) * 100 AS INTEGER) AS cents,
           date_add(transaction_timestamp, to_hours(CAST(
               CASE WHEN transaction_timestamp < '2017-03-12 07:00' THEN -5
                    WHEN transaction_timestamp < '2017-11-05 06:00' THEN -4 ELSE -5 END AS INTEGER)
           )) AS clock
    FROM '{transactions}'
), item AS (
    SELECT * FROM line
    WHERE quantity BETWEEN 1 AND 99 AND cents > 0
      AND product_id IN (SELECT product_id FROM '{products}')
), tally AS (
    SELECT product_id, CAST(round(cents / quantity) AS INTEGER) AS rounded, count(*) AS times
    FROM item GROUP BY product_id, rounded
), tag AS (
    SELECT product_id, greatest(max(rounded), 1) AS fen
    FROM tally JOIN (SELECT product_id, max(times) AS times FROM tally GROUP BY product_id)
         USING (product_id, times)
    GROUP BY product_id
), numbered AS (
    SELECT item.*, quantity * fen AS fen,
           (row_number() OVER (PARTITION BY basket_id ORDER BY product_id) - 1) // 100 AS part
    FROM item JOIN tag USING (product_id)
), purchase AS (
    SELECT basket_id, part, household_id, clock, CAST(sum(fen) AS BIGINT) AS fen,
           CAST(sum(fen) AS BIGINT) * 10 // 100 AS growth
    FROM numbered GROUP BY ALL
), ordered AS (
    SELECT *, coalesce(sum(growth) OVER (
                  PARTITION BY household_id ORDER BY clock, basket_id, part
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM purchase
), earned AS (
    SELECT *, before + growth AS after,
           CASE WHEN before >= 6000 THEN 2 WHEN before >= 3000 THEN 1 ELSE 0 END AS level_before,
           CASE WHEN before + growth >= 6000 THEN 2
                WHEN before + growth >= 3000 THEN 1 ELSE 0 END AS level_after,
           fen * (ARRAY[100, 120, 150])[level_before + 1] // 10000 AS points,
           CASE WHEN before < 3000 AND after >= 3000 THEN 100 ELSE 0 END
             + CASE WHEN before < 6000 AND after >= 6000 THEN 300 ELSE 0 END AS gift
    FROM ordered
), rise AS (
    SELECT household_id, clock AS since, level_after AS level, after
    FROM earned WHERE level_after > level_before
), highest AS (
    SELECT *, (SELECT sum(growth) FROM earned WHERE earned.household_id = rise.household_id)
                  - after AS in_term
    FROM rise QUALIFY row_number() OVER (PARTITION BY household_id ORDER BY level DESC) = 1
), first_review AS (
    SELECT household_id,
           date_trunc('day', since) + INTERVAL 12 MONTH + INTERVAL 1 DAY AS since,
           CASE WHEN in_term >= CASE level WHEN 2 THEN 6000 ELSE 3000 END
                THEN level ELSE level - 1 END AS level
    FROM highest
), second_review AS (
    SELECT household_id, since + INTERVAL 12 MONTH + INTERVAL 1 DAY AS since, level - 1 AS level
    FROM first_review WHERE level > 0
), term AS (
    SELECT household_id, since, level FROM rise
    UNION ALL FROM first_review
    UNION ALL FROM second_review
), household AS (
    SELECT household_id, min(clock) AS joined FROM line GROUP BY household_id
), month AS (
    SELECT CAST(begin AS TIMESTAMP) AS begin, begin + INTERVAL 1 MONTH AS until
    FROM generate_series(
        (SELECT date_trunc('month', min(clock)) FROM item),
        (SELECT date_trunc('month', max(clock) + INTERVAL 13 MONTH) FROM item),
        INTERVAL 1 MONTH) AS months (begin)
), held AS (
    SELECT month.begin, household_id, coalesce(max_by(level, since), 0) AS level
    FROM month JOIN household ON household.joined < month.until
    LEFT JOIN term USING (household_id)
    WHERE term.since IS NULL OR term.since < month.until
    GROUP BY ALL
    UNION ALL
    SELECT month.begin, household_id, 0
    FROM month JOIN household ON household.joined < month.until
    JOIN (SELECT household_id, min(since) AS since FROM term GROUP BY household_id) AS term
        USING (household_id)
    WHERE term.since >= month.until
), bought AS (
    SELECT date_trunc('month', clock) AS begin, count(*) AS purchases, sum(fen) AS fen,
           sum(growth) AS growth, sum(points) AS purchased_points, sum(gift) AS gifts
    FROM earned GROUP BY ALL
), ended AS (
    SELECT date_trunc('month', date_trunc('day', clock) + INTERVAL 12 MONTH + INTERVAL 1 DAY)
               AS begin,
           sum(points + gift) AS expired
    FROM earned GROUP BY ALL
), redeemed AS (
    SELECT date_trunc('month', redemption_date) AS begin, count(*) AS coupons_used
    FROM '{coupon_redemptions}' GROUP BY ALL
), counted AS (
    SELECT begin, count(*) FILTER (WHERE level = 0) AS regular,
           count(*) FILTER (WHERE level = 1) AS silver, count(*) FILTER (WHERE level = 2) AS gold
    FROM held GROUP BY ALL
), whole AS (
    SELECT begin, purchases, fen, growth, purchased_points, gifts, 0 AS spent, expired,
           0 AS pending, 0 AS debt, coupons_used, regular, silver, gold,
           sum(coalesce(purchased_points, 0) + coalesce(gifts, 0) - coalesce(expired, 0))
               OVER (ORDER BY begin) AS liability
    FROM month
    LEFT JOIN bought USING (begin) LEFT JOIN ended USING (begin)
    LEFT JOIN redeemed USING (begin) LEFT JOIN counted USING (begin)
)
SELECT CAST(begin AS DATE), {figures} FROM whole ORDER BY begin
"""
_TABLES = ("transactions", "products", "coupon_redemptions")


def months(folder: Path) -> list[Month]:
    """Return every month's figures, from the first basket's to 13 months after the last one's."""
    import duckdb

    files = {name: str(folder / f"{name}.parquet").replace("'", "''") for name in _TABLES}
    sql = _QUERY.format(**files, figures=", ".join(FIGURES))
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        rows = connection.execute(sql).fetchall()
    return [Month(row[0], *(int(value or 0) for value in row[1:])) for row in rows]
