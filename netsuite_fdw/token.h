/*
 * token.h
 *		An OAuth 2.0 access token: got once, shared, forgotten when it is refused.
 */
#ifndef NETSUITE_TOKEN_H
#define NETSUITE_TOKEN_H

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/governor.h"

typedef struct Token
{
	TokenKey key;
	MemoryContext context;
	char *text; /* NULL: none */
	TimestampTz expiry;
	uint64 epoch;   /* counts tokens */
	Request *login; /* under way, or NULL */
} Token;

extern void token_init(Token *token, MemoryContext context, Oid server, Oid mapping,
					   const char *base_url, const UserOptions *user);
extern bool token_valid(const Token *token);
extern long token_seek(Token *token, Client *client, const UserOptions *user, MemoryContext parent);
extern bool token_arrived(Token *token);
extern void token_refused(Token *token, uint64 epoch);
extern void token_login_gone(Token *token);
extern void token_forget(Token *token);

#endif /* NETSUITE_TOKEN_H */
