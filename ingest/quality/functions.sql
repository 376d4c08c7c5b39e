
-- Quality

CREATE FUNCTION add_rule(relation regclass, kind text, columns name[] DEFAULT '{}', arguments jsonb DEFAULT '{}',
    severity text DEFAULT 'error', tolerance float8 DEFAULT 0)
    RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_add_rule' LANGUAGE C STRICT;
COMMENT ON FUNCTION add_rule(regclass, text, name[], jsonb, text, float8)
    IS 'adds a rule, which must hold in a table: not_null, unique, in_set, range, pattern, length, references, '
    'freshness, row_count or sql';

CREATE FUNCTION ingest_internal.drop_rule(actor oid, rule integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r ingest.rule;
BEGIN
    SELECT * INTO r FROM ingest.rule x WHERE x.id = drop_rule.rule FOR UPDATE;
    PERFORM ingest_internal.require('rule', rule::text, r.id IS NOT NULL, ingest_internal.acts_for(actor, r.owner)
        OR ingest_internal.sees_source(actor, r.source),
        ingest_internal.changes_for(actor, r.owner), ingest_internal.role_name(r.owner, r.owner_name));
    PERFORM ingest_internal.alerts_dropped(NULL, NULL, NULL, r.id);
    DELETE FROM ingest.rule x WHERE x.id = r.id;
    PERFORM ingest_internal.audit(actor, 'drop_rule', rule::text, to_jsonb(r));
END $$;
COMMENT ON FUNCTION ingest_internal.drop_rule(oid, integer) IS 'see ingest.drop_rule';
CREATE FUNCTION drop_rule(rule integer) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION drop_rule(integer) IS 'removes a rule and its results';

CREATE FUNCTION check_quality(relation regclass)
    RETURNS TABLE (rule integer, kind text, columns text, severity text, "rows" bigint, violations bigint, ok boolean,
        examples text, where_clause text)
    AS 'MODULE_PATHNAME', 'ingest_check_quality' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_quality(regclass)
    IS 'checks all rules of a table, those of single rows in one scan, and keeps the results';

CREATE FUNCTION ingest_internal.check_freshness() RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_check_freshness' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.check_freshness()
    IS 'records an anomaly for each copy that is older than its objective; the scheduler does it every minute';

CREATE FUNCTION ingest_internal.resolve_anomaly(actor oid, anomaly bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a ingest.anomaly;
    owned boolean;
BEGIN
    SELECT * INTO a FROM ingest.anomaly x WHERE x.id = resolve_anomaly.anomaly FOR UPDATE;
    owned := CASE WHEN a.source IS NULL THEN ingest_internal.acts_for(actor, a.owner)
        ELSE (SELECT ingest_internal.acts_for(actor, d.owner) FROM ingest.data_source d WHERE d.id = a.source) END;
    PERFORM ingest_internal.require('anomaly', anomaly::text, a.id IS NOT NULL, owned
        OR ingest_internal.sees_source(actor, a.source), owned, NULL);
    IF a.resolved_at IS NOT NULL THEN
        RAISE NOTICE 'anomaly % is already resolved', anomaly;
        RETURN;
    END IF;
    UPDATE ingest.anomaly x SET resolved_at = now() WHERE x.id = a.id;
    PERFORM ingest_internal.alert_closes('anomaly', 'anomaly ' || a.id, 'resolved by ' || pg_get_userbyid(actor));
    PERFORM ingest_internal.audit(actor, 'resolve_anomaly', anomaly::text);
END $$;
COMMENT ON FUNCTION ingest_internal.resolve_anomaly(oid, bigint) IS 'see ingest.resolve_anomaly';
CREATE FUNCTION resolve_anomaly(anomaly bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION resolve_anomaly(bigint) IS 'marks an anomaly as dealt with';
