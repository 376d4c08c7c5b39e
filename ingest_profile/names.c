/*
 * names.c
 *		Words in names: customer_id, CustomerID and custid speak of customers.
 */
#include "postgres.h"

#include "ingest_profile/names.h"
#include "utils/hsearch.h"

#define LEAST_JOINED 4 /* letters of a word that is recognised without a break before it */
#define LEAST_SHARED 3 /* names that share a word before it is a habit of the schema */
#define LONGEST_ENDING 8

/* -- phrases -- */

static bool
is_any(const char *word, const char *const *list)
{
	for (; *list; list++)
	{
		if (strcmp(word, *list) == 0)
			return true;
	}
	return false;
}

/* The length of a word without the ending of an English plural */
static int
singular(char *word, int n)
{
	static const char *const with_es[] = {"sses", "xes", "ches", "shes", "uses", NULL};

	if (n > 4 && memcmp(word + n - 3, "ies", 3) == 0)
	{
		word[n - 3] = 'y';
		return n - 2;
	}
	for (const char *const *ending = with_es; *ending; ending++)
	{
		int len = (int) strlen(*ending);

		if (n > len && memcmp(word + n - len, *ending, len) == 0)
			return n - 2;
	}
	return n > 3 && word[n - 1] == 's' && word[n - 2] != 's' && word[n - 2] != 'u' && word[n - 2] != 'i' ? n - 1 : n;
}

/* Words by separators, capitals and digits at the end, which are left out */
static Phrase
phrase_of(const char *name)
{
	Phrase p = {0};
	int start = 0;
	int len = 0;
	int digits = (int) strlen(name);

	while (digits > 1 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
		digits--;
	for (int i = 0;; i++)
	{
		char c = i < digits ? name[i] : '\0';
		char before = i > 0 ? name[i - 1] : '\0';
		bool upper = c >= 'A' && c <= 'Z';
		bool breaks = c == '\0' || strchr("_ -.$/#", c) != NULL;
		bool begins = upper && ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9') ||
								(before >= 'A' && before <= 'Z' && name[i + 1] >= 'a' && name[i + 1] <= 'z'));

		if ((breaks || begins) && len > start)
		{
			len = start + singular(p.text + start, len - start);
			p.at[p.n++] = start;
			start = len;
		}
		if (c == '\0' || p.n == MOST_WORDS || len == NAMEDATALEN)
			break;
		if (!breaks)
			p.text[len++] = pg_tolower((unsigned char) c);
	}
	p.at[p.n] = start;
	p.text[start] = '\0';
	return p;
}

static int
length_of(const Phrase *p)
{
	return p->at[p->n];
}

/* Words from one on, before another */
static Phrase
part_of(const Phrase *p, int from, int to)
{
	Phrase part = {0};

	for (int i = from; i < to; i++)
		part.at[part.n++] = p->at[i] - p->at[from];
	part.at[part.n] = p->at[to] - p->at[from];
	memcpy(part.text, p->text + p->at[from], part.at[part.n]);
	return part;
}

static Phrase
word_of(const Phrase *p, int i)
{
	return part_of(p, i, i + 1);
}

static bool
same(const Phrase *a, const Phrase *b)
{
	return a->n > 0 && strcmp(a->text, b->text) == 0;
}

static bool
begins_a_word(const Phrase *p, int offset)
{
	for (int i = 0; i <= p->n; i++)
	{
		if (p->at[i] == offset)
			return true;
	}
	return false;
}

/* -- what the schema's names have in common -- */

typedef struct Word
{
	char word[NAMEDATALEN + 1];
	int names;  /* that it is a word of, where they are written with breaks */
	int tables; /* that are called so */
	int called; /* that may be called so */
	int keys;   /* of how many tables it may be the key */
	int first;  /* tables whose name begins with it and goes on */
	int ending; /* keys that are a table's name and this, or this alone */
} Word;

