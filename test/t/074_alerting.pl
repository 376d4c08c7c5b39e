# Alerts reach people: mail, Alertmanager, Slack, Teams and PagerDuty, each by what it says of itself; and alerts of sinks
use strict;
use warnings;
use Delivery;
use IPC::Run;
use JSON::PP;
use Port;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $folder = PostgreSQL::Test::Utils::tempdir('alerting');
my $node = new_delivery('alerting', conf => "log_min_messages = debug5\nlog_statement = all\ningest.service_alert = 20\n");
my $web = start_peer('web', 'catcher');

sub sql { return $node->safe_psql($p, $_[0]); }

sub complaint
{
	my ($statement) = @_;
	my (undef, undef, $err) = $node->psql($p, $statement);
	return $err;
}

# what came to a path of the catcher, read as JSON
sub came
{
	my ($path) = @_;
	return map { JSON::PP->new->decode($_->{body}) } grep { $_->{path} eq $path && $_->{status} < 300 } peer_got('web');
}

# of these the ones that the test opened, and tests: alerts of sinks come when they come
sub told { return grep { JSON::PP->new->canonical->encode($_) =~ /run\W*_failed|sink\W*_test/ } came($_[0]); }

# until so many are there, or so long has passed; they
sub wait_for
{
	my ($n, $got, $seconds) = @_;
	my $until = time() + ($seconds // $PostgreSQL::Test::Utils::timeout_default);
	my @all;
	sleep(0.1) until (@all = $got->()) >= $n || time() > $until;
	return @all;
}

sub opens
{
	my ($object, $subject, $summary, $severity) = @_;
	$severity //= 'error';
	return sql(qq{SELECT ingest_internal.alert_opens('run_failed', '$object', $subject, '$severity', $summary, owner => (SELECT oid FROM pg_roles WHERE rolname = current_user));
		SELECT id FROM ingest.alert WHERE object = '$object' AND closed_at IS NULL});
}
sub closes { return sql("SELECT ingest_internal.alert_closes('run_failed', '$_[0]', 'it went well')"); }

my $key = '0123456789abcdef0123456789abcdef';
sql(qq{ALTER USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (ADD slack 'http://127.0.0.1:$web/slack/T0/B0/XXSLACKXX', ADD teams 'http://127.0.0.1:$web/teams/XXTEAMSXX',
	ADD pd '$key', ADD password 'pässwörd XXMAILXX', ADD token 'XXTOKENXX', ADD wrong 'wrong')});

# -- options --

my $mail = '"url": "smtp://mail.example.com:587", "from": "ingest@example.com"';
for (
	[ 'fax', '{}', qr/there is no kind of sink "fax"\nHINT:  The kinds are webhook, kafka, event_hubs, openlineage, email, alertmanager, slack, teams and pagerduty/ ],
	[ 'slack', '{"url": "https://hooks.slack.com/services/x"}', qr/must be a reference to a secret/ ],
	[ 'slack', '{"url": "mapping:ingest_secrets/pd"}', qr/invalid value of option "url"\nDETAIL:  It must be a URL/ ],
	[ 'slack', '{"url": "mapping:ingest_secrets/slack", "channel": "#a"}', qr/no option "channel"\nHINT:  Its options are url, ca_file, timeout, repeat/ ],
	[ 'teams', '{}', qr/needs option "url"\nHINT:  url is a reference to the URL of a workflow/ ],
	[ 'pagerduty', '{"routing_key": "mapping:ingest_secrets/token"}', qr/not an integration key/ ],
	[ 'pagerduty', '{"routing_key": "mapping:ingest_secrets/pd", "error_is": "bad"}', qr/It must be critical or error/ ],
	[ 'alertmanager', '{"url": "https://10.0.0.1/"}', qr/Nothing is sent to 10.0.0.1: 10.0.0.0\/8 is private/ ],
	[ 'alertmanager', '{"url": "https://am.example.com/", "repeat": 300}', qr/whole number from 1 to 240/ ],
	[ 'email', qq({$mail}), qr/needs option "to"/ ],
	[ 'email', qq({$mail, "to": "a\@example.com\\r\\nRCPT TO:<evil\@example.com>"}), qr/This is not a mail address: it must contain only printable ASCII.*HINT:  It is the address alone/s ],
	[ 'email', qq({$mail, "to": ["a\@example.com", "b>\@example.com"]}), qr/This is not a mail address/ ],
	[ 'email', qq({$mail, "to": ["nobody"]}), qr/like name\@example.com/ ],
	[ 'email', qq({$mail, "to": [1]}), qr/text or an array of texts/ ],
	[ 'email', qq({$mail, "to": []}), qr/1 to 100 texts/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "subject": "{colour}"}), qr/There is no \{colour\}.\nHINT:  There are \{title\}, \{type\}/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "subject": "a\\r\\nBcc: b\@example.com"}), qr/no control characters/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "headers": {"X-A": "b\\r\\nBcc: c"}}), qr/printable ASCII/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "headers": {"Bcc": "b\@example.com"}}), qr/"Bcc" is set by the sink itself/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "user": "u"}), qr/needs option password or token/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "user": "u", "password": "geheim"}), qr/must be a reference to a secret/ ],
	[ 'email', qq({$mail, "to": "a\@example.com", "user": "u", "password": "mapping:ingest_secrets/pd", "login": "xoauth2"}), qr/xoauth2 goes with option token/ ],
	[ 'email', '{"url": "http://mail.example.com", "from": "a@example.com", "to": "a@example.com"}', qr/must begin with smtp:\/\/ or smtps/ ],
	[ 'email', '{"url": "smtp://mail.example.com/x%0d%0aRCPT", "from": "a@example.com", "to": "a@example.com"}', qr/nothing after host and port/ ],
	[ 'email', '{"url": "smtp://192.168.1.1:25", "from": "a@example.com", "to": "a@example.com"}', qr/192.168.0.0\/16 is private/ ],
	[ 'slack', '{"url": "mapping:ingest_secrets/slack"}', qr/carries no events of type "com.x"\nHINT:  It carries alerts: ingest.alert.opened/, "types => '{com.x}'" ])
{
	my ($kind, $options, $error, $more) = @$_;
	like(complaint("SELECT ingest_delivery.create_sink('x', '$kind', '$options'" . ($more ? ", $more" : '') . ')'), $error, "$kind: $error");
}
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = off});
like(complaint(qq{SELECT ingest_delivery.create_sink('x', 'email', '{$mail, "to": "a\@example.com", "tls": "optional"}')}), qr/without TLS anybody/, 'mail without TLS is a superuser\'s to allow');
sql(q{ALTER DATABASE postgres SET ingest_delivery.allow_http = on});

