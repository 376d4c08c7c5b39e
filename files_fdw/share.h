/*
 * share.h
 *		Several processes read the files of a table: who reads what.
 */
#ifndef FILES_SHARE_H
#define FILES_SHARE_H

#include "postgres.h"

#include "files_fdw/root.h"
#include "nodes/pg_list.h"

typedef struct Share Share;

#define CHUNK_BYTES (8 * 1024 * 1024)

/* A part of a file */
typedef struct Unit
{
	FileInfo *file;
	int64 from; /* 0: its beginning */
	int64 to;
} Unit;

extern Size share_size(List *files);
extern void share_write(Share *share, List *files, bool cut);
extern List *share_files(Share *share);
extern bool share_is_cut(const Share *share);
extern void share_again(Share *share);
/* The number of a unit that nobody has taken */
extern uint64 share_take(Share *share);

/* All units of files, each of which may be cut */
extern int64 units_of(const FileInfo *file, bool cut);

#endif /* FILES_SHARE_H */
