"""Year-end close: what a year earned and spent goes to retained earnings, asset by asset, by approval; the next year opens with zero.

Nothing is converted: each asset's income and expense goes to the retained earnings of that asset. A year is twelve months that end with a
period of the entity. What is posted into its last period afterwards is closed by asking again; with nothing left, asking again is refused.
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
from ledger.models import Account, AccountingPeriod, AccountPurpose, AccountStatus, AccountType, LegalEntity, PeriodStatus
from ledger.operations.journals import post_proposed, refuse_problems
from ledger.operations.periods import locked_period
from ledger.proposed import LINES_OF_AN_ENTRY, ProposedEntry, entries_of
from ledger.queries.balance_sheet import year_start
from ledger.queries.balances import NOTHING, balances_as_of
from ledger.queries.journals import scope_of
from ledgerops.lib.errors import Refusal, RefusalKind

CLOSE_YEAR = "ledger.close_year"
YEAR_END = "year_end"
REASON = "YEAR_END"
# Of an entity and a day: `CODE:2026-12-31`.
TARGET = "ledger.year_end"


class YearEndInvalid(Refusal):
    """What was asked is no end of a year of an entity; `field` says where."""

    code = "year_end_invalid"
    kind = RefusalKind.INVALID


class YearEndRefused(Refusal):
    """The year cannot be closed as the books stand: it is closed already, earlier periods are open, or an account is missing."""

    code = "year_end_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class YearResult:
    """What a year leaves in one asset: income less expense, and the account that it goes to."""

    asset: str
    scale: int
    income_minor: int
    expense_minor: int
    retained: str

    @property
    def result_minor(self) -> int:
        return self.income_minor - self.expense_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedYearEnd:
    """What closing a year would post, and its result by asset."""

    period: AccountingPeriod
    starts_on: date
    entry: ProposedEntry
    results: Sequence[YearResult]
    balances: Mapping[str, int]


def propose_year_end(*, entity: str, ends_on: date, narrative: str, maker_id: int) -> Proposal:
    """Ask for the income and expense of a year to go to retained earnings.

    :raises YearEndInvalid, YearEndRefused: if it is no such year, it is closed already, earlier periods are open, or an account is missing.
    :raises Refusal: those of submitting.
    """
    return approvals.submit(kind=CLOSE_YEAR, payload=_payload(entity=entity, ends_on=ends_on, narrative=narrative), maker_id=maker_id)


def revise_year_end(*, proposal_id: UUID, entity: str, ends_on: date, narrative: str, maker_id: int) -> Proposal:
    """Submit the next version of a year end after changes were requested, worked out anew.

    :raises Refusal: as in `propose_year_end`, and those of revising.
    """
    payload = _payload(entity=entity, ends_on=ends_on, narrative=narrative)
    return approvals.revise(proposal_id=proposal_id, payload=payload, maker_id=maker_id)


def _payload(*, entity: str, ends_on: date, narrative: str) -> dict[str, Any]:
    return {"entity": entity, "ends_on": ends_on.isoformat(), "reason_code": REASON, "narrative": narrative}


def plan_year_end(*, entity: str, ends_on: date) -> PlannedYearEnd:
    """Return what closing a year would post now, and write nothing.

    :raises YearEndInvalid, YearEndRefused: as in `propose_year_end`.
    """
    owner = LegalEntity.objects.filter(code=entity).first()
    if owner is None:
        raise YearEndInvalid(f"there is no entity {entity}", field="entity")
    period = AccountingPeriod.objects.filter(entity=owner, ends_on=ends_on).first()
    if period is None:
        raise YearEndInvalid(f"{ends_on} is not the last day of a period of {entity}", field="ends_on")
    _refuse_open_months(owner, period=period)
    accounts = {
        one.pk: one
        for one in Account.objects.filter(entity=owner, type__in=[AccountType.INCOME, AccountType.EXPENSE], is_control=False)
        .select_related("asset")
        .order_by("asset__code", "code")
    }
    sums = balances_as_of(account_ids=list(accounts), as_of=ends_on)
    nets = {pk: sums.get(pk, NOTHING) for pk in accounts}
    balances = {one.code: net for pk, one in accounts.items() if (net := nets[pk].debits_minor - nets[pk].credits_minor)}
    if not balances:
        raise YearEndRefused(f"no income or expense of {entity} is left at {ends_on}: the year is closed", field="ends_on")
    by_code = {one.code: one for one in accounts.values()}
    results = _results(owner, balances=balances, by_code=by_code)
    lines = _lines(results, balances=balances, by_code=by_code)
    if len(lines) > LINES_OF_AN_ENTRY:
        raise YearEndRefused(f"this takes {len(lines):,} lines, and an entry has at most {LINES_OF_AN_ENTRY:,}", field="ends_on")
    entry = ProposedEntry(
        type=YEAR_END,
        entity=entity,
        effective_date=ends_on,
        description=f"Result of the year to {ends_on} to retained earnings",
        reference=f"YE-{entity}-{ends_on}"[:140],
        lines=lines,
    )
    return PlannedYearEnd(period=period, starts_on=year_start(ends_on), entry=entry, results=results, balances=balances)


def _refuse_open_months(owner: LegalEntity, *, period: AccountingPeriod) -> None:
    """Refuse a year whose earlier months still take postings of everybody: its result could change behind the close."""
    if period.status == PeriodStatus.CLOSED:
        raise YearEndRefused(f"the last period of the year, {period}, is closed", field="ends_on")
    open_still = AccountingPeriod.objects.filter(entity=owner, ends_on__lt=period.starts_on, status=PeriodStatus.OPEN).order_by("starts_on")
    named = [str(one) for one in open_still[:3]]
    if named:
        raise YearEndRefused(f"earlier periods are to be closed or soft-locked first: {', '.join(named)}", field="ends_on")


def _results(owner: LegalEntity, *, balances: Mapping[str, int], by_code: Mapping[str, Account]) -> list[YearResult]:
    retained = {
        one.asset_id: one.code
        for one in Account.objects.filter(entity=owner, purpose=AccountPurpose.RETAINED_EARNINGS, status=AccountStatus.OPEN)
    }
    assets = {by_code[code].asset.code: by_code[code].asset for code in balances}
    results = []
    for code, asset in sorted(assets.items()):
        if asset.pk not in retained:
            raise YearEndRefused(f"{owner.code} has no open account for retained earnings in {code}", field="entity", asset=code)
        own = [(by_code[name].type, net) for name, net in balances.items() if by_code[name].asset_id == asset.pk]
        results.append(
            YearResult(
                asset=code,
                scale=asset.scale,
                income_minor=-sum(net for kind, net in own if kind == AccountType.INCOME),
                expense_minor=sum(net for kind, net in own if kind == AccountType.EXPENSE),
                retained=retained[asset.pk],
            )
        )
    return results


def _lines(results: Sequence[YearResult], *, balances: Mapping[str, int], by_code: Mapping[str, Account]) -> list[Line]:
    """Return what empties every account of the year, asset by asset, against its retained earnings."""
    lines = []
    for result in results:
        for code, net in balances.items():
            if by_code[code].asset.code == result.asset:
                lines.append(Line(account=code, direction=CREDIT if net > 0 else DEBIT, amount_minor=abs(net), asset=result.asset))
        if result.result_minor:
            direction = CREDIT if result.result_minor > 0 else DEBIT
            lines.append(Line(account=result.retained, direction=direction, amount_minor=abs(result.result_minor), asset=result.asset))
    return lines


def check_year_end(*, payload: Mapping[str, Any]) -> Command:
    """Understand a request to close a year: whatever else the payload says, what is posted is worked out here.

    :raises Refusal: as in `propose_year_end`.
    """
    plan = plan_year_end(entity=str(payload.get("entity", "")), ends_on=_day(payload))
    refuse_problems([plan.entry])
    entity, ends_on = plan.entry.entity, plan.entry.effective_date
    return Command(
        payload={
            "entity": entity,
            "ends_on": ends_on.isoformat(),
            "starts_on": plan.starts_on.isoformat(),
            "entries": [plan.entry.as_json()],
            "results": [
                {"asset": one.asset, "scale": one.scale, "income": str(one.income_minor), "expense": str(one.expense_minor)}
                for one in plan.results
            ],
            "reason_code": str(payload.get("reason_code", "")),
            "narrative": str(payload.get("narrative", "")),
        },
        title=f"Close the year of {entity} to {ends_on}",
        scope=scope_of(entity),
        target_type=TARGET,
        target_id=f"{entity}:{ends_on}",
        locked_object=f"ledger.year_end:{entity}",
        preconditions=_rests_on(plan),
        reason_code=str(payload.get("reason_code", "")),
        narrative=str(payload.get("narrative", "")),
    )


def post_year_end(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post an approved year end, under the lock of the year's last period.

    :raises PreconditionChanged: if an account of the year no longer holds what was approved, or the year cannot be closed any more.
    :raises Refusal: the books'.
    """
    ends_on = _day(payload)
    locked_period(period_id=AccountingPeriod.objects.get(entity__code=payload["entity"], ends_on=ends_on).pk)
    try:
        plan = plan_year_end(entity=payload["entity"], ends_on=ends_on)
    except Refusal as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    now = _rests_on(plan)
    for code in sorted({*preconditions["balances"], *now["balances"]}):
        if preconditions["balances"].get(code) != now["balances"].get(code):
            raise PreconditionChanged(f"account {code} no longer holds what was approved")
    if preconditions != now:
        raise PreconditionChanged("an account of retained earnings is no longer the one that was approved")
    metadata = {"reason_code": payload["reason_code"], "year": f"{payload['starts_on']} to {payload['ends_on']}"}
    (posted,) = post_proposed(entries_of(payload), proposal_id=proposal_id, checker_id=checker_id, metadata=metadata)
    record_event(
        "ledger.year.closed",
        target_type=TARGET,
        target_id=f"{payload['entity']}:{ends_on}",
        reason=payload["reason_code"],
        after={"entry": posted.entry_id, "results": payload["results"]},
        proposal_id=proposal_id,
    )


def _rests_on(plan: PlannedYearEnd) -> dict[str, Any]:
    return {
        "balances": {code: str(net) for code, net in plan.balances.items()},
        "retained": {result.asset: result.retained for result in plan.results},
    }


def _day(payload: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(str(payload.get("ends_on", "")))
    except ValueError as error:
        raise YearEndInvalid("say the last day of the year", field="ends_on") from error
