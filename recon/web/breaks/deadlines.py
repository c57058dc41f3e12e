"""By when breaks are due, and whom new ones go to."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals import operations as approvals
from approvals.queries import reason_codes
from ledger.models import Asset
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.money import AmountRefused, grouped, minor_from_text, plain
from recon import operations, queries, work_queries
from recon.break_clock import Level, levels_in_force
from recon.models import BreakRoute, BreakType, Source
from recon.web.breaks.listing import user_of
from recon.web.breaks.words import TYPE_WORDS

BLANK_BANDS = 2
BLANK_ROUTES = 3
REFUSALS = (
    operations.ServiceLevelInvalid,
    AmountRefused,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
)


@require_safe
@requires("recon.view_break")
def deadlines(request: HttpRequest) -> HttpResponse:
    """The deadlines in force and the routes."""
    return _page(request)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.propose_service_level")
def propose(request: HttpRequest, asset: str) -> HttpResponse:
    """Ask for other deadlines in an asset; what is refused comes back at its place with the input kept."""
    unit = Asset.objects.filter(code=asset).first()
    if unit is None:
        raise Http404
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            proposal = operations.propose_service_level(
                asset=asset,
                level=_level(request.POST, scale=unit.scale),
                reason_code=request.POST.get("reason_code", ""),
                narrative=request.POST.get("narrative", ""),
                maker_id=user_of(request).pk,
            )
        except REFUSALS as refused:
            refusal = refused
        else:
            messages.success(request, f"{proposal.public_number} waits for approval.")
            return redirect("recon:deadlines")
    level = levels_in_force().get(asset, Level())
    context = {
        "unit": unit,
        "level": level,
        "bands": _bands_shown(request.POST, level=level, scale=unit.scale),
        "reasons": reason_codes(kind=operations.SET_SERVICE_LEVEL),
        "posted": request.POST,
        "refusal": refusal,
    }
    return render(request, "recon/breaks/service_level.html", context, status=STATUS_OF[refusal.kind] if refusal else 200)


@require_POST
@requires("recon.route_break")
def routes(request: HttpRequest) -> HttpResponse:
    """Say whom new breaks go to, all routes at once."""
    try:
        asked = _routes(request.POST)
        operations.set_routes(routes=asked)
    except (operations.RouteInvalid, AmountRefused) as refusal:
        return _page(request, refusal=refusal)
    messages.success(request, "New breaks go by these routes from the next run on." if asked else "New breaks go to nobody.")
    return redirect("recon:deadlines")


def _page(request: HttpRequest, *, refusal: Refusal | None = None) -> HttpResponse:
    levels = levels_in_force()
    assets = {source.asset.code: source.asset for source in queries.sources_for(user_of(request))}
    context: dict[str, Any] = {
        "levels": [(asset, levels.get(code, Level())) for code, asset in sorted(assets.items())],
        "routes": _routes_shown(request.POST),
        "in_force": _routes_in_words(),
        "refusal": refusal,
        "sources": [(source.code, source.name) for source in queries.sources_for(user_of(request))],
        "types": [(value.value, word) for value, word in TYPE_WORDS.items()],
        "people": work_queries.people_who_work_breaks(),
    }
    return render(request, "recon/breaks/deadlines.html", context, status=STATUS_OF[refusal.kind] if refusal else 200)


def _level(posted: QueryDict, *, scale: int) -> Level:
    bands = []
    for n, (amount, days) in enumerate(zip(posted.getlist("least"), posted.getlist("days"), strict=False)):
        if amount.strip() or days.strip():
            least = minor_from_text(amount or "0", scale=scale, field=f"bands.{n}.least")
            bands.append((least, _number(days, field=f"bands.{n}.days")))
    return Level(bands=tuple(bands), timing_days=_number(posted.get("timing_days", ""), field="timing_days"))


def _number(text: str, *, field: str) -> int:
    if not text.strip().isdecimal():
        raise operations.ServiceLevelInvalid("write a number of business days", field=field, value=text[:20])
    return int(text[:6])


def _bands_shown(posted: QueryDict, *, level: Level, scale: int) -> list[tuple[str, str]]:
    if "least" in posted:
        return list(zip(posted.getlist("least"), posted.getlist("days"), strict=False))
    return [*((plain(least, scale=scale), str(days)) for least, days in level.bands), *[("", "")] * BLANK_BANDS]


def _routes(posted: QueryDict) -> list[operations.RouteAsked]:
    columns = [posted.getlist(name) for name in ("source", "type", "least", "assignee")]
    scales = {source.code: source.asset.scale for source in Source.objects.select_related("asset")}
    asked = []
    for n, (source, kind, least, assignee) in enumerate(zip(*columns, strict=False)):
        if not assignee:
            continue
        if least.strip() and source not in scales:
            raise operations.RouteInvalid("an amount is one of an account: choose it", field=f"routes.{n}.source")
        minor = minor_from_text(least, scale=scales[source], field=f"routes.{n}.least_minor") if least.strip() else 0
        asked.append(operations.RouteAsked(source=source, type=kind, least_minor=minor, assignee=assignee))
    return asked


def _routes_shown(posted: QueryDict) -> list[tuple[str, str, str, str]]:
    if "assignee" in posted:
        return list(zip(*(posted.getlist(name) for name in ("source", "type", "least", "assignee")), strict=False))
    rows = [
        (
            row.source.code if row.source else "",
            row.type,
            plain(int(row.least_minor), scale=row.source.asset.scale) if row.source and row.least_minor else "",
            row.assignee.username,
        )
        for row in BreakRoute.objects.select_related("source__asset", "assignee")
    ]
    return [*rows, *[("", "", "", "")] * BLANK_ROUTES]


def _routes_in_words() -> list[tuple[str, str, str, str]]:
    return [
        (
            row.source.name if row.source else "Any",
            TYPE_WORDS[BreakType(row.type)] if row.type else "Any",
            grouped(int(row.least_minor), scale=row.source.asset.scale) if row.source and row.least_minor else "any amount",
            row.assignee.shown_name,
        )
        for row in BreakRoute.objects.select_related("source__asset", "assignee")
    ]
