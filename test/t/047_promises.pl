# What the manual promises of options, limits and connections, and no file of one subject holds
use strict;
use warnings;
use Sandbox;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time sleep);

my $folder = PostgreSQL::Test::Utils::tempdir();
# OpenSSL's own settings would let old TLS through, and a proxy of the environment leads nowhere
append_to_file("$folder/openssl.cnf", "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = low\n[low]\nMinProtocol = TLSv1\nCipherString = ALL:\@SECLEVEL=0\n");
$ENV{OPENSSL_CONF} = "$folder/openssl.cnf";
$ENV{$_} = 'http://127.0.0.1:1' for qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY);
my $node = new_server('promises', conf => "shared_preload_libraries = 'netsuite_fdw'\nlog_statement = none\n");
delete @ENV{qw(OPENSSL_CONF http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY)};
my $six = 'SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x';
is($node->safe_psql('postgres', $six), '6', "the environment's proxy is not used");

# a server and its tables with other options: its answer and errors, and the seconds that it took
sub other
{
	my ($options, $query) = @_;
	my $base = $options =~ /base_url/ ? '' : ", base_url '$ENV{NS_URL}'";
	$node->safe_psql('postgres', qq{
		CREATE SERVER other FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', ca_file '$ENV{NS_CA}'$base, $options);
		CREATE FOREIGN TABLE other_currency (id bigint, name text) SERVER other OPTIONS ("table" 'currency', key 'id');
		CREATE FOREIGN TABLE other_transaction (id bigint, memo text) SERVER other OPTIONS ("table" 'transaction', key 'id')});
	create_mapping($node, 'CURRENT_USER', 'other', %tba);
	my $began = time();
	my ($code, $out, $err) = $node->psql('postgres', $query, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my $seconds = time() - $began;
	$node->safe_psql('postgres', 'DROP SERVER other CASCADE');
	return ($out, $err, $seconds);
}
my $other_six = 'SELECT count(*) FROM (SELECT * FROM other_currency OFFSET 0) x';

# -- TLS --

for my $version ('TLSv1_1', 'TLSv1_2')
{
	my ($port_file, $log) = ("$folder/$version", "$folder/$version.log");
	append_to_file("$folder/$version.py", <<"PY");
import os, socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('$ENV{NS_STATE}/server.pem', '$ENV{NS_STATE}/server.key')
context.set_ciphers('ALL:\@SECLEVEL=0')
context.minimum_version = ssl.TLSVersion.TLSv1
context.maximum_version = ssl.TLSVersion.$version
listener = socket.create_server(('127.0.0.1', 0))
with open('$port_file.new', 'w') as file:
    file.write(str(listener.getsockname()[1]))
os.rename('$port_file.new', '$port_file')
while True:
    try:
        with context.wrap_socket(listener.accept()[0], server_side=True) as conn:
            conn.recv(65536)
            conn.sendall(b'HTTP/1.1 403 No\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n')
    except OSError:
        pass
PY
	my $peer = IPC::Run::start([ '/usr/bin/env', "OPENSSL_CONF=$folder/openssl.cnf", '/usr/bin/python3', "$folder/$version.py" ], '<', '/dev/null', '>', $log, '2>&1');
	my $until = time() + 60;
	sleep(0.1) while !-e $port_file && time() < $until;
	my $port = slurp_file($port_file);
	my (undef, $err) = other("base_url 'https://localhost:$port', max_retries '0', max_concurrency '1'", $other_six);
	like($err, $version eq 'TLSv1_1' ? qr/ERROR:  HV00N:.*no reply/s : qr/ERROR:  42501:.*answered 403/s, "a peer that speaks $version");
	$peer->kill_kill;
}

# -- time --

my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 0) or die $!;
my @waiting = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 4;
my ($out, $err, $seconds) = other("base_url 'https://127.0.0.1:" . $full->sockport . "', max_retries '0', connect_timeout '700ms'", $other_six);
like($err, qr/ERROR:  HV00N:.*no reply/s, 'nobody lets us connect');
cmp_ok($seconds, '>', 0.6, 'connect_timeout is waited for');
in_time($seconds, 10, 'and no longer');

