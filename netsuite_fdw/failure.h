/*
 * failure.h
 *		Why a request failed, in words for people.
 */
#ifndef NETSUITE_FAILURE_H
#define NETSUITE_FAILURE_H

#include "netsuite_fdw/client.h"

extern void failure_read_document(Json *document, char **code, char **detail);
extern const char *failure_instead(const char *body, size_t len, const char *why);
extern void failure_read(const char *body, size_t len, char **code, char **detail);

#endif /* NETSUITE_FAILURE_H */
