"""What happened to a break, from the trail: its own events and those of its proposals, oldest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, NamedTuple

from approvals.models import Proposal, User
from audit.actions import meaning_of
from audit.queries import RecordedEvent, timeline_of
from recon.models import Break
from recon.web.breaks.words import METHOD_WORDS


class Look(NamedTuple):
    icon: str
    tone: str
    title: str


class Asked(NamedTuple):
    """A proposal as the timeline needs it, its narratives by version."""

    number: str
    narratives: dict[int, str]


# Titles may name {who} (to whom) and {number} (of the proposal); the sentence of an event without a title is its action's meaning.
LOOKS = {
    "recon.break.assigned": Look("user-plus", "", "Assigned to {who}"),
    "recon.break.commented": Look("message-square", "", "Comment"),
    "recon.break.reopened": Look("undo-2", "", "Open again: its proposal ended without a posting"),
    "recon.feed.missing": Look("calendar-x", "bad", "Missing"),
    "recon.feed.missing_changed": Look("calendar-x", "amber", "Other days are missing now"),
    "recon.feed.complete": Look("check", "good", "Nothing is missing any more"),
    "recon.chain.fork_found": Look("triangle-alert", "bad", "Other blocks than those that were final"),
    "recon.chain.fork_changed": Look("triangle-alert", "amber", "The chain went yet another way"),
    "recon.chain.other_accepted": Look("stamp", "amber", "The other chain is accepted; its days are delivered anew"),
    "recon.chain.fork_ended": Look("check", "good", "Ended"),
    "recon.break.resolved": Look("check", "good", "Resolved"),
    "recon.evidence.attached": Look("paperclip", "", "File attached"),
    "recon.message.drafted": Look("mail", "", "Message to the bank drafted"),
    "recon.break.treated": Look("hourglass", "amber", "Treated, and left open"),
    "recon.break.treatment_ended": Look("undo-2", "", "Treated no longer"),
    "recon.match.made": Look("link", "", "Matched by hand"),
    "approvals.proposal.submitted": Look("stamp", "amber", "{number} proposed"),
    "approvals.proposal.revised": Look("pencil-line", "amber", "{number} revised"),
    "approvals.proposal.approved": Look("check", "good", "{number} approved"),
    "approvals.proposal.rejected": Look("x", "bad", "{number} rejected"),
    "approvals.proposal.returned": Look("undo-2", "amber", "{number} returned for changes"),
    "approvals.proposal.withdrawn": Look("undo-2", "", "{number} withdrawn"),
    "approvals.proposal.expired": Look("calendar-clock", "", "{number} expired"),
    "approvals.proposal.executed": Look("book-open", "good", "{number} posted"),
    "approvals.proposal.failed": Look("circle-alert", "bad", "{number} could not be posted"),
}
# Said already by the event of the proposal beside it.
TOLD_ELSEWHERE = {"recon.break.proposed"}
SUBMISSIONS = {"approvals.proposal.submitted", "approvals.proposal.revised"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of a timeline."""

    icon: str
    tone: str
    title: str
    meta: str
    at: datetime
    text: str = ""


def timeline(recon_break: Break, *, proposals: Sequence[Proposal]) -> list[Happening]:
    """Return what happened to a break, newest last."""
    told = list(timeline_of(target_type="recon.break", target_id=recon_break.pk))
    for proposal in proposals:
        told += timeline_of(target_type="approvals.proposal", target_id=proposal.pk)
    told.sort(key=lambda event: event.id)
    events = [event for event, after in zip_longest(told, told[1:]) if not _is_told_elsewhere(event, after=after)]
    people = _people(event.after for event in events)
    asked = {
        str(proposal.pk): Asked(proposal.public_number, {version.n: version.narrative for version in proposal.versions.all()})
        for proposal in proposals
    }
    run = recon_break.opened_by_run
    opened = Happening(
        icon="search",
        tone="",
        title=f"Found by run {run.number}" if run else "Opened by the calendar" if recon_break.missing_days else "Found",
        meta=f"rules version {run.rules_version}" if run else "",
        at=recon_break.opened_at,
    )
    return [opened, *(_happening(event, people=people, asked=asked) for event in events)]


def _is_told_elsewhere(event: RecordedEvent, *, after: RecordedEvent | None) -> bool:
    """Return whether the event is said by another; a new version lets go of its break only to hold it again."""
    if event.outcome != "done":
        return False
    again = after is not None and after.action == "recon.break.proposed" and after.transaction_id == event.transaction_id
    return event.action in TOLD_ELSEWHERE or (event.action == "recon.break.reopened" and again)


def _happening(event: Any, *, people: dict[int, str], asked: dict[str, Asked]) -> Happening:
    after = event.after or {}
    if event.outcome != "done":
        sentence = event.reason.partition(": ")[2] or event.reason
        return Happening(icon="circle-alert", tone="bad", title=f"Refused: {sentence}", meta=event.actor_name, at=event.at)
    look = LOOKS.get(event.action) or Look("circle", "", meaning_of(event.action))
    number = asked[event.target_id].number if event.target_id in asked else ""
    title = look.title.format(who=people.get(after.get("assignee") or 0, "nobody"), number=number)
    if event.action == "recon.break.assigned" and after.get("assignee") is None:
        title = "Given back"
    if event.action == "recon.break.resolved":
        title = f"Resolved by {word}" if (word := METHOD_WORDS.get(after.get("method", ""))) else look.title
    text = after.get("text", "") if event.action == "recon.break.commented" else ""
    if event.action.startswith("recon.feed."):
        text = event.reason or ", ".join(after.get("days", []))
    if event.action in ("recon.break.treated", "recon.break.treatment_ended"):
        text = after.get("narrative") or event.reason
    if event.action in ("recon.evidence.attached", "recon.message.drafted"):
        text = " · ".join(filter(None, (after.get("name", ""), after.get("text", ""))))
    if event.action == "recon.chain.fork_ended":
        text = event.reason
    if event.target_id in asked:
        text = asked[event.target_id].narratives[after["version"]] if event.action in SUBMISSIONS else event.reason
    return Happening(icon=look.icon, tone=look.tone, title=title, meta=event.actor_name, at=event.at, text=text)


def _people(afters: Iterable[dict[str, Any] | None]) -> dict[int, str]:
    """Return the names of those whom assignments name."""
    ids = {after["assignee"] for after in afters if after and after.get("assignee") is not None}
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in=ids)} if ids else {}
