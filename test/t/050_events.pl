# Events: none is lost and none comes twice, whoever writes, reads and dies; what is said by NOTIFY, and what a consumer costs.
#
# EVENTS_SECONDS lengthens the stress of each cluster (20), EVENTS_SEED draws another one.  EVENTS=1000000 writes so many instead.
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{EVENTS_SECONDS} // 20;
my $seed = $ENV{EVENTS_SEED} // time() & 0xffff;
note("EVENTS_SEED=$seed EVENTS_SECONDS=$seconds");
srand($seed);

sub start_events
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 40\nmax_worker_processes = 20\n$conf");
	$node->start;
	$node->safe_psql('postgres', 'SET client_min_messages = warning; CREATE EXTENSION ingest CASCADE');
	return $node;
}

my $alone = start_events('alone', '');
my $published = start_events('published', "shared_preload_libraries = 'ingest'\n");

# -- all isolation levels, savepoints, prepared transactions, own events, kills between reading and acknowledging --

for my $node ($alone, $published)
{
	my $until = time() + $seconds;
	my $round = 0;
	my %sum = (events => 0, lost => 0, invented => 0, failed => 0);
	do
	{
		$round++;
		my $emitters = $ENV{EVENTS} ? 8 : 1 + int(rand(8));
		$node->safe_psql('postgres', "CREATE DATABASE s$round");
		$node->safe_psql("s$round", 'SET client_min_messages = warning; CREATE EXTENSION ingest CASCADE');
		my ($out, $err) = ('', '');
		IPC::Run::run([ '/usr/bin/python3', '-B', 'events/stress.py', '--dsn', $node->connstr("s$round"), '--emitters', $emitters, '--events', $ENV{EVENTS} // 8000,
				'--bulk', (5, 50, 200)[ int(rand(3)) ], '--seed', $seed + $round ],
			'<', '/dev/null', '>', \$out, '2>', \$err);
		note("$emitters emitters: $out");
		my $last = (split(/\n/, $out))[-1] // '{"failed": 1}';
		my $result = decode_json($last);
		diag("$last\n$err") if $result->{failed} || $result->{lost} || $result->{invented};
		$sum{$_} += $result->{$_} // 0 for keys %sum;
		$node->safe_psql('postgres', "DROP DATABASE s$round WITH (FORCE)");
	} while (time() < $until && !$ENV{EVENTS});
	my $name = $node->name;
	cmp_ok($sum{events}, '>', 1000, "$name: $sum{events} events in $round rounds");
	is("$sum{lost} lost, $sum{invented} that were never committed, $sum{failed} sessions that failed", '0 lost, 0 that were never committed, 0 sessions that failed', "$name: each event came once to each consumer");
}

# -- NOTIFY --

# a session that stays, and what it hears
sub listen_to
{
	my ($node) = @_;
	my ($in, $out) = ("LISTEN ingest;\n", '');
	my $h = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$out);
	my $self = { h => $h, in => \$in, out => \$out, heard => 0 };
	heard($self);
	return $self;
}

