/*
 * door.h
 *		Who acts: the one room, of an extension that keeps tables of its own, in which somebody becomes somebody else.
 *
 * Functions that write the extension's tables and that users may call have door_call() as
 * their C function.  It calls their twin in <extension>_internal, which has the caller as
 * its first argument and runs as the owner of the tables: who asks is taken from here,
 * where nobody can say it for him.
 */
#ifndef COMMON_DOOR_H
#define COMMON_DOOR_H

#include "postgres.h"

#include "fmgr.h"

/* Whoever it was before; an error leaves the way back to the transaction's end */
typedef struct Identity
{
	Oid user;
	int context;
	int level; /* of settings: those that were made since then end with it */
} Identity;

/* Nothing that runs as the role can become another one; its path holds nothing of a user's.  more: of SECURITY_… */
extern void become(Oid role, int more, Identity *saved);
/* The role that owns what the extension keeps */
extern void become_engine(Identity *saved);
extern void become_again(const Identity *saved);

extern Datum door_call(FunctionCallInfo fcinfo);

#endif /* COMMON_DOOR_H */
