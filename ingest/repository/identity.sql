
-- Relations, columns, schemas and servers are kept by what they are.  The names beside are what they were called when
-- last looked at: for people, and to find them again once after a restore, whose numbers are others.  A name that is
-- used again inherits nothing.

CREATE FUNCTION ingest_internal.at_home() RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_at_home' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.at_home()
    IS 'whether the OIDs kept in the repository are those of this database: not after a restore, until enable()';

CREATE FUNCTION ingest_internal.relation_named(schema_name name, relation_name name) RETURNS oid LANGUAGE sql STABLE
    RETURN coalesce((SELECT c.oid FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
        WHERE n.nspname = relation_named.schema_name AND c.relname = relation_named.relation_name), 0::oid);
COMMENT ON FUNCTION ingest_internal.relation_named(name, name)
    IS 'the relation that now has this name; 0 if there is none';

CREATE FUNCTION ingest_internal.column_named(relation oid, column_name name) RETURNS smallint LANGUAGE sql STABLE
    RETURN coalesce((SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = column_named.relation
        AND a.attname = column_named.column_name
        AND a.attnum > 0 AND NOT a.attisdropped), 0::smallint);
COMMENT ON FUNCTION ingest_internal.column_named(oid, name)
    IS 'the number of the column that now has this name; 0 if there is none';

CREATE FUNCTION ingest_internal.columns_named(relation oid, columns name[]) RETURNS smallint[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT ingest_internal.column_named(columns_named.relation, u.name)
        FROM unnest(columns_named.columns) WITH ORDINALITY u (name, n) ORDER BY u.n);
COMMENT ON FUNCTION ingest_internal.columns_named(oid, name[]) IS 'the same for several columns';

CREATE FUNCTION ingest_internal.column_names(relation oid, attnums smallint[]) RETURNS name[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT a.attname FROM unnest(column_names.attnums) WITH ORDINALITY u (attnum, n)
        JOIN pg_attribute a ON a.attrelid = column_names.relation AND a.attnum = u.attnum AND NOT a.attisdropped
            ORDER BY u.n);
COMMENT ON FUNCTION ingest_internal.column_names(oid, smallint[])
    IS 'the current names of columns, without those that are gone';

CREATE FUNCTION ingest_internal.place_of_table(of_schema integer, remote_name text)
    RETURNS TABLE (schema_name name, relation_name name) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT n.nspname, c.relname FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source
        JOIN pg_class c ON c.oid = t.relation
      JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_foreign_table f ON f.ftrelid = c.oid
          JOIN pg_foreign_server s ON s.oid = f.ftserver
      WHERE t.schema_id = place_of_table.of_schema AND t.name = place_of_table.remote_name AND s.srvname = d.server;
    END;
COMMENT ON FUNCTION ingest_internal.place_of_table(integer, text)
    IS 'where the foreign table of a source''s table is now; no row if there is none';

-- What is written by name gets its number with the row. Rows of a dump have numbers already: enable() looks them up
-- again.

CREATE FUNCTION ingest_internal.bind_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.schema_oid := coalesce(to_regnamespace(quote_ident(NEW.local_schema))::oid, 0);
    NEW.server_oid := coalesce((SELECT s.oid FROM pg_foreign_server s WHERE s.srvname = NEW.server), 0);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_source() IS 'records which schema and server a new source has';
CREATE TRIGGER bind BEFORE INSERT ON data_source FOR EACH ROW
    WHEN (NEW.schema_oid IS NULL) EXECUTE FUNCTION ingest_internal.bind_source();

CREATE FUNCTION ingest_internal.bind_source_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.relation := ingest_internal.relation_named(NEW.local_schema, NEW.local_name);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_source_table()
    IS 'records which foreign table a new table of a source has';
CREATE TRIGGER bind BEFORE INSERT ON source_table FOR EACH ROW
    WHEN (NEW.relation IS NULL) EXECUTE FUNCTION ingest_internal.bind_source_table();

CREATE FUNCTION ingest_internal.bind_sync() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.target := ingest_internal.relation_named(NEW.target_schema, NEW.target_table);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_sync() IS 'records which copy a new sync has';
CREATE TRIGGER bind BEFORE INSERT ON sync FOR EACH ROW
    WHEN (NEW.target IS NULL) EXECUTE FUNCTION ingest_internal.bind_sync();

