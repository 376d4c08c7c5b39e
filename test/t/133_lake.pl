# Lakes: what a transaction writes becomes one version of a folder's log, or nothing of it; who reads sees versions whole,
# whoever writes at once, and whenever somebody is killed
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Duck;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(time usleep);

plan skip_all => 'readers of Parquet from npm come with make check' unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@duckdb/node-api";
my $node = PostgreSQL::Test::Cluster->new('lake');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\njit = off\ntimezone = 'UTC'\nmax_prepared_transactions = 2\nrestart_after_crash = on\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
my $root = $node->basedir . '/lake';
make_path($root);
chmod 0750, $root;
my $json = JSON::PP->new->utf8->allow_nonref->canonical;

duck_start("$root.err");

# -- a reader of Delta's logs, written from its protocol alone --

sub decoded { my ($path) = @_; $path =~ s/%([0-9A-Fa-f]{2})/chr(hex($1))/ge; return $path; }
sub lines { my ($file) = @_; return map { $json->decode($_) } split /\n/, slurp_file($file); }
sub versions { my ($name, $log) = @_; return sort grep { m{/\d{20}\.json$} } glob("$root/$name/" . ($log || '_delta_log') . '/*'); }
# the state at a version: files with their actions, protocol, metadata, marks
sub delta
{
	my ($name, $until) = @_;
	my %state = (files => {}, txn => {}, version => -1);
	for my $file (versions($name))
	{
		my ($version) = $file =~ /(\d{20})\.json/;
		die "version $version does not follow $state{version}" unless $version == $state{version} + 1;
		last if defined $until && $version > $until;
		for my $action (lines($file))
		{
			my ($kind) = keys %$action;
			my $a = $action->{$kind};
			$state{files}{ $a->{path} } = $a if $kind eq 'add';
			(delete $state{files}{ $a->{path} } or die "$a->{path} is removed, and was not there") if $kind eq 'remove';
			$state{txn}{ $a->{appId} } = $a->{version} if $kind eq 'txn';
			$state{$kind} = $a if $kind eq 'metaData' || $kind eq 'protocol';
		}
		$state{version} = $version + 0;
	}
	return \%state;
}
sub live
{
	my ($state, $name) = @_;
	my @files = map { "$root/$name/" . decoded($_) } sort keys %{ $state->{files} };
	for my $path (keys %{ $state->{files} })
	{
		my $file = "$root/$name/" . decoded($path);
		die "$file is not there, though the log names it" unless -f $file;
		die "$file has another size than the log says" unless -s $file == $state->{files}{$path}{size};
	}
	return @files;
}
# what columns of a version hold, as DuckDB reads it
sub rows
{
	my ($name, $what, $until) = @_;
	my @files = live(delta($name, $until), $name);
	return 'none' unless @files;
	return join ' ', map { defined $_ ? $_ : 'null' } @{ duck("SELECT $what FROM read_parquet([" . join(', ', map { "'" . s/'/''/gr . "'" } @files) . "], hive_partitioning = false)")->[0] };
}
sub hidden { my ($name) = @_; return split /\n/, `find $root/$name -name '.*' -type f 2>/dev/null`; }
sub parts { my ($name) = @_; return grep { !m{/\.} } glob("$root/$name/*.parquet $root/$name/*=*/*.parquet"); }

sql("CREATE EXTENSION files_fdw; CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root', writable 'on')");
sub table
{
	my ($name, $columns, $layout) = @_;
	sql("CREATE FOREIGN TABLE $name ($columns) SERVER lake OPTIONS (path '$name', format 'parquet', layout '" . ($layout || 'delta') . "')");
}

# -- versions --

table('orders', "id bigint, name text, amount numeric(12,2), paid timestamptz, year int OPTIONS (partition 'year')");
sql("INSERT INTO orders SELECT i, 'order ' || i, i * 1.5, '2026-01-01 00:00:00.000001Z', 2020 + i % 3 FROM generate_series(1, 300) i");
my $state = delta('orders');
is($state->{version}, 0, 'a statement is a version');
is_deeply($state->{protocol}, { minReaderVersion => 1, minWriterVersion => 2 }, 'which every reader understands');
is_deeply($state->{metaData}{partitionColumns}, ['year'], 'folders are columns');
is_deeply([ map { "$_->{name} $_->{type}" } @{ $json->decode($state->{metaData}{schemaString})->{fields} } ], [ 'id long', 'name string', 'amount decimal(12,2)', 'paid timestamp', 'year integer' ], 'its columns');
is(rows('orders', 'count(*), sum(id)::INT, sum(amount)::VARCHAR'), '300 45150 67725.00', 'its rows');
my $sums = 'SELECT count(*), sum(id), sum(amount), sum(year), max(paid) FROM orders';
is(sql($sums), '300|45150|67725.00|606300|2026-01-01 00:00:00.000001+00', 'and as we read them ourselves');
# enough of it that two processes are worth it; the one that reads is not the one that listed
table('wide', "id bigint, t text, year int OPTIONS (partition 'year')");
sql("INSERT INTO wide SELECT i, md5(i::text), 2020 + i % 3 FROM generate_series(1, 60000) i");
my $years = 'SELECT count(*), sum(id), sum(year) FROM wide';
my $parallel = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; PREPARE q AS $years; SET plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE q; SET parallel_leader_participation = off;";
like(sql("$parallel EXPLAIN (ANALYZE, COSTS OFF) EXECUTE q"), qr/Workers Launched: [1-9].*Parallel Foreign Scan/s, 'other processes may');
like(sql("$parallel EXECUTE q"), qr/^60000\|1800030000\|121260000$/m, '... and know the values of folders, too');
my ($one) = grep { $_->{partitionValues}{year} eq '2021' } values %{ $state->{files} };
is_deeply($json->decode($one->{stats}), { numRecords => 100, minValues => { id => 1, name => 'order 1', amount => 1.5, paid => '2026-01-01T00:00:00.000Z' }, maxValues => { id => 298, name => 'order 97', amount => 447, paid => '2026-01-01T00:00:00.001Z' }, nullCount => { id => 0, name => 0, amount => 0, paid => 0 } },
	'what the log says of a file\'s values, times widened to milliseconds');
sql("BEGIN; INSERT INTO orders (id, year) VALUES (1000, 2026); INSERT INTO orders (id, year) VALUES (1001, 2026); COMMIT");
is(rows('orders', 'count(*)') . ' ' . scalar(keys %{ delta('orders')->{files} }), '302 4', 'two statements of a transaction are one version, and one file');
sql("COPY orders FROM PROGRAM 'printf \"7\\tx\\t1\\t\\\\\\\\N\\t2020\\n\"'");
is(rows('orders', 'count(*)', 1) . ' ' . rows('orders', 'count(*)'), '302 303', 'COPY, too; older versions stay readable');
sql("BEGIN; TRUNCATE orders; INSERT INTO orders (id, year) VALUES (1, 2030); COMMIT");
is(rows('orders', 'count(*)') . ' ' . rows('orders', 'count(*)', 2), '1 303', 'TRUNCATE and INSERT of a transaction replace all in one version');
sql("BEGIN; INSERT INTO orders (id, year) VALUES (2, 2030); TRUNCATE orders; INSERT INTO orders (id, year) VALUES (3, 2030), (4, 2030); COMMIT");
is(rows('orders', 'count(*), sum(id)::INT'), '2 7', 'what was written before the TRUNCATE is not there');
is(scalar(hidden('orders')), 0, 'nothing hidden is left');
sql("INSERT INTO orders SELECT 1, 'x', 1, now(), 1 WHERE false; BEGIN; TRUNCATE orders; ROLLBACK");
is(delta('orders')->{version}, 4, 'nothing is no version');
table('nothing', 'id int, at timestamp');
sql("INSERT INTO nothing SELECT 1, now() WHERE false");
is(delta('nothing')->{version}, 0, 'but a lake that was not there is there, without rows');
is_deeply(delta('nothing')->{protocol}, { minReaderVersion => 3, minWriterVersion => 7, readerFeatures => ['timestampNtz'], writerFeatures => [ 'timestampNtz', 'appendOnly', 'invariants' ] }, 'times without zone need a newer protocol');
like(sql("SELECT count(*) FROM nothing"), qr/^0$/, 'which reads as empty');

# -- nothing before the commit, nothing after a rollback --

my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', "$root.session");
sub told { my ($statement) = @_; $out = ''; $in .= "$statement;\nSELECT 'that is all';\n"; $session->pump until $out =~ s/that is all\n//; return $out; }
table('seen', "id int, y int OPTIONS (partition 'y')");
told("BEGIN; INSERT INTO seen SELECT i, i % 3 FROM generate_series(1, 10000) i");
is(scalar(hidden('seen')), 3, 'before the commit files are hidden');
is(scalar(parts('seen')) . scalar(my @none = versions('seen')), '00', 'and there is no version');
told('ROLLBACK');
is(scalar(hidden('seen')) . scalar(parts('seen')), '00', 'after a rollback nothing is there');
told("BEGIN; INSERT INTO seen VALUES (1, 1); SAVEPOINT a; INSERT INTO seen VALUES (2, 1), (2, 2); ROLLBACK TO a; INSERT INTO seen VALUES (4, 1); SAVEPOINT b; INSERT INTO seen VALUES (8, 1); SAVEPOINT c; INSERT INTO seen VALUES (16, 1); RELEASE b; SAVEPOINT d; TRUNCATE seen; ROLLBACK TO d; COMMIT");
is(rows('seen', 'sum(id)::INT, count(*)'), '29 4', 'what a savepoint took back is not there, what was released is');
sql("DO \$\$ BEGIN FOR i IN 1 .. 20 LOOP BEGIN INSERT INTO seen VALUES (100 + i, 5), (1 / (i % 2), 5); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END \$\$");
is(rows('seen', 'count(*), sum(id)::INT'), '24 ' . (29 + 10 + 1100), 'and so of blocks with exceptions');
is(scalar(hidden('seen')), 0, 'nothing hidden is left');
told("BEGIN; SAVEPOINT s; INSERT INTO nothing VALUES (1, now()); ROLLBACK TO s; COMMIT");
is(delta('nothing')->{version}, 0, 'a savepoint with all that was written');
table('fresh', 'id int');
told("BEGIN; SAVEPOINT s; INSERT INTO fresh VALUES (1); ROLLBACK TO s; COMMIT");
is(-d "$root/fresh/_delta_log" ? 1 : 0, 0, 'makes no lake');

# -- what is refused --

like(said("BEGIN; INSERT INTO seen VALUES (1, 1); PREPARE TRANSACTION 'x'"), qr/cannot prepare a transaction that has written to lake table "seen"/, 'two-phase commit');
like(said("BEGIN; INSERT INTO seen VALUES (1, 1); INSERT INTO orders (id) VALUES (1); COMMIT"), qr/a transaction can write to one lake table only\nDETAIL:  It has written to "seen".*\nHINT:  Write to "orders" in a transaction of its own/, 'two lakes in a transaction');
like(said("BEGIN; INSERT INTO seen VALUES (1, 1); ALTER FOREIGN TABLE seen ADD COLUMN more int; INSERT INTO seen VALUES (1, 1); COMMIT"), qr/was altered in a transaction that has written to it/, 'a table that changes meanwhile');
like(said("DELETE FROM seen WHERE id = 1"), qr/cannot delete single rows of foreign table "seen"/, 'DELETE of rows');
like(said("UPDATE seen SET id = 1"), qr/cannot update foreign table "seen"/, 'UPDATE');
sql("CREATE FOREIGN TABLE csv (id int) SERVER lake OPTIONS (path 'a.csv')");
like(said("INSERT INTO csv VALUES (1)"), qr/foreign table "csv" does not allow inserts/, 'tables that are no lake');
like(said("TRUNCATE csv"), qr/foreign table "csv" is not one of a lake/, 'nor are they emptied');
like(said("CREATE FOREIGN TABLE x (id int) SERVER lake OPTIONS (path 'x', layout 'delta')"), qr/option layout goes with format 'parquet'/, 'a lake of CSV');
like(said("CREATE FOREIGN TABLE x (id int) SERVER lake OPTIONS (path 'x/*.parquet', format 'parquet', layout 'delta')"), qr/it must be one folder, without patterns/, 'a lake of patterns');
like(said("CREATE FOREIGN TABLE x (id int) SERVER lake OPTIONS (path 'x', format 'parquet', layout 'iceberg')"), qr/It must be plain or delta/, 'another lake');
table('named', '"a b" int, c int');
like(said('INSERT INTO named VALUES (1, 2)'), qr/column "a b" of foreign table "named" cannot be written to a lake.*option name of the column/s, 'names that Delta cannot have');
table('twice', '"Id" int, id int');
like(said('INSERT INTO twice VALUES (1, 2)'), qr/has two columns "id"/, 'names that are the same there');
table('meta', "id int, _file text OPTIONS (metadata 'file')");
like(said("INSERT INTO meta VALUES (1, 'x')"), qr/column "_file" of foreign table "meta" cannot be written/, 'what files tell');
is(said("INSERT INTO meta (id) VALUES (1)"), '', 'and nobody else must');
table('texts', "id int, k text OPTIONS (partition 'k')");
for ("''", "'__HIVE_DEFAULT_PARTITION__'") { like(said("INSERT INTO texts VALUES (1, $_)"), qr/cannot be that of a folder\nDETAIL:  Readers of lakes take it for null/, "a folder of $_"); }
like(said("INSERT INTO texts VALUES (1, repeat('x', 300))"), qr/too long for a folder's name/, 'a long folder');
sql(q{INSERT INTO texts VALUES (1, NULL), (2, 'a/b'), (3, '../up'), (4, 'ü %20 "''='), (5, '.')});
is_deeply([ sort map { defined $_->{partitionValues}{k} ? $_->{partitionValues}{k} : '-' } values %{ delta('texts')->{files} } ], [ sort '-', 'a/b', '../up', "\x{fc} %20 \"'=", '.' ], 'odd folders are values, whatever signs they have');
is(rows('texts', 'sum(id)::INT'), 15, 'and are found by the paths of the log');
is(-e "$root/up" || -e "$root/../up" ? 1 : 0, 0, 'none leads out');

# -- rights --

sql("CREATE ROLE writer LOGIN; CREATE ROLE keeper LOGIN; GRANT pg_read_server_files TO keeper; GRANT USAGE ON FOREIGN DATA WRAPPER files_fdw TO keeper; GRANT CREATE ON SCHEMA public TO keeper");
sub as { my ($role, $statement) = @_; my ($code, $out, $err) = $node->psql('postgres', "SET ROLE $role; $statement"); return $err || $out; }
like(as('keeper', "CREATE SERVER mine FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root', writable 'on')"), qr/permission denied to set option "writable".*pg_write_server_files/s, 'who may not write files cannot let the server do it');
like(as('keeper', "CREATE SERVER mine FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root'); CREATE FOREIGN TABLE mine (id int) SERVER mine OPTIONS (path 'mine', format 'parquet', layout 'delta'); INSERT INTO mine VALUES (1)"), qr/server "mine" is not writable\nHINT:  Its owner can run: ALTER SERVER mine OPTIONS \(ADD writable 'on'\)/, 'a server that is only read');
sql("ALTER SERVER mine OPTIONS (ADD writable 'on')");
like(as('keeper', 'INSERT INTO mine VALUES (1)'), qr/permission denied to write files of server "mine".*pg_write_server_files/s, 'its owner must be allowed to, whoever set it');
sql('GRANT pg_write_server_files TO keeper');
is(as('keeper', 'INSERT INTO mine VALUES (1)'), '', 'and then is');
like(as('writer', 'INSERT INTO seen VALUES (1, 1)'), qr/permission denied for foreign table seen/, 'who may not insert');
like(as('writer', "SELECT files_mark('seen', 'a', 1)"), qr/permission denied for foreign table seen/, 'makes no mark');
like(as('writer', "SELECT files_vacuum('seen')"), qr/permission denied for foreign table seen/, 'and sweeps nothing');
sql('GRANT INSERT ON seen TO writer');
is(as('writer', 'INSERT INTO seen VALUES (1, 1)'), '', 'who may, writes by the server\'s owner');
my $outside = $node->basedir . '/outside';
make_path($outside);
symlink $outside, "$root/evil";
table('evil', 'id int');
like(said('INSERT INTO evil VALUES (1)'), qr/is a symbolic link, or leads out of its root/, 'links are not followed');
make_path("$root/half");
symlink $outside, "$root/half/_delta_log";
table('half', 'id int');
like(said('INSERT INTO half VALUES (1)'), qr/is a symbolic link, or leads out of its root/, 'not that of a log, either');
is(join(' ', glob("$outside/*"), glob("$outside/.[a-z]*")), '', 'and nothing is written elsewhere');
is(sprintf('%o %o', (stat "$root/orders")[2] & 07777, (stat((parts('orders'))[0]))[2] & 07777), '750 640', 'what is new has the permissions of the root');

# -- others' versions --

sub put { my ($name, $version, @actions) = @_; make_path("$root/$name/_delta_log"); append_to_file(sprintf("%s/%s/_delta_log/%020d.json", $root, $name, $version), join '', map { $json->encode($_) . "\n" } @actions); }
table('shared', 'id int');
sql('INSERT INTO shared VALUES (1)');
told("BEGIN; INSERT INTO shared VALUES (2)");
sql('INSERT INTO shared VALUES (3)');
told('COMMIT');
is(rows('shared', 'sum(id)::INT') . ' ' . delta('shared')->{version}, '6 2', 'who comes late takes the next version');
told("BEGIN; TRUNCATE shared; INSERT INTO shared VALUES (9)");
put('shared', 3, { commitInfo => {} }, { add => { path => 'foreign.parquet', partitionValues => {}, size => 0, modificationTime => 1, dataChange => JSON::PP::true } });
$in .= "COMMIT;\n";
told("SELECT 1");
like(slurp_file("$root.session"), qr/could not replace the content of lake "shared"\nDETAIL:  Another writer has published version 3 in the meantime\.\nHINT:  Try again/, 'what was not seen is not replaced');
is(delta('shared')->{version}, 3, 'and there is no version of it');
table('protocol', 'id int');
sql('INSERT INTO protocol VALUES (1)');
put('protocol', 1, { protocol => { minReaderVersion => 3, minWriterVersion => 7, readerFeatures => ['deletionVectors'], writerFeatures => ['deletionVectors'] } });
like(said('INSERT INTO protocol VALUES (2)'), qr/the Delta log of folder "protocol" of server "lake" cannot be followed\nDETAIL:  It needs the feature "deletionVectors"/, 'a lake that needs what is not known here');
put('bare', 0, { metaData => { id => 'x', format => { provider => 'parquet' }, schemaString => '{"type":"struct","fields":[]}', partitionColumns => [], configuration => {} } });
table('bare', 'id int');
like(said('SELECT * FROM bare'), qr/DETAIL:  It has no protocol\./, 'a log that does not say what it asks for');
table('holed', 'id int');
sql('INSERT INTO holed VALUES (1)');
put('holed', 1, { add => { path => 'x.parquet', partitionValues => {}, size => 1, modificationTime => 1, dataChange => JSON::PP::true, deletionVector => { storageType => 'i', pathOrInlineDv => 'x', sizeInBytes => 1, cardinality => 1 } } });
like(said('SELECT * FROM holed'), qr/DETAIL:  It has files with deleted rows\./, 'rows that are deleted in a file are not shown');
# each action asks for a file by its name: 30,000 of them are no work of minutes
put('many', 0, { protocol => { minReaderVersion => 1, minWriterVersion => 2 } }, { metaData => { id => 'x', format => { provider => 'parquet' }, schemaString => '{"type":"struct","fields":[{"name":"id","type":"integer","nullable":true,"metadata":{}}]}', partitionColumns => [], configuration => {} } },
	(map { { add => { path => "part-$_.parquet", partitionValues => {}, size => 1, modificationTime => 1, dataChange => JSON::PP::true } } } 1 .. 30000), (map { { remove => { path => "part-$_.parquet", deletionTimestamp => 1, dataChange => JSON::PP::true } } } 1 .. 29999), { txn => { appId => 'app', version => 5 } });
table('many', 'id int');
my $since = time();
is(sql("SELECT files_published('many', 'app')"), '5', 'a log of many files');
in_time(time() - $since, 3, 'is read at once');
like(said('SELECT * FROM many'), qr/file "many\/part-30000\.parquet" of server "lake" is gone/, 'and of them the one is left');
sql("CREATE FOREIGN TABLE wider (id bigint) SERVER lake OPTIONS (path 'orders', format 'parquet', layout 'delta')");
like(said('INSERT INTO wider VALUES (1)'), qr/has different folders than the lake/, 'other folders');
sql("CREATE FOREIGN TABLE other (id text) SERVER lake OPTIONS (path 'meta', format 'parquet', layout 'delta')");
like(said("INSERT INTO other VALUES ('1')"), qr/column "id" of foreign table "other" differs from the lake's\nDETAIL:  It would be "id" of type string; the lake has "id" of type integer/, 'another type');
sql("ALTER FOREIGN TABLE meta ADD COLUMN note text; INSERT INTO meta (id, note) VALUES (2, 'new')");
is_deeply([ map { $_->{name} } @{ $json->decode(delta('meta')->{metaData}{schemaString})->{fields} } ], [ 'id', 'note' ], 'a new column becomes the lake\'s');
put('kept', 0, { protocol => { minReaderVersion => 1, minWriterVersion => 2 } }, { metaData => { id => 'x', name => 'theirs', format => { provider => 'parquet', options => {} }, schemaString => '{"type":"struct","fields":[{"name":"id","type":"integer","nullable":true,"metadata":{"comment":"a \"key\""}}]}', partitionColumns => [], configuration => { 'delta.appendOnly' => 'true' }, createdTime => 1 } });
table('kept', 'id int, more text');
sql("INSERT INTO kept VALUES (1, 'x')");
is_deeply([ @{ delta('kept')->{metaData} }{qw(id name configuration)} ], [ 'x', 'theirs', { 'delta.appendOnly' => 'true' } ], 'what somebody else said of a lake stays');
is($json->decode(delta('kept')->{metaData}{schemaString})->{fields}[0]{metadata}{comment}, 'a "key"', 'and of its columns');
like(said('TRUNCATE kept'), qr/The lake is one that only grows/, 'and holds');

# -- a checkpoint, which DuckDB writes of a log's lines, and whose versions before it are swept --

table('cleaned', "id bigint, note text, k text OPTIONS (partition 'k')");
sql(q{INSERT INTO cleaned SELECT i, 'note "' || i, (ARRAY['a', 'ü /%', NULL])[i % 3 + 1] FROM generate_series(1, 90) i});
sql("BEGIN; INSERT INTO cleaned VALUES (91, 'gone', 'z'); SELECT files_mark('cleaned', 'app', 7); COMMIT");
sql("DELETE FROM cleaned WHERE k = 'z'; INSERT INTO cleaned VALUES (92, 'tail', 'a')");
is(delta('cleaned')->{version}, 3, 'four versions');
my ($as_log, $first) = (sql('SELECT sum(id), count(*), string_agg(note || coalesce(k, chr(33)), chr(44) ORDER BY id) FROM cleaned'), delta('cleaned', 2));
my @removed = map { $_->{remove} ? { remove => $_->{remove} } : () } map { lines($_) } (versions('cleaned'))[0 .. 2];
my @actions = ({ protocol => $first->{protocol} }, { metaData => $first->{metaData} }, @removed, { txn => { appId => 'app', version => 7 } }, map { { add => $_ } } values %{ $first->{files} });
my $log = "$root/cleaned/_delta_log";
# checkpoint(name, actions): more => further members of add, before and after those that are asked for
sub checkpoint
{
	my ($name, $do, %add) = @_;
	open my $actions, '>:raw', "$root/actions.json" or die;
	print $actions map { $json->encode($_) . "\n" } @$do;
	close $actions;
	duck("COPY (SELECT * REPLACE (CASE WHEN \"add\" IS NOT NULL THEN {$add{before}path: \"add\".path, partitionValues: \"add\".partitionValues, size: \"add\".size, modificationTime: \"add\".modificationTime, dataChange: \"add\".dataChange, tags: \"add\".tags, stats: \"add\".stats$add{after}} END AS \"add\")
	FROM read_json('$root/actions.json', format = 'newline_delimited', columns = {txn: 'STRUCT(appId VARCHAR, \"version\" BIGINT, lastUpdated BIGINT)',
	\"add\": 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, tags MAP(VARCHAR, VARCHAR), stats VARCHAR)',
	remove: 'STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)', metaData: 'STRUCT(id VARCHAR, \"name\" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)',
	protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])'})) TO '$log/00000000000000000002.checkpoint$name.parquet' (FORMAT parquet)");
	return;
}
checkpoint('', \@actions, before => '', after => '');
my @early = (versions('cleaned'))[0 .. 2];
rename $_, "$_.kept" or die foreach @early[0, 1];
is(sql('SELECT sum(id), count(*), string_agg(note || coalesce(k, chr(33)), chr(44) ORDER BY id) FROM cleaned'), $as_log, 'the same rows without the first versions');
is(sql("SELECT count(*) FROM cleaned WHERE k = 'ü /%'"), 30, 'with values of folders');
# what nobody asks for, of any type and in any place, is not even read: here a date that PostgreSQL cannot hold, and a NUL
checkpoint('', \@actions, before => "baseRowId: 1, stats_parsed: {numRecords: 5, minValues: {d: DATE '5877000-01-01', l: [{x: DATE '5877000-01-01'}]}}, ", after => ", note: 'a' || chr(0), clusteringProvider: map {'a': DATE '5877000-01-01'}");
is(sql('SELECT sum(id), count(*), string_agg(note || coalesce(k, chr(33)), chr(44) ORDER BY id) FROM cleaned'), $as_log, 'members that nobody asks for may hold anything');
# in parts: all of them, or none
unlink "$log/00000000000000000002.checkpoint.parquet" or die;
my @parts = ([ @actions[ 0 .. 3 ] ], [ @actions[ 4 .. 5 ] ], [ @actions[ 6 .. $#actions ] ]);
checkpoint(sprintf('.%010d.0000000003', $_ + 1), $parts[$_], before => '', after => '') for 0, 2;
like(said('SELECT * FROM cleaned'), qr/cannot be followed\nDETAIL:  Version 0 is missing/, 'a checkpoint of three parts of which one is missing is none');
checkpoint('.0000000002.0000000003', $parts[1], before => '', after => '');
checkpoint('.0000000002.0000000004', $parts[2], before => '', after => '');
is(sql('SELECT sum(id), count(*), string_agg(note || coalesce(k, chr(33)), chr(44) ORDER BY id) FROM cleaned'), $as_log, 'one in three parts is read');
unlink glob("$log/*.checkpoint.0*") or die;
checkpoint('', \@actions, before => '', after => '');
unlink $early[2] or die;
is(sql("SELECT sum(id), count(*) FROM cleaned") . ' ' . sql("SELECT files_published('cleaned', 'app')"), (split /\|/, $as_log)[0] . '|91 7', 'and marks');
sql("INSERT INTO cleaned VALUES (93, 'on', 'a'); DELETE FROM cleaned WHERE k IS NULL");
is_deeply([ map { (keys %$_)[0] } map { lines($_) } (versions('cleaned'))[1] ], [ 'commitInfo', 'add' ], 'and versions follow it');
is(sql('SELECT count(*), sum(id) FROM cleaned'), '62|2915', 'which take out files of it');
my ($taken_out) = glob("$root/cleaned/k=z/*.parquet");
utime time() - 86400, time() - 86400, $taken_out or die;
sql("SELECT files_vacuum('cleaned', '1 h')");
is(-f $taken_out ? 1 : 0, 1, 'a file that was taken out just before stays: the checkpoint has it');
rename "$log/00000000000000000002.checkpoint.parquet", "$log/00000000000000000002.checkpoint.0000000001.0000000002.parquet" or die;
like(said('SELECT * FROM cleaned'), qr/cannot be followed\nDETAIL:  Version 0 is missing: it was merged into a checkpoint, or is lost/, 'nor is a part of one');
append_to_file("$log/00000000000000000002.checkpoint.parquet", 'PAR1PAR1PAR1');
like(said('SELECT * FROM cleaned'), qr/file "[^"]*00000000000000000002.checkpoint.parquet" is not valid Parquet/, 'nor one that is none');

# -- at once --

table('busy', 'who int, n int');
my @writers = map { my $who = $_; IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "DO \$\$ BEGIN FOR i IN 1 .. 12 LOOP INSERT INTO busy VALUES ($who, i); COMMIT; END LOOP; END \$\$" ], '>', '/dev/null', '2>', "$root.writer$who") } 1 .. 4;
$_->finish for @writers;
is(join('', map { slurp_file("$root.writer$_") } 1 .. 4), '', 'four who write at once');
is(rows('busy', 'count(*), count(DISTINCT (who, n))') . ' ' . delta('busy')->{version}, '48 48 47', 'have a version for each commit, and every row once');

# -- marks --

is(sql("SELECT files_published('busy', 'app') IS NULL"), 't', 'no mark');
# who was killed while it put a version left a hidden file
append_to_file("$root/busy/_delta_log/.00000000000000000048.json.tmp", "x");
sql("BEGIN; INSERT INTO busy VALUES (9, 1); SELECT files_mark('busy', 'app', 7); COMMIT");
is(sql("SELECT files_published('busy', 'app')") . delta('busy')->{txn}{app}, '77', 'a version has a mark');
like(said("BEGIN; INSERT INTO busy VALUES (9, 1); SELECT files_mark('busy', 'app', 7); COMMIT"), qr/lake "busy" has mark 7 of "app" already\nDETAIL:  Nothing is published twice/, 'a second time it is refused');
is(rows('busy', 'count(*)'), 49, 'with its rows');
sql("BEGIN; SELECT files_mark('busy', 'app', 8); SAVEPOINT s; SELECT files_mark('busy', 'app', 9); ROLLBACK TO s; COMMIT");
is(sql("SELECT files_published('busy', 'app')"), 8, 'a mark without rows; what a savepoint took back is not marked');

# -- plain layouts --

table('plain', "id int, y int OPTIONS (partition 'y')", 'plain');
sub manifest { my @all = versions($_[0], '_manifest'); return $json->decode(slurp_file($all[-1])); }
sub plain_rows { my ($what) = @_; my @files = @{ manifest('plain')->{files} }; return @files ? join ' ', @{ duck("SELECT $what FROM read_parquet([" . join(', ', map { "'$root/plain/$_->{path}'" } @files) . "])")->[0] } : 'none'; }
sql("INSERT INTO plain SELECT i, i % 2 FROM generate_series(1, 10) i; ");
sql("INSERT INTO plain VALUES (100, NULL)");
is(plain_rows('count(*), sum(id)::INT'), '11 155', 'a manifest has all files');
is(join(' ', map { defined $_->{values}{y} ? $_->{values}{y} : 'null' } sort { $a->{path} cmp $b->{path} } @{ manifest('plain')->{files} }), '0 1 null', 'with their values');
sql("BEGIN; SELECT files_mark('plain', 'a', 1); TRUNCATE plain; INSERT INTO plain VALUES (1, 1); COMMIT; BEGIN; SELECT files_mark('plain', 'b', 5); COMMIT");
is(plain_rows('count(*)') . ' ' . manifest('plain')->{version}, '1 3', 'replaced in one version');
is(join(' ', map { sql("SELECT files_published('plain', '$_')") } 'a', 'b'), '1 5', 'marks of all stay');
is(scalar(parts('plain')), 4, 'files of older versions are there still');
# as the docs have it
duck("SET VARIABLE files = (SELECT list('$root/plain/' || f.path) FROM (SELECT unnest(files) AS f FROM (SELECT files FROM read_json('$root/plain/_manifest/*.json') ORDER BY version DESC LIMIT 1)))");
is(duck("SELECT count(*)::INT FROM read_parquet(getvariable('files'))")->[0][0], 1, 'DuckDB finds those of the newest');

# -- what nobody needs --

sub age { my ($days, @files) = @_; utime int(time) - $days * 86400, int(time) - $days * 86400, @files; }
like(said("SELECT * FROM files_vacuum('plain', '59 minutes')"), qr/files of a lake stay for an hour at least/, 'readers have an hour');
is(sql("SELECT files FROM files_vacuum('plain')"), 0, 'what is young stays');
age(10, parts('plain'));
is(sql("SELECT files FROM files_vacuum('plain')"), 0, 'and what a young version has');
append_to_file("$root/plain/.part-lost.parquet.tmp", 'x');
append_to_file("$root/plain/part-lost.parquet", 'xyz');
append_to_file("$root/plain/mine.parquet", 'x');
append_to_file("$root/plain/_manifest/.00000000000000000009.json.tmp", 'x');
age(10, "$root/plain/.part-lost.parquet.tmp", "$root/plain/part-lost.parquet", "$root/plain/mine.parquet", versions('plain', '_manifest'));
is(sql("SELECT files || ' ' || (bytes > 4) FROM files_vacuum('plain')"), '8 true', 'what is old goes: three files of replaced versions, two that no version ever had, three manifests');
is(plain_rows('count(*)') . ' ' . join(' ', map { m{/([^/]*)$} } parts('plain')) =~ s/part-[-0-9a-f]*/part/gr, '1 mine.parquet part.zstd.parquet', 'the content stays, and what was not written here') or diag join ' ', parts('plain');
age(10, parts('orders'));
is(sql("SELECT files FROM files_vacuum('orders')"), 0, 'of a Delta lake what was taken out lately stays');
is(rows('orders', 'count(*)', 2), 303, 'for readers of older versions');
told("BEGIN; INSERT INTO orders (id, year) VALUES (5, 2031)");
age(10, hidden('orders'));
is(sql("SELECT files FROM files_vacuum('orders')"), 1, 'what was hidden for long is taken');
$in .= "COMMIT;\n";
told('SELECT 1');
like(slurp_file("$root.session"), qr/could not write file "orders\/year=2031\/part-/, 'and a transaction that is older fails, rather than name what is not there');
is(rows('orders', 'count(*)'), '2', 'all is as before');

# -- kills --

table('killed', "batch int, n int, k int OPTIONS (partition 'k')");
sql("CREATE TABLE told (batch int)");
# each batch goes on behind what the lake has; a table of the database is told in the same transaction
my $batch = "BEGIN; INSERT INTO killed SELECT b, i, i % 12 FROM (SELECT coalesce(files_published('killed', 'me'), 0) + 1 AS b) x, generate_series(1, 2400) i;
	SELECT files_mark('killed', 'me', coalesce(files_published('killed', 'me'), 0) + 1); INSERT INTO told SELECT coalesce(files_published('killed', 'me'), 0) + 1; COMMIT";
my ($killed, $amid, $whole) = (0, 0, 1);
sql($batch);
my $began = time;
sql($batch) for 1 .. 3;
my $takes = (time - $began) / 3;
my $kills = $ENV{PG_INGEST_KILLS} || 20;
my $deadline = time + 12 * $kills;
for my $round (1 .. $kills)
{
	last if time > $deadline;
	my ($psql_in, $psql_out) = ('', '');
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$psql_in, '>', \$psql_out, '2>', "$root.killed");
	$psql_in = "SELECT pg_backend_pid();\n";
	$psql->pump until $psql_out =~ /^(\d+)\n/;
	my $pid = $1;
	my $at = delta('killed')->{version};
	$psql_in .= "$batch;\n" x 20;
	$psql->pump_nb for 1 .. 5;
	# every other time when its files are being shown, which takes a moment only; else whenever it comes
	if ($round % 2)
	{
		my $known = scalar(parts('killed'));
		my $until = time + 20;
		usleep(1000) while scalar(parts('killed')) == $known && time < $until;
		$amid++;
	}
	else { usleep(int(rand($takes * 2e6))); }
	kill 9, $pid;
	eval { $psql->kill_kill };
	poll_until($node, 'postgres', 'SELECT true');
	# what a reader sees: every batch that the log has is whole
	my $now = delta('killed');
	my $seen = rows('killed', 'count(*)::INT, count(DISTINCT batch)::INT, max(batch), count(DISTINCT (batch, n))::INT');
	my $n = $now->{txn}{me};
	($whole = 0, diag("$seen, though $n batches are marked")) if $seen ne $n * 2400 . " $n $n " . $n * 2400;
	$killed++;
}
is($whole, 1, "after each of $killed kills, $amid of them while files were shown, a reader sees every batch whole, and once");
cmp_ok(delta('killed')->{version}, '>', 0, 'versions: ' . delta('killed')->{version});
$in = '';
sql($batch);
my $last = delta('killed')->{txn}{me};
is(rows('killed', 'count(*), count(DISTINCT (batch, n))'), $last * 2400 . ' ' . $last * 2400, 'who asks what is published goes on with what is not: no row is lost or doubled');
my $ahead = sql("SELECT $last - count(*) FROM told");
cmp_ok($ahead, '<=', $killed, 'versions of which the database does not know: ' . $ahead);
cmp_ok($ahead, '>=', 0, 'and it knows of none that is not there');
age(10, hidden('killed'), parts('killed'));
sql("SELECT files_vacuum('killed')");
is(scalar(hidden('killed')), 0, 'what the killed left goes');
is(scalar(parts('killed')), scalar(keys %{ delta('killed')->{files} }), 'and what they had shown without a version');
is(rows('killed', 'count(*)'), $last * 2400, 'the content stays');

eval { $session->kill_kill };
duck_end();
$node->stop;
done_testing();