fresh_log();
control(op => 'fault', kind => '429-retry-after', count => 2, match => 'suiteql');
($out, $err, $seconds) = other("max_retries '5'", $other_six);
is($out, '6', 'two refusals that name a second');
cmp_ok($seconds, '>', 1.9, 'Retry-After is honoured');

# a reply that has begun brings a kilobyte in half a minute, or is asked for again
fresh_log();
control(op => 'fault', kind => 'drip', count => 1, match => 'suiteql');
($out, $err, $seconds) = other("page_size '10'", $other_six);
is($out, '6', 'a reply that drips is asked for again');
in_time($seconds, 60, 'long before request_timeout');
fresh_log();

# -- what is planned and sent --

my ($dear) = other("fdw_startup_cost '12345', fdw_tuple_cost '7'", 'EXPLAIN SELECT id FROM other_currency');
my ($cheap) = other("fdw_startup_cost '5', fdw_tuple_cost '0'", 'EXPLAIN SELECT id FROM other_currency');
my ($startup, $total, $rows) = $dear =~ /cost=([\d.]+)\.\.([\d.]+) rows=(\d+)/;
cmp_ok($startup, '==', 12345, 'the cost of a request');
cmp_ok($total, '>=', 12345 + 7 * $rows, 'and of a row');
like($cheap, qr/cost=5\.00\.\./, 'are the options');
sub received { my ($plan) = other($_[0], 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, COSTS OFF) SELECT * FROM other_transaction WHERE id < 500'); return $plan =~ /Bytes: (\d+)/ ? $1 : die $plan; }
cmp_ok(3 * received("compress 'on'"), '<', received("compress 'off'"), 'replies come compressed, unless that is not wanted');

# a table of more columns than a table can have
my %row = map { ("c$_" => "v$_") } 1 .. 1700;
control(op => 'fault', kind => 'reply', match => 'suiteql', after => 1, count => 1, status => 200, body => JSON::PP->new->encode({ items => [ \%row ], hasMore => JSON::PP::false, totalResults => 1 }));
$node->safe_psql('postgres', 'CREATE SCHEMA broad');
(undef, undef, $err) = $node->psql('postgres', q{IMPORT FOREIGN SCHEMA suiteql LIMIT TO (broad) FROM SERVER ns INTO broad OPTIONS (verify 'off', include_custom 'off')});
like($err, qr/WARNING:  table "broad" has more than the 1600 columns that a table can have/, 'columns beyond 1600 are told');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'broad.broad'::regclass AND attnum > 0}), '1600', 'and the others are there');
fresh_log();

# -- logins --

# an open cursor goes on with the mapping it began with
$node->safe_psql('postgres', q{CREATE ROLE reader; GRANT USAGE ON FOREIGN SERVER ns TO reader; GRANT USAGE ON SCHEMA netsuite TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA netsuite TO reader; GRANT pg_read_server_files TO reader; ALTER SERVER ns OPTIONS (ADD page_size '500', ADD max_concurrency '1')});
create_mapping($node, 'reader', 'ns', %tba);
my $all = $node->safe_psql('postgres', 'SELECT count(*) FROM netsuite.transactionline');
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query('SET ROLE reader; BEGIN; DECLARE c CURSOR FOR SELECT uniquekey FROM netsuite.transactionline OFFSET 0');
$session->query('FETCH 1 FROM c');
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR reader SERVER ns OPTIONS (SET token_secret 'changed')});
is(1 + (() = $session->query('FETCH ALL FROM c') =~ /^\d+$/mg), $all, 'an open cursor reads on with the login it began with');
$session->query('COMMIT');
$session->query($six);
like($session->{stderr}, qr/answered 401/, 'what comes after it has the new one');
$session->{stderr} = '';