# -- mail --

my ($dir) = $folder;
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key", '-out', "$dir/cert");
append_to_file("$dir/both", slurp_file("$dir/key") . slurp_file("$dir/cert"));
my @login = ('--user', 'bot', '--password', 'pässwörd XXMAILXX', '--token', 'XXTOKENXX');

sub mailer
{
	my ($name, $port, $more, $types, $scheme) = @_;
	$scheme //= 'smtp';
	return sql(qq{SELECT ingest_delivery.create_sink('$name', 'email', '{"url": "$scheme://127.0.0.1:$port", "from": "ingest\@example.com", "to": ["ops\@example.com", "boss\@example.com"],
		"ca_file": "$dir/cert"$more}'} . ($types ? ", types => '{$types}'" : '') . ')');
}

SKIP:
{
	skip 'there is no python3-aiosmtpd, which takes the mails', 1 if system('/usr/bin/python3 -c "import aiosmtpd" 2>/dev/null') != 0;
	my $box = start_peer('box', 'mailbox', '--cert', "$dir/both", @login);
	my $by_login = ', "user": "bot", "password": "mapping:ingest_secrets/password"';

	mailer('mail', $box, $by_login);
	mailer('own', $box, qq($by_login, "login": "login", "subject": "{type} of {subject}: {kind}", "headers": {"X-Team": "data"}), 'com.*');
	my $test = sql(q{SELECT ok || '|' || status || '|' || coalesce(error, '') || '|' || note FROM ingest_delivery.test_sink('mail')});
	like($test, qr/^true\|250\|\|The mail server accepted it/, 'test_sink sends a mail');
	my $long = 'x' x 300;
	my $alert = opens('sync 1', qq{E'Größe\\r\\nBcc: evil\@example.com'}, qq{E'Es ging schief: ü\\u2028 €\\n.\\n..\\n$long\\r\\n\\r\\nSubject: no'});
	sql("SELECT ingest.acknowledge($alert)");
	closes('sync 1');
	my @mails = wait_for(4, sub { peer_got('box') });
	is(scalar @mails, 4, 'mails of a test, an opening, an acknowledgement and an end');
	my ($opened, $acknowledged, $closed) = @mails[ 1 .. 3 ];
	is($opened->{headers}{Subject}, "[error] run_failed: Gr\x{f6}\x{df}e  Bcc: evil\@example.com", 'the subject is what it is about, in a line');
	is_deeply([ sort @{ $opened->{names} } ], [ sort qw(From To Subject Date Message-ID References In-Reply-To Auto-Submitted MIME-Version Content-Type Content-Transfer-Encoding) ], 'no header comes from an event');
	is(join(',', @{ $opened->{to} }), 'ops@example.com,boss@example.com', 'to the recipients and nobody else');
	like($opened->{text}, qr/^Es ging schief: \x{fc}\x{2028} \x{20ac}\n\.\n\.\.\nx{300}\s+Subject: no\n/, 'its text is whole, dots, long lines and umlauts');
	cmp_ok($opened->{longest}, '<=', 76, 'no line is longer than 76');
	is(join(',', map { "$_->{bare} " . scalar(@{ $_->{defects} }) . " $_->{tls} $_->{user}" } @mails), join(',', ('0 0 1 PLAIN') x 4), 'in lines as they should be, over TLS, logged in');
	is($opened->{headers}{'Auto-Submitted'}, 'auto-generated', 'nobody answers by machine');
	my ($id) = split /\|/, sql("SELECT era || '-' || id FROM ingest.event WHERE type = 'ingest.alert.opened' ORDER BY id DESC LIMIT 1");
	like($opened->{headers}{'Message-ID'}, qr/^<\Q$id\E\.\d+-\d+\@example.com>$/, 'a mail has the event\'s id');
	isnt($opened->{headers}{'Message-ID'}, $closed->{headers}{'Message-ID'}, 'each its own');
	is($opened->{headers}{References}, $closed->{headers}{References}, 'and those of an alert hang together');
	like($acknowledged->{headers}{Subject} . $closed->{headers}{Subject}, qr/^\[acknowledged\].*\[closed\]/, 'they say what is new');
	like($closed->{text}, qr/^Closed: it went well$/m, 'and why it is over');
	sql(q{SELECT ingest.emit('com.example.a', E'übrigens', '{"n": 1, "t": "ß"}')});
	my $own = (wait_for(5, sub { peer_got('box') }))[4];
	is($own->{headers}{Subject}, "com.example.a of \x{fc}brigens: ", 'any event can be mailed, with a subject by a template');
	is("$own->{user} $own->{headers}{'X-Team'}", 'LOGIN data', 'by AUTH LOGIN, with headers');
	like($own->{text}, qr/\{"n": 1, "t": "\x{df}"\}/, 'and its data');

	# a login by token, TLS from the beginning
	my $safe = start_peer('safe', 'mailbox', '--cert', "$dir/both", '--smtps', @login);
	mailer('token', $safe, ', "user": "bot", "token": "mapping:ingest_secrets/token"', 'token.*', 'smtps');
	is(sql(q{SELECT ok || ' ' || coalesce(error, '') FROM ingest_delivery.test_sink('token')}), 'true ', 'XOAUTH2 and smtps');
	is((peer_got('safe'))[0]{user}, 'XOAUTH2', 'it came so');

	# whose fault
	sub trial { my ($sink) = @_; return sql("SELECT concat_ws('|', ok, status, error) FROM ingest_delivery.test_sink('$sink')"); }
	mailer('wrong', $box, ', "user": "bot", "password": "mapping:ingest_secrets/wrong"', 'no.*');
	like(trial('wrong'), qr/^f\|535\|the mail server refused the login/, 'a login that is wrong');
	peer_behave('box', rcpt => { 'boss@example.com' => '550 5.1.1 nobody' });
	like(trial('mail'), qr/^f\|550\|the mail server refused a recipient <boss\@example.com>: status 550/, 'a recipient that is refused');
	my $n = opens('sync 2', "'blocked?'", "'x'");
	poll_until($node, $p, q{SELECT breaker || ' ' || blocked FROM ingest_delivery.sink_status WHERE sink = 'mail'}, 'open 0');
	pass('is the sink\'s fault: its place stands still');
	peer_behave('box');
	sql(q{SELECT ingest_delivery.alter_sink('mail', on_exhausted => 'skip')});
	poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'mail'}, 'closed');
	closes('sync 2');
	wait_for(7, sub { peer_got('box') });
	peer_behave('box', data => '554 5.7.1 spam');
	opens('sync 3', "'refused'", "'x'");
	poll_until($node, $p, q{SELECT blocked || ' ' || breaker FROM ingest_delivery.sink_status WHERE sink = 'mail'}, '1 closed');
	pass('a mail that is refused is the event\'s fault');
	peer_behave('box', data => '552 5.3.4 too large');
	opens('sync 4', "'large'", "'x'");
	poll_until($node, $p, q{SELECT error FROM ingest_delivery.dead}, 'the mail server refused the mail: status 552');
	pass('one that is too large is given up');
	peer_behave('box');
	sql(q{SELECT ingest_delivery.redrive('mail')});
	closes("sync $_") for 3, 4;
	poll_until($node, $p, q{SELECT blocked || ' ' || dead FROM ingest_delivery.sink_status WHERE sink = 'mail'}, '0 0');

	# a server that takes its time keeps nobody waiting
	sql(qq{SELECT ingest_delivery.create_sink('quick', 'webhook', '{"url": "http://127.0.0.1:$web/quick", "secret": "mapping:ingest_secrets/now"}', types => '{com.*}')});
	peer_behave('box', data_sleep => 4, silent_quit => JSON::PP::true);
	my $before = peer_got('box');
	sql(q{SELECT ingest.emit('com.example.b', 'first', '{}')});
	sleep(1.5);
	my $since = time();
	sql(q{SELECT ingest.emit('com.example.c', 'second', '{}')});
	wait_for(2, sub { came('/quick') });
	in_time(time() - $since, 2, 'while a mail server thinks others are sent to');
	is(scalar(peer_got('box')), $before, 'it does still');
	wait_for($before + 2, sub { peer_got('box') });
	peer_behave('box');

	# without STARTTLS nothing goes out, least of all a password
	my $open = start_peer('open', 'mailbox', '--plain', @login);
	mailer('plain', $open, $by_login, 'no.*');
	like(trial('plain'), qr/^f\|.*STARTTLS/i, 'a server without STARTTLS gets nothing');
	mailer('bare', $open, ', "tls": "optional", "user": "bot", "password": "mapping:ingest_secrets/password"', 'no.*');
	like(trial('bare'), qr/^t\|250/, 'unless that was allowed');
	is(join(',', map { $_->{tls} ? 1 : 0 } peer_got('open')), '0', 'once');
	sql(qq{SELECT ingest_delivery.alter_sink('plain', options => '{"ca_file": null, "url": "smtp://127.0.0.1:$box"}')});
	like(trial('plain'), qr/^f\|.*certificate/, 'nor does a server that is not trusted');
	end_peer($_) for qw(safe open);
	sql(q{SELECT ingest_delivery.drop_sink(s) FROM unnest('{token,wrong,plain,bare,own,quick,mail}'::text[]) s});
}

