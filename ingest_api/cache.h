/*
 * cache.h
 *		What is remembered between requests, until something that it was made of changes.
 *
 * Nothing here decides who may read what: rights are looked at with each request, and by
 * the executor.  What is remembered is what there is and what it is called.
 */
#ifndef API_CACHE_H
#define API_CACHE_H

#include "postgres.h"

#include "executor/spi.h"

typedef enum Change
{
	CHANGE_CATALOGUE, /* relations, functions, operators, schemas, and the extension's own tables of resources and routes */
	CHANGE_ROLES,     /* roles, and who is a member of whom */
	CHANGE_TOKENS,
	N_CHANGES
} Change;

/* Something remembered: all of it is in its memory */
typedef struct Cache
{
	MemoryContext memory; /* NULL: nothing was remembered yet */
	uint64 seen[N_CHANGES];
} Cache;

/* How often this changed, as far as it was heard of */
extern uint64 cache_changes(Change change);
/* Whether what is in it holds; otherwise it is empty now, and what is put into it is as new as this moment */
extern bool cache_holds(Cache *cache, const char *name, int n, const Change *changes);
/* What was in it can still be looked at until the request ends */
extern void cache_forget(Cache *cache);
/* Nobody looks at anything that was forgotten */
extern void cache_let_go(void);
/* Changes of a relation count */
extern void cache_watch(Oid relation);

/*
 * What a statement of the engine's gives now, as the engine, for what is to be remembered: by a snapshot that is newer
 * than the last change that was heard of, even in a transaction that looks at the past.  Rows, which are in SPI_tuptable
 */
extern uint64 cache_read(SPIPlanPtr *plan, const char *sql, Oid type, Datum argument);
/* What it gave is remembered, and relations of it are watched */
extern void cache_was_read(void);

#endif /* API_CACHE_H */
