"""A worker's hold on a chain source: one reads at a time, each step commits with its claim, and what stops it is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from audit.operations import act, record_event
from ledger.models import Alert, AlertKind
from ledgerops.lib.errors import Refusal
from ledgerops.lib.transactions import database_now
from recon.chain.client import ProviderFailed
from recon.chain.reading import Disagreement, WrongChain
from recon.chain.values import MalformedAnswer
from recon.models import ChainCursor, ChainSource

TARGET = "recon.chain"
# A worker says that it lives at every step; a range is asked of two providers, each of them several times at worst.
SILENCE = timedelta(minutes=10)
# What may be a moment's difference near the head is told at once and rings nobody before it was found so often.
PATIENCE = 3


class ClaimLost(Exception):
    """Another worker has the source: this one was given up, and stops."""


class Stopped(Exception):
    """The reading cannot go on here; what was read before stands. `lasting` problems ring at once."""

    def __init__(self, kind: str, place: str, sentence: str, *, said: dict[str, str] | None = None, lasting: bool = False) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.place = place
        self.sentence = sentence
        self.said = said or {}
        self.lasting = lasting


class Claim:
    """The hold of one worker on one source."""

    def __init__(self, chain: ChainSource, instant: datetime) -> None:
        self.chain = chain
        self.instant = instant

    @contextmanager
    def step(self, action: str) -> Iterator[ChainCursor]:
        """Run one step as one transaction, the cursor locked; what the block sets on the cursor is saved.

        :raises ClaimLost: if the source was given to another worker.
        """
        with act(action, target_type=TARGET, target_id=self.chain.pk):
            cursor = ChainCursor.objects.select_for_update().get(pk=self.chain.pk)
            if cursor.heartbeat_at != self.instant:
                raise ClaimLost
            yield cursor
            cursor.heartbeat_at = instant = database_now()
            cursor.save()
        self.instant = instant

    def end(self, problem: Stopped | None) -> None:
        """Give the source back, with what stopped the reading or with nothing."""
        with self.step("recon.chain.stopped" if problem else "recon.chain.resumed") as cursor:
            before = cursor.problem
            cursor.read_at = database_now()
            if problem is not None:
                self._stop(cursor, problem)
            elif before is not None:
                cursor.problem = None
                record_event("recon.chain.resumed", target_type=TARGET, target_id=self.chain.pk, before=before)
        ChainCursor.objects.filter(pk=self.chain.pk, heartbeat_at=self.instant).update(heartbeat_at=None)

    def _stop(self, cursor: ChainCursor, problem: Stopped) -> None:
        known = cursor.problem
        told = {"kind": problem.kind, "place": problem.place, "sentence": problem.sentence, "said": problem.said}
        if known is not None and (known["kind"], known["place"]) == (problem.kind, problem.place):
            times, since = known["times"] + 1, known["since"]
        else:
            times, since = 1, database_now().isoformat()
            record_event("recon.chain.stopped", target_type=TARGET, target_id=self.chain.pk, reason=problem.sentence, after=told)
        cursor.problem = {**told, "since": since, "times": times}
        if times == (1 if problem.lasting else PATIENCE):
            raise_alert(self.chain, sentence=f"{problem.place}: {problem.sentence}", detail=told)


def raise_alert(chain: ChainSource, *, sentence: str, detail: dict[str, Any]) -> None:
    """Ring a person about a chain source, inside the caller's transaction."""
    name = chain.source.name
    alert = Alert.objects.create(
        kind=AlertKind.CHAIN, account_id=chain.source.account_id, detail={**detail, "chain": chain.pk, "sentence": f"{name}: {sentence}"}
    )
    record_event("recon.chain.alerted", target_type=TARGET, target_id=chain.pk, reason=sentence, after={"alert": str(alert.pk)})


def claim_chain(*, source_id: int) -> Claim | None:
    """Take a chain source that nobody reads, or whose worker has gone silent; None if somebody else has it or it is not followed."""
    free = Q(heartbeat_at=None) | Q(heartbeat_at__lt=Now() - SILENCE)
    instant = database_now()
    if not ChainCursor.objects.filter(free, pk=source_id, chain__active=True).update(heartbeat_at=instant):
        return None
    return Claim(ChainSource.objects.select_related("source__asset").get(pk=source_id), instant)


def stopped_by(error: Exception) -> Stopped:
    """Return what an exception of the reading is to a person."""
    match error:
        case Stopped():
            return error
        case Disagreement():
            return Stopped("disagreement", error.place, f"the providers disagree on {error.what}; nothing of it is taken", said=error.said)
        case ProviderFailed():
            return Stopped("unreachable", error.provider, error.sentence)
        case WrongChain():
            return Stopped("wrong_chain", "settings", str(error), lasting=True)
        case MalformedAnswer():
            return Stopped("malformed", error.field, f"a provider's answer cannot be read: {error}")
        case Refusal():
            return Stopped("not_delivered", "statement", str(error), lasting=True)
        case _:
            raise error
