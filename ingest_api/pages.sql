-- What pages show that is no row of one relation: rows as they are and were, figures over time, a search.  Each answer
-- has the statement that gives it, and each is what the one who asks may read.

CREATE FUNCTION ingest_api_internal.relation_of(table_number integer) RETURNS regclass LANGUAGE plpgsql STABLE AS $$
DECLARE
    found regclass;
BEGIN
    SELECT coalesce((SELECT to_regclass(s.target) FROM ingest_api.syncs s WHERE s.table_id = t.id
        AND to_regclass(s.target) IS NOT NULL ORDER BY s.id LIMIT 1),
        to_regclass(quote_ident(t.local_schema) || '.' || quote_ident(t.local_name)))
      INTO found FROM ingest_api.tables t WHERE t.id = table_number;
    IF found IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('there is no table %s, or it no longer exists', coalesce(table_number::text, 'null')),
            HINT = 'GET /v1/tables lists them.';
    END IF;
    RETURN found;
END $$;
COMMENT ON FUNCTION ingest_api_internal.relation_of(integer)
    IS 'the copy of a source''s table, or its foreign table if it has no copy';

CREATE FUNCTION ingest_api_internal.qualified(relation regclass) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = relation;
END;
COMMENT ON FUNCTION ingest_api_internal.qualified(regclass)
    IS 'a relation as a statement must name it whatever the search_path';

CREATE FUNCTION ingest_api_internal.readable_columns(relation regclass, alias text DEFAULT '') RETURNS text
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(alias || quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO columns FROM pg_attribute a
      WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
          AND has_column_privilege(relation, a.attnum, 'SELECT');
    IF columns IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('permission denied for table %s', ingest_api_internal.qualified(relation)),
            HINT = 'Its owner can GRANT SELECT.';
    END IF;
    RETURN columns;
END $$;
COMMENT ON FUNCTION ingest_api_internal.readable_columns(regclass, text)
    IS 'columns that the caller may read, as a list for a statement';

CREATE FUNCTION ingest_api_internal.require_page(wanted integer) RETURNS integer LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- a session that has not asked for anything of this library's does not know the setting
    most CONSTANT integer := coalesce(nullif(current_setting('ingest_api.max_rows', true), '')::integer, 1000);
BEGIN
    IF wanted IS NULL OR wanted NOT BETWEEN 0 AND most THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('limit must be between 0 and '
            '%s', most);
    END IF;
    RETURN wanted;
END $$;
COMMENT ON FUNCTION ingest_api_internal.require_page(integer)
    IS 'a number of rows, or an error if that many are not allowed';

CREATE FUNCTION ingest_api_internal.shown(statement text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    found json;
BEGIN
    EXECUTE format('SELECT coalesce(ingest_api_internal.list(row_to_json(x)), ''[]'') FROM (%s) x', statement)
      INTO found;
    RETURN json_build_object('sql', statement, 'rows', found);
END $$;
COMMENT ON FUNCTION ingest_api_internal.shown(text)
    IS 'rows of a statement that the functions beside this one put together, and the statement';

CREATE FUNCTION ingest_api.table_profile(id integer) RETURNS SETOF ingest_api.profiles LANGUAGE plpgsql STABLE AS $$
DECLARE
    relation CONSTANT regclass := ingest_api_internal.relation_of(id);
    of_schema name;
    of_table name;
    last bigint;
BEGIN
    SELECT n.nspname, c.relname INTO of_schema, of_table
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    -- by values and not by a join: whether one may read is asked for each profile that is looked at
    SELECT max(p.run_id) INTO last FROM ingest_api.profiles p
      WHERE p.schema_name = of_schema AND p.table_name = of_table;
    RETURN QUERY SELECT p.* FROM ingest_api.profiles p
      WHERE p.schema_name = of_schema AND p.table_name = of_table AND p.run_id = last
      ORDER BY (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = p.column_name),
        p.column_name;
END $$;
COMMENT ON FUNCTION ingest_api.table_profile(integer)
    IS 'the last profile of a table''s copy, or of the table if it has no copy, one row per column';

CREATE FUNCTION ingest_api.table_preview(id integer, "limit" integer DEFAULT 20) RETURNS json LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ingest_api_internal.shown(format('SELECT %s FROM %s LIMIT %s',
        ingest_api_internal.readable_columns(r.relation), ingest_api_internal.qualified(r.relation),
        ingest_api_internal.require_page("limit")))
    FROM ingest_api_internal.relation_of(id) r (relation);
END;
COMMENT ON FUNCTION ingest_api.table_preview(integer, integer)
    IS 'some rows of a table''s copy, or of the table at its source if it has no copy, with the columns that the '
    'caller may read';

CREATE FUNCTION ingest_api_internal.key_of(table_number integer, relation regclass) RETURNS name[] LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT ingest_api_internal.names(i.indrelid, i.indkey::smallint[]) FROM pg_index i
        WHERE i.indrelid = relation AND i.indisprimary),
        (SELECT t.key::name[] FROM ingest_api.tables t WHERE t.id = table_number), '{}');
