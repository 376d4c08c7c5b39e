
CREATE VIEW sink_status WITH (security_barrier) AS
SELECT s.name AS sink, -- name of the sink
    s.kind AS kind, -- protocol that it uses
    ingest_internal.role_name(s.owner, s.owner_name) AS owner, -- role as which its events are read
    s.state AS state, -- active or paused
    s.reason AS reason, -- why it is paused, if not by somebody
    coalesce(s.options->>'url', s.options->>'bootstrap.servers') AS url, -- address that it sends to
    coalesce(t.breaker, 'closed') AS breaker, -- open: nothing is sent; half-open: one is tried, then two, four ...
    t.open_until AS open_until, -- when it is tried again
    t.failures AS failures, -- failures of the sink in a row
    c.behind AS behind, -- events that it has not received, without those that are parked; 10000 means that many or more
    c.behind_for AS behind_for, -- for how long
    c.behind_seconds AS behind_seconds, -- the same in seconds
    (SELECT count(*) FROM blocked b WHERE b.sink = s.id) AS blocked, -- subjects that wait because an event of theirs was refused, or is being sent once more
    (SELECT count(*) FROM parked p WHERE p.sink = s.id) AS parked, -- events of these subjects
    (SELECT count(*) FROM dead d WHERE d.sink = s.id) AS dead, -- events that were given up
    coalesce(t.sent, 0) AS sent, -- events that arrived, in total
    coalesce(t.expired, 0) AS expired, -- events that were passed over because they were too old, in total
    coalesce(t.rate, 0) AS rate, -- events per second, recently
    t.last_sent_at AS last_sent_at, -- when one last arrived
    t.last_error AS last_error, -- what went wrong last; it remains when all is well again
    t.last_error_at AS last_error_at -- when that was
FROM sink s LEFT JOIN sink_state t ON t.sink = s.id LEFT JOIN ingest.consumer_status c ON c.consumer = s.consumer
WHERE ingest_internal.acts_for(s.owner);
COMMENT ON VIEW sink_status IS 'the state of each sink: how far behind it is, what waits, what went wrong';

CREATE VIEW delivery_log WITH (security_barrier) AS
SELECT s.name AS sink, -- name of the sink
    a.at AS at, -- when it was sent
    a.event AS event, -- id of the event, or of the first one of a batch
    a.events AS events, -- how many were sent at once
    a.ok AS ok, -- whether it was accepted
    a.status AS status, -- status of the answer; null: there was none
    a.error AS error, -- why it was not accepted
    a.answer AS answer, -- the answer's first kilobyte
    a.ms AS ms -- how long it took
FROM attempt a JOIN sink s ON s.id = a.sink WHERE ingest_internal.acts_for(s.owner);
COMMENT ON VIEW delivery_log IS 'attempts: those that failed, the first success after a failure, and one in a thousand others';
