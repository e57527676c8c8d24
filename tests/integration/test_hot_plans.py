"""No statement that members cause all day reads a large table from end to end.

The operations that the benchmarks measure are run on tables of thousands of rows, from home to a
paid order and the sweeps behind it; PostgreSQL then tells the plan of every statement they sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from api.app import MallApp
from benchmarks import catalogue, crowd
from benchmarks.documents import DOCUMENTS
from domain.rewards import RewardKind
from jobs.schedule import sweeps
from models import database as db
from services import (
    checkin_reminders,
    messages,
    points,
    points_book,
    points_expiry,
    product_figures,
    reward_admin,
    sessions,
)
from services.pages import encode_cursor
from services.ports import Ports
from settings import Settings
from tests.factories.rewards import a_goods_reward, a_reward
from tests.factories.shop import DATA, SkuFacts
from tests.support import wallets
from tests.support.graphql import GraphQLClient
from tests.support.shopping import Shopper, a_shopper
from tests.support.simulator import Simulator

PRODUCTS = 3_000
MEMBERS = 6_000
LARGE_ROWS = 2_000
"""A table with more rows is a large one."""

BESIDE_THE_CROWD = (
    """
    INSERT INTO cart_line (id, member_id, sku_id, quantity, selected, price_when_added_fen,
                           created_at, updated_at)
    SELECT gen_random_uuid(), member.id, sku.id, 1, true, 100, now(), now()
    FROM (SELECT id, row_number() OVER () AS place FROM member) AS member
    JOIN (SELECT id, row_number() OVER () AS place FROM sku) AS sku
        ON sku.place BETWEEN member.place AND member.place + 1
    """,
    """
    INSERT INTO purchase_count (id, member_id, sku_id, pieces)
    SELECT gen_random_uuid(), member_id, sku_id, 1 FROM cart_line
    """,
    """
    INSERT INTO address (id, member_id, encrypted, region_code, is_default, created_at, updated_at)
    SELECT gen_random_uuid(), id, '', '310115', true, now(), now() FROM member
    """,
    """
    INSERT INTO identity (id, member_id, kind, appid, openid, created_at, updated_at)
    SELECT gen_random_uuid(), id, 'MINI_PROGRAM', 'wx-of-the-crowd', id, now(), now() FROM member
    """,
    """
    INSERT INTO session (id, member_id, generation, rotated_at, expires_at, created_at)
    SELECT gen_random_uuid(), id, 0, now(), now() + interval '30 days', now() FROM member
    """,
    """
    INSERT INTO sign_in_attempt (id, code_hash, is_new_member, created_at, finished_at)
    SELECT gen_random_uuid(), sha256(id::text::bytea), false, now(), now() FROM member
    """,
    """
    INSERT INTO idempotency_key (id, actor_id, operation, key, request_hash, created_at)
    SELECT gen_random_uuid(), id, 'placeOrder', 'key', '', now() FROM member
    """,
    """
    INSERT INTO check_in (id, member_id, day, run_start, cycle_day, points, growth, made_up, merged,
                          created_at)
    SELECT gen_random_uuid(), id, day, day, 1, 5, 5, false, false, now()
    FROM member, unnest('{2026-01-01, 2026-01-03}'::date[]) AS day
    """,
    """
    INSERT INTO message (id, member_id, event, source_id, facts, created_at)
    SELECT gen_random_uuid(), id, 'CHECK_IN_REMINDER', id, '{}', now() FROM member
    """,
    """
    WITH placed AS (SELECT id, row_number() OVER () AS place FROM member)
    UPDATE member SET invited_by_id = inviter.id, invited_at = now()
    FROM placed JOIN placed AS inviter ON inviter.place = placed.place / 10 + 1
    WHERE member.id = placed.id AND inviter.id <> placed.id
    """,
    """
    INSERT INTO invitation_reward (id, invitee_id, inviter_id, day, seat, inviter_points,
                                   invitee_points, created_at)
    SELECT gen_random_uuid(), id, invited_by_id, '2026-01-01', row_number() OVER (), 100, 100, now()
    FROM member WHERE invited_by_id IS NOT NULL
    """,
    """
    INSERT INTO data_export (id, member_id, status, requested_at, due_at)
    SELECT gen_random_uuid(), id, step, now(),
           CASE step WHEN 'PREPARING' THEN now() + interval '1 hour' END
    FROM member, unnest('{PREPARING, EXPIRED}'::text[]) AS step
    """,
    """
    INSERT INTO former_identity (id, digest, left_at)
    SELECT gen_random_uuid(), sha256(id::text::bytea), now() FROM member
    """,
    """
    INSERT INTO reward (id, kind, name, description_html, points_price, cash_price_fen, quantity,
                        remaining, position, starts_at, status, created_at)
    SELECT gen_random_uuid(), 'VIRTUAL', 'of the crowd', '', 1, 0, 60, 20, number, now(),
           CASE number % 2 WHEN 0 THEN 'PUBLISHED' ELSE 'WITHDRAWN' END, now()
    FROM generate_series(1, 300) AS number
    """,
    """
    INSERT INTO redemption (id, member_id, reward_id, quantity, returned, points, cash_fen, status,
                            created_at)
    SELECT gen_random_uuid(), member.id, reward.id, 1, 0, 1, 0, 'FULFILLED', now()
    FROM (SELECT id, row_number() OVER () AS place FROM member) AS member
    JOIN (SELECT id, row_number() OVER () - 1 AS place FROM reward) AS reward
        ON reward.place IN (member.place % 300, (member.place + 1) % 300)
    """,
    """
    INSERT INTO reward_count (id, member_id, reward_id, pieces)
    SELECT gen_random_uuid(), member_id, reward_id, 1 FROM redemption
    """,
    """
    INSERT INTO reward_code (id, reward_id, code_encrypted, digest, redemption_id)
    SELECT gen_random_uuid(), reward_id, ''::bytea, sha256(id::text::bytea), id FROM redemption
    UNION ALL
    SELECT gen_random_uuid(), id, ''::bytea, sha256((id::text || number)::bytea), NULL
    FROM reward, generate_series(1, 20) AS number
    """,
    """
    INSERT INTO wechat_event (id, notification_id, event_type, body, received_at, attempts,
                              processed_at)
    SELECT gen_random_uuid(), id, 'TRANSACTION.SUCCESS', '', now(), 1, now() FROM member
    """,
    """
    INSERT INTO flash_sale (id, name, name_en, starts_at, ends_at, state, needs_captcha,
                            config_version, published_at, close_due_at, created_at)
    SELECT gen_random_uuid(), 'of the crowd', '', opens, opens + interval '1 day',
           CASE WHEN number > 8 THEN 'CLOSED' ELSE 'PUBLISHED' END, false, 1, now(),
           CASE WHEN number > 8 THEN NULL ELSE now() + interval '2 days' END, now()
    FROM generate_series(1, 250) AS number,
         LATERAL (SELECT now() + interval '1 hour' * (4 - number)) AS window_of (opens)
    """,
    """
    INSERT INTO flash_sale_item (id, sale_id, sku_id, stock_id, price_fen, quantity,
                                 per_member_limit, buckets, position)
    SELECT gen_random_uuid(), sale.id, sku.id, gen_random_uuid(), 100, 10, 1, 1, sku.place % 10
    FROM (SELECT id, row_number() OVER () - 1 AS place FROM flash_sale) AS sale
    JOIN (SELECT id, row_number() OVER () - 1 AS place FROM sku) AS sku
        ON sku.place / 10 = sale.place
    """,
    """
    INSERT INTO campaign_stock (id, sku_id, set_aside, available, reserved, sold, returned,
                                updated_at)
    SELECT stock_id, sku_id, 10, 10, 0, 0, 0, now() FROM flash_sale_item
    """,
    """
    INSERT INTO flash_ticket (id, item_id, member_id, quantity, claimed_at, status, reason,
                              decided_at)
    SELECT gen_random_uuid(), item.id, member.id, 1, now(), 'REJECTED', 'SOLD_OUT', now()
    FROM (SELECT id, row_number() OVER () AS place FROM member) AS member
    JOIN (SELECT id, row_number() OVER () - 1 AS place FROM flash_sale_item) AS item
        ON item.place = member.place % 2000
    """,
    """
    INSERT INTO flash_quota (id, item_id, member_id, pieces)
    SELECT gen_random_uuid(), item_id, member_id, 0 FROM flash_ticket
    """,
    """
    INSERT INTO flash_reminder (id, item_id, member_id)
    SELECT gen_random_uuid(), item_id, member_id FROM flash_ticket
    """,
    """
    INSERT INTO group_buy (id, product_id, name, name_en, starts_at, ends_at, team_size, team_hours,
                           per_member_limit, new_members_only, state, close_due_at, created_at)
    SELECT gen_random_uuid(), id, 'of the crowd', '', now() - interval '1 hour',
           now() + interval '1 day', 3, 24, 9, false, 'PUBLISHED', now() + interval '2 days', now()
    FROM product LIMIT 300
    """,
    """
    INSERT INTO group_buy_item (id, group_buy_id, sku_id, price_fen, position)
    SELECT gen_random_uuid(), group_buy.id, sku.id, 100, 0
    FROM group_buy JOIN sku ON sku.product_id = group_buy.product_id
    """,
    """
    INSERT INTO group_buy_team (id, group_buy_id, leader_id, size, paid_seats, status, opened_at,
                                expires_at, due_at)
    SELECT gen_random_uuid(), group_buy.id, member.id, 3, 1, 'FORMING', now(),
           now() + interval '1 day', now() + interval '1 day'
    FROM (SELECT id, row_number() OVER () AS place FROM member) AS member
    JOIN (SELECT id, row_number() OVER () - 1 AS place FROM group_buy) AS group_buy
        ON group_buy.place = member.place % 300
    """,
    """
    INSERT INTO group_buy_seat (id, team_id, position, member_id, order_id, status, held_until,
                                joined_at, paid_at, merged)
    SELECT gen_random_uuid(), id, 0, leader_id, gen_random_uuid(), 'PAID', now(), now(), now(),
           false
    FROM group_buy_team
    """,
    """
    INSERT INTO group_buy_count (id, group_buy_id, member_id, pieces)
    SELECT gen_random_uuid(), group_buy_id, leader_id, 1 FROM group_buy_team
    """,
    """
    INSERT INTO group_buy_newcomer (id, member_id, order_id)
    SELECT gen_random_uuid(), member_id, order_id FROM group_buy_seat
    """,
)
"""What the crowd's members have besides what the benchmarks give them."""

