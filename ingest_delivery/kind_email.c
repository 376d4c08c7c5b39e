/*
 * kind_email.c
 *		Events as mails, handed to a mail server over SMTP.
 */
#include "postgres.h"

#include "common/smtp.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/mail.h"
#include "ingest_delivery/outcome.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define GAP (100 * INT64CONST(1000))

typedef struct Email
{
	MailForm form;
	char **to;
	int n_to;
	bool need_tls;
	char *user;
	char *login_options;
} Email;

/* Of a mail on its way */
typedef struct Sending
{
	HttpTalk talk;
	SmtpTalk smtp;
} Sending;

static void
check_address(const char *option, const char *address)
{
	const char *why = smtp_bad_address(address);

	if (why)
		option_refuse(option, psprintf("This is not a mail address: %s.", why), "It is the address alone: ops@example.com, not Ops <ops@example.com>.");
}

static void
check_user(const char *option, const char *user)
{
	for (const unsigned char *c = (const unsigned char *) user; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			option_refuse(option, "It must have no control characters.", NULL);
}

static void
check_login(const char *option, const char *secret)
{
	for (const unsigned char *c = (const unsigned char *) secret; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("what option \"%s\" refers to cannot be sent as a login", option),
					 errdetail("It must have no control characters.")));
}

static const OptionRule options[] = {
	{"url", OPTION_URL, .words = "smtp,smtps", .needed = true},
	{"from", OPTION_TEXT, .check = check_address, .needed = true},
	{"to", OPTION_LIST, .check = check_address, .needed = true},
	{"subject", OPTION_TEXT, .check = mail_check_template},
	{"headers", OPTION_HEADERS},
	{"user", OPTION_TEXT, .check = check_user},
	{"password", OPTION_REFERENCE, .check = check_login},
	{"token", OPTION_REFERENCE, .check = check_login},
	{"login", OPTION_WORD, .words = "plain,login,xoauth2"},
	{"tls", OPTION_WORD, .words = "required,optional"},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 300},
	{"max_bytes", OPTION_NUMBER, .lowest = 1024, .highest = 16777216},
	{"repeat", OPTION_NUMBER, .lowest = 10, .highest = LONGEST_REPEAT},
	END_OF_OPTIONS};

