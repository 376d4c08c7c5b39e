/*
 * root.h
 *		Where files are: something that lists, opens and reads them.
 *
 * What calls here knows no more of a root than this; local.c has directories of the server, blob_root.c containers of
 * Azure Blob Storage.
 */
#ifndef FILES_ROOT_H
#define FILES_ROOT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "foreign/foreign.h"
#include "nodes/pg_list.h"

typedef struct FileInfo
{
	char *path; /* from the root on */
	int64 size;
	TimestampTz modified;
	char *version; /* another one whenever the content may be another one */
	bool link;     /* which is not followed: opening it fails */
	bool archived; /* reading it fails */
	bool in_lake;  /* a log names it, with its values */
	List *values;  /* of LakePair */
	char *birth;   /* the same as long as it is the same file, whatever is appended; NULL: nobody knows */
} FileInfo;

typedef struct Root Root;
typedef struct RootFile RootFile;

typedef struct RootRoutine
{
	/* Files whose path a pattern has, as FileInfo, in the order of their paths' bytes */
	List *(*list)(Root *root, const char *patterns);
	/* What is there now, or NULL */
	FileInfo *(*look)(Root *root, const char *path);
	/* An error if it is not there, or no file; perhaps only when it is read */
	RootFile *(*open)(Root *root, const FileInfo *file);
	/* So many bytes, or fewer at its end */
	size_t (*read)(RootFile *file, void *buffer, size_t n, int64 offset);
	void (*info)(RootFile *file, FileInfo *info);
	void (*close)(RootFile *file);
	/* Files that a listing passed over, and what else people should know */
	char *(*describe)(Root *root);
} RootRoutine;

typedef struct RootWriteRoutine RootWriteRoutine; /* root_write.h */

struct Root
{
	const RootRoutine *routine;
	const RootWriteRoutine *write;
	const char *server; /* its name */
	const char *where;
};

struct RootFile
{
	Root *root;
	const char *path;
};

/* The root of a server, as a role may see it; what is open is closed with the memory context */
extern Root *root_of(ForeignServer *server, Oid userid);
/* The newest that has anything; all are empty: the first */
extern FileInfo *newest_file(List *files);
/* Into the order of their paths' bytes */
extern void sort_files(List *files);
/* Is it a name that files have, not one of a file that is being written? */
extern bool is_file_name(const char *name);

extern Root *local_root(ForeignServer *server, const char *where, const char *allowed);
extern Root *blob_root(ForeignServer *server, const char *where, Oid userid);

/* Is it a directory of the server? */
extern bool root_is_local(const Root *root);
/* Such a one, which inotify watches; -1 if it is gone */
extern int local_root_fd(Root *root);
/* Folders below the root, each with its path, and one of them, opened; -1 if it is gone */
extern List *local_folders(Root *root);
extern int local_folder_fd(Root *root, const char *path);

#endif /* FILES_ROOT_H */
