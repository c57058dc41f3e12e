-- The floor: the least PostgreSQL does for a durable double-entry posting. One round trip writes a keyed entry and two
-- postings and moves two balances; no asset, no period, no balance check, no approval, no history of a balance.
CREATE TABLE account (
    id bigint PRIMARY KEY,
    bal numeric(38, 0) NOT NULL DEFAULT 0,
    ver bigint NOT NULL DEFAULT 0
);
CREATE TABLE entry (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    idem text UNIQUE NOT NULL,
    at timestamptz DEFAULT now(),
    kind text,
    meta jsonb
);
CREATE TABLE posting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry uuid NOT NULL REFERENCES entry,
    account bigint NOT NULL REFERENCES account,
    amount numeric(38, 0) NOT NULL,
    at timestamptz DEFAULT now()
);
CREATE INDEX ON posting (account, id);
CREATE INDEX ON posting (entry);
INSERT INTO account (id) SELECT generate_series(1, 10000);

CREATE FUNCTION floor_post(key text, payer bigint, payee bigint, moved numeric) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    posted uuid;
BEGIN
    INSERT INTO entry (idem, kind, meta) VALUES (key, 'transfer', '{"r": "x"}') ON CONFLICT (idem) DO NOTHING RETURNING id INTO posted;
    IF posted IS NULL THEN
        SELECT id INTO posted FROM entry WHERE idem = key;
        RETURN posted;
    END IF;
    PERFORM 1 FROM account WHERE id IN (payer, payee) ORDER BY id FOR UPDATE;
    UPDATE account SET bal = bal - moved, ver = ver + 1 WHERE id = payer;
    UPDATE account SET bal = bal + moved, ver = ver + 1 WHERE id = payee;
    INSERT INTO posting (entry, account, amount) VALUES (posted, payer, -moved), (posted, payee, moved);
    RETURN posted;
END $$;
