# What things are, not what they are called, where one database is not enough: dumped and restored, in whole and in part; while somebody is at work
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('identity');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
my ($host, $port) = ($node->host, $node->port);

sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

# As a role, in a database: what it sees, or its error's code
sub as
{
	my ($role, $db, $sql) = @_;
	my ($out, $err);
	my $code = $node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	return $code == 0 ? $out : $err =~ /ERROR:\s+(\w{5})/ ? $1 : $err;
}

sql(qq{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw;
	CREATE ROLE "owner" LOGIN; CREATE ROLE other LOGIN;
	GRANT ingest_operator TO "owner", other; GRANT CREATE ON DATABASE postgres TO "owner";
	CREATE SCHEMA vault; CREATE TABLE vault.card (id int PRIMARY KEY, pin text, u timestamptz DEFAULT '2026-01-01');
	INSERT INTO vault.card SELECT i, 'PIN-' || i % 7 FROM generate_series(1, 40) i;
	CREATE TABLE vault.coin AS SELECT * FROM vault.card; ALTER TABLE vault.coin ADD PRIMARY KEY (id);
	CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	GRANT USAGE ON FOREIGN SERVER origin TO "owner";
	CREATE USER MAPPING FOR "owner" SERVER origin OPTIONS (user 'postgres', password_required 'false');
	SET ROLE "owner";
	CREATE SCHEMA house; GRANT USAGE ON SCHEMA house TO PUBLIC;});
my $user = getpwuid($<);
sql(qq{ALTER USER MAPPING FOR "owner" SERVER origin OPTIONS (SET user '$user')});
as('owner', 'postgres', $_) for
  "SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}')",
  "CALL ingest.crawl('origin')",
  (map { ("SELECT ingest.create_sync('far.$_', 'house.$_', cursor_column => 'u', history => true, profile => 'all')", "CALL ingest.sync('house.$_')",
	"SELECT ingest.add_rule('house.$_', 'in_set', '{pin}', '{\"values\": [\"PIN-1\"]}')", "SELECT count(*) FROM ingest.check_quality('house.$_')") } qw(card coin));
is(sql("SELECT string_agg(state, ',') FROM ingest.run WHERE kind = 'sync'"), 'succeeded,succeeded', 'two copies are made');

# -- somebody at work on a row stops no command, and what it missed is found within the hour --

my $busy = $node->background_psql('postgres');
$busy->query_safe(q{BEGIN; SELECT 1 FROM ingest.sync WHERE name = 'house.coin' FOR UPDATE});
my $began = time;
is(as('owner', 'postgres', 'ALTER TABLE house.coin RENAME TO penny'), '', 'a table is renamed while somebody is at work on its sync');
in_time(time - $began, 5, 'without waiting for that');
$busy->query_safe('ROLLBACK');
$busy->quit;
is(sql("SELECT target_table FROM ingest.sync WHERE name = 'house.coin'"), 'coin', 'so the new name is not known yet');
is(as('owner', 'postgres', "SELECT count(*) FROM ingest.quality_status WHERE (schema_name, table_name) = ('house', 'coin') AND examples IS NOT NULL"), '1', 'but the table is still the same to its owner');
sql('SELECT ingest_internal.prune(interval \'1 year\', interval \'1 year\')');
is(sql("SELECT target_table FROM ingest.sync WHERE name = 'house.coin'"), 'penny', 'what comes hourly finds it');
is(as('owner', 'postgres', 'ALTER TABLE house.penny RENAME TO coin'), '', 'and back');

# -- nothing concerned: cheap --

sub renaming
{
	my $began = time;
	sql('CREATE TABLE plain (x int);' . 'ALTER TABLE plain RENAME COLUMN x TO y; ALTER TABLE plain RENAME COLUMN y TO x;' x 200 . 'DROP TABLE plain');
	return (time - $began) * 1000 / 400;
}

# the best of three: other tests run beside this one
my ($followed) = sort { $a <=> $b } map { renaming() } 1 .. 3;
sql('ALTER EVENT TRIGGER ingest_on_alter DISABLE');
my ($alone) = sort { $a <=> $b } map { renaming() } 1 .. 3;
sql('ALTER EVENT TRIGGER ingest_on_alter ENABLE');
note(sprintf '%.3f ms for a command that concerns nothing, %.3f without event triggers', $followed, $alone);
in_time($followed - $alone, 1, 'what concerns nothing kept costs next to nothing');

