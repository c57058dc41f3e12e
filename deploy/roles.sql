-- Roles, extensions and the bare schema of a LedgerOps database. Run it as a superuser inside the database:
--
--     createdb ledgerops && psql --dbname ledgerops --file deploy/roles.sql
--
-- It can be run again at any time and changes nothing then. Passwords are no part of it: give them to the two roles
-- that log in with \password. What each role may do with which table is granted after every migrate (ledgerops.grants).

SET client_min_messages = warning;

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('ledgerops_owner', 'NOLOGIN', 'owns everything; nobody logs in as it'),
            ('ledgerops_migrator', 'LOGIN', 'runs migrations by SET ROLE ledgerops_owner'),
            ('ledgerops_app', 'LOGIN', 'serves requests and tasks; owns nothing'),
            ('ledgerops_sealer', 'NOLOGIN', 'writes checkpoints'),
            ('ledgerops_auditor', 'NOLOGIN', 'reads')
        ) AS roles (name, login, purpose)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I', wanted.name);
        END IF;
        EXECUTE format('ALTER ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT', wanted.name, wanted.login);
        EXECUTE format('COMMENT ON ROLE %I IS %L', wanted.name, wanted.purpose);
    END LOOP;
END
$$;

-- The migrator becomes the owner by SET ROLE and has nothing of its own.
GRANT ledgerops_owner TO ledgerops_migrator WITH INHERIT FALSE, SET TRUE, ADMIN FALSE;

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO ledgerops_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO ledgerops_migrator, ledgerops_app, ledgerops_sealer, ledgerops_auditor', current_database()
    );
    -- What a run looks at lies in tables of its own transaction. Every function names pg_temp last, so that none of them is mistaken.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ledgerops_app', current_database());
    EXECUTE format('ALTER DATABASE %I SET timezone TO ''UTC''', current_database());
END
$$;

CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

ALTER SCHEMA public OWNER TO ledgerops_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ledgerops_app, ledgerops_sealer, ledgerops_auditor;

-- Whatever the owner creates belongs to nobody else until it is granted by name; functions and types would go to PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE ledgerops_owner REVOKE ALL ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgerops_owner REVOKE ALL ON SEQUENCES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgerops_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgerops_owner REVOKE ALL ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE ledgerops_owner REVOKE ALL ON SCHEMAS FROM PUBLIC;
