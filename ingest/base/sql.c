/*
 * sql.c
 *		Statements: on the repository as its owner, on the user's tables as the user.
 *
 * Statements name their schemas.  Those of the repository run with a search_path that
 * no user can put objects into, so that nobody's operator or function runs as another;
 * those of the user with the user's own.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

/* -- arguments -- */

/* C strings as text[] */
static ArrayType *
text_array(char **items, int n)
{
	Datum *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(items[i]);
	return construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT);
}

SqlArg
arg_datum(Oid type, Datum value, bool isnull)
{
	SqlArg arg = {type, value, isnull};

	return arg;
}

SqlArg
arg_null(Oid type)
{
	return arg_datum(type, (Datum) 0, true);
}

/* NULL is null */
SqlArg
arg_text(const char *text)
{
	return text ? arg_datum(TEXTOID, CStringGetTextDatum(text), false) : arg_null(TEXTOID);
}

/* NULL is null; what is too long for a name is cut, as PostgreSQL does */
SqlArg
arg_name(const char *name)
{
	return name ? arg_datum(NAMEOID, DirectFunctionCall1(namein, CStringGetDatum(name)), false) : arg_null(NAMEOID);
}

/* Arguments by value are never null: see arg_null */
SqlArg
arg_int4(int32 value)
{
	return arg_datum(INT4OID, Int32GetDatum(value), false);
}

/* A double, likewise */
SqlArg
arg_float8(double value)
{
	return arg_datum(FLOAT8OID, Float8GetDatum(value), false);
}

SqlArg
arg_texts(char **items, int n)
{
	return arg_datum(TEXTARRAYOID, PointerGetDatum(text_array(items, n)), false);
}

/* A number of a row of the repository, likewise */
SqlArg
arg_int8(int64 value)
{
	return arg_datum(INT8OID, Int64GetDatum(value), false);
}

SqlArg
arg_oid(Oid value)
{
	return arg_datum(OIDOID, ObjectIdGetDatum(value), false);
}

SqlArg
arg_jsonb(const char *text)
{
	return text ? arg_datum(JSONBOID, DirectFunctionCall1(jsonb_in, CStringGetDatum(text)), false) : arg_null(JSONBOID);
}

SqlArg
arg_bool(bool value)
{
	return arg_datum(BOOLOID, BoolGetDatum(value), false);
}

SqlArg
arg_relation(const char *name)
{
	return arg_datum(REGCLASSOID, DirectFunctionCall1(regclassin, CStringGetDatum(name)), false);
}

/* -- settings -- */

static const char *const settings[][2] = {
	{"search_path", PINNED_PATH},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"xmlbinary", "base64"},
	{"row_security", "on"},
	/*
	 * tables that grow and are emptied within a second look large: compiling took three seconds where running
	 * took none
	 */
	{"jit", "off"},
};

/*
 * Names, rows and tables that another session has not let go of yet.  A transaction that is left open keeps nobody
 * waiting for longer, whatever it did: waits for transactions, as of two that write one name, end with it too.
 */
#define LONGEST_WAIT "10s"

