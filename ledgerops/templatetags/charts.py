"""Charts drawn on the server as SVG: dark mode, print and the content policy come free.

Here is the geometry, in templates/charts the drawing. Every chart is one picture with a sentence for its label, coloured by classes alone,
and where its numbers cannot be read from the page already it brings them as a table behind "Show as table".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import template

from ledgerops.lib import money as amounts

register = template.Library()

AGE_BANDS = ("0\u20131 d", "2\u20133 d", "4\u20137 d", "8 d +")
RIBBON_HEIGHT, RIBBON_BAR = 40, 10
TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 1_000, 10_000, 10**9)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a funnel or a waterfall: a label, its value, and for a waterfall whether it is a balance."""

    label: str
    value: int
    is_balance: bool = False


@register.inclusion_tag("charts/age_stack.html")
def age_stack(counts: Sequence[int]) -> dict[str, Any]:
    """Draw open breaks by the four age bands as one stacked bar with its legend."""
    width, gap = 400.0, 2.0
    shown = [(band, count) for band, count in enumerate(counts) if count]
    usable = width - gap * max(0, len(shown) - 1)
    bars, x = [], 0.0
    for band, count in shown:
        length = usable * count / sum(counts)
        bars.append({"x": round(x, 1), "width": round(length, 1), "band": band + 1})
        x += length + gap
    legend = [{"band": band + 1, "label": AGE_BANDS[band], "count": count} for band, count in enumerate(counts)]
    return {"bars": bars, "legend": legend}


@register.inclusion_tag("charts/ribbon.html")
def match_ribbon(sides: Sequence[tuple[str, Sequence[int]]], label: str) -> dict[str, Any]:
    """Draw what two sides have of a match, item by item on one scale, joined as far as they agree; what one has more stands out.

    Nothing is drawn where amounts go both ways or there are not two sides: lengths would say what is not so.
    """
    amounts_of = [list(minors) for _, minors in sides]
    every = [minor for minors in amounts_of for minor in minors]
    if len(sides) != 2 or not all(amounts_of) or len({minor > 0 for minor in every}) != 1:
        return {}
    width, height, gap = 320.0, RIBBON_HEIGHT, 1.5
    totals = [sum(abs(minor) for minor in minors) for minors in amounts_of]
    bars, top = [], (0, height - RIBBON_BAR)
    for row, minors in enumerate(amounts_of):
        x = 0.0
        for minor in minors:
            length = width * abs(minor) / max(totals)
            bars.append({"x": round(x, 1), "y": top[row], "width": round(max(length - gap, 0.5), 1), "first": row == 0})
            x += length
    shared = round(width * min(totals) / max(totals), 1)
    larger = totals.index(max(totals))
    rest = None if totals[0] == totals[1] else {"x": shared, "y": top[larger], "width": round(width - shared, 1)}
    return {"label": label, "bars": bars, "rest": rest, "common": f"M0 {RIBBON_BAR}H{shared}V{height - RIBBON_BAR}H0Z"}


@register.inclusion_tag("charts/sparkline.html")
def sparkline(values: Sequence[float], label: str) -> dict[str, Any]:
    """Draw a line without axes, for a figure that stands beside it."""
    if not values:
        return {}
    low, spread = min(values), (max(values) - min(values)) or 1
    step = 92 / max(1, len(values) - 1)
    places = [(round(i * step, 1), round(2 + 14 * (1 - (value - low) / spread), 1)) for i, value in enumerate(values)]
    return {"label": label, "line": _path(places), "last": places[-1]}


@register.inclusion_tag("charts/line.html")
def line_chart(points: Sequence[tuple[str, float]], label: str, target: float | None = None, unit: str = "%") -> dict[str, Any]:
    """Draw values over time against a target; `points` are pairs of a date's text and a value."""
    if not points:
        return {}
    values = [value for _, value in points]
    ticks = _ticks([*values, *([target] if target is not None else [])])
    left, right, top, bottom = 36, 528, 12, 132
    step = (right - left) / max(1, len(values) - 1)

    def y_of(value: float) -> float:
        return round(bottom - (bottom - top) * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)

    places = [(round(left + i * step, 1), y_of(value)) for i, value in enumerate(values)]
    return {
        "label": label,
        "unit": unit,
        "grid": [{"y": y_of(tick), "text_y": y_of(tick) + 4, "value": f"{tick:g}"} for tick in ticks],
        "target": None if target is None else {"y": y_of(target), "text_y": y_of(target) + 13, "value": f"{target:g}"},
        "line": _path(places),
        "last_place": places[-1],
        "first": points[0],
        "last": points[-1],
        "lowest": min(values),
        "rows": points,
    }


