"""What people make of suggestions: accept one, dismiss one, say that two items never belong together."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from itertools import combinations
from uuid import UUID

from django.db.models.functions import Now

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now, retried
from recon.models import Item, Match, MatchMethod, NeverMatch, Suggestion, SuggestionState
from recon.operations.matches import MatchRefused, difference_of, lock_items, make_match, refuse_proposed

# No refusal steers what is matched for longer than this.
NEVER_DAYS_MAX = 365
REASON_MAX = 500
# Of a large group, one item against the others is enough: a group that holds a refused pair is never made.
PAIRS_MAX = 200


class SuggestionRefused(Refusal):
    """The suggestion has an end already, or is none that could be accepted."""

    code = "suggestion_refused"
    kind = RefusalKind.CONFLICT


class SuggestionInvalid(Refusal):
    code = "suggestion_invalid"
    kind = RefusalKind.INVALID


def accept_suggestion(*, suggestion_id: UUID, accepted_by_id: int) -> Match:
    """Make a match by hand of a suggestion's items, all of which must still be open.

    :raises SuggestionRefused: if it has an end, or was found in more than one way.
    :raises MatchRefused: if an item has been matched or proposed meanwhile, or the sides differ.
    """
    return retried(lambda: _accept_once(suggestion_id=suggestion_id, accepted_by_id=accepted_by_id))


def _accept_once(*, suggestion_id: UUID, accepted_by_id: int) -> Match:
    with act("recon.suggestion.accepted", target_type="recon.suggestion", target_id=suggestion_id):
        suggestion = _locked(suggestion_id)
        if suggestion.ways > 1:
            raise SuggestionRefused("these items add up in more than one way; choose them by hand")
        items = lock_items(item_ids=suggestion.items, reconciliation_id=suggestion.reconciliation_id)
        refuse_proposed(item_ids=suggestion.items)
        difference = difference_of(items)
        if difference:
            raise MatchRefused("the two sides differ", field="items", difference_minor=str(difference))

        match = make_match(
            items=items,
            method=MatchMethod.MANUAL,
            explanation={
                "pass": "suggested",
                "suggestion": str(suggestion.pk),
                "kind": suggestion.kind,
                "suggested": suggestion.explanation,
                "items": suggestion.items,
            },
            made_by_id=accepted_by_id,
        )
        _end(suggestion, state=SuggestionState.ACCEPTED, by_id=accepted_by_id)
        record_event(
            "recon.suggestion.accepted",
            target_type="recon.suggestion",
            target_id=suggestion_id,
            after={"match": match.pk, "items": suggestion.items, "pass": suggestion.pass_id},
        )
        return match


def dismiss_suggestion(*, suggestion_id: UUID, dismissed_by_id: int, reason: str, until: date) -> Suggestion:
    """Say that a suggestion is wrong: its sides are neither matched nor suggested together until a date.

    :raises SuggestionRefused: if it has an end already.
    :raises SuggestionInvalid: without a reason, or if the date is past or more than a year away.
    """
    with act("recon.suggestion.dismissed", target_type="recon.suggestion", target_id=suggestion_id):
        suggestion = _locked(suggestion_id)
        said = _checked(reason=reason, until=until)
        pairs = refused_pairs(Item.objects.filter(pk__in=suggestion.items))

        write_refusals(pairs, reason=said, said_by_id=dismissed_by_id, until=until)
        _end(suggestion, state=SuggestionState.DISMISSED, by_id=dismissed_by_id)
        record_event(
            "recon.suggestion.dismissed",
            target_type="recon.suggestion",
            target_id=suggestion_id,
            reason=said,
            after={"until": until.isoformat(), "items": suggestion.items, "pairs": len(pairs)},
        )
        return suggestion


def never_match(*, item_ids: Collection[int], said_by_id: int, reason: str, until: date) -> NeverMatch:
    """Say that two items do not belong together: no run matches or suggests them together until a date.

    :raises SuggestionInvalid: unless they are two items of one reconciliation, with a reason and a date, that are not refused already.
    """
    left, right = min(item_ids, default=0), max(item_ids, default=0)
    with act("recon.items.refused", target_type="recon.item", target_id=left):
        items = list(Item.objects.filter(pk__in=item_ids))
        if len(set(item_ids)) != 2 or len(items) != 2 or items[0].reconciliation_id != items[1].reconciliation_id:
            raise SuggestionInvalid("name two items of one reconciliation", field="items")
        said = _checked(reason=reason, until=until)
        if NeverMatch.objects.filter(left=left, right=right, until__gte=until).exists():
            raise SuggestionInvalid("they are kept apart until then already", field="until")

        refusal = NeverMatch.objects.create(left_id=left, right_id=right, reason=said, said_by_id=said_by_id, until=until)
        record_event(
            "recon.items.refused",
            target_type="recon.item",
            target_id=left,
            reason=said,
            after={"left": left, "right": right, "until": until.isoformat()},
        )
        return refusal


def refused_pairs(items: Iterable[Item]) -> list[tuple[int, int]]:
    """Return the pairs of items of different populations, each in ascending order: of a large group those of the first item alone."""
    known = sorted(items, key=lambda item: item.pk)
    pairs = [(one.pk, other.pk) for one, other in combinations(known, 2) if one.population_id != other.population_id]
    return pairs if len(pairs) <= PAIRS_MAX else [pair for pair in pairs if pair[0] == pairs[0][0]]


def write_refusals(pairs: Iterable[tuple[int, int]], *, reason: str, said_by_id: int, until: date) -> None:
    """Keep pairs apart until a date, inside the caller's transaction; those that are already stay so."""
    NeverMatch.objects.bulk_create(
        [NeverMatch(left_id=left, right_id=right, reason=reason, said_by_id=said_by_id, until=until) for left, right in pairs],
        ignore_conflicts=True,
    )


def _locked(suggestion_id: UUID) -> Suggestion:
    suggestion = Suggestion.objects.select_for_update().get(pk=suggestion_id)
    if suggestion.state != SuggestionState.OPEN:
        raise SuggestionRefused(f"this suggestion was {suggestion.state} already", state=suggestion.state)
    return suggestion


def _checked(*, reason: str, until: date) -> str:
    said, today = reason.strip(), database_now().date()
    if not 0 < len(said) <= REASON_MAX:
        raise SuggestionInvalid(f"say why in 1 to {REASON_MAX} characters", field="reason")
    if not today <= until <= today + timedelta(days=NEVER_DAYS_MAX):
        raise SuggestionInvalid("say until when, within a year from today", field="until")
    return said


def _end(suggestion: Suggestion, *, state: SuggestionState, by_id: int) -> None:
    Suggestion.objects.filter(pk=suggestion.pk).update(state=state, ended_by=by_id, ended_at=Now())
