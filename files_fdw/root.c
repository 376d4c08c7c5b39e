/*
 * root.c
 *		Whose root may be read, and which names are files'.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "commands/defrem.h"
#include "files_fdw/blob.h"
#include "files_fdw/option.h"
#include "files_fdw/root.h"
#include "utils/acl.h"

/*
 * Being written: hidden names and those of editors, copiers and browsers.  What begins with an underscore is for
 * programs: _SUCCESS, _manifest.
 */
bool
is_file_name(const char *name)
{
	static const char *const endings[] = {"~", ".tmp", ".part", ".crdownload", ".swp", ".filepart"};
	size_t len = strlen(name);

	if (len == 0 || name[0] == '.' || name[0] == '_' || strncmp(name, "~$", 2) == 0)
		return false;
	for (int i = 0; i < lengthof(endings); i++)
	{
		size_t n = strlen(endings[i]);

		if (len >= n && pg_strcasecmp(name + len - n, endings[i]) == 0)
			return false;
	}
	return true;
}

static int
by_path(const ListCell *a, const ListCell *b)
{
	return strcmp(((FileInfo *) lfirst(a))->path, ((FileInfo *) lfirst(b))->path);
}

void
sort_files(List *files)
{
	list_sort(files, by_path);
}

FileInfo *
newest_file(List *files)
{
	FileInfo *newest = linitial(files);
	ListCell *lc;

	foreach (lc, files)
	{
		FileInfo *file = lfirst(lc);

		if (file->size > 0 && (newest->size == 0 || file->modified > newest->modified))
			newest = file;
	}
	return newest;
}

/*
 * Whoever owns the server lends what he may read to those who may use it: so it is looked at each time whether he
 * still may.  What is elsewhere each role reads by its own user mapping.
 */
Root *
root_of(ForeignServer *server, Oid userid)
{
	const char *where = server_root(server);
	const char *allowed = NULL;

	if (where == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("server \"%s\" has no option root", server->servername),
						errhint("ALTER SERVER ... OPTIONS (ADD root '/folder').")));
	if (blob_is_address(where))
		return blob_root(server, where, userid);
	if (!has_privs_of_role(server->owner, ROLE_PG_READ_SERVER_FILES) && (allowed = allowed_root(where)) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for the root of server \"%s\"", server->servername),
						errdetail("Its owner is not a member of pg_read_server_files, and the folder is not beneath "
								  "one of files_fdw.allowed_roots.")));
	return local_root(server, where, allowed);
}
