"""Books with one of everything that the integrity checker looks at, all of it right."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, User
from ledger import operations as ledger
from ledger.accounting import EntryDraft, swapped
from ledger.models import AccountingPeriod, AccountPurpose, AccountType, Hold, OwnerClass
from ledger.operations.holds import HoldRequest
from tests.concurrency import scene
from tests.fixtures import ENTITY, GROUP, draft

DEFERRED, LIMITED, RECEIVABLE, CONTROL, CHILD = "4011", "2060", "1901", "2100", "2101"
LAST_YEAR = date(2025, 6, 30)


def busy_books(*, maker: User, checker: User) -> None:
    """Post into strict, deferred, limited and controlled accounts; hold, capture, return, report, adjust by hand, close a period."""
    _accounts()
    ledger.open_period(entity=ENTITY, starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31))
    _post("1010 debit 100.00 USD / 2010 credit 100.00 USD", day=LAST_YEAR)
    ledger.close_period(period_id=AccountingPeriod.objects.get(starts_on=date(2025, 1, 1)).pk)
    settled = _post("1010 debit 50.00 USD / 2020 credit 30.00 USD / 2010 credit 20.00 USD", reference="SETTLED")
    ledger.report_status(transaction_id=settled, axis="settlement", to="settled", source="bank", source_event_id="1")
    _post(f"1010 debit 7.00 USD / {CHILD} credit 7.00 USD")
    _post("1040 debit 5.000000 USDC / 2040 credit 5.000000 USDC")
    _post(f"2010 debit 3.00 USD / {DEFERRED} credit 3.00 USD", kind="fee", day=date(2026, 1, 5))
    _post(f"2010 debit 4.00 USD / {DEFERRED} credit 4.00 USD", kind="fee")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_roll_account_v1(id, 1) FROM ledger_account WHERE code = %s", [DEFERRED])
    _returned_after_it_was_spent()
    _part_returned()
    _holds()
    _charge_booked_by_hand(maker=maker, checker=checker)


def _accounts() -> None:
    def add(code: str, kind: AccountType, owner_class: OwnerClass, **values: Any) -> None:
        ledger.open_account(
            code=code, name=f"Account {code}", entity=ENTITY, group=GROUP, asset="USD", account_type=kind, owner_class=owner_class, **values
        )

    add(DEFERRED, AccountType.INCOME, OwnerClass.FEE, controls={"deferred": True})
    add(LIMITED, AccountType.LIABILITY, OwnerClass.CUSTOMER, controls={"overdraft_limit": "0"})
    add(RECEIVABLE, AccountType.ASSET, OwnerClass.PLATFORM, purpose=AccountPurpose.SHORTFALL)
    add(CONTROL, AccountType.LIABILITY, OwnerClass.CUSTOMER, is_control=True)
    add(CHILD, AccountType.LIABILITY, OwnerClass.CUSTOMER, parent=CONTROL)


def _post(text: str, **values: Any) -> UUID:
    posted = ledger.post_entry(draft=draft(text, **values), scope="tests")
    assert posted.entry_id is not None
    return posted.entry_id


def _returned_after_it_was_spent() -> None:
    deposit = f"1010 debit 10.00 USD / {LIMITED} credit 10.00 USD"
    original = _post(deposit, reference="SPENT")
    _post(f"{LIMITED} debit 8.00 USD / 1010 credit 8.00 USD", kind="withdrawal")
    back = draft(deposit, kind="return", reverses=original)
    posted = ledger.post_entry(draft=_undoing(back), scope="tests")
    assert posted.detail["shortfalls"][0]["amount"] == "800", posted


def _part_returned() -> None:
    original = _post("1010 debit 12.00 USD / 2020 credit 12.00 USD", reference="PARTLY")
    back = draft("1010 debit 5.00 USD / 2020 credit 5.00 USD", kind="return", reverses=original)
    ledger.post_entry(draft=_undoing(back), scope="tests")


def _undoing(back: EntryDraft) -> EntryDraft:
    return replace(back, lines=swapped(back.lines))


def _holds() -> None:
    def place(key: str) -> UUID:
        request = HoldRequest(
            key=key, type="authorisation", entity=ENTITY, account="2010", direction="debit", amount_minor=1000, asset="USD",
            expires_at=timezone.now() + timedelta(days=1), description="Card",
        )  # fmt: skip
        return ledger.place_hold(request=request, scope="tests").hold_id

    open_hold, released = place("hold-open"), place("hold-released")
    text = "2010 debit 4.00 USD / 2020 credit 4.00 USD"
    ledger.post_entry(draft=draft(text, kind="transfer", hold_id=open_hold), scope="tests")
    ledger.release_hold(hold_id=released, key="release", scope="tests")
    assert Hold.objects.filter(closed_at=None).count() == 1


def _charge_booked_by_hand(*, maker: User, checker: User) -> None:
    source = scene.bank()
    scene.reconcile(scene.mt940(("D", 250, "CHARGE")), source=source, by=maker)
    proposal, version = scene.propose(scene.break_of(reference="CHARGE"), by=maker)
    approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        outcome=DecisionOutcome.APPROVE,
        comment="",
        approver_id=checker.pk,
    )
