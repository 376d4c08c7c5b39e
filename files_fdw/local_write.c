/*
 * local_write.c
 *		Files that are written beneath a directory of the server.
 *
 * A file is written under a hidden name beside its own, and renamed when it is whole.  As for reading, nothing outside
 * of the root is touched whatever links somebody puts there: folders are opened by openat2(), and names within them
 * are single ones.  New files and folders have the permissions of the root's folder, so that whoever may read there can
 * read them.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/attribute.h"
#include "files_fdw/local.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NONBLOCK)
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

typedef struct LocalNew
{
	RootNew file;
	Held folder;
	Held held; /* while it is written */
	const char *name;
	const char *hidden;
	bool shown;
} LocalNew;

pg_noreturn static void
cannot_write(Root *root, const char *path)
{
	bool refused = errno == EACCES || errno == EPERM;

	ereport(ERROR, (errcode_for_file_access(),
					errmsg("could not write file \"%s\" of server \"%s\": %m", path, root->server),
					refused
						? errhint("The account under which PostgreSQL runs must be able to write to the folder.")
						: 0));
}

static const char *
last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Permissions of what is new: those of the root's folder, but others' to write */
static mode_t
root_mode(Root *root)
{
	struct stat st;

	if (fstat(((LocalRoot *) root)->held.fd, &st) != 0)
		cannot_write(root, ".");
	return st.st_mode & 02775;
}

static void
sync_folder(Root *root, int fd, const char *path)
{
	if (pg_fsync(fd) != 0)
		cannot_write(root, path);
}

/* A folder, which is made if it is not there */
static int
open_folder(Root *root, const char *path)
{
	int top = ((LocalRoot *) root)->held.fd;
	int fd = local_open_beneath(top, *path ? path : ".", FOLDER_FLAGS, 0, BELOW);
	char *above;
	int parent;
	const char *name = last_name(path);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || *path == '\0')
		local_cannot_open(root, path);
	above = pnstrdup(path, name > path ? name - path - 1 : 0);
	parent = open_folder(root, above);
	if (mkdirat(parent, name, 0700) == 0)
	{
		/* whatever the server's umask takes away */
		if (fchmodat(parent, name, root_mode(root), 0) != 0 || pg_fsync(parent) != 0)
		{
			int code = errno;

			(void) close(parent);
			errno = code;
			cannot_write(root, path);
		}
	}
	else if (errno != EEXIST)
	{
		int code = errno;

		(void) close(parent);
		errno = code;
		cannot_write(root, path);
	}
	(void) close(parent);
	fd = local_open_beneath(top, path, FOLDER_FLAGS, 0, BELOW);
	if (fd < 0)
		local_cannot_open(root, path);
	return fd;
}

/* Its hidden name begins with a dot; whoever is killed leaves it there, and it must be in nobody's way */
static RootNew *
create_hidden(Root *root, const char *path, const char *nonce)
{
	LocalNew *file = palloc0(sizeof(LocalNew));
	const char *name = last_name(path);
	int fd;

	file->file.root = root;
	file->file.path = pstrdup(path);
	file->name = last_name(file->file.path);
	file->hidden = psprintf(".%s%s.tmp", name, nonce);
	file->held.fd = -1;
	local_hold(&file->folder, open_folder(root, pnstrdup(path, name > path ? name - path - 1 : 0)));
	fd = local_open_beneath(file->folder.fd, file->hidden, O_WRONLY | O_CREAT | O_EXCL, 0600, BELOW);
	if (fd < 0)
		cannot_write(root, path);
	local_hold(&file->held, fd);
	if (fchmod(fd, root_mode(root) & 0666) != 0)
		cannot_write(root, path);
	return &file->file;
}

/* The name is one that nobody else gives */
static RootNew *
local_create(Root *root, const char *path)
{
	return create_hidden(root, path, "");
}

static void
write_all(Root *root, const char *path, int fd, const char *data, size_t n)
{
	size_t done = 0;

	while (done < n)
	{
		ssize_t got;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		got = write(fd, data + done, Min(n - done, (size_t) 4 << 20));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			cannot_write(root, path);
		}
		done += got;
	}
}

static void
local_write(RootNew *file, const char *data, size_t n)
{
	write_all(file->root, file->path, ((LocalNew *) file)->held.fd, data, n);
}

static void
local_finish(RootNew *file)
{
	LocalNew *f = (LocalNew *) file;

	if (pg_fsync(f->held.fd) != 0)
		cannot_write(file->root, file->path);
	local_let_go(&f->held);
}

static void
local_show(RootNew *file)
{
	LocalNew *f = (LocalNew *) file;

	/* as if it were written now: files_vacuum() takes what has been there for long and no version has */
	if (utimensat(f->folder.fd, f->hidden, NULL, 0) != 0 ||
		renameat(f->folder.fd, f->hidden, f->folder.fd, f->name) != 0)
		cannot_write(file->root, file->path);
	f->shown = true;
	sync_folder(file->root, f->folder.fd, file->path);
}

