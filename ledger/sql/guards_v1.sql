ALTER TABLE ledger_period
    ADD CONSTRAINT ledger_periods_do_not_overlap
        EXCLUDE USING gist (entity_id WITH =, daterange(starts_on, ends_on, '[]') WITH &&);

ALTER TABLE ledger_entry
    ADD CONSTRAINT ledger_entry_proposal_exists
        FOREIGN KEY (proposal_id) REFERENCES approvals_proposal (id);

-- A transaction that says it posted has its entry, to the last posting: neither can commit without the other. That it was not refused is
-- asked when the entry comes.
ALTER TABLE ledger_transaction
    ADD CONSTRAINT ledger_transaction_entry_exists
        FOREIGN KEY (entry_id, lines) REFERENCES ledger_posting (entry_id, line) MATCH FULL DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT ledger_transaction_has_its_entrys_id CHECK (entry_id = id);

-- The limit stands on the row that posting locks, so that no path can pass it. PostgreSQL reads the text of a check anew for every
-- statement, so what few accounts need is in a function, and the text is short.
CREATE FUNCTION ledger_balance_keeps_its_limit_v1(b ledger_balance) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN b.overdraft_limit_minor >= 0 AND -b.overdraft_limit_minor <=
        CASE WHEN b.debit_normal THEN b.posted_debits_minor - b.posted_credits_minor - b.pending_credits_minor
             ELSE b.posted_credits_minor - b.posted_debits_minor - b.pending_debits_minor END;
END $$;
ALTER TABLE ledger_balance
    ADD CONSTRAINT ledger_balance_keeps_its_limit CHECK (
        overdraft_limit_minor IS NULL OR ledger_balance_keeps_its_limit_v1(ledger_balance));
-- A side that is neither would escape the classes of its type; an amount that is no number would never be given back.
ALTER TABLE ledger_hold
    ADD CONSTRAINT ledger_hold_is_of_a_number_on_a_side CHECK (direction IN ('debit', 'credit') AND amount_minor < 1e38);
-- Room on its page for a second version of every row: a large batch moves every account at once.
ALTER TABLE ledger_balance SET (fillfactor = 50);

-- What posting does not touch is asked only where it is changed, and after that: a trigger before an update would have every posting lock
-- the row twice.
CREATE FUNCTION ledger_balance_components_not_negative_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.pending_debits_minor < 0 OR NEW.pending_credits_minor < 0 THEN
        RAISE EXCEPTION 'account % would have less than nothing pending', NEW.account_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_balance_components_not_negative';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_balance_components_not_negative AFTER UPDATE OF pending_debits_minor, pending_credits_minor ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_balance_components_not_negative_v1();
CREATE FUNCTION ledger_deferred_account_has_no_limit_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.deferred AND (NEW.overdraft_limit_minor IS NOT NULL OR NEW.has_velocity_limits
                         OR NEW.pending_debits_minor + NEW.pending_credits_minor > 0) THEN
        RAISE EXCEPTION 'account % has limits or holds, which deferred posting cannot keep', NEW.account_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_deferred_account_has_no_limit';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_deferred_account_has_no_limit
    AFTER UPDATE OF deferred, overdraft_limit_minor, has_velocity_limits, pending_debits_minor, pending_credits_minor ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION ledger_deferred_account_has_no_limit_v1();
ALTER TABLE ledger_day_delta SET (fillfactor = 50);

-- Postings of an entry arrive in one statement, as many as declared; each is of more than nothing, they balance per legal entity and
-- asset, stand in their open accounts' true asset and entity, and on their entry's day. One pass over what was inserted asks all of it,
-- where single references and checks would each ask for every row. One entry in one asset is asked leg by leg, since an aggregate takes
-- longer to set up than two legs to read; whatever is more, or wrong, is asked in general.
CREATE FUNCTION ledger_entry_balanced_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    leg record;
    one_entry uuid;
    one_asset bigint;
    one_entity bigint;
    declared integer;
    legs integer := 0;
    difference numeric := 0;
    wrong record;
