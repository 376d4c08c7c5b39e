
-- One role's things go over to another, as when somebody leaves.  The new owner's rights are lent to nobody: what the
-- old one wrote that would run as the new one waits until somebody has looked at it, unless who hands over says that it
-- is trusted.

CREATE FUNCTION ingest_internal.is_had_by(owner oid, owner_name name, role oid, called name) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN CASE WHEN role <> 0 THEN owner = role
        ELSE owner IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = owner)
            AND (called IS NULL OR owner_name = called) END;
COMMENT ON FUNCTION ingest_internal.is_had_by(oid, name, oid, name)
    IS 'whether an object belongs to a role; role 0: whether it belongs to nobody, and belonged to a role of this name';

CREATE FUNCTION ingest_internal.require_hand_over(actor oid, "from" oid, "to" oid, called name) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    IF "from" IS NULL OR "to" IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'the roles to hand over from and to must not be null',
            HINT = 'Use ''-'' for what belongs to roles that no longer exist.';
    ELSIF NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = "to")
        OR "from" <> 0 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = "from") THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = 'that role does not exist',
            HINT = 'Use ''-'' for what belongs to roles that no longer exist.';
    ELSIF "from" = "to" THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('%s cannot hand over to itself', "to"::regrole);
    ELSIF called IS NOT NULL AND "from" <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'called is only for roles that no longer exist, and this one exists',
            HINT = 'Name ''-'' as the role to hand over from, or leave called out.';
    ELSIF NOT ingest_internal.changes_for(actor, "from") THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = CASE WHEN "from" = 0 THEN 'only an admin can hand over what no longer belongs to anybody'
                ELSE format('only a member of role %s can hand over what it has', "from"::regrole) END,
            HINT = 'An admin may, unless that role is a superuser or can become one; a superuser always may.';
    ELSIF NOT ingest_internal.changes_for(actor, "to") THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('only a member of role %s can hand things over to it', "to"::regrole),
            DETAIL = 'What is handed over runs as that role.',
            HINT = 'An admin may, unless that role is a superuser or can become one; a superuser always may.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.require_hand_over(oid, oid, oid, name)
    IS 'raises an error unless a role may hand over what one role has to another: it must have the rights of both, '
    'or be an admin';

