# What pages ask for: profiles, previews, rows as they were, versions, rows that violate a rule, series, a search
use strict;
use warnings;
use Api;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN SUPERUSER; CREATE ROLE granted LOGIN; CREATE ROLE other LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO granted;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop."Sales Order" (id int PRIMARY KEY, "customerEmail" text, amount numeric, at timestamptz NOT NULL DEFAULT clock_timestamp());
	CREATE TABLE shop.line (order_id int, n text, qty int, at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (order_id, n));
	INSERT INTO shop."Sales Order" SELECT i, 'c' || i || '@example.com', i * 1.5 FROM generate_series(1, 50) i;
	INSERT INTO shop.line SELECT 1 + i % 50, 'x/' || i, i FROM generate_series(1, 100) i;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin');
	GRANT USAGE ON FOREIGN SERVER s TO fin;
});
my $fin = "SET SESSION AUTHORIZATION fin; ";
sql($fin . q{
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	COMMENT ON COLUMN shop_ft."Sales Order".amount IS 'What is owed, with VAT: Größe der Forderung';
	CALL ingest.crawl('shop');
	SELECT ingest.create_sync('shop_ft."Sales Order"', 'books."Sales Order"', name => 'orders', cursor_column => 'at', overlap => '0', history => true);
	SELECT ingest.create_sync('shop_ft.line', 'books.line', name => 'lines', cursor_column => 'at', overlap => '0', history => true);
});
sql($fin . $_) for "CALL ingest.sync('orders')", "CALL ingest.sync('lines')";
sql('SELECT pg_sleep(0.1)');
my $moment = sql('SELECT clock_timestamp()');
sql('SELECT pg_sleep(0.1)');
sql($fin . q{UPDATE shop."Sales Order" SET amount = -1, at = clock_timestamp() WHERE id = 7; UPDATE shop.line SET qty = 0, at = clock_timestamp() WHERE n = 'x/9'});
sql($fin . $_) for "CALL ingest.sync('orders')", "CALL ingest.sync('lines')";
sql($fin . q{SELECT ingest.profile('books."Sales Order"'), ingest.add_rule('books."Sales Order"', 'range', '{amount}', '{"min": 0}'), ingest.add_rule('books."Sales Order"', 'sql', arguments => '{"condition": "amount > 0"}'); SELECT ingest.check_quality('books."Sales Order"'); SELECT ingest.grant_source('shop', 'granted')});
# a superuser has no token
sql('ALTER ROLE fin NOSUPERUSER; GRANT fin, granted, other TO ingest_authenticator');
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t')") } qw(fin granted) ;
sql('GRANT ingest_reader TO other');
$token{other} = sql("SET SESSION AUTHORIZATION other; SELECT ingest_api.create_token('t')");

sub ask
{
	my ($role, $path) = @_;
	my ($status, undef, $body) = serve_with($node, $token{$role}, 'GET', "/v1/$path");
	return ($status, $status ? decoded($body) : $body);
}
sub status { return (ask(@_))[0]; }
sub body { return (ask(@_))[1]; }

my $orders = sql(q{SELECT id FROM ingest.source_table WHERE name = 'Sales Order'});
my $lines = sql(q{SELECT id FROM ingest.source_table WHERE name = 'line'});

# -- rows --

my $preview = body('fin', "tables/$orders/preview?limit=3");
is(scalar @{ $preview->{rows} }, 3, 'a preview has so many rows');
is_deeply([ sort keys %{ $preview->{rows}[0] } ], [qw(amount at customerEmail id)], 'with all columns');
is(sql("SELECT count(*) FROM ($preview->{sql}) x"), 3, 'and the statement that gives them');
is(status('granted', "tables/$orders/preview"), 403, 'not of a table that one may not read');
sql($fin . 'GRANT USAGE ON SCHEMA books TO granted; GRANT SELECT (id, amount) ON books."Sales Order" TO granted');
is_deeply([ sort keys %{ body('granted', "tables/$orders/preview")->{rows}[0] } ], [qw(amount id)], 'the columns that one may read');
is(status('other', "tables/$orders/preview"), 404, 'not of a source that one does not see');
is(status('fin', "tables/$orders/preview?limit=-1"), 400, 'no rows below none');
is(status('fin', "tables/$orders/preview?limit=1000000"), 400, 'nor more than an answer holds');
is(status('fin', 'tables/999/preview'), 404, 'no such table');
is(status('fin', 'tables/x/preview'), 400, 'no number');

