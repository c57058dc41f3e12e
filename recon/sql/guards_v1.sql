ALTER TABLE recon_item
    ADD CONSTRAINT recon_item_posting_exists FOREIGN KEY (entry_id, entry_line) REFERENCES ledger_posting (entry_id, line);

-- What items and matches name is there, and belongs together. A foreign key would ask row by row; passes write by the million. Nothing
-- that is named here is ever deleted. (The line of an item: recon_item_is_of_a_line_that_counts, and of one that has moved:
-- recon_item_moves_to_the_next_version.)
CREATE FUNCTION recon_item_has_its_population_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT i.population_id, i.reconciliation_id FROM inserted i) n
        LEFT JOIN public.recon_population p ON p.id = n.population_id AND p.reconciliation_id = n.reconciliation_id
        WHERE p.id IS NULL) THEN
        RAISE EXCEPTION 'an item belongs to a population of its reconciliation'
            USING ERRCODE = '23514', CONSTRAINT = 'recon_item_has_its_population';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_item_has_its_population AFTER INSERT ON recon_item
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION recon_item_has_its_population_v1();
CREATE FUNCTION recon_match_has_its_run_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT m.reconciliation_id, m.run_id FROM inserted m) n
        LEFT JOIN public.recon_reconciliation c ON c.id = n.reconciliation_id
        LEFT JOIN public.recon_run r ON r.id = n.run_id AND r.reconciliation_id = n.reconciliation_id
        WHERE c.id IS NULL OR n.run_id IS NOT NULL AND r.id IS NULL) THEN
        RAISE EXCEPTION 'a match belongs to a reconciliation, and to a run of it'
            USING ERRCODE = '23514', CONSTRAINT = 'recon_match_has_its_run';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_match_has_its_run AFTER INSERT ON recon_match
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION recon_match_has_its_run_v1();
CREATE TRIGGER recon_item_never_deleted BEFORE DELETE ON recon_item
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_run_never_deleted BEFORE DELETE ON recon_run
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_reconciliation_never_deleted BEFORE DELETE ON recon_reconciliation
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

CREATE FUNCTION recon_allocation_takes_what_is_there_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    of_item numeric;
BEGIN
    SELECT i.amount_minor INTO of_item FROM public.recon_item i WHERE i.id = NEW.item_id FOR NO KEY UPDATE;
    IF of_item IS NULL OR of_item <= NEW.amount_minor OR of_item < (
        SELECT sum(a.amount_minor) FROM public.recon_allocation a WHERE a.item_id = NEW.item_id AND a.revoked_at IS NULL) THEN
        RAISE EXCEPTION 'item % has not so much left', NEW.item_id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_allocation_takes_what_is_there';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_allocation_takes_what_is_there AFTER INSERT ON recon_allocation
    FOR EACH ROW WHEN (NEW.partial) EXECUTE FUNCTION recon_allocation_takes_what_is_there_v1();

-- All populations of a match sum to the same, one alone to nothing; all its items belong to its reconciliation, and none is taken
-- whole where a part of it is taken already. What is taken whole is the item's own amount; of a part its trigger asks. OFFSET keeps the
-- joins as they are written, from each match by indexes: neither what a kept plan thought nor stale statistics make them quadratic.
CREATE FUNCTION recon_match_balances_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    wrong uuid;
    taken_otherwise boolean;
    unbalanced boolean;
BEGIN
    SELECT s.match_id, bool_or(s.otherwise),
           min(s.amount) <> max(s.amount) OR count(*) = 1 AND min(s.amount) <> 0 OR bool_or(s.foreign_item) OR bool_or(s.twice)
        INTO wrong, taken_otherwise, unbalanced
        FROM (
            SELECT a.match_id, i.population_id, bool_or(m.id IS NULL OR i.reconciliation_id <> m.reconciliation_id) AS foreign_item,
                   sum(a.amount_minor * CASE i.flow WHEN 'in' THEN p.sign ELSE -p.sign END) AS amount,
                   bool_or(i.id IS NULL OR NOT a.partial AND a.amount_minor <> i.amount_minor) AS otherwise,
                   bool_or(NOT a.partial AND EXISTS (
                       SELECT 1 FROM public.recon_allocation o WHERE o.item_id = a.item_id AND o.partial AND o.revoked_at IS NULL)) AS twice
            FROM (SELECT DISTINCT n.match_id FROM inserted n) n
            LEFT JOIN LATERAL (SELECT c.id, c.reconciliation_id FROM public.recon_match c WHERE c.id = n.match_id OFFSET 0) m ON true
            CROSS JOIN LATERAL (
                SELECT c.match_id, c.item_id, c.amount_minor, c.partial FROM public.recon_allocation c
                WHERE c.match_id = n.match_id AND c.revoked_at IS NULL OFFSET 0) a
            LEFT JOIN LATERAL (
                SELECT c.id, c.reconciliation_id, c.population_id, c.flow, c.amount_minor FROM public.recon_item c
                WHERE c.id = a.item_id OFFSET 0) i ON true
            LEFT JOIN LATERAL (SELECT c.sign FROM public.recon_population c WHERE c.id = i.population_id OFFSET 0) p ON true
            GROUP BY a.match_id, i.population_id) s
        GROUP BY s.match_id
        HAVING min(s.amount) <> max(s.amount) OR count(*) = 1 AND min(s.amount) <> 0 OR bool_or(s.foreign_item) OR bool_or(s.twice)
            OR bool_or(s.otherwise)
        LIMIT 1;
    IF taken_otherwise THEN
        RAISE EXCEPTION 'match % takes an item whole for another amount than its own', wrong
            USING ERRCODE = '23514', CONSTRAINT = 'recon_allocation_takes_the_whole_item';
    END IF;
    IF unbalanced THEN
        RAISE EXCEPTION 'match % does not balance', wrong
            USING ERRCODE = '23514', CONSTRAINT = 'recon_match_balances';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_match_balances AFTER INSERT ON recon_allocation
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION recon_match_balances_v1();