BEGIN
    <<alone>>
    BEGIN
        FOR leg IN
            SELECT i.entry_id, i.asset_id, i.entity_id, i.lines,
                   CASE i.direction WHEN 'debit' THEN i.amount_minor ELSE -i.amount_minor END AS moved,
                   (i.lines = e.lines AND i.effective_date = e.effective_date AND i.line BETWEEN 1 AND e.lines
                    AND i.direction IN ('debit', 'credit') AND i.amount_minor > 0
                    AND a.asset_id = i.asset_id AND a.entity_id = i.entity_id AND a.status = 'open' AND NOT a.is_control) IS TRUE AS sound
            FROM inserted i
            LEFT JOIN public.ledger_entry e ON e.id = i.entry_id
            LEFT JOIN public.ledger_account a ON a.id = i.account_id
        LOOP
            IF legs = 0 THEN
                one_entry := leg.entry_id; one_asset := leg.asset_id; one_entity := leg.entity_id; declared := leg.lines;
            ELSIF leg.entry_id <> one_entry OR leg.asset_id <> one_asset OR leg.entity_id <> one_entity THEN
                EXIT alone;
            END IF;
            EXIT alone WHEN NOT leg.sound;
            legs := legs + 1; difference := difference + leg.moved;
        END LOOP;
        IF legs = declared AND difference = 0 THEN
            RETURN NULL;
        END IF;
    END alone;

    SELECT i.entry_id,
           bool_and(i.amount_minor > 0) AS of_something,
           bool_and(e.id IS NOT NULL AND e.lines = i.lines AND e.effective_date = i.effective_date) AS of_entry,
           bool_and(a.id IS NOT NULL) AS of_account,
           bool_and(a.status = 'open' AND NOT a.is_control) AS of_open_account,
           bool_and(i.line BETWEEN 1 AND i.lines AND i.direction IN ('debit', 'credit')) AS declared
        INTO wrong
        FROM inserted i
        LEFT JOIN public.ledger_entry e ON e.id = i.entry_id
        LEFT JOIN public.ledger_account a ON a.id = i.account_id AND a.asset_id = i.asset_id AND a.entity_id = i.entity_id
        GROUP BY i.entry_id, i.entity_id, i.asset_id
        HAVING sum(CASE i.direction WHEN 'debit' THEN i.amount_minor ELSE -i.amount_minor END) <> 0
            OR NOT bool_and(i.amount_minor > 0)
            OR NOT bool_and(e.id IS NOT NULL AND e.lines = i.lines AND e.effective_date = i.effective_date)
            OR NOT bool_and(a.id IS NOT NULL)
            OR NOT bool_and(a.status = 'open' AND NOT a.is_control)
            OR NOT bool_and(i.line BETWEEN 1 AND i.lines AND i.direction IN ('debit', 'credit'))
        LIMIT 1;
    IF FOUND THEN
        IF NOT wrong.declared THEN
            RAISE EXCEPTION 'entry % has not declared this line', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_line_is_declared';
        ELSIF NOT wrong.of_something THEN
            RAISE EXCEPTION 'a posting of entry % is of nothing or less', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_amount_positive';
        ELSIF NOT wrong.of_account THEN
            RAISE EXCEPTION 'a posting of entry % is not in its account''s asset and entity', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_agrees_with_account';
        ELSIF NOT wrong.of_open_account THEN
            -- Closed after the posting began and before it had the lock: who tries again hears it as a refusal.
            RAISE EXCEPTION 'a posting of entry % is on an account that takes none', wrong.entry_id
                USING ERRCODE = '40001', CONSTRAINT = 'ledger_posting_account_is_open';
        ELSIF NOT wrong.of_entry THEN
            RAISE EXCEPTION 'a posting differs from its entry % in lines or day', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_agrees_with_entry';
        END IF;
        RAISE EXCEPTION 'entry % does not balance', wrong.entry_id USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_balanced';
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

