/*
 * history.c
 *		Versions of rows, and a table as it was.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "ingest/base/argument.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/repository/access.h"
#include "ingest/sync/history.h"
#include "ingest/sync/merge.h"
#include "ingest/sync/sync.h"
#include "ingest/base/sql.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

SQL_FUNCTION(ingest_create_history_view);
SQL_FUNCTION(ingest_drop_history_view);
SQL_FUNCTION(ingest_as_of);
SQL_FUNCTION(ingest_row_history);
SQL_FUNCTION(ingest_row_change);
SQL_FUNCTION(ingest_new_changes);
SQL_FUNCTION(ingest_drop_old_history);

#define VIEW_SUFFIX "_history"

/* The name of a copy's history view, not quoted */
static char *
view_name(const char *table)
{
	return psprintf("%.*s" VIEW_SUFFIX, pg_mbcliplen(table, strlen(table), NAMEDATALEN - 1 - strlen(VIEW_SUFFIX)),
					table);
}

char *
history_view(const char *schema, const char *table)
{
	return quoted_relation(schema, view_name(table));
}

/* -- a copy with history -- */

typedef struct Kept
{
	int32 id;
	char *name;
	Oid relation; /* the copy; 0: gone, and what has its name is another table */
	char *target_schema, *target_table;
	Texts key;
	bool history;
	char *retention; /* how long its history is kept, or NULL */
	char *since;     /* the moment from which it can be told */
	Oid owner;
	char *owner_name;
	char *target; /* qualified and quoted */
} Kept;

ROW_SHAPE(kept_shape, Kept,
		  FIELD(INT4, Kept, id),
		  FIELD(TEXT, Kept, name),
		  FIELD(OID, Kept, relation),
		  FIELD(TEXT, Kept, target_schema),
		  FIELD(TEXT, Kept, target_table),
		  FIELD(TEXTS, Kept, key),
		  FIELD(BOOL, Kept, history),
		  FIELD(TEXT, Kept, retention),
		  FIELD(TEXT, Kept, since),
		  FIELD(OID, Kept, owner),
		  FIELD(TEXT, Kept, owner_name));

/* Of a sync by its number; NULL: there is none */
static Kept *
kept_by_id(int32 id)
{
	Kept *kept = repo_struct(kept_shape, "SELECT * FROM ingest_internal.sync_history($1)", arg_int4(id));

	if (kept)
		kept->target = quoted_relation(kept->target_schema, kept->target_table);
	return kept;
}

/* History outlives the copy, so the repository is asked, not the catalogue */
static Kept *
kept_by_name(const char *name)
{
	char *id = repo_value("SELECT id FROM ingest.sync WHERE name = $1", arg_text(name));
	Kept *kept = id ? kept_by_id(to_int4(id)) : NULL;

	if (kept == NULL)
		sync_refuse_unknown(name);
	return kept;
}

/* -- versions -- */

/* The key of a row t of the copy, as history has it */
static char *
key_of(const Kept *kept)
{
	return key_object(JSON_OBJECT, kept->key.v, kept->key.n, "t.");
}

typedef struct KeyColumn
{
	char *quoted;
	Oid type;
} KeyColumn;

ROW_SHAPE(key_column_shape, KeyColumn, FIELD(TEXT, KeyColumn, quoted), FIELD(OID, KeyColumn, type));

/* A row t of the copy has the key of record k */
static char *
same_key(const Kept *kept)
{
	int n;
	KeyColumn *columns = repo_structs(key_column_shape, &n, "SELECT * FROM ingest_internal.sync_key_columns($1, $2)",
									  arg_relation(kept->target), arg_texts(kept->key.v, kept->key.n));
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%st.%s %s k.%s", i > 0 ? " AND " : "", columns[i].quoted, equality_of(columns[i].type),
						 columns[i].quoted);
	return sql.data;
}

/* Softly deleted rows are no rows of the copy at a moment */
static char *
living(const Kept *kept)
{
	return to_bool(repo_value("SELECT ingest_internal.has_column($1, '_deleted_at')", arg_relation(kept->target)))
			   ? " AND t._deleted_at IS NULL"
			   : "";
}