static bool
is_own_header(const char *line)
{
	static const char *const own[] = {"from:", "to:", "cc:", "bcc:", "sender:", "subject:", "date:", "message-id:", "references:", "in-reply-to:", "auto-submitted:", "mime-version:", "received:", "return-path:", "resent-"};

	for (int i = 0; i < lengthof(own); i++)
		if (pg_strncasecmp(line, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

static void
check(const Jsonb *given)
{
	char *login = option_text(given, "login");
	char *tls = option_text(given, "tls");
	char *url = option_text(given, "url");
	bool by_token = login && strcmp(login, "xoauth2") == 0;
	ListCell *lc;

	if (tls && strcmp(tls, "optional") == 0 && !delivery_allow_http)
		option_refuse("tls", "It must be required: without TLS anybody on the way can read along.",
					  HTTP_IS_ALLOWED);
	if (option_is_set(given, "user") && !option_is_set(given, "password") && !option_is_set(given, "token"))
		option_refuse("user", "It needs option password or token.", NULL);
	if (!option_is_set(given, "user") && (option_is_set(given, "password") || option_is_set(given, "token")))
		option_refuse(option_is_set(given, "password") ? "password" : "token", "It needs option user.", NULL);
	if (option_is_set(given, "password") && option_is_set(given, "token"))
		option_refuse("token", "It takes the place of a password: set only one of them.", NULL);
	if (login && by_token != option_is_set(given, "token"))
		option_refuse("login", "xoauth2 goes with option token, plain and login with option password.", NULL);
	/* libcurl says to the server what stands there */
	if (strcmp(strchr(url + strlen("smtps://"), '/') ? strchr(url + strlen("smtps://"), '/') : "/", "/") != 0)
		option_refuse("url", "It must have nothing after host and port.", NULL);
	foreach (lc, option_texts(given, "headers"))
		if (is_own_header(lfirst(lc)))
			option_refuse("headers", psprintf("\"%.*s\" is set by the sink itself.", (int) strcspn(lfirst(lc), ":"), (char *) lfirst(lc)), NULL);
}

static void
load(Sink *sink)
{
	Email *own = palloc0(sizeof(Email));
	char *tls = option_text(sink->options, "tls");
	char *login = option_text(sink->options, "login");
	ListCell *lc;

	own->form.from = option_text(sink->options, "from");
	own->form.to = option_texts(sink->options, "to");
	own->form.subject = option_text(sink->options, "subject");
	own->form.headers = option_texts(sink->options, "headers");
	own->form.instance = sink->instance;
	own->to = palloc(sizeof(char *) * list_length(own->form.to));
	foreach (lc, own->form.to)
		own->to[own->n_to++] = lfirst(lc);
	own->need_tls = !(tls && strcmp(tls, "optional") == 0 && delivery_allow_http);
	own->user = option_text(sink->options, "user");
	if (login)
		own->login_options = strcmp(login, "plain") == 0   ? "AUTH=PLAIN"
							 : strcmp(login, "login") == 0 ? "AUTH=LOGIN"
														   : "AUTH=XOAUTH2";
	sink->own = own;
	sink->max_in_flight = 1;
	sink->gap = GAP;
	sink->settings.request_timeout_ms = option_number(sink->options, "timeout", 60) * 1000;
	sink->repeat = option_number(sink->options, "repeat", 0) * USECS_PER_SEC;
}

static void
send_mail(Sink *sink, Flight *flight)
{
	Email *own = sink->own;
	MemoryContext old = MemoryContextSwitchTo(flight->context);
	Sending *sending = palloc0(sizeof(Sending));

	if (flight->request == NULL)
		flight->request = http_request_new(flight->home);
	for (int i = 0; i < own->n_to; i++)
		if (smtp_bad_address(own->to[i]))
			elog(ERROR, "a recipient is none");
	sending->smtp.from = own->form.from;
	sending->smtp.to = own->to;
	sending->smtp.n_to = own->n_to;
	sending->smtp.body = smtp_body(mail_write(&own->form, &flight->items[0]->event), &sending->smtp.body_len);
	sending->talk.protocols = "smtp,smtps";
	sending->talk.need_tls = own->need_tls;
	sending->talk.user = own->user;
	sending->talk.password = sink_secret(sink, "password");
	sending->talk.bearer = sink_secret(sink, "token");
	sending->talk.login_options = own->login_options;
	sending->talk.step = smtp_step;
	sending->talk.arg = &sending->smtp;
	flight->own = sending;
	http_start_talk(flight->request, &sink->settings, sink->url, &sending->talk);
	MemoryContextSwitchTo(old);
}

/* What it did not take: whose fault that is */
static Verdict
verdict(const SmtpTalk *smtp)
{
	if (smtp->code == 552 || smtp->code == 523)
		return TOO_LARGE;
	if (smtp->stage == SMTP_BODY)
		return smtp->code >= 500 ? OF_EVENT : OF_EITHER;
	return OF_SINK;
}

static char *
in_words(const SmtpTalk *smtp)
{
	static const char *const stages[] = {[SMTP_FROM] = "the sender", [SMTP_TO] = "a recipient", [SMTP_DATA] = "a mail", [SMTP_BODY] = "the mail"};
	const char *to = smtp->stage == SMTP_TO ? psprintf(" <%s>", smtp->to[smtp->recipient]) : "";

	return psprintf("the mail server refused %s%s: status %d", stages[smtp->stage], to, smtp->code);
}

static bool
receive_mail(Sink *sink, Flight *flight)
{
	HttpRequest *request = flight->request;
	SmtpTalk *smtp = &((Sending *) flight->own)->smtp;
	Answer *answer = &flight->answer;

	if (request->state != HTTP_DONE)
		return false;
	answer->status = smtp->code ? smtp->code : request->status;
	answer->body = smtp->reply;
	answer->body_len = smtp->code ? smtp->reply_len : 0;
	if (request->failure != HTTP_OK)
	{
		/* where it was said before what came of it, that holds */
		answer->verdict = smtp->stage == SMTP_ACCEPTED                                          ? ACCEPTED
						  : request->failure == HTTP_TIMEOUT || request->failure == HTTP_BROKEN ? OF_EITHER
																								: OF_SINK;
		answer->error = request->failure == HTTP_NO_LOGIN ? "the mail server refused the login" : outcome_text(request);
		if (request->failure == HTTP_NO_LOGIN)
			sink->resolved_at = 0;
	}
	else if (smtp->stage == SMTP_ACCEPTED)
		answer->verdict = ACCEPTED;
	else
	{
		answer->verdict = verdict(smtp);
		answer->error = in_words(smtp);
	}
	return true;
}

const Kind kind_email = {
	.name = "email",
	.what = "a sink of kind email",
	.options = options,
	.needs = "url is the mail server, smtp://host:587 or smtps://host:465, from the sender's address, to those of the recipients.",
	.types = ALERT_TYPES,
	.check = check,
	.load = load,
	.send = send_mail,
	.receive = receive_mail,
	.note = "The mail server accepted it; look into the mailbox to see whether it arrived.",
};
