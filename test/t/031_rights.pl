# Who sees and may call what: every relation and function of the engines, as the catalogue has them, against test/rights.expected
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $expected_file = $ENV{RIGHTS_EXPECTED} // dirname(abs_path(__FILE__)) . '/../rights.expected';
my @roles = qw(owner reader consumer other admin nobody superuser);
my $node = PostgreSQL::Test::Cluster->new('rights');
$node->init;
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }

# -- who there is: owner and reader know of source A, which reader was granted; other owns B; consumer was granted nothing --

sql(q{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_delivery;
	DO $$BEGIN PERFORM ingest_internal.era(); END$$;
	CREATE ROLE "owner" LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE consumer LOGIN; CREATE ROLE other LOGIN; CREATE ROLE admin LOGIN; CREATE ROLE nobody LOGIN;
	GRANT ingest_operator, ingest_consumer TO "owner", other; GRANT ingest_reader TO reader; GRANT ingest_consumer TO consumer; GRANT ingest_admin TO admin;
	CREATE SCHEMA copies; GRANT USAGE ON SCHEMA copies TO PUBLIC;
	CREATE TABLE copies.a_copy (id int PRIMARY KEY, secret text); INSERT INTO copies.a_copy VALUES (1001, 'A:copy.secret'); ALTER TABLE copies.a_copy OWNER TO "owner";
	CREATE TABLE copies.b_copy (id int PRIMARY KEY, secret text); INSERT INTO copies.b_copy VALUES (2002, 'B:copy.secret'); ALTER TABLE copies.b_copy OWNER TO other;
	CREATE TABLE ingest.change_20000101 PARTITION OF ingest.change FOR VALUES FROM ('-infinity') TO ('infinity');
	ALTER TABLE ingest.change_20000101 OWNER TO ingest_engine;
});

# -- a row of each owner in every table, with a value that tells where it comes from in each column that can hold one --

my %number = (A => 1001, B => 2002);
my %role = (A => 'owner', B => 'other');

# What the tables ask of single columns, or what makes a row of use: that it names a copy that is there, that it has failed
my %given = (
	'job_dependency.depends_on' => sub { $number{ $_[0] } + 1 },
	'source_grant.role' => sub { "'" . ($_[0] eq 'A' ? 'reader' : 'other') . "'::regrole::oid" },
	'run.state' => sub { "'failed'" },
	'source_column.name' => sub { "'secret'" },
	'profile_stats.column_name' => sub { "'secret'" },
	'service.name' => sub { "'$_[0]:service.name'" },
	'service.library' => sub { "'library'" },
	'ingest_delivery.sink.kind' => sub { "'webhook'" },
	'service.function' => sub { "'function'" },
	'profile_stats.sketch' => sub { "(SELECT profile(secret) FROM copies.\L$_[0]\E_copy)" },
	'installation.one' => undef);

sub value_of
{
	my ($who, $relation, $column, $type, $check) = @_;
	my $given = $given{"$relation.$column"};
	my $canary = "$who:$relation.$column";
	return $given->($who) if $given;
	return "'$1'" if $check && $check =~ /ARRAY\['([^']*)'/;
	return "'copies'" if $column =~ /schema$/ && $type eq 'name';
	return "'\L$who\E_copy'" if $column =~ /(?:table|local_name)$/ && $type eq 'name';
	return "'$role{$who}'" if $column =~ /owner_name|role/ && $type eq 'name';
	return "'copies.\L$who\E_copy'::regclass::oid" if $column =~ /^(?:target|(?:from_|to_)?relation)$/;
	return "(SELECT attnum FROM pg_attribute WHERE attrelid = 'copies.\L$who\E_copy'::regclass AND attname = 'secret')" if $column =~ /attnum$/;
	return "'{2}'" if $column eq 'attnums';
	return "'copies'::regnamespace::oid" if $column eq 'schema_oid';
	return '0' if $column eq 'server_oid';
	return "'$role{$who}'::regrole::oid" if $type eq 'oid';
	return 'NULL' if $column =~ /^(?:gone_at|resolved_at|requeued_at)$/;
	return "'$canary'" if $type =~ /^(?:text|name)$/;
	return "'{$canary}'" if $type =~ /^(?:text|name)\[\]$/;
	return qq('{"canary": "$canary"}') if $type eq 'jsonb';
	return $number{$who} if $type =~ /^(?:integer|bigint|smallint|numeric)$/;
	return 'now()' if $type =~ /^timestamp/;
	return "'1 hour'" if $type eq 'interval';
	return 'true' if $type eq 'boolean';
	return "'{true}'" if $type eq 'boolean[]';
	return "'{$number{$who}}'" if $type eq 'bigint[]';
	return 'current_date' if $type eq 'date';
	return "'{}'" if $type eq 'tstzmultirange';
	return '0.5' if $type eq 'double precision';
	return 'pg_current_xact_id()' if $type eq 'xid8';
	return "'3:3:'" if $type eq 'pg_snapshot';
	return "jsonb_populate_record(NULL::$type, (SELECT jsonb_object_agg(attname, CASE atttypid WHEN 'text'::regtype THEN '\"$canary\"'::jsonb WHEN 'text[]'::regtype THEN '[\"$canary\"]' END) FROM pg_attribute WHERE attrelid = '$type'::regclass))"
	  if $type =~ /profile_statistics$/;
	die "a column of type $type, $relation.$column: say here what its value is";
}

