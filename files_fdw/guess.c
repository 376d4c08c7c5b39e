/*
 * guess.c
 *		What type the values of a column have, all of them.
 *
 * A value takes away what it is not; what is left at the end all values are.  It is the converters themselves that are
 * asked, so that what is proposed can be read.
 */
#include "postgres.h"

#include <ctype.h>

#include "common/written.h"
#include "files_fdw/convert.h"
#include "files_fdw/guess.h"
#include "files_fdw/json.h"
#include "files_fdw/moment.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "port/pg_bitutils.h"

#define NOT_AVAILABLE "#N/A"
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

Guess *
guess_new(const char *name)
{
	Guess *g = palloc0(sizeof(Guess));

	g->name = pstrdup(name);
	g->may = MAY_ALL;
	g->all_eight = true;
	g->pairs = ~UINT64CONST(0);
	return g;
}

static void
keep_text(char *to, const char *p, int len)
{
	int n = Min(len, GUESS_BYTES - 1);

	n = n < len ? pg_mbcliplen(p, len, n) : n;
	memcpy(to, p, n);
	to[n] = '\0';
}

/* -- numbers -- */

static void
keep_mark(Guess *g, char mark)
{
	if (g->nmarks < lengthof(g->marks) && memchr(g->marks, mark, g->nmarks) == NULL)
		g->marks[g->nmarks++] = mark;
}

/* The sign between thousands; what no option can say is a blank of another kind */
static char
mark_between(const char *p, int len)
{
	bool digit = false;

	for (int i = 0; i < len; i++)
	{
		if (IS_DIGIT(p[i]))
			digit = true;
		else if (digit)
			return (unsigned char) p[i] < 128 ? p[i] : '?';
	}
	return '?';
}

/* Numbers as other countries write them; false: it is none */
static bool
add_written(Guess *g, const char *p, int len)
{
	WrittenNumber n;

	if (!written_number(p, len, 0, &n))
		return false;
	g->money |= n.money || n.percent || p[len - 1] == '-' || *p == '(' || (unsigned char) *p >= 128;
	g->codes |= n.leading_zero;
	g->points += n.decimal == '.';
	g->commas += n.decimal == ',';
	g->doubtful_points += n.either && n.fraction;
	g->doubtful_commas += n.either && !n.fraction;
	if (n.grouped)
		keep_mark(g, mark_between(p, len));
	g->fraction |= n.fraction && !n.either;
	g->digits = Max(g->digits, n.digits);
	return true;
}

/* As PostgreSQL writes them: digits, perhaps a point and more; *whole: there is none.  false: it is something else. */
static inline bool
add_plain(Guess *g, const char *p, int len, bool *whole)
{
	const char *end = p + len;
	const char *start;
	int before;

	p += *p == '-';
	start = p;
	while (p < end && IS_DIGIT(*p))
		p++;
	before = (int) (p - start);
	*whole = p == end;
	if (before == 0)
		return false;
	if (p < end)
	{
		const char *point = p++;

		if (*point != '.')
			return false;
		while (p < end && IS_DIGIT(*p))
			p++;
		if (p < end || p == point + 1)
			return false;
		/* 1.234 may be a thousand and more */
		if (end - point == 4 && before <= 3 && *start != '0')
			g->doubtful_points++;
		else
		{
			g->points++;
			g->fraction = true;
		}
	}
	g->codes |= before > 1 && *start == '0';
	g->digits = Max(g->digits, before);
	return true;
}

static uint32
after_number(Guess *g, const char *p, int len, uint32 may)
{
	bool whole;

	if (add_plain(g, p, len, &whole))
	{
		may &= whole ? MAY_INT | MAY_NUMBER | MAY_DATE * 7 | MAY_BOOL : MAY_NUMBER | MAY_DATE * 7 | MAY_STAMP * 7;
		return may;
	}
	may &= ~MAY_INT;
	if (*p == '+' || !add_written(g, p, len))
		may &= ~MAY_NUMBER;
	return may;
}

/* -- moments -- */

static uint32
after_date(Guess *g, const char *p, int len, uint32 may)
{
	DateADT ignored;

	for (int order = DATE_YMD; order <= DATE_MDY; order++)
	{
		if ((may & (MAY_DATE << order)) &&
			(*p == 'i' || *p == '-' || read_date(p, len, order, &ignored) != MOMENT_FINE))
			may &= ~(MAY_DATE << order);
	}
	if (may & MAY_DATE * 7)
	{
		g->all_eight &= len == 8 && IS_DIGIT(p[4]) && IS_DIGIT(p[2]);
		g->short_year |= len < 8 || (len == 8 && !IS_DIGIT(p[1]));
	}
	return may;
}

