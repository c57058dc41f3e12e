"""By when breaks are to be resolved: said at the beginning, changed by two people; and whom new breaks go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import operations as approvals
from approvals.models import Proposal, User
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger.models import Asset
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.break_clock import Level, level_from
from recon.models import Break, BreakRoute, BreakType, Run, ServiceLevel, Source
from recon.work_queries import people_who_work_breaks

SET_SERVICE_LEVEL = "recon.set_service_level"
SCOPE = "recon.service_levels"
DAYS_MAXIMUM = 250
TIMING_DAYS_MAXIMUM = 60
BANDS_MAXIMUM = 8
ROUTES_MAXIMUM = 40
AMOUNT_MAXIMUM = 10**38 - 1


class ServiceLevelInvalid(Refusal):
    """What was asked can be no service level; `field` says where."""

    code = "service_level_invalid"
    kind = RefusalKind.INVALID


class RouteInvalid(Refusal):
    """What was asked can be no route; `field` says which row and where."""

    code = "route_invalid"
    kind = RefusalKind.INVALID


def define_service_level(*, asset: str, level: Level) -> ServiceLevel:
    """Say the first service level of an asset, as reference data; what is there already stays.

    :raises ServiceLevelInvalid: naming the field.
    """
    known = ServiceLevel.objects.filter(asset__code=asset).order_by("-version").first()
    if known is not None:
        return known
    with act("recon.service_level.set", target_type="recon.service_level", target_id=asset):
        return _write(_checked(asset, level), level, version=1, proposal_id=None)


def propose_service_level(*, asset: str, level: Level, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask for other deadlines in an asset.

    :raises ServiceLevelInvalid: naming the field.
    """
    payload = {**_as_payload(asset, level), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=SET_SERVICE_LEVEL, payload=payload, maker_id=maker_id)


