
-- Lineage

CREATE FUNCTION ingest_internal.view_columns(view regclass) RETURNS TABLE (column_name text, from_schema text,
    from_table text, from_column text)
    AS 'MODULE_PATHNAME', 'ingest_view_columns' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION ingest_internal.view_columns(regclass) IS 'the columns that each column of a view is computed from';

CREATE VIEW ingest_internal.foreign_key_flow AS
SELECT pn.nspname AS from_schema, p.relname AS from_table, pa.attname AS from_column, -- the column that is referred to
    cn.nspname AS to_schema, c.relname AS to_table, ca.attname AS to_column -- the column that refers to it
FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(k.confkey, k.conkey) u (there, here)
    JOIN pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = u.there
    JOIN pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = u.here
WHERE k.contype = 'f' AND k.conparentid = 0;
COMMENT ON VIEW ingest_internal.foreign_key_flow
    IS 'columns that foreign keys connect, without the copies of a key that partitions have';

-- Flows into and out of one relation or column by views and foreign keys. C asks them again and again, node by node,
-- where there can be some: they are inlined into a statement that keeps its plan.
CREATE FUNCTION ingest_internal.lineage_upstream(of_schema name, of_table name, of_column name)
    RETURNS TABLE (from_schema name, from_table name, from_column name, to_schema name, to_table name, to_column name,
        kind text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT v.from_schema::name, v.from_table::name, v.from_column::name, of_schema, of_table,
        v.column_name::name, 'view'
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid,
        LATERAL ingest_internal.view_columns(c.oid::regclass) v
    WHERE c.relkind IN ('v', 'm') AND n.nspname = of_schema AND c.relname = of_table
        AND (of_column = '' OR v.column_name = of_column)
    UNION ALL SELECT k.from_schema, k.from_table, k.from_column, k.to_schema, k.to_table, k.to_column, 'foreign key'
    FROM ingest_internal.foreign_key_flow k
    WHERE k.to_schema = of_schema AND k.to_table = of_table AND (of_column = '' OR k.to_column = of_column);
END;
COMMENT ON FUNCTION ingest_internal.lineage_upstream(name, name, name)
    IS 'flows known from the catalogue into a relation or column, one step';

CREATE FUNCTION ingest_internal.lineage_downstream(of_schema name, of_table name, of_column name)
    RETURNS TABLE (from_schema name, from_table name, from_column name, to_schema name, to_table name, to_column name,
        kind text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT v.from_schema::name, v.from_table::name, v.from_column::name, w.nspname, w.relname,
        v.column_name::name, 'view'
    FROM (SELECT DISTINCT r.ev_class, wn.nspname, wc.relname FROM pg_namespace n
        JOIN pg_class c ON c.relnamespace = n.oid
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> c.oid
            JOIN pg_class wc ON wc.oid = r.ev_class AND wc.relkind IN ('v', 'm')
                JOIN pg_namespace wn ON wn.oid = wc.relnamespace
            WHERE n.nspname = of_schema AND c.relname = of_table) w,
                LATERAL ingest_internal.view_columns(w.ev_class::regclass) v
    WHERE v.from_schema = of_schema AND v.from_table = of_table
        AND (of_column = '' OR v.from_column = '' OR v.from_column = of_column)
    UNION ALL SELECT k.from_schema, k.from_table, k.from_column, k.to_schema, k.to_table, k.to_column, 'foreign key'
    FROM ingest_internal.foreign_key_flow k
    WHERE k.from_schema = of_schema AND k.from_table = of_table AND (of_column = '' OR k.from_column = of_column);
END;
COMMENT ON FUNCTION ingest_internal.lineage_downstream(name, name, name)
    IS 'flows known from the catalogue out of a relation or column, one step';

CREATE FUNCTION ingest_internal.set_lineage(actor oid, from_table text, to_table text, from_column text,
    to_column text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f text[] := parse_ident(from_table);
    t text[] := parse_ident(to_table);
    of_source integer;
BEGIN
    IF cardinality(f) IS DISTINCT FROM 2 OR cardinality(t) IS DISTINCT FROM 2 OR from_column IS NULL
        OR to_column IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a flow goes from a table to a table, each named as schema.table',
            HINT = 'ingest.set_lineage(''shop.orders'', ''mart.sales'').';
    ELSIF kind IN ('import', 'sync', 'export', 'view', 'foreign key') THEN
        RAISE EXCEPTION USING ERRCODE = 'reserved_name', MESSAGE = format('flows of kind "%s" are reserved for the '
            'engine', kind);
    END IF;
    IF kind IS NULL THEN
        DELETE FROM ingest.lineage_edge e WHERE (e.from_schema, e.from_table, e.to_schema, e.to_table) = (f[1], f[2],
            t[1], t[2])
            AND e.from_column IN (set_lineage.from_column, CASE set_lineage.from_column WHEN '' THEN e.from_column END)
            AND e.to_column IN (set_lineage.to_column, CASE set_lineage.to_column WHEN '' THEN e.to_column END)
            AND ingest_internal.acts_for(actor, e.owner);
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'undefined_object',
                MESSAGE = format('there is no flow of yours from %s to %s', from_table, to_table);
        END IF;
        PERFORM ingest_internal.audit(actor, 'set_lineage', format('%s -> %s', from_table, to_table));
        RETURN;
    END IF;
    -- into the lineage of a source writes who owns it
    SELECT s.source INTO of_source FROM ingest.source_table s JOIN ingest.data_source d ON d.id = s.source
        WHERE s.relation = ingest_internal.relation_named(f[1], f[2]) AND s.relation <> 0
            AND ingest_internal.acts_for(actor, d.owner) LIMIT 1;
    INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column,
        kind, owner)
      VALUES (of_source, f[1], f[2], from_column, t[1], t[2], to_column, set_lineage.kind, actor)
      ON CONFLICT ON CONSTRAINT lineage_edge_flow DO UPDATE SET last_seen = now();
    PERFORM ingest_internal.audit(actor, 'set_lineage', format('%s -> %s', from_table, to_table), NULL, to_jsonb(kind));
END $$;
COMMENT ON FUNCTION ingest_internal.set_lineage(oid, text, text, text, text, text) IS 'see ingest.set_lineage';
CREATE FUNCTION set_lineage(from_table text, to_table text, from_column text DEFAULT '', to_column text DEFAULT '',
    kind text DEFAULT 'declared') RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION set_lineage(text, text, text, text, text)
    IS 'records a flow that the engine does not make itself; a null kind removes it';

CREATE FUNCTION lineage(object text, direction text DEFAULT 'both', depth integer DEFAULT 10)
    RETURNS TABLE (distance integer, from_object text, to_object text, kind text)
    AS 'MODULE_PATHNAME', 'ingest_lineage' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION lineage(text, text, integer)
    IS 'what a relation or column (schema.table.column) comes from, at negative distances, and what comes from it; '
    'direction: upstream, downstream or both';

CREATE FUNCTION ingest_internal.lineage_tables(object text DEFAULT NULL, depth integer DEFAULT 10)
    RETURNS TABLE (from_object text, to_object text, kind text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT DISTINCT l.from_object, l.to_object, l.kind FROM lineage((SELECT string_agg(quote_ident(p), '.')
        FROM unnest(parse_ident(lineage_tables.object)) WITH ORDINALITY u(p, n) WHERE n <= 2), 'both',
        lineage_tables.depth) r,
      LATERAL (SELECT (SELECT string_agg(quote_ident(p), '.' ORDER BY n)
          FROM unnest(parse_ident(r.from_object)) WITH ORDINALITY u(p, n) WHERE n <= 2) AS from_object,
                      (SELECT string_agg(quote_ident(p), '.' ORDER BY n)
                          FROM unnest(parse_ident(r.to_object)) WITH ORDINALITY u(p, n) WHERE n <= 2) AS to_object,
                          r.kind) l
      WHERE lineage_tables.object IS NOT NULL
    UNION SELECT DISTINCT format('%I.%I', e.from_schema, e.from_table), format('%I.%I', e.to_schema, e.to_table),
        e.kind FROM lineage_edge e WHERE lineage_tables.object IS NULL
    UNION SELECT DISTINCT format('%I.%I', v.from_schema, v.from_table), format('%I.%I', n.nspname, c.relname), 'view'
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
          LATERAL ingest_internal.view_columns(c.oid::regclass) v
      WHERE lineage_tables.object IS NULL AND c.relkind IN ('v', 'm')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ingest')
        AND EXISTS (SELECT FROM lineage_edge e WHERE (e.to_schema, e.to_table) = (v.from_schema::name,
            v.from_table::name));
    END;
COMMENT ON FUNCTION ingest_internal.lineage_tables(text, integer) IS 'lineage of relations: around one, or of all';

CREATE FUNCTION ingest_internal.lineage_dot(object text, depth integer) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT E'digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n'
        || coalesce(string_agg(format(E'  "%s" -> "%s" [label="%s"];\n', replace(l.from_object, '"', '\"'),
        replace(l.to_object, '"', '\"'), l.kind), '' ORDER BY l.from_object, l.to_object, l.kind), '') || '}'
            FROM ingest_internal.lineage_tables(lineage_dot.object, lineage_dot.depth) l;
    END;
COMMENT ON FUNCTION ingest_internal.lineage_dot(text, integer) IS 'lineage of relations as a Graphviz graph';

CREATE FUNCTION ingest_internal.lineage_mermaid(object text, depth integer) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    WITH l AS (SELECT * FROM ingest_internal.lineage_tables(lineage_mermaid.object, lineage_mermaid.depth)),
    n AS (SELECT o, row_number() OVER (ORDER BY o) AS i FROM (SELECT from_object AS o FROM l UNION SELECT to_object
        FROM l) x)
    SELECT E'flowchart LR\n' || coalesce((SELECT string_agg(format(E'  n%s["%s"]\n', n.i,
        replace(n.o, '"', '#quot;')), '' ORDER BY n.i) FROM n), '')
      || coalesce((SELECT string_agg(format(E'  n%s -->|%s| n%s\n', f.i, l.kind, t.i), '' ORDER BY f.i, t.i, l.kind)
          FROM l JOIN n f ON f.o = l.from_object JOIN n t ON t.o = l.to_object), '');
    END;
COMMENT ON FUNCTION ingest_internal.lineage_mermaid(text, integer) IS 'lineage of relations as a Mermaid flow chart';

CREATE FUNCTION lineage_graph(object text DEFAULT NULL, depth integer DEFAULT 10, format text DEFAULT 'mermaid')
    RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE format
        WHEN 'mermaid' THEN RETURN ingest_internal.lineage_mermaid(object, depth);
        WHEN 'dot' THEN RETURN ingest_internal.lineage_dot(object, depth);
        ELSE RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no graph format "%s"', format), HINT = 'The formats are mermaid and dot.';
    END CASE;
END $$;
COMMENT ON FUNCTION lineage_graph(text, integer, text)
    IS 'lineage of relations, around one or of all, as a Mermaid flow chart or (format dot) a Graphviz graph';
