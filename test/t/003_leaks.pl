# A session that fails a thousand times leaks no memory, descriptors or connections
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('leaks', conf => "restart_after_crash = on\n");
$node->safe_psql('postgres', q{
	ALTER SERVER ns OPTIONS (ADD max_retries '0', ADD request_timeout '5');
	CREATE FUNCTION usage() RETURNS TABLE (descriptors bigint, memory bigint, rss_kb bigint) LANGUAGE sql AS $$
		SELECT (SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/fd')),
			(SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts),
			substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmRSS:\s+(\d+)')::bigint $$;
	CREATE PROCEDURE fail(n int) LANGUAGE plpgsql AS $$
	DECLARE queries text[] := ARRAY['SELECT * FROM netsuite.transaction', 'SELECT 1 / (id - 9) FROM netsuite.transaction', 'SELECT * FROM broken', 'SELECT * FROM wrong', 'SELECT 1 / (id - 9) FROM netsuite.transaction ORDER BY id'];
	BEGIN
		FOR i IN 1 .. n LOOP
			BEGIN
				EXECUTE queries[1 + i % cardinality(queries)];
				IF i % cardinality(queries) <> 0 THEN RAISE 'it did not fail'; END IF;
			EXCEPTION WHEN OTHERS THEN
				IF SQLERRM = 'it did not fail' THEN RAISE; END IF;
			END;
		END LOOP;
	END $$;
	CREATE FOREIGN TABLE broken (id bigint, nope text) SERVER ns OPTIONS ("table" 'currency', key 'id');
	CREATE FOREIGN TABLE wrong (id bigint, name integer) SERVER ns OPTIONS ("table" 'currency', key 'id');});
control(op => 'fault', kind => '503', probability => 0.1, match => 'suiteql');
control(op => 'fault', kind => 'reset-body', probability => 0.05, match => 'suiteql');
my @usage = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{
	SET statement_timeout = 0;
	CALL fail(300); SELECT * FROM usage(); CALL fail(1000); SELECT * FROM usage();});
cmp_ok($usage[1][0] - $usage[0][0], '<=', 4, "descriptors: $usage[0][0], then $usage[1][0]; at most open connections differ");
cmp_ok($usage[1][1] - $usage[0][1], '<', 500_000, "memory in contexts grew by " . ($usage[1][1] - $usage[0][1]) . ' bytes');
cmp_ok($usage[1][2] - $usage[0][2], '<', 6_000, "resident memory grew by " . ($usage[1][2] - $usage[0][2]) . ' kB');
my $log = control(op => 'log');
cmp_ok($log->{connections}, '<', scalar @{ $log->{requests} }, 'connections were used again');
fresh_log();

# a scan that succeeds keeps its connections for the next one
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM netsuite.transaction OFFSET 0) x; SELECT count(*) FROM (SELECT * FROM netsuite.transactionline OFFSET 0) x'), "5000\n20055", 'two scans');
cmp_ok(control(op => 'log')->{connections}, '<=', 4 + 1, 'four connections for both');

# kill -9 in the middle of a scan: the server recovers, NetSuite is left in peace
control(op => 'latency', seconds => 0.2);
my ($out, $err) = ('', '');
my $query = 'SELECT count(*) FROM (SELECT * FROM netsuite.transactionline OFFSET 0) killed';
my $handle = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$out, '2>', \$err);
poll_until($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query = '$query' AND wait_event = 'Extension'");
my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE query = '$query' AND pid <> pg_backend_pid()");
kill 'KILL', $pid;
eval { $handle->finish };
control(op => 'latency', seconds => 0);
ok(poll_until($node, 'postgres', "SELECT count(*) = 20055 FROM (SELECT * FROM netsuite.transactionline OFFSET 0) x"), 'the server is back and reads all rows');
sleep 1;
is(control(op => 'log')->{in_flight}, 0, 'no request is left behind');
$node->stop;
done_testing();
