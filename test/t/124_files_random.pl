# files_fdw: random tables in random dialects come back as they were written, or are refused; and other readers agree.
# FILES_ROUNDS (150) and FILES_SEED lengthen and vary it.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('random');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\n");
$node->start;
my $folder = $node->basedir . '/drop';
$node->safe_psql('postgres', "CREATE EXTENSION files_fdw; CREATE EXTENSION file_fdw; CREATE SERVER random FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$folder'); CREATE SERVER random_files FOREIGN DATA WRAPPER file_fdw");
my $seed = $ENV{FILES_SEED} // 1;
my ($out, $err) = run_command([ '/usr/bin/python3', '-B', dirname(abs_path(__FILE__)) . '/../files/random_files.py', $node->connstr('postgres'), $folder, $ENV{FILES_ROUNDS} // 100, $seed ]);
like($out, qr/^\d+ equal, \d+ refused, 0 wrong$/m, "seed $seed: what was written comes back") or diag($out, $err);
$node->stop;
done_testing();
