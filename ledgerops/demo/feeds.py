"""What the demo company expects from whom and when, and a partner whose CSV files are read by a mapping that two people agreed on.

One row of the partner's files cannot be read, and its last file begins a day early and so repeats a line.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, time, timedelta

from django.contrib.auth import get_user_model

from audit.context import Origin, acting_from
from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledger.operations.posting import refusal_of
from ledgerops.demo import chart
from ledgerops.demo.bankdays import bank_day_before
from ledgerops.demo.movements import EURO
from ledgerops.demo.people import approve
from ledgerops.demo.shapes import Company, PlannedSource, Statement, StatementLine
from ledgerops.demo.writers.tables import definition, write_csv
from ledgerops.lib.transactions import database_now
from recon import operations as recon
from recon.due import Terms
from recon.models import MAPPED, Source, SourceKind
from recon.source_queries import mapping_in_force

SCOPE = "demo-partner"
DAYS_DELIVERED = 6
# A company that was loaded for the past expects nothing any more: everything since would be missing.
PAST_AFTER = timedelta(days=5)
NEVER_YET = 7 * 24 * 60
# The statement with a refund whose amount ends with a letter.
MISTYPED = 4
REFUND_MINOR = -85_40
REFUND = "refund"

PARTNER = PlannedSource(
    code="PARTNER-EUR", name="Payments partner EUR payouts", format="csv", account_code=chart.partner_account(asset="EUR"),
    identifier="PARTNER-4471-EUR", asset="EUR", servicer="Payments partner", bic="",
)  # fmt: skip
# Calendar, time zone, when it is due, business days after, minutes of grace. The partner is late, and not missing for a week.
EXPECTED = {
    "HARBOR-USD": ("FED", "America/New_York", time(7, 0), 3, 120),
    "HARBOR-FBO": ("FED", "America/New_York", time(7, 0), 3, 120),
    "RHEIN-EUR": ("TARGET", "Europe/Berlin", time(7, 30), 3, 120),
    PARTNER.code: ("TARGET", "Europe/Berlin", time(6, 0), 1, NEVER_YET),
}


def load_feeds(company: Company) -> None:
    """Add them once; a company that has them stays as it is."""
    delivered = sorted({file.statement_date for file in company.files if file.imported})
    if not delivered:
        return
    analyst = get_user_model().objects.get(username="analyst")
    source = recon.register_source(
        code=PARTNER.code, name=PARTNER.name, identifier=PARTNER.identifier, account=PARTNER.account_code, servicer=PARTNER.servicer,
        kind=SourceKind.PROCESSOR, format=MAPPED,
    )  # fmt: skip
    statements = list(_statements(delivered[-DAYS_DELIVERED:]))
    _post(statements, entity=company.entity_code)
    if mapping_in_force(source) is None:
        _agree_on_mapping(source, sample=statements[0], maker_id=analyst.pk)
    _deliver(source, statements=statements, received_by_id=analyst.pk)
    _expect(first_day=delivered[0], last_day=delivered[-1])


def _statements(days: Sequence[date]) -> Iterator[Statement]:
    """Yield a statement a day; the last one begins with the day before, which it repeats."""
    opening = 0
    before: tuple[StatementLine, ...] = ()
    for number, day in enumerate(days, start=1):
        payout = StatementLine(
            booking_date=day, value_date=day, amount_minor=2_350_00 + number * 417_35, reference=f"PAYOUT-{day:%Y%m%d}",
            bank_reference=f"PP{day:%y%m%d}01", category="payout", counterparty="Payments partner", counterparty_account="",
            remittance=f"Payout of {day:%d.%m.%Y}",
        )  # fmt: skip
        refund = replace(
            payout, amount_minor=REFUND_MINOR, reference=f"REFUND-{day:%Y%m%d}", bank_reference=f"PP{day:%y%m%d}02", category=REFUND,
            remittance="Refund to a payer",
        )  # fmt: skip
        late = replace(payout, amount_minor=310_00, reference=f"PAYOUT-{day:%Y%m%d}-2", bank_reference=f"PP{day:%y%m%d}03")
        own = (payout, refund, late) if number == MISTYPED else (payout,)
        repeated = before if number == len(days) else ()
        yield Statement(
            source=PARTNER, scale=2, owner=chart.ENTITY_NAME, statement_date=day, opening_date=bank_day_before(day), number=number,
            opening_minor=opening - sum(line.amount_minor for line in repeated), lines=(*repeated, *own),
        )  # fmt: skip
        opening, before = opening + sum(line.amount_minor for line in own), own


def _as_sent(statement: Statement) -> bytes:
    """Return the partner's file; who typed the refund wrote a letter where a digit belongs."""
    return write_csv(statement).replace(b"-85,40", b"-85,4O")


