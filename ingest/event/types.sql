
-- Types of events: the schema of data as {property: type}, all of them required unless null is allowed.
INSERT INTO event_type SELECT t.type, '1', t.description, jsonb_build_object('$schema',
    'https://json-schema.org/draft/2020-12/schema', '$id', 'urn:pg_ingest:' || t.type || ':1',
    'type', 'object', 'required', (SELECT jsonb_agg(k) FROM jsonb_object_keys(t.properties) k),
    'properties', (SELECT jsonb_object_agg(k, CASE v #>> '{}' WHEN 'text' THEN '{"type": "string"}'::jsonb
        WHEN 'text?' THEN '{"type": ["string", "null"]}' WHEN 'int' THEN '{"type": "integer"}'
        WHEN 'int?' THEN '{"type": ["integer", "null"]}' WHEN 'bool' THEN '{"type": "boolean"}' WHEN 'array'
            THEN '{"type": "array"}' WHEN 'object' THEN '{"type": "object"}'
        WHEN 'object?' THEN '{"type": ["object", "null"]}' ELSE '{}' END) FROM jsonb_each(t.properties) AS e(k, v)))
FROM (VALUES
    ('ingest.source.registered', 'a source was registered',
        '{"source": "text", "server": "text", "schema": "text"}'::jsonb),
    ('ingest.source.checked', 'a source was checked', '{"source": "text", "ok": "bool", "checks": "array"}'),
    ('ingest.source.paused', 'jobs on a source are no longer started', '{"source": "text"}'),
    ('ingest.source.resumed', 'jobs on a source are started again', '{"source": "text"}'),
    ('ingest.source.dropped', 'a source was dropped', '{"source": "text"}'),
    ('ingest.owner.changed', 'what a role had was handed over to another',
        '{"from": "text", "to": "text", "things": "int", "trusted": "bool"}'),
    ('ingest.crawl.completed', 'a crawl finished',
        '{"source": "text", "run": "int", "tables": "int", "discovered": "int", "changes": "int"}'),
    ('ingest.table.discovered', 'a crawl found a table',
        '{"source": "text", "table": "text", "relation": "text", "columns": "array", "run": "int"}'),
    ('ingest.table.returned', 'a table that was gone exists again',
        '{"source": "text", "table": "text", "relation": "text", "columns": "array", "run": "int"}'),
    ('ingest.table.removed', 'a table is gone',
        '{"source": "text", "table": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.added', 'a crawl found a new column',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.removed', 'a column is gone',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.returned', 'a column that was gone exists again',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.retyped', 'a column has another type',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.renamed', 'a column has another name',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.column.altered', 'a column''s description or nullability changed',
        '{"source": "text", "table": "text", "column": "text", "before": "object?", "after": "object?", "run": "int"}'),
    ('ingest.annotation.changed', 'a table or column was annotated',
        '{"source": "text", "table": "text", "table_id": "int", "column": "text?", "name": "text", "value": "any", '
        '"before": "any", "said_by": "text?", "role": "text"}'),
    ('ingest.sync.created', 'a sync was created',
        '{"sync": "text", "foreign_table": "text", "target": "text", "mode": "text"}'),
    ('ingest.sync.completed', 'a sync''s run finished',
        '{"sync": "text", "target": "text", "run": "int", "read": "int", "inserted": "int", "updated": "int", '
        '"deleted": "int", "rejected": "int", "watermark": "text?", "state": "text", "left_out": "array"}'),
    ('ingest.sync.stopped', 'a sync stopped and needs attention',
        '{"sync": "text", "run": "int", "reason": "text", "hint": "text?"}'),
    ('ingest.export.completed', 'an export finished: the lake is as current as it can be',
        '{"export": "text", "relation": "text", "lake": "text", "mode": "text", "run": "int", "written": "int", '
        '"replaced": "int", "whole": "bool"}'),
    ('ingest.target.column.added', 'a column was added to a copy',
        '{"sync": "text", "target": "text", "column": "text", "before": "text?", "after": "text", "run": "int"}'),
    ('ingest.target.column.widened', 'a column of a copy was given a wider type',
        '{"sync": "text", "target": "text", "column": "text", "before": "text?", "after": "text", "run": "int"}'),
    ('ingest.rows.changed', 'a batch changed rows of a copy',
        '{"sync": "text", "target": "text", "run": "int", "inserted": "int", "updated": "int", "deleted": "int"}'),
    ('ingest.row.changed', 'a row of a copy with row_events changed',
        '{"sync": "text", "run": "int", "operation": "text", "key": "object", "before": "object?", "after": '
        '"object?", "source_time": "text?"}'),
    ('ingest.row.rejected', 'a row did not fit into the copy',
        '{"sync": "text", "run": "int", "key": "object?", "reason": "text"}'),
    ('ingest.piece.failed', 'a piece of a copy, such as a file, could not be read',
        '{"sync": "text", "run": "int", "piece": "text", "version": "text", "sqlstate": "text", "reason": "text"}'),
    ('ingest.run.failed', 'a run failed',
        '{"run": "int", "kind": "text", "name": "text", "sqlstate": "text", "class": "text", "error": "text", '
        '"detail": "text?", "hint": "text?"}'),
    ('ingest.run.cancelled', 'a run was cancelled',
        '{"run": "int", "kind": "text", "name": "text", "sqlstate": "text", "class": "text", "error": "text", '
        '"detail": "text?", "hint": "text?"}'),
    ('ingest.job.dead', 'a job was given up', '{"job": "text", "attempts": "int", "reason": "text"}'),
    ('ingest.circuit.opened', 'a source''s breaker opened: no job on it is started',
        '{"source": "text", "reason": "text?"}'),
    ('ingest.circuit.half_open', 'a source''s breaker lets one job try', '{"source": "text"}'),
    ('ingest.circuit.closed', 'a source''s breaker closed', '{"source": "text", "reason": "text?"}'),
    ('ingest.profile.completed', 'a table was profiled',
        '{"table": "text", "run": "int", "sampled": "bool", "columns": "int", "rows": "int?"}'),
    ('ingest.anomaly.detected', 'something unusual was detected',
        '{"anomaly": "int", "kind": "text", "severity": "text", "table": "text", "column": "text?", "summary": '
        '"text", "evidence": "object?"}'),
    ('ingest.alert.opened', 'something is wrong, or has become worse',
        '{"alert": "int", "kind": "text", "severity": "text", "object": "text", "subject": "text", '
        '"summary": "text", "source": "text?", "since": "text", "count": "int"}'),
    ('ingest.alert.acknowledged', 'somebody is taking care of an alert',
        '{"alert": "int", "kind": "text", "severity": "text", "object": "text", "subject": "text", '
        '"summary": "text", "source": "text?", "since": "text", "count": "int", "acknowledged_by": "text"}'),
    ('ingest.alert.closed', 'what an alert was about is right again, or gone',
        '{"alert": "int", "kind": "text", "severity": "text", "object": "text", "subject": "text", '
        '"summary": "text", "source": "text?", "since": "text", "count": "int", "closed_by": "text"}'),
    ('ingest.quality.failed', 'a rule does not hold',
        '{"rule": "int", "kind": "text", "table": "text", "columns": "text", "severity": "text", "rows": "int", '
        '"violations": "int", "where": "text?", "run": "int"}')
) t (type, description, properties);
