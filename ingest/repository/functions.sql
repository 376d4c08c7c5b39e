
-- Sources

CREATE FUNCTION register_source(name text, server name, schema name DEFAULT NULL, remote_schemas text[] DEFAULT NULL,
    tables text[] DEFAULT NULL,
    description text DEFAULT NULL, refresh_schedule text DEFAULT NULL, max_parallel integer DEFAULT 2) RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_register_source' LANGUAGE C;
COMMENT ON FUNCTION register_source(text, name, name, text[], text[], text, text, integer)
    IS 'registers a foreign server as a source; its foreign tables go into a schema of their own';

CREATE FUNCTION ingest_internal.check_source_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text := CASE
        WHEN NEW.name IS NULL OR NEW.name = '' OR length(NEW.name) > 200
            THEN 'a source needs a name of at most 200 characters'
        WHEN NEW.max_parallel IS NULL OR NEW.max_parallel < 1
            THEN 'max_parallel, the jobs on a source that may run at once, must be at least 1'
        WHEN NEW.remote_schemas IS NULL OR array_position(NEW.remote_schemas, NULL) IS NOT NULL
            THEN 'remote_schemas must not hold a null'
        WHEN array_position(NEW.include, NULL) IS NOT NULL THEN 'tables must not hold a null' END;
BEGIN
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = wrong,
            HINT = 'See the documentation of ingest.register_source.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.check_source_row()
    IS 'checks the settings of a source, with errors in plain sentences';
CREATE TRIGGER check_source_row BEFORE INSERT OR UPDATE OF name, max_parallel, remote_schemas,
    include ON data_source FOR EACH ROW EXECUTE FUNCTION ingest_internal.check_source_row();

CREATE FUNCTION check_source(source text) RETURNS TABLE (what text, ok boolean, detail text)
    AS 'MODULE_PATHNAME', 'ingest_check_source' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_source(text)
    IS 'checks connection, login and permissions, in the way the connector does; the result is kept';

CREATE PROCEDURE crawl(source text, tables text[] DEFAULT NULL, count_rows boolean DEFAULT true)
    AS 'MODULE_PATHNAME', 'ingest_crawl' LANGUAGE C;
COMMENT ON PROCEDURE crawl(text, text[], boolean)
    IS 'finds schemas, tables, columns, keys and descriptions; creates or alters foreign tables; records what changed';

CREATE FUNCTION ingest_internal.pause_source(actor oid, source text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, source);
BEGIN
    IF d.state = 'paused' THEN
        RAISE NOTICE 'source "%" is already paused', source;
        RETURN;
    END IF;
    UPDATE ingest.data_source x SET state = 'paused' WHERE x.id = d.id;
    PERFORM ingest_internal.say_what_runs(d.id, NULL);
    PERFORM ingest_internal.announce('ingest.source.paused', source, source, jsonb_build_object('source', source));
    PERFORM ingest_internal.audit(actor, 'pause', source, NULL, jsonb_build_object('source', 'paused'));
END $$;
COMMENT ON FUNCTION ingest_internal.pause_source(oid, text) IS 'see ingest.pause';

CREATE FUNCTION ingest_internal.resume_source(actor oid, source text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, source);
    closed boolean;
BEGIN
    UPDATE ingest.circuit c SET state = 'closed', outcomes = '{}', probes = 0, open_for = '30 s', changed_at = now(),
        reason = NULL WHERE c.source = d.id AND c.state <> 'closed';
    closed := FOUND;
    PERFORM ingest_internal.alert_closes('source_unavailable', 'source ' || d.id,
        'resumed by ' || pg_get_userbyid(actor));
    IF d.state = 'active' AND NOT closed THEN
        RAISE NOTICE 'source "%" is active, and its circuit breaker is closed', source;
        RETURN;
    END IF;
    UPDATE ingest.data_source x SET state = 'active' WHERE x.id = d.id;
    PERFORM ingest_internal.announce('ingest.source.resumed', source, source, jsonb_build_object('source', source));
    PERFORM ingest_internal.audit(actor, 'resume', source, NULL, jsonb_build_object('source', 'active'));
END $$;
COMMENT ON FUNCTION ingest_internal.resume_source(oid, text) IS 'see ingest.resume';

