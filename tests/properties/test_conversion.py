"""Conversions: whatever the quote, every leg is whole, each asset balances and the residue is in rounding."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.conversion import Amounts, ConversionRefused, Quote, Rounding, amounts_of

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
RATES = st.one_of(
    st.integers(1, 10**6).map(str),
    st.decimals(min_value="0.000001", max_value="100000", places=6).map(lambda rate: f"{rate:f}"),
)
QUOTES = st.builds(
    Quote,
    quote_id=st.just("Q-1"),
    rate=RATES,
    quoted_at=st.just(AT),
    sold_minor=st.one_of(st.integers(1, 10**6), st.integers(1, 10**22)),
    sold_scale=st.sampled_from([0, 2, 6, 18]),
    bought_scale=st.sampled_from([0, 2, 6, 18]),
    spread_bps=st.integers(0, 9_999),
    rounding=st.sampled_from(Rounding),
)


def quote(rate: str = "1.0842", sold: int = 100_00, **changes: object) -> Quote:
    values: dict[str, object] = {"spread_bps": 50, "sold_scale": 2, "bought_scale": 2, **changes}
    return Quote(quote_id="Q-1", rate=rate, quoted_at=AT, sold_minor=sold, **values)  # type: ignore[arg-type]


def holds_together(amounts: Amounts) -> None:
    assert all(type(value) is int and value >= 0 for value in amounts.as_parameters().values())
    assert amounts.sold_amount == amounts.sold_position_amount + amounts.spread_amount
    assert amounts.bought_position_amount + amounts.rounding_loss == amounts.bought_amount + amounts.rounding_gain
    assert not (amounts.rounding_gain and amounts.rounding_loss)


@settings(max_examples=300, deadline=None)
@given(asked=QUOTES)
def test_a_quoted_spread_leaves_whole_legs_that_balance_it(asked: Quote) -> None:
    try:
        amounts = amounts_of(asked)
    except ConversionRefused as refusal:
        assert refusal.field == "sold_amount", "only what is too little or too much is refused"  # noqa: PT017 (either is right)
        return
    holds_together(amounts)
    exact = amounts.sold_position_amount * Fraction(asked.rate) * Fraction(10) ** (asked.bought_scale - asked.sold_scale)
    assert abs(amounts.bought_position_amount - exact) <= Fraction(1, 2), "the position is at the rate"
    assert amounts.rounding_gain + amounts.rounding_loss <= 1, "rounding holds no more than a minor unit"
    assert amounts.spread_amount * 10_000 <= asked.sold_minor * (asked.spread_bps or 0), "a spread never takes more than agreed"
    if asked.rounding is Rounding.DOWN:
        assert amounts.bought_amount <= exact


@settings(max_examples=300, deadline=None)
@given(asked=QUOTES, bought=st.integers(1, 10**22))
def test_an_agreed_amount_is_paid_to_the_last_unit_it(asked: Quote, bought: int) -> None:
    agreed = Quote(
        quote_id=asked.quote_id, rate=asked.rate, quoted_at=AT, sold_minor=asked.sold_minor, sold_scale=asked.sold_scale,
        bought_scale=asked.bought_scale, bought_minor=bought,
    )  # fmt: skip
    try:
        amounts = amounts_of(agreed)
    except ConversionRefused as refusal:
        assert refusal.field in {"sold_amount", "bought_amount"}  # noqa: PT017 (either is right)
        return
    holds_together(amounts)
    assert (amounts.sold_amount, amounts.bought_amount) == (asked.sold_minor, bought)


@pytest.mark.parametrize(
    ("rule", "bought", "gain", "loss"), [(Rounding.DOWN, 12, 0, 0), (Rounding.HALF_EVEN, 12, 0, 0), (Rounding.HALF_UP, 13, 0, 1)]
)
def test_a_half_goes_where_the_rule_says_it(rule: Rounding, bought: int, gain: int, loss: int) -> None:
    amounts = amounts_of(quote("1.25", 10, spread_bps=0, rounding=rule))
    assert (amounts.bought_amount, amounts.rounding_gain, amounts.rounding_loss) == (bought, gain, loss)


def test_the_decimals_of_both_assets_count_it() -> None:
    yen = amounts_of(quote("156.37", 10_000_00, bought_scale=0))
    assert (yen.spread_amount, yen.sold_position_amount) == (50_00, 9_950_00)
    assert yen.bought_amount == int(Decimal(9950) * Decimal("156.37"))


@pytest.mark.parametrize("rate", ["", "0", "0.0", "-1", "1e3", "1,08", "NaN", " 1.08", "\uff11.08", "1.", ".5", "1" * 19, 1.08, None])
def test_a_rate_is_a_plain_decimal_it(rate: object) -> None:
    with pytest.raises(ConversionRefused) as refused:
        amounts_of(quote(rate))  # type: ignore[arg-type]
    assert refused.value.field == "rate"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spread_bps": None}, "spread_bps"),
        ({"bought_minor": 1}, "spread_bps"),
        ({"spread_bps": 10_000}, "spread_bps"),
        ({"spread_bps": None, "bought_minor": 108_43}, "bought_amount"),
        ({"spread_bps": None, "bought_minor": 0}, "bought_amount"),
    ],
)
def test_it_names_what_is_wrong(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ConversionRefused) as refused:
        amounts_of(quote(**changes))  # type: ignore[arg-type]
    assert refused.value.field == field
