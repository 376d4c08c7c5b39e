/*
 * create.c
 *		Making a sync, and the table of its copy.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/base/sql.h"
#include "ingest/event/event.h"
#include "ingest/repository/access.h"
#include "ingest/repository/connector.h"
#include "ingest/sync/create.h"
#include "ingest/sync/describe.h"
#include "ingest/sync/history.h"
#include "ingest/sync/merge.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/settings.h"
#include "ingest/sync/shape.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
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
	ARG_FRESHNESS,
	ARG_PARTITION_BY,
	ARG_DISTRIBUTE_BY,
	ARG_ADOPT,
	ARG_EXCLUDE,
	ARG_PSEUDONYMISE,
	ARG_PSEUDONYM_KEY,
	ARG_DELETED_WHEN
};

/* -- arguments -- */

/* What an argument is as text; NULL if it is null */
char *
argument_as_text(FunctionCallInfo fcinfo, int n)
{
	Oid out;
	bool varlena;

	if (PG_ARGISNULL(n))
		return NULL;
	getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, n), &out, &varlena);
	return OidOutputFunctionCall(out, PG_GETARG_DATUM(n));
}

/* An argument of type name[]; without any if it is null */
Texts
argument_as_texts(FunctionCallInfo fcinfo, int n, const char *what)
{
	Texts texts = {0};
	ArrayType *array;
	Datum *names;

	if (PG_ARGISNULL(n))
		return texts;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (array_contains_nulls(array))
		settings_refuse(psprintf("%s must be an array of column names without nulls", what),
						"For example: key => '{id}'.");
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, NULL, &texts.n);
	texts.v = palloc(sizeof(char *) * Max(texts.n, 1));
	for (int i = 0; i < texts.n; i++)
		texts.v[i] = pstrdup(NameStr(*DatumGetName(names[i])));
	return texts;
}

/* Numbers and intervals go to the repository in their own input's form */
static char *
required_as_text(FunctionCallInfo fcinfo, int n)
{
	(void) required(fcinfo, n);
	return argument_as_text(fcinfo, n);
}

/* As they were given: what is left out is completed from the source, see settings.c */
static Settings
settings_of_arguments(FunctionCallInfo fcinfo)
{
	Settings s = {0};

	s.mode = text_or_null(ARG_MODE);
	s.key = argument_as_texts(fcinfo, ARG_KEY, "the key");
	s.cursor_column = name_or_null(ARG_CURSOR);
	s.overlap = required_as_text(fcinfo, ARG_OVERLAP);
	s.batch_rows = required_as_text(fcinfo, ARG_BATCH_ROWS);
	s.deletions = required_text(ARG_DELETIONS);
	s.parent_column = name_or_null(ARG_PARENT_COLUMN);
	s.history = required_bool(ARG_HISTORY);
	s.history_retention = argument_as_text(fcinfo, ARG_HISTORY_RETENTION);
	s.row_events = required_bool(ARG_ROW_EVENTS);
	s.profile = required_text(ARG_PROFILE);
	s.reconcile_every = argument_as_text(fcinfo, ARG_RECONCILE_EVERY);
	s.max_delete_share = required_as_text(fcinfo, ARG_MAX_DELETE_SHARE);
	s.reject_limit = required_as_text(fcinfo, ARG_REJECT_LIMIT);
	s.exclude = argument_as_texts(fcinfo, ARG_EXCLUDE, "exclude");
	s.pseudonymise = argument_as_texts(fcinfo, ARG_PSEUDONYMISE, "pseudonymise");
	s.pseudonym_key = text_or_null(ARG_PSEUDONYM_KEY);
	s.deleted_when = text_or_null(ARG_DELETED_WHEN);
	return s;
}

/* -- the table of the copy -- */

