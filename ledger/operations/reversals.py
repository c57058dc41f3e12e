"""Undoing a posted entry, in full or in part: another entry, approved, under the running cap of what is left of the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import EntryDraft, Line
from ledger.models import JournalEntry
from ledger.operations.journals import SCOPE, JournalInvalid, JournalRefused, refuse_changed, refuse_problems
from ledger.operations.posting import post_entry
from ledger.proposed import ProposedEntry, entry_from_json
from ledger.queries.journals import scope_of, standing_of
from ledger.queries.reversals import LegLeft, legs_left
from ledgerops.lib.errors import Refusal, RefusalKind

REVERSAL = "ledger.reverse_entry"


class NotReversible(Refusal):
    """The entry is of a type that is not undone, or nothing is left of it."""

    code = "entry_not_reversible"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalRequest:
    """What a maker fills in. `amounts` gives what is undone by account and posted side; None is all that is left."""

    entry_id: UUID
    amounts: Mapping[tuple[str, str], int] | None
    effective_date: date
    reason_code: str
    narrative: str

    def as_payload(self) -> dict[str, Any]:
        taken = None
        if self.amounts is not None:
            taken = [{"account": a, "direction": d, "amount": str(n)} for (a, d), n in sorted(self.amounts.items())]
        return {
            "entry_id": str(self.entry_id),
            "amounts": taken,
            "effective_date": self.effective_date.isoformat(),
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
        }


def propose_reversal(*, request: ReversalRequest, maker_id: int) -> Proposal:
    """Ask for the entry that undoes another, leg by leg.

    :raises NotReversible: if nothing of it can be undone.
    :raises JournalInvalid, JournalRefused: saying where.
    """
    return approvals.submit(kind=REVERSAL, payload=request.as_payload(), maker_id=maker_id)


def revise_reversal(*, proposal_id: UUID, request: ReversalRequest, maker_id: int) -> Proposal:
    """Submit the next version of a reversal after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def reversal_lines(left: Sequence[LegLeft], *, amounts: Mapping[tuple[str, str], int] | None) -> list[Line]:
    """Return the lines that undo these amounts: on the other side, each at most what is left.

    :raises JournalInvalid: for a leg that the entry does not have, or more than is left of one.
    """
    known = {(leg.account.code, leg.direction): leg for leg in left}
    wanted = {key: leg.left_minor for key, leg in known.items() if leg.left_minor} if amounts is None else amounts
    lines = []
    for number, ((code, direction), amount) in enumerate(wanted.items(), start=1):
        leg = known.get((code, direction))
        if leg is None:
            raise JournalInvalid(f"the entry has no {direction} on {code}", field=f"amounts[{number}].account")
        if not 0 < amount <= leg.left_minor:
            raise JournalInvalid(
                f"{code} has {leg.left_text} left to undo, so more than nothing and no more than that", field=f"amounts[{number}].amount"
            )
        lines.append(Line(account=code, direction=leg.other_side, amount_minor=amount, asset=leg.account.asset.code))
    return lines


def check_reversal(*, payload: Mapping[str, Any]) -> Command:
    """Understand a reversal against what is left of its entry.

    :raises NotReversible, JournalInvalid, JournalRefused: saying where.
    """
    original = JournalEntry.objects.select_related("type", "entity").filter(pk=payload["entry_id"]).first()
    if original is None:
        raise JournalInvalid("there is no such entry", field="entry_id")
    if not original.type.reversible:
        raise NotReversible(f"a {original.type.name.lower()} is not undone")
    left = legs_left(original)
    if not any(leg.left_minor for leg in left):
        raise NotReversible(f"{original.public_number} is undone already, to the last leg")
    amounts = payload["amounts"]
    taken = None if amounts is None else {(one["account"], one["direction"]): int(one["amount"]) for one in amounts}
    lines = reversal_lines(left, amounts=taken)
    day = date.fromisoformat(payload["effective_date"])
    if day < original.effective_date:
        raise JournalInvalid(f"nothing is undone before it happened, on {original.effective_date}", field="effective_date")
    entry = ProposedEntry(
        type="reversal",
        entity=original.entity.code,
        effective_date=day,
        description=f"Reversal of {original.public_number}: {original.description}"[:1000],
        reference=original.reference,
        lines=lines,
    )
    refuse_problems([entry])
    whole = sum(leg.left_minor for leg in left) == sum(line.amount_minor for line in lines)
    return Command(
        payload={**payload, "entry": entry.as_json(), "original": original.public_number},
        title=f"Reverse {'' if whole else 'part of '}{original.public_number}: {original.description}"[:200],
        scope=scope_of(original.entity.code),
        target_type="ledger.journal_entry",
        target_id=str(original.pk),
        locked_object=f"ledger.journal_entry:{original.pk}",
        preconditions={**standing_of([entry]), "undone": _undone(left)},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def post_reversal(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post the approved reversal, unless somebody has undone some of the entry meanwhile.

    :raises PreconditionChanged: if so, or if a period or account is no longer as it was.
    :raises Refusal: the books'.
    """
    entry = entry_from_json(payload["entry"])
    original = JournalEntry.objects.get(pk=payload["entry_id"])
    refuse_changed([entry], preconditions=preconditions)
    _refuse_undone(original, undone=preconditions["undone"], ours={})
    posted = post_entry(
        draft=EntryDraft(
            key=f"{proposal_id}:0",
            type=entry.type,
            entity=entry.entity,
            effective_date=entry.effective_date,
            description=entry.description,
            reference=entry.reference,
            lines=entry.lines,
            metadata={"reason_code": payload["reason_code"], "reverses": payload["original"]},
            proposal_id=proposal_id,
            actor_id=checker_id,
            reverses=original.pk,
        ),
        scope=SCOPE,
    )
    # Posting has locked the accounts, so what is undone now is what was undone then and this: nobody came between.
    ours: dict[str, int] = {}
    for line in entry.lines:
        side = f"{line.account}/{'credit' if line.direction == 'debit' else 'debit'}"
        ours[side] = ours.get(side, 0) + line.amount_minor
    _refuse_undone(original, undone=preconditions["undone"], ours=ours)
    record_event(
        "ledger.entry.reversed",
        target_type="ledger.journal_entry",
        target_id=original.pk,
        reason=payload["reason_code"],
        after={"by": posted.entry_id, "lines": payload["entry"]["lines"]},
        proposal_id=proposal_id,
    )


def _undone(left: Sequence[LegLeft]) -> dict[str, str]:
    return {f"{leg.account.code}/{leg.direction}": str(leg.undone_minor) for leg in left}


def _refuse_undone(original: JournalEntry, *, undone: Mapping[str, str], ours: Mapping[str, int]) -> None:
    for side, amount in _undone(legs_left(original)).items():
        if int(amount) - ours.get(side, 0) != int(undone[side]):
            raise PreconditionChanged(f"part of {original.public_number} has been undone meanwhile, on {side.partition('/')[0]}")


__all__ = [
    "REVERSAL",
    "JournalRefused",
    "NotReversible",
    "ReversalRequest",
    "check_reversal",
    "post_reversal",
    "propose_reversal",
    "revise_reversal",
]