static HTAB *
no_words(void)
{
	HASHCTL how = {.keysize = NAMEDATALEN + 1, .entrysize = sizeof(Word), .hcxt = CurrentMemoryContext};

	return hash_create("words of names", 1024, &how, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static Word *
word_entry(HTAB *words, const char *text, bool enter)
{
	bool found;
	Word *w = hash_search(words, text, enter ? HASH_ENTER : HASH_FIND, &found);

	if (w && !found)
		memset((char *) w + sizeof(w->word), 0, sizeof(Word) - sizeof(w->word));
	return w;
}

static void
note_words(HTAB *words, const Phrase *p)
{
	for (int i = 0; p->n > 1 && i < p->n; i++)
	{
		Phrase word = word_of(p, i);

		word_entry(words, word.text, true)->names++;
	}
}

static bool
is_known(HTAB *words, const char *text)
{
	Word *w = word_entry(words, text, false);

	return w && w->names + w->tables > 0;
}

static const char *const key_words[] = {"id", "key", "no", "nr", "num", "number", "code", "cd", "uuid", "guid", "pk", "sk", "fk", "oid", "rowid", "ref", NULL};
static const char *const front_words[] = {"fk", "id", "pk", "key", "cod", "codigo", "code", "num", "no", "ref", NULL};
/* What a key may be and a table may have, but nobody is referred to by alone */
static const char *const attributes[] = {"name", "title", "type", "date", "description", "email", "phone", "status", "label", "text", "comment", "value", NULL};

static bool
ends_keys(HTAB *words, const char *text)
{
	Word *w;

	if (is_any(text, key_words))
		return true;
	w = words ? word_entry(words, text, false) : NULL;
	return w && w->ending >= 2 && w->tables == 0 && !is_any(text, attributes);
}

/* A key that is its table's name and something else tells how this schema ends keys */
static void
note_ending(HTAB *words, const Phrase *table, const Phrase *key)
{
	int n = length_of(table);
	int more = length_of(key) - n;
	const char *rest = NULL;

	if (n > 0 && more > 0 && more <= LONGEST_ENDING)
	{
		if (strncmp(key->text, table->text, n) == 0)
			rest = key->text + n;
		else if (strcmp(key->text + more, table->text) == 0)
			rest = pnstrdup(key->text, more);
	}
	if (rest)
		word_entry(words, rest, true)->ending++;
}

/* Where the second of two words begins, that are written as one: it is an ending of keys, or a word of LEAST_JOINED letters or more */
static int
second_word(HTAB *words, const char *word)
{
	int n = (int) strlen(word);
	int best = 0;

	/* pid */
	if (n == 3 && strcmp(word + 1, "id") == 0)
		return 1;
	for (int at = 2; at < n - 1; at++)
	{
		char first[NAMEDATALEN + 1];
		bool known;

		memcpy(first, word, at);
		first[at] = '\0';
		known = is_known(words, first);
		if (ends_keys(words, word + at) && (known || n >= 6) && at >= 3)
			return at;
		/* better two words that are known than one, better a long one than a short one */
		if (n - at >= LEAST_JOINED && is_known(words, word + at))
		{
			if (known && at > 2)
				return at;
			best = best > 0 ? best : at;
		}
	}
	return best;
}

static void
split_words(HTAB *words, Phrase *p)
{
	for (int i = p->n - 1; i >= 0; i--)
	{
		Phrase word = word_of(p, i);
		Word *w = word_entry(words, word.text, false);
		int at = 0;

		if (p->n < MOST_WORDS && !(w && w->names > 1))
			at = second_word(words, word.text);
		if (at == 0)
			continue;
		memmove(&p->at[i + 2], &p->at[i + 1], (p->n - i) * sizeof(p->at[0]));
		p->at[i + 1] = p->at[i] + at;
		p->n++;
		i++; /* the first of the two may be two again */
	}
}

/* Is it so many of something: reports_count, position_number, nodes? */
static bool
counts_things(const ColumnName *c)
{
	static const char *const before[] = {"count", "total", "num", "number", "no", "max", "min", "avg", "sum", "unit", NULL};
	static const char *const behind[] = {"count", "total", "qty", "quantity", "amount", "sum", "max", "min", "avg", "order", "sequence", "seq", "position", "line",
										 "rank", "score", "level", "size", "result", "best", "length", "height", "width", "weight", "year", "age", "price", "cost", NULL};
	static const char *const of_keys[] = {"id", "key", "code", "uuid", "guid", "sk", "fk", "pk", NULL};
	const Phrase *p = &c->whole;
	int n = (int) strlen(c->name);

	while (n > 1 && c->name[n - 1] >= '0' && c->name[n - 1] <= '9')
		n--;
	if (p->n == 0 || is_any(word_of(p, p->n - 1).text, of_keys))
		return false;
	if ((p->n > 1 && is_any(word_of(p, 0).text, before)) || is_any(word_of(p, p->n - 1).text, behind) ||
		(c->keyed && p->n > 1 && strcmp(word_of(p, p->n - 2).text, "order") != 0 && is_any(word_of(p, p->n - 2).text, behind)))
		return true;
	/* nodes, not node: the ending of the plural was there */
	return n > 3 && pg_tolower((unsigned char) c->name[n - 1]) == 's' && p->text[p->at[p->n] - 1] != 's';
}

static bool
has_word(const Phrase *p, const Phrase *word)
{
	for (int i = 0; i < p->n; i++)
	{
		Phrase one = word_of(p, i);

		if (same(&one, word))
			return true;
	}
	return false;
}

/* The word that most of a table's columns begin with, unless it is one of the table's name */
static Phrase
common_beginning(const TableName *t)
{
	for (int i = 0; i < t->ncolumns && i < 3; i++)
	{
		Phrase word = word_of(&t->columns[i].whole, 0);
		int shared = 0;

		for (int c = 0; c < t->ncolumns; c++)
		{
			Phrase other = word_of(&t->columns[c].whole, 0);

			shared += t->columns[c].whole.n > 1 && same(&word, &other);
		}
		if (shared >= LEAST_SHARED && shared >= 0.7 * t->ncolumns && !has_word(&t->forms[0], &word))
			return word;
	}
	return (Phrase){0};
}

static void
find_stem(HTAB *words, const TableName *t, ColumnName *c)
{
	int from = 0;
	int to = c->whole.n;

	if (to > 1 && t->before.n > 0)
	{
		Phrase word = word_of(&c->whole, 0);

		from = same(&word, &t->before) ? 1 : 0;
	}
	if (to > from)
	{
		Phrase last = word_of(&c->whole, to - 1);

		c->keyed = ends_keys(words, last.text);
		to -= c->keyed ? 1 : 0;
	}
	if (to > from)
	{
		Phrase first = word_of(&c->whole, from);

		if (is_any(first.text, front_words))
		{
			c->keyed = true;
			c->fronted = true;
			from++;
		}
	}
	c->stem = part_of(&c->whole, from, to);
}

static void
add_form(TableName *t, Phrase form)
{
	if (form.n == 0 || t->nforms == MOST_FORMS)
		return;
	for (int i = 0; i < t->nforms; i++)
	{
		if (same(&t->forms[i], &form))
			return;
	}
	t->forms[t->nforms++] = form;
}

/* One word short for another: cust for customer, emp for employee, dept for department */
static bool
abbreviates(const char *shorter, const char *word)
{
	int n = (int) strlen(shorter);
	const char *p = word;

	if (n < 3 || n >= strlen(word) || shorter[0] != word[0])
		return false;
	if (strncmp(shorter, word, n) == 0)
		return true;
	/* its letters in order, most of them from the front */
	for (int i = 0; i < n; i++)
	{
		p = strchr(p, shorter[i]);
		if (p == NULL)
			return false;
		p++;
	}
	return p - word <= 2 * n;
}

/* Not a word of several, which says something else */
static bool
shortens(const Phrase *shorter, const Phrase *whole)
{
	return abbreviates(shorter->text, whole->text) &&
		   !(strncmp(shorter->text, whole->text, length_of(shorter)) == 0 && begins_a_word(whole, length_of(shorter)));
}

static bool
ends_in(const Phrase *p, const Phrase *end)
{
	int before = length_of(p) - length_of(end);

	return before >= 0 && begins_a_word(p, before) && strcmp(p->text + before, end->text) == 0;
}

/* What a table may be called: without the word that it shares with others and that is no table, by what its columns begin with */
static void
find_forms(HTAB *words, TableName *t, const TableName *tables, int n)
{
	const Phrase whole = t->forms[0];
	Phrase first = word_of(&whole, 0);
	Word *w = word_entry(words, first.text, false);

	if (whole.n > 1 && w && w->first >= LEAST_SHARED && w->tables == 0)
	{
		Phrase rest = part_of(&whole, 1, whole.n);
		bool alone = true;

		for (int i = 0; i < n && alone; i++)
			alone = &tables[i] == t || !ends_in(&tables[i].forms[0], &rest);
		if (alone)
			add_form(t, rest);
	}
	if (t->before.n > 0 && (abbreviates(t->before.text, whole.text) || abbreviates(t->before.text, t->forms[t->nforms - 1].text)))
		add_form(t, t->before);
}

/* Endings of plurals: of how many tables the name is a column's stem and these letters */
typedef struct Plural
{
	char letters[3];
	int tables;
} Plural;

static void
find_plurals(TableName *tables, int n)
{
	Plural plurals[64];
	int nplurals = 0;
	HTAB *stems = no_words();

	for (int t = 0; t < n; t++)
	{
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			if (tables[t].columns[c].keyed && tables[t].columns[c].stem.n > 0)
				word_entry(stems, tables[t].columns[c].stem.text, true)->names++;
		}
	}
	/* first counted, then believed */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int t = 0; t < n; t++)
		{
			const Phrase name = tables[t].forms[0];

			for (int more = 1; more <= 2 && length_of(&name) - more >= 3; more++)
			{
				const char *letters = name.text + length_of(&name) - more;
				Phrase single = name;
				int i = 0;

				single.at[single.n] -= more;
				single.text[single.at[single.n]] = '\0';
				if (single.at[single.n] <= single.at[single.n - 1] || !is_known(stems, single.text))
					continue;
				while (i < nplurals && strcmp(plurals[i].letters, letters) != 0)
					i++;
				if (pass == 1 && i < nplurals && plurals[i].tables >= 2)
					add_form(&tables[t], single);
				if (pass == 0 && i == nplurals && nplurals < lengthof(plurals))
				{
					strcpy(plurals[nplurals].letters, letters);
					plurals[nplurals++].tables = 0;
				}
				if (pass == 0 && i < nplurals)
					plurals[i].tables++;
			}
		}
	}
	hash_destroy(stems);
}

