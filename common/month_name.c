/*
 * month_name.c
 *		A sorted table of the names that ICU has, made once in a process when the first word is looked up.
 *
 * Names in which there are digits or blanks (3月, thg 3) are left out: they are no words.
 */
#include "postgres.h"

#include <unicode/uchar.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "common/month_name.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define NAME_UNITS 40
#define WORD_UNITS_MOST 80

typedef struct MonthName
{
	uint16 n;
	UChar text[NAME_UNITS];
	NameSense sense;
} MonthName;

static struct
{
	int n;
	int allocated;
	MonthName *names;
	NameSense *senses; /* of the names, in the same order */
	int languages;
	char language[MONTH_LANGUAGES][8];
} table;

static int
compare_texts(const UChar *a, int na, const UChar *b, int nb)
{
	int order = u_memcmp(a, b, Min(na, nb));

	return order != 0 ? order : na - nb;
}

static int
compare_names(const void *a, const void *b)
{
	const MonthName *x = a;
	const MonthName *y = b;
	int order = compare_texts(x->text, x->n, y->text, y->n);

	if (order == 0)
		order = x->sense.language - y->sense.language;
	return order != 0 ? order : x->sense.month - y->sense.month;
}

static void
add_name(const UChar *text, int n, int language, int month)
{
	UErrorCode error = U_ZERO_ERROR;
	MonthName *name;

	while (n > 0 && text[n - 1] == '.')
		n--;
	for (int i = 0; i < n; i++)
	{
		if (text[i] <= '/' || u_isdigit(text[i]) || u_isUWhiteSpace(text[i]))
			return;
	}
	if (n < 2)
		return;
	if (table.n == table.allocated)
	{
		table.allocated = Max(table.allocated * 2, 4096);
		table.names = table.names ? repalloc(table.names, table.allocated * sizeof(MonthName))
								  : MemoryContextAlloc(TopMemoryContext, table.allocated * sizeof(MonthName));
	}
	name = &table.names[table.n];
	name->n = u_strFoldCase(name->text, NAME_UNITS, text, n, U_FOLD_CASE_DEFAULT, &error);
	name->sense = (NameSense){language, month};
	if (U_SUCCESS(error) && name->n <= NAME_UNITS)
		table.n++;
}

/* A locale's names, as those of a language */
static bool
add_names(const char *locale, int language)
{
	static const struct
	{
		UDateFormatSymbolType type;
		bool months;
	} kinds[] = {
		{UDAT_MONTHS, true},
		{UDAT_SHORT_MONTHS, true},
		{UDAT_STANDALONE_MONTHS, true},
		{UDAT_STANDALONE_SHORT_MONTHS, true},
		{UDAT_WEEKDAYS, false},
		{UDAT_SHORT_WEEKDAYS, false},
		{UDAT_STANDALONE_WEEKDAYS, false},
	};
	char gregorian[40];
	UErrorCode error = U_ZERO_ERROR;
	UDateFormat *format;

	snprintf(gregorian, sizeof(gregorian), "%s@calendar=gregorian", locale);
	format = udat_open(UDAT_NONE, UDAT_LONG, gregorian, NULL, 0, NULL, 0, &error);
	if (U_FAILURE(error))
		return false;
	for (int k = 0; k < lengthof(kinds); k++)
	{
		int n = udat_countSymbols(format, kinds[k].type);

		for (int i = 0; i < n; i++)
		{
			UChar text[NAME_UNITS];
			int len;

			error = U_ZERO_ERROR;
			len = udat_getSymbols(format, kinds[k].type, i, text, NAME_UNITS, &error);
			if (U_SUCCESS(error) && len <= NAME_UNITS)
				add_name(text, len, language, kinds[k].months ? i + 1 : NO_MONTH);
		}
	}
	udat_close(format);
	return true;
}

