# An import brings the same tables, columns and types, whatever passes over the account meanwhile and however it writes nothing
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('import');
my $columns = q{SELECT string_agg(format('%s.%s %s', c.relname, attname, format_type(atttypid, atttypmod)), ', ' ORDER BY c.relname, attname)
	FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'tried'::regnamespace AND attnum > 0};

# The columns after an import, or the class of its error
sub import_tables
{
	my ($tables) = @_;
	my ($code, $out, $err) = $node->psql('postgres', "SET client_min_messages = error; DROP SCHEMA IF EXISTS tried CASCADE; CREATE SCHEMA tried;
		\\set VERBOSITY verbose
		IMPORT FOREIGN SCHEMA suiteql LIMIT TO ($tables) FROM SERVER ns INTO tried; $columns");

	return $code == 0 ? $out : $err =~ /ERROR:\s+(\w{5}):/ ? "error $1" : $err;
}

sub switches
{
	my (%switches) = @_;

	control(op => 'reset');
	control(op => 'switch', name => $_, value => $switches{$_}) for sort keys %switches;
}

# so many failures in a row, and each nth request: no column is lost, at worst there is an error
my $term = import_tables('term, department');
# (the first requests are for custom records and fields)
for my $failures (1, 2, 3, 5, 11, 17, 23, 31, 61)
{
	switches();
	control(op => 'fault', kind => '500', count => $failures, match => 'suiteql', after => 2);
	my $came = import_tables('term, department');
	ok($came eq $term || $came eq 'error HV000', "$failures failures in a row") or diag($came);
}
control(op => 'clear_faults');
for my $every (2, 3, 5)
{
	switches(fail_every => $every, failure => '500');
	my $came = import_tables('term, department');
	ok($came eq $term || $came eq 'error HV000', "a failure in $every requests") or diag($came);
}

# nothing, written in every way, in the values that show what a column is
my $all = 'customer, employee, transactionaccountingline, customrecord_asset';
switches();
my $expected = import_tables($all);
for my $form ({nulls_present => \1}, {nulls_present => \1, null_value => 'empty'}, {nulls_present => \1, null_value => 'empty', numbers_as_json => \1, booleans_as_json => \1},
	{key_case => 'upper'}, {key_case => 'mixed', items_reversed => \1, nulls_present => \1, null_value => 'empty'})
{
	switches(%$form);
	is(import_tables($all), $expected, join(' ', sort keys %$form));
}
switches();

# a table that is refused in words unknown is one that is skipped, not one that has no columns
control(op => 'switch', name => 'unknown_column', value => 'unnamed');
control(op => 'fault', kind => 'reply', count => 1000, match => 'suiteql', status => 400, body => '<html>Sorry</html>', type => 'text/html');
my ($code, $out, $err) = $node->psql('postgres', 'DROP SCHEMA IF EXISTS tried CASCADE; CREATE SCHEMA tried; IMPORT FOREIGN SCHEMA suiteql LIMIT TO (term) FROM SERVER ns INTO tried OPTIONS (include_custom \'false\')');
like($err, qr/table "term" is skipped: the account does not have it.*Sorry/s, 'a table that is refused as a whole');
control(op => 'clear_faults');

done_testing();
