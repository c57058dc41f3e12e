"""Handing the books out: what leaves the system is on the trail."""

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function

EXPORT_MAXIMUM = 50_000
# A PDF is laid out as a whole before its first byte leaves, and nobody reads more pages.
MOST_ROWS = {"csv": EXPORT_MAXIMUM, "xlsx": EXPORT_MAXIMUM, "pdf": 3_000}


class FormatUnknown(Refusal):
    """A kind of file that is not written here."""

    code = "format_unknown"
    kind = RefusalKind.INVALID


class ExportRefused(Refusal):
    """More rows than may leave at once in this kind of file; `detail["rows"]` says how many."""

    code = "export_refused"
    kind = RefusalKind.INVALID


def record_export(*, target_type: str, target_id: str, query: str, rows: int, file_format: str) -> None:
    """Record that a statement, a list of entries or a trial balance was handed out: of what, by which filters, how many rows, as what.

    :raises FormatUnknown: if the file is to be neither CSV, XLSX nor PDF.
    :raises ExportRefused: if there are more rows than may leave at once.
    :raises FunctionStopped: while exports are stopped.
    """
    with act("ledger.statement.exported", target_type=target_type, target_id=target_id):
        refuse_if_stopped(Function.EXPORTS)
        if file_format not in MOST_ROWS:
            raise FormatUnknown("a file is csv, xlsx or pdf", field="format", value=file_format[:20])
        if rows > MOST_ROWS[file_format]:
            narrower = "narrow the filters, or take a CSV file" if file_format == "pdf" else "narrow the filters"
            raise ExportRefused(
                f"at most {MOST_ROWS[file_format]:,} rows leave at once as {file_format.upper()}; {narrower}", field="format", rows=rows
            )
        record_event(
            "ledger.statement.exported",
            target_type=target_type,
            target_id=target_id,
            after={"query": query, "rows": rows, "format": file_format},
        )
