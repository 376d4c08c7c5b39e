# A session of psql that is asked many times, as the gateway's are: a new process for each request costs more than the request.
package Session;
use strict;
use warnings;
use Exporter 'import';
use IPC::Open3;
use IO::File;

our @EXPORT = qw(session_of);

my %session;    # of each server that runs, by its process: after a restart it is another one

# session_of(node, first): the session that began with these statements
sub session_of
{
	my ($node, $first) = @_;
	my $key = join ' ', $node->name, $node->{_pid} // '', $first;
	# one that the server ended meanwhile is not asked
	delete $session{$key} if $session{$key} && (($session{$key}->ask('SELECT 1'))[0] // '') ne '1';
	return $session{$key} //= Session->new($node, $first);
}

sub new
{
	my ($class, $node, $first) = @_;
	my $self = bless { number => 0, said => IO::File->new_tmpfile }, $class;
	$self->{said}->autoflush(1);
	local *SAID = $self->{said};
	$self->{pid} = open3($self->{in}, $self->{out}, '>&SAID', 'psql', '-XAtq', '-f', '-', '-d', $node->connstr('postgres'));
	binmode $_ for $self->{in}, $self->{out};
	$self->ask($first);
	return $self;
}

# ask(statements): what is printed, and what is said beside it; undef where the session has ended
sub ask
{
	my ($self, $statements) = @_;
	my $mark = 'session ' . $self->{number}++;
	my ($printed, $ended) = ('', 1);
	local $SIG{PIPE} = 'IGNORE';
	utf8::downgrade($statements, 1) or utf8::encode($statements);
	truncate $self->{said}, 0;
	seek $self->{said}, 0, 0;
	print { $self->{in} } "$statements\n;\n\\echo $mark\n";
	$self->{in}->flush;
	while (defined(my $line = readline $self->{out}))
	{
		$ended = 0, last if $line eq "$mark\n";
		$printed .= $line;
	}
	chomp $printed;
	seek $self->{said}, 0, 0;
	my $said = join '', readline $self->{said};
	return (undef, $said) if $ended || $said =~ /connection to (?:the )?server was lost|terminating connection/;
	return ($printed, $said);
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	close $self->{in} if $self->{in};
	close $self->{out} if $self->{out};
	waitpid $self->{pid}, 0 if $self->{pid};
	return;
}

1;
