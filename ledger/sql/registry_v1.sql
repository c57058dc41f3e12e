-- Holds and what sources report. Like posting, they answer by value and remember the answer with the key.

-- Set money of an account aside, or give it back. Request: {act: place | release, key, actor_id, request_id} with, to place,
-- {type, entity, account, direction, amount, asset, expires_at, reference, description, metadata} and, to release, {hold, amount}.
CREATE FUNCTION ledger_change_hold_v1(caller_scope text, request jsonb, OUT outcome text, OUT answer_id uuid, OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    own_content jsonb := request - '{key,actor_id,request_id}'::text[];
    actor bigint := (request->>'actor_id')::bigint;
    to_place boolean := request->>'act' = 'place';
    held ledger_hold;
    target record;
    rule record;
    new_id uuid := uuidv7();
    wanted numeric(38, 0) := (request->>'amount')::numeric;
    rest numeric;
BEGIN
    IF to_place THEN
        SELECT a.id, a.status, a.owner_class, a.is_control, a.entity_id, s.code AS asset, e.code AS entity INTO target
            FROM ledger_account a JOIN ledger_asset s ON s.id = a.asset_id JOIN ledger_entity e ON e.id = a.entity_id
            WHERE a.code = request->>'account';
    ELSE
        SELECT h.account_id AS id, a.entity_id INTO target FROM ledger_hold h JOIN ledger_account a ON a.id = h.account_id
            WHERE h.transaction_id = (request->>'hold')::uuid;
    END IF;
    PERFORM 1 FROM ledger_balance b WHERE b.account_id = target.id FOR UPDATE;
    SELECT t.id, t.roles, t.multi_capture, t.origin INTO rule FROM ledger_transaction_type t WHERE t.current AND t.code =
        CASE WHEN to_place THEN request->>'type' ELSE 'hold' END;

    INSERT INTO ledger_transaction (
        id, scope, key, content, type_id, entity_id, status, settlement, parent_id, actor_id, request_id, created_at)
    VALUES (
        new_id, caller_scope, request->>'key', own_content, rule.id, target.entity_id,
        CASE WHEN to_place THEN 'pending' ELSE 'cancelled' END, 'not_applicable', CASE WHEN target.id IS NOT NULL THEN (request->>'hold')::uuid END,
        actor, coalesce(request->>'request_id', ''), clock_timestamp())
    ON CONFLICT (scope, key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT a.outcome, a.posted_id, a.code, a.detail INTO outcome, answer_id, code, detail
            FROM ledger_answer_again_v1(caller_scope, request->>'key', own_content, request) a;
        RETURN;
    END IF;

    IF to_place THEN
        code := CASE WHEN rule.id IS NULL THEN 'unknown_transaction_type'
                     WHEN rule.origin <> 'rule' THEN 'approval_required'
                     WHEN target.id IS NULL THEN 'unknown_account'
                     WHEN target.entity <> request->>'entity' THEN 'account_of_another_entity'
                     WHEN target.asset <> request->>'asset' THEN 'account_holds_another_asset'
                     WHEN target.status <> 'open' THEN 'account_not_open'
                     WHEN target.is_control THEN 'account_is_a_control_account'
                     WHEN (rule.roles->(request->>'direction') ? target.owner_class) IS NOT TRUE THEN 'account_class_not_allowed'
                     WHEN (SELECT b.deferred FROM ledger_balance b WHERE b.account_id = target.id) THEN 'account_is_deferred'
                     WHEN (request->>'expires_at')::timestamptz <= clock_timestamp() THEN 'hold_has_expired' END;
        detail := jsonb_build_object('line', 1, 'account', request->>'account', 'direction', request->>'direction', 'asset', target.asset,
            'status', target.status, 'owner_class', target.owner_class, 'type', request->>'type', 'expires_at', request->>'expires_at');
        IF code IS NULL THEN
            -- A hold of outflow asks of the account what its posting would.
            SELECT r.code, r.detail INTO code, detail FROM ledger_limit_refusal_v1(
                false, NULL::ledger_hold, false, ARRAY[target.id], ARRAY[request->>'direction' = 'debit'], ARRAY[wanted]) r;
        END IF;
        IF code IS NULL THEN
            INSERT INTO ledger_hold (
                transaction_id, account_id, direction, amount_minor, captured_minor, released_minor, multi_capture, expires_at)
            VALUES (new_id, target.id, request->>'direction', wanted, 0, 0, rule.multi_capture, (request->>'expires_at')::timestamptz);
            INSERT INTO ledger_hold_event (id, hold_id, act, amount_minor, terminal, actor_id, happened_at)
                VALUES (uuidv7(), new_id, 'placed', wanted, false, actor, clock_timestamp());
            UPDATE ledger_balance b SET
                pending_debits_minor = b.pending_debits_minor + CASE request->>'direction' WHEN 'debit' THEN wanted ELSE 0 END,
                pending_credits_minor = b.pending_credits_minor + CASE request->>'direction' WHEN 'debit' THEN 0 ELSE wanted END
                WHERE b.account_id = target.id;
            outcome := 'placed'; answer_id := new_id; detail := NULL;
            RETURN;
        END IF;
    ELSE
        SELECT * INTO held FROM ledger_hold h WHERE h.transaction_id = (request->>'hold')::uuid FOR UPDATE;
        rest := held.amount_minor - held.captured_minor - held.released_minor;
        wanted := coalesce(wanted, rest);
        code := CASE WHEN held.transaction_id IS NULL THEN 'unknown_hold'
                     WHEN held.closed_at IS NOT NULL THEN 'hold_has_ended'
                     WHEN wanted > rest THEN 'release_exceeds_hold' END;
        detail := jsonb_build_object('hold', request->>'hold', 'remaining', rest::text);
        IF code IS NULL THEN
            PERFORM ledger_give_back_v1(held, wanted, 'released', actor);
            outcome := 'released'; answer_id := held.transaction_id; detail := NULL;
            RETURN;
        END IF;
    END IF;
    UPDATE ledger_transaction k SET status = 'failed', refusal_code = code, refusal_detail = detail WHERE k.id = new_id;
    outcome := 'refused';
END $$;

-- Give part or all of what a locked hold still keeps back to its account.
CREATE FUNCTION ledger_give_back_v1(held ledger_hold, amount numeric, how text, actor bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ends boolean := amount = held.amount_minor - held.captured_minor - held.released_minor;
BEGIN
    UPDATE ledger_hold h SET released_minor = h.released_minor + amount, closed_at = CASE WHEN ends THEN clock_timestamp() END
        WHERE h.transaction_id = held.transaction_id;
    UPDATE ledger_balance b SET
        pending_debits_minor = b.pending_debits_minor - CASE held.direction WHEN 'debit' THEN amount ELSE 0 END,
        pending_credits_minor = b.pending_credits_minor - CASE held.direction WHEN 'debit' THEN 0 ELSE amount END
        WHERE b.account_id = held.account_id;
    INSERT INTO ledger_hold_event (id, hold_id, act, amount_minor, terminal, actor_id, happened_at)
        VALUES (uuidv7(), held.transaction_id, how, amount, ends, actor, clock_timestamp());
    IF ends THEN
        UPDATE ledger_transaction k SET status = CASE WHEN held.captured_minor > 0 THEN 'posted' ELSE 'cancelled' END
            WHERE k.id = held.transaction_id;
    END IF;
END $$;

-- End holds whose time is over; returns how many. Another call at the same time takes others.
CREATE FUNCTION ledger_expire_holds_v1(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    due record;
    held ledger_hold;
    ended integer := 0;
BEGIN
    FOR due IN
        SELECT h.transaction_id, h.account_id FROM ledger_hold h WHERE h.closed_at IS NULL AND h.expires_at <= clock_timestamp()
        ORDER BY h.account_id, h.transaction_id LIMIT at_most
    LOOP
        PERFORM 1 FROM ledger_balance b WHERE b.account_id = due.account_id FOR UPDATE;
        SELECT * INTO held FROM ledger_hold h WHERE h.transaction_id = due.transaction_id FOR UPDATE;
        IF held.closed_at IS NULL THEN
            PERFORM ledger_give_back_v1(held, held.amount_minor - held.captured_minor - held.released_minor, 'expired', NULL);
            ended := ended + 1;
        END IF;
    END LOOP;
    RETURN ended;
END $$;

-- Record what a source says became of a transaction: {transaction, axis, to, source, source_event_id, source_at, note, actor_id} and,
-- where the report has just posted it, posted_from: its status before.
-- Outcome 'applied', 'late' (it is further along already), 'conflict' (no arrow leads there) or 'duplicate' (delivered before).
-- Posting an initiated transaction is not this function's: the caller posts it, which moves its status.
CREATE FUNCTION ledger_record_status_v1(report jsonb, OUT outcome text, OUT event_id uuid, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    about ledger_transaction;
    at_present text;
    wanted text := report->>'to';
    stages text[] := CASE report->>'axis' WHEN 'status' THEN '{initiated,pending,posted,reversed}'::text[]
                          ELSE '{expected,sent,confirmed,settled,returned}'::text[] END;
BEGIN
    SELECT * INTO about FROM ledger_transaction k WHERE k.id = (report->>'transaction')::uuid FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    at_present := CASE report->>'axis' WHEN 'status' THEN about.status ELSE about.settlement END;
    UPDATE ledger_transaction_event e SET deliveries = e.deliveries + 1
        WHERE e.source = report->>'source' AND e.source_event_id = report->>'source_event_id'
        RETURNING e.id, jsonb_build_object('transaction', e.transaction_id, 'to', e.to_status, 'axis', e.axis) INTO event_id, detail;
    IF FOUND THEN
        outcome := CASE WHEN detail = jsonb_build_object('transaction', about.id, 'to', wanted, 'axis', report->>'axis') THEN 'duplicate'
                        ELSE 'event_id_reused' END;
        RETURN;
    END IF;
    outcome := CASE
        WHEN at_present = wanted AND report ? 'posted_from' THEN 'applied'
        WHEN at_present = wanted THEN 'late'
        WHEN public.ledger_status_may_move_v1(report->>'axis', at_present, wanted)
             AND NOT (report->>'axis' = 'status' AND (wanted IN ('posted', 'reversed')
                      -- A hold ends by giving what it holds, not by being said to have ended.
                      OR EXISTS (SELECT FROM ledger_hold h WHERE h.transaction_id = about.id))) THEN 'applied'
        WHEN array_position(stages, at_present) > array_position(stages, wanted) THEN 'late'
        ELSE 'conflict' END;
    event_id := uuidv7();
    INSERT INTO ledger_transaction_event (
        id, transaction_id, axis, from_status, to_status, outcome, source, source_event_id, source_at, note, deliveries, actor_id, recorded_at)
    VALUES (
        event_id, about.id, report->>'axis', coalesce(report->>'posted_from', at_present), wanted, outcome, report->>'source', report->>'source_event_id',
        (report->>'source_at')::timestamptz, coalesce(report->>'note', ''), 1, (report->>'actor_id')::bigint, clock_timestamp());
    IF outcome = 'applied' AND report->>'axis' = 'status' THEN
        UPDATE ledger_transaction k SET status = wanted WHERE k.id = about.id;
    ELSIF outcome = 'applied' THEN
        UPDATE ledger_transaction k SET settlement = wanted WHERE k.id = about.id;
    ELSIF outcome = 'conflict' THEN
        INSERT INTO ledger_alert (id, kind, transaction_id, detail, raised_at, seen_to_note)
            VALUES (uuidv7(), 'status_conflict', about.id, jsonb_build_object(
                'axis', report->>'axis', 'from', at_present, 'to', wanted, 'source', report->>'source',
                'source_event_id', report->>'source_event_id'), clock_timestamp(), '');
    END IF;
    detail := jsonb_build_object('from', coalesce(report->>'posted_from', at_present), 'to', wanted);
END $$;

REVOKE ALL ON FUNCTION
    ledger_change_hold_v1(text, jsonb), ledger_give_back_v1(ledger_hold, numeric, text, bigint), ledger_expire_holds_v1(integer),
    ledger_record_status_v1(jsonb)
    FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_record_status_v1(jsonb);
DROP FUNCTION ledger_expire_holds_v1(integer);
DROP FUNCTION ledger_give_back_v1(ledger_hold, numeric, text, bigint);
DROP FUNCTION ledger_change_hold_v1(text, jsonb);
