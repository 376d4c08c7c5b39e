/*
 * create.c
 *		Making, changing and dropping syncs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/repository/access.h"
#include "ingest/repository/connector.h"
#include "ingest/event/event.h"
#include "ingest/sync/create.h"
#include "ingest/sync/history.h"
#include "ingest/sync/merge.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

SQL_FUNCTION(ingest_create_sync);

/* The arguments of create_sync, in its order */
enum
{
	ARG_SOURCE_TABLE,
	ARG_TARGET,
	ARG_MODE,
	ARG_NAME,
	ARG_KEY,
	ARG_CURSOR,
	ARG_OVERLAP,
	ARG_BATCH_ROWS,
	ARG_DELETIONS,
	ARG_PARENT,
	ARG_PARENT_COLUMN,
	ARG_HISTORY,
	ARG_HISTORY_RETENTION,
	ARG_ROW_EVENTS,
	ARG_PROFILE,
	ARG_RECONCILE_EVERY,
	ARG_MAX_DELETE_SHARE,
	ARG_REJECT_LIMIT,
	ARG_PARTITION_BY,
	ARG_DISTRIBUTE_BY,
	ARG_ADOPT
};

static void
invalid(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", what),
			 errhint("%s", hint)));
}

/* A key that the data have, where nobody names one: verified by reading the table */
static char *
key_of_data(const char *relation)
{
	char *schema = own_value("SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'ingest_profile'");

	ereport(NOTICE,
			(errmsg("the source names no key of %s: it is read to find one", relation),
			 errhint("Name the key to save that: key => '{…}'.")));
	return own_value(psprintf("SELECT columns FROM %s.candidate_keys($1::regclass, 3) ORDER BY score DESC LIMIT 1", schema), arg_text(relation));
}

void
require_columns(Oid relid, const char *foreign, const char *cursor, char **key, int n_key)
{
	for (int i = -1; i < n_key; i++)
	{
		const char *column = i < 0 ? cursor : key[i];

		if (column && get_attnum(relid, column) <= InvalidAttrNumber)
			invalid(psprintf("%s has no column \"%s\"", foreign, column), "Key and cursor are columns of the foreign table.");
	}
}

void
require_unique_key(const char *target, char **key, int n_key)
{
	if (n_key > 0 &&
		own_value("SELECT 1 FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate AND "
				  "(SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])) = "
				  "(SELECT array_agg(k ORDER BY k) FROM unnest($2::text[]) k)",
				  arg_text(target), arg_text(array_literal(key, n_key))) == NULL)
		invalid(psprintf("table %s has no unique index on the key (%s)", target, array_literal(key, n_key)), "Create one, or let the sync make the table.");
}

/* A copy is written without asking: into what is its owner's alone */
static void
require_target(const char *target, Oid owner)
{
	Rows *rows = own_rows("SELECT c.oid, c.relkind IN ('r', 'p'), pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = $1::regclass", arg_text(target));

	if (!owns_relation(owner, to_oid(first_row(rows)[0])))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", target),
				 errdetail("It belongs to %s; a sync of %s would replace its rows.", first_row(rows)[2], GetUserNameFromId(owner, false)),
				 errhint("Name a table that is not there yet, or one of your own.")));
	if (!to_bool(first_row(rows)[1]))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is no table", target),
				 errhint("A copy is a table: name one that is not there yet.")));
}

/* The table of the copy, made if it is not there */
static void
make_target(const char *target, const char *foreign, char **key, int n_key, bool soft, const char *partition_by, const char *distribute_by, bool adopt)
{
	StringInfoData sql;
	char *quoted_key;
	Rows *columns;

	if (own_value("SELECT to_regclass($1)", arg_text(target)) == NULL)
	{
		initStringInfo(&sql);
		appendStringInfo(&sql, "CREATE TABLE %s (", target);
		columns = repo_rows("SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), "
							"(SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace "
							"JOIN pg_type t ON t.oid = a.atttypid WHERE c.oid = a.attcollation AND a.attcollation <> t.typcollation) "
							"FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid LEFT JOIN ingest.source_table t ON t.local_schema = r.relnamespace::regnamespace::text::name AND t.local_name = r.relname "
							"LEFT JOIN ingest.source_column k ON k.table_id = t.id AND k.name = a.attname "
							"WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND k.gone_at IS NULL ORDER BY a.attnum",
							arg_relation(foreign));
		for (uint64 i = 0; i < columns->n; i++)
			appendStringInfo(&sql, "%s%s %s%s%s", i > 0 ? ", " : "", columns->v[i][0], columns->v[i][1], columns->v[i][2] ? " COLLATE " : "",
							 columns->v[i][2] ? columns->v[i][2] : "");
		if (soft)
			appendStringInfoString(&sql, ", _deleted_at timestamptz");
		if (n_key > 0)
		{
			char **quoted = palloc(sizeof(char *) * n_key);

			for (int i = 0; i < n_key; i++)
				quoted[i] = pstrdup(quote_identifier(key[i]));
			quoted_key = column_list(quoted, n_key, "");
			appendStringInfo(&sql, ", PRIMARY KEY (%s)", quoted_key);
		}
		appendStringInfo(&sql, ")%s%s", partition_by ? " PARTITION BY " : "", partition_by ? partition_by : "");
		user_run(sql.data);
		if (partition_by)
			user_run(psprintf("CREATE TABLE %s PARTITION OF %s DEFAULT",
							  own_value("SELECT format('%I.%I', n.nspname, left(c.relname, 55) || '_default') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass",
										arg_text(target)),
							  target));
		if (distribute_by)
		{
			if (own_value("SELECT 1 FROM pg_extension WHERE extname = 'citus'") == NULL)
				invalid("distribute_by needs Citus", "CREATE EXTENSION citus, or leave distribute_by out.");
			user_run("SELECT create_distributed_table($1::regclass, $2)", arg_text(target), arg_text(distribute_by));
		}
		return;
	}
	require_target(target, GetUserId());
	if (!adopt && user_value(psprintf("SELECT 1 FROM %s LIMIT 1", target)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has rows already", target),
				 errdetail("A copy holds the source's rows alone: others would be taken for deleted ones."),
				 errhint("Empty it, name another table, or say adopt => true.")));
	if (soft && own_value("SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = '_deleted_at' AND NOT attisdropped", arg_text(target)) == NULL)
		user_run(psprintf("ALTER TABLE %s ADD COLUMN _deleted_at timestamptz", target));
	require_unique_key(target, key, n_key);
}

