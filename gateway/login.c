/*
 * login.c
 *		People in browsers: they log in with a secret, and come back with a cookie.
 *
 * The cookie is 256 random bits that this program makes and that the database knows the
 * SHA-256 of.  A page of another origin can have a browser send it, at most, and cannot
 * read it or what it gives: SameSite keeps it from other sites, Sec-Fetch-Site from other
 * ports and names of this one, and what changes something takes a header besides, which
 * only a page that could read an answer knows.  That header is made from the cookie, so
 * that any gateway can look at it and none has to keep it.
 */
#include "gateway/login.h"

#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/log.h"
#include "gateway/server.h"

#define PATH "/v1/session"
/* Of a token, `pgi_` included: by so much of it the database looks it up */
#define PREFIX 12
#define LONGEST_CREDENTIAL (8 * 1024)

/* -- secrets -- */

static void
to_hex(const unsigned char *bytes, char *text)
{
	for (int i = 0; i < HEX_HASH / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void
hash_of(const char *bytes, size_t n, char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
		give_up("there is no SHA-256");
	to_hex(digest, text);
}

static void
csrf_of(const char *secret, char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (HMAC(EVP_sha256(), secret, HEX_HASH, (const unsigned char *) "csrf", 4, digest, &n) == NULL)
		give_up("there is no HMAC");
	to_hex(digest, text);
}

/* `token`, a prefix and the SHA-256: the token itself is in no statement, so in no log and no view */
char *
login_token(Slice token)
{
	char hash[HEX_HASH + 1];
	Buffer text = {0};

	if (token.n <= PREFIX || token.n > LONGEST_CREDENTIAL)
		return NULL;
	hash_of(token.at, token.n, hash);
	buffer_print(&text, "token ");
	buffer_add(&text, token.at, PREFIX);
	buffer_print(&text, " %s", hash);
	return text.bytes;
}

static char *
with_hash(const char *kind, const char *secret, size_t n)
{
	char hash[HEX_HASH + 1];
	Buffer text = {0};

	hash_of(secret, n, hash);
	buffer_print(&text, "%s %s", kind, hash);
	return text.bytes;
}

/* -- the cookie -- */

static bool
is_secure(void)
{
	return options.certificate || options.behind_proxy;
}

/* A browser takes one that begins with __Host- from this very name alone, by TLS; it does not tell ports apart */
static const char *
cookie_name(void)
{
	static char name[32] = "";
	const char *colon = strrchr(options.listen, ':');

	if (name[0] == '\0' && is_secure())
		snprintf(name, sizeof(name), "__Host-pg_ingest");
	else if (name[0] == '\0')
		snprintf(name, sizeof(name), "pg_ingest_%.8s", colon ? colon + 1 : "");
	return name;
}

/* How often it is there; at: the last one's value */
static int
find_in(Slice list, const char *name, Slice *at)
{
	size_t n_name = strlen(name);
	int n = 0;

	for (size_t i = 0; i < list.n;)
	{
		const char *part = list.at + i;
		const char *semicolon = memchr(part, ';', list.n - i);
		size_t length = semicolon ? (size_t) (semicolon - part) : list.n - i;

		i += length + 1;
		while (length > 0 && (*part == ' ' || *part == '\t'))
			part++, length--;
		if (length <= n_name || part[n_name] != '=' || memcmp(part, name, n_name) != 0)
			continue;
		*at = (Slice){part + n_name + 1, length - n_name - 1};
		n++;
	}
	return n;
}

static int
find_cookie(const Request *r, Slice *at)
{
	int n = 0;

	for (int i = 0; i < r->n_headers; i++)
		if (slice_is_like(r->headers[i].name, "cookie"))
			n += find_in(r->headers[i].value, cookie_name(), at);
	return n;
}

static bool
is_secret(Slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr("0123456789abcdef", s.at[i]) == NULL)
			return false;
	return s.n == HEX_HASH;
}

/* Browsers say whose page asks; other ports and names of a site are others */
static bool
is_of_other_page(const Request *r)
{
	const Header *h = request_header(r, "sec-fetch-site");

	return h && !slice_is(h->value, "same-origin") && !slice_is(h->value, "none");
}

/* -- what is a secret -- */

static size_t
n_hex(Slice text, size_t from)
{
	size_t n = 0;

	while (from + n < text.n && text.at[from + n] && strchr("0123456789abcdefABCDEF", text.at[from + n]))
		n++;
	return n;
}

/* How a token begins, pgi_ and eight digits, is shown to people */
bool
login_secret_in(Slice text, size_t *from)
{
	for (size_t i = 0; i + 4 < text.n; i++)
	{
		bool token = memcmp(text.at + i, "pgi_", 4) == 0,
			 link = memcmp(text.at + i, "pgl_", 4) == 0;

		*from = i + (token ? 13 : 4);
		if ((link || (token && n_hex(text, i + 4) == 8 && *from < text.n && text.at[*from - 1] == '_')) && n_hex(text, *from) >= 16)
			return true;
	}
	return false;
}

/* -- who logs in -- */

bool
login_is(const Request *r)
{
	return slice_is(r->method, "POST") && slice_is(r->path, PATH);
}

static bool
refuse(Connection *c, int status, const char *detail)
{
	connection_problem(c, status, status_title(status), detail, NULL, 0);
	return false;
}

/* {"token": …} or {"link": …}: what it is good as; NULL: neither */
static char *
credential_in(const Buffer *body)
{
	char *text = need_copy(body->bytes ? body->bytes : "", body->n);
	struct json_object *object = json_tokener_parse(text),
					   *value;
	const char *secret;
	char *found = NULL;

	if (object && json_object_is_type(object, json_type_object) && json_object_object_length(object) == 1)
	{
		bool token = json_object_object_get_ex(object, "token", &value),
			 link = !token && json_object_object_get_ex(object, "link", &value);

		if ((token || link) && json_object_is_type(value, json_type_string) && json_object_get_string_len(value) <= LONGEST_CREDENTIAL)
		{
			size_t n = json_object_get_string_len(value);

			secret = json_object_get_string(value);
			/* of something else nothing is shown either */
			if (token)
				found = strncmp(secret, "pgi_", 4) == 0 ? login_token((Slice){secret, n}) : NULL;
			else
				found = with_hash("link", secret, n);
			if (found == NULL)
				found = need_copy("bad", 3);
			for (size_t i = 0; i < strlen(found); i++)
				if (found[i] < ' ' || found[i] > '~')
					found[i] = '?';
		}
	}
	if (object)
		json_object_put(object);
	OPENSSL_cleanse(text, body->n);
	free(text);
	return found;
}

static bool
is_json(const Request *r)
{
	const Header *h = request_header(r, "content-type");

	return h && h->value.n >= 16 && slice_is_like((Slice){h->value.at, 16}, "application/json") && (h->value.n == 16 || h->value.at[16] == ';' || h->value.at[16] == ' ');
}

/* What is known of whoever is there already counts for nothing but to end that session */
static bool
log_in(Connection *c)
{
	unsigned char random[HEX_HASH / 2];
	Login *l;
	Slice old;

	if (is_of_other_page(&c->request))
		return refuse(c, 403, "a page of another address cannot log in");
	if (!is_json(&c->request))
		return refuse(c, 415, "log in with application/json: {\"token\": …} or {\"link\": …}");
	l = need(sizeof(Login));
	c->login = l;
	l->credential = credential_in(&c->body);
	OPENSSL_cleanse(c->body.bytes, c->body.n);
	buffer_free(&c->body);
	if (l->credential == NULL)
		return refuse(c, 400, "the body is {\"token\": \"pgi_…\"} or {\"link\": \"pgl_…\"}");
	if (RAND_bytes(random, sizeof(random)) != 1)
		return refuse(c, 503, "no random bytes could be obtained");
	to_hex(random, l->secret);
	hash_of(l->secret, HEX_HASH, l->hash);
	csrf_of(l->secret, l->csrf);
	if (find_cookie(&c->request, &old) == 1 && is_secret(old))
		hash_of(old.at, old.n, l->before);
	return true;
}

/* -- who is logged in -- */

static bool
changes(const Request *r)
{
	return !slice_is(r->method, "GET") && !slice_is(r->method, "HEAD") && !slice_is(r->method, "OPTIONS");
}

static bool
knows_csrf(const Request *r, const Login *l)
{
	const Header *h = request_header(r, "x-csrf-token");

	return h && h->value.n == HEX_HASH && CRYPTO_memcmp(h->value.at, l->csrf, HEX_HASH) == 0;
}

bool
login_begin(Connection *c)
{
	const Request *r = &c->request;
	Slice secret = {0};
	Login *l;
	int n;

	if (login_is(r))
		return log_in(c);
	/* who says who he is is that */
	for (int i = 0; i < r->n_headers; i++)
		if (slice_is_like(r->headers[i].name, "authorization"))
			return true;
	n = find_cookie(r, &secret);
	if (n == 0 || is_of_other_page(r))
		return true;
	l = need(sizeof(Login));
	c->login = l;
	l->by_cookie = true;
	/* which of two is ours cannot be told: another name of this site may have set one */
	if (n > 1 || !is_secret(secret))
	{
		l->credential = need_copy("bad", 3);
		return true;
	}
	l->credential = with_hash("session", secret.at, secret.n);
	csrf_of(secret.at, l->csrf);
	if (changes(r) && !knows_csrf(r, l))
		return refuse(c, 403, "the header X-CSRF-Token is missing or another session's: GET " PATH " has it as csrf");
	return true;
}

void
login_members(const Connection *c, Buffer *json)
{
	if (c->login && c->login->hash[0])
		buffer_print(json, ",\"x-session\":\"%s\",\"x-session-before\":\"%s\"", c->login->hash, c->login->before);
}

/* -- answers -- */

void
login_head(const Connection *c, Buffer *out)
{
	const Login *l = c->login;
	const char *secure = is_secure() ? "; Secure" : "";

	if (l == NULL)
		return;
	if (l->secret[0] && c->status == 201)
		buffer_print(out, "Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Strict%s\r\n", cookie_name(), l->secret, secure);
	else if (l->by_cookie && (c->status == 401 || (c->status == 204 && slice_is(c->request.method, "DELETE") && slice_is(c->request.path, PATH))))
		buffer_print(out, "Set-Cookie: %s=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict%s\r\n", cookie_name(), secure);
}

bool
login_body(const Connection *c, int status, const char *body, size_t n, Buffer *out)
{
	const Login *l = c->login;

	if (l == NULL || l->csrf[0] == '\0' || (status != 200 && status != 201) || !slice_is(c->request.path, PATH) || n < 2 || body[0] != '{')
		return false;
	buffer_print(out, "{\"csrf\":\"%s\",", l->csrf);
	buffer_add(out, body + 1, n - 1);
	return true;
}

void
login_end(Connection *c)
{
	if (c->login == NULL)
		return;
	free(c->login->credential);
	OPENSSL_cleanse(c->login, sizeof(Login));
	free(c->login);
	c->login = NULL;
}
