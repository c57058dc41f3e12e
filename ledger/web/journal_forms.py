"""What people write on the pages of entries by hand: reasons, lines, and what a refusal does to a form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.core import signing
from django.http import QueryDict

from approvals import operations as approvals
from approvals.models import Proposal, ProposalStatus, User
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.queries import current_version, proposal_for, reason_codes
from ledger.accounting import CREDIT, DEBIT, Line
from ledger.journal_files import FILE_MAXIMUM_BYTES
from ledger.models import Account, Frequency
from ledger.operations.cutover import BooksHaveBegun
from ledger.operations.journals import JournalInvalid, JournalKnown, JournalRefused
from ledger.operations.reversals import NotReversible
from ledger.proposed import ProposedEntry, Total, totals_of
from ledger.queries import BalanceEffect, accounts_for, effects_of, entities_for
from ledger.queries.journals import Problem, problems_of, scales
from ledgerops.lib import money
from ledgerops.lib.errors import Refusal

FIRST_LINES = 4
MORE_LINES = 4
LINES_ON_A_FORM = 60
# What is shown of a file is what is submitted: its entries come back signed, for so many seconds.
KEPT_SECONDS = 8 * 3600
SALT = "ledger.upload"

REFUSALS = (
    JournalInvalid,
    JournalRefused,
    JournalKnown,
    NotReversible,
    BooksHaveBegun,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
    approvals.NotYours,
    approvals.NotOpen,
)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ReasonForm(forms.Form):
    """The reason and the narrative that every proposal has; the reasons are the governed ones of its kind."""

    kind = ""
    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(
        label="Why",
        min_length=NARRATIVE_MINIMUM,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": f"Say why in at least {NARRATIVE_MINIMUM} characters."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = [(code.code, code.label) for code in reason_codes(kind=self.kind)]
        chosen = reasons if len(reasons) == 1 else [("", "Choose a reason"), *reasons]
        self.fields["reason_code"].choices = chosen  # type: ignore[attr-defined]

    def refuse(self, refusal: Refusal) -> None:
        """Put a refusal at its field, or above the form where it has none."""
        text = str(refusal)
        where = refusal.field if refusal.field in self.fields else None
        self.add_error(where, f"{text[:1].upper()}{text[1:].rstrip('.')}.")


class EntityForm(ReasonForm):
    """A proposal about the books of one entity in sight."""

    entity = forms.ChoiceField(label="Legal entity")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entity"].choices = [(one.code, one.name) for one in entities_for(user).order_by("name")]  # type: ignore[attr-defined]


class JournalForm(EntityForm):
    kind = "ledger.post_journal"
    journal = forms.UUIDField(widget=forms.HiddenInput)
    effective_date = forms.DateField(label="Effective date", widget=DayInput)
    description = forms.CharField(label="Description", max_length=1000)
    reference = forms.CharField(label="Reference", max_length=140, required=False)


class JournalFileForm(EntityForm):
    """A file on the first step; what was read of it, signed, with the reason on the second."""

    kind = "ledger.post_journal"
    # Size and emptiness are told by the reader, with every other fault.
    file = forms.FileField(label="File", required=False, allow_empty_file=True, max_length=255)
    kept = forms.CharField(widget=forms.HiddenInput, required=False)


class OpeningForm(JournalFileForm):
    kind = "ledger.post_opening"
    cutover_date = forms.DateField(label="Cutover date", widget=DayInput)


class RecurringForm(EntityForm):
    kind = "ledger.start_recurring"
    code = forms.CharField(label="Code", max_length=40)
    name = forms.CharField(label="Name", max_length=120)
    description = forms.CharField(label="Description of each entry", max_length=1000)
    reference = forms.CharField(label="Reference", max_length=140, required=False)
    frequency = forms.ChoiceField(label="Comes", choices=Frequency.choices, initial=Frequency.MONTHLY)
    day = forms.IntegerField(
        label="Day", min_value=1, max_value=31, initial=31, help_text="Of the month, 31 is the last; of the week, 1 is Monday."
    )
    starts_on = forms.DateField(label="From", widget=DayInput)
    ends_on = forms.DateField(label="To", widget=DayInput, required=False)
    auto_reversing = forms.BooleanField(label="Undo each on the first day of the following period", required=False)


class ReversalForm(ReasonForm):
    kind = "ledger.reverse_entry"
    when = forms.ChoiceField(label="Effective date", choices=[("original", ""), ("today", "")])


@dataclass(slots=True)
class LineInput:
    """One row of a form: what was typed, and what is wrong with it."""

    number: int
    account: str = ""
    debit: str = ""
    credit: str = ""
    error: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.account or self.debit or self.credit)


@dataclass(slots=True)
class LinesInput:
    """The rows of a form and the lines that they make; `numbers` says which row a line stands in."""

    rows: list[LineInput] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not any(row.error for row in self.rows)

    def place(self, problem: Problem) -> None:
        """Show a problem of the books at its row."""
        if problem.line is not None:
            self.rows[self.numbers[problem.line] - 1].error = problem.sentence


def lines_from(data: QueryDict, *, user: User, more: bool = False) -> LinesInput:
    """Return the lines that a form says; accounts out of the user's sight are as if they did not exist."""
    said = data.get("lines", "")
    count = min(max(int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0, FIRST_LINES), LINES_ON_A_FORM)
    rows = [
        LineInput(number, *(data.get(f"{name}-{number}", "").strip()[:60] for name in ("account", DEBIT, CREDIT)))
        for number in range(1, count + 1)
    ]
    # A choice of the browser's list may bring the account's name along.
    for row in rows:
        row.account = row.account.partition(" ")[0]
    found = LinesInput(rows=rows)
    seen = {one.code: one for one in accounts_for(user).filter(code__in={row.account for row in rows})}
    for row in rows:
        if not row.is_empty and (line := _line_of(row, account=seen.get(row.account))):
            found.lines.append(line)
            found.numbers.append(row.number)
    wanted = count + MORE_LINES if more else count
    found.rows += [LineInput(number) for number in range(count + 1, min(wanted, LINES_ON_A_FORM) + 1)]
    return found


