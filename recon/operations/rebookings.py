"""Reverse and rebook: a wrong entry is undone and booked anew as the bank has it, both at once, and both are matched.

The reversal's posting matches the wrong one; the new entry's posting matches the bank's lines.
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
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line, lines_from_json
from ledger.models import Account, JournalEntry
from ledger.operations import post_entries
from ledger.operations.posting import Posted, refusal_of
from ledger.proposed import lines_as_json
from ledger.queries.reversals import LegLeft, legs_left
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Item, MatchMethod, Side
from recon.operations.corrections import (
    SCOPE,
    Understood,
    counter_account_of,
    held_items,
    item_of_posting,
    preconditions_of,
    scope_of,
    understand,
)
from recon.operations.matches import make_matches

REBOOK = "recon.rebook"


class RebookingRefused(Refusal):
    """The entry cannot be undone as a whole, or not booked anew in this way."""

    code = "rebooking_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class RebookingRequest:
    """What an analyst fills in. `counter_account` is the leg of the entry that takes the change; what else it has stays as it is.

    `effective_date` is that of the new entry; the reversal has the same. `item_ids` are the bank's lines, if the break has none itself.
    """

    break_id: UUID
    item_ids: Sequence[int]
    reason_code: str
    narrative: str
    counter_account: str
    effective_date: date
    break_version: int | None = None

    def as_payload(self) -> dict[str, Any]:
        seen = {} if self.break_version is None else {"break_version": self.break_version}
        return {
            **seen,
            "break_id": str(self.break_id),
            "item_ids": sorted(self.item_ids),
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
            "counter_account": self.counter_account,
            "effective_date": self.effective_date.isoformat(),
        }


def propose_rebooking(*, request: RebookingRequest, maker_id: int) -> Proposal:
    """Ask for the reversal of a break's entry and its booking as the bank has it.

    :raises RebookingRefused: if the entry cannot be undone, or nothing would be other than it is.
    :raises Refusal: naming the field, or what else holds the break.
    """
    return approvals.submit(kind=REBOOK, payload=request.as_payload(), maker_id=maker_id)


def revise_rebooking(*, proposal_id: UUID, request: RebookingRequest, maker_id: int) -> Proposal:
    """Submit the next version of a rebooking after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def wrong_entry_of(items: Sequence[Item]) -> Item:
    """Return the one ledger item that a rebooking would undo.

    :raises RebookingRefused: unless there is one, whole, with at least one line of the bank beside it.
    """
    ledger = [item for item in items if item.side == Side.LEDGER]
    if len(ledger) != 1 or len(items) < 2:
        raise RebookingRefused(
            "one entry is reversed and booked as the bank has it: take one of the ledger and the bank's lines", field="items"
        )
    if len({item.population_id for item in items}) != 2:
        raise RebookingRefused("take the bank's lines of one side alone", field="items")
    if ledger[0].open_minor != ledger[0].amount_minor:
        raise RebookingRefused("part of the entry is matched already; undo that match first", field="items")
    return ledger[0]


def rebooked_lines(*, legs: Sequence[LegLeft], account: Account, bank_minor: int, counter_account: str) -> list[Line]:
    """Return the entry's lines as they should have been: the account moves by `bank_minor` (a debit above zero), the counter leg gives way.

    A counter account that the entry does not have replaces its only other leg.

    :raises RebookingRefused: if that leaves the account no leg, or says what is booked already.
    """
    signed: dict[str, int] = {}
    for leg in legs:
        signed[leg.account.code] = signed.get(leg.account.code, 0) + (leg.posted_minor if leg.direction == DEBIT else -leg.posted_minor)
    before = dict(signed)
    others = [code for code in signed if code != account.code]
    if counter_account not in signed:
        if len(others) > 1:
            raise RebookingRefused("the entry has several other legs: choose which of them takes the change", field="counter_account")
        signed.pop(others[0])
    signed[account.code] = bank_minor
    signed[counter_account] = 0
    signed[counter_account] = -sum(signed.values())
    if signed == before:
        raise RebookingRefused("the entry would be booked as it is; choose another date or account", field="counter_account")
    if not bank_minor or not signed[counter_account]:
        raise RebookingRefused(f"nothing would be left for {counter_account}; propose an adjustment instead", field="counter_account")
    asset = account.asset.code
    return [
        Line(account=code, direction=DEBIT if amount > 0 else CREDIT, amount_minor=abs(amount), asset=asset)
        for code, amount in signed.items()
        if amount
    ]


