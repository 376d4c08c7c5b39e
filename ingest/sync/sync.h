/*
 * sync.h
 *		Keeping copies current.
 */
#ifndef INGEST_SYNC_H
#define INGEST_SYNC_H

#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/repository/connector.h"
#include "ingest/sync/merge.h"

/* tables that may belong to one parent */
#define CHILDREN_AT_MOST 32

typedef struct Sync
{
	MemoryContext context; /* lives as long */
	int32 id;
	char *name;
	int32 source_id;
	Source *source;
	char *foreign_schema, *foreign_table, *remote_table;
	char *target_schema, *target_table;
	Oid foreign_relation, target_relation; /* of those names, now */
	Oid owner;
	char *owner_name;
	char *mode;
	Texts key; /* not quoted */
	Texts exclude, pseudonymise;
	Texts left_out; /* columns that are never copied */
	char *pseudonym_key;
	char *deleted_when;
	char *cursor;
	char *overlap;
	int64 batch_rows;
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
	/* where it is known what runs there: which cursors have come by then, and what was under way */
	char *reach;
	char *running; /* an array literal; NULL: not known */
	char *newest;  /* cursor that this run saw */
	/* rows deleted in this run because reading did not find them, and how many there may be */
	int64 missing;
	int64 missing_limit; /* -1: not asked yet */
	bool braked;
	/* rows that are gone were not deleted, or may not have been; all rows were looked at for that; stamps are ahead */
	bool kept, compared, ahead;
	Copy copy;
	char *shape; /* what the columns were when the stage was made */
	struct Sync *children[CHILDREN_AT_MOST];
	int n_children;   /* that are active */
	int n_followers;  /* all */
	char *load_table; /* full: where a load of several ranges gathers */
} Sync;

/* In a procedure or a worker; false, and why, if it failed */
extern bool sync_run(const char *name, Failure *failure);
/* A sync with its children; throws if what it reads or writes is gone */
extern Sync *sync_by_id(int32 id);
extern void sync_refuse_unknown(const char *name) __attribute__((noreturn));
extern Sync *sync_by_name(const char *name);
extern bool sync_is_full(const Sync *s);
extern bool sync_is_in_pieces(const Sync *s);
/* An error unless the copy is still what it was when the sync was read, and its owner may write it */
extern void sync_require_target(const Sync *s);

#endif /* INGEST_SYNC_H */
