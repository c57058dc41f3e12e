"""A statement proves itself, page by page."""

from dataclasses import replace

import pytest

from recon.formats.proof import Page, Proof, chain, prove


@pytest.mark.parametrize(
    ("opening", "closing", "movements", "expected"),
    [
        (100, 130, 30, Proof("proven", 0)),
        (-100, -130, -30, Proof("proven", 0)),
        (100, 130, 25, Proof("unproven", 5)),
        (100, 130, 35, Proof("unproven", -5)),
        (None, 130, 30, Proof("no_balance", None)),
        (100, None, 30, Proof("no_balance", None)),
        (0, 0, 0, Proof("proven", 0)),
    ],
)
def test_proves_opening_plus_movements(opening: int | None, closing: int | None, movements: int, expected: Proof) -> None:
    assert prove(opening=opening, closing=closing, movements=movements) == expected


FIRST = Page(ordinal=1, account="A", currency="EUR", statement="7", opening_minor=0, closing_minor=5, movements_minor=5, opens=True)
LAST = Page(ordinal=2, account="A", currency="EUR", statement="7", opening_minor=5, closing_minor=9, movements_minor=4, closes=True)


def test_chains_pages_of_one_statement() -> None:
    (whole,) = chain([FIRST, LAST])
    assert (whole.proof, whole.complete, whole.gap_at) == (Proof("proven", 0), True, None)


@pytest.mark.parametrize(
    "other",
    [
        replace(LAST, account="B"),
        replace(LAST, currency="USD"),
        replace(LAST, statement="8"),
        replace(LAST, opens=True),
        replace(LAST, opening_minor=None),
    ],
)
def test_keeps_other_statements_apart(other: Page) -> None:
    assert len(chain([FIRST, other])) == 2


def test_names_the_page_that_does_not_continue_its_predecessor() -> None:
    (whole,) = chain([FIRST, replace(LAST, opening_minor=6, closing_minor=10)])
    assert (whole.proof, whole.gap_at) == (Proof("unproven", 1), 2)


def test_is_not_fooled_by_errors_that_cancel_out() -> None:
    (whole,) = chain([replace(FIRST, movements_minor=6), replace(LAST, movements_minor=3)])
    assert whole.proof == Proof("unproven", 0)


def test_says_when_a_page_is_missing() -> None:
    assert [whole.complete for whole in chain([FIRST])] == [False]
    assert [whole.complete for whole in chain([LAST])] == [False]
