
-- Alerts of sinks: what stops events from leaving is told as everything else that is wrong, by other sinks than the one that it is about.

CREATE TABLE reminder (
    sink integer NOT NULL REFERENCES sink ON DELETE CASCADE, -- the sink
    alert bigint NOT NULL, -- an alert that is open, or was
    at timestamptz NOT NULL, -- when the sink last announced that it is still open
    PRIMARY KEY (sink, alert)
);
COMMENT ON TABLE reminder IS 'alerts that sinks announced more than once';

CREATE FUNCTION ingest_delivery_internal.reminded(sink integer, alerts bigint[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.reminder (sink, alert, at) SELECT s.id, a, now() FROM ingest_delivery.sink s, unnest(alerts) a WHERE s.id = reminded.sink
      ON CONFLICT ON CONSTRAINT reminder_pkey DO UPDATE SET at = excluded.at;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.reminded(integer, bigint[]) IS 'records that a sink announced these alerts once more';

CREATE FUNCTION ingest_delivery_internal.is_behind(sink integer, since timestamptz) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest_delivery.sink_state t SET behind_since = is_behind.since WHERE t.sink = is_behind.sink AND t.behind_since IS DISTINCT FROM is_behind.since;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.is_behind(integer, timestamptz) IS 'since when a sink has been missing an event that is for it';

-- whose alerts they are: the owner's; of one that is gone, the owner's of the database
CREATE VIEW ingest_delivery_internal.health AS
SELECT s.id, s.name, s.kind, s.state, s.reason, s.owner_name, r.oid IS NULL AS orphaned, coalesce(r.oid, (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database())) AS owner,
    s.state = 'active' AND t.unwell_since IS NOT NULL AS unwell, t.unwell_since, t.last_error, CASE WHEN s.state = 'active' THEN t.behind_since END AS behind_since,
    (SELECT count(*) FROM (SELECT FROM ingest_delivery.dead d WHERE d.sink = s.id AND d.error <> 'skipped' LIMIT 1000) x) AS dead
FROM ingest_delivery.sink s LEFT JOIN ingest_delivery.sink_state t ON t.sink = s.id LEFT JOIN pg_roles r ON r.oid = s.owner;
COMMENT ON VIEW ingest_delivery_internal.health IS 'what is wrong with sinks';

CREATE FUNCTION ingest_delivery_internal.alerts_look(unwell_for interval, behind_for interval) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.alert_for(a.wrong, a.kind, 'sink ' || h.id, h.name, a.severity, CASE WHEN a.wrong THEN a.summary ELSE a.right END, h.owner)
      FROM ingest_delivery_internal.health h, LATERAL (VALUES
        (coalesce(h.unwell AND NOT h.orphaned AND h.unwell_since < now() - unwell_for, false), 'sink_unavailable', 'error',
            format('nothing has arrived at sink %s since %s: %s', h.name, date_trunc('second', h.unwell_since), h.last_error), 'it takes events again, or is paused'),
        (coalesce(h.behind_since < now() - behind_for, false), 'sink_behind', 'warning',
            format('sink %s has not received events written since %s', h.name, date_trunc('second', h.behind_since)), 'it has caught up, or is paused'),
        (h.dead > 0, 'sink_gave_up', 'error',
            format('sink %s gave up events (%s), which are in ingest_delivery.dead; ingest_delivery.redrive tries them again', h.name, CASE WHEN h.dead < 1000 THEN h.dead::text ELSE '1000 or more' END), 'no event is given up any more'),
        (h.state = 'paused' AND h.reason IS NOT NULL, 'sink_stopped', 'error',
            format('sink %s was paused: %s', h.name, h.reason), 'it was resumed, or paused by hand'),
        (h.orphaned AND h.state = 'active', 'sink_orphaned', 'error',
            format('the owner of sink %s, %s, is gone: nothing is sent', h.name, h.owner_name), 'it has an owner, or is paused')) a (wrong, kind, severity, summary, "right");
    END;
COMMENT ON FUNCTION ingest_delivery_internal.alerts_look(interval, interval) IS 'opens and closes alerts of sinks; the worker calls it every few seconds';

CREATE FUNCTION ingest_delivery_internal.alerts_dropped(sink integer, owner oid) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.alert_for(false, k, 'sink ' || alerts_dropped.sink, NULL, NULL, 'the sink was dropped', alerts_dropped.owner)
      FROM unnest('{sink_unavailable,sink_behind,sink_gave_up,sink_stopped,sink_orphaned}'::text[]) k;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.alerts_dropped(integer, oid) IS 'closes the alerts of a sink that is being dropped';
