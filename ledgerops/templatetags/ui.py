"""What templates need to show the product's values: icons, money, statuses, ages, differences. A builtin of every template."""

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import lucide
from django import template
from django.forms import BoundField, CheckboxInput
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from ledgerops.lib import money as amounts
from ledgerops.lib.diff import Segment

register = template.Library()

MISSING = "\u2014"


# Icons


@functools.cache
def _icon(name: str) -> SafeString:
    drawing = re.sub(r"\s+", " ", lucide._render_icon(name, None))  # noqa: SLF001 (the package offers no public function outside of templates)
    body = drawing.partition(">")[2]
    return mark_safe(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{body.replace("> <", "><").strip()}')  # noqa: S308 (no input)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a lucide icon at 16 px; it is decoration, the word beside it carries the meaning."""
    return _icon(str(name))


# Money


@register.filter
def money(minor: int | str | None, scale: int) -> str:
    """Show minor units as a person reads them; a missing amount is a dash."""
    return MISSING if minor in (None, "") else amounts.grouped(int(minor), scale=int(scale))


@register.filter
def money_signed(minor: int | str | None, scale: int) -> str:
    """Show minor units with their sign, as every difference is shown."""
    return MISSING if minor in (None, "") else amounts.grouped(int(minor), scale=int(scale), signed=True)


@register.filter
def plain_amount(minor: int | str | None, scale: int) -> str:
    """Show minor units for machines and the clipboard: -18900.00."""
    return "" if minor in (None, "") else amounts.plain(int(minor), scale=int(scale))


@register.filter
def grouped(number: int | str | None) -> str:
    """Show a count with its thousands separated."""
    return MISSING if number in (None, "") else f"{int(number):,}"


# Names


@register.filter
def short_hash(digest: str | None) -> str:
    """Show the ends of a digest: 4be1…07aa."""
    text = str(digest or "")
    return f"{text[:4]}\u2026{text[-4:]}" if len(text) > 12 else text


@register.filter
def initials(name: str | None) -> str:
    """Show up to two initials of a name; one word gives its first two letters."""
    words = [word for word in re.split(r"[\s._-]+", str(name or "")) if word]
    letters = words[0][:2] if len(words) == 1 else "".join(word[0] for word in words[:2])
    return letters.upper()


@register.filter
def humanise(word: str | None) -> str:
    """Show a stored word as a label: `in_approval` becomes `In approval`."""
    text = str(word or "").replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


# Status and age


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown: never by colour alone."""

    word: str
    icon: str
    tone: str


LOOKS: dict[str, Look] = {
    # of a break
    "open": Look("Open", "circle", "neutral"),
    "investigating": Look("Investigating", "search", "info"),
    "proposed": Look("Proposed", "diamond", "violet"),
    "in_approval": Look("In approval", "hourglass", "amber"),
    "resolved": Look("Resolved", "check", "good"),
    "matched": Look("Matched", "check", "good"),
    "unmatched": Look("Unmatched", "circle", "neutral"),
    "partially_matched": Look("Partly matched", "circle-dashed", "amber"),
    "snoozed": Look("Snoozed", "clock", "neutral"),
    # proposals and decisions
    "draft": Look("Draft", "pencil-line", "neutral"),
    "submitted": Look("In approval", "hourglass", "amber"),
    "changes_requested": Look("Changes requested", "undo-2", "violet"),
    "request_changes": Look("Changes requested", "undo-2", "violet"),
    "approve": Look("Approved", "check", "good"),
    "approved": Look("Approved", "check", "good"),
    "executed": Look("Posted", "check", "good"),
    "reject": Look("Rejected", "x", "bad"),
    "rejected": Look("Rejected", "x", "bad"),
    "stale": Look("Stale", "history", "amber"),
    "failed": Look("Failed", "circle-alert", "bad"),
    "withdrawn": Look("Withdrawn", "undo-2", "neutral"),
    "expired": Look("Expired", "calendar-clock", "neutral"),
    # runs
    "queued": Look("Queued", "clock", "neutral"),
    "running": Look("Running", "play", "info"),
    "finished": Look("Finished", "check", "good"),
    "completed": Look("Finished", "check", "good"),
    "cancelled": Look("Cancelled", "ban", "neutral"),
    # statements and files
    "received": Look("Received", "inbox", "neutral"),
    "stored": Look("To be read", "clock", "neutral"),
    "previewed": Look("To be accepted", "eye", "info"),
    "accepted": Look("Accepted", "check", "good"),
    "proven": Look("Proven", "check", "good"),
    "unproven": Look("Unproven", "triangle-alert", "amber"),
    "refused": Look("Refused", "x", "bad"),
    "duplicate": Look("Duplicate", "copy", "neutral"),
    "superseded": Look("Superseded", "history", "neutral"),
    "late": Look("Late", "circle-alert", "bad"),
    "expected": Look("Expected", "calendar-clock", "neutral"),
    # blocks of a chain
    "seen": Look("Seen", "eye", "neutral"),
    "safe": Look("Safe", "shield", "info"),
    "final": Look("Final", "shield-check", "good"),
    "orphaned": Look("Orphaned", "unlink", "amber"),
    # books
    "posted": Look("Posted", "check", "good"),
    "initiated": Look("Initiated", "circle-dashed", "neutral"),
    "pending": Look("Pending", "hourglass", "amber"),
    "sent": Look("Sent", "arrow-left-right", "info"),
    "confirmed": Look("Confirmed", "check", "info"),
    "settled": Look("Settled", "check", "good"),
    "returned": Look("Returned", "undo-2", "amber"),
    "reversed": Look("Reversed", "undo-2", "neutral"),
    "active": Look("Active", "check", "good"),
    "allowed": Look("Allowed", "check", "good"),
    "revoked": Look("Stopped", "x", "bad"),
    "frozen": Look("Frozen", "lock", "amber"),
    "closed": Look("Closed", "lock", "neutral"),
    "soft_locked": Look("Soft-locked", "lock", "amber"),
    "reopened": Look("Reopened", "lock-open", "violet"),
    "close_again": Look("To be closed again", "calendar-clock", "amber"),
    # outcomes on the trail
    "succeeded": Look("Done", "check", "good"),
    "done": Look("Done", "check", "good"),
    "passed": Look("Passed", "check", "good"),
    "note": Look("Note", "triangle-alert", "amber"),
    "warning": Look("Note", "triangle-alert", "amber"),
}


@register.filter
def look(status: str | None) -> Look:
    """Return word, icon and tone of a status; a word without a look of its own is shown neutrally."""
    key = str(status or "").lower()
    return LOOKS.get(key) or Look(humanise(key) or MISSING, "circle", "neutral")


@register.filter
def age_class(days: int) -> int:
    """Return the age band of 1 (0 to 1 day), 2 (2 to 3), 3 (4 to 7) or 4 (8 and more)."""
    return 1 + (days >= 2) + (days >= 4) + (days >= 8)


@register.filter
def days_since(moment: datetime | date | None) -> int:
    """Return the whole days from a moment until now, never below zero."""
    if moment is None:
        return 0
    now = timezone.now()
    return max(0, (now - moment).days if isinstance(moment, datetime) else (now.date() - moment).days)


# Time


@register.filter
def iso(moment: datetime | date | None) -> str:
    """Return the machine form of an instant (in UTC) or a date."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return moment.isoformat() if moment else ""


@register.filter
def ago(moment: datetime | None) -> str:
    """Return relative words for an instant of the last 24 hours, else nothing: old things have dates."""
    if moment is None:
        return ""
    seconds = int((timezone.now() - moment).total_seconds())
    if not 0 <= seconds < 86_400:
        return ""
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3_600 else f"{seconds // 3_600} h ago"


# Differences


@register.filter
def marked(segments: Iterable[Segment]) -> SafeString:
    """Show one side of a comparison: removed text struck, added text underlined."""
    wrap = {"equal": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
    return mark_safe("".join(format_html(wrap[segment.kind], segment.text) for segment in segments))  # noqa: S308 (joined from escaped parts)


# Forms


@register.filter
def widget(field: BoundField) -> SafeString:
    """Render a form field's control with the product's class, its errors and its help announced."""
    control = field.field.widget
    kind = getattr(control, "input_type", "")
    attributes: dict[str, Any] = {}
    if kind not in {"checkbox", "radio", "hidden"}:
        attributes["class"] = "select" if kind == "select" else "input"
    if field.errors:
        attributes["aria-invalid"] = "true"
    described = [f"{field.auto_id}-error"] if field.errors else []
    described += [f"{field.auto_id}-help"] if field.help_text else []
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return field.as_widget(attrs=attributes)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, CheckboxInput)


# Small helpers of components


@register.filter
def words(text: str | None) -> list[str]:
    """Split a component's attribute into its words: `keys="g b"`."""
    return str(text or "").split()


@register.filter
def as_json(value: Any) -> str:
    """Write a value for an `hx-vals` attribute."""
    return json.dumps(value)


@register.filter
def percent_of(part: int | None, whole: int | None) -> Decimal:
    """Return part of whole in percent with one decimal; nothing of nothing is zero."""
    return (Decimal(part or 0) * 100 / Decimal(whole)).quantize(Decimal("0.1")) if whole else Decimal(0)


@register.simple_tag
def key_caps(keys: str) -> SafeString:
    """Show key names as caps: `key_caps "Ctrl Enter"`."""
    return format_html(
        '<span class="keys" aria-hidden="true">{}</span>', format_html_join("", "<kbd>{}</kbd>", ((key,) for key in str(keys).split()))
    )


@register.simple_tag(takes_context=True)
def sort_link(context: template.Context, field: str) -> dict[str, str]:
    """Return the href, state and icon of a sortable column: ascending, then descending, by `?sort=field` or `?sort=-field`."""
    request = context["request"]
    current = request.GET.get("sort", context.get("default_sort", ""))
    query = request.GET.copy()
    for dropped in ("after", "before", "cursor"):
        query.pop(dropped, None)
    query["sort"] = f"-{field}" if current == field else field
    state = {field: "ascending", f"-{field}": "descending"}.get(current, "")
    return {"href": f"?{query.urlencode()}", "state": state, "icon": {"ascending": "arrow-up", "descending": "arrow-down"}.get(state, "")}


@register.simple_tag(takes_context=True)
def query_without(context: template.Context, *names: str) -> str:
    """Return the current query string without some parameters and without the page's position."""
    query = context["request"].GET.copy()
    for name in (*names, "after", "before", "cursor"):
        query.pop(name, None)
    return f"?{query.urlencode()}"


@register.simple_tag
def key_legend(legend: str) -> SafeString:
    """Show what keys do: `"j|k move,? all"` is two entries, the first with two caps."""
    entries = [entry.strip().partition(" ") for entry in str(legend).split(",")]
    return format_html_join(
        "",
        "<span>{} {}</span>",
        ((format_html_join(" ", "<kbd>{}</kbd>", ((key,) for key in keys.split("|"))), word) for keys, _, word in entries),
    )


@register.filter
def score_band(score: int) -> str:
    """Return how a score of 0 to 100 is coloured: high from 85, mid from 70, else low."""
    return "high" if score >= 85 else "mid" if score >= 70 else "low"


@register.filter
def score_width(score: int) -> str:
    """Return the width of a score's bar out of 24."""
    return f"{max(0, min(100, score)) * 24 / 100:.1f}"


@register.filter
def inline_svg(document: str) -> SafeString:
    """Put a drawing of the sign-in library into the page, without its XML declaration: the policy forbids data: images."""
    return mark_safe(document[document.index("<svg") :])  # noqa: S308 (drawn from our own secret, no input)
