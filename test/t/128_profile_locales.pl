# Dates, times, numbers and truths as people of eighty languages and many machines write them (profile/locales.cjs), one text
# in a hundred of another kind: what hidden_cast reads is right, and what is none of them comes to nothing.  LOCALES columns (200)
# from LOCALES_SEED
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'there is no node' if system('node -e 0 2>/dev/null') != 0;
my $seed = $ENV{LOCALES_SEED} // int(rand(1e6));
my $columns = $ENV{LOCALES} // 200;
my $node = PostgreSQL::Test::Cluster->new('locales');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my $rows = $node->basedir . '/rows';
note "LOCALES_SEED=$seed LOCALES=$columns";
system_or_bail("node profile/locales.cjs $seed $columns 120 > $rows");
sql(q{
	CREATE EXTENSION ingest_profile;
	CREATE TABLE texts (n int, what text, type text, t text, want text);
	CREATE FUNCTION evaluated(expression text, v text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE r text;
	BEGIN
		EXECUTE format('SELECT (%s)::text FROM (SELECT $1 AS value) x', expression) INTO r USING v;
		RETURN r;
	EXCEPTION WHEN others THEN RETURN NULL;
	END $$;
	-- null: it says nothing; a truth written 1 and 0 may be a number
	CREATE FUNCTION is_right(hidden text, want text, got text) RETURNS bool LANGUAGE sql AS $$
		SELECT CASE WHEN got IS NULL THEN NULL WHEN want IS NULL THEN false WHEN hidden IN ('bigint', 'numeric') THEN translate(want, 'truefals', '1')::numeric = got::numeric
			WHEN hidden LIKE 'timestamp%' THEN want::timestamp = got::timestamptz AT TIME ZONE 'UTC' WHEN hidden = 'time' THEN want::time = got::time ELSE want = got END $$});
$node->command_ok([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', "\\copy texts FROM '$rows'" ], "$columns columns from seed $seed");
sql(q{
	CREATE TABLE found AS SELECT n, what, x.type, f.hidden_type, f.hidden_cast FROM (SELECT n, what, type, profile(t) AS s FROM texts GROUP BY 1, 2, 3) x, profile_stats(s) f;
	ALTER DATABASE postgres SET timezone = 'UTC'});
sql(q{CREATE TABLE read AS SELECT n, what, hidden_type, t, want, evaluated(hidden_cast, t) AS got FROM texts JOIN found USING (n, what) WHERE hidden_cast IS NOT NULL});
is(sql(q{SELECT what, hidden_type, count(*), min(t), min(want), min(got) FROM read WHERE NOT is_right(hidden_type, want, got) GROUP BY 1, 2}), '', 'no value is read wrong');
is(sql(q{SELECT what, hidden_type, count(want), count(got) FROM read GROUP BY n, 1, 2 HAVING count(got) < 0.88 * count(want)}), '', 'and what fits is read');
my $share = sql(q{SELECT round(count(hidden_cast)::numeric / count(*), 2) FROM found WHERE n IN (SELECT n FROM texts WHERE want IS NOT NULL)});
cmp_ok($share, '>', 0.65, "columns that are read: $share");
is(sql(q{SELECT count(*) FROM found WHERE type = 'boolean' AND hidden_cast IS NULL}), '0', 'truths of all languages');
is(sql(q{SELECT what FROM found WHERE hidden_cast IS NULL AND (type IN ('timestamptz', 'time') OR what IN ('ISO week', 'ISO week, compact', 'ordinal date', 'ordinal numbers', 'two digits, D.M', 'two digits, M/D', 'DB2', 'Oracle', 'Python', 'spreadsheet', 'lakhs', 'parentheses', 'minus behind', 'minus of its own', 'underscores'))
	AND n IN (SELECT n FROM texts WHERE want IS NOT NULL) AND what <> 'web server, in brackets'}), '', 'what machines and accountants write');
done_testing();
