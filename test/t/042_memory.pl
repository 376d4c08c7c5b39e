# Memory that cannot be allocated: the right answer or a clear error, never a crash, whichever piece it is
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Utils;
use Test::More;

# a malloc that fails once, at the n-th call from a group of libraries: 1 the extension and what it links, 2 OpenSSL, 3 all
mkdir $ENV{TESTDIR};
my $preload = "$ENV{TESTDIR}/sparse.so";
open my $c, '>', "$ENV{TESTDIR}/sparse.c" or die $!;
print $c <<'C';
#include "postgres.h"
#include "fmgr.h"
#include <link.h>

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(arm);
PG_FUNCTION_INFO_V1(disarm);

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static struct { char *from; char *to; } ranges[16];
static int nranges;
static int countdown;
static int group;

static int
note(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = info->dlpi_name;
	int mine = strstr(name, "netsuite_fdw.so") || strstr(name, "libcurl") || strstr(name, "libdeflate");
	int ssl = strstr(name, "libssl") || strstr(name, "libcrypto");

	if (!(group == 1 ? mine : ssl))
		return 0;
	for (int i = 0; i < info->dlpi_phnum && nranges < 16; i++)
	{
		if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X))
		{
			ranges[nranges].from = (char *) info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			ranges[nranges].to = ranges[nranges].from + info->dlpi_phdr[i].p_memsz;
			nranges++;
		}
	}
	return 0;
}

static int
fails(void *caller)
{
	int in = group == 3;

	if (countdown <= 0)
		return 0;
	for (int i = 0; i < nranges; i++)
		in |= (char *) caller >= ranges[i].from && (char *) caller < ranges[i].to;
	return in && --countdown == 0;
}

#define CALLER __builtin_return_address(0)
void *malloc(size_t n) { return fails(CALLER) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails(CALLER) ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return fails(CALLER) ? NULL : __libc_realloc(p, n); }
char *strdup(const char *s)
{
	char *copy = fails(CALLER) ? NULL : __libc_malloc(strlen(s) + 1);
	return copy ? strcpy(copy, s) : NULL;
}

Datum arm(PG_FUNCTION_ARGS)
{
	nranges = 0;
	group = PG_GETARG_INT32(1);
	dl_iterate_phdr(note, NULL);
	countdown = PG_GETARG_INT32(0);
	PG_RETURN_VOID();
}

/* how many calls are left until the one that fails: 0 if it did */
Datum disarm(PG_FUNCTION_ARGS)
{
	int left = countdown;
	countdown = 0;
	PG_RETURN_INT32(left);
}
C
close $c;
my $include = qx(pg_config --includedir-server);
chomp $include;
system_or_bail('gcc', '-w', '-shared', '-fPIC', '-D_GNU_SOURCE', "-I$include", '-o', $preload, "$ENV{TESTDIR}/sparse.c");

my $node = new_server('memory', preload => $preload, conf => "restart_after_crash = on\nlog_statement = none\n");
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ns');
create_mapping($node, 'CURRENT_USER', 'ns', %tba);
$node->safe_psql('postgres', qq{
	CREATE FUNCTION arm(int, int) RETURNS void LANGUAGE c AS '$preload', 'arm';
	CREATE FUNCTION disarm() RETURNS int LANGUAGE c AS '$preload', 'disarm';
	ALTER SERVER ns OPTIONS (ADD max_retries '0');
	CREATE SERVER oauth FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url '$ENV{NS_URL}', ca_file '$ENV{NS_CA}', max_retries '0');
	CREATE USER MAPPING FOR CURRENT_USER SERVER oauth OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file '$ENV{NS_STATE}/client_ec.pem');
	CREATE FOREIGN TABLE terms (id bigint, name text) SERVER oauth OPTIONS ("table" 'term', key 'id')});

