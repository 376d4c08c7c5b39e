# OpenLineage: runs of syncs as RunEvents, valid by the specification; the document of AsyncAPI; events against their schemas
use strict;
use warnings;
use Delivery;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $folder = PostgreSQL::Test::Utils::tempdir('posts');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = new_engine('primary', conf => "ingest_delivery.allow_http = on\ningest_delivery.allow_networks = '127.0.0.0/8'\n");
my $posts = IPC::Run::start([ '/usr/bin/python3', '-B', 'delivery/posts.py', '--port', $port, '--log', "$folder/log", '--behave', "$folder/behave" ], '<', '/dev/null', '>', "$folder/out", '2>&1');
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sleep(0.05) until IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) || time() > $until;

sub sql { return $node->safe_psql($p, $_[0]); }
sub lines { open my $in, '<', "$folder/log" or return; my @l = map { decode_json($_) } <$in>; close $in; return grep { $_->{status} == 201 } @l; }
# the events of a run, when they have come
sub run_events
{
	my ($run) = @_;
	my ($id, @got) = sql("SELECT overlay(overlay(md5(split_part(source, '/', 3) || '/' || current_database() || '/$run') PLACING '3' FROM 13) PLACING '8' FROM 17)::uuid FROM ingest.event WHERE (data->>'run')::int = $run LIMIT 1");
	my $end = time() + 60;
	sleep(0.1) until (@got = grep { $_->{run}{runId} eq $id } map { decode_json($_->{body}) } lines()) >= 2 || time() > $end;
	return @got;
}
sub last_run { return sql(q{SELECT max(id) FROM ingest.run}); }
sub put { my ($path, $text) = @_; open my $out, '>', $path or die $!; print $out $text; close $out; return; }

sql(q{CREATE EXTENSION ingest_delivery; CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (lineage 'Bearer of-the-lineage')});
sql(qq{SELECT ingest_delivery.create_sink('lineage', 'openlineage', '{"url": "http://127.0.0.1:$port/api/v1/lineage", "namespace": "postgres://db.example.com:5432", "authorization": "mapping:ingest_secrets/lineage"}')});
is(sql(q{SELECT ok || ' ' || status FROM ingest_delivery.test_sink('lineage')}), 'true 201', 'test_sink');
is(sql(q{SELECT array_to_string(types, ' ') FROM ingest.subscription WHERE consumer = 'sink lineage'}), 'ingest.sync.completed ingest.crawl.completed ingest.profile.completed ingest.run.failed ingest.run.cancelled', 'it is for the ends of runs');

# -- a run that succeeds --

sql(q{SELECT ingest.create_sync('erp.currency', 'copy.currency')});
sql(q{CALL ingest.sync('copy.currency')});
my $run = last_run();
my @got = run_events($run);
is(join(' ', map { $_->{eventType} } @got), 'START COMPLETE', 'its beginning, then its end');
my $name = sql(q{SELECT name FROM ingest.sync});
is_deeply([ map { "$_->{job}{namespace} $_->{job}{name}" } @got ], [ ("postgres://db.example.com:5432 sync.$name") x 2 ], 'the job');
cmp_ok($got[0]{eventTime}, 'lt', $got[1]{eventTime}, 'the beginning is before the end');
is(sql("SELECT count(*) FROM ingest.run WHERE id = $run AND started_at = '$got[0]{eventTime}'"), 1, 'which is when it began');
is($got[1]{inputs}[0]{name} . ' ' . $got[1]{outputs}[0]{name}, 'postgres.erp.currency postgres.copy.currency', 'from where to where');
my %fields = map { $_->{name} => $_->{type} } @{ $got[1]{outputs}[0]{facets}{schema}{fields} };
is(join(' ', map { "$_ $fields{$_}" } sort keys %fields), sql(q{SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ' ' ORDER BY attname COLLATE "C") FROM pg_attribute WHERE attrelid = 'copy.currency'::regclass AND attnum > 0 AND NOT attisdropped}), 'the columns of the copy');
is(scalar(keys %{ $got[1]{outputs}[0]{facets}{columnLineage}{fields} }), sql(q{SELECT count(*) FROM ingest.lineage_edge WHERE to_schema = 'copy' AND to_table = 'currency' AND to_column <> ''}), 'from which columns they come');
is($got[1]{outputs}[0]{facets}{columnLineage}{fields}{symbol}{inputFields}[0]{field}, 'symbol', 'by name');
is($got[1]{outputs}[0]{outputFacets}{outputStatistics}{rowCount}, sql(q{SELECT count(*) FROM copy.currency}), 'how many rows were written');
is((lines())[0]{headers}{authorization}, 'Bearer of-the-lineage', 'with the login');

# -- one that fails, one that is stopped --

