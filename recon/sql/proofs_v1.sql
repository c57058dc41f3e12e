-- What is proven, what was proven, and who certified it never changes.
CREATE TRIGGER recon_proof_definition_never_changes BEFORE UPDATE OR DELETE ON recon_proof_definition
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_proof_result_never_changes BEFORE UPDATE OR DELETE ON recon_proof_result
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER recon_proof_certificate_never_changes BEFORE UPDATE OR DELETE ON recon_proof_certificate
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- A certificate is of the digest that was approved, by an executed proposal; nobody certifies what has not been proven.
CREATE FUNCTION recon_proof_certificate_is_approved_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.recon_proof_result r WHERE r.id = NEW.result_id AND r.digest = NEW.digest)
       OR NOT EXISTS (
           SELECT FROM public.approvals_proposal p
           WHERE p.id = NEW.proposal_id AND p.kind = 'recon.certify_proof' AND p.target_id = NEW.result_id::text
             AND p.maker_id = NEW.prepared_by_id)
       OR NOT public.approvals_is_executed_here_v1(NEW.proposal_id) THEN
        RAISE EXCEPTION 'a proof is certified by an executed proposal on its digest'
            USING ERRCODE = '23514', CONSTRAINT = 'recon_proof_certificate_is_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER recon_proof_certificate_is_approved AFTER INSERT ON recon_proof_certificate
    FOR EACH ROW EXECUTE FUNCTION recon_proof_certificate_is_approved_v1();

-- reverse
DROP TRIGGER recon_proof_certificate_is_approved ON recon_proof_certificate;
DROP FUNCTION recon_proof_certificate_is_approved_v1();
DROP TRIGGER recon_proof_certificate_never_changes ON recon_proof_certificate;
DROP TRIGGER recon_proof_result_never_changes ON recon_proof_result;
DROP TRIGGER recon_proof_definition_never_changes ON recon_proof_definition;
