
-- How large an answer may become.  Statements of whoever asks call these: see bound.c

CREATE FUNCTION ingest_api_internal.fits(value anyelement, VARIADIC others "any") RETURNS anyelement
    AS 'MODULE_PATHNAME', 'ingest_api_fits' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION ingest_api_internal.fits(anyelement, "any")
    IS 'a value, if it and the others of its row together are not too large for an answer; none of them is read to '
    'find out';
CREATE FUNCTION ingest_api_internal.fits(value anyelement) RETURNS anyelement
    AS 'MODULE_PATHNAME', 'ingest_api_fits' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION ingest_api_internal.fits(anyelement) IS 'a value, if it is not too large for an answer';

CREATE FUNCTION ingest_api_internal.list_add(state internal, item json) RETURNS internal
    AS 'MODULE_PATHNAME', 'ingest_api_list_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ingest_api_internal.list_add(internal, json) IS 'part of the aggregate list';
CREATE FUNCTION ingest_api_internal.list_end(state internal) RETURNS json
    AS 'MODULE_PATHNAME', 'ingest_api_list_end' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ingest_api_internal.list_end(internal) IS 'part of the aggregate list';
CREATE AGGREGATE ingest_api_internal.list(item json) (
    SFUNC = ingest_api_internal.list_add, STYPE = internal, FINALFUNC = ingest_api_internal.list_end,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE ingest_api_internal.list(json) IS 'documents as an array, if they are not too large for an answer';

CREATE FUNCTION ingest_api_internal.lines_add(state internal, item json) RETURNS internal
    AS 'MODULE_PATHNAME', 'ingest_api_lines_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ingest_api_internal.lines_add(internal, json) IS 'part of the aggregate lines';
CREATE FUNCTION ingest_api_internal.lines_end(state internal) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_api_lines_end' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ingest_api_internal.lines_end(internal) IS 'part of the aggregate lines';
CREATE AGGREGATE ingest_api_internal.lines(item json) (
    SFUNC = ingest_api_internal.lines_add, STYPE = internal, FINALFUNC = ingest_api_internal.lines_end,
    PARALLEL = SAFE);
COMMENT ON AGGREGATE ingest_api_internal.lines(json)
    IS 'documents one below the other, if they are not too large for an answer';
