# Inputs that once lost, doubled or stopped something, and that no other file has: docs/testing.md names for each row of the
# trials the test that keeps it
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rows');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub words { my ($out, $err); $node->psql('postgres', $_[0], stdout => \$out, stderr => \$err); return $err }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sub crawl { sql("CALL ingest.crawl('shop')"); return }
sub sync { sql("CALL ingest.sync('c.$_[0]')") for 1 .. ($_[1] // 1); return }
sub compare { sql("SELECT ingest.reload('c.$_[0]', true)"); sync($_[0]); return }
sub apart { my ($t, $columns) = @_; $columns //= '*'; return sql("SELECT count(*) FROM ((SELECT $columns FROM shop.$t EXCEPT SELECT $columns FROM c.$t) UNION ALL (SELECT $columns FROM c.$t EXCEPT SELECT $columns FROM shop.$t)) d") }
sub last_state { return sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.$_[0]'") }
# a copy of a table that is made here
sub copied
{
	my ($table, $columns, $rows, $options) = @_;
	sql("CREATE TABLE shop.$table ($columns); INSERT INTO shop.$table $rows");
	crawl();
	sql("SELECT ingest.create_sync('there.$table', 'c.$table', cursor_column => 'changed'" . ($options ? ", $options" : '') . ')');
	sync($table);
	return;
}

# a key that is found though the database reads backslashes in strings
sql("ALTER DATABASE postgres SET standard_conforming_strings = off");
copied('slashes', 'a int, b int, changed timestamptz DEFAULT now(), PRIMARY KEY (a, b)', 'VALUES (1, 1), (1, 2)');
sql('INSERT INTO shop.slashes VALUES (2, 1)');
sync('slashes');
is(sql("SELECT key FROM ingest.sync WHERE name = 'c.slashes'") . apart('slashes'), '{a,b}0', 'composite keys where strings have backslashes');
sql("ALTER DATABASE postgres RESET standard_conforming_strings");

# a column of a type that is not here
sql("CREATE DATABASE far");
$node->safe_psql('far', "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE plain (id int PRIMARY KEY, changed timestamptz DEFAULT now()); CREATE TABLE moody (id int PRIMARY KEY, m mood); INSERT INTO plain VALUES (1)");
sql("CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'far'); CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'postgres');
	SELECT ingest.register_source('far', 'far', schema => 'far_there')");
my $said = words("CALL ingest.crawl('far')");
is(sql("SELECT string_agg(t.name, ' ') FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source WHERE d.name = 'far'"), 'plain', 'a table of a type that is not here holds up no other');
like($said, qr/WARNING: .*moody/, 'and is named');

# keys with nulls: those rows cannot be told apart
copied('nulls', 'a int NOT NULL, b int, changed timestamptz DEFAULT now(), UNIQUE (a, b)', 'SELECT i, CASE WHEN i <= 30 THEN i END FROM generate_series(1, 38) i', "key => '{a,b}'");
is(sql('SELECT count(*) FROM c.nulls') . ' ' . last_state('nulls'), '30 succeeded with rejected rows', 'rows with a null in the key are told of');

# alter_sync with a key that the copy has no unique index on
copied('keyed', 'id int PRIMARY KEY, x int, changed timestamptz DEFAULT now()', 'VALUES (1, 1), (2, 2)');
like(words("SELECT ingest.alter_sync('c.keyed', key => '{id,x}')"), qr/ERROR:  table c.keyed has no unique index on the key/, 'another key needs its index');

# cursors of text
like(words("CREATE TABLE shop.worded (id int PRIMARY KEY, v text, changed text); INSERT INTO shop.worded VALUES (1, 'a', '9'); CALL ingest.crawl('shop'); SELECT ingest.create_sync('there.worded', 'c.worded', cursor_column => 'changed')"),
	qr/NOTICE:  column "changed" is text, and is compared as text: '10' comes before '9'/, 'a cursor of text is warned of');

# an emptied table of a key of any type meets the guard, however small it is
for my $key (['text', "'k' || i"], ['uuid', 'gen_random_uuid()'], ['int', 'i'], ['date', "date '2026-01-01' + i"])
{
	my ($type, $of) = @$key;
	copied("small_$type", "id $type PRIMARY KEY, v text, changed timestamptz DEFAULT now()", "SELECT $of, 'v' FROM generate_series(1, 8) i");
	sql("DELETE FROM shop.small_$type");
	compare("small_$type");
	is(sql("SELECT count(*) FROM c.small_$type") . ' ' . last_state("small_$type"), '8 succeeded with kept rows, differing counts', "$type: an empty answer deletes nothing");
}

# as many deleted as inserted: only the keys tell
sql("INSERT INTO shop.small_uuid SELECT gen_random_uuid(), 'w' FROM generate_series(1, 8)");
sql("SELECT ingest.alter_sync('c.small_uuid', max_delete_share => 1)");
compare('small_uuid');
is(apart('small_uuid') . ' ' . last_state('small_uuid'), '0 succeeded', 'as many deleted as inserted');

# a row that cannot be read spares itself from being deleted, and no other row
sql("CREATE TABLE shop.unread_base (id int PRIMARY KEY, v text, changed timestamptz DEFAULT now() - interval '1 hour'); INSERT INTO shop.unread_base SELECT i, i::text FROM generate_series(1, 3000) i");
sql("CREATE VIEW shop.unread AS SELECT id, v, changed FROM shop.unread_base");
crawl();
sql("ALTER FOREIGN TABLE there.unread ALTER v TYPE int; SELECT ingest.create_sync('there.unread', 'c.unread', key => '{id}', cursor_column => 'changed')");
sync('unread');
sql("UPDATE shop.unread_base SET v = 'bad', changed = now() WHERE id = 7; DELETE FROM shop.unread_base WHERE id IN (8, 2000)");
sync('unread');
compare('unread');
is(sql('SELECT string_agg(id::text, \' \' ORDER BY id) FROM c.unread WHERE id IN (7, 8, 2000)') . ' ' . last_state('unread'), '7 succeeded with rejected rows', 'one row that cannot be read spares itself alone');
my $rejected = sql("SELECT count(*) FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'c.unread' AND resolved_at IS NULL");
sync('unread', 2);
is(sql("SELECT count(*) FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'c.unread' AND resolved_at IS NULL"), $rejected, 'nor is it told again and again');

# a row that is marked as deleted must still be one that the table takes
copied('marked', 'id int PRIMARY KEY, v int, changed timestamptz DEFAULT now()', 'SELECT i, i FROM generate_series(1, 5) i', "deletions => 'soft'");
sql('ALTER TABLE c.marked ADD CONSTRAINT small CHECK (v < 5) NOT VALID; DELETE FROM shop.marked WHERE id = 5');
is(words("SELECT ingest.reload('c.marked', true); CALL ingest.sync('c.marked')") =~ /ERROR/ ? 1 : 0, 0, 'a constraint of the user\'s fails no run');
is(last_state('marked') . ' ' . sql("SELECT count(*) FROM ingest.anomaly WHERE kind = 'deletion' AND summary ~ 'c.marked .* the table does not accept the mark'"), 'succeeded with kept rows, differing counts 1', 'and is told');
sql('ALTER TABLE c.marked DROP CONSTRAINT small');
compare('marked');
is(sql('SELECT count(*) FROM c.marked WHERE _deleted_at IS NULL') . ' ' . last_state('marked'), '4 succeeded', 'until it is gone');

# history: what JSON says, in another zone, under another check
copied('told', 'id int, at timestamptz, j json, jb jsonb, a int[], changed timestamptz DEFAULT now(), PRIMARY KEY (id, at)',
	q{SELECT i, timestamptz '2026-01-01 00:00+00' + i * interval '1 min', '{"b" : 1}', 'null', '{1,2}' FROM generate_series(1, 5) i}, 'history => true');
my $then = sql('SELECT clock_timestamp()');
sql("UPDATE shop.told SET jb = '1', a = '{3}', changed = now()");
sync('told');
is(sql("SET TimeZone = 'Europe/Berlin'; SELECT count(*) FROM ingest.as_of(NULL::c.told, '$then')"), '5', 'a time in the key, asked for in another zone');
is(sql("SELECT string_agg(DISTINCT jb::text || a::text, ' ') FROM ingest.as_of(NULL::c.told, '$then')"), 'null{1,2}', 'a null of JSON is one');
is(sql("SET TimeZone = 'Asia/Kathmandu'; SELECT count(*) FROM c.told_history WHERE _valid_to IS NULL"), '5', 'and in the view');
sql("CREATE DOMAIN c.small AS int CHECK (VALUE < 100)");
sql("CREATE TABLE shop.narrow (id int PRIMARY KEY, v c.small, changed timestamptz DEFAULT now()); INSERT INTO shop.narrow VALUES (1, 50), (2, 5)");
crawl();
sql("SELECT ingest.create_sync('there.narrow', 'c.narrow', cursor_column => 'changed', history => true)");
sync('narrow');
$then = sql('SELECT clock_timestamp()');
sql('UPDATE shop.narrow SET v = 6, changed = now()');
sync('narrow');
sql('DROP VIEW c.narrow_history; ALTER DOMAIN c.small DROP CONSTRAINT small_check; ALTER DOMAIN c.small ADD CHECK (VALUE < 10)');
like(words("SELECT * FROM ingest.as_of(NULL::c.narrow, '$then')"), qr/ERROR:  value for domain c.small violates check constraint/, 'what was allowed then and is not now is an error that says which');

# a source that ends transactions which wait: a merge takes longer than that
copied('waits', 'id int PRIMARY KEY, v text, changed timestamptz DEFAULT now()', "VALUES (1, 'a')");
sql("CREATE FUNCTION c.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END'; CREATE TRIGGER slow BEFORE UPDATE ON c.waits FOR EACH ROW EXECUTE FUNCTION c.slow()");
sql("CREATE ROLE feed SUPERUSER LOGIN; ALTER ROLE feed SET idle_in_transaction_session_timeout = 700; ALTER USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (SET user 'feed'); UPDATE shop.waits SET v = 'b', changed = now()");
words("CALL ingest.sync('c.waits')");
is(sql("SELECT state, error_class FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'failed|passing', 'a source that ends what waits for long');
sql("ALTER SERVER shop OPTIONS (ADD options '-c idle_in_transaction_session_timeout=0')");
sync('waits');
is(apart('waits') . ' ' . last_state('waits'), '0 succeeded', 'is told to wait, as the manual says');
sql("ALTER SERVER shop OPTIONS (DROP options); ALTER USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (SET user 'postgres')");

# a run that finds nothing makes and drops nothing that others would see
copied('quiet', 'id int PRIMARY KEY, v text, changed timestamptz DEFAULT now()', "VALUES (1, 'a')", 'history => true');
sync('quiet');
sql("CREATE TABLE c.ddl (tag text); CREATE FUNCTION c.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN INSERT INTO c.ddl VALUES (tg_tag); END'; CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION c.note()");
sync('quiet');
cmp_ok(sql('SELECT count(*) FROM c.ddl'), '<=', 2, 'a run that finds nothing makes no more than its stage');
sql('DROP EVENT TRIGGER note');

# rows there are what they are now, not when the source was crawled
sql("INSERT INTO shop.quiet VALUES (2, 'b'), (3, 'c')");
sync('quiet');
is(sql("SELECT rows || ' ' || source_rows FROM ingest.table_status WHERE sync = 'c.quiet'"), '3 3', 'source_rows is of the last run');

# partitions of a source's table are no tables of their own
sql('CREATE TABLE shop.parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES FROM (0) TO (100); CREATE TABLE shop.parted_2 PARTITION OF shop.parted DEFAULT');
crawl();
is(sql("SELECT string_agg(name, ' ') FROM ingest.source_table WHERE name LIKE 'parted%'"), 'parted', 'partitions are parts');

# a sync whose state is gone, as in the middle of a restore
sql("SET session_replication_role = replica; DELETE FROM ingest.sync_state z USING ingest.sync s WHERE s.id = z.sync AND s.name = 'c.quiet'");
like(words("CALL ingest.sync('c.quiet')"), qr/ERROR:  a sync that is needed is gone/, 'a sync without its state is an error');
like(words("SELECT * FROM ingest.explain_sync('c.quiet')"), qr/ERROR:  a sync that is needed is gone/, 'and not to be explained');

# jobs that wait for each other, and for what is not there
sql("SELECT ingest.create_job('a', 'sql', 'SELECT 1'); SELECT ingest.create_job('b', 'sql', 'SELECT 1', depends_on => '{a}')");
like(words("SELECT ingest.create_job('a', 'sql', 'SELECT 1', depends_on => '{b}')"), qr/ERROR: /, 'a circle of jobs is refused');
like(words("SELECT ingest.create_job('x', 'sql', 'SELECT 1', depends_on => '{nosuch}')"), qr/ERROR: /, 'a job that waits for none, too');
like(words("SELECT ingest.create_job('x', 'sync', 'no.such')"), qr/ERROR: /, 'and one of nothing');

# a name that ends in the middle of a character where it is cut
sql("SELECT ingest.create_job(repeat('x', 126) || 'ä', 'sql', 'SELECT 1/0', max_attempts => 1); SELECT ingest.enqueue(repeat('x', 126) || 'ä')");
words('CALL ingest.work()');
is(sql("SELECT bool_and(convert_to(subject, 'UTF8') IS NOT NULL AND right(subject, 1) = 'ä') FROM ingest.event WHERE type = 'ingest.job.dead'"), 't', 'no text is cut in a character');

# views that call each other many times over
sql('CREATE VIEW c.many AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT r.x + r.x FROM r WHERE r.x < 100) SELECT x FROM r');
is(sql("SET statement_timeout = '10s'; SELECT count(*) >= 0 FROM ingest_internal.view_columns('c.many')"), 't', 'lineage of what refers to itself comes to an end');
$node->stop;
done_testing();
