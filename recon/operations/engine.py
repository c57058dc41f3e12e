"""The engine: what the passes of a set of rules choose, tried without writing, or written as matches by the one writer there is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from recon.matching.rules import MATCHING, Rules
from recon.models import Reconciliation
from recon.operations import selecting


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialGroup:
    """What a pass would match: item ids in ascending order."""

    pass_id: str
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What rules would do. `groups` are what automatic passes would match, `suggested` what the others would show a person.

    `matches`, by pass, counts the groups of both; `free` is how many items there were to try on, `left` how many the automatic
    passes left open.
    """

    groups: tuple[TrialGroup, ...]
    suggested: tuple[TrialGroup, ...]
    matches: Mapping[str, int]
    free: int
    left: int


def try_rules(*, reconciliation: Reconciliation, rules: Rules, since: date | None, decided: bool) -> Trial:
    """Return what rules would match of the items that are open, and write nothing.

    With `decided`, what was matched since that day (ever, where there is none) counts as open as well.
    """
    groups: list[TrialGroup] = []
    suggested: list[TrialGroup] = []
    with transaction.atomic():
        scene = selecting.scene_of(reconciliation)
        free = selecting.prepare(scene, since=since, decided=decided)
        for one in rules.passes:
            if one.kind not in MATCHING:
                continue
            selecting.choose(scene, one, rules)
            chosen = [TrialGroup(pass_id=one.id, items=items) for _, items in selecting.chosen_groups()]
            if one.automatic:
                groups += chosen
                selecting.take_chosen()
            else:
                suggested += chosen
        left = selecting.left_free()
    return Trial(
        groups=tuple(groups),
        suggested=tuple(suggested),
        matches=Counter(group.pass_id for group in [*groups, *suggested]),
        free=free,
        left=left,
    )
