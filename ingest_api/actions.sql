-- What is done and read by addresses that a function answers: as whoever asks, who may call it by SQL as well.

CREATE FUNCTION ingest_api.lineage(object text, direction text DEFAULT 'both', depth integer DEFAULT 10) RETURNS TABLE (distance integer, from_object text, to_object text, kind text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM ingest.lineage(object, direction, depth);
END;
COMMENT ON FUNCTION ingest_api.lineage(text, text, integer) IS 'what a relation or column comes from, and what comes from it, as ingest.lineage';

CREATE FUNCTION ingest_api.pause_source(source text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.pause(source => source);
END;
COMMENT ON FUNCTION ingest_api.pause_source(text) IS 'no job on a source is begun until resume, as ingest.pause';

INSERT INTO ingest_api_internal.route (method, path, function, status, description) VALUES
    ('GET', 'lineage', 'lineage', 200, 'what a relation or column comes from, and what comes from it'),
    ('POST', 'sources/{source}/pause', 'pause_source', 200, 'no job on a source is begun until resume');
