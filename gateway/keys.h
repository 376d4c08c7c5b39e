/*
 * keys.h
 *		Where keys of tokens come from: a file or an address, read again by and by.
 */
#ifndef GATEWAY_KEYS_H
#define GATEWAY_KEYS_H

#include <stdint.h>

/* Reads them for the first time, or gives up where a file cannot be used; from: a path or an https:// address */
extern void keys_begin(const char *from, const char *secret);
/* Those that are due are read */
extern void keys_tick(int64_t now);
/* Now, as when a file was replaced */
extern void keys_reload(void);
/* A token names a key that is not here: they are read again, once a minute at most */
extern void keys_missing(void);

#endif /* GATEWAY_KEYS_H */
