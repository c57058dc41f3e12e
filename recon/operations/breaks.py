"""Working a break: assign, comment, match by hand."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import F

from approvals.models import User
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import retried
from recon.models import Break, BreakComment, BreakState, BreakType, Match, MatchMethod
from recon.operations.matches import MatchRefused, difference_of, lock_items, make_match, parts_leaving_rest, refuse_proposed
from recon.operations.mentions import mention_people
from recon.operations.overtaking import changed_by, held_by, in_words

__all__ = ["BreakRefused", "MatchRefused", "assign_break", "comment_on_break", "match_by_hand"]


class BreakRefused(Refusal):
    """The break is not in a state for this, or has changed since it was read."""

    code = "break_refused"
    kind = RefusalKind.CONFLICT


class CommentRefused(Refusal):
    code = "comment_refused"
    kind = RefusalKind.INVALID


def return_break(*, break_id: UUID) -> Break:
    """Give a live break back to whom it was with before.

    :raises BreakRefused: if it is resolved, or was with nobody before, or with somebody who works breaks no longer.
    """
    return assign_break(break_id=break_id, assignee_id=None, back=True)


def assign_break(*, break_id: UUID, assignee_id: int | None, back: bool = False) -> Break:
    """Give a live break to a person, and it is being investigated, or to nobody, and it is open again.

    With `back` it goes to whom it was with before.

    :raises BreakRefused: if it is resolved, or the person may not work breaks.
    """
    with act("recon.break.assigned", target_type="recon.break", target_id=break_id):
        recon_break = Break.objects.select_for_update(of=("self",)).get(pk=break_id)
        if not recon_break.is_live:
            raise BreakRefused(f"{recon_break.public_number} is resolved")
        if back:
            assignee_id = recon_break.previous_assignee_id
            if assignee_id is None:
                raise BreakRefused(f"{recon_break.public_number} was with nobody before")
        if assignee_id is not None and not User.objects.get(pk=assignee_id).has_perm("recon.work_break"):
            raise BreakRefused("that person's roles do not include working breaks", field="assignee")
        if recon_break.assignee_id == assignee_id:
            return recon_break
        before = {"assignee": recon_break.assignee_id, "state": recon_break.state}
        recon_break.previous_assignee_id, recon_break.assignee_id = recon_break.assignee_id, assignee_id
        if recon_break.state == BreakState.OPEN and assignee_id is not None:
            recon_break.state = BreakState.INVESTIGATING
        elif recon_break.state == BreakState.INVESTIGATING and assignee_id is None:
            recon_break.state = BreakState.OPEN
        recon_break.version += 1
        recon_break.save(update_fields=["assignee", "previous_assignee", "state", "version"])
        record_event(
            "recon.break.assigned",
            target_type="recon.break",
            target_id=break_id,
            before=before,
            after={"assignee": assignee_id, "state": recon_break.state},
        )
        return recon_break


def comment_on_break(*, break_id: UUID, author_id: int, text: str) -> BreakComment:
    """Write a comment on a break, whatever its state. Whoever it names as `@name` and sees the break finds it among their mentions.

    :raises CommentRefused: if it says nothing or more than 4,000 characters.
    """
    with act("recon.break.commented", target_type="recon.break", target_id=break_id):
        said = text.strip()
        if not 0 < len(said) <= 4000:
            raise CommentRefused("a comment has 1 to 4,000 characters", field="text")
        recon_break = Break.objects.get(pk=break_id)
        comment = BreakComment.objects.create(recon_break=recon_break, author_id=author_id, text=said)
        named = mention_people(comment)
        record_event(
            "recon.break.commented",
            target_type="recon.break",
            target_id=break_id,
            after={"comment": comment.pk, "text": said, **({"mentions": named} if named else {})},
        )
        return comment


def match_by_hand(
    *,
    break_id: UUID,
    version: int,
    item_ids: Sequence[int],
    matched_by_id: int,
    leave_rest: bool = False,
    rest_of: int | None = None,
) -> Match:
    """Match a break's items with others of its reconciliation; both sides must sum to the same.

    With `leave_rest` one item of the larger side is taken in part: what the smaller side is short of stays open. `rest_of` names it
    where several could keep the rest.

    :raises BreakRefused: if the break has changed since version `version`, or has a proposal or an end.
    :raises MatchRefused: if an item is gone, taken or held by a proposal, or if a difference would remain.
    """

    def once() -> Match:
        return _match_once(
            break_id=break_id, version=version, item_ids=item_ids, matched_by_id=matched_by_id, leave_rest=leave_rest, rest_of=rest_of
        )

    # Two people who match each other's breaks lock them in opposite orders; whoever loses looks again.
    return retried(once)


def _match_once(
    *, break_id: UUID, version: int, item_ids: Sequence[int], matched_by_id: int, leave_rest: bool, rest_of: int | None
) -> Match:
    with act("recon.match.made", target_type="recon.break", target_id=break_id):
        recon_break = Break.objects.select_for_update(of=("self",)).get(pk=break_id)
        refuse_overtaken(recon_break, version=version)
        own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
        others = [pk for pk in item_ids if pk not in own]
        if not others and len(own) < 2:
            raise MatchRefused("choose what this is to be matched with", field="items")
        items = lock_items(item_ids=[*own, *others], reconciliation_id=recon_break.reconciliation_id)
        refuse_proposed(item_ids=others)
        difference = difference_of(items)
        if difference and not leave_rest:
            raise MatchRefused("the two sides differ; propose an adjustment for the rest", field="items", difference_minor=str(difference))
        parts = parts_leaving_rest(items, rest_of=rest_of) if difference else {}

        match = make_match(
            items=items,
            method=MatchMethod.MANUAL,
            explanation={"pass": "by hand", "break": recon_break.public_number, "items": sorted(item.pk for item in items)},
            made_by_id=matched_by_id,
            parts=parts,
        )
        record_event(
            "recon.match.made",
            target_type="recon.break",
            target_id=break_id,
            after={"match": match.pk, "items": sorted(item.pk for item in items), "rest_minor": str(abs(difference))},
        )
        return match


def refuse_overtaken(recon_break: Break, *, version: int | None) -> None:
    """Refuse to change a locked break that has an end, waits for a decision, or is not as it was read.

    :raises BreakRefused: naming who did that and when.
    """
    if recon_break.state in (BreakState.PROPOSED, BreakState.RESOLVED):
        told = held_by(recon_break)
        sentence = f"{recon_break.public_number} is {recon_break.get_state_display().lower()}{in_words(told)}"
        raise BreakRefused(sentence, state=recon_break.state, **told)
    if version is not None and recon_break.version != version:
        told = changed_by(recon_break)
        sentence = f"{recon_break.public_number} has changed since you opened it{in_words(told, by=', by ')}"
        raise BreakRefused(sentence, version=recon_break.version, **told)
    refuse_of_a_source(recon_break)


def refuse_of_a_source(recon_break: Break) -> None:
    """Refuse to match or correct what is of no item.

    :raises BreakRefused: saying how it ends instead.
    """
    if recon_break.type == BreakType.STALE_FEED:
        raise BreakRefused(f"{recon_break.public_number} ends when the missing days have come or been waived")
    if recon_break.type == BreakType.CHAIN_REORG:
        raise BreakRefused(f"{recon_break.public_number} ends when the block is back, or the other chain is accepted")


def set_state(*, break_id: UUID, state: BreakState) -> bool:
    """Move a live break between open states inside the caller's transaction; false if it is resolved."""
    changed = Break.objects.filter(pk=break_id).exclude(state=BreakState.RESOLVED).update(state=state, version=F("version") + 1)
    return bool(changed)
