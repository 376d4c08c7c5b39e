# pg_cron without the engine's launcher: what it keeps, in which zone, and what is left when a source goes
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'pg_cron is not installed' unless -e "$ENV{PG_SHARE}/extension/pg_cron.control";
my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.timezone = 'Europe/Berlin'\ntimezone = 'Europe/Berlin'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $err; }
sub kept { return sql('SELECT jobname, schedule FROM cron.job ORDER BY jobname'); }

sql("CREATE EXTENSION pg_cron; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
	CREATE ROLE otto LOGIN IN ROLE ingest_operator; GRANT CREATE ON DATABASE postgres TO otto; GRANT USAGE ON FOREIGN SERVER files TO otto; GRANT USAGE ON SCHEMA cron TO otto");

like(said("SET ROLE otto; SELECT ingest.register_source('files', 'files', refresh_schedule => '0 6 * * MON-FRI')"), qr/NOTICE:  old events and runs are not deleted yet/, 'who may not prune hears that nobody does');
is(kept(), 'ingest job 1|0 6 * * MON-FRI', 'and has the job scheduled');
sql("SET ROLE otto; SELECT cron.schedule('ingest upkeep', '0 0 1 1 *', 'SELECT 1')");	# who may not prune pretends to do so
sql("SELECT ingest.create_job('x', 'sql', 'SELECT 1'); SELECT ingest.schedule('x', '\@daily')");
is(kept(), "ingest job 1|0 6 * * MON-FRI\ningest job 2|\@daily\ningest upkeep|0 0 1 1 *\ningest upkeep|23 * * * *", 'an admin has what is old deleted');
sql("SET ROLE otto; SELECT cron.unschedule('ingest upkeep')");
sql(sql("SELECT command FROM cron.job WHERE jobname = 'ingest upkeep'"));
is(sql("SELECT count(*) FROM ingest.audit WHERE function = 'prune'"), '1', 'by a statement that runs');
sql("SELECT ingest.schedule('x', '15 min')");
is(sql("SELECT count(*) FROM cron.job WHERE jobname = 'ingest upkeep'"), '1', 'once');

like(said("SELECT ingest.schedule('x', 'CRON_TZ=Asia/Tokyo 0 6 * * *')"), qr/ERROR:  pg_cron keeps schedules in the time zone "Europe\/Berlin", not in "Asia\/Tokyo"/, 'another zone than its own pg_cron cannot keep');
like(said("SET timezone = 'Asia/Tokyo'; SELECT ingest.schedule('x', '0 6 * * *')"), qr/WARNING:  pg_cron keeps schedules in the time zone "Europe\/Berlin"/, 'nor that of the session, and says so');
sql("SELECT ingest.schedule('x', 'CRON_TZ=Europe/Berlin 0 6 * * *')");
like(kept(), qr/^ingest job 2\|0 6 \* \* \*$/m, 'its own goes without saying');

sql("SET ROLE otto; SELECT ingest.drop_source('files')");
is(kept(), "ingest job 2|0 6 * * *\ningest upkeep|23 * * * *", 'a source that is dropped leaves nothing in pg_cron');
like(said("SET ROLE otto; SELECT ingest.drop_source('files')"), qr/ERROR:  .*"files"/, 'one that is not there is an error as before');
sql("SELECT ingest.drop_job('x')");
is(kept(), 'ingest upkeep|23 * * * *', 'nor does a job');

# an entry is its owner's, whoever schedules, drops or gives away: pg_cron runs it as that role, and shows it to no other
sub whose { return sql("SELECT username, command FROM cron.job WHERE jobname LIKE 'ingest job%' ORDER BY jobid"); }
sql("CREATE ROLE ida LOGIN IN ROLE ingest_operator; GRANT USAGE ON SCHEMA cron TO ida; CREATE ROLE nobody_of_cron LOGIN IN ROLE ingest_operator");
sql("SET ROLE otto; SELECT ingest.register_source('shelves', 'files', schema => 'shelves'); SELECT ingest.create_job('crawl shelves', 'crawl', 'shelves')");
sql("SELECT ingest.schedule('crawl shelves', '0 6 * * *')");
is(whose(), "otto|CALL ingest.work('crawl shelves')", 'a superuser schedules the job of another role: it is done as that one');
sql("SELECT ingest.schedule('crawl shelves', '0 7 * * *')");
is(whose(), "otto|CALL ingest.work('crawl shelves')", 'and once');
sql("SELECT ingest.set_owner('shelves', 'ida')");
is(whose(), "ida|CALL ingest.work('crawl shelves')", 'what is given away is done as its new owner');
like(said("SELECT ingest.set_owner('shelves', 'nobody_of_cron')"), qr/WARNING:  pg_cron does not keep the schedule of job "crawl shelves": permission denied/, 'who may not use pg_cron gets a source nevertheless, and is told');
is(whose(), '', 'without a schedule');
is(sql("SELECT schedule IS NULL, scheduler IS NULL, owner_name FROM ingest.job WHERE name = 'crawl shelves'"), 't|t|nobody_of_cron', 'which the job does not claim to have');
sql("GRANT USAGE ON SCHEMA cron TO nobody_of_cron; SET ROLE nobody_of_cron; SELECT ingest.schedule('crawl shelves', '0 7 * * *')");
sql("SELECT ingest.drop_source('shelves')");
is(whose(), '', 'a superuser drops the source of another role: nothing of it stays in pg_cron');
is(sql("SELECT count(*) FROM cron.job WHERE jobname LIKE 'ingest job%'"), '0', 'of anybody');
$node->stop;
done_testing();