static bool
speaks_of_people(const TableName *t)
{
	static const char *const of_people[] = {"email", "login", "username", "password", "surname", "lastname", "firstname", "birthdate", "birthday",
											"birth", "gender", "sex", "vorname", "nachname", "prenom", "apellido", "nombre", "lname", "fname", NULL};

	for (int c = 0; c < t->ncolumns; c++)
	{
		const Phrase *p = &t->columns[c].whole;
		Phrase last = word_of(p, Max(p->n - 1, 0));

		if (is_any(last.text, of_people) || strcmp(p->text, "firstname") == 0 || strcmp(p->text, "lastname") == 0)
			return true;
	}
	return false;
}

/* Someone who does something: owner, author, created_by; not what the schema has a table for */
static bool
is_person(HTAB *words, const Phrase *stem, bool keyed)
{
	static const char *const persons[] = {"owner", "author", "by", "assignee", "rep", "chair", "contact", "chief", NULL};
	static const char *const things[] = {"order", "number", "letter", "quarter", "header", "folder", "error", "color", "floor", "layer", "parameter",
										 "counter", "center", "server", "computer", "paper", "power", "transfer", "filter", "trigger", "vector", NULL};
	Phrase last = word_of(stem, Max(stem->n - 1, 0));
	Word *w = word_entry(words, last.text, false);
	int n = length_of(&last);

	return stem->n > 0 && (is_any(last.text, persons) ||
						   (keyed && (w == NULL || w->tables == 0) && n > 4 && !is_any(last.text, things) &&
							(strcmp(last.text + n - 2, "er") == 0 || strcmp(last.text + n - 2, "or") == 0 || strcmp(last.text + n - 2, "ee") == 0)));
}

