"""`verify` finds what is wrong: each check is shown a book that it must refuse."""

import pytest

from models import database as db
from services import coupon_claims, shop_purchases
from services.coupon_claims import ClaimCoupon
from services.verification import CHECKS, verify
from tests.factories.coupons import a_campaign
from tests.factories.shop import NOW, a_member, a_sku
from tests.support.graphql import GraphQLClient
from tests.support.shopping import a_shopper, assert_books_agree
from tests.support.simulator import Simulator

pytestmark = pytest.mark.usefixtures("live")

_USE = """
    INSERT INTO points_lot_use (id, lot_id, source_kind, source_id, points, returned, created_at)
    SELECT id, id, 'ORDER', id, {points}, 0, now() FROM points_lot
"""
_TERM = """
    INSERT INTO tier_term (id, member_id, tier_code, since, review_at, since_seq, cause, threshold,
                           growth, period_growth, rule_version_id, due_at, created_at)
    SELECT member.id, member.id, {values}, rule_version.id, {due_at}, now()
    FROM member, rule_version
"""
_REWARD = """
    INSERT INTO reward (id, kind, name, description_html, sku_id, points_price, cash_price_fen,
                        quantity, remaining, position, starts_at, status, created_at)
    SELECT id, {kind}, 'x', '', {sku}, 1, 0, 2, 1, 0, now(), 'PUBLISHED', now() FROM sku
"""
_REDEMPTION = """
    INSERT INTO redemption (id, member_id, reward_id, quantity, returned, points, cash_fen,
                            order_id, status, created_at)
    SELECT id, member_id, id, 1, 0, 1, 0, {order}, {status}, now() FROM sales_order
"""
_CHECK_IN = """
    INSERT INTO check_in (id, member_id, day, run_start, cycle_day, points, growth, made_up, merged,
                          created_at)
    SELECT id, id, '2026-11-22', {run_start}, 1, {points}, 0, false, false, now() FROM member
"""
_SHELF = """
    WITH moved AS (
        UPDATE stock_level SET set_aside = 1, available = available - 1 RETURNING id
    )
    INSERT INTO campaign_stock (id, sku_id, set_aside, available, reserved, sold, returned,
                                updated_at)
    SELECT id, id, 1, 0, {reserved}, {sold}, 0, now() FROM moved
"""
_TEAM = """
    WITH team AS (
        INSERT INTO group_buy_team (id, group_buy_id, leader_id, size, paid_seats, status,
                                    opened_at, expires_at, ended_at)
        SELECT id, id, member_id, 2, {paid}, 'FAILED', now(), now(), now() FROM sales_order
        RETURNING id
    )
"""
_FOR_A_TEAM = """
    {team}, ordered AS (
        UPDATE sales_order SET kind = 'GROUP_BUY', team_id = team.id, status = '{status}'
        FROM team WHERE team.id = sales_order.id RETURNING sales_order.id, member_id
    )
"""
TAMPERING = {
    "rewards.remaining": _REWARD.format(kind="'GOODS'", sku="id"),
    "rewards.codes": _REWARD.format(kind="'VIRTUAL'", sku="NULL"),
    "rewards.counts": """
        INSERT INTO reward_count (id, member_id, reward_id, pieces) SELECT id, id, id, 1 FROM member
    """,
    "rewards.points": _REDEMPTION.format(order="NULL", status="'FULFILLED'"),
    "rewards.orders": _REDEMPTION.format(order="id", status="NULL"),
    "tiers.terms": _TERM.format(
        values="'GOLD', now(), now(), 0, 'UPGRADE', 0, 0, 0", due_at="NULL::timestamptz"
    ),
    "tiers.reviews": f"""
        WITH entry AS (
            UPDATE ledger_entry SET reason = 'TIER_REVIEW', created_at = now(),
                                    account_id = growth.id
            FROM ledger_account AS pending
            JOIN ledger_account AS growth
                ON growth.member_id = pending.member_id AND growth.kind = 'GROWTH'
            WHERE account_id = pending.id AND pending.kind = 'GROWTH_PENDING'
        )
        {
        _TERM.format(values="tier_code, tier_since, NULL, 0, 'DOWN', 0, 9999999, 0", due_at="now()")
    }
    """,
    "tiers.period": _TERM.format(
        values="'GOLD', now(), now(), 0, 'KEPT', 6000, 6000, 5999", due_at="now()"
    ),
    "benefits.points": """
        INSERT INTO benefit_grant (id, member_id, benefit, period, tier_code, points, merged,
                                   rule_version_id, created_at)
        SELECT member.id, member.id, 'UPGRADE_GIFT', 'SILVER', 'SILVER', 100, false,
               rule_version.id, now()
        FROM member, rule_version
    """,
    "benefits.coupons": """
        INSERT INTO coupon (id, member_id, terms_id, status, code, is_for_shipping, valid_from,
                            valid_until, origin, origin_id, points_paid, merged, created_at)
        SELECT id, id, id, 'USABLE', right(id::text, 12), false, now(),
               now() + interval '1 day', 'BENEFIT', id, 0, false, now()
        FROM member
    """,
    "ledger.balances": "UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'PENDING'",
    "ledger.running": "UPDATE ledger_entry SET balance_after = balance_after + 1 WHERE seq = 1",
    "ledger.balanced": "UPDATE ledger_entry SET delta = delta + 1 WHERE seq IS NULL",
    "ledger.units": "UPDATE ledger_account SET unit = 'GROWTH' WHERE kind = 'PENDING'",
    "points.lots": "UPDATE points_lot SET remaining = remaining - 1",
    "points.earned": "UPDATE ledger_account SET earned = earned + 1 WHERE kind = 'SPENDABLE'",
    "points.expired": "UPDATE points_lot SET remaining = remaining - 1, expired = 1",
    "points.spent": _USE.format(points=1),
    "points.uses": _USE.format(points=1_000_000),
    "points.debt": "UPDATE ledger_account SET balance = 1 WHERE kind = 'DEBT'",
    "points.debt_first": """
        WITH owing AS (UPDATE ledger_account SET balance = 1 WHERE kind = 'DEBT')
        UPDATE points_lot SET is_pending = false, expires_at = '2999-01-01'
    """,
    "points.rollup": """
        INSERT INTO ledger_rollup (id, total, reached_id, rolled_at)
        SELECT id, 1, 'ffffffff-ffff-ffff-ffff-ffffffffffff', now() FROM ledger_account
        WHERE kind = 'ISSUED'
    """,
    "stock.reserved": "UPDATE stock_level SET reserved = reserved + 1, available = available - 1",
    "stock.sold": "UPDATE stock_level SET sold = sold + 1, available = available - 1",
    "stock.set_aside": "UPDATE stock_level SET set_aside = 1, available = available - 1",
    "stock.campaigns_reserved": _SHELF.format(reserved=1, sold=0),
    "stock.campaigns_sold": _SHELF.format(reserved=0, sold=1),
    "flash.tickets": "UPDATE sales_order SET kind = 'FLASH_SALE'",
    "flash.quotas": """
        INSERT INTO flash_quota (id, item_id, member_id, pieces) SELECT id, id, id, 1 FROM member
    """,
    "flash.shelves": """
        WITH sale AS (
            INSERT INTO flash_sale (id, name, name_en, starts_at, ends_at, state, needs_captcha,
                                    config_version, published_at, close_due_at, created_at)
            SELECT id, '', '', now(), now() + interval '1 hour', 'PUBLISHED', false, 1, now(),
                   now(), now()
            FROM sku RETURNING id
        )
        INSERT INTO flash_sale_item (id, sale_id, sku_id, price_fen, quantity, per_member_limit,
                                     buckets, position)
        SELECT id, id, id, 1, 1, 1, 1, 0 FROM sale
    """,
    "group.paid_seats": _TEAM.format(paid=1) + "SELECT id FROM team",
    "group.seats": _TEAM.format(paid=0)
    + """
        INSERT INTO group_buy_seat (id, team_id, position, member_id, order_id, status, held_until,
                                    joined_at, merged)
        SELECT o.id, team.id, 0, o.member_id, o.id, 'HELD', now(), now(), false
        FROM team JOIN sales_order AS o ON o.id = team.id
    """,
    "group.orders": _FOR_A_TEAM.format(team=_TEAM.format(paid=0), status="AWAITING_TEAM")
    + "SELECT id FROM ordered",
    "group.money": "UPDATE sales_order SET cancel_reason = 'TEAM_FULL'",
    "group.refunds": _FOR_A_TEAM.format(team=_TEAM.format(paid=0), status="REFUNDED")
    + "SELECT id FROM ordered",
    "group.counts": """
        INSERT INTO group_buy_count (id, group_buy_id, member_id, pieces) SELECT id, id, id, 1
        FROM member
    """,
    "group.newcomers": _FOR_A_TEAM.format(team=_TEAM.format(paid=0), status="REFUNDED")
    + """
        INSERT INTO group_buy_newcomer (id, member_id, order_id)
        SELECT id, member_id, id FROM ordered
    """,
    "orders.lines": "UPDATE order_line SET quantity = 2, payable_fen = payable_fen * 2",
    "orders.units": "UPDATE order_line SET units = jsonb_set(units, '{0,0}', '2')",
    "orders.money": "UPDATE payment SET amount_fen = amount_fen + 1",
    "orders.points": "UPDATE sales_order SET points_earned = points_earned + 1",
    "orders.reversals": "UPDATE order_line SET refunded_quantity = 1",
    "orders.pending": "UPDATE sales_order SET finalized_at = now()",
    "orders.growth": "UPDATE ledger_account SET balance = 1 WHERE kind = 'GROWTH_PENDING'",
    "orders.coupons": """
        UPDATE sales_order
        SET discounts = jsonb_build_array(jsonb_build_object('kind', 'COUPON', 'source_id', id))
    """,
    "shop.earned": "UPDATE shop_purchase SET points = points + 1",
    "shop.returned": "UPDATE shop_purchase SET refunded_fen = refunded_fen + 1",
    "coupons.claimed": "UPDATE coupon_campaign SET claimed = claimed + 1",
    "coupons.orders": """
        UPDATE coupon SET status = 'RESERVED', order_id = (SELECT id FROM sales_order)
    """,
    "coupons.snapshot": "UPDATE coupon SET is_for_shipping = true",
    "coupons.codes": "UPDATE coupon SET origin = 'CODE'",
    "coupons.points": "UPDATE coupon SET points_paid = 1",
    "coupons.grants": """
        INSERT INTO coupon_grant (id, campaign_id, name, total, done, status, created_at)
        SELECT id, id, '', 1, 0, 'RUNNING', now() FROM coupon_campaign
    """,
    "checkin.runs": _CHECK_IN.format(run_start="'2026-11-21'", points=0),
    "checkin.given": _CHECK_IN.format(run_start="'2026-11-22'", points=5),
    "invitations.points": """
        INSERT INTO invitation_reward (id, invitee_id, inviter_id, day, seat, inviter_points,
                                       invitee_points, created_at)
        SELECT id, id, id, '2026-11-22', 1, 100, 100, now() FROM member
    """,
    "purchases.limits": "UPDATE purchase_count SET pieces = pieces + 1",
}
"""A change for each check that the schema itself lets through, once its triggers are off."""


