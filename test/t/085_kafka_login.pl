# Sinks of kind kafka over TLS, with logins; brokers that say they are elsewhere; what is secret; clients that others have made
use strict;
use warnings;
use Delivery;
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $missing = has_kafka() || (-x '/usr/bin/openssl' ? '' : 'openssl is not installed');
plan skip_all => $missing if $missing;

my $p = 'postgres';
my ($password, $token) = ('a-Password-' . int(rand(1e9)), 'a.Token.' . int(rand(1e9)));
my $node = new_delivery('primary', conf => "log_min_messages = debug5\nlog_statement = all\n");
my $broker = start_broker(4);
my $folder = $node->basedir;
run_command([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/key.pem", '-out', "$folder/ca.pem", '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost' ]);
my ($port, $log) = start_proxy('proxy', '--tls', "$folder/ca.pem", "$folder/key.pem", '--user', 'shop', $password, '--token', $token, '--advertise', "$folder/advertise");

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, %more) = @_;
	my $options = encode_json({ 'bootstrap.servers' => "127.0.0.1:$port", topic => $name, ca_file => "$folder/ca.pem", 'sasl.username' => 'shop', 'sasl.password' => 'mapping:ingest_secrets/kafka', timeout => 5, %more });
	return sql("SELECT ingest_delivery.create_sink('$name', 'kafka', '$options', types => '{$name.*}')");
}
sub emit
{
	my ($type, $n) = @_;
	return sql("SELECT count(ingest.emit('$type.x', 's' || i % 7, jsonb_build_object('n', i))) FROM generate_series(1, $n) i");
}
sub worker { return sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'}); }
sql("ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (ADD kafka '$password', ADD wrong 'not-$password', ADD token '$token')");

# messages of a topic when so many that differ came; whoever waits for a broker that is up is not what is tested
sub in_the_end
{
	my ($topic, $n) = @_;
	my $until = time() + 60;
	do
	{
		sql(qq{SELECT ingest_delivery.alter_sink('$topic', on_exhausted => 'skip')});
		consumed($topic, $n, 2);
	} until distinct($topic) >= $n || time() > $until;
	return consumed($topic);
}

# -- logins --

for my $mechanism ('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER')
{
	my $topic = lc $mechanism =~ s/-//gr;
	start_kcat($topic, $broker);
	sink($topic, 'sasl.mechanism' => $mechanism, $mechanism eq 'OAUTHBEARER' ? (token => 'mapping:ingest_secrets/token') : ());
	emit($topic, 100);
	is(scalar(consumed($topic, 100, 60)), 100, "$mechanism over TLS") or diag(sql('SELECT sink, breaker, last_error FROM ingest_delivery.sink_status'));
	like(slurp_file($log), qr/^login \Q$mechanism\E$/m, 'with a login');
}
is(sql(q{SELECT string_agg(ok::text, ',') FROM ingest_delivery.test_sink('plain')}), 'true', 'test_sink logs in as well');
is(sql(q{SELECT string_agg(ok::text, ',') FROM ingest_delivery.test_sink('oauthbearer')}), 'true', 'and with a token');

# -- clients that others have made --

SKIP:
{
	skip 'kafkajs comes from npm with make check', 2 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/kafkajs";
	sink('rows', 'sasl.mechanism' => 'PLAIN', key => 'row', tombstones => JSON::PP::true);
	sql(q{SELECT ingest.emit('rows.x', 'books.customer', jsonb_build_object('key', jsonb_build_object('id', i % 40), 'operation', CASE WHEN i > 160 THEN 'delete' ELSE 'update' END, 'after', i)) FROM generate_series(1, 200) i});
	my ($out) = run_command([ 'node', 'delivery/kafka_consumer.cjs', "127.0.0.1:$port", 'rows', 200, "$folder/ca.pem", 'scram-sha-256', 'shop', $password ]);
	my @got = map { eval { decode_json($_) } // () } split /\n/, $out;
	my (%last, %data);
	my $disorder = 0;
	for (@got)
	{
		my ($id) = $_->{header}{ce_id} =~ /-(\d+)$/;
		$disorder++ if $id < ($last{ $_->{key} } // 0);
		$last{ $_->{key} } = $id;
		$data{ $_->{key} } = $_->{value};
	}
	is(join(' ', scalar(@got), scalar(keys %last), $disorder, scalar(grep { $_->{partition} != $_->{expected} } @got)), '200 40 0 0', 'kafkajs reads all, in order by key, from the partitions that Java clients would choose') or diag(substr $out, 0, 300);
	is(scalar(grep { !defined } values %data), 40, 'and tombstones at the end of each');
}
my ($out) = run_command([ 'kcat', '-C', '-q', '-e', '-o', 'beginning', '-b', "127.0.0.1:$port", '-t', 'plain', '-f', '%k %s\n', '-X', 'security.protocol=SASL_SSL', '-X', "ssl.ca.location=$folder/ca.pem", '-X', 'sasl.mechanism=PLAIN', '-X', 'sasl.username=shop', '-X', "sasl.password=$password" ]);
is(scalar(grep { /^s\d \{"n": \d+\}$/ } split /\n/, $out), 100, 'kcat reads them over TLS with a login');

# -- what is wrong --

sub fails
{
	my ($name, $error, $why) = @_;
	emit($name, 3);
	poll_until($node, $p, qq{SELECT breaker || ' ' || (last_error ~ '$error') FROM ingest_delivery.sink_status WHERE sink = '$name'}, 'open true');
	return pass($why);
}
start_kcat('wrong', $broker);
sink('wrong', 'sasl.mechanism' => 'SCRAM-SHA-256', 'sasl.password' => 'mapping:ingest_secrets/wrong');
fails('wrong', '[Aa]uthentication|this login is not known', 'a login that is refused is the sink\'s fault');
sql(q{SELECT ingest_delivery.alter_sink('wrong', options => '{"sasl.password": "mapping:ingest_secrets/kafka"}')});
is(scalar(consumed('wrong', 3, 60)), 3, 'and with another one what waited arrives');
sink('untrusted', 'sasl.mechanism' => 'PLAIN', ca_file => undef);
fails('untrusted', 'certificate verify failed', 'a certificate that nobody vouches for');
sink('named', 'sasl.mechanism' => 'PLAIN', 'bootstrap.servers' => "127.0.0.2:$port");
fails('named', 'onnect|certificate', 'nor one of another name');

# -- addresses: a broker is looked at where it says that it is --

sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.1'});
start_kcat('moved', $broker);
sink('moved', 'sasl.mechanism' => 'PLAIN');
emit('moved', 3);
is(scalar(consumed('moved', 3, 60)), 3, 'a broker that says where it is');
append_to_file("$folder/advertise", '10.1.2.3:9092');
kill 'KILL', helpers(worker());
sql(q{SELECT ingest_delivery.alter_sink('moved', on_exhausted => 'skip')});
fails('moved', 'nothing may be sent to its address: 10.1.2.3: 10.0.0.0/8 is private', 'and then says that it is within this network, is not followed');
unlink "$folder/advertise";
is(scalar(in_the_end('moved', 6)), 6, 'until it is back where it was');
# a name says nothing; the worker of before would still send over the connection that it has
my $before = worker();
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_networks = ''});
poll_until($node, $p, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $before");
sql(qq{SELECT ingest_delivery.alter_sink('moved', options => '{"bootstrap.servers": "localhost:$port"}')});
fails('moved', 'nothing may be sent to its address: .*loopback', 'a name that leads to this machine');

# -- the server stops, whatever the helper does --

my $worker = worker();
kill 'STOP', helpers($worker);
emit('plain', 10);
my $since = time();
$node->stop('fast');
in_time(time() - $since, 5, 'a helper that hangs keeps no server from stopping');
for (1 .. 100) { last unless helpers($worker); sleep(0.1); }
is(scalar(helpers($worker)), 0, 'and goes with its worker');
$node->start;

# -- secrets are nowhere --

my $text = slurp_file($node->logfile);
$text =~ s/^.*ALTER USER MAPPING.*$//mg;    # the test's own statement, which the server logs as it is
is(join("\n", grep { /\Q$password\E|\Q$token\E/ } split /\n/, $text), '', 'no secret is in the log, at debug5');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%' || '$password' || '%' AND pid <> pg_backend_pid()"), 0, 'nor in pg_stat_activity');
is(sql("SELECT count(*) FROM (SELECT t::text FROM ingest_delivery.sink t UNION ALL SELECT t::text FROM ingest_delivery.sink_state t UNION ALL SELECT t::text FROM ingest_delivery.attempt t UNION ALL SELECT t::text FROM ingest.audit t) x (t) WHERE t LIKE '%$password%' OR t LIKE '%$token%'"), 0, 'nor in a table');
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr($p) ]);
unlike($dump, qr/\Q$password\E|\Q$token\E/, 'nor in a dump');
my @arguments = map { my $c = eval { slurp_file($_) } // ''; $c =~ /ingest_kafka/ ? $c : () } glob '/proc/[0-9]*/cmdline';
unlike(join("\n", @arguments), qr/\Q$password\E|\Q$token\E/, 'nor in arguments of the helper');
$node->stop;
done_testing();