CREATE FUNCTION recon_allocation_is_only_revoked_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
       AND (NEW.id, NEW.match_id, NEW.item_id, NEW.amount_minor, NEW.partial)
           IS NOT DISTINCT FROM (OLD.id, OLD.match_id, OLD.item_id, OLD.amount_minor, OLD.partial) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an allocation may only be revoked' USING ERRCODE = '23514', CONSTRAINT = 'recon_allocation_is_only_revoked';
END $$;
CREATE TRIGGER recon_allocation_is_only_revoked BEFORE UPDATE ON recon_allocation
    FOR EACH ROW EXECUTE FUNCTION recon_allocation_is_only_revoked_v1();
CREATE TRIGGER recon_allocation_never_deleted BEFORE DELETE ON recon_allocation
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_statement_append_only BEFORE UPDATE OR DELETE ON recon_statement
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_line_append_only BEFORE UPDATE OR DELETE ON recon_statement_line
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_match_append_only BEFORE UPDATE OR DELETE ON recon_match
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_comment_append_only BEFORE UPDATE OR DELETE ON recon_break_comment
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_break_never_deleted BEFORE DELETE ON recon_break
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_file_never_deleted BEFORE DELETE ON recon_file
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_file_bytes_never_change BEFORE UPDATE ON recon_file
    FOR EACH ROW EXECUTE FUNCTION
        ledger_meaning_never_changes_v1('sha256', 'size_bytes', 'name', 'received_by_id', 'received_at');
-- Passes close items by the million: whether something changed is asked before the function that says what.
CREATE TRIGGER recon_item_meaning_never_changes BEFORE UPDATE ON recon_item
    FOR EACH ROW WHEN (
        (OLD.reconciliation_id, OLD.population_id, OLD.side, OLD.entry_id, OLD.entry_line, OLD.flow, OLD.amount_minor, OLD.item_date,
         OLD.content_key, OLD.occurrence)
        IS DISTINCT FROM
        (NEW.reconciliation_id, NEW.population_id, NEW.side, NEW.entry_id, NEW.entry_line, NEW.flow, NEW.amount_minor, NEW.item_date,
         NEW.content_key, NEW.occurrence))
    EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'reconciliation_id', 'population_id', 'side', 'entry_id', 'entry_line', 'flow', 'amount_minor', 'item_date', 'content_key',
        'occurrence');

-- Of an item is open what no match has taken, and nothing once it is withdrawn. Checked for each statement, since passes close in bulk.
CREATE FUNCTION recon_item_is_open_or_matched_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT c.id INTO wrong FROM changed c
        WHERE c.open_minor <> CASE WHEN c.withdrawn_by_id IS NOT NULL THEN 0 ELSE c.amount_minor END - coalesce((
            SELECT sum(a.amount_minor) FROM public.recon_allocation a WHERE a.item_id = c.id AND a.revoked_at IS NULL), 0)
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'of item % is not open what no match has taken', wrong
            USING ERRCODE = '23514', CONSTRAINT = 'recon_item_is_open_or_matched';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_item_is_open_or_matched AFTER UPDATE ON recon_item
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION recon_item_is_open_or_matched_v1();

CREATE FUNCTION recon_item_is_born_open_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a new item is open' USING ERRCODE = '23514', CONSTRAINT = 'recon_item_is_born_open';
END $$;
CREATE TRIGGER recon_item_is_born_open BEFORE INSERT ON recon_item
    FOR EACH ROW WHEN (NEW.open_minor <> NEW.amount_minor OR NEW.withdrawn_by_id IS NOT NULL) EXECUTE FUNCTION recon_item_is_born_open_v1();

