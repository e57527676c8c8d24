"""PostgreSQL's own catalogue holds exactly what the models promise, and nothing else.

Tortoise writes no SQL for constraints of a table that is new in the same migration, and knows no
partial index: a promise that never reached the database would show nowhere else.
"""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

import pytest

from domain.ledger import MEMBER_ACCOUNTS, SYSTEM_ACCOUNTS, AccountKind
from models import database as db
from tests.architecture import promises
from tests.architecture.promises import Column, ForeignKey

pytestmark = pytest.mark.usefixtures("database")

_OURS = """
    class.relnamespace = 'public'::regnamespace AND class.relkind = 'r'
    AND class.relname NOT LIKE 'procrastinate\\_%' AND class.relname <> 'tortoise_migrations'
"""
"""The job queue's tables and the migrations' own record come from elsewhere."""

PARTIAL_INDEXES = {
    # One of a kind.
    "address_default_key": "UNIQUE address (member_id) WHERE is_default AND deleted_at IS NULL",
    "payment_open_key": "UNIQUE payment (order_id) WHERE status IN ('STARTED', 'PREPAID')",
    "scene_invitation_key": "UNIQUE scene (inviter_id) WHERE kind = 'INVITATION'",
    "coupon_order_place_key": (
        "UNIQUE coupon (order_id, is_for_shipping) WHERE order_id IS NOT NULL"
    ),
    "check_in_day_key": "UNIQUE check_in (member_id, day) WHERE NOT merged",
    "data_export_open_key": "UNIQUE data_export (member_id) WHERE status = 'PREPARING'",
    "benefit_grant_key": "UNIQUE benefit_grant (member_id, benefit, period) WHERE NOT merged",
    "group_buy_team_open_key": (
        "UNIQUE group_buy_team (group_buy_id, leader_id) WHERE status = 'FORMING'"
    ),
    "group_buy_seat_member_key": "UNIQUE group_buy_seat (team_id, member_id) WHERE NOT merged",
    # Due work: each sweep reads one of these.
    "flash_sale_close_due": "flash_sale (close_due_at) WHERE close_due_at IS NOT NULL",
    "flash_reminder_open": "flash_reminder (item_id) WHERE told_at IS NULL",
    "group_buy_close_due": "group_buy (close_due_at) WHERE close_due_at IS NOT NULL",
    "group_buy_team_due": "group_buy_team (due_at) WHERE due_at IS NOT NULL",
    "group_buy_seat_refund_due": "group_buy_seat (refund_due_at) WHERE refund_due_at IS NOT NULL",
    "member_review_due": (
        "member (tier_review_at, id) WHERE tier_review_at IS NOT NULL AND status = 'ACTIVE'"
    ),
    "member_warning_due": (
        "member (tier_review_at, id)"
        " WHERE tier_review_at IS NOT NULL AND tier_warned_at IS NULL AND status = 'ACTIVE'"
    ),
    "data_export_due": "data_export (due_at, id) WHERE due_at IS NOT NULL",
    "data_export_expiry_due": "data_export (expires_at) WHERE status = 'READY'",
    "member_invitation_due": ("member (invitation_due_at, id) WHERE invitation_due_at IS NOT NULL"),
    "member_leaving_due": "member (leaves_at, id) WHERE leaves_at IS NOT NULL",
    "sales_order_timeout_due": "sales_order (timeout_due_at) WHERE timeout_due_at IS NOT NULL",
    "sales_order_finality_due": (
        "sales_order (finality_due_at, id) WHERE finality_due_at IS NOT NULL AND refunds_open = 0"
    ),
    "sales_order_events_due": "sales_order (events_due_at, id) WHERE events_due_at IS NOT NULL",
    "payment_query_due": "payment (query_due_at) WHERE query_due_at IS NOT NULL",
    "wechat_event_due": "wechat_event (due_at) WHERE due_at IS NOT NULL",
    "upload_unused_due": "upload (expires_at) WHERE status = 'PENDING'",
    "points_lot_spendable": (
        "points_lot (member_id, expires_at, id) INCLUDE (remaining)"
        " WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL"
    ),
    "points_lot_expiry_due": (
        "points_lot (expires_at, id)"
        " WHERE NOT is_pending AND remaining > 0 AND written_off_at IS NULL"
    ),
    "coupon_expiry_due": "coupon (valid_until, id) WHERE status = 'USABLE'",
    "coupon_reminder_due": (
        "coupon (valid_until, id) WHERE status = 'USABLE' AND reminded_at IS NULL"
    ),
    "coupon_grant_open": "coupon_grant (created_at, id) WHERE status = 'RUNNING'",
    "coupon_grant_item_open": (
        "coupon_grant_item (grant_id, id) WHERE coupon_id IS NULL AND refused IS NULL"
    ),
    # Lists, newest first or in their own order.
    "flash_sale_shown": "flash_sale (starts_at, id) WHERE state <> 'DRAFT'",
    "flash_ticket_member": "flash_ticket (member_id, claimed_at DESC, id DESC)",
    "group_buy_shown": "group_buy (ends_at, id) WHERE state = 'PUBLISHED'",
    "group_buy_team_joinable": (
        "group_buy_team (group_buy_id, expires_at, id) WHERE status = 'FORMING' AND paid_seats > 0"
    ),
    "group_buy_seat_member": "group_buy_seat (member_id, joined_at DESC, id DESC)",
    "redemption_member": "redemption (member_id, created_at DESC, id DESC)",
    "redemption_reward": "redemption (reward_id)",
    "reward_shown": "reward (position DESC, id DESC) WHERE status = 'PUBLISHED'",
    "reward_code_free": "reward_code (reward_id, id) WHERE redemption_id IS NULL",
    "promotion_running": "promotion (ends_at, starts_at) WHERE ended_at IS NULL",
    "coupon_live": "coupon (member_id, valid_until, id) WHERE status IN ('USABLE', 'RESERVED')",
    "coupon_member": "coupon (member_id, created_at DESC, id DESC)",
    "coupon_purchase": "coupon (purchase_id) WHERE purchase_id IS NOT NULL",
    "coupon_campaign_centre": (
        "coupon_campaign (claim_until, id) WHERE status = 'PUBLISHED' AND kind = 'CLAIM'"
    ),
    "coupon_campaign_event": (
        "coupon_campaign (claim_until, id) WHERE status = 'PUBLISHED' AND kind = 'EVENT'"
    ),
    "data_export_member": "data_export (member_id, requested_at DESC, id DESC)",
    "invitation_reward_purchase": ("invitation_reward (purchase_id) WHERE purchase_id IS NOT NULL"),
    "member_invited": (
        "member (invited_by_id, invited_at DESC, id DESC) WHERE invited_by_id IS NOT NULL"
    ),
    "check_in_of_day": "check_in (day, member_id) WHERE NOT merged",
    "message_age": "message (created_at)",
    "message_member": "message (member_id, created_at DESC, id DESC)",
    "message_unread": "message (member_id) WHERE read_at IS NULL",
    "sales_order_member": "sales_order (member_id, placed_at DESC, id DESC)",
    "cart_line_member": "cart_line (member_id, created_at DESC, id DESC)",
    "sales_order_paid": "sales_order (paid_at) WHERE paid_at IS NOT NULL",
    "product_recommended": "product (in_stock, position, sold, id) WHERE status = 'ON_SALE'",
    "product_newest": "product (published_at, id) WHERE status = 'ON_SALE'",
    "product_best_selling": "product (sold, id) WHERE status = 'ON_SALE'",
    "product_by_price": "product (min_price_fen, id) WHERE status = 'ON_SALE'",
    "product_text_ngrams": "product_text USING gin (ngrams(text))",
}
"""Indexes beyond what Tortoise can express, as a migration would write them."""

