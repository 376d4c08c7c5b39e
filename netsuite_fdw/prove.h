/*
 * prove.h
 *		What a table's owner or a reply claims, asked again where rows do not add up.
 */
#ifndef NETSUITE_PROVE_H
#define NETSUITE_PROVE_H

#include "postgres.h"

#include "netsuite_fdw/cursor.h"

/* Who asks, and of which query */
typedef struct Claim
{
	Client *client;
	const CursorSpec *spec;
	const char *relation; /* for messages */
	RequestStats *stats;
} Claim;

extern int64 prove_count(const Claim *claim, const char *condition);
extern void prove_no_null_key(const Claim *claim);
extern void prove_unique_key(const Claim *claim);
extern void prove_page(const Claim *claim, const int64 *lo, int nlo, const int64 *last, int64 came);
extern void refuse_change(const Claim *claim, int64 total, int64 now) __attribute__((noreturn));
extern void refuse_again(const Claim *claim, int rows) __attribute__((noreturn));
extern void refuse_page(const Claim *claim, int came, int64 due, int64 offset, int64 total) __attribute__((noreturn));
extern void refuse_size(const Claim *claim, int64 total) __attribute__((noreturn));
extern void refuse_large_rows(const Claim *claim, int large, int small) __attribute__((noreturn));
extern void refuse_repeated(const Claim *claim, const int64 *key) __attribute__((noreturn));
extern void refuse_disorder(const Claim *claim, const int64 *key, const int64 *before) __attribute__((noreturn));

#endif /* NETSUITE_PROVE_H */
