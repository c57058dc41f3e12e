"""What a certificate says: everything that its preparer and its reviewer are shown, as one JSON object of texts and whole numbers."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ledgerops.lib import money
from recon.account_day_queries import ShownItem, shown_items
from recon.day_queries import DayStanding, Forward, Rule, figures_by_day, open_items_at, roll_forward, statements_from
from recon.models import COUNTING_KINDS, Reconciliation, RulesStatus, RulesVersion, Statement

SCHEMA = 1
Content = dict[str, Any]
RULE_NAMES = {Rule.CLOSING: "closing balance of the day", Rule.NEXT_OPENING: "opening balance of the next statement", Rule.NONE: "none"}
assert set(RULE_NAMES) == set(Rule)


def days_of(reconciliation: Reconciliation, *, first_day: date, last_day: date) -> list[DayStanding]:
    """Return the figures of a period day by day."""
    found = figures_by_day([reconciliation], since=first_day, until=last_day)[reconciliation.pk]
    return [found[day] for day in sorted(found)]


def content_of(reconciliation: Reconciliation, *, days: Sequence[DayStanding]) -> Content:
    """Return what a certificate of these days says as things stand; amounts are texts, since JSON's numbers are not exact."""
    first, last = days[0].day, days[-1].day
    source = reconciliation.source
    opened = open_items_at(reconciliation, day=last)
    forward = roll_forward(reconciliation, before=first - timedelta(days=1), day=last, closing=opened)
    rules = RulesVersion.objects.get(reconciliation=reconciliation, status=RulesStatus.ACTIVE)
    return {
        "schema": SCHEMA,
        "account": {"code": source.account.code, "name": source.account.name, "entity": source.account.entity.code},
        "asset": {"code": source.asset.code, "scale": source.asset.scale},
        "source": {"code": source.code, "name": source.name, "servicer": source.servicer, "identifier": source.identifier},
        "period": {"first_day": first.isoformat(), "last_day": last.isoformat()},
        "figures": _figures(days[-1], open_minor=opened.difference_minor),
        "days": [_figures(one, open_minor=one.open_minor) for one in days],
        "roll_forward": [_forward(one) for one in forward],
        "open_items": [_item(one) for one in shown_items(opened.items, day=last, calendar=reconciliation.calendar)],
        "statements": [_statement(one) for one in _statements_of(reconciliation, last=days[-1], first=first)],
        "rules": {"version": rules.number, "digest": rules.digest},
        "ledger_through": days[-1].through,
    }


def _figures(figures: DayStanding, *, open_minor: int) -> Content:
    external = figures.external
    return {
        "day": figures.day.isoformat(),
        "ledger": str(figures.ledger_minor),
        "external": str(external.minor),
        "balance": RULE_NAMES[external.rule],
        "statement": str(external.statement.pk) if external.statement else "",
        "open_items": str(open_minor),
        "unexplained": str(figures.unexplained_minor),
    }


def _forward(forward: Forward) -> Content:
    return {
        "side": forward.side,
        "opening": str(forward.opening_minor),
        "new": str(forward.new_minor),
        "cleared": str(forward.cleared_minor),
        "closing": str(forward.closing_minor),
    }


def _item(one: ShownItem) -> Content:
    item = one.open.item
    return {
        "item": item.pk,
        "side": item.side,
        "row": one.number,
        "record": str(item.entry_id) if item.entry_id else str(one.line.statement_id) if one.line else "",
        "since": one.open.since.isoformat(),
        "amount": str(one.open.signed_minor),
        "counterparty": item.counterparty,
        "reference": item.reference,
        "age_business_days": one.age_days,
        "explanation": one.explanation,
        "owner": one.held_by.assignee.shown_name if one.held_by and one.held_by.assignee else "",
    }


def _statements_of(reconciliation: Reconciliation, *, first: date, last: DayStanding) -> list[Statement]:
    known = statements_from(reconciliation, since=first)
    of_days = [one for one in known if one.closing_date <= last.day and one.kind in COUNTING_KINDS]
    counts = last.external.statement
    return [*of_days, *([counts] if counts is not None and counts.pk not in {one.pk for one in of_days} else [])]


def _statement(statement: Statement) -> Content:
    return {
        "id": str(statement.pk),
        "number": statement.number,
        "version": statement.version,
        "closing_date": statement.closing_date.isoformat(),
        "opening": _minor(statement.opening_minor),
        "closing": _minor(statement.closing_minor),
        "lines": statement.line_count,
        "proof": statement.proof,
        "file": statement.file.name,
        "sha256": statement.file.sha256,
    }


def _minor(value: object) -> str:
    return "" if value is None else str(int(str(value)))


def changes_between(prepared: Content, now: Content) -> list[str]:
    """Return what has changed of what a certificate rests on, as sentences: figures, statements, open items, rules.

    Names, owners and explanations may change while it waits; what was shown of them stays as it was shown.
    """
    asset = prepared["asset"]
    return [*_statement_changes(prepared, now), *_day_changes(prepared, now, asset=asset), *_item_changes(prepared, now, asset=asset)] + (
        ["other rules have come into force"] if prepared["rules"] != now["rules"] else []
    )


def _statement_changes(prepared: Content, now: Content) -> list[str]:
    before, after = ({one["id"]: one for one in content["statements"]} for content in (prepared, now))
    gone = [one for pk, one in before.items() if pk not in after]
    came = [one for pk, one in after.items() if pk not in before]
    restated = {one["closing_date"] for one in came} & {one["closing_date"] for one in gone}
    said = [f"the statement of {day} was restated" for day in sorted(restated)]
    said += [f"the statement of {one['closing_date']} no longer counts" for one in gone if one["closing_date"] not in restated]
    return said + [f"a statement of {one['closing_date']} came" for one in came if one["closing_date"] not in restated]


def _day_changes(prepared: Content, now: Content, *, asset: Mapping[str, Any]) -> list[str]:
    words = {"ledger": "the ledger's balance", "external": "the source's balance", "open_items": "what is open"}
    for before, after in zip(prepared["days"], now["days"], strict=True):
        for name, word in words.items():
            if before[name] != after[name]:
                return [f"{word} of {before['day']} is {_money(after[name], asset)}, and was {_money(before[name], asset)}"]
    return []


def _item_changes(prepared: Content, now: Content, *, asset: Mapping[str, Any]) -> list[str]:
    before, after = ({one["item"]: one for one in content["open_items"]} for content in (prepared, now))
    said = [
        f"{after[pk]['row']} of {_money(after[pk]['amount'], asset)} is open" for pk in after if after[pk]["amount"] != _amount(before, pk)
    ]
    return said + [f"{before[pk]['row']} of {_money(before[pk]['amount'], asset)} is no longer open" for pk in before if pk not in after]


def _amount(items: Mapping[int, Content], pk: int) -> str:
    return str(items[pk]["amount"]) if pk in items else ""


def _money(minor: str, asset: Mapping[str, Any]) -> str:
    return f"{money.grouped(int(minor), scale=asset['scale'])} {asset['code']}" if minor != "None" else "not known"
