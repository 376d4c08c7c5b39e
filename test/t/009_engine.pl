# The engine among others: two at once, ALTER TABLE, cancel, outages, memory and disk, workers, pg_cron, dump and restore, a standby, DROP
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $has_cron = system("ls \$(pg_config --sharedir 2>/dev/null || true)/extension/pg_cron.control $ENV{PG_SHARE}/extension/pg_cron.control >/dev/null 2>&1") == 0 || -e "$ENV{PG_SHARE}/extension/pg_cron.control";
# a disk that is full and memory that is exhausted while a file says so, for what a batch needs: tables, and large pieces
my $preload = "$ENV{TESTDIR}/scarce.so";
my ($full, $spent) = ("$ENV{TESTDIR}/disk_is_full", "$ENV{TESTDIR}/memory_is_spent");
mkdir $ENV{TESTDIR};
open my $c, '>', "$ENV{TESTDIR}/scarce.c" or die $!;
print $c <<"C";
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int in_a_table(int fd)
{
	char link[64], path[4096];
	ssize_t n;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = 0;
	return strstr(path, "/base/") != NULL;
}
#define FULL(fd) (access("$full", F_OK) == 0 && in_a_table(fd))
ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
	if (FULL(fd)) { errno = ENOSPC; return -1; }
	return real(fd, buf, n, at);
}
ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return pwrite64(fd, buf, n, at);
}
void *malloc(size_t n)
{
	static void *(*real)(size_t);
	if (!real)
		real = dlsym(RTLD_NEXT, "malloc");
	if (n >= 4 * 1024 * 1024 && access("$spent", F_OK) == 0)
		return NULL;
	return real(n);
}
C
close $c;
system_or_bail('gcc', '-shared', '-fPIC', '-o', $preload, "$ENV{TESTDIR}/scarce.c", '-ldl');

my $node = new_engine('engine', preload => $preload, conf => "wal_level = replica\nmax_wal_senders = 4\ningest.discovery = 1\n" . ($has_cron ? "shared_preload_libraries = 'ingest,pg_cron'\ncron.database_name = 'cron'\ncron.use_background_workers = on\n" : ''));
my $p = 'postgres';

sub sql { return $node->safe_psql($p, $_[0]); }

sub start { return start_session($node, $_[0]); }
sub ended { return (session_ended($_[0]))[1]; }

# -- two at once, a user's ALTER TABLE, cancel --

sql(q{SELECT ingest.create_sync('erp.transaction', 'copy.transaction', batch_rows => 300, reconcile_every => NULL);
	SELECT ingest.create_sync('erp.transactionline', 'copy.line', parent => 'copy.transaction', reconcile_every => NULL)});
