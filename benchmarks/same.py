"""Proof before any timing: both sides answer the same bytes and write the same rows.

What differs from call to call by nature, ids, numbers, times, signatures and tokens, is put out of
sight first, each in its own form, so that a missing or longer one still shows.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import orjson

from benchmarks.connection import Connection, post
from benchmarks.flows import BY_HAND, OURS, encode
from benchmarks.shop import Shop

_BY_NATURE = (
    (rb'"package":"prepay_id=[^"]+"', b'"package":"prepay_id=..."'),
    (rb'"(accessToken|refreshToken)":"[^"]+"', rb'"\1":"..."'),
    (rb'"paySign":"[0-9A-Za-z+/=]{344}"', b'"paySign":"..."'),
    (rb'"nonceStr":"[0-9a-f]{32}"', b'"nonceStr":"..."'),
    (rb'"timeStamp":"\d{10}"', b'"timeStamp":"..."'),
    (rb'"orderNo":"\d{20}"', b'"orderNo":"..."'),
    (rb'"(payBefore|expiresAt)":"\d{4}-\d\d-\d\dT[0-9:.]+\+00:00"', rb'"\1":"..."'),
    (rb'("order":\{"id":)"[0-9a-f-]{36}"', rb'\1"..."'),
)
_WRITTEN = {
    "sales_order": "id = $1",
    "order_line": "order_id = $1",
    "order_event": "order_id = $1",
    "payment": "order_id = $1",
    "idempotency_key": "result_id IN (SELECT $1 UNION SELECT id FROM payment WHERE order_id = $1)",
}
_OWN = frozenset(
    {
        "id", "order_id", "order_no", "key", "request_hash", "result_id", "address_encrypted",
        "placed_at", "pay_before", "timeout_due_at", "happened_at", "out_trade_no", "prepay_id",
        "query_due_at", "created_at", "updated_at",
    }
)  # fmt: skip
"""Columns that hold something else for every order."""


class NotTheSame(Exception):
    """The two sides answer or write different things, so no ratio between them means anything."""


class Comparison:
    """Asks both sides the same and compares."""

    def __init__(
        self, shop: Shop, database: asyncpg.Connection, ports: dict[str, int], simulator_port: int
    ) -> None:
        self._shop = shop
        self._database = database
        self._ports = ports
        self._simulator_port = simulator_port

    async def check(self) -> int:
        """Compare every operation that is measured; returns the bytes of one of each."""
        total = await self._ask("list", {"after": None})
        for product_id in self._shop.products[:100]:
            size = await self._ask("page", {"id": product_id})
        total += size
        for place in range(0, 90, 3):
            lines = self._lines(place)
            size = await self._ask("quote", {"d": {"lines": lines}}, member=place)
        total += size + await self._ask_sign_in()
        for place in range(6):
            size = await self._place_and_pay(place)
        return total + size

    def _lines(self, place: int) -> list[dict[str, Any]]:
        skus = self._shop.skus[place * 7 : place * 7 + 30 : 10]
        return [{"skuId": sku, "quantity": 1 + at} for at, sku in enumerate(skus)]

    async def _ask(self, operation: str, variables: dict[str, Any], *, member: int = 0) -> int:
        answers = [await self._answer(side, operation, variables, member) for side in self._ports]
        return _compare(operation, answers)

    async def _answer(
        self, side: str, operation: str, variables: dict[str, Any], member: int = 0
    ) -> bytes:
        shopper = self._shop.shoppers[member % len(self._shop.shoppers)]
        token = "" if operation == "sign-in" else shopper.token
        connection = await Connection.open(self._ports[side])
        try:
            return await connection.ask(encode(side, operation, variables, token))
        finally:
            connection.close()

    async def _ask_sign_in(self) -> int:
        wechat = await Connection.open(self._simulator_port)
        answers = []
        for side in self._ports:
            body = orjson.dumps({"user": self._shop.shoppers[0].user})
            code = orjson.loads(await wechat.ask(post("/_sim/login_code", body)))["code"]
            answers.append(await self._answer(side, "sign-in", {"i": {"code": code}}))
        wechat.close()
        return _compare("sign-in", answers)

    async def _place_and_pay(self, place: int) -> int:
        placed, paid, rows = [], [], []
        for side in (OURS, BY_HAND):
            wanted = {"draft": {"lines": self._lines(place)}, "idempotencyKey": f"{side}-{place}"}
            answer = await self._answer(side, "place", {"i": wanted}, place)
            placed.append(answer)
            order_id = orjson.loads(answer)["data"]["placeOrder"]["order"]["id"]
            asked = {
                "orderId": order_id,
                "method": "WECHAT_MINI_PROGRAM",
                "idempotencyKey": f"{side}-{place}",
            }
            paid.append(await self._answer(side, "pay", {"i": asked}, place))
            rows.append(await self._rows(order_id))
        for table, written in rows[0].items():
            if rows[1][table] != written:
                raise NotTheSame(f"{table}:\n{written}\n{rows[1][table]}")
        return _compare("place", placed) + _compare("pay", paid)

    async def _rows(self, order_id: str) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for table, where in _WRITTEN.items():
            rows = await self._database.fetch(
                f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE {where} ORDER BY id", order_id
            )
            found[table] = [
                {name: value for name, value in orjson.loads(row[0]).items() if name not in _OWN}
                for row in rows
            ]
        return found


def _compare(operation: str, answers: list[bytes]) -> int:
    ours, theirs = (_masked(answer) for answer in answers)
    if ours != theirs:
        at = next(
            (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
            min(len(ours), len(theirs)),
        )
        near = slice(max(0, at - 120), at + 120)
        raise NotTheSame(
            f"{operation}, at byte {at}:\n{ours[near].decode()}\n{theirs[near].decode()}"
        )
    return len(answers[0])


def _masked(answer: bytes) -> bytes:
    for pattern, shown in _BY_NATURE:
        answer = re.sub(pattern, shown, answer)
    return answer
