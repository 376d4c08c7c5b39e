# Time: a sink that is down for a day and comes back, the tries of an event over four days, a clock that goes back, a name
# server that says nothing while the server stops; and a standby that is promoted
#
# The clock is shifted by delivery/shim.c.
use strict;
use warnings;
use Delivery;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $folder = PostgreSQL::Test::Utils::tempdir();
my $clock = "$folder/clock";
my $shifted = 0;

sub shift_clock
{
	my ($seconds) = @_;
	$shifted += $seconds;
	open my $out, -e $clock ? '+<' : '>', $clock or die $!;
	syswrite $out, pack('q', $shifted);
	close $out;
	return;
}
shift_clock(0);
PostgreSQL::Test::Utils::system_or_bail('gcc', '-w', '-O1', '-fPIC', '-shared', '-o', "$folder/shim.so", 'delivery/shim.c');
chmod 0644, $clock;
$ENV{SHIM_CLOCK} = $clock;
$ENV{LD_PRELOAD} = "$folder/shim.so";

my $p = 'postgres';
my $node = new_delivery('primary', init => { allows_streaming => 1 }, conf => "wal_keep_size = 64MB\n");
start_receiver();

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$url/$name", "secret": "mapping:ingest_secrets/now"$options}'} . ($more // '') . ')');
}
# the worker looks at the clock when it is woken, and every five seconds by itself
sub later { shift_clock($_[0]); sql('SELECT ingest_internal.wake_services()'); return; }
sub got { my ($name) = @_; return grep { defined $_->{id} } received("/$name"); }
sub tried { my ($name) = @_; return scalar grep { $_->{refused} } received("/$name"); }
sub arrives
{
	my ($name, $n, $what) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.1) until got($name) >= $n || time() > $until;
	return is(scalar got($name), $n, $what);
}
# until a count of requests is larger than it was
sub once_more
{
	my ($count, $was) = @_;
	my $until = time() + 12;
	sleep(0.05) until $count->() > $was || time() > $until;
	return $count->() - $was;
}

# -- down for a day --

