"""What a pass chooses of the free items: one set-based statement for each kind, and what may never be chosen, whatever the kind."""

from recon.matching.rules import Pass, Rules
from recon.matching.slips import mistyped
from recon.operations.selecting.alike import choose_blocks, choose_near, choose_sole, chosen_texts
from recon.operations.selecting.groups import choose_by_group
from recon.operations.selecting.pairs import choose_by_key, choose_contra
from recon.operations.selecting.relation import Scene, clear_chosen, execute, left_free, prepare, rows, scene_of, take_chosen

__all__ = ["Scene", "choose", "chosen_groups", "left_free", "prepare", "scene_of", "take_chosen"]

# Of these a movement has only one: where two items each have one and share none, they are two movements, whatever else agrees.
_UNMISTAKABLE = ("uetr", "tx", "log", "trace", "processor_reference", "transfer", "external")
_DISAGREE = """
DELETE FROM recon_chosen_group WHERE grp IN (
    WITH told AS (
        SELECT c.grp, f.population, split_part(k.told, ':', 1) AS kind, k.told
        FROM recon_chosen c JOIN recon_free f ON f.id = c.item, unnest(f.keys) AS k (told)
        WHERE split_part(k.told, ':', 1) = ANY(%(kinds)s))
    SELECT grp FROM (SELECT grp, kind, told, count(DISTINCT population) AS populations FROM told GROUP BY grp, kind, told) shared
    JOIN (SELECT grp, kind, count(DISTINCT population) AS populations FROM told GROUP BY grp, kind) having_it USING (grp, kind)
    WHERE having_it.populations > 1
    GROUP BY grp, kind HAVING max(shared.populations) = 1)
"""
_REFUSED = """
DELETE FROM recon_chosen_group WHERE grp IN (
    SELECT l.grp FROM recon_refused n JOIN recon_chosen l ON l.item = n.a JOIN recon_chosen r ON r.item = n.b AND r.grp = l.grp)
"""
_DROPPED = "DELETE FROM recon_chosen c WHERE NOT EXISTS (SELECT FROM recon_chosen_group g WHERE g.grp = c.grp)"
_GROUPS = """
SELECT c.grp, array_agg(c.item ORDER BY c.item) FROM recon_chosen c GROUP BY c.grp ORDER BY c.grp
"""


def choose(scene: Scene, one: Pass, rules: Rules) -> None:
    """Fill `recon_chosen` and `recon_chosen_group` with what a pass would match of `recon_free`; a tie is nobody's."""
    clear_chosen()
    match one.kind:
        case "contra":
            choose_contra(scene, one)
        case "key":
            choose_by_key(scene, one)
        case "group":
            choose_by_group(scene, one, rules)
        case "block":
            choose_blocks(scene, one)
        case "attribute" | "window":
            choose_sole(scene, one)
        case "tolerance":
            choose_near(scene, one)
        case _:
            return
    _let_go(one)


def chosen_groups() -> list[tuple[int, tuple[int, ...]]]:
    """Return the groups that were chosen: each one's name with its items in ascending order."""
    return [(int(grp), tuple(items)) for grp, items in rows(_GROUPS)]


def _let_go(one: Pass) -> None:
    """Leave what holds two items that somebody said do not belong together, or that name two movements by what says so best."""
    if not rows("SELECT EXISTS (SELECT FROM recon_chosen_group)")[0][0]:
        return
    execute("ANALYZE recon_chosen; ANALYZE recon_chosen_group (grp)")
    dropped = execute(_REFUSED) if rows("SELECT EXISTS (SELECT FROM recon_refused)")[0][0] else 0
    if one.kind != "group":
        dropped += execute(_DISAGREE, {"kinds": list(_UNMISTAKABLE)})
    if one.automatic and (one.kind == "attribute" or (one.kind == "tolerance" and one.requires != "key")):
        apart = [grp for grp, told in chosen_texts() if any(not mistyped(told[0], other) for other in told[1:])]
        dropped += execute("DELETE FROM recon_chosen_group WHERE grp = ANY(%(apart)s)", {"apart": apart})
    if dropped:
        execute(_DROPPED)
