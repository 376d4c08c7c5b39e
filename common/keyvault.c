/*
 * keyvault.c
 *		Secrets of Azure Key Vault: keyvault:<vault host or name>/<secret>[/<version>].
 *
 * A vault is asked without a token first; its refusal says for which resource a token
 * must be, and by whom it is given.  A host that could name any resource would be given
 * tokens for everything: the resource must be of the vault's own domain, and the tenant
 * the credential's own.
 */
#include "postgres.h"

#include "common/address.h"
#include "common/exchange.h"
#include "common/json.h"
#include "common/keyvault.h"
#include "common/remember.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PREFIX "keyvault:"
/* Whoever gets one uses it for a minute at most, so that no secret is older than ten */
#define KNOWN_FOR (9 * USECS_PER_MINUTE)
#define API_VERSION "7.4"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What a reference says */
typedef struct Place
{
	char *host;
	char *secret;
	char *version; /* "": the newest */
} Place;

struct VaultFetch
{
	MemoryContext context;
	const AzureIdentity *identity;
	char *option;
	char *reference;
	Place place;
	char *resource;    /* that the vault asks for; NULL: it was not asked yet */
	AzureLogin *login; /* NULL: none is under way */
	Exchange *exchange;
	bool had_token; /* it is asked with a token now */
	bool renewed;   /* a token that was at hand was refused once */
};

/* -- references -- */

bool
keyvault_is_reference(const char *value)
{
	return strncmp(value, PREFIX, strlen(PREFIX)) == 0;
}

static bool
is_name(const char *text, const char *also, size_t most)
{
	return strlen(text) >= 1 && strlen(text) <= most && strspn(text, also) == strlen(text);
}

/* The parts of a reference; false if it is none */
static bool
read_place(const char *reference, Place *place)
{
	char *rest = pstrdup(reference + strlen(PREFIX));

	place->host = rest;
	place->secret = strchr(rest, '/');
	if (place->secret == NULL)
		return false;
	*place->secret++ = '\0';
	place->version = strchr(place->secret, '/');
	if (place->version)
		*place->version++ = '\0';
	if (!is_name(place->host, LETTERS DIGITS "-.:", 255) || !is_name(place->secret, LETTERS DIGITS "-", 127) ||
		(place->version && !is_name(place->version, LETTERS DIGITS, 64)))
		return false;
	if (place->version == NULL)
		place->version = "";
	if (strchr(place->host, '.') == NULL)
		place->host = psprintf("%s.vault.azure.net", place->host);
	return true;
}

static Place
place_of(const char *option, const char *reference)
{
	Place place;

	if (!read_place(reference, &place))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"%s\" is not a reference to a secret in a vault", option),
				 errhint("It must be keyvault:name-of-the-vault/name-of-the-secret, optionally followed by a slash "
						 "and a version.")));
	azure_check_host(option, place.host);
	return place;
}

void
keyvault_check(const char *option, const char *reference)
{
	(void) place_of(option, reference);
}

/* -- what is known -- */

static char *
key_of(const AzureIdentity *identity, const char *reference)
{
	return azure_key(identity, "secret", reference);
}

char *
keyvault_known(const AzureIdentity *identity, const char *reference)
{
	return recall(key_of(identity, reference));
}

void
keyvault_forget(const AzureIdentity *identity, const char *reference)
{
	forget(key_of(identity, reference));
}

/* For which resource a vault wants a token is no secret */
static char *
resource_key(const char *host)
{
	return psprintf("resource\n%s", host);
}

/* -- asking -- */

static void
ask(VaultFetch *f, const char *token)
{
	const Place *p = &f->place;

	f->exchange = exchange_new("GET", psprintf("https://%s/secrets/%s/%s?api-version=" API_VERSION, p->host, p->secret,
											   p->version));
	azure_http_settings(&f->exchange->settings);
	f->exchange->headers = list_make1(pstrdup("Accept: application/json"));
	f->had_token = token != NULL;
	if (token)
		f->exchange->headers = lappend(f->exchange->headers, psprintf("Authorization: Bearer %s", token));
}

