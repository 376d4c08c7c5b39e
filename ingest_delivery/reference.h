/*
 * reference.h
 *		Where to and by which secret: URLs and references are checked when they are set, and resolved when they are used.
 */
#ifndef DELIVERY_REFERENCE_H
#define DELIVERY_REFERENCE_H

#include "postgres.h"

#include "common/azure.h"

/* A URL with one of these schemes, separated by commas, as it will be used; else an error that names the rule */
extern char *url_check(const char *option, const char *given, const char *schemes);
/* May the role have files of the server read? */
extern bool reads_files(Oid role);
/* The secret itself, palloc'd, looked up with the rights of a role; an error if it may not be used.  The identity is
 * what vaults are opened by; NULL: none may be.  Waits for a vault, unless what is asked for is known */
extern char *reference_resolve(Oid role, const AzureIdentity *identity, const char *option, const char *reference);
/* Where in a vault that secret stands, palloc'd, by the same rights; NULL: it stands in none */
extern char *reference_in_vault(Oid role, const AzureIdentity *identity, const char *option, const char *reference);
/* An error unless the role may use the identity */
extern void need_identity(Oid role, const AzureIdentity *identity, const char *option);
/* The key of a secret as Standard Webhooks writes it; an error that does not show it if it is none */
extern char *key_of_secret(const char *option, const char *secret, int *length);

#endif /* DELIVERY_REFERENCE_H */
