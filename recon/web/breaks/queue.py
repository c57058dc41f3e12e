"""The breaks around one break, in the list the analyst came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict

from approvals.models import User
from recon.break_clock import Clock
from recon.models import Break
from recon.web.breaks.filters import BreakFilter, order_of
from recon.web.breaks.listing import Row, row_of

BEFORE_SHOWN = 4
AFTER_SHOWN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A window of the list around the open break. `position` is None where the list no longer holds it."""

    rows: Sequence[Row]
    total: int
    position: int | None
    previous: Break | None
    next: Break | None


def queue_around(recon_break: Break, *, query: QueryDict, user: User, clock: Clock) -> Queue:
    order = order_of(query)
    found = BreakFilter(query, user=user, today=clock.today).qs
    before = found.filter(_past(recon_break, order=order, forwards=False))
    after = found.filter(_past(recon_break, order=order, forwards=True))
    backwards = [field.removeprefix("-") if field.startswith("-") else f"-{field}" for field in order]
    around = list(before.order_by(*backwards)[:BEFORE_SHOWN].union(after.order_by(*order)[:AFTER_SHOWN], all=True))
    earlier, later = _sorted_around(recon_break, around, order=order)
    counted = _position(found, before=_past(recon_break, order=order, forwards=False), pk=recon_break.pk)
    shown = [*earlier, *([recon_break] if counted["listed"] else []), *later]
    return Queue(
        rows=[row_of(each, clock=clock) for each in shown],
        total=counted["total"],
        position=counted["before"] + 1 if counted["listed"] else None,
        previous=earlier[-1] if earlier else None,
        next=later[0] if later else None,
    )


def _sorted_around(recon_break: Break, around: Sequence[Break], *, order: Sequence[str]) -> tuple[list[Break], list[Break]]:
    """Return what comes before a break and what comes after it, in the order of the list."""
    names, descending = [field.removeprefix("-") for field in order], order[0].startswith("-")

    def place(each: Break) -> tuple[Any, ...]:
        return tuple(getattr(each, name) for name in names)

    ordered, own = sorted(around, key=place, reverse=descending), place(recon_break)
    earlier = [each for each in ordered if (place(each) < own) != descending]
    return earlier, ordered[len(earlier) :]


def _position(found: QuerySet[Break], *, before: Q, pk: object) -> dict[str, int]:
    """Count the list, the breaks before this one, and this one."""
    counts: dict[str, int] = found.order_by().aggregate(
        total=Count("pk"), before=Count("pk", filter=before), listed=Count("pk", filter=Q(pk=pk))
    )
    return counts


def _past(recon_break: Break, *, order: Sequence[str], forwards: bool) -> Q:
    """Return the condition of the breaks on one side of this one in an order of two fields."""
    first, second = (field.removeprefix("-") for field in order)
    lookup = "lt" if order[0].startswith("-") == forwards else "gt"
    value, number = getattr(recon_break, first), getattr(recon_break, second)
    return Q(**{f"{first}__{lookup}": value}) | Q(**{first: value, f"{second}__{lookup}": number})