my %columns;
my $ours = q{('ingest'::regnamespace, 'ingest_internal'::regnamespace, 'ingest_delivery'::regnamespace, 'ingest_delivery_internal'::regnamespace)};
my $schemas = q{('ingest', 'ingest_internal', 'ingest_delivery', 'ingest_delivery_internal')};
my @relations = map { [ split /\|/ ] } split /\n/, sql(qq{SELECT CASE c.relnamespace WHEN 'ingest'::regnamespace THEN '' ELSE c.relnamespace::regnamespace || '.' END || c.relname, c.relkind FROM pg_class c
	WHERE c.relnamespace IN $ours AND c.relkind NOT IN ('i', 'I', 't', 'c') ORDER BY c.relnamespace::regnamespace::text LIKE 'ingest_delivery%', c.relkind IN ('S', 'v'), c.relname});
for (split /\n/, sql(q{SELECT CASE c.relnamespace WHEN 'ingest'::regnamespace THEN '' ELSE 'ingest_delivery.' END || c.relname, a.attname, format_type(a.atttypid, -1), a.attgenerated,
	(SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum])
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace IN ('ingest'::regnamespace, 'ingest_delivery'::regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum}))
{
	my ($relation, $column, $type, $generated, $check) = split /\|/, $_, 5;
	next if $generated;
	push @{ $columns{$relation} }, [ $column, $type, $check ];
}
for my $relation (sort keys %columns)
{
	next if exists $given{"$relation.one"};
	for my $who ('A', 'B')
	{
		my @values = map { value_of($who, $relation, @$_) } @{ $columns{$relation} };
		sql("SET session_replication_role = replica; INSERT INTO @{[ qualified($relation) ]} (" . join(', ', map { qq("$_->[0]") } @{ $columns{$relation} }) . ') VALUES (' . join(', ', @values) . ')');
	}
}

# The engine's own views stand in its other schema
sub qualified { my $relation = shift; return $relation =~ /\./ ? $relation : "ingest.$relation"; }

# -- what each role sees --

my $json = JSON::PP->new->canonical;

sub as_role
{
	my ($role, $sql) = @_;
	my ($out, $err);
	my $code = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err, extra_params => $role eq 'superuser' ? [] : [ '-U', $role ]);
	return ($code, $out, $err);
}

# Whose a row is
sub whose
{
	my $row = shift;
	return $1 if $row =~ /\b([AB]):/;
	return $row =~ /\b100[12]\b/ ? 'A' : $row =~ /\b200[23]\b/ ? 'B' : 'any';
}