-- Rules can be the first that is kept in a database, and numbers mean nothing without a word of where they are from:
-- era().
CREATE FUNCTION ingest_internal.bind_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.relation := coalesce(NEW.relation, ingest_internal.relation_named(NEW.schema_name, NEW.table_name));
    NEW.attnums := ingest_internal.columns_named(NEW.relation, NEW.columns);
    PERFORM ingest_internal.era();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_rule() IS 'records which table and columns a new rule has';
CREATE TRIGGER bind BEFORE INSERT ON rule FOR EACH ROW
    WHEN (NEW.attnums IS NULL) EXECUTE FUNCTION ingest_internal.bind_rule();

CREATE FUNCTION ingest_internal.bind_anomaly() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.relation := coalesce(NEW.relation, ingest_internal.relation_named(NEW.schema_name, NEW.table_name));
    NEW.attnum := ingest_internal.column_named(NEW.relation, NEW.column_name);
    NEW.owner_name := (SELECT r.rolname FROM pg_roles r WHERE r.oid = NEW.owner);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_anomaly() IS 'records which table and column a new anomaly has';
CREATE TRIGGER bind BEFORE INSERT ON anomaly FOR EACH ROW
    WHEN (NEW.attnum IS NULL) EXECUTE FUNCTION ingest_internal.bind_anomaly();

-- A row for each column of a run: all of a statement at once
CREATE FUNCTION ingest_internal.bind_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ingest.lineage_edge e SET owner_name = (SELECT o.rolname FROM pg_roles o WHERE o.oid = e.owner),
        from_relation = r.of_from, from_attnum = ingest_internal.column_named(r.of_from, e.from_column),
        to_relation = r.of_to, to_attnum = ingest_internal.column_named(r.of_to, e.to_column)
      FROM (SELECT n.id, ingest_internal.relation_named(n.from_schema, n.from_table) AS of_from,
          ingest_internal.relation_named(n.to_schema, n.to_table) AS of_to
        FROM made n WHERE n.to_relation IS NULL) r WHERE e.id = r.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION ingest_internal.bind_lineage() IS 'records which relations and columns new flows have';
CREATE TRIGGER bind AFTER INSERT ON lineage_edge REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION ingest_internal.bind_lineage();

-- Following: names change, things go.