END;
COMMENT ON FUNCTION ingest_api_internal.key_of(integer, regclass) IS 'columns that identify a row of a copy';

CREATE FUNCTION ingest_api.table_as_of(id integer, "time" timestamptz, "limit" integer DEFAULT 100,
    "offset" integer DEFAULT 0) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    relation CONSTANT regclass := ingest_api_internal.relation_of(id);
    key CONSTANT text := (SELECT string_agg(quote_ident(k.name), ', ' ORDER BY k.n)
        FROM unnest(ingest_api_internal.key_of(id, relation)) WITH ORDINALITY k (name, n));
BEGIN
    IF "offset" IS NULL OR "offset" < 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'offset must not be negative';
    ELSIF "time" IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'time must be a moment, such as 2026-01-31T23:59:59Z';
    END IF;
    RETURN ingest_api_internal.shown(format('SELECT %s FROM ingest.as_of(NULL::%s, %L)%s LIMIT %s OFFSET %s',
        ingest_api_internal.readable_columns(relation), ingest_api_internal.qualified(relation), "time", ' ORDER BY '
        || key, ingest_api_internal.require_page("limit"), "offset"));
END $$;
COMMENT ON FUNCTION ingest_api.table_as_of(integer, timestamptz, integer, integer)
    IS 'rows of a copy with history as they were at a moment, in the order of its key';

CREATE FUNCTION ingest_api_internal.key_json(relation regclass, columns name[], key text) RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    given jsonb;
    whole jsonb := '{}';
    part jsonb;
    column_name name;
BEGIN
    IF cardinality(columns) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('%s has no key that identifies a row', relation);
    END IF;
    given := CASE cardinality(columns) WHEN 1 THEN jsonb_build_object(columns[1], key) ELSE key::jsonb END;
    IF jsonb_typeof(given) <> 'object' OR NOT given ?& columns::text[] OR given - columns::text[] <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a row of %s must be named by an object of %s', relation, array_to_string(columns, ', '));
    END IF;
    -- as history has it: what a column's type makes of it
    FOREACH column_name IN ARRAY columns LOOP
        EXECUTE format('SELECT to_jsonb(%L::%s)', given ->> column_name,
            (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = relation
            AND a.attname = column_name)) INTO part;
        whole := whole || jsonb_build_object(column_name, part);
    END LOOP;
    RETURN whole;
END $$;
COMMENT ON FUNCTION ingest_api_internal.key_json(regclass, name[], text)
    IS 'the key of a row as history knows it, from a part of an address: the value, or an object if there are '
    'several columns';

