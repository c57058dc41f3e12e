"""Cutover: the balances and open items of an entity, out of the books it had before, as one approved proposal."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import CREDIT, DEBIT, Line
from ledger.journal_files import OpenItem
from ledger.models import Account, AccountPurpose
from ledger.operations.journals import JournalInvalid, post_proposed, refuse_changed, refuse_problems
from ledger.proposed import ENTRIES_MAXIMUM, ProposedEntry, entries_of
from ledger.queries.cutover import entry_before
from ledger.queries.journals import scope_of, standing_of
from ledgerops.lib.errors import Refusal, RefusalKind

OPENING = "ledger.post_opening"
ACCOUNTS_OF_AN_ENTRY = 900


class BooksHaveBegun(Refusal):
    """The entity has entries up to the cutover date already: balances from before would be counted twice."""

    code = "books_have_begun"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRequest:
    """What a maker asks for: `entries` are what `opening_entries` makes of balances and open items, `source` the file they came from."""

    entity: str
    cutover_date: date
    entries: Sequence[ProposedEntry]
    open_items: int
    reason_code: str
    narrative: str
    source: str = ""

    def as_payload(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "cutover_date": self.cutover_date.isoformat(),
            "entries": [entry.as_json() for entry in self.entries],
            "open_items": self.open_items,
            "source": self.source,
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
        }


def propose_opening(*, request: OpeningRequest, maker_id: int) -> Proposal:
    """Ask for the opening balances of an entity and its open items.

    :raises BooksHaveBegun: if the entity has entries up to the cutover date.
    :raises JournalInvalid, JournalRefused: saying where.
    """
    return approvals.submit(kind=OPENING, payload=request.as_payload(), maker_id=maker_id)


def revise_opening(*, proposal_id: UUID, request: OpeningRequest, maker_id: int) -> Proposal:
    """Submit the next version of an opening after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def opening_entries(*, entity: str, cutover_date: date, balances: Sequence[Line], items: Sequence[OpenItem]) -> list[ProposedEntry]:
    """Return the entries of an opening: what open items leave of the balances, by asset, and each open item on its own day.

    Whatever does not balance by itself stands against the opening account of its asset.

    :raises JournalInvalid: if an asset needs an opening account and has none.
    """
    opening = _opening_accounts(entity)
    rest = _rest_of(balances, items=items)
    entries = []
    for asset in sorted({line.asset for line in balances}):
        lines = [line for line in rest if line.asset == asset]
        chunks = [lines[start : start + ACCOUNTS_OF_AN_ENTRY] for start in range(0, len(lines), ACCOUNTS_OF_AN_ENTRY)]
        for number, chunk in enumerate(chunks, start=1):
            part = f", part {number} of {len(chunks)}" if len(chunks) > 1 else ""
            entries.append(
                ProposedEntry(
                    type="opening",
                    entity=entity,
                    effective_date=cutover_date,
                    description=f"Opening balances in {asset}{part}",
                    lines=[*chunk, *_against(chunk, opening=opening, entity=entity)],
                )
            )
    entries.extend(
        ProposedEntry(
            type="opening",
            entity=entity,
            effective_date=item.on,
            description=item.description,
            reference=item.reference,
            lines=[item.line, *_against([item.line], opening=opening, entity=entity)],
        )
        for item in items
    )
    return entries


def _opening_accounts(entity: str) -> dict[str, str]:
    found = Account.objects.filter(entity__code=entity, purpose=AccountPurpose.OPENING)
    return dict(found.values_list("asset__code", "code"))


def _rest_of(balances: Sequence[Line], *, items: Sequence[OpenItem]) -> list[Line]:
    """Return each account's balance without its open items, on whichever side that falls; one that is all open items has none."""
    nets: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in balances:
        nets[line.account, line.asset] += _signed(line)
    for item in items:
        nets[item.line.account, item.line.asset] -= _signed(item.line)
    return [
        Line(account=account, direction=DEBIT if net > 0 else CREDIT, amount_minor=abs(net), asset=asset)
        for (account, asset), net in nets.items()
        if net
    ]


def _against(lines: Sequence[Line], *, opening: Mapping[str, str], entity: str) -> list[Line]:
    """Return the leg on the opening account that balances lines of one asset, if they need one."""
    net = sum(_signed(line) for line in lines)
    if not net:
        return []
    asset = lines[0].asset
    if asset not in opening:
        raise JournalInvalid(
            f"debits and credits in {asset} differ, and {entity} has no account for opening balances in {asset} to take the difference",
            field="balances",
        )
    return [Line(account=opening[asset], direction=CREDIT if net > 0 else DEBIT, amount_minor=abs(net), asset=asset)]


def _signed(line: Line) -> int:
    return line.amount_minor if line.direction == DEBIT else -line.amount_minor


def check_opening(*, payload: Mapping[str, Any]) -> Command:
    """Understand an opening against the present state of the books.

    :raises BooksHaveBegun: if the entity has entries up to the cutover date.
    :raises JournalInvalid, JournalRefused: saying where.
    """
    entries = entries_of(payload)
    day = date.fromisoformat(payload["cutover_date"])
    if not entries or len(entries) > ENTRIES_MAXIMUM:
        raise JournalInvalid(f"an opening has balances, and at most {ENTRIES_MAXIMUM:,} open items", field="balances")
    if any((entry.type, entry.entity) != ("opening", payload["entity"]) for entry in entries):
        raise JournalInvalid("an opening has entries of its own entity and type alone", field="balances")
    if late := [entry for entry in entries if entry.effective_date > day]:
        raise JournalInvalid(f"open item {late[0].reference} is of a day after the cutover", field="items")
    if before := entry_before(entity=payload["entity"], day=day):
        raise BooksHaveBegun(
            f"{before.public_number} of {before.effective_date} is in the books of {payload['entity']} already", field="cutover_date"
        )
    refuse_problems(entries)
    return Command(
        payload=payload,
        title=f"Opening balances of {payload['entity']} at {day}",
        scope=scope_of(payload["entity"]),
        target_type="ledger.opening",
        target_id=payload["entity"],
        locked_object=f"ledger.opening:{payload['entity']}",
        preconditions=standing_of(entries),
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def post_opening(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post the approved balances and open items, all or none.

    :raises PreconditionChanged: if the entity's books have begun meanwhile, or a period or account is no longer as it was.
    :raises Refusal: the books', for the first entry that they refuse.
    """
    entries = entries_of(payload)
    if before := entry_before(entity=payload["entity"], day=date.fromisoformat(payload["cutover_date"])):
        raise PreconditionChanged(f"{before.public_number} of {before.effective_date} has been posted before the cutover meanwhile")
    refuse_changed(entries, preconditions=preconditions)
    metadata = {"reason_code": payload["reason_code"], "cutover_date": payload["cutover_date"]}
    posted = post_proposed(entries, proposal_id=proposal_id, checker_id=checker_id, metadata=metadata)
    record_event(
        "ledger.opening.posted",
        target_type="ledger.opening",
        target_id=payload["entity"],
        reason=payload["reason_code"],
        after={"entries": [str(one.entry_id) for one in posted], "cutover_date": payload["cutover_date"]},
        proposal_id=proposal_id,
    )
