/*
 * azure.c
 *		Tokens of Azure identities.
 *
 * In the order of Microsoft's own clients: a secret or a certificate that was given; else
 * the server's own identity: a workload identity, which a file vouches for; App Service
 * and Container Apps; the metadata service of the machine.  A token is kept in memory
 * until shortly before it ends.
 */
#include "postgres.h"

#include <openssl/sha.h>
#include <time.h>

#include "common/address.h"
#include "common/azure.h"
#include "common/exchange.h"
#include "common/json.h"
#include "common/jwt.h"
#include "common/remember.h"
#include "common/secret.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#define AUTHORITY "https://login.microsoftonline.com"
#define METADATA_SERVICE "http://169.254.169.254"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define ASSERTION_LIFETIME 600
#define FORM "client_id=%s&scope=%s%%2F.default&grant_type=client_credentials"
#define TOKEN_FILE "AZURE_FEDERATED_TOKEN_FILE"
/* A token is not used in its last minutes */
#define MARGIN_S 300
#define LONGEST_TOKEN_S 86400
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

typedef enum Source
{
	BY_SECRET,
	BY_CERTIFICATE,
	BY_WORKLOAD,
	BY_APP_SERVICE,
	BY_METADATA
} Source;

struct AzureLogin
{
	MemoryContext context;
	const AzureIdentity *identity;
	char *resource;
	Source source;
	Exchange *exchange;
};

static char *azure_hosts = NULL;
static char *azure_ca_file = NULL;

/* -- where to -- */

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text);
	size_t m = strlen(end);

	return n > m && pg_strcasecmp(text + n - m, end) == 0;
}

static bool
is_host_of(const char *host, const char *allowed)
{
	return allowed[0] == '*' ? ends_with(host, allowed + 1) : pg_strcasecmp(host, allowed) == 0;
}

/* Is it one of those that azure_hosts lists; of those that are known, if it lists none? */
static bool
is_listed(const char *host, const char *const *known, int n)
{
	List *items = NIL;
	ListCell *lc;

	if (*host == '\0' || strspn(host, LETTERS DIGITS ".-:") != strlen(host))
		return false;
	if (azure_hosts == NULL || *azure_hosts == '\0')
	{
		for (int i = 0; i < n; i++)
			if (is_host_of(host, known[i]))
				return true;
		return false;
	}
	if (!SplitGUCList(pstrdup(azure_hosts), ',', &items))
		return false;
	foreach (lc, items)
		if (is_host_of(host, lfirst(lc)))
			return true;
	return false;
}

static void
check_listed(const char *option, bool listed, const char *otherwise)
{
	if (!listed)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"%s\" names a host for which no Azure identity may be used", option),
				 azure_hosts && *azure_hosts
					 ? errdetail("It is none of the hosts that " EXTENSION_NAME ".azure_hosts lists.")
					 : errdetail("It is %s of one of Azure's clouds.", otherwise),
				 errhint("A superuser can list the allowed hosts: ALTER DATABASE ... SET " EXTENSION_NAME
						 ".azure_hosts = '...'.")));
}

bool
azure_host_allowed(const char *host)
{
	/* Azure's own services, in its clouds */
	static const char *const known[] = {"*.vault.azure.net", "*.vault.azure.cn", "*.vault.usgovcloudapi.net",
										"*.managedhsm.azure.net",
										"*.servicebus.windows.net", "*.servicebus.chinacloudapi.cn", "*.servicebus.usgovcloudapi.net"};

	return is_listed(host, known, lengthof(known));
}

void
azure_check_host(const char *option, const char *host)
{
	check_listed(option, azure_host_allowed(host), "neither a vault nor an event hub");
}

void
azure_check_storage_host(const char *option, const char *host)
{
	static const char *const known[] = {"*.blob.core.windows.net", "*.blob.core.chinacloudapi.cn", "*.blob.core.usgovcloudapi.net"};

	check_listed(option, is_listed(host, known, lengthof(known)), "no blob storage");
}

void
azure_http_settings(HttpSettings *settings)
{
	settings->ca_file = azure_ca_file && *azure_ca_file ? azure_ca_file : NULL;
}

