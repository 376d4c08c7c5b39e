# Who may not drop, rename or copy a database stops nobody at work in it
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('way');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\ningest.discovery = 1\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE maker LOGIN CREATEDB; CREATE ROLE plain LOGIN; CREATE DATABASE theirs');
$node->safe_psql('theirs', 'CREATE EXTENSION ingest CASCADE');
my $scheduler = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = 'theirs'";
poll_until($node, 'postgres', "SELECT count(*) FROM ($scheduler) s", '1');
my $pid = $node->safe_psql('postgres', $scheduler);

for (
	[ maker => 'DROP DATABASE theirs' ], [ maker => 'DROP DATABASE theirs WITH (FORCE)' ], [ maker => 'ALTER DATABASE theirs RENAME TO mine' ],
	[ maker => 'CREATE DATABASE mine TEMPLATE theirs' ], [ plain => 'DROP DATABASE theirs' ], [ plain => 'ALTER DATABASE theirs RENAME TO mine' ],
	[ plain => 'CREATE DATABASE mine TEMPLATE theirs' ])
{
	my ($role, $statement) = @$_;
	my ($out, $err);
	isnt($node->psql('postgres', $statement, stderr => \$err, stdout => \$out, extra_params => [ '-U', $role ]), 0, "$role: $statement");
	like($err, qr/permission denied|must be owner/, 'is refused');
	is($node->safe_psql('postgres', $scheduler), $pid, 'and nobody was sent away');
}
$node->safe_psql('theirs', q{CREATE TABLE did (x int); CREATE ROLE worker LOGIN SUPERUSER; SET ROLE worker; SELECT ingest.create_job('j', 'sql', 'INSERT INTO did VALUES (1)'); SELECT ingest.enqueue('j')});
poll_until($node, 'theirs', 'SELECT count(*) FROM did', '1');
pass('jobs are done there');
is($node->psql('postgres', 'ALTER DATABASE theirs RENAME TO ours'), 0, 'who may rename it has it to themselves');
$node->stop;
done_testing();