/* As the owner.  A partitioned copy gets a default partition, so that no row has nowhere to go */
static void
create_table(const Settings *s, const char *target, const char *foreign, const Texts *left_out,
			 const char *partition_by)
{
	Rows *columns = repo_rows("SELECT * FROM ingest_internal.sync_definitions($1, $2::name[], $3::name[])",
							  arg_relation(foreign), arg_texts(left_out->v, left_out->n),
							  arg_texts(s->pseudonymise.v, s->pseudonymise.n));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE TABLE %s (", target);
	for (uint64 i = 0; i < columns->n; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", columns->v[i][0]);
	if (settings_soft(s))
		appendStringInfoString(&sql, ", _deleted_at timestamptz");
	for (int i = 0; i < s->key.n; i++)
		appendStringInfo(&sql, "%s%s%s", i == 0 ? ", PRIMARY KEY (" : ", ", quote_identifier(s->key.v[i]),
						 i == s->key.n - 1 ? ")" : "");
	appendStringInfo(&sql, ")%s%s", partition_by ? " PARTITION BY " : "", partition_by ? partition_by : "");
	user_run(sql.data);
	if (partition_by)
		user_run(psprintf("CREATE TABLE %s PARTITION OF %s DEFAULT",
						  repo_value("SELECT ingest_internal.sync_default_partition($1)", arg_relation(target)),
						  target));
}

/* Citus makes shards of the table, as whoever may */
static void
distribute_table(const char *target, const char *column)
{
	if (own_value("SELECT 1 FROM pg_extension WHERE extname = 'citus'") == NULL)
		settings_refuse("distribute_by needs Citus", "CREATE EXTENSION citus, or leave distribute_by out.");
	user_run("SELECT create_distributed_table($1::regclass, $2)", arg_text(target), arg_text(column));
}

/* One that is there is taken if it is the owner's and empty, or if that is what was said */
static void
take_table(const Settings *s, const char *target, bool adopt)
{
	settings_require_target(target);
	if (!adopt && user_value(psprintf("SELECT 1 FROM %s LIMIT 1", target)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s already has rows", target),
				 errdetail("A copy contains only the source's rows: others would be taken for deleted ones."),
				 errhint("Empty it, name another table, or use adopt => true.")));
	settings_prepare_target(s, target);
}

/* -- the sync -- */

/* Checks speak in sentences: see check_sync() in functions.sql */
static int32
insert_sync(const Settings *s, const char *name, const Source *source, const SourceTable *table, const char *schema,
			const char *relname)
{
	return to_int4(repo_value("SELECT ingest_internal.sync_insert($1, $2, $3, $4, $5, $6, $7, $8::name[], $9, "
							  "$10::interval, $11::integer, $12, "
							  "$13, $14, $15, $16::interval, $17, $18, $19::interval, $20::float8, $21::float8, "
							  "$22::name[], $23::name[], $24, $25)",
							  arg_text(name), arg_int4(source->id), arg_int4(table->id), arg_name(schema),
							  arg_name(relname), arg_oid(GetUserId()), arg_text(s->mode), arg_texts(s->key.v, s->key.n),
							  arg_name(s->cursor_column), arg_text(s->overlap), arg_text(s->batch_rows),
							  arg_text(s->deletions), s->parent ? arg_int4(s->parent) : arg_null(INT4OID),
							  arg_name(s->parent_column), arg_bool(s->history), arg_text(s->history_retention),
							  arg_bool(s->row_events), arg_text(s->profile), arg_text(s->reconcile_every),
							  arg_text(s->max_delete_share), arg_text(s->reject_limit),
							  arg_texts(s->exclude.v, s->exclude.n),
							  arg_texts(s->pseudonymise.v, s->pseudonymise.n), arg_text(s->pseudonym_key),
							  arg_text(s->deleted_when)));
}

/* In the same transaction, so that nobody hears of a sync that is not there */
static void
announce_created(const char *name, const char *source, const char *foreign, const char *target, const char *mode)
{
	StringInfoData json;

	json_open(&json);
	json_text(&json, "sync", name);
	json_text(&json, "foreign_table", foreign);
	json_text(&json, "target", target);
	json_text(&json, "mode", mode);
	event_emit("ingest.sync.created", source, name, json_close(&json));
}

/* One writer of a copy: a second would take the rows of the first for deleted ones */
static void
require_new(const char *name, const char *target, const char *schema, const char *relname)
{
	if (to_bool(repo_value("SELECT ingest_internal.sync_stands($1, $2, $3)", arg_text(name), arg_name(schema),
						   arg_name(relname))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a sync \"%s\", or one into %s, already", name, target)));
}

/* A crawl remembers tables whose foreign table somebody may have dropped or replaced */
static Source *
require_foreign_table(Oid relid, const char *foreign, const SourceTable *table)
{
	Source *source = source_by_name(table->source);

	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is no longer a foreign table", foreign),
				 errhint("CALL ingest.crawl(%s).", quote_literal_cstr(source->name))));
	return source;
}

