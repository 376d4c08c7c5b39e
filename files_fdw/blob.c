/*
 * blob.c
 *		Requests to Azure Blob Storage: who asks, how it is signed, what is said when it fails.
 *
 * A request names the version that it wants (If-Match), so that what comes of several is of one content.  What fails and
 * may pass is asked again by Exchange.  Nothing secret is part of an error: of what the other side says its code is
 * taken alone, since its words repeat what was signed.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include "common/address.h"
#include "common/identity.h"
#include "common/keyvault.h"
#include "common/attribute.h"
#include "common/option.h"
#include "common/secret.h"
#include "commands/defrem.h"
#include "files_fdw/blob.h"
#include "files_fdw/option.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define API_VERSION "2021-12-02"
#define RESOURCE "https://storage.azure.com"
#define MOST_LISTING (64 * 1024 * 1024) /* a page of a listing */
#define WRITTEN_TYPE "application/octet-stream"
#define WHOLE_HEADER "x-ms-blob-type:BlockBlob"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

struct BlobCall
{
	BlobStore *store;
	MemoryContext context;
	Exchange *exchange;
	/* what it is made of, to make it once more */
	const char *path; /* NULL: the container */
	BlobParam params[8];
	int nparams;
	const char *version;
	const char *range;
	int64 from;
	int64 n;
	const char *method; /* NULL: GET */
	const char *body;
	size_t len;
	bool only_new;
	bool again; /* with a new token */
};

/* -- addresses -- */

bool
blob_is_address(const char *where)
{
	return strstr(where, "://") != NULL;
}

static const char *
path_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return host + strcspn(host, "/");
}

static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return pnstrdup(host, strcspn(host, "/"));
}

/* A host that is a number, or this machine, is no account's: its account is the first name of the path */
static bool
account_in_path(const char *host)
{
	size_t n = strcspn(host, ":");

	return host[0] == '[' || strspn(host, DIGITS ".") == n || (n == 9 && pg_strncasecmp(host, "localhost", 9) == 0);
}

static bool
is_container(const char *name, size_t n)
{
	return n >= 3 && n <= 63 && (strspn(name, LOWER DIGITS "-") >= n || strncmp(name, "$root", n) == 0 || strncmp(name, "$web", n) == 0);
}

/* The names of the path, each before the next slash: account where it stands there, container, folders */
static const char *
address_problem(const char *where)
{
	const char *url = address_as_sent(where);
	const char *path;
	size_t n;

	if (url == NULL || strchr(where, '@') || strchr(where, '?') || strchr(where, '#') || strchr(where, '%'))
		return "It must be https://account.blob.core.windows.net/container, optionally followed by a folder, and "
			   "without a signature, which belongs in option sas of the user mapping.";
	path = path_of(where);
	if (account_in_path(host_of(where)))
	{
		n = *path ? strcspn(path + 1, "/") : 0;
		if (n == 0)
			return "If the host is a number, the account is the first name after it.";
		path += n + 1;
	}
	n = *path ? strcspn(path + 1, "/") : 0;
	if (n == 0 || !is_container(path + 1, n))
		return "It must name a container: 3 to 63 lower-case letters, digits and hyphens.";
	for (path += n + 1; *path == '/'; path += n + 1)
	{
		n = strcspn(path + 1, "/");
		if (n == 0 || (path[1] == '.' && (n == 1 || (n == 2 && path[2] == '.'))))
			return "It must have no empty names, no . and no .., and no slash at its end.";
	}
	return NULL;
}

void
blob_check_address(const char *option, const char *where)
{
	const char *problem = address_problem(where);

	if (problem)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE), errmsg("invalid value for option \"%s\"", option),
						errhint("%s", problem)));
	azure_check_storage_host(option, host_of(where));
}

