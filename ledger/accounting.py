"""Entry drafts and what can be said of them without the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from ledgerops.lib.errors import Refusal, RefusalKind

MAXIMUM_AMOUNT = 10**38 - 1
DEBIT, CREDIT = "debit", "credit"


class DraftRefused(Refusal):
    """The draft contradicts itself; nothing was asked of the database."""

    code = "draft_refused"
    kind = RefusalKind.INVALID


class DraftUnbalanced(Refusal):
    code = "draft_unbalanced"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A leg before posting: an account's code, a side, a positive number of minor units, the asset's code."""

    account: str
    direction: str
    amount_minor: int
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """A journal entry before posting. `key` names it within the caller's scope: one key posts once.

    `roll_to_open` lets an entry of a closed period take the first open date; its own date stays as its value date. `initiate` keeps the
    request and posts nothing yet, `posts` names such a request to post now. `hold_id` is the hold that this captures, and `final` gives
    back what it leaves. `reverses` is the entry that this undoes, leg by leg. `parent` is the transaction it follows from.
    `proposal_part` says which of a proposal's entries this is.
    """

    key: str
    type: str
    entity: str
    effective_date: date
    description: str
    lines: Sequence[Line]
    reference: str = ""
    counterparty: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    proposal_id: UUID | None = None
    actor_id: int | None = None
    request_id: str = ""
    value_date: date | None = None
    roll_to_open: bool = False
    initiate: bool = False
    posts: UUID | None = None
    hold_id: UUID | None = None
    final: bool = False
    reverses: UUID | None = None
    parent: UUID | None = None
    proposal_part: int | None = None


def imbalance(lines: Sequence[Line]) -> dict[str, int]:
    """Return debits minus credits of each asset that does not balance."""
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.asset] += line.amount_minor if line.direction == DEBIT else -line.amount_minor
    return {asset: difference for asset, difference in sums.items() if difference}


def check_draft(draft: EntryDraft) -> None:
    """Refuse a draft that no chart of accounts could accept.

    :raises DraftRefused: naming the field.
    :raises DraftUnbalanced: naming the assets and their differences.
    """
    if not draft.key or len(draft.key) > 200:
        raise DraftRefused("an idempotency key has 1 to 200 characters", field="key")
    if not draft.description.strip():
        raise DraftRefused("say what the entry is for", field="description")
    if len(draft.reference) > 140:
        raise DraftRefused("a reference has at most 140 characters", field="reference")
    if len(draft.lines) < 2:
        raise DraftRefused("an entry has at least two lines", field="lines")
    if len(draft.lines) > 1000:
        raise DraftRefused("an entry has at most 1000 lines", field="lines")
    for number, line in enumerate(draft.lines, start=1):
        if line.direction not in (DEBIT, CREDIT):
            raise DraftRefused("a line is a debit or a credit", field=f"lines[{number}].direction", value=line.direction)
        if type(line.amount_minor) is not int or not 0 < line.amount_minor <= MAXIMUM_AMOUNT:
            raise DraftRefused("an amount is a whole number above zero of at most 38 digits", field=f"lines[{number}].amount")
    differences = imbalance(draft.lines)
    if differences:
        said = ", ".join(f"{asset} by {difference}" for asset, difference in sorted(differences.items()))
        raise DraftUnbalanced(
            f"debits and credits differ in {said} minor units", field="lines", differences={a: str(d) for a, d in differences.items()}
        )


def as_json(draft: EntryDraft) -> dict[str, Any]:
    """Return the draft as the posting function reads it; what does not apply is left out."""
    rare = {
        "value_date": draft.value_date and draft.value_date.isoformat(),
        "roll_to_open": draft.roll_to_open,
        "initiate": draft.initiate,
        "posts": draft.posts and str(draft.posts),
        "hold": draft.hold_id and str(draft.hold_id),
        "final": draft.final,
        "reverses": draft.reverses and str(draft.reverses),
        "parent": draft.parent and str(draft.parent),
        "proposal_id": draft.proposal_id and str(draft.proposal_id),
        "actor_id": draft.actor_id,
    }
    said: dict[str, Any] = {
        "key": draft.key,
        "type": draft.type,
        "entity": draft.entity,
        "effective_date": draft.effective_date.isoformat(),
        "description": draft.description,
        "reference": draft.reference,
        "counterparty": draft.counterparty,
        "metadata": dict(draft.metadata),
        "request_id": draft.request_id,
        "lines": [
            {"account": line.account, "direction": line.direction, "amount": str(line.amount_minor), "asset": line.asset}
            for line in draft.lines
        ],
        **{name: value for name, value in rare.items() if value},
    }
    if draft.proposal_part is not None:
        said["proposal_part"] = draft.proposal_part
    return said


def draft_from_json(said: Mapping[str, Any], *, key: str) -> EntryDraft:
    """Return a draft as `as_json` wrote it, without who asked for it; `said` may lack its key."""

    def named(name: str) -> UUID | None:
        return UUID(said[name]) if name in said else None

    return EntryDraft(
        key=key,
        type=said["type"],
        entity=said["entity"],
        effective_date=date.fromisoformat(said["effective_date"]),
        description=said["description"],
        lines=lines_from_json(said["lines"]),
        reference=said["reference"],
        counterparty=said["counterparty"],
        metadata=said["metadata"],
        proposal_id=named("proposal_id"),
        value_date=date.fromisoformat(said["value_date"]) if "value_date" in said else None,
        roll_to_open="roll_to_open" in said,
        initiate="initiate" in said,
        posts=named("posts"),
        hold_id=named("hold"),
        final="final" in said,
        reverses=named("reverses"),
        parent=named("parent"),
        proposal_part=said.get("proposal_part"),
    )


def swapped(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with debits and credits exchanged: what undoes them."""
    return [
        Line(account=line.account, direction=CREDIT if line.direction == DEBIT else DEBIT, amount_minor=line.amount_minor, asset=line.asset)
        for line in lines
    ]


def lines_from_json(lines: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return lines as `as_json` writes them."""
    return [
        Line(account=line["account"], direction=line["direction"], amount_minor=int(line["amount"]), asset=line["asset"]) for line in lines
    ]
