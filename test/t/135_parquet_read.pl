# files_fdw: Parquet is read as others wrote it: DuckDB, arrow-rs, and a writer of what these do not write; damaged and
# hostile files end in errors.  PARQUET_ROUNDS (5) and PARQUET_SEED lengthen and vary it.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = 'postgres';
my $files = dirname(abs_path(__FILE__)) . '/../files';
my $node = PostgreSQL::Test::Cluster->new('parquet');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nmax_parallel_workers = 8\n");
$node->start;
my $root = $node->basedir . '/drop';
mkdir $root or die;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $err; }

sub make
{
	my ($lines) = @_;
	my ($out, $err) = run_command([ '/usr/bin/python3', '-B', '-c', "import sys, struct; sys.path.insert(0, '$files'); from parquet_make import *\nroot = '$root/'\n$lines" ]);
	is($err, '', 'files are made');
}

# a table of what an import proposes
sub table
{
	my ($name, $path) = @_;
	my $ddl = sql("SELECT value FROM files_sniff('drop_folder', '$path') WHERE choice = 'table'");
	$ddl =~ s/^CREATE FOREIGN TABLE ("[^"]*"|\S+) /CREATE FOREIGN TABLE $name /;
	sql("DROP FOREIGN TABLE IF EXISTS $name; $ddl");
	return $ddl;
}

sql("SET client_min_messages = warning; CREATE EXTENSION files_fdw; CREATE SERVER drop_folder FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root')");

# -- the same values in every encoding, packed or not, in pages of both versions --

system_or_bail('/usr/bin/python3', '-B', "$files/parquet_make.py", "$root/corpus");
my %said;
foreach my $file (sort glob "$root/corpus/*")
{
	my ($name) = $file =~ m{([^/]+)$};
	my ($kind) = $name =~ /^([a-z0-9]+)_/ or next;
	table('one', "corpus/$name");
	my $column = $kind eq 'list' ? 'l' : $kind eq 'map' ? 'm' : 'c';
	# with a dictionary it is there twice
	my $most = $name =~ /words/ ? 'WHERE n <= (SELECT count(*) / 2 FROM one)' : '';
	push @{ $said{$kind} }, sql("SELECT string_agg(coalesce(v::text, '~'), ' ' ORDER BY n) FROM (SELECT row_number() OVER () AS n, $column AS v FROM one) x $most");
}
my %expected = (
	truths => join(' ', ('true ~ false') x 6), integers => join(' ', ('5 ~ -7 5 5 5 5 5 5 5 5 100000 ~ 3') x 3), longs => join(' ', ('5 ~ -7 5 5 5 5 5 5 5 5 100000 ~ 3') x 3),
	floats => join(' ', ('0.5 ~ NaN') x 4), doubles => join(' ', ('0.5 ~ Infinity') x 4), texts => join(' ', ('apple ~ apples  größe applet') x 5),
	fixed => join(' ', ('\x61626364 ~ \x61626365') x 4), int96 => join(' ', ('1970-01-02 00:00:00.000001 ~') x 3), decimals => '-0.02 2.56 ~', list => '[1, null] [] ~ [2]', map => '{"a": 1, "b": 2} {} ~ {"a": null}');
$expected{map} = '{"a": 1, "b": null} {} ~ {"a": 2}';
is(join("\n", sort { $a cmp $b } do { my %s = map { $_ => 1 } @{ $said{$_} }; keys %s }), $expected{$_}, "$_: the same in " . @{ $said{$_} } . ' files') foreach sort keys %said;
is(join(' ', sort keys %said), join(' ', sort keys %expected), 'of every kind');

# -- types that are not ours alone --