/* The columns of a row, each with a prefix */
static char *
columns_of(const Kept *kept, const char *prefix, bool all)
{
	return repo_value("SELECT ingest_internal.sync_column_list($1, $2, $3)", arg_relation(kept->target),
					  arg_text(prefix), arg_bool(all));
}

/* Versions that were seen, and what a key was before the first of them */
static char *
seen_versions(const Kept *kept)
{
	return psprintf("SELECT seen_at AS _valid_from, lead(seen_at) OVER (PARTITION BY key ORDER BY seq) AS _valid_to, "
					"operation AS _operation, seq AS _seq, "
					"ingest_internal.row_of_json(NULL::%s, coalesce(after, before)) AS r FROM c "
					"UNION ALL SELECT '-infinity', seen_at, NULL, NULL, ingest_internal.row_of_json(NULL::%s, before) "
					"FROM (SELECT DISTINCT ON (key) * FROM c ORDER BY key, seq) f WHERE before IS NOT NULL",
					kept->target, kept->target);
}

/* Rows t that never changed since history is kept; with a key, which is $1, that of this key */
static char *
unchanged_rows(const Kept *kept, bool of_one)
{
	if (of_one)
		return psprintf("ingest_internal.row_of_json(NULL::%s, $1) k JOIN %s t ON %s WHERE NOT EXISTS (SELECT FROM c)",
						kept->target, kept->target, same_key(kept));
	return psprintf("%s t WHERE NOT EXISTS (SELECT FROM c WHERE c.key = %s)", kept->target, key_of(kept));
}

/* Versions of rows, each with from when to when; with a key, of that key alone, which is $1 */
static char *
versions(const Kept *kept, bool of_one)
{
	return psprintf("WITH c AS MATERIALIZED (SELECT * FROM ingest_internal.row_change(%d%s)) "
					"SELECT _valid_from, _valid_to, _operation, _seq, r FROM (%s) v "
					"UNION ALL SELECT '-infinity', NULL, NULL, NULL, ROW(%s)::%s FROM %s%s ORDER BY _seq NULLS FIRST",
					kept->id, of_one ? ", $1" : "", seen_versions(kept), columns_of(kept, "t.", true), kept->target,
					unchanged_rows(kept, of_one), living(kept));
}

/* -- the view -- */

/* What types and their functions do, row_history does as the owner: who reads the view runs nothing of the owner's */
static void
create_view(const Kept *kept, const char *view)
{
	if (own_value("SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind <> 'v'", arg_text(view)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("%s is not a view, and has the name that the history view of %s needs", view, kept->target),
				 errhint("Rename it: ALTER TABLE %s RENAME TO ....", view)));
	user_drop(view);
	user_run(psprintf("CREATE VIEW %s AS SELECT h.valid_from AS _valid_from, h.valid_to AS _valid_to, h.operation AS "
					  "_operation, "
					  "h.seq AS _seq, %s FROM ingest.row_history(NULL::%s, NULL) h",
					  view, columns_of(kept, "(h.version).", false), kept->target));
	user_run(psprintf("COMMENT ON VIEW %s IS %s", view,
					  quote_literal_cstr(psprintf("versions of rows of %s, each with the period in which it was "
												  "current; _operation delete: gone from then on",
												  kept->target))));
}

char *
history_view_create(const char *name)
{
	Kept *kept = kept_by_name(name);
	char *view = history_view(kept->target_schema, kept->target_table);
	Identity caller;

	require_owner(kept->owner, kept->owner_name, "sync", name);
	if (!kept->history)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sync \"%s\" keeps no history", name),
				 errhint("SELECT ingest.alter_sync(%s, history => true).", quote_literal_cstr(name))));
	become_owner(kept->owner, &caller);
	create_view(kept, view);
	become_again(&caller);
	return view;
}

/* For attempt(): views of users may hang on it */
static void
drop_view(void *arg)
{
	user_run(psprintf("DROP VIEW %s", (char *) arg));
}

