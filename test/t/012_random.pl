# Any table, any edits: copies, their history and what as_of says are held against a source that changes at random
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

# the same tables and edits each time; other seeds to look for more
my $rounds = $ENV{INGEST_ROUNDS} // 8;
my $seed = $ENV{INGEST_SEED} // 1;
srand($seed);
note("INGEST_SEED=$seed INGEST_ROUNDS=$rounds");

my $node = PostgreSQL::Test::Cluster->new('random');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nTimeZone = 'UTC'\nstatement_timeout = 120s\n");
$node->start;
sub sql { return $node->safe_psql('postgres', join(";\n", @_)) }
sql("CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest CASCADE; CREATE SCHEMA origin; CREATE SCHEMA copy; CREATE SCHEMA apart;
	CREATE TABLE apart.clock (now timestamptz); INSERT INTO apart.clock VALUES ('2026-03-28 20:00:00+00');
	CREATE TABLE apart.gone (tab text, key text, deleted_at timestamptz);
	CREATE FUNCTION apart.known(j jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_object_agg(key, value) FROM jsonb_each(j) WHERE value <> \$\$null\$\$';
	CREATE TABLE apart.was (moment timestamptz, image text);
	CREATE FUNCTION apart.clock(server name) RETURNS timestamptz LANGUAGE sql AS 'SELECT now FROM apart.clock';
	CREATE FUNCTION apart.deleted(server name, tab text, since timestamptz, until timestamptz, OUT key text, OUT deleted_at timestamptz) RETURNS SETOF record
		LANGUAGE sql AS 'SELECT g.key, g.deleted_at FROM apart.gone g WHERE g.tab = \$2 AND g.deleted_at >= \$3 AND g.deleted_at < \$4';
	CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '" . $node->host . "', port '" . $node->port . "', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here;
	SELECT ingest.register_source('here', 'here', schema => 'there', remote_schemas => '{origin}')");

# -- values --

sub pick { return $_[ int(rand(@_)) ] }
my @words = ('', ' ', 'a', 'A', 'é', "it's", 'back\\slash', '"quoted"', "two\nlines", "tab\t", '日本語', '😀', 'NULL', '{}', '0', 'a ', 'ß', 'x' x 3000);
sub literal { my ($s) = @_; $s =~ s/'/''/g; $s =~ s/\\/\\\\/g; return "E'$s'" }
my %value = (
	bigint => sub { pick(int(rand(50)), -int(rand(1e6)), int(rand(9e15)), '9223372036854775807', "'-9223372036854775808'") },
	integer => sub { pick(int(rand(300)), -int(rand(300)), 2147483647) },
	smallint => sub { int(rand(200)) - 100 },
	numeric => sub { pick(int(rand(100)), '1.10', '1.1', '-0.000000001', "'NaN'", '1' x 40 . '.5') },
	'numeric(12,2)' => sub { sprintf '%.2f', rand(1e6) },
	'double precision' => sub { "'" . pick('NaN', 'Infinity', '0', rand() * 1e300, rand()) . "'" },
	text => sub { literal(pick(@words) . pick('', int(rand(1000)))) },
	'varchar(20)' => sub { literal(substr(pick(@words), 0, 15) . int(rand(1000))) },
	'char(5)' => sub { literal(int(rand(1000))) },
	boolean => sub { pick('true', 'false') },
	date => sub { pick("'1990-01-01'::date + " . int(rand(20000)), "'infinity'", "'0044-03-15 BC'") },
	timestamp => sub { "timestamp '2000-01-01' + interval '" . rand(1e9) . " s'" },
	timestamptz => sub { pick("timestamptz '2026-03-29 00:00+00' + interval '" . int(rand(10000)) . " s'", "'-infinity'") },
	interval => sub { "interval '" . int(rand(100)) . " days " . int(rand(1e5)) . " s'" },
	jsonb => sub { "'" . '{"a": [1, "two", null], "b": ' . int(rand(100)) . "}'" },
	bytea => sub { sprintf "'\\x%02x00ff'", int(rand(256)) },
	uuid => sub { "md5('" . int(rand(500)) . "')::uuid" },
	inet => sub { "'10.0." . int(rand(256)) . ".0/24'" },
	'integer[]' => sub { pick("'{}'", "'{1,NULL,3}'", "ARRAY[" . int(rand(9)) . ']') },
	'text[]' => sub { "ARRAY[" . literal(pick(@words)) . ", NULL]" });
my @key_types = ('bigint', 'integer', 'integer', 'smallint', 'text', 'varchar(20)', 'uuid', 'date', 'numeric(12,2)', 'boolean');
my @names = ('id', 'name', 'select', 't', 's', 'n', 'k', 'Mixed Case', 'with"quote', 'ünï', 'key', 'before', 'excluded', 'order', 'x y', 'count', '_id', 'a.b');
sub quoted { my ($s) = @_; $s =~ s/"/""/g; return "\"$s\"" }

# -- a table --

# %t: name, columns (name, type), n_key, cursor, clock, ...
sub new_table
{
	my ($round) = @_;
	my @free = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand(), $_ ] } @names;
	my %t = (name => pick('plain', 'With Space', 'quo"te') . $round, n_key => pick(1, 1, 1, 2));
	$t{columns} = [ map { [ shift @free, pick(@key_types) ] } 1 .. $t{n_key} ];
	push @{ $t{columns} }, map { [ shift @free, pick(sort keys %value) ] } 1 .. 1 + int(rand(6));
	$t{clock} = pick(1, 1, 0);
	$t{mode} = pick('incremental', 'incremental', 'incremental', 'full');
	$t{cursor} = pick('timestamptz', 'timestamptz', 'timestamp', 'date', 'version');
	$t{feed} = $t{clock} && $t{n_key} == 1 && $t{cursor} ne 'version' ? pick(0, 1) : 0;
	push @{ $t{columns} }, [ 'changed', $t{cursor} eq 'version' ? 'bigint' : $t{cursor} ];
	$t{$_} = pick('true', 'false') for qw(history row_events);
	$t{deletions} = pick('hard', 'hard', 'soft');
	$t{batch_rows} = pick(1, 2, 7, 50, 1000);
	$t{version} = 1;
	$t{sync} = "random $round";
	$t{origin} = 'origin.' . quoted($t{name});
	$t{key} = join ', ', map { quoted($_->[0]) } @{ $t{columns} }[ 0 .. $t{n_key} - 1 ];
	return \%t;
}

# when an edit is stamped: up to four minutes ago, which the overlap covers
sub stamp
{
	my ($t) = @_;
	return $t->{version} += pick(0, 1, 5) if $t->{cursor} eq 'version';
	my $at = "(SELECT now FROM apart.clock) - interval '" . int(rand(240)) . " s'";
	return "(($at) AT TIME ZONE 'UTC')::date" if $t->{cursor} eq 'date';
	return "(($at) AT TIME ZONE 'UTC')" if $t->{cursor} eq 'timestamp';
	return $at;
}

sub row
{
	my ($t) = @_;
	my $i = 0;
	return join ', ', map { my $c = $_; $c->[0] eq 'changed' ? stamp($t) : $i++ >= $t->{n_key} && rand() < 0.15 ? 'NULL' : '(' . $value{ $c->[1] }->() . ")::$c->[1]" } @{ $t->{columns} };
}

sub insert
{
	my ($t, $n) = @_;
	return map { "INSERT INTO $t->{origin} VALUES (" . row($t) . ') ON CONFLICT DO NOTHING' } 1 .. $n;
}

sub edits
{
	my ($t) = @_;
	my @sql = insert($t, int(rand(8)));
	my @values = @{ $t->{columns} }[ $t->{n_key} .. $#{ $t->{columns} } ];
	for (1 .. int(rand(5)))
	{
		my $c = pick(@values);
		my $set = $c->[0] eq 'changed' ? '' : quoted($c->[0]) . ' = ' . pick('NULL', '(' . $value{ $c->[1] }->() . ")::$c->[1]") . ', ';
		push @sql, "UPDATE $t->{origin} SET ${set}changed = " . stamp($t) . " WHERE ctid IN (SELECT ctid FROM $t->{origin} ORDER BY random() LIMIT " . pick(1, 1, 10) . ')';
	}
	for (1 .. int(rand(3)))
	{
		# a source that is empty all at once is not believed
		my $d = "DELETE FROM $t->{origin} WHERE ctid IN (SELECT ctid FROM $t->{origin} ORDER BY random() OFFSET 1 LIMIT " . pick(1, 1, 5) . ')';
		my $name = literal($t->{name});
		push @sql, $t->{feed} ? "WITH d AS ($d RETURNING $t->{key} AS k) INSERT INTO apart.gone SELECT $name, k::text, (SELECT now FROM apart.clock) - interval '1 s' FROM d" : $d;
	}
	if (rand() < 0.15)
	{
		my $type = pick(sort keys %value);
		my $name = 'added ' . int(rand(1e6));
		push @sql, "ALTER TABLE $t->{origin} ADD COLUMN " . quoted($name) . " $type" . pick('', ' DEFAULT (' . $value{$type}->() . ")::$type");
		push @{ $t->{columns} }, [ $name, $type ];
		$t->{crawl} = 1;
	}
	# an entry of the feed must not be older than the row that it tells of
	return $t->{feed} ? (sort { ($a =~ /DELETE/) <=> ($b =~ /DELETE/) } @sql) : @sql;
}

# -- looking --

# what is wrong with a copy, in words
sub faults
{
	my ($t) = @_;
	my $columns = join ', ', map { quoted($_->[0]) } @{ $t->{columns} };
	my $living = $t->{deletions} eq 'soft' ? 'WHERE _deleted_at IS NULL' : '';
	my $sync = "(SELECT id FROM ingest.sync WHERE name = '$t->{sync}')";
	my @wrong;
	sql("DROP TABLE IF EXISTS apart.image; CREATE TABLE apart.image AS SELECT $columns FROM copy.r $living");
	my $n = sql("SELECT count(*) FROM (SELECT ROW($columns)::text FROM apart.image EXCEPT ALL SELECT ROW($columns)::text FROM $t->{origin}) x");
	push @wrong, "$n rows that are not at the source" if $n;
	$n = sql("SELECT count(*) FROM (SELECT ROW($columns)::text FROM $t->{origin} EXCEPT ALL SELECT ROW($columns)::text FROM apart.image) x");
	push @wrong, "$n rows are missing" if $n;
	push @wrong, 'run: ' . sql("SELECT error FROM ingest.run WHERE sync = $sync ORDER BY id DESC LIMIT 1") if sql("SELECT state FROM ingest.run WHERE sync = $sync ORDER BY id DESC LIMIT 1") !~ /^succeeded/;
	$n = sql("SELECT rows - (SELECT count(*) FROM apart.image) FROM ingest.sync_state WHERE sync = $sync");
	push @wrong, "its book says $n rows too many" if $n;
	return @wrong unless $t->{history} eq 'true';
	my $key = 'jsonb_build_object(' . join(', ', map { literal($_->[0]) . '::text, t.' . quoted($_->[0]) } @{ $t->{columns} }[ 0 .. $t->{n_key} - 1 ]) . ')';
	# a column that came later is null in versions of before, or not there
	my $last = "apart.image t FULL JOIN (SELECT * FROM (SELECT DISTINCT ON (key) key, after FROM ingest.change WHERE sync = $sync ORDER BY key, seq DESC) l WHERE after IS NOT NULL) l "
	  . "ON l.key = $key WHERE apart.known(to_jsonb(t.*)) IS DISTINCT FROM apart.known(l.after)";
	$n = sql("SELECT count(*) FROM $last");
	push @wrong, "$n last versions are not the rows: " . sql("SELECT coalesce(l.key, $key), to_jsonb(t.*), l.after FROM $last LIMIT 1") if $n;
	$n = sql("SELECT count(*) FROM (SELECT before, lag(after) OVER (PARTITION BY key ORDER BY seq) AS previous FROM ingest.change WHERE sync = $sync) x WHERE apart.known(before) IS DISTINCT FROM apart.known(previous)");
	push @wrong, "$n versions do not follow from the one before" if $n;
	if ($t->{row_events} eq 'true')
	{
		$n = sql("SELECT count(*) - (SELECT count(*) FROM ingest.change WHERE sync = $sync) FROM ingest.event WHERE type = 'ingest.row.changed' AND subject = '$t->{sync}'");
		push @wrong, "$n events more than versions" if $n;
	}
	return @wrong;
}

sub image { my ($t, $from) = @_; return "coalesce((SELECT string_agg(r, chr(10) ORDER BY r COLLATE \"C\") FROM (SELECT ROW(" . join(', ', map { quoted($_->[0]) } @{ $t->{seen} }) . ")::text AS r FROM $from) x), '')" }

for my $round (1 .. $rounds)
{
	my $t = new_table($round);
	my @all;
	my $told = join ' ', map { "$_=$t->{$_}" } qw(mode cursor clock feed deletions batch_rows history row_events n_key);
	$told .= ' (' . join(', ', map { "$_->[0] $_->[1]" } @{ $t->{columns} }) . ')';
	sql("UPDATE ingest.connector SET clock_function = " . ($t->{clock} ? "'apart.clock'" : 'NULL') . ", deleted_function = " . ($t->{feed} ? "'apart.deleted'" : 'NULL') . ", tables_function = NULL WHERE wrapper = 'postgres_fdw'",
		"CREATE TABLE $t->{origin} (" . join(', ', map { quoted($_->[0]) . " $_->[1]" } @{ $t->{columns} }) . ", PRIMARY KEY ($t->{key}))",
		insert($t, pick(0, 1, 30, 150)));
	sql("CALL ingest.crawl('here')");
	sql("SELECT ingest.create_sync(format('there.%I', " . literal($t->{name}) . ")::regclass, 'copy.r', name => '$t->{sync}', mode => '$t->{mode}', key => ARRAY[" . join(', ', map { literal($_->[0]) } @{ $t->{columns} }[ 0 .. $t->{n_key} - 1 ])
		  . "]::name[], cursor_column => " . ($t->{mode} eq 'full' ? 'NULL' : "'changed'") . ", history => $t->{history}, row_events => $t->{row_events}, deletions => '$t->{deletions}', batch_rows => $t->{batch_rows}, max_delete_share => 1)");
	for my $step (0 .. 5)
	{
		if ($step > 0)
		{
			sql("UPDATE apart.clock SET now = now + interval '" . pick(1, 30, 3600, 90000) . " s'");
			$t->{version}++;
			sql('SELECT setseed(' . rand() . ')', edits($t));
		}
		sql("CALL ingest.crawl('here')") if delete $t->{crawl};
		sql("UPDATE apart.clock SET now = now + interval '1 s'");
		# deletions that no feed tells of
		sql("UPDATE ingest.sync_state SET last_reconcile = '2000-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = '$t->{sync}')") unless $t->{feed};
		my ($code, $out, $err) = $node->psql('postgres', "CALL ingest.sync('$t->{sync}')");
		my @wrong = ($code ? ($err) : (), faults($t));
		push @all, map { "step $step: $_" } @wrong;
		last if @wrong;
		$t->{seen} = [ @{ $t->{columns} } ];
		sql("INSERT INTO apart.was SELECT clock_timestamp(), " . image($t, 'apart.image')) if $t->{history} eq 'true';
	}
	if ($t->{history} eq 'true' && !@all)
	{
		my $added = grep { $_->[0] =~ /^added/ } @{ $t->{columns} };
		my ($moments, $moment) = $added ? ('SELECT * FROM apart.was ORDER BY moment DESC LIMIT 1', 'clock_timestamp()') : ('TABLE apart.was', 'w.moment');
		my $n = sql("SELECT count(*) FROM ($moments) w WHERE " . image($t, "(SELECT * FROM ingest.as_of(NULL::copy.r, $moment)) y") . ' IS DISTINCT FROM w.image');
		push @all, "as_of: $n moments are not as they were" if $n;
	}
	is(join("\n", @all), '', "round $round: $told");
	sql('TRUNCATE apart.was', "SELECT ingest.drop_sync('$t->{sync}')", 'DROP TABLE copy.r CASCADE', "DROP TABLE $t->{origin}");
}
done_testing();
