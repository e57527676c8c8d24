"""The campaigns, coupons and redemptions of the data set, read into plain values."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cli.complete_journey.records import Campaign, Coupon, Redemption
from cli.complete_journey.source import connect, data_folder

# What a coupon took off stands on the receipts of those who redeemed it, for its products. Where
# none tells, it is what coupons took off most often.
_COUPONS = """
WITH redeemed AS (
    SELECT DISTINCT household_id, campaign_id, coupon_upc, CAST(redemption_date AS DATE) AS day
    FROM coupon_redemptions
), receipt AS (
    SELECT household_id, product_id, CAST(round(coupon_disc * 100) AS BIGINT) AS fen,
           CAST(transaction_timestamp
                - CASE WHEN transaction_timestamp >= TIMESTAMP '2017-03-12 07:00:00'
                        AND transaction_timestamp < TIMESTAMP '2017-11-05 06:00:00'
                       THEN INTERVAL 4 HOUR ELSE INTERVAL 5 HOUR END AS DATE) AS day
    FROM transactions WHERE coupon_disc > 0
), told AS (
    SELECT campaign_id, coupon_upc, fen, count(*) AS times
    FROM redeemed
    JOIN coupons USING (campaign_id, coupon_upc)
    JOIN receipt USING (household_id, day, product_id)
    WHERE fen > 0 GROUP BY ALL
), amount AS (
    SELECT campaign_id, coupon_upc, fen FROM told
    QUALIFY row_number() OVER (
        PARTITION BY campaign_id, coupon_upc ORDER BY times DESC, fen DESC) = 1
), usual AS (
    SELECT fen FROM receipt WHERE fen > 0 GROUP BY fen ORDER BY count(*) DESC, fen DESC LIMIT 1
), goods AS (
    SELECT campaign_id, coupon_upc, list(DISTINCT product_id ORDER BY product_id) AS products
    FROM coupons
    WHERE product_id IN (SELECT product_id FROM transactions JOIN products USING (product_id))
    GROUP BY ALL
)
SELECT campaign_id, coupon_upc, coalesce(amount.fen, usual.fen), coalesce(goods.products, [])
FROM (SELECT campaign_id, coupon_upc, count(*) AS uses FROM redeemed GROUP BY ALL) AS coupon
CROSS JOIN usual
LEFT JOIN amount USING (campaign_id, coupon_upc)
LEFT JOIN goods USING (campaign_id, coupon_upc)
ORDER BY campaign_id, uses DESC, coupon_upc
"""
_CAMPAIGNS = """
SELECT campaign_id, campaign_type, CAST(start_date AS DATE), CAST(end_date AS DATE),
       coalesce(sent.households, []), coalesce(redeemed.most, 1)
FROM campaign_descriptions
LEFT JOIN (
    SELECT campaign_id, list(household_id ORDER BY household_id) AS households
    FROM campaigns GROUP BY campaign_id
) AS sent USING (campaign_id)
LEFT JOIN (
    SELECT campaign_id, max(uses) AS most
    FROM (SELECT campaign_id, household_id, count(*) AS uses FROM coupon_redemptions GROUP BY ALL)
    GROUP BY campaign_id
) AS redeemed USING (campaign_id)
ORDER BY campaign_id
"""
_REDEMPTIONS = """
SELECT household_id, campaign_id, coupon_upc, CAST(redemption_date AS DATE) AS day,
       row_number() OVER (
           PARTITION BY household_id, campaign_id ORDER BY redemption_date, coupon_upc)
FROM coupon_redemptions ORDER BY day, household_id, campaign_id, coupon_upc
"""
_USUAL_FEN = """
SELECT CAST(round(coupon_disc * 100) AS BIGINT) AS fen FROM transactions
WHERE round(coupon_disc * 100) > 0 GROUP BY fen ORDER BY count(*) DESC, fen DESC LIMIT 1
"""


class Promotions:
    """The retailer's campaigns: what they sent to whom, and what was redeemed."""

    def __init__(self, data: Path | None = None) -> None:
        with connect(data_folder(data)) as connection:
            self.coupons = [
                Coupon(campaign, upc, fen, tuple(products))
                for campaign, upc, fen, products in connection.execute(_COUPONS).fetchall()
            ]
            (usual,) = connection.execute(_USUAL_FEN).fetchone() or (1,)
            best: dict[int, Coupon] = {}
            for coupon in self.coupons:
                best.setdefault(coupon.campaign_id, coupon)
            self.campaigns = [
                Campaign(
                    id=number,
                    kind=kind,
                    starts_on=starts_on,
                    ends_on=ends_on,
                    household_ids=tuple(households),
                    most_redeemed=best.get(number, Coupon(number, 0, usual, ())),
                    most_uses=most,
                )
                for number, kind, starts_on, ends_on, households, most in connection.execute(
                    _CAMPAIGNS
                ).fetchall()
            ]
            self.redemptions = [
                Redemption(*row) for row in connection.execute(_REDEMPTIONS).fetchall()
            ]

    def redemptions_by_day(self) -> dict[date, list[Redemption]]:
        """Return what was redeemed on each day."""
        days: dict[date, list[Redemption]] = {}
        for redemption in self.redemptions:
            days.setdefault(redemption.day, []).append(redemption)
        return days
