"""What is read without the serializer is what the serializer reads; everything else is left to it."""

import copy
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from ledger.api import registry_serializers as shapes
from ledger.api.plain import plain_movement

PLAIN: dict[str, Any] = {
    "type": "deposit",
    "entity": "M1",
    "effective_date": "2026-11-02",
    "description": "Deposit by wire",
    "reference": "INV-1",
    "counterparty": "",
    "metadata": {"channel": "wire"},
    "roll_to_open": False,
    "lines": [
        {"account": "1010", "direction": "debit", "amount": "1000", "asset": "USD"},
        {"account": "2010", "direction": "credit", "amount": "1000", "asset": "USD"},
    ],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**40),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", " ", "a ", "a\nb", "a\0", "\ud800", "\u00a0", "2026-02-30", "2026-W01-1", "20261102", "2026-1-02", "٢٠٢٦-11-02"]),
    st.sampled_from(["0", "00", "007", "1" * 38, "1" * 39, "1.0", "-1", "٣", "debit", "DEBIT", "true", "x" * 41, "x" * 1001]),
    st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=3), st.one_of(st.text(max_size=3), st.none(), st.integers()), max_size=3),
)
NAMES = [*PLAIN, "key", "initiate", "final", "value_date", "hold", "reverses", "parameters", "unknown"]
LINE_NAMES = ["account", "direction", "amount", "asset", "note"]


def by_serializer(body: Any, *, shape: type[serializers.Serializer[Any]]) -> Any:
    """Return what the fields make of a body, past the shortcut; None if they refuse it."""
    try:
        return serializers.Serializer.run_validation(shape(), copy.deepcopy(body))
    except serializers.ValidationError:
        return None


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a body that is plain but for up to three things."""
    body = copy.deepcopy(PLAIN)
    if draw(st.booleans()):
        body["key"] = "k1"
    for _ in range(draw(st.integers(0, 3))):
        of_line = draw(st.booleans()) and isinstance(body.get("lines"), list) and body["lines"] and isinstance(body["lines"][0], dict)
        place = body["lines"][0] if of_line else body
        name = draw(st.sampled_from(LINE_NAMES if of_line else NAMES))
        if draw(st.booleans()):
            place[name] = draw(ODD)
        else:
            place.pop(name, None)
    return body


@settings(max_examples=600, deadline=None, derandomize=True)
@given(bodies())
def test_what_is_read_plainly_is_what_the_serializer_reads(body: dict[str, Any]) -> None:
    for keyed, shape in ((False, shapes.TransactionBody), (True, shapes.BatchItem)):
        read = plain_movement(copy.deepcopy(body), keyed=keyed)
        assert read is None or read == by_serializer(body, shape=shape), (read, body)


def test_what_is_usual_is_read_plainly() -> None:
    read = plain_movement(PLAIN)
    assert read is not None
    assert (read["effective_date"], read["lines"][0]["amount"], read["initiate"]) == (date(2026, 11, 2), 1000, False)
    bare = {name: PLAIN[name] for name in ("type", "entity", "effective_date", "description", "lines")}
    assert plain_movement(bare) == by_serializer(bare, shape=shapes.TransactionBody)
    assert plain_movement({**PLAIN, "key": "k1"}, keyed=True) is not None
    assert plain_movement(PLAIN, keyed=True) is None, "an item says its key"


def test_an_item_of_a_batch_without_a_key_is_refused() -> None:
    assert not shapes.BatchItem(data=PLAIN).is_valid()
    assert shapes.BatchItem(data={**PLAIN, "key": "k1"}).is_valid()
