"""What the address says of a list of breaks: filters and order. The same address means the same list on every page of breaks."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from approvals.models import User
from approvals.queries import reason_codes
from ledgerops.lib.calendars import business_days_before
from recon import queries, resolution_queries, work_queries
from recon.break_clock import NATURES, Clock
from recon.break_queries import LIMIT_DAYS, awake
from recon.models import Break, BreakLabel, BreakState, BreakWatcher, Source
from recon.operations import LABELS, ROOT_CAUSES
from recon.web.breaks.words import TYPE_WORDS

KEYS = (
    "q", "type", "nature", "age", "due", "state", "assignee", "asset", "source", "label", "cause", "snoozed", "watched", "pattern", "size",
    "parent", "opened_from", "opened_to", "resolved_from", "resolved_to", "treatment", "sort",
)  # fmt: skip
# Days, both included, within which something came up, or was resolved and still is.
DAY_WORDS = {
    "opened_from": "Came up from",
    "opened_to": "Came up until",
    "resolved_from": "Resolved from",
    "resolved_to": "Resolved until",
}
DEFAULT_SORT = "-age"
# Oldest first is the smallest date first.
ORDERS: dict[str, tuple[str, ...]] = {
    "-age": ("occurred_on", "number"),
    "age": ("-occurred_on", "-number"),
    "-amount": ("-size_minor", "-number"),
    "amount": ("size_minor", "number"),
}
ORDER_WORDS = {"-age": "oldest first", "age": "newest first", "-amount": "largest first", "amount": "smallest first"}
assert set(ORDERS) == set(ORDER_WORDS)

AGES = [("1", "0\u20131 d"), ("2", "2\u20133 d"), ("3", "4\u20137 d"), ("4", "8 d +"), ("late", f"Past {LIMIT_DAYS}-day limit")]
# Business days from which a band starts and at which the next one does.
_BANDS: dict[str, tuple[int, int | None]] = {"1": (0, 2), "2": (2, 4), "3": (4, 8), "4": (8, None), "late": (LIMIT_DAYS, None)}
assert set(_BANDS) == {value for value, _ in AGES}
NATURE_WORDS = {"timing": "Timing", "true": "True", "data": "Data quality", "feed": "Feed"}
assert tuple(NATURE_WORDS) == NATURES
DUES = [("breached", "Past its day"), ("today", "Due today"), ("soon", "Due by tomorrow")]
STATES = [("open", "Open"), ("investigating", "Investigating"), ("proposed", "Proposed"), ("resolved", "Resolved")]
TREATMENTS = [
    ("timing", "Accepted as timing"),
    ("timing_over", "Timing run out"),
    ("duplicate", "Duplicate"),
    ("statement_error", "Error of the statement"),
    ("none", "Not treated"),
]
SHOWS_WHAT_IS_PUT_OFF = ("snoozed", "q", "parent", "label", "watched")
# Asked for less often: behind a button.
MORE = ("state", "treatment", "asset", "nature", "label", "cause", "snoozed", "watched")
_NUMBER = re.compile(r"(BRK-?)?([0-9]{1,18})", re.IGNORECASE | re.ASCII)


class BreakFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    """Filters breaks; a value nobody offers filters nothing. Without a state the list is of live breaks.

    What waits for a file that is missing is listed under its break (`parent`), where somebody looks for its text, and among all that came
    up or was resolved within days, whatever has become of it since. What is put off
    is listed where somebody asks for it, by its text, label, or among what they watch.
    """

    q = django_filters.CharFilter(method="by_text", label="Text")
    type = django_filters.ChoiceFilter(choices=[(value.value, word) for value, word in TYPE_WORDS.items()], label="Type")
    age = django_filters.ChoiceFilter(choices=AGES, method="by_age", label="Age")
    nature = django_filters.ChoiceFilter(choices=list(NATURE_WORDS.items()), method="by_nature", label="Nature")
    due = django_filters.ChoiceFilter(choices=DUES, method="by_due", label="Due")
    state = django_filters.ChoiceFilter(choices=STATES, label="Status")
    assignee = django_filters.CharFilter(method="by_assignee", label="Assignee")
    asset = django_filters.CharFilter(field_name="reconciliation__source__asset__code", label="Asset")
    source = django_filters.CharFilter(field_name="reconciliation__source__code", label="Account")
    label = django_filters.CharFilter(method="by_label", label="Label")
    cause = django_filters.CharFilter(field_name="root_cause", label="Root cause")
    snoozed = django_filters.ChoiceFilter(choices=[("yes", "Put off")], method="by_snooze", label="Put off")
    watched = django_filters.ChoiceFilter(choices=[("yes", "Watched by me")], method="by_watcher", label="Watched")
    pattern = django_filters.CharFilter(method="by_pattern", label="Pattern")
    size = django_filters.NumberFilter(field_name="size_minor", label="Amount in minor units")
    parent = django_filters.NumberFilter(field_name="parent__number", label="Waits for")
    opened_from = django_filters.DateFilter(method="by_day", label=DAY_WORDS["opened_from"])
    opened_to = django_filters.DateFilter(method="by_day", label=DAY_WORDS["opened_to"])
    resolved_from = django_filters.DateFilter(method="by_day", label=DAY_WORDS["resolved_from"])
    resolved_to = django_filters.DateFilter(method="by_day", label=DAY_WORDS["resolved_to"])

    treatment = django_filters.ChoiceFilter(choices=TREATMENTS, method="by_treatment", label="Treatment")

    class Meta:
        model = Break
        fields: tuple[str, ...] = ()

    def __init__(self, query: QueryDict, *, user: User, today: date) -> None:
        self.user, self.today = user, today
        super().__init__(query, queries.breaks_for(user))

    def filter_queryset(self, queryset: QuerySet[Break]) -> QuerySet[Break]:
        asked = self.form.cleaned_data
        of_days = any(asked.get(name) for name in DAY_WORDS)
        if not (asked.get("state") or of_days):
            queryset = queryset.exclude(state=BreakState.RESOLVED)
        if not (asked.get("parent") or asked.get("q") or of_days):
            queryset = queryset.filter(parent=None)
        if not (of_days or asked.get("state") == BreakState.RESOLVED or any(asked.get(name) for name in SHOWS_WHAT_IS_PUT_OFF)):
            queryset = queryset.filter(awake(self.today))
        found: QuerySet[Break] = super().filter_queryset(queryset)
        return found

    def by_text(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        text = value.strip()
        number = _NUMBER.fullmatch(text)
        if number and number[1]:
            return queryset.filter(number=int(number[2]))
        found = Q()
        for record in ("", "ledger_item__", "statement_item__"):
            found |= Q(**{f"{record}reference__icontains": text}) | Q(**{f"{record}counterparty__icontains": text})
        if number:
            found |= Q(number=int(number[2]))
        return queryset.filter(found)

    def by_age(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        start, end = _BANDS[value]
        if start:
            queryset = queryset.filter(occurred_on__lte=business_days_before(self.today, count=start))
        if end:
            queryset = queryset.filter(occurred_on__gt=business_days_before(self.today, count=end))
        return queryset

    def by_day(self, queryset: QuerySet[Break], name: str, value: date) -> QuerySet[Break]:
        what, _, edge = name.partition("_")
        begins_at = datetime.combine(value if edge == "from" else value + timedelta(days=1), time(), tzinfo=UTC)
        within = {f"{what}_at__{'gte' if edge == 'from' else 'lt'}": begins_at}
        return queryset.filter(**within, **({"state": BreakState.RESOLVED} if what == "resolved" else {}))

    def by_treatment(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        return resolution_queries.with_treatment(queryset, treatment=value, today=self.today)

    def by_nature(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        seen = list(queries.reconciliations_for(self.user))
        return queryset.filter(Clock(today=self.today).of_nature(value, reconciliations=seen))

    def by_due(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        seen = list(queries.reconciliations_for(self.user))
        return queryset.filter(Clock(today=self.today).due_when(value, reconciliations=seen))

    def by_label(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        return queryset.filter(Exists(BreakLabel.objects.filter(recon_break=OuterRef("pk"), label=value)))

    def by_pattern(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        kind, _, tariff = value.partition(":")
        return queryset.filter(cause__kind=kind, **({"cause__tariff": tariff} if tariff else {}))

    def by_snooze(self, queryset: QuerySet[Break], _name: str, _value: str) -> QuerySet[Break]:
        return queryset.filter(snoozed_until__gte=self.today)

    def by_watcher(self, queryset: QuerySet[Break], _name: str, _value: str) -> QuerySet[Break]:
        return queryset.filter(Exists(BreakWatcher.objects.filter(recon_break=OuterRef("pk"), user=self.user)))

    def by_assignee(self, queryset: QuerySet[Break], _name: str, value: str) -> QuerySet[Break]:
        if value == "nobody":
            return queryset.filter(assignee__isnull=True)
        return queryset.filter(assignee=self.user) if value == "me" else queryset.filter(assignee__username=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One select of the filter bar."""

    name: str
    label: str
    options: list[tuple[str, str]]
    value: str
    shown: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter in force, and the address of the list without it."""

    label: str
    href: str


def controls(query: QueryDict, *, user: User) -> list[Control]:
    """Return the selects with what there is to choose from in this user's sight."""
    sources: list[Source] = list(queries.sources_for(user))
    people = [(person.username, person.shown_name) for person in work_queries.people_who_work_breaks() if person != user]
    offered = {
        "type": ("Type", BreakFilter.base_filters["type"].extra["choices"]),
        "age": ("Age", AGES),
        "due": ("Due", DUES),
        "state": ("Status", STATES),
        "assignee": ("Assignee", [("me", "Me"), ("nobody", "Nobody"), *people]),
        "asset": ("Currency", [(code, code) for code in sorted({source.asset.code for source in sources})]),
        "source": ("Account", [(source.code, source.name) for source in sources]),
        "treatment": ("Treatment", TREATMENTS),
        "nature": ("Nature", list(NATURE_WORDS.items())),
        "label": ("Label", [(one.code, one.label) for one in reason_codes(kind=LABELS)]),
        "cause": ("Root cause", [(one.code, one.label) for one in reason_codes(kind=ROOT_CAUSES)]),
        "snoozed": ("Put off", [("yes", "Put off")]),
        "watched": ("Watched", [("yes", "Watched by me")]),
    }
    return [
        Control(
            name=name,
            label=label,
            options=options,
            value=query.get(name, ""),
            shown="" if name in ("type", "age") else "from-640",
            more=name in MORE,
        )
        for name, (label, options) in offered.items()
    ]