-- Asked at every DROP and ALTER of anything: in a language that keeps its plans.
CREATE FUNCTION ingest_internal.is_known(relations oid[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ingest.source_table t WHERE t.relation = ANY (is_known.relations))
        OR EXISTS (SELECT FROM ingest.sync s WHERE s.target = ANY (is_known.relations) AND s.target <> 0)
        OR EXISTS (SELECT FROM ingest.export e WHERE e.from_relation = ANY (is_known.relations)
            AND e.from_relation <> 0)
        OR EXISTS (SELECT FROM ingest.export e WHERE e.to_relation = ANY (is_known.relations) AND e.to_relation <> 0)
        OR EXISTS (SELECT FROM ingest.rule r WHERE r.relation = ANY (is_known.relations))
        OR EXISTS (SELECT FROM ingest.profile_stats p WHERE p.relation = ANY (is_known.relations))
        OR EXISTS (SELECT FROM ingest.anomaly a WHERE a.relation = ANY (is_known.relations))
        OR EXISTS (SELECT FROM ingest.lineage_edge e WHERE e.from_relation = ANY (is_known.relations)
            AND e.from_relation <> 0)
        OR EXISTS (SELECT FROM ingest.lineage_edge e WHERE e.to_relation = ANY (is_known.relations)
            AND e.to_relation <> 0);
END $$;
COMMENT ON FUNCTION ingest_internal.is_known(oid[]) IS 'whether anything is kept about one of these relations';

CREATE FUNCTION ingest_internal.known_relations() RETURNS oid[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT k.relation FROM (SELECT t.relation FROM ingest.source_table t UNION SELECT s.target
        FROM ingest.sync s
        UNION SELECT e.from_relation FROM ingest.export e UNION SELECT e.to_relation FROM ingest.export e
        UNION SELECT r.relation FROM ingest.rule r UNION SELECT p.relation FROM ingest.profile_stats p
            UNION SELECT a.relation FROM ingest.anomaly a
        UNION SELECT e.from_relation FROM ingest.lineage_edge e UNION SELECT e.to_relation
            FROM ingest.lineage_edge e) k WHERE k.relation <> 0);
COMMENT ON FUNCTION ingest_internal.known_relations() IS 'all relations about which anything is kept';

CREATE FUNCTION ingest_internal.forget_relations(relations oid[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    -- for its owner, the history of a copy stays until drop_sync
    UPDATE ingest.sync s SET target = 0 WHERE s.target = ANY (forget_relations.relations);
    UPDATE ingest.export e SET from_relation = 0 WHERE e.from_relation = ANY (forget_relations.relations);
    UPDATE ingest.export e SET to_relation = 0 WHERE e.to_relation = ANY (forget_relations.relations);
    UPDATE ingest.source_column c SET sample_values = NULL, attnum = 0 FROM ingest.source_table t
      WHERE t.relation = ANY (forget_relations.relations) AND c.table_id = t.id;
    UPDATE ingest.source_table t SET relation = 0 WHERE t.relation = ANY (forget_relations.relations);
    SELECT ingest_internal.alerts_dropped(NULL, NULL, NULL, r.id) FROM ingest.rule r
        WHERE r.relation = ANY (forget_relations.relations);
    DELETE FROM ingest.rule r WHERE r.relation = ANY (forget_relations.relations);
    DELETE FROM ingest.profile_stats p WHERE p.relation = ANY (forget_relations.relations);
    UPDATE ingest.anomaly a SET relation = 0 WHERE a.relation = ANY (forget_relations.relations);
    DELETE FROM ingest.lineage_edge e WHERE e.from_relation = ANY (forget_relations.relations)
        OR e.to_relation = ANY (forget_relations.relations);
    END;
COMMENT ON FUNCTION ingest_internal.forget_relations(oid[])
    IS 'forgets dropped relations: their rules, profiles, samples and flows go with them; syncs are left without a '
    'copy; their history and anomalies are for their owner alone';

CREATE FUNCTION ingest_internal.forget_columns(relations oid[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.alerts_dropped(NULL, NULL, NULL, r.id) FROM ingest.rule r
        WHERE r.relation = ANY (forget_columns.relations)
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.relation AND a.attnum = ANY (r.attnums)
          AND a.attisdropped);
    DELETE FROM ingest.rule r USING pg_attribute a WHERE r.relation = ANY (forget_columns.relations)
        AND a.attrelid = r.relation
      AND a.attnum = ANY (r.attnums) AND a.attisdropped;
    DELETE FROM ingest.profile_stats p USING pg_attribute a WHERE p.relation = ANY (forget_columns.relations)
        AND a.attrelid = p.relation
      AND a.attnum = p.attnum AND a.attisdropped;
    DELETE FROM ingest.lineage_edge e USING pg_attribute a WHERE a.attisdropped
      AND (e.from_relation = ANY (forget_columns.relations) AND (a.attrelid, a.attnum) = (e.from_relation,
          e.from_attnum)
        OR e.to_relation = ANY (forget_columns.relations) AND (a.attrelid, a.attnum) = (e.to_relation, e.to_attnum));
    UPDATE ingest.source_column c SET sample_values = NULL, attnum = 0 FROM ingest.source_table t, pg_attribute a
      WHERE t.relation = ANY (forget_columns.relations) AND c.table_id = t.id AND a.attrelid = t.relation
          AND a.attnum = c.attnum AND a.attisdropped;
    END;
COMMENT ON FUNCTION ingest_internal.forget_columns(oid[])
    IS 'deletes what is kept about columns that these relations no longer have';

CREATE FUNCTION ingest_internal.follow_columns(relations oid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    renamed record;
BEGIN
    DELETE FROM ingest.source_column o USING ingest.source_table t, pg_attribute a WHERE t.relation = ANY (relations)
        AND o.table_id = t.id AND o.attnum = 0
      AND a.attrelid = t.relation AND a.attname = o.name AND a.attnum > 0
          AND EXISTS (SELECT FROM ingest.source_column c WHERE c.table_id = t.id AND c.attnum = a.attnum);
    -- key and cursor are columns of the foreign table: what it calls them now
    FOR renamed IN UPDATE ingest.source_column c SET name = a.attname FROM ingest.source_column was,
        ingest.source_table t, pg_attribute a
        WHERE t.relation = ANY (relations) AND c.table_id = t.id AND was.id = c.id AND a.attrelid = t.relation
            AND a.attnum = c.attnum
          AND NOT a.attisdropped AND a.attname <> c.name
        RETURNING c.source, c.table_id, was.name AS before, c.name AS after
    LOOP
        INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, before, after)
          VALUES (renamed.source, renamed.table_id, 'column', renamed.after, 'renamed',
              jsonb_build_object('name', renamed.before), jsonb_build_object('name', renamed.after));
        UPDATE ingest.source_table t SET key = array_replace(t.key, renamed.before, renamed.after),
            cursor_column = CASE t.cursor_column WHEN renamed.before THEN renamed.after ELSE t.cursor_column END,
            parent_column = CASE t.parent_column WHEN renamed.before THEN renamed.after ELSE t.parent_column END
          WHERE t.id = renamed.table_id AND renamed.before = ANY (t.key || t.cursor_column || t.parent_column);
        UPDATE ingest.sync s SET key = array_replace(s.key, renamed.before::name, renamed.after::name),
            cursor_column = CASE s.cursor_column WHEN renamed.before THEN renamed.after::name ELSE s.cursor_column END,
            parent_column = CASE s.parent_column WHEN renamed.before THEN renamed.after::name ELSE s.parent_column END,
            exclude = array_replace(s.exclude, renamed.before::name, renamed.after::name),
            pseudonymise = array_replace(s.pseudonymise, renamed.before::name, renamed.after::name)
          WHERE s.table_id = renamed.table_id AND renamed.before::name = ANY (s.key || s.exclude || s.pseudonymise
            || s.cursor_column
              || s.parent_column);
    END LOOP;
    UPDATE ingest.rule r SET columns = ingest_internal.column_names(r.relation, r.attnums)
      WHERE r.relation = ANY (relations) AND r.columns <> ingest_internal.column_names(r.relation, r.attnums);
    UPDATE ingest.profile_stats p SET column_name = a.attname FROM pg_attribute a
      WHERE p.relation = ANY (relations) AND a.attrelid = p.relation AND a.attnum = p.attnum
          AND a.attname <> p.column_name;
    UPDATE ingest.anomaly x SET column_name = a.attname FROM pg_attribute a
      WHERE x.relation = ANY (relations) AND x.attnum > 0 AND a.attrelid = x.relation AND a.attnum = x.attnum
          AND NOT a.attisdropped AND a.attname <> x.column_name;
    UPDATE ingest.lineage_edge e SET from_column = a.attname FROM pg_attribute a
      WHERE e.from_relation = ANY (relations) AND e.from_attnum > 0 AND a.attrelid = e.from_relation
          AND a.attnum = e.from_attnum AND a.attname <> e.from_column;
    UPDATE ingest.lineage_edge e SET to_column = a.attname FROM pg_attribute a
      WHERE e.to_relation = ANY (relations) AND e.to_attnum > 0 AND a.attrelid = e.to_relation
          AND a.attnum = e.to_attnum AND a.attname <> e.to_column;
END $$;
COMMENT ON FUNCTION ingest_internal.follow_columns(oid[]) IS 'updates the names kept of the columns of these relations';

CREATE FUNCTION ingest_internal.follow_names(relations oid[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.source_table t SET local_schema = n.nspname, local_name = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.relation = ANY (follow_names.relations) AND c.oid = t.relation
          AND (t.local_schema, t.local_name) <> (n.nspname, c.relname);
    UPDATE ingest.sync s SET target_schema = n.nspname, target_table = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE s.target = ANY (follow_names.relations) AND c.oid = s.target
          AND (s.target_schema, s.target_table) <> (n.nspname, c.relname);
    UPDATE ingest.export e SET from_schema = n.nspname, from_table = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE e.from_relation = ANY (follow_names.relations) AND c.oid = e.from_relation
          AND (e.from_schema, e.from_table) <> (n.nspname, c.relname);
    UPDATE ingest.export e SET to_schema = n.nspname, to_table = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE e.to_relation = ANY (follow_names.relations) AND c.oid = e.to_relation
          AND (e.to_schema, e.to_table) <> (n.nspname, c.relname);
    -- what stands under a name that is another's by now is no longer called so
    DELETE FROM ingest.rule o USING ingest.rule r, pg_class c, pg_namespace n
        WHERE r.relation = ANY (follow_names.relations) AND c.oid = r.relation
      AND n.oid = c.relnamespace AND (o.schema_name, o.table_name) = (n.nspname, c.relname)
          AND o.relation <> r.relation;
    UPDATE ingest.rule r SET schema_name = n.nspname, table_name = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE r.relation = ANY (follow_names.relations) AND c.oid = r.relation
          AND (r.schema_name, r.table_name) <> (n.nspname, c.relname);
    UPDATE ingest.profile_stats p SET schema_name = n.nspname, table_name = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE p.relation = ANY (follow_names.relations) AND c.oid = p.relation
          AND (p.schema_name, p.table_name) <> (n.nspname, c.relname);
    UPDATE ingest.anomaly a SET schema_name = n.nspname, table_name = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE a.relation = ANY (follow_names.relations) AND c.oid = a.relation
          AND (a.schema_name, a.table_name) <> (n.nspname, c.relname);
    DELETE FROM ingest.lineage_edge o USING pg_class c, pg_namespace n WHERE c.oid = ANY (follow_names.relations)
        AND n.oid = c.relnamespace
      AND ((o.from_schema, o.from_table) = (n.nspname, c.relname) AND o.from_relation NOT IN (0, c.oid)
          AND ingest_internal.is_known(ARRAY[c.oid])
        OR (o.to_schema, o.to_table) = (n.nspname, c.relname) AND o.to_relation NOT IN (0, c.oid)
            AND ingest_internal.is_known(ARRAY[c.oid]));
    -- a flow that was seen again under the new name already is one flow
    DELETE FROM ingest.lineage_edge e USING ingest.lineage_edge o, pg_class c, pg_namespace n
        WHERE e.from_relation = ANY (follow_names.relations)
      AND c.oid = e.from_relation AND n.oid = c.relnamespace AND (e.from_schema, e.from_table) <> (n.nspname, c.relname)
      AND (o.from_schema, o.from_table, o.from_column) = (n.nspname, c.relname, e.from_column)
      AND (o.to_schema, o.to_table, o.to_column, o.kind) = (e.to_schema, e.to_table, e.to_column, e.kind)
      AND o.owner IS NOT DISTINCT FROM e.owner;
    UPDATE ingest.lineage_edge e SET from_schema = n.nspname, from_table = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE e.from_relation = ANY (follow_names.relations) AND c.oid = e.from_relation
          AND (e.from_schema, e.from_table) <> (n.nspname, c.relname);
    DELETE FROM ingest.lineage_edge e USING ingest.lineage_edge o, pg_class c, pg_namespace n
        WHERE e.to_relation = ANY (follow_names.relations)
      AND c.oid = e.to_relation AND n.oid = c.relnamespace AND (e.to_schema, e.to_table) <> (n.nspname, c.relname)
      AND (o.to_schema, o.to_table, o.to_column) = (n.nspname, c.relname, e.to_column)
      AND (o.from_schema, o.from_table, o.from_column, o.kind) = (e.from_schema, e.from_table, e.from_column, e.kind)
      AND o.owner IS NOT DISTINCT FROM e.owner;
    UPDATE ingest.lineage_edge e SET to_schema = n.nspname, to_table = c.relname FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE e.to_relation = ANY (follow_names.relations) AND c.oid = e.to_relation
          AND (e.to_schema, e.to_table) <> (n.nspname, c.relname);
    END;
COMMENT ON FUNCTION ingest_internal.follow_names(oid[]) IS 'updates the names kept of these relations';

CREATE FUNCTION ingest_internal.follow_relations(relations oid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone oid[] := ARRAY(SELECT r FROM unnest(relations) r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r));
BEGIN
    IF gone <> '{}' THEN
        PERFORM ingest_internal.forget_relations(gone);
    END IF;
    IF gone @> relations THEN
        RETURN;
    END IF;
    PERFORM ingest_internal.forget_columns(relations);
    PERFORM ingest_internal.follow_names(relations);
    PERFORM ingest_internal.follow_columns(relations);
END $$;
COMMENT ON FUNCTION ingest_internal.follow_relations(oid[]) IS 'updates what is kept about these relations';

CREATE FUNCTION ingest_internal.follow_sources() RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.data_source d SET local_schema = n.nspname FROM pg_namespace n WHERE n.oid = d.schema_oid
        AND n.nspname <> d.local_schema;
    UPDATE ingest.data_source d SET server = s.srvname FROM pg_foreign_server s WHERE s.oid = d.server_oid
        AND s.srvname <> d.server;
    END;
COMMENT ON FUNCTION ingest_internal.follow_sources() IS 'updates the names kept of schemas and servers of sources';

-- Roles are no matter of event triggers: that one is gone, or is called otherwise, is found when somebody asks, and
-- hourly. Owner 0 is nobody: a role that is made later under the name that a dropped one had is not found under it by
-- a restore.

CREATE FUNCTION ingest_internal.follow_roles() RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.data_source x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.data_source y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.sync x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.sync y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.export x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.export y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.job x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.job y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.rule x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.rule y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.subscription x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.subscription y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.consumer = x.consumer AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.profile_stats x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.profile_stats y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.anomaly x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.anomaly y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.alert x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.alert y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    -- of what each role has one of its own, that of two that are gone would be one: silences end, and flows are one
    DELETE FROM ingest.silence s WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = s.owner);
    UPDATE ingest.silence s SET owner_name = r.rolname FROM pg_roles r WHERE r.oid = s.owner
        AND r.rolname <> s.owner_name;
    UPDATE ingest.acknowledgement x SET role = coalesce(r.oid, 0), role_name = coalesce(r.rolname, y.role_name)
      FROM ingest.acknowledgement y LEFT JOIN pg_roles r ON r.oid = y.role
      WHERE y.alert = x.alert AND y.role <> 0 AND (r.oid IS NULL OR r.rolname <> y.role_name);
    DELETE FROM ingest.lineage_edge x USING ingest.lineage_edge y
      WHERE y.id < x.id AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid IN (x.owner, y.owner))
        AND (y.from_schema, y.from_table, y.from_column, y.to_schema, y.to_table, y.to_column, y.kind)
          = (x.from_schema, x.from_table, x.from_column, x.to_schema, x.to_table, x.to_column, x.kind);
    UPDATE ingest.lineage_edge x SET owner = coalesce(r.oid, 0), owner_name = coalesce(r.rolname, y.owner_name)
      FROM ingest.lineage_edge y LEFT JOIN pg_roles r ON r.oid = y.owner
      WHERE y.id = x.id AND y.owner <> 0 AND (r.oid IS NULL OR r.rolname <> y.owner_name);
    UPDATE ingest.run x SET role = coalesce(r.oid, 0), role_name = coalesce(r.rolname, y.role_name)
      FROM ingest.run y LEFT JOIN pg_roles r ON r.oid = y.role WHERE y.id = x.id AND y.role <> 0
          AND (r.oid IS NULL OR r.rolname <> y.role_name);
    UPDATE ingest.annotation x SET role = coalesce(r.oid, 0), role_name = coalesce(r.rolname, y.role_name)
      FROM ingest.annotation y LEFT JOIN pg_roles r ON r.oid = y.role WHERE y.id = x.id AND y.role <> 0
          AND (r.oid IS NULL OR r.rolname <> y.role_name);
    UPDATE ingest.audit x SET role_oid = coalesce(r.oid, 0), role_name = coalesce(r.rolname, y.role_name)
      FROM ingest.audit y LEFT JOIN pg_roles r ON r.oid = y.role_oid WHERE y.id = x.id AND y.role_oid <> 0
          AND (r.oid IS NULL OR r.rolname <> y.role_name);
    UPDATE ingest.source_grant g SET role_name = r.rolname FROM pg_roles r WHERE r.oid = g.role
        AND r.rolname <> g.role_name;
    DELETE FROM ingest.source_grant g WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = g.role);
    UPDATE ingest.event_owner x SET role_name = r.rolname FROM pg_roles r WHERE r.oid = x.role
        AND r.rolname <> x.role_name;
    DELETE FROM ingest.event_owner x WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = x.role);
    END;
COMMENT ON FUNCTION ingest_internal.follow_roles()
    IS 'updates the names kept of owners; what a dropped role had belongs to nobody';

CREATE FUNCTION ingest_internal.role_again(known name) RETURNS oid LANGUAGE sql STABLE
    RETURN coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = known), 0);
