/*
 * local.c
 *		A root that is a directory of the server.
 *
 * Everything below it is opened by openat2() with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: whatever somebody who may
 * write there puts into it, nothing outside of it is read.  Where the kernel or what confines the server does not let
 * that call pass, nothing is read at all.
 */
#include "postgres.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files_fdw/local.h"
#include "files_fdw/pattern.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct LocalFile
{
	RootFile file;
	Held held;
} LocalFile;

void
local_let_go(void *arg)
{
	Held *held = arg;

	if (held->fd >= 0)
	{
		(void) close(held->fd);
		ReleaseExternalFD();
	}
	held->fd = -1;
}

void
local_hold(Held *held, int fd)
{
	ReserveExternalFD();
	held->fd = fd;
	held->callback.func = local_let_go;
	held->callback.arg = held;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &held->callback);
}

int
local_open_beneath(int folder, const char *path, int flags, mode_t mode, uint64 resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY), .mode = mode, .resolve = resolve};
	int fd;
	int tries = 0;

	do
		fd = (int) syscall(SYS_openat2, folder, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 100)));
	return fd;
}

/* To read */
static int
open_beneath(int folder, const char *path, int flags, uint64 resolve)
{
	return local_open_beneath(folder, path, flags, 0, resolve);
}

/* Why a file could not be opened, by what the kernel says */
void
local_cannot_open(Root *root, const char *path)
{
	int code = errno;

	if (code == ENOSYS || code == EPERM)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("files below \"%s\" cannot be opened safely", root->where),
				 errdetail("The system call openat2 is not there, or something that confines the server does not "
						   "allow it: %s.",
						   strerror(code)),
				 errhint("It needs Linux 5.6 or later and, in a container, a filter of system calls that knows it.")));
	if (code == ELOOP || code == EXDEV)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("file \"%s\" of server \"%s\" is a symbolic link, or leads out of its root", path, root->server),
			 errhint("Links are not followed: put the file itself there, or leave it out by the option path.")));
	if (code == ENOENT || code == ENOTDIR)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" of server \"%s\" is gone", path, root->server)));
	errno = code;
	ereport(ERROR,
			(errcode_for_file_access(), errmsg("could not open file \"%s\" of server \"%s\": %m", path, root->server)));
}

static char *
version_of(const struct stat *st)
{
	return psprintf("%llx-%llx.%lx-%llx.%lx-%llx", (unsigned long long) st->st_size,
					(unsigned long long) st->st_mtim.tv_sec, (unsigned long) st->st_mtim.tv_nsec,
					(unsigned long long) st->st_ctim.tv_sec, (unsigned long) st->st_ctim.tv_nsec,
					(unsigned long long) st->st_ino);
}

void
local_fill_info(FileInfo *info, const char *path, const struct stat *st)
{
	memset(info, 0, sizeof(FileInfo));
	info->path = pstrdup(path);
	info->size = S_ISLNK(st->st_mode) ? 0 : (int64) st->st_size;
	info->modified = time_t_to_timestamptz((pg_time_t) st->st_mtim.tv_sec) + st->st_mtim.tv_nsec / 1000;
	info->version = version_of(st);
	info->link = S_ISLNK(st->st_mode);
	info->birth = psprintf("%llx", (unsigned long long) st->st_ino);
}

/* -- listing -- */

typedef struct Walk
{
	LocalRoot *root;
	const char *patterns; /* NULL: folders are wanted */
	List *found;
} Walk;

static void walk_folder(Walk *walk, const char *path, int depth);

static char *
joined(const char *folder, const char *name)
{
	return *folder == '\0' ? pstrdup(name) : psprintf("%s/%s", folder, name);
}

/* A name that no text of this database can hold would be lost in silence */
static void
check_name(Walk *walk, const char *path)
{
	if (!pg_verify_mbstr(GetDatabaseEncoding(), path, (int) strlen(path), true))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("a file of server \"%s\" has a name that is not valid in encoding \"%s\"",
							   walk->root->root.server, GetDatabaseEncodingName()),
						errhint("Rename it. It is in folder \"%s\".", walk->root->root.where)));
}

static void
walk_entry(Walk *walk, int fd, const char *folder, const char *name, int depth)
{
	char *path;
	struct stat st;

	if (!is_file_name(name))
		return;
	path = joined(folder, name);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
	{
		/* it went meanwhile */
		if (errno == ENOENT)
			return;
		local_cannot_open(&walk->root->root, path);
	}
	if (S_ISDIR(st.st_mode))
	{
		if (walk->patterns == NULL)
			walk->found = lappend(walk->found, path);
		if (walk->patterns == NULL || pattern_enters(walk->patterns, path))
			walk_folder(walk, path, depth + 1);
		return;
	}
	if (walk->patterns == NULL || !pattern_matches(walk->patterns, path))
		return;
	walk->root->links += S_ISLNK(st.st_mode) ? 1 : 0;
	walk->root->others += !S_ISLNK(st.st_mode) && !S_ISREG(st.st_mode) ? 1 : 0;
	if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
	{
		FileInfo *info = palloc0(sizeof(FileInfo));

		check_name(walk, path);
		local_fill_info(info, path, &st);
		walk->found = lappend(walk->found, info);
	}
}

