# DuckDB, from npm, beside a test: its statements and their rows, by one process that stays
package Duck;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use JSON::PP;
our @EXPORT = qw(duck_start duck duck_end);

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my ($process, $asked, $answered) = (undef, '', '');

# Where its complaints go
sub duck_start { my ($log) = @_; $process = IPC::Run::start([ 'node', 'files/parquet.cjs', 'duckdb' ], '<', \$asked, '>', \$answered, '2>', $log); }

# The rows of a statement, each a list; one that fails dies
sub duck
{
	my ($statement) = @_;
	$asked .= $json->encode($statement) . "\n";
	$process->pump until $answered =~ s/^(.*)\n//;
	my $rows = $json->decode($1);
	die "$statement: $rows->{error}" if ref $rows eq 'HASH';
	return $rows;
}

sub duck_end { $process->kill_kill; }

1;
