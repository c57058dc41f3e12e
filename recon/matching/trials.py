"""What trying rules says beside what has been decided: groups that come, that go, and that contradict a person."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SHOWN = 50
ADDED, LOST, CONTRADICTING, SAME = "added", "lost", "contradicting", "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A match as it stands, or stood until a person undid it. `by_person` where a person made it, or approved what it rests on."""

    items: frozenset[int]
    match_id: str
    pass_id: str = ""
    by_person: bool = False
    undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of items beside what was decided; `why` says which decision it contradicts, `match_id` names that match or the lost one."""

    pass_id: str
    items: tuple[int, ...]
    why: str = ""
    match_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOutcome:
    """How the groups of one pass stand beside what was decided."""

    pass_id: str
    same: int = 0
    added: int = 0
    lost: int = 0
    contradicting: int = 0
    suggested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Rules beside decisions: the numbers of each pass, and the groups by what they are, all of them."""

    passes: Sequence[PassOutcome]
    groups: Mapping[str, Sequence[Group]] = field(default_factory=dict)
    left_to_people: int = 0

    def count(self, what: str) -> int:
        return sum(getattr(one, what) for one in self.passes)


def beside_decisions(
    groups: Iterable[tuple[str, Collection[int]]],
    *,
    decided: Sequence[Decided],
    refused_pairs: Collection[tuple[int, int]],
    automatic: Collection[str],
    order: Sequence[str],
) -> Outcome:
    """Return how groups of passes stand beside what was decided.

    `automatic` are the passes that match by themselves, `order` all passes as they run. A group is the same as a match that holds just
    its items; it contradicts a person where it takes items out of a match of theirs, makes again what they undid, or joins two items
    that they said never to match. A match of the rules that no group makes again is lost. A person's match that no pass finds stays theirs.
    """
    standing = {one.items: one for one in decided if not one.undone}
    undone = {one.items: one for one in decided if one.undone}
    persons = {item: one for one in decided if one.by_person and not one.undone for item in one.items}
    found: dict[str, list[Group]] = {ADDED: [], LOST: [], CONTRADICTING: []}
    counts: dict[str, dict[str, int]] = {pass_id: dict.fromkeys((SAME, ADDED, LOST, CONTRADICTING, "suggested"), 0) for pass_id in order}
    made = set()
    for pass_id, ids in groups:
        items = frozenset(ids)
        count = counts.setdefault(pass_id, dict.fromkeys((SAME, ADDED, LOST, CONTRADICTING, "suggested"), 0))
        if pass_id not in automatic:
            count["suggested"] += 1
            continue
        made.add(items)
        if items in standing:
            count[SAME] += 1
            continue
        what, group = _placed(pass_id, items, undone=undone, persons=persons, refused_pairs=refused_pairs)
        count[what] += 1
        found[what].append(group)
    for one in standing.values():
        if one.items not in made and not one.by_person:
            counts.setdefault(one.pass_id, dict.fromkeys((SAME, ADDED, LOST, CONTRADICTING, "suggested"), 0))[LOST] += 1
            found[LOST].append(Group(pass_id=one.pass_id, items=tuple(sorted(one.items)), match_id=one.match_id))
    return Outcome(
        passes=[PassOutcome(pass_id=pass_id, **numbers) for pass_id, numbers in counts.items()],
        groups={what: sorted(groups, key=lambda group: group.items) for what, groups in found.items()},
        left_to_people=sum(one.by_person and one.items not in made for one in standing.values()),
    )


def _placed(
    pass_id: str,
    items: frozenset[int],
    *,
    undone: Mapping[frozenset[int], Decided],
    persons: Mapping[int, Decided],
    refused_pairs: Collection[tuple[int, int]],
) -> tuple[str, Group]:
    members = tuple(sorted(items))
    if items in undone:
        return CONTRADICTING, Group(pass_id=pass_id, items=members, why="a person undid just this match", match_id=undone[items].match_id)
    touched = next((persons[item] for item in members if item in persons), None)
    if touched is not None:
        return CONTRADICTING, Group(
            pass_id=pass_id, items=members, why="a person matched one of these otherwise", match_id=touched.match_id
        )
    if any(left in items and right in items for left, right in refused_pairs):
        return CONTRADICTING, Group(pass_id=pass_id, items=members, why="a person said that two of these never match")
    return ADDED, Group(pass_id=pass_id, items=members)
