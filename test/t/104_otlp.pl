# Metrics that the gateway sends by OTLP: as OpenTelemetry's own definitions read them, the same as /metrics, and a collector that fails keeps nobody waiting
use strict;
use warnings;
use Gateway;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE watch; GRANT ingest_admin TO watch; GRANT watch TO ingest_authenticator;
	CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, n text); INSERT INTO shop.item SELECT i, 'x' FROM generate_series(1, 50) i;
	SELECT format('CREATE SERVER "s ""1\é" FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	CREATE USER MAPPING FOR postgres SERVER "s ""1\é" OPTIONS (user 'postgres');
	SELECT ingest.register_source('od"d\né', 's "1\é', schema => 'shop_ft', remote_schemas => '{shop}');
});
sql(q{CALL ingest.crawl('od"d\né'); SELECT ingest.create_sync('shop_ft.item', 'shop.copy', mode => 'full'); SELECT ingest.emit('shop.a', 's', '{}') FROM generate_series(1, 5)});
sql(q{CALL ingest.sync('shop.copy')});

my $folder = PostgreSQL::Test::Utils::tempdir('otlp');
my ($collector, $port);
sub answers { my ($how) = @_; open my $f, '>', "$folder/answer.new" or die $!; print $f $how; close $f; rename "$folder/answer.new", "$folder/answer" or die $!; return; }
sub start_collector
{
	my $out = '';
	$collector = IPC::Run::start([ '/usr/bin/python3', '-B', 'api/collector.py', $folder, $port // () ], '<', '/dev/null', '>', \$out, '2>', "$folder/said");
	my $until = time() + 30;
	do { $collector->pump_nb; sleep(0.05) } until $out =~ /\d/ || time() > $until;
	$port = $out + 0;
	return;
}
sub got { my @all = glob "$folder/*.json"; return scalar @all; }
sub head { my ($n) = @_; return decode_json(slurp_file("$folder/$n.head")); }
sub waits { my ($so, $seconds) = @_; my $until = time() + ($seconds // 30); sleep(0.05) until $so->() || time() > $until; return $so->() ? 1 : 0; }
# the next one that begins after now
sub fresh { my $n = got(); waits(sub { got() > $n + 1 }); return got(); }
sub clear { unlink glob("$folder/*.json"), glob("$folder/*.head"); $collector->kill_kill if $collector; start_collector(); return; }
sub points { my ($n) = @_; my ($out, $err); my $good = IPC::Run::run([ 'node', 'api/otlp.cjs', "$folder/$n.json" ], '<', '/dev/null', '>', \$out, '2>', \$err); return ($good, $err, map { decode_json($_) } split /\n/, $out); }
answers(200);
start_collector();
my $secret = 'canary-7d1f';
append_to_file("$folder/headers", "Authorization: Basic $secret=\n\nX-Scope: a%20b\n");
my $gateway = gateway_new($node);
$gateway->{program} = $ENV{GATEWAY_SANITIZED} if $ENV{GATEWAY_SANITIZED};
my @endpoint = ('--otlp-endpoint', "http://127.0.0.1:$port/");
$gateway->{options} = [ @endpoint, '--otlp-headers', "$folder/headers", '--otlp-interval', '1' ];
$gateway->start;

# -- without a role that may see more: its own --

ok(waits(sub { got() > 1 }), 'something comes');
is(head(1)->{path}, '/v1/metrics', 'where metrics are taken');
is(head(1)->{'content-type'}, 'application/json', 'as JSON');
is(head(1)->{authorization}, "Basic $secret=", 'with a header of the file');
is(head(1)->{'x-scope'}, 'a%20b', 'as it stands there');
like($gateway->said, qr/only the gateway's own metrics are sent: the database answers 401, since ingest_api.metrics_role names no role/, 'what is missing is said');
unlike(slurp_file("$folder/1.json"), qr/ingest_build_info/, 'without it there is nothing of the database');
like(slurp_file("$folder/1.json"), qr/ingest_gateway_build_info/, 'but of the gateway');
sql(q{ALTER DATABASE postgres SET ingest_api.metrics_role = 'watch'; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest_authenticator'});
ok(waits(sub { slurp_file("$folder/" . got() . '.json') =~ /ingest_build_info/ }), 'with a role it is there');

# -- the same as the page --

sub page
{
	my %values;
	for my $line (split /\n/, $gateway->curl('/metrics'))
	{
		next if $line =~ /^#/;
		my ($name, $labels, $value) = $line =~ /^(\w+)(?:\{(.*)\})? (\S+)$/ or die "what is $line";
		my %l;
		while (($labels // '') =~ /\G(\w+)="((?:[^"\\]|\\.)*)",?/g) { my ($k, $v) = ($1, $2); $v =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge; utf8::decode($v); $l{$k} = $v; }
		$values{ join("\0", $name, map { ($_, $l{$_}) } sort keys %l) } = $value;
	}
	return %values;
}
SKIP:
{
	skip 'the definitions come by npm', 8 unless $ENV{NODE_PATH};
	page();
	my %first = page();
	my $n = fresh();
	my ($good, $err, @points) = points($n);
	my %second = page();
	ok($good, 'read by OpenTelemetry\'s own definitions') or diag($err);
	my ($about) = grep { $_->{resource} } @points;
	@points = grep { $_->{name} } @points;
	is($about->{resource}{'service.name'}, 'pg_ingest_gateway', 'who sends it');
	my %sent;
	for my $point (@points)
	{
		my %l = %{ $point->{attributes} };
		my $key = sub { my ($name, %more) = @_; my %all = (%l, %more); return join("\0", $name, map { ($_, $all{$_}) } sort keys %all); };
		if ($point->{kind} ne 'histogram') { $sent{ $key->($point->{name}) } = $point->{value}; next; }
		my $sum = 0;
		for my $i (0 .. $#{ $point->{buckets} })
		{
			$sum += $point->{buckets}[$i];
			my $le = $i < @{ $point->{bounds} } ? $point->{bounds}[$i] : '+Inf';
			$le = sprintf('%.1f', $le) if $le =~ /^\d+$/;
			$sent{ $key->("$point->{name}_bucket", le => $le) } = $sum;
		}
		$sent{ $key->("$point->{name}_count") } = $point->{count};
		$sent{ $key->("$point->{name}_sum") } = $point->{sum};
	}
	my $names = sub { return join "\n", map { s/\0/ /gr } sort @_; };
	is($names->(keys %sent), $names->(keys %first), scalar(keys %sent) . ' series: those of the page');
	my ($same, @wrong) = (0);
	for my $key (keys %sent)
	{
		# who is connected is not the same for who asks
		next if $key =~ /^ingest_gateway_(connections|sessions)/;
		my ($least, $most) = sort { $a <=> $b } $first{$key}, $second{$key} // 'NaN';
		$same++ if $least == $most && $sent{$key} == $least;
		push @wrong, "$key: $least, $sent{$key}, $most" unless $least <= $sent{$key} && $sent{$key} <= $most;
	}
	is(join("\n", @wrong), '', 'each has the value of the page, or one between those of the pages before and after');
	cmp_ok($same, '>', keys(%sent) / 2, "$same of them the very one");
	my %of = map { $_->{name} => $_ } @points;
	is(join(' ', map { "$_->{kind} $_->{unit}" } @of{qw(ingest_runs_total ingest_run_seconds_total ingest_copy_age_seconds ingest_gateway_request_seconds)}), 'sum 1 sum s gauge s histogram s', 'kinds and units');
	is(scalar(grep { ($_->{attributes}{source} // '') eq "od\"d\\n\x{e9}" } @points) > 0 ? 1 : 0, 1, 'names as odd as they are');

	# a counter that begins anew
	my $events = sub { my ($i) = @_; my (undef, undef, @all) = points($i); return (grep { ($_->{name} // '') eq 'ingest_events_written_total' } @all)[0]; };
	my $was = $events->(fresh());
	sql(q{SELECT setval(pg_get_serial_sequence('ingest.event', 'id'), 1)});
	my $is = $events->(fresh());
	ok($is->{value} < $was->{value} && $is->{start} ge $was->{time} && $is->{start} lt $is->{time}, 'a counter that falls has begun since') or diag(encode_json([ $was, $is ]));
	sql("SELECT setval(pg_get_serial_sequence('ingest.event', 'id'), 1000)");
}
is(scalar(grep { head($_)->{under_way} != 1 } 1 .. got()), 0, 'one at a time');

# -- collectors that fail --

answers('503 3');
my $n = fresh();
$n = got();
answers(200);
ok(waits(sub { got() > $n }), 'what may pass is tried again');
cmp_ok(head($n + 1)->{at} - head($n)->{at}, '>', 2.5, 'when the collector says');
like($gateway->said, qr/metrics cannot be sent: the collector answers 503/, 'which the log tells');
ok(waits(sub { $gateway->said =~ /metrics are sent again/ }), 'and that it is over');
answers(400);
$n = fresh();
cmp_ok(head($n)->{at} - head($n - 1)->{at}, '>', 0.7, 'what will not pass is not hurried');
answers('partial');
ok(waits(sub { $gateway->said =~ /did not take 3 points/ }), 'some of it was not taken');
answers(200);
$gateway->stop;
$gateway->{options} = [ @endpoint, '--otlp-interval', '1' ];
clear();
answers('hang');
$gateway->start(OTEL_EXPORTER_OTLP_TIMEOUT => 2000, OTEL_EXPORTER_OTLP_HEADERS => "authorization=Basic%20$secret, x-b = c", OTEL_EXPORTER_OTLP_COMPRESSION => 'gzip', OTEL_SERVICE_NAME => 'books', OTEL_RESOURCE_ATTRIBUTES => 'deployment.environment=test%20one,service.name=not me');
ok(waits(sub { got() }), 'to one that is silent');
is(head(1)->{authorization}, "Basic $secret", 'headers of the environment');
is(head(1)->{'x-b'}, 'c', 'all of them');
is(head(1)->{'content-encoding'}, 'gzip', 'packed, if it says so');
my @times = map { my $t = time(); is($gateway->curl('/healthz'), "ok\n", 'the gateway answers'); time() - $t } 1 .. 20;
in_time((sort { $a <=> $b } @times)[10], 0.5, 'at once');
ok(waits(sub { $gateway->said =~ /metrics cannot be sent: Timeout/ }), 'a timeout ends it');
is(scalar(grep { $_ && $_->{resource} && $_->{resource}{'service.name'} eq 'books' && $_->{resource}{'deployment.environment'} eq 'test one' } (points(1))[2 .. 1000]), 1, 'attributes of the environment') if $ENV{NODE_PATH};
$collector->kill_kill;
ok(waits(sub { $gateway->said =~ /metrics cannot be sent/ }), 'one that is away');
is($gateway->curl('/healthz'), "ok\n", 'likewise');
answers(200);
clear();
ok(waits(sub { got() > 1 }, 40), 'and comes back');
$node->stop;
ok(waits(sub { slurp_file("$folder/" . fresh() . '.json') !~ /ingest_build_info/ }), 'without a database its own are sent');
$node->start;
ok(waits(sub { slurp_file("$folder/" . got() . '.json') =~ /ingest_build_info/ }), 'and all when it is back');
my $begin = time();
answers('hang');
fresh();
is($gateway->stop, 0, 'it ends well');
in_time(time() - $begin, 20, 'whatever the collector does');
clear();
answers(200);
$gateway->{options} = [];
$gateway->start(OTEL_EXPORTER_OTLP_ENDPOINT => 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_METRICS_ENDPOINT => "http://127.0.0.1:$port/other/path", OTEL_METRIC_EXPORT_INTERVAL => 500);
ok(waits(sub { got() > 2 }), 'by the environment alone');
is(head(1)->{path}, '/other/path', 'an endpoint of metrics is taken as it is');
$gateway->stop;
clear();
$gateway->start(OTEL_EXPORTER_OTLP_ENDPOINT => "http://127.0.0.1:$port", OTEL_METRICS_EXPORTER => 'none', OTEL_METRIC_EXPORT_INTERVAL => 200);
sleep(2);
is(got(), 0, 'none is none');
$gateway->stop;
unlike($gateway->said . slurp_file($node->logfile), qr/canary/, 'no log has a secret');
unlike($gateway->said, qr/Sanitizer|runtime error/, 'nothing was done wrong');
append_to_file("$folder/bad", "No colon $secret\n");
for my $wrong ([ '--otlp-endpoint', "http://u:$secret\@127.0.0.1" ], [ '--otlp-endpoint', 'ftp://127.0.0.1' ], [ '--otlp-endpoint', 'http://127.0.0.1', '--otlp-headers', "$folder/none" ], [ '--otlp-endpoint', 'http://127.0.0.1', '--otlp-headers', "$folder/bad" ], [ '--otlp-interval', '5' ])
{
	my $said;
	ok(!IPC::Run::run([ $gateway->{program}, '--listen', '127.0.0.1:1', @$wrong ], '<', '/dev/null', '>', '/dev/null', '2>', \$said, IPC::Run::timeout(20)) && $said =~ /OTLP|--otlp/ && $said !~ /canary/, "not started with @$wrong[0, 1]") or diag($said);
}
$collector->kill_kill;
done_testing();
