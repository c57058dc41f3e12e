-- A decision names the true maker, the true submitter and a version of the same proposal: none can be made up.
ALTER TABLE approvals_decision
    ADD CONSTRAINT approvals_decision_names_the_maker
        FOREIGN KEY (proposal_id, maker_id) REFERENCES approvals_proposal (id, maker_id),
    ADD CONSTRAINT approvals_decision_names_the_submitter
        FOREIGN KEY (version_id, proposal_id, submitted_by_id) REFERENCES approvals_proposal_version (id, proposal_id, submitted_by_id);

ALTER TABLE approvals_proposal_version
    ADD CONSTRAINT approvals_version_matches_its_digest
        CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex')),
    ADD CONSTRAINT approvals_version_matches_its_payload
        CHECK (payload = canonical::jsonb);

CREATE TRIGGER approvals_version_append_only BEFORE UPDATE OR DELETE ON approvals_proposal_version
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER approvals_decision_append_only BEFORE UPDATE OR DELETE ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER approvals_execution_append_only BEFORE UPDATE OR DELETE ON approvals_execution
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER approvals_policy_append_only BEFORE UPDATE OR DELETE ON approvals_policy_version
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER approvals_proposal_never_deleted BEFORE DELETE ON approvals_proposal
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- What has ended stays ended, and who asked for what never changes.
CREATE FUNCTION approvals_proposal_keeps_its_word_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.status NOT IN ('submitted', 'changes_requested') THEN
        RAISE EXCEPTION 'proposal % has ended', OLD.number
            USING ERRCODE = '23514', CONSTRAINT = 'approvals_proposal_ended_is_final';
    END IF;
    IF (NEW.id, NEW.number, NEW.kind, NEW.maker_id, NEW.scope, NEW.target_type, NEW.target_id, NEW.locked_object, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.number, OLD.kind, OLD.maker_id, OLD.scope, OLD.target_type, OLD.target_id, OLD.locked_object, OLD.created_at) THEN
        RAISE EXCEPTION 'proposal % cannot become another', OLD.number
            USING ERRCODE = '23514', CONSTRAINT = 'approvals_proposal_keeps_its_identity';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_proposal_keeps_its_word BEFORE UPDATE ON approvals_proposal
    FOR EACH ROW EXECUTE FUNCTION approvals_proposal_keeps_its_word_v1();

CREATE TRIGGER approvals_proposal_version_never_goes_down BEFORE UPDATE ON approvals_proposal
    FOR EACH ROW WHEN (NEW.current_version < OLD.current_version) EXECUTE FUNCTION lib_refuse_change_v1();

-- That a proposal was carried out is said of none that was not.
CREATE FUNCTION approvals_executed_proposal_was_executed_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.approvals_execution AS execution WHERE execution.proposal_id = NEW.id) THEN
        RAISE EXCEPTION 'proposal % was never executed', NEW.number
            USING ERRCODE = '23514', CONSTRAINT = 'approvals_executed_proposal_was_executed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_executed_proposal_was_executed BEFORE INSERT OR UPDATE ON approvals_proposal
    FOR EACH ROW WHEN (NEW.status = 'executed') EXECUTE FUNCTION approvals_executed_proposal_was_executed_v1();

-- Nothing is carried out but what enough other people approved and nobody refused, in the version that stands; and when it is carried
-- out is not for whoever writes it down to say.
CREATE FUNCTION approvals_execution_is_approved_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    standing record;
BEGIN
    SELECT policy.required_approvals AS required,
           count(DISTINCT d.approver_id) FILTER (WHERE d.outcome = 'approve' AND d.approver_id <> p.maker_id) AS approvals,
           count(*) FILTER (WHERE d.outcome <> 'approve') AS refusals
        INTO standing
        FROM public.approvals_proposal p
        JOIN public.approvals_proposal_version v ON v.id = NEW.version_id AND v.proposal_id = p.id AND v.n = p.current_version
        JOIN public.approvals_policy_version policy ON policy.id = v.policy_version_id
        LEFT JOIN public.approvals_decision d ON d.version_id = v.id
        WHERE p.id = NEW.proposal_id
        GROUP BY policy.required_approvals;
    IF NOT FOUND OR standing.refusals > 0 OR standing.approvals < standing.required THEN
        RAISE EXCEPTION 'proposal % has % of % approvals', NEW.proposal_id, coalesce(standing.approvals, 0), standing.required
            USING ERRCODE = '23514', CONSTRAINT = 'approvals_execution_is_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER approvals_execution_is_approved AFTER INSERT ON approvals_execution
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION approvals_execution_is_approved_v1();

-- Whether a proposal is being carried out by the present transaction: what it allowed cannot be done again with it later. A row that
-- can be seen and whose writer is in progress was written here. The writer's number lacks its epoch, which is the nearest one.
CREATE FUNCTION approvals_is_executed_here_v1(proposal uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM approvals_execution AS execution,
            LATERAL (SELECT pg_current_xact_id()::text::bigint AS here) AS present,
            LATERAL (SELECT (execution.xmin::text::bigint - here + 2147483648) & 4294967295 AS ahead) AS distance
        WHERE execution.proposal_id = proposal
          AND pg_xact_status(greatest(here + ahead - 2147483648, 3)::text::xid8) = 'in progress')
$$;
REVOKE ALL ON FUNCTION approvals_is_executed_here_v1(uuid) FROM PUBLIC;

CREATE SEQUENCE approvals_proposal_number START 1001;
-- reverse
DROP SEQUENCE approvals_proposal_number;
DROP FUNCTION approvals_is_executed_here_v1(uuid);
DROP TRIGGER approvals_execution_is_approved ON approvals_execution;
DROP FUNCTION approvals_execution_is_approved_v1();
DROP TRIGGER approvals_executed_proposal_was_executed ON approvals_proposal;
DROP FUNCTION approvals_executed_proposal_was_executed_v1();
DROP TRIGGER approvals_proposal_version_never_goes_down ON approvals_proposal;
DROP TRIGGER approvals_proposal_keeps_its_word ON approvals_proposal;
DROP FUNCTION approvals_proposal_keeps_its_word_v1();
DROP TRIGGER approvals_proposal_never_deleted ON approvals_proposal;
DROP TRIGGER approvals_policy_append_only ON approvals_policy_version;
DROP TRIGGER approvals_execution_append_only ON approvals_execution;
DROP TRIGGER approvals_decision_append_only ON approvals_decision;
DROP TRIGGER approvals_version_append_only ON approvals_proposal_version;
ALTER TABLE approvals_proposal_version
    DROP CONSTRAINT approvals_version_matches_its_payload,
    DROP CONSTRAINT approvals_version_matches_its_digest;
ALTER TABLE approvals_decision
    DROP CONSTRAINT approvals_decision_names_the_submitter,
    DROP CONSTRAINT approvals_decision_names_the_maker;