CREATE FUNCTION ingest_internal.drop_source(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, name);
BEGIN
    PERFORM ingest_internal.alerts_dropped(d.id, NULL, NULL, NULL);
    PERFORM ingest_internal.announce('ingest.source.dropped', name, name, jsonb_build_object('source', name));
    -- what let others see it goes with it
    PERFORM ingest_internal.drop_history_view(s.id) FROM ingest.sync s WHERE s.source = d.id;
    DELETE FROM ingest.change c USING ingest.sync s WHERE s.id = c.sync AND s.source = d.id;
    DELETE FROM ingest.data_source x WHERE x.id = d.id;
    PERFORM ingest_internal.audit(actor, 'drop_source', name, to_jsonb(d));
END $$;
COMMENT ON FUNCTION ingest_internal.drop_source(oid, text) IS 'see ingest.drop_source';
CREATE FUNCTION drop_source(source text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_drop_source' LANGUAGE C;
COMMENT ON FUNCTION drop_source(text)
    IS 'removes a source with its syncs, their history, jobs and metadata; foreign tables and copies stay';

CREATE FUNCTION ingest_internal.role_oid(name name) RETURNS oid LANGUAGE plpgsql STABLE AS $$
DECLARE
    number oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = role_oid.name);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'the role must not be null';
    ELSIF number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('role "%s" does not exist', name);
    END IF;
    RETURN number;
END $$;
COMMENT ON FUNCTION ingest_internal.role_oid(name) IS 'a role by its name, or an error';

CREATE FUNCTION ingest_internal.grant_source(actor oid, source text, role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, source);
BEGIN
    INSERT INTO ingest.source_grant AS g VALUES (d.id, ingest_internal.role_oid(role), role) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE NOTICE 'role "%" sees source "%" already', role, source;
        RETURN;
    END IF;
    IF NOT pg_has_role(ingest_internal.role_oid(role), 'ingest_reader', 'USAGE') THEN
        RAISE NOTICE USING MESSAGE = format('role "%s" may not see the repository yet', role),
            HINT = format('GRANT ingest_reader TO %I.', role);
    END IF;
    PERFORM ingest_internal.audit(actor, 'grant_source', source, NULL, to_jsonb(role));
END $$;
COMMENT ON FUNCTION ingest_internal.grant_source(oid, text, name) IS 'see ingest.grant_source';
CREATE FUNCTION grant_source(source text, role name) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION grant_source(text, name)
    IS 'lets members of a role see the source in the repository, without values of rows';

CREATE FUNCTION ingest_internal.revoke_source(actor oid, source text, role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, source);
BEGIN
    -- of a role that is gone, by the name that it had
    DELETE FROM ingest.source_grant g WHERE g.source = d.id AND (g.role = (SELECT r.oid FROM pg_roles r
        WHERE r.rolname = revoke_source.role)
        OR g.role_name = revoke_source.role AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role));
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" is not granted to role "%s"', source, role);
    END IF;
    PERFORM ingest_internal.audit(actor, 'revoke_source', source, to_jsonb(role));
END $$;
COMMENT ON FUNCTION ingest_internal.revoke_source(oid, text, name) IS 'see ingest.revoke_source';
CREATE FUNCTION revoke_source(source text, role name) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION revoke_source(text, name) IS 'revokes what grant_source granted';

