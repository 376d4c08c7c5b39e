# Whatever is killed, and whenever: copies, history, events and jobs are as if nothing had been
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{INGEST_KILLS} // 25;
my $seed = $ENV{INGEST_SEED} // time() & 0xffff;
srand($seed);
note("INGEST_SEED=$seed INGEST_KILLS=$kills");

my $node = new_engine('kill', conf => "ingest.naptime = 1\n");
$node->safe_psql('postgres', q{
	SELECT ingest.create_sync('erp.transaction', 'copy.transaction', batch_rows => 700, history => true, row_events => true, reconcile_every => NULL);
	SELECT ingest.create_sync('erp.transactionline', 'copy.line', parent => 'copy.transaction', batch_rows => 3000, history => true, row_events => true, reconcile_every => NULL);
	SELECT ingest.create_sync('erp.customrecord_asset', 'copy.asset', mode => 'full', history => true, batch_rows => 100);
	SELECT ingest.subscribe('consumer', from_start => true);
	CREATE TABLE consumed (id bigint, type text);
	CREATE TABLE asked (n integer);
	CREATE SEQUENCE effects;
	CREATE TABLE effect (n bigint DEFAULT nextval('effects'), at timestamptz DEFAULT clock_timestamp());
	SELECT ingest.create_job('effect', 'sql', 'INSERT INTO effect DEFAULT VALUES', max_attempts => 1000);
	SELECT ingest.create_job('asset', 'sync', 'copy.asset', max_attempts => 1000);
});

# -- the source's life --

# keys that no row has or had
my $next = $node->safe_psql('postgres', 'SELECT greatest((SELECT max(id) FROM netsuite.transaction), (SELECT max(recordid) FROM netsuite.deletedrecord))');
my $stamp = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC')";

sub edit
{
	my $what = int(rand(7));
	my $row = int(rand(4500));
	my $pick = "(SELECT id FROM ns.transaction ORDER BY id OFFSET $row LIMIT 1)";
	if ($what <= 1)
	{
		control(op => 'sql', sql => "UPDATE ns.transaction SET memo = 'edit " . int(rand(1e9)) . "', foreigntotal = foreigntotal + 1.25, lastmodifieddate = $stamp WHERE id = $pick");
	}
	elsif ($what == 2)
	{
		$next++;
		control(op => 'sql', sql => "INSERT INTO ns.transaction (id, tranid, type, trandate, memo, lastmodifieddate) VALUES ($next, 'NEW$next', 'Journal', '2026-01-01', E'new \\n \"one\"', $stamp); "
			  . "INSERT INTO ns.transactionline (transaction, id, uniquekey, netamount, linelastmodifieddate) SELECT $next, i, ${next}::bigint * 10 + i, i * 1.5, $stamp FROM generate_series(0, 3) i");
	}
	elsif ($what == 3)
	{
		# with its lines and its entry in the feed
		control(op => 'sql', sql => "WITH d AS (DELETE FROM ns.transaction WHERE id = $pick RETURNING id), l AS (DELETE FROM ns.transactionline l USING d WHERE l.transaction = d.id) "
			  . "INSERT INTO ns.deletedrecord SELECT id, -30, 'invoice', 'invoice', 'gone', 'UIF', 1, $stamp, 'F', 'F', 'F' FROM d");
	}
	elsif ($what == 4)
	{
		# a line changes, its header does not
		control(op => 'sql', sql => "UPDATE ns.transactionline SET memo = 'line " . int(rand(1e9)) . "', linelastmodifieddate = $stamp WHERE (transaction, id) = (SELECT transaction, id FROM ns.transactionline ORDER BY uniquekey OFFSET $row LIMIT 1)");
	}
	elsif ($what == 5)
	{
		# an edit takes a line away
		control(op => 'sql', sql => "WITH t AS (UPDATE ns.transaction SET lastmodifieddate = $stamp WHERE id = $pick RETURNING id) DELETE FROM ns.transactionline l USING t WHERE l.transaction = t.id AND l.id = 1");
	}
	else
	{
		# no cursor, no feed: read whole
		control(op => 'sql', sql => "UPDATE ns.customrecord_asset SET name = 'asset " . int(rand(1e9)) . "' WHERE id = (SELECT id FROM ns.customrecord_asset ORDER BY id OFFSET " . int(rand(300)) . ' LIMIT 1)');
	}
	return;
}

