# Whatever dies, each event gets into Kafka, in order within its subject: exits and kills of the helper, of the worker and of
# the postmaster at random moments, over TLS, while writers go on and a consumer reads along
#
# KAFKA_EXITS (20) ends of the helper by itself, KAFKA_KILLS (20) by kill -9, KAFKA_EVENTS (20000), KAFKA_SEED
use strict;
use warnings;
use Delivery;
use IPC::Run;
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $missing = has_kafka() || (-x '/usr/bin/openssl' ? '' : 'openssl is not installed');
plan skip_all => $missing if $missing;
my $exits = $ENV{KAFKA_EXITS} // 20;
my $kills = $ENV{KAFKA_KILLS} // 20;
my $events = $ENV{KAFKA_EVENTS} // 20000;
my $seed = $ENV{KAFKA_SEED} // time() & 0xffff;
note("KAFKA_EXITS=$exits KAFKA_KILLS=$kills KAFKA_EVENTS=$events KAFKA_SEED=$seed");
srand($seed);

my $p = 'postgres';
my $writers = 4;
my $node = new_delivery('primary');
my $broker = start_broker(4);
my $folder = $node->basedir;
run_command([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/key.pem", '-out', "$folder/ca.pem", '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1' ]);
my $port = start_proxy('proxy', '--tls', "$folder/ca.pem", "$folder/key.pem");
start_kcat('kills', $broker);
my $options = encode_json({ 'bootstrap.servers' => "127.0.0.1:$port", topic => 'kills', ca_file => "$folder/ca.pem" });
$node->safe_psql($p, "SELECT ingest_delivery.create_sink('kills', 'kafka', '$options', types => '{ki.*}')");

# Each writer has subjects of its own, since ids rise only among those that wait for each other; some transactions are long
my $script = "$folder/writer.sh";
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

# whoever waits for a broker that is up is not what is tested
sub go_on { return sql_or_nothing($node, q{SELECT ingest_delivery.alter_sink('kills', on_exhausted => 'skip')}); }
sub worker { return sql_or_nothing($node, q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'}); }

my %ended;
my ($left_exits, $left_kills) = ($exits, $kills);
while ($left_exits + $left_kills > 0)
{
	sleep(0.1 + rand(0.6));
	my $is_exit = rand($left_exits + $left_kills) < $left_exits;
	my $worker = worker();
	my ($helper) = $worker ? helpers($worker) : ();
	$is_exit ? $left_exits-- : $left_kills--;
	if ($is_exit)
	{
		# it ends when it is told so, or when its worker does
		my $of_worker = rand(4) < 1;
		$ended{ $of_worker ? 'worker ended' : 'helper ended' }++;
		kill 'TERM', $of_worker ? $worker : $helper if $worker && $helper;
	}
	elsif ($left_kills % 10 == 9)
	{
		$ended{'postmaster killed'}++;
		my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
		$node->kill9;
		my $until = time() + 60;
		sleep(0.1) while kill(0, $pid) && time() < $until;
		sleep(0.5);
		sleep(0.2) until $node->start(fail_ok => 1) || time() > $until;
	}
	else
	{
		my $of_worker = rand(4) < 1;
		$ended{ $of_worker ? 'worker killed' : 'helper killed' }++;
		kill 'KILL', $of_worker ? $worker : $helper if $worker && $helper;
	}
	go_on();
}
note(join ', ', map { "$ended{$_} $_" } sort keys %ended);
$_->finish for @writing;
my $until = time() + 240;
my $wrote = $node->safe_psql($p, q{SELECT count(*) FROM ingest.event WHERE type = 'ki.x'});
do { go_on(); consumed('kills', $wrote, 3); } until (distinct('kills') >= $wrote || time() > $until);

my %emitted = map { split /\|/ } split /\n/, $node->safe_psql($p, q{SELECT era || '-' || id, subject FROM ingest.event WHERE type = 'ki.x'});
# a writer that was cut off does not always know that it had committed
cmp_ok(scalar keys %emitted, '>=', $events, 'the writers wrote all that they were to');
my (%seen, %last, %content);
my ($doubles, $disorder, $other) = (0, 0, 0);
for (consumed('kills'))
{
	my $id = $_->{header}{ce_id};
	$other++ if ($content{$id} //= "$_->{key} $_->{payload}") ne "$_->{key} $_->{payload}";
	if ($seen{$id}++) { $doubles++; next; }
	my ($number) = $id =~ /-(\d+)$/;
	$disorder++ if $number < ($last{ $_->{key} } // 0);
	$last{ $_->{key} } = $number;
}
is(join(',', grep { !$seen{$_} } keys %emitted), '', 'each event arrived');
is(join(',', grep { !$emitted{$_} } keys %seen), '', 'and none that was not committed');
is("$disorder $other", '0 0', 'first arrivals are in order within their subject, and an id is one event\'s');
note("$doubles came twice");
cmp_ok($doubles, '<=', ($exits + $kills) * 7200, 'at most what was on its way came twice');
$node->stop;
done_testing();
