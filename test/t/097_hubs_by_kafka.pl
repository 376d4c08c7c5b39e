# Sinks of kind event_hubs whose protocol is kafka: a namespace is a broker, logins are a connection string or the token of an
# identity; what is wrong with either; and back to HTTPS
use strict;
use warnings;
use Azure;
use Delivery;
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $missing = has_kafka() || (-x '/usr/bin/openssl' ? '' : 'openssl is not installed');
plan skip_all => $missing if $missing;

my $p = 'postgres';
start_azure();
delete @ENV{qw(AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_FEDERATED_TOKEN_FILE IDENTITY_ENDPOINT IDENTITY_HEADER)};
$ENV{AZURE_AUTHORITY_HOST} = $azure{authority};
$ENV{AZURE_POD_IDENTITY_AUTHORITY_HOST} = $azure{metadata};
my $broker = start_broker(4);
# the namespace is called localhost here, which every resolver knows
my $connection = "Endpoint=sb://localhost/;SharedAccessKeyName=$azure{keyName};SharedAccessKey=$azure{key}";
my ($port, $log) = start_proxy('namespace', '--tls', @azure{qw(server server)}, '--user', '$ConnectionString', $connection, '--tokens', $azure{tokens}, 'https://localhost');
my $node = new_delivery('primary', conf => "log_min_messages = debug5\nlog_statement = all\ningest_delivery.azure_hosts = 'localhost:$port, $azure{hubs_host}'\ningest_delivery.azure_ca_file = '$azure{ca}'\n");

sub sql { return $node->safe_psql($p, $_[0]); }
sub make_sink
{
	my ($name, %options) = @_;
	my ($out, $err) = ('', '');
	my $json = encode_json({ url => "https://localhost:$port/$name", protocol => 'kafka', ca_file => $azure{ca}, timeout => 5, %options });
	$node->psql($p, "SELECT ingest_delivery.create_sink('$name', 'event_hubs', '$json', types => '{$name.*}')", stdout => \$out, stderr => \$err);
	return $out . $err;
}
sub emit
{
	my ($type, $n) = @_;
	return sql("SELECT count(ingest.emit('$type.x', 's' || i % 7, jsonb_build_object('n', i))) FROM generate_series(1, $n) i");
}
sub fails
{
	my ($name, $error, $why) = @_;
	emit($name, 3);
	poll_until($node, $p, qq{SELECT breaker || ' ' || (last_error ~ '$error') FROM ingest_delivery.sink_status WHERE sink = '$name'}, 'open true', qq{SELECT last_error FROM ingest_delivery.sink_status WHERE sink = '$name'});
	return pass($why);
}
$node->safe_psql($p, "ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (ADD hub '$connection', ADD wrong '$connection-not', ADD other '" . ($connection =~ s/localhost/other.example/r) . "')");

# -- both logins --

