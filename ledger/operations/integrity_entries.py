"""What the integrity checker asks of entries and of what stands around them: transactions, holds, reversals, the chart, closes."""

ENTRIES = """
WITH wanted AS (
    SELECT i.id, e.id IS NOT NULL AS exists, e.number, e.lines, e.effective_date, e.value_date, e.prior_period, e.type_id,
           e.entity_id, e.origin,
           e.proposal_id, e.description, e.reference, e.counterparty, p.starts_on, p.ends_on, p.entity_id AS period_entity,
           t.code AS type_code, t.origin AS type_origin, k.id AS transaction_id, k.entry_id AS posts, k.lines AS transaction_lines,
           k.content, k.warnings->'shortfalls' AS shortfalls, k.type_id AS asked_type, k.entity_id AS asked_entity,
           coalesce('entity:' || n.code, (SELECT 'entity:' || own.code FROM ledger_posting q JOIN ledger_entity own ON own.id = q.entity_id
                                          WHERE q.entry_id = i.id LIMIT 1), '') AS scope
    FROM unnest(%(entries)s::uuid[]) AS i (id)
    LEFT JOIN ledger_entry e ON e.id = i.id
    LEFT JOIN ledger_period p ON p.id = e.period_id
    LEFT JOIN ledger_transaction_type t ON t.id = e.type_id
    LEFT JOIN ledger_transaction k ON k.id = i.id
    LEFT JOIN ledger_entity n ON n.id = coalesce(e.entity_id, k.entity_id)
), legs AS (
    SELECT w.id, count(*) AS n, max(p.line) AS last, bool_and(p.lines = w.lines AND p.effective_date = w.effective_date) AS of_entry,
           jsonb_agg(p.line ORDER BY p.line) FILTER (WHERE a.id IS NULL OR (a.asset_id, a.entity_id) <> (p.asset_id,
               p.entity_id)) AS strange
    FROM wanted w JOIN ledger_posting p ON p.entry_id = w.id LEFT JOIN ledger_account a ON a.id = p.account_id GROUP BY w.id
), differences AS (
    SELECT d.id, jsonb_object_agg(coalesce(n.code, d.entity_id::text) || ' in ' || coalesce(s.code, d.asset_id::text),
           d.difference::text) AS said
    FROM (SELECT w.id, p.entity_id, p.asset_id, sum(CASE p.direction WHEN 'debit'
        THEN p.amount_minor ELSE -p.amount_minor END) AS difference
          FROM wanted w JOIN ledger_posting p ON p.entry_id = w.id GROUP BY 1, 2, 3
          HAVING sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0) d
    LEFT JOIN ledger_entity n ON n.id = d.entity_id LEFT JOIN ledger_asset s ON s.id = d.asset_id GROUP BY d.id
), asked AS (
    -- What was asked for, line by line; where a shortfall moved an amount from a limited account to a receivable, by account and side.
    SELECT w.id, CASE WHEN w.shortfalls IS NULL THEN l.line END AS line, l.account, l.direction, l.asset, sum(l.amount) AS amount
    FROM wanted w CROSS JOIN LATERAL (
        SELECT x.* FROM ROWS FROM (jsonb_to_recordset(CASE jsonb_typeof(w.content->'lines') WHEN 'array'
               THEN w.content->'lines' ELSE '[]' END)
            AS (account text, direction text, amount numeric, asset text)) WITH ORDINALITY AS x (account, direction, amount, asset, line)
        UNION ALL
        SELECT m.account, short->>'direction', m.sign * (short->>'amount')::numeric, s.code, NULL
        FROM jsonb_array_elements(w.shortfalls) short
        CROSS JOIN LATERAL (VALUES (short->>'account', -1), (short->>'receivable', 1)) m (account, sign)
        JOIN ledger_account a ON a.code = m.account JOIN ledger_asset s ON s.id = a.asset_id) l
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(l.amount) <> 0
), posted AS (
    SELECT w.id, CASE WHEN w.shortfalls IS NULL THEN p.line::bigint END AS line, a.code AS account, p.direction, s.code AS asset,
           sum(p.amount_minor) AS amount
    FROM wanted w JOIN ledger_posting p ON p.entry_id = w.id
    JOIN ledger_account a ON a.id = p.account_id JOIN ledger_asset s ON s.id = p.asset_id
    GROUP BY 1, 2, 3, 4, 5
), other AS (
    SELECT id, jsonb_agg(asked ORDER BY line) FILTER (WHERE asked IS NOT NULL) AS asked, jsonb_agg(posted ORDER BY line)
               FILTER (WHERE posted IS NOT NULL) AS posted
    FROM (
        SELECT id, line, CASE WHEN asked.amount IS NOT NULL THEN concat_ws(' ', account, direction, asked.amount, asset) END AS asked,
               CASE WHEN posted.amount IS NOT NULL THEN concat_ws(' ', account, direction, posted.amount, asset) END AS posted
        FROM (SELECT id, coalesce(line, 0) AS line, account, direction, asset, amount FROM asked) asked
        FULL JOIN (SELECT id, coalesce(line, 0) AS line, account, direction, asset, amount FROM posted) posted
            USING (id, line, account, direction, asset)
        WHERE asked.amount IS DISTINCT FROM posted.amount) x
    GROUP BY id
)
SELECT q.check_name, q.object_type, w.id::text, coalesce('LE-' || w.number, w.id::text), NULL, w.scope, q.expected, q.found
FROM wanted w LEFT JOIN legs l ON l.id = w.id LEFT JOIN differences d ON d.id = w.id LEFT JOIN other o ON o.id = w.id
CROSS JOIN LATERAL (VALUES
    ('postings_have_their_entry', 'ledger.journal_entry', NOT w.exists AND l.n > 0,
     jsonb_build_object('entries', 1), jsonb_build_object('entries', 0, 'postings', l.n)),
    ('entry_balances', 'ledger.journal_entry', d.id IS NOT NULL, jsonb_build_object('differences', '{}'::jsonb),
     jsonb_build_object('differences', d.said)),
    ('entry_is_complete', 'ledger.journal_entry',
     w.exists AND (l.n IS DISTINCT FROM w.lines OR l.last IS DISTINCT FROM w.lines OR NOT l.of_entry),
     jsonb_build_object('lines', w.lines, 'effective_date', w.effective_date), jsonb_build_object('lines', coalesce(l.n, 0), 'alike',
         l.of_entry)),
    ('posting_agrees_with_its_account', 'ledger.journal_entry', l.strange IS NOT NULL, jsonb_build_object('lines', '[]'::jsonb),
     jsonb_build_object('lines', l.strange)),
    ('entry_has_its_transaction', 'ledger.journal_entry',
     w.exists AND (w.posts, w.transaction_lines) IS DISTINCT FROM (w.id, w.lines::integer),
     jsonb_build_object('entry', w.id, 'lines', w.lines), jsonb_build_object('entry', w.posts, 'lines', w.transaction_lines)),
    ('transaction_has_its_entry', 'ledger.transaction', NOT w.exists AND w.posts IS NOT NULL,
     jsonb_build_object('entry', w.posts), jsonb_build_object('entry', NULL)),
    ('content_is_what_was_posted', 'ledger.transaction', w.exists AND w.transaction_id IS NOT NULL AND (
        o.id IS NOT NULL
        OR (w.content->>'type', w.content->>'description', coalesce(w.content->>'reference', ''), coalesce(w.content->>'counterparty', ''))
            IS DISTINCT FROM (w.type_code, w.description, w.reference, w.counterparty)
        OR (w.content->>'effective_date')::date IS DISTINCT FROM CASE WHEN w.prior_period THEN w.value_date ELSE w.effective_date END),
     jsonb_build_object('lines', o.asked, 'type', w.content->>'type', 'effective_date', w.content->>'effective_date'),
     jsonb_build_object('lines', o.posted, 'type', w.type_code, 'effective_date',
                        CASE WHEN w.prior_period THEN w.value_date ELSE w.effective_date END)),
    ('entry_lies_in_its_period', 'ledger.journal_entry', w.exists AND (
        w.starts_on IS NULL OR w.period_entity <> w.entity_id OR w.effective_date NOT BETWEEN w.starts_on AND w.ends_on),
     jsonb_build_object('from', w.starts_on, 'to', w.ends_on), jsonb_build_object('effective_date', w.effective_date)),
    ('entry_is_of_its_type', 'ledger.journal_entry', w.exists AND (
        w.type_origin IS DISTINCT FROM w.origin
        OR w.transaction_id IS NOT NULL AND (w.asked_type, w.asked_entity) IS DISTINCT FROM (w.type_id, w.entity_id)),
     jsonb_build_object('origin', w.type_origin, 'type', w.asked_type, 'entity', w.asked_entity),
     jsonb_build_object('origin', w.origin, 'type', w.type_id, 'entity', w.entity_id)),
    ('manual_entry_was_approved', 'ledger.journal_entry', w.exists AND (
        w.origin <> 'rule' AND NOT EXISTS (SELECT 1 FROM approvals_execution x WHERE x.proposal_id = w.proposal_id)
        OR w.origin = 'rule' AND w.proposal_id IS NOT NULL),
     jsonb_build_object('executed', w.origin <> 'rule'), jsonb_build_object('proposal', w.proposal_id, 'executed', EXISTS (
        SELECT 1 FROM approvals_execution x WHERE x.proposal_id = w.proposal_id)))
) AS q (check_name, object_type, wrong, expected, found)
WHERE q.wrong ORDER BY w.id, q.check_name
"""

