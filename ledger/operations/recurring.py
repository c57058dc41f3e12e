"""Recurring entries: approved once, posted by themselves on each of their days, undone by themselves where they accrue.

Occurrence n of a rule is part 2n-2 of its proposal and its reversal part 2n-1, so that neither can be posted twice, whoever runs this, how
often, and wherever it was interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger.accounting import EntryDraft, Line, lines_from_json, swapped
from ledger.models import Alert, AlertKind, Frequency, JournalEntry, LegalEntity, RecurringEntry
from ledger.operations.journals import JournalInvalid, refuse_problems
from ledger.operations.posting import post_entry
from ledger.proposed import ProposedEntry, entry_from_json
from ledger.queries.journals import scope_of
from ledger.queries.recurring import due_rules, first_day, following_day, reversal_day, unreversed
from ledgerops.lib.calendars import modified_following
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import check_constraints_now, retried

START = "ledger.start_recurring"
SCOPE = "recurring"
# Of one rule in one run: who slept for years wakes up slowly.
CATCH_UP = 400

log = structlog.get_logger(__name__)


class RecurringUnknown(Refusal):
    code = "recurring_unknown"
    kind = RefusalKind.NOT_FOUND


class RecurringStopped(Refusal):
    """It was stopped before; starting it again is a new proposal."""

    code = "recurring_stopped"
    kind = RefusalKind.CONFLICT


class RecurringIncomplete(Exception):
    """Some rules failed: a failure of ours, told after the others were done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringRequest:
    """What a maker fills in. `day` is a day of the month (31 is the last) or an ISO weekday; daily entries have none."""

    code: str
    name: str
    entity: str
    description: str
    reference: str
    lines: Sequence[Line]
    frequency: str
    day: int
    auto_reversing: bool
    starts_on: date
    ends_on: date | None
    reason_code: str
    narrative: str

    def as_payload(self) -> dict[str, Any]:
        entry = ProposedEntry(
            type="recurring",
            entity=self.entity,
            effective_date=self.starts_on,
            description=self.description,
            reference=self.reference,
            lines=self.lines,
        )
        return {
            "code": self.code.strip(),
            "name": self.name.strip(),
            "entry": entry.as_json(),
            "frequency": self.frequency,
            "day": self.day,
            "auto_reversing": self.auto_reversing,
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat() if self.ends_on else None,
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
        }


def propose_recurring(*, request: RecurringRequest, maker_id: int) -> Proposal:
    """Ask for an entry that comes again.

    :raises JournalInvalid, JournalRefused: saying where.
    """
    return approvals.submit(kind=START, payload=request.as_payload(), maker_id=maker_id)


