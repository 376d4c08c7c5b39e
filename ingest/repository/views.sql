
-- These two show what base tables keep from readers, and so are the repository owner's: they look after rows
-- themselves.
CREATE VIEW column_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    d.id AS source_id, -- its number
    t.name AS table_name, -- the table at the source
    t.id AS table_id, -- its number
    c.name AS column_name, -- the column
    c.position AS position, -- its place
    c.type AS type, -- its type
    c.nullable AS nullable, -- whether it may be null
    c.constraints AS constraints, -- declared locally
    c.description AS description, -- from the source
    c.custom AS custom, -- whether it is a customer's own field
    c.key_position AS key_position, -- its place in the key
    c.hidden_type AS hidden_type, -- the type that its text values really have
    c.semantic_type AS semantic_type, -- what its values mean
    CASE WHEN ingest_internal.may_read(d.owner, t.relation, c.attnum) THEN c.sample_values
        END AS sample_values, -- real values, for those who may read the column
    c.first_seen AS first_seen, -- when a crawl first found it
    c.gone_at AS gone_at -- when a crawl found it gone
FROM source_column c JOIN source_table t ON t.id = c.table_id JOIN data_source d ON d.id = c.source
WHERE c.source = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW column_status IS 'columns of sources; sample values only of columns that the caller may read';

CREATE VIEW profile_status WITH (security_barrier) AS
SELECT p.schema_name AS schema_name, -- schema of the relation
    p.table_name AS table_name, -- the relation
    p.column_name AS column_name, -- the column
    p.run AS run, -- the run that made it
    p.profiled_at AS profiled_at, -- when it was made
    p.sampled AS sampled, -- whether only a sample was read
    p.total_rows AS total_rows, -- rows of the relation
    (p.statistics).null_share AS null_share, -- share of nulls
    (p.statistics).distinct_count AS distinct_count, -- distinct values
    (p.statistics).uniqueness AS uniqueness, -- distinct values per value
    CASE WHEN m.may THEN (p.statistics).mean END AS mean, -- mean of numbers, for those who may read the column
    CASE WHEN m.may THEN (p.statistics).stddev END AS stddev, -- their standard deviation, likewise
    (p.statistics).hidden_type AS hidden_type, -- the type that text values really have
    (p.statistics).semantic_type AS semantic_type, -- what the values mean
    CASE WHEN m.may THEN (p.statistics).min END AS min, -- lowest value, for those who may read the column
    CASE WHEN m.may THEN (p.statistics).max END AS max, -- highest value, likewise
    CASE WHEN m.may THEN (p.statistics).samples END AS samples, -- real values, likewise
    CASE WHEN m.may THEN p.statistics END AS statistics, -- all figures, likewise
    CASE WHEN m.may THEN p.sketch END AS sketch -- what the figures come from, likewise
FROM profile_stats p, LATERAL (SELECT ingest_internal.may_read(p.owner, p.relation, p.attnum) AS may OFFSET 0) m
WHERE p.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR p.source IS NULL AND m.may;
COMMENT ON VIEW profile_status IS 'profiles and their history; values only of columns that the caller may read';
