/*
 * identity.h
 *		Azure identities of user mappings: by which secrets are got from vaults, or that show their own tokens.
 *
 * The server's own identity is a privilege.  A mapping that uses it names a role that
 * lends it, and is used as long as that role and the server's owner may read the server's
 * files: the owner could have everything sent to himself.
 */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include "postgres.h"

#include "common/azure.h"
#include "nodes/pg_list.h"

/* What the options of a mapping say; palloc'd */
extern AzureIdentity *identity_of(List *defs);
/* An error unless the current user may set such options */
extern void identity_check(List *defs);
/* An error unless they may be used; asked each time before they are.  by_token: requests show the identity's token */
extern void identity_check_use(List *defs, Oid serverid, bool by_token);
/* What is in its memory is wiped */
extern void identity_wipe(AzureIdentity *identity);

#endif /* COMMON_IDENTITY_H */
