"""Write-offs, rebookings and the terms they stand under, carried out once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.queries import assets
from ledger.queries.journal_reviews import amount_of, journal_review
from ledger.queries.journals import entity_scopes_for, scales
from ledgerops.lib.money import grouped
from recon import queries, resolution_queries
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.models import Break, BreakState, Item, Reconciliation, ResolutionTerms
from recon.operations import corrections, rebookings, terms, write_offs


class WriteOffHandler:
    """Carries out `recon.write_off`."""

    kind = write_offs.WRITE_OFF
    label = "Write-off"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return write_offs.check_write_off(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        corrections.hold_break(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        corrections.release_break(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        write_offs.post_write_off(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        shown = queries.adjustment_review(payload=payload, executed=executed, proposal_id=proposal_id)
        recon_break: Break = shown.context["recon_break"]
        found = resolution_queries.terms_of(queries.account_of(recon_break))
        (amount,) = self.amounts(payloads=[payload])
        assert amount is not None
        limit = f"{grouped(int(found.write_off_maximum_minor), scale=amount.scale)} {amount.asset}" if found else "nothing"
        within = found is not None and amount.minor <= int(found.write_off_maximum_minor)
        checks = shown.checks if executed else (*shown.checks, (within, f"No more than {limit}, the limit of write-offs", "terms"))
        return Review(template=shown.template, context=shown.context, checks=checks)

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return ADJUSTMENT_HANDLER.amounts(payloads=payloads)

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


class RebookingHandler:
    """Carries out `recon.rebook`."""

    kind = rebookings.REBOOK
    label = "Reversal and rebooking"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return rebookings.check_rebooking(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        corrections.hold_break(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        corrections.release_break(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        rebookings.post_rebooking(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        shown = journal_review(payload=payload, executed=executed, proposal_id=proposal_id, facts=[("Undoes", payload["original_number"])])
        around = ("reconciliation__source__asset", "reconciliation__source__account")
        recon_break = Break.objects.select_related(*around).get(pk=payload["break_id"])
        items = list(Item.objects.filter(pk__in=payload["item_ids"]).order_by("side", "pk"))
        checks = [*shown.checks]
        if not executed:
            checks += [
                (all(item.open for item in items), "Every item is still open", "matching"),
                (recon_break.state == BreakState.PROPOSED, f"{recon_break.public_number} waits for this proposal", "break"),
            ]
        return Review(
            template="recon/reviews/rebooking.html",
            context={
                **shown.context,
                "recon_break": recon_break,
                "asset": recon_break.reconciliation.source.asset,
                "taken": list(queries.facts_of_items(items).values()),
                "inner": shown.template,
            },
            checks=tuple(checks),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        scale_of = scales()
        # What is booked anew says how much it is about; the reversal would count it twice.
        return [amount_of(payload["entries"][1:], scale_of=scale_of) for payload in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


class TermsHandler:
    """Carries out `recon.set_terms`."""

    kind = terms.SET_TERMS
    label = "Terms of resolutions"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return terms.check_terms(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: the terms that count stay in force."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        terms.set_terms(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        asked = terms.terms_from(payload)
        of = ResolutionTerms.objects.filter(entity__code=asked.entity, asset__code=asked.asset).select_related("asset", "write_off_account")
        before = of.exclude(proposal_id=proposal_id).order_by("-version").first() if executed else of.order_by("-version").first()
        open_breaks = Break.objects.filter(
            reconciliation__in=Reconciliation.objects.filter(source__asset__code=asked.asset, source__account__entity__code=asked.entity)
        ).exclude(state=BreakState.RESOLVED)
        within = open_breaks.filter(
            difference_minor__gte=-asked.write_off_maximum_minor, difference_minor__lte=asked.write_off_maximum_minor
        )
        scale = assets().get(code=asked.asset).scale
        return Review(
            template="recon/reviews/terms.html",
            context={"before": before, "asked": asked, "scale": scale, "open_count": open_breaks.count(), "within_count": within.count()},
            checks=((True, "The entity, the asset and the account belong together", "terms"),),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return entity_scopes_for(user)


RESOLUTION_HANDLERS = (WriteOffHandler(), RebookingHandler(), TermsHandler())