my $then = body('fin', "tables/$orders/as-of?time=" . ($moment =~ s/ /T/r =~ s/\+/%2B/r));
is(scalar @{ $then->{rows} }, 50, 'all rows as they were');
is($then->{rows}[6]{amount}, 10.5, 'in the order of the key, with the old value');
is(sql($fin . "SELECT sum(amount) FROM ($then->{sql}) x"), sql('SELECT sum(i * 1.5) FROM generate_series(1, 50) i'), 'and the statement that gives them');
is(body('fin', "tables/$orders/as-of?offset=6&limit=1&time=" . ($moment =~ s/ /T/r =~ s/\+/%2B/r))->{rows}[0]{id}, 7, 'by pages');
is(status('granted', "tables/$orders/as-of?time=$moment" =~ s/ /T/r =~ s/\+/%2B/r), 403, 'not for who may not read all of it');
is(status('fin', "tables/$orders/as-of"), 400, 'without a moment');
is(status('fin', "tables/$orders/as-of?time=1999-01-01"), 400, 'nor of a moment before there was history');
is(status('fin', "tables/$orders/as-of?time=2999-01-01"), 400, 'nor of one to come');

my $versions = body('fin', "tables/$orders/rows/7/versions");
is(join(',', map { $_->{version}{amount} } @{ $versions->{rows} }), '10.5,-1', 'versions of a row');
is_deeply([ map { $_->{version}{qty} } @{ body('fin', "tables/$lines/rows/" . '%7B%22order_id%22%3A10%2C%22n%22%3A%22x%2F9%22%7D' . '/versions')->{rows} } ], [ 9, 0 ], 'by a key of several columns');
is(status('fin', "tables/$lines/rows/7/versions"), 400, 'a part of a key');
is(status('fin', "tables/$orders/rows/x/versions"), 400, 'a key that is none');
is(status('granted', "tables/$orders/rows/7/versions"), 403, 'not for who may not read all of it');

my ($range, $condition) = split /\n/, sql('SELECT id FROM ingest.rule ORDER BY id');
is_deeply([ map { $_->{id} } @{ body('fin', "rules/$range/failing")->{rows} } ], [7], 'rows that violate a rule');
is_deeply([ map { $_->{id} } @{ body('fin', "rules/$condition/failing")->{rows} } ], [7], 'or a condition of one\'s own');
is(status('granted', "rules/$range/failing"), 403, 'not for who may not read them');
sql($fin . 'GRANT SELECT ON books."Sales Order" TO granted');
is_deeply([ map { $_->{id} } @{ body('granted', "rules/$range/failing")->{rows} } ], [7], 'but for who may');
my $foreign = body('granted', "rules/$condition/failing");
is($foreign->{rows}, undef, 'a condition that somebody else wrote is not run');
like($foreign->{sql}, qr/amount > 0/, 'it is shown');
is(status('fin', 'rules/999/failing'), 404, 'no such rule');
is(status('fin', "rules/$range"), 200, 'a rule is found by its number');

is(join(' ', map { $_->{column_name} } @{ body('fin', "tables/$orders/profile") }), 'id customerEmail amount at', 'the last profile, in the order of the columns');
is_deeply(body('fin', "tables/$lines/profile"), [], 'none yet');

# -- series --

