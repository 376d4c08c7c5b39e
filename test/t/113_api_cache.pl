# What sessions remember is never older than the database.  One session is asked all requests after each change that
# another one made, and each answer is held against that of a session that is new: whatever changes, both say the same.
# A statement that changes something is one line of @changes, a request one of @requests.
use strict;
use warnings;
use Api;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('api_cache');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 2\ningest_api.requests_per_minute = 0");
$node->start;
my $p = 'postgres';
$node->safe_psql($p, <<'SQL');
CREATE EXTENSION ingest CASCADE;
CREATE EXTENSION ingest_api;
CREATE EXTENSION dblink;
CREATE EXTENSION citext;
CREATE ROLE fin LOGIN;
CREATE ROLE clerk;
CREATE ROLE team;
GRANT ingest_operator TO fin;
GRANT ingest_reader TO clerk;
GRANT fin, clerk TO ingest_authenticator;
GRANT CREATE ON DATABASE postgres TO fin;
CREATE SCHEMA test;
-- as a session that began after the last change
CREATE FUNCTION test.other() RETURNS text LANGUAGE sql AS $$
    SELECT format('host=%s port=%s user=postgres dbname=postgres', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'));
$$;
CREATE FUNCTION test.cold(question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    IF 'cold' = ANY (dblink_get_connections()) IS NOT TRUE THEN
        PERFORM dblink_connect('cold', test.other());
        PERFORM dblink_exec('cold', 'SET SESSION AUTHORIZATION ingest_authenticator');
    END IF;
    SELECT a INTO answer FROM dblink('cold', question) d (a text);
    RETURN answer;
END $$;
CREATE FUNCTION test.change(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF 'cold' = ANY (dblink_get_connections()) THEN
        PERFORM dblink_disconnect('cold');
    END IF;
    PERFORM dblink_exec(test.other(), CASE WHEN statement LIKE 'SELECT %' THEN format('DO %L', 'BEGIN PERFORM ' || substr(statement, 8) || '; END') ELSE statement END);
END $$;
SET SESSION AUTHORIZATION fin;
CREATE SCHEMA shop;
CREATE TABLE shop.region (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop.customer (id int PRIMARY KEY, name text, secret text, mail public.citext, region_id int REFERENCES shop.region);
CREATE TABLE shop.loose (id int, customer_id int, note text);
CREATE VIEW shop.named AS SELECT id, name FROM shop.customer;
INSERT INTO shop.region SELECT i, 'Region ' || i FROM generate_series(1, 5) i;
INSERT INTO shop.customer SELECT i, 'Customer ' || i, 'secret ' || i, 'C' || i, 1 + i % 5 FROM generate_series(1, 20) i;
INSERT INTO shop.loose SELECT i, i % 20 + 1, 'note' FROM generate_series(1, 20) i;
SELECT ingest_api.expose('shop.region', 'regions'), ingest_api.expose('shop.customer', 'customers'), ingest_api.expose('shop.named', 'named'), ingest_api.expose('shop.loose', 'loose');
SQL

my %token = map { $_ => $node->safe_psql($p, "SELECT ingest_api.create_token('$_', '$_', scopes => '{admin}')") } qw(fin clerk);
my $short = $node->safe_psql($p, "SELECT ingest_api.create_token('short', 'fin')");

sub graphql { return ('POST', '/graphql', { 'content-type' => 'application/json' }, '{"query": "' . ($_[0] =~ s/"/\\"/gr) . '"}'); }
my @asked = (
	[ 'GET', '/v1/customers?select=*&order=id&limit=2' ],
	[ 'GET', '/v1/customers?select=id,region:regions(id,name)&order=id&limit=2' ],
	[ 'GET', '/v1/customers?select=id&mail=eq.c3' ],
	[ 'GET', '/v1/customers?nothing=eq.1' ],
	[ 'GET', '/v1/regions?select=*,customers(id)&order=id&limit=2&offset=1' ],
	[ 'GET', '/v1/loose?select=*,customers(name)&order=id&limit=1' ],
	[ 'GET', '/v1/customers/3' ],
	[ 'GET', '/v1/named?limit=1' ],
	[ 'GET', '/v1/clients?limit=1' ],
	[ 'GET', '/v1' ],
	[ 'GET', '/v1/lineage?object=shop.customer' ],
	[ 'POST', '/v1/sources/none/crawl', { 'content-type' => 'application/json' }, '{}' ],
	[ graphql('{ customers(first: 2) { nodes { nodeId id name secret region { name } } } }') ],
	[ graphql('{ customers(first: 1, filter: {mail: {eq: "c3"}}) { nodes { id mail } } }') ],
	[ graphql('{ regions(first: 2) { nodes { id name customers(first: 1) { nodes { id } totalCount } } } }') ],
	[ graphql('{ named(first: 1) { nodes { id name } } clients { nodes { id } } }') ],
	[ graphql('{ lineage(object: "shop.customer") { kind } }') ],
	[ graphql('{ __type(name: "Customers") { fields { name } } __schema { queryType { fields { name } } } }') ],
	[ graphql('mutation { pause_sync(sync: "none") }') ]);
my @requests = ((map { my $a = $_; map { [ $token{$_}, @$a ] } qw(fin clerk) } @asked), [ $short, 'GET', '/v1/regions?limit=1' ]);

my @changes = (
	'SELECT 1',
	# rights
	'GRANT USAGE ON SCHEMA shop TO clerk',
	'GRANT SELECT ON shop.customer, shop.region TO clerk',
	'REVOKE SELECT ON shop.customer FROM clerk',
	'GRANT SELECT (id, name, region_id) ON shop.customer TO clerk',
	'REVOKE SELECT (region_id) ON shop.customer FROM clerk',
	'GRANT SELECT (region_id, mail) ON shop.customer TO clerk',
	'REVOKE USAGE ON SCHEMA shop FROM clerk',
	'GRANT USAGE ON SCHEMA shop TO team',
	'GRANT SELECT ON shop.named, shop.loose TO team',
	'GRANT team TO clerk',
	'REVOKE team FROM clerk',
	'GRANT team TO clerk',
	'ALTER ROLE clerk NOINHERIT',
	'ALTER ROLE clerk INHERIT',
	'REVOKE EXECUTE ON FUNCTION ingest_api.lineage(text, text, integer) FROM ingest_reader',
	'GRANT EXECUTE ON FUNCTION ingest_api.lineage(text, text, integer) TO ingest_reader',
	'REVOKE EXECUTE ON FUNCTION ingest_api.pause_sync(text) FROM ingest_operator',
	'GRANT EXECUTE ON FUNCTION ingest_api.pause_sync(text) TO ingest_operator',
	'REVOKE ingest_reader FROM clerk',
	'GRANT ingest_reader TO clerk',
	'GRANT ingest_operator TO clerk',
	'REVOKE clerk FROM ingest_authenticator',
	'GRANT clerk TO ingest_authenticator',
	'ALTER ROLE clerk SUPERUSER',
	'ALTER ROLE clerk NOSUPERUSER',
	'ALTER ROLE clerk BYPASSRLS',
	# rows
	'ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY',
	'ALTER ROLE clerk NOBYPASSRLS',
	'CREATE POLICY even ON shop.customer FOR SELECT USING (id % 2 = 0)',
	'ALTER TABLE shop.customer FORCE ROW LEVEL SECURITY',
	'ALTER POLICY even ON shop.customer USING (id % 3 = 0)',
	# for those who are in a role, or not any more
	'ALTER POLICY even ON shop.customer TO team',
	'REVOKE team FROM clerk',
	'GRANT team TO clerk',
	'GRANT team TO fin',
	'REVOKE team FROM fin',
	'ALTER POLICY even ON shop.customer TO PUBLIC',
	'DROP POLICY even ON shop.customer',
	'ALTER TABLE shop.customer DISABLE ROW LEVEL SECURITY',
	# what they are
	'ALTER TABLE shop.customer RENAME COLUMN secret TO hidden',
	'ALTER TABLE shop.customer RENAME COLUMN hidden TO secret',
	'ALTER TABLE shop.customer ADD COLUMN added int DEFAULT 7',
	'ALTER TABLE shop.customer ALTER COLUMN added TYPE text',
	'ALTER TABLE shop.customer DROP COLUMN added',
	"COMMENT ON COLUMN shop.customer.name IS 'what it is called'",
	'CREATE OR REPLACE VIEW shop.named AS SELECT id, upper(name) AS name FROM shop.customer',
	'CREATE OR REPLACE VIEW shop.named AS SELECT id, name, 1 AS more FROM shop.customer',
	'ALTER VIEW shop.named SET (security_invoker = true)',
	'ALTER VIEW shop.named OWNER TO postgres',
	'ALTER TABLE shop.region RENAME TO area',
	'ALTER TABLE shop.area RENAME TO region',
	'ALTER SCHEMA shop RENAME TO mart',
	'ALTER SCHEMA mart RENAME TO shop',
	# what belongs to what
	'ALTER TABLE shop.loose ADD CONSTRAINT leads FOREIGN KEY (customer_id) REFERENCES shop.customer',
	'ALTER TABLE shop.loose RENAME CONSTRAINT leads TO goes',
	'ALTER TABLE shop.loose RENAME COLUMN customer_id TO buyer_id',
	'ALTER TABLE shop.loose ADD COLUMN second_id int REFERENCES shop.customer',
	'ALTER TABLE shop.loose DROP COLUMN second_id',
	'ALTER TABLE shop.loose DROP CONSTRAINT goes',
	'ALTER TABLE shop.loose ADD PRIMARY KEY (id)',
	'ALTER TABLE shop.loose RENAME COLUMN id TO number',
	'ALTER TABLE shop.loose RENAME COLUMN number TO id',
	'ALTER TABLE shop.loose DROP CONSTRAINT loose_pkey',
	'ALTER TABLE shop.customer DROP CONSTRAINT customer_region_id_fkey',
	'ALTER TABLE shop.customer ADD FOREIGN KEY (region_id) REFERENCES shop.region',
	# operators that a type has elsewhere
	'CREATE SCHEMA kinds; GRANT USAGE ON SCHEMA kinds TO PUBLIC; ALTER EXTENSION citext SET SCHEMA kinds',
	'ALTER EXTENSION citext SET SCHEMA public',
	# what is asked for
	"SELECT ingest_api.expose('shop.region'::regclass::oid::regclass, 'clients') FROM ingest_api.unexpose('regions')",
	"SELECT ingest_api.unexpose('clients')",
	"SELECT ingest_api.expose('shop.region', 'regions')",
	"UPDATE ingest_api_internal.resource SET name = 'clients' WHERE name = 'customers'",
	"UPDATE ingest_api_internal.resource SET name = 'customers' WHERE name = 'clients'",
	"SET session_replication_role = replica; UPDATE ingest_api_internal.resource SET name = 'clients' WHERE name = 'customers'",
	"UPDATE ingest_api_internal.resource SET name = 'customers' WHERE name = 'clients'",
	"UPDATE ingest_api_internal.route SET scope = 'admin' WHERE path LIKE 'lineage%'",
	"UPDATE ingest_api_internal.route SET path = 'origins' WHERE path = 'lineage'",
	"UPDATE ingest_api_internal.route SET path = 'lineage', scope = NULL WHERE path = 'origins'",
	# who asks
	"SELECT ingest_api.revoke_token('short')",
	"UPDATE ingest_api_internal.token SET revoked_at = NULL",
	"UPDATE ingest_api_internal.token SET expires_at = now() - interval '1 s' WHERE name = 'clerk'",
	"UPDATE ingest_api_internal.token SET expires_at = now() + interval '1 day', scopes = '{read}' WHERE name = 'clerk'",
	"UPDATE ingest_api_internal.token SET role = 'fin'::regrole WHERE name = 'clerk'",
	"UPDATE ingest_api_internal.token SET role = 'clerk'::regrole WHERE name = 'clerk'",
	"UPDATE ingest_api_internal.token SET hash = sha256('x') WHERE name = 'short'",
	"DELETE FROM ingest_api_internal.token WHERE name = 'short'",
	# how it is committed
	"BEGIN; REVOKE SELECT ON shop.region FROM clerk; PREPARE TRANSACTION 'later'",
	"COMMIT PREPARED 'later'",
	'BEGIN; GRANT SELECT ON shop.region TO clerk; ROLLBACK',
	# and that it goes
	'ALTER ROLE clerk RENAME TO scribe',
	'DROP VIEW shop.named',
	'DROP TABLE shop.loose',
	'ALTER TABLE shop.customer DROP COLUMN region_id',
	'DROP TABLE shop.region',
	'CREATE TABLE shop.region (id text PRIMARY KEY)',
	"SELECT ingest_api.expose('shop.region', 'regions')",
	'DROP SCHEMA shop CASCADE');

# the whole is one session: it was asked everything before each change
my @script = ('SET client_min_messages = error');
my $ask = 'SELECT row_to_json(s) FROM ';
for my $c (0 .. $#changes)
{
	push @script, "SELECT test.change(" . quoted($changes[$c]) . ')', "\\echo change $c";
	push @script, 'SET SESSION AUTHORIZATION ingest_authenticator';
	push @script, map { ("\\echo warm $c $_", $ask . serve_call(@{ $requests[$_] }) . ' s') } 0 .. $#requests;
	push @script, 'RESET SESSION AUTHORIZATION';
	push @script, map { ("\\echo cold $c $_", 'SELECT test.cold(' . quoted('SELECT row_to_json(s)::text FROM ' . serve_call(@{ $requests[$_] }) . ' s') . ')') } 0 .. $#requests;
}
my ($code, $out, $err) = $node->psql($p, join('', map { /^\\/ ? "$_\n" : "$_;\n" } @script), timeout => 600, on_error_stop => 0);
my (%said, $place);
for (split /\n/, $out)
{
	if (/^(?:(warm|cold) (\d+) (\d+)|change \d+)$/) { $place = $1 ? \$said{$2}{$3}{$1} : undef; next; }
	$$place .= $_ if $place;
}
is(scalar(keys %said), scalar(@changes), 'each change was made');
is($err, '', 'and nothing went wrong') or diag(substr($err, 0, 2000));
my %before;
my $moved = 0;
for my $c (0 .. $#changes)
{
	my @differ = grep { ($said{$c}{$_}{warm} // '-') ne ($said{$c}{$_}{cold} // '') } 0 .. $#requests;

	ok(!@differ, $changes[$c]);
	diag("$requests[$_][1] $requests[$_][2] " . ($requests[$_][4] // '') . ":\n $said{$c}{$_}{warm}\n $said{$c}{$_}{cold}") for grep { defined } @differ[ 0 .. 2 ];
	$moved++ if $c > 0 && grep { ($said{$c}{$_}{cold} // '') ne ($before{$_} // '') } 0 .. $#requests;
	$before{$_} = $said{$c}{$_}{cold} for 0 .. $#requests;
}
# a list of changes that nothing tells of would hold whatever is remembered
cmp_ok($moved, '>', @changes * 2 / 3, "$moved of them change an answer");

# within a transaction: what it did itself is seen, and what it took back is not
my $request = $ask . serve_call($token{fin}, 'GET', '/v1/own?limit=1') . ' s;';
($code, $out, $err) = $node->psql($p, <<"SQL");
GRANT fin TO ingest_authenticator;
CREATE SCHEMA shop AUTHORIZATION fin;
SET SESSION AUTHORIZATION fin;
CREATE TABLE shop.own AS SELECT 1 AS a;
SELECT 'exposed ' || ingest_api.expose('shop.own', 'own');
SET SESSION AUTHORIZATION ingest_authenticator;
$request
RESET SESSION AUTHORIZATION;
BEGIN ISOLATION LEVEL REPEATABLE READ;
ALTER TABLE shop.own RENAME COLUMN a TO b;
SET LOCAL SESSION AUTHORIZATION ingest_authenticator;
$request
ROLLBACK;
SET SESSION AUTHORIZATION ingest_authenticator;
$request
SQL
is(join(' ', map { /"body":"\[\{\\"(\w)/ ? $1 : () } split /\n/, $out), 'a b a', 'within a transaction, and after it was taken back') or diag($err, $out);

# a transaction that looks at the past remembers nothing that is past
($code, $out, $err) = $node->psql($p, <<"SQL");
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 'begun';
SELECT test.change('UPDATE ingest_api_internal.resource SET name = ''other'' WHERE name = ''own''');
SET LOCAL SESSION AUTHORIZATION ingest_authenticator;
$request
COMMIT;
SET SESSION AUTHORIZATION ingest_authenticator;
$request
SQL
is(join(' ', map { /"status":(\d+)/ ? $1 : () } split /\n/, $out), '404 404', 'what a snapshot of before would show is not remembered') or diag($err, $out);

# what the gateway calls a request is the session's name while it runs, and no longer
$node->safe_psql($p, "GRANT fin TO ingest_authenticator; SET SESSION AUTHORIZATION fin; CREATE VIEW shop.called AS SELECT current_setting('application_name') AS name; SELECT ingest_api.expose('shop.called', 'called')");
$out = $node->safe_psql($p, "SET application_name = 'outer'; SET SESSION AUTHORIZATION ingest_authenticator; SELECT body FROM " . serve_call($token{fin}, 'GET', '/v1/called', { 'x-name' => 'pg_ingest_gateway 1-2' }) . "; SHOW application_name");
is($out, qq([{"name":"pg_ingest_gateway 1-2"}]\nouter), 'a request has its name, and the session its own again');

$node->stop;
done_testing();
