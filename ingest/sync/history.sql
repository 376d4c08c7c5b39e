
-- History

CREATE FUNCTION ingest_internal.create_history_view(sync text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_history_view' LANGUAGE C STRICT;
COMMENT ON FUNCTION ingest_internal.create_history_view(text)
    IS 'creates <target>_history: every version of a row, with the period in which it was current; create_sync and '
    'alter_sync call it';

CREATE FUNCTION ingest_internal.drop_history_view(of_sync integer) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_drop_history_view' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.drop_history_view(integer)
    IS 'drops the view that create_history_view made, as its owner';

CREATE FUNCTION as_of(target anyelement, moment timestamptz) RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'ingest_as_of' LANGUAGE C STABLE;
COMMENT ON FUNCTION as_of(anyelement, timestamptz)
    IS 'a copy with history as it was at a moment since its history has been kept: SELECT * FROM '
    'ingest.as_of(NULL::schema.target, ''...'')';

CREATE FUNCTION row_history(target anyelement, key jsonb, OUT valid_from timestamptz, OUT valid_to timestamptz,
    OUT operation text, OUT seq bigint, OUT version anyelement) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'ingest_row_history' LANGUAGE C STABLE;
COMMENT ON FUNCTION row_history(anyelement, jsonb)
    IS 'versions of one row of a copy with history, selected by its key, or of all rows if that is null: SELECT '
    'valid_from, operation, (version).* FROM ingest.row_history(NULL::schema.target, ''{"id": 1}'')';

CREATE FUNCTION ingest_internal.drop_old_history() RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_drop_old_history' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.drop_old_history()
    IS 'drops days of history that no sync needs any more; returns how many';

CREATE FUNCTION ingest_internal.row_json("row" record) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'ingest_row_json' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION ingest_internal.row_json(record)
    IS 'a row as to_jsonb gives it where the time zone is UTC, but faster for many rows; values of types of '
    'extensions in their text form';

CREATE FUNCTION ingest_internal.row_of_json(base anyelement, "row" jsonb) RETURNS anyelement
    AS 'MODULE_PATHNAME', 'ingest_row_of_json' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.row_of_json(anyelement, jsonb)
    IS 'the row of which row_json made an object, as jsonb_populate_record reads it; a JSON null is restored as one';

CREATE FUNCTION ingest_internal.key_json(VARIADIC "any") RETURNS jsonb
    AS 'MODULE_PATHNAME', 'ingest_key_json' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.key_json("any")
    IS 'what jsonb_build_object gives where the time zone is UTC, but faster for many rows with the same names';

CREATE FUNCTION ingest_internal.row_change(sync integer, key jsonb DEFAULT NULL, since timestamptz DEFAULT NULL)
    RETURNS SETOF change
    AS 'MODULE_PATHNAME', 'ingest_row_change' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.row_change(integer, jsonb, timestamptz)
    IS 'history of one key of a sync, seen after a moment, for the owner of its copy, as whom as_of and '
    'row_history ask for it';

CREATE FUNCTION ingest_internal.new_changes(sync integer, after bigint, until bigint, since timestamptz)
    RETURNS SETOF change
    AS 'MODULE_PATHNAME', 'ingest_new_changes' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.new_changes(integer, bigint, bigint, timestamptz)
    IS 'history of a sync after one version and up to another, of the days since a moment (null: of all days), for '
    'the owner of its copy';
