\echo Use "CREATE EXTENSION ingest_profile" to load this file. \quit

CREATE TYPE profile_sketch;

CREATE FUNCTION profile_sketch_in(cstring) RETURNS profile_sketch
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION profile_sketch_out(profile_sketch) RETURNS cstring
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION profile_sketch_recv(internal) RETURNS profile_sketch
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION profile_sketch_send(profile_sketch) RETURNS bytea
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;

CREATE TYPE profile_sketch (
    INPUT = profile_sketch_in, OUTPUT = profile_sketch_out,
    RECEIVE = profile_sketch_recv, SEND = profile_sketch_send,
    STORAGE = extended);
COMMENT ON TYPE profile_sketch IS 'statistics of a column that can be merged';
COMMENT ON FUNCTION profile_sketch_in(cstring) IS 'a sketch from base64';
COMMENT ON FUNCTION profile_sketch_out(profile_sketch) IS 'a sketch as base64';
COMMENT ON FUNCTION profile_sketch_recv(internal) IS 'a sketch from its stored form';
COMMENT ON FUNCTION profile_sketch_send(profile_sketch) IS 'the stored form of a sketch';

-- the aggregates
CREATE FUNCTION profile_transition(internal, anyelement) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION profile_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION profile_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT STABLE PARALLEL SAFE;
CREATE FUNCTION profile_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT STABLE PARALLEL SAFE;
CREATE FUNCTION profile_final(internal) RETURNS profile_sketch
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION profile_merge_transition(internal, profile_sketch) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION profile_transition(internal, anyelement) IS 'transition function of profile()';
COMMENT ON FUNCTION profile_combine(internal, internal) IS 'combine function of profile() and profile_merge()';
COMMENT ON FUNCTION profile_serialize(internal) IS 'serialization function of profile() and profile_merge()';
COMMENT ON FUNCTION profile_deserialize(bytea, internal) IS 'deserialization function of profile() and profile_merge()';
COMMENT ON FUNCTION profile_final(internal) IS 'final function of profile() and profile_merge()';
COMMENT ON FUNCTION profile_merge_transition(internal, profile_sketch) IS 'transition function of profile_merge()';

