# What users of tools like this one have reported of them, tried here.  Each is named by the repository and number of the
# report; what other files try already stands there:
#
# one sink that fails stops all (sequinstream/sequin#2154), retries without end (#1357), too large dropped without a word (#596): 071, 077
# memory bounded in rows alone (sequin#2128): 078.  Signing secrets in the log (debezium/debezium#5700): 079
# no word of what was given up (hasura/graphql-engine#2097, rmyndharis/OpenWA#520): 071, 074
# retries that are never taken, no deadline (RamaAditya49/titen#32, frain-dev/convoy#1667): 077, 076
# a summary over 1,024 characters, cut at bytes (prometheus/alertmanager#1700, #1701), over 512 kB (#2178), Slack's 3,001st
#   character (elastic/kibana#73061), mentions (langfuse/langfuse#13874), Teams' 28 kB (MicrosoftDocs/msteams-docs#11274),
#   resolved by silence (uptrace/uptrace#241), labels that are none (falcosecurity/falcosidekick#77): 074
# a line end in a mail's subject (distribution/distribution#4900, mlrun/mlrun#9457): 074
# content-type and names in UTF-8 in Kafka's headers (cloudevents/sdk-java#67, cloudevents/spec#570): 084
# tokens that end (Azure/azure-event-hubs-for-kafka#235): 097.  IPv6 that hides IPv4 (qhkm/zeptoclaw#105, useplunk/plunk#449): 071
use strict;
use warnings;
use Delivery;
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = new_delivery('primary');
start_receiver('--whole');
my $rude = start_peer('rude', 'rude');
my $to = "http://127.0.0.1:$rude";

sub sql { return $node->safe_psql($p, $_[0]); }
sub complaint { my ($sql) = @_; my (undef, undef, $err) = $node->psql($p, $sql); return $err; }
sub sink
{
	my ($name, $path, $options) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$path", "secret": "mapping:ingest_secrets/now", "timeout": 3$options}', types => '{"$name.*"}')});
}
sub emit { my ($name, $subject, $data) = @_; return sql("SELECT ingest.emit('$name.x', '" . ($subject // 's') . "', " . ($data // q('{}')) . ')'); }
sub got { my ($name) = @_; return grep { defined $_->{id} } received("/$name"); }
sub arrives
{
	my ($name, $n, $what) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.05) until got($name) >= $n || time() > $until;
	return is(scalar got($name), $n, $what);
}
sub asked { my ($what) = @_; return scalar grep { $_->{path} eq "/$what" } peer_got('rude'); }
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};

# -- a 2xx is one, whichever it is (debezium/debezium#3755 took three for good) --

for my $status (200, 201, 202, 203, 204, 206, 226, 299)
{
	sink("ok$status", "$to/$status", '');
	emit("ok$status");
}
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.sink_status WHERE sink LIKE 'ok%' AND sent = 1 AND behind = 0}, 8, q{SELECT string_agg(concat_ws(' ', sink, sent, last_error), '; ') FROM ingest_delivery.sink_status});
pass('each 2xx is an arrival');
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status});

# -- answers that are none (supabase/pg_net#64: the worker stopped at an empty reply) --

sink('free', "$url/free", '');
emit('free');
arrives('free', 1, 'a sink');
my $pid = sql($worker);
my @rude = qw(nothing garbage old cut cuthead nul broken split nogzip zero huge switch same twice continues early smuggle reset longhead heads trailer chunk);
sink("rude $_", "$to/$_", ', "max_in_flight": 1') for @rude;
emit("rude $_") for @rude;
my $until = time() + 60;
sleep(0.1) until (grep { asked($_) == 0 } @rude) == 0 || time() > $until;
emit('free', "s$_") for 2 .. 20;
arrives('free', 20, 'whatever others answer, it gets its events');
sleep(4);
is(sql($worker), $pid, 'by the same worker');
my %said = map { my ($name, @rest) = split /\|/, $_, -1; $name =~ s/^rude //r => join '|', @rest } split /\n/, sql(q{SELECT sink, sent, breaker, coalesce(last_error, '') FROM ingest_delivery.sink_status WHERE sink LIKE 'rude%'});
note("$_: $said{$_}") for sort keys %said;
is(join(' ', grep { $said{$_} !~ /^1\|/ } qw(continues early trailer smuggle nogzip)), '', 'what is a 2xx after all has arrived');
is(join(' ', grep { $said{$_} =~ /^[1-9]/ } qw(nothing garbage old cuthead nul broken split zero huge switch same reset)), '', 'what is none has not');
is(join(' ', grep { asked($_) > 8 } @rude), '', 'nobody is asked again and again at once');
my $answers = sql(q{SELECT string_agg(a.answer, '|' ORDER BY s.name) FROM ingest_delivery.attempt a JOIN ingest_delivery.sink s ON s.id = a.sink WHERE s.name IN ('rude broken', 'rude nul', 'rude split') AND a.answer IS NOT NULL});
ok(utf8::decode(my $copy = $answers), 'what is kept of an answer is text, though it was none') or diag $answers;
like($answers, qr/a\?b\?c/, 'what was none of it is a question mark');
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status WHERE sink LIKE 'rude%'});

