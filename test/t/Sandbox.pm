# What the TAP tests share: a server with the extension, and the sandbox's control interface.
package Sandbox;
use strict;
use warnings;
use Exporter 'import';
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(control new_server create_mapping %tba fresh_log);

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
	$node->safe_psql('postgres', 'IMPORT FOREIGN SCHEMA suiteql LIMIT TO (transaction, transactionline, customer, currency, term, systemnote) FROM SERVER ns INTO netsuite');
	return $node;
}

1;