CREATE FUNCTION ingest_internal.set_owner(actor oid, source text, owner name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    d ingest.data_source := ingest_internal.own_source(actor, source);
    new_owner oid := ingest_internal.role_oid(owner);
BEGIN
    IF NOT ingest_internal.changes_for(actor, new_owner) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('only a superuser can give a source to "%s"', owner),
            DETAIL = 'What belongs to a source runs as its owner, and that role is a superuser or can become one.';
    END IF;
    IF new_owner = d.owner THEN
        RAISE NOTICE 'source "%" belongs to "%" already', source, owner;
        RETURN;
    END IF;
    UPDATE ingest.data_source x SET owner = new_owner, owner_name = set_owner.owner WHERE x.id = d.id;
    UPDATE ingest.sync x SET owner = new_owner, owner_name = set_owner.owner WHERE x.source = d.id
        AND x.owner = d.owner;
    UPDATE ingest.job x SET owner = new_owner, owner_name = set_owner.owner WHERE x.source = d.id AND x.owner = d.owner;
    UPDATE ingest.queue x SET owner = new_owner WHERE x.source = d.id AND x.owner = d.owner;
    -- conditions are code, which would run with the rights of the new owner
    UPDATE ingest.rule x SET owner = new_owner, owner_name = set_owner.owner WHERE x.source = d.id
        AND x.owner = d.owner AND x.kind <> 'sql';
    IF EXISTS (SELECT FROM ingest.rule x WHERE x.source = d.id AND x.owner = d.owner) THEN
        RAISE NOTICE USING MESSAGE = format('rules of kind sql stay with "%s", '
            'and hold no more once the tables are given away', ingest_internal.role_name(d.owner, d.owner_name)),
            HINT = 'The new owner adds those that it trusts: SELECT arguments FROM ingest.rule.';
    END IF;
    PERFORM ingest_internal.audit(actor, 'set_owner', source,
        to_jsonb(ingest_internal.role_name(d.owner, d.owner_name)), to_jsonb(owner));
END $$;
COMMENT ON FUNCTION ingest_internal.set_owner(oid, text, name) IS 'see ingest.set_owner';
CREATE FUNCTION set_owner(source text, owner name) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_set_owner' LANGUAGE C;
COMMENT ON FUNCTION set_owner(text, name)
    IS 'gives a source, and what its owner keeps of it, to another role; for admins. To give tables and schemas, '
    'use ALTER ... OWNER TO';

-- Another PostgreSQL says which columns are keys and what things are called: its catalogue, looked at through the
-- wrapper.
CREATE FUNCTION ingest_internal.postgres_tables(server name)
    RETURNS TABLE ("schema" text, "table" text, key text, description text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- others may have sources on the server, too, which a grantee or an admin sees: theirs are no place for one's own
    -- tables
    here name := (SELECT d.local_schema FROM ingest.data_source d WHERE d.server = postgres_tables.server
        AND pg_has_role(d.owner, 'USAGE')
        ORDER BY d.owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user), d.id LIMIT 1);
    wanted text[] := ARRAY(SELECT unnest(d.remote_schemas) FROM ingest.data_source d
        WHERE d.server = postgres_tables.server);
    -- parts of a table are none of their own, unless somebody asked for one
    named text[] := ARRAY(SELECT unnest(d.include) FROM ingest.data_source d WHERE d.server = postgres_tables.server);
    look record;
BEGIN
    FOR look IN SELECT * FROM (VALUES
        ('pg_class', 'oid oid, relname name, relnamespace oid, relkind "char", relispartition boolean'),
        ('pg_namespace', 'oid oid, nspname name'),
        ('pg_constraint', 'conrelid oid, contype "char", conkey smallint[]'),
            ('pg_attribute', 'attrelid oid, attnum smallint, attname name'),
        ('pg_description', 'objoid oid, classoid oid, objsubid integer, description text')) v (name, columns)
    LOOP
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name %L)',
            here, 'ingest_' || look.name, look.columns, server, look.name);
    END LOOP;
    RETURN QUERY EXECUTE format('WITH c AS MATERIALIZED (SELECT c.oid, c.relname, n.nspname
            FROM %1$I.ingest_pg_class c JOIN %1$I.ingest_pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY ($1) AND c.relkind IN (''r'', ''v'', ''m'', ''f'', ''p'')
            AND (NOT c.relispartition OR c.relname = ANY ($2))),
        i AS MATERIALIZED (SELECT i.conrelid, i.conkey FROM %1$I.ingest_pg_constraint i
            WHERE i.contype = ''p'' AND i.conrelid IN (SELECT oid FROM c)),
        k AS (SELECT a.attrelid, string_agg(a.attname, '', '' ORDER BY array_position(i.conkey, a.attnum)) AS key
            FROM %1$I.ingest_pg_attribute a JOIN i ON i.conrelid = a.attrelid AND a.attnum = ANY (i.conkey)
            GROUP BY a.attrelid)
        SELECT c.nspname::text, c.relname::text, k.key, (SELECT d.description FROM %1$I.ingest_pg_description d
            WHERE d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 1259)
        FROM c LEFT JOIN k ON k.attrelid = c.oid ORDER BY 2, 1', here) USING wanted, named;
    EXECUTE format('DROP FOREIGN TABLE %1$I.ingest_pg_class, %1$I.ingest_pg_namespace, %1$I.ingest_pg_constraint, '
        '%1$I.ingest_pg_attribute, %1$I.ingest_pg_description', here);
