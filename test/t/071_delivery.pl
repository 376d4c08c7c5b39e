# Webhooks: what is sent, in which order, whose fault a refusal is, where nothing is sent, and who may see what
use strict;
use warnings;
use Delivery;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = new_delivery('primary', conf => "log_min_messages = debug5\nlog_statement = all\n");
start_receiver('--whole');

sub sql { return $node->safe_psql($p, $_[0]); }
sub sink
{
	my ($name, $options, $more) = @_;
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'webhook', '{"url": "$url/$name", "secret": "mapping:ingest_secrets/now"$options}'} . ($more // '') . ')');
}
sub emit
{
	my ($type, $n, $subject) = @_;
	return sql("SELECT count(ingest.emit('$type', $subject, jsonb_build_object('n', i))) FROM generate_series(1, $n) i");
}

# until so many arrived at a path; they
sub arrived
{
	my ($name, $n, $seconds) = @_;
	my $until = time() + ($seconds // $PostgreSQL::Test::Utils::timeout_default);
	my @got;
	sleep(0.1) until (@got = grep { defined $_->{id} } received("/$name")) >= $n || time() > $until;
	return @got;
}

# -- what is sent --

sink($_, qq(, "mode": "$_"), q(, types => '{st.*}')) for qw(structured binary batch);
sql(q{SELECT ingest.emit('st.a', E'Größe "x" %', '{"text": "ü\u2028", "list": [1, 2.5, null]}'), ingest.emit('st.b', NULL, '{}'), ingest.emit('other', 'a', '{}')});
emit('st.c', 300, q('s' || i % 7));
for my $name (qw(structured binary batch))
{
	my @got = arrived($name, 302);
	is(scalar @got, 302, "$name: each event of its types arrives once, and none else");
	my ($a) = grep { $_->{event}{type} eq 'st.a' } @got;
	my $expected = decode_json(sql(q{SELECT ingest.cloud_event(e) FROM ingest.event e WHERE type = 'st.a'}));
	my %event = %{ $a->{event} };
	delete $event{datacontenttype}, delete $expected->{datacontenttype} if $name eq 'binary';
	is_deeply(\%event, $expected, "$name: it is what ingest.cloud_event() says");
	like($a->{headers}{'content-type'} // $a->{headers}{'Content-Type'}, $name eq 'binary' ? qr{^application/json$} : $name eq 'batch' ? qr{^application/cloudevents-batch\+json} : qr{^application/cloudevents\+json}, "$name: its type of content");
}
my %messages = map { $_->{message} => 1 } received('/batch');
cmp_ok(scalar keys %messages, '<', 50, 'a batch is one message');
is(scalar(grep { exists $_->{bad} } received()), 0, 'each request was signed');

sub disorder
{
	my ($name) = @_;
	my (%last, $n);
	$n = 0;
	for (grep { defined $_->{id} } received("/$name"))
	{
		my ($era, $id) = split /-/, $_->{id};
		next if $last{seen}{ $_->{id} }++;
		$n++ if defined $_->{subject} && $id < ($last{ $_->{subject} } // 0);
		$last{ $_->{subject} } = $id if defined $_->{subject};
	}
	return $n;
}
is(join(',', map { disorder($_) } qw(structured binary batch)), '0,0,0', 'in order within their subject');

# what others have made of the standards
SKIP:
{
	skip 'the peers from npm come with make check', 1 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/standardwebhooks";
	my $requests = PostgreSQL::Test::Utils::tempdir() . '/requests';
	append_to_file($requests, encode_json([ map { { headers => $_->{headers}, body => $_->{body} } } grep { defined $_->{id} } received() ]));
	my ($out, $err) = run_command([ 'node', 'delivery/peers.cjs', $requests, $secret ]);
	like($out, qr/^(\d+) verified, \1 parsed, 3 modes$/, 'standardwebhooks verifies and cloudevents parses each request');
}

# -- rotation --

sql(q{SELECT ingest_delivery.rotate_secret('structured', 'mapping:ingest_secrets/before')});
sleep(1);
emit('st.r', 1, q('r'));
my ($last) = (arrived('structured', 303))[-1];
is(scalar(split / /, $last->{headers}{'webhook-signature'}), 2, 'while a secret is rotated both sign');
sql(q{UPDATE ingest_delivery.sink SET old_until = now() WHERE name = 'structured'});
sleep(6);
emit('st.r', 1, q('r'));
($last) = (arrived('structured', 304))[-1];
is(scalar(split / /, $last->{headers}{'webhook-signature'}), 1, 'then the new one alone');
sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{structured,binary,batch}'::text[]) s});
is(sql(q{SELECT count(*) FROM ingest.subscription}), 0, 'a sink that is dropped leaves no consumer');

# -- whose fault --

# an event is refused: its subject waits, others go on
sink('poison', '', q(, types => '{po.*}'));
behave('/poison' => { status => 422, subject => 'bad' });
emit('po.x', 400, q(CASE WHEN i % 8 = 0 THEN 'bad' ELSE 's' || i % 9 END));
is(scalar arrived('poison', 350), 350, 'a poison event holds nobody else');
poll_until($node, $p, q{SELECT blocked || ' ' || parked || ' ' || dead || ' ' || breaker || ' ' || behind FROM ingest_delivery.sink_status WHERE sink = 'poison'}, '1 50 0 closed 0');
is(sql(q{SELECT tries || ' ' || (due - now() < interval '6 s') || ' ' || error FROM ingest_delivery.blocked}), '1 true status 422', 'its subject waits, 5 s at first');
# refused again and again: the last refusal is the end of it
sql(q{UPDATE ingest_delivery.blocked SET tries = 9, due = now(); SELECT ingest_internal.wake_services(); UPDATE ingest_delivery.sink SET version = version + 1});
poll_until($node, $p, q{SELECT dead FROM ingest_delivery.sink_status WHERE sink = 'poison'}, 1);
pass('after the last try it is given up');
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.blocked WHERE tries = 1}, 1);
pass('and the next of the subject is tried');
sql(q{SELECT ingest_internal.prune('-1 s', '30 days')});
is(sql(q{SELECT count(*) FROM ingest.event WHERE type = 'po.x'}), 50, 'events that wait or were given up are kept, however old they are');
behave();
like(says(q{SELECT ingest_delivery.skip('poison', 'sbad')}), qr/nothing of "sbad" waits\nHINT:  What waits: bad\./, 'what waits is named to who asks for something else');
sql(q{SELECT ingest_delivery.skip('poison', 'bad')});
is(scalar arrived('poison', 398), 398, 'skip gives up one');
is(sql(q{SELECT ingest_delivery.redrive('poison')}), 2, 'redrive tries what was given up');
is(scalar arrived('poison', 400), 400, 'and it arrives');
poll_until($node, $p, q{SELECT blocked || ' ' || parked || ' ' || dead FROM ingest_delivery.sink_status WHERE sink = 'poison'}, '0 0 0');
# one subject gets 500 while others arrive
behave('/poison' => { status => 500, subject => 'five' });
emit('po.x', 1, q('five'));
for (1 .. 40) { emit('po.x', 5, q('s' || i)); sleep(0.2); }
is(scalar arrived('poison', 600), 600, 'a 5xx of one event keeps no other');
poll_until($node, $p, q{SELECT count(*) FROM ingest_delivery.blocked b WHERE key = 'sfive' AND error = 'status 500'}, 1);
pass('and is the event\'s own after three');
behave();
sql(q{SELECT ingest_delivery.drop_sink('poison')});

# the sink is down: its place stands still
sink('down', '', q(, types => '{do.*}'));
for my $how ({ status => 503 }, { status => 401 }, { status => 302, location => "$url/elsewhere" }, { status => 429, retry_after => 2 })
{
	my $before = grep { defined $_->{id} } received('/down');
	my $marked = grep { defined $_->{refused} } received('/down');
	behave('/down' => $how);
	emit('do.x', 30, q('s' || i % 3));
	poll_until($node, $p, q{SELECT breaker || ' ' || blocked FROM ingest_delivery.sink_status WHERE sink = 'down'}, 'open 0');
	my $tried = grep { defined $_->{refused} } received('/down');
	cmp_ok($tried - $marked, '<=', 16, "$how->{status}: the breaker opens, nothing is blocked");
	like(says(q{SELECT ingest_delivery.resume_sink('down')}), qr/is already active\nHINT:  Its breaker is open: .*redrive/, 'who resumes it is told that it waits by itself');
	behave();
	# whatever changes a sink has it tried at once
	sql($how->{status} == 401 ? q{SELECT ingest_delivery.redrive('down')} : q{SELECT ingest_delivery.alter_sink('down', on_exhausted => 'skip')});
	is(scalar arrived('down', $before + 30), $before + 30, "$how->{status}: all arrive when it is up again");
}
is(scalar(received('/elsewhere')), 0, 'redirects are not followed');
is(disorder('down'), 0, 'in order');
behave('/down' => { status => 410 });
emit('do.x', 1, q('s1'));
poll_until($node, $p, q{SELECT state || ': ' || reason FROM ingest_delivery.sink_status WHERE sink = 'down'}, 'paused: status 410: nothing is wanted there any more');
behave();
my $n = grep { defined $_->{id} } received('/down');
like(says(q{SELECT ingest_delivery.alter_sink('down', on_expiry => 'drop')}), qr/on_expiry cannot be "drop"\nHINT:  on_expiry must be keep or skip\./, 'of what may not be it says which');
sql(q{SELECT ingest_delivery.resume_sink('down')});
is(scalar arrived('down', $n + 1), $n + 1, '410 pauses, and resume_sink goes on where it stood');
sql(q{SELECT ingest_delivery.drop_sink('down')});

# answers that never end: a long 2xx is a 2xx
sink('long', ', "timeout": 2', q(, types => '{lo.*}'));
my $i = 0;
for my $how ({ status => 200, body => 900000 }, { status => 200, endless => JSON::PP::true, drip => 30 }, { status => 200, drip => 30 })
{
	behave('/long' => $how);
	my $since = time();
	emit('lo.x', 1, q('s'));
	arrived('long', ++$i);
	poll_until($node, $p, q{SELECT sent FROM ingest_delivery.sink_status WHERE sink = 'long'}, $i);
	in_time(time() - $since, 12, 'an answer of ' . ($how->{endless} ? 'no end' : $how->{body} ? 'many bytes' : 'drops') . ' takes no longer than the timeout');
}
is(sql(q{SELECT max(octet_length(answer)) FROM ingest_delivery.delivery_log}), 1024, 'of an answer a kilobyte is kept');
behave();
sql(q{SELECT ingest_delivery.drop_sink('long')});

# -- one that is dropped while there is something for it stops nobody else --

my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'};
my $pid = sql($worker);
for my $n (1 .. 5)
{
	sql(qq{SELECT ingest_delivery.create_sink('gone', 'webhook', '{"url": "$url/gone", "secret": "mapping:ingest_secrets/now"}', types => '{gone.*}')});
	poll_until($node, $p, q{SELECT true FROM ingest_delivery.test_sink('gone')});
	sleep(0.5);
	# the first has the worker look at its sinks, the second comes before it looks again
	sql(qq{SELECT ingest.emit('gone.x', 's', '{}')});
	sql(qq{SELECT ingest_delivery.drop_sink('gone'); SELECT ingest.emit('gone.x', 's', '{}')});
	sleep(0.5);
}
sleep(1);
is(sql($worker), $pid, 'the worker goes on when a sink is dropped');

# -- replay, pause, a filter, events that are too large --

sink('some', ', "max_bytes": 2000', q(, types => '{so.*}', filter => '{"n": 2}'));
my $since = sql('SELECT clock_timestamp()');
emit('so.x', 5, q('s'));
is((arrived('some', 1))[0]{data}{n}, 2, 'a filter lets through what contains it');
is(sql("SELECT ingest_delivery.replay('some', '$since')"), 5, 'replay finds the events of its types');
is(scalar arrived('some', 2), 2, 'and sends what the filter lets through, with the same id');
is((received('/some'))[0]{id}, (received('/some'))[1]{id}, 'which it had');
sql(q{SELECT ingest_delivery.alter_sink('some', filter => 'null')});
sleep(1);
sql(q{SELECT ingest.emit('so.big', 's', jsonb_build_object('x', repeat('y', 3000)))});
emit('so.x', 1, q('s'));
is(scalar arrived('some', 3), 3, 'one that is too large is given up at once, and the next goes on');
is(sql(q{SELECT error FROM ingest_delivery.dead}), 'it is larger than max_bytes of the sink', 'and it is written down why');
sql(q{SELECT ingest_delivery.pause_sink('some')});
sleep(1);
emit('so.x', 3, q('s'));
sleep(1);
is(scalar(grep { defined $_->{id} } received('/some')), 3, 'a paused sink gets nothing');
sql(q{SELECT ingest_delivery.resume_sink('some')});
is(scalar arrived('some', 6), 6, 'and all when it goes on');

# -- addresses --

# what is said beside the result
sub says { my $err; $node->psql($p, $_[0], stderr => \$err); return $err; }

sub refused
{
	my ($options, $user) = @_;
	my ($out, $err);
	$node->psql($p, qq{SELECT ingest_delivery.create_sink('refused', 'webhook', '$options')}, stderr => \$err, extra_params => $user ? [ '-U', $user ] : []);
	sql(q{SELECT ingest_delivery.drop_sink('refused')}) unless $err =~ /ERROR/;
	return $err =~ s/\s*CONTEXT:.*//sr;
}
my %rule = (
	'127.0.0.1' => '', '127.1' => '', '2130706433' => '', '0x7f000001' => '', '0177.0.0.1' => '', '10.1.2.3' => 'private', '10.1' => 'private', '172.16.0.1' => 'private', '192.168.1.1' => 'private',
	'169.254.169.254' => 'link-local', '100.64.0.1' => 'shared', '0.0.0.0' => 'this network', '0' => 'this network', '224.0.0.1' => 'multicast', '255.255.255.255' => 'reserved', '192.0.2.1' => 'documents', '198.18.0.1' => 'measurements',
	'[::1]' => 'loopback', '[::]' => 'no address', '[::ffff:10.0.0.1]' => 'another form', '[::ffff:a00:1]' => 'another form', '[64:ff9b::a00:1]' => 'another form', '[64:ff9b:1::1]' => 'another form', '[2002:a00:1::]' => 'another form',
	'[2001::1]' => 'another form', '[::10.0.0.1]' => 'another form', '[fe80::1]' => 'link-local', '[fc00::1]' => 'unique-local', '[fd12::1]' => 'unique-local', '[fec0::1]' => 'site-local', '[ff02::1]' => 'multicast', '[2001:db8::1]' => 'documents',
	'[::5efe:10.0.0.1]' => 'not in 2000::/3', '[4000::1]' => 'not in 2000::/3', '[fe81::1]' => 'link-local', '[febf::1]' => 'link-local', '[2606:4700::5efe:10.0.0.1]' => 'ISATAP', '[2606:4700::200:5efe:a00:1]' => 'ISATAP', '[::ffff:a9fe:a9fe]' => 'another form', '[2606:4700::1]' => '');
my @open;
for my $host (sort keys %rule)
{
	my $said = refused(qq({"url": "https://$host/x", "secret": "mapping:ingest_secrets/now"}));
	push @open, "$host: $said" if $rule{$host} ? $said !~ /Nothing is sent to .*\Q$rule{$host}\E/ : $said ne '';
}
is(join("\n", @open), '', 'addresses of networks that are not allowed are refused, in each notation');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_networks = ''});
for my $host ('127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '[::ffff:127.0.0.1]')
{
	like(refused(qq({"url": "https://$host/x", "secret": "mapping:ingest_secrets/now"})), qr/loopback|another form/, "so is $host without the setting");
}
# a name says nothing: it is refused where the socket is opened
sql(qq{SELECT ingest_delivery.alter_sink('some', options => '{"url": "${\($url =~ s/127.0.0.1/localhost/r)}/named"}')});
like(sql(q{SELECT ok || ' ' || error FROM ingest_delivery.test_sink('some')}), qr/^false nothing may be sent to its address: .*loopback/, 'a name that leads to this machine');
$node->restart;
emit('so.x', 1, q('s'));
poll_until($node, $p, q{SELECT last_error LIKE 'nothing may be sent to its address%' FROM ingest_delivery.sink_status WHERE sink = 'some'});
is(scalar(received('/named')), 0, 'nor does the worker send there');
# one address of a name is allowed and does not answer, another one is not: what it says is why nothing came of the first
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8'});
sql(q{SELECT ingest_delivery.alter_sink('some', options => '{"url": "http://localhost:1/none"}')});
like(sql(q{SELECT ok || ' ' || error FROM ingest_delivery.test_sink('some')}), qr/^false .*(?:connect|refused)/i, 'a name of which one address is allowed and nobody answers there');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8, ::1'});
isnt($node->psql($p, q{LOAD 'ingest_delivery'; ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/99'}, on_error_stop => 1), 0, 'a setting that is no network is refused');
like(refused('{"url": "http://example.com/", "secret": "mapping:ingest_secrets/now"}'), qr/^$/, 'http: where a superuser allowed it');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = off});
like(refused('{"url": "http://example.com/", "secret": "mapping:ingest_secrets/now"}'), qr/must begin with https/, 'and not elsewhere');

# -- options --

my $ok = '"secret": "mapping:ingest_secrets/now"';
for ([ qq({"url": "https://a.example/", $ok, "colour": 1}), qr/a webhook has no option "colour"\nHINT:  Its options are url, secret, / ],
	[ '{"url": "https://a.example/"}', qr/a webhook needs option "secret"/ ],
	[ qq({"url": "ftp://a.example/", $ok}), qr/must begin with https/ ],
	[ qq({"url": "https://user:pw\@a.example/", $ok}), qr/neither a login nor a fragment/ ],
	[ qq({"url": "https://a.example/\\r\\nX: y", $ok}), qr/printable ASCII/ ],
	[ qq({"url": "https://a.example/", $ok, "mode": "xml"}), qr/structured, binary or batch/ ],
	[ qq({"url": "https://a.example/", $ok, "timeout": 0.5}), qr/whole number from 1 to 60/ ],
	[ qq({"url": "https://a.example/", $ok, "max_in_flight": "8"}), qr/whole number from 1 to 64/ ],
	[ qq({"url": "https://a.example/", $ok, "batch_events": 5}), qr/for mode batch/ ],
	[ qq({"url": "https://a.example/", $ok, "headers": {"X": "a\\nb"}}), qr/printable ASCII/ ],
	[ qq({"url": "https://a.example/", $ok, "headers": {"webhook-id": "1"}}), qr/set by the sink itself/ ],
	[ qq({"url": "https://a.example/", $ok, "headers": {"Authorization": "x"}}), qr/holds a secret/ ],
	[ qq({"url": "https://a.example/", "secret": "$secret"}), qr/must be a reference to a secret.*HINT:  References are env:NAME/s ],
	[ '{"url": "https://a.example/", "secret": "mapping:ingest_secrets/none"}', qr/refers to no secret.*no such option.*HINT:  As the owner of the sink: ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS \(ADD "none" '\.\.\.'\)/s ],
	[ '{"url": "https://a.example/", "secret": "env:PATH"}', qr/not a secret of a webhook/ ])
{
	like(refused($_->[0]), $_->[1], "refused: $_->[1]");
}
my (undef, undef, $err) = $node->psql($p, q{SELECT ingest_delivery.create_sink('x', 'pigeon', '{}')});
like($err, qr/there is no kind of sink "pigeon"\nHINT:  The kinds are .*webhook/, 'a kind that is not there');

# -- rights --

sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = on; CREATE ROLE keeper LOGIN IN ROLE ingest_operator; CREATE ROLE other LOGIN IN ROLE ingest_operator; CREATE ROLE nobody LOGIN});
for ([ 'nobody', qr/permission denied for/, "mapping:ingest_secrets/now" ], [ 'keeper', qr/no user mapping for that server.*HINT:.*: CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS \(now '\.\.\.'\)/s, "mapping:ingest_secrets/now" ], [ 'keeper', qr/superusers and members of pg_read_server_files/, 'file:/etc/passwd' ], [ 'keeper', qr/superusers and members/, 'env:HOME' ])
{
	like(refused(qq({"url": "https://a.example/", "secret": "$_->[2]"}), $_->[0]), $_->[1], "$_->[0] with $_->[2]");
}
sub as { my ($user, $sql) = @_; my ($out, $err); $node->psql($p, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]); return $out . $err; }
as('keeper', "CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (mine '$secret')");
is(as('keeper', qq{SELECT ingest_delivery.create_sink('kept', 'webhook', '{"url": "$url/kept", "secret": "mapping:ingest_secrets/mine"}', types => '{ke.*}')}), 'kept', 'an operator makes a sink');
is(as('other', q{SELECT count(*) FROM ingest_delivery.sink_status; SELECT count(*) FROM ingest_delivery.sink}), "0\n0", 'others do not see it');
like(as('other', q{SELECT ingest_delivery.pause_sink('kept')}), qr/there is no sink "kept"/, 'nor change it');
like(as('other', q{SELECT * FROM ingest_delivery.test_sink('kept')}), qr/there is no sink "kept"/, 'nor have it send');
emit('ke.x', 3, q('s'));
as('keeper', q{SELECT ingest.emit('ke.x', 's', '{"n": 9}')});
is((arrived('kept', 1))[0]{data}{n}, 9, 'it gets what its owner may see');
sleep(1);
is(scalar(received('/kept')), 1, 'and nothing else');
sql(q{REVOKE ingest_operator FROM keeper});
sql(q{SET ROLE keeper; RESET ROLE; INSERT INTO ingest.event (era, xid, type, source, subject, time, data, owner) SELECT era, pg_current_xact_id(), type, source, subject, now(), '{"n": 10}', owner FROM ingest.event WHERE data = '{"n": 9}'; SELECT ingest_internal.wake_services()});
poll_until($node, $p, q{SELECT last_error LIKE 'permission denied%' FROM ingest_delivery.sink_status WHERE sink = 'kept'});
is(scalar(received('/kept')), 1, 'what its owner may not read any more is not sent');
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ingest service'}), 1, 'that ends nobody else\'s');
is(sql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE p.pronamespace IN ('ingest_delivery'::regnamespace, 'ingest_delivery_internal'::regnamespace)
	AND (p.proowner <> 'ingest_delivery_engine'::regrole OR p.prosecdef AND p.oid::regproc::text NOT IN (SELECT gives FROM ingest.service WHERE gives IS NOT NULL) OR has_function_privilege('nobody', p.oid, 'EXECUTE') OR obj_description(p.oid, 'pg_proc') IS NULL)}), '', 'every function is its engine\'s, runs as the caller, but for what ingest.reassign calls, and has a comment; PUBLIC may call none');
is(sql(q{SELECT string_agg(c.relname || ' ' || x, ', ') FROM pg_class c, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) x, unnest('{keeper,other,nobody,ingest_admin}'::text[]) r
	WHERE c.relnamespace = 'ingest_delivery'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege(r, c.oid, x)}), '', 'nobody writes its tables');

# -- secrets are nowhere --

my ($plain) = $secret =~ /whsec_(.*)/;
my ($old_plain) = $old_secret =~ /whsec_(.*)/;
my $log = slurp_file($node->logfile);
$log =~ s/^.*(?:CREATE USER MAPPING|create_sink\('refused').*$//mg;    # statements of the test itself, which the server logs as they are
is(join("\n", grep { /\Q$plain\E|\Q$old_plain\E/ } split /\n/, $log), '', 'no secret is in the log, at debug5');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%' || '$plain' || '%' AND pid <> pg_backend_pid()"), 0, 'nor in pg_stat_activity');
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr($p) ]);
unlike($dump, qr/\Q$plain\E/, 'nor in a dump');
like($dump, qr{mapping:ingest_secrets/now}, 'in which the references are');
$node->stop;
done_testing();
