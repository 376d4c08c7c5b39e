/*
 * spelling.c
 *		Texts that are nearly others: misspelt, or written in another way.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest_profile/outlier.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define MOST_USUAL 512   /* values that others are held against, the most frequent ones */
#define LONGEST_TEXT 120 /* bytes of a text that is held against others */
#define EDIT_SHARE 5     /* one edit for so many bytes */
#define MOST_EDITS 12
#define CROWDED \
	0.1 /* more of the usual values than that within reach of another one: such pairs are no mistakes here */

typedef struct Spelt
{
	Entry *entry;
	char *text; /* lower case */
	int len;
	uint8 letters[32]; /* how many of each */
} Spelt;

static bool
is_digit_at(const Spelt *s, int i)
{
	return i >= 0 && i < s->len && isdigit((unsigned char) s->text[i]);
}

/* At least so many edits are needed for what differs in letters, whatever their order */
static int
least_edits(const Spelt *a, const Spelt *b)
{
	int more = 0;
	int less = 0;

	for (int i = 0; i < 32; i++)
	{
		int d = (int) a->letters[i] - (int) b->letters[i];

		more += Max(d, 0);
		less += Max(-d, 0);
	}
	return Max(more, less);
}

/*
 * Insertions, deletions, replacements and exchanges of neighbours (Damerau; the restricted form), if there are no more than
 * so many; only the middle of the matrix can matter.  What changes a digit to another one, adds or drops one
 * makes another thing: Room 12 is not Room 13.
 */
static int
edits(const Spelt *a, const Spelt *b, int most)
{
	int rows[3][LONGEST_TEXT + 2];
	int *two = rows[0];
	int *one = rows[1];
	int *now = rows[2];

	if (abs(a->len - b->len) > most || least_edits(a, b) > most)
		return most + 1;
	for (int j = 0; j <= b->len; j++)
		one[j] = j;
	for (int i = 1; i <= a->len; i++)
	{
		int from = Max(1, i - most);
		int to = Min(b->len, i + most);
		int least = most + 1;
		int *swap = two;

		now[0] = i;
		if (from > 1)
			now[from - 1] = most + 1;
		for (int j = from; j <= to; j++)
		{
			bool same = a->text[i - 1] == b->text[j - 1];
			bool digits = is_digit_at(a, i - 1) && is_digit_at(b, j - 1);
			int cost = one[j - 1] + (same ? 0 : digits ? most + 1
													   : 1);

			if (i + most > j && j < i + most)
				cost = Min(cost, one[j] + (is_digit_at(a, i - 1) ? most + 1 : 1));
			cost = Min(cost, now[j - 1] + (is_digit_at(b, j - 1) ? most + 1 : 1));
			if (i > 1 && j > 1 && !digits && a->text[i - 1] == b->text[j - 2] && a->text[i - 2] == b->text[j - 1] &&
				!isdigit((unsigned char) a->text[i - 1]))
				cost = Min(cost, two[j - 2] + 1);
			now[j] = cost;
			least = Min(least, cost);
		}
		if (to < b->len)
			now[to + 1] = most + 1;
		if (least > most)
			return most + 1;
		two = one;
		one = now;
		now = swap;
	}
	return one[b->len];
}

static int
edits_allowed(int len)
{
	return len < 4 ? 0 : Min(Max(len / EDIT_SHARE, 1), MOST_EDITS);
}

/* Values whose text is known whole, the most frequent first */
static Spelt *
spelt_values(OutlierSearch *o, int *n)
{
	int all;
	Entry **ranked = set_ranked(&o->s->set, &all);
	Spelt *values = palloc0(Max(all, 1) * sizeof(Spelt));

	*n = 0;
	for (int i = 0; i < all; i++)
	{
		char *text = ranked[i]->cut ? NULL : sketch_entry_text(o->s, ranked[i]);
		Spelt *v = &values[*n];

		if (text == NULL || strlen(text) > LONGEST_TEXT)
			continue;
		v->entry = ranked[i];
		v->text = text;
		v->len = (int) strlen(text);
		for (int c = 0; c < v->len; c++)
		{
			v->text[c] = (char) pg_tolower((unsigned char) text[c]);
			v->letters[(unsigned char) v->text[c] & 31] = Min(v->letters[(unsigned char) v->text[c] & 31] + 1, 255);
		}
		(*n)++;
	}
	return values;
}

