"""Forms of certificates."""

from datetime import date, timedelta

from django import forms

from approvals.queries import reason_codes
from recon.certification_queries import CellState
from recon.operations.certification import DAYS_MAXIMUM

GRID_DAYS = 14
GRID_MOST = 62


class PrepareForm(forms.Form):
    """Which days are to be certified, and what is said of them."""

    first_day = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_day = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="What the reviewer should know", widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: object, kind: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["reason_code"].choices = [("", "Choose a reason"), *((one.code, one.label) for one in reason_codes(kind=kind))]  # type: ignore[attr-defined]

    def days(self) -> tuple[date | None, date | None]:
        """Return the days that are asked for, where they can be read and are no more than may be certified at once."""
        told = [_read(self, name) for name in ("first_day", "last_day")]
        first, last = told
        fit = first is not None and last is not None and timedelta(0) <= last - first < timedelta(days=DAYS_MAXIMUM)
        return (first, last) if fit else (None, None)


def _read(form: PrepareForm, name: str) -> date | None:
    try:
        value = form.fields[name].clean(form[name].value())
    except forms.ValidationError:
        return None
    return value if isinstance(value, date) else None


class WithdrawalForm(forms.Form):
    """Why a certificate should no longer stand."""

    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="What was wrong", widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: object, kind: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["reason_code"].choices = [("", "Choose a reason"), *((one.code, one.label) for one in reason_codes(kind=kind))]  # type: ignore[attr-defined]


class TermsForm(forms.Form):
    """Which live breaks keep a day from being certified."""

    break_days = forms.IntegerField(label="Oldest live break", min_value=1, max_value=366)
    owners_required = forms.BooleanField(label="Every live break has an owner", required=False)


class GridForm(forms.Form):
    """Which accounts and days the grid shows; the address is the state."""

    until = forms.DateField(required=False)
    days = forms.IntegerField(required=False, min_value=1, max_value=GRID_MOST)
    source = forms.CharField(required=False, max_length=40)
    state = forms.ChoiceField(required=False, choices=[(one.value, one.value) for one in CellState])

    def chosen(self, *, today: date) -> tuple[date, int, str, str]:
        """Return the last day, how many days, the source and the state; what cannot be read is left out."""
        self.is_valid()
        said = self.cleaned_data
        return said.get("until") or today, said.get("days") or GRID_DAYS, said.get("source") or "", said.get("state") or ""
