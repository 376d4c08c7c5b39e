/*
 * door.h
 *		Who acts for a sink.
 */
#ifndef DELIVERY_DOOR_H
#define DELIVERY_DOOR_H

#include "postgres.h"

#include "common/door.h"

/* The owner of a sink, for what is read for it: an error if there is none any more; nothing of the session can be changed */
extern void become_owner(Oid owner, Identity *saved);

#endif /* DELIVERY_DOOR_H */
