# Every wall clock of every zone is read as PostgreSQL itself reads it, also where summer time begins at midnight
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

# All of PostgreSQL's zones with MIDNIGHT_ZONES=all; else some that lack a midnight now and then, and a drawn few
my $node = new_server('midnight');

$node->safe_psql('postgres', q{
	CREATE FOREIGN TABLE stamp (id bigint, at timestamptz OPTIONS (column_name 'lastmodifieddate'), wall timestamp OPTIONS (column_name 'lastmodifieddate')) SERVER ns OPTIONS ("table" 'unitstype', key 'id');
	CREATE FOREIGN TABLE day (id bigint, at date OPTIONS (column_name 'lastmodifieddate')) SERVER ns OPTIONS ("table" 'unitstype', key 'id')});
control(op => 'sql', sql => 'CREATE TABLE ns.kept_units AS SELECT * FROM ns.unitstype');

# wall clocks that a zone has: the first and the middle of each month, and each half hour around its changes
sub walls
{
	my ($zone) = @_;
	my $days = q{generate_series(timestamp '1970-01-01', '2037-12-31', '1 day') d};
	my $months = q{generate_series(timestamp '1970-01-01', '2037-12-01', '1 month') m};

	return qq{SELECT row_number() OVER (ORDER BY w) AS id, w FROM (
		SELECT m AS w FROM $months UNION SELECT m + interval '14 days 12 hours' FROM $months
		UNION SELECT d + h * interval '30 min' FROM $days, generate_series(-54, 6) h
			WHERE d AT TIME ZONE '$zone' - (d - interval '1 day') AT TIME ZONE '$zone' <> interval '1 day') x
		WHERE (w AT TIME ZONE '$zone') AT TIME ZONE '$zone' = w};
}

# names that are abbreviations, too, mean those in the expected values
my @all = split /\n/, $node->safe_psql('postgres', q{SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)' AND name NOT IN ('localtime', 'posixrules', 'Factory')
	AND name NOT IN (SELECT abbrev FROM pg_timezone_abbrevs) ORDER BY random()});
my @zones = (qw(America/Santiago Asia/Beirut America/Sao_Paulo America/Havana Africa/Cairo Asia/Amman America/Asuncion Asia/Tehran Atlantic/Azores Pacific/Apia), @all[0 .. 14]);
@zones = @all if ($ENV{MIDNIGHT_ZONES} // '') eq 'all';

my $wrong = '';
my $rows = 0;
for my $zone (@zones)
{
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS wall; CREATE TABLE wall AS ' . walls($zone));
	my $list = join ',', map { my ($id, $w) = split /\|/; "($id,'$w')" } split /\n/, $node->safe_psql('postgres', 'SELECT id, w FROM wall');
	control(op => 'sql', sql => "TRUNCATE ns.unitstype; INSERT INTO ns.unitstype (id, lastmodifieddate) VALUES $list");
	$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD timezone '$zone')");
	my ($code, $out, $err) = $node->psql('postgres', "SET TimeZone = '$zone';
		SELECT count(*), count(*) FILTER (WHERE s.at IS DISTINCT FROM w AT TIME ZONE '$zone' OR s.wall <> w) FROM wall JOIN (SELECT * FROM stamp OFFSET 0) s USING (id);
		SELECT count(*) FROM (SELECT date_trunc('month', at) AS m, count(*) AS n FROM day GROUP BY 1) x FULL JOIN (SELECT date_trunc('month', w::date) AS m, count(*) AS n FROM wall GROUP BY 1) y USING (m, n) WHERE x IS NULL OR y IS NULL");
	$node->safe_psql('postgres', 'ALTER SERVER ns OPTIONS (DROP timezone)');
	$rows += $1 if $out =~ /^(\d+)/;
	$wrong .= "$zone: $out $err\n" unless $code == 0 && $out =~ /^\d+\|0\n0$/;
}
is($wrong, '', "$rows wall clocks of " . scalar(@zones) . ' zones');
control(op => 'sql', sql => 'TRUNCATE ns.unitstype; INSERT INTO ns.unitstype SELECT * FROM ns.kept_units');
control(op => 'sql', sql => 'DROP TABLE ns.kept_units');

done_testing();
