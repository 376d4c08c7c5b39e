/*
 * jwt.h
 *		JSON Web Tokens: is the signature one of those whom we trust, and is it meant for us now?
 */
#ifndef GATEWAY_JWT_H
#define GATEWAY_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/parse.h"

typedef struct JwtOptions
{
	const char *issuer;   /* iss must be this one */
	const char *audience; /* and aud this, or have it */
} JwtOptions;

extern JwtOptions jwt_options;

/* Keys instead of those that there are: a JWK Set of RFC 7517.  False: it is none, and the old ones stay */
extern bool jwt_take_keys(const char *json, size_t n);
/* A key for HS256, which is used for nothing else; of 32 bytes at least */
extern void jwt_take_secret(const char *bytes, size_t n);
/*
 * The claims of a token that is good at this moment, as they were signed; NULL: it is not.  unknown: its key is not
 * one of those that there are, so that newer ones may help.  why: what is wrong with it, for the log; nothing of the
 * token itself.
 */
extern char *jwt_claims(Slice token, int64_t now, bool *unknown, const char **why);

#endif /* GATEWAY_JWT_H */
