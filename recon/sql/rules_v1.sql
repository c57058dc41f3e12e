-- A version of rules is what it was drafted as: another one is another version.
CREATE TRIGGER recon_rules_never_change BEFORE UPDATE ON recon_rules_version
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'id', 'reconciliation_id', 'number', 'definition', 'digest', 'note', 'drafted_by_id', 'drafted_at');
CREATE TRIGGER recon_rules_never_deleted BEFORE DELETE ON recon_rules_version
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- The first version is in force from the beginning, and holds the standard rules; every later one is born a draft.
CREATE FUNCTION recon_rules_are_born_a_draft_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.number = 1 AND NEW.status = 'active'
       OR NEW.number = 1 + (SELECT max(v.number) FROM public.recon_rules_version v WHERE v.reconciliation_id = NEW.reconciliation_id)
       AND NEW.status = 'draft' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'new rules are a draft, with the number after the last one'
        USING ERRCODE = '23514', CONSTRAINT = 'recon_rules_are_born_a_draft';
END $$;
CREATE TRIGGER recon_rules_are_born_a_draft BEFORE INSERT ON recon_rules_version
    FOR EACH ROW EXECUTE FUNCTION recon_rules_are_born_a_draft_v1();

CREATE FUNCTION recon_rules_go_forward_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (('draft', 'submitted'), ('submitted', 'active'), ('submitted', 'rejected'), ('active', 'retired'))
       OR OLD.status = NEW.status AND (OLD.proposal_id, OLD.activated_at, OLD.retired_at)
          IS NOT DISTINCT FROM (NEW.proposal_id, NEW.activated_at, NEW.retired_at)
          AND (OLD.status = 'draft' OR OLD.backtest IS NOT DISTINCT FROM NEW.backtest) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rules that are % never become %', OLD.status, NEW.status
        USING ERRCODE = '23514', CONSTRAINT = 'recon_rules_go_forward';
END $$;
CREATE TRIGGER recon_rules_go_forward BEFORE UPDATE ON recon_rules_version
    FOR EACH ROW EXECUTE FUNCTION recon_rules_go_forward_v1();

-- They match once a second person has agreed to this very content: by executing the proposal of whoever drafted it.
CREATE FUNCTION recon_rules_are_approved_by_two_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id
            AND p.kind = 'recon.approve_rules' AND p.maker_id = NEW.drafted_by_id
        JOIN public.approvals_proposal_version v ON v.id = x.version_id
            AND v.payload->>'rules' = NEW.id::text AND v.payload->>'digest' = NEW.digest AND v.payload->'definition' = NEW.definition
        WHERE x.proposal_id = NEW.proposal_id AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'rules % have not been approved by a second person', NEW.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_rules_are_approved_by_two';
END $$;
CREATE TRIGGER recon_rules_are_approved_by_two BEFORE UPDATE ON recon_rules_version
    FOR EACH ROW WHEN (NEW.status = 'active' AND OLD.status <> 'active')
    EXECUTE FUNCTION recon_rules_are_approved_by_two_v1();

-- What belongs to a reconciliation, and what was said of its items, stays.
CREATE TRIGGER recon_population_append_only BEFORE UPDATE OR DELETE ON recon_population
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_population_account_never_deleted BEFORE DELETE ON recon_population_account
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_population_statement_append_only BEFORE UPDATE OR DELETE ON recon_population_statement
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_trial_meaning_never_changes BEFORE UPDATE ON recon_rules_trial
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'id', 'reconciliation_id', 'definition', 'digest', 'decided', 'since', 'requested_by_id', 'requested_at');
CREATE TRIGGER recon_trial_never_deleted BEFORE DELETE ON recon_rules_trial
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_run_pass_append_only BEFORE UPDATE OR DELETE ON recon_run_pass
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_demotion_append_only BEFORE UPDATE OR DELETE ON recon_pass_demotion
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_never_match_append_only BEFORE UPDATE OR DELETE ON recon_never_match
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_undoing_append_only BEFORE UPDATE OR DELETE ON recon_match_undoing
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_suggestion_meaning_never_changes BEFORE UPDATE ON recon_suggestion
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'id', 'reconciliation_id', 'run_id', 'pass_id', 'kind', 'items', 'score', 'ways', 'explanation');
CREATE TRIGGER recon_suggestion_never_deleted BEFORE DELETE ON recon_suggestion
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_challenge_never_deleted BEFORE DELETE ON recon_match_challenge
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER recon_challenge_never_deleted ON recon_match_challenge;
DROP TRIGGER recon_suggestion_never_deleted ON recon_suggestion;
DROP TRIGGER recon_suggestion_meaning_never_changes ON recon_suggestion;
DROP TRIGGER recon_undoing_append_only ON recon_match_undoing;
DROP TRIGGER recon_never_match_append_only ON recon_never_match;
DROP TRIGGER recon_demotion_append_only ON recon_pass_demotion;
DROP TRIGGER recon_run_pass_append_only ON recon_run_pass;
DROP TRIGGER recon_population_statement_append_only ON recon_population_statement;
DROP TRIGGER recon_population_account_never_deleted ON recon_population_account;
DROP TRIGGER recon_population_append_only ON recon_population;
DROP TRIGGER recon_trial_never_deleted ON recon_rules_trial;
DROP TRIGGER recon_trial_meaning_never_changes ON recon_rules_trial;
DROP TRIGGER recon_rules_are_approved_by_two ON recon_rules_version;
DROP FUNCTION recon_rules_are_approved_by_two_v1();
DROP TRIGGER recon_rules_go_forward ON recon_rules_version;
DROP FUNCTION recon_rules_go_forward_v1();
DROP TRIGGER recon_rules_are_born_a_draft ON recon_rules_version;
DROP FUNCTION recon_rules_are_born_a_draft_v1();
DROP TRIGGER recon_rules_never_deleted ON recon_rules_version;
DROP TRIGGER recon_rules_never_change ON recon_rules_version;