ORDERS = """
query Orders($s: [OrderStatus!], $k: String, $after: String) {
  me {
    memberNo joinedAt points { balance } counts { cartPieces }
    orders(statuses: $s, keyword: $k, after: $after) {
      nodes { id discounts { amount } lines { id refundableQuantity } }
      totalCount
    }
  }
}
"""
_LATER = encode_cursor((datetime(2026, 11, 22, tzinfo=UTC), UUID(int=1)))
WAYS_TO_LIST_ORDERS: tuple[dict[str, Any], ...] = (
    {},
    {"s": ["SHIPPED"]},
    {"k": "茶"},
    {"s": ["SHIPPED", "COMPLETED"], "k": "茶", "after": _LATER},
)
"""The member and a page of their orders are one statement, in several shapes."""

AS_A_MEMBER = (
    "mutation { checkIn { userErrors { code } } }",
    """
    mutation { makeUpCheckIn(input: {date: "2026-01-01", idempotencyKey: "k"}) {
      userErrors { code } } }
    """,
    """
    { me {
      checkIn { streak makeUpDates makeUpsLeft days(month: "2026-01") { date coupon { id } } }
      invitations { invitedCount rewardedPoints invitees { nodes { status points } totalCount } }
      counts { unreadMessages } messages { nodes { title } totalCount } dataExport { status }
    } }
    """,
    "mutation { markMessagesRead(input: {}) { userErrors { code } } }",
    "mutation { requestDataExport { userErrors { code } } }",
    """
    mutation { acceptInvitation(input: {inviteCode: "NOBODY99"}) { userErrors { code } } }
    """,
)
"""What members do beside shopping."""