/* Create_sync(): the row, and the table where there is none; the first run reads */
Datum
ingest_create_sync(PG_FUNCTION_ARGS)
{
	Oid relid = required_oid(ARG_SOURCE_TABLE);
	char *target_text = required_text(ARG_TARGET);
	char *name = text_or_null(ARG_NAME);
	char *parent = text_or_null(ARG_PARENT);
	bool adopt = required_bool(ARG_ADOPT);
	RangeVar *range;
	char *schema,
		*target,
		*foreign;
	Settings settings;
	Texts left_out;
	SourceTable *table;
	Source *source;
	Identity caller;
	text *result;
	int32 id;
	int level;

	if (get_rel_name(relid) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("source_table is not a table: there is none with OID %u", relid)));
	/* in the caller's search_path, before it is ours */
	range = makeRangeVarFromNameList(names_of(target_text));
	schema = get_namespace_name(RangeVarGetCreationNamespace(range));
	level = sql_begin();
	settings = settings_of_arguments(fcinfo);
	target = quoted_relation(schema, range->relname);
	if (name == NULL)
		name = psprintf("%s.%s", schema, range->relname);
	foreign = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	table = source_table_of(relid);
	source = require_foreign_table(relid, foreign, table);
	/* who acts for the owner does so with the owner's rights, and makes the owner's sync */
	become_owner(is_member_of_role_nosuper(GetUserId(), source->owner) ? GetUserId() : source->owner, &caller);
	settings_default_mode(&settings, source, relid);
	settings_check_words(&settings);
	if (parent)
		settings_set_parent(&settings, parent, table, source, relid);
	settings_complete(&settings, table, source, relid, NULL);
	left_out = reading_left_out(&settings.exclude, source, relid, settings.mode);
	if (own_value("SELECT to_regclass($1)", arg_text(target)) != NULL)
	{
		take_table(&settings, target, adopt);
		shape_require_fit(foreign, target, &left_out, &settings.pseudonymise);
	}
	else
	{
		create_table(&settings, target, foreign, &left_out, text_or_null(ARG_PARTITION_BY));
		if (!PG_ARGISNULL(ARG_DISTRIBUTE_BY))
			distribute_table(target, name_or_null(ARG_DISTRIBUTE_BY));
	}
	require_new(name, target, schema, range->relname);
	id = insert_sync(&settings, name, source, table, schema, range->relname);
	if (!PG_ARGISNULL(ARG_FRESHNESS))
		repo_run("SELECT ingest_internal.sync_freshness($1, $2::interval)", arg_int4(id),
				 arg_text(argument_as_text(fcinfo, ARG_FRESHNESS)));
	describe_copy(id, target);
	access_forget();
	if (settings.history)
		(void) history_view_create(name);
	become_again(&caller);
	audit("create_sync", name, NULL, NULL);
	announce_created(name, source->name, foreign, target, settings.mode);
	result = text_kept(name);
	sql_end(level);
	PG_RETURN_TEXT_P(result);
}