COMMENT ON FUNCTION ingest_internal.role_again(name) IS 'the role that has this name here; 0 if there is none';

CREATE FUNCTION ingest_internal.roles_again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- a number here may be that of another role there: what is one of a kind for each is written anew
    granted ingest.source_grant[] := ARRAY(SELECT g FROM ingest.source_grant g);
    silences ingest.silence[] := ARRAY(SELECT s FROM ingest.silence s);
    flows ingest.lineage_edge[] := ARRAY(SELECT e FROM ingest.lineage_edge e WHERE e.owner IS NOT NULL);
    writers name[] := ARRAY(SELECT DISTINCT x.role_name FROM ingest.event_owner x);
BEGIN
    UPDATE ingest.data_source x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.sync x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.export x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.job x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.rule x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.subscription x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.profile_stats x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.anomaly x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.alert x SET owner = ingest_internal.role_again(x.owner_name) WHERE x.owner <> 0;
    UPDATE ingest.acknowledgement x SET role = ingest_internal.role_again(x.role_name) WHERE x.role <> 0;
    UPDATE ingest.run x SET role = ingest_internal.role_again(x.role_name) WHERE x.role <> 0;
    UPDATE ingest.annotation x SET role = ingest_internal.role_again(x.role_name) WHERE x.role <> 0;
    UPDATE ingest.audit x SET role_oid = ingest_internal.role_again(x.role_name) WHERE x.role_oid <> 0;
    DELETE FROM ingest.source_grant;
    INSERT INTO ingest.source_grant SELECT g.source, ingest_internal.role_again(g.role_name), g.role_name
        FROM unnest(granted) g
      WHERE ingest_internal.role_again(g.role_name) <> 0;
    DELETE FROM ingest.silence;
    INSERT INTO ingest.silence SELECT (jsonb_populate_record(s, jsonb_build_object('owner',
        ingest_internal.role_again(s.owner_name)))).* FROM unnest(silences) s
      WHERE ingest_internal.role_again(s.owner_name) <> 0;
    DELETE FROM ingest.lineage_edge e WHERE e.owner IS NOT NULL;
    INSERT INTO ingest.lineage_edge SELECT (jsonb_populate_record(e, jsonb_build_object('owner',
        ingest_internal.role_again(e.owner_name)))).* FROM unnest(flows) e ON CONFLICT DO NOTHING;
    DELETE FROM ingest.event_owner;
    PERFORM ingest_internal.event_owner_know(r.oid) FROM pg_roles r WHERE r.rolname = ANY (writers);
