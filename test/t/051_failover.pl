# After the promotion of a standby that lagged, and after a restore to a point in time, no id is that of two events, and
# consumers go on where they were
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';

# CloudEvents' source and id with what tells events apart, of all that there are
sub known
{
	my ($node) = @_;
	return split(/\n/, $node->safe_psql($p, q{SELECT c ->> 'source' || ' ' || (c ->> 'id') || '=' || (c ->> 'subject') FROM ingest.event e, ingest.cloud_event(e) c WHERE c ->> 'type' LIKE 'st.%'}));
}

sub emit
{
	my ($node, $what, $n) = @_;
	$node->safe_psql($p, "SELECT count(ingest.emit('st.x', '$what ' || i, '{}')) FROM generate_series(1, $n) i");
	return;
}

# what a consumer gets until nothing is left, acknowledged
sub take
{
	my ($node) = @_;
	my @got;
	while (my $batch = $node->safe_psql($p, q{SELECT id || ' ' || subject FROM ingest.read_events('c', 100)}))
	{
		my @rows = split(/\n/, $batch);
		my ($last) = $rows[-1] =~ /^(\d+)/;
		$node->safe_psql($p, "SELECT ingest.ack('c', $last)");
		push @got, map { s/^\d+ //r } @rows;
	}
	return @got;
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, has_archiving => 1);
$primary->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 10\n");
$primary->start;
$primary->safe_psql($p, q{SET client_min_messages = warning; CREATE EXTENSION ingest CASCADE; SELECT ingest.subscribe('c', '{st.*}')});
emit($primary, 'before', 10);
take($primary);
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;

# read but not acknowledged, prepared but not committed, all of it known to the standby
emit($primary, 'replicated', 5);
$primary->safe_psql($p, q{BEGIN; SELECT ingest.emit('st.x', 'prepared', '{}'); PREPARE TRANSACTION 'over'});
emit($primary, 'after it', 1);
is($primary->safe_psql($p, q{SELECT count(*) FROM ingest.read_events('c')}), 6, 'the consumer was about to acknowledge');
$primary->safe_psql($p, q{SELECT pg_create_restore_point('here')});
$primary->wait_for_catchup($standby);

# a session of the standby that lives through its promotion
my ($in, $out) = ("SELECT 'era ' || ingest_internal.era();\n", '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $standby->connstr($p) ], '<', \$in, '>', \$out, '2>&1');
my $wait = sub {
	my $until = time() + 30;
	while ($out !~ $_[0] && time() < $until) { $session->pump_nb; sleep(0.02); }
	return $out;
};
like($wait->(qr/era/), qr/^era 1$/m, 'a standby knows the era');

# 168 more, of which the standby never hears
$standby->append_conf('postgresql.conf', "primary_conninfo = ''\n");
$standby->reload;
poll_until($standby, $p, 'SELECT count(*) = 0 FROM pg_stat_wal_receiver');
emit($primary, 'lost', 168);
$primary->safe_psql($p, 'SELECT pg_switch_wal()');
my @before = known($primary);
is(scalar @before, 184, 'what the world knows of the first life');
$primary->stop;

$standby->promote;
emit($standby, 'promoted', 200);
$in .= "SELECT 'now ' || ingest_internal.era();\n";
like($wait->(qr/now/), qr/^now 2$/m, 'the promoted one is another era, also for who was there before');
$session->finish;
$standby->safe_psql($p, q{COMMIT PREPARED 'over'});
is($standby->safe_psql($p, 'SELECT era FROM ingest.installation'), 2, 'which is written down');
# who reads behind what he holds gets nothing of the next era before he has acknowledged this one: an id is not of both
my $read = q{SELECT coalesce(max(era) || ' ' || max(id), 'nothing') FROM ingest.read_events('c', 100)};
my ($era, $held) = split / /, $standby->safe_psql($p, $read);
is($era, 1, 'the era before is read first');
is($standby->safe_psql($p, "SELECT count(*) FROM ingest_internal.read_ahead('c', 100, 1, $held)"), 0, 'the era that is read is read to its end first');
my @got = take($standby);
is(join(', ', @got), join(', ', (map { "replicated $_" } 1 .. 5), 'after it 1', 'prepared', map { "promoted $_" } 1 .. 200), 'the consumer goes on where it was, in both eras');
emit($standby, 'later', 3);
is(join(', ', take($standby)), 'later 1, later 2, later 3', 'and on');
is($standby->safe_psql($p, q{SELECT floor_era FROM ingest.subscription}), 2, 'the old era is no longer looked through');

# nor of a batch that began after somebody else acknowledged what is held: it may have ids before that
emit($standby, 'held', 2);
(undef, $held) = split / /, $standby->safe_psql($p, $read);
take($standby);
emit($standby, 'behind', 2);
like($standby->safe_psql($p, $read), qr/^2 \d+$/, 'another batch is open');
is($standby->safe_psql($p, "SELECT count(*) FROM ingest_internal.read_ahead('c', 100, 2, $held)"), 0, 'of which nothing is read behind what is not of it');
is(join(', ', take($standby)), 'behind 1, behind 2', 'and it is read from its beginning');

# from the backup to a point in time, beside the promoted one
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($primary, 'b', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', "recovery_target_name = 'here'\nrecovery_target_action = 'promote'\nrecovery_target_timeline = 'current'\n");
$restored->start;
poll_until($restored, $p, 'SELECT NOT pg_is_in_recovery()');
emit($restored, 'restored', 100);
cmp_ok($restored->safe_psql($p, 'SELECT ingest_internal.era()'), '>', 1, 'a restore to a point in time is another era as well');
$restored->safe_psql($p, q{ROLLBACK PREPARED 'over'});
is(join(', ', take($restored)), join(', ', (map { "replicated $_" } 1 .. 5), 'after it 1', map { "restored $_" } 1 .. 100), 'and its consumers go on');

# CloudEvents: who drops doubles by source and id drops nothing else
my (%content, @twice);
for (@before, known($standby), known($restored))
{
	my ($id, $subject) = split(/=/);
	push @twice, "$id: $content{$id}, $subject" if exists $content{$id} && $content{$id} ne $subject;
	$content{$id} //= $subject;
}
is("@twice", '', 'no id has two contents');

# clusters of one name, or of none
my ($source) = split(/ /, (known($standby))[0]);
like($source, qr{^/ingest/\d{15,}/postgres$}, 'the source is that of the cluster, by its system identifier');
$standby->append_conf('postgresql.conf', "ingest.cluster_name = 'erp'\n");
$standby->restart;
emit($standby, 'named', 1);
is($standby->safe_psql($p, q{SELECT source FROM ingest.event WHERE subject = 'named 1'}), '/ingest/erp/postgres', 'or by the name that it was given');

$_->stop for $standby, $restored;
done_testing();
