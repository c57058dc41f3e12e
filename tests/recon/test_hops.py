"""What more than two populations have of one thing: what is missing or differs is told once, for all of them."""

from datetime import date

from recon.matching.hops import Broken, Hop, Place, broken_chains, hop_words

LEDGER, PROCESSOR, BANK = 1, 2, 3
PLACES = [
    Place(id=LEDGER, name="Ledger", is_ledger=True),
    Place(id=PROCESSOR, name="Processor", is_ledger=False),
    Place(id=BANK, name="Bank", is_ledger=False),
]


def hop(item: int, population: int, *keys: str, minor: int = 1000, day: int = 4) -> Hop:
    return Hop(item=item, population=population, signed_minor=minor, day=date(2026, 5, day), keys=frozenset(keys))


def broken(*hops: Hop) -> list[Broken]:
    return broken_chains(hops, places=PLACES)


def test_what_two_have_and_the_third_has_not_is_missing_there() -> None:
    (one,) = broken(hop(11, LEDGER, "PO1"), hop(12, PROCESSOR, "PO1"))
    assert (one.type, one.head, one.statement, one.others) == ("missing_external", 11, None, (12,))
    assert (one.there, one.missing) == (("Ledger", "Processor"), ("Bank",))
    (one,) = broken(hop(12, PROCESSOR, "PO1"), hop(13, BANK, "PO1"))
    assert (one.type, one.head, one.others, one.missing) == ("missing_internal", 12, (13,), ("Ledger",))


def test_one_that_differs_makes_the_pair() -> None:
    (one,) = broken(hop(11, LEDGER, "PO1"), hop(12, PROCESSOR, "PO1"), hop(13, BANK, "PO1", minor=985))
    assert (one.type, one.ledger, one.statement, one.others) == ("amount", 11, 13, (12,))
    (one,) = broken(hop(11, LEDGER, "PO1", minor=985), hop(12, PROCESSOR, "PO1"), hop(13, BANK, "PO1"))
    assert (one.type, one.ledger, one.statement, one.others) == ("amount", 11, 12, (13,))


def test_dates_are_told_where_all_are_there_and_agree() -> None:
    (one,) = broken(hop(11, LEDGER, "PO1"), hop(12, PROCESSOR, "PO1"), hop(13, BANK, "PO1", day=12))
    assert (one.type, one.ledger, one.statement, one.others) == ("date", 11, 13, (12,))


def test_one_in_the_middle_connects_two_that_share_nothing() -> None:
    (one,) = broken(hop(11, LEDGER, "OR1"), hop(13, BANK, "PO1", minor=985), hop(12, PROCESSOR, "OR1", "PO1"))
    assert (one.type, sorted(one.items)) == ("amount", [11, 12, 13])


def test_nothing_is_claimed_of_several_in_one_population_or_of_what_stands_alone() -> None:
    assert broken(hop(11, LEDGER, "PO1"), hop(12, PROCESSOR, "PO1"), hop(14, PROCESSOR, "PO1")) == []
    assert broken(hop(11, LEDGER, "PO1"), hop(13, BANK, "PO2"), hop(14, BANK)) == []


def test_order_changes_nothing() -> None:
    hops = [hop(11, LEDGER, "A"), hop(12, PROCESSOR, "A", "B"), hop(13, BANK, "B", day=9), hop(21, LEDGER, "C"), hop(22, BANK, "C")]
    assert broken(*hops) == broken(*reversed(hops))


def test_words() -> None:
    assert hop_words({"there": ["Ledger", "Processor"], "missing": ["Bank"]}) == "Ledger and Processor agree on it; Bank does not have it."
