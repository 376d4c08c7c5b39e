/*
 * lake_table.c
 *		A foreign table as one of a lake: its log, who may write it, which files it has.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "common/option.h"
#include "files_fdw/lake_table.h"
#include "utils/acl.h"
#include "utils/builtins.h"

const LakeLogRoutine *
lake_log(const Table *t)
{
	return t->o.layout == LAYOUT_DELTA ? &delta_log_routine : &manifest_log_routine;
}

static bool
server_is_writable(ForeignServer *server)
{
	const char *word = server_option(server, "writable");
	bool writable = false;

	return word && parse_bool(word, &writable) && writable;
}

bool
lake_is_table(Oid relid)
{
	return option_of(GetForeignTable(relid)->options, "layout") != NULL;
}

/* What the server's owner lends he must have himself, now */
void
lake_check_may_write(Table *t)
{
	ForeignServer *server = GetForeignServer(t->serverid);

	(void) table_root(t);
	if (t->o.layout == LAYOUT_NONE)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("foreign table \"%s\" is not one of a lake", t->name),
						errhint("Only tables with format 'parquet' and option layout are written.")));
	if (!server_is_writable(server))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("server \"%s\" is not writable", server->servername),
						errhint("Its owner can run: ALTER SERVER %s OPTIONS (ADD writable 'on').",
								quote_identifier(server->servername))));
	if (root_is_local(t->root) && !has_privs_of_role(server->owner, ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to write files of server \"%s\"", server->servername),
						errdetail("Its owner is not a member of pg_write_server_files.")));
	if (t->root->write == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("files of server \"%s\" cannot be written", server->servername)));
}

LakeState *
lake_state(Table *t)
{
	Root *root = table_root(t);
	LakeState *state;

	if (root->write == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the lake of foreign table \"%s\" cannot be read", t->name)));
	state = palloc0(sizeof(LakeState));
	state->root = root;
	state->folder = pstrdup(t->o.path);
	state->context = CurrentMemoryContext;
	state->version = -1;
	lake_log(t)->advance(state);
	state->changes = state->schemas = 0;
	return state;
}

int64
lake_published(Table *t, const char *app)
{
	return lake_mark(lake_state(t), app);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp((const char *) a, (*(const FileInfo *const *) b)->path);
}

/* Of the server's own folders one file after the other is looked at; elsewhere all are listed, in the order of paths */
static FileInfo *
found_file(const LakeState *state, List *listed, const char *path)
{
	FileInfo **found;

	if (root_is_local(state->root))
		return state->root->routine->look(state->root, path);
	found = listed ? bsearch(path, listed->elements, list_length(listed), sizeof(ListCell), by_path) : NULL;
	return found ? *found : NULL;
}

/* What the log names must be there: a file less would be rows less */
List *
lake_files(Table *t)
{
	LakeState *state = lake_state(t);
	List *listed = root_is_local(state->root) ? NIL : state->root->write->all(state->root, state->folder);
	List *found = NIL;
	ListCell *lc;

	foreach (lc, state->entries)
	{
		const LakeEntry *entry = lfirst(lc);
		char *path = psprintf("%s/%s", state->folder, entry->path);
		FileInfo *info = found_file(state, listed, path);

		if (info == NULL)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("file \"%s\" of server \"%s\" is gone", path, state->root->server),
							errdetail("Version " INT64_FORMAT " of the lake has it.", state->version)));
		info->values = entry->values;
		info->in_lake = true;
		found = lappend(found, info);
	}
	return found;
}