LOST_ENTRIES = """
SELECT k.id FROM ledger_transaction k LEFT JOIN ledger_entry e ON e.id = k.entry_id WHERE k.entry_id IS NOT NULL AND e.id IS NULL
"""

TRANSACTIONS = """
WITH undone AS (
    SELECT r.entry_id, NOT EXISTS (
        SELECT 1 FROM (SELECT p.account_id, p.direction, sum(p.amount_minor) AS amount FROM ledger_posting p
                       WHERE p.entry_id = r.entry_id GROUP BY 1, 2) o
        LEFT JOIN ledger_reversed_leg l ON l.entry_id = r.entry_id AND l.account_id = o.account_id AND l.direction = o.direction
        WHERE l.reversed_minor IS DISTINCT FROM o.amount) AS wholly
    FROM (SELECT DISTINCT entry_id FROM ledger_reversed_leg) r
), last_said AS (
    SELECT DISTINCT ON (v.transaction_id) v.transaction_id, v.to_status FROM ledger_transaction_event v
    WHERE v.axis = 'settlement' AND v.outcome = 'applied' ORDER BY v.transaction_id, v.id DESC
), judged AS (
    SELECT k.id, k.status, k.settlement, n.code AS entity,
           CASE WHEN k.entry_id IS NOT NULL THEN CASE WHEN coalesce(u.wholly, false) THEN 'reversed' ELSE 'posted' END
                WHEN h.transaction_id IS NOT NULL AND h.closed_at IS NULL THEN 'pending'
                WHEN h.captured_minor > 0 THEN 'posted'
                WHEN h.transaction_id IS NOT NULL THEN 'cancelled'
                WHEN k.refusal_code IS NOT NULL THEN 'failed'
                WHEN k.status IN ('posted', 'reversed') THEN 'not posted'
                ELSE k.status END AS status_due,
           CASE WHEN s.to_status IS NOT NULL THEN s.to_status
                WHEN t.settles AND k.refusal_code IS NULL AND h.transaction_id IS NULL THEN 'expected'
                ELSE 'not_applicable' END AS settlement_due
    FROM ledger_transaction k
    LEFT JOIN ledger_transaction_type t ON t.id = k.type_id
    LEFT JOIN ledger_entity n ON n.id = k.entity_id
    LEFT JOIN ledger_hold h ON h.transaction_id = k.id
    LEFT JOIN undone u ON u.entry_id = k.entry_id
    LEFT JOIN last_said s ON s.transaction_id = k.id
)
SELECT q.check_name, 'ledger.transaction', j.id::text, j.id::text, NULL, coalesce('entity:' || j.entity, ''),
       jsonb_build_object('status', q.due), jsonb_build_object('status', q.stands)
FROM (SELECT * FROM judged WHERE status_due <> status OR settlement_due <> settlement) j CROSS JOIN LATERAL (VALUES
    ('transaction_status_agrees', j.status_due, j.status), ('settlement_agrees', j.settlement_due, j.settlement)
) AS q (check_name, due, stands)
WHERE q.due <> q.stands ORDER BY j.id
"""

