/*
 * login.h
 *		People in browsers: they log in with a secret, and come back with a cookie.
 */
#ifndef GATEWAY_LOGIN_H
#define GATEWAY_LOGIN_H

#include "gateway/connection.h"

#define HEX_HASH 64

/* What a request comes with beside, or instead of, the header Authorization */
typedef struct Login
{
	char *credential;          /* as the database is told it */
	bool by_cookie;            /* its browser's own, not what somebody logs in with */
	char secret[HEX_HASH + 1]; /* of the session that is to begin; empty: none is */
	char hash[HEX_HASH + 1];   /* its SHA-256 */
	char before[HEX_HASH + 1]; /* of the one that the browser has had until now; empty: none */
	char csrf[HEX_HASH + 1];   /* what pages of this address know, and those of others cannot */
} Login;

/* Does somebody log in? */
extern bool login_is(const Request *r);
/* What of a token the database is told; NULL: it is none */
extern char *login_token(Slice token);
/* Looks at the cookie, or at what somebody logs in with; false: it was answered */
extern bool login_begin(Connection *c);
/* Members of JSON that the database is told */
extern void login_members(const Connection *c, Buffer *json);
/* The cookie is given or taken back */
extern void login_head(const Connection *c, Buffer *out);
/* Adds what pages need to know; false: the body stays as it is */
extern bool login_body(const Connection *c, int status, const char *body, size_t n, Buffer *out);
extern void login_end(Connection *c);

#endif /* GATEWAY_LOGIN_H */
