# What becomes of a sink's events when it is changed: its types and filter, what is sent once more, what is too old, long
# subjects, thousands of subjects that wait; and when names, owners, consumers and databases change under it
use strict;
use warnings;
use Delivery;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = new_delivery('primary');
start_receiver('--whole');

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$url/$name", "secret": "mapping:ingest_secrets/now"$options}'} . ($more // '') . ')');
}
sub emit
{
	my ($type, $n, $subject) = @_;
	return sql("SELECT count(ingest.emit('$type', $subject, jsonb_build_object('n', i))) FROM generate_series(1, $n) i");
}
sub got { my ($name) = @_; return grep { defined $_->{id} } received("/$name"); }

# until so many arrived, and a moment longer: no more did
sub arrives
{
	my ($name, $n, $what) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.1) until got($name) >= $n || time() > $until;
	sleep(0.3);
	note(join ' ', map { "$_->{event}{type} $_->{subject} " . ($_->{data}{n} // '') } got($name)) if got($name) != $n;
	return is(scalar got($name), $n, $what);
}
sub status { my ($name, $columns) = @_; return sql("SELECT concat_ws(' ', $columns) FROM ingest_delivery.sink_status WHERE sink = '$name'"); }
sub refuses { my ($sql, $user) = @_; my $err; $node->psql($p, $sql, stderr => \$err, extra_params => $user ? [ '-U', $user ] : []); return $err; }

# -- types --

sink('typed', '', q(, types => '{ty.a}'));
emit('ty.a', 3, q('s'));
emit('ty.b', 3, q('s'));
arrives('typed', 3, 'a sink gets events of its types');
sql(q{SELECT ingest_delivery.alter_sink('typed', types => '{ty.a,ty.b}')});
is(sql(q{SELECT types FROM ingest.subscription WHERE consumer = 'sink typed'}), '{ty.a,ty.b}', 'they are its consumer\'s');
emit('ty.b', 2, q('s'));
arrives('typed', 5, 'of another type from then on');
behave('/typed' => { status => 401 });
emit('ty.b', 5, q('s'));
emit('ty.a', 5, q('s'));
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'typed'}, 'open');
sql(q{SELECT ingest_delivery.alter_sink('typed', types => '{ty.a}')});
behave();
arrives('typed', 10, 'what is not wanted any more is not sent, although it had been read');
is(join(',', map { $_->{data}{n} } (got('typed'))[ 5 .. 9 ]), '1,2,3,4,5', 'what is wanted is');
# while a batch is being read its last event is that of the types before
behave('/typed' => { status => 401 });
sql(q{SELECT ingest.emit('ty.a', 's', '{"n": 1}'), ingest.emit('ty.c', 's', '{"n": 2}')});
sleep(1.5);
sql(q{SELECT ingest_delivery.alter_sink('typed', types => '{*}')});
emit('ty.d', 1, q('s'));
behave();
arrives('typed', 13, 'nothing of a batch that is open is left out when more types are wanted');
like(refuses(q{SELECT ingest_delivery.alter_sink('typed', types => '{ingest.nothing}')}), qr/the engine writes no events of type "ingest.nothing"/, 'types are looked at as subscribe() does');
like(refuses(q{SELECT ingest_delivery.alter_sink('typed', types => '{NULL}')}), qr/event types must not be null/, 'null is none');
sql(q{CREATE ROLE keeper LOGIN IN ROLE ingest_operator; CREATE ROLE other LOGIN IN ROLE ingest_operator});
like(refuses(q{SELECT ingest_delivery.alter_sink('typed', types => '{x}')}, 'other'), qr/there is no sink "typed"/, 'nobody else changes them');
like(refuses(q{SELECT ingest_internal.set_types('sink typed', '{x}')}, 'other'), qr/(there is no consumer|belongs to another)/, 'nor by the door inside');

# a filter holds for what was read already, too
behave('/typed' => { status => 401 });
emit('ty.f', 6, q('s'));
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'typed'}, 'open');
sql(q{SELECT ingest_delivery.alter_sink('typed', filter => '{"n": 4}')});
behave();
arrives('typed', 14, 'so does a filter');
sql(q{SELECT ingest_delivery.drop_sink('typed')});

