"""The database really refuses what it promises to refuse: each constraint is broken once.

A whole valid row of every table is made from its columns' types; then one thing about it is made
wrong, and exactly the constraint that is named for it must say no. A new CHECK or UNIQUE constraint
fails these tests until it is broken here too.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import pytest

from models.ids import new_id
from tests.architecture import promises

_numbers = itertools.count(1)

_VALUES: dict[str, Callable[[], str]] = {
    "bigint": lambda: "0",
    "boolean": lambda: "false",
    "bytea": lambda: f"'\\x{next(_numbers):08x}'",
    "character varying": lambda: f"'{next(_numbers)}'",
    "date": lambda: "'2026-11-22'",
    "double precision": lambda: "0",
    "integer": lambda: "0",
    "jsonb": lambda: "'{}'",
    "smallint": lambda: "0",
    "text": lambda: "''",
    "timestamp with time zone": lambda: "'2026-11-22T04:00:00Z'",
    "uuid": lambda: f"'{new_id()}'",
}
"""A value for each type, as SQL; texts, bytes and ids differ from one another."""

_NEEDS: dict[str, dict[str, str]] = {
    "cart_line": {"quantity": "1"},
    "coupon": {"valid_until": "'2026-11-23T04:00:00Z'"},
    "coupon_campaign": {"per_member_limit": "1", "claim_until": "'2026-11-23T04:00:00Z'"},
    "coupon_template": {"valid_days": "1"},
    "coupon_terms": {"pay_bps": "10000"},
    "check_in": {"cycle_day": "1"},
    "flash_sale": {"state": "'DRAFT'", "ends_at": "'2026-11-23T04:00:00Z'"},
    "flash_sale_item": {"quantity": "1", "per_member_limit": "1", "buckets": "1"},
    "flash_ticket": {"quantity": "1", "status": "'ORDERED'"},
    "group_buy": {
        "ends_at": "'2026-11-23T04:00:00Z'",
        "team_size": "2",
        "team_hours": "1",
        "per_member_limit": "1",
        "close_due_at": "now()",
    },
    "group_buy_seat": {"position": "(SELECT count(*) FROM group_buy_seat)"},
    "group_buy_team": {"size": "2", "status": "'FORMING'", "due_at": "now()"},
    "invitation_reward": {"refused": "'DAILY_CAP'"},
    "ledger_entry": {"delta": "1"},
    "order_line": {"quantity": "1"},
    "payment": {"amount_fen": "1"},
    "payment_case": {"amount_fen": "1"},
    "points_lot": {"is_pending": "true"},
    "points_lot_use": {"points": "1"},
    "promotion": {
        "scope_kind": "'ALL'",
        "scope_ids": "'[]'",
        "ends_at": "'2026-11-23T04:00:00Z'",
    },
    "redemption": {"quantity": "1", "points": "1", "status": "'FULFILLED'"},
    "reward": {"points_price": "1"},
    "rule_version": {"number": "1"},
    "shop_purchase": {"amount_fen": "1"},
    "shop_return": {"amount_fen": "1"},
    "tier_term": {"cause": "'UPGRADE'"},
    "upload": {"bytes": "1"},
}
"""What a valid row needs that its types don't say."""

