/*
 * credential.h
 *		Who is asking: token-based authentication, OAuth 2.0.
 */
#ifndef NETSUITE_CREDENTIAL_H
#define NETSUITE_CREDENTIAL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "netsuite_fdw/option.h"

typedef enum CredentialKind
{
	CREDENTIAL_TBA,   /* OAuth 1.0a, signs each request */
	CREDENTIAL_OAUTH2 /* client credentials, a bearer token */
} CredentialKind;

/* A query parameter of a request; both count in a TBA signature */
typedef struct QueryParam
{
	const char *name;
	const char *value;
} QueryParam;

/* What the PEM text of the private key tells of its certificate */
typedef enum CertificateState
{
	CERTIFICATE_ABSENT,  /* the text holds none, or token-based authentication is used */
	CERTIFICATE_FOREIGN, /* it holds one of another key */
	CERTIFICATE_VALID,
	CERTIFICATE_EXPIRED
} CertificateState;

extern CredentialKind credential_kind(const UserOptions *user, Oid userid, const ServerOptions *server);
extern char *credential_sign(const UserOptions *user, const char *realm,
							 const char *method, const char *url,
							 const QueryParam *params, int nparams);
extern CertificateState credential_certificate(const UserOptions *user, TimestampTz *expiry);
extern char *credential_assertion(const UserOptions *user, const char *token_url);

#endif /* NETSUITE_CREDENTIAL_H */
