"""Exchange arithmetic: one rounding, both signs alike, nothing lost when a sum is parted."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fx import RateTextRefused, apportioned, converted, rate_from_text, valued

AMOUNTS = st.one_of(st.integers(-(10**6), 10**6), st.integers(-(10**38) + 1, 10**38 - 1))
SCALES = st.sampled_from([0, 2, 3, 6, 18])
RATES = st.builds(Fraction, st.integers(1, 10**24), st.sampled_from([1, 10**4, 10**18]))
EXACT = st.lists(st.builds(Fraction, st.integers(-(10**12), 10**12), st.integers(1, 10**6)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(minor=AMOUNTS, rate=RATES, base=SCALES, quote=SCALES)
def test_a_conversion_is_the_nearest_whole_unit_and_the_same_for_both_signs_it(minor: int, rate: Fraction, base: int, quote: int) -> None:
    there = converted(minor, rate=rate, base_scale=base, quote_scale=quote)
    assert abs(there - minor * rate * Fraction(10) ** (quote - base)) <= Fraction(1, 2)
    assert converted(-minor, rate=rate, base_scale=base, quote_scale=quote) == -there


@pytest.mark.parametrize(("minor", "there"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2)])
def test_a_half_goes_to_the_even_one_it(minor: int, there: int) -> None:
    assert converted(minor, rate=Fraction(1, 2), base_scale=2, quote_scale=2) == there


@settings(max_examples=300, deadline=None)
@given(exact=EXACT)
def test_parts_make_up_the_rounded_whole_it(exact: list[Fraction]) -> None:
    parts = apportioned(exact)
    assert sum(parts) == round(sum(exact, Fraction(0)))
    assert all(abs(part - own) < 1 for part, own in zip(parts, exact, strict=True))
    assert all(part == own for part, own in zip(parts, exact, strict=True) if own.denominator == 1)


@settings(max_examples=300, deadline=None)
@given(exact=EXACT, data=st.data())
def test_what_is_kept_is_rounded_by_itself_it(exact: list[Fraction], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.integers(0, len(exact) - 1), max_size=len(exact) - 1)) if exact else set()
    others = len(exact) - len(kept)
    parts = apportioned(exact, kept=kept)
    assert sum(parts) == round(sum(exact, Fraction(0)))
    if len(kept) <= others:
        assert all(parts[place] == round(exact[place]) for place in kept)


@settings(max_examples=300, deadline=None)
@given(position=AMOUNTS, equivalent=AMOUNTS, rate=RATES, scale=SCALES, functional=SCALES)
def test_after_its_adjustment_a_position_and_its_book_value_cancel_it(
    position: int, equivalent: int, rate: Fraction, scale: int, functional: int
) -> None:
    first = valued(position_minor=position, equivalent_minor=equivalent, rate=rate, scale=scale, functional_scale=functional)
    carried = equivalent + first.adjustment_minor
    assert carried + first.value_minor == 0
    again = valued(position_minor=position, equivalent_minor=carried, rate=rate, scale=scale, functional_scale=functional)
    assert again.adjustment_minor == 0, "remeasuring again at the same rate changes nothing"


@pytest.mark.parametrize("text", ["1.0842", "0.000000000000000001", "99999999999999999999", "007.10"])
def test_a_plain_decimal_is_a_rate_it(text: str) -> None:
    assert rate_from_text(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.0",
        "-1",
        "+1",
        "1e3",
        "1,08",
        "1.",
        ".5",
        " 1",
        "NaN",
        "\u0661",
        "\uff11",
        "1.0000000000000000001",
        "1" * 21,
        1.5,
        2,
        None,
    ],
)
def test_anything_else_is_refused_with_its_place_it(text: object) -> None:
    with pytest.raises(RateTextRefused) as refused:
        rate_from_text(text, field="rows[3].value")
    assert refused.value.field == "rows[3].value"
