/*
 * infer.h
 *		What all rows of a group of files say of its columns.
 */
#ifndef FILES_INFER_H
#define FILES_INFER_H

#include "postgres.h"

#include "files_fdw/dialect.h"
#include "files_fdw/group.h"
#include "files_fdw/guess.h"

typedef struct Inference
{
	Root *root;
	FileGroup *group;
	Dialect dialect;
	Guess **guesses; /* of columns, in the order in which they were seen */
	int n;
	int room;
	int64 rows;
	int64 bad;
	char *first_bad; /* what is wrong with it, and where */
	int64 bytes;
	int64 budget; /* bytes that are read whole; of what is beyond only the beginning */
	int cut;      /* files of which only the beginning was read */
	int empty;    /* files without anything */
	int strange;  /* files that have none of the columns of the others, or another dialect */
	char *first_strange;
	bool many_lines; /* rows had more than one */
	bool not_utf8;
	char *where_not_utf8;
	char **names; /* of columns that are found by their place, from a header that does not serve */
	int nnames;
	List *keys; /* of folders key=value */
	Guess **key_guesses;
} Inference;

#define INFER_BYTES (INT64CONST(4) * 1024 * 1024 * 1024)

/* Sniffs the newest file and reads all of them; the group has at least one */
extern void infer_group(Root *root, FileGroup *group, int64 budget, Inference *inference);

/* Columns of folders key=value */
extern void infer_keys(Inference *inference);

#endif /* FILES_INFER_H */
