# A session of psql that is asked many times, as the gateway's are: a new process for each request costs more than the request.
package Session;
use strict;
use warnings;
use Exporter 'import';
use Psql;

our @EXPORT = qw(session_of);

my %session;    # of each server that runs, by its process: after a restart it is another one

# session_of(node, first): the session that began with these statements
sub session_of
{
	my ($node, $first) = @_;
	my $key = join ' ', $node->name, $node->{_pid} // '', $first;
	# one that the server ended meanwhile is not asked, nor one that began with other settings than a new one would
	delete $session{$key} if $session{$key} && $session{$key}->settings ne $session{$key}{settings};
	return $session{$key} //= Session->new($node, $first);
}

sub new
{
	my ($class, $node, $first) = @_;
	local %ENV = $node->_get_env();
	my $self = bless { %{ Psql::start($node->installed_command('psql'), $node->connstr('postgres')) }, number => 0 }, $class;
	$self->ask($first);
	$self->{settings} = $self->settings;
	return $self;
}

sub settings { my ($self) = @_; return ($self->ask(q{SELECT 'as ' || coalesce(md5(string_agg(s::text, ' ' ORDER BY s::text)), '') FROM pg_db_role_setting s}))[0] // ''; }

# ask(statements): what is printed, and what is said beside it; undef where the session has ended
sub ask
{
	my ($self, $statements) = @_;
	my $mark = 'session ' . $self->{number}++;
	Psql::tell_it($self, "$statements\n;\n\\echo $mark\n");
	my ($printed, $whole) = Psql::printed($self, $mark);
	my $said = Psql::said($self, 0);
	return (undef, $said) if !$whole || $said =~ /connection to (?:the )?server was lost|terminating connection/;
	chomp $printed;
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
