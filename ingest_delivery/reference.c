/*
 * reference.c
 *		Where to and by which secret: URLs and references are checked when they are set, and resolved when they are used.
 *
 * A secret itself is refused: the statement that sets it would stand in the log, in
 * pg_stat_activity and in dumps.  No message ever holds one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "common/base64.h"
#include "common/curl_compat.h"
#include "common/keyvault.h"
#include "common/secret.h"
#include "foreign/foreign.h"
#include "ingest_delivery/address.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/option.h"
#include "ingest_delivery/reference.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_delivery_home);

#define MAPPING "mapping:"
#define KEY_PREFIX "whsec_"
#define LEAST_KEY 24
#define MOST_KEY 64

/* -- URLs -- */

/* A part of a URL, palloc'd; NULL if it has none */
static char *
part_of(CURLU *url, CURLUPart part)
{
	char *found = NULL;
	char *copy = NULL;

	if (curl_url_get(url, part, &found, 0) == CURLUE_OK)
		copy = pstrdup(found);
	curl_free(found);
	return copy;
}

static bool
is_scheme(const char *schemes, const char *scheme)
{
	size_t n = strlen(scheme);

	for (const char *s = schemes; *s; s += strcspn(s, ","), s += *s == ',')
		if (strcspn(s, ",") == n && strncmp(s, scheme, n) == 0)
			return true;
	return false;
}

/* Says nothing of the URL but what is wrong with it: it may be a secret */
static void
check_scheme(const char *option, const char *scheme, const char *schemes)
{
	size_t first = strcspn(schemes, ",");

	if (strcmp(scheme, "http") == 0 && is_scheme(schemes, scheme) && !delivery_allow_http)
		option_refuse(option, "It must begin with https://: without TLS anybody on the way can read along.",
					  HTTP_IS_ALLOWED);
	if (!is_scheme(schemes, scheme))
		option_refuse(option, psprintf("It must begin with %.*s://%s.", (int) first, schemes, is_scheme(schemes, "smtps") ? " or smtps://" : ""), NULL);
}

char *
url_check(const char *option, const char *given, const char *schemes)
{
	CURLU *url;
	char *scheme,
		*host,
		*path,
		*port,
		*query;
	bool has_login,
		has_fragment,
		parsed;
	const char *rule;

	for (const char *c = given; *c; c++)
		if ((unsigned char) *c <= 0x20 || (unsigned char) *c >= 0x7f || *c == '"' || *c == '\\')
			option_refuse(option, "It must contain only printable ASCII: other characters are written as %XX, names "
								  "of hosts as xn--....",
						  NULL);
	if (strlen(given) > 2000)
		option_refuse(option, "It must have at most 2000 characters.", NULL);
	url = curl_url();
	if (url == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	parsed = curl_url_set(url, CURLUPART_URL, given, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
	scheme = part_of(url, CURLUPART_SCHEME);
	host = part_of(url, CURLUPART_HOST);
	path = part_of(url, CURLUPART_PATH);
	port = part_of(url, CURLUPART_PORT);
	query = part_of(url, CURLUPART_QUERY);
	has_login = part_of(url, CURLUPART_USER) || part_of(url, CURLUPART_PASSWORD);
	has_fragment = part_of(url, CURLUPART_FRAGMENT) != NULL;
	curl_url_cleanup(url);
	if (!parsed || scheme == NULL || host == NULL || *host == '\0')
		option_refuse(option, psprintf("It must be a URL such as %.*s://example.com/events.", (int) strcspn(schemes, ","), schemes), NULL);
	check_scheme(option, scheme, schemes);
	if (has_login || has_fragment)
		option_refuse(option, "It must have neither a login nor a fragment.",
					  "What is secret in it belongs in an option of its own, as a reference.");
	rule = address_of_host_forbidden(host);
	if (rule)
		option_refuse(option, psprintf("Nothing is sent to %s: %s.", host, rule), NETWORK_IS_ALLOWED);
	return psprintf("%s://%s%s%s%s%s%s", scheme, host, port ? ":" : "", port ? port : "", path && *path ? path : "/", query ? "?" : "", query ? query : "");
}

/* -- secrets -- */

bool
reads_files(Oid role)
{
	return superuser_arg(role) || has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES);
}

static void
need_files(Oid role, const char *option)
{
	if (!reads_files(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("option \"%s\" refers to a file or the environment of the server", option),
				 errhint("That is for superusers and members of pg_read_server_files; mapping:server/option refers to an option of your own user mapping.")));
}

void
need_identity(Oid role, const AzureIdentity *identity, const char *option)
{
	if (azure_is_own(identity) && !reads_files(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("option \"%s\" needs the server's own identity", option),
				 errhint("That is for superusers and members of pg_read_server_files; azure_tenant_id, azure_client_id and azure_client_secret or azure_certificate name another one.")));
}

/* What a reference leads to is not there: why, and what makes it, if the owner can */
typedef struct Missing
{
	const char *why;
	const char *verb;
	const char *action;
} Missing;

static const Missing no_reference = {"It must be mapping:server/option."};
static const Missing no_server = {"There is no such server, or the owner of the sink may not use it."};
static const Missing no_mapping = {"The owner of the sink has no user mapping for that server.", "CREATE", ""};
static const Missing no_option = {"The user mapping of the owner of the sink has no such option.", "ALTER", "ADD "};
static const Missing no_value = {"That option of the owner's user mapping is empty.", "ALTER", "SET "};

/* The option of the role's own user mapping, not of everybody's; NULL or empty, and what is missing, if there is none */
static char *
mapping_value(Oid role, const char *reference, Oid *server_owner, const Missing **missing)
{
	const char *slash = strchr(reference, '/');
	char *name;
	Oid server;
	HeapTuple tuple;
	Datum options;
	bool isnull;
	ListCell *lc;
	char *value = NULL;

	*missing = &no_reference;
	if (slash == NULL || slash == reference || slash[1] == '\0')
		return NULL;
	name = pnstrdup(reference, slash - reference);
	server = get_foreign_server_oid(name, true);
	*missing = &no_server;
	if (!OidIsValid(server) || server_aclcheck(server, role, ACL_USAGE) != ACLCHECK_OK)
		return NULL;
	*missing = &no_mapping;
	tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(role), ObjectIdGetDatum(server));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	options = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &isnull);
	if (!isnull)
	{
		foreach (lc, untransformRelOptions(options))
		{
			DefElem *def = lfirst_node(DefElem, lc);

			if (strcmp(def->defname, slash + 1) == 0)
				value = pstrdup(defGetString(def));
		}
	}
	ReleaseSysCache(tuple);
	*server_owner = GetForeignServer(server)->owner;
	*missing = value ? &no_value : &no_option;
	return value;
}

