# files_fdw over Azure Blob Storage: Azurite, which Microsoft's own client writes to and lists, and a storage that misbehaves
use strict;
use warnings;
use Azure;
use Azurite;
use Encode qw(decode_utf8 encode_utf8);
use IPC::Run;
use MIME::Base64;
use Port;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time);

my $p = 'postgres';
start_azure();
delete @ENV{qw(AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_FEDERATED_TOKEN_FILE AZURE_POD_IDENTITY_AUTHORITY_HOST IDENTITY_ENDPOINT IDENTITY_HEADER)};
$ENV{AZURE_AUTHORITY_HOST} = $azure{authority};
my ($port, $faulty) = (PostgreSQL::Test::Cluster::get_free_port(), PostgreSQL::Test::Cluster::get_free_port());
my $folder = $azure{folder};
append_to_file($azure{tokens}, '');
append_to_file("$folder/faults.log", '');
my $running = IPC::Run::start([ '/usr/bin/python3', '-B', 'files/blob_faults.py', '--port', $faulty, '--cert', $azure{server}, '--log', "$folder/faults.log", '--tokens', $azure{tokens} ], '<', '/dev/null', '>', "$folder/faults.out", '2>&1');
await_port($faulty, 'the storage that misbehaves', "$folder/faults.out");
END { my $code = $?; $running->kill_kill(grace => 0) if $running; $? = $code; }

