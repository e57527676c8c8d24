-- Everything that PostgreSQL must refuse, and the indexes that Tortoise can't express.
-- Tortoise emits no SQL for constraints of a table that is new in the same migration, so the
-- constraints that the models name are added here; a test compares the two with the catalogue.

ALTER TABLE agreement ADD CONSTRAINT agreement_version_key
    UNIQUE (kind, version);
ALTER TABLE identity ADD CONSTRAINT identity_openid_key
    UNIQUE (appid, openid);
ALTER TABLE identity ADD CONSTRAINT identity_member_appid_key
    UNIQUE (member_id, appid);
ALTER TABLE member ADD CONSTRAINT member_phone_hash_key
    UNIQUE (phone_hash);
ALTER TABLE member ADD CONSTRAINT member_source_key
    UNIQUE (source, source_id);
ALTER TABLE member ADD CONSTRAINT member_merged_into_check
    CHECK ((status = 'MERGED') = (merged_into_id IS NOT NULL));
ALTER TABLE member ADD CONSTRAINT member_phone_check
    CHECK ((phone_hash IS NULL) = (phone_encrypted IS NULL));
ALTER TABLE member ADD CONSTRAINT member_lifetime_growth_check
    CHECK (lifetime_growth >= 0);
ALTER TABLE member_merge ADD CONSTRAINT member_merge_loser_key
    UNIQUE (loser_id);
ALTER TABLE member_merge ADD CONSTRAINT member_merge_two_check
    CHECK (loser_id <> survivor_id);
ALTER TABLE session ADD CONSTRAINT session_generation_check
    CHECK (generation >= 0);
ALTER TABLE sign_in_attempt ADD CONSTRAINT sign_in_attempt_code_key
    UNIQUE (code_hash);
ALTER TABLE sms_code ADD CONSTRAINT sms_code_attempts_check
    CHECK (attempts_left >= 0);
ALTER TABLE upload ADD CONSTRAINT upload_bytes_check
    CHECK (bytes > 0);
ALTER TABLE category ADD CONSTRAINT category_source_key
    UNIQUE (source, source_id);
ALTER TABLE category ADD CONSTRAINT category_parent_check
    CHECK (parent_id <> id);
ALTER TABLE product ADD CONSTRAINT product_source_key
    UNIQUE (source, source_id);
ALTER TABLE product ADD CONSTRAINT product_sold_check
    CHECK (sold >= 0);
ALTER TABLE product ADD CONSTRAINT product_price_range_check
    CHECK (min_price_fen >= 0 AND max_price_fen >= min_price_fen);
ALTER TABLE product_category ADD CONSTRAINT product_category_key
    UNIQUE (category_id, product_id);
ALTER TABLE purchase_count ADD CONSTRAINT purchase_count_key
    UNIQUE (member_id, sku_id);
ALTER TABLE purchase_count ADD CONSTRAINT purchase_count_pieces_check
    CHECK (pieces >= 0);
ALTER TABLE sku ADD CONSTRAINT sku_price_check
    CHECK (price_fen BETWEEN 0 AND 9007199254740991);
ALTER TABLE sku ADD CONSTRAINT sku_label_price_check
    CHECK ((label_price_fen IS NULL) = (label_kind IS NULL) AND label_price_fen > 0);
ALTER TABLE sku ADD CONSTRAINT sku_weight_check
    CHECK (weight_grams >= 0);
ALTER TABLE sku ADD CONSTRAINT sku_purchase_limit_check
    CHECK (purchase_limit > 0);
ALTER TABLE sku_daily_low ADD CONSTRAINT sku_daily_low_key
    UNIQUE (sku_id, day);
ALTER TABLE sku_daily_low ADD CONSTRAINT sku_daily_low_price_check
    CHECK (price_fen >= 0);
ALTER TABLE sku_tier_price ADD CONSTRAINT sku_tier_price_key
    UNIQUE (sku_id, tier_code);
