"""Entries that people write: proposed by one, posted to the last line by the approval of another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.canonical import canonical_json
from approvals.models import Proposal, ProposalStatus, ProposalVersion
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import EntryDraft
from ledger.operations.posting import Posted, post_entries, refusal_of
from ledger.proposed import ENTRIES_MAXIMUM, LINES_MAXIMUM, ProposedEntry, entries_of
from ledger.queries.journals import problems_of, scope_of, standing_of, what_changed
from ledgerops.lib.errors import Refusal, RefusalKind

JOURNAL = "ledger.post_journal"
SCOPE = "proposals"


class JournalInvalid(Refusal):
    """What was asked can be no entry of these books; `field` says where, and `detail["problems"]` lists all that was found."""

    code = "journal_invalid"
    kind = RefusalKind.INVALID


class JournalRefused(Refusal):
    """The entries are sound, but the books are not in a state to take them."""

    code = "journal_refused"
    kind = RefusalKind.CONFLICT


class JournalKnown(Refusal):
    """A journal was proposed under this id before, with other content."""

    code = "journal_known"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRequest:
    """What a maker fills in. `journal_id` names the journal before it exists: proposing the same one again is one proposal.

    `source` is the name of the file that the entries came from.
    """

    journal_id: UUID
    entries: Sequence[ProposedEntry]
    reason_code: str
    narrative: str
    source: str = ""

    def as_payload(self) -> dict[str, Any]:
        return {
            "journal": str(self.journal_id),
            "entries": [entry.as_json() for entry in self.entries],
            "source": self.source,
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
        }


def propose_journal(*, request: JournalRequest, maker_id: int) -> Proposal:
    """Ask for one or many entries as one proposal; asking again for the same journal returns its proposal.

    :raises JournalInvalid, JournalRefused: saying where.
    :raises JournalKnown: if the id was used for something else.
    :raises Refusal: those of submitting a proposal.
    """
    payload = request.as_payload()
    known = Proposal.objects.filter(locked_object=locked_object(request.journal_id)).order_by("-id").first()
    if known is not None and known.status not in _MAY_BE_ASKED_AGAIN:
        first = ProposalVersion.objects.get(proposal=known, n=1)
        if known.maker_id != maker_id or canonical_json(first.payload) != canonical_json(payload):
            raise JournalKnown(f"this journal is {known.public_number} already, with other content", proposal=str(known.pk))
        return known
    return approvals.submit(kind=JOURNAL, payload=payload, maker_id=maker_id)


_MAY_BE_ASKED_AGAIN = (
    ProposalStatus.REJECTED,
    ProposalStatus.WITHDRAWN,
    ProposalStatus.EXPIRED,
    ProposalStatus.STALE,
    ProposalStatus.FAILED,
)


def revise_journal(*, proposal_id: UUID, request: JournalRequest, maker_id: int) -> Proposal:
    """Submit the next version of a journal after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def locked_object(journal_id: UUID | str) -> str:
    return f"ledger.journal:{journal_id}"


def check_journal(*, payload: Mapping[str, Any]) -> Command:
    """Understand a journal against the present state of the books.

    :raises JournalInvalid, JournalRefused: saying where.
    """
    entries = entries_of(payload)
    if not 1 <= len(entries) <= ENTRIES_MAXIMUM or sum(len(entry.lines) for entry in entries) > LINES_MAXIMUM:
        raise JournalInvalid(f"a journal has 1 to {ENTRIES_MAXIMUM:,} entries and at most {LINES_MAXIMUM:,} lines", field="entries")
    if wrong := [n for n, entry in enumerate(entries, start=1) if entry.type != "journal"]:
        raise JournalInvalid("an entry that people write has the type journal", field=f"entries[{wrong[0]}].type")
    if len({entry.entity for entry in entries}) > 1:
        raise JournalInvalid("the entries of one journal belong to one entity", field="entries")
    refuse_problems(entries)
    first = entries[0]
    title = f"Post {len(entries)} entries" + (f" from {payload['source']}" if payload["source"] else "")
    return Command(
        payload=payload,
        title=(first.description if len(entries) == 1 else title)[:200],
        scope=scope_of(first.entity),
        target_type="ledger.journal",
        target_id=payload["journal"],
        locked_object=locked_object(payload["journal"]),
        preconditions=standing_of(entries),
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def refuse_problems(entries: Sequence[ProposedEntry]) -> None:
    """Refuse entries that the books would not take now.

    :raises JournalInvalid, JournalRefused: for the first problem, with all that were found.
    """
    problems = problems_of(entries)
    if problems:
        kind = JournalInvalid if problems[0].kind is RefusalKind.INVALID else JournalRefused
        listed = [{"field": one.field, "message": one.sentence} for one in problems[:50]]
        raise kind(problems[0].sentence, field=problems[0].field, problems=listed)


def refuse_changed(entries: Sequence[ProposedEntry], *, preconditions: Mapping[str, Any]) -> None:
    """Compare what a proposal rested on with what is so now.

    :raises PreconditionChanged: naming the first difference.
    """
    if changed := what_changed(preconditions, standing_of(entries)):
        raise PreconditionChanged(changed)


def post_journal(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post all the approved entries, or none.

    :raises PreconditionChanged: if a period or an account is no longer as it was.
    :raises Refusal: the books', for the first entry that they refuse.
    """
    entries = entries_of(payload)
    refuse_changed(entries, preconditions=preconditions)
    metadata = {"reason_code": payload["reason_code"], "journal": payload["journal"]}
    posted = post_proposed(entries, proposal_id=proposal_id, checker_id=checker_id, metadata=metadata)
    record_event(
        "ledger.journal.posted",
        target_type="ledger.journal",
        target_id=payload["journal"],
        reason=payload["reason_code"],
        after={"entries": [str(one.entry_id) for one in posted]},
        proposal_id=proposal_id,
    )


def post_proposed(entries: Sequence[ProposedEntry], *, proposal_id: UUID, checker_id: int, metadata: Mapping[str, str]) -> list[Posted]:
    """Post the entries of an approved proposal in one call, each as its part.

    :raises Refusal: the books', for the first entry that they refuse; its place is said before the sentence where there are several.
    """
    drafts = [
        EntryDraft(
            key=f"{proposal_id}:{part}",
            type=entry.type,
            entity=entry.entity,
            effective_date=entry.effective_date,
            description=entry.description,
            reference=entry.reference,
            lines=entry.lines,
            metadata=metadata,
            proposal_id=proposal_id,
            actor_id=checker_id,
            proposal_part=part,
        )
        for part, entry in enumerate(entries)
    ]
    results = post_entries(drafts=drafts, scope=SCOPE)
    for number, posted in enumerate(results, start=1):
        if posted.entry_id is None:
            refusal = refusal_of(posted)
            if len(results) == 1:
                raise refusal
            raise type(refusal)(f"entry {number}: {refusal}", field=f"entries[{number}]", **refusal.detail)
    return results