/* server/option, as it stands in the statement that makes it */
static char *
in_mapping(const char *reference, const char *action)
{
	const char *slash = strchr(reference, '/');

	return psprintf("%s OPTIONS (%s%s '...')", quote_identifier(pnstrdup(reference, slash - reference)), action, quote_identifier(slash + 1));
}

/* What an option of a mapping says.  That may be a reference, too, which the server's owner could have written as well */
static char *
follow(Oid role, const AzureIdentity *identity, const char *option, const char *reference)
{
	Oid server_owner = InvalidOid;
	const Missing *missing;
	char *value;

	if (strncmp(reference, MAPPING, strlen(MAPPING)) != 0)
		return pstrdup(reference);
	value = mapping_value(role, reference + strlen(MAPPING), &server_owner, &missing);
	if (value == NULL || *value == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" refers to no secret", option),
				 errdetail("%s", missing->why),
				 missing->verb ? errhint("As the owner of the sink: %s USER MAPPING FOR CURRENT_USER SERVER %s.", missing->verb,
										 in_mapping(reference + strlen(MAPPING), missing->action))
							   : 0));
	if (secret_is_reference(value))
		need_files(server_owner, option);
	if (keyvault_is_reference(value) && identity)
		need_identity(server_owner, identity, option);
	return value;
}

char *
reference_in_vault(Oid role, const AzureIdentity *identity, const char *option, const char *reference)
{
	char *value = follow(role, identity, option, reference);

	if (!keyvault_is_reference(value))
	{
		explicit_bzero(value, strlen(value));
		return NULL;
	}
	if (identity == NULL)
		option_refuse(option, "It opens vaults, and cannot be kept in one.", NULL);
	need_identity(role, identity, option);
	return value;
}

char *
reference_resolve(Oid role, const AzureIdentity *identity, const char *option, const char *reference)
{
	char *in_vault;
	char *value;
	char *secret;

	if (!secret_is_reference(reference) && !keyvault_is_reference(reference) && strncmp(reference, MAPPING, strlen(MAPPING)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a reference to a secret, not the secret itself", option),
				 errdetail("A secret in a statement would appear in the log, in pg_stat_activity and in dumps."),
				 errhint("References are env:NAME, file:/path, keyvault:vault/secret and mapping:server/option, such as mapping:ingest_secrets/a_name after CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (a_name '...').")));
	in_vault = reference_in_vault(role, identity, option, reference);
	if (in_vault)
		return keyvault_secret(identity, option, in_vault);
	value = follow(role, identity, option, reference);
	if (!secret_is_reference(value))
		return value;
	need_files(role, option);
	secret = secret_resolve(option, value);
	explicit_bzero(value, strlen(value));
	return secret;
}

char *
key_of_secret(const char *option, const char *secret, int *length)
{
	const char *text = strncmp(secret, KEY_PREFIX, strlen(KEY_PREFIX)) == 0 ? secret + strlen(KEY_PREFIX) : secret;
	int room = pg_b64_dec_len(strlen(text)) + 1;
	char *key = palloc(room);

	*length = pg_b64_decode(text, strlen(text), (void *) key, room);
	if (*length < LEAST_KEY || *length > MOST_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what option \"%s\" refers to is not a secret of a webhook", option),
				 errdetail("It must be whsec_ and %d to %d bytes as base64.", LEAST_KEY, MOST_KEY),
				 errhint("A new one: echo \"whsec_$(openssl rand -base64 32)\".")));
	return key;
}

/* home(): this cluster and this database */
Datum
ingest_delivery_home(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId)));
}
