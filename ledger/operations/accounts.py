"""What is done to an account once it is there: changes by proposal, freezes at once, and opening by request."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger.models import (
    Account,
    AccountGroup,
    AccountPurpose,
    AccountStatus,
    AccountType,
    Direction,
    OwnerClass,
    PostingTail,
)
from ledger.operations.chart import add_account, change_account
from ledger.queries import controls
from ledger.queries.journals import scope_of
from ledgerops.lib.errors import Refusal, RefusalKind

CHANGE_ACCOUNT = "ledger.change_account"
MOST_VELOCITY_LIMITS = 6
LONGEST_WINDOW_MINUTES = 60 * 24 * 366
_MINOR = re.compile(r"[0-9]{1,38}", re.ASCII)


class AccountChangeInvalid(Refusal):
    """What was asked is no sound change of this account; `field` says where."""

    code = "account_change_invalid"
    kind = RefusalKind.INVALID


class AccountFrozenAlready(Refusal):
    code = "account_frozen_already"
    kind = RefusalKind.CONFLICT


class AccountExists(Refusal):
    code = "account_exists"
    kind = RefusalKind.CONFLICT


# Freezing: one person, at once


def freeze_account(*, account_id: int, directions: Sequence[str], reason: str) -> Account:
    """Freeze an account for debits, credits or both; it holds for every request from the moment this commits.

    Facts from outside still come in: they have happened. Releasing a freeze takes a proposal.

    :raises AccountChangeInvalid: if no direction or no reason is given.
    :raises AccountFrozenAlready: if nothing would change.
    """
    account = Account.objects.get(pk=account_id)
    with act("ledger.account.frozen", target_type="ledger.account", target_id=account.code):
        if not directions or set(directions) - set(Direction.values):
            raise AccountChangeInvalid("choose what to freeze: debits, credits or both", field="direction")
        if not reason.strip():
            raise AccountChangeInvalid("say why, for whoever reads the trail", field="reason")
        locked = _locked(account.code)
        now = controls.values_of(locked)
        wanted = {f"{direction}s_frozen": True for direction in directions if not now[f"{direction}s_frozen"]}
        if not wanted:
            raise AccountFrozenAlready(f"account {account.code} is frozen that way already", field="direction")
        change_account(account=locked, changes=wanted)
        record_event("ledger.account.frozen", target_type="ledger.account", target_id=account.code, reason=reason.strip(), after=wanted)
        return locked


# Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRequest:
    """What a person fills in to open an account; entity, group, asset and parent are codes, the limit is minor units as text."""

    code: str
    name: str
    entity: str
    group: str
    asset: str
    type: str
    owner_class: str
    parent: str = ""
    reserve_class: str = ""
    purpose: str = ""
    equivalent_of: str = ""
    control: bool = False
    overdraft_limit: str | None = None
    deferred: bool = False

    def as_arguments(self) -> dict[str, Any]:
        """Return the same as `add_account` takes it."""
        controls_ = {
            **({"overdraft_limit": self.overdraft_limit} if self.overdraft_limit is not None else {}),
            **({"deferred": True} if self.deferred else {}),
        }
        return {
            "code": self.code,
            "name": self.name,
            "entity": self.entity,
            "group": self.group,
            "asset": self.asset,
            "account_type": AccountType(self.type),
            "owner_class": OwnerClass(self.owner_class),
            "parent": self.parent or None,
            "reserve_class": self.reserve_class,
            "purpose": self.purpose,
            "equivalent_of": self.equivalent_of or None,
            "is_control": self.control,
            "controls": controls_,
        }


def open_requested_account(*, request: OpeningRequest) -> Account:
    """Open one account that is not there yet.

    :raises AccountExists: if its code is taken.
    :raises ChartRefused: as the guards of the chart say.
    """
    with act("ledger.account.opened", target_type="ledger.account", target_id=request.code):
        if Account.objects.filter(code=request.code).exists():
            raise AccountExists(f"there is an account {request.code} already", field="code")
        if request.deferred and request.owner_class not in controls.DEFERRABLE:
            raise AccountChangeInvalid(_NOT_DEFERRABLE, field="deferred")
        return add_account(**request.as_arguments())


# Changes by proposal

_NOT_DEFERRABLE = "only fee, settlement, position, platform and suspense accounts may be deferred: of the others a statement is kept"


def propose_account_change(*, account: str, changes: Mapping[str, Any], reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask for a change of an account's limit, freezes, velocity limits, place, status or mode; keys are those of `change_account`.

    :raises Refusal: naming the field.
    """
    payload = {"account": account, "changes": dict(changes), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=CHANGE_ACCOUNT, payload=payload, maker_id=maker_id)


