# Sources behind wrappers that are not the project's own: what they are asked for, and what is said where nothing is
use strict;
use warnings;
use Sandbox;
use Encode;
use File::Temp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IO::Socket::INET;
use IPC::Run ();
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('wrappers');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ningest.discovery = 1\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $err; }

sql('CREATE EXTENSION ingest CASCADE; CREATE EXTENSION file_fdw; CREATE EXTENSION postgres_fdw; CREATE ROLE otto LOGIN IN ROLE ingest_operator; GRANT CREATE ON DATABASE postgres TO otto; GRANT CREATE ON SCHEMA public TO otto');

# -- what nobody named --

is(sql("SELECT wrapper, description FROM ingest.connector WHERE wrapper IN ('mysql_fdw', 'tds_fdw', 'oracle_fdw') ORDER BY 1"),
	"mysql_fdw|MySQL and MariaDB; tested on MariaDB\noracle_fdw|Oracle; not tested\ntds_fdw|SQL Server and Sybase; not tested on either", 'known wrappers, and on what they were tried');

# a wrapper that the engine does not know: postgres_fdw, unknown for a while
my ($port, $host) = ($node->port, $node->host);
sql("DELETE FROM ingest.connector WHERE wrapper = 'postgres_fdw'; CREATE SCHEMA postgres; CREATE TABLE postgres.item (id integer PRIMARY KEY);
	CREATE SERVER named FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$p'); CREATE USER MAPPING FOR CURRENT_USER SERVER named;
	CREATE SERVER nameless FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port'); CREATE USER MAPPING FOR CURRENT_USER SERVER nameless");
sql("SELECT ingest.register_source('named', 'named'); CALL ingest.crawl('named')");
is(sql("SELECT name, local_schema FROM ingest.source_table"), 'item|named', "an unknown wrapper is asked for what its server's options name");
sql("SELECT ingest.register_source('nameless', 'nameless')");
like(said("CALL ingest.crawl('nameless')"), qr/ERROR:  source "nameless" does not say which schemas of server "nameless" to import.*remote_schemas/s, 'where they name nothing, a crawl says what is missing');
is(sql("SELECT state, error_class FROM ingest.run_status WHERE name = 'nameless'"), 'failed|lasting', 'and did not succeed');
sql("CREATE FOREIGN TABLE nameless.hand (id integer) SERVER nameless OPTIONS (schema_name 'postgres', table_name 'item'); CALL ingest.crawl('nameless')");
is(sql("SELECT name FROM ingest.source_table WHERE local_schema = 'nameless'"), 'hand', 'foreign tables made by hand will do');
is(said("DROP FOREIGN TABLE nameless.hand; CALL ingest.crawl('nameless')") =~ /^psql.*WARNING:  there is no foreign table of server "nameless" in schema "nameless"/m ? 1 : 0, 1, 'once they are gone, that is seen and said');
is(sql("SELECT gone_at IS NOT NULL FROM ingest.source_table WHERE local_schema = 'nameless'"), 't', 'and known');
sql("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; SELECT ingest.register_source('files', 'files')");
like(said("CALL ingest.crawl('files')"), qr/WARNING:  there is no foreign table of server "files" in schema "files"/, 'a wrapper that imports nothing');
sql("CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER dummy FOREIGN DATA WRAPPER dummy OPTIONS (dbname 'x'); SELECT ingest.register_source('dummy', 'dummy')");
like(said("CALL ingest.crawl('dummy')"), qr/WARNING:  there is no foreign table of server "dummy"/, 'one without a handler');

# -- MariaDB --

SKIP:
{
	my $share = `pg_config --sharedir`;
	chomp $share;
	skip 'mysql_fdw and MariaDB are not installed', 1 unless -e "$share/extension/mysql_fdw.control" && system('command -v mariadbd mariadb-install-db mariadb >/dev/null 2>&1') == 0;
	my $data = File::Temp->newdir;
	my $maria_port = PostgreSQL::Test::Cluster::get_free_port();
	system_or_bail('mariadb-install-db', '--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db', "--datadir=$data");
	my $pid = fork();
	die 'no process' unless defined $pid;
	if ($pid == 0)
	{
		open STDOUT, '>', "$data/out";
		open STDERR, '>&', \*STDOUT;
		exec 'mariadbd', '--no-defaults', "--datadir=$data", "--port=$maria_port", '--bind-address=127.0.0.1', "--socket=$data/s";
	}
	sub maria { my ($sql, $where) = @_; return system('mariadb', '--no-defaults', '--default-character-set=utf8mb4', '-u', 'root', '-S', $where, '-e', encode_utf8($sql)) == 0; }
	my $tries = 0;
	until (-S "$data/s" && maria('SELECT 1', "$data/s")) { die 'MariaDB does not start' if ++$tries > 100; select undef, undef, undef, 0.2; }
	maria("CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE TABLE shop.item (id int PRIMARY KEY, name varchar(80), code varchar(9) COLLATE utf8mb4_bin) COMMENT 'things'; INSERT INTO shop.item VALUES (1, 'a \x{1f600}', 'x'), (2, 'b', 'y');
		CREATE TABLE shop.line (item int, no int, PRIMARY KEY (no, item)); CREATE SEQUENCE shop.numbers; CREATE VIEW shop.seen AS SELECT id FROM shop.item; CREATE USER reader\@'%' IDENTIFIED BY 'secret'; GRANT SELECT ON shop.* TO reader\@'%'", "$data/s") or die;
	sql("CREATE EXTENSION mysql_fdw; CREATE SERVER maria FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '127.0.0.1', port '$maria_port'); GRANT USAGE ON FOREIGN SERVER maria TO otto; CREATE USER MAPPING FOR otto SERVER maria OPTIONS (username 'reader', password 'secret');
		SET ROLE otto; SELECT ingest.register_source('maria', 'maria', remote_schemas => '{shop}')");
	# all by somebody who is no superuser
	sub otto { return "SET ROLE otto; $_[0]"; }
	like(said(otto("CALL ingest.crawl('maria')")), qr/WARNING:  server "maria" does not ask for utf8mb4: four-byte characters, such as emoji, arrive as question marks/, 'a crawl warns of characters that would be lost');
	is(sql(otto("SELECT what, ok FROM ingest.check_source('maria')")), "connection|t\nschemas|t\nencoding|f\ncomparison of text|t", 'so does a check');
	sql("ALTER SERVER maria OPTIONS (ADD character_set 'utf8mb4')");
	is(said(otto("CALL ingest.crawl('maria')")), '', 'no more, with utf8mb4');
	is(sql("SELECT name, key, description FROM ingest.source_table WHERE local_schema = 'maria' ORDER BY name"), "item|{id}|things\nline|{no,item}|\nseen||", "keys and descriptions are the source's");
	is(sql(otto("SELECT ok, detail FROM ingest.check_source('maria') WHERE what IN ('encoding', 'comparison of text')")), "t|utf8mb4\nt|warning: conditions on text are compared there, without regard to case or accents: item.name", 'text that is compared in another way there');
	is(sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'ingest\\_%' AND relkind = 'f'"), '0', 'nothing is left of the look');
	sql(otto("SELECT ingest.create_sync('maria.item', 'public.item', mode => 'full'); CALL ingest.sync('public.item')"));
	is(sql("SELECT string_agg(name, ',' ORDER BY id) FROM public.item"), encode_utf8("a \x{1f600},b"), 'an emoji arrives');
	sql("CREATE SERVER bare FOREIGN DATA WRAPPER mysql_fdw OPTIONS (host '127.0.0.1', port '$maria_port', character_set 'utf8mb4'); CREATE USER MAPPING FOR CURRENT_USER SERVER bare OPTIONS (username 'reader', password 'secret');
		SELECT ingest.register_source('bare', 'bare')");
	like(said("CALL ingest.crawl('bare')"), qr/does not say which schemas/, 'without a schema nothing is imported');
	like(sql("SELECT ok, detail FROM ingest.check_source('bare') WHERE what = 'schemas'"), qr/^f\|none is asked for.*There are: .*shop/, 'and a check says which there are');

	# a connection that breaks in the middle of what MariaDB sends is the end of it for mysql_fdw, and no error
	maria("CREATE TABLE shop.many (id int PRIMARY KEY, v varchar(200)); INSERT INTO shop.many SELECT seq, repeat('x', 200) FROM shop.seq_1_to_9000", "$data/s") or die;
	my $proxy_port = PostgreSQL::Test::Cluster::get_free_port();
	my $cuts = "$data/cuts";
	my $proxy = IPC::Run::start([ '/usr/bin/python3', '-c', <<'PROXY', $proxy_port, $maria_port, $cuts ]);
import os, socket, sys, threading
def pump(a, b, limited):
    n = 0
    while True:
        try:
            data = a.recv(8192)
        except OSError:
            break
        n += len(data)
        if not data or limited and n > 30000 and os.path.exists(sys.argv[3]):
            break
        b.sendall(data)
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    threading.Thread(target=pump, args=(client, server, False), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, True), daemon=True).start()
PROXY
	$tries = 0;
	until (IO::Socket::INET->new(PeerAddr => "127.0.0.1:$proxy_port")) { die 'the proxy does not start' if ++$tries > 300; select undef, undef, undef, 0.2; }
	sql("ALTER SERVER maria OPTIONS (SET port '$proxy_port')");
	sql(otto("CALL ingest.crawl('maria')"));
	sql(otto("SELECT ingest.create_sync('maria.many', 'public.many', mode => 'full', key => '{id}'); CALL ingest.sync('public.many')"));
	is(sql('SELECT count(*) FROM public.many'), '9000', 'all of it, while nothing is wrong');
	system_or_bail('touch', $cuts);
	like(sql(otto('SELECT count(v) FROM (SELECT id, v FROM maria.many OFFSET 0) b')), qr/^[1-8]\d\d\d?$/, 'the wrapper gives less of it, in silence');
	maria("UPDATE shop.many SET v = 'new'", "$data/s") or die;
	maria("INSERT INTO shop.many SELECT seq, repeat('x', 200) FROM shop.seq_9001_to_20000", "$data/s") or die;
	like(said(otto("CALL ingest.sync('public.many')")), qr/the source sent \d+ of 20000 rows of maria\.many, and no error/, 'which a sync does not take for the table');
	is(sql("SELECT state, error_class FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'failed|passing', 'nor for success');
	is(sql('SELECT count(*) FROM public.many'), '9000', 'and nothing is deleted for it');
	unlink $cuts;
	sql(otto("CALL ingest.sync('public.many')"));
	is(sql('SELECT count(*) FROM public.many'), '20000', 'the next run reads all of it');
	sql("ALTER SERVER maria OPTIONS (SET port '$maria_port')");
	$proxy->kill_kill;

	# a server that stands still in the middle of things
	sql("SET ROLE otto; SELECT ingest.create_job('stuck', 'sync', 'public.item', timeout => '2 s', max_attempts => 1); SELECT ingest.create_job('beat', 'sql', 'SELECT')");
	kill 'STOP', $pid;
	sql("SET ROLE otto; SELECT ingest.enqueue('stuck'), ingest.enqueue('beat')");
	poll_until($node, $p, 'SELECT count(*) = 0 FROM ingest.queue');
	kill 'CONT', $pid;
	is(sql("SELECT state, error_class, error FROM ingest.run_status WHERE job = 'stuck'"), 'failed|passing|job "stuck" did not finish within its timeout of 00:00:02', 'a source that stands still ends its run, and nothing else');
	sql(otto("CALL ingest.sync('public.item')"));
	is(sql('SELECT count(*) FROM public.item'), '2', 'which goes on when the source does');
	kill 'TERM', $pid;
	waitpid $pid, 0;
}
$node->stop;
done_testing();