REWARDS = """
query ($f: RewardFilter, $s: [RedemptionStatus!], $after: String) {
  rewards(filter: $f) { nodes { id remaining problem { code } } totalCount }
  me { redemptions(statuses: $s, after: $after) {
    nodes { id status code reward { name } coupon { id } order { id } } totalCount } }
}
"""
WAYS_TO_LIST_REWARDS: tuple[dict[str, Any], ...] = (
    {},
    {"f": {"kind": "VIRTUAL", "affordable": True}, "s": ["FULFILLED", "AWAITING_SHIPMENT"]},
    {"f": {"affordable": False}, "s": ["CANCELLED"], "after": _LATER},
)
CAMPAIGNS = """
query ($sale: ID!, $team: ID!, $sku: ID!) {
  flashSales(statuses: [RUNNING, UPCOMING, ENDED]) {
    nodes { status items(first: 6) { nodes { id remaining sku { id } } } } totalCount }
  flashSale(id: $sale) {
    items { nodes { claimedByMe reminderSet myTicket { id order { id } } problem { code } }
            totalCount } }
  groupBuys { nodes { problem { code } items { remaining } product { id }
                      openTeams(first: 3) { nodes { seatsLeft } totalCount } } totalCount }
  groupBuyTeam(id: $team) { seats { nickname } problem { code } shareCard { title }
                            myOrder { groupBuyTeam { id } } }
  product(id: $sku) { groupBuy { id } skus { flashSaleItem { id } } }
  me { flashSaleTickets { nodes { id item { price } order { id } problem { code } } totalCount }
       groupBuyTeams(statuses: [FORMING]) { nodes { id } totalCount }
       orders(first: 5) { nodes { groupBuyTeam { id } } } }
}
"""
BUY_TOGETHER = """
mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) {
  order { id groupBuyTeam { id } } userErrors { code path } } }
"""
CLAIM = """
mutation ($i: ClaimFlashSaleInput!) { claimFlashSale(input: $i) {
  ticket { id } userErrors { code path } } }
"""
FOLLOW = "query ($id: ID!) { flashSaleTicket(id: $id) { status } }"
REMIND = """
mutation ($i: SetFlashSaleReminderInput!) { setFlashSaleReminder(input: $i) {
  item { reminderSet } userErrors { code } } }
"""
REDEEM = """
mutation ($i: RedeemRewardInput!) { redeemReward(input: $i) {
  redemption { id code coupon { id } order { id } reward { problem { code } } }
  userErrors { code path } } }
"""
GIVE_UP = """
mutation ($i: CancelRedemptionInput!) { cancelRedemption(input: $i) {
  redemption { status } userErrors { code } } }
"""

