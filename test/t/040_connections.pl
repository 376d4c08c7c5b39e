# Connections: as many as asked for, and none on which a request leaves twice
use strict;
use warnings;
use Sandbox;
use IO::Select;
use IO::Socket::INET;
use MIME::Base64;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('connections', conf => "restart_after_crash = off\nlog_statement = none\n");

# token-based authentication signs each request with a nonce
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ns');
create_mapping($node, 'CURRENT_USER', 'ns', %tba);

# two servers of fifty, both with a cursor that is being read: a hundred busy sockets in one backend
control(op => 'switch', name => 'concurrency_limit', value => 500);
$node->safe_psql('postgres', qq{
	ALTER SERVER ns OPTIONS (ADD page_size '200', ADD max_concurrency '50');
	CREATE SERVER other FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', page_size '200', max_concurrency '50');
	CREATE SCHEMA other});
create_mapping($node, 'CURRENT_USER', 'other');
$node->safe_psql('postgres', 'IMPORT FOREIGN SCHEMA suiteql LIMIT TO (transactionline) FROM SERVER other INTO other');
my $many = $node->background_psql('postgres');
$many->query_safe(q{
	BEGIN;
	DECLARE a CURSOR FOR SELECT uniquekey FROM netsuite.transactionline OFFSET 0;
	DECLARE b CURSOR FOR SELECT uniquekey FROM other.transactionline OFFSET 0;
	MOVE 1 FROM a; MOVE 1 FROM b;});
control(op => 'latency', seconds => 1);
# past half a page both read ahead
is(eval { $many->query_safe('MOVE 150 FROM a; MOVE 150 FROM b'); 1 }, 1, 'a hundred requests at once') or BAIL_OUT("the server is gone: $@");
control(op => 'latency', seconds => 0);
my %rows = map { my $cursor = $_; $cursor => scalar(() = $many->query_safe("FETCH ALL FROM $cursor") =~ /^\d+$/mg) } qw(a b);
is_deeply(\%rows, { a => 19904, b => 19904 }, 'all rows came');
cmp_ok(control(op => 'log')->{connections}, '>', 80, 'over as many connections');
$many->quit;
fresh_log();
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (DROP page_size, DROP max_concurrency, ADD retry_deadline '20')});

# a kept connection dies with a request on it, or after the reply before: what is asked again is signed again
sub nonces_twice
{
	my %seen;
	$seen{$_->{nonce}}++ for grep { $_->{nonce} } @{ control(op => 'log')->{requests} };
	return %seen ? scalar grep { $_ > 1 } values %seen : 'no nonce';
}

for my $kind (qw(reset-before hang-up close-after))
{
	for my $what ([ 'suiteql', 'SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x' ],
		[ 'governanceLimits', q{SELECT 1 + 5 * count(*) / 7 FROM generate_series(1, 7), netsuite_governance('ns') WHERE netsuite_governance IS NOT NULL} ])
	{
		fresh_log();
		control(op => 'fault', kind => $kind, count => 1, match => $what->[0], after => $_) for 1, 3, 4;
		is($node->safe_psql('postgres', join('; ', ($what->[1]) x 8)), join("\n", ('6') x 8), "$kind of $what->[0]: right answers");
		is(nonces_twice(), 0, 'no request left twice with one signature');
		cmp_ok(scalar(grep { $_->{fault} } @{ control(op => 'log')->{requests} }), '>=', 3, 'the fault did strike');
	}
}

# a kept connection that dies costs nobody patience: no wait, no attempt that counts
fresh_log();
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD max_retries '0')});
control(op => 'fault', kind => 'hang-up', count => 1, match => 'suiteql', after => 1);
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x; SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x'), "6\n6", 'one dead connection is no failure');
fresh_log();
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (DROP max_retries)});

# an address is signed as it is sent, however it is written
my ($address_port) = $ENV{NS_URL} =~ /:(\d+)$/;
for my $address ("https://127.1:$address_port", "https://LocalHost:0$address_port/", "HTTPS://2130706433:$address_port//")
{
	$node->safe_psql('postgres', qq{
		CREATE SERVER spelled FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$address', ca_file '$ENV{NS_CA}', max_retries '0');
		CREATE ROLE speller; GRANT USAGE ON FOREIGN SERVER spelled TO speller});
	create_mapping($node, 'CURRENT_USER', 'spelled', %tba);
	create_mapping($node, 'speller', 'spelled');
	is($node->safe_psql('postgres', q{SELECT netsuite_server_time('spelled') IS NOT NULL; SET ROLE speller; SELECT netsuite_server_time('spelled') IS NOT NULL}), "t\nt", "$address: both logins");
	$node->safe_psql('postgres', 'DROP SERVER spelled CASCADE; DROP ROLE speller');
}

