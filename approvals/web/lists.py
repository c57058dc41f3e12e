"""Lists of proposals: the checker's queue and the makers' adjustments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals import queries
from approvals.models import Proposal, ProposalStatus, User
from approvals.web.forms import SOON, ProposalFilter
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of

# The kinds that the list of adjustments shows: what corrects the ledger so that a break closes.
ADJUSTMENTS = ("recon.post_adjustment", "recon.write_off", "recon.rebook")
NEWEST_FIRST = ("-id",)
NEAREST_EXPIRY_FIRST = ("expires_at", "id")


@dataclass(frozen=True, slots=True)
class View:
    """A tab of a list: its name in the address, its word, its rows and their order, and what an empty one says."""

    word: str
    rows: Callable[[User], QuerySet[Proposal]]
    order: tuple[str, ...]
    empty: str
    explained: str

    @property
    def order_word(self) -> str:
        return "Nearest expiry first" if self.order == NEAREST_EXPIRY_FIRST else "Newest first"


QUEUE_VIEWS: Mapping[str, View] = {
    "decidable": View(
        "I can decide",
        queries.decidable_by,
        NEAREST_EXPIRY_FIRST,
        "Nothing waits for your decision",
        "Proposals that others made and you may decide appear here, nearest expiry first.",
    ),
    "waiting": View(
        "All waiting", queries.waiting_for, NEAREST_EXPIRY_FIRST, "No proposal waits", "Everything in your scope has been decided."
    ),
    "mine": View("Made by me", queries.made_by, NEWEST_FIRST, "You have made no proposal", "Corrections are proposed from a break."),
    "decided": View("Decided", queries.ended_for, NEWEST_FIRST, "Nothing has been decided yet", "What ends stays here for good."),
}
ADJUSTMENT_VIEWS: Mapping[str, View] = {
    "mine": QUEUE_VIEWS["mine"],
    "all": View("All", queries.proposals_for, NEWEST_FIRST, "There is no adjustment yet", "Corrections are proposed from a break."),
}
STATUSES = [(status.value, word) for status, word in zip(ProposalStatus, ("In approval", *ProposalStatus.labels[1:]), strict=True)]


@require_safe
@requires("approvals.view_proposal")
def queue(request: HttpRequest) -> HttpResponse:
    """What waits for whom; the first tab is the one in which this person has work."""
    default = "decidable" if request.user.has_perm("approvals.decide_proposal") else "waiting"
    return _list(request, template="approvals/queue.html", views=QUEUE_VIEWS, default=default)


@require_safe
@requires("approvals.view_proposal")
def adjustments(request: HttpRequest) -> HttpResponse:
    """Adjustments in every state; makers see their own first."""
    default = "mine" if queries.made_by(_user(request)).exists() else "all"
    return _list(request, template="approvals/adjustments.html", views=ADJUSTMENT_VIEWS, default=default, kinds=ADJUSTMENTS)


def _list(request: HttpRequest, *, template: str, views: Mapping[str, View], default: str, kinds: Sequence[str] = ()) -> HttpResponse:
    user = _user(request)
    name = request.GET.get("view", default)
    view = views.get(name) or views[default]
    of_kind = {"kind__in": kinds} if kinds else {}
    all_rows = view.rows(user).filter(**of_kind)
    filtered = ProposalFilter(request.GET, queryset=all_rows)
    page = page_of(filtered.qs, query=request.GET, order=view.order)
    filters = {key: request.GET[key] for key in ("q", "status", "expires") if request.GET.get(key)}
    context = {
        "tabs": [
            {"name": key, "word": tab.word, "current": tab is view, "count": bounded_count(tab.rows(user).filter(**of_kind))}
            for key, tab in views.items()
        ],
        "view": view,
        "view_name": next(key for key, tab in views.items() if tab is view),
        "rows": queries.rows_of(page.rows),
        "page": page,
        "filters": filters,
        "count": counted(bounded_count(filtered.qs), word="proposal"),
        "hidden": counted(bounded_count(all_rows), word="proposal") if filters and not page.rows else "",
        "statuses": STATUSES,
        "soon": SOON,
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, template + partial, context)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
