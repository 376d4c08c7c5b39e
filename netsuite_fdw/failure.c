/*
 * failure.c
 *		What NetSuite, or who answers in its place, says about a failure.
 *
 * The reason may stand in o:errorDetails, at the top of the document, in an
 * object "error", in a list, somewhere else in a document, in a page of HTML, in
 * XML or in plain text.  Whatever it is, people are shown words, never more than
 * they can read, and no login that the other side repeats.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/json.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "netsuite_fdw/failure.h"
#include "netsuite_fdw/hint.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MAX_REASONS 3
#define SHOWN_BYTES 1000 /* of a reason in a message */

/* -- reading -- */

typedef struct Reasons
{
	char *code;
	StringInfoData detail;
	int n;
} Reasons;

/* The first of the members that is text, or NULL */
static const char *
first_words(Json *object, const char *const *names)
{
	for (; *names != NULL; names++)
	{
		const char *words = json_words(object, *names);

		if (words != NULL && *words != '\0')
			return words;
	}
	return NULL;
}

static void
add_reason(Reasons *r, const char *words)
{
	if (r->n++ >= MAX_REASONS)
		return;
	appendStringInfo(&r->detail, "%s%s", r->detail.len > 0 ? " " : "", words);
}

static void read_reasons(Reasons *r, Json *value, int depth);

/* Where an error lies: a path into the body, a parameter, a header */
static void
add_place(Reasons *r, Json *object)
{
	static const char *const places[][2] = {
		{"o:errorPath", "path"},
		{"o:errorUrl", "address"},
		{"o:urlPath", "address"},
		{"o:errorQueryParam", "parameter"},
		{"o:errorHeader", "header"},
	};

	for (int i = 0; i < lengthof(places) && r->n <= MAX_REASONS; i++)
	{
		const char *words = json_words(object, places[i][0]);
		bool stop = r->detail.len > 0 && r->detail.data[r->detail.len - 1] == '.';

		/* the sentence may name it itself */
		if (words == NULL || strstr(r->detail.data, words) != NULL)
			continue;
		if (stop)
			r->detail.data[--r->detail.len] = '\0';
		appendStringInfo(&r->detail, " (%s %s)%s", places[i][1], words, stop ? "." : "");
	}
}

static void
read_object(Reasons *r, Json *object, int depth)
{
	static const char *const codes[] = {"o:errorCode", "errorCode", "code", "errorcode", NULL};
	static const char *const words[] = {"detail", "error_description", "message", "faultstring",
										"description", "reason", "statusDetail", NULL};
	static const char *const parts[] = {"o:errorDetails", "errors", "error", "fault", "detail", NULL};
	static const char *const titles[] = {"title", "error", NULL};
	const char *code = first_words(object, codes);
	const char *oauth = json_words(object, "error");
	const char *said = first_words(object, words);
	int before = r->n;

	/* OAuth 2.0 puts its code into "error" */
	if (code == NULL && oauth != NULL && strchr(oauth, ' ') == NULL)
		code = oauth;
	if (r->code == NULL && code != NULL)
		r->code = pstrdup(code);
	if (said != NULL)
	{
		add_reason(r, said);
		add_place(r, object);
	}
	for (int i = 0; parts[i] != NULL; i++)
		read_reasons(r, json_member(object, parts[i]), depth);
	if (r->n == before && (said = first_words(object, titles)) != NULL)
		add_reason(r, said);
}

/* An object or a list with reasons; texts in a list are reasons themselves */
static void
read_reasons(Reasons *r, Json *value, int depth)
{
	if (value == NULL || depth > 3 || r->n >= MAX_REASONS)
		return;
	if (json_is_object(value))
		read_object(r, value, depth + 1);
	for (int i = 0; i < json_count(value); i++)
	{
		Json *item = json_item(value, i);

		if (json_item_words(value, i) != NULL)
			add_reason(r, json_item_words(value, i));
		else
			read_reasons(r, item, depth + 1);
	}
}

/* In a document of no known shape, what reads like a sentence */
static void
hear_sentence(const char *words, void *reasons)
{
	if (strchr(words, ' ') != NULL)
		add_reason(reasons, words);
}

/* Does the text begin with the word, in any case? */
static bool
begins(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	return end - p >= len && pg_strncasecmp(p, word, len) == 0;
}

