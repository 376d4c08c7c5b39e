# What lists of the API promise: pages by marks over every kind of column while rows change, whom a mark is good for; how large an
# answer may become; keys under which GraphQL does something once; what is exposed, after a restore; a document that leaves nothing out
use strict;
use warnings;
use Api;
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
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql($_[1] // $p, $_[0]); }

sql(q{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api; CREATE EXTENSION citext;
	CREATE ROLE fin LOGIN; CREATE ROLE other LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE half LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_operator TO other; GRANT ingest_reader TO half;
	GRANT fin, other, plain, half TO ingest_authenticator; GRANT plain TO fin;
	CREATE SCHEMA shop AUTHORIZATION fin; GRANT USAGE ON SCHEMA shop TO other, plain, half;
	SET ROLE fin;
	CREATE TYPE shop.mood AS ENUM ('low', 'middle', 'high');
	CREATE DOMAIN shop.word AS text;
	CREATE TABLE shop.item (id bigint PRIMARY KEY, t text, c citext, n numeric, f float8, d date, at timestamptz, b bool, u uuid, m shop.mood, w shop.word,
		a int[], j jsonb, k char(4), g text COLLATE "C", y bytea, i interval, note int DEFAULT 0);
	INSERT INTO shop.item SELECT i, CASE WHEN i % 7 > 0 THEN (ARRAY['', ' ', 'null', 'a"b', E'c\\d', E'e\nf', 'Größe', '日本', ',', '''', '%', 'x=y&z'])[1 + i % 12] || i % 100 END,
		CASE WHEN i % 5 > 0 THEN (ARRAY['a', 'A', 'b', 'B'])[1 + i % 4] END, CASE WHEN i % 3 > 0 THEN (i % 50) / 7.0 END,
		CASE i % 11 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN NULL ELSE i % 40 / 3.0 END, CASE WHEN i % 4 > 0 THEN date '2026-01-01' + i % 30 END,
		CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' ELSE timestamptz '2026-03-29 00:30+00' + i % 60 * interval '7.123457 min' END, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END,
		CASE WHEN i % 2 > 0 THEN md5((i % 90)::text)::uuid END, CASE WHEN i % 8 > 0 THEN (ARRAY['low', 'middle', 'high'])[1 + i % 3]::shop.mood END, CASE WHEN i % 9 > 0 THEN 'w' || i % 17 END,
		CASE WHEN i % 10 > 0 THEN ARRAY[i % 5, NULL] END, CASE WHEN i % 4 > 0 THEN jsonb_build_object('k', i % 20, 'r', repeat('x', i % 3)) END, CASE WHEN i % 6 > 0 THEN 'k' || i % 30 END,
		CASE WHEN i % 5 > 0 THEN chr(64 + i % 60) END, CASE WHEN i % 7 > 0 THEN decode(md5((i % 25)::text), 'hex') END, CASE WHEN i % 3 > 0 THEN i % 13 * interval '1 mon -1 day 02:03' END
		FROM generate_series(1, 10000) i;
	CREATE TABLE shop.pair (a text, b int, v int, "order" int, "after" text, x int, PRIMARY KEY (b, a));
	INSERT INTO shop.pair SELECT 'a' || i % 10, i / 10, i, i, 'a.' || i, i FROM generate_series(1, 300) i;
	CREATE TABLE shop.keyless (v int); INSERT INTO shop.keyless SELECT generate_series(1, 10);
	CREATE TABLE shop.hidden (id int PRIMARY KEY, v int); INSERT INTO shop.hidden SELECT i, i FROM generate_series(1, 10) i;
	GRANT SELECT ON shop.item, shop.pair, shop.keyless TO other, plain; GRANT SELECT (v) ON shop.hidden TO half;
	CREATE TABLE shop.parent (id int PRIMARY KEY, x text); INSERT INTO shop.parent SELECT i, 'p' FROM generate_series(1, 3) i;
	CREATE TABLE shop.doc (id int PRIMARY KEY, parent_id int REFERENCES shop.parent, large text, other text, data bytea);
	ALTER TABLE shop.doc ALTER large SET STORAGE EXTERNAL;
	INSERT INTO shop.doc SELECT i, 1, repeat(md5(i::text), 8192) FROM generate_series(1, 1000) i;
	INSERT INTO shop.doc VALUES (2000, 2, repeat('x', 25 << 20), NULL, NULL), (2001, 3, 'small', 'b', '\x00'), (2002, NULL, repeat('y', 10 << 20), repeat('z', 10 << 20), NULL);
	CREATE VIEW shop.made AS SELECT i AS id, repeat('m', 1 << 18) AS large FROM generate_series(1, 1000) i;
	CREATE VIEW shop.drawn AS SELECT i AS o, i AS x, i AS p, i AS j FROM generate_series(1, 3) i;
	SELECT ingest_api.expose('shop.item', 'items'), ingest_api.expose('shop.pair', 'pairs'), ingest_api.expose('shop.keyless', 'keyless'), ingest_api.expose('shop.hidden', 'hidden'),
		ingest_api.expose('shop.doc', 'docs'), ingest_api.expose('shop.parent', 'parents'), ingest_api.expose('shop.made', 'made'), ingest_api.expose('shop.drawn', 'drawn');
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{admin}')") } qw(fin other half);
$token{plain} = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('p', 'plain')");
sub ask { my ($role, $path, $headers, $method, $body) = @_; return serve_with($node, $token{$role}, $method // 'GET', $path, $headers, $body); }
sub status { return (ask(@_))[0]; }
sub body { return (ask(@_))[2]; }
sub graphql { my ($role, $query, $headers) = @_; return ask($role, '/graphql', { 'content-type' => 'application/json', %{ $headers // {} } }, 'POST', encode_json({ query => $query })); }

# -- pages by marks --

sub page
{
	my ($path, $headers) = @_;
	my ($status, $given, $body) = serve_with($node, $token{fin}, 'GET', $path, $headers);
	my ($next) = ($given->{Link} // '') =~ /^<(.*)>; rel="next"$/;
	return ($status, $body, $next);
}
sub walk
{
	my ($path, $headers) = @_;
	my (@ids, $pages);
	while (defined $path)
	{
		my ($status, $body, $next) = page($path, $headers);
		return ("status $status: $body") if $status != 200 || ++$pages > 200;
		push @ids, $headers ? grep { /^\d+$/ } split /[\n,]/, $body : map { $_->{id} } @{ decode_json($body) };
		$path = $next;
	}
	return @ids;
}
my %orders = (
	'id' => 'id', 'id.desc' => 'id DESC', 't' => 't, id', 't.desc' => 't DESC, id', 't.nullsfirst' => 't NULLS FIRST, id', 't.desc.nullslast' => 't DESC NULLS LAST, id',
	'c' => 'c, id', 'c.desc,t.nullsfirst' => 'c DESC, t NULLS FIRST, id', 'n.desc.nullslast,id.desc' => 'n DESC NULLS LAST, id DESC', 'f' => 'f, id', 'f.desc' => 'f DESC, id',
	'd.desc.nullslast,b' => 'd DESC NULLS LAST, b, id', 'at' => 'at, id', 'at.desc.nullslast,m.desc' => 'at DESC NULLS LAST, m DESC, id', 'b.nullsfirst,u' => 'b NULLS FIRST, u, id', 'u.desc' => 'u DESC, id',
	'm,w.desc' => 'm, w DESC, id', 'a,id.desc' => 'a, id DESC', 'j' => 'j, id', 'j->>k.desc,j->r' => "j->>'k' DESC, j->'r', id", 'k' => 'k, id', 'g.desc,k.nullsfirst' => 'g DESC, k NULLS FIRST, id', 'y' => 'y, id', 'i.desc' => 'i DESC, id');
# rows that stand still are all below; others come, go and change beside them
my $writer = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr($p), '-c', q{DO $$BEGIN FOR r IN 1 .. 100000 LOOP
	INSERT INTO shop.item (id, t, n, d, note) SELECT 20000 + (r * 10 + i) % 500, 'new', i, '2026-01-05', 1 FROM generate_series(1, 10) i ON CONFLICT DO NOTHING;
	UPDATE shop.item SET note = note + 1 WHERE id % 97 = r % 97 AND id <= 10000;
	UPDATE shop.item SET t = 'moved' || r, n = r, d = '2026-01-09', at = now() WHERE id % 50 = r % 50 AND id > 20000;
	DELETE FROM shop.item WHERE id > 20000 AND id % 20 = r % 20; COMMIT; PERFORM pg_sleep(0.01); END LOOP; END$$} ], '>', '/dev/null', '2>', '/dev/null');
for my $order (sort keys %orders)
{
	my @seen = grep { $_ <= 10000 || !/^\d+$/ } walk("/v1/items?select=id&order=$order&limit=@{[ 700 + int(rand(300)) ]}&after=");
	is(join(' ', @seen), sql("SELECT string_agg(id::text, ' ' ORDER BY $orders{$order}) FROM shop.item WHERE id <= 10000"), "order=$order: each row that stood still, once, and in order");
}
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$BEGIN FOR r IN%'});
$writer->finish;
my @all = 1 .. 10000;
sql('DELETE FROM shop.item WHERE id > 10000');
is(join(' ', walk('/v1/items?select=id&after=')), "@all", 'without an order by the key');
is(join(' ', walk('/v1/items?select=id&limit=900&order=t&after=', { accept => $_ })), sql("SELECT string_agg(id::text, ' ' ORDER BY t, id) FROM shop.item"), "$_, too") for 'text/csv';
is(scalar(map { split /\n/ } (page('/v1/items?select=id&limit=9&after=', { accept => 'application/x-ndjson' }))[1]), 9, 'lines of JSON');
is((page('/v1/items?select=id,t&limit=2&order=id&after=', { accept => 'text/csv' }))[1], "id,t\n1," . sql(q{SELECT '"' || t || '"' FROM shop.item WHERE id = 1}) =~ s/^"([^",\n]+)"$/$1/r . "\n2,null2", 'and nothing else is in them');
is(join(' ', map { "$_->{b}$_->{a}" } map { @$_ } map { decode_json($_) } do { my @b; for (my $at = '/v1/pairs?limit=17&order=a.desc&after='; defined $at;) { my (undef, $b, $n) = page($at); push @b, $b; $at = $n; } @b }),
	sql(q{SELECT string_agg(b || a, ' ' ORDER BY a DESC, b) FROM shop.pair}), 'a key of two columns, one of them in the order');
is(join(' ', walk('/v1/items?select=id&n=gt.3&or=(b.is.true,d.is.null)&order=d.desc&limit=333&after=')), sql(q{SELECT string_agg(id::text, ' ' ORDER BY d DESC, id) FROM shop.item WHERE n > 3 AND (b OR d IS NULL)}), 'with conditions');
is((page('/v1/items?select=id&id=lt.4&limit=3&after='))[2] // '', '/v1/items?select=id&id=lt.4&limit=3&after=' . ((page('/v1/items?select=id&id=lt.4&limit=3&after='))[2] =~ s/.*after=//r), 'the address is the one that was asked, with another mark');
is((page((page('/v1/items?select=id&id=lt.4&limit=3&after='))[2]))[1], '[]', 'behind the last row is nothing');
is((page('/v1/items?select=id&id=lt.4&limit=4&after='))[2], undef, 'a page that is not full is the last');
is((ask('fin', '/v1/items?limit=10&after=', { prefer => 'count=exact' }))[1]{'Content-Range'}, '0-9/10000', 'rows are counted');
my $next = (page('/v1/items?select=id&limit=10&after='))[2];
is((ask('fin', $next, { prefer => 'count=exact' }))[1]{'Content-Range'}, '*/10000', 'behind a mark likewise');
is(body('fin', '/v1/pairs?select=v&after=eq.a.7'), '[{"v":7}]', 'a column that is called so can be asked about');
is(body('fin', '/v1/drawn?select=x,o&x=eq.2'), '[{"x":2,"o":2}]', 'and columns be called as ranges of the statement are');
like((graphql('fin', '{ o: drawn(first: 1) { x1: nodes { o x x3: j } } x: drawn { totalCount } }'))[2], qr/"o":\{"x1":\[\{"o":1,"x":1,"x3":1\}\]\},"x":\{"totalCount":3\}/, 'in GraphQL, too');

# -- marks are good for what they were given for --

my ($mark) = $next =~ /after=(.*)/;
sub refused { my ($role, $path, $words) = @_; my ($status, undef, $body) = ask($role, $path); return $status == 400 && $body =~ $words ? 'refused' : "$status $body"; }
my $no_mark = qr/not a mark of a place/;
is(refused('fin', "/v1/items?$_&limit=10&after=$mark", $no_mark), 'refused', "of another question: $_") for 'select=id&order=id', 'select=id&id=gt.5', 'select=id,t', 'order=t', 'select=id&order=id.desc';
is(status('fin', "/v1/items?select=id&limit=20&after=$mark"), 200, 'another length is none');
is(refused('other', $next, $no_mark), 'refused', 'of another role');
is(refused('fin', "/v1/docs?select=id&limit=10&after=$mark", $no_mark), 'refused', 'of another resource');
is(refused('fin', '/v1/items?select=id&limit=10&after=' . $_, $no_mark), 'refused', 'none: ' . substr($_, 0, 20)) for substr($mark, 0, -1), $mark . 'AAAA', 'x' . substr($mark, 1), 'AAAA', 'x' x 7000, '%3D%3D', "'", '%22', 'W251bGxd', ($mark =~ s/./A/r);
is(refused('fin', "$next&offset=5", qr/not at both/), 'refused', 'a mark and a number of rows');
is(refused('fin', '/v1/items?after=&after=', qr/twice/), 'refused', 'twice');
is(refused('fin', '/v1/items/5?after=', qr/for lists/), 'refused', 'of one row');
is(refused('fin', '/v1/keyless?after=', qr/has no key/), 'refused', 'what has no key has no such pages');
is(refused('half', '/v1/hidden?select=v&after=', qr/may not be read/), 'refused', 'nor what has one that may not be read');
is(refused('fin', '/v1/docs?select=id&order=large&limit=1&id=lt.100&after=', qr/too long/), 'refused', 'a value that fits into no address');
is(status('plain', '/v1/items?after=&limit=2'), 200, 'whoever may read it, in no role of ingest\'s');

# -- how large --

# what an answer took: the session's own peak, in MB
sub costs
{
	my ($role, $path, $headers, $method, $body) = @_;
	my ($code, $out, $err) = $node->psql($p, 'SET SESSION AUTHORIZATION ingest_authenticator; SELECT status, left(body, 300), octet_length(body) FROM ' . serve_call($token{$role}, $method // 'GET', $path, $headers, $body) . q{;
		RESET SESSION AUTHORIZATION; SELECT 'peak ' || substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') from 'VmHWM:\s+(\d+)')::int / 1024});
	my ($peak) = $out =~ /^peak (\d+)$/m;
	return ($out =~ /^(\d+)/, $peak // 99999, $out . $err);
}
like((costs('fin', '/v1/made'))[2], qr/answer_too_large.*larger than 65536 kB/, '64 MB, where nothing else is set');
sql('ALTER DATABASE postgres SET ingest_api.max_response = 16384');
for ([ '/v1/docs?id=lte.1000' ], [ '/v1/docs?id=lte.1000', 'text/csv' ], [ '/v1/docs?id=lte.1000', 'application/x-ndjson' ], [ '/v1/docs?id=eq.2000' ], [ '/v1/docs?id=eq.2000', 'text/csv' ], [ '/v1/docs?id=eq.2000', 'application/x-ndjson' ],
	[ '/v1/docs/2000' ], [ '/v1/docs?id=eq.2002' ], [ '/v1/docs?id=eq.2002', 'text/csv' ], [ '/v1/docs?select=large::text&id=eq.2000' ], [ '/v1/parents?select=id,docs(large)&id=eq.1' ], [ '/v1/parents?select=id,docs(large)&id=eq.2' ], [ '/v1/parents?select=id,docs(id,large)&id=eq.1&after=' ],
	[ '/v1/docs?select=id,parents(docs(large))&id=eq.7' ], [ '/v1/parents?select=id,docs!inner(large)&id=eq.1' ], [ '/v1/made' ], [ '/v1/made', 'text/csv' ], [ '/v1/made', 'application/x-ndjson' ], [ '/v1/docs?id=lte.1000&after=' ], [ '/v1/docs?id=lte.1000&after=', 'text/csv' ])
{
	my ($path, $type) = @$_;
	my ($status, $peak, $said) = costs('fin', $path, { accept => $type // 'application/json' });
	is($status, 413, "too large: $path " . ($type // '')) or diag(substr $said, 0, 300);
	like($said, qr/answer_too_large.*larger than 16384 kB/, 'in words');
	cmp_ok($peak, '<', 200, "before much of it is in memory: $peak MB");
}
for ('{ docs(filter: {id: {lte: 1000}}, first: 1000) { nodes { large } } }', '{ docs(filter: {id: {lte: 1000}}, first: 1000) { edges { node { id large } } } }', '{ docs_by_key(id: 2000) { large } }', '{ docs_by_key(id: 2002) { large other } }',
	'{ parents { nodes { docs(first: 1000) { nodes { large } } } } }', '{' . join(' ', map { "a$_: docs(filter: {id: {lte: 50}}, first: 50) { nodes { large } }" } 1 .. 20) . '}', '{' . join(' ', map { "a$_: docs_by_key(id: 2002) { large }" } 1 .. 20) . '}')
{
	my ($status, $peak, $said) = costs('fin', '/graphql', { 'content-type' => 'application/json' }, 'POST', encode_json({ query => $_ }));
	like($said, qr/^200\|.*LIMIT_EXCEEDED/, 'too large: ' . substr($_, 0, 90)) or diag(substr $said, 0, 300);
	cmp_ok($peak, '<', 240, "before much of it is in memory: $peak MB");
}
is((costs('fin', '/v1/docs?id=lte.50'))[0], 200, 'what is 12 MB is answered');
is((costs('fin', '/v1/parents?select=id,docs(id,large)&id=eq.1&docs.limit=50'))[0], 200, 'below a row, too');
is((costs('fin', '/v1/parents?select=id,docs(id)&order=x,id&limit=1'))[0], 200, 'what is not in the answer is not counted');
is((costs('fin', '/v1/docs?select=id,large&order=id.desc&offset=3&limit=40'))[0], 200, 'nor what is passed over');
is((costs('fin', '/v1/docs?select=id&order=large&limit=3'))[0], 200, 'nor what rows are sorted by');
is((costs('fin', '/v1/docs/2001'))[2] =~ /^200/ ? body('fin', '/v1/docs/2001') : '', '{"id":2001,"parent_id":3,"large":"small","other":"b","data":"\\\\x00"}', 'what is small is as it was');
sql('ALTER DATABASE postgres SET ingest_api.max_response = 1024');
is((costs('fin', '/v1/docs?id=lte.50'))[0], 413, 'the setting says how large');

# events that are too many for one answer come in several
sql('ALTER DATABASE postgres SET ingest_api.max_response = 1024');
sql(q{SET ROLE fin; SELECT ingest.emit('com.example.large', i::text, jsonb_build_object('text', repeat('x', 400000))) FROM generate_series(1, 7) i});
my (@events, $place);
for ($place = 0;;)
{
	my ($status, $headers, $body) = ask('fin', "/v1/events?limit=100&types=com.example.large&after=$place");
	last if $status != 200 || $body eq '[]';
	cmp_ok(length $body, '<', 1 << 20, 'a page of events that fits');
	push @events, map { $_->{subject} } @{ decoded($body) };
	$place = $headers->{'Last-Event-ID'};
}
is("@events", '1 2 3 4 5 6 7', 'all of them, once');

# -- GraphQL does something once --

sql('ALTER DATABASE postgres RESET ingest_api.max_response');
my $does = 'mutation { subscribe(consumer: "%s") { __typename } }';
sql(q{SET ROLE fin; CREATE TABLE shop.done (what text, at timestamptz DEFAULT clock_timestamp());});
sql(q{CREATE FUNCTION ingest_api.note(what text, seconds float8 DEFAULT 0) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	IF what = 'fails' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'invalid_parameter_value'; END IF;
	INSERT INTO shop.done VALUES (what); PERFORM pg_sleep(seconds); RETURN what || ' ' || clock_timestamp(); END $$;
	GRANT EXECUTE ON FUNCTION ingest_api.note(text, float8) TO fin;
	INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('POST', 'note/{what}', 'note', 'notes something')});
sub notes { return sql("SELECT count(*) FROM shop.done WHERE what = '$_[0]'"); }
my $note = sub { my ($what, $key, $seconds) = @_; return graphql('fin', sprintf('mutation { note(what: "%s", seconds: %s) }', $what, $seconds // 0), { 'idempotency-key' => $key }); };
my @first = $note->('a', 'k1');
is($first[0], 200, 'something is done') or diag($first[2]);
is_deeply([ $note->('a', 'k1') ], \@first, 'again: the very same answer');
is(notes('a'), 1, 'and it was done once');
is(($note->('b', 'k1'))[0], 422, 'another operation under the key');
is(notes('b'), 0, 'is not done');
is((graphql('fin', 'mutation { note(what: "a", seconds: 0) } # x', { 'idempotency-key' => 'k1' }))[0], 422, 'nor is one in other words');
is((graphql('other', 'mutation { note(what: "a", seconds: 0) }', { 'idempotency-key' => 'k1' }))[0], 200, 'what another role may not is said to it');
like(($note->('fails', 'k2'))[2], qr/"errors"/, 'what failed');
is(($note->('fine', 'k2'))[0], 200, 'is not remembered');
is(notes('fine'), 1, 'and the next is done');
is((graphql('fin', '{ __typename }', { 'idempotency-key' => 'k1' }))[0], 200, 'what only reads has no use for a key');
is(($note->('x', $_))[2] =~ /1 to 255 characters/ ? 'refused' : 'taken', 'refused', 'a key that is none: ' . length) for '', 'x' x 256;
is(notes('x'), 0, 'under which nothing is done');
my @twins = map { my $out; (IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', 'SET SESSION AUTHORIZATION ingest_authenticator', '-c', 'SELECT body FROM ' . serve_call($token{fin}, 'POST', '/graphql', { 'content-type' => 'application/json', 'idempotency-key' => 'k3' }, encode_json({ query => 'mutation { note(what: "twin", seconds: 1) }' })) ], '>', \$out, '2>&1'), \$out) } 1 .. 3;
$twins[ 2 * $_ ]->finish for 0 .. 2;
is(${ $twins[1] }, ${ $twins[3] }, 'three at once get one answer');
is(${ $twins[3] }, ${ $twins[5] }, 'all of them');
is(notes('twin'), 1, 'for it is done once');
is((ask('fin', '/v1/note/a', { 'content-type' => 'application/json', 'idempotency-key' => 'k1' }, 'POST', '{}'))[0], 422, 'a key is one for REST and GraphQL');
my @token = graphql('fin', 'mutation { make_token(name: "once") { token } }', { 'idempotency-key' => 't1' });
like($token[2], qr/pgi_/, 'a token is shown');
is((graphql('fin', 'mutation { make_token(name: "once") { token } }', { 'idempotency-key' => 't1' }))[0], 409, 'once');
is(sql(q{SELECT count(*) FROM ingest_api_internal.answered WHERE body LIKE '%pgi\_%'}), 0, 'and is not kept');

# -- functions by their names --

my %by = (q => 'item', limit => 3);
is((ask('fin', '/v1/rpc/search', { 'content-type' => 'application/json' }, 'POST', encode_json(\%by)))[2], body('fin', '/v1/search?q=item&limit=3'), 'a function that reads by its name');
is(body('fin', '/v1/rpc/search?q=item&limit=3'), body('fin', '/v1/search?q=item&limit=3'), 'by GET, too');
is((ask('fin', '/v1/rpc/note', { 'content-type' => 'application/json' }, 'POST', '{"what": "rpc"}'))[0], 404, 'not one that does something');
is(notes('rpc'), 0, 'which is not done');
is((ask('fin', $_->[0], { 'content-type' => $_->[1] }, $_->[2], $_->[3]))[0], $_->[4], "$_->[2] $_->[0]") for [ '/v1/rpc/search', 'text/plain', 'POST', '{}', 415 ], [ '/v1/rpc/search', 'application/json', 'POST', '{}', 400 ], [ '/v1/rpc/search', 'application/json', 'POST', '{"q": "a", "nope": 1}', 400 ],
	[ '/v1/rpc/search', 'application/json', 'DELETE', undef, 405 ], [ '/v1/rpc/nope', 'application/json', 'POST', '{}', 404 ], [ '/v1/rpc/' . 'x' x 100, 'application/json', 'GET', undef, 404 ];

# -- the document has all that there is --

my $document = decoded(body('fin', '/openapi.json'));
sub shape { my ($path) = @_; return $path =~ s/\{[^}]*\}/{}/gr; }
my %there = map { my $path = $_; map { shape("$_ $path") => 1 } keys %{ $document->{paths}{$path} } } keys %{ $document->{paths} };
my @missing = grep { !$there{$_} } map { shape(lc($1) . " $2") if /^(\S+) (\S+)$/ } split /\n/,
	sql(q{SELECT r.method || ' /v1/' || r.path FROM ingest_api_internal.route r JOIN pg_proc f ON f.pronamespace = 'ingest_api'::regnamespace AND f.proname = r.function WHERE has_function_privilege('fin', f.oid, 'EXECUTE')});
is("@missing", '', 'every address of the table of routes');
my @resources = map { $_->{name} } @{ decoded(body('fin', '/v1')) };
is(join(' ', grep { !$there{"get /v1/$_"} } @resources), '', 'every resource');
my %key = map { split /\|/ } split /\n/, sql('SELECT name, cardinality(key) FROM ingest_api_internal.resource');
is(join(' ', grep { $key{$_} == 1 && !$there{"get /v1/$_/{}"} } @resources), '', 'and its rows');
is(join(' ', grep { !$there{$_} } 'get /v1', 'get /openapi.json', 'get /metrics', 'get /graphql', 'post /graphql', 'get /v1/session', 'post /v1/session', 'delete /v1/session'), '', 'the addresses of the API itself');
my %route = map { shape($_) => 1 } split /\n/, sql("SELECT lower(method) || ' /v1/' || path FROM ingest_api_internal.route");
my @functions = split /\n/, sql(q{SELECT r.function FROM ingest_api_internal.route r JOIN pg_proc f ON f.pronamespace = 'ingest_api'::regnamespace AND f.proname = r.function WHERE r.method = 'GET' AND has_function_privilege('fin', f.oid, 'EXECUTE')});
is(join(' ', grep { !$there{"get /v1/rpc/$_"} || !$there{"post /v1/rpc/$_"} } @functions), '', 'and functions that read by their names');
my %is = (%route, (map { ("get /v1/rpc/$_" => 1, "post /v1/rpc/$_" => 1) } @functions), map { $_ => 1 } 'get /v1', 'get /openapi.json', 'get /metrics', 'get /graphql', 'post /graphql', 'get /v1/session', 'post /v1/session', 'delete /v1/session', map { ("get /v1/$_", "get /v1/$_/{}") } @resources);
is(join(' ', grep { !$is{$_} } keys %there), '', 'and nothing that is not there');
my $events = $document->{paths}{'/v1/events'}{get};
ok($events->{responses}{200}{content}{'text/event-stream'}, 'events come as a stream');
is(join(' ', sort grep { /after|Last|types/ } map { my ($n) = $_->{'$ref'} ? $_->{'$ref'} =~ m{([^/]+)$} : (); $n ? $document->{components}{parameters}{$n}{name} : $_->{name} } @{ $events->{parameters} }), 'Last-Event-ID after types', 'from a place on');
is(scalar(keys %{ $document->{webhooks} }), sql('SELECT count(*) FROM ingest.event_type'), 'what is sent is in it as webhooks');
is(join(' ', grep { my $p = $document->{paths}{$_}; grep { !$p->{$_}{responses}{413} || !$p->{$_}{responses}{504} } keys %$p } grep { m{^/v1/} && $_ ne '/v1/session' } keys %{ $document->{paths} }), '', 'and each address says that an answer may be too large or take too long');
is(body('fin', '/openapi.json') =~ /"items"/ && body('half', '/openapi.json') !~ m{/v1/items"} ? 'own' : 'all', 'own', 'for each role its own');

SKIP:
{
	skip 'the clients come by npm', 2 unless $ENV{NODE_PATH};
	my $folder = PostgreSQL::Test::Utils::tempdir('document');
	append_to_file("$folder/openapi.json", body('fin', '/openapi.json'));
	my $said;
	local $ENV{REDOCLY_TELEMETRY} = 'off';
	ok(IPC::Run::run([ 'node', "$ENV{NODE_PATH}/\@redocly/cli/bin/cli.js", 'lint', "$folder/openapi.json" ], '>', \$said, '2>&1') && $said !~ /You have \d+ warning/, 'OpenAPI: nothing to complain about') or diag($said);
	symlink $ENV{NODE_PATH}, "$folder/node_modules";
	append_to_file("$folder/package.json", '{"type": "module"}');
	ok(IPC::Run::run([ 'node', "$ENV{NODE_PATH}/openapi-typescript/bin/cli.js", "$folder/openapi.json", '-o', "$folder/schema.ts" ], '>', \$said, '2>&1')
		&& IPC::Run::run([ 'node', "$ENV{NODE_PATH}/typescript/bin/tsc", '--strict', '--skipLibCheck', '--noEmit', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', "$folder/schema.ts" ], '>>', \$said, '2>&1'), 'types are made from it') or diag($said);
}

# -- what is exposed, after a restore in which roles have other numbers --

# now, since its time runs out while it waits

sql(q{DELETE FROM ingest_api_internal.route WHERE function = 'note'; DROP FUNCTION ingest_api.note(text, float8); DELETE FROM shop.doc WHERE id <> 2001});
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr($p), '-f', $dump ], 'a dump');
my $second = PostgreSQL::Test::Cluster->new('second');
$second->init;
$second->append_conf('postgresql.conf', "fsync = off\n");
$second->start;
# others have the numbers that these roles had
$second->safe_psql($p, "CREATE ROLE r$_; DROP ROLE r$_") for 1 .. 3;
$second->safe_psql($p, 'CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api; DROP EXTENSION ingest_api; DROP EXTENSION ingest');
my $fin = sql("SELECT 'fin'::regrole::oid::int");
my $thief = '';
for (1 .. 60) { $second->safe_psql($p, "CREATE ROLE thief$_ LOGIN"); $thief = "thief$_", last if $second->safe_psql($p, "SELECT oid::int FROM pg_roles WHERE rolname = 'thief$_'") >= $fin; }
$second->safe_psql($p, 'CREATE ROLE other LOGIN; CREATE ROLE plain LOGIN; CREATE ROLE half LOGIN; CREATE ROLE fin LOGIN; GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_operator TO other; GRANT fin, other TO ingest_authenticator');
$second->safe_psql($p, "GRANT ingest_operator TO $thief") if $thief;
$second->command_ok([ 'pg_restore', '-d', $second->connstr($p), $dump ], 'a restore');
# until then nothing of it is anybody's
$second->safe_psql($p, 'SELECT ingest.enable()');
isnt($second->safe_psql($p, "SELECT 'fin'::regrole::oid"), $fin, 'the role has another number there');
is($second->safe_psql($p, 'SELECT count(*) FROM ingest_api_internal.resource WHERE owner IS NOT NULL'), sql('SELECT count(*) FROM ingest_api_internal.resource WHERE owner IS NOT NULL'), 'what was exposed is');
$token{again} = $second->safe_psql($p, "SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('t', scopes => '{admin}')");
is((serve_with($second, $token{again}, 'GET', '/v1/pairs?select=v&limit=1&order=v', {}))[2], '[{"v":1}]', 'and read');
is((serve_with($second, $token{fin}, 'GET', '/v1/pairs', {}))[0], 401, 'not by the token of before');
is($second->safe_psql($p, "SET SESSION AUTHORIZATION fin; SELECT string_agg(name, ' ') FROM ingest_api.tokens"), 't', 'which nobody is shown there');
is((serve_with($second, $token{again}, 'GET', $next, {}))[0], 400, 'a mark is good where it was given');
sub says { my ($role, $sql) = @_; my ($code, $out, $err) = $second->psql($p, "SET SESSION AUTHORIZATION $role; $sql"); return $code ? $err =~ s/\n.*//sr : 'done'; }
like(says('other', q{SELECT ingest_api.unexpose('items')}), qr/no resource "items" that you exposed/, 'somebody else hides nothing');
like(says($thief, q{SELECT ingest_api.unexpose('items')}), qr/no resource/, 'nor who has the number') if $thief;
is(says('fin', q{SELECT ingest_api.unexpose('items')}), 'done', 'who exposed it does');
is(says('fin', q{SELECT ingest_api.expose('shop.item', 'items')}), 'done', 'and exposes it again');
is((serve_with($second, $token{again}, 'GET', '/v1/items/7?select=id', {}))[2], '{"id":7}', 'there it is');
$second->safe_psql($p, 'REASSIGN OWNED BY fin TO other; DROP OWNED BY fin; DROP ROLE fin; CREATE ROLE fin LOGIN; GRANT ingest_operator TO fin');
like(says('fin', q{SELECT ingest_api.unexpose('pairs')}), qr/no resource/, 'one who is called so later inherits nothing');
$second->stop;
done_testing();
