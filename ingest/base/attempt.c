/*
 * attempt.c
 *		Doing what may fail, and what its failure means.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "postgres.h"

#include <dlfcn.h>
#ifdef HAVE_BACKTRACE_SYMBOLS
#include <execinfo.h>
#endif

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/attempt.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "storage/proc.h"

static TimestampTz deadline = 0;
static const char *deadline_words = NULL;
static volatile sig_atomic_t late = false;

void
attempt_deadline(TimestampTz until, const char *words)
{
	deadline = until;
	deadline_words = words;
	late = false;
}

void
attempt_is_late(void)
{
	late = true;
}

/* Of the message that was raised last */
static Origin raised_by = FROM_HERE;
static bool raised_by_engine = false;

/* The library that an address is in, as what it can do to us */
static Origin
origin_of(void *address)
{
	static const char *const languages[] = {"plpgsql", "plperl", "plpython3", "pltcl", "plv8"};
	Dl_info raised,
		here,
		server;
	const char *name;

	if (!dladdr(address, &raised) || !dladdr(&deadline, &here) || !dladdr(&MyProcPid, &server) ||
		raised.dli_fname == NULL || raised.dli_fbase == here.dli_fbase || raised.dli_fbase == server.dli_fbase)
		return FROM_HERE;
	name = strrchr(raised.dli_fname, '/');
	name = name ? name + 1 : raised.dli_fname;
	for (int i = 0; i < lengthof(languages); i++)
	{
		if (strncmp(name, languages[i], strlen(languages[i])) == 0)
			return FROM_USER;
	}
	return FROM_WRAPPER;
}

/* Is it in this library? */
static bool
is_engine(const void *address)
{
	Dl_info raised,
		here;

	return dladdr(address, &raised) && dladdr(&deadline, &here) && raised.dli_fbase == here.dli_fbase;
}

/*
 * Called while a message is being raised, by errfinish, which was called by whoever raises it.  What is kept of the
 * message does not say which library that is, and its words are no help.
 */
static void
look_who_raises(void *arg)
{
#ifdef HAVE_BACKTRACE_SYMBOLS
	void *frames[3]; /* this function, errfinish, and who called it */

	bool known = backtrace(frames, lengthof(frames)) == lengthof(frames);

	raised_by = known ? origin_of((char *) frames[2] - 1) : FROM_HERE;
	raised_by_engine = known && is_engine((char *) frames[2] - 1);
#endif
}

/* A cancel that nobody asked for: by a library, or since a time is over */
static bool
is_timeout(const Failure *failure)
{
	TimestampTz now = GetCurrentTimestamp();

	return failure->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		   (failure->origin != FROM_HERE || (deadline != 0 && now >= deadline) ||
			(StatementTimeout > 0 &&
			 TimestampDifferenceExceeds(GetCurrentStatementStartTimestamp(), now, StatementTimeout)));
}

/* Whether what is done here has a deadline, and that has passed */
static bool
time_is_over(void)
{
	return deadline_words && GetCurrentTimestamp() >= deadline;
}

/* What a library said as its connection was taken away is no more than a detail */
static void
tell_deadline(Failure *failure)
{
	if (failure->sqlerrcode != ERRCODE_QUERY_CANCELED)
	{
		failure->detail = failure->message;
		failure->hint = NULL;
	}
	failure->sqlerrcode = ERRCODE_QUERY_CANCELED;
	failure->sqlstate = pstrdup(unpack_sql_state(failure->sqlerrcode));
	failure->message = pstrdup(deadline_words);
	failure->timed_out = true;
	failure->error->sqlerrcode = failure->sqlerrcode;
	failure->error->message = failure->message;
	failure->error->detail = failure->detail;
	failure->error->hint = failure->hint;
	/* one that was not heard until now would hit what writes this down */
	QueryCancelPending = false;
}

