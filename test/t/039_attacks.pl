# What one role tries in order to become another, to see what is another's, or to stop another: each ends in no.
# sql/ingest_rights.sql has what needs one session alone; each of these was done once before it was mended.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('attacks');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
my ($host, $port, $user) = ($node->host, $node->port, scalar getpwuid($<));

sub sql { return $node->safe_psql('postgres', $_[0]); }

# As a role, in a session of its own: what it gets, or its error
sub as
{
	my ($role, $sql, %more) = @_;
	my ($out, $err);
	my $code = $node->psql($more{db} // 'postgres', $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return $code == 0 ? $out : $err;
}

# Several statements in one session of a superuser, errors among them: all that it said
sub session
{
	my ($out, $err);
	$node->psql('postgres', join(";\n", @_), stdout => \$out, stderr => \$err, on_error_stop => 0, on_error_die => 0);
	return "$out\n$err";
}

sub ran_as { return sql('SELECT coalesce(string_agg(DISTINCT who, $$,$$), $$nobody$$) FROM prey.ran_as'); }

sql(qq{
	CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE;
	CREATE ROLE attacker LOGIN; CREATE ROLE victim LOGIN; CREATE ROLE spy LOGIN; CREATE ROLE chief LOGIN;
	GRANT ingest_operator TO attacker, victim; GRANT ingest_consumer TO spy; GRANT ingest_admin TO chief;
	GRANT CREATE ON DATABASE postgres TO attacker, victim, chief;
	CREATE SCHEMA prey; GRANT USAGE ON SCHEMA prey TO PUBLIC;
	CREATE TABLE prey.secret (id int PRIMARY KEY, secret text, u timestamptz DEFAULT '2026-01-01');
	INSERT INTO prey.secret SELECT i, 'secret ' || i FROM generate_series(1, 20) i;
	CREATE TABLE prey.ran_as (who text); GRANT INSERT ON prey.ran_as TO PUBLIC;
	CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	GRANT USAGE ON FOREIGN SERVER origin TO attacker, victim, chief;
	CREATE USER MAPPING FOR attacker SERVER origin OPTIONS (user '$user', password_required 'false');
	CREATE USER MAPPING FOR victim SERVER origin OPTIONS (user '$user', password_required 'false');
	CREATE USER MAPPING FOR chief SERVER origin OPTIONS (user '$user', password_required 'false')});
for my $role (qw(attacker victim))
{
	as($role, $_) for "CREATE SCHEMA $role", "GRANT USAGE ON SCHEMA $role TO PUBLIC",
	  "CREATE FUNCTION $role.deed() RETURNS boolean LANGUAGE sql AS 'INSERT INTO prey.ran_as VALUES (current_user) RETURNING true'",
	  "SELECT ingest.register_source('$role', 'origin', schema => '${role}_far', remote_schemas => '{prey}')", "CALL ingest.crawl('$role')",
	  "SELECT ingest.create_sync('${role}_far.secret', '$role.secret', cursor_column => 'u')", "CALL ingest.sync('$role.secret')";
}
is(sql("SELECT count(*) FROM ingest.run WHERE kind = 'sync' AND state = 'succeeded'"), '2', 'two copies are made');

# -- a superuser syncs the copy of another role, whose trigger wants to leave something in the session --

my ($edits, $began) = (0);

# What the superuser's session says that syncs after an edit, and goes on with what follows
sub synced_by_superuser
{
	my ($does, $before, @after) = @_;
	as('attacker', "CREATE OR REPLACE FUNCTION attacker.trap() RETURNS trigger LANGUAGE plpgsql AS \$t\$BEGIN EXECUTE \$d\$$does\$d\$; RETURN NULL; END\$t\$; "
		. 'DROP TRIGGER IF EXISTS trap ON attacker.secret; CREATE TRIGGER trap AFTER UPDATE ON attacker.secret FOR EACH STATEMENT EXECUTE FUNCTION attacker.trap()');
	sql("UPDATE prey.secret SET secret = 'edit @{[ ++$edits ]}', u = clock_timestamp() WHERE id = 1");
	my $said = session($before, "CALL ingest.sync('attacker.secret')", @after);
	as('attacker', 'DROP TRIGGER trap ON attacker.secret');
	return $said;
}

# programs name what they prepare: S_1, S_2 …
for my $does ('PREPARE "S_2" AS SELECT attacker.deed()', 'DEALLOCATE ALL', 'LISTEN trap', 'UNLISTEN *', 'DISCARD PLANS', 'DISCARD SEQUENCES',
	'DECLARE "S_2" CURSOR WITH HOLD FOR SELECT attacker.deed()', 'CLOSE ALL', q{LOAD 'postgres_fdw'})
{
	my $said = synced_by_superuser($does, 'PREPARE "S_1" AS SELECT 1; LISTEN mine', 'EXECUTE "S_2"', q{SELECT 'there is ' || name FROM pg_prepared_statements},
		q{SELECT 'listens to ' || c FROM pg_listening_channels() c});
	like($said, qr/is not allowed in triggers and functions of a copy/, "$does is refused");
	like($said, qr/there is S_1\n/, 'what was prepared is there');
	unlike($said, qr/there is S_2/, 'and nothing else is');
	like($said, qr/listens to mine\n/, 'what is listened to, too');
	unlike($said, qr/listens to trap/, 'and nothing else is');
}
for my $does ('CREATE TEMP VIEW ingest_orders AS SELECT attacker.deed() AS x', 'CREATE TEMP TABLE ingest_orders (x int)',
	"CREATE TEMP VIEW ingest_stage_@{[ sql(q{SELECT id FROM ingest.sync WHERE name = 'victim.secret'}) ]} AS SELECT attacker.deed() AS x")
{
	my $said = synced_by_superuser($does, 'CREATE TABLE IF NOT EXISTS public.ingest_orders (x int)', 'SELECT * FROM ingest_orders',
		q{SELECT 'left: ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'v') AND relname !~ '^ingest_stage_[0-9]+$'});
	like($said, qr/must not be left in this session/, "$does is refused");
	unlike($said, qr/left: /, 'and is gone');
}
like(synced_by_superuser('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $f$SELECT 1$f$', 'SELECT 1'), qr/must not be left in this session/, 'a function in pg_temp is refused');
is(ran_as(), 'nobody', 'nothing of it ran');
unlike(as('attacker', "SET ROLE attacker; PREPARE mine AS SELECT 1; CALL ingest.sync('attacker.secret'); EXECUTE mine"), qr/ERROR/, 'in its own session its owner may do all of it');

# -- what a superuser adds for the owner of a table is the owner's --

as('attacker', $_) for 'CREATE VIEW attacker.trapped AS SELECT 1 AS id, attacker.deed() AS d', 'GRANT SELECT ON attacker.trapped TO PUBLIC';
sql("SELECT ingest.add_rule('attacker.trapped', 'in_set', '{d}', '{\"values\": [\"true\"]}')");
sql("SELECT count(*) FROM ingest.check_quality('attacker.trapped')");
is(sql("SELECT string_agg(owner_name, ',') FROM ingest.rule"), 'attacker', 'a rule that a superuser adds is the owner\'s of the table');
is(ran_as(), 'attacker', 'and what is in a view runs as that role');
sql('TRUNCATE prey.ran_as; DELETE FROM ingest.rule');

# -- nor does a superuser's sync write into a table of others, whose triggers would run as the superuser --

as('attacker', $_) for 'CREATE TABLE attacker.bait (id int PRIMARY KEY, secret text, u timestamptz)',
  'CREATE FUNCTION attacker.bite() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM attacker.deed(); RETURN NULL; END$$',
  'CREATE TRIGGER bite AFTER INSERT ON attacker.bait FOR EACH STATEMENT EXECUTE FUNCTION attacker.bite()';
sql("CREATE USER MAPPING FOR CURRENT_USER SERVER origin OPTIONS (user '$user')");
my $said = session(q{SELECT ingest.register_source('top', 'origin', schema => 'top_far', remote_schemas => '{prey}')}, q{CALL ingest.crawl('top')},
	q{SELECT ingest.create_sync('top_far.secret', 'attacker.bait', cursor_column => 'u', adopt => true)}, q{CALL ingest.sync('attacker.bait')},
	q{SELECT ingest.create_sync('top_far.secret', 'public.given', cursor_column => 'u')}, 'ALTER TABLE public.given OWNER TO attacker',
	'SET ROLE attacker', 'CREATE TRIGGER bite AFTER INSERT ON public.given FOR EACH STATEMENT EXECUTE FUNCTION attacker.bite()', 'RESET ROLE', q{CALL ingest.sync('public.given')});
like($said, qr/must be owner of table attacker.bait/, 'a table of another role is not adopted');
like($said, qr/the table public.given of the copy belongs to another role now/, 'one that was given away is not written any more');
is(ran_as(), 'nobody', 'and no trigger runs');
sql(q{SELECT ingest.drop_source('top')});

# -- an admin acts for all owners, and does not become a superuser by it --

sql(q{SELECT ingest.create_job('of the superuser', 'sql', 'SELECT 1')});
like(as('chief', q{SELECT ingest.create_job('of the superuser', 'sql', 'SELECT attacker.deed()')}), qr/must be owner of job/, 'an admin does not change what a superuser\'s job does');
like(as('chief', q{SELECT ingest.drop_job('of the superuser')}), qr/must be owner of job/, 'nor drops it');
is(as('chief', q{SELECT count(*) FROM ingest.job WHERE name = 'of the superuser'}), '1', 'but sees it');
sql(q{GRANT pg_execute_server_program TO victim});
like(as('chief', "SELECT ingest.set_owner('attacker', '$_')"), qr/only a superuser can give a source to "$_"/, "an admin does not give a source to $_") for $user, 'victim', 'ingest_engine', 'pg_write_server_files';
like(as('chief', q{SELECT ingest.pause('victim')}), qr/must be owner of source/, 'nor acts for who can become a superuser');
sql(q{REVOKE pg_execute_server_program FROM victim});
is(as('chief', q{SELECT ingest.pause('victim'), ingest.resume('victim')}), '|', 'for others it does');

# -- who gets a source gets no code of its old owner --

as('attacker', $_) for q{SELECT ingest.add_rule('attacker.secret', 'sql', arguments => '{"condition": "attacker.deed()"}')}, q{SELECT ingest.add_rule('attacker.secret', 'not_null', '{id}')};
like(as('chief', q{SELECT ingest.set_owner('attacker', 'victim')}), qr/^$/, 'a source is given away');
sql('ALTER TABLE attacker.secret OWNER TO victim; GRANT USAGE ON SCHEMA attacker TO victim');
is(as('victim', q{SELECT string_agg(kind, ',') FROM ingest.check_quality('attacker.secret')}), 'not_null', 'its rules, too, but not conditions');
is(ran_as(), 'nobody', 'which are not run');
sql('ALTER TABLE attacker.secret OWNER TO attacker');
as('chief', q{SELECT ingest.set_owner('attacker', 'attacker')});

# -- two who have sources on one server: what one makes there is made in its own schema --

as('chief', $_) for q{CREATE SCHEMA chief}, q{SELECT ingest.register_source('chief', 'origin', schema => 'chief_far', remote_schemas => '{prey}')};
unlike(as('chief', q{CALL ingest.crawl('chief')}), qr/permission denied/, 'an admin, who sees the sources of others, crawls its own on the same server');

# -- the audit is of who somebody is, not of what it is called --

as('victim', q{SELECT ingest.drop_rule(ingest.add_rule('victim.secret', 'in_set', '{secret}', '{"values": ["PIN 4711"]}'))});
is(as('victim', q{SELECT count(*) FROM ingest.audit WHERE before::text LIKE '%4711%'}), '1', 'who did something sees what was written down');
sql('ALTER ROLE victim RENAME TO victim2; CREATE ROLE victim LOGIN; GRANT ingest_operator TO victim');
is(as('victim', q{SELECT count(*) FROM ingest.audit}), '0', 'who has the name now does not');
is(as('victim2', q{SELECT count(*) FROM ingest.audit WHERE before::text LIKE '%4711%'}), '1', 'who had it does');
sql('DROP ROLE victim; ALTER ROLE victim2 RENAME TO victim');

# -- a job's error is its owner's, while it waits to be tried again, too --

as('victim', q{SELECT ingest.grant_source('victim', 'spy')});
like(as('spy', q{SELECT put_back FROM ingest.queue}), qr/permission denied/, 'a grantee does not read why a job was put back');
is(as('spy', q{SELECT count(id) FROM ingest.queue}), '0', 'but sees the queue');

# -- what cannot be computed is no rule --

for (
	[ pattern => '{secret}', '{"pattern": "("}', qr/invalid regular expression/ ], [ pattern => '{secret}', '{"pattern": "((((a{1,255}){1,255}){1,255}){1,255})"}', qr/invalid regular expression/ ],
	[ freshness => '{u}', '{"within": "soon"}', qr/interval/ ], [ row_count => '{}', '{"min": "few"}', qr/bigint/ ])
{
	my ($kind, $columns, $arguments, $why) = @$_;
	like(as('victim', "SELECT ingest.add_rule('victim.secret', '$kind', '$columns', '$arguments')"), $why, "$kind $arguments is refused");
}

# -- who was not granted a source hears the same of it as of one that is not there --

for my $call (q{SELECT ingest.alter_sync('victim.secret', batch_rows => 1)}, q{SELECT * FROM ingest.explain_sync('victim.secret')},
	q{SELECT * FROM ingest.check_source('victim')}, q{CALL ingest.crawl('victim')}, q{CALL ingest.redrive('victim.secret')}, q{CALL ingest.sync('victim.secret')},
	q{SELECT ingest.pause('victim')}, q{SELECT ingest.reload('victim.secret')}, q{SELECT ingest.create_job('x', 'sync', 'victim.secret')})
{
	my $heard = as('attacker', $call);
	(my $other = $call) =~ s/'victim/'nothing/;
	like($heard, qr/there is no (?:source|sync) "victim/, "$call says that there is none");
	is($heard =~ s/victim/nothing/gr, as('attacker', $other), 'and nothing else');
}

# -- history has columns that the copy does not have any more: they are not for those who may read the copy --

as('victim', $_) for q{SELECT ingest.alter_sync('victim.secret', history => true)}, q{CALL ingest.sync('victim.secret')};
sql(q{UPDATE prey.secret SET secret = 'gone', u = clock_timestamp() WHERE id = 2});
as('victim', $_) for q{CALL ingest.sync('victim.secret')}, 'DROP VIEW victim.secret_history', 'ALTER TABLE victim.secret DROP COLUMN secret', 'GRANT SELECT ON victim.secret TO spy';
my $id = sql(q{SELECT id FROM ingest.sync WHERE name = 'victim.secret'});
is(as('victim', "SELECT count(*) > 0 FROM ingest_internal.row_change($id) WHERE after ->> 'secret' = 'gone'"), 't', 'its owner finds them');
like(as('spy', "SELECT after FROM ingest_internal.row_change($id)"), qr/permission denied for the history of/, 'another one does not');
is(as('spy', q{SELECT count(*) FROM ingest.as_of(NULL::victim.secret, now())}), '20', 'which sees the copy as it was');
unlike(as('spy', q{SELECT to_jsonb(h) FROM ingest.row_history(NULL::victim.secret, NULL) h}), qr/gone/, 'without them');

# -- a consumer keeps for itself what it may read, not what is others' --

as('spy', q{SELECT ingest.subscribe('sleeper', from_start => true)});
as('attacker', q{SELECT ingest.emit('com.attacker', 'x', '{}')});
as('victim', q{SELECT ingest.emit('com.victim', 'x', '{}')});
sql(q{SELECT ingest_internal.prune_events(interval '-1 hour')});
is(sql(q{SELECT count(*) FROM ingest.event WHERE owner = 'attacker'::regrole}), '0', 'what a consumer that never acknowledges may not read goes');
is(sql(q{SELECT count(*) > 0, bool_and(ingest_internal.event_is_open(type)) FROM ingest.event WHERE owner = 'victim'::regrole}), 't|t', 'what it was granted stays for it');
is(as('spy', q{SELECT count(*) FROM ingest.read_events('sleeper', 100000)}), sql('SELECT count(*) FROM ingest.event'), 'and it reads all of that');
as('victim', q{SELECT ingest.subscribe('of the victim', '{com.*}', from_start => true)});
as('victim', q{SELECT ingest.emit('com.victim', 'y', '{}')});
as('spy', q{SELECT ingest.unsubscribe('sleeper')});
sql(q{SELECT ingest_internal.prune_events(interval '-1 hour')});
is(sql(q{SELECT string_agg(type || subject, ',') FROM ingest.event}), 'com.victimy', 'and of types that it wants alone');

# -- no value of one role breaks what looks at everybody's (t/030_calls.pl looks after each call) --

as('attacker', q{SELECT ingest.create_job('mine', 'sql', 'SELECT 1')});
for my $call ((map { "SELECT ingest.alter_sync('attacker.secret', $_ => '178000000 years')" } qw(freshness history_retention reconcile_every overlap)),
	(map { "SELECT ingest.enqueue('mine', '$_')" } 'infinity', '-infinity'), q{SELECT ingest.create_job('mine', 'sql', 'SELECT 1', timeout => '178000000 years')})
{
	like(as('attacker', $call), qr/is at most 1000 years|is not infinite/, "$call is refused");
}
is(sql($_), '', "$_ goes on") for q{SELECT ingest_internal.alerts_look('15 min')}, q{SELECT NULL FROM ingest_internal.demand() LIMIT 1};

# -- nor do two who had the same, and are gone --

sql(q{CREATE ROLE gone_1 LOGIN; CREATE ROLE gone_2 LOGIN; GRANT ingest_operator TO gone_1, gone_2});
as($_, q{SELECT ingest.silence('*', 'infinity'), ingest.set_lineage('outside.t', 'outside.u')}) for qw(gone_1 gone_2);
is(sql(q{SELECT count(*) FROM ingest.silence}) . sql(q{SELECT count(*) FROM ingest.lineage_edge WHERE to_table = 'u'}), '22', 'two roles say the same, each for itself');
sql(q{DROP ROLE gone_1; DROP ROLE gone_2});
like($said = session(q{SELECT ingest_internal.prune('100 years', '100 years')}), qr/are deleted/, 'what is done hourly is done when they are gone');
unlike($said, qr/WARNING|ERROR/, 'all of it');
is(sql(q{SELECT count(*) FROM ingest.silence}), '0', 'silences end with who made them');

# restored, numbers of roles may be those of others: each gets its own back, also where the other one has an equal
sql(q{INSERT INTO ingest.silence (owner, owner_name, pattern, until) VALUES ('attacker'::regrole, 'victim', 'x', 'infinity'), ('victim'::regrole, 'attacker', 'x', 'infinity');
	SELECT ingest.set_lineage('outside.t', 'outside.v');
	INSERT INTO ingest.lineage_edge (owner, owner_name, from_schema, from_table, to_schema, to_table, kind) SELECT v.owner, v.name, 'outside', 't', 'outside', 'v', 'declared'
		FROM (VALUES ('attacker'::regrole::oid, 'victim'), ('victim'::regrole, 'attacker')) v (owner, name);
	UPDATE ingest.lineage_edge SET owner_name = CASE owner_name WHEN 'attacker' THEN 'victim' ELSE 'attacker' END WHERE to_table = 'v' AND owner_name IN ('attacker', 'victim');
	SELECT ingest_internal.roles_again()});
is(sql(q{SELECT string_agg(owner_name, ',' ORDER BY owner_name) FROM ingest.silence WHERE owner_name = owner::regrole::text}), 'attacker,victim', 'silences are found again by name');
is(sql(q{SELECT count(*) FROM ingest.lineage_edge WHERE to_table = 'v' AND owner_name = owner::regrole::text}), '3', 'and flows');
sql(q{DELETE FROM ingest.silence; DELETE FROM ingest.lineage_edge WHERE to_table = 'v'});

# -- a cursor of a domain: its watermarks are compared as the copy's owner, not as the engine --

as('attacker', $_) for 'CREATE FUNCTION attacker.deed_of(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM attacker.deed(); RETURN true; END$$',
  'CREATE DOMAIN attacker.number AS int CHECK (attacker.deed_of(VALUE))', 'CREATE DOMAIN attacker.stamp AS timestamptz CHECK (attacker.deed_of(VALUE))',
  'ALTER FOREIGN TABLE attacker_far.secret ALTER COLUMN id TYPE attacker.number, ALTER COLUMN u TYPE attacker.stamp';
for my $cursor (qw(id u))
{
	as('attacker', "SELECT ingest.create_sync('attacker_far.secret', 'attacker.by_$cursor', key => '{id}', cursor_column => '$cursor', history => true)");
	as('attacker', "CALL ingest.sync('attacker.by_$cursor')") for 1 .. 3;
	session("CALL ingest.sync('attacker.by_$cursor')", "SELECT * FROM ingest.explain_sync('attacker.by_$cursor')", "SELECT * FROM ingest.verify('attacker.by_$cursor')");
}
is(sql(q{SELECT count(*) FROM ingest.run r JOIN ingest.sync s ON s.id = r.sync WHERE s.name LIKE 'attacker.by_%' AND r.state LIKE 'succeeded%'}), '8', 'copies with a cursor of a domain are made');
is(ran_as(), 'attacker', 'its check runs as the owner alone');
sql('TRUNCATE prey.ran_as');
as('attacker', $_) for q{SELECT ingest.drop_sync('attacker.by_id'), ingest.drop_sync('attacker.by_u')}, 'ALTER FOREIGN TABLE attacker_far.secret ALTER COLUMN id TYPE int, ALTER COLUMN u TYPE timestamptz';

# -- flows that a role records are its own: not in the lineage of others, and nobody's to take away --

as('attacker', q{SELECT ingest.set_lineage('victim_far.secret', 'attacker.report')});
as($_, q{SELECT ingest.set_lineage('outside.a', 'outside.b')}) for qw(attacker victim);
is(as('victim', q{SELECT count(*) FROM ingest.lineage_edge WHERE to_table = 'report'}), '0', 'nobody writes into the lineage of the source of another');
unlike(as('victim', q{SELECT * FROM ingest.lineage('victim_far.secret')}), qr/report/, 'nor into what lineage() says of it');
like(as('attacker', q{SELECT * FROM ingest.lineage('victim_far.secret')}), qr/report/, 'it is in one\'s own');
is(as('spy', q{SELECT count(*) FROM ingest.lineage_edge WHERE source IS NULL}), '0', 'who recorded none sees none');
as('attacker', $_) for q{SELECT ingest.set_lineage('outside.a', 'outside.b', kind => NULL)}, 'CREATE SCHEMA outside', 'CREATE TABLE outside.c (id int)',
  q{SELECT ingest.add_rule('outside.c', 'not_null', '{id}')}, 'ALTER TABLE outside.c RENAME TO a';
is(as('victim', q{SELECT count(*) FROM ingest.lineage_edge WHERE to_table = 'b'}), '1', 'a flow goes neither with that of another, nor with a name that another takes');

# -- what stands in the schema of ingest_profile before the extension is made --

sql('CREATE DATABASE overloaded');
$node->safe_psql('overloaded', $_) for 'CREATE SCHEMA profiles; GRANT CREATE, USAGE ON SCHEMA profiles TO attacker; CREATE TABLE ran_as (who text); GRANT INSERT ON ran_as TO PUBLIC',
  'SET ROLE attacker;' . join('', map { my ($left, $right, $operator, $gives) = @$_; my $n = ++$edits;
	"CREATE FUNCTION profiles.f$n($left, $right) RETURNS $gives LANGUAGE sql AS 'INSERT INTO public.ran_as VALUES (current_user); SELECT NULL::$gives';
	CREATE OPERATOR profiles.$operator (LEFTARG = $left, RIGHTARG = $right, FUNCTION = profiles.f$n);" } [ text => bigint => '||', 'text' ], [ bigint => text => '||', 'text' ],
	[ float8 => numeric => '<', 'boolean' ], [ text => 'text[]', '||', 'text' ]) .
  "CREATE FUNCTION profiles.jsonb_build_object(text, jsonb, text, jsonb, text, jsonb) RETURNS jsonb LANGUAGE sql AS 'INSERT INTO public.ran_as VALUES (current_user); SELECT NULL::jsonb'",
  'CREATE EXTENSION ingest_profile SCHEMA profiles; CREATE EXTENSION ingest', q{CREATE TABLE t AS SELECT i AS id, 'a' || i % 3 AS v FROM generate_series(1, 100) i},
  q{SELECT * FROM ingest.suggest_rules('t')}, q{SELECT profiles.profile_json(profiles.profile(v)) FROM t};
is($node->safe_psql('overloaded', 'SELECT count(*) FROM ran_as'), '0', 'is not run by what suggests rules or shows a profile');
is($node->safe_psql('overloaded', q{SELECT arguments ->> 'values' FROM ingest.suggest_rules('t') WHERE kind = 'in_set'}), '["a0", "a1", "a2"]', 'which says what it should');

# -- a rule that does not end is ended by statement_timeout, and so is one that checks itself --

as('victim', $_) for 'CREATE FUNCTION victim.again() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM count(*) FROM ingest.check_quality($q$victim.secret$q$); RETURN true; END$$',
  'CREATE FUNCTION victim.waits() RETURNS boolean LANGUAGE sql AS $$SELECT true FROM pg_sleep(100)$$',
  'CREATE FUNCTION victim.says() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE SQLSTATE $q$57014$q$; END$$';
for my $function (qw(again waits))
{
	my $rule = as('victim', "SELECT ingest.add_rule('victim.secret', 'sql', arguments => '{\"condition\": \"victim.$function()\"}')");
	$began = time;
	like(as('victim', "SET statement_timeout = '2s'; SELECT count(*) FROM ingest.check_quality('victim.secret')"), qr/statement timeout/, "a rule that $function");
	in_time(time - $began, 20, 'is ended in time');
	as('victim', "SELECT ingest.drop_rule($rule)");
}
as('victim', q{SELECT ingest.add_rule('victim.secret', 'sql', arguments => '{"condition": "victim.says()"}')});
is(as('victim', q{SELECT ok FROM ingest.check_quality('victim.secret')}), 'f', 'one that says that it was cancelled fails');

# -- who does not end a transaction keeps nobody waiting for long --

sql('CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION ingest CASCADE');
my $idle = $node->background_psql('fresh', extra_params => [ '-U', 'spy' ]);
$idle->query_safe('BEGIN; SELECT ingest_internal.era()');
$began = time;
like(as('victim', q{SELECT ingest.create_job('j', 'sql', 'SELECT 1')}, db => 'fresh'), qr/has not ended its transaction/, 'the first who asks anything of a new repository and does not commit');
in_time(time - $began, 30, 'is not waited for without end');
$idle->query_safe('COMMIT; BEGIN');
$idle->quit;
$idle = $node->background_psql('fresh', extra_params => [ '-U', 'attacker' ]);
$idle->query_safe(q{BEGIN; SELECT ingest.create_job('wanted', 'sql', 'SELECT 1')});
$began = time;
like(as('victim', q{SELECT ingest.create_job('wanted', 'sql', 'SELECT 1')}, db => 'fresh'), qr/has not ended its transaction/, 'nor who is about to take a name');
in_time(time - $began, 30, 'for long');
$idle->quit;

$node->stop;
done_testing();
