# Values at the edge of what either side has, in every place of a query: the same rows here and there.
# Conditions x values x places x tables whose types there are declared, unknown, or others than here.
use strict;
use warnings;
use utf8;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

# of 1000 combinations so many are tried; 1000 for all of them
my $share = $ENV{NS_EDGES} // 60;
my $seed = $ENV{NS_SEED} // 1;
srand($seed);
note("NS_SEED=$seed NS_EDGES=$share");

# a zone that changes at midnight: 2023-09-03 has none
my $node = new_server('edges', conf => "TimeZone = 'America/Santiago'\nenable_hashjoin = off\nenable_mergejoin = off\nenable_material = off\nenable_memoize = off\n");

sub sql
{
	my $text = join(";\n", @_);
	utf8::encode($text);
	my $rows = $node->safe_psql('postgres', $text);
	utf8::decode($rows);
	return $rows;
}

# -- rows made here, and put into the sandbox's database: the connector has no part in it --

my @columns = (
	# name, type here, column there, its type there
	[ n1 => 'int', 'approvalstatus', 'number' ], [ n2 => 'bigint', 'nexus', 'number' ], [ q => 'numeric', 'custbody_score', 'number' ], [ d1 => 'date', 'trandate', 'date' ], [ d2 => 'date', 'duedate', 'date' ],
	[ w => 'timestamp', 'createddate', 'datetime' ], [ z => 'timestamptz', 'lastmodifieddate', 'datetime' ], [ b1 => 'boolean', 'posting', 'boolean' ], [ s1 => 'text', 'memo', 'text' ], [ s2 => 'text', 'title', 'text' ]);

sql('CREATE SCHEMA near', 'CREATE SCHEMA declared', 'CREATE SCHEMA unknown',
	'CREATE TABLE near.edge (id bigint PRIMARY KEY, ' . join(', ', map { "$_->[0] $_->[1]" } @columns) . ')',
	'CREATE FUNCTION pick(i int, VARIADIC list anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$ SELECT list[1 + i % cardinality(list)] $$',
	<<'SQL');
INSERT INTO near.edge SELECT i,
	pick(i, VARIADIC '{NULL,-2147483648,2147483647,0,1,-1,5}'::int[]), pick(i, VARIADIC '{9223372036854775807,-9223372036854775808,NULL,0,2,-3}'::bigint[]),
	pick(i, VARIADIC '{0,NULL,-1,1.5,12345678901234567890123456789012345678,-12345678901234567890123456789012345678,0.00000000000000000000000000000000000001,0.25,9999999999999999999999999999.9999999999,-2.5,2.5}'::numeric[]),
	pick(i, VARIADIC '{9999-12-31,NULL,0001-01-01,2024-02-29,9999-12-30,0001-01-02,1582-10-10,2023-09-03,2024-03-31}'::date[]), pick(i, VARIADIC '{2024-02-29,9999-12-31,2024-03-31,NULL,0001-01-01}'::date[]),
	w, w AT TIME ZONE 'America/New_York', pick(i, VARIADIC '{t,f,NULL}'::boolean[]), pick(i, VARIADIC t.texts), pick(i * 7 + 3, VARIADIC t.texts)
