-- What Tortoise doesn't write for tables that are new: constraints, partial indexes, triggers.

ALTER TABLE promotion ADD CONSTRAINT promotion_window_check
    CHECK (starts_at < ends_at);
ALTER TABLE promotion ADD CONSTRAINT promotion_scope_check
    CHECK ((scope_kind = 'ALL') = (jsonb_array_length(scope_ids) = 0));
ALTER TABLE reward ADD CONSTRAINT reward_goods_check
    CHECK ((kind = 'GOODS') = (sku_id IS NOT NULL));
ALTER TABLE reward ADD CONSTRAINT reward_coupon_check
    CHECK ((kind = 'COUPON') = (terms_id IS NOT NULL) AND (terms_id IS NULL) = (valid_days IS
        NULL) AND (valid_days IS NULL OR valid_days >= 1));
ALTER TABLE reward ADD CONSTRAINT reward_price_check
    CHECK (points_price >= 1 AND cash_price_fen >= 0 AND (cash_price_fen = 0 OR kind =
        'GOODS'));
ALTER TABLE reward ADD CONSTRAINT reward_remaining_check
    CHECK ((quantity IS NULL) = (remaining IS NULL) AND (quantity IS NULL OR remaining BETWEEN
        0 AND quantity));
ALTER TABLE reward ADD CONSTRAINT reward_virtual_check
    CHECK (kind <> 'VIRTUAL' OR quantity IS NOT NULL);
ALTER TABLE reward ADD CONSTRAINT reward_limit_check
    CHECK (per_member_limit IS NULL OR per_member_limit >= 1);
ALTER TABLE reward ADD CONSTRAINT reward_window_check
    CHECK (ends_at IS NULL OR starts_at < ends_at);
ALTER TABLE reward_count ADD CONSTRAINT reward_count_key
    UNIQUE (member_id, reward_id);
ALTER TABLE reward_count ADD CONSTRAINT reward_count_pieces_check
    CHECK (pieces >= 0);
ALTER TABLE redemption ADD CONSTRAINT redemption_order_key
    UNIQUE (order_id);
ALTER TABLE redemption ADD CONSTRAINT redemption_coupon_key
    UNIQUE (coupon_id);
ALTER TABLE redemption ADD CONSTRAINT redemption_quantity_check
    CHECK (quantity BETWEEN 1 AND 99 AND returned BETWEEN 0 AND quantity);
ALTER TABLE redemption ADD CONSTRAINT redemption_price_check
    CHECK (points >= 1 AND cash_fen >= 0 AND (cash_fen = 0 OR order_id IS NOT NULL));
ALTER TABLE redemption ADD CONSTRAINT redemption_status_check
    CHECK ((order_id IS NULL) = (status IS NOT NULL) AND (status IS NULL OR status IN
        ('FULFILLED', 'CANCELLED')));
ALTER TABLE redemption ADD CONSTRAINT redemption_cancelled_check
    CHECK (status IS NULL OR (status = 'CANCELLED') = (cancelled_at IS NOT NULL) AND (status =
        'CANCELLED') = (returned = quantity));
ALTER TABLE reward_code ADD CONSTRAINT reward_code_digest_key
    UNIQUE (digest);
ALTER TABLE reward_code ADD CONSTRAINT reward_code_redemption_key
    UNIQUE (redemption_id);

-- What runs now or soon.
CREATE INDEX promotion_running ON promotion (ends_at, starts_at) WHERE ended_at IS NULL;
-- Rewards as they are listed, a member's redemptions, and the codes that are left.
CREATE INDEX reward_shown ON reward (position DESC, id DESC) WHERE status = 'PUBLISHED';
CREATE INDEX redemption_member ON redemption (member_id, created_at DESC, id DESC);
CREATE INDEX redemption_reward ON redemption (reward_id);
CREATE INDEX reward_code_free ON reward_code (reward_id, id) WHERE redemption_id IS NULL;

-- A promotion changes what goods cost.
CREATE TRIGGER promotion_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON promotion
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');

-- What anybody may see of rewards. An ordinary redemption tells nothing: what all members see at once
-- is whether there are any left.
CREATE TRIGGER reward_told AFTER INSERT OR DELETE OR TRUNCATE ON reward
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('rewards');
CREATE TRIGGER reward_change_told
    AFTER UPDATE OF kind, name, image_url, description_html, sku_id, terms_id, valid_days,
                    points_price, cash_price_fen, quantity, per_member_limit, min_tier_code,
                    position, starts_at, ends_at, status
    ON reward FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('rewards');
CREATE TRIGGER reward_left_told AFTER UPDATE OF remaining ON reward
    FOR EACH ROW WHEN ((OLD.remaining > 0) IS DISTINCT FROM (NEW.remaining > 0))
    EXECUTE FUNCTION tell_public_change('rewards');
