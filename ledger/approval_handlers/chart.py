"""A chart of accounts brought in from a file, once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import Account
from ledger.operations import chart_files
from ledger.queries import sight_of
from ledger.queries.journals import scope_of

ROWS_SHOWN = 200


class ChartImportHandler:
    """Carries out `ledger.import_chart`."""

    kind = chart_files.IMPORT_CHART
    label = "Import of accounts"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return chart_files.check_chart_import(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: an account opened meanwhile makes the proposal stale."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        chart_files.carry_out_chart_import(payload=payload, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        accounts: Sequence[Mapping[str, Any]] = payload["accounts"]
        there = set(Account.objects.filter(code__in=[row["code"] for row in accounts]).values_list("code", flat=True))
        passed = executed or not there
        sentence = "Every account was opened" if executed else "None of these accounts is in the chart yet"
        return Review(
            template="ledger/reviews/chart_import.html",
            context={
                "accounts": accounts[:ROWS_SHOWN],
                "accounts_count": len(accounts),
                "file": payload["file"],
                "sha256": payload["sha256"],
                "unchanged": payload["unchanged"],
            },
            checks=((passed, sentence if passed else f"{min(there)} has been opened since this was proposed", "Preconditions"),),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        sight = sight_of(user)
        whole = [chart_files.WHOLE_CHART] if sight.entities and sight.all_entities else []
        return [*whole, *(scope_of(code) for code in sight.entities.values())]


CHART_IMPORT_HANDLER = ChartImportHandler()
