# Changed options reach open sessions; credentials stay with their users and out of every output
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('sessions', conf => "log_min_messages = debug5\nlog_error_verbosity = verbose\nlog_min_duration_statement = -1\nlog_statement = none\n");
# token-based authentication here, OAuth 2.0 for alice
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ns');
create_mapping($node, 'CURRENT_USER', 'ns', %tba);
my $one = $node->background_psql('postgres', on_error_stop => 0);
is($one->query('SELECT count(*) FROM netsuite.currency'), '6', 'a session at work');

# ALTER USER MAPPING
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'wrong-secret-1')});
$one->query('SELECT count(*) FROM netsuite.currency');
like($one->{stderr}, qr/answered 401/, 'a changed mapping takes effect in an open session');
$one->{stderr} = '';
$node->safe_psql('postgres', q{ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'sandbox-token-secret')});
is($one->query('SELECT count(*) FROM netsuite.currency'), '6', 'and back');

# ALTER SERVER, also under a cursor that is being read
$one->query(q{BEGIN; DECLARE c CURSOR FOR SELECT id FROM netsuite.transactionline; });
$one->query('FETCH 1500 FROM c');
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (ADD page_size '10')});
is($one->query('MOVE 100000 FROM c') // '', '', 'an open cursor reads on');
$one->query('COMMIT');
fresh_log();
is($one->query('SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x'), '6', 'new queries have the new option');
like(control(op => 'log')->{requests}[0]{query}, qr/limit=10\b/, 'a page of ten');
$node->safe_psql('postgres', q{ALTER SERVER ns OPTIONS (DROP page_size, SET base_url 'https://127.0.0.1:1')});
$one->query('SELECT count(*) FROM netsuite.currency');
like($one->{stderr}, qr/no reply/, 'another address');
$one->{stderr} = '';
$node->safe_psql('postgres', "ALTER SERVER ns OPTIONS (SET base_url '$ENV{NS_URL}')");

# two users, two sets of credentials, one session: never shared
$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN;
	GRANT USAGE ON SCHEMA netsuite TO alice, bob, carol;
	GRANT SELECT ON ALL TABLES IN SCHEMA netsuite TO alice, bob, carol;
	GRANT USAGE ON FOREIGN SERVER ns TO alice, bob, carol;
	CREATE USER MAPPING FOR bob SERVER ns OPTIONS (consumer_key 'k', consumer_secret 'bobs-secret-2', token_id 't', token_secret 'bobs-secret-3');});
create_mapping($node, 'alice', 'ns');
is($one->query('SET ROLE alice; SELECT count(*) FROM netsuite.currency'), '6', 'alice may');
$one->query('SET ROLE bob; SELECT count(*) FROM netsuite.currency');
like($one->{stderr}, qr/answered 401/, 'bob is asked for his own credentials');
$one->{stderr} = '';
$one->query('SET ROLE carol; SELECT count(*) FROM netsuite.currency');
like($one->{stderr}, qr/user mapping not found/, 'carol has none');
$one->{stderr} = '';
# a view runs with its owner's credentials, as in PostgreSQL
$one->query('RESET ROLE; CREATE VIEW owned AS SELECT * FROM netsuite.currency; GRANT SELECT ON owned TO carol');
is($one->query('SET ROLE carol; SELECT count(*) FROM owned; RESET ROLE'), '6', 'a view asks as its owner');
is($node->safe_psql('postgres', q{SET ROLE carol; SELECT count(*) FROM pg_user_mappings WHERE umoptions IS NOT NULL}), '0', 'mappings of others are hidden');

# a mapping of one's own goes before PUBLIC's, and PUBLIC's comes back with its end: in open sessions, for all they have open
$node->safe_psql('postgres', q{
	CREATE ROLE dora LOGIN; GRANT USAGE ON SCHEMA netsuite TO dora; GRANT SELECT ON ALL TABLES IN SCHEMA netsuite TO dora; GRANT USAGE ON FOREIGN SERVER ns TO dora});
create_mapping($node, 'PUBLIC', 'ns', %tba);
my $dora = $node->background_psql('postgres', on_error_stop => 0);
$dora->query('SET ROLE dora; PREPARE read AS SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x');
my $wrong = q{OPTIONS (consumer_key 'k', consumer_secret 'doras-secret-4', token_id 't', token_secret 'doras-secret-5')};
my @steps = (
	[ 'SELECT 1', qr/^6$/, "with PUBLIC's" ],
	[ "CREATE USER MAPPING FOR dora SERVER ns $wrong", qr/answered 401/, 'with one of her own' ],
	[ 'DROP USER MAPPING FOR dora SERVER ns', qr/^6$/, "with PUBLIC's again" ],
	[ q{CREATE USER MAPPING FOR alice2 SERVER ns OPTIONS (consumer_key 'k', consumer_secret 'other', token_id 't', token_secret 'other')}, qr/^6$/, "whatever others have" ],
	[ q{ALTER USER MAPPING FOR PUBLIC SERVER ns OPTIONS (SET token_secret 'wrong-secret-6')}, qr/answered 401/, "with PUBLIC's as it is now" ],
	[ 'DROP USER MAPPING FOR PUBLIC SERVER ns', qr/user mapping not found/, 'with none' ],
	[ 'SELECT 2', qr/user mapping not found/, 'with none' ]);
