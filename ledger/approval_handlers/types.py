"""Changes of a transaction type's posting rules, carried out once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import TransactionType
from ledger.operations import types
from ledger.queries import registry


class TypeChangeHandler:
    """Carries out `ledger.define_type`."""

    kind = types.DEFINE_TYPE
    label = "Posting rules"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return types.check_type_change(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: whoever is faster makes the other proposal stale."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        types.carry_out_type_change(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        changes = payload["changes"]
        versions = list(TransactionType.objects.filter(code=changes["code"]).order_by("version"))
        asked = next((one for one in versions if executed and registry.terms_of(one).items() <= changes.items()), None)
        before = [one for one in versions if asked is None or one.version < asked.version]
        current = before[-1] if before else None
        return Review(
            template="ledger/reviews/type.html",
            context={
                "code": changes["code"],
                "drawing": registry.drawing_of(changes["legs"]),
                "rows": registry.compared_terms(registry.terms_of(current) if current else None, changes),
                "before": f"version {current.version}" if current else "no version yet",
            },
            checks=((True, "The rules are sound: every leg has a side, classes, an account and an amount", "Rules"),),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return [types.TYPES_SCOPE] if user.has_perm("ledger.view_transactiontype") else []


TYPE_CHANGE_HANDLER = TypeChangeHandler()
