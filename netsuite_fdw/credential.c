/*
 * credential.c
 *		Signatures: HMAC-SHA256 for token-based authentication (RFC 5849) and
 *		JSON web tokens for OAuth 2.0 client credentials (RFC 7523).
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include "common/address.h"
#include "common/json.h"
#include "common/jwt.h"
#include "lib/stringinfo.h"
#include "netsuite_fdw/credential.h"
#include "netsuite_fdw/hint.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define ASSERTION_LIFETIME 600 /* seconds; NetSuite allows 3600 */

/* Which way of logging in the user mapping is for; an error if for none */
CredentialKind
credential_kind(const UserOptions *user, Oid userid, const ServerOptions *server)
{
	const char *missing = NULL;
	const char *option;

	if (user->client_id != NULL)
	{
		if (user->certificate_id == NULL)
			missing = "certificate_id";
		else if (user->private_key == NULL)
			missing = "private_key or private_key_file";
		if (missing == NULL)
			return CREDENTIAL_OAUTH2;
	}
	else if (user->consumer_key == NULL)
		missing = "consumer_key (or client_id, for OAuth 2.0)";
	else if (user->consumer_secret == NULL)
		missing = "consumer_secret";
	else if (user->token_id == NULL)
		missing = "token_id";
	else if (user->token_secret == NULL)
		missing = "token_secret";
	option = missing == NULL ? NULL : pnstrdup(missing, strcspn(missing, " "));
	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("the user mapping for server \"%s\" lacks option %s", server->name, missing),
				 errhint("Token-based authentication needs consumer_key, consumer_secret, token_id and token_secret; OAuth 2.0 needs client_id, certificate_id and private_key or private_key_file: %s",
						 hint_mapping_option(userid, server->serverid, option))));
	return CREDENTIAL_TBA;
}

/* -- token-based authentication -- */

static int
compare_params(const void *a, const void *b)
{
	const QueryParam *x = a;
	const QueryParam *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->value, y->value);
}

static char *
nonce(void)
{
	unsigned char bytes[16];
	char *text = palloc(sizeof(bytes) * 2 + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
	for (int i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

static char *
hmac_base64(const char *key, const char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *encoded;

	if (HMAC(EVP_sha256(), key, (int) strlen(key), (const unsigned char *) text, strlen(text),
			 digest, &len) == NULL)
	{
		openssl_check_memory();
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not sign a request")));
	}
	encoded = palloc(len * 2 + 4);
	EVP_EncodeBlock((unsigned char *) encoded, digest, (int) len);
	return encoded;
}

/* All parameters, encoded, sorted and joined (RFC 5849, 3.4.1.3.2) */
static char *
normalize(const QueryParam *oauth, int noauth, const QueryParam *params, int nparams)
{
	QueryParam *all = palloc(sizeof(QueryParam) * (noauth + nparams));
	StringInfoData text;

	for (int i = 0; i < noauth + nparams; i++)
	{
		const QueryParam *p = i < noauth ? &oauth[i] : &params[i - noauth];

		all[i].name = address_escape(p->name);
		all[i].value = address_escape(p->value);
	}
	qsort(all, noauth + nparams, sizeof(QueryParam), compare_params);
	initStringInfo(&text);
	for (int i = 0; i < noauth + nparams; i++)
		appendStringInfo(&text, "%s%s=%s", i > 0 ? "&" : "", all[i].name, all[i].value);
	return text.data;
}

/* The Authorization header for one attempt: a nonce works once */
char *
credential_sign(const UserOptions *user, const char *realm, const char *method, const char *url,
				const QueryParam *params, int nparams)
{
	QueryParam oauth[] = {
		{"oauth_consumer_key", user->consumer_key},
		{"oauth_token", user->token_id},
		{"oauth_signature_method", "HMAC-SHA256"},
		{"oauth_timestamp", psprintf("%lld", (long long) time(NULL))},
		{"oauth_nonce", nonce()},
		{"oauth_version", "1.0"},
	};
	char *base = psprintf("%s&%s&%s", method, address_escape(url),
						  address_escape(normalize(oauth, lengthof(oauth), params, nparams)));
	char *key = psprintf("%s&%s", address_escape(user->consumer_secret),
						 address_escape(user->token_secret));
	StringInfoData header;

	initStringInfo(&header);
	appendStringInfo(&header, "Authorization: OAuth realm=\"%s\"", address_escape(realm));
	for (int i = 0; i < lengthof(oauth); i++)
		appendStringInfo(&header, ",%s=\"%s\"", oauth[i].name, address_escape(oauth[i].value));
	appendStringInfo(&header, ",oauth_signature=\"%s\"", address_escape(hmac_base64(key, base)));
	explicit_bzero(key, strlen(key));
	return header.data;
}

/* -- OAuth 2.0 -- */

/* A signed client assertion for the token endpoint */
char *
credential_assertion(const UserOptions *user, const char *token_url)
{
	StringInfoData header;
	StringInfoData claims;
	long long now = (long long) time(NULL);

	initStringInfo(&header);
	appendStringInfoString(&header, ",\"kid\":");
	json_append_string(&header, user->certificate_id);
	initStringInfo(&claims);
	appendStringInfoString(&claims, "{\"iss\":");
	json_append_string(&claims, user->client_id);
	appendStringInfoString(&claims, ",\"scope\":[\"rest_webservices\"],\"aud\":");
	json_append_string(&claims, token_url);
	appendStringInfo(&claims, ",\"iat\":%lld,\"exp\":%lld}", now, now + ASSERTION_LIFETIME);
	return jwt_sign(user->private_key, "of the user mapping", "NetSuite", header.data, claims.data);
}

/* The end of a certificate's validity */
static TimestampTz
end_of(const X509 *certificate)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return DT_NOEND;
	return (int64) (date2j(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
		   ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * USECS_PER_SEC;
}

/* If the certificate stands beside its key, when does it end? */
CertificateState
credential_certificate(const UserOptions *user, TimestampTz *expiry)
{
	CertificateState state = CERTIFICATE_ABSENT;
	BIO *bio;
	BIO *key_bio;
	EVP_PKEY *key;
	X509 *certificate;

	if (user->private_key == NULL)
		return state;
	bio = BIO_new_mem_buf(user->private_key, -1);
	key_bio = BIO_new_mem_buf(user->private_key, -1);
	key = key_bio ? PEM_read_bio_PrivateKey(key_bio, NULL, NULL, (void *) "") : NULL;
	/* a chain may follow: the one that counts is that of the key */
	while (bio && key && state != CERTIFICATE_VALID &&
		   (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
	{
		state = CERTIFICATE_FOREIGN;
		if (X509_check_private_key(certificate, key) == 1)
		{
			*expiry = end_of(certificate);
			state = CERTIFICATE_VALID;
		}
		X509_free(certificate);
	}
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(key_bio);
	BIO_free(bio);
	if (state == CERTIFICATE_VALID && *expiry < GetCurrentTimestamp())
		return CERTIFICATE_EXPIRED;
	return state;
}
