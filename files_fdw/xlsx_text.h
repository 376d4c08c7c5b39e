/*
 * xlsx_text.h
 *		Texts of a workbook: runs of letters that are one text, escapes, the database's encoding.
 */
#ifndef FILES_XLSX_TEXT_H
#define FILES_XLSX_TEXT_H

#include "postgres.h"

#include "files_fdw/encoding.h"
#include "lib/stringinfo.h"

/* Within <si> and <is>: what is open */
typedef struct RichText
{
	int phonetic; /* how it is spoken is no part of it */
	bool open;    /* letters come */
} RichText;

extern void rich_begin(RichText *t, const char *name);
extern void rich_end(RichText *t, const char *name);
/* _x000D_ is a carriage return, wherever it stands; from an offset on, in place */
extern void unescape_text(StringInfo text, int from);
/* Into the database's encoding, from an offset on; false: it cannot be said there */
extern bool recode_text(Recoder *recoder, StringInfo text, int from);

#endif /* FILES_XLSX_TEXT_H */
