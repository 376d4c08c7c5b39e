# One account, many backends: nobody is refused, each gets its share, whatever ends gives back what it had
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $node = new_server('governor', conf => "shared_preload_libraries = 'netsuite_fdw'\nrestart_after_crash = on\nlog_statement = none\n");
my $p = 'postgres';
$node->safe_psql($p, q{ALTER SERVER ns OPTIONS (ADD max_concurrency '5', ADD page_size '500', ADD timezone 'UTC')});
my $lines = 'SELECT count(*), count(DISTINCT uniquekey) FROM (SELECT uniquekey FROM netsuite.transactionline OFFSET 0) x';
my $all = $node->safe_psql($p, $lines);

# a session at work; what it said, answers and errors
sub start { return start_session($node, $_[0]); }
sub ended { return join('', session_ended($_[0])); }
sub slots { return $node->safe_psql($p, q{SELECT slots_in_use FROM netsuite_stats() WHERE server = 'ns' AND day = (now() AT TIME ZONE 'UTC')::date}); }
sub refused { return scalar grep { ($_->{status} // 0) == 429 } @{ control(op => 'log')->{requests} }; }
sub calm { fresh_log(); control(op => 'switch', name => 'concurrency_limit', value => 5); control(op => 'latency', seconds => $_[0]); return; }

for my $backends (2, 4, 8)
{
	calm(0.05);
	my @sessions = map { start($lines) } 1 .. $backends;
	is(join('', map { ended($_) } @sessions), "$all\n" x $backends, "$backends backends: right answers");
	my $log = control(op => 'log');
	is(refused(), 0, 'nobody was refused');
	is($log->{peak}, 5, 'and all five were busy');
	is(slots(), '0', 'and all are free again');
}

# two servers, one account: one limit
$node->safe_psql($p, qq{
	CREATE SERVER other FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', max_concurrency '5', page_size '500', timezone 'UTC');
	CREATE FOREIGN TABLE other_line (uniquekey bigint, memo text) SERVER other OPTIONS ("table" 'transactionline', key 'uniquekey')});
create_mapping($node, 'CURRENT_USER', 'other');
calm(0.05);
my @sessions = (start($lines), start('SELECT count(*), count(DISTINCT uniquekey) FROM (SELECT uniquekey FROM other_line OFFSET 0) x'));
is(join('', map { ended($_) } @sessions), "$all\n$all\n", 'two servers of one account: right answers');
is(refused(), 0, 'and no refusal');

# a server with a smaller limit has its turn while one with a larger limit has much to ask
$node->safe_psql($p, qq{
	CREATE SERVER narrow FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', max_concurrency '1', page_size '500', timezone 'UTC');
	CREATE FOREIGN TABLE narrow_currency (id bigint, name text) SERVER narrow OPTIONS ("table" 'currency', key 'id')});
create_mapping($node, 'CURRENT_USER', 'narrow');
calm(0.3);
my @wide = map { start($lines) } 1 .. 4;
poll_until($node, $p, q{SELECT bool_or(slots_in_use = 5) FROM netsuite_stats()});
like(ended(start('SELECT count(*) FROM (SELECT id FROM narrow_currency OFFSET 0) x')), qr/^[1-9]/, 'a server with one slot reads');
cmp_ok(slots(), '>', 1, 'while another has five at work');
control(op => 'latency', seconds => 0.05);
is(join('', map { ended($_) } @wide), "$all\n" x 4, 'which reads on');
is(refused(), 0, 'and no refusal');
calm(0.05);
@wide = map { start($lines) } 1 .. 3;
my @narrow = map { start('SELECT count(*) FROM (SELECT uniquekey FROM other_line OFFSET 0) x, narrow_currency') } 1 .. 3;
ended($_) for @wide, @narrow;
is(refused(), 0, 'all together keep to the account');

# both in one query, in one session, one beside a cursor that is open: no one waits for itself
calm(0.02);
is(ended(start('SET enable_hashjoin = off; SET enable_nestloop = off; SELECT count(*) FROM (SELECT uniquekey FROM netsuite.transactionline OFFSET 0) a JOIN (SELECT uniquekey FROM other_line OFFSET 0) b USING (uniquekey)')), ($all =~ s/\|.*//r) . "\n", 'joined in one backend');
is(ended(start('BEGIN; DECLARE c CURSOR FOR SELECT uniquekey FROM netsuite.transactionline OFFSET 0; MOVE 700 FROM c; SELECT count(*) FROM (SELECT uniquekey FROM other_line OFFSET 0) x; MOVE ALL FROM c; COMMIT')), ($all =~ s/\|.*//r) . "\n", 'beside an open cursor');
is(refused(), 0, 'and no refusal');

# an open cursor whose client is away does not hold up the others
calm(0.05);
my $idle = $node->background_psql($p);
$idle->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT uniquekey FROM netsuite.transactionline OFFSET 0; MOVE 700 FROM c');
cmp_ok(slots(), '>', 1, 'an open cursor has slots');
my $began = time();
is(ended(start("SELECT 1; $lines")), "1\n$all\n", 'another backend reads all rows');
in_time(time() - $began, 20, 'before long');
is($idle->query_safe('MOVE ALL FROM c; COMMIT; SELECT 7'), '7', 'and the cursor goes on');
$idle->quit;
is(slots(), '0', 'all are free again');

# cancelled, terminated, killed: the slots are free
for my $way ('pg_cancel_backend', 'pg_terminate_backend', 'kill')
{
	calm(0.3);
	my $victim = start("SELECT 'victim', count(*) FROM (SELECT * FROM netsuite.transactionline OFFSET 0) x");
	poll_until($node, $p, q{SELECT bool_or(slots_in_use = 5) FROM netsuite_stats()});
	my $pid = $node->safe_psql($p, q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT ''victim''%'});
	if ($way eq 'kill') { kill 'KILL', $pid }
	else { $node->safe_psql($p, "SELECT $way($pid)") }
	eval { ended($victim) };
	sleep(0.7);
	calm(0);
	poll_until($node, $p, 'SELECT true');
	is(sql_or_nothing($node, $lines), $all, "$way: others read on");
	is(slots(), '0', 'and nothing is left behind');
}

# he who waits for a slot can be cancelled at once
calm(1.5);
my $busy = start($lines);
poll_until($node, $p, q{SELECT bool_or(slots_in_use = 5) FROM netsuite_stats()});
$began = time();
like(ended(start("SET statement_timeout = '300ms'; SELECT count(*) FROM (SELECT id FROM netsuite.currency OFFSET 0) x")), qr/statement timeout/, 'in line: cancelled');
in_time(time() - $began, 0.8, 'at once');
control(op => 'latency', seconds => 0);
ended($busy);

# an account that takes less than it seems: one refusal teaches all
calm(0.05);
control(op => 'switch', name => 'concurrency_limit', value => 2);
@sessions = map { start($lines) } 1 .. 6;
is(join('', map { ended($_) } @sessions), "$all\n" x 6, 'six backends of an account of two: right answers');
cmp_ok(refused(), '<', 0.1 * scalar(@{ control(op => 'log')->{requests} }), 'few refusals');
$node->safe_psql($p, 'ALTER SERVER ns OPTIONS (ADD max_retries \'9\')');
$node->restart;	# what was learnt of this account is not true of the next ones

# a burst of refusals that has passed is made good: what is believed after each step is checked by itself,
# here that a scan amid the burst is right and that the following ones bring all back
unit_test('allowance_test', '../netsuite_fdw/allowance.c');
sub may_have { return $node->safe_psql($p, q{SELECT slots FROM netsuite_stats() WHERE server = 'ns' AND slots IS NOT NULL}); }
calm(0.02);
control(op => 'fault', kind => '429', count => 6, match => 'suiteql', after => 1);
is(ended(start($lines)), "$all\n", 'a burst of refusals: right answers');
my $scans = 0;
while (may_have() < 5 && $scans++ < 5) { is(ended(start($lines)), "$all\n", 'another scan'); }
is(may_have(), '5', 'and all slots are back');

# one login for all backends of a mapping
$node->safe_psql($p, qq{
	CREATE SERVER oauth FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', max_concurrency '5', timezone 'UTC');
	CREATE USER MAPPING FOR CURRENT_USER SERVER oauth OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file '$ENV{NS_STATE}/client_ec.pem');
	CREATE ROLE alone; GRANT USAGE ON FOREIGN SERVER oauth TO alone;
	CREATE USER MAPPING FOR alone SERVER oauth OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file '$ENV{NS_STATE}/client_ec.pem');
	CREATE FOREIGN TABLE terms (id bigint, name text) SERVER oauth OPTIONS ("table" 'term', key 'id'); GRANT SELECT ON terms TO alone});
sub logins { return scalar grep { $_->{path} =~ /token/ } @{ control(op => 'log')->{requests} }; }
my $terms = 'SELECT count(*) FROM (SELECT id FROM terms OFFSET 0) x';
calm(0.1);
@sessions = map { start($terms) } 1 .. 30;
is(join('', map { ended($_) } @sessions), "4\n" x 30, 'thirty backends');
is(logins(), 1, 'one login');
is(refused(), 0, 'no refusal');
control(op => 'expire_tokens');
@sessions = map { start($terms) } 1 .. 10;
is(join('', map { ended($_) } @sessions), "4\n" x 10, 'the token is refused');
is(logins(), 2, 'one of them gets another');
is(ended(start("SET ROLE alone; $terms")), "4\n", 'a mapping of its own');
is(logins(), 3, 'has a token of its own');
calm(0);
$node->safe_psql($p, q{ALTER USER MAPPING FOR CURRENT_USER SERVER oauth OPTIONS (SET certificate_id 'no-such-certificate')});
like(ended(start($terms)), qr/28000|obtain an access token/, 'with other credentials nobody goes on with the old token');
$node->safe_psql($p, qq{ALTER USER MAPPING FOR CURRENT_USER SERVER oauth OPTIONS (SET certificate_id 'sandbox-rsa-certificate', SET private_key_file '$ENV{NS_STATE}/client_rsa.pem')});
is(ended(start($terms)), "4\n", 'with good ones there is a new one');
is(logins(), 2, 'by a login');

# counts: what the other side saw
$node->restart;
calm(0.02);
control(op => 'fault', kind => '429', count => 3, match => 'suiteql');
control(op => 'fault', kind => '503', count => 2, match => 'suiteql', after => 5);
@sessions = map { start($lines) } 1 .. 3;
ended($_) for @sessions;
my @seen = grep { $_->{path} !~ /control/ } @{ control(op => 'log')->{requests} };
is($node->safe_psql($p, q{SELECT requests, retries, refusals, bytes > 10000, waited_seconds > 0, slots_in_use, slots IS NOT NULL FROM netsuite_stats() WHERE server = 'ns'}),
	scalar(@seen) . '|5|3|t|t|0|t', 'netsuite_stats() counts what NetSuite saw');
is($node->safe_psql($p, q{SELECT day = (now() AT TIME ZONE 'UTC')::date FROM netsuite_stats() WHERE server = 'ns'}), 't', 'today');
$node->safe_psql($p, q{CREATE ROLE nobody; CREATE ROLE reader; GRANT USAGE ON FOREIGN SERVER ns TO reader});
is($node->safe_psql($p, q{SET ROLE nobody; SELECT count(*) FROM netsuite_stats()}), '0', 'not for who may not use the server');
is($node->safe_psql($p, q{SET ROLE reader; SELECT string_agg(server, ',') FROM netsuite_stats()}), 'ns', 'for who may');
$node->safe_psql($p, 'CREATE DATABASE second');
is($node->safe_psql('second', 'CREATE EXTENSION netsuite_fdw; SELECT count(*) FROM netsuite_stats()'), '0', 'each database sees its own servers');
$node->safe_psql($p, 'DROP SERVER ns CASCADE');
is($node->safe_psql($p, 'SELECT count(*) FROM netsuite_stats()'), '0', 'a server that is dropped is gone');

# without preloading each backend is alone, and says so
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
my ($code, $out, $err) = $node->psql($p, 'SELECT * FROM netsuite_stats()', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  55000:.*HINT:  Add netsuite_fdw to shared_preload_libraries/s, 'without preloading nothing is counted for all');
is(ended(start($terms)), "4\n", 'and all the rest works');
fresh_log();
$node->stop;
done_testing();
