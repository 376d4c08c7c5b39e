/*
 * jwt.c
 *		JSON web tokens that assert who asks (RFC 7519, RFC 7523).
 */
#include "postgres.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/jwt.h"
#include "lib/stringinfo.h"

/*
 * OpenSSL failed: for want of memory, or else for the reason that the caller
 * gives.  Its notes are cleared, or others would take them for theirs.
 */
void
openssl_check_memory(void)
{
	unsigned long error;
	bool memory = false;

	while ((error = ERR_get_error()) != 0)
		memory |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
	if (memory)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("OpenSSL failed to allocate memory.")));
}

/* Base64 as JSON web tokens want it: URL-safe, without padding */
static void
append_base64url(StringInfo out, const unsigned char *data, int len)
{
	char *text = palloc(len * 2 + 4);
	int n = EVP_EncodeBlock((unsigned char *) text, data, len);

	for (int i = 0; i < n && text[i] != '='; i++)
		appendStringInfoChar(out, text[i] == '+' ? '-' : text[i] == '/' ? '_'
																		: text[i]);
}

static void
free_key(void *key)
{
	EVP_PKEY_free(key);
}

/* The private key, which goes with the current memory context */
static EVP_PKEY *
load_key(const char *pem, const char *whose)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	BIO *bio;
	EVP_PKEY *key;

	ERR_clear_error();
	bio = BIO_new_mem_buf(pem, -1);
	/* an empty pass phrase: never ask on a terminal */
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *) "") : NULL;
	BIO_free(bio);
	if (key == NULL)
	{
		openssl_check_memory();
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the private key %s cannot be read", whose),
				 errhint("Give an unencrypted key in PEM form, beginning with -----BEGIN PRIVATE KEY-----.")));
	}
	callback->func = free_key;
	callback->arg = key;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return key;
}

/* The JWT algorithm for a key, and the bytes of each half of an EC signature */
static const char *
algorithm_of(EVP_PKEY *key, const char *whose, const char *taker, int *half)
{
	/* there are other curves of as many bits */
	static const struct
	{
		const char *curve;
		int half;
		const char *algorithm;
	} curves[] = {{"prime256v1", 32, "ES256"}, {"secp384r1", 48, "ES384"}, {"secp521r1", 66, "ES512"}};
	char curve[32];

	*half = 0;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048)
		return "PS256";
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1)
	{
		for (int i = 0; i < lengthof(curves); i++)
		{
			*half = curves[i].half;
			if (strcmp(curve, curves[i].curve) == 0)
				return curves[i].algorithm;
		}
	}
	ERR_clear_error();
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("the private key %s is of a kind that %s does not accept", whose, taker),
			 errhint("Use an RSA key of at least 2048 bits or an EC key on P-256, P-384 or P-521.")));
}

static const EVP_MD *
digest_of(const char *algorithm)
{
	if (strcmp(algorithm + 2, "384") == 0)
		return EVP_sha384();
	if (strcmp(algorithm + 2, "512") == 0)
		return EVP_sha512();
	return EVP_sha256();
}

/* DER to the two fixed-width halves that JWT wants */
static int
ec_halves(const unsigned char *der, size_t len, unsigned char *out, int half)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
	int ok = sig != NULL &&
			 BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
			 BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half;

	ECDSA_SIG_free(sig);
	return ok ? 2 * half : 0;
}

/* The signature of a text, palloc'd; *len is 0 if there is none */
static unsigned char *
sign(EVP_PKEY *key, const char *algorithm, int half, const char *text, int *len)
{
	size_t size = EVP_PKEY_get_size(key);
	unsigned char *raw = palloc(size);
	unsigned char *halves = palloc(2 * half + 1);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	bool ok;

	ok = ctx != NULL && EVP_DigestSignInit(ctx, &pctx, digest_of(algorithm), NULL, key) == 1;
	if (ok && half == 0)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			 EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestSign(ctx, raw, &size, (const unsigned char *) text, strlen(text)) == 1;
	EVP_MD_CTX_free(ctx);
	*len = !ok ? 0 : half > 0 ? ec_halves(raw, size, halves, half)
							  : (int) size;
	return half > 0 ? halves : raw;
}

/*
 * A token that the key has signed.  header are more members of it, each after a comma;
 * whose key it is and who takes it is for messages.
 */
char *
jwt_sign(const char *pem, const char *whose, const char *taker, const char *header, const char *claims)
{
	EVP_PKEY *key = load_key(pem, whose);
	int half;
	const char *algorithm = algorithm_of(key, whose, taker, &half);
	char *full = psprintf("{\"typ\":\"JWT\",\"alg\":\"%s\"%s}", algorithm, header);
	StringInfoData token;
	unsigned char *signature;
	int len;

	initStringInfo(&token);
	append_base64url(&token, (unsigned char *) full, strlen(full));
	appendStringInfoChar(&token, '.');
	append_base64url(&token, (const unsigned char *) claims, strlen(claims));
	signature = sign(key, algorithm, half, token.data, &len);
	if (len == 0)
	{
		openssl_check_memory();
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not sign the request for an access token")));
	}
	appendStringInfoChar(&token, '.');
	append_base64url(&token, signature, len);
	return token.data;
}

/* The certificate of the key, where it stands beside it, as its SHA-256 in base64url; NULL: there is none */
char *
jwt_thumbprint(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = load_key(pem, "of the certificate");
	X509 *certificate;
	StringInfoData text = {0};

	/* a chain may follow: the one that counts is that of the key */
	while (bio && text.data == NULL && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
	{
		unsigned char digest[EVP_MAX_MD_SIZE];
		unsigned int n = 0;

		if (X509_check_private_key(certificate, key) == 1 && X509_digest(certificate, EVP_sha256(), digest, &n) == 1)
		{
			initStringInfo(&text);
			append_base64url(&text, digest, n);
		}
		X509_free(certificate);
	}
	BIO_free(bio);
	openssl_check_memory();
	return text.data;
}
