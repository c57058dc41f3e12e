"""How a full examination finds what deserves a closer look: a few passes over everything that name suspects and let nothing wrong pass.

What is wrong with a suspect the exact statements then say (`integrity_statements`, `integrity_entries`), which look at it alone. A screen
may therefore suspect what is right, and never the other way round.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

# Lines as the posting function was asked for them, written as PostgreSQL writes JSON: what stands before an amount, and after it; `kind` is
# one number for entity and asset. The offset has them written once for each account and side; it is a text, since workers are not given a
# query whose offset is still to be reckoned.
_LEG_TEXTS = """
    SELECT a.id, side.direction, a.asset_id, a.entity_id, (a.entity_id << 32) + a.asset_id AS kind,
           '{"asset": ' || to_jsonb(s.code)::text || ', "amount": "' AS head,
           '", "account": ' || to_jsonb(a.code)::text || ', "direction": "' || side.direction || '"}' AS tail
    FROM ledger_account a JOIN ledger_asset s ON s.id = a.asset_id
    CROSS JOIN (VALUES ('debit'), ('credit')) AS side (direction) OFFSET '0'
"""

# An account's postings are a chain when each leads from (number before it, balance before it) to (its number, its balance). The first
# ones together with where the account stands must be the second ones together with (0, 0): links that fit pairwise and count upwards
# by one make one way from nothing to the balance, without gap and without rest. The two collections are compared by sums of fingerprints
# under a key that is drawn for each examination, so that nobody can write rows that agree by design. Halves of them, so that the
# difference of two has room in a bigint.
_LINK = "(hashint8extended(%(place)s, hash_numeric_extended(%(balance)s, %%(key)s)) >> 1)"
_REACHED = _LINK % {"place": "l.seq", "balance": "l.after"}
_LEFT = _LINK % {
    "place": "l.seq - 1",
    "balance": "l.after - CASE WHEN (l.direction = 'debit') = b.debit_normal THEN l.amount_minor ELSE -l.amount_minor END",
}
_START = _LINK % {"place": "0", "balance": "0"}
_END = _LINK % {
    "place": "b.version",
    "balance": "CASE WHEN b.debit_normal THEN b.posted_debits_minor - b.posted_credits_minor"
    " ELSE b.posted_credits_minor - b.posted_debits_minor END",
}

# One range of the legs of accounts, by account and day: those with a place of their own, or those that the roller gave one.
_DAYS = f"""
SELECT l.account_id, l.effective_date, count(*) AS n,
       coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'debit'), 0) AS debits,
       coalesce(sum(l.amount_minor) FILTER (WHERE l.direction <> 'debit'), 0) AS credits, max(l.seq) AS last_seq,
       sum({_REACHED} - {_LEFT}) AS gained
FROM (%(legs)s) l JOIN ledger_balance b ON b.account_id = l.account_id
GROUP BY l.account_id, l.effective_date
"""  # noqa: S608 (constants alone)
_PLACED = """
    SELECT p.account_id, p.effective_date, p.direction, p.amount_minor, p.account_seq AS seq, p.balance_after_minor AS after
    FROM ledger_posting p WHERE p.account_seq IS NOT NULL AND %(of_posting)s
"""
_ROLLED = """
    SELECT p.account_id, p.effective_date, p.direction, p.amount_minor, r.account_seq AS seq, r.balance_after_minor AS after
    FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line AND p.account_seq IS NULL
