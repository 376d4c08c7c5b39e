# What the worker holds in memory: fifty sinks that are idle, 200 requests at once, 1 MB events by the hundred, read from the
# outbox and from what waits, sinks that are changed again and again
#
# DELIVERY_LARGE (150) is how many events of 1 MB there are; the design asks for 1000
use strict;
use warnings;
use Delivery;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $large = $ENV{DELIVERY_LARGE} // 150;
my $p = 'postgres';
my $node = new_delivery('primary');
start_receiver('--brief');

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$url/$name", "secret": "mapping:ingest_secrets/now"$options}'} . ($more // '') . ')');
}
sub sent { my ($name) = @_; return sql("SELECT coalesce(sum(sent), 0) FROM ingest_delivery.sink_status WHERE sink LIKE '$name'"); }
sub wait_sent
{
	my ($name, $n) = @_;
	my $until = time() + 120;
	sleep(0.2) until sent($name) >= $n || time() > $until;
	return sent($name);
}

# kB that are the worker's own
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};
sub own_memory { my ($kb) = slurp_file('/proc/' . sql($worker) . '/status') =~ /RssAnon:\s+(\d+)/; return $kb / 1024; }
sub most_until
{
	my ($done) = @_;
	my $most = 0;
	my $until = time() + 150 + $large;
	until ($done->() || time() > $until) { my $now = own_memory(); $most = $now if $now > $most; sleep(0.05); }
	return $most;
}

# -- fifty sinks --

sql(qq{SELECT ingest_delivery.create_sink('idle ' || i, 'webhook', '{"url": "$url/idle", "secret": "mapping:ingest_secrets/now"}', types => '{id.*}') FROM generate_series(1, 50) i});
poll_until($node, $p, "SELECT count(*) FROM ($worker) w", 1);
sleep(3);
cmp_ok(own_memory(), '<=', 48, sprintf('fifty idle sinks: %.1f MB', own_memory()));
my $pid = sql($worker);
sql(q{SELECT ingest.emit('id.x', 's' || i % 20, jsonb_build_object('text', repeat('x', 20000), 'n', i)) FROM generate_series(1, 60) i});
is(wait_sent('idle %', 3000), 3000, 'each gets all');
sleep(9);
cmp_ok(own_memory(), '<=', 48, sprintf('fifty sinks that were busy and are idle again: %.1f MB', own_memory()));

# changed again and again: what is had once is had, what is lost each time grows
sub change_all
{
	sql(q{SELECT ingest_delivery.alter_sink(sink, options => '{"timeout": 10}') FROM ingest_delivery.sink_status});
	poll_until($node, $p, q{SELECT true FROM ingest_delivery.test_sink('idle 1')});
	sleep(0.4);
	return;
}
change_all() for 1 .. 6;
sleep(1);
my $before = own_memory();
change_all() for 1 .. 12;
sleep(1);
cmp_ok(own_memory() - $before, '<', 2.5, sprintf('sinks that are changed leave nothing of before: %.1f MB more', own_memory() - $before));
is(sql($worker), $pid, 'by one and the same worker');
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status});

# -- 200 at once --

sink("wide$_", ', "max_in_flight": 64', q(, types => '{wi.*}')) for 1 .. 4;
sleep(1);
behave('*' => { status => 204, sleep => 4 });
sql(q{SELECT ingest.emit('wi.x', 's' || i, '{}') FROM generate_series(1, 64) i});
is(wait_sent('wide%', 256), 256, '256 requests under way at once arrive');
my ($most) = sort { $b <=> $a } map { $_->{flying} // 0 } received();
cmp_ok($most, '>=', 200, "at once were $most");
behave();
is(sql($worker), $pid, 'and the worker lives');
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status});

# -- more types than are kept in mind --

