/*
 * lake.h
 *		An export, and the lake's table that it writes: what there is to write, and in which words.
 */
#ifndef INGEST_EXPORT_LAKE_H
#define INGEST_EXPORT_LAKE_H

#include "postgres.h"

#include "ingest/base/row.h"

typedef struct Export
{
	int32 id;
	char *name;
	Oid owner;
	char *owner_name;
	char *mode;
	char *expressions; /* by columns of the lake, JSON */
	bool replaces;
	char *held;
	char *app; /* as which the lake knew it last, or NULL */
	int64 mark;
	char *shape;
	char *since;                    /* what came after it was last done was not seen before this; NULL: it never was */
	Oid from_relation, to_relation; /* 0: gone */
	char *from_name, *to_name;
	int32 sync; /* that keeps history of what is exported; 0: none */
	int32 source;
	bool loaded;    /* by that sync */
	bool soft;      /* some of its rows count as deleted */
	char *known_at; /* when it was last done, or else made */
	bool known;     /* history since then */
	char *now;
} Export;

/* What a lake's table takes, and the functions of its connector */
typedef struct Lake
{
	Oid relation;
	char *columns, *mark, *published; /* functions */
	char *written;                    /* names of columns that are written, as an array */
	char *names, *values;             /* of columns, and what is written to them, as lists */
	char *folder;                     /* columns by which rows are deleted, as one text; NULL: there are none */
	char *folder_of;                  /* that of a row */
	bool tells_deleted;               /* it has the column by which rows count as deleted */
} Lake;

extern Export *export_by_id(int32 id);
/* An error if a relation is no lake's; to be asked as whom it is written */
extern Lake *lake_of(Oid relation, const char *name);
/* What goes where; an error if it is not known of a column */
extern void lake_fill(Lake *lake, const Export *e);
/* The folder of a row depends on nothing but its columns */
extern bool lake_row_decides(const Lake *lake, const Export *e);
/* Up to where a writer's rows are in the lake; -1: there are none */
extern int64 lake_has(const Lake *lake, const char *app);
extern void lake_sign(const Lake *lake, const char *app, int64 mark);
extern bool lake_has_rows(const char *name);

#define is_changes(e) (strcmp((e)->mode, "changes") == 0)
#define is_snapshot(e) (strcmp((e)->mode, "snapshot") == 0)
/* The statement that writes all there is, and the one that writes what came after $1 and until $2, seen since $3 */
extern char *lake_insert_all(const Lake *lake, const Export *e);
extern char *lake_insert_new(const Lake *lake, const Export *e);
/* The folders, as an array, of rows whose versions came after $1 and until $2, seen since $3 */
extern char *lake_touched(const Lake *lake, const Export *e);

#endif /* INGEST_EXPORT_LAKE_H */
