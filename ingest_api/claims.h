/*
 * claims.h
 *		Who asks: claims of a JSON Web Token into a role.
 */
#ifndef API_CLAIMS_H
#define API_CLAIMS_H

#include "postgres.h"

#include "ingest_api/api.h"

/* Role, scope and name of who asks; an invalid role: nobody, or no longer */
extern void claims_find(const char *json, Request *request);

#endif /* API_CLAIMS_H */
