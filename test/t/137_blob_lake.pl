# Lakes in Azure Blob Storage: Azurite, behind something that loses answers, is busy or goes away. Microsoft's own client
# tells what is there, DuckDB what is in it
use strict;
use warnings;
use Azure;
use Azurite;
use Duck;
use IPC::Run;
use JSON::PP;
use Port;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'Azurite from npm comes with make check' unless has_azurite();
my $json = JSON::PP->new->utf8->allow_nonref;
start_azure();
my ($port, $proxy) = (PostgreSQL::Test::Cluster::get_free_port(), PostgreSQL::Test::Cluster::get_free_port());
my $folder = $azure{folder};
my $orders = "$folder/orders";
sub order { my ($text) = @_; open my $f, '>', "$orders.new" or die; print $f $text; close $f; rename "$orders.new", $orders or die; }
order('');
start_azurite($port);
my ($key, $account) = @azurite{qw(key account)};
my $running = IPC::Run::start([ '/usr/bin/python3', '-B', 'files/blob_proxy.py', '--port', $proxy, '--to', $port, '--cert', $azure{server}, '--orders', $orders ], '<', '/dev/null', '>', "$folder/proxy.out", '2>&1');
END { my $code = $?; $running->kill_kill(grace => 0) if $running; $? = $code; }
await_port($proxy, 'the proxy', "$folder/proxy.out");
duck_start("$folder/duck.err");
my $reads = azurite(do => 'sas', permissions => 'rl', minutes => 60);

my $node = PostgreSQL::Test::Cluster->new('blob_lake');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nfiles_fdw.azure_hosts = '127.0.0.1:$proxy'\nfiles_fdw.azure_ca_file = '$azure{ca}'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
sub as { my ($user, $sql) = @_; my ($code, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $user ]); return $err; }

# what is there, as the log names it; each blob fetched for DuckDB
sub blobs { my ($name) = @_; return map { $_->[0] } @{ azurite(do => 'list', prefix => "erp/$name/") }; }
sub fetched
{
	my ($name) = @_;
	my $file = "$folder/got" . ($name =~ s/[^A-Za-z0-9.=]/_/gr);
	system('curl', '-sf', '--cacert', $azure{ca}, '-o', $file, "$account/landing/" . ($name =~ s/%/%25/gr) . "?$reads") == 0 or die "$name cannot be fetched";
	return $file;
}
sub live
{
	my ($name) = @_;
	my %files;
	for my $action (map { map { $json->decode($_) } split /\n/, slurp_file(fetched($_)) } grep { /\d{20}\.json$/ } blobs($name))
	{
		$files{ $action->{add}{path} } = 1 if $action->{add};
		(delete $files{ $action->{remove}{path} } or die) if $action->{remove};
	}
	return map { fetched("erp/$name/$_") } sort keys %files;
}
sub in_lake { my ($name, $what) = @_; return join '|', @{ duck("SELECT $what FROM read_parquet([" . join(', ', map { "'$_'" } live($name)) . '], hive_partitioning = false)')->[0] }; }
sub versions { my ($name) = @_; return scalar grep { /_delta_log\/\d{20}\.json$/ } blobs($name); }

