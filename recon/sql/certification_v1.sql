-- What a certificate says is what is hashed.
ALTER TABLE recon_certificate
    ADD CONSTRAINT recon_certificate_matches_its_digest
        CHECK (digest = encode(sha256(convert_to(canonical, 'UTF8')), 'hex') AND pack_digest = encode(sha256(pack), 'hex')),
    ADD CONSTRAINT recon_certificate_matches_its_content CHECK (canonical::jsonb = content);

-- It exists once a second person has agreed to this very content: by executing the proposal of whoever prepared it.
CREATE FUNCTION recon_certificate_is_reviewed_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.withdrawn_at IS NULL AND EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id AND p.kind = 'recon.certify' AND p.maker_id = NEW.prepared_by_id
        JOIN public.approvals_proposal_version v ON v.id = x.version_id AND v.submitted_by_id = NEW.prepared_by_id
            AND (v.payload->>'reconciliation')::bigint = NEW.reconciliation_id
            AND (v.payload->>'first_day')::date = NEW.first_day AND (v.payload->>'last_day')::date = NEW.last_day
            AND v.payload->'content' = NEW.content->'statement'
        JOIN public.approvals_decision d ON d.version_id = v.id AND d.outcome = 'approve' AND d.approver_id = NEW.reviewed_by_id
        JOIN public.recon_reconciliation r ON r.id = NEW.reconciliation_id AND r.home
        JOIN public.recon_source s ON s.id = r.source_id AND s.account_id = NEW.account_id
        WHERE x.proposal_id = NEW.proposal_id AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'certificate % has not been reviewed by a second person', NEW.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_certificate_is_reviewed';
END $$;
CREATE TRIGGER recon_certificate_is_reviewed BEFORE INSERT ON recon_certificate
    FOR EACH ROW EXECUTE FUNCTION recon_certificate_is_reviewed_v1();

-- Whoever made an entry on the account in the period certifies somebody else's work only: an entry is made by who posted it, or, where it
-- was proposed, by who proposed it.
CREATE FUNCTION recon_preparer_made_no_entries_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.ledger_posting p JOIN public.ledger_entry e ON e.id = p.entry_id
        LEFT JOIN public.approvals_proposal a ON a.id = e.proposal_id
        WHERE p.account_id = NEW.account_id AND p.effective_date BETWEEN NEW.first_day AND NEW.last_day
          AND coalesce(a.maker_id, e.actor_id) = NEW.prepared_by_id) THEN
        RAISE EXCEPTION 'whoever prepares certificate % made entries on the account in its days', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_preparer_made_no_entries';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_preparer_made_no_entries BEFORE INSERT ON recon_certificate
    FOR EACH ROW EXECUTE FUNCTION recon_preparer_made_no_entries_v1();

-- It holds each of its days, and no other.
CREATE FUNCTION recon_certificate_has_its_days_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM public.recon_certified_day d WHERE d.certificate_id = NEW.id) <> NEW.last_day - NEW.first_day + 1 THEN
        RAISE EXCEPTION 'certificate % lacks days', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_certificate_has_its_days';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_certificate_has_its_days AFTER INSERT ON recon_certificate
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION recon_certificate_has_its_days_v1();
CREATE FUNCTION recon_certified_day_is_of_its_certificate_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.recon_certificate c WHERE c.id = NEW.certificate_id AND c.reconciliation_id = NEW.reconciliation_id
          AND NEW.day BETWEEN c.first_day AND c.last_day AND c.withdrawn_at IS NOT DISTINCT FROM NEW.withdrawn_at) THEN
        RAISE EXCEPTION '% is no day of certificate %', NEW.day, NEW.certificate_id
            USING ERRCODE = '23514', CONSTRAINT = 'recon_certified_day_is_of_its_certificate';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER recon_certified_day_is_of_its_certificate BEFORE INSERT OR UPDATE ON recon_certified_day
    FOR EACH ROW EXECUTE FUNCTION recon_certified_day_is_of_its_certificate_v1();

-- It is withdrawn, once, by an executed proposal that names it; its days with it.
CREATE FUNCTION recon_certificate_is_only_withdrawn_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
       AND to_jsonb(NEW) - 'withdrawn_at' - 'withdrawal_id' = to_jsonb(OLD) - 'withdrawn_at' - 'withdrawal_id'
       AND EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id AND p.kind = 'recon.uncertify'
        JOIN public.approvals_proposal_version v ON v.id = x.version_id AND v.payload->>'certificate' = NEW.id::text
        WHERE x.proposal_id = NEW.withdrawal_id AND public.approvals_is_executed_here_v1(NEW.withdrawal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'certificate % may only be withdrawn, by two people', OLD.id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_certificate_is_only_withdrawn';
END $$;
CREATE TRIGGER recon_certificate_is_only_withdrawn BEFORE UPDATE ON recon_certificate
    FOR EACH ROW EXECUTE FUNCTION recon_certificate_is_only_withdrawn_v1();
CREATE TRIGGER recon_certified_day_meaning_never_changes BEFORE UPDATE ON recon_certified_day
    FOR EACH ROW EXECUTE FUNCTION
        ledger_meaning_never_changes_v1('certificate_id', 'reconciliation_id', 'day', 'ledger_minor', 'external_minor', 'open_minor');
CREATE TRIGGER recon_certificate_never_deleted BEFORE DELETE ON recon_certificate
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_certified_day_never_deleted BEFORE DELETE ON recon_certified_day
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER recon_certified_day_never_deleted ON recon_certified_day;
DROP TRIGGER recon_certificate_never_deleted ON recon_certificate;
DROP TRIGGER recon_certified_day_meaning_never_changes ON recon_certified_day;
DROP TRIGGER recon_certificate_is_only_withdrawn ON recon_certificate;
DROP FUNCTION recon_certificate_is_only_withdrawn_v1();
DROP TRIGGER recon_certified_day_is_of_its_certificate ON recon_certified_day;
DROP FUNCTION recon_certified_day_is_of_its_certificate_v1();
DROP TRIGGER recon_certificate_has_its_days ON recon_certificate;
DROP FUNCTION recon_certificate_has_its_days_v1();
DROP TRIGGER recon_preparer_made_no_entries ON recon_certificate;
DROP FUNCTION recon_preparer_made_no_entries_v1();
DROP TRIGGER recon_certificate_is_reviewed ON recon_certificate;
DROP FUNCTION recon_certificate_is_reviewed_v1();
ALTER TABLE recon_certificate
    DROP CONSTRAINT recon_certificate_matches_its_content,
    DROP CONSTRAINT recon_certificate_matches_its_digest;
