"""What a merge moves, table by table: each area brings its lines."""

from __future__ import annotations

_MAX_QUANTITY = 99

OWNED = {
    "identities": "UPDATE identity SET member_id = $2 WHERE member_id = $1",
    "sessions": "UPDATE session SET member_id = $2 WHERE member_id = $1",
    "consents": "UPDATE consent SET member_id = $2 WHERE member_id = $1",
    "orders": "UPDATE sales_order SET member_id = $2 WHERE member_id = $1",
    "shop_purchases": "UPDATE shop_purchase SET member_id = $2 WHERE member_id = $1",
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
    # A day that both checked in stays the survivor's; the seats of a month add up, over its limit.
    "check_ins": """
        UPDATE check_in AS given
        SET member_id = $2,
            merged = merged OR EXISTS (
                SELECT FROM check_in AS own
                WHERE own.member_id = $2 AND own.day = given.day AND NOT own.merged
            ),
            make_up_seat = make_up_seat + (
                SELECT coalesce(max(own.make_up_seat), 0) FROM check_in AS own
                WHERE own.member_id = $2 AND own.act_month = given.act_month
            )
        WHERE member_id = $1
    """,
    # The days of both together make longer runs. A run's days less their number are one day.
    "check_in_runs": """
        UPDATE check_in AS own SET run_start = run.start
        FROM (
            SELECT id, min(day) OVER (PARTITION BY island) AS start
            FROM (
                SELECT id, day, day - (row_number() OVER (ORDER BY day))::int AS island
                FROM check_in WHERE member_id = $2 AND NOT merged AND $1::uuid IS NOT NULL
            ) AS days
        ) AS run
        WHERE own.id = run.id AND own.run_start <> run.start
    """,
    # What both were told is kept once.
    "messages": """
        WITH twice AS (
            DELETE FROM message AS given USING message AS own
            WHERE given.member_id = $1 AND own.member_id = $2
              AND own.event = given.event AND own.source_id = given.source_id
            RETURNING given.id
        )
        UPDATE message SET member_id = $2
        WHERE member_id = $1 AND id NOT IN (SELECT id FROM twice)
    """,
    "exports": """
        UPDATE data_export AS given
        SET member_id = $2,
            status = CASE WHEN own.id IS NULL THEN given.status ELSE 'EXPIRED' END,
            due_at = CASE WHEN own.id IS NULL THEN given.due_at END
        FROM data_export AS moved
        LEFT JOIN data_export AS own
            ON own.member_id = $2 AND own.status = 'PREPARING' AND moved.status = 'PREPARING'
        WHERE moved.member_id = $1 AND given.id = moved.id
    """,
    # Who was rewarded as a newcomer isn't one again; if both were, each row stays where it is.
    "invitation": """
        UPDATE invitation_reward SET invitee_id = $2
        WHERE invitee_id = $1
          AND NOT EXISTS (SELECT FROM invitation_reward WHERE invitee_id = $2)
    """,
    # The rewarded of a day add up, over its cap.
    "invitation_rewards": """
        UPDATE invitation_reward AS given
        SET inviter_id = $2,
            seat = seat + (
                SELECT coalesce(max(own.seat), 0) FROM invitation_reward AS own
                WHERE own.inviter_id = $2 AND own.day = given.day
            )
        WHERE inviter_id = $1
    """,
    # Whoever signs in stays. The later start of newcomers' gifts holds for both.
    "newcomer": """
        WITH before AS (
            SELECT invitation_due_at, newcomer_gifts_from, leaves_at FROM member WHERE id = $1
        ), emptied AS (
            UPDATE member SET invitation_due_at = NULL, leaves_at = NULL WHERE id = $1
        )
        UPDATE member
        SET invitation_due_at = coalesce(member.invitation_due_at, before.invitation_due_at),
            newcomer_gifts_from = greatest(member.newcomer_gifts_from, before.newcomer_gifts_from),
            leaves_at = NULL
        FROM before
        WHERE member.id = $2
          AND num_nonnulls(before.invitation_due_at, before.leaves_at, member.leaves_at) > 0
           OR member.id = $2
          AND before.newcomer_gifts_from > coalesce(member.newcomer_gifts_from, '-infinity')
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
    # An order holds its coupon by the coupon's id. The seats of a campaign add up, over its limit.
    "coupons": """
        UPDATE coupon AS given
        SET member_id = $2,
            seat = given.seat + coalesce(taken.seats, 0),
            merged = given.merged OR taken.seats IS NOT NULL
        FROM coupon AS moved LEFT JOIN LATERAL (
            SELECT max(own.seat) AS seats FROM coupon AS own
            WHERE own.member_id = $2 AND own.campaign_id = moved.campaign_id
        ) AS taken ON true
        WHERE moved.id = given.id AND given.member_id = $1
    """,
    "campaigns": """
        WITH given AS (DELETE FROM campaign_member WHERE member_id = $1 RETURNING *)
        INSERT INTO campaign_member (id, campaign_id, member_id)
        SELECT id, campaign_id, $2 FROM given ORDER BY campaign_id
        ON CONFLICT (campaign_id, member_id) DO NOTHING
    """,
    "redemptions": "UPDATE redemption SET member_id = $2 WHERE member_id = $1",
    "reward_counts": """
        WITH given AS (DELETE FROM reward_count WHERE member_id = $1 RETURNING *)
        INSERT INTO reward_count AS own (id, member_id, reward_id, pieces)
        SELECT id, $2, reward_id, pieces FROM given ORDER BY reward_id
        ON CONFLICT (member_id, reward_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    """,
    # What both have of an item or a campaign adds up, over its limit. It is found by the tickets or
    # orders that it comes from, since by itself it is only looked up for one item or campaign.
    "flash_quotas": """
        WITH given AS (
            DELETE FROM flash_quota AS quota USING (
                SELECT DISTINCT item_id FROM flash_ticket WHERE member_id = $1
            ) AS claimed
            WHERE quota.item_id = claimed.item_id AND quota.member_id = $1 RETURNING quota.*
        )
        INSERT INTO flash_quota AS own (id, item_id, member_id, pieces)
        SELECT id, item_id, $2, pieces FROM given ORDER BY item_id
        ON CONFLICT (item_id, member_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    """,
    "flash_tickets": "UPDATE flash_ticket SET member_id = $2 WHERE member_id = $1",
    "flash_reminders": """
        WITH given AS (DELETE FROM flash_reminder WHERE member_id = $1 RETURNING *)
        INSERT INTO flash_reminder AS own (id, item_id, member_id, told_at)
        SELECT id, item_id, $2, told_at FROM given ORDER BY item_id
        ON CONFLICT (item_id, member_id)
        DO UPDATE SET told_at = coalesce(own.told_at, excluded.told_at)
    """,
    "group_buy_counts": """
        WITH given AS (
            DELETE FROM group_buy_count AS counted USING (
                SELECT DISTINCT team.group_buy_id
                FROM sales_order JOIN group_buy_team AS team ON team.id = sales_order.team_id
                WHERE sales_order.member_id = $2
            ) AS ordered
            WHERE counted.group_buy_id = ordered.group_buy_id AND counted.member_id = $1
            RETURNING counted.*
        )
        INSERT INTO group_buy_count AS own (id, group_buy_id, member_id, pieces)
        SELECT id, group_buy_id, $2, pieces FROM given ORDER BY group_buy_id
        ON CONFLICT (group_buy_id, member_id) DO UPDATE SET pieces = own.pieces + excluded.pieces
    """,
    # Two seats in one team both count, and the second one is marked.
    "group_buy_seats": """
        UPDATE group_buy_seat AS given
        SET member_id = $2, merged = merged OR EXISTS (
            SELECT FROM group_buy_seat AS own
            WHERE own.member_id = $2 AND own.team_id = given.team_id AND NOT own.merged
        )
        WHERE member_id = $1
    """,
    # Who leads a forming team of the same campaign leads no second one: it keeps its old leader.
    "group_buy_teams": """
        UPDATE group_buy_team AS given SET leader_id = $2
        WHERE leader_id = $1 AND (given.status <> 'FORMING' OR NOT EXISTS (
            SELECT FROM group_buy_team AS own
            WHERE own.leader_id = $2 AND own.group_buy_id = given.group_buy_id
                AND own.status = 'FORMING'
        ))
    """,
    # One place for newcomers is left of two; both orders stand.
    "group_buy_newcomers": """
        WITH given AS (DELETE FROM group_buy_newcomer WHERE member_id = $1 RETURNING *)
        INSERT INTO group_buy_newcomer (id, member_id, order_id)
        SELECT id, $2, order_id FROM given
        ON CONFLICT (member_id) DO NOTHING
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
    "shop_purchase",
    "cart_line",
    "points_lot",
    "purchase_count",
    "redemption",
    "reward_count",
    "flash_ticket",
    "group_buy_seat",
    "group_buy_newcomer",
    "coupon",
    "campaign_member",
    "points_cap_count",
    "check_in",
    "message",
    "data_export",
    "benefit_grant",
    "address",
    "session",
    "identity",
    "consent",
    "upload",
)
"""Tables whose rows of a merged member (`member_id`) are looked for after the merge, too."""