BREAKS: dict[str, list[str]] = {
    "member_merged_into_check": ["status = 'MERGED'", f"merged_into_id = '{UUID(int=1)}'"],
    "member_phone_check": ["phone_hash = '\\x01'", "phone_encrypted = '\\x01'"],
    "member_lifetime_growth_check": ["lifetime_growth = -1"],
    "member_left_check": [
        "left_at = now()",
        "status = 'LEFT', left_at = now(), leaves_at = now()",
    ],
    "check_in_run_check": ["run_start = day + 1"],
    "check_in_cycle_day_check": ["cycle_day = 0"],
    "check_in_made_up_check": [
        "made_up = true",
        "make_up_seat = 1",
        "act_month = '2026-11'",
        "made_up = true, act_month = '2026-11'",
    ],
    "check_in_given_check": [
        "points = -1",
        "growth = -1",
        *(
            f"made_up = true, make_up_seat = 1, act_month = '2026-11', {given}"
            for given in ("points = 1", "growth = 1", f"coupon_id = '{UUID(int=1)}'")
        ),
    ],
    "invitation_reward_points_check": ["inviter_points = -1", "invitee_points = -1"],
    "invitation_reward_refused_check": [
        "refused = NULL",
        "seat = 1",
        "inviter_points = 1",
    ],
    "data_export_content_check": ["status = 'READY'", "content_encrypted = '\\x01'"],
    "data_export_due_check": ["due_at = now()", "status = 'PREPARING'"],
    "member_merge_two_check": ["loser_id = survivor_id"],
    "session_generation_check": ["generation = -1"],
    "sms_code_attempts_check": ["attempts_left = -1"],
    "upload_bytes_check": ["bytes = 0"],
    "category_parent_check": ["parent_id = id"],
    "product_sold_check": ["sold = -1"],
    "product_price_range_check": ["min_price_fen = -1", "min_price_fen = 2, max_price_fen = 1"],
    "purchase_count_pieces_check": ["pieces = -1"],
    "sku_price_check": ["price_fen = -1", "price_fen = 9007199254740992"],
    "sku_label_price_check": [
        "label_price_fen = 1",
        "label_kind = 'TAG'",
        "label_price_fen = 0, label_kind = 'TAG'",
    ],
    "sku_weight_check": ["weight_grams = -1"],
    "sku_purchase_limit_check": ["purchase_limit = 0"],
    "sku_daily_low_price_check": ["price_fen = -1"],
    "sku_tier_price_check": ["price_fen = -1"],
    "stock_level_equation_check": ["available = 1", "initial = 1", "restocked = 1, sold = 2"],
    "stock_level_positive_check": [
        f"{part} = -1, adjusted = {sign}1"
        for part, sign in [
            ("initial", ""),
            ("restocked", ""),
            ("available", "-"),
            ("reserved", "-"),
            ("sold", "-"),
            ("set_aside", "-"),
        ]
    ],
    "campaign_stock_equation_check": ["available = 1", "set_aside = 1"],
    "campaign_stock_positive_check": [
        "set_aside = -1, returned = -1",
        *(f"{part} = -1, set_aside = -1" for part in ("available", "reserved", "sold")),
    ],
    "campaign_stock_closed_check": ["closed_at = now(), set_aside = 1, available = 1"],
    "flash_sale_window_check": ["ends_at = starts_at"],
    "flash_sale_published_check": ["published_at = now()", "state = 'CLOSED'"],
    "flash_sale_close_check": [
        "close_due_at = now()",
        *(f"state = '{state}', published_at = now()" for state in ("PUBLISHED", "PAUSED")),
        "state = 'CLOSED', published_at = now(), close_due_at = now()",
    ],
    "flash_sale_item_price_check": ["price_fen = -1", "price_fen = 9007199254740992"],
    "flash_sale_item_quantity_check": ["quantity = 0"],
    "flash_sale_item_limit_check": ["per_member_limit = 0", "per_member_limit = 100"],
    "flash_sale_item_buckets_check": ["buckets = 0", "buckets = 65"],
    "flash_ticket_quantity_check": ["quantity = 0", "quantity = 100"],
    "flash_ticket_status_check": ["status = 'QUEUED'"],
    "flash_ticket_reason_check": ["reason = 'LOST'", "status = 'REJECTED'"],
    "flash_quota_pieces_check": ["pieces = -1"],
    "group_buy_window_check": ["ends_at = starts_at"],
    "group_buy_team_check": [
        *("team_size = 1", "team_size = 101"),
        *("team_hours = 0", "team_hours = 169"),
    ],
    "group_buy_limit_check": ["per_member_limit = 0"],
    "group_buy_close_check": ["close_due_at = NULL", "state = 'CLOSED'"],
    "group_buy_item_price_check": ["price_fen = -1", "price_fen = 9007199254740992"],
    "group_buy_team_seats_check": ["paid_seats = -1", "paid_seats = 3"],
    "group_buy_team_succeeded_check": [
        "paid_seats = 2",
        "status = 'SUCCEEDED', due_at = NULL, ended_at = now()",
    ],
    "group_buy_team_forming_check": [
        "due_at = NULL",
        "ended_at = now()",
        "status = 'FAILED'",
        "status = 'FAILED', due_at = NULL",
        "status = 'FAILED', ended_at = now()",
    ],
    "group_buy_seat_position_check": ["position = -1"],
    "group_buy_seat_paid_check": ["paid_at = now()", "status = 'PAID'"],
    "group_buy_seat_refund_check": ["refund_due_at = now()"],
    "group_buy_count_pieces_check": ["pieces = -1"],
    "store_position_check": ["latitude = 90.1", "latitude = -90.1", "longitude = 180.1"],
    "cart_line_quantity_check": ["quantity = 0", "quantity = 100"],
    "sales_order_positive_check": [
        *(f"{part} = -1" for part in ("points_spent", "points_earned", "growth_earned")),
        "goods_total_fen = -1, shipping_fen = 1",
        "discount_total_fen = -1, payable_fen = 1",
        "shipping_fen = -1, goods_total_fen = 1",
        "points_off_fen = -1, payable_fen = 1",
        "payable_fen = -1, points_off_fen = 1",
    ],
    "sales_order_payable_check": ["payable_fen = 1", "goods_total_fen = 2, payable_fen = 1"],
    "sales_order_refunded_check": ["refunded_fen = 1", "refunded_fen = -1", "paid_fen = -1"],
    "sales_order_bound_check": [
        "goods_total_fen = 9007199254740992, payable_fen = 9007199254740992"
    ],
    "sales_order_timeout_check": ["status = 'AWAITING_PAYMENT'", "timeout_due_at = now()"],
    "sales_order_refunds_check": ["refunds_open = -1"],
    "sales_order_team_check": ["kind = 'GROUP_BUY'"],
    "sales_order_finality_check": [
        "finality_due_at = now()",
        "finality_due_at = now(), final_at = now(), finalized_at = now()",
    ],
    "order_reversal_positive_check": [
        f"{part} = -1"
        for part in (
            *("goods_fen", "shipping_fen"),
            *("points_returned", "points_taken", "growth_taken"),
        )
    ],
    "order_line_withdrawn_quantity_check": ["withdrawn_quantity = 1", "withdrawn_quantity = -1"],
    "order_line_quantity_check": ["quantity = 0", "quantity = 100"],
    "order_line_refunded_quantity_check": [
        "refunded_quantity = 2",
        "refunded_quantity = -1, withdrawn_quantity = -1",
    ],
    "order_line_payable_check": [
        "payable_fen = 1",
        "unit_price_fen = 1, discount_total_fen = 2, payable_fen = -1",
        "discount_total_fen = -1, payable_fen = 1",
        "points_off_fen = -1, payable_fen = 1",
    ],
    "order_line_refunded_check": ["refunded_fen = 1", "refunded_fen = -1"],
    "payment_amount_check": ["amount_fen = 0"],
    "payment_succeeded_check": ["status = 'SUCCEEDED'", "transaction_id = '1'"],
    "payment_case_amount_check": ["amount_fen = 0"],
    "rule_version_number_check": ["number = 0"],
    "tier_term_growth_check": ["growth = -1"],
    "tier_term_due_check": ["due_at = now()", "cause = 'KEPT'", "cause = 'DOWN'"],
    "tier_rise_risen_check": ["risen = -1"],
    "benefit_grant_points_check": ["points = -1"],
    "day_run_pieces_check": ["pieces = -1"],
    "ledger_account_owner_check": ["balance = 0", f"member_id = '{UUID(int=1)}'"],
    "ledger_account_balance_check": [f"member_id = '{UUID(int=1)}', balance = -1"],
    "ledger_account_earned_check": ["earned = -1"],
    "ledger_entry_delta_check": ["delta = 0"],
    "ledger_entry_balance_check": ["balance_after = -1"],
    "points_lot_remaining_check": ["remaining = -1"],
    "points_lot_pending_check": ["is_pending = false", "expires_at = now()"],
    "points_lot_expired_check": [
        "remaining = 1",
        "expired = -1",
        "expired = 1",
        "forgiven = -1",
        "forgiven = 1",
    ],
    "points_lot_written_off_check": ["earned = 1, remaining = 1, written_off_at = now()"],
    "points_cap_count_points_check": ["points = -1"],
    "points_lot_use_points_check": ["points = 0"],
    "coupon_terms_positive_check": [
        *(f"{part} = -1" for part in ("amount_off_fen", "min_spend_fen", "min_pieces")),
        "max_off_fen = 0",
    ],
    "coupon_terms_percent_check": [
        "pay_bps = 0, kind = 'PERCENT_OFF'",
        "pay_bps = 8800",
        "kind = 'PERCENT_OFF'",
        "pay_bps = 10001",
    ],
    "coupon_terms_amount_check": ["kind = 'AMOUNT_OFF'", "amount_off_fen = 1"],
    "coupon_terms_gift_check": ["kind = 'GIFT'", f"gift_sku_id = '{UUID(int=1)}'"],
    "coupon_template_form_check": [
        "valid_days = NULL",
        "valid_from = now() - interval '1 day', valid_until = now()",
        "valid_days = NULL, valid_from = now()",
        "valid_until = now()",
    ],
    "coupon_template_window_check": [
        "valid_days = 0",
        "valid_days = NULL, valid_from = now(), valid_until = now()",
    ],
    "coupon_campaign_claimed_check": ["claimed = -1", "claimed = 2, quantity = 1"],
    "coupon_campaign_window_check": ["claim_until = claim_from"],
    "coupon_campaign_limit_check": ["per_member_limit = 0", "per_member_limit = 101"],
    "coupon_campaign_price_check": ["points_price = -1", "points_price = 1, kind = 'CODE'"],
    "coupon_campaign_event_check": [
        "kind = 'EVENT'",
        "event_min_paid_fen = 1",
        "kind = 'EVENT', event_min_paid_fen = 0",
        f"kind = 'EVENT', event_category_id = '{UUID(int=1)}'",
        "kind = 'EVENT', event_min_paid_fen = 1, event_pieces = 1",
        f"kind = 'EVENT', event_category_id = '{UUID(int=1)}', event_pieces = 0",
    ],
    "coupon_window_check": ["valid_until = valid_from"],
    "coupon_held_check": [f"order_id = '{UUID(int=1)}'", f"purchase_id = '{UUID(int=1)}'"],
    "coupon_reserved_check": ["status = 'RESERVED'"],
    "coupon_used_check": ["status = 'USED'", "used_at = now()"],
    "coupon_status_check": ["status = 'NOT_YET_VALID'"],
    "coupon_points_paid_check": ["points_paid = -1"],
    "exchange_code_used_check": ["used_at = now()", f"coupon_id = '{UUID(int=1)}'"],
    "coupon_grant_done_check": ["done = -1", "done = 1"],
    "coupon_grant_finished_check": ["status = 'FINISHED'", "finished_at = now()"],
    "coupon_grant_item_check": [f"coupon_id = '{UUID(int=1)}', refused = 'NOT_ALLOWED'"],
    "points_lot_use_returned_check": ["returned = 2", "returned = -1"],
    "shop_purchase_amount_check": ["amount_fen = 0", "amount_fen = 9007199254740992"],
    "shop_purchase_refunded_check": ["refunded_fen = -1", "refunded_fen = 2"],
    "shop_purchase_earned_check": ["points = -1", "growth = -1"],
    "shop_return_amount_check": ["amount_fen = 0"],
    "shop_return_taken_check": ["points = -1", "growth = -1"],
    "promotion_window_check": ["ends_at = starts_at"],
    "promotion_scope_check": ["scope_kind = 'PRODUCTS'", "scope_ids = '[1]'"],
    "reward_goods_check": ["kind = 'GOODS'", f"sku_id = '{UUID(int=1)}'"],
    "reward_coupon_check": [
        "kind = 'COUPON'",
        f"terms_id = '{UUID(int=1)}'",
        "valid_days = 1",
        f"kind = 'COUPON', terms_id = '{UUID(int=1)}'",
        f"kind = 'COUPON', terms_id = '{UUID(int=1)}', valid_days = 0",
    ],
    "reward_price_check": ["points_price = 0", "cash_price_fen = 1", "cash_price_fen = -1"],
    "reward_remaining_check": [
        "quantity = 1",
        "remaining = 1",
        "quantity = 1, remaining = 2",
        "quantity = 1, remaining = -1",
    ],
    "reward_virtual_check": ["kind = 'VIRTUAL'"],
    "reward_limit_check": ["per_member_limit = 0"],
    "reward_window_check": ["ends_at = starts_at"],
    "reward_count_pieces_check": ["pieces = -1"],
    "redemption_quantity_check": ["quantity = 100", "returned = -1", "returned = 2"],
    "redemption_price_check": ["points = 0", "cash_fen = 1", "cash_fen = -1"],
    "redemption_status_check": [
        "status = NULL",
        f"order_id = '{UUID(int=1)}'",
        "status = 'REFUNDED'",
    ],
    "redemption_cancelled_check": [
        "status = 'CANCELLED'",
        "cancelled_at = now()",
        "returned = 1",
        "status = 'CANCELLED', cancelled_at = now()",
    ],
}
"""Every CHECK, and changes of a valid row that it alone must refuse."""