/* What an error said, in memory that outlives the subtransaction in which it was raised */
static void
keep(Failure *failure, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	failure->sqlerrcode = error->sqlerrcode;
	failure->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	failure->message = error->message ? error->message : pstrdup("an error without a message");
	failure->detail = error->detail;
	failure->hint = error->hint;
	failure->error = error;
	failure->origin = raised_by;
	failure->by_engine = raised_by_engine;
	failure->timed_out = is_timeout(failure);
	if (time_is_over() && (late || failure->sqlerrcode == ERRCODE_QUERY_CANCELED))
		tell_deadline(failure);
}

bool
attempt_or_cancel(void (*function)(void *), void *arg, Failure *failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool ok = false;
	ErrorContextCallback watching = {error_context_stack, look_who_raises, NULL};

	memset(failure, 0, sizeof(Failure));
	raised_by = FROM_HERE;
	raised_by_engine = false;
	error_context_stack = &watching;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
		ok = true;
	}
	PG_CATCH();
	{
		keep(failure, context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	error_context_stack = watching.previous;
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return ok;
}

/* Somebody, or a timeout, wants an end of all of it; a code that a user's function raises does not */
static bool
is_cancel(const Failure *failure)
{
	return failure->sqlerrcode == ERRCODE_QUERY_CANCELED && (failure->origin == FROM_HERE || time_is_over());
}

bool
attempt(void (*function)(void *), void *arg, Failure *failure)
{
	bool ok = attempt_or_cancel(function, arg, failure);

	if (!ok && is_cancel(failure))
		failure_rethrow(failure);
	return ok;
}

/* The settings end with the transaction */
static void
commit(void)
{
	SPI_commit();
	sql_settings();
}

void
commit_or_fail(void)
{
	MemoryContext context = CurrentMemoryContext;

	commit();
	MemoryContextSwitchTo(context);
}

bool
attempt_and_commit(void (*function)(void *), void *arg, Failure *failure)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ok = false;
	ErrorContextCallback watching = {error_context_stack, look_who_raises, NULL};

	if (!attempt_or_cancel(function, arg, failure))
	{
		/* what the subtransaction undid is all that was done; locks go as well */
		SPI_rollback();
		sql_settings();
		MemoryContextSwitchTo(context);
		return false;
	}
	raised_by = FROM_HERE;
	raised_by_engine = false;
	error_context_stack = &watching;
	PG_TRY();
	{
		commit();
		ok = true;
	}
	PG_CATCH();
	{
		/* SPI has begun a new transaction already */
		keep(failure, context);
		sql_settings();
	}
	PG_END_TRY();
	error_context_stack = watching.previous;
	MemoryContextSwitchTo(context);
	return ok;
}

/* Behind IS_ONE_OF */
static bool
is_one_of(int sqlerrcode, int n, const int *codes)
{
	for (int i = 0; i < n; i++)
	{
		if (sqlerrcode == codes[i])
			return true;
	}
	return false;
}

