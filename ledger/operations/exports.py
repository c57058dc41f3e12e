"""Handing the books out: what leaves the system is on the trail."""

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind

EXPORT_MAXIMUM = 50_000


class ExportRefused(Refusal):
    """More rows than may leave at once; `detail["rows"]` says how many."""

    code = "export_refused"
    kind = RefusalKind.INVALID


def record_export(*, target_type: str, target_id: str, query: str, rows: int) -> None:
    """Record that a statement, a list of entries or a trial balance was handed out: of what, by which filters, how many rows.

    :raises ExportRefused: if there are more rows than may leave at once.
    """
    with act("ledger.statement.exported", target_type=target_type, target_id=target_id):
        if rows > EXPORT_MAXIMUM:
            raise ExportRefused(f"at most {EXPORT_MAXIMUM:,} rows leave at once; narrow the filters", rows=rows)
        record_event("ledger.statement.exported", target_type=target_type, target_id=target_id, after={"query": query, "rows": rows})