make(<<'E2');
big = (10 ** 30 + 7).to_bytes(16, 'big')
write(root + 'types.parquet', [[
  Column('d5', INT32, [-12345, None], converted=5, scale=2, precision=5), Column('d18', INT64, [123456789012345678, -1], converted=5, scale=3, precision=18),
  Column('d38', FIXED, [big, (-10 ** 30 - 7).to_bytes(16, 'big', signed=True)], length=16, converted=5, scale=10, precision=38),
  Column('dv', BYTES, [b'\xff', b'\x00\x80'], logical={5: {1: 1, 2: 4}}), Column('d', INT32, [-1, 20000], converted=6), Column('ms', INT64, [-1, 1700000000123], converted=9),
  Column('us', INT64, [-1, 1700000000123456], logical={8: {1: False, 2: {2: {}}}}), Column('ns', INT64, [-1000, 1700000000123456000], logical={8: {1: True, 2: {3: {}}}}),
  Column('t', INT32, [0, 86399999], converted=7), Column('u8', INT32, [255, 0], converted=11), Column('u64', INT64, [-1, 5], converted=14), Column('u32', INT32, [-1, 5], converted=13),
  Column('half', FIXED, [b'\x00\x3e', b'\x00\xfc'], length=2, logical={15: {}}), Column('uid', FIXED, [bytes(range(16)), None], length=16, logical={14: {}}),
  Column('iv', FIXED, [struct.pack('<III', 14, 3, 1500), None], length=12, converted=21), Column('j', BYTES, [b'{"a": [1]}', None], converted=19), Column('e', BYTES, [b'x', b'y'], converted=4),
  Column('nothing', INT32, [None, None], logical={11: {}}), Column('raw', BYTES, [b'\x00\xff', b''])]])
E2
table('types', 'types.parquet');
is(sql("SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'types'::regclass AND attnum > 0"),
	'numeric(5,2) numeric(18,3) numeric(38,10) numeric(4,1) date timestamp with time zone timestamp without time zone timestamp with time zone time without time zone smallint numeric(20,0) bigint real uuid interval jsonb text integer bytea',
	'types of SQL');
