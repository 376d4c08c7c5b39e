# Roles that leave, databases that are renamed, extensions that are dropped and come back: who had what, and who has it then
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('leave');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\ningest.discovery = 1\nmax_worker_processes = 20\n");
$node->start;
my ($host, $port, $user) = ($node->host, $node->port, scalar getpwuid($<));
my $db = 'postgres';

sub sql { return $node->safe_psql($_[1] // $db, $_[0]); }

# As a role: what it gets, or its error
sub as
{
	my ($role, $sql) = @_;
	my ($out, $err);
	my $code = $node->psql($db, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
	return $code == 0 ? $out : $err;
}

# What a hand-over says of what remains, by what and name
sub handed
{
	my ($role, $arguments) = @_;
	my $answer = as($role, "SELECT * FROM ingest.reassign($arguments)");
	my %remains;
	for (split /\n/, $answer)
	{
		my ($what, $name, $remains) = split /\|/, $_, 3;
		next unless defined $remains;
		$remains{"$what $name"} = join '; ', grep { defined && $_ ne '' } $remains{"$what $name"}, $remains;
	}
	return wantarray ? ($answer, %remains) : $answer;
}

# Everything of the repository that has an owner, by the catalogue: tables whose columns are called owner, and how many rows are whose
sub had_by
{
	my ($role) = @_;
	my $counts = sql(q{SELECT string_agg(format('SELECT %L AS t, count(*) AS n FROM %s WHERE owner = %L::regrole', c.oid::regclass, c.oid::regclass, '} . $role . q{'), ' UNION ALL ' ORDER BY c.relname)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace::regnamespace::text LIKE 'ingest%' AND c.relkind IN ('r', 'p') AND a.attname = 'owner' AND NOT c.relispartition});
	return sql("SELECT string_agg(t || ' ' || n, ', ' ORDER BY t) FROM ($counts) x WHERE n > 0");
}

# of what they have less than they had; alerts and their events may have come meanwhile
sub went
{
	my ($role, $before) = @_;
	my %had = $before =~ /(\S+) (\d+)/g;
	my %has = had_by($role) =~ /(\S+) (\d+)/g;
	return join(', ', grep { ($has{$_} // 0) < $had{$_} } sort keys %had);
}

sql(qq{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api;
	CREATE ROLE ida LOGIN; CREATE ROLE kim LOGIN; CREATE ROLE pair LOGIN; CREATE ROLE half LOGIN; CREATE ROLE chief LOGIN; CREATE ROLE boss LOGIN SUPERUSER; CREATE ROLE other LOGIN;
	GRANT ingest_operator TO ida, pair, half, kim, other; GRANT ingest_admin TO chief; GRANT ida, kim TO pair; GRANT ida TO half;
	GRANT ida, kim TO ingest_authenticator; GRANT CREATE ON DATABASE postgres TO ida, other;
	CREATE SCHEMA vault; CREATE TABLE vault.card (id int PRIMARY KEY, pin text, u timestamptz DEFAULT '2026-01-01');
	INSERT INTO vault.card SELECT i, 'PIN-' || i % 7 FROM generate_series(1, 40) i;
	CREATE TABLE vault.coin AS SELECT * FROM vault.card; ALTER TABLE vault.coin ADD PRIMARY KEY (id);
	CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	GRANT USAGE ON FOREIGN SERVER origin TO ida, other;
	CREATE USER MAPPING FOR ida SERVER origin OPTIONS (user '$user', password_required 'false');
	CREATE USER MAPPING FOR other SERVER origin OPTIONS (user '$user', password_required 'false');
	CREATE TABLE did (by name DEFAULT current_user, at timestamptz DEFAULT clock_timestamp()); GRANT INSERT, SELECT ON did TO PUBLIC;
	SET ROLE ida; CREATE SCHEMA house;});
my $url = 'https://hooks.example.com/';
sub all_of_ida
{
	my @answers = map { as('ida', $_) }
	  "SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}', refresh_schedule => '1 day')", "CALL ingest.crawl('origin')",
	  (map { ("SELECT ingest.create_sync('far.$_', 'house.$_', cursor_column => 'u', history => true, profile => 'all')", "CALL ingest.sync('house.$_')") } qw(card coin)),
	  "SELECT ingest.add_rule('house.card', 'not_null', '{pin}')", "SELECT ingest.add_rule('house.card', 'sql', arguments => '{\"condition\": \"id > 0\"}')",
	  "SELECT ingest.create_job('cards', 'sync', 'house.card')", "SELECT ingest.schedule('cards', '1 day')", "SELECT ingest.create_job('often', 'sql', 'INSERT INTO public.did DEFAULT VALUES')",
	  "SELECT ingest.schedule('often', '1 second')", "SELECT ingest.create_job('later', 'sql', 'INSERT INTO public.did DEFAULT VALUES')", "SELECT ingest.enqueue('later', now() + interval '1 day')",
	  "SELECT ingest.subscribe('listener')", "SELECT ingest.emit('shop.note', 'x', '{\"a\": 1}')", "SELECT ingest.silence('stale/*', now() + interval '1 day')",
	  "SELECT ingest.set_lineage('house.card', 'house.coin')", "SELECT ingest.annotate('house.card', 'owner', '\"ida\"')",
	  "SELECT ingest_delivery.create_sink('hook', 'webhook', '{\"url\": \"$url\", \"secret\": \"mapping:ingest_secrets/mine\"}')",
	  "SELECT ingest_api.create_token('mine')", "SELECT ingest_api.expose('house.card', 'cards_here')";
	return join "\n", grep { /ERROR/ } @answers;
}
sql("CREATE USER MAPPING FOR ida SERVER ingest_secrets OPTIONS (mine 'whsec_" . 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' . "')");
is(all_of_ida(), '', 'a role that has of everything');
as('other', $_) for "SELECT ingest.register_source('others', 'origin', schema => 'others_far', remote_schemas => '{vault}')", "SELECT ingest.grant_source('others', 'ida')";
my $had = had_by('ida');
note($had);
like($had, qr/\b$_ [1-9]/, "of $_") for 'ingest.data_source', 'ingest.sync', 'ingest.job', 'ingest.queue', 'ingest.rule', 'ingest.subscription', 'ingest.event', 'ingest.profile_stats', 'ingest.lineage_edge', 'ingest.silence', 'ingest_delivery.sink', 'ingest_api_internal.token', 'ingest_api_internal.resource';

# -- who may --

like(handed('ida', "'ida', 'kim'"), qr/ERROR:  only a member of role kim can hand things over to it/, 'nobody gives to a role that is not theirs');
like(handed('half', "'ida', 'kim'"), qr/ERROR:  only a member of role kim can hand things over to it/, 'nor does a member of one of both');
like(handed('kim', "'ida', 'kim'"), qr/ERROR:  only a member of role ida can hand over what it has/, 'nor takes');
like(handed('chief', "'ida', 'boss'"), qr/ERROR:  only a member of role boss can hand things over/, 'an admin gives to no superuser');
like(handed('chief', "'boss', 'ida'"), qr/ERROR:  only a member of role boss can hand over/, 'nor takes from one');
like(handed('half', "'-', 'half'"), qr/ERROR:  only an admin can hand over what no longer belongs to anybody/, 'what is nobody\'s is for admins');
like(handed('boss', $_->[0]), $_->[1], "reassign($_->[0])") for [ "'ida', 'ida'", qr/cannot hand over to itself/ ], [ "'ida', '-'", qr/that role does not exist/ ], [ "NULL, 'ida'", qr/must not be null/ ], [ "'999999999', 'kim'", qr/that role does not exist/ ],
  [ "'ida', 'kim', called => 'x'", qr/called is only for roles that no longer exist/ ];
is(went('ida', $had), '', 'and nothing went');

# -- an admin, whom the catalogue does not let give tables away --

my ($answer, %remains) = handed('chief', "'ida', 'kim'");
is(had_by('ida'), undef // '', 'nothing is left to the one who goes') or diag($answer);
is(sql('SELECT count(*) FROM ingest.event e WHERE e.owner = \'kim\'::regrole') > 0, 1, 'events under way are the new owner\'s');
like($remains{'object house.card'}, qr/^ALTER TABLE house\.card OWNER TO kim$/, 'what it could not give away is said, as a statement');
like($remains{'source origin'}, qr/GRANT CREATE ON DATABASE postgres TO kim; GRANT USAGE ON FOREIGN SERVER origin TO kim; CREATE USER MAPPING FOR kim SERVER origin/, 'and what the new owner lacks');
like($remains{'job often'}, qr/SQL that its old owner wrote .*SELECT ingest\.schedule\('often', '1 second'\)/, 'SQL of the old owner is not run as the new one');
like($remains{'job later'}, qr/SELECT ingest\.retry\(\d+\), which/, 'nor what waited');
is($remains{'job cards'}, '', 'other jobs go on');
like($remains{'rule ' . sql("SELECT id FROM ingest.rule WHERE kind = 'sql'") . ' of house.card'}, qr/its condition would run as kim/, 'nor conditions');
like($remains{'sink hook'}, qr/it is paused.*ingest_delivery\.resume_sink\('hook'\).*user mappings of kim/, 'and nothing of the new owner\'s is sent to addresses of the old one');
like($remains{'token mine'}, qr/it acts as ida/, 'a token stays who it is');
like($remains{'grant others'}, qr/which is another one's/, 'what others granted stays granted to the old one');
is(sql("SELECT state FROM ingest_delivery.sink"), 'paused', 'the sink waits');
is(sql("SELECT schedule IS NULL FROM ingest.job WHERE name = 'often'"), 't', 'the job has no schedule');
is(sql("SELECT count(*) FROM ingest.dead_letter WHERE requeued_at IS NULL AND reason LIKE 'it was handed over to kim%'"), '1', 'what waited is kept');
sql('TRUNCATE did'); sleep 3;
is(sql('SELECT count(*) FROM did'), '0', 'nothing ran as anybody');
is(sql("SELECT string_agg(DISTINCT role_name, ',') FROM ingest.annotation"), 'ida', 'who said something remains who it was');
is(sql("SELECT role_name || object || (after->>'to') FROM ingest.audit WHERE function = 'reassign'"), 'chiefidakim', 'the audit has it');
is(as('kim', "SELECT data->>'from' FROM ingest.event WHERE type = 'ingest.owner.changed'"), 'ida', 'the new owner gets an event');
is(sql("SELECT count(*) FROM ingest.event WHERE type = 'ingest.owner.changed' AND owner <> 'kim'::regrole"), '0', 'and nobody else');

# what was said is what is to be done
sql($_) for grep { /^ALTER/ } map { $remains{$_} } grep { /^object/ } keys %remains;
sql("GRANT CREATE ON DATABASE postgres TO kim; GRANT USAGE ON FOREIGN SERVER origin TO kim; CREATE USER MAPPING FOR kim SERVER origin OPTIONS (user '$user', password_required 'false'); GRANT USAGE, CREATE ON SCHEMA house TO kim");
sql("UPDATE vault.card SET pin = 'by kim', u = now() WHERE id = 1");
like(as('kim', "CALL ingest.sync('house.card')"), qr/^$/, 'the new owner syncs');
is(as('kim', "SELECT pin FROM house.card WHERE id = 1"), 'by kim', 'its copy');
is(as('kim', "SELECT count(*) FROM house.card_history WHERE id = 1"), '2', 'with history');
like(as('ida', "CALL ingest.sync('house.card')"), qr/ERROR:  there is no sync|must be owner/, 'the old one does not');
like(as('kim', $_), qr/^[a-z0-9]*$/, $_) for "SELECT ingest.schedule('often', '1 second')", "SELECT ingest.retry(id) FROM ingest.dead_letter WHERE requeued_at IS NULL", "SELECT ingest_delivery.pause_sink('hook')";
poll_until($node, $db, "SELECT count(*) > 2 FROM did", 't');
is(sql("SELECT string_agg(DISTINCT by::text, ',') FROM did"), 'kim', 'jobs run as the new owner');

# -- a member of both, back, and trusted --

($answer, %remains) = handed('pair', "'kim', 'ida', trust => true");
is(had_by('kim'), '', 'a member of both gives all of it back');
is($remains{'job often'}, '', 'with schedules that go on');
is($remains{'object house.card'}, '', 'and tables');
is(sql("SELECT relowner::regrole FROM pg_class WHERE oid = 'house.card'::regclass"), 'ida', 'that are the other one\'s');
is(sql("SELECT count(*) FROM pg_class WHERE relowner = 'kim'::regrole"), '0', 'all of them');
sql('TRUNCATE did');
poll_until($node, $db, "SELECT count(*) > 1 FROM did", 't');
is(sql("SELECT string_agg(DISTINCT by::text, ',') FROM did"), 'ida', 'and run as that');

# -- a copy whose triggers the old owner can change --

as('ida', q{CREATE FUNCTION house.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.did DEFAULT VALUES; RETURN NEW; END $$; CREATE TRIGGER trap BEFORE UPDATE ON house.card FOR EACH ROW EXECUTE FUNCTION house.trap()});
($answer, %remains) = handed('boss', "'ida', 'kim'");
like($remains{'sync house.card'}, qr/it is paused, .*house\.trap\(\)/, 'its sync is paused');
is($remains{'sync house.coin'}, '', 'others are not');
like(as('kim', "CALL ingest.sync('house.card')"), qr/ERROR:  .*paused/, 'so that nothing of the old owner runs as the new one');
sql('DROP TRIGGER trap ON house.card');
is(as('kim', "SELECT ingest.resume(sync => 'house.card')"), '', 'until somebody has looked');
like(as('kim', "CALL ingest.sync('house.card')"), qr/^$/, 'then it goes on');

# -- the role leaves --

sql('REASSIGN OWNED BY ida TO kim; DROP OWNED BY ida; DROP ROLE ida');
sql("SELECT ingest_internal.prune('1 year', '1 year')");
is(as('kim', "SELECT count(*) FROM ingest.source_status WHERE source = 'origin'"), '1', 'nothing of it is missed');
is(sql("SELECT count(*) FROM ingest.source_grant WHERE role_name = 'ida'"), '0', 'nor granted any more');

# one that left without a word, and one whose name was used again
sql(q{CREATE ROLE tom LOGIN; CREATE ROLE ann LOGIN; GRANT ingest_operator TO tom, ann});
for my $role ('tom', 'ann')
{
	sql("CREATE USER MAPPING FOR $role SERVER ingest_secrets OPTIONS (mine 'whsec_" . 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' . "')");
	as($role, $_) for "SELECT ingest.create_job('of $role', 'sql', 'SELECT 1')", "SELECT ingest.subscribe('$role')", "SELECT ingest_delivery.create_sink('$role', 'webhook', '{\"url\": \"$url\", \"secret\": \"mapping:ingest_secrets/mine\"}')";
}
sql('DROP USER MAPPING FOR tom SERVER ingest_secrets; DROP USER MAPPING FOR ann SERVER ingest_secrets; DROP ROLE tom; DROP ROLE ann; CREATE ROLE tom LOGIN; GRANT ingest_operator TO tom');
like(sql("SELECT waits_for FROM ingest.job_status WHERE job = 'of tom'"), qr/its owner tom is gone: SELECT \* FROM ingest\.reassign\('-', 'new_owner', called => 'tom'\)/, 'what is nobody\'s says who can help');
like(handed('boss', "'tom', 'kim'"), qr/^$/, 'who has the name now has none of it');
($answer, %remains) = handed('boss', "'-', 'kim', called => 'tom'");
is(join(',', sort keys %remains), 'consumer sink tom,consumer tom,job of tom,sink tom', 'of one who is gone') or diag($answer);
is(sql("SELECT owner_name FROM ingest.job WHERE name = 'of ann'"), 'ann', 'and of no other');
handed('boss', "'-', 'kim'");
is(sql("SELECT string_agg(owner::regrole::text, ',') FROM ingest.job WHERE name IN ('of ann', 'of tom')"), 'kim,kim', 'or of all who are gone');
is(as('kim', 'SELECT count(*) FROM ingest_delivery.sink'), '3', 'with their sinks');

# -- all or nothing --

sql('CREATE ROLE eva LOGIN; GRANT ingest_operator TO eva');
my $before = had_by('kim');
sql(q{CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'house.coin') THEN RAISE EXCEPTION 'not this one' USING ERRCODE = '0A000'; END IF; END $$;
	CREATE EVENT TRIGGER no ON ddl_command_end EXECUTE FUNCTION public.no()});
like(handed('boss', "'kim', 'eva'"), qr/ERROR:  not this one/, 'an error in the middle');
is(went('kim', $before), '', 'and nothing went');
is(had_by('eva'), '', 'nowhere');
is(sql("SELECT count(*) FROM pg_class WHERE relowner = 'eva'::regrole"), '0', 'no table either');
sql('DROP EVENT TRIGGER no');

# -- a role is renamed, a database is renamed --

as('kim', "SELECT ingest.schedule('often', '1 second')");
sql('ALTER ROLE kim RENAME TO kirsten');
sql('TRUNCATE did');
poll_until($node, $db, "SELECT count(*) > 1 FROM did", 't');
is(sql("SELECT string_agg(DISTINCT by::text, ',') FROM did"), 'kirsten', 'a role that is renamed has its jobs done');
sql('CREATE DATABASE aside');
sql('ALTER DATABASE postgres RENAME TO ledger', 'aside');
$db = 'ledger';
is(sql("SELECT ingest_internal.at_home()"), 't', 'a database that is renamed is at home');
sql("ALTER SERVER origin OPTIONS (SET dbname 'ledger'); TRUNCATE did");
poll_until($node, $db, "SELECT count(*) > 1 FROM did", 't');
pass('its jobs go on');
is(sql("SELECT DISTINCT split_part(source, '/', 4) FROM ingest.event WHERE time > now() - interval '2 s' AND type LIKE 'ingest.job%' OR id = (SELECT max(id) FROM ingest.event)"), sql("SELECT DISTINCT split_part(source, '/', 4) FROM ingest.event ORDER BY 1 LIMIT 1"), 'events name the database');
is(as('kirsten', "SELECT count(*) FROM house.card_history WHERE id = 1") > 0, 1, 'and history is there');

# -- extensions go and come back --

sql('DROP EXTENSION ingest_delivery CASCADE');
is(sql("SELECT count(*) FROM ingest.subscription WHERE consumer LIKE 'sink %'") > 0, 1, 'without the delivery, consumers of sinks stay, and keep their events');
my @there = split /\n/, sql("SELECT consumer FROM ingest.subscription WHERE consumer LIKE 'sink %'");
sql("CREATE EXTENSION ingest_delivery; CREATE USER MAPPING FOR kirsten SERVER ingest_secrets OPTIONS (mine 'whsec_" . 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' . "')");
like(as('kirsten', "SELECT ingest_delivery.create_sink('hook', 'webhook', '{\"url\": \"$url\", \"secret\": \"mapping:ingest_secrets/mine\"}')"), qr/ERROR:  consumer "sink hook" already exists.*\n.*unsubscribe/, 'a sink of a name that was there says what stands in its way');
sql("SELECT ingest.unsubscribe('$_')") for @there;
is(as('kirsten', "SELECT ingest_delivery.create_sink('hook', 'webhook', '{\"url\": \"$url\", \"secret\": \"mapping:ingest_secrets/mine\"}')"), 'hook', 'then it is made again');
is(sql('SELECT count(*) FROM ingest.service WHERE name = \'ingest_delivery\' AND gives IS NOT NULL'), '1', 'its service is there once');
sql('DROP EXTENSION ingest CASCADE');
is(sql("SELECT count(*) FROM house.card"), '40', 'without the repository copies stay');
is(sql("SELECT count(*) FROM pg_event_trigger"), '0', 'and nothing follows what is renamed');
sql('CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api');
like(as('kirsten', $_), qr/^(?!.*ERROR)/s, $_) for "SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}')", "CALL ingest.crawl('origin')", "SELECT ingest.create_sync('far.card', 'house.card', key => '{id}', cursor_column => 'u', adopt => true, history => true)", "CALL ingest.sync('house.card')";
is(sql("SELECT count(*) FROM house.card"), '40', 'and are adopted when it comes back');
$node->stop;
done_testing();
