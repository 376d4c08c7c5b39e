/*
 * read.c
 *		read_number(), read_boolean(), read_months(): texts by the same recognisers that found what they are.
 *
 * They are strict: what is not written so is an error, not another value.
 */
#include "postgres.h"

#include "common/written.h"
#include "ingest_profile/compat.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

SQL_FUNCTION(profile_read_number);
SQL_FUNCTION(profile_read_boolean);
SQL_FUNCTION(profile_read_months);

static void
refuse(const char *type, const text *value, const char *detail)
{
	int len = pg_mbcliplen(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), 100);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("\"%.*s\" cannot be read as %s", len, VARDATA_ANY(value), type),
			 detail ? errdetail("%s", detail) : 0));
}

Datum
profile_read_number(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	char *decimal = text_to_cstring(PG_GETARG_TEXT_PP(1));
	WrittenNumber n;

	if (strcmp(decimal, ".") != 0 && strcmp(decimal, ",") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the decimal sign must be a point or a comma")));
	if (!written_number(VARDATA_ANY(value), (int) Min(VARSIZE_ANY_EXHDR(value), WRITTEN_BYTES), decimal[0], &n) ||
		VARSIZE_ANY_EXHDR(value) > WRITTEN_BYTES)
		refuse("a number", value, decimal[0] == '.' ? "The decimal sign is a point." : "The decimal sign is a comma.");
	PG_RETURN_DATUM(DirectFunctionCall3(numeric_in, CStringGetDatum(n.value), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

Datum
profile_read_boolean(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	bool result = false;
	uint64 pairs;

	if (VARSIZE_ANY_EXHDR(value) > WRITTEN_BYTES || !written_truth(VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value), &result, &pairs))
		refuse("true or false", value, NULL);
	PG_RETURN_BOOL(result);
}

#define NO_NAME (-1)

/* Is the word a month of the language, a day of the week, or both? */
static void
senses_of(const char *word, int len, int language, int *month, bool *day)
{
	int n = 0;
	const NameSense *senses = len > 1 ? month_name_find(word, len, &n) : NULL;

	*month = NO_NAME;
	*day = false;
	for (int i = 0; i < n; i++)
	{
		if (senses[i].language != language)
			continue;
		if (senses[i].month == NO_MONTH)
			*day = true;
		else
			*month = senses[i].month;
	}
}

static const char *
word_end(const char *p, const char *end)
{
	while (p < end && word_byte(p, end))
		p++;
	return p;
}

/* Is there a month's name from here on? */
static bool
month_follows(const char *p, const char *end, int language)
{
	while (p < end)
	{
		const char *word = p;
		int month;
		bool day;

		p = word_end(p, end);
		senses_of(word, (int) (p - word), language, &month, &day);
		if (month != NO_NAME)
			return true;
		p += p < end && p == word;
	}
	return false;
}

static bool
is_any(const char *word, int len, const char *const *list)
{
	for (; *list; list++)
	{
		if (strlen(*list) == len && pg_strncasecmp(word, *list, len) == 0)
			return true;
	}
	return false;
}

/*
 * Names of months as two digits; days of the week, with what follows them, "de" and the endings of ordinal numbers
 * left out; else as it was.
 */
Datum
profile_read_months(PG_FUNCTION_ARGS)
{
	static const char *const fillers[] = {"de", "del", "den", "di", "of", "d", NULL};
	static const char *const ordinals[] = {"st", "nd", "rd", "th", NULL};
	text *value = PG_GETARG_TEXT_PP(0);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int language = month_language_find(name);
	const char *start = VARDATA_ANY(value);
	const char *end = start + VARSIZE_ANY_EXHDR(value);
	StringInfoData out;

	if (language < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no language \"%s\" whose names of months are known", name)));
	if (end - start > WRITTEN_BYTES)
		refuse("a date", value, NULL);
	initStringInfo(&out);
	for (const char *p = start; p < end;)
	{
		const char *word = p;
		bool behind_digit = p > start && p[-1] >= '0' && p[-1] <= '9';
		int len;
		int month;
		bool day;

		p = word_end(p, end);
		len = (int) (p - word);
		if (len == 0)
		{
			appendStringInfoChar(&out, *p++);
			continue;
		}
		senses_of(word, len, language, &month, &day);
		if (day && (month == NO_NAME || month_follows(p, end, language)))
		{
			while (p < end && (*p == '.' || *p == ',' || *p == ' '))
				p++;
		}
		else if (month != NO_NAME)
		{
			appendStringInfo(&out, "%02d", month);
			if (p < end && *p == '.')
				p++;
		}
		else if (is_any(word, len, fillers))
			p += p < end && *p == '\'';
		else if (!(behind_digit && is_any(word, len, ordinals)))
			appendBinaryStringInfo(&out, word, len);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