sql("CREATE EXTENSION files_fdw; CREATE ROLE reader LOGIN; CREATE ROLE owner LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER files_fdw TO owner; GRANT CREATE ON DATABASE postgres TO owner;
	CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://127.0.0.1:$proxy/devstoreaccount1/landing/erp', writable 'on'); CREATE USER MAPPING FOR CURRENT_USER SERVER lake OPTIONS (account_key '$key'); GRANT USAGE ON FOREIGN SERVER lake TO reader");
is(as('owner', "CREATE SERVER of_owner FOREIGN DATA WRAPPER files_fdw OPTIONS (writable 'on', root 'https://127.0.0.1:$proxy/devstoreaccount1/landing/own')"), '', 'a lake elsewhere needs no right to write files of the server');
like(as('owner', "ALTER SERVER of_owner OPTIONS (SET root '/tmp')"), qr/permission denied to set option/, 'but one of its folders does');
sub table { my ($name, $columns) = @_; sql("CREATE FOREIGN TABLE $name ($columns) SERVER lake OPTIONS (path '$name', format 'parquet', layout 'delta'); GRANT ALL ON $name TO reader"); }
table('orders', "id int, t text, y int OPTIONS (partition 'y')");

# -- versions --

sql("INSERT INTO orders SELECT i, md5(i::text), i % 3 FROM generate_series(1, 3000) i");
is(in_lake('orders', 'count(*), sum(id)::INT'), '3000|4501500', 'what is written is there');
is(sql('SELECT count(*), sum(id), sum(y) FROM orders'), '3000|4501500|3000', 'and as we read it ourselves');
sql('BEGIN; DELETE FROM orders WHERE y = 1; INSERT INTO orders VALUES (1, \'one\', 1); COMMIT');
is(in_lake('orders', 'count(*)'), '2001', 'a folder is replaced');
table('large', 'id int, t text');
sql('INSERT INTO large SELECT i, repeat(md5(i::text) || md5((-i)::text), 3) || i FROM generate_series(1, 60000) i');
is(in_lake('large', 'count(*), max(id), count(DISTINCT t)'), '60000|60000|60000', 'a file of several blocks');
table('plain', 'id int');
my ($in2, $out2) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in2, '>', \$out2, '2>', "$folder/session");
sub told { my ($statement) = @_; $out2 = ''; $in2 .= "$statement;\nSELECT 'that is all';\n"; $session->pump until $out2 =~ s/that is all\n//; return $out2; }
told('BEGIN; INSERT INTO plain SELECT generate_series(1, 100)');
is(scalar(blobs('plain')), 0, 'before the commit nothing is there');
told('ROLLBACK');
is(scalar(blobs('plain')), 0, 'nor after a rollback');

# -- several writers --

my @writers = map { my ($i, $o) = ($_, ''); IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), map { ('-c', "INSERT INTO plain VALUES ($i)") } 1 .. 4 ], '<', '/dev/null', '>', \$o, '2>&1') } 1 .. 4;
is(scalar(grep { $_->finish } @writers), 4, 'four writers at once');
is(in_lake('plain', 'count(*), sum(id)::INT') . ' ' . versions('plain'), '16|40 16', 'each in a version of its own');
told('BEGIN; TRUNCATE plain; INSERT INTO plain VALUES (0)');
sql("CREATE FOREIGN TABLE another (id int) SERVER lake OPTIONS (path 'plain', format 'parquet', layout 'delta'); INSERT INTO another VALUES (5)");
told('COMMIT');
like(slurp_file("$folder/session"), qr/could not replace the content of lake "plain"/, 'who replaces what another one wrote meanwhile is refused');
is(in_lake('plain', 'count(*)'), '17', 'and nothing of it is there');

# -- answers that are lost --

my $before = versions('orders');
for (['PUT comp=block& lose 2', 'of a block'], ['PUT comp=blocklist lose 1', 'of the list of blocks'], ['PUT _delta_log lose 1', 'of the version'], ['GET comp=list busy 2', 'a storage that is busy'], ['PUT part- busy 1', 'likewise, at writing'])
{
	order("$_->[0]\n");
	is(said("INSERT INTO orders VALUES (7, 'seven', 7)"), '', "an answer is lost: $_->[1]");
	is(versions('orders'), ++$before, '... and it is one version');
	order('');
}
is(in_lake('orders', 'count(*) FILTER (id = 7)'), '5', 'each once');
# the version is there, and nobody can say so any more
order("PUT orders/_delta_log lose 1\nPUT orders/_delta_log cut 99\n");
like(said("SET statement_timeout = '3s'; BEGIN; INSERT INTO orders VALUES (8, 'eight', 8); SELECT files_mark('orders', 'test', 8); COMMIT"), qr/could not write file|canceling statement/, 'a storage that goes away at the last moment is an error');
order('');
like(slurp_file($node->logfile), qr/of lake "orders" may be published, though its transaction is rolled back/, 'the log says what is not known');
is(sql("SELECT files_published('orders', 'test')"), '8', 'and the mark, what is');
like(said("BEGIN; INSERT INTO orders VALUES (8, 'eight', 8); SELECT files_mark('orders', 'test', 8); COMMIT"), qr/has mark 8 of "test" already/, 'so that it is not written twice');
is(in_lake('orders', "count(*) FILTER (t = 'eight')"), '1', 'it is there once');

# -- who may write --

sql("CREATE USER MAPPING FOR reader SERVER lake OPTIONS (sas '$reads')");
my $refused = as('reader', "\\set VERBOSITY verbose\nINSERT INTO orders VALUES (9, 'nine', 9)");
like($refused, qr/ERROR:  42501: permission denied to write file "orders\/y=9\/part-.*" of server "lake"\nDETAIL:  status 403: AuthorizationPermissionMismatch.*\nHINT:  Check sas of the user mapping: a lake needs to read, create, write, delete and list/s, 'a signature that allows no writing');
unlike($refused, qr/sig=/, 'which is not shown');
sql("ALTER USER MAPPING FOR reader SERVER lake OPTIONS (SET sas '" . azurite(do => 'sas', permissions => 'rcwdl', minutes => 60) . "')");
is(as('reader', "INSERT INTO orders VALUES (9, 'nine', 9)"), '', 'one that does');

# -- what nobody needs --

sql('TRUNCATE plain');
is(sql("SELECT files FROM files_vacuum('plain')"), '0', 'what is young stays');
duck_end();
$session->kill_kill;
$node->stop;
done_testing();
