/*
 * secret.c
 *		Resolve references to secrets.  No message ever holds one.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "common/secret.h"
#include "storage/fd.h"

#define MAX_SECRET_FILE 65536

bool
secret_is_reference(const char *value)
{
	return strncmp(value, "env:", 4) == 0 || strncmp(value, "file:", 5) == 0;
}

/* Contents of a file without the line end that editors leave */
char *
secret_read_file(const char *option, const char *path)
{
	FILE *file = AllocateFile(path, "r");
	char *buffer;
	size_t len;

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the file that option \"%s\" refers to: %m", option),
				 errhint("The operating system user that PostgreSQL runs as must be able to read it.")));
	buffer = palloc(MAX_SECRET_FILE + 1);
	len = fread(buffer, 1, MAX_SECRET_FILE + 1, file);
	FreeFile(file);
	if (len > MAX_SECRET_FILE)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("the file that option \"%s\" refers to is larger than %d bytes",
						option, MAX_SECRET_FILE)));
	while (len > 0 && (buffer[len - 1] == '\n' || buffer[len - 1] == '\r'))
		len--;
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
