-- What is followed never changes: another contract or another address is another source.
CREATE TRIGGER recon_chain_meaning_never_changes BEFORE UPDATE ON recon_chain
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1(
        'source_id', 'chain', 'delivery', 'kind', 'contract', 'decimals', 'addresses', 'first_block');
CREATE TRIGGER recon_chain_never_deleted BEFORE DELETE ON recon_chain
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- What was final goes by the hand of two people alone: by the proposal that is being executed, and above the fork that they saw.
CREATE FUNCTION recon_chain_is_accepted_v1(proposal uuid, chain bigint, block bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id AND p.kind = 'recon.accept_chain'
        JOIN public.approvals_proposal_version v ON v.id = x.version_id
            AND v.payload->>'chain' = chain::text AND (v.payload->>'fork')::bigint < block
        WHERE x.proposal_id = proposal AND public.approvals_is_executed_here_v1(proposal))
$$;

-- A block's stage only rises, and what was orphaned stays so.
CREATE FUNCTION recon_chain_block_only_rises_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.orphaned_at IS NULL OR OLD.orphaned_at IS NOT NULL OR OLD.stage <> 'final'
        OR public.recon_chain_is_accepted_v1(NEW.proposal_id, NEW.chain_id, NEW.number))
       AND (OLD.proposal_id IS NULL OR OLD.proposal_id IS NOT DISTINCT FROM NEW.proposal_id)
       AND (OLD.orphaned_at IS NULL OR (OLD.orphaned_at = NEW.orphaned_at AND OLD.stage = NEW.stage))
       AND array_position(ARRAY['seen', 'safe', 'final'], NEW.stage::text) >= array_position(ARRAY['seen', 'safe', 'final'], OLD.stage::text)
       AND (OLD.balance IS NULL OR OLD.balance IS NOT DISTINCT FROM NEW.balance)
       AND (NEW.id, NEW.chain_id, NEW.number, NEW.hash, NEW.parent_hash, NEW.mined_at, NEW.seen_at)
           IS NOT DISTINCT FROM (OLD.id, OLD.chain_id, OLD.number, OLD.hash, OLD.parent_hash, OLD.mined_at, OLD.seen_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'block % of chain source % only rises to final, or is orphaned before', OLD.number, OLD.chain_id
        USING ERRCODE = '23514', CONSTRAINT = 'recon_chain_block_only_rises';
END $$;
CREATE TRIGGER recon_chain_block_only_rises BEFORE UPDATE ON recon_chain_block
    FOR EACH ROW EXECUTE FUNCTION recon_chain_block_only_rises_v1();
CREATE TRIGGER recon_chain_block_never_deleted BEFORE DELETE ON recon_chain_block
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- A transfer changes by the instant at which it was orphaned, once.
CREATE FUNCTION recon_chain_transfer_is_only_orphaned_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.orphaned_at IS NULL AND NEW.orphaned_at IS NOT NULL
       AND to_jsonb(NEW) - 'orphaned_at' = to_jsonb(OLD) - 'orphaned_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a transfer may only be orphaned' USING ERRCODE = '23514', CONSTRAINT = 'recon_chain_transfer_is_only_orphaned';
END $$;
CREATE TRIGGER recon_chain_transfer_is_only_orphaned BEFORE UPDATE ON recon_chain_transfer
    FOR EACH ROW EXECUTE FUNCTION recon_chain_transfer_is_only_orphaned_v1();
CREATE TRIGGER recon_chain_transfer_never_deleted BEFORE DELETE ON recon_chain_transfer
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- A transfer lives exactly as long as the block it stands in, which is one of its own source. Checked at the end: both change together.
CREATE FUNCTION recon_chain_transfer_lives_with_its_block_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong uuid;
BEGIN
    IF TG_TABLE_NAME = 'recon_chain_block' THEN
        SELECT t.id INTO wrong FROM public.recon_chain_transfer t JOIN public.recon_chain_block b ON b.id = t.block_id
            WHERE t.block_id = NEW.id AND (t.orphaned_at IS NULL) <> (b.orphaned_at IS NULL) LIMIT 1;
    ELSE
        SELECT t.id INTO wrong FROM public.recon_chain_transfer t JOIN public.recon_chain_block b ON b.id = t.block_id
            WHERE t.id = NEW.id AND ((t.orphaned_at IS NULL) <> (b.orphaned_at IS NULL) OR t.chain_id <> b.chain_id);
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'transfer % does not live with its block', wrong
            USING ERRCODE = '23514', CONSTRAINT = 'recon_chain_transfer_lives_with_its_block';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER recon_chain_transfer_lives_with_its_block AFTER INSERT OR UPDATE ON recon_chain_transfer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_chain_transfer_lives_with_its_block_v1();
CREATE CONSTRAINT TRIGGER recon_chain_block_lives_with_its_transfers AFTER UPDATE OF orphaned_at ON recon_chain_block
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION recon_chain_transfer_lives_with_its_block_v1();

-- Ranges of a source never overlap, and change only by the file that tells of them, or by being withdrawn with the chain they proved.
ALTER TABLE recon_chain_range ADD CONSTRAINT recon_chain_ranges_do_not_overlap
    EXCLUDE USING gist (chain_id WITH =, int8range(from_block, to_block, '[]') WITH &&) WHERE (withdrawn_at IS NULL);
CREATE FUNCTION recon_chain_range_is_only_delivered_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.withdrawn_at IS NULL AND OLD.file_id IS NULL AND NEW.file_id IS NOT NULL
       AND to_jsonb(NEW) - 'file_id' = to_jsonb(OLD) - 'file_id' THEN
        RETURN NEW;
    END IF;
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
       AND to_jsonb(NEW) - ARRAY['withdrawn_at', 'proposal_id'] = to_jsonb(OLD) - ARRAY['withdrawn_at', 'proposal_id']
       AND public.recon_chain_is_accepted_v1(NEW.proposal_id, NEW.chain_id, NEW.to_block) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a range may only be delivered, or withdrawn where two people accepted another chain' USING ERRCODE = '23514', CONSTRAINT = 'recon_chain_range_is_only_delivered';
END $$;
CREATE TRIGGER recon_chain_range_is_only_delivered BEFORE UPDATE ON recon_chain_range
    FOR EACH ROW EXECUTE FUNCTION recon_chain_range_is_only_delivered_v1();
CREATE TRIGGER recon_chain_range_never_deleted BEFORE DELETE ON recon_chain_range
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER recon_chain_range_never_deleted ON recon_chain_range;
DROP TRIGGER recon_chain_range_is_only_delivered ON recon_chain_range;
DROP FUNCTION recon_chain_range_is_only_delivered_v1();
ALTER TABLE recon_chain_range DROP CONSTRAINT recon_chain_ranges_do_not_overlap;
DROP TRIGGER recon_chain_block_lives_with_its_transfers ON recon_chain_block;
DROP TRIGGER recon_chain_transfer_lives_with_its_block ON recon_chain_transfer;
DROP FUNCTION recon_chain_transfer_lives_with_its_block_v1();
DROP TRIGGER recon_chain_transfer_never_deleted ON recon_chain_transfer;
DROP TRIGGER recon_chain_transfer_is_only_orphaned ON recon_chain_transfer;
DROP FUNCTION recon_chain_transfer_is_only_orphaned_v1();
DROP TRIGGER recon_chain_block_never_deleted ON recon_chain_block;
DROP TRIGGER recon_chain_block_only_rises ON recon_chain_block;
DROP FUNCTION recon_chain_block_only_rises_v1();
DROP FUNCTION recon_chain_is_accepted_v1(uuid, bigint, bigint);
DROP TRIGGER recon_chain_never_deleted ON recon_chain;
DROP TRIGGER recon_chain_meaning_never_changes ON recon_chain;