"""

# Every account that is suspect, whose closes may not be what was posted by then, or whose verified position moves on otherwise, with what
# its postings come to. Workers hand over finished sums of ranges: unfinished ones, a set for each worker, cost as much as adding up.
_ACCOUNTS = f"""
WITH ranges AS MATERIALIZED (
    %(days)s
), derived AS MATERIALIZED (
    SELECT account_id, effective_date, sum(n) AS n, sum(debits) AS debits, sum(credits) AS credits, max(last_seq) AS last_seq,
           sum(gained) AS gained
    FROM ranges GROUP BY account_id, effective_date
), by_account AS (
    SELECT account_id, sum(s.n) AS n, sum(s.debits) AS debits, sum(s.credits) AS credits, sum(s.gained) AS gained,
           bool_or((s.debits, s.credits, s.n) IS DISTINCT FROM (d.debits_minor, d.credits_minor, d.postings)) AS days_differ
    FROM derived s FULL JOIN ledger_day_delta d USING (account_id, effective_date) GROUP BY account_id
), ends AS (
    SELECT array_agg(DISTINCT p.ends_on + 1 ORDER BY p.ends_on + 1) AS days
    FROM ledger_period p WHERE EXISTS (SELECT 1 FROM ledger_close c WHERE c.period_id = p.id)
), so_far AS (
    -- Days between two ends count together.
    SELECT s.account_id, s.closed_debits, s.closed_credits, s.closed_seq, sum(s.debits) OVER w AS debits, sum(s.credits) OVER w AS credits,
           max(s.last_seq) OVER w AS last_seq
    FROM (
        SELECT account_id, width_bucket(effective_date, days) AS part, sum(debits) AS debits, sum(credits) AS credits,
               max(last_seq) AS last_seq, NULL::numeric AS closed_debits, NULL::numeric AS closed_credits, NULL::bigint AS closed_seq
        FROM derived, ends GROUP BY 1, 2
        UNION ALL
        SELECT x.account_id, width_bucket(p.ends_on, days), 0, 0, NULL, x.debits_minor, x.credits_minor, x.account_seq
        FROM ends, ledger_close_balance x JOIN ledger_close c ON c.id = x.close_id JOIN ledger_period p ON p.id = c.period_id
    ) s
    WINDOW w AS (PARTITION BY s.account_id ORDER BY s.part)
), closed AS (
    -- Nothing of those days came after the close, and they come to what it stored: then it stored what had been posted.
    SELECT account_id, bool_or((debits, credits) <> (closed_debits, closed_credits) OR last_seq > closed_seq) AS differs
    FROM so_far WHERE closed_seq IS NOT NULL GROUP BY account_id
), judged AS (
    SELECT coalesce(b.account_id, s.account_id) AS account_id, b.version, b.posted_debits_minor AS debits,
           b.posted_credits_minor AS credits, v.account_seq AS known_seq,
           b.account_id IS NULL OR coalesce(s.days_differ, false)
           OR (coalesce(s.n, 0), coalesce(s.debits, 0), coalesce(s.credits, 0))
              <> (b.version, b.posted_debits_minor, b.posted_credits_minor)
           OR coalesce(s.gained, 0) <> {_END} - {_START}
           OR v.account_seq IS NOT NULL AND (
                v.account_seq > b.version
                OR (v.debits_minor + later.debits, v.credits_minor + later.credits) <> (b.posted_debits_minor, b.posted_credits_minor))
               AS suspect,
           coalesce(c.differs, false) AS closed_otherwise
    FROM ledger_balance b
    FULL JOIN by_account s ON s.account_id = b.account_id
    LEFT JOIN ledger_verified_position v ON v.account_id = b.account_id
    LEFT JOIN closed c ON c.account_id = b.account_id
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'debit'), 0) AS debits,
               coalesce(sum(l.amount_minor) FILTER (WHERE l.direction <> 'debit'), 0) AS credits
        FROM ({_PLACED.replace("%(of_posting)s", "true")} UNION ALL {_ROLLED}) l
        WHERE v.account_seq < b.version AND l.account_id = v.account_id AND l.seq > v.account_seq) later ON true
)
SELECT account_id, suspect, closed_otherwise, version, debits, credits FROM judged
WHERE suspect OR closed_otherwise OR version > coalesce(known_seq, 0)
"""  # noqa: S608 (constants alone)

# Stretches of 2,048 places in an account's order in which, or before which, an instant may be earlier than the one before it. Instants of
# a stretch are sorted as one number each, the place after the microseconds: if places grow along with it, so do instants along the places.
# What has no instant or one of another century is looked at closely, and so is a place that is missing, or in another range. The offsets
# have an instant read once for an entry, and hide from the planner how many places there are, which it takes for as many stretches.
_STRETCHES = """
SELECT account_id, stretch, sorted[1] & 2047 AS first, sorted[1] >> 11 AS least, sorted[cardinality(sorted)] >> 11 AS most,
       one.n IS NULL AS in_order
