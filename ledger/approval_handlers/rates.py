"""What rests on rates and what ends a year: remeasurement and year-end close, as kinds of proposal."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.approval_handlers.journals import EntryHandler
from ledger.operations import remeasurement, year_end
from ledgerops.lib import money


def _position_facts(payload: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return each position with the rate that values it."""
    facts = []
    for told in payload["positions"]:
        held = f"{money.grouped(int(told['held']), scale=told['scale'])} {told['asset']}"
        facts.append((held, "; ".join(_rate_words(one) for one in told["rates"])))
    return facts


def _rate_words(told: Mapping[str, Any]) -> str:
    at = told["at"][:16].replace("T", " ")
    return f"{told['base']} in {told['quote']} {told['value']}, {told['source']}, {at} UTC"


def _year_facts(payload: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return the year and its result by asset."""
    facts = [("Year", f"{payload['starts_on']} to {payload['ends_on']}")]
    for told in payload["results"]:
        result = int(told["income"]) - int(told["expense"])
        facts.append((f"Result in {told['asset']}", f"{money.grouped(result, scale=told['scale'])} {told['asset']}"))
    return facts


HANDLERS = (
    EntryHandler(
        kind=remeasurement.REMEASURE,
        label="Exchange remeasurement",
        understand=remeasurement.check_remeasurement,
        carry_out=remeasurement.post_remeasurement,
        facts=_position_facts,
    ),
    EntryHandler(
        kind=year_end.CLOSE_YEAR,
        label="End-of-year close",
        understand=year_end.check_year_end,
        carry_out=year_end.post_year_end,
        facts=_year_facts,
    ),
)
