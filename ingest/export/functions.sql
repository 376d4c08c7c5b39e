
-- Exports

CREATE FUNCTION create_export(relation regclass, lake regclass, mode text DEFAULT NULL, name text DEFAULT NULL,
    expressions jsonb DEFAULT '{}', replace boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_export' LANGUAGE C;
COMMENT ON FUNCTION create_export(regclass, regclass, text, text, jsonb, boolean)
    IS 'creates an export that keeps a table in a lake: its state, snapshots or, for a copy with history, its '
    'changes; expressions are for columns that the table does not have; replace: what is already in the lake '
    'goes; nothing is written yet';

CREATE PROCEDURE export(export text)
    AS 'MODULE_PATHNAME', 'ingest_export' LANGUAGE C;
COMMENT ON PROCEDURE export(text)
    IS 'brings a lake up to date, in one version of it: for state and changes, writes what the lake does not have yet';

CREATE FUNCTION ingest_internal.drop_export(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e ingest.export := ingest_internal.own_export(actor, name);
BEGIN
    DELETE FROM ingest.lineage_edge l WHERE l.kind = 'export' AND e.to_relation <> 0
        AND (l.from_relation, l.to_relation) = (e.from_relation, e.to_relation);
    DELETE FROM ingest.export x WHERE x.id = e.id;
    PERFORM ingest_internal.audit(actor, 'drop_export', name, to_jsonb(e));
END $$;
COMMENT ON FUNCTION ingest_internal.drop_export(oid, text) IS 'see ingest.drop_export';
CREATE FUNCTION drop_export(export text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION drop_export(text) IS 'removes an export; the lake stays as it is';

CREATE VIEW export_status WITH (security_barrier) AS
SELECT e.name AS export, -- name of the export
    e.id AS export_id, -- its number
    format('%I.%I', e.from_schema, e.from_table) AS relation, -- what is exported
    format('%I.%I', e.to_schema, e.to_table) AS lake, -- the lake's table
    e.mode AS mode, -- state, snapshot or changes
    ingest_internal.role_name(e.owner, e.owner_name) AS owner, -- role that it runs as
    CASE WHEN e.from_relation = 0 THEN format('%I.%I is gone', e.from_schema, e.from_table)
        WHEN e.to_relation = 0 THEN format('%I.%I is gone', e.to_schema, e.to_table)
        WHEN NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = e.owner) THEN format('its owner %s is gone',
            e.owner_name)
        ELSE e.held END AS trouble, -- why it cannot run; null: it can
    e.mark AS mark, -- the last row version that the lake has, as seq in ingest.change; for snapshots, the last snapshot
    e.exported_at AS exported_at, -- all that was committed before this is in the lake
    extract(epoch FROM now() - e.exported_at)::float8 AS age_seconds, -- how long ago that is
    e.last_run AS last_run, -- its last run
    ingest_internal.state_in_words(ingest_internal.state_of_run(r.id, r.state, r.pid), r.left_out) AS last_state, -- how
        -- that ended
    r.rows_inserted AS rows_written, -- rows that it wrote
    r.rows_deleted AS rows_replaced, -- rows that these replaced
    r.finished_at AS last_finished_at, -- when it ended
    r.error AS last_error, -- its error
    r.error_class AS last_error_class -- that error's class, as in run_status
FROM export e LEFT JOIN run r ON r.id = e.last_run
WHERE ingest_internal.acts_for(e.owner);
COMMENT ON VIEW export_status
    IS 'the state of each of the caller''s exports: what is in the lake, and how the last run went';