/* drop_history_view(of_sync): that which the engine made, as its owner; one that others depend on stays */
Datum
ingest_drop_history_view(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Kept *kept = PG_ARGISNULL(0) ? NULL : kept_by_id(PG_GETARG_INT32(0));
	Identity caller;
	Failure failure;

	if (kept && to_bool(repo_value("SELECT ingest_internal.is_history_view($1, $2, $3)", arg_name(kept->target_schema),
								   arg_name(view_name(kept->target_table)), arg_oid(kept->owner))))
	{
		char *view = history_view(kept->target_schema, kept->target_table);

		become_owner(kept->owner, &caller);
		if (!attempt(drop_view, view, &failure))
			ereport(NOTICE,
					(errmsg("the view %s stays: %s", view, failure.message),
					 errhint("DROP VIEW %s CASCADE; it has nothing to show any more.", view)));
		become_again(&caller);
	}
	sql_end(level);
	PG_RETURN_VOID();
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

/* -- a table as it was -- */

/* The copy that the function's first argument is a row of, whose owner reads it: casts and types are theirs */
static Kept *
kept_copy(FunctionCallInfo fcinfo, const char *function)
{
	Oid type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	char *id;
	Kept *kept;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s needs a row of the copy, as NULL::schema.table", function)));
	id = repo_value("SELECT ingest_internal.sync_into($1)", arg_oid(relid));
	kept = id ? kept_by_id(to_int4(id)) : NULL;
	if (kept == NULL || !kept->history)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s is not a copy with history",
							   quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid))),
						errhint("ingest.create_sync with history => true creates one.")));
	kept->owner = reader_of(relid, "history");
	return kept;
}

/* Of a moment before history was kept nothing is known */
static void
require_known(const Kept *kept, SqlArg moment)
{
	if (to_bool(repo_value("SELECT coalesce($1 >= $2::timestamptz, false)", moment, arg_text(kept->since))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("what %s held at that moment is not known", kept->target),
			 kept->retention
				 ? errdetail("Its history is kept for %s; it reaches back to %s.", kept->retention, kept->since)
				 : errdetail("Its history is kept since %s.", kept->since)));
}

/* Of moments that another timeline or cluster went on to, neither */
static void
require_lived(const Kept *kept, SqlArg moment)
{
	if (!home_is_ours() || !to_bool(repo_value("SELECT unknown @> $1 FROM ingest.installation", moment)))
		return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("what %s held at that moment is not known", kept->target),
					errdetail("The server was restored to a moment before, or a standby was promoted, and began again "
							  "after it.")));
}

/* Of one that has not come yet neither, nor of one that is later than what this transaction sees */
static void
require_past(const Kept *kept, TimestampTz moment)
{
	if (moment > GetCurrentTimestamp())
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("what %s will hold is not known: the moment has not come yet", kept->target)));
	if (IsolationUsesXactSnapshot() && moment > GetCurrentTransactionStartTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("what %s held at that moment cannot be seen from this transaction, which began earlier",
						kept->target),
				 errhint("Ask for now() at the latest, or in a transaction of isolation level read committed.")));
}

/* A commit's moment, as far as it is known */
typedef struct Unsettled
{
	char *began, *ended;
} Unsettled;

ROW_SHAPE(unsettled_shape, Unsettled, FIELD(TEXT, Unsettled, began), FIELD(TEXT, Unsettled, ended));

/* What is told of a moment never changes: so nothing is told of one while a run was about to commit */
static void
require_settled(const Kept *kept, SqlArg moment)
{
	Unsettled *commit =
		repo_struct(unsettled_shape, "SELECT * FROM ingest_internal.sync_unsettled($1, $2, clock_timestamp())",
					arg_int4(kept->id), moment);

	if (commit == NULL)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("what %s held at that moment is not certain: a run was committing", kept->target),
					commit->ended
						? errdetail("It did so between %s and %s.", commit->began, commit->ended)
						: errdetail("It began to at %s; when it was done will be known after its next transaction.",
									commit->began),
					commit->ended ? errhint("Ask for a moment before the first, or for the second or a later one.")
								  : errhint("Ask again in a moment; if the run's process died, after its next run.")));
}