# -- Retry-After in every form (svix/svix-webhooks#2200; carloluisito/omnidesk#146: 9999999999 was a loop without a pause) --

my @after = qw(never far negative words past real empty);
sink("after-$_", "$to/after-$_", '') for @after;
emit("after-$_") for @after;
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.sink_status WHERE sink LIKE 'after-%' AND breaker = 'open'}, scalar @after);
is(sql(q{SELECT string_agg(sink, ' ') FROM ingest_delivery.sink_status WHERE sink LIKE 'after-%' AND (open_until > now() + interval '61 min' OR open_until < now() - interval '2 s')}), '', 'whatever Retry-After says, a sink waits for seconds, and for an hour at most');
sleep(3);
is(join(' ', grep { asked("after-$_") > 2 } @after), '', 'and is not asked without a pause');
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status WHERE sink LIKE 'after-%'});

# -- a name that is nobody's is no fault of an event's (hookdeck/outpost#314, #571) --

sink('nobody', 'https://nobody.invalid/x', '');
emit('nobody', "s$_") for 1 .. 3;
poll_until($node, $p, q{SELECT breaker || ' ' || blocked || ' ' || dead || ' ' || behind FROM ingest_delivery.sink_status WHERE sink = 'nobody'}, 'open 0 0 3', q{SELECT last_error FROM ingest_delivery.sink_status WHERE sink = 'nobody'});
pass('a name that is nobody\'s: the place stands still, nothing is given up');
sql(q{SELECT ingest_delivery.drop_sink('nobody')});

# -- texts (octokit/webhooks.js#1155, seerr-team/seerr#713, getsentry/sentry#109559, fazer-ai/agents#218) --

my $text = q{E'\U0001F680 \u2028 \u0001 \u001f "\\\\" </script> \uFEFF e\u0301 \U0010FFFD'};
sink('text', "$url/text", '');
sink('binary', "$url/binary", ', "mode": "binary"');
for my $name ('text', 'binary')
{
	sql(qq{SELECT ingest.emit('$name.x', $text, jsonb_build_object('t', $text))});
	arrives($name, 1, "$name: emoji, controls and quotes, signed");
	is(encode_json([ (got($name))[0]{data}{t} ]), encode_json([ JSON::PP->new->utf8->allow_nonref->decode(sql("SELECT to_json((${text})::text)")) ]), 'arrive as they are');
}
like(complaint(q{SELECT ingest.emit('text.x', 's', '{"a": "\u0000"}')}), qr/unsupported Unicode escape sequence/, 'a NUL is refused where it is written');
like(complaint(q{SELECT ingest.emit('text.x', 's', '{"a": "\ud83d"}')}), qr/invalid input syntax for type json/, 'so is half a character');
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{text,binary}'::text[]) s});

# -- secrets that are none (openai/openai-node#1887, corsairdev/corsair#1024: a key of a byte; standard-webhooks#235: with v1,) --

my %secret = (short => 'whsec_YQ==', none => 'whsec_', signs => 'whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!', version => 'v1,' . $secret, text => 'just a password that somebody thought of', long => 'whsec_' . ('A' x 100), blank => "$secret ");
sql('ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (' . join(', ', map { "ADD $_ '$secret{$_}'" } sort keys %secret) . ')');
for my $name (sort keys %secret)
{
	my $said = complaint(qq{SELECT ingest_delivery.create_sink('bad', 'webhook', '{"url": "https://a.example/", "secret": "mapping:ingest_secrets/$name"}')});
	if ($name eq 'blank' && $said eq '') { sql(q{SELECT ingest_delivery.drop_sink('bad')}); next; }
	like($said, qr/not a secret of a webhook.*It must be whsec_ and 24 to 64 bytes/s, "no secret: $name");
	unlike($said, qr/\Q$secret{$name}\E/, 'and is not shown') if $name ne 'none';
}

# -- a worker that is ended while it begins (supabase/pg_net#276: the whole cluster went down) --

for my $round (1 .. 12)
{
	my $before = sql("SELECT coalesce(max(pid), 0) FROM ($worker) w");
	sql("SELECT pg_terminate_backend($before)") if $before;
	sleep(rand(0.4));
	sql("SELECT pg_terminate_backend(pid) FROM ($worker) w");
}
my $doomed = qq{CREATE DATABASE doomed};
$node->psql($p, $doomed);
$node->psql('doomed', 'SET client_min_messages = warning; CREATE EXTENSION ingest_delivery CASCADE');
poll_until($node, $p, q{SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = 'doomed' AND backend_type LIKE 'ingest%'});
is($node->psql($p, 'DROP DATABASE doomed WITH (FORCE)'), 0, 'a database whose workers have just begun is dropped');
emit('free', 'last');
arrives('free', 21, 'after all that, events arrive');
unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal|PANIC|terminating connection because of crash/, 'and nobody crashed');

