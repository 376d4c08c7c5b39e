/*
 * reference.h
 *		Where to and by which secret: URLs and references are checked when they are set, and resolved when they are used.
 */
#ifndef DELIVERY_REFERENCE_H
#define DELIVERY_REFERENCE_H

#include "postgres.h"

/* The secret itself, palloc'd, looked up with the rights of a role; an error if it may not be used */
extern char *reference_resolve(Oid role, const char *option, const char *reference);
/* The same, and it can be sent as the value of a header */
extern char *reference_header(Oid role, const char *option, const char *reference);
/* The key of a secret as Standard Webhooks writes it; an error that does not show it if it is none */
extern char *reference_key(Oid role, const char *option, const char *reference, int *length);

#endif /* DELIVERY_REFERENCE_H */
