"""Matches that something later would have made ambiguous: what to look at, and what to say of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import page_of
from recon import break_queries, feeds, operations
from recon.web.statements.views import user_of

SHOWN = 25


@require_safe
@requires("recon.view_run")
def challenges(request: HttpRequest) -> HttpResponse:
    """Challenged matches that nobody has looked at, the latest first; or those that somebody has."""
    return _page(request)


@require_POST
@requires("recon.work_break")
def see(request: HttpRequest, challenge_id: int) -> HttpResponse:
    """Say that the match is right all the same, and why."""
    user = user_of(request)
    found = break_queries.challenge_for(user, challenge_id=challenge_id)
    try:
        operations.see_challenge(challenge_id=found.pk, seen_by_id=user.pk, verdict=request.POST.get("verdict", ""))
    except (operations.ChallengeRefused, operations.ChallengeInvalid) as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "The match stands.")
    return redirect("recon:challenges")


@require_POST
@requires("recon.undo_match")
def undo(request: HttpRequest, match_id: UUID) -> HttpResponse:
    """Undo a challenged match: its items are open again, and the next run looks at all of them."""
    user = user_of(request)
    found = break_queries.match_for(user, match_id=match_id)
    try:
        operations.undo_match(match_id=found.pk, undone_by_id=user.pk, reason=request.POST.get("reason", ""))
    except (operations.UndoRefused, operations.UndoInvalid) as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "The match is undone. Its items are open again.")
    return redirect("recon:challenges")


def _page(request: HttpRequest, *, refusal: Refusal | None = None) -> HttpResponse:
    user = user_of(request)
    seen = request.GET.get("view") == "seen"
    waiting = break_queries.challenges_for(user, seen=False)
    page = page_of(break_queries.challenges_for(user, seen=True) if seen else waiting, query=request.GET, order=("-id",), size=SHOWN)
    matched = feeds.items_of([one.match for one in page.rows])
    text = str(refusal) if refusal else ""
    context = {
        "rows": list(zip(page.rows, matched, strict=True)),
        "page": page,
        "seen": seen,
        "waiting": waiting.count(),
        "refused": f"{text[:1].upper()}{text[1:]}." if text else "",
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, f"recon/runs/challenges.html{partial}", context, status=STATUS_OF[refusal.kind] if refusal else 200)
