/*
 * door.h
 *		Who acts.
 */
#ifndef API_DOOR_H
#define API_DOOR_H

#include "postgres.h"

typedef struct Identity
{
	Oid user;
	int context;
	int level;
} Identity;

/* The owner of the extension's tables */
extern void become_engine(Identity *saved);
/* Nothing that runs as the role can become another one; its path holds nothing of a user's */
extern void become_role(Oid role, Identity *saved);
extern void become_again(const Identity *saved);

#endif /* API_DOOR_H */
