"""Amounts at the door: digits or nothing."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerops.lib import money

NOT_MINOR: list[Any] = [
    1234,
    12.34,
    1e3,
    float("nan"),
    float("inf"),
    True,
    None,
    Decimal(5),
    b"12",
    "",
    " 12",
    "12 ",
    "+12",
    "-12",
    "1.0",
    "1,000",
    "1_000",
    "1e3",
    "0x1f",
    "NaN",
    "Infinity",
    "\uff11\uff12",  # full-width digits
    "\u0661\u0662",  # Arabic-Indic digits
    "1\u00b2",
    "12\n",
    "1" * 39,
    ["12"],
]


@pytest.mark.parametrize("text", NOT_MINOR, ids=repr)
def test_it_takes_minor_units_as_ascii_digits_alone(text: Any) -> None:
    with pytest.raises(money.AmountRefused) as refused:
        money.minor_from_string(text, field="amount")
    assert refused.value.field == "amount"


@pytest.mark.parametrize("text", ["0", "000"])
def test_it_refuses_nothing_as_an_amount(text: str) -> None:
    with pytest.raises(money.AmountRefused, match="above zero"):
        money.minor_from_string(text, field="amount")


@pytest.mark.parametrize(
    "text", ["1e3", "NaN", "Infinity", "1.2.3", "1,23.00", "12,34,567", "\uff11.00", "--1", "(1", "1)", "", "abc", "0x10", "1_0"]
)
def test_it_takes_typed_amounts_as_people_write_them_and_nothing_else(text: str) -> None:
    with pytest.raises(money.AmountRefused) as refused:
        money.minor_from_text(text, scale=2, field="amount")
    assert refused.value.field == "amount"


@pytest.mark.parametrize(
    ("text", "scale", "minor"),
    [
        ("1,234.50", 2, 123450),
        ("(30)", 2, -3000),
        ("30-", 2, -3000),
        ("\u221230", 0, -30),
        ("0.000000000000000001", 18, 1),
        ("1.5", 6, 1_500_000),
        ("1.50", 1, 15),
        (f"{10**36 - 1}.99", 2, 10**38 - 1),
    ],
)
def test_it_reads_what_people_type(text: str, scale: int, minor: int) -> None:
    assert money.minor_from_text(text, scale=scale, field="amount") == minor


def test_it_refuses_a_decimal_too_many_rather_than_round() -> None:
    with pytest.raises(money.AmountRefused) as refused:
        money.minor_from_text("1.005", scale=2, field="amount")
    assert refused.value.detail == {"value": "1.005", "scale": 2}


def test_it_refuses_a_digit_too_many() -> None:
    with pytest.raises(money.AmountRefused):
        money.minor_from_text(f"{10**36}", scale=2, field="amount")


@given(minor=st.integers(-(10**38) + 1, 10**38 - 1), scale=st.integers(0, 18))
def test_what_is_shown_reads_back_as_the_same_amount(minor: int, scale: int) -> None:
    assert money.minor_from_text(money.plain(minor, scale=scale), scale=scale, field="amount") == minor
    assert money.minor_from_text(money.grouped(minor, scale=scale), scale=scale, field="amount") == minor
