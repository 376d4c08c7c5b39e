/*
 * blob_root.h
 *		Containers of Azure Blob Storage as roots: what reading and writing them share.
 */
#ifndef FILES_BLOB_ROOT_H
#define FILES_BLOB_ROOT_H

#include "files_fdw/blob.h"
#include "files_fdw/root_write.h"

typedef struct BlobRoot
{
	Root root;
	BlobStore *store;
	int64 others; /* counts of the last listing: names that no path of files can have */
	int64 archived;
} BlobRoot;

/* All blobs beneath a folder, hidden ones too, as FileInfo */
extern List *blob_all(Root *root, const char *folder);
extern const RootWriteRoutine blob_write_routine;

#endif /* FILES_BLOB_ROOT_H */
