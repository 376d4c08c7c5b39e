# Annotations: kept through crawls and renames, never in the way of what the source says, with history, events and rights
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub says { my ($statements) = @_; my ($code, $out, $err) = $node->psql($p, $statements); return $err; }
sub crawl { return $node->psql($p, "CALL ingest.crawl('shop')"); }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE helper LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE boss LOGIN;
	GRANT ingest_operator TO fin, helper, stranger; GRANT ingest_reader TO granted; GRANT ingest_consumer TO granted; GRANT ingest_admin TO boss;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, mail text);
	COMMENT ON TABLE shop.customer IS 'said by the source';
	CREATE TABLE shop.brief (id int PRIMARY KEY);
	INSERT INTO shop.customer VALUES (1, 'a', 'b');
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin; GRANT CREATE ON DATABASE postgres TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET ROLE fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	RESET ROLE;
	CALL ingest.crawl('shop');
	SET ROLE fin;
	SELECT ingest.create_sync('shop_ft.customer', 'books.customer', mode => 'full', key => '{id}');
	SELECT ingest.grant_source('shop', 'granted'), ingest.grant_source('shop', 'helper');
	SELECT ingest.subscribe('of fin', '{ingest.annotation.*}');
	RESET ROLE; SET ROLE granted;
	SELECT ingest.subscribe('of granted', '{ingest.annotation.*}');
	RESET ROLE; SET ROLE stranger;
	SELECT ingest.subscribe('of stranger', '{ingest.annotation.*}');
});
my $shown = q{SELECT coalesce(column_name, '-') || ' ' || name || ' ' || value::text || ' ' || coalesce(said_by, '-') || ' ' || role FROM ingest.annotation_status WHERE ended_at IS NULL ORDER BY annotation};

# -- saying --

