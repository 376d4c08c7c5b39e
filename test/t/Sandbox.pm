# What the TAP tests share: a sandbox for each file, servers with the extensions, waiting that fails when it is in vain.
package Sandbox;
use strict;
use warnings;
use Carp;
use Exporter 'import';
use File::Basename;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Psql;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_sandbox control new_server new_engine create_mapping %oauth2 %tba fresh_log differences history_replayed sql_or_nothing poll_until kill_backend start_session session_ended unit_test);

# The login that new integrations have; TBA is for those that have it already
our %oauth2 = (
	client_id => 'sandbox-client-id',
	certificate_id => 'sandbox-ec-certificate');    # and its key, once there is a sandbox
our %tba = (
	consumer_key => 'sandbox-consumer-key',
	consumer_secret => 'sandbox-consumer-secret',
	token_id => 'sandbox-token-id',
	token_secret => 'sandbox-token-secret');

# -- the sandbox: one for each file, with data of its own --

my ($sandbox, $dsn);

# start_sandbox(options of netsuite-sandbox): by itself at the first use, without any.  NS_URL, NS_CA, NS_STATE and
# NS_CONTROL are its then; PERSONALITY says which account it plays.
sub start_sandbox
{
	my @options = @_;
	croak 'a sandbox needs what test/tap.sh provides' unless $ENV{NS_STORE} && $ENV{NS_SANDBOX};
	croak 'this file has its sandbox already' if $sandbox;
	my $folder = PostgreSQL::Test::Utils::tempdir('sandbox');
	my $ready = "$folder/ready.json";
	my $log = "$PostgreSQL::Test::Utils::log_path/" . basename($0, '.pl') . '_sandbox.log';
	$dsn = "$ENV{NS_STORE} dbname=tap_" . basename($0, '.pl') . "_$$";
	$sandbox = IPC::Run::start([ '/usr/bin/python3', $ENV{NS_SANDBOX}, '--dsn', $dsn, '--copy', '--state', $folder, '--ready', $ready, '--port', '0', '--control', '--control-port', '0', ($ENV{PERSONALITY} ? ('--personality', $ENV{PERSONALITY}) : ()), @options ],
		'<', '/dev/null', '>', $log, '2>&1');
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (-e $ready)
	{
		die 'the sandbox did not start: ' . slurp_file($log) if !$sandbox->pumpable;
		die "the sandbox was not ready within $PostgreSQL::Test::Utils::timeout_default s: " . slurp_file($log) if time() > $until;
		sleep(0.05);
	}
	my $facts = decode_json(slurp_file($ready));
	@ENV{qw(NS_URL NS_CA NS_STATE NS_CONTROL NS_OPTIONS NS_MAPPING)} = @$facts{qw(url ca_file state control_url server_options mapping_options)};
	$oauth2{private_key_file} = "$ENV{NS_STATE}/client_ec.pem";
	return;
}

