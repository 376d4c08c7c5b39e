# Sinks of kind kafka: what is sent and in which order, whose fault a refusal is, what cannot be set, where nothing is sent
use strict;
use warnings;
use Delivery;
use Encode qw(decode_utf8 encode_utf8);
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);
use Timed;

my $missing = has_kafka();
plan skip_all => $missing if $missing;

my $p = 'postgres';
my $node = new_delivery('primary', conf => "log_min_messages = debug5\nlog_statement = all\n");
my $broker = start_broker(4);

sub sql { return $node->safe_psql($p, $_[0]); }
sub options { my ($more) = @_; return encode_json({ 'bootstrap.servers' => $broker, 'security.protocol' => 'PLAINTEXT', %$more }); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(sprintf q{SELECT ingest_delivery.create_sink('%s', 'kafka', '%s'%s)}, $name, options($options), $more // '');
}
sub emit
{
	my ($type, $n, $subject) = @_;
	return sql("SELECT count(ingest.emit('$type', $subject, jsonb_build_object('n', i))) FROM generate_series(1, $n) i");
}
sub worker { return sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service' AND datname = current_database()}); }

# ids rise within a key, where first arrivals are counted alone
sub disorder
{
	my (%last, %seen, $n);
	$n = 0;
	for (@_)
	{
		my ($id) = $_->{header}{ce_id} =~ /-(\d+)$/;
		next if $seen{$id}++;
		$n++ if $id < ($last{ $_->{key} // '' } // 0);
		$last{ $_->{key} // '' } = $id;
	}
	return $n;
}
sub ids { my %seen = map { $_->{header}{ce_id} => 1 } @_; return scalar keys %seen; }

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

# -- what is sent --

start_kcat($_, $broker) for qw(binary structured rows st.a st.c);
sink('binary', { topic => 'binary' }, q(, types => '{st.*}'));
sink('structured', { topic => 'structured', mode => 'structured', 'compression.type' => 'zstd' }, q(, types => '{st.*}'));
sink('typed', { topic => '{type}', key => 'none' }, q(, types => '{st.a,st.c}'));
sql(q{SELECT ingest.emit('st.a', E'Größe "x" %', '{"text": "ü\u2028", "list": [1, 2.5, null]}'), ingest.emit('st.b', NULL, '{}'), ingest.emit('other', 'a', '{}')});
emit('st.c', 3000, q('s' || i % 7));
my @got = consumed('binary', 3002);
is(scalar @got, 3002, 'each event of its types arrives once, and none else');
my ($first) = grep { $_->{header}{ce_type} eq 'st.a' } @got;
my $expected = decode_json(sql(q{SELECT ingest.cloud_event(e) FROM ingest.event e WHERE type = 'st.a'}));
my %event = map { my $v = $first->{header}{$_}; s/^ce_//r => $v } grep { /^ce_/ } keys %{ $first->{header} };
$event{data} = decode_json(encode_utf8($first->{payload}));
$event{datacontenttype} = $first->{header}{'content-type'};
is_deeply(\%event, $expected, 'binary: headers and value are what ingest.cloud_event() says');
is($first->{key}, $event{subject}, 'its key is its subject');
my ($bare) = grep { $_->{header}{ce_type} eq 'st.b' } @got;
ok(!defined $bare->{key} && !exists $bare->{header}{ce_subject}, 'without a subject it has none');
is(disorder(@got), 0, 'in order within their subject');
my %partitions;
$partitions{ $_->{key} }{ $_->{partition} } = 1 for grep { defined $_->{key} } @got;
is(scalar(grep { keys %$_ > 1 } values %partitions), 0, 'those of a subject are in one partition');
my ($s) = grep { decode_json(encode_utf8($_->{payload}))->{type} eq 'st.a' } consumed('structured', 3002);
is_deeply(decode_json(encode_utf8($s->{payload})), $expected, 'structured: the value is the event');
is($s->{header}{'content-type'}, 'application/cloudevents+json; charset=utf-8', 'and says so');
is(join(' ', scalar(consumed('st.a', 1)), scalar(consumed('st.c', 3000))), '1 3000', 'a topic by type');
is(scalar(grep { defined $_->{key} } consumed('st.c')), 0, 'without keys where none are wanted');

# a row's key, and a row that is gone
sink('rows', { topic => 'rows', key => 'row', tombstones => JSON::PP::true }, q(, types => '{ro.*}'));
sql(q{SELECT ingest.emit('ro.x', 'books.customer', jsonb_build_object('sync', 'books.customer', 'key', jsonb_build_object('id', i % 3), 'operation', CASE WHEN i > 3 THEN 'delete' ELSE 'insert' END, 'after', 1)) FROM generate_series(1, 6) i});
@got = sort { $a->{header}{ce_id} cmp $b->{header}{ce_id} } consumed('rows', 6);
is(join(',', map { $_->{key} } @got[ 0 .. 2 ]), join(',', map { qq({"id": $_}) } 1, 2, 0), 'key row: the row\'s key') or diag(explain(\@got));
is(join(',', map { defined $_->{payload} ? 1 : 0 } @got), '1,1,1,0,0,0', 'a deleted row is a tombstone');
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{binary,structured,typed,rows}'::text[]) s});

# -- data are sent as PostgreSQL writes them: what takes a backslash, at each place among what takes none --

sub any { return $_[ rand @_ ]; }
sub any_text
{
	my @parts = map { any('x' x int(rand 20), any('"', '\\', '/', "\x7f", 'ü', '漢', "\x{1f600}", map { chr } 1 .. 31)) } 1 .. rand 8;
	return join '', @parts;
}
sub any_json
{
	my ($depth) = @_;
	my $kind = int rand($depth > 0 ? 8 : 6);
	return any_text() if $kind < 3;
	return any(0, -1, 1e20, 0.5, 12345678) if $kind == 3;
	return any(JSON::PP::true, JSON::PP::false, undef) if $kind < 6;
	return [ map { any_json($depth - 1) } 1 .. rand 5 ] if $kind == 6;
	return { map { any_text() => any_json($depth - 1) } 1 .. rand 5 };
}
srand(20261129);
my @worlds = map { my $j = encode_json({ x => any_json(3), any_text() => any_json(1) }); $j =~ s/'/''/gr } 1 .. 400;
start_kcat('texts', $broker);
sink('texts', { topic => 'texts' }, q(, types => '{te.*}'));
sql('SELECT ' . join(', ', map { "ingest.emit('te.x', 'a', '$_')" } splice @worlds, 0, 50)) while @worlds;
my %written = map { my ($id, $text) = split / /, $_, 2; ($id => $text) } split /\n/, sql(q{SELECT era || '-' || id || ' ' || data FROM ingest.event WHERE type = 'te.x'});
is(scalar(keys %written), 400, '400 documents');
my @differ = grep { encode_utf8($_->{payload}) ne $written{ $_->{header}{ce_id} } } consumed('texts', 400);
is(ids(consumed('texts')) . ' ' . @differ, '400 0', 'each arrives as its text is in the database, byte by byte') or diag(explain($differ[0]), $written{ $differ[0]{header}{ce_id} });
sql(q{SELECT ingest_delivery.drop_sink('texts')});

# what can never be sent is given up wherever it stands, and goes with none of the others
start_kcat('middle', $broker);
sink('middle', { topic => 'middle', 'message.max.bytes' => 20000 }, q(, types => '{mi.*}'));
sql(q{SELECT ingest.emit('mi.x', 's' || i, jsonb_build_object('x', repeat('y', CASE WHEN i % 3 = 1 THEN 17000 ELSE 10 END))) FROM generate_series(0, 29) i});
@got = consumed('middle', 20);
poll_until($node, $p, q{SELECT count(*) || ' ' || min(d.error) FROM ingest_delivery.dead d JOIN ingest.event e USING (era, id) WHERE e.type = 'mi.x'}, '10 it is larger than max_bytes of the sink');
is(join(' ', scalar(consumed('middle')), scalar(grep { length($_->{payload} // '') < 10 } consumed('middle'))), '20 0', 'one that is too large amid a batch is not sent without its data');
sql(q{SELECT ingest_delivery.drop_sink('middle')});

# -- databases with other encodings --

for ([ WIN1252 => "convert_from('\\x81', 'WIN1252')", 'Œuvre' ], [ SQL_ASCII => "convert_from('\\xff', 'SQL_ASCII')", 'plain' ], [ EUC_JP => undef, '株式会社' ])
{
	my ($encoding, $bad, $good) = @$_;
	my $db = lc $encoding;
	local $ENV{PGCLIENTENCODING} = $encoding eq 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8';
	sql("CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	sql("ALTER DATABASE $db SET ingest_delivery.$_") for q{allow_http = on}, q{allow_networks = '127.0.0.0/8'};
	$node->safe_psql($db, 'CREATE EXTENSION ingest_delivery CASCADE; CREATE EXTENSION ingest_api');
	start_kcat($db, $broker);
	$node->safe_psql($db, sprintf q{SELECT ingest_delivery.create_sink('to', 'kafka', '%s', types => '{en.*}')}, options({ topic => $db }));
	$node->safe_psql($db, ("SELECT ingest.emit('en.x', 'a$good', jsonb_build_object('n', 1, 't', '$good'))" . ($bad ? ", ingest.emit('en.x', 'b', jsonb_build_object('n', 2, 't', 'x' || $bad))" : '') . ", ingest.emit('en.x', 'c', '{\"n\": 3}')"));
	my @came = sort { $a->{payload} cmp $b->{payload} } consumed($db, 2, 60);
	is_deeply([ map { [ $_->{key}, $_->{payload} ] } @came ], [ [ decode_utf8("a$good"), decode_utf8(qq({"n": 1, "t": "$good"})) ], [ 'c', '{"n": 3}' ] ], "$encoding: what can be said in UTF-8 arrives in it");
	poll_until($node, $db, q{SELECT coalesce(string_agg(error, ','), 'none') FROM ingest_delivery.dead}, $bad ? 'it has a character that UTF-8 does not have' : 'none');
	is($node->safe_psql($db, q{SELECT breaker || ' ' || coalesce(last_error, 'none') FROM ingest_delivery.sink_status}), 'closed none', 'and what cannot is given up, and stops nobody');
	$node->safe_psql($db, q{SELECT ingest_delivery.drop_sink('to')});
	sql("DROP DATABASE $db WITH (FORCE)");
}

# -- topics that nobody wrote to before --

sink('new', { topic => '{type}' }, q(, types => '{ne.*}'));
broker_does("topic ne.$_ 1") for 0 .. 8;
my @took;
for (0 .. 8)
{
	emit("ne.$_", 1, q('a'));
	my $began = time();
	sleep(0.02) until time() > $began + 60 || sql(q{SELECT count(*) FROM ingest.read_events('sink new', 1)}) == 0;
	push @took, time() - $began;
}
in_time((sort { $a <=> $b } @took)[4], 0.4, 'the first message of a topic does not wait until topics are looked at the next time, which is each second');
sql(q{SELECT ingest_delivery.drop_sink('new')});

# -- whose fault --

# the broker refuses what is in the first request: that may be any of a batch, and is found out one by one
start_kcat('faults', $broker);
sink('faults', { topic => 'faults', 'message.max.bytes' => 20000 }, q(, types => '{fa.*}'));
emit('fa.x', 50, q('s' || i % 5));
consumed('faults', 50);
broker_does('errors 0 6 87');
emit('fa.x', 200, q('s' || i % 5));
poll_until($node, $p, q{SELECT count(*) > 0 FROM ingest_delivery.delivery_log WHERE status = 87 AND events = 1});
like(sql(q{SELECT string_agg(DISTINCT error || ' ' || events, ',') FROM ingest_delivery.delivery_log WHERE NOT ok}), qr/^topic faults: .*validate record 1$/, 'an event that is refused is found in its batch');
is(sql(q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'faults'}), 'closed', 'which is not the sink\'s fault');
@got = consumed('faults', 250, 30);
is(ids(@got) . ' ' . disorder(@got), '250 0', 'the others go on; nothing is lost, and nothing overtakes what was refused');
sql(q{SELECT ingest.emit('fa.big', 'big', jsonb_build_object('x', repeat('y', 17000))), ingest.emit('fa.big', 'big', jsonb_build_object('x', repeat('y', 15000)))});
emit('fa.x', 5, q('big'));
poll_until($node, $p, q{SELECT count(*) || ' ' || min(error) FROM ingest_delivery.dead}, '1 it is larger than max_bytes of the sink');
is(ids(consumed('faults', 256)), 256, 'what is too large is given up at once, and its subject goes on');
# its subject is its key as well, so no frame of the helper's holds this one
sql(q{SELECT ingest.emit('fa.long', repeat('l', 17000000), '{}')});
emit('fa.x', 5, q('s1'));
poll_until($node, $p, q{SELECT count(*) || ' ' || max(error) FROM ingest_delivery.dead}, '2 with its subject and headers it is larger than any message may be');
is(ids(consumed('faults', 261)), 261, 'what is too large for its subject\'s sake is given up as well, and keeps up nobody');
# a batch that is too large for the broker is cut, its events are not given up
broker_does('errors 0 1 10');
emit('fa.x', 200, q('s' || i % 5));
@got = consumed('faults', 461, 30);
is(ids(@got) . ' ' . disorder(@got) . ' ' . sql('SELECT count(*) FROM ingest_delivery.dead'), '461 0 2', 'a batch that is too large loses nothing');

# what a broker gets over by itself is no failure
for my $code (6, 7, 19, 14, 5)
{
	broker_does("errors 0 2 $code");
	emit('fa.x', 20, q('s' || i % 5));
}
@got = consumed('faults', 561, 30);
is(ids(@got) . ' ' . disorder(@got), '561 0', 'errors that pass keep nothing up for long, and order');

# the sink's: no topic, no right to it, no broker
my $n = 561;
for ([ 'topic_error faults 3', 'topic_error faults 0', 'topic faults: .*[Uu]nknown topic' ], [ 'errors 0 9 29', 'errors 0 0 0', 'topic faults: .*[Aa]uthorization failed' ], [ 'down', 'up', '[Cc]onnect' ])
{
	my ($do, $undo, $error) = @$_;
	$node->restart if $do =~ /^topic/;
	broker_does($do);
	emit('fa.x', 30, q('s' || i % 3));
	poll_until($node, $p, qq{SELECT breaker || ' ' || blocked || ' ' || (last_error ~ '$error') FROM ingest_delivery.sink_status WHERE sink = 'faults'}, 'open 0 true');
	pass("$do: the breaker opens");
	poll_until($node, $p, q{SELECT count(*) > 0 FROM ingest_delivery.delivery_log l JOIN ingest_delivery.sink_status s ON NOT l.ok AND l.error = s.last_error AND l.at > now() - interval '1 min'});
	broker_does($undo);
	start_kcat('faults', $broker);
	@got = in_the_end('faults', $n += 30);
	is(ids(@got) . ' ' . disorder(@got), "$n 0", 'all arrive in order when it is over');
}
is(sql(q{SELECT string_agg(ok || ' ' || coalesce(status, 0), ',') FROM ingest_delivery.test_sink('faults')}), 'true 0', 'test_sink sends one') or diag(sql(q{SELECT t FROM ingest_delivery.test_sink('faults') t}));
is(scalar(grep { $_->{header}{ce_type} eq 'ingest.sink.test' } consumed('faults', ++$n, 40)), 1, 'which arrives');

# -- two clusters into one topic: no id is that of two events --

my $other = new_delivery('other');
start_kcat('both', $broker);
sink('both', { topic => 'both' }, q(, types => '{bo.*}'));
$other->safe_psql($p, sprintf q{SELECT ingest_delivery.create_sink('both', 'kafka', '%s', types => '{bo.*}')}, options({ topic => 'both' }));
$_->safe_psql($p, q{SELECT ingest.emit('bo.x', 's' || i % 3, jsonb_build_object('n', i)) FROM generate_series(1, 100) i}) for $node, $other;
my $until = time() + 60;
my %both;
do { %both = map { ("$_->{header}{ce_source} $_->{header}{ce_id}" => 1) } consumed('both'); sleep(0.1); } until keys %both >= 200 || time() > $until;
is(scalar keys %both, 200, 'two clusters into one topic: source and id are one event\'s');
my %sources = map { ($_->{header}{ce_source} => 1) } consumed('both');
is(scalar keys %sources, 2, 'since the source begins with the cluster');
$other->stop;
sql(q{SELECT ingest_delivery.drop_sink('both')});

# -- the helper --

my $worker = worker();
my ($helper) = helpers($worker);
ok($helper, 'the worker has a helper');
is(scalar(helpers($worker)), 1, 'and one alone');
kill 'KILL', $helper;
emit('fa.x', 10, q('s' || i % 3));
@got = in_the_end('faults', $n += 10);
is(ids(@got), $n, 'when it is killed the sink goes on with another one');
is(worker(), $worker, 'and the worker knows no crash');
($helper) = helpers($worker);
kill 'STOP', $helper;
emit('fa.x', 10, q('s' || i % 3));
poll_until($node, $p, q{SELECT last_error FROM ingest_delivery.sink_status WHERE sink = 'faults'}, 'it no longer answers');
@got = in_the_end('faults', $n += 10);
is(ids(@got), $n, 'one that does not answer is killed');
is(slurp_file("/proc/" . (helpers($worker))[0] . '/cmdline'), "ingest_kafka\0", 'it has no arguments');
my ($limits) = slurp_file("/proc/" . (helpers($worker))[0] . '/limits') =~ /(Max address space .*)/;
like($limits, qr/2147483648 +2147483648/, 'and a limit of memory');
ok(!-r '/proc/' . (helpers($worker))[0] . '/environ' || slurp_file('/proc/' . (helpers($worker))[0] . '/environ') eq '', 'nor an environment that could be read');
sql(q{SELECT ingest_delivery.drop_sink('faults')});
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.sink}, 0);
$until = time() + 30;
sleep(0.1) while helpers($worker) && time() < $until;
is(scalar(helpers($worker)), 0, 'without sinks there is none');

# -- options --

sub refused
{
	my ($options, $user, $statement) = @_;
	my ($out, $err);
	my $json = encode_json($options);
	$node->psql($p, $statement ? sprintf($statement, $json) : qq{SELECT ingest_delivery.create_sink('refused', 'kafka', '$json')}, stderr => \$err, extra_params => $user ? [ '-U', $user ] : []);
	sql(q{SELECT ingest_delivery.drop_sink('refused')}) unless $err =~ /ERROR/ || $statement;
	return $err =~ s/\s*CONTEXT:.*//sr;
}
my %good = ('bootstrap.servers' => 'kafka.example.com:9093', topic => 't');
is(refused(\%good), '', 'what is needed is enough');
sink('altered', { topic => 't' }, q(, types => '{no.*}'));
my @outside = ('plugin.library.paths', 'sasl.kerberos.kinit.cmd', 'sasl.kerberos.keytab', 'ssl.engine.location', 'ssl.keystore.location', 'ssl.key.location', 'ssl.certificate.location', 'ssl.crl.location', 'enable.ssl.certificate.verification', 'ssl.endpoint.identification.algorithm', 'sasl.oauthbearer.config',
	'enable.sasl.oauthbearer.unsecure.jwt', 'sasl.oauthbearer.token.endpoint.url', 'metadata.broker.list', 'builtin.features', 'debug', 'enable.idempotence', 'message.timeout.ms', 'transactional.id', 'ssl.ca.location', 'ssl.ca.pem', 'test.mock.num.brokers', 'colour');
for my $name (@outside)
{
	like(refused({ %good, $name => 'x' }), qr/a kafka sink has no option "\Q$name\E"\nHINT:  Its options are bootstrap.servers, topic, /, "$name is none");
	like(refused({ $name => 'x' }, undef, q{SELECT ingest_delivery.alter_sink('altered', options => '%s')}), qr/a kafka sink has no option "\Q$name\E"/, 'nor can it be set later');
}
for ([ { topic => 't' }, qr/needs option "bootstrap.servers"/ ], [ { 'bootstrap.servers' => 'a:1' }, qr/needs option "topic"/ ],
	[ { %good, 'bootstrap.servers' => 'SASL_SSL://a:1' }, qr/list such as kafka-1/ ], [ { %good, 'bootstrap.servers' => 'a' }, qr/list such as/ ], [ { %good, 'bootstrap.servers' => 'a:1,' }, qr/list such as/ ],
	[ { %good, 'bootstrap.servers' => 'a.example:1,10.1.2.3:9092' }, qr/Nothing is sent to 10.1.2.3: .*private/ ], [ { %good, 'bootstrap.servers' => '[::ffff:10.0.0.1]:9092' }, qr/Nothing is sent to .*another form/ ],
	[ { %good, 'bootstrap.servers' => '0xa.1:9092' }, qr/Nothing is sent to 0xa.1: .*private/ ],
	[ { %good, topic => 'a b' }, qr/1 to 249 letters/ ], [ { %good, topic => "a\r\nb" }, qr/1 to 249 letters/ ], [ { %good, topic => '{source}' }, qr/1 to 249 letters/ ], [ { %good, topic => '..' }, qr/1 to 249 letters/ ],
	[ { %good, 'sasl.mechanism' => 'GSSAPI' }, qr/It must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER/ ], [ { %good, 'sasl.mechanism' => 'PLAIN' }, qr/sasl.username and sasl.password must be set/ ],
	[ { %good, 'sasl.mechanism' => 'OAUTHBEARER' }, qr/option "token"/ ], [ { %good, 'security.protocol' => 'SASL_SSL' }, qr/With SASL it must be set/ ],
	[ { %good, 'sasl.mechanism' => 'PLAIN', 'sasl.username' => 'u', 'sasl.password' => 'literal-password' }, qr/must be a reference to a secret/ ], [ { %good, acks => '1' }, qr/It must be all/ ], [ { %good, tombstones => JSON::PP::true }, qr/for key row/ ],
	[ { %good, 'linger.ms' => 0.5 }, qr/whole number/ ], [ { %good, 'compression.type' => 'bzip2' }, qr/none, gzip/ ])
{
	like(refused($_->[0]), $_->[1], "refused: $_->[1]");
}
sql(q{CREATE ROLE keeper LOGIN IN ROLE ingest_operator});
like(refused({ %good, ca_file => '/etc/passwd' }, 'keeper'), qr/pg_read_server_files/, 'files are for those who may read them');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = off});
like(refused({ %good, 'security.protocol' => 'PLAINTEXT' }), qr/without TLS anybody on the way can read along/, 'without TLS only where a superuser allowed it');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = on; SELECT ingest_delivery.drop_sink('altered')});
# and the helper itself, to whoever speaks to it
my ($said, $complaints) = run_command([ '/usr/bin/python3', '-B', 'delivery/kafka_frames.py', $node->config_data('--pkglibdir') . '/ingest_kafka', $broker, @outside ]);
is("$said$complaints", scalar(@outside) . " refused, 9 ended, all else answered", 'the helper refuses them as well, and ends where it is told what is no frame') ;

$node->stop;
done_testing();