static uint32
after_stamp(const char *p, int len, uint32 may)
{
	for (int order = DATE_YMD; order <= DATE_MDY; order++)
	{
		Timestamp ignored;
		MomentFault fault;

		if (!(may & ((MAY_STAMP | MAY_STAMPTZ) << order)))
			continue;
		/* a date alone is no time */
		fault = len < 12 || memchr(p, ':', len) == NULL ? MOMENT_SYNTAX
														: read_timestamp(p, len, order, false, NULL, &ignored);
		if (fault != MOMENT_FINE)
			may &= ~(MAY_STAMP << order);
		if (fault != MOMENT_ZONE)
			may &= ~(MAY_STAMPTZ << order);
	}
	return may;
}

/* -- words -- */

/* Is it a word that stands for nothing, in files of whichever origin? */
static bool
is_null_word(const char *p, int len)
{
	static const char *const words[] = {"null", "(null)", "n/a", "#n/a", "na", "\\n", "-",
										"--", "none", "nil", "?", "#null!", "<null>"};

	/* mostly a look at the first byte will do */
	if (len > 7 ||
		(*p != 'n' && *p != 'N' && *p != '-' && *p != '(' && *p != '#' && *p != '?' && *p != '\\' && *p != '<') ||
		(*p == '-' && len > 2))
		return false;
	for (int i = 0; i < lengthof(words); i++)
	{
		if ((int) strlen(words[i]) == len && pg_strncasecmp(words[i], p, len) == 0)
			return true;
	}
	return false;
}

/* False: there are too many of them */
static bool
add_null_word(Guess *g, const char *p, int len, bool quoted)
{
	g->word_quoted |= quoted;
	for (int i = 0; i < g->nwords; i++)
	{
		if (strncmp(g->words[i], p, len) == 0 && g->words[i][len] == '\0')
			return true;
	}
	if (g->nwords == GUESS_WORDS)
		return false;
	keep_text(g->words[g->nwords++], p, len);
	return true;
}

/* Few words, each of which means true or false in one language */
static uint32
after_truth(Guess *g, const char *p, int len, uint32 may)
{
	bool value;
	uint64 pairs;

	if (len >= 16)
		return may & ~MAY_BOOL;
	for (int i = 0; i < g->ntruths; i++)
	{
		if ((int) strlen(g->truths[i]) == len && memcmp(g->truths[i], p, len) == 0)
			return may;
	}
	if (g->ntruths == GUESS_WORDS || !written_truth(p, len, &value, &pairs) || (g->pairs & pairs) == 0)
		return may & ~MAY_BOOL;
	g->pairs &= pairs;
	keep_text(g->truths[g->ntruths], p, len);
	g->truth_is[g->ntruths++] = value;
	return may;
}

static bool
is_uuid(const char *p, int len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23 ? p[i] != '-' : !isxdigit((unsigned char) p[i]))
			return false;
	}
	return true;
}

/* -- a value -- */

/* A JSON value that is no text says itself what it is */
static uint32
json_kind(const char *p)
{
	switch (*p)
	{
		case '{':
		case '[':
			return MAY_JSON;
		case 't':
		case 'f':
			return MAY_BOOL;
		default:
			return MAY_INT | MAY_NUMBER;
	}
}

static uint32
after_value(Guess *g, const char *p, int len, uint32 may)
{
	char *twice;

	if (may & (MAY_INT | MAY_NUMBER))
		may = after_number(g, p, len, may);
	if (may & MAY_DATE * 7)
		may = after_date(g, p, len, may);
	if (may & (MAY_STAMP * 7 | MAY_STAMPTZ * 7))
		may = after_stamp(p, len, may);
	if (may & MAY_TIME)
	{
		TimeADT ignored;

		if (read_time(p, len, &ignored) != MOMENT_FINE)
			may &= ~MAY_TIME;
	}
	if ((may & MAY_UUID) && !is_uuid(p, len))
		may &= ~MAY_UUID;
	if (may & MAY_BOOL)
		may = after_truth(g, p, len, may);
	if ((may & MAY_JSON) && !((*p == '{' || *p == '[') && written_json(p, len, false) && !json_member_twice(p, len, &twice)))
		may &= ~MAY_JSON;
	return may;
}