MINOR_SWEEPS = frozenset({"daily_lows", "stock_gate", "unused_uploads"})
"""Twice a minute or once an hour, and whole tables are what they are about."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement, and the values it was sent with when it is planned for these."""

    sql: str
    values: tuple[Any, ...] | None


class Ears:
    """Hears what is sent through `models.database`, with the values."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: dict[str, Sent] = {}
        self.plans_once = True
        for name in ("fetch", "fetch_one", "fetch_value", "execute", "fetch_planned"):
            monkeypatch.setattr(db, name, self._hearing(name, getattr(db, name)))

    def _hearing(self, name: str, send: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def hear(sql: str, *values: Any) -> Any:
            is_reused = self.plans_once and name != "fetch_planned"
            if not sql.startswith("SET "):
                self.heard.setdefault(sql, Sent(sql, None if is_reused else values))
            return await send(sql, *values)

        return hear


class Explained:
    """Tells plans: for any values as the web's connections make them, or for the values sent."""

    def __init__(self, connection: asyncpg.Connection, large: frozenset[str]) -> None:
        self._connection = connection
        self._large = large

    async def read_whole(self, sent: Sent) -> set[str]:
        """Return the large tables that a statement reads from end to end."""
        if sent.values is not None:
            [told] = await db.fetch_value(f"EXPLAIN (FORMAT JSON) {sent.sql}", *sent.values)
        else:
            [told] = orjson.loads(await self._generic_plan(sent.sql))
        return {
            node["Relation Name"]
            for node in _nodes(told["Plan"], is_limited=False)
            if node.get("Relation Name") in self._large and _is_whole(node)
        }

    async def _generic_plan(self, sql: str) -> str:
        await self._connection.execute(f"PREPARE hot AS {sql}")
        try:
            count = await self._connection.fetchval(
                "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'hot'"
            )
            values = f"({', '.join(['NULL'] * count)})" if count else ""
            plan: str = (
                await self._connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE hot{values}")
            )[0][0]
        finally:
            await self._connection.execute("DEALLOCATE hot")
        return plan


