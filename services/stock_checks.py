"""Checks of the shelves: SKUs' own pieces, and what campaigns have set aside."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "stock.reserved",
        "a SKU's reserved pieces are those of orders that await payment",
        """
        SELECT stock.id, stock.reserved, coalesce(held.pieces, 0) AS held
        FROM stock_level AS stock
        LEFT JOIN (
            SELECT line.sku_id, sum(line.quantity) AS pieces
            FROM order_line AS line JOIN sales_order ON sales_order.id = line.order_id
            WHERE sales_order.status = 'AWAITING_PAYMENT' AND line.campaign_stock_id IS NULL
            GROUP BY line.sku_id
        ) AS held ON held.sku_id = stock.id
        WHERE stock.reserved <> coalesce(held.pieces, 0)
        """,
    ),
    Check(
        "stock.sold",
        "a SKU's sold pieces are those of paid orders that weren't withdrawn before shipment",
        """
        SELECT stock.id, stock.sold, coalesce(paid.pieces, 0) AS paid
        FROM stock_level AS stock
        LEFT JOIN (
            SELECT line.sku_id, sum(line.quantity - line.withdrawn_quantity) AS pieces
            FROM order_line AS line JOIN sales_order ON sales_order.id = line.order_id
            WHERE sales_order.paid_at IS NOT NULL AND line.campaign_stock_id IS NULL
            GROUP BY line.sku_id
        ) AS paid ON paid.sku_id = stock.id
        WHERE stock.sold <> coalesce(paid.pieces, 0)
        """,
    ),
    Check(
        "stock.equation",
        "initial + restocked + adjusted = available + reserved + sold + set aside",
        """
        SELECT id FROM stock_level
        WHERE initial + restocked + adjusted <> available + reserved + sold + set_aside
           OR least(available, reserved, sold, set_aside) < 0
        """,
    ),
    Check(
        "stock.set_aside",
        "what a SKU has set aside is what its campaigns have, less what they returned",
        """
        SELECT stock.id, stock.set_aside, coalesce(shelves.pieces, 0) AS shelves
        FROM stock_level AS stock
        LEFT JOIN (
            SELECT sku_id, sum(set_aside - returned) AS pieces FROM campaign_stock GROUP BY sku_id
        ) AS shelves ON shelves.sku_id = stock.id
        WHERE stock.set_aside <> coalesce(shelves.pieces, 0)
        """,
    ),
    Check(
        "stock.campaigns_reserved",
        "a campaign's reserved pieces are those of its orders that await payment",
        """
        SELECT shelf.id, shelf.reserved, coalesce(held.pieces, 0) AS held
        FROM campaign_stock AS shelf
        LEFT JOIN (
            SELECT line.campaign_stock_id, sum(line.quantity) AS pieces
            FROM order_line AS line JOIN sales_order ON sales_order.id = line.order_id
            WHERE sales_order.status = 'AWAITING_PAYMENT' GROUP BY line.campaign_stock_id
        ) AS held ON held.campaign_stock_id = shelf.id
        WHERE shelf.reserved <> coalesce(held.pieces, 0)
        """,
    ),
    Check(
        "stock.campaigns_sold",
        "a campaign's sold pieces are those of its paid orders that weren't withdrawn",
        """
        SELECT shelf.id, shelf.sold, coalesce(paid.pieces, 0) AS paid
        FROM campaign_stock AS shelf
        LEFT JOIN (
            SELECT line.campaign_stock_id,
                   sum(line.quantity - line.withdrawn_quantity) AS pieces
            FROM order_line AS line JOIN sales_order ON sales_order.id = line.order_id
            WHERE sales_order.paid_at IS NOT NULL GROUP BY line.campaign_stock_id
        ) AS paid ON paid.campaign_stock_id = shelf.id
        WHERE shelf.sold <> coalesce(paid.pieces, 0)
        """,
    ),
)