my $node = PostgreSQL::Test::Cluster->new('blob');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nlog_min_messages = debug5\nlog_statement = none\nlog_min_error_statement = panic\nfiles_fdw.azure_hosts = '127.0.0.1:$port, 127.0.0.1:$faulty, $azure{host}'\nfiles_fdw.azure_ca_file = '$azure{ca}'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
# rows, and errors without their place
sub as
{
	my ($user, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($p, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]);
	return $out . ($err =~ s/^psql:<stdin>:\d+: |\s*(CONTEXT|LINE):.*//smgr);
}
my $me = sql('SELECT current_user');
sub said { return as($me, $_[0]); }
sql('CREATE EXTENSION files_fdw; CREATE ROLE plain LOGIN; CREATE ROLE reader LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER files_fdw TO plain; GRANT CREATE ON DATABASE postgres TO plain; GRANT ALL ON SCHEMA public TO plain');

# -- what a root may be --

for (['http://acct.blob.core.windows.net/landing', qr/HINT:  It must be https/], ['https://acct.blob.core.windows.net', qr/It must name a container/], ['https://acct.blob.core.windows.net/Landing', qr/It must name a container/],
	['https://acct.blob.core.windows.net/landing?sv=1&sig=x', qr/without a signature/], ['https://u:p@acct.blob.core.windows.net/landing', qr/It must be https/], ['https://acct.blob.core.windows.net/landing/../other', qr/no \. and no \.\./],
	['https://acct.blob.core.windows.net/landing/a/', qr/no slash at its end/], ['https://127.0.0.1:1/landing', qr/It must name a container/], ['https://127.0.0.1:1/account/landing', qr/none of the hosts that files_fdw.azure_hosts lists/],
	["https://evil.example.com/landing", qr/none of the hosts/], ["https://127.0.0.1:$port/devstoreaccount1/landing#x", qr/It must be https/])
{
	like(as('plain', "CREATE SERVER bad FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$_->[0]')"), $_->[1], "no root: $_->[0]");
}
my ($listed) = sql("SHOW files_fdw.azure_hosts");
is(said("SET files_fdw.azure_hosts = ''; CREATE SERVER a FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://acct.blob.core.windows.net/landing/erp'); CREATE SERVER b FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://acct.blob.core.chinacloudapi.cn/\$root'); DROP SERVER a; DROP SERVER b"), '', 'without a list, the storages of Azure');
like(said("SET files_fdw.azure_hosts = ''; CREATE SERVER a FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://erp.vault.azure.net/landing')"), qr/no blob storage of one of Azure's clouds/, 'and not its vaults');
like(as('plain', "SET files_fdw.azure_hosts = 'evil.example.com'; CREATE SERVER a FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://evil.example.com/landing')"), qr/none of the hosts/, 'the list is a superuser\'s');

# -- a storage that misbehaves --

my $wrong = 'c2VjcmV0LWtleS1vZi10aGUtYWNjb3VudA==';
sub faulty
{
	my ($how, $mapping) = @_;
	sql("DROP SERVER IF EXISTS faulty CASCADE; CREATE SERVER faulty FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://127.0.0.1:$faulty/account/$how');
		CREATE USER MAPPING FOR CURRENT_USER SERVER faulty " . (($mapping //= "account_key '$wrong'") && "OPTIONS ($mapping)") . ";
		CREATE FOREIGN TABLE f (id int, v text, file text OPTIONS (metadata 'file')) SERVER faulty OPTIONS (path '**')");
	return;
}
my $all = 'SELECT count(*), sum(id) FROM f';
sub asked { my @lines = split /\n/, slurp_file("$folder/faults.log"); return grep { /^\Q$_[0]\E / } @lines; }

faulty('good');
is(said($all), '60001|1800030001', 'a storage that behaves: all rows');
is(scalar(grep { /list/ } asked('good')), 2, 'a listing to plan, and one to read');
my @parts = grep { /read/ } asked('good');
is(scalar(@parts), 3, 'a large file comes in few parts, a small one in one') or diag(join "\n", @parts);
faulty('pages');
is(said("SELECT string_agg(path, ' ') FROM files_list('faulty')"), 'p1.csv p2.csv p3.csv', 'pages, one of them empty, to the last one');
is(said("SELECT string_agg(path, ' ') FROM files_list('faulty', 'p3.csv')"), 'p3.csv', 'and one that is named');
faulty('busy');
is(said($all), '60001|1800030001', 'one that is busy, and says when to come again');
faulty('torn');
is(said($all), '60001|1800030001', 'answers that are cut off come again');
is(scalar(grep { /read/ } asked('torn')) > 4, 1, 'and were');
faulty('folders');
is(said("SELECT string_agg(path, ' ') FROM files_list('faulty')"), 'b/c.csv', 'folders are no files');
for (['loop', qr/ERROR:  the listing of server "faulty" goes on where it was/], ['doctype', qr/ERROR:  the listing of server "faulty" cannot be read\nDETAIL:  .*document type/], ['cut', qr/ERROR:  the listing .* cannot be read\nDETAIL:  .*not well-formed/],
	['strange', qr/ERROR:  the listing .* cannot be read/], ['lacking', qr/a blob lacks its name, version, length or time/], ['changed', qr/ERROR:  file "a.csv" changed after it was listed/], ['gone', qr/ERROR:  file "a.csv" of server "faulty" is gone/],
	['short', qr/ERROR:  could not read file "a.csv" of server "faulty"\nDETAIL:  262143 bytes arrived where 262144 were asked for/], ['archived', qr/ERROR:  file "a.csv" of server "faulty" is archived\nHINT:  Bring it back/],
	['whole', qr/ERROR:  could not read file "a.csv"/], ['moved', qr/ERROR:  could not list files of server "faulty"\nDETAIL:  status 307: Moved \(request req-1\)/],
	['denied', qr/ERROR:  permission denied to list files of server "faulty"\nDETAIL:  status 403: AuthenticationFailed \(request req-1\)\.\nHINT:  Check account_key/])
{
	faulty($_->[0]);
	my $out = said($all);
	like($out, $_->[1], "$_->[0]: an error, and no row less");
	unlike($out, qr/SharedKey|\Q$wrong\E/, 'without a secret');
}
is(scalar(asked('elsewhere')), 0, 'nobody is sent elsewhere');
faulty('archived');
is(said("SELECT v FROM f WHERE file = 'b.csv'"), 'x', 'what is not archived is read');
like(said("SELECT detail FROM files_check('faulty') WHERE \"check\" = 'kinds' AND NOT ok"), qr/^1 archived files/, 'files_check tells of what is');
faulty('escaped');
is(said("SELECT path = 'a' || chr(15) || 'b.csv' FROM files_list('faulty')"), 't', 'names that XML cannot hold');
faulty('silent');
my $began = time();
like(said("SET statement_timeout = '300ms'; $all"), qr/canceling statement due to statement timeout/, 'one that is silent');
in_time(time() - $began, 2, 'is left at once');
like(said("SELECT detail FROM files_check('faulty') WHERE false; SET statement_timeout = '200ms'; SELECT * FROM files_list('faulty')"), qr/statement timeout/, 'in functions, too');
like(said("SET statement_timeout = '200ms'; SELECT * FROM files_check('faulty')"), qr/^ERROR:  canceling statement due to statement timeout/, 'and is no finding of a check');

# -- who asks --

faulty('good', "sas '?sv=2021-12-02&se=2020-01-01T00%3A00%3A00Z&sr=c&sp=rl&sig=c2VjcmV0c2lnbmF0dXJl'");
like(said($all), qr/ERROR:  the signature of server "faulty" has expired\nDETAIL:  It was valid until 2020-01-01 00:00:00 UTC/, 'a signature that has expired is told before anybody is asked');
faulty('good', "sas 'of no such kind'");
like(said($all), qr/ERROR:  option sas of the user mapping for server "faulty" is not a signature/, 'what is none');
unlike(said($all), qr/of no such kind/, 'and is not shown');
faulty('good', "account_key 'no key'");
like(said($all), qr/ERROR:  option account_key .* is not a key/, 'a key that is none');
sql("DROP SERVER faulty CASCADE; CREATE SERVER faulty FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://127.0.0.1:$faulty/account/good')");
like(said("SELECT * FROM files_list('faulty')"), qr/user mapping not found/, 'without a mapping');
sql("CREATE USER MAPPING FOR CURRENT_USER SERVER faulty");
like(said("SELECT * FROM files_list('faulty')"), qr/does not say how to log in\nHINT:  Set account_key or sas/, 'with one that says nothing');
sql("ALTER SERVER faulty OPTIONS (ADD auth 'none')");
is(said("SELECT count(*) FROM files_list('faulty')"), 2, 'a container that everybody may read');
like(said("ALTER SERVER faulty OPTIONS (SET auth 'magic')"), qr/It must be key, sas, identity or none/, 'there are four ways');
my $given = "azure_tenant_id '$azure{tenant}', azure_client_id '$azure{client}'";
faulty('bearer', "$given, azure_client_secret '$azure{secret}'");
like(said($all), qr/does not say how to log in/, 'an identity must be asked for');
sql("ALTER SERVER faulty OPTIONS (ADD auth 'identity')");
is(said($all), '60001|1800030001', 'the token of an identity, a new one where the first was taken back');
like(slurp_file($azure{tokens}), qr/ https:\/\/storage\.azure\.com\n/, 'which is for storages');
faulty('bearer', '');
sql("ALTER SERVER faulty OPTIONS (ADD auth 'identity')");
like(said($all), qr/lacks option identity_lent_by/, 'the server\'s own identity somebody must lend');
sql("CREATE SERVER of_plain FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://127.0.0.1:$faulty/account/bearer', auth 'identity'); ALTER SERVER of_plain OWNER TO plain");
like(as('plain', "CREATE USER MAPPING FOR plain SERVER of_plain OPTIONS (identity_lent_by '$me')"), qr/permission denied to lend the server's identity/, 'who may not lend it cannot say that another one does');
sql("CREATE USER MAPPING FOR CURRENT_USER SERVER of_plain OPTIONS (identity_lent_by '$me')");
like(said("SELECT * FROM files_list('of_plain')"), qr/the owner of server "of_plain" may not use the server's identity/, 'and not at a server of somebody who may not');
like(as('plain', "CREATE USER MAPPING FOR plain SERVER of_plain OPTIONS (account_key 'file:/etc/passwd')"), qr/permission denied to use a file or environment reference/, 'files are the server\'s');
azure_secrets(storage => $wrong);
faulty('good', "account_key 'keyvault:$azure{host}/storage', $given, azure_client_secret '$azure{secret}'");
is(said($all), '60001|1800030001', 'a key that stands in a vault');

# -- Azurite --

SKIP:
{
	skip 'Azurite from npm comes with make check', 30 unless has_azurite();
	start_azurite($port);
	my ($key, $account) = @azurite{qw(key account)};
	my @odd = ("plain.csv", "we ird/a b.csv", "per%20cent%+&=;,'\"#?.csv", "\x{fc}ml\x{e4}ut/\x{20ac}.csv", "[x]{y}~z!.csv", "a/b/c/d.csv", "\x{1f600}.csv");
	azurite(do => 'put', name => "erp/$_", text => "id,v\n1,x\n") for @odd;
	azurite(do => 'put', name => "erp/$_", text => 'no') for ('.hidden.csv', '_SUCCESS', 'x.tmp', '.git/a.csv');
	azurite(do => 'put', name => 'erp/folder', text => '', metadata => { hdi_isfolder => 'true' });
	azurite(do => 'put', name => 'other/plain.csv', text => "id,v\n9,other\n");
	azurite(do => 'put', name => 'erpx.csv', text => "id,v\n9,other\n");
	azurite(do => 'stage', name => 'erp/unfinished.csv', text => "id,v\n9,half\n");
	azurite(do => 'snapshot', name => 'erp/plain.csv');
	sql("CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$account/landing/erp', poll '200ms'); CREATE USER MAPPING FOR CURRENT_USER SERVER lake OPTIONS (account_key '$key')");
	my %theirs = map { ($_->[0] =~ s/^erp\///r) => "$_->[1] $_->[2]" } @{ azurite(do => 'list', prefix => 'erp/') };
	my %ours = map { my ($path, $rest) = split /\|/, decode_utf8($_); $path => $rest } split /\n/, sql("SELECT replace(path, '|', '?'), size || ' ' || version FROM files_list('lake')");
	is_deeply(\%ours, { map { $_ => $theirs{$_} } @odd }, 'what is listed is what Microsoft\'s client lists, but for hidden ones, folders and what is not committed');
	sql("CREATE SCHEMA lake; IMPORT FOREIGN SCHEMA \"/\" FROM SERVER lake INTO lake OPTIONS (metadata 'file')");
	sql("CREATE FOREIGN TABLE lake.every (id int, v text, file text OPTIONS (metadata 'file')) SERVER lake OPTIONS (path '**')");
	is(sql('SELECT count(*), count(DISTINCT file), min(v) FROM lake.every'), scalar(@odd) . '|' . scalar(@odd) . '|x', 'each of them is read');
	is(sql("SELECT v FROM lake.every WHERE file = " . "'" . encode_utf8($odd[3]) . "'"), 'x', 'and one by its name');

	is(said("SELECT ok FROM files_check('lake') WHERE \"check\" = 'kinds'"), 't', 'hidden names and folders are nothing to tell of');
	azurite(do => 'put', name => 'erp/a//b.csv', text => "id,v\n1,x\n");
	like(said("SELECT detail FROM files_check('lake') WHERE \"check\" = 'kinds' AND NOT ok"), qr/and 1 whose names cannot be paths of files/, 'names without a name between slashes are');
	azurite(do => 'remove', name => 'erp/a//b.csv');

	my $sas = azurite(do => 'sas', permissions => 'rl', minutes => 60);
	my $read_only = azurite(do => 'sas', permissions => 'r', minutes => 60);
	sql("GRANT USAGE ON FOREIGN SERVER lake TO reader, plain; GRANT USAGE ON SCHEMA lake TO reader, plain; GRANT SELECT ON ALL TABLES IN SCHEMA lake TO reader, plain");
	like(as('reader', 'SELECT * FROM lake.every'), qr/user mapping not found for "reader"/, 'nobody reads by somebody else\'s mapping');
	sql("CREATE USER MAPPING FOR reader SERVER lake OPTIONS (sas '$sas'); CREATE USER MAPPING FOR plain SERVER lake OPTIONS (sas '$read_only')");
	is(as('reader', 'SELECT count(*) FROM lake.every'), scalar(@odd), 'by a signature of theirs');
	like(as('plain', 'SELECT * FROM lake.every'), qr/permission denied to list files.*\n.*AuthorizationPermissionMismatch.*\nHINT:  Check sas/, 'one that does not allow to list');
	sql('CREATE VIEW public.through AS SELECT * FROM lake.every; GRANT SELECT ON public.through TO plain');
	is(as('plain', 'SELECT count(*) FROM public.through'), scalar(@odd), 'a view reads by its owner\'s mapping');
	sql("ALTER USER MAPPING FOR plain SERVER lake OPTIONS (DROP sas, ADD account_key '$wrong')");
	like(as('plain', 'SELECT * FROM lake.every'), qr/permission denied to list files of server "lake"\nDETAIL:  status 403: \w+.*\nHINT:  Check account_key/, 'a wrong key');
	sql("CREATE SERVER nowhere FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$account/nothing'); CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (account_key '$key')");
	like(said("SELECT * FROM files_list('nowhere')"), qr/could not list files of server "nowhere"\nDETAIL:  status 404: ContainerNotFound.*\nHINT:  Check the container's name/, 'a container that is not there');

	# a large file, packed and not, by one and by several processes
	my $text = "id,name,amount\n" . join '', map { sprintf "%d,\"customer, %d\",%.2f\n", $_, $_, $_ * 1.25 } 1 .. 300000;
	azurite(do => 'put', name => 'big/large.csv', base64 => encode_base64($text, ''));
	require IO::Compress::Gzip;
	my $packed;
	IO::Compress::Gzip::gzip(\$text, \$packed);
	azurite(do => 'put', name => 'big/packed.csv.gz', base64 => encode_base64($packed, ''));
	sql("CREATE SERVER big FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$account/landing/big'); CREATE USER MAPPING FOR CURRENT_USER SERVER big OPTIONS (account_key '$key'); CREATE SCHEMA big; IMPORT FOREIGN SCHEMA \"/\" FROM SERVER big INTO big");
	my $sum = 'count(*), sum(amount), count(DISTINCT name)';
	is(sql("SELECT $sum FROM big.large"), '300000|56250187500.00|300000', 'a file of several parts');
	is(sql("SELECT $sum FROM big.packed"), '300000|56250187500.00|300000', 'a packed one');
	my $plan = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET debug_parallel_query = off; SET max_parallel_workers_per_gather = 3;" =~ s/SET debug_parallel_query = off;//r;
	is(sql("$plan SELECT $sum FROM big.large"), '300000|56250187500.00|300000', 'by several processes');

	# one that is rewritten while it is read is an error, not a mixture
	my $reader = $node->background_psql($p, on_error_stop => 0);
	$reader->query("BEGIN; DECLARE c CURSOR FOR SELECT id FROM big.large");
	$reader->query('FETCH 5 FROM c');
	azurite(do => 'put', name => 'big/large.csv', base64 => encode_base64($text =~ s/customer/CUSTOMER/gr, ''));
	$reader->{stderr} = '';
	$reader->query('FETCH ALL FROM c');
	like($reader->{stderr}, qr/file "large.csv" changed after it was listed/, 'a file that is rewritten while it is read');
	$reader->quit;
	is(sql("SELECT count(*) FROM big.large WHERE name LIKE 'CUSTOMER%'"), 300000, 'and is read again as it is now');

	# waiting: what was heard is told
	sql("SELECT * FROM files_watch('lake', '3s')");
	azurite(do => 'put', name => 'erp/new.csv', text => "id,v\n2,y\n");
	my $heard = 0;
	for (1 .. 4) { last if $heard = sql("SELECT count(*) FROM files_watch('lake', '5s')"); }
	is($heard, 1, 'files_watch hears of a new file by asking');

	# names in a database of another encoding
	$node->safe_psql($p, "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0");
	$node->safe_psql('latin', "CREATE EXTENSION files_fdw; CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$account/landing/latin'); CREATE USER MAPPING FOR CURRENT_USER SERVER lake OPTIONS (account_key '$key'); CREATE FOREIGN TABLE t (id int) SERVER lake OPTIONS (path '*')");
	azurite(do => 'put', name => "latin/\x{fc}.csv", text => "id\n7\n");
	is($node->safe_psql('latin', 'SELECT id FROM t'), 7, 'a name that LATIN1 has is read');
	is($node->safe_psql('latin', "SELECT encode(convert_to(path, 'UTF8'), 'hex') FROM files_list('lake')"), 'c3bc2e637376', 'and shown as it is');
	azurite(do => 'put', name => "latin/\x{20ac}.csv", text => "id\n8\n");
	like(($node->psql('latin', 'SELECT id FROM t'))[2], qr/ERROR:  character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"/, 'one that it does not have is an error');

	# a container that lives: what the copy holds is what the world knows
	sql('CREATE EXTENSION ingest CASCADE; CREATE SCHEMA books');
	azurite(do => 'container', container => 'living');
	my (%world, %rows, $n);
	my $seed = $ENV{FILES_SEED} // time() ^ $$;
	srand($seed);
	diag("FILES_SEED=$seed");
	my $table = sub { return "id,v\n" . join '', map { "$_->[0],$_->[1]\n" } @_; };
	my $write = sub {
		my ($name) = @_;
		my @rows = map { [ ++$n, 'v' . int(rand(1000)) ] } 1 .. 1 + rand(20);
		azurite(do => 'put', container => 'living', name => "orders_$name.csv", text => $table->(@rows));
		$world{$name} = \@rows;
	};
	$write->($_) for 1 .. 3;
	sql("CREATE SERVER living FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$account/living'); CREATE USER MAPPING FOR CURRENT_USER SERVER living OPTIONS (account_key '$key');
		SELECT ingest.register_source('living', 'living', schema => 'far'); CALL ingest.crawl('living'); ALTER FOREIGN TABLE far.orders OPTIONS (ADD settle '0');
		SELECT ingest.create_sync('far.orders', 'books.orders')");
	my $different = 0;
	for my $round (1 .. 25)
	{
		for (1 .. 1 + rand(3))
		{
			my @known = grep { !/^log/ } keys %world;
			my $what = rand();
			if ($what < 0.4 || @known < 2) { $write->(100 + int(rand(100000))); }
			elsif ($what < 0.6) { $write->($known[ rand @known ]); }
			elsif ($what < 0.75)
			{
				my $name = $known[ rand @known ];
				azurite(do => 'remove', container => 'living', name => "orders_$name.csv");
				delete $world{$name};
			}
			else
			{
				my @more = map { [ ++$n, 'log' ] } 1 .. 3;
				my $first = !$world{log9};
				azurite(do => 'append', container => 'living', name => 'orders_9.csv', text => $first ? $table->(@more) : $table->(@more) =~ s/^id,v\n//r);
				push @{ $world{log9} }, @more;
			}
		}
		my $said = said("CALL ingest.sync('books.orders')");
		my $have = sql("SELECT string_agg(id || ' ' || v, ',' ORDER BY id) FROM books.orders");
		my $want = join ',', map { "$_->[0] $_->[1]" } sort { $a->[0] <=> $b->[0] } map { @$_ } values %world;
		$different++, diag("round $round: $said\nhave $have\nwant $want") if $have ne $want;
	}
	is($different, 0, '25 rounds of life: the copy is the container');
	is(sql("SELECT count(*) FROM ingest.sync_piece WHERE state <> 'done' AND state <> 'gone'"), 0, 'and every piece is done');

	# nothing secret is anywhere
	my ($signature) = $sas =~ /sig=([^&]+)/;
	my $seen = slurp_file($node->logfile) . sql('EXPLAIN (VERBOSE) SELECT * FROM lake.every') . sql('SELECT string_agg(query, chr(10)) FROM pg_stat_activity') . as('reader', 'SELECT * FROM pg_user_mappings') . as('plain', "SELECT * FROM pg_user_mappings WHERE usename <> 'plain'");
	for ([$key, 'key'], [$wrong, 'other key'], [$azure{secret}, 'secret of an application'])
	{
		is(index($seen, $_->[0]), -1, "no $_->[1] in logs, plans, activity or others' mappings");
	}
	is(index(slurp_file($node->logfile), $signature), -1, 'no signature in a log');
}
done_testing();
