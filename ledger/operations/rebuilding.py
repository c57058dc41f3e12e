"""Deriving an account's balance and days from its postings again, once somebody else has agreed. Postings never change by it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.models import Account
from ledger.operations.integrity import check_account
from ledger.queries.integrity import Figure, derived_figures
from ledger.queries.journals import scope_of
from ledgerops.lib.errors import Refusal, RefusalKind

REBUILD = "ledger.rebuild_derived"


class RebuildInvalid(Refusal):
    code = "rebuild_invalid"
    kind = RefusalKind.INVALID


class NothingToRebuild(Refusal):
    """The figures are what the postings say: what is wrong about the account, if anything, is a fact and not a figure."""

    code = "nothing_to_rebuild"
    kind = RefusalKind.CONFLICT


def propose_rebuild(*, account: str, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask that an account's balance and days be derived from its postings again.

    :raises RebuildInvalid, NothingToRebuild: if there is no such account, or nothing about it differs.
    """
    payload = {"account": account, "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=REBUILD, payload=payload, maker_id=maker_id)


def check_rebuild(*, payload: Mapping[str, Any]) -> Command:
    """Understand a rebuild against the account's figures as they are.

    :raises RebuildInvalid, NothingToRebuild: as `propose_rebuild` says.
    """
    account = _account(payload["account"])
    differences = differences_of(derived_figures(account))
    if not differences:
        raise NothingToRebuild(f"the figures of {account.code} are what its postings say", field="account")
    return Command(
        payload=payload,
        title=f"Rebuild the figures of {account.code} from its postings"[:200],
        scope=scope_of(account.entity.code),
        target_type="ledger.account",
        target_id=account.code,
        locked_object=f"ledger.derived:{account.code}",
        preconditions={"differences": differences},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def rebuild_derived(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Carry an approved rebuild out inside the caller's transaction, and close the findings that it puts right.

    :raises PreconditionChanged: if the figures no longer differ by what was approved.
    """
    account = _account(payload["account"])
    before = derived_figures(account)
    if differences_of(before) != preconditions["differences"]:
        raise PreconditionChanged(f"the figures of {account.code} no longer differ from its postings by what was proposed")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_rebuild_derived_v1(%s, %s)", [account.code, proposal_id])
    still_wrong = check_account(code=account.code)
    record_event(
        "ledger.derived.rebuilt",
        target_type="ledger.account",
        target_id=account.code,
        reason=payload["reason_code"],
        before={figure.name: str(figure.stored) for figure in before},
        after={**{figure.name: str(figure.derived) for figure in before}, "still_wrong": still_wrong},
        proposal_id=proposal_id,
    )


def differences_of(figures: Sequence[Figure]) -> dict[str, str]:
    """Return by how much each figure is stored above its postings; the account may well post on while people decide."""
    return {figure.name: str(figure.difference) for figure in figures if figure.difference}


def _account(code: str) -> Account:
    # Not locked: the rebuild locks the balance itself, and derives from whatever has been posted by then.
    account = Account.objects.select_related("entity", "asset").filter(code=code).first()
    if account is None:
        raise RebuildInvalid(f"there is no account {code}", field="account")
    return account
