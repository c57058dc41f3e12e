"""How two values differ, character by character, as a person would mark it.

One algorithm does not fit all: the longest common subsequence marks the wrong zero of 18,900 against 18,930. Money is compared position
by position from the right, dates and references of a fixed format from the left, free text by words first and by characters inside words
that resemble each other.
"""

import re
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Literal

from ledgerops.lib import money as amounts

Kind = Literal["equal", "removed", "added"]

# Below this likeness two words are different words: marking single letters that happen to agree would only confuse.
SIMILAR = 0.6


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides in segments, the word for the Result column, and whether the sides differ in substance."""

    left: tuple[Segment, ...]
    right: tuple[Segment, ...]
    result: str

    @property
    def differs(self) -> bool:
        return self.result not in ("equal", "case only")


def aligned(left: str, right: str, *, anchor: Literal["left", "right"] = "left") -> Comparison:
    """Compare position by position: `anchor="right"` for amounts, `"left"` for dates and references of one format."""
    if (early := _settled(left, right)) is not None:
        return early
    shift = len(right) - len(left) if anchor == "right" else 0
    left_marks = [not (0 <= i + shift < len(right) and right[i + shift].casefold() == char.casefold()) for i, char in enumerate(left)]
    right_marks = [not (0 <= i - shift < len(left) and left[i - shift].casefold() == char.casefold()) for i, char in enumerate(right)]
    return Comparison(_segments(left, left_marks, "removed"), _segments(right, right_marks, "added"), _result(left, right))


def text(left: str, right: str) -> Comparison:
    """Compare free text: words without regard to case, then characters inside words that resemble each other."""
    if (early := _settled(left, right)) is not None:
        return early
    left_tokens, right_tokens = _tokens(left), _tokens(right)
    left_marks: list[bool] = []
    right_marks: list[bool] = []
    matcher = SequenceMatcher(
        None, [token.casefold() for token in left_tokens], [token.casefold() for token in right_tokens], autojunk=False
    )
    for tag, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        gone, come = left_tokens[left_from:left_to], right_tokens[right_from:right_to]
        if tag == "equal":
            left_marks += [False] * len("".join(gone))
            right_marks += [False] * len("".join(come))
        elif len(gone) == len(come):
            for one, other in zip(gone, come, strict=True):
                one_marks, other_marks = _within(one, other)
                left_marks += one_marks
                right_marks += other_marks
        else:
            left_marks += [True] * len("".join(gone))
            right_marks += [True] * len("".join(come))
    _bridge(left, left_marks)
    _bridge(right, right_marks)
    return Comparison(_segments(left, left_marks, "removed"), _segments(right, right_marks, "added"), _result(left, right))


def amount(left_minor: int | None, right_minor: int | None, *, scale: int, asset: str) -> Comparison:
    """Compare two amounts of one asset; the result is left minus right with its sign."""
    left = "" if left_minor is None else amounts.grouped(left_minor, scale=scale)
    right = "" if right_minor is None else amounts.grouped(right_minor, scale=scale)
    compared = aligned(left, right, anchor="right")
    if left_minor is None or right_minor is None or left_minor == right_minor:
        return compared
    gap = amounts.grouped(left_minor - right_minor, scale=scale, signed=True)
    return Comparison(compared.left, compared.right, f"{gap} {asset}")


def day(left: date | None, right: date | None) -> Comparison:
    """Compare two dates; the result says how many days later the right one is."""
    compared = aligned(left.isoformat() if left else "", right.isoformat() if right else "")
    if left is None or right is None or left == right:
        return compared
    days = (right - left).days
    sign = "+" if days > 0 else "\u2212"
    return Comparison(compared.left, compared.right, f"{sign}{abs(days)} {'day' if abs(days) == 1 else 'days'}")


def _settled(left: str, right: str) -> Comparison | None:
    """Answer what needs no comparing: equal sides, sides that differ in case only, and a missing side."""
    if left.casefold() == right.casefold():
        return Comparison(
            _segments(left, [False] * len(left), "removed"),
            _segments(right, [False] * len(right), "added"),
            "equal" if left == right else "case only",
        )
    if not left or not right:
        return Comparison(_segments(left, [True] * len(left), "removed"), _segments(right, [True] * len(right), "added"), "missing")
    return None


def _tokens(value: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", value)


def _within(one: str, other: str) -> tuple[list[bool], list[bool]]:
    folded, other_folded = one.casefold(), other.casefold()
    # Some letters fold to two: then positions no longer agree, and the whole word is marked.
    comparable = len(folded) == len(one) and len(other_folded) == len(other)
    if not comparable or SequenceMatcher(None, folded, other_folded, autojunk=False).ratio() < SIMILAR:
        whole = folded != other_folded
        return [whole] * len(one), [whole] * len(other)
    if len(one) == len(other):
        marks = [a != b for a, b in zip(folded, other_folded, strict=True)]
        return marks, list(marks)
    one_marks, other_marks = [True] * len(one), [True] * len(other)
    for block in SequenceMatcher(None, folded, other_folded, autojunk=False).get_matching_blocks():
        one_marks[block.a : block.a + block.size] = [False] * block.size
        other_marks[block.b : block.b + block.size] = [False] * block.size
    return one_marks, other_marks


def _bridge(value: str, marks: list[bool]) -> None:
    """Mark the space between two marked words, so that a changed phrase is one mark."""
    for gap in re.finditer(r"(?<=\S)\s+(?=\S)", value):
        if marks[gap.start() - 1] and marks[gap.end()]:
            marks[gap.start() : gap.end()] = [True] * (gap.end() - gap.start())


def _segments(value: str, marks: list[bool], kind: Kind) -> tuple[Segment, ...]:
    """Join neighbouring characters that are marked alike."""
    segments: list[Segment] = []
    start = 0
    for position in range(1, len(value) + 1):
        if position == len(value) or marks[position] != marks[start]:
            segments.append(Segment(value[start:position], kind if marks[start] else "equal"))
            start = position
    return tuple(segments)


def _result(left: str, right: str) -> str:
    folded, other = left.casefold(), right.casefold()
    if len(folded) == len(other):
        differing = [i for i in range(len(folded)) if folded[i] != other[i]]
        if len(differing) == 2 and differing[1] == differing[0] + 1:
            first, second = differing
            if folded[first] == other[second] and folded[second] == other[first]:
                return "digits swapped" if folded[first].isdigit() and folded[second].isdigit() else "letters swapped"
    return "differs"
