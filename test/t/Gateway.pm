# What the tests of the gateway's endurance share: one that is started, killed and asked.
package Gateway;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(gateway_new);

# gateway_new(node, options …): not started yet; a hash of node, port, log and options
# program may be set to $ENV{GATEWAY_SANITIZED}, where there is that
sub gateway_new
{
	my ($node, @options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir('gateway');
	return bless { node => $node, port => PostgreSQL::Test::Cluster::get_free_port(), folder => $folder, log => "$folder/log", options => \@options, program => $node->config_data('--bindir') . '/pg_ingest_gateway' }, __PACKAGE__;
}

# start(environment): until it is ready, which is asked by TLS where it has a certificate
sub start
{
	my ($self, %environment) = @_;
	local @ENV{ keys %environment } = values %environment;
	$self->{run} = IPC::Run::start([ $self->{program}, '--listen', "127.0.0.1:$self->{port}", '--dsn', 'host=' . $self->{node}->host . ' port=' . $self->{node}->port . ' dbname=postgres user=ingest_authenticator', @{ $self->{options} } ],
		'<', '/dev/null', '>', '/dev/null', '2>>', $self->{log});
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until ($self->curl('/readyz') =~ /^ok$/m) { die 'the gateway did not start: ' . slurp_file($self->{log}) if time() > $until || !$self->{run}->pumpable; sleep(0.05); }
	return;
}

sub address { my ($self, $path) = @_; return (grep({ $_ eq '--tls-cert' } @{ $self->{options} }) ? 'https' : 'http') . "://127.0.0.1:$self->{port}$path"; }
sub curl { my ($self, $path, @options) = @_; my ($out, $e) = ('', ''); IPC::Run::run([ 'curl', '-s', '-k', '-m', '60', @options, $self->address($path) ], '<', '/dev/null', '>', \$out, '2>', \$e); return $out; }
sub pid { my ($self) = @_; return $self->{run}{KIDS}[0]{PID}; }
sub memory { my ($self) = @_; return (slurp_file('/proc/' . $self->pid . '/status') =~ /VmRSS:\s+(\d+)/)[0]; }
sub kill9 { my ($self) = @_; kill 'KILL', $self->pid; $self->{run}->finish; return; }
sub stop { my ($self) = @_; $self->{run}->signal('TERM'); $self->{run}->finish; return $self->{run}->full_result(0); }
sub said { my ($self) = @_; return slurp_file($self->{log}); }

1;