ALTER TABLE sku_tier_price ADD CONSTRAINT sku_tier_price_check
    CHECK (price_fen >= 0);
ALTER TABLE stock_level ADD CONSTRAINT stock_level_equation_check
    CHECK (initial + restocked + adjusted = available + reserved + sold + set_aside);
ALTER TABLE stock_level ADD CONSTRAINT stock_level_positive_check
    CHECK (initial >= 0 AND restocked >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0 AND set_aside >= 0);
ALTER TABLE store ADD CONSTRAINT store_source_key
    UNIQUE (source, source_id);
ALTER TABLE store ADD CONSTRAINT store_position_check
    CHECK (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180);
ALTER TABLE cart_line ADD CONSTRAINT cart_line_sku_key
    UNIQUE (member_id, sku_id);
ALTER TABLE cart_line ADD CONSTRAINT cart_line_quantity_check
    CHECK (quantity BETWEEN 1 AND 99);
ALTER TABLE idempotency_key ADD CONSTRAINT idempotency_key_key
    UNIQUE (actor_id, operation, key);
ALTER TABLE import_run ADD CONSTRAINT import_run_key
    UNIQUE (source, part);
ALTER TABLE sales_order ADD CONSTRAINT sales_order_positive_check
    CHECK (goods_total_fen >= 0 AND discount_total_fen >= 0 AND shipping_fen >= 0 AND points_spent >= 0 AND points_off_fen >= 0 AND payable_fen >= 0 AND points_earned >= 0 AND growth_earned >= 0);
ALTER TABLE sales_order ADD CONSTRAINT sales_order_payable_check
    CHECK (payable_fen = goods_total_fen - discount_total_fen - points_off_fen + shipping_fen);
ALTER TABLE sales_order ADD CONSTRAINT sales_order_refunded_check
    CHECK (refunded_fen BETWEEN 0 AND paid_fen);
ALTER TABLE sales_order ADD CONSTRAINT sales_order_bound_check
    CHECK (payable_fen <= 9007199254740991);
ALTER TABLE sales_order ADD CONSTRAINT sales_order_timeout_check
    CHECK ((status = 'AWAITING_PAYMENT') = (timeout_due_at IS NOT NULL));
ALTER TABLE order_line ADD CONSTRAINT order_line_position_key
    UNIQUE (order_id, position);
ALTER TABLE order_line ADD CONSTRAINT order_line_quantity_check
    CHECK (quantity BETWEEN 1 AND 99);
ALTER TABLE order_line ADD CONSTRAINT order_line_refunded_quantity_check
    CHECK (refunded_quantity BETWEEN 0 AND quantity);
ALTER TABLE order_line ADD CONSTRAINT order_line_payable_check
    CHECK (payable_fen = unit_price_fen * quantity - discount_total_fen - points_off_fen AND payable_fen >= 0 AND discount_total_fen >= 0 AND points_off_fen >= 0);
ALTER TABLE order_line ADD CONSTRAINT order_line_refunded_check
    CHECK (refunded_fen BETWEEN 0 AND payable_fen);
ALTER TABLE payment ADD CONSTRAINT payment_transaction_key
    UNIQUE (transaction_id);
ALTER TABLE payment ADD CONSTRAINT payment_amount_check
    CHECK (amount_fen > 0);
ALTER TABLE payment ADD CONSTRAINT payment_succeeded_check
    CHECK ((status = 'SUCCEEDED') = (transaction_id IS NOT NULL));
ALTER TABLE payment_case ADD CONSTRAINT payment_case_transaction_key
    UNIQUE (transaction_id);
ALTER TABLE payment_case ADD CONSTRAINT payment_case_amount_check
    CHECK (amount_fen > 0);
ALTER TABLE rule_version ADD CONSTRAINT rule_version_number_check
    CHECK (number > 0);
