"""The set-based steps of a run. Each is idempotent: it looks only at what is still open."""

from uuid import UUID

from django.db import connection
from django.db.models import F

from recon.models import Item, PopulationAccount, Reconciliation, Run
from recon.operations.reconciliations import rules_of

# An account's postings are numbered in commit order (the balance lock is held to commit), so a watermark misses none.
_COLLECT = r"""
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

# Each item is the other's only candidate under the same key, amount and flow, within the days allowed; a tie is nobody's.
# Items of a break with a proposal wait for its end.
_MATCH_EXACTLY = """
WITH free AS MATERIALIZED (
    SELECT i.id, i.side, i.flow, i.amount_minor, i.item_date, i.match_key FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.open AND i.match_key <> ''
      AND NOT EXISTS (
          SELECT 1 FROM recon_break b WHERE b.state = 'proposed' AND (b.ledger_item_id = i.id OR b.statement_item_id = i.id))),
pairs AS (
    SELECT l.id AS ledger_item, s.id AS statement_item, l.amount_minor, l.match_key, s.item_date - l.item_date AS days,
           count(*) OVER (PARTITION BY l.id) AS candidates_of_ledger,
           count(*) OVER (PARTITION BY s.id) AS candidates_of_statement
    FROM free l JOIN free s USING (flow, amount_minor, match_key)
    WHERE l.side = 'ledger' AND s.side = 'statement'),
mutual AS MATERIALIZED (
    SELECT uuidv7() AS match_id, * FROM pairs
    WHERE candidates_of_ledger = 1 AND candidates_of_statement = 1 AND abs(days) <= %(days)s),
matches AS (
    INSERT INTO recon_match (id, reconciliation_id, method, run_id, rules_version, pass_id, explanation, made_at)
    SELECT match_id, %(reconciliation)s, 'rule', %(run)s, 1, 'reference',
           jsonb_build_object('pass', 'exact', 'key', match_key, 'days', days, 'days_allowed', %(days)s), clock_timestamp()
    FROM mutual),
allocations AS (
    INSERT INTO recon_allocation (match_id, item_id, amount_minor, partial)
    SELECT match_id, ledger_item, amount_minor, false FROM mutual
    UNION ALL SELECT match_id, statement_item, amount_minor, false FROM mutual),
closed AS (
    UPDATE recon_item SET open_minor = 0
    WHERE id IN (SELECT ledger_item FROM mutual UNION ALL SELECT statement_item FROM mutual))
SELECT count(*) FROM mutual
"""

# A live break whose items have all found their match is explained.
_RESOLVE = """
WITH explained AS (
    SELECT b.id, (
        SELECT a.match_id FROM recon_allocation a
        WHERE a.revoked_at IS NULL AND a.item_id IN (b.ledger_item_id, b.statement_item_id) ORDER BY a.id DESC LIMIT 1) AS match_id
    FROM recon_break b
    WHERE b.reconciliation_id = %(reconciliation)s AND b.state <> 'resolved' AND b.type <> 'stale_feed'
      AND NOT EXISTS (SELECT 1 FROM recon_item i WHERE i.id IN (b.ledger_item_id, b.statement_item_id) AND i.open)),
resolved AS (
    UPDATE recon_break b SET state = 'resolved', resolved_by_id = e.match_id, resolved_at = clock_timestamp(), version = b.version + 1
    FROM explained e WHERE e.id = b.id RETURNING 1)
SELECT count(*) FROM resolved
"""


def collect_ledger_items(*, reconciliation: Reconciliation, run: Run) -> None:
    """Turn the accounts' new postings into items, up to where each account stands now."""
    through = 0
    for taken in PopulationAccount.objects.filter(population__reconciliation=reconciliation).select_related("account__balance"):
        through = taken.account.balance.version
        _count(
            _COLLECT,
            reconciliation=reconciliation.pk,
            population=taken.population_id,
            account=taken.account_id,
            after=taken.last_account_seq,
            through=through,
        )
        PopulationAccount.objects.filter(pk=taken.pk).update(last_account_seq=through)
    # The lock on the reconciliation covers this step only, so what it found is kept on the run.
    open_items = Item.objects.filter(reconciliation=reconciliation, open=True)
    ledger_items = open_items.filter(side="ledger").count()
    statement_items = open_items.filter(side="statement").count()
    Run.objects.filter(pk=run.pk).update(
        through_account_seq=through,
        ledger_items=ledger_items,
        statement_items=statement_items,
        items_total=ledger_items + statement_items,
        items_done=0,
    )


def match_exactly(*, reconciliation: Reconciliation, run: Run) -> None:
    """Match every two items that are each other's only candidate under key, amount, flow and days allowed."""
    days = standard_days(reconciliation)
    made = _count(_MATCH_EXACTLY, reconciliation=reconciliation.pk, run=run.pk, days=days)
    resolved = _count(_RESOLVE, reconciliation=reconciliation.pk)
    Run.objects.filter(pk=run.pk).update(
        matches_made=F("matches_made") + made, breaks_resolved=F("breaks_resolved") + resolved, items_done=F("items_done") + 2 * made
    )


def standard_days(reconciliation: Reconciliation) -> int:
    """Return how many days the first pass by key allows."""
    _, rules = rules_of(reconciliation)
    return next(one.days for one in rules.passes if one.kind == "key")


def _count(statement: str, **parameters: int | UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (count,) = cursor.fetchone()
    return int(count)
