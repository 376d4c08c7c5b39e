/*
 * history.h
 *		Versions of rows, and a table as it was.
 */
#ifndef INGEST_HISTORY_H
#define INGEST_HISTORY_H

/* The name of a copy's history view, qualified and quoted */
extern char *history_view(const char *schema, const char *table);

#endif /* INGEST_HISTORY_H */
