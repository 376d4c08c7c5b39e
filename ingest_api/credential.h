/*
 * credential.h
 *		Who asks: a token's hash into a role.
 */
#ifndef API_CREDENTIAL_H
#define API_CREDENTIAL_H

#include "postgres.h"

#include "ingest_api/api.h"

/* "token <prefix> <SHA-256 in hex>": the request's role, scope and who; without a role it is none that may be used now */
extern void credential_find(const char *credential, Request *request);
/* Of one whose last use is to be written: at the end of a request.  As the engine */
extern void credential_note_use(int64 id);

#endif /* API_CREDENTIAL_H */
