"""Quoting, placing and paying, by hand.

The price is the mall's own pure function. Placing asks no stock gate: PostgreSQL alone decides.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.by_hand.shared import Shared, answer, json, now_utc, read, shared_of
from domain.clock import SHANGHAI, business_day
from domain.errors import render
from domain.pricing import (
    Buyer,
    Discount,
    Line,
    Quote,
    QuoteRequest,
    discounts_to_json,
    quote,
    units_to_json,
)
from models.ids import new_id, number_code
from resolvers.common.messages import chinese
from services.sealed_addresses import FullAddress, open_address, seal_snapshot

_LINES = """
SELECT sku.id, sku.product_id, sku.options, sku.price_fen, sku.weight_grams, sku.purchase_limit,
       coalesce(sku.image_url, product.images ->> 0) AS image_url, product.name,
       sku.status = 'ON_SALE' AND product.status = 'ON_SALE' AS is_for_sale,
       coalesce(stock.available, 0) AS available, tier_price.price_fen AS tier_price_fen,
       coalesce(bought.pieces, 0) AS purchased
FROM sku JOIN product ON product.id = sku.product_id
LEFT JOIN stock_level AS stock ON stock.id = sku.id
LEFT JOIN sku_tier_price AS tier_price ON tier_price.sku_id = sku.id
    AND tier_price.tier_code = (SELECT tier_code FROM member WHERE id = $2)
LEFT JOIN purchase_count AS bought ON bought.member_id = $2 AND bought.sku_id = sku.id
WHERE sku.id = ANY($1)
"""
_BUYER = """
SELECT member.status, member.tier_code, member.joined_at,
       (SELECT coalesce(sum(remaining), 0)::bigint FROM points_lot
        WHERE member_id = $1 AND NOT is_pending AND written_off_at IS NULL AND expires_at > $2)
           AS points,
       address.id AS address_id, address.encrypted, address.region_code
FROM member LEFT JOIN address
    ON address.member_id = member.id AND address.is_default AND address.deleted_at IS NULL
