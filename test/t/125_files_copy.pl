# A folder becomes a copy, and the copy follows it: files come, grow, are rewritten, broken, mended, moved in and taken away
use strict;
use warnings;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('files_copy');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nstatement_timeout = 120s\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
my $root = $node->basedir . '/drop';
make_path($root);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION files_fdw; CREATE SCHEMA books; CREATE SERVER drop_folder FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root')");
if (sql("SELECT count(*) FROM ingest.connector WHERE wrapper = 'files_fdw'") == 0)
{
	$node->stop;
	plan skip_all => 'the engine has no pieces';
}

# Written a while ago, so that it has settled
our $age = 100000;
sub put
{
	my ($name, $text) = @_;
	open my $f, '>:raw', "$root/$name.tmp" or die;
	print $f $text;
	close $f;
	$age -= 10;
	utime time() - $age, time() - $age, "$root/$name.tmp";
	rename "$root/$name.tmp", "$root/$name" or die;
}
sub run_sync { return said("CALL ingest.sync('books.orders')"); }
my $columns = 'id, customer, amount';
sub same
{
	my ($what) = @_;
	my $differs = sql("SELECT count(*) FROM ((SELECT $columns, _file, _position FROM books.orders EXCEPT ALL SELECT $columns, _file, _position FROM drop_in.orders WHERE _error IS NULL AND _file NOT LIKE 'broken%')
		UNION ALL (SELECT $columns, _file, _position FROM drop_in.orders WHERE _error IS NULL EXCEPT ALL SELECT $columns, _file, _position FROM books.orders)) x");
	is($differs, 0, "$what: the copy is the folder (" . sql('SELECT count(*) FROM books.orders') . ' rows)');
}
sub rows { my ($from, $to) = @_; return join '', map { "$_,\"Customer, $_\"," . ($_ * 1.25) . "\n" } $from .. $to; }

put('orders_2026-11-01.csv', "id,customer,amount\n" . rows(1, 100));
put('orders_2026-11-02.csv', "id,customer,amount\n" . rows(101, 150));
sql("SELECT ingest.register_source('drop', 'drop_folder', schema => 'drop_in'); CALL ingest.crawl('drop')");
is(sql("SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'drop_in.orders'::regclass AND attnum > 0 ORDER BY attnum"),
	"id bigint\ncustomer text\namount numeric\n_file text\n_position bigint\n_version text\n_error jsonb", 'a crawl makes the table with the columns of pieces');
sql("SELECT ingest.create_sync('drop_in.orders', 'books.orders', history => true)");
is(sql("SELECT mode FROM ingest.sync"), 'pieces', 'files are pieces');
is(run_sync() =~ /ERROR/ ? 1 : 0, 0, 'the first run');
same('at first');
is(sql("SELECT count(*), sum(amount) FROM books.orders"), '150|14156.25', 'all rows');

put('orders_2026-11-03.csv', "amount,id,customer\n1.5,151,new\n");
run_sync();
same('a new file, its columns in another order');
put('orders_2026-11-02.csv', "id,customer,amount\n" . rows(101, 149) . "150,changed,1\n");
run_sync();
same('one that is rewritten');
is(sql("SELECT customer FROM books.orders WHERE id = 150"), 'changed', 'with what it says now');
unlink "$root/orders_2026-11-03.csv";
run_sync();
same('one that is gone');
{ local $age = 900000; put('orders_2020-01-01.csv', "id,customer,amount\n" . rows(900, 905)); }
run_sync();
same('one that was moved in with an old time');
system_or_bail('bash', '-c', "cd '$root' && gzip -k orders_2026-11-01.csv && touch -d '1 hour ago' orders_2026-11-01.csv.gz && rm orders_2026-11-01.csv");
sql("CALL ingest.crawl('drop')");
run_sync();
same('one that is packed');

# a bad row holds up nothing
put('orders_2026-11-04.csv', "id,customer,amount\n200,a,1\n201,b,x\n202,c,3,4\n203,d,4\n");
run_sync();
is(sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM books.orders WHERE _file = 'orders_2026-11-04.csv'"), '200 203', 'good rows of a file with bad ones');
is(sql("SELECT count(*) FROM ingest.rejected_row"), 2, 'and the bad ones are kept');
like(sql("SELECT string_agg(reason, ' | ' ORDER BY reason) FROM ingest.rejected_row"), qr/invalid value for type numeric.*the row has 4 fields, not 3/s, 'with what is wrong');
# nor a broken file
put('orders_2026-11-05.csv.gz', 'this is no gzip');
put('orders_2026-11-06.csv', "id,customer,amount\n300,z,1\n");
put('orders_2026-11-07.csv.gz', "\x1f\x8b\x08\x00\x00");
run_sync();
is(sql("SELECT count(*) FROM books.orders WHERE id = 300"), 1, 'the others of a broken file go on');
like(sql("SELECT string_agg(piece || ' ' || state, ', ' ORDER BY piece) FROM ingest.sync_piece WHERE state <> 'done' AND state <> 'gone'"), qr/orders_2026-11-07\.csv\.gz failed/, 'and it is known as failed');
put('orders_2026-11-04.csv', "id,customer,amount\n200,a,1\n201,b,2\n202,c,3\n203,d,4\n");
unlink "$root/orders_2026-11-05.csv.gz", "$root/orders_2026-11-07.csv.gz";
run_sync();
same('mended');
is(sql('SELECT count(*) FROM ingest.rejected_row WHERE resolved_at IS NULL'), 0, 'nothing is rejected any more');
# a file with a column that the table does not have: the others are read, and a crawl brings the column
put('orders_2026-11-08.csv', "id,customer,amount,vat\n400,n,1,0.2\n");
put('orders_2026-11-09.csv', "id,customer,amount\n401,m,1\n");
my $err = run_sync();
like($err, qr/no column for "vat" of file "orders_2026-11-08\.csv"/, 'a new column is an error');
is(sql('SELECT string_agg(id::text, \' \') FROM books.orders WHERE id BETWEEN 400 AND 499'), '401', 'that holds up no other file');
sql("CALL ingest.crawl('drop')");
run_sync();
is(sql('SELECT vat FROM books.orders WHERE id = 400'), '0.2', 'after a crawl it is there');
# a file that is being written
open my $f, '>>', "$root/orders_2026-11-06.csv" or die;
print $f "301,late,1\n";
close $f;
run_sync();
is(sql('SELECT count(*) FROM books.orders WHERE id = 301'), 0, 'a file that is younger than settle waits');
sql('SELECT pg_sleep(2.2)');
run_sync();
same('and is read when it has settled');
is(run_sync() =~ /ERROR/ ? 1 : 0, 0, 'a run without anything to do');
$node->stop;
done_testing();
