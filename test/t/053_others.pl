# Copies that others write as well, rows that stand in each other's way, triggers of the user's, keys with two spellings
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('others');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION citext; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE COLLATION public.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE TABLE shop.t (id integer PRIMARY KEY, v text, changed timestamptz);
	INSERT INTO shop.t SELECT i, 'v', now() - interval '1 hour' FROM generate_series(1, 100) i;
	CREATE TABLE shop.place (id integer PRIMARY KEY, pos integer NOT NULL, changed timestamptz);
	INSERT INTO shop.place SELECT i, i, now() - interval '1 hour' FROM generate_series(1, 40) i;
	CREATE TABLE shop.folded (k citext PRIMARY KEY, v text, changed timestamptz);
	CREATE TABLE shop.number (k numeric PRIMARY KEY, v text, changed timestamptz);
	CREATE TABLE shop.collated (k text COLLATE public.folded PRIMARY KEY, v text, changed timestamptz);
	CREATE TABLE shop.padded (k bpchar PRIMARY KEY, v text, changed timestamptz);
	CREATE TABLE shop.twice (id integer, v text, changed timestamptz);
	INSERT INTO shop.folded VALUES ('ABC', 'one', now()), ('DEF', 'one', now());
	INSERT INTO shop.number VALUES (1.0, 'one', now()), (2, 'one', now());
	INSERT INTO shop.collated VALUES ('ABC', 'one', now()), ('DEF', 'one', now());
	INSERT INTO shop.padded VALUES ('a', 'one', now()), ('b', 'one', now());
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
# rows that a copy and its source have not both, as they are written
sub apart
{
	my ($there, $here, $columns) = @_;
	$columns //= 'x.*';
	return sql("SELECT count(*) FROM ((SELECT ROW($columns)::text FROM $there x EXCEPT SELECT ROW($columns)::text FROM $here x)
		UNION ALL (SELECT ROW($columns)::text FROM $here x EXCEPT SELECT ROW($columns)::text FROM $there x)) d");
}
sub last_run { return sql("SELECT state, rows_inserted, rows_updated, rows_deleted, rows_rejected FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1") }
sub versions { return sql("SELECT operation || ' ' || coalesce(before->>'v', '-') || ' ' || coalesce(after->>'v', '-') FROM ingest.change c JOIN ingest.sync s ON s.id = c.sync WHERE s.name = '$_[0]' AND c.key = '$_[1]' AND operation <> 'load' ORDER BY seq") }
# a sync that has to wait for what somebody else does to the copy, and does not commit before
sub sync_behind
{
	my ($copy, $what) = @_;
	my $other = start_session($node, "BEGIN; SET application_name = 'other'; $what; SELECT pg_sleep(6); COMMIT");
	poll_until($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'other' AND wait_event = 'PgSleep'");
	my $sync = start_session($node, "CALL ingest.sync('$copy')");
	poll_until($node, 'postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ 'CALL ingest.sync' AND wait_event_type = 'Lock'");
	my (undef, $error) = session_ended($other);
	is($error =~ /ERROR/ ? $error : '', '', 'the other one is done');
	(undef, $error) = session_ended($sync);
	is($error =~ /ERROR/ ? $error : '', '', 'and so is the sync');
	return;
}

# Somebody else writes the row between its comparison and its lock
sql("SELECT ingest.create_sync('there.t', 'c.t', key => '{id}', cursor_column => 'changed', history => true, row_events => true, max_delete_share => 1)");
sql("CALL ingest.sync('c.t')");
sql("UPDATE shop.t SET v = 'new', changed = now() WHERE id = 1");
sync_behind('c.t', "DELETE FROM c.t WHERE id = 1");
is(apart('shop.t', 'c.t'), '0', 'a row that somebody deleted meanwhile is there all the same');
is(last_run(), 'succeeded|1|0|0|0', 'and counted as what it was');
is(versions('c.t', '{"id": 1}'), 'insert - new', 'in history as well');
sql("UPDATE shop.t SET v = 'new', changed = now() WHERE id = 2");
sync_behind('c.t', "UPDATE c.t SET v = 'theirs' WHERE id = 2");
is(versions('c.t', '{"id": 2}'), 'update theirs new', 'what somebody wrote meanwhile is what was there before');
sql("UPDATE shop.t SET v = 'there', changed = now() WHERE id = 4");
sync_behind('c.t', "UPDATE c.t s SET v = t.v, changed = t.changed FROM shop.t t WHERE s.id = 4 AND t.id = 4");
is(versions('c.t', '{"id": 4}'), '', 'a row that somebody made the same needs no version');
sql("INSERT INTO shop.t VALUES (101, 'new', now())");
sync_behind('c.t', "INSERT INTO c.t VALUES (101, 'theirs', now())");
is(versions('c.t', '{"id": 101}'), 'update theirs new', 'one that somebody inserted meanwhile is changed');
sql("DELETE FROM shop.t WHERE id = 5; SELECT ingest.reload('c.t', keys_only => true)");
sync_behind('c.t', "UPDATE c.t SET v = 'theirs' WHERE id = 5");
is(versions('c.t', '{"id": 5}'), 'delete theirs -', 'what goes goes as it was');
sql("DELETE FROM shop.t WHERE id = 6; SELECT ingest.reload('c.t', keys_only => true)");
sync_behind('c.t', "DELETE FROM c.t WHERE id = 6");
is(versions('c.t', '{"id": 6}'), '', 'what somebody else deleted was not deleted by the run');
is(last_run(), 'succeeded|0|0|0|0', 'nor counted');
is(apart('shop.t', 'c.t'), '0', 'and the copy is its source');
is(sql("SELECT count(*) FROM ingest.event WHERE type = 'ingest.row.changed' AND data->>'operation' <> 'load'"),
	sql("SELECT count(*) FROM ingest.change WHERE operation <> 'load'"), 'events tell the same');

# Triggers of the user's
sql("CREATE FUNCTION c.meddle() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.id = 12 THEN NULL ELSE OLD END; END IF;
		IF NEW.id IN (10, 110) THEN RETURN NULL; END IF;
		NEW.v := upper(NEW.v); RETURN NEW; END \$\$;
	CREATE TRIGGER meddle BEFORE INSERT OR UPDATE OR DELETE ON c.t FOR EACH ROW EXECUTE FUNCTION c.meddle()");
sql("UPDATE shop.t SET v = 'small', changed = now() WHERE id BETWEEN 10 AND 14; INSERT INTO shop.t VALUES (110, 'left out', now()), (111, 'taken', now())");
sql("CALL ingest.sync('c.t')");
is(last_run(), 'succeeded with|1|4|0|2', 'rows that a trigger leaves out are rejected, the rest is counted');
is(sql("SELECT string_agg((key->>'id') || ' ' || (content->>'v') || ' ' || sqlstate, ', ' ORDER BY key) FROM ingest.rejected_row WHERE resolved_at IS NULL"), '10 small 09000, 110 left out 09000', 'and can be seen');
is(versions('c.t', '{"id": 11}'), 'update v SMALL', 'history has what is in the copy');
is(versions('c.t', '{"id": 10}') . versions('c.t', '{"id": 110}'), '', 'and nothing of what is not');
sql("CALL ingest.sync('c.t')");
is(last_run(), 'succeeded with|0|0|0|2', 'a row that a trigger makes the same again is no change');
is(versions('c.t', '{"id": 11}'), 'update v SMALL', 'and no version');
is(sql("SELECT count(*) FROM ingest.rejected_row WHERE resolved_at IS NULL"), '2', 'what is left out again is told once');
sql("DELETE FROM shop.t WHERE id IN (12, 13); SELECT ingest.reload('c.t', keys_only => true)");
sql("CALL ingest.sync('c.t')");
is(versions('c.t', '{"id": 12}') . ', ' . versions('c.t', '{"id": 13}'), "update v SMALL, update v SMALL\ndelete SMALL -", 'what a trigger keeps was not deleted');
sql("DROP TRIGGER meddle ON c.t");
sql("CALL ingest.redrive('c.t')");
is(sql("SELECT string_agg(id || v, ' ' ORDER BY id) FROM c.t WHERE id IN (10, 110)"), '10small 110left out', 'without the trigger they fit');
is(sql("SELECT count(*) FROM ingest.rejected_row WHERE resolved_at IS NULL"), '0', 'and are settled');
# a first load into a table with a trigger
sql("CREATE TABLE c.first (id integer PRIMARY KEY, v text, changed timestamptz); CREATE TRIGGER meddle BEFORE INSERT ON c.first FOR EACH ROW EXECUTE FUNCTION c.meddle();
	SELECT ingest.create_sync('there.t', 'c.first', key => '{id}', cursor_column => 'changed')");
sql("CALL ingest.sync('c.first')");
is(last_run(), 'succeeded with|' . sql("SELECT count(*) - 2 FROM shop.t") . '|0|0|2', 'a first load sees what a trigger leaves out');

# Rows that stand in each other's way
sql("SELECT ingest.create_sync('there.place', 'c.place', key => '{id}', cursor_column => 'changed', history => true)");
sql("CALL ingest.sync('c.place')");
sql("ALTER TABLE c.place ADD UNIQUE (pos), ADD mine text; UPDATE c.place SET mine = 'm' || id;
	CREATE TABLE c.refers (place integer REFERENCES c.place); INSERT INTO c.refers SELECT id FROM c.place");
sql("UPDATE shop.place SET pos = 3 - pos, changed = now() WHERE id IN (1, 2)");
sql("CALL ingest.sync('c.place')");
is(apart('shop.place', 'c.place', 'id, pos, changed'), '0', 'two rows swap what only one may have');
is(last_run(), 'succeeded|0|2|0|0', 'as changes');
is(sql("SELECT string_agg(before->>'pos' || (after->>'pos') || (after->>'mine'), ' ' ORDER BY key) FROM ingest.change WHERE operation = 'update' AND before ? 'pos'"), '12m1 21m2', 'in history as well');
is(sql("SELECT count(*) FROM c.place WHERE mine = 'm' || id"), '40', "and what is the user's in them stays");
sql("BEGIN; UPDATE shop.place SET pos = pos + 1000; UPDATE shop.place SET pos = pos - 999, changed = now(); COMMIT");
sql("CALL ingest.sync('c.place')");
is(apart('shop.place', 'c.place', 'id, pos, changed'), '0', 'all rows move up by one');
# swaps beside rows that really do not fit
sql("UPDATE shop.place SET pos = 100, changed = now() WHERE id IN (20, 21); ");
sql("UPDATE shop.place SET pos = CASE id WHEN 30 THEN (SELECT pos FROM shop.place WHERE id = 31) ELSE (SELECT pos FROM shop.place WHERE id = 30) END, changed = now() WHERE id IN (30, 31)");
sql("CALL ingest.sync('c.place')");
is(apart('(SELECT * FROM shop.place WHERE id NOT IN (20, 21))', '(SELECT * FROM c.place WHERE id NOT IN (20, 21))', 'id, pos, changed'), '0', 'a swap beside rows that really do not fit');
is(sql("SELECT count(*) FROM c.place WHERE pos = 100"), '1', 'of which one has the place');
is(sql("SELECT sqlstate FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'c.place' AND r.resolved_at IS NULL"), '23505', 'and the other is put aside');
sql("UPDATE shop.place SET pos = 101, changed = now() WHERE id = 21");
sql("CALL ingest.sync('c.place')");
is(apart('shop.place', 'c.place', 'id, pos, changed'), '0', 'until it fits');
# what would take others with it is not taken out
sql("CREATE TABLE c.cascades (place integer REFERENCES c.place ON DELETE CASCADE); INSERT INTO c.cascades SELECT id FROM c.place");
sql("UPDATE shop.place SET pos = CASE id WHEN 1 THEN (SELECT pos FROM shop.place WHERE id = 2) ELSE (SELECT pos FROM shop.place WHERE id = 1) END, changed = now() WHERE id IN (1, 2)");
sql("CALL ingest.sync('c.place')");
is(sql("SELECT count(*) FROM c.cascades"), '40', 'rows that refer to it stay');
is(last_run(), 'succeeded with|0|0|0|2', 'and those that swap are put aside');

# Keys that are equal and not the same
for my $case (['folded', 'abc', 'ABC'], ['number', '1.00', '1.0'], ['collated', 'abc', 'ABC'], ['padded', 'a  ', 'a'])
{
	my ($table, $new, $old) = @$case;
	sql("SELECT ingest.create_sync('there.$table', 'c.$table', key => '{k}', cursor_column => 'changed', history => true)");
	sql("CALL ingest.sync('c.$table')");
	my $moment = sql('SELECT clock_timestamp()');
	sql("UPDATE shop.$table SET v = 'two', changed = now() WHERE k = '$old'");
	sql("CALL ingest.sync('c.$table')");
	sql("UPDATE shop.$table SET k = '$new' WHERE k = '$old'");
	sql("SELECT ingest.reload('c.$table', keys_only => true)");
	sql("CALL ingest.sync('c.$table')");
	is(apart("shop.$table", "c.$table", "k::text || '.', v, changed"), '0', "$table: another spelling alone is followed");
	sql("UPDATE shop.$table SET v = 'three', changed = now() WHERE k = '$old'");
	sql("CALL ingest.sync('c.$table')");
	is(apart("shop.$table", "c.$table", "k::text || '.', v, changed"), '0', 'and stays');
	is(sql("SELECT string_agg(k || v, ' ' ORDER BY k) FROM ingest.as_of(NULL::c.$table, '$moment')"), $table eq 'number' ? '1.0one 2one' : $table eq 'padded' ? 'aone bone' : 'ABCone DEFone', 'it was what it was');
	is(sql("SELECT count(*) FROM (SELECT c.key FROM ingest.change c JOIN ingest.sync s ON s.id = c.sync WHERE s.name = 'c.$table' GROUP BY c.key HAVING (array_agg(after ORDER BY seq DESC))[1] IS NOT NULL) x"), '2', 'history ends with the rows that are there');
}

# Of two rows with one key and one stamp the one that was read last counts, each time
sql("INSERT INTO shop.twice SELECT i % 5, 'v' || i, '2026-01-01' FROM generate_series(1, 40) i; SELECT ingest.create_sync('there.twice', 'c.twice', key => '{id}', mode => 'full')");
sql("CALL ingest.sync('c.twice')");
is(sql("SELECT string_agg(v, ' ' ORDER BY id) FROM c.twice"), 'v40 v36 v37 v38 v39', 'the last of rows with one key');
# a key that is none is told when counts differ again, and stops this sync alone
$node->psql('postgres', "CALL ingest.sync('c.twice')");
is(sql("SELECT string_agg(v, ' ' ORDER BY id) FROM c.twice"), 'v40 v36 v37 v38 v39', 'each time');
like(sql("SELECT state || ': ' || state_reason FROM ingest.table_status WHERE sync = 'c.twice'"), qr/^stopped: the key \(id\) is not unique in there.twice: 5 keys have more than one row/, 'and a key that is none stops the sync');
$node->stop;
done_testing();