sql(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.customer', 'description', '"who buys"', 'a model')});
sql(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.customer.mail', 'tags', '["pii"]')});
sql(q{SET ROLE helper; SELECT ingest.annotate('shop_ft.customer.name', 'classification', '{"level": 2}', 'Ada')});
is(sql($shown), qq(- description "who buys" a model fin\nmail tags ["pii"] - fin\nname classification {"level": 2} Ada helper), 'who said what of what');
is(sql("SELECT description FROM ingest.source_table WHERE name = 'customer'"), 'said by the source', 'what the source says stays');
sql(q{SET ROLE fin; SELECT ingest.annotate('books.customer.mail', 'tags', '["pii", "mail"]', 'Bob')});
is(sql(q{SELECT value::text || ' ' || (ended_at IS NULL) FROM ingest.annotation_status WHERE name = 'tags' ORDER BY annotation}), qq(["pii"] false\n["pii", "mail"] true), 'of a copy is said what is said of its table; what was said before is history');
is(sql(q{SELECT bool_and(b.said_at >= a.ended_at) FROM ingest.annotation a JOIN ingest.annotation b ON b.id > a.id AND b.name = a.name AND a.name = 'tags'}), 't', 'one after the other');
my $number = sql(q{SET ROLE fin; SELECT ingest.annotate('books.customer.mail', 'tags', '["pii", "mail"]', 'Bob')});
is(sql(q{SELECT count(*) FROM ingest.annotation WHERE name = 'tags'}), 2, 'the same again is no change');
is($number, sql(q{SELECT max(id) FROM ingest.annotation WHERE name = 'tags'}), 'and gives its number');
sql(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.customer', 'owner', '1'); SELECT ingest.annotate('shop_ft.customer', 'owner', NULL)});
is(sql(q{SELECT count(*) || ' ' || count(ended_at) FROM ingest.annotation WHERE name = 'owner'}), '1 1', 'it is taken back');
like(says(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.customer', 'owner', 'null')}), qr/NOTICE:  \S+ has no annotation of that name/, 'once');

# -- who may --

like(says(qq{SET ROLE granted; SELECT ingest.annotate('shop_ft.customer', 'x', '1')}), qr/permission denied/, 'a reader says nothing');
like(says(qq{SET ROLE stranger; SELECT ingest.annotate('shop_ft.customer', 'x', '1')}), qr/ERROR:  "shop_ft.customer" is neither a table of a source nor a copy of one/, 'nor who does not see the source');
like(says(qq{SET ROLE stranger; SELECT ingest_internal.annotate(1, NULL, 'x', '1', NULL)}), qr/no source has a table 1/, 'by its number neither');
is(sql("SET ROLE boss; SELECT count(ingest.annotate('shop_ft.customer', 'by an admin', '1'))"), 1, 'an admin does');
is(sql("SET ROLE granted; $shown") =~ tr/\n//, 3, 'a reader sees what is said of what was granted');
is(sql("SET ROLE stranger; $shown"), '', 'nobody else');
like(says("SET ROLE $_; UPDATE ingest.annotation SET value = '1'"), qr/permission denied/, "$_ writes nothing past the function") for qw(fin boss);
for ([ q{NULL, 'x', '1'}, qr/must not be null/ ], [ q{'shop_ft.customer', NULL, '1'}, qr/needs a table and a name/ ], [ q{'shop_ft.customer', '', '1'}, qr/1 to 400 bytes/ ], [ q{'customer', 'x', '1'}, qr/schema\.table/ ], [ q{'pg_catalog.pg_class', 'x', '1'}, qr/neither a table of a source/ ],
	[ q{'shop_ft.customer.nope', 'x', '1'}, qr/has no column "nope"/ ], [ q{'shop_ft.customer', 'x', to_jsonb(repeat('x', 200000))}, qr/100,000 bytes/ ], [ q{'shop_ft.customer', 'x', '1', repeat('x', 500)}, qr/400 bytes/ ])
{
	like(says("SET ROLE fin; SELECT ingest.annotate($_->[0])"), $_->[1], "not ($_->[0])");
}

# -- events, audit --

is(sql(q{SELECT count(*) FROM ingest.event e JOIN ingest.event_type t USING (type), jsonb_array_elements_text(t.schema->'required') k WHERE e.type = 'ingest.annotation.changed' AND NOT e.data ? k}), 0, 'events have what their schema demands');
is(sql(q{SET ROLE fin; SELECT string_agg(data->>'name' || '=' || (data->>'value') || ' was ' || coalesce(data->>'before', '-'), '; ' ORDER BY id) FROM ingest.read_events('of fin')}),
	'description=who buys was -; tags=["pii"] was -; classification={"level": 2} was -; tags=["pii", "mail"] was ["pii"]; owner=1 was -; by an admin=1 was -', 'who listens is told') or note(sql(q{SET ROLE fin; SELECT data FROM ingest.read_events('of fin')}));
is(sql(q{SET ROLE granted; SELECT count(*) FROM ingest.read_events('of granted')}), sql(q{SET ROLE fin; SELECT count(*) FROM ingest.read_events('of fin')}), 'so is who was granted the source');
is(sql(q{SET ROLE stranger; SELECT count(*) FROM ingest.read_events('of stranger')}), 0, 'nobody else');
is(sql(q{SELECT count(*) FROM ingest.audit WHERE function = 'annotate' AND role = 'helper' AND after ? 'classification'}), 1, 'it is written down');

# -- crawls, renames, what goes and comes --

my $before = sql($shown);
crawl();
is(sql($shown), $before, 'a crawl leaves it alone');
sql(q{SET ROLE fin; COMMENT ON TABLE shop.customer IS 'said anew'; ALTER TABLE shop.customer ADD city text});
crawl();
is(sql($shown), $before, 'so do changes of the source');
sql(q{ALTER FOREIGN TABLE shop_ft.customer RENAME mail TO e_mail; ALTER FOREIGN TABLE shop_ft.customer RENAME TO client});
is(sql("SELECT string_agg(DISTINCT column_name, ' ' ORDER BY column_name) FROM ingest.annotation_status"), 'e_mail name', 'it goes with what it is said of, whatever that is called');
is(sql(q{SET ROLE fin; SELECT count(ingest.annotate('shop_ft.client.e_mail', 'found', '7'))}), 1, 'which is found by its new name');
sql(q{CREATE FOREIGN TABLE shop_ft.customer (id int, mail text) SERVER s OPTIONS (schema_name 'shop', table_name 'customer')});
like(says(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.customer.mail', 'x', '1')}), qr/neither a table of a source/, 'a name that is used again inherits nothing');
sql(q{DROP FOREIGN TABLE shop_ft.customer; ALTER FOREIGN TABLE shop_ft.client RENAME TO customer; ALTER FOREIGN TABLE shop_ft.customer RENAME e_mail TO mail});
sql(q{SET ROLE fin; SELECT ingest.annotate('shop_ft.brief', 'description', '"short"'); ALTER TABLE shop.brief RENAME TO away});
crawl();
sql(q{SET ROLE fin; ALTER TABLE shop.away RENAME TO brief});
crawl();
is(sql(q{SELECT value FROM ingest.annotation_status WHERE table_name = 'brief' AND ended_at IS NULL}), '"short"', 'what was gone and is there again has it still');
# two at the same moment: one holds, both are history
my @both = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', "SELECT count(ingest.annotate('shop_ft.customer', 'raced', '$_')) FROM pg_sleep(0.2)" ], '<', '/dev/null', '>', \my $out, '2>&1') } 1 .. 6;
$_->finish for @both;
is(sql(q{SELECT count(*) || ' ' || count(*) FILTER (WHERE ended_at IS NULL) FROM ingest.annotation WHERE name = 'raced'}), '6 1', 'of six at the same moment the last one holds, and none is lost');

# -- a dump, pruning, the end --

my $dump;
ok(IPC::Run::run([ 'pg_dump', '-d', $node->connstr($p) ], '>', \$dump), 'a dump');
like($dump, qr/who buys/, 'has it');
sql(q{DROP OWNED BY helper; DROP ROLE helper});
sql(q{SELECT ingest_internal.follow_all()});
is(sql(q{SELECT role FROM ingest.annotation_status WHERE name = 'classification'}), 'helper', 'who said it is known when the role is gone');
sql(q{UPDATE ingest.annotation SET ended_at = now() - interval '366 days' WHERE name = 'tags' AND ended_at IS NOT NULL; SELECT ingest_internal.prune('100 years', '100 years')});
is(sql(q{SELECT count(*) FROM ingest.annotation WHERE name = 'tags'}), 1, 'history ends after ingest.metadata_retention, what holds does not');
sql(q{SELECT ingest.drop_source('shop')});
is(sql(q{SELECT count(*) FROM ingest.annotation}), 0, 'it goes with the source');
done_testing();