def chips(query: QueryDict, *, bar: list[Control]) -> list[Chip]:
    """Return the filters in force in words, each with the way out of it."""
    found = [Chip(label=f"\u201c{query['q']}\u201d", href=address(query, without="q"))] if query.get("q") else []
    for control in bar:
        word = dict(control.options).get(control.value)
        if control.value and word:
            found.append(Chip(label=f"{control.label}: {word}", href=address(query, without=control.name)))
    found += [Chip(label=f"{word} {query[key]}", href=address(query, without=key)) for key, word in DAY_WORDS.items() if query.get(key)]
    if pattern := query.get("pattern"):
        found.append(Chip(label=f"Pattern: {pattern.replace('_', ' ').replace(':', ' by ')}", href=address(query, without="pattern")))
    if query.get("size"):
        found.append(Chip(label="One amount", href=address(query, without="size")))
    if (parent := query.get("parent", "")).isdecimal():
        found.append(Chip(label=f"Waits for BRK-{parent}", href=address(query, without="parent")))
    return found


def address(query: QueryDict, *, without: str = "") -> str:
    """Return the filters and the order alone, as the end of an address: `?assignee=me&sort=-amount`, or nothing."""
    kept = QueryDict(mutable=True)
    for key in KEYS:
        if key != without and query.get(key):
            kept[key] = str(query[key])
    return f"?{kept.urlencode()}" if kept else "?"


def filters_of(query: QueryDict) -> str:
    """Return the filters and the order as a query string without its mark; empty for the list of everything open."""
    return address(query).removeprefix("?")


def order_of(query: QueryDict) -> tuple[str, ...]:
    return ORDERS.get(query.get("sort", ""), ORDERS[DEFAULT_SORT])


def order_words(query: QueryDict) -> str:
    return ORDER_WORDS.get(query.get("sort", ""), ORDER_WORDS[DEFAULT_SORT])
