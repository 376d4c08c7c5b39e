/*
 * access.h
 *		Who sees what, and who acts for whom.
 */
#ifndef INGEST_ACCESS_H
#define INGEST_ACCESS_H

#include "postgres.h"

/* Has a role the rights of an owner, or is it an admin? */
extern bool acts_for(Oid actor, Oid owner);
/* May it change what the owner has?  An admin not, where the owner is a superuser or can become one */
extern bool changes_for(Oid actor, Oid owner);
/* An error unless the caller may change what the owner has; known: the name that it had */
extern void require_owner(Oid owner, const char *known, const char *what, const char *name);
/* Has a role the rights of a relation's owner? */
extern bool owns_relation(Oid role, Oid relid);
/* May the caller SELECT all columns and rows of a relation? */
extern bool all_readable(Oid relid);
/* An error unless the caller may SELECT all columns and rows of a relation; what: is asked for, as "history" */
extern void require_all_readable(Oid relid, const char *what);
/* The owner of a relation, as whom its rows are read for a caller who would see the same: an error for others */
extern Oid reader_of(Oid relid, const char *what);
/* Numbers of the sources that the caller sees: an array of integer */
extern Datum my_sources(void);
/* The engine changed what roles see */
extern void access_forget(void);

#endif /* INGEST_ACCESS_H */