void
guess_add(Guess *g, const char *p, int len, int flags, bool json, const char *file, int64 line)
{
	uint32 may = g->may;

	if ((flags & FIELD_MISSING) || len == 0)
	{
		g->nulls++;
		g->quoted_empty += (flags & FIELD_QUOTED) != 0;
		return;
	}
	/* rows with other errors are bad */
	if (flags & FIELD_ERROR)
	{
		g->not_available |= len == 4 && memcmp(p, NOT_AVAILABLE, 4) == 0;
		g->nulls++;
		return;
	}
	g->values++;
	if (may == 0)
		return;
	if (!json)
	{
		while (len > 0 && (*p == ' ' || *p == '\t'))
		{
			p++;
			len--;
		}
		while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		if (len == 0)
			may = 0;
	}
	else if (flags & FIELD_RAW)
	{
		g->from_json++;
		may &= json_kind(p);
	}
	else
		/* a text of digits was meant to be one */
		may &= ~(MAY_INT | MAY_NUMBER | MAY_BOOL | MAY_JSON);
	if (may != 0 && !(flags & FIELD_RAW) && is_null_word(p, len) &&
		add_null_word(g, p, len, (flags & FIELD_QUOTED) != 0))
		return;
	if (may != 0)
		may = after_value(g, p, len, may);
	/* a point in a number that says to be one is no sign between thousands */
	if ((flags & FIELD_RAW) && g->doubtful_points > 0)
	{
		g->points += g->doubtful_points;
		g->doubtful_points = 0;
		g->fraction = true;
	}
	if (may == 0)
	{
		keep_text(g->spoiler, p, len);
		g->spoiler_file = (char *) file; /* of the group, which is there for longer */
		g->spoiler_line = line;
	}
	g->may = may;
}

/* -- the outcome -- */

static void
add_option(GuessResult *r, const char *name, const char *value)
{
	r->options = lappend(r->options, makeDefElem(pstrdup(name), (Node *) makeString(pstrdup(value)), -1));
}

/* Does a column's name say that it holds dates? */
static bool
named_date(const char *name)
{
	static const char *const words[] = {"date", "datum", "day", "tag", "fecha", "data", "dato",
										"jour", "giorno", "dia", "_at", "_on", "dt", "period"};
	char folded[NAMEDATALEN];
	int n = 0;

	for (; n < NAMEDATALEN - 1 && name[n] != '\0'; n++)
		folded[n] = (char) pg_ascii_tolower((unsigned char) name[n]);
	folded[n] = '\0';
	for (int i = 0; i < lengthof(words); i++)
	{
		if (strstr(folded, words[i]) != NULL)
			return true;
	}
	return false;
}

static bool
take_moment(Guess *g, GuessResult *r, uint32 bit, const char *type)
{
	static const char *const orders[] = {"ymd", "dmy", "mdy"};
	uint32 left = (g->may / bit) & 7;

	if (left == 0)
		return false;
	if (bit == MAY_DATE && (g->all_eight ? !named_date(g->name) : false))
		return false;
	if (bit == MAY_DATE && g->short_year && !(left & 1))
	{
		r->note =
			pstrdup("may be dates with years of two digits, or versions (options dateorder of the column, type date)");
		return false;
	}
	/* all dates are read by several orders, and not the same */
	if ((left & 1) == 0 && left == 6)
	{
		r->note = pstrdup("the day or the month may come first (option dateorder of the column)");
		r->runner_up = pstrdup(type);
		return false;
	}
	r->type = type;
	if (!(left & 1))
		add_option(r, "dateorder", orders[left & 2 ? DATE_DMY : DATE_MDY]);
	return true;
}

static bool
take_truth(Guess *g, GuessResult *r)
{
	static const char *const plain[] = {"t", "f", "true", "false", "yes", "no", "y", "n", "on", "off"};
	const char *words[2] = {NULL, NULL};
	bool usual = true;

	if (!(g->may & MAY_BOOL))
		return false;
	for (int i = 0; i < g->ntruths; i++)
	{
		bool found = false;
		int side = g->truth_is[i] ? 0 : 1;

		for (int k = 0; k < lengthof(plain); k++)
			found |= pg_strcasecmp(plain[k], g->truths[i]) == 0;
		usual &= found;
		/* the same word in other letters is the same */
		if (words[side] != NULL && pg_strcasecmp(words[side], g->truths[i]) != 0)
			usual = found;
		words[side] = g->truths[i];
	}
	/* of one kind alone only true and false themselves are believed */
	if (words[0] == NULL || words[1] == NULL)
	{
		const char *word = words[0] ? words[0] : words[1];

		if (word == NULL || !(pg_strcasecmp(word, "true") == 0 || pg_strcasecmp(word, "false") == 0))
			return false;
	}
	r->type = "boolean";
	if (!usual)
		add_option(r, "boolean_words", words_print(list_make2((char *) words[0], (char *) words[1])));
	return true;
}

