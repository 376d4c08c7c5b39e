
CREATE VIEW sink_status WITH (security_barrier) AS
SELECT s.name AS sink, -- name of the sink
    s.kind AS kind, -- what it speaks
    ingest_internal.role_name(s.owner, s.owner_name) AS owner, -- as whom its events are read
    s.state AS state, -- active or paused
    s.reason AS reason, -- why it is paused, if it was not somebody who did so
    coalesce(s.options->>'url', s.options->>'bootstrap.servers') AS url, -- where it sends to
    coalesce(t.breaker, 'closed') AS breaker, -- open: nothing is sent; half-open: one is tried, then two, four …
    t.open_until AS open_until, -- when it is tried again
    t.failures AS failures, -- of the sink, in a row
    c.behind AS behind, -- events that it has not got, without those that are parked; 10000: or more
    c.behind_for AS behind_for, -- since when
    c.behind_seconds AS behind_seconds, -- the same in seconds
    (SELECT count(*) FROM blocked b WHERE b.sink = s.id) AS blocked, -- subjects that wait: an event of theirs was refused, or is sent once more
    (SELECT count(*) FROM parked p WHERE p.sink = s.id) AS parked, -- their events
    (SELECT count(*) FROM dead d WHERE d.sink = s.id) AS dead, -- events that were given up
    coalesce(t.sent, 0) AS sent, -- events that arrived, in all
    coalesce(t.expired, 0) AS expired, -- events that were passed over since they were too old, in all
    coalesce(t.rate, 0) AS rate, -- of late, in a second
    t.last_sent_at AS last_sent_at, -- when one last arrived
    t.last_error AS last_error, -- what went wrong last; it stays when all is well again
    t.last_error_at AS last_error_at -- when
FROM sink s LEFT JOIN sink_state t ON t.sink = s.id LEFT JOIN ingest.consumer_status c ON c.consumer = s.consumer
WHERE ingest_internal.acts_for(s.owner);
COMMENT ON VIEW sink_status IS 'the state of each sink: how far behind, what waits, what went wrong';

CREATE VIEW delivery_log WITH (security_barrier) AS
SELECT s.name AS sink, -- name of the sink
    a.at AS at, -- when it was sent
    a.event AS event, -- id of the event, or of the first one of a batch
    a.events AS events, -- how many were sent at once
    a.ok AS ok, -- whether it was accepted
    a.status AS status, -- of the answer; null: there was none
    a.error AS error, -- why it was not accepted
    a.answer AS answer, -- the answer's first kilobyte
    a.ms AS ms -- how long it took
FROM attempt a JOIN sink s ON s.id = a.sink WHERE ingest_internal.acts_for(s.owner);
COMMENT ON VIEW delivery_log IS 'attempts: those that failed, the first good one after a failure and one of a thousand others';
