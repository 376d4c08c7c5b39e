/*
 * attempt.h
 *		Doing what may fail, and what its failure means.
 */
#ifndef INGEST_ATTEMPT_H
#define INGEST_ATTEMPT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

/* Whose code said that something failed */
typedef enum Origin
{
	FROM_HERE,   /* the server's or the engine's */
	FROM_USER,   /* a function in one of the procedural languages */
	FROM_WRAPPER /* another library's: a foreign data wrapper, in words of the source */
} Origin;

typedef struct Failure
{
	int sqlerrcode;
	char *sqlstate;
	char *message; /* NULL: it did not fail */
	char *detail;
	char *hint;
	ErrorData *error;
	Origin origin;
	bool by_engine; /* in its own words, which quote no value that it was not told to */
	bool timed_out; /* cancelled because its time was over, not by somebody */
} Failure;

/*
 * In a subtransaction; false, and why, if it failed and is undone. A cancel goes on: what comes after is not
 * wanted either
 */
extern bool attempt(void (*function)(void *), void *arg, Failure *failure);
/* The same for who answers for the whole: a cancel is a failure as others are */
extern bool attempt_or_cancel(void (*function)(void *), void *arg, Failure *failure);

/* Inside a procedure: in a transaction of its own, which is committed */
extern bool attempt_and_commit(void (*function)(void *), void *arg, Failure *failure);
extern void commit_or_fail(void);
/* A procedure that commits: an error inside a transaction block */
extern void procedure_begin(FunctionCallInfo fcinfo, const char *name);
extern void procedure_end(void);

/*
 * throttled, passing, busy, login, schema, cancelled or lasting: by SQLSTATE and origin, since words come in
 * many languages
 */
extern const char *failure_class(const Failure *failure);
/* Something here is in use or full: nothing was tried yet, so to say */
extern bool failure_is_busy(const Failure *failure);
/* Another try may go well */
extern bool failure_may_pass(const Failure *failure);
/* The source cannot be reached, refuses the login or cannot keep up: not what went wrong here */
extern bool failure_is_of_source(const Failure *failure);
/* From when on a cancel is taken for one by the timeout of what is done, and the words to say so; 0: none */
extern void attempt_deadline(TimestampTz deadline, const char *words);
/* Whatever fails from now on does so since that time is over; may be called in a signal handler */
extern void attempt_is_late(void);
/* A value that does not fit: its row is to blame, not the run */
extern bool failure_is_of_data(const Failure *failure);
/* Columns that do not agree: what failed needs somebody */
extern bool failure_stops(const Failure *failure);
/* Into the current memory context */
extern void failure_copy(Failure *to, const Failure *from);
extern char *failure_text(const Failure *failure);
extern void failure_rethrow(const Failure *failure) __attribute__((noreturn));

#endif /* INGEST_ATTEMPT_H */