start_kcat($_, $broker) for qw(hub token);
is(make_sink('hub', connection_string => 'mapping:ingest_secrets/hub'), 'hub', 'by a connection string');
is(make_sink('token', mode => 'binary', partition_key => 'none'), 'token', 'by the identity of the server');
for my $name (qw(hub token))
{
	emit($name, 200);
	is(scalar(consumed($name, 200, 60)), 200, "$name: all arrive") or diag(sql('SELECT sink, breaker, last_error FROM ingest_delivery.sink_status'));
}
my (%last, %in, $disorder);
for (consumed('hub'))
{
	my $e = decode_json($_->{payload});
	$disorder++ if $e->{data}{n} < ($last{ $e->{subject} } // 0);
	$last{ $e->{subject} } = $e->{data}{n};
	$disorder++ if $_->{key} ne $e->{subject};
	$in{ $e->{subject} }{ $_->{partition} } = 1;
}
is($disorder // 0, 0, 'keyed by their subject, and in its order');
is(scalar(grep { keys %$_ > 1 } values %in), 0, 'which is in one partition');
is(join(',', map { $_->{header}{ce_type} . (defined $_->{key} ? ' key' : '') } (consumed('token'))[0]), 'token.x', 'mode binary has its attributes in headers; without a partition key it has none');
my $logins = slurp_file($log);
like($logins, qr/login PLAIN/, 'the connection string is the password of $ConnectionString');
like($logins, qr/login OAUTHBEARER/, 'the token is one of the identity');
is(join(',', map { $_->{query}{resource} } grep { $_->{what} eq 'metadata' } azure_log()), 'https://localhost', 'which was asked for the namespace, once');
is(sql(q{SELECT string_agg(ok::text, ' ') FROM unnest('{hub,token}'::text[]) s, ingest_delivery.test_sink(s)}), 'true true', 'test_sink');

# -- a token that is taken no more is asked for again --

azure_asked();
Azure::write_file($azure{tokens}, '');
kill_proxy('namespace');
start_proxy('namespace', '--tls', @azure{qw(server server)}, '--user', '$ConnectionString', $connection, '--tokens', $azure{tokens}, 'https://localhost');
emit('token', 5);
is(scalar(consumed('token', 206, 60)), 206, 'a token that is refused is replaced');
my $asked = grep { $_->{what} eq 'metadata' } azure_asked();
ok($asked >= 1 && $asked <= 3, "by another one of the identity, which is asked for $asked times");

# -- what is wrong --

is(make_sink('wrong', connection_string => 'mapping:ingest_secrets/wrong'), 'wrong', 'a key that is wrong is seen');
fails('wrong', '[Aa]uthentication|this login is not known', 'where it is used: the sink\'s fault');
is(make_sink('other', connection_string => 'mapping:ingest_secrets/other'), 'other', 'a string of another namespace');
emit('other', 1);
poll_until($node, $p, q{SELECT last_error LIKE '%is of another namespace than option "url"%' FROM ingest_delivery.sink_status WHERE sink = 'other'});
for ([ { batch_events => 5 }, qr/option "batch_events"\nDETAIL:  It is for protocol https/ ], [ { max_in_flight => 5 }, qr/It is for protocol https/ ], [ { protocol => 'amqp' }, qr/It must be https or kafka/ ],
	[ { url => 'https://localhost/a%20b' }, qr/A hub has 1 to 249 letters/ ], [ { url => 'https://evil.example/h' }, qr/names a host for which no Azure identity may be used/ ],
	[ { 'sasl.username' => 'me' }, qr/has no option "sasl.username"/ ], [ { 'plugin.library.paths' => 'x' }, qr/has no option "plugin.library.paths"/ ])
{
	like(make_sink('refused', %{ $_->[0] }), $_->[1], "refused: $_->[1]");
}
sql(q{CREATE ROLE keeper LOGIN IN ROLE ingest_operator});
$node->psql($p, qq{SET ROLE keeper; SELECT ingest_delivery.create_sink('refused', 'event_hubs', '{"url": "https://localhost:$port/h", "protocol": "kafka"}')}, stderr => \my $err);
like($err, qr/permission denied|needs the server's own identity/, 'the server\'s identity is a privilege here, too');

# -- 9093 is closed: the same hub by HTTPS, and back --

$node->psql($p, q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{wrong,other}'::text[]) s});
sql(qq{SELECT ingest_delivery.alter_sink('token', options => '{"protocol": "https", "url": "$azure{hubs}/token"}')});
# the worker looks at its sinks each second: until then it sends as before
sleep(3);
emit('token', 20);
poll_until($node, $p, q{SELECT behind FROM ingest_delivery.sink_status WHERE sink = 'token'}, 0, q{SELECT last_error FROM ingest_delivery.sink_status WHERE sink = 'token'});
my $posted = 0;
$posted += @{ decode_json($_->{body}) } for grep { $_->{what} eq 'hub' && $_->{status} == 201 } azure_log();
is($posted, 20, 'protocol https sends what comes from then on there');
sql(qq{SELECT ingest_delivery.alter_sink('token', options => '{"protocol": "kafka", "url": "https://localhost:$port/token"}')});
sleep(3);
emit('token', 20);
is(scalar(consumed('token', 226, 60)), 226, 'and back');

# -- secrets are nowhere --

my $text = slurp_file($node->logfile);
$text =~ s/^.*DEBUG:  \t\w+=.*$//mg;
$text =~ s/^.*ALTER USER MAPPING.*$//mg;
my @tokens = map { (split / /)[0] } split /\n/, slurp_file($azure{tokens});
is(join("\n", grep { my $l = $_; grep { index($l, $_) >= 0 } $azure{key}, @tokens } split /\n/, $text), '', 'no secret is in the log, at debug5');
$node->stop;
unlike($text, qr/TRAP|terminated by signal|PANIC/, 'nothing crashed');
done_testing();
