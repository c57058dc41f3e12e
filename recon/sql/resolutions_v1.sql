-- What may be written off is said by versions: a later one is another row, and two people agreed on it.
CREATE TRIGGER recon_terms_append_only BEFORE UPDATE OR DELETE ON recon_resolution_terms
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

CREATE FUNCTION recon_terms_are_set_by_two_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.version = 1 + (
        SELECT coalesce(max(t.version), 0) FROM public.recon_resolution_terms t WHERE t.entity_id = NEW.entity_id AND t.asset_id = NEW.asset_id)
       AND EXISTS (
        SELECT 1 FROM public.approvals_proposal p
        JOIN public.approvals_execution x ON x.proposal_id = p.id
        JOIN public.approvals_proposal_version v ON v.id = x.version_id
        JOIN public.ledger_entity e ON e.id = NEW.entity_id AND e.code = v.payload->>'entity'
        JOIN public.ledger_asset a ON a.id = NEW.asset_id AND a.code = v.payload->>'asset'
        WHERE p.id = NEW.proposal_id AND p.kind = 'recon.set_terms'
          AND (v.payload->>'write_off_maximum_minor')::numeric = NEW.write_off_maximum_minor
          AND (v.payload->>'timing_days_maximum')::integer = NEW.timing_days_maximum
          AND v.payload->>'write_off_account' IS NOT DISTINCT FROM (
              SELECT o.code FROM public.ledger_account o WHERE o.id = NEW.write_off_account_id)
          AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'these terms have not been approved by a second person'
        USING ERRCODE = '23514', CONSTRAINT = 'recon_terms_are_set_by_two';
END $$;
CREATE TRIGGER recon_terms_are_set_by_two BEFORE INSERT ON recon_resolution_terms
    FOR EACH ROW WHEN (NEW.version > 1 OR NEW.proposal_id IS NOT NULL) EXECUTE FUNCTION recon_terms_are_set_by_two_v1();

-- What is written off is within the terms that count now, against their account, by an approved write-off.
CREATE FUNCTION recon_write_off_is_within_terms_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.approvals_proposal p
        JOIN public.ledger_entry e ON e.proposal_id = p.id
        JOIN public.ledger_posting t ON t.entry_id = e.id
        JOIN public.recon_resolution_terms r ON r.write_off_account_id = t.account_id
        WHERE p.id = NEW.proposal_id AND p.kind = 'recon.write_off' AND t.amount_minor <= r.write_off_maximum_minor
          AND r.version = (SELECT max(o.version) FROM public.recon_resolution_terms o
                           WHERE o.entity_id = r.entity_id AND o.asset_id = r.asset_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'match % writes off more than the terms allow', NEW.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_write_off_is_within_terms';
END $$;
CREATE TRIGGER recon_write_off_is_within_terms BEFORE INSERT ON recon_match
    FOR EACH ROW WHEN (NEW.method = 'write_off') EXECUTE FUNCTION recon_write_off_is_within_terms_v1();

-- A treatment is what was accepted; it may only end, once. It resolves nothing.
CREATE TRIGGER recon_treatment_meaning_never_changes BEFORE UPDATE ON recon_treatment
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'id', 'recon_break_id', 'kind', 'reason_id', 'narrative', 'until', 'accepted_by_id', 'accepted_at');
CREATE FUNCTION recon_treatment_ends_once_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'treatment % has ended', OLD.id USING ERRCODE = '23514', CONSTRAINT = 'recon_treatment_ends_once';
END $$;
CREATE TRIGGER recon_treatment_ends_once BEFORE UPDATE ON recon_treatment
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION recon_treatment_ends_once_v1();
CREATE TRIGGER recon_treatment_never_deleted BEFORE DELETE ON recon_treatment
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

CREATE TRIGGER recon_evidence_append_only BEFORE UPDATE OR DELETE ON recon_evidence_file
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_mention_never_deleted BEFORE DELETE ON recon_mention
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER recon_mention_never_deleted ON recon_mention;
DROP TRIGGER recon_evidence_append_only ON recon_evidence_file;
DROP TRIGGER recon_treatment_never_deleted ON recon_treatment;
DROP TRIGGER recon_treatment_ends_once ON recon_treatment;
DROP FUNCTION recon_treatment_ends_once_v1();
DROP TRIGGER recon_treatment_meaning_never_changes ON recon_treatment;
DROP TRIGGER recon_write_off_is_within_terms ON recon_match;
DROP FUNCTION recon_write_off_is_within_terms_v1();
DROP TRIGGER recon_terms_are_set_by_two ON recon_resolution_terms;
DROP FUNCTION recon_terms_are_set_by_two_v1();
DROP TRIGGER recon_terms_append_only ON recon_resolution_terms;
