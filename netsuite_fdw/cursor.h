/*
 * cursor.h
 *		All rows of a query, page by page, several pages at once.
 */
#ifndef NETSUITE_CURSOR_H
#define NETSUITE_CURSOR_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/size.h"

/* A query in the pieces that paging needs apart */
typedef struct CursorSpec
{
	const char *select; /* SELECT ... FROM ... */
	const char *from;   /* what stands behind its FROM, or NULL if rows are groups */
	const char *where;  /* condition without the word, or NULL */
	const char *group;  /* GROUP BY ... HAVING ..., or NULL */
	const char *order;  /* expressions of a total order, or NULL */
	int nkeys;          /* integer columns to page by, or 0 */
	const char *keys[MAX_KEYS];
	bool key_unique; /* they identify a row; else other rows may share them */
	bool ordered;    /* rows are wanted in that order */
	int64 wanted;    /* no more rows than this will be read, or -1 */
	TableSize guess; /* of the whole answer, if all of it will be read */
} CursorSpec;

typedef struct Cursor Cursor;

extern Cursor *cursor_open(Client *client, const CursorSpec *spec, Decoder *decoder,
						   RequestStats *stats);
extern bool cursor_next(Cursor *cursor, Datum *values, bool *nulls);
extern void cursor_rewind(Cursor *cursor);
extern void cursor_close(Cursor *cursor);
extern int64 cursor_total(Cursor *cursor);
extern bool cursor_ends(Cursor *cursor, int64 *low, int64 *high);
extern char *cursor_first_query(const CursorSpec *spec);
extern const char *cursor_paging(const CursorSpec *spec, const ServerOptions *options);

#endif /* NETSUITE_CURSOR_H */
