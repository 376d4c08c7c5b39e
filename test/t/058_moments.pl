# What a copy was at a moment, where time does not go on as it should: a clock that was ahead and was set right, a restore to
# a point in time
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);
use Test::More;

my $shop = PostgreSQL::Test::Cluster->new('shop');
$shop->init;
$shop->append_conf('postgresql.conf', "fsync = off\n");
$shop->start;
my $node = PostgreSQL::Test::Cluster->new('moments');
$node->init(allows_streaming => 1, has_archiving => 1);
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub there { return $shop->safe_psql('postgres', $_[0]) }
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub state_of { my ($of, $query) = @_; my ($out, $err); $of->psql('postgres', "\\set VERBOSITY sqlstate\n$query", stdout => \$out, stderr => \$err); return $err =~ /ERROR:  (\w+)/ ? $1 : $out }
my ($host, $port) = ($shop->host, $shop->port);
there("CREATE TABLE t (id int PRIMARY KEY, v text, changed timestamptz); INSERT INTO t SELECT i, 'v', now() - interval '1 hour' FROM generate_series(1, 20) i");
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{public}')");
sql("CALL ingest.crawl('shop')");
sql("SELECT ingest.create_sync('there.t', 'c.t', key => '{id}', cursor_column => 'changed', history => true)");
sub change { my ($v) = @_; there("UPDATE t SET v = '$v', changed = clock_timestamp() WHERE id = 1"); sql("CALL ingest.sync('c.t')"); return sql('SELECT clock_timestamp()') }
sub as_of { my ($moment, $of) = @_; return state_of($of // $node, "SELECT v FROM ingest.as_of(NULL::c.t, '$moment') WHERE id = 1") }
sub now_is { my ($of) = @_; return state_of($of // $node, 'SELECT v FROM ingest.as_of(NULL::c.t, clock_timestamp()) WHERE id = 1') }
# what was written last was written under a clock that was two hours ahead
my $ahead = q{UPDATE ingest.change SET seen_at = seen_at + interval '2 hours' WHERE seen_at = (SELECT max(seen_at) FROM ingest.change_commit);
	UPDATE ingest.change_commit SET seen_at = seen_at + interval '2 hours', before_commit = before_commit + interval '2 hours', after_commit = after_commit + interval '2 hours'
	WHERE seen_at = (SELECT max(seen_at) FROM ingest.change_commit)};

sql("CALL ingest.sync('c.t')");
my $zero = change('zero');
my $one = change('one');
is(join(' ', map { as_of($_) } $zero, $one), 'zero one', 'two moments');
change('two');
sql($ahead);
is(as_of($zero), 'zero', 'the clock was ahead, and is right again: what was before is known');
is(now_is(), '55000', 'since when the last change is there is not known, and not told');
my $between = sql('SELECT clock_timestamp()');
sql("CALL ingest.sync('c.t')");
is(now_is(), 'two', 'the next run knows that it is there');
is(join(' ', map { as_of($_) } $one, $between), '55000 55000', 'and no more than that it came after the one before');
is(as_of($zero), 'zero', 'what was before stays as it was');
my $two = sql('SELECT clock_timestamp()');
my $three = change('three');
is(join(' ', map { as_of($_) } $zero, $one, $between, $two, $three) . ' ' . now_is(), 'zero 55000 55000 two three three', 'no answer changes later');
is(sql("SELECT string_agg((version).v, ' ' ORDER BY valid_from), bool_and(valid_from < now() AND valid_from <= coalesce(valid_to, 'infinity')) FROM ingest.row_history(NULL::c.t, '{\"id\": 1}') WHERE operation = 'update'"),
	'zero one two three|t', 'and versions follow each other');
# set right in the middle of a run: its first batch was ahead, its second is not
sql("SELECT ingest.drop_sync('c.t')");
sql("DROP VIEW IF EXISTS c.t_history; DROP TABLE c.t");
sql("SELECT ingest.create_sync('there.t', 'c.t', key => '{id}', cursor_column => 'changed', history => true, batch_rows => 5);
	CREATE FUNCTION c.ahead() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN IF NEW.id = 1 THEN $ahead; END IF; RETURN NEW; END \$\$;
	CREATE TRIGGER ahead BEFORE INSERT ON c.t FOR EACH ROW EXECUTE FUNCTION c.ahead()");
sql("CALL ingest.sync('c.t')");
is(sql("SELECT count(*) FROM ingest.change_commit WHERE after_commit > now()"), '0', 'a clock that is set right between two batches leaves nothing that is yet to come');
is(state_of($node, 'SELECT count(*) FROM ingest.as_of(NULL::c.t, clock_timestamp())'), '20', 'and the copy is known');
sql('DROP TRIGGER ahead ON c.t');

# -- a restore to a point in time --

$node->backup('b');
my $kept = change('kept');
sql("SELECT txid_current(); SELECT pg_create_restore_point('here')");
sleep(1);
my $lost = change('lost');
sleep(1);
my $lost_later = change('lost later');
sql('SELECT pg_switch_wal()');
is(join(' ', map { as_of($_) } $kept, $lost), 'kept lost', 'what is told of moments before');
$node->stop;
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'b', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', "recovery_target_name = 'here'\nrecovery_target_action = 'promote'\nrecovery_target_timeline = 'current'\n");
$restored->start;
poll_until($restored, 'postgres', 'SELECT NOT pg_is_in_recovery()');
is($restored->safe_psql('postgres', 'SELECT v FROM c.t WHERE id = 1'), 'kept', 'the copy is that of the moment');
is(as_of($kept, $restored), 'kept', 'and so is its history');
is(join(' ', map { as_of($_, $restored) } $lost, $lost_later), '22023 22023', 'of what was lost nothing is told, rather than something else than before');
my $again = $restored->safe_psql('postgres', 'SELECT ingest_internal.era(); SELECT clock_timestamp()') =~ s/.*\n//r;
is(as_of($again, $restored), 'kept', 'what is since then is known');
$restored->safe_psql('postgres', "CALL ingest.sync('c.t')");
is($restored->safe_psql('postgres', 'SELECT v FROM c.t WHERE id = 1') . ' ' . now_is($restored), 'lost later lost later', 'the next run brings what was lost');
is(join(' ', map { as_of($_, $restored) } $kept, $lost, $lost_later, $again), 'kept 22023 22023 kept', 'and no answer changes');
is($restored->safe_psql('postgres', "SELECT count(*) FROM ((TABLE there.t EXCEPT TABLE c.t) UNION ALL (TABLE c.t EXCEPT TABLE there.t)) d"), '0', 'the copy is its source');
$restored->restart;
is(join(' ', map { as_of($_, $restored) } $kept, $lost, $again), 'kept 22023 kept', 'which is remembered');
$restored->stop;
$shop->stop;
done_testing();
