"""Remeasurement: at a period's end the book value of each foreign position becomes its value at the closing rate, by approval.

One entry for an entity, in its functional asset: the equivalent of each position against the result of exchange differences. The rates that
it rests on stand in the proposal and with the entry; a rate that is missing or stale refuses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import CREDIT, DEBIT, Line
from ledger.models import AccountingPeriod, LegalEntity
from ledger.operations.closing_checks import CheckResult, CheckSeverity, Found, register_closing_check, several
from ledger.operations.journals import post_proposed, refuse_problems
from ledger.operations.periods import locked_period
from ledger.proposed import ProposedEntry, entries_of
from ledger.queries.journals import scope_of
from ledger.queries.positions import Position, Positions, positions_of
from ledgerops.lib import money
from ledgerops.lib.errors import Refusal, RefusalKind

REMEASURE = "ledger.remeasure"
REMEASUREMENT = "remeasurement"
REASON = "REMEASUREMENT"
# Of an entity and a day: `CODE:2026-10-31`.
TARGET = "ledger.remeasurement"


class RemeasurementInvalid(Refusal):
    """What was asked is no end of a period of an entity; `field` says where."""

    code = "remeasurement_invalid"
    kind = RefusalKind.INVALID


class RemeasurementRefused(Refusal):
    """The books cannot be remeasured as they stand: an account is missing, or nothing differs."""

    code = "remeasurement_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemeasurement:
    """What a remeasurement would post, and the positions and rates that it rests on."""

    positions: Positions
    entry: ProposedEntry
    rows: Sequence[Position]


def propose_remeasurement(*, entity: str, on: date, narrative: str, maker_id: int) -> Proposal:
    """Ask for an entity's foreign positions to be carried at the closing rate of a period's last day.

    :raises RemeasurementInvalid, RemeasurementRefused: if there is no such period end, an account is missing, or nothing differs.
    :raises RateMissing, RateStale: if a rate cannot be had.
    :raises Refusal: those of submitting.
    """
    return approvals.submit(kind=REMEASURE, payload=_payload(entity=entity, on=on, narrative=narrative), maker_id=maker_id)


def revise_remeasurement(*, proposal_id: UUID, entity: str, on: date, narrative: str, maker_id: int) -> Proposal:
    """Submit the next version of a remeasurement after changes were requested, worked out anew.

    :raises Refusal: as in `propose_remeasurement`, and those of revising.
    """
    payload = _payload(entity=entity, on=on, narrative=narrative)
    return approvals.revise(proposal_id=proposal_id, payload=payload, maker_id=maker_id)


def _payload(*, entity: str, on: date, narrative: str) -> dict[str, Any]:
    return {"entity": entity, "on": on.isoformat(), "reason_code": REASON, "narrative": narrative}


def plan_remeasurement(*, entity: str, on: date) -> PlannedRemeasurement:
    """Return what remeasuring would post now, and write nothing.

    :raises RemeasurementInvalid, RemeasurementRefused, RateMissing, RateStale: as in `propose_remeasurement`.
    """
    owner = LegalEntity.objects.select_related("functional_asset").filter(code=entity).first()
    if owner is None:
        raise RemeasurementInvalid(f"there is no entity {entity}", field="entity")
    if not AccountingPeriod.objects.filter(entity=owner, ends_on=on).exists():
        raise RemeasurementInvalid(f"{on} is not the last day of a period of {entity}", field="on")
    positions = positions_of(owner, as_of=on)
    if positions is None:
        raise RemeasurementRefused(f"{entity} has no functional asset to measure in", field="entity")
    there = [row for row in positions.rows if not row.is_flat]
    for row in there:
        if row.equivalent is None:
            raise RemeasurementRefused(
                f"{entity} has no account that carries the value of its position in {row.asset.code}", field="entity", asset=row.asset.code
            )
    if positions.result_account is None:
        raise RemeasurementRefused(f"{entity} has no open account for the result of exchange differences", field="entity")
    needed = {row.asset.code for row in there}
    for asset, problem in positions.rates.problems.items():
        if asset in needed:
            raise type(problem)(str(problem), field="rates", **problem.detail)
    lines = _lines(there, result=positions.result_account.code, functional=positions.functional.code)
    if not lines:
        raise RemeasurementRefused(f"every foreign position of {entity} is carried at its value of {on} already", field="on")
    entry = ProposedEntry(
        type=REMEASUREMENT,
        entity=entity,
        effective_date=on,
        description=f"Foreign positions at the closing rates of {on}",
        reference=f"FX-{entity}-{on}"[:140],
        lines=lines,
    )
    return PlannedRemeasurement(positions=positions, entry=entry, rows=there)


def _lines(rows: Sequence[Position], *, result: str, functional: str) -> list[Line]:
    """Return each equivalent against the result, asset by asset: a gain and a loss are both seen."""
    lines = []
    for row in rows:
        adjustment = row.unrealised_minor or 0
        if not adjustment:
            continue
        assert row.equivalent is not None
        first, second = (DEBIT, CREDIT) if adjustment > 0 else (CREDIT, DEBIT)
        lines.append(Line(account=row.equivalent.code, direction=first, amount_minor=abs(adjustment), asset=functional))
        lines.append(Line(account=result, direction=second, amount_minor=abs(adjustment), asset=functional))
    return lines


def check_remeasurement(*, payload: Mapping[str, Any]) -> Command:
    """Understand a request for remeasurement: whatever else the payload says, what is posted is worked out here.

    :raises Refusal: as in `propose_remeasurement`.
    """
    plan = plan_remeasurement(entity=str(payload.get("entity", "")), on=_day(payload))
    refuse_problems([plan.entry])
    entity, on = plan.entry.entity, plan.entry.effective_date
    return Command(
        payload={
            "entity": entity,
            "on": on.isoformat(),
            "entries": [plan.entry.as_json()],
            "positions": [_told(row) for row in plan.rows],
            "reason_code": str(payload.get("reason_code", "")),
            "narrative": str(payload.get("narrative", "")),
        },
        title=f"Remeasure {entity} at {on}",
        scope=scope_of(entity),
        target_type=TARGET,
        target_id=f"{entity}:{on}",
        locked_object=f"ledger.remeasurement:{entity}:{on}",
        preconditions=_rests_on(plan),
        reason_code=str(payload.get("reason_code", "")),
        narrative=str(payload.get("narrative", "")),
    )


def post_remeasurement(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post an approved remeasurement, under the lock of its period.

    :raises PreconditionChanged: if a position, its book value or a rate is no longer what the proposal rests on.
    :raises Refusal: the books'.
    """
    on = _day(payload)
    locked_period(period_id=AccountingPeriod.objects.get(entity__code=payload["entity"], ends_on=on).pk)
    try:
        plan = plan_remeasurement(entity=payload["entity"], on=on)
    except Refusal as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    _refuse_changed(preconditions, _rests_on(plan))
    evidence = {f"rate {told['asset']}": _rate_words(told) for told in payload["positions"]}
    metadata = {"reason_code": payload["reason_code"], **evidence}
    (posted,) = post_proposed(entries_of(payload), proposal_id=proposal_id, checker_id=checker_id, metadata=metadata)
    record_event(
        "ledger.positions.remeasured",
        target_type=TARGET,
        target_id=f"{payload['entity']}:{on}",
        reason=payload["reason_code"],
        after={"entry": posted.entry_id, "positions": payload["positions"]},
        proposal_id=proposal_id,
    )


