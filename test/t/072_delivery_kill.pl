# Whatever dies, each event arrives, in order within its subject, and what comes twice has the same id: kill -9 of worker,
# receiver and postmaster at random moments, while writers go on
#
# DELIVERY_KILLS (20), DELIVERY_EVENTS (20000), DELIVERY_SEED
use strict;
use warnings;
use Delivery;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{DELIVERY_KILLS} // 20;
my $events = $ENV{DELIVERY_EVENTS} // 20000;
my $seed = $ENV{DELIVERY_SEED} // time() & 0xffff;
note("DELIVERY_KILLS=$kills DELIVERY_EVENTS=$events DELIVERY_SEED=$seed");
srand($seed);

my $p = 'postgres';
my $writers = 4;
my $node = new_delivery('primary');
start_receiver();
my @sinks = ('single', 'batch');
$node->safe_psql($p, qq{SELECT ingest_delivery.create_sink('single', 'webhook', '{"url": "$url/single", "secret": "mapping:ingest_secrets/now"}', types => '{ki.*}'),
	ingest_delivery.create_sink('batch', 'webhook', '{"url": "$url/batch", "secret": "mapping:ingest_secrets/now", "mode": "batch"}', types => '{ki.*}')});

# Each writer has subjects of its own, since ids rise only among those that wait for each other; some transactions are long
my $script = $node->basedir . '/writer.sh';
append_to_file($script, <<'SH');
i=0
while [ $i -lt $2 ]; do
	if psql -XAtq -v ON_ERROR_STOP=1 -d "$3" -c "BEGIN; SELECT count(ingest.emit('ki.x', format('w$1 %s', n % 5), jsonb_build_object('w', $1, 'n', n))) FROM generate_series($i + 1, $i + 20) n; SELECT pg_sleep(random() * 0.02); COMMIT" >/dev/null 2>&1; then
		i=$((i + 20))
	else
		# it may have committed: what is there says so
		j=$(psql -XAtq -d "$3" -c "SELECT coalesce(max((data->>'n')::int), 0) FROM ingest.event WHERE type = 'ki.x' AND (data->>'w')::int = $1" 2>/dev/null) && [ -n "$j" ] && i=$j
		sleep 0.2
	fi
done
SH
my @writing = map { IPC::Run::start([ 'sh', $script, $_, $events / $writers, $node->connstr($p) ], '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null') } 1 .. $writers;

my %killed;
my $next = 0;
for my $kill (1 .. $kills)
{
	sleep(0.3 + rand(1.2));
	my $what = ('worker', 'receiver', 'postmaster')[ $kill % 10 == 0 ? 2 : rand(2) ];
	$killed{$what}++;
	if ($what eq 'receiver')
	{
		kill_receiver();
		sleep(rand(0.5));
		start_receiver();
	}
	elsif ($what eq 'worker')
	{
		my $pid = sql_or_nothing($node, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'});
		kill 'KILL', $pid if $pid;
	}
	else
	{
		my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
		$node->kill9;
		# its children leave when they see that it has gone
		my $until = time() + 60;
		sleep(0.1) while kill(0, $pid) && time() < $until;
		sleep(0.5);
		sleep(0.2) until $node->start(fail_ok => 1) || time() > $until;
	}
	# whoever waits for a source that is up is not what is tested
	sql_or_nothing($node, q{SELECT ingest_delivery.alter_sink(name, on_exhausted => 'skip') FROM ingest_delivery.sink});
}
note(join ', ', map { "$killed{$_} $_" } sort keys %killed);
$_->finish for @writing;
my $since = time();
my %got;
my $sleepless = time() + 240;
do
{
	sleep(0.5);
	sql_or_nothing($node, q{SELECT ingest_delivery.alter_sink(s.name, on_exhausted => 'skip') FROM ingest_delivery.sink s JOIN ingest_delivery.sink_status t ON t.sink = s.name WHERE t.breaker = 'open'});
	for my $sink (@sinks) { $got{$sink} = { map { $_->{id} => 1 } grep { defined $_->{id} } received("/$sink") } }
} until (time() > $sleepless || !grep { keys %{ $got{$_} } < $events } @sinks);
note(sprintf 'the last arrived after %.1f s', time() - $since);

my %emitted = map { split /\|/ } split /\n/, $node->safe_psql($p, q{SELECT era || '-' || id, subject FROM ingest.event WHERE type = 'ki.x'});
# a writer that was cut off does not always know that it had committed
cmp_ok(scalar keys %emitted, '>=', $events, 'the writers wrote all that they were to');
for my $sink (@sinks)
{
	my (%seen, %last, %data, $doubles, $disorder, $other);
	$doubles = $disorder = $other = 0;
	for (grep { defined $_->{id} } received("/$sink"))
	{
		my $content = "$_->{subject} $_->{data}{w} $_->{data}{n}";
		$other++ if ($data{ $_->{id} } //= $content) ne $content;
		if ($seen{ $_->{id} }++) { $doubles++; next; }
		my ($id) = $_->{id} =~ /-(\d+)$/;
		$disorder++ if $id < ($last{ $_->{subject} } // 0);
		$last{ $_->{subject} } = $id;
	}
	is(join(',', grep { !$seen{$_} } keys %emitted), '', "$sink: each event arrived");
	is(join(',', grep { !$emitted{$_} } keys %seen), '', "$sink: and none that was not committed");
	is("$disorder $other", '0 0', "$sink: first arrivals are in order within their subject, and an id is one event's");
	cmp_ok($doubles, '<=', $kills * 1500, "$sink: $doubles came twice in $kills kills: at most a window each");
}
is(scalar(grep { exists $_->{bad} } received()), 0, 'each request was signed');
$node->stop;
done_testing();
