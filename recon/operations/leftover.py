"""What a run left open, as a temporary relation: each item with what its populations say of it.

What is made of it, challenges and breaks, changes no item; so it holds until the end of the transaction.
"""

from recon.operations.selecting.relation import allow_for_sets, execute

# Alike in everything, with a reference or without one, and in more than one population: which belong together cannot be told. Without a
# reference one on each side is no tie yet. No block, however hot, is joined with itself.
_LEFT = """
CREATE TEMP TABLE recon_left ON COMMIT DROP AS
SELECT o.*, min(o.population_id) OVER alike < max(o.population_id) OVER alike
            AND (o.match_key <> '' OR o.keyless AND count(*) OVER alike > 2) AS tied
FROM (
    SELECT i.id, i.population_id, p.position, p.sign, i.side, i.flow, (i.flow = 'in') = (p.sign = 1) AS inward, i.amount_minor,
           i.open_minor, i.item_date, i.match_key, i.keys = '{}' AS keyless, i.reference, i.counterparty
    FROM recon_item i JOIN recon_population p ON p.id = i.population_id
    WHERE i.reconciliation_id = %(reconciliation)s AND i.open_minor > 0) o
WINDOW alike AS (
    PARTITION BY o.match_key, o.amount_minor, o.inward, CASE o.match_key WHEN '' THEN o.item_date END,
                 CASE o.match_key WHEN '' THEN upper(o.counterparty) END, o.match_key = '' AND NOT o.keyless)
"""


def set_apart(*, reconciliation_id: int) -> None:
    """Make `recon_left` of what is open now, inside the caller's transaction."""
    allow_for_sets()
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_left")
    execute(_LEFT, {"reconciliation": reconciliation_id})
    execute("ANALYZE recon_left")
