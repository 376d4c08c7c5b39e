
-- Quality

CREATE FUNCTION add_rule(relation regclass, kind text, columns name[] DEFAULT '{}', arguments jsonb DEFAULT '{}', severity text DEFAULT 'error', tolerance float8 DEFAULT 0)
    RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_add_rule' LANGUAGE C STRICT;
COMMENT ON FUNCTION add_rule(regclass, text, name[], jsonb, text, float8) IS 'what must hold in a table: not_null, unique, in_set, range, pattern, length, references, freshness, row_count or sql';

CREATE FUNCTION drop_rule(rule integer) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM rule r WHERE r.id = drop_rule.rule;
    END;
COMMENT ON FUNCTION drop_rule(integer) IS 'forgets a rule and its results';

CREATE FUNCTION check_quality(relation regclass)
    RETURNS TABLE (rule integer, kind text, columns text, severity text, "rows" bigint, violations bigint, ok boolean, examples text, where_clause text)
    AS 'MODULE_PATHNAME', 'ingest_check_quality' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_quality(regclass) IS 'checks all rules of a table, those of single rows in one scan, and keeps the results';

CREATE FUNCTION set_freshness(sync text, objective interval) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE source_table t SET freshness_objective = set_freshness.objective FROM sync s WHERE s.table_id = t.id AND s.name = set_freshness.sync;
    END;
COMMENT ON FUNCTION set_freshness(text, interval) IS 'how old a copy may be; null: as old as it likes';

CREATE FUNCTION check_freshness() RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_check_freshness' LANGUAGE C;
COMMENT ON FUNCTION check_freshness() IS 'records an anomaly for each copy that is older than its objective; the scheduler does it every minute';

CREATE FUNCTION resolve_anomaly(anomaly bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE anomaly a SET resolved_at = now() WHERE a.id = resolve_anomaly.anomaly AND a.resolved_at IS NULL;
    END;
COMMENT ON FUNCTION resolve_anomaly(bigint) IS 'says that an anomaly is dealt with';