# -- once more: all, dead, failed --

sink('again', '', q(, types => '{ag.*}'));
my $since = sql('SELECT clock_timestamp()');
behave('/again' => { status => 422, subject => 'bad' });
sql(q{SELECT ingest.emit('ag.x', CASE WHEN i > 3 THEN 'bad' ELSE 's' END, jsonb_build_object('n', i)) FROM generate_series(1, 6) i});
arrives('again', 3, 'three arrive');
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.blocked WHERE tries = 1}, 1);
sql(q{UPDATE ingest_delivery.blocked SET tries = 9, due = now(); UPDATE ingest_delivery.sink SET version = version + 1; SELECT ingest_internal.wake_services()});
poll_until($node, $p, q{SELECT dead || ' ' || parked FROM ingest_delivery.sink_status WHERE sink = 'again'}, '1 2');
like(refuses("SELECT ingest_delivery.replay('again', '$since', which => 'some')"), qr/which is all, dead/, 'which ones is a word');
is(sql("SELECT ingest_delivery.replay('again', now() + interval '1 h', which => 'failed')"), 0, 'of another time there are none');
behave();
is(sql("SELECT ingest_delivery.replay('again', '$since', which => 'dead')"), 1, 'what was given up');
arrives('again', 6, 'arrives, with what waited behind it');
is(join(',', map { $_->{data}{n} } (got('again'))[ 3 .. 5 ]), '4,5,6', 'in order');
poll_until($node, $p, q{SELECT dead || ' ' || parked || ' ' || blocked FROM ingest_delivery.sink_status WHERE sink = 'again'}, '0 0 0');
is(sql("SELECT ingest_delivery.replay('again', '$since', which => 'failed')"), 0, 'nothing has failed now');
behave('/again' => { status => 422, subject => 'bad' });
sql(q{SELECT ingest.emit('ag.x', 'bad', jsonb_build_object('n', i)) FROM generate_series(7, 9) i});
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.blocked WHERE tries = 1}, 1);
behave();
is(sql("SELECT ingest_delivery.replay('again', '$since', which => 'failed')"), 3, 'what waits has failed');
arrives('again', 9, 'and goes at once');
is(sql("SELECT ingest_delivery.replay('again', '$since')"), 9, 'all');
arrives('again', 18, 'go once more');
sql(q{SELECT ingest_delivery.drop_sink('again')});

# -- subjects that are longer than an index bears --

sink('long', '', q(, types => '{lo.*}'));
my $subject = q{(SELECT string_agg(md5(j::text), '') FROM generate_series(1, 300) j)};
behave('/long' => { status => 422 });
sql("SELECT ingest.emit('lo.x', $subject || 'a', '{\"n\": 1}'), ingest.emit('lo.x', $subject || 'a', '{\"n\": 2}'), ingest.emit('lo.x', $subject || 'b', '{\"n\": 3}')");
poll_until($node, $p, q{SELECT blocked || ' ' || parked FROM ingest_delivery.sink_status WHERE sink = 'long'}, '2 3');
pass('an event with a subject of 10 kB can be refused, and such subjects are told apart');
behave();
sql("SELECT ingest_delivery.skip('long', $subject || 'b')");
is(sql(q{SELECT count(*) FROM ingest_delivery.dead}), 1, 'skip finds it by its subject');
sql("SELECT ingest_delivery.replay('long', '$since')");
arrives('long', 3, 'replay does as well');
is(join(',', sort map { $_->{data}{n} } got('long')), '1,2,3', 'each');
sql(q{SELECT ingest_delivery.drop_sink('long')});

# -- thousands of subjects that wait because somebody asked for them are not the sink's fault --