def check_service_level(*, payload: Mapping[str, Any]) -> Command:
    """Understand a change of deadlines.

    :raises ServiceLevelInvalid: naming the field, or if nothing would change.
    """
    asset, level = level_asked(payload)
    _checked(asset, level)
    before = _latest(asset)
    if before is not None and (level_from(before).bands, before.timing_days) == (level.bands, level.timing_days):
        raise ServiceLevelInvalid("these are the deadlines that count already", field="bands")
    return Command(
        payload=dict(payload),
        title=f"Deadlines of breaks in {asset}",
        scope=SCOPE,
        target_type="recon.service_level",
        target_id=asset,
        locked_object=f"recon.service_level:{asset}",
        preconditions={"version": before.version if before else 0},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def set_service_level(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Put approved deadlines in force.

    :raises PreconditionChanged: if others have come into force meanwhile.
    """
    asset, level = level_asked(payload)
    row, before = _checked(asset, level), _latest(asset)
    version = before.version if before else 0
    if version != preconditions["version"]:
        raise PreconditionChanged("other deadlines have come into force meanwhile")
    _write(row, level, version=version + 1, proposal_id=proposal_id)


def level_asked(payload: Mapping[str, Any]) -> tuple[str, Level]:
    """Return the asset and the level that a payload holds."""
    bands = tuple((int(band["least_minor"]), int(band["days"])) for band in payload["bands"])
    return payload["asset"], Level(bands=bands, timing_days=int(payload["timing_days"]))


def _as_payload(asset: str, level: Level) -> dict[str, Any]:
    bands = [{"least_minor": str(least), "days": days} for least, days in level.bands]
    return {"asset": asset, "bands": bands, "timing_days": level.timing_days}


def _latest(asset: str) -> ServiceLevel | None:
    return ServiceLevel.objects.filter(asset__code=asset).order_by("-version").first()


def _checked(asset: str, level: Level) -> Asset:
    row = Asset.objects.filter(code=asset).first()
    if row is None:
        raise ServiceLevelInvalid(f"there is no asset {asset}", field="asset")
    leasts = [least for least, _ in level.bands]
    if not 0 < len(leasts) <= BANDS_MAXIMUM or leasts[0] != 0:
        raise ServiceLevelInvalid(f"give 1 to {BANDS_MAXIMUM} bands, the first from 0", field="bands")
    if leasts != sorted(set(leasts)) or leasts[-1] > AMOUNT_MAXIMUM:
        raise ServiceLevelInvalid("each band begins at a larger amount than the one before", field="bands")
    if any(not 0 <= days <= DAYS_MAXIMUM for _, days in level.bands):
        raise ServiceLevelInvalid(f"a break is due after 0 to {DAYS_MAXIMUM} business days", field="bands")
    if not 0 <= level.timing_days <= TIMING_DAYS_MAXIMUM:
        raise ServiceLevelInvalid(f"timing ends after 0 to {TIMING_DAYS_MAXIMUM} business days", field="timing_days")
    return row


def _write(asset: Asset, level: Level, *, version: int, proposal_id: UUID | None) -> ServiceLevel:
    row = ServiceLevel.objects.create(
        asset=asset,
        version=version,
        bands=[[str(least), days] for least, days in level.bands],
        timing_days=level.timing_days,
        proposal_id=proposal_id,
    )
    record_event(
        "recon.service_level.set",
        target_type="recon.service_level",
        target_id=asset.code,
        after={**_as_payload(asset.code, level), "version": version},
        proposal_id=proposal_id,
    )
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAsked:
    """A row of the routes; an empty source or type means any."""

    assignee: str
    source: str = ""
    type: str = ""
    least_minor: int = 0


def set_routes(*, routes: Sequence[RouteAsked]) -> list[BreakRoute]:
    """Say whom new breaks go to, in this order; all earlier routes end.

    :raises RouteInvalid: naming the row and the field; nothing is changed then.
    """
    with act("recon.routes.set", target_type="recon.break_route", target_id="all"):
        if len(routes) > ROUTES_MAXIMUM:
            raise RouteInvalid(f"give at most {ROUTES_MAXIMUM} routes", field="routes")
        sources = {source.code: source for source in Source.objects.filter(code__in={one.source for one in routes})}
        people = {user.username: user for user in User.objects.filter(username__in={one.assignee for one in routes}, is_active=True)}
        rows = [_route(one, position=n, sources=sources, people=people) for n, one in enumerate(routes)]
        before = [_route_said(row) for row in BreakRoute.objects.select_related("source", "assignee")]
        BreakRoute.objects.all().delete()
        BreakRoute.objects.bulk_create(rows)
        record_event(
            "recon.routes.set",
            target_type="recon.break_route",
            target_id="all",
            before={"routes": before},
            after={"routes": [_route_said(row) for row in rows]},
        )
        return rows


def _route(one: RouteAsked, *, position: int, sources: Mapping[str, Source], people: Mapping[str, User]) -> BreakRoute:
    where = f"routes.{position}"
    if one.source and one.source not in sources:
        raise RouteInvalid(f"there is no source {one.source}", field=f"{where}.source")
    if one.type and one.type not in BreakType.values:
        raise RouteInvalid(f"there is no type {one.type}", field=f"{where}.type")
    if not 0 <= one.least_minor <= AMOUNT_MAXIMUM:
        raise RouteInvalid("the least amount is nothing or more", field=f"{where}.least_minor")
    person = people.get(one.assignee)
    if person is None or not person.has_perm("recon.work_break"):
        raise RouteInvalid(f"there is nobody called {one.assignee} who works breaks", field=f"{where}.assignee")
    return BreakRoute(position=position, source=sources.get(one.source), type=one.type, least_minor=one.least_minor, assignee=person)


def _route_said(row: BreakRoute) -> dict[str, Any]:
    source = row.source.code if row.source else ""
    return {"source": source, "type": row.type, "least_minor": str(row.least_minor), "assignee": row.assignee.username}


_ROUTE = """
WITH chosen AS (
    SELECT b.id, route.assignee_id
    FROM recon_break b JOIN recon_reconciliation r ON r.id = b.reconciliation_id,
         LATERAL (SELECT o.assignee_id FROM recon_break_route o
                  WHERE o.assignee_id = ANY (%(people)s) AND (o.source_id IS NULL OR o.source_id = r.source_id) AND o.type IN ('', b.type)
                    AND abs(b.difference_minor) >= o.least_minor
                  ORDER BY o.position LIMIT 1) route
    WHERE {which} AND b.assignee_id IS NULL AND b.state = 'open'),
routed AS (
    UPDATE recon_break b SET assignee_id = c.assignee_id, version = b.version + 1 FROM chosen c WHERE c.id = b.id
    RETURNING b.assignee_id)
SELECT assignee_id, count(*) FROM routed GROUP BY 1 ORDER BY 1
"""


def route_new_breaks(run: Run) -> None:
    """Give the breaks that a run opened to whom the routes name, inside the caller's transaction; they stay open until worked."""
    _route_where("b.opened_by_run_id = %(which)s", which=run.pk, target_type="recon.run")


def route_break(recon_break: Break) -> None:
    """Give a break that no run opened to whom the routes name, inside the caller's transaction."""
    _route_where("b.id = %(which)s", which=recon_break.pk, target_type="recon.break")


def _route_where(condition: str, *, which: UUID, target_type: str) -> None:
    people = [user.pk for user in people_who_work_breaks().filter(pk__in=BreakRoute.objects.values("assignee"))]
    if not people:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ROUTE.replace("{which}", condition), {"which": which, "people": people})
        given = {str(person): count for person, count in cursor.fetchall()}
    if given:
        record_event("recon.breaks.routed", target_type=target_type, target_id=which, after={"given": given})
