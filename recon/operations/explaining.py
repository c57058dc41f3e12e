"""What a run left open, as breaks: pairs that disagree first, then what stands alone."""

from uuid import UUID

from django.db import connection
from django.db.models import F

from recon.models import Reconciliation, Run

# A pair of which one side has found its match elsewhere becomes a break of the other side alone.
_HALVE = """
UPDATE recon_break b SET
    ledger_item_id = CASE WHEN l.open THEN b.ledger_item_id END,
    statement_item_id = CASE WHEN s.open THEN b.statement_item_id END,
    type = CASE WHEN l.open THEN 'missing_external' ELSE 'missing_internal' END,
    difference_minor = CASE WHEN l.open THEN l.amount_minor * CASE l.flow WHEN 'in' THEN 1 ELSE -1 END
                            ELSE s.amount_minor * CASE s.flow WHEN 'in' THEN -1 ELSE 1 END END,
    version = b.version + 1
FROM recon_item l, recon_item s
WHERE b.reconciliation_id = %(reconciliation)s AND b.state IN ('open', 'investigating')
  AND l.id = b.ledger_item_id AND s.id = b.statement_item_id AND l.open <> s.open
"""

# Same key and flow, each the other's only one, but amount or date disagree: one break for the pair.
_PAIRS = """
WITH free AS MATERIALIZED (
    SELECT i.* FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.open AND i.match_key <> ''
      AND NOT EXISTS (
          SELECT 1 FROM recon_break b WHERE b.state <> 'resolved'
            AND (b.ledger_item_id = i.id OR b.statement_item_id = i.id)
            AND (b.state = 'proposed' OR b.ledger_item_id IS NOT NULL AND b.statement_item_id IS NOT NULL))),
counted AS (
    SELECT l.id AS ledger_item, s.id AS statement_item, l.amount_minor AS ledger_amount, s.amount_minor AS statement_amount,
           CASE l.flow WHEN 'in' THEN 1 ELSE -1 END AS sign, least(l.item_date, s.item_date) AS occurred_on, l.reference, s.counterparty,
           count(*) OVER (PARTITION BY l.id) AS of_ledger, count(*) OVER (PARTITION BY s.id) AS of_statement
    FROM free l JOIN free s USING (flow, match_key) WHERE l.side = 'ledger' AND s.side = 'statement'),
pairs AS MATERIALIZED (
    SELECT *, CASE WHEN ledger_amount <> statement_amount THEN 'amount' ELSE 'date' END AS type
    FROM counted WHERE of_ledger = 1 AND of_statement = 1)
"""

# The half that was already a break keeps its number and history; where both were, both stand.
_JOIN_PAIRS = (
    _PAIRS
    + """,
joined AS (
    UPDATE recon_break b SET ledger_item_id = p.ledger_item, statement_item_id = p.statement_item, type = p.type,
           difference_minor = p.sign * (p.ledger_amount - p.statement_amount), version = b.version + 1
    FROM pairs p
    WHERE b.state IN ('open', 'investigating')
      AND (b.ledger_item_id = p.ledger_item OR b.statement_item_id = p.statement_item)
      AND NOT EXISTS (
          SELECT 1 FROM recon_break other WHERE other.id <> b.id AND other.state <> 'resolved'
            AND (other.ledger_item_id = p.ledger_item OR other.statement_item_id = p.statement_item))
    RETURNING 1)
SELECT count(*) FROM joined
"""
)

_OPEN_PAIRS = (
    _PAIRS
    + """,
opened AS (
    INSERT INTO recon_break (
        number, reconciliation_id, type, state, ledger_item_id, statement_item_id, difference_minor, occurred_on, reference, counterparty,
        opened_by_run_id, opened_at, version)
    SELECT nextval('recon_break_number'), %(reconciliation)s, p.type, 'open', p.ledger_item, p.statement_item,
           p.sign * (p.ledger_amount - p.statement_amount), p.occurred_on, p.reference, p.counterparty, %(run)s, clock_timestamp(), 1
    FROM pairs p
    WHERE NOT EXISTS (
        SELECT 1 FROM recon_break b WHERE b.state <> 'resolved'
          AND (b.ledger_item_id = p.ledger_item OR b.statement_item_id = p.statement_item))
    ORDER BY p.occurred_on, p.ledger_item
    RETURNING 1)
SELECT count(*) FROM opened
"""
)

# What is left has one side only. Several equal candidates: ambiguous. An equal item already matched: a possible duplicate.
# A posting later than the last statement is no break yet: the bank has had no chance to show it.
_OPEN_SINGLES = """
WITH opened AS (
    INSERT INTO recon_break (
        number, reconciliation_id, type, state, ledger_item_id, statement_item_id, difference_minor, occurred_on, reference, counterparty,
        opened_by_run_id, opened_at, version)
    SELECT nextval('recon_break_number'), i.reconciliation_id,
           CASE
               WHEN i.match_key <> '' AND EXISTS (
                   SELECT 1 FROM recon_item o WHERE o.reconciliation_id = i.reconciliation_id AND o.side <> i.side AND o.open
                     AND o.match_key = i.match_key AND o.amount_minor = i.amount_minor AND o.flow = i.flow) THEN 'ambiguous'
               WHEN i.match_key <> '' AND EXISTS (
                   SELECT 1 FROM recon_item o WHERE o.reconciliation_id = i.reconciliation_id AND o.side = i.side AND NOT o.open
                     AND o.match_key = i.match_key AND o.amount_minor = i.amount_minor AND o.flow = i.flow)
                   THEN CASE i.side WHEN 'ledger' THEN 'duplicate_internal' ELSE 'duplicate_external' END
               WHEN i.side = 'ledger' THEN 'missing_external'
               ELSE 'missing_internal'
           END,
           'open', CASE i.side WHEN 'ledger' THEN i.id END, CASE i.side WHEN 'statement' THEN i.id END,
           i.amount_minor * CASE WHEN (i.flow = 'in') = (i.side = 'ledger') THEN 1 ELSE -1 END,
           i.item_date, i.reference, i.counterparty, %(run)s, clock_timestamp(), 1
    FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.open
      AND (i.side = 'statement' OR i.item_date <= (
          SELECT max(t.closing_date) FROM recon_statement t JOIN recon_reconciliation r ON r.source_id = t.source_id
          WHERE r.id = i.reconciliation_id))
      AND NOT EXISTS (
          SELECT 1 FROM recon_break b WHERE b.state <> 'resolved' AND (b.ledger_item_id = i.id OR b.statement_item_id = i.id))
    ORDER BY i.item_date, i.id
    RETURNING 1)
SELECT count(*) FROM opened
"""


def explain_the_rest(*, reconciliation: Reconciliation, run: Run) -> None:
    """Give everything that is still open a break: pairs that disagree first, then what stands alone."""
    halve_pairs(reconciliation_id=reconciliation.pk)
    _count(_JOIN_PAIRS, reconciliation=reconciliation.pk)
    pairs = _count(_OPEN_PAIRS, reconciliation=reconciliation.pk, run=run.pk)
    singles = _count(_OPEN_SINGLES, reconciliation=reconciliation.pk, run=run.pk)
    Run.objects.filter(pk=run.pk).update(breaks_opened=F("breaks_opened") + pairs + singles)


def halve_pairs(*, reconciliation_id: int) -> None:
    """Turn each pair of which one side has found its match elsewhere into a break of the other side."""
    with connection.cursor() as cursor:
        cursor.execute(_HALVE, {"reconciliation": reconciliation_id})


def _count(statement: str, **parameters: int | UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (count,) = cursor.fetchone()
    return int(count)
