# Text is compared as PostgreSQL does, whatever collations an account's columns are bound to
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('collation');

# columns of mixed case, accents composed and not, blanks, codes, digits alone
control(op => 'sql', sql => "CREATE TABLE ns.kept AS SELECT id, memo, otherrefnum, tranid FROM ns.transaction");
control(op => 'sql', sql => q{UPDATE ns.transaction SET
	memo = (ARRAY['abc', 'Abc', 'ABC', 'abc ', 'ab', 'é', E'e\u0301', 'e', 'E', 'É', E'xe\u0301y', 'xéy', 'xey', 'x_y', 'a%c', NULL, 'ß', 'SS', 'İx', 'ix', E'a\u00adbc', '_', 'a\bc', '10', '9', '😀', 'zebra', 'Zebra'])[1 + id % 28],
	otherrefnum = (1000 + id % 7)::text});
$node->safe_psql('postgres', 'CREATE SCHEMA here; CREATE TABLE here.transaction AS SELECT id, memo, otherrefnum, tranid, type, status, trandate, posting FROM netsuite.transaction');

my @texts = ("'abc'", "'ABC'", "'abc '", "'é'", "E'e\\u0301'", "'e'", "'SS'", "'ß'", "'zebra'", "'1003'", "E'a\\u00adbc'");
my @patterns = ("'a%'", "'%C'", "'x_y'", "'x__y'", "'e%'", "'%e'", "'é%'", "'_'", "'__'", "'abc'", "'%😀'", "'i%'");
my @conditions = (
	(map { ("memo = $_", "memo <> $_", "NOT memo = $_", "memo IN ($_, 'Abc')", "memo NOT IN ($_, 'Abc')", "memo < $_ COLLATE \"C\"", "memo >= $_ COLLATE \"C\"", "coalesce(memo, 'x') = $_", "otherrefnum = $_") } @texts),
	(map { ("memo LIKE $_", "memo NOT LIKE $_") } @patterns),
	'memo = otherrefnum', 'memo <> tranid', q{CASE WHEN memo = 'abc' THEN 1 ELSE 2 END = 1}, q{type = 'salesord'}, q{type <> 'SalesOrd'}, q{status = 'b'});
my @queries = (
	(map { "SELECT count(*) FROM transaction WHERE $_" } @conditions),
	(map { "SELECT id FROM transaction WHERE $_ ORDER BY trandate, id LIMIT 3" } grep { /memo (=|LIKE|IN)/ } @conditions),
	'SELECT memo, count(*) FROM transaction GROUP BY memo', 'SELECT count(DISTINCT memo), count(DISTINCT otherrefnum), count(DISTINCT type) FROM transaction',
	'SELECT otherrefnum, count(*) FROM transaction GROUP BY 1', 'SELECT type, status, count(*) FROM transaction GROUP BY 1, 2', 'SELECT DISTINCT memo FROM transaction',
	'SELECT min(memo COLLATE "C"), max(memo COLLATE "C") FROM transaction', 'SELECT id FROM transaction ORDER BY memo COLLATE "C", id LIMIT 40', 'SELECT memo FROM transaction WHERE posting ORDER BY memo COLLATE "C" DESC NULLS LAST, id LIMIT 5',
	q{SELECT to_char(trandate, 'YYYY-MM'), count(*) FROM transaction GROUP BY 1}, q{SELECT CASE WHEN memo = 'abc' THEN 'abc' ELSE memo END, count(*) FROM transaction GROUP BY 1},
	q{SELECT type, count(*) FILTER (WHERE memo <> 'ABC') FROM transaction GROUP BY type HAVING min(memo COLLATE "C") < 'b'});

# the answers of all queries in a schema, one a line
sub answers
{
	my ($schema) = @_;
	my $script = "SET search_path = $schema;\n";

	for my $q (@queries)
	{
		my $order = $q =~ /LIMIT/ ? '' : ' ORDER BY x::text COLLATE "C"';
		$script .= "SELECT coalesce(md5(string_agg(x::text, '|'$order)), '') FROM ($q) x;\n";
	}
	return split /\n/, $node->safe_psql('postgres', $script), -1;
}

