"""Rules, put in force once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from recon import rule_queries
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.matching.rule_words import changes_between
from recon.matching.rules import Rules
from recon.models import RulesStatus, RulesVersion
from recon.operations import rules


class RulesHandler:
    """Carries out `recon.approve_rules`."""

    kind = rules.APPROVE_RULES
    label = "Rules of a reconciliation"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return rules.check_rules(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        rules.hold_rules(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        rules.release_rules(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        rules.put_in_force(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        version = RulesVersion.objects.select_related("reconciliation__source__asset", "drafted_by").get(pk=UUID(payload["rules"]))
        before = rule_queries.version_before(version)
        asset = version.reconciliation.source.asset
        tried = rule_queries.shown_backtest(version)
        contradicting = tried.total("contradicting") if tried else 0
        checks = [
            (payload["digest"] == version.digest, f"Version {version.number} is exactly what was submitted", "Definition"),
            (tried is not None, f"Tried on the decisions since {tried.since}" if tried else "It was not tried", "Back-test"),
            (not contradicting, f"{contradicting or 'No'} group{'' if contradicting == 1 else 's'} would contradict a person", "Back-test"),
        ]
        if not executed:
            checks.append((version.status == RulesStatus.SUBMITTED, f"Version {version.number} waits for this decision", "State"))
        changes = (
            changes_between(Rules.from_json(before.definition), Rules.from_json(version.definition), scale=asset.scale, asset=asset.code)
            if before
            else []
        )
        return Review(
            template="recon/reviews/rules.html",
            context={
                "rules": version,
                "reconciliation": version.reconciliation,
                "before": before,
                "rule_changes": changes,
                "tried": tried,
                "asset": asset,
            },
            checks=tuple(checks),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


RULES_HANDLER = RulesHandler()