def _post(statements: Sequence[Statement], *, entity: str) -> None:
    """Post each payout in the books, as a deposit of the customer that it was collected for."""
    drafts = [
        EntryDraft(
            key=f"payout-{line.reference}",
            type="deposit",
            entity=entity,
            effective_date=line.value_date,
            description="Payout of the payments partner",
            reference=line.reference,
            counterparty=line.counterparty,
            lines=[
                Line(account=PARTNER.account_code, direction=DEBIT, amount_minor=line.amount_minor, asset=PARTNER.asset),
                Line(account=EURO, direction=CREDIT, amount_minor=line.amount_minor, asset=PARTNER.asset),
            ],
        )
        for statement in statements
        for line in statement.lines
        if line.booking_date == statement.statement_date and line.category != REFUND
    ]
    for result in ledger.post_entries(drafts=drafts, scope=SCOPE):
        if result.entry_id is None:
            raise refusal_of(result)


def _agree_on_mapping(source: Source, *, sample: Statement, maker_id: int) -> None:
    content = io.BytesIO(write_csv(sample))
    file = recon.receive_sample(source_id=source.pk, name=_name(sample), content=content, received_by_id=maker_id)
    version = recon.draft_mapping(source_id=source.pk, definition=definition("csv", sample), sample_id=file.pk, drafted_by_id=maker_id)
    approve(
        recon.submit_mapping(
            mapping_id=version.pk, reason_code="MAPPING_NEW", narrative="Agreed with the partner: CSV, newest row first.", maker_id=maker_id
        )
    )


def _deliver(source: Source, *, statements: Sequence[Statement], received_by_id: int) -> None:
    for statement in statements:
        content = _as_sent(statement)
        file, _ = recon.receive_file(
            name=_name(statement),
            content=io.BytesIO(content),
            maximum_bytes=len(content),
            received_by_id=received_by_id,
            source_id=source.pk,
        )
        if file.status == "stored":  # the sample of the mapping, which reads it now
            file = recon.read_stored_file(file_id=file.pk)
        for run in recon.accept_file(file_id=file.pk, source_ids=[source.pk]):
            recon.execute_run(run_id=run.pk)


def _expect(*, first_day: date, last_day: date) -> None:
    controller = get_user_model().objects.get(username="controller")
    is_past = database_now().date() - last_day > PAST_AFTER
    with acting_from(lambda: Origin(user_id=controller.pk, user_name=controller.get_username())):
        for code, (calendar, zone, due, days_after, grace) in EXPECTED.items():
            source = Source.objects.get(code=code)
            first = source.statements.order_by("closing_date").values_list("closing_date", flat=True).first() or first_day
            terms = Terms(
                frequency="business_daily", calendar=calendar, timezone=zone, due_time=due, days_after=days_after, grace_minutes=grace,
                weekday=None, starts_on=first, ends_on=last_day if is_past else None,
            )  # fmt: skip
            if not hasattr(source, "feed"):
                recon.set_feed(source_id=source.pk, terms=terms)


def _name(statement: Statement) -> str:
    return f"{PARTNER.code}_{statement.statement_date.isoformat()}.csv"