static void
find_own(HTAB *words, TableName *t, ColumnName *c)
{
	Word *w = word_entry(words, c->stem.text, false);

	c->own = false;
	for (int i = 0; i < t->nforms && c->stem.n > 0 && !c->own; i++)
	{
		const Phrase *form = &t->forms[i];
		int n = length_of(form);

		c->own = same(&c->stem, form) ||
				 /* state_name of state, player_api_id of player, document_id of all_documents */
				 ((w == NULL || w->called == 0) && ((strncmp(c->stem.text, form->text, n) == 0 && begins_a_word(&c->stem, n)) ||
													ends_in(form, &c->stem) || shortens(&c->stem, form)));
	}
	c->other = !c->own && c->stem.n > 0 && w && w->called > 0;
}

/* row_id in every table is no more than id: it names none of them */
static void
forget_common_keys(HTAB *words, TableName *tables, int n)
{
	for (int pass = 0; pass < 2; pass++)
	{
		for (int t = 0; t < n; t++)
		{
			for (int i = 0; i < tables[t].nforms && pass == 0; i++)
				word_entry(words, tables[t].forms[i].text, true)->called++;
			for (int c = 0; c < tables[t].ncolumns; c++)
			{
				ColumnName *column = &tables[t].columns[c];
				Word *w = word_entry(words, column->whole.text, pass == 0);
				Word *stem = word_entry(words, column->stem.text, false);

				if (pass == 0)
					w->keys += column->unique;
				else if (w->keys >= LEAST_SHARED && 2 * w->keys >= n && column->keyed && (stem == NULL || stem->called == 0))
					column->stem = (Phrase){0};
			}
		}
	}
}

