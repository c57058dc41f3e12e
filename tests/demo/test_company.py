"""The planned company: repeatable, balanced, solvent, and different from its statements exactly where the truth table says."""

import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pytest

from ledgerops.demo.bankdays import bank_day_after, bank_day_before
from ledgerops.demo.company import plan
from ledgerops.demo.shapes import Company, Difference, DifferenceKind, PlannedSource, StatementFile
from ledgerops.lib.money import minor_from_decimal
from recon.formats import FORMATS, detect
from recon.formats.events import BalanceRead, LineRead, LocatedError, StatementOpened

LAST_DAY = date(2026, 11, 20)
SEEDS = (1, 2, 3)
POSTING_RULES = {
    "deposit": ({"nostro", "safeguarding", "wallet"}, {"customer"}),
    "withdrawal": ({"customer"}, {"nostro", "safeguarding", "wallet"}),
    "transfer": ({"customer"}, {"customer"}),
    "fee": ({"customer"}, {"fee"}),
    "settlement": ({"nostro", "safeguarding", "wallet", "settlement"}, {"nostro", "safeguarding", "wallet", "settlement"}),
    "bank_charge": ({"fee"}, {"nostro", "safeguarding", "wallet"}),
    "interest": ({"nostro", "safeguarding"}, {"fee"}),
    "capital": ({"nostro", "safeguarding", "wallet"}, {"equity"}),
}


@dataclass(frozen=True)
class Line:
    source: str
    booking_date: date
    reference: str
    amount_minor: int


@dataclass(frozen=True)
class Read:
    file: StatementFile
    identifier: str
    opening_minor: int
    closing_minor: int
    lines: tuple[Line, ...]


@cache
def company(seed: int) -> Company:
    return plan(seed=seed, days=30, customers=120, last_day=LAST_DAY)


@cache
def statements(seed: int) -> tuple[Read, ...]:
    """Return what the product's own readers make of the files."""
    planned = company(seed)
    sources = {source.code: source for source in planned.sources}
    scales = {asset.code: asset.scale for asset in planned.assets}
    return tuple(_read(file, source=sources[file.source], scale=scales[sources[file.source].asset]) for file in planned.files)


def _read(file: StatementFile, *, source: PlannedSource, scale: int) -> Read:
    content = io.BytesIO(file.content)
    assert detect(content) == source.format
    identifiers, balances, lines = [], {}, []
    for event in FORMATS[source.format].reader(content):
        match event:
            case StatementOpened():
                identifiers.append(event.account)
            case BalanceRead() if event.role != "other":
                balances[event.role] = minor_from_decimal(event.amount, scale=scale)
                assert event.currency == source.asset
            case LineRead():
                amount = minor_from_decimal(event.amount, scale=scale) * (1 if event.direction == "credit" else -1)
                lines.append(Line(file.source, event.booking_date, event.end_to_end_id, amount))
                assert event.booked
                assert event.counterparty_name
                assert event.details_total is None
            case LocatedError():
                pytest.fail(f"{file.filename}: {event}")
    assert set(balances) == {"opening", "closing"}
    (identifier,) = identifiers
    return Read(file, identifier, balances["opening"], balances["closing"], tuple(lines))


def test_it_repeats_itself_and_another_seed_does_not() -> None:
    again = plan(seed=1, days=30, customers=120, last_day=LAST_DAY)

    assert again == company(1)
    assert [file.content for file in company(2).files] != [file.content for file in again.files]
    assert company(2).entries[20:60] != again.entries[20:60]


def test_it_has_the_size_of_a_real_month() -> None:
    assert 3000 <= len(company(1).entries) <= 4000
    assert {source.format for source in company(1).sources} == {"mt940", "camt053"}
    assert len(company(1).files) == 5 * 22


def test_it_refuses_a_company_without_bank_days() -> None:
    with pytest.raises(ValueError, match="0 bank days"):
        plan(seed=1, days=2, customers=5, last_day=date(2026, 11, 22))


@pytest.mark.parametrize("days", [1, 2, 5, 9])
def test_it_plans_young_companies_too(days: int) -> None:
    young = plan(seed=4, days=days, customers=3, last_day=LAST_DAY)

    assert young.files
    assert young.entries