HOLDS = """
SELECT 'hold_adds_up', 'ledger.hold', h.transaction_id::text, h.transaction_id::text || ' on ' || a.code, h.account_id,
       'account:' || a.code,
       jsonb_build_object('placed', coalesce(v.placed, 0)::text, 'captured', coalesce(v.captured, 0)::text,
                          'released', coalesce(v.released, 0)::text, 'ended', coalesce(v.ended, 0) > 0),
       jsonb_build_object('placed', h.amount_minor::text, 'captured', h.captured_minor::text, 'released', h.released_minor::text,
                          'ended', h.closed_at IS NOT NULL)
FROM ledger_hold h
JOIN ledger_account a ON a.id = h.account_id
LEFT JOIN (
    SELECT e.hold_id, sum(e.amount_minor) FILTER (WHERE e.act = 'placed') AS placed,
           sum(e.amount_minor) FILTER (WHERE e.act = 'captured') AS captured,
           sum(e.amount_minor) FILTER (WHERE e.act IN ('released', 'expired')) AS released, count(*) FILTER (WHERE e.terminal) AS ended
    FROM ledger_hold_event e GROUP BY e.hold_id) v ON v.hold_id = h.transaction_id
WHERE h.amount_minor IS DISTINCT FROM v.placed OR h.captured_minor <> coalesce(v.captured, 0) OR h.released_minor <> coalesce(v.released, 0)
   OR (h.closed_at IS NOT NULL) <> (coalesce(v.ended, 0) = 1) OR h.captured_minor + h.released_minor > h.amount_minor
   OR (h.closed_at IS NOT NULL) <> (h.captured_minor + h.released_minor = h.amount_minor)
ORDER BY h.transaction_id
"""