CREATE AGGREGATE profile(anyelement) (
    SFUNC = profile_transition, STYPE = internal, SSPACE = 131072,
    FINALFUNC = profile_final, COMBINEFUNC = profile_combine,
    SERIALFUNC = profile_serialize, DESERIALFUNC = profile_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE profile(anyelement) IS 'everything worth knowing about a column, in one pass';

CREATE AGGREGATE profile_merge(profile_sketch) (
    SFUNC = profile_merge_transition, STYPE = internal, SSPACE = 131072,
    FINALFUNC = profile_final, COMBINEFUNC = profile_combine,
    SERIALFUNC = profile_serialize, DESERIALFUNC = profile_deserialize,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE profile_merge(profile_sketch) IS 'the profile of all rows whose profiles are merged';

-- reading a sketch
CREATE TYPE profile_statistics AS (
    "type" text, "rows" bigint, nulls bigint, null_share float8,
    distinct_count bigint, distinct_error bigint, distinct_exact boolean, uniqueness float8,
    min text, max text, entropy float8,
    top_value text, top_count bigint, top_share float8,
    sum numeric, mean numeric, variance float8, stddev float8, skewness float8, kurtosis float8,
    zeros bigint, negatives bigint, nans bigint, infinities bigint,
    trues bigint, falses bigint, mean_moment text,
    p01 text, p05 text, p25 text, median text, p75 text, p95 text, p99 text,
    min_length bigint, max_length bigint, mean_length float8,
    empties bigint, blanks bigint, leading_blanks bigint, trailing_blanks bigint,
    uppercase bigint, lowercase bigint, mixed_case bigint, non_ascii bigint, odd_characters bigint,
    shortest text, longest text, pattern text, pattern_share float8,
    hidden_type text, hidden_format text, hidden_share float8, hidden_cast text,
    semantic_type text, semantic_share float8, samples text[]);
COMMENT ON TYPE profile_statistics IS 'the figures of a profile; those that do not apply to the column''s type are null';

CREATE FUNCTION profile_stats(sketch profile_sketch, column_name text DEFAULT NULL) RETURNS profile_statistics
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION profile_stats(profile_sketch, text) IS 'every figure of a profile; the column''s name helps to find its meaning';

CREATE FUNCTION quantile(sketch profile_sketch, fraction float8) RETURNS text
    AS 'MODULE_PATHNAME', 'profile_quantile' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION quantile(profile_sketch, float8) IS 'the value at a fraction between 0 and 1 of the sorted values, as text';
CREATE FUNCTION quantile(sketch profile_sketch, fractions float8[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'profile_quantiles' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION quantile(profile_sketch, float8[]) IS 'the values at fractions between 0 and 1 of the sorted values, as text';

CREATE FUNCTION distinct_count(sketch profile_sketch) RETURNS bigint
    AS 'MODULE_PATHNAME', 'profile_distinct_count' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION distinct_count(profile_sketch) IS 'number of distinct non-null values: exact up to 2048, then estimated';

CREATE FUNCTION top_values(sketch profile_sketch, n integer DEFAULT 10)
    RETURNS TABLE (value text, count bigint, count_at_most bigint, share float8)
    AS 'MODULE_PATHNAME', 'profile_top_values' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION top_values(profile_sketch, integer) IS 'the most frequent values; each occurred at least count and at most count_at_most times';

CREATE FUNCTION histogram(sketch profile_sketch, bins integer DEFAULT 10, equal_height boolean DEFAULT false)
    RETURNS TABLE (bin integer, "from" text, "to" text, "rows" bigint, share float8)
    AS 'MODULE_PATHNAME', 'profile_histogram' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION histogram(profile_sketch, integer, boolean) IS 'rows by ranges of values: about the given number of ranges, of equal width with round bounds or of equal height';

CREATE FUNCTION patterns(sketch profile_sketch)
    RETURNS TABLE (pattern text, count bigint, count_at_most bigint, share float8, example text)
    AS 'MODULE_PATHNAME', 'profile_patterns' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION patterns(profile_sketch) IS 'shapes of a text column''s values: A upper case, a lower case, 9 digits, _ white space, u beyond ASCII';

CREATE FUNCTION semantic_type(sketch profile_sketch, column_name text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'profile_semantic_type' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION semantic_type(profile_sketch, text) IS 'what the values mean, if more than 90 % of the distinct ones fit and that is unlikely to be chance; the column''s name helps with short codes';
CREATE FUNCTION semantic_types()
    RETURNS TABLE (name text, description text, min_distinct integer, needs_name boolean, name_hints text)
    AS 'MODULE_PATHNAME', 'profile_semantic_types' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION semantic_types() IS 'the known semantic types; the first one that fits is taken';
CREATE FUNCTION semantic_check(semantic_type text, value text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'profile_semantic_check' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION semantic_check(text, text) IS 'whether a value fits a semantic type';

-- what hidden_cast calls
CREATE FUNCTION read_number(value text, decimal_sign text DEFAULT '.') RETURNS numeric
    AS 'MODULE_PATHNAME', 'profile_read_number' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION read_number(text, text) IS 'reads a number as people write it: with digit grouping, a currency, %, parentheses or a trailing minus';
CREATE FUNCTION read_boolean(value text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'profile_read_boolean' LANGUAGE C STRICT IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION read_boolean(text) IS 'reads true or false from a word in one of many languages';
CREATE FUNCTION read_months(value text, language text) RETURNS text
    AS 'MODULE_PATHNAME', 'profile_read_months' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION read_months(text, text) IS 'replaces the name of a month in a date, in a language that ICU knows, by its number, and removes the day of the week';

CREATE FUNCTION overlap(a profile_sketch, b profile_sketch,
    OUT shared bigint, OUT a_in_b float8, OUT b_in_a float8, OUT jaccard float8, OUT error float8, OUT hashes integer)
    AS 'MODULE_PATHNAME', 'profile_overlap' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION overlap(profile_sketch, profile_sketch) IS 'number of distinct values that two columns share, and the fraction of each column''s values that the other has; error is two standard deviations of these fractions';

CREATE FUNCTION profile_json(sketch profile_sketch, column_name text DEFAULT NULL) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
    -- qualified: whoever may put something into this schema put nothing there that fits better
    SELECT CASE WHEN sketch IS NOT NULL THEN pg_catalog.jsonb_strip_nulls(pg_catalog.to_jsonb(s)) OPERATOR(pg_catalog.||) pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'top_values', (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(t)) FROM top_values(sketch) t),
        'histogram', (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(h) ORDER BY h.bin) FROM histogram(sketch) h),
        'patterns', (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(p)) FROM patterns(sketch) p))) END
    FROM profile_stats(sketch, column_name) s;
    END;
COMMENT ON FUNCTION profile_json(profile_sketch, text) IS 'everything in a profile, as one document';

-- profiles of tables and queries
CREATE TYPE profile_column AS (
    column_name text, "position" integer,
    sampled boolean, total_rows bigint, total_rows_low bigint, total_rows_high bigint, total_nulls bigint, total_nulls_low bigint, total_nulls_high bigint,
    total_distinct bigint, total_distinct_low bigint, total_distinct_high bigint, estimates text[],
    "type" text, "rows" bigint, nulls bigint, null_share float8,
    distinct_count bigint, distinct_error bigint, distinct_exact boolean, uniqueness float8,
    min text, max text, entropy float8,
    top_value text, top_count bigint, top_share float8,
    sum numeric, mean numeric, variance float8, stddev float8, skewness float8, kurtosis float8,
    zeros bigint, negatives bigint, nans bigint, infinities bigint,
    trues bigint, falses bigint, mean_moment text,
    p01 text, p05 text, p25 text, median text, p75 text, p95 text, p99 text,
    min_length bigint, max_length bigint, mean_length float8,
    empties bigint, blanks bigint, leading_blanks bigint, trailing_blanks bigint,
    uppercase bigint, lowercase bigint, mixed_case bigint, non_ascii bigint, odd_characters bigint,
    shortest text, longest text, pattern text, pattern_share float8,
    hidden_type text, hidden_format text, hidden_share float8, hidden_cast text,
    semantic_type text, semantic_share float8, samples text[], sketch profile_sketch);
COMMENT ON TYPE profile_column IS 'a column of a table or query: its figures, their estimates for the whole table if only a sample was read, and its sketch';

CREATE FUNCTION profile_table(relation regclass, columns text[] DEFAULT NULL, sample_rows bigint DEFAULT NULL, where_clause text DEFAULT NULL)
    RETURNS SETOF profile_column
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION profile_table(regclass, text[], bigint, text) IS 'one row per column of a table, view or foreign table, which is read once';

CREATE FUNCTION profile_query(query text)
    RETURNS SETOF profile_column
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION profile_query(text) IS 'one row per column of a query''s result';

CREATE FUNCTION profile_report(relation regclass, columns text[] DEFAULT NULL, sample_rows bigint DEFAULT NULL, where_clause text DEFAULT NULL)
    RETURNS TABLE (profile text)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION profile_report(regclass, text[], bigint, text) IS 'a table''s profile as a picture to read in psql';

-- what follows from sketches
CREATE FUNCTION candidate_keys(relation regclass, max_columns integer DEFAULT 3)
    RETURNS TABLE (columns text[], declared boolean, "rows" bigint, score float8)
    AS 'MODULE_PATHNAME', 'profile_candidate_keys' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION candidate_keys(regclass, integer) IS 'minimal sets of columns that identify a row, verified exactly, likeliest first';

CREATE FUNCTION candidate_foreign_keys(relations regclass[])
    RETURNS TABLE (from_relation regclass, from_column text, to_relation regclass, to_column text,
    coverage float8, orphans bigint, score float8, orphan_query text, declared boolean)
    AS 'MODULE_PATHNAME', 'profile_candidate_foreign_keys' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION candidate_foreign_keys(regclass[]) IS 'columns that refer to a key of another relation: declared, or possible judging by their sketches and likely judging by their names; counted exactly';

CREATE FUNCTION profile_drift(before profile_sketch, after profile_sketch,
    OUT verdict text, OUT reasons text, OUT type_before text, OUT type_after text,
    OUT rows_before bigint, OUT rows_after bigint,
    OUT null_share_before float8, OUT null_share_after float8,
    OUT distinct_share_before float8, OUT distinct_share_after float8,
    OUT mean_before float8, OUT mean_after float8, OUT median_before text, OUT median_after text,
    OUT p95_before text, OUT p95_after text, OUT ks float8, OUT psi float8,
    OUT new_values text, OUT gone_values text, OUT new_patterns text, OUT gone_patterns text,
    OUT hidden_type_before text, OUT hidden_type_after text)
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT STABLE PARALLEL SAFE;
COMMENT ON FUNCTION profile_drift(profile_sketch, profile_sketch) IS 'what changed between two profiles of a column, and whether it matters: none, slight, strong';

CREATE FUNCTION outliers(relation regclass, column_name text)
    RETURNS TABLE (kind text, detail text, count bigint, examples text[], where_clause text)
    AS 'MODULE_PATHNAME', 'profile_outliers' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION outliers(regclass, text) IS 'extreme values and what caused them, misspellings, mixed formats, rare patterns, placeholders, contradictions with another column: each with the condition that selects its rows';

CREATE FUNCTION anomaly_score(history float8[], value float8, season integer DEFAULT NULL, kind text DEFAULT NULL) RETURNS float8
    AS 'MODULE_PATHNAME', 'profile_anomaly_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION anomaly_score(float8[], float8, integer, text) IS 'how improbable a new point is given its history, of the same phase of a season if one is given; null with fewer than five points; beyond 4 or -4 is an alarm, raised once per episode';

CREATE FUNCTION anomaly_scores(series float8[], season integer DEFAULT NULL, kind text DEFAULT NULL)
    RETURNS TABLE (point integer, value float8, expected float8, score float8, alarm boolean)
    AS 'MODULE_PATHNAME', 'profile_anomaly_scores' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION anomaly_scores(float8[], integer, text) IS 'anomaly_score of each point of a series, given the points before it';