# each role has a session for all that it is asked
my %session;
sub asked
{
	my ($role, $sql) = @_;
	my ($out, $err) = ($session{$role} //= Psql::session($node, 'postgres', $role eq 'superuser' ? undef : $role))->ask($sql);
	die "$sql as $role: $err" if !defined $out || $err =~ /ERROR/;
	return $out;
}

sub seen_by
{
	my ($role, $relation) = @_;
	my $columns = asked($role, "SELECT string_agg(format('%L, %I', attname, attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = '@{[ $relation =~ s/.*\.//r ]}' AND relnamespace::regnamespace::text = '@{[ qualified($relation) =~ s/\..*//r ]}') AND attnum > 0 AND NOT attisdropped AND has_column_privilege(current_user, attrelid, attnum, 'SELECT')");
	return undef unless $columns;
	my %rows;
	$rows{ whose($_) } = decode_json($_) for split /\n/, asked($role, "SELECT jsonb_build_object($columns) FROM @{[ qualified($relation) ]}");
	return \%rows;
}

sub sees
{
	my ($role, $rows) = @_;
	return '-' unless $rows;
	return 'nothing' unless %$rows;
	return 'all' if $rows->{A} && $rows->{B};
	return 'own' if $rows->{A} && $role eq 'owner' || $rows->{B} && $role eq 'other';
	return 'granted' if $rows->{A} && $role eq 'reader';
	return $rows->{A} || $rows->{B} ? 'OTHERS' : 'any';
}

# Columns with values of A's: what a grantee sees of them is read by a human
sub canaries
{
	my $row = shift;
	return grep { ref $row->{$_} ? $json->encode($row->{$_}) =~ /A:/ : defined $row->{$_} && $row->{$_} =~ /A:/ } sort keys %$row;
}

my @table = (sprintf '%-17s ' . '%-10s' x @roles, 'relation', @roles);
my @values;
for (grep { $_->[1] ne 'S' } @relations)
{
	my $relation = $_->[0];
	my %rows = map { $_ => seen_by($_, $relation) } @roles;
	my $name = $relation =~ s/^change_\d{8}$/change_(day)/r;
	push @table, sprintf '%-17s ' . '%-10s' x @roles, $name, map { sees($_, $rows{$_}) } @roles;
	my @all = canaries($rows{superuser}{A} // {});
	next unless $rows{reader} && $rows{reader}{A};
	my @granted = canaries($rows{reader}{A});
	my %granted = map { $_ => 1 } @granted;
	push @values, sprintf '%-17s %s', $name, join ', ', @granted if @granted;
	my @hidden = grep { !$granted{$_} } @all;
	push @values, sprintf '%-17s   not: %s', '', join ', ', @hidden if @hidden;
}

%session = ();

my @functions = map { [ split /\|/, $_, 4 ] } split /\n/, sql(q{SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.prosecdef || ' ' || p.proowner::regrole
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('ingest', 'ingest_internal', 'ingest_delivery', 'ingest_delivery_internal') ORDER BY n.nspname, p.proname, 3});
my %may = map { $_ => 1 } split /\n/, sql(q{SELECT r.rolname || ' ' || p.oid::regprocedure FROM pg_proc p, pg_roles r WHERE p.pronamespace IN ('ingest'::regnamespace, 'ingest_internal'::regnamespace, 'ingest_delivery'::regnamespace, 'ingest_delivery_internal'::regnamespace)
	AND r.rolname IN ('owner', 'reader', 'consumer', 'other', 'admin', 'nobody') AND has_function_privilege(r.oid, p.oid, 'EXECUTE') AND has_schema_privilege(r.oid, p.pronamespace, 'USAGE')});
my %called_by;
for (split /\n/, sql(q{SELECT p.oid::regprocedure, n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname IN ('ingest', 'ingest_internal', 'ingest_delivery', 'ingest_delivery_internal') ORDER BY n.nspname, p.proname, 2}))
{
	my ($signature, $name) = split /\|/, $_, 2;
	my $who = join ', ', grep { $may{"$_ $signature"} } qw(nobody reader consumer owner admin);
	push @{ $called_by{ $who || 'superusers alone' } }, $name;
}
my @lists = map { ("$_:", (map { "  $_" } @{ $called_by{$_} }), '') } sort keys %called_by;

my $text = join "\n", '# Who sees what of rows that belong to source A, which reader was granted and owner owns, and to source B of other.', '# own, granted, all: those rows; any: rows that are nobody\'s; nothing: may ask, and gets none; -: may not ask.',
	'# From the catalogue, by t/031_rights.pl: read what differs, then take it over with RIGHTS_ACCEPT=$PWD/test/rights.expected test/tap.sh t/031_rights.pl.', '', (map { s/ +$//r } @table), '',
	'# Columns with values of A\'s that its grantee, reader, sees', '', @values, '', '# Who may call what', '', @lists;
if ($ENV{RIGHTS_ACCEPT})
{
	open my $out, '>', $ENV{RIGHTS_ACCEPT} or die $!;
	print $out $text;
	close $out;
}
my $expected = -e $expected_file ? slurp_file($expected_file) : '';
my %is_expected = map { $_ => 1 } split /\n/, $expected;
my %is_there = map { $_ => 1 } split /\n/, $text;
is_deeply([ grep { !$is_expected{$_} } split /\n/, $text ], [], 'nobody sees or may call more than what is written down');
is_deeply([ grep { !$is_there{$_} } split /\n/, $expected ], [], 'and nothing that is written down is gone');
is($text, $expected, 'line by line');

# -- the manual's table says the same --

my %word = ('own rows' => 'own', 'granted rows' => 'granted', 'granted rows, without values' => 'granted', none => 'nothing', all => 'all', refused => '-');
my %manual;
for (split /\n/, slurp_file(dirname(abs_path(__FILE__)) . '/../../docs/ingest.md') =~ s/.*?^\| \| owner \| grantee \|[^\n]*\n[^\n]*\n(.*?)\n\n.*/$1/msr)
{
	my (undef, $names, @cells) = split / *\| */;
	my @says = map { $word{ s/ \(.*//r } // "\"$_\"" } @cells;
	$names =~ s/days of `change`/`change_(day)`/;
	$manual{$_} = "@says" for $names =~ /all other views/ ? '_status' : $names =~ /`([^`]+)`/g;
}
my @differs;
for (@table[ 1 .. $#table ])
{
	my ($relation, @sees) = split;
	# what is in ingest itself
	next if $relation =~ /\./;
	my $told = $manual{$relation} // ($relation =~ /_status$/ ? $manual{_status} : undef) // 'nothing';
	push @differs, "$relation: @sees[ 0 .. 5 ], the manual says $told" if "@sees[ 0 .. 5 ]" ne $told;
}
is_deeply(\@differs, [], 'and so does the table in docs/ingest.md');

# -- what holds whatever is written down --

unlike($text, qr/\bOTHERS\b/, 'nobody sees rows of others');
is(sql(qq{SELECT string_agg(r.rolname || ' ' || c.relname || ' ' || x, ', ') FROM pg_class c, pg_roles r, unnest(CASE c.relkind WHEN 'S' THEN '{USAGE,UPDATE}' ELSE '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[] END) x
	WHERE c.relnamespace IN $ours AND c.relkind IN ('r', 'p', 'v', 'S') AND r.rolname IN ('owner', 'reader', 'consumer', 'other', 'admin', 'nobody')
	AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, x) ELSE has_table_privilege(r.oid, c.oid, x) END}), '', 'nobody writes the tables');
is(sql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname LIKE 'ingest%'
	AND (p.proowner <> (CASE WHEN n.nspname LIKE 'ingest_delivery%' THEN 'ingest_delivery_engine' ELSE 'ingest_engine' END)::regrole OR p.prosecdef AND p.proconfig IS NULL)}), '',
	'every function is its engine\'s, and none runs as it under a search_path of others');
is(sql(q{SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace IN ('ingest'::regnamespace, 'ingest_delivery'::regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
	AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner) AND c.relname NOT IN ('connector', 'service', 'event_type')}), '', 'every table that others may read has policies');
is(sql(q{SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace IN ('ingest'::regnamespace, 'ingest_delivery'::regnamespace) AND c.relkind = 'v' AND NOT coalesce('security_barrier=true' = ANY (c.reloptions) OR 'security_barrier=' = ANY (c.reloptions), false)}), '', 'every view is a barrier');
is(sql(q{SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace IN ('ingest'::regnamespace, 'ingest_delivery'::regnamespace) AND c.relowner NOT IN ('ingest_engine'::regrole, 'ingest_delivery_engine'::regrole) AND c.relkind IN ('r', 'p', 'v', 'S')}), 'service', 'every relation is the engine\'s, but for the services, which are a superuser\'s');

# -- every function, called by those whose business it is not, with A's names and numbers: no answer, error or notice holds a value of A's that they did not give --

my @names = ('A:data_source.name', 'A:sync.name', 'A:job.name', 'A:subscription.consumer', 'A:ingest_delivery.sink.name');
for my $role (qw(other consumer))
{
	my @told;
	for my $name (@names)
	{
		for (split /\n/, sql(qq{SELECT p.oid::regprocedure, p.prokind, p.proname, n.nspname, array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u(t, i) ORDER BY i), ';')
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN $schemas AND has_function_privilege('$role', p.oid, 'EXECUTE') AND p.proname <> 'cloud_event'}))
		{
			my ($signature, $kind, $function, $schema, $types) = split /\|/, $_, 5;
			my @arguments = map { /^regclass$/ ? "'copies.a_copy'::regclass" : /^(?:name|text)$/ ? "'$name'::$_" : /\[\]$/ ? "'{secret}'::$_" : /^jsonb$/ ? "'{}'::jsonb" : /^(?:integer|bigint|smallint|oid|double precision)$/ ? "1001::$_"
				  : /^boolean$/ ? 'true' : /^interval$/ ? "'1 hour'::interval" : /^timestamp/ ? 'now()' : /^anyelement$/ ? 'NULL::copies.a_copy' : "NULL::$_" } split /;/, $types;
			my $call = ($kind eq 'p' ? 'CALL ' : 'SELECT * FROM ') . "$schema.$function(" . join(', ', @arguments) . ')';
			my (undef, $out, $err) = as_role($role, $kind eq 'p' ? $call : "BEGIN; SET LOCAL client_min_messages = debug1; $call; ROLLBACK");
			$err =~ s/^(?:LINE|STATEMENT|QUERY).*$//mg;
			(my $said = "$out\n$err") =~ s/\Q$name\E//g;
			# types of events are everybody's, as the table above says: asyncapi() describes them all
			push @told, "$call: $1" if $said =~ /(\bA:(?!event_type\.)[\w.]+)/;
		}
	}
	is_deeply(\@told, [], "no function tells $role what is A's");
}

done_testing();