END
{
	my $code = $?;
	if ($sandbox)
	{
		$sandbox->kill_kill;
		my ($name) = $dsn =~ /dbname=(.*)/;
		IPC::Run::run([ 'psql', '-XAtq', '-d', "$ENV{NS_STORE} dbname=postgres", '-c', "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" ], '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
	}
	$? = $code;
}

# -- events: whatever a server wrote is kept before it stops, to be held against its schema (test/suites.sh) --

sub keep_events
{
	my ($node) = @_;
	my $sql = q{SELECT jsonb_build_object('type', e.type, 'schema', t.schema, 'data', e.data, 'file', %s) FROM (SELECT type, data, row_number() OVER (PARTITION BY type ORDER BY id DESC) AS n FROM ingest.event) e JOIN ingest.event_type t USING (type) WHERE n <= 1000};
	my $file = basename($0);
	for my $database (split /\n/, sql_or_nothing($node, 'SELECT datname FROM pg_database WHERE datallowconn AND datname !~ $$^template$$') // '')
	{
		next unless (sql_or_nothing($node, q{SELECT 1 WHERE to_regclass('ingest.event_type') IS NOT NULL}, $database) // '') eq '1';
		my $events = sql_or_nothing($node, sprintf($sql, "'$file'::text"), $database);
		next unless $events;
		open my $out, '>>', "$ENV{PG_INGEST_EVENTS}/$file.$$" or next;
		print $out "$events\n";
		close $out;
	}
	return;
}

if ($ENV{PG_INGEST_EVENTS})
{
	no warnings 'redefine';
	my $stop = \&PostgreSQL::Test::Cluster::stop;
	*PostgreSQL::Test::Cluster::stop = sub { keep_events($_[0]) if defined $_[0]->{_pid}; goto &$stop; };
}

# control(op => 'fault', kind => '500', ...)
sub control
{
	my %op = @_;
	start_sandbox() unless $sandbox;
	my $reply = HTTP::Tiny->new(proxy => undef, http_proxy => undef)->post($ENV{NS_CONTROL}, { content => encode_json(\%op) });
	die "control: $reply->{content}" unless $reply->{success};
	return decode_json($reply->{content})->{result};
}

# without faults, switches and a log of requests; what was done to the data stays
sub fresh_log
{
	control(op => 'reset');
	return;
}

# -- waiting --

# A query's rows, or nothing if it fails or there is no server: by an argument, since a psql that is refused reads no input
sub sql_or_nothing
{
	my ($node, $sql, $database) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGCONNECT_TIMEOUT} = 10;
	return Psql::one($node, $database // 'postgres', $sql, 60) if Psql::is_one($sql =~ s/;\s*\z//r);
	my $done = eval { IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database // 'postgres'), '-c', $sql ], '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(60)) };
	chomp $out;
	return $done ? $out : undef;
}

# unit_test(name, source ...): build and run test/unit/name.c with some of the product's files; its checks become ours
sub unit_test
{
	my ($name, @sources) = @_;
	my $include = qx(pg_config --includedir-server);
	chomp $include;
	mkdir $ENV{TESTDIR};
	PostgreSQL::Test::Utils::system_or_bail('gcc', '-w', '-I..', "-I$include", '-o', "$ENV{TESTDIR}/$name", "unit/$name.c", @sources);
	my ($told) = PostgreSQL::Test::Utils::run_command(["$ENV{TESTDIR}/$name"]);
	my ($planned) = $told =~ /^1\.\.(\d+)$/m;
	my @checks = $told =~ /^((?:not )?ok .*)$/mg;
	Test::More::is(scalar @checks, $planned, "$name ran to its end");
	Test::More::unlike($_, qr/^not/, $_) for @checks;
	return;
}

# start_session(node, sql [, database]): a psql at work beside the test
sub start_session
{
	my ($node, $sql, $database) = @_;
	my ($out, $err) = ('', '');
	return [ IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database // 'postgres'), '-c', $sql ], '<', '/dev/null', '>', \$out, '2>', \$err), \$out, \$err ];
}

# session_ended(session): when it has ended, its answers and its errors
sub session_ended
{
	my ($session) = @_;
	$session->[0]->finish;
	return (${ $session->[1] }, ${ $session->[2] });
}

# poll_until(node, database, query [, rows [, show]]): until the query gives t, or these rows.  Dies if it never does,
# with what the query "show" gives.
sub poll_until
{
	my ($node, $database, $query, $expected, $show) = @_;
	$expected //= 't';
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	my ($last, $session);
	my $one = Psql::is_one($query =~ s/;\s*\z//r);
	do
	{
		# one session for as long as it lives and answers: a new one for each question costs more than what is waited for
		$session //= Psql::session($node, $database) if $one;
		($last, my $said) = $one ? $session->ask($query, 60) : (sql_or_nothing($node, $query, $database), '');
		undef $session if !defined $last || $said ne '';
		return 1 if defined $last && $last eq $expected;
		sleep(0.1);
	} while (time() < $until);
	croak "waited in vain until $expected is the answer to: $query\nthe last one: " . ($last // 'none') . ($show ? "\n$show: " . (sql_or_nothing($node, $show, $database) // 'no answer') : '');
}

# kill_backend(node, pid): -9 to a process of the server, which begins anew by that.  When it has: for a moment after the
# kill it still takes connections.
sub kill_backend
{
	my ($node, $pid) = @_;
	my $begun = sub { my $log = slurp_file($node->logfile); return scalar(() = $log =~ /all server processes terminated; reinitializing$/mg); };
	my $before = $begun->();
	# one that had just ended by itself takes nobody along
	my $until = time() + 60;
	if (kill 'KILL', $pid)
	{
		sleep(0.05) until $begun->() > $before || time() > $until;
	}
	return poll_until($node, 'postgres', 'SELECT true');
}

# -- servers --

sub create_mapping
{
	my ($node, $user, $server, %login) = @_;
	%login = %oauth2 unless %login;
	# what the sandbox's personality accepts, if it has another one than the usual
	my $login = $ENV{PERSONALITY} ? $ENV{NS_MAPPING} : join(', ', map { "$_ '$login{$_}'" } sort keys %login);
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR $user SERVER $server OPTIONS ($login)");
	return;
}

# A started node with server ns, and the sandbox's main tables in schema netsuite.  Options: conf, preload, and
# sandbox, the sandbox's own
sub new_server
{
	my ($name, %option) = @_;
	start_sandbox(@{ $option{sandbox} // [] }) unless $sandbox;
	my $node = PostgreSQL::Test::Cluster->new($name);
	local $ENV{LD_PRELOAD} = $option{preload} if $option{preload};
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\n" . ($option{conf} // ''));
	$node->start;
	control(op => 'reset');
	my $options = $ENV{NS_OPTIONS} // '';
	$node->safe_psql('postgres', qq{
		CREATE EXTENSION netsuite_fdw;
		CREATE SERVER ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}'$options);
		CREATE SCHEMA netsuite; });
	create_mapping($node, 'CURRENT_USER', 'ns');
	$node->safe_psql('postgres', 'IMPORT FOREIGN SCHEMA suiteql LIMIT TO (transaction, transactionline, customer, currency, term, systemnote, deletedrecord) FROM SERVER ns INTO netsuite');
	return $node;
}

# A started node with the engine preloaded and source ns registered and crawled
sub new_engine
{
	my ($name, %option) = @_;
	my $node = new_server($name, %option,
		conf => "shared_preload_libraries = 'ingest'\nmax_worker_processes = 20\nrestart_after_crash = on\nlog_min_messages = log\n" . ($option{conf} // ''));
	my $tables = $option{tables} // 'customer,transaction,transactionline,currency,term,customrecord_asset';
	$node->safe_psql('postgres', "CREATE EXTENSION ingest CASCADE; CREATE SCHEMA copy; SELECT ingest.register_source('ns', 'ns', schema => 'erp', tables => '{$tables}')");
	$node->safe_psql('postgres', "CALL ingest.crawl('ns')");
	return $node;
}

# Rows that a copy and its source do not share
sub differences
{
	my ($node, $copy, $foreign) = @_;
	my $columns = $node->safe_psql('postgres', "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$foreign'::regclass AND attnum > 0 AND NOT attisdropped");
	return $node->safe_psql('postgres', "WITH a AS MATERIALIZED (SELECT $columns FROM $copy), b AS MATERIALIZED (SELECT $columns FROM $foreign) "
		  . 'SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) x');
}

# Keys whose last version in the history is not the row of the copy, versions that do not follow from the one before
sub history_replayed
{
	my ($node, $copy, $sync, $key) = @_;
	return $node->safe_psql('postgres', qq{
		WITH c AS (SELECT * FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = '$sync')),
		last AS (SELECT DISTINCT ON (key) key, after FROM c ORDER BY key, seq DESC)
		SELECT (SELECT count(*) FROM $copy t FULL JOIN (SELECT * FROM last WHERE after IS NOT NULL) l ON l.key = jsonb_build_object('$key', t.$key) WHERE to_jsonb(t) IS DISTINCT FROM l.after)
			|| ' ' || (SELECT count(*) FROM (SELECT before, operation, lag(after) OVER w AS previous, lag(operation) OVER w AS was FROM c WINDOW w AS (PARTITION BY key ORDER BY seq)) x
				WHERE before IS DISTINCT FROM previous)});
}

1;
