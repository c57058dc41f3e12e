"""The chart of accounts out as a file, and in as one proposal."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from approvals.models import User
from ledger import operations, queries
from ledger.operations import IMPORT_CHART
from ledger.operations.chart_files import COLUMNS, LARGEST_BYTES, MOST_ROWS, ChartReading, chart_lines, read_chart
from ledger.queries import controls
from ledger.web.account_changes import locate
from ledger.web.account_forms import NarrativeForm
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires

ROWS_SHOWN = 200


class FileForm(forms.Form):
    """A file, or its text."""

    file = forms.FileField(label="A file", required=False)
    text = forms.CharField(
        label="or its lines", required=False, max_length=LARGEST_BYTES, strip=False, widget=forms.Textarea(attrs={"rows": 8})
    )

    def clean(self) -> dict[str, Any]:
        wish = super().clean() or self.cleaned_data
        given = wish.get("file")
        if given is None:
            if not wish.get("text", "").strip():
                raise forms.ValidationError("Choose a file, or paste its lines.")
            return {**wish, "name": "pasted lines"}
        if given.size > LARGEST_BYTES:
            raise forms.ValidationError(f"A chart has at most {LARGEST_BYTES:,} bytes.")
        try:
            return {**wish, "text": given.read().decode("utf-8-sig"), "name": re.sub(r"[^\w. -]", "_", given.name)[-100:]}
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is no text in UTF-8.") from None


class ImportForm(NarrativeForm):
    """The proposal, with the text that was previewed."""

    name = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    text = forms.CharField(widget=forms.HiddenInput, max_length=LARGEST_BYTES, strip=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offer_reasons(IMPORT_CHART)


@require_POST
@requires("ledger.view_account")
def export_chart(request: HttpRequest) -> HttpResponseBase:
    """Hand out the accounts in sight; the file reads in again as it is."""
    accounts = queries.accounts_for(reader(request)).select_related("parent", "equivalent_of", "asset", "entity", "group", "balance")
    operations.record_export(target_type="ledger.chart", target_id="whole", query="", rows=accounts.count(), file_format="csv")
    response = StreamingHttpResponse(chart_lines(accounts.iterator(chunk_size=2000)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="chart.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.open_account")
def import_chart(request: HttpRequest) -> HttpResponse:
    """Preview a file against the chart; nothing is written."""
    user = reader(request)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if request.method != "POST":
        return _page(request, form=form)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    text = form.cleaned_data["text"]
    reading = _read(user, text=text)
    proposing = ImportForm(initial={"name": form.cleaned_data["name"], "text": text}) if reading.new and not reading.problems else None
    return _page(request, form=form, reading=reading, proposing=proposing, status=422 if reading.problems else 200)


@require_POST
@requires("ledger.open_account")
def propose_import(request: HttpRequest) -> HttpResponse:
    """Propose to open what the previewed file brings."""
    user = reader(request)
    form = ImportForm(request.POST)
    if not form.is_valid():
        reading = _read(user, text=form.cleaned_data["text"]) if "text" in form.cleaned_data else None
        return _page(request, form=FileForm(), reading=reading, proposing=form, status=422)
    wish = form.cleaned_data
    reading = _read(user, text=wish["text"])
    try:
        proposal = operations.propose_chart_import(
            text=wish["text"], file_name=wish["name"], reason_code=wish["reason_code"], narrative=wish["narrative"], maker_id=user.pk
        )
    except Refusal as refusal:
        locate(form, refusal)
        return _page(request, form=FileForm(), reading=reading, proposing=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for the decision of somebody else")
    return redirect("approvals:proposal", proposal.pk)


def _read(user: User, *, text: str) -> ChartReading:
    """Read a file; accounts where the user sees nothing are refused as if the place did not exist."""
    reading = read_chart(text)
    controls.refuse_unseen_places(
        user, entities=sorted({one.entity for one in reading.new}), groups=sorted({one.group for one in reading.new})
    )
    return reading


def _page(
    request: HttpRequest,
    *,
    form: FileForm,
    reading: ChartReading | None = None,
    proposing: ImportForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "reading": reading,
        "new": reading.new[:ROWS_SHOWN] if reading else [],
        "problems": reading.problems[:ROWS_SHOWN] if reading else [],
        "proposing": proposing,
        "columns": COLUMNS,
        "most_rows": MOST_ROWS,
    }
    return render(request, "ledger/chart_import.html", context, status=status)
