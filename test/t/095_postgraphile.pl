# The views of ingest_api as a foreign program reads them: every resource of the design is there, with key, relations and words; PostGraphile 4 serves them
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('views');
$node->init;
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE stranger LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_reader TO granted, stranger;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA copy AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.region (id int PRIMARY KEY, name text); INSERT INTO shop.region VALUES (1, 'North'), (2, NULL);
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, region_id int); INSERT INTO shop.customer SELECT i, 'c' || i, 1 FROM generate_series(1, 30) i;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin; GRANT CREATE ON DATABASE postgres TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET SESSION AUTHORIZATION fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft.customer', 'copy.customer', mode => 'full', history => true);
	CALL ingest.sync('copy.customer');
	UPDATE shop.customer SET name = 'other' WHERE id = 7;
	CALL ingest.sync('copy.customer');
	SELECT ingest.profile('copy.customer');
	SELECT ingest.add_rule('copy.customer', 'not_null', '{name}'); SELECT ingest.check_quality('copy.customer');
	SELECT ingest.subscribe('c'); SELECT ingest.create_job('j', 'sql', 'SELECT 1'); SELECT ingest.enqueue('j');
	RESET SESSION AUTHORIZATION;
	SELECT ingest.grant_source('shop', 'granted');
});

# -- what the design names --

my @named = qw(sources schemas tables columns profiles syncs runs run_logs changes anomalies alerts rules rule_results events jobs queue lineage_edges metadata_changes sinks deliveries);
is(join(' ', grep { sql("SELECT count(*) FROM ingest_api_internal.resource WHERE name = '$_'") eq '0' } @named), '', 'every resource of the design is there');
is(sql(q{SELECT string_agg(name, ' ') FROM ingest_api_internal.resource WHERE cardinality(key) = 0}), 'deliveries', 'each has a key, but for the log of attempts');
is(sql(q{SELECT string_agg(c.relname, ' ') FROM pg_class c WHERE c.relnamespace = 'ingest_api'::regnamespace AND c.relkind = 'v' AND c.relname NOT IN ('tokens', 'claims') AND NOT coalesce('security_invoker=true' = ANY (c.reloptions) OR 'security_invoker=' = ANY (c.reloptions), false)}), '', 'is read as who asks');
is(sql(q{SELECT string_agg(c.oid::regclass || '.' || a.attname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'ingest_api'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND col_description(c.oid, a.attnum) ~ '@'}), '', 'comments of columns are words alone');
# keys tell rows apart
for (split /\n/, sql(q{SELECT name || '|' || relation || '|' || array_to_string(key, ',') FROM ingest_api_internal.resource WHERE owner IS NULL AND cardinality(key) > 0}))
{
	my ($name, $relation, $key) = split /\|/;
	is(sql("SELECT count(*) FROM (SELECT 1 FROM $relation GROUP BY $key HAVING count(*) > 1) x"), 0, "$name: its key tells rows apart");
}
is(sql(q{SELECT string_agg(r.name, ' ') FROM ingest_api_internal.resource r WHERE r.owner IS NULL AND r.name IN ('sources', 'tables', 'columns', 'syncs', 'runs', 'changes', 'rules', 'rule_results', 'profiles', 'jobs', 'queue', 'events', 'lineage_edges', 'consumers', 'run_totals')
	AND (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || r.relation, false, true, '')))[1]::text = '0'}), '', 'and they are tried with rows in them');
is(sql(q{SELECT count(*) FROM ingest_api.sinks}), 0, 'without ingest_delivery there are no sinks');
sql('CREATE EXTENSION ingest_delivery');
is(sql(q{SET ROLE fin; SELECT count(*) FROM ingest_api.deliveries}), 0, 'with it they are asked for');

# -- PostGraphile --

SKIP:
{
	skip 'PostGraphile comes by npm', 2 unless $ENV{POSTGRAPHILE_PATH};
	my $folder = PostgreSQL::Test::Utils::tempdir('postgraphile');
	my $resources = decode_json(sql(q{SELECT json_agg(json_build_object('name', r.name, 'relation', r.relation::text, 'keyed', cardinality(r.key) > 0,
		'columns', (SELECT json_agg(json_build_object('name', a.attname, 'comment', col_description(a.attrelid, a.attnum), 'json', a.atttypid IN ('json'::regtype, 'jsonb'::regtype) OR EXISTS (SELECT FROM pg_type t WHERE t.oid = a.atttypid AND t.typtype = 'c')) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.relation AND a.attnum > 0),
		'links', (SELECT coalesce(json_agg(json_build_object('other', l.other)), '[]') FROM ingest_api_internal.relationship l WHERE l.resource = r.name))) FROM ingest_api_internal.resource r}));
	for my $role (qw(fin granted))
	{
		my @readable = grep { sql("SELECT has_table_privilege('$role', '$_->{relation}', 'SELECT')") eq 't' } @$resources;
		$_->{rows} = sql("SET ROLE $role; SELECT count(*) FROM $_->{relation}") + 0 for @readable;
		append_to_file("$folder/$role.json", encode_json(\@readable));
		my ($out, $err);
		my $good = IPC::Run::run([ 'node', 'api/postgraphile.cjs', $ENV{POSTGRAPHILE_PATH}, $node->host, $node->port, $p, $role, "$folder/$role.json" ], '>', \$out, '2>', \$err);
		ok($good, "PostGraphile serves them all to $role") or diag($out, $err);
	}
}
done_testing();