COMPANIONS: dict[str, dict[str, str]] = {
    "redemption_order_key": {"status": "NULL"},
    "tier_term_review_key": {"cause": "'KEPT'"},
    "check_in_make_up_key": {"made_up": "true", "merged": "true"},
    "invitation_reward_seat_key": {"refused": "NULL"},
    "member_phone_hash_key": {"phone_encrypted": "'\\x01'"},
    "ledger_account_member_key": {"balance": "0"},
    "payment_transaction_key": {"status": "'SUCCEEDED'"},
    "exchange_code_coupon_key": {"used_at": "now()"},
}
"""What else a row needs when a unique column that may be null is filled."""

ONE_OF_A_KIND: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "benefit_grant_key": (
        "benefit_grant",
        {"benefit": "'BIRTHDAY_COUPON'", "period": "'2026'", "merged": "false"},
        {"benefit": "'BIRTHDAY_COUPON'", "period": "'2026'", "merged": "true"},
    ),
    "address_default_key": ("address", {"is_default": "true"}, {"is_default": "false"}),
    "payment_open_key": ("payment", {"status": "'PREPAID'"}, {"status": "'CLOSED'"}),
    "scene_invitation_key": ("scene", {"kind": "'INVITATION'"}, {"kind": "'PRODUCT'"}),
    "check_in_day_key": ("check_in", {"merged": "false"}, {"merged": "true"}),
    "group_buy_team_open_key": (
        "group_buy_team",
        {"leader_id": f"'{UUID(int=1)}'"},
        {
            "leader_id": f"'{UUID(int=1)}'",
            "status": "'FAILED'",
            "due_at": "NULL",
            "ended_at": "now()",
        },
    ),
    "group_buy_seat_member_key": (
        "group_buy_seat",
        {"member_id": f"'{UUID(int=1)}'", "merged": "false"},
        {"member_id": f"'{UUID(int=1)}'", "merged": "true"},
    ),
    "data_export_open_key": (
        "data_export",
        {"status": "'PREPARING'", "due_at": "now()"},
        {"status": "'EXPIRED'"},
    ),
}
"""Partial unique indexes: table, what two rows of one owner may not both be, what they may."""

