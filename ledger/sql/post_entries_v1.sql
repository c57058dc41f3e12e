-- The only door into the books. One call posts any number of drafts, each on its own: a business refusal is a value,
-- committed with its key, so that a retry hears it again; only broken guards raise. One row per draft is returned,
-- in the order given: outcome 'posted', 'replayed', 'refused' or 'mismatch' (same key, other content).
--
-- Draft: {key, type, entity, effective_date, description, reference, counterparty, metadata, proposal_id, actor_id,
--         request_id, lines: [{account, direction, amount, asset}]}; amounts are strings of minor units.
-- Locks, always in this order: every balance of every draft by account id, then keys by name, then periods (shared).
-- Plans are cached while tables are still small, so sequential scans are switched off for the function; every
-- statement finds its rows by key, so one plan serves all and none is made again for each call.
CREATE FUNCTION ledger_post_entries_v1(caller_scope text, drafts jsonb)
RETURNS TABLE (draft_position integer, outcome text, posted_entry_id uuid, code text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    draft record;
    kind record;
    leg record;
    accounting_period record;
    known record;
    new_entry_id uuid;
    own_content jsonb;
    refusal text;
    refusal_data jsonb;
    names text[];
    leg_count integer;
    accounts bigint[];
    assets bigint[];
    entities bigint[];
    directions text[];
    amounts numeric[];
    debit_normal boolean[];
    seqs bigint[];
    balances numeric[];
    debits numeric;
    credits numeric;
    seq bigint;
BEGIN
    names := ARRAY(SELECT l->>'account' FROM jsonb_array_elements(drafts) d, jsonb_array_elements(d->'lines') l);
    PERFORM 1 FROM ledger_balance b
        WHERE b.account_id = ANY (ARRAY(SELECT a.id FROM ledger_account a WHERE a.code = ANY (names)))
        ORDER BY b.account_id FOR UPDATE;

    <<each_draft>>
    FOR draft IN
        SELECT d.value AS body, d.ordinality::integer AS place, d.value->>'key' AS key
        FROM jsonb_array_elements(drafts) WITH ORDINALITY d ORDER BY d.value->>'key', d.ordinality
    LOOP
        draft_position := draft.place;
        posted_entry_id := NULL; code := NULL; detail := NULL;
        own_content := draft.body - '{key,actor_id,request_id}'::text[];
        new_entry_id := uuidv7();

        INSERT INTO ledger_idempotency_key (scope, key, content, entry_id, created_at)
            VALUES (caller_scope, draft.key, own_content, new_entry_id, clock_timestamp())
            ON CONFLICT (scope, key) DO NOTHING;
        IF NOT FOUND THEN
            SELECT k.content, k.entry_id, k.refusal_code, k.refusal_detail INTO known
                FROM ledger_idempotency_key k WHERE k.scope = caller_scope AND k.key = draft.key;
            IF known.content <> own_content THEN
                outcome := 'mismatch';
                code := 'idempotency_key_reused';
                detail := jsonb_build_object('fields', (
                    SELECT jsonb_agg(f ORDER BY f) FROM (
                        SELECT f FROM jsonb_object_keys(known.content || own_content) f
                        WHERE known.content->f IS DISTINCT FROM own_content->f) fields));
            ELSIF known.entry_id IS NULL THEN
                outcome := 'refused'; code := known.refusal_code; detail := known.refusal_detail || '{"replayed": true}';
            ELSE
                outcome := 'replayed'; posted_entry_id := known.entry_id;
            END IF;
            RETURN NEXT;
            CONTINUE each_draft;
        END IF;

        refusal := NULL; refusal_data := '{}';
        SELECT t.id, t.origin, t.debit_classes, t.credit_classes INTO kind
            FROM ledger_transaction_type t WHERE t.code = draft.body->>'type' AND t.current;
        IF NOT FOUND THEN
            refusal := 'unknown_transaction_type'; refusal_data := jsonb_build_object('type', draft.body->>'type');
        ELSIF kind.origin = 'manual' AND draft.body->>'proposal_id' IS NULL THEN
            refusal := 'approval_required'; refusal_data := jsonb_build_object('type', draft.body->>'type');
        ELSIF kind.origin <> 'manual' AND draft.body->>'proposal_id' IS NOT NULL THEN
            refusal := 'approval_not_applicable'; refusal_data := jsonb_build_object('type', draft.body->>'type');
        END IF;

        IF refusal IS NULL THEN
            SELECT p.id, p.entity_id INTO accounting_period
                FROM ledger_entity e JOIN ledger_period p ON p.entity_id = e.id
                WHERE e.code = draft.body->>'entity' AND (draft.body->>'effective_date')::date BETWEEN p.starts_on AND p.ends_on;
            IF NOT FOUND THEN
                refusal := 'no_accounting_period';
                refusal_data := jsonb_build_object('entity', draft.body->>'entity', 'effective_date', draft.body->>'effective_date');
            ELSE
                -- Lock, then read: the close holds this lock exclusively, and the status is read by a later statement.
                PERFORM pg_advisory_xact_lock_shared(4201, accounting_period.id::integer);
                PERFORM 1 FROM ledger_period p WHERE p.id = accounting_period.id AND p.status = 'open';
                IF NOT FOUND THEN
                    refusal := 'period_closed';
                    refusal_data := jsonb_build_object('effective_date', draft.body->>'effective_date', 'first_open_date', (
                        SELECT min(p.starts_on) FROM ledger_period p
                        WHERE p.entity_id = accounting_period.entity_id AND p.status = 'open'));
                END IF;
            END IF;
        END IF;

        IF refusal IS NULL THEN
            leg_count := 0; accounts := '{}'; assets := '{}'; entities := '{}'; directions := '{}'; amounts := '{}'; debit_normal := '{}';
            FOR leg IN
                SELECT l.ordinality AS line, l.value->>'account' AS account, l.value->>'direction' AS direction, l.value->>'asset' AS asset,
                       (l.value->>'amount')::numeric AS amount, a.id, a.asset_id, a.entity_id, a.status, a.owner_class,
                       a.type IN ('asset', 'expense') AS debit_normal, s.code AS account_asset, e.code AS account_entity
                FROM jsonb_array_elements(draft.body->'lines') WITH ORDINALITY l
                LEFT JOIN ledger_account a ON a.code = l.value->>'account'
                LEFT JOIN ledger_asset s ON s.id = a.asset_id
                LEFT JOIN ledger_entity e ON e.id = a.entity_id
                ORDER BY l.ordinality
            LOOP
                IF leg.id IS NULL THEN
                    refusal := 'unknown_account'; refusal_data := jsonb_build_object('account', leg.account);
                    EXIT;
                ELSIF leg.account_asset <> leg.asset THEN
                    refusal := 'account_holds_another_asset';
                ELSIF leg.account_entity <> draft.body->>'entity' THEN
                    refusal := 'account_of_another_entity';
                ELSIF leg.status <> 'open' THEN
                    refusal := 'account_not_open';
                ELSIF NOT (CASE leg.direction WHEN 'debit' THEN kind.debit_classes ELSE kind.credit_classes END) ? leg.owner_class THEN
                    refusal := 'account_class_not_allowed';
                ELSE
                    leg_count := leg_count + 1;
                    accounts := accounts || leg.id; assets := assets || leg.asset_id; entities := entities || leg.entity_id;
                    directions := directions || leg.direction; amounts := amounts || leg.amount;
                    debit_normal := debit_normal || leg.debit_normal;
                    CONTINUE;
                END IF;
                refusal_data := jsonb_build_object(
                    'line', leg.line, 'account', leg.account, 'direction', leg.direction, 'asset', leg.account_asset,
                    'status', leg.status, 'owner_class', leg.owner_class);
                EXIT;
            END LOOP;
        END IF;

        IF refusal IS NOT NULL THEN
            UPDATE ledger_idempotency_key k SET entry_id = NULL, refusal_code = refusal, refusal_detail = refusal_data
                WHERE k.scope = caller_scope AND k.key = draft.key;
            outcome := 'refused'; code := refusal; detail := refusal_data;
            RETURN NEXT;
            CONTINUE each_draft;
        END IF;

        -- Nothing is refused any more.
        seqs := '{}'; balances := '{}';
        FOR n IN 1..leg_count LOOP
            UPDATE ledger_balance b SET
                posted_debits_minor = b.posted_debits_minor + CASE directions[n] WHEN 'debit' THEN amounts[n] ELSE 0 END,
                posted_credits_minor = b.posted_credits_minor + CASE directions[n] WHEN 'credit' THEN amounts[n] ELSE 0 END,
                version = b.version + 1
                WHERE b.account_id = accounts[n]
                RETURNING b.version, b.posted_debits_minor, b.posted_credits_minor INTO seq, debits, credits;
            seqs := seqs || seq;
            balances := balances || CASE WHEN debit_normal[n] THEN debits - credits ELSE credits - debits END;
        END LOOP;

        WITH entry AS (
            INSERT INTO ledger_entry (
                id, number, entity_id, type_id, origin, period_id, effective_date, posted_at, lines, description, reference,
                counterparty, metadata, actor_id, request_id, proposal_id)
            VALUES (
                new_entry_id, nextval('ledger_entry_number'), accounting_period.entity_id, kind.id, kind.origin, accounting_period.id,
                (draft.body->>'effective_date')::date, clock_timestamp(), leg_count, draft.body->>'description',
                draft.body->>'reference', draft.body->>'counterparty', draft.body->'metadata',
                (draft.body->>'actor_id')::bigint, draft.body->>'request_id', (draft.body->>'proposal_id')::uuid))
        INSERT INTO ledger_posting (
            entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, account_seq, balance_after_minor)
        SELECT new_entry_id, n, leg_count, accounts[n], assets[n], entities[n], directions[n], amounts[n], seqs[n], balances[n]
        FROM generate_series(1, leg_count) n;

        outcome := 'posted'; posted_entry_id := new_entry_id;
        RETURN NEXT;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION ledger_post_entries_v1(text, jsonb) FROM PUBLIC;

-- Every account has its balance row from birth, so posting only ever locks and updates.
CREATE FUNCTION ledger_account_gets_a_balance_v1() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_balance (account_id, posted_debits_minor, posted_credits_minor, version) VALUES (NEW.id, 0, 0, 0);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_account_gets_a_balance_v1() FROM PUBLIC;
CREATE TRIGGER ledger_account_gets_a_balance AFTER INSERT ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION ledger_account_gets_a_balance_v1();
-- reverse
DROP TRIGGER ledger_account_gets_a_balance ON ledger_account;
DROP FUNCTION ledger_account_gets_a_balance_v1();
DROP FUNCTION ledger_post_entries_v1(text, jsonb);
