# Every figure of ingest_profile against SQL, of columns that are drawn (profile/kinds.py) and profiled in each way there is:
# PROFILE_COLUMNS of them (90), from PROFILE_SEED
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PROFILE_SEED} // int(rand(1e6));
my $columns = $ENV{PROFILE_COLUMNS} // 90;
my $node = PostgreSQL::Test::Cluster->new('oracle');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_parallel_workers = 4\nlc_monetary = 'C'\n");
$node->start;

# the same library without instructions for vectors
my $copy = $node->basedir . '/words';
mkdir $copy;
system_or_bail('cp', '-r', '../common', '../ingest_profile', $copy);
my $built = run_log([ 'make', '-s', '-C', "$copy/ingest_profile", 'clean' ]) && run_log([ 'make', '-s', '-C', "$copy/ingest_profile", '-j2', "PG_CONFIG=$ENV{PG_CONFIG}",
	'PG_CFLAGS=-O1 -w -fvisibility=hidden -ffp-contract=off', 'EXTRA_CFLAGS=-DNO_SIMD' ]);
ok($built, 'builds without vectors');
for my $database ('postgres', 'words')
{
	$node->safe_psql('postgres', 'CREATE DATABASE words') if $database eq 'words';
	$node->safe_psql($database, 'CREATE EXTENSION ingest_profile');
}
$node->safe_psql('words', "UPDATE pg_proc SET probin = '$copy/ingest_profile/ingest_profile.so' WHERE probin LIKE '%ingest_profile'");

my @databases = map { $node->connstr($_) } ('postgres', 'words');
my @oracle = ('/usr/bin/python3', '-B', 'profile/oracle.py');
run_log([ @oracle, '--define', @databases ]) or BAIL_OUT('no types and collations to draw columns of');
my ($said, $err) = ('', '');
note "PROFILE_SEED=$seed PROFILE_COLUMNS=$columns";
IPC::Run::run([ @oracle, @databases, $seed, $columns ], '>', \$said, '2>', \$err);
is($err, '', 'the oracle has its say');
like($said, qr/^$columns columns, 0 differences$/m, "columns from seed $seed: each figure is as SQL has it, in each way") or diag(join("\n", (split(/\n/, $said))[0 .. 30]));

# it would see: a value more in one of the databases
my ($told) = ('');
IPC::Run::run([ @oracle, '--spoil', @databases, $seed, 12 ], '>', \$told, '2>', \$err);
unlike($told, qr/, 0 differences$/m, 'rows that the oracle was not shown are differences');
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is well');
done_testing();
