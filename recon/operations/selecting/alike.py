"""Passes that rest on what items say beside their references: alike in everything, in an attribute, or near in amount."""

from collections.abc import Sequence

from recon.matching.rules import Pass
from recon.operations.selecting.relation import Scene, execute, make_keys, rows

_PLAIN = "upper(regexp_replace({}, '[^[:alnum:]]', '', 'g'))"
_ATTRIBUTES = {
    "counterparty": _PLAIN.format("i.counterparty"),
    "counterparty_account": _PLAIN.format("coalesce(l.counterparty_account, e.metadata->>'counterparty_account', '')"),
    "description": _PLAIN.format("coalesce(l.description, e.description, '')"),
}
_VALUES = """
CREATE TEMP TABLE recon_free_value ON COMMIT DROP AS
SELECT f.id, f.population, f.signed, f.day, {value} AS value, {empty} AS empty
FROM recon_free f JOIN recon_item i ON i.id = f.id {told}
"""
_TOLD = "LEFT JOIN recon_statement_line l ON l.id = i.statement_line_id LEFT JOIN ledger_entry e ON e.id = i.entry_id"

# Alike items lie together while no gap between two of them is wider than allowed; those of one reference always do, since a day does
# not tell which of them is meant. The first of each population by date, the second of
# each, and so on, have to lie within the days: then they are as many in each, and who belongs to whom makes no difference.
_BLOCKS = """
WITH stepped AS (
    SELECT v.*, CASE WHEN value[cardinality(value)] = ''
                      AND day - lag(day) OVER (PARTITION BY value, signed ORDER BY day) > %(days)s THEN 1 ELSE 0 END AS step
    FROM recon_free_value v WHERE NOT empty),
clusters AS (
    SELECT *, sum(step) OVER (PARTITION BY value, signed ORDER BY day) AS cluster FROM stepped),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY value, signed, cluster, population ORDER BY day, id) AS place FROM clusters),
rounds AS (
    SELECT value, signed, cluster, place, min(id) AS least, array_agg(id) AS ids, max(day) - min(day) AS days,
           count(*) = %(populations)s AND max(day) - min(day) <= %(days)s AS whole
    FROM placed GROUP BY value, signed, cluster, place),
blocks AS MATERIALIZED (
    SELECT value, signed, cluster, min(least) AS grp, count(*) AS each, max(days) AS days FROM rounds
    GROUP BY value, signed, cluster HAVING bool_and(whole)),
said AS (
    INSERT INTO recon_chosen_group (grp, said)
    SELECT grp, jsonb_build_object('alike', to_jsonb(value), 'each', each, 'days', days) FROM blocks)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT b.grp, f.id, f.left_minor, f.left_minor <> f.amount_minor
FROM blocks b JOIN rounds r USING (value, signed, cluster), unnest(r.ids) AS member JOIN recon_free f ON f.id = member
"""

# The only one of each other population within the days, as seen from every one of them. A frame slides over each block: no block,
# however hot, is joined with itself.
_SOLE = """
WITH framed AS (
    SELECT id, value, day, ARRAY[{sole}]::bigint[] AS seen FROM recon_free_value WHERE NOT empty OR %(anything)s
    WINDOW near AS (PARTITION BY value, signed ORDER BY day RANGE BETWEEN %(days)s PRECEDING AND %(days)s FOLLOWING)),
agreed AS MATERIALIZED (
    SELECT seen, min(id) AS grp, min(value) AS value, max(day) - min(day) AS days FROM framed
    WHERE array_position(seen, NULL) IS NULL GROUP BY seen HAVING count(*) = %(populations)s),
said AS (
    INSERT INTO recon_chosen_group (grp, said) SELECT grp, jsonb_build_object('alike', to_jsonb(value), 'days', days) FROM agreed)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT a.grp, f.id, f.left_minor, f.left_minor <> f.amount_minor
FROM agreed a, unnest(a.seen) AS member JOIN recon_free f ON f.id = member
"""
_SOLE_OF = (
    "CASE WHEN population = {one} THEN id WHEN count(*) FILTER (WHERE population = {one}) OVER near = 1"
    " THEN (sum(id) FILTER (WHERE population = {one}) OVER near)::bigint END"
)