static bool
check_hosts(char **value, void **extra, GucSource source)
{
	List *items = NIL;
	ListCell *lc;

	if (!SplitGUCList(pstrdup(*value), ',', &items))
	{
		GUC_check_errdetail("It must be a list of hosts such as erp.vault.azure.net, separated by commas.");
		return false;
	}
	foreach (lc, items)
	{
		const char *item = lfirst(lc);

		if ((item[0] == '*' && item[1] != '.') || *item == '\0' || strchr(item + 1, '*') || strchr(item, '/'))
		{
			GUC_check_errdetail("\"%s\" is not a host such as erp.vault.azure.net or *.servicebus.windows.net.", item);
			return false;
		}
	}
	return true;
}

void
azure_settings(void)
{
	DefineCustomStringVariable(EXTENSION_NAME ".azure_hosts", "Hosts for which Azure identities may be used.",
							   "A list such as erp.vault.azure.net, *.servicebus.windows.net; empty: all vaults and event hubs of Azure.",
							   &azure_hosts, "", PGC_SUSET, 0, check_hosts, NULL, NULL);
	DefineCustomStringVariable(EXTENSION_NAME ".azure_ca_file", "Certificates by which Azure's services are trusted.",
							   "Empty: the system's.", &azure_ca_file, "", PGC_SUSET, 0, NULL, NULL, NULL);
}

/* -- who asks -- */

static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool
azure_is_own(const AzureIdentity *identity)
{
	return identity->client_secret == NULL && identity->certificate == NULL;
}

/* It becomes part of an address: nothing but what such names have */
static void
check_name(const char *what, const char *name)
{
	if (*name == '\0' || strlen(name) > 255 || strspn(name, LETTERS DIGITS ".-_") != strlen(name))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the %s of an Azure identity is not valid", what),
				 errhint("It must be an identifier such as 11111111-2222-3333-4444-555555555555; a tenant may also be "
						 "a domain.")));
}

void
azure_check(const AzureIdentity *identity)
{
	if (identity->tenant)
		check_name("tenant", identity->tenant);
	if (identity->client_id)
		check_name("client id", identity->client_id);
	if (identity->client_secret && identity->certificate)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("an Azure identity has a secret or a certificate, not both")));
	if (!azure_is_own(identity) && (identity->tenant == NULL || identity->client_id == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("an Azure identity with a secret or a certificate needs azure_tenant_id and azure_client_id")));
}

static Source
source_of(const AzureIdentity *identity)
{
	if (identity->client_secret)
		return BY_SECRET;
	if (identity->certificate)
		return BY_CERTIFICATE;
	if (environment(TOKEN_FILE))
		return BY_WORKLOAD;
	if (environment("IDENTITY_ENDPOINT") && environment("IDENTITY_HEADER"))
		return BY_APP_SERVICE;
	return BY_METADATA;
}

/* What is kept for an identity is kept under this: whoever does not have its secret does not find it */
char *
azure_key(const AzureIdentity *identity, const char *kind, const char *what)
{
	const char *proof = identity->client_secret ? identity->client_secret : identity->certificate;
	unsigned char digest[SHA256_DIGEST_LENGTH] = {0};
	char hex[SHA256_DIGEST_LENGTH * 2 + 1] = "own";

	if (proof)
	{
		SHA256((const unsigned char *) proof, strlen(proof), digest);
		hex[hex_encode((char *) digest, sizeof(digest), hex)] = '\0';
	}
	return psprintf("%s\n%s\n%s\n%s\n%s", kind, identity->tenant ? identity->tenant : "",
					identity->client_id ? identity->client_id : "", hex, what);
}

char *
azure_known_token(const AzureIdentity *identity, const char *resource)
{
	return recall(azure_key(identity, "token", resource));
}

void
azure_forget_token(const AzureIdentity *identity, const char *resource)
{
	forget(azure_key(identity, "token", resource));
}

/* -- asking -- */

