/*
 * disguise.c
 *		Texts that look unlike the others, numbers with a unit among those without, and
 *		values that stand for a missing one.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest_profile/outlier.h"
#include "utils/builtins.h"

#define LEAST_ALIKE 10  /* values of a shape make it one; fewer are a list of words */
#define MOST_HIDDEN 0.5 /* of the values may stand for a missing one; else it is what the column mostly says */

/* -- shapes -- */

static char *
escaped(const char *text, int len)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < len; i++)
	{
		if (strchr("\\.^$|()[]{}*+?", text[i]) != NULL)
			appendStringInfoChar(&out, '\\');
		appendStringInfoChar(&out, text[i]);
	}
	return out.data;
}

/* A shape as a regular expression */
static char *
regex_of_mask(const char *mask)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '^');
	for (const char *p = mask; *p;)
	{
		if (strcmp(p, "...") == 0)
			return out.data;
		if (*p == '{')
		{
			const char *end = strchr(p, '}');

			/* a count, unless an older profile has braces of the text itself there */
			if (p > mask && end && end > p + 1 && strspn(p + 1, "0123456789") == end - p - 1)
			{
				appendBinaryStringInfo(&out, p, (int) (end - p) + 1);
				p = end + 1;
				continue;
			}
		}
		if (*p == '\\' && p[1] != '\0')
			appendStringInfoString(&out, escaped(++p, 1));
		else if (*p == 'A')
			appendStringInfoString(&out, "[A-Z]");
		else if (*p == 'a')
			appendStringInfoString(&out, "[a-z]");
		else if (*p == '9')
			appendStringInfoString(&out, "[0-9]");
		else if (*p == '_')
			appendStringInfoString(&out, "\\s");
		else if (*p == 'u')
			appendStringInfoString(&out, "[^\\x01-\\x7f]");
		else
			appendStringInfoString(&out, escaped(p, 1));
		p++;
	}
	appendStringInfoChar(&out, '$');
	return out.data;
}

void
outlier_shapes(OutlierSearch *o)
{
	Patterns *p = o->s->patterns;
	int n;
	int alike = 0;
	Shape **ranked;

	if (p == NULL || !p->has_shapes || !p->shapes_exact || p->texts < 100)
		return;
	ranked = patterns_ranked(p, &n);
	if (n < 2 || (double) ranked[0]->count < 0.95 * (double) p->texts)
		return;
	for (int i = 0; i < o->s->set.n && o->s->set.exact; i++)
	{
		const Entry *e = &o->s->set.entries[i];

		alike += e->value != NULL && text_facts(p, e->value, e->value_len, e->hash).shape == ranked[0]->hash;
	}
	if (o->s->set.exact && alike < LEAST_ALIKE)
		return;
	for (int i = 1; i < Min(n, MOST_FINDINGS); i++)
	{
		if ((double) ranked[i]->count > 0.005 * (double) p->texts || ranked[i]->mask == NULL)
			continue;
		(void) outlier_report(
			o, "rare pattern",
			psprintf("%s, where %.1f %% are %s", ranked[i]->mask[0] ? ranked[i]->mask : "empty",
					 100.0 * (double) ranked[0]->count / (double) p->texts, ranked[0]->mask),
			psprintf("%s ~ %s", outlier_text_in_c(o), quote_literal_cstr(regex_of_mask(ranked[i]->mask))), o->values);
	}
}

/* -- numbers with a unit, and without -- */

/* A number with what is before and behind it; false if it is none */
static bool
split_number(const char *text, const char **end)
{
	const char *p = text;

	if (*p == '-' || *p == '+')
		p++;
	if (!isdigit((unsigned char) *p))
		return false;
	while (isdigit((unsigned char) *p) || ((*p == '.' || *p == ',') && isdigit((unsigned char) p[1])))
		p++;
	*end = p;
	return true;
}

