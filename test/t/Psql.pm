# What psql() of PostgreSQL::Test::Cluster does, by programs that stay: each call has a new session of the server, as there, but
# not a new process of psql, which costs three times the session.  A call that psql may see otherwise (its own commands, what is
# not whole, other parameters), and one that finds no server, goes the way of before.
package Psql;
use strict;
use warnings;
use IO::File;
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my %program;    # of psql, by what it was started with
my $original = \&PostgreSQL::Test::Cluster::psql;

# What is left of a script without quotes and comments
sub bare
{
	my ($sql) = @_;
	return $sql =~ s/\$([A-Za-z_]\w*|)\$.*?\$\1\$|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*(?:(?!\/\*).)*?\*\// /gsr;
}

# A script that ends where it seems to end, is SQL alone, and fits into a pipe: of a longer one psql would have printed more than fits
# into the other pipe, before it was told all
sub is_plain
{
	return 0 if length $_[0] > 15000;
	my $sql = bare($_[0]);
	return $sql !~ /['"\\]|\$[A-Za-z_]*\$|\/\*|\bBEGIN\s+ATOMIC\b|\bFROM\s+STDIN\b/i && ($sql =~ tr/(//) == ($sql =~ tr/)//);
}

sub is_one { return is_plain($_[0]) && bare($_[0]) !~ /;/; }

# Where programs are connected to between calls, since psql ends without a connection: a place that says that it is a server, and no
# more.  By process, since whoever is forked from this one has its own.
my %rest;

sub rest
{
	return $rest{$$} if $rest{$$};
	my $folder = PostgreSQL::Test::Utils::tempdir_short();
	my $door = IO::Socket::UNIX->new(Local => "$folder/.s.PGSQL.1", Listen => 50) or die "cannot listen in $folder: $!";
	my $parent = $$;
	my $pid = fork // die "fork: $!";
	if ($pid)
	{
		return $rest{$$} = { folder => $folder, pid => $pid };
	}
	$SIG{$_} = 'DEFAULT' for qw(TERM INT ALRM);
	POSIX::close($_) for grep { $_ != fileno $door } 3 .. 255;
	my $all = IO::Select->new($door);
	my $welcome = pack('aNN', 'R', 8, 0) . join('', map { pack('aNa*', 'S', 4 + length, $_) } "server_version\x0015.0\0", "client_encoding\0UTF8\0") . pack('aNNN', 'K', 12, 1, 1) . pack('aNa', 'Z', 5, 'I');
	while (getppid == $parent)
	{
		for my $one ($all->can_read(1))
		{
			if ($one == $door) { $all->add(scalar $door->accept); next; }
			if (!sysread $one, my $said, 65536) { $all->remove($one); close $one; }
			elsif (unpack('N', $said) <= length $said) { syswrite $one, $welcome; }
		}
	}
	POSIX::_exit(0);
}

# start(psql, connection): a program that reads what it is told
sub start
{
	my ($command, $connstr) = @_;
	my $self = { lines => 0, said => IO::File->new_tmpfile };
	$self->{said}->autoflush(1);
	pipe my $stdin, $self->{in} or die "pipe: $!";
	pipe $self->{out}, my $stdout or die "pipe: $!";
	$self->{pid} = fork // die "fork: $!";
	if (!$self->{pid})
	{
		POSIX::dup2(fileno $stdin, 0);
		POSIX::dup2(fileno $stdout, 1);
		POSIX::dup2(fileno $self->{said}, 2);
		# others of this test wait for the end of what their programs are told, which would not come
		POSIX::close($_) for 3 .. 255;
		exec $command, '-XAtq', '-d', $connstr, '-f', '-' or POSIX::_exit(127);
	}
	binmode $_ for $self->{in}, $self->{out};
	return $self;
}

# tell_it(program, script): what it says from here on is about that
sub tell_it
{
	my ($self, $script) = @_;
	utf8::downgrade($script, 1) or utf8::encode($script);
	truncate $self->{said}, 0;
	seek $self->{said}, 0, 0;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } $script;
	$self->{in}->flush;
	$self->{lines} += $script =~ tr/\n//;
	return;
}

# The program for this environment, connected, or one that will be
sub program
{
	my ($command, $connstr) = @_;
	my $key = join "\n", $$, $command, map { "$_=$ENV{$_}" } grep { /^(PG|LC_|LANG|TZ)/ } sort keys %ENV;
	return $program{$key} //= { %{ start($command, $connstr) }, key => $key, connected => 1, owner => $$ };
}

# What is printed until a mark; whether it came to that
sub printed
{
	my ($self, $mark) = @_;
	my $text = '';
	while (defined(my $line = readline $self->{out}))
	{
		return ($text, 1) if $line eq "$mark\n";
		$text .= $line;
	}
	return ($text, 0);
}

sub said
{
	my ($self, $before) = @_;
	seek $self->{said}, 0, 0;
	my $text = join '', readline $self->{said};
	$text =~ s/^(psql:<stdin>:)(\d+)/$1 . ($2 - $before)/gme;
	return $text;
}

