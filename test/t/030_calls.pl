# Nothing that a caller passes crashes a server.  Every function, procedure, aggregate and type of the extensions is
# called with what nobody expects in each place: an answer, or an error that is a sentence.  The calls are made from
# pg_proc, so a new function is among them by itself; a new type of argument needs a line in %odd.
#
# Every function is called well, with NULL in each place and with all unknown; of the odd values a share is drawn, another
# one each day.  CALLS=all: every value for every role; CALLS_SEED: that day's draw; CALLS_HUGE=1: a text of 1 GB, too
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use List::Util qw(max shuffle);
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $all = ($ENV{CALLS} // '') eq 'all';
my $seed = $ENV{CALLS_SEED} // strftime('%Y%m%d', gmtime);
my $pairs = $all ? 10000 : 300;
srand($seed);
note("CALLS_SEED=$seed");

my $node = new_server('calls', conf => "shared_preload_libraries = 'ingest'\nmax_worker_processes = 20\nrestart_after_crash = off\n");
my $p = 'postgres';
my $log = $node->logfile;
run_file('postgres', 'calls/world.sql', host => $node->host, port => $node->port);

# -- what is passed --

# of each type, as SQL; the first is what a good caller passes
my @text = ("'plain'", "''", "' '", "E'\\x01\\n\\t\\x7f'", "'%s%n%1\$s'", "'\"'", "'no such thing'", "'pg_class'", "'{'", "'9999999999999999999999'", "repeat('x', 1000000)", "repeat('{\"a\":', 100000)", "U&'\\+01F600'");
my @relation = qw('w.plain' 'w.child' 'w.empty' 'w.bare' 'w.dropped' 'w.hollow' 'w.parted' 'w.unpartitioned' 'w."odd""name"' 'w.view' 'w.counting' 'w.loop' 'w.void' 'w.fails'
  'w.files' 'w.broken_file' 'w.stored' 'w.unfilled' 'w.numbers' 'w.walled' 'w.plain_pkey' 'w.pair' 'shop.plain' 'copies.plain' 'copies.plain_history' 'pg_type' 'pg_class' 'information_schema.columns' 'ingest.sync' 'ingest.table_status');
$_ =~ s/odd""name/odd ""name/ for @relation;
my @oid = ('0', '4294967295', '999999999', '1259', '1247', '(SELECT oid FROM w.gone)', "'w_keeper'::regrole");
my %odd = (
	text => \@text,
	name => [ map { "$_" } @text ],
	cstring => [ map { "$_\::cstring" } @text ],
	bytea => [ "''", "'\\x00'", "'\\x5053'", "decode(repeat('50', 100000), 'hex')" ],
	bool => [ 'false', 'true' ],
	int2 => [ '1', '0', '-1', '32767', '-32768' ],
	int4 => [ '1', '0', '-1', '2147483647', '-2147483648' ],
	int8 => [ '1', '0', '-1', '9223372036854775807', '-9223372036854775808' ],
	float8 => [ '0.5', '0', '-1', "'NaN'", "'Infinity'", "'-Infinity'", '1e308', '5e-324' ],
	numeric => [ '1', "'NaN'", "'Infinity'", '-1', '1e1000', '1e-1000' ],
	oid => \@oid,
	regclass => [ @relation, map { "($_)::oid" } @oid ],
	interval => [ "'1 hour'", "'0'", "'-1 day'", "'178000000 years'", "'-178000000 years'", "'2147483647 months 2147483647 days'", "'1 microsecond'" ],
	timestamp => [ "'2026-01-01 12:00'", "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'", "'4713-01-01 BC'" ],
	timestamptz => [ 'now()', "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'", "'4713-01-01 00:00:00+00 BC'", "'2026-01-01'" ],
	jsonb => [ q('{"id": 3}'), q('null'), q('1'), q('"x"'), q('[]'), q('[1, null]'), q('{}'), q('{"id": null}'), q('{"id": [{}]}'), q('{"values": null}'), q('{"values": [null]}'), q('{"": 1}'),
		q(('"' || repeat('x', 1000000) || '"')), q((repeat('[', 5000) || repeat(']', 5000))) ],
	_text => [ "'{plain}'", "'{}'", "'{NULL}'", "'{NULL,a}'", "'{{a,b},{c,NULL}}'", "'[5:6]={a,b}'", "'{\"\"}'", "array_fill('a'::text, ARRAY[100000])" ],
	_jsonb => [ "ARRAY['{}'::jsonb]", "'{}'", "'{NULL}'" ], date => [ "'2026-01-01'", "'infinity'", "'-infinity'", "'5874897-12-31'" ],
	_oid => [ "'{0}'", "'{}'", "'{NULL}'", "'{4294967295}'", "ARRAY['w.plain'::regclass::oid, 0, NULL]", "ARRAY['copies.plain'::regclass::oid]" ],
	_int2 => [ "'{0}'", "'{}'", "'{NULL}'", "'{-1,1,32767}'" ],
	_name => [ "'{id}'", "'{}'", "'{NULL}'", "'{id,NULL}'", "'{id,id}'", "'{{id,name},{a,b}}'", "'{\"\"}'", "'{no such column}'", "array_fill('id'::name, ARRAY[10000])" ],
	_float8 => [ "'{1,2,3,4,5,6}'", "'{}'", "'{NULL}'", "'{NaN,Infinity,-Infinity,1,2,3}'", "'{{1,2},{3,NULL}}'", "'{1e308,-1e308,1e308,1,1,1}'", 'array_fill(0.5::float8, ARRAY[100000])' ],
	_regclass => [ "'{w.plain,w.child}'", "'{}'", "'{NULL}'", "'{{w.plain},{w.child}}'", "'{0}'", "'{999999999,w.plain}'", "ARRAY[(SELECT oid FROM w.gone)]", "'{w.empty,w.bare,w.hollow,w.dropped}'", "'{w.numbers}'", "'{w.counting,w.view}'", "'{pg_type,pg_proc}'" ],
	profile_sketch => [ (map { "(SELECT sketch FROM w.sketch WHERE kind = '$_')" } qw(amount name id mood pair tags doc raw changed f m i z d nulls many texts empty)), "(SELECT profile(''::bytea))", "(SELECT profile(repeat('x', 1000000)))" ],
	anyelement => [ 'NULL::copies.plain', 'NULL::w.empty', 'NULL::w.dropped', 'NULL::w.view', 'NULL::w.parted', 'NULL::w.pair', 'NULL::w.ordered_pair', "ROW(1, 'b')::w.pair", 'NULL::int', '1::int', "'x'::text", "ROW(1, 'a')", 'NULL::pg_type', 'NULL::w.mood',
		"'{1,2}'::int[]", "'{}'::int[]", "'[1,2)'::int4range", "'empty'::int4range", "ARRAY[NULL::copies.plain]", '0::money', '0::oid', '0::regclass', "'0'::xid8", "'0/0'::pg_lsn", "''::tsvector", "'null'::jsonb", "'null'::json", "''::bit(0)", "'(0,0)'::point",
		"'0.0.0.0/0'::inet", "false", "''::\"char\"", "''::name", "'NaN'::float4", "'NaN'::numeric", "'-infinity'::date", "'00:00'::time", "'24:00'::timetz", "'0'::interval", "repeat('x', 1000000)", 'now()', 'gen_random_uuid()', "1::w.positive" ],
	alert => [ '(SELECT a FROM ingest.alert a ORDER BY id DESC LIMIT 1)', 'NULL::ingest.alert', "ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)" ],
	event => [ '(SELECT e FROM ingest.event e ORDER BY id DESC LIMIT 1)', "ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)" ],
	sink => [ '(SELECT s FROM ingest_delivery.sink s ORDER BY id LIMIT 1)', 'NULL::ingest_delivery.sink' ],
	regrole => [ "'w_reader'", "'0'", "'4294967295'", "'999999999'", "'postgres'" ],
	xid8 => [ "'3'", "'0'", "'18446744073709551615'" ],
	pg_snapshot => [ "'3:3:'", "'1:9000000000000000000:7,8'", "pg_current_snapshot()" ],
	_int8 => [ "'{1}'", "'{}'", "'{NULL}'", "'{9223372036854775807,-9223372036854775808}'", 'array_fill(1::bigint, ARRAY[100000])' ],
	_int4 => [ "'{1}'", "'{}'", "'{NULL}'", "'{{1,2},{3,NULL}}'", 'array_fill(1, ARRAY[100000])' ],
	any => [ "'x'::text", "'x'", '1', 'NULL', 'NULL::text', "ROW(1, 'a')", "VARIADIC '{id,1}'::text[]" ],
	record => [ "ROW(1, 'a')", 'ROW()', 'ROW(NULL)', '(SELECT r FROM w.plain r LIMIT 1)', 'NULL::w.dropped', '(SELECT r FROM w.dropped r LIMIT 1)', "ROW(1, 'b')::w.pair", "ROW('NaN'::float8, '-Infinity'::numeric, 'null'::json, '{}'::int[], '[1,2)'::int4range, ROW(1, NULL), repeat('x', 1000000), 'infinity'::timestamptz, ''::char(3))" ],
	internal => ['NULL'], json => [ q('{"a": 1}'), q('[]'), q('null') ],);

# what a good caller passes, by the function's and the argument's name
my %good = (
	source => "'shop'", sync => "'plain'", job => "'look'", consumer => "'listener'", role => "'w_reader'", owner => "'w_keeper'", actor => "'w_keeper'::regrole", schedule => "'1 day'", object => "'copies.plain'", run => '(SELECT max(id) FROM ingest.run)',
	direction => "'both'", kind => "'unique'", mode => "'incremental'", deletions => "'hard'", view => "'w.view'", server => "'back'", 'ingest_internal.view_columns.view' => "'w.view'", severity => "'error'", profile => "'none'", column_name => "'amount'", fraction => '0.5',
	'ingest.check_source.source' => "'shop'", 'ingest.drop_source.source' => "'shop'", 'ingest.create_job.kind' => "'check'", 'ingest.create_job.argument' => "'shop'", 'ingest.create_job.depends_on' => "'{look}'", 'ingest.create_job.name' => "'another'",
	'ingest.register_source.name' => "'second'", 'ingest.drop_job.job' => "'look'", 'ingest.work.job' => "'look'", 'ingest.create_sync.source_table' => "'shop.child'", 'ingest.create_sync.target' => "'copies.another'", 'ingest.create_sync.name' => "'another'",
	'ingest.create_sync.cursor_column' => 'NULL', 'ingest.create_sync.parent' => 'NULL', 'ingest.create_sync.parent_column' => 'NULL', 'ingest.create_sync.partition_by' => 'NULL', 'ingest.create_sync.distribute_by' => 'NULL', 'ingest.create_sync.mode' => "'full'",
	'ingest.register_source.refresh_schedule' => "'1 day'", 'ingest.register_source.tables' => 'NULL', 'ingest.register_source.remote_schemas' => "'{w}'", 'ingest.crawl.tables' => 'NULL', 'ingest.alter_sync.batch_rows' => '10', relation => "'copies.plain'",
	'ingest.add_rule.columns' => "'{id}'", 'ingest.add_rule.arguments' => q('{}'), 'ingest.set_lineage.kind' => "'declared'", 'ingest.as_of.target' => 'NULL::copies.plain', 'ingest.row_history.target' => 'NULL::copies.plain', 'ingest_internal.prune.events' => "'100 years'", 'ingest_internal.prune.runs' => "'100 years'",
	'ingest_internal.create_job.kind' => "'check'", 'public.anomaly_score.kind' => 'NULL', 'public.anomaly_scores.kind' => 'NULL', 'public.profile_table.columns' => 'NULL', 'public.profile_report.columns' => 'NULL', where_clause => "'true'", query => "'SELECT * FROM w.plain'", suiteql => "'SELECT id FROM customer'", semantic_type => "'email'",
	'public.netsuite_query.params' => "'{}'", 'public.netsuite_check.server' => "'ns'", 'public.netsuite_deleted.server' => "'ns'", 'public.netsuite_governance.server' => "'ns'", 'public.netsuite_query.server' => "'ns'", 'public.netsuite_server_time.server' => "'ns'", 'public.netsuite_tables.server' => "'ns'",
	(map { ("public.files_$_.server" => "'files'") } qw(list clock sniff check tables watch)), 'public.files_list.pattern' => "'**'", 'public.files_sniff.path' => "'orders.csv'", 'public.files_watch.wait' => "'1 ms'",
	(map { ("public.files_$_.foreign_table" => "'w.files'") } qw(pieces prefix mark published vacuum)), 'public.files_mark.app' => "'app'", 'public.files_published.app' => "'app'", 'public.files_mark.mark' => '1', 'public.files_vacuum.older_than' => "'7 days'",
	'public.files_prefix.piece' => "'orders.csv'", 'public.files_prefix.extent' => '10', 'public.files_fdw_validator.catalog' => "'pg_foreign_table'::regclass", 'public.files_fdw_validator.options' => "'{path=a}'",
	'public.netsuite_deleted.table' => "'customer'", 'public.netsuite_deleted.since' => "'2020-01-01'", 'public.netsuite_fdw_validator.catalog' => "'pg_foreign_server'::regclass", 'public.netsuite_fdw_validator.options' => "'{account=1}'", from_table => "'copies.plain'", to_table => "'w.report'",
	'sink' => "'kept'", 'ingest_delivery.create_sink.name' => "'another'", 'ingest_delivery.create_sink.kind' => "'webhook'", 'ingest_delivery.check_options.kind' => "'webhook'", 'ingest_delivery.create_sink.options' => q('{"url": "https://hooks.example.com/", "secret": "mapping:ingest_secrets/mine"}'),
	'ingest_delivery.check_options.options' => q('{"url": "https://hooks.example.com/", "secret": "mapping:ingest_secrets/mine"}'), ordered => "'subject'", on_exhausted => "'skip'", on_expiry => "'keep'", which => "'failed'", reference => "'mapping:ingest_secrets/mine'", secret => "'mapping:ingest_secrets/mine'",
	'ingest_delivery.alter_sink.options' => q('{"timeout": 5}'), 'ingest_delivery.own_sink.name' => "'kept'", 'ingest.set_types.consumer' => "'sink kept'", 'ingest_delivery.set_state.state' => "'paused'",
	'ingest.grant_source.role' => "'w_consumer'", 'ingest.subscribe.types' => 'NULL', types => 'NULL', 'ingest.pause.sync' => 'NULL', 'ingest.resume.sync' => 'NULL', 'ingest.work.max_jobs' => 'NULL',);
# more than the type's, where a word is asked for
my %more = (
	'where_clause' => [ "'false'", "'true) GROUP BY (id'", "'false) GROUP BY (id'", "'1'", "'amount = -1.5'", "'true; SELECT 1'", "'count(*) > 1'", "'id IN (SELECT id)'", "'nextval(''w.numbers'') > 0'", "'true) --'", "'true /*'" ],
	'query' => [ "'SELECT'", "'SELECT 1, 1'", "'VALUES (0::money)'", "'TABLE w.bare'", "'SELECT 1) x (a) GROUP BY (a'", "'WITH x AS (SELECT 1) SELECT * FROM x'", "'DELETE FROM w.plain RETURNING id'", "'SELECT NULL'", "'SELECT ''x'''", "'SHOW port'", "'SELECT ROW(1)'" ],
	'schedule' => [ "'* * * * *'", "'*/0 * * * *'", "'0 0 31 2 *'", "'1 second'", "'-1 day'", "'0'", "'every day'", "'60 * * * *'", "'1-0 * * * *'", "'178000000 years'", "'* * * * * *'" ],
	'unset' => [ "'{}'", "'{reconcile_every}'", "'{parent,history_retention}'", "'{key}'", "'{NULL}'" ], 'overlap' => [ "'-1 day'", "'178000000 years'" ], 'reconcile_every' => [ "'-1 day'" ], 'max_delete_share' => [ '7' ],
	'arguments' => [ q('{"min": 1}'), q('{"min": "x"}'), q('{"max": null}'), q~'{"pattern": "("}'~, q('{"pattern": ""}'), q('{"values": []}'), q('{"values": [[1]]}'), q('{"table": "w.plain", "columns": ["id"]}'), q('{"table": 1}'), q('{"condition": "1/0 = 1"}'), q('{"condition": ""}'),
		q('{"max_age": "-1"}'), q('{"max_age": []}'), q('{"min": "NaN", "max": "infinity"}') ],
	'kind' => [ map { "'$_'" } qw(not_null unique in_set range pattern length references freshness row_count sql crawl sync profile check quality declared rate count amount) ],
	'direction' => [ "'up'", "'down'" ], 'mode' => [ map { "'$_'" } qw(full incremental append) ], 'deletions' => [ map { "'$_'" } qw(hard soft ignore) ], 'severity' => [ "'info'", "'warning'" ], 'profile' => [ "'all'", "'sample'" ],
	'target' => [ "'copies.plain'", "'w.view'", "'w.plain'", "'w.numbers'", "'copies.'", "'.x'", "'a.b.c.d'", "'pg_catalog.x'" ], 'key' => [ "'{name}'", "'{amount}'", "'{doc}'", "'{raw}'", "'{f}'", "'{plain,id}'" ], 'cursor_column' => [ "'id'", "'m'", "'i'", "'d'", "'f'", "'no'" ],
	'partition_by' => [ "'RANGE (id)'", "'LIST (id)'", "'HASH (id)'", "'x'", "'RANGE (no)'", "'RANGE ((1/0))'" ], 'parent' => [ "'plain'", "'child'" ], 'parent_column' => [ "'plain'", "'id'" ], 'distribute_by' => [ "'id'" ], 'column_name' => [ map { "'$_'" } qw(id name mood pair tags doc raw changed) ],
	'suiteql' => [ "'SELECT 1'", "'x'", "'SELECT id FROM customer WHERE id = ?'", "'SELECT id FROM no_such_table'" ], 'params' => [ "'{1}'", "'{1,2,3}'" ], 'object' => [ "'copies.plain.id'", "'copies'", "'a.b.c.d'", "'.'", "'copies.'", "'shop.plain.no'" ], 'table' => [ "'transaction'", "'no'" ],
	'url' => [ "'https://[::1]/'", "'https://a.example:99999/'", "'https://'", "'x'", "'https://a\@b/'", "'https://%00/'" ], 'secret' => [ "'env:HOME'", "'file:/etc/passwd'", "'mapping:'", "'mapping:a'", "'mapping:ns/x'", "'mapping:/'" ], 'reference' => [ "'env:HOME'", "'file:/'", "'mapping:back/user'" ],
	'ordered' => [ "'none'" ], 'on_exhausted' => [ "'hold'" ], 'on_expiry' => [ "'skip'" ], 'which' => [ "'all'", "'dead'" ], 'since' => [ "'2020-01-01'" ],
	'headers' => [ q('{"a": "b"}'), q('{"a": 1}'), q('{"": "b"}') ],
	'types' => [ "'{ingest.*}'", "'{%}'", "'{*}'" ], 'path' => [ "'no such file'", "'**'", "'../x'", "'*;?;[a'", "'broken.csv'" ], 'pattern' => [ "'[!]]'", "'#'", "'**/**/*'" ], 'options' => [ "'{delimiter=ab}'", "'{path=a,quote=tab}'", "'{metadata=error,partition=x}'", "'{root=/etc}'", "'{base_url=x}'", "'{=}'", "'{a}'", "'{no=1}'", "'{timeout=99999999999}'" ], 'semantic_type' => [ "'uuid'", "'iban'", "'no'" ],);

# -- every function --

my @functions = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql($p, q{
	SELECT p.oid, n.nspname, p.proname, p.prokind, p.pronargs, coalesce(array_to_string(p.proargnames[1:p.pronargs], ','), ''),
		(SELECT string_agg(t.typname, ',' ORDER BY a.i) FROM unnest(p.proargtypes) WITH ORDINALITY a (oid, i) JOIN pg_type t ON t.oid = a.oid), p.prorettype::regtype, p.provolatile
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname IN ('netsuite_fdw', 'files_fdw', 'ingest_profile', 'ingest', 'ingest_delivery', 'ingest_api') ORDER BY n.nspname, p.proname, p.oid});
cmp_ok(scalar @functions, '>', 100, 'the functions of six extensions');
my @unknown = grep { !$odd{$_} } map { split /,/, $_->[6] } @functions;
is("@unknown", '', 'every type of argument has values');
# a constraint's name is what a user reads (base/words.c)
is($node->safe_psql($p, q{SELECT string_agg(conname, ' ') FROM pg_constraint WHERE connamespace IN ('ingest'::regnamespace, 'ingest_delivery'::regnamespace, 'ingest_api_internal'::regnamespace) AND contype = 'c' AND conname !~ ' '}), '', 'a check of the repository is called by a sentence');

# Where an argument's odd values come from: its type, its name, and that it is unknown
sub values_of
{
	my ($argument, $type) = @_;
	return ('NULL', @{ $odd{$type} }, @{ $more{$argument} // [] });
}

sub good_value
{
	my ($schema, $function, $argument, $type) = @_;
	my $outer = $schema =~ s/_internal$//r;
	return $good{"$schema.$function.$argument"} // $good{"$outer.$function.$argument"}
	  // ($argument eq 'name' && $schema =~ /^ingest/ && $function !~ /role_oid/ ? "'plain'" : undef) // ($type =~ /^(text|name|regclass|oid|int8|_?text|jsonb)$/ ? $good{$argument} : undef) // $odd{$type}[0];
}

# A call; arguments as SQL
sub call
{
	my ($f, @arguments) = @_;
	my ($oid, $schema, $name, $kind, $n, $names, $types) = @$f;
	my @types = split /,/, $types;
	my $list = join ', ', map {
		my $type = $types[$_];
		$type =~ /^(any|anyelement|internal|cstring|record)$/ ? $arguments[$_] : $type eq 'event' ? "($arguments[$_])::ingest.event" : $type eq 'sink' ? "($arguments[$_])::ingest_delivery.sink" : $type eq 'profile_sketch' ? "($arguments[$_])::profile_sketch" : $type =~ /^_(.*)/ ? "($arguments[$_])::$1\[]" : "($arguments[$_])::$type"
	} 0 .. $n - 1;
	return "CALL $schema.$name($list)" if $kind eq 'p';
	return "SELECT $schema.$name($list) FROM generate_series(1, 2)" if $kind eq 'a';
	return "SELECT $schema.$name($list)";
}

# Every argument but one as it should be, that one (of one of these types) unknown and odd, in a share of the ways; and all unknown
sub single_deviations
{
	my ($f, $share, $of) = @_;
	my ($oid, $schema, $name, $kind, $n, $names, $types) = @$f;
	my @names = split /,/, $names, -1;
	my @types = split /,/, $types;
	my @good = map { good_value($schema, $name, $names[$_] // '', $types[$_]) } 0 .. $n - 1;
	my @calls = (call($f, @good), call($f, ('NULL') x $n));
	foreach my $i (grep { !$of || $types[$_] =~ $of } 0 .. $n - 1)
	{
		push @calls, map { my @arguments = @good; $arguments[$i] = $_; call($f, @arguments) } grep { $_ eq 'NULL' || rand() < $share } values_of($names[$i] // '', $types[$i]);
	}
	return @calls;
}

# Two that are odd
sub pair
{
	my ($f) = @_;
	my ($oid, $schema, $name, $kind, $n, $names, $types) = @$f;
	my @names = split /,/, $names, -1;
	my @types = split /,/, $types;
	my @arguments = map { good_value($schema, $name, $names[$_] // '', $types[$_]) } 0 .. $n - 1;
	foreach my $i ((shuffle 0 .. $n - 1)[ 0, 1 ])
	{
		my @values = values_of($names[$i] // '', $types[$i]);
		$arguments[$i] = $values[ rand @values ];
	}
	return call($f, @arguments);
}

# -- calling --

sub run_file
{
	my ($user, $file, %variables) = @_;
	my $err = '';
	# a message that quotes 100 MB is read no further than people would
	IPC::Run::run([ 'bash', '-c', 'psql "$@" 2>&1 >/dev/null | cut -b 1-2000', 'psql', '-XAtq', '-d', $node->connstr($p) . " user=$user", (map { ('-v', "$_=$variables{$_}") } sort keys %variables), '-f', $file ],
		'<', '/dev/null', '>', \$err, IPC::Run::timeout(3600));
	die $err if $file !~ /batch/ && $err =~ /ERROR|FATAL/;
	return $err;
}

sub postmaster
{
	my $file = $node->data_dir . '/postmaster.pid';
	return -e $file ? (split /\n/, slurp_file($file))[0] : 'gone';
}

# So that what comes after a crash is called as well
sub revive
{
	sleep 1 while postmaster() ne 'gone' && !defined sql_or_nothing($node, 'SELECT 1');
	return if postmaster() ne 'gone';
	$node->_update_pid(0);
	$node->start;
	return;
}

# Errors that are PostgreSQL's own words about what it was asked
my $of_core = qr/^(cache lookup failed for (type|relation) \d+|could not open relation with OID \d+|unrecognized (node|privilege) type|invalid memory alloc request size|cannot (accept|display) a value)/;
my $at = 0;
my $crashes = 0;
my %seen;    # of each role: calls, answers, errors

# Calls by a role, each in a transaction that is rolled back, procedures by themselves.  What is wrong with them.
sub batch
{
	my ($role, @calls) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/batch_$role.sql";
	my $pid = postmaster();
	open my $sql, '>', $file or die $!;
	print $sql "\\o /dev/null\nSET statement_timeout = '2s'; SET client_min_messages = error;\n\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n";
	foreach my $i (0 .. $#calls)
	{
		print $sql "\\warn \@$i\n" . ($calls[$i] =~ /^(CALL|COPY|WITH t)/ ? "$calls[$i];\n" : "BEGIN;\n$calls[$i];\nSET CONSTRAINTS ALL IMMEDIATE;\nROLLBACK;\n");
	}
	print $sql "\\warn \@end\n";
	close $sql;
	my $said = run_file($role, $file);
	my @wrong;
	my @pieces = split /^\@(\d+|end)$/m, $said;
	shift @pieces;
	while (@pieces)
	{
		my ($i, $text) = splice @pieces, 0, 2;
		next if $i eq 'end';
		my $call = length $calls[$i] > 300 ? substr($calls[$i], 0, 300) . '…' : $calls[$i];
		$seen{$role}{calls}++;
		if ($text =~ /(FATAL|server closed the connection|connection to server was lost)/)
		{
			push @wrong, "the server went away: $call";
			revive();
			push @wrong, batch($role, @calls[ $i + 1 .. $#calls ]) if ++$crashes < 20;
			return @wrong;
		}
		# a message may hold what was passed, line ends and all
		next unless $text =~ /ERROR:  (\w{5}): (.*?)(?:\n(?:DETAIL|HINT|QUERY|LINE \d+|CONTEXT|[A-Z]+ NAME|LOCATION):|\z)/s;
		my ($state, $message) = ($1, $2);
		$seen{$role}{errors}++;
		next if $message =~ /current transaction is aborted/;
		push @wrong, "an internal error: $message: $call" if $state eq 'XX000' && $message !~ $of_core;
		# what is inside is reached through the door, which puts it into words
		push @wrong, "a constraint: $message: $call" if $call !~ /SELECT ingest(_delivery)?_internal/ && $message =~ /(violates|conflicting key value)/ && $text =~ /SCHEMA NAME:  ingest/;
		# of one that begins with what was passed, and is cut, the rest may be one
		push @wrong, "no sentence: $message: $call" if length $message < 1900 && ($message !~ /\S \S/ || $message =~ /^[A-Z_]+$/);
	}
	push @wrong, "not all were called: " . substr($said, max(0, length($said) - 300)) if $said !~ /^\@end$/m && !@wrong;
	push @wrong, crashed();
	push @wrong, 'the postmaster is another one' if postmaster() ne $pid;
	return @wrong;
}

# What the log says since it was read last that no server should say
sub crashed
{
	my @said;
	my $tail = '';
	open my $in, '<:raw', $log or die $!;
	seek $in, $at, 0;
	while (read $in, my $part, 1 << 20)
	{
		$part = $tail . $part;
		$tail = substr $part, -100;
		push @said, "in the log: $1" if $part =~ /((?:terminated by signal|PANIC|TRAP:|AddressSanitizer|stack smashing).{0,200})/;
	}
	$at = tell $in;
	close $in;
	return @said;
}

sub survives
{
	my ($what, $role, @calls) = @_;
	my $begun = time();
	my @wrong = batch($role, @calls);
	is(join("\n", @wrong), '', sprintf('%s as %s: %d calls', $what, $role, scalar @calls)) ;
	note(sprintf('%.1f s, %d errors of %d calls', time() - $begun, $seen{$role}{errors} // 0, $seen{$role}{calls} // 0));
	return;
}

my @of_users = grep { $_->[1] !~ /_internal$/ } @functions;
my @single = map { single_deviations($_, $all ? 1 : 0.4) } @of_users;
my @with_two = grep { $_->[4] > 1 } @of_users;
my @pairs = map { pair($with_two[ rand @with_two ]) } 1 .. $pairs;

# the owner of all that is there comes furthest; others are drawn
survives('each argument', 'w_keeper', @single);
survives('each argument', 'postgres', $all ? @single : grep { rand() < 0.2 } @single);
survives('what is inside', 'postgres', map { single_deviations($_, $all ? 1 : 0.1) } grep { $_->[1] =~ /_internal$/ } @functions);
survives('two arguments', 'w_keeper', @pairs);
survives('some arguments', $_, $all ? @single : grep { rand() < 0.1 } @single) for qw(w_nobody w_reader w_consumer w_admin);

# -- what one role says stops nobody else: what looks at everybody's still answers, in the same transaction --

$node->safe_psql($p, q{
	CREATE FUNCTION w.everybody() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		view regclass;
	BEGIN
		PERFORM ingest_internal.alerts_look('15 min');
		PERFORM ingest_internal.check_freshness();
		PERFORM * FROM ingest_internal.demand();
		PERFORM * FROM ingest_internal.due();
		PERFORM ingest_internal.prune_part(part, '100 years', '100 years') FROM unnest('{events,days of history,runs}'::text[]) part;
		FOR view IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'v' LOOP
			EXECUTE format('SELECT count(to_jsonb(v)) FROM %s v', view);
		END LOOP;
	END $$});

# Calls by the keeper of all, and what then goes wrong for others
sub stops_others
{
	my $file = "$PostgreSQL::Test::Utils::tmp_check/batch_others.sql";
	open my $sql, '>', $file or die $!;
	print $sql "\\o /dev/null\nSET client_min_messages = error;\n\\set SHOW_CONTEXT never\n";
	print $sql "\\warn \@$_\nBEGIN;\nSET LOCAL ROLE w_keeper;\nSET LOCAL statement_timeout = '2s';\n$_[$_];\nRESET ROLE;\nSET LOCAL statement_timeout = 0;\n\\warn others\nSELECT w.everybody();\nROLLBACK;\n" foreach 0 .. $#_;
	close $sql;
	my @pieces = split /^\@(\d+)$/m, run_file('postgres', $file);
	shift @pieces;
	my @wrong;
	while (@pieces)
	{
		my ($i, $said) = splice @pieces, 0, 2;
		my ($others) = $said =~ /^others$(.*)/ms;
		push @wrong, "$_[$i]: $1" if ($others // "") =~ /ERROR: +(?! |current transaction is aborted)(.*)/;
	}
	return @wrong;
}

my @said = grep { length($_) < 10000 } map { single_deviations($_, 1, $all ? undef : qr/^(interval|timestamp|float|int)/) } grep { $_->[1] eq 'ingest' && $_->[3] eq 'f' && $_->[8] eq 'v' } @functions;
is(join("\n", stops_others(@said)), '', 'what one role says stops nobody else: ' . @said . ' calls');

# -- aggregates: of every type what reads as one of these, and NULL; every way to aggregate --

my @literals = ('0', '', '1', 't', '{}', '2026-01-01', '{"a":1}', '(0,0)', '-infinity', 'NaN', '00:00');
my @types = split /\n/, $node->safe_psql($p, q{
	SELECT format_type(t.oid, NULL) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE t.typtype IN ('b', 'd', 'e', 'r', 'm', 'c') AND n.nspname <> 'pg_toast' AND (c.oid IS NULL OR c.relkind = 'c' OR n.nspname IN ('w', 'copies')) ORDER BY 1});
my @aggregates;
foreach my $type (@types)
{
	push @aggregates, "SELECT profile_stats(profile(NULL::$type))";
	push @aggregates, map { "SELECT profile_stats(profile_merge(s)) FROM (SELECT profile('$_'::$type) FROM generate_series(1, 2) UNION ALL SELECT profile('0'::$type)) x (s)" } @literals;
}
push @aggregates, map { "SELECT profile_stats($_) FROM w.plain" } 'profile(amount) OVER ()', 'profile(amount) OVER (ORDER BY id ROWS BETWEEN 3 FOLLOWING AND 5 FOLLOWING)', 'profile(amount) OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE CURRENT ROW)',
  'profile(amount) FILTER (WHERE false)', 'profile(DISTINCT amount)', 'profile(amount ORDER BY id)', 'profile(plain)', 'profile(ROW(id, name))', 'profile((SELECT 1 WHERE false))', 'profile(NULL::w.plain)';
push @aggregates, 'SELECT profile_stats(profile_merge(NULL::profile_sketch))', 'SELECT profile_stats(profile_merge(sketch)) FROM w.sketch', 'SELECT kind, profile_merge(sketch) OVER (ORDER BY kind) FROM w.sketch', 'SELECT profile_stats(profile(a)) FROM w.dropped GROUP BY ROLLUP (a)';
survives('aggregates over every type', 'w_keeper', $all ? @aggregates : grep { /NULL/ || !/profile_merge\(s\)/ || rand() < 0.25 } @aggregates);

# -- every relation --

my @relations = split /\n/, $node->safe_psql($p, q{
	SELECT quote_literal(c.oid::regclass) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'c', 'i', 't') AND n.nspname !~ '^pg_temp' ORDER BY 1});
my @of_relations = map { my $r = $_; ("SELECT * FROM profile_table($r)", map { "SELECT * FROM $_" } "candidate_keys($r)", "ingest_internal.view_columns($r)", "ingest.lineage($r)", "ingest.check_quality($r)", "profile_report($r, sample_rows => 3)", "ingest.suggest_rules($r, 3)") } @relations;
survives('every relation', 'postgres', $all ? @of_relations : grep { rand() < ( /pg_|information|ingest\./ ? 0.08 : 0.4 ) } @of_relations);

# -- the stored form: in, out, sent, received --

my @damage = map { my $by = $_; map { "SELECT profile_stats(encode($_, 'base64')::profile_sketch) FROM w.sketch WHERE sketch IS NOT NULL" }
	"set_byte(decode(sketch::text, 'base64'), (octet_length(decode(sketch::text, 'base64')) - 1) * $by / 20, 255)", "substr(decode(sketch::text, 'base64'), 1, octet_length(decode(sketch::text, 'base64')) * $by / 20)" } 0 .. 19;
push @damage, map { "SELECT $_\::profile_sketch" } "''", "'='", "'AAAA'", "repeat('A', 1000000)", "'UFMC'", "E'\\x01'", "'UFMCAgYHbnVtZXJpYwA='";
push @damage, 'SELECT profile_sketch_send(sketch), profile_sketch_out(sketch) FROM w.sketch', map { "SELECT profile_sketch_out($_)" } 'NULL';
# COPY's binary form: head, and one row of one field
my $binary = "$PostgreSQL::Test::Utils::tmp_check/binary";
my $n = 0;
foreach my $field ('', "\0", 'PS', "PS\1\2", "PS\2" . "\xff" x 100, "PS\2" . "\0" x 5000, join('', map { chr(int rand 256) } 1 .. 1000))
{
	my $file = $binary . $n++;
	open my $out, '>:raw', $file or die $!;
	print $out "PGCOPY\n\xff\r\n\0" . pack('NNnN', 0, 0, 1, length $field) . $field . pack('n', 0xffff);
	close $out;
	push @damage, "COPY w.sketch (sketch) FROM '$file' (FORMAT binary)";
}
survives('stored sketches', 'postgres', @damage);

# -- texts of 100 MB, and more --

my $huge = 100_000_000;
my @giants = ("SELECT ingest.emit('a', 'b', to_jsonb(repeat('x', $huge)))", "SELECT ingest.emit(repeat('x', $huge), 'b', '1')", "SELECT ingest.pause(repeat('x', $huge))", "SELECT profile_stats(profile(repeat('ab ', $huge / 3)), repeat('x', $huge))", "SELECT semantic_check('email', repeat('x', $huge))",
	"SELECT repeat('A', $huge)::profile_sketch", "SELECT ingest_internal.next_due(repeat('*', $huge), now())", "SELECT ingest.lineage(repeat('x', $huge))", "SELECT * FROM netsuite_query('ns', repeat('x', $huge))", "CALL ingest.sync(repeat('x', $huge))");
push @giants, map { my $f = $_; my ($text) = grep { (split /,/, $f->[6])[$_] eq 'text' } 0 .. $f->[4] - 1; my @a = map { good_value(@$f[ 1, 2 ], (split /,/, $f->[5], -1)[$_], (split /,/, $f->[6])[$_]) } 0 .. $f->[4] - 1; $a[$text] = "repeat('x', $huge)"; call($f, @a) } grep { $_->[6] =~ /\btext\b(?!\[)/ && $_->[6] =~ /(^|,)text(,|$)/ } @of_users if $all;
survives('texts of 100 MB', 'w_keeper', $all ? @giants : (shuffle @giants)[ 0 .. 2 ]);
SKIP:
{
	my ($free) = slurp_file('/proc/meminfo') =~ /MemAvailable: +(\d+)/;
	skip '1 GB: with CALLS=all or CALLS_HUGE=1, where 8 GB are free', 1 if !($all || $ENV{CALLS_HUGE}) || $free < 8 * 1024 * 1024;
	survives('a text of 1 GB', 'w_keeper', map { sprintf $_, "repeat('x', 1073741000)" } 'SELECT profile_stats(profile(%s))', "SELECT ingest.emit('a', 'b', to_jsonb(%s))", 'SELECT ingest.pause(%s)', "SELECT * FROM profile_query(%s)", "SELECT semantic_check('email', %s)", 'SELECT ingest.set_lineage(%s, %1$s)');
}

# -- rows of the repository that are missing, as while it is restored --

my @rows = map { "DELETE FROM ingest.$_" } split /\n/, $node->safe_psql($p, q{SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1});
my @good = map { my $f = $_; call($f, map { good_value(@$f[ 1, 2 ], (split /,/, $f->[5], -1)[$_] // '', (split /,/, $f->[6])[$_]) } 0 .. $f->[4] - 1) } grep { $_->[1] eq 'ingest' && $_->[3] eq 'f' } @functions;
# one table at a time, for who does not look at foreign keys either
my @missing = map { my $row = $_; map { "SET session_replication_role = replica;\n$row;\nSET session_replication_role = origin;\n$_" } @good } @rows;
survives('a table of the repository is empty', 'postgres', $all ? @missing : grep { rand() < 0.25 } @missing);
survives('so it is for procedures', 'postgres', map { ($_, "CALL ingest.sync('plain')", "CALL ingest.crawl('shop')", "CALL ingest.work('look')", 'CALL ingest.work(max_jobs => 1)', "CALL ingest.redrive('child')") } map { "WITH t AS ($_) SELECT" } $node->safe_psql($p, 'SET session_replication_role = replica; DELETE FROM ingest.sync_state; DELETE FROM ingest.source_table; DELETE FROM ingest.circuit') || 'SELECT 1');

# -- a library that meets the objects of another version --

my $version = $node->safe_psql($p, "SELECT extversion FROM pg_extension WHERE extname = 'ingest'");
$node->safe_psql($p, "CREATE DATABASE other");
$node->safe_psql('other', "CREATE EXTENSION netsuite_fdw; CREATE EXTENSION files_fdw; CREATE EXTENSION ingest CASCADE; CREATE TABLE sketches AS SELECT profile(1) AS s; UPDATE pg_extension SET extversion = '0.0' WHERE extname IN ('netsuite_fdw', 'files_fdw', 'ingest_profile', 'ingest')");
my @c = split /\n/, $node->safe_psql('other', q{
	SELECT DISTINCT ON (p.prosrc) format(CASE p.prokind WHEN 'p' THEN 'CALL %s(%s)' ELSE 'SELECT %s(%s)' END, p.oid::regproc, (SELECT string_agg(CASE t.typtype WHEN 'p' THEN CASE t.typname WHEN 'record' THEN 'ROW(1)' ELSE 'NULL::text' END ELSE format('%L::%s', CASE t.typcategory WHEN 'A' THEN '{}' WHEN 'N' THEN '0' WHEN 'D' THEN 'now' WHEN 'T' THEN '0' WHEN 'B' THEN 't' WHEN 'S' THEN '' ELSE CASE t.typname WHEN 'jsonb' THEN '{}' END END, t.oid::regtype) END, ', ' ORDER BY a.i) FROM unnest(p.proargtypes) WITH ORDINALITY a (oid, i) JOIN pg_type t ON t.oid = a.oid))
	FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
	WHERE l.lanname = 'c' AND e.extname IN ('netsuite_fdw', 'files_fdw', 'ingest_profile', 'ingest') AND p.prokind IN ('f', 'p') AND NOT (p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[])
		AND p.proname NOT IN ('profile_sketch_send', 'netsuite_fdw_comment', 'files_fdw_comment', 'at_home') AND NOT (p.proisstrict AND 'profile_sketch'::regtype = ANY (p.proargtypes::oid[])) AND p.proretset IS NOT NULL ORDER BY p.prosrc});
cmp_ok(scalar @c, '>', 30, 'functions in C');
my @silent;
foreach my $call (@c)
{
	my ($code, $out, $err) = $node->psql('other', $call);
	push @silent, "$call: $err" if $err !~ /ERROR:  the library of extension "\w+" is version \Q$version\E, its objects in this database are version 0\.0\nHINT:  ALTER EXTENSION/;
}
is(join("\n", @silent), '', 'each says so');
is($node->safe_psql('other', 'SELECT length(s::text) > 10 FROM sketches; CREATE TABLE goes_on (a int)'), 't', 'a dump and others\' commands go on');
$node->safe_psql('other', "UPDATE pg_extension SET extversion = '$version' WHERE extversion = '0.0'");
is($node->safe_psql('other', 'SELECT ingest_internal.era()'), '1', 'of one version again');

done_testing();