-- An entry belongs to a transaction that says so, has the origin of its type, and lies in a period of its entity that takes postings.
CREATE FUNCTION ledger_entry_in_open_period_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT e.id, p.id IS NOT NULL AS in_period, t.id IS NOT NULL AS of_type, e.lines >= 2 AS of_two_lines,
           e.origin = 'rule' OR e.proposal_id IS NOT NULL AS of_proposal INTO wrong
        FROM inserted e
        LEFT JOIN public.ledger_period p ON p.id = e.period_id AND p.entity_id = e.entity_id AND p.status <> 'closed'
            AND e.effective_date BETWEEN p.starts_on AND p.ends_on
        LEFT JOIN public.ledger_transaction_type t ON t.id = e.type_id AND t.origin = e.origin
        LEFT JOIN public.ledger_transaction k ON k.id = e.id AND k.refusal_code IS NULL
            AND (k.entry_id = e.id AND k.lines = e.lines OR k.status IN ('initiated', 'pending'))
        WHERE p.id IS NULL OR t.id IS NULL OR k.id IS NULL OR e.lines < 2 OR e.origin <> 'rule' AND e.proposal_id IS NULL
        LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF NOT wrong.of_two_lines THEN
        RAISE EXCEPTION 'entry % has fewer than two lines', wrong.id USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_has_two_lines';
    ELSIF NOT wrong.of_proposal THEN
        RAISE EXCEPTION 'entry % names no proposal', wrong.id USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_has_a_proposal';
    ELSIF NOT wrong.in_period THEN
        RAISE EXCEPTION 'entry % lies outside an open period of its entity', wrong.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_in_open_period';
    ELSIF NOT wrong.of_type THEN
        RAISE EXCEPTION 'entry % has another origin than its type', wrong.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_has_the_origin_of_its_type';
    END IF;
    RAISE EXCEPTION 'entry % belongs to no transaction', wrong.id
        USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_belongs_to_a_transaction';
END $$;
CREATE TRIGGER ledger_entry_in_open_period AFTER INSERT ON ledger_entry
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_in_open_period_v1();

-- A manual entry stands only on a proposal whose current version enough other people approved, nobody refused, and whose approved
-- lines, date and type are exactly the entry's; a proposal of several entries says which part this is. What a recurring rule posts by
-- itself has the approved lines on a later day, or the same with sides swapped where the rule undoes itself.
CREATE FUNCTION ledger_manual_entry_is_approved_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    approved record;
    votes integer;
BEGIN
    SELECT p.id, p.maker_id, v.id AS version_id, policy.required_approvals,
           -- One entry has no parts: with a number of its own it could be posted again. Parts are not counted from the last.
           CASE WHEN v.payload ? 'entries' THEN CASE WHEN NEW.proposal_part >= 0 THEN v.payload->'entries'->NEW.proposal_part END
                WHEN NEW.proposal_part IS NOT NULL AND NEW.origin <> 'automatic' THEN NULL
                ELSE v.payload->'entry' END AS entry,
           NEW.metadata->>'undoes' IS NOT NULL AND (v.payload->>'auto_reversing')::boolean AS swapped
        INTO approved
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
    IF (NEW.origin = 'manual' AND (approved.entry->>'effective_date')::date IS DISTINCT FROM coalesce(
            CASE WHEN NEW.prior_period THEN NEW.value_date END, NEW.effective_date))
       OR approved.entry->>'type' IS DISTINCT FROM (SELECT k.code FROM public.ledger_transaction_type k WHERE k.id = NEW.type_id)
       OR EXISTS (
        (SELECT a.code, CASE WHEN approved.swapped THEN CASE t.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END ELSE t.direction END,
                t.amount_minor FROM public.ledger_posting t
            JOIN public.ledger_account a ON a.id = t.account_id WHERE t.entry_id = NEW.id
         EXCEPT ALL
         SELECT l->>'account', l->>'direction', (l->>'amount')::numeric FROM jsonb_array_elements(approved.entry->'lines') l)
        UNION ALL
        (SELECT l->>'account', l->>'direction', (l->>'amount')::numeric FROM jsonb_array_elements(approved.entry->'lines') l
         EXCEPT ALL
         SELECT a.code, CASE WHEN approved.swapped THEN CASE t.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END ELSE t.direction END,
                t.amount_minor FROM public.ledger_posting t
            JOIN public.ledger_account a ON a.id = t.account_id WHERE t.entry_id = NEW.id)) THEN
        RAISE EXCEPTION 'entry % differs from what was approved', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_is_what_was_approved';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_manual_entry_is_approved AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.origin <> 'rule') EXECUTE FUNCTION ledger_manual_entry_is_approved_v1();

CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_balance_never_deleted BEFORE DELETE ON ledger_balance
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_account_never_deleted BEFORE DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_type_never_deleted BEFORE DELETE ON ledger_transaction_type
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_period_never_deleted BEFORE DELETE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_transaction_never_deleted BEFORE DELETE ON ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_hold_never_deleted BEFORE DELETE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_hold_event_append_only BEFORE UPDATE OR DELETE ON ledger_hold_event
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_key_use_append_only BEFORE UPDATE OR DELETE ON ledger_key_use
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_rolled_posting_append_only BEFORE UPDATE OR DELETE ON ledger_rolled_posting
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_close_append_only BEFORE UPDATE OR DELETE ON ledger_close
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_close_balance_append_only BEFORE UPDATE OR DELETE ON ledger_close_balance
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
CREATE TRIGGER ledger_rate_append_only BEFORE UPDATE OR DELETE ON ledger_rate
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
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('code', 'asset_id', 'entity_id', 'type', 'owner_class', 'equivalent_of_id');
CREATE TRIGGER ledger_type_rules_never_change BEFORE UPDATE ON ledger_transaction_type
    FOR EACH ROW EXECUTE FUNCTION
        ledger_meaning_never_changes_v1('code', 'version', 'origin', 'legs', 'roles', 'required_roles', 'parameters', 'external', 'reversible',
            'mirrors', 'settles', 'multi_capture', 'in_soft_lock', 'backdating_days');
CREATE TRIGGER ledger_period_dates_never_change BEFORE UPDATE ON ledger_period
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('entity_id', 'starts_on', 'ends_on');

-- What was closed opens again only by executing a proposal that says so, and until the instant it says: nobody moves that either.
CREATE FUNCTION ledger_period_stays_closed_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status <> 'closed' AND NEW.reopen_ends_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM public.approvals_execution x
        JOIN public.approvals_proposal p ON p.id = x.proposal_id AND p.kind = 'ledger.reopen_period'
        JOIN public.approvals_proposal_version v ON v.id = x.version_id AND v.payload->>'period' = NEW.id::text
        WHERE x.proposal_id = NEW.reopen_proposal_id AND public.approvals_is_executed_here_v1(NEW.reopen_proposal_id)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the period from % to % is closed', OLD.starts_on, OLD.ends_on
        USING ERRCODE = '23514', CONSTRAINT = 'ledger_period_stays_closed';
END $$;
CREATE TRIGGER ledger_period_stays_closed BEFORE UPDATE ON ledger_period
    FOR EACH ROW WHEN (
        OLD.status = 'closed' AND (NEW.status, NEW.closed_at) IS DISTINCT FROM (OLD.status, OLD.closed_at)
        OR NEW.status <> 'closed'
           AND (NEW.reopen_ends_at, NEW.reopen_proposal_id) IS DISTINCT FROM (OLD.reopen_ends_at, OLD.reopen_proposal_id))
    EXECUTE FUNCTION ledger_period_stays_closed_v1();

-- Both axes of a transaction move along declared arrows only. ledger.registry has the same arrows; a test compares them.
CREATE FUNCTION ledger_status_may_move_v1(axis text, from_status text, to_status text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (axis, from_status, to_status) IN (
        ('status', 'initiated', 'pending'), ('status', 'initiated', 'posted'), ('status', 'initiated', 'failed'),
        ('status', 'initiated', 'cancelled'), ('status', 'pending', 'posted'), ('status', 'pending', 'failed'),
        ('status', 'pending', 'cancelled'), ('status', 'posted', 'reversed'),
        ('settlement', 'expected', 'sent'), ('settlement', 'expected', 'confirmed'), ('settlement', 'expected', 'settled'),
        ('settlement', 'expected', 'returned'), ('settlement', 'sent', 'confirmed'), ('settlement', 'sent', 'settled'),
        ('settlement', 'sent', 'returned'), ('settlement', 'confirmed', 'settled'), ('settlement', 'confirmed', 'returned'),
        ('settlement', 'settled', 'returned'))
$$;

-- A transaction keeps what was asked; within the transaction that made it, it may still turn from planned to refused.
CREATE FUNCTION ledger_transaction_moves_along_arrows_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.scope, NEW.key, NEW.content, NEW.type_id, NEW.entity_id, NEW.actor_id, NEW.request_id, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.scope, OLD.key, OLD.content, OLD.type_id, OLD.entity_id, OLD.actor_id, OLD.request_id, OLD.created_at) THEN
        RAISE EXCEPTION 'transaction % keeps what was asked', OLD.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_keeps_what_was_asked';
    END IF;
    IF NEW.refusal_code IS NOT NULL AND OLD.refusal_code IS NULL AND NEW.entry_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM public.ledger_entry e WHERE e.id = OLD.id)
       AND NOT EXISTS (SELECT 1 FROM public.ledger_transaction_event e WHERE e.transaction_id = OLD.id) THEN
        RETURN NEW;
    END IF;
    IF NEW.refusal_code IS DISTINCT FROM OLD.refusal_code OR NEW.refusal_detail IS DISTINCT FROM OLD.refusal_detail
       OR NEW.parent_id IS DISTINCT FROM OLD.parent_id
       OR (NEW.entry_id IS DISTINCT FROM OLD.entry_id AND OLD.entry_id IS NOT NULL)
       OR (NEW.lines IS DISTINCT FROM OLD.lines AND EXISTS (SELECT 1 FROM public.ledger_entry e WHERE e.id = OLD.id AND e.lines <> NEW.lines)) THEN
        RAISE EXCEPTION 'the answer to transaction % never changes', OLD.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_keeps_its_answer';
    END IF;
    IF (NEW.status <> OLD.status AND NOT public.ledger_status_may_move_v1('status', OLD.status, NEW.status))
       OR (NEW.settlement <> OLD.settlement AND NOT public.ledger_status_may_move_v1('settlement', OLD.settlement, NEW.settlement)) THEN
        RAISE EXCEPTION 'transaction % cannot move from % / % to % / %', OLD.id, OLD.status, OLD.settlement, NEW.status, NEW.settlement
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_moves_along_arrows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_transaction_moves_along_arrows BEFORE UPDATE ON ledger_transaction
    FOR EACH ROW EXECUTE FUNCTION ledger_transaction_moves_along_arrows_v1();

