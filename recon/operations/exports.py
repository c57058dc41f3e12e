"""Handing lists out: what leaves the system is on the trail."""

from collections.abc import Mapping
from datetime import date

from audit.operations import act, record_event
from ledger.operations import MOST_ROWS
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function

EXPORT_MAXIMUM = 10_000


class ExportRefused(Refusal):
    code = "export_refused"
    kind = RefusalKind.INVALID


def record_break_export(*, query: str, rows: int, totals: Mapping[str, str]) -> None:
    """Record that a list of breaks was handed out: its filters, how many rows, and the totals in its last rows.

    :raises ExportRefused: if there are more rows than may leave at once.
    """
    with act("recon.breaks.exported", target_type="recon.breaks", target_id="list"):
        refuse_if_stopped(Function.EXPORTS)
        if rows > EXPORT_MAXIMUM:
            raise ExportRefused(f"at most {EXPORT_MAXIMUM:,} breaks leave at once; narrow the filters", rows=rows)
        record_event(
            "recon.breaks.exported",
            target_type="recon.breaks",
            target_id="list",
            after={"query": query, "rows": rows, "totals": dict(totals)},
        )


def record_report_export(*, report: str, query: str, rows: int, file_format: str) -> None:
    """Record that a table of a report, or a list behind one of its figures, was handed out.

    :raises ExportRefused: if there are more rows than may leave at once, or there is no such kind of file.
    """
    with act("recon.report.exported", target_type="recon.report", target_id=report):
        refuse_if_stopped(Function.EXPORTS)
        if file_format not in MOST_ROWS:
            raise ExportRefused(f"tables leave as {', '.join(MOST_ROWS)}", field="format")
        if rows > min(EXPORT_MAXIMUM, MOST_ROWS[file_format]):
            raise ExportRefused("so many rows do not leave at once; narrow what is asked for", rows=rows)
        record_event(
            "recon.report.exported",
            target_type="recon.report",
            target_id=report,
            after={"query": query, "rows": rows, "format": file_format},
        )


def record_day_export(*, account: str, day: date, rows: int, file_format: str) -> None:
    """Record that the reconciliation statement of an account-day was handed out, as what.

    :raises ExportRefused: for another kind of file, or one of too many rows.
    """
    with act("recon.account_day.exported", target_type="ledger.account", target_id=account):
        refuse_if_stopped(Function.EXPORTS)
        if file_format not in MOST_ROWS:
            raise ExportRefused("a file is csv, xlsx or pdf", field="format", value=file_format[:20])
        if rows > MOST_ROWS[file_format]:
            raise ExportRefused(
                f"at most {MOST_ROWS[file_format]:,} open items leave at once as {file_format.upper()}", field="format", rows=rows
            )
        after = {"day": day.isoformat(), "rows": rows, "format": file_format}
        record_event("recon.account_day.exported", target_type="ledger.account", target_id=account, after=after)
