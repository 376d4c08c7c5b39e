# The console before 10,000 tables and 2,000 relations: what it weighs, when it is painted, how long its tasks take
use strict;
use warnings;
use Console;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
need_console($node);
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sql(q{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; GRANT ingest_operator, ingest_consumer TO fin; GRANT fin TO ingest_authenticator; GRANT CREATE ON DATABASE postgres TO fin;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA graph AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text); INSERT INTO shop.customer SELECT i, 'c' FROM generate_series(1, 20) i;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET SESSION AUTHORIZATION fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft.customer', 'books.customer', mode => 'full', key => '{id}');
	CALL ingest.sync('books.customer');
	RESET SESSION AUTHORIZATION;
	-- as crawls of a large source would have left it
	INSERT INTO ingest.source_table (source, schema_id, name, local_schema, local_name, kind, row_count)
	  SELECT t.source, t.schema_id, 'wide_' || lpad(i::text, 4, '0'), 'shop_ft', 'wide_' || lpad(i::text, 4, '0'), 'table', i * 37 FROM ingest.source_table t, generate_series(0, 9999) i WHERE t.name = 'customer';
	ANALYZE ingest.source_table;
	SET SESSION AUTHORIZATION fin;
	SELECT count(ingest.set_lineage(format('graph.node_%s', (i * 7919) % greatest(i / 2, 1)), format('graph.node_%s', i))) FROM generate_series(1, 2000) i;
});
browse_console($node, 'scale.cjs', files => console_files($node));
done_testing();
