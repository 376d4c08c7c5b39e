# Azure: tokens of each kind of identity, secrets of a vault, who may use the server's own identity, and that nothing of it is seen
use strict;
use warnings;
use Azure;
use Delivery;
use Encode;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
start_azure();
delete @ENV{qw(AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_FEDERATED_TOKEN_FILE AZURE_POD_IDENTITY_AUTHORITY_HOST IDENTITY_ENDPOINT IDENTITY_HEADER)};
$ENV{AZURE_AUTHORITY_HOST} = $azure{authority};
my $node = new_server('primary', conf => "log_min_messages = debug5\nlog_statement = all\nnetsuite_fdw.azure_hosts = '$azure{host}'\nnetsuite_fdw.azure_ca_file = '$azure{ca}'\n");

sub sql { return $node->safe_psql($p, $_[0]); }
# what came of it as a role: rows, and errors without their place
sub as
{
	my ($user, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql($p, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]);
	return $out . ($err =~ s/^psql:<stdin>:\d+: |\s*(CONTEXT|LINE):.*//smgr);
}
# the server begins anew with these variables in its environment
sub with_environment
{
	my %environment = @_;
	local @ENV{ keys %environment } = values %environment;
	$node->restart;
	azure_asked();
	return;
}
my $me = sql('SELECT current_user');
my $key = slurp_file("$ENV{NS_STATE}/client_ec.pem");
my $query = 'SELECT count(*) > 0 FROM v.subsidiary';
my $given = "azure_tenant_id '$azure{tenant}', azure_client_id '$azure{client}'";
my %good = (key => $key, hook => 'hooked', versioned => { '' => 'newest', abc123 => 'older' }, map { ($_ =~ s/_/-/r) => $tba{$_} } keys %tba);

sub mapping
{
	my ($options) = @_;
	sql(qq{DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER v;
		CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key 'keyvault:$azure{host}/key', $options)});
	return;
}

# -- what Microsoft's own clients send, and get --

