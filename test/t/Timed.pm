# What took how long: a measure of the server only where nothing else is at work.  Where one of these alone fails
# while all tests run at once, the file is run again by itself at the end, and that counts (suites.sh).
package Timed;
use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(in_time);

# in_time(took, most, what): both of one unit
sub in_time
{
	my ($took, $most, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return cmp_ok($took, '<=', $most, "$what [timed]");
}

1;
