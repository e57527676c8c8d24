-- Who follows an order or a team hears of each committed change. Rows, not NOTIFY: transactions that
-- notify commit one after the other, and every payment would be one of them.

CREATE FUNCTION tell_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO news (id, kind, object_id, due_at)
    VALUES (gen_random_uuid(), TG_ARGV[0], NEW.id, now());
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_news_of_team() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO news (id, kind, object_id, due_at)
    VALUES (gen_random_uuid(), 'TEAM', coalesce(NEW.team_id, OLD.team_id), now());
    RETURN NULL;
END
$$;

-- By the columns that a statement sets, changed or not: an order of 0 fen is refunded by 0 fen. Who
-- hears of a change looks for themselves. What is only due later (leases, deadlines) tells nothing.
CREATE TRIGGER sales_order_news
    AFTER UPDATE OF status, payable_fen, paid_fen, refunded_fen, address_encrypted, final_at,
                    member_id ON sales_order
    FOR EACH ROW EXECUTE FUNCTION tell_news('ORDER');
CREATE TRIGGER group_buy_team_news AFTER UPDATE OF status, paid_seats ON group_buy_team
    FOR EACH ROW EXECUTE FUNCTION tell_news('TEAM');
CREATE TRIGGER group_buy_seat_news
    AFTER INSERT OR DELETE OR UPDATE OF status, member_id, team_id ON group_buy_seat
    FOR EACH ROW EXECUTE FUNCTION tell_news_of_team();
