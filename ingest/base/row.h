/*
 * row.h
 *		Rows as structs: each column of an answer into the member of its name.
 *
 * A struct and its fields stand side by side:
 *
 *		typedef struct Waiting { int64 id; char *name; bool urgent; } Waiting;
 *		ROW_SHAPE(waiting_shape, Waiting, FIELD(INT8, Waiting, id), FIELD(TEXT, Waiting, name),
 *				  FIELD(BOOL, Waiting, urgent));
 *
 *		Waiting *w = repo_struct(waiting_shape, "SELECT * FROM ingest_internal.waiting($1)", arg_text(name));
 *
 * Columns that the shape does not name are passed over; a column that is not there, or
 * has a type that the member cannot hold, is an error: library and script differ.
 */
#ifndef INGEST_ROW_H
#define INGEST_ROW_H

#include "postgres.h"

#include "ingest/base/sql.h"

/* NULL is NULL, 0 or false in the member: ask for a column of its own where that matters */
typedef enum FieldType
{
	FIELD_TEXT, /* char *: a value of any type as its output function writes it */
	FIELD_INT4, /* int32 */
	FIELD_INT8, /* int64, of bigint or integer */
	FIELD_OID,  /* Oid, of oid or any reg type */
	FIELD_BOOL, /* bool */
	FIELD_FLOAT8,
	FIELD_TEXTS /* Texts, of text[] or name[]; without NULLs */
} FieldType;

typedef struct Texts
{
	int n;
	char **v;
} Texts;

typedef struct Field
{
	const char *column;
	FieldType type;
	size_t offset;
} Field;

typedef struct RowShape
{
	size_t size;
	int n;
	const Field *fields;
} RowShape;

#define FIELD(type, of, member) \
	{ \
#member, FIELD_##type, offsetof(of, member) \
	}
/* A member with another name than its column */
#define FIELD_OF(column, type, of, member) \
	{ \
		column, FIELD_##type, offsetof(of, member) \
	}
#define ROW_SHAPE(name, of, ...) \
	static const Field name##_fields[] = {__VA_ARGS__}; \
	static const RowShape name = {sizeof(of), lengthof(name##_fields), name##_fields}

/* An array of structs in the current memory context, and how many */
extern void *sql_structs(SqlWho who, const RowShape *shape, int *n, const char *sql, int nargs, const SqlArg *args);
/* The first, or NULL without one */
extern void *sql_struct(SqlWho who, const RowShape *shape, const char *sql, int nargs, const SqlArg *args);
/* The same of a statement that is parsed and planned once */
extern void *prepared_structs(Prepared *prepared, Datum *values, const RowShape *shape, int *n);
/* What SPI just answered, for statements that are run by other means */
extern void row_read(const RowShape *shape, SPITupleTable *table, uint64 row, void *to);

#define repo_structs(shape, n, sql, ...) sql_structs(AS_REPOSITORY, &shape, n, sql, SQL_ARGS(__VA_ARGS__))
#define own_structs(shape, n, sql, ...) sql_structs(AS_CALLER, &shape, n, sql, SQL_ARGS(__VA_ARGS__))
#define user_structs(shape, n, sql, ...) sql_structs(AS_USER, &shape, n, sql, SQL_ARGS(__VA_ARGS__))
#define repo_struct(shape, sql, ...) sql_struct(AS_REPOSITORY, &shape, sql, SQL_ARGS(__VA_ARGS__))
#define own_struct(shape, sql, ...) sql_struct(AS_CALLER, &shape, sql, SQL_ARGS(__VA_ARGS__))
#define user_struct(shape, sql, ...) sql_struct(AS_USER, &shape, sql, SQL_ARGS(__VA_ARGS__))

#endif /* INGEST_ROW_H */