-- An event of a transaction is a fact but for how often it was delivered.
CREATE FUNCTION ledger_transaction_event_append_only_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.deliveries = OLD.deliveries + 1 AND to_jsonb(NEW) - 'deliveries' = to_jsonb(OLD) - 'deliveries' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what a source reported never changes' USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_event_append_only';
END $$;
CREATE TRIGGER ledger_transaction_event_append_only BEFORE UPDATE OR DELETE ON ledger_transaction_event
    FOR EACH ROW EXECUTE FUNCTION ledger_transaction_event_append_only_v1();

-- A hold only ever gives: what is held, for whom and until when never changes, and what has ended stays so.
CREATE FUNCTION ledger_hold_only_gives_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL OR NEW.captured_minor < OLD.captured_minor OR NEW.released_minor < OLD.released_minor
       OR (NEW.transaction_id, NEW.account_id, NEW.direction, NEW.amount_minor, NEW.multi_capture, NEW.expires_at)
          IS DISTINCT FROM (OLD.transaction_id, OLD.account_id, OLD.direction, OLD.amount_minor, OLD.multi_capture, OLD.expires_at) THEN
        RAISE EXCEPTION 'hold % only gives', OLD.transaction_id USING ERRCODE = '23514', CONSTRAINT = 'ledger_hold_only_gives';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_hold_only_gives BEFORE UPDATE ON ledger_hold FOR EACH ROW EXECUTE FUNCTION ledger_hold_only_gives_v1();

-- Money may go to an account outside of the books once executing a proposal lists it; what was revoked needs another.
CREATE FUNCTION ledger_external_account_is_approved_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'allowed' AND NEW.proposal_id = OLD.proposal_id THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM public.approvals_execution x JOIN public.approvals_proposal p ON p.id = x.proposal_id
        WHERE x.proposal_id = NEW.proposal_id AND p.kind = 'ledger.allow_external_account' AND p.target_id = NEW.id::text
          AND public.approvals_is_executed_here_v1(NEW.proposal_id)) THEN
        RAISE EXCEPTION 'external account % is on no executed proposal', NEW.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_external_account_is_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_external_account_is_approved BEFORE INSERT OR UPDATE ON ledger_external_account
    FOR EACH ROW WHEN (NEW.status = 'allowed') EXECUTE FUNCTION ledger_external_account_is_approved_v1();
CREATE TRIGGER ledger_external_account_keeps_its_identity BEFORE UPDATE ON ledger_external_account
    FOR EACH ROW EXECUTE FUNCTION ledger_meaning_never_changes_v1('party_id', 'kind', 'asset_id', 'identifier', 'servicer');

