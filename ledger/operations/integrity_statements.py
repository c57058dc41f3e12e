"""What the integrity checker asks of the database: a few passes over everything, and the same questions of what is new.

Each statement returns the rows of `FINDING`, one for each object that is not as the books say. Postings never change, so a leg that one
statement has seen is the same for the next; what moves (balances, days) is read together with what it is compared with.
"""

FINDING = ("check_name", "object_type", "object_id", "name", "account_id", "scope", "expected", "found")

# Legs with their place in their account: those of strict accounts have it themselves, those of deferred ones from the roller.
_LEG = """p.entry_id, p.line, p.account_id, p.effective_date, p.asset_id, p.entity_id,
    CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE 0 END AS debit, CASE p.direction WHEN 'debit'
        THEN 0 ELSE p.amount_minor END AS credit"""

_WHOLE_LEGS = f"""
    SELECT {_LEG}, p.account_seq AS seq, p.balance_after_minor AS after, e.posted_at
    FROM ledger_posting p LEFT JOIN ledger_entry e ON e.id = p.entry_id
    WHERE p.account_id = ANY (%(accounts)s) AND p.account_seq IS NOT NULL
    UNION ALL
    SELECT {_LEG}, r.account_seq, r.balance_after_minor, NULL
    FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line AND p.account_seq IS NULL
    WHERE r.account_id = ANY (%(accounts)s)
"""  # noqa: S608 (constants alone)

# Accounts from their first posting on, as CHANGED_ACCOUNTS has them.
_WHOLE_ACCOUNTS = """
    SELECT b.account_id, 0::bigint AS seq, 0::numeric AS debits, 0::numeric AS credits, b.version AS through, true AS whole, b.version,
           b.posted_debits_minor, b.posted_credits_minor, v.account_seq AS known_seq, v.debits_minor AS known_debits,
           v.credits_minor AS known_credits, d.debits AS days_debits, d.credits AS days_credits, d.postings AS days_postings
    FROM ledger_balance b
    LEFT JOIN ledger_verified_position v ON v.account_id = b.account_id
    CROSS JOIN LATERAL (SELECT sum(x.debits_minor) AS debits, sum(x.credits_minor) AS credits, sum(x.postings) AS postings
                        FROM ledger_day_delta x WHERE x.account_id = b.account_id) d
    WHERE b.account_id = ANY (%(accounts)s)
"""

# Accounts that posted, or whose balance row is another, since their figures were last verified; balances and days in one view of the books.
CHANGED_ACCOUNTS = """
    SELECT b.account_id, coalesce(v.account_seq, 0), coalesce(v.debits_minor, 0), coalesce(v.credits_minor, 0),
           least(b.version, coalesce(v.account_seq, 0) + %(most)s), b.version <= coalesce(v.account_seq, 0) + %(most)s, b.version,
           b.posted_debits_minor, b.posted_credits_minor, NULL::bigint, NULL::numeric, NULL::numeric, d.debits, d.credits, d.postings
    FROM ledger_balance b
    LEFT JOIN ledger_verified_position v ON v.account_id = b.account_id
    CROSS JOIN LATERAL (SELECT sum(x.debits_minor) AS debits, sum(x.credits_minor) AS credits, sum(x.postings) AS postings
                        FROM ledger_day_delta x WHERE x.account_id = b.account_id) d
    WHERE b.version <> coalesce(v.account_seq, 0) OR b.posted_debits_minor <> coalesce(v.debits_minor, 0)
       OR b.posted_credits_minor <> coalesce(v.credits_minor, 0)
"""


# The columns of an account to be folded, with their types: CHANGED_ACCOUNTS are handed back in as arrays.
ACCOUNT_COLUMNS = {
    "account_id": "bigint", "seq": "bigint", "debits": "numeric", "credits": "numeric", "through": "bigint", "whole": "boolean",
    "version": "bigint", "posted_debits_minor": "numeric", "posted_credits_minor": "numeric", "known_seq": "bigint",
    "known_debits": "numeric", "known_credits": "numeric", "days_debits": "numeric", "days_credits": "numeric", "days_postings": "numeric",
}  # fmt: skip
_GIVEN_ACCOUNTS = (
    f"SELECT * FROM unnest({', '.join(f'%({name})s::{kind}[]' for name, kind in ACCOUNT_COLUMNS.items())})"  # noqa: S608
    f" AS given ({', '.join(ACCOUNT_COLUMNS)})"
)

