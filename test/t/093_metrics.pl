# Metrics: what Prometheus, its exporter for PostgreSQL and its own tools make of them, who sees which, that totals do not fall; rules and dashboard
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $monitoring = '../ingest_api/monitoring';
my $folder = PostgreSQL::Test::Utils::tempdir('metrics');
my $has_prometheus = -x '/usr/bin/promtool' && -x '/usr/bin/prometheus-postgres-exporter';
my $node = new_engine('metrics', tables => 'currency,customer', conf => "shared_preload_libraries = 'ingest,netsuite_fdw'\ningest_delivery.allow_http = on\ningest_delivery.allow_networks = '127.0.0.0/8'\n");
sub sql { return $node->safe_psql($p, $_[0]); }
sub run_it { my ($in, @command) = @_; my ($out, $err) = ('', ''); my $good = IPC::Run::run(\@command, '<', \$in, '>', \$out, '2>', \$err); return ($good, $out, $err); }

sql(q{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api; CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (now 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=');
	CREATE ROLE watch LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE nobody LOGIN;
	GRANT ingest_admin TO watch; GRANT ingest_reader TO granted, stranger;
	GRANT USAGE ON FOREIGN SERVER ns TO watch;
	GRANT watch, granted, stranger, nobody TO ingest_authenticator;
	SELECT ingest.create_sync('erp.currency', 'copy.currency', freshness => '1 hour');
	CALL ingest.sync('copy.currency');
	SELECT ingest.create_job('odd "name" \ of', 'sql', 'SELECT 1/0', max_attempts => 1);
	SELECT ingest.add_rule('copy.currency', 'not_null', '{id}');
	SELECT ingest.check_quality('copy.currency'); SELECT ingest.check_source('ns');
	SELECT ingest.subscribe(E'con"su\\\\mer\n2', '{com.example.*}'); SELECT ingest.emit('com.example.one', 'a', '{}');
});
$node->psql($p, q{CALL ingest.work('odd "name" \ of')});
sql(q{SELECT ingest_delivery.create_sink('hook', 'webhook', '{"url": "http://127.0.0.1:1/x", "secret": "mapping:ingest_secrets/now"}')});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t')") } qw(watch granted stranger);
$token{nobody} = sql("SELECT ingest_api.create_token('n', 'nobody')");

# -- through the gateway --

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/log");
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sub curl { my ($good, $out) = run_it('', 'curl', '-s', '-i', map { m{^/} ? "http://127.0.0.1:$port$_" : $_ } @_); my ($head, $body) = split /\r\n\r\n/, $out, 2; return (($head // '') =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, $head // '', $body // ''); }
sleep(0.1) until (curl('/readyz'))[0] == 200 || time() > $until;
sub scrape { my ($who, @more) = @_; return curl('/metrics', $who ? ('-H', "Authorization: Bearer $token{$who}") : (), @more); }
# name{labels}: value
sub values_of
{
	my ($text, $form) = @_;
	my ($good, $out, $err) = run_it($text, '/usr/bin/python3', '-B', 'api/metrics.py', $form // 'text');
	die "it cannot be read: $err" unless $good;
	return { map { my ($name, $labels, $value) = @$_; ("$name\{" . join(',', map { "$_=$labels->{$_}" } grep { $labels->{$_} ne '' } sort keys %$labels) . '}' => $value) } @{ decode_json($out) } };
}

my ($status, $head, $body) = scrape('watch');
is($status, 200, 'metrics are answered');
like($head, qr{^Content-Type: text/plain; version=0\.0\.4; charset=utf-8\r?$}mi, 'as text 0.0.4');
unlike($head, qr/X-Route/i, 'what is said to the gateway alone goes no further');
like($body, qr/^ingest_consumer_behind_events\{consumer="con\\"su\\\\mer\\n2"\} 1$/m, 'a label is escaped');
SKIP:
{
	skip 'Prometheus is not installed', 1 unless $has_prometheus;
	my ($good, $out, $err) = run_it($body, 'promtool', 'check', 'metrics');
	is("$good$out$err", '1', 'promtool has nothing to complain about');
}
my $seen = -e '/usr/lib/python3/dist-packages/prometheus_client' ? values_of($body) : {};
sub value { my ($name, %labels) = @_; return $seen->{ "$name\{" . join(',', map { "$_=$labels{$_}" } sort keys %labels) . '}' }; }
SKIP:
{
	skip 'no client of Prometheus is installed', 1 unless %$seen;
	my %of = (source => 'ns', copy => 'copy.currency');
	is(value('ingest_copy_rows', %of), sql('SELECT count(*) FROM copy.currency'), 'rows of a copy');
	is(value('ingest_copy_freshness_objective_seconds', %of), 3600, 'its objective');
	is(value('ingest_copy_fresh', %of), 1, 'which it meets');
	ok(value('ingest_copy_age_seconds', %of) < 300, 'its age');
	is(value('ingest_copy_state_info', %of, state => 'active'), 1, 'its state');
	is(value('ingest_source_circuit_info', source => 'ns', state => 'closed'), 1, 'the breaker');
	is(value('ingest_runs_total', source => 'ns', kind => 'sync', state => 'succeeded'), 1, 'runs');
	is(value('ingest_runs_total', kind => 'sql', state => 'failed'), 1, 'runs without a source');
	is(value('ingest_run_rows_total', source => 'ns', kind => 'sync', operation => 'insert'), sql('SELECT count(*) FROM copy.currency'), 'rows that they wrote');
	ok(value('ingest_run_seconds_total', source => 'ns', kind => 'sync', state => 'succeeded') > 0, 'seconds that they took');
	is(value('ingest_queue_jobs', state => 'waiting'), sql('SELECT count(*) FROM ingest.queue WHERE worker IS NULL'), 'the queue');
	is(value('ingest_rules', source => 'ns', severity => sql('SELECT severity FROM ingest.rule'), held => 'true'), 1, 'rules');
	is(value('ingest_open_alerts', kind => 'job_dead', severity => 'error', state => 'open'), sql("SELECT nullif(count(*), 0) FROM ingest.alert_status WHERE kind = 'job_dead' AND state = 'open'") || undef, 'alerts');
	cmp_ok(value('ingest_events_written_total'), '>=', sql('SELECT count(*) FROM ingest.event'), 'events');
	is(value('ingest_launcher_up'), 1, 'the launcher');
	my $stats = sql(q{SELECT requests || '|' || bytes || '|' || slots FROM netsuite_stats() ORDER BY day DESC LIMIT 1});
	is(join('|', map { value("ingest_server_$_", foreign_server => "ns") // 'none' } qw(requests_total received_bytes_total slots)), $stats, 'requests to the server, bytes and slots, from shared memory');
	is(value('ingest_wrapper_stats_up', wrapper => 'netsuite_fdw'), 1, 'which it told');
	is(value('ingest_sink_behind_events', sink => 'hook', kind => 'webhook'), sql("SELECT behind FROM ingest_delivery.sink_status"), 'sinks');
	is(value('ingest_gateway_requests_total', route => '/readyz', status => 200) > 0, 1, 'requests to the gateway');
	is(join(' ', grep { my $n = $_; !grep { /^\Q$n\E\{/ } keys %$seen } grep { $_ ne 'ingest_copy_lag_seconds' } split /\n/, sql('SELECT name FROM ingest_api_internal.metric')), '', 'everything that is measured is there');
	# OpenMetrics says the same
	($status, $head, $body) = scrape('watch', '-H', 'Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1');
	like($head, qr{^Content-Type: application/openmetrics-text; version=1\.0\.0; charset=utf-8\r?$}mi, 'OpenMetrics, where it is asked for');
	like($body, qr/# EOF\n\z/, 'with its end');
	my $open = values_of($body, 'openmetrics');
	is(join(' ', grep { !exists $open->{$_} } grep { !/^ingest_gateway_request/ } keys %$seen), '', 'says the same');
	# and SQL
	my %sql = map { my $m = decode_json($_); ("$m->{name}\{" . join(',', map { "$_=$m->{labels}{$_}" } sort keys %{ $m->{labels} }) . '}' => 1) } split /\n/, sql('SET ROLE watch; SELECT row_to_json(m) FROM (SELECT name, labels FROM ingest_api.metrics()) m');
	is(join(' ', grep { !exists $sql{$_} } grep { !/^ingest_gateway/ } keys %$seen), '', 'as does metrics()');
}
is((scrape('watch', '-H', 'Accept: application/openmetrics-text;q=0.1,text/plain'))[1] =~ m{text/plain} ? 1 : 0, 1, 'what is preferred is answered');

# -- who sees what --

is((scrape(undef))[0], 401, 'nobody without a token');
is((scrape('nobody'))[0], 403, 'nor who may not read');
sql("SELECT ingest.grant_source('ns', 'granted')");
like((scrape('granted'))[2], qr/^ingest_copy_rows\{copy="copy\.currency",source="ns"\} \d/m, 'who was granted a source sees its copies');
unlike((scrape('granted'))[2], qr/con\\"su|kind="sql",state="failed"|foreign_server="ns"/, 'and neither consumers of others, nor runs without a source, nor servers that it may not use');
unlike((scrape('stranger'))[2], qr/source="ns"|copy=|job_dead/, 'who was granted nothing sees nothing of it');
is(sql(q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'ingest_api'::regnamespace AND proname = 'metrics' AND prosecdef}), 0, 'since it is read as who asks');
$node->append_conf('postgresql.conf', "ingest_api.metrics_role = 'granted'");
$node->reload;
poll_until($node, $p, "SHOW ingest_api.metrics_role", 'granted');
# the gateway's sessions read it when they are asked next
for (1 .. 100) { last if (scrape(undef))[0] == 200; sleep(0.1); }
is((scrape(undef))[0], 200, 'a role may be named for who has no token');
is((curl('/v1/sources'))[0], 401, 'which is good for nothing else');
is((scrape(undef, '-H', 'Authorization: Bearer pgi_00000000_x'))[0], 401, 'a bad token is none');
sql('REVOKE granted FROM ingest_authenticator');
is((scrape(undef))[0], 401, 'nor is it good when the gateway may not serve it');
sql('GRANT granted TO ingest_authenticator; ALTER ROLE granted SUPERUSER');
is((scrape(undef))[0], 401, 'or when it has become a superuser');
sql('ALTER ROLE granted NOSUPERUSER');

# -- labels come from a fixed list of routes --

curl("/v1/made/up/$_", '-H', "Authorization: Bearer $token{watch}") for 1 .. 3;
curl("/v1/made_up_$_", '-H', "Authorization: Bearer $token{watch}") for 1 .. 3;
curl('/v1/syncs?select=nope', '-H', "Authorization: Bearer $token{watch}");
curl('/v1/sources/none/pause', '-X', 'POST', '-H', 'Content-Type: application/json', '-d', '{}', '-H', "Authorization: Bearer $token{watch}");
$body = (scrape('watch'))[2];
unlike($body, qr/made/, 'an address that was made up is none');
like($body, qr/^ingest_gateway_requests_total\{route="other",status="404"\} [6-9]/m, 'but counts');
like($body, qr{^ingest_gateway_requests_total\{route="/v1/syncs",status="400"\} 1$}m, 'a resource');
like($body, qr{^ingest_gateway_requests_total\{route="/v1/sources/\{source\}/pause",status="403"\} 1$}m, "an action, whatever it is about");
like($body, qr{^ingest_gateway_request_seconds_bucket\{route="/readyz",le="\+Inf"\} \d+$}m, 'seconds');

# -- totals do not fall: runs are deleted, PostgreSQL is restarted --

sub totals { my ($filter) = @_; return join "\n", grep { /$filter/ } map { s/(seconds_total\{.*\} \d+)\..*/$1/r } split /\n/, (scrape('watch'))[2]; }
my $runs = qr/^ingest_(?:runs|run_rows|run_seconds)_total/;
my $before = totals($runs);
cmp_ok(scalar(split /\n/, $before), '>', 6, 'there are totals');
sql(q{SET client_min_messages = warning; SELECT ingest_internal.prune('-1 s', '-1 s')});
is(sql(q{SELECT count(*) FROM ingest.run WHERE state <> 'running'}), 0, 'runs are deleted');
is(totals($runs), $before, 'and go on counting');
my $events = totals(qr/^ingest_events_written/);
$node->stop('immediate');
$node->start;
$until = time() + 60;
sleep(0.1) until (curl('/readyz'))[0] == 200 || time() > $until;
is(totals($runs), $before, 'after a crash, too');
my ($was) = $events =~ /(\d+)$/;
my ($is) = totals(qr/^ingest_events_written/) =~ /(\d+)$/;
cmp_ok($is, '>=', $was, 'as do events');
sql(q{CALL ingest.sync('copy.currency')});
isnt(totals($runs), $before, 'another run counts');

# -- one that fails keeps the others from nothing --

sql(q{CREATE FUNCTION public.broken(OUT server name, OUT day date) RETURNS SETOF record LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'broken'; END$$; UPDATE ingest.connector SET stats_function = 'public.broken' WHERE wrapper = 'postgres_fdw'});
$body = (scrape('watch'))[2];
like($body, qr/^ingest_wrapper_stats_up\{wrapper="postgres_fdw"\} 0$/m, 'a wrapper that cannot say what it counted');
like($body, qr/^ingest_copy_rows/m, 'and everything else');
sql(q{UPDATE ingest.connector SET stats_function = NULL WHERE wrapper = 'postgres_fdw'});

# -- Prometheus scrapes it; the exporter gives the same --

SKIP:
{
	skip 'Prometheus is not installed', 1 unless $has_prometheus && %$seen;
	my ($web, $exported) = (PostgreSQL::Test::Cluster::get_free_port(), PostgreSQL::Test::Cluster::get_free_port());
	append_to_file("$folder/prometheus.yml", "global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s}\nrule_files: ['alerts.yml']\nscrape_configs:\n"
		  . "  - job_name: gateway\n    authorization: {credentials: '$token{watch}'}\n    static_configs: [{targets: ['127.0.0.1:$port']}]\n  - job_name: exporter\n    static_configs: [{targets: ['127.0.0.1:$exported']}]\n");
	IPC::Run::run([ 'cp', "$monitoring/alerts.yml", $folder ]);
	local $ENV{DATA_SOURCE_NAME} = 'user=watch host=' . $node->host . ' port=' . $node->port . " dbname=$p sslmode=disable";
	my $exporter = IPC::Run::start([ 'prometheus-postgres-exporter', "--web.listen-address=127.0.0.1:$exported", "--extend.query-path=$monitoring/queries.yml", '--disable-default-metrics', '--disable-settings-metrics' ], '<', '/dev/null', '>', "$folder/exporter", '2>&1');
	my $prometheus = IPC::Run::start([ 'prometheus', "--config.file=$folder/prometheus.yml", "--storage.tsdb.path=$folder/tsdb", "--web.listen-address=127.0.0.1:$web", '--log.level=warn' ], '<', '/dev/null', '>', "$folder/prometheus", '2>&1');
	my $ask = sub { my ($query) = @_; my (undef, $out) = run_it('', 'curl', '-s', "http://127.0.0.1:$web/api/v1/query", '--data-urlencode', "query=$query"); my $answer = eval { decode_json($out) } // {}; return $answer->{data}{result} // []; };
	$until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.2) until @{ $ask->('ingest_gateway_sessions{job="gateway"}') } && @{ $ask->('ingest_copy_rows{job="exporter"}') } || time() > $until;
	is(join(' ', map { "$_->{metric}{job} $_->{value}[1]" } sort { $a->{metric}{job} cmp $b->{metric}{job} } @{ $ask->('up') }), 'exporter 1 gateway 1', 'Prometheus scrapes both') or diag(slurp_file("$folder/prometheus"), slurp_file("$folder/exporter"));
	is($ask->('ingest_copy_rows{job="gateway",copy="copy.currency"}')->[0]{value}[1], sql('SELECT count(*) FROM copy.currency'), 'and holds what it should');
	my %named;
	for my $s (@{ $ask->('{__name__=~"ingest_.*",__name__!~"ingest_gateway.*"}') })
	{
		my %m = %{ $s->{metric} };
		my ($job, $name) = (delete $m{job}, delete $m{__name__});
		delete $m{$_} for qw(instance);
		# the exporter names its own server
		delete $m{server};
		$named{$job}{ "$name\{" . join(',', map { "$_=$m{$_}" } sort keys %m) . '}' } = $s->{value}[1];
	}
	is(join("\n", sort grep { !exists $named{exporter}{$_} } keys %{ $named{gateway} }), '', 'the exporter gives all that the gateway gives');
	is(join("\n", sort grep { !exists $named{gateway}{$_} && $named{exporter}{$_} ne 'NaN' } keys %{ $named{exporter} }), '', 'and nothing else');
	is($named{exporter}{$_}, $named{gateway}{$_}, "$_ is the same") for grep { /ingest_copy_rows|ingest_runs_total|circuit/ } sort keys %{ $named{gateway} };
	$until = time() + 30;
	sleep(0.2) until @{ $ask->('ALERTS{alertname="IngestAlertOpen"}') } || time() > $until;
	is(scalar(@{ $ask->('ALERTS{alertname="IngestAlertOpen"}') }) > 0 || sql("SELECT count(*) FROM ingest.alert_status WHERE state = 'open' AND severity = 'error'") == 0, 1, 'a rule sees an open alert');

	# the dashboard asks for nothing that there is not
	my $dashboard = decode_json(slurp_file("$monitoring/dashboard.json"));
	my @expressions = map { $_->{expr} } map { @{ $_->{targets} } } @{ $dashboard->{panels} };
	cmp_ok(scalar @expressions, '>', 20, 'the dashboard has panels');
	s/\$__rate_interval/5m/g, s/\$source/.*/g for @expressions;
	append_to_file("$folder/dashboard.yml", JSON::PP->new->encode({ groups => [ { name => 'd', rules => [ map { { record => "r:$_", expr => $expressions[$_] } } 0 .. $#expressions ] } ] }));
	my ($good, $out, $err) = run_it('', 'promtool', 'check', 'rules', "$folder/dashboard.yml");
	ok($good, 'promtool takes each of its expressions') or diag($out, $err);
	my %known = map { /^(\w+)/; ($1 => 1) } keys %$seen;
	$known{$_} = 1 for split /\n/, sql('SELECT name FROM ingest_api_internal.metric');
	is(join(' ', grep { !$known{$_} } map { /\b(ingest_\w+)/g } @expressions), '', 'which name what is measured');
	is(join(' ', grep { !$known{$_} } slurp_file("$monitoring/alerts.yml") =~ /^\s+expr: .*?\b(ingest_\w+)/mg), '', 'as do the rules');
	($good, $out, $err) = run_it('', 'promtool', 'test', 'rules', "$monitoring/alerts_test.yml");
	ok($good, 'rules fire when they should, and not when they should not') or diag($out, $err);
	is(join(' ', grep { index(slurp_file("$monitoring/alerts_test.yml"), "alertname=\"$_\"") < 0 } slurp_file("$monitoring/alerts.yml") =~ /alert: (\w+)/g), '', 'each of them');
	$_->kill_kill for $exporter, $prometheus;
}

# -- what it costs --

my $began = time();
scrape('watch') for 1 .. 10;
note(sprintf 'an answer took %.0f ms', (time() - $began) * 100);
unlike(slurp_file($node->logfile), qr/syntax error|cannot be (?:read|found)/, 'nothing went wrong on the way');
$gateway->signal('TERM');
$gateway->finish;
done_testing();
