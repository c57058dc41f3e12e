"""Any sequence of postings, replays, mistakes and closes, against an oracle that keeps the books in memory.

LEDGEROPS_MACHINE_SEED, LEDGEROPS_MACHINE_STEPS and LEDGEROPS_MACHINE_EXAMPLES choose where the slow machine starts and how far it runs.
"""

import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledger.models import Account, AccountingPeriod, AccountType, JournalEntry, OwnerClass
from ledger.operations import IdempotencyKeyReused, Posted
from ledgerops.lib.errors import Refusal
from tests.fixtures import GROUP

pytestmark = pytest.mark.django_db(transaction=True)

SCOPE = "machine"
ACCOUNTS = {
    "bank": ("USD", AccountType.ASSET, OwnerClass.NOSTRO),
    "safe": ("USD", AccountType.ASSET, OwnerClass.SAFEGUARDING),
    "wallet": ("DAI", AccountType.ASSET, OwnerClass.WALLET),
    "ann": ("USD", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    "bob": ("USD", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    "dai": ("DAI", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    "fees": ("USD", AccountType.INCOME, OwnerClass.FEE),
}
LATER = ("late", "USD", AccountType.LIABILITY, OwnerClass.CUSTOMER)  # an account that is opened on the way, if at all
# Type, debit and credit account: what the rules allow, and what they do not.
SOUND = [
    ("deposit", "bank", "ann"),
    ("deposit", "safe", "bob"),
    ("deposit", "wallet", "dai"),
    ("deposit", "bank", "late"),
    ("withdrawal", "ann", "bank"),
    ("transfer", "ann", "bob"),
    ("transfer", "bob", "ann"),
    ("fee", "bob", "fees"),
    ("settlement", "bank", "safe"),
    ("settlement", "safe", "bank"),
]
WRONG = [("deposit", "fees", "ann"), ("transfer", "bank", "bob"), ("fee", "fees", "bob"), ("withdrawal", "bank", "ann")]
MONTHS = [date(2026, month, 1) for month in range(1, 5)]
NO_MONTH = date(2027, 5, 1)

AMOUNT = st.one_of(st.integers(1, 10_000), st.sampled_from([1, 2**53 - 1, 2**53 + 1, 2**63, 10**18 + 1, 10**30]))
MOVE = st.tuples(
    st.one_of(st.sampled_from(SOUND), st.sampled_from(SOUND), st.sampled_from(WRONG)),
    st.lists(AMOUNT, min_size=1, max_size=3),
    st.sampled_from([*MONTHS, *MONTHS, NO_MONTH]),
)
Move = tuple[tuple[str, str, str], list[int], date]
_companies = count(1)


@dataclass(frozen=True)
class Asked:
    """A draft as it was offered first, and the answer that every repetition must get."""

    draft: EntryDraft
    entry_id: UUID | None
    reason: str | None


class PostingMachine(RuleBasedStateMachine):
    """A company of its own for every example; rules are what callers do, invariants read the database after each."""

    asked: Bundle[Asked] = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.company = f"C{next(_companies)}"
        self.debits: Counter[str] = Counter()
        self.credits: Counter[str] = Counter()
        self.postings: Counter[str] = Counter()
        self.entries = 0
        self.closed: set[date] = set()
        self.late_is_open = False
        self.keys = count(1)
        ledger.define_entity(code=self.company, name=self.company)
        for name, (asset, kind, owner_class) in ACCOUNTS.items():
            self._open(name, asset, kind, owner_class)
        for month in MONTHS:
            ledger.open_period(entity=self.company, starts_on=month, ends_on=month.replace(day=28))

    def _open(self, name: str, asset: str, kind: AccountType, owner_class: OwnerClass) -> None:
        ledger.open_account(
            code=self._code(name), name=name, entity=self.company, group=GROUP, asset=asset, account_type=kind, owner_class=owner_class
        )

    def _code(self, name: str) -> str:
        return f"{self.company}-{name}"

    def _draft(self, move: Move) -> EntryDraft:
        (kind, debit, credit), amounts, day = move
        asset = ACCOUNTS[debit][0]
        lines = [Line(account=self._code(debit), direction=DEBIT, amount_minor=sum(amounts), asset=asset)]
        lines += [Line(account=self._code(credit), direction=CREDIT, amount_minor=amount, asset=asset) for amount in amounts]
        key = f"{self.company}-{next(self.keys):04d}"
        return EntryDraft(key=key, type=kind, entity=self.company, effective_date=day, description=kind, lines=lines)

    def _expected(self, move: Move) -> str | None:
        """Return why the books refuse a move that was never offered before, or None."""
        rule_of, _, day = move
        if day == NO_MONTH:
            return "no_accounting_period"
        if "late" in rule_of and not self.late_is_open:
            return "unknown_account"
        if rule_of not in SOUND:
            return "account_class_not_allowed"
        # What can never be posted is said before what cannot be posted now.
        return "period_closed" if day in self.closed else None

    def _answered(self, posted: Posted, move: Move) -> Asked:
        """Compare a first answer with the oracle's, and let the oracle book it."""
        expected = self._expected(move)
        assert (posted.outcome, posted.code) == (("refused", expected) if expected else ("posted", None))
        if expected is None:
            self.entries += 1
            for line in posted.draft.lines:
                (self.debits if line.direction == DEBIT else self.credits)[line.account] += line.amount_minor
                self.postings[line.account] += 1
        return Asked(draft=posted.draft, entry_id=posted.entry_id, reason=expected)

    @rule(target=asked, move=MOVE)
    def record(self, move: Move) -> Asked:
        draft, expected = self._draft(move), self._expected(move)
        if expected is None:
            return self._answered(ledger.record_transaction(draft=draft, scope=SCOPE), move)
        with pytest.raises(Refusal) as caught:
            ledger.record_transaction(draft=draft, scope=SCOPE)
        assert caught.value.detail["reason"] == expected
        return Asked(draft=draft, entry_id=None, reason=expected)

    @rule(target=asked, moves=st.lists(MOVE, min_size=2, max_size=6), backwards=st.booleans())
    def post_batch(self, moves: Sequence[Move], *, backwards: bool) -> MultipleResults[Asked]:
        drafts = [self._draft(move) for move in moves]
        if backwards:
            drafts.reverse()
        by_key = {posted.draft.key: posted for posted in ledger.post_entries(drafts=drafts, scope=SCOPE)}
        ordered = sorted(by_key)  # keys were given in the order of the moves
        return multiple(*(self._answered(by_key[key], move) for key, move in zip(ordered, moves, strict=True)))

    @rule(target=asked, move=MOVE)
    def post_the_same_twice_in_one_batch(self, move: Move) -> Asked:
        draft = self._draft(move)
        first, second = ledger.post_entries(drafts=[draft, draft], scope=SCOPE)
        answered = self._answered(first, move)
        assert (second.entry_id, second.code) == (answered.entry_id, answered.reason)
        assert second.outcome == ("replayed" if answered.entry_id else "refused")
        return answered

    @rule(known=st.lists(asked, min_size=1, max_size=4))
    def repeat(self, known: Sequence[Asked]) -> None:
        for posted, before in zip(ledger.post_entries(drafts=[one.draft for one in known], scope=SCOPE), known, strict=True):
            assert (posted.entry_id, posted.code) == (before.entry_id, before.reason)
            assert posted.outcome == ("replayed" if before.entry_id else "refused")

    @rule(known=asked, change=st.sampled_from(["description", "effective_date", "lines", "reference"]))
    def use_the_key_for_something_else(self, known: Asked, change: str) -> None:
        draft = known.draft
        doubled = [replace(line, amount_minor=line.amount_minor * 2) for line in draft.lines]
        other = {"description": "other", "effective_date": date(2026, 1, 15), "lines": doubled, "reference": "other"}[change]
        with pytest.raises(IdempotencyKeyReused) as caught:
            ledger.record_transaction(draft=replace(draft, **{change: other}), scope=SCOPE)  # type: ignore[arg-type]
        assert caught.value.detail["fields"] == [change]

    @rule(move=MOVE)
    def offer_what_does_not_balance(self, move: Move) -> None:
        draft = self._draft(move)
        heavier = [replace(draft.lines[0], amount_minor=draft.lines[0].amount_minor + 1), *draft.lines[1:]]
        with pytest.raises(Refusal) as caught:
            ledger.post_entries(drafts=[replace(draft, lines=heavier)], scope=SCOPE)
        assert caught.value.code == "draft_unbalanced"

    @precondition(lambda self: not self.late_is_open)
    @rule()
    def open_the_late_account(self) -> None:
        self._open(*LATER)
        self.late_is_open = True

    @precondition(lambda self: len(self.closed) < 2)
    @rule(month=st.sampled_from(MONTHS))
    def close(self, month: date) -> None:
        ledger.close_period(period_id=AccountingPeriod.objects.get(entity__code=self.company, starts_on=month).pk)
        self.closed.add(month)

    @invariant()
    def balances_are_the_oracles(self) -> None:
        for account in Account.objects.filter(entity__code=self.company).select_related("balance"):
            held = account.balance
            assert (int(held.posted_debits_minor), int(held.posted_credits_minor)) == (
                self.debits[account.code],
                self.credits[account.code],
            )
            assert held.version == self.postings[account.code]
        assert JournalEntry.objects.filter(entity__code=self.company).count() == self.entries

    @invariant()
    def trial_balance_is_zero_in_each_asset(self) -> None:
        assert rows(TRIAL_BALANCE) == []

    @invariant()
    def postings_of_an_account_are_numbered_without_gaps_and_carry_its_balance(self) -> None:
        assert rows(BROKEN_CHAINS) == []


TRIAL_BALANCE = """
SELECT a.asset_id, sum(b.posted_debits_minor), sum(b.posted_credits_minor)
FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id
GROUP BY a.asset_id HAVING sum(b.posted_debits_minor) <> sum(b.posted_credits_minor)
"""
BROKEN_CHAINS = """
SELECT account_id, account_seq FROM (
    SELECT p.account_id, p.account_seq, p.balance_after_minor, row_number() OVER line AS place,
           sum(CASE WHEN (p.direction = 'debit') = (a.type IN ('asset', 'expense')) THEN p.amount_minor ELSE -p.amount_minor END)
               OVER line AS held
    FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
    WINDOW line AS (PARTITION BY p.account_id ORDER BY p.account_seq)) chain
WHERE account_seq <> place OR balance_after_minor <> held
"""


def rows(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def run(*, from_seed: int, examples: int, steps: int) -> None:
    print(f"LEDGEROPS_MACHINE_SEED={from_seed}")  # noqa: T201 shown with a failure, to start there again
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(seed(from_seed)(PostingMachine), settings=chosen)


def test_books_are_those_of_the_oracle(chart: dict[str, Account]) -> None:
    run(from_seed=7, examples=10, steps=15)


@pytest.mark.slow
def test_books_are_those_of_the_oracle_at_length(chart: dict[str, Account]) -> None:
    run(
        from_seed=int(os.environ.get("LEDGEROPS_MACHINE_SEED", random.SystemRandom().randrange(10**9))),
        examples=int(os.environ.get("LEDGEROPS_MACHINE_EXAMPLES", "50")),
        steps=int(os.environ.get("LEDGEROPS_MACHINE_STEPS", "60")),
    )
