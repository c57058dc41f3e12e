"""Where a person was named in comments on breaks."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from ledgerops.lib.http import requires
from ledgerops.lib.paging import page_of
from recon import operations, resolution_queries
from recon.models import Mention
from recon.web.breaks.listing import user_of


@require_safe
@requires("recon.view_break")
def mentions(request: HttpRequest) -> HttpResponse:
    """List where the reader was named: what they have not seen, or everything."""
    user, everything = user_of(request), request.GET.get("all") == "1"
    found: QuerySet[Mention] = resolution_queries.mentions_for(user, unseen=not everything)
    page = page_of(found, query=request.GET, order=("-id",))
    part = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, f"recon/resolutions/mentions.html{part}", {"page": page, "everything": everything})


@require_POST
@requires("recon.view_break")
def see(request: HttpRequest, mention_id: int) -> HttpResponse:
    """Say that the reader has seen it, and lead to the break."""
    mention = resolution_queries.mention_for(user_of(request), mention_id=mention_id)
    operations.see_mention(mention_id=mention.pk)
    if request.POST.get("then") == "list":
        return redirect("recon:mentions")
    return redirect("recon:break", mention.comment.recon_break_id)


def unseen_mentions_of(user: object) -> QuerySet[Mention]:
    """Return what the navigation counts."""
    return resolution_queries.mentions_for(user, unseen=True)  # type: ignore[arg-type]