/* With the token that the vault asks for, which is got first where none is at hand */
static void
ask_with_token(VaultFetch *f)
{
	char *token = azure_known_token(f->identity, f->resource);

	if (token == NULL)
	{
		f->login = azure_login(f->identity, f->resource);
		return;
	}
	ask(f, token);
	explicit_bzero(token, strlen(token));
}

VaultFetch *
keyvault_fetch(const AzureIdentity *identity, const char *option, const char *reference)
{
	VaultFetch *f = palloc0(sizeof(VaultFetch));

	azure_check(identity);
	f->context = CurrentMemoryContext;
	f->identity = identity;
	f->option = pstrdup(option);
	f->reference = pstrdup(reference);
	f->place = place_of(option, reference);
	f->resource = recall(resource_key(f->place.host));
	if (f->resource)
		ask_with_token(f);
	else
		ask(f, NULL);
	return f;
}

TimestampTz
keyvault_fetch_next(const VaultFetch *f)
{
	return f->login ? azure_login_next(f->login) : exchange_next(f->exchange);
}

/* -- answers -- */

static void fail(VaultFetch *f, int code, const char *words, const char *hint) __attribute__((noreturn));

static void
fail(VaultFetch *f, int code, const char *words, const char *hint)
{
	if (f->exchange)
		exchange_end(f->exchange);
	ereport(ERROR,
			(errcode(code),
			 errmsg("could not get the secret that option \"%s\" refers to from vault \"%s\"", f->option, f->place.host),
			 errdetail("%s.", words),
			 hint ? errhint("%s", hint) : 0));
}

/* What stands behind name= in a challenge, in quotes or not; NULL: nothing */
static char *
part_of(const char *challenge, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = challenge; (at = strstr(at, name)) != NULL; at += n)
	{
		if ((at > challenge && at[-1] != ' ' && at[-1] != ',') || at[n] != '=')
			continue;
		at += n + 1;
		return *at == '"' ? pnstrdup(at + 1, strcspn(at + 1, "\"")) : pnstrdup(at, strcspn(at, ", "));
	}
	return NULL;
}

/* The host of an https address, without port; NULL if it is none */
static char *
host_of(const char *url)
{
	char *sent = url ? address_as_sent(url) : NULL;

	if (sent == NULL)
		return NULL;
	sent += strlen("https://");
	return pnstrdup(sent, strcspn(sent, "/:"));
}

/* Is one host a part of the other's domain, and not the whole? */
static bool
is_within(const char *host, const char *domain)
{
	size_t n = strlen(host);
	size_t m = strlen(domain);

	return n > m + 1 && host[n - m - 1] == '.' && pg_strcasecmp(host + n - m, domain) == 0;
}

/* What the vault wants a token for, if that is not more than its own */
static void
read_challenge(VaultFetch *f)
{
	const char *challenge = f->exchange->http->challenge;
	char *resource = part_of(challenge, "resource");
	char *authority = part_of(challenge, "authorization");
	const char *tenant = f->identity->tenant;
	char *own = pnstrdup(f->place.host, strcspn(f->place.host, ":"));
	char *host;
	char *last;

	if (resource == NULL)
	{
		resource = part_of(challenge, "scope");
		if (resource && strlen(resource) > 9 && strcmp(resource + strlen(resource) - 9, "/.default") == 0)
			resource[strlen(resource) - 9] = '\0';
	}
	if (authority == NULL)
		authority = part_of(challenge, "authorization_uri");
	host = host_of(resource);
	if (host == NULL || host_of(authority) == NULL)
		fail(f, ERRCODE_FDW_REPLY_HANDLE, "It refused, without saying which token it needs and from whom", NULL);
	if (!is_within(own, host))
		fail(f, ERRCODE_INSUFFICIENT_PRIVILEGE,
			 psprintf("It asks for a token for \"%s\", which is not its own domain: it gets none", host), NULL);
	authority = address_as_sent(authority);
	last = strrchr(authority, '/') + 1;
	if (tenant && !azure_is_own(f->identity) && strchr(tenant, '.') == NULL && pg_strcasecmp(last, tenant) != 0)
		fail(f, ERRCODE_INSUFFICIENT_PRIVILEGE,
			 "It asks for a token of another tenant than the credential's: it gets none", "Check azure_tenant_id.");
	f->resource = address_as_sent(resource);
	remember(resource_key(f->place.host), f->resource, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 3600000));
}