SHARED_IDS = {
    ForeignKey("stock_level", "id", "sku"),
    ForeignKey("product_text", "id", "product"),
    ForeignKey("ledger_rollup", "id", "ledger_account"),
    ForeignKey("tier_rise", "id", "rule_version"),
}
"""References of tables whose id is another row's: the models have no field for them."""

_ANY_STATEMENT = "AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE"
TRIGGERS = {
    ("benefit_grant", "benefit_grant_immutable", "BEFORE DELETE"),
    ("benefit_grant", "benefit_grant_kept", "BEFORE TRUNCATE"),
    ("benefit_grant", "benefit_grant_words_immutable", "BEFORE UPDATE"),
    ("consent", "consent_immutable", "BEFORE DELETE"),
    ("consent", "consent_kept", "BEFORE TRUNCATE"),
    ("consent", "consent_words_immutable", "BEFORE UPDATE"),
    ("coupon_terms", "coupon_terms_immutable", "BEFORE DELETE OR UPDATE"),
    ("coupon_terms", "coupon_terms_kept", "BEFORE TRUNCATE"),
    ("ledger_entry", "ledger_entry_immutable", "BEFORE DELETE OR UPDATE"),
    ("ledger_entry", "ledger_entry_kept", "BEFORE TRUNCATE"),
    ("ledger_transaction", "ledger_transaction_immutable", "BEFORE DELETE OR UPDATE"),
    ("ledger_transaction", "ledger_transaction_kept", "BEFORE TRUNCATE"),
    ("order_reversal", "order_reversal_immutable", "BEFORE DELETE OR UPDATE"),
    ("order_reversal", "order_reversal_kept", "BEFORE TRUNCATE"),
    ("product", "product_text_kept", "AFTER INSERT OR UPDATE"),
    ("shop_return", "shop_return_immutable", "BEFORE DELETE OR UPDATE"),
    ("shop_return", "shop_return_kept", "BEFORE TRUNCATE"),
    ("tier_term", "tier_term_immutable", "BEFORE DELETE OR UPDATE"),
    ("tier_term", "tier_term_kept", "BEFORE TRUNCATE"),
    # What somebody may be watching.
    ("group_buy_seat", "group_buy_seat_news", "AFTER INSERT OR DELETE OR UPDATE"),
    ("group_buy_team", "group_buy_team_news", "AFTER UPDATE"),
    ("sales_order", "sales_order_news", "AFTER UPDATE"),
    # What anybody may see.
    ("agreement", "agreement_told", _ANY_STATEMENT),
    ("banner", "banner_told", _ANY_STATEMENT),
    ("campaign_stock", "campaign_stock_told", "AFTER UPDATE"),
    ("category", "category_told", _ANY_STATEMENT),
    ("coupon_campaign", "coupon_campaign_told", "AFTER INSERT OR DELETE OR TRUNCATE"),
    ("coupon_campaign", "coupon_campaign_change_told", "AFTER UPDATE"),
    ("coupon_campaign", "coupon_campaign_left_told", "AFTER UPDATE"),
    ("coupon_template", "coupon_template_told", _ANY_STATEMENT),
    ("flash_sale", "flash_sale_told", _ANY_STATEMENT),
    ("flash_sale_item", "flash_sale_item_told", _ANY_STATEMENT),
    ("group_buy", "group_buy_told", _ANY_STATEMENT),
    ("group_buy_item", "group_buy_item_told", _ANY_STATEMENT),
    ("product", "product_told", "AFTER INSERT OR DELETE OR TRUNCATE"),
    ("product", "product_change_told", "AFTER UPDATE"),
    ("product_category", "product_category_told", _ANY_STATEMENT),
    ("promotion", "promotion_told", _ANY_STATEMENT),
    ("reward", "reward_told", "AFTER INSERT OR DELETE OR TRUNCATE"),
    ("reward", "reward_change_told", "AFTER UPDATE"),
    ("reward", "reward_left_told", "AFTER UPDATE"),
    ("rule_version", "rule_version_told", _ANY_STATEMENT),
    ("sku", "sku_told", _ANY_STATEMENT),
    ("sku_daily_low", "sku_daily_low_told", _ANY_STATEMENT),
    ("stock_level", "stock_level_told", "AFTER UPDATE"),
    ("store", "store_told", _ANY_STATEMENT),
}


