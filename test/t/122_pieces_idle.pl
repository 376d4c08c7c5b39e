# A folder of a hundred thousand pieces of which none changed costs a listing
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('idle');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ningest.naptime = 1\n");
$node->start;
my ($port, $host) = ($node->port, $node->host);
sub sql { return $node->safe_psql('postgres', $_[0]); }

sql(qq{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA w; CREATE SCHEMA w_ft; CREATE SCHEMA p;
	CREATE TABLE w.file (piece text PRIMARY KEY, version int NOT NULL DEFAULT 1); INSERT INTO w.file SELECT 'folder/file_' || i || '.csv' FROM generate_series(1, 100000) i;
	CREATE TABLE w.opened (piece text);
	CREATE FUNCTION w.open(piece text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO w.opened VALUES (piece); RETURN true; END';
	CREATE VIEW w.item AS SELECT 1::bigint AS id, f.piece AS _file, 1::bigint AS _position, f.version::text AS _version FROM w.file f WHERE w.open(f.piece);
	CREATE FUNCTION w.pieces(foreign_table regclass, OUT piece text, OUT version text, OUT extent bigint, OUT bytes bigint, OUT modified timestamptz, OUT settled boolean) RETURNS SETOF record LANGUAGE sql
		AS \$\$ SELECT f.piece, f.version::text, NULL::bigint, 100::bigint, timestamptz '2026-01-01', true FROM w.file f \$\$;
	CREATE SERVER w FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres'); CREATE USER MAPPING FOR CURRENT_USER SERVER w;
	CREATE FOREIGN TABLE w_ft.item (id bigint, _file text, _position bigint, _version text) SERVER w OPTIONS (schema_name 'w');
	UPDATE ingest.connector SET pieces_function = 'w.pieces', piece_column = '_file', position_column = '_position', version_column = '_version', tables_function = NULL, counts = false WHERE wrapper = 'postgres_fdw';
	SELECT ingest.register_source('w', 'w', schema => 'w_ft', remote_schemas => '{}');
	CALL ingest.crawl('w');
	SELECT ingest.create_sync('w_ft.item', 'p.item');
});
# as if each had been read
sql("INSERT INTO p.item SELECT 1, piece, 1 FROM w.file; UPDATE ingest.sync_state SET phase = 'ready', generation = 1;
	INSERT INTO ingest.sync_piece (sync, piece, state, listed_version, bytes, modified, version, rows, rejected, read_at) SELECT s.id, f.piece, 'done', '1', 100, '2026-01-01', '1', 1, 0, now() FROM w.file f, ingest.sync s");
sql("CALL ingest.sync('p.item'); ANALYZE ingest.sync_piece");
my $best;
for (1 .. 5)
{
	my $began = time;
	sql("CALL ingest.sync('p.item')");
	my $took = time - $began;
	$best = $took if !defined $best || $took < $best;
}
note(sprintf '%.2f s', $best);
in_time($best, 2, 'two seconds at most');
is(sql('SELECT count(*) FROM w.opened'), '0', 'and none is opened');
is(sql("SELECT state, rows_read FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'succeeded|0', 'nothing is read');
sql("UPDATE w.file SET version = 2 WHERE piece = 'folder/file_77.csv'; DELETE FROM w.file WHERE piece = 'folder/file_78.csv'; CALL ingest.sync('p.item')");
is(sql('SELECT string_agg(piece, chr(32)) FROM w.opened'), 'folder/file_77.csv', 'one that changed is opened, alone');
is(sql('SELECT count(*) FROM p.item'), '99999', 'and one that is gone is gone');

# -- somebody who listens: what changed is here soon, and without a schedule of the sync's own --

sql(q{CREATE TABLE w.bell (what text);
	CREATE FUNCTION w.watch(server name, wait interval) RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE
		until timestamptz := clock_timestamp() + wait;
	BEGIN
		WHILE clock_timestamp() < until LOOP
			RETURN QUERY DELETE FROM w.bell RETURNING what;
			EXIT WHEN FOUND;
			PERFORM pg_sleep(0.1);
		END LOOP;
	END $$;
	UPDATE ingest.connector SET watch_function = 'w.watch' WHERE wrapper = 'postgres_fdw';
	SELECT ingest.watch('w')});
sql("UPDATE w.file SET version = 3 WHERE piece = 'folder/file_77.csv'; INSERT INTO w.bell VALUES ('item')");
poll_until($node, 'postgres', "SELECT version = '3' FROM ingest.sync_piece WHERE piece = 'folder/file_77.csv'");
pass('what was heard of is here');
is(sql("SELECT kind || ' ' || argument FROM ingest.job WHERE kind = 'sync'"), 'sync p.item', 'by a job of its own');
sql("SELECT ingest.watch('w', false)");

# -- a restored database knows what it had read --

my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $dump ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('again'), $dump ], 'restored');
$node->safe_psql('again', "SELECT ingest.enable(); TRUNCATE w.opened; UPDATE ingest.connector SET pieces_function = 'w.pieces', piece_column = '_file', position_column = '_position', version_column = '_version', tables_function = NULL, counts = false WHERE wrapper = 'postgres_fdw'");
$node->safe_psql('again', "ALTER SERVER w OPTIONS (SET dbname 'again'); CALL ingest.sync('p.item')");
is($node->safe_psql('again', 'SELECT (SELECT count(*) FROM w.opened), (SELECT count(*) FROM p.item), (SELECT count(*) FROM ingest.sync_piece WHERE state = \'done\')'), '0|99999|99999', 'nothing is read again');
done_testing();
