# What nobody may see or do: secrets in plans, statistics, errors, tables, dumps and the log; what an operator may not read,
# nor have run by the worker, which is a superuser's; and where nothing is sent to, in every notation
use strict;
use warnings;
use Delivery;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = new_delivery('primary', conf => "log_min_messages = debug5\nlog_statement = all\nlog_error_verbosity = verbose\nsession_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = 0\nauto_explain.log_verbose = on\nauto_explain.log_nested_statements = on\nauto_explain.log_analyze = on\n"
	  . "log_parameter_max_length = -1\nlog_parameter_max_length_on_error = -1\ndebug_print_parse = on\ndebug_print_plan = on\ntrack_activity_query_size = 100kB\n");
start_receiver('--whole');

sub sql { return $node->safe_psql($p, $_[0]); }
sub as { my ($user, $sql) = @_; my ($out, $err) = ('', ''); $node->psql($p, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]); return $out . $err; }
sub got { my ($name) = @_; return grep { defined $_->{id} && $_->{event}{type} ne 'ingest.sink.test' } received("/$name"); }
sub arrives
{
	my ($name, $n, $what) = @_;
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.1) until got($name) >= $n || time() > $until;
	return is(scalar got($name), $n, $what);
}

# -- each secret leaves a mark wherever it is --

my ($plain) = $secret =~ /whsec_(.*)/;
my ($old_plain) = $old_secret =~ /whsec_(.*)/;
my $bearer = 'Bearer marked-bearer-7f3a9c';
my $broken = 'whsec_not!base64!marked-broken-51d2';
my $marks = qr/\Q$plain\E|\Q$old_plain\E|marked-bearer-7f3a9c|marked-broken-51d2/;
my $file = $node->basedir . '/secret';
append_to_file($file, "$secret\n");
# what makes a secret is logged as it is, so it is not what is looked at
my $from = -s $node->logfile;
sql(qq{SET log_statement = none; SET log_min_messages = fatal; SET auto_explain.log_min_duration = -1; SET debug_print_parse = off; SET debug_print_plan = off;
	ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (ADD bearer '$bearer', ADD broken '$broken')});
