"""What an account-day says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from recon.account_day_queries import RowFound, ShownHint
from recon.certification_queries import CellState
from recon.day_queries import External, Rule
from recon.matching.unexplained import Reason
from recon.models import Side

SIDE_WORDS = {Side.LEDGER: "Ledger", Side.STATEMENT: "Statement"}
assert set(SIDE_WORDS) == set(Side)

# By side and flow: what the account's own books have, and what its source has.
KIND_WORDS = {
    (Side.LEDGER, "in"): "Receipts of ours, not at the source",
    (Side.LEDGER, "out"): "Payments of ours, not at the source",
    (Side.STATEMENT, "in"): "Receipts at the source, not in the ledger",
    (Side.STATEMENT, "out"): "Payments at the source, not in the ledger",
}
SHORT_WORDS = {
    (Side.LEDGER, "in"): "Receipts to come",
    (Side.LEDGER, "out"): "Payments to come",
    (Side.STATEMENT, "in"): "Receipts to book",
    (Side.STATEMENT, "out"): "Payments to book",
}


STATE_WORDS = {
    CellState.CERTIFIED: "Certified",
    CellState.CHANGED: "Changed after sign-off",
    CellState.PREPARED: "Prepared, in review",
    CellState.RETURNED: "Returned to its preparer",
    CellState.BLOCKED: "Blocked",
    CellState.READY: "Ready to be prepared",
    CellState.BEFORE: "Before its first statement",
}
assert set(STATE_WORDS) == set(CellState)


def rule_words(external: External) -> str:
    """Return which balance of the source counts, and why."""
    if external.rule is Rule.CLOSING:
        return "closing balance of the day"
    if external.rule is Rule.NEXT_OPENING and external.statement is not None:
        return f"opening balance of the next statement, which closes {external.statement.closing_date:%-d %b %Y}"
    return "no balance of the day: neither a closing one, nor an opening one of the next"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedRow:
    label: str
    href: str
    signed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HintWords:
    """A hint as a sentence, with its rows as links; `more` says how many fit that are not named."""

    sentence: str
    groups: Sequence[Sequence[LinkedRow]]
    more: int


def hint_words(shown: ShownHint, *, money: Callable[[int], str]) -> HintWords:
    hint = shown.hint
    several = hint.ways > 1
    sentence = {
        Reason.ROW: "Each of these rows is just as much" if several else "One row is just as much",
        Reason.WRONG_SIGN: f"{'These rows are' if several else 'One row is'} half of it: posted the wrong way round?",
        Reason.UNCHANGED: "It is the difference of the day before, unchanged: look for its first day",
        Reason.TARIFF: f"It is a charge: {', '.join(hint.tariffs)}, on",
        Reason.TRANSPOSED: "Two digits may be swapped"
        + (f": {', '.join(money(minor) for minor in hint.written)} instead of" if hint.written else " in"),
        Reason.PAIR: f"{'Each of these pairs adds' if several else 'Two rows add'} up to it",
        Reason.NINE: "It is divisible by nine, as swapped digits make it; no row of the day has such a pair",
    }[hint.reason]
    groups = [[_linked(row) for row in group] for group in shown.groups]
    return HintWords(sentence=sentence, groups=groups, more=max(0, hint.ways - len(groups)) if groups else 0)


def _linked(row: RowFound) -> LinkedRow:
    if row.entry_id is not None:
        return LinkedRow(label=row.label, href=reverse("ledger:entry", args=[row.entry_id]), signed_minor=row.signed_minor)
    href = f"{reverse('recon:statement', args=[row.statement_id])}#line-{row.ordinal}"
    return LinkedRow(label=row.label, href=href, signed_minor=row.signed_minor)