# -- dumped, and restored into another database of the cluster: what was there has other numbers --

# roles that did nothing but write events: one stays what it is, one has another number where it is restored, one is renamed before, and one is gone by then
sql(qq{CREATE ROLE $_ LOGIN; GRANT ingest_operator TO $_}) for qw(scribe clerk notary ghost);
is(as($_, 'postgres', "SELECT ingest.emit('com.example.note', '$_', '{}') FROM generate_series(1, 3)"), "\n\n", "$_ writes events") for qw(scribe clerk notary ghost);
is(as('scribe', 'postgres', qq{BEGIN; SAVEPOINT a; SELECT ingest.emit('com.example.note', 'undone', '{}'); ROLLBACK TO a; COMMIT}), '', 'and one that is undone');
# a session whose first event did not come to be
is(sql(q{SET ROLE other; BEGIN; SELECT ingest.emit('com.example.note', 'undone', '{}'); ROLLBACK; BEGIN; SAVEPOINT a; SELECT ingest.emit('com.example.note', 'undone', '{}'); ROLLBACK TO a; SELECT ingest.emit('com.example.note', 'other', '{}'); COMMIT; RESET ROLE;
	SELECT count(*) FROM ingest.event_owner WHERE role_name = 'other'}), "\n\n\n1", 'whose name is kept when one does');
sql('ALTER ROLE notary RENAME TO solicitor; DROP ROLE ghost');
sql('SELECT ingest_internal.prune(interval \'1 year\', interval \'1 year\')');
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
sql('CREATE DATABASE whole; CREATE DATABASE part');
my $in_whole = $node->connstr('whole');
$node->command_ok([ 'pg_restore', '-d', $in_whole, $dump ], 'the whole is restored');
is(sql("SELECT string_agg(evtname || ' ' || rolsuper, ', ' ORDER BY evtname) FROM pg_event_trigger JOIN pg_roles r ON r.oid = evtowner", 'whole'), 'ingest_on_alter true, ingest_on_drop true', 'with event triggers');
isnt(sql("SELECT target FROM ingest.sync WHERE name = 'house.card'", 'whole'), sql("SELECT 'house.card'::regclass::oid", 'whole'), 'the copy has another number there');

# a table of another role's that has the number by accident, and the rows that are kept of a column
sql(q{CREATE SCHEMA trap; CREATE TABLE trap.mine (id int, pin text); ALTER TABLE trap.mine OWNER TO "owner"; GRANT USAGE ON SCHEMA trap TO other; GRANT SELECT ON trap.mine TO other;
	UPDATE ingest.profile_stats SET relation = 'trap.mine'::regclass WHERE table_name = 'card';
	UPDATE ingest.sync SET target = 'trap.mine'::regclass WHERE name = 'house.card';
	UPDATE ingest.source_table SET relation = 'trap.mine'::regclass WHERE name = 'card';
	INSERT INTO ingest.source_grant SELECT id, 'other'::regrole, 'other' FROM ingest.data_source;}, 'whole');
