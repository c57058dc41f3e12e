"""Undoing a match, and looking at one that something later would have made ambiguous."""

from datetime import timedelta
from uuid import UUID

from django.db.models.functions import Now

from audit.operations import act, record_event
from ledger.models import PeriodStatus
from ledger.queries import period_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from recon.models import BY_POSTING, Allocation, Item, Match, MatchChallenge, MatchMethod, MatchUndoing
from recon.operations.items import settle_items
from recon.operations.judging import refused_pairs, write_refusals
from recon.operations.matches import reopen_breaks
from recon.operations.runs import queue_run

UNDO_DAYS = 90
# As long as nobody says otherwise, runs do not make again what a person undid.
APART_DAYS = 90
REASON_MAX = 500


class UndoRefused(Refusal):
    """The match was undone already, is too old, belongs to a closed period, or rests on a posted adjustment."""

    code = "undo_refused"
    kind = RefusalKind.CONFLICT


class UndoInvalid(Refusal):
    code = "undo_invalid"
    kind = RefusalKind.INVALID


class ChallengeRefused(Refusal):
    code = "challenge_refused"
    kind = RefusalKind.CONFLICT


class ChallengeInvalid(Refusal):
    code = "challenge_invalid"
    kind = RefusalKind.INVALID


def undo_match(*, match_id: UUID, undone_by_id: int, reason: str) -> MatchUndoing:
    """Undo a match: its items are open again and are not matched together by runs for a while, and the breaks it closed live again.

    :raises UndoRefused: if it is undone, older than 90 days, of a period that is not open, or made by an adjustment.
    :raises UndoInvalid: without a reason.
    """
    with act("recon.match.undone", target_type="recon.match", target_id=match_id):
        match = Match.objects.select_related("reconciliation__source__account__entity").get(pk=match_id)
        said = reason.strip()
        if not 0 < len(said) <= REASON_MAX:
            raise UndoInvalid(f"say why in 1 to {REASON_MAX} characters", field="reason")
        held = Allocation.objects.select_for_update(of=("self",)).filter(match=match, revoked_at=None)
        items = list(Item.objects.filter(pk__in=[one.item_id for one in held.order_by("pk")]).order_by("pk"))
        _refuse_final(match, items)

        Allocation.objects.filter(match=match, revoked_at=None).update(revoked_at=Now())
        settle_items([item.pk for item in items])
        undoing = MatchUndoing.objects.create(match=match, reason=said, undone_by_id=undone_by_id, undone_at=database_now())
        if match.method == MatchMethod.RULE:
            until = database_now().date() + timedelta(days=APART_DAYS)
            write_refusals(refused_pairs(items), reason=said, said_by_id=undone_by_id, until=until)
        record_event(
            "recon.match.undone",
            target_type="recon.match",
            target_id=match_id,
            reason=said,
            before={"method": match.method, "pass": match.pass_id},
            after={"freed_items": len(items)},
        )
        reopen_breaks([match.pk], reason="undone")
        # What no break was open for gets one by the next run.
        queue_run(reconciliation=match.reconciliation, requested_by_id=undone_by_id)
        return undoing


def _refuse_final(match: Match, items: list[Item]) -> None:
    if not items:
        raise UndoRefused("this match has been undone already")
    if match.method in BY_POSTING:
        raise UndoRefused(f"this match rests on a posted {match.get_method_display().lower()}; reverse its entry instead")
    if match.made_at < database_now() - timedelta(days=UNDO_DAYS):
        raise UndoRefused(f"matches are undone within {UNDO_DAYS} days; this one is older")
    entity = match.reconciliation.source.account.entity
    for day in sorted({item.item_date for item in items}):
        period = period_of(entity=entity, day=day)
        if period is None or period.status != PeriodStatus.OPEN:
            raise UndoRefused(f"the period of {day} is not open; what was matched in it stays")


def see_challenge(*, challenge_id: int, seen_by_id: int, verdict: str) -> MatchChallenge:
    """Say that somebody looked at a challenged match, and what they found; a match that is wrong is undone.

    :raises ChallengeRefused: if somebody looked already.
    :raises ChallengeInvalid: without a verdict.
    """
    with act("recon.match.challenge_seen", target_type="recon.match_challenge", target_id=challenge_id):
        challenge = MatchChallenge.objects.select_for_update(of=("self",)).get(pk=challenge_id)
        said = verdict.strip()
        if not 0 < len(said) <= REASON_MAX:
            raise ChallengeInvalid(f"say what you found in 1 to {REASON_MAX} characters", field="verdict")
        if challenge.seen_at is not None:
            raise ChallengeRefused("somebody has looked at this already")

        challenge.seen_by_id, challenge.seen_at, challenge.verdict = seen_by_id, database_now(), said
        challenge.save(update_fields=["seen_by", "seen_at", "verdict"])
        record_event(
            "recon.match.challenge_seen",
            target_type="recon.match",
            target_id=challenge.match_id,
            after={"challenge": challenge.pk, "verdict": said},
        )
        return challenge