@pytest.fixture
async def paid_order(client: GraphQLClient, wxsim: Simulator) -> None:
    await shop_purchases.record(
        shop_purchases.ShopPurchase("till", "1", await a_member(), None, 9_900, NOW)
    )
    shopper = await a_shopper(client, wxsim)
    wish = ClaimCoupon(shopper.member_id, await a_campaign(quantity=5), "k")
    await coupon_claims.claim(wish, now=NOW)
    order = await shopper.place(await a_sku(9_900, limit=5))
    await wxsim.pay(prepay_id=await shopper.prepay(order["id"]))
    assert (await shopper.refresh(order["id"]))["order"]["status"] == "AWAITING_SHIPMENT"


def test_each_check_is_tried() -> None:
    by_constraint = {"stock.equation"}  # A CHECK refuses whatever would break it.
    assert {check.name for check in CHECKS} == set(TAMPERING) | by_constraint


@pytest.mark.usefixtures("paid_order")
@pytest.mark.parametrize("name", TAMPERING)
async def test_what_was_tampered_with_is_found(name: str) -> None:
    await assert_books_agree()
    async with db.in_transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        assert await db.execute(TAMPERING[name]) > 0
    findings = {finding.check.name: finding for finding in await verify()}
    assert not findings[name].is_clean
    assert findings[name].rows
