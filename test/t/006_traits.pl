# What only some accounts have is tried when a query gains from it, and remembered
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('traits');
my $lines = 'SELECT count(*) FROM (SELECT * FROM netsuite.transactionline OFFSET 0) x';
my $top = 'SELECT string_agg(id::text, chr(44)) FROM (SELECT id FROM netsuite.transaction ORDER BY trandate DESC, id LIMIT 7) x';
my $local = 'SELECT string_agg(id::text, chr(44)) FROM (SELECT id FROM t ORDER BY trandate DESC, id LIMIT 7) x';

# answers, requests for rows and refusals of statements run in one session
sub asked
{
	my ($switches, @statements) = @_;
	my $result;

	# pages that the last statement had asked for and did not need are none of this one's
	for (1 .. 100) { last if control(op => 'log')->{in_flight} == 0; sleep(0.05); }
	fresh_log();
	control(op => 'switch', name => $_, value => $switches->{$_}) for keys %$switches;
	$result = $node->safe_psql('postgres', join('; ', @statements));
	my @queries = grep { ($_->{q} // 'sys_now') !~ /sys_now/ } @{ control(op => 'log')->{requests} };
	return ($result, scalar @queries, scalar grep { $_->{status} == 400 } @queries);
}

# the sizes of page that the last statements asked for
sub limits
{
	my %size;

	$size{$_}++ for map { $_->{query} =~ /limit=(\d+)/ } @{ control(op => 'log')->{requests} };
	return sort keys %size;
}

# pages of 3000 rows
my $all = $node->safe_psql('postgres', 'SELECT count(*) FROM netsuite.transactionline');
my ($rows, $small, $refused) = asked({}, $lines, $lines);
is($rows, "$all\n$all", 'an account of small pages: all rows');
is($refused, 1, 'large pages are tried once in a session');
my $large;
($rows, $large, $refused) = asked({ max_limit => 3000 }, $lines, $lines);
is($rows, "$all\n$all", 'an account of large pages: all rows');
is($refused, 0, 'large pages are not refused');
# each part begins with small pages; when it changes to large ones depends on the machine (23 to 29 requests of 45 to 47 were seen)
cmp_ok($large, '<', $small * 0.75, "and take fewer requests: $large, not $small");
$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD page_size '1000')");
($rows, $large) = asked({ max_limit => 3000 }, $lines);
is("$rows " . join(' ', limits()), "$all 1000", 'a declared page_size is not exceeded');
$node->safe_psql('postgres', 'ALTER SERVER ns OPTIONS (DROP page_size)');

# FETCH FIRST
$node->safe_psql('postgres', 'CREATE TABLE t AS SELECT id, trandate FROM netsuite.transaction');
my $right = $node->safe_psql('postgres', $local);
($rows, my $n, $refused) = asked({}, $top, $top);
is($rows, "$right\n$right", 'the first few by FETCH FIRST');
is("$n $refused", '2 0', 'in one request each');
like(join(' ', map { $_->{q} // '' } @{ control(op => 'log')->{requests} }), qr/FETCH FIRST 7 ROWS ONLY/, 'FETCH FIRST is asked for');
my $ties = 'SELECT count(*), min(id), max(id) FROM (SELECT id FROM %s ORDER BY trandate FETCH FIRST 2 ROWS WITH TIES) x';
control(op => 'sql', sql => "UPDATE ns.transaction SET trandate = '1980-01-01' WHERE id % 3 = 0");
$node->safe_psql('postgres', 'TRUNCATE t; INSERT INTO t SELECT id, trandate FROM netsuite.transaction');
is($node->safe_psql('postgres', sprintf($ties, 'netsuite.transaction')), $node->safe_psql('postgres', sprintf($ties, 't')),
	'WITH TIES reads on behind the first few');
$right = $node->safe_psql('postgres', $local);
($rows, $n, $refused) = asked({ fetch_first => \0 }, $top, $top);
is($rows, "$right\n$right", 'the first few where there is no FETCH FIRST');
is("$n $refused", '3 1', 'which costs one request in a session');
($rows, $n) = asked({ fetch_first => \0, fetch_first_status => 500 }, $top, $top);
is("$rows $n", "$right\n$right 4", 'refused by a fault: asked twice, then without, and not again in the session');
$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD fetch_first 'off')");
($rows, $n, $refused) = asked({}, $top);
is("$rows $n $refused", "$right 1 0", 'and none if the server says so');
like($node->safe_psql('postgres', q{SELECT detail FROM netsuite_check('ns') WHERE "check" = 'paging'}), qr/pages of 1000 rows; larger ones: not needed yet; FETCH FIRST: no/, 'netsuite_check tells');

done_testing();