_OWNERS = {
    "address": "member_id",
    "benefit_grant": "member_id",
    "check_in": "member_id",
    "coupon": "member_id",
    "data_export": "member_id",
    "group_buy_seat": "team_id",
    "group_buy_team": "group_buy_id",
    "payment": "order_id",
    "scene": "inviter_id",
}


@pytest.fixture
async def rows(database: str) -> AsyncIterator[Rows]:
    """Rows of a transaction that is undone in the end."""
    connection = await asyncpg.connect(database)
    transaction = connection.transaction()
    await transaction.start()
    yield Rows(connection)
    await transaction.rollback()
    await connection.close()


@pytest.fixture
async def free_rows(rows: Rows) -> Rows:
    """The same, where references need not exist and triggers sleep."""
    await rows.sleep()
    return rows


class Rows:
    """Inserts valid rows, and tries what must be refused."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def insert(self, table: str, **given: str) -> UUID:
        """Insert a valid row with these columns (as SQL) and return its id."""
        row_id: UUID = await self._connection.fetchval(
            f"{_insert_statement(table, **given)} RETURNING id"
        )
        return row_id

    async def refusal(self, statement: str) -> tuple[str, str | None]:
        """Return the kind of refusal, and the constraint or column that it names."""
        try:
            async with self._connection.transaction():
                await self._connection.execute(statement)
        except asyncpg.IntegrityConstraintViolationError as refused:
            return type(refused).__name__, refused.constraint_name or refused.column_name
        raise AssertionError(f"It was taken: {statement}")

    async def sleep(self) -> None:
        """Let triggers and references sleep; constraints don't."""
        await self._connection.execute("SET LOCAL session_replication_role = 'replica'")

    async def wake(self) -> None:
        """Have triggers and references watch again."""
        await self._connection.execute("SET LOCAL session_replication_role = 'origin'")


