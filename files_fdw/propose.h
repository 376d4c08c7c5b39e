/*
 * propose.h
 *		The foreign table that an import makes of a group of files.
 */
#ifndef FILES_PROPOSE_H
#define FILES_PROPOSE_H

#include "postgres.h"

#include "files_fdw/infer.h"

typedef struct ProposedColumn
{
	char *name;
	const char *type;
	List *options; /* of DefElem */
	char *evidence;
	char *note;
	char *runner_up;
} ProposedColumn;

typedef struct Proposal
{
	Inference i;
	ProposedColumn *columns;
	int n;
	char *problem; /* why it is not a table, or NULL */
} Proposal;

/* A column of metadata that an import adds */
typedef struct Metadata
{
	char *kind;
	char *column;
} Metadata;

/* "file, position AS at"; an error if it is none */
extern List *metadata_of(const char *text);
extern void propose(ForeignServer *server, Root *root, FileGroup *group, List *metadata, Proposal *p);
extern char *proposal_sql(ForeignServer *server, const char *schema, const char *table, const Proposal *p);
/* One sentence about it, and what is to be known */
extern char *proposal_words(const Proposal *p);
extern int64 server_infer_bytes(ForeignServer *server);

#endif /* FILES_PROPOSE_H */
