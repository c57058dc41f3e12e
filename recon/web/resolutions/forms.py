"""What an analyst fills in to resolve or to treat a break."""

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from approvals.models import Proposal, ReasonCode
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.queries import reason_codes
from recon.models import Break, TreatmentKind
from recon.operations import REASONS_OF, REBOOK, WRITE_OFF, RebookingRequest, TreatmentRequest, WriteOffRequest
from recon.web.breaks.forms import IDS, DayInput, ids_in
from recon.web.breaks.words import TREATMENT_WORDS

TAKE_MAX = 4000


class CorrectionForm(forms.Form):
    """What every correction of the ledger asks. `version` is the break's as it was read, or the returned version of a proposal."""

    kind = ""

    reason_code = forms.ChoiceField(label="Reason")
    effective_date = forms.DateField(label="Effective date", widget=DayInput)
    narrative = forms.CharField(
        label="Why",
        min_length=NARRATIVE_MINIMUM,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": f"Say why in at least {NARRATIVE_MINIMUM} characters."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
    take = forms.RegexField(IDS, max_length=TAKE_MAX, widget=forms.HiddenInput, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, recon_break: Break, revises: Proposal | None = None, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.recon_break = recon_break
        self.revises = revises
        reasons: list[ReasonCode] = list(reason_codes(kind=self.kind))
        self.fields["reason_code"].choices = [("", "Choose a reason"), *((one.code, one.label) for one in reasons)]  # type: ignore[attr-defined]

    def rest_on(self, version: int) -> None:
        """Let what was typed rest on another version: the one shown beside the refusal."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data["version"] = str(version)
        self.data = data

    def common(self) -> dict[str, Any]:
        """Return what the valid form says, as every request of a correction takes it."""
        values = self.cleaned_data
        return {
            "break_id": self.recon_break.pk,
            "item_ids": ids_in(values["take"]),
            "reason_code": values["reason_code"],
            "narrative": values["narrative"],
            "effective_date": values["effective_date"],
            "break_version": None if self.revises else values["version"],
        }


class WriteOffForm(CorrectionForm):
    kind = WRITE_OFF

    def request(self) -> WriteOffRequest:
        return WriteOffRequest(**self.common())


class RebookingForm(CorrectionForm):
    """`accounts` are those that may take the change: the entry's other legs first."""

    kind = REBOOK

    counter_account = forms.CharField(label="Account that takes the change", max_length=40, widget=forms.Select)
    field_order = ["reason_code", "counter_account", "effective_date", "narrative"]

    def offer(self, accounts: list[tuple[str, str]]) -> None:
        self.fields["counter_account"].widget.choices = accounts
        self.offered = {code for code, _ in accounts}

    def clean_counter_account(self) -> str:
        code: str = self.cleaned_data["counter_account"]
        if code not in self.offered:
            raise forms.ValidationError(f"there is no account {code} to take the change")
        return code

    def request(self) -> RebookingRequest:
        return RebookingRequest(**self.common(), counter_account=self.cleaned_data["counter_account"])


class TreatmentForm(forms.Form):
    """How a break is treated; a reason belongs to one kind, and only timing has a day."""

    kind = forms.ChoiceField(label="Treat it as", choices=[(kind.value, word) for kind, word in TREATMENT_WORDS.items()])
    reason_code = forms.ChoiceField(label="Reason")
    until = forms.DateField(label="Until", widget=DayInput, required=False)
    narrative = forms.CharField(label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, recon_break: Break, last: date | None = None, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.recon_break = recon_break
        known = {kind: list(reason_codes(kind=name)) for kind, name in REASONS_OF.items()}
        self.fields["reason_code"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a reason"),
            *((TREATMENT_WORDS[kind], [(one.code, one.label) for one in reasons]) for kind, reasons in known.items()),
        ]
        if last is not None:
            self.fields["until"].widget.attrs |= {"max": last.isoformat()}

    def rest_on(self, version: int) -> None:
        """Let what was typed rest on another version: the one shown beside the refusal."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data["version"] = str(version)
        self.data = data

    def request(self) -> TreatmentRequest:
        values = self.cleaned_data
        kind = TreatmentKind(values["kind"])
        return TreatmentRequest(
            break_id=self.recon_break.pk,
            version=values["version"],
            kind=kind,
            reason_code=values["reason_code"],
            narrative=values["narrative"],
            # A day left in the field while another kind was chosen says nothing.
            until=values["until"] if kind == TreatmentKind.TIMING else None,
        )
