/*
 * jwt.c
 *		JSON Web Tokens (RFC 7515 to 7519, 8725).
 *
 * Which algorithm is used is a matter of the key, never of the token: an RSA key verifies
 * RSA, a curve its own hash, and a secret comes from a file of its own alone, so that
 * nobody's public key is ever taken for one.  What could be read in two ways is refused:
 * a name that stands twice, a blank or padding in base64url, a zero within a text.
 */
#include "gateway/jwt.h"

#include <json-c/json.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/buffer.h"

#define SKEW_S 30
#define MOST_KEYS 64
#define MOST_BYTES 8192
#define DEEPEST 16
#define LEAST_RSA_BITS 2048
#define MOST_RSA_BITS 8192
#define LEAST_SECRET 32

typedef enum Family
{
	RSA_PKCS1,
	RSA_PSS,
	CURVE,
	SECRET
} Family;

typedef struct Algorithm
{
	const char *name;
	Family family;
	const char *digest;
	int bits; /* of the curve */
} Algorithm;

static const Algorithm algorithms[] = {
	{"RS256", RSA_PKCS1, "SHA256", 0},
	{"RS384", RSA_PKCS1, "SHA384", 0},
	{"RS512", RSA_PKCS1, "SHA512", 0},
	{"PS256", RSA_PSS, "SHA256", 0},
	{"PS384", RSA_PSS, "SHA384", 0},
	{"PS512", RSA_PSS, "SHA512", 0},
	{"ES256", CURVE, "SHA256", 256},
	{"ES384", CURVE, "SHA384", 384},
	{"ES512", CURVE, "SHA512", 521},
	{"HS256", SECRET, "SHA256", 0},
};

typedef struct Key
{
	EVP_PKEY *key;
	char *id;        /* NULL: none */
	char *algorithm; /* NULL: any that the key is good for */
	int bits;        /* of the curve; 0: RSA */
} Key;

JwtOptions jwt_options;

static Key *keys = NULL;
static int n_keys = 0;
static char *secret = NULL;
static size_t n_secret = 0;

/* -- base64url -- */

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63
									: -1;
}

/* False: it is none, or could be written in another way */
static bool
decode(Slice text, Buffer *out)
{
	unsigned int bits = 0;
	int have = 0;

	if (text.n % 4 == 1)
		return false;
	for (size_t i = 0; i < text.n; i++)
	{
		int v = value_of(text.at[i]);

		if (v < 0)
			return false;
		bits = (bits << 6 | v) & 0xfff;
		have += 6;
		if (have >= 8)
		{
			char byte = bits >> (have - 8);

			buffer_add(out, &byte, 1);
			have -= 8;
		}
	}
	return (bits & ((1u << have) - 1)) == 0;
}

/* -- JSON that can be read in one way -- */

static size_t
members_of(struct json_object *o)
{
	size_t n = 0;

	if (json_object_is_type(o, json_type_array))
		for (size_t i = 0; i < json_object_array_length(o); i++)
			n += members_of(json_object_array_get_idx(o, i));
	else if (json_object_is_type(o, json_type_object))
	{
		json_object_object_foreach(o, name, value)
		{
			(void) name;
			n += 1 + members_of(value);
		}
	}
	return n;
}

/* Colons outside of texts: each is a member's.  A zero in a text ends it too early for some; SIZE_MAX: there is one */
static size_t
members_in(const char *json, size_t n)
{
	size_t found = 0;
	bool text = false;

	for (size_t i = 0; i < n; i++)
	{
		if (json[i] == '\0' || (n - i >= 6 && memcmp(json + i, "\\u0000", 6) == 0))
			return SIZE_MAX;
		if (text && json[i] == '\\')
			i++;
		else if (json[i] == '"')
			text = !text;
		else if (!text && json[i] == ':')
			found++;
	}
	return found;
}

/* NULL: it is no object, or a name stands twice */
static struct json_object *
parse(const char *json, size_t n)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEEPEST);
	struct json_object *o = NULL;

	if (tokener == NULL || n == 0)
	{
		json_tokener_free(tokener);
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tokener, json, n);
	if (json_tokener_get_error(tokener) != json_tokener_success || json_tokener_get_parse_end(tokener) != n ||
		!json_object_is_type(o, json_type_object) || members_in(json, n) != members_of(o))
	{
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tokener);
	return o;
}

