"""Reading the trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from audit.models import AuditEvent
from ledgerops.lib import diff
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# An event's id is made within the same statement as its instant, so their clocks agree far closer than this.
CLOCK_SLACK = timedelta(seconds=5)

# What apps above call a row of the trail; its table is nobody's but this app's.
RecordedEvent = AuditEvent


class TrailNotVisible(Refusal):
    code = "trail_not_visible"
    kind = RefusalKind.FORBIDDEN


def events_for(user: "AbstractUser") -> QuerySet[AuditEvent]:
    """Return the whole trail, newest first, for those who may search it.

    :raises TrailNotVisible: for everybody else.
    """
    if not user.has_perm("audit.search_trail"):
        raise TrailNotVisible("your roles do not include searching the trail")
    return AuditEvent.objects.all()


def between(events: QuerySet[AuditEvent], *, since: date | None, until: date | None) -> QuerySet[AuditEvent]:
    """Return the events of the days, both included, in UTC.

    Ids hold their instant, so the primary key narrows the search before the instants themselves decide.
    """
    if since is not None:
        start = datetime.combine(since, time.min, UTC)
        events = events.filter(id__gte=_first_id_of(start - CLOCK_SLACK), at__gte=start)
    if until is not None:
        end = datetime.combine(until + timedelta(days=1), time.min, UTC)
        events = events.filter(id__lt=_first_id_of(end + CLOCK_SLACK), at__lt=end)
    return events


def by_actor(events: QuerySet[AuditEvent], *, name: str) -> QuerySet[AuditEvent]:
    """Return the events of one person by user name, of the `system`, or of a `visitor`; of nobody if there is no such person."""
    kinds = {"system": "system", "visitor": "anonymous"}
    if name.lower() in kinds:
        return events.filter(actor_type=kinds[name.lower()])
    people = get_user_model().objects.filter(username__iexact=name).values_list("pk", flat=True)
    return events.filter(actor_id__in=list(people))


def by_target(events: QuerySet[AuditEvent], *, text: str) -> QuerySet[AuditEvent]:
    """Return the events about `<type> <id>`, `<type>:<id>`, or about any target of that id."""
    kind, _, key = text.strip().replace(":", " ", 1).partition(" ")
    if key:
        return events.filter(target_type=kind, target_id=key.strip())
    return events.filter(target_id=kind)


def timeline_of(*, target_type: str, target_id: object) -> QuerySet[AuditEvent]:
    """Return what happened to one object, oldest first. The caller has already shown the object to the reader."""
    return AuditEvent.objects.filter(target_type=target_type, target_id=str(target_id)).order_by("id")


def happened_to(*, target_type: str, target_ids: Sequence[str], since: datetime) -> QuerySet[AuditEvent]:
    """Return what happened to several objects since an instant, newest first. The caller has already shown them to the reader."""
    return AuditEvent.objects.filter(target_type=target_type, target_id__in=target_ids, at__gt=since, outcome="done").order_by("-id")


def everything_about(user: "AbstractUser", *, target_type: str, target_id: str) -> QuerySet[AuditEvent]:
    """Return the events that name one object as their target or, for a proposal, that it caused, for those who may search the trail.

    :raises TrailNotVisible: for everybody else.
    """
    named = Q(target_type=target_type, target_id=target_id)
    try:
        return events_for(user).filter(named | Q(proposal_id=UUID(target_id)))
    except ValueError:
        return events_for(user).filter(named)


def latest_of(*, target_type: str, target_id: object, actions: Sequence[str], limit: int) -> list[AuditEvent]:
    """Return the latest events of some actions about one object, newest first. The caller may see the object."""
    return list(timeline_of(target_type=target_type, target_id=target_id).filter(action__in=actions).order_by("-id")[:limit])


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One recorded value before and after, as a row of a comparison."""

    field: str
    comparison: diff.Comparison
    mono: bool = True


def values_of(event: AuditEvent) -> list[tuple[str, str]]:
    """Return what an event recorded of its act, field by field."""
    return list(_flat(event.after or {}).items())


def changes_of(event: AuditEvent) -> list[FieldChange]:
    """Return what an event recorded before and after its act, field by field; nothing if it recorded no state before."""
    if event.before is None:
        return []
    before, after = _flat(event.before), _flat(event.after or {})
    fields = [*before, *(field for field in after if field not in before)]
    return [FieldChange(field, diff.text(before.get(field, ""), after.get(field, ""))) for field in fields]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            for n, part in enumerate(value, start=1):
                flat |= _flat(part, f"{prefix}{name}.{n}.")
        elif isinstance(value, list):
            flat[prefix + name] = ", ".join(str(part) for part in value)
        else:
            flat[prefix + name] = "" if value is None else str(value)
    return flat


def _first_id_of(instant: datetime) -> UUID:
    """Return the least time-ordered UUID (RFC 9562, version 7) of an instant."""
    milliseconds = max(0, int(instant.timestamp() * 1000))
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
