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
	char *there;        /* what is read of it: itself, or a subquery, see reading.c */
	char *read;         /* the same, which takes note of bad rows */
	bool has_secrets;   /* some of its values must not be told */
	/* columns of it that its connector gives it, or NULL */
	char *piece_column, *position_column, *version_column, *error_column;
	char *stage;         /* rows that were read: a temporary table, or one of a load */
	char *stage_name;    /* of the temporary one */
	char *held;          /* keys of rows whose deletion waits for that of others, a temporary table, or NULL */
	bool may_cut;        /* the source's wrapper may give fewer rows than there are, and no error */
	List *diffs;         /* of Stored: what differs, since the last flush */
	char **columns;      /* in both */
	char **column_names; /* not quoted */
	char **compared;     /* those that hold what the source holds */
	int n_compared;
	bool stages_gone; /* rows of the stage may mean a deletion: they have ingest_gone */
	int n_columns;
	bool is_whole;    /* the copy has no other columns */
	bool distributed; /* on Citus's nodes */
	bool partitioned;
	bool is_large;       /* the stage */
	bool has_triggers;   /* of the user's, which may change or leave out rows before they are written */
	const char *to_json; /* the function that makes JSON of a row, */
	const char *to_key;  /* and that of a key */
	bool spells_keys;    /* two keys may be equal and not the same: 1.0 and 1.00, A and a */
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
/* The key of a row as history has it, a JSON object, made by JSON_OBJECT or one as good; names are not quoted */
#define JSON_OBJECT "jsonb_build_object"
extern char *key_object(const char *function, char **names, int n, const char *alias);
/* The operator by which two values of the type are the same, qualified */
extern char *equality_of(Oid type);
/* The condition that a row of the copy, with a prefix such as "t.", is not marked as deleted */
extern const char *copy_living(const Copy *copy, const char *alias);
/* What INSERT INTO the copy says before SELECT */
extern const char *copy_overriding(const Copy *copy);
extern char *key_match(const Copy *copy, const char *a, const char *b);
/* The condition that a row t has a key that the table has not */
extern char *key_not_in(const Copy *copy, const char *table);

/* The stage into the copy; fails if a row does not fit */
typedef struct Merge
{
	Copy *copy;
	const char *operation; /* of new rows */
	bool replace;          /* rows that are here are taken out and put back */
	char *only;            /* merge_write's: a condition on what is tried again */
	bool is_last;          /* and whether what is not written then never will be */
} Merge;

extern void merge_write(Merge *merge);
/*
 * FROM and WHERE of rows s of the stage for which a condition holds and that the copy's o is not, or not so; only: what
 * else is asked of both, with its AND
 */
extern char *merge_differing(const Copy *copy, const char *condition, const char *only);
/* A SELECT of the rows of the stage, s, as JSON: key and content */
extern char *merge_staged_rows(const Copy *copy);
/*
 * All rows of the stage that differ are taken out before any is put back: numbers of those that had a place, then NULL.
 * It may fail in the end for want of the others, with all that was stored, and is to be undone.
 */
extern void merge_rehearse(const Copy *copy, const char *numbered, Stored *placed);

/* What was counted: a merge that is undone must not have */
typedef struct MergeTally
{
	int64 inserted, updated, deleted, rejected, rows_delta;
	int128 key_delta;
	int n_diffs, n_touched;
} MergeTally;

extern MergeTally merge_tally(const Copy *copy);
extern void merge_tally_again(Copy *copy, const MergeTally *before);
/* The condition that a row t that the stage has not is gone, and not unreadable; NULL: of none can that be said */
extern char *merge_readable(const Copy *copy);
/* Rows of the copy that the stage has not, inside a condition on t */
extern int64 merge_delete_missing(Copy *copy, const char *scope);
/* Rows of the copy that join a list; when: an expression for the time, or NULL; they wait where others refer to them */
extern int64 merge_delete(Copy *copy, const char *using, const char *condition, const char *when);
/* The same at once, or an error */
extern int64 merge_delete_now(Copy *copy, const char *using, const char *condition, const char *when);
/* What was changed goes to history, events and the copy's counts; before the transaction ends */
extern void merge_flush(Copy *copy);
/* At the end of a transaction: the moment of its versions, if it wrote any; then, when it is committed, that it is */
extern char *merge_seal(void);
extern void merge_settle(const char *seen_at);
/* A transaction begins that has written none */
extern void merge_unsealed(void);

#endif /* INGEST_MERGE_H */