/* The end of a tag; of what it holds as well where that is not for reading */
static const char *
pass_tag(const char *p, const char *end)
{
	static const char *const silent[] = {"script", "style", "head", NULL};
	const char *hidden = NULL;

	for (int i = 0; silent[i] != NULL; i++)
	{
		if (begins(p + 1, end, silent[i]))
			hidden = silent[i];
	}
	for (; p < end; p++)
	{
		if (*p != '>')
			continue;
		if (hidden == NULL)
			return p + 1;
		/* go on to the end tag, whose own sign ends it */
		while (p < end && !(begins(p, end, "</") && begins(p + 2, end, hidden)))
			p++;
		hidden = NULL;
	}
	return end;
}

static const char *
append_entity(StringInfo out, const char *p, const char *end)
{
	static const struct
	{
		const char *name;
		char sign;
	} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&apos;", '\''}, {"&nbsp;", ' '}};

	for (int i = 0; i < lengthof(entities); i++)
	{
		if (begins(p, end, entities[i].name))
		{
			appendStringInfoChar(out, entities[i].sign);
			return p + strlen(entities[i].name);
		}
	}
	appendStringInfoChar(out, *p);
	return p + 1;
}

/* Is it HTML, or XML, from its first sign or from one of HTML's own further on? */
static bool
is_markup(const char *body, const char *end)
{
	if (end - body > 1 && body[0] == '<' && (isalpha((unsigned char) body[1]) || body[1] == '?' || body[1] == '!'))
		return true;
	for (const char *p = body; p < end; p++)
	{
		if (begins(p, end, "<html") || begins(p, end, "<!doctype") || begins(p, end, "<body"))
			return true;
	}
	return false;
}

/* Plain text, HTML and XML: what a reader would see of it */
static char *
visible(const char *body, size_t len)
{
	const char *end = body + len;
	StringInfoData out;
	bool markup = is_markup(body, end);

	initStringInfo(&out);
	for (const char *p = body; p < end && out.len < 4 * SHOWN_BYTES;)
	{
		if (markup && begins(p, end, "<![CDATA["))
			p += strlen("<![CDATA[");
		else if (markup && begins(p, end, "]]>"))
			p += strlen("]]>");
		else if (markup && *p == '<')
		{
			p = pass_tag(p, end);
			appendStringInfoChar(&out, ' ');
		}
		else if (markup && *p == '&')
			p = append_entity(&out, p, end);
		else
			appendStringInfoChar(&out, *p++);
	}
	return words_from_utf8(out.data, out.len);
}

/* In one line, without control characters and blanks that say nothing */
static char *
one_line(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++)
	{
		bool blank = (unsigned char) *p <= ' ' || *p == 127;

		if (!blank)
			*out++ = *p;
		else if (out > text && out[-1] != ' ')
			*out++ = ' ';
	}
	while (out > text && out[-1] == ' ')
		out--;
	*out = '\0';
	return text;
}

/* Where a login that is repeated begins in the text, behind the word that announces it; NULL if none does */
static char *
repeated_login(char *text)
{
	static const char *const marks[] = {"Bearer ", "Basic ", "client_assertion=", "oauth_consumer_key=", "oauth_token=", "oauth_signature=", NULL};
	const char *end = text + strlen(text);

	for (char *p = text; p < end; p++)
	{
		for (int i = 0; marks[i] != NULL; i++)
		{
			if (begins(p, end, marks[i]) && strspn(p + strlen(marks[i]), "\"") < strcspn(p + strlen(marks[i]), " ,;&"))
				return p + strlen(marks[i]);
		}
	}
	return NULL;
}

/* A token or a signature is no word: it has digits, signs or capitals within */
static bool
is_no_word(const char *from, const char *to)
{
	for (const char *p = from + 1; p < to - 1; p++)
	{
		if (isdigit((unsigned char) *p) || isupper((unsigned char) *p) || strchr("=/+_%", *p) != NULL)
			return to - from > 8;
	}
	return false;
}

/* Who answers may repeat what it was sent: a login is nobody's to read */
static void
hide_logins(char *text)
{
	char *login = repeated_login(text);

	while (login != NULL)
	{
		char *behind;

		login += strspn(login, "\"");
		behind = login + strcspn(login, " ,;&\"");
		if (is_no_word(login, behind))
		{
			memset(login, '.', 3);
			memmove(login + 3, behind, strlen(behind) + 1);
			behind = login + 3;
		}
		login = repeated_login(behind);
	}
}