@register.inclusion_tag("charts/balance.html")
def balance_chart(
    points: Sequence[tuple[str, float]], label: str, unit: str, limit: float | None = None, marked: int | None = None
) -> dict[str, Any]:
    """Draw end-of-day balances as steps, with the limit that they may not go below and one of the days marked by its number."""
    if not points:
        return {}
    values = [value for _, value in points]
    ticks = _ticks([*values, *([limit] if limit is not None else [])])
    left, right, top, bottom = 48, 528, 12, 132
    step = (right - left) / max(1, len(values) - 1)

    def y_of(value: float) -> float:
        return round(bottom - (bottom - top) * (value - ticks[0]) / (ticks[-1] - ticks[0]), 1)

    places = [(round(left + i * step, 1), y_of(value)) for i, value in enumerate(values)]
    corners = [places[0], *(corner for before, after in pairwise(places) for corner in ((after[0], before[1]), after))]
    mark = None
    if marked is not None:
        x, y = places[marked]
        mark = {"x": x, "y": y, "day": points[marked][0], "anchor": "end" if x > (left + right) / 2 else "start"}
    return {
        "label": label,
        "unit": unit,
        "grid": [{"y": y_of(tick), "text_y": y_of(tick) + 4, "value": f"{tick:g}"} for tick in ticks],
        "limit": None if limit is None else {"y": y_of(limit), "text_y": y_of(limit) + 13, "value": f"{limit:g}"},
        "line": _path(corners),
        "last_place": places[-1],
        "first": points[0],
        "last": points[-1],
        "lowest": min(values),
        "mark": mark,
        "rows": points,
    }


@register.inclusion_tag("charts/mirror.html")
def mirror_bars(days: Sequence[tuple[str, int, int]], label: str) -> dict[str, Any]:
    """Draw two counts per day on opposite sides of an axis: opened above, resolved below."""
    if not days:
        return {}
    highest = max(max(up, down) for _, up, down in days) or 1
    left, right, middle, reach = 28, 536, 72, 60
    slot = (right - left) / len(days)
    bars = [
        {
            "x": round(left + (i + 0.08) * slot, 1),
            "width": round(slot * 0.84, 1),
            "up_y": round(middle - reach * up / highest, 1),
            "up": round(reach * up / highest, 1),
            "down": round(reach * down / highest, 1),
        }
        for i, (_, up, down) in enumerate(days)
    ]
    opened, resolved = sum(up for _, up, _ in days), sum(down for _, _, down in days)
    return {"label": label, "bars": bars, "highest": highest, "days": days, "opened": opened, "resolved": resolved}


@register.filter
def heat_level(value: int, highest: int) -> int:
    """Return the level of 0 (nothing) to 4 (the highest) that a cell of a heat table is coloured by: class `heat-{{ level }}`."""
    if not value or not highest:
        return 0
    return min(4, max(1, -(-4 * value // highest)))


@register.inclusion_tag("charts/funnel.html")
def funnel(steps: Sequence[Step], label: str) -> dict[str, Any]:
    """Draw what is left after each step as bars of one scale; the last is what became of the rest."""
    highest = max((step.value for step in steps), default=0) or 1
    bars = [{"label": step.label, "value": step.value, "width": round(400 * step.value / highest, 1)} for step in steps]
    return {"label": label, "bars": bars}


@register.inclusion_tag("charts/waterfall.html")
def waterfall(steps: Sequence[Step], label: str, scale: int, asset: str) -> dict[str, Any]:
    """Draw the way from one balance over its items to the other; balances start at the axis, items float."""
    spans, level = [], 0
    for step in steps:
        start = 0 if step.is_balance else level
        level = start + step.value
        spans.append((step, min(start, level), max(start, level)))
    floor = _floor(spans)
    height = max([high - floor for _, _, high in spans] + [1])
    top, reach, slot = 20, 104, 540 / max(1, len(spans))
    bars = [
        {
            "look": "fill-accent" if step.is_balance else "fill-good" if step.value >= 0 else "fill-3",
            "x": round((i + 0.18) * slot, 1),
            "y": round(top + reach * (1 - (high - floor) / height), 1),
            "width": round(slot * 0.64, 1),
            "height": round(max(1.5, reach * (high - max(floor, low)) / height), 1),
            "middle": round((i + 0.5) * slot, 1),
            "text_y": round(top - 6 + reach * (1 - (high - floor) / height), 1),
            "amount": amounts.grouped(step.value, scale=scale, signed=not step.is_balance),
            "label": step.label,
        }
        for i, (step, low, high) in enumerate(spans)
    ]
    return {"label": label, "bars": bars, "asset": asset}


def _floor(spans: Sequence[tuple[Step, int, int]]) -> int:
    """Return where the axis stands: items are small beside balances, so it is cut below them where that is possible."""
    lowest = min((low for step, low, _ in spans if not step.is_balance), default=0)
    highest = max((high for step, _, high in spans if not step.is_balance), default=0)
    cut = lowest - 2 * (highest - lowest)
    return cut if highest > lowest and cut > 0 else min([low for _, low, _ in spans] + [0])


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers around the values, at least two."""
    low, high = min(values), max(values)
    step = next(size for size in TICK_STEPS if (high - low or 1) / size <= 4.2)
    ticks = [round(low // step * step, 4)]
    while ticks[-1] < high or len(ticks) < 2:
        ticks.append(round(ticks[-1] + step, 4))
    return ticks
