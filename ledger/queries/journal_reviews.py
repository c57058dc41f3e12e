"""Proposed entries as a checker sees them: one review for every kind that posts entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from approvals.registry import Amount, Review
from ledger.accounting import DEBIT, Line
from ledger.models import Frequency, JournalEntry, Posting, RecurringEntry
from ledger.proposed import ProposedEntry, Total, entries_of, totals_of
from ledger.queries import BalanceEffect, effects_of
from ledger.queries.journals import effects_as_posted, posted_by, problems_of

TEMPLATE = "ledger/reviews/journal.html"
ENTRIES_SHOWN = 40
LINES_SHOWN = 40
EFFECTS_SHOWN = 60
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    line: Line
    name: str
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    entry: ProposedEntry
    lines: Sequence[ShownLine]
    more: int
    posted: JournalEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTotal:
    total: Total
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReview:
    """What is shown of proposed entries: themselves, what they do to each account, and their totals by asset."""

    entries: Sequence[ShownEntry]
    more_entries: int
    effects: Sequence[BalanceEffect]
    more_effects: int
    totals: Sequence[ShownTotal]
    posted: bool
    facts: Sequence[tuple[str, str]] = ()


def shown_journal(
    entries: Sequence[ProposedEntry], *, proposal_id: UUID | None = None, facts: Sequence[tuple[str, str]] = ()
) -> JournalReview:
    """Return entries as they are shown, with what they did where their proposal has posted them, else with what they would do."""
    posted = _posted(proposal_id) if proposal_id else []
    lines = [line for entry in entries for line in entry.lines]
    shown = entries[:ENTRIES_SHOWN]
    effects = effects_as_posted(entries=posted) if posted else effects_of(lines=lines)
    names = {effect.account.code: effect.account.name for effect in effects}
    scale_of = {effect.account.asset.code: effect.account.asset.scale for effect in effects}
    by_part = {entry.proposal_part or 0: entry for entry in posted}
    return JournalReview(
        entries=[
            ShownEntry(
                entry=entry,
                lines=[
                    ShownLine(line=line, name=names.get(line.account, ""), scale=scale_of.get(line.asset, 0))
                    for line in entry.lines[:LINES_SHOWN]
                ],
                more=max(0, len(entry.lines) - LINES_SHOWN),
                posted=by_part.get(part),
            )
            for part, entry in enumerate(shown)
        ],
        more_entries=max(0, len(entries) - ENTRIES_SHOWN),
        effects=effects[:EFFECTS_SHOWN],
        more_effects=max(0, len(effects) - EFFECTS_SHOWN),
        totals=[ShownTotal(total=total, scale=scale_of.get(total.asset, 0)) for total in totals_of(lines)],
        posted=bool(posted),
        facts=facts,
    )


def _posted(proposal_id: UUID) -> list[JournalEntry]:
    legs = Prefetch("postings", Posting.objects.select_related("account__asset", "account__balance").order_by("line"))
    return list(posted_by(proposal_id).prefetch_related(legs))


def journal_review(*, payload: Mapping[str, Any], executed: bool, proposal_id: UUID, facts: Sequence[tuple[str, str]] = ()) -> Review:
    """Return what the checker of proposed entries must see."""
    entries = entries_of(payload)
    shown = shown_journal(entries, proposal_id=proposal_id if executed else None, facts=facts)
    checks = [(all(not one.total.difference_minor for one in shown.totals), "Debits equal credits in every asset", "ledger")]
    if not executed:
        problems = problems_of(entries, most=3)
        sentence = "; ".join(one.sentence for one in problems) or "The books would take every entry as they stand now"
        checks.append((not problems, sentence[:1].upper() + sentence[1:], "books"))
    return Review(template=TEMPLATE, context={"journal": shown}, checks=tuple(checks))


def amount_of(entries: Sequence[Mapping[str, Any]], *, scale_of: Mapping[str, int]) -> Amount | None:
    """Return what entries debit together, if that is in one asset; a payload's own form is read, since lists have many."""
    debits = [line for entry in entries for line in entry["lines"] if line["direction"] == DEBIT]
    if len({line["asset"] for line in debits}) != 1:
        return None
    asset = debits[0]["asset"]
    return Amount(minor=sum(int(line["amount"]) for line in debits), asset=asset, scale=scale_of[asset])


def schedule_words(*, frequency: str, day: int) -> str:
    """Return when a recurring entry comes, as people say it."""
    if frequency == Frequency.DAILY:
        return "Every business day"
    if frequency == Frequency.WEEKLY:
        return f"Every {WEEKDAYS[day - 1]}"
    return "The last day of each month" if day >= 31 else f"Day {day} of each month"


def recurring_facts(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the terms of a recurring entry for its checker."""
    ends = date.fromisoformat(payload["ends_on"]).strftime("%-d %b %Y") if payload["ends_on"] else "until it is stopped"
    return [
        ("Code", payload["code"]),
        ("Name", payload["name"]),
        ("Comes", schedule_words(frequency=payload["frequency"], day=payload["day"])),
        ("From", date.fromisoformat(payload["starts_on"]).strftime("%-d %b %Y")),
        ("To", ends),
        ("Undoes itself", "on the first day of the following period" if payload["auto_reversing"] else "no"),
    ]


def words_of(rule: RecurringEntry) -> str:
    return schedule_words(frequency=rule.frequency, day=rule.day)
