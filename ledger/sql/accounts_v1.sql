-- The doors to what an account may do and where it stands, to transaction types, to the roller and to rebuilding what is derived.

-- Every account has its balance row from birth, so posting only ever locks and updates. What others stand under is a control account,
-- which has no postings of its own.
CREATE FUNCTION ledger_account_gets_a_balance_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_balance (
        account_id, debit_normal, posted_debits_minor, posted_credits_minor, pending_debits_minor, pending_credits_minor, version,
        debits_frozen, credits_frozen, deferred, has_velocity_limits)
    VALUES (NEW.id, NEW.type IN ('asset', 'expense'), 0, 0, 0, 0, 0, false, false, false, false);
    IF NEW.parent_id IS NOT NULL THEN
        PERFORM ledger_stand_under_v1(NEW.id, NEW.parent_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_account_gets_a_balance AFTER INSERT ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_account_gets_a_balance_v1();

CREATE FUNCTION ledger_stand_under_v1(child bigint, control bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger_balance b WHERE b.account_id = control FOR UPDATE;
    IF EXISTS (SELECT 1 FROM ledger_posting p WHERE p.account_id = control) THEN
        RAISE EXCEPTION 'account % has postings of its own', control
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_control_account_has_no_postings';
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_account c JOIN ledger_account p ON p.id = control
               WHERE c.id = child AND (c.asset_id, c.entity_id, c.type) <> (p.asset_id, p.entity_id, p.type)) THEN
        RAISE EXCEPTION 'account % stands under one of another asset, entity or type', child
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_is_of_its_controls_kind';
    END IF;
    -- Going up from the control account never comes back to the child.
    IF EXISTS (
        WITH RECURSIVE above (id, parent_id) AS (
            SELECT a.id, a.parent_id FROM ledger_account a WHERE a.id = control
            UNION SELECT a.id, a.parent_id FROM ledger_account a JOIN above ON a.id = above.parent_id)
        SELECT 1 FROM above WHERE id = child) THEN
        RAISE EXCEPTION 'account % would stand under itself', child
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_tree_has_no_circle';
    END IF;
    UPDATE ledger_account a SET is_control = true WHERE a.id = control AND NOT a.is_control;
END $$;

-- No place of its own at once for each leg is only for accounts of the company's own, of which nobody is kept a statement.
CREATE FUNCTION ledger_deferred_account_is_our_own_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.ledger_account a WHERE a.id = NEW.account_id
                   AND a.owner_class IN ('fee', 'settlement', 'fx_position', 'platform', 'suspense')) THEN
        RAISE EXCEPTION 'account % has a statement to keep', NEW.account_id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_deferred_account_is_our_own';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_deferred_account_is_our_own AFTER INSERT OR UPDATE OF deferred ON ledger_balance
    FOR EACH ROW WHEN (NEW.deferred) EXECUTE FUNCTION ledger_deferred_account_is_our_own_v1();

-- Whether a proposal of this kind about this object asked for exactly this and is being executed: an old one allows nothing again.
CREATE FUNCTION ledger_was_approved_v1(proposal uuid, wanted_kind text, target text, wanted jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM approvals_execution x
        JOIN approvals_proposal p ON p.id = x.proposal_id AND p.kind = wanted_kind AND p.target_id = target
        JOIN approvals_proposal_version v ON v.id = x.version_id AND v.payload->'changes' = wanted
        WHERE x.proposal_id = proposal AND approvals_is_executed_here_v1(proposal))
$$;

