"""What is limited and watched at the demo company, an account in deferred mode, and an entry that comes again."""

from datetime import date
from typing import Any

from django.contrib.auth import get_user_model

from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, Line
from ledger.models import Account, RecurringEntry
from ledger.operations.recurring import RecurringRequest, propose_recurring
from ledgerops.demo import chart
from ledgerops.demo.people import approve

ACCRUED = "CHARGES-ACCRUED"
DAY_MINUTES = 24 * 60


def load_controls(*, entity: str, day: date) -> None:
    """Add them once; a company that has them stays as it is."""
    if RecurringEntry.objects.filter(code=ACCRUED).exists():
        return
    maker = get_user_model().objects.get(username="analyst")
    watched = Account.objects.get(code=f"{chart.FOLLOWED}-{chart.FUNCTIONAL}")
    ledger.set_monitor(account_id=watched.pk, comparison="below", threshold_minor=100_00, set_by_id=maker.pk)
    ledger.set_monitor(
        account_id=Account.objects.get(code="1010-USD").pk, comparison="below", threshold_minor=2_500_000_00, set_by_id=maker.pk
    )
    velocity = {"direction": DEBIT, "window_minutes": DAY_MINUTES, "maximum": "2500000", "maximum_postings": 40}
    changes: list[tuple[str, dict[str, Any], str, str]] = [
        (watched.code, {"overdraft_limit": "0"}, "ACCOUNT_LIMIT", "Agreed without credit."),
        (watched.code, {"velocity": [velocity]}, "ACCOUNT_LIMIT", "At most 25,000.00 and 40 payments in 24 hours, as agreed."),
        (f"4010-{chart.FUNCTIONAL}", {"deferred": True}, "ACCOUNT_MODE", "Every fee meets here; its balance may follow."),
    ]
    for account, wanted, reason, narrative in changes:
        approve(ledger.propose_account_change(account=account, changes=wanted, reason_code=reason, narrative=narrative, maker_id=maker.pk))
    approve(propose_recurring(request=_accrual(entity, starts_on=day), maker_id=maker.pk))


def _accrual(entity: str, *, starts_on: date) -> RecurringRequest:
    return RecurringRequest(
        code=ACCRUED,
        name="Bank charges accrued at the end of the month",
        entity=entity,
        description="Bank charges of the month, accrued",
        reference="CHARGES",
        lines=[
            Line(account=f"5010-{chart.FUNCTIONAL}", direction=DEBIT, amount_minor=1_850_00, asset=chart.FUNCTIONAL),
            Line(account=f"2510-{chart.FUNCTIONAL}", direction=CREDIT, amount_minor=1_850_00, asset=chart.FUNCTIONAL),
        ],
        frequency="monthly",
        day=31,
        auto_reversing=True,
        starts_on=starts_on,
        ends_on=None,
        reason_code="RECURRING",
        narrative="Average of the last quarter; undone on the first day of the next month.",
    )
