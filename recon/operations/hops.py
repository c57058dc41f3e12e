"""Breaks of reconciliations of more than two populations: of what hangs together and is no whole, one break stands for all.

Between two populations a break is a pair or one side, and sets tell which. Between more, what is missing or differs is told chain by chain.
"""

import json
from collections.abc import Sequence

from django.db.models import F

from recon.matching.hops import Broken, Hop, Place, broken_chains
from recon.models import Item, Reconciliation
from recon.operations.selecting.relation import execute

# What is left after the passes is looked at chain by chain up to so many items. Beyond, each item has a break of its own.
ITEMS_MAX = 200_000

_PAIRS = """
SELECT p.ledger_item, p.statement_item, p.type,
       CASE l.flow WHEN 'in' THEN lp.sign ELSE -lp.sign END * l.open_minor AS ledger_signed,
       CASE s.flow WHEN 'in' THEN sp.sign ELSE -sp.sign END * s.open_minor AS statement_signed,
       least(l.item_date, s.item_date) AS occurred_on, l.reference, s.counterparty
FROM unnest(%(ledger)s::bigint[], %(statement)s::bigint[], %(type)s::text[]) AS p (ledger_item, statement_item, type)
JOIN recon_item l ON l.id = p.ledger_item JOIN recon_population lp ON lp.id = l.population_id
JOIN recon_item s ON s.id = p.statement_item JOIN recon_population sp ON sp.id = s.population_id
"""

# The half that was already a break keeps its number and history; where both were, both stand.
_JOIN = """
WITH pairs AS MATERIALIZED ({pairs})
UPDATE recon_break b SET ledger_item_id = p.ledger_item, statement_item_id = p.statement_item, type = p.type,
       difference_minor = p.ledger_signed - p.statement_signed, cause = '{}'::jsonb, parent_id = NULL, version = b.version + 1
FROM pairs p
WHERE b.state IN ('open', 'investigating') AND (b.ledger_item_id = p.ledger_item OR b.statement_item_id = p.statement_item)
  AND (b.ledger_item_id IS NULL OR b.statement_item_id IS NULL)
  AND NOT EXISTS (
      SELECT 1 FROM recon_break other WHERE other.id <> b.id AND other.state <> 'resolved'
        AND (other.ledger_item_id = p.ledger_item OR other.statement_item_id = p.statement_item))
""".replace("{pairs}", _PAIRS)
_OPEN = """
WITH pairs AS MATERIALIZED ({pairs})
INSERT INTO recon_break (
    number, reconciliation_id, type, state, ledger_item_id, statement_item_id, difference_minor, occurred_on, reference, counterparty,
    opened_by_run_id, opened_at, version)
SELECT nextval('recon_break_number'), %(reconciliation)s, p.type, 'open', p.ledger_item, p.statement_item,
       p.ledger_signed - p.statement_signed, p.occurred_on, p.reference, p.counterparty, %(run)s, clock_timestamp(), 1
FROM pairs p
WHERE NOT EXISTS (
    SELECT 1 FROM recon_break b WHERE b.state <> 'resolved'
      AND (b.ledger_item_id = p.ledger_item OR b.statement_item_id = p.statement_item))
ORDER BY p.occurred_on, p.ledger_item
""".replace("{pairs}", _PAIRS)