my %cases = (
	'a scan' => [ 'SELECT count(*), max(id) FROM (SELECT * FROM netsuite.currency OFFSET 0) x', '6|6' ],
	'a check' => [ q{SELECT count(*), bool_and(ok) FROM netsuite_check('ns') WHERE "check" IN ('address', 'tls', 'login')}, '3|t' ],
	'netsuite_query' => [ q{SELECT count(*), max((q->>'id')::int) FROM netsuite_query('ns', 'SELECT id, name, symbol FROM currency ORDER BY id ASC') q}, '6|6' ],
	'a login and a scan' => [ 'SELECT count(*), max(id) FROM (SELECT * FROM terms OFFSET 0) x', '4|4' ]);
my $log_at = 0;

sub crashed
{
	my $log = slurp_file($node->logfile, $log_at);
	$log_at += length $log;
	return $log =~ /terminated by signal/ ? 1 : 0;
}

# sweep(case, group, step): in a session of its own for each call that fails, until none is left to fail.  What differs
# from the answer and is no error is wrong; a check may also say what is not in order.
sub sweep
{
	my ($name, $group, $step) = @_;
	my ($query, $answer) = @{ $cases{$name} };
	my ($n, $runs, $right, $errors, @wrong) = (1, 0, 0, 0);
	my %states;
	while (1)
	{
		my ($code, $out, $err) = $node->psql('postgres', "LOAD 'netsuite_fdw'; SELECT arm($n, $group); $query; SELECT disarm()", extra_params => [ '-v', 'VERBOSITY=verbose' ], on_error_stop => 0);
		my @lines = split /\n/, $out, -1;
		my $left = pop @lines;
		$runs++;
		shift @lines if @lines;
		my ($state) = $err =~ /(?:ERROR|FATAL):  (\w{5}): /;
		if (crashed() || !defined $left || $left !~ /^\d+$/ && !$state) { push @wrong, "crash at $n: $err"; sleep 1; last if @wrong > 3; }
		elsif ($state) { $errors++; $states{$state}++; push @wrong, "$n: $err" if $err =~ /XX000|PANIC|28000/ }
		elsif ("@lines" eq $answer) { $right++; }
		elsif ($name eq 'a check' && "@lines" =~ /^\d\|[tf]$/) { $errors++; }
		else { push @wrong, "$n: @lines"; }
		last if ($left // '') =~ /^\d+$/ && $left > 0 || $runs > 3000;
		$n += 1 + int(rand(2 * $step - 1));
	}
	is(join("\n", @wrong), '', "$name, $runs times without memory for a piece (group $group): $right right, $errors errors (" . join(' ', map { "$_ $states{$_}" } sort keys %states) . ')');
	# OpenSSL does without much of it
	cmp_ok($errors, '>', 0, 'some failed') if $group == 1;
	return;
}

fresh_log();
for my $name (sort keys %cases)
{
	sweep($name, 1, 3);
	sweep($name, 2, 400);
	sweep($name, 3, 400);
}

# an address space that ends somewhere: steps of 256 kB
my $query = q{SELECT count(*), count(q->>'id') FROM netsuite_query('ns', 'SELECT * FROM transactionline ORDER BY uniquekey ASC') q};
my $answer = $node->safe_psql('postgres', $query);
my ($right, $errors, @wrong) = (0, 0);
for my $step (0 .. 47)
{
	my ($code, $out, $err) = $node->psql('postgres', "LOAD 'netsuite_fdw'; " . q{SELECT pg_backend_pid() AS pid, 1024 * substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'VmSize:\s+(\d+)')::bigint + } . $step * 256 * 1024 . " AS size \\gset\n\\setenv PID :pid\n\\setenv SIZE :size\n\\! prlimit --pid \$PID --as=\$SIZE\n$query;\n", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	if (crashed()) { push @wrong, "crash at $step * 256 kB: $err"; sleep 1; }
	elsif ($err =~ /ERROR:  (\w{5}): /) { $errors++; }
	elsif ($out eq $answer) { $right++; }
	else { push @wrong, "$step: $out $err"; }
}
is(join("\n", @wrong), '', "48 limits of the address space: $right right, $errors errors");
cmp_ok($right, '>', 0, 'some were large enough');
cmp_ok($errors, '>', 0, 'some were not');
$node->stop;
done_testing();