def _nodes(node: dict[str, Any], *, is_limited: bool) -> Iterator[dict[str, Any]]:
    """Walk a plan; a node learns whether something above it stops it early."""
    yield node | {"is_limited": is_limited}
    sorts = node["Node Type"] in ("Sort", "Aggregate", "Hash", "WindowAgg")
    for child in node.get("Plans", ()):
        limited = not sorts and (is_limited or node["Node Type"] == "Limit")
        yield from _nodes(child, is_limited=limited)


def _is_whole(node: dict[str, Any]) -> bool:
    if node["Node Type"] == "Seq Scan":
        return True
    is_by_index = node["Node Type"] in ("Index Scan", "Index Only Scan")
    return is_by_index and "Index Cond" not in node and not node["is_limited"]


@pytest.fixture
async def crowded(database: str, settings: Settings) -> AsyncIterator[None]:
    """Thousands of rows in every table that grows with products, members or orders."""
    connection = await asyncpg.connect(database)
    await connection.execute("SET session_replication_role = replica")
    offers = await catalogue.fill(PRODUCTS)
    await crowd.write(settings, connection, offers, MEMBERS, say=lambda _: None)
    for statement in BESIDE_THE_CROWD:
        await connection.execute(statement)
    await product_figures.rebuild()
    for table in ("sku", "stock_level"):
        await connection.execute(f"UPDATE {table} SET updated_at = now() - interval '1 day'")
    await product_figures.refresh(datetime.now(UTC), PRODUCTS)  # The first one looks at all.
    await connection.execute("VACUUM ANALYZE")
    yield
    await connection.execute("SELECT testing.reset()")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


@pytest.fixture
async def explained(crowded: None, database: str) -> AsyncIterator[Explained]:
    connection = await asyncpg.connect(database)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    large = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > $1", LARGE_ROWS
    )
    yield Explained(connection, frozenset(row["relname"] for row in large))
    await connection.close()


@pytest.fixture
async def shopper(crowded: None, client: GraphQLClient, wxsim: Simulator) -> Shopper:
    return await a_shopper(client, wxsim)


@pytest.fixture
def ports(app: Any) -> Ports:
    mall: MallApp = app.app
    assert mall.process is not None
    return mall.process.ports