FROM (
    SELECT l.account_id, l.stretch, array_sort(array_agg((l.instant << 11) + (l.account_seq & 2047))) AS sorted
    FROM (
        SELECT p.account_id, p.account_seq, p.account_seq >> 11 AS stretch, e.instant
        FROM ledger_posting p LEFT JOIN (
            SELECT e.id, CASE WHEN e.posted_at BETWEEN '2000-01-01' AND '2100-01-01'
                              THEN (extract(epoch FROM e.posted_at) * 1000000)::bigint END AS instant
            FROM ledger_entry e WHERE %(of_entry)s OFFSET '0'
        ) e ON e.id = p.entry_id
        WHERE p.account_seq IS NOT NULL AND %(of_posting)s OFFSET '0'
    ) l GROUP BY l.account_id, l.stretch OFFSET '0'
) s LEFT JOIN LATERAL unnest(sorted) WITH ORDINALITY AS one (number, n)
    ON one.number & 2047 IS DISTINCT FROM (sorted[1] & 2047) + one.n - 1
"""
_OUT_OF_ORDER = """
SELECT DISTINCT account_id, coalesce(stretch_before, stretch) << 11, (stretch << 11) + 2047 FROM (
    SELECT s.*, lag(s.stretch) OVER w AS stretch_before, s.least >= lag(s.most) OVER w AS follows
    FROM (%(stretches)s OFFSET '0') s WINDOW w AS (PARTITION BY s.account_id ORDER BY s.stretch, s.first)
) judged
WHERE stretch_before IS NOT NULL AND follows IS NOT TRUE OR in_order IS NOT TRUE
"""

# Accounts with a stretch in which an entry follows one that says it was posted later.
EARLY = """
SELECT DISTINCT s.account_id
FROM unnest(%(accounts)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[]) AS s (account_id, first, last)
CROSS JOIN LATERAL (
    SELECT e.posted_at < lag(e.posted_at) OVER (ORDER BY p.account_seq) AS early
    FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
    WHERE p.account_id = s.account_id AND p.account_seq BETWEEN s.first AND s.last) l
WHERE l.early
"""

# What was verified moves on for accounts that a full examination found right.
MOVE_ON = """
INSERT INTO ledger_verified_position AS v (account_id, account_seq, debits_minor, credits_minor, verified_at)
SELECT u.account_id, u.account_seq, u.debits, u.credits, clock_timestamp()
FROM unnest(%(accounts)s::bigint[], %(seqs)s::bigint[], %(debits)s::numeric[], %(credits)s::numeric[])
    AS u (account_id, account_seq, debits, credits)
ON CONFLICT (account_id) DO UPDATE SET account_seq = excluded.account_seq, debits_minor = excluded.debits_minor,
    credits_minor = excluded.credits_minor, verified_at = excluded.verified_at
    WHERE v.account_seq < excluded.account_seq
"""

# One range of the entries that have legs, each with what was asked for written as PostgreSQL writes JSON: a comparison of texts for each.
# Those of several assets or entities come out, too: whether they balance is asked of them together (`UNBALANCED`). A FULL JOIN or such a
# question in here would keep the ranges from being shared out among workers; so how many there are is counted (`_COUNTED`). The last
# offset has an entry judged once, for all that is gathered of it. Whoever has a first line is counted, so that nobody is twice.
_RANGE = f"""
SELECT array_agg(entry_id) FILTER (WHERE suspect) AS suspects, array_agg(entry_id) FILTER (WHERE NOT suspect AND NOT simple) AS mixed,
       count(own_id) FILTER (WHERE first = 1) AS entries, count(*) FILTER (WHERE first = 1 AND posted_id = own_id) AS transactions