/* NULL: there is none, or it is no text */
static const char *
text_of(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v) && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

static bool
has(struct json_object *o, const char *name)
{
	return json_object_object_get_ex(o, name, NULL);
}

/* A text, or a list that has it */
static bool
says(struct json_object *o, const char *name, const char *wanted)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, name, &v))
		return false;
	if (json_object_is_type(v, json_type_string))
		return strcmp(json_object_get_string(v), wanted) == 0;
	for (size_t i = 0; json_object_is_type(v, json_type_array) && i < json_object_array_length(v); i++)
	{
		struct json_object *one = json_object_array_get_idx(v, i);

		if (json_object_is_type(one, json_type_string) && strcmp(json_object_get_string(one), wanted) == 0)
			return true;
	}
	return false;
}

/* -- keys -- */

static BIGNUM *
number_of(struct json_object *jwk, const char *name)
{
	const char *text = text_of(jwk, name);
	Buffer bytes = {0};
	BIGNUM *n = NULL;

	if (text && strlen(text) <= 2048 && decode((Slice){text, strlen(text)}, &bytes) && bytes.n > 0)
		n = BN_bin2bn((const unsigned char *) bytes.bytes, bytes.n, NULL);
	buffer_free(&bytes);
	return n;
}

static EVP_PKEY *
key_from(const char *type, OSSL_PARAM_BLD *parts)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL),
				 *check = NULL;
	EVP_PKEY *key = NULL;

	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	/* a point that is not on its curve, a modulus that is none */
	if (key && ((check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL || EVP_PKEY_public_check(check) != 1))
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *
rsa_key(struct json_object *jwk)
{
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	BIGNUM *n = number_of(jwk, "n"),
		   *e = number_of(jwk, "e");
	EVP_PKEY *key = NULL;

	if (n && e && BN_num_bits(n) >= LEAST_RSA_BITS && BN_num_bits(n) <= MOST_RSA_BITS && BN_is_odd(e) && BN_get_word(e) >= 3 && BN_num_bits(e) <= 64 &&
		OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 && OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from("RSA", parts);
	OSSL_PARAM_BLD_free(parts);
	BN_free(n);
	BN_free(e);
	return key;
}

static EVP_PKEY *
curve_key(struct json_object *jwk, int *bits)
{
	static const struct
	{
		const char *name,
			*group;
		int bits;
	} curves[] = {{"P-256", "prime256v1", 256}, {"P-384", "secp384r1", 384}, {"P-521", "secp521r1", 521}};
	const char *name = text_of(jwk, "crv");
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	BIGNUM *x = number_of(jwk, "x"),
		   *y = number_of(jwk, "y");
	EVP_PKEY *key = NULL;

	for (size_t i = 0; name && x && y && i < sizeof(curves) / sizeof(curves[0]); i++)
	{
		unsigned char point[1 + 2 * 66] = {4};
		int size = (curves[i].bits + 7) / 8;

		if (strcmp(name, curves[i].name) != 0 || BN_bn2binpad(x, point + 1, size) != size || BN_bn2binpad(y, point + 1 + size, size) != size)
			continue;
		*bits = curves[i].bits;
		if (OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) == 1 &&
			OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) == 1)
			key = key_from("EC", parts);
	}
	OSSL_PARAM_BLD_free(parts);
	BN_free(x);
	BN_free(y);
	return key;
}

static char *
copy_of(const char *text)
{
	return text ? need_copy(text, strlen(text)) : NULL;
}

