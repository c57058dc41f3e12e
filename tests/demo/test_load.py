"""Loading the demo company: complete, in balance, and without effect the second time."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Sum
from pytest_django.plugin import DjangoDbBlocker

from ledger.models import Account, Alert, Balance, Hold, JournalEntry, Posting, Transaction, TransactionEvent
from ledgerops.demo import DEMO_PASSPHRASE
from ledgerops.demo.company import plan
from ledgerops.demo.feeds import PARTNER, REFUND_MINOR
from ledgerops.demo.load import SCOPE, AnotherDemoIsLoaded, Loaded, load, loaded_last_day
from ledgerops.demo.misprints import SOURCE as MISPRINTED
from ledgerops.demo.movements import SCOPE as MOVEMENTS
from ledgerops.demo.shapes import Company, DifferenceKind
from recon.models import (
    Break,
    ChainRange,
    ChainSource,
    ChainTransfer,
    Item,
    QuarantinedRow,
    RepeatedLine,
    ResolutionTerms,
    Run,
    RunStatus,
    Source,
    Statement,
    Treatment,
)
from tests.conftest import empty_filled_tables
from tests.resolved import ungrounded

LAST_DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def company() -> Company:
    return plan(seed=7, days=13, customers=25, last_day=LAST_DAY)


@pytest.fixture(scope="module")
def loaded(company: Company, django_db_setup: object, django_db_blocker: DjangoDbBlocker) -> Iterator[Loaded]:
    """Load the company once for all tests of this file; each rolls back what it adds."""
    with django_db_blocker.unblock():
        loaded = load(company)
    yield loaded
    with django_db_blocker.unblock():
        empty_filled_tables()


@pytest.mark.django_db
def test_it_loads_the_whole_company(company: Company, loaded: Loaded) -> None:
    assert loaded.entries == JournalEntry.objects.filter(transactions__scope=SCOPE).count() == len(company.entries)
    assert Account.objects.count() == len(company.accounts)
    banks = Source.objects.filter(kind="bank")
    assert banks.count() == len(company.sources)
    imported = [file for file in company.files if file.imported]
    assert Statement.objects.filter(proof="proven", source__in=banks).count() == len(imported) == loaded.files - 1
    assert set(Run.objects.values_list("status", flat=True)) == {RunStatus.COMPLETED}
    assert loaded.breaks == Break.objects.exclude(state="resolved").count()
    users = get_user_model().objects.filter(groups__isnull=False)
    assert {user.get_username() for user in users} == {"analyst", "approver", "controller", "administrator", "auditor"}
    assert all(user.check_password(DEMO_PASSPHRASE) for user in users)
    assert _held() == _planned(company)


def _planned(company: Company) -> dict[str, int]:
    planned: Counter[str] = Counter()
    for entry in company.entries:
        for line in entry.lines:
            planned[line.account_code] += line.amount_minor if line.direction == "debit" else -line.amount_minor
    return {code: amount for code, amount in planned.items() if amount}


def _held() -> dict[str, int]:
    """Return what the planned entries left on each account; movements to follow stand beside them."""
    legs = Posting.objects.filter(entry__transactions__scope=SCOPE).values("account__code", "direction").annotate(minor=Sum("amount_minor"))
    held: Counter[str] = Counter()
    for leg in legs:
        held[leg["account__code"]] += int(leg["minor"]) if leg["direction"] == "debit" else -int(leg["minor"])
    return {code: amount for code, amount in held.items() if amount}


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_movements_to_follow_are_one_of_each_thing_that_can_happen() -> None:
    followed = {one.key: one for one in Transaction.objects.filter(scope=MOVEMENTS)}
    seen = {key: (one.status, one.settlement) for key, one in followed.items()}
    assert seen["follow-deposit"] == ("posted", "settled")
    assert seen["follow-hold"][0] == "posted"
    assert seen["follow-authorisation"][0] == "pending"
    assert seen["follow-withdrawal"] == ("reversed", "returned")
    assert {event.outcome for event in TransactionEvent.objects.all()} == {"applied", "late", "conflict"}
    assert max(TransactionEvent.objects.values_list("deliveries", flat=True)) == 2
    assert Hold.objects.get(pk=followed["follow-authorisation"].pk).remaining_minor == 240_00
    (shortfall,) = (followed["follow-return"].warnings or {})["shortfalls"]
    assert shortfall["amount"] == "60000"
    assert list(Alert.objects.order_by("kind").values_list("kind", flat=True)) == ["proof", "shortfall", "status_conflict"]
    sums: Counter[str] = Counter()
    for balance in Balance.objects.select_related("account__asset"):
        sums[balance.account.asset.code] += int(balance.posted_debits_minor - balance.posted_credits_minor)
    assert not any(sums.values()), "every asset balances"


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_a_wallet_on_a_chain_shows_every_stage_and_is_proven() -> None:
    chain = ChainSource.objects.get()
    assert {row.word for row in ChainTransfer.objects.all()} == {"seen", "safe", "final", "orphaned"}
    assert set(ChainTransfer.objects.exclude(uncounted="").values_list("uncounted", flat=True)) == {"zero_value", "unlisted_contract"}
    assert set(ChainRange.objects.values_list("status", flat=True)) == {"proven"}
    assert Statement.objects.filter(source=chain.pk, proof="proven").count() == 3
    assert not Item.objects.filter(reconciliation__source=chain.pk, side="statement", open=True).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_a_statement_is_restated_a_row_waits_in_quarantine_and_a_line_is_repeated() -> None:
    first, second = Statement.objects.filter(source__code=MISPRINTED).exclude(superseded_by=None, supersedes=None).order_by("version")
    assert (first.version, first.proof, second.version, second.proof, second.supersedes) == (1, "unproven", 2, "proven", first)
    assert Item.objects.filter(withdrawn_by=second).count() == 1
    row = QuarantinedRow.objects.get()
    unproven = Statement.objects.get(proof="unproven", source__code=PARTNER.code)
    assert (row.state, row.value, row.source, int(unproven.difference_minor)) == ("open", "-85,4O", unproven.source, REFUND_MINOR)
    repeated = RepeatedLine.objects.get()
    assert (repeated.line.booking_date, repeated.line.statement.line_count) == (repeated.repeats.booking_date, 2)


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_the_breaks_are_those_of_the_truth_table(company: Company) -> None:
    newest = max(file.statement_date for file in company.files if file.imported)
    live = Break.objects.exclude(state="resolved")
    found = Counter(live.values_list("type", flat=True))
    shown = Counter(difference.kind for difference in company.truth if difference.statement_date <= newest)
    # A swapped reference leaves both sides alone. What a later statement will show is missing until then, not after.
    late = [
        (difference, next(entry.effective_date for entry in company.entries if entry.key == difference.entry_key))
        for difference in company.truth
        if difference.kind in (DifferenceKind.DATE, DifferenceKind.MISSING_EXTERNAL) and difference.line_reference
    ]
    pending = sum(effective <= newest < difference.statement_date for difference, effective in late)
    settled = sum(difference.statement_date <= newest for difference, _ in late if difference.kind == DifferenceKind.MISSING_EXTERNAL)
    assert found == Counter(
        {
            "amount": shown[DifferenceKind.AMOUNT],
            "date": shown[DifferenceKind.DATE],
            "duplicate_external": shown[DifferenceKind.DUPLICATE_EXTERNAL],
            "missing_internal": shown[DifferenceKind.MISSING_INTERNAL] + shown[DifferenceKind.REFERENCE],
            "missing_external": shown[DifferenceKind.MISSING_EXTERNAL] + shown[DifferenceKind.REFERENCE] + pending - settled,
        }
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("loaded")
def test_loading_again_changes_nothing_and_another_company_is_refused(company: Company) -> None:
    before = (JournalEntry.objects.count(), Item.objects.count(), Break.objects.count(), Run.objects.count())

    again = load(company)

    assert (again.entries, again.files, again.matches, again.breaks) == (0, 0, 0, 0)
    assert (JournalEntry.objects.count(), Item.objects.count(), Break.objects.count(), Run.objects.count()) == before
    assert loaded_last_day(seed=7, days=13, customers=25) == LAST_DAY

    with pytest.raises(AnotherDemoIsLoaded) as refusal:
        load(plan(seed=8, days=13, customers=25, last_day=LAST_DAY))

    assert refusal.value.detail["loaded"] == company.key_prefix
    assert JournalEntry.objects.count() == before[0]


@pytest.mark.django_db
def test_every_resolved_break_rests_on_allocations_and_entries(loaded: Loaded) -> None:
    assert Break.objects.filter(state="resolved", resolved_by__isnull=False).exists()
    assert ungrounded() == []


@pytest.mark.django_db
def test_terms_are_said_and_a_break_is_treated(loaded: Loaded) -> None:
    assert ResolutionTerms.objects.filter(write_off_account__isnull=False).count() == 6
    assert Treatment.objects.filter(kind="timing", ended_at=None).count() == 1
