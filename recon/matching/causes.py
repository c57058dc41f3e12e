"""What a difference between two amounts that should agree suggests: plain arithmetic, and the values that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recon.matching.rules import Tariff

# A power of ten beyond this is no slip of the decimal point.
SHIFTS_MAX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why two amounts may differ. `kind` is fee, transposed, decimal_shift, doubled, halved, sign or unexplained."""

    kind: str
    rests_on: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a break stores it; amounts are text, since they may be larger than JSON's numbers are exact."""
        return {"kind": self.kind, **self.rests_on}


KINDS = ("fee", "transposed", "decimal_shift", "doubled", "halved", "sign", "unexplained")


def cause_of(*, ledger_minor: int, statement_minor: int, tariffs: Sequence[Tariff] = ()) -> Cause:
    """Return what the amounts of a pair suggest, the most telling first; they are signed, positive where value came in.

    An exact fee of a tariff is known beforehand and outweighs a pattern of digits, which comes about by chance more easily.
    """
    amounts = {"ledger_minor": str(ledger_minor), "statement_minor": str(statement_minor)}
    if ledger_minor and ledger_minor == -statement_minor:
        return Cause(kind="sign", rests_on=amounts)
    if ledger_minor * statement_minor > 0 and ledger_minor != statement_minor:
        ours, theirs = abs(ledger_minor), abs(statement_minor)
        for found in (
            _fee(ours, theirs, tariffs),
            _shift(ours, theirs),
            _times_two(ours, theirs),
            _transposed(ours, theirs),
        ):
            if found is not None:
                return Cause(kind=found.kind, rests_on={**amounts, **found.rests_on})
    return Cause(kind="unexplained", rests_on=amounts)


def _fee(ours: int, theirs: int, tariffs: Sequence[Tariff]) -> Cause | None:
    """Find a tariff whose charge on the larger amount is the difference; two that fit are both named, since neither is the better."""
    gross, net = max(ours, theirs), min(ours, theirs)
    fitting = sorted((one for one in tariffs if one.fee_of(gross) == gross - net), key=lambda one: one.code)
    if not fitting:
        return None
    return Cause(
        kind="fee",
        rests_on={
            "tariffs": [one.code for one in fitting],
            "names": [one.name for one in fitting],
            "of_minor": str(gross),
            "fee_minor": str(gross - net),
        },
    )


def _shift(ours: int, theirs: int) -> Cause | None:
    larger, smaller = max(ours, theirs), min(ours, theirs)
    for places in range(1, SHIFTS_MAX + 1):
        if smaller * 10**places == larger:
            return Cause(kind="decimal_shift", rests_on={"places": places})
    return None


def _times_two(ours: int, theirs: int) -> Cause | None:
    if theirs == 2 * ours:
        return Cause(kind="doubled")
    return Cause(kind="halved") if ours == 2 * theirs else None


def _transposed(ours: int, theirs: int) -> Cause | None:
    """Find two digits that changed places: the difference is divisible by nine, and all other digits stand where they stood."""
    left, right = str(ours), str(theirs)
    if (ours - theirs) % 9 or len(left) != len(right):
        return None
    places = [n for n, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
    if len(places) != 2:
        return None
    first, second = places
    if (left[first], left[second]) != (right[second], right[first]):
        return None
    return Cause(kind="transposed", rests_on={"digits": [left[first], left[second]], "adjacent": second == first + 1})
