-- What a search asks the index for: pairs of neighbours alone, for they say more than their
-- letters, and the planner then knows how rare they are; a word of one character is asked for as
-- it stands.
CREATE FUNCTION search_grams(content text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT gram), '{}')
    FROM (
        SELECT substr(word, start, 2) AS gram
        FROM regexp_split_to_table(lower(content), '[[:space:][:punct:]]+') AS word,
             generate_series(1, greatest(char_length(word) - 1, 1)) AS start
    ) AS grams
    WHERE gram <> '';
$$;

-- Honest, so that the planner doesn't work them out row by row where the index has them.
ALTER FUNCTION ngrams(text) COST 2000;
ALTER FUNCTION search_grams(text) COST 2000;

-- Suggestions look for the name alone.
CREATE OR REPLACE FUNCTION keep_product_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO product_text (id, name, text)
    VALUES (
        NEW.id,
        lower(normalize(NEW.name, NFKC)),
        lower(normalize(NEW.name || ' ' || NEW.subtitle || ' ' || NEW.keywords, NFKC))
    )
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, text = excluded.text;
    RETURN NULL;
END
$$;
INSERT INTO product_text (id, name, text)
    SELECT id, lower(normalize(name, NFKC)),
           lower(normalize(name || ' ' || subtitle || ' ' || keywords, NFKC))
    FROM product;