/* Entries of a folder, read whole before any is looked into: so few descriptors are open at once */
static void
walk_folder(Walk *walk, const char *path, int depth)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "files folder", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Held *held = palloc(sizeof(Held));
	int fd = open_beneath(walk->root->held.fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK, BELOW);
	int copy;
	DIR *dir;
	struct dirent *entry;

	if (fd < 0)
	{
		if (errno == ENOENT && *path != '\0')
		{
			MemoryContextSwitchTo(old);
			MemoryContextDelete(context);
			return;
		}
		local_cannot_open(&walk->root->root, *path ? path : ".");
	}
	if (depth > MOST_DEPTH)
	{
		(void) close(fd);
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("folders of server \"%s\" are deeper than %d: \"%s\"",
																 walk->root->root.server, MOST_DEPTH, path)));
	}
	local_hold(held, fd);
	copy = dup(fd);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (dir == NULL)
	{
		if (copy >= 0)
			(void) close(copy);
		local_cannot_open(&walk->root->root, path);
	}
	PG_TRY();
	{
		while ((errno = 0, entry = readdir(dir)) != NULL)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(old);
			walk_entry(walk, fd, path, entry->d_name, depth);
			MemoryContextSwitchTo(context);
		}
		if (errno != 0)
			local_cannot_open(&walk->root->root, path);
	}
	PG_FINALLY();
	{
		(void) closedir(dir);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static FileInfo *
local_look(Root *root, const char *path)
{
	int fd;
	struct stat st;
	FileInfo *info;
	const char *slash = strrchr(path, '/');

	if (!is_file_name(slash ? slash + 1 : path))
		return NULL;
	fd =
		open_beneath(((LocalRoot *) root)->held.fd, path, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
	{
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV || errno == ENAMETOOLONG)
			return NULL;
		local_cannot_open(root, path);
	}
	if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)))
	{
		(void) close(fd);
		return NULL;
	}
	(void) close(fd);
	info = palloc0(sizeof(FileInfo));
	local_fill_info(info, path, &st);
	return info;
}

static List *
local_list(Root *root, const char *patterns)
{
	Walk walk = {.root = (LocalRoot *) root, .patterns = patterns};

	walk.root->links = walk.root->others = 0;
	if (pattern_is_path(patterns))
	{
		FileInfo *info = local_look(root, patterns + strspn(patterns, " "));

		return info ? list_make1(info) : NIL;
	}
	walk_folder(&walk, "", 0);
	sort_files(walk.found);
	return walk.found;
}

List *
local_folders(Root *root)
{
	Walk walk = {.root = (LocalRoot *) root};

	walk_folder(&walk, "", 0);
	return walk.found;
}

int
local_folder_fd(Root *root, const char *path)
{
	return open_beneath(((LocalRoot *) root)->held.fd, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, BELOW);
}

static char *
local_describe(Root *root)
{
	LocalRoot *local = (LocalRoot *) root;

	if (local->links == 0 && local->others == 0)
		return NULL;
	return psprintf(INT64_FORMAT " symbolic links, which fail when they are read, and " INT64_FORMAT
								 " pipes, sockets or devices, which are not files",
					local->links, local->others);
}

/* -- reading -- */

static RootFile *
local_open(Root *root, const FileInfo *listed)
{
	const char *path = listed->path;
	LocalFile *file = palloc0(sizeof(LocalFile));
	struct stat st;
	int fd = open_beneath(((LocalRoot *) root)->held.fd, path, O_RDONLY | O_NONBLOCK, BELOW);

	if (fd < 0)
		local_cannot_open(root, path);
	file->file.root = root;
	file->file.path = pstrdup(path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
	{
		(void) close(fd);
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" of server \"%s\" is not a file", path, root->server)));
	}
	local_hold(&file->held, fd);
	return &file->file;
}

static size_t
local_read(RootFile *file, void *buffer, size_t n, int64 offset)
{
	size_t done = 0;

	while (done < n)
	{
		ssize_t got;

		CHECK_FOR_INTERRUPTS();
		got = pread(((LocalFile *) file)->held.fd, (char *) buffer + done, Min(n - done, (size_t) 1 << 20),
					offset + (int64) done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read file \"%s\" of server \"%s\": %m", file->path, file->root->server)));
		if (got == 0)
			break;
		done += got;
	}
	return done;
}

static void
local_info(RootFile *file, FileInfo *info)
{
	struct stat st;

	if (fstat(((LocalFile *) file)->held.fd, &st) != 0)
		local_cannot_open(file->root, file->path);
	local_fill_info(info, file->path, &st);
}

static void
local_close(RootFile *file)
{
	local_let_go(&((LocalFile *) file)->held);
}

static const RootRoutine local_routine = {local_list, local_look, local_open, local_read,
										  local_info, local_close, local_describe};

bool
root_is_local(const Root *root)
{
	return root->routine == &local_routine;
}

int
local_root_fd(Root *root)
{
	return ((LocalRoot *) root)->held.fd;
}

/*
 * The folder itself may be reached through links: who set it could read it.  Beneath a folder that somebody else
 * allowed, it may not.
 */
Root *
local_root(ForeignServer *server, const char *where, const char *allowed)
{
	LocalRoot *root = palloc0(sizeof(LocalRoot));
	int flags = O_RDONLY | O_DIRECTORY;
	int fd;

	root->root.routine = &local_routine;
	root->root.write = &local_write_routine;
	root->root.server = pstrdup(server->servername);
	root->root.where = pstrdup(where);
	fd = open_beneath(AT_FDCWD, allowed ? allowed : where, flags, RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 && allowed != NULL && strlen(where) > strlen(allowed))
	{
		const char *rest = where + strlen(allowed);
		int top = fd;

		rest += strspn(rest, "/");
		fd = open_beneath(top, rest, flags, BELOW);
		{
			int code = errno;

			(void) close(top);
			errno = code;
		}
	}
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		local_cannot_open(&root->root, ".");
	if (fd < 0)
	{
		bool gone = errno == ENOENT || errno == ENOTDIR;

		ereport(ERROR, (gone ? errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION) : errcode_for_file_access(),
						errmsg("could not open the root \"%s\" of server \"%s\": %m", where, server->servername)));
	}
	local_hold(&root->held, fd);
	return &root->root;
}
