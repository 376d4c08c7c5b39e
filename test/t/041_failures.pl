# Failures of every shape: a reason in words, the right class, and sent again only where that does no harm
use strict;
use warnings;
use utf8;
use Sandbox;
use Encode;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

# -- the rule, by itself --

unit_test('outcome_test', '../netsuite_fdw/outcome.c');

# -- shapes of errors --

my $node = new_server('failures');
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD max_retries '0', ADD retry_deadline '30')});

# status, code and words in the shapes that NetSuite, gateways and proxies use; which of the two each can carry
my %shapes = (
	details => sub { encode_json({ title => 'Bad Request', status => $_[0], 'o:errorDetails' => [ { detail => $_[2], 'o:errorCode' => $_[1] } ] }) },
	'details that are no list' => sub { encode_json({ 'o:errorDetails' => { detail => $_[2], 'o:errorCode' => $_[1] } }) },
	'at the top' => sub { encode_json({ type => 'x', title => 'Bad Request', detail => $_[2], 'o:errorCode' => $_[1] }) },
	'an object' => sub { encode_json({ error => { code => $_[1], message => $_[2] } }) },
	'a list' => sub { encode_json([ { code => $_[1], message => $_[2] } ]) },
	errors => sub { encode_json({ errors => [ { errorCode => $_[1], message => $_[2] } ] }) },
	fault => sub { encode_json({ fault => { faultstring => $_[2], detail => { errorcode => $_[1] } } }) },
	oauth => sub { encode_json({ error => $_[1], error_description => $_[2] }) },
	'title alone' => sub { encode_json({ title => $_[2] }) },
	'a list of texts' => sub { encode_json([ $_[2] ]) },
	html => sub { encode_utf8("<!DOCTYPE html><html><head><title>x</title><style>b { color: red }</style><script>var a = {};</script></head>\n<body class='x'><h1>$_[2]</h1></body></html>") },
	text => sub { encode_utf8("  $_[2]\r\n") },
	'a piece of html' => sub { encode_utf8("\n<h1>$_[2]</h1>") },
	xml => sub { encode_utf8(qq(<?xml version="1.0"?><soapenv:Fault xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><faultstring>$_[2]</faultstring></soapenv:Fault>)) },
	'xml that quotes' => sub { encode_utf8("<Error><Message><![CDATA[$_[2]]]></Message></Error>") },
	'a mark before it' => sub { "\xef\xbb\xbf" . encode_json({ detail => $_[2], 'o:errorCode' => $_[1] }) },
	'a text' => sub { JSON::PP->new->utf8->allow_nonref->encode($_[2]) },
	'a name of its own' => sub { encode_json({ type => 'x', errorCode => $_[1], errorMessage => $_[2] }) },
	'somewhere deep' => sub { encode_json({ a => [ { b => { c => { d => [ { type => 'error', value => $_[2] } ] } } } ] }) },
);
my %no_code = map { $_ => 1 } 'title alone', 'a list of texts', 'html', 'text', 'a piece of html', 'xml', 'xml that quotes', 'a text', 'somewhere deep';