-- Children of a partitioned table are given one by one.  A role that is gone owns nothing in the catalogue.
CREATE FUNCTION ingest_internal.objects_to_give(actor oid, "from" oid, "to" oid, called name)
    RETURNS TABLE (name text, statement text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ingest_internal.require_hand_over(actor, "from", "to", called);
    -- schemas first: who gets a table must be able to create one there
    RETURN QUERY SELECT n.nspname::text, format('ALTER SCHEMA %I OWNER TO %I', n.nspname, pg_get_userbyid("to"))
            FROM pg_namespace n WHERE n.nspowner = "from"
                AND n.oid IN (SELECT d.schema_oid FROM ingest.data_source d WHERE d.owner = "from")
        UNION ALL SELECT s.srvname::text, format('ALTER SERVER %I OWNER TO %I', s.srvname, pg_get_userbyid("to"))
            FROM pg_foreign_server s WHERE s.srvowner = "from"
                AND s.oid IN (SELECT d.server_oid FROM ingest.data_source d WHERE d.owner = "from");
    RETURN QUERY WITH copies AS (SELECT s.target AS oid FROM ingest.sync s WHERE s.owner = "from"),
        relations AS (
            SELECT c.oid FROM copies c
            UNION SELECT t.relid FROM copies c, pg_partition_tree(c.oid::regclass) t
                WHERE EXISTS (SELECT FROM pg_class p WHERE p.oid = c.oid AND p.relkind = 'p')
            UNION SELECT v.oid FROM copies c JOIN pg_class p ON p.oid = c.oid JOIN pg_namespace n
                ON n.oid = p.relnamespace JOIN pg_class v ON v.relnamespace = n.oid
                AND v.relkind = 'v'
                AND ingest_internal.is_history_view(n.nspname, v.relname, "from")
                JOIN pg_rewrite w ON w.ev_class = v.oid
                JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                    AND d.refclassid = 'pg_type'::regclass AND d.refobjid = p.reltype
            UNION SELECT f.ftrelid FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid
                JOIN ingest.data_source d ON d.schema_oid = c.relnamespace AND d.server_oid = f.ftserver
                    AND d.owner = "from")
        SELECT c.oid::regclass::text, format('ALTER %s %I.%I OWNER TO %I', CASE c.relkind WHEN 'v' THEN 'VIEW'
                WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname,
                pg_get_userbyid("to"))
            FROM relations r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relowner = "from" ORDER BY c.oid;
END $$;
COMMENT ON FUNCTION ingest_internal.objects_to_give(oid, oid, oid, name)
    IS 'copies, their history views, foreign tables, schemas and servers of sources that a role owns, and how to '
    'give them to another';

-- Functions of the server's own have no dependencies; those of a superuser nobody else can change.
CREATE FUNCTION ingest_internal.code_of(relation oid, trusted oid) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT string_agg(DISTINCT p.oid::regprocedure::text, ', ')
        FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE NOT r.rolsuper AND p.proowner <> trusted
            AND (p.oid IN (SELECT t.tgfoid FROM pg_trigger t WHERE t.tgrelid = relation)
            OR p.oid IN (SELECT d.refobjid FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass
                AND (d.classid, d.objid) IN (
                    SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c WHERE c.conrelid = relation
                    UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM pg_attrdef a WHERE a.adrelid = relation
                    UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid = relation
                    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid FROM pg_rewrite w WHERE w.ev_class = relation
                    UNION ALL SELECT 'pg_policy'::regclass, y.oid FROM pg_policy y WHERE y.polrelid = relation))));
COMMENT ON FUNCTION ingest_internal.code_of(oid, oid)
    IS 'functions that run when a table is written and that somebody other than a role or a superuser could change';

CREATE FUNCTION ingest_internal.lacks_at_source(role oid, giver oid, server oid, schema oid) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT nullif(concat_ws('; ',
        -- a crawl imports into a schema that it makes for that
        CASE WHEN NOT has_database_privilege(role, current_database(), 'CREATE')
            THEN format('GRANT CREATE ON DATABASE %I TO %I', current_database(), pg_get_userbyid(role)) END,
        CASE WHEN NOT has_server_privilege(role, s.oid, 'USAGE')
            THEN format('GRANT USAGE ON FOREIGN SERVER %I TO %I', s.srvname, pg_get_userbyid(role)) END,
        CASE WHEN EXISTS (SELECT FROM pg_user_mappings m WHERE m.srvid = s.oid AND m.umuser = giver)
                AND NOT EXISTS (SELECT FROM pg_user_mappings m WHERE m.srvid = s.oid AND m.umuser IN (role, 0))
            THEN format('CREATE USER MAPPING FOR %I SERVER %I OPTIONS (...)', pg_get_userbyid(role), s.srvname) END,
        (SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', n.nspname, pg_get_userbyid(role))
            FROM pg_namespace n WHERE n.oid = schema
            AND NOT has_schema_privilege(role, n.oid, 'USAGE'))), '')
        FROM pg_foreign_server s WHERE s.oid = server);
COMMENT ON FUNCTION ingest_internal.lacks_at_source(oid, oid, oid, oid)
    IS 'what a role lacks to work with a source, as statements; null if nothing';

CREATE FUNCTION ingest_internal.lacks_as_owner(role oid, runs boolean) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT nullif(concat_ws('; ',
        CASE WHEN NOT pg_has_role(r.oid, 'ingest_operator', 'USAGE')
            THEN format('GRANT ingest_operator TO %I', r.rolname) END,
        CASE WHEN runs AND NOT r.rolcanlogin THEN format('ALTER ROLE %I LOGIN', r.rolname) END), '')
        FROM pg_roles r WHERE r.oid = role);