my %sum = map { my $of = $_; my $total = 0; $total += $_->{value} for @{ body('fin', "series?of=$of&step=10%20minutes")->{rows} }; ($of => $total) } qw(rows_changed rows_read runs failed_runs rows_rejected run_seconds);
is("$sum{rows_changed} $sum{runs} $sum{failed_runs}", sql(q{SELECT sum(rows_inserted + rows_updated + rows_deleted) FILTER (WHERE kind = 'sync') || ' ' || count(*) || ' 0' FROM ingest.run_status WHERE finished_at IS NOT NULL}), 'series add up to what happened');
my $fresh = body('fin', 'series?of=freshness&sync=orders&from=' . sql("SELECT to_char(now() - interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')") . '&step=1%20second');
is($fresh->{rows}[0]{value}, undef, 'before its first run nobody knows how fresh it was');
cmp_ok($fresh->{rows}[-1]{value}, '<', 60, 'then how old it was');
is(status('fin', "series?of=runs&sync=nothing"), 404, 'no such sync');
is(status('fin', $_), 400, "refused: $_") for 'series', 'series?of=x', 'series?of=runs&step=0', 'series?of=runs&step=1%20month', 'series?of=runs&step=-1%20hour', 'series?of=runs&from=infinity', 'series?of=runs&step=1%20second&from=2020-01-01', 'series?of=runs&from=2027-01-01&to=2026-01-01';
is(body('other', 'series?of=runs')->{rows}[-1]{value}, 0, 'of what one sees alone');

# -- search --

sub annotate { my ($of, $name, $value) = @_; sql($fin . "SELECT ingest.annotate('$of', '$name', '$value')"); return; }
sub found { my ($role, $q) = @_; my $all = body($role, "search?q=$q"); return ref $all eq 'ARRAY' ? join(' ', map { join('.', grep { defined } $_->{table_name}, $_->{column_name}) || $_->{name} } @$all) : $all->{message}; }
is(found('fin', 'amount'), 'Sales Order.amount', 'by a name');
is(found('fin', 'EMAIL'), 'Sales Order.customerEmail', 'by a part of one, in any case');
is(found('fin', 'order'), 'line.order_id Sales Order Sales Order.amount', 'what begins so comes first');
is(found('fin', 'gr%C3%B6%C3%9Fe'), 'Sales Order.amount', 'by a description');
is(found('fin', 'vat+owed'), 'Sales Order.amount', 'by all words of it');
is(found('fin', 'vat+nothing'), '', 'not by some');
is(found('fin', 'id'), 'Sales Order.id line.order_id', 'two characters begin a word');
is(found('fin', 'shop'), 'shop', 'a source');
is(found('granted', 'amount'), 'Sales Order.amount', 'who was granted the source finds it');
is(found('other', 'amount'), '', 'others do not');
annotate('shop_ft."Sales Order".amount', 'tags', '["pii", "Zahlung"]');
annotate('shop_ft."Sales Order"', 'description', '"what the treasurer reconciles"');
annotate('shop_ft.line.order_id', 'findings', '{"join": {"with": "Sales Order", "certainty": 0.97}}');
is(found('fin', 'zahlung'), 'Sales Order.amount', 'by what is said of a column');
is(found('fin', 'treasurer+reconciles'), 'Sales Order', 'of a table');
is(found('fin', 'pii+amount'), 'Sales Order.amount', 'some words by its name, the others by what is said');
is(found('fin', 'pii+owed'), 'Sales Order.amount', 'or by its description');
is(found('fin', 'pii+nothing'), '', 'all words must be there');
is(found('fin', 'certainty'), 'line.order_id', 'within documents');
is(found('fin', 'order'), 'line.order_id Sales Order Sales Order.amount', 'once, and where its name has it, by that');
is((body('fin', 'search?q=zahlung'))->[0]{rank}, 5, 'behind all names and descriptions');
is(found('granted', 'zahlung'), 'Sales Order.amount', 'who was granted the source finds it, too');
is(found('other', 'zahlung'), '', 'others do not');
sql($fin . q{SELECT ingest.annotate('shop_ft."Sales Order".amount', 'tags', NULL)});
is(found('fin', 'zahlung'), '', 'what is no more said is not found');
is(found('fin', $_), '', "nothing is called $_") for '%25%25', '__', "%27%27";
is(status('fin', "search?q=$_"), 400, "refused: $_") for '', 'x', '+', 'x' x 300;
is(found('fin', 'amount'), 'Sales Order.amount', 'once more');
sql('ALTER ROLE fin SUPERUSER');
sql($fin . 'ALTER TABLE shop."Sales Order" RENAME amount TO total; CALL ingest.crawl(\'shop\')');
sql('ALTER ROLE fin NOSUPERUSER');
is(found('fin', 'amount'), '', 'what is gone is not found');

