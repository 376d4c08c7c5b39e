/*
 * secret.c
 *		Resolve references to secrets.  No message ever holds one.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "common/hashfn.h"
#include "common/secret.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"

#define MAX_SECRET_FILE 65536

bool
secret_is_reference(const char *value)
{
	return strncmp(value, "env:", 4) == 0 || strncmp(value, "file:", 5) == 0;
}

static void bad_file(const char *option, const char *why) __attribute__((noreturn));

static void
bad_file(const char *option, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("the file that option \"%s\" refers to %s", option, why)));
}

/* A file that can be read to its end at once: a pipe might make the session wait for ever */
static int
open_file(const char *option, const char *path)
{
	int file = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	struct stat st;

	if (file < 0 || fstat(file, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the file that option \"%s\" refers to: %m", option),
				 errhint("The operating system user that PostgreSQL runs as must be able to read it.")));
	if (!S_ISREG(st.st_mode))
		bad_file(option, "is not a regular file");
	return file;
}

/* Contents of a file without the line end that editors leave */
char *
secret_read_file(const char *option, const char *path)
{
	int file = open_file(option, path);
	char *buffer = palloc(MAX_SECRET_FILE + 1);
	ssize_t len = 0;
	ssize_t n;

	while ((n = read(file, buffer + len, MAX_SECRET_FILE + 1 - len)) > 0)
		len += n;
	if (n < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the file that option \"%s\" refers to: %m", option)));
	CloseTransientFile(file);
	if (len > MAX_SECRET_FILE)
		bad_file(option, psprintf("is larger than %d bytes", MAX_SECRET_FILE));
	if (memchr(buffer, '\0', len) != NULL)
		bad_file(option, "holds a zero byte");
	while (len > 0 && (buffer[len - 1] == '\n' || buffer[len - 1] == '\r'))
		len--;
	if (len == 0)
		bad_file(option, "is empty");
	buffer[len] = '\0';
	return buffer;
}

/* The secret itself, palloc'd */
char *
secret_resolve(const char *option, const char *value)
{
	if (strncmp(value, "env:", 4) == 0)
	{
		const char *found = getenv(value + 4);

		if (found == NULL || *found == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("the environment variable that option \"%s\" refers to is not set", option),
					 errhint("Set it for the server process and restart PostgreSQL.")));
		return pstrdup(found);
	}
	if (strncmp(value, "file:", 5) == 0)
		return secret_read_file(option, value + 5);
	return pstrdup(value);
}

uint64
secret_file_stamp(const char *value)
{
	const char *path = strncmp(value, "file:", 5) == 0 ? value + 5 : value;
	struct stat st;
	uint64 parts[5];

	if (*path != '/' || stat(path, &st) != 0)
		return 0;
	parts[0] = st.st_dev;
	parts[1] = st.st_ino;
	parts[2] = st.st_size;
	parts[3] = st.st_mtim.tv_sec;
	parts[4] = st.st_mtim.tv_nsec;
	return hash_bytes_extended((const unsigned char *) parts, sizeof(parts), 0);
}

void
secret_need_file_role(const char *option)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to use a file or environment reference in option \"%s\"", option),
				 errdetail("Only members of role pg_read_server_files may let the server read files and its environment."),
				 errhint("Give the value itself, or ask an administrator to create the mapping.")));
}