-- Change an account: {overdraft_limit (text or null), debits_frozen, credits_frozen, deferred, velocity: [...], status, parent, group, name,
-- purpose}. Freezing takes nobody's approval and holds from the moment it commits; everything else, once anything was posted or held
-- on the account, takes an executed proposal that asked for exactly this.
CREATE FUNCTION ledger_change_account_v1(account_code text, changes jsonb, proposal uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target ledger_account;
    before ledger_balance;
    only_freezes boolean := changes <@ '{"debits_frozen": true, "credits_frozen": true}' AND changes <> '{}';
BEGIN
    SELECT * INTO target FROM ledger_account a WHERE a.code = account_code FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', account_code USING ERRCODE = '23514', CONSTRAINT = 'ledger_changed_account_exists';
    END IF;
    SELECT * INTO before FROM ledger_balance b WHERE b.account_id = target.id FOR UPDATE;
    IF NOT only_freezes AND (before.version > 0 OR before.pending_debits_minor + before.pending_credits_minor > 0 OR before.debits_frozen
                             OR before.credits_frozen OR target.status <> 'open'
                             OR EXISTS (SELECT 1 FROM ledger_posting_tail t WHERE t.account_id = target.id))
       AND NOT ledger_was_approved_v1(proposal, 'ledger.change_account', account_code, changes) THEN
        RAISE EXCEPTION 'account % changes on an executed proposal only', account_code
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_change_is_approved';
    END IF;
    IF changes->>'status' = 'closed' AND (
        before.posted_debits_minor <> before.posted_credits_minor OR before.pending_debits_minor + before.pending_credits_minor > 0
        OR EXISTS (SELECT 1 FROM ledger_posting_tail t WHERE t.account_id = target.id)
        OR EXISTS (SELECT 1 FROM ledger_account c WHERE c.parent_id = target.id AND c.status = 'open')) THEN
        RAISE EXCEPTION 'account % is not empty', account_code USING ERRCODE = '23514', CONSTRAINT = 'ledger_closed_account_is_empty';
    END IF;
    IF changes ? 'deferred' THEN
        PERFORM ledger_roll_account_v1(target.id, 1000000);
    END IF;
    IF changes ? 'velocity' THEN
        UPDATE ledger_velocity_limit v SET active = false WHERE v.account_id = target.id AND v.active;
        INSERT INTO ledger_velocity_limit (account_id, direction, window_minutes, maximum_minor, maximum_postings, active)
            SELECT target.id, v.direction, v.window_minutes, v.maximum, v.maximum_postings, true
            FROM jsonb_to_recordset(changes->'velocity') v (direction text, window_minutes integer, maximum numeric, maximum_postings integer);
    END IF;
    UPDATE ledger_balance b SET
        overdraft_limit_minor = CASE WHEN changes ? 'overdraft_limit' THEN (changes->>'overdraft_limit')::numeric ELSE b.overdraft_limit_minor END,
        debits_frozen = coalesce((changes->>'debits_frozen')::boolean, b.debits_frozen),
        credits_frozen = coalesce((changes->>'credits_frozen')::boolean, b.credits_frozen),
        deferred = coalesce((changes->>'deferred')::boolean, b.deferred),
        has_velocity_limits = CASE WHEN changes ? 'velocity' THEN jsonb_array_length(changes->'velocity') > 0 ELSE b.has_velocity_limits END
        WHERE b.account_id = target.id;
    UPDATE ledger_account a SET
        status = coalesce(changes->>'status', a.status),
        closed_at = CASE changes->>'status' WHEN 'closed' THEN clock_timestamp() WHEN 'open' THEN NULL ELSE a.closed_at END,
        name = coalesce(changes->>'name', a.name),
        purpose = coalesce(changes->>'purpose', a.purpose),
        group_id = coalesce((SELECT g.id FROM ledger_account_group g WHERE g.code = changes->>'group'), a.group_id),
        parent_id = CASE WHEN changes ? 'parent' THEN (SELECT p.id FROM ledger_account p WHERE p.code = changes->>'parent') ELSE a.parent_id END
        WHERE a.id = target.id;
    IF changes->>'parent' IS NOT NULL THEN
        PERFORM ledger_stand_under_v1(target.id, (SELECT p.id FROM ledger_account p WHERE p.code = changes->>'parent'));
    END IF;
END $$;

-- Register a version of a transaction type: {code, name, origin, legs, roles, required_roles, parameters, external, ...}. Once the books
-- hold an entry, only an executed proposal adds rules: nobody can give themselves a deposit from suspense.
CREATE FUNCTION ledger_define_type_v1(terms jsonb, proposal uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    new_id bigint;
    latest integer;
BEGIN
    PERFORM pg_advisory_xact_lock(4202, hashtext(terms->>'code'));
    IF EXISTS (SELECT 1 FROM ledger_entry) AND NOT ledger_was_approved_v1(proposal, 'ledger.define_type', terms->>'code', terms) THEN
        RAISE EXCEPTION 'type % changes on an executed proposal only', terms->>'code'
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_type_change_is_approved';
    END IF;
    SELECT max(t.version) INTO latest FROM ledger_transaction_type t WHERE t.code = terms->>'code';
    UPDATE ledger_transaction_type t SET current = false WHERE t.code = terms->>'code' AND t.current;
    INSERT INTO ledger_transaction_type (
        code, version, name, origin, legs, roles, required_roles, parameters, external, reversible, mirrors, settles, multi_capture,
        in_soft_lock, backdating_days, current)
    VALUES (
        terms->>'code', coalesce(latest, 0) + 1, terms->>'name', terms->>'origin', terms->'legs', terms->'roles', terms->'required_roles',
        terms->'parameters', (terms->>'external')::boolean, (terms->>'reversible')::boolean, (terms->>'mirrors')::boolean,
        (terms->>'settles')::boolean, (terms->>'multi_capture')::boolean, (terms->>'in_soft_lock')::boolean,
        (terms->>'backdating_days')::integer, true)
    RETURNING id INTO new_id;
    RETURN new_id;
END $$;

-- Fold the oldest deferred legs of an account into its balance and its days, each with its place and the balance after it; returns how
-- many. A leg leaves the tail in the transaction that gives it its place, so a reader sees it exactly once.
CREATE FUNCTION ledger_roll_account_v1(target bigint, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    rolled integer;
BEGIN
    PERFORM 1 FROM ledger_balance b WHERE b.account_id = target FOR UPDATE;
    WITH taken AS (
        DELETE FROM ledger_posting_tail t WHERE (t.entry_id, t.line) IN (
            SELECT s.entry_id, s.line FROM ledger_posting_tail s WHERE s.account_id = target ORDER BY s.entry_id, s.line LIMIT at_most)
        RETURNING t.entry_id, t.line, t.effective_date,
                  CASE t.direction WHEN 'debit' THEN t.amount_minor ELSE 0 END AS debit,
                  CASE t.direction WHEN 'debit' THEN 0 ELSE t.amount_minor END AS credit
    ), placed AS (
        INSERT INTO ledger_rolled_posting (entry_id, line, account_id, account_seq, effective_date, balance_after_minor, rolled_at)
        SELECT t.entry_id, t.line, target, b.version + row_number() OVER so_far, t.effective_date,
               (b.posted_debits_minor - b.posted_credits_minor + sum(t.debit - t.credit) OVER so_far) * CASE WHEN b.debit_normal THEN 1 ELSE -1 END,
               clock_timestamp()
        FROM taken t, ledger_balance b WHERE b.account_id = target
        WINDOW so_far AS (ORDER BY t.entry_id, t.line)
    ), dated AS (
        INSERT INTO ledger_day_delta AS d (account_id, effective_date, debits_minor, credits_minor, postings)
        SELECT target, t.effective_date, sum(t.debit), sum(t.credit), count(*) FROM taken t GROUP BY t.effective_date
        ON CONFLICT (account_id, effective_date) DO UPDATE SET
            debits_minor = d.debits_minor + excluded.debits_minor, credits_minor = d.credits_minor + excluded.credits_minor,
            postings = d.postings + excluded.postings
    ), moved AS (
        UPDATE ledger_balance b SET posted_debits_minor = b.posted_debits_minor + s.debits,
            posted_credits_minor = b.posted_credits_minor + s.credits, version = b.version + s.n
        FROM (SELECT sum(debit) AS debits, sum(credit) AS credits, count(*) AS n FROM taken) s
        WHERE b.account_id = target AND s.n > 0
    )
    SELECT count(*) INTO rolled FROM taken;
    RETURN rolled;
END $$;

-- Derive an account's balance and days from its postings again, on an executed proposal. Postings themselves never change.
CREATE FUNCTION ledger_rebuild_derived_v1(account_code text, proposal uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target bigint;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_execution x JOIN approvals_proposal p ON p.id = x.proposal_id
        WHERE x.proposal_id = proposal AND p.kind = 'ledger.rebuild_derived' AND p.target_id = account_code) THEN
        RAISE EXCEPTION 'the figures of account % are rebuilt on an executed proposal only', account_code
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_rebuild_is_approved';
    END IF;
    SELECT a.id INTO target FROM ledger_account a WHERE a.code = account_code;
    PERFORM 1 FROM ledger_balance b WHERE b.account_id = target FOR UPDATE;
    DELETE FROM ledger_day_delta d WHERE d.account_id = target;
    INSERT INTO ledger_day_delta (account_id, effective_date, debits_minor, credits_minor, postings)
        SELECT target, p.effective_date, coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'debit'), 0),
               coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'credit'), 0), count(*)
        FROM ledger_posting p WHERE p.account_id = target
          AND NOT EXISTS (SELECT 1 FROM ledger_posting_tail t WHERE t.entry_id = p.entry_id AND t.line = p.line)
        GROUP BY p.effective_date;
    UPDATE ledger_balance b SET
        posted_debits_minor = s.debits, posted_credits_minor = s.credits, version = s.n,
        pending_debits_minor = h.debits, pending_credits_minor = h.credits
        FROM (SELECT coalesce(sum(d.debits_minor), 0) AS debits, coalesce(sum(d.credits_minor), 0) AS credits,
                     coalesce(sum(d.postings), 0) AS n FROM ledger_day_delta d WHERE d.account_id = target) s,
             (SELECT coalesce(sum(o.amount_minor - o.captured_minor - o.released_minor) FILTER (WHERE o.direction = 'debit'), 0) AS debits,
                     coalesce(sum(o.amount_minor - o.captured_minor - o.released_minor) FILTER (WHERE o.direction = 'credit'), 0) AS credits
              FROM ledger_hold o WHERE o.account_id = target AND o.closed_at IS NULL) h
        WHERE b.account_id = target;
END $$;

REVOKE ALL ON FUNCTION
    ledger_account_gets_a_balance_v1(), ledger_stand_under_v1(bigint, bigint), ledger_was_approved_v1(uuid, text, text, jsonb),
    ledger_change_account_v1(text, jsonb, uuid), ledger_define_type_v1(jsonb, uuid), ledger_roll_account_v1(bigint, integer),
    ledger_rebuild_derived_v1(text, uuid)
    FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_rebuild_derived_v1(text, uuid);
DROP FUNCTION ledger_roll_account_v1(bigint, integer);
DROP FUNCTION ledger_define_type_v1(jsonb, uuid);
DROP FUNCTION ledger_change_account_v1(text, jsonb, uuid);
DROP FUNCTION ledger_was_approved_v1(uuid, text, text, jsonb);
DROP TRIGGER ledger_deferred_account_is_our_own ON ledger_balance;
DROP FUNCTION ledger_deferred_account_is_our_own_v1();
DROP TRIGGER ledger_account_gets_a_balance ON ledger_account;
DROP FUNCTION ledger_account_gets_a_balance_v1();
DROP FUNCTION ledger_stand_under_v1(bigint, bigint);
