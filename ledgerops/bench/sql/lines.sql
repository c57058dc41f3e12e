-- Lines of two sources that have to agree: of a hundred, ninety pair by a reference, four are a batch of other parts on each side, three
-- are alike in all but nothing else, and three are on one side alone.
-- Settings: bench.lines (of each side), bench.from (the number of the first).
CREATE TEMPORARY TABLE side ON COMMIT DROP AS
    SELECT s.id, row_number() OVER (ORDER BY s.code) - 1 AS place FROM recon_source s WHERE s.code LIKE 'AGREE%';
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS SELECT id AS source_id, place, uuidv7() AS file_id, uuidv7() AS statement_id FROM side;
INSERT INTO recon_file (id, sha256, size_bytes, name, format, status, errors, channel, summary, delivery_key, received_at)
    SELECT file_id, encode(sha256(file_id::text::bytea), 'hex'), 1, 'lines', '', 'accepted', '[]', 'api', '{}', '', clock_timestamp() FROM planned;
INSERT INTO recon_statement (id, source_id, file_id, ordinal, number, closing_date, line_count, movements_minor, proof, difference_minor,
                             content_digest, kind, purpose, version, controls, quarantined, accepted_at)
    SELECT statement_id, source_id, file_id, 1, '', DATE '2026-06-30', current_setting('bench.lines')::integer, 0, 'unproven', 0,
           encode(sha256(statement_id::text::bytea), 'hex'), 'report', 'update', 1, '[]', 0, clock_timestamp() FROM planned;
INSERT INTO recon_statement_line (statement_id, ordinal, booking_date, value_date, flow, amount_minor, reversal, booked, reference,
                                  bank_reference, end_to_end_id, counterparty, counterparty_account, transaction_code, description, raw, place,
                                  facts, content_key, match_key, keys)
    SELECT p.statement_id, n - current_setting('bench.from')::integer + 1, day, day, 'in',
           CASE WHEN part < 90 THEN 1000 + n % 100000
                WHEN part < 94 THEN (ARRAY[100, 200, 300, 400, 150, 150, 350, 350])[part - 89 + p.place * 4]
                WHEN part < 97 THEN 640 ELSE 777 + n % 5000 END,
           false, true, key, '', '', CASE WHEN part BETWEEN 94 AND 96 THEN 'Shop ' || n / 100 ELSE '' END, '', '', '', '', '', '{}',
           md5(p.place || ' ' || n), key, CASE WHEN key = '' THEN '{}'::text[] ELSE ARRAY['own_reference:' || key] END
    FROM planned p, generate_series(current_setting('bench.from')::integer, current_setting('bench.from')::integer
                                    + current_setting('bench.lines')::integer - 1) AS n,
         LATERAL (SELECT n % 100 AS part, DATE '2026-06-01' + n / 100 % 28 AS day) AS told,
         LATERAL (SELECT CASE WHEN part < 90 THEN 'PAY' || lpad(n::text, 9, '0') WHEN part < 94 THEN 'BATCH' || n / 100
                              WHEN part < 97 THEN '' ELSE 'ALONE' || p.place || n END AS key) AS keyed
    ORDER BY p.place, n;
