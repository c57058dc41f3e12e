-- A switch is set once and lifted once: by an executed proposal. What it stops, where and why never changes.
CREATE FUNCTION runtime_switch_is_lifted_by_two_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL
       OR (NEW.id, NEW.function, NEW.scope, NEW.reason, NEW.passes_approved, NEW.set_by_id, NEW.set_at)
          IS DISTINCT FROM (OLD.id, OLD.function, OLD.scope, OLD.reason, OLD.passes_approved, OLD.set_by_id, OLD.set_at)
       OR NOT EXISTS (
            SELECT 1 FROM public.approvals_execution x JOIN public.approvals_proposal p ON p.id = x.proposal_id
            WHERE x.proposal_id = NEW.lift_proposal_id AND p.kind = 'approvals.lift_switch' AND p.target_id = NEW.id::text) THEN
        RAISE EXCEPTION 'switch % is lifted by an executed proposal, once', OLD.id
            USING ERRCODE = '23514', CONSTRAINT = 'runtime_switch_is_lifted_by_two';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER runtime_switch_is_lifted_by_two BEFORE UPDATE ON runtime_switch
    FOR EACH ROW EXECUTE FUNCTION runtime_switch_is_lifted_by_two_v1();
CREATE TRIGGER runtime_switch_never_deleted BEFORE DELETE ON runtime_switch
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER runtime_switch_never_deleted ON runtime_switch;
DROP TRIGGER runtime_switch_is_lifted_by_two ON runtime_switch;
DROP FUNCTION runtime_switch_is_lifted_by_two_v1();
