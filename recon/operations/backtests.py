"""Trying rules on a reconciliation's items, and holding what comes of it against what has been decided. Nothing is written."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from recon import rule_queries
from recon.matching.rules import Rules
from recon.matching.trials import ADDED, CONTRADICTING, LOST, SHOWN, Decided, Group, Outcome, beside_decisions
from recon.models import Reconciliation
from recon.operations.engine import try_rules


def back_test(
    *,
    reconciliation: Reconciliation,
    rules: Rules,
    since: date | None,
    decided: bool,
    at_pass: Callable[[int, str], object] | None = None,
) -> Outcome:
    """Return what rules make of everything open, and with `decided` of what was matched since a day as well, as if it were open.

    `at_pass` is told how many passes are done and which one begins.
    """
    trial = try_rules(reconciliation=reconciliation, rules=rules, since=since, decided=decided, at_pass=at_pass)
    known: list[Decided] = rule_queries.decided_since(reconciliation, since=since) if decided else []
    return beside_decisions(
        [(group.pass_id, group.items) for group in (*trial.groups, *trial.suggested)],
        decided=known,
        refused_pairs=rule_queries.refused_pairs_of(reconciliation),
        automatic={one.id for one in rules.passes if one.automatic},
        order=[one.id for one in rules.passes],
    )


def summary_of(outcome: Outcome, *, since: date | None) -> dict[str, Any]:
    """Return what a back-test said as it is kept with the version: the numbers of each pass, and the first groups of each kind."""
    passes = [
        {
            "id": one.pass_id,
            "same": one.same,
            "added": one.added,
            "lost": one.lost,
            "contradicting": one.contradicting,
            "suggested": one.suggested,
        }
        for one in outcome.passes
    ]
    return {
        "since": since.isoformat() if since else "",
        "passes": passes,
        "left_to_people": outcome.left_to_people,
        "groups": {what: [_kept(group) for group in outcome.groups[what][:SHOWN]] for what in (ADDED, LOST, CONTRADICTING)},
    }


def _kept(group: Group) -> Mapping[str, Any]:
    return {"pass": group.pass_id, "items": [str(item) for item in group.items], "why": group.why, "match": group.match_id}
