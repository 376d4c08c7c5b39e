/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: groups of files become tables.
 *
 * A group that cannot be read, or whose dialect is in doubt, is left out with a warning; the others are imported.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "common/attempt.h"
#include "files_fdw/import.h"
#include "files_fdw/propose.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"

typedef struct ImportOptions
{
	List *metadata;
} ImportOptions;

static void
read_options(List *options, ImportOptions *o)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "metadata") != 0)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", def->defname),
							errhint("Valid options here are: metadata.")));
		o->metadata = metadata_of(defGetString(def));
	}
}

/* Is the table asked for? */
static bool
is_wanted(const ImportForeignSchemaStmt *stmt, const char *table)
{
	ListCell *lc;

	if (stmt->list_type == FDW_IMPORT_SCHEMA_ALL)
		return true;
	foreach (lc, stmt->table_list)
	{
		if (strcmp(lfirst_node(RangeVar, lc)->relname, table) == 0)
			return stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO;
	}
	return stmt->list_type == FDW_IMPORT_SCHEMA_EXCEPT;
}

typedef struct One
{
	ForeignServer *server;
	Root *root;
	FileGroup *group;
	const ImportOptions *options;
	const char *schema;
	char *sql; /* NULL: it is left out */
} One;

static void
import_one(void *arg)
{
	One *one = arg;
	Proposal p;

	propose(one->server, one->root, one->group, one->options->metadata, &p);
	if (p.problem)
		ereport(WARNING,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("table \"%s\" is not imported: %s", one->group->table, p.problem),
				 errdetail("Files: %s.", one->group->pattern),
				 errhint("SELECT * FROM files_sniff(%s, %s) shows what was found; CREATE FOREIGN TABLE with other "
						 "options overrules it.",
						 quote_literal_cstr(one->server->servername), quote_literal_cstr(one->group->pattern))));
	else
	{
		ereport(NOTICE, (errmsg("%s: %s", one->group->table, proposal_words(&p))));
		one->sql = proposal_sql(one->server, NULL, one->group->table, &p);
	}
}

/* What cannot be read ends in a subtransaction, and the next one is looked at */
static void
try_one(One *one)
{
	ErrorData *error = attempt_one(import_one, one);

	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_DUPLICATE_COLUMN)
		ReThrowError(error);
	one->sql = NULL;
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("table \"%s\" is not imported: %s", one->group->table, error->message),
					  error->detail ? errdetail_internal("%s", error->detail) : 0));
}

/* The remote schema is a folder: "/" or "public" for all of them */
static const char *
folder_of(const char *schema)
{
	while (*schema == '/')
		schema++;
	return strcmp(schema, "public") == 0 || strcmp(schema, ".") == 0 ? "" : schema;
}

List *
import_schema(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	ForeignServer *server = GetForeignServer(serverid);
	ImportOptions options = {0};
	List *commands = NIL;
	Root *root;
	int other;
	ListCell *lc;

	read_options(stmt->options, &options);
	root = root_of(server, GetUserId());
	foreach (lc, find_groups(server, root, folder_of(stmt->remote_schema), &other))
	{
		One one = {.server = server, .root = root, .group = lfirst(lc), .options = &options};

		CHECK_FOR_INTERRUPTS();
		if (!is_wanted(stmt, one.group->table))
			continue;
		try_one(&one);
		if (one.sql)
			commands = lappend(commands, one.sql);
	}
	if (other > 0 && stmt->list_type == FDW_IMPORT_SCHEMA_ALL)
		ereport(
			NOTICE,
			(errmsg("%d files are left out, since their names do not end as those of a known format", other)));
	return commands;
}
