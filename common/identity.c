/*
 * identity.c
 *		Azure identities of user mappings: by which secrets are got from vaults, or that show their own tokens.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "commands/defrem.h"
#include "common/identity.h"
#include "common/keyvault.h"
#include "common/option.h"
#include "common/secret.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"

AzureIdentity *
identity_of(List *defs)
{
	AzureIdentity *identity = palloc0(sizeof(AzureIdentity));
	const char *secret = option_text(defs, "azure_client_secret");
	const char *file = option_text(defs, "azure_certificate_file");

	identity->tenant = option_text(defs, "azure_tenant_id");
	identity->client_id = option_text(defs, "azure_client_id");
	identity->client_secret = secret ? secret_resolve("azure_client_secret", secret) : NULL;
	identity->certificate = file ? secret_read_file("azure_certificate_file", file) : NULL;
	return identity;
}

/* Does anything of the mapping stand in a vault? */
static bool
uses_vault(List *defs)
{
	ListCell *lc;

	foreach (lc, defs)
		if (keyvault_is_reference(defGetString(lfirst_node(DefElem, lc))))
			return true;
	return false;
}

static bool
uses_own(List *defs, bool by_token)
{
	return (by_token || uses_vault(defs)) && option_text(defs, "azure_client_secret") == NULL &&
		   option_text(defs, "azure_certificate_file") == NULL;
}

/* The role that lends the server's identity, if it still may */
static Oid
lender_of(List *defs)
{
	const char *name = option_text(defs, "identity_lent_by");
	Oid role;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("the user mapping lacks option identity_lent_by"),
				 errdetail("It uses the server's own identity, for which somebody must take responsibility."),
				 errhint("Name a superuser or a member of pg_read_server_files, or give azure_tenant_id, azure_client_id "
						 "and azure_client_secret or azure_certificate_file of another identity.")));
	role = get_role_oid(name, true);
	if (!OidIsValid(role) || !has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not lend the server's identity", name),
				 errdetail("Only superusers and members of role pg_read_server_files may."),
				 errhint("Set option identity_lent_by of the user mapping to one of them.")));
	return role;
}

void
identity_check(List *defs)
{
	AzureIdentity named = {.tenant = option_text(defs, "azure_tenant_id"),
						   .client_id = option_text(defs, "azure_client_id"),
						   .client_secret = option_text(defs, "azure_client_secret"),
						   .certificate = option_text(defs, "azure_certificate_file")};
	ListCell *lc;
	Oid role;

	azure_check(&named);
	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (keyvault_is_reference(defGetString(def)))
			keyvault_check(def->defname, defGetString(def));
	}
	if (!uses_own(defs, false) && option_text(defs, "identity_lent_by") == NULL)
		return;
	role = lender_of(defs);
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to lend the server's identity as role \"%s\"", option_text(defs, "identity_lent_by")),
				 errhint("Only a member of that role can set or change options of such a user mapping.")));
}

void
identity_check_use(List *defs, Oid serverid, bool by_token)
{
	Oid owner = GetForeignServer(serverid)->owner;

	if (!uses_own(defs, by_token))
		return;
	(void) lender_of(defs);
	if (!has_privs_of_role(owner, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the owner of server \"%s\" may not use the server's identity", GetForeignServer(serverid)->servername),
				 errdetail("The user mapping uses it, and the owner decides where the data that it gives access to "
						   "are sent."),
				 errhint("The owner must be a superuser or a member of pg_read_server_files.")));
}

void
identity_wipe(AzureIdentity *identity)
{
	if (identity->client_secret)
		explicit_bzero((char *) identity->client_secret, strlen(identity->client_secret));
	if (identity->certificate)
		explicit_bzero((char *) identity->certificate, strlen(identity->certificate));
}
