
-- Event triggers belong to a superuser, whoever made the extension; what they run is the engine's. They stand at the
-- end: everything before them belongs to whom it should.
CREATE EVENT TRIGGER ingest_on_drop ON sql_drop EXECUTE FUNCTION ingest_internal.on_drop();
COMMENT ON EVENT TRIGGER ingest_on_drop IS 'ingest: deletes what is kept about relations and columns that are dropped';
CREATE EVENT TRIGGER ingest_on_alter ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER FOREIGN TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER SCHEMA',
        'ALTER SERVER')
    EXECUTE FUNCTION ingest_internal.on_alter();
COMMENT ON EVENT TRIGGER ingest_on_alter
    IS 'ingest: follows relations, columns, schemas and servers that are renamed or otherwise altered';
