-- A book as services would have written it, by whole tables: each member earns `living` times 10
-- points, then spends and earns 10 in turns. Every lot is used once the next comes.

-- Ids in the order of time, as UUIDv7 are.
CREATE FUNCTION pg_temp.made_id(kind int, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(1700000000000 + number), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
            || '8' || lpad(to_hex(number % 4096), 15, '0'))::uuid
$$;

CREATE FUNCTION pg_temp.partition_entries(parts int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE ledger_entry RENAME TO entry_before;
    CREATE TABLE ledger_entry (LIKE entry_before INCLUDING DEFAULTS) PARTITION BY HASH (account_id);
    DROP TABLE entry_before;
    FOR part IN 0 .. parts - 1 LOOP
        EXECUTE format('CREATE TABLE ledger_entry_%s PARTITION OF ledger_entry'
                       ' FOR VALUES WITH (MODULUS %s, REMAINDER %s)', part, parts, part);
    END LOOP;
    ALTER TABLE ledger_entry
        ADD PRIMARY KEY (id, account_id),
        ADD CONSTRAINT ledger_entry_seq_key UNIQUE (account_id, seq),
        ADD CONSTRAINT ledger_entry_source_key
            UNIQUE (account_id, source_kind, source_id, reason),
        ADD CONSTRAINT ledger_entry_delta_check CHECK (delta <> 0),
        ADD CONSTRAINT ledger_entry_balance_check CHECK (balance_after >= 0),
        ADD FOREIGN KEY (account_id) REFERENCES ledger_account ON DELETE RESTRICT,
        ADD FOREIGN KEY (transaction_id) REFERENCES ledger_transaction ON DELETE RESTRICT;
    CREATE INDEX ON ledger_entry (transaction_id);
    CREATE TRIGGER ledger_entry_immutable BEFORE UPDATE OR DELETE ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
END
$$;

CREATE FUNCTION pg_temp.fill(members uuid[], accounts uuid[], transactions int, living int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    many constant bigint := cardinality(members);
    spent constant int := greatest(0, (transactions - living + 1) / 2);
    earned constant int := transactions - spent;
BEGIN
    INSERT INTO member (id, member_no, status, nickname, gender, invite_code, joined_at,
                        tier_code, tier_since, lifetime_growth, created_at, updated_at)
    SELECT id, 'B' || number, 'ACTIVE', '', 'UNKNOWN', 'B' || number, now(), 'REGULAR', now(), 0,
           now(), now()
    FROM unnest(members) WITH ORDINALITY AS who (id, number);

    INSERT INTO ledger_account (id, member_id, kind, unit, balance, seq, earned, created_at)
    SELECT account_id, member_id, 'SPENDABLE', 'POINTS', 10 * (earned - spent), transactions,
           10 * earned, now()
    FROM unnest(members, accounts) AS who (member_id, account_id);

    -- One row for each transaction; `lot` counts what was earned, and what is spent by it.
    CREATE TEMP TABLE happened AS
    SELECT (step - 1) * many + number AS number, member_id, account_id, step,
           turn % 2 = 1 AS is_spent, CASE WHEN turn % 2 = 1 THEN (turn + 1) / 2
                                          WHEN turn > 0 THEN living + turn / 2
                                          ELSE step END AS lot,
           now() - interval '1 year' + interval '300 days' * step / transactions AS happened_at
    FROM generate_series(1, transactions) AS step
    CROSS JOIN LATERAL (SELECT greatest(0, step - living) AS turn) AS turns
    CROSS JOIN unnest(members, accounts) WITH ORDINALITY AS who (member_id, account_id, number)
    ORDER BY step, number;

    INSERT INTO ledger_transaction (id, unit, reason, source_kind, source_id, created_at)
    SELECT pg_temp.made_id(1, number), 'POINTS',
           CASE WHEN is_spent THEN 'ORDER_DEDUCTION' ELSE 'ORDER' END, 'ORDER',
           pg_temp.made_id(2, number), happened_at
    FROM happened;

    INSERT INTO ledger_entry (id, transaction_id, account_id, seq, delta, balance_after, reason,
                              source_kind, source_id, created_at)
    SELECT pg_temp.made_id(3 + side, number), pg_temp.made_id(1, number),
           CASE side WHEN 0 THEN account_id
                     ELSE lpad(CASE WHEN is_spent THEN '2' ELSE '1' END, 32, '0')::uuid END,
           CASE side WHEN 0 THEN step END,
           CASE WHEN is_spent = (side = 0) THEN -10 ELSE 10 END,
           CASE side WHEN 0 THEN 10 * (least(step, living) - is_spent::int) END,
           CASE WHEN is_spent THEN 'ORDER_DEDUCTION' ELSE 'ORDER' END, 'ORDER',
           pg_temp.made_id(2, number), happened_at
    FROM happened CROSS JOIN generate_series(0, 1) AS side
    ORDER BY number;

    INSERT INTO points_lot (id, member_id, source_kind, source_id, reason, earned, remaining,
                            is_pending, expires_at, created_at)
    SELECT pg_temp.made_id(5, number), member_id, 'ORDER', pg_temp.made_id(2, number), 'ORDER', 10,
           CASE WHEN lot <= spent THEN 0 ELSE 10 END, false, happened_at + interval '2 years',
           happened_at
    FROM happened WHERE NOT is_spent;

    INSERT INTO points_lot_use (id, lot_id, source_kind, source_id, points, returned, created_at)
    SELECT pg_temp.made_id(6, spending.number), pg_temp.made_id(5, earning.number), 'ORDER',
           pg_temp.made_id(2, spending.number), 10, 0, spending.happened_at
    FROM happened AS spending
    JOIN happened AS earning
        ON earning.member_id = spending.member_id AND earning.lot = spending.lot
       AND NOT earning.is_spent
    WHERE spending.is_spent;

    DROP TABLE happened;
END
$$;