END $$;
COMMENT ON FUNCTION ingest_internal.roles_again()
    IS 'finds the roles of a restored repository by the names that they had; 0: not here';

CREATE FUNCTION ingest_internal.follow_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF ingest_internal.at_home() THEN
        PERFORM ingest_internal.follow_roles();
        PERFORM ingest_internal.follow_sources();
        PERFORM ingest_internal.follow_relations(ingest_internal.known_relations());
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.follow_all()
    IS 'catches up on what event triggers could not follow, because somebody was working on it or they were '
    'disabled; called hourly';

-- Numbers of another database are looked up by name, once: what was gone there stays gone.
CREATE FUNCTION ingest_internal.targets_again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known integer[] := ARRAY(SELECT s.id FROM ingest.sync s WHERE s.target <> 0);
BEGIN
    -- no two have the same copy, on the way there neither
    UPDATE ingest.sync s SET target = 0 WHERE s.id = ANY (known);
    UPDATE ingest.sync s SET target = ingest_internal.relation_named(s.target_schema, s.target_table)
        WHERE s.id = ANY (known)
      AND NOT EXISTS (SELECT FROM ingest.sync o WHERE o.id = ANY (known) AND o.id < s.id
          AND (o.target_schema, o.target_table) = (s.target_schema, s.target_table));