void
names_learn(TableName *tables, int n)
{
	HTAB *words = no_words();

	for (int t = 0; t < n; t++)
	{
		Phrase name = phrase_of(tables[t].name);

		tables[t].nforms = 0;
		add_form(&tables[t], name);
		note_words(words, &name);
		word_entry(words, name.text, true)->tables++;
		if (name.n > 1)
			word_entry(words, word_of(&name, 0).text, true)->first++;
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			tables[t].columns[c].whole = phrase_of(tables[t].columns[c].name);
			note_words(words, &tables[t].columns[c].whole);
		}
		tables[t].before = common_beginning(&tables[t]);
	}
	for (int t = 0; t < n; t++)
	{
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			if (tables[t].columns[c].unique)
				note_ending(words, &tables[t].forms[0], &tables[t].columns[c].whole);
		}
	}
	/* territoryid: what stands before the ending of a key is a word */
	for (int t = 0; t < n; t++)
	{
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			ColumnName *column = &tables[t].columns[c];

			if (!column->unique || column->whole.n != 1)
				continue;
			split_words(words, &column->whole);
			if (column->whole.n == 2 && ends_keys(words, word_of(&column->whole, 1).text))
				word_entry(words, word_of(&column->whole, 0).text, true)->names++;
		}
	}
	for (int t = 0; t < n; t++)
	{
		split_words(words, &tables[t].forms[0]);
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			split_words(words, &tables[t].columns[c].whole);
			find_stem(words, &tables[t], &tables[t].columns[c]);
		}
		find_forms(words, &tables[t], tables, n);
		tables[t].people = speaks_of_people(&tables[t]);
	}
	find_plurals(tables, n);
	forget_common_keys(words, tables, n);
	for (int t = 0; t < n; t++)
	{
		for (int c = 0; c < tables[t].ncolumns; c++)
		{
			find_own(words, &tables[t], &tables[t].columns[c]);
			tables[t].columns[c].counts = counts_things(&tables[t].columns[c]);
			tables[t].columns[c].person = is_person(words, &tables[t].columns[c].stem, tables[t].columns[c].keyed);
		}
	}
	hash_destroy(words);
}

/* -- what a column refers to -- */

/* Roles of one row towards another of its table */
static const char *const among_themselves[] = {"parent", "root", "previous", "prev", "next", "original", "manager", "mgr", "supervisor", "superior", "master",
											   "predecessor", "successor", "boss", "head", "leader", "report", "reply", "reversal", "ancestor", "super",
											   "replaced", "replaces", "chef", "jefe", "padre", "vorgesetzter", NULL};

static const char *const prepositions[] = {"via", "by", "to", "from", "of", "for", NULL};

/* How a column's words name a table or the stem of a key */
static NameKind
names_form(const ColumnName *column, const Phrase *form, bool itself)
{
	const Phrase *c = &column->stem;
	int n = length_of(form);
	int before = length_of(c) - n;
	NameKind kind = NAME_NOTHING;

	if (c->n == 0 || n < 2)
		return NAME_NOTHING;
	if (same(c, form))
		return itself ? NAME_NOTHING : column->keyed ? NAME_TABLE
													 : NAME_BARE;
	if (before > 0)
	{
		if (strcmp(c->text + before, form->text) == 0)
			kind = begins_a_word(c, before) || (n >= LEAST_JOINED && before >= 2) ? NAME_ROLE : NAME_NOTHING;
		if (kind == NAME_NOTHING && !itself && strncmp(c->text, form->text, n) == 0 && begins_a_word(c, n))
			kind = column->fronted ? NAME_ROLE : NAME_BEHIND;
	}
	else if (!itself && strcmp(form->text - before, c->text) == 0 && begins_a_word(form, -before))
		kind = NAME_PART;
	else if (!itself && strncmp(form->text, c->text, length_of(c)) == 0 && begins_a_word(form, length_of(c)))
		kind = NAME_FRONT;
	if (kind == NAME_NOTHING && !itself)
	{
		Phrase last = word_of(c, c->n - 1);
		Phrase first = word_of(c, 0);
		Phrase its_last = word_of(form, form->n - 1);

		/* without a word as keys have it takes a preposition: ship_via */
		if (!column->keyed && !is_any(last.text, prepositions))
			return NAME_NOTHING;
		if (shortens(c, form) || shortens(&first, form) || shortens(&last, form) || shortens(&last, &its_last))
			kind = NAME_SHORT;
	}
	return kind;
}