/* A sign for percent or money, or a word of two letters or more; a single letter may belong to a house's number */
static bool
is_unit(const char *text)
{
	static const char *const signs[] = {"%", "$", "\302\243", "\302\245", "\342\202\254", "\302\260", NULL};
	int letters = 0;

	while (*text == ' ')
		text++;
	for (int i = 0; signs[i]; i++)
	{
		if (strcmp(text, signs[i]) == 0)
			return true;
	}
	for (; isalpha((unsigned char) *text); text++)
		letters++;
	return letters >= 2 && (*text == '\0' || strcmp(text, ".") == 0);
}

#define NUMBER_REGEX "^[-+]?[0-9]+([.,][0-9]+)*"

/*
 * Nearly all are numbers, some of them with one and the same unit behind: the fewer are told, with it or
 * without.  Of other shapes than these two there may be what stands for missing values.
 */
void
outlier_forms(OutlierSearch *o)
{
	const Set *set = &o->s->set;
	const char *unit = NULL;
	double bare = 0;
	double with = 0;
	double others = 0;

	if (o->s->type.class != CLASS_TEXT || o->s->type.is_json || !set->exact || o->values < 50)
		return;
	for (int i = 0; i < set->n; i++)
	{
		const Entry *e = &set->entries[i];
		char *text = e->cut ? NULL : sketch_entry_text(o->s, (Entry *) e);
		const char *end;

		if (text == NULL || !split_number(text, &end))
			others += (double) e->count;
		else if (*end == '\0')
			bare += (double) e->count;
		else if (is_unit(end) && (unit == NULL || strcmp(unit, end) == 0))
		{
			unit = end;
			with += (double) e->count;
		}
		else
			others += (double) e->count;
	}
	if (unit == NULL || bare == 0 || others > 0.1 * o->values || Min(bare, with) > 0.4 * (bare + with))
		return;
	if (with < bare)
		(void) outlier_report(
			o, "mixed form", psprintf("a number followed by '%s', where most are not", unit),
			psprintf("%s ~ %s", outlier_text_in_c(o),
					 quote_literal_cstr(psprintf(NUMBER_REGEX "%s$", escaped(unit, (int) strlen(unit))))),
			o->values);
	else
		(void) outlier_report(o, "mixed form", psprintf("a number not followed by '%s', where most are", unit),
							  psprintf("%s ~ %s", outlier_text_in_c(o), quote_literal_cstr(NUMBER_REGEX "$")),
							  o->values);
}

/* -- placeholders -- */

static const char *const text_placeholders[] = {"n/a",
												"na",
												"n.a.",
												"none",
												"null",
												"nil",
												"unknown",
												"unbekannt",
												"test",
												"tbd",
												"tba",
												"todo",
												"dummy",
												"default",
												"xxx",
												"xxxx",
												"xx",
												"asdf",
												"-",
												"--",
												"?",
												"??",
												".",
												"...",
												"(blank)",
												"(none)",
												"#n/a",
												"#ref!",
												"#value!",
												"undefined",
												"missing",
												"not available",
												"not applicable",
												"no data",
												"nodata",
												"no value",
												"not specified",
												"unspecified",
												"not known",
												"not given",
												"nan",
												"<na>",
												"<null>",
												"(null)",
												"keine angabe",
												"k.a.",
												"inconnu",
												"non communiqu\303\251",
												"desconocido",
												"sin datos",
												"nieznany",
												"000-00-0000",
												"999-99-9999",
												"000-000-0000",
												"(000) 000-0000",
												"0000-00-00",
												"00/00/0000",
												"00000",
												"0000000000",
												"1111111111",
												"foo",
												"bar",
												"sample",
												"example",
												NULL};
static const char *const number_placeholders[] = {
	"-1", "-9", "-99", "-999", "-9999", "-99999", "999",
	"9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999",
	"123456", "1234567", "12345678", "123456789", "11111", "111111", NULL};
static const char *const date_placeholders[] = {"1900-01-01", "1899-12-30", "1899-12-31", "1970-01-01",
												"1753-01-01", "0001-01-01", "9999-12-31", "9999-01-01",
												"2099-12-31", "1111-11-11", "2999-12-31", NULL};

static bool
is_listed(const char *const *list, const char *text)
{
	for (; *list; list++)
	{
		if (pg_strcasecmp(text, *list) == 0)
			return true;
	}
	return false;
}