for my $role ('owner', 'other')
{
	is(as($role, 'whole', 'SELECT count(*) FROM ingest.profile_status WHERE samples IS NOT NULL OR min IS NOT NULL'), '0', "until it is enabled, $role sees no profile");
	is(as($role, 'whole', 'SELECT (SELECT count(*) FROM ingest.source_status) + (SELECT count(*) FROM ingest.change) + (SELECT count(*) FROM ingest.column_status)'), '0', 'nor anything else');
}
sql('ALTER TABLE trap.mine RENAME TO ours; DROP TABLE trap.ours', 'whole');
is(sql("SELECT target_table, state FROM ingest.sync WHERE name = 'house.card'", 'whole'), 'card|active', 'and what is done there changes nothing of it');
# as where roles were made in another order: two have changed numbers, and one a name that was another's
sql('DROP ROLE clerk; CREATE ROLE clerk LOGIN; GRANT ingest_operator TO clerk; CREATE ROLE ghost LOGIN; GRANT ingest_operator TO ghost; CREATE ROLE notary LOGIN; GRANT ingest_operator TO notary');
is(sql('SELECT count(*) FROM ingest.enable()', 'whole'), '0', 'an admin enables it');
is(as($_, 'whole', "SELECT string_agg(subject, ',') FROM ingest.event WHERE type LIKE 'com.example.%'"), { scribe => 'scribe,scribe,scribe', clerk => 'clerk,clerk,clerk', solicitor => 'notary,notary,notary' }->{$_} // '', "$_ sees its own events there")
  for qw(scribe clerk solicitor notary ghost);
is(sql("SELECT count(*) FROM ingest.event_owner o LEFT JOIN pg_roles r ON r.oid = o.role WHERE r.rolname IS DISTINCT FROM o.role_name", 'whole'), '0', 'whose names and numbers are those of this place');
is(sql(q{SELECT target = 'house.card'::regclass, relation = 'far.card'::regclass FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id WHERE s.name = 'house.card'}, 'whole'), 't|t', 'tables are found by name');
is(sql(q{SELECT count(*), bool_and(p.relation = format('%I.%I', p.schema_name, p.table_name)::regclass AND a.attname = p.column_name)
	FROM ingest.profile_stats p JOIN pg_attribute a ON (a.attrelid, a.attnum) = (p.relation, p.attnum)}, 'whole'), sql('SELECT count(*) FROM ingest.profile_stats') . '|t', 'and profiles');
is(sql('SELECT count(*) FROM ingest.lineage_edge WHERE to_relation = 0', 'whole'), '0', 'and flows');
is(as('owner', 'whole', 'SELECT count(*) > 0 FROM ingest.profile_status WHERE samples IS NOT NULL'), 't', 'their owner sees them again');
is(as('owner', 'whole', 'SELECT count(*) FROM ingest.as_of(NULL::house.card, now())'), '40', 'and history');
like(as('owner', 'whole', 'ALTER TABLE house.card RENAME TO account'), qr/^$/, 'a table is renamed there');
is(sql("SELECT target_table FROM ingest.sync WHERE name = 'house.card'", 'whole'), 'account', 'and followed');

# -- restored without one of the copies --

my ($list) = run_command([ 'pg_restore', '-l', $dump ]);
my $some = $node->basedir . '/some';
append_to_file($some, join "\n", grep { !m{ house coin_pkey\b| house coin\b| house coin_history\b|VIEW coin_history\b} } split /\n/, $list);
$node->command_ok([ 'pg_restore', '-d', $node->connstr('part'), '-L', $some, $dump ], 'a part is restored');
is(sql("SELECT to_regclass('house.coin') IS NULL, to_regclass('house.card') IS NULL", 'part'), 't|f', 'without a copy');
sql('SELECT ingest.enable()', 'part');
is(sql('SELECT name, target <> 0 FROM ingest.sync ORDER BY 1', 'part'), "house.card|t\nhouse.coin|f", 'that is not found');
sql('CREATE TABLE house.coin (id int PRIMARY KEY, pin text, u timestamptz); ALTER TABLE house.coin OWNER TO other; GRANT SELECT ON house.coin TO "owner"', 'part');
sql('INSERT INTO ingest.source_grant SELECT id, \'other\'::regrole, \'other\' FROM ingest.data_source', 'part');
is(as('other', 'part', 'SELECT count(*) FROM ingest.as_of(NULL::house.coin, now())'), '55000', 'what another role makes under its name has none of its history');
is(as('other', 'part', q{SELECT count(*) FROM ingest.profile_status WHERE table_name = 'coin' AND samples IS NOT NULL}), '0', 'nor samples');
is(as('other', 'part', q{SELECT count(*) FROM ingest.quality_status WHERE (schema_name, table_name) = ('house', 'coin') AND examples IS NOT NULL}), '0', 'nor results of rules');
is(as('other', 'part', q{SELECT count(*) FROM ingest.check_quality('house.coin')}), '0', 'nor rules');
is(as('owner', 'part', "SELECT count(*) FROM ingest.as_of(NULL::house.card, now())"), '40', 'what was restored goes on');

# -- the extension goes --

sql('DROP EXTENSION ingest CASCADE', 'whole');
is(sql('SELECT count(*) FROM pg_event_trigger', 'whole'), '0', 'DROP EXTENSION takes its event triggers with it');
sql('DROP TABLE house.account; ALTER TABLE house.coin RENAME TO nickel', 'whole');
sql('CREATE EXTENSION ingest', 'whole');
pass('and it is made again');
$node->stop;
done_testing();
