# What stands in the way of delivery and must not stop it: rows that somebody holds, settings of somebody,
# a receiver that never ends, tables that nobody vacuums, a secret that becomes something else
use strict;
use warnings;
use Delivery;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = new_delivery('primary', conf => "autovacuum_naptime = 1s\n");
start_receiver();

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$url/$name", "secret": "mapping:ingest_secrets/now"$options}'} . ($more // '') . ')');
}
sub got { my ($name) = @_; return grep { defined $_->{id} } received("/$name"); }
sub arrives
{
	my ($name, $n, $what, $seconds) = @_;
	my $until = time() + ($seconds // $PostgreSQL::Test::Utils::timeout_default);
	sleep(0.1) until got($name) >= $n || time() > $until;
	return is(scalar got($name), $n, $what);
}
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};

# -- rows that somebody holds --

sql(q{CREATE ROLE holder LOGIN IN ROLE ingest_operator; CREATE ROLE anybody LOGIN});
sql(qq{SET ROLE holder; CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (mine '$secret');
	SELECT ingest_delivery.create_sink('held ' || i, 'webhook', '{"url": "$url/held", "secret": "mapping:ingest_secrets/mine"}') FROM generate_series(1, 10) i});
sink('free', '', q(, types => '{fr.*}'));
sql(q{SELECT ingest.emit('fr.x', 's', '{}')});
arrives('free', 1, 'a sink');
my $pid = sql($worker);
# ten consumers are being read by somebody who does not go on
my $holder = start_session($node, q{SET ROLE holder; BEGIN; SELECT count(*) FROM generate_series(1, 10) i, ingest.read_events('sink held ' || i, 5); SELECT ingest_delivery.alter_sink('held 1', on_exhausted => 'hold'); SELECT pg_sleep(15)});
sleep(1);
my $slowest = 0;
my $until = time() + 12;
for (my $n = 2; time() < $until; $n++)
{
	my $since = time();
	sql(q{SELECT ingest.emit('fr.x', 's', '{}')});
	sleep(0.02) until got('free') >= $n || time() > $since + 30;
	$slowest = time() - $since if time() - $since > $slowest;
	sleep(0.2);
}
cmp_ok($slowest, '<', 6, sprintf('who holds the rows of ten sinks keeps another one waiting for a moment: %.1f s', $slowest));
is(sql($worker), $pid, 'and the worker lives');
session_ended($holder);
# one that is being dropped, and is not yet
my $dropper = start_session($node, q{SET ROLE holder; BEGIN; SELECT ingest_delivery.drop_sink('held 2'); SELECT pg_sleep(8); ROLLBACK});
sleep(1);
my $n = got('free');
sql(q{SET ROLE holder; SELECT ingest.emit('he.x', 's', '{}')});
sql(q{SELECT ingest.emit('fr.x', 's', '{}')});
arrives('free', $n + 1, 'nor does who is about to drop one', 8);
session_ended($dropper);
is(sql($worker), $pid, 'the worker lives');
sql(q{SELECT ingest_delivery.drop_sink('held ' || i) FROM generate_series(1, 10) i});

# -- settings that are somebody's --

for my $i (1 .. 3)
{
	$node->safe_psql($p, "ALTER ROLE anybody IN DATABASE postgres SET work_mem = '${i}MB'; SELECT pg_sleep(0.5)", extra_params => [ '-U', 'anybody' ]);
	sql(q{SELECT ingest.emit('fr.x', 's', '{}')});
	sleep(1);
}
is(sql($worker), $pid, 'what somebody sets for himself does not begin the worker anew');
$node->safe_psql($p, qq{ALTER DATABASE postgres SET $_}) for q(default_transaction_isolation = 'serializable'), q(row_security = off), q(DateStyle = 'German'), q(search_path = 'nowhere'), q(statement_timeout = '1ms'), q(default_transaction_read_only = on);
sleep(2);
$n = got('free');
{
	# before any statement: on a slow machine the time that the database has set would be over with the first one
	local $ENV{PGOPTIONS} = '-c statement_timeout=0';
	$node->safe_psql($p, q{SET statement_timeout = 0; SET transaction_read_only = off; SET default_transaction_read_only = off; BEGIN READ WRITE; SELECT ingest.emit('fr.x', 's', '{}'); COMMIT});
	arrives('free', $n + 1, 'whatever is set for the database it goes on');
	sleep(1.5);
	is($node->safe_psql($p, q{SET statement_timeout = 0; SELECT behind FROM ingest_delivery.sink_status WHERE sink = 'free'}), 0, 'and writes down what arrived');
	$node->safe_psql($p, qq{SET statement_timeout = 0; SET default_transaction_read_only = off; BEGIN READ WRITE; ALTER DATABASE postgres RESET $_; COMMIT}) for qw(default_transaction_read_only default_transaction_isolation row_security DateStyle search_path statement_timeout);
}
sleep(2);