_NEW_LEGS = f"""
    SELECT l.* FROM start s CROSS JOIN LATERAL (
        SELECT {_LEG}, p.account_seq AS seq, p.balance_after_minor AS after, e.posted_at
        FROM ledger_posting p LEFT JOIN ledger_entry e ON e.id = p.entry_id
        WHERE p.account_id = s.account_id AND p.account_seq > s.seq AND p.account_seq <= s.through
        UNION ALL
        SELECT {_LEG}, r.account_seq, r.balance_after_minor, NULL
        FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line AND p.account_seq IS NULL
        WHERE r.account_id = s.account_id AND r.account_seq > s.seq AND r.account_seq <= s.through) l
"""  # noqa: S608 (constants alone)

# One sorted pass gives every account's sums, its places, the chain of its balances and the order of its instants.
_FOLD = """
WITH start AS MATERIALIZED (%(start)s
), legs AS (%(legs)s
), chained AS (
    SELECT l.account_id, l.seq, l.debit, l.credit, s.known_seq, l.asset_id, l.entity_id,
           l.seq <> lag(l.seq, 1, s.seq) OVER w + 1 AS misplaced,
           l.after IS DISTINCT FROM lag(l.after, 1, (s.debits - s.credits) * CASE WHEN b.debit_normal THEN 1 ELSE -1 END) OVER w
               + CASE WHEN b.debit_normal THEN l.debit - l.credit ELSE l.credit - l.debit END AS unchained,
           l.posted_at < lag(l.posted_at) OVER w AS early
    FROM legs l JOIN start s ON s.account_id = l.account_id JOIN ledger_balance b ON b.account_id = l.account_id
    WINDOW w AS (PARTITION BY l.account_id ORDER BY l.seq)
), folded AS (
    SELECT account_id, count(*) AS n, max(seq) AS seq, sum(debit) AS debits, sum(credit) AS credits,
           min(seq) FILTER (WHERE misplaced) AS misplaced,
           min(seq) FILTER (WHERE unchained) AS unchained, min(seq) FILTER (WHERE early) AS early,
           coalesce(sum(debit) FILTER (WHERE seq > known_seq), 0) AS later_debits,
           coalesce(sum(credit) FILTER (WHERE seq > known_seq), 0) AS later_credits
    FROM chained GROUP BY account_id
), judged AS (
    SELECT s.*, a.code, a.purpose, s.seq + coalesce(f.n, 0) AS counted, coalesce(f.seq, s.seq) AS last_seq,
           s.debits + coalesce(f.debits, 0) AS own_debits, s.credits + coalesce(f.credits, 0) AS own_credits,
           f.misplaced, f.unchained, f.early, coalesce(f.later_debits, 0) AS later_debits, coalesce(f.later_credits, 0) AS later_credits
    FROM start s JOIN ledger_account a ON a.id = s.account_id LEFT JOIN folded f ON f.account_id = s.account_id
), asked AS (
    SELECT j.*, question.* FROM judged j CROSS JOIN LATERAL (VALUES
        ('balance_is_its_postings', j.whole AND (j.posted_debits_minor, j.posted_credits_minor) IS DISTINCT FROM (j.own_debits,
            j.own_credits),
         jsonb_build_object('debits', j.own_debits::text, 'credits', j.own_credits::text),
         jsonb_build_object('debits', j.posted_debits_minor::text, 'credits', j.posted_credits_minor::text)),
        ('account_seq_is_dense', j.misplaced IS NOT NULL OR j.counted <> j.last_seq OR j.through <> j.last_seq,
         jsonb_build_object('postings', j.through), jsonb_build_object('postings', j.counted, 'last', j.last_seq, 'first_wrong',
             j.misplaced)),
        ('balance_after_follows', j.unchained IS NOT NULL, jsonb_build_object('first_wrong', NULL), jsonb_build_object('first_wrong',
            j.unchained)),
        -- The receivable of a shortfall is not locked before its entry's instant is taken.
        ('posted_in_order', j.early IS NOT NULL AND j.purpose <> 'shortfall',
         jsonb_build_object('first_wrong', NULL), jsonb_build_object('first_wrong', j.early)),
        ('verified_figures_hold', j.known_seq IS NOT NULL AND (
            j.last_seq < j.known_seq
            OR (j.own_debits - j.later_debits, j.own_credits - j.later_credits) IS DISTINCT FROM (j.known_debits, j.known_credits)),
         jsonb_build_object('postings', j.known_seq, 'debits', j.known_debits::text, 'credits', j.known_credits::text),
         jsonb_build_object('postings', least(j.last_seq, j.known_seq), 'debits', (j.own_debits - j.later_debits)::text,
                            'credits', (j.own_credits - j.later_credits)::text)),
        ('days_add_up', (coalesce(j.days_debits, 0), coalesce(j.days_credits, 0), coalesce(j.days_postings, 0))
            IS DISTINCT FROM (j.posted_debits_minor, j.posted_credits_minor, j.version),
         jsonb_build_object('debits', j.posted_debits_minor::text, 'credits', j.posted_credits_minor::text, 'postings', j.version),
         jsonb_build_object('debits', coalesce(j.days_debits, 0)::text, 'credits', coalesce(j.days_credits, 0)::text,
                            'postings', coalesce(j.days_postings, 0)))
    ) AS question (check_name, wrong, expected, found)
), wrong AS MATERIALIZED (
    SELECT * FROM asked WHERE wrong
), verified AS (
    INSERT INTO ledger_verified_position AS v (account_id, account_seq, debits_minor, credits_minor, verified_at)
    SELECT j.account_id, j.last_seq, j.own_debits, j.own_credits, clock_timestamp() FROM judged j
    WHERE j.last_seq > 0 AND NOT EXISTS (SELECT 1 FROM wrong WHERE wrong.account_id = j.account_id)
    ON CONFLICT (account_id) DO UPDATE SET account_seq = excluded.account_seq, debits_minor = excluded.debits_minor,
        credits_minor = excluded.credits_minor, verified_at = excluded.verified_at
        WHERE v.account_seq < excluded.account_seq
)
SELECT check_name, 'ledger.account', code, code, account_id, 'account:' || code, expected, found FROM wrong ORDER BY code, check_name
"""
FOLD_WHOLE_ACCOUNTS = _FOLD.replace("%(start)s", _WHOLE_ACCOUNTS).replace("%(legs)s", _WHOLE_LEGS)
FOLD_WHAT_IS_NEW = _FOLD.replace("%(start)s", _GIVEN_ACCOUNTS).replace("%(legs)s", _NEW_LEGS)
ENTRIES_OF_WHAT_IS_NEW = f"WITH start AS MATERIALIZED ({_GIVEN_ACCOUNTS}), legs AS ({_NEW_LEGS}) SELECT DISTINCT entry_id FROM legs"  # noqa: S608

