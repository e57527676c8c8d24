"""A member's own page and their orders, by hand."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.by_hand.shared import Shared, answer, now_utc, read, shared_of
from domain.checkin import reward_of, streak_today
from domain.clock import business_day
from domain.orders import DeliveryMethod, OrderFacts, OrderKind, OrderStatus, actions_of
from domain.phones import masked
from domain.tiers import progress
from services.phones import PHONE

_ME = """
SELECT member.id, member.member_no, member.nickname, member.avatar_url, member.phone_encrypted,
       member.joined_at, member.tier_code, member.tier_review_at,
       coalesce(pending.balance, 0) AS pending, coalesce(growth.balance, 0) AS growth,
       lots.balance, lots.points, lots.expiries,
       last_check_in.day AS last_check_in, last_check_in.run_start,
       (
           SELECT bool_and(coalesce(answer.given AND answer.version = current.version, false))
           FROM (
               SELECT DISTINCT ON (kind) kind, version FROM agreement
               WHERE kind IN ('MEMBERSHIP', 'PRIVACY') AND effective_at <= $2
               ORDER BY kind, effective_at DESC, id DESC
           ) AS current
           LEFT JOIN LATERAL (
               SELECT given, version FROM consent
               WHERE consent.member_id = member.id AND consent.kind = current.kind
               ORDER BY given_at DESC, id DESC LIMIT 1
           ) AS answer ON true
       ) AS accepts
FROM member
LEFT JOIN ledger_account AS pending
    ON pending.member_id = member.id AND pending.kind = 'PENDING'
LEFT JOIN ledger_account AS growth ON growth.member_id = member.id AND growth.kind = 'GROWTH'
CROSS JOIN LATERAL (
    SELECT coalesce(sum(day.points), 0)::bigint AS balance,
           array_agg(day.points ORDER BY day.expires_at) FILTER (WHERE day.expires_at <= $3)
               AS points,
           array_agg(day.expires_at ORDER BY day.expires_at) FILTER (WHERE day.expires_at <= $3)
               AS expiries
    FROM (
        SELECT expires_at, sum(remaining)::bigint AS points FROM points_lot
        WHERE member_id = member.id AND NOT is_pending AND written_off_at IS NULL
          AND remaining > 0 AND expires_at > $2
        GROUP BY expires_at
    ) AS day
) AS lots
LEFT JOIN LATERAL (
    SELECT day, run_start FROM check_in
    WHERE check_in.member_id = member.id AND NOT check_in.merged ORDER BY day DESC LIMIT 1
) AS last_check_in ON true
WHERE member.id = $1
"""
_COUPONS = """
SELECT coupon.id, coupon.valid_until, terms.name, terms.kind, terms.amount_off_fen,
       terms.min_spend_fen
FROM coupon JOIN coupon_terms AS terms ON terms.id = coupon.terms_id
WHERE coupon.member_id = $1 AND coupon.status = 'USABLE'
  AND coupon.valid_from <= $2 AND coupon.valid_until > $2
ORDER BY coupon.valid_until, coupon.id LIMIT 5
"""
_LAST_ORDERS = """
SELECT id, order_no, status, payable_fen, placed_at FROM sales_order
WHERE member_id = $1 ORDER BY placed_at DESC, id DESC LIMIT 5
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE status = 'AWAITING_PAYMENT') AS awaiting_payment,
       count(*) FILTER (WHERE status = 'AWAITING_SHIPMENT') AS awaiting_shipment,
       count(*) FILTER (WHERE status IN ('SHIPPED', 'AWAITING_PICKUP')) AS awaiting_receipt
FROM sales_order WHERE member_id = $1
"""
_ORDERS = """
SELECT id, order_no, status, kind, delivery, payable_fen, pay_before, placed_at FROM sales_order
WHERE member_id = $1 ORDER BY placed_at DESC, id DESC LIMIT 11
"""
_LINES = """
SELECT id, order_id, product_name, sku_name, image_url, quantity, unit_price_fen
FROM order_line WHERE order_id = ANY($1) ORDER BY order_id, position
"""


async def dashboard(request: Request) -> Response:
    """Answer who the member is, points, standing, check-in, coupons, orders: three queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    rules = shared.rules
    soon = now + timedelta(days=rules.points.expiring_soon_days)
    async with shared.pool.acquire() as connection:
        row = await connection.fetchrow(_ME, viewer, now, soon)
        orders = await connection.fetch(_LAST_ORDERS, viewer)
        coupons = await connection.fetch(_COUPONS, viewer, now)
    phone = shared.data.open(row["phone_encrypted"], context=PHONE).decode()
    avatar, joined_at = row["avatar_url"], row["joined_at"]
    expiring = zip(row["points"] or (), row["expiries"] or (), strict=True)
    me = {
        "id": str(row["id"]),
        "memberNo": row["member_no"],
        "nickname": row["nickname"],
        "avatarUrl": shared.url(avatar) if avatar else None,
        "phone": masked(phone),
        "joinedAt": joined_at.isoformat() if joined_at and row["accepts"] else None,
        "points": {
            "balance": row["balance"],
            "pending": row["pending"],
            "expiringSoon": [
                {"points": points, "expiresAt": when.isoformat()} for points, when in expiring
            ],
        },
        "membership": _membership(row, shared),
        "checkIn": _check_in(row, shared, now),
        "coupons": {"nodes": [_coupon(coupon) for coupon in coupons]},
        "orders": {
            "nodes": [
                {
                    "id": str(order["id"]),
                    "orderNo": order["order_no"],
                    "status": order["status"],
                    "payable": order["payable_fen"],
                    "placedAt": order["placed_at"].isoformat(),
                }
                for order in orders
            ]
        },
    }
    return answer({"me": me})