# -- mail: no markup, one subject, no line over 998 (Kaoruha/GinkGO#5556, netinvent/npbackup#188, thp/urlwatch#702, PatchMon/PatchMon#861) --

SKIP:
{
	skip 'there is no python3-aiosmtpd, which takes the mails', 1 if system('/usr/bin/python3 -c "import aiosmtpd" 2>/dev/null') != 0;
	my $folder = PostgreSQL::Test::Utils::tempdir('mail');
	PostgreSQL::Test::Utils::system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$folder/key", '-out', "$folder/cert");
	append_to_file("$folder/both", slurp_file("$folder/key") . slurp_file("$folder/cert"));
	my $box = start_peer('box', 'mailbox', '--cert', "$folder/both");
	my $mail = qq("url": "smtp://127.0.0.1:$box", "from": "ingest\@example.com", "to": "ops\@example.com", "ca_file": "$folder/cert");
	for my $header ('Subject', 'Content-Type', 'content-transfer-encoding', 'MIME-Version', 'To', 'Cc', 'Message-ID', 'Date')
	{
		like(complaint(qq{SELECT ingest_delivery.create_sink('x', 'email', '{$mail, "headers": {"$header": "x"}}')}), qr/is set by the sink itself/, "header $header is not somebody's");
	}
	sql(qq{SELECT ingest_delivery.create_sink('mail', 'email', '{$mail, "subject": "{type} {subject}"}', types => '{ma.*}')});
	my $evil = q{<img src=x onerror=alert(1)> <script>alert("x")</script> =?utf-8?q?=3Cb=3E?= &amp;};
	sql(qq{SELECT ingest.emit('ma.x', E'$evil', jsonb_build_object('html', E'$evil')), ingest.emit('ma.x', repeat('ü', 5000), jsonb_build_object('line', repeat('y', 3000)))});
	$until = time() + 60;
	sleep(0.1) until peer_got('box') >= 2 || time() > $until;
	my ($first, $second) = peer_got('box');
	like($first->{headers}{'Content-Type'}, qr{^text/plain; charset="?utf-8"?$}, 'a mail is plain text, so that no markup of an event is any');
	is($first->{headers}{Subject}, "ma.x $evil", 'its subject is what was written, whatever that looks like');
	like($first->{text}, qr/<script>alert/, 'and so is its text');
	is(join(',', map { scalar grep { $_ eq 'Subject' } @{ $_->{names} } } $first, $second), '1,1', 'it has one subject');
	is(join(',', map { $_->{longest} <= 998 ? 'short' : $_->{longest} } $first, $second), 'short,short', 'and no line that is too long');
	is(join(',', map { scalar @{ $_->{defects} } } $first, $second), '0,0', 'nor a defect');
}

# -- Kafka: what ends librdkafka's producer for good ends none here (confluentinc/librdkafka#3584, #4134) --

SKIP:
{
	my $missing = has_kafka();
	skip $missing, 4 if $missing;
	my $broker = start_broker(2);
	start_kcat('seq', $broker);
	sql(qq{SELECT ingest_delivery.create_sink('seq', 'kafka', '{"bootstrap.servers": "$broker", "topic": "seq", "security.protocol": "PLAINTEXT"}', types => '{seq.*}')});
	my $n = 0;
	# out of order, unknown producer, an epoch that is over, fenced
	for my $code (45, 59, 47, 90)
	{
		sql(q{SELECT ingest.emit('seq.x', 's' || i % 5, jsonb_build_object('n', i)) FROM generate_series(1, 100) i});
		consumed('seq', $n += 100, 30);
		broker_does("errors 0 3 $code");
		sql(q{SELECT ingest.emit('seq.x', 's' || i % 5, jsonb_build_object('n', i)) FROM generate_series(1, 100) i});
		$n += 100;
		$until = time() + 60;
		do { sql(q{SELECT ingest_delivery.alter_sink('seq', on_exhausted => 'skip')}); consumed('seq', $n, 2); } until distinct('seq') >= $n || time() > $until;
		is(distinct('seq'), $n, "after error $code all arrive");
	}
	my (%last, %seen);
	my $disorder = 0;
	for (consumed('seq'))
	{
		my ($id) = $_->{header}{ce_id} =~ /-(\d+)$/;
		next if $seen{$id}++;
		$disorder++ if $id < ($last{ $_->{key} } // 0);
		$last{ $_->{key} } = $id;
	}
	is($disorder, 0, 'in order within their subject');
	is(sql(q{SELECT count(*) FROM ingest_delivery.dead}), 0, 'and nothing is given up');
}
$node->stop;
done_testing();