CREATE TRIGGER ledger_recurring_entry_keeps_its_terms BEFORE UPDATE ON ledger_recurring_entry
    FOR EACH ROW EXECUTE FUNCTION
        ledger_meaning_never_changes_v1('code', 'entity_id', 'entry', 'frequency', 'day', 'auto_reversing', 'starts_on', 'ends_on', 'proposal_id');

CREATE SEQUENCE ledger_entry_number START 10001;
-- reverse
DROP SEQUENCE ledger_entry_number;
DROP TRIGGER ledger_recurring_entry_keeps_its_terms ON ledger_recurring_entry;
DROP TRIGGER ledger_external_account_keeps_its_identity ON ledger_external_account;
DROP TRIGGER ledger_external_account_is_approved ON ledger_external_account;
DROP FUNCTION ledger_external_account_is_approved_v1();
DROP TRIGGER ledger_hold_only_gives ON ledger_hold;
DROP FUNCTION ledger_hold_only_gives_v1();
DROP TRIGGER ledger_transaction_event_append_only ON ledger_transaction_event;
DROP FUNCTION ledger_transaction_event_append_only_v1();
DROP TRIGGER ledger_transaction_moves_along_arrows ON ledger_transaction;
DROP FUNCTION ledger_transaction_moves_along_arrows_v1();
DROP FUNCTION ledger_status_may_move_v1(text, text, text);
DROP TRIGGER ledger_period_stays_closed ON ledger_period;
DROP FUNCTION ledger_period_stays_closed_v1();
DROP TRIGGER ledger_period_dates_never_change ON ledger_period;
DROP TRIGGER ledger_type_rules_never_change ON ledger_transaction_type;
DROP TRIGGER ledger_account_meaning_never_changes ON ledger_account;
DROP TRIGGER ledger_asset_scale_never_changes ON ledger_asset;
DROP FUNCTION ledger_meaning_never_changes_v1();
DROP TRIGGER ledger_rate_append_only ON ledger_rate;
DROP TRIGGER ledger_close_balance_append_only ON ledger_close_balance;
DROP TRIGGER ledger_close_append_only ON ledger_close;
DROP TRIGGER ledger_rolled_posting_append_only ON ledger_rolled_posting;
DROP TRIGGER ledger_key_use_append_only ON ledger_key_use;
DROP TRIGGER ledger_hold_event_append_only ON ledger_hold_event;
DROP TRIGGER ledger_hold_never_deleted ON ledger_hold;
DROP TRIGGER ledger_transaction_never_deleted ON ledger_transaction;
DROP TRIGGER ledger_period_never_deleted ON ledger_period;
DROP TRIGGER ledger_type_never_deleted ON ledger_transaction_type;
DROP TRIGGER ledger_account_never_deleted ON ledger_account;
DROP TRIGGER ledger_balance_never_deleted ON ledger_balance;
DROP TRIGGER ledger_posting_append_only ON ledger_posting;
DROP TRIGGER ledger_entry_append_only ON ledger_entry;
DROP TRIGGER ledger_manual_entry_is_approved ON ledger_entry;
DROP FUNCTION ledger_manual_entry_is_approved_v1();
DROP TRIGGER ledger_entry_in_open_period ON ledger_entry;
DROP FUNCTION ledger_entry_in_open_period_v1();
DROP TRIGGER ledger_entry_balanced ON ledger_posting;
DROP FUNCTION ledger_entry_balanced_v1();
DROP TRIGGER ledger_deferred_account_has_no_limit ON ledger_balance;
DROP FUNCTION ledger_deferred_account_has_no_limit_v1();
DROP TRIGGER ledger_balance_components_not_negative ON ledger_balance;
DROP FUNCTION ledger_balance_components_not_negative_v1();
ALTER TABLE ledger_hold DROP CONSTRAINT ledger_hold_is_of_a_number_on_a_side;
ALTER TABLE ledger_balance DROP CONSTRAINT ledger_balance_keeps_its_limit;
DROP FUNCTION ledger_balance_keeps_its_limit_v1(ledger_balance);
ALTER TABLE ledger_transaction
    DROP CONSTRAINT ledger_transaction_has_its_entrys_id,
    DROP CONSTRAINT ledger_transaction_entry_exists;
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_proposal_exists;
ALTER TABLE ledger_period DROP CONSTRAINT ledger_periods_do_not_overlap;
