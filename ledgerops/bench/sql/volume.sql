-- Entries of eleven legs: ten debits of 1.00 on the settlement account, one credit of 10.00 on a customer's, customer after customer,
-- day after day of the open periods.
-- What is derived follows by arithmetic: the k-th leg of an account has sequence k, and all its legs have one amount.
CREATE TEMPORARY TABLE customer ON COMMIT DROP AS
    SELECT a.id, a.asset_id, a.entity_id, b.version AS before, b.posted_credits_minor - b.posted_debits_minor AS balance_before,
           row_number() OVER (ORDER BY a.id) - 1 AS place, (
               SELECT jsonb_agg(jsonb_build_object('account', CASE WHEN line < 11 THEN 'HOT' ELSE a.code END, 'asset', x.code,
                   'direction', CASE WHEN line < 11 THEN 'debit' ELSE 'credit' END,
                   'amount', CASE WHEN line < 11 THEN '100' ELSE '1000' END) ORDER BY line)
               FROM generate_series(1, 11) AS line) AS lines
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id JOIN ledger_asset x ON x.id = a.asset_id WHERE a.code LIKE 'C%';
CREATE UNIQUE INDEX ON customer (place);
CREATE TEMPORARY TABLE hot ON COMMIT DROP AS
    SELECT a.id, a.asset_id, a.entity_id, b.version AS before, b.posted_debits_minor - b.posted_credits_minor AS balance_before
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id WHERE a.code = 'HOT';
CREATE TEMPORARY TABLE day ON COMMIT DROP AS
    SELECT p.id AS period_id, d::date AS effective_date, row_number() OVER (ORDER BY d) - 1 AS place
    FROM ledger_period p, generate_series(p.starts_on, p.ends_on, interval '1 day') AS d;
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
    SELECT n, uuidv7() AS id, c.id AS customer_id, c.before + turn + 1 AS customer_seq, c.balance_before + (turn + 1) * 1000 AS customer_balance,
           d.period_id, d.effective_date, nextval('ledger_entry_number') AS number, c.lines
    FROM (SELECT current_setting('bench.entries')::bigint AS total) AS size,
         (SELECT count(*) AS customers FROM customer) AS counted,
         LATERAL generate_series(1, total) AS n,
         LATERAL (SELECT (n - 1) / customers AS turn, (n - 1) % customers AS whose) AS turns,
         customer c, day d
    WHERE c.place = whose AND d.place = (n - 1) * (SELECT count(*) FROM day) / total ORDER BY n;
ANALYZE planned;
-- Indexes are built once over all rows rather than row by row.
UPDATE pg_index SET indisready = false WHERE indrelid = 'ledger_posting'::regclass;

INSERT INTO ledger_transaction (id, scope, key, content, type_id, entity_id, status, settlement, entry_id, lines, request_id, created_at)
    SELECT p.id, 'volume', p.id::text, jsonb_build_object('type', 'deposit', 'effective_date', p.effective_date, 'description', 'deposit',
               'reference', 'VOLUME-' || n, 'lines', p.lines),
           t.id, h.entity_id, 'posted', 'expected', p.id, 11, '', clock_timestamp()
    FROM planned p, hot h, ledger_transaction_type t WHERE t.code = 'deposit' AND t.current ORDER BY n;
INSERT INTO ledger_entry (id, number, entity_id, type_id, origin, period_id, effective_date, prior_period, posted_at, lines, description,
                          reference, counterparty, metadata, request_id)
    SELECT p.id, p.number, h.entity_id, t.id, t.origin, p.period_id, p.effective_date, false, clock_timestamp(), 11, 'deposit',
           'VOLUME-' || n, '', '{}', ''
    FROM planned p, hot h, ledger_transaction_type t WHERE t.code = 'deposit' AND t.current ORDER BY n;
INSERT INTO ledger_posting (entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date, account_seq,
                            balance_after_minor)
    SELECT p.id, line, 11, CASE WHEN line < 11 THEN h.id ELSE p.customer_id END, h.asset_id, h.entity_id,
           CASE WHEN line < 11 THEN 'debit' ELSE 'credit' END, CASE WHEN line < 11 THEN 100 ELSE 1000 END, p.effective_date,
           CASE WHEN line < 11 THEN h.before + (n - 1) * 10 + line ELSE p.customer_seq END,
           CASE WHEN line < 11 THEN h.balance_before + ((n - 1) * 10 + line) * 100 ELSE p.customer_balance END
    FROM planned p, hot h, generate_series(1, 11) AS line ORDER BY n, line;
REINDEX TABLE ledger_posting;

INSERT INTO ledger_day_delta AS d (account_id, effective_date, debits_minor, credits_minor, postings)
    SELECT h.id, effective_date, count(*) * 1000, 0, count(*) * 10 FROM planned, hot h GROUP BY h.id, effective_date
    UNION ALL
    SELECT customer_id, effective_date, 0, count(*) * 1000, count(*) FROM planned GROUP BY customer_id, effective_date
    ORDER BY effective_date
    ON CONFLICT (account_id, effective_date) DO UPDATE SET debits_minor = d.debits_minor + excluded.debits_minor,
        credits_minor = d.credits_minor + excluded.credits_minor, postings = d.postings + excluded.postings;
UPDATE ledger_balance b SET posted_debits_minor = b.posted_debits_minor + moved.entries * 1000, version = b.version + moved.entries * 10
    FROM hot h, (SELECT count(*) AS entries FROM planned) AS moved WHERE b.account_id = h.id;
UPDATE ledger_balance b SET posted_credits_minor = b.posted_credits_minor + moved.entries * 1000, version = b.version + moved.entries
    FROM (SELECT customer_id, count(*) AS entries FROM planned GROUP BY customer_id) AS moved WHERE b.account_id = moved.customer_id