END $$;
COMMENT ON FUNCTION ingest_internal.postgres_tables(name)
    IS 'tables, primary keys and descriptions of a source behind postgres_fdw';

-- When a transaction is gone from pg_locks, what it wrote is seen by whoever begins to read then; every role may look
-- there.  The clock comes first: who begins later stamps later.  Sessions of other databases and the server's own
-- processes write nothing of the source's.  A standby does not show what runs on its primary: the process that replays
-- has the first transaction of all and no database, and then nothing is known.
CREATE FUNCTION ingest_internal.postgres_horizon(server name, OUT clock timestamptz, OUT running text[])
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here name := (SELECT d.local_schema FROM ingest.data_source d WHERE d.server = postgres_horizon.server
        AND pg_has_role(d.owner, 'USAGE')
        ORDER BY d.owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user), d.id LIMIT 1);
    base text := (SELECT o.option_value FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
        WHERE s.srvname = postgres_horizon.server AND o.option_name = 'dbname');
    replays boolean;
    look record;
BEGIN
    FOR look IN SELECT * FROM (VALUES
        ('pg_stat_activity', 'pid integer, datname name, usesysid oid, query_start timestamptz'),
        ('pg_locks', 'locktype text, virtualxid text, transactionid text, pid integer, mode text, '
            || 'granted boolean')) v (name, columns)
    LOOP
        CONTINUE WHEN to_regclass(format('%I.%I', here, 'ingest_' || look.name)) IS NOT NULL;
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name %L)',
            here, 'ingest_' || look.name, look.columns, server, look.name);
        EXECUTE format('COMMENT ON FOREIGN TABLE %I.%I IS ''what runs at the source, for the engine''', here,
            'ingest_' || look.name);
    END LOOP;
    EXECUTE format('SELECT max(a.query_start) FROM %I.ingest_pg_stat_activity a', here) INTO clock;
    EXECUTE format('SELECT coalesce(array_agg(DISTINCT CASE WHEN l.pid IS NULL THEN ''prepared '' || l.transactionid
                ELSE l.virtualxid END)
            FILTER (WHERE a.pid IS NULL OR (a.usesysid IS NOT NULL
                AND a.datname IS NOT DISTINCT FROM coalesce($1, a.datname))), ''{}''),
            coalesce(bool_or(a.pid IS NOT NULL AND a.usesysid IS NULL AND a.datname IS NULL
                AND l.virtualxid LIKE ''%%/1''), false)
        FROM %1$I.ingest_pg_locks l LEFT JOIN %1$I.ingest_pg_stat_activity a ON a.pid = l.pid
        WHERE l.granted AND l.mode = ''ExclusiveLock''
            AND (l.locktype = ''virtualxid'' OR l.locktype = ''transactionid'' AND l.pid IS NULL)', here)
        INTO running, replays USING base;
    IF replays THEN
        clock := NULL;
        running := NULL;
    END IF;
EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction OR undefined_table OR undefined_column
    OR invalid_schema_name OR feature_not_supported OR fdw_schema_not_found OR fdw_table_not_found THEN
    -- not available here, or there: another server that speaks like PostgreSQL
    clock := NULL;
    running := NULL;
END $$;
COMMENT ON FUNCTION ingest_internal.postgres_horizon(name)
    IS 'the current time at a source behind postgres_fdw, and the transactions under way there at that time; nulls '
    'if they cannot be told';

CREATE FUNCTION profile(relation regclass, sample_rows bigint DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_profile_now' LANGUAGE C;
COMMENT ON FUNCTION profile(regclass, bigint)
    IS 'profiles a table into profile_stats, compares that with its history and records anomalies; returns the run';
