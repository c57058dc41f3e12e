"""Tables of the books as files, in the format that was asked for."""

from collections.abc import Callable, Iterable, Sequence

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from audit.context import current_origin
from ledger.operations import MOST_ROWS
from ledgerops.lib.csv_cells import csv_lines
from ledgerops.lib.pdf import pdf
from ledgerops.lib.tables import Column, Row, Table
from ledgerops.lib.workbook import workbook

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_RESPONSES: dict[str, Callable[[Table], HttpResponseBase]] = {
    "csv": lambda table: StreamingHttpResponse(csv_lines(table), content_type="text/csv; charset=utf-8"),
    "xlsx": lambda table: FileResponse(workbook(table), content_type=_XLSX),
    "pdf": lambda table: HttpResponse(pdf(table), content_type="application/pdf"),
}
assert set(_RESPONSES) == set(MOST_ROWS)


def format_of(request: HttpRequest) -> str:
    """Return the kind of file that was asked for; whether it is one that we write is for `record_export` to say."""
    return request.POST.get("format", "csv")


def table_of(
    *, name: str, title: str, subtitles: Sequence[str] = (), columns: Sequence[Column], rows: Iterable[Row], parameters: str
) -> Table:
    """Return a table of the books that says where it comes from: what was asked, and the request by which the trail knows it."""
    return Table(
        name=name,
        title=title,
        subtitles=subtitles,
        columns=columns,
        rows=rows,
        facts=[("Source", "LedgerOps, posted entries"), ("Parameters", parameters or "none"), ("Request", current_origin().request_id)],
        made_at=timezone.now(),
    )


def table_response(file_format: str, table: Table) -> HttpResponseBase:
    """Return the table as a download. It has been recorded by then, and with it that the format is one of ours."""
    response = _RESPONSES[file_format](table)
    response.headers["Content-Disposition"] = f'attachment; filename="{table.name}.{file_format}"'
    response.headers["Cache-Control"] = "no-store"
    return response
