# Who leaves a transaction open keeps nobody waiting for longer than a bound, whatever it wrote
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('waits');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\nmax_connections = 60\nwal_level = logical\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
my ($port, $socket) = ($node->port, $node->host);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE ROLE reader IN ROLE ingest_reader; CREATE ROLE other LOGIN IN ROLE ingest_operator; CREATE ROLE third LOGIN IN ROLE ingest_operator;
	CREATE SCHEMA shop; CREATE TABLE shop.item (id integer PRIMARY KEY, name text, updated_at timestamptz DEFAULT now()); INSERT INTO shop.item SELECT i, 'item ' || i FROM generate_series(1, 5) i;
	CREATE TABLE shop.order_ AS SELECT * FROM shop.item; ALTER TABLE shop.order_ ADD PRIMARY KEY (id);
	CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$socket', port '$port', dbname '$p'); CREATE USER MAPPING FOR CURRENT_USER SERVER here; CREATE TABLE shelf (id integer)");
for my $source (qw(kept gone paused given))
{
	sql("SELECT ingest.register_source('$source', 'here', remote_schemas => '{shop}', schema => '${source}_there'); CALL ingest.crawl('$source')");
	sql("SELECT ingest.create_sync('${source}_there.item', 'public.${source}_item', key => '{id}', cursor_column => 'updated_at', history => true); CALL ingest.sync('public.${source}_item');
		SELECT ingest.create_job('$source job', 'sync', 'public.${source}_item'), ingest.create_job('$source sql', 'sql', 'SELECT'), ingest.subscribe('$source listener')");
}

# Done by one who does not commit: names that are made, rows that are changed, what is dropped
my @done = (
	"SELECT ingest.register_source('new', 'here', remote_schemas => '{shop}', schema => 'new_there')",
	"SELECT ingest.create_sync('kept_there.order_', 'public.new_order', key => '{id}', cursor_column => 'updated_at')",
	"SELECT ingest.create_job('new job', 'sql', 'SELECT')",
	"SELECT ingest.subscribe('new listener')",
	"SELECT ingest.grant_source('kept', 'reader')",
	"SELECT ingest.set_lineage('a.b', 'public.shelf')",
	"SELECT ingest.enqueue('kept sql')",
	"SELECT ingest.schedule('paused sql', '1 h')",
	"SELECT ingest.alter_sync('public.paused_item', freshness => '1 h')",
	"SELECT ingest.alter_sync('public.paused_item', batch_rows => 10)",
	"SELECT ingest.pause('paused')",
	"SELECT ingest.set_owner('given', 'other')",
	"SELECT ingest.reload('public.kept_item')",
	"SELECT id FROM ingest.read_events('kept listener')",
	"SELECT ingest.drop_source('gone')");
my $holder = start_session($node, 'BEGIN; ' . join('; ', @done) . "; SELECT pg_sleep(60)");
poll_until($node, $p, "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'");

# What others then do to the same, each in a session of its own: an answer or an error, within the bound
my @others = (
	@done,
	"SELECT ingest.register_source('gone', 'here', remote_schemas => '{shop}', schema => 'gone_there')",
	"SELECT ingest.create_sync('gone_there.order_', 'public.gone_order', key => '{id}', cursor_column => 'updated_at')",
	"SELECT ingest.create_sync('kept_there.order_', 'public.another_order', name => 'public.new_order', key => '{id}', cursor_column => 'updated_at')",
	"SELECT ingest.resume('paused')",
	"SELECT ingest.drop_source('paused')", "SELECT ingest.drop_source('given')",
	"SELECT ingest.drop_sync('public.kept_item')", "SELECT ingest.drop_sync('public.gone_item')",
	"SELECT ingest.drop_job('gone job')", "SELECT ingest.drop_job('paused sql')", "SELECT ingest.schedule('paused sql', NULL)",
	"SELECT ingest.enqueue('gone sql')", "CALL ingest.work('gone sql')", "CALL ingest.work('kept sql')",
	"CALL ingest.sync('public.gone_item')", "CALL ingest.sync('public.paused_item')", "CALL ingest.sync('public.kept_item')", "CALL ingest.redrive('public.gone_item')",
	"CALL ingest.crawl('gone')", "CALL ingest.crawl('paused')", "CALL ingest.crawl('given')",
	"SELECT * FROM ingest.check_source('gone')", "SELECT * FROM ingest.check_source('paused')",
	"SELECT ingest.revoke_source('kept', 'reader')", "SELECT ingest.set_lineage('a.b', 'public.shelf', kind => NULL)",
	"SELECT ingest.unsubscribe('new listener')", "SELECT ingest.unsubscribe('kept listener')", "SELECT id FROM ingest.read_events('new listener')",
	"SELECT ingest.alter_sync('public.gone_item', history => true)", "SELECT ingest.profile('public.gone_item')", "SELECT count(*) FROM ingest.as_of(NULL::public.gone_item, now())",
	"SELECT * FROM ingest.verify('public.gone_item')", "SELECT * FROM ingest.explain_sync('public.gone_item')",
	"SELECT ingest.emit('com.example.one', 'a', '{}')", "SELECT ingest_internal.prune('1 year', '1 year')", 'CALL ingest.work()');
my @sessions;
for my $statement (@others)
{
	my ($out, $err) = ('', '');
	my $h = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr($p), '-c', "SET client_min_messages = warning", '-c', $statement], '>', \$out, '2>', \$err, IPC::Run::timeout(100));
	push @sessions, [$statement, $h, \$out, \$err, time()];
}
# each waits ten seconds at most for one thing, and some for two or three, one after the other
my $deadline = time() + 45;
sleep(1) while time() < $deadline && sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%ingest.%' AND query NOT LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'") > 0;
is(sql("SELECT string_agg(query, E'\\n') FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock' AND query LIKE '%ingest.%' AND query NOT LIKE '%pg_sleep(60)%'"), '', 'nobody waits any more');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'"), '1', 'while the transaction is still open');
my $refused = 0;
for my $s (@sessions)
{
	$s->[1]->finish;
	my $error = ${ $s->[3] };
	$refused++ if $error =~ /lock timeout/;
	like($error, qr/^(?!.*(internal|_pkey|_key")).*$/s, "in words: $s->[0]") or diag($error);
}
cmp_ok($refused, '>', 15, 'many had to be refused');
$holder->[0]->kill_kill;
$node->stop;
done_testing();