$from = -s $node->logfile;
my @said;
sub says { my ($sql) = @_; my ($out, $err) = ('', ''); $node->psql($p, "SET client_min_messages = debug5; $sql", stdout => \$out, stderr => \$err); push @said, "$out\n$err"; return $err; }
says(qq{SELECT ingest_delivery.create_sink('one', 'webhook', '{"url": "$url/one", "secret": "mapping:ingest_secrets/now", "authorization": "mapping:ingest_secrets/bearer"}', types => '{on.*}')});
says(qq{SELECT ingest_delivery.create_sink('two', 'webhook', '{"url": "$url/two", "secret": "file:$file"}', types => '{on.*}')});
like(says(qq{SELECT ingest_delivery.create_sink('bad', 'webhook', '{"url": "$url/bad", "secret": "mapping:ingest_secrets/broken"}')}), qr/not a secret of a webhook/, 'a secret that is none is refused');
says(qq{EXPLAIN (ANALYZE, VERBOSE) $_}) for q{SELECT * FROM ingest_delivery.test_sink('one')}, q{SELECT ingest_delivery.rotate_secret('one', 'mapping:ingest_secrets/before')}, q{SELECT * FROM ingest_delivery.sink_status}, q{SELECT * FROM ingest_delivery.sink, ingest_delivery.delivery_log};
says(q{SELECT * FROM ingest_delivery.test_sink('two')});
says(q{SELECT ingest.emit('on.x', 's', jsonb_build_object('n', i)) FROM generate_series(1, 30) i});
arrives('one', 30, 'events arrive');
arrives('two', 30, 'with a secret from a file, too');
ok((grep { ($_->{headers}{authorization} // $_->{headers}{Authorization} // '') eq $bearer } got('one')) > 0, 'the header holds what it is to hold');
# errors of every kind
behave('/one' => { status => 401, echo => \1 }, '/two' => { status => 422, echo => \1 });
says(q{SELECT ingest.emit('on.x', 's' || i, '{}') FROM generate_series(1, 5) i});
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.sink_status WHERE last_error IS NOT NULL}, 2);
sql(qq{SET log_statement = none; SET log_min_messages = fatal; SET auto_explain.log_min_duration = -1; SET debug_print_parse = off; SET debug_print_plan = off; ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (SET bearer E'$bearer\\n')});
says(q{SELECT ingest_delivery.alter_sink('one', options => '{"timeout": 9}')});
says(q{SELECT * FROM ingest_delivery.test_sink('one')});
is(sql(q{SELECT count(*) > 0 FROM ingest_delivery.attempt WHERE answer = '(not kept: it repeats a secret of the sink)'}), 't', 'what a receiver repeats of a secret is not kept');
says(q{SELECT * FROM pg_stat_activity; SELECT * FROM ingest.audit; SELECT * FROM ingest_delivery.attempt; SELECT * FROM ingest_delivery.dead; SELECT * FROM ingest_delivery.blocked});
is(scalar(grep { /$marks/ } @said), 0, 'no answer, notice, plan or error holds a secret');
my $log = substr slurp_file($node->logfile), $from;
is(scalar(grep { /$marks/ && !/ALTER USER MAPPING/ } split /\n/, $log), 0, 'nor does the log, at debug5, with plans and parameters');
cmp_ok(length $log, '>', 100000, 'which says a lot');
my ($dump) = run_command([ 'pg_dumpall', '-d', $node->connstr($p) ]);
unlike($dump, $marks, 'nor a dump of the cluster');
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};
my $command = slurp_file('/proc/' . sql($worker) . '/cmdline') . slurp_file('/proc/' . sql($worker) . '/environ');
unlike($command, $marks, 'nor the command line and the environment of the worker');
behave();

# -- nothing of a user's runs in the worker --

sql(q{CREATE ROLE mallory LOGIN IN ROLE ingest_operator; CREATE ROLE victim LOGIN IN ROLE ingest_operator; CREATE SCHEMA traps AUTHORIZATION mallory; CREATE TABLE traps.sprung (who name, what text); GRANT INSERT ON traps.sprung TO PUBLIC; GRANT ALL ON SCHEMA public TO mallory});
sql(qq{SET log_statement = none; SET log_min_messages = fatal; CREATE USER MAPPING FOR mallory SERVER ingest_secrets OPTIONS (mine '$secret'); CREATE USER MAPPING FOR victim SERVER ingest_secrets OPTIONS (mine '$secret')});
# whatever it may make under names that the worker's statements use
is(as('mallory', q{
	CREATE FUNCTION public.spring(what text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO traps.sprung VALUES (current_user, what); RETURN true; END$$;
	CREATE FUNCTION public.contains(jsonb, jsonb) RETURNS boolean LANGUAGE sql AS $$SELECT public.spring('@>')$$;
	CREATE OPERATOR public.@> (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = public.contains);
	CREATE FUNCTION public.to_jsonb(timestamptz) RETURNS jsonb LANGUAGE sql AS $$SELECT 'null'::jsonb FROM public.spring('to_jsonb') s$$;
	CREATE FUNCTION public.octet_length(text) RETURNS integer LANGUAGE sql AS $$SELECT 1 FROM public.spring('octet_length') s$$;
	CREATE FUNCTION public.array_to_string(text[], text) RETURNS text LANGUAGE sql AS $$SELECT '' FROM public.spring('array_to_string') s$$;
	CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT pg_catalog.now() FROM public.spring('now') s$$;
	CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$SELECT '' FROM public.spring('current_setting') s$$;
	CREATE FUNCTION public.compare(a text, b text) RETURNS boolean LANGUAGE sql AS $$SELECT public.spring('=')$$;
	CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.compare);
	CREATE TABLE public.sink (id integer); CREATE TABLE public.event (id integer); CREATE TABLE public.subscription (id integer);
	ALTER ROLE mallory SET search_path = public, pg_catalog;
	ALTER ROLE mallory IN DATABASE postgres SET search_path = public, traps, pg_catalog;
}), '', 'an operator puts traps where it may');
like(as('mallory', q{CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION traps.x()}), qr/(must be superuser|permission denied|does not exist)/, 'an event trigger it may not make');
like(as('mallory', qq{SELECT ingest_delivery.create_sink('hers', 'webhook', '{"url": "$url/hers", "secret": "mapping:ingest_secrets/mine"}', filter => '{"n": 1}')}), qr/hers/, 'and a sink with a filter');
as('mallory', q{SELECT ingest.emit('m.x', 's', '{"n": 1}'), ingest.emit('m.x', 'bad', '{"n": 1}')});
arrives('hers', 2, 'it gets its events');
as('mallory', q{SELECT ingest_delivery.replay('hers', '2020-01-01'), ingest_delivery.redrive('hers'), ingest_delivery.alter_sink('hers', types => '{m.*}')});
arrives('hers', 4, 'and again');
is(sql('SELECT count(*) FROM traps.sprung'), 0, 'no trap was sprung, neither in the worker nor in her session');

# -- what is another's --

as('victim', q{SELECT ingest.emit('v.x', 's', '{"secret": "of the victim"}')});
my $of_victim = sql(q{SELECT era || ',' || id FROM ingest.event WHERE type = 'v.x'});
my ($era, $id) = split /,/, $of_victim;
sleep(1);
as('mallory', q{SELECT ingest_delivery.alter_sink('hers', filter => 'null', types => '{*}')});
as('mallory', "SELECT ingest_delivery_internal.replay('hers', 'all', '{$era}', '{$id}', '{s}')");
as('mallory', q{SELECT ingest_delivery.replay('hers', '2020-01-01')});
sleep(2);
is(scalar(grep { ($_->{event}{type} // '') eq 'v.x' } got('hers')), 0, 'events of another are not sent, whatever ids are named');
like(as('mallory', "SELECT * FROM ingest_internal.read_again('{$era}', '{$id}')"), qr/^$/, 'nor read');
like(as('mallory', qq{SELECT ingest_delivery.create_sink('sly', 'webhook', '{"url": "$url/sly", "secret": "mapping:ingest_secrets/now"}')}), qr/refers to no secret/, 'another\'s secrets are not found');
like(as('mallory', qq{SELECT ingest_delivery.alter_sink('one', options => '{"url": "$url/hers"}')}), qr/there is no sink "one"/, 'another\'s sink is not sent elsewhere');
for ("INSERT INTO ingest_delivery.parked VALUES (1, 's', 1, $id)", 'UPDATE ingest_delivery.sink SET owner = 10', 'DELETE FROM ingest_delivery.dead', "SELECT ingest_delivery_internal.own_sink(10, 'one')", "SELECT ingest_delivery_internal.put_back(NULL, '{}', '{}', '{}')",
	"SELECT ingest_delivery_internal.check_options(10, 'alertmanager', '{\"url\": \"https://a.example/\", \"authorization\": \"file:/etc/passwd\"}')", "SELECT ingest_delivery_internal.alter_sink(10, 'one', NULL, NULL, NULL, NULL, NULL, false)", "SELECT ingest_internal.set_types(10, 'sink one', '{x}')", 'SET ROLE ingest_delivery_engine',
	"SELECT ingest_delivery_internal.bury(1, 's', 1, 1, 1, '', '')", 'SELECT * FROM ingest_delivery_internal.sinks()', 'SELECT * FROM ingest_delivery_internal.needed')
{
	like(as('mallory', $_), qr/permission denied/, "she may not: $_");
}
# an admin acts for all, but does not become mightier
sql(qq{CREATE ROLE chief LOGIN IN ROLE ingest_admin; CREATE ROLE reads LOGIN IN ROLE ingest_operator, pg_read_server_files; SET ROLE reads; SELECT ingest_delivery.create_sink('file', 'webhook', '{"url": "$url/file", "secret": "file:$file"}', types => '{fi.*}')});
like(as('chief', qq{SELECT ingest_delivery.alter_sink('file', options => '{"url": "$url/chief", "authorization": "file:/etc/passwd"}')}), qr/must be owner of sink "file"/, 'who may read files is not made to send them');
like(as('chief', q{SELECT * FROM ingest_delivery.test_sink('file')}), qr/must be owner of sink "file"/, 'nor to send');

# -- no way in --

sql(q{SELECT ingest_delivery.drop_sink(sink) FROM ingest_delivery.sink_status; ALTER DATABASE postgres SET ingest_delivery.allow_networks = ''; ALTER DATABASE postgres SET ingest_delivery.allow_http = off});
my %form;
for my $v4 ([ 127, 0, 0, 1 ], [ 10, 1, 2, 3 ], [ 169, 254, 169, 254 ], [ 192, 168, 0, 1 ], [ 172, 31, 255, 255 ], [ 100, 127, 0, 1 ], [ 0, 0, 0, 0 ], [ 224, 0, 0, 251 ], [ 255, 255, 255, 255 ], [ 198, 19, 0, 1 ], [ 192, 0, 0, 8 ])
{
	my ($a, $b, $c, $d) = @$v4;
	my $n = $a << 24 | $b << 16 | $c << 8 | $d;
	my $hex = sprintf '%02x%02x:%02x%02x', @$v4;
	$form{$_} = "@$v4" for "$a.$b.$c.$d", $n, sprintf('0x%x', $n), sprintf('0%o', $n), sprintf('0x%x.0x%x.0x%x.0x%x', @$v4), sprintf('0%o.0%o.0%o.0%o', @$v4), "$a." . ($b << 16 | $c << 8 | $d), "$a.$b." . ($c << 8 | $d), sprintf('0x%x.%d.0%o.%d', @$v4),
	  "[::ffff:$a.$b.$c.$d]", "[::ffff:$hex]", "[0:0:0:0:0:ffff:$hex]", "[::$a.$b.$c.$d]", "[64:ff9b::$a.$b.$c.$d]", "[64:ff9b::$hex]", "[64:ff9b:1::$hex]", "[2002:$hex\::1]", "[2001:0:$hex\::1]", "[::ffff:0:$hex]", "$a.$b.$c.$d.";
}
$form{$_} = 'six' for '[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]', '[::]', '[fe80::1]', '[fe80::1%25eth0]', '[febf::1]', '[fec0::1]', '[fc00::1]', '[fdff::1]', '[ff02::1]', '[ff0e::1]', '[100::1]', '[2001:db8::1]', '[2001::1]', '[5f00::1]', '[3fff::1]', '[2001:2::1]', '[2001:10::1]', '[2001:20::1]';
my @open;
my @hosts = sort keys %form;
my $asked = $node->safe_psql($p, join "\n", 'CREATE FUNCTION pg_temp.tries(h text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM ingest_delivery_internal.check_options(10, \'alertmanager\', jsonb_build_object(\'url\', \'https://\' || h || \'/x\')); RETURN \'open\'; EXCEPTION WHEN invalid_parameter_value THEN RETURN \'refused\'; END$$;', map { "SELECT '$_', pg_temp.tries('$_');" } @hosts);
is(join(' ', map { /^(.*)\|open$/ ? $1 : () } split /\n/, $asked), '', scalar(@hosts) . ' notations of networks that lead nowhere outside are refused');
is(join(' ', map { /\|open$/ ? () : $_ } split /\n/, $node->safe_psql($p, 'CREATE FUNCTION pg_temp.tries(h text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM ingest_delivery_internal.check_options(10, \'alertmanager\', jsonb_build_object(\'url\', \'https://\' || h || \'/x\')); RETURN \'open\'; EXCEPTION WHEN invalid_parameter_value THEN RETURN \'refused\'; END$$; SELECT h, pg_temp.tries(h) FROM unnest(\'{example.com,8.8.8.8,[2606:4700::1111],172.32.0.1,100.63.0.1,xn--bcher-kva.example}\'::text[]) h')), '', 'others are not');
$node->stop;
done_testing();
