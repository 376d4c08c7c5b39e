\echo Use "CREATE EXTENSION netsuite_fdw" to load this file. \quit

CREATE FUNCTION netsuite_fdw_handler() RETURNS fdw_handler
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION netsuite_fdw_handler() IS 'foreign-data wrapper handler';

CREATE FUNCTION netsuite_fdw_validator(options text[], catalog oid) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION netsuite_fdw_validator(text[], oid) IS 'checks options of servers, user mappings, foreign tables and columns';

CREATE FOREIGN DATA WRAPPER netsuite_fdw HANDLER netsuite_fdw_handler VALIDATOR netsuite_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER netsuite_fdw IS 'NetSuite: SuiteQL over SuiteTalk REST';

CREATE FUNCTION netsuite_fdw_comment() RETURNS event_trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION netsuite_fdw_comment() IS 'turns descriptions of new foreign tables and columns into comments';

CREATE EVENT TRIGGER netsuite_fdw_comment ON ddl_command_end
    WHEN TAG IN ('IMPORT FOREIGN SCHEMA', 'CREATE FOREIGN TABLE')
    EXECUTE FUNCTION netsuite_fdw_comment();

CREATE FUNCTION netsuite_server_time(server name) RETURNS timestamptz
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_server_time(name) IS 'the time by NetSuite''s own clock';

CREATE FUNCTION netsuite_governance(server name) RETURNS jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_governance(name) IS 'limits of concurrent requests, for administrators of the account';

CREATE FUNCTION netsuite_query(server name, suiteql text, params text[] DEFAULT NULL) RETURNS SETOF jsonb
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_query(name, text, text[]) IS 'rows of any SuiteQL query; ? stands for a parameter';

CREATE FUNCTION netsuite_tables(server name, OUT "table" text, OUT source text, OUT key text, OUT description text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_tables(name) IS 'tables that the account may have: known ones, custom records, record types';

CREATE FUNCTION netsuite_check(server name, OUT "check" text, OUT ok boolean, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION netsuite_check(name) IS 'is everything in order? One row per check, with what to do';

-- They reach out over the network with the caller's credentials: on the server to which USAGE was granted.
