# files_fdw as one meets it who means no good, or has odd files: names that are patterns, lines before the table that are
# rows of it, listings and answers of a blob storage that are not as they should be
use strict;
use warnings;
use Azure;
use File::Path qw(make_path);
use IO::Socket::INET;
use IPC::Run;
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
start_azure();
my $faulty = PostgreSQL::Test::Cluster::get_free_port();
append_to_file($azure{tokens}, '');
append_to_file("$azure{folder}/faults.log", '');
my $storage = IPC::Run::start([ '/usr/bin/python3', '-B', 'files/blob_faults.py', '--port', $faulty, '--cert', $azure{server}, '--log', "$azure{folder}/faults.log", '--tokens', $azure{tokens} ], '<', '/dev/null', '>', "$azure{folder}/faults.out", '2>&1');
END { my $code = $?; $storage->kill_kill(grace => 0) if $storage; $? = $code; }
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $faulty))
{
	die 'the storage did not start' if time() > $until;
	sleep(0.05);
}
my $node = PostgreSQL::Test::Cluster->new('attack');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nfiles_fdw.azure_hosts = '127.0.0.1:$faulty'\nfiles_fdw.azure_ca_file = '$azure{ca}'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $out . $err; }
my $root = $node->basedir . '/drop';
sub put { my ($path, $text) = @_; make_path("$root/" . ($path =~ s/[^\/]*$//r)); open my $f, '>:raw', "$root/$path" or die "$path: $!"; print $f $text; close $f; return; }
sub folder { my ($name) = @_; make_path("$root/$name"); sql("CREATE SERVER $name FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root/$name'); CREATE SCHEMA $name"); return; }
sql('CREATE EXTENSION ingest CASCADE; CREATE EXTENSION files_fdw');

# -- names that are patterns --

my @names = ('a[1.csv', 'b].csv', 'c;d.csv', 'e;..;f.csv', ' g.csv', 'h#1.csv', 'i?.csv', 'j*k.csv', '*********l.csv', 'm\\n.csv', "o\np.csv", "q';r.csv", '[[].csv');
put("names/$_", "id,v\n1,x\n") for @names;
folder('names');
sql("CREATE FOREIGN TABLE names.every (id int, v text, file text OPTIONS (metadata 'file')) SERVER names OPTIONS (path '**')");
is(sql('SELECT count(*), count(DISTINCT file) FROM names.every'), join('|', (scalar(@names)) x 2), 'each file is listed, whatever its name means in a pattern');
for (@names)
{
	my $literal = "'" . s/'/''/gr . "'";
	is(sql("SELECT count(*) FROM names.every WHERE file = $literal"), 1, "and found by its name: $_");
}
is(sql("SELECT count(*) FROM names.every WHERE file = ANY (ARRAY(SELECT path FROM files_list('names')))"), scalar(@names), 'by all of them');
sql("SELECT ingest.register_source('names', 'names', schema => 'names_in'); CALL ingest.crawl('names')");
is(sql("SELECT count(*) FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid WHERE c.relnamespace = 'names_in'::regnamespace"), scalar(@names), 'a crawl makes a table of each: none stops the others');
my $lost = 0;
for (split /\n/, sql("SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class WHERE relnamespace = 'names_in'::regnamespace AND relkind = 'f'"))
{
	$lost++ if sql("SELECT count(*) FROM $_") ne '1';
}
is($lost, 0, 'each of which has its row');
put("semicolons/$_", "id,v\n1,$_\n") for ('a;b.csv', 'a?b.csv', 'axb.csv', 'c/d;e.csv');
folder('semicolons');
sql("IMPORT FOREIGN SCHEMA \"/\" FROM SERVER semicolons INTO semicolons");
is(sql("SELECT string_agg(n.v, ' ' ORDER BY n.v COLLATE \"C\") FROM (SELECT min(v) v, count(*) n FROM semicolons.a_b UNION ALL SELECT min(v), count(*) FROM semicolons.a_b_2 UNION ALL SELECT min(v), count(*) FROM semicolons.axb UNION ALL SELECT min(v), count(*) FROM semicolons.d_e) n WHERE n.n = 1"),
	'a;b.csv a?b.csv axb.csv c/d;e.csv', 'a file with a semicolon is imported by a pattern that names it alone');
for ([ 'a[;]b.csv', 'a;b.csv' ], [ '[!;]x*.csv; c/*', 'axb.csv c/d;e.csv' ], [ 'a[;x]b.csv;a[?]b.csv', 'a;b.csv a?b.csv axb.csv' ], [ 'a;c/d[;]e.csv;', 'c/d;e.csv' ])
{
	is(sql("SELECT string_agg(path, ' ' ORDER BY path COLLATE \"C\") FROM files_list('semicolons', '$_->[0]')"), $_->[1], "a semicolon in a set divides nothing: $_->[0]");
}
sql("ALTER SERVER semicolons OPTIONS (ADD tables 'mine=a[;]b.csv; yours=a[?]b.csv')");
is(sql("SELECT string_agg(\"table\", ' ' ORDER BY 1) FROM files_tables('semicolons')"), 'axb d_e mine yours', 'nor in the tables of a server');
put("sets/$_", "id,v\n1,x\n") for ("\xc3\xa41.csv", "\xc3\xb61.csv", "\xc3\xa01.csv", 'a1.csv');
folder('sets');
for ([ '[äö]1.csv', 'ä1.csv ö1.csv' ], [ '[!äö]1.csv', 'a1.csv à1.csv' ], [ '[à-å]1.csv', 'à1.csv ä1.csv' ], [ '[äö]*.csv', 'ä1.csv ö1.csv' ], [ '[a-z]1.csv', 'a1.csv' ])
{
	is(sql("SELECT string_agg(path, ' ' ORDER BY path COLLATE \"C\") FROM files_list('sets', '$_->[0]')"), $_->[1], "a set has characters: $_->[0]");
}

# -- what stands before the table --

my $wide = join '', map { "$_,x$_,y$_\n" } 5 .. 300;
for ([ 'wider', "a,b\n1,x1\n2,x2\n$wide", qr/not imported: line 2 has 2 fields, not 3, but is like the rows after it/ ],
	[ 'narrow', "id,name\n4,x\n$wide", qr/not imported: line 2 has 2 fields, not 3/ ],
	[ 'persons', "name\njohn smith\njane doe\n", qr/not imported: the delimiter may be space \(2 fields\), or there is one column/ ])
{
	put("$_->[0]/t.csv", $_->[1]);
	folder($_->[0]);
	like(said("IMPORT FOREIGN SCHEMA \"/\" FROM SERVER $_->[0] INTO $_->[0]"), $_->[2], "$_->[0]: rows are not left out as lines before the table");
}
for ([ 'titled', "Report;Orders\nas of;2026-11-01\n\nid;name;amount\n1;a;5\n2;b;6\n3;c;7\n", 'count(*), sum(amount)', '3|18' ],
	[ 'headed', "Customers\nname;city\nalice;berlin\nbob;paris\n", 'count(*), min(city)', '2|berlin' ],
	[ 'noted', "# by x\n# at y\nid,name\n1,a\n2,b\n", 'count(*), sum(id)', '2|3' ],
	[ 'tagged', "# by x\n# at y\nid,name\n1,a\n#2,b\n3,c\n", 'count(*), string_agg(id, chr(32))', '3|1 #2 3' ])
{
	put("$_->[0]/t.csv", $_->[1]);
	folder($_->[0]);
	sql("IMPORT FOREIGN SCHEMA \"/\" FROM SERVER $_->[0] INTO $_->[0]");
	is(sql("SELECT $_->[2] FROM $_->[0].t"), $_->[3], "$_->[0]: titles and notes are");
}

# -- arrays with nothing in them --

for ([ 'hollow', { 't_1.json' => '[]', 't_2.json' => "[ \n]\n" }, 'count(*)', '0' ], [ 'hollows', { 't_1.json' => '[{"a":1.234,"b":"x"}]', 't_2.json' => '[]' }, 'count(*), sum(a)', '1|1.234' ])
{
	my ($name, $files, $what, $is) = @$_;
	put("$name/$_", $files->{$_}) for sort keys %$files;
	utime(time() + 1, time() + 1, "$root/$name/t_2.json");
	folder($name);
	sql("IMPORT FOREIGN SCHEMA \"/\" FROM SERVER $name INTO $name");
	is(sql("SELECT (SELECT option_value FROM information_schema.foreign_table_options WHERE foreign_table_schema = '$name' AND option_name = 'format') || ' ' || (SELECT option_value FROM information_schema.foreign_table_options WHERE foreign_table_schema = '$name' AND option_name = 'records')"), 'json $', "$name: an empty array is JSON");
	is(sql("SELECT $what FROM $name.t"), $is, 'whose rows those of the others are');
}

# -- members twice --

put('twice/t.csv', "id,j\n1,\"{\"\"b\"\":1,\"\"a\"\":2,\"\"a\"\":3}\"\n2,\"{\"\"x\"\":1.10}\"\n");
folder('twice');
sql("IMPORT FOREIGN SCHEMA \"/\" FROM SERVER twice INTO twice");
is(sql("SELECT j FROM twice.t WHERE id = 1"), '{"b":1,"a":2,"a":3}', 'JSON with a member twice is not taken for jsonb, which would drop one');
put('members/t.json', qq({"j":{"a":{"b":1},"c":[{"a":1},{"a":2}],"d":"{\\"a\\":1,\\"a\\":2}","b":1}}\n{"j":{"x":[{"a":1,"\\u0061":2}]}}\n{"j":{"a":1}}\n));
folder('members');
sql("CREATE FOREIGN TABLE members.t (j jsonb, e jsonb OPTIONS (metadata 'error')) SERVER members OPTIONS (path 't.json', format 'json')");
is(sql("SELECT count(j), string_agg(e->>'sqlstate' || ' ' || (e->>'line') || ' ' || (e->>'reason'), ',') FROM members.t"), '2|22030 2 member "a" appears twice', 'nor are rows that have one, however deep: those of other objects are others');

# -- a blob storage --

sub storage
{
	my ($how, $mapping) = @_;
	sql("DROP SERVER IF EXISTS far CASCADE; CREATE SERVER far FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'https://127.0.0.1:$faulty/account/$how'); CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (" . ($mapping // "account_key 'c2VjcmV0'") . ");
		CREATE FOREIGN TABLE f (id int, v text) SERVER far OPTIONS (path '**')");
	return;
}
storage('good');
for ([ 'b/*.csv;a.*', 'a.csv b/c.csv' ], [ 'b/[c].csv; a.csv', 'a.csv b/c.csv' ], [ 'b/*;', 'b/c.csv' ], [ 'b/c.csv;b/*', 'b/c.csv' ], [ 'a#.csv;a.*', 'a.csv' ])
{
	is(sql("SELECT string_agg(path, ' ') FROM files_list('far', '$_->[0]')"), $_->[1], "all patterns of a table are listed: $_->[0]");
}
for my $ends ([ 60, qr/^60001$/ ], [ 2, qr/^60001$/ ], [ -2, qr/has expired\nDETAIL:  It was valid until \d{4}-\d\d-\d\d \d\d:(?!00:00)/ ])
{
	for my $form ('%Y-%m-%dT%H%%3A%M%%3A59Z', '%Y-%m-%dT%H:%M:59Z', '%Y-%m-%dT%H%%3a%MZ')
	{
		next if $ends->[0] < 0 && $form =~ /MZ$/;
		storage('good', "sas 'sv=2021-12-02&se=" . strftime($form, gmtime(time() + 60 * $ends->[0])) . "&sr=c&sp=rl&sig=c2ln'");
		like(said('SELECT count(*) FROM f'), $ends->[1], "a signature that ends in $ends->[0] minutes: $form");
	}
}
storage('twice');
like(said('SELECT * FROM f'), qr/ERROR:  the listing of server "far" has file "b.csv" twice/, 'a file on two pages of a listing is not read twice');
for ([ 'rounds', qr/ERROR:  the listing of server "far" goes on where it was\nDETAIL:  After \d+ pages/ ], [ 'barren', qr/ERROR:  the listing of server "far" goes on without end\nDETAIL:  After 1000 pages/ ],
	[ 'range', qr/ERROR:  could not read file "a.csv" of server "far"\nDETAIL:  another part arrived than the requested bytes 0-262143/ ], [ 'unsaid', qr/another part arrived than the requested bytes/ ],
	[ 'version', qr/ERROR:  could not read file "a.csv" of server "far"\nDETAIL:  another version arrived than the requested one/ ])
{
	storage($_->[0]);
	like(said("SET statement_timeout = '60s'; SELECT count(*), sum(id) FROM f"), $_->[1], "$_->[0]: an error, and no other rows");
}
storage('late');
is(said('SELECT count(*), sum(id) FROM f'), '60000|1800030000', 'what was asked for ahead and refused, since it was sent late, is asked for anew');
done_testing();
