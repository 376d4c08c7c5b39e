/*
 * describe.c
 *		What a copy and its columns are, in the source's words.
 *
 * The engine writes down which comments it made.  A comment that is none of those is
 * somebody's own, and stays; where there is none, or the engine's, it follows the
 * source.  So who wants the source's words back removes the own ones.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/sync/describe.h"
#include "utils/builtins.h"

/* A comment that is to be another; column NULL: the table's */
typedef struct Comment
{
	char *column_name;
	char *comment;
} Comment;

ROW_SHAPE(comment_shape, Comment, FIELD(TEXT, Comment, column_name), FIELD(TEXT, Comment, comment));

void
describe_copy(int32 sync, const char *target)
{
	int n;
	Comment *comments = repo_structs(comment_shape, &n, "SELECT * FROM ingest_internal.sync_comments($1, $2)",
									 arg_int4(sync), arg_relation(target));

	for (int i = 0; i < n; i++)
	{
		const Comment *c = &comments[i];
		char *words = c->comment ? quote_literal_cstr(c->comment) : pstrdup("NULL");

		if (c->column_name)
			user_run(psprintf("COMMENT ON COLUMN %s.%s IS %s", target, quote_identifier(c->column_name), words));
		else
			user_run(psprintf("COMMENT ON TABLE %s IS %s", target, words));
		repo_run("SELECT ingest_internal.sync_note_comment($1, $2, $3)", arg_int4(sync), arg_text(c->column_name),
				 arg_text(c->comment));
	}
}