# a proxy that wants a login, which stands in the user mapping and nowhere else
my $listener = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die $!;
my $port = $listener->sockport;
my $seen = "$ENV{TESTDIR}/proxy_logins";
my $proxy = fork() // die $!;
if ($proxy == 0)
{
	$SIG{CHLD} = 'IGNORE';
	while (my $client = $listener->accept)
	{
		next if fork();
		my $head = '';
		while ($head !~ /\r\n\r\n/) { sysread($client, $head, 4096, length $head) or POSIX::_exit(0); }
		my ($login) = $head =~ /^Proxy-Authorization: Basic (\S+)/mi;
		$login = decode_base64($login // '');
		my ($to) = $head =~ /^CONNECT (\S+)/;
		my $server = $login =~ /^(anna:anna-secret-7|emil:emil-secret-8)$/ && IO::Socket::INET->new($to);
		open my $log, '>>', $seen;
		syswrite($log, "$login\n");
		if (!$server) { syswrite($client, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"); POSIX::_exit(0); }
		syswrite($client, "HTTP/1.1 200 OK\r\n\r\n");
		my $both = IO::Select->new($client, $server);
		while (1)
		{
			for my $from ($both->can_read)
			{
				sysread($from, my $piece, 65536) or POSIX::_exit(0);
				syswrite($from == $client ? $server : $client, $piece);
			}
		}
	}
}
close $listener;
$node->safe_psql('postgres', qq{
	ALTER SERVER ns OPTIONS (ADD proxy 'http://127.0.0.1:$port', SET retry_deadline '2');
	CREATE ROLE anna; CREATE ROLE emil; CREATE ROLE eve;
	GRANT USAGE ON FOREIGN SERVER ns TO anna, emil, eve;});
create_mapping($node, $_, 'ns', %tba) for qw(anna emil eve);
$node->safe_psql('postgres', q{
	ALTER USER MAPPING FOR anna SERVER ns OPTIONS (ADD proxy_user 'anna', ADD proxy_password 'anna-secret-7');
	ALTER USER MAPPING FOR emil SERVER ns OPTIONS (ADD proxy_user 'emil', ADD proxy_password 'emil-secret-8');
	ALTER USER MAPPING FOR eve SERVER ns OPTIONS (ADD proxy_user 'eve', ADD proxy_password 'eve-secret-9');});
my $ask = q{SELECT netsuite_governance('ns')->>'accountConcurrencyLimit'};
is($node->safe_psql('postgres', "SET ROLE anna; $ask; $ask"), "5\n5", 'through a proxy that wants a login');
is(slurp_file($seen), "anna:anna-secret-7\n", 'which is given once for a connection');
unlink $seen;
is($node->safe_psql('postgres', join(';', map { "SET ROLE $_; $ask" } qw(anna emil anna emil))), "5\n5\n5\n5", 'two logins in one session');
is(join(' ', sort(slurp_file($seen) =~ /^(\w+):/mg)), 'anna anna emil emil', 'nobody goes through what another opened');
my ($code, $out, $err) = $node->psql('postgres', "SET ROLE eve; $ask", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  HV00N:.*407/s, 'a login that the proxy refuses');
unlike($err . slurp_file($node->logfile), qr/(anna|emil|eve)-secret/, 'and no secret in message or log');
is($node->safe_psql('postgres', q{SET ROLE eve; SELECT count(*) FROM pg_foreign_server, pg_user_mappings WHERE concat(srvoptions, umoptions) ~ 'anna-secret'}), '0', 'nor in what others can read');
# neither the proxy's word that the tunnel is open nor a 102 begins the reply, which then would have half a minute
fresh_log();
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD max_retries '0')});
control(op => 'fault', kind => 'interim', count => 1, match => 'governance', seconds => 32);
($code, $out, $err) = $node->psql('postgres', "SET ROLE anna; $ask");
is($out, '5', 'a reply may take its time behind a proxy and a 102');
kill 'TERM', $proxy;
waitpid $proxy, 0;
fresh_log();
$node->stop;
done_testing();