COMMENT ON FUNCTION ingest_internal.lacks_as_owner(oid, boolean)
    IS 'what a role lacks to work with what it owns or runs, as statements; null if nothing';

CREATE FUNCTION ingest_internal.hand_over_sources(giver oid, taker oid, called name)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY WITH moved AS (UPDATE ingest.data_source x SET owner = taker, owner_name = pg_get_userbyid(taker)
            WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called)
            RETURNING x.name, x.server_oid, x.schema_oid)
        SELECT 'source', m.name, nullif(concat_ws('; ', ingest_internal.lacks_as_owner(taker, false),
            ingest_internal.lacks_at_source(taker, giver, m.server_oid, m.schema_oid)), '')
            FROM moved m ORDER BY m.name;
    RETURN QUERY SELECT 'grant', d.name, format('members of %s see this source, which is another one''s: '
            'ingest.grant_source(%L, %L), ingest.revoke_source(%L, %L)', g.role_name, d.name, pg_get_userbyid(taker),
            d.name, g.role_name)
        FROM ingest.source_grant g JOIN ingest.data_source d ON d.id = g.source
            WHERE g.role = giver AND d.owner <> taker ORDER BY d.name;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_sources(oid, oid, name)
    IS 'hands over sources, but not what others granted';

CREATE FUNCTION ingest_internal.hand_over_syncs(giver oid, taker oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync;
    code text;
    held text;
BEGIN
    FOR s IN SELECT * FROM ingest.sync x WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called)
        ORDER BY x.name FOR UPDATE
    LOOP
        code := concat_ws(', ', ingest_internal.code_of(s.target, taker), 'deleted_when ' || s.deleted_when);
        held := CASE WHEN code <> '' AND NOT trust THEN format('it is paused, since what its old owner wrote would run '
            'as %s: %s. When that is trusted: SELECT ingest.resume(sync => %L)', taker::regrole, code, s.name) END;
        UPDATE ingest.sync x SET owner = taker, owner_name = pg_get_userbyid(taker),
            state = CASE WHEN held IS NULL THEN x.state ELSE 'paused' END,
            state_reason = coalesce(held, x.state_reason) WHERE x.id = s.id;
        what := 'sync';
        name := s.name;
        remains := nullif(concat_ws('; ', held,
            (SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', n.nspname, pg_get_userbyid(taker))
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = s.target
                    AND NOT has_schema_privilege(taker, n.oid, 'USAGE')),
            CASE WHEN NOT ingest_internal.sees_source(taker, s.source)
                THEN format('its source is not granted to %s: ingest.grant_source', taker::regrole) END), '');
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_syncs(oid, oid, name, boolean)
    IS 'hands over syncs; those whose copies have code of the old owner wait unless it is trusted';

-- What others wrote that would run as the new owner: expressions, and functions of the tables on both sides.  Whose
-- tables they are writes such at any time.
CREATE FUNCTION ingest_internal.strange_owner_of(relation oid, trusted oid) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT format('what %s writes, who owns %s', c.relowner::regrole, c.oid::regclass)
        FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE c.oid = relation AND c.relowner <> trusted AND NOT r.rolsuper);
COMMENT ON FUNCTION ingest_internal.strange_owner_of(oid, oid)
    IS 'the owner of a table, if that is neither the given role nor a superuser';

