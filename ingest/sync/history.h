/*
 * history.h
 *		Versions of rows, and a table as it was.
 */
#ifndef INGEST_HISTORY_H
#define INGEST_HISTORY_H

/* The name of a copy's history view, qualified and quoted */
extern char *history_view(const char *schema, const char *table);
/* Made, or made again, for the sync of this name, as its owner; gives its name */
extern char *history_view_create(const char *name);

#endif /* INGEST_HISTORY_H */