static void
take_reasons(Reasons *r, char **code, char **detail)
{
	one_line(r->detail.data);
	hide_logins(r->detail.data);
	*code = r->code;
	*detail = *r->detail.data != '\0' ? r->detail.data : NULL;
}

/* Code and reason that a document tells, palloc'd; NULL for what it does not tell */
void
failure_read_document(Json *document, char **code, char **detail)
{
	Reasons r = {0};

	initStringInfo(&r.detail);
	read_reasons(&r, document, 0);
	take_reasons(&r, code, detail);
}

/* The same of an error reply, whatever it is */
void
failure_read(const char *body, size_t len, char **code, char **detail)
{
	size_t before = len >= 3 && memcmp(body, "\357\273\277", 3) == 0 ? 3 : 0;
	Json *document;
	Reasons r = {0};

	while (before < len && isspace((unsigned char) body[before]))
		before++;
	document = json_parse(CurrentMemoryContext, body + before, len - before);
	initStringInfo(&r.detail);
	if (document == NULL)
		appendStringInfoString(&r.detail, visible(body + before, len - before));
	read_reasons(&r, document, 0);
	if (r.detail.len == 0)
		json_hear(document, hear_sentence, &r);
	take_reasons(&r, code, detail);
}

/* Why a reply that says success is of no use: some say with status 200 what failed */
const char *
failure_instead(const char *body, size_t len, const char *why)
{
	Json *document = json_parse(CurrentMemoryContext, body, len);
	char *code;
	char *detail;

	if (document == NULL)
		return why;
	failure_read_document(document, &code, &detail);
	if (detail == NULL)
		detail = code;
	return detail ? psprintf("%s, but an error: %s", why, detail) : why;
}

/* -- in words -- */

/* Was a failed request refused for a reason that lasts?  A login can be mended, the rest may pass. */
bool
request_refused(Request *request)
{
	switch (request->outcome)
	{
		case OUTCOME_DENIED:
		case OUTCOME_NO_TABLE:
		case OUTCOME_NO_COLUMN:
		case OUTCOME_NO_LANGUAGE:
		case OUTCOME_REFUSED:
			return request->state == REQUEST_FAILED && request->http->status >= 400;
		default:
			return false;
	}
}

/* The SQLSTATE of a failed request */
int
request_sqlstate(Request *request)
{
	if (request->verdict == VERDICT_UNKNOWN)
		return ERRCODE_T_R_STATEMENT_COMPLETION_UNKNOWN;
	switch (request->outcome)
	{
		case OUTCOME_UNREACHED:
		case OUTCOME_UNTRUSTED:
		case OUTCOME_LOST:
			return ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION;
		case OUTCOME_MISCONFIGURED:
			return ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE;
		case OUTCOME_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case OUTCOME_BUSY:
			return ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
		case OUTCOME_LOGIN:
			return ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
		case OUTCOME_DENIED:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case OUTCOME_NO_TABLE:
			return ERRCODE_FDW_TABLE_NOT_FOUND;
		case OUTCOME_NO_COLUMN:
			return ERRCODE_FDW_COLUMN_NAME_NOT_FOUND;
		case OUTCOME_NO_LANGUAGE:
			return ERRCODE_FDW_OPTION_NAME_NOT_FOUND;
		case OUTCOME_NONSENSE:
			return ERRCODE_FDW_REPLY_HANDLE;
		case OUTCOME_TOO_LARGE:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		default:
			return ERRCODE_FDW_ERROR;
	}
}

/* NetSuite's words about a failure, not more of them than can be read */
const char *
request_words(Request *request)
{
	const char *detail = request->detail;
	int len = detail ? strlen(detail) : 0;
	int shown = pg_mbcliplen(detail, len, SHOWN_BYTES);

	if (len == 0)
		return NULL;
	return shown < len ? psprintf("%.*s...", shown, detail) : detail;
}

/* Why a login may be refused that was right once */
static const char *
login_hint(Request *r)
{
	TimestampTz expiry;

	if (client_certificate(r->client, &expiry) == CERTIFICATE_EXPIRED)
		return psprintf("The certificate of the user mapping expired on %s: make a new one, upload it in NetSuite under OAuth 2.0 Client Credentials Setup and set the options certificate_id and private_key or private_key_file.",
						timestamptz_to_str(expiry));
	if (client_credential(r->client) == CREDENTIAL_OAUTH2)
		return "Check the user mapping, that the certificate is neither revoked nor expired, and this machine's clock; NetSuite's Login Audit Trail names the reason, netsuite_check() shows the clock skew.";
	return "Check the user mapping, that the token is not revoked, and this machine's clock; NetSuite's Login Audit Trail names the reason, netsuite_check() shows the clock skew.";
}

