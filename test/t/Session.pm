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
	delete $session{$key} if $session{$key} && settings($session{$key}) ne $session{$key}{settings};
	return $session{$key} if $session{$key};
	my $self = Psql::session($node, 'postgres');
	$self->ask($first);
	$self->{settings} = settings($self);
	return $session{$key} = $self;
}

sub settings { return ($_[0]->ask(q{SELECT 'as ' || coalesce(md5(string_agg(s::text, ' ' ORDER BY s::text)), '') FROM pg_db_role_setting s}))[0] // ''; }

1;