sink('many', ', "max_in_flight": 2', q(, types => '{ma.*}'));
emit('ma.x', 2500, q('s' || i));
arrives('many', 2500, 'many subjects');
behave('/many' => { status => 422, subject => 'bad' });
sql("BEGIN; SELECT ingest_delivery.replay('many', '$since'), ingest.emit('ma.x', 'bad', '{}'); COMMIT");
my $opened = 0;
my $until = time() + 60;
while (time() < $until && got('many') < 5000) { $opened++ if status('many', 'breaker') ne 'closed'; sleep(0.2); }
is($opened, 0, 'one refusal while 2,500 subjects are replayed does not stop the sink');
arrives('many', 5000, 'and they arrive');
behave();
sql(q{SELECT ingest_delivery.drop_sink('many')});

# -- what is too old --

sink($_, '', q(, types => '{ex.*}')) for qw(keeps skips paused);
like(refuses(q{SELECT ingest_delivery.alter_sink('skips', on_expiry => 'drop')}), qr/on_expiry must be keep or skip/, 'what becomes of the old is a word');
sql(q{SELECT ingest_delivery.alter_sink(s, on_expiry => 'skip') FROM unnest('{skips,paused}'::text[]) s; SELECT ingest_delivery.pause_sink('paused')});
sleep(1);
behave(map { ("/$_" => { status => 503 }) } qw(keeps skips));
emit('ex.x', 1500, q('s' || i % 3));
poll_until($node, $p, q{SELECT string_agg(breaker, ' ') FROM ingest_delivery.sink_status WHERE sink IN ('keeps', 'skips')}, 'open open');
sql(q{UPDATE ingest.event SET time = time - interval '8 days' WHERE type = 'ex.x' AND (data->>'n')::int <= 1400});
sql(q{UPDATE ingest_delivery.sink SET reading = reading + 1, version = version + 1 WHERE name IN ('skips', 'paused', 'keeps'); SELECT ingest_internal.wake_services()});
poll_until($node, $p, q{SELECT string_agg(expired::text, ' ' ORDER BY sink) FROM ingest_delivery.sink_status}, '0 1400 1400');
pass('a sink that is down or paused passes over what is too old, if it says so');
sql(q{SELECT ingest_internal.prune('7 days', '30 days')});
is(sql(q{SELECT count(*) FROM ingest.event WHERE type = 'ex.x'}), 1500, 'for the one that keeps them they are kept');
sql(q{SELECT ingest_delivery.resume_sink('paused')});
behave();
sql(q{SELECT ingest_delivery.alter_sink(s, on_exhausted => 'skip') FROM unnest('{keeps,skips}'::text[]) s});
arrives('keeps', 1500, 'which gets all');
arrives('skips', 100, 'the others what is young');
arrives('paused', 100, 'also when it was paused');
sleep(1);
sql(q{SELECT ingest_internal.prune('7 days', '30 days')});
is(sql(q{SELECT count(*) FROM ingest.event WHERE type = 'ex.x'}), 100, 'and then they are pruned');
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{keeps,skips,paused}'::text[]) s});

# what a hand is to decide about stays, however old
sink('held', '', q(, types => '{he.*}', on_exhausted => 'hold'));
behave('/held' => { status => 413 });
emit('he.x', 1, q('s'));
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.dead}, 1);
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.blocked WHERE due = 'infinity'}, 1);
sql(q{SELECT ingest_delivery_internal.prune('-1 s')});
is(sql(q{SELECT count(*) FROM ingest_delivery.dead}), 1, 'what is dead and held is not deleted with age');
behave();
is(sql(q{SELECT ingest_delivery.redrive('held')}), 1, 'so it can be tried again');
arrives('held', 1, 'and arrives');
sql(q{SELECT ingest_delivery.drop_sink('held')});

# -- names, owners, consumers, databases --

sql(qq{SET ROLE keeper; CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (mine '$secret');
	SELECT ingest_delivery.create_sink('kept', 'webhook', '{"url": "$url/kept", "secret": "mapping:ingest_secrets/mine"}', types => '{ke.*}')});
