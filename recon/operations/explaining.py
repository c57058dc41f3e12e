"""What a run left open (`leftover`), as breaks: pairs that disagree first, then what stands alone."""

import json
from uuid import UUID

from django.db import connection
from django.db.models import F

from recon.matching.causes import cause_of
from recon.matching.hops import Place
from recon.models import Reconciliation, Run, Side
from recon.operations import hops
from recon.operations.reconciliations import rules_of
from recon.operations.service_levels import route_new_breaks

# A pair of which one side has found its match elsewhere becomes a break of the other side alone.
_HALVE = """
UPDATE recon_break b SET
    ledger_item_id = CASE WHEN l.open THEN b.ledger_item_id END,
    statement_item_id = CASE WHEN s.open THEN b.statement_item_id END,
    type = CASE WHEN l.open THEN 'missing_external' ELSE 'missing_internal' END,
    difference_minor = CASE WHEN l.open THEN l.open_minor * CASE l.flow WHEN 'in' THEN lp.sign ELSE -lp.sign END
                            ELSE s.open_minor * CASE s.flow WHEN 'in' THEN -sp.sign ELSE sp.sign END END,
    cause = '{}', version = b.version + 1
FROM recon_item l, recon_item s, recon_population lp, recon_population sp
WHERE b.reconciliation_id = %(reconciliation)s AND b.state IN ('open', 'investigating')
  AND l.id = b.ledger_item_id AND s.id = b.statement_item_id AND l.open <> s.open
  AND lp.id = l.population_id AND sp.id = s.population_id
"""

# Same key, each the other's only one between their two populations, but amount, date or direction disagree: one break for the pair.
# Opposite directions make a pair only where nothing else has the key and the amounts are equal: an error of sign.
_PAIRS = """
WITH free AS MATERIALIZED (
    SELECT i.id, i.side, i.population_id, i.position, i.match_key, i.open_minor, i.item_date, i.reference, i.counterparty,
           CASE WHEN i.inward THEN 1 ELSE -1 END AS sign
    FROM recon_left i
    WHERE i.match_key <> ''
      AND NOT EXISTS (
          SELECT FROM recon_break b WHERE b.ledger_item_id = i.id AND b.state <> 'resolved'
             AND (b.state = 'proposed' OR b.statement_item_id IS NOT NULL) OFFSET 0)
      AND NOT EXISTS (
          SELECT FROM recon_break b WHERE b.statement_item_id = i.id AND b.state <> 'resolved'
             AND (b.state = 'proposed' OR b.ledger_item_id IS NOT NULL) OFFSET 0)),
counted AS (
    SELECT l.id AS ledger_item, s.id AS statement_item, l.position AS ledger_position, s.position AS statement_position,
           l.sign * l.open_minor AS ledger_signed, s.sign * s.open_minor AS statement_signed, l.sign = s.sign AS same_way,
           least(l.item_date, s.item_date) AS occurred_on, l.reference, s.counterparty,
           count(*) OVER (PARTITION BY l.id, s.population_id, s.sign) AS of_ledger,
           count(*) OVER (PARTITION BY s.id, l.population_id, l.sign) AS of_statement,
           count(*) OVER (PARTITION BY l.id) AS any_of_ledger, count(*) OVER (PARTITION BY s.id) AS any_of_statement
    FROM free l JOIN free s USING (match_key) WHERE l.side = 'ledger' AND s.side = 'statement'),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY ledger_item ORDER BY statement_position) AS nth_of_ledger,
           row_number() OVER (PARTITION BY statement_item ORDER BY ledger_position) AS nth_of_statement
    FROM counted
    WHERE same_way AND of_ledger = 1 AND of_statement = 1
       OR NOT same_way AND any_of_ledger = 1 AND any_of_statement = 1 AND ledger_signed = -statement_signed),
pairs AS MATERIALIZED (
    SELECT *, CASE WHEN ledger_signed <> statement_signed THEN 'amount' ELSE 'date' END AS type
    FROM ranked WHERE nth_of_ledger = 1 AND nth_of_statement = 1)
"""

# The half that was already a break keeps its number and history; where both were, both stand.
_JOIN_PAIRS = (
    _PAIRS
    + """,
joined AS (
    UPDATE recon_break b SET ledger_item_id = p.ledger_item, statement_item_id = p.statement_item, type = p.type,
           difference_minor = p.ledger_signed - p.statement_signed, cause = '{}', parent_id = NULL, version = b.version + 1
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
           p.ledger_signed - p.statement_signed, p.occurred_on, p.reference, p.counterparty, %(run)s, clock_timestamp(), 1
    FROM pairs p
    WHERE NOT EXISTS (SELECT FROM recon_break b WHERE b.ledger_item_id = p.ledger_item AND b.state <> 'resolved')
      AND NOT EXISTS (SELECT FROM recon_break b WHERE b.statement_item_id = p.statement_item AND b.state <> 'resolved')
    ORDER BY p.occurred_on, p.ledger_item
    RETURNING 1)
SELECT count(*) FROM opened
"""
)

