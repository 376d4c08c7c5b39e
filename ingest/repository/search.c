/*
 * search.c
 *		What is called or described so: trigrams of names and descriptions, for an index of arrays.
 *
 * A text is its runs of three characters, in small letters; the first two of each word stand behind a blank, and the
 * whole name behind a character that is in no name, so that an index finds parts of words, beginnings of them, and the
 * name itself.  Whatever it finds is looked at again.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "ingest/base/compat.h"
#include "ingest/base/sql.h"
#include "ingest/repository/access.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

SQL_FUNCTION(ingest_grams);
SQL_FUNCTION(ingest_search);

/* A description may be a book: so much of it is found */
#define CHARACTERS_AT_MOST 2000
#define WHOLE '\x01'

typedef struct Grams
{
	char **v;
	int n;
	int room;
} Grams;

static void
add(Grams *grams, const char *text, int length, char before)
{
	char *gram = palloc(length + 2);
	int n = 0;

	if (before)
		gram[n++] = before;
	memcpy(gram + n, text, length);
	gram[n + length] = '\0';
	if (grams->n == grams->room)
	{
		grams->room = Max(64, grams->room * 2);
		grams->v = grams->v ? repalloc(grams->v, sizeof(char *) * grams->room) : palloc(sizeof(char *) * grams->room);
	}
	grams->v[grams->n++] = gram;
}

/* Letters and digits of any script make words; of ASCII nothing else does */
static bool
in_word(char c)
{
	return IS_HIGHBIT_SET(c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* What a word begins with, and what stands in it */
static void
add_words(Grams *grams, const char *text)
{
	bool begins = true;
	int characters = 0;

	for (const char *p = text; *p && characters < CHARACTERS_AT_MOST; p += pg_mblen(p), characters++)
	{
		const char *second = p + pg_mblen(p);
		const char *third = *second ? second + pg_mblen(second) : second;

		if (in_word(*p) && begins && *second)
			add(grams, p, third - p, ' ');
		if (*second && *third)
			add(grams, p, third + pg_mblen(third) - p, '\0');
		begins = !in_word(*p);
	}
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Each once, in order */
static Datum
array_of(Grams *grams)
{
	Datum *items = palloc(sizeof(Datum) * Max(grams->n, 1));
	int n = 0;

	qsort(grams->v, grams->n, sizeof(char *), compare);
	for (int i = 0; i < grams->n; i++)
	{
		if (i == 0 || strcmp(grams->v[i], grams->v[i - 1]) != 0)
			items[n++] = CStringGetTextDatum(grams->v[i]);
	}
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static char *
in_small_letters(const text *t)
{
	return str_tolower(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), DEFAULT_COLLATION_OID);
}

/* search_grams(name, description) */
Datum
ingest_grams(PG_FUNCTION_ARGS)
{
	Grams grams = {0};

	if (!PG_ARGISNULL(0))
	{
		char *name = in_small_letters(PG_GETARG_TEXT_PP(0));

		/* an entry of an index has its bounds: a name is cut at those of an identifier twice over */
		add(&grams, name, pg_mbcliplen(name, strlen(name), 2 * NAMEDATALEN), WHOLE);
		add_words(&grams, name);
	}
	if (!PG_ARGISNULL(1))
		add_words(&grams, in_small_letters(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_DATUM(array_of(&grams));
}

/* search(what, most): as the repository's owner, of the sources that the caller sees */
Datum
ingest_search(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	sql_result(rsinfo, AS_REPOSITORY, "SELECT * FROM ingest_internal.search_found($1, $2, $3)",
			   SQL_ARGS(arg_datum(TEXTOID, PG_GETARG_DATUM(0), PG_ARGISNULL(0)),
						arg_datum(INT4OID, PG_GETARG_DATUM(1), PG_ARGISNULL(1)),
						arg_datum(INT4ARRAYOID, my_sources(), false)));
	sql_end(level);
	return (Datum) 0;
}