static void
take_address(BlobStore *s, const char *where)
{
	char *url = address_as_sent(where);
	char *host = host_of(where);
	const char *path = path_of(where);
	const char *end;

	s->base = pnstrdup(url, path_of(url) - url);
	s->account = pnstrdup(host, strcspn(host, ".:"));
	end = path;
	if (account_in_path(host))
	{
		size_t n = strcspn(path + 1, "/");

		s->account = pnstrdup(path + 1, n);
		end += n + 1;
	}
	end += strcspn(end + 1, "/") + 1;
	s->container = pnstrdup(path, end - path);
	s->folder = *end ? psprintf("%s/", end + 1) : pstrdup("");
}

/* -- who asks -- */

static BlobAuth
auth_of(ForeignServer *server, List *defs)
{
	static const char *const words[] = {"key", "sas", "identity", "none"};
	const char *auth = server_option(server, "auth");

	for (int i = 0; auth && i < lengthof(words); i++)
		if (strcmp(auth, words[i]) == 0)
			return (BlobAuth) i;
	if (option_text(defs, "account_key"))
		return BLOB_KEY;
	if (option_text(defs, "sas"))
		return BLOB_SAS;
	ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					errmsg("server \"%s\" does not say how to log in", server->servername),
					errhint("Set account_key or sas in the user mapping, or ALTER SERVER ... OPTIONS (ADD auth 'identity'), "
							"or 'none' for a container that everybody may read.")));
}

static char *
secret_of(BlobStore *s, List *defs, const char *name)
{
	const char *value = option_text(defs, name);

	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("the user mapping for server \"%s\" lacks option %s", s->server, name)));
	if (!keyvault_is_reference(value))
		return secret_resolve(name, value);
	s->in_vault = pstrdup(value);
	return keyvault_secret(s->identity, name, value);
}

/* The value of a parameter, with colons as they are and no longer as %3A; NULL: there is none */
static char *
signed_value(const char *sas, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = sas; *p; p += strspn(p, "&"))
	{
		size_t len = strcspn(p, "&");

		if (strncmp(p, name, n) == 0 && p[n] == '=')
		{
			char *value = pnstrdup(p + n + 1, len - n - 1);
			char *out = value;

			for (const char *from = value; *from; from++)
			{
				bool colon = pg_strncasecmp(from, "%3a", 3) == 0;

				*out++ = colon ? ':' : *from;
				from += colon ? 2 : 0;
			}
			*out = '\0';
			return value;
		}
		p += len;
	}
	return NULL;
}

/* When a signature ends, by itself; it is told before a request is refused for it */
static void
check_signature(const BlobStore *s)
{
	char *end;
	char *signature_itself = signed_value(s->secret, "sig");
	struct tm tm = {0};
	int y, m, d, h = 0, min = 0, sec = 0;

	if (strspn(s->secret, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-._~%=&:+/,") != strlen(s->secret) || signature_itself == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("option sas of the user mapping for server \"%s\" is not a signature", s->server),
						errhint("It must be what Azure shows as SAS token: sv=...&se=...&sig=....")));
	explicit_bzero(signature_itself, strlen(signature_itself));
	end = signed_value(s->secret, "se");
	/* what is not written of the time is 0 */
	if (end == NULL || sscanf(end, "%4d-%2d-%2dT%2d:%2d:%2d", &y, &m, &d, &h, &min, &sec) < 3)
		return;
	tm = (struct tm){.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d, .tm_hour = h, .tm_min = min, .tm_sec = sec};
	if (timegm(&tm) < time(NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("the signature of server \"%s\" has expired", s->server),
						errdetail("It was valid until %04d-%02d-%02d %02d:%02d:%02d UTC.", y, m, d, h, min, sec),
						errhint("Create a new one, and set option sas of the user mapping to it.")));
}

static void
wipe(void *arg)
{
	BlobStore *s = arg;

	if (s->secret)
		explicit_bzero(s->secret, strlen(s->secret));
	if (s->identity)
		identity_wipe(s->identity);
}

