-- Events: in their transaction, read in the order of commits, acknowledged, kept for who is slow
SET client_min_messages = warning;
SET search_path = public;
SELECT ingest.subscribe('all');
SELECT ingest.subscribe('orders', '{com.example.order.*}');
SELECT ingest.emit('com.example.order.approved', 'order/1', '{"n": 1}');
SELECT ingest.emit('com.example.other', NULL, '{"n": 2}');
BEGIN;
SELECT ingest.emit('com.example.order.approved', 'order/never', '{"n": 0}');
ROLLBACK;
SELECT type, subject, data FROM ingest.read_events('all');
-- read again: the same, until they are acknowledged
SELECT count(*) FROM ingest.read_events('all');
SELECT id AS first FROM ingest.read_events('all', 1) \gset
SELECT ingest.ack('all', :first);
SELECT type, data FROM ingest.read_events('all');
SELECT ingest.ack('all', :first);
SELECT ingest.ack('all', 999999999);
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT count(*) FROM ingest.read_events('all');
SELECT type, data FROM ingest.read_events('orders');
-- a transaction that writes first and commits last is neither skipped nor waited for
CREATE EXTENSION IF NOT EXISTS dblink;
SELECT format('host=%s port=%s dbname=%s user=postgres', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) AS conn \gset
SELECT dblink_connect('slow', :'conn');
SELECT dblink_exec('slow', 'BEGIN');
SELECT * FROM dblink('slow', $$SELECT ingest.emit('com.example.slow', 'early', '{}')$$) AS x(v text);
SELECT ingest.emit('com.example.fast', 'in between', '{}');
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT count(*) FROM ingest.read_events('all');
SELECT ingest.emit('com.example.fast', 'afterwards', '{}');
SELECT subject FROM ingest.read_events('all');
SELECT dblink_exec('slow', 'COMMIT');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT count(*) FROM ingest.read_events('all');
-- many of them, a few at a time: each once, in order
DO $$ BEGIN PERFORM ingest.emit('com.example.many', i::text, '{}') FROM generate_series(1, 1000) i; END $$;
CREATE TABLE got (n serial, id bigint, subject text);
DO $$ DECLARE last bigint; BEGIN LOOP
  WITH e AS (INSERT INTO got (id, subject) SELECT id, subject FROM ingest.read_events('all', 70) RETURNING id) SELECT max(id) INTO last FROM e;
  EXIT WHEN last IS NULL;
  PERFORM ingest.ack('all', last);
END LOOP; END $$;
SELECT count(*), count(DISTINCT id), bool_and(n = subject::integer) AS in_order FROM got;
-- from the start, and what belongs to nobody else
SELECT ingest.subscribe('late', from_start => true);
SELECT count(*) = (SELECT count(*) FROM ingest.event) AS everything FROM ingest.read_events('late', 1000000);
SELECT ingest.read_events('nobody');
SELECT ingest.read_events('all', 0);
SELECT ingest.subscribe('all');
-- a repository that came from another cluster: another era, nothing lost, nothing twice
SELECT ingest.emit('com.example.before', 'restore', '{}');
UPDATE ingest.installation SET system_identifier = 1;
\c
SET client_min_messages = warning;
-- it does nothing here until somebody says that it shall
SELECT ingest.emit('com.example.after', 'restore', '{}');
SELECT ingest.pause('shop');
CALL ingest.work();
SELECT count(*) FROM ingest.read_events('all');
SELECT * FROM ingest.enable();
SELECT ingest.emit('com.example.after', 'restore', '{}');
SELECT ingest.era();
SELECT type FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT type FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT count(*) FROM ingest.read_events('all');
-- retention: by age, but not before everybody has read it
SELECT count(*) > 1000 AS kept FROM ingest.event;
SELECT ingest.prune('-1 s', '30 days');
SELECT count(*) > 1000 AS kept FROM ingest.event;
SELECT ingest.unsubscribe('late');
SELECT ingest.unsubscribe('orders');
SELECT ingest.prune('-1 s', '30 days');
SELECT count(*) FROM ingest.event;
-- NOTIFY names the event and always fits
SELECT ingest.emit('com.example.loud', repeat('é"\', 5000), '{}');