def _line_of(row: LineInput, *, account: Account | None) -> Line | None:
    if account is None:
        row.error = f"there is no account {row.account} in your scope" if row.account else "name the account"
    elif bool(row.debit) == bool(row.credit):
        row.error = "a line has either a debit or a credit"
    else:
        direction, text = (DEBIT, row.debit) if row.debit else (CREDIT, row.credit)
        try:
            amount = money.minor_from_text(text, scale=account.asset.scale, field=direction)
        except money.AmountRefused as refused:
            row.error = str(refused)
            return None
        if amount > 0:
            return Line(account=account.code, direction=direction, amount_minor=amount, asset=account.asset.code)
        row.error = "an amount is above zero; the other column is the other side"
    return None


def rows_of(lines: Sequence[Line]) -> list[LineInput]:
    """Return rows that say these lines, with room for a few more."""
    scale_of = scales()
    rows = []
    for number, line in enumerate(lines, start=1):
        text = money.plain(line.amount_minor, scale=scale_of[line.asset])
        rows.append(LineInput(number, line.account, text if line.direction == DEBIT else "", text if line.direction == CREDIT else ""))
    rows += [LineInput(number) for number in range(len(rows) + 1, max(FIRST_LINES, len(rows) + 1) + 1)]
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTotal:
    total: Total
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What lines would do: balances before and after, totals by asset, and what the books would say to them."""

    effects: Sequence[BalanceEffect]
    totals: Sequence[ShownTotal]
    problems: Sequence[str]

    @property
    def is_balanced(self) -> bool:
        return bool(self.totals) and not any(one.total.difference_minor for one in self.totals)


def shown_totals(lines: Sequence[Line]) -> list[ShownTotal]:
    scale_of = scales()
    return [ShownTotal(total=total, scale=scale_of[total.asset]) for total in totals_of(lines)]


def valid_values(form: forms.Form | None) -> Mapping[str, Any]:
    """Return what is valid of a form, be the rest as it may."""
    if form is None:
        return {}
    form.is_valid()
    return form.cleaned_data


def preview_of(found: LinesInput, *, entity: str, day: date | None, type_code: str) -> Preview:
    """Return what the lines of a form would do; it is asked for while people type, so an entry need not be whole."""
    problems = [f"line {row.number}: {row.error}" for row in found.rows if row.error]
    if found.lines and not problems and day is not None and len(found.lines) > 1:
        entry = ProposedEntry(type=type_code, entity=entity, effective_date=day, description="preview", lines=found.lines)
        problems = [_said(problem, numbers=found.numbers) for problem in problems_of([entry])]
    return Preview(effects=effects_of(lines=found.lines), totals=shown_totals(found.lines), problems=problems)


def _said(problem: Problem, *, numbers: Sequence[int]) -> str:
    return problem.sentence if problem.line is None else f"line {numbers[problem.line]}: {problem.sentence}"


def accounts_of(user: User) -> Mapping[str, Account]:
    """Return the accounts in sight by code: what a file may name."""
    return {one.code: one for one in accounts_for(user)}


def keep(value: Mapping[str, Any]) -> str:
    """Return what was read of a file in a form that comes back unchanged."""
    return signing.dumps(value, salt=SALT, compress=True)


def kept(text: str) -> dict[str, Any] | None:
    """Return what was kept, or None if it is too old or was touched."""
    try:
        value: dict[str, Any] = signing.loads(text, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return None
    return value


def returned_to(user: User, *, kind: str, text: str) -> Proposal | None:
    """Return the user's own proposal that came back for changes, named in an address.

    :raises ProposalNotFound: if it is none in sight.
    """
    try:
        proposal_id = UUID(text)
    except ValueError:
        return None
    proposal = proposal_for(user, proposal_id=proposal_id)
    is_theirs = proposal.kind == kind and proposal.maker_id == user.pk and proposal.status == ProposalStatus.CHANGES_REQUESTED
    return proposal if is_theirs else None


def payload_of(proposal: Proposal) -> Mapping[str, Any]:
    payload: Mapping[str, Any] = current_version(proposal).payload
    return payload


def maximum_mb() -> int:
    return FILE_MAXIMUM_BYTES // 1024**2


def joined(sentences: Iterable[str]) -> str:
    return " ".join(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in sentences)
