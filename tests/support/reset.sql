-- Installed in the template database of the tests. `remember` notes what the migrations left, once;
-- `reset` brings a clone back to it. Rows are deleted rather than truncated: the tables are small, a
-- TRUNCATE makes new files for each table and index, and CASCADE would take reference rows along.
CREATE SCHEMA testing;

CREATE TABLE testing.reference (  -- Tables that migrations filled.
    source regclass PRIMARY KEY,
    copy text NOT NULL,
    columns text NOT NULL,
    fingerprint text NOT NULL
);

CREATE FUNCTION testing.fingerprint(source regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE format('SELECT count(*) || '':'' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %s AS t', source)
    INTO answer;
    RETURN answer;
END
$$;

CREATE FUNCTION testing.has_rows(source regclass) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE answer boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', source) INTO answer;
    RETURN answer;
END
$$;

CREATE VIEW testing.tables AS
    SELECT oid::regclass AS source FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;

CREATE FUNCTION testing.remember() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t regclass; columns text; copy text; number integer := 0;
BEGIN
    FOR t IN SELECT source FROM testing.tables WHERE testing.has_rows(source) LOOP
        number := number + 1;
        copy := format('testing.copy_%s', number);
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
        WHERE attrelid = t AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
        EXECUTE format('CREATE TABLE %s AS SELECT %s FROM %s', copy, columns, t);
        INSERT INTO testing.reference VALUES (t, copy, columns, testing.fingerprint(t));
    END LOOP;
END
$$;

CREATE FUNCTION testing.reset() RETURNS void LANGUAGE plpgsql AS $$
DECLARE t regclass; r testing.reference; s record;
BEGIN
    -- Neither foreign keys nor the triggers that keep the book append-only stand in the way of a test's broom.
    PERFORM set_config('session_replication_role', 'replica', true);
    PERFORM set_config('lock_timeout', '2s', true);  -- Else a transaction that a test left open hangs the run.
    FOR t IN SELECT source FROM testing.tables EXCEPT SELECT source FROM testing.reference LOOP
        IF testing.has_rows(t) THEN
            EXECUTE format('DELETE FROM %s', t);
        END IF;
    END LOOP;
    FOR r IN SELECT * FROM testing.reference LOOP
        IF testing.fingerprint(r.source) <> r.fingerprint THEN
            EXECUTE format('DELETE FROM %s', r.source);
            EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s',
                           r.source, r.columns, r.columns, r.copy);
        END IF;
    END LOOP;
    FOR s IN SELECT format('%I.%I', schemaname, sequencename)::regclass AS name, start_value
             FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
        PERFORM setval(s.name, s.start_value, false);
    END LOOP;
END
$$;