azure_secrets(%good);
my %theirs;
SKIP:
{
	skip 'the peers from npm come with make check', 8 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@azure/identity";
	append_to_file("$azure{folder}/peers.json", JSON::PP->new->encode({ map { $_ => $azure{$_} } qw(tenant client secret certificate federated authority vault metadata endpoint audience keyName key) }));
	local $ENV{NODE_EXTRA_CA_CERTS} = $azure{ca};
	my ($out, $err) = run_command([ 'node', 'delivery/azure_peers.cjs', "$azure{folder}/peers.json" ]);
	my %got = map { my $r = decode_json($_); ($r->{name} => $r) } grep { /^\{/ } split /\n/, $out;
	is($got{$_}{value}, 'hooked', "\@azure/identity and \@azure/keyvault-secrets get a secret: $_") or diag $out, $err for qw(secret certificate workload metadata app);
	is($got{version}{value}, 'older', 'a version');
	like($got{none}{error}, qr/was not found/, 'and none that is not there');
	my ($expiry) = $got{sas}{value} =~ /se=(\d+)/;
	my $python = 'import base64, hashlib, hmac, sys, urllib.parse as u; print(u.quote(base64.b64encode(hmac.new(sys.argv[1].encode(), (u.quote(sys.argv[2], safe="") + "\n" + sys.argv[3]).encode(), hashlib.sha256).digest()), safe=""))';
	my ($signature) = run_command([ 'python3', '-c', $python, $azure{key}, $azure{audience}, $expiry ]);
	like($got{sas}{value}, qr/sig=\Q$signature\E&/, 'the stand-in signs as @azure/core-amqp does');
	for my $r (azure_asked())
	{
		$theirs{metadata} = $r if $r->{what} eq 'metadata' && $r->{status} == 200;
		$theirs{app} = $r if $r->{what} eq 'app' && $r->{status} == 200;
		$theirs{secret} = $r if $r->{what} eq 'token' && $r->{form}{client_secret};
		$theirs{workload} = $r if $r->{what} eq 'token' && ($r->{form}{client_assertion} // '') eq 'a.federated.token';
		$theirs{certificate} = $r if $r->{what} eq 'token' && ($r->{form}{client_assertion} // '') =~ /^ey/;
	}
}

# what of a request says who asks for what
sub said
{
	my ($r) = @_;
	my %said = (method => $r->{method}, path => $r->{path} =~ s{/$}{}r, %{ $r->{query} }, %{ $r->{form} // {} });
	delete @said{ grep { /^(x-|client-request-id$|claims$)/ } keys %said };
	for (qw(metadata x-identity-header)) { $said{$_} = $r->{headers}{$_} if defined $r->{headers}{$_}; }
	$said{client_assertion} =~ s/^ey[\w-]+\.ey[\w-]+\.[\w-]+$/signed/ if $said{client_assertion};
	return \%said;
}

# -- each kind of identity --

sql(qq{CREATE SERVER v FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}'); CREATE SCHEMA v});
mapping("$given, azure_client_secret '$azure{secret}'");
sql(q{IMPORT FOREIGN SCHEMA suiteql LIMIT TO (subsidiary) FROM SERVER v INTO v});
my %of = (
	secret => [ {}, "$given, azure_client_secret '$azure{secret}'" ],
	certificate => [ {}, "$given, azure_certificate_file '$azure{certificate}'" ],
	workload => [ { AZURE_FEDERATED_TOKEN_FILE => $azure{federated}, AZURE_TENANT_ID => $azure{tenant}, AZURE_CLIENT_ID => $azure{client} }, "identity_lent_by '$me'" ],
	app => [ { IDENTITY_ENDPOINT => $azure{endpoint}, IDENTITY_HEADER => 'the-header' }, "identity_lent_by '$me'" ],
	metadata => [ { AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata} }, "identity_lent_by '$me'" ]);
for my $kind (sort keys %of)
{
	with_environment(%{ $of{$kind}[0] });
	mapping($of{$kind}[1]);
	is(sql($query), 't', "$kind: a secret of a vault logs in at NetSuite");
	my @asked = azure_asked();
	is(join(' ', map { "$_->{what} $_->{status}" } @asked), 'vault 401 ' . ($kind =~ /app|metadata/ ? $kind : 'token') . ' 200 vault 200', "$kind: the vault is asked, then who gives tokens, then the vault");
	is_deeply(said($asked[1]), said($theirs{$kind}), "$kind: for a token it asks as \@azure/identity does") if $theirs{$kind};
	is($asked[2]{path}, '/secrets/key/', 'the path of the newest version');
	like($asked[2]{headers}{authorization}, qr/^Bearer tok\./, 'and the token');
}

# -- what fails for a while, and what does not --

mapping("$given, azure_client_secret '$azure{secret}'");
azure_behave(vault => { fail => [ 429, 503, 408 ], retry_after => 1 }, token => { fail => [ 500, 429 ], retry_after => 1 });
my $since = time();
is(sql($query), 't', '408, 429, 500 and 503 are asked again');
cmp_ok(time() - $since, '>', 4, 'after the time that they say');
azure_behave(vault => { refuse => JSON::PP::true });
like(as($me, $query), qr/could not get the secret that option "private_key" refers to from vault "\Q$azure{host}\E"\nDETAIL:  status 401: Unauthorized: AKV10000.*Key Vault Secrets User/s, 'a refusal says what is to be granted');
azure_behave();
azure_asked();
is(sql($query), 't', 'and is not remembered');
azure_secrets();
like(as($me, $query), qr/status 404: SecretNotFound/, 'a secret that is not there');
azure_secrets(%good);
mapping("$given, azure_client_secret 'another'");
like(as($me, $query), qr/could not get a token for Azure application "$azure{client}"\nDETAIL:  status 401: invalid_client: AADSTS7000215: Invalid client secret provided\.\.?\nHINT:  Check azure_tenant_id/, 'a wrong secret');
with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata});
mapping("identity_lent_by '$me'");
azure_behave(metadata => { fail => [ 404, 410, 500 ] });
$since = time();
is(sql($query), 't', 'the metadata service is asked again after 404 and 410');
cmp_ok(time() - $since, '>=', 10, 'which it is given time for');

# -- a vault that wants more than its own --

mapping("$given, azure_client_secret '$azure{secret}'");
for ([ { resource => 'https://management.azure.com' }, qr/asks for a token for "management.azure.com", which is not its own domain/ ],
	[ { resource => 'https://ult.localhost' }, qr/not its own domain/ ],
	[ { tenant => '99999999-2222-3333-4444-555555555555' }, qr/of another tenant than the credential's/ ])
{
	azure_behave(vault => $_->[0]);
	$node->restart;
	azure_asked();
	like(as($me, $query), $_->[1], "it gets no token: $_->[1]");
	is(scalar(grep { $_->{what} eq 'token' } azure_asked()), 0, 'and none was asked for');
}
azure_behave();
like(as($me, qq{ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (SET private_key 'keyvault:$azure{evil}/key')}), qr/names a host for which no Azure identity may be used\nDETAIL:  It is none of the hosts that netsuite_fdw.azure_hosts lists/, 'nor one that a superuser did not list');
for my $bad ('keyvault:v', 'keyvault:v/', 'keyvault:/x', 'keyvault:v/a/b/c', 'keyvault:v@evil/x', 'keyvault:v/x?y', 'keyvault:v/x%2Fy', 'keyvault:v/x y', "keyvault:v/x\n")
{
	like(as($me, qq{ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (SET private_key '$bad')}), qr/not a reference to a secret in a vault/, "no reference: $bad");
}
sql(q{ALTER DATABASE postgres SET netsuite_fdw.azure_hosts = ''});
for my $host ("evil.example", "vault.azure.net", "evil-vault.azure.net.example", "169.254.169.254", "erp.vault.azure.net:8443", "xvault.azure.net")
{
	like(as($me, qq{ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (SET private_key 'keyvault:$host/key')}), qr/neither a vault nor an event hub/, "without a list vaults of Azure alone: not $host");
}
for my $host ('erp', 'erp.vault.azure.net', 'erp.vault.azure.cn', 'erp.vault.usgovcloudapi.net')
{
	is(as($me, qq{ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (SET private_key 'keyvault:$host/key')}), '', "but $host");
}
sql(q{ALTER DATABASE postgres RESET netsuite_fdw.azure_hosts});

# -- in memory for ten minutes at most, asked for again when it was refused --

mapping("$given, azure_client_secret '$azure{secret}'");
with_environment();
is(sql("$query; SELECT 1; $query; ALTER SERVER v OPTIONS (ADD page_size '500'); $query"), "t\n1\nt\nt", 'a session');
is(scalar(grep { $_->{what} eq 'vault' && $_->{status} == 200 } azure_asked()), 1, 'asks once');
sql(q{ALTER SERVER v OPTIONS (DROP page_size)});
sql(qq{DROP USER MAPPING FOR CURRENT_USER SERVER v; CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (} . join(', ', map { "$_ 'keyvault:$azure{host}/" . ($_ =~ s/_/-/r) . "'" } sort keys %tba) . qq{, $given, azure_client_secret '$azure{secret}')});
my $new = "$azure{folder}/new";
azure_secrets(%good, 'token-secret' => 'no more');
append_to_file($new, JSON::PP->new->utf8->encode(\%good));
like(as($me, "\\set ON_ERROR_STOP 0\n$query;\n\\! cp $new $azure{folder}/secrets\n$query"), qr/^t(?:psql.*)?ERROR.*answered 401/s, 'a secret that NetSuite refuses is asked for again in the same session');
azure_secrets(%good);
append_to_file("$azure{folder}/worse", JSON::PP->new->utf8->encode({ %good, 'token-secret' => 'no more' }));
azure_asked();
is(as($me, "$query;\n\\! cp $azure{folder}/worse $azure{folder}/secrets\n$query"), "t\nt", 'one that NetSuite takes is not');
azure_secrets(%good);

# -- files that are replaced --

my $file = "$azure{folder}/key.pem";
my $id = "$azure{folder}/id";
sub put { my ($path, $text) = @_; Azure::write_file($path, $text); return; }
put($file, $key);
put($id, 'sandbox-ec-certificate');
put("$file.rsa", slurp_file("$ENV{NS_STATE}/client_rsa.pem"));
put("$id.rsa", 'sandbox-rsa-certificate');
sql(qq{DROP USER MAPPING FOR CURRENT_USER SERVER v; CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (client_id 'sandbox-client-id', certificate_id 'file:$id', private_key_file '$file')});
is(as($me, "$query;\n\\! mv $file.rsa $file; mv $id.rsa $id\n$query"), "t\nt", 'a key and the id of its certificate that are replaced work in the session');
put("$file.none", "-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----");
like(as($me, "$query;\n\\! mv $file.none $file\n$query"), qr/^t.*the private key of the user mapping cannot be read/s, 'one that is no key is noticed');
put($file, $key);
put($id, 'sandbox-ec-certificate');

# -- the server's own identity is a privilege --

sql(q{CREATE ROLE plain LOGIN; CREATE ROLE reader LOGIN IN ROLE pg_read_server_files; CREATE ROLE owner LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER netsuite_fdw TO owner, reader;
	GRANT USAGE ON FOREIGN SERVER v TO plain, reader, owner; GRANT USAGE ON SCHEMA v TO plain, reader, owner; GRANT SELECT ON v.subsidiary TO plain, reader, owner});
with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata});
my $own = "client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key 'keyvault:$azure{host}/key'";
like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own)"), qr/lacks option identity_lent_by/, 'somebody must answer for it');
like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, identity_lent_by 'plain')"), qr/role "plain" may not lend the server's identity/, 'not a role without rights');
for my $lender ($me, 'reader', 'pg_read_server_files')
{
	like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, identity_lent_by '$lender')"), qr/permission denied to lend the server's identity as role "$lender"/, "nor $lender, for one who is no member of it");
}
like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, identity_lent_by '$me', azure_client_id '$azure{client}')"), qr/permission denied/, 'a client id alone is the server\'s own, too');
like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, $given, azure_client_secret 'file:/etc/passwd')"), qr/Only members of role pg_read_server_files/, 'nor a file');
like(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, $given, azure_client_secret 'keyvault:$azure{host}/hook')"), qr/opens vaults, and cannot be kept in one/, 'nor a vault by a vault');
is(as('plain', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, $given, azure_client_secret '$azure{secret}')"), '', 'an identity of one\'s own is for everybody');
is(as('plain', $query), 't', 'and opens the vault');
like(as('plain', 'ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (DROP azure_client_secret)'), qr/lacks option identity_lent_by/, 'it cannot be taken away');
as('plain', 'DROP USER MAPPING FOR CURRENT_USER SERVER v');
is(as('reader', "CREATE USER MAPPING FOR CURRENT_USER SERVER v OPTIONS ($own, identity_lent_by 'reader')"), '', 'a member of pg_read_server_files lends it to himself');
is(as('reader', $query), 't', 'and it opens the vault');
is(sql("CREATE USER MAPPING FOR plain SERVER v OPTIONS ($own, identity_lent_by 'reader')"), '', 'a superuser lends it to somebody else');
is(as('plain', $query), 't', 'for whom it opens the vault');
like(as('plain', "ALTER USER MAPPING FOR CURRENT_USER SERVER v OPTIONS (SET private_key 'keyvault:$azure{host}/hook')"), qr/permission denied to lend/, 'but who may not change what is opened');
# who lent it may not any more
sql(q{REVOKE pg_read_server_files FROM reader});
like(as('plain', $query), qr/role "reader" may not lend the server's identity/, 'when the lender may not any more, it ends for others');
like(as('reader', $query), qr/role "reader" may not lend the server's identity/, 'and for itself');
sql(q{GRANT pg_read_server_files TO reader});
is(as('plain', $query), 't', 'until it may again');
# the owner of the server says where all is sent
sql(q{ALTER SERVER v OPTIONS (DROP ca_file); ALTER SERVER v OWNER TO owner});
like(as('plain', $query), qr/the owner of server "v" may not use the server's identity/, 'with a server of a role without rights it is not used');
is(as('owner', "ALTER SERVER v OPTIONS (SET base_url 'https://127.0.0.1:1')"), '', 'who could have all sent to himself');
azure_asked();
like(as('reader', $query), qr/the owner of server "v" may not/, 'by nobody');
is(scalar(azure_asked()), 0, 'nor is anything asked');
like(as('owner', "ALTER USER MAPPING FOR plain SERVER v OPTIONS (SET private_key 'keyvault:$azure{host}/hook')"), qr/permission denied to lend/, 'the owner may not change the mapping of another');
like(as('owner', "DROP USER MAPPING FOR plain SERVER v; CREATE USER MAPPING FOR plain SERVER v OPTIONS ($own, identity_lent_by 'reader')"), qr/permission denied to lend/, 'nor make one');
sql(qq{ALTER SERVER v OWNER TO CURRENT_USER; ALTER SERVER v OPTIONS (SET base_url '$ENV{NS_URL}', ADD ca_file '$ENV{NS_CA}')});
like(as('plain', qq{SET netsuite_fdw.azure_hosts = '$azure{evil}'; $query; SHOW netsuite_fdw.azure_hosts}), qr/permission denied|\Q$azure{host}\E/, 'the list of hosts is a superuser\'s');
# a superuser binds it
sql(q{ALTER DATABASE postgres SET netsuite_fdw.azure_hosts = 'other.vault.azure.net'});
like(as('reader', $query), qr/names a host for which no Azure identity may be used/, 'what the list lacks is not asked, although it was set before');
sql(q{ALTER DATABASE postgres RESET netsuite_fdw.azure_hosts});

# -- it can be stopped --

azure_behave(vault => { fail => [ (503) x 20 ], retry_after => 20 });
with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata});
$since = time();
like(as('reader', "SET statement_timeout = '1s'; $query"), qr/canceling statement due to statement timeout/, 'while a vault is asked a statement can be stopped');
in_time(time() - $since, 5, 'at once');
azure_behave();
is(as('reader', $query), 't', 'which is not remembered');

# -- secrets are nowhere --

my $log = slurp_file($node->logfile);
$log =~ s/^.*DEBUG:  \t\w+=.*$//mg;    # the environment that the postmaster shows
$log =~ s/^.*(?:CREATE|ALTER) USER MAPPING.*?(?=^\d{4}-)//smg;    # statements of the test itself, which the server logs as they are
my @secrets = ((split /\n/, $key)[1], values %tba, $azure{secret}, 'a.federated.token', 'the-header', map { $_->{headers}{authorization} ? $_->{headers}{authorization} =~ s/Bearer //r : () } azure_log());
my ($dump) = run_command([ 'pg_dump', '-s', '-d', $node->connstr($p) ]);
my $plan = as('reader', "EXPLAIN (ANALYZE, VERBOSE, COSTS off, TIMING off) $query");
my $seen = join "\n", map { my $s = $_; grep { /\Q$s\E/ } split /\n/, $log } grep { length > 8 && !/^sandbox-(?:consumer-key|token-id)$/ } @secrets;
is($seen, '', 'no secret is in the log, at debug5');
unlike($plan, qr/keyvault|tok\./, 'nor in a plan');
like($dump, qr{keyvault:\Q$azure{host}\E/key}, 'in a dump are references');
unlike($dump, qr/\Q$secrets[0]\E|tok\./, 'alone');
$node->stop;

# -- sinks --

$node = new_delivery('delivery', conf => "log_min_messages = debug5\nlog_statement = all\ningest_delivery.azure_hosts = '$azure{host}, $azure{hubs_host}'\ningest_delivery.azure_ca_file = '$azure{ca}'\n");
start_receiver('--whole');
with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata});
sql(qq{CREATE ROLE keeper LOGIN IN ROLE ingest_operator; CREATE ROLE admin LOGIN IN ROLE ingest_admin, ingest_operator; CREATE ROLE filer LOGIN IN ROLE ingest_operator, pg_read_server_files;
	CREATE USER MAPPING FOR keeper SERVER ingest_secrets OPTIONS (azure '$azure{secret}', nested 'keyvault:$azure{host}/hook', wrong 'wrong');
	CREATE USER MAPPING FOR filer SERVER ingest_secrets OPTIONS (nested 'keyvault:$azure{host}/hook')});
azure_secrets(hook => $secret, authorization => 'Bearer of-the-hook', hub => "Endpoint=sb://ns.servicebus.localhost/;SharedAccessKeyName=$azure{keyName};SharedAccessKey=$azure{key};EntityPath=h");

sub make_sink
{
	my ($user, $name, $kind, %options) = @_;
	my $json = JSON::PP->new->canonical->encode(\%options);
	return as($user, qq{SELECT ingest_delivery.create_sink('$name', '$kind', '$json', types => '{$name.*}')});
}
sub emit { my ($type, $n, $subject) = @_; return sql("SELECT count(ingest.emit('$type.x', $subject, jsonb_build_object('n', i))) FROM generate_series(1, $n) i"); }
sub sent { my ($name, $n) = @_; poll_until($node, $p, "SELECT sent FROM ingest_delivery.sink_status WHERE sink = '$name'", $n, "SELECT last_error FROM ingest_delivery.sink_status WHERE sink = '$name'"); return; }
# until so many arrived; they
sub arrived
{
	my ($path, $n) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	my @got;
	sleep(0.1) until (@got = grep { defined $_->{id} } received($path)) >= $n || time() > $until;
	return @got;
}
my %with = (azure_tenant_id => $azure{tenant}, azure_client_id => $azure{client}, azure_client_secret => 'mapping:ingest_secrets/azure');
my %to = (url => "$url/kept");

# who may
for my $path ("keyvault:$azure{host}/hook", 'mapping:ingest_secrets/nested')
{
	like(make_sink('keeper', 'kept', 'webhook', %to, secret => $path), qr/option "secret" needs the server's own identity\nHINT:  That is for superusers and members of pg_read_server_files/, "an operator may not use the server's identity: $path");
	like(make_sink('keeper', 'kept', 'webhook', %to, secret => $path, azure_client_id => $azure{client}), qr/needs the server's own identity/, 'nor one of several');
}
like(make_sink('keeper', 'kept', 'webhook', %to, %with, secret => "keyvault:$azure{evil}/hook"), qr/names a host for which no Azure identity may be used/, 'nor a vault that is not listed');
like(make_sink('keeper', 'kept', 'webhook', %to, %with, secret => "keyvault:$azure{host}/hook", azure_client_secret => "keyvault:$azure{host}/hook"), qr/cannot be kept in one/, 'nor open a vault by a vault');
like(make_sink('keeper', 'kept', 'webhook', %to, %with, secret => "keyvault:$azure{host}/hook", azure_client_secret => 'mapping:ingest_secrets/wrong'), qr/AADSTS7000215/, 'a wrong secret is said at once');
like(make_sink('keeper', 'kept', 'webhook', %to, azure_client_id => 'a/b', secret => 'mapping:ingest_secrets/wrong'), qr/of an Azure identity is not valid/, 'so is an id that is none');
is(make_sink('keeper', 'kept', 'webhook', %to, %with, secret => "keyvault:$azure{host}/hook"), 'kept', 'with an identity of his own an operator may');
as('keeper', q{SELECT ingest.emit('kept.x', 's', '{}')});
sent('kept', 1);
is(make_sink('filer', 'filed', 'webhook', url => "$url/filed", secret => 'mapping:ingest_secrets/nested'), 'filed', 'who may read files may use it, by an option of his mapping, too');
like(as('admin', q{SELECT ingest_delivery.alter_sink('filed', options => '{"url": "https://admin.example/"}')}), qr/must be owner/, 'whose sink an admin may not send elsewhere');
like(as('admin', qq{SELECT ingest_delivery.alter_sink('kept', options => '{"azure_client_secret": null, "azure_tenant_id": null, "azure_client_id": null}')}), qr/needs the server's own identity/, 'nor give it to the sink of another');
as('filer', q{SELECT ingest.emit('filed.x', 's', '{}')});
sent('filed', 1);
sql(q{REVOKE pg_read_server_files FROM filer; SELECT ingest_delivery.alter_sink('filed', on_exhausted => 'skip')});    # it is looked at anew, else within a minute
poll_until($node, $p, q{SELECT last_error LIKE 'option "secret" needs the server''s own identity%' FROM ingest_delivery.sink_status WHERE sink = 'filed'});
as('filer', q{SELECT ingest.emit('filed.x', 's', '{}')});
sleep(1);
is(scalar(received('/filed')), 1, 'who may not any more has nothing sent');
sql(q{GRANT pg_read_server_files TO filer; SELECT ingest_delivery.alter_sink('filed', on_exhausted => 'skip')});
is(scalar(arrived('/filed', 2)), 2, 'until it may again');
# a server that somebody else owns: the owner could have written the reference
sql(qq{CREATE SERVER theirs FOREIGN DATA WRAPPER ingest_secrets; ALTER SERVER theirs OWNER TO keeper; GRANT USAGE ON FOREIGN SERVER theirs TO filer;
	CREATE USER MAPPING FOR filer SERVER theirs OPTIONS (nested 'keyvault:$azure{host}/hook', file 'file:/etc/hostname')});
for my $option ('nested', 'file')
{
	like(make_sink('filer', 'theirs', 'webhook', url => "$url/theirs", secret => "mapping:theirs/$option"), qr/needs the server's own identity|refers to a file or the environment/, "a reference that the owner of a server could have written: $option");
}

# a secret that the receiver refuses is asked for again
azure_asked();
azure_secrets(hook => $old_secret, authorization => 'Bearer of-the-hook', hub => "Endpoint=sb://ns.servicebus.localhost/;SharedAccessKeyName=$azure{keyName};SharedAccessKey=$azure{key};EntityPath=h");
behave('/kept' => { status => 401 });
as('keeper', q{SELECT ingest.emit('kept.x', 's', '{}')});
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'kept'}, 'open');
behave();
sent('kept', 2);
is(scalar(grep { $_->{what} eq 'vault' && $_->{status} == 200 } azure_asked()), 1, 'after a 401 the vault is asked once more');
my ($last) = (grep { defined $_->{id} } received('/kept'))[-1];
{
	my $python = 'import base64, hashlib, hmac, sys; print(base64.b64encode(hmac.new(base64.b64decode(sys.argv[1][6:]), sys.argv[2].encode(), hashlib.sha256).digest()).decode())';
	my ($signed) = run_command([ 'python3', '-c', $python, $old_secret, "$last->{headers}{'webhook-id'}.$last->{headers}{'webhook-timestamp'}.$last->{body}" ]);
	is($last->{headers}{'webhook-signature'}, "v1,$signed", 'and what is there now signs');
}
# a vault that is out of order stops its sink alone
azure_behave(vault => { fail => [ (503) x 50 ], retry_after => 30 });
$node->restart;
as('keeper', q{SELECT ingest.emit('kept.x', 's', '{}')});
sql(qq{SELECT ingest_delivery.create_sink('plain', 'webhook', '{"url": "$url/plain", "secret": "mapping:ingest_secrets/now"}', types => '{plain.*}')});
emit('plain', 50, q('s'));
sent('plain', 50);
is(sql(q{SELECT sent FROM ingest_delivery.sink_status WHERE sink = 'kept'}), 2, 'a vault that does not answer keeps nobody else waiting');
azure_behave();
with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST => $azure{metadata});
sent('kept', 3);

# -- Event Hubs --

my %hub = (url => "$azure{hubs}/h", ca_file => $azure{ca});
is(make_sink($me, 'sas', 'event_hubs', %hub, connection_string => "keyvault:$azure{host}/hub"), 'sas', 'a hub by a connection string from a vault');
is(make_sink($me, 'token', 'event_hubs', %hub, mode => 'binary'), 'token', 'and by the server\'s identity');
like(make_sink('keeper', 'refused', 'event_hubs', url => "$azure{hubs}/h"), qr/needs the server's own identity/, 'which an operator may not use');
for ([ { url => 'https://ns.servicebus.windows.net/' }, qr/must name a namespace and a hub/ ], [ { url => 'https://ns.servicebus.windows.net/h/messages' }, qr/must name a namespace and a hub/ ],
	[ { url => 'https://evil.example/h' }, qr/names a host for which no Azure identity may be used/ ], [ { url => 'http://ns.servicebus.windows.net/h' }, qr/must begin with https/ ],
	[ { url => "$azure{hubs}/h", connection_string => "keyvault:$azure{host}/hook" }, qr/not a connection string of Event Hubs/ ], [ { url => "$azure{hubs}/h", max_bytes => 2000000 }, qr/from 1024 to 1048576/ ])
{
	like(make_sink($me, 'refused', 'event_hubs', %{ $_->[0] }), $_->[1], "refused: $_->[1]");
}
azure_asked();
for my $name ('sas', 'token')
{
	emit($name, 200, q('s' || i % 4));
	emit($name, 3, 'NULL');
	sql(qq{SELECT ingest.emit('$name.x', E'Größe "1" \\\\ é', '{"text": "ü\\u2028 \\"x\\""}')});
	sent($name, 204);
	my @posts = grep { $_->{what} eq 'hub' && $_->{status} == 201 && ($_->{headers}{authorization} =~ /^Shared/) == ($name eq 'sas') } azure_log();
	my (%keys, %got, @wrong);
	for my $post (@posts)
	{
		my @messages = @{ decode_json(Encode::encode_utf8($post->{body})) };
		my %of = map { ($_->{BrokerProperties}{PartitionKey} // '') => 1 } @messages;
		push @wrong, join ',', keys %of if keys %of != 1;
		for (@messages)
		{
			my $body = decode_json(Encode::encode_utf8($_->{Body}));
			my $subject = $name eq 'sas' ? $body->{subject} : $_->{UserProperties}{'cloudEvents:subject'};
			push @wrong, 'key' if ($subject // '') ne ($_->{BrokerProperties}{PartitionKey} // '');
			push @{ $got{ $subject // '' } }, $name eq 'sas' ? $body->{data}{n} : $body->{n};
			push @wrong, 'attributes' if $name eq 'token' && ($_->{UserProperties}{'cloudEvents:type'} ne 'token.x' || $_->{UserProperties}{'cloudEvents:specversion'} ne '1.0');
		}
	}
	is(join(' ', @wrong), '', "$name: a request has one partition key, the subject");
	is(scalar(map { @$_ } values %got), 204, 'all events came');
	is(join(' ', grep { defined } @{ $got{s1} }), join(' ', map { $_ * 4 + 1 } 0 .. 49), 'in order within the subject');
	cmp_ok(scalar @posts, '<', 120, 'in batches');
}
my ($shown) = grep { $_->{what} eq 'hub' && $_->{headers}{authorization} =~ /^Shared/ } azure_log();
{
	my ($sr, $sig, $se) = $shown->{headers}{authorization} =~ /^SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)&skn=send$/;
	my $python = 'import base64, hashlib, hmac, sys, urllib.parse as u; print(u.quote(base64.b64encode(hmac.new(sys.argv[1].encode(), (sys.argv[2] + "\n" + sys.argv[3]).encode(), hashlib.sha256).digest()), safe=""))';
	my ($signature) = run_command([ 'python3', '-c', $python, $azure{key}, $sr, $se ]);
	is($sig, $signature, 'signed by the bytes of the key as they are, as @azure/core-amqp does');
}
# a hub that is busy is left alone for four seconds
azure_behave(hub => { fail => [ 503 ] });
$since = time();
emit('sas', 1, q('s'));
sent('sas', 205);
cmp_ok(time() - $since, '>=', 4, 'a hub that is busy is left alone for four seconds');
is(sql(q{SELECT ok || ' ' || status FROM ingest_delivery.test_sink('token')}), 'true 201', 'test_sink');
# what is refused with a reminder of an alert is asked for again as well
my $posts = start_peer('posts', 'posts');
sql(q{SELECT ingest_internal.alert_opens('run_failed', 'sync hub', 'hub', 'error', 'it failed', owner => (SELECT oid FROM pg_roles WHERE rolname = current_user))});
sql(qq{SELECT ingest_delivery.create_sink('again', 'alertmanager', '{"url": "http://127.0.0.1:$posts/again", "authorization": "keyvault:$azure{host}/authorization", "repeat": 1}')});
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sleep(0.1) until peer_got('posts') || time() > $until;
azure_asked();
peer_behave('posts', '/again/api/v2/alerts' => 401);
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'again'}, 'open');
peer_behave('posts');
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'again'}, 'closed');
is(scalar(grep { $_->{what} eq 'vault' && $_->{status} == 200 } azure_asked()), 1, 'after a 401 to a reminder of an alert the vault is asked once more');
sql(q{SELECT ingest_delivery.drop_sink('again')});
end_peer('posts');
# the list of hosts binds sinks that are there already
sql(q{ALTER DATABASE postgres SET ingest_delivery.azure_hosts = 'other.vault.azure.net'});
emit('token', 1, q('s'));
poll_until($node, $p, q{SELECT last_error LIKE 'option "url" names a host for which no Azure identity may be used%' FROM ingest_delivery.sink_status WHERE sink = 'token'});
pass('a superuser binds identities to hosts');
sql(q{ALTER DATABASE postgres RESET ingest_delivery.azure_hosts});

$log = slurp_file($node->logfile);
$log =~ s/^.*DEBUG:  \t\w+=.*$//mg;
$log =~ s/^.*(?:CREATE|ALTER) USER MAPPING.*?(?=^\d{4}-)//smg;
@secrets = ($secret =~ s/whsec_//r, $old_secret =~ s/whsec_//r, $azure{secret}, $azure{key}, map { $_->{headers}{authorization} ? $_->{headers}{authorization} =~ s/^Bearer //r : () } azure_log());
$seen = join "\n", map { my $s = $_; grep { /\Q$s\E/ } split /\n/, $log } @secrets;
is($seen, '', 'no secret of a sink is in the log, at debug5');
is(sql(q{SELECT count(*) FROM ingest_delivery.sink WHERE options::text ~ 'whsec_|SharedAccessKey=|tok\.'}), 0, 'nor in a table');
$node->stop;
done_testing();
