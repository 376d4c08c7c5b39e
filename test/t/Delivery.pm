# What the tests of ingest_delivery share: a receiver of webhooks, and what it got.
package Delivery;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use Port;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_peer end_peer peer_behave peer_got start_receiver receiver_pid kill_receiver behave received new_delivery $secret $old_secret $url);
our $secret = 'whsec_' . 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
our $old_secret = 'whsec_' . 'C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
our $url;

my $folder = PostgreSQL::Test::Utils::tempdir('receiver');
my ($port, $receiver);

# start_receiver(options): at the port that it had before
sub start_receiver
{
	my @options = @_;
	$port //= PostgreSQL::Test::Cluster::get_free_port();
	$url = "http://127.0.0.1:$port";
	$receiver = IPC::Run::start([ '/usr/bin/python3', '-B', 'delivery/receiver.py', '--port', $port, '--log', "$folder/log", '--behave', "$folder/behave", '--secret', $secret, '--secret', $old_secret, @options ],
		'<', '/dev/null', '>', "$folder/out", '2>&1');
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port))
	{
		die 'the receiver did not start: ' . slurp_file("$folder/out") if time() > $until;
		sleep(0.05);
	}
	return;
}

sub kill_receiver
{
	$receiver->kill_kill(grace => 0) if $receiver;
	$receiver = undef;
	return;
}

# Other peers, each by its name: a program that takes --port, --log and --behave; its port, the same each time
my (%peer, %peer_port);

sub start_peer
{
	my ($name, $program, @options) = @_;
	$peer_port{$name} //= PostgreSQL::Test::Cluster::get_free_port();
	$peer{$name} = IPC::Run::start([ '/usr/bin/python3', '-B', "delivery/$program.py", '--port', $peer_port{$name}, '--log', "$folder/$name.log", '--behave', "$folder/$name.behave", @options ],
		'<', '/dev/null', '>', "$folder/$name.out", '2>&1');
	await_port($peer_port{$name}, $name, "$folder/$name.out");
	return $peer_port{$name};
}

sub end_peer
{
	my ($name) = @_;
	$peer{$name}->kill_kill(grace => 0) if $peer{$name};
	delete $peer{$name};
	return;
}

sub peer_behave
{
	my ($name, %how) = @_;
	open my $out, '>', "$folder/$name.behave.new" or die $!;
	print $out encode_json(\%how);
	close $out;
	rename "$folder/$name.behave.new", "$folder/$name.behave" or die $!;
	return;
}

# what it wrote down, in the order in which it came
sub peer_got
{
	my ($name) = @_;
	return -e "$folder/$name.log" ? map { decode_json($_) } grep { /\S/ } split /\n/, slurp_file("$folder/$name.log") : ();
}

# behave(path => { status => 500 }): from the next request on
sub behave
{
	my %how = @_;
	open my $out, '>', "$folder/behave.new" or die $!;
	print $out encode_json(\%how);
	close $out;
	rename "$folder/behave.new", "$folder/behave" or die $!;
	return;
}

# what came to a path, in the order of its arrival; a line that a kill cut is none
my ($read, @all) = (0);

sub received
{
	my ($path) = @_;
	if (open my $in, '<', "$folder/log")
	{
		seek $in, $read, 0;
		while (my $line = <$in>)
		{
			last unless $line =~ /\n$/;
			$read += length $line;
			my $one = eval { decode_json($line) };
			push @all, $one if $one;
		}
		close $in;
	}
	return grep { !defined $path || $_->{path} eq $path } @all;
}

# A started node in which sinks may send to this machine, without TLS; the secrets are in the mapping of who asks
sub new_delivery
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, %{ $option{new} // {} });
	$node->init(%{ $option{init} // {} });
	$node->append_conf('postgresql.conf', "fsync = off\nmax_worker_processes = 20\nrestart_after_crash = on\nshared_preload_libraries = 'ingest'\n" . ($option{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', qq{SET client_min_messages = warning;
		CREATE EXTENSION ingest_delivery CASCADE;
		ALTER DATABASE postgres SET ingest_delivery.allow_http = on;
		ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8';
		CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (now '$secret', before '$old_secret')});
	return $node;
}

END
{
	my $code = $?;
	kill_receiver();
	end_peer($_) for keys %peer;
	$? = $code;
}

1;