# -- Slack, Teams, PagerDuty --

my $pd = qq("routing_key": "mapping:ingest_secrets/pd", "url": "http://127.0.0.1:$web/pagerduty");
sql(qq{SELECT ingest_delivery.create_sink('slack', 'slack', '{"url": "mapping:ingest_secrets/slack"}'), ingest_delivery.create_sink('teams', 'teams', '{"url": "mapping:ingest_secrets/teams"}'),
	ingest_delivery.create_sink('pd', 'pagerduty', '{$pd, "error_is": "critical"}')});
my ($slack, $teams, $pagerduty) = ('/slack/T0/B0/XXSLACKXX', '/teams/XXTEAMSXX', '/pagerduty');
peer_behave('web', $teams => { status => 202, answer => '' });
is(sql(q{SELECT string_agg(coalesce(note, '-'), '|' ORDER BY s) FROM unnest('{slack,teams,pd}'::text[]) s, LATERAL ingest_delivery.test_sink(s) t WHERE t.ok}),
	'An incident of severity info was opened: resolve it there.|-|That status says that a workflow began, not that a card was posted: look into the channel.', 'test_sink says what an answer proves');
my $huge = opens('sync 5', q{'<!channel> & "x" *b*'}, q{repeat('<ü&€>', 3000)});
sql("SELECT ingest.acknowledge($huge)");
closes('sync 5');
my @said = map { [ wait_for(4, sub { told($_) }) ] } $slack, $teams, $pagerduty;
is(join(',', map { scalar @$_ } @said), '4,4,4', 'each tells of an opening, an acknowledgement and an end');
like($said[0][1]{text}, qr/^\[error\] run_failed: &lt;!channel&gt; &amp;/, 'Slack: nobody is mentioned');
my @times = map { $_->{at} } grep { $_->{path} eq $slack } peer_got('web');
cmp_ok($times[$_] - $times[ $_ - 1 ], '>', 0.9, 'Slack: a second between two, as they arrive [timed]') for 2 .. 3;
is(join(',', map { $_->{event_action} } @{ $said[2] }), 'trigger,trigger,acknowledge,resolve', 'PagerDuty: trigger, acknowledge, resolve');
my %keys = map { $_->{dedup_key} => 1 } @{ $said[2] }[ 1 .. 3 ];
is(scalar keys %keys, 1, 'with one key');
is($said[2][1]{payload}{severity}, 'critical', 'and the severity that was chosen');
peer_behave('web', $pagerduty => { status => 400, answer => '{"status": "invalid event"}' }, $slack => { status => 429, retry_after => 2 }, $teams => { status => 202 });
opens('sync 6', "'six'", "'x'", 'warning');
poll_until($node, $p, q{SELECT dead || ' ' || blocked FROM ingest_delivery.sink_status WHERE sink = 'pd'}, '1 0');
pass('PagerDuty: 400 is the end of it');
poll_until($node, $p, q{SELECT breaker FROM ingest_delivery.sink_status WHERE sink = 'slack'}, 'open');
sleep(3);
cmp_ok(scalar(grep { $_->{path} eq $slack && $_->{status} == 429 } peer_got('web')), '<=', 2, 'Slack: Retry-After is obeyed');
peer_behave('web', $teams => { status => 202 });
sql(q{SELECT ingest_delivery.redrive('pd'), ingest_delivery.alter_sink('slack', on_exhausted => 'skip')});
is(scalar(wait_for(5, sub { told($slack) })), 5, 'then it arrives');
is((wait_for(5, sub { told($pagerduty) }))[4]{payload}{severity}, 'warning', 'and what was given up, when it is tried again');