-- A break closes when every one of its items is matched, and names the match of one of them.
CREATE FUNCTION recon_break_is_explained_by_its_match_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    matched bigint;
    by_this bigint;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE a.match_id = NEW.resolved_by_id) INTO matched, by_this
        FROM public.recon_allocation a
        WHERE a.item_id IN (NEW.ledger_item_id, NEW.statement_item_id) AND a.revoked_at IS NULL;
    IF by_this = 0 OR matched < num_nonnulls(NEW.ledger_item_id, NEW.statement_item_id) THEN
        RAISE EXCEPTION 'break % is not explained by match %', NEW.number, NEW.resolved_by_id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_break_is_explained_by_its_match';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_break_is_explained_by_its_match BEFORE INSERT OR UPDATE ON recon_break
    FOR EACH ROW WHEN (NEW.state = 'resolved' AND NEW.resolved_by_id IS NOT NULL)
    EXECUTE FUNCTION recon_break_is_explained_by_its_match_v1();

-- The key of recon.matching.keys, for what is collected by SQL; a test compares the two.
CREATE FUNCTION recon_match_key_v1(reference text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN length(k) < 4 OR k IN ('NOTPROVIDED', 'NONREF', 'NOREF', 'NONE', 'NULL', 'UNKNOWN') THEN '' ELSE left(k, 140) END
    FROM (SELECT upper(regexp_replace(reference, '[^A-Za-z0-9]', '', 'g'))) keys (k)
$$;

-- The keys of a posting's entry, each as kind:value: its reference, and what its metadata names after a kind of key.
CREATE FUNCTION recon_entry_keys_v1(reference text, metadata jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT k.kind || ':' || k.value ORDER BY k.kind || ':' || k.value), '{}') FROM (
        SELECT 'own_reference' AS kind, public.recon_match_key_v1(reference) AS value
        UNION ALL
        SELECT m.key, public.recon_match_key_v1(m.value) FROM jsonb_each_text(metadata) AS m
        WHERE m.key IN ('end_to_end', 'uetr', 'instruction', 'mandate', 'own_reference', 'bank_reference', 'batch', 'payout', 'trace',
            'original_trace', 'processor_reference', 'order', 'dispute', 'tx', 'log', 'external', 'transfer')) k
    WHERE k.value <> ''
$$;

CREATE SEQUENCE recon_run_number START 101;
CREATE SEQUENCE recon_break_number START 1001;
-- reverse
DROP FUNCTION recon_entry_keys_v1(text, jsonb);
DROP FUNCTION recon_match_key_v1(text);
DROP SEQUENCE recon_break_number;
DROP SEQUENCE recon_run_number;
DROP TRIGGER recon_break_is_explained_by_its_match ON recon_break;
DROP FUNCTION recon_break_is_explained_by_its_match_v1();
DROP TRIGGER recon_item_is_born_open ON recon_item;
DROP FUNCTION recon_item_is_born_open_v1();
DROP TRIGGER recon_item_is_open_or_matched ON recon_item;
DROP FUNCTION recon_item_is_open_or_matched_v1();
DROP TRIGGER recon_item_meaning_never_changes ON recon_item;
DROP TRIGGER recon_file_bytes_never_change ON recon_file;
DROP TRIGGER recon_file_never_deleted ON recon_file;
DROP TRIGGER recon_break_never_deleted ON recon_break;
DROP TRIGGER recon_comment_append_only ON recon_break_comment;
DROP TRIGGER recon_match_append_only ON recon_match;
DROP TRIGGER recon_line_append_only ON recon_statement_line;
DROP TRIGGER recon_statement_append_only ON recon_statement;
DROP TRIGGER recon_allocation_never_deleted ON recon_allocation;
DROP TRIGGER recon_allocation_is_only_revoked ON recon_allocation;
DROP FUNCTION recon_allocation_is_only_revoked_v1();
DROP TRIGGER recon_match_balances ON recon_allocation;
DROP FUNCTION recon_match_balances_v1();
DROP TRIGGER recon_allocation_takes_what_is_there ON recon_allocation;
DROP FUNCTION recon_allocation_takes_what_is_there_v1();
DROP TRIGGER recon_reconciliation_never_deleted ON recon_reconciliation;
DROP TRIGGER recon_run_never_deleted ON recon_run;
DROP TRIGGER recon_item_never_deleted ON recon_item;
DROP TRIGGER recon_match_has_its_run ON recon_match;
DROP FUNCTION recon_match_has_its_run_v1();
DROP TRIGGER recon_item_has_its_population ON recon_item;
DROP FUNCTION recon_item_has_its_population_v1();
ALTER TABLE recon_item DROP CONSTRAINT recon_item_posting_exists;
