# Nothing that a client says becomes SQL: hostile texts in every parameter of every address, taken from the table of routes and from
# the catalogue, in headers, in GraphQL and in credentials, held against a log of all statements that ran for them, within functions too
use strict;
use warnings;
use Api;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
# its texts have constants taken out by the parser itself
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = all\npg_stat_statements.max = 60000\npg_stat_statements.save = off\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
my $seed = $ENV{API_SEED} // int(rand(1e9));
note("API_SEED=$seed");
srand($seed);

sql(q{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api; CREATE EXTENSION ingest_delivery; CREATE EXTENSION postgres_fdw; CREATE EXTENSION pg_stat_statements SCHEMA public;
	CREATE ROLE fin LOGIN; GRANT ingest_operator, ingest_consumer, ingest_admin TO fin; GRANT fin TO ingest_authenticator; GRANT CREATE ON DATABASE postgres TO fin;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.region (id int PRIMARY KEY, name text); INSERT INTO shop.region VALUES (1, 'North');
	CREATE TABLE shop.item (id int PRIMARY KEY, name text, doc jsonb, tags text[], since date, credit numeric, ok bool, region_id int REFERENCES shop.region);
	INSERT INTO shop.item SELECT i, 'n' || i, jsonb_build_object('k', i), ARRAY['a'], '2026-01-01', i, true, 1 FROM generate_series(1, 20) i;
	SELECT ingest_api.expose('shop.item', 'items'), ingest_api.expose('shop.region', 'regions');
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin; CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET SESSION AUTHORIZATION fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft.item', 'books.item', mode => 'full', key => '{id}', history => true);
	CALL ingest.sync('books.item');
	SELECT ingest.profile('books.item'), ingest.add_rule('books.item', 'not_null', '{name}'), ingest.subscribe('c'), ingest.emit('com.example.a', 'a', '{}');
	RESET SESSION AUTHORIZATION;
	-- what the test must find: it makes SQL of what it is given
	CREATE FUNCTION ingest_api.unsafe(what text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE 'SELECT ' || what INTO r; RETURN r; END $$;
	GRANT EXECUTE ON FUNCTION ingest_api.unsafe(text) TO fin;
});
my $token = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('t', scopes => '{admin}')");

# Zqx: a word of capital letters is an identifier within quotes alone, and within quotes it harms nobody
my @payloads = (q{';Zqx--}, q{";Zqx--}, q{'||Zqx||'}, q{' OR Zqx='1}, q{");Zqx;--}, q{');SELECT Zqx;--}, q{\\';Zqx--}, q{\\";Zqx--}, q{$$Zqx$$}, q{$1 Zqx}, q{1 Zqx}, q{1;Zqx}, q{1) Zqx (1}, q{*/Zqx/*}, q{E'\\x27Zqx}, q{U&'\\0027 Zqx},
	q{%s Zqx}, q{%1$I Zqx}, q{'::Zqx::'}, q{Zqx'::regclass}, q{x" FROM Zqx--}, qq{a\nZqx}, q{{"Zqx":"'"}}, q{{Zqx,"'"}}, q{[Zqx,']}, q{(Zqx)}, q{{{Zqx}}}, "\x{2bc}Zqx\x{2019}", q{'';Zqx}, q{shop.item Zqx}, q{"shop"."Zqx'"}, q{Zqx}, q{a.Zqx'}, q{-1 Zqx}, q{id Zqx,id});
my @requests;
sub escaped { my ($text) = @_; utf8::encode($text); return $text =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ger; }
sub add { my ($method, $path, $headers, $body) = @_; push @requests, serve_call($token, $method, $path, { 'content-type' => 'application/json', %{ $headers // {} } }, ref $body ? JSON::PP->new->allow_nonref->encode($body) : $body); return; }
sub some { my ($n) = @_; return @payloads if $n >= @payloads; return @payloads[ map { int(rand(@payloads)) } 1 .. $n ]; }

# -- lists: each place of the grammar, on each resource --

my @operators = qw(eq neq gt gte lt lte like ilike match imatch is isdistinct in cs cd fts);
my @places = ('select=%s', 'select=COL,%s:COL', 'select=COL::%s', 'select=COL->%s', 'select=a:COL->>%s', 'select=%s(id)', 'select=COL,OTHER!%s(*)', 'select=...%s(id)', '%s=eq.1', 'COL=%s.1', 'COL=not.%s.1', 'COL->>%s=eq.1', 'order=%s', 'order=COL.%s', 'order=COL->%s', 'limit=%s', 'offset=%s', 'after=%s',
	'and=(%s)', 'or=(COL.eq.%s)', 'or=(%s.eq.1)', 'not.and=(COL.in.(%s))', 'OTHER.COL=eq.%s&select=*,OTHER(*)', 'OTHER.order=%s&select=*,OTHER(*)', 'OTHER.limit=%s&select=*,OTHER(*)', 'columns=%s', 'on_conflict=%s',
	(map { ("COL=$_.%s", "COL=not.$_.%s") } @operators), 'COL=in.(%s)', 'COL=in.("%s")', (map { ("COL=$_(any).{%s}", "COL=$_(all).{%s}") } qw(eq like)), 'COL=cs.{%s}', 'COL=cs.[%s]');
for (split /\n/, sql(q{SELECT r.name || ' ' || string_agg(a.attname, ',' ORDER BY a.attnum) || ' ' || coalesce((SELECT l.other FROM ingest_api_internal.link l WHERE l.resource = r.name LIMIT 1), 'none')
	FROM ingest_api_internal.resource r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 GROUP BY r.name}))
{
	my ($name, $columns, $other) = split / /;
	my @columns = split /,/, $columns;
	for my $place (@places)
	{
		for my $payload (some($name eq 'items' ? 12 : 2))
		{
			my $column = $columns[ int(rand(@columns)) ];
			my ($text, $bad) = ($place =~ s/COL/$column/gr =~ s/OTHER/$other/gr, escaped($payload));
			add('GET', "/v1/$name?" . $text =~ s/%s/$bad/r, $place =~ /eq/ && rand() < 0.3 ? { accept => 'text/csv' } : {});
		}
	}
	add('GET', "/v1/$name/" . escaped($_)) for some(3);
	add('GET', "/v1/$name?" . escaped($_) . '=' . escaped($_)) for some(2);
}
add('GET', '/v1/' . escaped($_)) for @payloads;
add('GET', '/' . escaped($_)) for @payloads;
add($_, '/v1/items') for @payloads;

# -- functions: each argument, in the path, in the query or in the body --

my $routes = decoded(sql(q{SELECT json_agg(json_build_object('method', r.method, 'path', r.path, 'function', r.function,
	'arguments', (SELECT json_agg(json_build_object('name', a.name, 'type', a.type::regtype)) FROM ingest_api_internal.arguments(f.oid) a WHERE a.given))) FROM ingest_api_internal.route r JOIN pg_proc f ON f.pronamespace = 'ingest_api'::regnamespace AND f.proname = r.function}));
sub good { my ($type) = @_; return $type =~ /int|float|numeric/ ? 1 : $type =~ /timestamp/ ? '2026-01-01' : $type eq 'interval' ? '1 hour' : $type eq 'boolean' ? 'true' : $type =~ /\[\]/ ? '{name}' : $type eq 'jsonb' ? '{}' : $type eq 'regclass' ? 'books.item' : 'books.item'; }
for my $r (@$routes)
{
	for my $hit (@{ $r->{arguments} // [] }, { name => '' })
	{
		for my $payload (@payloads)
		{
			my ($path, %given) = ($r->{path});
			for my $a (@{ $r->{arguments} // [] })
			{
				my $value = $a->{name} eq $hit->{name} ? $payload : good($a->{type});
				$given{ $a->{name} } = $value unless $path =~ s/\{\Q$a->{name}\E\}/escaped($value)/e;
			}
			$given{$payload} = $payload if $hit->{name} eq '';
			if ($r->{method} =~ /GET|DELETE/) { add($r->{method}, "/v1/$path?" . join('&', map { escaped($_) . '=' . escaped($given{$_}) } sort keys %given)); }
			else { add($r->{method}, "/v1/$path", {}, \%given); add($r->{method}, "/v1/$path", {}, { %given, $hit->{name} => [$payload] }) if $hit->{name} ne ''; }
		}
	}
}
# known values of what pages ask for
for my $table (split /\n/, sql('SELECT id FROM ingest.source_table'))
{
	add('GET', "/v1/tables/$table/rows/" . escaped($_) . '/versions') for @payloads;
	add('GET', "/v1/tables/$table/as-of?time=" . escaped($_)) for @payloads;
	add('POST', "/v1/columns/$table/" . escaped($_) . '/annotations', {}, { name => $_, value => $_, by => $_ }) for @payloads;
}
for my $of (qw(rows_changed freshness runs open_alerts)) { add('GET', "/v1/series?of=$of&$_->[0]=" . escaped($_->[1])) for map { my $n = $_; map { [ $n, $_ ] } @payloads } qw(from to step source sync); }
add('GET', "/v1/events?$_->[0]=" . escaped($_->[1])) for map { my $n = $_; map { [ $n, $_ ] } @payloads } qw(after types limit type);

# -- headers --

# those of which the gateway tells the database, read off what it can be seen to know
my @headers = qw(accept accept-profile content-profile content-type idempotency-key if-none-match last-event-id origin prefer range);
my ($program) = slurp_file($node->config_data('--bindir') . '/pg_ingest_gateway') =~ /((?:[a-z-]+\0)*accept-profile\0(?:[a-z-]+\0)*)/;
is(join(' ', grep { my $h = $_; !grep { $_ eq $h } @headers } grep { /-/ } split /\0/, $program // 'none-found'), '', 'all headers that the gateway passes on');
for my $header (@headers, qw(x-request-id x-peer host x-stream))
{
	for my $payload (@payloads)
	{
		add('GET', '/v1/items?limit=1', { $header => $payload });
		add('GET', '/v1/events?after=0', { accept => 'text/event-stream', $header => $payload });
		add('POST', '/v1/silences', { $header => $payload }, { pattern => 'a/*', until => '2100-01-01' });
		add('POST', '/graphql', { $header => $payload }, { query => '{ items { totalCount } }' });
	}
}
add('GET', '/v1/items', { prefer => "count=$_" }) for @payloads;

# -- GraphQL --

for my $payload (@payloads)
{
	my $text = JSON::PP->new->allow_nonref->encode($payload);
	my $graphql = sub { my ($query, $variables, $operation) = @_; add('POST', '/graphql', {}, { query => $query, variables => $variables, operationName => $operation }); };
	$graphql->("{ items(filter: {name: {$_: $text}}) { nodes { id } } }") for qw(eq ne lt gte like ilike);
	$graphql->("{ items(filter: {$_->[0]: {$_->[1]: $text}}) { nodes { id } } }") for [ 'doc', 'contains' ], [ 'tags', 'contains' ], [ 'since', 'eq' ], [ 'credit', 'gt' ], [ 'name', 'in' ], [ 'region', 'name' ];
	$graphql->("{ items($_: $text) { nodes { id } } }") for qw(after before orderBy first);
	$graphql->("{ items_by_key(id: $text) { id } node(nodeId: $text) { nodeId } }");
	$graphql->("{ node(nodeId: $text) { nodeId } }");
	$graphql->("{ lineage_object(object: $text) { upstream { part } } }");
	$graphql->("{ search(q: $text) { name } }");
	$graphql->('query($v: String) { items(filter: {name: {eq: $v}}) { nodes { id } } }', { v => $payload });
	$graphql->('query($v: ItemsFilter) { items(filter: $v) { nodes { id } } }', { v => { name => { in => [$payload] } } });
	$graphql->('query($v: ItemsFilter) { items(filter: $v) { nodes { id } } }', { v => { $payload => { eq => $payload } } });
	$graphql->('query a { items { totalCount } }', { $payload => 1 }, $payload);
	$graphql->($_) for $payload, "{ $payload }", "{ items { nodes { $payload } } }", "{ Zqx: items(first: 1) { Zqx: nodes { Zqx: id } } }", "query \$Zqx { items { totalCount } }";
	add('GET', '/graphql?query=' . escaped("{ items(filter: {name: {eq: $text}}) { totalCount } }") . '&variables=' . escaped($payload));
	$graphql->("mutation { silence(pattern: $text, until: \"2100-01-01\") }");
	$graphql->("mutation { add_rule(relation: $text, kind: $text, columns: [$text]) { __typename } }");
}

# -- credentials --

my @credentials = map { ("token $_", 'token ' . substr($token, 0, 12) . " $_", 'token ' . substr("$_$_$_$_$_$_", 0, 12) . ' ' . '0' x 64, "jwt $_", 'jwt ' . encode_json({ sub => $_, exp => 4e9, roles => $_, scope => $_ })) } @payloads;
push @requests, map { 'ingest_api.serve(' . join(', ', quoted($_), "'GET'", "'/v1/items'", 'NULL', "'{}'", 'NULL') . ')' } @credentials;
note(scalar(@requests) . ' requests');

# -- asked, each in a transaction that is undone --

my $folder = PostgreSQL::Test::Utils::tempdir('payloads');
open my $file, '>:utf8', "$folder/all.sql" or die $!;
print $file "SET SESSION AUTHORIZATION ingest_authenticator;\n";
print $file "BEGIN;\nSELECT status, (substring(body from '\"code\" *: *\"([A-Z0-9]*)\"')), $_->[0] FROM $_->[1];\nROLLBACK;\n" for map { [ $_, $requests[$_] ] } 0 .. $#requests;
close $file;
my $before = sql('SELECT (SELECT json_agg(i ORDER BY id) FROM shop.item i)::text || (SELECT count(*) FROM pg_class) || (SELECT count(*) FROM pg_proc)');
sql('SELECT public.pg_stat_statements_reset()');
my ($out, $err);
IPC::Run::run([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr($p), '-f', "$folder/all.sql" ], '<', '/dev/null', '>', \$out, '2>', \$err);
my %status;
my @wrong;
for (split /\n/, $out)
{
	my ($status, $code, $n) = split /\|/;
	$status{$status}++;
	# SQL that could not be read was made of what was said
	push @wrong, "$code: $requests[$n]" if $code =~ /^(?:42601|42702|XX)/;
}
my %error;
$error{$_}++ for $err =~ /ERROR:\s+(\w{5})/g;
note(join(' ', map { "$_: $status{$_}" } sort keys %status) . '; errors ' . join(' ', map { "$_: $error{$_}" } sort keys %error));
is(join("\n", @wrong[ grep { $_ < @wrong } 0 .. 20 ]), '', 'no request ends in an error of SQL that was put together');
# claims that are no JSON: the gateway says none
cmp_ok($error{'22P02'} // 0, '<=', scalar(@payloads), 'nor in one that is not answered');
is(join(' ', grep { /^(?:42|XX|22|0A|P0)/ && $_ ne '22P02' } keys %error), '', 'of any kind');
cmp_ok($status{200}, '>', 200, 'many are answered');
cmp_ok($status{400}, '>', 1000, 'and more refused');

# -- what ran for them --

# without what stands within quotes
sub bare { my ($text) = @_; return $text =~ s/("(?:[^"]|"")*"|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$.*?\$\g{-1}\$)/ Q /gsr; }
my $ran = decoded(sql('SELECT coalesce(json_agg(query), $$[]$$) FROM public.pg_stat_statements'));
cmp_ok(scalar(@$ran), '>', 150, scalar(@$ran) . ' statements ran');
cmp_ok(scalar(grep { /Zqx/ } @$ran), '>', 5, 'of some of them what was said is part, as a name');
is(join("\n", grep { bare($_) =~ /Zqx/ } @$ran), '', 'and of none anything else');
is(sql('SELECT (SELECT json_agg(i ORDER BY id) FROM shop.item i)::text || (SELECT count(*) FROM pg_class) || (SELECT count(*) FROM pg_proc)'), $before, 'nothing has changed');
is(sql('SELECT sum(dealloc) FROM public.pg_stat_statements_info'), 0, 'none was forgotten');

# -- the same, where it is not so --

# statements of one shape are one there, by the name of the first
sql('SELECT public.pg_stat_statements_reset()');
sql(q{INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('GET', 'unsafe', 'unsafe', 'is not safe')});
my @said = map { join ' ', (serve_with($node, $token, 'GET', '/v1/unsafe?what=' . escaped($_), {}))[ 0, 2 ] } @payloads;
cmp_ok(scalar(grep { bare($_) =~ /Zqx/ } @{ decoded(sql('SELECT json_agg(query) FROM public.pg_stat_statements')) }), '>', 0, 'a function that makes SQL of what it is given is found') or diag(join "\n", @said);
done_testing();
