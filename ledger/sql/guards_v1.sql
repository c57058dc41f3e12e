ALTER TABLE ledger_period
    ADD CONSTRAINT ledger_periods_do_not_overlap
        EXCLUDE USING gist (entity_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&),
    ADD CONSTRAINT ledger_period_belongs_to_entity UNIQUE (id, entity_id);

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_period_belongs_to_entity
        FOREIGN KEY (period_id, entity_id) REFERENCES ledger_period (id, entity_id),
    ADD CONSTRAINT ledger_entry_proposal_exists
        FOREIGN KEY (proposal_id) REFERENCES approvals_proposal (id);

ALTER TABLE ledger_posting
    ADD CONSTRAINT ledger_posting_agrees_with_entry
        FOREIGN KEY (entry_id, lines) REFERENCES ledger_entry (id, lines),
    ADD CONSTRAINT ledger_posting_agrees_with_account
        FOREIGN KEY (account_id, asset_id, entity_id) REFERENCES ledger_account (id, asset_id, entity_id);

-- An entry without its last line cannot commit; fewer or more lines are refused by the statement guard below.
ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_last_line_exists
        FOREIGN KEY (id, lines) REFERENCES ledger_posting (entry_id, line) DEFERRABLE INITIALLY DEFERRED;

-- A key that was answered with an entry points at one that exists.
ALTER TABLE ledger_idempotency_key
    ADD CONSTRAINT ledger_key_entry_exists
        FOREIGN KEY (entry_id) REFERENCES ledger_entry (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT ledger_key_has_one_answer CHECK ((entry_id IS NULL) <> (refusal_code IS NULL));

ALTER TABLE ledger_balance SET (fillfactor = 50);

-- Postings of an entry arrive in one statement, as many as declared, and sum to zero per legal entity and asset.
CREATE FUNCTION ledger_entry_balanced_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT entry_id, asset_id INTO wrong FROM inserted
        GROUP BY entry_id, entity_id, asset_id
        HAVING sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) <> 0
        LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % does not balance in asset %', wrong.entry_id, wrong.asset_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_balanced';
    END IF;
    SELECT entry_id INTO wrong FROM inserted GROUP BY entry_id, lines HAVING count(*) <> lines LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % has another number of postings than declared', wrong.entry_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_complete';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_balanced_v1();

CREATE FUNCTION ledger_entry_in_open_period_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM inserted e
        WHERE NOT EXISTS (
            SELECT 1 FROM public.ledger_period p
            WHERE p.id = e.period_id AND p.status = 'open' AND e.effective_date BETWEEN p.starts_on AND p.ends_on)) THEN
        RAISE EXCEPTION 'an effective date lies outside an open period'
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_in_open_period';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_in_open_period AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_in_open_period_v1();

-- A manual entry stands only on a proposal whose current version enough other people approved, nobody refused,
-- and whose approved lines, date and type are exactly the entry's.
CREATE FUNCTION ledger_manual_entry_is_approved_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    approved record;
    votes integer;
BEGIN
    SELECT p.id, p.maker_id, v.id AS version_id, v.payload->'entry' AS entry, policy.required_approvals INTO approved
        FROM public.approvals_proposal p
        JOIN public.approvals_proposal_version v ON v.proposal_id = p.id AND v.n = p.current_version
        JOIN public.approvals_policy_version policy ON policy.id = v.policy_version_id
        JOIN public.approvals_execution x ON x.proposal_id = p.id AND x.version_id = v.id
        WHERE p.id = NEW.proposal_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'entry % names no executed proposal', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_is_approved';
    END IF;
    SELECT count(DISTINCT approver_id) FILTER (WHERE outcome = 'approve' AND approver_id <> approved.maker_id)
           - 1000 * count(*) FILTER (WHERE outcome <> 'approve')
        INTO votes FROM public.approvals_decision WHERE version_id = approved.version_id;
    IF votes < approved.required_approvals THEN
        RAISE EXCEPTION 'entry % has % of % approvals', NEW.id, greatest(votes, 0), approved.required_approvals
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_is_approved';
    END IF;
    -- What was approved may be silent on a point: then nothing was approved there, which is not the same as agreement.
    IF (approved.entry->>'effective_date')::date IS DISTINCT FROM NEW.effective_date
       OR approved.entry->>'type' IS DISTINCT FROM (SELECT k.code FROM public.ledger_transaction_type k WHERE k.id = NEW.type_id)
       OR EXISTS (
        (SELECT a.code, t.direction, t.amount_minor FROM public.ledger_posting t
            JOIN public.ledger_account a ON a.id = t.account_id WHERE t.entry_id = NEW.id
         EXCEPT ALL
         SELECT l->>'account', l->>'direction', (l->>'amount')::numeric FROM jsonb_array_elements(approved.entry->'lines') l)
        UNION ALL
        (SELECT l->>'account', l->>'direction', (l->>'amount')::numeric FROM jsonb_array_elements(approved.entry->'lines') l
         EXCEPT ALL
         SELECT a.code, t.direction, t.amount_minor FROM public.ledger_posting t
            JOIN public.ledger_account a ON a.id = t.account_id WHERE t.entry_id = NEW.id)) THEN
        RAISE EXCEPTION 'entry % differs from what was approved', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_is_what_was_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_manual_entry_is_approved AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.origin = 'manual') EXECUTE FUNCTION ledger_manual_entry_is_approved_v1();

CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_balance_never_deleted BEFORE DELETE ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();

-- An asset's scale, an account's asset, entity and type, and a type version's rules give meaning to what is posted.
CREATE FUNCTION ledger_meaning_never_changes_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    field text;
BEGIN
    FOREACH field IN ARRAY TG_ARGV LOOP
        IF to_jsonb(NEW)->field IS DISTINCT FROM to_jsonb(OLD)->field THEN
            RAISE EXCEPTION '% of % never changes', field, TG_TABLE_NAME
                USING ERRCODE = '23514', CONSTRAINT = TG_NAME;
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_asset_scale_never_changes BEFORE UPDATE ON ledger_asset
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('code', 'scale');
CREATE TRIGGER ledger_account_meaning_never_changes BEFORE UPDATE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('code', 'asset_id', 'entity_id', 'type', 'owner_class');
CREATE TRIGGER ledger_type_rules_never_change BEFORE UPDATE ON ledger_transaction_type
    FOR EACH ROW EXECUTE FUNCTION
        ledger_meaning_never_changes_v1('code', 'version', 'origin', 'debit_classes', 'credit_classes');
CREATE TRIGGER ledger_period_dates_never_change BEFORE UPDATE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('entity_id', 'starts_on', 'ends_on');

CREATE FUNCTION ledger_period_stays_closed_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the period from % to % is closed', OLD.starts_on, OLD.ends_on
        USING ERRCODE = '23514', CONSTRAINT = 'ledger_period_stays_closed';
END $$;
CREATE TRIGGER ledger_period_stays_closed BEFORE UPDATE ON ledger_period
    FOR EACH ROW WHEN (OLD.status = 'closed' AND (NEW.status, NEW.closed_at) IS DISTINCT FROM (OLD.status, OLD.closed_at))
    EXECUTE FUNCTION ledger_period_stays_closed_v1();

-- Within its own transaction a key may turn from a planned entry into a refusal; afterwards it never changes.
CREATE FUNCTION ledger_key_keeps_its_answer_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.entry_id IS NOT NULL AND NEW.entry_id IS NULL
       AND (NEW.scope, NEW.key, NEW.content, NEW.created_at) IS NOT DISTINCT FROM (OLD.scope, OLD.key, OLD.content, OLD.created_at)
       AND NOT EXISTS (SELECT 1 FROM public.ledger_entry e WHERE e.id = OLD.entry_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the answer to key % never changes', OLD.key
        USING ERRCODE = '23514', CONSTRAINT = 'ledger_key_keeps_its_answer';
END $$;
CREATE TRIGGER ledger_key_keeps_its_answer BEFORE UPDATE OR DELETE ON ledger_idempotency_key
    FOR EACH ROW EXECUTE FUNCTION ledger_key_keeps_its_answer_v1();

CREATE SEQUENCE ledger_entry_number START 10001;
-- reverse
DROP SEQUENCE ledger_entry_number;
DROP TRIGGER ledger_key_keeps_its_answer ON ledger_idempotency_key;
DROP FUNCTION ledger_key_keeps_its_answer_v1();
DROP TRIGGER ledger_period_stays_closed ON ledger_period;
DROP FUNCTION ledger_period_stays_closed_v1();
DROP TRIGGER ledger_period_dates_never_change ON ledger_period;
DROP TRIGGER ledger_type_rules_never_change ON ledger_transaction_type;
DROP TRIGGER ledger_account_meaning_never_changes ON ledger_account;
DROP TRIGGER ledger_asset_scale_never_changes ON ledger_asset;
DROP FUNCTION ledger_meaning_never_changes_v1();
DROP TRIGGER ledger_balance_never_deleted ON ledger_balance;
DROP TRIGGER ledger_posting_append_only ON ledger_posting;
DROP TRIGGER ledger_entry_append_only ON ledger_entry;
DROP TRIGGER ledger_manual_entry_is_approved ON ledger_entry;
DROP FUNCTION ledger_manual_entry_is_approved_v1();
DROP TRIGGER ledger_entry_in_open_period ON ledger_entry;
DROP FUNCTION ledger_entry_in_open_period_v1();
DROP TRIGGER ledger_entry_balanced ON ledger_posting;
DROP FUNCTION ledger_entry_balanced_v1();
ALTER TABLE ledger_idempotency_key
    DROP CONSTRAINT ledger_key_has_one_answer,
    DROP CONSTRAINT ledger_key_entry_exists;
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_last_line_exists;
ALTER TABLE ledger_posting
    DROP CONSTRAINT ledger_posting_agrees_with_account,
    DROP CONSTRAINT ledger_posting_agrees_with_entry;
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_proposal_exists,
    DROP CONSTRAINT ledger_entry_period_belongs_to_entity;
ALTER TABLE ledger_period
    DROP CONSTRAINT ledger_period_belongs_to_entity,
    DROP CONSTRAINT ledger_periods_do_not_overlap;
