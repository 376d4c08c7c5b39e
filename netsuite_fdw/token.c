/*
 * token.c
 *		Logging in by client credentials, once for all backends of a mapping.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "netsuite_fdw/token.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define TOKEN_PATH "/services/rest/auth/oauth2/v1/token"
#define MARGIN_S 60 /* a token is not used in its last minute */
#define POLL_MS 50  /* while another backend logs in */

/* Whoever has another mapping, key or address has another token */
void
token_init(Token *token, MemoryContext context, Oid server, Oid mapping, const char *base_url,
		   const UserOptions *user)
{
	const char *texts[] = {base_url, user->client_id, user->certificate_id, user->private_key};

	memset(token, 0, sizeof(Token));
	token->context = context;
	token->key.database = MyDatabaseId;
	token->key.server = server;
	token->key.mapping = mapping;
	token->key.hash[0] = governor_hash(texts, lengthof(texts), 1);
	token->key.hash[1] = governor_hash(texts, lengthof(texts), 2);
}

bool
token_valid(const Token *token)
{
	return token->text != NULL && token->expiry > GetCurrentTimestamp();
}

static void
keep(Token *token, const char *text, TimestampTz expiry)
{
	char *old = token->text;

	token->text = MemoryContextStrdup(token->context, text);
	token->epoch++;
	token->expiry = expiry;
	if (old != NULL)
		pfree(old);
}

/* Ask for a token.  The assertion is short-lived, so every login makes its own. */
static void
start_login(Token *token, Client *client, const UserOptions *user, MemoryContext parent)
{
	Request *r = request_new(client, parent);
	MemoryContext old = MemoryContextSwitchTo(r->context);

	r->method = "POST";
	r->path = TOKEN_PATH;
	r->accept_type = "application/json";
	r->content_type = "application/x-www-form-urlencoded";
	r->what = "obtain an access token";
	r->anonymous = true;
	r->body = psprintf("grant_type=client_credentials"
					   "&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer"
					   "&client_assertion=%s",
					   credential_assertion(user, psprintf("%s%s", client_options(client)->base_url, TOKEN_PATH)));
	MemoryContextSwitchTo(old);
	request_start(r);
	token->login = r;
}

/*
 * See to it that there is a token, which one backend gets for all; returns how
 * long until that can be known, or -1.
 */
long
token_seek(Token *token, Client *client, const UserOptions *user, MemoryContext parent)
{
	char *text;
	TimestampTz expiry;

	if (token->login != NULL)
		return -1;
	switch (governor_token(&token->key, &text, &expiry))
	{
		case TOKEN_THERE:
			keep(token, text, expiry);
			return -1;
		case TOKEN_WAIT:
			return POLL_MS;
		case TOKEN_ALONE:
		case TOKEN_LOGIN:
			break;
	}
	PG_TRY();
	{
		start_login(token, client, user, parent);
	}
	PG_CATCH();
	{
		/* a key that cannot be read: others may find it out themselves */
		governor_login_over(&token->key);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return -1;
}

/* A token stands in a header of its own: nothing in it may end the line */
static bool
is_token(const char *text)
{
	if (text == NULL || *text == '\0')
		return false;
	for (; *text; text++)
	{
		if (*text <= ' ' || *text >= 127)
			return false;
	}
	return true;
}

/* The login's reply is there: is there a token in it? */
bool
token_arrived(Token *token)
{
	Json *body = request_json(token->login);
	const char *text = json_words(body, "access_token");
	int64 seconds = json_int(json_member(body, "expires_in"));
	bool good = token->login->state == REQUEST_DONE && is_token(text);

	if (seconds <= 0 || seconds > 86400)
		seconds = 3600;
	seconds -= Min(MARGIN_S, seconds / 2);
	if (good)
	{
		keep(token, text, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), seconds * 1000));
		governor_keep_token(&token->key, token->text, token->expiry);
	}
	token_login_gone(token);
	return good;
}

/* NetSuite refused the token of that epoch */
void
token_refused(Token *token, uint64 epoch)
{
	if (epoch == token->epoch)
		token_forget(token);
}

/* The login is over, or was given up */
void
token_login_gone(Token *token)
{
	token->login = NULL;
	governor_login_over(&token->key);
}

void
token_forget(Token *token)
{
	governor_forget_token(&token->key, token->text);
	token->text = NULL;
}
