\echo Use "CREATE EXTENSION ingest" to load this file. \quit

-- The engine is not a superuser: what it keeps belongs to a role that nobody logs in as and that may do nothing else.
-- Whatever is done in its name by mistake can therefore do no more than that role.
DO $$
DECLARE
    engine record;
BEGIN
    SELECT r.oid, r.rolsuper OR r.rolcanlogin OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS strong,
        (SELECT string_agg(m.member::regrole::text, ', ') FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles w ON w.oid = m.member WHERE m.roleid = r.oid AND NOT w.rolsuper) AS members,
        (SELECT string_agg(m.roleid::regrole::text, ', ') FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) AS memberships
      INTO engine FROM pg_catalog.pg_roles r WHERE r.rolname = 'ingest_engine';
    IF engine.oid IS NULL THEN
        CREATE ROLE ingest_engine NOLOGIN;
        COMMENT ON ROLE ingest_engine IS 'owns what the extension ingest keeps; nobody logs in as it or is a member of it';
    ELSIF engine.strong OR engine.members IS NOT NULL OR engine.memberships IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_role_specification', MESSAGE = 'role "ingest_engine" exists and is not fit to own the engine''s tables',
            DETAIL = pg_catalog.concat_ws(' ', CASE WHEN engine.strong THEN 'It has attributes.' END, 'It has members: ' || engine.members || '.', 'It is a member of: ' || engine.memberships || '.'),
            HINT = 'It must be NOLOGIN, without attributes, members and memberships: ALTER ROLE ingest_engine NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS, and REVOKE the memberships.';
    END IF;
END $$;

-- A schema that somebody else made may hold traps, and its owner could change what is in it.
DO $$
BEGIN
    IF pg_catalog.to_regnamespace('ingest') IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_schema', MESSAGE = 'schema "ingest" exists already',
            DETAIL = 'The extension makes its schema itself, so that nobody else owns it or has put something into it.', HINT = 'Rename or drop that schema: ALTER SCHEMA ingest RENAME TO ….';
    END IF;
END $$;
CREATE SCHEMA ingest;
COMMENT ON SCHEMA ingest IS 'metadata repository and engine';
-- nothing that a user could have made is in this path
SET LOCAL search_path = ingest, pg_catalog;
