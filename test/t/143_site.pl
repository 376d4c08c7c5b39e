# The site: no link in it is broken, it asks nobody else for anything, its search finds; and the tables of the book that
# say what there is say what there is
use strict;
use warnings;
use lib 't';
use Book;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

# -- the settings, as docs/operations.md lists them --

my $book = Book->open('settings');
my $node = $book->{node};
my $libraries = join('; ', map { "LOAD '$_'" } qw(netsuite_fdw files_fdw ingest_profile ingest ingest_delivery ingest_api));
my $there = $node->safe_psql('postgres', "$libraries; " . q{
	SELECT format('%s %s', name, CASE context WHEN 'superuser' THEN 'database' WHEN 'user' THEN 'session' ELSE 'cluster' END)
	FROM pg_settings WHERE name ~ '^(netsuite_fdw|files_fdw|ingest|ingest_[a-z]+)[.]' ORDER BY name COLLATE "C"});
my $said = join("\n", map { /^\| `([a-z_]+\.[a-z_]+)` \| [^|]* \| (\w+) \|/ ? "$1 $2" : () } split /\n/, slurp_file('../docs/operations.md'));
is($said, $there, 'operations.md lists every setting, and how far it reaches');
is($node->safe_psql('postgres', "$libraries; SELECT string_agg(name, ' ') FROM pg_settings WHERE name ~ '^(netsuite_fdw|files_fdw|ingest|ingest_[a-z]+)[.]' AND short_desc !~ '^[A-Z].*[.]\$'"), '', 'each has a sentence');
$node->stop;

# -- packages that README names --

my ($named) = slurp_file('../README.md') =~ /^sudo apt install (gcc .*)$/m;
is(join(' ', sort split / /, $named // ''), join(' ', sort split /\s+/, slurp_file('../deploy/build-packages')), 'README names the packages that the images are built with');

# -- the site --

sub ran
{
	my @command = @_;
	my ($out, $err) = ('', '');
	my $good = IPC::Run::run(\@command, '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(300));
	return ($good, $out, $err);
}

SKIP:
{
	my ($has) = ran('sh', '-c', 'command -v mkdocs');
	skip 'mkdocs is not installed', 5 unless $has;
	my $folder = PostgreSQL::Test::Utils::tempdir('site');
	my ($built, $out, $err) = ran('./site.sh', '--no-packages', "$folder/site");
	is($err, '', 'the site is built without a word');
	(my $good, $out) = ran('/usr/bin/python3', 'site_links.py', "$folder/site");
	like($out, qr/^\n?\d+ pages, \d+ links, \d+ things that are loaded\n$/, 'no link is broken, and nothing is loaded from elsewhere');

	# seen failing
	append_to_file("$folder/site/docs/index.html", '<a href="nowhere.html">x</a><a href="ingest.html#nowhere">y</a><img src="https://elsewhere.example/x.png">');
	(undef, my $faults) = ran('/usr/bin/python3', 'site_links.py', "$folder/site");
	is(scalar(() = $faults =~ /^docs\/index.html/mg), 3, 'a broken link, a broken place and a picture from elsewhere are noticed');

	skip 'playwright-core comes from npm with make check, chromium from Debian', 2 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/playwright-core" && -x ($ENV{CHROMIUM} // '/usr/bin/chromium');
	local $ENV{HOME} = $folder;    # Chromium's
	my ($port, $served) = ('', '');
	my $server = IPC::Run::start([ '/usr/bin/python3', '-u', 'site_serve.py', "$folder/site" ], '<', '/dev/null', '>', \$port, '2>', \$served);
	$server->pump until $port =~ /\n/;
	chomp $port;
	for my $path ('index.html', 'docs/index.html')
	{
		(my $seen, $out, $err) = ran('node', 'site_look.cjs', "http://127.0.0.1:$port", $path, 'watermark');
		my $told = $seen ? decode_json($out) : { errors => [$err] };
		if ($path eq 'index.html')
		{
			is_deeply([ $told->{elsewhere}, $told->{failed}, $told->{errors} ], [ [], [], [] ], 'a browser asks nobody else, and nothing fails') or diag($err);
			ok(scalar(grep { m{/docs/glossary\.html} } @{ $told->{found} // [] }), 'the search finds a word');
			isnt($told->{dark}, $told->{light}, 'dark and light differ');
		}
		else { isnt(join(' ', @{ $told->{errors} }), '', 'what comes from elsewhere is noticed'); }
	}
	$server->kill_kill;
}
done_testing();
