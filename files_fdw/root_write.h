/*
 * root_write.h
 *		Where files are written: something that makes them, shows them, and takes them away.
 *
 * A new file is seen by nobody until it is shown, whole, under its name.  What calls here knows no more of a root than
 * this; local_write.c has directories of the server, blob_write.c containers.
 */
#ifndef FILES_ROOT_WRITE_H
#define FILES_ROOT_WRITE_H

#include "postgres.h"

#include "files_fdw/root.h"

/* A file that is being written; it goes with the memory context in which it was made, but for what is on disk */
typedef struct RootNew
{
	Root *root;
	const char *path;
} RootNew;

struct RootWriteRoutine
{
	/* Folders on the way are made */
	RootNew *(*create)(Root *root, const char *path);
	void (*write)(RootNew *file, const char *data, size_t n);
	/* Nothing more comes; what was written outlives a crash */
	void (*finish)(RootNew *file);
	/* From now on it is there */
	void (*show)(RootNew *file);
	/* It is not there and leaves nothing behind, shown or not.  Must not throw */
	void (*discard)(RootNew *file);
	/* A small file, whole, if there is none of its name; false: there is one */
	bool (*put_new)(Root *root, const char *path, const char *data, size_t n);
	/* Take a file away; it may be gone already */
	void (*remove)(Root *root, const char *path);
	/* All files beneath a folder, hidden ones too, as FileInfo; none if it is not there */
	List *(*all)(Root *root, const char *folder);
};

#endif /* FILES_ROOT_WRITE_H */
