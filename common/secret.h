/*
 * secret.h
 *		Secrets given as a value or as a reference: env:NAME, file:/path.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "postgres.h"

extern bool secret_is_reference(const char *value);
extern char *secret_resolve(const char *option, const char *value);
extern char *secret_read_file(const char *option, const char *path);

#endif /* COMMON_SECRET_H */
