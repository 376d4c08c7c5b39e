# Azurite, Microsoft's own stand-in of Blob Storage, from npm, and Microsoft's own client of it: who uses Azure.pm's
# certificates starts it once
package Azurite;
use strict;
use warnings;
use Azure;
use Exporter 'import';
use IPC::Run;
use JSON::PP;
use Port;
our @EXPORT = qw(has_azurite start_azurite azurite %azurite);
our %azurite;

my $json = JSON::PP->new->utf8->allow_nonref;
my ($server, $client, $asked, $answered) = (undef, undef, '', '');

sub main_file { return "$ENV{NODE_PATH}/azurite/dist/src/blob/main.js"; }

sub has_azurite { return $ENV{NODE_PATH} && -f main_file(); }

# start_azurite(port), after start_azure(): fills %azurite, and there is a container "landing"
sub start_azurite
{
	my ($port) = @_;
	my $folder = $azure{folder};
	local $ENV{NODE_EXTRA_CA_CERTS} = $azure{ca};
	%azurite = (
		key => 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
		account => "https://127.0.0.1:$port/devstoreaccount1");
	$server = IPC::Run::start([ 'node', main_file(), '--blobHost', '127.0.0.1', '--blobPort', $port, '--location', "$folder/azurite", '--cert', "$folder/server.crt", '--key', "$folder/server.key",
			'--disableTelemetry', '--skipApiVersionCheck', '--silent' ], '<', '/dev/null', '>', "$folder/azurite.out", '2>&1');
	await_port($port, 'Azurite', "$folder/azurite.out");
	$client = IPC::Run::start([ 'node', 'files/blobs.cjs', $azurite{account}, 'devstoreaccount1', $azurite{key} ], '<', \$asked, '>', \$answered, '2>', "$folder/blobs.err");
	azurite(do => 'container');
	return;
}

# azurite(do => 'put', name => …): a deed of the client, in the container "landing" if no other one is named; one that fails dies
sub azurite
{
	my (%deed) = @_;
	$asked .= $json->encode({ container => 'landing', %deed }) . "\n";
	$client->pump until $answered =~ s/^(.*)\n//;
	my $answer = $json->decode($1);
	die "$deed{do}: $answer->{error}" if $answer->{error};
	return $answer->{result};
}

END
{
	my $code = $?;
	$_->kill_kill(grace => 0) for grep { $_ } $client, $server;
	$? = $code;
}

1;
