# A repository that is full of everything: history, events under way, jobs, sinks, tokens, annotations.  t/127_versions.pl makes
# it with the last release, too, so what is younger than that waits for the next one.
package Full;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(full_repository full_data);

my $secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

# Extensions, a source behind postgres_fdw in the same database, and what the role ida keeps of it
sub full_repository
{
	my ($node, $db) = @_;
	$db //= 'postgres';
	my ($host, $port, $user) = ($node->host, $node->port, scalar getpwuid($<));
	$node->safe_psql($db, qq{SET client_min_messages = warning;
		CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest_delivery; CREATE EXTENSION ingest_api;
		CREATE ROLE ida LOGIN; GRANT ingest_operator TO ida; GRANT ida TO ingest_authenticator; GRANT CREATE ON DATABASE $db TO ida;
		CREATE SCHEMA vault; CREATE TABLE vault.card (id int PRIMARY KEY, pin text, u timestamptz DEFAULT '2026-01-01');
		INSERT INTO vault.card SELECT i, 'PIN-' || i % 7 FROM generate_series(1, 40) i;
		CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$db');
		GRANT USAGE ON FOREIGN SERVER origin TO ida;
		CREATE USER MAPPING FOR ida SERVER origin OPTIONS (user '$user', password_required 'false');
		CREATE USER MAPPING FOR ida SERVER ingest_secrets OPTIONS (mine '$secret');
		SET ROLE ida; CREATE SCHEMA house});
	$node->safe_psql($db, $_, extra_params => [ '-U', 'ida' ]) for
	  "SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}', refresh_schedule => '1 day')", "CALL ingest.crawl('origin')",
	  "SELECT ingest.create_sync('far.card', 'house.card', cursor_column => 'u', history => true, row_events => true, profile => 'all')", "CALL ingest.sync('house.card')";
	$node->safe_psql($db, "UPDATE vault.card SET pin = 'another', u = now() WHERE id < 10; DELETE FROM vault.card WHERE id = 40");
	$node->safe_psql($db, $_, extra_params => [ '-U', 'ida' ]) for
	  "CALL ingest.sync('house.card')", "SELECT ingest.add_rule('house.card', 'not_null', '{pin}')", "SELECT count(*) FROM ingest.check_quality('house.card')",
	  "SELECT ingest.create_job('cards', 'sync', 'house.card')", "SELECT ingest.schedule('cards', '1 day')", "SELECT ingest.create_job('later', 'sql', 'SELECT 1', depends_on => '{cards}')", "SELECT ingest.enqueue('later', now() + interval '1 day')",
	  "SELECT ingest.subscribe('reads', '{shop.*}')", "SELECT ingest.emit('shop.note', 'x ' || i, '{\"a\": 1}') FROM generate_series(1, 9) i",
	  "SELECT ingest.ack('reads', (SELECT id FROM ingest.read_events('reads', 100) ORDER BY id OFFSET 4 LIMIT 1))",
	  "SELECT ingest.silence('stale/*', now() + interval '1 day')", "SELECT ingest.set_lineage('house.card', 'far.card')", "SELECT ingest.annotate('house.card', 'owner', '\"ida\"')",
	  "SELECT ingest_delivery.create_sink('hook', 'webhook', '{\"url\": \"https://hooks.example.com/\", \"secret\": \"mapping:ingest_secrets/mine\"}', from_start => true)", "SELECT ingest_delivery.pause_sink('hook')",
	  "SELECT ingest_api.create_token('mine')", "SELECT ingest_api.expose('house.card', 'cards_here')";
	return;
}

# All rows of the tables of the extensions that pg_dump would take, by what stands in them: columns that a later version has beside are left out, where the caller
# names those of before.  $columns: table => [columns], which is filled the first time.
sub full_data
{
	my ($node, $columns, $db) = @_;
	$db //= 'postgres';
	my %rows;
	if (!%$columns)
	{
		for (split /\n/, $node->safe_psql($db, q{SELECT c.oid::regclass || '|' || string_agg(quote_ident(a.attname), ',' ORDER BY a.attname) FROM pg_extension e, unnest(e.extconfig) t JOIN pg_class c ON c.oid = t
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p') AND e.extname LIKE 'ingest%' GROUP BY c.oid}))
		{
			my ($table, $list) = split /\|/, $_, 2;
			$columns->{$table} = $list;
		}
	}
	my @tables = sort keys %$columns;
	@rows{@tables} = split /\n/, $node->safe_psql($db, join "\n", map { "SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, ',' ORDER BY x::text)), '') FROM (SELECT $columns->{$_} FROM $_) x;" } @tables);
	return \%rows;
}

1;