static void
local_discard(RootNew *file)
{
	LocalNew *f = (LocalNew *) file;

	if (f->folder.fd < 0)
		return;
	if (unlinkat(f->folder.fd, f->shown ? f->name : f->hidden, 0) != 0 && errno != ENOENT)
		ereport(LOG, (errcode_for_file_access(),
					  errmsg("could not remove file \"%s\" of server \"%s\": %m", file->path, file->root->server)));
	local_let_go(&f->held);
	local_let_go(&f->folder);
}

/* Where a file system has no links, a rename that replaces nothing does the same */
static bool
link_new(int folder, const char *hidden, const char *name)
{
	if (linkat(folder, hidden, folder, name, 0) == 0)
		return true;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return false;
	return syscall(SYS_renameat2, folder, hidden, folder, name, RENAME_NOREPLACE) == 0;
}

static bool
local_put_new(Root *root, const char *path, const char *data, size_t n)
{
	/* several may be about to put a file of this name */
	char *nonce = DatumGetCString(DirectFunctionCall1(uuid_out, gen_random_uuid(NULL)));
	LocalNew *f = (LocalNew *) create_hidden(root, path, psprintf(".%s", nonce));
	bool done = false;
	int code = 0;

	PG_TRY();
	{
		local_write(&f->file, data, n);
		local_finish(&f->file);
		done = link_new(f->folder.fd, f->hidden, f->name);
		code = errno;
	}
	PG_FINALLY();
	{
		(void) unlinkat(f->folder.fd, f->hidden, 0);
	}
	PG_END_TRY();
	if (!done && code != EEXIST)
	{
		errno = code;
		cannot_write(root, path);
	}
	if (done)
		sync_folder(root, f->folder.fd, path);
	local_let_go(&f->folder);
	return done;
}

static void
local_remove(Root *root, const char *path)
{
	const char *name = last_name(path);
	char *folder = pnstrdup(path, name > path ? name - path - 1 : 0);
	int fd = local_open_beneath(((LocalRoot *) root)->held.fd, *folder ? folder : ".", FOLDER_FLAGS, 0, BELOW);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (fd < 0)
		local_cannot_open(root, folder);
	if (unlinkat(fd, name, 0) != 0 && errno != ENOENT)
	{
		int code = errno;

		(void) close(fd);
		errno = code;
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not remove file \"%s\" of server \"%s\": %m", path, root->server)));
	}
	(void) close(fd);
}

/* -- what is there -- */

/* Names of a folder, read whole before any is looked into; NIL: it is not there */
static List *
names_of(Root *root, const char *folder)
{
	int fd = local_open_beneath(((LocalRoot *) root)->held.fd, *folder ? folder : ".", FOLDER_FLAGS, 0, BELOW);
	List *names = NIL;
	struct dirent *entry;
	DIR *dir;
	int code;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return NIL;
	if (fd < 0)
		local_cannot_open(root, folder);
	dir = fdopendir(fd);
	if (dir == NULL)
	{
		code = errno;
		(void) close(fd);
		errno = code;
		local_cannot_open(root, folder);
	}
	while ((errno = 0, entry = readdir(dir)) != NULL)
	{
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			names = lappend(names, pstrdup(entry->d_name));
	}
	code = errno;
	(void) closedir(dir);
	errno = code;
	if (code != 0)
		local_cannot_open(root, folder);
	return names;
}

static void
all_beneath(Root *root, const char *folder, int depth, List **found)
{
	ListCell *lc;

	CHECK_FOR_INTERRUPTS();
	if (depth > MOST_DEPTH)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("folders of server \"%s\" are deeper than %d: \"%s\"", root->server, MOST_DEPTH,
							   folder)));
	foreach (lc, names_of(root, folder))
	{
		const char *name = lfirst(lc);
		char *path = *folder ? psprintf("%s/%s", folder, name) : pstrdup(name);
		struct stat st;
		int fd = local_open_beneath(((LocalRoot *) root)->held.fd, path, O_PATH | O_NOFOLLOW, 0,
									RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
		bool there = fd >= 0 && fstat(fd, &st) == 0;

		if (fd >= 0)
			(void) close(fd);
		/* it went meanwhile */
		if (!there)
			continue;
		if (S_ISDIR(st.st_mode))
			all_beneath(root, path, depth + 1, found);
		else if (S_ISREG(st.st_mode))
		{
			FileInfo *info = palloc0(sizeof(FileInfo));

			local_fill_info(info, path, &st);
			*found = lappend(*found, info);
		}
	}
}

static List *
local_all(Root *root, const char *folder)
{
	List *found = NIL;

	all_beneath(root, folder, 0, &found);
	return found;
}

const RootWriteRoutine local_write_routine = {local_create, local_write, local_finish, local_show,
											  local_discard, local_put_new, local_remove, local_all};
