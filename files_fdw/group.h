/*
 * group.h
 *		Files of one kind are one table.
 */
#ifndef FILES_GROUP_H
#define FILES_GROUP_H

#include "postgres.h"

#include "files_fdw/root.h"
#include "foreign/foreign.h"

typedef struct FileGroup
{
	char *table;   /* its name */
	char *sheet;   /* of workbooks that have several; or NULL */
	int hidden;    /* sheets that are left out */
	char *pattern; /* its option path */
	List *files;   /* of FileInfo */
} FileGroup;

/*
 * Groups of the server's files below a folder ("" for all), by its option tables or by their names, in the order of
 * tables' names.  *other: how many files are of kinds that are not read.
 */
extern List *find_groups(ForeignServer *server, Root *root, const char *folder, int *other);
/* In words: its files, or a sheet of them */
extern char *group_words(const FileGroup *group);
/* A file alone */
extern FileGroup *group_of_file(FileInfo *file);

#endif /* FILES_GROUP_H */
