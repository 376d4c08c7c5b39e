# A run says what it left out, and learns how late rows come; what text cannot hold is told, and so is a transaction that
# is left open at the source
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('said');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub refused { my ($out, $err); $node->psql('postgres', $_[0], stdout => \$out, stderr => \$err); return join(' ', map { s/.*(ERROR|DETAIL|HINT): +/$1 /r } grep { /ERROR|HINT/ } split(/\n/, $err)) }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE TABLE shop.t (id bigint PRIMARY KEY, v text, changed timestamptz);
	INSERT INTO shop.t SELECT i, 'v' || i, now() - interval '2 hours' FROM generate_series(1, 1000) i;
	CREATE TABLE shop.head (id int PRIMARY KEY, v text, changed timestamptz); INSERT INTO shop.head VALUES (1, 'h', now() - interval '1 hour');
	CREATE TABLE shop.line (id int PRIMARY KEY, head int, v text, changed timestamptz); INSERT INTO shop.line VALUES (1, 1, 'l', now() - interval '1 hour');
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
sub crawl { sql("CALL ingest.crawl('shop')"); return }
sub sync { sql("CALL ingest.sync('c.$_[0]')") for 1 .. ($_[1] // 1); return }
# what everybody is told of a run: the table of runs, both views, the event, and who called
sub said
{
	my ($name) = @_;
	my (undef, $notices) = ('', '');
	$node->psql('postgres', "CALL ingest.sync('c.$name')", stderr => \$notices);
	my ($table, $run) = split(/\n/, sql("SELECT state || coalesce(' ' || array_to_string(left_out, ', '), ''), id FROM ingest.run WHERE sync = (SELECT s.id FROM ingest.sync s WHERE s.name = 'c.$name') ORDER BY id DESC LIMIT 1") =~ s/\|/\n/r);
	my %told = (view => sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.$name'"), runs => sql("SELECT state FROM ingest.run_status WHERE run = $run"),
		event => sql("SELECT data->>'state' FROM ingest.event WHERE type = 'ingest.sync.completed' AND data->>'run' = '$run'"),
		list => sql("SELECT 'succeeded' || coalesce(' with ' || string_agg(e, ', '), '') FROM ingest.event, jsonb_array_elements_text(data->'left_out') e WHERE type = 'ingest.sync.completed' AND data->>'run' = '$run'"),
		caller => $notices =~ /sync "c.$name": .*; (succeeded with .*)$/m ? $1 : 'succeeded');
	return join(' / ', $table, map { "$_: $told{$_}" } grep { $told{$_} ne $table } sort keys %told);
}

# -- what is left out --

sql("SELECT ingest.create_sync('there.t', 'c.t', key => '{id}', cursor_column => 'changed')");
is(said('t'), 'succeeded', 'everything is here');
sql("ALTER TABLE c.t ADD CHECK (v <> 'bad'); UPDATE shop.t SET v = 'bad', changed = now() WHERE id = 1");
is(said('t'), 'succeeded with rejected rows', 'a row that does not fit');
sync('t');
is(said('t'), 'succeeded with rejected rows', 'for as long as it does not');
is(sql("SELECT left_out FROM ingest.table_status WHERE sync = 'c.t'"), '{"rejected rows"}', 'for programs, too');
is(sql("SELECT last_success > now() - interval '1 minute' FROM ingest.table_status WHERE sync = 'c.t'"), 't', 'it is a run that got to its end');
sql("ALTER TABLE c.t DROP CONSTRAINT t_v_check");
sql("CALL ingest.redrive('c.t')");
is(said('t'), 'succeeded', 'and then it is here');
sql('DELETE FROM shop.t WHERE id BETWEEN 2 AND 200');
is(said('t'), 'succeeded with differing counts', 'rows that are gone, which no stamp tells of');
like(said('t') . sql("SELECT ingest.reload('c.t', true)") . said('t'), qr/succeeded with kept rows, differing counts$/, 'more than may go');
sync('t');
is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.t'") =~ /kept rows/ ? 1 : 0, 1, 'which is so until they may');
sql("SELECT ingest.alter_sync('c.t', max_delete_share => 1); SELECT ingest.reload('c.t', true)");
is(said('t'), 'succeeded', 'and then no more');
sql("INSERT INTO shop.t VALUES (5000, 'ahead', '2099-01-01')");
is(said('t'), 'succeeded with stamps ahead', 'a stamp that has not come yet');
sql('DELETE FROM shop.t WHERE id = 5000');
sync('t', 3);
is(said('t'), 'succeeded', 'is gone');
sql('ALTER TABLE shop.t ADD w text; ALTER TABLE shop.t ALTER w SET DEFAULT 1');
crawl();
sync('t');
sql('ALTER TABLE shop.t DROP w');
crawl();
is(said('t'), 'succeeded with gone columns', 'a column of which nothing is known any more');
sql('ALTER TABLE c.t DROP w');
is(said('t'), 'succeeded', 'until it is dropped here as well');
sql("SELECT ingest.create_sync('there.head', 'c.head', key => '{id}', cursor_column => 'changed', overlap => '1 s');
	SELECT ingest.create_sync('there.line', 'c.line', key => '{id}', cursor_column => 'changed', parent => 'c.head', parent_column => 'head')");
sync('head');
sql("SELECT ingest.pause(sync => 'c.line'); UPDATE shop.head SET v = 'on', changed = now()");
is(said('head'), 'succeeded with waiting children', 'lines that could not follow');
sql("SELECT ingest.resume(sync => 'c.line')");
sync('head', 2);
is(sql("SELECT string_agg(last_state, ' ') FROM ingest.table_status WHERE sync IN ('c.head', 'c.line')"), 'succeeded succeeded', 'and did');
my $late = $node->background_psql('postgres', on_error_stop => 1);
$late->query_safe("BEGIN; INSERT INTO shop.head VALUES (7, 'late', now())");
sleep(2);
sql("SELECT ingest.reload('c.head')");
is(said('head'), 'succeeded with owed comparison', 'what was under way while all was read is still to come');
$late->query_safe('COMMIT');
$late->quit;
sleep(2);
sync('head', 2);
is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.head'") . sql('SELECT count(*) FROM c.head'), 'succeeded2', 'and came');
sql("CREATE SCHEMA mine; CREATE TABLE shop.taken (id int PRIMARY KEY); CREATE TABLE there.taken (id int)");
is(refused("CALL ingest.crawl('shop')"), '', 'a crawl goes on');
is(sql("SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'succeeded with warnings', 'but did not do all of it');
sql('DROP TABLE there.taken');
crawl();
is(sql("SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'succeeded', 'and then it does');

# -- how late rows come --

sub reads_again { return sql("SELECT overlap_seconds, late_rows FROM ingest.table_status WHERE sync = 'c.late'") }
sql("CREATE TABLE shop.late (id bigint PRIMARY KEY, v text, changed timestamptz); INSERT INTO shop.late VALUES (0, 'first', now() - interval '10 min');
	UPDATE ingest.connector SET horizon_function = NULL WHERE wrapper = 'postgres_fdw'");
crawl();
sql("SELECT ingest.create_sync('there.late', 'c.late', key => '{id}', cursor_column => 'changed', overlap => '1 min', reconcile_every => '10 years')");
sync('late');
sql("INSERT INTO shop.late VALUES (1, 'in time', now())");
sync('late');
is(reads_again(), '60|', 'rows that come in time teach nothing');
sync('late', 2);
is(reads_again(), '60|', 'nor do those that are read again');
sql("INSERT INTO shop.late SELECT 10 + i, 'late', now() - interval '50 s' FROM generate_series(1, 3) i");
sync('late');
is(reads_again(), '128|3', 'late by 64 seconds at most: twice that is read again');
sql("INSERT INTO shop.late VALUES (20, 'later', now() - interval '110 s')");
sync('late');
is(sql("SELECT count(*) FROM c.late WHERE id = 20"), '1', 'so that what would have been lost for a while is there');
is(reads_again(), '256|4', 'and teaches more');
sql("INSERT INTO shop.late VALUES (21, 'far', now() - interval '30 min')");
sync('late', 3);
is(sql("SELECT count(*) FROM c.late WHERE id = 21") . reads_again(), '14096|5', 'what keys had to be compared for teaches, too');
sql("INSERT INTO shop.late VALUES (22, 'restored', now() - interval '3 years')");
sync('late', 3);
is(sql("SELECT count(*) FROM c.late WHERE id = 22") . reads_again(), '14096|5', 'but not a stamp that somebody set back by years');
sql("UPDATE ingest.sync_state z SET lateness_day = lateness_day - 1 FROM ingest.sync s WHERE s.id = z.sync AND s.name = 'c.late'");
is(reads_again(), '128|1', 'what was once is forgotten, what is often lasts');
sql("UPDATE ingest.sync_state z SET lateness_day = lateness_day - 100 FROM ingest.sync s WHERE s.id = z.sync AND s.name = 'c.late'");
is(reads_again(), '60|0', 'for a while');
sql("UPDATE ingest.connector SET horizon_function = 'ingest_internal.postgres_horizon' WHERE wrapper = 'postgres_fdw'");

# -- what text can hold --

my @odd = (bytea => "convert_to(v, 'UTF8')", money => "length(v)::money", regclass => "'pg_class'::regclass", 'bytea[]' => "ARRAY[convert_to(v, 'UTF8')]", 'inet' => "'10.0.0.1'::inet", integer => 'length(v) + 1');
while (my ($type, $using) = splice(@odd, 0, 2))
{
	sql("DROP TABLE IF EXISTS shop.typed, c.typed CASCADE; CREATE TABLE shop.typed (id int PRIMARY KEY, v text, changed timestamptz); INSERT INTO shop.typed SELECT i, 'v' || i, now() - interval '1 day' FROM generate_series(1, 5) i");
	sql("SELECT ingest.drop_sync('c.typed')") if sql("SELECT 1 FROM ingest.sync WHERE name = 'c.typed'");
	crawl();
	sql("SELECT ingest.create_sync('there.typed', 'c.typed', key => '{id}', cursor_column => 'changed', adopt => true)");
	sync('typed');
	sql("ALTER TABLE shop.typed ALTER v TYPE $type USING $using; UPDATE shop.typed SET changed = now() WHERE id = 1");
	crawl();
	if ($type =~ /bytea|money|reg/)
	{
		like(refused("CALL ingest.sync('c.typed')"), qr/^ERROR sync "c.typed" stopped: column "v" is \Q$type\E at the source and text in c.typed: values may not fit HINT ALTER TABLE c.typed ALTER COLUMN v TYPE \Q$type\E USING/, "$type is not what is written of it");
		is(sql("SELECT count(*) FROM c.typed WHERE v ~ '^v'"), '5', 'no row of the copy is touched');
		sql("ALTER TABLE c.typed DROP v; SELECT ingest.resume(sync => 'c.typed')");
	}
	sync('typed');
	is(sql("SELECT count(*) FROM (SELECT id, v::text, changed FROM shop.typed EXCEPT SELECT id, v::text, changed FROM c.typed) d"), '0', "$type: all of it is here, not one window");
	sync('typed');
	cmp_ok(sql("SELECT rows_read FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), '<', 5, 'and is read once');
	sql("SELECT ingest.reload('c.typed', true)");
	sync('typed');
	is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.typed'"), 'succeeded', 'and can be compared');
}

# -- what cannot be copied is refused when it is asked for --

sql("CREATE TABLE shop.nothing (); CREATE TABLE shop.kinds (id int PRIMARY KEY, v bytea, changed timestamptz); CREATE TABLE c.kinds (id int PRIMARY KEY, v text, changed timestamptz)");
crawl();
is(refused("SELECT ingest.create_sync('there.nothing', 'c.nothing', mode => 'full')"), 'ERROR there.nothing has no columns: there is nothing to copy HINT If it has some at the source by now, CALL ingest.crawl.', 'a table without columns');
is(refused("SELECT ingest.create_sync('there.kinds', 'c.kinds', cursor_column => 'changed')"), 'ERROR column "v" is bytea in there.kinds and text in c.kinds: values may not fit HINT Give the column the type of there.kinds, or let the sync create the table.', 'a table whose columns cannot hold what is there');
sql("CREATE TABLE shop.losing (a int); CREATE TABLE c.losing (a int)");
crawl();
sql("SELECT ingest.create_sync('there.losing', 'c.losing', mode => 'full', key => '{}')");
sync('losing');
sql('ALTER TABLE shop.losing DROP a');
crawl();
like(refused("CALL ingest.sync('c.losing')"), qr/^ERROR sync "c.losing" stopped: there.losing and c.losing have no column in common/, 'nor does one go on that lost them');

# -- a transaction that is left open --

sub told { return sql("SELECT severity, summary, evidence ? 'transactions' FROM ingest.anomaly WHERE kind = 'transaction'") }
sync('head', 2);
my $open = $node->background_psql('postgres', on_error_stop => 1);
$open->query_safe('BEGIN; SELECT txid_current()');
sync('head', 2);
is(told(), '', 'one of a moment ago is nothing odd');
sql("UPDATE ingest.sync_state SET under_way = (SELECT jsonb_object_agg(key, now() - interval '2 hours') FROM jsonb_each(under_way))");
sql("UPDATE shop.head SET v = 'beside', changed = now()");
sync('head');
sync('t');
is(told(), 'warning|a transaction at source "shop" has been open for over 1 hour: until it ends, each run of its copies reads again what came since it began|t', 'one of hours is told, once for all copies');
$open->query_safe('COMMIT');
$open->quit;
sync('head', 2);
is(sql("SELECT count(*) FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync WHERE s.name = 'c.head' AND z.under_way::text ~ 'hour'"), '0', 'and forgotten when it is over');
$node->stop;
done_testing();
