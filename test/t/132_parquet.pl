# Files of Parquet that files_fdw writes are, by those who did not write them, what went in: every value of every type, its
# nulls, its bounds; what they cannot hold is an error
use strict;
use warnings;
use File::Path qw(make_path);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Duck;
use Test::More;

plan skip_all => 'readers of Parquet from npm come with make check' unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@duckdb/node-api" && -d "$ENV{NODE_PATH}/hyparquet";
my $node = PostgreSQL::Test::Cluster->new('parquet');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\njit = off\ntimezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
my $root = $node->basedir . '/lake';
make_path($root);
chmod 0755, $root;
my $json = JSON::PP->new->utf8->allow_nonref->canonical;

duck_start("$root.err");

sql("CREATE EXTENSION files_fdw; CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root', writable 'on'); CREATE TYPE mood AS ENUM ('well', 'so, so', 'un\"well')");

# -- every type, with what is at its edges --

my %edges = (
	b => [ 'boolean', 'true', 'false' ],
	i2 => [ 'smallint', "'-32768'", '32767', '0' ],
	i4 => [ 'integer', "'-2147483648'", '2147483647', '0' ],
	i8 => [ 'bigint', "'-9223372036854775808'", '9223372036854775807', '-1' ],
	f4 => [ 'real', "'-0'", '0', "'Infinity'", "'-Infinity'", "'NaN'", '1.17549435e-38', '3.40282347e38' ],
	f8 => [ 'double precision', "'-0'", '0', "'Infinity'", "'-Infinity'", "'NaN'", '5e-324', '1.7976931348623157e308', '0.1' ],
	t => [ 'text', "''", "'a,\"b\"' || chr(10) || 'c'", "repeat('z', 70)", "repeat(chr(128512), 40)", "chr(1114111)", "chr(228) || chr(246)" ],
	v => [ 'varchar(20)', "'NULL'", "'x'" ],
	c => [ 'char(3)', "'a'" ],
	bin => [ 'bytea', "''", "'\\x00'", "'\\xff'", "decode(repeat('ff', 70), 'hex')" ],
	n9 => [ 'numeric(9,2)', '-9999999.99', '9999999.99', '0', '0.01' ],
	n18 => [ 'numeric(18,4)', '-99999999999999.9999', '99999999999999.9999', '-0.0001' ],
	n20 => [ 'numeric(20)', '-99999999999999999999', '99999999999999999999', '100000000' ],
	n38 => [ 'numeric(38,37)', '-9.9999999999999999999999999999999999999', '9.9999999999999999999999999999999999999', '1e-37', '1' ],
	nx => [ 'numeric(38,2)', '-999999999999999999999999999999999999.99', '999999999999999999999999999999999999.99', '12345678901234567890' ],
	d => [ 'date', "'0001-01-01'", "'9999-12-31'", "'1970-01-01'", "'1969-12-31'" ],
	ts => [ 'timestamp', "'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'" ],
	tz => [ 'timestamptz', "'0001-01-01 00:00:00Z'", "'9999-12-31 23:59:59.999999Z'" ],
	u => [ 'uuid', "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'" ],
	j => [ 'json', "('{\"a\": [1, \"' || chr(233) || '\"]}')", "'1'" ],
	jb => [ 'jsonb', "('{\"a\": [1, \"' || chr(233) || '\"]}')", "'null'" ],
	e => [ 'mood', "'well'", "'so, so'", "'un\"well'" ]);
my %random = (
	b => 'random() < 0.5', i2 => '(random() * 60000 - 30000)::smallint', i4 => '(random() * 4e9 - 2e9)::integer', i8 => '(random() * 1e18)::bigint', f4 => 'random()::real', f8 => 'random() * 1e6 - 5e5', t => "'text ' || md5(random()::text)",
	v => "left(md5(random()::text), 5)", c => "left(md5(random()::text), 2)", bin => "decode(md5(random()::text), 'hex')", n9 => '(random() * 2e6 - 1e6)::numeric(9,2)', n18 => '(random() * 2e12 - 1e12)::numeric(18,4)', n20 => '(random() * 1e19)::numeric(20)',
	n38 => '(random() * 18 - 9)::numeric(38,37)', nx => '(random() * 1e30)::numeric(38,2)', d => "'2000-01-01'::date + (random() * 20000)::int", ts => "'2000-01-01'::timestamp + random() * interval '30 years'", tz => "'2000-01-01Z'::timestamptz + random() * interval '30 years'",
	u => 'md5(random()::text)::uuid', j => "json_build_object('n', random())", jb => "jsonb_build_object('n', random())", e => "'well'");