CREATE FUNCTION ingest_internal.hand_over_exports(giver oid, taker oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
DECLARE
    e ingest.export;
    code text;
BEGIN
    FOR e IN SELECT * FROM ingest.export x WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called)
        ORDER BY x.name FOR UPDATE
    LOOP
        code := concat_ws(', ', ingest_internal.code_of(e.from_relation, taker),
            ingest_internal.code_of(e.to_relation, taker), ingest_internal.strange_owner_of(e.from_relation, taker),
            ingest_internal.strange_owner_of(e.to_relation, taker),
            CASE WHEN e.expressions <> '{}' THEN 'its expressions' END);
        UPDATE ingest.export x SET owner = taker, owner_name = pg_get_userbyid(taker), held = CASE
            WHEN code <> '' AND NOT trust THEN format('what others wrote would run as %s: %s', taker::regrole,
                code) ELSE x.held END WHERE x.id = e.id RETURNING x.held INTO code;
        what := 'export';
        name := e.name;
        remains := code || format('. When that is trusted: SELECT ingest.drop_export(%L), and create_export with '
            'replace => true', e.name);
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_exports(oid, oid, name, boolean)
    IS 'hands over exports; those with code of others wait unless it is trusted';

-- Nothing that waits in the queue is lost: what is not to run yet is a dead letter, which retry puts back.
CREATE FUNCTION ingest_internal.hold_job(of_job bigint, taker oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    job ingest.job;
    letter bigint;
BEGIN
    SELECT * INTO job FROM ingest.job x WHERE x.id = of_job;
    WITH gone AS (DELETE FROM ingest.queue q WHERE q.job = of_job AND q.worker IS NULL RETURNING q.attempts)
    INSERT INTO ingest.dead_letter (job, attempts, reason)
        SELECT of_job, max(g.attempts), format('it was handed over to %s while it waited', taker::regrole)
        FROM gone g HAVING count(*) > 0 RETURNING id INTO letter;
    PERFORM ingest_internal.keep_schedule(of_job, NULL, NULL, NULL) WHERE job.schedule IS NOT NULL;
    RETURN concat_ws('; ', format('it is SQL that its old owner wrote and would run as %s: SELECT argument FROM '
        'ingest.job WHERE name = %L. When that is trusted', taker::regrole, job.name),
        CASE WHEN job.schedule IS NOT NULL THEN format('SELECT ingest.schedule(%L, %L)', job.name, job.schedule) END,
        CASE WHEN letter IS NOT NULL THEN format('SELECT ingest.retry(%s), which waited in the queue', letter) END);
END $$;
COMMENT ON FUNCTION ingest_internal.hold_job(bigint, oid)
    IS 'keeps a job from running by itself until somebody releases it; returns what is to be done then';

CREATE FUNCTION ingest_internal.hand_over_jobs(giver oid, taker oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
DECLARE
    j ingest.job;
    lacks text := ingest_internal.lacks_as_owner(taker, true);
BEGIN
    FOR j IN SELECT * FROM ingest.job x WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called)
        ORDER BY x.name FOR UPDATE
    LOOP
        UPDATE ingest.job x SET owner = taker, owner_name = pg_get_userbyid(taker) WHERE x.id = j.id;
        UPDATE ingest.queue q SET owner = taker WHERE q.job = j.id;
        what := 'job';
        name := j.name;
        remains := nullif(concat_ws('; ', CASE WHEN j.kind = 'sql' AND NOT trust
            THEN ingest_internal.hold_job(j.id, taker) END, lacks), '');
        RETURN NEXT;
    END LOOP;
    RETURN QUERY SELECT 'run', r.id::text, format('it runs as %s to its end; SELECT ingest.cancel(%s) stops it',
            r.role_name, r.id)
        FROM ingest.run r WHERE r.role = giver AND ingest_internal.state_of_run(r.id, r.state, r.pid) = 'running'
            ORDER BY r.id;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_jobs(oid, oid, name, boolean)
    IS 'hands over jobs, with their entries in the queue and their schedules; those of kind sql wait unless they '
    'are trusted';

CREATE FUNCTION ingest_internal.hand_over_rules(giver oid, taker oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY WITH moved AS (UPDATE ingest.rule x SET owner = taker, owner_name = pg_get_userbyid(taker),
            enabled = x.enabled AND (trust OR x.kind <> 'sql')
            WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called)
            RETURNING x.id, x.kind, x.schema_name, x.table_name, x.relation, x.enabled)
        SELECT 'rule', format('%s of %I.%I', m.id, m.schema_name, m.table_name), nullif(concat_ws('; ',
            CASE WHEN m.kind = 'sql' AND NOT trust
                THEN format('it is not checked, since its condition would run as %s: '
                    'SELECT arguments FROM ingest.rule WHERE id = %s. When that is trusted, ingest.add_rule once more',
                taker::regrole, m.id) END,
            CASE WHEN NOT ingest_internal.owns(taker, m.relation)
                THEN format('it holds for a table of %s''s alone: ALTER TABLE %I.%I OWNER TO %I', taker::regrole,
                    m.schema_name, m.table_name, pg_get_userbyid(taker)) END), '')
        FROM moved m ORDER BY m.id;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_rules(oid, oid, name, boolean)
    IS 'hands over rules; conditions wait unless they are trusted';

-- Of what a role has once, what the new owner has already stays.  Who said or did something remains who it was.
CREATE FUNCTION ingest_internal.hand_over_rest(giver oid, taker oid, called name)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY WITH moved AS (UPDATE ingest.subscription x SET owner = taker, owner_name = pg_get_userbyid(taker)
            WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called) RETURNING x.consumer)
        SELECT 'consumer', m.consumer, CASE WHEN NOT pg_has_role(taker, 'ingest_consumer', 'USAGE')
            THEN format('GRANT ingest_consumer TO %I', pg_get_userbyid(taker)) END FROM moved m ORDER BY m.consumer;
    UPDATE ingest.profile_stats x SET owner = taker, owner_name = pg_get_userbyid(taker)
        WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called);
    UPDATE ingest.anomaly x SET owner = taker, owner_name = pg_get_userbyid(taker)
        WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called);
    UPDATE ingest.alert x SET owner = taker, owner_name = pg_get_userbyid(taker)
        WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called);
    UPDATE ingest.event x SET owner = taker WHERE giver <> 0 AND x.owner = giver;
    PERFORM ingest_internal.event_owner_know(taker);
    DELETE FROM ingest.lineage_edge x USING ingest.lineage_edge y
        WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called) AND y.owner = taker
        AND (y.from_schema, y.from_table, y.from_column, y.to_schema, y.to_table, y.to_column, y.kind)
          = (x.from_schema, x.from_table, x.from_column, x.to_schema, x.to_table, x.to_column, x.kind);
    UPDATE ingest.lineage_edge x SET owner = taker, owner_name = pg_get_userbyid(taker)
        WHERE ingest_internal.is_had_by(x.owner, x.owner_name, giver, called);
    DELETE FROM ingest.silence x USING ingest.silence y WHERE x.owner = giver AND y.owner = taker
        AND y.pattern = x.pattern;
    UPDATE ingest.silence x SET owner = taker, owner_name = pg_get_userbyid(taker) WHERE x.owner = giver;
    RETURN QUERY WITH ended AS (DELETE FROM ingest.acknowledgement k USING ingest.alert a
            WHERE a.id = k.alert AND a.closed_at IS NULL
            AND ingest_internal.is_had_by(k.role, k.role_name, giver, called)
            RETURNING a.id, a.kind, a.subject, k.role_name)
        SELECT 'alert', format('%s %s/%s', e.id, e.kind, e.subject), format('%s took care of it, and nobody does now: '
            'SELECT ingest.acknowledge(%s)', e.role_name, e.id) FROM ended e ORDER BY e.id;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_rest(oid, oid, name)
    IS 'hands over consumers, profiles, anomalies, alerts, events, flows and silences; alerts that the old owner '
    'had acknowledged are no longer acknowledged';

