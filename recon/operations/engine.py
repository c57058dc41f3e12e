"""The engine: what the passes of a set of rules choose, tried without writing, or written as matches by the one writer there is."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F

from audit.operations import record_event
from recon.matching.rules import MATCHING, Pass, Rules
from recon.models import Reconciliation, RulesVersion, Run, RunPass
from recon.operations import selecting
from recon.operations.selecting.relation import execute, rows

# Passes share a transaction while they match no more items than this: what is done again if it is lost stays little.
TOGETHER_MAX = 2000

# What all passes say of a match in one way: who, by what, and how much of which population.
_NAMED = """
CREATE TEMP TABLE recon_named ON COMMIT DROP AS
SELECT g.grp, uuidv7() AS match_id, %(pass)s::jsonb || g.said AS said
FROM recon_chosen_group g ORDER BY g.grp
"""
_NAMED_IN_FULL = """
CREATE TEMP TABLE recon_named ON COMMIT DROP AS
SELECT g.grp, uuidv7() AS match_id, %(pass)s::jsonb || g.said || jsonb_build_object('populations', p.told) AS said
FROM recon_chosen_group g JOIN (
    SELECT grp, jsonb_object_agg(name, items) AS told FROM (
        SELECT c.grp, p.name, count(*) AS items FROM recon_chosen c JOIN recon_free f ON f.id = c.item
        JOIN recon_population p ON p.id = f.population GROUP BY c.grp, p.name) each
    GROUP BY grp) p ON p.grp = g.grp
ORDER BY g.grp
"""
_MATCHES = """
INSERT INTO recon_match (id, reconciliation_id, method, run_id, rules_version, pass_id, explanation, made_at)
SELECT match_id, %(reconciliation)s, 'rule', %(run)s, %(version)s, %(pass_id)s, said, clock_timestamp() FROM recon_named
"""
_ALLOCATIONS = """
INSERT INTO recon_allocation (match_id, item_id, amount_minor, partial)
SELECT n.match_id, c.item, c.amount, c.partial FROM recon_chosen c JOIN recon_named n ON n.grp = c.grp ORDER BY c.item
"""
_TAKEN = "UPDATE recon_item i SET open_minor = i.open_minor - c.amount FROM recon_chosen c WHERE c.item = i.id"
_SUGGESTIONS = """
INSERT INTO recon_suggestion (reconciliation_id, run_id, pass_id, kind, items, score, ways, explanation, state)
SELECT %(reconciliation)s, %(run)s, %(pass_id)s, %(kind)s, c.items, 0, 1, n.said, 'open'
FROM recon_named n JOIN (SELECT grp, array_agg(item ORDER BY item) AS items FROM recon_chosen GROUP BY grp) c ON c.grp = n.grp
ORDER BY n.grp
ON CONFLICT DO NOTHING
"""

# A live break whose items have all found their match is explained.
_RESOLVE = """
WITH explained AS (
    SELECT b.id, (
        SELECT a.match_id FROM recon_allocation a
        WHERE a.revoked_at IS NULL AND a.item_id IN (b.ledger_item_id, b.statement_item_id) ORDER BY a.id DESC LIMIT 1) AS match_id
    FROM recon_break b
    WHERE b.reconciliation_id = %(reconciliation)s AND b.state <> 'resolved' AND b.type NOT IN ('stale_feed', 'chain_reorg')
      AND NOT EXISTS (SELECT 1 FROM recon_item i WHERE i.id IN (b.ledger_item_id, b.statement_item_id) AND i.open))
UPDATE recon_break b SET state = 'resolved', resolved_by_id = e.match_id, resolved_at = clock_timestamp(), version = b.version + 1
FROM explained e WHERE e.id = b.id
"""


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


# What is open now and says the same as an item that a pass matched, of the same population: with it there, that pass would have found a
# tie. What a break has told already has been looked at.
_CHALLENGES = """
WITH fresh AS MATERIALIZED (
    SELECT i.id, i.population_id, i.match_key, i.amount_minor, i.flow FROM recon_left i
    WHERE i.match_key <> ''
      AND NOT EXISTS (SELECT FROM recon_break b WHERE b.ledger_item_id = i.id)
      AND NOT EXISTS (SELECT FROM recon_break b WHERE b.statement_item_id = i.id))
INSERT INTO recon_match_challenge (match_id, item_id, run_id, raised_at, verdict)
SELECT DISTINCT m.id, f.id, %(run)s::uuid, clock_timestamp(), ''
FROM fresh f
JOIN recon_item o ON o.reconciliation_id = %(reconciliation)s AND o.match_key = f.match_key AND o.amount_minor = f.amount_minor
 AND o.population_id = f.population_id AND o.flow = f.flow AND o.open_minor = 0
