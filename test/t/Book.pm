# The SQL examples of a page, run as a reader would run them: from its text alone, statement by statement, each by the
# role and in the database that the page names.
#
# A line "-- as alice" or "-- as a superuser, in the database shop" in an example says who runs what follows, there and in
# the page's later examples; a page begins as a superuser in the database postgres.  "Continues from [...](page.md)" says
# that another page comes first.  What no text can know is where things are on this machine: see @elsewhere.
package Book;
use strict;
use warnings;
use utf8;
use Carp;
use Exporter 'import';
use File::Basename;
use File::Path qw(make_path);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;

our @EXPORT = qw(pages read_page);

# What is put in the place of what a page says: addresses, folders and credentials, and nothing else
my @elsewhere = (
	[ qr/host '[^']*', port '5432'/, sub { my $book = shift; "host '" . $book->{node}->host . "', port '" . $book->{node}->port . "'" } ],
	[ qr{/srv/drop\b}, sub { $_[0]->folder('drop') } ],
	[ qr{/srv/lake\b}, sub { $_[0]->folder('lake') } ],
	[ qr/account '1234567_SB1'(?!, base_url)/, sub { "account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}'" } ],
	[ qr{https://localhost:8443}, sub { $ENV{NS_URL} } ],
	[ qr{/tmp/netsuite-sandbox/}, sub { "$ENV{NS_STATE}/" } ],
	[ qr/client_id '…', certificate_id '…', private_key_file '[^']*'/, sub { options(%oauth2) } ],
	[ qr/consumer_key '…', consumer_secret '…', token_id '…', token_secret '…'/, sub { options(%tba) } ],);

sub options
{
	my %option = @_;
	return join(', ', map { "$_ '$option{$_}'" } sort keys %option);
}

# pages(folder of the checkout): those that have SQL examples, as paths in it
sub pages
{
	my ($top) = @_;
	my @pages = map { substr($_, length($top) + 1) } glob("$top/*.md $top/docs/*.md $top/docs/*/*.md $top/test/sandbox/README.md $top/deploy/*.md");
	return grep { slurp_file("$top/$_") =~ /^```sql$/m } @pages;
}

# read_page(path): its examples, each with the line on which it begins, and the page that it continues
sub read_page
{
	my ($path) = @_;
	my $text = slurp_file($path);
	utf8::decode($text);
	my ($before) = $text =~ /^Continues from \[[^\]]*\]\(([^)#]+)/m;
	my @examples;
	while ($text =~ /^```sql\n(.*?)^```$/msg)
	{
		push @examples, { sql => $1, line => 1 + (substr($text, 0, $-[1]) =~ tr/\n//) };
	}
	return { path => $path, before => $before && dirname($path) . "/$before", examples => \@examples };
}

# Book->open(name): a server of its own, as Debian sets one up: the superuser logs in by the socket, others by password
sub open
{
	my ($class, $name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'netsuite_fdw,ingest'\nmax_worker_processes = 20\npassword_encryption = 'scram-sha-256'\n" . ($option{conf} // ''));
	my $self = bless { node => $node, password => {}, peer => {}, role => undef, database => 'postgres', excepted => {} }, $class;
	$self->write_hba;
	$node->start;
	return $self;
}

sub write_hba
{
	my ($self) = @_;
	my $hba = "local all " . getpwuid($<) . " trust\n" . join('', map { "local all $_ trust\n" } sort keys %{ $self->{peer} }) . "local all all scram-sha-256\n";
	CORE::open(my $out, '>', $self->{node}->data_dir . '/pg_hba.conf') or croak $!;
	print $out $hba;
	close $out;
	$self->{node}->reload if $self->{node}->{_pid};
	return;
}

sub folder
{
	my ($self, $name) = @_;
	my $path = $self->{node}->basedir . "/$name";
	make_path($path);
	return $path;
}

# A role that the page gave no password logs in by its name at the operating system, as "peer" has it
sub knows
{
	my ($self, $sql) = @_;
	while ($sql =~ /CREATE ROLE (\w+)([^;]*)/g)
	{
		my ($role, $rest) = ($1, $2);
		if ($rest =~ /PASSWORD '([^']*)'/) { $self->{password}{$role} = $1; }
		elsif ($rest =~ /LOGIN/) { $self->{peer}{$role} = 1; $self->write_hba; }
	}
	return;
}

# run_page(page, except): what its examples show, and the complaints of each statement, by the page's lines.  except gives
# for the first line of an example's SQL a pattern of what may be complained of.
sub run_page
{
	my ($self, $page, $except) = @_;
	my ($shown, @complaints) = ('');
	if ($page->{before})
	{
		my ($before, @there) = $self->run_page(read_page($page->{before}), $except);
		push @complaints, @there;
	}
	($self->{role}, $self->{database}) = (undef, 'postgres');
	for my $example (@{ $page->{examples} })
	{
		my $line = $example->{line};
		for my $part (split /^(?=-- as (?:a superuser|\w+)(?:, in the database \w+)?$)/m, $example->{sql})
		{
			if ($part =~ /^-- as (a superuser|\w+)(?:, in the database (\w+))?$/m)
			{
				$self->{role} = $1 eq 'a superuser' ? undef : $1;
				$self->{database} = $2 if $2;
			}
			my ($out, @err) = $self->run_part($part, $line, basename($page->{path}));
			$shown .= $out;
			for my $complaint (@err)
			{
				my ($reason) = grep { index($part, $_) >= 0 && $complaint =~ $except->{$_}{says} } keys %$except;
				if (defined $reason) { $self->{excepted}{$reason} = 1; }
				else { push @complaints, $complaint; }
			}
			$line += $part =~ tr/\n//;
		}
	}
	return ($shown, @complaints);
}

sub run_part
{
	my ($self, $sql, $line, $name) = @_;
	for my $place (@elsewhere)
	{
		my ($what, $here) = @$place;
		next unless $sql =~ $what;
		start_sandbox() if "$what" =~ /account|8443|netsuite-sandbox|client_id|consumer_key/ && !$ENV{BOOK_SANDBOX}++;
		$sql =~ s/$what/$here->($self)/ge;
	}
	$self->knows($sql);
	# a file whose lines have the page's numbers, so that what is complained of is found there
	my $file = $self->{node}->basedir . "/$name.sql";
	CORE::open(my $out, '>:encoding(UTF-8)', $file) or croak $!;
	print $out "\n" x ($line - 1) . $sql;
	close $out;
	my $role = $self->{role};
	local $ENV{PGPASSWORD} = $self->{password}{ $role // '' } // '';
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my ($shown, $told) = ('', '');
	IPC::Run::run([ 'psql', '-XAq', '-d', $self->{node}->connstr($self->{database}) . ($role ? " user=$role" : ''), '-f', $file ], '<', '/dev/null', '>', \$shown, '2>', \$told, IPC::Run::timeout(300));
	my @complaints;
	for (split /\n/, $told)
	{
		s/^psql:\S*?([^\/\s]+)\.sql:(\d+): /$1:$2: /;
		if (/ (?:ERROR|WARNING|FATAL): |^psql: error/) { push @complaints, ($role // 'superuser') . " at $_"; }
		elsif (/^(?:DETAIL|HINT): / && @complaints) { $complaints[-1] .= " $_"; }
	}
	return ($shown, @complaints);
}

1;
