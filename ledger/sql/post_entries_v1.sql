-- The only door into the books. One call posts any number of drafts, each on its own: a business refusal is a value,
-- committed with its key, so that a retry hears it again; only broken guards raise. One row per draft is returned,
-- in the order given: outcome 'posted', 'initiated', 'replayed', 'refused' or 'mismatch' (same key, other content).
--
-- Draft: {key, type, entity, effective_date, description, reference, counterparty, metadata, proposal_id, actor_id, request_id,
--         lines: [{account, direction, amount, asset}]}, amounts as strings of minor units; and, where they apply,
--         value_date, roll_to_open, proposal_part, parent, initiate (keep it, post nothing yet), posts (the initiated transaction to
--         post), hold and final (what is captured, and whether the rest is released), reverses (the entry undone).
-- A draft that comes alone and is plain is posted here, by small statements: it asks for nothing special, is sound in every leg, lies in
-- an open period of its only entity, and touches each account once and none with a limit, a freeze or deferred mode. Everything else is
-- left to ledger_post_each_v1, which alone says why something is refused.
-- What is read first never changes (whose account it is, which period has the day), or is asked again by what comes later, with its lock
-- held: the period by the insert of the transaction, limits and freezes by the update of the balance, an account's status by the guard of
-- postings. Period and key are locked and the entry is written before the balances, so that a busy account is held for the shortest time.
-- An account is found by its code before all else: with statistics that know nothing yet, its asset or entity might look as telling.
-- Plans are cached while tables are still small, so scans and joins of whole tables are switched off for the function; every
-- statement finds its rows by key, so one plan serves all and none is made again for each call. What else runs inside of it is not set up
-- with settings of its own: that would take as long as a statement. Variables cost time in every call too, so those of rare cases are there.
CREATE FUNCTION ledger_post_entries_v1(caller_scope text, drafts jsonb)
RETURNS TABLE (draft_position integer, outcome text, posted_id uuid, code text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    body jsonb;
    plain record;
    moved record;
    new_id uuid;
    versions bigint[];
    held_after numeric[];
BEGIN
    <<alone>>
    BEGIN
        EXIT alone WHEN jsonb_array_length(drafts) <> 1;
        body := drafts->0;
        SELECT t.id AS type_id, t.settles, e.id AS entity_id, p.id AS period_id, (body->>'effective_date')::date AS day,
               l.accounts, l.assets, l.debits, l.amounts, l.places, l.found AS lines
            INTO plain
            FROM ledger_plain_type t, ledger_entity e, ledger_plain_period p, LATERAL (
                SELECT array_agg(a.id ORDER BY a.id) AS accounts, array_agg(a.asset_id ORDER BY a.id) AS assets,
                       array_agg(l.direction = 'debit' ORDER BY a.id) AS debits, array_agg(l.amount ORDER BY a.id) AS amounts,
                       array_agg(t.roles->l.direction->>a.owner_class ORDER BY a.id) AS roles, array_agg(l.place ORDER BY a.id) AS places,
                       count(a.id)::integer AS found
                FROM ROWS FROM (jsonb_to_recordset(body->'lines') AS (account text, direction text, amount numeric(38, 0), asset text))
                    WITH ORDINALITY AS l (account, direction, amount, asset, place)
                LEFT JOIN LATERAL (SELECT * FROM ledger_plain_account k WHERE k.code = l.account OFFSET 0) a
                    ON a.asset = l.asset AND a.entity_id = e.id AND NOT a.deferred AND t.roles->l.direction ? a.owner_class) l
            WHERE NOT body ?| '{value_date,roll_to_open,initiate,posts,hold,final,reverses,parent,proposal_id,proposal_part}'
              AND t.code = body->>'type' AND e.code = body->>'entity'
              AND p.entity_id = e.id AND (body->>'effective_date')::date BETWEEN p.starts_on AND p.ends_on
              AND l.found = jsonb_array_length(body->'lines') AND to_jsonb(l.roles) @> t.required_roles
              AND NOT EXISTS (SELECT 1 FROM runtime_switch s WHERE s.function = 'posting' AND s.lifted_at IS NULL);
        EXIT alone WHEN NOT FOUND;
        FOR n IN 2..plain.lines LOOP
            EXIT alone WHEN plain.accounts[n] = plain.accounts[n - 1];
        END LOOP;
        IF NOT pg_try_advisory_xact_lock_shared(4201, plain.period_id::integer) THEN
            PERFORM pg_advisory_xact_lock_shared(4201, plain.period_id::integer);
        END IF;

        new_id := uuidv7();
        INSERT INTO ledger_transaction (
            id, scope, key, content, type_id, entity_id, status, settlement, entry_id, lines, actor_id, request_id, created_at)
        SELECT new_id, caller_scope, body->>'key', body - '{key,actor_id,request_id}'::text[], plain.type_id, plain.entity_id, 'posted',
               CASE WHEN plain.settles THEN 'expected' ELSE 'not_applicable' END, new_id, plain.lines, (body->>'actor_id')::bigint,
               coalesce(body->>'request_id', ''), clock_timestamp()
        FROM ledger_plain_period p WHERE p.id = plain.period_id
        ON CONFLICT (scope, key) DO NOTHING;
        EXIT alone WHEN NOT FOUND;

        INSERT INTO ledger_entry (
            id, number, entity_id, type_id, origin, period_id, effective_date, prior_period, posted_at, lines, description, reference,
            counterparty, metadata, actor_id, request_id)
        VALUES (new_id, nextval('ledger_entry_number'), plain.entity_id, plain.type_id, 'rule', plain.period_id, plain.day, false,
                clock_timestamp(), plain.lines, body->>'description', body->>'reference', body->>'counterparty', body->'metadata',
                (body->>'actor_id')::bigint, coalesce(body->>'request_id', ''));

        -- In the order of accounts, each by a statement of its own: who has waited for a busy one has little to ask again.
        FOR n IN 1..plain.lines LOOP
            UPDATE ledger_plain_balance b SET
                posted_debits_minor = b.posted_debits_minor + CASE WHEN plain.debits[n] THEN plain.amounts[n] ELSE 0 END,
                posted_credits_minor = b.posted_credits_minor + CASE WHEN plain.debits[n] THEN 0 ELSE plain.amounts[n] END,
                version = b.version + 1
                WHERE b.account_id = plain.accounts[n] AND NOT b.deferred
                RETURNING b.version, CASE WHEN b.debit_normal THEN b.posted_debits_minor - b.posted_credits_minor
                                          ELSE b.posted_credits_minor - b.posted_debits_minor END AS held_after
                INTO moved;
            IF NOT FOUND THEN
                -- A limit or a freeze was set after this began and before it had the lock.
                RAISE EXCEPTION 'an account of transaction % has changed meanwhile', new_id USING ERRCODE = '40001';
            END IF;
            versions[n] := moved.version; held_after[n] := moved.held_after;
        END LOOP;

        INSERT INTO ledger_day_delta AS known (account_id, effective_date, debits_minor, credits_minor, postings)
        SELECT m.account_id, plain.day, CASE WHEN m.is_debit THEN m.amount ELSE 0 END, CASE WHEN m.is_debit THEN 0 ELSE m.amount END, 1
        FROM unnest(plain.accounts, plain.debits, plain.amounts) AS m (account_id, is_debit, amount)
        ON CONFLICT (account_id, effective_date) DO UPDATE SET
            debits_minor = known.debits_minor + excluded.debits_minor, credits_minor = known.credits_minor + excluded.credits_minor,
            postings = known.postings + excluded.postings;

        INSERT INTO ledger_posting (
            entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date, account_seq, balance_after_minor)
        SELECT new_id, m.place, plain.lines, m.account_id, m.asset_id, plain.entity_id, CASE WHEN m.is_debit THEN 'debit' ELSE 'credit' END,
               m.amount, plain.day, m.version, m.held_after
        FROM unnest(plain.places, plain.accounts, plain.assets, plain.debits, plain.amounts, versions, held_after)
            AS m (place, account_id, asset_id, is_debit, amount, version, held_after);
        draft_position := 1; outcome := 'posted'; posted_id := new_id;
        RETURN NEXT;
        RETURN;
    END alone;
    RETURN QUERY SELECT * FROM ledger_post_each_v1(caller_scope, drafts);
END $$;
REVOKE ALL ON FUNCTION ledger_post_entries_v1(text, jsonb) FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_post_entries_v1(text, jsonb);