async def read_pages(shopper: Shopper, product_id: UUID) -> None:
    """Ask for every page that the benchmarks read, signed in or not."""
    pages: dict[str, dict[str, Any]] = {
        "home": {},
        "dashboard": {},
        "orders": {"s": None, "after": None},
        "list": {"after": None},
        "page": {"id": str(product_id)},
    }
    for name, variables in pages.items():
        assert (await shopper.client.gql(DOCUMENTS[name], variables, shopper.token)).data
    assert (await shopper.client.gql(DOCUMENTS["home"])).data
    for wanted in WAYS_TO_LIST_ORDERS:
        answer = await shopper.client.gql(ORDERS, wanted, shopper.token)
        assert answer.data["me"]["orders"]["totalCount"] == 0
    await sessions.changes_since(datetime.now(UTC))


async def check_out(shopper: Shopper, sku_id: UUID) -> str:
    """Sign in again, fill the cart, quote, place and pay; returns the order's id."""

    async def ask(name: str, variables: dict[str, Any], token: str | None) -> Any:
        answer = await shopper.client.gql(DOCUMENTS[name], variables, token)
        [payload] = answer.data.values()
        assert not payload.get("userErrors"), payload
        return payload

    code = await shopper.wxsim.login_code(shopper.user)
    await ask("sign-in", {"i": {"code": code}}, None)
    added = {"skuId": str(sku_id), "quantity": 2, "idempotencyKey": "add-1"}
    await ask("add", {"i": added}, shopper.token)
    await ask("quote", {"d": {"fromCart": True}}, shopper.token)
    wanted = {"draft": {"fromCart": True}, "idempotencyKey": "place-1"}
    order_id: str = (await ask("place", {"i": wanted}, shopper.token))["order"]["id"]
    await shopper.wxsim.pay(prepay_id=await shopper.prepay(order_id), wait=True)
    await ask("order", {"id": order_id}, shopper.token)
    return order_id


async def be_a_member(shopper: Shopper) -> None:
    """Check in, look at who was invited, read messages, and ask for one's data."""
    for document in AS_A_MEMBER:
        assert (await shopper.client.gql(document, {}, shopper.token)).errors == []


async def redeem_rewards(shopper: Shopper, sku: SkuFacts) -> None:
    """Look at what points buy, redeem a reward of each kind, give two back, and load codes."""
    now = datetime.now(UTC)
    await wallets.earn(shopper.member_id, 1_000, now=now)
    since = now - timedelta(hours=1)
    code = await a_reward(kind=RewardKind.VIRTUAL, points_price=1, starts_at=since)
    assert await reward_admin.add_codes(code, ["AAA-1", "BBB-2"], DATA) == 2
    coupon = await a_reward(starts_at=since, points_price=1, quantity=5, per_member_limit=2)
    goods = await a_goods_reward(sku, starts_at=since, points_price=1, per_member_limit=2)
    for reward_id in (code, coupon, goods):
        wish = {"rewardId": str(reward_id), "quantity": 1, "idempotencyKey": str(reward_id)}
        answer = await shopper.client.gql(REDEEM, {"i": wish}, shopper.token)
        assert answer.data["redeemReward"]["userErrors"] == []
        redemption_id = answer.data["redeemReward"]["redemption"]["id"]
        if reward_id != code:
            wish = {"redemptionId": redemption_id, "idempotencyKey": str(reward_id)}
            answer = await shopper.client.gql(GIVE_UP, {"i": wish}, shopper.token)
            assert answer.data["cancelRedemption"]["userErrors"] == []
    for wanted in WAYS_TO_LIST_REWARDS:
        answer = await shopper.client.gql(REWARDS, wanted, shopper.token)
        assert answer.errors == []