# What is left has one side only. Equal candidates on several sides: ambiguous. An equal item already matched: a possible duplicate.
# A posting later than the last statement is no break yet: the bank has had no chance to show it. What OFFSET keeps a question of each item
# is answered by an index, whatever the statistics of tables that have just been filled.
_OPEN_SINGLES = """
WITH shown AS (
    SELECT CASE WHEN bool_or(latest.closing_date IS NULL) THEN '-infinity' ELSE coalesce(min(latest.closing_date), 'infinity') END AS until
    FROM (
        SELECT max(t.closing_date) AS closing_date FROM recon_population p LEFT JOIN recon_statement t ON t.source_id = p.source_id
        WHERE p.reconciliation_id = %(reconciliation)s AND p.side = 'statement' GROUP BY p.id) latest),
opened AS (
    INSERT INTO recon_break (
        number, reconciliation_id, type, state, ledger_item_id, statement_item_id, difference_minor, occurred_on, reference, counterparty,
        opened_by_run_id, opened_at, version)
    SELECT nextval('recon_break_number'), %(reconciliation)s,
           CASE
               WHEN i.tied THEN 'ambiguous'
               WHEN i.match_key <> '' AND EXISTS (
                   SELECT 1 FROM recon_item o WHERE o.reconciliation_id = %(reconciliation)s AND o.population_id = i.population_id
                     AND o.open_minor = 0 AND o.withdrawn_by_id IS NULL AND o.match_key <> ''
                     AND o.match_key = i.match_key AND o.amount_minor = i.amount_minor AND o.flow = i.flow OFFSET 0)
                   THEN CASE i.side WHEN 'ledger' THEN 'duplicate_internal' ELSE 'duplicate_external' END
               WHEN i.side = 'ledger' THEN 'missing_external'
               ELSE 'missing_internal'
           END,
           'open', CASE i.side WHEN 'ledger' THEN i.id END, CASE i.side WHEN 'statement' THEN i.id END,
           i.open_minor * i.sign * CASE WHEN (i.flow = 'in') = (i.side = 'ledger') THEN 1 ELSE -1 END,
           i.item_date, i.reference, i.counterparty, %(run)s, clock_timestamp(), 1
    FROM recon_left i
    WHERE (i.side = 'statement' OR i.item_date <= (SELECT until FROM shown))
      AND NOT EXISTS (SELECT FROM recon_break b WHERE b.ledger_item_id = i.id AND b.state <> 'resolved' OFFSET 0)
      AND NOT EXISTS (SELECT FROM recon_break b WHERE b.statement_item_id = i.id AND b.state <> 'resolved' OFFSET 0)
    ORDER BY i.item_date, i.id
    RETURNING 1)
SELECT count(*) FROM opened
"""

# Breaks of equal candidates on several sides are one block, that of their key, amount and direction, and without a key that of their
# date and counterparty as well: the first of them, by date, then
# lowest amount, then reference, stands for all, and says how many there are of each and what is open net of the others.
_GATHER_AMBIGUOUS = """
WITH members AS (
    SELECT b.id, b.number, b.parent_id, b.cause, b.difference_minor,
           row_number() OVER block AS nth, first_value(b.id) OVER block AS first_id,
           count(*) FILTER (WHERE i.side = 'ledger') OVER whole AS ledger_items,
           count(*) FILTER (WHERE i.side = 'statement') OVER whole AS statement_items,
           sum(b.difference_minor) OVER whole AS net_minor
    FROM recon_break b JOIN recon_item i ON i.id = coalesce(b.ledger_item_id, b.statement_item_id)
    JOIN recon_population p ON p.id = i.population_id
    WHERE b.reconciliation_id = %(reconciliation)s AND b.state <> 'resolved' AND b.type = 'ambiguous'
    WINDOW whole AS (PARTITION BY i.match_key, i.amount_minor, (i.flow = 'in') = (p.sign = 1),
                         CASE i.match_key WHEN '' THEN i.item_date END, CASE i.match_key WHEN '' THEN upper(i.counterparty) END),
           block AS (whole ORDER BY b.occurred_on, abs(b.difference_minor), b.reference, b.number)),
told AS (
    SELECT m.*, CASE WHEN nth > 1 THEN first_id END AS stands_under,
           CASE WHEN nth = 1 THEN jsonb_build_object('kind', 'ambiguous', 'ledger_items', ledger_items,
               'statement_items', statement_items, 'net_minor', net_minor::text) ELSE '{}' END AS says
    FROM members m),
gathered AS (
    UPDATE recon_break b SET parent_id = t.stands_under, cause = t.says, version = b.version + 1
    FROM told t WHERE t.id = b.id AND (b.parent_id, b.cause) IS DISTINCT FROM (t.stands_under, t.says)
      AND NOT EXISTS (SELECT 1 FROM recon_break held WHERE held.id = b.parent_id AND held.type = 'stale_feed' AND held.state <> 'resolved')
    RETURNING 1)
SELECT count(*) FROM gathered
"""

