-- The body of posting for large batches: the drafts that nothing special applies to, all at once. A draft is plain if it is new, asks for
-- none of what ledger_post_each_v1 treats apart (holds, reversals, initiations, approvals, rolled dates), is sound in
-- every leg, lies in an open period of its only entity, and touches no account with a limit or a freeze. Whatever is not plain, or is
-- refused, or was asked before is left to that loop, which says why. The caller holds the balance locks.
-- Nothing is joined between what was read and what is written: arrays carry it, in the order of drafts and legs.
CREATE FUNCTION ledger_post_plain_v1(caller_scope text, drafts jsonb, OUT places integer[], OUT ids uuid[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    d record;
    bodies jsonb[];
    known jsonb;
    -- Ids of one batch differ in their last 48 bits alone and rise with the place: to ask for ten thousand takes as long as to insert them.
    first_id text := uuidv7();
    id_head text := left(first_id, 24);
    id_tail bigint := ('x' || right(first_id, 12))::bit(48)::bigint;
BEGIN
    IF EXISTS (SELECT 1 FROM runtime_switch s WHERE s.function = 'posting' AND s.lifted_at IS NULL) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(4201, p.id::integer)
        FROM (SELECT DISTINCT b.value->>'entity' AS entity, (b.value->>'effective_date')::date AS day FROM jsonb_array_elements(drafts) b) asked
        JOIN ledger_entity e ON e.code = asked.entity
        JOIN ledger_period p ON p.entity_id = e.id AND asked.day BETWEEN p.starts_on AND p.ends_on;

    -- Keys asked before: looked up all at once, since one by one would take as long as all the rest of the reading.
    SELECT coalesce(jsonb_object_agg(k.key, NULL), '{}') INTO known FROM ledger_transaction k
        WHERE k.scope = caller_scope AND k.key = ANY (ARRAY(SELECT b.value->>'key' FROM jsonb_array_elements(drafts) b));

    -- Lock, then read. One row for each leg of the plain drafts; what belongs to a draft is taken from its first leg.
    SELECT array_agg(x.place::integer) FILTER (WHERE x.line = 1) AS places,
           array_agg(x.new_id) FILTER (WHERE x.line = 1) AS ids,
           array_agg(x.type_id) FILTER (WHERE x.line = 1) AS types,
           array_agg(x.entity_id) FILTER (WHERE x.line = 1) AS entities,
           array_agg(x.period_id) FILTER (WHERE x.line = 1) AS periods,
           array_agg(x.settles) FILTER (WHERE x.line = 1) AS settles,
           array_agg(x.lines) FILTER (WHERE x.line = 1) AS lines,
           array_agg(x.new_id) AS leg_ids, array_agg(x.line::integer) AS leg_lines,
           array_agg(x.lines) AS leg_counts, array_agg(x.day) AS leg_days,
           array_agg(x.account_id) AS leg_accounts, array_agg(x.asset_id) AS leg_assets,
           array_agg(x.entity_id) AS leg_entities, array_agg(x.is_debit) AS leg_debits,
           array_agg(x.amount) AS leg_amounts, array_agg(x.deferred) AS leg_deferred,
           array_agg(x.version) AS leg_versions, array_agg(x.net) AS leg_nets,
           array_agg(x.sign) AS leg_signs
        INTO d
        FROM (SELECT * FROM (
            SELECT legs.*, bool_and(legs.sound) OVER own AS all_sound, array_agg(legs.role) OVER own AS all_roles,
                   (id_head || lpad(to_hex((id_tail + legs.place) % 281474976710656), 12, '0'))::uuid AS new_id
            FROM (
                SELECT b.place, l.line, t.id AS type_id, t.required_roles, t.settles, e.id AS entity_id,
                       p.id AS period_id, (b.body->>'effective_date')::date AS day, jsonb_array_length(b.body->'lines') AS lines,
                       a.id AS account_id, a.asset_id, l.direction = 'debit' AS is_debit, l.amount, a.deferred, a.version, a.net,
                       CASE WHEN a.debit_normal THEN 1 ELSE -1 END AS sign, t.roles->l.direction->>a.owner_class AS role,
                       a.id IS NOT NULL AS sound
                FROM jsonb_array_elements(drafts) WITH ORDINALITY AS b (body, place)
                JOIN ledger_plain_type t ON t.code = b.body->>'type'
                JOIN ledger_entity e ON e.code = b.body->>'entity'
                JOIN ledger_plain_period p ON p.entity_id = e.id AND (b.body->>'effective_date')::date BETWEEN p.starts_on AND p.ends_on
                CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(b.body->'lines') AS (account text, direction text, amount numeric(38, 0), asset text))
                    WITH ORDINALITY AS l (account, direction, amount, asset, line)
                LEFT JOIN LATERAL (SELECT * FROM ledger_plain_account k WHERE k.code = l.account OFFSET 0) a
                    ON a.asset = l.asset AND a.entity_id = e.id AND t.roles->l.direction ? a.owner_class
                WHERE NOT b.body ?| '{value_date,roll_to_open,initiate,posts,hold,final,reverses,parent,proposal_id,proposal_part}'
                  AND NOT known ? (b.body->>'key')
            ) legs
            WINDOW own AS (PARTITION BY legs.place)
        ) judged
        WHERE judged.all_sound AND judged.all_roles @> ARRAY(SELECT jsonb_array_elements_text(judged.required_roles))
        ORDER BY judged.place, judged.line) x;
    IF d.places IS NULL THEN
        RETURN;
    END IF;

    bodies := ARRAY(SELECT drafts->(p - 1) FROM unnest(d.places) p);
    INSERT INTO ledger_transaction (
        id, scope, key, content, type_id, entity_id, status, settlement, entry_id, lines, actor_id, request_id, created_at)
    SELECT n.id, caller_scope, n.body->>'key', n.body - '{key,actor_id,request_id}'::text[], n.type_id, n.entity_id, 'posted',
           CASE WHEN n.settles THEN 'expected' ELSE 'not_applicable' END, n.id, n.lines, (n.body->>'actor_id')::bigint,
           coalesce(n.body->>'request_id', ''), clock_timestamp()
    FROM unnest(d.ids, bodies, d.types, d.entities, d.settles, d.lines) AS n (id, body, type_id, entity_id, settles, lines);

    INSERT INTO ledger_entry (
        id, number, entity_id, type_id, origin, period_id, effective_date, prior_period, posted_at, lines, description, reference,
        counterparty, metadata, actor_id, request_id)
    SELECT n.id, nextval('ledger_entry_number'), n.entity_id, n.type_id, 'rule', n.period_id, (n.body->>'effective_date')::date, false,
           clock_timestamp(), n.lines, n.body->>'description', n.body->>'reference', n.body->>'counterparty', n.body->'metadata',
           (n.body->>'actor_id')::bigint, coalesce(n.body->>'request_id', '')
    FROM unnest(d.ids, bodies, d.types, d.entities, d.periods, d.lines) AS n (id, body, type_id, entity_id, period_id, lines);

    UPDATE ledger_balance b SET
        posted_debits_minor = b.posted_debits_minor + moved.debits, posted_credits_minor = b.posted_credits_minor + moved.credits,
        version = b.version + moved.n
        FROM (SELECT l.account_id, sum(CASE WHEN l.is_debit THEN l.amount ELSE 0 END) AS debits,
                     sum(CASE WHEN l.is_debit THEN 0 ELSE l.amount END) AS credits, count(*) AS n
              FROM unnest(d.leg_accounts, d.leg_debits, d.leg_amounts, d.leg_deferred) AS l (account_id, is_debit, amount, deferred)
              WHERE NOT l.deferred GROUP BY l.account_id) moved
        WHERE b.account_id = moved.account_id;

    INSERT INTO ledger_day_delta AS known (account_id, effective_date, debits_minor, credits_minor, postings)
    SELECT l.account_id, l.day, sum(CASE WHEN l.is_debit THEN l.amount ELSE 0 END), sum(CASE WHEN l.is_debit THEN 0 ELSE l.amount END), count(*)
    FROM unnest(d.leg_accounts, d.leg_days, d.leg_debits, d.leg_amounts, d.leg_deferred) AS l (account_id, day, is_debit, amount, deferred)
    WHERE NOT l.deferred GROUP BY l.account_id, l.day ORDER BY l.account_id, l.day
    ON CONFLICT (account_id, effective_date) DO UPDATE SET
        debits_minor = known.debits_minor + excluded.debits_minor, credits_minor = known.credits_minor + excluded.credits_minor,
        postings = known.postings + excluded.postings;

    INSERT INTO ledger_posting_tail (entry_id, line, account_id, effective_date, direction, amount_minor)
    SELECT l.id, l.line, l.account_id, l.day, CASE WHEN l.is_debit THEN 'debit' ELSE 'credit' END, l.amount
    FROM unnest(d.leg_ids, d.leg_lines, d.leg_accounts, d.leg_days, d.leg_debits, d.leg_amounts, d.leg_deferred)
        AS l (id, line, account_id, day, is_debit, amount, deferred)
    WHERE l.deferred;

    INSERT INTO ledger_posting (
        entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date, account_seq, balance_after_minor)
    SELECT l.id, l.line, l.lines, l.account_id, l.asset_id, l.entity_id, CASE WHEN l.is_debit THEN 'debit' ELSE 'credit' END, l.amount, l.day,
           CASE WHEN NOT l.deferred THEN l.version + row_number() OVER so_far END,
           CASE WHEN NOT l.deferred THEN (l.net + sum(CASE WHEN l.is_debit THEN l.amount ELSE -l.amount END) OVER so_far) * l.sign END
    FROM unnest(d.leg_ids, d.leg_lines, d.leg_counts, d.leg_accounts, d.leg_assets, d.leg_entities, d.leg_debits, d.leg_amounts, d.leg_days,
                d.leg_deferred, d.leg_versions, d.leg_nets, d.leg_signs) WITH ORDINALITY
        AS l (id, line, lines, account_id, asset_id, entity_id, is_debit, amount, day, deferred, version, net, sign, n)
    WINDOW so_far AS (PARTITION BY l.account_id ORDER BY l.n ROWS UNBOUNDED PRECEDING);

    places := d.places; ids := d.ids;
EXCEPTION WHEN unique_violation THEN
    -- Somebody else asked under one of these keys at the same moment: the loop waits for their answer.
    places := NULL; ids := NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_post_plain_v1(text, jsonb) FROM PUBLIC;
-- reverse
DROP FUNCTION ledger_post_plain_v1(text, jsonb);
