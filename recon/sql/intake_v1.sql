-- A restated statement is the next version of one of its own source, and the versions of a statement are one line.
CREATE FUNCTION recon_version_follows_version_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.recon_statement s
        WHERE s.id = NEW.supersedes_id AND s.source_id = NEW.source_id AND s.version = NEW.version - 1) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'statement % is not the next version of %', NEW.id, NEW.supersedes_id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_version_follows_version';
END $$;
CREATE TRIGGER recon_version_follows_version BEFORE INSERT ON recon_statement
    FOR EACH ROW WHEN (NEW.supersedes_id IS NOT NULL) EXECUTE FUNCTION recon_version_follows_version_v1();

-- What counts is a booked line of money, of the newest version of a statement or report, that no earlier delivery said already. Items are
-- made while the rest of a statement is being read: one whose row is not written yet is judged when it is (recon_statement_of_items_counts).
-- A plan is kept, and may be made while the tables are small: it goes by the rows that were inserted, never by a table's.
CREATE FUNCTION recon_item_is_of_a_line_that_counts_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT coalesce(g.wrong, g.any_item) INTO wrong
        FROM (
            SELECT l.statement_id, min(i.id) AS any_item, min(i.id) FILTER (WHERE
                    l.id IS NULL OR NOT l.booked OR l.amount_minor = 0
                    OR (i.flow, i.amount_minor, i.content_key) IS DISTINCT FROM (l.flow, l.amount_minor, l.content_key)
                    OR i.occurrence IS NULL OR (r.line_id IS NOT NULL AND r.counted_at IS NULL)) AS wrong
            FROM inserted i
            LEFT JOIN public.recon_statement_line l ON l.id = i.statement_line_id
            LEFT JOIN public.recon_repeated_line r ON r.line_id = l.id
            WHERE i.side = 'statement'
            GROUP BY l.statement_id) g
        LEFT JOIN public.recon_statement s ON s.id = g.statement_id
        WHERE g.wrong IS NOT NULL OR s.kind NOT IN ('statement', 'report') OR s.purpose = 'deletion'
            OR EXISTS (SELECT 1 FROM public.recon_statement n WHERE n.supersedes_id = s.id)
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item % is of a line that does not count', wrong
            USING ERRCODE = '23514', CONSTRAINT = 'recon_item_is_of_a_line_that_counts';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_item_is_of_a_line_that_counts AFTER INSERT ON recon_item
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION recon_item_is_of_a_line_that_counts_v1();

CREATE FUNCTION recon_statement_of_items_counts_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.recon_statement_line l JOIN public.recon_item i ON i.statement_line_id = l.id WHERE l.statement_id = NEW.id) THEN
        RAISE EXCEPTION 'statement % does not count, and items were made of its lines', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_statement_of_items_counts';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_statement_of_items_counts BEFORE INSERT ON recon_statement
    FOR EACH ROW WHEN (NEW.kind NOT IN ('statement', 'report') OR NEW.purpose = 'deletion')
    EXECUTE FUNCTION recon_statement_of_items_counts_v1();

-- A statement is written when its lines are in: the first of them waits for it to the end of the transaction, all others stand on the first.
CREATE FUNCTION recon_line_has_its_statement_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.recon_statement s WHERE s.id = NEW.statement_id) THEN
        RAISE EXCEPTION 'there is no statement %', NEW.statement_id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_line_has_its_statement';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_line_has_its_statement AFTER INSERT ON recon_statement_line
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.ordinal = 1) EXECUTE FUNCTION recon_line_has_its_statement_v1();

CREATE FUNCTION recon_line_stands_on_the_first_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM (SELECT DISTINCT i.statement_id FROM inserted i) d
        WHERE NOT EXISTS (
            SELECT 1 FROM public.recon_statement_line l WHERE l.statement_id = d.statement_id AND l.ordinal = 1)) THEN
        RAISE EXCEPTION 'the lines of a statement begin with its first'
            USING ERRCODE = '23514', CONSTRAINT = 'recon_line_stands_on_the_first';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_line_stands_on_the_first AFTER INSERT ON recon_statement_line
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION recon_line_stands_on_the_first_v1();

-- An item moves only to the line of the next version that says the same.
CREATE FUNCTION recon_item_moves_to_the_next_version_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.recon_statement_line n
        JOIN public.recon_statement s ON s.id = n.statement_id
        JOIN public.recon_statement_line o ON o.statement_id = s.supersedes_id AND o.id = OLD.statement_line_id
        WHERE n.id = NEW.statement_line_id AND n.booked AND s.purpose <> 'deletion'
          AND (n.content_key, n.flow, n.amount_minor) = (OLD.content_key, OLD.flow, OLD.amount_minor)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'item % can move only to the same line of the next version', OLD.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_item_moves_to_the_next_version';
