# Databases of other encodings: what leaves is UTF-8, what comes is the database's, and what that cannot hold is named
use strict;
use warnings;
use utf8;
use Sandbox;
use Encode;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('encoding', conf => "log_statement = none\n");
my %text = (LATIN1 => 'Müßig & Ñandú', WIN1252 => 'Œuvre “à” 5 €', EUC_JP => '株式会社テスト', UTF8 => 'Żółć 株 ”€” 𝄞');
my $id = 7000000;

# a customer for each text, and one that says it without the letters
my %id = map { $_ => ++$id } sort keys %text;
control(op => 'insert', table => 'customer', row => { id => $id{$_}, entityid => "ENC$id{$_}", companyname => $text{$_}, lastmodifieddate => '2024-01-01 00:00:00' }) for sort keys %text;

sub ask
{
	my ($database, $sql) = @_;
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	my ($code, $out, $err) = $node->psql($database, encode_utf8($sql), extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return (decode_utf8($out), decode_utf8($err));
}
sub shown { my $t = $_[0]; return join(' ', map { sprintf '%x', ord } split //, $t); }

for my $encoding (sort keys %text)
{
	my $database = lc "in_$encoding";
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' TEMPLATE template0 LOCALE 'C'");
	$node->safe_psql($database, qq{
		CREATE EXTENSION netsuite_fdw;
		CREATE SERVER ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', timezone 'UTC', text_equality_exact 'on', text_like_exact 'on');
		CREATE USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (} . join(', ', map { "$_ '$tba{$_}'" } sort keys %tba) . ');');
	$node->safe_psql($database, 'IMPORT FOREIGN SCHEMA suiteql LIMIT TO (customer) FROM SERVER ns INTO public');
	my $text = $text{$encoding};
	my @conditions = (
		"companyname = '$text'", "id = $id{$encoding} AND companyname LIKE '" . substr($text, 0, -1) . "%'", "companyname IN ('x', '$text')",
		"companyname = ANY (ARRAY['$text', 'y'])", "companyname = (SELECT '$text'::text OFFSET 0)", "id = $id{$encoding} AND companyname || 'ü' = '$text' || 'ü'");
	@conditions = grep { !/ü/ } @conditions if $encoding eq 'EUC_JP';
	for my $condition (@conditions)
	{
		my ($out, $err) = ask($database, "SELECT id, companyname FROM customer WHERE $condition");
		is(shown($out), shown("$id{$encoding}|$text"), "$encoding: " . encode_utf8($condition)) or diag(encode_utf8($err));
	}
	# a text in a column of numbers is refused in words that this database can show
	$node->safe_psql($database, q{CREATE FOREIGN TABLE numbers (id bigint, companyname int) SERVER ns OPTIONS ("table" 'customer', key 'id')});
	my $message = (ask($database, "SELECT * FROM numbers WHERE id = $id{$encoding}"))[1];
	like($message, qr/ERROR:  22P02: invalid input syntax for type numeric: "\Q$text\E"/, "$encoding: an invalid number") or diag(encode_utf8($message));
	# the words went out as they are in UTF-8
	control(op => 'reset');
	ask($database, "SELECT companyname FROM customer WHERE companyname = '$text'");
	my ($q) = map { $_->{q} } grep { ($_->{q} // '') =~ /companyname/ } @{ control(op => 'log')->{requests} };
	like($q, qr/\Q$text\E/, "$encoding: asked in UTF-8");
	my ($out, $err) = ask($database, "SELECT q->>'name' FROM netsuite_query('ns', 'SELECT companyname AS name FROM customer WHERE companyname = ?', ARRAY['$text']) q");
	is(shown($out), shown($text), "$encoding: a parameter of netsuite_query and its answer");

	# what the database cannot hold: an error that says where
	for my $other (grep { $_ ne $encoding && $encoding ne 'UTF8' && !defined eval { encode({ LATIN1 => 'iso-8859-1', WIN1252 => 'cp1252', EUC_JP => 'euc-jp' }->{$encoding}, my $copy = $text{$_}, Encode::FB_CROAK) } } sort keys %text)
	{
		($out, $err) = ask($database, "SELECT id, companyname FROM customer WHERE id = $id{$other}");
		like($err, qr/ERROR:  22P05: .*encoding "UTF8".*"\Q$encoding\E"/, "$encoding cannot hold the text of $other");
		like($err, qr/CONTEXT:.*column "companyname" of foreign table "customer", key $id{$other}/s, 'the place is named');
		($out, $err) = ask($database, "SELECT * FROM netsuite_query('ns', 'SELECT companyname AS name FROM customer WHERE id = $id{$other}')");
		like($err, qr/ERROR:  22P05: .*CONTEXT:.*row 1 of the query/s, 'nor can netsuite_query');
		is((ask($database, "SELECT id FROM customer WHERE id = $id{$other}"))[0], $id{$other}, 'without the column the row can be read');
	}

	# the other side's words are shown as far as they can be
	control(op => 'fault', kind => 'reply', match => 'suiteql', status => 400, body => decode_utf8(encode_json({ 'o:errorDetails' => [ { detail => "Grund: $text, Żółć 株" } ] })));
	($out, $err) = ask($database, 'SELECT max(id) FROM customer');
	like($err, $encoding eq 'UTF8' ? qr/DETAIL:  Grund: \Q$text\E, Żółć 株/ : qr/DETAIL:  Grund: \Q$text\E, \S+ (\?|株)/, "$encoding: words of an error");
	control(op => 'reset');
}
control(op => 'sql', sql => 'DELETE FROM ns.customer WHERE id > 7000000');
$node->stop;
done_testing();
