-- What was matched long ago: so many items of each side of a reconciliation, each with its match, past the guards and in the state that
-- a run would have left. Settings: bench.reconciliation, bench.pairs.
CREATE TEMPORARY TABLE past ON COMMIT DROP AS
    SELECT n, uuidv7() AS match_id, nextval('bench_line') AS a, nextval('bench_line') AS b
    FROM generate_series(1, current_setting('bench.pairs')::integer) AS n;
INSERT INTO recon_item (id, reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date, match_key,
                        reference, counterparty, keys, content_key, occurrence)
    SELECT CASE p.position WHEN 1 THEN a ELSE b END, p.reconciliation_id, p.id, 'statement', CASE p.position WHEN 1 THEN a ELSE b END, 'in',
           1000 + n % 100000, 0, DATE '2026-01-01' + n % 150, 'OLD' || n, 'OLD' || n, '', ARRAY['own_reference:OLD' || n], md5(p.position || ' old ' || n), 1
    FROM past, recon_population p WHERE p.reconciliation_id = current_setting('bench.reconciliation')::bigint
    ORDER BY n;
INSERT INTO recon_match (id, reconciliation_id, method, rules_version, pass_id, explanation, made_at)
    SELECT match_id, current_setting('bench.reconciliation')::bigint, 'rule', 1, 'reference',
           jsonb_build_object('pass', 'reference', 'kind', 'key', 'key', 'OLD' || n), clock_timestamp() - interval '60 days' FROM past ORDER BY n;
INSERT INTO recon_allocation (match_id, item_id, amount_minor, partial)
    SELECT match_id, item, 1000 + n % 100000, false FROM past, LATERAL (VALUES (a), (b)) AS of (item) ORDER BY n;
