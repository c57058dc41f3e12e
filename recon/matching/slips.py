"""Whether two references are one, mistyped. Neighbouring numbers are two references, however little they differ."""

# References so short differ by too little to tell a slip from another one.
LENGTH_MIN = 6
_ALIKE = str.maketrans("OQILSBZG", "00115826")


def mistyped(one: str, other: str) -> bool:
    """Return whether two references in their normal form are one: told within the other, or a slip of the hand apart.

    Slips are: letters read for digits or the other way round, two neighbouring signs swapped, one left out or typed twice within, one
    letter in place of a digit. A digit in place of another is no slip: that is how the next invoice is numbered.
    """
    if min(len(one), len(other)) < LENGTH_MIN:
        return False
    short, long = sorted((one, other), key=len)
    if one.translate(_ALIKE) == other.translate(_ALIKE) or _told_within(short, long):
        return True
    if len(long) == len(short):
        return _swapped_or_lettered(short, long)
    return len(long) == len(short) + 1 and _left_out(short, long)


def _told_within(short: str, long: str) -> bool:
    """A number that goes on is another number."""
    at = long.find(short)
    if at < 0:
        return False
    before, after = long[at - 1 : at], long[at + len(short) :][:1]
    return not (before.isdigit() and short[0].isdigit()) and not (after.isdigit() and short[-1].isdigit())


def _swapped_or_lettered(one: str, other: str) -> bool:
    apart = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(apart) == 1:
        return one[apart[0]].isdigit() != other[apart[0]].isdigit()
    if len(apart) != 2 or apart[1] != apart[0] + 1:
        return False
    n = apart[0]
    return (one[n], one[n + 1]) == (other[n + 1], other[n])


def _left_out(short: str, long: str) -> bool:
    """The first and the last sign stand: what is added at an end is another reference."""
    return any(long[:n] + long[n + 1 :] == short for n in range(1, len(long) - 1)) and short[0] == long[0] and short[-1] == long[-1]