async def test_tables_and_columns() -> None:
    rows = await db.fetch(f"""
        SELECT class.relname AS table, attname AS name, NOT attnotnull AS nullable,
               format_type(atttypid, atttypmod) AS type
        FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid
        WHERE {_OURS} AND attnum > 0 AND NOT attisdropped
    """)
    assert {Column(**row) for row in rows} == promises.columns()


async def test_primary_keys() -> None:
    assert await _keys("p") == {f"{table}_pkey": (table, ("id",)) for table in promises.tables()}


async def test_unique_constraints_and_columns() -> None:
    found = await _keys("u")
    named = promises.unique_constraints()
    assert {name: found.get(name) for name in named} == named
    by_field = {(table, columns[0]) for table, columns in _without(found, named).values()}
    assert by_field == promises.unique_columns()


async def test_checks() -> None:
    rows = await db.fetch(f"""
        SELECT conname, class.relname, pg_get_constraintdef(con.oid) AS condition
        FROM pg_constraint AS con JOIN pg_class AS class ON class.oid = conrelid
        WHERE {_OURS} AND contype = 'c' AND convalidated
    """)
    found = {row["conname"]: (row["relname"], row["condition"]) for row in rows}
    expected = {
        name: (table, await _as_postgresql_says_it(table, condition))
        for name, (table, condition) in promises.checks().items()
    }
    assert found == expected


