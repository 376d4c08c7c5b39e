/*
 * history.c
 *		Versions of rows, and a table as it was.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/repository/access.h"
#include "ingest/sync/history.h"
#include "ingest/sync/merge.h"
#include "ingest/base/sql.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

SQL_FUNCTION(ingest_create_history_view);
SQL_FUNCTION(ingest_as_of);
SQL_FUNCTION(ingest_row_history);
SQL_FUNCTION(ingest_row_change);
SQL_FUNCTION(ingest_drop_old_history);

char *
history_view(const char *schema, const char *table)
{
	return quoted_relation(schema, psprintf("%.*s_history", pg_mbcliplen(table, strlen(table), NAMEDATALEN - 1 - strlen("_history")), table));
}

/* The key of a row t of the copy, as history has it */
static char *
key_of(const char *key)
{
	int n;
	char **columns = parse_array(key, &n);

	return key_object(columns, n, "t.");
}

/* A row t of the copy has the key of record k */
static char *
same_key(const char *target, const char *key)
{
	Rows *columns = own_rows("SELECT quote_ident(attname), atttypid FROM pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2::name[])", arg_text(target), arg_text(key));
	StringInfoData sql;

	initStringInfo(&sql);
	for (uint64 i = 0; i < columns->n; i++)
		appendStringInfo(&sql, "%st.%s %s k.%s", i > 0 ? " AND " : "", columns->v[i][0], equality_of((Oid) to_int8(columns->v[i][1])), columns->v[i][0]);
	return sql.data;
}

static char *
living(const char *target)
{
	return own_value("SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = '_deleted_at' AND NOT attisdropped", arg_text(target)) ? " AND t._deleted_at IS NULL" : "";
}

/*
 * Versions of rows: those that were seen; what a key was before the first of them;
 * rows that never changed since history is kept.  With a key, of that key alone,
 * which is $1.  columns: what is wanted of the version r, and of a row t.
 */
static char *
versions(const char *sync, const char *target, const char *key, bool of_one, const char *of_r, const char *of_t)
{
	char *unchanged = of_one ? psprintf("jsonb_populate_record(NULL::%s, $1) k JOIN %s t ON %s WHERE NOT EXISTS (SELECT FROM c)", target, target, same_key(target, key))
							 : psprintf("%s t WHERE NOT EXISTS (SELECT FROM c WHERE c.key = %s)", target, key_of(key));

	return psprintf("WITH c AS MATERIALIZED (SELECT * FROM ingest.row_change(%s%s)) SELECT _valid_from, _valid_to, _operation, _seq, %s FROM ("
					"SELECT seen_at AS _valid_from, lead(seen_at) OVER (PARTITION BY key ORDER BY seq) AS _valid_to, operation AS _operation, seq AS _seq, "
					"jsonb_populate_record(NULL::%s, coalesce(after, before)) AS r FROM c "
					"UNION ALL SELECT '-infinity', seen_at, NULL, NULL, jsonb_populate_record(NULL::%s, before) "
					"FROM (SELECT DISTINCT ON (key) * FROM c ORDER BY key, seq) f WHERE before IS NOT NULL) v "
					"UNION ALL SELECT '-infinity', NULL, NULL, NULL, %s FROM %s%s",
					sync, of_one ? ", $1" : "", of_r, target, target, of_t, unchanged, living(target));
}

/* The columns of a row, each with a prefix */
static char *
columns_of(const char *target, const char *prefix, bool all)
{
	return own_value("SELECT string_agg($2 || quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
					 "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND ($3 OR attname <> '_deleted_at')",
					 arg_text(target), arg_text(prefix), arg_bool(all));
}

char *
history_view_create(const char *name)
{
	Rows *rows = repo_rows("SELECT id, owner, target_schema, target_table, history, key, owner_name FROM ingest.sync WHERE name = $1", arg_text(name));
	char *target,
		*view;
	Identity caller;

	if (rows->n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no sync \"%s\"", name)));
	require_owner(to_oid(first_row(rows)[1]), first_row(rows)[6], "sync", name);
	if (!to_bool(first_row(rows)[4]))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sync \"%s\" keeps no history", name),
				 errhint("SELECT ingest.alter_sync('%s', '{\"history\": true}').", name)));
	target = quoted_relation(first_row(rows)[2], first_row(rows)[3]);
	view = history_view(first_row(rows)[2], first_row(rows)[3]);
	become_owner(to_oid(first_row(rows)[1]), &caller);
	if (own_value("SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind <> 'v'", arg_text(view)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("%s is no view, and stands where that of the history of %s belongs", view, target),
				 errhint("Rename it: ALTER TABLE %s RENAME TO ….", view)));
	user_drop(view);
	user_run(psprintf("CREATE VIEW %s AS %s", view,
					  versions(first_row(rows)[0], target, first_row(rows)[5], false, columns_of(target, "(r).", false), columns_of(target, "t.", false))));
	user_run(psprintf("COMMENT ON VIEW %s IS %s", view, quote_literal_cstr(psprintf("versions of rows of %s, each from when to when; _operation delete: gone from then on", target))));
	become_again(&caller);
	return view;
}

