"""When two references are one, mistyped."""

import pytest

from recon.matching.slips import mistyped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV10023", "INV10023"),
        ("INV10023", "INV10032"),
        ("INV10023", "INV1O023"),
        ("INV10023", "INV1023"),
        ("INV10023", "INV100023"),
        ("INV10023", "INV10K23"),
        ("INV10023", "PAYMENTOFINV10023THANKS"),
    ],
    ids=["equal", "swapped", "a letter read", "left out", "twice", "a letter for a digit", "told within"],
)
def test_a_slip_of_the_hand_is_the_same_reference(one: str, other: str) -> None:
    assert mistyped(one, other)
    assert mistyped(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV10023", "INV10024"),
        ("INV10029", "INV10030"),
        ("INV1002", "INV10023"),
        ("10023", "10032"),
        ("INV10023A", "INV10023B"),
        ("INV10023", "ORD98765"),
        ("100234", "9100234"),
    ],
    ids=["next", "next ten", "goes on", "short", "parts", "other", "begins before"],
)
def test_a_neighbour_is_another_reference(one: str, other: str) -> None:
    assert not mistyped(one, other)
    assert not mistyped(other, one)
