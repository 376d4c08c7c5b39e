/*
 * words.c
 *		What the repository's constraints refuse, in words.
 *
 * A CHECK of the repository is called by the sentence that it enforces, so that
 * whoever meets the error reads what is allowed.  Failing rows, and the names of
 * tables, are of no use to them.  No catalogue is read here: the statement has
 * failed, and its transaction has not been cleaned up yet.
 */
#include "postgres.h"

#include "ingest/base/words.h"

/* What a user is told instead */
static void
say(ErrorData *error, int sqlerrcode, char *message)
{
	error->sqlerrcode = sqlerrcode;
	error->message = message;
}

void
error_in_words(ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && error->hint == NULL)
		error->hint = pstrdup(
			"Another session is working on the same object and has not ended its transaction: pg_stat_activity shows "
			"it.");
	if (error->schema_name == NULL || strcmp(error->schema_name, "ingest") != 0 || error->table_name == NULL)
		return;
	switch (error->sqlerrcode)
	{
		case ERRCODE_CHECK_VIOLATION:
			if (error->constraint_name == NULL)
				return;
			say(error, ERRCODE_INVALID_PARAMETER_VALUE, pstrdup(error->constraint_name));
			error->detail = NULL;
			break;
		case ERRCODE_NOT_NULL_VIOLATION:
			say(error, ERRCODE_NULL_VALUE_NOT_ALLOWED, psprintf("%s must not be null", error->column_name));
			error->detail = NULL;
			break;
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			say(error, ERRCODE_UNDEFINED_OBJECT,
				psprintf("the object that this %s belongs to does not exist", error->table_name));
			break;
		case ERRCODE_UNIQUE_VIOLATION:
			say(error, ERRCODE_DUPLICATE_OBJECT, psprintf("such a %s already exists", error->table_name));
			break;
	}
}