/* Whoever has a bound already has said how long a wait may be */
static void
bound_waits(GucAction action)
{
	if (LockTimeout == 0)
		(void) set_config_option("lock_timeout", LONGEST_WAIT, PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

/* Waits have a bound in this process for good, in place of none, which the user's own statements still get */
static bool bounded_for_good = false;

/*
 * As what RESET gives, so that no transaction of a worker has to: that is a twentieth of what a job without
 * work costs
 */
void
sql_bound_waits(void)
{
	if (LockTimeout != 0)
		return;
	SetConfigOption("lock_timeout", LONGEST_WAIT, PGC_USERSET, PGC_S_OVERRIDE);
	bounded_for_good = true;
}

/* The user's search_path: for what runs as the user, such as triggers of a copy */
static char *user_path = NULL;
static Oid user_of_path = InvalidOid; /* whose it is: nobody else's statements run under it */

/* A search_path until the caller's settings are back */
static void
set_path(const char *path)
{
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Pins what a session may have set and what the engine's statements would read differently by; what the caller
 * had is kept for what is done as the user
 */
static void
set_all(GucAction action)
{
	if (strcmp(namespace_search_path, settings[0][1]) != 0)
	{
		if (user_path)
			pfree(user_path);
		user_path = MemoryContextStrdup(TopMemoryContext, namespace_search_path);
		user_of_path = GetUserId();
	}
	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
	bound_waits(action);
}

int
settings_begin(void)
{
	int level = NewGUCNestLevel();

	set_all(GUC_ACTION_SAVE);
	return level;
}

void
settings_end(int level)
{
	AtEOXact_GUC(true, level);
}

int
sql_begin(void)
{
	int level = settings_begin();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return level;
}

/* What was found out since is forgotten */
void
sql_end(int level)
{
	SPI_finish();
	settings_end(level);
}

Datum
sql_end_int4(int level, int32 value)
{
	sql_end(level);
	return Int32GetDatum(value);
}

Datum
sql_end_int8(int level, int64 value)
{
	sql_end(level);
	return Int64GetDatum(value);
}

void
sql_settings(void)
{
	set_all(GUC_ACTION_LOCAL);
}

/* A setting as the role and database have it, whatever the session said */
static void
set_as_user(const char *name)
{
	(void) set_config_option(name, GetConfigOptionResetString(name), PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
							 0, false);
}

void
sql_settings_of_user(void)
{
	for (int i = 0; i < lengthof(settings); i++)
		set_as_user(settings[i][0]);
	if (bounded_for_good)
		(void) set_config_option("lock_timeout", "0", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	else
		set_as_user("lock_timeout");
}

/* -- running -- */

typedef struct Arguments
{
	Oid types[FUNC_MAX_ARGS];
	Datum values[FUNC_MAX_ARGS];
	char nulls[FUNC_MAX_ARGS];
} Arguments;

/* Arguments as SPI wants them */
static void
spread(Arguments *to, int nargs, const SqlArg *args)
{
	for (int i = 0; i < nargs; i++)
	{
		to->types[i] = args[i].type;
		to->values[i] = args[i].value;
		to->nulls[i] = args[i].isnull ? 'n' : ' ';
	}
}

/* Whoever a statement is run as; as the user it is under the user's own search_path */
static void
become(SqlWho who, Identity *saved)
{
	if (who == AS_REPOSITORY)
		become_engine(saved);
	else if (who == AS_USER && user_path && GetUserId() == user_of_path)
		set_path(user_path);
}

/* And the caller, under the engine's search_path, again */
static void
unbecome(SqlWho who, const Identity *saved)
{
	if (who == AS_REPOSITORY)
		become_again(saved);
	else if (who == AS_USER && user_path && GetUserId() == user_of_path)
		set_path(settings[0][1]);
}

/* Under a snapshot of the caller's, or as the transaction sees things now */
static int
spi_execute(Snapshot snapshot, const char *sql, int nargs, Arguments *a)
{
	SPIPlanPtr plan;

	if (snapshot == InvalidSnapshot)
		return SPI_execute_with_args(sql, nargs, a->types, a->values, a->nulls, false, 0);
	plan = SPI_prepare(sql, nargs, a->types);
	if (plan == NULL)
		return SPI_result;
	return SPI_execute_snapshot(plan, a->values, a->nulls, snapshot, InvalidSnapshot, false, true, 0);
}

static void
execute_at(SqlWho who, Snapshot snapshot, const char *sql, int nargs, const SqlArg *args)
{
	Identity saved;
	Arguments a;
	volatile int code = 0;
	MemoryContext context = CurrentMemoryContext;

	spread(&a, nargs, args);
	become(who, &saved);
	PG_TRY();
	{
		code = spi_execute(snapshot, sql, nargs, &a);
	}
	PG_CATCH();
	{
		if (who == AS_REPOSITORY)
			rethrow_plain(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	unbecome(who, &saved);
	if (code < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(code), sql);
}

void
sql_execute(SqlWho who, const char *sql, int nargs, const SqlArg *args)
{
	execute_at(who, InvalidSnapshot, sql, nargs, args);
}

/* Answers as text in the caller's memory: they outlive the statement, its snapshot and its tuples */
Rows *
sql_rows(SqlWho who, const char *sql, int nargs, const SqlArg *args)
{
	return sql_rows_at(who, InvalidSnapshot, sql, nargs, args);
}

Rows *
sql_rows_at(SqlWho who, Snapshot snapshot, const char *sql, int nargs, const SqlArg *args)
{
	Rows *rows = palloc0(sizeof(Rows));
	bool pushed = !ActiveSnapshotSet();
	SPITupleTable *table;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	execute_at(who, snapshot, sql, nargs, args);
	rows->sql = sql;
	rows->n = SPI_processed;
	table = SPI_tuptable;
	if (table)
	{
		TupleDesc desc = table->tupdesc;

		rows->columns = desc->natts;
		rows->v = palloc(sizeof(char **) * Max(rows->n, 1));
		for (uint64 r = 0; r < rows->n; r++)
		{
			rows->v[r] = palloc(sizeof(char *) * desc->natts);
			for (int c = 0; c < desc->natts; c++)
				rows->v[r][c] = SPI_getvalue(table->vals[r], desc, c + 1);
		}
		SPI_freetuptable(table);
	}
	if (pushed)
		PopActiveSnapshot();
	return rows;
}

uint64
sql_run(SqlWho who, const char *sql, int nargs, const SqlArg *args)
{
	bool pushed = !ActiveSnapshotSet();
	uint64 n;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	sql_execute(who, sql, nargs, args);
	n = SPI_processed;
	if (SPI_tuptable)
		SPI_freetuptable(SPI_tuptable);
	if (pushed)
		PopActiveSnapshot();
	return n;
}

#define ROWS_AT_ONCE 1000

/* The rows of a statement as those of the function that was called, a part at a time: no answer is held in memory */
void
sql_result(ReturnSetInfo *rsinfo, SqlWho who, const char *sql, int nargs, const SqlArg *args)
{
	Identity saved;
	Arguments a;
	Portal portal;
	TupleConversionMap *map = NULL;
	bool compared = false;

	spread(&a, nargs, args);
	become(who, &saved);
	portal = SPI_cursor_open_with_args(NULL, sql, nargs, a.types, a.values, a.nulls, true, 0);
	do
	{
		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		/* the row type may have columns that were dropped, which the statement does not give */
		if (map == NULL && !compared)
			map = convert_tuples_by_position(SPI_tuptable->tupdesc, rsinfo->setDesc, "the copy's columns changed");
		compared = true;
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult,
								map ? execute_attr_map_tuple(SPI_tuptable->vals[i], map) : SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	unbecome(who, &saved);
}

/* -- rows from the caller to the engine -- */

/* Into a store that outlives the subtransaction in which it was filled */
static Tuplestorestate *
begin_store(void)
{
	ResourceOwner owner = CurrentResourceOwner;
	Tuplestorestate *store;

	CurrentResourceOwner = TopTransactionResourceOwner;
	store = tuplestore_begin_heap(false, false, work_mem);
	CurrentResourceOwner = owner;
	return store;
}

/* Rows go straight into the store */
typedef struct Storing
{
	DestReceiver receiver;
	Stored *stored;
	MemoryContext context;
	const char *sql;
	int n_types;
	const Oid *types;
} Storing;

/* Rows are taken only if they have the columns that were asked for: types may have changed since, by a user's hand */
static void
storing_begins(DestReceiver *self, int operation, TupleDesc desc)
{
	Storing *storing = (Storing *) self;
	MemoryContext old = MemoryContextSwitchTo(storing->context);

	storing->stored->desc = CreateTupleDescCopy(desc);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < Max(storing->n_types, desc->natts); i++)
	{
		if (storing->n_types != desc->natts || TupleDescAttr(desc, i)->atttypid != storing->types[i])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("what the engine read is not what it created: the columns differ"),
					 errdetail("The statement: %s", storing->sql),
					 errhint("Look for a trigger that replaces temporary tables of the engine.")));
	}
}

/* A row */
static bool
storing_takes(TupleTableSlot *slot, DestReceiver *self)
{
	tuplestore_puttupleslot(((Storing *) self)->stored->rows, slot);
	return true;
}

/* Nothing is left to do */
static void
storing_ends(DestReceiver *self)
{
}

void
sql_store_into(Stored *stored, SqlWho who, const char *sql, int n_types, const Oid *types)
{
	Storing storing = {{storing_takes, storing_begins, storing_ends, storing_ends, DestNone},
					   stored,
					   CurrentMemoryContext,
					   sql,
					   n_types,
					   types};
	SPIExecuteOptions options = {.dest = &storing.receiver};
	Identity nobody = {0};
	bool pushed = !ActiveSnapshotSet();
	int code;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	stored->rows = begin_store();
	become(who, &nobody);
	code = SPI_execute_extended(sql, &options);
	if (code < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(code), sql);
	unbecome(who, &nobody);
	if (pushed)
		PopActiveSnapshot();
}

Stored *
sql_store(SqlWho who, const char *sql, int n_types, const Oid *types)
{
	Stored *stored = palloc0(sizeof(Stored));

	sql_store_into(stored, who, sql, n_types, types);
	return stored;
}

#define STORED_NAME "stored"

/*
 * Lets the next statement read the stored rows as a table of that name: without a table, which a user could
 * replace
 */
static void
register_stored(const Stored *stored)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = STORED_NAME;
	relation->md.tupdesc = stored->desc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = tuplestore_tuple_count(stored->rows);
	relation->reldata = stored->rows;
	/* one may be left from a statement that failed */
	(void) SPI_unregister_relation(STORED_NAME);
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "rows could not be handed to the engine");
}

uint64
stored_run(const Stored *stored, const char *sql, int nargs, const SqlArg *args)
{
	uint64 n;

	register_stored(stored);
	n = sql_run(AS_REPOSITORY, sql, nargs, args);
	(void) SPI_unregister_relation(STORED_NAME);
	return n;
}

Rows *
stored_rows(const Stored *stored, const char *sql, int nargs, const SqlArg *args)
{
	Rows *rows;

	register_stored(stored);
	rows = sql_rows(AS_REPOSITORY, sql, nargs, args);
	(void) SPI_unregister_relation(STORED_NAME);
	return rows;
}

void
stored_end(Stored *stored)
{
	tuplestore_end(stored->rows);
	stored->rows = NULL;
}

/* As the repository's owner; the caller looks at SPI_tuptable and frees it */
int
prepared_run(Prepared *prepared, Datum *values, const char *nulls, long limit)
{
	Identity saved;
	bool pushed = !ActiveSnapshotSet();
	int code;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	become_engine(&saved);
	if (prepared->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(prepared->sql, prepared->nargs, prepared->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare: %s", prepared->sql);
		prepared->plan = plan;
	}
	code = SPI_execute_plan(prepared->plan, values, nulls, false, limit);
	become_again(&saved);
	if (pushed)
		PopActiveSnapshot();
	if (code < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(code), prepared->sql);
	return code;
}

bool
prepared_finds(Prepared *prepared, Datum *values)
{
	bool found;

	prepared_run(prepared, values, NULL, 1);
	found = SPI_processed > 0;
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* The first column of the first row */
char *
rows_value(Rows *rows)
{
	return rows->n > 0 ? rows->v[0][0] : NULL;
}

text *
text_kept(const char *string)
{
	Size n = strlen(string);
	text *kept = SPI_palloc(VARHDRSZ + n);

	SET_VARSIZE(kept, VARHDRSZ + n);
	memcpy(VARDATA(kept), string, n);
	return kept;
}

char **
first_row(const Rows *rows)
{
	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("a row that is needed is gone"),
				 errdetail("No row came from: %s", rows->sql),
				 errhint("What it described was dropped in the meantime, or the repository is being restored.")));
	return rows->v[0];
}

int32
to_int4(const char *text)
{
	return text ? atoi(text) : 0;
}

Oid
to_oid(const char *text)
{
	return text ? atooid(text) : InvalidOid;
}

int64
to_int8(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

bool
to_bool(const char *text)
{
	return text && text[0] == 't';
}

void
audit(const char *function, const char *object, const char *before, const char *after)
{
	repo_run("SELECT ingest_internal.audit($1, $2, $3, $4, $5)", arg_oid(GetUserId()), arg_text(function),
			 arg_text(object), arg_jsonb(before), arg_jsonb(after));
}

/* What DROP calls a relation */
static const char *
kind_in_words(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "VIEW";
		case RELKIND_MATVIEW:
			return "MATERIALIZED VIEW";
		case RELKIND_FOREIGN_TABLE:
			return "FOREIGN TABLE";
		case RELKIND_SEQUENCE:
			return "SEQUENCE";
		default:
			return "TABLE";
	}
}

void
user_drop(const char *name)
{
	Oid relid = to_oid(own_value("SELECT to_regclass($1)::oid", arg_text(name)));

	if (OidIsValid(relid))
		user_run(psprintf("DROP %s %s", kind_in_words(get_rel_relkind(relid)), name));
}

/* -- names and arrays -- */

/* schema.table, each quoted where needed */
char *
quoted_relation(const char *schema, const char *name)
{
	return quote_qualified_identifier(schema, name);
}

/* C strings as the text of an array */
char *
array_literal(char **items, int n)
{
	Oid out;
	bool varlena;

	getTypeOutputInfo(TEXTARRAYOID, &out, &varlena);
	return OidOutputFunctionCall(out, PointerGetDatum(text_array(items, n)));
}

/* The items of an array's text, as PostgreSQL reads it */
char **
parse_array(const char *literal, int *n)
{
	Oid in,
		io_param;
	Datum array;
	Datum *values;
	char **items;

	*n = 0;
	if (literal == NULL)
		return NULL;
	getTypeInputInfo(TEXTARRAYOID, &in, &io_param);
	array = OidInputFunctionCall(in, (char *) literal, io_param, -1);
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, n);
	items = palloc(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		items[i] = TextDatumGetCString(values[i]);
	return items;
}

/* -- JSON -- */

void
json_open(StringInfo json)
{
	initStringInfo(json);
	appendStringInfoChar(json, '{');
}

/* The next key, with the comma before it */
static void
json_key(StringInfo json, const char *key)
{
	if (json->len > 1)
		appendStringInfoChar(json, ',');
	escape_json(json, key);
	appendStringInfoChar(json, ':');
}

void
json_text(StringInfo json, const char *key, const char *value)
{
	json_key(json, key);
	if (value)
		escape_json(json, value);
	else
		appendStringInfoString(json, "null");
}

void
json_int8(StringInfo json, const char *key, int64 value)
{
	json_key(json, key);
	appendStringInfo(json, "%lld", (long long) value);
}

void
json_raw(StringInfo json, const char *key, const char *value)
{
	json_key(json, key);
	appendStringInfoString(json, value ? value : "null");
}

char *
json_close(StringInfo json)
{
	appendStringInfoChar(json, '}');
	return json->data;
}