sink('types', ', "mode": "batch", "batch_events": 1000', q(, types => '{ty.*}'));
sql(q{SELECT ingest.emit('ty.x', 's', '{}')});
wait_sent('types', 1);
my $idle = own_memory();
sql(q{SELECT count(ingest.emit('ty.' || i % 500, 's' || i % 97, jsonb_build_object('n', i))) FROM generate_series(1, 20000) i});
my $worst = most_until(sub { sent('types') >= 20001 });
is(sent('types'), 20001, 'events of 500 types arrive');
cmp_ok($worst - $idle, '<', 22, sprintf('each of which is asked for, in %.1f MB more', $worst - $idle));
sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status});

# -- 1 MB each --

sink('large', ', "max_bytes": 1200000', q(, types => '{la.*}'));
sleep(1);
sql(qq{SELECT ingest.emit('la.x', 's' || i % 5, jsonb_build_object('n', i, 'text', (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 31250) j))) FROM generate_series(1, $large) i});
$most = most_until(sub { sent('large') >= $large });
is(sent('large'), $large, "$large events of 1 MB arrive");
cmp_ok($most, '<', 200, sprintf('in %.0f MB', $most));
sleep(9);
cmp_ok(own_memory(), '<=', 48, sprintf('of which little is left: %.1f MB', own_memory()));
# those that wait are read by bytes as well
sql(q{SELECT ingest_delivery.replay('large', now() - interval '1 hour')});
$most = most_until(sub { sent('large') >= 2 * $large });
is(sent('large'), 2 * $large, 'they arrive once more');
cmp_ok($most, '<', 200, sprintf('in %.0f MB', $most));
# what is too large to be sent is not brought
sql(q{SELECT ingest_delivery.alter_sink('large', options => '{"max_bytes": 100000}')});
sql(q{SELECT ingest.emit('la.x', 's', jsonb_build_object('text', repeat('x', 30000000))) FROM generate_series(1, 8) i});
$most = most_until(sub { sql('SELECT count(*) FROM ingest_delivery.dead') >= 8 });
is(sql('SELECT count(*) FROM ingest_delivery.dead'), 8, 'events of 30 MB are given up');
cmp_ok($most, '<', 200, sprintf('in %.0f MB', $most));
sql(q{SELECT ingest_delivery.drop_sink('large')});

# a batch is no larger than max_bytes, envelopes and all
sink('batch', ', "mode": "batch", "batch_events": 1000, "max_bytes": 20000, "max_in_flight": 1', q(, types => '{bt.*}'));
behave('/batch' => { status => 204, sleep => 0.05 });
sql(q{SELECT ingest.emit('bt.x', 's' || i, '{}') FROM generate_series(1, 500) i});
is(wait_sent('batch', 500), 500, 'a batch');
my ($longest) = sort { $b <=> $a } map { $_->{bytes} // 0 } received('/batch');
cmp_ok($longest, '<=', 20000, "of $longest bytes at most");
sql(q{SELECT ingest_delivery.drop_sink('batch')});

# a long run: what one event leaves behind would be seen after 200,000; some are refused, some have no subject
behave('/run' => { status => 422, subject => 's7' });
sink('run', ', "mode": "batch", "batch_events": 1000', q(, types => '{ru.*}', on_exhausted => 'skip'));
my (@after, $sent);
for my $part (1 .. 4)
{
	sql(q{SELECT count(ingest.emit('ru.x', CASE WHEN i % 3 > 0 THEN 's' || i % 997 END, jsonb_build_object('n', i, 'text', repeat('x', i % 300)))) FROM generate_series(1, 50000) i});
	# those of the subject that is refused wait
	my $waits = $part * sql(q{SELECT count(*) FROM generate_series(1, 50000) i WHERE i % 3 > 0 AND i % 997 = 7});
	$sent = wait_sent('run', $part * 50000 - $waits);
	# memory that is needed while it works goes back when it rests
	sleep(9);
	push @after, own_memory();
}
cmp_ok($sent, '>=', 199000, "$sent of 200,000 events");
cmp_ok($after[3] - $after[0], '<', 4, 'leave nothing behind: ' . join(', ', map { sprintf '%.1f', $_ } @after) . ' MB after each 50,000');
is(sql($worker), $pid, 'of one and the same worker');
unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal|PANIC/, 'nothing crashed');
$node->stop;
done_testing();
