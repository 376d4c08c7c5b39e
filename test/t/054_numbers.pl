# Cursors that are no times: numbers are drawn in one order and committed in another.  Where the source does not show what
# is under way (t/055_horizon.pl is of one that does), the overlap alone tells.
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('numbers');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE TABLE shop.log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
	CREATE SEQUENCE shop.version;
	CREATE TABLE shop.doc (name text PRIMARY KEY, v text, version bigint NOT NULL DEFAULT nextval('shop.version'));
	CREATE TABLE shop.later (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
	INSERT INTO shop.log (v) SELECT 'first' FROM generate_series(1, 10);
	INSERT INTO shop.doc SELECT 'd' || i, 'first' FROM generate_series(1, 10) i;
	UPDATE ingest.connector SET horizon_function = NULL WHERE wrapper = 'postgres_fdw';
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
sub apart { return sql("SELECT count(*) FROM ((TABLE shop.$_[0] EXCEPT TABLE c.$_[0]) UNION ALL (TABLE c.$_[0] EXCEPT TABLE shop.$_[0])) d") }
sub watermark { return sql("SELECT watermark FROM ingest.table_status WHERE sync = 'c.$_[0]'") }
# a transaction that draws its numbers now and commits when told
sub begin_late
{
	my ($what) = @_;
	my $late = $node->background_psql('postgres', on_error_stop => 1);
	$late->query_safe("BEGIN; $what");
	return $late;
}
sub end_late { my ($late) = @_; $late->query_safe('COMMIT'); $late->quit; return }

my %copy = (log => "mode => 'append', key => '{id}', cursor_column => 'id'", doc => "key => '{name}', cursor_column => 'version', history => true, reconcile_every => '10 years'");
my %more = (log => "INSERT INTO shop.log (v) VALUES ('more')", doc => "UPDATE shop.doc SET v = v || '+', version = nextval('shop.version') WHERE name = 'd2'");
my %late = (log => "INSERT INTO shop.log (v) VALUES ('late')", doc => "UPDATE shop.doc SET v = 'late', version = nextval('shop.version') WHERE name = 'd1'; INSERT INTO shop.doc VALUES ('late' || clock_timestamp(), 'late')");
for my $table ('log', 'doc')
{
	sql("SELECT ingest.create_sync('there.$table', 'c.$table', overlap => '10 s', $copy{$table})");
	# one that is under way while all is loaded
	my $one = begin_late($late{$table});
	sql($more{$table});
	sql("CALL ingest.sync('c.$table')");
	is(apart($table), '0', "$table: what is committed is loaded");
	end_late($one);
	isnt(apart($table), '0', 'then comes what was under way');
	sleep(10.5);
	sql("CALL ingest.sync('c.$table')");
	is(apart($table), '0', 'which is found when the overlap has passed');
	# ones that end in another order than they began
	my @late = map { begin_late($table eq 'log' ? $late{$table} : "INSERT INTO shop.doc VALUES ('more $_', 'late')") } 1 .. 3;
	sql($more{$table});
	sql("CALL ingest.sync('c.$table')");
	for my $n (2, 0, 1)
	{
		end_late($late[$n]);
		sql($more{$table});
		sql("CALL ingest.sync('c.$table')");
		is(apart($table), '0', 'what was committed late is there at once');
	}
	# seen, settled, read for the last time; a mark may stand for those of a sixteenth of the overlap before it
	for my $pause (10.5, 10.5, 0.5, 0)
	{
		sql("CALL ingest.sync('c.$table')");
		sleep($pause);
	}
	is(watermark($table), sql("SELECT max(" . ($table eq 'log' ? 'id' : 'version') . ") FROM shop.$table"), 'the watermark follows');
	is(sql("SELECT rows_read FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), '1', 'and what is settled is not read again');
}
is(sql("SELECT count(*) FROM (SELECT key, after->>'v', count(*) FROM ingest.change GROUP BY 1, 2 HAVING count(*) > 1) d"), '0', 'no version is told twice');

# A table that was empty when it was loaded
sql("SELECT ingest.create_sync('there.later', 'c.later', overlap => '10 s', mode => 'append', key => '{id}', cursor_column => 'id')");
sql("CALL ingest.sync('c.later')");
my $late = begin_late("INSERT INTO shop.later (v) VALUES ('late')");
sql("INSERT INTO shop.later (v) VALUES ('first')");
sql("CALL ingest.sync('c.later')");
end_late($late);
sql("CALL ingest.sync('c.later')");
is(apart('later'), '0', 'an empty table that fills');

# Numbers that begin again
sql("TRUNCATE shop.log RESTART IDENTITY; INSERT INTO shop.log (v) SELECT 'again' FROM generate_series(1, 5)");
sql("CALL ingest.sync('c.log')");
sql("INSERT INTO shop.log (v) VALUES ('and again')");
sql("CALL ingest.sync('c.log')");
is(sql("SELECT count(*) FROM (TABLE shop.log EXCEPT TABLE c.log) d"), '0', 'a cursor that was set back');
$node->stop;
done_testing();
