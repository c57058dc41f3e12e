"""Changes of an account, carried out once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import Account
from ledger.operations import accounts
from ledger.queries import controls, entity_codes_for
from ledger.queries.journals import scope_of

HOLDS_SHOWN = 10


class AccountChangeHandler:
    """Carries out `ledger.change_account`."""

    kind = accounts.CHANGE_ACCOUNT
    label = "Account change"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return accounts.check_account_change(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: whoever is faster makes the other proposal stale."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        accounts.carry_out_account_change(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        account = Account.objects.select_related("asset", "entity", "balance").get(code=payload["account"])
        now, replaced = controls.values_of(account), controls.replaced_by(proposal_id)
        changes = {field: payload["changes"][field] for field in controls.FIELDS if field in payload["changes"]}
        before = {field: replaced.get(field, now[field]) for field in changes}
        moved = [field for field in changes if not executed and now[field] != before[field]]
        holds = controls.open_holds_of(account)
        held = controls.balances_with_tails([account.pk])[account.pk]
        free = held - account.balance.pending_out_minor
        scale = account.asset.scale
        return Review(
            template="ledger/reviews/account_change.html",
            context={
                "account": account,
                "rows": [
                    {
                        "word": controls.FIELDS[field],
                        "before": controls.shown_value(field, before[field], scale=scale),
                        "after": controls.shown_value(field, changes[field], scale=scale),
                        "moved": controls.shown_value(field, now[field], scale=scale) if field in moved else "",
                    }
                    for field in changes
                ],
                "held_minor": held,
                "pending_minor": account.balance.pending_out_minor,
                "available": [_available(free, values.get("overdraft_limit", now["overdraft_limit"])) for values in (before, changes)],
                "holds": list(holds[:HOLDS_SHOWN]),
                "holds_count": holds.count(),
            },
            checks=_checks(account, moved=moved, executed=executed),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return [scope_of(code) for code in entity_codes_for(user)]


def _available(free: int, limit: str | None) -> int | None:
    """Return what may still go out under a limit; without one there is no such amount."""
    return None if limit is None else free + int(limit)


def _checks(account: Account, *, moved: Sequence[str], executed: bool) -> tuple[tuple[bool, str, str], ...]:
    if executed:
        return ((True, "The account was as the maker saw it when this was carried out", "Preconditions"),)
    if moved:
        words = ", ".join(controls.FIELDS[field] for field in moved)
        return ((False, f"The {words} of {account.code} has been changed since this was proposed", "Preconditions"),)
    return ((True, f"Account {account.code} is as the maker saw it", "Preconditions"),)


ACCOUNT_CHANGE_HANDLER = AccountChangeHandler()