# repeats
my $n = told($slack);
sql(q{SELECT ingest_delivery.alter_sink('slack', options => '{"repeat": 10}')});
sql(q{UPDATE ingest.alert SET told_at = told_at - interval '1 min' WHERE closed_at IS NULL AND object <> 'sync 6'});
my @again = wait_for($n + 1, sub { told($slack) }, 30);
like($again[-1]{text}, qr/^\[still warning\] run_failed: six/, 'an alert that is still open is told again');
is(sql(q{SELECT count(*) FROM ingest_delivery.reminder r JOIN ingest.alert a ON a.id = r.alert WHERE a.object = 'sync 6'}), 1, 'which is written down');
sql(q{SELECT ingest.silence('run_failed/six', now() + interval '1 hour')});
sleep(12);
my $was = told($slack);
sleep(12);
is(scalar(told($slack)), $was, 'not while it is silenced');
sql(q{SELECT ingest.silence('run_failed/six', NULL)});
cmp_ok(scalar(wait_for($was + 1, sub { told($slack) }, 30)), '>', $was, 'but after that');
sql(q{SELECT ingest.acknowledge(id) FROM ingest.alert WHERE object = 'sync 6' AND closed_at IS NULL});
sleep(12);
$was = told($slack);
sleep(12);
is(scalar(told($slack)), $was, 'nor when somebody is taking care of it');
closes('sync 6');
wait_for($was + 1, sub { told($slack) });