def revise_account_change(
    *, proposal_id: UUID, account: str, changes: Mapping[str, Any], reason_code: str, narrative: str, maker_id: int
) -> Proposal:
    """Submit the next version of a change after changes to it were requested."""
    payload = {"account": account, "changes": dict(changes), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.revise(proposal_id=proposal_id, payload=payload, maker_id=maker_id)


def check_account_change(*, payload: Mapping[str, Any]) -> Command:
    """Understand a change against the account as it is now, locking it; what is as asked already is left out.

    :raises AccountChangeInvalid: naming the field.
    """
    account = _locked(payload["account"])
    now = controls.values_of(account)
    if unknown := sorted(set(payload["changes"]) - set(now)):
        raise AccountChangeInvalid(f"there is no {unknown[0]} to change", field=unknown[0])
    changes = {field: wanted for field, wanted in payload["changes"].items() if wanted != now[field]}
    if not changes:
        raise AccountChangeInvalid(f"account {account.code} is like that already: nothing would change")
    for field, wanted in changes.items():
        if (sentence := _wrong(field, wanted)) is not None:
            raise AccountChangeInvalid(sentence, field=field)
    _refuse_unfit(account, changes=changes, after={**now, **changes})
    words = ", ".join(controls.FIELDS[field] for field in changes)
    return Command(
        payload={**payload, "changes": changes},
        title=f"Change the {words} of {account.code} {account.name}"[:200],
        scope=scope_of(account.entity.code),
        target_type="ledger.account",
        target_id=account.code,
        locked_object=f"ledger.account:{account.code}",
        preconditions={"values": {field: now[field] for field in changes}},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def carry_out_account_change(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Make an approved change, inside the caller's transaction.

    :raises PreconditionChanged: if a value that it replaces is another one by now.
    :raises ChartRefused: as the guards say.
    """
    account = _locked(payload["account"])
    now = controls.values_of(account)
    for field, was in preconditions["values"].items():
        if now[field] != was:
            raise PreconditionChanged(f"the {controls.FIELDS[field]} of {account.code} has been changed since this was proposed")
    change_account(account=account, changes=payload["changes"], proposal_id=proposal_id)
    record_event(
        "ledger.account.changed",
        target_type="ledger.account",
        target_id=account.code,
        reason=payload["reason_code"],
        before=preconditions["values"],
        after=payload["changes"],
        proposal_id=proposal_id,
    )


def _locked(code: str) -> Account:
    """Return an account whose limits, freezes, place and status nobody else changes until the transaction ends."""
    account = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("asset", "entity").filter(code=code).first()
    if account is None:
        raise AccountChangeInvalid(f"there is no account {code}", field="account")
    return account


def _wrong(field: str, wanted: Any) -> str | None:  # noqa: PLR0911 (a flat list of cases)
    """Return what is wrong with a value whatever account it is for, or None."""
    match field:
        case "overdraft_limit":
            sound = wanted is None or (isinstance(wanted, str) and _MINOR.fullmatch(wanted) is not None)
            return None if sound else "a limit is a string of digits in minor units, or null for none"
        case "debits_frozen" | "credits_frozen" | "deferred":
            return None if isinstance(wanted, bool) else "say true or false"
        case "status":
            return None if wanted in AccountStatus.values else "an account is open or closed"
        case "purpose":
            return None if wanted in ("", *AccountPurpose.values) else f"there is no purpose {wanted}"
        case "name":
            return None if isinstance(wanted, str) and 0 < len(wanted.strip()) <= 120 else "a name has 1 to 120 characters"
        case "group":
            return None if AccountGroup.objects.filter(code=wanted).exists() else f"there is no group {wanted}"
        case "velocity":
            return _wrong_velocity(wanted)
        case _:
            return None


def _wrong_velocity(wanted: Any) -> str | None:  # noqa: PLR0911 (a flat list of refusals)
    if not isinstance(wanted, list) or len(wanted) > MOST_VELOCITY_LIMITS:
        return f"at most {MOST_VELOCITY_LIMITS} velocity limits"
    for limit in wanted:
        most, postings = limit.get("maximum"), limit.get("maximum_postings")
        if limit.get("direction") not in Direction.values:
            return "a velocity limit is for debits or for credits"
        if not isinstance(limit.get("window_minutes"), int) or not 1 <= limit["window_minutes"] <= LONGEST_WINDOW_MINUTES:
            return "a window has 1 minute to 366 days"
        if most is None and postings is None:
            return "a velocity limit has a maximum amount, a maximum number of postings, or both"
        if most is not None and not (isinstance(most, str) and _MINOR.fullmatch(most)):
            return "a maximum is a string of digits in minor units"
        if postings is not None and not (isinstance(postings, int) and 1 <= postings <= 1_000_000):
            return "a maximum of postings is 1 to 1,000,000"
    return None


def _refuse_unfit(account: Account, *, changes: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what the guards of the books would refuse at execution, with the field it is about."""
    if after["deferred"] and "deferred" in changes and account.owner_class not in controls.DEFERRABLE:
        raise AccountChangeInvalid(_NOT_DEFERRABLE, field="deferred")
    if after["deferred"] and (after["overdraft_limit"] is not None or after["velocity"]):
        raise AccountChangeInvalid("an account in deferred mode has no limit: take its limits away first", field="deferred")
    if changes.get("deferred") is False and (changes.get("overdraft_limit") is not None or changes.get("velocity")):
        # A posting that began while the account was deferred may still be on its way into the tail.
        raise AccountChangeInvalid("go back to strict first; limits are another proposal after it", field="overdraft_limit")
    held = controls.balances_with_tails([account.pk])[account.pk]
    balance = account.balance
    limit = changes.get("overdraft_limit")
    if limit is not None and held - balance.pending_out_minor < -int(limit):
        raise AccountChangeInvalid("the account is below that limit already", field="overdraft_limit")
    if changes.get("status") == AccountStatus.CLOSED:
        _refuse_filled(account, held=held)
    if changes.get("parent") is not None:
        _refuse_parent(account, code=changes["parent"])


def _refuse_filled(account: Account, *, held: int) -> None:
    pending = int(account.balance.pending_debits_minor) + int(account.balance.pending_credits_minor)
    if held or pending or PostingTail.objects.filter(account=account).exists():
        raise AccountChangeInvalid("an account is closed once it holds nothing and has no holds", field="status")
    if account.children.filter(status=AccountStatus.OPEN).exists():
        raise AccountChangeInvalid("open accounts stand under it: close them first", field="status")


def _refuse_parent(account: Account, *, code: str) -> None:
    parent = Account.objects.select_related("balance").filter(code=code).first()
    if parent is None:
        raise AccountChangeInvalid(f"there is no account {code}", field="parent")
    if (parent.asset_id, parent.entity_id, parent.type) != (account.asset_id, account.entity_id, account.type):
        raise AccountChangeInvalid("an account stands under one of its own asset, entity and type", field="parent")
    if parent.balance.version or PostingTail.objects.filter(account=parent).exists():
        raise AccountChangeInvalid(f"{code} has postings of its own, so it cannot stand for others", field="parent")
    above: Account | None = parent
    while above is not None:
        if above.pk == account.pk:
            raise AccountChangeInvalid("an account cannot stand under itself", field="parent")
        above = above.parent