/* Is one so much rarer than the other that it may be a mistake for it?  The more often it came and the shorter it is, the rarer it must be. */
static bool
is_rare_beside(const Spelt *rare, const Spelt *usual)
{
	int64 count = rare->entry->count;

	return usual->entry->count >= 10 * count && (usual->entry->count >= 100 * count || (count <= 3 && rare->len >= 5));
}

/*
 * For each usual value, how many edits away the next usual one is.  False if that is often within reach: such are
 * first names, or codes, and one that is rare is just that.
 */
static bool
distances_of_usual(const Spelt *values, int usual, int *next)
{
	int within = 0;

	for (int i = 0; i < usual; i++)
		next[i] = 2 * MOST_EDITS + 1;
	for (int i = 0; i < usual; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < i; j++)
		{
			int most =
				Min(2 * Max(edits_allowed(values[i].len), edits_allowed(values[j].len)), Max(next[i], next[j]) - 1);
			int d =
				most > 0 && !is_rare_beside(&values[i], &values[j]) ? edits(&values[i], &values[j], most) : most + 1;

			if (d <= most)
			{
				next[i] = Min(next[i], d);
				next[j] = Min(next[j], d);
			}
		}
	}
	for (int i = 0; i < usual; i++)
		within += next[i] <= edits_allowed(values[i].len);
	return usual < 10 || within <= CROWDED * usual;
}

/*
 * Mistakes lie among what is right.  Texts that differ in one word, and there in most of it, are two of a kind, be what
 * they share ever so long: so edits are held against the words from the first difference to the last.
 */
static bool
is_mistake(const Spelt *a, const Spelt *b, int edits)
{
	int from = 0;
	int to = 0;
	int most = Min(a->len, b->len);

	while (from < most && a->text[from] == b->text[from])
		from++;
	while (to < most - from && a->text[a->len - 1 - to] == b->text[b->len - 1 - to])
		to++;
	while (from > 0 && isalnum((unsigned char) a->text[from - 1]))
		from--;
	while (to > 0 && isalnum((unsigned char) a->text[a->len - to]))
		to--;
	return edits == 1 || 4 * edits <= Max(a->len, b->len) - from - to;
}

/* Letters and digits, and what is between digits or tells things apart (C++, A-) */
static char *
fingerprint(const char *text)
{
	char *out = palloc(strlen(text) + 1);
	int n = 0;

	for (const char *p = text; *p; p++)
	{
		bool dropped = strchr(" \t.,'\"_-", *p) != NULL;

		/* a sign, a point, a range */
		if (dropped && *p != ' ' && *p != '\t' && isdigit((unsigned char) p[1]))
			dropped = false;
		if (dropped && n > 0 && isdigit((unsigned char) out[n - 1]) && isdigit((unsigned char) p[1]))
			dropped = false;
		/* a grade, a charge */
		if (*p == '-' && p > text && isalnum((unsigned char) p[-1]) && !isalnum((unsigned char) p[1]))
			dropped = false;
		if (!dropped)
			out[n++] = (char) pg_tolower((unsigned char) *p);
	}
	out[n] = '\0';
	return out;
}

/* A usual value that a rare one is spelt almost as: nearer to it than half the way to any other usual one */
static const Spelt *
nearly_spelt(const Spelt *values, int usual, const int *next, const Spelt *rare)
{
	int most = edits_allowed(rare->len);
	const Spelt *found = NULL;

	for (int i = 0; i < usual && most > 0; i++)
	{
		const Spelt *v = &values[i];
		int d;

		if (!is_rare_beside(rare, v))
			continue;
		d = edits(rare, v, most);
		if (d > most || 2 * d > next[i] || !is_mistake(rare, v, d))
			continue;
		/* told as a variant */
		if (strcmp(fingerprint(rare->text), fingerprint(v->text)) == 0)
			continue;
		found = v;
		most = d - 1;
	}
	return found;
}