END $$;
CREATE TRIGGER recon_item_moves_to_the_next_version BEFORE UPDATE OF statement_line_id ON recon_item
    FOR EACH ROW WHEN (OLD.statement_line_id IS DISTINCT FROM NEW.statement_line_id)
    EXECUTE FUNCTION recon_item_moves_to_the_next_version_v1();

-- An item is withdrawn once, by the next version of the statement that had its line.
CREATE FUNCTION recon_item_is_withdrawn_by_the_next_version_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.withdrawn_by_id IS NULL AND EXISTS (
        SELECT 1 FROM public.recon_statement s
        JOIN public.recon_statement_line o ON o.statement_id = s.supersedes_id AND o.id = OLD.statement_line_id
        WHERE s.id = NEW.withdrawn_by_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'item % is withdrawn only by the next version of its statement', OLD.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_item_is_withdrawn_by_the_next_version';
END $$;
CREATE TRIGGER recon_item_is_withdrawn_by_the_next_version BEFORE UPDATE OF withdrawn_by_id ON recon_item
    FOR EACH ROW WHEN (OLD.withdrawn_by_id IS DISTINCT FROM NEW.withdrawn_by_id)
    EXECUTE FUNCTION recon_item_is_withdrawn_by_the_next_version_v1();

-- That a break is withdrawn means that a statement withdrew its line, and that nothing of it is open.
CREATE FUNCTION recon_break_is_withdrawn_with_its_line_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM public.recon_item i WHERE i.id = NEW.statement_item_id AND i.withdrawn_by_id = NEW.withdrawn_by_id)
       AND NOT EXISTS (SELECT 1 FROM public.recon_item i WHERE i.id IN (NEW.ledger_item_id, NEW.statement_item_id) AND i.open) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'break % is about more than a line that was withdrawn', NEW.number
        USING ERRCODE = '23514', CONSTRAINT = 'recon_break_is_withdrawn_with_its_line';
END $$;
CREATE TRIGGER recon_break_is_withdrawn_with_its_line BEFORE INSERT OR UPDATE ON recon_break
    FOR EACH ROW WHEN (NEW.withdrawn_by_id IS NOT NULL) EXECUTE FUNCTION recon_break_is_withdrawn_with_its_line_v1();

-- A repeated line counts after all by executing the proposal of a second person that names it, and in no other way.
CREATE FUNCTION recon_repeated_line_is_counted_by_two_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.counted_at IS NULL AND (NEW.line_id, NEW.repeats_id) = (OLD.line_id, OLD.repeats_id) AND EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id AND p.kind = 'recon.count_repeated_line'
        JOIN public.approvals_proposal_version v ON v.id = x.version_id AND v.payload->>'line' = NEW.line_id::text
        WHERE x.proposal_id = NEW.proposal_id AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'line % counts already as line %', OLD.line_id, OLD.repeats_id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_repeated_line_is_counted_by_two';
END $$;
CREATE TRIGGER recon_repeated_line_is_counted_by_two BEFORE UPDATE ON recon_repeated_line
    FOR EACH ROW EXECUTE FUNCTION recon_repeated_line_is_counted_by_two_v1();

CREATE FUNCTION recon_repeated_line_is_born_so_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a line that repeats another does not count yet'
        USING ERRCODE = '23514', CONSTRAINT = 'recon_repeated_line_is_born_so';
END $$;
CREATE TRIGGER recon_repeated_line_is_born_so BEFORE INSERT ON recon_repeated_line
    FOR EACH ROW WHEN (NEW.counted_at IS NOT NULL) EXECUTE FUNCTION recon_repeated_line_is_born_so_v1();
CREATE TRIGGER recon_repeated_line_never_deleted BEFORE DELETE ON recon_repeated_line
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- A file that was accepted stays so; one that was refused can be read again, with another mapping.
CREATE FUNCTION recon_file_goes_forward_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (
        ('stored', 'received'), ('stored', 'refused'), ('stored', 'accepted'), ('received', 'accepted'), ('received', 'refused'),
        ('refused', 'received'), ('refused', 'stored'), ('received', 'stored')) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a file that is % never becomes %', OLD.status, NEW.status
        USING ERRCODE = '23514', CONSTRAINT = 'recon_file_goes_forward';
