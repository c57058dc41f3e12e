"""What is on its way between a bank and the ledger at the end of a day, item by item, as it was known at an instant.

At the end of a day an item counts as settled by a match only if everything in the match is dated by then: what the bank booked the day
after was still on its way. The ledger dates by effective date, the bank by booking date, which is what its closing balance counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from recon.models import Reconciliation

# Only what can differ is looked at: what is open now, what was matched with something dated later, matched later, or withdrawn later.
_IN_TRANSIT = """
WITH RECURSIVE late AS MATERIALIZED (
    SELECT i.id FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.side = 'ledger' AND i.item_date > %(day)s
    UNION ALL
    SELECT i.id FROM recon_statement s
    JOIN recon_statement_line l ON l.statement_id = s.id AND l.booking_date > %(day)s
    JOIN recon_item i ON i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s
    WHERE s.source_id = %(source)s AND s.booked_to > %(day)s),
late_matches AS MATERIALIZED (
    SELECT DISTINCT a.match_id FROM late JOIN recon_allocation a ON a.item_id = late.id),
candidates AS MATERIALIZED (
    SELECT i.id FROM recon_item i WHERE i.reconciliation_id = %(reconciliation)s AND i.open_minor > 0
    UNION SELECT a.item_id FROM late_matches m JOIN recon_allocation a ON a.match_id = m.match_id
    UNION SELECT a.item_id FROM recon_match m JOIN recon_allocation a ON a.match_id = m.id
          WHERE m.id >= uuidv7(%(known_at)s - interval '1 minute' - clock_timestamp()) AND m.made_at > %(known_at)s
            AND m.reconciliation_id = %(reconciliation)s
    UNION SELECT i.id FROM recon_item i JOIN recon_statement s ON s.id = i.withdrawn_by_id
          WHERE i.withdrawn_by_id IS NOT NULL AND i.reconciliation_id = %(reconciliation)s AND s.accepted_at > %(known_at)s),
placed AS MATERIALIZED (
    SELECT i.id, i.side, i.amount_minor, i.flow, i.entry_id, i.entry_line, i.reference, i.content_key,
           CASE i.side WHEN 'ledger' THEN i.item_date ELSE l.booking_date END AS day, l.statement_id
    FROM candidates c JOIN recon_item i ON i.id = c.id LEFT JOIN recon_statement_line l ON l.id = i.statement_line_id
    LEFT JOIN recon_statement w ON w.id = i.withdrawn_by_id
    WHERE i.withdrawn_by_id IS NULL OR w.accepted_at > %(known_at)s),
versions AS (
    SELECT s.id AS root, s.id, s.accepted_at, s.supersedes_id, s.version
    FROM recon_statement s WHERE s.id IN (SELECT statement_id FROM placed)
    UNION ALL
    SELECT v.root, s.id, s.accepted_at, s.supersedes_id, s.version FROM versions v JOIN recon_statement s ON s.id = v.supersedes_id),
in_force AS MATERIALIZED (
    SELECT DISTINCT ON (root) root, id FROM versions WHERE accepted_at <= %(known_at)s ORDER BY root, version DESC),
settled AS (
    SELECT a.item_id, sum(a.amount_minor) AS minor
    FROM placed p JOIN recon_allocation a ON a.item_id = p.id JOIN recon_match m ON m.id = a.match_id
    WHERE m.made_at <= %(known_at)s AND (a.revoked_at IS NULL OR a.revoked_at > %(known_at)s)
      AND NOT EXISTS (SELECT FROM late_matches x WHERE x.match_id = a.match_id)
    GROUP BY a.item_id)
SELECT p.side, CASE p.side WHEN 'ledger' THEN 'LE-' || e.number || '/' || p.entry_line ELSE p.content_key END AS place, p.day, p.reference,
       (p.amount_minor - coalesce(s.minor, 0)) * CASE p.flow WHEN 'in' THEN 1 ELSE -1 END AS minor, p.entry_id
FROM placed p
LEFT JOIN settled s ON s.item_id = p.id
LEFT JOIN ledger_entry e ON e.id = p.entry_id
LEFT JOIN in_force f ON f.root = p.statement_id
WHERE p.day <= %(day)s AND p.amount_minor > coalesce(s.minor, 0)
  AND CASE p.side WHEN 'ledger' THEN e.posted_at <= %(known_at)s
      ELSE f.id = p.statement_id OR EXISTS (
          SELECT FROM recon_statement_line l WHERE l.statement_id = f.id AND l.content_key = p.content_key) END
UNION ALL
SELECT 'ledger', 'LE-' || e.number || '/' || p.line, p.effective_date, e.reference,
       p.amount_minor * CASE p.direction WHEN 'debit' THEN 1 ELSE -1 END, p.entry_id
FROM recon_population_account t
JOIN recon_population n ON n.id = t.population_id AND n.reconciliation_id = %(reconciliation)s
JOIN ledger_posting p ON p.account_id = t.account_id AND p.account_seq > t.last_account_seq
JOIN ledger_entry e ON e.id = p.entry_id
WHERE p.effective_date <= %(day)s AND e.posted_at <= %(known_at)s
  AND NOT EXISTS (
      SELECT FROM recon_item i
      WHERE i.reconciliation_id = %(reconciliation)s AND i.entry_id = p.entry_id AND i.entry_line = p.line AND i.side = 'ledger')
ORDER BY 3, 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InTransit:
    """A movement that only one of the two has. `minor` is what it does to the bank's balance to reach the ledger's: a posting that the bank
    has not booked counts as it is, a line that the ledger does not have the other way round.
    """

    side: str
    place: str
    day: date
    reference: str
    minor: int
    entry_id: UUID | None


def in_transit(*, reconciliation: Reconciliation, day: date, known_at: datetime) -> Sequence[InTransit]:
    """Return what was on its way between a source and its ledger account at the end of a day, oldest first."""
    values: dict[str, Any] = {"reconciliation": reconciliation.pk, "source": reconciliation.source_id, "day": day, "known_at": known_at}
    with connection.cursor() as cursor:
        cursor.execute(_IN_TRANSIT, values)
        return [
            InTransit(
                side=side,
                place=place,
                day=on,
                reference=reference,
                minor=int(minor) if side == "ledger" else -int(minor),
                entry_id=entry_id,
            )
            for side, place, on, reference, minor, entry_id in cursor.fetchall()
        ]