/* -- the same but for case, blanks and punctuation -- */

typedef struct Written
{
	Entry *entry;
	char *print;
	char *text;
} Written;

static int
compare_written(const void *a, const void *b)
{
	const Written *x = a;
	const Written *y = b;
	int by = strcmp(x->print, y->print);

	if (by == 0)
		by = x->entry->count > y->entry->count ? -1 : x->entry->count < y->entry->count;
	return by ? by : strcmp(x->text, y->text);
}

/* Values are told with the most frequent way that they are written in; the most frequent one itself must be a habit */
static void
find_variants(OutlierSearch *o)
{
	int n;
	int used = 0;
	int findings = 0;
	int first = 0;
	Entry **ranked = set_ranked(&o->s->set, &n);
	Written *written = palloc(Max(n, 1) * sizeof(Written));

	for (int i = 0; i < n; i++)
	{
		char *text = ranked[i]->cut ? NULL : sketch_entry_text(o->s, ranked[i]);

		if (text == NULL)
			continue;
		written[used] = (Written){ranked[i], fingerprint(text), text};
		if (strlen(written[used].print) >= 4)
			used++;
	}
	qsort(written, used, sizeof(Written), compare_written);
	for (int i = 1; i < used && findings < MOST_FINDINGS; i++)
	{
		if (strcmp(written[i].print, written[first].print) != 0)
		{
			first = i;
			continue;
		}
		if (written[first].entry->count < 5)
			continue;
		findings +=
			outlier_report(o, "variant",
						   psprintf("but for case, blanks or punctuation it is '%s', which is at least as frequent",
									written[first].text),
						   outlier_equals(o, written[i].text), o->values);
	}
}

/* -- rare ones -- */

/* Where 50 values hold nearly everything, one that hardly ever comes; not where there are rarer and rarer ones */
static void
find_rare_categories(OutlierSearch *o, const bool *told)
{
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);
	double frequent = 0;
	double most = 0.0001 * o->values;
	int first = n;
	int findings = 0;

	for (int i = 0; i < Min(n, 50); i++)
		frequent += (double) ranked[i]->count;
	while (first > 0 && (double) ranked[first - 1]->count <= most)
		first--;
	if (frequent < 0.95 * o->values || o->values < 100 || first == 0 || first == n ||
		ranked[first - 1]->count < 10 * ranked[first]->count)
		return;
	for (int i = n - 1; i >= first && findings < MOST_FINDINGS; i--)
	{
		char *text = ranked[i]->cut ? NULL : sketch_entry_text(o->s, ranked[i]);

		if (text != NULL && !told[ranked[i] - o->s->set.entries])
			findings += outlier_report(
				o, "rare category", "at most 0.01 % of the rows, where 50 values hold 95 % and none is nearly as rare",
				outlier_equals(o, text), o->values);
	}
}

void
outlier_spellings(OutlierSearch *o)
{
	int n;
	int usual = 0;
	int findings = 0;
	Spelt *values;
	int *next;
	bool *told;

	if (o->s->type.class != CLASS_TEXT || o->s->type.is_json || !o->s->set.exact || o->values < 50)
		return;
	values = spelt_values(o, &n);
	next = palloc(MOST_USUAL * sizeof(int));
	told = palloc0(Max(o->s->set.n, 1) * sizeof(bool));
	while (usual < Min(n, MOST_USUAL) && values[usual].entry->count >= 5)
		usual++;
	if (distances_of_usual(values, usual, next))
	{
		for (int i = n - 1; i > 0 && findings < MOST_FINDINGS; i--)
		{
			const Spelt *near = nearly_spelt(values, usual, next, &values[i]);

			CHECK_FOR_INTERRUPTS();
			if (near == NULL)
				continue;
			told[values[i].entry - o->s->set.entries] = true;
			findings += outlier_report(o, "near miss",
									   psprintf("spelt almost as '%s', which is at least ten times as frequent",
												sketch_entry_text(o->s, near->entry)),
									   outlier_equals(o, sketch_entry_text(o->s, values[i].entry)), o->values);
		}
	}
	find_variants(o);
	find_rare_categories(o, told);
}
