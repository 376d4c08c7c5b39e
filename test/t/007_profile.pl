# Sketches out of a damaged or hostile source, under a sanitizer; cancel; dump and restore
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use MIME::Base64;
use Time::HiRes qw(time sleep);

# the checksum that makes a damaged sketch look whole again
my @crc_table = map { my $c = $_; $c = $c & 1 ? ($c >> 1) ^ 0x82F63B78 : $c >> 1 for 1 .. 8; $c } 0 .. 255;

sub crc32c
{
	my $crc = 0xFFFFFFFF;
	$crc = $crc_table[ ($crc ^ $_) & 0xFF ] ^ ($crc >> 8) for unpack('C*', shift);
	return $crc ^ 0xFFFFFFFF;
}

sub resealed
{
	my $body = substr($_[0], 0, -4);
	return $body . pack('V', crc32c($body));
}

my $node = PostgreSQL::Test::Cluster->new('profile');
my $library = $ENV{PROFILE_LIBRARY};
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
# test/lib.sh builds the same sources with UBSan
$ENV{UBSAN_OPTIONS} = 'halt_on_error=1:print_stacktrace=1';
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION ingest_profile');
if ($library)
{
	$node->safe_psql('postgres', "UPDATE pg_proc SET probin = '$library' WHERE probin LIKE '%ingest_profile'");
	is($node->safe_psql('postgres', "SELECT count(*) > 20 FROM pg_proc WHERE probin = '$library'"), 't', 'the functions are those of the library under the sanitizer');
}

# -- bytes from outside --
my @sketches = map { decode_base64($node->safe_psql('postgres', "SELECT $_")) } (
	'profile(i) FROM generate_series(1, 40) i',
	'profile(i) FROM generate_series(1, 30000) i',
	'profile(i / 7.0) FROM generate_series(1, 5000) i',
	q{profile('Text ' || i) FROM generate_series(1, 5000) i},
	q{profile('Text ' || i % 20) FROM generate_series(1, 100) i},
	q{profile(ARRAY[i, i]) FROM generate_series(1, 100) i},
	q{profile(md5(i::text)::uuid) FROM generate_series(1, 3000) i},
	q{profile(decode(md5(i::text), 'hex')) FROM generate_series(1, 3000) i},
	q{profile(timestamptz '2024-01-01' + i * interval '1 hour') FROM generate_series(1, 3000) i});
is($node->safe_psql('postgres', "SELECT '" . encode_base64(resealed($_), '') . "'::profile_sketch IS NOT NULL"), 't', 'the checksum is as the test reckons it')
  for $sketches[0];
$node->safe_psql('postgres', q{
	CREATE TABLE outcome (kind text, n int);
	CREATE FUNCTION try(hostile text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE s profile_sketch;
	BEGIN
		s := hostile::profile_sketch;
		PERFORM length(profile_json(s)::text), quantile(s, ARRAY[0, 0.5, 1]), semantic_type(s), overlap(s, s), profile_drift(s, s);
		PERFORM histogram(s, 7, true);
		PERFORM profile_merge(x) FROM (VALUES (s), (s)) v(x);
		RETURN 'read';
	EXCEPTION WHEN data_corrupted OR feature_not_supported THEN RETURN 'refused';
	WHEN query_canceled OR assert_failure THEN RAISE;
	WHEN OTHERS THEN RETURN 'error ' || SQLSTATE;
	END $$});
srand(7);
my $rounds = $ENV{PROFILE_FUZZ} // 2500;
my @statements;
for my $i (1 .. $rounds)
{
	my $s = $sketches[ $i % @sketches ];
	for (0 .. int(rand 3))
	{
		my $how = int(rand 6);
		# mostly near the front, where counts and sizes are
		my $at = int(rand() < 0.6 ? rand(120) : rand(length($s) - 4));
		$at = length($s) - 5 if $at > length($s) - 5;
		if ($how == 0) { substr($s, $at, 1) = chr(int(rand 256)) }
		elsif ($how == 1) { substr($s, $at, 1) = chr(0xFF) }
		elsif ($how == 2) { substr($s, $at, 1) = '' }
		elsif ($how == 3) { substr($s, $at, 0) = pack('C*', map { int(rand 256) } 1 .. 1 + rand 9) }
		elsif ($how == 4) { substr($s, $at) = '' . ('x' x 4) if length($s) > 20 }
		else { substr($s, $at, 8) = "\xFF" x 8 }
		$s = "PS\x01" . ('x' x 8) if length($s) < 12;
	}
	push @statements, "INSERT INTO outcome SELECT try('" . encode_base64(resealed($s), '') . "'), 1;";
}
my $file = $node->basedir . '/hostile.sql';
PostgreSQL::Test::Utils::append_to_file($file, join("\n", "SET statement_timeout = '60s';", @statements));
$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ], "$rounds damaged sketches end no session");
is($node->safe_psql('postgres', 'SELECT sum(n) FROM outcome'), $rounds, 'each has its outcome');
my $outcomes = $node->safe_psql('postgres', 'SELECT string_agg(format(\'%s %s\', kind, n), \', \' ORDER BY n DESC) FROM (SELECT kind, sum(n) AS n FROM outcome GROUP BY kind) x');
note $outcomes;
cmp_ok($node->safe_psql('postgres', "SELECT coalesce(sum(n), 0) FROM outcome WHERE kind = 'refused'"), '>', $rounds / 4, 'most of them are refused as damaged');
unlike($outcomes, qr/error (XX000|57|53)/, 'no internal error');

