/*
 * tls.h
 *		The server's side of TLS.
 */
#ifndef GATEWAY_TLS_H
#define GATEWAY_TLS_H

#include <openssl/ssl.h>

/* Reads certificate and key, or gives up */
extern void tls_begin(void);
/* Reads them again; what cannot be used is told, and the old ones stay */
extern void tls_reload(void);
extern SSL *tls_new(int fd);

#endif /* GATEWAY_TLS_H */