FROM (SELECT l.entry_id, l.first, l.simple, e.id AS own_id, k.entry_id AS posted_id, (
   e.id IS NULL OR l.n <> e.lines OR l.first <> 1 OR l.last <> e.lines OR l.simple AND l.net <> 0
   OR (l.least_lines, l.most_lines, l.first_day, l.last_day) <> (e.lines, e.lines, e.effective_date, e.effective_date)
   OR k.id IS NULL OR (k.entry_id, k.lines) IS DISTINCT FROM (e.id, e.lines::integer)
   OR '[' || l.said || ']' IS DISTINCT FROM (k.content->'lines')::text
   OR (k.content->>'type', k.content->>'description', coalesce(k.content->>'reference', ''), coalesce(k.content->>'counterparty', ''))
       IS DISTINCT FROM (t.code, e.description, e.reference, e.counterparty)
   OR (k.content->>'effective_date')::date IS DISTINCT FROM CASE WHEN e.prior_period THEN e.value_date ELSE e.effective_date END
   OR p.id IS NULL OR p.entity_id <> e.entity_id OR e.effective_date NOT BETWEEN p.starts_on AND p.ends_on
   OR t.id IS NULL OR t.origin <> e.origin OR (k.type_id, k.entity_id) IS DISTINCT FROM (e.type_id, e.entity_id)
   OR e.origin <> 'rule' OR e.proposal_id IS NOT NULL) IS TRUE AS suspect
FROM (
    SELECT entry_id, count(*) AS n, min(line) AS first, max(line) AS last, min(lines) AS least_lines, max(lines) AS most_lines,
           min(effective_date) AS first_day, max(effective_date) AS last_day, min(kind) = max(kind) AS simple, sum(net) AS net,
           string_agg(said, ', ' ORDER BY line) AS said
    FROM (
        -- Texts before sorting, which moves whole rows; a leg that is not of its account's asset and entity is like nothing asked for.
        SELECT p.entry_id, p.line, p.lines, p.effective_date, t.kind, coalesce(t.head || p.amount_minor || t.tail, '?') AS said,
               CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END AS net
        FROM ledger_posting p
        LEFT JOIN ({_LEG_TEXTS}) t ON (t.id, t.direction, t.asset_id, t.entity_id) = (p.account_id, p.direction, p.asset_id, p.entity_id)
        WHERE %(of_posting)s OFFSET '0'
    ) legs GROUP BY entry_id
) l
LEFT JOIN ledger_entry e ON e.id = l.entry_id AND %(of_entry)s
LEFT JOIN ledger_transaction k ON k.id = e.id AND %(of_transaction)s
LEFT JOIN ledger_period p ON p.id = e.period_id
LEFT JOIN ledger_transaction_type t ON t.id = e.type_id OFFSET '0'
) screened
"""  # noqa: S608 (constants alone)

# What the ranges must have come upon in all: else there is an entry without legs (`EMPTY_ENTRIES`), or a transaction without its entry.
_COUNTED = (
    "SELECT NULL::uuid[], NULL::uuid[], -count(*), 0::bigint FROM ledger_entry",
    "SELECT NULL::uuid[], NULL::uuid[], 0::bigint, -count(entry_id) FROM ledger_transaction",
)

UNBALANCED = """
SELECT DISTINCT p.entry_id FROM unnest(%(entries)s::uuid[]) AS i (id) JOIN ledger_posting p ON p.entry_id = i.id
GROUP BY p.entry_id, p.entity_id, p.asset_id HAVING sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0
"""

# How many pages of postings there are, and how many entries.
SIZES = """
SELECT pg_relation_size('ledger_posting') / current_setting('block_size')::integer,
       (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class c WHERE c.oid = 'ledger_entry'::regclass)