/* The vault's words: its code and message */
static char *
words_of(VaultFetch *f)
{
	const HttpRequest *r = f->exchange->http;
	Json *reply = r->failure == HTTP_OK && r->body ? json_parse(CurrentMemoryContext, r->body, r->body_len) : NULL;
	Json *error = json_member(reply, "error");
	const char *code = json_words(error, "code");
	const char *text = json_words(error, "message");

	return exchange_words(f->exchange, code, text);
}

static void
refused(VaultFetch *f)
{
	const HttpRequest *r = f->exchange->http;

	if (r->failure == HTTP_UNTRUSTED)
		fail(f, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, words_of(f),
			 "Certificates other than the system's are named by " EXTENSION_NAME ".azure_ca_file.");
	if (r->failure != HTTP_OK || r->status == 429 || r->status >= 500)
		fail(f, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, words_of(f), NULL);
	if (r->status == 404)
		fail(f, ERRCODE_UNDEFINED_OBJECT, words_of(f), NULL);
	fail(f, ERRCODE_INSUFFICIENT_PRIVILEGE, words_of(f),
		 "The identity needs the role \"Key Vault Secrets User\" on the vault or the secret, "
		 "and the vault's firewall must let the server in.");
}

static void
keep(VaultFetch *f)
{
	const HttpRequest *r = f->exchange->http;
	Json *reply = r->body ? json_parse(f->context, r->body, r->body_len) : NULL;
	const char *value = json_text(reply, "value");

	if (value == NULL)
		fail(f, ERRCODE_FDW_REPLY_HANDLE, "The reply contains no secret", NULL);
	remember(key_of(f->identity, f->reference), value, GetCurrentTimestamp() + KNOWN_FOR);
	explicit_bzero((char *) value, strlen(value));
	json_wipe(reply);
	exchange_end(f->exchange);
}

/* An answer of the vault; true: that was all */
static bool
look(VaultFetch *f)
{
	const HttpRequest *r = f->exchange->http;

	if (r->failure == HTTP_OK && r->status == 200)
	{
		keep(f);
		return true;
	}
	if (r->failure == HTTP_OK && r->status == 401 && (!f->had_token || !f->renewed))
	{
		if (f->had_token)
		{
			/* it ended before its time, or was withdrawn: one more */
			azure_forget_token(f->identity, f->resource);
			f->renewed = true;
		}
		read_challenge(f);
		exchange_end(f->exchange);
		f->exchange = NULL;
		ask_with_token(f);
		return false;
	}
	refused(f);
	return false;
}

bool
keyvault_fetch_over(VaultFetch *f)
{
	MemoryContext old = MemoryContextSwitchTo(f->context);
	bool over = false;

	if (f->login)
	{
		if (azure_login_over(f->login))
		{
			f->login = NULL;
			ask_with_token(f);
		}
	}
	if (f->login == NULL && exchange_over(f->exchange))
		over = look(f);
	MemoryContextSwitchTo(old);
	return over;
}

char *
keyvault_secret(const AzureIdentity *identity, const char *option, const char *reference)
{
	char *secret = keyvault_known(identity, reference);
	MemoryContext context;
	MemoryContext old;
	VaultFetch *fetch;

	if (secret)
		return secret;
	context = AllocSetContextCreate(CurrentMemoryContext, "secret of a vault", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	fetch = keyvault_fetch(identity, option, reference);
	while (!keyvault_fetch_over(fetch))
		azure_wait_until(keyvault_fetch_next(fetch));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return keyvault_known(identity, reference);
}