BlobStore *
blob_store(ForeignServer *server, const char *where, Oid userid)
{
	BlobStore *s = palloc0(sizeof(BlobStore));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	const char *auth = server_option(server, "auth");
	List *defs = auth && strcmp(auth, "none") == 0 ? NIL : GetUserMapping(userid, server->serverid)->options;

	blob_check_address("root", where);
	s->server = pstrdup(server->servername);
	take_address(s, where);
	s->auth = auth_of(server, defs);
	identity_check_use(defs, server->serverid, s->auth == BLOB_IDENTITY);
	s->identity = identity_of(defs);
	callback->func = wipe;
	callback->arg = s;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	if (s->auth == BLOB_KEY)
		s->secret = secret_of(s, defs, "account_key");
	if (s->auth == BLOB_SAS)
	{
		char *given = secret_of(s, defs, "sas");

		s->secret = *given == '?' ? given + 1 : given;
		check_signature(s);
	}
	return s;
}

/* -- signing -- */

/* As HTTP has it, in English whatever lc_time is */
static char *
http_date(void)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	return psprintf("%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
					tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *
blob_base64(const void *bytes, int n)
{
	char *encoded = palloc(4 * ((n + 2) / 3) + 1);

	EVP_EncodeBlock((unsigned char *) encoded, bytes, n);
	return encoded;
}

/* HMAC-SHA256 with a key in base64, in base64 */
static char *
signature(const BlobStore *s, const char *text)
{
	size_t n = strlen(s->secret);
	unsigned char *key = palloc(n + 1);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	int got = n > 0 && n % 4 == 0 && n < 1024 ? EVP_DecodeBlock(key, (const unsigned char *) s->secret, (int) n) : -1;

	if (got <= 0)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("option account_key of the user mapping for server \"%s\" is not a key", s->server),
						errhint("It must be what Azure shows as key1 or key2 of the storage account, in base64.")));
	for (size_t i = n; i > 0 && s->secret[i - 1] == '='; i--)
		got--;
	if (HMAC(EVP_sha256(), key, got, (const unsigned char *) text, strlen(text), digest, &len) == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	explicit_bzero(key, n);
	return blob_base64(digest, (int) len);
}

/* A blob that is put by one request, not by its blocks */
static bool
is_whole(const BlobCall *call)
{
	return call->method && strcmp(call->method, "PUT") == 0 && call->nparams == 0;
}

/* What the account's key signs: the lines that a request may have, its own headers, its path, its parameters */
static char *
signed_header(const BlobCall *call, const char *date, const char *path)
{
	StringInfoData text;

	initStringInfo(&text);
	/* verb, encoding, language, length, MD5, type, date, since, match, none match, unmodified since, range */
	appendStringInfo(&text, "%s\n\n\n%s\n\n%s\n\n\n%s\n%s\n\n\n", call->method ? call->method : "GET",
					 call->len > 0 ? psprintf("%zu", call->len) : "", call->len > 0 ? WRITTEN_TYPE : "",
					 call->version ? call->version : "", call->only_new ? "*" : "");
	if (is_whole(call))
		appendStringInfoString(&text, WHOLE_HEADER "\n");
	appendStringInfo(&text, "x-ms-date:%s\n", date);
	if (call->range)
		appendStringInfo(&text, "x-ms-range:%s\n", call->range);
	appendStringInfo(&text, "x-ms-version:" API_VERSION "\n/%s%s", call->store->account, path);
	for (int i = 0; i < call->nparams; i++)
		appendStringInfo(&text, "\n%s:%s", call->params[i].name,
						 pg_server_to_any(call->params[i].value, (int) strlen(call->params[i].value), PG_UTF8));
	return psprintf("Authorization: SharedKey %s:%s", call->store->account, signature(call->store, text.data));
}

/* -- a request -- */

char *
blob_name(const BlobStore *store, const char *path)
{
	return psprintf("%s%s", store->folder, path);
}

