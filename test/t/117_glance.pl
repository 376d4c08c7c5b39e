# What is seen in one glance, against what SQL counts; who sees how much of it; and that the console agrees with the API's document
use strict;
use warnings;
use Api;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql(q{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE other LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO granted; GRANT fin, granted, other TO ingest_authenticator; GRANT CREATE ON DATABASE postgres TO fin;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin; CREATE SCHEMA mart AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, state text);
	INSERT INTO shop.customer SELECT i, 'secret ' || i, CASE WHEN i % 4 = 0 THEN 'open' ELSE 'paid' END FROM generate_series(1, 100) i;
	CREATE TABLE shop."Odd one" (id int PRIMARY KEY);
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET SESSION AUTHORIZATION fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft.customer', 'books.customer', mode => 'full', key => '{id}', profile => 'all', freshness => '1 hour'), ingest.create_sync('shop_ft."Odd one"', 'books."Odd one"', mode => 'full', key => '{id}');
	CALL ingest.sync('books.customer');
	CREATE VIEW mart.names AS SELECT name FROM books.customer; CREATE VIEW mart.lengths AS SELECT length(name) AS n FROM mart.names; CREATE VIEW mart.apart AS SELECT 1 AS one;
	SELECT ingest.set_lineage('mart.lengths', 'bi.report', kind => 'dashboard');
	SELECT ingest.add_rule('books.customer', 'in_set', '{state}', '{"values": ["paid"]}');
	SELECT count(*) FROM ingest.check_quality('books.customer');
	SELECT ingest.grant_source('shop', 'granted');
});
# a day of runs, one each twenty minutes, and none for two hours
sql(q{INSERT INTO ingest.run (kind, source, sync, state, started_at, finished_at, role, role_name, rows_read, rows_inserted, rows_updated, rows_deleted)
	SELECT 'sync', s.source, s.id, CASE WHEN i % 10 = 3 THEN 'failed' ELSE 'succeeded' END, at, at + interval '2 seconds', 'fin'::regrole, 'fin', 10, 3, 2, 1
	FROM ingest.sync s, generate_series(date_trunc('hour', now()) - interval '12 hours', date_trunc('hour', now()) - interval '1 hour', interval '20 minutes') WITH ORDINALITY g (at, i)
	WHERE s.name = 'books.customer' AND NOT (at > date_trunc('hour', now()) - interval '6 hours' AND at < date_trunc('hour', now()) - interval '4 hours')});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t')") } qw(fin granted other);
sub ask { my ($role, $path) = @_; my ($status, undef, $body) = serve_with($node, $token{$role}, 'GET', "/v1/$path"); return ($status, $status ? decoded($body) : $body); }
sub body { return (ask(@_))[1]; }
sub status { return (ask(@_))[0]; }

my $all = body('fin', 'overview');
is_deeply([ @{ $all->{copies} }{qw(all fresh late without_objective never_loaded)} ], [ 2, 1, 0, 1, 1 ], 'copies') or diag explain $all->{copies};
is($all->{rules}{failing}, 1, 'a rule that fails');
is($all->{alerts}{all}, sql("SELECT count(*) FROM ingest.alert_status WHERE closed_at IS NULL"), 'alerts');
is("$all->{role} $all->{database}", 'fin postgres', 'who asks, and where');
is($all->{sources}{tables}, 2, 'tables');
is(body('granted', 'overview')->{copies}{all}, 2, 'of a source that was granted');
is_deeply([ map { body('other', 'overview')->{$_}{all} } qw(copies sources alerts rules sinks) ], [ 0, 0, 0, 0, 0 ], 'nothing of what one does not see');