/* One decimal sign, and at most one sign between thousands, for all */
static bool
take_number(Guess *g, GuessResult *r)
{
	char decimal = g->commas > 0 ? ',' : '.';

	if (!(g->may & (MAY_INT | MAY_NUMBER)))
		return false;
	if (g->codes)
	{
		r->note = pstrdup("numbers with leading zeros are codes");
		r->runner_up = pstrdup(g->fraction ? "numeric" : "bigint");
		return false;
	}
	if (g->money)
	{
		r->note = pstrdup("amounts with a currency, a percent sign or another sign around them");
		return false;
	}
	if (g->points > 0 && g->commas > 0)
	{
		r->note = pstrdup("some numbers have a decimal point, others a decimal comma");
		return false;
	}
	if ((g->points == 0 && g->commas == 0 && (g->doubtful_points > 0 || g->doubtful_commas > 0)) || g->nmarks > 1)
	{
		r->note = pstrdup(g->nmarks > 1 ? "several signs separate thousands"
										: "the sign before three digits may be a decimal sign or separate thousands "
										  "(options decimal, thousands of the column)");
		r->runner_up = pstrdup("numeric");
		return false;
	}
	if (g->nmarks == 1 && (g->marks[0] == decimal || strchr(".,' _", g->marks[0]) == NULL))
	{
		r->note = pstrdup("thousands are separated by a sign that option thousands does not know");
		return false;
	}
	/* 1.234 in a column of 1,5 divides thousands */
	if (decimal == ',' && g->doubtful_points > 0 && g->nmarks == 0)
		keep_mark(g, '.');
	if (decimal == '.' && g->doubtful_commas > 0 && g->nmarks == 0)
		keep_mark(g, ',');
	r->type = g->fraction || g->points > 0 || g->commas > 0 || g->digits > 18 ? "numeric" : "bigint";
	if (decimal == ',')
		add_option(r, "decimal", ",");
	if (g->nmarks == 1)
		add_option(r, "thousands", byte_print(g->marks[0]));
	return true;
}

static char *
evidence_of(const Guess *g, const GuessResult *r)
{
	if (g->values == 0)
		return pstrdup("no value at all");
	if (strcmp(r->type, "text") != 0)
		return psprintf("all " INT64_FORMAT " values", g->values);
	if (g->spoiler_file)
		return psprintf("since \"%s\" in file \"%s\", line " INT64_FORMAT, g->spoiler, g->spoiler_file,
						g->spoiler_line);
	return psprintf(INT64_FORMAT " values", g->values);
}

static bool
list_has_word(List *words, const char *word)
{
	ListCell *lc;

	foreach (lc, words)
	{
		if (strcmp(lfirst(lc), word) == 0)
			return true;
	}
	return false;
}

void
guess_result(Guess *g, GuessResult *r)
{
	List *words = NIL;
	bool typed;

	*r = (GuessResult){.type = "text"};
	typed = g->values > g->nwords && g->may != 0 &&
			(take_moment(g, r, MAY_STAMP, "timestamp") || take_moment(g, r, MAY_STAMPTZ, "timestamptz") ||
			 take_moment(g, r, MAY_DATE, "date"));
	if (!typed && g->may != 0 && g->values > 0)
	{
		if (g->may & MAY_TIME)
			r->type = "time";
		else if (g->may & MAY_UUID)
			r->type = "uuid";
		else if ((g->may & (MAY_INT | MAY_NUMBER)) || !take_truth(g, r))
		{
			if (!take_number(g, r) && (g->may & MAY_JSON))
				r->type = "jsonb";
		}
	}
	/* nothing but words for nothing is a text */
	if (g->may == MAY_ALL)
		*r = (GuessResult){.type = "text"};
	typed = strcmp(r->type, "text") != 0;
	if (typed)
	{
		r->note = r->runner_up = NULL;
		for (int i = 0; i < g->nwords; i++)
			words = lappend(words, g->words[i]);
	}
	if (g->not_available && !list_has_word(words, NOT_AVAILABLE))
		words = lappend(words, NOT_AVAILABLE);
	if (words)
		add_option(r, "null_words", words_print(words));
	if (typed && (g->quoted_empty > 0 || (g->nwords > 0 && g->word_quoted)))
		add_option(r, "force_null", "on");
	r->evidence = evidence_of(g, r);
}
