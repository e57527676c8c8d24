-- Web processes keep answers that anybody may see. These triggers tell them, at the commit, that what
-- the answers were made from has changed. A transaction tells of each tag once, however often it
-- fires; those that tell commit one after the other, so no trigger here fires for an ordinary order.

CREATE FUNCTION tell_public_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('public_changes', TG_ARGV[0]);
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_public_change_of_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM touched) THEN
        PERFORM pg_notify('public_changes', TG_ARGV[0]);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER category_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON category
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');
CREATE TRIGGER product_category_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON product_category
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');
CREATE TRIGGER sku_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sku
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');
CREATE TRIGGER sku_daily_low_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sku_daily_low
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');
CREATE TRIGGER store_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON store
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('stores');
CREATE TRIGGER banner_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON banner
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('banners');
CREATE TRIGGER rule_version_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rule_version
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('rules');
CREATE TRIGGER agreement_told AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON agreement
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('agreements');

-- The sweep over the figures updates products every few seconds, and mostly none.
CREATE TRIGGER product_told AFTER INSERT OR DELETE OR TRUNCATE ON product
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change('catalog');
CREATE TRIGGER product_change_told AFTER UPDATE ON product REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION tell_public_change_of_rows('catalog');

-- Pieces come and go with every order; what all shoppers see is whether there are any. The condition
-- is looked at while the row is written, and queues nothing when it doesn't hold.
CREATE TRIGGER stock_level_told AFTER UPDATE OF available ON stock_level
    FOR EACH ROW WHEN ((OLD.available > 0) IS DISTINCT FROM (NEW.available > 0))
    EXECUTE FUNCTION tell_public_change('stock');