/* create_history_view(name) */
Datum
ingest_create_history_view(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int level = sql_begin();
	text *view = text_kept(history_view_create(name));

	audit("create_history_view", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_TEXT_P(view);
}

/* A copy with history */
typedef struct Kept
{
	char *sync;
	char *target;
	char *key;
	char *retention; /* how long its history is kept, or NULL */
	Oid owner;       /* as whom its rows are read: casts and types are theirs */
} Kept;

/* The copy that the function's first argument is a row of */
static Kept
kept_copy(FunctionCallInfo fcinfo, const char *function)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	Kept kept;
	Rows *rows;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s needs a row of the copy, as NULL::schema.table", function)));
	kept.target = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	rows = repo_rows("SELECT id, key, history_retention FROM ingest.sync WHERE format('%I.%I', target_schema, target_table) = $1 AND history", arg_text(kept.target));
	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is no copy with history", kept.target),
				 errhint("ingest.create_sync with history => true makes one.")));
	kept.owner = reader_of(relid, "history");
	kept.sync = first_row(rows)[0];
	kept.key = first_row(rows)[1];
	kept.retention = first_row(rows)[2];
	return kept;
}

/* as_of(target anyelement, moment) */
Datum
ingest_as_of(PG_FUNCTION_ARGS)
{
	SqlArg moment;
	Kept kept;
	Identity caller;
	int level;

	moment = arg_datum(TIMESTAMPTZOID, required(fcinfo, 1), false);
	rows_begin(fcinfo);
	level = sql_begin();
	kept = kept_copy(fcinfo, "as_of");
	become_restricted(kept.owner, &caller);
	if (to_bool(repo_value("SELECT $1::timestamptz < now() - $2::interval", moment, arg_text(kept.retention))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("history of %s is kept for %s, and that moment is longer ago", kept.target, kept.retention)));
	/* what changed since is undone: the rest is as it was */
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER,
			   psprintf("WITH f AS MATERIALIZED (SELECT DISTINCT ON (key) key, before FROM ingest.row_change(%s, NULL, $1) ORDER BY key, seq) "
						"SELECT t.* FROM %s t WHERE NOT EXISTS (SELECT FROM f WHERE f.key = %s)%s "
						"UNION ALL SELECT %s FROM (SELECT jsonb_populate_record(NULL::%s, before) AS r FROM f WHERE before IS NOT NULL) v",
						kept.sync, kept.target, key_of(kept.key), living(kept.target),
						columns_of(kept.target, "(r).", true),
						kept.target),
			   SQL_ARGS(moment));
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

/* row_history(target anyelement, key): by the key, so that it reads that row's versions alone */
Datum
ingest_row_history(PG_FUNCTION_ARGS)
{
	SqlArg key;
	Kept kept;
	Identity caller;
	int level;

	key = arg_datum(JSONBOID, required(fcinfo, 1), false);
	rows_begin(fcinfo);
	level = sql_begin();
	kept = kept_copy(fcinfo, "row_history");
	if (!to_bool(repo_value("SELECT jsonb_typeof($1) = 'object' AND $1 ?& $2::text[] AND $1 - $2::text[] = '{}'", key, arg_text(kept.key))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of %s is an object of %s", kept.target, kept.key),
				 errhint("Such as jsonb_build_object('column', value, …).")));
	/* as history has it: {"id": "7"} is {"id": 7} there */
	become_restricted(kept.owner, &caller);
	key = arg_jsonb(own_value(psprintf("SELECT %s FROM jsonb_populate_record(NULL::%s, $1) t", key_of(kept.key), kept.target), key));
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER, psprintf("%s ORDER BY _seq NULLS FIRST", versions(kept.sync, kept.target, kept.key, true, "r", psprintf("ROW(%s)::%s", columns_of(kept.target, "t.", true), kept.target))), SQL_ARGS(key));
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

/* drop_old_history(): whole days that every sync is done with; what only some keep longer stays */
Datum
ingest_drop_old_history(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Rows *rows;

	if (!superuser() && GetUserId() != engine_role())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("only the owner of the repository drops history")));
	rows = repo_rows("SELECT c.oid::regclass, c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
					 "WHERE i.inhparent = 'ingest.change'::regclass AND c.relname ~ '^change_\\d{8}$' "
					 "AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (SELECT min((now() - history_retention) AT TIME ZONE 'UTC')::date FROM ingest.sync WHERE history) "
					 "AND NOT EXISTS (SELECT FROM ingest.sync WHERE history AND history_retention IS NULL)");
	for (uint64 i = 0; i < rows->n; i++)
		repo_run(psprintf("DROP TABLE %s", rows->v[i][0]));
	/* syncs with a shorter retention than others */
	repo_run("DELETE FROM ingest.change c USING ingest.sync s WHERE s.id = c.sync AND s.history_retention IS NOT NULL AND c.seen_at < now() - s.history_retention");
	return sql_end_int4(level, (int32) rows->n);
}

/* row_change(sync, key, since): as the repository's owner, for whom the copy is open */
Datum
ingest_row_change(PG_FUNCTION_ARGS)
{
	SqlArg sync = arg_datum(INT4OID, PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	SqlArg key = arg_datum(JSONBOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	SqlArg since = arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	Rows *target;
	Oid relid = InvalidOid;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	target = repo_rows("SELECT target_schema, target_table, owner FROM ingest.sync WHERE id = $1", sync);
	if (target->n > 0)
		relid = get_relname_relid(first_row(target)[1], get_namespace_oid(first_row(target)[0], true));
	/* of a copy that is gone, was given up, or is another one's by now, nobody can say who may read it */
	if (!OidIsValid(relid) || !owns_relation(to_oid(first_row(target)[2]), relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no sync %s with a copy", sync.isnull ? "null" : psprintf("%d", DatumGetInt32(sync.value)))));
	require_all_readable(relid, "history");
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_REPOSITORY,
			   psprintf("SELECT * FROM ingest.change WHERE sync = $1%s%s", key.isnull ? "" : " AND key = $2", since.isnull ? "" : " AND seen_at > $3"),
			   SQL_ARGS(sync, key, since));
	sql_end(level);
	return (Datum) 0;
}
