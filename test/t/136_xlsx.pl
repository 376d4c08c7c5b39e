# files_fdw, workbooks: random tables that openpyxl and XlsxWriter wrote, compared with what these were given, and damaged
# ones; and workbooks by hand (files/xlsx_make.py), of what Excel writes and others do not.  XLSX_ROUNDS (40) and
# XLSX_SEED lengthen and vary it.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = 'postgres';
my $files = dirname(abs_path(__FILE__)) . '/../files';
my $node = PostgreSQL::Test::Cluster->new('xlsx');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $out . $err; }
my $folder = $node->basedir . '/drop';
mkdir $folder;
sql("CREATE EXTENSION files_fdw; CREATE SERVER xlsx FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$folder')");

# -- other writers --

SKIP:
{
	skip 'openpyxl and XlsxWriter are not there', 1 if system('/usr/bin/python3 -c "import openpyxl, xlsxwriter, psycopg" 2>/dev/null') != 0;
	my $seed = $ENV{XLSX_SEED} // 1;
	my ($out, $err) = run_command([ '/usr/bin/python3', '-B', "$files/xlsx_random.py", $node->connstr($p), $folder, $ENV{XLSX_ROUNDS} // 40, $seed ]);
	like($out, qr/^\d+ equal, \d+ refused, \d+ harmless, 0 wrong$/m, "seed $seed: what others wrote comes as they were given it, and no damage makes other rows") or diag($out, $err);
	note($out);
	sql('DROP FOREIGN TABLE IF EXISTS t');
	unlink "$folder/t.xlsx";
}

# -- by hand --

is(system('/usr/bin/python3', '-B', "$files/xlsx_make.py", $folder), 0, 'workbooks by hand');

sub table { my ($file, $columns, $more) = @_; return "DROP FOREIGN TABLE IF EXISTS t; CREATE FOREIGN TABLE t ($columns, e jsonb OPTIONS (metadata 'error'), l bigint OPTIONS (metadata 'line')) SERVER xlsx OPTIONS (path '$file', format 'xlsx'" . ($more // '') . '); '; }
sub values_of { my ($file, $type, $more) = @_; return sql(table($file, "id text, v $type", $more) . "SELECT string_agg(coalesce(v::text, CASE WHEN e IS NULL THEN 'null' ELSE '!' END), ',' ORDER BY l) FROM t WHERE id IS NOT NULL OR e IS NOT NULL"); }
for ([ 'days.xlsx', 'text', '1900-01-01,1900-02-28,1900-03-01,2023-03-15,2023-03-15 12:00:00,9999-12-31', 'days of the calendar of 1900' ],
	[ 'leap.xlsx', 'text', '1900-02-28,!,!,!,!,1900-03-01', 'the 29th of February 1900, and others that there are not' ],
	[ 'leap.xlsx', 'date', '1900-02-28,!,!,!,!,1900-03-01', 'as days, too' ],
	[ 'days_1904.xlsx', 'date', '1904-01-01,1904-02-29,1904-03-01,2023-03-15', 'days of the calendar of 1904' ],
	[ 'times.xlsx', 'time', '00:00:00,12:00:00,24:00:00,06:00:00', 'times' ],
	[ 'stamps.xlsx', 'text', '2023-03-15 00:00:00,2023-03-16 00:00:00,2023-03-15 02:57:47.030,1900-03-01 12:00:00', 'both, to the millisecond' ],
	[ 'durations.xlsx', 'interval', '36:00:00,12:00:00,2400:00:00,-06:00:00', 'durations' ],
	[ 'numbers.xlsx', 'numeric', '0.1,0.30000000000000004,0.001,-150000000000000000000,0.01,12345678901234567890,!,0,0,1.50,7,0.5,19.99,1001', 'numbers, in the digits that were meant' ],
	[ 'numbers.xlsx', 'text', '0.1,0.30000000000000004,0.001,-150000000000000000000,0.01,12345678901234567890,!,0,-0,1.50,7,0.5,19.99,1001', 'as texts' ],
	[ 'merged.xlsx', 'text', 'both,null', 'merged cells: the first one has what they have' ],
	[ 'prefixed.xlsx', 'int', '5,6', 'names with prefixes' ], [ 'stored.xlsx', 'int', '5,6', 'parts that are not packed' ],
	[ 'kinds.xlsx', 'text', "idx,,null,rich ,a\r\n_x000D_", 'formulas, runs of letters, escapes' ])
{
	my ($file, $type, $is, $what) = @$_;
	is(values_of($file, $type), $is, "$file as $type: $what");
}
is(sql(table('builtin.xlsx', 'id date, v timestamp') . 'SELECT id, v FROM t'), '2023-03-15|2023-03-15 12:00:00', 'formats that have no code');
is(sql(table('styled.xlsx', 'id numeric, v numeric') . 'SELECT id, v FROM t'), "45000|45000\n5|6", 'letters of dates in formats of numbers');
is(sql(table('kinds.xlsx', 'id boolean, v text') . "SELECT string_agg(coalesce(id::text, '-'), ',' ORDER BY l) FROM t"), 'true,false,true,false,true', 'truth values; a row with nothing is none');
is(sql(table('errors.xlsx', 'id int, v int') . "SELECT string_agg(l || ' ' || (e->>'value') || ' ' || (e->>'reason'), ';') FROM t WHERE e IS NOT NULL"), '2 #N/A the cell has an error instead of a value;4 #DIV/0! the cell has an error instead of a value', 'errors are no values');
like(said('SELECT v FROM t'), qr/ERROR:  the cell has an error instead of a value\nDETAIL:  File "errors.xlsx", line 2, position 2, column "v": "#N\/A"/, 'nor for who does not ask');
is(sql('SELECT count(id) FROM t'), '18', 'who does not read the column does not meet them');
is(sql(table('errors.xlsx', q(id int, v text OPTIONS (null_words '#N/A,#DIV/0!'))) . 'SELECT count(v), count(e) FROM t'), '16|0', 'unless they are to be null');
is(sql(table('nul.xlsx', 'id int, v text') . "SELECT string_agg(coalesce(v, e->>'sqlstate'), ',' ORDER BY l) FROM t"), '22P05,ok', 'a NUL makes a row bad');
is(sql(table('unplaced.xlsx', 'id int, v boolean') . 'SELECT id, v, l FROM t'), '7|t|2', 'cells that do not say where they are');
is(sql(table('before.xlsx', 'id int, v int', ", range 'B1'") . "SELECT string_agg(coalesce(e->>'reason', id::text), ',' ORDER BY l) FROM t"), 'cell A2 is in no column of the table,3', 'nor is what stands left of a range that is open');
is(sql(table('before.xlsx', 'id int, v int', ", range 'B1', extra_columns 'ignore'") . "SELECT string_agg(coalesce(e->>'reason', id::text), ',' ORDER BY l) FROM t"), '2,3', 'unless that is wanted');
unlike(said('IMPORT FOREIGN SCHEMA "/" LIMIT TO (only_text) FROM SERVER xlsx INTO w'), qr/invalid memory|ERROR:  XX000/, 'a sheet of what is wrong alone');
is(sql(table('outside.xlsx', 'id int, v int') . "SELECT string_agg(coalesce(e->>'reason', id::text), ',' ORDER BY l) FROM t"), '2,cell D3 is in no column of the table,4', 'what stands beside the table is not lost');
is(sql(table('outside.xlsx', 'id int, v int', ", extra_columns 'ignore'") . "SELECT string_agg(id::text, ',' ORDER BY l) FROM t"), '2,3,4', 'unless it is to be ignored');
is(sql(table('outside.xlsx', 'id int, v int', ", range 'A1:B3'") . "SELECT string_agg(id::text, ',' ORDER BY l) FROM t"), '2,3', 'or out of the range');
is(sql(table('outside.xlsx', 'a int, b int', ", range 'A2:B', header 'off'") . "SELECT string_agg(a::text, ',' ORDER BY l) FROM t"), '2,3,4', 'columns by their place');
is(sql(table('placed.xlsx', 'id int, amount numeric', ", range 'C5', extra_columns 'ignore'") . 'SELECT count(*), sum(amount) FROM t'), '24|432.0', 'a table that does not begin in A1');
is(sql('SELECT min(l), count(*) FROM t WHERE l > 20'), '21|9', 'lines are rows of the sheet');

# -- sheets and imports --

my $notices = said('CREATE SCHEMA w; IMPORT FOREIGN SCHEMA "/" LIMIT TO (alone, many_sheet_1, many_sheet_2, many_sheet_3, many_sheet_4, many_sheet_5, book, placed, twice, errors, stamps, days, kinds, numbers) FROM SERVER xlsx INTO w');
is(sql("SELECT string_agg(relname, ' ' ORDER BY 1) FROM pg_class WHERE relnamespace = 'w'::regnamespace AND relname ~ '^many'"), 'many_sheet_1 many_sheet_2 many_sheet_4', 'a table for each sheet that has anything and is not hidden');
like($notices, qr/many_sheet_1: 1 file \(many\.xlsx\), xlsx, sheet "Sheet 1", hidden sheets left out: 1, 1 rows read/, 'hidden ones are told of');
is(sql('SELECT v FROM w.many_sheet_4'), '4', 'each has its own rows');
is(sql("SELECT obj_description('w.many_sheet_2'::regclass)"), 'sheet Sheet 2 of files many.xlsx', 'and says so');
is(sql("SELECT string_agg(\"table\", ' ' ORDER BY 1) FROM files_tables('xlsx') WHERE \"table\" ~ '^many'"), 'many_sheet_1 many_sheet_2 many_sheet_4', 'a connector sees the same ones');
# what is tried in a subtransaction cannot be where several processes run a query
is(sql("SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SELECT (SELECT count(*) > 0 FROM pg_attribute), count(*) > 0 FROM files_$_('xlsx')"), 't|t', "files_$_() beside a large table") for qw(tables check);
is(sql('SELECT count(*), sum(v) FROM w.book'), '3|6', 'a single sheet is that of all files, whatever its name is');
is(sql('SELECT v FROM w.alone'), '4', 'one beside empty ones');
is(sql("SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'w.placed'::regclass AND attnum > 0"), 'id bigint, name text, amount numeric', 'lines before the table are found, and columns without a name are none');
is(sql('SELECT count(*), sum(amount), max(name) FROM w.placed'), '24|432.0|n9', 'with all rows');
is(sql('SELECT sum(x), max(column2), count(*) FROM w.twice'), '35|t|7', 'names that come twice: columns by their place');
is(sql('SELECT count(*), count(v), sum(v) FROM w.errors WHERE id <> 3'), '17|16|80', '#N/A is null for an import, other errors are not');
like($notices, qr/errors: 1 file \(errors\.xlsx\), xlsx, 18 rows read, 1 of which do not fit, the first: a cell has an error instead of a value/, 'and it says so');
is(sql("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'w.$_->[0]'::regclass AND attname = 'v'"), $_->[1], "$_->[0]: $_->[1]") for [ 'stamps', 'timestamp without time zone' ], [ 'days', 'text' ], [ 'kinds', 'text' ];
like(said(table('many.xlsx', 'id int, v int') . 'SELECT * FROM t'), qr/ERROR:  file "many.xlsx" has 5 sheets that are not hidden, not one\nDETAIL:  It has: "Sheet 1", "Sheet 2", "Sheet 3" \(hidden\)/, 'which of several must be said');
is(sql(table('many.xlsx', 'id int, v int', ", sheet 'Sheet 3'") . 'SELECT v FROM t'), '3', 'a hidden one may be');
like(said(table('many.xlsx', 'id int, v int', ", sheet 'Sheet 9'") . 'SELECT * FROM t'), qr/ERROR:  file "many.xlsx" has no sheet "Sheet 9"/, 'one that is not there');
like(sql("SELECT string_agg(choice || '=' || value, ';') FROM files_sniff('xlsx', 'placed.xlsx')"), qr/format=xlsx;sheet=the only one.*;table=CREATE FOREIGN TABLE placed \(id bigint, name text, amount numeric\) SERVER xlsx OPTIONS \(path 'placed.xlsx', format 'xlsx', range '5', header 'on'/, 'files_sniff shows what is found');

# -- what is no workbook --

my %why = (
	index => qr/Cell A2 has text number "2", which does not exist/, negative => qr/text number "-1", which does not exist/, row => qr/a row has a number that no sheet has/, column => qr/in row 2, a cell has a place that no sheet has/,
	place => qr/row 2 has a cell of row 3/, order => qr/row 2 follows row 3/, cells => qr/the cells of row 2 are not in order/, again => qr/the cells of row 2 are not in order/, type => qr/a cell has an unknown type/,
	doctype => qr/it has a document type/, deep => qr/its tags and their names need more than 67108864 bytes/, unclosed => qr/line \d+, no element found|line \d+, unclosed token|line \d+, /, tag => qr/a tag has more than 1048576 bytes/, nosheet => qr/sheet1.xml": it is missing/, nostrings => qr/sharedStrings.xml": it is missing/,
	nobook => qr/workbook.xml": it is missing/, text => qr/a text has more than 1048576 bytes|cell|row/, binary => qr/It is a binary workbook/, archive => qr/It is an archive of other files/, cut => qr/It is cut off/, half => qr/It is cut off/,
	bits => qr/zlib says|its checksum differs|line \d+|has (more|fewer) bytes/, crc => qr/its checksum differs/, encrypted_part => qr/Its part "[^"]*" is encrypted/, method => qr/packed by method 12/, size => qr/it has more bytes than the directory says/,
	offset => qr/should be after its end/, old => qr/a workbook of Excel 97 to 2003/, password => qr/The workbook is encrypted with a password\.\nHINT:  Save it without the password/);
my @bad = map { /bad_(.*)\.xlsx$/ } glob "$folder/bad_*.xlsx";
is(join(' ', sort @bad), join(' ', sort keys %why), 'each damaged file is expected');
for my $name (sort keys %why)
{
	my $out = said(table("bad_$name.xlsx", 'id text, v text') . 'SELECT count(id || v) FROM t');
	like($out, qr/ERROR:  file "bad_$name\.xlsx" (is not a valid workbook|cannot be read)\n.*$why{$name}/s, "bad_$name: an error");
}
is(sql(table('whole.xlsx', 'id int, v int') . 'SELECT count(*), sum(v) FROM t'), '2000|1999000', 'the one that they were made from');
is(sql(table('bomb.xlsx', 'id int, v int') . 'SELECT count(*), sum(v) FROM t'), '1|5', 'a hundred megabytes of blanks');
like(said("SET statement_timeout = '5ms'; SELECT count(*) FROM t"), qr/canceling statement due to statement timeout/, 'are left at once');

# -- options --

sub refused { my ($options, $what) = @_; like(said("CREATE FOREIGN TABLE no (a text) SERVER xlsx OPTIONS (path 't.xlsx', $options)"), $what, $options); return; }
refused("sheet 'x'", qr/option sheet does not go with format 'csv'/);
refused("format 'json', range 'A1'", qr/option range does not go with format 'json'/);
refused("format 'xlsx', $_ 'none'", qr/option $_ does not go with format 'xlsx'/) for 'compression', 'quote', 'comment';
refused("format 'xlsx', range '$_'", qr/invalid value for option "range"/) for '', '0', 'A0', 'XFE1', 'A1048577', 'A1:', 'B2:A3', 'B3:C2', '3:C', 'A1:B2:C3', 'A 1', '-1';
$node->stop;
done_testing();
