# Files of the console: where they are, how they are kept and packed, what is none of them; pages in Debian's Chromium
use strict;
use warnings;
use File::Copy;
use File::Path qw(make_path);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql('CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api; CREATE ROLE fin LOGIN; GRANT ingest_operator, ingest_consumer TO fin; GRANT fin TO ingest_authenticator');

my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('console');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $url = "http://127.0.0.1:$port";
my $gateway;
sub start_gateway
{
	my ($what, @options) = @_;
	$gateway = IPC::Run::start([ $what, '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator", @options ], '<', '/dev/null', '>', '/dev/null', '2>>', "$folder/log");
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -s $url/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file("$folder/log") if time() > $until || !$gateway->pumpable; sleep(0.05); }
	return;
}
sub stop_gateway { $gateway->signal('TERM'); $gateway->finish; return; }
# asked(path, arguments of curl): status, head, body
sub asked
{
	my ($path, @more) = @_;
	my $out = '';
	IPC::Run::run([ 'curl', '-s', '--path-as-is', '--max-time', '20', '-D', '-', @more, "$url$path" ], '<', '/dev/null', '>', \$out, '2>', '/dev/null');
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	return ($head =~ /^HTTP\S+ (\d+)/ ? $1 : 0, $head, $body // '');
}
sub status { return (asked(@_))[0]; }
sub value { my ($head, $name) = @_; return $head =~ /^\Q$name\E: ([^\r\n]*)/mi ? $1 : undef; }

# -- where there is none --

# a program that lies where nothing was installed beside it
make_path("$folder/alone/bin");
copy($program, "$folder/alone/bin/pg_ingest_gateway") or die $!;
chmod 0755, "$folder/alone/bin/pg_ingest_gateway";
start_gateway("$folder/alone/bin/pg_ingest_gateway");
my ($code, $head, $body) = asked('/console/');
is($code, 404, 'without files');
is($body, "The console is not here: make -C console, then make install, or pg_ingest_gateway --console-dir console/dist.\n", 'one line says how to have them');
is(status('/console/tables/7'), 404, 'anywhere below');
stop_gateway();
my ($out, $err);
ok(!IPC::Run::run([ $program, '--listen', "127.0.0.1:$port", '--console-dir', "$folder/nowhere" ], '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(20)), 'a folder that is said must be there');
like($err, qr/cannot be read/, 'which it says');

# -- files --

my $dist = "$folder/dist";
make_path("$dist/assets", "$folder/static/docs");
sub put { my ($path, $text) = @_; open my $file, '>:raw', $path or die "$path: $!"; print $file $text; close $file; return; }
my %file = (
	'index.html' => "<!doctype html><html lang=en><head><title>t</title><link rel=icon href=data:,><script type=module src=/console/assets/index-BkX3a9Qd.js></script><link rel=stylesheet href=/console/assets/index-C0ffee42.css></head><body><div id=app></div></body></html>\n",
	'assets/index-BkX3a9Qd.js' => "document.getElementById('app').textContent = 'it runs';\n" . '/* ' . 'x' x 3000 . " */\n",
	'assets/index-C0ffee42.css' => 'body { color: #123456; }' . ' ' x 600 . "\n",
	'assets/plain.js' => "1;\n", 'favicon.svg' => '<svg xmlns="http://www.w3.org/2000/svg"/>', 'data.json' => '{}', 'picture.png' => "\x89PNG\r\n\x1a\n" . "\0" x 2000, 'assets/font-0123456789.woff2' => 'wOF2' . "\0" x 2000);
put("$dist/$_", $file{$_}) for keys %file;
put("$dist/assets/index-BkX3a9Qd.js.br", 'packed by its builder');
put("$folder/secret", 'a secret');
symlink "$folder/secret", "$dist/link.txt";
symlink $folder, "$dist/up";
start_gateway($program, '--console-dir', $dist);
my %type = (html => 'text/html; charset=utf-8', js => 'text/javascript; charset=utf-8', css => 'text/css; charset=utf-8', svg => 'image/svg+xml', json => 'application/json', png => 'image/png', woff2 => 'font/woff2');
for my $name (sort keys %file)
{
	my ($status, $head, $body) = asked("/console/$name");
	ok($status == 200 && $body eq $file{$name}, $name);
	is(value($head, 'Content-Type'), $type{ $name =~ /\.(\w+)$/ ? $1 : '' }, 'its type');
	is(value($head, 'Cache-Control'), $name =~ /-[\w]{8,}\./ ? 'public, max-age=31536000, immutable' : 'no-cache', 'how long it is kept');
	is(value($head, 'Content-Security-Policy'), q{default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'}, 'what a page of it may');
	my %said = ('X-Content-Type-Options' => 'nosniff', 'Referrer-Policy' => 'no-referrer', 'Cross-Origin-Opener-Policy' => 'same-origin', 'Cross-Origin-Resource-Policy' => 'same-origin');
	is(value($head, $_), $said{$_}, $_) for sort keys %said;
	like(value($head, 'Permissions-Policy'), qr/camera=\(\)/, 'and what none may');
	my $tag = value($head, 'ETag');
	($status, $head, $body) = asked("/console/$name", '-H', "If-None-Match: $tag");
	is("$status $body", '304 ', 'what is known is not sent again');
	is(value($head, 'Content-Type'), undef, 'nor described');
	is(status("/console/$name", '-H', 'If-None-Match: "x"'), 200, 'another one is');
}
is((asked('/console/'))[2], $file{'index.html'}, 'its first page');
($code, $head) = asked('/console');
is("$code " . value($head, 'Location'), '308 /console/', 'is found without the slash');
is((asked("/console/$_"))[2], $file{'index.html'}, "an address of its own: $_") for 'tables/7', 'login', 'runs?state=failed', 'lineage/a%20b';
is(status("/console/$_"), 404, "none: $_")
	for 'no.js', 'assets/index-00000000.js', 'link.txt', '../secret', '%2e%2e/secret', '..%2fsecret', '%2E%2E%2Fsecret', 'assets/../../secret', '..%5csecret', 'index.html.gz', 'assets/index-BkX3a9Qd.js.br', './index.html', '.env';
is((asked("/console/$_"))[2], $file{'index.html'}, "no way out: $_") for 'up/secret', 'up/';
is(status("/console/$_"), 400, "nor this: $_") for '..\\secret', 'tables/%00';
is(status('/consoles'), 401, 'only what lies below it');
is(status('/console/index.html', '-X', $_), 405, "no $_") for 'POST', 'DELETE';
like((asked('/console/', '-X', 'OPTIONS'))[1], qr/^HTTP\S+ 204 .*^Allow: GET, HEAD, OPTIONS\r?$/ms, 'what may be, is told');
like((asked('/console/', '-I'))[2], qr/^(?!.*<html)/s, 'a head alone');

# -- packed --

($code, $head, $body) = asked('/console/assets/index-BkX3a9Qd.js', '-H', 'Accept-Encoding: gzip, br');
is(value($head, 'Content-Encoding') . " $body", 'br packed by its builder', 'what was packed is sent so');
($code, $head, $body) = asked('/console/assets/index-BkX3a9Qd.js', '-H', 'Accept-Encoding: gzip');
is(value($head, 'Content-Encoding'), 'gzip', 'or packed here');
cmp_ok(value($head, 'Content-Length'), '<', 200, 'which is shorter');
is(scalar(() = $head =~ /^(?:Vary|Content-Encoding):/mgi), 2, 'once');
my $packed = value($head, 'ETag');
is((asked('/console/assets/index-BkX3a9Qd.js', '--compressed', '-H', 'Accept-Encoding: gzip'))[2], $file{'assets/index-BkX3a9Qd.js'}, 'and is the same');
($code, $head) = asked('/console/assets/index-BkX3a9Qd.js');
is(value($head, 'Content-Encoding'), undef, 'or not packed');
isnt(value($head, 'ETag'), $packed, 'each has a tag of its own');
is(status('/console/assets/index-BkX3a9Qd.js', '-H', "If-None-Match: $packed"), 200, 'and one is not the other');
is(value((asked('/console/picture.png', '-H', 'Accept-Encoding: gzip, br'))[1], 'Content-Encoding'), undef, 'pictures are packed already');
stop_gateway();

# -- where make install puts them, beside the program --

my ($bin, $share) = map { $node->config_data($_) } '--bindir', '--sharedir';
my $common = '';
$common .= "/$1" while "$bin\n$share" =~ m{^\Q$common\E/([^/\n]+)/.*\n\Q$common\E/\1/};
my $moved = "$folder/moved";
make_path($moved . substr($bin, length $common), $moved . substr($share, length $common) . '/pg_ingest/console');
my $copy = $moved . substr($bin, length $common) . '/pg_ingest_gateway';
copy($program, $copy) or die $!;
chmod 0755, $copy;
put($moved . substr($share, length $common) . '/pg_ingest/console/index.html', 'installed');
start_gateway($copy);
is((asked('/console/'))[2], 'installed', 'they are found where they were installed');
stop_gateway();

# -- in a browser --

SKIP:
{
	skip 'playwright-core comes from npm with make check', 1 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/playwright-core";
	skip 'there is no Chromium', 1 unless -x '/usr/bin/chromium';
	# what has to do with /docs is where the tests are copied to, two folders up
	my $here = __FILE__ =~ s{t/[^/]*$}{}r || './';
	copy($_, "$folder/static/docs/") or die "$_: $!" for glob("$here../ingest_api/swagger/*"), "$ENV{NODE_PATH}/swagger-ui-dist/swagger-ui.css", "$ENV{NODE_PATH}/swagger-ui-dist/swagger-ui-bundle.js";
	my $token = sql(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('browser')});
	local $ENV{HOME} = $folder;
	# what is packed by br is made up above
	unlink "$dist/assets/index-BkX3a9Qd.js.br";
	start_gateway($program, '--static', "$folder/static", '--console-dir', $dist);
	my $seen = sub {
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'node', "${here}api/browse.cjs", encode_json({@_}) ], '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(180));
		return $out ? decode_json($out) : { failed => $err };
	};
	my $docs = $seen->(url => "$url/docs/", selector => '.opblock', token => $token);
	is($docs->{failed}, undef, '/docs/ is shown');
	cmp_ok($docs->{found} // 0, '>', 20, 'with what may be asked for');
	is_deeply($docs->{origins}, [$url], 'by requests to no other address');
	is_deeply($docs->{violations}, [], 'and nothing that the policy forbids');
	is_deeply($docs->{errors}, [], 'nor an error') or diag explain $docs;
	my $page = $seen->(url => "$url/console/tables/7", selector => '#app:has-text("it runs")', script => 'getComputedStyle(document.body).color');
	is_deeply([ @{$page}{qw(failed violations errors script)} ], [ undef, [], [], 'rgb(18, 52, 86)' ], 'a page of the console runs its script and style') or diag explain $page;
	# the policy does forbid: what stands within a page, and other addresses
	put("$dist/index.html", '<!doctype html><html lang=en><head><title>t</title><link rel=icon href=data:,></head><body onload="document.title = 1"><div id=app>it is</div><script>document.title = 2</script><img src="http://localhost:1/x.png" alt=""></body></html>');
	stop_gateway();
	start_gateway($program, '--console-dir', $dist);
	my $bad = $seen->(url => "$url/console/", selector => '#app', script => 'document.title');
	is($bad->{script}, 't', 'what stands within a page does not run');
	cmp_ok(scalar @{ $bad->{violations} // [] }, '>=', 3, 'which a browser says');
	stop_gateway();
}
done_testing();