SKIP:
{
	skip 'the peers from npm come with make check', 1 unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/adaptivecards";
	append_to_file("$folder/requests", join("\n", map { encode_json({ path => $_->{path}, body => $_->{body} }) } grep { $_->{path} =~ m{^/(slack|teams|pagerduty)} } peer_got('web')));
	my ($out, $err) = run_command([ 'node', 'delivery/cards.cjs', "$folder/requests" ]);
	like($out, qr/^\d\d? slack, \d pagerduty, \d teams$/, "adaptivecards parses the cards, the others are as their documents want them: $err");
}

# -- Alertmanager --

SKIP:
{
	my ($manager) = grep { -x } qw(/usr/bin/prometheus-alertmanager /usr/bin/alertmanager);
	skip 'there is no prometheus-alertmanager', 1 unless $manager && -x '/usr/bin/amtool';
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$folder/am.yml", "global:\n  resolve_timeout: 3s\nroute:\n  receiver: none\nreceivers:\n  - name: none\n");
	my $am = IPC::Run::start([ $manager, "--config.file=$folder/am.yml", "--storage.path=$folder/am", "--web.listen-address=127.0.0.1:$port", '--cluster.listen-address=' ], '<', '/dev/null', '>', "$folder/am.out", '2>&1');
	await_port($port, 'Alertmanager', "$folder/am.out");
	my $firing = sub
	{
		my ($out) = run_command([ '/usr/bin/amtool', "--alertmanager.url=http://127.0.0.1:$port", '-o', 'json', 'alert', 'query', @_ ]);
		return @{ decode_json($out) };
	};
	sql(qq{SELECT ingest_delivery.create_sink('am', 'alertmanager', '{"url": "http://127.0.0.1:$port/", "repeat": 1}')});
	opens('sync 7', qq{'Größe "7"'}, "'it failed'");
	my ($alert) = wait_for(1, sub { $firing->('alertname=run_failed') });
	is($alert->{labels}{subject} . ' ' . $alert->{annotations}{summary}, "Gr\x{f6}\x{df}e \"7\" it failed", 'Alertmanager shows an alert that opens');
	is_deeply([ sort keys %{ $alert->{labels} } ], [qw(alertname instance object severity subject)], 'by labels that do not change');
	my ($later) = wait_for(1, sub { grep { $_->{endsAt} gt $alert->{endsAt} } $firing->('alertname=run_failed') });
	cmp_ok($later->{endsAt}, 'gt', $alert->{endsAt}, 'it is said again, longer than Alertmanager would believe it');
	is($later->{startsAt}, $alert->{startsAt}, 'as the same one');
	sql(q{SELECT ingest.acknowledge(id) FROM ingest.alert WHERE object = 'sync 7'});
	my ($cared) = wait_for(1, sub { grep { $_->{annotations}{acknowledged_by} } $firing->('alertname=run_failed') });
	is($cared->{annotations}{acknowledged_by}, sql('SELECT current_user'), 'also when somebody is taking care of it, who is named');
	sql(q{SELECT ingest.silence('run_failed/*', now() + interval '1 hour')});
	# one may be under way
	sleep(4);
	($alert) = $firing->('alertname=run_failed');
	sleep(3);
	is(($firing->('alertname=run_failed'))[0]{endsAt}, $alert->{endsAt}, 'not while it is silenced');
	sql(q{SELECT ingest.silence('run_failed/*', NULL)});
	closes('sync 7');
	my $until = time() + 30;
	sleep(0.2) while $firing->('alertname=run_failed') && time() < $until;
	is(scalar($firing->('alertname=run_failed')), 0, 'and it ends there when it ends here');
	sleep(3);
	is(scalar($firing->('alertname=run_failed')), 0, 'for good');
	sql(q{SELECT ingest_delivery.drop_sink('am')});
	$am->kill_kill(grace => 0);
}