def revise_recurring(*, proposal_id: UUID, request: RecurringRequest, maker_id: int) -> Proposal:
    """Submit the next version of a recurring entry after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def check_recurring(*, payload: Mapping[str, Any]) -> Command:
    """Understand a recurring entry.

    :raises JournalInvalid, JournalRefused: saying where.
    """
    entry = entry_from_json(payload["entry"])
    starts_on, ends_on = date.fromisoformat(payload["starts_on"]), payload["ends_on"] and date.fromisoformat(payload["ends_on"])
    if not 1 <= len(payload["code"]) <= 40 or "/" in payload["code"]:
        raise JournalInvalid("a code has 1 to 40 characters and no slash", field="code")
    if RecurringEntry.objects.filter(code=payload["code"]).exists():
        raise JournalInvalid(f"there is a recurring entry {payload['code']} already", field="code")
    if not 1 <= len(payload["name"]) <= 120:
        raise JournalInvalid("a name has 1 to 120 characters", field="name")
    if payload["frequency"] not in Frequency.values:
        raise JournalInvalid("an entry comes again daily, weekly or monthly", field="frequency")
    highest = {Frequency.DAILY: 31, Frequency.WEEKLY: 7, Frequency.MONTHLY: 31}[Frequency(payload["frequency"])]
    if not 1 <= payload["day"] <= highest:
        raise JournalInvalid(f"the day is 1 to {highest}", field="day")
    if ends_on and ends_on < first_day(frequency=payload["frequency"], day=payload["day"], starts_on=starts_on):
        raise JournalInvalid("it ends before it first comes", field="ends_on")
    refuse_problems([entry])
    return Command(
        payload=payload,
        title=f"Start the recurring entry {payload['code']}: {payload['name']}"[:200],
        scope=scope_of(entry.entity),
        target_type="ledger.recurring_entry",
        target_id=payload["code"],
        locked_object=f"ledger.recurring_entry:{payload['code']}",
        preconditions={"code": payload["code"]},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def start_recurring(*, payload: Mapping[str, Any], proposal_id: UUID) -> RecurringEntry:
    """Begin an approved recurring entry; its first occurrence is posted by the next run.

    :raises PreconditionChanged: if another has taken its code.
    """
    if RecurringEntry.objects.filter(code=payload["code"]).exists():
        raise PreconditionChanged(f"there is a recurring entry {payload['code']} now")
    starts_on = date.fromisoformat(payload["starts_on"])
    rule = RecurringEntry.objects.create(
        code=payload["code"],
        name=payload["name"],
        entity=LegalEntity.objects.get(code=payload["entry"]["entity"]),
        entry=payload["entry"],
        frequency=payload["frequency"],
        day=payload["day"],
        auto_reversing=payload["auto_reversing"],
        starts_on=starts_on,
        ends_on=payload["ends_on"],
        next_on=first_day(frequency=payload["frequency"], day=payload["day"], starts_on=starts_on),
        proposal_id=proposal_id,
    )
    record_event(
        "ledger.recurring.started",
        target_type="ledger.recurring_entry",
        target_id=rule.code,
        reason=payload["reason_code"],
        after={"next_on": rule.next_on, "frequency": rule.frequency, "auto_reversing": rule.auto_reversing},
        proposal_id=proposal_id,
    )
    return rule


def stop_recurring(*, code: str, reason: str) -> RecurringEntry:
    """Stop a recurring entry at once: nothing of it is posted any more but the reversals of what was.

    :raises RecurringUnknown: if there is none.
    :raises RecurringStopped: if it was stopped before.
    :raises JournalInvalid: if no reason is given.
    """
    with act("ledger.recurring.stopped", target_type="ledger.recurring_entry", target_id=code):
        rule = RecurringEntry.objects.select_for_update(of=("self",)).filter(code=code).first()
        if rule is None:
            raise RecurringUnknown(f"there is no recurring entry {code}")
        if not rule.active:
            raise RecurringStopped(f"{code} has been stopped already")
        if not reason.strip():
            raise JournalInvalid("say why it stops", field="reason")
        rule.active = False
        rule.save(update_fields=["active"])
        record_event(
            "ledger.recurring.stopped",
            target_type="ledger.recurring_entry",
            target_id=code,
            reason=reason.strip(),
            before={"active": True, "next_on": rule.next_on},
            after={"active": False},
        )
        return rule


def post_due(*, today: date) -> int:
    """Post every occurrence and every reversal whose day has come; returns how many entries that were.

    What the books refuse raises one alert, stays due, and keeps the later occurrences of its rule waiting; other rules go on.

    :raises RecurringIncomplete: when the others are done, if a rule could not be looked at.
    """
    posted, failed = 0, []
    for rule_id in due_rules(today=today):
        try:
            posted += _post_rule(rule_id, today=today)
        except Exception:  # whatever is wrong with one rule, the others' days have come
            log.exception("recurring_rule_failed", rule_id=rule_id)
            failed.append(str(rule_id))
    if failed:
        raise RecurringIncomplete(f"{posted} entries were posted, and the rules {', '.join(failed)} failed")
    return posted


def _post_rule(rule_id: int, *, today: date) -> int:
    posted = 0
    for step in (_post_reversal, _post_occurrence):
        while posted < CATCH_UP:
            try:
                if not retried(partial(step, rule_id, today=today)):
                    break
            except _NotPosted as refused:
                _raise_alert(refused)
                break
            posted += 1
    return posted


class _NotPosted(Exception):
    """The books refused a part of a rule; its transaction is gone."""

    def __init__(self, *, rule: RecurringEntry, part: int, on: date, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.rule, self.part, self.on, self.refusal = rule, part, on, refusal


def _locked(rule_id: int) -> RecurringEntry | None:
    """Return the rule under lock, or None while somebody else is at it: they will do what is due."""
    rules = RecurringEntry.objects.select_for_update(of=("self",), skip_locked=True).select_related("entity")
    return rules.filter(pk=rule_id).first()


@transaction.atomic(durable=True)
def _post_occurrence(rule_id: int, *, today: date) -> bool:
    """Post the next occurrence of a rule if its day has come, and move the rule on; both commit or neither."""
    rule = _locked(rule_id)
    if rule is None or not rule.active or rule.next_on is None or rule.next_on > today:
        return False
    n, on = rule.occurrences + 1, rule.next_on
    _post(rule, part=2 * n - 2, on=modified_following(on), lines=lines_from_json(rule.entry["lines"]), metadata={"occurrence": str(n)})
    next_on = following_day(rule, after=on)
    RecurringEntry.objects.filter(pk=rule.pk).update(
        occurrences=F("occurrences") + 1, next_on=None if rule.ends_on and next_on > rule.ends_on else next_on
    )
    return True


@transaction.atomic(durable=True)
def _post_reversal(rule_id: int, *, today: date) -> bool:
    """Undo the oldest occurrence whose following period has begun; a stopped rule still undoes what it accrued."""
    rule = _locked(rule_id)
    if rule is None or not rule.auto_reversing:
        return False
    occurrence = unreversed(rule)
    if occurrence is None or (on := reversal_day(occurrence)) > today:
        return False
    assert occurrence.proposal_part is not None
    lines = swapped(lines_from_json(rule.entry["lines"]))
    _post(rule, part=occurrence.proposal_part + 1, on=on, lines=lines, metadata={"undoes": str(occurrence.pk)}, undoes=occurrence)
    return True


def _post(
    rule: RecurringEntry, *, part: int, on: date, lines: Sequence[Line], metadata: Mapping[str, str], undoes: JournalEntry | None = None
) -> None:
    """Post one part; into a closed period it is rolled to the first open date and keeps its own as its value date.

    :raises _NotPosted: if the books refuse it.
    """
    draft = EntryDraft(
        key=f"{rule.proposal_id}:{part}",
        type="recurring",
        entity=rule.entity.code,
        effective_date=on,
        description=f"Reversal of {undoes.public_number}: {rule.entry['description']}" if undoes else rule.entry["description"],
        reference=rule.entry["reference"],
        lines=lines,
        metadata={"recurring": rule.code, **metadata},
        proposal_id=rule.proposal_id,
        proposal_part=part,
        parent=undoes.pk if undoes else None,
        roll_to_open=True,
    )
    try:
        posted = post_entry(draft=draft, scope=SCOPE)
    except Refusal as refusal:
        raise _NotPosted(rule=rule, part=part, on=on, refusal=refusal) from refusal
    record_event(
        "ledger.recurring.posted",
        target_type="ledger.recurring_entry",
        target_id=rule.code,
        after={"entry": posted.entry_id, "part": part, "on": on, "undoes": str(undoes.pk) if undoes else None},
        proposal_id=rule.proposal_id,
    )
    check_constraints_now()


def _raise_alert(refused: _NotPosted) -> None:
    """Tell people once what was not posted; while somebody has not seen to it, trying again tells nothing new."""
    rule, part = refused.rule, refused.part
    log.warning("recurring_not_posted", code=rule.code, part=part, reason=str(refused))
    with transaction.atomic(durable=True):
        waiting = Alert.objects.filter(kind=AlertKind.RECURRING, seen_to_at=None, detail__recurring=rule.code, detail__part=part)
        if _locked(rule.pk) is None or waiting.exists():
            return
        detail = {
            "recurring": rule.code,
            "name": rule.name,
            "part": part,
            "on": refused.on.isoformat(),
            "code": refused.refusal.code,
            "sentence": str(refused),
        }
        Alert.objects.create(kind=AlertKind.RECURRING, detail=detail)
        record_event("ledger.recurring.refused", target_type="ledger.recurring_entry", target_id=rule.code, outcome="refused", after=detail)