# -- cancel --
$node->safe_psql('postgres', 'CREATE TABLE long AS SELECT i, md5(i::text) AS t FROM generate_series(1, 1500000) i; VACUUM ANALYZE long');
for my $what ('profile(t) FROM long', '* FROM profile_table($$long$$)', '* FROM candidate_keys($$long$$)', '* FROM outliers($$long$$, $$t$$)', '* FROM profile_report($$long$$)')
{
	for my $ms (60, 350)
	{
		# measured within the server; the best of three, since other work may be going on
		my ($best, $faster);
		for (1 .. 3)
		{
			my ($code, $out, $err) = $node->psql('postgres', qq{SET statement_timeout = $ms;
				DO \$do\$ BEGIN PERFORM $what; EXCEPTION WHEN query_canceled THEN
					RAISE NOTICE 'late: %', extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - $ms; END \$do\$});
			my ($late) = $err =~ /late: (-?[\d.]+)/ or $faster = 1, last;
			$best = $late if !defined $best || $late < $best;
			last if $best < 100;
		}
		SKIP: {
			skip "$what was faster than $ms ms", 1 if $faster;
			in_time($best, 100, "cancel after $ms ms: $what");
		}
	}
}

# with other processes as well: whichever part of the work they are at, they end at once, by a timeout or by somebody's hand
$node->safe_psql('postgres', q{
	CREATE TABLE broad AS SELECT md5(i::text) AS a, md5((i * 3)::text) AS b, md5((i * 5)::text) AS c, md5((i * 7)::text) AS d, i / 7.0 AS e, sin(i) AS f FROM generate_series(1, 600000) i;
	VACUUM ANALYZE broad;
	ALTER TABLE broad SET (parallel_workers = 2);
	CREATE FUNCTION cancelled(ms float8) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM * FROM profile_table('broad');
		RETURN 'never';
	EXCEPTION WHEN query_canceled THEN
		RETURN format('%s ms late, %s workers left', round(extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - ms),
			(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'));
	END $$});
my $together = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0;';
my ($wcode, $wout, $werr) = $node->psql('postgres', "$together SET client_min_messages = debug1; SELECT count(*) FROM profile_table('broad')");
like($werr, qr/3 processes read the table together/, 'a large table is read by three processes');
for my $ms (30, 150, 400)
{
	my @tries;
	for (1 .. 3)
	{
		my ($code, $out, $err) = $node->psql('postgres', "$together SET statement_timeout = $ms; SELECT cancelled($ms)");
		if ($code)
		{
			$err =~ /ERROR:  canceling statement due to statement timeout$/ or die $err;
			# before the function had begun, for which 30 ms may be too short at any time
			push @tries, 'before it began' if $ms > 30;
			next;
		}
		push @tries, $out;
		last if $tries[-1] eq 'never' || ($tries[-1] =~ /^(-?\d+) ms late, 0 workers/ && $1 < 100);
	}
	SKIP: {
		skip "it needs less than $ms ms, or more to begin", 1 if !@tries || $tries[-1] eq 'never';
		ok($tries[-1] =~ /^(-?\d+) ms late, 0 workers/ && $1 < 100, "with workers, cancel after $ms ms: " . join('; ', @tries) . ' [timed]');
	}
}
{
	my $at_work = "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND leader_pid IS NOT NULL";
	my ($out, $err) = ('', '');
	my $handle = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $together, '-c', "SELECT count(*) FROM generate_series(1, 100) i, LATERAL (SELECT count(*) FROM profile_table('broad', CASE WHEN i > 0 THEN ARRAY['a','b','c','d','e','f'] END)) x" ], '>', \$out, '2>', \$err);
	my $seen = '';
	for (1 .. 200)
	{
		last if ($seen = $node->safe_psql('postgres', $at_work)) eq 't';
		sleep 0.1;
	}
	is($seen, 't', 'workers are at work');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 100) i%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
	$handle->finish;
	like($err, qr/canceling statement due to user request/, 'and somebody cancels them');
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'"), '0', 'nobody is left');
}