_DAYS = f"""
WITH legs AS (
    SELECT {_LEG} FROM ledger_posting p WHERE p.account_seq IS NOT NULL AND %(these)s
    UNION ALL
    SELECT {_LEG} FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line
           AND p.account_seq IS NULL
    WHERE %(these)s
)
SELECT 'day_is_its_postings', 'ledger.day_delta', a.code || '/' || effective_date, a.code || ' on ' || effective_date, account_id,
       'account:' || a.code,
       jsonb_build_object('debits', coalesce(s.debits, 0)::text, 'credits', coalesce(s.credits, 0)::text, 'postings', coalesce(s.n, 0)),
       jsonb_build_object('debits', coalesce(d.debits_minor, 0)::text, 'credits', coalesce(d.credits_minor, 0)::text,
                          'postings', coalesce(d.postings, 0))
FROM (SELECT account_id, effective_date, sum(debit) AS debits, sum(credit) AS credits, count(*) AS n FROM legs GROUP BY 1, 2) s
FULL JOIN (SELECT p.* FROM ledger_day_delta p WHERE %(these)s) d USING (account_id, effective_date)
JOIN ledger_account a ON a.id = account_id
WHERE (s.debits, s.credits, s.n) IS DISTINCT FROM (d.debits_minor, d.credits_minor, d.postings)
ORDER BY a.code, effective_date
"""  # noqa: S608 (constants alone)
DAYS_OF_ACCOUNTS = _DAYS.replace("%(these)s", "p.account_id = ANY (%(accounts)s)")

