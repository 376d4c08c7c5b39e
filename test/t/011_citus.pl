# Copies on many nodes: the same batches, deletions, history and drift on Citus.  Debian has no Citus: skipped where it is not installed.
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
plan skip_all => 'Citus is not installed' unless -e "$libdir/citus.so";

my $conf = "max_prepared_transactions = 50\nwal_level = logical\ncitus.shard_count = 6\n";
my @workers = map { PostgreSQL::Test::Cluster->new("citus_worker$_") } 1, 2;
for my $worker (@workers)
{
	$worker->init;
	$worker->append_conf('postgresql.conf', "shared_preload_libraries = 'citus'\nfsync = off\n$conf");
	$worker->start;
	$worker->safe_psql('postgres', 'CREATE EXTENSION citus');
}
my $node = new_engine('citus', conf => "shared_preload_libraries = 'citus, ingest'\n$conf");
my $p = 'postgres';
sub sql { return $node->safe_psql($p, $_[0]) }
sql('CREATE EXTENSION citus');
sql("SELECT citus_set_coordinator_host('" . $node->host . "', " . $node->port . ')');
sql("SELECT citus_add_node('" . $_->host . "', " . $_->port . ')') for @workers;

# what a copy on the nodes and its source do not share, and history that does not lead to it: by a local image
sub wrong
{
	my ($table, $sync, $key) = @_;
	my $living = sql("SELECT 1 FROM pg_attribute WHERE attrelid = 'copy.$table'::regclass AND attname = '_deleted_at'") ? 'WHERE _deleted_at IS NULL' : '';
	sql("DROP TABLE IF EXISTS image; CREATE TABLE image AS SELECT * FROM copy.$table $living");
	return differences($node, 'image', "erp.$table") . ($key ? ' ' . history_replayed($node, 'image', $sync, $key) : '');
}

sql(q{
	SELECT ingest.create_sync('erp.transaction', 'copy.transaction', batch_rows => 700, history => true, row_events => true, reconcile_every => NULL, distribute_by => 'id');
	SELECT ingest.create_sync('erp.transactionline', 'copy.transactionline', parent => 'copy.transaction', batch_rows => 3000, reconcile_every => NULL, distribute_by => 'transaction');
	SELECT ingest.create_sync('erp.customer', 'copy.customer', deletions => 'soft', distribute_by => 'id');
	SELECT ingest.create_sync('erp.customrecord_asset', 'copy.customrecord_asset', mode => 'full', history => true, batch_rows => 100, distribute_by => 'id');
});
is(sql(q{SELECT count(*) FROM pg_dist_partition WHERE partmethod = 'h' AND logicalrelid::text LIKE 'copy.%'}), '4', 'copies are distributed');
is(sql('SELECT count(DISTINCT nodeport) FROM pg_dist_shard_placement WHERE shardid IN (SELECT shardid FROM pg_dist_shard)'), '2', 'on two nodes');

# a first load, of which a node dies
my ($out, $err) = ('', '');
my $load = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', "CALL ingest.sync('copy.transaction')" ], '<', '/dev/null', '>', \$out, '2>', \$err);
poll_until($node, $p, "SELECT count(*) > 0 FROM ingest.sync_range WHERE done_at IS NOT NULL");
$workers[0]->stop('immediate');
$load->finish;
like($err . sql("SELECT error FROM ingest.run WHERE state = 'failed' ORDER BY id DESC LIMIT 1"), qr/connection|server|node|terminat|shut/i, 'a node that dies fails the run');
$workers[0]->start;
my @syncs = map { "copy.$_" } qw(transaction transactionline customer customrecord_asset);
sub sync_all { sql("CALL ingest.sync('$_')") for @syncs; return }
sync_all();
sub all_wrong { return join ', ', wrong('transaction', 'copy.transaction', 'id'), wrong('transactionline'), wrong('customer'), wrong('customrecord_asset', 'copy.customrecord_asset', 'id') }
is(all_wrong(), '0 0 0, 0, 0, 0 0 0', 'the next goes on: copies and history are whole');

