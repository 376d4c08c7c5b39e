/*
 * sync.h
 *		Keeping copies current.
 */
#ifndef INGEST_SYNC_H
#define INGEST_SYNC_H

#include "postgres.h"

#include "ingest/repository/connector.h"
#include "ingest/sync/merge.h"

typedef struct Sync
{
	MemoryContext context; /* lives as long */
	int32 id;
	char *name;
	Source *source;
	char *foreign_schema, *foreign_table, *remote_table;
	char *target_schema, *target_table;
	Oid owner;
	char *mode;
	char **key; /* not quoted */
	int n_key;
	char *cursor;
	char *overlap;
	int64 batch_rows;
	char *deletions;
	char *parent_column;
	int32 parent;
	char *profile;
	char *reconcile_every;
	double max_delete_share;
	char *state;
	char *state_reason;
	/* where it is */
	char *phase;
	int32 generation;
	char *watermark;
	char *next_watermark;
	char *deleted_watermark;
	bool reload;
	bool unfilled; /* columns came whose old rows are not read yet */
	int mismatches;
	int64 epoch;
	/* the source's clock at the beginning of this run, and ours */
	char *now_there;
	char *now_here;
	char *newest; /* cursor that this run saw */
	/* rows deleted in this run because reading did not find them, and how many there may be */
	int64 missing;
	int64 missing_limit; /* -1: not asked yet */
	bool braked;
	Copy copy;
	char *shape; /* what the columns were when the stage was made */
	struct Sync *children[32];
	int n_children;
	char *load_table; /* full: where a load of several ranges gathers */
} Sync;

/* In a procedure or a worker; false, and why, if it failed */
extern bool sync_run(const char *name, Failure *failure);
/* A sync with its children; throws if what it reads or writes is gone */
extern Sync *sync_by_id(int32 id);
extern bool sync_is_full(const Sync *s);

#endif /* INGEST_SYNC_H */
