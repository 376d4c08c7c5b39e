# A run that finds nothing costs one request, and passes over nothing: not with late rows, deletions, clocks set back, wall clocks that show an hour twice
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes 'sleep';

my $node = new_engine('idle', tables => 'customer,term');
sub sql { return $node->safe_psql('postgres', shift); }
my $stamp = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC')";
sql("SELECT ingest.create_sync('erp.customer', 'copy.customer', key => '{id}', cursor_column => 'lastmodifieddate', name => 'customer', overlap => '5 s')");

# run the sync; what it asked for
sub run
{
	control(op => 'reset');
	sleep(1.2);    # what is stamped in this second belongs to the next run
	sql("CALL ingest.sync('customer')");
	my @asked = map { $_->{path} =~ /serverTime/ ? 'clock' : ($_->{q} // '') =~ /^SELECT 'changed'/ ? 'changes' : ($_->{q} // '') =~ /FROM deletedrecord/ ? 'feed' : 'rows' }
	  grep { $_->{path} !~ /token/ } @{ control(op => 'log')->{requests} };
	return join(' ', @asked);
}
sub agree { return is(differences($node, 'copy.customer', 'erp.customer'), '0', shift); }
# until the overlap holds nothing any more, and a run has seen that: on a busy machine that is not the first one
sub calm
{
	sleep(6);
	run();
	for (1 .. 10) { return if run() eq 'changes'; }
	return fail('it calms down');
}

# the zone is measured once a session
sql("ALTER SERVER ns OPTIONS (ADD timezone 'UTC')");
run();
is(run(), 'changes', 'nothing changed: one request');
my $watermark = sql('SELECT watermark FROM ingest.sync_state');
is(run(), 'changes', 'and again');
is(sql('SELECT watermark FROM ingest.sync_state'), $watermark, 'the watermark stays');
is(sql("SELECT state || rows_read FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'succeeded0', 'the run succeeded');

control(op => 'sql', sql => "UPDATE ns.customer SET companyname = 'changed', lastmodifieddate = $stamp WHERE id = (SELECT min(id) FROM ns.customer)");
is(run(), 'changes rows rows', 'a change: it is read, and rows are counted');
is(sql('SELECT watermark FROM ingest.sync_state'), $watermark, 'without a clock the watermark stays');
agree('it is here');
is(run(), 'clock feed rows rows', 'the next run asks the clock, and counts');
cmp_ok(sql('SELECT watermark FROM ingest.sync_state'), 'gt', $watermark, 'and moves the watermark');
calm();
is(run(), 'changes', 'until it has passed');

# a row that became visible late
sql("UPDATE ingest.sync_state SET clock_at = NULL");
run();
control(op => 'sql', sql => "UPDATE ns.customer SET companyname = 'late', lastmodifieddate = $stamp - interval '3 s' WHERE id = (SELECT max(id) FROM ns.customer)");
run();
agree('a row stamped before the watermark that became visible later');

# deletions, of this and another kind
my $gone = "(SELECT id FROM ns.customer ORDER BY id LIMIT 1 OFFSET 5)";
control(op => 'sql', sql => "INSERT INTO ns.deletedrecord SELECT id, -2, 'customer', 'customer', 'gone', 'UIF', 1, $stamp, 'F', 'F', 'F' FROM ns.customer WHERE id = $gone");
control(op => 'sql', sql => "DELETE FROM ns.customer WHERE id = $gone");
like(run(), qr/feed/, 'a deletion: the feed is read');
agree('it is deleted');
calm();
is(run(), 'changes', 'then one request again');

# edits and deletions at any moment, and runs at any moment: nothing is owed after the last
srand(8);
for my $round (1 .. 12)
{
	my $n = int(rand 1000);
	control(op => 'sql', sql => "UPDATE ns.customer SET companyname = 'round $round', lastmodifieddate = $stamp WHERE id IN (SELECT id FROM ns.customer ORDER BY md5(id::text || $n) LIMIT 5)") if rand() < 0.6;
	control(op => 'sql', sql => "WITH d AS (DELETE FROM ns.customer WHERE id = (SELECT id FROM ns.customer ORDER BY md5(id::text || $n) LIMIT 1) RETURNING id) "
		  . "INSERT INTO ns.deletedrecord SELECT id, -2, 'customer', 'customer', 'gone', 'UIF', 1, $stamp, 'F', 'F', 'F' FROM d") if rand() < 0.3;
	sleep(rand 1);
	sql("CALL ingest.sync('customer')");
}
run();
agree('after edits, deletions and runs at any moment');
calm();

# the clock there is set back, and a row changes: below the watermark
control(op => 'clock', offset => -120);
control(op => 'sql', sql => "UPDATE ns.customer SET companyname = 'below', lastmodifieddate = $stamp WHERE id = (SELECT min(id) FROM ns.customer)");
like(run(), qr/^changes clock feed rows/, 'a clock that was set back is noticed');
agree('and what it hid is read');
control(op => 'clock', offset => 0);
calm();

# an old answer of the clock is not trusted, nor one from the future
is(run(), 'changes', 'trusted');
for my $at ("clock_timestamp() - interval '61 min'", "clock_timestamp() + interval '1 min'")
{
	sql("UPDATE ingest.sync_state SET clock_at = $at");
	like(run(), qr/^clock feed rows/, "not with a clock asked at $at");
}
sql("UPDATE ingest.sync SET overlap = '1 s'");
like(run(), qr/^clock feed rows/, 'nor without an overlap to cover its tolerance');

# a connector whose function does not know: as without it
sql(q{UPDATE ingest.sync SET overlap = '5 s';
	CREATE FUNCTION copy.unknown(regclass, name, timestamptz, timestamptz, OUT changed bigint, OUT deleted bigint, OUT clock timestamptz) LANGUAGE sql AS 'SELECT NULL::bigint, NULL::bigint, now()';
	UPDATE ingest.connector SET changes_function = 'copy.unknown' WHERE wrapper = 'netsuite_fdw'});
like(run(), qr/^clock feed rows/, 'unknown is not nothing');

# counted from no later than a moment, whatever the zone does: no row is missed, none counted from hours before
for my $zone ('America/Los_Angeles', 'Europe/Berlin', 'Australia/Lord_Howe')
{
	control(op => 'reset');
	control(op => 'switch', name => 'datetime_zone', value => $zone);
	sql("ALTER SERVER ns OPTIONS (SET timezone '$zone')");
	is( sql(qq{
		CREATE TEMP TABLE here AS SELECT lastmodifieddate AS at FROM erp.customer;
		SELECT string_agg(m::text, ' ') FROM (SELECT moment + i * interval '20 min' AS m FROM (VALUES (timestamptz '2024-03-10 10:00Z'), ('2024-11-03 09:00Z'), ('2024-03-31 01:00Z'), ('2024-10-27 01:00Z'),
			('2024-04-06 15:00Z'), ('2024-10-05 15:30Z')) v(moment), generate_series(-4, 4) i) x,
			LATERAL netsuite_changes('erp.customer', 'lastmodifieddate', m) c
		WHERE c.changed NOT BETWEEN (SELECT count(*) FROM here WHERE at >= m) AND (SELECT count(*) FROM here WHERE at >= m - interval '2 hours')}),
		'', "counts around changes of the clocks in $zone");
}

# what cannot be
fresh_log();
my (undef, undef, $err) = $node->psql('postgres', "SELECT netsuite_changes('copy.customer', 'lastmodifieddate', now())");
like($err, qr/is not a foreign table/, 'a table of ours');
(undef, undef, $err) = $node->psql('postgres', "SELECT netsuite_changes('erp.customer', 'companyname', now())");
like($err, qr/does not hold datetimes/, 'a column of texts');
(undef, undef, $err) = $node->psql('postgres', "SELECT netsuite_changes('erp.customer', 'lastmodifieddate', '-infinity')");
like($err, qr/must be finite/, 'no moment');
sql("CREATE ROLE stranger; GRANT USAGE ON SCHEMA erp TO stranger");
(undef, undef, $err) = $node->psql('postgres', "SET ROLE stranger; SELECT netsuite_changes('erp.customer', 'lastmodifieddate', now())");
like($err, qr/permission denied for foreign table customer/, 'a table that one may not read');
is(sql(q{CREATE FOREIGN TABLE erp.nothing (id bigint, at timestamptz) SERVER ns OPTIONS ("table" 'nosuchtable', key 'id'); SELECT netsuite_changes('erp.nothing', 'at', now()) IS NOT NULL AND (netsuite_changes('erp.nothing', 'at', now())).changed IS NULL}),
	'f', 'a question that the account refuses');
fresh_log();
$node->stop;
done_testing();
