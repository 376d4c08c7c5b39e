# Hashes of values that differ in little collide as often as chance has it: families by sign, scale, shift, neighbours,
# prefixes and places, 2 * 10^8 pairs each; with HASHES=all 4 * 10^12 (half a minute, 50 MB)
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

my $include = qx($ENV{PG_CONFIG} --includedir-server);
chomp $include;
my $unit = "$ENV{TESTDIR}/hash_test";
mkdir $ENV{TESTDIR};
system_or_bail('gcc', '-w', '-O2', '-D_GNU_SOURCE', '-I..', "-I$include", '-o', $unit, 'unit/hash_test.c', map({ "../ingest_profile/$_.c" } qw(moments pattern bytes)), '-lm');
my ($told) = run_command([ $unit, ($ENV{HASHES} // '') eq 'all' ? 3000000 : 20000 ]);
my @families = $told =~ /^((?:not )?ok .*)$/mg;
cmp_ok(scalar @families, '>=', 29, 'families of values');
unlike($_, qr/^not/, $_) for @families;
done_testing();