REVERSALS = """
WITH undone AS (
    -- As it was asked for: a reversal that met a limit posted a part of a leg elsewhere.
    SELECT e.reverses_id AS entry_id, a.id AS account_id, CASE l.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END AS direction,
           sum(l.amount) AS amount
    FROM ledger_entry e JOIN ledger_transaction k ON k.id = e.id
    CROSS JOIN LATERAL jsonb_to_recordset(k.content->'lines') AS l (account text, direction text, amount numeric)
    JOIN ledger_account a ON a.code = l.account
    WHERE e.reverses_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT 'reversals_add_up', 'ledger.journal_entry', entry_id::text || '/' || a.code || '/' || direction,
       coalesce('LE-' || e.number, entry_id::text) || ', ' || direction || ' of ' || a.code, account_id, 'account:' || a.code,
       jsonb_build_object('amount', coalesce(o.amount, 0)::text, 'reversed', coalesce(u.amount, 0)::text),
       jsonb_build_object('amount', coalesce(r.amount_minor, 0)::text, 'reversed', coalesce(r.reversed_minor, 0)::text)
FROM ledger_reversed_leg r
FULL JOIN undone u USING (entry_id, account_id, direction)
LEFT JOIN ledger_entry e ON e.id = entry_id
LEFT JOIN ledger_account a ON a.id = account_id
LEFT JOIN LATERAL (SELECT sum(p.amount_minor) AS amount FROM ledger_posting p
                   WHERE p.entry_id = e.id AND p.account_id = a.id AND p.direction = coalesce(r.direction, u.direction)) o ON true
WHERE (r.amount_minor, r.reversed_minor) IS DISTINCT FROM (o.amount, u.amount) OR u.amount > o.amount
ORDER BY 3
"""

