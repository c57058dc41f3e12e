"""Forms of parties."""

from typing import Any

from django import forms

from ledger.models import Asset, ExternalAccountKind, OwnershipCapacity, Party, PartyKind
from ledger.operations.parties import Details

OWNER_ROWS = 4


class DetailsForm(forms.Form):
    name = forms.CharField(max_length=140, label="Name")
    address = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Address")
    country = forms.CharField(required=False, max_length=2, label="Country")
    state = forms.CharField(required=False, max_length=3, label="State")
    tax_number = forms.CharField(required=False, max_length=40, label="Tax number")
    born_on = forms.DateField(required=False, label="Born on")

    def details(self) -> Details:
        return Details(**{name: self.cleaned_data[name] for name in ("name", "address", "country", "state", "tax_number", "born_on")})


class PartyForm(DetailsForm):
    code = forms.CharField(max_length=40, label="Code")
    kind = forms.ChoiceField(choices=PartyKind.choices, label="Kind")
    program = forms.CharField(required=False, max_length=40, label="Program")

    field_order = ["code", "kind", "program"]


class ExternalAccountForm(forms.Form):
    kind = forms.ChoiceField(choices=ExternalAccountKind.choices, label="Kind")
    asset = forms.CharField(max_length=20, label="Asset")
    identifier = forms.CharField(max_length=140, label="Account number or address")
    servicer = forms.CharField(max_length=140, label="BIC, routing number or network")
    label = forms.CharField(required=False, max_length=140, label="Label")
    reason_code = forms.ChoiceField(
        choices=[("EXTERNAL_NEW", "New account of a party"), ("EXTERNAL_CHANGE", "Replaces another account")], label="Reason"
    )
    narrative = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), label="Why")

    def clean_asset(self) -> str:
        code: str = self.cleaned_data["asset"].strip()
        if not Asset.objects.filter(code=code).exists():
            raise forms.ValidationError(f"there is no asset {code}")
        return code


class ReasonForm(forms.Form):
    reason = forms.CharField(min_length=10, max_length=400, label="Why")


class OwnersForm(forms.Form):
    """Owners as rows of owner, share in percent and capacity, and a narrative; empty rows are left out."""

    narrative = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), label="Why")
    status = forms.ChoiceField(choices=[("active", "Active"), ("closed", "Closed")], label="Status")
    program = forms.CharField(required=False, max_length=40, label="Program")

    def __init__(self, *args: Any, party: Party, now: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**self.initial, "status": party.status, "program": now["program"] or ""}
        for row in range(OWNER_ROWS):
            known = now["owners"][row] if row < len(now["owners"]) else None
            self.fields[f"owner_{row}"] = forms.CharField(required=False, max_length=40, label=f"Owner {row + 1}")
            self.fields[f"share_{row}"] = forms.DecimalField(
                required=False, min_value=0, max_value=100, decimal_places=2, label=f"Share of owner {row + 1} in percent"
            )
            self.fields[f"capacity_{row}"] = forms.ChoiceField(
                required=False, choices=OwnershipCapacity.choices, label=f"Capacity of owner {row + 1}"
            )
            if known:
                shown = {"owner": known["owner"], "share": known["share_basis_points"] / 100, "capacity": known["capacity"]}
                self.initial = {**self.initial, **{f"{name}_{row}": value for name, value in shown.items()}}

    @property
    def owner_rows(self) -> list[dict[str, forms.BoundField]]:
        return [{name: self[f"{name}_{row}"] for name in ("owner", "share", "capacity")} for row in range(OWNER_ROWS)]

    def changes(self) -> dict[str, Any]:
        said = self.cleaned_data
        owners = [
            {
                "owner": said[f"owner_{row}"].strip(),
                "share_basis_points": int((said[f"share_{row}"] or 0) * 100),
                "capacity": said[f"capacity_{row}"],
            }
            for row in range(OWNER_ROWS)
            if said[f"owner_{row}"].strip()
        ]
        owners.sort(key=lambda one: (str(one["owner"]), str(one["capacity"])))
        return {"owners": owners, "program": said["program"].strip() or None, "status": said["status"]}
