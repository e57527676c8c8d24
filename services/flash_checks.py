"""Checks of flash sales: tickets and their orders, quotas, shelves."""

from __future__ import annotations

from services.checks import Check

CHECKS = (
    Check(
        "flash.tickets",
        "a ticket is ORDERED exactly when there is an order of its id, for its item and pieces",
        """
        SELECT coalesce(ticket.id, sale_order.id) AS id, ticket.status, sale_order.order_no
        FROM flash_ticket AS ticket
        FULL JOIN (
            SELECT o.id, o.order_no, o.member_id, item.id AS item_id, line.quantity
            FROM sales_order AS o
            LEFT JOIN order_line AS line ON line.order_id = o.id
            LEFT JOIN flash_sale_item AS item ON item.stock_id = line.campaign_stock_id
            WHERE o.kind = 'FLASH_SALE'
        ) AS sale_order ON sale_order.id = ticket.id
        WHERE (ticket.status IS NOT DISTINCT FROM 'ORDERED') <> (sale_order.id IS NOT NULL)
           OR ticket.status = 'ORDERED' AND (
                sale_order.item_id IS DISTINCT FROM ticket.item_id
                OR sale_order.quantity <> ticket.quantity
                OR sale_order.member_id <> ticket.member_id)
        """,
    ),
    Check(
        "flash.quotas",
        "what a member has of an item are the pieces of their orders of it that stand",
        """
        SELECT coalesce(quota.item_id, held.item_id) AS item_id,
               coalesce(quota.member_id, held.member_id) AS member_id,
               quota.pieces, held.pieces AS held
        FROM flash_quota AS quota
        FULL JOIN (
            SELECT ticket.item_id, o.member_id,
                   sum(line.quantity - line.withdrawn_quantity) AS pieces
            FROM flash_ticket AS ticket
            JOIN sales_order AS o ON o.id = ticket.id
            JOIN order_line AS line ON line.order_id = o.id
            WHERE ticket.status = 'ORDERED' AND o.status <> 'CANCELLED'
            GROUP BY ticket.item_id, o.member_id
        ) AS held ON held.item_id = quota.item_id AND held.member_id = quota.member_id
        WHERE coalesce(quota.pieces, 0) <> coalesce(held.pieces, 0)
        """,
    ),
    Check(
        "flash.shelves",
        "a published item has its whole quantity on a shelf of its SKU, closed with its sale",
        """
        SELECT item.id, item.quantity, shelf.set_aside, shelf.closed_at, sale.state
        FROM flash_sale_item AS item
        JOIN flash_sale AS sale ON sale.id = item.sale_id
        LEFT JOIN campaign_stock AS shelf ON shelf.id = item.stock_id
        WHERE (sale.state = 'DRAFT') <> (shelf.id IS NULL)
           OR shelf.set_aside <> item.quantity OR shelf.sku_id <> item.sku_id
           OR (sale.state = 'CLOSED') <> (shelf.closed_at IS NOT NULL)
        """,
    ),
)
