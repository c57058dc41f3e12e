"""Names for lists: a saved view is a query string its owner comes back to."""

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import SavedView

VIEWS_MAXIMUM = 20


class SavedViewRefused(Refusal):
    code = "saved_view_refused"
    kind = RefusalKind.INVALID


def save_view(*, owner_id: int, name: str, query: str, shared: bool) -> SavedView:
    """Give a query string a name; the owner's view of the same name is replaced.

    :raises SavedViewRefused: without a name, with too long a query, or when the owner has too many.
    """
    with act("recon.view.saved", target_type="recon.view", target_id=name[:60] or "unnamed"):
        title = name.strip()
        if not 0 < len(title) <= 60:
            raise SavedViewRefused("a view's name has 1 to 60 characters", field="name")
        if not 0 < len(query) <= 500:
            raise SavedViewRefused("choose a filter first; a view is a name for one", field="name")
        if SavedView.objects.filter(owner_id=owner_id).exclude(name=title).count() >= VIEWS_MAXIMUM:
            raise SavedViewRefused(f"you have {VIEWS_MAXIMUM} views; delete one first", field="name")
        view, _ = SavedView.objects.update_or_create(owner_id=owner_id, name=title, defaults={"query": query, "shared": shared})
        after = {"name": title, "query": query, "shared": shared}
        record_event("recon.view.saved", target_type="recon.view", target_id=view.pk, after=after)
        return view


def delete_view(*, owner_id: int, view_id: int) -> None:
    """Delete one's own view.

    :raises SavedViewRefused: if it is not there or another's.
    """
    with act("recon.view.deleted", target_type="recon.view", target_id=view_id):
        view = SavedView.objects.filter(owner_id=owner_id, pk=view_id).first()
        if view is None:
            raise SavedViewRefused("there is no such view of yours", field="view")
        record_event("recon.view.deleted", target_type="recon.view", target_id=view_id, before={"name": view.name, "query": view.query})
        view.delete()
