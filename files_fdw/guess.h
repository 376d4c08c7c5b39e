/*
 * guess.h
 *		What type the values of a column have, all of them.
 */
#ifndef FILES_GUESS_H
#define FILES_GUESS_H

#include "postgres.h"

#include "files_fdw/reader.h"
#include "nodes/pg_list.h"

#define GUESS_WORDS 6 /* words that stand for true, false or null */
#define GUESS_BYTES 64

/* What all values of a column may be */
#define MAY_INT 0x1
#define MAY_NUMBER 0x2 /* as PostgreSQL writes one, or as the column's signs are */
#define MAY_DATE 0x4   /* three orders, in this bit and the next two */
#define MAY_STAMP 0x20
#define MAY_STAMPTZ 0x100
#define MAY_TIME 0x800
#define MAY_UUID 0x1000
#define MAY_BOOL 0x2000
#define MAY_JSON 0x4000
#define MAY_ALL 0x7fff

typedef struct Guess
{
	char *name; /* in the file */
	uint32 may;
	int64 values; /* that are not null */
	int64 nulls;
	int64 quoted_empty;
	int64 from_json; /* values that were no text there */
	/* numbers */
	int64 points; /* whose decimal sign is surely a point, a comma */
	int64 commas;
	int64 doubtful_points; /* with three digits behind it: 1.234 */
	int64 doubtful_commas;
	char marks[4]; /* between thousands */
	int nmarks;
	bool fraction;
	int digits; /* the most before the decimal sign */
	bool codes; /* leading zeros, a plus */
	bool money; /* currencies, percent, parentheses */
	/* dates */
	bool all_eight;  /* 20240305 */
	bool short_year; /* of two digits, and not all fields have two */
	/* words */
	char truths[GUESS_WORDS][GUESS_BYTES];
	bool truth_is[GUESS_WORDS];
	int ntruths;
	uint64 pairs;
	char words[GUESS_WORDS][GUESS_BYTES]; /* for null */
	bool word_quoted;
	bool not_available; /* cells that say so, by the error #N/A */
	int nwords;
	/* what made it a text */
	char spoiler[GUESS_BYTES];
	char *spoiler_file;
	int64 spoiler_line;
} Guess;

/* A type, the options of its column and what people should know */
typedef struct GuessResult
{
	const char *type;
	List *options; /* of DefElem, strings */
	char *evidence;
	char *note; /* why it is a text though it looks like something else, or NULL */
	char *runner_up;
} GuessResult;

extern Guess *guess_new(const char *name);
/* json: how the field stood there tells more */
extern void guess_add(Guess *g, const char *p, int len, int flags, bool json, const char *file, int64 line);
extern void guess_result(Guess *g, GuessResult *result);

#endif /* FILES_GUESS_H */
