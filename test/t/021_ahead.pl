# A long read of a table that is known from before begins with all slots at once; what is known may be wrong
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = 25;
my $node = new_server('ahead');
$node->safe_psql('postgres', q{
	ALTER SERVER ns OPTIONS (ADD page_size '20');
	CREATE FOREIGN TABLE notes (id bigint, field text) SERVER ns OPTIONS ("table" 'systemnote', key 'id');
	CREATE TABLE mirror AS SELECT * FROM notes});
my $all = 'SELECT count(*) FROM (SELECT * FROM notes OFFSET 0) x';

# how many requests were sent before the first was answered
sub at_first
{
	my ($sql, $before) = @_;
	my ($out, $err) = ('', '');
	fresh_log();
	control(op => 'latency', seconds => 0.5);
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
		'<', \"$before;\n\\! sandbox/control reset >/dev/null; sandbox/control latency seconds=0.5 >/dev/null\n$sql", '>', \$out, '2>', \$err) or die $err;
	my @asked = sort { $a->{at} <=> $b->{at} } grep { $_->{query} =~ /limit/ } @{ control(op => 'log')->{requests} };
	fresh_log();
	return scalar grep { $_->{at} < $asked[0]->{at} + 0.4 } @asked;
}
is(at_first($all, 'SELECT 1'), 1, 'a table not seen before begins with one page');
is(at_first($all, $all), 4, 'one seen before with all slots');
is(at_first('SELECT EXISTS (SELECT FROM (SELECT * FROM notes OFFSET 0) x)', $all), 1, 'but not where the first rows may do');
is(at_first('BEGIN; DECLARE c CURSOR FOR SELECT * FROM notes; FETCH 5 FROM c; COMMIT', $all), 1, 'nor for a cursor');
is(at_first('SELECT count(*) FROM (SELECT * FROM notes WHERE id < 900 OFFSET 0) x', $all), 1, 'nor for a part of it');
$node->safe_psql('postgres', 'ANALYZE notes');
is(at_first($all, 'SELECT 1'), 4, 'statistics do as well');

# one session, whose guess is the table as it was before each change
my @changes = (
	'DELETE FROM %s WHERE id > (SELECT min(id) FROM %s) + %d',
	'DELETE FROM %s WHERE id < (SELECT max(id) FROM %s) - %d',
	'DELETE FROM %s WHERE id %% 7 < (SELECT least(max(id), 5) FROM %s) AND id > -%d',
	'DELETE FROM %s WHERE id >= (SELECT min(id) FROM %s) + 0 * %d',
	"INSERT INTO %s (id, field) SELECT (SELECT coalesce(max(id), 0) FROM %s) + i, 'new' FROM generate_series(1, %d) i",
	"INSERT INTO %s (id, field) SELECT (SELECT coalesce(min(id), 0) FROM %s) - i * i, 'before' FROM generate_series(1, %d) i",
	"INSERT INTO %s (id, field) SELECT (SELECT coalesce(max(id), 0) FROM %s) + 1000000 * i, 'far' FROM generate_series(1, %d) i",
	'UPDATE %s SET id = id + (SELECT coalesce(max(id) - min(id), 0) + 1 FROM %s) + %d');
my @faults = ('', 'fault kind=reset-body count=1', 'fault kind=truncated after=1 count=2', 'fault kind=429 count=1', 'fault kind=500 after=2 count=1', 'latency seconds=0.01');
srand(8);
my $script = "\\set ON_ERROR_STOP on\n$all;\n";
for my $round (1 .. $rounds)
{
	my ($change, $n, $fault) = ($changes[ rand @changes ], int(rand 400) + 1, $faults[ rand @faults ]);
	my ($there, $here) = map { sprintf $change, $_, $_, $n } 'ns.systemnote', 'mirror';
	my $command = "sandbox/control reset >/dev/null; sandbox/control sql sql=\"$there\" >/dev/null";
	$command .= "; sandbox/control $fault >/dev/null" if $fault;
	$script .= "\\! $command\n$here;\n"
	  . "SELECT $round, count(*) FROM ((TABLE mirror EXCEPT ALL SELECT * FROM notes) UNION ALL (SELECT * FROM notes EXCEPT ALL TABLE mirror)) x;\n";
}
my ($out, $err) = ('', '');
IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$script, '>', \$out, '2>', \$err);
is($err, '', 'no round failed');
is($out, join('', "1000\n", map { "$_|0\n" } 1 .. $rounds), 'the table changed behind the guess: right rows each time');

# a row without a key is not passed over: the first page counts all rows
control(op => 'reset');
control(op => 'sql', sql => 'DELETE FROM ns.systemnote');
control(op => 'sql', sql => "INSERT INTO ns.systemnote (id, field) SELECT i, 'x' FROM generate_series(1, 1000) i");
my (undef, undef, $stderr) = $node->psql('postgres', "$all;\n\\! sandbox/control sql sql=\"INSERT INTO ns.systemnote (field) VALUES ('lost')\" >/dev/null\n$all");
like($stderr, qr/1 rows of foreign table "notes" have no value in its key/, 'nor is a row without a key');

fresh_log();
$node->stop;
done_testing();