async def take_part_in_campaigns(shopper: Shopper) -> None:
    """Look at all campaigns, claim a piece, ask for a reminder, and open a team."""

    async def ask(document: str, variables: dict[str, Any]) -> Any:
        answer = await shopper.client.gql(document, variables, shopper.token)
        assert answer.errors == []
        return answer.data

    [(item_id, sale_id)] = await db.fetch(
        """
        SELECT item.id, item.sale_id FROM flash_sale_item AS item
        JOIN flash_sale AS sale ON sale.id = item.sale_id
        WHERE sale.state = 'PUBLISHED' AND sale.starts_at < now() LIMIT 1
        """
    )
    wish: dict[str, Any] = {"itemId": str(item_id), "idempotencyKey": "claim"}
    claimed = (await ask(CLAIM, {"i": wish}))["claimFlashSale"]
    assert claimed["userErrors"] == []
    await ask(FOLLOW, {"id": claimed["ticket"]["id"]})
    await ask(REMIND, {"i": {"itemId": str(item_id), "on": True}})
    [(group_buy_id, sku_id, product_id)] = await db.fetch(
        """
        SELECT group_buy_id, sku_id, product_id FROM group_buy_item
        JOIN group_buy ON group_buy.id = group_buy_id LIMIT 1
        """
    )
    draft = {
        "lines": [{"skuId": str(sku_id), "quantity": 1}],
        "groupBuyId": str(group_buy_id),
    }
    placed = (await ask(BUY_TOGETHER, {"i": {"draft": draft, "idempotencyKey": "team"}}))[
        "placeOrder"
    ]
    assert placed["userErrors"] == []
    team_id = placed["order"]["groupBuyTeam"]["id"]
    await ask(CAMPAIGNS, {"sale": str(sale_id), "team": team_id, "sku": str(product_id)})


async def move_points(member_id: UUID) -> None:
    """Have points come, go, come back and be taken back."""
    now = datetime.now(UTC)
    earned = await wallets.earn(member_id, 10, now=now)
    spent = await wallets.spend(member_id, 5, now=now)
    await wallets.give_back(member_id, 5, spent, now=now)
    await wallets.take_back(member_id, 2_000_000, earned, now=now)  # More than there is: a debt.
    pending = await wallets.pend(member_id, 10, now=now)
    await points.release(member_id, source=pending, at=now)


async def run_the_days_steps() -> None:
    """Do a batch of each step of the book's day, months from now: much is due."""
    later = datetime.now(UTC) + timedelta(days=100)
    await points_expiry.remind_due(later, limit=100)
    await checkin_reminders.remind_due(later, limit=100)
    await messages.forget_old(later, limit=100)
    await points_expiry.expire_due(later, limit=100)
    await points_book.roll_up(later)


async def sweep_all(ports: Ports) -> None:
    """Do all that is due, the payment among it."""
    for sweep in sweeps(ports):
        if sweep.name not in MINOR_SWEEPS:
            await sweep.batch(datetime.now(UTC))


@pytest.mark.usefixtures("live")
async def test_no_hot_statement_reads_a_large_table_whole(
    explained: Explained, shopper: Shopper, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(sku_id, product_id)] = await db.fetch("SELECT id, product_id FROM sku LIMIT 1")
    member_id = await db.fetch_value("SELECT member_id FROM points_lot LIMIT 1")
    ears = Ears(monkeypatch)
    await read_pages(shopper, product_id)
    order_id = await check_out(shopper, sku_id)
    await move_points(member_id)
    await be_a_member(shopper)
    await redeem_rewards(shopper, SkuFacts(sku_id, product_id))
    await take_part_in_campaigns(shopper)
    ears.plans_once = False  # A worker's connections plan for the values.
    await sweep_all(ports)
    await run_the_days_steps()
    heard = dict(ears.heard)
    assert len(heard) > 50
    assert (await shopper.order(order_id))["status"] == "AWAITING_SHIPMENT"
    read_whole = {sent.sql: await explained.read_whole(sent) for sent in heard.values()}
    assert {sql: tables for sql, tables in read_whole.items() if tables} == {}
