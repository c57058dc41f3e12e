"""A rule drafted from a break: what pass would have matched it, worked out from what lies between its two sides."""

from typing import Any

from django.http import QueryDict

from recon.matching.rules import DAYS_MAX, PASSES_MAX, TARIFFS_MAX
from recon.models import Break, BreakType, BusinessDay
from recon.web.rules.form import many, with_pass, with_tariff


def prefilled(data: QueryDict, recon_break: Break, *, scale: int) -> tuple[QueryDict, str]:
    """Return a page's rules with a pass that fits a break, and why it fits; where nothing is certain, the pass waits for its settings."""
    filled = data.copy()
    days = _days_apart(recon_break)
    if recon_break.type == BreakType.DATE and days is not None:
        return _longer(filled, days=days, scale=scale)
    if recon_break.type == BreakType.AMOUNT and recon_break.statement_item and recon_break.ledger_item:
        return _charge(filled, recon_break, days=days or 0, scale=scale)
    if recon_break.type == BreakType.AMBIGUOUS:
        with_pass(
            filled, _new("block", "Alike, as many on each side", attributes=["counterparty"], days=days or 2), scale=scale, first=True
        )
        return filled, "Items alike that cannot be told apart are matched together where each side has as many."
    with_pass(filled, _new("attribute", "Same amount and counterparty", attributes=["counterparty"], days=3), scale=scale, first=True)
    return filled, "Its other side may carry another reference: here the amount and the counterparty decide."


def _longer(data: QueryDict, *, days: int, scale: int) -> tuple[QueryDict, str]:
    """Let the first pass by reference reach as far as the break's dates lie apart, and no day further."""
    for number in range(many(data, "passes", PASSES_MAX)):
        if data.get(f"p{number}-kind") == "key" and not data.getlist(f"p{number}-keys"):
            data[f"p{number}-days"] = str(days)
            break
    else:
        with_pass(data, _new("key", "Same reference, same amount", days=days), scale=scale, first=True)
    return data, f"Its dates lie {days} business day{'' if days == 1 else 's'} apart; the pass by reference now allows that."


def _charge(data: QueryDict, recon_break: Break, *, days: int, scale: int) -> tuple[QueryDict, str]:
    """Explain the difference of two amounts by a tariff where its cause is one, else by a bound that suggests."""
    difference = abs(int(recon_break.difference_minor))
    known = [str(code) for code in recon_break.cause.get("tariffs", [])]
    if known:
        with_pass(data, _new("group", "Same reference, less a charge", tariffs=known, days=max(days, 1)), scale=scale, first=True)
        return data, f"Both sides carry one reference, and what is missing is the charge {known[0]}. A group pass allows for it."
    if recon_break.cause.get("kind", "unexplained") == "unexplained":
        code = f"FEE-{many(data, 'tariffs', TARIFFS_MAX) + 1}"
        with_tariff(data, {"code": code, "name": "Charge deducted", "percent": "0", "fixed_minor": difference}, scale=scale)
        with_pass(data, _new("group", "Same reference, less a charge", tariffs=[code], days=max(days, 1)), scale=scale, first=True)
        return data, "Both sides carry one reference, and what is missing is taken for a charge. Say what the charge is."
    bound = _new("tolerance", "Same reference, nearly the same amount", requires="key", absolute_minor=difference, days=max(days, 1))
    with_pass(data, {**bound, "automatic": False}, scale=scale, first=True)
    return data, "Both sides carry one reference and their amounts differ. The pass suggests such pairs; it does not match them."


def _new(kind: str, name: str, **values: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "automatic": True, **values}


def _days_apart(recon_break: Break) -> int | None:
    """Return how many business days lie between a break's two sides, by its reconciliation's calendar."""
    if recon_break.ledger_item is None or recon_break.statement_item is None:
        return None
    dates = [recon_break.ledger_item.item_date, recon_break.statement_item.item_date]
    counted = BusinessDay.objects.filter(calendar=recon_break.reconciliation.calendar, day__in=dates).values_list("day", "number")
    numbers = dict(counted)
    apart = abs(numbers[dates[0]] - numbers[dates[1]]) if set(dates) <= set(numbers) else abs((dates[0] - dates[1]).days)
    return min(apart, DAYS_MAX)