# A break that waits for a decision, or for a file, is left as it is. What an amount suggests stays written on its pair. What changes its
# type stands for itself, until it stands under the head of its chain.
_TOLD = """
SELECT DISTINCT ON (b.id) b.id, t.type, t.says, t.head
FROM unnest(%(item)s::bigint[], %(head)s::bigint[], %(type)s::text[], %(says)s::jsonb[]) AS t (item, head, type, says)
JOIN recon_break b ON b.state IN ('open', 'investigating') AND (b.ledger_item_id = t.item OR b.statement_item_id = t.item)
WHERE NOT EXISTS (SELECT 1 FROM recon_break held WHERE held.id = b.parent_id AND held.type = 'stale_feed' AND held.state <> 'resolved')
ORDER BY b.id, t.item = b.ledger_item_id DESC
"""
_SAY = """
WITH told AS MATERIALIZED ({told}),
said AS (
    SELECT b.id, t.type, CASE WHEN t.type = b.type THEN b.parent_id END AS under,
           CASE WHEN t.says <> '{}' THEN t.says WHEN b.cause->>'kind' IN ('hop_missing', 'ambiguous') THEN '{}' ELSE b.cause END AS says
    FROM told t JOIN recon_break b ON b.id = t.id)
UPDATE recon_break b SET type = s.type, parent_id = s.under, cause = s.says, version = b.version + 1
FROM said s WHERE s.id = b.id AND (b.type, b.parent_id, b.cause) IS DISTINCT FROM (s.type, s.under, s.says)
""".replace("{told}", _TOLD)
_STAND = """
WITH told AS MATERIALIZED ({told}),
heads AS (
    SELECT t.id, nullif(h.id, t.id) AS under
    FROM told t LEFT JOIN recon_break h
      ON h.state <> 'resolved' AND h.type = t.type AND (h.ledger_item_id = t.head OR h.statement_item_id = t.head))
UPDATE recon_break b SET parent_id = s.under, version = b.version + 1
FROM heads s WHERE s.id = b.id AND b.parent_id IS DISTINCT FROM s.under
""".replace("{told}", _TOLD)

# What was told of a chain that is none any more, since an item of it was matched or has come twice, is told no longer: one side is left.
_FORGET = """
UPDATE recon_break b SET type = CASE WHEN b.ledger_item_id IS NULL THEN 'missing_internal' ELSE 'missing_external' END, parent_id = NULL,
    cause = '{}', version = b.version + 1
WHERE b.reconciliation_id = %(reconciliation)s AND b.state IN ('open', 'investigating')
  AND (b.ledger_item_id IS NULL OR b.statement_item_id IS NULL)
  AND (b.cause->>'kind' = 'hop_missing' OR b.type IN ('amount', 'date'))
  AND coalesce(b.ledger_item_id, b.statement_item_id) <> ALL(%(item)s::bigint[])
"""


def chains_of(reconciliation: Reconciliation, *, places: Sequence[Place]) -> list[Broken]:
    """Return what hangs together in the open items of a reconciliation and is no whole; nothing where they are too many to look at."""
    still = Item.objects.filter(reconciliation=reconciliation, open_minor__gt=0)
    if still[ITEMS_MAX : ITEMS_MAX + 1].exists():
        return []
    told = still.annotate(sign=F("population__sign")).order_by("item_date", "pk")
    return broken_chains(
        (
            Hop(
                item=item.pk,
                population=item.population_id,
                signed_minor=item.sign * item.open_signed_minor,
                day=item.item_date,
                keys=frozenset(key.partition(":")[2] for key in item.keys) | ({item.match_key} if item.match_key else frozenset()),
            )
            for item in told.iterator()
        ),
        places=places,
    )


def open_pairs(chains: Sequence[Broken], *, reconciliation_id: int, run_id: object) -> int:
    """Open a break for each pair that stands for a chain, or let the break of one of its items become it; return how many are new."""
    pairs = [one for one in chains if one.ledger is not None and one.statement is not None]
    told = {
        "ledger": [one.ledger for one in pairs],
        "statement": [one.statement for one in pairs],
        "type": [one.type for one in pairs],
        "reconciliation": reconciliation_id,
        "run": run_id,
    }
    execute(_JOIN, told)
    return execute(_OPEN, told)


def stand_for_chains(chains: Sequence[Broken], *, reconciliation_id: int) -> None:
    """Let the break of each chain's head stand for all of it, and every break of it say what is missing or differs."""
    told = [(item, one) for one in chains for item in one.items]
    says = {id(one): json.dumps(_says(one)) for one in chains}
    execute(_FORGET, {"reconciliation": reconciliation_id, "item": [item for item, _ in told]})
    parameters = {
        "item": [item for item, _ in told],
        "head": [one.head for _, one in told],
        "type": [one.type for _, one in told],
        "says": [says[id(one)] for _, one in told],
    }
    execute(_SAY, parameters)
    execute(_STAND, parameters)


def _says(one: Broken) -> dict[str, object]:
    """Return what is written on the breaks of a chain: which populations have it and which do not, where the amounts agree."""
    if not one.missing or one.type == "amount":
        return {}
    return {"kind": "hop_missing", "there": list(one.there), "missing": list(one.missing)}
