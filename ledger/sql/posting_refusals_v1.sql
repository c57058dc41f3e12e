-- What the posting function asks only of the drafts that need it. Each runs inside its call, with the locks it holds, and returns a
-- refusal as (code, detail), or nulls. None can be called by anybody else.

-- A key that came again: the original answer, or the fields that differ. Both are written down.
CREATE FUNCTION ledger_answer_again_v1(caller_scope text, own_key text, own_content jsonb, body jsonb,
    OUT outcome text, OUT posted_id uuid, OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    known ledger_transaction;
    differing jsonb;
BEGIN
    SELECT * INTO known FROM ledger_transaction k WHERE k.scope = caller_scope AND k.key = own_key;
    IF known.content <> own_content THEN
        outcome := 'mismatch';
        code := 'idempotency_key_reused';
        SELECT jsonb_agg(f ORDER BY f) INTO differing FROM jsonb_object_keys(known.content || own_content) f
            WHERE known.content->f IS DISTINCT FROM own_content->f;
        detail := jsonb_build_object('fields', differing);
    ELSIF known.refusal_code IS NOT NULL THEN
        outcome := 'refused'; code := known.refusal_code; detail := known.refusal_detail || '{"replayed": true}';
    ELSE
        outcome := 'replayed'; posted_id := known.id; detail := known.warnings;
    END IF;
    INSERT INTO ledger_key_use (transaction_id, mismatch, fields, actor_id, request_id, used_at)
        VALUES (known.id, differing IS NOT NULL, coalesce(differing, '[]'), (body->>'actor_id')::bigint, coalesce(body->>'request_id', ''),
                clock_timestamp());
END $$;

CREATE FUNCTION ledger_leg_refusal_v1(roles jsonb, leg jsonb, line bigint, OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target record;
BEGIN
    SELECT a.status, a.owner_class, a.is_control, s.code AS asset INTO target
        FROM ledger_account a JOIN ledger_asset s ON s.id = a.asset_id WHERE a.code = leg->>'account';
    code := CASE WHEN NOT FOUND THEN 'unknown_account'
                 WHEN target.asset <> leg->>'asset' THEN 'account_holds_another_asset'
                 WHEN target.status <> 'open' THEN 'account_not_open'
                 WHEN target.is_control THEN 'account_is_a_control_account'
                 ELSE 'account_class_not_allowed' END;
    detail := jsonb_build_object(
        'line', line, 'account', leg->>'account', 'direction', leg->>'direction', 'asset', target.asset, 'status', target.status,
        'owner_class', target.owner_class);
END $$;

-- Each entity's own legs balance in each asset (with due-to and due-from legs), and each has the day in an open period.
CREATE FUNCTION ledger_cross_entity_refusal_v1(own_entity bigint, entities bigint[], assets bigint[], debits boolean[], amounts numeric[],
    day date, OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    other record;
BEGIN
    SELECT 'entity_does_not_balance', jsonb_build_object('entity', e.code, 'asset', s.code, 'difference', sums.difference::text)
        INTO code, detail
        FROM (SELECT l.entity_id, l.asset_id, sum(CASE WHEN l.is_debit THEN l.amount ELSE -l.amount END) AS difference
              FROM unnest(entities, assets, debits, amounts) l (entity_id, asset_id, is_debit, amount)
              GROUP BY 1, 2 HAVING sum(CASE WHEN l.is_debit THEN l.amount ELSE -l.amount END) <> 0 ORDER BY 1, 2 LIMIT 1) sums
        JOIN ledger_entity e ON e.id = sums.entity_id JOIN ledger_asset s ON s.id = sums.asset_id;
    IF FOUND THEN
        RETURN;
    END IF;
    FOR other IN
        SELECT DISTINCT l.entity_id, e.code, p.id AS period_id FROM unnest(entities) l (entity_id)
        JOIN ledger_entity e ON e.id = l.entity_id
        LEFT JOIN ledger_period p ON p.entity_id = l.entity_id AND day BETWEEN p.starts_on AND p.ends_on
        WHERE l.entity_id <> own_entity ORDER BY p.id
    LOOP
        IF other.period_id IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock_shared(4201, other.period_id::integer);
        END IF;
        PERFORM 1 FROM ledger_period p WHERE p.id = other.period_id AND p.status = 'open'
            AND (p.reopen_ends_at IS NULL OR p.reopen_ends_at > clock_timestamp());
        IF NOT FOUND THEN
            code := 'no_open_period_of_entity'; detail := jsonb_build_object('entity', other.code, 'effective_date', day);
            RETURN;
        END IF;
    END LOOP;
END $$;

-- How much a capture takes: what its legs move on the held account in the direction held.
CREATE FUNCTION ledger_captured_v1(held ledger_hold, accounts bigint[], debits boolean[], amounts numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(l.amount), 0) FROM unnest(accounts, debits, amounts) l (account_id, is_debit, amount)
    WHERE l.account_id = held.account_id AND l.is_debit = (held.direction = 'debit')
$$;

CREATE FUNCTION ledger_capture_refusal_v1(held ledger_hold, accounts bigint[], debits boolean[], amounts numeric[], final boolean,
    OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    taken numeric;
    remaining numeric;
BEGIN
    IF held.transaction_id IS NULL THEN
        code := 'unknown_hold'; detail := '{}';
        RETURN;
    END IF;
    taken := ledger_captured_v1(held, accounts, debits, amounts);
    remaining := held.amount_minor - held.captured_minor - held.released_minor;
    code := CASE WHEN held.closed_at IS NOT NULL THEN 'hold_has_ended'
                 WHEN held.expires_at <= clock_timestamp() THEN 'hold_has_expired'
                 WHEN taken = 0 THEN 'capture_takes_nothing'
                 WHEN taken > remaining THEN 'capture_exceeds_hold' END;
    detail := jsonb_build_object('hold', held.transaction_id, 'remaining', remaining::text, 'captured', taken::text, 'expires_at', held.expires_at);
END $$;

-- Take what is captured from the hold and from what is pending; a single capture, or a final one, gives the rest back.
CREATE FUNCTION ledger_take_from_hold_v1(held ledger_hold, capture_id uuid, accounts bigint[], debits boolean[], amounts numeric[],
    final boolean, actor bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    taken numeric := ledger_captured_v1(held, accounts, debits, amounts);
    rest numeric := held.amount_minor - held.captured_minor - held.released_minor - ledger_captured_v1(held, accounts, debits, amounts);
    ends boolean := final OR NOT held.multi_capture OR rest = 0;
    given_back numeric := CASE WHEN ends THEN rest ELSE 0 END;
BEGIN
    UPDATE ledger_hold h SET captured_minor = h.captured_minor + taken, released_minor = h.released_minor + given_back,
        closed_at = CASE WHEN ends THEN clock_timestamp() END WHERE h.transaction_id = held.transaction_id;
    UPDATE ledger_balance b SET
        pending_debits_minor = b.pending_debits_minor - CASE WHEN held.direction = 'debit' THEN taken + given_back ELSE 0 END,
        pending_credits_minor = b.pending_credits_minor - CASE WHEN held.direction = 'debit' THEN 0 ELSE taken + given_back END
        WHERE b.account_id = held.account_id;
    INSERT INTO ledger_hold_event (id, hold_id, act, amount_minor, terminal, transaction_id, actor_id, happened_at)
        VALUES (uuidv7(), held.transaction_id, 'captured', taken, ends AND given_back = 0, capture_id, actor, clock_timestamp());
    IF given_back > 0 THEN
        INSERT INTO ledger_hold_event (id, hold_id, act, amount_minor, terminal, transaction_id, actor_id, happened_at)
            VALUES (uuidv7(), held.transaction_id, 'released', given_back, true, capture_id, actor, clock_timestamp());
    END IF;
    IF ends THEN
        UPDATE ledger_transaction k SET status = 'posted' WHERE k.id = held.transaction_id;
    END IF;
END $$;

-- A reversal undoes legs of the entry it names, each at most to its amount.
CREATE FUNCTION ledger_reversal_refusal_v1(original uuid, accounts bigint[], debits boolean[], amounts numeric[], OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM ledger_entry e JOIN ledger_transaction_type t ON t.id = e.type_id WHERE e.id = original AND t.reversible;
    IF NOT FOUND THEN
        code := CASE WHEN EXISTS (SELECT 1 FROM ledger_entry e WHERE e.id = original) THEN 'entry_not_reversible' ELSE 'unknown_entry' END;
        detail := jsonb_build_object('entry', original);
        RETURN;
    END IF;
    SELECT CASE WHEN w.posted IS NULL THEN 'reversal_leg_not_in_entry' ELSE 'reversal_exceeds_entry' END,
           jsonb_build_object('entry', original, 'account', a.code, 'amount', w.amount::text, 'posted', coalesce(w.posted, 0)::text,
                              'reversed', coalesce(w.reversed, 0)::text)
        INTO code, detail
        FROM (SELECT undone.account_id, undone.amount, r.reversed_minor AS reversed,
                     (SELECT sum(p.amount_minor) FROM ledger_posting p WHERE p.entry_id = original AND p.account_id = undone.account_id
                      AND (p.direction = 'debit') <> undone.is_debit) AS posted
              FROM (SELECT l.account_id, l.is_debit, sum(l.amount) AS amount
                    FROM unnest(accounts, debits, amounts) l (account_id, is_debit, amount) GROUP BY 1, 2) undone
              LEFT JOIN ledger_reversed_leg r ON r.entry_id = original AND r.account_id = undone.account_id
                  AND (r.direction = 'debit') <> undone.is_debit) w
        JOIN ledger_account a ON a.id = w.account_id
        WHERE w.posted IS NULL OR coalesce(w.reversed, 0) + w.amount > w.posted
        LIMIT 1;
END $$;

-- Count what is undone; once nothing is left, the original's transaction is reversed.
CREATE FUNCTION ledger_count_reversal_v1(original uuid, accounts bigint[], debits boolean[], amounts numeric[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_reversed_leg AS r (entry_id, account_id, direction, amount_minor, reversed_minor)
        SELECT original, u.account_id, u.direction,
               (SELECT sum(p.amount_minor) FROM ledger_posting p
                WHERE p.entry_id = original AND p.account_id = u.account_id AND p.direction = u.direction), u.amount
        FROM (SELECT l.account_id, CASE WHEN l.is_debit THEN 'credit' ELSE 'debit' END AS direction, sum(l.amount) AS amount
              FROM unnest(accounts, debits, amounts) l (account_id, is_debit, amount) GROUP BY 1, 2) u
        ON CONFLICT (entry_id, account_id, direction) DO UPDATE SET reversed_minor = r.reversed_minor + excluded.reversed_minor;
    IF NOT EXISTS (
        SELECT 1 FROM (SELECT p.account_id, p.direction, sum(p.amount_minor) AS amount FROM ledger_posting p
                       WHERE p.entry_id = original GROUP BY 1, 2) o
        LEFT JOIN ledger_reversed_leg r ON r.entry_id = original AND r.account_id = o.account_id AND r.direction = o.direction
        WHERE r.reversed_minor IS DISTINCT FROM o.amount) THEN
        UPDATE ledger_transaction k SET status = 'reversed' WHERE k.id = original;
    END IF;
END $$;

-- Freezes, limits and velocity refuse requests. For an external fact the amount that a limited account cannot give is returned with
-- the code 'shortfall' and the receivable that takes it.
CREATE FUNCTION ledger_limit_refusal_v1(external boolean, held ledger_hold, final boolean, accounts bigint[], debits boolean[],
    amounts numeric[], OUT code text, OUT detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    touched record;
    relief numeric;
    after numeric;
    velocity record;
BEGIN
    FOR touched IN
        SELECT b.*, a.code AS account, a.asset_id, a.entity_id, sums.debit, sums.credit,
               CASE WHEN b.debit_normal THEN sums.debit - sums.credit ELSE sums.credit - sums.debit END AS change
        FROM (SELECT l.account_id, coalesce(sum(l.amount) FILTER (WHERE l.is_debit), 0) AS debit,
                     coalesce(sum(l.amount) FILTER (WHERE NOT l.is_debit), 0) AS credit
              FROM unnest(accounts, debits, amounts) l (account_id, is_debit, amount) GROUP BY 1) sums
        JOIN ledger_balance b ON b.account_id = sums.account_id JOIN ledger_account a ON a.id = b.account_id
        ORDER BY b.account_id
    LOOP
        IF NOT external AND (touched.debits_frozen AND touched.debit > 0 OR touched.credits_frozen AND touched.credit > 0) THEN
            code := 'account_frozen';
            detail := jsonb_build_object('account', touched.account, 'direction',
                CASE WHEN touched.debits_frozen AND touched.debit > 0 THEN 'debit' ELSE 'credit' END);
            RETURN;
        END IF;
        IF touched.overdraft_limit_minor IS NOT NULL AND touched.change < 0 THEN
            relief := 0;
            IF held.account_id = touched.account_id AND (held.direction = 'debit') <> touched.debit_normal THEN
                relief := CASE WHEN final OR NOT held.multi_capture THEN held.amount_minor - held.captured_minor - held.released_minor
                               ELSE ledger_captured_v1(held, accounts, debits, amounts) END;
            END IF;
            after := CASE WHEN touched.debit_normal
                          THEN touched.posted_debits_minor - touched.posted_credits_minor - touched.pending_credits_minor
                          ELSE touched.posted_credits_minor - touched.posted_debits_minor - touched.pending_debits_minor END
                     + relief + touched.change;
            IF after < -touched.overdraft_limit_minor AND NOT external THEN
                code := 'limit_exceeded';
                detail := jsonb_build_object('account', touched.account, 'available',
                    (after - touched.change + touched.overdraft_limit_minor)::text, 'asked', (-touched.change)::text);
                RETURN;
            ELSIF after < -touched.overdraft_limit_minor THEN
                SELECT 'shortfall', jsonb_build_object(
                        'account', touched.account, 'account_id', touched.account_id, 'receivable', r.code, 'receivable_id', r.id,
                        'direction', CASE WHEN touched.debit_normal THEN 'credit' ELSE 'debit' END,
                        'amount', least(-touched.overdraft_limit_minor - after, -touched.change)::text)
                    INTO code, detail FROM ledger_account r
                    WHERE r.entity_id = touched.entity_id AND r.asset_id = touched.asset_id AND r.purpose = 'shortfall' AND r.status = 'open'
                        AND NOT r.is_control
                        AND r.id <> touched.account_id;
                IF NOT FOUND THEN
                    code := 'shortfall_account_missing'; detail := jsonb_build_object('account', touched.account);
                END IF;
                RETURN;
            END IF;
        END IF;
        IF touched.has_velocity_limits AND NOT external THEN
            FOR velocity IN
                SELECT v.*, recent.amount, recent.postings,
                       CASE v.direction WHEN 'debit' THEN touched.debit ELSE touched.credit END AS asked
                FROM ledger_velocity_limit v CROSS JOIN LATERAL (
                    SELECT coalesce(sum(p.amount_minor), 0) AS amount, count(*) AS postings FROM ledger_posting p
                    WHERE p.account_id = v.account_id AND p.direction = v.direction
                      AND p.account_seq > coalesce((
                          SELECT q.account_seq FROM ledger_posting q JOIN ledger_entry e ON e.id = q.entry_id
                          WHERE q.account_id = v.account_id AND e.posted_at <= clock_timestamp() - make_interval(mins => v.window_minutes)
                            AND q.account_seq IS NOT NULL
                          ORDER BY q.account_seq DESC LIMIT 1), 0)) recent
                WHERE v.account_id = touched.account_id AND v.active
            LOOP
                IF velocity.asked > 0 AND (velocity.amount + velocity.asked > velocity.maximum_minor
                                           OR velocity.postings + 1 > velocity.maximum_postings) THEN
                    code := 'velocity_limit_exceeded';
                    detail := jsonb_build_object('account', touched.account, 'direction', velocity.direction, 'minutes', velocity.window_minutes,
                        'moved', velocity.amount::text, 'maximum', velocity.maximum_minor::text, 'postings', velocity.maximum_postings);
                    RETURN;
                END IF;
            END LOOP;
        END IF;
    END LOOP;
END $$;

-- The legs with the shortfall moved from the limited account to the receivable.
CREATE FUNCTION ledger_legs_with_shortfall_v1(accounts bigint[], assets bigint[], entities bigint[], debits boolean[], amounts numeric[],
    shortfall jsonb)
RETURNS TABLE (n bigint, account_id bigint, asset_id bigint, entity_id bigint, is_debit boolean, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    WITH leg AS (
        SELECT l.*, l.account_id = (shortfall->>'account_id')::bigint AND l.is_debit = (shortfall->>'direction' = 'debit') AS lowers
        FROM unnest(accounts, assets, entities, debits, amounts) WITH ORDINALITY AS l (account_id, asset_id, entity_id, is_debit, amount, n)
    ), missing AS (
        -- From the last of the legs that lower the account backwards, until the shortfall is taken.
        SELECT leg.*, CASE WHEN lowers THEN greatest(least(
            leg.amount, (shortfall->>'amount')::numeric - (coalesce(sum(leg.amount) FILTER (WHERE lowers) OVER w, 0) - leg.amount)), 0)
            ELSE 0 END AS taken
        FROM leg WINDOW w AS (ORDER BY leg.n DESC)
    )
    SELECT row_number() OVER (ORDER BY legs.n, legs.moved), legs.account_id, legs.asset_id, legs.entity_id, legs.is_debit, legs.amount
    FROM (
        SELECT m.n, false AS moved, m.account_id, m.asset_id, m.entity_id, m.is_debit, m.amount - m.taken AS amount FROM missing m
        UNION ALL
        SELECT m.n, true, (shortfall->>'receivable_id')::bigint, m.asset_id, m.entity_id, m.is_debit, m.taken FROM missing m
    ) legs WHERE legs.amount > 0
$$;

-- The past days on which a limited account would now stand below its limit, by effective date.
CREATE FUNCTION ledger_backdating_warnings_v1(accounts bigint[], day date) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(jsonb_build_object('below_limit_on', jsonb_object_agg(w.code, w.days)), '{}') FROM (
        SELECT a.code, jsonb_agg(history.effective_date ORDER BY history.effective_date) AS days
        FROM (SELECT DISTINCT unnest(accounts) AS id) touched
        JOIN ledger_account a ON a.id = touched.id
        JOIN ledger_balance b ON b.account_id = a.id AND b.overdraft_limit_minor IS NOT NULL
        CROSS JOIN LATERAL (
            SELECT d.effective_date, sum(CASE WHEN b.debit_normal THEN d.debits_minor - d.credits_minor ELSE d.credits_minor - d.debits_minor END)
                OVER (ORDER BY d.effective_date) AS held
            FROM ledger_day_delta d WHERE d.account_id = a.id) history
        WHERE history.effective_date >= day AND history.held < -b.overdraft_limit_minor
        GROUP BY a.code) w
    HAVING count(*) > 0
$$;

REVOKE ALL ON FUNCTION
    ledger_answer_again_v1(text, text, jsonb, jsonb), ledger_leg_refusal_v1(jsonb, jsonb, bigint),
    ledger_cross_entity_refusal_v1(bigint, bigint[], bigint[], boolean[], numeric[], date),
    ledger_captured_v1(ledger_hold, bigint[], boolean[], numeric[]),
    ledger_capture_refusal_v1(ledger_hold, bigint[], boolean[], numeric[], boolean),
    ledger_take_from_hold_v1(ledger_hold, uuid, bigint[], boolean[], numeric[], boolean, bigint),
    ledger_reversal_refusal_v1(uuid, bigint[], boolean[], numeric[]), ledger_count_reversal_v1(uuid, bigint[], boolean[], numeric[]),
    ledger_limit_refusal_v1(boolean, ledger_hold, boolean, bigint[], boolean[], numeric[]),
    ledger_legs_with_shortfall_v1(bigint[], bigint[], bigint[], boolean[], numeric[], jsonb),
    ledger_backdating_warnings_v1(bigint[], date)
    FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_backdating_warnings_v1(bigint[], date);
DROP FUNCTION ledger_legs_with_shortfall_v1(bigint[], bigint[], bigint[], boolean[], numeric[], jsonb);
DROP FUNCTION ledger_limit_refusal_v1(boolean, ledger_hold, boolean, bigint[], boolean[], numeric[]);
DROP FUNCTION ledger_count_reversal_v1(uuid, bigint[], boolean[], numeric[]);
DROP FUNCTION ledger_reversal_refusal_v1(uuid, bigint[], boolean[], numeric[]);
DROP FUNCTION ledger_take_from_hold_v1(ledger_hold, uuid, bigint[], boolean[], numeric[], boolean, bigint);
DROP FUNCTION ledger_capture_refusal_v1(ledger_hold, bigint[], boolean[], numeric[], boolean);
DROP FUNCTION ledger_captured_v1(ledger_hold, bigint[], boolean[], numeric[]);
DROP FUNCTION ledger_cross_entity_refusal_v1(bigint, bigint[], bigint[], boolean[], numeric[], date);
DROP FUNCTION ledger_leg_refusal_v1(jsonb, jsonb, bigint);
DROP FUNCTION ledger_answer_again_v1(text, text, jsonb, jsonb);
