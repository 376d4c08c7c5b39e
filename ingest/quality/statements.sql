
-- What the room asks of the repository and the catalogue.  Called by its C alone, as the engine.

CREATE FUNCTION ingest_internal.rules_of(relation oid)
    RETURNS TABLE (id integer, kind text, columns name[], arguments text, severity text, tolerance float8, owner oid,
        owns boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.id, r.kind, r.columns, r.arguments::text, r.severity, r.tolerance, r.owner,
        ingest_internal.owns(r.owner, rules_of.relation)
    FROM ingest.rule r WHERE r.relation = rules_of.relation AND r.enabled ORDER BY r.id;
END;
COMMENT ON FUNCTION ingest_internal.rules_of(oid)
    IS 'enabled rules of a table, and whether those who made them still own it';

-- Rules of what had this name before are under its name of now, or go with it, should no event trigger have seen to
-- that yet.
CREATE FUNCTION ingest_internal.rule_insert(actor oid, source integer, relation oid, schema_name name,
    table_name name, kind text,
    columns name[], arguments jsonb, severity text, tolerance float8) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest_internal.follow_relations(ARRAY(SELECT r.relation FROM ingest.rule r
        WHERE (r.schema_name, r.table_name) = ($4, $5) AND r.relation NOT IN ($3, 0)));
    DELETE FROM ingest.rule r WHERE (r.schema_name, r.table_name) = ($4, $5)
        AND (r.relation <> $3 OR NOT ingest_internal.owns(r.owner, $3));
    INSERT INTO ingest.rule (source, schema_name, table_name, relation, kind, columns, arguments, severity, tolerance,
        owner, owner_name)
    VALUES ($2, $4, $5, $3, $6, $7, $8, $9, $10, $1, pg_get_userbyid($1))
    ON CONFLICT (schema_name, table_name, kind, columns, md5(arguments::text))
        DO UPDATE SET severity = excluded.severity, tolerance = excluded.tolerance, enabled = true
    RETURNING id;
END;
COMMENT ON FUNCTION ingest_internal.rule_insert(oid, integer, oid, name, name, text, name[], jsonb, text, float8)
    IS 'records a rule; an existing one is enabled again, with these limits';

CREATE FUNCTION ingest_internal.rule_checked(of_rule integer, run bigint, "rows" bigint, violations bigint,
    ok boolean, examples text[],
    where_clause text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.rule_result (rule, run, rows, violations, ok, examples, where_clause)
        VALUES ($1, $2, $3, $4, $5, $6, $7);
    SELECT ingest_internal.alert_rule(of_rule);
END;
COMMENT ON FUNCTION ingest_internal.rule_checked(integer, bigint, bigint, bigint, boolean, text[], text)
    IS 'records whether a rule held';

CREATE FUNCTION ingest_internal.rule_column_type(relation regclass, quoted_column text) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
        WHERE a.attrelid = relation AND quote_ident(a.attname) = quoted_column AND a.attnum > 0 AND NOT a.attisdropped);
COMMENT ON FUNCTION ingest_internal.rule_column_type(regclass, text)
    IS 'the type of a column, as written; null if there is none';

CREATE FUNCTION ingest_internal.rule_texts(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY(SELECT e.value FROM jsonb_array_elements_text(list) WITH ORDINALITY e (value, n) ORDER BY e.n);
COMMENT ON FUNCTION ingest_internal.rule_texts(jsonb) IS 'the elements of an argument that is a list';