/* Names of the path, each escaped */
static char *
escaped(const char *path)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		size_t n = strcspn(path, "/");

		appendStringInfoString(&text, address_escape(pnstrdup(path, n)));
		path += n;
		if (*path++ == '\0')
			return text.data;
		appendStringInfoChar(&text, '/');
	}
}

static void
begin(BlobCall *call)
{
	BlobStore *s = call->store;
	MemoryContext old = MemoryContextSwitchTo(call->context);
	const char *date = http_date();
	char *path = psprintf("%s%s%s", s->container, call->path ? "/" : "", call->path ? escaped(blob_name(s, call->path)) : "");
	StringInfoData url;
	char sign = '?';

	initStringInfo(&url);
	appendStringInfo(&url, "%s%s", s->base, path);
	for (int i = 0; i < call->nparams; i++, sign = '&')
		appendStringInfo(&url, "%c%s=%s", sign, call->params[i].name, address_escape(call->params[i].value));
	if (s->auth == BLOB_SAS)
		appendStringInfo(&url, "%c%s", sign, s->secret);
	call->exchange = exchange_new(call->method ? call->method : "GET", url.data);
	call->exchange->headers = list_make2(psprintf("x-ms-date: %s", date), pstrdup("x-ms-version: " API_VERSION));
	if (call->range)
		call->exchange->headers = lappend(call->exchange->headers, psprintf("x-ms-range: %s", call->range));
	if (call->version)
		call->exchange->headers = lappend(call->exchange->headers, psprintf("If-Match: %s", call->version));
	if (is_whole(call))
		call->exchange->headers = lappend(call->exchange->headers, pstrdup(WHOLE_HEADER));
	if (call->only_new)
		call->exchange->headers = lappend(call->exchange->headers, pstrdup("If-None-Match: *"));
	if (call->len > 0)
	{
		call->exchange->headers = lappend(call->exchange->headers, pstrdup("Content-Type: " WRITTEN_TYPE));
		call->exchange->body = palloc(call->len);
		memcpy(call->exchange->body, call->body, call->len);
		call->exchange->body_len = call->len;
	}
	if (s->auth == BLOB_KEY)
		call->exchange->headers = lappend(call->exchange->headers, signed_header(call, date, path));
	if (s->auth == BLOB_IDENTITY)
		call->exchange->headers = lappend(call->exchange->headers, psprintf("Authorization: Bearer %s", azure_token(s->identity, RESOURCE)));
	azure_http_settings(&call->exchange->settings);
	call->exchange->settings.id_header = "x-ms-request-id";
	call->exchange->settings.request_timeout_ms = 120000;
	call->exchange->max_body = call->path ? (size_t) call->n + 65536 : MOST_LISTING;
	(void) exchange_over(call->exchange);
	MemoryContextSwitchTo(old);
}

static BlobCall *
new_call(BlobStore *store)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "blob request", ALLOCSET_SMALL_SIZES);
	BlobCall *call = MemoryContextAllocZero(context, sizeof(BlobCall));

	call->context = context;
	call->store = store;
	return call;
}

BlobCall *
blob_list_start(BlobStore *store, const BlobParam *params, int n)
{
	BlobCall *call = new_call(store);

	Assert(n <= lengthof(call->params));
	memcpy(call->params, params, n * sizeof(BlobParam));
	call->nparams = n;
	begin(call);
	return call;
}

BlobCall *
blob_read_start(BlobStore *store, const char *path, const char *version, int64 from, int64 n)
{
	BlobCall *call = new_call(store);
	MemoryContext old = MemoryContextSwitchTo(call->context);

	call->path = pstrdup(path);
	call->version = psprintf("\"%s\"", version);
	call->range = psprintf("bytes=" INT64_FORMAT "-" INT64_FORMAT, from, from + n - 1);
	call->from = from;
	call->n = n;
	MemoryContextSwitchTo(old);
	begin(call);
	return call;
}