/* What changed since is undone: the rest is as it was; $1 is the moment */
static char *
as_it_was(const Kept *kept)
{
	return psprintf("WITH f AS MATERIALIZED (SELECT DISTINCT ON (key) key, before "
					"FROM ingest_internal.row_change(%d, NULL, $1) ORDER BY key, seq) "
					"SELECT t.* FROM %s t WHERE NOT EXISTS (SELECT FROM f WHERE f.key = %s)%s "
					"UNION ALL SELECT %s FROM (SELECT ingest_internal.row_of_json(NULL::%s, before) AS r FROM f "
					"WHERE before IS NOT NULL) v",
					kept->id, kept->target, key_of(kept), living(kept), columns_of(kept, "(r).", true), kept->target);
}

/* Keys and versions have moments in UTC (row_json.c): until sql_end, this session writes them so */
static void
write_moments_in_utc(void)
{
	(void) set_config_option("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* as_of(target anyelement, moment) */
Datum
ingest_as_of(PG_FUNCTION_ARGS)
{
	SqlArg moment = arg_datum(TIMESTAMPTZOID, required(fcinfo, 1), false);
	Kept *kept;
	char *sql;
	Identity caller;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	write_moments_in_utc();
	kept = kept_copy(fcinfo, "as_of");
	require_known(kept, moment);
	require_past(kept, DatumGetTimestampTz(moment.value));
	require_lived(kept, moment);
	sql = as_it_was(kept);
	/* taken after the moment, whenever the statement began */
	PushActiveSnapshot(GetTransactionSnapshot());
	become_restricted(kept->owner, &caller);
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER, sql, SQL_ARGS(moment));
	become_again(&caller);
	PopActiveSnapshot();
	/* by all that is known by now, which is more than what was just read */
	require_settled(kept, moment);
	sql_end(level);
	return (Datum) 0;
}

/* A part of a key would find versions of several rows as if they were of one */
static void
require_key(const Kept *kept, SqlArg key)
{
	if (!to_bool(repo_value("SELECT jsonb_typeof($1) = 'object' AND $1 ?& $2 AND $1 - $2 = '{}'", key,
							arg_texts(kept->key.v, kept->key.n))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of %s is an object of %s", kept->target, array_literal(kept->key.v, kept->key.n)),
				 errhint("For example: jsonb_build_object('column', value, ...).")));
}

/* row_history(target anyelement, key): by the key, so that it reads that row's versions alone; null: of all rows */
Datum
ingest_row_history(PG_FUNCTION_ARGS)
{
	bool of_one = !PG_ARGISNULL(1);
	SqlArg key = arg_datum(JSONBOID, of_one ? PG_GETARG_DATUM(1) : (Datum) 0, !of_one);
	Kept *kept;
	Identity caller;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	write_moments_in_utc();
	kept = kept_copy(fcinfo, "row_history");
	if (of_one)
		require_key(kept, key);
	become_restricted(kept->owner, &caller);
	/* as history has it: {"id": "7"} is {"id": 7} there */
	if (of_one)
		key = arg_jsonb(own_value(
			psprintf("SELECT %s FROM ingest_internal.row_of_json(NULL::%s, $1) t", key_of(kept), kept->target), key));
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER, versions(kept, of_one), of_one ? 1 : 0, &key);
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

/* -- retention, and what the room's other functions read -- */

/* How long it waits for whoever reads a day: everybody else who wants it waits behind */
#define LOCK_TIMEOUT_OF_DROP "2s"

/* For attempt(): whoever reads that day keeps it, and no other */
static void
drop_day(void *arg)
{
	repo_run(psprintf("DROP TABLE %s", (char *) arg));
}

/* drop_old_history(): whole days that every sync is done with; what only some keep longer stays */
Datum
ingest_drop_old_history(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	int dropped = 0;
	Rows *days;

	if (!superuser() && GetUserId() != engine_role())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("only the owner of the repository can drop history")));
	(void) set_config_option("lock_timeout", LOCK_TIMEOUT_OF_DROP, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	days = repo_rows("SELECT * FROM ingest_internal.sync_old_partitions()");
	for (uint64 i = 0; i < days->n; i++)
	{
		Failure failure;

		if (attempt(drop_day, days->v[i][0], &failure))
			dropped++;
		else if (failure_is_busy(&failure))
			ereport(NOTICE,
					(errmsg("%s is being read, and will be dropped later", days->v[i][0])));
		else
			failure_rethrow(&failure);
	}
	/* syncs with a shorter retention than others */
	repo_run("SELECT ingest_internal.sync_prune_changes()");
	return sql_end_int4(level, dropped);
}

