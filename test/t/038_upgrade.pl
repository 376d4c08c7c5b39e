# OLD_SERVER: where another major's server stands, from which it is upgraded (make check-upgrade); else from this one.
# pg_upgrade: roles, data, jobs and event triggers are there afterwards, and nothing is done in the servers that it starts
use strict;
use warnings;
use Cwd;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bin = $ENV{PG_BINDIR};
chomp($bin = `pg_config --bindir`) unless $bin && -x "$bin/pg_upgrade";
($bin) = grep { -x "$_/pg_upgrade" } $bin, split /:/, $ENV{PATH};
plan skip_all => 'there is no pg_upgrade' unless $bin;

my $conf = "fsync = off\nshared_preload_libraries = 'ingest'\ningest.discovery = 1\ningest.naptime = 1\n";
my $of_old = $ENV{OLD_SERVER} ? "$ENV{OLD_SERVER}/bin" : $bin;
my $old = PostgreSQL::Test::Cluster->new('old', $ENV{OLD_SERVER} ? (install_path => $ENV{OLD_SERVER}) : ());
$old->init;
$old->append_conf('postgresql.conf', $conf);
$old->start;
my ($host, $port, $user) = ($old->host, $old->port, scalar getpwuid($<));

sub old { return $old->safe_psql('postgres', $_[0]); }

old(qq{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api; CREATE EXTENSION netsuite_fdw; CREATE EXTENSION files_fdw;
	CREATE ROLE "owner" LOGIN; CREATE ROLE gone LOGIN; CREATE ROLE reader LOGIN;
	GRANT ingest_operator TO "owner", gone; GRANT ingest_reader TO reader; GRANT "owner" TO ingest_authenticator;
	CREATE USER MAPPING FOR "owner" SERVER ingest_secrets OPTIONS (mine 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='); GRANT CREATE ON DATABASE postgres TO "owner";
	CREATE SCHEMA vault; CREATE TABLE vault.card (id int PRIMARY KEY, pin text, u timestamptz DEFAULT '2026-01-01');
	INSERT INTO vault.card SELECT i, 'PIN-' || i % 7 FROM generate_series(1, 40) i;
	CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	GRANT USAGE ON FOREIGN SERVER origin TO "owner";
	CREATE USER MAPPING FOR "owner" SERVER origin OPTIONS (user '$user', password_required 'false');
	CREATE TABLE did (at timestamptz DEFAULT clock_timestamp()); GRANT INSERT ON did TO "owner";
	SET ROLE "owner"; CREATE SCHEMA house;});
for (
	"SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}')", "CALL ingest.crawl('origin')",
	"SELECT ingest.create_sync('far.card', 'house.card', cursor_column => 'u', history => true, profile => 'all')", "CALL ingest.sync('house.card')",
	"SELECT ingest.grant_source('origin', 'reader')", "SELECT ingest.add_rule('house.card', 'not_null', '{pin}')",
	"SELECT ingest.annotate('house.card', 'owner', '\"ida\"')", "SELECT ingest_api.create_token('mine')", "SELECT ingest_api.expose('house.card', 'cards_here')", "SELECT ingest.emit('shop.note', 'x', '{}') FROM generate_series(1, 5)",
	"SELECT ingest_delivery.create_sink('hook', 'webhook', '{\"url\": \"https://hooks.example.com/\", \"secret\": \"mapping:ingest_secrets/mine\"}')", "SELECT ingest_delivery.pause_sink('hook')",
	"SELECT ingest.create_job('often', 'sql', 'INSERT INTO public.did DEFAULT VALUES')", "SELECT ingest.schedule('often', '1 second')")
{
	$old->safe_psql('postgres', $_, extra_params => [ '-U', 'owner' ]);
}
# a name that was used before: of the role that had it nothing must come back
old(q{SET ROLE gone; SELECT ingest.create_job('of gone', 'sql', 'SELECT 1')});
old('DROP ROLE gone; CREATE ROLE gone LOGIN');
# and a name that the owner has not had for long
old(q{ALTER ROLE "owner" RENAME TO keeper; CREATE ROLE "owner" LOGIN});
old(q{SELECT ingest_internal.prune(interval '1 year', interval '1 year')});	# what comes hourly
# what the worker of sinks does when it begins: it may be before this, or after
old('SELECT ingest_delivery_internal.follow(ingest_delivery_internal.home())');
poll_until($old, 'postgres', 'SELECT count(*) > 1 FROM did', 't');
# what an extension consists of; row types and arrays, which go with others, are members of their own in later versions
my $members = q{SELECT string_agg(pg_describe_object(classid, objid, 0), ',' ORDER BY pg_describe_object(classid, objid, 0) COLLATE "C") FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE extname = 'ingest' AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
	AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE classid = 'pg_type'::regclass AND t.oid = objid AND (t.typcategory = 'A' OR c.relkind <> 'c'))};