is(sql("SET TimeZone = 'UTC'; SELECT * FROM types"), <<'E3' =~ s/\n$//r, 'and values');
-123.45|123456789012345.678|100000000000000000000.0000000007|-0.1|1969-12-31|1969-12-31 23:59:59.999+00|1969-12-31 23:59:59.999999|1969-12-31 23:59:59.999999+00|00:00:00|255|18446744073709551615|4294967295|1.5|00010203-0405-0607-0809-0a0b0c0d0e0f|1 year 2 mons 3 days 00:00:01.5|{"a": [1]}|x||\x00ff
|-0.001|-100000000000000000000.0000000007|12.8|2024-10-04|2023-11-14 22:13:20.123+00|2023-11-14 22:13:20.123456|2023-11-14 22:13:20.123456+00|23:59:59.999|0|5|5|-Infinity||||y||\x
E3
sql(q{CREATE FOREIGN TABLE others (d5 text, d18 float8, d38 numeric, dv int OPTIONS (name 'dv'), d timestamp, us text, u64 bigint, e varchar(3), uid text, j text, raw bytea) SERVER drop_folder OPTIONS (path 'types.parquet', format 'parquet', extra_columns 'ignore')});
is(sql('SELECT d5, d18, d38, d, us, e, uid, j FROM others LIMIT 1'), '-123.45|123456789012345.67|100000000000000000000.0000000007|1969-12-31 00:00:00|1969-12-31 23:59:59.999999|x|00010203-0405-0607-0809-0a0b0c0d0e0f|{"a": [1]}', 'read as other types');
like(said('SELECT u64 FROM others'), qr/ERROR:  value out of range for type bigint\n.*DETAIL:  File "types.parquet", position 0, column "u64": "18446744073709551615"/s, 'what does not fit is an error with its place');
like(said('SELECT dv FROM others'), qr/ERROR:  invalid (input syntax|value) for type integer/, 'and so is what would be rounded');

# -- snappy: literals of every length, copies from every distance, in all their forms --

make(<<'E2');
import hashlib, random
draw = random.Random(3)
def drawn(n):
  return ''.join(draw.choice('abcdefghijklmnopqrstuvwxyz') for _ in range(n))
values = []
for i in range(4000):
  earlier = values[-draw.choice([1, 2, 7, 40, 300, 2500]):][0] if values else ''
  values.append(draw.choice([drawn(draw.randint(0, 90)), earlier + drawn(2), earlier[:40], drawn(draw.randint(1, 20)) * draw.randint(2, 9)])[:400])
  if i % 1000 == 7:
    values.append(drawn(draw.choice([255, 257, 70000])))
values = [v.encode() for v in values]
write(root + 'snappy.parquet', [[Column('t', BYTES, values, converted=0, codec=1, page_rows=1900), Column('n', INT64, [i * 1003 for i in range(len(values))], codec=1, v2=True)]])
open(root + 'snappy.md5', 'w').write(hashlib.md5(b'|'.join(values)).hexdigest())
E2
table('snappy', 'snappy.parquet');
is(sql("SELECT md5(string_agg(t, '|')), bool_and(n = (p * 1003)) FROM (SELECT t, n, row_number() OVER () - 1 AS p FROM snappy) x"), slurp_file("$root/snappy.md5") . '|t', 'snappy in all its forms');

# -- lists longer than what is read at once, which end with their row group --

make(<<'E2');
def lists(*lengths):
  return [Column('element', INT32, [k for n in lengths for k in range(n)], levels=([3] * sum(lengths), [int(k > 0) for n in lengths for k in range(n)], 3, 1), path=['l', 'list', 'element'])]
for i, lengths in enumerate([(1500,), (1024,), (1, 2047), (3, 1500, 10), (900, 200, 2000, 1)]):
  write(root + 'lists_%d.parquet' % i, [lists(*lengths), lists(*reversed(lengths))], elements=LIST, rows=len(lengths))
E2
table('lists', 'lists_#.parquet');
make(<<'E2');
import hashlib
rows = [['row %d, %d of %d' % (i, k, n) for k in range(n)] for i, n in enumerate([3, 900, 1, 40, 2500, 7])]
values = [v.encode() for row in rows for v in row]
for i, other in enumerate([{}, dict(codec=2), dict(encoding=DELTA_BYTES), dict(dictionary=True, v2=True)]):
  write(root + 'texts_%d.parquet' % i, [[Column('element', BYTES, values, converted=0, page_rows=401, levels=([3] * len(values), [int(k > 0) for row in rows for k in range(len(row))], 3, 1), path=['l', 'list', 'element'], **other)]],
    elements=LIST[:3] + [{1: BYTES, 3: 1, 4: 'element', 6: 0}], rows=len(rows))
open(root + 'texts.md5', 'w').write(hashlib.md5(b'|'.join(values)).hexdigest())
E2
for (0 .. 3)
{
	table('texts', "texts_$_.parquet");
	is(sql("SELECT md5(string_agg(v, '|' ORDER BY n, k)) FROM (SELECT l, row_number() OVER () AS n FROM texts) x, jsonb_array_elements_text(l) WITH ORDINALITY AS e (v, k)"), slurp_file("$root/texts.md5"), 'texts of lists that go on in the next page');
}
# texts are made where they stand: other row groups may have the same bytes, and words about a bad one are its own
make(<<'E2');
w = Writer()
c = Column('t', BYTES, [b'one', b'two', b''], converted=0, optional=False)
ch = w.chunk(c, c.values)
meta = struct_({1: 2, 2: [{4: "schema", 5: 1}] + c.elements(), 3: I64(6), 4: [{1: [ch], 2: I64(100), 3: I64(3), 5: I64(4)} for _ in range(2)], 6: "x"})
open(root + 'same_bytes.parquet', 'wb').write(w.out + meta + struct.pack('<I', len(meta)) + b'PAR1')
L = [{4: "schema", 5: 1}, {3: 1, 4: "l", 5: 1, 6: 3, 10: {3: {}}}, {3: 2, 4: "list", 5: 1}, {1: BYTES, 3: 1, 4: "element", 6: 0}]
v = [b'g' * 40, b'bad\xff' + b'B' * 20, b'what the next row has, which is another', b'good4']
write(root + 'bad_in_list.parquet', [[Column('element', BYTES, v, levels=([3] * 4, [0] * 4, 3, 1), path=['l', 'list', 'element'], codec=1, page_rows=2)]], elements=L, rows=4)
write(root + 'row_of_bad.parquet', [[Column('a', BYTES, [b'x\xff', b'ok', b'y\xff'], converted=0), Column('j', BYTES, [b'{"a":1}', b'1', b'2'], converted=19), Column('z', BYTES, [b'zz', b'yy', b'ww'], converted=0)]])
E2
table('same_bytes', 'same_bytes.parquet');
is(sql("SELECT string_agg(t, ',') FROM same_bytes"), 'one,two,,one,two,', 'two row groups that share their bytes');
sql("CREATE FOREIGN TABLE bad_in_list (l jsonb, e jsonb OPTIONS (metadata 'error')) SERVER drop_folder OPTIONS (path 'bad_in_list.parquet', format 'parquet')");
is(sql("SELECT string_agg(coalesce(e->>'value', l->>0), ' ') FROM bad_in_list"), 'g' x 40 . ' bad\xff' . 'B' x 20 . ' what the next row has, which is another good4', 'a bad text of a list is told as it is');
sql("CREATE FOREIGN TABLE row_of_bad (a text, j jsonb, z text, e jsonb OPTIONS (metadata 'error')) SERVER drop_folder OPTIONS (path 'row_of_bad.parquet', format 'parquet')");
is(sql("SELECT string_agg(coalesce(e->>'row', z), ' ') FROM row_of_bad"), '{"a": "x\\\\xff", "j": "{\\"a\\":1}", "z": "zz"} yy {"a": "y\\\\xff", "j": "2", "z": "ww"}', 'and a bad row, whole');
sql("ALTER FOREIGN TABLE lists ADD f text OPTIONS (metadata 'file'), ADD n bigint OPTIONS (metadata 'position')");
my $lengths = "SELECT string_agg(t, ' ' ORDER BY f) FROM (SELECT f, string_agg(jsonb_array_length(l)::text || CASE WHEN l->>-1 = (jsonb_array_length(l) - 1)::text THEN '' ELSE '!' END, ',' ORDER BY n) AS t FROM lists %s GROUP BY f) x";
is(sql(sprintf $lengths, ''), '1500,1500 1024,1024 1,2047,2047,1 3,1500,10,10,1500,3 900,200,2000,1,1,2000,200,900', 'long lists');
is(sql(sprintf $lengths, 'WHERE n % 2 = 1'), '1500 1024 2047,1 1500,10,3 200,1,2000,900', 'some of them passed over');

# -- bad values: rows for who asks for errors --

make(<<'E2');
write(root + 'bad.parquet', [[Column('id', INT32, [1, 2, 3, 4]), Column('t', BYTES, [b'good', b'\xff\xfe', b'nu\x00l', b'good'], converted=0),
  Column('ns', INT64, [1000, 2000, 3000, 4001], logical={8: {1: False, 2: {3: {}}}})]])
E2
sql(q{CREATE FOREIGN TABLE bad (id int, t text, ns timestamp, e jsonb OPTIONS (metadata 'error'), n bigint OPTIONS (metadata 'position'), f text OPTIONS (metadata 'file')) SERVER drop_folder OPTIONS (path 'bad.parquet', format 'parquet')});
like(said('SELECT t FROM bad'), qr/invalid byte sequence for encoding "UTF8": ff fe\n.*DETAIL:  File "bad.parquet", position 1, column "t"/s, 'bytes that are no text');
is(sql('SELECT id FROM bad WHERE id = 2'), 2, 'columns that are not asked for are not looked at');
is(sql("SELECT n, id, e->>'column', e->>'sqlstate' FROM bad ORDER BY n"), "0|1||\n1||t|22021\n2||t|22021\n3||ns|22008", 'as rows');
like(sql('SELECT e->>\'row\' FROM bad WHERE n = 3'), qr/"id": "4", "t": "good", "ns": "1970-01-01 00:00:00.000004001"/, 'with all that the row has');
sql("ALTER FOREIGN TABLE bad OPTIONS (ADD nanos 'truncate')");
is(sql('SELECT ns FROM bad WHERE n = 3'), '1970-01-01 00:00:00.000004', 'nanoseconds may be left out');
is(sql('SELECT count(*) FROM bad WHERE n >= 1 AND n < 3'), 2, 'rows by their numbers');

# -- union by name, and row groups that are left out --

make(<<'E2');
import math
low, high = struct.pack('<i', 10), struct.pack('<i', 19)
def group(n, **o):
  return [Column('n', INT32, list(range(n * 10, n * 10 + 10)), stats={5: struct.pack('<i', n * 10 + 9), 6: struct.pack('<i', n * 10), 3: I64(0)}),
    Column('d', DOUBLE, [float(n)] * 9 + [math.nan], stats={5: struct.pack('<d', n), 6: struct.pack('<d', n)}),
    Column('t', BYTES, [b'%d' % n] * 9 + [None], converted=0, stats={5: b'%d' % n, 6: b'%d' % n, 3: I64(1)}),
    Column('old', BYTES, [b'z'] * 10, converted=0, stats={1: b'a', 2: b'a'})]
write(root + 'groups_1.parquet', [group(n) for n in range(10)])
write(root + 'groups_2.parquet', [[Column('extra', INT64, [2 ** 40]), Column('n', INT64, [2 ** 35])]])
write(root + 'lying.parquet', [[Column('n', INT32, [1, 2], stats={1: struct.pack('<i', 9), 2: struct.pack('<i', 9)}, converted=13)]])
E2
like(table('groups', 'groups_#.parquet'), qr/n bigint|"n" bigint/, 'types that hold what all files have');
is(sql('SELECT count(*), sum(n), count(extra), count(t) FROM groups'), '101|34359743318|1|90', 'columns by their names');
sub read_groups { my ($condition) = @_; my $plan = sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT n FROM groups WHERE f = 'groups_1.parquet' AND $condition"); return $plan =~ /Row Groups Read: (\d+) of 10/ ? $1 : $plan; }
sql("ALTER FOREIGN TABLE groups ADD COLUMN f text OPTIONS (metadata 'file')");
foreach my $case ([ 'n = 15', 1 ], [ 'n IN (15, 99)', 2 ], [ 'n < 20', 2 ], [ '20 > n', 2 ], [ 'n >= 20 AND n <= 39', 2 ], [ 'n > 89.5::numeric', 10 ], [ "d = 3", 1 ], [ 'd > 8', 10 ], [ 'd < 2', 2 ], [ "d = 'NaN'", 10 ],
	[ "t = '7'", 1 ], [ "t > '7' COLLATE \"C\"", 2 ], [ "t COLLATE \"en-x-icu\" > '7'", 10 ], [ "old = 'z'", 10 ], [ 't IS NULL', 10 ], [ 'n IS NULL', 0 ], [ 'n IS NOT NULL', 10 ])
{
	is(read_groups($case->[0]), $case->[1], "$case->[0]: $case->[1] of ten row groups");
}
is(sql("SELECT count(*) FROM groups WHERE d > 1000"), 10, 'what is no number is greater than all');
is(sql("PREPARE by_number (int) AS SELECT count(*) FROM groups WHERE n = \$1; EXECUTE by_number (15)"), 1, 'by a parameter');
table('lying', 'lying.parquet');
is(sql('SELECT count(*) FROM lying WHERE n = 1'), 1, 'deprecated statistics of unsigned numbers are not believed');

# -- what is damaged or hostile --

make(<<'E2');
write(root + 'h_values.parquet', [[Column('c', INT32, [1, 2, 3], lie={'meta': {5: I64(2 ** 40)}})]])
write(root + 'h_rows.parquet', [[Column('c', INT32, [1, 2, 3])]], rows=2 ** 60)
write(root + 'h_page.parquet', [[Column('c', INT32, [1, 2, 3], codec=2, lie={'page': {2: 2 ** 31 - 1}})]])
write(root + 'h_packed.parquet', [[Column('c', INT32, [1, 2, 3], lie={'page': {3: 2 ** 30}})]])
write(root + 'h_place.parquet', [[Column('c', INT32, [1, 2, 3], lie={'meta': {9: I64(2 ** 62)}})]])
write(root + 'h_codec.parquet', [[Column('c', INT32, [1, 2, 3], lie={'meta': {4: 4}})]])
write(root + 'h_crc.parquet', [[Column('c', INT32, [1, 2, 3], crc=True, lie={'page': {4: 5}})]])
write(root + 'h_deep.parquet', [[Column('c', INT32, [1])]], elements=[{4: 's', 5: 1}] + [{3: 1, 4: 'x', 5: 1}] * 90 + [{1: 1, 3: 1, 4: 'leaf'}])
open(root + 'h_short.parquet', 'wb').write(b'PAR1PAR1')
open(root + 'h_footer.parquet', 'wb').write(b'PAR1' + b'x' * 40 + struct.pack('<I', 2 ** 31) + b'PAR1')
open(root + 'h_secret.parquet', 'wb').write(b'PAR1' + b'x' * 40 + struct.pack('<I', 5) + b'PARE')
open(root + 'empty.parquet', 'wb')
E2
my %why = (values => qr/claims 1099511627776 values, and its row group 3 rows, at byte 4, row group 0, column "c"/, rows => qr/claims 3 values, and its row group \d+ rows/, page => qr/more than 268435456 bytes/, packed => qr/claims more bytes than its column has/,
	place => qr/where no data can be/, codec => qr/codec 4 /, crc => qr/checksum/, deep => qr/nested too deeply/, short => qr/no Parquet file has fewer than 12/, footer => qr/more than the file/, secret => qr/encrypted/);
foreach my $name (sort keys %why)
{
	sql("DROP FOREIGN TABLE IF EXISTS h; CREATE FOREIGN TABLE h (c int) SERVER drop_folder OPTIONS (path 'h_$name.parquet', format 'parquet')");
	my $err = said('SELECT c FROM h');
	like($err, $why{$name}, "$name is refused");
	like($err, qr/ERROR:  file "h_$name.parquet" (is not valid Parquet|cannot be read)\n.*HINT:/s, 'and the file is named');
}
sql("DROP FOREIGN TABLE h; CREATE FOREIGN TABLE h (c int) SERVER drop_folder OPTIONS (path 'empty.parquet', format 'parquet')");
is(sql('SELECT count(*) FROM h'), 0, 'an empty file has no rows');
like(said("CREATE FOREIGN TABLE x (c int) SERVER drop_folder OPTIONS (path 'x', format 'parquet', compression 'gzip')"), qr/option compression does not go with format parquet/, 'it is packed within');

# cut at each byte, and each byte another one: an error or rows, never a crash
my $pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
my ($out, $err) = run_command([ '/usr/bin/python3', '-B', '-c', <<"E2" ]);
import os, random, psycopg
conn = psycopg.connect("${\ $node->connstr($p) }", autocommit=True)
conn.execute("CREATE SERVER damage FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root/damage')")
os.mkdir('$root/damage')
os.chmod('$root/damage', 0o755)
draw = random.Random(7)
states, n = {}, 0
for name in ('wide', 'texts_7_1', 'list_0', 'map_1', 'integers_words', 'decimals_0_1', 'truths_3_0', 'texts_snappy'):
    data = open('$root/corpus/' + name, 'rb').read()
    columns = {'w': 'a int, b text, c bigint', 'l': 'l jsonb', 'm': 'm jsonb', 'd': 'c numeric(4,2)', 'i': 'c int'}.get(name[0], 'c text' if name[:2] == 'te' else 'c boolean')
    conn.execute('DROP FOREIGN TABLE IF EXISTS d')
    conn.execute("CREATE FOREIGN TABLE d (%s) SERVER damage OPTIONS (path 'f', format 'parquet')" % columns)
    for i in range(len(data)):
        worse = [data[:i], data[:i] + bytes([data[i] ^ 1 << draw.randrange(8)]) + data[i + 1:], data[:i] + bytes([draw.randrange(256)]) + data[i + 1:], data[:i] + data[i + 1:]]
        for damaged in worse[: 2 + 2 * (i % 3 == 0)]:
            n += 1
            open('$root/damage/f.tmp', 'wb').write(damaged)
            os.rename('$root/damage/f.tmp', '$root/damage/f')
            try:
                conn.execute('SELECT * FROM d').fetchall()
                state = 'rows'
            except psycopg.Error as error:
                state = error.sqlstate
            states[state] = states.get(state, 0) + 1
print(n > 5000, ' '.join(sorted(str(s) for s in states)))
E2
is($err, '', 'thousands of damaged files');
like($out, qr/^True( (0A000|2\d\w{3}|HV\w+|rows))+$/, 'end in errors that are meant: ' . $out =~ s/\s+$//r);
is(sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"), $pid, 'and no process fell');

# -- by foreign writers --

SKIP:
{
	skip 'writers of Parquet from npm come with make check', 1 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@duckdb/node-api" && -d "$ENV{NODE_PATH}/parquet-wasm";
	my $seed = $ENV{PARQUET_SEED} // 1;
	mkdir "$root/random";
	sql("CREATE SERVER random FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root/random')");
	my ($written, $problems) = run_command([ '/usr/bin/python3', '-B', "$files/parquet_random.py", $node->connstr($p), "$root/random", $ENV{PARQUET_ROUNDS} // 5, $seed ]);
	like($written, qr/^\d+ files as they were written, 0 wrong$/m, "seed $seed: what others wrote has the same rows and gives the same answers") or diag(substr($written, 0, 4000), $problems);
}
$node->stop;
done_testing();
