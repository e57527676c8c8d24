"""Proof before any timing: all sides answer the same bytes and write the same rows.

What differs from call to call by nature, ids, numbers, times, signatures and tokens, is put out of
sight first, each in its own form, so that a missing or longer one still shows.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import orjson

from benchmarks.cases import ALL, BY_HAND, OURS
from benchmarks.connection import Connection, post
from benchmarks.flows import encode
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


_MEMBERS = 30
"""How many members' own answers are compared."""


class NotTheSame(Exception):
    """The two sides answer or write different things, so no ratio between them means anything."""


class Comparison:
    """Asks all sides the same and compares."""

    def __init__(
        self, shop: Shop, database: asyncpg.Connection, ports: dict[str, int], simulator_port: int
    ) -> None:
        self._shop = shop
        self._database = database
        self._ports = ports
        self._simulator_port = simulator_port

    async def check(self) -> int:
        """Compare every operation that is measured; returns the bytes of one of each."""
        total = await self._ask("home", "home", {}, token="")
        total += await self._ask_each("home of a member", "home", {})
        total += await self._ask_each("dashboard", "dashboard", {})
        total += await self._ask_each("orders", "orders", {"s": None, "after": None})
        total += await self._ask_each("list", "list", {"after": None})
        for place, product_id in enumerate(self._shop.products[:100]):
            size = await self._ask("page", "page", {"id": product_id}, token=self._token(place))
        total += size
        for place in range(0, 90, 3):
            draft = {"d": {"lines": self._lines(place)}}
            size = await self._ask("quote", "quote", draft, token=self._token(place))
        total += size + await self._ask_sign_in()
        for place in range(6):
            size = await self._place_and_pay(place)
        return total + size

    def _lines(self, place: int) -> list[dict[str, Any]]:
        skus = self._shop.skus[place * 7 : place * 7 + 30 : 10]
        return [{"skuId": sku, "quantity": 1 + at} for at, sku in enumerate(skus)]

    def _token(self, place: int) -> str:
        return self._shop.readers[place % len(self._shop.readers)]

    async def _ask_each(self, case: str, operation: str, variables: dict[str, Any]) -> int:
        """Ask as one member after the other: of every tier, with different orders."""
        for token in self._shop.readers[:_MEMBERS]:
            size = await self._ask(case, operation, variables, token=token)
        return size

    async def _ask(
        self, case: str, operation: str, variables: dict[str, Any], *, token: str
    ) -> int:
        """Compare all sides of a case with the hand-written one; returns the answer's bytes."""
        expected = await self._answer(BY_HAND, operation, variables, token)
        for side in ALL[case].sides:
            if side != BY_HAND:
                _compare(
                    side, operation, await self._answer(side, operation, variables, token), expected
                )
        return len(expected)

    async def _answer(
        self, side: str, operation: str, variables: dict[str, Any], token: str
    ) -> bytes:
        connection = await Connection.open(self._ports[side])
        try:
            return await connection.ask(encode(side, operation, variables, token))
        finally:
            connection.close()

    async def _ask_sign_in(self) -> int:
        wechat = await Connection.open(self._simulator_port)
        answers = []
        for side in (OURS, BY_HAND):
            body = orjson.dumps({"user": self._shop.shoppers[0].user})
            code = orjson.loads(await wechat.ask(post("/_sim/login_code", body)))["code"]
            answers.append(await self._answer(side, "sign-in", {"i": {"code": code}}, ""))
        wechat.close()
        return _compare(OURS, "sign-in", *answers)

    async def _place_and_pay(self, place: int) -> int:
        placed, paid, rows = [], [], []
        token = self._shop.shoppers[place].token
        for side in (OURS, BY_HAND):
            wanted = {"draft": {"lines": self._lines(place)}, "idempotencyKey": f"{side}-{place}"}
            answer = await self._answer(side, "place", {"i": wanted}, token)
            placed.append(answer)
            order_id = orjson.loads(answer)["data"]["placeOrder"]["order"]["id"]
            asked = {
                "orderId": order_id,
                "method": "WECHAT_MINI_PROGRAM",
                "idempotencyKey": f"{side}-{place}",
            }
            paid.append(await self._answer(side, "pay", {"i": asked}, token))
            rows.append(await self._rows(order_id))
        for table, written in rows[0].items():
            if rows[1][table] != written:
                raise NotTheSame(f"{table}:\n{written}\n{rows[1][table]}")
        return _compare(OURS, "place", *placed) + _compare(OURS, "pay", *paid)

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


def _compare(side: str, operation: str, answer: bytes, by_hand: bytes) -> int:
    """Compare an answer with the hand-written one; returns its bytes."""
    ours, theirs = _masked(answer), _masked(by_hand)
    if ours != theirs:
        at = next(
            (n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
            min(len(ours), len(theirs)),
        )
        near = slice(max(0, at - 120), at + 120)
        raise NotTheSame(
            f"{operation}, {side}, at byte {at}:\n"
            f"{ours[near].decode(errors='replace')}\n{theirs[near].decode(errors='replace')}"
        )
    return len(answer)


def _masked(answer: bytes) -> bytes:
    for pattern, shown in _BY_NATURE:
        answer = re.sub(pattern, shown, answer)
    return answer
