"""The books balance whatever is posted: against an oracle that knows nothing but addition."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ledger import operations, queries
from ledger.models import Account, Balance, Posting
from ledger.queries.trial import trial_balance, trial_balance_sections
from tests.fixtures import STARTS_ON, Post, draft
from tests.notation import balance

ASSET_OF = {
    "1010": "USD",
    "1020": "USD",
    "2010": "USD",
    "2020": "USD",
    "4010": "USD",
    "6420": "USD",
    "3010": "USD",
    "1030": "JPY",
    "2030": "JPY",
}
KINDS: dict[str, tuple[list[str], list[str]]] = {
    "deposit": (["1010", "1020", "1030"], ["2010", "2020", "2030"]),
    "withdrawal": (["2010", "2020", "2030"], ["1010", "1020", "1030"]),
    "transfer": (["2010", "2020"], ["2010", "2020"]),
    "fee": (["2010", "2020"], ["4010", "6420"]),
    "settlement": (["1010", "1020"], ["1010", "1020"]),
    "bank_charge": (["6420"], ["1010", "1020"]),
    "capital": (["1010"], ["3010"]),
}

moves = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.sampled_from(KINDS[kind][0]),
        st.sampled_from(KINDS[kind][1]),
        st.integers(1, 10**20),
        st.integers(0, 364),
    )
)


@settings(max_examples=15, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(moves, min_size=1, max_size=25), days=st.integers(0, 364))
def _holds(oracle: Counter[tuple[str, date]], batch: list[Any], days: int) -> None:
    drafts = []
    for kind, debited, credited, minor, day in batch:
        if ASSET_OF[debited] != ASSET_OF[credited]:
            continue
        effective = STARTS_ON + timedelta(days=day)
        asset = ASSET_OF[debited]
        text = f"{minor}" if asset == "JPY" else f"{minor // 100}.{minor % 100:02}"
        drafts.append(draft(f"{debited} debit {text} {asset} / {credited} credit {text} {asset}", kind=kind, day=effective))
        oracle[debited, effective] += minor
        oracle[credited, effective] -= minor
    if drafts:
        assert {answer.outcome for answer in operations.post_entries(drafts=drafts, scope="property")} == {"posted"}
    as_of = STARTS_ON + timedelta(days=days)
    note(f"as of {as_of}")
    _assert_agrees(oracle, as_of=as_of)


def _assert_agrees(oracle: Counter[tuple[str, date]], *, as_of: date) -> None:
    sections = trial_balance_sections(trial_balance(accounts=Account.objects.all(), as_of=as_of), by_control=False)
    assert [section.difference_minor for section in sections] == [0] * len(sections)
    shown = {row.code: row.debit_minor - row.credit_minor for section in sections for row in section.rows}
    expected: Counter[str] = Counter()
    for (code, day), minor in oracle.items():
        if day <= as_of:
            expected[code] += minor
    assert {code: net for code, net in shown.items() if net} == {code: net for code, net in expected.items() if net}


def test_debits_equal_credits_in_each_asset_on_every_day(chart: dict[str, Account]) -> None:
    oracle: Counter[tuple[str, date]] = Counter()
    _holds(oracle)
    # Balances, sequence and running balance are those of the postings, one by one.
    for row in Balance.objects.select_related("account"):
        legs = list(Posting.objects.filter(account=row.account).order_by("account_seq"))
        assert [leg.account_seq for leg in legs] == list(range(1, row.version + 1))
        held = 0
        for leg in legs:
            held += int(leg.amount_minor) if leg.direction == row.account.normal_side else -int(leg.amount_minor)
            assert int(leg.balance_after_minor or 0) == held
        assert queries.balance_of(row.account) == held
        assert held == sum(net for (code, _), net in oracle.items() if code == row.account.code) * (
            1 if row.account.normal_side == "debit" else -1
        )


def test_it_nets_accounts_under_their_control_account(chart: dict[str, Account], post: Post) -> None:
    for code in ("2010", "2020"):
        operations.change_account(account=chart[code], changes={"parent": "1900"})
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    post("2020 debit 4.00 USD / 4010 credit 4.00 USD", kind="fee")
    (section,) = trial_balance_sections(trial_balance(accounts=Account.objects.all(), as_of=date(2026, 12, 31)), by_control=True)
    assert [(row.code, row.debit_minor, row.credit_minor, row.accounts) for row in section.rows] == [
        ("1010", 1000, 0, 1),
        ("1900", 0, 600, 2),
        ("4010", 0, 400, 1),
    ]
    assert section.difference_minor == 0


@pytest.mark.parametrize(("as_of", "held"), [(date(2026, 3, 1), 0), (date(2026, 3, 2), 1000), (date(2026, 3, 3), 700)])
def test_it_is_as_of_the_effective_date_whatever_the_order_of_posting(post: Post, as_of: date, held: int) -> None:
    post("2010 debit 3.00 USD / 1010 credit 3.00 USD", kind="withdrawal", day=date(2026, 3, 3))
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", day=date(2026, 3, 2))
    assert queries.effective_balance(account=Account.objects.get(code="1010"), as_of=as_of) == held
    assert balance("1010") == "7.00 USD"


def test_a_balance_is_followed_back_day_by_day(post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", day=date(2026, 3, 2))
    post("2010 debit 3.00 USD / 1010 credit 3.00 USD", kind="withdrawal", day=date(2026, 3, 4))
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", day=date(2026, 3, 2))
    account = Account.objects.select_related("balance").get(code="2010")
    assert queries.balance_histories(accounts=[account], days=30)[account.pk] == [
        (date(2026, 3, 2), 1100),
        (date(2026, 3, 3), 1100),
        (date(2026, 3, 4), 800),
    ]
    # Two legs alone are read: the earlier day may be incomplete and is left out.
    assert queries.balance_histories(accounts=[account], days=30, legs=2)[account.pk] == [(date(2026, 3, 3), 1100), (date(2026, 3, 4), 800)]