my $hours = body('fin', 'activity?from=' . sql("SELECT to_char(date_trunc('hour', now()) - interval '12 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')") . '&step=1%20hour');
my $sum = sub { my ($of) = @_; my $n = 0; $n += $_->{$of} for @$hours; return $n; };
is(join(' ', map { $sum->($_) } qw(runs failed rows_inserted rows_updated rows_deleted)), sql(q{SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE state = 'failed'), sum(rows_inserted) FILTER (WHERE kind = 'sync'), sum(rows_updated) FILTER (WHERE kind = 'sync'), sum(rows_deleted) FILTER (WHERE kind = 'sync')) FROM ingest.run WHERE finished_at IS NOT NULL}), 'activity adds up to what was done');
is(scalar @$hours, 13, 'a row for each hour');
is(status('fin', "activity?$_"), 400, "not $_") for 'step=-1%20hour', 'step=0', 'step=1%20month', 'step=1%20second&from=2020-01-01', 'from=2030-01-01', 'to=infinity';
is(status('fin', 'activity?source=nobody'), 404, 'of no source');
is(status('fin', 'activity?sync=nobody'), 404, 'nor sync');
is($sum->('runs'), do { my $n = 0; $n += $_->{runs} for @{ body('granted', 'activity?from=2000-01-01T00:00:00Z&step=10%20days') }; $n }, 'the same for who was granted the source');
is(do { my $n = 0; $n += $_->{runs} for @{ body('other', 'activity') }; $n }, 0, 'and nothing for another');

my $fresh = body('fin', 'freshness?step=1%20hour&from=' . sql("SELECT to_char(date_trunc('hour', now()) - interval '12 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"));
my ($customer) = grep { $_->{name} eq 'books.customer' } @$fresh;
my ($odd) = grep { $_->{name} eq 'books."Odd one"' } @$fresh;
ok(!grep({ defined } @{ $odd->{ages} }), 'of a copy that was never loaded nobody knows');
is(scalar @{ $customer->{ages} }, 13, 'a step for each hour');
# an independent count: the greatest age at any second of the step
my $expected = sql(q{SELECT string_agg(coalesce(round(worst)::text, '-'), ' ' ORDER BY at) FROM (SELECT g.at, (SELECT max(extract(epoch FROM m - (SELECT max(r.finished_at) FROM ingest.run r WHERE r.sync = (SELECT id FROM ingest.sync WHERE name = 'books.customer') AND r.state LIKE 'succeeded%' AND r.finished_at <= m)))
	FROM generate_series(g.at, g.at + interval '1 hour' - interval '1 second', '1 second') m WHERE m <= now()) AS worst FROM generate_series(date_trunc('hour', now()) - interval '12 hours', date_trunc('hour', now()) - interval '1 hour', '1 hour') g (at)) x});
