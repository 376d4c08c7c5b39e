\echo Use "CREATE EXTENSION files_fdw" to load this file. \quit

CREATE FUNCTION files_fdw_handler() RETURNS fdw_handler
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION files_fdw_handler() IS 'foreign-data wrapper handler';

CREATE FUNCTION files_fdw_validator(options text[], catalog oid) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION files_fdw_validator(text[], oid) IS 'checks options of servers, foreign tables and columns';

CREATE FOREIGN DATA WRAPPER files_fdw HANDLER files_fdw_handler VALIDATOR files_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER files_fdw IS 'files of the server: CSV and JSON, plain, gzip or zstd';

CREATE FUNCTION files_fdw_comment() RETURNS event_trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION files_fdw_comment() IS 'turns descriptions of new foreign tables and columns into comments';

CREATE EVENT TRIGGER files_fdw_comment ON ddl_command_end
    WHEN TAG IN ('IMPORT FOREIGN SCHEMA', 'CREATE FOREIGN TABLE')
    EXECUTE FUNCTION files_fdw_comment();

CREATE FUNCTION files_list(server name, pattern text DEFAULT '**',
    OUT path text, OUT size bigint, OUT modified timestamptz, OUT version text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_list(name, text) IS 'files of a server whose paths match a pattern; a file''s version changes whenever its content may have changed';

CREATE FUNCTION files_clock(server name) RETURNS timestamptz
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_clock(name) IS 'current time by the clock that stamps files: the server''s own';

CREATE FUNCTION files_sniff(server name, path text,
    OUT choice text, OUT value text, OUT evidence text, OUT runner_up text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_sniff(name, text) IS 'what an import would make of the files: each table option and column type, the reason, and the second choice';

CREATE FUNCTION files_check(server name, OUT "check" text, OUT ok boolean, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION files_check(name) IS 'checks whether everything is in order: one row per check, with what to do';

CREATE FUNCTION files_tables(server name, OUT schema text, OUT "table" text, OUT key text, OUT description text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION files_tables(name) IS 'tables that an import would make of a server''s files, judging by the file names alone';

CREATE FUNCTION files_pieces(foreign_table regclass, OUT piece text, OUT version text, OUT extent bigint,
    OUT bytes bigint, OUT modified timestamptz, OUT settled boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_pieces(regclass) IS 'files of a foreign table: version, where an appended row would begin, and whether the time set by option settle has passed';

CREATE FUNCTION files_prefix(foreign_table regclass, piece text, extent bigint) RETURNS text
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_prefix(regclass, text, bigint) IS 'a digest of a file''s content before a position, as option grows of the table requires; null if it cannot be told';

CREATE FUNCTION files_watch(server name, wait interval) RETURNS SETOF text
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_watch(name, interval) IS 'waits until files may have changed and returns one row, null for any table; returns no row if the wait is over';

CREATE FUNCTION files_mark(foreign_table regclass, app text, mark bigint) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION files_mark(regclass, text, bigint) IS 'records in the lake version that this transaction publishes how far the rows of a writer have been written';

CREATE FUNCTION files_published(foreign_table regclass, app text) RETURNS bigint
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION files_published(regclass, text) IS 'how far the rows of a writer have been written to a lake, by the newest version that has a mark; null if none has';

CREATE FUNCTION files_lake_columns(foreign_table regclass, OUT "column" name, OUT folder boolean) RETURNS SETOF record
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.attname, EXISTS (SELECT FROM pg_options_to_table(a.attfdwoptions) o WHERE o.option_name = 'partition')
    FROM pg_attribute a JOIN pg_foreign_table t ON t.ftrelid = a.attrelid,
        pg_options_to_table(t.ftoptions) l
    WHERE a.attrelid = foreign_table AND a.attnum > 0 AND NOT a.attisdropped AND l.option_name = 'layout'
        AND NOT EXISTS (SELECT FROM pg_options_to_table(a.attfdwoptions) o WHERE o.option_name = 'metadata')
    ORDER BY a.attnum
$$;
COMMENT ON FUNCTION files_lake_columns(regclass) IS 'columns of a lake''s table that are written, and which of them are folders: rows are deleted by those alone';

CREATE FUNCTION files_vacuum(foreign_table regclass, older_than interval DEFAULT '7 days',
    OUT files bigint, OUT bytes bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION files_vacuum(regclass, interval) IS 'removes a lake''s files that no version of the given period refers to: replaced files, and files never published';