Datum
ingest_create_sync(PG_FUNCTION_ARGS)
{
	Oid relid = required_oid(ARG_SOURCE_TABLE);
	char *target_text = required_text(ARG_TARGET);
	char *mode = required_text(ARG_MODE);
	char *name = text_or_null(ARG_NAME);
	char *deletions = required_text(ARG_DELETIONS);
	char *parent = text_or_null(ARG_PARENT);
	bool history = required_bool(ARG_HISTORY);
	bool row_events = required_bool(ARG_ROW_EVENTS);
	char *cursor = name_or_null(ARG_CURSOR);
	char *parent_column = name_or_null(ARG_PARENT_COLUMN);
	RangeVar *range;
	char *schema,
		*target,
		*foreign,
		*id;
	char **key;
	int n_key;
	Rows *table;
	Source *source;
	StringInfoData json;
	Identity caller;
	text *result;
	int level;

	if (get_rel_name(relid) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("source_table is no table: there is none with OID %u", relid)));
	/* in the caller's search_path, before it is ours */
	range = makeRangeVarFromNameList(names_of(target_text));
	schema = get_namespace_name(RangeVarGetCreationNamespace(range));
	level = sql_begin();
	target = quoted_relation(schema, range->relname);
	if (name == NULL)
		name = psprintf("%s.%s", schema, range->relname);
	foreign = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	table = repo_rows("SELECT t.id, d.name, t.key, t.cursor_column, t.parent, t.parent_column FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source "
					  "WHERE t.local_schema = $1 AND t.local_name = $2",
					  arg_text(get_namespace_name(get_rel_namespace(relid))), arg_text(get_rel_name(relid)));
	if (table->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s is not a table of a source that was crawled", foreign),
				 errhint("Register its server with ingest.register_source, then CALL ingest.crawl.")));
	source = source_by_name(first_row(table)[1]);
	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is no foreign table any more", foreign),
				 errhint("CALL ingest.crawl('%s').", source->name)));
	/* who acts for the owner does so with the owner's rights, and makes the owner's sync */
	become_owner(is_member_of_role_nosuper(GetUserId(), source->owner) ? GetUserId() : source->owner, &caller);
	if (strcmp(mode, "full") != 0 && strcmp(mode, "incremental") != 0 && strcmp(mode, "append") != 0)
		invalid(psprintf("there is no mode \"%s\"", mode), "The modes are full, incremental and append.");
	if (strcmp(deletions, "hard") != 0 && strcmp(deletions, "soft") != 0 && strcmp(deletions, "ignore") != 0)
		invalid(psprintf("there is no policy of deletions \"%s\"", deletions), "The policies are hard, soft and ignore.");

	/* key and cursor: as told, as the source says, as the data show */
	key = parse_array(repo_value("SELECT coalesce($1::text[], $2::text[])", arg_datum(NAMEARRAYOID, PG_ARGISNULL(ARG_KEY) ? (Datum) 0 : PG_GETARG_DATUM(ARG_KEY), PG_ARGISNULL(ARG_KEY)),
								 arg_text(first_row(table)[2])),
					  &n_key);
	if (key == NULL && strcmp(mode, "full") != 0)
	{
		key = parse_array(key_of_data(foreign), &n_key);
		if (key)
			repo_run("UPDATE ingest.source_table SET key = $2::text[], key_origin = 'data' WHERE id = $1", arg_int8(to_int8(first_row(table)[0])), arg_text(array_literal(key, n_key)));
	}
	if (n_key == 0 && strcmp(mode, "full") != 0)
		invalid(psprintf("mode %s needs a key, and %s has none", mode, foreign), "Name its columns with key => '{…}', or use mode => 'full'.");
	if (n_key == 0 && (history || row_events || strcmp(deletions, "soft") == 0))
		invalid("history, row_events and soft deletions need a key", "Name its columns with key => '{…}'.");
	if (cursor == NULL)
		cursor = first_row(table)[3];
	if (strcmp(mode, "full") == 0)
		cursor = NULL;
	else if (cursor == NULL)
		invalid(psprintf("mode %s needs a cursor, a column that tells that a row changed, and none is known of %s", mode, foreign),
				"Name it with cursor_column => '…', or use mode => 'full'.");
	require_columns(relid, foreign, cursor, key, n_key);
	if (parent)
	{
		Rows *p = repo_rows("SELECT s.id, cardinality(s.key), s.source, t.name, s.owner FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id WHERE s.name = $1", arg_text(parent));

		if (p->n == 0)
			invalid(psprintf("there is no sync \"%s\" that could be the parent", parent), "Create the parent's sync first.");
		if (to_int4(first_row(p)[1]) != 1 || to_int4(first_row(p)[2]) != source->id)
			invalid(psprintf("sync \"%s\" cannot be a parent", parent), "A parent is of the same source and has a key of one column.");
		if (to_oid(first_row(p)[4]) != GetUserId())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("sync \"%s\", the parent, belongs to another role", parent),
					 errdetail("A parent and its children are written in one transaction, as their owner."),
					 errhint("SET ROLE %s.", quote_identifier(GetUserNameFromId(to_oid(first_row(p)[4]), false)))));
		if (parent_column == NULL && first_row(table)[4] && strcmp(first_row(table)[4], first_row(p)[3]) == 0)
			parent_column = first_row(table)[5];
		if (parent_column == NULL || get_attnum(relid, parent_column) == InvalidAttrNumber)
			invalid(psprintf("which column of %s names the row of \"%s\" is not known", foreign, parent), "Name it with parent_column => '…'.");
		parent = first_row(p)[0];
	}
	/* can the source filter by the cursor? Better to know now */
	if (cursor)
		user_run(psprintf("SELECT FROM %s WHERE %s IS NOT NULL LIMIT 1", foreign, quote_identifier(cursor)));
	make_target(target, foreign, key, n_key, strcmp(deletions, "soft") == 0, text_or_null(ARG_PARTITION_BY),
				name_or_null(ARG_DISTRIBUTE_BY), required_bool(ARG_ADOPT));

	if (repo_value("SELECT 1 FROM ingest.sync WHERE name = $1 OR (target_schema, target_table) = ($2, $3)", arg_text(name), arg_name(schema), arg_name(range->relname)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a sync \"%s\", or one into %s, already", name, target)));
	id = repo_value("INSERT INTO ingest.sync (name, source, table_id, target_schema, target_table, owner, owner_name, mode, key, cursor_column, overlap, batch_rows, deletions, parent, parent_column, "
					"history, history_retention, row_events, profile, reconcile_every, max_delete_share, reject_limit) "
					"VALUES ($1, $2, $3, $4, $5, $6, pg_get_userbyid($6), $7, $8::name[], $9, $10, $11, $12, $13::integer, $14, $15, $16, $17, $18, $19, $20, $21) RETURNING id",
					arg_text(name), arg_int8(source->id), arg_int8(to_int8(first_row(table)[0])), arg_name(schema), arg_name(range->relname),
					arg_oid(GetUserId()), arg_text(mode), arg_text(array_literal(key, n_key)), arg_name(cursor),
					arg_datum(INTERVALOID, required(fcinfo, ARG_OVERLAP), false), arg_int8(required_int4(ARG_BATCH_ROWS)), arg_text(deletions),
					arg_text(parent), arg_name(parent_column), arg_bool(history),
					arg_datum(INTERVALOID, PG_ARGISNULL(ARG_HISTORY_RETENTION) ? (Datum) 0 : PG_GETARG_DATUM(ARG_HISTORY_RETENTION), PG_ARGISNULL(ARG_HISTORY_RETENTION)), arg_bool(row_events),
					arg_text(required_text(ARG_PROFILE)),
					arg_datum(INTERVALOID, PG_ARGISNULL(ARG_RECONCILE_EVERY) ? (Datum) 0 : PG_GETARG_DATUM(ARG_RECONCILE_EVERY), PG_ARGISNULL(ARG_RECONCILE_EVERY)),
					arg_datum(FLOAT8OID, required(fcinfo, ARG_MAX_DELETE_SHARE), false),
					arg_datum(FLOAT8OID, required(fcinfo, ARG_REJECT_LIMIT), false));
	access_forget();
	repo_run("INSERT INTO ingest.sync_state (sync) VALUES ($1)", arg_int8(to_int8(id)));
	if (history)
		(void) history_view_create(name);
	become_again(&caller);
	audit("create_sync", name, NULL, NULL);
	json_open(&json);
	json_text(&json, "sync", name);
	json_text(&json, "foreign_table", foreign);
	json_text(&json, "target", target);
	json_text(&json, "mode", mode);
	event_emit("ingest.sync.created", source->name, name, json_close(&json));
	result = text_kept(name);
	sql_end(level);
	PG_RETURN_TEXT_P(result);
}
