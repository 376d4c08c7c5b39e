/*
 * cache.c
 *		What is remembered between requests, until something that it was made of changes.
 *
 * PostgreSQL tells each session what has changed, before its next transaction begins at
 * the latest: it is counted here, and what was remembered at another count is made anew.
 * Changes of relations count if one of them was asked for, or while something is read.
 * Rows of the extension's own tables tell by a trigger, as if the table itself had changed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "common/door.h"
#include "common/function.h"
#include "ingest_api/cache.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_api_changed);

#define SCHEMA "ingest_api_internal"

static uint64 counts[N_CHANGES];
static HTAB *watched = NULL; /* Oid */
static Oid token_table = InvalidOid;
static bool reading = false;      /* what is not known to be watched may be just what is read */
static MemoryContext gone = NULL; /* forgotten, and perhaps still looked at */

/* -- what changes -- */

static void
relation_changed(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || reading || relation == token_table)
		counts[CHANGE_TOKENS]++;
	if (!OidIsValid(relation) || reading || (watched && hash_search(watched, &relation, HASH_FIND, NULL)))
		counts[CHANGE_CATALOGUE]++;
}

static void
catalogue_changed(Datum arg, int cache, uint32 hash)
{
	counts[CHANGE_CATALOGUE]++;
}

static void
roles_changed(Datum arg, int cache, uint32 hash)
{
	counts[CHANGE_ROLES]++;
}

static void
begin_hearing(void)
{
	static const int of_catalogue[] = {PROCOID, NAMESPACEOID, OPEROID, CLAOID, AMOPOPID};
	static const int of_roles[] = {AUTHOID, AUTHMEMROLEMEM};
	HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(Oid), .hcxt = TopMemoryContext};

	watched = hash_create("relations that are asked for", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	gone = AllocSetContextCreate(TopMemoryContext, "ingest_api: forgotten", ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	for (size_t i = 0; i < lengthof(of_catalogue); i++)
		CacheRegisterSyscacheCallback(of_catalogue[i], catalogue_changed, (Datum) 0);
	for (size_t i = 0; i < lengthof(of_roles); i++)
		CacheRegisterSyscacheCallback(of_roles[i], roles_changed, (Datum) 0);
}

void
cache_watch(Oid relation)
{
	(void) hash_search(watched, &relation, HASH_ENTER, NULL);
}

uint64
cache_changes(Change change)
{
	if (watched == NULL)
		begin_hearing();
	return counts[change];
}

/* A statement trigger: what sessions remember of the table is no more */
Datum
ingest_api_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED), errmsg("this function is a trigger's")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	PG_RETURN_POINTER(NULL);
}

/* -- what is remembered -- */

bool
cache_holds(Cache *cache, const char *name, int n, const Change *changes)
{
	bool holds = cache->memory != NULL;

	for (int i = 0; i < n; i++)
		holds = holds && cache->seen[changes[i]] == cache_changes(changes[i]);
	if (holds)
		return true;
	for (int i = 0; i < n; i++)
		cache->seen[changes[i]] = cache_changes(changes[i]);
	cache_forget(cache);
	cache->memory = AllocSetContextCreate(TopMemoryContext, "ingest_api", ALLOCSET_SMALL_SIZES);
	MemoryContextSetIdentifier(cache->memory, name);
	return false;
}

void
cache_forget(Cache *cache)
{
	if (cache->memory)
		MemoryContextSetParent(cache->memory, gone);
	cache->memory = NULL;
}

void
cache_let_go(void)
{
	if (gone)
		MemoryContextDeleteChildren(gone);
}

static void
watch_own(void)
{
	static const char *const names[] = {"resource", "relationship", "route"};
	Oid schema = get_namespace_oid(SCHEMA, false);

	for (size_t i = 0; i < lengthof(names); i++)
		cache_watch(get_relname_relid(names[i], schema));
	token_table = get_relname_relid("token", schema);
}

uint64
cache_read(SPIPlanPtr *plan, const char *sql, Oid type, Datum argument)
{
	MemoryContext context = CurrentMemoryContext;
	Identity saved;
	int code;

	/* an error leaves it set: until the next time too much is counted, not too little */
	reading = true;
	become_engine(&saved);
	watch_own();
	code = SPI_execute_snapshot(own_plan(plan, sql, OidIsValid(type) ? 1 : 0, &type), &argument, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 0);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
	become_again(&saved);
	/* SPI leaves its own */
	MemoryContextSwitchTo(context);
	return SPI_processed;
}

void
cache_was_read(void)
{
	reading = false;
}
