"""Reading what people have said of breaks: who works them, saved views, labels, who watches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import User
from recon.models import Break, BreakLabel, BreakWatcher, SavedView

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


def people_who_work_breaks() -> QuerySet[User]:
    permission = Q(groups__permissions__codename="work_break", groups__permissions__content_type__app_label="recon")
    return User.objects.filter(permission, is_active=True).distinct().order_by("username")


def saved_views_for(user: "AbstractUser") -> QuerySet[SavedView]:
    """Return the user's own views and the shared ones, by name."""
    return SavedView.objects.filter(Q(owner=user) | Q(shared=True)).select_related("owner").order_by("name")


def labels_of(breaks: Sequence[Break]) -> dict[UUID, list[str]]:
    """Return the words of the labels of several breaks, by the break's id; those without one are absent."""
    found: dict[UUID, list[str]] = {}
    for row in BreakLabel.objects.filter(recon_break__in=breaks).select_related("label"):
        found.setdefault(row.recon_break_id, []).append(row.label.label)
    return found


def work_of(recon_break: Break, *, user: User) -> dict[str, Any]:
    """Return what people have said of a break: its labels, and whether this person watches it."""
    own = BreakWatcher.objects.filter(recon_break=OuterRef("pk"), user=user)
    said = Break.objects.filter(pk=recon_break.pk).values_list("labels__label", "labels__label__label", Exists(own))
    rows = list(said.order_by("labels__label"))
    return {"labels": [(code, word) for code, word, _ in rows if code], "watched": rows[0][2]}
