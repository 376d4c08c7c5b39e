# Every fault of the sandbox ends in the right rows or in one clear error
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('faults');
$node->safe_psql('postgres', q{
	ALTER SERVER ns OPTIONS (ADD request_timeout '2', ADD retry_deadline '60', ADD max_concurrency '3', ADD page_size '500');
	CREATE TABLE truth AS SELECT * FROM netsuite.transaction;
	CREATE FUNCTION differences() RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM ((TABLE truth EXCEPT ALL SELECT * FROM netsuite.transaction) UNION ALL (SELECT * FROM netsuite.transaction EXCEPT ALL TABLE truth)) x $$;});

# passing faults: early, in the middle, several at once
for my $kind (qw(429 429-retry-after 400-concurrency 500 502-html 503 reset-before reset-body short-body truncated garbage bad-gzip no-http endless endless-header endless-trailer drip stall))
{
	for my $after (0, 4)
	{
		fresh_log();
		control(op => 'fault', kind => $kind, count => ($kind =~ /drip|stall|endless/ ? 1 : 2), after => $after, match => 'suiteql', seconds => 5);
		is($node->safe_psql('postgres', 'SELECT count(*) FROM truth t FULL JOIN netsuite.transaction n USING (id) WHERE t IS DISTINCT FROM n'), '0', "$kind after $after requests: right rows");
	}
}

# in SSS_REQUEST_LIMIT_EXCEEDED's words, too
fresh_log();
control(op => 'switch', name => 'concurrency_code', value => 'SSS_REQUEST_LIMIT_EXCEEDED');
control(op => 'fault', kind => '400-concurrency', count => 3, match => 'suiteql');
is($node->safe_psql('postgres', 'SELECT differences()'), '0', 'the other code for too many requests');

# a storm
fresh_log();
control(op => 'fault', kind => $_, probability => 0.04, match => 'suiteql') for qw(429 500 502-html reset-before reset-body short-body truncated bad-gzip);
is($node->safe_psql('postgres', 'SELECT differences() FROM generate_series(1, 3)'), "0\n0\n0", 'a storm of faults: right rows');
my $log = control(op => 'log');
cmp_ok(scalar(grep { $_->{fault} } @{ $log->{requests} }), '>', 3, 'faults did strike');

# lasting faults: one clear error, with what to do, and soon
sub lasting
{
	my ($kind, $state, $words, %more) = @_;
	fresh_log();
	control(op => 'fault', kind => $kind, match => 'suiteql');
	my ($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	isnt($code, 0, "$kind for ever: an error");
	is(scalar(() = $err =~ /^psql.*ERROR:/mg), 1, 'one error');
	like($err, qr/ERROR:  $state: .*$words/, 'with its class and words');
	like($err, qr/HINT:/, 'and what to do');
	unlike($err, qr/sandbox-(consumer|token)/, 'and no secret');
	my $requests = scalar grep { $_->{path} !~ m{/auth/} } @{ control(op => 'log')->{requests} };
	cmp_ok($requests, '<=', $more{requests} // 6, "after $requests requests");
	return;
}
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (SET retry_deadline '4', SET request_timeout '1')});
lasting('500', 'HV000', 'could not run a query on server "ns": NetSuite answered 500', requests => 4);
lasting('401', '28000', 'NetSuite answered 401', requests => 2);    # with one new token
lasting('403', '42501', 'NetSuite answered 403', requests => 1);
lasting('redirect', 'HV000', 'NetSuite answered 302', requests => 1);
lasting('502-html', 'HV000', 'NetSuite answered 502');
lasting('429', '53400', 'NetSuite answered 429', requests => 40);
# and one more: that a kept connection was lost under it counts as no attempt
lasting('reset-before', 'HV00N', 'no reply', requests => 7);
lasting('stall', 'HV00N', 'no reply');
lasting('no-http', 'HV00N', 'no reply');
lasting('drip', 'HV00N', 'no reply');
lasting('garbage', 'HV00K', 'NetSuite answered 200');
lasting('endless-header', 'HV00N', 'no reply\n(LOCATION.*\n)?DETAIL:  the reply.s header has a line that does not end');
lasting('endless-trailer', 'HV00N', 'no reply\n(LOCATION.*\n)?DETAIL:  the reply.s trailer has a line that does not end');
lasting('endless', '54000|HV00N', '(too large to read|no reply)', requests => 20);

# an address that does not answer, a certificate that is not trusted, a wrong file
fresh_log();
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (SET base_url 'https://127.0.0.1:1')});
my ($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency');
like($err, qr/no reply.*connect/si, 'connection refused');
is($node->safe_psql('postgres', q{SELECT "check" FROM netsuite_check('ns') WHERE NOT ok}), 'address', 'the check says so');
# a name that is not found may be found the next time
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (SET base_url 'https://no-such-host.invalid', ADD max_retries '2', SET retry_deadline '30')});
($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  HV00N:.*no reply.*resolve.*Gave up after 3 attempts/s, 'a name that is not found');
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (DROP max_retries, SET retry_deadline '4')});
$node->safe_psql('postgres', qq{ALTER SERVER ns OPTIONS (SET base_url '$ENV{NS_URL}', DROP ca_file)});
($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency');
like($err, qr/certificate.*ca_file/s, 'an unknown authority is not trusted');
is($node->safe_psql('postgres', q{SELECT "check" FROM netsuite_check('ns') WHERE NOT ok}), 'tls', 'the check says so');
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD ca_file '/no/such/file')});
($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency');
like($err, qr/base_url, ca_file and proxy/, 'a wrong ca_file');

# clocks that differ, and expired tokens in the middle of a scan
$node->safe_psql('postgres', qq{ALTER SERVER ns OPTIONS (SET ca_file '$ENV{NS_CA}', SET request_timeout '10')});
control(op => 'clock', offset => 1000);
is($node->safe_psql('postgres', q{SELECT "check" FROM netsuite_check('ns') WHERE NOT ok}), "clock\nlogin", 'a clock that is off is told from a wrong secret');
control(op => 'clock', offset => 0);
$node->safe_psql('postgres', qq{
	DROP USER MAPPING FOR CURRENT_USER SERVER ns;
	CREATE USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file '$ENV{NS_STATE}/client_ec.pem')});
fresh_log();
control(op => 'fault', kind => 'expired-token', count => 1, after => $_, match => 'suiteql') for 3, 15;
is($node->safe_psql('postgres', 'SELECT differences()'), '0', 'a new token for an expired one');
cmp_ok(scalar(grep { $_->{path} =~ /token/ } @{ control(op => 'log')->{requests} }), '<=', 4, 'and no more than needed');
fresh_log();
control(op => 'fault', kind => '401', match => 'suiteql');
($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency');
like($err, qr/answered 401/, 'refused for ever: fails');
is(scalar(grep { $_->{path} =~ /suiteql/ } @{ control(op => 'log')->{requests} }), 2, 'after one new token');
fresh_log();
control(op => 'token_lifetime', seconds => 1);
is($node->safe_psql('postgres', 'SELECT differences()'), '0', 'tokens of one second');
control(op => 'token_lifetime', seconds => 3600);

fresh_log();
$node->stop;
done_testing();
