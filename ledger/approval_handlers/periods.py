"""Closing and reopening periods, as kinds of proposal."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import AccountingPeriod
from ledger.operations import period_proposals
from ledger.operations.closing_checks import checklist_of, from_json
from ledger.queries.journals import entity_scopes_for
from ledger.queries.periods import close_of_proposal, closes_of, later_closed, totals_of


class _PeriodHandler:
    """What closing and reopening have in common: they hold nothing, are worth no amount and lie in an entity's scope."""

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def release(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None] * len(payloads)

    def scopes_for(self, *, user: User) -> Collection[str]:
        # A close shows totals over all accounts of its entity: whoever sees a part of them sees none of its proposals.
        return entity_scopes_for(user)


class ClosePeriodHandler(_PeriodHandler):
    """Carries out `ledger.close_period`."""

    kind = period_proposals.CLOSE_PERIOD
    label = "Close of a period"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return period_proposals.check_close(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        period_proposals.execute_close(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        period = AccountingPeriod.objects.select_related("entity").get(pk=int(payload["period"]))
        close = close_of_proposal(period, proposal_id=proposal_id) if executed else None
        items = from_json(close.checklist) if close else checklist_of(period, reasons=payload["reasons"])
        context = {
            "period": period,
            "checklist": items,
            "close": close,
            "closes": closes_of(period),
            "sums": totals_of(period, close=close),
            "until": None,
        }
        blocked = sum(item.blocks for item in items)
        unsaid = sum(item.warns and not item.reason for item in items)
        return Review(
            template="ledger/reviews/period.html",
            context=context,
            checks=(
                (not blocked, "Nothing blocks the close" if not blocked else f"{blocked} of its checks block the close", "checklist"),
                (not unsaid, "Every warning passed over has a reason" if not unsaid else f"{unsaid} warnings have no reason", "checklist"),
            ),
        )


class ReopenPeriodHandler(_PeriodHandler):
    """Carries out `ledger.reopen_period`."""

    kind = period_proposals.REOPEN_PERIOD
    label = "Reopening of a period"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return period_proposals.check_reopening(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002 (the protocol's)
        period_proposals.execute_reopening(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002 (the protocol's)
        period = AccountingPeriod.objects.select_related("entity").get(pk=int(payload["period"]))
        closes = closes_of(period)
        later = later_closed(period)
        context = {
            "period": period,
            "checklist": [],
            "close": closes[0] if closes else None,
            "closes": closes,
            "sums": totals_of(period, close=closes[0] if closes else None),
            "until": datetime.fromisoformat(payload["until"]),
            "later": later,
        }
        is_closed = executed or period.status == "closed"
        return Review(
            template="ledger/reviews/period.html",
            context=context,
            checks=((is_closed, "The period is closed" if is_closed else "The period is not closed any more", "period"),),
        )


HANDLERS = (ClosePeriodHandler(), ReopenPeriodHandler())
