"""The proposal of an adjustment: its form and what it would do."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.db.models import Case, QuerySet, When
from django.http import QueryDict

from approvals.models import Proposal, ProposalStatus, ReasonCode, User
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.queries import reason_codes
from ledger.accounting import Line
from ledger.models import Account, OwnerClass
from ledger.queries import BalanceEffect, effects_of, first_open_date, period_of
from recon import break_queries, queries
from recon.models import Break, Item
from recon.operations import ADJUSTMENT
from recon.operations.adjustments import AdjustmentRequest
from recon.operations.corrections import entry_lines
from recon.operations.matches import difference_of

ACCOUNTS_OFFERED = 300
ID_DIGITS = 18
IDS = rf"^[0-9]{{1,{ID_DIGITS}}}(,[0-9]{{1,{ID_DIGITS}}})*$"


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ProposalForm(forms.Form):
    """What an analyst fills in, for a proposal or for the next version of one (`revises`).

    Names of accounts outside the user's sight are refused as if they did not exist. `version` is what the input rests on: the break's
    version for a proposal, the returned version for the next one. `take` lists the items taken in besides the break's own.
    """

    reason_code = forms.ChoiceField(label="Reason")
    counter_account = forms.CharField(label="Counter account", widget=forms.Select)
    effective_date = forms.DateField(label="Effective date", widget=DayInput)
    narrative = forms.CharField(
        label="Why",
        min_length=NARRATIVE_MINIMUM,
        max_length=2000,
        widget=forms.Textarea,
        error_messages={"min_length": f"Say why in at least {NARRATIVE_MINIMUM} characters."},
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
    take = forms.RegexField(IDS, max_length=400, widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        recon_break: Break,
        user: User,
        revises: Proposal | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        # The narrative keeps its id over every fragment of its break, so that htmx can leave it alone while all around it changes.
        super().__init__(data, auto_id=f"propose-%s-{recon_break.number}", initial=initial)
        self.recon_break = recon_break
        self.revises = revises
        self.accounts = break_queries.counter_accounts_for(user, account=queries.account_of(recon_break))
        self.reasons: list[ReasonCode] = list(reason_codes(kind=ADJUSTMENT))
        self.fields["reason_code"].choices = [("", "Choose a reason"), *((code.code, code.label) for code in self.reasons)]  # type: ignore[attr-defined]
        self.fields["counter_account"].widget.choices = _account_choices(self.accounts)
        self.fields["narrative"].widget.attrs |= {"rows": 3, "hx-preserve": "true"}

    def clean_counter_account(self) -> str:
        code: str = self.cleaned_data["counter_account"]
        if not self.is_offered(code):
            raise forms.ValidationError(f"there is no account {code} to take the other side")
        return code

    def clean(self) -> dict[str, Any]:
        seen, returned = self.cleaned_data.get("version"), self.revises
        if returned and returned.status == ProposalStatus.CHANGES_REQUESTED and seen not in (None, returned.current_version):
            raise forms.ValidationError(f"Version {returned.current_version} has come back to you since you opened this form.")
        return self.cleaned_data

    def rest_on(self, version: int) -> None:
        """Let what was typed rest on another version: the one shown beside the refusal."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data["version"] = str(version)
        self.data = data

    def request(self) -> AdjustmentRequest:
        """Return what the valid form asks for."""
        values = self.cleaned_data
        return AdjustmentRequest(
            break_id=self.recon_break.pk,
            item_ids=ids_in(values["take"]),
            reason_code=values["reason_code"],
            narrative=values["narrative"],
            counter_account=values["counter_account"],
            effective_date=values["effective_date"],
            # While its proposal is open nobody but its maker's next version frees the break; it has no version of its own to compare.
            break_version=None if self.revises else values["version"],
        )

    def is_offered(self, code: str) -> bool:
        return bool(code) and self.accounts.filter(code=code).exists()

    def usual_account(self, reason_code: str) -> str:
        """Return where a reason's corrections usually go, as the account of the break's asset; empty if it has none or it is not seen.

        The governed list names an account for all assets by its number: 5010 stands for 5010-EUR.
        """
        usual = next((reason.usual_account for reason in self.reasons if reason.code == reason_code), "")
        asset = self.recon_break.reconciliation.source.asset.code
        codes = [usual, f"{usual}-{asset}"] if usual else []
        found = self.accounts.filter(code__in=codes).first()
        return found.code if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the entry would do: legs with their balances before and after, counter account first where one is chosen."""

    effects: Sequence[BalanceEffect]
    amount_minor: int
    difference_minor: int
    is_whole: bool


def preview_of(recon_break: Break, *, taken: Collection[Item], counter_account: str) -> Preview:
    """Return what an adjustment of the break and the items it takes in would do.

    Without a counter account the bank's side alone is known.
    """
    difference_minor = int(recon_break.difference_minor) + difference_of(taken)
    account = queries.account_of(recon_break)
    lines: list[Line] = []
    if difference_minor:
        lines = entry_lines(difference_minor=difference_minor, account=account, counter_account=counter_account)
    effects = effects_of(lines=[line for line in lines if line.account])
    return Preview(
        effects=effects,
        amount_minor=abs(difference_minor),
        difference_minor=difference_minor,
        is_whole=len(effects) == 2,
    )


def ids_in(text: str) -> list[int]:
    """Return the item ids of `12,15`; whatever is not one is left out."""
    return [int(part) for part in text.split(",") if part.isdecimal() and len(part) <= ID_DIGITS]


def default_date(recon_break: Break, *, today: date) -> date:
    """Return the date the bank says value moved, or the ledger's where the bank says nothing; the first open date if that one is closed."""
    item = recon_break.statement_item or recon_break.ledger_item
    assert item is not None
    entity = queries.account_of(recon_break).entity
    period = period_of(entity=entity, day=item.item_date)
    if period is not None and period.status == "open":
        return item.item_date
    return first_open_date(entity=entity) or today


def _account_choices(accounts: QuerySet[Account]) -> list[Any]:
    """Return the accounts in groups by whose they are; customers last, since they are many."""
    groups: dict[str, list[tuple[str, str]]] = {}
    is_customer = Case(When(owner_class=OwnerClass.CUSTOMER, then=1), default=0)
    for account in accounts.order_by(is_customer, "owner_class", "code")[:ACCOUNTS_OFFERED]:
        groups.setdefault(account.get_owner_class_display(), []).append((account.code, f"{account.code} {account.name}"))
    return [("", "Choose an account"), *groups.items()]