# -- progress --
my ($pcode, $pout, $perr) = $node->psql('postgres', q{SET max_parallel_workers_per_gather = 0; SET ingest_profile.progress_interval = '1ms'; SELECT count(*) FROM profile_table('long')});
like($perr, qr/NOTICE:  profile of public.long: 65536 rows read by this process after \d+ s, 4 % of about 1500000/, 'profile_table tells how far it has come');
($pcode, $pout, $perr) = $node->psql('postgres', q{SET ingest_profile.progress_interval = 0; SELECT count(*) FROM profile_table('long')});
is($perr, '', 'and does not if it is told not to');

# -- dump and restore into another database, of another encoding as well --
$node->safe_psql('postgres', q{CREATE TABLE kept AS SELECT profile(i) AS i, profile(t) AS t, profile('Zoë ' || i) AS u FROM long WHERE i <= 20000});
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-t', 'kept', '-f', $dump ], 'a table of sketches is dumped');
for my $encoding ('UTF8', 'LATIN1')
{
	my $db = lc "restored_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION ingest_profile');
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-f', $dump ], "and restored into $encoding");
	is($node->safe_psql($db, "SELECT (profile_stats(i)).median || (profile_stats(t)).max || substr((profile_stats(u)).min, 1, 2) FROM kept"),
		$node->safe_psql('postgres', "SELECT (profile_stats(i)).median || (profile_stats(t)).max || substr((profile_stats(u)).min, 1, 2) FROM kept"), 'with the same figures');
	is($node->safe_psql($db, "SET client_encoding = 'UTF8'; SELECT top.value LIKE 'Zo_ %' FROM kept, top_values(u, 1) top UNION SELECT (profile_stats(u)).samples[1] LIKE 'Zo_ %' FROM kept LIMIT 1"), 't', 'and the same texts');
}

is($node->safe_psql('postgres', 'SELECT count(*) FROM long'), '1500000', 'the server is well');
# -- the examples of the documentation, in their order --
my @examples = slurp_file('../docs/ingest_profile.md') =~ /```sql\n(.*?)```/gs;
cmp_ok(scalar @examples, '>', 8, 'the documentation has examples');
$node->safe_psql('postgres', 'CREATE DATABASE documented');
my $examples = $node->basedir . '/examples.sql';
PostgreSQL::Test::Utils::append_to_file($examples, join("\n", @examples));
my ($shown, $complaints) = run_command([ 'psql', '-XAq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('documented'), '-f', $examples ]);
is($complaints, '', 'every example of the documentation runs');
unlike($shown, qr/\(0 rows\)/, 'and has an answer');
my $manual = slurp_file('../docs/ingest_profile.md');
is(join(' ', grep { $manual !~ /\b\Q$_\E\b/ } split(/\n/, $node->safe_psql('postgres', q{
	SELECT name FROM semantic_types() UNION ALL SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'profile_statistics'::regclass AND a.attname NOT IN ('type', 'p05', 'p25', 'p75', 'p95')
	UNION ALL SELECT proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
		WHERE e.extname = 'ingest_profile' AND proname !~ '^profile_(sketch_|transition|combine|serialize|deserialize|final|merge_)'}))), '', 'every function, figure and meaning is documented');
# every figure of every kind of column once more, under the sanitizer
$node->safe_psql('postgres', q{
	CREATE TABLE kinds AS SELECT i AS a, i::numeric / 3 AS b, sin(i) AS c, 'Name ' || i AS d, decode(md5(i::text), 'hex') AS e, md5(i::text)::uuid AS f,
		ARRAY[i, i + 1] AS g, jsonb_build_object('a', i) AS h, date '2020-01-01' + i AS j, i % 2 = 0 AS k, now() + i * interval '1 s' AS l, time '00:00' + (i % 600) * interval '1 minute' AS m, NULL::text AS n
	FROM generate_series(1, 9000) i});
is($node->safe_psql('postgres', q{SELECT count(*) FROM profile_table('kinds') p, profile_json(p.sketch) j WHERE j ->> 'rows' = '9000'}), '13', 'all kinds of columns');
is($node->safe_psql('postgres', q{SELECT count(*) FROM profile_report('kinds')}), '15', 'and their picture');
unlike(slurp_file($node->logfile), qr/runtime error/, 'the sanitizer found nothing');
done_testing();