/* A key of another kind or use is not one of ours; secrets least of all */
static bool
read_key(struct json_object *jwk, Key *key)
{
	const char *type = text_of(jwk, "kty");

	memset(key, 0, sizeof(Key));
	if (type == NULL || (has(jwk, "use") && !says(jwk, "use", "sig")) || (has(jwk, "key_ops") && !says(jwk, "key_ops", "verify")))
		return false;
	if ((has(jwk, "kid") && text_of(jwk, "kid") == NULL) || (has(jwk, "alg") && text_of(jwk, "alg") == NULL))
		return false;
	if (strcmp(type, "RSA") == 0)
		key->key = rsa_key(jwk);
	else if (strcmp(type, "EC") == 0)
		key->key = curve_key(jwk, &key->bits);
	ERR_clear_error();
	if (key->key == NULL)
		return false;
	key->id = copy_of(text_of(jwk, "kid"));
	key->algorithm = copy_of(text_of(jwk, "alg"));
	return true;
}

bool
jwt_take_keys(const char *json, size_t n)
{
	struct json_object *set = parse(json, n),
					   *list = NULL;
	Key *new = need(sizeof(Key) * MOST_KEYS);
	int n_new = 0;

	if (set)
		json_object_object_get_ex(set, "keys", &list);
	if (!json_object_is_type(list, json_type_array))
	{
		json_object_put(set);
		free(new);
		return false;
	}
	for (size_t i = 0; i < json_object_array_length(list) && n_new < MOST_KEYS; i++)
	{
		struct json_object *one = json_object_array_get_idx(list, i);

		n_new += json_object_is_type(one, json_type_object) && read_key(one, &new[n_new]);
	}
	json_object_put(set);
	for (int i = 0; i < n_keys; i++)
	{
		EVP_PKEY_free(keys[i].key);
		free(keys[i].id);
		free(keys[i].algorithm);
	}
	free(keys);
	keys = new;
	n_keys = n_new;
	return true;
}

void
jwt_take_secret(const char *bytes, size_t n)
{
	if (secret)
		OPENSSL_cleanse(secret, n_secret);
	free(secret);
	secret = n >= LEAST_SECRET ? need_copy(bytes, n) : NULL;
	n_secret = secret ? n : 0;
}

/* -- signatures -- */

/* As RFC 7518 has it: both numbers, each as long as the curve; as OpenSSL wants it: DER */
static bool
curve_signature(Buffer *signature, int bits)
{
	size_t size = (bits + 7) / 8;
	const unsigned char *at = (const unsigned char *) signature->bytes;
	ECDSA_SIG *sig;
	BIGNUM *r,
		*s;
	unsigned char *der = NULL;
	int n;

	if (signature->n != 2 * size)
		return false;
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(at, size, NULL);
	s = BN_bin2bn(at + size, size, NULL);
	if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1)
		return false;
	n = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	if (n <= 0)
		return false;
	signature->n = 0;
	buffer_add(signature, der, n);
	OPENSSL_free(der);
	return true;
}

static bool
verify_with(const Key *key, const Algorithm *a, Slice signedpart, const Buffer *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *details = NULL;
	bool good = context && EVP_DigestVerifyInit_ex(context, &details, a->digest, NULL, NULL, key->key, NULL) == 1;

	if (good && a->family == RSA_PSS)
		good = EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_DigestVerify(context, (const unsigned char *) signature->bytes, signature->n, (const unsigned char *) signedpart.at, signedpart.n) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

static bool
verify_secret(Slice signedpart, const Buffer *signature)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	return secret && HMAC(EVP_sha256(), secret, n_secret, (const unsigned char *) signedpart.at, signedpart.n, mac, &n) && signature->n == n &&
		   CRYPTO_memcmp(mac, signature->bytes, n) == 0;
}

static bool
is_for(const Key *key, const Algorithm *a, const char *id)
{
	if (a->bits != key->bits || (key->algorithm && strcmp(key->algorithm, a->name) != 0))
		return false;
	return id == NULL || (key->id && strcmp(key->id, id) == 0);
}

static bool
verify(const Algorithm *a, const char *id, Slice signedpart, Buffer *signature, bool *unknown)
{
	if (a->family == SECRET)
		return verify_secret(signedpart, signature);
	if (a->family == CURVE && !curve_signature(signature, a->bits))
		return false;
	*unknown = true;
	for (int i = 0; i < n_keys; i++)
	{
		if (!is_for(&keys[i], a, id))
			continue;
		*unknown = id == NULL;
		if (verify_with(&keys[i], a, signedpart, signature))
			return true;
	}
	return false;
}

