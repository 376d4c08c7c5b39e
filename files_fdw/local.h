/*
 * local.h
 *		Directories of the server: what reading and writing them share.
 */
#ifndef FILES_LOCAL_H
#define FILES_LOCAL_H

#include "postgres.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "common/attribute.h"
#include "files_fdw/root.h"
#include "files_fdw/root_write.h"
#include "utils/palloc.h"

#define BELOW (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define MOST_DEPTH 32 /* folders within each other */

/* A descriptor that is closed with a memory context */
typedef struct Held
{
	int fd;
	MemoryContextCallback callback;
} Held;

typedef struct LocalRoot
{
	Root root;
	Held held;
	int64 links; /* counts of the last listing */
	int64 others;
} LocalRoot;

extern const RootWriteRoutine local_write_routine;

/* The descriptor is the context's from now on */
extern void local_hold(Held *held, int fd);
extern void local_let_go(void *held);
/* -1 and errno: it is not there, or not beneath */
extern int local_open_beneath(int folder, const char *path, int flags, mode_t mode, uint64 resolve);
pg_noreturn extern void local_cannot_open(Root *root, const char *path);
extern void local_fill_info(FileInfo *info, const char *path, const struct stat *st);

#endif /* FILES_LOCAL_H */
