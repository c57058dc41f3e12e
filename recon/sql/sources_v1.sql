-- A mapping is what it was drafted as: another one is another version.
CREATE TRIGGER recon_mapping_never_changes BEFORE UPDATE ON recon_mapping_version
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'id', 'source_id', 'number', 'definition', 'digest', 'sample_id', 'drafted_by_id', 'drafted_at');
CREATE TRIGGER recon_mapping_never_deleted BEFORE DELETE ON recon_mapping_version
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

CREATE FUNCTION recon_mapping_is_born_a_draft_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a new mapping is a draft' USING ERRCODE = '23514', CONSTRAINT = 'recon_mapping_is_born_a_draft';
END $$;
CREATE TRIGGER recon_mapping_is_born_a_draft BEFORE INSERT ON recon_mapping_version
    FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION recon_mapping_is_born_a_draft_v1();

CREATE FUNCTION recon_mapping_goes_forward_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (('draft', 'submitted'), ('submitted', 'approved'), ('submitted', 'rejected'))
       OR OLD.status = NEW.status AND (OLD.proposal_id, OLD.approved_at) IS NOT DISTINCT FROM (NEW.proposal_id, NEW.approved_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a mapping that is % never becomes %', OLD.status, NEW.status
        USING ERRCODE = '23514', CONSTRAINT = 'recon_mapping_goes_forward';
END $$;
CREATE TRIGGER recon_mapping_goes_forward BEFORE UPDATE ON recon_mapping_version
    FOR EACH ROW EXECUTE FUNCTION recon_mapping_goes_forward_v1();

-- It reads files once a second person has agreed to this very content: by executing the proposal of whoever drafted it.
CREATE FUNCTION recon_mapping_is_approved_by_two_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id
            AND p.kind = 'recon.approve_mapping' AND p.maker_id = NEW.drafted_by_id
        JOIN public.approvals_proposal_version v ON v.id = x.version_id
            AND v.payload->>'mapping' = NEW.id::text AND v.payload->>'digest' = NEW.digest AND v.payload->'definition' = NEW.definition
        WHERE x.proposal_id = NEW.proposal_id AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'mapping % has not been approved by a second person', NEW.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_mapping_is_approved_by_two';
END $$;
CREATE TRIGGER recon_mapping_is_approved_by_two BEFORE UPDATE ON recon_mapping_version
    FOR EACH ROW WHEN (NEW.status = 'approved' AND OLD.status <> 'approved')
    EXECUTE FUNCTION recon_mapping_is_approved_by_two_v1();

CREATE TRIGGER recon_feed_waiver_append_only BEFORE UPDATE OR DELETE ON recon_feed_waiver
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_feed_never_deleted BEFORE DELETE ON recon_feed
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- Breaks that close without a match were never others: no item can be lost by calling its break one of its source.
CREATE FUNCTION recon_stale_feed_was_never_another_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'break % cannot become, or cease to be, one of its source', OLD.number
        USING ERRCODE = '23514', CONSTRAINT = 'recon_stale_feed_was_never_another';
END $$;
CREATE TRIGGER recon_stale_feed_was_never_another BEFORE UPDATE ON recon_break
    FOR EACH ROW WHEN (OLD.type <> NEW.type AND (OLD.type IN ('stale_feed', 'chain_reorg') OR NEW.type IN ('stale_feed', 'chain_reorg')))
    EXECUTE FUNCTION recon_stale_feed_was_never_another_v1();

-- Breaks stand under a live stale feed of their own source, or under another of their type (a part of one ambiguity or of one chain), and
-- under nothing else.
CREATE FUNCTION recon_parent_stands_for_it_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM public.recon_break p
        WHERE p.id = NEW.parent_id AND p.state <> 'resolved' AND p.reconciliation_id = NEW.reconciliation_id
          AND (p.type = 'stale_feed' OR p.type = NEW.type AND p.id <> NEW.id)) THEN
        RAISE EXCEPTION 'break % can stand under a stale feed of its source, or under another of its type, only', NEW.number
            USING ERRCODE = '23514', CONSTRAINT = 'recon_parent_stands_for_it';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_parent_stands_for_it BEFORE UPDATE OF parent_id ON recon_break
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL AND NEW.parent_id IS DISTINCT FROM OLD.parent_id)
    EXECUTE FUNCTION recon_parent_stands_for_it_v1();
-- reverse
DROP TRIGGER recon_parent_stands_for_it ON recon_break;
DROP FUNCTION recon_parent_stands_for_it_v1();
DROP TRIGGER recon_stale_feed_was_never_another ON recon_break;
DROP FUNCTION recon_stale_feed_was_never_another_v1();
DROP TRIGGER recon_feed_never_deleted ON recon_feed;
DROP TRIGGER recon_feed_waiver_append_only ON recon_feed_waiver;
DROP TRIGGER recon_mapping_is_approved_by_two ON recon_mapping_version;
DROP FUNCTION recon_mapping_is_approved_by_two_v1();
DROP TRIGGER recon_mapping_goes_forward ON recon_mapping_version;
DROP FUNCTION recon_mapping_goes_forward_v1();
DROP TRIGGER recon_mapping_is_born_a_draft ON recon_mapping_version;
DROP FUNCTION recon_mapping_is_born_a_draft_v1();
DROP TRIGGER recon_mapping_never_deleted ON recon_mapping_version;
DROP TRIGGER recon_mapping_never_changes ON recon_mapping_version;