BlobCall *
blob_write_start(BlobStore *store, const char *method, const char *path, const BlobParam *params, int n,
				 const char *body, size_t len, bool only_new)
{
	BlobCall *call = new_call(store);
	MemoryContext old = MemoryContextSwitchTo(call->context);
	char *copy = palloc(len + 1);

	Assert(n <= lengthof(call->params));
	memcpy(copy, body, len);
	if (n > 0)
		memcpy(call->params, params, n * sizeof(BlobParam));
	call->nparams = n;
	call->method = method;
	call->path = pstrdup(path);
	call->body = copy;
	call->len = len;
	call->only_new = only_new;
	MemoryContextSwitchTo(old);
	begin(call);
	return call;
}

void
blob_end(BlobCall *call)
{
	exchange_end(call->exchange);
	MemoryContextDelete(call->context);
}

/* -- what came -- */

/* The other side's code: <Error><Code>BlobNotFound</Code>…; its words repeat what was signed */
static char *
code_of(const HttpRequest *r)
{
	const char *at = r->body ? strstr(r->body, "<Code>") : NULL;
	size_t n = at ? strspn(at + 6, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS) : 0;

	return n > 0 && n < 100 ? pnstrdup(at + 6, n) : NULL;
}

static const char *
hint_of(const BlobStore *s, bool writes)
{
	switch (s->auth)
	{
		case BLOB_SAS:
			if (writes)
				return "Check sas of the user mapping: a lake needs to read, create, write, delete and list (sp=rcwdl).";
			break;
		case BLOB_IDENTITY:
			if (writes)
				return "The identity needs the role \"Storage Blob Data Contributor\" on the container or the account; a new assignment takes some minutes.";
			break;
		default:
			break;
	}
	switch (s->auth)
	{
		case BLOB_KEY:
			return "Check account_key of the user mapping, that the account allows keys, and its firewall.";
		case BLOB_SAS:
			return "Check sas of the user mapping: it must allow reading and listing (sp=rl) of this container, now, "
				   "from here.";
		case BLOB_IDENTITY:
			return "The identity needs the role \"Storage Blob Data Reader\" on the container or the account; a new assignment takes some minutes.";
		default:
			return "Not everybody may read the container: set option auth of the server.";
	}
}

/* What was asked for, in words */
static char *
what_of(const BlobCall *call)
{
	if (call->method)
		return psprintf("%s file \"%s\" of server \"%s\"", strcmp(call->method, "DELETE") == 0 ? "remove" : "write",
						call->path, call->store->server);
	return call->path ? psprintf("read file \"%s\" of server \"%s\"", call->path, call->store->server)
					  : psprintf("list files of server \"%s\"", call->store->server);
}

pg_noreturn static void
refused(const BlobCall *call, const char *code, const char *words)
{
	const HttpRequest *r = call->exchange->http;
	const char *id = r->operation_id[0] ? psprintf(" (request %s)", r->operation_id) : "";
	char *what = what_of(call);

	if (code && strcmp(code, "BlobArchived") == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("file \"%s\" of server \"%s\" is archived", call->path, call->store->server),
						errhint("Bring it back to the hot, cool or cold tier, which takes hours, or leave it out by the option path.")));
	/* who is known may not write, or may not log in */
	if (r->status == 401 || r->status == 403)
		ereport(ERROR, (errcode(call->method && code && strncmp(code, "Authentication", 14) != 0
									? ERRCODE_INSUFFICIENT_PRIVILEGE
									: ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("permission denied to %s", what), errdetail("%s%s.", words, id),
						errhint("%s", hint_of(call->store, call->method != NULL))));
	if (r->status == 404 && call->path && call->method == NULL && (code == NULL || strcmp(code, "ContainerNotFound") != 0))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" of server \"%s\" is gone", call->path, call->store->server)));
	if (r->status == 404)
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION), errmsg("could not %s", what),
						errdetail("%s%s.", words, id), errhint("Check the container's name in option root of the server.")));
	if (call->method == NULL && (r->status == 412 || r->status == 416))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" changed after it was listed", call->path)));
	ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION), errmsg("could not %s", what),
					errdetail("%s%s.", words, id),
					r->failure == HTTP_UNTRUSTED ? errhint("files_fdw.azure_ca_file names the certificates to trust, where they are not the system's.") : 0));
}

