# What is checked again when a row has changed under a running query: the same with a foreign table as with a local one
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('evalplanqual');
# rows enough that a join asks for them by value
$node->safe_psql('postgres', q{
	ALTER FOREIGN TABLE netsuite.customer OPTIONS (ADD rows '1000000');
	CREATE TABLE local_customer AS SELECT * FROM netsuite.customer;
	CREATE INDEX ON local_customer (id); CREATE INDEX ON local_customer (entityid); ANALYZE local_customer;
	CREATE TABLE x (k bigint PRIMARY KEY, c bigint, e text, note text);
	ALTER ROLE postgres SET enable_hashjoin = off; ALTER ROLE postgres SET enable_mergejoin = off; ALTER ROLE postgres SET enable_material = off; ALTER ROLE postgres SET enable_seqscan = off;
	ALTER ROLE postgres SET enable_memoize = off; });

# One session changes the row and waits, another one runs the statement; what do the statement and the table say?
sub outcome
{
	my ($table, $change, $statement) = @_;
	$node->safe_psql('postgres', q{TRUNCATE x; INSERT INTO x SELECT 1, id, entityid, 'start' FROM local_customer WHERE id = 1010});
	my $first = $node->background_psql('postgres', on_error_stop => 0);
	my $second = $node->background_psql('postgres', on_error_stop => 0);
	(my $query = $statement) =~ s/TABLE/$table/g;
	$first->query("BEGIN; $change");
	# measured and planned beforehand: only the row is waited for
	$second->query("EXPLAIN $query");
	$second->query_until(qr/begun/, "\\echo begun\n$query;\n\\echo done\n");
	poll_until($node, 'postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
	$first->query('COMMIT');
	my $said = $second->query('SELECT 1');
	$first->quit;
	$second->quit;
	$said =~ s/\bdone\b\s*|^1$//mg;
	return join(' | ', $said =~ s/\s+/ /gr, $node->safe_psql('postgres', 'SELECT * FROM x'));
}

my %change = (
	'the joined number changes' => 'UPDATE x SET c = 1011',
	'the joined text changes' => q{UPDATE x SET e = 'CUST001011'},
	'another column changes' => q{UPDATE x SET note = 'touched'});
my %statement = (
	'UPDATE by number' => q{UPDATE x SET note = note || ' ' || g.id FROM TABLE g WHERE g.id = x.c RETURNING x.note},
	'UPDATE by text' => q{UPDATE x SET note = note || ' ' || g.id FROM TABLE g WHERE g.entityid = x.e RETURNING x.note},
	'UPDATE by number and a range' => q{UPDATE x SET note = note || ' ' || g.id FROM TABLE g WHERE g.id = x.c AND g.id < x.c + 1 AND NOT g.isinactive RETURNING x.note},
	'FOR UPDATE' => 'SELECT x.k, x.c, g.id FROM x JOIN TABLE g ON g.id = x.c FOR UPDATE OF x',
	'FOR UPDATE of an outer join' => 'SELECT x.k, x.c, g.id FROM x LEFT JOIN TABLE g ON g.id = x.c FOR UPDATE OF x',
	'FOR UPDATE with EXISTS' => 'SELECT x.k, x.c FROM x WHERE EXISTS (SELECT FROM TABLE g WHERE g.id = x.c) FOR UPDATE',
	'MERGE' => 'MERGE INTO x USING TABLE g ON g.id = x.c WHEN MATCHED THEN UPDATE SET note = note || g.id',
	'UPDATE from groups' => 'UPDATE x SET note = note || g.n FROM (SELECT id, count(*) AS n FROM TABLE WHERE id < 1100 GROUP BY id) g WHERE g.id = x.c RETURNING x.note',
	'UPDATE from the first few' => 'UPDATE x SET note = note || g.id FROM (SELECT id FROM TABLE WHERE id < 1100 ORDER BY id LIMIT 100) g WHERE g.id = x.c RETURNING x.note',
	'FOR UPDATE by a subquery' => 'SELECT x.k, x.c, (SELECT max(g.id) FROM TABLE g WHERE g.id = x.c) FROM x FOR UPDATE',
	'DELETE' => 'DELETE FROM x USING TABLE g WHERE g.id = x.c RETURNING x.note');
like($node->safe_psql('postgres', q{EXPLAIN VERBOSE UPDATE x SET note = '' FROM netsuite.customer g WHERE g.id = x.c}), qr/Nested Loop.*SuiteQL:[^\n]*(t\.id = \$|\$\d+ = t\.id)/s, 'the join asks by value');
for my $s (sort keys %statement)
{
	for my $c (sort keys %change)
	{
		is(outcome('netsuite.customer', $change{$c}, $statement{$s}), outcome('local_customer', $change{$c}, $statement{$s}), "$s, $c");
	}
}
$node->stop;
done_testing();