"""
# A range is planned by itself: fewer entries than these are looked at sooner than planned, and more ranges than these give nobody work.
ENTRIES_OF_A_RANGE = 12_500
MOST_RANGES = 32
# So many pages on either side of a cut say which entries it runs through.
PAGES_AT_A_CUT = 8

EMPTY_ENTRIES = """
SELECT e.id FROM ledger_entry e WHERE NOT EXISTS (SELECT 1 FROM ledger_posting p WHERE p.entry_id = e.id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A place between two rows of postings, and the entries that are told there: at least `lowest`, at most `highest`.

    Any cuts do, as the ranges between them together are everything. An entry whose postings lie on both sides, or far from where entries
    of its time do, is suspect, and there is nothing wrong with it when it is looked at closely.
    """

    row: str
    lowest: UUID
    highest: UUID


def pages_to_cut(*, pages: int, entries: int) -> list[int]:
    """Return the pages of postings to cut at for ranges of about so many entries; none where one range will do."""
    ranges = min(entries // ENTRIES_OF_A_RANGE, MOST_RANGES)
    return sorted({pages * n // ranges for n in range(1, ranges)}) if pages > ranges else []


def cuts_at(pages: Sequence[int]) -> str:
    """Return the statement that reads the cuts at these pages."""
    of_page = """
SELECT '(%(page)s,0)', (array_agg(p.entry_id ORDER BY p.entry_id))[1], (array_agg(p.entry_id ORDER BY p.entry_id DESC))[1]
FROM ledger_posting p WHERE p.ctid >= '(%(first)s,0)' AND p.ctid < '(%(end)s,0)'"""
    return _UNION.join(of_page % {"page": n, "first": max(n - PAGES_AT_A_CUT, 0), "end": n + PAGES_AT_A_CUT} for n in pages)


def suspect_accounts(cuts: Sequence[Cut]) -> str:
    """Return the statement that derives accounts again, range by range between the cuts; it takes the fingerprints' `key`.

    A row is an account, whether it is suspect and whether what its closes stored is, then what it has come to.
    """
    return _ACCOUNTS.replace(
        "%(days)s", _UNION.join([*_ranges(_DAYS.replace("%(legs)s", _PLACED), cuts), _DAYS.replace("%(legs)s", _ROLLED)])
    )


def out_of_order(cuts: Sequence[Cut]) -> str:
    """Return the statement that finds where instants may not grow, range by range: an account with a first and a last place."""
    return _OUT_OF_ORDER.replace("%(stretches)s", _UNION.join(_ranges(_STRETCHES, cuts)))


def suspect_entries(cuts: Sequence[Cut]) -> str:
    """Return the statement that finds entries which deserve a closer look, range by range between the cuts.

    A row has those that are suspect, those whose balance is asked for by `UNBALANCED`, and how many entries and posted transactions there
    were; what there should have been counts against them.
    """
    return _UNION.join([*_ranges(_RANGE, cuts), *_COUNTED])


_UNION = "\nUNION ALL\n"


def _ranges(statement: str, cuts: Sequence[Cut]) -> Iterator[str]:
    for low, high in pairwise([None, *cuts, None]):
        rows = [f"p.ctid >= '{low.row}'" for _ in [0] if low] + [f"p.ctid < '{high.row}'" for _ in [0] if high]
        entries = [f"e.id >= '{low.lowest}'" for _ in [0] if low] + [f"e.id <= '{high.highest}'" for _ in [0] if high]
        of_entry = " AND ".join(entries) or "true"
        yield (
            statement.replace("%(of_posting)s", " AND ".join(rows) or "true")
            .replace("%(of_entry)s", of_entry)
            .replace("%(of_transaction)s", of_entry.replace("e.id", "k.id"))
        )