def _refuse_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for asset in sorted({*before["positions"], *now["positions"]}):
        if before["positions"].get(asset) != now["positions"].get(asset):
            raise PreconditionChanged(f"the position in {asset}, its book value or its rate is no longer what this rests on")
    if before != now:
        raise PreconditionChanged("an account or the period is no longer what this rests on")


def _rests_on(plan: PlannedRemeasurement) -> dict[str, Any]:
    result = plan.positions.result_account
    return {
        "result": result.code if result else "",
        "positions": {
            row.asset.code: {
                "position": str(row.position_minor),
                "equivalent": str(row.equivalent_minor),
                "account": row.equivalent.code if row.equivalent else "",
                "rates": [evidence.rate_id for evidence in row.rate.evidence] if row.rate else [],
            }
            for row in plan.rows
        },
    }


def _told(row: Position) -> dict[str, Any]:
    """Return a position as the proposal keeps it: what is held, at what cost, at which rate, worth what."""
    assert row.rate is not None
    return {
        "asset": row.asset.code,
        "scale": row.asset.scale,
        "held": str(row.held_minor),
        "cost": str(row.cost_minor),
        "value": str(row.value_minor),
        "result": str(row.unrealised_minor),
        "rates": [evidence.as_json() for evidence in row.rate.evidence],
    }


def _rate_words(told: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{one['base']}/{one['quote']} {one['value']}, {one['source']}, {one['at']}, rate {one['rate']}" for one in told["rates"]
    )


def _day(payload: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(str(payload.get("on", "")))
    except ValueError as error:
        raise RemeasurementInvalid("say the last day of a period", field="on") from error


def _remeasured(period: AccountingPeriod) -> CheckResult:
    """Find foreign positions that are not carried at their value of the period's end, or that cannot be valued."""
    entity = LegalEntity.objects.select_related("functional_asset").get(pk=period.entity_id)
    positions = positions_of(entity, as_of=period.ends_on)
    there = [row for row in positions.rows if not row.is_flat] if positions else []
    if not there:
        return CheckResult(passed=True, sentence="There are no foreign positions")
    off = [row for row in there if row.unrealised_minor != 0]
    if not off:
        return CheckResult(passed=True, sentence="Foreign positions are carried at the closing rates")
    return CheckResult(
        passed=False,
        sentence=f"{several(len(off), 'foreign position')} not remeasured at {period.ends_on}",
        found=[
            Found(
                text=f"{money.grouped(row.held_minor, scale=row.asset.scale)} {row.asset.code}"
                + (f": {row.problem}" if row.problem else ""),
                target_type="ledger.account",
                target_id=(row.position or row.equivalent).code,  # type: ignore[union-attr] # a row is of one of the two
            )
            for row in off[:5]
        ],
    )


register_closing_check("remeasurement", CheckSeverity.WARNING, "Remeasurement", _remeasured)