my %kept = map { $_ => old($_) } (
	$members,
	q{SELECT string_agg(rolname || ' ' || oid, ',' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'ingest%' OR rolname IN ('owner', 'keeper', 'reader')},
	q{SELECT string_agg(roleid::regrole || ' ' || member::regrole, ',' ORDER BY roleid::regrole::text, member::regrole::text) FROM pg_auth_members WHERE roleid::regrole::text LIKE 'ingest%'},
	q{SELECT string_agg(concat_ws(' ', evtname, evtowner::regrole, evtenabled), ',' ORDER BY evtname) FROM pg_event_trigger},
	q{SELECT name, owner, owner_name, target, target = 'house.card'::regclass FROM ingest.sync},
	q{SELECT relation = 'far.card'::regclass FROM ingest.source_table WHERE name = 'card'},
	q{SELECT count(*), min(relation), min(attnum), max(attnum) FROM ingest.profile_stats},
	q{SELECT relation = 'house.card'::regclass, attnums FROM ingest.rule},
	q{SELECT count(*) FROM ingest.change},
	q{SELECT name, kind, options, state, owner_name FROM ingest_delivery.sink}, q{SELECT name, prefix, hash, role_name FROM ingest_api_internal.token}, q{SELECT name, relation FROM ingest_api_internal.resource ORDER BY 1},
	q{SELECT name, value, role_name FROM ingest.annotation}, q{SELECT count(*), md5(string_agg(id || data::text, ',' ORDER BY id)) FROM ingest.event WHERE type LIKE 'shop.%'}, q{SELECT extname, extversion FROM pg_extension ORDER BY 1},
	# all that an owner may do is one thing more since 17: MAINTAIN
	q{SELECT string_agg(concat_ws(' ', c.relname, c.relowner::regrole, a.grantor::regrole, a.grantee::regrole, a.privilege_type, a.is_grantable), ',' ORDER BY c.relname, a.grantee::regrole::text, a.privilege_type) FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'v' AND NOT (a.privilege_type = 'MAINTAIN' AND a.grantee = c.relowner)},
	q{SELECT count(*) FROM pg_proc WHERE pronamespace IN ('ingest'::regnamespace, 'ingest_internal'::regnamespace) AND proowner = 'ingest_engine'::regrole});
$old->stop;
# what is due when pg_upgrade comes was due long ago: the launcher would do it at once
my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', $conf);
my $here = getcwd;
chdir $new->basedir;
command_ok([ "$bin/pg_upgrade", '--no-sync', '--retain', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $of_old, '-B', $bin, '-s', $new->host, '-p', $old->port, '-P', $new->port, '-U', $user ], 'pg_upgrade');
chdir $here;
my $logs = join '', map { slurp_file($_) } glob($new->data_dir . '/pg_upgrade_output.d/*/log/*_server.log'), glob($new->data_dir . '/pg_upgrade_output.d/log/*_server.log');
like($logs, qr/ready to accept connections/, 'the log of its servers');
unlike($logs, qr/ingest (?:launcher|scheduler|worker)/, 'tells of nothing of the engine');

sub new { return $new->safe_psql('postgres', $_[0]); }

# as it was, before anything is begun here
$new->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$new->start;
is(new($_), $kept{$_}, substr($_, 0, 100)) for sort keys %kept;
like($kept{$members}, qr/event trigger ingest_on_alter,event trigger ingest_on_drop/, 'event triggers are members');
new('CREATE DATABASE fresh');
$new->safe_psql('fresh', 'CREATE EXTENSION ingest CASCADE');
is(new($members =~ s/AND NOT EXISTS.*//sr), $new->safe_psql('fresh', $members =~ s/AND NOT EXISTS.*//sr), 'and all that is a member of an extension that is made here is one');
new('DROP DATABASE fresh');
my $did = new('SELECT count(*) FROM did');
$new->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\n");
$new->restart;
sleep 3;
is(new('SELECT count(*) FROM did'), $did, 'another cluster by its identifier: nothing is done before somebody says so');
is(new("SELECT what || ' ' || name FROM ingest.enable()"), 'job of gone', 'an admin does, and hears what is nobody\'s');
is($new->safe_psql('postgres', "SELECT count(*) FROM ingest.event WHERE type = 'shop.note'", extra_params => [ '-U', 'keeper' ]), '5', 'who wrote events sees them');
poll_until($new, 'postgres', "SELECT count(*) > $did FROM did", 't');
pass('jobs go on');
is(new("SELECT owner_name || ' ' || (owner = 'keeper'::regrole) FROM ingest.sync"), 'keeper true', 'owners are who they were');
is(new("SELECT has_function_privilege('reader', 'ingest.pause(text, text)', 'EXECUTE')"), 'f', 'and nobody may do more');
is(new("SELECT ingest_internal.acts_for('gone'::regrole, j.owner) FROM ingest.job j WHERE name = 'of gone'"), 'f', 'a name that was used before has nothing');
new(qq{ALTER SERVER origin OPTIONS (SET port '@{[ $new->port ]}', SET host '@{[ $new->host ]}'); UPDATE vault.card SET pin = 'changed', u = now() WHERE id = 1});
$new->safe_psql('postgres', $_, extra_params => [ '-U', 'keeper' ]) for "CALL ingest.sync('house.card')", "ALTER TABLE house.card RENAME TO account", "CALL ingest.sync('house.card')";
is(new("SELECT pin FROM house.account WHERE id = 1"), 'changed', 'a sync goes on');
is(new('SELECT target_table FROM ingest.sync'), 'account', 'event triggers are at work');
is($new->safe_psql('postgres', "SELECT count(*) FROM ingest.as_of(NULL::house.account, now()) WHERE pin = 'changed'", extra_params => [ '-U', 'keeper' ]), '1', 'and history');
$new->stop;
done_testing();
