/*
 * door.h
 *		Who acts: the one room in which somebody becomes somebody else.
 *
 * The engine's own tables belong to a role that may do nothing else.  Everything that
 * is done in its name goes through here, as a statement that names objects of the
 * engine alone, or as a function of the schema ingest_internal.
 */
#ifndef INGEST_DOOR_H
#define INGEST_DOOR_H

#include "postgres.h"

#include "fmgr.h"

/* Where statements look for what they do not qualify */
#define PINNED_PATH "pg_catalog, pg_temp"

/* Whoever it was before; an error leaves the way back to the (sub)transaction's end */
typedef struct Identity
{
	Oid user;
	int context;
	int level;              /* of settings: those that were made since then end with it; 0: none */
	SubTransactionId guest; /* what was remembered of a guest in the session */
} Identity;

/* The role that owns the engine's tables */
extern Oid engine_role(void);
extern void become_engine(Identity *saved);
/* The owner of a copy, a rule or a source, for what is theirs; nothing of the caller's rights goes with it */
extern void become_owner(Oid owner, Identity *saved);
/* The same for what needs neither a temporary table nor a deferred trigger: nothing of the session can be changed */
extern void become_restricted(Oid owner, Identity *saved);
extern void become_again(const Identity *saved);
/* A public function whose twin in ingest_internal does what it says */
extern PGDLLEXPORT Datum ingest_door(PG_FUNCTION_ARGS);
/* From now on no guest leaves in the session what does not end with the transaction */
extern void door_begin(void);
extern void rethrow_plain(MemoryContext context) __attribute__((noreturn));

#endif /* INGEST_DOOR_H */
