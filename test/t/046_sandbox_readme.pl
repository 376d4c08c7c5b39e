# What the sandbox's README tells a newcomer to do works, but for where the sandbox is
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('readme');
my ($sql) = slurp_file('sandbox/README.md') =~ /```sql\n(.*?)```/s;
is($sql =~ s{https://localhost:8443}{$ENV{NS_URL}}g, 1, 'an address');
is($sql =~ s{/tmp/netsuite-sandbox/}{$ENV{NS_STATE}/}g, 2, 'a folder');
my $shown = $node->safe_psql('postgres', $sql);
unlike($shown, qr/\|f\|/, 'no check fails');
like($shown, qr/^CustInvc\|\d+\|/m, 'there are invoices');
done_testing();
