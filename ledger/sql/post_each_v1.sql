-- Posting, draft by draft: whatever is not plain, and what is refused, which is said here alone. Called by ledger_post_entries_v1, with
-- whose settings it runs.
-- Locks, always in this order: every balance of every draft by account id, then transactions by key, then holds, then periods (shared).
-- Holds and reversals are changed only under the balance lock of their account, so no other order is needed for them. The receivable of
-- a shortfall is locked when there is one: taking it with every deposit would make it hot. Who loses that rare deadlock, or one with a
-- single draft under the same key, which takes period and key before its balances, tries again.
-- Plain statements in a loop over the legs cost less here than one statement over all of them: a plan of thirty nodes takes longer to set
-- up than six of two.
CREATE FUNCTION ledger_post_each_v1(caller_scope text, drafts jsonb)
RETURNS TABLE (draft_position integer, outcome text, posted_id uuid, code text, detail jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    places integer[] := ARRAY[1];
    plain_places integer[];
    plain_ids uuid[];
    place integer;
    body jsonb;
    own_key text;
    own_content jsonb;
    known record;
    rule record;
    leg record;
    held ledger_hold;
    new_id uuid;
    day date;
    prior boolean;
    leg_count integer;
    accounts bigint[];
    assets bigint[];
    entities bigint[];
    debits boolean[];
    amounts numeric[];
    roles text[];
    undone_accounts bigint[];
    undone_debits boolean[];
    undone_amounts numeric[];
    own_warnings jsonb;
    debit numeric;
    credit numeric;
    legs bigint;
    to_debit boolean;
    seq bigint;
    held_after numeric;
    seqs bigint[];
    balances numeric[];
BEGIN
    PERFORM 1 FROM ledger_balance b
        WHERE b.account_id = ANY (ARRAY(
            SELECT a.id FROM ledger_account a WHERE a.code = ANY (ARRAY(
                SELECT jsonb_path_query(drafts, '$[*].lines[*].account') #>> '{}'))))
          AND NOT b.deferred
        ORDER BY b.account_id FOR UPDATE;
    IF jsonb_array_length(drafts) > 16 THEN
        SELECT f.places, f.ids INTO plain_places, plain_ids FROM ledger_post_plain_v1(caller_scope, drafts) f;
        RETURN QUERY SELECT f.place, 'posted', f.id, NULL::text, NULL::jsonb FROM unnest(plain_places, plain_ids) f (place, id);
        IF cardinality(plain_places) = jsonb_array_length(drafts) THEN
            RETURN;
        END IF;
    END IF;
    IF jsonb_array_length(drafts) > 1 THEN
        places := ARRAY(SELECT d.ordinality::integer FROM jsonb_array_elements(drafts) WITH ORDINALITY d
                        WHERE d.ordinality NOT IN (SELECT p FROM unnest(plain_places) p) ORDER BY d.value->>'key', d.ordinality);
    END IF;

    <<each_draft>>
    FOREACH place IN ARRAY places LOOP
        body := drafts->(place - 1);
        draft_position := place;
        posted_id := NULL; code := NULL; detail := NULL; own_warnings := NULL; held := NULL; prior := false;
        own_key := body->>'key';
        own_content := body - '{key,actor_id,request_id}'::text[];
        leg_count := jsonb_array_length(body->'lines');

        SELECT t.id, t.origin, t.roles, t.required_roles, t.external, t.mirrors, t.settles, t.in_soft_lock, t.backdating_days,
               e.id AS entity_id, p.id AS period_id, p.starts_on,
               EXISTS (SELECT 1 FROM runtime_switch s WHERE s.function = 'posting' AND s.lifted_at IS NULL
                       AND NOT (s.passes_approved AND body->>'proposal_id' IS NOT NULL)
                       AND (s.scope = '' OR s.scope = 'entity:' || e.code
                            OR s.scope LIKE 'account:%' AND body->'lines' @> jsonb_build_array(
                                jsonb_build_object('account', substr(s.scope, 9))))) AS stopped
            INTO rule
            FROM (VALUES (1)) one
            LEFT JOIN ledger_transaction_type t ON t.code = body->>'type' AND t.current
            LEFT JOIN ledger_entity e ON e.code = body->>'entity'
            LEFT JOIN ledger_period p ON p.entity_id = e.id AND (body->>'effective_date')::date BETWEEN p.starts_on AND p.ends_on;

        IF rule.stopped THEN
            -- Not remembered: when the stop is lifted, the same request may well be posted.
            outcome := 'refused'; code := 'posting_stopped'; detail := jsonb_build_object('entity', body->>'entity');
            RETURN NEXT;
            CONTINUE each_draft;
        END IF;

        IF body ? 'posts' THEN
            SELECT k.id, k.status, k.content INTO known FROM ledger_transaction k WHERE k.id = (body->>'posts')::uuid FOR UPDATE;
            IF known.content - 'initiate' IS DISTINCT FROM own_content - 'posts' THEN
                RAISE EXCEPTION 'transaction % asked for something else', body->>'posts'
                    USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_posts_what_was_asked';
            ELSIF known.status = 'posted' THEN
                outcome := 'replayed'; posted_id := known.id;
                RETURN NEXT;
                CONTINUE each_draft;
            ELSIF known.status NOT IN ('initiated', 'pending') THEN
                outcome := 'refused'; code := 'transaction_has_ended'; detail := jsonb_build_object('status', known.status);
                RETURN NEXT;
                CONTINUE each_draft;
            END IF;
            new_id := known.id;
        ELSE
            new_id := uuidv7();
            INSERT INTO ledger_transaction (
                id, scope, key, content, type_id, entity_id, status, settlement, entry_id, lines, parent_id, actor_id, request_id, created_at)
            VALUES (
                new_id, caller_scope, own_key, own_content, rule.id, rule.entity_id,
                CASE WHEN body ? 'initiate' THEN 'initiated' ELSE 'posted' END,
                CASE WHEN rule.settles THEN 'expected' ELSE 'not_applicable' END,
                CASE WHEN body ? 'initiate' THEN NULL ELSE new_id END, CASE WHEN body ? 'initiate' THEN NULL ELSE leg_count END,
                coalesce((body->>'parent')::uuid, (body->>'hold')::uuid, (body->>'reverses')::uuid),
                (body->>'actor_id')::bigint, coalesce(body->>'request_id', ''), clock_timestamp())
            ON CONFLICT (scope, key) DO NOTHING;
            IF NOT FOUND THEN
                SELECT * INTO outcome, posted_id, code, detail FROM ledger_answer_again_v1(caller_scope, own_key, own_content, body);
                RETURN NEXT;
                CONTINUE each_draft;
            END IF;
        END IF;

        day := (body->>'effective_date')::date;
        IF rule.id IS NULL THEN
            code := 'unknown_transaction_type'; detail := jsonb_build_object('type', body->>'type');
        ELSIF rule.origin <> 'rule' AND body->>'proposal_id' IS NULL THEN
            code := 'approval_required'; detail := jsonb_build_object('type', body->>'type');
        ELSIF rule.origin = 'rule' AND body->>'proposal_id' IS NOT NULL THEN
            code := 'approval_not_applicable'; detail := jsonb_build_object('type', body->>'type');
        ELSIF rule.mirrors <> (body ? 'reverses') THEN
            code := CASE WHEN rule.mirrors THEN 'reversed_entry_required' ELSE 'type_reverses_nothing' END;
            detail := jsonb_build_object('type', body->>'type');
        ELSIF rule.period_id IS NULL THEN
            code := 'no_accounting_period';
            detail := jsonb_build_object('entity', body->>'entity', 'effective_date', body->>'effective_date');
        ELSIF rule.backdating_days < current_date - day THEN
            code := 'backdated_too_far';
            detail := jsonb_build_object('effective_date', body->>'effective_date', 'days', rule.backdating_days);
        ELSIF NOT pg_try_advisory_xact_lock_shared(4201, rule.period_id::integer) THEN
            PERFORM pg_advisory_xact_lock_shared(4201, rule.period_id::integer);
        END IF;
        IF code IS NULL AND body ? 'hold' THEN
            SELECT * INTO held FROM ledger_hold h WHERE h.transaction_id = (body->>'hold')::uuid FOR UPDATE;
        END IF;

        -- Lock, then read: periods, accounts and balances are read by statements that begin once their locks are held.
        IF code IS NULL THEN
            SELECT min(line) FILTER (WHERE refusal IS NOT NULL) AS wrong_line,
                   array_agg(account_id ORDER BY line) AS accounts, array_agg(asset_id ORDER BY line) AS assets,
                   array_agg(entity_id ORDER BY line) AS entities, array_agg(is_debit ORDER BY line) AS debits,
                   array_agg(amount ORDER BY line) AS amounts, array_agg(role ORDER BY line) AS roles,
                   bool_or(entity_id <> rule.entity_id) AS crosses, bool_or(checked) AS checked,
                   (SELECT p.status FROM ledger_period p WHERE p.id = rule.period_id
                    AND (p.reopen_ends_at IS NULL OR p.reopen_ends_at > clock_timestamp() OR p.status <> 'open')) AS period_status
                INTO leg
                FROM (
                    SELECT l.line, a.id AS account_id, a.asset_id, a.entity_id, l.direction = 'debit' AS is_debit, l.amount,
                           rule.roles->l.direction->>a.owner_class AS role,
                           b.overdraft_limit_minor IS NOT NULL OR b.has_velocity_limits OR b.debits_frozen OR b.credits_frozen AS checked,
                           CASE WHEN a.id IS NULL THEN 'unknown_account'
                                WHEN s.code <> l.asset THEN 'account_holds_another_asset'
                                WHEN a.status <> 'open' THEN 'account_not_open'
                                WHEN a.is_control THEN 'account_is_a_control_account'
                                WHEN (rule.roles->l.direction ? a.owner_class) IS NOT TRUE THEN 'account_class_not_allowed' END AS refusal
                    FROM ROWS FROM (jsonb_to_recordset(body->'lines') AS (account text, direction text, amount numeric(38, 0), asset text))
                        WITH ORDINALITY AS l (account, direction, amount, asset, line)
                    LEFT JOIN ledger_account a ON a.code = l.account
                    LEFT JOIN ledger_asset s ON s.id = a.asset_id
                    LEFT JOIN ledger_balance b ON b.account_id = a.id) legs;
            accounts := leg.accounts; assets := leg.assets; entities := leg.entities; debits := leg.debits; amounts := leg.amounts;
            roles := leg.roles;
            IF leg.wrong_line IS NOT NULL THEN
                SELECT * INTO code, detail FROM ledger_leg_refusal_v1(rule.roles, body->'lines'->(leg.wrong_line::integer - 1), leg.wrong_line);
            ELSIF NOT roles @> ARRAY(SELECT jsonb_array_elements_text(rule.required_roles)) THEN
                code := 'role_missing';
                detail := jsonb_build_object('type', body->>'type', 'roles', (
                    SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(rule.required_roles) r WHERE r <> ALL (roles)));
            ELSIF leg.period_status IS DISTINCT FROM 'open'
                  AND NOT (leg.period_status = 'soft_locked' AND (rule.in_soft_lock OR body->>'proposal_id' IS NOT NULL)) THEN
                SELECT min(p.starts_on) INTO day FROM ledger_period p
                    WHERE p.entity_id = rule.entity_id AND p.status = 'open' AND p.starts_on > (body->>'effective_date')::date
                      AND (p.reopen_ends_at IS NULL OR p.reopen_ends_at > clock_timestamp());
                IF body ? 'roll_to_open' AND day IS NOT NULL THEN
                    prior := true;
                    own_warnings := jsonb_build_object('rolled_to', day);
                    SELECT p.id INTO rule.period_id FROM ledger_period p WHERE p.entity_id = rule.entity_id AND p.starts_on = day;
                    PERFORM pg_advisory_xact_lock_shared(4201, rule.period_id::integer);
                    PERFORM 1 FROM ledger_period p WHERE p.id = rule.period_id AND p.status = 'open'
                        AND (p.reopen_ends_at IS NULL OR p.reopen_ends_at > clock_timestamp());
                END IF;
                IF NOT prior OR NOT FOUND THEN
                    code := CASE leg.period_status WHEN 'soft_locked' THEN 'period_soft_locked' ELSE 'period_closed' END;
                    detail := jsonb_build_object('effective_date', body->>'effective_date', 'first_open_date', (
                        SELECT min(p.starts_on) FROM ledger_period p WHERE p.entity_id = rule.entity_id AND p.status = 'open'
                            AND (p.reopen_ends_at IS NULL OR p.reopen_ends_at > clock_timestamp())));
                END IF;
            END IF;
            IF code IS NULL AND leg.crosses AND rule.entity_id <> ALL (entities) THEN
                code := 'account_of_another_entity';
                detail := jsonb_build_object('line', 1, 'account', body->'lines'->0->>'account');
            ELSIF code IS NULL AND leg.crosses THEN
                SELECT * INTO code, detail FROM ledger_cross_entity_refusal_v1(rule.entity_id, entities, assets, debits, amounts, day);
            END IF;
            IF code IS NULL AND body ? 'hold' THEN
                SELECT * INTO code, detail FROM ledger_capture_refusal_v1(held, accounts, debits, amounts, body ? 'final');
            END IF;
            IF code IS NULL AND body ? 'reverses' THEN
                undone_accounts := accounts; undone_debits := debits; undone_amounts := amounts;
                SELECT * INTO code, detail FROM ledger_reversal_refusal_v1((body->>'reverses')::uuid, accounts, debits, amounts);
            END IF;
            IF code IS NULL AND leg.checked AND NOT body ? 'initiate' THEN
                SELECT * INTO code, detail FROM ledger_limit_refusal_v1(
                    rule.external, held, body ? 'final', accounts, debits, amounts);
                WHILE code = 'shortfall' LOOP
                    -- An external fact has happened: each limited account gives what it has, a receivable takes the rest.
                    own_warnings := jsonb_set(
                        coalesce(own_warnings, '{}'), '{shortfalls}', coalesce(own_warnings->'shortfalls', '[]') || detail);
                    SELECT array_agg(l.account_id ORDER BY l.n), array_agg(l.asset_id ORDER BY l.n), array_agg(l.entity_id ORDER BY l.n),
                           array_agg(l.is_debit ORDER BY l.n), array_agg(l.amount ORDER BY l.n)
                        INTO accounts, assets, entities, debits, amounts
                        FROM ledger_legs_with_shortfall_v1(accounts, assets, entities, debits, amounts, detail) l;
                    SELECT * INTO code, detail FROM ledger_limit_refusal_v1(
                        rule.external, held, body ? 'final', accounts, debits, amounts);
                END LOOP;
                IF code IS NULL AND cardinality(accounts) <> leg_count THEN
                    leg_count := cardinality(accounts);
                    UPDATE ledger_transaction k SET lines = leg_count WHERE k.id = new_id AND k.entry_id IS NOT NULL;
                END IF;
            END IF;
        END IF;

        IF code IS NOT NULL THEN
            IF NOT body ? 'posts' THEN
                UPDATE ledger_transaction k SET entry_id = NULL, lines = NULL, status = 'failed', settlement = 'not_applicable',
                    refusal_code = code, refusal_detail = detail,
                    parent_id = (SELECT parent.id FROM ledger_transaction parent WHERE parent.id = k.parent_id)
                    WHERE k.id = new_id;
            END IF;
            outcome := 'refused';
            RETURN NEXT;
            CONTINUE each_draft;
        END IF;

        -- Nothing is refused any more.
        IF body ? 'initiate' THEN
            outcome := 'initiated'; posted_id := new_id;
            RETURN NEXT;
            CONTINUE each_draft;
        END IF;
        IF body ? 'hold' THEN
            PERFORM ledger_take_from_hold_v1(held, new_id, accounts, debits, amounts, body ? 'final', (body->>'actor_id')::bigint);
        END IF;
        IF body ? 'reverses' THEN
            PERFORM ledger_count_reversal_v1((body->>'reverses')::uuid, undone_accounts, undone_debits, undone_amounts);
        END IF;
        INSERT INTO ledger_entry (
            id, number, entity_id, type_id, origin, period_id, effective_date, value_date, prior_period, posted_at, lines, description,
            reference, counterparty, metadata, actor_id, request_id, proposal_id, proposal_part, reverses_id)
        VALUES (
            new_id, nextval('ledger_entry_number'), rule.entity_id, rule.id, rule.origin, rule.period_id, day,
            CASE WHEN prior THEN (body->>'effective_date')::date ELSE (body->>'value_date')::date END, prior, clock_timestamp(), leg_count,
            body->>'description', body->>'reference', body->>'counterparty', body->'metadata', (body->>'actor_id')::bigint,
            coalesce(body->>'request_id', ''), (body->>'proposal_id')::uuid, (body->>'proposal_part')::integer, (body->>'reverses')::uuid);
        seqs := array_fill(NULL::bigint, ARRAY[leg_count]); balances := array_fill(NULL::numeric, ARRAY[leg_count]);
        -- All legs of an account at its first: only what they come to together is held against its limit.
        FOR n IN 1..leg_count LOOP
            CONTINUE WHEN accounts[n] = ANY (accounts[:n - 1]);
            debit := 0; credit := 0; legs := 0;
            FOR m IN n..leg_count LOOP
                CONTINUE WHEN accounts[m] <> accounts[n];
                legs := legs + 1;
                IF debits[m] THEN debit := debit + amounts[m]; ELSE credit := credit + amounts[m]; END IF;
            END LOOP;
            UPDATE ledger_balance b SET
                posted_debits_minor = b.posted_debits_minor + debit, posted_credits_minor = b.posted_credits_minor + credit,
                version = b.version + legs
                WHERE b.account_id = accounts[n] AND NOT b.deferred
                RETURNING b.version, b.posted_debits_minor - b.posted_credits_minor, b.debit_normal INTO seq, held_after, to_debit;
            IF FOUND THEN
                INSERT INTO ledger_day_delta AS d (account_id, effective_date, debits_minor, credits_minor, postings)
                    VALUES (accounts[n], day, debit, credit, legs)
                    ON CONFLICT (account_id, effective_date) DO UPDATE SET
                        debits_minor = d.debits_minor + excluded.debits_minor, credits_minor = d.credits_minor + excluded.credits_minor,
                        postings = d.postings + excluded.postings;
                -- From the last leg backwards, to what the account held after each.
                FOR m IN REVERSE leg_count..n LOOP
                    CONTINUE WHEN accounts[m] <> accounts[n];
                    seqs[m] := seq; balances[m] := CASE WHEN to_debit THEN held_after ELSE -held_after END;
                    seq := seq - 1; held_after := held_after - CASE WHEN debits[m] THEN amounts[m] ELSE -amounts[m] END;
                END LOOP;
            ELSE
                FOR m IN n..leg_count LOOP
                    CONTINUE WHEN accounts[m] <> accounts[n];
                    INSERT INTO ledger_posting_tail (entry_id, line, account_id, effective_date, direction, amount_minor)
                        VALUES (new_id, m, accounts[m], day, CASE WHEN debits[m] THEN 'debit' ELSE 'credit' END, amounts[m]);
                END LOOP;
            END IF;
        END LOOP;
        INSERT INTO ledger_posting (
            entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date, account_seq, balance_after_minor)
        SELECT new_id, n, leg_count, accounts[n], assets[n], entities[n], CASE WHEN debits[n] THEN 'debit' ELSE 'credit' END, amounts[n],
               day, seqs[n], balances[n]
        FROM generate_series(1, leg_count) n;

        IF body ? 'posts' THEN
            UPDATE ledger_transaction k SET status = 'posted', entry_id = new_id, lines = leg_count WHERE k.id = new_id;
        END IF;
        IF leg.checked AND day < current_date THEN
            own_warnings := nullif(coalesce(own_warnings, '{}') || coalesce(ledger_backdating_warnings_v1(accounts, day), '{}'), '{}');
        END IF;
        IF own_warnings IS NOT NULL THEN
            UPDATE ledger_transaction k SET warnings = own_warnings WHERE k.id = new_id;
            INSERT INTO ledger_alert (id, kind, account_id, transaction_id, detail, raised_at, seen_to_note)
                SELECT uuidv7(), 'shortfall', (s->>'account_id')::bigint, new_id, s, clock_timestamp(), ''
                FROM jsonb_array_elements(own_warnings->'shortfalls') s;
        END IF;
        outcome := 'posted'; posted_id := new_id; detail := own_warnings;
        RETURN NEXT;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION ledger_post_each_v1(text, jsonb) FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_post_each_v1(text, jsonb);
