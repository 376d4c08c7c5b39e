# What lineage() tells of foreign keys is what the catalogue has, also right after it changed: one session is asked for each
# relation and column after each change that another one made, and each answer is held against pg_constraint.
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
$node->stop;
done_testing();
