/*
 * check.c
 *		files_check() and files_tables(): is everything in order, and what is there?
 */
#include "postgres.h"

#include <unistd.h>

#include "common/function.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/group.h"
#include "files_fdw/option.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(files_check);
SQL_FUNCTION(files_tables);

#define MOST_SKEW_US (2 * 60 * INT64CONST(1000000)) /* that a file may be younger than now */

static void
report(ReturnSetInfo *rsinfo, const char *name, bool ok, const char *detail)
{
	Datum values[3] = {CStringGetTextDatum(name), BoolGetDatum(ok), CStringGetTextDatum(detail)};
	bool nulls[3] = {0};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Something that may fail, and whose words are to be shown; NULL: it did not */
typedef struct Attempt
{
	ForeignServer *server;
	Root *root;
	List *files;
} Attempt;

static char *
attempt(void (*what)(Attempt *), Attempt *a)
{
	MemoryContext old = CurrentMemoryContext;
	char *volatile problem = NULL;

	PG_TRY();
	{
		what(a);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		problem = psprintf("%s%s%s%s%s", error->message, error->detail ? ": " : "", error->detail ? error->detail : "",
						   error->hint ? " " : "", error->hint ? error->hint : "");
	}
	PG_END_TRY();
	return problem;
}

static void
open_root(Attempt *a)
{
	a->root = root_of(a->server, GetUserId());
}

static void
list_all(Attempt *a)
{
	a->files = a->root->routine->list(a->root, "**");
}

/* The newest file by the clock that files are stamped with, against ours */
static void
check_newest(ReturnSetInfo *rsinfo, List *files)
{
	FileInfo *newest = NULL;
	TimestampTz now = GetCurrentTimestamp();
	ListCell *lc;

	foreach (lc, files)
	{
		FileInfo *file = lfirst(lc);

		if (newest == NULL || file->modified > newest->modified)
			newest = file;
	}
	if (newest == NULL)
		report(rsinfo, "newest", true, "there is no file yet");
	else if (newest->modified > now + MOST_SKEW_US)
		report(rsinfo, "newest", false,
			   psprintf("file \"%s\" is of %s, which is not yet: until then it counts as being written; check the "
						"clock of who writes it",
						newest->path, timestamptz_to_str(newest->modified)));
	else
		report(rsinfo, "newest", true, psprintf("\"%s\", of %s", newest->path, timestamptz_to_str(newest->modified)));
}

/* Can the newest file be read? */
static void
read_some(Attempt *a)
{
	ListCell *lc;
	FileInfo *newest = NULL;
	char byte;

	foreach (lc, a->files)
	{
		FileInfo *file = lfirst(lc);

		if (!file->link && (newest == NULL || file->modified > newest->modified))
			newest = file;
	}
	if (newest)
	{
		RootFile *file = a->root->routine->open(a->root, newest);

		(void) a->root->routine->read(file, &byte, 1, 0);
		a->root->routine->close(file);
	}
}

Datum
files_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Attempt a = {.server = files_server(NameStr(*PG_GETARG_NAME(0)))};
	char *problem;
	char *others;

	rows_begin(fcinfo);
	problem = attempt(open_root, &a);
	report(rsinfo, "root", problem == NULL, problem ? problem : psprintf("%s can be opened", a.root->where));
	if (problem)
		return (Datum) 0;
	problem = attempt(list_all, &a);
	report(rsinfo, "listing", problem == NULL, problem ? problem : psprintf("%d files", list_length(a.files)));
	if (problem)
		return (Datum) 0;
	others = a.root->routine->describe(a.root);
	report(rsinfo, "kinds", others == NULL, others ? others : "nothing but files and folders");
	problem = attempt(read_some, &a);
	report(rsinfo, "reading", problem == NULL, problem ? problem : "the newest file can be opened and read");
	check_newest(rsinfo, a.files);
	return (Datum) 0;
}

Datum
files_tables(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server = files_server(NameStr(*PG_GETARG_NAME(0)));
	Root *root = root_of(server, GetUserId());
	int other;
	ListCell *lc;

	rows_begin(fcinfo);
	foreach (lc, find_groups(server, root, "", &other))
	{
		const FileGroup *group = lfirst(lc);
		Datum values[4] = {CStringGetTextDatum("/"), CStringGetTextDatum(group->table),
						   CStringGetTextDatum("_file,_position"),
						   CStringGetTextDatum(group_words(group))};
		bool nulls[4] = {0};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