/* Where a country's names are others: Jänner, juill., Sept, and Serbian in Latin letters */
static void
add_countries(const char *name, int language)
{
	static const char *const countries[] = {"de_AT", "fr_CA", "es_MX", "pt_PT", "en_AU", "sr_Latn"};

	for (int i = 0; i < lengthof(countries); i++)
	{
		if (strlen(name) == 2 && strncmp(countries[i], name, 2) == 0)
			(void) add_names(countries[i], language);
	}
}

static void
add_language(const char *locale)
{
	if (!add_names(locale, table.languages))
		return;
	add_countries(locale, table.languages);
	strlcpy(table.language[table.languages++], locale, sizeof(table.language[0]));
}

/* English comes first, so that it is the first to be taken */
static void
read_names(void)
{
	static const UChar sept[] = {'s', 'e', 'p', 't'};
	int kept = 0;

	table.n = table.languages = 0;
	add_language("en");
	add_name(sept, 4, 0, 9);
	for (int i = 0; i < uloc_countAvailable() && table.languages < MONTH_LANGUAGES; i++)
	{
		const char *locale = uloc_getAvailable(i);

		if (strchr(locale, '_') == NULL && strlen(locale) < sizeof(table.language[0]) && strcmp(locale, "en") != 0)
			add_language(locale);
	}
	qsort(table.names, table.n, sizeof(MonthName), compare_names);
	table.senses = MemoryContextAlloc(TopMemoryContext, Max(table.n, 1) * sizeof(NameSense));
	for (int i = 0; i < table.n; i++)
	{
		if (kept > 0 && compare_names(&table.names[kept - 1], &table.names[i]) == 0)
			continue;
		table.names[kept] = table.names[i];
		table.senses[kept++] = table.names[i].sense;
	}
	table.n = kept;
}

static void
need_names(void)
{
	if (table.senses == NULL)
		read_names();
}

/* Other encodings than UTF-8 have the names that are ASCII */
int
folded_word(const char *text, int len, uint16 *out, int room)
{
	UChar units[WORD_UNITS_MOST];
	UErrorCode error = U_ZERO_ERROR;
	int32_t n = 0;

	if (len > WORD_UNITS_MOST)
		return 0;
	if (GetDatabaseEncoding() == PG_UTF8)
		u_strFromUTF8(units, WORD_UNITS_MOST, &n, text, len, &error);
	else
	{
		for (; n < len; n++)
		{
			if ((unsigned char) text[n] >= 128)
				return 0;
			units[n] = (unsigned char) text[n];
		}
	}
	if (U_FAILURE(error))
		return 0;
	n = u_strFoldCase((UChar *) out, room, units, n, U_FOLD_CASE_DEFAULT, &error);
	return U_SUCCESS(error) && n <= room ? n : 0;
}

const NameSense *
month_name_find(const char *text, int len, int *n)
{
	UChar word[NAME_UNITS];
	int units = len > 0 ? folded_word(text, len, (uint16 *) word, NAME_UNITS) : 0;
	int low = 0;
	int high;

	*n = 0;
	if (units == 0)
		return NULL;
	need_names();
	high = table.n;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (compare_texts(table.names[middle].text, table.names[middle].n, word, units) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *n < table.n && compare_texts(table.names[low + *n].text, table.names[low + *n].n, word, units) == 0)
		(*n)++;
	return *n > 0 ? &table.senses[low] : NULL;
}

const char *
month_language(int language)
{
	need_names();
	return table.language[language];
}

int
month_language_find(const char *name)
{
	need_names();
	for (int i = 0; i < table.languages; i++)
	{
		if (strcmp(table.language[i], name) == 0)
			return i;
	}
	return -1;
}

/* Letters, and whatever is beyond ASCII but the blanks there */
bool
word_byte(const char *p, const char *end)
{
	unsigned char c = (unsigned char) *p;

	if (c < 128)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return !(end - p >= 2 && c == 0xC2 && (unsigned char) p[1] == 0xA0);
}
