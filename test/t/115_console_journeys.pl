# The console in Debian's Chromium: journeys from an empty repository on, axe-core on each page, hostile text, a lost connection
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
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ntimezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }

# a shop, in which a table is called as no table should be, and another one fails as it is told to
my $hostile = '<img src=x onerror=window.hurt=1>';
my $column = '"><script>window.hurt=1</script>';
my $quoted = $column =~ s/"/""/gr;
sql(qq{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE reader LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_reader TO reader; GRANT fin, reader TO ingest_authenticator;
	GRANT CREATE ON DATABASE postgres TO fin;
	ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8'; ALTER DATABASE postgres SET ingest_delivery.allow_http = on;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin; CREATE SCHEMA mart AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, email text, phone text, changed timestamptz NOT NULL DEFAULT clock_timestamp());
	INSERT INTO shop.customer SELECT i, 'customer ' || i, 'c' || i || '\@example.com', '+49 30 ' || i FROM generate_series(1, 200) i;
	CREATE TABLE shop."$hostile" (id int PRIMARY KEY, "$quoted" text);
	INSERT INTO shop."$hostile" SELECT i, '$hostile' FROM generate_series(1, 5) i;
	COMMENT ON TABLE shop."$hostile" IS '$hostile';
	COMMENT ON COLUMN shop."$hostile"."$quoted" IS '$hostile';
	CREATE TABLE shop.mood (bad boolean); INSERT INTO shop.mood VALUES (false);
	CREATE FUNCTION shop.looks(i int) RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN IF (SELECT bad FROM shop.mood) THEN RAISE EXCEPTION 'the moon is wrong: $hostile' USING HINT = 'Wait for another one.'; END IF; RETURN i; END \$\$;
	CREATE VIEW shop.broken AS SELECT shop.looks(i) AS id, 'x' || i AS what FROM generate_series(1, 3) i;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \\gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
});
browse_console($node, 'journeys.cjs');
done_testing();
