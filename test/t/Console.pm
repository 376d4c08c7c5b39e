# What the tests of the console share: whether it can be shown, and what a script of it says.
package Console;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(need_console browse_console console_files);

# where the files of the console lie, if they were installed
sub console_files
{
	my ($node) = @_;
	my $at = $node->config_data('--sharedir') . '/pg_ingest/console';
	return -e "$at/index.html" ? $at : undef;
}

# what is needed to show it, or why this is left out
sub need_console
{
	my ($node) = @_;
	return plan(skip_all => 'playwright-core and axe-core come from npm with make check') unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/playwright-core" && -d "$ENV{NODE_PATH}/axe-core";
	return plan(skip_all => 'there is no Chromium') unless -x '/usr/bin/chromium';
	return plan(skip_all => 'the console is not built: make console') unless console_files($node);
	return;
}

# browse_console(node, script of test/console, more that it is given): each of its lines is a test
sub browse_console
{
	my ($node, $script, %more) = @_;
	my $here = __FILE__ =~ s{t/[^/]*$}{}r || './';
	my $folder = PostgreSQL::Test::Utils::tempdir('console');
	local $ENV{HOME} = $folder;
	my $given = encode_json({ program => $node->config_data('--bindir') . '/pg_ingest_gateway', psql => $node->config_data('--bindir') . '/psql', host => $node->host, port => $node->port . '', listen => PostgreSQL::Test::Cluster::get_free_port(), folder => $ENV{CONSOLE_SHOTS} // $folder, only => $ENV{CONSOLE_ONLY}, %more });
	my ($left, $err) = ('', '');
	my $ended = IPC::Run::run([ 'node', "${here}console/$script", $given ], '<', '/dev/null', '>', sub {
		$left .= $_[0];
		while ($left =~ s/^(.*)\n//)
		{
			my $said = decode_json($1);
			if (defined $said->{note}) { note($said->{note}); next; }
			ok($said->{ok}, $said->{name}) or diag($said->{more} // '');
		}
	}, '2>', \$err, IPC::Run::timeout(1500));
	ok($ended, "$script came to its end") or diag($err);
	return;
}

1;
