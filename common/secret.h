/*
 * secret.h
 *		Secrets given as a value or as a reference: env:NAME, file:/path.  Those of vaults are keyvault.h's.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include "postgres.h"

extern bool secret_is_reference(const char *value);
extern char *secret_resolve(const char *option, const char *value);
extern char *secret_read_file(const char *option, const char *path);
/* An error unless the current user may let the server read files and its environment for an option */
extern void secret_need_file_role(const char *option);
/* Changes when the file that a reference, or a path, names is another one or was written to; 0: it names none */
extern uint64 secret_file_stamp(const char *value);

#endif /* COMMON_SECRET_H */
