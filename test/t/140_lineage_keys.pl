# What lineage() tells of foreign keys is what the catalogue has, and of what was recorded, what is in the table and the caller
# may see, also right after something changed: one session is asked for each relation and column after each change that
# another one made, and each answer is held against pg_constraint, or the rows of ingest.lineage_edge.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('lineage_keys');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION ingest CASCADE;
CREATE SCHEMA k;
CREATE TABLE k.parent (gone int, a int, b int, UNIQUE (a, b), UNIQUE (b));
ALTER TABLE k.parent DROP COLUMN gone;
-- two columns crosswise, two keys to one table, one to itself
CREATE TABLE k.child (gone text, x int, y int, id int PRIMARY KEY, up int REFERENCES k.child, other int REFERENCES k.parent (b));
ALTER TABLE k.child DROP COLUMN gone;
ALTER TABLE k.child ADD CONSTRAINT pair FOREIGN KEY (y, x) REFERENCES k.parent (a, b);
CREATE TABLE k."odd ""name" (id int PRIMARY KEY, "of .it" int REFERENCES k.child);
-- copies of a key: one of each partition, and one to each partition
CREATE TABLE k.parts (id int, b int REFERENCES k.parent (b), PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE k.part_one PARTITION OF k.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE k.part_two PARTITION OF k.parts FOR VALUES FROM (10) TO (20);
CREATE TABLE k.to_parts (id int REFERENCES k.parts);
CREATE TABLE k.alone (id int);
CREATE VIEW k.seen AS SELECT id FROM k.alone;
SQL

# The catalogue itself: keys that are no copies, column by column
my $expected = <<'SQL';
SELECT f.oid::regclass || ' ' || pf.attname || ' > ' || t.oid::regclass || ' ' || pt.attname
FROM pg_constraint c CROSS JOIN LATERAL unnest(c.confkey, c.conkey) u (there, here)
    JOIN pg_class f ON f.oid = c.confrelid JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_attribute pf ON (pf.attrelid, pf.attnum) = (f.oid, u.there) JOIN pg_attribute pt ON (pt.attrelid, pt.attnum) = (t.oid, u.here)
WHERE c.contype = 'f' AND c.conparentid = 0 AND t.relnamespace = 'k'::regnamespace ORDER BY 1
SQL
# What is told, of each relation (asked = whole) and of each column (asked = column)
my $said = <<'SQL';
WITH asked AS (SELECT format('%I.%I', n.nspname, c.relname) AS object, false AS is_column FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'k' AND c.relkind IN ('r', 'p', 'v')
    UNION ALL SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname), true FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname = 'k' AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped),
told AS (SELECT l.*, parse_ident(l.from_object) AS f, parse_ident(l.to_object) AS t FROM asked a CROSS JOIN LATERAL ingest.lineage(a.object, 'upstream', 1) l
        WHERE l.kind = 'foreign key' AND a.is_column = COLUMN)
SELECT format('%I.%I', f[1], f[2]) || ' ' || f[3] || ' > ' || format('%I.%I', t[1], t[2]) || ' ' || t[3] FROM told ORDER BY 1
SQL

my @changes = (
	'SELECT 1',
	'ALTER TABLE k.child DROP CONSTRAINT pair',
	'ALTER TABLE k.child ADD CONSTRAINT pair FOREIGN KEY (x, y) REFERENCES k.parent (a, b)',
	'ALTER TABLE k.child RENAME CONSTRAINT pair TO couple',
	'ALTER TABLE k.child RENAME COLUMN x TO z',
	'ALTER TABLE k.parent RENAME COLUMN a TO first',
	'ALTER TABLE k.parent RENAME TO elder',
	'ALTER TABLE k.child RENAME TO junior',
	'ALTER TABLE k.alone ADD FOREIGN KEY (id) REFERENCES k.junior',
	'BEGIN; ALTER TABLE k.alone ADD COLUMN up int REFERENCES k.elder (b); ROLLBACK',
	# what was a copy is a key of its own now, and again a copy
	'ALTER TABLE k.parts DETACH PARTITION k.part_one',
	'ALTER TABLE k.parts ATTACH PARTITION k.part_one FOR VALUES FROM (0) TO (10)',
	'DROP TABLE k.part_two CASCADE',
	'CREATE TABLE k.part_two PARTITION OF k.parts FOR VALUES FROM (10) TO (20)',
	'ALTER TABLE k.junior DROP COLUMN other',
	'CREATE SCHEMA m; ALTER TABLE k.elder SET SCHEMA m',
	'DROP TABLE m.elder CASCADE',
	'DROP TABLE k.alone CASCADE');

