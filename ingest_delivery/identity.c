/*
 * identity.c
 *		The Azure identity of a sink: what it opens of vaults, and the token that it shows.
 */
#include "postgres.h"

#include "common/keyvault.h"
#include "ingest_delivery/identity.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/reference.h"

struct Fetch
{
	VaultFetch *vault; /* or */
	AzureLogin *login;
};

static void
check_name(const char *option, const char *value)
{
	AzureIdentity named = {.tenant = value};

	azure_check(&named);
}

const OptionRule identity_options[] = {
	{"azure_tenant_id", OPTION_TEXT, .check = check_name},
	{"azure_client_id", OPTION_TEXT, .check = check_name},
	{"azure_client_secret", OPTION_OPENER},
	{"azure_certificate", OPTION_OPENER},
	END_OF_OPTIONS};

AzureIdentity *
identity_of(Oid role, const Jsonb *options)
{
	AzureIdentity *identity = palloc0(sizeof(AzureIdentity));
	char *secret = option_text(options, "azure_client_secret");
	char *certificate = option_text(options, "azure_certificate");

	identity->tenant = option_text(options, "azure_tenant_id");
	identity->client_id = option_text(options, "azure_client_id");
	if (secret)
		identity->client_secret = reference_resolve(role, NULL, "azure_client_secret", secret);
	if (certificate)
		identity->certificate = reference_resolve(role, NULL, "azure_certificate", certificate);
	azure_check(identity);
	return identity;
}

void
identity_wipe(AzureIdentity *identity)
{
	if (identity->client_secret)
		explicit_bzero(unconstify(char *, identity->client_secret), strlen(identity->client_secret));
	if (identity->certificate)
		explicit_bzero(unconstify(char *, identity->certificate), strlen(identity->certificate));
}

/* The next of the sink's references that leads into a vault, from *rule on; NULL: there is no more */
static char *
next_in_vault(Sink *sink, const AzureIdentity *identity, const OptionRule **rule)
{
	for (; (*rule)->name; (*rule)++)
	{
		char *reference = (*rule)->form == OPTION_REFERENCE ? option_text(sink->options, (*rule)->name) : NULL;
		char *found = reference ? reference_in_vault(sink->owner, identity, (*rule)->name, reference) : NULL;

		if (found)
			return found;
	}
	return NULL;
}

static Fetch *
fetch_of(VaultFetch *vault, AzureLogin *login)
{
	Fetch *fetch = palloc(sizeof(Fetch));

	fetch->vault = vault;
	fetch->login = login;
	return fetch;
}

Fetch *
fetch_begin(Sink *sink, const AzureIdentity *identity)
{
	char *found;

	for (const OptionRule *rule = sink->kind->options; (found = next_in_vault(sink, identity, &rule)) != NULL; rule++)
		if (keyvault_known(identity, found) == NULL)
			return fetch_of(keyvault_fetch(identity, rule->name, found), NULL);
	found = sink->old_secret ? reference_in_vault(sink->owner, identity, "secret", sink->old_secret) : NULL;
	if (found && keyvault_known(identity, found) == NULL)
		return fetch_of(keyvault_fetch(identity, "secret", found), NULL);
	if (sink_token_for(sink) == NULL)
		return NULL;
	need_identity(sink->owner, identity, "url");
	if (azure_known_token(identity, sink_token_for(sink)) == NULL)
		return fetch_of(NULL, azure_login(identity, sink_token_for(sink)));
	return NULL;
}

bool
fetch_over(Fetch *fetch)
{
	return fetch->vault ? keyvault_fetch_over(fetch->vault) : azure_login_over(fetch->login);
}

TimestampTz
fetch_next(const Fetch *fetch)
{
	return fetch->vault ? keyvault_fetch_next(fetch->vault) : azure_login_next(fetch->login);
}

void
identity_refused(Sink *sink, const AzureIdentity *identity)
{
	char *found;

	for (const OptionRule *rule = sink->kind->options; (found = next_in_vault(sink, identity, &rule)) != NULL; rule++)
		keyvault_forget(identity, found);
	if (sink_token_for(sink))
		azure_forget_token(identity, sink_token_for(sink));
}