my @right = answers('here');
is(scalar(@right), scalar(@queries), 'every query has an answer');
for my $case ({}, { case_insensitive => \1 }, { accent_insensitive => \1 }, { case_insensitive => \1, accent_insensitive => \1 }, { ignore_trailing_blanks => \1 }, { text_sort => 'linguistic' }, { dual => \0 })
{
	for my $on_columns (0, 1)
	{
		fresh_log();
		control(op => 'switch', name => $_, value => $case->{$_}) for keys %$case;
		control(op => 'switch', name => 'collation_on_columns', value => $on_columns ? \1 : \0);
		my @got = answers('netsuite');
		my @wrong = map { $queries[$_] } grep { ($got[$_] // 'none') ne $right[$_] } 0 .. $#queries;
		is(join("\n", @wrong), '', join(' ', 'text as here:', (sort keys %$case), $on_columns ? 'on columns alone' : ()));
	}
}

# what is proved is sent, what is not is checked here
sub sent
{
	my ($query) = @_;
	return join ' ', $node->safe_psql('postgres', "SET search_path = netsuite; EXPLAIN (VERBOSE, COSTS OFF) $query") =~ /SuiteQL: (.*)/;
}
fresh_log();
like(sent(q{SELECT count(*) FROM transaction WHERE memo = 'abc'}), qr/COUNT\(\*\).*WHERE t.memo = 'abc'/, 'a column that compares exactly: the aggregate is sent');
unlike(sent(q{SELECT count(*) FROM transaction WHERE otherrefnum = '1003'}), qr/COUNT/, 'a column of digits alone proves nothing');
control(op => 'switch', name => 'collation_on_columns', value => \1);
control(op => 'switch', name => 'case_insensitive', value => \1);
unlike(sent(q{SELECT count(*) FROM transaction WHERE memo = 'abc'}), qr/COUNT/, 'one that is bound to another collation: no');
like(sent(q{SELECT id FROM transaction WHERE memo = 'abc'}), qr/WHERE t.memo = 'abc'/, 'but the condition is sent, and checked here');
like(sent(q{SELECT id FROM transaction WHERE memo LIKE 'a%'}), qr/WHERE t.memo LIKE 'a%'/, 'so is a pattern that finds enough');
unlike(sent(q{SELECT id FROM transaction WHERE memo LIKE 'a_'}), qr/_'/, 'one that may not is widened');
control(op => 'switch', name => 'accent_insensitive', value => \1);
unlike(sent(q{SELECT id FROM transaction WHERE memo LIKE 'e%'}), qr/LIKE/, 'nor one on a column of letters, not code points');

# one request for the columns of a statement, once in a session
fresh_log();
my $both = q{SELECT memo, type, count(*) FROM netsuite.transaction WHERE tranid <> 'x' GROUP BY 1, 2;};
$node->safe_psql('postgres', "$both $both");
is(scalar(grep { ($_->{q} // '') =~ /proof_/ } @{ control(op => 'log')->{requests} }), 1, 'one question for all columns of a statement');

# nothing that cannot be measured fails a query
for my $kind (qw(500 503 403 400-concurrency reset-before garbage))
{
	fresh_log();
	control(op => 'fault', kind => $kind, match => 'suiteql', count => $kind eq '403' ? 1 : 2);
	is($node->safe_psql('postgres', q{SELECT memo, count(*) FROM netsuite.transaction WHERE memo <> 'abc' GROUP BY memo ORDER BY memo COLLATE "C"}),
		$node->safe_psql('postgres', q{SELECT memo, count(*) FROM here.transaction WHERE memo <> 'abc' GROUP BY memo ORDER BY memo COLLATE "C"}), "$kind while text is measured: right rows");
	fresh_log();
	control(op => 'fault', kind => $kind, match => 'suiteql', count => $kind eq '403' ? 1 : 2);
	is($node->psql('postgres', q{EXPLAIN SELECT memo, count(*) FROM netsuite.transaction GROUP BY 1}), 0, 'and a plan');
	fresh_log();
	control(op => 'fault', kind => $kind, match => 'serverTime');
	is($node->psql('postgres', q{EXPLAIN SELECT memo, count(*) FROM netsuite.transaction WHERE type <> 'x' GROUP BY 1}), 0, "$kind from serverTime for ever: a plan");
	is($node->safe_psql('postgres', q{SELECT string_agg("check" || ' ' || ok, ', ') FROM netsuite_check('ns') WHERE "check" NOT IN ('address', 'tls', 'clock')}),
		'credential true, login true, suiteql true, zone true, text true, paging true, concurrency true', 'and all the other checks');
}
fresh_log();
control(op => 'sql', sql => 'UPDATE ns.transaction t SET memo = k.memo, otherrefnum = k.otherrefnum FROM ns.kept k WHERE k.id = t.id');
control(op => 'sql', sql => 'DROP TABLE ns.kept');

done_testing();