sink('others', '', q(, types => '{ke.*}'));
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};
my $pid = sql($worker);
my $to_keeper = q{SET ROLE keeper; SELECT ingest.emit('ke.x', 's', '{}')};
# somebody holds the row while its owner is renamed
my $holder = start_session($node, q{BEGIN; SELECT ingest_delivery.alter_sink('kept', on_exhausted => 'skip'); SELECT pg_sleep(8); COMMIT});
sleep(1);
sql(q{ALTER ROLE keeper RENAME TO watcher});
sql($to_keeper =~ s/keeper/watcher/r);
arrives('kept', 1, 'a sink whose owner was renamed goes on');
is(sql($worker), $pid, 'and whoever holds its row has not ended the worker');
session_ended($holder);
poll_until($node, $p, q{SELECT owner || ' ' || (SELECT owner_name FROM ingest_delivery.sink WHERE name = 'kept') FROM ingest_delivery.sink_status WHERE sink = 'kept'}, 'watcher watcher');
pass('its name is followed');
sql(q{ALTER ROLE watcher RENAME TO keeper; SELECT ingest.unsubscribe('sink kept')});
emit('ke.x', 1, q('s'));
poll_until($node, $p, q{SELECT last_error LIKE 'there is no consumer "sink kept"%' FROM ingest_delivery.sink_status WHERE sink = 'kept'});
arrives('others', 2, 'a sink whose consumer is gone says so, and keeps nobody else');
my ($hint) = status('kept', 'last_error') =~ /(ingest\.subscribe\('sink kept'\))/;
sql("SET ROLE keeper; SELECT $hint");
sql($to_keeper);
sql(q{SELECT ingest_delivery.alter_sink('kept', on_exhausted => 'skip')});
arrives('kept', 2, 'what its hint says makes it go on');
my ($name) = $node->connstr('postgres') =~ /port=(\d+)/;
sql(q{REASSIGN OWNED BY keeper TO CURRENT_USER; DROP OWNED BY keeper; DROP ROLE keeper; SELECT ingest_internal.wake_services()});
emit('ke.x', 1, q('s'));
poll_until($node, $p, q{SELECT last_error LIKE 'the owner of the sink no longer exists%' FROM ingest_delivery.sink_status WHERE sink = 'kept'});
arrives('others', 4, 'so does one whose owner is gone');
sql(q{SELECT ingest_delivery.drop_sink('kept')});
is(sql(q{SELECT count(*) FROM ingest_delivery.sink_status}), 1, 'an admin drops it');
is(sql($worker), $pid, 'the worker has lived through all of this');

$node->safe_psql('template1', 'CREATE DATABASE elsewhere');
$node->safe_psql('elsewhere', qq{SET client_min_messages = warning; CREATE EXTENSION ingest_delivery CASCADE;
	ALTER DATABASE elsewhere SET ingest_delivery.allow_http = on; ALTER DATABASE elsewhere SET ingest_delivery.allow_networks = '127.0.0.0/8';
	CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (now '$secret')});
$node->safe_psql('elsewhere', qq{SELECT ingest_delivery.create_sink('moved', 'webhook', '{"url": "$url/moved", "secret": "mapping:ingest_secrets/now"}'); SELECT ingest.emit('x.y', 's', '{}')});
arrives('moved', 1, 'a second database has a worker of its own');
$node->safe_psql($p, 'ALTER DATABASE elsewhere RENAME TO here');
$node->safe_psql('here', q{SELECT ingest.emit('x.y', 's', '{}')});
arrives('moved', 2, 'whose database may get another name');
emit('ke.x', 1, q('s'));
arrives('others', 5, 'each gets its own');
$node->safe_psql('here', q{SELECT ingest.emit('x.y', 's' || i, '{}') FROM generate_series(1, 2000) i});
my $began = time();
$node->safe_psql($p, 'DROP DATABASE here');
in_time(time() - $began, 10, 'nobody waits for a worker that sends to drop its database');
sql(q{SELECT ingest.emit('ke.x', 's' || i, '{}') FROM generate_series(1, 2000) i});
$began = time();
sql('DROP EXTENSION ingest_delivery CASCADE');
in_time(time() - $began, 10, 'nor to drop the extension');
poll_until($node, $p, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ingest service'}, 0);
pass('with which the worker goes');
unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal|PANIC/, 'nothing crashed');
$node->stop;
done_testing();
