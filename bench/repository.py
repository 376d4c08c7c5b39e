"""repository: the daily questions with 10,000 tables, 500,000 columns and a history of runs, each under 50 ms, asked by a role under row-level security."""

import statistics

from common import connect, finish, table, timed
from syncing import prepare

TABLES, COLUMNS, SOURCES, RUNS = 10000, 50, 20, 200000
FILL = """
INSERT INTO ingest.data_source (name, server, owner, owner_name, remote_schemas, local_schema) SELECT 's' || i, 'ns', (CASE WHEN i <= 10 THEN 'asker' ELSE 'postgres' END)::regrole, CASE WHEN i <= 10 THEN 'asker' ELSE 'postgres' END, '{x}', 'l' || i FROM generate_series(1, %(sources)d) i;
INSERT INTO ingest.circuit (source) SELECT id FROM ingest.data_source ON CONFLICT DO NOTHING;
INSERT INTO ingest.source_schema (source, name) SELECT id, 'x' FROM ingest.data_source WHERE name <> 'bench';
INSERT INTO ingest.source_table (source, schema_id, name, local_schema, local_name, key, cursor_column, freshness_objective, row_count)
  SELECT s.source, s.id, 't' || i, 'l', 't' || i, '{id}', 'changed', '1 hour', i FROM ingest.source_schema s, generate_series(1, %(tables)d / %(sources)d) i WHERE s.name = 'x';
INSERT INTO ingest.source_column (source, table_id, name, position, type, description)
  SELECT t.source, t.id, 'column_' || i, i, 'text', 'what it is' FROM ingest.source_table t, generate_series(1, %(columns)d) i;
INSERT INTO ingest.sync (name, source, table_id, target_schema, target_table, owner, owner_name, mode, key, cursor_column)
  SELECT 'sync ' || id, source, id, 'copy', 't' || id, (SELECT owner FROM ingest.data_source d WHERE d.id = source), (SELECT owner_name FROM ingest.data_source d WHERE d.id = source), 'incremental', '{id}', 'changed' FROM ingest.source_table;
INSERT INTO ingest.sync_state (sync, phase, last_success, rows) SELECT id, 'ready', now() - random() * interval '2 hours', 1000 FROM ingest.sync;
INSERT INTO ingest.run (kind, source, sync, state, started_at, finished_at, rows_read, role, role_name)
  SELECT 'sync', s.source, s.id, CASE WHEN i %% 50 = 0 THEN 'failed' ELSE 'succeeded' END, now() - i * interval '1 min', now(), 100, s.owner, s.owner_name FROM (SELECT *, row_number() OVER () AS r FROM ingest.sync) s, generate_series(1, %(runs)d / %(tables)d) i;
INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column, kind)
  SELECT c.source, 'l', t.name || '_' || t.id, c.name, 'copy', 't' || t.id, c.name, 'sync' FROM ingest.source_column c JOIN ingest.source_table t ON t.id = c.table_id;
INSERT INTO ingest.rule (source, schema_name, table_name, kind, columns, owner, owner_name)
  SELECT t.source, 'copy', 't' || t.id, 'not_null', '{column_1}', d.owner, d.owner_name FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source;
INSERT INTO ingest.rule_result (rule, rows, violations, ok) SELECT r.id, 100, 0, true FROM ingest.rule r, generate_series(1, 5);
INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, seen_at) SELECT source, id, 'column', 'column_1', 'added', now() - random() * interval '30 days' FROM ingest.source_table, generate_series(1, 5);
"""
QUESTIONS = {
    "how are my sources?": "SELECT * FROM ingest.source_status",
    "which copies of a source are stale?": "SELECT sync, age, last_error FROM ingest.table_status WHERE source = 's3' AND NOT fresh",
    "how is this table?": "SELECT * FROM ingest.table_status WHERE target = 'copy.t{id}'",
    "what runs, and what ran last?": "SELECT * FROM ingest.run_status ORDER BY run DESC LIMIT 20",
    "what failed today?": "SELECT run, name, error FROM ingest.run_status WHERE state = 'failed' AND started_at > now() - interval '1 day' ORDER BY run DESC LIMIT 50",
    "which rules fail?": "SELECT * FROM ingest.quality_status WHERE (schema_name, table_name) = ('copy', 't{id}')",
    "what are this table's columns?": "SELECT column_name, type, description FROM ingest.column_status WHERE source = 's2' AND table_name = 't5' ORDER BY position",
    "where is a column of this name?": "SELECT source, table_name FROM ingest.column_status WHERE column_name = 'column_7' AND source = 's1'",
    "what changed this week?": "SELECT * FROM ingest.metadata_change WHERE source = (SELECT id FROM ingest.data_source WHERE name = 's3') AND seen_at > now() - interval '7 days' ORDER BY seen_at DESC LIMIT 100",
    "where does this column come from?": "SELECT * FROM ingest.lineage('copy.t{id}.column_3', 'upstream')",
    "what comes from this table?": "SELECT * FROM ingest.lineage('l.t{name}_{id}', 'downstream')",
}


def main():
    conn = prepare({})
    # what fills it takes minutes on a busy machine, and is not measured
    conn.execute("SET statement_timeout = 0")
    conn.execute("DO $$ BEGIN CREATE ROLE asker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    for statement in (FILL % {"tables": TABLES, "columns": COLUMNS, "sources": SOURCES, "runs": RUNS}).split(";\n"):
        if statement.strip():
            conn.execute(statement)
    conn.execute("VACUUM ANALYZE")
    conn.execute("GRANT ingest_reader TO asker")
    asker = connect()
    asker.execute("SET ROLE asker")
    table_id, name = conn.execute("SELECT id, substr(name, 2) FROM ingest.source_table WHERE source = (SELECT id FROM ingest.data_source WHERE name = 's7') LIMIT 1").fetchone()
    rows = [("question", "ms", "least", "most", "rows")]
    worst = 0.0
    for question, sql in QUESTIONS.items():
        sql = sql.replace("{id}", str(table_id)).replace("{name}", name)
        asker.execute(sql)
        times = []
        for _ in range(5):
            seconds, answer = timed(lambda s=sql: asker.execute(s).fetchall())
            times.append(seconds * 1000)
        worst = max(worst, statistics.median(times))
        rows.append((question, "%.1f" % statistics.median(times), "%.1f" % min(times), "%.1f" % max(times), len(answer)))
    table(rows)
    print("bound: 50 ms each")
    finish(worst_ms=worst)


if __name__ == "__main__":
    main()