# run(psql, connection, script, whether an error ends it, seconds): exit code, what was printed, what was said; nothing where there is no
# server.  It dies after so many seconds, if there is such a bound.
sub run
{
	my ($command, $connstr, $sql, $stop, $seconds) = @_;
	my $self = program($command, $connstr);
	local $SIG{ALRM} = sub { kill 'KILL', $self->{pid}; die "psql took longer than $seconds s\n" };
	# a program that is killed amid its work is none to go on with
	my $done = 0;
	my @answer = eval { alarm $seconds if $seconds; my @a = run_in($self, $connstr, $sql, $stop); $done = 1; @a };
	my $why = $@;
	alarm 0 if $seconds;
	return @answer if $done;
	delete $program{ $self->{key} };
	if ($self->{pid})
	{
		local $?;
		waitpid $self->{pid}, 0;
	}
	die $why;
}

sub run_in
{
	my ($self, $connstr, $sql, $stop) = @_;
	my $begin = $self->{connected} ? '' : "\\set ON_ERROR_STOP 1\n\\connect \"$connstr\"\n\\echo connected\n";
	$begin .= $stop ? "\\set ON_ERROR_STOP 1\n" : "\\unset ON_ERROR_STOP\n";
	my $before = $self->{lines} + ($begin =~ tr/\n//);
	my $script = "$begin$sql\n;\n\\echo its end\n\\unset ON_ERROR_STOP\n\\connect \"host=@{[ rest()->{folder} ]} port=1\"\n\\echo apart\n";
	tell_it($self, $script);
	my ($there, $text, $whole, $parted) = (1, '');
	(undef, $there) = printed($self, 'connected') unless $self->{connected};
	($text, $whole) = printed($self, 'its end') if $there;
	my $said = said($self, $before);
	(undef, $parted) = printed($self, 'apart') if $whole;
	my $first = $self->{connected};
	$self->{connected} = 0;
	return (0, $text, $said) if $parted;
	delete $program{ $self->{key} };
	local $?;
	close $self->{in};
	close $self->{out};
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
	my $status = $?;
	die "psql exited with signal " . ($status & 127) . ": '$said'" if $status & 127;
	# without a server the way of before says so
	return if !$there || ($first && $status >> 8 == 2 && $text eq '');
	return ($status >> 8, $text, $said);
}

# one(node, database, statement, seconds): what a statement gives, undef where it or the server fails; of several, or with psql's own
# commands, it knows nothing
sub one
{
	my ($node, $database, $sql, $seconds) = @_;
	my $rest = $sql =~ s/;\s*\z//r;
	local %ENV = $node->_get_env();
	my ($code, $out) = eval { run($node->installed_command('psql'), $node->connstr($database), $rest, 1, $seconds) };
	return unless defined $code && $code == 0;
	chomp $out;
	return $out;
}

# session(node, database, user): one that is asked many times, for as long as it is kept
sub session
{
	my ($node, $database, $user) = @_;
	local %ENV = $node->_get_env();
	return bless { %{ start($node->installed_command('psql'), $node->connstr($database) . (defined $user ? " user='$user'" : '')) }, number => 0, owner => $$ }, __PACKAGE__;
}

# ask(statements, seconds): what is printed, and what is said beside it; undef where the session has ended, or took longer
sub ask
{
	my ($self, $statements, $seconds) = @_;
	my $mark = 'answer ' . $self->{number}++;
	local $SIG{ALRM} = sub { kill 'KILL', $self->{pid} };
	alarm $seconds if $seconds;
	tell_it($self, "$statements\n;\n\\echo $mark\n");
	my ($text, $whole) = printed($self, $mark);
	alarm 0 if $seconds;
	my $said = said($self, 0);
	return (undef, $said) if !$whole || $said =~ /connection to (?:the )?server was lost|terminating connection/;
	chomp $text;
	return ($text, $said);
}

sub DESTROY
{
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $!, $@);
	close $self->{in};
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
	return;
}

sub psql
{
	my ($self, $dbname, $sql, %params) = @_;
	my @more = @{ $params{extra_params} // [] };
	my $user = @more == 2 && $more[0] eq '-U' && $more[1] =~ /^\w+$/ ? " user=$more[1]" : undef;
	my %known = map { $_ => 1 } qw(stdout stderr on_error_stop on_error_die extra_params);
	goto &$original if !defined $sql || grep({ !$known{$_} } keys %params) || (@more && !$user) || $self->connstr($dbname) =~ /["\\]/ || !is_plain($sql);
	local %ENV = $self->_get_env();
	my ($code, $out, $err) = run($self->installed_command('psql'), $self->connstr($dbname) . ($user // ''), $sql, $params{on_error_stop} // 1);
	goto &$original unless defined $code;
	chomp($out, $err);
	if ($params{stdout}) { ${ $params{stdout} } = $out; }
	elsif (!wantarray && $out ne '') { print STDOUT "$out\n"; }
	if ($params{stderr}) { ${ $params{stderr} } = $err; }
	elsif (!wantarray && $err ne '') { print STDERR "$err\n"; }
	die(($code == 2 ? 'connection error' : $code == 3 ? 'error running SQL' : 'psql error') . ": '$err'\nwhile running psql with sql '$sql'") if $code && $params{on_error_die};
	return wantarray ? ($code, $out, $err) : $code;
}

END
{
	local $?;
	for my $pid ((map { $_->{pid} } grep { $_->{owner} == $$ } values %program), $rest{$$} ? $rest{$$}{pid} : ())
	{
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
}

no warnings 'redefine';
*PostgreSQL::Test::Cluster::psql = \&psql;

1;
