# The console against everything that is not as it should be: refusals, slow and silent servers, a session that ends, two tabs,
# figures that no double holds, text of all kinds, five hundred alerts
use strict;
use warnings;
use utf8;
use Console;
use Encode;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
need_console($node);
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ntimezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', encode('UTF-8', $_[0])); }

# a shop whose rows hold what is easily spoilt, whose names are as long as names may be and run the other way
my $long = 'a_name_that_is_as_long_as_a_name_may_be_and_is_never_broken_any';
my $arabic = 'العملاء';
sql(qq{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE other LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_operator, ingest_consumer TO other; GRANT fin, other TO ingest_authenticator;
	GRANT CREATE ON DATABASE postgres TO fin;
	ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8'; ALTER DATABASE postgres SET ingest_delivery.allow_http = on;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.big (id bigint PRIMARY KEY, price numeric(12, 2), born timestamptz, name text);
	INSERT INTO shop.big SELECT 9007199254740992 + i, 1.50 * i, '1850-06-01 12:00:00+00', 'row ' || i FROM generate_series(1, 9) i;
	CREATE TABLE shop."$long" (id int PRIMARY KEY, "$long" text);
	INSERT INTO shop."$long" VALUES (1, repeat('0123456789', 200));
	CREATE TABLE shop."$arabic" (id int PRIMARY KEY, "الاسم" text);
	INSERT INTO shop."$arabic" VALUES (1, 'شركة النور'), (2, U&'abc\\202Etxt.exe');
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \\gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	SET SESSION AUTHORIZATION fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft.big', 'books.big', mode => 'full', history => true, profile => 'all', freshness => '1 hour'),
	  ingest.create_sync('shop_ft."$long"', 'books."$long"', mode => 'full', profile => 'all'), ingest.create_sync('shop_ft."$arabic"', 'books."$arabic"', mode => 'full', profile => 'all');
	SELECT format('CALL ingest.sync(%L)', name) FROM ingest.sync \\gexec
	SELECT ingest.add_rule('books.big', 'range', '{price}', '{"min": 5}');
	SELECT count(*) FROM ingest.check_quality('books.big');
	SELECT ingest.create_job('big', 'sync', 'books.big'), ingest.create_job('fails', 'sql', 'SELECT 1 / 0', max_attempts => 1), ingest.subscribe('reader', '{ingest.*}');
	SELECT ingest.enqueue('fails');
	CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (hook 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=');
});
# as a session that begins after http was allowed
sql(q{
	SET SESSION AUTHORIZATION fin;
	SELECT ingest_delivery.create_sink('orders', 'webhook', '{"url": "http://127.0.0.1:9/", "secret": "mapping:ingest_secrets/hook"}', types => '{com.example.*}');
	SELECT ingest_api.create_token('a token', scopes => '{read}');
});
browse_console($node, 'attack.cjs');
done_testing();
