/*
 * owner.c
 *		What is done as the owner of what is worked on.
 */
#include "postgres.h"

#include "ingest/base/argument.h"
#include "ingest/base/door.h"
#include "ingest/base/sql.h"
#include "ingest/repository/owner.h"
#include "miscadmin.h"
#include "utils/builtins.h"

typedef struct Owned
{
	Oid owner;
	void (*function)(void *);
	void *arg;
} Owned;

/*
 * Names are looked for in pg_temp first: a view that a trigger of the owner's left there
 * would be read by the next statement of whoever called.
 */
static void
require_no_trap(Oid owner, const char *before)
{
	char *left = repo_value("SELECT ingest_internal.left_in_pg_temp($1, $2::text[])", arg_oid(owner), arg_text(before));

	if (left)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("%s created \"%s\" in pg_temp, which must not be left in this session",
							   GetUserNameFromId(owner, false), left),
						errdetail("A trigger or function of the copy's owner made it; statements of this session would "
								  "find it before anything else of that name."),
						errhint("Have it done by its owner, as a job or after SET ROLE %s.",
								quote_identifier(GetUserNameFromId(owner, false)))));
}

/* What was done may leave nothing in the caller's session, nor anything that would run after it as the caller */
static void
do_as_owner(void *arg)
{
	Owned *owned = arg;
	char *before = NULL;
	Identity saved;

	if (GetUserId() != owned->owner)
		before = repo_value("SELECT ingest_internal.things_in_pg_temp($1)", arg_oid(owned->owner));
	become_owner(owned->owner, &saved);
	owned->function(owned->arg);
	/* before PostgreSQL 18 deferred triggers run as whoever commits, which may be a superuser */
	user_run("SET CONSTRAINTS ALL IMMEDIATE");
	if (before)
		require_no_trap(owned->owner, before);
	become_again(&saved);
}

bool
attempt_as_owner_and_commit(Oid owner, void (*function)(void *), void *arg, Failure *failure)
{
	Owned owned = {owner, function, arg};

	return attempt_and_commit(do_as_owner, &owned, failure);
}
