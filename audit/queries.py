"""Reading the trail."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from audit.models import AuditEvent
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


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


def timeline_of(*, target_type: str, target_id: object) -> QuerySet[AuditEvent]:
    """Return what happened to one object, oldest first. The caller has already shown the object to the reader."""
    return AuditEvent.objects.filter(target_type=target_type, target_id=str(target_id)).order_by("id")