# how many notifications came until now
sub heard
{
	my ($l) = @_;
	my $mark = 'mark' . int(rand(1e9));
	${ $l->{in} } .= "SELECT '$mark';\n";
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	while (${ $l->{out} } !~ /$mark/ && time() < $until) { $l->{h}->pump_nb; sleep(0.01); }
	my @all = ${ $l->{out} } =~ /Asynchronous notification "ingest" with payload "(.*?)" received/g;
	my @new = @all[ $l->{heard} .. $#all ];
	$l->{heard} = @all;
	return @new;
}

# until something was heard
sub hear
{
	my ($l) = @_;
	my @heard;
	my $until = time() + 20;
	until ((@heard = heard($l)) || time() > $until) { sleep(0.05); }
	return @heard;
}

my $emit = q{SELECT ingest.emit('com.example.x', 'a', '{}')};
my $prepare = "BEGIN; $emit; PREPARE TRANSACTION 'two'";
{
	my $l = listen_to($alone);
	$alone->safe_psql('postgres', "BEGIN; $emit FROM generate_series(1, 100); SAVEPOINT a; $emit; ROLLBACK TO a; COMMIT");
	my @heard = hear($l);
	is(scalar @heard, 1, 'without the library preloaded: one NOTIFY a transaction');
	like($heard[0], qr/^\{"era":1,"id":\d+\}$/, 'with the era and an id');
	$alone->safe_psql('postgres', "BEGIN; $emit; ROLLBACK; SET ingest.notify = off; $emit");
	sleep(0.3);
	is(scalar heard($l), 0, 'none of what was rolled back, none with ingest.notify = off');
	$alone->safe_psql('postgres', $prepare);
	$alone->safe_psql('postgres', "COMMIT PREPARED 'two'");
	is($alone->safe_psql('postgres', q{SELECT count(*) FROM ingest.event WHERE type = 'com.example.x'}), 102, 'a transaction with events can be prepared');
	$l->{h}->kill_kill;
}

# what is said at a commit does not fail where the extension has gone by then
for my $node ($alone, $published)
{
	my $name = $node->name;
	$node->safe_psql('postgres', 'CREATE DATABASE gone');
	is($node->psql('gone', "SET client_min_messages = warning; CREATE EXTENSION ingest CASCADE; BEGIN; $emit; DROP EXTENSION ingest CASCADE; COMMIT", on_error_stop => 1),
		0, "$name: an event and the end of the extension in one transaction");
	is($node->safe_psql('gone', "SET client_min_messages = warning; CREATE EXTENSION ingest; SELECT ingest.emit('a', NULL, '{}'); SELECT count(*) FROM ingest.event") =~ /1$/, 1, "$name: and it can begin again");
}

# an era of which nothing came is not remembered
is($alone->safe_psql('gone', q{SELECT ingest_internal.era();
	UPDATE ingest.installation SET system_identifier = 1}), 1, 'a copy of a repository');
is($alone->safe_psql('gone', q{SET client_min_messages = warning;
	BEGIN; SAVEPOINT a; SELECT FROM ingest.enable(); SELECT ingest_internal.era(); ROLLBACK TO a; COMMIT;
	BEGIN; SELECT FROM ingest.enable(); SELECT ingest.emit('a', NULL, '{}'); ROLLBACK;
	SELECT FROM ingest.enable(); SELECT ingest.emit('a', NULL, '{}'); SELECT ingest_internal.era();
	SELECT string_agg(DISTINCT era::text, ',') FROM ingest.event}) =~ s/\n+/ /gr, '2 2 1,2', 'goes on in the next era, whatever was rolled back before');

poll_until($published, 'postgres', 'SELECT ingest_internal.launcher_runs()');
poll_until($published, 'postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = 'postgres'});
{
	$published->safe_psql('postgres', $emit);    # somebody's first use settles the repository
	my $l = listen_to($published);
	hear($l);
	$published->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. 200 LOOP PERFORM ingest.emit('com.example.x', i::text, '{}'); COMMIT; END LOOP; END \$\$");
	my @heard = hear($l);
	sleep(0.3);
	push @heard, heard($l);
	cmp_ok(scalar @heard, '<', 150, 'with it: one NOTIFY for all that committed since the last (' . @heard . ' for 200 transactions)');
	my ($last) = ($heard[-1] // '') =~ /"id":(\d+)/;
	is($last, $published->safe_psql('postgres', 'SELECT max(id) FROM ingest.event'), 'up to the last event');
	$published->safe_psql('postgres', $prepare);
	sleep(0.3);
	is(scalar heard($l), 0, 'nothing is said of what is prepared');
	$published->safe_psql('postgres', "COMMIT PREPARED 'two'");
	cmp_ok(scalar hear($l), '>', 0, 'until it is committed');
	# rows that a sync's batch writes into the outbox by itself
	my ($host, $port) = ($published->host, $published->port);
	$published->safe_psql('postgres', qq{
		SET client_min_messages = warning;
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
		CREATE USER MAPPING FOR CURRENT_USER SERVER shop;
		CREATE SCHEMA there;
		CREATE TABLE there.thing (id integer PRIMARY KEY, name text, changed timestamptz DEFAULT now());
		CREATE SCHEMA copies;
		SELECT ingest.register_source('shop', 'shop', remote_schemas => '{there}', schema => 'shop');
		CALL ingest.crawl('shop')});
	$published->safe_psql('postgres', q{SELECT ingest.create_sync('shop.thing', 'copies.thing', cursor_column => 'changed', row_events => true)});
	$published->safe_psql('postgres', q{CALL ingest.sync('copies.thing')});
	$published->safe_psql('postgres', q{INSERT INTO there.thing SELECT i, 'x', now() FROM generate_series(1, 50) i});
	$published->safe_psql('postgres', q{CALL ingest.sync('copies.thing')});
	my $rows = $published->safe_psql('postgres', q{SELECT max(id) FROM ingest.event WHERE type = 'ingest.row.changed'});
	my $told = 0;
	for (1 .. 40)
	{
		for (heard($l)) { my ($id) = /"id":(\d+)/; $told = 1 if $id >= $rows; }
		last if $told;
		sleep(0.05);
	}
	ok($rows && $told, 'events of rows are announced as well');
	# whoever says it may die: the next one says what is owed
	$published->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = 'postgres'});
	$published->safe_psql('postgres', $emit);
	cmp_ok(scalar hear($l), '>', 0, 'also when the scheduler has just been killed');
	$l->{h}->kill_kill;
}

# -- a consumer of rare types --

{
	my $p = 'postgres';
	$alone->safe_psql($p, q{SELECT ingest.subscribe('rare', '{com.example.rare}')});
	$alone->safe_psql($p, q{SELECT count(ingest.emit('com.example.usual', i::text, '{}')) FROM generate_series(1, 30000) i});
	$alone->safe_psql($p, q{SELECT ingest.emit('com.example.rare', 'one', '{}')});
	# rows of the outbox that one more question reads
	my $rows = sub {
		return (split(/\n/, $alone->safe_psql($p, q{BEGIN; SELECT ingest.read_events('rare');
			SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'ingest.event'::regclass; COMMIT})))[-1];
	};
	is($alone->safe_psql($p, q{SELECT subject FROM ingest.read_events('rare')}), 'one', 'a consumer of rare types gets its event');
	$alone->safe_psql($p, q{SELECT ingest.ack('rare', max(id)) FROM ingest.read_events('rare')});
	$alone->safe_psql($p, q{SELECT ingest.read_events('rare')}) for 1 .. 3;
	cmp_ok($rows->(), '<', 10, 'and reads no more of the others when it asks again');
	$alone->safe_psql($p, q{SELECT count(ingest.emit('com.example.usual', i::text, '{}')) FROM generate_series(1, 30000) i});
	$alone->safe_psql($p, q{SELECT ingest.read_events('rare')}) for 1 .. 3;
	cmp_ok($rows->(), '<', 10, 'nor of those that came meanwhile, though none was for it');
	$alone->safe_psql($p, q{SET client_min_messages = warning; SELECT ingest_internal.prune('-1 s', '30 days')});
	is($alone->safe_psql($p, 'SELECT count(*) FROM ingest.event'), 0, 'and keeps none of them from being deleted');
}

$_->stop for $alone, $published;
done_testing();
