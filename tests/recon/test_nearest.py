"""Why passes left something open, and how likely candidates are: plain functions of what lies around an item."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.matching.calibration import calibrated, wilson_lower
from recon.matching.candidates import Frequencies, Side, log_odds, reasons_between, score_of, waterfall
from recon.matching.nearest import Answer, Around, Thing, why_not
from recon.matching.rules import STANDARD, Rules

DAY = date(2026, 11, 2)
PASSES = Rules.from_json(STANDARD).passes


def thing(pk: int, *, minor: int = 1000, reference: str = "INV-1024", days: int = 0, population: int = 2, party: str = "") -> Thing:
    keys = frozenset({f"own_reference:{reference.replace('-', '')}"}) if reference else frozenset()
    return Thing(
        id=pk,
        name=reference or "an item",
        population=population,
        signed_minor=minor,
        item_date=DAY + timedelta(days=days),
        keys=keys,
        reference=reference,
        attributes={"counterparty": party},
    )


def answers(own: Thing, *others: Thing, rivals: tuple[Thing, ...] = ()) -> dict[str, Answer]:
    around = Around(
        own=own, others=others, rivals=rivals, days_between=lambda start, end: (end - start).days, money=lambda minor: f"{minor / 100:.2f}"
    )
    return {answer.pass_id: answer for answer in why_not(PASSES, around)}


OWN = thing(1, population=1)


@pytest.mark.parametrize(
    ("other", "criterion", "sentence"),
    [
        ({"days": 4}, "days", "Reference and amount equal, 4 business days apart, the rule allows 1"),
        ({"minor": 970}, "amount", "Reference equal, but the amounts differ: 10.00 here, 9.70 there"),
        ({"reference": "INV-1023"}, "reference", "No shared reference: nearest is INV-1023, one sign differs"),
        ({"reference": "INV-1042"}, "reference", "No shared reference: nearest is INV-1042, two signs differ"),
        ({"reference": "XYZ-777777"}, "reference", "No shared reference"),
    ],
)
def test_nearest_candidate_says_the_first_criterion_that_it_fails(other: dict[str, Any], criterion: str, sentence: str) -> None:
    answer = answers(OWN, thing(2, **other))["reference"]
    assert (answer.criterion, answer.sentence, answer.nearest) == (criterion, sentence, 2)


def test_several_candidates_are_nobodys_and_neither_is_one_that_others_want() -> None:
    several = answers(OWN, thing(2), thing(3), thing(4))["reference"]
    assert (several.criterion, several.sentence) == ("tie", "Three candidates, so nobody's")
    wanted = answers(OWN, thing(2), rivals=(thing(5, population=1),))["reference"]
    assert wanted.criterion == "tie"
    assert "it fits INV-1024 too" in wanted.sentence


def test_passes_that_only_suggest_say_so_and_a_group_tells_both_sums() -> None:
    found = answers(OWN, thing(2, reference=""))
    assert found["window"].sentence.endswith("but this pass only suggests")
    group = answers(OWN, thing(2, minor=400), thing(3, minor=500))["group"]
    assert group.sentence == "Reference equal, one here sums to 10.00, two there to 9.00"


def test_block_wants_references_alike_as_well() -> None:
    found = answers(thing(1, population=1, party="Halden"), thing(2, reference="INV-1042", party="halden"))["alike"]
    assert found.sentence == "Amount and counterparty equal, but the references differ: INV-1024 here, INV-1042 there"
    part = answers(OWN, thing(2, minor=400, days=9, reference=""))["subset"]
    assert part.sentence == "Could be a part of it, 9 business days apart, the rule allows 5"


def test_nothing_around_is_said_as_nothing() -> None:
    assert {answer.criterion for answer in answers(OWN).values()} == {"none"}


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from(["INV-1024", "INV-1042", ""]), st.integers(-6, 6)), max_size=6), st.randoms())
def test_order_of_the_candidates_is_no_matter(found: list[tuple[int, str, int]], order: Any) -> None:
    others = [thing(pk, minor=1000 + minor, reference=ref, days=days) for pk, (minor, ref, days) in enumerate(found, start=2)]
    shuffled = list(others)
    order.shuffle(shuffled)
    assert answers(OWN, *others) == answers(OWN, *shuffled)


def side(minor: int = 183_742, *, key: str = "INV1024", party: str = "Halden", days: int = 0) -> Side:
    return Side(signed_minor=minor, item_date=DAY + timedelta(days=days), match_key=key, counterparty=party)


def test_agreement_on_a_rare_amount_weighs_more_and_the_waterfall_says_so() -> None:
    rare = reasons_between(side(), side(), frequencies=Frequencies(items=5000))
    common = reasons_between(side(), side(), frequencies=Frequencies(items=5000, same_amount=400))
    assert log_odds(rare) - log_odds(common) > 4
    assert "amount equal (400 with this amount in 90 days)" in waterfall(common)
    assert log_odds(rare) == Decimal(-6) + sum(reason.points for reason in rare)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-40, 40), st.sampled_from(["INV1024", "INV1042", "", "OTHER99"]))
def test_score_is_a_likelihood_that_rises_with_what_agrees(ours: int, theirs: int, days: int, key: str) -> None:
    score = score_of(reasons_between(side(ours), side(theirs, key=key, days=days)))
    best = score_of(reasons_between(side(ours), side(ours)))
    assert 1 <= score <= best <= 99


def test_precision_is_vouched_for_by_its_count() -> None:
    assert wilson_lower(right=0, decided=0) == 0.0
    assert wilson_lower(right=10, decided=10) < 0.75
    assert wilson_lower(right=3840, decided=3840) >= 0.999
    bins = calibrated([(95, True)] * 99 + [(91, False)] + [(12, False)])
    assert [(one.low, one.high, one.decided, one.right) for one in bins if one.decided] == [(10, 19, 1, 0), (90, 100, 100, 99)]
    assert bins[-1].said.startswith("99 of 100 decided with a score of 90 to 100 were right: at least 94.")


@given(st.integers(0, 200), st.integers(0, 200))
def test_lower_bound_lies_below_the_share(right: int, wrong: int) -> None:
    if right + wrong:
        assert 0 <= wilson_lower(right=right, decided=right + wrong) <= right / (right + wrong) + 1e-12
