-- The only door into audit_event: the runtime role may execute this and may not insert.
CREATE FUNCTION audit_record_event_v1(event jsonb) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO public.audit_event (
        actor_type, actor_id, actor_name, session_digest, ip, request_id, action, target_type, target_id,
        outcome, reason, before, after, proposal_id, transaction_id)
    VALUES (
        event->>'actor_type', (event->>'actor_id')::bigint, event->>'actor_name', event->>'session_digest',
        (event->>'ip')::inet, event->>'request_id', event->>'action', event->>'target_type', event->>'target_id',
        event->>'outcome', event->>'reason', nullif(event->'before', 'null'), nullif(event->'after', 'null'),
        (event->>'proposal_id')::uuid, pg_current_xact_id()::text::bigint)
    RETURNING id
$$;
REVOKE ALL ON FUNCTION audit_record_event_v1(jsonb) FROM PUBLIC;
-- reverse
DROP FUNCTION audit_record_event_v1(jsonb);
