# files_fdw: nothing outside of its root, files that change while they are read, several processes, memory, waiting
use strict;
use warnings;
use File::Path qw(make_path);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(time sleep);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('files');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nmax_parallel_workers = 8\n");
$node->start;
my $root = $node->basedir . '/drop';
my $outside = $node->basedir . '/outside';
make_path("$root/sub", "$root/big", $outside);
sub sql { return $node->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $err; }
sub put { my ($path, $text) = @_; open my $f, '>:raw', $path or die "$path: $!"; print $f $text; close $f; }

sql("CREATE EXTENSION files_fdw; CREATE SERVER drop_folder FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root')");

# -- nothing outside --

put("$outside/secret.csv", "id,v\n1,secret\n");
put("$root/a.csv", "id,v\n1,a\n");
symlink "$outside/secret.csv", "$root/link.csv" or die;
symlink $outside, "$root/sub/folder" or die;
symlink '../../outside', "$root/up" or die;
link "$root/a.csv", "$root/hard.csv" or die;
system_or_bail('mkfifo', "$root/pipe.csv");
sql("CREATE FOREIGN TABLE everything (id int, v text, f text OPTIONS (metadata 'file')) SERVER drop_folder OPTIONS (path '**')");
is(sql("SELECT string_agg(path, ' ' ORDER BY path) FROM files_list('drop_folder')"), 'a.csv hard.csv link.csv sub/folder up', 'links are listed, and not entered; a pipe is no file');
like(said('SELECT * FROM everything'), qr/ERROR:  file "link.csv" of server "drop_folder" is a symbolic link, or leads out of its root\n.*HINT:  Links are not followed/s, 'a link is an error, not a row less');
unlike(said('SELECT * FROM everything'), qr/secret/, 'and tells nothing');
is(sql("SELECT v FROM everything WHERE f = 'a.csv'"), 'a', 'a file that is named is read beside it');
foreach my $path ('../outside/secret.csv', "$outside/secret.csv", 'sub/folder/secret.csv', 'up/secret.csv', 'link.csv/', './a.csv', 'sub/../a.csv', 'pipe.csv', 'sub', '')
{
	my ($code, $out, $err) = $node->psql($p, "SELECT v FROM everything WHERE f = '$path'");
	is($out, '', "\"$path\" gives nothing" . ($err ? ', with an error' : ''));
}
is(sql("SELECT ok FROM files_check('drop_folder') WHERE \"check\" = 'kinds'"), 'f', 'files_check tells of links and pipes');
like(sql("SELECT detail FROM files_check('drop_folder') WHERE \"check\" = 'kinds'"), qr/^3 symbolic links, .* and 1 pipes/, 'and how many');

# a folder that becomes a link while it is read: the secret is never among the rows
unlink "$root/link.csv", "$root/up", "$root/sub/folder", "$root/pipe.csv";
make_path("$root/swap");
put("$root/swap/secret.csv", "id,v\n1,public\n");
my $swapper = fork();
if ($swapper == 0)
{
	while (1)
	{
		rename "$root/swap", "$root/.away";
		symlink $outside, "$root/swap";
		unlink "$root/swap";
		rename "$root/.away", "$root/swap";
	}
}
my %seen;
my $until = time() + 4;
while (time() < $until || (!$seen{public} && time() < $until + 60))
{
	my ($code, $out, $err) = $node->psql($p, join ';', ("SELECT v FROM everything WHERE f = 'swap/secret.csv'") x 200);
	$seen{$_}++ for split /\n/, $out;
	$seen{ $err =~ /symbolic link/ ? 'refused' : $err =~ /gone/ ? 'gone' : $err ? "other: $err" : 'nothing' }++;
}
kill 'KILL', $swapper;
waitpid $swapper, 0;
unlink "$root/swap" if -l "$root/swap";
system_or_bail('rm', '-rf', "$root/.away", "$root/swap");
is($seen{secret}, undef, 'never the one outside: ' . join(', ', map { "$_ $seen{$_}" } sort keys %seen));
ok($seen{public}, 'the one inside was read meanwhile');

