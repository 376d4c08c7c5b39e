/*
 * lake_log.h
 *		The log of a lake's folder: which of its files are its content, version by version.
 *
 * A version is one file that is put there if there is none of its name.  So of several who write at once one is first,
 * and who reads sees a version whole or not at all.  delta.c has Delta Lake's log, manifest.c a plain list of files.
 */
#ifndef FILES_LAKE_LOG_H
#define FILES_LAKE_LOG_H

#include "postgres.h"

#include "files_fdw/lake_type.h"
#include "files_fdw/root_write.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* A key of folders, or a mark of a writer */
typedef struct LakePair
{
	char *name;
	char *value; /* NULL: none */
} LakePair;

/* A file of a lake's content */
typedef struct LakeEntry
{
	char *path;   /* from the folder on */
	char *logged; /* as the log has it, or NULL */
	int64 size;
	int64 rows;     /* -1: the log does not say */
	int64 modified; /* milliseconds since 1970 */
	List *values;   /* of LakePair */
	char *stats;    /* as JSON, or NULL */
	bool old;       /* it is part of the version before, else of ours */
	bool gone;      /* while a log is read: a later action took it out */
} LakeEntry;

typedef struct LakeMark
{
	char *app;
	int64 version;
} LakeMark;

typedef struct LakeState
{
	Root *root;
	const char *folder;
	MemoryContext context;
	int64 version; /* -1: there is none yet */
	List *entries; /* of LakeEntry */
	List *marks;   /* of LakeMark */
	char *schema;  /* as the log has it, or NULL */
	char *id;
	char *kept;       /* of Delta's metadata what stays when columns come, or NULL */
	List *partitions; /* of char * */
	bool append_only;
	List *removed; /* of LakeEntry: path, and modified is when it was taken out */
	bool has_protocol;
	struct HTAB *known; /* while a log is read: entries by what they are called there */
	/* since it was first read */
	int64 changes; /* versions that changed which files there are */
	int64 schemas; /* versions that changed what the table is like */
} LakeState;

/* What a version is made of */
typedef struct LakeCommit
{
	const char *table; /* for words */
	const LakeColumn *columns;
	int ncolumns;
	List *partitions; /* of LakeColumn * among them */
	List *adds;       /* of LakeEntry */
	bool replaces;    /* all that was there goes */
	List *gone;       /* of LakeEntry, of the state: so do these */
	List *marks;      /* of LakeMark */
	int64 now;        /* milliseconds since 1970 */
	const char *nonce;
} LakeCommit;

typedef struct LakeLogRoutine
{
	const char *folder; /* of the log, within the table's */
	/* Bring the state to the newest version */
	void (*advance)(LakeState *state);
	/* An error unless such a commit can follow such a state */
	void (*check)(const LakeState *state, const LakeCommit *commit);
	/* The next version's content, UTF-8 */
	void (*write)(const LakeState *state, const LakeCommit *commit, StringInfo out);
	/* Paths, as char *, that a version since then has had besides the newest one */
	List *(*needed)(LakeState *state, int64 since);
	/* Files of the log, as FileInfo, that no version since then needs */
	List *(*spent)(LakeState *state, int64 since);
} LakeLogRoutine;

extern const LakeLogRoutine delta_log_routine;
extern const LakeLogRoutine manifest_log_routine;

/* Whose name is 20 digits and .json: the version; else -1 */
extern int64 lake_log_version(const char *path);
/* The same of another file of a log, which has its version's number and an ending */
extern int64 lake_log_version_of(const char *path, const char *ending);
extern char *lake_log_path(const LakeState *state, const LakeLogRoutine *log, int64 version);
/* A file of the log, whole */
extern char *lake_log_read(LakeState *state, const FileInfo *file, size_t *len);
/* Of LakePair, the value of a name */
extern char *lake_value(List *values, const char *name);
/* They, and the columns that are folders, as JSON */
extern void lake_put_values(StringInfo out, List *values);
extern void lake_put_folders(StringInfo out, const LakeCommit *commit);
/* An error unless its columns have names of their own, and not all of them are folders */
extern void lake_check_columns(const LakeCommit *commit, bool fold_case);
/* An error unless its folders are those of the lake */
extern void lake_check_folders(const LakeState *state, const LakeCommit *commit);
/* Entries of the state that a commit takes out, and those that it leaves */
extern List *lake_gone(const LakeState *state, const LakeCommit *commit);
extern List *lake_kept(const LakeState *state, const LakeCommit *commit);
extern int64 lake_mark(const LakeState *state, const char *app);
extern void lake_mark_set(LakeState *state, const char *app, int64 version);

#endif /* FILES_LAKE_LOG_H */