my @faults = qw(500 429 reset-before reset-body truncated 502-html short-body);

# -- killing --

my %background;

sub begin
{
	my ($name, @sql) = @_;
	return if $background{$name} && $background{$name}->pumpable;
	eval { $background{$name}->finish } if $background{$name};
	my ($out, $err) = ('', '');
	$background{$name} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . " application_name=$name", map { ('-c', $_) } @sql ], '<', '/dev/null', '>', \$out, '2>', \$err);
	return;
}

sub wait_for_server
{
	for (1 .. 600)
	{
		return if defined sql_or_nothing($node, 'SELECT 1');
		sleep(0.05);
	}
	die 'the server did not come back';
}

my %killed;
for my $round (1 .. $kills)
{
	# a third of it hits the first load, the rest what comes after
	if ($round == int($kills / 3))
	{
		control(op => 'clear_faults');
		eval { $background{syncing}->finish };
		poll_until($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'syncing'");
		$node->safe_psql('postgres', "CALL ingest.sync('copy.transaction')");
		note('loaded');
	}
	# the reader, a consumer of events, and work for the workers
	begin('syncing', "CALL ingest.sync('copy.transaction')");
	begin('consuming', map { "BEGIN; CREATE TEMP TABLE batch ON COMMIT DROP AS SELECT * FROM ingest.read_events('consumer', 200); INSERT INTO consumed SELECT id, type FROM batch; "
			. "SELECT ingest.ack('consumer', max(id)) FROM batch HAVING count(*) > 0; COMMIT" } 1 .. 10);
	# what was asked for stands where a kill between the commit and its reply does not make it uncertain
	sql_or_nothing($node, "INSERT INTO asked VALUES (5); SELECT ingest.enqueue('effect', once => false) FROM generate_series(1, 5); SELECT ingest.enqueue('asset')");
	edit() for 1 .. 1 + int(rand(4));
	control(op => 'fault', kind => $faults[ rand @faults ], count => 1 + int(rand(2)), match => 'suiteql') if rand() < 0.3;
	sleep(rand(0.6));
	my $dice = rand();
	my $victim = $dice < 0.55 ? "application_name = 'syncing'" : $dice < 0.75 ? "backend_type = 'ingest worker'" : $dice < 0.82 ? "application_name = 'consuming'" : $dice < 0.86 ? "backend_type = 'ingest scheduler'" : 'postmaster';
	if ($victim eq 'postmaster')
	{
		$node->kill9;
		$killed{$victim}++;
		# until the last of its children has noticed
		for (1 .. 300)
		{
			last if system_log('pg_ctl', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', '--cluster-name=kill', 'start') == 0;
			sleep(0.1);
		}
		$node->_update_pid(1);
	}
	else
	{
		my $pid = sql_or_nothing($node, "SELECT pid FROM pg_stat_activity WHERE $victim ORDER BY random() LIMIT 1");
		if ($pid)
		{
			kill 'KILL', $pid;
			$killed{$victim}++;
		}
		else
		{
			# nobody there: the checkpointer will do, all die with it
			$pid = sql_or_nothing($node, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
			kill 'KILL', $pid if $pid;
			$killed{'checkpointer'}++;
		}
	}
	wait_for_server();
}
my $total = 0;
$total += $_ for values %killed;
note(join(', ', map { "$_: $killed{$_}" } sort keys %killed));
cmp_ok($total, '>=', $kills, "$total kills");

# -- and in the end --

for my $name (keys %background) { eval { $background{$name}->finish }; }
control(op => 'clear_faults');
sleep(2);
poll_until($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name IN ('syncing', 'consuming')");
# whoever is working finishes; then everything once more
poll_until($node, 'postgres', 'SELECT count(*) = 0 FROM ingest.queue', 't', 'SELECT * FROM ingest.queue');
$node->safe_psql('postgres', "CALL ingest.sync('copy.transaction')");
$node->safe_psql('postgres', "CALL ingest.sync('copy.asset')");

is(differences($node, 'copy.transaction', 'erp.transaction'), '0', 'headers are those of the source')
  or diag($node->safe_psql('postgres', q{SELECT CASE WHEN e.id IS NULL THEN 'too many' WHEN t.id IS NULL THEN 'missing' ELSE 'stale' END, coalesce(t.id, e.id), t.lastmodifieddate, e.lastmodifieddate,
	(SELECT array_agg(operation ORDER BY seq) FROM ingest.change c WHERE c.key = jsonb_build_object('id', coalesce(t.id, e.id))), (SELECT deleteddate FROM netsuite.deletedrecord d WHERE d.recordid = t.id LIMIT 1)
	FROM copy.transaction t FULL JOIN (SELECT * FROM erp.transaction) e USING (id) WHERE t.memo IS DISTINCT FROM e.memo OR t.id IS NULL OR e.id IS NULL LIMIT 12}),
	$node->safe_psql('postgres', "SELECT * FROM ingest.table_status WHERE sync = 'copy.transaction'"), $node->safe_psql('postgres', 'SELECT * FROM ingest.run_status ORDER BY run DESC LIMIT 5'));
is(differences($node, 'copy.line', 'erp.transactionline'), '0', 'lines are those of the source');
is(differences($node, 'copy.asset', 'erp.customrecord_asset'), '0', 'the table without a cursor is that of the source');
is(history_replayed($node, 'copy.transaction', 'copy.transaction', 'id'), '0 0', 'history replayed is the copy, and each version follows from the one before');
is(history_replayed($node, 'copy.asset', 'copy.asset', 'id'), '0 0', 'also of the table without a cursor');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT jsonb_build_object('transaction', transaction, 'id', id) AS k, to_jsonb(t) AS r FROM copy.line t) t
	FULL JOIN (SELECT DISTINCT ON (key) key, after FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'copy.line') ORDER BY key, seq DESC) l ON l.key = t.k
	WHERE t.r IS DISTINCT FROM l.after}), '0', 'and of lines');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT operation, key, row_number() OVER (PARTITION BY key, sync ORDER BY seq) AS n, (SELECT name FROM ingest.sync s WHERE s.id = c.sync) AS name FROM ingest.change c) c
	FULL JOIN (SELECT data->>'operation' AS operation, data->'key' AS key, row_number() OVER (PARTITION BY data->'key', data->>'sync' ORDER BY id) AS n, data->>'sync' AS name
		FROM ingest.event WHERE type = 'ingest.row.changed') e USING (operation, key, n, name)
	WHERE (c.name IS NULL OR e.name IS NULL) AND name <> 'copy.asset'}), '0', 'an event for each version, and a version for each event')
  if $node->safe_psql('postgres', 'SELECT 1');
