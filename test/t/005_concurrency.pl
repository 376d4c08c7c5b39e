# The account's concurrency is kept to, and rows that change under the reader do no harm
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('concurrency');
$node->safe_psql('postgres', q{
	ALTER SERVER ns OPTIONS (ADD page_size '200');
	CREATE TABLE truth AS SELECT * FROM netsuite.transactionline});
my $same = 'SELECT count(*) FROM ((TABLE truth EXCEPT ALL SELECT * FROM netsuite.transactionline) UNION ALL (SELECT * FROM netsuite.transactionline EXCEPT ALL TABLE truth)) x';

# never more at once than max_concurrency
for my $n (1, 2, 4)
{
	$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (" . ($n == 1 ? 'ADD' : 'SET') . " max_concurrency '$n')");
	fresh_log();
	control(op => 'latency', seconds => 0.02);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM netsuite.transactionline OFFSET 0) x'), '20055', "max_concurrency $n: all rows");
	is(control(op => 'log')->{peak}, $n, "$n requests at once");
}

# an account that allows less: refusals lower our own parallelism
fresh_log();
control(op => 'switch', name => 'concurrency_limit', value => 2);
control(op => 'latency', seconds => 0.02);
is($node->safe_psql('postgres', $same), '0', 'fewer allowed than asked for: right rows');
my @requests = @{ control(op => 'log')->{requests} };
my $refused = grep { $_->{status} == 429 } @requests;
cmp_ok($refused, '>', 0, 'requests were refused');
cmp_ok($refused, '<', @requests * 0.15, "but few: $refused of " . @requests);

# a burst of refusals that has passed is made good in a few rounds
fresh_log();
control(op => 'latency', seconds => 0.02);
control(op => 'fault', kind => '429', count => 9, match => 'suiteql', after => 1);
my $session = $node->background_psql('postgres');
my $some = 'SELECT count(*) = count(DISTINCT uniquekey) FROM (SELECT uniquekey FROM netsuite.transactionline WHERE uniquekey < 12000 OFFSET 0) x';
is($session->query_safe($some), 't', 'a burst of refusals: right rows');
fresh_log();
control(op => 'latency', seconds => 0.02);
is($session->query_safe($some), 't', 'the next scan');
cmp_ok(control(op => 'log')->{peak}, '>=', 3, 'has as many requests at once as were not refused');
$session->quit;

# several backends share the account
my @handles = map {
	my ($out, $err) = ('', '');
	[ IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $same ], '>', \$out, '2>', \$err), \$out, \$err ]
} 1 .. 3;
$_->[0]->finish for @handles;
is(join(',', map { ${ $_->[1] } } @handles), "0\n,0\n,0\n", 'three backends at once over the limit: right rows') or diag(map { ${ $_->[2] } } @handles);
fresh_log();

# edits, insertions and deletions while pages are read: rows that nobody touched come exactly once
my $rounds = 8;
control(op => 'latency', seconds => 0.005);
my ($out, $err) = ('', '');
my $reader = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
	"DO \$\$ DECLARE missing bigint; BEGIN FOR i IN 1 .. $rounds LOOP "
	  . 'CREATE TEMP TABLE seen AS SELECT * FROM netsuite.transactionline; '
	  . 'SELECT count(*) INTO missing FROM (SELECT * FROM truth t WHERE uniquekey % 5 > 0) t LEFT JOIN seen s USING (uniquekey) WHERE s.netamount IS DISTINCT FROM t.netamount; '
	  . "IF missing > 0 THEN RAISE EXCEPTION '% rows missing, doubled or changed', missing; END IF; "
	  . "IF (SELECT count(*) <> count(DISTINCT uniquekey) FROM seen) THEN RAISE EXCEPTION 'doubled rows'; END IF; DROP TABLE seen; END LOOP; END \$\$" ], '>', \$out, '2>', \$err);
my $edits = 0;
while ($reader->pumpable && $edits < 3000)
{
	my $k = int(rand(8000)) * 5;
	control(op => 'sql', sql => "DELETE FROM ns.transactionline WHERE uniquekey = $k");
	control(op => 'sql', sql => "UPDATE ns.transactionline SET memo = 'edited' WHERE uniquekey = " . ($k + 5));
	control(op => 'sql', sql => "INSERT INTO ns.transactionline (transaction, id, uniquekey) SELECT 900000000 + $edits, 1, 100000000 + 5 * $edits WHERE NOT EXISTS (SELECT FROM ns.transactionline WHERE uniquekey = 100000000 + 5 * $edits)") if $edits % 3 == 0;
	$edits++;
	$reader->pump_nb;
}
$reader->finish;
is($err, '', "rows changed $edits times during $rounds scans: the others came once, unchanged");
cmp_ok($edits, '>', 20, 'there were edits');
fresh_log();
$node->stop;
done_testing();