/*
 * Did what was asked for ahead come?  Whoever reads by a cursor may have paused for so long that the request ran out of
 * its time, or was sent with a date that is too old: then it is asked for anew, and that answer counts.
 */
bool
blob_came(BlobCall *call)
{
	const HttpRequest *r = call->exchange->http;

	while (!exchange_over(call->exchange))
		azure_wait_until(exchange_next(call->exchange));
	return r->failure == HTTP_OK && (r->status == 206 || r->status == 412 || r->status == 404);
}

/* Why what came is not the part that was asked for, in words; NULL: it is */
static char *
wrong_part(const BlobCall *call)
{
	const HttpRequest *r = call->exchange->http;
	const char *range = call->range + strlen("bytes=");
	size_t n = strlen(range);

	/* all of a blob is no part of it but where the part is all */
	if (r->body_len != (size_t) call->n || (r->status == 200 && call->from > 0))
		return psprintf("%zu bytes arrived where " INT64_FORMAT " were asked for", r->body_len, call->n);
	if (r->status == 206 && (strncmp(r->content_range, "bytes ", 6) != 0 || strncmp(r->content_range + 6, range, n) != 0 ||
							 r->content_range[6 + n] != '/'))
		return psprintf("another part arrived than the requested bytes %s", range);
	return strcmp(r->etag, call->version) == 0 ? NULL : pstrdup("another version arrived than the requested one");
}

/* The answer, with a token that is good */
static HttpRequest *
answer(BlobCall *call)
{
	HttpRequest *r;
	BlobStore *s = call->store;

	for (;;)
	{
		while (!exchange_over(call->exchange))
			azure_wait_until(exchange_next(call->exchange));
		r = call->exchange->http;
		if (r->failure != HTTP_OK || r->status != 401 || s->auth != BLOB_IDENTITY || call->again)
			break;
		/* a token that was taken back before its time */
		call->again = true;
		azure_forget_token(s->identity, RESOURCE);
		exchange_end(call->exchange);
		begin(call);
	}
	return r;
}

/* A secret of a vault may have been changed there */
static void
forget_secret(const BlobCall *call, const HttpRequest *r)
{
	if (call->store->in_vault && (r->status == 401 || r->status == 403))
		keyvault_forget(call->store->identity, call->store->in_vault);
}

bool
blob_written(BlobCall *call)
{
	HttpRequest *r = answer(call);
	char *code = r->failure == HTTP_OK ? code_of(r) : NULL;

	if (r->failure == HTTP_OK && r->status >= 200 && r->status < 300)
		return true;
	/* a signature that may create and not write refuses what is there by words of its own */
	if (call->only_new && code &&
		(strcmp(code, "BlobAlreadyExists") == 0 || strcmp(code, "ConditionNotMet") == 0 ||
		 strcmp(code, "UnauthorizedBlobOverwrite") == 0))
		return false;
	if (strcmp(call->method, "DELETE") == 0 && code && strcmp(code, "BlobNotFound") == 0)
		return false;
	forget_secret(call, r);
	refused(call, code, exchange_words(call->exchange, code, NULL));
}

HttpRequest *
blob_wait(BlobCall *call)
{
	HttpRequest *r = answer(call);
	char *wrong = NULL;

	if (r->failure == HTTP_OK && call->path == NULL && r->status == 200)
		return r;
	if (r->failure == HTTP_OK && call->path && (r->status == 206 || r->status == 200) &&
		(wrong = wrong_part(call)) == NULL)
		return r;
	forget_secret(call, r);
	{
		char *code = r->failure == HTTP_OK ? code_of(r) : NULL;

		refused(call, code, wrong ? wrong : exchange_words(call->exchange, code, NULL));
	}
}