/* One character over and over, that says nothing; of digits a few may be a code */
static bool
is_scribble(const char *text)
{
	size_t len = strlen(text);

	return len >= (isdigit((unsigned char) text[0]) ? 6 : 3) && strchr("-_.?*#/xX019", text[0]) != NULL &&
		   strspn(text, (char[]){text[0], '\0'}) == len;
}

/* In a column of codes that are as short as it, NA may be Namibia and X the unknown in an equation */
static bool
may_be_code(const OutlierSearch *o, const char *text)
{
	size_t len = strlen(text);

	return len <= 2 && isalpha((unsigned char) text[0]) && o->s->patterns &&
		   (double) o->s->patterns->lengths[len] >= 0.9 * o->values;
}

/* Where values run through a placeholder's neighbourhood it is an ordinary one */
static bool
stands_apart(OutlierSearch *o, const Entry *e, const Distribution *d)
{
	double x = number_of_key(o->s->type.class, e->key);
	double q05;
	double q95;
	double reach;

	if (d->n < 3)
		return true;
	q05 = number_of_key(o->s->type.class, distribution_quantile(d, 0.05));
	q95 = number_of_key(o->s->type.class, distribution_quantile(d, 0.95));
	reach = Max(q95 - q05, 1);
	/* far from the others, or much more frequent than they are on average */
	return x < q05 - reach || x > q95 + reach || (double) e->count > 20 * o->values / Max(o->s->set.n, 1) ||
		   (x < 0 && o->s->moments.negatives == e->count);
}

/* Where values are too many to be counted each, -1 and the like may still be the least of all, alone below zero */
static void
find_placeholder_below(OutlierSearch *o, const Distribution *d)
{
	char *least = extreme_text(&o->s->min, &o->s->type);
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);

	if (least == NULL || least[0] != '-' || !is_listed(number_placeholders, least) || d->n < 3 ||
		number_of_key(o->s->type.class, distribution_quantile(d, 0.05)) < 0)
		return;
	for (int i = 0; i < n; i++)
	{
		char *text = sketch_entry_text(o->s, ranked[i]);

		/* told above */
		if (text != NULL && strcmp(text, least) == 0 && stands_apart(o, ranked[i], d))
			return;
	}
	(void) outlier_report(o, "placeholder", psprintf("'%s' often stands for what is not known", least),
						  outlier_equals(o, least), (double) o->s->moments.negatives);
}

void
outlier_placeholders(OutlierSearch *o)
{
	ValueClass class = o->s->type.class;
	Distribution d = sketch_distribution(o->s);
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);
	int findings = 0;

	for (int i = 0; i < n && findings < MOST_FINDINGS; i++)
	{
		char *text = sketch_entry_text(o->s, ranked[i]);
		bool listed;

		if (text == NULL)
			continue;
		if (class == CLASS_TEXT)
			listed = !may_be_code(o, text) &&
					 (is_listed(text_placeholders, text) || is_scribble(text) ||
					  is_listed(number_placeholders + 6, text) || is_listed(date_placeholders, text));
		else if (class_is_number(class))
			listed = is_listed(number_placeholders, text) && stands_apart(o, ranked[i], &d);
		else if (class_is_moment(class))
			listed = is_listed(date_placeholders, pnstrdup(text, 10)) &&
					 (strlen(text) == 10 || strncmp(text + 10, " 00:00:00", 9) == 0) && stands_apart(o, ranked[i], &d);
		else
			return;
		if (listed)
			findings += outlier_report(o, "placeholder", psprintf("'%s' often stands for what is not known", text),
									   outlier_equals(o, text), o->values * MOST_HIDDEN);
	}
	if (class_is_number(class) && !o->s->set.exact)
		find_placeholder_below(o, &d);
	if (o->s->patterns && class == CLASS_TEXT && o->s->patterns->blanks > 0)
		(void) outlier_report(o, "placeholder", "white space only", psprintf("%s ~ '^\\s+$'", outlier_text_in_c(o)),
							  o->values);
}
