/*
 * resource.h
 *		What can be asked for: relations by their public names, and what belongs to what.
 */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct Resource
{
	char *name;
	Oid relation;
	List *key; /* names of columns */
	char *description;
	bool exposed; /* by somebody; otherwise it comes with the extension */
} Resource;

/* From a resource to another one: by columns of both, in the same order */
typedef struct Link
{
	char *resource;
	char *name;
	char *other;
	bool many; /* rows of the other for one of this */
	List *here;
	List *there;
} Link;

/*
 * What these give lives until the request ends, and is not changed.  NULL if there is none, or the role may read nothing
 * of it, which is the same to it
 */
extern Resource *resource_find(const char *name, Oid role);
/* All that the role may read something of, by name */
extern List *resource_all(Oid role);
/* Names of those that come with the extension, or of those that were exposed, whoever may read them */
extern List *resource_names(bool exposed);
/* As a statement names it; an error where it was dropped a moment ago */
extern char *resource_relation(const Resource *resource);
extern List *resource_links(const Resource *resource);
/* Of all resources, by the same order */
extern List *resource_all_links(void);
/* OpenAPI of all that the role may read */
extern char *resource_document(Oid role);
/* Columns that the role may read: names */
extern List *resource_columns(const Resource *resource, Oid role);

#endif /* API_RESOURCE_H */
