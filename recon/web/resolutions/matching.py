"""The match builder: both sides' open items, a tray with the running difference, and the match."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, queries
from recon.models import Break, Item
from recon.web.breaks.case import address_of, frame_of, render_break, sentence_of
from recon.web.breaks.forms import ids_in
from recon.web.breaks.listing import user_of
from recon.web.resolutions.builder import CHOSEN_MAX, FILTERS, builder_of

TEMPLATE = "recon/resolutions/match.html"
PARTS = {"tray": "#tray", "sides": "#sides"}


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.match_items")
def match(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Choose what the break's items are matched with, see what would remain, and match them; a match has no undo."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    operations.refuse_of_a_source(recon_break)
    said = request.POST if request.method == "POST" else request.GET
    chosen = ids_in(",".join(one for one in said.getlist("item") if one))[:CHOSEN_MAX]
    if request.method != "POST":
        return _render(request, recon_break, chosen=chosen)
    version, rest_of = said.get("version", ""), said.get("rest_of", "")
    try:
        operations.match_by_hand(
            break_id=break_id,
            version=int(version) if version.isdecimal() else 0,
            item_ids=chosen,
            matched_by_id=user.pk,
            leave_rest=said.get("act") == "leave_rest",
            rest_of=int(rest_of) if rest_of.isdecimal() else None,
        )
    except (operations.BreakRefused, operations.MatchRefused) as refusal:
        fresh = queries.break_for(user, break_id=break_id)
        # From the break's own page a match is one press of a key: it is shown again. In the builder the choice is kept.
        return (
            _render(request, fresh, chosen=chosen, refusal=refusal)
            if "act" in said
            else render_break(request, recon_break=fresh, stale=refusal)
        )
    left = queries.break_for(user, break_id=break_id)
    ended = "is resolved" if not left.is_live else "stays open for the rest"
    messages.success(request, f"Matched. {recon_break.public_number} {ended}.")
    return redirect(address_of(request, break_id))


def _render(request: HttpRequest, recon_break: Break, *, chosen: Sequence[int], refusal: Refusal | None = None) -> HttpResponse:
    frame = frame_of(request, recon_break)
    part = PARTS.get(request.headers.get("HX-Target", ""), "")
    context: dict[str, Any] = {
        **frame,
        "builder": builder_of(recon_break, query=request.GET, chosen=chosen) if frame["may_match"] else None,
        "kept_items": [] if frame["may_match"] else _kept(recon_break, chosen=chosen),
        "refused": sentence_of(refusal) if refusal else "",
        "filter_query": _filters(request.GET),
        "without_filters": _without_filters(request.GET),
        "page_cursors": [(key, value) for key, value in request.GET.items() if key.startswith(("after", "before"))],
        "with_tray": part == "#sides",
        "self": reverse("recon:match_break", args=[recon_break.pk]),
    }
    return render(request, f"{TEMPLATE}{part}", context, status=STATUS_OF[refusal.kind] if refusal else 200)


def _kept(recon_break: Break, *, chosen: Sequence[int]) -> list[queries.Facts]:
    """Return what had been chosen for a break that is not to be matched any more."""
    items = Item.objects.filter(pk__in=chosen, reconciliation=recon_break.reconciliation_id)
    return list(queries.facts_of_items(items.order_by("pk")).values())


def _filters(query: QueryDict) -> str:
    """Return the address without the choice, so that the tray's own form keeps the tables as they are."""
    kept = query.copy()
    kept.pop("item", None)
    return f"?{kept.urlencode()}" if kept else ""


def _without_filters(query: QueryDict) -> str:
    """Return the address with the choice alone."""
    kept = query.copy()
    for name in [*FILTERS, *(key for key in query if key.startswith(("after", "before")))]:
        kept.pop(name, None)
    return f"?{kept.urlencode()}" if kept else "?"