/* The table's name and the key's: countrycode for the code of a country */
static NameKind
names_form_and_key(const Phrase *c, const Phrase *form, const Phrase *key)
{
	int n = length_of(form) + length_of(key);
	int before = length_of(c) - n;

	if (before < 0 || n == 0 || key->n == 0 || strcmp(c->text + before + length_of(form), key->text) != 0 ||
		strncmp(c->text + before, form->text, length_of(form)) != 0)
		return NAME_NOTHING;
	return before == 0 ? NAME_TABLE : begins_a_word(c, before) || before >= 2 ? NAME_ROLE
																			  : NAME_NOTHING;
}

/* Does a key stand for its table? */
bool
name_stands(const ColumnName *key, bool first)
{
	return key->stem.n == 0 || key->own || (first && !key->other);
}

NameKind
name_refers(const TableName *table, const ColumnName *column, const TableName *parent, const ColumnName *key, bool first)
{
	bool itself = table == parent;
	/* the table's name stands for its own key, not for whatever else is unique */
	bool stands = first || name_stands(key, first);
	/* nor does an address or a rank, though it be unique, stand for anything */
	bool refers = key->stem.n > 0 && (key->own || !key->counts) && (stands || key->keyed);
	NameKind best = NAME_NOTHING;

	/* id and code alone say nothing; a table's own key refers to no other table by its name */
	if (column->stem.n == 0 || (key->fronted && strcmp(word_of(&key->whole, 0).text, "fk") == 0) || (column->own && !itself && !key->own))
		return NAME_NOTHING;
	if (!itself && refers && !is_any(key->whole.text, attributes) &&
		(same(&column->whole, &key->whole) || (column->keyed && key->keyed && same(&column->stem, &key->stem))))
		return key->own ? NAME_KEY : key->other  ? NAME_OTHER
								 : column->keyed ? NAME_SAME
												 : NAME_WORD;
	for (int i = 0; i < parent->nforms && best > NAME_TABLE; i++)
	{
		if (stands)
			best = Min(best, names_form(column, &parent->forms[i], itself));
		if (!itself && !key->counts)
			best = Min(best, names_form_and_key(&column->whole, &parent->forms[i], &key->whole));
	}
	if (best > NAME_TABLE && refers)
		best = Min(best, names_form(column, &key->stem, itself));
	if (best < NAME_NOTHING || !stands)
		return best;
	if (itself && (is_any(word_of(&column->stem, 0).text, among_themselves) ||
				   is_any(word_of(&column->stem, column->stem.n - 1).text, among_themselves)))
		return NAME_SELF;
	return parent->people && column->person ? NAME_PERSON : NAME_NOTHING;
}

double
name_like_key(const char *column)
{
	Phrase p = phrase_of(column);
	Phrase last;

	if (p.n == 0)
		return 0;
	if (p.n == 1 && !is_any(p.text, key_words))
	{
		/* custid */
		int n = length_of(&p);
		const char *end = p.text + n;

		if (n > 4 && strcmp(end - 2, "id") == 0)
			return 0.9;
		if (n > 5 && strcmp(end - 3, "key") == 0)
			return 0.9;
		return n > 7 && strcmp(end - 4, "code") == 0 ? 0.7 : 0;
	}
	last = word_of(&p, p.n - 1);
	if (!is_any(last.text, key_words))
		return 0;
	if (strcmp(last.text, "id") == 0 || strcmp(last.text, "uuid") == 0 || strcmp(last.text, "key") == 0)
		return p.n == 1 ? 1 : 0.9;
	return 0.7;
}

/* Is the table named after the other and something else: customer_address after customer */
bool
name_extends(const TableName *table, const TableName *other)
{
	int n = length_of(&other->forms[0]);

	return n > 0 && length_of(&table->forms[0]) > n && strncmp(table->forms[0].text, other->forms[0].text, n) == 0;
}
