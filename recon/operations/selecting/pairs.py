"""Passes that find items by a reference: an error and its reversal, and one item of each population under one key."""

from recon.matching.rules import Pass
from recon.operations.selecting.relation import Scene, execute, make_keys, rows

# Nobody else has this reference and this amount: had another population, the two would belong to their own items there.
_CONTRA = """
WITH netted AS MATERIALIZED (
    SELECT match_key, min(id) AS a, max(id) AS b, max(day) - min(day) AS days, min(left_minor) AS amount
    FROM recon_free WHERE match_key <> ''
    GROUP BY match_key, left_minor
    HAVING count(*) = 2 AND min(population) = max(population) AND min(direction) <> max(direction) AND max(day) - min(day) <= %(days)s),
said AS (
    INSERT INTO recon_chosen_group (grp, said) SELECT a, jsonb_build_object('key', match_key, 'days', days) FROM netted)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT n.a, f.id, f.left_minor, f.left_minor <> f.amount_minor FROM netted n JOIN recon_free f ON f.id IN (n.a, n.b)
"""

# One item in each population under one key and amount; whoever has another one so, by another key, is nobody's.
_PAIRS = """
CREATE TEMP TABLE recon_edge ON COMMIT DROP AS
SELECT a, b, min(key) AS key FROM (
    SELECT min(id) FILTER (WHERE population = %(first)s) AS a, min(id) FILTER (WHERE population = %(second)s) AS b, min(key) AS key
    FROM recon_free_key GROUP BY key, signed
    HAVING count(*) = 2 AND min(population) <> max(population)) blocks
GROUP BY a, b
"""

_SOLE_PAIRS = """
WITH doubtful AS MATERIALIZED (
    SELECT a AS id FROM recon_edge GROUP BY a HAVING count(*) > 1
    UNION ALL SELECT b FROM recon_edge GROUP BY b HAVING count(*) > 1),
sole AS MATERIALIZED (
    SELECT e.a, e.b, e.key, l.day - r.day AS days, l.left_minor AS amount,
           l.left_minor <> l.amount_minor AS a_partial, r.left_minor <> r.amount_minor AS b_partial,
           l.match_key <> '' AND r.match_key <> '' AND l.match_key <> r.match_key AS differ
    FROM recon_edge e JOIN recon_free l ON l.id = e.a JOIN recon_free r ON r.id = e.b
    WHERE abs(l.day - r.day) <= %(days)s
      AND e.a NOT IN (SELECT id FROM doubtful) AND e.b NOT IN (SELECT id FROM doubtful)),
kept AS MATERIALIZED (
    SELECT a, b, key, days, amount, a_partial, b_partial FROM sole WHERE NOT differ
    UNION ALL
    SELECT a, b, key, days, amount, a_partial, b_partial FROM sole s
    WHERE differ AND (SELECT count(*) FROM recon_free_key k WHERE k.key = s.key) = 2),
said AS (
    INSERT INTO recon_chosen_group (grp, said)
    SELECT least(a, b), jsonb_build_object('key', key, 'days', abs(days)) FROM kept)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT least(a, b), a, amount, a_partial FROM kept UNION ALL SELECT least(a, b), b, amount, b_partial FROM kept
"""

# Of more than two populations each may know another reference: order to processor, processor to bank. What hangs together by any of
# them is one group, if it holds exactly one item of each population.
_STARS = """
CREATE TEMP TABLE recon_edge ON COMMIT DROP AS
SELECT DISTINCT hub AS a, spoke AS b FROM (
    SELECT min(id) AS hub, array_agg(id) AS spokes FROM recon_free_key GROUP BY key, signed
    HAVING count(*) > 1 AND count(*) = count(DISTINCT population)) blocks, unnest(spokes) AS spoke
WHERE hub <> spoke
"""
_LABELS = """
CREATE TEMP TABLE recon_label ON COMMIT DROP AS
SELECT id, id AS label FROM (SELECT a AS id FROM recon_edge UNION SELECT b FROM recon_edge) ids
"""
_SPREAD = """
UPDATE recon_label l SET label = least(l.label, near.label)
FROM (
    SELECT id, min(label) AS label FROM (
        SELECT e.a AS id, o.label FROM recon_edge e JOIN recon_label o ON o.id = e.b
        UNION ALL SELECT e.b, o.label FROM recon_edge e JOIN recon_label o ON o.id = e.a) told
    GROUP BY id) near
WHERE near.id = l.id AND near.label < l.label
"""
_WHOLE_CHAINS = """
WITH chains AS MATERIALIZED (
    SELECT l.label FROM recon_label l JOIN recon_free f ON f.id = l.id GROUP BY l.label
    HAVING count(*) = %(populations)s AND count(DISTINCT f.population) = %(populations)s AND max(f.day) - min(f.day) <= %(days)s
       AND min(f.signed) = max(f.signed)),
said AS (
    INSERT INTO recon_chosen_group (grp, said)
    SELECT c.label, jsonb_build_object(
        'keys', (SELECT jsonb_agg(DISTINCT k.key ORDER BY k.key) FROM recon_label l JOIN recon_free_key k ON k.id = l.id
                 WHERE l.label = c.label
                   AND EXISTS (SELECT FROM recon_label n JOIN recon_free_key o ON o.id = n.id
                               WHERE n.label = c.label AND o.key = k.key AND o.id <> k.id)),
        'days', (SELECT max(f.day) - min(f.day) FROM recon_label l JOIN recon_free f ON f.id = l.id WHERE l.label = c.label))
    FROM chains c)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT l.label, f.id, f.left_minor, f.left_minor <> f.amount_minor
FROM chains c JOIN recon_label l ON l.label = c.label JOIN recon_free f ON f.id = l.id
"""


def choose_contra(scene: Scene, one: Pass) -> None:  # noqa: ARG001 (every pass is chosen in one way)
    """Choose in each population an item and its opposite, alone with their reference and amount in all populations."""
    execute(_CONTRA, {"days": one.days})


def choose_by_key(scene: Scene, one: Pass) -> None:
    """Choose one item of each population under a shared key with the same amount, each the others' only one."""
    make_keys(one.keys)
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_edge; DROP TABLE IF EXISTS pg_temp.recon_label")
    if len(scene.populations) == 2:
        execute(_PAIRS, {"first": scene.populations[0], "second": scene.populations[1]})
        execute("ANALYZE recon_edge")
        execute(_SOLE_PAIRS, {"days": one.days})
        return
    execute(_STARS)
    execute(_LABELS)
    execute("CREATE INDEX ON recon_label (label); CREATE INDEX ON recon_label (id); CREATE INDEX ON recon_free_key (id)")
    execute("ANALYZE recon_edge, recon_label")
    while rows("SELECT EXISTS (SELECT FROM recon_edge)")[0][0] and execute(_SPREAD):
        pass
    execute(_WHOLE_CHAINS, {"populations": len(scene.populations), "days": one.days})