my $asked = $node->safe_psql('postgres', 'SELECT sum(n) FROM asked');
is($node->safe_psql('postgres', 'SELECT count(*) FROM effect'), $asked, "each of $asked jobs was done once");
is($node->safe_psql('postgres', "SELECT count(*) FROM ingest.dead_letter"), '0', 'no job was given up');
# the consumer reads what is left
$node->safe_psql('postgres', q{
	DO $$ DECLARE n bigint; BEGIN LOOP
		CREATE TEMP TABLE batch AS SELECT * FROM ingest.read_events('consumer', 1000);
		INSERT INTO consumed SELECT id, type FROM batch;
		SELECT max(id) INTO n FROM batch;
		DROP TABLE batch;
		EXIT WHEN n IS NULL;
		PERFORM ingest.ack('consumer', n);
	END LOOP; END $$;});
is($node->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT id) FROM consumed'), '0', 'no event was read twice');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ingest.event e FULL JOIN consumed c USING (id) WHERE e.id IS NULL OR c.id IS NULL'), '0', 'and none was missed');
is($node->safe_psql('postgres', "SELECT count(*) FROM ingest.run WHERE state = 'running'"), '0', 'no run seems to run');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM ingest.run WHERE state = 'lost'"), '>', 0, 'those that died are called lost');

$node->stop;
done_testing();