async def test_foreign_keys_never_cascade() -> None:
    rows = await db.fetch(f"""
        SELECT class.relname AS table, attname AS column, confrelid::regclass::text AS target,
               confdeltype::text AS on_delete, confupdtype::text AS on_update, convalidated
        FROM pg_constraint AS con JOIN pg_class AS class ON class.oid = conrelid
        JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE {_OURS} AND contype = 'f' AND cardinality(conkey) = 1
    """)
    found = {ForeignKey(row["table"], row["column"], row["target"]) for row in rows}
    assert found == promises.foreign_keys() | SHARED_IDS
    manners = {(row["on_delete"], row["on_update"], row["convalidated"]) for row in rows}
    assert manners == {("r", "a", True)}  # RESTRICT, no action, checked for every row.


async def test_indexes() -> None:
    rows = await db.fetch(f"""
        SELECT class.relname AS table, own.relname AS name, indisvalid AND indisready AS usable,
               indpred IS NULL AND indexprs IS NULL AND am.amname = 'btree'
                   AND NOT (1 = ANY (indoption::int[]) OR 3 = ANY (indoption::int[])) AS is_plain,
               indisunique, pg_get_indexdef(index.indexrelid) AS definition,
               ARRAY(SELECT trim('"' FROM pg_get_indexdef(index.indexrelid, place, true))
                     FROM generate_series(1, indnkeyatts) AS place) AS columns
        FROM pg_index AS index
        JOIN pg_class AS class ON class.oid = indrelid
        JOIN pg_class AS own ON own.oid = indexrelid
        JOIN pg_am AS am ON am.oid = own.relam
        WHERE {_OURS}
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid
                          AND contype IN ('p', 'u'))
    """)
    assert [row["name"] for row in rows if not row["usable"]] == []
    beyond = {row["name"]: row["definition"] for row in rows if row["name"] in PARTIAL_INDEXES}
    expected = {
        name: await _index_as_postgresql_says_it(name, definition)
        for name, definition in PARTIAL_INDEXES.items()
    }
    assert beyond == expected
    plain = {
        (row["table"], tuple(row["columns"]), row["is_plain"], row["indisunique"])
        for row in rows
        if row["name"] not in PARTIAL_INDEXES
    }
    assert plain == {(table, columns, True, False) for table, columns in promises.indexes()}


async def test_no_index_is_held_by_another() -> None:
    """An index whose columns another one begins with costs writes and serves nothing."""
    rows = await db.fetch(f"""
        SELECT one.indexrelid::regclass::text AS name, other.indexrelid::regclass::text AS holder
        FROM pg_index AS one
        JOIN pg_index AS other
            ON other.indrelid = one.indrelid AND other.indexrelid <> one.indexrelid
        JOIN pg_class AS class ON class.oid = one.indrelid
        WHERE {_OURS} AND NOT one.indisunique AND one.indpred IS NULL AND other.indpred IS NULL
          AND one.indexprs IS NULL AND other.indexprs IS NULL
          AND (other.indkey::int[])[0:one.indnkeyatts - 1] = one.indkey::int[]
          AND (other.indoption::int[])[0:one.indnkeyatts - 1] = one.indoption::int[]
    """)
    assert [(row["name"], row["holder"]) for row in rows] == []


