/*
 * jwt_fuzz.c
 *		Fuzzes the gateway's reader of JSON Web Tokens and of keys: nothing but what was signed, and read in one way, is good.
 *
 * The first byte says what the rest is: a token as it is, a set of keys, or head and
 * payload with a line between, which are signed with a secret that the reader knows, so
 * that the bytes behind the signature are reached.  What must hold: no fault of memory; a
 * token that was not signed with that secret is never good; claims that are good are the
 * payload as it was, hold no zero and no name that ends early.
 */
#include "gateway/jwt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/buffer.h"
#include "test/fuzz/check.h"
#include "test/fuzz/replay.h"

#define NOW 1800000000

static const char secret[] = "a secret of at least thirty-two bytes";

static void
add_base64url(Buffer *out, const void *bytes, size_t n)
{
	char *text = malloc(n * 2 + 8);
	int length = EVP_EncodeBlock((unsigned char *) text, bytes, n);

	while (length > 0 && text[length - 1] == '=')
		length--;
	for (int i = 0; i < length; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_'
														: text[i];
	buffer_add(out, text, length);
	free(text);
}

static void
check_signed(const char *bytes, size_t n)
{
	const char *line = memchr(bytes, '\n', n);
	size_t head = line ? (size_t) (line - bytes) : n,
		   payload = line ? n - head - 1 : 0;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	Buffer token = {0};
	bool unknown;
	const char *why;
	char *claims;

	add_base64url(&token, bytes, head);
	buffer_add(&token, ".", 1);
	add_base64url(&token, line ? line + 1 : bytes, payload);
	HMAC(EVP_sha256(), secret, sizeof(secret) - 1, (unsigned char *) token.bytes, token.n, mac, &size);
	buffer_add(&token, ".", 1);
	add_base64url(&token, mac, size);
	claims = jwt_claims((Slice){token.bytes, token.n}, NOW, &unknown, &why);
	if (claims)
	{
		CHECK(strlen(claims) == payload && memcmp(claims, line + 1, payload) == 0);
		CHECK(strstr(claims, "\\u0000") == NULL);
	}
	free(claims);
	buffer_free(&token);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	const char *bytes = (const char *) data + 1;
	bool unknown;
	const char *why;
	char *claims;

	jwt_options.issuer = "i";
	jwt_options.audience = "a";
	jwt_take_secret(secret, sizeof(secret) - 1);
	if (n < 2)
		return 0;
	switch (data[0])
	{
		case 'k':
			(void) jwt_take_keys(bytes, n - 1);
			(void) jwt_take_keys("{\"keys\":[]}", 11);
			break;
		case 's':
			check_signed(bytes, n - 1);
			break;
		default:
			claims = jwt_claims((Slice){bytes, n - 1}, NOW, &unknown, &why);
			/* nobody finds a code of 256 bits by chance */
			CHECK(claims == NULL);
	}
	return 0;
}