#define IS_ONE_OF(sqlerrcode, ...) \
	is_one_of(sqlerrcode, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

bool
failure_is_busy(const Failure *failure)
{
	return failure->origin == FROM_HERE &&
		   IS_ONE_OF(failure->sqlerrcode, ERRCODE_LOCK_NOT_AVAILABLE, ERRCODE_OBJECT_IN_USE, ERRCODE_DISK_FULL);
}

const char *
failure_class(const Failure *failure)
{
	int code = failure->sqlerrcode;
	int category = ERRCODE_TO_CATEGORY(code);

	if (failure_is_busy(failure))
		return "busy";
	if (code == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED && failure->origin == FROM_WRAPPER)
		return "throttled";
	if (code == ERRCODE_QUERY_CANCELED)
		return failure->timed_out ? "passing" : "cancelled";
	if (IS_ONE_OF(category, ERRCODE_CONNECTION_EXCEPTION, ERRCODE_TRANSACTION_ROLLBACK, ERRCODE_INSUFFICIENT_RESOURCES,
				  ERRCODE_OPERATOR_INTERVENTION, ERRCODE_SYSTEM_ERROR) ||
		IS_ONE_OF(code, ERRCODE_LOCK_NOT_AVAILABLE, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, ERRCODE_FDW_ERROR))
		return "passing";
	if (category == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION || code == ERRCODE_INSUFFICIENT_PRIVILEGE)
		return "login";
	if (IS_ONE_OF(code, ERRCODE_FDW_COLUMN_NAME_NOT_FOUND, ERRCODE_FDW_TABLE_NOT_FOUND, ERRCODE_UNDEFINED_COLUMN,
				  ERRCODE_UNDEFINED_TABLE))
		return "schema";
	return "lasting";
}

bool
failure_may_pass(const Failure *failure)
{
	const char *class = failure_class(failure);

	return strcmp(class, "passing") == 0 || strcmp(class, "throttled") == 0;
}

bool
failure_is_of_source(const Failure *failure)
{
	int category = ERRCODE_TO_CATEGORY(failure->sqlerrcode);
	bool there =
		failure->origin == FROM_WRAPPER || category == ERRCODE_FDW_ERROR || category == ERRCODE_CONNECTION_EXCEPTION;

	return there && (failure_may_pass(failure) || strcmp(failure_class(failure), "login") == 0);
}

bool
failure_is_of_data(const Failure *failure)
{
	return strncmp(failure->sqlstate, "22", 2) == 0 || strncmp(failure->sqlstate, "23", 2) == 0 ||
		   strncmp(failure->sqlstate, "54", 2) == 0 || strncmp(failure->sqlstate, "P0", 2) == 0;
}

bool
failure_stops(const Failure *failure)
{
	return failure->sqlerrcode == ERRCODE_FDW_SCHEMA_NOT_FOUND;
}

void
failure_copy(Failure *to, const Failure *from)
{
	*to = *from;
	to->sqlstate = pstrdup(from->sqlstate);
	to->message = pstrdup(from->message);
	to->detail = from->detail ? pstrdup(from->detail) : NULL;
	to->hint = from->hint ? pstrdup(from->hint) : NULL;
	to->error = palloc(sizeof(ErrorData));
	*to->error = *from->error;
	to->error->message = to->message;
	to->error->detail = to->detail;
	to->error->hint = to->hint;
	to->error->context = from->error->context ? pstrdup(from->error->context) : NULL;
	to->error->detail_log = to->error->backtrace = to->error->internalquery = NULL;
	to->error->schema_name = to->error->table_name = to->error->column_name = NULL;
	to->error->datatype_name = to->error->constraint_name = NULL;
	to->error->assoc_context = CurrentMemoryContext;
}

char *
failure_text(const Failure *failure)
{
	return psprintf("%s%s%s%s%s", failure->message, failure->detail ? ": " : "", failure->detail ? failure->detail : "",
					failure->hint ? ". " : "", failure->hint ? failure->hint : "");
}

void
failure_rethrow(const Failure *failure)
{
	ReThrowError(failure->error);
}

void
procedure_begin(FunctionCallInfo fcinfo, const char *name)
{
	bool atomic =
		!(fcinfo->context && IsA(fcinfo->context, CallContext) && !castNode(CallContext, fcinfo->context)->atomic);

	if (atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run inside a transaction block", name),
				 errdetail("It commits as it goes, so that what is done stays done."),
				 errhint("CALL it by itself, not between BEGIN and COMMIT and not from a function.")));
	/* a relation that is made or dropped here would end the upgrade, and what runs here would run again there */
	if (IsBinaryUpgrade)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s does nothing in a server that pg_upgrade started", name)));
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	sql_settings();
	(void) home_era();
}

void
procedure_end(void)
{
	commit_or_fail();
	SPI_commit(); /* and the settings are the caller's again */
	SPI_finish();
}