# Near in amount, and each the other's only one of all that are near. The smaller is taken whole; of the larger, the rest stays open.
_NEAR = """
WITH pairs AS MATERIALIZED (
    SELECT l.id AS a, r.id AS b, min(l.value) AS value
    FROM recon_near l JOIN recon_near r ON r.value = l.value AND sign(r.signed) = sign(l.signed)
     AND abs(l.day - r.day) <= %(days)s
     AND (abs(l.signed - r.signed) <= %(absolute)s
          OR abs(l.signed - r.signed) * 100 <= %(percent)s * greatest(abs(l.signed), abs(r.signed)))
    WHERE l.population = %(first)s AND r.population = %(second)s
    GROUP BY l.id, r.id),
counted AS (
    SELECT *, count(*) OVER (PARTITION BY a) AS of_a, count(*) OVER (PARTITION BY b) AS of_b FROM pairs),
sole AS MATERIALIZED (
    SELECT c.a, c.b, c.value, abs(l.day - r.day) AS days, least(l.left_minor, r.left_minor) AS amount,
           abs(l.left_minor - r.left_minor) AS residual, l.amount_minor AS of_l, r.amount_minor AS of_r
    FROM counted c JOIN recon_free l ON l.id = c.a JOIN recon_free r ON r.id = c.b WHERE of_a = 1 AND of_b = 1),
said AS (
    INSERT INTO recon_chosen_group (grp, said)
    SELECT least(a, b), jsonb_strip_nulls(jsonb_build_object(%(by)s, value, 'days', days, 'residual', nullif(residual, 0)::text,
        'because', CASE WHEN residual > 0 THEN 'tolerance' END)) FROM sole)
INSERT INTO recon_chosen (grp, item, amount, partial)
SELECT least(a, b), a, amount, amount <> of_l FROM sole UNION ALL SELECT least(a, b), b, amount, amount <> of_r FROM sole
"""
# Beyond so many pairs to look at under one value, nothing singles one of them out: they are left to be counted as a block.
_PAIRS_MAX = 10_000
_NEAR_OF = """
CREATE TEMP TABLE recon_near ON COMMIT DROP AS
WITH told AS MATERIALIZED ({relation})
SELECT * FROM told WHERE value NOT IN (
    SELECT value FROM told GROUP BY value
    HAVING count(*) FILTER (WHERE population = %(first)s) * count(*) FILTER (WHERE population = %(second)s) > %(most)s)
"""
_BY_KEY = "SELECT id, population, signed, day, key AS value FROM recon_free_key"
_BY_VALUE = "SELECT id, population, signed, day, array_to_string(value, ' ') AS value FROM recon_free_value WHERE NOT empty OR {anything}"


def choose_blocks(scene: Scene, one: Pass) -> None:
    """Choose what is alike in amount, reference and attributes, where it is as many in each population within the days."""
    _make_values(one.attributes, with_key=True)
    execute(_BLOCKS, {"days": one.days, "populations": len(scene.populations)})


def choose_sole(scene: Scene, one: Pass) -> None:
    """Choose what is each other's only one with this amount within the days, alike in the attributes of the pass if it has any."""
    _make_values(one.attributes, with_key=False)
    sole = ", ".join(_SOLE_OF.format(one=int(population)) for population in scene.populations)
    parameters = {"days": one.days, "populations": len(scene.populations), "anything": not one.attributes}
    execute(_SOLE.replace("{sole}", sole), parameters)


def choose_near(scene: Scene, one: Pass) -> None:
    """Choose pairs whose amounts lie within the bounds and that are each other's only one so; between two populations only."""
    if len(scene.populations) != 2:
        return
    if one.requires == "key":
        make_keys(())
        relation = _BY_KEY
    else:
        by_counterparty = one.requires == "counterparty"
        _make_values(("counterparty",) if by_counterparty else (), with_key=False)
        relation = _BY_VALUE.replace("{anything}", "false" if by_counterparty else "true")
    first, second = scene.populations
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_near")
    execute(_NEAR_OF.replace("{relation}", relation), {"first": first, "second": second, "most": _PAIRS_MAX})
    execute("ANALYZE recon_near")
    execute(
        _NEAR,
        {
            "first": first,
            "second": second,
            "days": one.days,
            "absolute": one.absolute_minor,
            "percent": one.percent,
            "by": "key" if one.requires == "key" else "alike",
        },
    )


def _make_values(attributes: Sequence[str], *, with_key: bool) -> None:
    """Make the relation of what items say, in its plain form; `empty` where they say nothing at all."""
    told = [_ATTRIBUTES[name] for name in attributes] + (["f.match_key"] if with_key else [])
    value = f"ARRAY[{', '.join(told)}]::text[]"
    empty = " AND ".join(f"{one} = ''" for one in told) if with_key else " OR ".join(f"{one} = ''" for one in told)
    needs = _TOLD if {"counterparty_account", "description"} & set(attributes) else ""
    execute("SET LOCAL client_min_messages = warning; DROP TABLE IF EXISTS pg_temp.recon_free_value")
    make = _VALUES.replace("{value}", value).replace("{empty}", empty or "true").replace("{told}", needs)
    # The patterns hold no place for a parameter.
    execute(make)
    execute("ANALYZE recon_free_value")


def chosen_texts() -> list[tuple[int, list[str]]]:
    """Return the groups whose items have several references, with them: what agreed otherwise may be two different things."""
    return [
        (int(grp), list(told))
        for grp, told in rows(
            "SELECT c.grp, array_agg(DISTINCT f.match_key ORDER BY f.match_key) FROM recon_chosen c JOIN recon_free f ON f.id = c.item"
            " WHERE f.match_key <> '' GROUP BY c.grp HAVING count(DISTINCT f.match_key) > 1 ORDER BY c.grp"
        )
    ]
