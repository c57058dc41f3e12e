"""The best pairs of several: maximum weight on small connected parts of a graph of candidates, with whether it is the only best.

A best that is not the only one is nobody's: which of two equal ones is chosen would hang on the order in which they were looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIDE_MAX = 50
NOTHING = 0
_FAR = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A connected part of the graph. `pairs` are the best ones, ascending; none where the part is too large to be solved.

    `unique` says that no other choice weighs as much.
    """

    lefts: tuple[int, ...]
    rights: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    weight: int
    unique: bool

    @property
    def solved(self) -> bool:
        return max(len(self.lefts), len(self.rights)) <= SIDE_MAX


def best_pairs(weights: Mapping[tuple[int, int], int]) -> list[Component]:
    """Return every connected part of a graph of left and right nodes with its best pairs; what has no weight above zero never pairs."""
    edges = {pair: weight for pair, weight in weights.items() if weight > NOTHING}
    return [_solved(lefts, rights, edges) for lefts, rights in _parts(edges)]


def _parts(edges: Mapping[tuple[int, int], int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the connected parts, by their smallest left node."""
    of_left: dict[int, list[int]] = {}
    of_right: dict[int, list[int]] = {}
    for left, right in sorted(edges):
        of_left.setdefault(left, []).append(right)
        of_right.setdefault(right, []).append(left)
    parts, seen = [], set()
    for start in of_left:
        if start in seen:
            continue
        lefts, rights, waiting = {start}, set(), [start]
        while waiting:
            for right in of_left[waiting.pop()]:
                if right not in rights:
                    rights.add(right)
                    waiting.extend(other for other in of_right[right] if other not in lefts)
                    lefts.update(of_right[right])
        seen |= lefts
        parts.append((tuple(sorted(lefts)), tuple(sorted(rights))))
    return parts


def _solved(lefts: tuple[int, ...], rights: tuple[int, ...], edges: Mapping[tuple[int, int], int]) -> Component:
    if max(len(lefts), len(rights)) > SIDE_MAX:
        return Component(lefts=lefts, rights=rights, pairs=(), weight=0, unique=False)
    size = max(len(lefts), len(rights))
    # What is no edge weighs nothing: to be paired there is to stay alone.
    table = [
        [
            edges.get((lefts[row], rights[column]), NOTHING) if row < len(lefts) and column < len(rights) else NOTHING
            for column in range(size)
        ]
        for row in range(size)
    ]
    column_of, slack = _hungarian(table)
    chosen = [(row, column) for row, column in enumerate(column_of) if table[row][column] > NOTHING]
    return Component(
        lefts=lefts,
        rights=rights,
        pairs=tuple(sorted((lefts[row], rights[column]) for row, column in chosen)),
        weight=sum(table[row][column] for row, column in chosen),
        unique=_is_unique(table, column_of, slack),
    )


def _hungarian(table: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Return for each row of a square table the column of the heaviest choice, and by how much each place falls short of its prices.

    Rows are taken in one by one along the shortest augmenting path; row and column 0 of the work stand for none.
    """
    size = len(table)
    row_price, column_price = [0] * (size + 1), [0] * (size + 1)
    row_at = [0] * (size + 1)
    for row in range(1, size + 1):
        row_at[0] = row
        came_from = _augmented(table, row_at, row_price, column_price)
        column = came_from.pop()
        while column:
            before = came_from[column]
            row_at[column] = row_at[before]
            column = before
    column_of = [0] * size
    for column in range(1, size + 1):
        column_of[row_at[column] - 1] = column - 1
    slack = [[-table[row][column] - row_price[row + 1] - column_price[column + 1] for column in range(size)] for row in range(size)]
    return column_of, slack


def _augmented(table: Sequence[Sequence[int]], row_at: list[int], row_price: list[int], column_price: list[int]) -> list[int]:
    """Search a path from the row at column 0 to a free column, adjusting prices; return where each column was come from, the end last."""
    size = len(table)
    least, used, came_from = [_FAR] * (size + 1), [False] * (size + 1), [0] * (size + 1)
    column = 0
    while True:
        used[column] = True
        row, step, following = row_at[column], _FAR, 0
        for other in range(1, size + 1):
            if used[other]:
                continue
            short = -table[row - 1][other - 1] - row_price[row] - column_price[other]
            if short < least[other]:
                least[other], came_from[other] = short, column
            if least[other] < step:
                step, following = least[other], other
        for other in range(size + 1):
            if used[other]:
                row_price[row_at[other]] += step
                column_price[other] -= step
            else:
                least[other] -= step
        column = following
        if row_at[column] == 0:
            return [*came_from, column]


def _is_unique(table: Sequence[Sequence[int]], column_of: Sequence[int], slack: Sequence[Sequence[int]]) -> bool:
    """Return whether no other choice of pairs weighs as much.

    Another best one differs by a circle of places without slack; a circle that neither gives up a pair nor takes one is no difference.
    """
    size = len(table)
    row_of = {column: row for row, column in enumerate(column_of)}
    steps = [[row_of[column] for column in range(size) if not slack[row][column] and column != column_of[row]] for row in range(size)]
    reach = [_reached(row, steps) for row in range(size)]
    for row in range(size):
        if row in reach[row] and table[row][column_of[row]] > NOTHING:
            return False
        for other in steps[row]:
            if row in reach[other] and table[row][column_of[other]] > NOTHING:
                return False
    return True


def _reached(start: int, steps: Sequence[Sequence[int]]) -> set[int]:
    reached: set[int] = set()
    waiting = list(steps[start])
    while waiting:
        row = waiting.pop()
        if row not in reached:
            reached.add(row)
            waiting.extend(steps[row])
    return reached