TAIL = """
SELECT 'tail_is_what_is_unrolled', 'ledger.posting', entry_id || '/' || line, coalesce('LE-' || e.number, entry_id::text) || ',
       line ' || line,
       w.account_id, coalesce('account:' || a.code, ''), expected, found
FROM (
    SELECT p.entry_id, p.line, p.account_id, '{"in": "the tail, or rolled"}'::jsonb AS expected, '{"in": "neither"}'::jsonb AS found
    FROM ledger_posting p
    WHERE p.account_seq IS NULL
      AND NOT EXISTS (SELECT 1 FROM ledger_posting_tail t WHERE t.entry_id = p.entry_id AND t.line = p.line)
      AND NOT EXISTS (SELECT 1 FROM ledger_rolled_posting r WHERE r.entry_id = p.entry_id AND r.line = p.line)
    UNION ALL
    SELECT t.entry_id, t.line, t.account_id, jsonb_build_object('posting', CASE WHEN p.account_seq IS NULL THEN p.amount_minor::text END),
           jsonb_build_object('tail', t.amount_minor::text, 'rolled', r.account_seq)
    FROM ledger_posting_tail t
    LEFT JOIN ledger_posting p ON p.entry_id = t.entry_id AND p.line = t.line
    LEFT JOIN ledger_rolled_posting r ON r.entry_id = t.entry_id AND r.line = t.line
    WHERE p.entry_id IS NULL OR r.entry_id IS NOT NULL OR p.account_seq IS NOT NULL
       OR (p.account_id, p.effective_date, p.direction, p.amount_minor) <> (t.account_id, t.effective_date, t.direction, t.amount_minor)
    UNION ALL
    SELECT r.entry_id, r.line, r.account_id, jsonb_build_object('posting', CASE WHEN p.account_seq IS NULL THEN p.account_id END),
           jsonb_build_object('rolled', r.account_id)
    FROM ledger_rolled_posting r LEFT JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line
    WHERE p.entry_id IS NULL OR p.account_seq IS NOT NULL OR (p.account_id, p.effective_date) <> (r.account_id, r.effective_date)
) w LEFT JOIN ledger_entry e ON e.id = w.entry_id LEFT JOIN ledger_account a ON a.id = w.account_id ORDER BY 3
"""

BALANCES = """
WITH held AS (
    SELECT h.account_id, coalesce(sum(h.amount_minor - h.captured_minor - h.released_minor) FILTER (WHERE h.direction = 'debit'),
           0) AS debits,
           coalesce(sum(h.amount_minor - h.captured_minor - h.released_minor) FILTER (WHERE h.direction = 'credit'), 0) AS credits
    FROM ledger_hold h WHERE h.closed_at IS NULL GROUP BY h.account_id
), standing AS (
    SELECT b.*, a.code, a.entity_id, a.asset_id, coalesce(h.debits, 0) AS held_debits, coalesce(h.credits, 0) AS held_credits,
           CASE WHEN b.debit_normal THEN b.posted_debits_minor - b.posted_credits_minor - b.pending_credits_minor
                ELSE b.posted_credits_minor - b.posted_debits_minor - b.pending_debits_minor END AS left_over
    FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id LEFT JOIN held h ON h.account_id = b.account_id
)
SELECT 'pending_is_its_open_holds', 'ledger.account', s.code, s.code, s.account_id, 'account:' || s.code,
       jsonb_build_object('debits', s.held_debits::text, 'credits', s.held_credits::text),
       jsonb_build_object('debits', s.pending_debits_minor::text, 'credits', s.pending_credits_minor::text)
FROM standing s WHERE (s.pending_debits_minor, s.pending_credits_minor) <> (s.held_debits, s.held_credits)
UNION ALL
SELECT 'limit_is_kept', 'ledger.account', s.code, s.code, s.account_id, 'account:' || s.code,
       jsonb_build_object('at_least', (-s.overdraft_limit_minor)::text), jsonb_build_object('held', s.left_over::text)
FROM standing s WHERE s.left_over < -s.overdraft_limit_minor
UNION ALL
SELECT 'trial_balance_is_zero', 'ledger.entity', e.code || '/' || x.code, e.code || ' in ' || x.code, NULL, 'entity:' || e.code,
       '{"difference": "0"}', jsonb_build_object('difference', t.difference::text)
FROM (
    SELECT n.entity_id, n.asset_id, sum(n.net) AS difference FROM (
        SELECT s.entity_id, s.asset_id, s.posted_debits_minor - s.posted_credits_minor AS net FROM standing s
        UNION ALL
        SELECT a.entity_id, a.asset_id, CASE t.direction WHEN 'debit' THEN t.amount_minor ELSE -t.amount_minor END
        FROM ledger_posting_tail t JOIN ledger_account a ON a.id = t.account_id) n
    GROUP BY n.entity_id, n.asset_id HAVING sum(n.net) <> 0) t
JOIN ledger_entity e ON e.id = t.entity_id JOIN ledger_asset x ON x.id = t.asset_id
"""
