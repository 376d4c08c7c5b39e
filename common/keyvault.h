/*
 * keyvault.h
 *		Secrets of Azure Key Vault: keyvault:<vault host or name>/<secret>[/<version>].
 */
#ifndef COMMON_KEYVAULT_H
#define COMMON_KEYVAULT_H

#include "postgres.h"

#include "common/azure.h"

extern bool keyvault_is_reference(const char *value);
/* An error unless it is one, of a vault that may be asked */
extern void keyvault_check(const char *option, const char *reference);

/* A secret that is being got.  Nothing waits: drive it as an Exchange */
typedef struct VaultFetch VaultFetch;

/* One that is at hand, palloc'd; NULL: it is not.  It is kept for ten minutes at most */
extern char *keyvault_known(const AzureIdentity *identity, const char *reference);
/* In the current memory context, with which it goes; the identity must live as long */
extern VaultFetch *keyvault_fetch(const AzureIdentity *identity, const char *option, const char *reference);
/* True when the secret is at hand; an error if there will be none */
extern bool keyvault_fetch_over(VaultFetch *fetch);
extern TimestampTz keyvault_fetch_next(const VaultFetch *fetch);
/* Whom it was shown to refused it: there may be another one by now */
extern void keyvault_forget(const AzureIdentity *identity, const char *reference);
/* The same, waiting; palloc'd */
extern char *keyvault_secret(const AzureIdentity *identity, const char *option, const char *reference);

#endif /* COMMON_KEYVAULT_H */
