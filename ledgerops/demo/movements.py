"""A handful of movements to follow from event to trial balance: one of each thing that can become of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledger.models import Transaction
from ledgerops.demo import chart

SCOPE = "demo-movements"
DAYS_HELD = 7
CUSTOMER, EURO, LIMITED = f"{chart.FOLLOWED}-USD", f"{chart.FOLLOWED}-EUR", f"{chart.OVERDRAWN}-USD"
PARTNER = chart.partner_account(asset="USD")
SCHEME = chart.clearing_account(asset="USD")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Records movements of one day; each key is its own, so that loading again changes nothing."""

    entity: str
    day: date
    actor_id: int

    def record(self, key: str, *, kind: str, description: str, debit: str, credit: str, minor: int, **further: Any) -> UUID:
        asset = debit.partition("-")[2]
        lines = [
            Line(account=debit, direction=DEBIT, amount_minor=minor, asset=asset),
            Line(account=credit, direction=CREDIT, amount_minor=minor, asset=asset),
        ]
        draft = EntryDraft(
            key=key, type=kind, entity=self.entity, effective_date=self.day, description=description, reference=key.upper(), lines=lines,
            actor_id=self.actor_id, **further,
        )  # fmt: skip
        recorded = ledger.record_transaction(draft=draft, scope=SCOPE).entry_id
        assert recorded is not None, "what is not recorded is raised"
        return recorded

    def reports(self, transaction_id: UUID, *, name: str, source: str, said: Sequence[tuple[str, str, str]]) -> None:
        """Report what a source says, in its order: (axis, what it became, the source's event id)."""
        for minutes, (axis, to, event) in enumerate(said):
            at = datetime.combine(self.day, time(9, 5 * minutes), tzinfo=UTC)
            ledger.report_status(
                transaction_id=transaction_id,
                axis=axis,
                to=to,
                source=source,
                source_event_id=f"{name}-{event}",
                source_at=at,
                actor_id=self.actor_id,
            )

    def hold(self, key: str, *, kind: str, description: str, minor: int) -> UUID:
        """Set money of the customer aside from now on; a hold that is there already stays as it is."""
        known = Transaction.objects.filter(scope=SCOPE, key=key).values_list("pk", flat=True).first()
        if known is not None:
            return known
        request = ledger.HoldRequest(
            key=key, type=kind, entity=self.entity, account=CUSTOMER, direction=DEBIT, amount_minor=minor, asset="USD",
            expires_at=timezone.now() + timedelta(days=DAYS_HELD), description=description, reference=key.upper(),
        )  # fmt: skip
        return ledger.place_hold(request=request, scope=SCOPE, actor_id=self.actor_id).hold_id


def load_movements(*, entity: str, day: date, actor_id: int) -> None:
    """Record the movements on a day of the company; those that are there already stay as they are."""
    writer = _Writer(entity=entity, day=day, actor_id=actor_id)
    _settled_deposit(writer)
    _conversion(writer)
    _captured_holds(writer)
    _returned_deposit(writer)
    _conflicting_withdrawal(writer)


def _settled_deposit(writer: _Writer) -> None:
    """A deposit that is announced, posts when the bank says so, and settles; one report comes twice and one too late."""
    deposit = writer.record(
        "follow-deposit", kind="deposit", description="Deposit by wire, followed to settlement", debit=PARTNER, credit=CUSTOMER,
        minor=5_000_00, initiate=True,
    )  # fmt: skip
    said = [
        ("status", "posted", "received"),
        ("settlement", "confirmed", "confirmed"),
        ("settlement", "confirmed", "confirmed"),
        ("settlement", "settled", "settled"),
        ("settlement", "sent", "sent"),
    ]
    if not Transaction.objects.filter(pk=deposit, settlement="settled").exists():
        writer.reports(deposit, name="DEPOSIT", source="PARTNER-BANK", said=said)


def _conversion(writer: _Writer) -> None:
    """Euros deposited, and a part of them converted to dollars with a spread."""
    writer.record(
        "follow-euros", kind="deposit", description="Euro deposit before a conversion", debit=chart.partner_account(asset="EUR"),
        credit=EURO, minor=2_000_00,
    )  # fmt: skip
    ledger.convert(
        request=ledger.ConversionRequest(
            key="follow-conversion", entity=writer.entity, effective_date=writer.day, sold_account=EURO, bought_account=CUSTOMER,
            quote_id="QUOTE-0001", rate="1.08423", quoted_at=datetime.combine(writer.day, time(9, 30), tzinfo=UTC), sold_minor=1_000_01,
            spread_bps=50, spread_account=chart.spread_account(asset="EUR"), reference="FOLLOW-CONVERSION", actor_id=writer.actor_id,
        ),
        scope=SCOPE,
    )  # fmt: skip


def _captured_holds(writer: _Writer) -> None:
    """A hold of which a part was captured and the rest given back, and a card authorisation captured twice that still keeps some."""
    once = writer.hold("follow-hold", kind="hold", description="Payment reserved, partly captured", minor=500_00)
    writer.record(
        "follow-capture", kind="payment", description="Capture of a part", debit=CUSTOMER, credit=SCHEME, minor=320_00, hold_id=once,
        final=True,
    )  # fmt: skip
    card = writer.hold("follow-authorisation", kind="authorisation", description="Card authorisation, captured in parts", minor=900_00)
    for number, minor in ((1, 250_00), (2, 410_00)):
        writer.record(
            f"follow-part-{number}", kind="payment", description=f"Part {number} of a card authorisation", debit=CUSTOMER, credit=SCHEME,
            minor=minor, hold_id=card,
        )  # fmt: skip


def _returned_deposit(writer: _Writer) -> None:
    """A deposit that the bank takes back after it was spent: what the customer lacks becomes a receivable."""
    deposit = writer.record(
        "follow-spent", kind="deposit", description="Direct debit, taken back later", debit=PARTNER, credit=LIMITED, minor=800_00
    )
    writer.record("follow-spending", kind="transfer", description="Spending of it", debit=LIMITED, credit=CUSTOMER, minor=600_00)
    writer.record(
        "follow-return", kind="return", description="Direct debit returned unpaid", debit=LIMITED, credit=PARTNER, minor=800_00,
        reverses=deposit,
    )  # fmt: skip


def _conflicting_withdrawal(writer: _Writer) -> None:
    """A posted withdrawal that the bank first reports as failed, which cannot be, and then returns."""
    paid = writer.record(
        "follow-withdrawal", kind="withdrawal", description="Withdrawal reported as failed", debit=CUSTOMER, credit=PARTNER, minor=450_00
    )
    if Transaction.objects.filter(pk=paid, status="posted").exists():
        said = [("settlement", "sent", "sent"), ("status", "failed", "failed"), ("settlement", "returned", "returned")]
        writer.reports(paid, name="WITHDRAWAL", source="PARTNER-BANK", said=said)
    writer.record(
        "follow-refund", kind="return", description="Withdrawal returned by the bank", debit=PARTNER, credit=CUSTOMER, minor=450_00,
        reverses=paid,
    )  # fmt: skip