# -- autovacuum hears of it --

sink('churn', ', "max_in_flight": 4');
for (1 .. 15) { sql(q{SELECT ingest.emit('fr.x', 's' || i, '{}') FROM generate_series(1, 200) i}); sleep(0.2); }
poll_until($node, $p, q{SELECT n_tup_upd > 10 FROM pg_stat_all_tables WHERE relid = 'ingest.subscription'::regclass});
pass('how often places were written is in the statistics by which tables are vacuumed');
sql(q{SELECT ingest_delivery.drop_sink('churn')});

# -- answers that take their time --

# a kept answer of one sink does not keep another: a receiver that drips for ever
my $server = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1) or die;
my $port = $server->sockport;
my $dripper = fork() // die;
if ($dripper == 0)
{
	# takes connections, says for ever that it will answer; ends with the test, however that ends
	my @open;
	my $parent = getppid();
	$SIG{PIPE} = 'IGNORE';
	while (getppid() == $parent)
	{
		vec(my $ready = '', fileno($server), 1) = 1;
		push @open, scalar $server->accept if select($ready, undef, undef, 0.2);
		$_->syswrite("HTTP/1.1 102 Processing\r\n\r\n") for grep { defined } @open;
	}
	require POSIX;
	POSIX::_exit(0);
}
sql(qq{SELECT ingest_delivery.create_sink('drips', 'webhook', '{"url": "http://127.0.0.1:$port/", "secret": "mapping:ingest_secrets/now", "timeout": 3}', types => '{dr.*}')});
sql(q{SELECT ingest.emit('dr.x', 's' || i, '{}') FROM generate_series(1, 20) i});
sleep(1);
$slowest = 0;
for (1 .. 20)
{
	my $since = time();
	my $n = got('free') + 1;
	sql(q{SELECT ingest.emit('fr.x', 's', '{}')});
	sleep(0.01) until got('free') >= $n || time() > $since + 10;
	$slowest = time() - $since if time() - $since > $slowest;
}
cmp_ok($slowest, '<', 6, sprintf('a receiver that never comes to its answer keeps nobody else: %.2f s', $slowest));
poll_until($node, $p, q{SELECT breaker <> 'closed' AND last_error ILIKE '%time%' FROM ingest_delivery.sink_status WHERE sink = 'drips'});
pass('and is a timeout');
kill 'KILL', $dripper;
waitpid $dripper, 0;
sql(q{SELECT ingest_delivery.drop_sink('drips')});

# one that says when it will be back is asked then, at the first time
sink('later', ', "max_in_flight": 1', q(, types => '{la.*}'));
behave('/later' => { status => 503, retry_after => 4 });
sql(q{SELECT ingest.emit('la.x', 's' || i, '{}') FROM generate_series(1, 5) i});
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'later'}, 'open');
is(scalar(grep { $_->{refused} } received('/later')), 1, '503 with Retry-After is obeyed at once');
behave();
sql(q{SELECT ingest_delivery.alter_sink('later', on_exhausted => 'skip')});
arrives('later', 5, 'and then all come');
sql(q{SELECT ingest_delivery.drop_sink('later')});

# -- a secret that becomes what ends a header --

sql(qq{ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (ADD bearer 'Bearer x')});
sink('bearer', ', "authorization": "mapping:ingest_secrets/bearer"', q(, types => '{be.*}'));
sql(q{SELECT ingest.emit('be.x', 's', '{}')});
arrives('bearer', 1, 'a header with a secret');
sql(q{SELECT ingest_delivery.pause_sink('bearer')});
sleep(1);
sql(q{ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (SET bearer E'Bearer x\r\nContent-Length: 0\r\n\r\nPOST /free HTTP/1.1\r\n')});
sql(q{SELECT ingest.emit('be.x', 's', '{}')});
sql(q{SELECT ingest_delivery.resume_sink('bearer')});
poll_until($node, $p, q{SELECT last_error LIKE 'what option "authorization" refers to cannot be sent in a header%' FROM ingest_delivery.sink_status WHERE sink = 'bearer'});
is(scalar got('bearer'), 1, 'is looked at when it is used, not only when it is set');
sql(q{SELECT ingest_delivery.drop_sink('bearer')});
is(scalar(grep { exists $_->{bad} } received()), 0, 'nothing came that was not signed');

unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal|PANIC/, 'nothing crashed');
$node->stop;
done_testing();