# What stood under a break that has been resolved, or is another kind of break now, stands for itself again.
_RELEASE = """
UPDATE recon_break b SET parent_id = NULL, version = b.version + 1
FROM recon_break held
WHERE held.id = b.parent_id AND b.reconciliation_id = %(reconciliation)s AND b.state <> 'resolved' AND held.type <> 'stale_feed'
  AND (held.state = 'resolved' OR held.type <> b.type)
"""

# An ambiguity that has been decided but for one side is none any more.
_SETTLE_AMBIGUOUS = """
UPDATE recon_break b SET type = CASE i.side WHEN 'ledger' THEN 'missing_external' ELSE 'missing_internal' END, cause = '{}',
    version = b.version + 1
FROM recon_item i
WHERE b.reconciliation_id = %(reconciliation)s AND b.state IN ('open', 'investigating') AND b.type = 'ambiguous'
  AND i.id = coalesce(b.ledger_item_id, b.statement_item_id)
  AND NOT EXISTS (SELECT FROM recon_left k WHERE k.id = i.id AND k.tied)
"""

_WITHOUT_CAUSE = """
SELECT b.id, l.open_minor * CASE l.flow WHEN 'in' THEN lp.sign ELSE -lp.sign END,
       s.open_minor * CASE s.flow WHEN 'in' THEN sp.sign ELSE -sp.sign END
FROM recon_break b
JOIN recon_item l ON l.id = b.ledger_item_id JOIN recon_population lp ON lp.id = l.population_id
JOIN recon_item s ON s.id = b.statement_item_id JOIN recon_population sp ON sp.id = s.population_id
WHERE b.reconciliation_id = %s AND b.state <> 'resolved' AND b.type = 'amount' AND b.cause = '{}'
ORDER BY b.number LIMIT %s
"""
CAUSES_AT_ONCE = 1000


def explain_the_rest(*, reconciliation: Reconciliation, run: Run) -> None:
    """Give everything that is still open a break: pairs that disagree first, with what their amounts suggest, then what stands alone."""
    halve_pairs(reconciliation_id=reconciliation.pk)
    told = reconciliation.populations.order_by("position").values_list("pk", "name", "side")
    places = [Place(id=pk, name=name, is_ledger=side == Side.LEDGER) for pk, name, side in told]
    chains = hops.chains_of(reconciliation, places=places) if len(places) > 2 else []
    if len(places) > 2:
        pairs = hops.open_pairs(chains, reconciliation_id=reconciliation.pk, run_id=run.pk)
    else:
        _count(_JOIN_PAIRS, reconciliation=reconciliation.pk)
        pairs = _count(_OPEN_PAIRS, reconciliation=reconciliation.pk, run=run.pk)
    singles = _count(_OPEN_SINGLES, reconciliation=reconciliation.pk, run=run.pk)
    if len(places) > 2:
        hops.stand_for_chains(chains, reconciliation_id=reconciliation.pk)
    with connection.cursor() as cursor:
        for statement in (_SETTLE_AMBIGUOUS, _RELEASE):
            cursor.execute(statement, {"reconciliation": reconciliation.pk})
    _count(_GATHER_AMBIGUOUS, reconciliation=reconciliation.pk)
    name_causes(reconciliation=reconciliation)
    route_new_breaks(run)
    Run.objects.filter(pk=run.pk).update(breaks_opened=F("breaks_opened") + pairs + singles)


def name_causes(*, reconciliation: Reconciliation) -> None:
    """Write on each pair whose amounts differ what the difference suggests, by the tariffs of the rules in force."""
    _, rules = rules_of(reconciliation)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_WITHOUT_CAUSE, [reconciliation.pk, CAUSES_AT_ONCE])
            found = cursor.fetchall()
            causes = [
                json.dumps(cause_of(ledger_minor=int(ours), statement_minor=int(theirs), tariffs=rules.tariffs).as_json())
                for _, ours, theirs in found
            ]
            cursor.execute(
                "UPDATE recon_break b SET cause = c.cause FROM unnest(%s::uuid[], %s::jsonb[]) AS c (id, cause) WHERE c.id = b.id",
                [[pk for pk, _, _ in found], causes],
            )
        if len(found) < CAUSES_AT_ONCE:
            return


def halve_pairs(*, reconciliation_id: int) -> None:
    """Turn each pair of which one side has found its match elsewhere into a break of the other side."""
    with connection.cursor() as cursor:
        cursor.execute(_HALVE, {"reconciliation": reconciliation_id})


def _count(statement: str, **parameters: int | UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        (count,) = cursor.fetchone()
    return int(count)
