"""What is new in the populations of a reconciliation, as items: postings of accounts, and lines of statements that count.

Nothing is read twice: each account has the sequence up to which it was taken in, each population the statements it has. A source's own
reconciliation gets its lines as they are accepted (`counting`), every other one here.
"""

import hashlib
import json
from uuid import UUID

from django.db import connection
from django.db.models import Max

from recon.models import (
    COUNTING_KINDS,
    Item,
    NeverMatch,
    PassDemotion,
    Population,
    PopulationAccount,
    PopulationStatement,
    Reconciliation,
    RulesVersion,
    Run,
    Side,
    Statement,
)
from recon.operations.selecting.relation import allow_for_sets

# An account's postings are numbered in commit order (the balance lock is held to commit), so a watermark misses none. A posting that
# an adjustment matched is an item already.
_POSTINGS = """
WITH collected AS (
    INSERT INTO recon_item (
        reconciliation_id, population_id, side, entry_id, entry_line, flow, amount_minor, open_minor, item_date, match_key, keys,
        reference, counterparty)
    SELECT %(reconciliation)s, %(population)s, 'ledger', p.entry_id, p.line, CASE p.direction WHEN 'debit' THEN 'in' ELSE 'out' END,
           p.amount_minor, p.amount_minor, e.effective_date, recon_match_key_v1(e.reference), recon_entry_keys_v1(e.reference, e.metadata),
           e.reference, e.counterparty
    FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
    WHERE p.account_id = %(account)s AND p.account_seq > %(after)s AND p.account_seq <= %(through)s
    ON CONFLICT DO NOTHING
    RETURNING 1)
SELECT count(*) FROM collected
"""

# A line counts as in its source's own reconciliation. Where a statement was restated, the lines that stayed have their items already;
# a repeated line counts once somebody has said so, and may have to be fetched from a statement that was taken in before. What is there
# is asked of an index line by line, and only where statements of the source were taken in before.
_LINES = """
WITH fresh AS MATERIALIZED (
    SELECT l.id, l.flow, l.amount_minor, l.value_date, l.match_key, l.keys, l.end_to_end_id, l.reference, l.counterparty, l.content_key,
           row_number() OVER (PARTITION BY l.content_key ORDER BY s.accepted_at, s.id, l.ordinal) AS n,
           row_number() OVER (ORDER BY s.accepted_at, s.id, l.ordinal) AS place
    FROM recon_statement_line l JOIN recon_statement s ON s.id = l.statement_id
    LEFT JOIN recon_repeated_line r ON r.line_id = l.id
    WHERE l.statement_id = ANY(%(statements)s) AND l.booked AND l.amount_minor > 0 AND (r.line_id IS NULL OR r.counted_at IS NOT NULL)
      AND (%(codes)s::text[] = '{}' OR l.transaction_code = ANY(%(codes)s)) AND NOT l.transaction_code = ANY(%(without_codes)s)
      AND NOT (%(again)s AND EXISTS (
          SELECT FROM recon_item i WHERE i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s OFFSET 0))),
collected AS (
    INSERT INTO recon_item (
        reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date, match_key, keys, reference,
        counterparty, content_key, occurrence)
    SELECT %(reconciliation)s, %(population)s, 'statement', f.id, f.flow, f.amount_minor, f.amount_minor, f.value_date, f.match_key, f.keys,
           coalesce(nullif(f.end_to_end_id, ''), f.reference), f.counterparty, f.content_key,
           f.n + CASE WHEN %(again)s THEN coalesce((
               SELECT i.occurrence FROM recon_item i
               WHERE i.population_id = %(population)s AND i.content_key = f.content_key AND i.side = 'statement'
                 AND i.withdrawn_by_id IS NULL
               ORDER BY i.occurrence DESC LIMIT 1), 0) ELSE 0 END
    FROM fresh f
    ORDER BY f.place
    RETURNING 1)
SELECT count(*) FROM collected
"""
_COUNTED_SINCE = """
SELECT DISTINCT l.statement_id FROM recon_repeated_line r
JOIN recon_statement_line l ON l.id = r.line_id
JOIN recon_population_statement t ON t.statement_id = l.statement_id AND t.population_id = %(population)s
WHERE r.counted_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM recon_item i WHERE i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s)
"""

