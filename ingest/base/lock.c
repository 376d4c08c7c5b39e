/*
 * lock.c
 *		Locks of the engine's own, which nobody else can take.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"

Oid
lock_class(void)
{
	return get_relname_relid("installation", get_namespace_oid("ingest", false));
}

/* A lock of the engine's own: nobody else can name it, as everybody can an advisory lock */
static LOCKTAG
tag_of(LockKind kind, uint32 id)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, lock_class(), id, kind);
	/* as advisory locks: kept by the session when a transaction fails */
	tag.locktag_lockmethodid = USER_LOCKMETHOD;
	return tag;
}

bool
session_lock(LockKind kind, uint32 id)
{
	LOCKTAG tag = tag_of(kind, id);

	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
session_lock_is_held(LockKind kind, uint32 id)
{
	LOCKTAG tag = tag_of(kind, id);

	if (lock_held_by_me(&tag, ExclusiveLock) || LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, ShareLock, false);
	return false;
}

/* DISCARD ALL may have been first */
void
session_unlock(LockKind kind, uint32 id)
{
	LOCKTAG tag = tag_of(kind, id);

	if (lock_held_by_me(&tag, ExclusiveLock))
		(void) LockRelease(&tag, ExclusiveLock, true);
}

void
transaction_lock(LockKind kind, uint32 id)
{
	LOCKTAG tag = tag_of(kind, id);

	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}