my @expected = split / /, $expected;
my $near = 1;
for my $i (0 .. $#expected) { $near = 0 if ($expected[$i] eq '-') != !defined $customer->{ages}[$i] || $expected[$i] ne '-' && abs($expected[$i] - $customer->{ages}[$i]) > 2; }
ok($near, 'ages are those that it had') or diag "$expected\n" . join ' ', map { $_ // '-' } @{ $customer->{ages} };
is_deeply(body('other', 'freshness'), [], 'not of copies that one does not see');
is(status('fin', 'freshness?step=1%20second'), 400, 'not too many steps');
is(status('fin', 'freshness?limit=-1'), 400, 'nor fewer copies than none');

my $map = body('fin', 'lineage/map');
my %kind = map { $_->{object} => $_->{kind} } @{ $map->{nodes} };
is_deeply(\%kind, { '"shop:shop".customer' => 'source', '"shop:shop"."Odd one"' => 'source', 'shop_ft.customer' => 'foreign', 'shop_ft."Odd one"' => 'foreign', 'books.customer' => 'copy', 'mart.names' => 'view', 'mart.lengths' => 'view', 'bi.report' => 'other' }, 'what is in lineage, through views of views, and not what is apart') or diag explain \%kind;
my %edge = map { ("$map->{nodes}[$_->[0]]{object} > $map->{nodes}[$_->[1]]{object}" => $_->[2]) } @{ $map->{edges} };
is($edge{'mart.names > mart.lengths'}, 'view', 'a view of a view');
is($edge{'mart.lengths > bi.report'}, 'dashboard', 'what was told');
is(scalar(grep { $_->{object} eq 'books.customer' && $_->{table_id} && $_->{sync} eq 'books.customer' } @{ $map->{nodes} }), 1, 'a copy is known by its table and sync');
ok(!grep({ $_->{kind} =~ /^(copy|foreign|source)$/ } @{ body('other', 'lineage/map')->{nodes} }), 'nothing of a source that one does not see');

my $table = sql(q{SELECT id FROM ingest.source_table WHERE name = 'customer'});
my %spread = map { $_->{column_name} => $_ } @{ body('fin', "tables/$table/distributions") };
is_deeply([ map { "$_->{value} $_->{count}" } @{ $spread{state}{top_values} } ], [ 'paid 75', 'open 25' ], 'frequent values');
my $n = 0;
$n += $_->{rows} for @{ $spread{id}{histogram} };
is($n, 100, 'a histogram of all rows');
is($spread{id}{drift}, undef, 'nothing to compare with yet');
sql(q{SET SESSION AUTHORIZATION fin; UPDATE shop.customer SET state = NULL; CALL ingest.sync('books.customer')});
%spread = map { $_->{column_name} => $_ } @{ body('fin', "tables/$table/distributions") };
isnt($spread{state}{drift}{verdict}, 'none', 'drift from the profile before');
is($spread{state}{before}{null_share}, 0, 'how it was');
my $granted = JSON::PP->new->canonical->encode(body('granted', "tables/$table/distributions"));
unlike($granted, qr/secret/, 'no values of a table that one may not read');
sql('GRANT USAGE ON SCHEMA books TO granted; GRANT SELECT (name) ON books.customer TO granted');
like(JSON::PP->new->encode(body('granted', "tables/$table/distributions")), qr/secret/, 'those of a column that one may');
is(status('other', "tables/$table/distributions"), 404, 'not of a source that one does not see');
is_deeply(body('fin', 'sources/shop/traffic'), [], 'a wrapper that does not count');
is(status('other', 'sources/shop/traffic'), 404, 'nor of a source that one does not see');
is(scalar @{ body('fin', "tables/$table/profile") }, 3, 'the last profile alone');

# -- what the console takes the API to be: its types are made anew from the document, and it must compile with them --

SKIP:
{
	my $console = $ENV{CONSOLE_SOURCE};
	skip 'the console is compiled with make check', 2 unless $console && -d "$console/node_modules/typescript";
	my $folder = PostgreSQL::Test::Utils::tempdir('types');
	sql('GRANT ingest_admin, ingest_consumer TO fin');
	my (undef, undef, $document) = serve_with($node, $token{fin}, 'GET', '/openapi.json');
	sub compiles
	{
		my ($name, $text) = @_;
		my $at = "$folder/$name";
		system('mkdir', '-p', "$at/src/api");
		system("cp -r '$console/src' '$console/tsconfig.json' '$console/vite.config.ts' '$at/' && ln -sfn '$console/node_modules' '$at/node_modules'") == 0 or die 'no copy';
		open my $file, '>', "$at/openapi.json" or die $!;
		binmode $file, ':utf8';
		print $file $text;
		close $file;
		my ($out, $err) = ('', '');
		my $ok = IPC::Run::run([ 'sh', '-c', "cd '$at' && node node_modules/openapi-typescript/bin/cli.js openapi.json -o src/api/schema.d.ts && node node_modules/typescript/bin/tsc --noEmit" ], '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(300));
		return ($ok, "$out\n$err");
	}
	my ($ok, $said) = compiles('now', $document);
	ok($ok, 'the console compiles with the document as it is now') or diag $said;
	(my $changed = $document) =~ s/"freshness_objective_seconds"/"objective"/g;
	($ok, $said) = compiles('changed', $changed);
	ok(!$ok && $said =~ /freshness_objective_seconds/, 'a column that is called otherwise breaks it') or diag $said;
}
done_testing();
