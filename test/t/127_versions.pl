# Versions: a script that was released stays as it was, a later one has a way from there, and whoever goes that way with a
# repository full of everything has what a fresh installation has, and all that they had.
#
# RELEASED_SERVER: bindir of a server with the last release's extensions, which tap.sh and make check build from the commit
# that froze its scripts.  Where nothing comes after a release yet, the same way is rehearsed with a version that is made up
# here, wrong ones as well.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use Sandbox;
use Full;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @extensions = qw(netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_api);
my $share = "$ENV{PG_SHARE}/extension";
my $released = abs_path(dirname(abs_path(__FILE__)) . '/../released');
my $p = 'postgres';

sub default_version { my ($e) = @_; return slurp_file("$share/$e.control") =~ /^default_version = '(.*)'/m ? $1 : undef; }
sub number { my ($v) = @_; my @n = (split(/\./, $v), 0, 0); return $n[0] * 1e6 + $n[1] * 1e3 + $n[2]; }
sub last_release { my ($e) = @_; return (sort { number($b) <=> number($a) } map { m{--([\d.]+)\.sql$} ? $1 : () } glob("$released/$e--*.sql"))[0]; }

# -- what was released stays --

for my $e (@extensions)
{
	my ($now, $was) = (default_version($e), last_release($e));
	ok(-e "$share/$e--$now.sql", "$e $now is there");
	next unless defined $was;
	if ($was eq $now)
	{
		is(slurp_file("$share/$e--$now.sql") eq slurp_file("$released/$e--$now.sql"), 1, "$e $now is what was released: what changes needs another version (deploy/version.sh) and $e/upgrade/$e--$now--….sql");
		next;
	}
	cmp_ok(number($now), '>', number($was), "$e $now comes after $was");
	my @ways = glob("$share/$e--$was--*.sql");
	ok(scalar(@ways), "$e has a way from $was");
}

# -- a repository, and the way --

sub catalogue
{
	my ($node, $db) = @_;
	my ($out, $err) = run_command([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', 'catalogue.sql' ]);
	is($err, '', "the catalogue of $db");
	return split /\n/, $out;
}

sub differs
{
	my ($a, $b) = @_;
	my %a = map { $_ => 1 } @$a;
	my %b = map { $_ => 1 } @$b;
	return ((map { "fresh only: $_" } grep { !$b{$_} } @$a), (map { "upgraded only: $_" } grep { !$a{$_} } @$b));
}

my $conf = "fsync = off\nmax_worker_processes = 20\n";
my $node;
my %target;
my $rehearsal = !defined last_release('ingest') || last_release('ingest') eq default_version('ingest');
my (%columns, $before);
if (!$rehearsal && !ok($ENV{RELEASED_SERVER} && !$ENV{RELEASED_MISSING}, 'a server of ' . last_release('ingest')))
{
	diag($ENV{RELEASED_MISSING} || 'test/tap.sh makes it');
	done_testing();
	exit;
}

sub full_with_wrappers
{
	my ($server) = @_;
	full_repository($server);
	$server->safe_psql($p, 'CREATE EXTENSION netsuite_fdw; CREATE EXTENSION files_fdw');
	return full_data($server, \%columns);
}

if ($rehearsal)
{
	note('rehearsed with a version that is made up here');
	%target = (ingest => '99.9');
	$node = PostgreSQL::Test::Cluster->new('versions');
	$node->init;
	$node->append_conf('postgresql.conf', $conf);
	$node->start;
	$before = full_with_wrappers($node);
}
else
{
	note('from ' . last_release('ingest') . ' to ' . default_version('ingest'));
	my $old = PostgreSQL::Test::Cluster->new('versions', install_path => dirname($ENV{RELEASED_SERVER}));
	$old->init;
	$old->append_conf('postgresql.conf', $conf);
	$old->start;
	$before = full_with_wrappers($old);
	$old->stop;
	$node = PostgreSQL::Test::Cluster->new('upgraded', port => $old->port);    # where its source is
	system_or_bail('cp', '-r', $old->data_dir, $node->data_dir);
	$node->start;
	my ($code, $out, $err) = $node->psql($p, "SELECT * FROM ingest.source_status");
	like($err, qr/is version .*\n.*ALTER EXTENSION ingest UPDATE/, 'the new library does nothing with objects of before, and says what is to be done');
}
cmp_ok(scalar(grep { $before->{$_} !~ /^0 / } keys %$before), '>', 20, 'tables that have rows');
$node->safe_psql($p, "ALTER EXTENSION $_ UPDATE" . ($target{$_} ? " TO '$target{$_}'" : '')) for @extensions;
my $after = full_data($node, \%columns);
is(join(', ', grep { $after->{$_} ne $before->{$_} } sort keys %$before), '', 'no row of before is another one');

$node->safe_psql($p, 'CREATE DATABASE fresh');
$node->safe_psql('fresh', "SET client_min_messages = warning; CREATE EXTENSION $_" . ($target{$_} ? " VERSION '$target{$_}'" : '')) for @extensions;
my @fresh = catalogue($node, 'fresh');
my @upgraded = catalogue($node, $p);
cmp_ok(scalar @fresh, '>', 3000, 'properties of objects');
is(join("\n", differs(\@fresh, \@upgraded)), '', 'whoever upgrades has what a fresh installation has');

# -- the comparison sees what would be forgotten --

if ($rehearsal)
{
	# its library is of another version than its objects: as between the installation of a package and ALTER EXTENSION
	is($node->safe_psql('fresh', 'CREATE TABLE plain (x integer); ALTER TABLE plain RENAME TO simple; DROP TABLE simple'), '', 'nobody\'s commands are stopped between two versions');
	for my $forgotten (
		[ 'a comment', q{COMMENT ON FUNCTION ingest.rehearsed() IS 'something else'} ], [ 'a right', q{GRANT EXECUTE ON FUNCTION ingest.rehearsed() TO ingest_operator} ],
		[ 'a function', q{CREATE OR REPLACE FUNCTION ingest.rehearsed() RETURNS integer LANGUAGE sql RETURN 2} ], [ 'a default', q{ALTER TABLE ingest.rule ALTER severity SET DEFAULT 'info'} ],
		[ 'an index', q{CREATE INDEX ON ingest.rule (owner)} ], [ 'an owner', q{ALTER FUNCTION ingest.rehearsed() OWNER TO CURRENT_USER} ],
		[ 'what is dumped', q{UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = 'ingest'} ], [ 'a type of event', q{UPDATE ingest.event_type SET version = '2' WHERE type = 'ingest.run.failed'} ],
		[ 'a policy', q{ALTER POLICY reading ON ingest_delivery.sink USING (true)} ])
	{
		my ($what, $statement) = @$forgotten;
		$node->safe_psql('fresh', $statement);
		my @other = catalogue($node, 'fresh');
		cmp_ok(scalar(differs(\@other, \@upgraded)), '>', 0, "$what that was forgotten is seen");
		@fresh = @other;
	}
}
else
{
	is($node->safe_psql($p, "CALL ingest.sync('house.card')", extra_params => [ '-U', 'ida' ]), '', 'and work goes on');
}
$node->stop;
done_testing();
