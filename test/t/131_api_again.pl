# What an attack on the API found: rows lost from pages, memory beyond what an answer may take, what built-in functions leave in a
# session, what reading wrote all the same, secrets in addresses, sessions that end while they are used
use strict;
use warnings;
use Api;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "fsync = off\nlog_statement = all\ningest_api.session_idle = 60\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql(q{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api;
	CREATE ROLE thief LOGIN; CREATE ROLE victim LOGIN;
	GRANT ingest_operator, ingest_consumer TO thief, victim; GRANT thief, victim TO ingest_authenticator;
	CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
	CREATE FUNCTION trap.try(sql text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE sql; RETURN 'done'; END $$;
	CREATE TABLE trap.kind (name text PRIMARY KEY, sql text);
	INSERT INTO trap.kind VALUES ('seed', 'SELECT setseed(0.25)'), ('object', 'SELECT lo_create(0)'), ('slot', 'SELECT pg_create_physical_replication_slot(''left_behind'', false, true)'),
		('origin', 'SELECT pg_replication_origin_session_setup(''left_behind'')'), ('backup', 'SELECT pg_backup_start(''left_behind'', true)'), ('nothing', 'SELECT 1');
	CREATE VIEW trap.kind_v AS SELECT name, pg_backend_pid() AS pid, trap.try(sql) AS what FROM trap.kind;
	CREATE VIEW trap.left_v AS SELECT pg_backend_pid() AS pid, random() AS chance;
	CREATE TABLE trap.parent (id int PRIMARY KEY, v text); CREATE TABLE trap.child () INHERITS (trap.parent);
	CREATE TABLE trap.leaf (id int PRIMARY KEY, of int REFERENCES trap.parent);
	INSERT INTO trap.parent SELECT g, 'parent' FROM generate_series(1, 10) g; INSERT INTO trap.child SELECT g, 'child' FROM generate_series(1, 10) g; INSERT INTO trap.leaf SELECT g, g FROM generate_series(1, 10) g;
	CREATE TABLE trap.keyed (id int PRIMARY KEY, b int NOT NULL DEFAULT 1, "after" int DEFAULT 5); INSERT INTO trap.keyed SELECT g FROM generate_series(1, 20) g;
	CREATE TABLE trap.wide (id int PRIMARY KEY, body text); INSERT INTO trap.wide SELECT g, lpad(g::text, 8, '0') || repeat('x', 2000000) FROM generate_series(1, 400) g;
	CREATE VIEW trap.computed AS SELECT g AS id, repeat('y', 60000000) AS body FROM generate_series(1, 20) g;
	GRANT SELECT ON ALL TABLES IN SCHEMA trap TO thief, victim;
	SELECT pg_replication_origin_create('left_behind');
	SELECT ingest_api.expose(format('trap.%I', name)::regclass, name) FROM unnest('{kind_v,left_v,parent,leaf,keyed,wide,computed}'::text[]) name;
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{admin}')") } qw(thief victim);

my $folder = PostgreSQL::Test::Utils::tempdir('again');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $url = "http://127.0.0.1:$port";
my $gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--pool', '1', '--timeout', '100', '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ],
	'<', '/dev/null', '>', '/dev/null', '2>>', "$folder/log");
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
until (`curl -s $url/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file("$folder/log") if time() > $until || !$gateway->pumpable; sleep(0.05); }

# status, body, head
sub asked
{
	my ($who, $path, @more) = @_;
	my $out = '';
	IPC::Run::run([ 'curl', '-s', '-g', '-i', '--max-time', '120', (map { ('-H', "Authorization: Bearer $_") } grep { defined } $token{$who}), @more, "$url$path" ], '<', '/dev/null', '>', \$out, '2>', '/dev/null');
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	return ($head =~ /^HTTP\S+ (\d+)/, $body, $head);
}
sub rows { my ($status, $body) = asked(@_); return $status == 200 ? decode_json($body) : []; }
sub next_page { my ($head) = @_; return $head =~ /^Link: <(\S+)>; rel="next"/m ? $1 : undef; }

# -- what built-in functions leave --

for my $kind (qw(slot origin backup))
{
	my $did = rows('thief', "/v1/kind_v?name=eq.$kind")->[0];
	my $next = rows('victim', '/v1/left_v')->[0];
	ok($did->{what} eq 'done' && defined $next->{pid} && $next->{pid} != $did->{pid}, "a session in which somebody left a $kind is for nobody else");
}
is(sql('SELECT count(*) FROM pg_replication_slots'), 0, 'and took it with it');
my @chance;
push @chance, (rows('thief', '/v1/kind_v?name=eq.seed'), rows('victim', '/v1/left_v')->[0]{chance})[1] for 1 .. 2;
isnt($chance[0], $chance[1], 'nobody says what random() gives the next one');
my $pid = rows('thief', '/v1/kind_v?name=eq.nothing')->[0]{pid};
is(rows('victim', '/v1/left_v')->[0]{pid}, $pid, 'where nothing was left the session goes on');

# -- what reading does not write --

is(rows('thief', '/v1/kind_v?name=eq.object')->[0]{what} // '', 'done', 'a large object is made, before PostgreSQL 16') if $node->pg_version < 16;
is(sql('SELECT count(*) FROM pg_largeobject_metadata'), 0, 'and is not there');

# the first who asks where events are now writes down which cluster this is
is(sql('SELECT count(*) FROM ingest.installation'), 0, 'nothing was done here yet');
serve_with($node, $token{thief}, 'GET', '/v1/events', { accept => 'text/event-stream' });
is(sql('SELECT count(*) FROM ingest.installation'), 1, 'what a stream writes of itself is kept');

# -- pages --

is(scalar @{ rows('thief', '/v1/parent') }, 20, 'rows of who inherits are among them');
my ($status, $body) = asked('thief', '/v1/parent?limit=3&after=');
ok($status == 400 && $body =~ /has no key/, 'nothing keeps their keys apart, so there are no pages by marks') or diag $body;
is((asked('thief', '/v1/parent/1'))[0], 404, 'nor is there a row of a key');
is((asked('thief', '/graphql', '-H', 'Content-Type: application/json', '-d', '{"query": "{ parent_by_key(id: 1) { v } }"}'))[1] =~ /FieldsOnCorrectType/ ? 1 : 0, 1, 'by GraphQL neither');
unlike((asked('thief', '/openapi.json'))[1], qr{"/v1/parent/\{id\}"}, 'nor in the document');
is_deeply([ map { $_->{parent}{v} } @{ rows('thief', '/v1/leaf?select=id,parent(v)&order=id') } ], [ ('parent') x 10 ], 'a foreign key leads to the table itself, and each row comes once');

my $head;
($status, $body, $head) = asked('thief', '/v1/keyed?limit=5&after=');
my $page = next_page($head);
is(rows('thief', $page)->[0]{id}, 6, 'a next page');
sql('ALTER TABLE trap.keyed DROP CONSTRAINT keyed_pkey, ADD PRIMARY KEY (b, id)');
is((asked('thief', $page))[0], 400, 'by another key it is none');
sql('ALTER TABLE trap.keyed DROP CONSTRAINT keyed_pkey, ALTER id TYPE text, ADD PRIMARY KEY (id)');
is((asked('thief', $page))[0], 400, 'nor by one of another type');
sql('ALTER TABLE trap.keyed ALTER id TYPE int USING id::int');
is(rows('thief', $page)->[0]{id}, 6, 'as it was it is one again');
for my $asked ('/v1/keyed?limit=5&%61fter=', '/v1/keyed?limit=5&after=eq.5&after=', '/v1/keyed?limit=5&%61fter=eq%2E5&after=')
{
	($status, $body, $head) = asked('thief', $asked);
	is(rows('thief', next_page($head))->[0]{id}, 6, "the next page of $asked");
}

# -- memory --

sub peak
{
	my ($path, $type) = @_;
	my ($code, $out, $err) = $node->psql($p, q{SELECT pg_backend_pid(); SET SESSION AUTHORIZATION ingest_authenticator; SELECT status FROM } . serve_call($token{thief}, 'GET', $path, { accept => $type }) .
		q{; RESET SESSION AUTHORIZATION; SELECT 'peak ' || substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') from 'VmHWM:\s+(\d+)')::int / 1024});
	return ($out =~ /^(\d{3})$/m, $out =~ /^peak (\d+)$/m);
}
for (['/v1/computed?limit=20', 'text/csv', 413, 550], ['/v1/wide?select=id&order=body&after=', 'application/json', 200, 300], ['/v1/wide?select=id&order=body&after=', 'text/csv', 200, 300])
{
	my ($path, $type, $expected, $most) = @$_;
	my ($status, $peak) = peak($path, $type);
	is($status, $expected, "$path as $type");
	cmp_ok($peak // 99999, '<', $most, "with little in memory: $peak MB");
}
my ($code, $out, $err) = $node->psql($p, q{SELECT length(ingest_api_internal.shown('SELECT * FROM trap.wide')::text)});
like($err, qr/the answer would be larger than/, 'what functions show is no larger');

# -- secrets --

sql('TRUNCATE ingest_api_internal.asked');
my $whole = $token{victim};
for my $path ("/v1/tokens/$whole", "/v1/syncs?name=eq.$whole", '/v1/sources/pgl_' . substr($whole, 13) . '/pause')
{
	is((asked('thief', $path, '-X', 'DELETE'))[0], 400, 'a secret does not stand in an address');
}
my $secret = substr($whole, 13);
is(sql("SELECT count(*) FROM ingest.audit a WHERE a::text LIKE '%$secret%'"), 0, 'it is not written down');
unlike(slurp_file("$folder/log"), qr/$secret/, 'nor logged');
unlike(slurp_file($node->logfile) =~ s/^.*SELECT count\(\*\) FROM ingest\.audit.*$//gmr, qr/$secret/, 'by the database neither') ;
is((asked('victim', '/v1/tokens/' . substr($whole, 0, 12), '-X', 'DELETE'))[0], 204, 'how it begins is enough to end it');

# -- sessions --

my $cookies = "$folder/cookies";
my $login = (asked('nobody', '/v1/session', '-c', $cookies, '-H', 'Content-Type: application/json', '-d', encode_json({ token => $token{thief} })))[0];
is($login, 201, 'somebody logs in');
sql(q{UPDATE ingest_api_internal.session SET used_at = now() - interval '40 s'});
is((asked('nobody', '/v1/session', '-b', $cookies))[0], 200, 'uses it');
cmp_ok(sql('SELECT extract(epoch FROM now() - used_at) FROM ingest_api_internal.session'), '<', 30, 'and that is known, so that it does not end while it is used');

$gateway->signal('TERM');
$gateway->finish;
done_testing();
