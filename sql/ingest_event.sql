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
-- nor is one that was under way when something else was read in REPEATABLE READ
SELECT dblink_exec('slow', 'BEGIN');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1;
SELECT * FROM dblink('slow', $$SELECT ingest.emit('com.example.slow', 'under way', '{}')$$) AS x(v text);
SELECT dblink_connect('fast', :'conn');
SELECT * FROM dblink('fast', $$SELECT ingest.emit('com.example.fast', 'committed meanwhile', '{}')$$) AS x(v text);
SELECT count(*) FROM ingest.read_events('all');
COMMIT;
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT dblink_exec('slow', 'COMMIT');
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
-- a consumer's own events come to it when they have committed, and not before
BEGIN;
SELECT ingest.emit('com.example.mine', 'before', '{}');
SELECT count(*) FROM ingest.read_events('all');
SELECT * FROM dblink('fast', $$SELECT ingest.emit('com.example.fast', 'first', '{}')$$) AS x(v text);
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT * FROM dblink('fast', $$SELECT ingest.emit('com.example.fast', 'second', '{}')$$) AS x(v text);
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SAVEPOINT a;
SELECT ingest.emit('com.example.mine', 'after', '{}');
RELEASE a;
COMMIT;
SELECT subject FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
BEGIN;
SELECT pg_current_xact_id() IS NOT NULL;
SELECT * FROM dblink('fast', $$SELECT ingest.emit('com.example.fast', 'third', '{}')$$) AS x(v text);
SELECT ingest.subscribe('from here');
SELECT ingest.emit('com.example.mine', 'of the transaction that subscribed', '{}');
COMMIT;
SELECT subject FROM ingest.read_events('from here');
SELECT ingest.unsubscribe('from here');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
-- an acknowledgement that is said again is no error, also when nothing is being read
SELECT max(id) AS last FROM ingest.event \gset
SELECT ingest.ack('all', :last);
-- events that are not for it do not hold a consumer, and it holds none
SELECT ingest.subscribe('rare', '{com.example.rare}');
DO $$ BEGIN PERFORM ingest.emit('com.example.many', i::text, '{}') FROM generate_series(1, 2000) i; END $$;
SELECT count(*) FROM ingest.read_events('rare');
-- the second one knows that the earlier transactions have ended
SELECT count(*) FROM ingest.read_events('rare');
SELECT floor_id >= (SELECT max(id) FROM ingest.event) AS passed_all FROM ingest.subscription WHERE consumer = 'rare';
SELECT ingest.unsubscribe('rare');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all', 5000);
-- a table with a trigger is written by the executor, and so are its readers' events
CREATE TABLE mirrored (id bigint, subject text);
CREATE FUNCTION mirror() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$ BEGIN INSERT INTO mirrored VALUES (NEW.id, NEW.subject); RETURN NEW; END $$;
CREATE TRIGGER mirrored AFTER INSERT ON ingest.event FOR EACH ROW EXECUTE FUNCTION mirror();
SELECT ingest.emit('com.example.mirrored', 'twice', '{"a": 1}');
SELECT ingest.emit('com.example.mirrored', NULL, '{"a": 2}');
DROP TRIGGER mirrored ON ingest.event;
SELECT ingest.emit('com.example.mirrored', 'once', '{"a": 3}');
SELECT m.subject, e.subject, e.data FROM ingest.read_events('all') e LEFT JOIN mirrored m USING (id);
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
DROP FUNCTION mirror;
DROP TABLE mirrored;
BEGIN READ ONLY;
SELECT ingest.emit('com.example.refused', NULL, '{}');
ROLLBACK;
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
SELECT ingest_internal.era();
SELECT type FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT type FROM ingest.read_events('all');
SELECT ingest.ack('all', max(id)) FROM ingest.read_events('all');
SELECT count(*) FROM ingest.read_events('all');
-- retention: by age, but not before everybody has read it
SELECT count(*) > 1000 AS kept FROM ingest.event;
SELECT ingest_internal.prune('-1 s', '30 days');
SELECT count(*) > 1000 AS kept FROM ingest.event;
SELECT ingest.unsubscribe('late');
SELECT ingest.unsubscribe('orders');
SELECT ingest_internal.prune('-1 s', '30 days');
SELECT count(*) FROM ingest.event;
-- a subject of any length and any characters
SELECT ingest.emit('com.example.loud', repeat('é"\', 5000), '{}');
