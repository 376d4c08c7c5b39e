/*
 * tls.c
 *		The server's side of TLS: 1.2 and 1.3, little memory for connections that wait.
 */
#include "gateway/tls.h"

#include <openssl/err.h>

#include "gateway/log.h"
#include "gateway/server.h"

static SSL_CTX *context = NULL;

static const char *
last_error(void)
{
	static char text[256];
	unsigned long code = ERR_peek_error(); /* the first says why: those above it that a file could not be had */

	ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	return text;
}

static SSL_CTX *
read_files(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (c == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (SSL_CTX_use_certificate_chain_file(c, options.certificate) == 1 && SSL_CTX_use_PrivateKey_file(c, options.key, SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(c) == 1)
		return c;
	SSL_CTX_free(c);
	return NULL;
}

void
tls_begin(void)
{
	context = read_files();
	if (context == NULL)
		give_up("certificate %s and key %s cannot be used: %s", options.certificate, options.key, last_error());
}

void
tls_reload(void)
{
	SSL_CTX *fresh;

	if (context == NULL)
		return;
	fresh = read_files();
	if (fresh == NULL)
	{
		log_line("error", "certificate %s and key %s cannot be used; the previous ones stay in use: %s", options.certificate, options.key, last_error());
		return;
	}
	/* connections that are open hold on to the old one */
	SSL_CTX_free(context);
	context = fresh;
	log_line("info", "certificate and key were read again");
}

SSL *
tls_new(int fd)
{
	SSL *ssl = SSL_new(context);

	if (ssl && SSL_set_fd(ssl, fd) != 1)
	{
		SSL_free(ssl);
		ssl = NULL;
	}
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}
