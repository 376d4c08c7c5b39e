/*
 * attempt.c
 *		What may fail without everything failing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/attempt.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static ErrorData *
in_subtransaction(void (*what)(void *), void *arg, bool of_many)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		what(arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(old);
		CurrentResourceOwner = owner;
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			(of_many && ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES))
			ReThrowError(error);
	}
	PG_END_TRY();
	return error;
}

ErrorData *
attempt(void (*what)(void *), void *arg)
{
	return in_subtransaction(what, arg, false);
}

ErrorData *
attempt_one(void (*what)(void *), void *arg)
{
	return in_subtransaction(what, arg, true);
}
