# The zone of datetimes is declared, proved by both halves of the year, or asked for: never guessed
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('zone');
my $stamps = 'SELECT id, lastmodifieddate FROM netsuite.transaction';
$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD timezone 'UTC'); CREATE TABLE truth AS $stamps; ALTER SERVER ns OPTIONS (DROP timezone)");

# How many stamps are wrong, or the SQLSTATE; in the hour that comes twice the wall clock does not tell which
my $zone_there = 'UTC';
sub wrong
{
	my ($code, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM truth t JOIN ($stamps) n USING (id) WHERE t.lastmodifieddate <> n.lastmodifieddate AND t.lastmodifieddate AT TIME ZONE '$zone_there' AT TIME ZONE '$zone_there' = t.lastmodifieddate", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $code == 0 ? $out : $err =~ /ERROR:  (\w+):/ ? $1 : $err;
}

sub zone_line
{
	return $node->safe_psql('postgres', q{SELECT ok, detail FROM netsuite_check('ns') WHERE "check" = 'zone'});
}

sub account
{
	my (%switches) = @_;
	fresh_log();
	$zone_there = $switches{datetime_zone} // 'UTC';
	control(op => 'switch', name => $_, value => $switches{$_}) for keys %switches;
	return;
}

# accounts that need not be asked, and such as look like one of them for half a year
for my $zone ('UTC', 'America/Los_Angeles')
{
	account(datetime_zone => $zone);
	is(wrong(), '0', "$zone is measured");
	cmp_ok(scalar(@{ control(op => 'log')->{requests} }), '<', 20, 'in few requests');
	like(zone_line(), qr/^t\|datetimes are read as $zone \(measured\)/, 'and the check is sure');
}
srand(28);
my @names = split /\n/, $node->safe_psql('postgres', q{SELECT name FROM pg_timezone_names WHERE name ~ '^[A-Z][a-z]+/' AND name !~ '^Etc' ORDER BY 1});
for my $zone ('Europe/London', 'Europe/Lisbon', 'America/Phoenix', 'Africa/Casablanca', 'Atlantic/Reykjavik', 'America/Santiago', 'Pacific/Auckland', 'America/Vancouver', map { $names[ rand @names ] } 1 .. 12)
{
	account(datetime_zone => $zone);
	like(wrong(), qr/^(0|HV00J)$/, "$zone: right, or asked for");
	account(datetime_zone => $zone);
	$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD timezone '$zone')");
	is(wrong(), '0', "$zone as declared");
	like(zone_line(), qr/^t\|datetimes are read as $zone \(declared\)/, 'agrees with what is seen');
	$node->safe_psql('postgres', 'ALTER SERVER ns OPTIONS (DROP timezone)');
}
account(datetime_zone => 'Europe/London');
like(zone_line(), qr/^f\|unknown, set server option timezone.*January datetimes are \+0.00 hours from UTC and around July datetimes are \+1.00 hours/, 'the check tells what is seen');
$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (ADD timezone 'UTC')");
like(zone_line(), qr/^f\|declared as UTC, but around January/, 'and that a declared one contradicts it');
$node->safe_psql('postgres', 'ALTER SERVER ns OPTIONS (DROP timezone)');

# records that cannot be read
for my $refusal (qw(permission locked method missing))
{
	for my $zone ('UTC', 'America/Los_Angeles')
	{
		account(datetime_zone => $zone, record_allowed => \0, record_refusal => $refusal);
		is(wrong(), 'HV00J', "$zone, the record service says $refusal: asked for");
		cmp_ok(scalar(@{ control(op => 'log')->{requests} }), '<', 11, 'after few requests');
		like(zone_line(), qr/^f\|unknown/, 'the check is not sure');
		is($node->safe_psql('postgres', 'SELECT count(*), max(trandate) > min(trandate) FROM netsuite.transaction WHERE trandate > \'2020-01-01\''), $node->safe_psql('postgres', 'SELECT count(*), true FROM (SELECT id, trandate FROM netsuite.transaction OFFSET 0) x WHERE trandate > \'2020-01-01\''), 'what has no datetime needs no zone');
	}
}
is($node->psql('postgres', 'ANALYZE netsuite.currency'), 3, 'nor does ANALYZE, but for datetimes');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE netsuite.currency DROP COLUMN lastmodifieddate; ANALYZE netsuite.currency");

# other forms of the same
account(datetime_zone => 'America/Los_Angeles', record_keys => 'lower');
is(wrong(), '0', 'fields of records in lower case');
account(datetime_zone => 'America/Los_Angeles', record_zone => 'America/Los_Angeles');
is(wrong(), '0', 'moments of records with an offset');
account(datetime_zone => 'UTC', record_zone => 'Asia/Kolkata');
is(wrong(), '0', 'whichever');
account(datetime_zone => 'America/Los_Angeles', key_case => 'upper');
is(wrong(), '0', 'keys of rows in upper case');

# a passing failure is not remembered; 403 and its like are
for my $kind (qw(500 503 429 reset-before garbage))
{
	account();
	control(op => 'fault', kind => $kind, match => '/record/v1/', count => 6);
	like($node->safe_psql('postgres', qq{
		SET client_min_messages = error;
		CREATE TEMP TABLE states (state text);
		DO \$\$ BEGIN PERFORM lastmodifieddate FROM netsuite.transaction WHERE id = 4; INSERT INTO states VALUES ('right'); EXCEPTION WHEN OTHERS THEN INSERT INTO states VALUES (SQLSTATE); END \$\$;
		DO \$\$ BEGIN PERFORM pg_sleep(0.1); PERFORM lastmodifieddate FROM netsuite.transaction WHERE id = 4; INSERT INTO states VALUES ('right'); EXCEPTION WHEN OTHERS THEN INSERT INTO states VALUES (SQLSTATE); END \$\$;
		SELECT string_agg(state, ' ') FROM states}), qr/^(HV000|HV00N|53400|HV00K|right) right$/, "$kind for a while: then it is measured");
}

# one season alone, in every table
account(datetime_zone => 'Europe/London');
my @tables = qw(customer employee vendor subsidiary account);
control(op => 'sql', sql => "CREATE TABLE ns.kept_$_ AS SELECT id, lastmodifieddate FROM ns.$_") for @tables;
for my $day ('2024-01-15', '2024-07-15', '2024-10-15')
{
	control(op => 'sql', sql => "UPDATE ns.$_ SET lastmodifieddate = '$day'::timestamp + id % 20 * interval '1 hour'") for @tables;
	for my $zone ('UTC', 'America/Los_Angeles', 'Europe/London', 'America/Phoenix')
	{
		account(datetime_zone => $zone);
		is(wrong(), 'HV00J', "all was changed on $day, $zone: asked for");
	}
}
like(zone_line(), qr/around January no record could be compared and around July no record could be compared/, 'which is said');
control(op => 'sql', sql => "UPDATE ns.$_ t SET lastmodifieddate = k.lastmodifieddate FROM ns.kept_$_ k WHERE k.id = t.id") for @tables;
control(op => 'sql', sql => "DROP TABLE ns.kept_$_") for @tables;
account();
is(wrong(), '0', 'as it was');

done_testing();