my @names = sort keys %edges;
my $declared = join ', ', 'id integer', map { "$_ $edges{$_}[0]" } @names;
# as both sides write them: floats by their bits, bytes as hexadecimal digits
sub exact { my ($c) = @_; return $c eq 'f4' ? "float4send($c)" : $c eq 'f8' ? "float8send($c)" : $c =~ /^(j|jb|e)$/ ? "$c\::text" : $c; }
my $compared = join ', ', 'id', map { exact($_) } @names;
my $theirs = join ', ', 'id', map { $_ eq 'bin' ? "'\\x' || hex(bin) AS bin" : /^(ts|tz|u|j|jb|n9|n18|n20|n38|nx|d)$/ ? "CAST($_ AS VARCHAR) AS $_" : $_ } @names;
sql("CREATE TABLE source ($declared); CREATE TABLE back (LIKE source)");

# $repeats: how many values there are, so that dictionaries are kept or given up; $nulls: their share
sub fill
{
	my ($rows, $repeats, $nulls) = @_;
	my $choice = join ', ', map { my @e = @{ $edges{$_} }; my $n = @e - 1;
		"CASE WHEN random() < $nulls THEN NULL WHEN random() < 0.1 THEN (ARRAY[" . join(', ', map { "$_\::$e[0]" } @e[1 .. $n]) . "])[1 + floor(random() * $n)::int] ELSE " . ($repeats ? "(SELECT s.$_ FROM choices s WHERE s.k = (g::bigint * 7919 / (7 + length('$_'))) % $repeats)" : $random{$_}) . " END" } @names;
	sql("SELECT setseed(0.4); TRUNCATE source; DROP TABLE IF EXISTS choices; CREATE TABLE choices AS SELECT k, " . join(', ', map { "($random{$_})::$edges{$_}[0] AS $_" } @names) . " FROM generate_series(0, " . ($repeats || 1) . ") k; CREATE UNIQUE INDEX ON choices (k); ANALYZE choices;
		INSERT INTO source SELECT g, $choice FROM generate_series(1, $rows) g");
}
sub files_of { my ($name) = @_; return glob("$root/$name/*.parquet"); }
sub same
{
	my ($name, $what) = @_;
	duck("COPY (SELECT $theirs FROM read_parquet('$root/$name/*.parquet')) TO '$root/back.csv' (HEADER, NULLSTR '~null~')");
	sql("TRUNCATE back; COPY back FROM '$root/back.csv' (FORMAT csv, HEADER, NULL '~null~')");
	is(sql("SELECT count(*) FROM ((SELECT $compared FROM source EXCEPT ALL SELECT $compared FROM back) UNION ALL (SELECT $compared FROM back EXCEPT ALL SELECT $compared FROM source)) x"), 0,
		"$what: every value of " . sql('SELECT count(*) FROM back') . ' rows is what DuckDB reads');
	is(sql('SELECT count(*) FROM back'), sql('SELECT count(*) FROM source'), "$what: all rows");
}
# Would a condition pass over a group of rows that has what it asks for?
sub found
{
	my ($name, $what) = @_;
	my $wrong = '';
	my @looked = grep { !/^(j|jb|bin|c)$/ } @names;
	# a few values of each column, by their bytes, since psql prints nothing for U+10FFFF; how many rows are equal to, above,
	# below each
	my $asked = sql(join ' UNION ALL ', map { my $c = $_; my $o = /^[tve]$/ ? "$c\::text COLLATE \"C\"" : $c; my $v = /^[tve]$/ ? 'picked::text COLLATE "C"' : 'picked';
		"SELECT json_build_array('$c', encode(convert_to(picked::text, 'UTF8'), 'hex'), (SELECT count(*) FROM source WHERE $o = $v), (SELECT count(*) FROM source WHERE $o >= $v), (SELECT count(*) FROM source WHERE $o <= $v)) FROM (SELECT picked FROM (SELECT $c AS picked FROM source WHERE $c IS NOT NULL ORDER BY random() LIMIT 6) x) y" } @looked);
	for my $line (split /\n/, $asked)
	{
		my ($c, $v, @ours) = @{ $json->decode($line) };
		my $type = $c =~ /^[tve]$/ ? 'VARCHAR' : uc $edges{$c}[0];
		my $value = "CAST(decode(unhex('$v')) AS $type)";
		my $there = duck("SELECT " . join(', ', map { "(SELECT count(*) FROM read_parquet('$root/$name/*.parquet') WHERE $c $_ $value)" } '=', '>=', '<='))->[0];
		$wrong .= " $c $v: @$there, not @ours;" if "@$there" ne "@ours";
	}
	is($wrong, '', "$what: conditions find what is there");
}

my $n = 0;
for ([ 3000, 0, 0.2, 'zstd' ], [ 9000, 0, 0.01, 'none' ], [ 124000, 300, 0.1, 'gzip' ], [ 5000, 5, 0, 'none' ], [ 2000, 20, 0.9, 'auto' ], [ 9, 0, 1, 'zstd' ])
{
	my ($rows, $repeats, $nulls, $compression) = @$_;
	my $name = 'w' . ++$n;
	my $what = "$rows rows, " . ($repeats ? "$repeats values" : 'any value') . ", $compression";
	fill($rows, $repeats, $nulls);
	sql("CREATE FOREIGN TABLE $name ($declared) SERVER lake OPTIONS (path '$name', format 'parquet', layout 'plain', compression '$compression'); INSERT INTO $name SELECT * FROM source");
	same($name, $what);
	found($name, $what) if $rows < 10000 && $nulls < 1;
	my ($pages, $right) = split ' ', `node files/parquet.cjs pages @{[ files_of($name) ]}`;
	cmp_ok($pages, '>=', 23, "$what: $pages pages");
	is($right, $pages, "$what: each with its checksum");
}
# of a reader that is not written in C++, either
fill(3000, 50, 0.1);
sql("INSERT INTO w1 SELECT * FROM source WHERE false; CREATE FOREIGN TABLE h ($declared) SERVER lake OPTIONS (path 'h', format 'parquet', layout 'plain'); INSERT INTO h SELECT * FROM source");
run_log([ 'bash', '-c', "node files/parquet.cjs hyparquet $root/h/*.parquet > $root/h.json" ]);
sql("CREATE TABLE lines (l text); COPY lines FROM '$root/h.json' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02'); CREATE TABLE there AS SELECT l::jsonb AS l FROM lines");
is(sql("SELECT count(*) FROM there"), 3000, 'hyparquet reads all rows');
for my $c (qw(b i2 i4 t v bin u))
{
	is(sql("SELECT count(*) FROM source s JOIN there h ON (h.l->>'id')::int = s.id WHERE h.l->>'$c' IS DISTINCT FROM s.$c\::text"), 0, "hyparquet: $c");
}
is(sql("SELECT count(*) FROM source s JOIN there h ON (h.l->>'id')::int = s.id WHERE (h.l->>'i8')::bigint IS DISTINCT FROM s.i8"), 0, 'hyparquet: i8');
is(sql("SELECT count(*) FROM source s JOIN there h ON (h.l->>'id')::int = s.id WHERE abs((h.l->>'nx')::float8 - s.nx::float8) > abs(s.nx::float8) * 1e-14 OR (h.l->>'nx' IS NULL) <> (s.nx IS NULL)"), 0, 'hyparquet: nx, as a double');

# -- bounds --

sub bounds { my ($name, $c) = @_; return join ' ', map { defined $_ ? $_ : 'none' } @{ duck("SELECT stats_min_value, stats_max_value, stats_null_count FROM parquet_metadata('$root/$name/*.parquet') WHERE path_in_schema = '$c'")->[0] }; }
sql("CREATE FOREIGN TABLE s (nan float8, zero float8, neg float4, text text, top text, byte bytea, none int, n numeric(30,2), f bool) SERVER lake OPTIONS (path 's', format 'parquet', layout 'plain');
	INSERT INTO s VALUES (1, 0, -1, repeat('a', 63) || chr(228) || 'x', repeat(chr(1114111), 30), decode(repeat('ff', 70), 'hex'), NULL, -1.5, true), ('NaN', 0, -2, repeat('a', 80), repeat(chr(1114111), 31), '\\x00', NULL, 2, true), (3, 0, -3, NULL, 'a', NULL, NULL, NULL, NULL)");
is(bounds('s', 'nan'), 'none none 0', 'with a NaN there are no bounds: readers do not agree on which side it is');
is(bounds('s', 'zero'), '-0.0 0.0 0', 'both zeros are within');
is(bounds('s', 'neg'), '-3.0 -1.0 0', 'of negative ones');
is(bounds('s', 'text'), join(' ', 'a' x 64, 'a' x 62 . 'b', 1), 'a long text is cut, the greater one upward, between characters');
is(bounds('s', 'top'), join(' ', 'a', 'none', 0), 'above the last characters there is nothing');
like(bounds('s', 'byte'), qr/^\S+ none 1$/, 'nor above bytes of ones');
is(bounds('s', 'none'), 'none none 3', 'of nothing but nulls');
is(bounds('s', 'n'), '-1.50 2.00 1', 'decimals of many digits');
is(bounds('s', 'f'), 'true true 1', 'truth values');
is(duck("SELECT list(min_is_exact ORDER BY path_in_schema) FROM parquet_metadata('$root/s/*.parquet') WHERE path_in_schema IN ('n', 'text')")->[0][0] ? 1 : 0, 1, 'whether a bound is a value is told');

# -- what it cannot hold --

sub refused
{
	my ($type, $value, $error, $what) = @_;
	$n++;
	sql("CREATE FOREIGN TABLE r$n (id int, x $type) SERVER lake OPTIONS (path 'r$n', format 'parquet', layout 'plain')");
	like(said("INSERT INTO r$n VALUES (1, NULL), (2, $value)"), $error, $what);
	is(join(' ', glob("$root/r$n/* $root/r$n/.*.tmp")), '', 'and leaves nothing behind');
}
refused('numeric(5,2)', "'NaN'", qr/ERROR:  value NaN of column "x" cannot be written to a lake\nDETAIL:  It does not fit decimal\(5,2\)\.\nCONTEXT:  row 2 written to foreign table "r\d+"/, 'NaN among decimals');
refused('date', "'infinity'", qr/value infinity of column "x".*years 1 to 9999/s, 'a day without end');
refused('date', "'0001-12-31 BC'", qr/value 0001-12-31 BC of column "x"/, 'a day before the years');
refused('timestamp', "'10000-01-01'", qr/value 10000-01-01 00:00:00 of column "x"/, 'a time behind them');
refused('timestamptz', "'-infinity'", qr/value -infinity of column "x"/, 'a time without beginning');
refused('numeric', '1', qr/column "x" of foreign table "r\d+" cannot be written to a lake\nDETAIL:  A lake's decimals have a precision and a scale.\nHINT:  Declare the column as numeric\(38,10\)/, 'numeric without precision');
refused('numeric(39,1)', '1', qr/at most 38 digits/, 'numeric of more digits');
refused('interval', "'1 day'", qr/Type interval has no counterpart in Parquet.*as text/s, 'a type that Parquet does not have');
refused('int[]', "'{1}'", qr/Type integer\[\] has no counterpart in Parquet/, 'arrays');
sql("CREATE FOREIGN TABLE odd (a numeric(3,-2), b numeric(2,4)) SERVER lake OPTIONS (path 'odd', format 'parquet', layout 'plain'); INSERT INTO odd VALUES (12345, 0.0012), (-99900, -0.0099)");
is_deeply(duck("SELECT a::INT, (b * 10000)::INT FROM read_parquet('$root/odd/*.parquet') ORDER BY a"), [ [ -99900, -99 ], [ 12300, 12 ] ], 'scales below zero and above the precision');

# -- memory --

sql("CREATE FOREIGN TABLE wide (t text, n bigint) SERVER lake OPTIONS (path 'wide', format 'parquet', layout 'plain')");
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \my $in, '>', \my $out, '2>', "$root.session");
sub told { my ($statement) = @_; $out = ''; $in .= "$statement; SELECT 'that is all';\n"; $session->pump until $out =~ s/that is all\n//; return $out; }
my $pid = int told('SELECT pg_backend_pid()');
sub most { return slurp_file("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ ? $1 : die; }
my $before = most();
told("INSERT INTO wide SELECT repeat(md5(i::text), 64), i FROM generate_series(1, 200000) i");
cmp_ok(most() - $before, '<', 220 * 1024, 'of 400 MB of rows ' . int((most() - $before) / 1024) . ' MB are held');
$in .= "\\q\n";
$session->finish;
is(duck("SELECT count(*), sum(length(t)), sum(n)::VARCHAR FROM read_parquet('$root/wide/*.parquet')")->[0][1], 200000 * 2048, 'and all are there');
cmp_ok(duck("SELECT count(DISTINCT row_group_id) FROM parquet_metadata('$root/wide/*.parquet')")->[0][0], '>', 4, 'in groups of bounded bytes');

duck_end();
$node->stop;
done_testing();