END $$;
COMMENT ON FUNCTION ingest_internal.targets_again()
    IS 'finds the copies of a restored repository by the names that they had';

CREATE FUNCTION ingest_internal.relations_again() RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.data_source d SET schema_oid = coalesce((SELECT n.oid FROM pg_namespace n
        WHERE n.nspname = d.local_schema), 0),
        server_oid = coalesce((SELECT s.oid FROM pg_foreign_server s WHERE s.srvname = d.server), 0);
    UPDATE ingest.source_table t SET relation = ingest_internal.relation_named(t.local_schema, t.local_name)
        WHERE t.relation <> 0;
    UPDATE ingest.source_column c SET attnum = ingest_internal.column_named(t.relation, c.name::name)
        FROM ingest.source_table t
      WHERE t.id = c.table_id AND c.attnum <> 0;
    SELECT ingest_internal.targets_again();
    UPDATE ingest.export e SET from_relation = ingest_internal.relation_named(e.from_schema, e.from_table)
        WHERE e.from_relation <> 0;
    UPDATE ingest.export e SET to_relation = ingest_internal.relation_named(e.to_schema, e.to_table)
        WHERE e.to_relation <> 0;
    UPDATE ingest.rule r SET relation = ingest_internal.relation_named(r.schema_name, r.table_name)
        WHERE r.relation <> 0;
    UPDATE ingest.rule r SET attnums = ingest_internal.columns_named(r.relation, r.columns);
    UPDATE ingest.anomaly a SET relation = ingest_internal.relation_named(a.schema_name, a.table_name)
        WHERE a.relation <> 0;
    UPDATE ingest.anomaly a SET attnum = ingest_internal.column_named(a.relation, a.column_name) WHERE a.attnum <> 0;
    UPDATE ingest.profile_stats p SET relation = r.relation, attnum = ingest_internal.column_named(r.relation,
        p.column_name)
      FROM (SELECT DISTINCT x.schema_name, x.table_name, ingest_internal.relation_named(x.schema_name,
          x.table_name) AS relation FROM ingest.profile_stats x) r
      WHERE p.relation <> 0 AND (p.schema_name, p.table_name) = (r.schema_name, r.table_name);
    UPDATE ingest.lineage_edge e SET from_relation = ingest_internal.relation_named(e.from_schema, e.from_table)
        WHERE e.from_relation <> 0;
    UPDATE ingest.lineage_edge e SET to_relation = ingest_internal.relation_named(e.to_schema, e.to_table)
        WHERE e.to_relation <> 0;
    UPDATE ingest.lineage_edge e SET from_attnum = ingest_internal.column_named(e.from_relation, e.from_column),
        to_attnum = ingest_internal.column_named(e.to_relation, e.to_column);
    END;
