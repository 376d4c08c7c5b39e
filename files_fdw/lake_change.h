/*
 * lake_change.h
 *		What a transaction writes to a lake: what is known of it until it is a version.
 *
 * It is made here; lake.c says what comes into it, lake_file.c writes its files, lake_publish.c makes a version of it.
 */
#ifndef FILES_LAKE_CHANGE_H
#define FILES_LAKE_CHANGE_H

#include "postgres.h"

#include "files_fdw/lake_log.h"
#include "files_fdw/parquet_write.h"
#include "files_fdw/table.h"
#include "utils/rel.h"

/* A file of one folder; or that all before it goes; or what goes of the version before */
typedef struct LakeWritten
{
	SubTransactionId sub;
	bool truncate;
	List *gone;       /* of LakeEntry, of the state */
	LakeEntry *entry; /* when it is whole */
	char *path;       /* from the lake's folder on */
	List *values;     /* of LakePair */
	RootNew *file;
	ParquetWriter *writer; /* while it is open */
	uint64 used;           /* when */
} LakeWritten;

/* A mark that the version is to have */
typedef struct LakeMarked
{
	SubTransactionId sub;
	LakeMark mark;
} LakeMarked;

typedef struct LakeChange
{
	Oid relid;
	Oid userid;
	MemoryContext context;
	MemoryContext row; /* reset with each */
	Table *table;
	LakeColumn *columns;
	int ncolumns;
	List *partitions; /* of LakeColumn * among them */
	LakeColumn **data;
	int ndata;
	WrittenLeaf *leaves;
	ParquetCodec codec;
	const LakeLogRoutine *log;
	LakeState *state;
	List *written; /* of LakeWritten, in their order */
	List *marks;   /* of LakeMarked */
	List *touched; /* of SubTransactionId: who began to write */
	TupleDesc desc;
	List *options;
	LakeWritten *last;
	uint64 rows;
	bool begun;     /* a version was about to be put: whether it is there is not known */
	bool published; /* it is there */
} LakeChange;

/* Of a table that this role may write, in the transaction's memory, with nothing written yet; an error if it may not */
extern LakeChange *lake_change_new(Relation relation, Oid userid);
/* A version of it without files and marks */
extern void lake_change_commit(const LakeChange *change, LakeCommit *commit);
/* What goes of the version before; which of what was written is the first that does not go with it */
extern int lake_change_gone(const LakeChange *change, LakeCommit *commit);
/* That nothing else has */
extern char *lake_random_name(void);
/* Milliseconds since 1970 */
extern int64 lake_now(void);

#endif /* FILES_LAKE_CHANGE_H */
