"""What people fill in about an account: opening it, changing it, freezing it, watching it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from approvals.models import User
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.queries import reason_codes
from ledger import queries
from ledger.models import Account, AccountPurpose, AccountStatus, AccountType, Comparison, Direction, OwnerClass, ReserveClass
from ledger.operations import CHANGE_ACCOUNT, OpeningRequest
from ledger.operations.accounts import MOST_VELOCITY_LIMITS
from ledger.queries import controls
from ledgerops.lib import money

UNITS = (("minutes", "minutes"), ("hours", "hours"), ("days", "days"))
_MINUTES = {"minutes": 1, "hours": 60, "days": 1440}
LONGEST_WINDOW = 527_040


class NarrativeForm(forms.Form):
    """The reason and the narrative of a proposal of one kind."""

    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(
        label="Why",
        min_length=NARRATIVE_MINIMUM,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": f"Say why in at least {NARRATIVE_MINIMUM} characters."},
    )

    def offer_reasons(self, kind: str) -> None:
        offered = [(reason.code, reason.label) for reason in reason_codes(kind=kind)]
        self.fields["reason_code"].choices = [("", "Choose a reason"), *offered]  # type: ignore[attr-defined]


class ChangeForm(NarrativeForm):
    """Everything a proposal may change of an account; what is left as it is, is no part of the proposal.

    `seen` is a digest of the values the form was filled from: without it, sending an old form would undo what others changed since.
    """

    seen = forms.CharField(widget=forms.HiddenInput)
    limited = forms.ChoiceField(label="Limit", choices=[("no", "No limit"), ("yes", "May go below zero by at most")])
    overdraft_limit = forms.CharField(label="Amount", required=False, max_length=60)
    debits_frozen = forms.BooleanField(label="Debits are frozen", required=False)
    credits_frozen = forms.BooleanField(label="Credits are frozen", required=False)
    parent = forms.CharField(label="Control account", required=False, max_length=40)
    group = forms.ChoiceField(label="Group")
    name = forms.CharField(label="Name", max_length=120)
    purpose = forms.ChoiceField(label="Purpose", required=False, choices=[("", "None"), *AccountPurpose.choices])
    status = forms.ChoiceField(label="Status", choices=AccountStatus.choices)
    mode = forms.ChoiceField(label="Posting mode", choices=[("strict", "Strict"), ("deferred", "Deferred")])

    def __init__(self, data: QueryDict | None = None, *, account: Account, user: User, wanted: Mapping[str, Any] | None = None) -> None:
        self.account = account
        self.now = controls.values_of(account)
        self.scale = account.asset.scale
        shown = {**self.now, **(wanted or {})}
        rows = len(shown["velocity"]) + 1
        self.rows = range(1, min(max(2, rows), MOST_VELOCITY_LIMITS) + 1)
        super().__init__(data, initial=self._initial(shown))
        groups = {group.code: group.name for group in queries.account_groups_for(user)}
        groups.setdefault(account.group.code, account.group.name)
        self.fields["group"].choices = list(groups.items())  # type: ignore[attr-defined]
        self.offer_reasons(CHANGE_ACCOUNT)
        for row in self.rows:
            self._add_velocity_fields(row)

    def _add_velocity_fields(self, row: int) -> None:
        every = [("", "Not set"), *((value, f"{label}s") for value, label in Direction.choices)]
        number = forms.NumberInput(attrs={"inputmode": "numeric"})
        self.fields[f"v{row}_direction"] = forms.ChoiceField(label="Direction", required=False, choices=every)
        self.fields[f"v{row}_maximum"] = forms.CharField(label="At most", required=False, max_length=60)
        self.fields[f"v{row}_postings"] = forms.IntegerField(
            label="Postings", required=False, min_value=1, max_value=1_000_000, widget=number
        )
        self.fields[f"v{row}_window"] = forms.IntegerField(
            label="Within", required=False, min_value=1, max_value=LONGEST_WINDOW, widget=number
        )
        self.fields[f"v{row}_unit"] = forms.ChoiceField(label="Unit", required=False, choices=UNITS)

    def _initial(self, values: Mapping[str, Any]) -> dict[str, Any]:
        limit = values["overdraft_limit"]
        initial = {
            "seen": digest_of_values(self.now),
            "limited": "no" if limit is None else "yes",
            "overdraft_limit": "" if limit is None else money.plain(int(limit), scale=self.scale),
            "mode": "deferred" if values["deferred"] else "strict",
            **{name: values[name] for name in ("debits_frozen", "credits_frozen", "group", "name", "purpose", "status")},
            "parent": values["parent"] or "",
        }
        for row, limit in enumerate(values["velocity"], start=1):
            minutes = limit["window_minutes"]
            unit = "days" if minutes % 1440 == 0 else "hours" if minutes % 60 == 0 else "minutes"
            initial |= {
                f"v{row}_direction": limit["direction"],
                f"v{row}_maximum": "" if limit["maximum"] is None else money.plain(int(limit["maximum"]), scale=self.scale),
                f"v{row}_postings": limit["maximum_postings"],
                f"v{row}_window": minutes // _MINUTES[unit],
                f"v{row}_unit": unit,
            }
        return initial

    @property
    def velocity_rows(self) -> Sequence[Mapping[str, forms.BoundField]]:
        parts = ("direction", "maximum", "postings", "window", "unit")
        return [{part: self[f"v{row}_{part}"] for part in parts} for row in self.rows]

    def clean(self) -> dict[str, Any]:
        wish = super().clean() or self.cleaned_data
        wish["limit"] = None
        if wish.get("limited") == "yes":
            wish["limit"] = self._amount("overdraft_limit", wish.get("overdraft_limit", ""))
        wish["velocity"] = [limit for row in self.rows if (limit := self._velocity(row, wish)) is not None]
        return wish

    def _amount(self, field: str, text: str) -> str | None:
        try:
            minor = money.minor_from_text(text, scale=self.scale, field=field)
        except money.AmountRefused as refusal:
            self.add_error(field, f"{str(refusal).capitalize()}.")
            return None
        if minor < 0:
            self.add_error(field, "An amount of zero or above.")
        return str(abs(minor))

    def _velocity(self, row: int, wish: Mapping[str, Any]) -> dict[str, Any] | None:
        direction = wish.get(f"v{row}_direction")
        if not direction:
            return None
        most, postings, window = (wish.get(f"v{row}_{part}") for part in ("maximum", "postings", "window"))
        if not window:
            self.add_error(f"v{row}_window", "Within what time?")
        if not most and not postings:
            self.add_error(f"v{row}_maximum", "An amount, a number of postings, or both.")
        return {
            "direction": direction,
            "window_minutes": (window or 1) * _MINUTES[wish.get(f"v{row}_unit") or "minutes"],
            "maximum": self._amount(f"v{row}_maximum", most) if most else None,
            "maximum_postings": postings,
        }

    def changes(self) -> dict[str, Any]:
        """Return what the form says otherwise than the account is."""
        wish = self.cleaned_data
        said = {
            "overdraft_limit": wish["limit"],
            "velocity": wish["velocity"],
            "parent": wish["parent"].strip() or None,
            "deferred": wish["mode"] == "deferred",
            **{name: wish[name] for name in ("debits_frozen", "credits_frozen", "group", "name", "purpose", "status")},
        }
        return {name: value for name, value in said.items() if value != self.now[name]}

    @property
    def is_outdated(self) -> bool:
        return bool(self.cleaned_data["seen"] != digest_of_values(self.now))


def digest_of_values(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class OpenForm(forms.Form):
    """A new account."""

    code = forms.CharField(label="Code", max_length=40)
    name = forms.CharField(label="Name", max_length=120)
    entity = forms.ChoiceField(label="Entity")
    group = forms.ChoiceField(label="Group")
    asset = forms.ChoiceField(label="Asset")
    type = forms.ChoiceField(label="Type", choices=AccountType.choices)
    owner_class = forms.ChoiceField(label="Class", choices=[("", "Choose a class"), *OwnerClass.choices])
    reserve_class = forms.ChoiceField(label="Reserve class", required=False, choices=[("", "None"), *ReserveClass.choices])
    purpose = forms.ChoiceField(label="Purpose", required=False, choices=[("", "None"), *AccountPurpose.choices])
    parent = forms.CharField(label="Control account", required=False, max_length=40)
    equivalent_of = forms.ChoiceField(label="Carries the value of the position in", required=False)
    control = forms.BooleanField(label="A control account: it takes no postings of its own", required=False)
    limit = forms.CharField(label="Limit", required=False, max_length=60)
    deferred = forms.BooleanField(label="Deferred posting", required=False)

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data)
        assets = {asset.code: asset for asset in queries.assets()}
        self.scales = {code: asset.scale for code, asset in assets.items()}
        offered = {
            "entity": [(entity.code, entity.name) for entity in queries.entities_for(user)],
            "group": [(group.code, group.name) for group in queries.account_groups_for(user)],
            "asset": [("", "Choose an asset"), *((code, f"{code} {asset.name}") for code, asset in assets.items())],
            "equivalent_of": [("", "None"), *((code, code) for code in assets)],
        }
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        wish = super().clean() or self.cleaned_data
        wish["overdraft_limit"] = None
        if wish.get("limit") and wish.get("asset"):
            try:
                minor = money.minor_from_text(wish["limit"], scale=self.scales[wish["asset"]], field="limit")
            except money.AmountRefused as refusal:
                self.add_error("limit", f"{str(refusal).capitalize()}.")
            else:
                wish["overdraft_limit"] = str(minor) if minor >= 0 else None
                if minor < 0:
                    self.add_error("limit", "An amount of zero or above.")
        return wish

    def request(self) -> OpeningRequest:
        wish = {name: value for name, value in self.cleaned_data.items() if name != "limit"}
        return OpeningRequest(**{**wish, "code": wish["code"].strip(), "parent": wish["parent"].strip()})


class FreezeForm(forms.Form):
    direction = forms.MultipleChoiceField(
        label="What is frozen",
        choices=[("debit", "Debits: nothing is debited on request"), ("credit", "Credits: nothing is credited on request")],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose debits, credits or both."},
    )
    reason = forms.CharField(
        label="Why",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why, for whoever reads the trail."},
    )


class MonitorForm(forms.Form):
    comparison = forms.ChoiceField(label="Alert when the balance is", choices=Comparison.choices)
    threshold = forms.CharField(label="Level", max_length=60)

    def __init__(self, data: QueryDict | None = None, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean_threshold(self) -> int:
        try:
            return money.minor_from_text(self.cleaned_data["threshold"], scale=self.account.asset.scale, field="threshold")
        except money.AmountRefused as refusal:
            raise forms.ValidationError(f"{str(refusal).capitalize()}.") from refusal


class NoteForm(forms.Form):
    note = forms.CharField(
        label="What was done about it",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what was done about it."},
    )