# -- files that change --

sub held
{
	my ($statement, $change) = @_;
	my $session = $node->background_psql($p, on_error_stop => 0);
	$session->query("BEGIN; DECLARE c CURSOR FOR $statement; FETCH 1 FROM c");
	$change->();
	$session->query('FETCH ALL FROM c');
	my $err = $session->{stderr};
	$session->quit;
	return $err;
}
make_path("$root/many");
put("$root/many/1.csv", "id,v\n1,a\n2,b\n");
put("$root/many/2.csv", "id,v\n3,a\n");
put("$root/big/b.csv", "id,v\n" . join('', map { "$_," . ('x' x 90) . "\n" } 1 .. 20000));
sql("CREATE FOREIGN TABLE many (id int, v text, f text OPTIONS (metadata 'file'), ver text OPTIONS (metadata 'version')) SERVER drop_folder OPTIONS (path 'many/*.csv');
	CREATE FOREIGN TABLE big (id int, v text) SERVER drop_folder OPTIONS (path 'big/b.csv')");
like(held('SELECT * FROM many', sub { put("$root/many/2.csv", "id,v\n4,b\n") }), qr/ERROR:  file "many\/2.csv" changed after it was listed/, 'a file that changed after the listing');
like(held('SELECT * FROM many', sub { unlink "$root/many/2.csv" }), qr/ERROR:  file "many\/2.csv" of server "drop_folder" is gone/, 'one that is gone');
like(held('SELECT * FROM big', sub { open my $f, '>>', "$root/big/b.csv"; print $f "99999,y\n"; close $f }), qr/ERROR:  file "big\/b.csv" changed while it was read/, 'one that grew');
like(held('SELECT * FROM big', sub { truncate "$root/big/b.csv", 1000 }), qr/ERROR:  file "big\/b.csv" (became shorter|changed) while it was read/, 'one that was cut');
is(said("DO \$\$BEGIN PERFORM * FROM many WHERE f = 'many/1.csv'; EXCEPTION WHEN serialization_failure THEN RAISE; END\$\$"), '', 'all is well without');
my $before = sql("SELECT DISTINCT ver FROM many WHERE f = 'many/1.csv'");
system_or_bail('bash', '-c', "cp -p '$root/many/1.csv' '$root/many/x.tmp' && sed -i s/a/c/ '$root/many/x.tmp' && touch -r '$root/many/1.csv' '$root/many/x.tmp' && mv '$root/many/x.tmp' '$root/many/1.csv'");
isnt(sql("SELECT DISTINCT ver FROM many WHERE f = 'many/1.csv'"), $before, 'the same size and time, and another version');

# -- several processes --

srand(7);
foreach my $n (1 .. 3)
{
	open my $f, '>:raw', "$root/big/part_$n.csv" or die;
	print $f "id,t,n\n";
	foreach my $i (1 .. 120000)
	{
		my $t = 'y' x int(rand(300));
		$t = $n == 3 && $i % 1000 == 0 ? "\"$t\nline\"" : $i % 7 == 0 ? "\"$t, \"\"q\"\" \"" : $t;
		print $f "$i,$t," . ($i % 97) . "\n";
	}
	close $f;
}
system_or_bail('gzip', '-k', '-1', "$root/big/part_2.csv");
sql("CREATE FOREIGN TABLE cut (id int, t text, n int) SERVER drop_folder OPTIONS (path 'big/part_[12].csv;big/part_2.csv.gz', multiline 'off');
	CREATE FOREIGN TABLE whole (id int, t text, n int) SERVER drop_folder OPTIONS (path 'big/part_#.csv')");
my $parallel = 'SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 4;';
foreach my $table ('cut', 'whole')
{
	my $query = "SELECT count(*), sum(id), sum(length(t)), sum(n), md5(string_agg(id || t, '' ORDER BY id, t)) FROM $table";
	my $serial = sql("SET max_parallel_workers_per_gather = 0; $query");
	is(sql("$parallel $query"), $serial, "$table: as many rows by several processes: " . substr($serial, 0, 20));
	like(sql("$parallel EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT count(*) FROM $table WHERE n = 5"), qr/Parallel Foreign Scan on $table/, 'which there were');
	is(sql("$parallel SELECT count(*) FROM $table WHERE n = 5"), sql("SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM $table WHERE n = 5"), 'with a condition');
}
is(sql("$parallel SELECT count(*) FROM (SELECT id FROM cut ORDER BY id LIMIT 5) x"), 5, 'a limit');
is(sql("$parallel SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT count(*) FROM (VALUES (1), (2)) v (x), LATERAL (SELECT sum(n) FROM cut WHERE id = x) s"), 2, 'again and again');

# bad rows are rows in workers, too, or nobody works
sql("CREATE FOREIGN TABLE told (id int, t text, n jsonb, e jsonb OPTIONS (metadata 'error')) SERVER drop_folder OPTIONS (path 'big/part_1.csv', multiline 'off'); CREATE TABLE many_rows AS SELECT i FROM generate_series(1, 200000) i");
is(sql("$parallel SELECT count(*), count(e) FROM told"), '120000|0', 'a table with its column of errors');
is(sql("$parallel SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT count(*) FROM many_rows r JOIN (SELECT id, e FROM told WHERE id < 3 OFFSET 0) x ON x.id = r.i WHERE x.e IS NULL"), 2, 'joined with one that several processes read');

# positions: a range that is read alone
sql("CREATE FOREIGN TABLE at (id int, t text, n int, p bigint OPTIONS (metadata 'position')) SERVER drop_folder OPTIONS (path 'big/part_1.csv', multiline 'off');
	CREATE TABLE known AS SELECT id, p FROM at");
is(sql("SELECT count(*) FROM (SELECT (random() * 18000000)::bigint AS a FROM generate_series(1, 60)) r WHERE (SELECT count(*) FROM known WHERE p >= a AND p < a + 5000) <> (SELECT count(*) FROM at WHERE p >= a AND p < a + 5000)"), 0, 'ranges of positions');
my ($low) = sql('SELECT p FROM known ORDER BY p OFFSET 100000 LIMIT 1');
my $explained = sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT id FROM at WHERE p >= $low AND p < $low + 1000");
my ($bytes) = $explained =~ /Bytes Read: (\d+)/;
cmp_ok($bytes, '<', 2000000, "of which the rest is not read ($bytes bytes)");

# -- memory, interrupts --

SKIP:
{
	skip 'no /proc', 2 unless -e '/proc/self/status';
	my $session = $node->background_psql($p);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $memory = sub { open my $f, '<', "/proc/$pid/status" or die; my ($kb) = join('', <$f>) =~ /RssAnon:\s+(\d+)/; return $kb / 1024; };
	$session->query('SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM many');
	my $first = $memory->();
	$session->query('SELECT count(t) FROM cut');
	cmp_ok($memory->() - $first, '<', 16, sprintf('60 MB, plain and packed, in %.1f MB', $memory->() - $first));
	$session->quit;
}
my $began = time();
like(said("SET statement_timeout = '200ms'; SELECT sum(length(a.t)) FROM cut a, cut b"), qr/statement timeout/, 'a timeout');
in_time(time() - $began, 1.5, 'is heard at once');

# -- conditions that are asked here, when a row is locked and read again --

sql('CREATE TABLE locked (id int PRIMARY KEY, v int); INSERT INTO locked VALUES (1, 1)');
my $first = $node->background_psql($p);
$first->query('BEGIN; UPDATE locked SET v = 2');
my $second = $node->background_psql($p);
$second->query_until(qr/ready/, "\\echo ready\nSELECT l.v, m.id FROM locked l JOIN many m ON m.id = l.id WHERE m.v = 'c' AND l.v > 0 FOR UPDATE OF l;\n");
sleep 0.5;
$first->query('COMMIT');
like($second->query("SELECT 'then'"), qr/2\|1/, 'a row that was changed meanwhile');
$_->quit for $first, $second;

# -- waiting --

sub waited
{
	my ($wait, $change) = @_;
	my $session = $node->background_psql($p);
	$session->query("SELECT count(*) FROM files_watch('drop_folder', '4 s')");
	my $start = time();
	$session->query_until(qr/ready/, "\\echo ready\nSELECT count(*) FROM files_watch('drop_folder', '$wait');\n");
	sleep 0.3;
	$change->();
	my $out = $session->query("SELECT 'end'");
	$session->quit;
	return (($out =~ /^(\d)/m)[0], time() - $start);
}
my ($rows, $seconds) = waited('3 s', sub { });
is($rows, 0, sprintf('nothing: %.1f s', $seconds));
($rows, $seconds) = waited('9 s', sub { put("$root/new.csv", "id,v\n") });
is($rows, 1, sprintf('a new file: %.1f s', $seconds));
in_time($seconds, 5, 'soon');
($rows, $seconds) = waited('9 s', sub { make_path("$root/deep/er"); sleep 0.5; put("$root/deep/er/x.csv", "id,v\n") });
is($rows, 1, 'one in a new folder');
($rows, $seconds) = waited('9 s', sub { rename "$root/new.csv", "$root/other.csv" });
is($rows, 1, 'one that is renamed');
($rows, $seconds) = waited('9 s', sub { unlink "$root/other.csv" });
is($rows, 1, 'one that goes');
($rows, $seconds) = waited('3 s', sub { put("$root/.hidden", "x"); put("$root/x.tmp", 'x') });
is($rows, 0, 'what is being written is no file');
$began = time();
like(said("SET statement_timeout = '300ms'; SELECT * FROM files_watch('drop_folder', '10 s')"), qr/statement timeout/, 'it can be cancelled');
in_time(time() - $began, 1.5, 'at once');

# -- databases of other encodings; dump and restore --

my ($dump) = run_command([ 'pg_dump', '-s', '-d', $node->connstr($p) ]);
$node->safe_psql($p, 'CREATE DATABASE again');
put($node->basedir . '/dump.sql', $dump);
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('again'), '-f', $node->basedir . '/dump.sql' ], 'a dump comes back');
is($node->safe_psql('again', 'SELECT count(*) FROM cut'), sql('SELECT count(*) FROM cut'), 'and reads');
put("$root/utf8.csv", "a,b\nM\xc3\xbcller,\xe2\x82\xac\nx,\xe6\x97\xa5\n");
put("$root/utf8.jsonl", "{\"a\": \"\\u00fc\"}\n{\"a\": \"\xc3\xa4\"}\n");
foreach my $encoding ('LATIN1', 'SQL_ASCII', 'EUC_JP')
{
	my $db = lc $encoding;
	$node->safe_psql($p, "CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($db, "CREATE EXTENSION files_fdw; CREATE SERVER d FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root');
		CREATE FOREIGN TABLE t (a text, b text, e jsonb OPTIONS (metadata 'error')) SERVER d OPTIONS (path 'utf8.csv');
		CREATE FOREIGN TABLE j (a text) SERVER d OPTIONS (path 'utf8.jsonl', format 'json', encoding 'UTF8')");
	my $got = $node->safe_psql($db, "SELECT octet_length(a), octet_length(b), e->>'sqlstate' FROM t");
	is($got, { LATIN1 => "||22021\n||22021", SQL_ASCII => "7|3|\n1|3|", EUC_JP => "||22021\n1|2|" }->{$encoding} // '', "$encoding: what it does not have is a bad row") if $encoding ne 'EUC_JP';
	is($node->safe_psql($db, 'SELECT octet_length(a) FROM j'), $encoding eq 'SQL_ASCII' ? "2\n2" : "1\n1", "$encoding: escapes of JSON") if $encoding eq 'LATIN1';
}
$node->stop;
done_testing();
