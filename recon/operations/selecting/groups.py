"""Several items under one reference whose sums agree in every population, or differ by what is explained."""

import json

from recon.matching.rules import Pass, Rules
from recon.operations.selecting.relation import Scene, execute, make_keys

# A difference is explained by a tariff (of the sum, or of each item) or lies within the bounds; only between two populations.
_SUMS = """
CREATE TEMP TABLE recon_sum ON COMMIT DROP AS
WITH sums AS (
    SELECT key, population, sum(signed) AS minor, count(*) AS items, min(day) AS first, max(day) AS last
    FROM recon_free_key GROUP BY key, population),
keys AS (
    SELECT key, sum(items) AS items, max(last) - min(first) AS days, min(minor) AS least, max(minor) AS most
    FROM sums GROUP BY key HAVING count(*) = %(populations)s)
SELECT k.key, k.days, k.items, k.least, k.most, abs(k.most - k.least) AS residual,
       greatest(abs(k.least), abs(k.most)) AS gross,
       (SELECT s.population FROM sums s WHERE s.key = k.key ORDER BY abs(s.minor) DESC, s.population LIMIT 1) AS larger
FROM keys k
WHERE k.days <= %(days)s AND k.least <> 0 AND k.most <> 0
  AND (k.least = k.most AND k.items > %(populations)s
       OR k.least <> k.most AND sign(k.least) = sign(k.most) AND %(populations)s = 2 AND (
           %(tariffs)s::jsonb <> '[]' OR abs(k.most - k.least) <= %(absolute)s
           OR abs(k.most - k.least) * 100 <= %(percent)s * greatest(abs(k.least), abs(k.most))))
"""

_EXPLAINED = """
CREATE TEMP TABLE recon_group ON COMMIT DROP AS
WITH tariffs AS (
    SELECT t.n, t.told->>'code' AS code, (t.told->>'percent')::numeric AS percent, (t.told->>'fixed_minor')::numeric AS fixed
    FROM jsonb_array_elements(%(tariffs)s::jsonb) WITH ORDINALITY AS t (told, n)),
charged AS (
    SELECT s.key, min(t.n) AS n FROM recon_sum s CROSS JOIN tariffs t
    WHERE s.residual > 0 AND (
        s.residual = floor(s.gross * t.percent / 100 + t.fixed + 0.5)
        OR s.residual = (
            SELECT sum(floor(abs(k.signed) * t.percent / 100 + t.fixed + 0.5)) FROM recon_free_key k
            WHERE k.key = s.key AND k.population = s.larger AND sign(k.signed) = sign(s.most)))
    GROUP BY s.key)
SELECT s.key, s.days, s.residual, s.larger, sign(s.most) AS towards,
       CASE WHEN s.residual > 0 THEN CASE WHEN c.n IS NULL THEN 'tolerance' ELSE 'tariff' END END AS because,
       (SELECT t.code FROM tariffs t WHERE t.n = c.n) AS tariff,
       (SELECT array_agg(k.id ORDER BY k.id) FROM recon_free_key k WHERE k.key = s.key) AS ids
FROM recon_sum s LEFT JOIN charged c ON c.key = s.key
WHERE s.residual = 0 OR c.n IS NOT NULL OR s.residual <= %(absolute)s OR s.residual * 100 <= %(percent)s * s.gross
"""

# What agrees to the last unit goes before what has to be explained. Two references of the same items are one group; an item in two
# groups is nobody's.
_CHOOSE = """
WITH told AS MATERIALIZED (
    SELECT ids, ids[1] AS grp, min(key) AS key, min(days) AS days, min(residual) AS residual,
           min(larger) AS larger, min(towards) AS towards,
           min(because) AS because, min(tariff) AS tariff
    FROM recon_group g WHERE (residual = 0) = %(exact)s
      AND NOT EXISTS (SELECT FROM recon_chosen c WHERE c.item = ANY(g.ids))
      AND (%(exact)s OR NOT EXISTS (SELECT FROM recon_group o WHERE o.residual = 0 AND o.ids && g.ids))
    GROUP BY ids),
held AS MATERIALIZED (SELECT t.ids, id FROM told t, unnest(t.ids) AS id),
doubtful AS (SELECT DISTINCT ids FROM held WHERE id IN (SELECT id FROM held GROUP BY id HAVING count(*) > 1)),
sole AS MATERIALIZED (SELECT * FROM told WHERE ids NOT IN (SELECT ids FROM doubtful)),
members AS MATERIALIZED (
    SELECT s.grp, f.id, f.left_minor, f.amount_minor, s.residual,
           row_number() OVER (PARTITION BY s.grp ORDER BY (f.population = s.larger) DESC,
               (f.direction = s.towards) DESC, f.left_minor DESC, f.item_date, f.match_key, f.keys, f.id) AS place
    FROM sole s, unnest(s.ids) AS member JOIN recon_free f ON f.id = member),
bearing AS (SELECT grp FROM members WHERE place = 1 AND left_minor > residual),
said AS (
    INSERT INTO recon_chosen_group (grp, said)
    SELECT s.grp, jsonb_strip_nulls(jsonb_build_object('key', s.key, 'days', s.days, 'residual', nullif(s.residual, 0)::text,
        'because', s.because, 'tariff', s.tariff))
    FROM sole s WHERE s.grp IN (SELECT grp FROM bearing))
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT m.grp, m.id, m.left_minor - CASE WHEN m.place = 1 THEN m.residual ELSE 0 END,
       m.left_minor - CASE WHEN m.place = 1 THEN m.residual ELSE 0 END <> m.amount_minor
FROM members m WHERE m.grp IN (SELECT grp FROM bearing)
"""


def choose_by_group(scene: Scene, one: Pass, rules: Rules) -> None:
    """Choose the items under a key whose sums agree in all populations, or differ by a charge or less than allowed.

    Of what differs, the largest item of the larger side bears the residual, and that much of it stays open.
    """
    make_keys(one.keys)
    execute("CREATE INDEX ON recon_free_key (key); ANALYZE recon_free_key")
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_sum; DROP TABLE IF EXISTS pg_temp.recon_group")
    told = {code.code: code for code in rules.tariffs}
    tariffs = [{"code": code, "percent": format(told[code].percent, "f"), "fixed_minor": told[code].fixed_minor} for code in one.tariffs]
    parameters = {
        "populations": len(scene.populations),
        "days": one.days,
        "tariffs": json.dumps(tariffs),
        "absolute": one.absolute_minor,
        "percent": one.percent,
    }
    execute(_SUMS, parameters)
    execute(_EXPLAINED, parameters)
    execute("ANALYZE recon_group")
    execute(_CHOOSE, {"exact": True})
    execute(_CHOOSE, {"exact": False})
