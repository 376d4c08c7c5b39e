# What the tests of ingest_api share: requests as the gateway asks them, by SQL.
package Api;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use JSON::PP;
use Session;

our @EXPORT = qw(quoted credential serve_arguments serve_call serve_with decoded);

sub quoted { return defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'NULL'; }

# as the gateway says it: the token itself never reaches the database
sub credential { my ($token) = @_; return defined $token ? 'token ' . substr($token, 0, 12) . ' ' . sha256_hex($token) : undef; }

# serve_arguments(token, method, path with query, headers, body): what the call takes, for a statement; a body is text, or a reference to a bytea as it is written
sub serve_arguments
{
	my ($token, $method, $path, $headers, $body) = @_;
	my ($at, $query) = split /\?/, $path, 2;
	return join(', ', (map { quoted($_) } credential($token), $method, $at, $query, encode_json($headers // {})), ref $body ? quoted($$body) : defined $body ? 'convert_to(' . quoted($body) . ", 'UTF8')" : 'NULL');
}
sub serve_call { return 'ingest_api.serve(' . serve_arguments(@_) . ')'; }

# serve_with(node, token, method, path, headers, body): status, headers, body; status 0 and the error where there is no answer
sub serve_with
{
	my ($node, @request) = @_;
	my ($out, $err) = session_of($node, 'SET SESSION AUTHORIZATION ingest_authenticator')->ask('SELECT row_to_json(s) FROM ' . serve_call(@request) . ' s');
	return (0, {}, $err) if !defined $out || $out eq '';
	my $row = decode_json($out);
	return ($row->{status}, $row->{headers}, $row->{body});
}

# a body, which is text already
sub decoded { return JSON::PP->new->decode($_[0]); }

1;
