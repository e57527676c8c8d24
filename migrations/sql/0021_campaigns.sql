-- What Tortoise doesn't write for tables that are new: constraints, partial indexes, triggers.

ALTER TABLE campaign_stock
    ADD CONSTRAINT campaign_stock_equation_check
        CHECK (set_aside = available + reserved + sold + returned),
    ADD CONSTRAINT campaign_stock_positive_check
        CHECK (set_aside >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0
               AND returned >= 0),
    ADD CONSTRAINT campaign_stock_closed_check
        CHECK (closed_at IS NULL OR available = 0);

ALTER TABLE flash_sale
    ADD CONSTRAINT flash_sale_window_check CHECK (starts_at < ends_at),
    ADD CONSTRAINT flash_sale_published_check
        CHECK ((state = 'DRAFT') = (published_at IS NULL)),
    ADD CONSTRAINT flash_sale_close_check
        CHECK ((state IN ('DRAFT', 'CLOSED')) = (close_due_at IS NULL));
ALTER TABLE flash_sale_item
    ADD CONSTRAINT flash_sale_item_sku_key UNIQUE (sale_id, sku_id),
    ADD CONSTRAINT flash_sale_item_stock_key UNIQUE (stock_id),
    ADD CONSTRAINT flash_sale_item_price_check
        CHECK (price_fen BETWEEN 0 AND 9007199254740991),
    ADD CONSTRAINT flash_sale_item_quantity_check CHECK (quantity >= 1),
    ADD CONSTRAINT flash_sale_item_limit_check CHECK (per_member_limit BETWEEN 1 AND 99),
    ADD CONSTRAINT flash_sale_item_buckets_check CHECK (buckets BETWEEN 1 AND 64);
ALTER TABLE flash_ticket
    ADD CONSTRAINT flash_ticket_quantity_check CHECK (quantity BETWEEN 1 AND 99),
    ADD CONSTRAINT flash_ticket_status_check CHECK (status IN ('ORDERED', 'REJECTED')),
    ADD CONSTRAINT flash_ticket_reason_check
        CHECK ((status = 'REJECTED') = (reason IS NOT NULL));
ALTER TABLE flash_quota
    ADD CONSTRAINT flash_quota_key UNIQUE (item_id, member_id),
    ADD CONSTRAINT flash_quota_pieces_check CHECK (pieces >= 0);
ALTER TABLE flash_reminder
    ADD CONSTRAINT flash_reminder_key UNIQUE (item_id, member_id);

ALTER TABLE group_buy
    ADD CONSTRAINT group_buy_window_check CHECK (starts_at < ends_at),
    ADD CONSTRAINT group_buy_team_check
        CHECK (team_size BETWEEN 2 AND 100 AND team_hours BETWEEN 1 AND 168),
    ADD CONSTRAINT group_buy_limit_check CHECK (per_member_limit >= 1),
    ADD CONSTRAINT group_buy_close_check
        CHECK ((state = 'CLOSED') = (close_due_at IS NULL));
ALTER TABLE group_buy_item
    ADD CONSTRAINT group_buy_item_sku_key UNIQUE (group_buy_id, sku_id),
    ADD CONSTRAINT group_buy_item_stock_key UNIQUE (stock_id),
    ADD CONSTRAINT group_buy_item_price_check
        CHECK (price_fen BETWEEN 0 AND 9007199254740991);
ALTER TABLE group_buy_team
    ADD CONSTRAINT group_buy_team_seats_check CHECK (paid_seats BETWEEN 0 AND size),
    ADD CONSTRAINT group_buy_team_succeeded_check
        CHECK ((status = 'SUCCEEDED') = (paid_seats = size)),
    ADD CONSTRAINT group_buy_team_forming_check
        CHECK ((status = 'FORMING') = (due_at IS NOT NULL)
               AND (status = 'FORMING') = (ended_at IS NULL));
ALTER TABLE group_buy_seat
    ADD CONSTRAINT group_buy_seat_position_key UNIQUE (team_id, position),
    ADD CONSTRAINT group_buy_seat_order_key UNIQUE (order_id),
    ADD CONSTRAINT group_buy_seat_position_check CHECK (position >= 0),
    ADD CONSTRAINT group_buy_seat_paid_check
        CHECK ((status = 'PAID') = (paid_at IS NOT NULL)),
    ADD CONSTRAINT group_buy_seat_refund_check
        CHECK (refund_due_at IS NULL OR paid_at IS NOT NULL);
ALTER TABLE group_buy_count
    ADD CONSTRAINT group_buy_count_key UNIQUE (group_buy_id, member_id),
    ADD CONSTRAINT group_buy_count_pieces_check CHECK (pieces >= 0);
ALTER TABLE group_buy_newcomer
    ADD CONSTRAINT group_buy_newcomer_member_key UNIQUE (member_id),
    ADD CONSTRAINT group_buy_newcomer_order_key UNIQUE (order_id);

-- One team of a campaign that a member has open, and one seat of a team that is theirs.
CREATE UNIQUE INDEX group_buy_team_open_key ON group_buy_team (group_buy_id, leader_id)
    WHERE status = 'FORMING';
CREATE UNIQUE INDEX group_buy_seat_member_key ON group_buy_seat (team_id, member_id)
    WHERE NOT merged;

-- Due work: each sweep reads one of these.
CREATE INDEX flash_sale_close_due ON flash_sale (close_due_at) WHERE close_due_at IS NOT NULL;
CREATE INDEX flash_reminder_open ON flash_reminder (item_id) WHERE told_at IS NULL;
CREATE INDEX group_buy_close_due ON group_buy (close_due_at) WHERE close_due_at IS NOT NULL;
CREATE INDEX group_buy_team_due ON group_buy_team (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX group_buy_seat_refund_due ON group_buy_seat (refund_due_at)
    WHERE refund_due_at IS NOT NULL;

-- Lists: sessions and campaigns by their windows, teams that can be joined, a member's own.
CREATE INDEX flash_sale_shown ON flash_sale (starts_at, id) WHERE state <> 'DRAFT';
CREATE INDEX group_buy_shown ON group_buy (ends_at, id) WHERE state = 'PUBLISHED';
CREATE INDEX group_buy_team_joinable ON group_buy_team (group_buy_id, expires_at, id)
    WHERE status = 'FORMING' AND paid_seats > 0;
CREATE INDEX flash_ticket_member ON flash_ticket (member_id, claimed_at DESC, id DESC);
CREATE INDEX group_buy_seat_member ON group_buy_seat (member_id, joined_at DESC, id DESC);

-- What anybody may see of campaigns. Claims, orders and seats tell nothing.
CREATE TRIGGER flash_sale_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON flash_sale
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER flash_sale_item_told
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON flash_sale_item
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER group_buy_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON group_buy
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');
CREATE TRIGGER group_buy_item_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON group_buy_item
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('campaigns');

-- How many pieces of a shelf are left changes with every order; what all shoppers see at once is
-- whether there are any.
CREATE TRIGGER campaign_stock_told AFTER UPDATE OF available ON campaign_stock
    FOR EACH ROW WHEN ((OLD.available > 0) IS DISTINCT FROM (NEW.available > 0))
    EXECUTE FUNCTION tell_public_change('campaigns');