WHERE member.id = $1
"""
_CLAIM = """
INSERT INTO idempotency_key (id, actor_id, operation, key, request_hash, result_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (actor_id, operation, key) DO UPDATE SET key = excluded.key
RETURNING request_hash, result_id
"""
_RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS wanted (id, quantity)
), locked AS (
    SELECT stock.id, wanted.quantity FROM stock_level AS stock JOIN wanted ON wanted.id = stock.id
    WHERE stock.available >= wanted.quantity ORDER BY stock.id FOR UPDATE OF stock
)
UPDATE stock_level AS stock
SET available = available - locked.quantity, reserved = reserved + locked.quantity, updated_at = $3
FROM locked WHERE stock.id = locked.id
"""
_INSERT = """
WITH placed AS (
    INSERT INTO sales_order
        (id, order_no, member_id, kind, status, delivery, address_encrypted, region_code,
         goods_total_fen, discount_total_fen, shipping_fen, points_spent, points_off_fen,
         payable_fen, paid_fen, refunded_fen, points_earned, growth_earned, discounts, tier_code,
         rule_version_id, placed_at, pay_before, timeout_due_at)
    VALUES ($1, $2, $3, 'NORMAL', 'AWAITING_PAYMENT', 'EXPRESS', $4, $5, $6, $7, $8, 0, 0, $9, 0,
            0, 0, 0, $10, $11, $12, $13, $14, $14)
), event AS (
    INSERT INTO order_event (id, order_id, kind, happened_at) VALUES ($15, $1, 'PLACED', $13)
), counted AS (
    INSERT INTO purchase_count (id, member_id, sku_id, pieces)
    SELECT limited.id, $3, limited.sku_id, limited.pieces
    FROM unnest($26::uuid[], $27::uuid[], $28::bigint[]) AS limited (id, sku_id, pieces)
    ORDER BY limited.sku_id
    ON CONFLICT (member_id, sku_id) DO UPDATE
    SET pieces = purchase_count.pieces + excluded.pieces
)
INSERT INTO order_line
    (id, order_id, position, sku_id, product_id, product_name, sku_name, image_url, quantity,
     refunded_quantity, unit_price_fen, discount_total_fen, points_off_fen, payable_fen,
     refunded_fen, discounts, units)
SELECT line.id, $1, line.place - 1, line.sku_id, line.product_id, line.name, line.sku_name,
       line.image_url, line.quantity, 0, line.price, line.off, 0, line.payable, 0, line.discounts,
       line.units
FROM unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::text[], $20::text[], $21::text[],
            $22::int[], $23::bigint[], $24::bigint[], $25::bigint[], $29::jsonb[], $30::jsonb[])
    WITH ORDINALITY
    AS line (id, sku_id, product_id, name, sku_name, image_url, quantity, price, off, payable,
             discounts, units, place)
"""
_LOCK = """
SELECT order_no, status, payable_fen, pay_before FROM sales_order
WHERE id = $1 AND member_id = $2 FOR UPDATE
"""
_ATTEMPT = """
INSERT INTO payment (id, order_id, out_trade_no, method, appid, payer_openid, amount_fen, status,
                     query_due_at, queries, created_at, updated_at)
SELECT $1, $2, $3::text || 'P' || (SELECT count(*) + 1 FROM payment WHERE order_id = $2), $4,
       $5::text, openid, $6, 'STARTED', $7, 0, $8, $8
FROM identity WHERE member_id = $9 AND appid = $5::text
RETURNING out_trade_no, payer_openid
"""
_PREPAID = """
UPDATE payment SET status = 'PREPAID', prepay_id = $2, updated_at = $3
WHERE id = $1 AND status = 'STARTED'
"""


@dataclass(slots=True)
class _Priced:
    """A draft looked up and priced."""

    wanted: list[dict[str, Any]]
    rows: list[asyncpg.Record]
    buyer: asyncpg.Record
    address: FullAddress
    quote: Quote


async def _price(
    connection: asyncpg.Connection,
    shared: Shared,
    viewer: UUID,
    wanted: list[dict[str, Any]],
    now: datetime,
) -> _Priced:
    found = await connection.fetch(_LINES, [UUID(line["skuId"]) for line in wanted], viewer)
    buyer = await connection.fetchrow(_BUYER, viewer, now)
    by_id = {str(row["id"]): row for row in found}
    rows = [by_id[line["skuId"]] for line in wanted]
    for line, row in zip(wanted, rows, strict=True):
        limit, quantity = row["purchase_limit"], line["quantity"]
        assert row["is_for_sale"]
        assert 1 <= quantity <= row["available"]
        assert limit is None or row["purchased"] + quantity <= limit
    request = QuoteRequest(
        lines=tuple(
            Line(
                sku_id=row["id"],
                product_id=row["product_id"],
                list_price_fen=row["price_fen"],
                quantity=line["quantity"],
                weight_grams=row["weight_grams"],
                tier_price_fen=row["tier_price_fen"],
            )
            for line, row in zip(wanted, rows, strict=True)
        ),
        buyer=Buyer(
            tier=shared.rules.tier(buyer["tier_code"]),
            is_member=buyer["joined_at"] is not None,
            points_balance=buyer["points"],
        ),
        rules=shared.rules,
        province=buyer["region_code"][:2],
    )
    address = open_address(buyer["encrypted"], buyer["region_code"], shared.data)
    return _Priced(wanted, rows, buyer, address, quote(request))


async def quote_order(request: Request) -> Response:
    """Answer what an order would cost: two queries."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    draft = (await read(request))["d"]
    async with shared.pool.acquire() as connection:
        priced = await _price(connection, shared, viewer, draft["lines"], now)
    found, address = priced.quote, priced.address
    return answer(
        {
            "quoteOrder": {
                "lines": [
                    {
                        "sku": {"id": str(line.sku_id)},
                        "quantity": line.quantity,
                        "unitPrice": line.unit_price_fen,
                        "goodsTotal": line.goods_total_fen,
                        "discountTotal": line.discount_total_fen,
                        "payable": line.payable_fen,
                        "discounts": [_discount(each) for each in line.discounts],
                    }
                    for line in found.lines
                ],
                "goodsTotal": found.goods_total_fen,
                "discountTotal": found.discount_total_fen,
                "shipping": found.shipping_fen,
                "pointsSpent": found.points_spent,
                "pointsOff": found.points_off_fen,
                "payable": found.payable_fen,
                "pointsToEarn": found.points_to_earn,
                "discounts": [_discount(each) for each in found.discounts],
                "address": {
                    "id": str(priced.buyer["address_id"]),
                    "name": address.name,
                    "phone": address.phone,
                    "province": address.province,
                    "city": address.city,
                    "district": address.district,
                    "detail": address.detail,
                },
                "maxPointsToSpend": found.max_points_to_spend,
                "maxPointsOff": found.max_points_off_fen,
                "hints": [
                    {
                        "message": _text(hint.message, hint.facts),
                        "missingAmount": hint.missing_fen,
                        "missingPieces": hint.missing_pieces,
                    }
                    for hint in found.hints
                ],
                "problems": [],
            }
        }
    )


def _discount(discount: Discount) -> dict[str, Any]:
    title = _text(discount.title, discount.facts)
    return {"kind": discount.kind.value, "title": title, "amount": discount.amount_fen}


def _text(message: str, facts: Any) -> str:
    return render(chinese().get(message, message), dict(facts))


async def place_order(request: Request) -> Response:
    """Place an order: two queries for the price, three statements in a transaction."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    given = (await read(request))["i"]
    order_id, order_no = new_id(), f"{business_day(now):%y%m%d}{number_code(14)}"
    pay_before = now + timedelta(minutes=shared.rules.orders.pay_within_minutes)
    digest = hashlib.sha256(orjson.dumps(given["draft"], option=orjson.OPT_SORT_KEYS)).digest()
    async with shared.pool.acquire() as connection:
        priced = await _price(connection, shared, viewer, given["draft"]["lines"], now)
        rows, found = priced.rows, priced.quote
        assert priced.buyer["status"] == "ACTIVE"
        assert not found.problems
        assert given.get("expectedPayable") in (None, found.payable_fen)
        async with connection.transaction():
            claim = await connection.fetchrow(
                _CLAIM,
                new_id(),
                viewer,
                "placeOrder",
                given["idempotencyKey"],
                digest,
                order_id,
                now,
            )
            assert claim["result_id"] == order_id
            await connection.execute(
                _INSERT,
                order_id,
                order_no,
                viewer,
                seal_snapshot(priced.address, shared.data),
                priced.buyer["region_code"],
                *_amounts(found),
                priced.buyer["tier_code"],
                shared.rule_version_id,
                now,
                pay_before,
                new_id(),
                *_columns(priced),
            )
            reserved = await connection.execute(
                _RESERVE,
                [row["id"] for row in rows],
                [line.quantity for line in found.lines],
                now,
            )
            assert reserved == f"UPDATE {len(rows)}"
    return answer(
        {
            "placeOrder": {
                "order": {
                    "id": str(order_id),
                    "orderNo": order_no,
                    "status": "AWAITING_PAYMENT",
                    "payable": found.payable_fen,
                    "payBefore": pay_before.isoformat(),
                },
                "userErrors": [],
            }
        }
    )


def _amounts(found: Quote) -> tuple[Any, ...]:
    return (
        found.goods_total_fen,
        found.discount_total_fen,
        found.shipping_fen,
        found.payable_fen,
        json(discounts_to_json(found.discounts)),
    )


def _columns(priced: _Priced) -> tuple[Any, ...]:
    """Return the lines' columns, with those of the limited SKUs among them."""
    rows, lines = priced.rows, priced.quote.lines
    limited = [place for place, row in enumerate(rows) if row["purchase_limit"] is not None]
    return (
        [new_id() for _ in rows],
        [row["id"] for row in rows],
        [row["product_id"] for row in rows],
        [row["name"] for row in rows],
        [" / ".join(option["value"] for option in row["options"]) for row in rows],
        [row["image_url"] for row in rows],
        [line.quantity for line in lines],
        [line.unit_price_fen for line in lines],
        [line.discount_total_fen for line in lines],
        [line.payable_fen for line in lines],
        [new_id() for _ in limited],
        [rows[place]["id"] for place in limited],
        [lines[place].quantity for place in limited],
        [json(discounts_to_json(line.discounts)) for line in lines],
        [json(units_to_json(line.units)) for line in lines],
    )


async def pay_order(request: Request) -> Response:
    """Ask WeChat Pay for a prepay order: three statements, the call, and one statement."""
    shared, now = shared_of(request), now_utc()
    viewer = await shared.viewer(request, now)
    given = (await read(request))["i"]
    order_id, payment_id = UUID(given["orderId"]), new_id()
    appid = shared.settings.wechat_mini_program_appid
    digest = hashlib.sha256(orjson.dumps([given["orderId"], given["method"]])).digest()
    async with shared.pool.acquire() as connection, connection.transaction():
        claim = await connection.fetchrow(
            _CLAIM, new_id(), viewer, "payOrder", given["idempotencyKey"], digest, payment_id, now
        )
        assert claim["result_id"] == payment_id
        order = await connection.fetchrow(_LOCK, order_id, viewer)
        assert order["status"] == "AWAITING_PAYMENT"
        assert now < order["pay_before"] - timedelta(minutes=1)
        attempt = await connection.fetchrow(
            _ATTEMPT,
            payment_id,
            order_id,
            order["order_no"],
            given["method"],
            appid,
            order["payable_fen"],
            now + timedelta(seconds=10),
            now,
            viewer,
        )
    prepay_id = await _prepay(shared, order, attempt, appid)
    written = await shared.pool.execute(_PREPAID, payment_id, prepay_id, now)
    assert written == "UPDATE 1"
    time_stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    package = f"prepay_id={prepay_id}"
    return answer(
        {
            "payOrder": {
                "payment": {
                    "appId": appid,
                    "timeStamp": time_stamp,
                    "nonceStr": nonce,
                    "package": package,
                    "signType": "RSA",
                    "paySign": _signature(shared, appid, time_stamp, nonce, package),
                    "h5Url": None,
                },
                "userErrors": [],
            }
        }
    )


async def _prepay(
    shared: Shared, order: asyncpg.Record, attempt: asyncpg.Record, appid: str
) -> str:
    """Make the signed call and check the signature of its answer."""
    settings, path = shared.settings, "/v3/pay/transactions/jsapi"
    mchid = settings.wechat_mch_id
    body = orjson.dumps(
        {
            "appid": appid,
            "mchid": mchid,
            "description": f"订单 {order['order_no']}",
            "out_trade_no": attempt["out_trade_no"],
            "time_expire": order["pay_before"].astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "notify_url": f"{settings.base_url}/wechat/pay/notify/{mchid}",
            "amount": {"total": order["payable_fen"], "currency": "CNY"},
            "payer": {"openid": attempt["payer_openid"]},
        }
    ).decode()
    time_stamp, nonce = str(int(time.time())), secrets.token_hex(16).upper()
    signature = _signature(shared, "POST", path, time_stamp, nonce, body)
    response = await shared.http.post(
        f"{settings.wechat_mch_base.rstrip('/')}{path}",
        content=body,
        headers={
            "content-type": "application/json",
            "accept": "application/json",
            "user-agent": "by-hand",
            "wechatpay-serial": settings.wechat_pay_public_key_id,
            "authorization": (
                f'WECHATPAY2-SHA256-RSA2048 mchid="{mchid}",nonce_str="{nonce}",'
                f'signature="{signature}",timestamp="{time_stamp}",'
                f'serial_no="{settings.wechat_mch_serial}"'
            ),
        },
    )
    response.raise_for_status()
    told = response.headers
    signed = (told["wechatpay-timestamp"], told["wechatpay-nonce"], response.text)
    message = "".join(f"{part}\n" for part in signed)
    shared.wechat_key.verify(
        base64.b64decode(told["wechatpay-signature"]), message.encode(), PKCS1v15(), SHA256()
    )
    prepay_id: str = orjson.loads(response.content)["prepay_id"]
    return prepay_id


def _signature(shared: Shared, *parts: str) -> str:
    text = "".join(f"{part}\n" for part in parts)
    signed = shared.merchant_key.sign(text.encode(), PKCS1v15(), SHA256())
    return base64.b64encode(signed).decode()
