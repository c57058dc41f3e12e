"""The smallest explanation of an unexplained number: plain rules over the rows of a day."""

from decimal import Decimal

import pytest

from recon.matching.rules import Tariff
from recon.matching.unexplained import PAIRED_MAX, DayRow, Reason, hints_for

FEE = Tariff(code="CB", name="Chargeback fee", percent=Decimal(0), fixed_minor=1500)
PERCENT = Tariff(code="CARD", name="Card fee", percent=Decimal("1.5"), fixed_minor=25)


def rows(*amounts: int) -> list[DayRow]:
    return [DayRow(ref=f"row {n}", signed_minor=amount) for n, amount in enumerate(amounts, start=1)]


def found(
    difference: int, *amounts: int, before: int | None = None, tariffs: tuple[Tariff, ...] = ()
) -> list[tuple[str, int, list[list[str]]]]:
    hints = hints_for(difference_minor=difference, rows=rows(*amounts), before_minor=before, tariffs=tariffs)
    return [(hint.reason, hint.ways, [[row.ref for row in group] for group in hint.groups]) for hint in hints]


@pytest.mark.parametrize(
    ("difference", "amounts", "expected"),
    [
        (12_31, (5_00, 12_31, 7_77), (Reason.ROW, 1, [["row 2"]])),
        (12_31, (5_00, -12_31, 7_77), (Reason.ROW, 1, [["row 2"]])),
        (-12_31, (12_31, 12_31), (Reason.ROW, 2, [["row 1"], ["row 2"]])),
        (24_62, (5_00, 12_31), (Reason.WRONG_SIGN, 1, [["row 2"]])),
        (17_31, (5_00, 12_31, 100_00), (Reason.PAIR, 1, [["row 1", "row 2"]])),
        (-7_31, (5_00, -12_31), (Reason.PAIR, 1, [["row 1", "row 2"]])),
        (27, (1_285, 9_99), (Reason.TRANSPOSED, 1, [["row 1"]])),
        (15_00, (100_00, 7_00), (Reason.TARIFF, 2, [["row 1"], ["row 2"]])),
        (1_75, (100_00, 7_00), (Reason.TARIFF, 1, [["row 1"]])),
    ],
)  # fmt: skip
def test_plainest_explanation_comes_first(difference: int, amounts: tuple[int, ...], expected: tuple[str, int, list[list[str]]]) -> None:
    assert found(difference, *amounts, tariffs=(FEE, PERCENT))[0] == expected


def test_swapped_digits_name_what_the_row_would_say() -> None:
    (hint,) = hints_for(difference_minor=27_00, rows=rows(1_285_00, 40_00))
    assert (hint.reason, hint.written, hint.groups[0][0].ref) == (Reason.TRANSPOSED, (1_258_00,), "row 1")


def test_difference_of_the_day_before_stands_unchanged() -> None:
    assert found(13, before=13) == [(Reason.UNCHANGED, 1, [])]
    assert found(13, before=-13) == []
    assert found(13, before=None) == []


def test_nine_is_said_where_nothing_else_fits_only() -> None:
    assert found(1_80, 5_00) == [(Reason.NINE, 1, [])]
    assert (Reason.NINE, 1, []) not in found(1_80, 1_80)


def test_says_so_when_there_is_none_and_nothing_for_nothing() -> None:
    assert found(1_01, 5_00, 7_00) == []
    assert found(0, 5_00, 5_00) == []


def test_of_many_ways_three_are_named_and_all_counted() -> None:
    (hint,) = [one for one in hints_for(difference_minor=5, rows=rows(*[5] * 7)) if one.reason is Reason.ROW]
    assert (hint.ways, len(hint.groups)) == (7, 3)


def test_a_row_pairs_with_another_and_never_with_itself() -> None:
    assert all(reason != Reason.PAIR for reason, _, _ in found(10_00, 5_00))
    assert (Reason.PAIR, 1, [["row 1", "row 2"]]) in found(10_00, 5_00, 5_00)


def test_among_too_many_rows_no_pair_is_looked_for() -> None:
    amounts = range(10_001, 10_001 + PAIRED_MAX + 1)
    assert all(reason != Reason.PAIR for reason, _, _ in found(20_003, *amounts))


def test_order_of_the_rows_makes_no_difference() -> None:
    told = rows(5_00, 12_31, 7_31, 10_00)
    assert hints_for(difference_minor=17_31, rows=told) == hints_for(difference_minor=17_31, rows=told[::-1])
