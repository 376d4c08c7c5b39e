-- A change of version 99.9, which t/127_versions.pl goes to while nothing is released: a column more, a function that does
-- something else, one more with its right and comment, a table that is dumped.
ALTER TABLE ingest.rule ADD COLUMN reviewed_at timestamptz;
COMMENT ON COLUMN ingest.rule.reviewed_at IS 'when somebody looked at it';
CREATE OR REPLACE FUNCTION ingest_internal.open_watermark(watermark text) RETURNS text LANGUAGE sql IMMUTABLE RETURN watermark;
CREATE FUNCTION ingest.rehearsed() RETURNS integer LANGUAGE sql RETURN 1;
COMMENT ON FUNCTION ingest.rehearsed() IS 'is there since this version';
REVOKE ALL ON FUNCTION ingest.rehearsed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.rehearsed() TO ingest_reader;
ALTER FUNCTION ingest.rehearsed() OWNER TO ingest_engine;
CREATE TABLE ingest.rehearsal (n integer PRIMARY KEY);
ALTER TABLE ingest.rehearsal OWNER TO ingest_engine;
SELECT pg_catalog.pg_extension_config_dump('ingest.rehearsal', '');
