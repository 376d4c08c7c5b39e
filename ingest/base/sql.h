/*
 * sql.h
 *		Statements: on the repository as its owner, on the user's tables as the user.
 */
#ifndef INGEST_SQL_H
#define INGEST_SQL_H

#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "ingest/base/door.h"
#include "lib/stringinfo.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

typedef struct SqlArg
{
	Oid type;
	Datum value;
	bool isnull;
} SqlArg;

extern SqlArg arg_text(const char *text);
extern SqlArg arg_name(const char *name);
extern SqlArg arg_int4(int32 value);
extern SqlArg arg_int8(int64 value);
extern SqlArg arg_float8(double value);
/* A text[] */
extern SqlArg arg_texts(char **items, int n);
extern SqlArg arg_oid(Oid value);
extern SqlArg arg_jsonb(const char *text);
extern SqlArg arg_bool(bool value);
/* A relation by its qualified name, looked up as the caller */
extern SqlArg arg_relation(const char *name);
extern SqlArg arg_null(Oid type);
extern SqlArg arg_datum(Oid type, Datum value, bool isnull);

/* Answers as text: rows->v[row][column], NULL for null */
typedef struct Rows
{
	uint64 n;
	int columns;
	char ***v;
	const char *sql;
} Rows;

typedef enum SqlWho
{
	AS_REPOSITORY, /* the engine's role: on its own tables alone */
	AS_CALLER,     /* the caller, under the engine's settings: questions to the catalogue */
	AS_USER        /* the caller, under its own search_path */
} SqlWho;

/* Leaves the answer in SPI_tuptable */
extern void sql_execute(SqlWho who, const char *sql, int nargs, const SqlArg *args);
extern Rows *sql_rows(SqlWho who, const char *sql, int nargs, const SqlArg *args);
/* The same as a snapshot sees things; of a statement without an answer, how many rows it wrote */
extern Rows *sql_rows_at(SqlWho who, Snapshot snapshot, const char *sql, int nargs, const SqlArg *args);
extern uint64 sql_run(SqlWho who, const char *sql, int nargs, const SqlArg *args);

#define SQL_ARGS(...) \
	sizeof((SqlArg[]){__VA_ARGS__}) / sizeof(SqlArg), (SqlArg[]) \
	{ \
		__VA_ARGS__ \
	}
#define repo_rows(sql, ...) sql_rows(AS_REPOSITORY, sql, SQL_ARGS(__VA_ARGS__))
#define repo_run(sql, ...) sql_run(AS_REPOSITORY, sql, SQL_ARGS(__VA_ARGS__))
#define own_rows(sql, ...) sql_rows(AS_CALLER, sql, SQL_ARGS(__VA_ARGS__))
#define user_rows(sql, ...) sql_rows(AS_USER, sql, SQL_ARGS(__VA_ARGS__))
#define user_run(sql, ...) sql_run(AS_USER, sql, SQL_ARGS(__VA_ARGS__))
/* The first value of the first row, or NULL */
#define repo_value(sql, ...) rows_value(repo_rows(sql, __VA_ARGS__))
#define own_value(sql, ...) rows_value(own_rows(sql, __VA_ARGS__))
#define user_value(sql, ...) rows_value(user_rows(sql, __VA_ARGS__))
extern char *rows_value(Rows *rows);
/* A text that outlives sql_end */
extern text *text_kept(const char *string);
/* The first row; an error if there is none, since rows of the repository may go while somebody works with them */
extern char **first_row(const Rows *rows);
/* A column's value; of NULL 0 or false */
extern int32 to_int4(const char *text);
extern Oid to_oid(const char *text);
extern int64 to_int8(const char *text);
extern bool to_bool(const char *text);

/* The rows of a SELECT as the caller's result: as many as there are, in constant memory */
struct ReturnSetInfo;
extern void sql_result(struct ReturnSetInfo *rsinfo, SqlWho who, const char *sql, int nargs, const SqlArg *args);

/*
 * Rows that a statement of the caller's gave, for the engine: it reads them from the store, never from a relation
 * that the caller could put something else in the place of.  The types are those that the engine expects.
 */
typedef struct Stored
{
	TupleDesc desc;
	Tuplestorestate *rows;
} Stored;

/* into: what was stored is there even if the statement fails in its end */
extern void sql_store_into(Stored *stored, SqlWho who, const char *sql, int n_types, const Oid *types);
extern Stored *sql_store(SqlWho who, const char *sql, int n_types, const Oid *types);
/* A statement of the engine's that reads the rows under the name "stored" */
extern uint64 stored_run(const Stored *stored, const char *sql, int nargs, const SqlArg *args);
extern Rows *stored_rows(const Stored *stored, const char *sql, int nargs, const SqlArg *args);
/* Before the transaction commits */
extern void stored_end(Stored *stored);

/* A statement that is run often: parsed once per session */
typedef struct Prepared
{
	const char *sql;
	int nargs;
	Oid types[10];
	SPIPlanPtr plan;
} Prepared;

extern int prepared_run(Prepared *prepared, Datum *values, const char *nulls, long limit);
/* Does it find anything? */
extern bool prepared_finds(Prepared *prepared, Datum *values);

/*
 * Settings under which the engine's statements mean the same for everybody.  A
 * function calls sql_begin and sql_end; a procedure calls sql_settings after each
 * commit, since they end with the transaction.
 */
extern int settings_begin(void);
extern void settings_end(int level);
extern int sql_begin(void);
/*
 * Frees all that came from statements since: what a function returns of it goes through the other ones, or
 * text_kept()
 */
extern void sql_end(int level);
extern Datum sql_end_int4(int level, int32 value);
extern Datum sql_end_int8(int level, int64 value);
extern void sql_settings(void);
extern void sql_bound_waits(void);
/* What the user's own statements expect: until the transaction's end or sql_settings */
extern void sql_settings_of_user(void);

/* Somebody did something to a thing of the repository; before, after: JSON, or NULL */
extern void audit(const char *function, const char *object, const char *before, const char *after);

/* DROP whatever has the name, if it is there, without a word */
extern void user_drop(const char *name);

extern char *quoted_relation(const char *schema, const char *name);
extern char *array_literal(char **items, int n);
extern char **parse_array(const char *literal, int *n);

/* JSON for events and logs */
extern void json_open(StringInfo json);
extern void json_text(StringInfo json, const char *key, const char *value);
extern void json_int8(StringInfo json, const char *key, int64 value);
extern void json_raw(StringInfo json, const char *key, const char *value);
extern char *json_close(StringInfo json);

#endif /* INGEST_SQL_H */