async def test_every_foreign_key_that_is_followed_backwards_has_an_index() -> None:
    """Deleting a referenced row scans tables that have none: only what is never deleted may."""
    rows = await db.fetch(f"""
        SELECT class.relname AS table, attname AS column, confrelid::regclass::text AS target
        FROM pg_constraint AS con JOIN pg_class AS class ON class.oid = conrelid
        JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE {_OURS} AND contype = 'f'
          AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indpred IS NULL
                          AND (indkey::int[])[0] = conkey[1])
    """)
    swept = {"session", "sign_in_attempt", "sms_code", "idempotency_key", "upload", "cart_line"}
    assert [(row["table"], row["column"]) for row in rows if row["target"] in swept] == []


async def test_triggers() -> None:
    rows = await db.fetch(f"""
        SELECT class.relname AS table, tgname AS name, tgenabled::text AS enabled,
               substring(pg_get_triggerdef(trigger.oid) FROM '(?:BEFORE|AFTER) [A-Z ]+?(?= ON| OF)')
                   AS timing
        FROM pg_trigger AS trigger JOIN pg_class AS class ON class.oid = tgrelid
        WHERE {_OURS} AND NOT tgisinternal
    """)
    assert {(row["table"], row["name"], row["timing"]) for row in rows} == TRIGGERS
    assert {row["enabled"] for row in rows} == {"O"}


async def test_system_accounts() -> None:
    rows = await db.fetch("SELECT * FROM ledger_account")
    assert {AccountKind(row["kind"]): row["id"] for row in rows} == SYSTEM_ACCOUNTS
    assert {(row["member_id"], row["balance"], row["seq"]) for row in rows} == {(None, None, 0)}
    units = {row["kind"]: row["unit"] for row in rows}
    assert units.pop("GROWTH_ISSUED") == "GROWTH"
    assert set(units.values()) == {"POINTS"}
    assert set(SYSTEM_ACCOUNTS) | set(MEMBER_ACCOUNTS) == set(AccountKind)
    assert all(isinstance(account_id, UUID) for account_id in SYSTEM_ACCOUNTS.values())


async def test_words_fit_their_columns() -> None:
    too_long = [
        f"{table}.{name}: {word}"
        for table, model in promises.tables().items()
        for name, field in model._meta.fields_map.items()
        if (words := getattr(field, "enum_type", None)) is not None
        for word in words
        if len(word.value) > field.max_length  # type: ignore[attr-defined]
    ]
    assert too_long == []


async def _keys(kind: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return PRIMARY KEY ("p") or UNIQUE ("u") constraints: name → (table, columns)."""
    rows = await db.fetch(
        f"""
        SELECT conname, class.relname,
               ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
                     JOIN pg_attribute ON attrelid = conrelid AND attnum = key.number
                     ORDER BY place) AS columns
        FROM pg_constraint AS con JOIN pg_class AS class ON class.oid = conrelid
        WHERE {_OURS} AND contype = $1::text::"char"
        """,
        kind,
    )
    return {row["conname"]: (row["relname"], tuple(row["columns"])) for row in rows}


def _without(
    found: dict[str, tuple[str, tuple[str, ...]]], named: dict[str, tuple[str, tuple[str, ...]]]
) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {name: key for name, key in found.items() if name not in named}


async def _as_postgresql_says_it(table: str, condition: str) -> str:
    """Return a condition in the catalogue's words, by adding it as a constraint for a moment."""
    return await _tried(
        f"ALTER TABLE {table} ADD CONSTRAINT probe CHECK ({condition})",
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'probe'",
    )


async def _index_as_postgresql_says_it(name: str, definition: str) -> str:
    """Return an index in the catalogue's words, by making a twin of it for a moment."""
    unique = "UNIQUE " if definition.startswith("UNIQUE ") else ""
    rest = definition.removeprefix(unique)
    told = await _tried(
        f"CREATE {unique}INDEX probe ON {rest}", "SELECT pg_get_indexdef('probe'::regclass)"
    )
    return told.replace(" probe ON ", f" {name} ON ")


class _Undo(Exception):
    """Ends a transaction that was only for looking; carries what was seen."""


async def _tried(change: str, question: str) -> str:
    async def look() -> NoReturn:
        async with db.in_transaction():
            await db.execute(change)
            raise _Undo(await db.fetch_value(question))

    with pytest.raises(_Undo) as undone:
        await look()
    return str(undone.value)
