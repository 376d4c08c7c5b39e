# A folder that lives: pieces come, grow, are rewritten, cut, moved, broken and taken away while runs are killed; after each
# run the copy is what was listed when its pieces were read, and in the end what there is
use strict;
use warnings;
use IPC::Run ();
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{INGEST_KILLS} // 20;
my $seed = $ENV{INGEST_SEED} // time() & 0xffff;
srand($seed);
note("INGEST_SEED=$seed INGEST_KILLS=$kills");

my $node = PostgreSQL::Test::Cluster->new('pieces');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nrestart_after_crash = on\nstatement_timeout = 120s\n");
$node->start;
my ($port, $host) = ($node->port, $node->host);
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub world { return $node->safe_psql('world', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }

# -- the world: pieces, each version of each, and what a wrapper would say of them --

$node->safe_psql('postgres', 'CREATE DATABASE world');
world(q{
	CREATE TABLE file (piece text PRIMARY KEY, version int NOT NULL, lines text[] NOT NULL, modified timestamptz NOT NULL, settled boolean NOT NULL DEFAULT true, broken text, seen int);
	CREATE TABLE past (piece text, version int, lines text[], PRIMARY KEY (piece, version));
	CREATE SEQUENCE versions;
	CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO past VALUES (NEW.piece, NEW.version, NEW.lines) ON CONFLICT DO NOTHING; RETURN NEW; END $$;
	CREATE TRIGGER keep AFTER INSERT OR UPDATE ON file FOR EACH ROW EXECUTE FUNCTION keep();
	-- as slow as a small file is, so that a kill meets one half read
	CREATE FUNCTION opens(piece text, code text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.002); IF code IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'piece ' || piece || ' is broken'; END IF; RETURN true; END $$;
	CREATE FUNCTION good(line text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT line ~ '^\d+,' $$;
	CREATE VIEW item AS SELECT CASE WHEN good(l.line) THEN split_part(l.line, ',', 1)::bigint END AS id, CASE WHEN good(l.line) THEN split_part(l.line, ',', 2) END AS v, f.piece AS _file, l.n AS _position, coalesce(f.seen, f.version)::text AS _version,
		CASE WHEN NOT good(l.line) THEN jsonb_build_object('reason', 'no number', 'sqlstate', '22P02', 'row', l.line) END AS _error
		FROM file f CROSS JOIN LATERAL unnest(f.lines) WITH ORDINALITY l (line, n) WHERE opens(f.piece, f.broken);
});
sql(qq{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA w; CREATE SCHEMA p;
	CREATE SERVER w FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'world'); CREATE USER MAPPING FOR CURRENT_USER SERVER w;
	CREATE FOREIGN TABLE w.file (piece text, version int, lines text[], modified timestamptz, settled boolean) SERVER w OPTIONS (schema_name 'public');
	CREATE FUNCTION w.pieces(foreign_table regclass, OUT piece text, OUT version text, OUT extent bigint, OUT bytes bigint, OUT modified timestamptz, OUT settled boolean) RETURNS SETOF record LANGUAGE sql
		AS 'SELECT f.piece, f.version::text, cardinality(f.lines) + 1, 1000000 * cardinality(f.lines), f.modified, f.settled FROM w.file f';
	CREATE FUNCTION w.prefix(foreign_table regclass, piece text, extent bigint) RETURNS text LANGUAGE sql
		AS \$\$ SELECT md5(f.lines[:extent - 1]::text) FROM w.file f WHERE f.piece = \$2 AND f.piece LIKE '%.log' \$\$;
	UPDATE ingest.connector SET pieces_function = 'w.pieces', prefix_function = 'w.prefix', piece_column = '_file', position_column = '_position', version_column = '_version', error_column = '_error', tables_function = NULL, horizon_function = NULL, counts = false
		WHERE wrapper = 'postgres_fdw';
	SELECT ingest.register_source('w', 'w', schema => 'w_ft', remote_schemas => '{public}', tables => '{item}');
	CALL ingest.crawl('w');
	SELECT ingest.create_sync('w_ft.item', 'p.item', history => true, max_delete_share => 1);
	SELECT ingest.create_sync('w_ft.item', 'p.own', key => '{id}', name => 'own', deletions => 'soft', max_delete_share => 1);
});

# what a piece is here, held against what it was when it was read; a key of its own may have been another piece's first
my $differs = q{SELECT string_agg(x.piece || ' ' || x.what, '; ') FROM (
	SELECT p.piece, 'copy is not version ' || coalesce(p.version, '-') AS what FROM ingest.sync_piece p JOIN ingest.sync s ON s.id = p.sync
		LEFT JOIN LATERAL (SELECT coalesce(array_agg(split_part(l.line, ',', 1)::bigint || ',' || split_part(l.line, ',', 2) ORDER BY l.n), '{}') AS lines FROM w.past h, unnest(h.lines) WITH ORDINALITY l (line, n)
			WHERE h.piece = p.piece AND h.version::text = p.version AND l.line ~ '^\d+,') there ON true
		LEFT JOIN LATERAL (SELECT coalesce(array_agg(i.id || ',' || i.v ORDER BY i._position), '{}') AS lines FROM p.item i WHERE i._file = p.piece) here ON true
		WHERE s.name = 'p.item' AND (p.version IS NOT NULL OR p.state = 'gone') AND there.lines <> here.lines
	UNION ALL SELECT DISTINCT i._file, 'is nowhere' FROM p.item i WHERE NOT EXISTS (SELECT FROM ingest.sync_piece p JOIN ingest.sync s ON s.id = p.sync WHERE s.name = 'p.item' AND p.piece = i._file AND p.state <> 'gone')) x};
sql("CREATE FOREIGN TABLE w.past (piece text, version int, lines text[]) SERVER w OPTIONS (schema_name 'public')");

# -- its life --

my $next = 1;
sub lines { my $n = shift; my @l = map { int(rand(20)) == 0 ? 'bad' : ($next++) . ',v' . int(rand(1000)) } 1 .. $n; return "'{" . join(',', map { "\"$_\"" } @l) . "}'::text[]"; }
my $v = "version = nextval('versions')";
sub live
{
	my $what = int(rand(12));
	my $some = 'piece = (SELECT piece FROM file ORDER BY random() LIMIT 1)';
	my $log = "piece = (SELECT piece FROM file WHERE piece LIKE '%.log' ORDER BY random() LIMIT 1)";
	my $n = 1 + int(rand(30));
	my $old = "now() - interval '" . int(rand(1000)) . " days'";
	if ($what <= 1) { world("INSERT INTO file SELECT 'f' || nextval('versions') || '.csv', nextval('versions'), " . lines($n) . ", $old"); }
	elsif ($what == 2) { world("INSERT INTO file SELECT 'g' || nextval('versions') || '.log', nextval('versions'), " . lines($n) . ', now()'); }
	elsif ($what <= 4) { world("UPDATE file SET lines = lines || " . lines($n) . ", $v, modified = now() WHERE $log"); }
	elsif ($what == 5) { world("UPDATE file SET lines = " . lines($n) . ", $v WHERE $some"); }    # the same time of modification
	elsif ($what == 6) { world("UPDATE file SET lines = lines[:cardinality(lines) / 2], $v, modified = now() WHERE $some"); }
	elsif ($what == 7) { world("UPDATE file SET piece = 'm' || nextval('versions') || '.csv', $v, modified = $old WHERE $some"); }    # moved
	elsif ($what == 8) { world("DELETE FROM file WHERE $some"); }
	elsif ($what == 9) { world("UPDATE file SET lines = lines || " . lines(1) . ", $v, settled = NOT settled WHERE $some"); }
	elsif ($what == 10) { world("UPDATE file SET broken = CASE WHEN broken IS NULL THEN (ARRAY['22P04','58P01','HV000','40001'])[1 + (random() * 3)::int] END, $v WHERE $some"); }
	else { world("UPDATE file SET seen = CASE WHEN seen IS NULL THEN version END, $v WHERE $some"); }    # written while it is read
}
world('INSERT INTO file SELECT \'s\' || i || \'.csv\', nextval(\'versions\'), ' . lines(20) . ', now() FROM generate_series(1, 30) i');
# no two pieces have a key in common
world(q{UPDATE file f SET lines = ARRAY(SELECT (1000000 + 1000 * substr(f.piece, 2, length(f.piece) - 5)::int + i) || ',v' FROM generate_series(1, 20) i), version = nextval('versions')});

my ($killed, $ran, $wrong) = (0, 0, 0);
for (my $round = 0; $killed < $kills && $round < 60 * $kills; $round++)
{
	live() for 1 .. 1 + int(rand(4));
	my $sync = int(rand(3)) ? 'p.item' : 'own';
	my ($in, $out, $err) = ('', '', '');
	my $psql = IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', "SELECT pg_backend_pid()", '-c', "CALL ingest.sync('$sync')" ], \$in, \$out, \$err);
	if (int(rand(2)))
	{
		sleep rand(0.25);
		$psql->pump_nb;
		my ($pid) = $out =~ /(\d+)/;
		if ($pid && kill 9, $pid) { $killed++; }
	}
	else
	{
		# another one at the same time has no say
		my $other = said("CALL ingest.sync('$sync')");
		$ran++;
		unless ($other eq '' || $other =~ /ERROR:  sync "[^"]*" is already running|NOTICE|could not obtain lock/) { diag("the other run: $other"); $wrong++; }
	}
	$psql->finish;
	poll_until($node, 'postgres', 'SELECT true');
	my $d = sql($differs);
	if ($d ne '') { diag("round $round: $d"); $wrong++; last; }
}
is($wrong, 0, 'after each run, and whatever was killed, each piece here is one version of it there, whole');
cmp_ok($killed, '>=', $kills, "kills: $killed, beside $ran runs at the same time as another");

# -- in the end --

world('UPDATE file SET settled = true, broken = NULL, seen = NULL');
sql("UPDATE ingest.sync_piece SET next_try = now() WHERE state = 'failed'");
for my $sync ('p.item', 'own')
{
	my ($code, $out, $err) = $node->psql('postgres', "CALL ingest.sync('$sync')");
	is($code, 0, "$sync runs to its end") or diag($err);
}
is(sql($differs), '', 'the copy is what was listed');
is(sql(q{SELECT count(*) FROM ((SELECT id, v, _file, _position FROM w_ft.item WHERE _error IS NULL EXCEPT ALL SELECT id, v, _file, _position FROM p.item) UNION ALL (SELECT id, v, _file, _position FROM p.item EXCEPT ALL SELECT id, v, _file, _position FROM w_ft.item WHERE _error IS NULL)) x}), '0', 'and what there is');
is(sql(q{SELECT count(*) FROM ((SELECT id, v, _file, _position FROM w_ft.item WHERE _error IS NULL EXCEPT ALL SELECT id, v, _file, _position FROM p.own WHERE _deleted_at IS NULL) UNION ALL (SELECT id, v, _file, _position FROM p.own WHERE _deleted_at IS NULL EXCEPT ALL SELECT id, v, _file, _position FROM w_ft.item WHERE _error IS NULL)) x}), '0', 'so is the one with a key of its own');
is(sql(q{SELECT count(*) FROM (SELECT piece, version::text FROM w.file) f FULL JOIN (SELECT p.piece, p.version FROM ingest.sync_piece p JOIN ingest.sync s ON s.id = p.sync WHERE s.name = 'p.item' AND p.state = 'done') p ON (p.piece, p.version) = (f.piece, f.version) WHERE p.piece IS NULL OR f.piece IS NULL}), '0', 'what is known of pieces is the listing');
is(sql(q{SELECT count(*) FROM w_ft.item WHERE _error IS NOT NULL}), sql(q{SELECT count(*) FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'p.item' AND r.resolved_at IS NULL}), 'bad rows are the rejected ones, each once');
is(sql(q{SELECT finding, rows FROM ingest.verify('p.item') WHERE rows > 0 AND finding <> 'same'}), '', 'every value is the same');
is(sql(q{SELECT count(*) FROM (SELECT * FROM ingest.as_of(NULL::p.item, clock_timestamp()) EXCEPT ALL SELECT * FROM p.item) x}), '0', 'and history tells the same');
is(sql(q{SELECT rows FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync WHERE s.name = 'p.item'}), sql('SELECT count(*) FROM p.item'), 'rows are counted right');
done_testing();
