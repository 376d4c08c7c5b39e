/*
 * check.c
 *		files_check() and files_tables(): is everything in order, and what is there?
 */
#include "postgres.h"

#include <unistd.h>

#include "common/attempt.h"
#include "common/function.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/group.h"
#include "files_fdw/option.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
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

typedef struct Checked
{
	ForeignServer *server;
	Root *root;
	List *files;
} Checked;

/* Why something fails, in its own words; NULL: it does not */
static char *
problem_of(void (*what)(void *), Checked *c)
{
	const ErrorData *error = attempt(what, c);

	if (error == NULL)
		return NULL;
	return psprintf("%s%s%s%s%s", error->message, error->detail ? ": " : "", error->detail ? error->detail : "",
					error->hint ? " " : "", error->hint ? error->hint : "");
}

static void
open_root(void *arg)
{
	Checked *c = arg;

	c->root = root_of(c->server, GetUserId());
}

static void
list_all(void *arg)
{
	Checked *c = arg;

	c->files = c->root->routine->list(c->root, "**");
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
			   psprintf("file \"%s\" is of %s, which is in the future: until then it counts as being written; check "
						"the clock of its writer",
						newest->path, timestamptz_to_str(newest->modified)));
	else
		report(rsinfo, "newest", true, psprintf("\"%s\", of %s", newest->path, timestamptz_to_str(newest->modified)));
}

/* Can the newest file be read? */
static void
read_some(void *arg)
{
	Checked *c = arg;
	ListCell *lc;
	FileInfo *newest = NULL;
	char byte;

	foreach (lc, c->files)
	{
		FileInfo *file = lfirst(lc);

		if (!file->link && (newest == NULL || file->modified > newest->modified))
			newest = file;
	}
	if (newest)
	{
		RootFile *file = c->root->routine->open(c->root, newest);

		(void) c->root->routine->read(file, &byte, 1, 0);
		c->root->routine->close(file);
	}
}

Datum
files_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Checked c = {.server = files_server(NameStr(*PG_GETARG_NAME(0)))};
	char *problem;
	char *others;

	rows_begin(fcinfo);
	problem = problem_of(open_root, &c);
	report(rsinfo, "root", problem == NULL, problem ? problem : psprintf("%s can be opened", c.root->where));
	if (problem)
		return (Datum) 0;
	problem = problem_of(list_all, &c);
	report(rsinfo, "listing", problem == NULL, problem ? problem : psprintf("%d files", list_length(c.files)));
	if (problem)
		return (Datum) 0;
	others = c.root->routine->describe(c.root);
	report(rsinfo, "kinds", others == NULL, others ? others : "nothing but files and folders");
	problem = problem_of(read_some, &c);
	report(rsinfo, "reading", problem == NULL, problem ? problem : "the newest file can be opened and read");
	check_newest(rsinfo, c.files);
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