sub refused
{
	my ($body, $status, %more) = @_;
	fresh_log();
	control(op => 'fault', kind => 'reply', match => 'suiteql', status => $status, body => decode_utf8($body), count => $more{count});
	my ($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $more{count} ? $out : decode_utf8($err);
}
sub requests { return scalar grep { $_->{path} =~ /suiteql/ } @{ control(op => 'log')->{requests} }; }

for my $name (sort keys %shapes)
{
	my $words = 'Der Wert ‹größer› "geht" nicht';
	my $err = refused($shapes{$name}->(400, 'SOME_CODE', $words), 400);
	like($err, qr/^psql.*ERROR:  HV000: could not run a query on server "ns": NetSuite answered 400$/m, "$name: an error");
	my ($detail) = $err =~ /^DETAIL:  (.*)$/m;
	like($detail // '', qr/^\Q$words\E\./, 'the reason in words');
	unlike($detail // '', qr/[{}<\[]|o:error/, 'and nothing raw');
	like($detail // '', qr/Code: SOME_CODE\./, 'and its code') unless $no_code{$name};
	is(requests(), 1, 'asked once');

	# refused for concurrency, in words under another code, or by code without words: tried again
	is(refused($shapes{$name}->($_, 'USER_ERROR', 'Concurrent request limit exceeded. Request blocked.'), $_, count => 1), '6', "$name, concurrency in words, $_: asked again") for 400, 403, 429, 503;
	is(refused($shapes{$name}->(400, $_, 'Nein.'), 400, count => 1), '6', "$name, $_: asked again")
	  for $no_code{$name} ? () : qw(CONCURRENCY_LIMIT_EXCEEDED SSS_REQUEST_LIMIT_EXCEEDED EXCEEDED_CONCURRENT_REQUEST_LIMIT WS_CONCUR_SESSION_DISALLWD WS_REQUEST_BLOCKED);

	# a permission that is missing, as 400
	$err = refused($shapes{$name}->(400, 'USER_ERROR', 'Error while accessing a resource. Your current role does not have permission to perform this action. Please contact your account administrator.'), 400);
	like($err, qr/ERROR:  42501: .*HINT:  Give the role/s, "$name: a missing permission");
	is(requests(), 1, 'asked once');
}

# nothing to read, and things that nobody should read
for ([ 'empty', '' ], [ 'of no known shape', '{"a":{"b":[1,2]}}' ], [ 'an empty object', '{}' ], [ 'blank', "  \n" ], [ 'a number', '7' ])
{
	my $err = refused($_->[1], 400);
	like($err, qr/ERROR:  HV000: could not run a query on server "ns": NetSuite answered 400\n(LOCATION|CONTEXT|DETAIL:  (7\.)?( ?Operation id: [0-9a-f-]+\.)?$)/m, "$_->[0]: an error without a reason");
	unlike($err, qr/[{}]/, 'and nothing raw');
}
{
	my $err = refused(encode_json({ 'o:errorDetails' => [ { detail => 'ü€' x 9000 } ] }), 400);
	like($err, qr/^DETAIL:  (ü€)+ü?\.\.\./m, 'long words are cut');
	cmp_ok(length($err), '<', 2000, 'to what can be read');
	$err = refused(encode_json({ 'o:errorDetails' => [ map { { detail => "Reason $_", 'o:errorPath' => "a.b[$_]" } } 1 .. 9 ] }), 400);
	like($err, qr/Reason 1 \(path a\.b\[1\]\) Reason 2 \(path a\.b\[2\]\) Reason 3/, 'several reasons and where they lie');
	unlike($err, qr/Reason 4/, 'but not all of many');
	$err = refused('{"o:errorDetails":[{"detail":"a\\u0000b\\ud800c\\u0007d"}]}', 400);
	like($err, qr/^DETAIL:  a.b.c d\./m, 'characters that are none');
}

# who answers may repeat what it was sent
{
	my $token = 'eyJhbGciOiJFUzI1NiJ9.secret-of-ours';
	for my $repeated ("GET /x HTTP/1.1 Authorization: Bearer $token Accept: */*", "authorization: basic $token", qq(OAuth realm="1234567", oauth_consumer_key="$token", oauth_token="$token", oauth_signature="$token", oauth_nonce="1"), "grant_type=x&client_assertion=$token&scope=y")
	{
		for my $name ('html', 'text', 'details', 'somewhere deep', 'a text')
		{
			my $err = refused($shapes{$name}->(400, 'ECHO', "No way: $repeated"), 400);
			like($err, qr/^DETAIL:  No way: /m, "$name that repeats the request");
			unlike($err, qr/secret-of-ours/, 'but not its login');
		}
	}
	like(refused($shapes{details}->(400, 'X', 'Basic authentication is old, a bearer token "needed" here, oauth_token="" is none'), 400), qr/^DETAIL:  Basic authentication is old, a bearer token "needed" here, oauth_token="" is none\./m, 'words about logins are words');
}

# words that NetSuite has for a table that is not there; the words of one's own query do not count
like(refused($shapes{details}->(400, 'INVALID_PARAMETER', 'Invalid search type: currency'), 400), qr/ERROR:  HV00R:/, 'an unknown record type is an unknown table');
like(refused($shapes{details}->(400, 'INVALID_PARAMETER', "Invalid search query. Search error occurred: Invalid or unsupported search near 'Too many requests'"), 400), qr/ERROR:  HV000:/, 'a query that is quoted');
is(requests(), 1, 'is not tried again');

# an error that says success: its words are shown, of a page and of a login
{
	my $words = 'Der Wert ‹größer› "geht" nicht';
	for my $name (qw(details errors fault), 'an object')
	{
		my $err = refused($shapes{$name}->(400, 'SOME_CODE', $words), 200);
		like($err, qr/ERROR:  HV00K: .*NetSuite answered 200\n(LOCATION.*\n)?DETAIL:  the reply is not a complete JSON page, but an error: \Q$words\E\./, "$name under status 200");
	}
	fresh_log();
	control(op => 'fault', kind => 'reply', match => '/token', status => 200, body => '{"error":"invalid_grant","error_description":"The assertion is too old"}');
	my ($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM netsuite.currency', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  HV00K: could not obtain an access token.*DETAIL:  The assertion is too old\. Code: invalid_grant\./s, 'a login that is refused under status 200');
}

# replies that break off or are no JSON where one is read at once: asked again
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (SET max_retries '3')});
for my $kind (qw(truncated garbage bad-gzip short-body))
{
	for ([ 'suiteql', q{SELECT q->>'n' FROM netsuite_query('ns', 'SELECT COUNT(*) AS n FROM currency') q}, '6' ], [ 'governanceLimits', q{SELECT netsuite_governance('ns')->>'accountConcurrencyLimit'}, '5' ])
	{
		fresh_log();
		control(op => 'fault', kind => $kind, count => 2, match => $_->[0]);
		is($node->safe_psql('postgres', $_->[1]), $_->[2], "$kind of $_->[0]: the right answer");
	}
}

# numbers of netsuite_query lose no digit
fresh_log();
control(op => 'fault', kind => 'reply', match => 'suiteql', status => 200, count => 1, body => '{"items":[{"links":[],"a":12345678901234567890123,"b":0.10,"c":1.0e3,"d":.5,"e":"\\u00e9","\\u0066":"tab	"}],"hasMore":false,"totalResults":1}');
is($node->safe_psql('postgres', q{SELECT q FROM netsuite_query('ns', 'SELECT 1') q}), encode_utf8('{"a": 12345678901234567890123, "b": 0.10, "c": 1000, "d": 0.5, "e": "é", "f": "tab\\t"}'), 'numbers and names as they came');

# a count that is none is no estimate, and nothing worse
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD use_remote_estimate 'on'); CREATE FOREIGN TABLE counted (id bigint) SERVER ns OPTIONS ("table" 'currency', key 'id')});
for my $items ('[]', '[null]', '[{}]', '[{"n":null}]', '[{"n":""}]', '[{"n":"many"}]', '[{"n":[]}]', '[{"n":"-1"}]', '[{"n":"1x"}]')
{
	fresh_log();
	control(op => 'fault', kind => 'reply', match => 'suiteql', status => 200, count => 1, body => qq({"items":$items,"hasMore":false}));
	like($node->safe_psql('postgres', 'EXPLAIN SELECT * FROM counted'), qr/Foreign Scan .*rows=[1-9]/, "an estimate without $items");
}

fresh_log();
$node->stop;
done_testing();
