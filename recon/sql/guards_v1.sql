-- A match takes an item whole: the amount allocated is the item's own.
ALTER TABLE recon_item
    ADD CONSTRAINT recon_item_has_one_amount UNIQUE (id, amount_minor),
    ADD CONSTRAINT recon_item_posting_exists FOREIGN KEY (entry_id, entry_line) REFERENCES ledger_posting (entry_id, line);
ALTER TABLE recon_allocation
    ADD CONSTRAINT recon_allocation_takes_the_whole_item FOREIGN KEY (item_id, amount_minor) REFERENCES recon_item (id, amount_minor);

-- Both sides of a match sum to the same, and all its items belong to its reconciliation.
CREATE FUNCTION recon_match_balances_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT a.match_id INTO wrong
        FROM public.recon_allocation a
        JOIN public.recon_item i ON i.id = a.item_id
        JOIN public.recon_match m ON m.id = a.match_id
        WHERE a.revoked_at IS NULL AND a.match_id IN (SELECT match_id FROM inserted)
        GROUP BY a.match_id
        HAVING sum(CASE WHEN (i.flow = 'in') = (i.side = 'ledger') THEN a.amount_minor ELSE -a.amount_minor END) <> 0
            OR bool_or(i.reconciliation_id <> m.reconciliation_id)
        LIMIT 1;
    IF FOUND THEN
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
       AND (NEW.id, NEW.match_id, NEW.item_id, NEW.amount_minor) IS NOT DISTINCT FROM (OLD.id, OLD.match_id, OLD.item_id, OLD.amount_minor) THEN
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
CREATE TRIGGER recon_item_meaning_never_changes BEFORE UPDATE ON recon_item
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'reconciliation_id', 'side', 'entry_id', 'entry_line', 'flow', 'amount_minor', 'item_date', 'content_key', 'occurrence');

-- An item is open until a match takes it, or it is withdrawn, and then it is not. Checked for each statement, since passes close items in bulk.
CREATE FUNCTION recon_item_is_open_or_matched_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT c.id INTO wrong FROM changed c
        WHERE (c.open OR c.withdrawn_by_id IS NOT NULL) = EXISTS (SELECT 1 FROM public.recon_allocation a WHERE a.item_id = c.id AND a.revoked_at IS NULL)
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item % is open and matched, or neither', wrong
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
    FOR EACH ROW WHEN (NOT NEW.open) EXECUTE FUNCTION recon_item_is_born_open_v1();

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

CREATE SEQUENCE recon_run_number START 101;
CREATE SEQUENCE recon_break_number START 1001;
-- reverse
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
ALTER TABLE recon_allocation DROP CONSTRAINT recon_allocation_takes_the_whole_item;
ALTER TABLE recon_item DROP CONSTRAINT recon_item_posting_exists, DROP CONSTRAINT recon_item_has_one_amount;
