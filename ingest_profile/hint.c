/*
 * hint.c
 *		Whole words of a column's name, against lists of those that speak for a meaning.
 */
#include "postgres.h"

#include "ingest_profile/hint.h"
#include "mb/pg_wchar.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ALPHA(c) (((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z'))
#define IS_ALNUM(c) (IS_DIGIT(c) || IS_ALPHA(c))

/* Letters with accents from U+00C0 to U+017F, without them; 0: the byte itself */
static char
plain_letter(const char *p)
{
	static const char plain[] =
		"aaaaaaaceeeeiiiidnooooo\0ouuuuytsaaaaaaaceeeeiiiidnooooo\0ouuuuyty"
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
		"lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
	unsigned char first = (unsigned char) p[0];
	unsigned char second = (unsigned char) p[1];

	if (first < 0xc3 || first > 0xc5 || (second & 0xc0) != 0x80)
		return '\0';
	return plain[(first - 0xc3) * 64 + (second & 0x3f)];
}

/* Words of a name, by anything that is no letter or digit, and by capitals; in lower case, without accents */
void
hint_words(const char *name, HintWords *w)
{
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;
	int len = 0;

	w->n = 0;
	for (const char *p = name; w->n < HINT_WORDS; p++)
	{
		char plain = utf8 ? plain_letter(p) : '\0';
		bool upper = *p >= 'A' && *p <= 'Z';
		bool inner = IS_ALNUM(*p) || (unsigned char) *p >= 128;
		bool begins = upper && p > name && ((p[-1] >= 'a' && p[-1] <= 'z') || (p[1] >= 'a' && p[1] <= 'z' && p[-1] >= 'A' && p[-1] <= 'Z'));

		if (len > 0 && (!inner || begins))
		{
			w->word[w->n++][len] = '\0';
			len = 0;
		}
		if (*p == '\0')
			return;
		if (inner && w->n < HINT_WORDS && len < HINT_BYTES - 1)
			w->word[w->n][len++] = plain ? plain : pg_tolower((unsigned char) *p);
		p += plain != '\0';
	}
}

/* What may follow the word that tells: address_city is a city, country_code a country */
static bool
is_qualifier(const char *word)
{
	static const char *const words[] = {"code", "codes", "cd", "kod", "codigo", "nummer", "numero", "number", "numbers", "no", "nr", "num", "id", "ids", "address", "addresses",
										"deg", "degrees", "decimal", "dd", "wgs84", "text", "str", "raw", "value", "at", "on", "utc", "ts", "ms", "s", "sec",
										"seconds", "ns", "iso", "alpha", "abbr", "abbreviation", "name", "type", "from", "to", "start", "end", "begin", "of", "in", "the", "and",
										"primary", "secondary", "home", "work", "main", "prefix", "built", "founded", "established", "opened", "usd", "eur", "x", "y"};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return strspn(word, "0123456789") == strlen(word);
}

/* Is the word one of the list, a plural perhaps? */
static bool
in_hints(const char *hints, const char *word)
{
	int n = (int) strlen(word);

	while (n > 0)
	{
		for (const char *p = hints; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		{
			int len = (int) strcspn(p, ",");

			if (len == n && strncmp(p, word, n) == 0)
				return true;
		}
		if (n < 4 || word[n - 1] != 's' || word[n] != '\0')
			return false;
		n--;
	}
	return false;
}

/* By a whole word among the first so many (or two that are written as one in the list), behind which there are only qualifiers */
static bool
speaks(const char *hints, const HintWords *w, int n)
{
	for (int i = n - 1; i >= 0; i--)
	{
		char joined[2 * HINT_BYTES];

		if (in_hints(hints, w->word[i]))
			return true;
		if (i > 0)
		{
			snprintf(joined, sizeof(joined), "%s%s", w->word[i - 1], w->word[i]);
			if (in_hints(hints, joined))
				return true;
		}
		if (!is_qualifier(w->word[i]))
			return false;
	}
	return false;
}

/* Does the column's name speak for it?  An airport's pet is no airport, the year of birth is a year */
bool
hinted(const char *hints, const HintWords *w)
{
	if (hints == NULL)
		return false;
	if (hints[0] == '-' && w->n > 0 && (strcmp(w->word[w->n - 1], "id") == 0 || strcmp(w->word[w->n - 1], "ids") == 0))
		return false;
	hints += hints[0] == '!' || hints[0] == '-';
	for (int i = 0; i < w->n; i++)
	{
		/* differences are not of the kind of what differs */
		if (strcmp(w->word[i], "delta") == 0 || strcmp(w->word[i], "diff") == 0 || strcmp(w->word[i], "change") == 0 || strcmp(w->word[i], "error") == 0)
			return false;
	}
	if (speaks(hints, w, w->n))
		return true;
	for (int i = 1; i < w->n; i++)
	{
		if (strcmp(w->word[i], "of") == 0)
			return speaks(hints, w, i);
	}
	return false;
}