$node->safe_psql('postgres', 'CREATE ROLE alice2');
for my $step (@steps)
{
	$node->safe_psql('postgres', $step->[0]);
	for my $how ('SELECT count(*) FROM netsuite.currency', 'EXECUTE read')
	{
		$dora->{stderr} = '';
		my $out = $dora->query($how);
		like($out . $dora->{stderr}, $step->[1], "dora reads $step->[2]");
	}
}
$dora->quit;

# prepared statements survive changes of the server and the table
$one->query('PREPARE p AS SELECT count(*) FROM (SELECT * FROM netsuite.currency OFFSET 0) x');
is($one->query('EXECUTE p'), '6', 'a prepared statement');
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE netsuite.currency OPTIONS (SET "table" 'term')});
is($one->query('SELECT count(*) FROM (SELECT id FROM netsuite.currency OFFSET 0) x'), '4', 'an altered table');
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE netsuite.currency OPTIONS (SET "table" 'currency')});
is($one->query('EXECUTE p'), '6', 'planned anew');

# secrets in files that cannot be read to their end at once, or hold none, and keys that NetSuite does not take: said before anything is sent
my $folder = PostgreSQL::Test::Utils::tempdir();
mkdir "$folder/folder";
system_or_bail('mkfifo', "$folder/pipe");
append_to_file("$folder/nothing", "\n");
append_to_file("$folder/zero", "a\0b");
append_to_file("$folder/large", 'x' x 65537);
$node->safe_psql('postgres', qq{
	CREATE ROLE filer; GRANT USAGE ON FOREIGN SERVER ns TO filer;
	CREATE USER MAPPING FOR filer SERVER ns OPTIONS (consumer_key 'k', consumer_secret 's', token_id 't', token_secret 'file:$folder/none')});
my %refusal = (folder => 'is not a regular file', pipe => 'is not a regular file', nothing => 'is empty', zero => 'holds a zero byte', large => 'is larger than 65536 bytes', none => 'No such file');
for my $file (sort keys %refusal)
{
	$node->safe_psql('postgres', "ALTER USER MAPPING FOR filer SERVER ns OPTIONS (SET token_secret 'file:$folder/$file')");
	my ($code, $out, $err) = $node->psql('postgres', q{SET statement_timeout = '20s'; SET ROLE filer; SELECT netsuite_server_time('ns')}, timeout => 60);
	like($err // '', qr/ERROR: .*option "token_secret" refers to.*\Q$refusal{$file}\E/, "a secret in a file that is $file");
}
$node->safe_psql('postgres', 'DROP USER MAPPING FOR filer SERVER ns');
for my $curve (qw(SECP256K1 BrainpoolP256R1 BrainpoolP384R1 SECP224R1 SECP256R1 SECP384R1 SECP521R1))
{
	my $key = PostgreSQL::Test::Utils::tempdir() . '/key.pem';
	system_or_bail('/usr/bin/python3', '-c', 'import sys; from cryptography.hazmat.primitives.asymmetric import ec; from cryptography.hazmat.primitives import serialization as s; '
		. 'open(sys.argv[2], "wb").write(ec.generate_private_key(getattr(ec, sys.argv[1])()).private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))', $curve, $key);
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR filer SERVER ns OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file '$key')");
	my ($code, $out, $err) = $node->psql('postgres', q{SET ROLE filer; SELECT netsuite_server_time('ns')}, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	# the sandbox does not know the key, but was asked
	like($err, $curve =~ /^SECP(256|384|521)R1$/ ? qr/ERROR:  28000/ : qr/ERROR:  HV024: the private key of the user mapping is of a kind that NetSuite does not accept/, "a key on $curve");
	$node->safe_psql('postgres', 'DROP USER MAPPING FOR filer SERVER ns');
}

# DROP SERVER
$node->safe_psql('postgres', 'DROP SERVER ns CASCADE');
$one->query('EXECUTE p');
like($one->{stderr}, qr/does not exist/, 'a dropped server is gone from open sessions');
$one->quit;

# nothing of all this left a secret in the log
my $log = slurp_file($node->logfile);
$log =~ s/^.*STATEMENT:.*$//mg;
$log =~ s/^.*\tNS_MAPPING=.*$//mg;    # the postmaster's environment, which is the test's own
unlike($log, qr/sandbox-consumer-secret|sandbox-token-secret|wrong-secret-1|bobs-secret|doras-secret|wrong-secret-6/, 'no secret in the log at debug5');
unlike($log, qr/oauth_signature="|Bearer [A-Za-z0-9]/, 'no signature, no token');
$node->stop;
done_testing();
