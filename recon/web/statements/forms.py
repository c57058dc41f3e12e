"""What people may write on the pages of files."""

from typing import Any

from django import forms

from approvals.models import User
from ledger.models import Account, OwnerClass
from ledger.queries import account_groups_for, accounts_for, entities_for
from recon.models import Source

OUTSIDE = (OwnerClass.NOSTRO, OwnerClass.SAFEGUARDING, OwnerClass.WALLET)
NEW = "new"


class UploadForm(forms.Form):
    """Emptiness and size are the operation's to refuse: then the refusal is on the trail."""

    file = forms.FileField(
        allow_empty_file=True,
        max_length=255,
        label="Statement file",
        error_messages={"required": "Choose a file first."},
    )


class RegisterForm(forms.Form):
    """Makes an unknown account a source: on a ledger account that has none, or on a new one."""

    identifier = forms.CharField(max_length=60, widget=forms.HiddenInput)
    asset = forms.CharField(max_length=20, widget=forms.HiddenInput)
    name = forms.CharField(max_length=120, label="Name", help_text="As people here call it: Harbor Bank USD operating.")
    servicer = forms.CharField(max_length=120, required=False, label="Bank or custodian")
    account = forms.ChoiceField(label="Ledger account that must agree with it")
    account_code = forms.CharField(max_length=40, required=False, label="Code of the new account")
    entity = forms.ChoiceField(required=False, label="Legal entity")
    group = forms.ChoiceField(required=False, label="Account group")

    def __init__(self, *args: Any, user: User, asset: str, identifier: str, **kwargs: Any) -> None:
        """Offer what the user may see, in the asset of the statement; the first free account is suggested."""
        free = list(unused_accounts(user, asset=asset))
        self.may_open = user.has_perm("ledger.open_account")
        kwargs["initial"] = {
            "identifier": identifier,
            "asset": asset,
            "account": free[0].code if free else NEW if self.may_open else "",
            "account_code": suggested_code(asset=asset),
        }
        super().__init__(*args, **kwargs)
        choices = [(account.code, f"{account.code} {account.name}") for account in free]
        self.fields["account"].choices = [*choices, *([(NEW, "Open a new nostro account")] if self.may_open else [])]  # type: ignore[attr-defined]
        self.fields["entity"].choices = [(one.code, one.name) for one in entities_for(user).order_by("name")]  # type: ignore[attr-defined]
        groups = account_groups_for(user).order_by("name")
        self.fields["group"].choices = [(one.code, one.name) for one in groups]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Demand what a new account needs, only where one is to be opened."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("account") == NEW:
            for name in ("account_code", "entity", "group"):
                if not cleaned.get(name):
                    self.add_error(name, "A new account needs this.")
        return cleaned


def unused_accounts(user: User, *, asset: str) -> Any:
    """Return the bank accounts and wallets in this asset that no source is reconciled against yet."""
    taken = Source.objects.values("account")
    return accounts_for(user).filter(asset__code=asset, owner_class__in=OUTSIDE).filter(children__isnull=True).exclude(pk__in=taken)


def suggested_code(*, asset: str) -> str:
    """Return the first free code after those of the nostro accounts there are: 1010-EUR, then 1020-EUR."""
    taken = set(Account.objects.values_list("code", flat=True))
    return next(code for number in range(1010, 100_000, 10) if (code := f"{number}-{asset}") not in taken)
