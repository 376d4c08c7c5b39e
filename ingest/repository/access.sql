
-- Who sees what: owners of a source and roles granted to it.

CREATE FUNCTION my_sources() RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'ingest_my_sources' LANGUAGE C STABLE;
COMMENT ON FUNCTION my_sources() IS 'sources that the caller may see: own ones and those granted to a role of theirs';

CREATE FUNCTION my_syncs() RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'ingest_my_syncs' LANGUAGE C STABLE;
COMMENT ON FUNCTION my_syncs() IS 'syncs of those sources';