COMMENT ON FUNCTION ingest_internal.relations_again()
    IS 'finds the relations, columns, schemas and servers of a restored repository by the names that they had; 0: '
    'not here';

-- What PostgreSQL calls when somebody drops or renames something. It stops nobody's command: an error is a warning, a
-- wait is short, and what it could not follow is followed within the hour.

CREATE FUNCTION ingest_internal.follow_ddl(relations oid[], sources boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF sources THEN
        PERFORM ingest_internal.follow_sources();
    END IF;
    PERFORM ingest_internal.follow_relations(relations);
EXCEPTION WHEN lock_not_available THEN
    NULL;
WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = format('the repository could not follow this yet: %s', SQLERRM),
        HINT = 'It tries again within the hour.';
END $$;
COMMENT ON FUNCTION ingest_internal.follow_ddl(oid[], boolean)
    IS 'follow_relations for event triggers, which lets no error escape';

CREATE FUNCTION ingest_internal.on_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    relations oid[] := ARRAY(SELECT DISTINCT o.objid FROM pg_event_trigger_dropped_objects() o
        WHERE o.classid = 'pg_class'::regclass AND NOT o.is_temporary);
BEGIN
    IF relations <> '{}' AND ingest_internal.at_home() AND ingest_internal.is_known(relations) THEN
        PERFORM ingest_internal.follow_ddl(relations, false);
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.on_drop() IS 'deletes what is kept about relations and columns that are dropped';

CREATE FUNCTION ingest_internal.on_alter() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    relations oid[] := ARRAY(SELECT DISTINCT c.objid FROM pg_event_trigger_ddl_commands() c
        WHERE c.classid = 'pg_class'::regclass);
    sources boolean := TG_TAG IN ('ALTER SCHEMA', 'ALTER SERVER');
BEGIN
    IF TG_TAG = 'ALTER SCHEMA' THEN
        relations := ARRAY(SELECT r.oid FROM pg_event_trigger_ddl_commands() c
            JOIN pg_class r ON r.relnamespace = c.objid
            WHERE c.classid = 'pg_namespace'::regclass
                AND r.oid = ANY ((SELECT ingest_internal.known_relations())::oid[]));
    END IF;
    IF (sources OR relations <> '{}') AND ingest_internal.at_home()
        AND (sources OR ingest_internal.is_known(relations)) THEN
        PERFORM ingest_internal.follow_ddl(relations, sources);
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.on_alter()
    IS 'follows relations, columns, schemas and servers that are renamed or otherwise altered';