def _insert_statement(table: str, **given: str) -> str:
    row = {
        column.name: _value(column.type)
        for column in promises.columns()
        if column.table == table and not column.nullable
    }
    row |= _NEEDS.get(table, {}) | given
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def _value(type_name: str) -> str:
    return _VALUES[type_name.partition("(")[0]]()


async def test_a_new_constraint_is_broken_here_too(database: str) -> None:
    assert set(BREAKS) == set(promises.checks())
    assert set(COMPANIONS) <= set(promises.unique_constraints())


async def test_every_check_refuses(free_rows: Rows) -> None:
    for name, (table, _condition) in promises.checks().items():
        row_id = await free_rows.insert(table)
        for change in BREAKS[name]:
            told = await free_rows.refusal(f"UPDATE {table} SET {change} WHERE id = '{row_id}'")
            assert told == ("CheckViolationError", name), change


async def test_every_not_null_column_refuses_null(free_rows: Rows) -> None:
    for table in promises.tables():
        row_id = await free_rows.insert(table)
        for column in promises.columns():
            if column.table == table and not column.nullable:
                change = f"UPDATE {table} SET {column.name} = NULL WHERE id = '{row_id}'"
                told = await free_rows.refusal(change)
                assert told == ("NotNullViolationError", column.name), (table, column.name)


