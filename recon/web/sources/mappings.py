"""The mapping editor, and the versions that came out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals import operations as approvals
from approvals.models import ProposalStatus, User
from approvals.queries import made_by, proposals_about, reason_codes
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, source_queries
from recon.formats.mapped import MappingRefused, Sample, columns_of
from recon.intake import mapping_hints
from recon.intake.mapping_hints import PATTERNS, DayHints, Suggestion
from recon.intake.mapping_preview import MappingPreview
from recon.models import MappingStatus, MappingVersion, Source, StatementFile
from recon.operations import APPROVE_MAPPING, MappingInvalid, MappingNotNew, MappingNotYours, SampleRefused
from recon.operations.kept_bytes import verified
from recon.web.sources.mapping_form import MappingForm, field_of, initial_of
from recon.web.sources.onboarding import steps
from recon.web.sources.words import MAPPING_WORDS
from recon.web.statements.views import user_of

UNPROCESSABLE = 422
SAMPLES_SHOWN, SAMPLE_ROWS_SHOWN = 10, 8
PROPOSAL_REFUSALS = (
    MappingNotNew,
    MappingNotYours,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
    approvals.NotYours,
    approvals.NotOpen,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the editor shows beside its form. `missing` is what the engine still has to be told, `columns` the sample cut into its rows."""

    sample: StatementFile | None
    columns: Sample | None
    days: Sequence[DayHints]
    suggestions: Sequence[Suggestion]
    missing: MappingInvalid | None
    read: MappingPreview | None
    definition: Mapping[str, Any]

    @property
    def first_rows(self) -> Sequence[Sequence[str]]:
        return self.columns.rows[:SAMPLE_ROWS_SHOWN] if self.columns else ()

    @property
    def ambiguous(self) -> Sequence[DayHints]:
        return [one for one in self.days if one.is_ambiguous]


class SubmitForm(forms.Form):
    """Why this mapping, for whoever approves it and for the trail."""

    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="Why, in your words", widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a reason"), *((code.code, code.label) for code in reason_codes(kind=APPROVE_MAPPING))]
        self.fields["reason_code"].choices = choices  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.map_source")
def editor(request: HttpRequest, code: str) -> HttpResponse:
    """Say how the columns are read; every change shows what comes of it, and nothing is kept before somebody says so."""
    user = user_of(request)
    found = source_queries.source_for(user, code=code)
    if request.method != "POST":
        form = MappingForm(_shown(_start(found, text=request.GET.get("from", ""))))
        return _editor_page(request, source=found, form=form, sample=_sample(found, text=request.GET.get("sample", "")))
    form = MappingForm(request.POST)
    sample = _sample(found, text=request.POST.get("sample", ""))
    act = request.POST.get("act", "")
    if act == "use":
        form = MappingForm(_with_suggestions(form, sample=sample))
    if act != "save" or not form.is_valid():
        return _editor_page(request, source=found, form=form, sample=sample, status=200 if form.is_valid() else UNPROCESSABLE)
    try:
        version = operations.draft_mapping(
            source_id=found.pk, definition=form.definition(), sample_id=sample.pk if sample else None, drafted_by_id=user.pk
        )
    except (MappingInvalid, MappingNotNew) as refusal:
        return _editor_page(request, source=found, form=form, sample=sample, refusal=refusal, status=STATUS_OF[refusal.kind])
    messages.success(request, f"Version {version.number} is kept as a draft.")
    return redirect("recon:mapping", code=code, number=version.number)


@require_POST
@requires("recon.map_source")
def sample(request: HttpRequest, code: str) -> HttpResponse:
    """Take a sample file in, for a mapping to be tried on."""
    user = user_of(request)
    found = source_queries.source_for(user, code=code)
    uploaded = request.FILES.get("file")
    if uploaded is None or uploaded.file is None:
        return _no_sample(request, source=found, refusal=SampleRefused("choose a file first", field="file"))
    try:
        content = cast("BinaryIO", uploaded.file)
        stored = operations.receive_sample(source_id=found.pk, name=uploaded.name or "sample", content=content, received_by_id=user.pk)
    except SampleRefused as refusal:
        return _no_sample(request, source=found, refusal=refusal)
    version, start = request.POST.get("version", ""), request.POST.get("from", "")
    if version.isdecimal():
        return redirect(f"{reverse('recon:mapping', args=[code, int(version)])}?sample={stored.pk}")
    return redirect(f"{reverse('recon:mapping_editor', args=[code])}?sample={stored.pk}" + (f"&from={start}" if start.isdecimal() else ""))