# -- alerts of sinks --

sub open_alerts { return sql(q{SELECT coalesce(string_agg(kind || ' ' || subject, ', ' ORDER BY kind, subject), '') FROM ingest.alert WHERE closed_at IS NULL}); }
sub state { my ($wanted) = @_; poll_until($node, $p, q{SELECT coalesce(string_agg(kind || ' ' || subject, ', ' ORDER BY kind, subject), '') FROM ingest.alert WHERE closed_at IS NULL}, $wanted); return pass($wanted || 'none is open'); }

sql(q{SELECT ingest_delivery.drop_sink('slack'), ingest_delivery.drop_sink('pd')});
state('');
sql(q{ALTER DATABASE postgres SET ingest_delivery.unavailable_alert = 2; ALTER DATABASE postgres SET ingest_delivery.behind_alert = 8});
sleep(6);
my $hook = qq{'webhook', '{"url": "http://127.0.0.1:$web/down", "secret": "mapping:ingest_secrets/now"}'};
sql("SELECT ingest_delivery.create_sink('down', $hook, types => '{do.*,ingest.alert.*}')");
peer_behave('web', '/down' => { status => 503 }, $teams => { status => 202 });
sql(q{SELECT ingest.emit('do.x', 'a', '{}')});
state('sink_behind down, sink_unavailable down');
my $count = sql(q{SELECT count(*) FROM ingest.event WHERE type = 'ingest.alert.opened' AND data->>'kind' = 'sink_unavailable'});
sleep(6);
is(sql(q{SELECT count(*) FROM ingest.event WHERE type = 'ingest.alert.opened' AND data->>'kind' = 'sink_unavailable'}), $count, 'once, as long as it lasts');
peer_behave('web', $teams => { status => 202 });
sql(q{SELECT ingest_delivery.alter_sink('down', on_exhausted => 'skip')});
state('');
my @cards = grep { $_->{attachments}[0]{content}{body}[0]{text} =~ /sink/ } came($teams);
cmp_ok(scalar @cards, '>=', 4, 'other sinks tell of it');
poll_until($node, $p, q{SELECT behind FROM ingest_delivery.sink_status WHERE sink = 'down'}, 0);
is(join(',', map { $_->{type} } grep { ($_->{data}{subject} // 'down') eq 'down' } came('/down')), 'do.x', 'not the sink that it is about');
# an event is given up
sql(q{SELECT ingest_delivery.alter_sink('down', options => '{"max_bytes": 1024}')});
sleep(1);
sql(q{SELECT ingest.emit('do.x', 'b', jsonb_build_object('x', repeat('y', 2000)))});
state('sink_gave_up down');
sql(q{SELECT ingest_delivery.alter_sink('down', options => '{"max_bytes": null}')});
sql(q{SELECT ingest_delivery.redrive('down')});
state('');
# 410
peer_behave('web', '/down' => { status => 410 }, $teams => { status => 202 });
sql(q{SELECT ingest.emit('do.x', 'c', '{}')});
state('sink_stopped down');
peer_behave('web', $teams => { status => 202 });
sql(q{SELECT ingest_delivery.resume_sink('down')});
state('');
# the owner goes
sql(qq{CREATE ROLE keeper LOGIN IN ROLE ingest_operator});
$node->psql($p, qq{CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (mine '$secret');
	SELECT ingest_delivery.create_sink('left', 'webhook', '{"url": "http://127.0.0.1:$web/left", "secret": "mapping:ingest_secrets/mine"}', types => '{le.*}')}, extra_params => [ '-U', 'keeper' ], on_error_die => 1);
sql(q{DROP USER MAPPING FOR keeper SERVER ingest_secrets; DROP ROLE keeper});
state('sink_orphaned left');
sql(q{SELECT ingest_delivery.drop_sink('left')});
state('');
# the worker hangs
sql(q{ALTER DATABASE postgres RESET ingest_delivery.unavailable_alert});
sleep(7);
# it may just have begun anew for that; and one that is stopped with a lock of the server's stops more than itself
my ($pid, $rests) = ('', '');
while (1)
{
	poll_until($node, $p, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ingest service' AND wait_event_type IN ('Extension', 'Activity') AND xact_start IS NULL});
	$pid = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'});
	next unless $pid =~ /^\d+$/ && kill('STOP', $pid);
	$rests = sql(qq{SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND backend_type = 'ingest service' AND wait_event_type IN ('Extension', 'Activity') AND xact_start IS NULL AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = $pid)});
	last if $rests eq '1';
	kill('CONT', $pid);
}
state('service_silent ingest_delivery');
kill 'CONT', $pid;
state('');

# -- secrets are nowhere --

my $log = slurp_file($node->logfile);
$log =~ s/^.*ALTER USER MAPPING.*(?:\n\t.*)*$//mg;
is(join("\n", grep { /XXSLACKXX|XXTEAMSXX|XXMAILXX|XXTOKENXX|$key/ } split /\n/, $log), '', 'no secret is in the log, at debug5');
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr($p) ]);
unlike($dump, qr/XXSLACKXX|XXTEAMSXX|XXMAILXX|XXTOKENXX|$key/, 'nor in a dump, with all attempts and errors');
$node->stop;
done_testing();
