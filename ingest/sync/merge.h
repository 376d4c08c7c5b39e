/*
 * merge.h
 *		A batch of rows into the copy, its history and its events.
 */
#ifndef INGEST_MERGE_H
#define INGEST_MERGE_H

#include "postgres.h"

#include "ingest/repository/run.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

typedef struct Strings
{
	char **items;
	int n;
	int room;
} Strings;

/* A copy as a batch sees it.  Names are quoted. */
typedef struct Copy
{
	int32 sync;
	const char *name;
	const char *source; /* the source's name */
	char *target;       /* qualified */
	char *foreign;      /* qualified */
	char *stage;        /* rows that were read: a temporary table, or one of a load */
	char *stage_name;   /* of the temporary one */
	List *diffs;        /* of Stored: what differs, since the last flush */
	char **columns;     /* in both */
	int n_columns;
	bool is_whole;    /* the copy has no other columns */
	bool distributed; /* on Citus's nodes */
	char **key;
	char **key_names; /* not quoted */
	char **key_types;
	char **key_equals; /* operators */
	int n_key;
	bool key_is_integer; /* its first column: ranges can be cut */
	char *cursor;        /* or NULL */
	char *cursor_type;
	bool cursor_is_time; /* timestamptz, timestamp or date */
	bool soft;
	bool ignore_deletions;
	bool history;
	bool row_events;
	double reject_limit;
	Run *run;
	/* since the last flush: what the copy's count and sum of keys became more */
	int64 rows_delta;
	int128 key_delta;
	Strings *touched; /* first key column of rows written, where children ask for it */
} Copy;

extern void strings_add(Strings *strings, const char *item);
/* "a, b, c", each with a prefix such as "t." */
extern char *column_list(char **columns, int n, const char *prefix);
/* The key of a row as history has it, a JSON object; names are not quoted */
extern char *key_object(char **names, int n, const char *alias);
/* The operator by which two values of the type are the same, qualified */
extern char *equality_of(Oid type);
/* The condition that a row of the copy, with a prefix such as "t.", is not marked as deleted */
extern const char *copy_living(const Copy *copy, const char *alias);
extern char *key_match(const Copy *copy, const char *a, const char *b);
/* The condition that a row t has a key that the table has not */
extern char *key_not_in(const Copy *copy, const char *table);

extern void stage_create(Copy *copy);
extern void stage_drop(Copy *copy);
/* Rows of the source under a condition, into the stage: how many */
extern int64 stage_fetch(Copy *copy, const char *where);
/* The same, but rows that do not fit are rejected: whole ranges are halved until the row is found */
extern int64 stage_fetch_isolating(Copy *copy, const char *where);
/* The stage into the copy; rows that do not fit are rejected one by one */
extern void merge_stage(Copy *copy, const char *operation);
/* Are rows that the stage has not gone? Not while some could not be read */
extern bool merge_may_judge_missing(const Copy *copy);
/* Rows of the copy that the stage has not, inside a condition on t */
extern int64 merge_delete_missing(Copy *copy, const char *scope);
/* Rows of the copy that join a list; when: an expression for the time, or NULL */
extern int64 merge_delete(Copy *copy, const char *using, const char *condition, const char *when);
/* What was changed goes to history, events and the copy's counts; before the transaction ends */
extern void merge_flush(Copy *copy);
/* At the end of a transaction: the moment of its versions, if it wrote any; then, when it is committed, that it is */
extern char *merge_seal(void);
extern void merge_settle(const char *seen_at);
/* A transaction begins that has written none */
extern void merge_unsealed(void);
extern void merge_check_rejected(Copy *copy);

#endif /* INGEST_MERGE_H */