ALTER TABLE wechat_event ADD CONSTRAINT wechat_event_notification_key
    UNIQUE (notification_id);
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_member_key
    UNIQUE (member_id, kind);
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_owner_check
    CHECK ((member_id IS NULL) = (balance IS NULL));
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_balance_check
    CHECK (balance >= 0);
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_seq_key
    UNIQUE (account_id, seq);
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_source_key
    UNIQUE (account_id, source_kind, source_id, reason);
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_delta_check
    CHECK (delta <> 0);
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_balance_check
    CHECK (balance_after >= 0);
ALTER TABLE points_lot ADD CONSTRAINT points_lot_remaining_check
    CHECK (remaining BETWEEN 0 AND earned);
ALTER TABLE points_lot ADD CONSTRAINT points_lot_pending_check
    CHECK (is_pending = (expires_at IS NULL));

ALTER TABLE stock_level ADD CONSTRAINT stock_level_sku_fkey
    FOREIGN KEY (id) REFERENCES sku (id) ON DELETE RESTRICT;

-- One default address a member.
CREATE UNIQUE INDEX address_default_key ON address (member_id)
    WHERE is_default AND deleted_at IS NULL;

-- At most one attempt at paying an order is open: earlier ones are closed first (rules, section 10).
CREATE UNIQUE INDEX payment_open_key ON payment (order_id)
    WHERE status IN ('STARTED', 'PREPAID');

-- Due work: each sweep reads one of these.
CREATE INDEX sales_order_timeout_due ON sales_order (timeout_due_at)
    WHERE timeout_due_at IS NOT NULL;
CREATE INDEX sales_order_final_due ON sales_order (final_at)
    WHERE status = 'COMPLETED' AND final_at IS NOT NULL;
CREATE INDEX payment_query_due ON payment (query_due_at)
    WHERE query_due_at IS NOT NULL;
CREATE INDEX wechat_event_due ON wechat_event (due_at)
    WHERE due_at IS NOT NULL;

-- A member's own lists, newest first.
CREATE INDEX sales_order_member ON sales_order (member_id, placed_at DESC, id DESC);
CREATE INDEX cart_line_member ON cart_line (member_id, created_at DESC, id DESC);
CREATE INDEX scene_invitation_key ON scene (inviter_id) WHERE kind = 'INVITATION';

-- Paid orders by the time they were paid: figures and the product sweep.
CREATE INDEX sales_order_paid ON sales_order (paid_at) WHERE paid_at IS NOT NULL;

-- The book is append-only.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER ledger_entry_immutable BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transaction_immutable BEFORE UPDATE OR DELETE ON ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consent_immutable BEFORE DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Rows that the program counts on. Tests call it again after emptying the tables.
CREATE FUNCTION ensure_reference_rows() RETURNS void LANGUAGE sql AS $$
    INSERT INTO ledger_account (id, member_id, kind, unit, balance, seq, created_at)
    SELECT lpad(to_hex(number), 32, '0')::uuid, NULL, kind, unit, NULL, 0, now()
    FROM (VALUES (1, 'ISSUED', 'POINTS'), (2, 'REDEEMED', 'POINTS'), (3, 'EXPIRED', 'POINTS'),
                 (4, 'PARTNER', 'POINTS'), (5, 'ADJUSTMENT', 'POINTS'),
                 (6, 'GROWTH_ISSUED', 'GROWTH')) AS account (number, kind, unit)
    ON CONFLICT (id) DO NOTHING;
$$;
SELECT ensure_reference_rows();

-- Two-character words of Chinese: pg_trgm never indexes them, so the search reads pairs of
-- neighbouring characters (and single ones, for a search by one character).
CREATE FUNCTION ngrams(content text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT gram), '{}')
    FROM (
        SELECT substr(word, start, size) AS gram
        FROM regexp_split_to_table(lower(content), '[[:space:][:punct:]]+') AS word,
             generate_series(1, 2) AS size,
             generate_series(1, greatest(char_length(word) - size + 1, 0)) AS start
    ) AS grams
    WHERE gram <> '';
$$;
CREATE INDEX product_search ON product USING gin (ngrams(name || ' ' || subtitle || ' ' || keywords));