CREATE FUNCTION ingest_internal.hand_over_by_services(actor oid, "from" oid, "to" oid, called name, trust boolean)
    RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
DECLARE
    gives text;
BEGIN
    FOR gives IN SELECT s.gives FROM ingest.service s WHERE to_regproc(s.gives) IS NOT NULL ORDER BY s.name
    LOOP
        RETURN QUERY EXECUTE format('SELECT * FROM %s($1, $2, $3, $4, $5)', gives::regproc)
            USING actor, "from", "to", called, trust;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.hand_over_by_services(oid, oid, oid, name, boolean)
    IS 'hands over what other extensions keep for a role';

CREATE FUNCTION ingest_internal.reassign(actor oid, "from" oid, "to" oid, called name, trust boolean, given text[],
    kept text[], statements text[]) RETURNS TABLE (what text, name text, remains text) LANGUAGE plpgsql AS $$
DECLARE
    had CONSTANT name := CASE WHEN "from" = 0 THEN coalesce(called, 'nobody') ELSE pg_get_userbyid("from") END;
    things integer := cardinality(given);
    n integer;
BEGIN
    PERFORM ingest_internal.require_hand_over(actor, "from", "to", called);
    -- a role that is called otherwise by now, or is gone, as it is now
    PERFORM ingest_internal.follow_roles();
    RETURN QUERY SELECT 'object', o, NULL FROM unnest(given) o
        UNION ALL SELECT 'object', k.name, k.statement FROM unnest(kept, statements) k (name, statement);
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_sources("from", "to", called);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_syncs("from", "to", called, trust);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_exports("from", "to", called, trust);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_jobs("from", "to", called, trust);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_rules("from", "to", called, trust);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_rest("from", "to", called);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    RETURN QUERY SELECT * FROM ingest_internal.hand_over_by_services(actor, "from", "to", called, trust);
    GET DIAGNOSTICS n = ROW_COUNT;
    things := things + n;
    IF things = 0 AND kept = '{}' THEN
        RAISE NOTICE '% has nothing to hand over', had;
        RETURN;
    END IF;
    PERFORM ingest_internal.audit(actor, 'reassign', had, to_jsonb(had),
        jsonb_build_object('to', pg_get_userbyid("to"), 'trusted', trust, 'things', things));
    PERFORM ingest_internal.announce('ingest.owner.changed', NULL, pg_get_userbyid("to"),
        jsonb_build_object('from', had, 'to', pg_get_userbyid("to"), 'things', things, 'trusted', trust), "to");
    PERFORM ingest_internal.wake();
    PERFORM ingest_internal.wake_services();
