
-- Who sees what: one function for each kind of thing, used by tables, views and functions alike.

CREATE FUNCTION ingest_internal.my_sources() RETURNS integer[]
    AS 'MODULE_PATHNAME', 'ingest_my_sources' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.my_sources()
    IS 'sources that the caller may see: their own, and those granted to a role of theirs; remembered within the '
    'transaction';

CREATE FUNCTION ingest_internal.my_syncs() RETURNS integer[]
    AS 'MODULE_PATHNAME', 'ingest_my_syncs' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.my_syncs() IS 'syncs of those sources';

CREATE FUNCTION ingest_internal.sees_source(actor oid, source integer) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM ingest.data_source d WHERE d.id = sees_source.source
        AND (ingest_internal.acts_for(actor, d.owner)
        OR EXISTS (SELECT FROM ingest.source_grant g WHERE g.source = d.id AND ingest_internal.at_home()
            AND pg_has_role(actor, g.role, 'USAGE'))));
COMMENT ON FUNCTION ingest_internal.sees_source(oid, integer) IS 'whether a role may see a source';

CREATE FUNCTION ingest_internal.sees_rows(sync integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_sees_rows' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION ingest_internal.sees_rows(integer)
    IS 'whether the caller may see values of a copy''s rows: as its owner, or as a role that may SELECT all its '
    'columns and rows';

CREATE FUNCTION ingest_internal.owns(role oid, relation oid) RETURNS boolean LANGUAGE sql STABLE
    -- a superuser has the rights of everybody: what it keeps in the table of another role would run that role's
    -- triggers as a superuser
    RETURN EXISTS (SELECT FROM pg_roles r JOIN pg_class c ON c.oid = owns.relation JOIN pg_roles o ON o.oid = c.relowner
        WHERE r.oid = owns.role AND pg_has_role(r.oid, o.oid, 'USAGE') AND (o.rolsuper OR NOT r.rolsuper));
COMMENT ON FUNCTION ingest_internal.owns(oid, oid)
    IS 'whether a role has the rights of a relation''s owner, where only a superuser has those of a superuser; '
    'false if either no longer exists';

CREATE FUNCTION ingest_internal.open_watermark(watermark text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN watermark ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.+-]+)?$' THEN watermark END;
COMMENT ON FUNCTION ingest_internal.open_watermark(text)
    IS 'a watermark that is a time, which says how fresh a copy is; null for any other, which is a value of a row '
    'and not for everybody';

-- Nothing is said of a relation before it is known that its number is one of this database: see at_home.
CREATE FUNCTION ingest_internal.sees_table(owner oid, relation oid) RETURNS boolean LANGUAGE sql STABLE
    RETURN ingest_internal.at_home() AND coalesce((SELECT has_table_privilege(c.oid, 'SELECT')
        AND NOT row_security_active(c.oid)
        AND has_schema_privilege(c.relnamespace, 'USAGE') AND ingest_internal.owns(sees_table.owner, c.oid)
        FROM pg_class c WHERE c.oid = sees_table.relation), false);
COMMENT ON FUNCTION ingest_internal.sees_table(oid, oid)
    IS 'whether the caller may SELECT all columns and rows of a table that the given owner still owns';

CREATE FUNCTION ingest_internal.may_read(owner oid, relation oid, attnum smallint) RETURNS boolean LANGUAGE sql STABLE
    RETURN ingest_internal.at_home() AND coalesce((SELECT has_column_privilege(c.oid, a.attnum, 'SELECT')
        AND NOT row_security_active(c.oid)
        AND has_schema_privilege(c.relnamespace, 'USAGE') AND ingest_internal.owns(may_read.owner, c.oid)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.oid = may_read.relation AND a.attnum = may_read.attnum AND a.attnum > 0 AND NOT a.attisdropped), false);
COMMENT ON FUNCTION ingest_internal.may_read(oid, oid, smallint)
    IS 'whether the caller may SELECT a column, for all rows, of a table that the given owner still owns';

CREATE FUNCTION ingest_internal.own_source(actor oid, name text) RETURNS ingest.data_source LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source;
BEGIN
    SELECT * INTO d FROM ingest.data_source x WHERE x.name = own_source.name FOR UPDATE;
    PERFORM ingest_internal.require('source', name, d.id IS NOT NULL, ingest_internal.sees_source(actor, d.id),
        ingest_internal.changes_for(actor, d.owner),
        ingest_internal.role_name(d.owner, d.owner_name));
    RETURN d;
END $$;
COMMENT ON FUNCTION ingest_internal.own_source(oid, text) IS 'a source that a role may change, locked';

CREATE FUNCTION ingest_internal.own_sync(actor oid, name text) RETURNS ingest.sync LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync;
BEGIN
    SELECT * INTO s FROM ingest.sync x WHERE x.name = own_sync.name FOR UPDATE;
    PERFORM ingest_internal.require('sync', name, s.id IS NOT NULL, ingest_internal.sees_source(actor, s.source),
        ingest_internal.changes_for(actor, s.owner),
        ingest_internal.role_name(s.owner, s.owner_name));
    RETURN s;
END $$;
COMMENT ON FUNCTION ingest_internal.own_sync(oid, text) IS 'a sync that a role may change, locked';

CREATE FUNCTION ingest_internal.own_job(actor oid, name text) RETURNS ingest.job LANGUAGE plpgsql AS $$
DECLARE
    j ingest.job;
BEGIN
    SELECT * INTO j FROM ingest.job x WHERE x.name = own_job.name FOR UPDATE;
    PERFORM ingest_internal.require('job', name, j.id IS NOT NULL, ingest_internal.acts_for(actor, j.owner)
        OR ingest_internal.sees_source(actor, j.source),
        ingest_internal.changes_for(actor, j.owner), ingest_internal.role_name(j.owner, j.owner_name));
    RETURN j;
END $$;
COMMENT ON FUNCTION ingest_internal.own_job(oid, text) IS 'a job that a role may change, locked';
