# files_fdw, lines of fixed width: what Python's slices have of them, whatever the encoding; what an import finds; and
# what stands in no column, which is not lost.  FIXED_ROUNDS (150) and FIXED_SEED lengthen and vary it.
use strict;
use warnings;
use Cwd qw(abs_path);
use Encode qw(decode_utf8 encode_utf8);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('fixed');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nmax_parallel_workers_per_gather = 2\nmin_parallel_table_scan_size = 0\nparallel_setup_cost = 0\nparallel_tuple_cost = 0\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $out . $err; }
my $folder = $node->basedir . '/drop';
mkdir $folder;
sub put { my ($path, $text) = @_; open my $f, '>:raw', "$folder/$path" or die "$path: $!"; print $f $text; close $f; return; }
sql("CREATE EXTENSION files_fdw; CREATE SERVER fixed FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$folder'); CREATE SCHEMA f");
my $seed = $ENV{FIXED_SEED} // 1;
my ($out, $err) = run_command([ '/usr/bin/python3', '-B', dirname(abs_path(__FILE__)) . '/../files/fixed_random.py', $node->connstr($p), $folder, $ENV{FIXED_ROUNDS} // 150, $seed ]);
like($out, qr/^\d+ equal, 0 wrong$/m, "seed $seed: slices of Python's") or diag($out, $err);
sql('DROP FOREIGN TABLE IF EXISTS t');
unlink "$folder/t.txt";

# -- what an import finds --

my @names = map { decode_utf8($_) } ('Adam Smith', 'Eve', 'Zoë Nüsslein', 'Bob van der Berg', '', 'Ann');
sub lines { my ($n, $format) = @_; return encode_utf8(join '', map { sprintf($format, $_, $names[ $_ % @names ], $_ * 1.25, 1 + $_ % 28) } 1 .. $n); }
put('orders_1.txt', "      id  name                amount  day       \n" . lines(300, "%8d  %-18s%8.2f  2026-11-%02d\n"));
put('plain.dat', lines(300, "%-6d%-19s%9.2f 2026-11-%02d\r\n"));
put('spaced.txt', join '', map { "$_ x$_ y\n" } 10 .. 40);
put('words.txt', "name\n" . join '', map { "$_ smith\n" } qw(john jane jack jill joan june));
put('times.txt', join '', map { "2026-11-$_ 10:20:30\n" } 10 .. 29);
put('few.txt', "id  name\n 1  one\n 2  two\n");
like(said('IMPORT FOREIGN SCHEMA "/" LIMIT TO (orders, plain) FROM SERVER fixed INTO f'), qr/NOTICE:  orders: 1 file \(orders_#\.txt\), UTF8, columns 1-8, [^:]*, 300 rows read/, 'columns of blanks are found');
is(sql("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'f.orders'::regclass AND attnum > 0"), 'id bigint, name text, amount numeric, day date', 'with their names and types');
is(sql('SELECT count(*), sum(id), sum(amount), count(name), max(day) FROM f.orders'), '300|45150|56437.50|250|2026-11-28', 'and all their rows');
is(sql("SELECT count(*), sum(column1), sum(column3), string_agg(DISTINCT column2, ',' ORDER BY column2) FROM f.plain"), '300|45150|56437.50|Adam Smith,Ann,Bob van der Berg,Eve,Zoë Nüsslein', 'lines without a header, in characters');
like(sql("SELECT string_agg(choice || '=' || value, ';') FROM files_sniff('fixed', 'orders_1.txt')"), qr/format=fixed;columns=1-8/, 'files_sniff shows them');
like(sql("SELECT string_agg(choice || '=' || value, ';') FROM files_sniff('fixed', 'spaced.txt')"), qr/format=csv;delimiter=space/, 'blanks that divide all rows alike are a delimiter');
like(sql("SELECT string_agg(value, ';') FROM files_sniff('fixed', 'words.txt') WHERE choice IN ('format', 'problem')"), qr/^csv;the delimiter may be space/, 'words that stand one below the other by chance are no columns');
unlike(sql("SELECT string_agg(choice || '=' || value, ';') FROM files_sniff('fixed', 'few.txt')"), qr/format=fixed/, 'nor are two rows');

unlike(sql("SELECT string_agg(choice || '=' || value, ';') FROM files_sniff('fixed', 'times.txt')"), qr/format=fixed/, 'a time is one value');

# -- what is not lost --

sub table { my ($columns, $more, $path) = @_; sql('DROP FOREIGN TABLE IF EXISTS t; CREATE FOREIGN TABLE t (a text, b text, e jsonb OPTIONS (metadata \'error\'), p bigint OPTIONS (metadata \'position\'), l bigint OPTIONS (metadata \'line\')) SERVER fixed OPTIONS (path \'' . ($path // 't.txt') . "', format 'fixed', header 'off', columns '$columns'" . ($more // '') . ')'); return; }
put('t.txt', "ab  cd\nab xcd\nabxxcd\n\n   \nab\na\nab  cdef\nab\0 cd\nab\xff cd\nab  cd");
table('1-2, 5-6');
is(sql("SELECT string_agg(concat_ws(',', l, a, b, e->>'reason'), ';' ORDER BY l) FROM t WHERE e IS NULL OR e->>'sqlstate' = '22P04'"),
	'1,ab,cd;2,there is something in characters 3 to 4, where there is no column;3,there is something in characters 3 to 4, where there is no column;5;6,ab;7,a;8,there is something in characters 7 to 8, where there is no column;11,ab,cd', 'what stands in no column makes a row bad');
is(sql("SELECT string_agg((e->>'line') || ' ' || (e->>'sqlstate'), ',') FROM t WHERE e->>'sqlstate' <> '22P04'"), '9 22021,10 22021', 'what is no text as well');
like(said('SELECT a FROM t'), qr/ERROR:  there is something in characters 3 to 4, where there is no column\nDETAIL:  File "t.txt", line 2, /, 'a query that does not read errors fails');
put('t.txt', "ab  cd\nab xcd\nab  cdef\n");
table('1-2, 5-6', ", extra_columns 'ignore'");
is(sql("SELECT string_agg(a || b, ',') FROM t"), 'abcd,abcd,abcd', 'unless it is to be ignored');
put('t.txt', join '', map { sprintf "%-6d%6d\n", $_, -$_ } 1 .. 60000);
table('1-6, 7-12', ", compression 'none'");
is(sql('SELECT count(*), sum(a::int), sum(b::int), count(DISTINCT p) FROM t'), '60000|1800030000|-1800030000|60000', 'a large file');
like(sql('EXPLAIN (COSTS OFF) SELECT count(*) FROM t'), qr/Parallel Foreign Scan/, 'which processes share');
is(sql('SELECT min(a), count(*) FROM t WHERE p >= 13 * 59000'), '59001|1000', 'from a position on');

# -- options --

sub refused { my ($options, $what) = @_; like(said("CREATE FOREIGN TABLE no (a text) SERVER fixed OPTIONS (path 't.txt', $options)"), $what, $options); return; }
refused("format 'fixed'", qr/option columns is required with format 'fixed'/);
refused("columns '1-2'", qr/option columns goes with format 'fixed'/);
refused("format 'fixed', columns '1-2', delimiter ';'", qr/option delimiter does not go with format 'fixed'/);
refused("format 'fixed', columns '$_'", qr/invalid value for option "columns".*\nHINT:  It must be positions of columns/) for '', '0-3', '3-1', '1,,2', '1-2-3', 'a', '1;2', '99999999';
refused("format 'fixed', columns '1-4, 4-5'", qr/Columns must follow one another/);
table('1-2, 3, 4-');
like(said('SELECT * FROM t'), qr/ERROR:  option columns of foreign table "t" has 3 places for 2 columns/, 'as many places as columns');
$node->stop;
done_testing();