# a file is read again once NetSuite has refused what stood in it
append_to_file("$folder/secret", "wrong\n");
chmod 0644, "$folder/secret";
$node->safe_psql('postgres', "ALTER USER MAPPING FOR reader SERVER ns OPTIONS (SET token_secret 'file:$folder/secret')");
$session->query($six);
like($session->{stderr}, qr/answered 401/, 'a wrong secret in a file');
$session->{stderr} = '';
unlink "$folder/secret";
append_to_file("$folder/secret", "$tba{token_secret}\n");
chmod 0644, "$folder/secret";
is($session->query($six), '6', 'the right one, without a word to the session');
$session->quit;

# -- tables of fixed size in shared memory --

# more accounts than are governed, more servers than are counted: all answer, and nobody is told of a full table
$node->safe_psql('postgres', q{
	CREATE FUNCTION many(n int) RETURNS TABLE (state text, times bigint) LANGUAGE plpgsql AS $$
	DECLARE states text[]; BEGIN
		FOR i IN 1..n LOOP
			EXECUTE format('CREATE SERVER many%s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account %L, base_url ''https://127.0.0.1:1'', max_retries ''0'')', i, i);
			EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER many%s OPTIONS (consumer_key ''k'', consumer_secret ''s'', token_id ''t'', token_secret ''u'')', i);
			BEGIN
				PERFORM netsuite_server_time('many' || i);
			EXCEPTION WHEN OTHERS THEN states := states || SQLSTATE;
			END;
		END LOOP;
		RETURN QUERY SELECT s, count(*) FROM unnest(states) s GROUP BY 1;
	END $$});
is($node->safe_psql('postgres', 'SELECT * FROM many(1040)'), 'HV00N|1040', '1,040 servers of as many accounts');
is($node->safe_psql('postgres', $six), '6', 'the first of all answers');
is($node->safe_psql('postgres', q{SELECT count(*) <= 1024, count(*) > 1000 FROM netsuite_stats()}), 't|t', 'the latest 1,024 rows of counts are kept');
is($node->safe_psql('postgres', q{SELECT requests > 0 FROM netsuite_stats() WHERE server = 'many1040'}), 't', 'the last one among them');

# more logins than tokens are kept
$node->safe_psql('postgres', qq{
	DO \$\$ BEGIN
		FOR i IN 1..135 LOOP
			EXECUTE format('CREATE ROLE one%s; GRANT USAGE ON FOREIGN SERVER ns TO one%s', i, i);
			EXECUTE format('CREATE USER MAPPING FOR one%s SERVER ns OPTIONS (client_id ''sandbox-client-id'', certificate_id ''sandbox-ec-certificate'', private_key_file ''$ENV{NS_STATE}/client_ec.pem'')', i);
		END LOOP;
	END \$\$});
my $each = join(';', map { "SET ROLE one$_; SELECT count(*) FROM netsuite_query('ns', 'SELECT id FROM currency')" } 1 .. 135);
sub logins { return scalar grep { $_->{path} =~ /token/ } @{ control(op => 'log')->{requests} }; }
fresh_log();
is($node->safe_psql('postgres', $each), join("\n", ('6') x 135), '135 mappings of one server');
is(logins(), 135, 'a login each');
is($node->safe_psql('postgres', join(';', map { "SET ROLE one$_; SELECT count(*) FROM netsuite_query('ns', 'SELECT id FROM currency')" } 60 .. 135)), join("\n", ('6') x 76), 'the latest ones again, in another session');
is(logins(), 135, 'have their tokens still');
is($node->safe_psql('postgres', q{SET ROLE one1; SELECT count(*) FROM netsuite_query('ns', 'SELECT id FROM currency')}), '6', 'and the first one');
is(logins(), 136, 'logs in again');

fresh_log();
$node->stop;
done_testing();
