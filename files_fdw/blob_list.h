/*
 * blob_list.h
 *		A page of a container's listing, as Azure writes it.
 */
#ifndef FILES_BLOB_LIST_H
#define FILES_BLOB_LIST_H

#include "postgres.h"

#include "files_fdw/root.h"

typedef struct BlobPage
{
	List *files;     /* of FileInfo, whose path is the whole name, in UTF-8 */
	int64 folders;   /* that are told of as blobs */
	char *next;      /* from where the next page goes on, or NULL: this is the last one */
	const char *why; /* it cannot be read, or NULL */
} BlobPage;

/* In the current memory context */
extern void blob_page_read(BlobPage *page, const char *xml, size_t n);

#endif /* FILES_BLOB_LIST_H */