def _no_sample(request: HttpRequest, *, source: Source, refusal: SampleRefused) -> HttpResponse:
    form = MappingForm(_shown(_start(source, text="")))
    return _editor_page(request, source=source, form=form, sample=None, refusal=refusal, status=STATUS_OF[refusal.kind])


@require_safe
@requires("recon.view_statement")
def mapping(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """One version: what it says, how it differs from the one in force, and what it makes of a file."""
    found = source_queries.source_for(user_of(request), code=code)
    version = source_queries.mapping_for(found, number=number)
    return _version_page(request, source=found, version=version)


@require_safe
@requires("recon.view_statement")
def mapping_by_id(request: HttpRequest, mapping_id: UUID) -> HttpResponse:
    """Lead to a version that the trail names by its id."""
    version = source_queries.mapping_by_id(user_of(request), mapping_id=mapping_id)
    return redirect("recon:mapping", code=version.source.code, number=version.number)


@require_POST
@requires("recon.map_source")
def submit(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Ask a second person to approve one's own draft, or its next version where changes were requested."""
    user = user_of(request)
    found = source_queries.source_for(user, code=code)
    version = source_queries.mapping_for(found, number=number)
    form = SubmitForm(request.POST)
    if not form.is_valid():
        return _version_page(request, source=found, version=version, form=form, status=UNPROCESSABLE)
    asked = {"mapping_id": version.pk, **form.cleaned_data, "maker_id": user.pk}
    returned = _returned(user, source=found)
    try:
        proposal = operations.revise_mapping(proposal_id=returned, **asked) if returned else operations.submit_mapping(**asked)
    except PROPOSAL_REFUSALS as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, _sentence(refusal))
        return _version_page(request, source=found, version=version, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for the decision of somebody else.")
    return redirect("approvals:proposal", proposal.pk)


def tried_on(form: MappingForm, *, sample: StatementFile | None) -> Tried:
    """Return what a form's settings make of a sample, as far as they go."""
    definition = form.definition() if form.is_valid() else {}
    missing: MappingInvalid | None = None
    columns: Sample | None = None
    read: MappingPreview | None = None
    suggestions: list[Suggestion] = []
    days: list[DayHints] = []
    if sample is not None:
        with verified(sample) as content:
            suggestions = mapping_hints.layout_hints(content) if definition.get("format", "csv") in ("", "csv") else []
            try:
                columns = columns_of(content, definition)
            except MappingRefused:
                columns = None
        if columns is not None:
            found, days = _hints(columns, form=form)
            suggestions += found
        suggestions = [one for one in suggestions if not form.data.get(one.field) and not _said_otherwise(one, form=form)]
    try:
        operations.checked_mapping(definition)
        if sample is not None:
            read = operations.try_on(definition=definition, file=sample)
    except MappingInvalid as refusal:
        missing = refusal
    return Tried(sample=sample, columns=columns, days=days, suggestions=suggestions, missing=missing, read=read, definition=definition)


def _hints(columns: Sample, *, form: MappingForm) -> tuple[list[Suggestion], list[DayHints]]:
    """Return what columns suggest by their names and cells; of days that could be two, nothing is suggested."""
    suggestions = mapping_hints.column_hints(columns.columns)
    place = {name: index for index, name in enumerate(columns.columns)}
    chosen = {name: str(form.data.get(f"{name}_column") or "") for name in ("booking", "value", "amount", "debit", "credit")}
    days = []
    for name in ("booking", "value"):
        if (column := chosen[name]) in place:
            hints = mapping_hints.day_hints(column, [row[place[column]] for row in columns.rows if len(row) > place[column]])
            days.append(hints)
            if len(hints.fitting) == 1 or (hints.fitting and not hints.is_ambiguous):
                why = "every cell of the column can be read so, and as no other day"
                suggestions.append(Suggestion(field=f"{name}_format", value=hints.fitting[0], why=why))
    for name in ("amount", "debit", "credit"):
        if (column := chosen[name]) in place:
            suggestions += mapping_hints.number_hints([row[place[column]] for row in columns.rows if len(row) > place[column]])
            break
    return suggestions, days


def _said_otherwise(suggestion: Suggestion, *, form: MappingForm) -> bool:
    """Return whether what a suggestion is about has been said in another field, or its column is used already."""
    ways = {
        "account_column": ("account_how", "column"),
        "indicator_column": ("sign", "indicator"),
        "currency_column": ("currency_fixed", ""),
    }
    ways |= {"debit_column": ("sign", "columns"), "credit_column": ("sign", "columns")}
    if suggestion.field in ways:
        field, fitting = ways[suggestion.field]
        if form.data.get(field) not in (None, "", fitting):
            return True
    column = suggestion.field.endswith(("_column", "_columns"))
    return column and any(name.endswith("_column") and form.data.get(name) == suggestion.value for name in form.fields)


def _with_suggestions(form: MappingForm, *, sample: StatementFile | None) -> dict[str, Any]:
    """Return the form's data with what was suggested filled in where nothing had been said: asked for by a button, and shown."""
    data = form.data.dict() if hasattr(form.data, "dict") else dict(form.data)
    for one in tried_on(form, sample=sample).suggestions:
        if not data.get(one.field):
            data[one.field] = _word(one)
    if sample is not None and not data.get("format"):
        data["format"] = "csv"
    return data


def _word(suggestion: Suggestion) -> str:
    """Return a suggestion as the form has it: signs that cannot be seen have names."""
    if suggestion.field in ("delimiter", "thousands", "decimal"):
        return {"\t": "tab", " ": "space", "": "none"}.get(suggestion.value, suggestion.value)
    return suggestion.value


def _start(source: Source, *, text: str) -> dict[str, Any]:
    """Return what an empty editor starts from: the version named, else the one in force, else nothing."""
    version = source_queries.mappings_of(source).filter(number=int(text)).first() if text.isdecimal() and len(text) < 9 else None
    version = version or source_queries.mapping_in_force(source)
    return initial_of(version.definition) if version else {"account_how": "source", "currency_fixed": source.asset.code}


def _shown(initial: Mapping[str, Any]) -> dict[str, Any]:
    """Return initial values as data, so that the preview shows what comes of them; what is not ticked is not sent."""
    return {name: value for name, value in initial.items() if value is not None and value is not False and value != ""}


def _sample(source: Source, *, text: str) -> StatementFile | None:
    if text:
        return source_queries.sample_for(source, text=text)
    version = source_queries.mapping_in_force(source)
    return version.sample if version else None


def _returned(user: User, *, source: Source) -> UUID | None:
    """Return the user's own proposal about this source's mapping that came back for changes."""
    found = made_by(user).filter(kind=APPROVE_MAPPING, status=ProposalStatus.CHANGES_REQUESTED, target_id=source.code).first()
    return found.pk if found else None


def _editor_page(
    request: HttpRequest,
    *,
    source: Source,
    form: MappingForm,
    sample: StatementFile | None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    tried = tried_on(form, sample=sample)
    sample_error = refusal if isinstance(refusal, SampleRefused) else None
    if isinstance(refusal, MappingInvalid) and refusal.field and (name := field_of(refusal.field)) is not None:
        form.add_error(name, _sentence(refusal))
    context = {
        "source": source,
        "form": form,
        "tried": tried,
        "patterns": [*PATTERNS, "unix", "unix_ms", "cell"],
        "samples": source_queries.samples_of(source, count=SAMPLES_SHOWN),
        "refusal": refusal if sample_error is None else None,
        "sample_error": sample_error,
        "missing_field": form[name].label if tried.missing and (name := field_of(tried.missing.field or "")) in form.fields else "",
        "steps": steps(current=1 if sample is None else 2),
    }
    partial = "#preview" if request.headers.get("HX-Target") == "mapping-preview" else ""
    return render(request, "recon/sources/editor.html" + partial, context, status=200 if partial else status)


def _version_page(
    request: HttpRequest, *, source: Source, version: MappingVersion, form: SubmitForm | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    before = source_queries.version_before(version)
    file = source_queries.sample_for(source, text=request.GET.get("sample", "")) or version.sample
    own_draft = version.status == MappingStatus.DRAFT and version.drafted_by_id == user.pk and user.has_perm("recon.map_source")
    sees_proposals = user.has_perm("approvals.view_proposal")
    context = {
        "source": source,
        "version": version,
        "state_word": MAPPING_WORDS[MappingStatus(version.status)],
        "before": before,
        "rows": source_queries.compared_with(version, before=before),
        "tried": operations.try_on(definition=version.definition, file=file) if file else None,
        "sample": file,
        "form": form or (SubmitForm(initial={"reason_code": "MAPPING_CHANGE" if before else "MAPPING_NEW"}) if own_draft else None),
        "proposals": list(proposals_about(target_type="recon.source", target_id=source.code)[:3]) if sees_proposals else [],
        "in_force": source_queries.mapping_in_force(source),
        "steps": steps(current=3 if version.status != MappingStatus.APPROVED else 4),
    }
    return render(request, "recon/sources/mapping.html", context, status=status)


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
