/*
 * history.c
 *		Versions of rows, and a table as it was.
 */
#include "postgres.h"

#include "funcapi.h"
#include "ingest/compat.h"
#include "ingest/connector.h"
#include "ingest/history.h"
#include "ingest/merge.h"
#include "ingest/sql.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

SQL_FUNCTION(ingest_create_history_view);
SQL_FUNCTION(ingest_as_of);
SQL_FUNCTION(ingest_drop_old_history);

char *
history_view(const char *schema, const char *table)
{
	return quoted_relation(schema, psprintf("%.*s_history", pg_mbcliplen(table, strlen(table), NAMEDATALEN - 1 - strlen("_history")), table));
}

/* The key of a row of the copy, as history has it */
static char *
key_of(const char *key)
{
	int n;
	char **columns = parse_array(key, &n);

	for (int i = 0; i < n; i++)
		columns[i] = pstrdup(quote_identifier(columns[i]));
	return psprintf("(SELECT to_jsonb(k) FROM (SELECT %s) k)", column_list(columns, n, "t."));
}

static char *
living(const char *target)
{
	return repo_value("SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = '_deleted_at' AND NOT attisdropped", arg_text(target)) ? " AND t._deleted_at IS NULL" : "";
}

/* create_history_view(name) */
Datum
ingest_create_history_view(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int level = sql_begin();
	Rows *rows = repo_rows("SELECT id, owner, target_schema, target_table, history, key FROM ingest.sync WHERE name = $1", arg_text(name));
	Rows *columns;
	char *target,
		*view;
	StringInfoData list;

	if (rows->n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no sync \"%s\"", name)));
	require_role(rows->v[0][1], "sync", name);
	if (!to_bool(rows->v[0][4]))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sync \"%s\" keeps no history", name),
				 errhint("SELECT ingest.alter_sync('%s', '{\"history\": true}').", name)));
	target = quoted_relation(rows->v[0][2], rows->v[0][3]);
	view = history_view(rows->v[0][2], rows->v[0][3]);
	columns = repo_rows("SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> '_deleted_at' ORDER BY attnum",
						arg_text(target));
	initStringInfo(&list);
	for (uint64 i = 0; i < columns->n; i++)
		appendStringInfo(&list, ", (r).%s", columns->v[i][0]);
	user_drop("VIEW", view);
	/* versions that were seen; what a key was before the first of them; rows that never changed since history is kept */
	user_run(psprintf("CREATE VIEW %s AS WITH c AS MATERIALIZED (SELECT * FROM ingest.row_change(%s)) SELECT _valid_from, _valid_to, _operation, _seq%s FROM ("
					  "SELECT seen_at AS _valid_from, lead(seen_at) OVER (PARTITION BY key ORDER BY seq) AS _valid_to, operation AS _operation, seq AS _seq, "
					  "jsonb_populate_record(NULL::%s, coalesce(after, before)) AS r FROM c "
					  "UNION ALL SELECT '-infinity', seen_at, NULL, NULL, jsonb_populate_record(NULL::%s, before) "
					  "FROM (SELECT DISTINCT ON (key) * FROM c ORDER BY key, seq) f WHERE before IS NOT NULL "
					  "UNION ALL SELECT '-infinity', NULL, NULL, NULL, t FROM %s t WHERE NOT EXISTS (SELECT FROM c WHERE c.key = %s)%s) v",
					  view, rows->v[0][0], list.data, target, target, target, key_of(rows->v[0][5]), living(target)));
	user_run(psprintf("COMMENT ON VIEW %s IS %s", view, quote_literal_cstr(psprintf("versions of rows of %s, each from when to when; _operation delete: gone from then on", target))));
	sql_end(level);
	PG_RETURN_TEXT_P(cstring_to_text(view));
}

/* as_of(target anyelement, moment) */
Datum
ingest_as_of(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	Rows *rows;
	char *columns,
		*target;
	int level;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("as_of needs a row of the copy, as NULL::schema.table")));
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the moment must not be null")));
	rows_begin(fcinfo);
	level = sql_begin();
	target = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	rows = repo_rows("SELECT id, name, history, key, now() - history_retention, history_retention FROM ingest.sync WHERE format('%I.%I', target_schema, target_table) = $1", arg_text(target));
	if (rows->n == 0 || !to_bool(rows->v[0][2]))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is no copy with history", target),
				 errhint("ingest.create_sync with history => true makes one.")));
	if (rows->v[0][4] && to_bool(repo_value("SELECT $1::timestamptz < $2::timestamptz", arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(1), false), arg_text(rows->v[0][4]))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("history of %s is kept for %s, and that moment is longer ago", target, rows->v[0][5])));
	columns = repo_value("SELECT string_agg('(r).' || quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
						 arg_text(target));
	{
		Oid types[1] = {TIMESTAMPTZOID};
		Datum values[1] = {PG_GETARG_DATUM(1)};
		/* what changed since is undone: the rest is as it was */
		char *sql = psprintf("WITH f AS MATERIALIZED (SELECT DISTINCT ON (key) key, before FROM ingest.row_change(%s) WHERE seen_at > $1 ORDER BY key, seq) "
							 "SELECT t.* FROM %s t WHERE NOT EXISTS (SELECT FROM f WHERE f.key = %s)%s "
							 "UNION ALL SELECT %s FROM (SELECT jsonb_populate_record(NULL::%s, before) AS r FROM f WHERE before IS NOT NULL) v",
							 rows->v[0][0], target, key_of(rows->v[0][3]), living(target), columns, target);

		SPI_execute_with_args(sql, 1, types, values, NULL, false, 0);
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	}
	sql_end(level);
	return (Datum) 0;
}

/* drop_old_history(): whole days that every sync is done with; what only some keep longer stays */
Datum
ingest_drop_old_history(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Rows *rows;

	if (!superuser() && GetUserId() != repository_owner())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("only the owner of the repository drops history")));
	rows = repo_rows("SELECT c.oid::regclass, c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
					 "WHERE i.inhparent = 'ingest.change'::regclass AND c.relname ~ '^change_\\d{8}$' "
					 "AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (SELECT min((now() - history_retention) AT TIME ZONE 'UTC')::date FROM ingest.sync WHERE history) "
					 "AND NOT EXISTS (SELECT FROM ingest.sync WHERE history AND history_retention IS NULL)");
	for (uint64 i = 0; i < rows->n; i++)
		repo_run(psprintf("DROP TABLE %s", rows->v[i][0]));
	/* syncs with a shorter retention than others */
	repo_run("DELETE FROM ingest.change c USING ingest.sync s WHERE s.id = c.sync AND s.history_retention IS NOT NULL AND c.seen_at < now() - s.history_retention");
	sql_end(level);
	PG_RETURN_INT32(rows->n);
}

/* row_change(sync): as the repository's owner, for whom the copy is open */
SQL_FUNCTION(ingest_row_change);

Datum
ingest_row_change(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid types[1] = {INT4OID};
	Datum values[1] = {PG_GETARG_DATUM(0)};
	Identity saved;
	char *target;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	target = repo_value("SELECT format('%I.%I', target_schema, target_table) FROM ingest.sync WHERE id = $1", arg_int8(PG_GETARG_INT32(0)));
	if (target && !to_bool(user_value("SELECT has_table_privilege($1, 'SELECT')", arg_text(target))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the history of %s", target),
				 errhint("It is for those who may SELECT from %s.", target)));
	become_repository_owner(&saved);
	SPI_execute_with_args("SELECT * FROM ingest.change WHERE sync = $1", 1, types, values, NULL, false, 0);
	become_again(&saved);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	sql_end(level);
	return (Datum) 0;
}
