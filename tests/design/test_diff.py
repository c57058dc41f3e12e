"""Comparisons mark what a person would mark, and never change what they show."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgerops.lib import diff
from ledgerops.lib.diff import Comparison, Segment

short = st.text(alphabet="aAbB 19-/.\u00df\u0130", max_size=14)


def marked(segments: tuple[Segment, ...]) -> str:
    return "".join(segment.text if segment.kind == "equal" else f"[{segment.text}]" for segment in segments)


def joined(segments: tuple[Segment, ...]) -> str:
    return "".join(segment.text for segment in segments)


def holds(compared: Comparison, left: str, right: str) -> None:
    assert (joined(compared.left), joined(compared.right)) == (left, right)
    assert {segment.kind for segment in compared.left} <= {"equal", "removed"}
    assert {segment.kind for segment in compared.right} <= {"equal", "added"}
    if left.casefold() == right.casefold():
        assert not compared.differs
        assert {segment.kind for segment in compared.left + compared.right} <= {"equal"}
    else:
        assert compared.differs
        assert any(segment.kind != "equal" for segment in compared.left + compared.right)


@given(short, short)
def test_text_shows_both_sides_whole(left: str, right: str) -> None:
    holds(diff.text(left, right), left, right)


@given(short, short, st.sampled_from(["left", "right"]))
def test_aligned_shows_both_sides_whole(left: str, right: str, anchor: str) -> None:
    holds(diff.aligned(left, right, anchor=anchor), left, right)  # type: ignore[arg-type]


@given(st.integers(), st.integers(), st.integers(0, 8))
def test_amounts_are_equal_exactly_if_nothing_is_marked(left: int, right: int, scale: int) -> None:
    compared = diff.amount(left, right, scale=scale, asset="USD")
    assert compared.differs == (left != right)
    assert any(segment.kind != "equal" for segment in compared.left + compared.right) == (left != right)


def test_money_is_compared_position_by_position_from_the_right() -> None:
    compared = diff.amount(-1_890_000, -1_893_000, scale=2, asset="USD")
    assert marked(compared.left) == "\u221218,9[0]0.00"
    assert marked(compared.right) == "\u221218,9[3]0.00"
    assert compared.result == "+30.00 USD"


def test_money_of_another_length_stays_aligned() -> None:
    compared = diff.amount(10_000, 110_000, scale=2, asset="USD")
    assert (marked(compared.left), marked(compared.right)) == ("100.00", "[1,]100.00")


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        (date(2026, 11, 11), date(2026, 11, 13), "+2 days"),
        (date(2026, 11, 11), date(2026, 11, 10), "\u22121 day"),
        (date(2026, 11, 11), date(2026, 11, 11), "equal"),
        (date(2026, 11, 11), None, "missing"),
        (None, None, "equal"),
    ],
)
def test_dates_say_the_days_between(left: date | None, right: date | None, result: str) -> None:
    assert diff.day(left, right).result == result


def test_swapped_digits_are_named() -> None:
    compared = diff.aligned("INV-2026-4817", "INV-2026-4871")
    assert (marked(compared.left), marked(compared.right)) == ("INV-2026-48[17]", "INV-2026-48[71]")
    assert compared.result == "digits swapped"


def test_case_alone_is_no_difference() -> None:
    compared = diff.text("Kestrel Trading GmbH", "KESTREL TRADING GMBH")
    assert compared.result == "case only"
    assert not compared.differs


def test_text_marks_characters_in_similar_words_and_whole_added_phrases() -> None:
    compared = diff.text("Payment INV-2026-4817 Kestrel", "PAYMENT INV-2026-4871 KESTREL /OUR CHARGES 30.00")
    assert marked(compared.left) == "Payment INV-2026-48[17] Kestrel"
    assert marked(compared.right) == "PAYMENT INV-2026-48[71] KESTREL[ /OUR CHARGES 30.00]"


def test_different_words_are_marked_whole_and_as_one_phrase() -> None:
    compared = diff.text("6410 Treasury fees", "6420 Bank charges")
    assert (marked(compared.left), marked(compared.right)) == ("64[1]0 [Treasury fees]", "64[2]0 [Bank charges]")


def test_a_missing_side_is_named() -> None:
    assert diff.aligned("", "NTRF").result == "missing"
    assert diff.amount(None, 100, scale=2, asset="USD").result == "missing"
