/*
 * encoding.h
 *		Texts of files become texts of the database.
 */
#ifndef FILES_ENCODING_H
#define FILES_ENCODING_H

#include "postgres.h"

/* One of PostgreSQL's, or */
typedef int FileEncoding;
#define ENCODING_UTF16 1000 /* the byte order mark tells which */
#define ENCODING_UTF16LE 1001
#define ENCODING_UTF16BE 1002

typedef struct Recoder Recoder;

/* -1 if there is none of the name */
extern FileEncoding encoding_by_name(const char *name);
extern const char *encoding_name(FileEncoding encoding);
/* Is a text of the file a text of the database as it is? */
extern bool encoding_is_ours(FileEncoding encoding);
/* NULL if it is */
extern Recoder *recoder_new(FileEncoding encoding);
/*
 * From some bytes to others; how many were taken goes to *taken.  What is not whole yet is left, unless it is the end.
 * If something cannot be converted, what stands before it is given first; then *bad is set, nothing given and the bad
 * bytes taken.
 */
extern size_t recode(Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad);
/* A whole text, palloc'd; NULL: it cannot be said in the database's encoding */
extern char *recode_whole(Recoder *r, const char *p, size_t n, size_t *len);

#endif /* FILES_ENCODING_H */