/* Versions that began to be written after a moment, or before it and were committed later */
#define NOT_SEEN_YET \
	" AND c.seen_at > least($3, (SELECT min(y.seen_at) - interval '1 us' FROM ingest.change_commit y " \
	"WHERE y.sync = $1 AND y.before_commit > $3)) AND coalesce(w.before_commit, c.seen_at) > $3"

#define OF_KEY " AND jsonb_hash_extended(c.key, 0) = jsonb_hash_extended($2, 0) AND c.key = $2"

/* Each with the moment from which on everybody saw it, as far as that is known */
#define VERSIONS_OF_SYNC \
	"SELECT c.seq, c.sync, c.operation, c.key, c.before, c.after, c.source_time, coalesce(w.after_commit, " \
	"c.seen_at), c.run, c.xid FROM ingest.change c LEFT JOIN ingest.change_commit w USING (sync, seen_at) WHERE " \
	"c.sync = $1"

/* Versions are read as the repository's owner, for the copy's */
static void
require_versions(SqlArg sync)
{
	Kept *kept = sync.isnull ? NULL : kept_by_id(DatumGetInt32(sync.value));
	Oid relid = kept ? kept->relation : InvalidOid;

	/* of a copy that is gone, was given up, or is another one's by now, nobody can say who may read it */
	if (!OidIsValid(relid) || !owns_relation(kept->owner, relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("there is no sync %s with a copy",
							   sync.isnull ? "null" : psprintf("%d", DatumGetInt32(sync.value)))));
	/* as_of and row_history, which ask as its owner, show others no columns that the copy does not have any more */
	if (!superuser() && !owns_relation(GetUserId(), relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the history of %s", kept->target),
				 errhint("ingest.as_of and ingest.row_history show it to those who may SELECT all columns and rows of "
						 "%s.",
						 kept->target)));
}

/* row_change(sync, key, since) */
Datum
ingest_row_change(PG_FUNCTION_ARGS)
{
	SqlArg sync = arg_datum(INT4OID, PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	SqlArg key = arg_datum(JSONBOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	SqlArg since = arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	require_versions(sync);
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_REPOSITORY,
			   psprintf(VERSIONS_OF_SYNC "%s%s", key.isnull ? "" : OF_KEY, since.isnull ? "" : NOT_SEEN_YET),
			   SQL_ARGS(sync, key, since));
	sql_end(level);
	return (Datum) 0;
}

/*
 * new_changes(sync, after, until, since)
 *
 * One group of syncs writes at a time, so the versions of a sync are committed in the order of seq, whatever the clock
 * says: seq alone decides which ones are new.  The moment only keeps days of history from being read.
 */
Datum
ingest_new_changes(PG_FUNCTION_ARGS)
{
	SqlArg sync = arg_datum(INT4OID, PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	SqlArg after = arg_datum(INT8OID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	SqlArg until = arg_datum(INT8OID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	SqlArg since = arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	require_versions(sync);
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_REPOSITORY,
			   psprintf(VERSIONS_OF_SYNC " AND c.seq > $2 AND c.seq <= $3%s",
						since.isnull ? "" : " AND c.seen_at >= $4"),
			   SQL_ARGS(sync, after, until, since));
	sql_end(level);
	return (Datum) 0;
}