@pytest.mark.parametrize("seed", SEEDS)
def test_entries_balance_per_asset_and_keep_to_the_posting_rules(seed: int) -> None:
    accounts = {account.code: account for account in company(seed).accounts}
    parents = {account.parent for account in company(seed).accounts}

    for entry in company(seed).entries:
        sums: Counter[str] = Counter()
        debit_classes, credit_classes = POSTING_RULES[entry.type]
        for line in entry.lines:
            account = accounts[line.account_code]
            assert line.amount_minor > 0
            assert account.code not in parents
            assert account.owner_class in (debit_classes if line.direction == "debit" else credit_classes)
            sums[account.asset] += line.amount_minor if line.direction == "debit" else -line.amount_minor
        assert set(sums.values()) == {0}
    assert len({entry.key for entry in company(seed).entries}) == len(company(seed).entries)
    assert len({entry.reference for entry in company(seed).entries}) == len(company(seed).entries)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_customer_bank_or_wallet_goes_below_zero(seed: int) -> None:
    accounts = {account.code: account for account in company(seed).accounts}
    balances: Counter[str] = Counter()

    for entry in company(seed).entries:
        for line in entry.lines:
            normal = "debit" if accounts[line.account_code].type in ("asset", "expense") else "credit"
            balances[line.account_code] += line.amount_minor if line.direction == normal else -line.amount_minor
            assert balances[line.account_code] >= 0, (entry.key, line.account_code)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_statement_proves_itself_and_follows_the_one_before(seed: int) -> None:
    identifiers = {source.code: source.identifier for source in company(seed).sources}
    closing = dict.fromkeys(identifiers, 0)
    latest = dict.fromkeys(identifiers, bank_day_before(company(seed).files[0].statement_date))

    for statement in statements(seed):
        source = statement.file.source
        assert statement.identifier == identifiers[source]
        assert statement.opening_minor == closing[source]
        assert statement.opening_minor + sum(line.amount_minor for line in statement.lines) == statement.closing_minor >= 0
        assert statement.file.statement_date == bank_day_after(latest[source])
        assert {line.booking_date for line in statement.lines} <= {statement.file.statement_date}
        closing[source], latest[source] = statement.closing_minor, statement.file.statement_date


def test_the_last_two_bank_days_are_left_to_the_user() -> None:
    held_back = {file.statement_date for file in company(1).files if not file.imported}

    assert held_back == {date(2026, 11, 19), date(2026, 11, 20)}
    assert all(file.statement_date not in held_back for file in company(1).files if file.imported)


@pytest.mark.parametrize("seed", SEEDS)
def test_matching_by_reference_and_amount_leaves_exactly_the_truth_table(seed: int) -> None:
    planned = company(seed)
    source_of = {source.account_code: source.code for source in planned.sources}
    ours: dict[tuple[str, str, int], list[tuple[str, date]]] = defaultdict(list)
    for entry in planned.entries:
        for leg in entry.lines:
            if leg.account_code in source_of:
                amount = leg.amount_minor if leg.direction == "debit" else -leg.amount_minor
                ours[source_of[leg.account_code], entry.reference, amount].append((entry.key, entry.effective_date))
    left_of_theirs: Counter[tuple[str, str, date]] = Counter()
    moved = {}
    for statement in statements(seed):
        for line in statement.lines:
            candidates = ours[line.source, line.reference, line.amount_minor]
            if not candidates:
                left_of_theirs[line.source, line.reference, line.booking_date] += 1
                continue
            key, effective = candidates.pop()
            if line.booking_date != effective:
                moved[key] = (line.source, line.booking_date, 2 if line.booking_date == bank_day_after(effective, count=2) else 1)

    assert left_of_theirs == Counter(
        (difference.source, difference.line_reference, difference.statement_date)
        for difference in planned.truth
        if difference.line_reference and not _arrives_whole(difference)
    )
    assert {key for remaining in ours.values() for key, _ in remaining} == {
        difference.entry_key
        for difference in planned.truth
        if difference.entry_key and difference.kind != DifferenceKind.DUPLICATE_EXTERNAL and not _arrives_whole(difference)
    }
    assert moved == {
        difference.entry_key: (difference.source, difference.statement_date, 2 if difference.kind == DifferenceKind.DATE else 1)
        for difference in planned.truth
        if _arrives_whole(difference)
    }


def _arrives_whole(difference: Difference) -> bool:
    """Tell whether the bank's line equals the entry but for its date."""
    late = difference.kind == DifferenceKind.MISSING_EXTERNAL and difference.line_reference is not None
    return late or (difference.kind == DifferenceKind.DATE and difference.line_reference is not None)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_table_explains_what_ledger_and_banks_disagree_about(seed: int) -> None:
    planned = company(seed)
    closing = {statement.file.source: statement.closing_minor for statement in statements(seed)}
    for source in planned.sources:
        ledger = sum(
            line.amount_minor if line.direction == "debit" else -line.amount_minor
            for entry in planned.entries
            for line in entry.lines
            if line.account_code == source.account_code
        )
        explained = sum(difference.amount_minor for difference in planned.truth if difference.source == source.code)
        assert closing[source.code] - ledger == explained


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_kind_of_difference_waits_on_the_first_day_and_in_the_files_to_upload(seed: int) -> None:
    planned = company(seed)
    lines = sum(len(statement.lines) for statement in statements(seed))
    held_back = {file.statement_date for file in planned.files if not file.imported}
    recent = {min(held_back) - timedelta(days=days) for days in range(1, 7)}

    assert 0.015 <= len(planned.truth) / lines <= 0.025
    assert {difference.kind for difference in planned.truth if difference.statement_date in held_back} == set(DifferenceKind)
    assert {difference.kind for difference in planned.truth if difference.statement_date in recent} == set(DifferenceKind)