def _membership(row: asyncpg.Record, shared: Shared) -> dict[str, Any]:
    tier = shared.rules.tier(row["tier_code"])
    above, growth = shared.rules.next_tier(tier.code), row["growth"]
    review_at = row["tier_review_at"] if tier.level else None
    return {
        "tier": {"code": tier.code, "name": tier.name},
        "growth": growth,
        "nextTier": {"code": above.code, "name": above.name} if above else None,
        "growthToNextTier": max(above.growth_threshold - growth, 0) if above else None,
        "progress": progress(growth, tier, above),
        "reviewAt": review_at.isoformat() if review_at else None,
    }


def _check_in(row: asyncpg.Record, shared: Shared, now: datetime) -> dict[str, Any]:
    today = business_day(now)
    streak = streak_today(row["last_check_in"], row["run_start"], today)
    reward = reward_of(streak + 1, shared.rules.check_in)
    return {
        "checkedInToday": row["last_check_in"] == today,
        "streak": streak,
        "nextReward": {"day": reward.cycle_day, "points": reward.points},
    }


def _coupon(coupon: asyncpg.Record) -> dict[str, Any]:
    is_amount = coupon["kind"] == "AMOUNT_OFF"
    return {
        "id": str(coupon["id"]),
        "status": "USABLE",
        "validUntil": coupon["valid_until"].isoformat(),
        "terms": {
            "name": coupon["name"],
            "kind": coupon["kind"],
            "amountOff": coupon["amount_off_fen"] if is_amount else None,
            "minSpend": coupon["min_spend_fen"],
        },
    }


async def orders(request: Request) -> Response:
    """Answer the first ten orders with their lines, and what waits: three queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    assert await read(request) == {"s": None, "after": None}
    async with shared.pool.acquire() as connection:
        counts = await connection.fetchrow(_COUNTS, viewer)
        found = await connection.fetch(_ORDERS, viewer)
        shown = found[:10]
        lines = await connection.fetch(_LINES, [order["id"] for order in shown])
    bought: dict[Any, list[asyncpg.Record]] = {order["id"]: [] for order in shown}
    for line in lines:
        bought[line["order_id"]].append(line)
    return answer(
        {
            "me": {
                "counts": {
                    "ordersAwaitingPayment": counts["awaiting_payment"],
                    "ordersAwaitingShipment": counts["awaiting_shipment"],
                    "ordersAwaitingReceipt": counts["awaiting_receipt"],
                },
                "orders": {
                    "nodes": [_order(row, bought[row["id"]], shared, now) for row in shown],
                    "pageInfo": {
                        "hasNextPage": len(found) > len(shown),
                        "endCursor": _cursor(shown[-1]) if shown else None,
                    },
                },
            }
        }
    )


def _order(
    row: asyncpg.Record, lines: list[asyncpg.Record], shared: Shared, now: datetime
) -> dict[str, Any]:
    status = OrderStatus(row["status"])
    facts = OrderFacts(
        status=status,
        kind=OrderKind(row["kind"]),
        delivery=DeliveryMethod(row["delivery"]),
        pay_before=row["pay_before"],
    )
    awaits_payment = status is OrderStatus.AWAITING_PAYMENT
    return {
        "id": str(row["id"]),
        "orderNo": row["order_no"],
        "status": row["status"],
        "kind": row["kind"],
        "payable": row["payable_fen"],
        "payBefore": row["pay_before"].isoformat() if awaits_payment else None,
        "actions": actions_of(facts, shared.rules.orders, now=now),
        "lines": [_line(line, shared) for line in lines],
    }


def _line(line: asyncpg.Record, shared: Shared) -> dict[str, Any]:
    image = line["image_url"]
    return {
        "id": str(line["id"]),
        "productName": line["product_name"],
        "skuName": line["sku_name"],
        "imageUrl": shared.url(image) if image else None,
        "quantity": line["quantity"],
        "unitPrice": line["unit_price_fen"],
    }


def _cursor(row: asyncpg.Record) -> str:
    values = [row["placed_at"].isoformat(), str(row["id"])]
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()