CREATE FUNCTION ingest_api.row_versions(id integer, key text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    relation CONSTANT regclass := ingest_api_internal.relation_of(id);
BEGIN
    RETURN ingest_api_internal.shown(format('SELECT valid_from, valid_to, operation, version FROM '
        'ingest.row_history(NULL::%s, %L) ORDER BY seq NULLS FIRST', ingest_api_internal.qualified(relation),
        ingest_api_internal.key_json(relation, ingest_api_internal.key_of(id, relation), key)));
END $$;
COMMENT ON FUNCTION ingest_api.row_versions(integer, text)
    IS 'versions of a row of a copy with history, oldest first; key: its value, or an object of values if there '
    'are several columns';

CREATE FUNCTION ingest_api.failing_rows(id integer, "limit" integer DEFAULT 100) RETURNS json LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    r ingest_api.rules;
    relation regclass;
BEGIN
    SELECT * INTO r FROM ingest_api.rules q WHERE q.id = failing_rows.id;
    relation := to_regclass(quote_ident(r.schema_name) || '.' || quote_ident(r.table_name));
    IF relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('there is no rule %s, or its table is gone', coalesce(id::text, 'null')),
            HINT = 'GET /v1/rules lists them.';
    ELSIF r.checked_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('rule %s has not been checked yet', id),
            HINT = format('SELECT * FROM ingest.check_quality(%L);', relation);
    ELSIF r.where_clause IS NULL AND r.violations > 0 AND r.kind NOT IN ('freshness', 'row_count') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = format('permission denied for rows of %s', relation);
    ELSIF r.where_clause IS NULL THEN
        RETURN json_build_object('sql', NULL, 'rows', '[]'::json);
    ELSIF r.kind = 'sql' AND NOT EXISTS (SELECT FROM ingest.rule o WHERE o.id = failing_rows.id
        AND pg_has_role(o.owner, 'USAGE')) THEN
        -- a condition that somebody else wrote does not run with the rights of whoever looks
        RETURN json_build_object('sql', format('SELECT * FROM %s t WHERE %s', ingest_api_internal.qualified(relation),
            r.where_clause), 'rows', NULL);
    END IF;
    RETURN ingest_api_internal.shown(format('SELECT %s FROM %s t WHERE %s LIMIT %s',
        ingest_api_internal.readable_columns(relation), ingest_api_internal.qualified(relation), r.where_clause,
        ingest_api_internal.require_page("limit")));
END $$;
COMMENT ON FUNCTION ingest_api.failing_rows(integer, integer)
    IS 'rows that violate a rule now; for a condition in SQL that somebody else wrote, only the statement';

-- What a series can be of: what is counted between two moments, or how something is at a moment
CREATE FUNCTION ingest_api_internal.series_statement(of text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE of
        WHEN 'rows_changed' THEN $q$SELECT r.finished_at AS at,
            (r.rows_inserted + r.rows_updated + r.rows_deleted)::float8 AS value FROM ingest_api.runs r
            WHERE r.kind = 'sync' AND %s$q$
        WHEN 'rows_read' THEN $q$SELECT r.finished_at AS at, r.rows_read::float8 AS value FROM ingest_api.runs r
            WHERE %s$q$
        WHEN 'rows_rejected' THEN $q$SELECT r.finished_at AS at, r.rows_rejected::float8 AS value FROM ingest_api.runs r
            WHERE r.kind = 'sync' AND %s$q$
        WHEN 'runs' THEN $q$SELECT r.finished_at AS at, 1::float8 AS value FROM ingest_api.runs r WHERE %s$q$
        WHEN 'failed_runs' THEN $q$SELECT r.finished_at AS at, 1::float8 AS value FROM ingest_api.runs r
            WHERE r.state IN ('failed', 'lost') AND %s$q$
        WHEN 'run_seconds' THEN $q$SELECT r.finished_at AS at, r.duration_seconds::float8 AS value
            FROM ingest_api.runs r WHERE %s$q$ END;
COMMENT ON FUNCTION ingest_api_internal.series_statement(text)
    IS 'moments and values that a series adds up; %s stands for the condition';

CREATE FUNCTION ingest_api_internal.series_which(source text, sync text, alias text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN concat_ws(' AND ', 'true', alias || '.source_id = (SELECT s.id FROM ingest_api.sources s WHERE s.name = '
        || quote_literal(source) || ')', alias || '.sync_id = (SELECT s.id FROM ingest_api.syncs s WHERE s.name = '
        || quote_literal(sync) || ')');
COMMENT ON FUNCTION ingest_api_internal.series_which(text, text, text)
    IS 'the condition that selects a source and sync';

CREATE FUNCTION ingest_api_internal.series_query(of text, which text, first timestamptz, last timestamptz,
    step interval) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN of = 'freshness' THEN
        -- how old the copy was, of several the oldest one; before its first run nobody knows
        format('SELECT g.at, (SELECT max(extract(epoch FROM g.at - l.last)) FROM (SELECT max(r.finished_at) AS last '
            'FROM ingest_api.runs r WHERE r.kind = ''sync'' AND r.state LIKE ''succeeded%%'' AND r.finished_at <= g.at '
            'AND %s GROUP BY r.sync_id) l)::float8 AS value FROM generate_series(%L::timestamptz, %L, %L) g (at) ORDER '
            'BY g.at', which, first, last, step)
    WHEN of IN ('open_alerts', 'open_anomalies') THEN
        format('SELECT g.at, (SELECT count(*) FROM ingest_api.%s a WHERE a.%s <= g.at AND (a.%s > g.at OR a.%s IS '
            'NULL) AND %s)::float8 AS value FROM generate_series(%L::timestamptz, %L, %L) g (at) ORDER BY g.at',
            replace(of, 'open_', ''), CASE of WHEN 'open_alerts' THEN 'opened_at' ELSE 'detected_at' END, CASE of
                WHEN 'open_alerts' THEN 'closed_at' ELSE 'resolved_at' END, CASE of WHEN 'open_alerts' THEN 'closed_at'
                ELSE 'resolved_at' END,
            which, first, last, step)
    ELSE
        format('SELECT g.at, coalesce(sum(v.value), 0) AS value FROM generate_series(%L::timestamptz, %L, %L) g (at) '
            'LEFT JOIN (%s) v ON v.at >= g.at AND v.at < g.at + %L::interval GROUP BY g.at ORDER BY g.at', first, last,
            step,
            format(ingest_api_internal.series_statement(of), which), step) END;
COMMENT ON FUNCTION ingest_api_internal.series_query(text, text, timestamptz, timestamptz, interval)
    IS 'the statement of a series';

CREATE FUNCTION ingest_api.series(of text, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    step interval DEFAULT '1 hour', source text DEFAULT NULL, sync text DEFAULT NULL) RETURNS json
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    kinds CONSTANT text[] := '{failed_runs,freshness,open_alerts,open_anomalies,rows_changed,rows_read,rows_rejected,'
        'run_seconds,runs}';
    last CONSTANT timestamptz := coalesce("to", now());
    first CONSTANT timestamptz := coalesce("from", last - interval '1 day');
    most CONSTANT integer := 10000;
BEGIN
    IF of IS NULL OR of <> ALL (kinds) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no series of "%s"', left(of, 60)),
            HINT = format('There are: %s.', array_to_string(kinds, ', '));
    ELSIF step IS NULL OR step < interval '1 second' OR extract(month FROM step) <> 0 OR extract(year FROM step) <> 0
        OR NOT isfinite(last) OR NOT isfinite(first) OR last < first THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a series must go from a moment to a later one in steps of at least a second, without months';
    ELSIF extract(day FROM step) < 0 OR step < make_interval(days => extract(day FROM step)::integer) THEN
        -- where clocks are put forward a day of 23 hours less 24 goes back, and no series ends
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'no part of a step may be negative';
    ELSIF extract(epoch FROM last - first) / extract(epoch FROM step) > most THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('a series can have at most %s steps', most),
            HINT = 'Use a longer step, or a shorter time.';
    ELSIF source IS NOT NULL AND NOT EXISTS (SELECT FROM ingest_api.sources s WHERE s.name = series.source) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('there is no source "%s"', left(source, 60));
    ELSIF sync IS NOT NULL AND NOT EXISTS (SELECT FROM ingest_api.syncs s WHERE s.name = series.sync) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no sync "%s"', left(sync, 60));
    END IF;
    RETURN ingest_api_internal.shown(ingest_api_internal.series_query(of,
        ingest_api_internal.series_which(source, sync, CASE WHEN of LIKE 'open\_%' THEN 'a' ELSE 'r' END),
        date_bin(step, first, 'epoch'), last, step));
END $$;
COMMENT ON FUNCTION ingest_api.series(text, timestamptz, timestamptz, interval, text, text)
    IS 'a figure over time, for everything that the caller sees or for a source or sync: what was counted in each '
    'step (rows_changed, rows_read, rows_rejected, runs, failed_runs, run_seconds), or the state at its '
    'beginning (freshness in seconds, open_alerts, open_anomalies)';

CREATE FUNCTION ingest_api.search(q text, "limit" integer DEFAULT 50)
    RETURNS TABLE (kind text, id bigint, source_id integer, source text, schema_name text, table_id integer,
    table_name text, column_name text, name text, description text, rank integer) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.* FROM ingest_internal.search(q, "limit") s;
END;
COMMENT ON FUNCTION ingest_api.search(text, integer)
    IS 'sources, tables and columns whose name, description or annotations contain what is searched for, best '
    'match first: rank 0 has exactly this name, 1 a name that begins so, 2 a name with a word that does, 3 a '
    'name that contains it, 4 a description, 5 an annotation';

INSERT INTO ingest_api_internal.route (method, path, function, status, description) VALUES
    ('GET', 'tables/{id}/profile', 'table_profile', 200, 'the last profile of a table''s copy, one row per column'),
    ('GET', 'tables/{id}/preview', 'table_preview', 200, 'some rows of a table''s copy'),
    ('GET', 'tables/{id}/as-of', 'table_as_of', 200, 'rows of a copy with history as they were at a moment'),
    ('GET', 'tables/{id}/rows/{key}/versions', 'row_versions', 200, 'versions of a row of a copy with history'),
    ('GET', 'rules/{id}/failing', 'failing_rows', 200, 'rows that violate a rule now'),
    ('GET', 'series', 'series', 200, 'a figure over time'),
    ('GET', 'search', 'search', 200, 'what has this in its name, description or annotations');
