"""Chain sources as they stand, and one of them: how far it is, who tells of it, what moved and what was proven."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from recon import chain_queries
from recon.chain_queries import ORPHANED
from recon.models import ChainSource, ChainStage
from recon.web.statements.views import user_of

NEWEST_FIRST = ("-id",)
RANGES_SHOWN = 10
STAGES = [(ChainStage.SEEN, "Seen"), (ChainStage.SAFE, "Safe"), (ChainStage.FINAL, "Final"), (ORPHANED, "Orphaned")]
COUNTED = [("yes", "Counts"), ("no", "Does not count")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One place of the strip from what is proven to the head; `behind` is how many blocks the head is further."""

    word: str
    block: int | None
    behind: int | None
    note: str
    reached: bool


@require_safe
@requires("recon.view_statement")
def chains(request: HttpRequest) -> HttpResponse:
    """Every chain source in sight: how far it is, and whether it proves itself."""
    user = user_of(request)
    context = {
        "rows": chain_queries.standings_of(list(chain_queries.chains_for(user))),
        "unfollowed": list(chain_queries.unfollowed_sources_for(user)),
    }
    return render(request, "recon/chains/list.html", context)


@require_safe
@requires("recon.view_statement")
def chain(request: HttpRequest, source_id: int) -> HttpResponse:
    """One chain source; its transfers may be narrowed to a stage, or to what does not count."""
    shown = chain_queries.chain_for(user_of(request), source_id=source_id)
    filters = _chosen(request)
    rows = chain_queries.transfers_of(shown, stage=filters.get("stage", ""), counted=_counted(filters))
    page = page_of(rows, query=request.GET, order=NEWEST_FIRST)
    (standing,) = chain_queries.standings_of([shown])
    context = {
        "chain": shown,
        "scale": shown.decimals,
        "standing": standing,
        "marks": _marks(shown),
        "rows": chain_queries.with_successors(shown, page.rows),
        "page": page,
        "filters": filters,
        "count": counted(bounded_count(rows), word="transfer"),
        "stages": STAGES,
        "counted": COUNTED,
        "providers": [shown.cursor.providers.get(name, {"name": name}) for name in shown.providers],
        "ranges": list(chain_queries.ranges_of(shown)[:RANGES_SHOWN]),
        "fork": chain_queries.live_fork_of(shown),
        "dropped": chain_queries.dropped_blocks_of(shown),
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, "recon/chains/chain.html" + partial, context)


def _chosen(request: HttpRequest) -> dict[str, str]:
    allowed = {"stage": dict(STAGES), "counted": dict(COUNTED)}
    return {name: value for name in allowed if (value := request.GET.get(name, "")) in allowed[name]}


def _counted(filters: dict[str, Any]) -> bool | None:
    return {"yes": True, "no": False}.get(filters.get("counted", ""))


def _marks(chain: ChainSource) -> list[Mark]:
    cursor = chain.cursor
    proven = cursor.proven_through if cursor.proven_through >= chain.first_block else None
    final_note = "as the chain says" if chain.final_after is None else f"{chain.final_after:,} blocks deep"
    places = (
        ("Proven", proven, "by the balances at its ends"),
        ("Final", cursor.final, final_note if chain.is_read else "as it was pushed"),
        (
            "Safe",
            cursor.safe,
            f"{chain.safe_after:,} block{'' if chain.safe_after == 1 else 's'} deep" if chain.is_read else "as it was pushed",
        ),
        ("Head", cursor.head, "of the slower provider" if chain.is_read else "as it was pushed"),
    )
    return [
        Mark(
            word=word,
            block=block,
            behind=None if block is None or cursor.head is None else cursor.head - block,
            note=note,
            reached=block is not None,
        )
        for word, block, note in places
    ]
