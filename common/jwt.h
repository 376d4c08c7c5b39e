/*
 * jwt.h
 *		JSON web tokens that assert who asks (RFC 7519, RFC 7523).
 */
#ifndef COMMON_JWT_H
#define COMMON_JWT_H

/* Signed by a private key in PEM form: PS256, or ES256, ES384, ES512 */
extern char *jwt_sign(const char *pem, const char *whose, const char *taker, const char *header, const char *claims);
extern char *jwt_thumbprint(const char *pem);
/* An error if OpenSSL failed for want of memory; forgets what it noted */
extern void openssl_check_memory(void);

#endif /* COMMON_JWT_H */
