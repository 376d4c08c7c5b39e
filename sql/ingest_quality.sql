-- Rules, suggestions, profiles with a history, anomalies
SET client_min_messages = warning;
SET search_path = public;
CREATE SCHEMA q;
CREATE TABLE q.country (code text PRIMARY KEY);
INSERT INTO q.country VALUES ('DE'), ('FR'), ('US');
CREATE TABLE q.client (id bigint, name text, email text, country text, age integer, state text, seen timestamptz);
INSERT INTO q.client SELECT i, 'client ' || i, 'c' || i || '@example.com', (ARRAY['DE', 'FR', 'US'])[1 + i % 3], 20 + i % 60, (ARRAY['new', 'old'])[1 + i % 2], now() - i * interval '1 min'
  FROM generate_series(1, 600) i;
SELECT kind, columns, CASE WHEN arguments ? 'values' OR kind = 'not_null' THEN arguments END AS arguments, severity FROM ingest.suggest_rules('q.client') WHERE columns <> '{seen}' ORDER BY columns, kind;
SELECT count(ingest.add_rule('q.client', r.kind, r.columns, r.arguments, r.severity)) > 10 AS added FROM ingest.suggest_rules('q.client') r;
SELECT count(*) FILTER (WHERE ok) = count(*) AS all_hold FROM ingest.check_quality('q.client');
DELETE FROM ingest.rule;
SELECT ingest.add_rule('q.client', 'not_null', '{email}') > 0, ingest.add_rule('q.client', 'unique', '{id}') > 0, ingest.add_rule('q.client', 'unique', '{name,country}') > 0,
  ingest.add_rule('q.client', 'in_set', '{state}', '{"values": ["new", "it''s \"old\""]}', 'warning', 0.6) > 0, ingest.add_rule('q.client', 'range', '{age}', '{"min": 0, "max": 70}', tolerance => 0.2) > 0,
  ingest.add_rule('q.client', 'pattern', '{email}', '{"pattern": "^[^@]+@[^@]+$"}') > 0, ingest.add_rule('q.client', 'length', '{name}', '{"max": 10}') > 0,
  ingest.add_rule('q.client', 'references', '{country}', '{"table": "q.country", "columns": ["code"]}') > 0, ingest.add_rule('q.client', 'freshness', '{seen}', '{"within": "1 day"}') > 0,
  ingest.add_rule('q.client', 'row_count', arguments => '{"min": 100, "max": 500}') > 0, ingest.add_rule('q.client', 'sql', arguments => '{"condition": "age > 18 OR state = ''new''"}') > 0;
INSERT INTO q.client VALUES (1, 'client 1', NULL, 'XX', 17, 'old', now()), (601, 'client 1', 'no address', 'DE', 200, 'new', now());
SELECT kind, columns, severity, rows, violations, ok, CASE WHEN kind NOT IN ('freshness', 'unique', 'sql') THEN examples END AS examples, where_clause FROM ingest.check_quality('q.client') ORDER BY rule;
SELECT table_name, kind, ok, violations FROM ingest.quality_status WHERE NOT ok ORDER BY rule;
SELECT where_clause FROM ingest.quality_status WHERE kind = 'references' \gset
SELECT id, country FROM q.client t WHERE :where_clause;
SELECT data->>'kind' AS kind, data->>'violations' AS violations FROM ingest.event WHERE type = 'ingest.quality.failed' ORDER BY id;
-- one that cannot be computed does not hide the others
SELECT ingest.add_rule('q.client', 'sql', arguments => '{"condition": "1 / (age - 17) > 0"}') > 0;
SELECT kind, ok, CASE WHEN examples NOT LIKE '%client 1%' THEN examples END AS examples FROM ingest.check_quality('q.client') WHERE kind IN ('sql', 'not_null') ORDER BY rule;
-- what is no rule
SELECT ingest.add_rule('q.client', 'nonsense', '{id}');
SELECT ingest.add_rule('q.client', 'range', '{age}');
SELECT ingest.add_rule('q.client', 'range', '{nothing}', '{"min": 1}');
SELECT ingest.add_rule('q.client', 'in_set', '{state}');
SELECT ingest.add_rule('q.client', 'sql', arguments => '{"condition": "1; DROP TABLE q.client"}');
SELECT ingest.add_rule('q.client', 'sql', arguments => '{"condition": "nothing = 1"}');
-- profiles and what follows from their history
SELECT ingest.profile('q.client') > 0 AS run;
SELECT column_name, null_share, distinct_count, hidden_type, semantic_type FROM ingest.profile_status WHERE table_name = 'client' ORDER BY column_name;
SELECT ingest.profile('q.client') > 0 AS run;
SELECT count(*) FROM ingest.anomaly WHERE table_name = 'client';
UPDATE q.client SET email = NULL WHERE id % 2 = 0;
UPDATE q.client SET age = age + 500;
DELETE FROM q.client WHERE id > 200;
SELECT ingest.profile('q.client') > 0 AS run;
SELECT kind, column_name, summary IS NOT NULL AS says, evidence ? 'verdict' OR evidence ? 'rows' AS proves FROM ingest.anomaly WHERE table_name = 'client' ORDER BY kind, column_name;
SELECT ingest.resolve_anomaly(id) FROM ingest.anomaly WHERE table_name = 'client' AND kind = 'volume';
SELECT kind FROM ingest.anomaly WHERE table_name = 'client' AND resolved_at IS NOT NULL;
SELECT DISTINCT type FROM ingest.event WHERE type IN ('ingest.profile.completed', 'ingest.anomaly.detected') ORDER BY 1;
-- a sample says that it is one
SELECT ingest.profile('q.client', 50) > 0 AS run;
SELECT DISTINCT sampled FROM ingest.profile_status WHERE table_name = 'client' AND run = (SELECT max(run) FROM ingest.profile_status);
