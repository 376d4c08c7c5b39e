# Transactions at the source that take longer than the overlap: the watermark does not pass what they may still write
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('horizon');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 5\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE ROLE plain LOGIN; CREATE DATABASE elsewhere;
	CREATE TABLE shop.stamped (id bigint PRIMARY KEY, v text, changed timestamptz NOT NULL DEFAULT now());
	CREATE TABLE shop.stamped_log (LIKE shop.stamped INCLUDING ALL);
	CREATE TABLE shop.numbered (id bigint PRIMARY KEY, v text, changed bigint GENERATED ALWAYS AS IDENTITY);
	CREATE TABLE shop.numbered_log (LIKE shop.numbered INCLUDING ALL);
	CREATE TABLE shop.loaded (LIKE shop.stamped INCLUDING ALL);
	CREATE TABLE shop.loaded_log (LIKE shop.stamped INCLUDING ALL);
	GRANT USAGE ON SCHEMA shop TO plain; GRANT ALL ON ALL TABLES IN SCHEMA shop TO plain;
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
my $key = 0;
sub row { my ($table, $v) = @_; $key++; return "INSERT INTO shop.$table (id, v) VALUES ($key, '$v')" }
sub apart { return sql("SELECT count(*) FROM ((SELECT id, v FROM shop.$_[0] EXCEPT SELECT id, v FROM c.$_[0]) UNION ALL (SELECT id, v FROM c.$_[0] EXCEPT SELECT id, v FROM shop.$_[0])) d") }
sub sync { sql("CALL ingest.sync('c.$_[0]')") for 1 .. ($_[1] // 1); return }
sub watermark { return sql("SELECT watermark FROM ingest.table_status WHERE sync = 'c.$_[0]'") }
# somebody who may see nobody else's sessions, and whose sessions the engine's login may not look into, either
sub begin_late
{
	my ($what) = @_;
	my $late = $node->background_psql('postgres', on_error_stop => 1);
	$late->query_safe("SET SESSION AUTHORIZATION plain; BEGIN; SELECT now(); $what");
	return $late;
}
sub end_late { my ($late, $end) = @_; $late->query_safe($end // 'COMMIT'); $late->quit; return }

# no comparison of keys helps: it is never due
for my $table (qw(stamped stamped_log numbered numbered_log))
{
	my $mode = $table =~ /log/ ? 'append' : 'incremental';
	sql(row($table, 'first'));
	sql("SELECT ingest.create_sync('there.$table', 'c.$table', key => '{id}', cursor_column => 'changed', overlap => '1 s', mode => '$mode', reconcile_every => '10 years')");
	sync($table, 2);
	my $late = begin_late(row($table, 'late'));
	# one that has written nothing yet, and is stamped as of its beginning: a number it draws when it needs it
	my $idle = begin_late('SELECT 1');
	for my $n (1 .. 3)
	{
		sql(row($table, "more $n"));
		sync($table);
		sleep(1.2);
	}
	sync($table);
	is(apart($table), '0', "$table: what is committed is there");
	my $held = watermark($table);
	end_late($late);
	sync($table);
	is(apart($table), '0', 'a transaction of three overlaps is read by the run after it');
	$idle->query_safe(row($table, 'as of the beginning'));
	sync($table);
	end_late($idle);
	sync($table);
	is(apart($table), '0', 'and so is one that wrote at its end');
	sync($table);
	sleep(1.2);
	sync($table, 2);
	isnt(watermark($table), $held, 'then the watermark goes on');
	# one that is prepared is under way, under another name
	my $two = begin_late(row($table, 'prepared'));
	sql(row($table, 'beside'));
	sync($table);
	end_late($two, "PREPARE TRANSACTION 'p'");
	sleep(1.2);
	sync($table, 2);
	sql(row($table, 'after'));
	sync($table);
	sleep(1.2);
	sync($table, 2);
	sql("COMMIT PREPARED 'p'");
	sync($table);
	is(apart($table), '0', 'one that was prepared');
	sync($table, 2);
	sleep(1.2);
	sync($table, 2);
	is(sql("SELECT count(*) <= 3 FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync, jsonb_array_elements(z.marks) WHERE s.name = 'c.$table'"), 't', 'and nothing is noted that is over');
}

# A long transaction beside many runs costs a note of each of those that are under way, not of each run
my $long = begin_late('SELECT 1');
for (1 .. 12) { sql(row('stamped', 'beside')); sync('stamped'); }
is(sql("SELECT count(*) <= 3 FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync, jsonb_array_elements(z.marks) WHERE s.name = 'c.stamped'"), 't', 'notes do not pile up');
end_late($long);
# sessions of other databases, and reads that are over, hold nothing up
my $other = $node->background_psql('elsewhere', on_error_stop => 1);
$other->query_safe('BEGIN; SELECT 1');
sql(row('stamped', 'beside another database'));
sync('stamped', 2);
is(watermark('stamped'), sql('SELECT max(changed) FROM shop.stamped'), 'the watermark waits for transactions of this database alone');
$other->quit;

# One that was under way while all was loaded
for my $table (qw(loaded loaded_log))
{
	my $mode = $table =~ /log/ ? 'append' : 'incremental';
	sql(row($table, 'first'));
	my $late = begin_late(row($table, 'late'));
	sleep(1.2);
	sql(row($table, 'second'));
	sql("SELECT ingest.create_sync('there.$table', 'c.$table', key => '{id}', cursor_column => 'changed', overlap => '1 s', mode => '$mode', reconcile_every => '10 years')");
	sync($table);
	sleep(1.2);
	sync($table);
	end_late($late);
	isnt(apart($table), '0', "$table: not there yet");
	sync($table);
	is(apart($table), '0', 'what was under way while all was loaded is found when it is over');
	sync($table);
	is(sql("SELECT count(*) FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync, jsonb_array_elements(z.marks) m WHERE s.name = 'c.$table' AND m ->> 1 IS NULL"), '0', 'once');
}

# A stamp that has not come yet is bounded by the source's clock, and what a source's clock says is noted
sql("INSERT INTO shop.stamped VALUES (90001, 'typo', '2099-01-01')");
sync('stamped', 2);
sql("UPDATE shop.stamped SET v = 'new', changed = now() WHERE id = 1");
sync('stamped');
is(apart('stamped'), '0', 'a stamp of 2099 hides nothing');
is(sql("SELECT clock_offset IS NOT NULL AND watermark_time < now() FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync WHERE s.name = 'c.stamped'"), 't', 'the clock is the source\'s');
is(sql("SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relnamespace = 'there'::regnamespace AND relname LIKE 'ingest%'"), 'ingest_pg_locks ingest_pg_stat_activity', 'it is looked at through two foreign tables');
sql("CALL ingest.crawl('shop')");
is(sql("SELECT count(*) FROM ingest.source_table WHERE name LIKE '%pg_%'"), '0', 'which are none of the source\'s');

# A standby as the source does not show what runs on its primary: as without a clock
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my ($shost, $sport) = ($standby->host, $standby->port);
sql("CREATE SERVER follower FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$shost', port '$sport', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER follower OPTIONS (user 'postgres');
	SELECT ingest.register_source('follower', 'follower', schema => 'behind', remote_schemas => '{shop}', tables => '{stamped}')");
sql("CALL ingest.crawl('follower')");
is(sql("SELECT clock IS NULL AND running IS NULL FROM ingest_internal.postgres_horizon('follower')"), 't', 'a standby knows nothing of what is under way');
is(sql("SELECT clock IS NOT NULL AND running IS NOT NULL FROM ingest_internal.postgres_horizon('shop')"), 't', 'its primary does');
$standby->stop;
$node->stop;
done_testing();