# What is open says what a run can do, whatever made it so; what waits for a decision is no part of it.
_OPEN = """
SELECT count(*), coalesce(sum(i.open_minor), 0), coalesce(sum(hashint8(i.id)::bigint), 0),
       count(*) FILTER (WHERE i.side = 'ledger')
FROM recon_item i WHERE i.reconciliation_id = %(reconciliation)s AND i.open_minor > 0
"""
_WAITING = """
SELECT count(*), coalesce(sum(b.number), 0) FROM recon_break b WHERE b.reconciliation_id = %(reconciliation)s AND b.state = 'proposed'
"""


def collect(*, reconciliation: Reconciliation, run: Run) -> int:
    """Make items of what is new in every population, note on the run what there is to match, and return how many were made."""
    allow_for_sets()
    made, through = 0, 0
    for taken in (
        PopulationAccount.objects.filter(population__reconciliation=reconciliation).select_related("account__balance").order_by("pk")
    ):
        through = max(through, taken.account.balance.version)
        made += _take_postings(taken, through=taken.account.balance.version)
    if not reconciliation.home:
        for population in Population.objects.filter(reconciliation=reconciliation, side=Side.STATEMENT):
            made += _take_lines(population)
    # The lock on the reconciliation covers this step only, so what it found is kept on the run.
    total, _, _, ledger_items = _row(_OPEN, reconciliation=reconciliation.pk)
    Run.objects.filter(pk=run.pk).update(
        through_account_seq=through, ledger_items=ledger_items, statement_items=total - ledger_items, items_total=total, items_done=0
    )
    return made


def watermark_of(*, reconciliation: Reconciliation, rules: RulesVersion) -> str:
    """Return a digest of all that a run's outcome depends on: what was taken in, what is open, and the rules with their demotions.

    A run that finds what the last one left has nothing to do: whatever came, was undone, freed or decided since changes it.
    """
    accounts = PopulationAccount.objects.filter(population__reconciliation=reconciliation)
    refused = NeverMatch.objects.filter(left__reconciliation=reconciliation)
    latest = Statement.objects.filter(source__populations__reconciliation=reconciliation).aggregate(last=Max("closing_date"))
    told = [
        sorted(accounts.values_list("pk", "last_account_seq")),
        PopulationStatement.objects.filter(population__reconciliation=reconciliation).count(),
        str(latest["last"]),
        [str(value) for value in _row(_OPEN, reconciliation=reconciliation.pk)],
        [str(value) for value in _row(_WAITING, reconciliation=reconciliation.pk)],
        sorted((pk, until.isoformat()) for pk, until in refused.values_list("pk", "until")),
        rules.digest,
        sorted(PassDemotion.objects.filter(rules=rules).values_list("pass_id", flat=True)),
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def open_items(reconciliation: Reconciliation) -> int:
    """Return how many items are open."""
    return Item.objects.filter(reconciliation=reconciliation, open_minor__gt=0).count()


def _take_postings(taken: PopulationAccount, *, through: int) -> int:
    if through <= taken.last_account_seq:
        return 0
    (made,) = _row(
        _POSTINGS,
        reconciliation=taken.population.reconciliation_id,
        population=taken.population_id,
        account=taken.account_id,
        after=taken.last_account_seq,
        through=through,
    )
    PopulationAccount.objects.filter(pk=taken.pk).update(last_account_seq=through)
    return int(made)


def _take_lines(population: Population) -> int:
    known = PopulationStatement.objects.filter(population=population).values("statement")
    counting = Statement.objects.filter(source=population.source_id).counting()
    fresh = list(counting.exclude(pk__in=known).order_by("accepted_at", "pk").values_list("pk", flat=True))
    again = [
        str(statement) for (statement,) in _rows(_COUNTED_SINCE, population=population.pk, reconciliation=population.reconciliation_id)
    ]
    if not fresh and not again:
        return 0
    still = set(Statement.objects.filter(pk__in=again, kind__in=COUNTING_KINDS).counting().values_list("pk", flat=True))
    before = PopulationStatement.objects.filter(
        population__reconciliation=population.reconciliation_id, population__source=population.source_id
    ).exists()
    (made,) = _row(
        _LINES,
        again=before,
        reconciliation=population.reconciliation_id,
        population=population.pk,
        statements=[*fresh, *sorted(still)],
        codes=population.codes,
        without_codes=population.without_codes,
    )
    PopulationStatement.objects.bulk_create([PopulationStatement(population=population, statement_id=pk) for pk in fresh])
    return int(made)


def _row(statement: str, **parameters: bool | int | UUID | list[UUID] | list[str]) -> tuple[int, ...]:
    (row,) = _rows(statement, **parameters)
    return row


def _rows(statement: str, **parameters: bool | int | UUID | list[UUID] | list[str]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
