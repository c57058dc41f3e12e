"""Handing lists out: what leaves the system is on the trail."""

from collections.abc import Mapping

from audit.operations import act, record_event
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