# of many: a source as large as any
my $columns = $ENV{SEARCH_COLUMNS} // 50000;
sql(qq{
	INSERT INTO ingest.source_table (source, schema_id, name, local_schema, local_name, relation)
	  SELECT t.source, t.schema_id, (ARRAY['transaction', 'customer', 'item', 'vendor', 'employee'])[1 + i % 5] || 'line' || i, 'x', 'x' || i, 0 FROM generate_series(1, $columns / 100) i, ingest.source_table t WHERE t.id = $orders;
	INSERT INTO ingest.source_column (source, table_id, name, position, type, description)
	  SELECT t.source, t.id, (ARRAY['custbody', 'custcol', 'amount', 'entity', 'internal', 'last_modified'])[1 + i % 6] || '_' || (ARRAY['date', 'id', 'net', 'gross', 'currency', 'rate', 'memo'])[1 + i % 7] || CASE WHEN i > 42 THEN '_' || i ELSE '' END, i, 'text', CASE WHEN i % 3 = 0 THEN 'The ' || i || 'th field of ' || t.name || ', kept for the auditors' END
	  FROM ingest.source_table t, generate_series(1, 100) i WHERE t.local_schema = 'x';
	INSERT INTO ingest.annotation (source, table_id, column_id, name, value, role, role_name)
	  SELECT c.source, c.table_id, c.id, CASE c.id % 2 WHEN 0 THEN 'tags' ELSE 'description' END,
		CASE WHEN c.id % 2 = 0 THEN jsonb_build_array('classified', (ARRAY['pii', 'ledger', 'stock'])[1 + c.id % 3]) ELSE to_jsonb('the ' || c.id || 'th column that a model looked at, ' || CASE WHEN c.id % 1000 = 1 THEN 'a zebra' ELSE 'a horse' END) END, 10, 'postgres'
	  FROM ingest.source_column c JOIN ingest.source_table t ON t.id = c.table_id WHERE t.local_schema = 'x';
	ANALYZE ingest.source_column, ingest.source_table, ingest.annotation;
});
for ('custbody_memo', 'amount', 'id', 'auditors', 'last modified', 'nothinglikeit', 'classified', 'zebra', 'amount pii', 'ledger horse')
{
	my $ms = sql($fin . "SET client_min_messages = error; CREATE TEMP TABLE took (ms float8); DO \$\$ DECLARE t timestamptz; BEGIN FOR i IN 1 .. 7 LOOP t := clock_timestamp(); PERFORM ingest_api.search('$_'); INSERT INTO took SELECT 1000 * extract(epoch FROM clock_timestamp() - t); END LOOP; END \$\$; SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)) FROM took");
	my $found = @{ body('fin', 'search?q=' . s/ /+/r) };
	in_time($ms, $ENV{SEARCH_MS} // 1000, "$_: $found found among $columns columns, $ms ms");
}
is((body('fin', 'search?q=custbody_memo'))->[0]{rank}, 0, 'the best first');
my $plan = sql(q{SET enable_seqscan = off; EXPLAIN SELECT * FROM ingest.source_column c WHERE ingest_internal.search_grams(c.name, c.description) @> '{abc}'});
like($plan, qr/source_column_words/, 'by an index');

done_testing();
