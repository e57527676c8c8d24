-- The catalogue's lists and its search.

-- One index for each order of the product list, read forwards or backwards from any cursor.
CREATE INDEX product_recommended ON product (in_stock, position, sold, id)
    WHERE status = 'ON_SALE';
CREATE INDEX product_newest ON product (published_at, id) WHERE status = 'ON_SALE';
CREATE INDEX product_best_selling ON product (sold, id) WHERE status = 'ON_SALE';
CREATE INDEX product_by_price ON product (min_price_fen, id) WHERE status = 'ON_SALE';

-- The search reads a table of its own, see the model.
ALTER TABLE product_text ADD CONSTRAINT product_text_product_fkey
    FOREIGN KEY (id) REFERENCES product (id) ON DELETE RESTRICT;
CREATE FUNCTION keep_product_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_text (id, text)
    VALUES (NEW.id, lower(normalize(NEW.name || ' ' || NEW.subtitle || ' ' || NEW.keywords, NFKC)))
    ON CONFLICT (id) DO UPDATE SET text = excluded.text;
    RETURN NULL;
END
$$;
CREATE TRIGGER product_text_kept AFTER INSERT OR UPDATE OF name, subtitle, keywords ON product
    FOR EACH ROW EXECUTE FUNCTION keep_product_text();
INSERT INTO product_text (id, text)
    SELECT id, lower(normalize(name || ' ' || subtitle || ' ' || keywords, NFKC)) FROM product;
DROP INDEX product_search;
CREATE INDEX product_text_ngrams ON product_text USING gin (ngrams(text));

