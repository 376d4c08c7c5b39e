/*
 * files_fdw.c
 *		Handler, and what SQL functions share.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "common/azure.h"
#include "common/function.h"
#include "executor/spi.h"
#include "files_fdw/compat.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/import.h"
#include "files_fdw/modify.h"
#include "files_fdw/option.h"
#include "files_fdw/pattern.h"
#include "files_fdw/plan.h"
#include "files_fdw/scan.h"
#include "foreign/fdwapi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

SQL_FUNCTION(files_fdw_handler);
SQL_FUNCTION_OF_ANY_VERSION(files_fdw_comment);
SQL_FUNCTION(files_list);
SQL_FUNCTION(files_clock);

void
_PG_init(void)
{
	azure_settings();
	option_settings();
}

Datum
files_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	plan_routine(routine);
	scan_routine(routine);
	sample_routine(routine);
	modify_routine(routine);
	routine->ImportForeignSchema = import_schema;
	PG_RETURN_POINTER(routine);
}

/* -- comments from descriptions -- */

static const char *
description_of(List *defs)
{
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "description") == 0)
			return defGetString(def);
	}
	return NULL;
}

static bool
is_ours(Oid serverid)
{
	return strcmp(GetForeignDataWrapper(GetForeignServer(serverid)->fdwid)->fdwname, "files_fdw") == 0;
}

/* How many columns a relation has, dropped ones included */
static int
relation_natts(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int natts = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relnatts : 0;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return natts;
}

static void
comment_on(Oid relid)
{
	ForeignTable *table = GetForeignTable(relid);
	const char *text = description_of(table->options);

	if (!is_ours(table->serverid))
		return;
	if (text)
		CreateComments(relid, RelationRelationId, 0, text);
	for (int attnum = 1; attnum <= relation_natts(relid); attnum++)
	{
		if (get_attname(relid, attnum, true) && (text = description_of(GetForeignColumnOptions(relid, attnum))) != NULL)
			CreateComments(relid, RelationRelationId, attnum, text);
	}
}

/* Event trigger: descriptions of new foreign tables and columns become comments */
Datum
files_fdw_comment(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("files_fdw_comment can only be called as an event trigger")));
	/* everybody's commands go on */
	if (!version_fits(WARNING))
		PG_RETURN_NULL();
	SPI_connect();
	if (SPI_execute(
			"SELECT DISTINCT objid FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE object_type = 'foreign table'",
			true, 0) == SPI_OK_SELECT)
	{
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool isnull;

			comment_on(DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)));
		}
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* -- functions -- */

ForeignServer *
files_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	AclResult acl = server_aclcheck(server->serverid, GetUserId());

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, name);
	if (!is_ours(server->serverid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("server \"%s\" is not a server of files_fdw", name)));
	return server;
}

/* An error unless it is a foreign table of ours; its name */
static char *
check_is_table(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relid)));
	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE || !is_ours(GetForeignServerIdByRelId(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a foreign table of files_fdw", name)));
	return name;
}

void
check_files_table(Oid relid)
{
	char *name = check_is_table(relid);
	AclResult acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);

	if (acl != ACLCHECK_OK)
		acl = pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, name);
}

void
check_files_table_for(Oid relid, AclMode right)
{
	char *name = check_is_table(relid);
	AclResult acl = pg_class_aclcheck(relid, GetUserId(), right);

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, name);
}

/* Files of a server whose paths a pattern has */
Datum
files_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server = files_server(NameStr(*PG_GETARG_NAME(0)));
	char *patterns = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const char *problem = pattern_problem(patterns);
	Root *root;
	ListCell *lc;

	if (problem)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid pattern of paths: \"%s\"", patterns),
						errhint("%s", problem)));
	root = root_of(server, GetUserId());
	rows_begin(fcinfo);
	foreach (lc, root->routine->list(root, patterns))
	{
		const FileInfo *file = lfirst(lc);
		Datum values[4] = {CStringGetTextDatum(file->path), Int64GetDatum(file->size),
						   TimestampTzGetDatum(file->modified), CStringGetTextDatum(file->version)};
		bool nulls[4] = {0};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The clock by which files are stamped: the server's own */
Datum
files_clock(PG_FUNCTION_ARGS)
{
	(void) files_server(NameStr(*PG_GETARG_NAME(0)));
	PG_RETURN_TIMESTAMPTZ(GetCurrentTimestamp());
}
