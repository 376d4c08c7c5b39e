/*
 * door.h
 *		Who acts: the one room in which somebody becomes somebody else.
 */
#ifndef DELIVERY_DOOR_H
#define DELIVERY_DOOR_H

#include "postgres.h"

/* Whoever it was before; an error leaves the way back to the transaction's end */
typedef struct Identity
{
	Oid user;
	int context;
	int level; /* of settings: those that were made since then end with it */
} Identity;

/* The role that owns what the extension keeps */
extern void become_engine(Identity *saved);
/* The owner of a sink, for what is read for it: an error if there is none any more; nothing of the session can be changed */
extern void become_owner(Oid owner, Identity *saved);
extern void become_again(const Identity *saved);

#endif /* DELIVERY_DOOR_H */
