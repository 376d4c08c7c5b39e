# What the tests of sinks of kind kafka share: a broker, a proxy with TLS and logins before it, and who consumes along.
package Kafka;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(has_kafka start_broker broker_does kill_broker start_proxy kill_proxy start_kcat consumed distinct helpers);
my $folder = PostgreSQL::Test::Utils::tempdir('kafka');
my ($mock, $in, $out, $err, %proxies, %consumers);

# What is missing, in words; nothing if a test can run
sub has_kafka
{
	return 'kcat is not installed' unless -x '/usr/bin/kcat';
	return 'librdkafka-dev is not installed' unless -e '/usr/include/librdkafka/rdkafka_mock.h';
	return '' if -x "$folder/mock";
	return 'the mock broker does not build' if system("gcc -O1 -w -o $folder/mock delivery/kafka_mock.c -lrdkafka 2>$folder/gcc");
	return '';
}

sub say_to_broker
{
	my ($line) = @_;
	$out = '';
	$in .= "$line\n" if defined $line;
	$mock->pump until $out =~ /\n/;
	return $out =~ s/\n.*//sr;
}

# start_broker(partitions): its address, which $folder/broker holds as well
sub start_broker
{
	my ($partitions) = @_;
	($in, $out, $err) = ('', '', '');
	$mock = IPC::Run::start([ "$folder/mock", $partitions // 4 ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout(3600));
	my $address = say_to_broker();
	open my $file, '>', "$folder/broker.new" or die $!;
	print $file $address;
	close $file;
	rename "$folder/broker.new", "$folder/broker" or die $!;
	return $address;
}

# as kafka_mock.c says
sub broker_does { return say_to_broker($_[0]); }

sub kill_broker
{
	$mock->kill_kill(grace => 0) if $mock;
	$mock = undef;
	return;
}

# start_proxy(name, options of kafka_proxy.py): its port, which it keeps
sub start_proxy
{
	my ($name, @options) = @_;
	my $p = $proxies{$name} //= { port => PostgreSQL::Test::Cluster::get_free_port() };
	$p->{handle} = IPC::Run::start([ '/usr/bin/python3', '-B', 'delivery/kafka_proxy.py', '--port', $p->{port}, '--broker', "$folder/broker", '--log', "$folder/$name.log", @options ],
		'<', '/dev/null', '>', "$folder/$name.out", '2>&1');
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->{port}))
	{
		die 'the proxy did not start: ' . slurp_file("$folder/$name.out") if time() > $until;
		sleep(0.05);
	}
	return wantarray ? ($p->{port}, "$folder/$name.log") : $p->{port};
}

sub kill_proxy
{
	my ($name) = @_;
	$proxies{$name}{handle}->kill_kill(grace => 0) if $proxies{$name}{handle};
	delete $proxies{$name}{handle};
	return;
}

# start_kcat(topic, address, options): reads from now on whatever comes, and what has come.  It ends when its topic does: then it is
# started again
sub start_kcat
{
	my ($topic, $address, @options) = @_;
	$consumers{$topic}{handle}->kill_kill(grace => 0) if $consumers{$topic};
	$consumers{$topic} = { read => 0, got => [], handle =>
		IPC::Run::start([ 'kcat', '-C', '-J', '-u', '-q', '-b', $address, '-t', $topic, '-o', 'beginning', '-X', 'topic.metadata.refresh.interval.ms=500', '-X', 'fetch.wait.max.ms=50', @options ],
			'<', '/dev/null', '>', "$folder/$topic.json", '2>', "$folder/$topic.err") };
	return;
}

# consumed(topic, n): messages in the order of their arrival, after n that differ are there or it takes too long
sub consumed
{
	my ($topic, $n, $seconds) = @_;
	my $c = $consumers{$topic};
	my $until = time() + ($seconds // $PostgreSQL::Test::Utils::timeout_default);
	for (;;)
	{
		if (open my $file, '<', "$folder/$topic.json")
		{
			seek $file, $c->{read}, 0;
			while (my $line = <$file>)
			{
				last unless $line =~ /\n$/;
				$c->{read} += length $line;
				my $m = decode_json($line);
				my @headers = @{ $m->{headers} // [] };
				$m->{header} = {@headers};
				push @{ $c->{got} }, $m;
				$c->{seen}{ $m->{header}{ce_id} // "$m->{partition}-$m->{offset}" } = 1;
			}
			close $file;
		}
		return @{ $c->{got} } if !defined $n || keys %{ $c->{seen} // {} } >= $n || time() > $until;
		sleep(0.05);
	}
}

# how many that differ have come
sub distinct { return scalar keys %{ $consumers{ $_[0] }{seen} // {} }; }

# numbers of the helper programs that a process has begun: what they run is nobody's business, so their names are looked at
sub helpers
{
	my ($parent) = @_;
	my @found;
	for my $stat (glob '/proc/[0-9]*/stat')
	{
		open my $file, '<', $stat or next;
		my ($pid, $name, $ppid) = (<$file> // '') =~ /^(\d+) \((.*)\) \S+ (\d+)/ or next;
		push @found, $pid if $name eq 'ingest_kafka' && $ppid == $parent;
	}
	return @found;
}

END
{
	my $code = $?;
	$_->{handle} && $_->{handle}->kill_kill(grace => 0) for values %consumers, values %proxies;
	kill_broker();
	$? = $code;
}

1;
