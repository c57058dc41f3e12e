"""The smallest explanation of a difference that nothing accounts for: plain arithmetic over the rows of a day, each with what it rests on.

What is found is a hint where to look, never a decision. Two rows that fit equally well are both named, since neither is the better.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from recon.matching.rules import Tariff

# Beyond so many rows pairs are not looked for: among many amounts some two add up to anything.
PAIRED_MAX = 400
# So many rows that fit are named; how many there are in all is said.
NAMED = 3


class Reason(StrEnum):
    """Why a difference may be what it is, the plainest first."""

    ROW = "row"
    WRONG_SIGN = "wrong_sign"
    UNCHANGED = "unchanged"
    TARIFF = "tariff"
    TRANSPOSED = "transposed"
    PAIR = "pair"
    NINE = "nine"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A line, posting or open item of the day. `signed_minor` is positive where value came in; `ref` says which row it is."""

    ref: str
    signed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One explanation. `groups` are the rows that fit, each group by itself; `ways` counts them, also those that are not named.

    `tariffs` are the names of charges that are as much, `written` what a row would say with its digits in their right places.
    """

    reason: Reason
    ways: int = 1
    groups: tuple[tuple[DayRow, ...], ...] = ()
    tariffs: tuple[str, ...] = ()
    written: tuple[int, ...] = ()


def hints_for(
    *, difference_minor: int, rows: Sequence[DayRow], before_minor: int | None = None, tariffs: Sequence[Tariff] = ()
) -> list[Hint]:
    """Return what may explain a difference, the plainest first; nothing for no difference, and nothing where no rule fits.

    `before_minor` is the difference of the day before. That a difference is divisible by nine is said alone only where nothing else fits.
    """
    if not difference_minor:
        return []
    size = abs(difference_minor)
    found = [
        hint
        for hint in (
            _rows(Reason.ROW, rows, lambda row: abs(row.signed_minor) == size),
            _rows(Reason.WRONG_SIGN, rows, lambda row: 2 * abs(row.signed_minor) == size),
            Hint(reason=Reason.UNCHANGED) if before_minor == difference_minor else None,
            _tariff(size, rows, tariffs),
            _transposed(size, rows),
            _pairs(difference_minor, rows),
        )
        if hint is not None
    ]
    if not found and size % 9 == 0:
        return [Hint(reason=Reason.NINE)]
    return found


def _rows(reason: Reason, rows: Sequence[DayRow], fits: Callable[[DayRow], bool]) -> Hint | None:
    fitting = sorted((row for row in rows if fits(row)), key=lambda row: row.ref)
    return Hint(reason=reason, ways=len(fitting), groups=tuple((row,) for row in fitting[:NAMED])) if fitting else None


def _tariff(size: int, rows: Sequence[DayRow], tariffs: Sequence[Tariff]) -> Hint | None:
    """Find charges that are just the difference: on one of the rows, whose amount they may depend on."""
    fitting = [(tariff, row) for tariff in tariffs for row in rows if row.signed_minor and tariff.fee_of(abs(row.signed_minor)) == size]
    if not fitting:
        return None
    named = sorted({tariff.name for tariff, _ in fitting})
    charged = {row.ref: row for _, row in fitting}
    on = [charged[ref] for ref in sorted(charged)]
    return Hint(reason=Reason.TARIFF, ways=len(on), groups=tuple((row,) for row in on[:NAMED]), tariffs=tuple(named))


def _transposed(size: int, rows: Sequence[DayRow]) -> Hint | None:
    """Find rows of which two neighbouring digits, swapped, change the amount by just the difference."""
    if size % 9:
        return None
    fitting = [
        (row, other)
        for row in sorted(rows, key=lambda row: row.ref)
        for other in _swapped(abs(row.signed_minor))
        if _gap(row, other) == size
    ]
    if not fitting:
        return None
    return Hint(
        reason=Reason.TRANSPOSED,
        ways=len(fitting),
        groups=tuple((row,) for row, _ in fitting[:NAMED]),
        written=tuple(other for _, other in fitting[:NAMED]),
    )


def _gap(row: DayRow, other: int) -> int:
    return abs(abs(row.signed_minor) - other)


def _swapped(amount: int) -> Iterator[int]:
    """Yield the amounts that come of swapping two different neighbouring digits; none of them begins with a nought."""
    digits = str(amount)
    for n in range(len(digits) - 1):
        if digits[n] != digits[n + 1] and not (n == 0 and digits[1] == "0"):
            yield int(digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :])


def _pairs(difference: int, rows: Sequence[DayRow]) -> Hint | None:
    """Find two rows that add up to the difference, with its sign or the other one."""
    if len(rows) > PAIRED_MAX:
        return None
    ordered = sorted(rows, key=lambda row: row.ref)
    places: dict[int, list[int]] = {}
    for place, row in enumerate(ordered):
        places.setdefault(row.signed_minor, []).append(place)
    found = sorted(
        {
            (one, other)
            for target in (difference, -difference)
            for one, row in enumerate(ordered)
            for other in places.get(target - row.signed_minor, [])
            if one < other and row.signed_minor and ordered[other].signed_minor
        }
    )
    groups = tuple((ordered[one], ordered[other]) for one, other in found[:NAMED])
    return Hint(reason=Reason.PAIR, ways=len(found), groups=groups) if found else None
