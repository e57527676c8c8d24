"""What a merge moves, table by table: each area brings its lines."""

from __future__ import annotations

_MAX_QUANTITY = 99

OWNED = {
    "identities": "UPDATE identity SET member_id = $2 WHERE member_id = $1",
    "sessions": "UPDATE session SET member_id = $2 WHERE member_id = $1",
    "consents": "UPDATE consent SET member_id = $2 WHERE member_id = $1",
    "orders": "UPDATE sales_order SET member_id = $2 WHERE member_id = $1",
    "uploads": "UPDATE upload SET member_id = $2 WHERE member_id = $1",
    "invited": "UPDATE member SET invited_by_id = nullif($2, id) WHERE invited_by_id = $1",
    # One default address: the survivor's, if there is one.
    "addresses": """
        UPDATE address
        SET member_id = $2,
            is_default = is_default AND NOT EXISTS (
                SELECT 1 FROM address AS own
                WHERE own.member_id = $2 AND own.is_default AND own.deleted_at IS NULL
            )
        WHERE member_id = $1
    """,
    # A member has one invitation poster; the loser's keeps working and leads to the survivor.
    "scenes": """
        UPDATE scene SET inviter_id = $2
        WHERE inviter_id = $1 AND NOT (
            kind = 'INVITATION'
            AND EXISTS (SELECT 1 FROM scene AS own WHERE own.inviter_id = $2
                        AND own.kind = 'INVITATION')
        )
    """,
    # A request that is sent again finds what it once did.
    "keys": """
        UPDATE idempotency_key AS key SET actor_id = $2
        WHERE actor_id = $1 AND NOT EXISTS (
            SELECT 1 FROM idempotency_key AS own
            WHERE own.actor_id = $2 AND own.operation = key.operation AND own.key = key.key
        )
    """,
    "points_caps": """
        WITH given AS (DELETE FROM points_cap_count WHERE member_id = $1 RETURNING *)
        INSERT INTO points_cap_count AS own (id, member_id, reason, day, points)
        SELECT id, $2, reason, day, points FROM given ORDER BY day, reason
        ON CONFLICT (member_id, day, reason) DO UPDATE SET points = own.points + excluded.points
    """,
    # What both were given in one window stays given, and the second one is marked.
    "benefits": """
        UPDATE benefit_grant AS given
        SET member_id = $2, merged = merged OR EXISTS (
            SELECT 1 FROM benefit_grant AS own
            WHERE own.member_id = $2 AND own.benefit = given.benefit
              AND own.period = given.period AND NOT own.merged
        )
        WHERE member_id = $1
    """,
    # What both may have of one SKU adds up.
    "purchases": """
        WITH given AS (DELETE FROM purchase_count WHERE member_id = $1 RETURNING *)
        INSERT INTO purchase_count AS own (id, member_id, sku_id, pieces)
        SELECT id, $2, sku_id, pieces FROM given ORDER BY sku_id
        ON CONFLICT (member_id, sku_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    """,
}
"""What members own: each statement takes ($1 loser, $2 survivor)."""

OWNED_WITH_TIME = {
    "cart_lines": f"""
        WITH given AS (DELETE FROM cart_line WHERE member_id = $1 RETURNING *)
        INSERT INTO cart_line AS own (id, member_id, sku_id, quantity, selected,
                                      price_when_added_fen, created_at, updated_at)
        SELECT id, $2, sku_id, quantity, selected, price_when_added_fen, created_at, updated_at
        FROM given ORDER BY sku_id
        ON CONFLICT (member_id, sku_id) DO UPDATE
        SET quantity = least(own.quantity + excluded.quantity, {_MAX_QUANTITY}),
            selected = own.selected OR excluded.selected, updated_at = $3
    """,
}
"""Likewise, for what keeps the time of the change: ($1 loser, $2 survivor, $3 now)."""

NEVER_LEFT_BEHIND = (
    "sales_order",
    "cart_line",
    "points_lot",
    "purchase_count",
    "points_cap_count",
    "benefit_grant",
    "address",
    "session",
    "identity",
    "consent",
    "upload",
)
"""Tables whose rows of a merged member (`member_id`) are looked for after the merge, too."""