/* -- the token -- */

static const Algorithm *
algorithm_of(struct json_object *head)
{
	const char *name = text_of(head, "alg");

	for (size_t i = 0; name && i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strcmp(name, algorithms[i].name) == 0)
			return &algorithms[i];
	return NULL;
}

/* What must be understood is nothing that we do */
static bool
is_head(struct json_object *head)
{
	const char *type = text_of(head, "typ");

	if (has(head, "crit") || has(head, "b64") || has(head, "zip") || (has(head, "kid") && text_of(head, "kid") == NULL))
		return false;
	return !has(head, "typ") || (type && (strcasecmp(type, "JWT") == 0 || strcasecmp(type, "at+jwt") == 0 || strcasecmp(type, "application/at+jwt") == 0));
}

/* A moment in seconds; false: there is none, or it is no number */
static bool
moment_of(struct json_object *claims, const char *name, double *at)
{
	struct json_object *v;

	if (!json_object_object_get_ex(claims, name, &v) || !(json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double)))
		return false;
	*at = json_object_get_double(v);
	return *at >= 0 && *at < 1e11;
}

/* NULL: it is for us, and now; else why not */
static const char *
not_for_us_now(struct json_object *claims, int64_t now)
{
	const char *issuer = text_of(claims, "iss");
	double until,
		from;

	if (!moment_of(claims, "exp", &until))
		return "exp, when it ends, is missing or not a time";
	if (now >= until + SKEW_S)
		return "it has expired";
	if (has(claims, "nbf") && !moment_of(claims, "nbf", &from))
		return "nbf, when it begins, is not a time";
	if (has(claims, "nbf") && now < from - SKEW_S)
		return "it is not valid yet: the clock here or its issuer's is wrong";
	if (jwt_options.issuer == NULL || issuer == NULL || strcmp(issuer, jwt_options.issuer) != 0)
		return "iss, its issuer, is not the one of --jwt-issuer";
	if (jwt_options.audience == NULL || !says(claims, "aud", jwt_options.audience))
		return "aud, its audience, is not the one of --jwt-audience";
	return NULL;
}

static bool
split(Slice token, Slice *parts)
{
	const char *at = token.at,
			   *end = token.at + token.n;

	for (int i = 0; i < 3; i++)
	{
		const char *dot = memchr(at, '.', end - at);

		if ((dot == NULL) != (i == 2))
			return false;
		parts[i] = (Slice){at, (dot ? dot : end) - at};
		if (parts[i].n == 0)
			return false;
		at = dot ? dot + 1 : end;
	}
	return true;
}

char *
jwt_claims(Slice token, int64_t now, bool *unknown, const char **why)
{
	Slice parts[3];
	Buffer bytes[3] = {{0}};
	struct json_object *head = NULL,
					   *claims = NULL;
	const Algorithm *a;
	bool good = token.n <= MOST_BYTES && split(token, parts);

	*unknown = false;
	*why = "it is not a JSON Web Token";
	for (int i = 0; i < 3 && good; i++)
		good = decode(parts[i], &bytes[i]);
	if (good)
		head = parse(bytes[0].bytes, bytes[0].n);
	if (head)
		*why = "its header asks for what is not supported here: only alg, kid and typ JWT are";
	a = head && is_head(head) ? algorithm_of(head) : NULL;
	good = a && verify(a, text_of(head, "kid"), (Slice){token.at, parts[0].n + 1 + parts[1].n}, &bytes[2], unknown);
	if (a)
		*why = *unknown ? "no known key has its kid and is valid for its alg" : "its signature is wrong";
	/* nothing of what was not signed is looked at */
	if (good)
	{
		claims = parse(bytes[1].bytes, bytes[1].n);
		*why = claims ? not_for_us_now(claims, now) : "its claims are not a JSON object";
	}
	good = claims && *why == NULL;
	json_object_put(head);
	json_object_put(claims);
	buffer_free(&bytes[0]);
	buffer_free(&bytes[2]);
	if (good)
		return bytes[1].bytes;
	buffer_free(&bytes[1]);
	return NULL;
}