control(op => 'latency', seconds => 0.15);
my $first = start("CALL ingest.sync('copy.transaction')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.run WHERE kind = 'sync' AND batches >= 4");
my ($code, $out, $err) = $node->psql($p, "CALL ingest.sync('copy.transaction')");
like($err, qr/is already running/, 'a second run of the same sync is refused');
($code, $out, $err) = $node->psql($p, "CALL ingest.sync('copy.line')");
like($err, qr/is already running/, 'so is one of its child');
my ($share, $rate, $left) = split /\|/, sql("SELECT share_done, rows_per_second, time_left IS NOT NULL FROM ingest.run_status WHERE kind = 'sync' AND state = 'running'");
cmp_ok($share, '>', 0, "progress is seen: $share done");
cmp_ok($share, '<', 1, 'and not all of it');
is($left, 't', 'with the time that is left');
sql('ALTER TABLE copy.transaction ADD COLUMN mine text DEFAULT \'x\'');
is(sql("SELECT ingest.cancel(run) FROM ingest.run_status WHERE kind = 'sync' AND state = 'running'"), 't', 'it is cancelled');
like(ended($first), qr/canceling statement/, 'and ends');
is(sql("SELECT state, error_class FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), 'cancelled|cancelled', 'and is called so');
my $before = sql('SELECT count(*) FROM copy.transaction');
cmp_ok($before, '>', 0, 'what was committed is there');
control(op => 'latency', seconds => 0);
sql("CALL ingest.sync('copy.transaction')");
is(sql("SELECT count(*) FROM ingest.run_log WHERE message LIKE 'continues a load%'"), '1', 'the next run went on');
is(sql("SELECT rows_inserted FROM ingest.run WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'copy.transaction') ORDER BY id DESC LIMIT 1"),
	sql('SELECT count(*) FROM erp.transaction') - $before, 'with what was missing, and did not begin again');
is(differences($node, 'copy.transaction', 'erp.transaction'), '0', 'the copy is the source');
is(differences($node, 'copy.line', 'erp.transactionline'), '0', 'also the lines');
is(sql("SELECT count(*) FROM copy.transaction WHERE mine = 'x'"), sql('SELECT count(*) FROM copy.transaction'), "the user's column is as it was");

# -- a run that is under way when its sync becomes another, and when its source is paused --

sql("SELECT ingest.reload('copy.transaction')");
control(op => 'latency', seconds => 0.15);
$first = start("CALL ingest.sync('copy.transaction')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.run WHERE kind = 'sync' AND state = 'running' AND batches >= 3");
my $source = sql("SELECT d.name FROM ingest.data_source d JOIN ingest.sync s ON s.source = d.id WHERE s.name = 'copy.transaction'");
($code, $out, $err) = $node->psql($p, "SELECT ingest.pause('$source')");
like($err, qr/what is running goes on to its end: run \d+/, 'who pauses a source hears what goes on');
sql("SELECT ingest.resume('$source')");
sql("SELECT ingest.alter_sync('copy.transaction', mode => 'full')");
like(ended($first), qr/has another key, cursor or mode now/, 'a run writes nothing more when its sync has become another');
sql("SELECT ingest.alter_sync('copy.transaction', mode => 'incremental')");
control(op => 'latency', seconds => 0);
is(sql("SELECT reload AND watermark IS NULL FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync WHERE s.name = 'copy.transaction'"), 't', 'and the next one reads everything');
sql("CALL ingest.sync('copy.transaction')");
is(differences($node, 'copy.transaction', 'erp.transaction'), '0', 'and the copy is the source');

# -- the source fails --

control(op => 'fault', kind => '503', count => 10000, match => 'suiteql');
sql("ALTER SERVER ns OPTIONS (ADD max_retries '1', ADD retry_deadline '2')");
($code, $out, $err) = $node->psql($p, "CALL ingest.sync('copy.transaction')");
isnt($code, 0, 'a source that is down fails the run');
is(sql("SELECT state, error_class FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), 'failed|passing', 'in passing');
is(differences($node, 'copy.transaction', 'copy.transaction'), '0', 'the copy stays as it was');
my $stamp = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC')";
control(op => 'sql', sql => "UPDATE ns.transaction SET memo = 'while away', lastmodifieddate = $stamp WHERE id IN (SELECT id FROM ns.transaction ORDER BY id LIMIT 30)");
control(op => 'clear_faults');
sleep(1.2);
# an hour later by both clocks: the window begins where it ended
sql("UPDATE ingest.sync_state SET watermark = (watermark::timestamptz - interval '1 hour')::text, deleted_watermark = deleted_watermark - interval '1 hour', clock_at = clock_at - interval '1 hour'");
sql("CALL ingest.sync('copy.transaction')");
is(differences($node, 'copy.transaction', 'erp.transaction'), '0', 'after an hour away nothing is missing');
control(op => 'fault', kind => '401', count => 1000, match => 'suiteql');
sql("SELECT ingest.create_job('s', 'sync', 'copy.transaction')");
sql("SELECT ingest.enqueue('s')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.dead_letter WHERE job = (SELECT id FROM ingest.job WHERE name = 's')");
is(sql("SELECT attempts FROM ingest.dead_letter WHERE job = (SELECT id FROM ingest.job WHERE name = 's')"), '1', 'a wrong login is not tried again');
control(op => 'clear_faults');
sql('UPDATE ingest.circuit SET state = \'closed\', outcomes = \'{}\'');

# -- a column that goes at the source while we sleep: the worker looks again --

sql("SELECT ingest.create_sync('erp.customrecord_asset', 'copy.asset', reconcile_every => NULL)");
sql("CALL ingest.sync('copy.asset')");
control(op => 'sql', sql => 'ALTER TABLE ns.customrecord_asset RENAME COLUMN custrecord_asset_serial TO hidden_serial');
control(op => 'sql', sql => "UPDATE ns.customrecord_asset SET name = 'renamed', lastmodified = $stamp WHERE id = (SELECT min(id) FROM ns.customrecord_asset)");
sleep(1.2);
sql("SELECT ingest.create_job('asset', 'sync', 'copy.asset'); SELECT ingest.enqueue('asset')");
poll_until($node, $p, "SELECT count(*) = 1 FROM copy.asset WHERE name = 'renamed'", 't', 'SELECT * FROM ingest.run_status ORDER BY run DESC LIMIT 3');
is(sql("SELECT count(*) FROM ingest.metadata_change WHERE object_name = 'custrecord_asset_serial' AND change = 'removed'"), '1', 'a column that went was noticed by the sync, which went on without it');
cmp_ok(sql('SELECT count(custrecord_asset_serial) FROM copy.asset'), '>', 0, 'its values are kept');
control(op => 'sql', sql => 'ALTER TABLE ns.customrecord_asset RENAME COLUMN hidden_serial TO custrecord_asset_serial');
sql("CALL ingest.crawl('ns', '{customrecord_asset}')");

# -- memory, disk --

sql("SELECT ingest.create_sync('erp.customer', 'copy.customer', reconcile_every => NULL)") if sql("UPDATE ingest.data_source SET include = include || '{customer}'; SELECT 1");
SKIP:
{
	sql("CALL ingest.crawl('ns', '{customer}')");
	sql("SELECT ingest.create_sync('erp.customer', 'copy.customer', batch_rows => 100, reconcile_every => NULL)") unless sql("SELECT 1 FROM ingest.sync WHERE name = 'copy.customer'");
	# rows that take eight megabytes on their way
	sql(q{CREATE FUNCTION copy.large() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM length(repeat(NEW.id::text, 4000000)); RETURN NEW; END $$;
		CREATE TRIGGER large BEFORE INSERT ON copy.customer FOR EACH ROW WHEN (NEW.id % 97 = 0) EXECUTE FUNCTION copy.large()});
	for my $failure ([ $full, '53100', 'busy', qr/No space left on device/, 'a full disk' ], [ $spent, '53200', 'passing', qr/out of memory/, 'memory that is exhausted' ])
	{
		my ($flag, $state, $class, $words, $what) = @$failure;
		append_to_file($flag, '');
		($code, $out, $err) = $node->psql($p, "CALL ingest.sync('copy.customer')");
		unlink $flag;
		like($err, $words, "$what fails the run");
		is(sql("SELECT sqlstate, error_class FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), "$state|$class", 'in passing, no row is blamed') or diag($err);
		is(sql('SELECT count(*) FROM ingest.rejected_row'), '0', 'nor rejected');
	}
	sql('DROP TRIGGER large ON copy.customer');
	sql("CALL ingest.sync('copy.customer')");
	is(differences($node, 'copy.customer', 'erp.customer'), '0', 'and when there is room again, all is there');
}

# -- an account in another zone, at the ends of summer time --

# a watermark in the hour that comes twice, and an edit in its second pass: on the wall clock that is before it
for my $case ([ 'America/Los_Angeles', '2026-11-01 08:50:00', '2026-11-01 09:30:00' ], [ 'Australia/Lord_Howe', '2026-04-04 14:58:00', '2026-04-04 15:05:00' ],
	[ 'Europe/Berlin', '2025-10-26 00:55:00', '2025-10-26 01:10:00' ], [ 'Pacific/Kiritimati', '2026-10-31 10:00:00', '2026-10-31 10:00:01' ], [ 'Etc/GMT+12', '2026-03-08 10:00:00', '2026-03-08 10:00:01' ])
{
	my ($zone, $watermark, $edit) = @$case;
	control(op => 'switch', name => 'datetime_zone', value => $zone);
	sql("ALTER SERVER ns OPTIONS (ADD timezone '$zone')");
	control(op => 'sql', sql => "UPDATE ns.customer SET comments = 'edited in $zone', lastmodifieddate = '$edit' WHERE id = (SELECT id FROM ns.customer ORDER BY id OFFSET " . int(rand(400)) . ' LIMIT 1)');
	sql("UPDATE ingest.sync_state SET watermark = '$watermark+00', clock_at = now(), clock_offset = '0' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'copy.customer')");
	sql("CALL ingest.sync('copy.customer')");
	is(sql("SELECT count(*) FROM copy.customer WHERE comments = 'edited in $zone' AND lastmodifieddate = '$edit+00'"), '1', "$zone: an edit at $edit UTC is seen from $watermark on");
	sql('ALTER SERVER ns OPTIONS (DROP timezone)');
}
control(op => 'reset');

# -- workers --

is(sql('SELECT ingest_internal.launcher_runs()'), 't', 'the launcher runs');
sql('CREATE TABLE did (n integer); SELECT ingest.create_job(\'d\', \'sql\', \'INSERT INTO did VALUES (1)\'); SELECT ingest.schedule(\'d\', \'1 s\')');
poll_until($node, $p, 'SELECT count(*) >= 2 FROM did');
pass('a schedule is kept');
sql("SELECT ingest.schedule('d', NULL)");
$node->restart;
sql("SELECT ingest.enqueue('d')");
poll_until($node, $p, 'SELECT count(*) = 0 FROM ingest.queue');
pass('also after a restart');
sql("SELECT ingest.create_job('slow', 'sql', 'SELECT pg_sleep(60)', timeout => '1 s', max_attempts => 1); SELECT ingest.enqueue('slow')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job WHERE j.name = 'slow'");
like(sql("SELECT reason FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job WHERE j.name = 'slow'"), qr/did not finish within its timeout of 00:00:01/, 'a job that takes too long is stopped');
sql("SELECT ingest.create_job('cancelled', 'sql', 'SELECT pg_sleep(60)'); SELECT ingest.enqueue('cancelled')");
poll_until($node, $p, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ingest worker' AND query LIKE '%working%' AND wait_event = 'PgSleep'");
sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ingest worker' AND wait_event = 'PgSleep'");
poll_until($node, $p, 'SELECT count(*) = 0 FROM ingest.queue');
is(sql("SELECT state FROM ingest.run r JOIN ingest.job j ON j.id = r.job WHERE j.name = 'cancelled'"), 'cancelled', 'one that is cancelled is not tried again');
# a job has its owner's rights, no more
sql("CREATE ROLE small LOGIN; GRANT ingest_operator TO small; CREATE TABLE who (name text, super text); GRANT INSERT ON who TO small");
$node->safe_psql($p, q{SET ROLE small; SELECT ingest.create_job('who', 'sql', 'RESET ROLE; '), ingest.create_job('me', 'sql', $$INSERT INTO public.who VALUES (session_user, current_setting('is_superuser'))$$); SELECT ingest.enqueue('me')});
poll_until($node, $p, 'SELECT count(*) = 1 FROM who');
is(sql('SELECT * FROM who'), 'small|off', 'a job runs as its owner, not as a superuser');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ingest%' AND backend_type NOT IN ('ingest launcher', 'ingest scheduler', 'ingest publisher', 'ingest worker')"), '0', 'processes have names');

# -- other databases --

$node->safe_psql($p, 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION ingest CASCADE; CREATE TABLE t (n integer); SELECT ingest.create_job(\'t\', \'sql\', \'INSERT INTO t VALUES (1)\'); SELECT ingest.enqueue(\'t\')');
poll_until($node, 'second', 'SELECT count(*) = 1 FROM t');
pass('another database has its own scheduler');
$node->safe_psql('second', 'DROP EXTENSION ingest');
poll_until($node, $p, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'second'");
pass('DROP EXTENSION sends it home');
$node->safe_psql('second', 'CREATE EXTENSION ingest');
poll_until($node, $p, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'second' AND backend_type = 'ingest scheduler'");
$node->safe_psql($p, 'ALTER DATABASE second RENAME TO third');
$node->safe_psql($p, 'CREATE DATABASE fourth TEMPLATE third');
$node->safe_psql($p, 'DROP DATABASE third');
$node->safe_psql($p, 'DROP DATABASE fourth');
pass('a database is renamed, copied and dropped while the scheduler is in it');

# -- pg_cron --

SKIP:
{
	skip 'pg_cron is not installed', 3 unless $has_cron;
	$node->safe_psql($p, 'CREATE DATABASE cron');
	$node->safe_psql('cron', 'CREATE EXTENSION pg_cron; CREATE EXTENSION ingest CASCADE; CREATE TABLE ticked (n integer)');
	is($node->safe_psql('cron', "SELECT ingest.create_job('tick', 'sql', 'INSERT INTO ticked VALUES (1)'); SELECT ingest.schedule('tick', '1 min')"), "tick\npg_cron", 'pg_cron keeps the schedule where it is installed');
	like($node->safe_psql('cron', 'SELECT schedule, command FROM cron.job'), qr/^\*\/1 \* \* \* \*\|CALL ingest.work\('tick'\)$/, 'as cron says it');
	# at the next full minute
	sleep(1) for grep { $node->safe_psql('cron', 'SELECT count(*) FROM ticked') eq '0' } 1 .. 75;
	poll_until($node, 'cron', 'SELECT count(*) >= 1 FROM ticked', 't', 'SELECT * FROM cron.job_run_details');
	is($node->safe_psql('cron', "SELECT count(*) > 0 FROM ingest.run WHERE state = 'succeeded'"), 't', 'and runs the job');
	$node->safe_psql('cron', "SELECT ingest.schedule('tick', NULL)");
	is($node->safe_psql('cron', 'SELECT count(*) FROM cron.job'), '0', 'until it is unscheduled');
}

# -- dump and restore --

sql("SELECT ingest.subscribe('dumped', from_start => true)");
my $read = sql("SELECT max(id) FROM ingest.read_events('dumped', 20)");
sql("SELECT ingest.ack('dumped', $read)");
sql("SELECT ingest.create_sync('erp.currency', 'copy.currency', history => true)");
sql("CALL ingest.sync('copy.currency')");
my $unread = sql('SELECT count(*) - 20 FROM ingest.event');
my %counted = map { $_ => sql("SELECT count(*) FROM ingest.$_") } qw(data_source source_table source_column sync sync_state change run event job metadata_change lineage_edge subscription anomaly connector);
sql('DROP TABLE who');	# what a role that is not there was granted stops the restore, of any table
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr($p), '-f', $dump ], 'pg_dump');
my $other = PostgreSQL::Test::Cluster->new('restored');
$other->init;
$other->append_conf('postgresql.conf', "fsync = off\n");
$other->start;
my ($said, $complaint) = run_command([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr($p), '-f', $dump ]);
unlike($complaint, qr/ERROR/, 'restores');
is($other->safe_psql($p, "SELECT count(*) FROM ingest.$_"), $counted{$_}, "$_: $counted{$_} rows") for sort keys %counted;
(undef, undef, $complaint) = $other->psql($p, "SELECT ingest.emit('com.example.new', 'here', '{}')");
like($complaint, qr/made in another cluster or database/, 'it does nothing there by itself');
(undef, undef, $complaint) = $other->psql($p, "CALL ingest.sync('copy.customer')");
like($complaint, qr/ingest\.enable/, 'and says who lets it');
is($other->safe_psql($p, 'SELECT what, name FROM ingest.enable() ORDER BY 1, 2'), "job|me\njob|who", 'an admin does, and hears whose owner is not there');
$other->safe_psql($p, "SELECT ingest.emit('com.example.new', 'here', '{}')");
$other->safe_psql($p, q{CREATE TABLE heard (n serial, id bigint, subject text);
	DO $$ DECLARE last bigint; BEGIN LOOP
		WITH e AS (INSERT INTO heard (id, subject) SELECT id, subject FROM ingest.read_events('dumped', 1000) RETURNING id) SELECT max(id) INTO last FROM e;
		EXIT WHEN last IS NULL;
		PERFORM ingest.ack('dumped', last);
	END LOOP; END $$});
is($other->safe_psql($p, 'SELECT count(*) FROM heard'), $unread + 1, 'the consumer goes on where it was');
is($other->safe_psql($p, 'SELECT subject FROM heard ORDER BY n DESC LIMIT 1'), 'here', 'and last reads what happened there');
is($other->safe_psql($p, "SELECT count(*) FROM copy.currency_history"), $counted{change}, 'history is there');
create_mapping($other, 'CURRENT_USER', 'ns') unless $other->safe_psql($p, 'SELECT 1 FROM pg_user_mappings');
$other->safe_psql($p, "CALL ingest.sync('copy.customer')");
is(differences($other, 'copy.customer', 'erp.customer'), '0', 'a sync goes on there');
$other->stop;

# -- a standby --

$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql($p, "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ingest%'"), '0', 'on a standby the engine stands still');
is($standby->safe_psql($p, "SELECT count(*) > 0 FROM ingest.run_status"), 't', 'its views can be read');
$node->stop;
$standby->promote;
poll_until($standby, $p, "SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type IN ('ingest launcher', 'ingest scheduler') AND coalesce(datname, '$p') = '$p'");
$standby->safe_psql($p, "SELECT ingest.enqueue('d')");
poll_until($standby, $p, 'SELECT count(*) = 0 FROM ingest.queue');
pass('promoted, it goes to work');

# -- DROP EXTENSION --

$standby->safe_psql($p, 'DROP EXTENSION ingest CASCADE');
is($standby->safe_psql($p, "SELECT count(*) FROM pg_class WHERE relnamespace = 'copy'::regnamespace AND relkind = 'r'") > 3 ? 't' : 'f', 't', 'DROP EXTENSION leaves the copies');
is($standby->safe_psql($p, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'ingest'"), '0', 'and nothing of its own');
$standby->stop;

done_testing();
