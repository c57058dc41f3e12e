"""What a bank said that an account held at the end of a day, as it was known at an instant."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from recon.models import COUNTING_KINDS, Purpose, Source, Statement

CLOSING, NEXT_OPENING, MISSING = "closing_of_the_day", "next_opening", "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankBalance:
    """A balance and the rule by which it counts; None where nothing says it."""

    rule: str
    minor: int | None
    statement_id: UUID | None
    number: str
    digest: str
    proof: str


def balance_at(*, source: Source, day: date, known_at: datetime) -> BankBalance:
    """Return the closing booked balance of the day; without one, the opening of the next statement that has no line of that day."""
    known = _known(source, known_at=known_at)
    closing = known.filter(closing_date=day, closing_minor__isnull=False).order_by("-sequence", "-accepted_at", "-id").first()
    if closing is not None and closing.closing_minor is not None:
        return _said(closing, rule=CLOSING, minor=int(closing.closing_minor))
    later = known.filter(closing_date__gt=day, opening_minor__isnull=False).order_by("closing_date", "accepted_at", "id").first()
    if later is not None and later.opening_minor is not None and (later.booked_from is None or later.booked_from > day):
        return _said(later, rule=NEXT_OPENING, minor=int(later.opening_minor))
    return BankBalance(rule=MISSING, minor=None, statement_id=None, number="", digest="", proof="")


def _known(source: Source, *, known_at: datetime) -> QuerySet[Statement]:
    """Return the versions of statements that counted at that instant."""
    newer = Statement.objects.filter(supersedes=OuterRef("pk"), accepted_at__lte=known_at)
    counted = Statement.objects.filter(Q(source=source, kind__in=COUNTING_KINDS, accepted_at__lte=known_at) & ~Q(purpose=Purpose.DELETION))
    return counted.filter(~Exists(newer))


def _said(statement: Statement, *, rule: str, minor: int) -> BankBalance:
    return BankBalance(
        rule=rule, minor=minor, statement_id=statement.pk, number=statement.number, digest=statement.content_digest, proof=statement.proof
    )