JOIN recon_allocation a ON a.item_id = o.id AND a.revoked_at IS NULL
JOIN recon_match m ON m.id = a.match_id AND m.method = 'rule' AND m.made_at > clock_timestamp() - interval '90 days' AND m.run_id <> %(run)s
ON CONFLICT DO NOTHING
RETURNING match_id
"""


def challenge(*, run: Run) -> int:
    """Raise a challenge of every automatic match of the last 90 days that what is open now (`leftover`) would have made ambiguous."""
    if not Run.objects.filter(reconciliation=run.reconciliation_id, matches_made__gt=0).exclude(pk=run.pk).exists():
        return 0
    parameters = {"reconciliation": run.reconciliation_id, "run": run.pk}
    challenged = [match for (match,) in rows(_CHALLENGES, parameters)]
    for match in sorted(set(challenged)):
        record_event("recon.match.challenged", target_type="recon.match", target_id=match, after={"run": run.pk})
    if challenged:
        Run.objects.filter(pk=run.pk).update(challenges_raised=F("challenges_raised") + len(challenged))
    return len(challenged)


def try_rules(
    *,
    reconciliation: Reconciliation,
    rules: Rules,
    since: date | None,
    decided: bool,
    at_pass: Callable[[int, str], object] | None = None,
) -> Trial:
    """Return what rules would match of the items that are open, and write nothing.

    With `decided`, what was matched since that day (ever, where there is none) counts as open as well.
    `at_pass` is told how many passes are done and which one begins.
    """
    groups: list[TrialGroup] = []
    suggested: list[TrialGroup] = []
    with transaction.atomic():
        scene = selecting.scene_of(reconciliation)
        free = selecting.prepare(scene, since=since, decided=decided)
        for done, one in enumerate(one for one in rules.passes if one.kind in MATCHING):
            if at_pass is not None:
                at_pass(done, one.name)
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


def take_pass(
    *, run: Run, version: RulesVersion, rules: Rules, one: Pass, position: int, automatic: bool, follows: bool = False
) -> RunPass:
    """Carry out one pass inside the caller's transaction: matches where it is automatic, else suggestions, and its row of the funnel.

    One that `follows` another in this transaction, which matched no more than `TOGETHER_MAX` items, sees what that one left free.
    """
    started = time.monotonic()
    scene = selecting.scene_of(run.reconciliation)
    free = selecting.left_free() if follows else selecting.prepare(scene)
    selecting.choose(scene, one, rules)
    ((groups, items),) = rows("SELECT (SELECT count(*) FROM recon_chosen_group), (SELECT count(*) FROM recon_chosen)")
    if groups:
        _name(scene, one)
    parameters = {
        "reconciliation": scene.reconciliation_id,
        "run": run.pk,
        "version": version.number,
        "pass_id": one.id,
        "kind": one.kind,
    }
    done = RunPass(run=run, position=position, pass_id=one.id, kind=one.kind, name=one.name, automatic=automatic, left_open=free)
    resolved = 0
    if automatic and groups:
        execute(_MATCHES, parameters)
        execute(_ALLOCATIONS)
        execute(_TAKEN)
        resolved = execute(_RESOLVE, parameters)
        done.matches, done.items = groups, items
        done.left_open = (
            free - rows("SELECT count(*) FROM recon_chosen c JOIN recon_free f ON f.id = c.item AND f.left_minor = c.amount")[0][0]
        )
        if items <= TOGETHER_MAX:
            selecting.take_chosen()
    elif groups:
        done.suggestions = execute(_SUGGESTIONS, parameters)
    done.took_ms = round((time.monotonic() - started) * 1000)
    done.save(force_insert=True)
    Run.objects.filter(pk=run.pk).update(
        matches_made=F("matches_made") + done.matches,
        suggestions_made=F("suggestions_made") + done.suggestions,
        breaks_resolved=F("breaks_resolved") + resolved,
        items_done=F("items_done") + free - done.left_open,
    )
    return done


def _name(scene: selecting.Scene, one: Pass) -> None:
    """Give every chosen group the id of its match and the whole of what explains it."""
    said: dict[str, object] = {"pass": one.id, "kind": one.kind, "name": one.name, "days_allowed": one.days}
    if one.absolute_minor:
        said["absolute_minor"] = one.absolute_minor
    if one.percent:
        said["percent"] = format(one.percent, "f")
    one_each = one.kind in ("key", "attribute", "window", "tolerance")
    if one_each:
        said["populations"] = dict.fromkeys(scene.names.values(), 1)
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_named")
    execute(_NAMED if one_each else _NAMED_IN_FULL, {"pass": json.dumps(said)})
    execute("ANALYZE recon_named")
