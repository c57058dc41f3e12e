"""Recurring entries: which days they have, what is due, and what they posted."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from ledger.models import Frequency, JournalEntry, RecurringEntry
from ledger.queries import entities_for
from ledgerops.lib.calendars import is_business_day
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class RecurringNotFound(Refusal):
    code = "recurring_not_found"
    kind = RefusalKind.NOT_FOUND


def recurring_for(user: "AbstractUser") -> QuerySet[RecurringEntry]:
    """Return the recurring entries of the entities in sight, those that run first."""
    entities = entities_for(user).order_by().values("pk")
    return (
        RecurringEntry.objects.filter(entity__in=entities)
        .select_related("entity")
        .order_by("-active", F("next_on").asc(nulls_last=True), "code")
    )


def recurring_of(user: "AbstractUser", *, code: str) -> RecurringEntry:
    """Return one recurring entry.

    :raises RecurringNotFound: if it does not exist or belongs to an entity out of the user's sight.
    """
    rule = recurring_for(user).filter(code=code).first()
    if rule is None:
        raise RecurringNotFound(f"there is no recurring entry {code} in your scope")
    return rule


def first_day(*, frequency: str, day: int, starts_on: date) -> date:
    """Return the first day on or after the start on which an entry comes, before business days are looked at."""
    return _next(frequency=frequency, day=day, after=starts_on - timedelta(days=1))


def following_day(rule: RecurringEntry, *, after: date) -> date:
    return _next(frequency=rule.frequency, day=rule.day, after=after)


def next_days(rule: RecurringEntry, *, count: int = 3) -> list[date]:
    """Return the next days on which a running rule comes."""
    days: list[date] = []
    day = rule.next_on if rule.active else None
    while day is not None and len(days) < count and (rule.ends_on is None or day <= rule.ends_on):
        days.append(day)
        day = following_day(rule, after=day)
    return days


def _next(*, frequency: str, day: int, after: date) -> date:
    if frequency == Frequency.MONTHLY:
        found = _in_month(after.year, after.month, day)
        return found if found > after else _in_month(after.year + after.month // 12, after.month % 12 + 1, day)
    found = after + timedelta(days=1)
    while not (is_business_day(found) if frequency == Frequency.DAILY else found.isoweekday() == day):
        found += timedelta(days=1)
    return found


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))


def due_rules(*, today: date) -> list[int]:
    """Return the rules that have something to post, as far as can be said without locking them."""
    occurrence_due = Q(active=True, next_on__lte=today)
    return list(
        RecurringEntry.objects.filter(occurrence_due | Q(auto_reversing=True, occurrences__gt=0))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def unreversed(rule: RecurringEntry) -> JournalEntry | None:
    """Return the oldest occurrence that has not undone itself yet; what somebody has reversed, in full or in part, is theirs to see to."""
    undone = JournalEntry.objects.filter(
        Q(proposal_id=rule.proposal_id, proposal_part=OuterRef("proposal_part") + 1) | Q(reverses=OuterRef("pk"))
    )
    occurrences = JournalEntry.objects.annotate(odd=F("proposal_part") % 2).filter(proposal_id=rule.proposal_id, odd=0)
    return occurrences.exclude(Exists(undone)).select_related("period").order_by("proposal_part").first()


def reversal_day(occurrence: JournalEntry) -> date:
    """Return the first day of the period after the one that the occurrence is in."""
    return occurrence.period.ends_on + timedelta(days=1)


def posted_of(rules: Sequence[RecurringEntry], *, most: int = 200) -> dict[str, list[JournalEntry]]:
    """Return what each rule posted by its code, newest first, no more than `most` altogether."""
    codes = {rule.proposal_id: rule.code for rule in rules}
    posted: dict[str, list[JournalEntry]] = {rule.code: [] for rule in rules}
    for entry in JournalEntry.objects.filter(proposal_id__in=codes).order_by("-number")[:most]:
        assert entry.proposal_id is not None
        posted[codes[entry.proposal_id]].append(entry)
    return posted