END $$;
COMMENT ON FUNCTION ingest_internal.reassign(oid, oid, oid, name, boolean, text[], text[], text[])
    IS 'see ingest.reassign';

CREATE FUNCTION ingest_internal.kept_for(role oid, called name) RETURNS TABLE (id bigint, owner oid, name text,
    schedule text, by_pg_cron boolean) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT j.id, j.owner, j.name, j.schedule, true FROM ingest.job j
        WHERE ingest_internal.is_had_by(j.owner, j.owner_name, role, called) AND j.scheduler = 'pg_cron';
    END;
COMMENT ON FUNCTION ingest_internal.kept_for(oid, name) IS 'jobs of a role whose schedule pg_cron keeps';

CREATE FUNCTION reassign(old_owner regrole, new_owner regrole, called name DEFAULT NULL, trust boolean DEFAULT false)
    RETURNS TABLE (what text, name text, remains text)
    AS 'MODULE_PATHNAME', 'ingest_reassign' LANGUAGE C;
COMMENT ON FUNCTION reassign(regrole, regrole, name, boolean)
    IS 'hands over everything that a role has here to another: sources, copies, jobs, rules, consumers, sinks, '
    'tokens; ''-'' stands for roles that no longer exist, all of them or those of the given name. Returns what '
    'was handed over, and what remains to be done; code and addresses of the old owner wait for review unless '
    'they are trusted';
