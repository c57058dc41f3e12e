"""The form of a new reconciliation: a name, an asset, and up to six populations, each a group of fields."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from approvals.models import User
from ledger.models import Account
from ledger.queries import accounts_for, assets
from ledgerops.lib.calendars import WEEKDAYS, calendar_names
from recon import queries
from recon.operations import NewPopulation
from recon.operations.reconciliations import POPULATIONS_MAX, POPULATIONS_MIN

STARTS_WITH = 3
ACCOUNTS_OFFERED = 300
_PARTED = re.compile(r"\s*[,;\n]\s*")


class PopulationForm(forms.Form):
    """One side: the lines of a source, or the postings of ledger accounts."""

    name = forms.CharField(label="Name", max_length=120, help_text="As people call this side: Processor, Bank, Ledger.")
    of = forms.ChoiceField(label="What belongs to it")
    more_accounts = forms.CharField(
        label="Further ledger accounts", required=False, max_length=900, help_text="Codes, separated by commas."
    )
    sign = forms.ChoiceField(
        label="Money that comes in here",
        choices=[("1", "comes in on the other sides too"), ("-1", "goes out on the other sides")],
        initial="1",
    )
    codes = forms.CharField(
        label="Only lines with these codes", required=False, max_length=900, help_text="Transaction codes of the source."
    )
    without_codes = forms.CharField(label="Only lines without these codes", required=False, max_length=900)

    def population(self) -> NewPopulation:
        """Return what was said."""
        values = self.cleaned_data
        kind, _, code = values["of"].partition(":")
        accounts = [code, *_list(values["more_accounts"])] if kind == "account" else _list(values["more_accounts"])
        return NewPopulation(
            name=values["name"],
            source=code if kind == "source" else "",
            accounts=accounts,
            sign=int(values["sign"]),
            codes=_list(values["codes"]),
            without_codes=_list(values["without_codes"]),
        )


class ReconciliationForm(forms.Form):
    """What must agree with what."""

    name = forms.CharField(max_length=120, label="Name", help_text="As people call it: Card payouts, three-way.")
    asset = forms.ChoiceField(label="Asset")
    calendar = forms.ChoiceField(label="Business days by", initial=WEEKDAYS)

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User, count: int = STARTS_WITH) -> None:
        super().__init__(data, auto_id="id_%s")
        sources = list(queries.sources_for(user))
        held = {source.asset.code for source in sources}
        self.fields["asset"].choices = [  # type: ignore[attr-defined]
            (code, f"{code} {name}") for code, name in assets().order_by("code").values_list("code", "name") if code in held
        ]
        self.fields["calendar"].choices = list(calendar_names().items())  # type: ignore[attr-defined]
        leaves = accounts_for(user).filter(asset__code__in=held, children__isnull=True).select_related("asset").order_by("code")
        self.seen = {source.code for source in sources}
        offered = [
            ("", "Choose"),
            ("Sources", [(f"source:{one.code}", f"{one.name}, {one.asset.code}") for one in sources]),
            ("Ledger accounts", [(f"account:{one.code}", _named(one)) for one in leaves[:ACCOUNTS_OFFERED]]),
        ]
        self.populations = [PopulationForm(data, prefix=f"s{number}") for number in range(count)]
        for one in self.populations:
            one.fields["of"].choices = offered  # type: ignore[attr-defined]
        self.user = user

    def is_valid(self) -> bool:
        """Return whether every field holds something of its kind; accounts named by code must be ones that the person sees."""
        own = super().is_valid()
        wrong = [one for one in self.populations if not one.is_valid()]
        for one in self.populations:
            named = _list(one.cleaned_data.get("more_accounts", "")) if one not in wrong else []
            known = set(accounts_for(self.user).filter(code__in=named).values_list("code", flat=True))
            if unknown := [code for code in named if code not in known]:
                one.add_error("more_accounts", f"There is no account {unknown[0]} in your scope.")
                wrong.append(one)
        return own and not wrong

    def point_at(self, path: str | None, sentence: str) -> None:
        """Show a refusal at the field that its path names, or over the form."""
        found = re.fullmatch(r"populations\.(\d+)\.(\w+)", path or "")
        if found and int(found[1]) < len(self.populations):
            form = self.populations[int(found[1])]
            name = {"source": "of", "accounts": "more_accounts"}.get(found[2], found[2])
            form.add_error(name if name in form.fields else None, sentence)
        else:
            self.add_error(path if path in self.fields else None, sentence)


def _named(account: Account) -> str:
    return f"{account.code} {account.name}, {account.asset.code}"


def _list(text: str) -> list[str]:
    return [part for part in _PARTED.split(text.strip()) if part]


def count_of(data: QueryDict) -> int:
    """Return how many populations a page sent, within what there can be."""
    text = data.get("populations", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else STARTS_WITH
    return max(POPULATIONS_MIN, min(asked, POPULATIONS_MAX))
