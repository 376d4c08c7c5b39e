# A name server that says nothing, while a sink of kind kafka asks it for its brokers: no other sink waits, what is wrong is
# said, and the server stops at once
#
# The helper has no environment.  So that it meets delivery/shim.c it lies in a copy of the server, with a script in its place
# that begins it with that.
use strict;
use warnings;
use Delivery;
use JSON::PP;
use Kafka;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $missing = has_kafka();
plan skip_all => $missing if $missing;

my $p = 'postgres';
my $folder = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::system_or_bail('gcc', '-w', '-O1', '-fPIC', '-shared', '-o', "$folder/shim.so", 'delivery/shim.c');
my ($bin) = run_command([ 'pg_config', '--bindir' ]);
my ($lib) = run_command([ 'pg_config', '--pkglibdir' ]);
my ($share) = run_command([ 'pg_config', '--sharedir' ]);
my $root = $bin;
$root =~ s{/[^/]+$}{} until index($lib, "$root/") == 0 && index($share, "$root/") == 0;
for my $dir ($bin, $lib, $share)
{
	my $to = "$folder/server" . substr $dir, length $root;
	next if -d $to;
	PostgreSQL::Test::Utils::system_or_bail('mkdir', '-p', $to);
	PostgreSQL::Test::Utils::system_or_bail('cp', '-r', "$dir/.", $to);
}
my $program = "$folder/server" . substr("$lib/ingest_kafka", length $root);
mkdir "$folder/real" or die $!;
PostgreSQL::Test::Utils::system_or_bail('cp', $program, "$folder/real/ingest_kafka");
unlink $program;
append_to_file($program, "#!/bin/sh\nLD_PRELOAD=$folder/shim.so exec $folder/real/ingest_kafka\n");
chmod 0755, $program;

my $node = new_delivery('primary', new => { install_path => "$folder/server" . substr($bin, length $root) =~ s{/bin$}{}r });
my $broker = start_broker(2);
start_receiver();
sub sql { return $node->safe_psql($p, $_[0]); }
sub kafka
{
	my ($name, $servers, %more) = @_;
	my $options = encode_json({ 'bootstrap.servers' => $servers, topic => $name, 'security.protocol' => 'PLAINTEXT', timeout => 3, %more });
	return sql("SELECT ingest_delivery.create_sink('$name', 'kafka', '$options', types => '{si.*}')");
}

start_kcat('here', $broker);
kafka('here', $broker);
sql(qq{SELECT ingest_delivery.create_sink('web', 'webhook', '{"url": "$url/web", "secret": "mapping:ingest_secrets/now"}', types => '{si.*}')});
kafka('silent', 'silent.example.com:9092');
kafka('silent too', 'silent-2.example.com:9092', topic => 'silent');
my $since = time();
sql(q{SELECT ingest.emit('si.x', 's' || i % 5, jsonb_build_object('n', i)) FROM generate_series(1, 100) i});
is(scalar(consumed('here', 100, 60)), 100, 'a sink whose brokers answer');
my $until = time() + 60;
sleep(0.1) until 100 <= grep({ defined $_->{id} } received('/web')) || time() > $until;
is(scalar(grep { defined $_->{id} } received('/web')), 100, 'and one that needs none');
in_time(time() - $since, 15, sprintf('do not wait for who asks a name server in vain: %.1f s', time() - $since));
poll_until($node, $p, q{SELECT string_agg(breaker || ' ' || failures::text, ',') ~ '^open \d+,open \d+$' AND bool_and(last_error ~ '^no broker''s name could be resolved within [0-9]+ s: the name server does not answer') FROM ingest_delivery.sink_status WHERE sink LIKE 'silent%'},
	't', q{SELECT string_agg(concat_ws(' ', sink, breaker, last_error), '; ') FROM ingest_delivery.sink_status});
note(sql(q{SELECT string_agg(last_error, '; ') FROM ingest_delivery.sink_status WHERE sink LIKE 'silent%'}));
pass('they fail, and say that the name server does not answer');
is(sql(q{SELECT string_agg(behind::text, ',' ORDER BY sink) FROM ingest_delivery.sink_status WHERE sink LIKE 'silent%'}), '100,100', 'their events are kept');

# again and again: what is left of producers that wait for a name does not pile up without end
my ($worker) = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'});
sql(qq{SELECT ingest_delivery.alter_sink('silent', options => '{"timeout": $_}')}), sleep(1.5) for 1 .. 5;
is(scalar(helpers($worker)), 1, 'it is one helper still');
sql(q{SELECT ingest.emit('si.x', 's', '{}')});
is(scalar(consumed('here', 101, 60)), 101, 'which sends');
sql(q{SELECT ingest_delivery.drop_sink('silent too')});
$since = time();
$node->stop('fast');
in_time(time() - $since, 2, sprintf('and the server stops at once: %.2f s', time() - $since));
for (1 .. 100) { last unless helpers($worker); sleep(0.1); }
is(scalar(helpers($worker)), 0, 'with its helper');
$node->start;
start_kcat('silent', $broker);
sql(qq{SELECT ingest_delivery.alter_sink('silent', options => '{"bootstrap.servers": "$broker", "timeout": 15}')});
is(scalar(consumed('silent', 101, 60)), 101, 'where a name leads somewhere again all arrive');
$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP|terminated by signal|PANIC/, 'nothing crashed');
done_testing();
