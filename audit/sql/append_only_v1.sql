-- The second line behind privileges: whoever may write at all may still not rewrite.
CREATE FUNCTION lib_refuse_change_v1() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append only', TG_TABLE_NAME
        USING ERRCODE = '23514', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION lib_refuse_change_v1();
-- reverse
DROP TRIGGER audit_event_append_only ON audit_event;
DROP FUNCTION lib_refuse_change_v1();
