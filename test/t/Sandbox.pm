# What the TAP tests share: a server with the extension, and the sandbox's control interface.
package Sandbox;
use strict;
use warnings;
use Exporter 'import';
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(control new_server new_engine create_mapping %tba fresh_log differences history_replayed);

our %tba = (
	consumer_key => 'sandbox-consumer-key',
	consumer_secret => 'sandbox-consumer-secret',
	token_id => 'sandbox-token-id',
	token_secret => 'sandbox-token-secret');

# control(op => 'fault', kind => '500', ...)
sub control
{
	my %op = @_;
	my $reply = HTTP::Tiny->new(proxy => undef, http_proxy => undef)->post($ENV{NS_CONTROL}, { content => encode_json(\%op) });
	die "control: $reply->{content}" unless $reply->{success};
	return decode_json($reply->{content})->{result};
}

sub fresh_log
{
	control(op => 'reset');
	return;
}

sub create_mapping
{
	my ($node, $user, $server) = @_;
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR $user SERVER $server OPTIONS ("
		  . join(', ', map { "$_ '$tba{$_}'" } sort keys %tba) . ')');
	return;
}

# A started node with server ns, and the sandbox's main tables in schema netsuite
sub new_server
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	local $ENV{LD_PRELOAD} = $option{preload} if $option{preload};
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\n" . ($option{conf} // ''));
	$node->start;
	control(op => 'reset');
	$node->safe_psql('postgres', qq{
		CREATE EXTENSION netsuite_fdw;
		CREATE SERVER ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}');
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
