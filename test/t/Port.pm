# Programs that a test starts and that listen
package Port;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(await_port);

# await_port(port, what it is, its output): until it listens; if it never does, its output tells why
sub await_port
{
	my ($port, $what, $output) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port))
	{
		die "$what does not listen on port $port: " . (-e $output ? slurp_file($output) : '') if time() > $until;
		sleep(0.05);
	}
	return;
}

1;