# edits, insertions, deletions
my $stamp = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC')";
control(op => 'sql', sql => $_) for (
	"UPDATE ns.transaction SET memo = 'changed', lastmodifieddate = $stamp WHERE id % 50 = 0",
	"INSERT INTO ns.transaction (id, tranid, type, trandate, memo, lastmodifieddate) VALUES (800000001, 'NEW', 'Journal', '2026-01-01', E'new \\n \"one\"', $stamp)",
	"INSERT INTO ns.transactionline (transaction, id, uniquekey, netamount, linelastmodifieddate) SELECT 800000001, i, 8000000010 + i, i * 1.5, $stamp FROM generate_series(0, 3) i",
	"WITH d AS (DELETE FROM ns.transaction WHERE id % 70 = 1 RETURNING id), l AS (DELETE FROM ns.transactionline l USING d WHERE l.transaction = d.id) "
	  . "INSERT INTO ns.deletedrecord SELECT id, -30, 'invoice', 'invoice', 'gone', 'UIF', 1, $stamp, 'F', 'F', 'F' FROM d",
	"WITH t AS (UPDATE ns.transaction SET lastmodifieddate = $stamp WHERE id % 90 = 7 RETURNING id) DELETE FROM ns.transactionline l USING t WHERE l.transaction = t.id AND l.id = 1",
	"WITH d AS (DELETE FROM ns.customer WHERE id % 20 = 3 RETURNING id) INSERT INTO ns.deletedrecord SELECT id, -2, 'customer', 'customer', 'gone', 'UIF', 1, $stamp, 'F', 'F', 'F' FROM d",
	"UPDATE ns.customrecord_asset SET name = 'renamed' WHERE id % 3 = 0",
	"DELETE FROM ns.customrecord_asset WHERE id % 7 = 0");
my $moment = sql('SELECT clock_timestamp()');
my $before = sql('SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM copy.transaction t');
sleep(1.1);
sync_all();
sync_all();
is(all_wrong(), '0 0 0, 0, 0, 0 0 0', 'edits, insertions and deletions arrive, history leads to the copies');
cmp_ok(sql('SELECT count(*) FROM copy.customer WHERE _deleted_at IS NOT NULL'), '>', 0, 'deletions are marked');
is(sql("SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM ingest.as_of(NULL::copy.transaction, '$moment') t"), $before, 'as it was before them');
is(sql(q{SELECT string_agg(operation, ' ') FROM ingest.row_history(NULL::copy.transaction, '{"id": 800000001}')}), 'insert', 'a row by its key');
is(sql('SELECT count(*) FROM copy.transaction_history WHERE _valid_to IS NULL AND _operation IS DISTINCT FROM $$delete$$'), sql('SELECT count(*) FROM copy.transaction'), 'the view of versions');
is(sql(q{SELECT count(*) - (SELECT count(*) FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'copy.transaction')) FROM ingest.event WHERE type = 'ingest.row.changed'}), '0', 'an event for each version');

# what no feed tells
control(op => 'sql', sql => 'DELETE FROM ns.transaction WHERE id % 300 = 5');
sql(q{SELECT ingest.alter_sync('copy.transaction', reconcile_every => '1 microsecond')});
sync_all();
is(wrong('transaction', 'copy.transaction', 'id'), '0 0 0', 'keys are compared');

# a new column, a wider type
sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE SCHEMA shop;
	CREATE TABLE shop.item (id bigint PRIMARY KEY, n integer, changed timestamptz);
	INSERT INTO shop.item SELECT i, i, '2026-01-01' FROM generate_series(1, 300) i;
	CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '} . $node->host . q{', port '} . $node->port . q{', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here;
	SELECT ingest.register_source('shop', 'here', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop')});
sql(q{SELECT ingest.create_sync('shop_ft.item', 'copy.item', key => '{id}', cursor_column => 'changed', history => true, distribute_by => 'id'); CALL ingest.sync('copy.item')});
sql(q{ALTER TABLE shop.item ALTER n TYPE bigint, ADD extra text DEFAULT 'x'; UPDATE shop.item SET n = 5000000000, changed = now() - interval '1 s' WHERE id = 7});
sql("CALL ingest.crawl('shop')");
sleep(1.1);
sql("CALL ingest.sync('copy.item')");
is(sql('SELECT n, extra FROM copy.item WHERE id IN (7, 8) ORDER BY id'), "5000000000|x\n8|x", 'columns that came and grew');
is(sql('SELECT count(*) FROM copy.item_history'), '600', 'and their history: each row came with the column');
sql('ALTER TABLE copy.item ADD CONSTRAINT little CHECK (n <= 5000000000)');
sql("UPDATE shop.item SET n = 6000000000, changed = now() - interval '1 s' WHERE id = 9; UPDATE shop.item SET n = 10, changed = now() - interval '1 s' WHERE id = 10");
sleep(1.1);
sql("CALL ingest.sync('copy.item')");
is(sql('SELECT DISTINCT key FROM ingest.rejected_row'), '{"id": 9}', 'a row that does not fit is put aside');
is(sql('SELECT n FROM copy.item WHERE id IN (9, 10) ORDER BY id'), "9\n10", 'and the others come');
done_testing();