def check_rebooking(*, payload: Mapping[str, Any]) -> Command:
    """Understand a rebooking against the present state, locking its break.

    :raises RebookingRefused, BreakRefused, MatchRefused, AdjustmentRefused: naming the field.
    """
    found = understand(payload=payload)
    wrong = wrong_entry_of(found.items)
    assert wrong.entry_id is not None
    original = JournalEntry.objects.select_related("type", "entity").get(pk=wrong.entry_id)
    legs = _legs_of(original, account=found.account)
    counter = counter_account_of(code=payload["counter_account"], account=found.account)
    bank_minor = wrong.signed_minor - found.difference_minor
    lines = _lines(found, original=original, legs=legs, bank_minor=bank_minor, counter_account=counter.code)
    common = {"entity": original.entity.code, "effective_date": found.effective_date.isoformat(), "reference": original.reference}
    undoing = [Line(account=leg.account.code, direction=leg.other_side, amount_minor=leg.left_minor, asset=_asset(found)) for leg in legs]
    entries = [
        {**common, "type": "reversal", "description": f"Reversal of {original.public_number}"[:1000], "lines": lines_as_json(undoing)},
        {**common, "type": "adjustment", "description": original.description, "lines": lines_as_json(lines)},
    ]
    recon_break = found.recon_break
    return Command(
        payload={
            **payload,
            "item_ids": [item.pk for item in found.items],
            "original": str(original.pk),
            "original_number": original.public_number,
            "account": found.account.code,
            "entries": entries,
        },
        title=f"Reverse {original.public_number}, book it as the bank has it and close {recon_break.public_number}"[:200],
        scope=scope_of(source_id=found.reconciliation.source_id),
        target_type="recon.break",
        target_id=str(recon_break.pk),
        locked_object=f"recon.break:{recon_break.pk}",
        preconditions={**preconditions_of(found), "wrong_item": wrong.pk},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def _lines(found: Understood, *, original: JournalEntry, legs: Sequence[LegLeft], bank_minor: int, counter_account: str) -> list[Line]:
    """Return the new entry's lines; with the same ones it must at least have another date."""
    try:
        return rebooked_lines(legs=legs, account=found.account, bank_minor=bank_minor, counter_account=counter_account)
    except RebookingRefused:
        booked_as_it_is = found.difference_minor == 0 and counter_account in {leg.account.code for leg in legs}
        if not booked_as_it_is or found.effective_date == original.effective_date:
            raise
        return [Line(account=leg.account.code, direction=leg.direction, amount_minor=leg.posted_minor, asset=_asset(found)) for leg in legs]


def _asset(found: Understood) -> str:
    return found.account.asset.code


def _legs_of(original: JournalEntry, *, account: Account) -> list[LegLeft]:
    if not original.type.reversible:
        raise RebookingRefused(f"a {original.type.name.lower()} is not undone", field="items")
    legs = legs_left(original)
    if any(leg.undone_minor for leg in legs):
        raise RebookingRefused(f"part of {original.public_number} is undone already", field="items")
    if any(leg.account.asset_id != account.asset_id for leg in legs):
        raise RebookingRefused(f"{original.public_number} is in several assets; reverse it and post a journal", field="items")
    if sum(leg.account.pk == account.pk for leg in legs) != 1:
        raise RebookingRefused(f"{original.public_number} has several legs on {account.code}; reverse it and post a journal", field="items")
    return legs


def post_rebooking(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post both entries or none; the reversal matches the wrong one, the new entry the bank's lines, and the break closes by that.

    :raises PreconditionChanged: if an item was matched, the entry undone in part or the break changed meanwhile.
    :raises Refusal: the books'.
    """
    recon_break, items = held_items(payload=payload, preconditions=preconditions)
    original = JournalEntry.objects.select_related("type").get(pk=payload["original"])
    account = Account.objects.select_related("asset").get(code=payload["account"])
    try:
        wrong = wrong_entry_of(items)
        _legs_of(original, account=account)
    except RebookingRefused as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    reversal, rebooked = _post_both(payload, original=original, proposal_id=proposal_id, checker_id=checker_id)

    undoing = item_of_posting(recon_break, entry_id=reversal, entry=payload["entries"][0], account=account)
    anew = item_of_posting(recon_break, entry_id=rebooked, entry=payload["entries"][1], account=account)
    matches = make_matches(
        groups=[[wrong, undoing], [*(item for item in items if item.pk != wrong.pk), anew]],
        method=MatchMethod.REBOOKING,
        explanation={
            "pass": "rebooking",
            "break": recon_break.public_number,
            "original": payload["original_number"],
            "entries": [str(reversal), str(rebooked)],
        },
        proposal_id=proposal_id,
    )
    record_event(
        "recon.rebooking.posted",
        target_type="ledger.journal_entry",
        target_id=rebooked,
        reason=payload["reason_code"],
        before={"entry": str(original.pk)},
        after={
            "break": recon_break.public_number,
            "reversal": str(reversal),
            "matches": [str(one.pk) for one in matches],
            "lines": payload["entries"][1]["lines"],
        },
        proposal_id=proposal_id,
    )


def _post_both(payload: Mapping[str, Any], *, original: JournalEntry, proposal_id: UUID, checker_id: int) -> list[UUID]:
    drafts = [
        EntryDraft(
            key=f"proposal:{proposal_id}:{part}",
            type=entry["type"],
            entity=entry["entity"],
            effective_date=date.fromisoformat(entry["effective_date"]),
            description=entry["description"],
            reference=entry["reference"],
            counterparty=original.counterparty,
            lines=lines_from_json(entry["lines"]),
            metadata={"reason_code": payload["reason_code"], "rebooks": payload["original_number"]},
            proposal_id=proposal_id,
            proposal_part=part,
            actor_id=checker_id,
            reverses=original.pk if entry["type"] == "reversal" else None,
        )
        for part, entry in enumerate(payload["entries"])
    ]
    return [_id_of(posted) for posted in post_entries(drafts=drafts, scope=SCOPE)]


def _id_of(posted: Posted) -> UUID:
    if posted.entry_id is None:
        raise refusal_of(posted)
    return posted.entry_id


__all__ = [
    "REBOOK",
    "RebookingRefused",
    "RebookingRequest",
    "check_rebooking",
    "post_rebooking",
    "propose_rebooking",
    "rebooked_lines",
    "revise_rebooking",
    "wrong_entry_of",
]
