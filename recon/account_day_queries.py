"""One account-day, whole: its figures, what is open, how that went on, and where to look when something is unexplained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from ledger.models import Account, Direction, Posting
from ledgerops.lib.calendars import business_days_apart
from recon.day_queries import DayStanding, Forward, OpenAt, OpenItem, figures_by_day, open_items_at, roll_forward
from recon.matching.rules import Rules
from recon.matching.unexplained import DayRow, Hint, hints_for
from recon.models import Break, BreakState, Reconciliation, RulesStatus, RulesVersion, Side, Source, Statement, StatementLine
from recon.queries import SourceNotFound, reconciliations_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# So many rows of a day are looked through for an explanation; beyond them any amount is there by chance.
ROWS_LOOKED_AT = 5_000
# So many open items of each side and flow are rows of a page.
ITEMS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """An open item with its age in business days on that day, and the live break that stands for it."""

    open: OpenItem
    age_days: int
    held_by: Break | None
    line: StatementLine | None
    number: str

    @property
    def explanation(self) -> str:
        """Return why it is open: what cleared it since, or the break that stands for it."""
        if self.open.cleared_on is not None:
            return f"timing: matched by what came on {self.open.cleared_on}"
        if self.held_by is not None:
            return f"{self.held_by.public_number}: {self.held_by.get_type_display().lower()}"
        return "open, and no run has looked at it yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFound:
    """A row that a hint rests on: a posting's entry, or a line with its statement."""

    label: str
    signed_minor: int
    entry_id: UUID | None = None
    statement_id: UUID | None = None
    ordinal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHint:
    hint: Hint
    groups: Sequence[Sequence[RowFound]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """What the page, the files and the certificate of an account-day show. `before` is the day from which the open items went on."""

    reconciliation: Reconciliation
    figures: DayStanding
    before: DayStanding
    opened: OpenAt
    items: Sequence[ShownItem]
    forward: Sequence[Forward]
    hints: Sequence[ShownHint]

    @property
    def day(self) -> date:
        return self.figures.day

    @property
    def open_minor(self) -> int:
        """Return the sum of all open items, row by row."""
        return self.opened.difference_minor

    @property
    def adds_up(self) -> bool:
        """Whether the rows come to the sums that are kept, and the open items went on without a hole."""
        return self.open_minor == self.figures.open_minor and not any(one.difference_minor for one in self.forward)

    def part(self, side: str, flow: str) -> Sequence[ShownItem]:
        return [one for one in self.items if (one.open.item.side, one.open.item.flow) == (side, flow)]


def home_of(user: "AbstractUser", *, account: Account) -> Reconciliation:
    """Return the reconciliation of an account against the source that keeps statements of it.

    :raises SourceNotFound: if no source does, or none in the user's sight.
    """
    found = (
        reconciliations_for(user)
        .select_related("source__account__asset", "source__account__entity")
        .filter(source__account=account, home=True)
    )
    first = found.first()
    if first is None:
        raise SourceNotFound(f"nobody else keeps a statement of account {account.code} in your scope")
    return first


def latest_day(source: Source) -> date | None:
    """Return the latest day that a statement of the source closes."""
    closed = Statement.objects.counting().filter(source=source, closing_minor__isnull=False)
    return closed.order_by("-closing_date").values_list("closing_date", flat=True).first()


def account_day(reconciliation: Reconciliation, *, day: date, before: date | None = None, most: int = ITEMS_SHOWN) -> AccountDay:
    """Return an account at the end of a day, with how its open items went on since the end of the day before, or of another one.

    Of each side and flow the `most` oldest open items are among its rows; its figures are of all.
    """
    since = before if before is not None and before < day else day - timedelta(days=1)
    found = figures_by_day([reconciliation], since=since, until=day)[reconciliation.pk]
    opened = open_items_at(reconciliation, day=day, most=most)
    return AccountDay(
        reconciliation=reconciliation,
        figures=found[day],
        before=found[since],
        opened=opened,
        items=shown_items(opened.items, day=day, calendar=reconciliation.calendar),
        forward=roll_forward(reconciliation, before=since, day=day, closing=opened),
        hints=_hints(reconciliation, figures=found[day], before=found[since], items=opened.items),
    )


def shown_items(items: Sequence[OpenItem], *, day: date, calendar: str) -> list[ShownItem]:
    """Return the open items of a day with their ages, the live breaks that stand for them, and the names of their records."""
    ids = [one.item.pk for one in items]
    live = Break.objects.exclude(state=BreakState.RESOLVED).select_related("assignee")
    breaks = list(live.filter(Q(ledger_item__in=ids) | Q(statement_item__in=ids)))
    held = {pk: one for one in breaks for pk in (one.ledger_item_id, one.statement_item_id) if pk is not None}
    lines = StatementLine.objects.select_related("statement").in_bulk(
        [one.item.statement_line_id for one in items if one.item.statement_line_id]
    )
    entries = [one.item.entry_id for one in items if one.item.entry_id]
    numbers: dict[UUID | None, int] = dict(Posting.objects.filter(entry__in=entries).values_list("entry_id", "entry__number").distinct())
    shown = []
    for one in items:
        line = lines.get(one.item.statement_line_id or 0)
        number = f"line {line.ordinal}" if line else f"LE-{numbers.get(one.item.entry_id)}"
        age = business_days_apart(one.since, day, calendar=calendar)
        shown.append(ShownItem(open=one, age_days=age, held_by=held.get(one.item.pk), line=line, number=number))
    return shown


def _hints(reconciliation: Reconciliation, *, figures: DayStanding, before: DayStanding, items: Sequence[OpenItem]) -> list[ShownHint]:
    if not figures.unexplained_minor:
        return []
    rows = _rows_of(reconciliation, day=figures.day, items=items)
    active = (
        RulesVersion.objects.filter(reconciliation=reconciliation, status=RulesStatus.ACTIVE).values_list("definition", flat=True).get()
    )
    hints = hints_for(
        difference_minor=figures.unexplained_minor,
        rows=[DayRow(ref=ref, signed_minor=row.signed_minor) for ref, row in rows.items()],
        before_minor=before.unexplained_minor,
        tariffs=Rules.from_json(active).tariffs,
    )
    return [ShownHint(hint=hint, groups=[[rows[row.ref] for row in group] for group in hint.groups]) for hint in hints]


def _rows_of(reconciliation: Reconciliation, *, day: date, items: Sequence[OpenItem]) -> Mapping[str, RowFound]:
    """Return the postings and the lines of a day, and what was open at its end, by what says which they are."""
    entry_ids = [one.item.entry_id for one in items if one.item.side == Side.LEDGER]
    line_ids = [one.item.statement_line_id for one in items if one.item.statement_line_id is not None]
    own = Posting.objects.filter(account=reconciliation.source.account_id)
    told = ("entry_id", "line", "entry__number", "direction", "amount_minor")
    postings = [*own.filter(effective_date=day).values_list(*told)[:ROWS_LOOKED_AT], *own.filter(entry__in=entry_ids).values_list(*told)]
    found = {
        f"posting {number:012d} {line}": RowFound(
            label=f"LE-{number}", signed_minor=int(minor) if direction == Direction.DEBIT else -int(minor), entry_id=entry_id
        )
        for entry_id, line, number, direction, minor in postings
    }
    statements = Statement.objects.counting().filter(source=reconciliation.source_id, closing_date=day)
    of_day = StatementLine.objects.filter(statement__in=list(statements.values_list("pk", flat=True)))
    of_line = ("id", "statement_id", "ordinal", "flow", "amount_minor")
    lines = [*of_day.values_list(*of_line)[:ROWS_LOOKED_AT], *StatementLine.objects.filter(pk__in=line_ids).values_list(*of_line)]
    return found | {
        f"line {pk:012d}": RowFound(
            label=f"line {ordinal}", signed_minor=int(minor) if flow == "in" else -int(minor), statement_id=statement_id, ordinal=ordinal
        )
        for pk, statement_id, ordinal, flow, minor in lines
    }