FROM (SELECT array_agg(x ORDER BY n) AS texts FROM (
		SELECT n, chr(n) || 'a' AS x FROM generate_series(1, 31) n
		UNION ALL SELECT 100 + n, x FROM unnest(ARRAY['a', 'A', 'b', 'a ', ' a', 'á', U&'a\0301', 'a''b', '''', 'a"b', 'a\b', '\', 'a%b', 'a_b', '%', '_', 'axb', 'a😀b', chr(127), 'ÿ', 'ß', 'ss', '東京', '0', '2024-02-29', 'T', 'NULL', E'\x01' || '0' || E'\x02', '?', '{}', ''' OR 1=1 --', NULL]) WITH ORDINALITY u(x, n)) v) t,
	generate_series(1, 150) i, LATERAL (SELECT pick(i, VARIADIC '{9999-12-31 23:59:59,NULL,0001-01-02 00:00:00,2024-03-10 01:59:59,2024-03-10 03:00:00,2024-11-03 01:30:00,2024-11-03 02:00:00,2024-02-29 12:00:00,9999-12-31 00:00:00}'::timestamp[])) p(w)
SQL
control(op => 'sql', sql => 'TRUNCATE ns.transaction');
control(op => 'sql', sql => sql('SELECT \'INSERT INTO ns.transaction (id, ' . join(', ', map { $_->[2] } @columns) . ') VALUES \' || string_agg(format(\'(' . join(', ', ('%L') x (1 + @columns)) . ')\', id, '
	  . join(', ', map { $_->[0] eq 'z' ? 'w' : $_->[0] eq 'b1' ? "CASE b1 WHEN true THEN 'T' WHEN false THEN 'F' END" : $_->[0] } @columns) . '), \', \') FROM near.edge'));
sql("CREATE SERVER edge FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', timezone 'America/New_York')");
create_mapping($node, 'CURRENT_USER', 'edge');

sub foreign_table
{
	my ($schema, @columns) = @_;
	return "CREATE FOREIGN TABLE $schema.edge (" . join(', ', @columns) . ") SERVER edge OPTIONS (table 'transaction', key 'id', rows '100000')";
}
sql(foreign_table('declared', "id bigint OPTIONS (remote_type 'number')", map { "$_->[0] $_->[1] OPTIONS (column_name '$_->[2]', remote_type '$_->[3]')" } @columns),
	# nothing is known of an expression
	foreign_table('unknown', 'id bigint', map { "$_->[0] $_->[1] OPTIONS (expression 't.$_->[2]')" } @columns));

# -- the same query in both places --

sql(<<'SQL', 'CREATE TABLE answers (n bigserial, ok boolean, place text, shape text, query text, value text, here text, there text)');
CREATE FUNCTION answer(place text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE a text; BEGIN
	PERFORM set_config('search_path', place || ', public', true);
	EXECUTE query INTO a;
	RETURN coalesce(a, 'null');
EXCEPTION WHEN OTHERS THEN RETURN 'error ' || SQLSTATE || CASE WHEN SQLSTATE ~ '^22' THEN '' ELSE ' ' || SQLERRM END;
END $$
SQL
sql(<<'SQL');
CREATE PROCEDURE public.compare(query text, type text, value text, truth text, places text[]) LANGUAGE plpgsql AS $$
DECLARE q text; shape text; right_answer text; place text; got text; BEGIN
	right_answer := public.answer(truth, replace(query, '@V', format('%L::%s', value, type)));
	EXECUTE format('CREATE TEMP TABLE v AS SELECT %L::%s AS v', value, type);
	FOREACH place IN ARRAY places LOOP
		FOREACH shape IN ARRAY '{constant,custom,generic,subquery,loop}'::text[] LOOP
			CASE shape
				WHEN 'constant' THEN q := replace(query, '@V', format('%L::%s', value, type));
				WHEN 'subquery' THEN q := replace(query, '@V', format('(SELECT %L::%s)', value, type));
				WHEN 'loop' THEN
					CONTINUE WHEN query !~ '^SELECT [^,()]*(array_agg|count).* FROM edge WHERE ' OR query ~ 'OFFSET';
					q := replace(replace(query, ' FROM edge WHERE ', ' FROM v, edge WHERE '), '@V', 'v.v');
				ELSE
					PERFORM set_config('plan_cache_mode', 'force_' || shape || '_plan', true);
					PERFORM set_config('search_path', place || ', public', true);
					BEGIN
						EXECUTE format('PREPARE p(%s) AS %s', type, replace(query, '@V', '$1'));
						q := format('EXECUTE p(%L)', value);
					EXCEPTION WHEN OTHERS THEN
						q := NULL;
						got := 'error ' || SQLSTATE || CASE WHEN SQLSTATE ~ '^22' THEN '' ELSE ' ' || SQLERRM END;
					END;
			END CASE;
			IF q IS NOT NULL THEN got := public.answer(place, q); END IF;
			PERFORM set_config('search_path', 'public', true);
			IF q ~ '^EXECUTE' THEN DEALLOCATE p; END IF;
			INSERT INTO public.answers(ok, place, shape, query, value, here, there) VALUES (got = right_answer, place, shape, query, value, right_answer, got);
		END LOOP;
	END LOOP;
	DROP TABLE v;
END $$
SQL

# conditions under a type's values; @C is a column, @V the value
my @compared = ('@C = @V', '@C <> @V', '@C < @V', '@C <= @V', '@C > @V', '@C >= @V', '@V >= @C', 'NOT (@C = @V)', 'NOT (@C > @V)', '@C IN (@V, @O)', '@C NOT IN (@V, @O)', '@C = ANY (ARRAY[@V, NULL])', '@C <> ALL (ARRAY[@V, @O])', 'NOT (@C = ANY (ARRAY[@V]))',
	'@C BETWEEN @O AND @V', '@C IS DISTINCT FROM @V', '(@C = @V) IS NULL', 'b1 OR @C > @V', 'coalesce(@C, @V) >= @O', 'coalesce(@C, @O) < @V', 'CASE WHEN b1 THEN @C ELSE @V END > @O', 'CASE WHEN @C > @V THEN n1 ELSE 0 END > 0');
my @values = (
	[ 'date', [qw(d1 d2)], "date '2024-02-29'", [ '-infinity', '4713-01-01 BC', '0044-03-15 BC', '0001-12-31 BC', '0001-01-01', '0001-01-02', '2024-02-29', '9999-12-30', '9999-12-31', '10000-01-01', '5874897-12-31', 'infinity', undef ] ],
	[ 'timestamp', [qw(d1 w)], "timestamp '2024-02-29'", [ '-infinity', '0044-03-15 12:00 BC', '0001-01-01', '0001-01-01 00:00:00.5', '2024-02-29 00:00:01', '2024-02-29 12:00:00.5', '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.5', '10000-01-01', '294276-12-31', 'infinity', undef ] ],
	[ 'timestamptz', [qw(d1 z w)], "timestamptz '2024-02-29 00:00 America/New_York'", [ '-infinity', '0044-03-15 12:00 BC', '0001-01-01', '2023-09-03 03:59:59+00', '2023-09-03 04:00+00', '2023-09-03 04:00:01+00', '2023-09-03 00:00+00', '2024-11-03 05:30+00', '2024-11-03 06:30+00', '2024-03-10 02:30 America/New_York', '2024-02-29 00:00+09', '9999-12-31 23:59:59 America/New_York', '9999-12-31 23:59:59.5+09', '10000-01-01 08:00+00', '294276-12-31', 'infinity', undef ] ],
	[ 'date', [qw(z w)], "date '2024-02-29'", [ '-infinity', '0001-01-02', '2024-02-29', '2024-11-03', '9999-12-31', '10000-01-01', 'infinity' ] ],
	[ 'numeric', [qw(q n1 n2)], '1.5', [ 'NaN', '-Infinity', 'Infinity', '0', '1.5', '-0.00', '12345678901234567890123456789012345678', '12345678901234567890123456789012345678.5', '12345678901234567890123456789012345677.99999999999999999999', '0.000000000000000000000000000000000000005', '1e131000', '-1e200', '1e-140', '99999999999999999999999999999999999999999999999999', undef ] ],
	[ 'bigint', [qw(n1 n2 q)], '5::bigint', [ '9223372036854775807', '-9223372036854775808', '0', '2147483648', undef ] ],
	[ 'int', [qw(n1 n2 q)], '5', [ '2147483647', '-2147483648', '0', undef ] ],
	[ 'text', [qw(s1 s2)], "text 'a'", [ '', ' ', 'a', 'A', 'a ', 'á', "a\x{301}", "a'b", "'", 'a"b', 'a\\b', '\\', '%', '_', "'' OR '1'='1", "\x01", "\x010\x02", "\x02", map({ chr($_) . 'a' } 1 .. 31, 127), 'x' x 4001, '東京', 'T', '0', undef ] ],
);
my @like = ('a%', '%a', '_', '__', 'a_b', '%_', '_a', 'a\\_b', 'a\\%b', 'a\\\\b', '\\\\', '\\%', '\\_', '%\'%', '%"%', "%\x01%", "%\x02%", "\x010\x02%", '%', '', '%%', 'a%b', '%😀%', 'a__b', 'A%', '% ', '%á%', "%\x{301}%", '\\a%');

my @runs;
# rows, and whether the condition holds in an aggregate, where nothing is checked again here
sub add
{
	my ($condition, $type, $value) = @_;
	push @runs, [ "SELECT $_ FROM edge WHERE $condition", $type, $value ] for "array_agg(id ORDER BY id)::text", 'count(*)::text';
	return;
}
for my $set (@values)
{
	my ($type, $columns, $other, $values) = @$set;
	for my $column (@$columns)
	{
		for my $value (@$values)
		{
			add($_ =~ s/\@C/$column/gr =~ s/\@O/$other/gr, $type, $value) for @compared;
			# as a value of the result, of a group, under an aggregate, in the order
			my $v = "coalesce($column, \@V)";
			push @runs, map { [ $_, $type, $value ] } "SELECT array_agg(x ORDER BY x)::text FROM (SELECT ROW($v, count(*)) AS x FROM edge GROUP BY $v OFFSET 0) y",
			  "SELECT ROW(min($v), max(CASE WHEN b1 THEN $column ELSE \@V END), count(DISTINCT $v), count(*) FILTER (WHERE $column > \@V))::text FROM edge",
			  "SELECT string_agg(id::text, ',') FROM (SELECT id FROM edge ORDER BY $v DESC, id LIMIT 20) y"
			  if !defined $value || $value !~ /x{9}|0\.00/; # zeros alike, but not as text
		}
	}
}
for my $pattern (@like)
{
	add($_, 'text', $pattern) for 's1 LIKE @V', 's1 NOT LIKE @V', 'NOT (s1 LIKE @V) OR b1', 's1 LIKE @V OR n1 = 5', 'CASE WHEN s1 LIKE @V THEN n1 ELSE n2 END > 0';
}

my $different = 0;
# a procedure call for each, many to a session
sub run
{
	my ($truth, $places, @runs) = @_;
	my @calls;
	for my $run (@runs)
	{
		my ($query, $type, $value) = @$run;
		next if rand(1000) >= $share;
		push @calls, 'CALL compare(' . join(', ', map { defined $_ ? "E'" . s/([\\'])/\\$1/gr =~ s/([\x01-\x1f])/sprintf('\\x%02x', ord $1)/ger . "'" : 'NULL' } $query, $type, $value, $truth) . ", '{$places}')";
	}
	my $file = PostgreSQL::Test::Utils::tempdir() . '/calls.sql';
	PostgreSQL::Test::Utils::append_to_file($file, join('', map { my $c = "$_;\n"; utf8::encode($c); $c } @calls));
	$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ], scalar(@calls) . " queries in $places");
	return;
}
run('near', 'declared,unknown', @runs);

sub verdict
{
	my ($what) = @_;
	my $right = is(sql("SELECT count(*) FROM answers WHERE NOT ok"), "0", "$what: the same answers, of " . sql("SELECT count(*) FROM answers"));
	diag(sql(q{SELECT string_agg(DISTINCT place || ' ' || shape, ', ') || ': ' || query || ' @V=' || coalesce(quote_literal(left(value, 60)), 'NULL') || ' here ' || left(min(here), 200) || ' there ' || left(min(there), 200) FROM answers WHERE NOT ok GROUP BY query, value ORDER BY min(n) LIMIT 30})) if !$right;
	is(sql(q{SELECT count(*) FROM answers WHERE there ~ '^error' AND there !~ '^error 22'}), '0', 'no errors but those of values');
	sql('TRUNCATE answers');
	return;
}
verdict('columns of their types');

# -- columns whose type here is not that there --

control(op => 'sql', sql => q{UPDATE ns.transaction SET otherrefnum = (ARRAY['1', '01', '1.0', '10', '9', '-3', '.5', NULL])[1 + id % 8], externalid = (ARRAY['1', '01', '10', '9', '0', NULL])[1 + id % 6],
	email = (ARRAY['a', 'a ', 'A', 'á', 'T', '5', '2024-02-29', NULL])[1 + id % 8], exchangerate = (ARRAY[1.25, 1.35, 1.2, 100, 0.5, NULL, 5])[1 + id % 7], custbody_region = (ARRAY['T', 'F', NULL])[1 + id % 3]});
sql('CREATE DOMAIN day AS date', 'CREATE DOMAIN moment AS timestamptz', 'CREATE DOMAIN word AS text', "CREATE TYPE flag AS ENUM ('T', 'F')");
my @other = (
	[ day_text => 'text', 'trandate', 'date' ], [ second_text => 'text', 'lastmodifieddate', 'datetime' ], [ number_text => 'text', 'exchangerate', 'number' ], [ flag_text => 'text', 'posting', 'boolean' ], [ second_date => 'date', 'lastmodifieddate', 'datetime' ],
	[ second_wall => 'timestamp', 'lastmodifieddate', 'datetime' ], [ day_moment => 'timestamptz', 'duedate', 'date' ], [ day_wall => 'timestamp', 'duedate', 'date' ], [ text_numeric => 'numeric', 'otherrefnum', 'text' ], [ text_bigint => 'bigint', 'externalid', 'text' ],
	[ text_bool => 'boolean', 'custbody_region', 'text' ], [ short => 'varchar(10)', 'email', 'text' ], [ long => 'varchar', 'email', 'text' ], [ padded => 'char(12)', 'email', 'text' ], [ rounded => 'numeric(5,1)', 'exchangerate', 'number' ], [ double => 'float8', 'exchangerate', 'number' ],
	[ small => 'smallint', 'daysopen', 'number' ], [ day_domain => 'day', 'trandate', 'date' ], [ moment_domain => 'moment', 'lastmodifieddate', 'datetime' ], [ text_domain => 'word', 'email', 'text' ], [ flag_enum => 'flag', 'posting', 'boolean' ], [ coarse => 'timestamptz(0)', 'lastmodifieddate', 'datetime' ], [ json => 'jsonb', 'exchangerate', 'number' ]);
my %other_places = (
	other_declared => sub { "column_name '$_->[2]', remote_type '$_->[3]'" },
	other_known => sub { "column_name '$_->[2]'" },
	other_unknown => sub { "expression 't.$_->[2]'" });
for my $place (sort keys %other_places)
{
	# what comes without a condition is the truth
	my @kept = grep { $place eq 'other_declared' || $_->[0] !~ /^(day|second)_(text)$/ || $place eq 'other_known' } @other;
	sql("CREATE SCHEMA $place", foreign_table($place, 'id bigint', map { "$_->[0] $_->[1] OPTIONS (" . $other_places{$place}->() . ')' } @kept), "CREATE SCHEMA near_$place", "CREATE TABLE near_$place.edge AS SELECT * FROM $place.edge OFFSET 0");
	@runs = ();
	for my $column (@kept)
	{
		my ($name, $type) = @$column;
		my @values = map { $_ eq 'NULL!' ? undef : $_ } split /\n/, sql("SELECT coalesce(v, 'NULL!') FROM (SELECT DISTINCT $name\::text AS v FROM near_$place.edge) x ORDER BY md5(v) LIMIT 6");
		for my $value (@values)
		{
			push @runs, map { my $q = $_; map { [ $_, $type, $value ] } "SELECT array_agg(id ORDER BY id)::text FROM edge WHERE $q", "SELECT count(*)::text FROM edge WHERE $q" }
			  "$name = \@V", "$name <> \@V", "$name IN (\@V)", "$name IS NULL OR $name = \@V", "$name IS NOT NULL AND \@V IS NOT NULL", "coalesce($name, \@V) = \@V", $type =~ /json/ ? () : ("$name < \@V", "NOT ($name >= \@V)", "$name = ANY (ARRAY[\@V, NULL])", "$name BETWEEN \@V AND \@V"), $type =~ /text|char/ ? "$name LIKE '%2%'" : ();
			push @runs, [ "SELECT string_agg(id::text, ',') FROM (SELECT id FROM edge WHERE \@V IS NULL OR id > 0 ORDER BY $name DESC, id LIMIT 20) y", $type, $value ] unless $type =~ /char|text|word/;
		}
		push @runs, map { [ $_, 'int', 0 ] } "SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM (SELECT $name, count(*) FROM edge WHERE id > \@V GROUP BY $name OFFSET 0) x", "SELECT ROW(count($name), count(DISTINCT $name))::text FROM edge WHERE id > \@V",
		  $type =~ /bool|json/ ? () : "SELECT ROW(min($name), max($name), max($name) FILTER (WHERE id > \@V))::text FROM edge", $type =~ /int|num|double/ ? "SELECT ROW(trim_scale(sum($name)::numeric), trim_scale(avg($name)::numeric), trim_scale((sum($name) FILTER (WHERE id > \@V))::numeric))::text FROM edge" : ();
	}
	run("near_$place", $place, @runs);
	verdict("types that differ, $place");
}
done_testing();
