"""The standing proof of the books: what is checked, how far it is, what was found, and putting it right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.models import ReasonCode, User
from ledger import operations
from ledger.models import IntegrityFinding, IntegrityRun
from ledger.operations.integrity_checks import CHECK_OF, CHECKS, FULL, Check
from ledger.operations.rebuilding import REBUILD
from ledger.queries import integrity as queries
from ledger.tasks import ring_integrity
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import page_of

NEWEST_FIRST = ("-id",)
RUNS_SHOWN = 20
FINDINGS_SHOWN = 50
# What a rebuild can put right: figures that are derived. A fact that is wrong is corrected by an entry.
REBUILDABLE = frozenset(
    {"balance_is_its_postings", "account_seq_is_dense", "days_add_up", "day_is_its_postings", "pending_is_its_open_holds"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """A check with how many objects the last full examination looked at, and the open findings in sight."""

    check: Check
    objects: int | None
    findings: int


class RebuildForm(forms.Form):
    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(
        label="Why",
        min_length=20,
        max_length=2000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="At least 20 characters.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason_code"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(ReasonCode.objects.filter(kind=REBUILD).order_by("label").values_list("code", "label"))


@require_safe
@requires("ledger.view_integrityrun")
def integrity(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    proof = queries.proof_for(user)
    if request.headers.get("HX-Target") == "progress" and not proof.active:
        # The run has ended: what it looked at and found stands elsewhere on the page.
        return HttpResponse(headers={"HX-Refresh": "true"})
    looked_at, found = queries.objects_looked_at(proof.last_full), queries.open_findings_by_check(user)
    context = {
        "proof": proof,
        "steps": _steps(proof.active),
        "done": _done(proof.active),
        "of": len(CHECKS),
        "findings": list(queries.findings_for(user).filter(resolved_at=None)[:FINDINGS_SHOWN]),
        "checks": [CheckRow(check=check, objects=looked_at.get(check.name), findings=found.get(check.name, 0)) for check in CHECKS],
        "page": page_of(queries.integrity_runs(user), query=request.GET, order=NEWEST_FIRST, size=RUNS_SHOWN),
    }
    return render(request, _template(request, "ledger/integrity.html"), context)


@require_POST
@requires("ledger.run_integrity")
def request_run(request: HttpRequest) -> HttpResponse:
    """Ask for a full examination and go on to it; one that waits or works already is shown instead."""
    run = operations.request_integrity_run(requested_by_id=reader(request).pk)
    ring_integrity(run.pk)
    return redirect("ledger:integrity_run", run_id=run.pk)


@require_safe
@requires("ledger.view_integrityrun")
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One examination; while it works its region asks again every two seconds."""
    shown = queries.integrity_run(reader(request), run_id=run_id)
    context = {
        "run": shown,
        "active": shown.finished_at is None,
        "well": queries.ended_well(shown),
        "steps": _steps(shown),
        "done": _done(shown),
        "of": len(shown.progress) or len(CHECKS),
        "rows": [(CHECK_OF[step["check"]], step) for step in shown.progress if step["check"] in CHECK_OF],
        "requested_by": User.objects.filter(pk=shown.requested_by_id).first() if shown.requested_by_id else None,
        "findings": list(queries.findings_for(reader(request)).filter(first_run=shown)[:FINDINGS_SHOWN]),
    }
    return render(request, _template(request, "ledger/integrity_run.html"), context)


@require_safe
@requires("ledger.view_integrityrun")
def finding(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    return _finding_page(request, finding=queries.finding_for(reader(request), finding_id=finding_id), form=RebuildForm())


@require_POST
@requires("ledger.propose_account_change")
def rebuild(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    """Propose that the figures of the finding's account be derived again."""
    shown = queries.finding_for(reader(request), finding_id=finding_id)
    form = RebuildForm(request.POST)
    if not form.is_valid():
        return _finding_page(request, finding=shown, form=form, status=STATUS_OF[RefusalKind.INVALID])
    try:
        proposal = operations.propose_rebuild(
            account=shown.account.code if shown.account else "", maker_id=reader(request).pk, **form.cleaned_data
        )
    except Refusal as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _finding_page(request, finding=shown, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"Proposed as {proposal.public_number}: another person decides")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


def _finding_page(request: HttpRequest, *, finding: IntegrityFinding, form: RebuildForm, status: int = 200) -> HttpResponse:
    expected, found = finding.expected or {}, finding.found or {}
    account = finding.account
    rebuildable = finding.resolved_at is None and account is not None and finding.check_name in REBUILDABLE
    context = {
        "finding": finding,
        "check": CHECK_OF.get(finding.check_name),
        "values": [
            {"name": name.replace("_", " "), "expected": _shown(expected.get(name)), "found": _shown(found.get(name))}
            for name in dict.fromkeys([*expected, *found])
        ],
        "entry": queries.entry_of(finding),
        "stops": queries.stops_about(finding),
        "figures": queries.derived_figures(account) if rebuildable and account is not None else [],
        "form": form if rebuildable else None,
    }
    return render(request, "ledger/integrity_finding.html", context, status=status)


def _shown(value: Any) -> str:
    """Return a value of a finding for a person; what is a structure is shown as one line for each part."""
    if value is None:
        return "—"
    if isinstance(value, list):
        return "\n".join(_shown(one) for one in value) or "none"
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_shown(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _steps(run: IntegrityRun | None) -> Sequence[dict[str, str]]:
    """Return the passes of a full run with their state, in their order."""
    if run is None or not run.full:
        return []
    states = {step["check"]: step["state"] for step in run.progress}
    return [{"name": one.label, "state": states.get(one.checks[0], "waiting")} for one in FULL]


def _done(run: IntegrityRun | None) -> int:
    return sum(step["state"] == "done" for step in run.progress) if run else 0


def _template(request: HttpRequest, page: str) -> str:
    return f"{page}#progress" if request.headers.get("HX-Target") == "progress" else page