static char *
authority(void)
{
	const char *given = environment("AZURE_AUTHORITY_HOST");
	char *url;

	if (given == NULL)
		return pstrdup(AUTHORITY);
	url = address_as_sent(strstr(given, "://") ? given : psprintf("https://%s", given));
	if (url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the environment variable AZURE_AUTHORITY_HOST of the server is not an https address")));
	return url;
}

static char *
assertion_by_certificate(const AzureIdentity *identity, const char *url)
{
	char *thumbprint = jwt_thumbprint(identity->certificate);
	unsigned char id[16];
	char hex[sizeof(id) * 2 + 1];
	long long now = (long long) time(NULL);
	StringInfoData claims;

	if (thumbprint == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the file of an Azure certificate contains no certificate for its private key"),
				 errhint("It must contain both, in PEM form.")));
	if (!pg_strong_random(id, sizeof(id)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	hex[hex_encode((char *) id, sizeof(id), hex)] = '\0';
	initStringInfo(&claims);
	appendStringInfo(&claims, "{\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\",\"nbf\":%lld,\"exp\":%lld,\"aud\":",
					 identity->client_id, identity->client_id, hex, now, now + ASSERTION_LIFETIME);
	json_append_string(&claims, url);
	appendStringInfoChar(&claims, '}');
	return jwt_sign(identity->certificate, "of the Azure certificate", "Azure",
					psprintf(",\"x5t#S256\":\"%s\"", thumbprint), claims.data);
}

/* An application asks: by its secret, or by a signed statement of its own or of the cluster's */
static Exchange *
ask_authority(AzureLogin *login)
{
	const AzureIdentity *identity = login->identity;
	bool own = login->source == BY_WORKLOAD;
	const char *tenant = identity->tenant || !own ? identity->tenant : environment("AZURE_TENANT_ID");
	const char *client = identity->client_id || !own ? identity->client_id : environment("AZURE_CLIENT_ID");
	Exchange *e;
	char *proof;

	if (tenant == NULL || client == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("the server's workload identity lacks AZURE_TENANT_ID or AZURE_CLIENT_ID"),
				 errhint("Both are in the environment of a pod whose service account is annotated; the options "
						 "azure_tenant_id and azure_client_id can replace them.")));
	check_name("tenant", tenant);
	check_name("client id", client);
	e = exchange_new("POST", psprintf("%s/%s/oauth2/v2.0/token", authority(), tenant));
	if (login->source == BY_SECRET)
		e->body = psprintf(FORM "&client_secret=%s", client, address_escape(login->resource),
						   address_escape(identity->client_secret));
	else
	{
		/* the file is replaced every few minutes: it is read each time */
		proof = own ? secret_read_file(TOKEN_FILE, environment(TOKEN_FILE)) : assertion_by_certificate(identity, e->url);
		e->body = psprintf(FORM "&client_assertion_type=%s&client_assertion=%s", client, address_escape(login->resource),
						   address_escape(ASSERTION_TYPE), address_escape(proof));
		explicit_bzero(proof, strlen(proof));
	}
	e->headers = list_make2(pstrdup("Content-Type: application/x-www-form-urlencoded"),
							pstrdup("Accept: application/json"));
	return e;
}

/* A service of the machine or of the platform is asked; nobody else can reach it */
static Exchange *
ask_platform(AzureLogin *login)
{
	static const int renewing[] = {404, 410, 0};
	bool metadata = login->source == BY_METADATA;
	const char *client = login->identity->client_id ? login->identity->client_id : environment("AZURE_CLIENT_ID");
	const char *base = metadata ? environment("AZURE_POD_IDENTITY_AUTHORITY_HOST") : environment("IDENTITY_ENDPOINT");
	StringInfoData url;
	Exchange *e;

	if (base == NULL)
		base = METADATA_SERVICE;
	initStringInfo(&url);
	appendBinaryStringInfo(&url, base, strlen(base) - (metadata && base[strlen(base) - 1] == '/'));
	if (metadata)
		appendStringInfoString(&url, "/metadata/identity/oauth2/token");
	appendStringInfo(&url, "?api-version=%s&resource=%s", metadata ? "2018-02-01" : "2019-08-01",
					 address_escape(login->resource));
	if (client)
	{
		check_name("client id", client);
		appendStringInfo(&url, "&client_id=%s", client);
	}
	e = exchange_new("GET", url.data);
	e->settings.plain = true;
	e->settings.connect_timeout_ms = 2000;
	e->passing = metadata ? renewing : NULL;
	e->headers = list_make1(metadata ? pstrdup("Metadata: true")
									 : psprintf("X-IDENTITY-HEADER: %s", environment("IDENTITY_HEADER")));
	return e;
}

AzureLogin *
azure_login(const AzureIdentity *identity, const char *resource)
{
	AzureLogin *login = palloc0(sizeof(AzureLogin));

	azure_check(identity);
	login->context = CurrentMemoryContext;
	login->identity = identity;
	login->resource = pstrdup(resource);
	login->source = source_of(identity);
	login->exchange = login->source < BY_APP_SERVICE ? ask_authority(login) : ask_platform(login);
	azure_http_settings(&login->exchange->settings);
	return login;
}

TimestampTz
azure_login_next(const AzureLogin *login)
{
	return exchange_next(login->exchange);
}

/* -- the answer -- */

/* Azure's words of what is wrong: its code and the first line; never what was sent */
static char *
words_of(AzureLogin *login, Json *reply)
{
	const char *code = json_words(reply, "error");
	const char *text = json_words(reply, "error_description");
	const char *secret = login->identity->client_secret;
	char *words = exchange_words(login->exchange, code, text);

	return secret && strstr(words, secret) ? exchange_words(login->exchange, NULL, NULL) : words;
}

static const char *
hint_of(Source source)
{
	switch (source)
	{
		case BY_SECRET:
			return "Check azure_tenant_id, azure_client_id and azure_client_secret: a secret expires on the date that "
				   "Azure shows next to it.";
		case BY_CERTIFICATE:
			return "Check azure_tenant_id and azure_client_id, and that the certificate was added to the application.";
		case BY_WORKLOAD:
			return "Check that the identity has a federated credential for this cluster's issuer, namespace and "
				   "service account.";
		default:
			return "Check that an identity is assigned to the machine or the app; if there are several, set "
				   "azure_client_id to one of them.";
	}
}

static void
fail(AzureLogin *login, Json *reply)
{
	const HttpRequest *r = login->exchange->http;
	char *words = words_of(login, reply);
	bool answered = r->failure == HTTP_OK && r->status < 500 && r->status != 429;

	exchange_end(login->exchange);
	ereport(ERROR,
			(errcode(answered ? ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION : ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
			 azure_is_own(login->identity) ? errmsg("could not get a token for the server's Azure identity")
										   : errmsg("could not get a token for Azure application \"%s\"", login->identity->client_id),
			 errdetail("%s.", words),
			 errhint("%s", hint_of(login->source))));
}

/* Seconds that it is good for; numbers come as texts, too */
static int64
lifetime(Json *reply)
{
	const char *in = json_words(reply, "expires_in");
	const char *on = json_words(reply, "expires_on");
	int64 seconds = in ? strtoll(in, NULL, 10) : on ? strtoll(on, NULL, 10) - (int64) time(NULL)
													: 0;

	return seconds <= 0 ? 300 : Min(seconds, LONGEST_TOKEN_S);
}

/* It becomes a header: nothing in it may end the line */
static bool
is_token(const char *text)
{
	if (text == NULL || *text == '\0')
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text >= 127)
			return false;
	return true;
}

bool
azure_login_over(AzureLogin *login)
{
	MemoryContext old;
	Json *reply;
	const char *token;
	int64 seconds;
	HttpRequest *r = login->exchange->http;

	if (!exchange_over(login->exchange))
		return false;
	old = MemoryContextSwitchTo(login->context);
	reply = r->failure == HTTP_OK && r->body ? json_parse(login->context, r->body, r->body_len) : NULL;
	token = r->status == 200 ? json_text(reply, "access_token") : NULL;
	if (!is_token(token))
		fail(login, reply);
	seconds = lifetime(reply);
	seconds -= Min(MARGIN_S, seconds / 2);
	remember(azure_key(login->identity, "token", login->resource), token,
			 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), seconds * 1000));
	explicit_bzero((char *) token, strlen(token));
	json_wipe(reply);
	exchange_end(login->exchange);
	MemoryContextSwitchTo(old);
	return true;
}

void
azure_wait_until(TimestampTz next)
{
	long ms = next == DT_NOEND ? 1000 : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next) + 1;

	(void) http_turn(Min(ms, 1000));
}

char *
azure_token(const AzureIdentity *identity, const char *resource)
{
	char *token = azure_known_token(identity, resource);
	MemoryContext context;
	MemoryContext old;
	AzureLogin *login;

	if (token)
		return token;
	context = AllocSetContextCreate(CurrentMemoryContext, "Azure login", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	login = azure_login(identity, resource);
	while (!azure_login_over(login))
		azure_wait_until(azure_login_next(login));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return azure_known_token(identity, resource);
}