END $$;
CREATE TRIGGER recon_file_goes_forward BEFORE UPDATE OF status ON recon_file
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION recon_file_goes_forward_v1();

CREATE TRIGGER recon_file_job_meaning_never_changes BEFORE UPDATE ON recon_file_job
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('id', 'file_id', 'job', 'restating', 'requested_by_id', 'requested_at');
CREATE TRIGGER recon_file_job_never_deleted BEFORE DELETE ON recon_file_job
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

CREATE TRIGGER recon_quarantine_meaning_never_changes BEFORE UPDATE ON recon_quarantined_row
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'file_id', 'source_id', 'place', 'field', 'value', 'message', 'raw', 'quarantined_at');
CREATE FUNCTION recon_quarantined_row_ends_once_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'this row has left the quarantine' USING ERRCODE = '23514', CONSTRAINT = 'recon_quarantined_row_ends_once';
END $$;
CREATE TRIGGER recon_quarantined_row_ends_once BEFORE UPDATE ON recon_quarantined_row
    FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION recon_quarantined_row_ends_once_v1();
CREATE TRIGGER recon_quarantined_row_never_deleted BEFORE DELETE ON recon_quarantined_row
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- An allocation is revoked only where its part of the item is open again by the end of the transaction, withdrawn, or matched anew:
-- whoever revokes one and forgets the item hides it. Revoking is rare, so that a trigger for each row is cheap.
CREATE FUNCTION recon_revoked_item_is_free_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.recon_item i
        WHERE i.id = NEW.item_id AND (i.withdrawn_by_id IS NOT NULL OR i.open_minor = i.amount_minor - coalesce((
            SELECT sum(a.amount_minor) FROM public.recon_allocation a WHERE a.item_id = i.id AND a.revoked_at IS NULL), 0))) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'item % lost its match and is neither open nor withdrawn', NEW.item_id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_revoked_item_is_free';
END $$;
CREATE CONSTRAINT TRIGGER recon_revoked_item_is_free AFTER UPDATE OF revoked_at ON recon_allocation
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION recon_revoked_item_is_free_v1();
-- reverse
DROP TRIGGER recon_revoked_item_is_free ON recon_allocation;
DROP FUNCTION recon_revoked_item_is_free_v1();
DROP TRIGGER recon_quarantined_row_never_deleted ON recon_quarantined_row;
DROP TRIGGER recon_quarantined_row_ends_once ON recon_quarantined_row;
DROP FUNCTION recon_quarantined_row_ends_once_v1();
DROP TRIGGER recon_quarantine_meaning_never_changes ON recon_quarantined_row;
DROP TRIGGER recon_file_job_never_deleted ON recon_file_job;
DROP TRIGGER recon_file_job_meaning_never_changes ON recon_file_job;
DROP TRIGGER recon_file_goes_forward ON recon_file;
DROP FUNCTION recon_file_goes_forward_v1();
DROP TRIGGER recon_repeated_line_never_deleted ON recon_repeated_line;
DROP TRIGGER recon_repeated_line_is_born_so ON recon_repeated_line;
DROP FUNCTION recon_repeated_line_is_born_so_v1();
DROP TRIGGER recon_repeated_line_is_counted_by_two ON recon_repeated_line;
DROP FUNCTION recon_repeated_line_is_counted_by_two_v1();
DROP TRIGGER recon_break_is_withdrawn_with_its_line ON recon_break;
DROP FUNCTION recon_break_is_withdrawn_with_its_line_v1();
DROP TRIGGER recon_item_is_withdrawn_by_the_next_version ON recon_item;
DROP FUNCTION recon_item_is_withdrawn_by_the_next_version_v1();
DROP TRIGGER recon_item_moves_to_the_next_version ON recon_item;
DROP FUNCTION recon_item_moves_to_the_next_version_v1();
DROP TRIGGER recon_line_stands_on_the_first ON recon_statement_line;
DROP FUNCTION recon_line_stands_on_the_first_v1();
DROP TRIGGER recon_line_has_its_statement ON recon_statement_line;
DROP FUNCTION recon_line_has_its_statement_v1();
DROP TRIGGER recon_statement_of_items_counts ON recon_statement;
DROP FUNCTION recon_statement_of_items_counts_v1();
DROP TRIGGER recon_item_is_of_a_line_that_counts ON recon_item;
DROP FUNCTION recon_item_is_of_a_line_that_counts_v1();
DROP TRIGGER recon_version_follows_version ON recon_statement;
DROP FUNCTION recon_version_follows_version_v1();
