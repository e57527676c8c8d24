-- What Tortoise doesn't write for tables that are new: constraints, partial indexes, triggers.

ALTER TABLE coupon_terms ADD CONSTRAINT coupon_terms_digest_key
    UNIQUE (digest);
ALTER TABLE coupon_terms ADD CONSTRAINT coupon_terms_positive_check
    CHECK (amount_off_fen >= 0 AND min_spend_fen >= 0 AND min_pieces >= 0 AND max_off_fen >=
        1);
ALTER TABLE coupon_terms ADD CONSTRAINT coupon_terms_percent_check
    CHECK (pay_bps BETWEEN 1 AND 10000 AND (kind = 'PERCENT_OFF') = (pay_bps < 10000));
ALTER TABLE coupon_terms ADD CONSTRAINT coupon_terms_amount_check
    CHECK ((kind = 'AMOUNT_OFF') = (amount_off_fen > 0));
ALTER TABLE coupon_terms ADD CONSTRAINT coupon_terms_gift_check
    CHECK ((kind = 'GIFT') = (gift_sku_id IS NOT NULL));
ALTER TABLE coupon_template ADD CONSTRAINT coupon_template_form_check
    CHECK ((valid_days IS NULL) = (valid_from IS NOT NULL) AND (valid_from IS NULL) =
        (valid_until IS NULL));
ALTER TABLE coupon_template ADD CONSTRAINT coupon_template_window_check
    CHECK ((valid_days IS NULL OR valid_days >= 1) AND (valid_from IS NULL OR valid_from <
        valid_until));
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_source_key
    UNIQUE (source, source_id);
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_claimed_check
    CHECK (claimed >= 0 AND (quantity IS NULL OR claimed <= quantity));
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_window_check
    CHECK (claim_from < claim_until);
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_limit_check
    CHECK (per_member_limit BETWEEN 1 AND 100);
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_price_check
    CHECK (points_price >= 0 AND (points_price = 0 OR kind = 'CLAIM'));
ALTER TABLE coupon_campaign ADD CONSTRAINT coupon_campaign_event_check
    CHECK ((kind = 'EVENT') = (event_min_paid_fen IS NOT NULL OR event_category_id IS NOT
        NULL) AND (event_category_id IS NULL) = (event_pieces IS NULL) AND (event_min_paid_fen IS
        NULL OR event_min_paid_fen >= 1) AND (event_pieces IS NULL OR event_pieces >= 1));
ALTER TABLE campaign_member ADD CONSTRAINT campaign_member_key
    UNIQUE (campaign_id, member_id);
ALTER TABLE coupon ADD CONSTRAINT coupon_seat_key
    UNIQUE (campaign_id, member_id, seat);
ALTER TABLE coupon ADD CONSTRAINT coupon_origin_key
    UNIQUE (origin, origin_id);
ALTER TABLE coupon ADD CONSTRAINT coupon_window_check
    CHECK (valid_from < valid_until);
ALTER TABLE coupon ADD CONSTRAINT coupon_held_check
    CHECK (status IN ('RESERVED', 'USED') OR (order_id IS NULL AND purchase_id IS NULL));
ALTER TABLE coupon ADD CONSTRAINT coupon_reserved_check
    CHECK (status <> 'RESERVED' OR order_id IS NOT NULL);
ALTER TABLE coupon ADD CONSTRAINT coupon_used_check
    CHECK ((status = 'USED') = (used_at IS NOT NULL));
ALTER TABLE coupon ADD CONSTRAINT coupon_status_check
    CHECK (status <> 'NOT_YET_VALID');
ALTER TABLE coupon ADD CONSTRAINT coupon_points_paid_check
    CHECK (points_paid >= 0);
ALTER TABLE exchange_code ADD CONSTRAINT exchange_code_digest_key
    UNIQUE (digest);
ALTER TABLE exchange_code ADD CONSTRAINT exchange_code_coupon_key
    UNIQUE (coupon_id);
ALTER TABLE exchange_code ADD CONSTRAINT exchange_code_used_check
    CHECK ((coupon_id IS NULL) = (used_at IS NULL));
ALTER TABLE coupon_grant ADD CONSTRAINT coupon_grant_done_check
    CHECK (done BETWEEN 0 AND total);
ALTER TABLE coupon_grant ADD CONSTRAINT coupon_grant_finished_check
    CHECK ((status = 'FINISHED') = (finished_at IS NOT NULL));
ALTER TABLE coupon_grant_item ADD CONSTRAINT coupon_grant_item_key
    UNIQUE (grant_id, member_id);
ALTER TABLE coupon_grant_item ADD CONSTRAINT coupon_grant_item_check
    CHECK (coupon_id IS NULL OR refused IS NULL);

-- A member's coupons: those that may still be used by their end, and all, newest first.
CREATE INDEX coupon_live ON coupon (member_id, valid_until, id)
    WHERE status IN ('USABLE', 'RESERVED');
CREATE INDEX coupon_member ON coupon (member_id, created_at DESC, id DESC);
-- An order has one goods coupon and one shipping coupon.
CREATE UNIQUE INDEX coupon_order_place_key ON coupon (order_id, is_for_shipping)
    WHERE order_id IS NOT NULL;
CREATE INDEX coupon_purchase ON coupon (purchase_id) WHERE purchase_id IS NOT NULL;
-- Due work.
CREATE INDEX coupon_expiry_due ON coupon (valid_until, id) WHERE status = 'USABLE';
CREATE INDEX coupon_reminder_due ON coupon (valid_until, id)
    WHERE status = 'USABLE' AND reminded_at IS NULL;
CREATE INDEX coupon_grant_item_open ON coupon_grant_item (grant_id, id)
    WHERE coupon_id IS NULL AND refused IS NULL;
CREATE INDEX coupon_grant_open ON coupon_grant (created_at, id) WHERE status = 'RUNNING';
CREATE INDEX coupon_campaign_centre ON coupon_campaign (claim_until, id)
    WHERE status = 'PUBLISHED' AND kind = 'CLAIM';
CREATE INDEX coupon_campaign_event ON coupon_campaign (claim_until, id)
    WHERE status = 'PUBLISHED' AND kind = 'EVENT';

-- The snapshot that coupons keep.
CREATE TRIGGER coupon_terms_immutable BEFORE UPDATE OR DELETE ON coupon_terms
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER coupon_terms_kept BEFORE TRUNCATE ON coupon_terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What anybody may see of campaigns. An ordinary claim tells nothing: what all shoppers see at once is
-- whether there are any left.
CREATE TRIGGER coupon_template_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON coupon_template
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER coupon_campaign_told AFTER INSERT OR DELETE OR TRUNCATE ON coupon_campaign
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER coupon_campaign_change_told
    AFTER UPDATE OF template_id, kind, claim_from, claim_until, quantity, per_member_limit,
                    points_price, min_tier_code, audience, status
    ON coupon_campaign FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER coupon_campaign_left_told AFTER UPDATE OF claimed ON coupon_campaign
    FOR EACH ROW WHEN ((OLD.claimed < OLD.quantity) IS DISTINCT FROM (NEW.claimed < NEW.quantity))
    EXECUTE FUNCTION tell_public_change('campaigns');
