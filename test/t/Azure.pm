# What tests of Azure identities share: the stand-in of Azure, and what it was asked.
package Azure;
use strict;
use warnings;
use Exporter 'import';
use File::Spec;
use IPC::Run;
use JSON::PP;
use Port;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(start_azure azure_behave azure_secrets azure_log azure_asked %azure);
our %azure;

my ($server, $read, @all);
my $folder = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir('azure'));

sub write_file
{
	my ($path, $text) = @_;
	open my $out, '>', "$path.new" or die $!;
	print $out $text;
	close $out;
	rename "$path.new", $path or die $!;
	return;
}

# A certificate by a CA of one's own: for the names that the stand-in answers to
sub make_certificates
{
	my @names = map { "DNS:$_" } qw(localhost login.localhost *.vault.localhost *.servicebus.localhost *.evil.localhost);
	my $quiet = '>/dev/null 2>&1';
	write_file("$folder/names", 'subjectAltName = ' . join(', ', @names, 'IP:127.0.0.1') . "\n");
	for ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=a CA' -keyout $folder/ca.key -out $folder/ca.pem",
		"openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout $folder/server.key -out $folder/server.csr",
		"openssl x509 -req -days 2 -in $folder/server.csr -CA $folder/ca.pem -CAkey $folder/ca.key -CAcreateserial -extfile $folder/names -out $folder/server.crt",
		"cat $folder/server.key $folder/server.crt > $folder/server.pem",
		"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=an application' -keyout $folder/app.key -out $folder/app.crt",
		"cat $folder/app.key $folder/app.crt > $folder/app.pem")
	{
		system("$_ " . (/cat/ ? '' : $quiet)) == 0 or die "openssl failed: $_";
	}
	return;
}

# start_azure(): fills %azure
sub start_azure
{
	my ($https, $http) = (PostgreSQL::Test::Cluster::get_free_port(), PostgreSQL::Test::Cluster::get_free_port());
	make_certificates();
	%azure = (
		tenant => '11111111-2222-3333-4444-555555555555',
		client => '66666666-7777-8888-9999-000000000000',
		secret => 'a~client+secret/with=odd&letters',
		certificate => "$folder/app.pem",
		federated => "$folder/federated",
		ca => "$folder/ca.pem",
		authority => "https://login.localhost:$https",
		host => "erp.vault.localhost:$https",
		vault => "https://erp.vault.localhost:$https",
		hubs => "https://ns.servicebus.localhost:$https",
		hubs_host => "ns.servicebus.localhost:$https",
		evil => "erp.evil.localhost:$https",
		metadata => "http://127.0.0.1:$http",
		endpoint => "http://127.0.0.1:$http/msi/token",
		audience => 'https://ns.servicebus.localhost/a hub',
		keyName => 'send',
		key => 'not+base64/at-all~äöü',
		tokens => "$folder/tokens",
		server => "$folder/server.pem",
		folder => $folder);
	write_file($azure{federated}, 'a.federated.token');
	azure_secrets();
	$server = IPC::Run::start([ '/usr/bin/python3', '-B', 'delivery/azure.py', '--https', $https, '--http', $http, '--log', "$folder/log", '--cert', "$folder/server.pem", '--certificate', "$folder/app.pem",
			'--federated', $azure{federated}, '--tokens', $azure{tokens}, '--secrets', "$folder/secrets", '--behave', "$folder/behave", '--key-name', $azure{keyName}, '--key', $azure{key} ], '<', '/dev/null', '>', "$folder/out", '2>&1');
	await_port($_, 'the stand-in of Azure', "$folder/out") for $https, $http;
	return;
}

# azure_secrets(name => value, as bytes): these are in the vault now
sub azure_secrets
{
	my %secrets = @_;
	write_file("$folder/secrets", JSON::PP->new->encode(\%secrets));
	return;
}

# azure_behave(vault => { fail => [ 503 ] }): from the next request on
sub azure_behave
{
	my %how = @_;
	write_file("$folder/behave", encode_json(\%how));
	return;
}

# all that it was asked, in order; azure_asked() what came since the last call of it
sub azure_log
{
	my @lines;
	open my $in, '<', "$folder/log" or return;
	while (my $line = <$in>) { push @lines, decode_json($line) if $line =~ /\n$/; }
	close $in;
	return @lines;
}

sub azure_asked
{
	my @lines = azure_log();
	my @new = @lines[ ($read // 0) .. $#lines ];
	$read = @lines;
	return @new;
}

END
{
	my $code = $?;
	$server->kill_kill(grace => 0) if $server;
	$? = $code;
}

1;