sink('day', ', "max_in_flight": 16', q(, types => '{da.*}'));
behave('/day' => { status => 503 });
sql(q{SELECT ingest.emit('da.x', 's' || i % 50, jsonb_build_object('n', i)) FROM generate_series(1, 400) i});
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'day'}, 'open');
# an hour is twelve tries at most: it is asked every five minutes, and not more often.  A moment more than five: what is due
# when the clock has been looked at is done at once, else when it is looked at again
my $before = tried('day');
for (1 .. 12) { later(302); once_more(sub { tried('day') }, tried('day')); }
cmp_ok(tried('day') - $before, '<=', 13, 'a sink that is down is asked every five minutes: ' . (tried('day') - $before) . ' times in an hour');
cmp_ok(tried('day') - $before, '>=', 10, 'and it is asked');
later(23 * 3600);
once_more(sub { tried('day') }, tried('day'));
behave('/day' => { status => 204, sleep => 0.15 });
my $n = tried('day');
later(302);
arrives('day', 400, 'after a day all arrive');
my @most = map { $_->{flying} } (got('day'))[ 0 .. 6 ];
ok($most[0] == 1 && $most[1] <= 3 && $most[2] <= 5, "gently: at once were @most …");
my ($last, $disorder) = ({}, 0);
for (got('day')) { my ($id) = $_->{id} =~ /-(\d+)/; $disorder++ if $id < ($last->{ $_->{subject} } // 0); $last->{ $_->{subject} } = $id; }
is($disorder, 0, 'in order within their subject');
sql(q{SELECT ingest_delivery.drop_sink('day')});

# -- ten tries over four days --

sink('tries', '', q(, types => '{tr.*}'));
behave('/tries' => { status => 422, subject => 'bad' });
sql(q{SELECT ingest.emit('tr.x', 'bad', '{}')});
once_more(sub { tried('tries') }, 0);
my @waited;
for my $seconds (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
{
	poll_until($node, $p, 'SELECT count(*) FROM ingest_delivery.blocked WHERE due > now()', 1);
	my $due = sql('SELECT round(extract(epoch FROM due - now())) FROM ingest_delivery.blocked');
	push @waited, "$seconds: $due" if $due > $seconds * 1.1 + 1 || $due < $seconds * 0.9 - 5;
	my $was = tried('tries');
	# a slow machine takes its time for this
	my $rest = $due > 10 ? int($due / 8) : 0;
	later($due - $rest) if $due > 10;
	sleep(0.7);
	push @waited, "$seconds: too early" if $due > 10 && tried('tries') > $was;
	later($due > 10 ? $rest + 1 : 6);
	push @waited, "$seconds: not tried" if once_more(sub { tried('tries') }, $was) != 1;
}
is(join(', ', @waited), '', 'an event is tried again after 5 s, 5 min … 24 h, a tenth more or less, and then');
poll_until($node, $p, q{SELECT dead || ' ' || blocked FROM ingest_delivery.sink_status WHERE sink = 'tries'}, '1 0');
is(tried('tries'), 10, 'after ten tries it is given up');
sql(q{SELECT ingest_delivery.drop_sink('tries')});

# -- the clock goes back --

sink('back', '', q(, types => '{ba.*}'));
sql(q{SELECT ingest.emit('ba.x', 's', '{}')});
arrives('back', 1, 'one arrives');
behave('/back' => { status => 503 });
sql(q{SELECT ingest.emit('ba.x', 's' || i, '{}') FROM generate_series(1, 9) i});
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'back'}, 'open');
behave();
later(-86400);
arrives('back', 10, 'when the clock goes back a day nobody waits for a day');
sink('later', '', q(, types => '{ba.*}'));
sql(q{SELECT ingest.emit('ba.x', 's', '{}')});
arrives('later', 1, 'a sink that is made then is seen');
poll_until($node, $p, q{SELECT string_agg(behind::text, ' ') FROM ingest_delivery.sink_status}, '0 0', q{SELECT string_agg(concat_ws(' ', backend_type, backend_start, state, query), '; ') FROM pg_stat_activity});
pass('and what arrived is written down');
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{back,later}'::text[]) s});

# -- a name server that says nothing --

sink('here', '', q(, types => '{si.*}'));
sql(q{SELECT ingest_delivery.create_sink('silent', 'webhook', '{"url": "https://silent.example.com/", "secret": "mapping:ingest_secrets/now", "timeout": 60}', types => '{si.*}'),
	ingest.emit('si.x', 's' || i, '{}') FROM generate_series(1, 1) i});
sql(q{SELECT ingest.emit('si.x', 's' || i, '{}') FROM generate_series(1, 20) i});
my $until = time() + 30;
sleep(0.1) until got('here') >= 20 || time() > $until;
cmp_ok(scalar got('here'), '>=', 20, 'a name server that says nothing keeps no other sink');
sleep(1);
my $since = time();
$node->stop('fast');
in_time(time() - $since, 2, sprintf('nor a server that stops: %.2f s', time() - $since));
$node->start;
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{here,silent}'::text[]) s});

# -- a standby that was behind is promoted --

sink('over', '', q(, types => '{ov.*}'));
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
sql(q{SELECT ingest.emit('ov.x', 's' || i % 5, jsonb_build_object('who', 'both', 'n', i)) FROM generate_series(1, 50) i});
arrives('over', 50, 'events before');
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
$standby->stop;
sql(q{SELECT ingest.emit('ov.x', 's' || i % 5, jsonb_build_object('who', 'primary', 'n', i)) FROM generate_series(1, 200) i});
arrives('over', 250, 'events that the standby never saw');
$node->stop('immediate');
$standby->start;
$standby->promote;
$standby->safe_psql($p, q{SELECT ingest.emit('ov.x', 's' || i % 5, jsonb_build_object('who', 'standby', 'n', i)) FROM generate_series(1, 200) i});
$until = time() + $PostgreSQL::Test::Utils::timeout_default;
sleep(0.1) until time() > $until || 200 == grep { $_->{data}{who} eq 'standby' } got('over');
my (%content, @two);
for (got('over'))
{
	my $content = "$_->{data}{who} $_->{data}{n}";
	push @two, "$_->{id}: $content{$_->{id}}, $content" if ($content{ $_->{id} } //= $content) ne $content;
}
is(scalar(grep { $_->{data}{who} eq 'standby' } got('over')), 200, 'the promoted standby sends what is written there');
is("@two", '', 'and no id is that of two events');
is(scalar(grep { exists $_->{bad} } received()), 0, 'each request was signed');
unlike(slurp_file($_->logfile), qr/TRAP|terminated by signal|PANIC/, 'nothing crashed') for $node, $standby;
$standby->stop;
done_testing();