static const char *
hint_of(Request *r)
{
	switch (r->outcome)
	{
		case OUTCOME_MISCONFIGURED:
			return "Check the server options base_url, ca_file and proxy.";
		case OUTCOME_UNTRUSTED:
			return "If a proxy or a test server presents its own certificate, name its authority in server option ca_file.";
		case OUTCOME_UNREACHED:
		case OUTCOME_LOST:
			return "Check the network and the server options account, base_url, proxy, connect_timeout, request_timeout and retry_deadline; netsuite_check() tells which step fails.";
		case OUTCOME_NO_MEMORY:
			return NULL;
		case OUTCOME_BUSY:
			return "Other integrations use up the account's concurrency; lower max_concurrency or raise retry_deadline of the server.";
		case OUTCOME_LOGIN:
			return login_hint(r);
		case OUTCOME_DENIED:
			return "Give the role of the token the permission in NetSuite; docs/netsuite_fdw.md lists those needed.";
		case OUTCOME_NO_LANGUAGE:
			return psprintf("Name the company's default language: %s",
							hint_server_option(client_options(r->client)->serverid, "accept_language"));
		case OUTCOME_NO_TABLE:
			return "The account has no such table because a feature such as Multiple Currencies is not enabled there, "
				   "or the role may not see it: enable the feature, or give the role the permission.";
		case OUTCOME_NO_COLUMN:
			return "The account may have changed or the role may have lost a permission: run IMPORT FOREIGN SCHEMA into a new schema and compare.";
		case OUTCOME_NONSENSE:
			return "A proxy may have answered instead of NetSuite; check base_url and proxy.";
		case OUTCOME_TOO_LARGE:
			return "Raise server option max_buffered.";
		case OUTCOME_FAILED:
			return "NetSuite failed repeatedly; if it persists, give the operation id to its support.";
		default:
			if (r->http->status >= 300 && r->http->status < 400)
				return "Redirects are not followed, since they would carry the credentials elsewhere: check base_url, account and proxy.";
			return NULL;
	}
}

static void
append_sentence(StringInfo text, const char *sentence)
{
	int len = strlen(sentence);

	appendStringInfo(text, "%s%s", text->len > 0 ? " " : "", sentence);
	if (len > 0 && strchr(".!?", sentence[len - 1]) == NULL)
		appendStringInfoChar(text, '.');
}

/* What went wrong, as the end of a message */
static const char *
what_came(Request *request)
{
	if (request->outcome == OUTCOME_TOO_LARGE)
		return "the reply is too large";
	if (request->http->failure != HTTP_OK)
		return "no reply";
	return psprintf("NetSuite answered %d", request->http->status);
}

/* Report a failed request */
void
request_raise(Request *request)
{
	HttpRequest *http = request->http;
	const char *server = client_options(request->client)->name;
	const char *hint = hint_of(request);
	const char *words = request_words(request);
	bool unknown = request->verdict == VERDICT_UNKNOWN;
	StringInfoData detail;

	if (request->outcome == OUTCOME_NO_MEMORY && !unknown)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed to allocate memory for a request to server \"%s\".", server)));
	initStringInfo(&detail);
	if (words)
		append_sentence(&detail, words);
	if (request->code)
		append_sentence(&detail, psprintf("Code: %s.", request->code));
	if (http->operation_id[0])
		append_sentence(&detail, psprintf("Operation id: %s.", http->operation_id));
	if (request->attempt > 0)
		append_sentence(&detail, psprintf("Gave up after %d attempts.", request->attempt + 1));
	ereport(ERROR,
			(errcode(request_sqlstate(request)),
			 unknown ? errmsg("it is not known whether NetSuite carried out the request to server \"%s\": could not "
							  "%s: %s",
							  server, request->what, what_came(request))
					 : errmsg("could not %s on server \"%s\": %s", request->what, server, what_came(request)),
			 detail.len > 0 ? errdetail_internal("%s", detail.data) : 0,
			 hint ? errhint("%s", hint) : 0,
			 request->suiteql ? errcontext("SuiteQL: %s", request->suiteql) : 0));
}