my $session = session_of($node, "SET client_min_messages = error; SET search_path = pg_catalog");
my %seen;
for my $change (@changes)
{
	$node->safe_psql('postgres', $change);
	my $truth = $node->safe_psql('postgres', "SET search_path = pg_catalog; $expected");
	for my $column ('false', 'true')
	{
		my ($out, $err) = $session->ask($said =~ s/COLUMN/$column/r);
		is($out // $err, $truth, $change . ($column eq 'true' ? ', column by column' : ''));
	}
	$seen{$truth} = 1;
}
cmp_ok(scalar(keys %seen), '>', @changes / 2, 'most changes change what there is');

# -- what was recorded: of roles, for whom others act or do not --

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE ann IN ROLE ingest_operator;
CREATE ROLE bob IN ROLE ingest_operator;
CREATE ROLE chief IN ROLE ingest_admin;
CREATE ROLE reader IN ROLE ingest_reader;
SET SESSION AUTHORIZATION ann;
SELECT ingest.set_lineage('s.one', 's.two'), ingest.set_lineage('s.one', 's.two', 'a', 'b'), ingest.set_lineage('s.one', 's.two', 'a', 'c'),
    ingest.set_lineage('s.one', 's.three', 'a', ''), ingest.set_lineage('s.one', 's.three', '', 'a'), ingest.set_lineage('"S ""x".t', 's.one'), ingest.set_lineage('s.one', 's.one');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION bob;
SELECT ingest.set_lineage('s.one', 's.two'), ingest.set_lineage('s.zero', 's.one', kind => 'own'), ingest.set_lineage('r.one', 's.one'), ingest.set_lineage('s.two', 's.one');
SQL
my @roles = qw(postgres ann bob chief reader);
my @objects = ('s.one', 's.two', 's.three', 's.one.a', 's.two.b', 's.two.none', 's.zero', '"S ""x".t', 's.none', 'r.one');
my $sees = <<'SQL';
SELECT string_agg(concat_ws(' ', e.kind, e.from_schema, e.from_table, e.from_column, e.to_schema, e.to_table, e.to_column), '; ' ORDER BY e.id)
FROM ingest.lineage_edge e CROSS JOIN LATERAL parse_ident('OBJECT') p
WHERE (e.END_schema, e.END_table) = (p[1], p[2]) AND (p[3] IS NULL OR e.END_column = '' OR e.END_column = p[3])
    AND e.owner IS NOT NULL AND (pg_has_role('ROLE', e.owner, 'USAGE') OR pg_has_role('ROLE', 'ingest_admin', 'USAGE'))
SQL
my $tells = <<'SQL';
SELECT string_agg(concat_ws(' ', l.kind, f[1], f[2], coalesce(f[3], ''), t[1], t[2], coalesce(t[3], '')), '; ' ORDER BY n)
FROM ingest.lineage('OBJECT', 'DIRECTION', 1) WITH ORDINALITY l (distance, from_object, to_object, kind, n), parse_ident(l.from_object) f, parse_ident(l.to_object) t
SQL
my %session = map { my $s = Psql::session($node, 'postgres'); $s->ask("SET client_min_messages = error; SET SESSION AUTHORIZATION $_"); ($_ => $s) } @roles;
my %told;
for my $change ('SELECT 1', 'GRANT ann TO bob', 'REVOKE ann FROM bob', 'GRANT ingest_admin TO reader', 'REVOKE ingest_admin FROM reader',
	'SET SESSION AUTHORIZATION ann; SELECT ingest.set_lineage($$s.one$$, $$s.four$$), ingest.set_lineage($$s.one$$, $$s.three$$, $$a$$, $$$$, NULL)',
	'UPDATE ingest.lineage_edge SET owner = NULL WHERE to_table = $$four$$', 'DROP OWNED BY bob; DROP ROLE bob; DELETE FROM ingest.lineage_edge WHERE from_table = $$zero$$')
{
	$node->safe_psql('postgres', $change);
	my @wrong;
	for my $role (grep { $_ ne 'bob' || $change !~ /DROP ROLE/ } @roles)
	{
		for my $object (@objects)
		{
			for my $end (qw(to from))
			{
				my %put = (OBJECT => $object, END => $end, ROLE => $role, DIRECTION => $end eq 'to' ? 'upstream' : 'downstream');
				my ($want, $query) = map { s/(OBJECT|END|ROLE|DIRECTION)/$put{$1}/gr } $sees, $tells;
				my $truth = $node->safe_psql('postgres', $want);
				my ($out, $err) = $session{$role}->ask($query);
				push @wrong, "$role $object $end: " . ($out // $err) . " instead of $truth" if ($out // $err) ne $truth;
				$told{$truth} = 1;
			}
		}
	}
	is(join("\n", @wrong), '', "recorded, after $change");
}
cmp_ok(scalar(keys %told), '>', 20, 'many different things are told');

# what a statement wrote itself is seen by it, also where the transaction looks at the past
for my $level ('READ COMMITTED', 'REPEATABLE READ')
{
	my ($out, $err) = $session{ann}->ask("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM ingest.lineage('t.a', 'downstream'); SELECT ingest.set_lineage('t.a', 't.b'), (SELECT count(*) FROM ingest.lineage('t.a', 'downstream')); "
		. "SELECT count(*) FROM ingest.lineage('t.a', 'downstream'); ROLLBACK");
	is(($out // $err) =~ s/\s+/ /gr, '0 |1 1', "within a transaction, $level");
}
$node->stop;
done_testing();
