# Any query, the same answer over foreign tables and over local copies: a part of what make check-queries runs
use strict;
use warnings;
use File::Basename;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('queries');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_line_prefix = '%m [%p] %u %e '\nlog_statement = none\nrestart_after_crash = on\n");
$node->start;

my $world = PostgreSQL::Test::Utils::tempdir('world');
my $place = dirname($ENV{NS_SANDBOX}) . '/../queries';
local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PYTHONDONTWRITEBYTECODE => 1);

# run(what, environment, script and arguments): its output is in the test's log
sub run
{
	my ($what, $environment, $script, @arguments) = @_;
	local %ENV = (%ENV, %$environment);
	ok(run_log([ '/usr/bin/python3', "$place/$script", @arguments ]), $what);
	return;
}

run('a world of values that hurt', {}, 'world.py', 'write', $world);
start_sandbox('--scale', '0.02', '--csv', "$world/source");
run('the same on both sides', {}, 'world.py', 'load', $world);

my $seed = $ENV{NS_SEED} // 1;
run('queries give the same answers', { FIXED => 400, QUERIES => $ENV{NS_QUERIES} // 250, SEED => $seed }, 'run.py');
run('random bytes are values', { LITERALS => 40000, SEED => $seed }, 'literals.py');

# queries that nobody would write: they may fail, but no process may
$node->safe_psql('postgres', q{
	ALTER ROLE smith SET default_transaction_read_only = on;
	ALTER ROLE smith SET statement_timeout = '4s';
	ALTER ROLE smith SET search_path = f97, truth;});
run_log([ 'timeout', '120', 'sqlsmith', '--target=' . $node->connstr('postgres') . ' user=smith', '--exclude-catalog', "--seed=$seed", '--max-queries=' . ($ENV{NS_SQLSMITH} // 4000) ]);
my $log = slurp_file($node->logfile);
is(join("\n", $log =~ /.*(?:terminated by signal|PANIC:|TRAP:).*/g), '', 'no server process dies');
run('no internal error that is not PostgreSQL\'s own', {}, 'internal.py', $node->logfile);
cmp_ok(scalar(() = $log =~ / smith \w{5} ERROR:/g), '>', 100, 'sqlsmith was at work');
done_testing();
