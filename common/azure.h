/*
 * azure.h
 *		Tokens of Azure identities.
 */
#ifndef COMMON_AZURE_H
#define COMMON_AZURE_H

#include "postgres.h"

#include "common/http.h"
#include "datatype/timestamp.h"

/* Who asks.  Without secret and certificate it is the server itself, as Azure knows it: see azure_is_own */
typedef struct AzureIdentity
{
	const char *tenant;        /* directory of the application */
	const char *client_id;     /* the application; of the server's identities, which one; NULL: the only one */
	const char *client_secret; /* NULL: none */
	const char *certificate;   /* PEM with its private key; NULL: none */
} AzureIdentity;

/* Is it the server's own identity?  Then it is for those who may read the server's files */
extern bool azure_is_own(const AzureIdentity *identity);
/* An error unless such an identity can be */
extern void azure_check(const AzureIdentity *identity);

/* May tokens and what they open be asked for there?  host, or host:port */
extern bool azure_host_allowed(const char *host);
/* An error unless it may */
extern void azure_check_host(const char *option, const char *host);
/* The same of where blobs are: what opens vaults is not sent there, nor the other way round, unless both are listed */
extern void azure_check_storage_host(const char *option, const char *host);

/* A token that is being got.  Nothing waits: drive it as an Exchange */
typedef struct AzureLogin AzureLogin;

/* One that is at hand, palloc'd; NULL: none is */
extern char *azure_known_token(const AzureIdentity *identity, const char *resource);
/* In the current memory context, with which it goes; the identity must live as long */
extern AzureLogin *azure_login(const AzureIdentity *identity, const char *resource);
/* True when the token is at hand; an error if there will be none */
extern bool azure_login_over(AzureLogin *login);
extern TimestampTz azure_login_next(const AzureLogin *login);
/* It was refused */
extern void azure_forget_token(const AzureIdentity *identity, const char *resource);
/* The same, waiting; palloc'd */
extern char *azure_token(const AzureIdentity *identity, const char *resource);

/* What is kept for an identity is kept under such a key */
extern char *azure_key(const AzureIdentity *identity, const char *kind, const char *what);
/* What requests to Azure have in common */
extern void azure_http_settings(HttpSettings *settings);
/* One turn of the event loop, no longer than until then */
extern void azure_wait_until(TimestampTz next);
/* The settings azure_hosts and azure_ca_file of the extension */
extern void azure_settings(void);

#endif /* COMMON_AZURE_H */