CHART = """
WITH RECURSIVE above (id, parent_id) AS (
    SELECT a.id, a.parent_id FROM ledger_account a WHERE a.parent_id IS NOT NULL
    UNION SELECT b.id, a.parent_id FROM above b JOIN ledger_account a ON a.id = b.parent_id WHERE a.parent_id IS NOT NULL
)
SELECT 'control_account_has_no_postings', 'ledger.account', a.code, a.code, a.id, 'account:' || a.code, '{"postings": false}'::jsonb,
       '{"postings": true}'::jsonb
FROM ledger_account a WHERE a.is_control AND EXISTS (SELECT 1 FROM ledger_posting p WHERE p.account_id = a.id)
UNION ALL
SELECT 'account_stands_under_its_kind', 'ledger.account', c.code, c.code, c.id, 'account:' || c.code,
       jsonb_build_object('asset', p.asset_id, 'entity', p.entity_id, 'type', p.type, 'control', true, 'circle', false),
       jsonb_build_object('asset', c.asset_id, 'entity', c.entity_id, 'type', c.type, 'control', p.is_control,
                          'circle', EXISTS (SELECT 1 FROM above w WHERE w.id = c.id AND w.parent_id = c.id))
FROM ledger_account c JOIN ledger_account p ON p.id = c.parent_id
WHERE (c.asset_id, c.entity_id, c.type) <> (p.asset_id, p.entity_id, p.type) OR NOT p.is_control
   OR EXISTS (SELECT 1 FROM above w WHERE w.id = c.id AND w.parent_id = c.id)
UNION ALL
SELECT 'account_has_its_balance_row', 'ledger.account', a.code, a.code, a.id, 'account:' || a.code,
       jsonb_build_object('debit_normal', a.type IN ('asset', 'expense')), jsonb_build_object('debit_normal', b.debit_normal)
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE b.debit_normal IS DISTINCT FROM (a.type IN ('asset', 'expense'))
"""

# All days so far less what was posted later: what a close has counted of these accounts, whatever was let in since.
CLOSES = """
SELECT 'close_is_what_was_posted', 'ledger.close_balance', c.id || '/' || a.code,
       a.code || ' at ' || p.ends_on || ', close ' || c.n, x.account_id, 'account:' || a.code,
       jsonb_build_object('debits', s.debits::text, 'credits', s.credits::text),
       jsonb_build_object('debits', x.debits_minor::text, 'credits', x.credits_minor::text)
FROM ledger_close_balance x
JOIN ledger_close c ON c.id = x.close_id JOIN ledger_period p ON p.id = c.period_id JOIN ledger_account a ON a.id = x.account_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.debits), 0) AS debits, coalesce(sum(m.credits), 0) AS credits FROM (
        SELECT d.debits_minor AS debits, d.credits_minor AS credits FROM ledger_day_delta d
        WHERE d.account_id = x.account_id AND d.effective_date <= p.ends_on
        UNION ALL
        SELECT CASE q.direction WHEN 'debit' THEN -q.amount_minor ELSE 0 END, CASE q.direction WHEN 'debit' THEN 0 ELSE -q.amount_minor END
        FROM ledger_posting q WHERE q.account_id = x.account_id AND q.effective_date <= p.ends_on AND q.account_seq > x.account_seq
        UNION ALL
        SELECT CASE q.direction WHEN 'debit' THEN -q.amount_minor ELSE 0 END, CASE q.direction WHEN 'debit' THEN 0 ELSE -q.amount_minor END
        FROM ledger_rolled_posting r JOIN ledger_posting q ON q.entry_id = r.entry_id AND q.line = r.line
        WHERE r.account_id = x.account_id AND r.effective_date <= p.ends_on AND r.account_seq > x.account_seq) m) s
WHERE x.account_id = ANY (%(accounts)s) AND (x.debits_minor, x.credits_minor) <> (s.debits, s.credits)
ORDER BY c.id, a.code
"""

# The words are those of ledger.operations.closing, which stores the digest.
CLOSE_DIGESTS = """
SELECT 'close_digest_is_its_balances', 'ledger.close', c.id::text, e.code || ' ' || p.starts_on || ' to ' || p.ends_on || ',
       close ' || c.n, NULL,
       'entity:' || e.code, jsonb_build_object('digest', s.digest), jsonb_build_object('digest', c.digest)
FROM ledger_close c JOIN ledger_period p ON p.id = c.period_id JOIN ledger_entity e ON e.id = p.entity_id
CROSS JOIN LATERAL (
    SELECT encode(sha256(convert_to(e.code || ' ' || p.starts_on || ' ' || p.ends_on || ' close ' || c.n || coalesce(string_agg(
               E'\\n' || concat_ws(' ', a.code, x.code, b.debits_minor, b.credits_minor, b.account_seq),
                   '' ORDER BY a.code COLLATE "C"), ''),
               'UTF8')), 'hex') AS digest
    FROM ledger_close_balance b JOIN ledger_account a ON a.id = b.account_id JOIN ledger_asset x ON x.id = a.asset_id
    WHERE b.close_id = c.id) s
WHERE c.digest <> s.digest ORDER BY c.id
"""