async def test_every_unique_constraint_refuses_the_second(free_rows: Rows) -> None:
    for name, (table, columns) in promises.unique_constraints().items():
        types = {column.name: column.type for column in promises.columns() if column.table == table}
        same = {column: _value(types[column]) for column in columns}
        given = COMPANIONS.get(name, {}) | same
        await free_rows.insert(table, **given)
        told = await free_rows.refusal(_insert_statement(table, **given))
        assert told == ("UniqueViolationError", name)
        for column in columns:  # Numbers and days are the same each time; ids and texts are not.
            if (other := _value(types[column])) != same[column]:
                await free_rows.insert(table, **{**given, column: other})


async def test_every_unique_column_refuses_the_second(free_rows: Rows) -> None:
    for table, column in promises.unique_columns():
        row_id = await free_rows.insert(table)
        taken = f"(SELECT {column} FROM {table} WHERE id = '{row_id}')"
        told = await free_rows.refusal(_insert_statement(table, **{column: taken}))
        assert told == ("UniqueViolationError", f"{table}_{column}_key")


@pytest.mark.parametrize("name", ONE_OF_A_KIND)
async def test_one_of_a_kind(free_rows: Rows, name: str) -> None:
    table, narrow, wide = ONE_OF_A_KIND[name]
    owner = {_OWNERS[table]: f"'{new_id()}'"}
    await free_rows.insert(table, **owner, **narrow)
    told = await free_rows.refusal(_insert_statement(table, **owner, **narrow))
    assert told == ("UniqueViolationError", name)
    await free_rows.insert(table, **owner, **wide)
    await free_rows.insert(table, **owner, **wide)


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_transaction"])
async def test_the_book_is_append_only(free_rows: Rows, table: str) -> None:
    row_id = await free_rows.insert(table)
    await free_rows.wake()
    changes = (
        f"UPDATE {table} SET created_at = created_at WHERE id = '{row_id}'",
        f"DELETE FROM {table} WHERE id = '{row_id}'",
        f"TRUNCATE {table} CASCADE",
    )
    for change in changes:
        assert await free_rows.refusal(change) == ("RestrictViolationError", None), change


async def test_what_a_person_agreed_to_never_changes(free_rows: Rows) -> None:
    row_id = await free_rows.insert("consent")
    await free_rows.wake()
    changes = (
        f"UPDATE consent SET given = NOT given WHERE id = '{row_id}'",
        f"UPDATE consent SET version = '2' WHERE id = '{row_id}'",
        f"DELETE FROM consent WHERE id = '{row_id}'",
        "TRUNCATE consent",
    )
    for change in changes:
        assert await free_rows.refusal(change) == ("RestrictViolationError", None), change


async def test_a_row_that_is_referred_to_stays(rows: Rows) -> None:
    """Every foreign key restricts: the catalogue's test says so, and here one does."""
    member_id = await rows.insert("member")
    await rows.insert("address", member_id=f"'{member_id}'")
    kind, constraint = await rows.refusal("DELETE FROM member")
    # PostgreSQL 18 calls it by the standard's name, those before by the general one.
    assert kind in ("RestrictViolationError", "ForeignKeyViolationError")
    assert constraint == "address_member_id_fkey"
    nobody = _insert_statement("address", member_id=f"'{UUID(int=0)}'")
    assert await rows.refusal(nobody) == ("ForeignKeyViolationError", "address_member_id_fkey")