sql(q{ALTER SERVER ns OPTIONS (ADD retry_deadline '0', ADD max_retries '0')});
control(op => 'fault', kind => '500', match => 'suiteql');
$node->psql($p, q{CALL ingest.sync('copy.currency')}, stderr => \my $err);
@got = run_events(last_run());
is(join(' ', map { $_->{eventType} } @got), 'START FAIL', 'a run that fails');
is($got[1]{run}{facets}{errorMessage}{message}, sql(q{SELECT error FROM ingest.run ORDER BY id DESC LIMIT 1}), 'and why');
control(op => 'reset');
sql(q{ALTER SERVER ns OPTIONS (DROP retry_deadline, DROP max_retries)});
control(op => 'fault', kind => 'drip', seconds => 30, match => 'suiteql');
my $session = start_session($node, q{CALL ingest.sync('copy.currency')});
poll_until($node, $p, q{SELECT count(*) > 0 FROM ingest.run r JOIN pg_stat_activity a ON a.pid = r.pid WHERE r.state = 'running'});
sleep(1);
sql(q{SELECT pg_cancel_backend(pid) FROM ingest.run WHERE state = 'running'});
session_ended($session);
control(op => 'reset');
@got = run_events(last_run());
is(join(' ', map { $_->{eventType} } @got), 'START ABORT', 'a run that is stopped');

# -- crawls and profiles, a receiver that is down between the two --

put("$folder/behave", '{"/api/v1/lineage": 503}');
sql(q{CALL ingest.crawl('ns')});
$run = sql(q{SELECT (data->>'run')::int FROM ingest.event WHERE type = 'ingest.crawl.completed' ORDER BY id DESC LIMIT 1});
poll_until($node, $p, q{SELECT failures > 0 FROM ingest_delivery.sink_status WHERE sink = 'lineage'});
put("$folder/behave", '{}');
@got = run_events($run);
is(join(' ', map { $_->{eventType} } @got), 'START COMPLETE', 'a crawl');
is($got[0]{job}{name}, 'crawl.ns', 'by its name');
sql(q{SELECT ingest.emit('com.example.other', 'x', '{}')});
poll_until($node, $p, q{SELECT behind FROM ingest_delivery.sink_status WHERE sink = 'lineage'}, 0);
like(sql(q{SELECT string_agg(sent::text, '') FROM ingest_delivery.sink_status}), qr/^[1-9]/, 'nothing waits');

# -- who may not see a run's tables sends none of them --

sql(q{CREATE ROLE keeper LOGIN IN ROLE ingest_operator});
my ($out, $said) = ('', '');
$node->psql($p, qq{SELECT ingest_delivery.create_sink('theirs', 'openlineage', '{"url": "http://127.0.0.1:$port/theirs"}')}, extra_params => [ '-U', 'keeper' ], stdout => \$out, stderr => \$said);
is($out, 'theirs', 'an operator makes a sink') or diag $said;
sql(q{CALL ingest.sync('copy.currency')});
run_events(last_run());
poll_until($node, $p, q{SELECT behind FROM ingest_delivery.sink_status WHERE sink = 'theirs'}, 0);
is(scalar(grep { $_->{path} eq '/theirs' } lines()), 0, 'and is sent no run of others');

# -- by the specification, and by AsyncAPI --

my @events = map { decode_json($_->{body}) } lines();
put("$folder/events.json", encode_json(\@events));
put("$folder/asyncapi.json", sql(q{SELECT ingest_delivery.asyncapi()}));
put("$folder/cloud.json", sql(q{SELECT jsonb_agg(ingest.cloud_event(e)) FROM ingest.event e}));
put("$folder/types.json", sql(q{SELECT jsonb_agg(jsonb_build_object('type', type, 'schema', schema)) FROM ingest.event_type}));
is(sql(q{SELECT count(*) FROM jsonb_object_keys(ingest_delivery.asyncapi() #> '{components,messages}')}), sql(q{SELECT count(*) FROM ingest.event_type}), 'the document has every type of events');
SKIP:
{
	skip 'the peers from npm come with make check', 2 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@asyncapi/parser";
	my ($told) = run_command([ 'node', 'delivery/openlineage_peers.cjs', "$folder/events.json" ]);
	like($told, qr/^(\d+) of \1 valid, 6 of 6 spoilt ones noticed$/, 'each RunEvent is valid');
	my ($read, $errors) = run_command([ 'node', 'delivery/asyncapi_peers.cjs', "$folder/asyncapi.json", "$folder/cloud.json", "$folder/types.json" ]);
	like($read, qr/^\d+ messages\n\d+ types seen$/, '@asyncapi/parser reads the document without an error, and ajv finds every event as its schema says') or diag $errors;
}
$posts->kill_kill(grace => 0);
$node->stop;
done_testing();
