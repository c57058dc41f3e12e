"""Bodies that are plainly right, read without the fields of a serializer, which take longer than posting.

Only what cannot be wrong is read here: whatever is rare, odd or wrong is left to the serializer, which alone says what is wrong and where.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ledger.api.serializers import METADATA_KEYS
from ledger.models import Direction
from ledgerops.lib.money import AmountRefused, minor_from_string

_LINE = {"account", "direction", "amount", "asset"}
_NEEDED = {"type", "entity", "effective_date", "description", "lines"}
# Each with its greatest length, and whether it may be empty.
_TEXTS = (("type", 40, False), ("entity", 20, False), ("description", 1000, False), ("reference", 140, True), ("counterparty", 140, True))
_FLAGS = ("roll_to_open", "initiate", "final")
_KNOWN = _NEEDED | {"reference", "counterparty", "metadata", *_FLAGS}
_DIRECTIONS = frozenset(Direction.values)


def plain_movement(data: Any, *, keyed: bool = False) -> dict[str, Any] | None:
    """Return what a movement's serializer makes of a body, or None to ask the serializer; `keyed` bodies carry a key of their own."""
    if type(data) is not dict or not data.keys() >= _NEEDED or not data.keys() <= (_KNOWN | {"key"} if keyed else _KNOWN):
        return None
    texts = {name: data.get(name, "") for name, _, _ in _TEXTS}
    flags = {name: data.get(name, False) for name in _FLAGS}
    effective_date, lines, metadata = _date(data["effective_date"]), _lines(data["lines"]), data.get("metadata", {})
    if (
        effective_date is None
        or lines is None
        or not all(_is_text(texts[name], longest=longest, blank=blank) for name, longest, blank in _TEXTS)
        or not all(type(flag) is bool for flag in flags.values())
        or not _is_metadata(metadata)
    ):
        return None
    read = {**texts, **flags, "effective_date": effective_date, "lines": lines, "metadata": dict(metadata)}
    if not keyed:
        return read
    return {**read, "key": data["key"]} if _is_text(data.get("key"), longest=200) else None


def _is_text(value: Any, *, longest: int, blank: bool = False) -> bool:
    """Return whether this is a text that stays as it is: nothing to trim, no control character, no half of a pair."""
    return type(value) is str and len(value) <= longest and value.isprintable() and value == value.strip() and (blank or value != "")


def _date(value: Any) -> date | None:
    # Ten places with hyphens, since fromisoformat also reads forms that the API does not take.
    if type(value) is not str or len(value) != 10 or value[4] != "-" or value[7] != "-":
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _lines(value: Any) -> list[dict[str, Any]] | None:
    if type(value) is not list or not 0 < len(value) <= 1000:
        return None
    lines = []
    for line in value:
        if type(line) is not dict or line.keys() != _LINE or not _is_side(line["direction"]):
            return None
        if not (_is_text(line["account"], longest=40) and _is_text(line["asset"], longest=20)):
            return None
        try:
            lines.append({**line, "amount": minor_from_string(line["amount"], field="amount")})
        except AmountRefused:
            return None
    return lines


def _is_side(value: Any) -> bool:
    return type(value) is str and value in _DIRECTIONS


def _is_metadata(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= METADATA_KEYS
        and all(_is_text(key, longest=100) for key in value)
        and all(_is_text(said, longest=500, blank=True) for said in value.values())
    )
