/*
 * names.c
 *		Words in names: customer_id, CustomerID and custid speak of customers.
 */
#include "postgres.h"

#include "ingest_profile/names.h"

#define MOST_WORDS 12
#define WORD_BYTES 40

typedef struct Words
{
	int n;
	char word[MOST_WORDS][WORD_BYTES];
} Words;

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

/* A plural without its ending */
static void
make_singular(char *word)
{
	int n = (int) strlen(word);

	if (n > 4 && strcmp(word + n - 3, "ies") == 0)
		strcpy(word + n - 3, "y");
	else if (n > 4 && (strcmp(word + n - 4, "sses") == 0 || strcmp(word + n - 3, "xes") == 0 || strcmp(word + n - 4, "ches") == 0 ||
					   strcmp(word + n - 4, "shes") == 0 || strcmp(word + n - 4, "uses") == 0))
		word[n - 2] = '\0';
	else if (n > 3 && word[n - 1] == 's' && word[n - 2] != 's' && word[n - 2] != 'u' && word[n - 2] != 'i')
		word[n - 1] = '\0';
}

/* Words of a name, by underscores and capitals, in lower case and singular */
static Words
words_of(const char *name)
{
	Words w = {0};
	int len = 0;

	for (const char *p = name;; p++)
	{
		bool upper = *p >= 'A' && *p <= 'Z';
		bool before_lower = p > name && ((p[-1] >= 'a' && p[-1] <= 'z') || (p[-1] >= '0' && p[-1] <= '9'));
		bool ends = *p == '\0' || *p == '_' || *p == ' ' || *p == '-' || *p == '.' ||
					(upper && before_lower) ||
					(upper && p > name && p[1] >= 'a' && p[1] <= 'z' && p[-1] >= 'A' && p[-1] <= 'Z');

		if (ends && len > 0)
		{
			w.word[w.n][len] = '\0';
			make_singular(w.word[w.n]);
			len = 0;
			if (++w.n == MOST_WORDS)
				return w;
		}
		if (*p == '\0')
			return w;
		if (*p != '_' && *p != ' ' && *p != '-' && *p != '.' && len < WORD_BYTES - 1)
			w.word[w.n][len++] = pg_tolower((unsigned char) *p);
	}
}

static const char *const key_words[] = {"id", "key", "no", "nr", "num", "number", "code", "uuid", "guid", "pk", "sk", "oid", NULL};

/* custid: a key's word at the end of another one */
static void
split_key_word(Words *w)
{
	char *last;
	int n;

	if (w->n == 0 || w->n == MOST_WORDS)
		return;
	last = w->word[w->n - 1];
	n = (int) strlen(last);
	if (n > 4 && strcmp(last + n - 2, "id") == 0)
	{
		last[n - 2] = '\0';
		make_singular(last);
		strcpy(w->word[w->n++], "id");
	}
	else if (n > 5 && strcmp(last + n - 3, "key") == 0)
	{
		last[n - 3] = '\0';
		strcpy(w->word[w->n++], "key");
	}
	else if (n > 7 && strcmp(last + n - 4, "code") == 0)
	{
		last[n - 4] = '\0';
		make_singular(last);
		strcpy(w->word[w->n++], "code");
	}
}

static Words
column_words(const char *name)
{
	Words w = words_of(name);

	split_key_word(&w);
	return w;
}

static bool
ends_as_key(const Words *w)
{
	return w->n > 0 && is_any(w->word[w->n - 1], key_words);
}

double
name_like_key(const char *column)
{
	Words w = column_words(column);

	if (!ends_as_key(&w))
		return 0;
	if (strcmp(w.word[w.n - 1], "id") == 0 || strcmp(w.word[w.n - 1], "uuid") == 0 || strcmp(w.word[w.n - 1], "key") == 0)
		return w.n == 1 ? 1 : 0.9;
	return 0.7;
}

/* assetaccount, tocurrency: a role without a break before what it is about; a short one only before a long word */
static bool
ends_in(const char *word, const char *table)
{
	int n = (int) strlen(table);
	int len = (int) strlen(word);

	return n >= 4 && len >= n + (n >= 6 ? 2 : 3) && strcmp(word + len - n, table) == 0;
}

/* One word short for another: cust for customer, emp for employee, dept for department, qty for quantity */
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
	return n >= 4 || p - word <= 2 * n;
}

/* A column's word against a table's */
static bool
same_word(const char *column, const char *table)
{
	return strcmp(column, table) == 0 || abbreviates(column, table);
}

/* How well do the column's words from start on, without the key's, name the table? */
static double
names_table(const Words *w, int start, int end, const Words *table)
{
	static const char *const prefixes[] = {"dim", "fact", "tbl", "t", "stg", "ref", "lkp", "lu", NULL};
	int first = table->n > 1 && is_any(table->word[0], prefixes) ? 1 : 0;
	int n = table->n - first;
	bool exact = true;

	if (end - start == 1 && n == 1 && ends_in(w->word[start], table->word[first]))
		return 0.8;
	if (end - start == n)
	{
		for (int i = 0; i < n; i++)
		{
			if (!same_word(w->word[start + i], table->word[first + i]))
				return 0;
			exact = exact && strcmp(w->word[start + i], table->word[first + i]) == 0;
		}
		return exact ? 1 : 0.85;
	}
	/* one word of a table of several, the last one: line for order_line */
	if (end - start == 1 && n > 1 && strcmp(w->word[start], table->word[table->n - 1]) == 0)
		return 0.7;
	/* tables written without a break: orderline for order_line_id */
	if (end > start && n == 1)
	{
		char joined[MOST_WORDS * WORD_BYTES] = "";

		for (int i = start; i < end; i++)
			strcat(joined, w->word[i]);
		return strcmp(joined, table->word[first]) == 0 ? 1 : 0;
	}
	return 0;
}

static bool
is_generic(const Words *key)
{
	return key->n == 1 && is_any(key->word[0], key_words);
}

/* customer_id or id in customer; not order_id in customer */
double
name_like_own_key(const char *column, const char *table)
{
	Words w = column_words(column);
	Words t = words_of(table);

	if (!ends_as_key(&w))
		return names_table(&w, 0, w.n, &t) * 0.8;
	if (w.n == 1)
		return 1;
	return names_table(&w, 0, w.n - 1, &t);
}

/* The part of a column that names what it refers to, from the longest to the last word alone */
static double
best_ending(const Words *w, int end, const Words *table)
{
	double best = 0;

	for (int start = 0; start < end; start++)
	{
		double fits = names_table(w, start, end, table);

		/* a role in front: billing_customer_id */
		if (start > 0)
			fits *= 0.9;
		best = Max(best, fits);
	}
	return best;
}

static const struct
{
	const char *role;
	const char *who; /* tables that it is about; NULL: the column's own */
} roles[] = {
	{"parent", NULL},
	{"manager", "employee"},
	{"manager", "staff"},
	{"manager", NULL},
	{"supervisor", "employee"},
	{"supervisor", NULL},
	{"report", "employee"},
	{"report", NULL},
	{"predecessor", NULL},
	{"previous", NULL},
	{"original", NULL},
	{"reversal", NULL},
	{"master", NULL},
	{"root", NULL},
	{"rep", "employee"},
	{"salesrep", "employee"},
	{"owner", "employee"},
	{"owner", "user"},
	{"author", "user"},
	{"creator", "user"},
	{"created", "user"},
	{"createdfrom", "transaction"},
	{"updated", "user"},
	{"modified", "user"},
	{"approver", "employee"},
	{"assignee", "user"},
	{"buyer", "customer"},
	{"client", "customer"},
	{"seller", "vendor"},
	{"supplier", "vendor"},
	{"vendor", "supplier"},
	{"entity", "customer"},
	{"sku", "product"},
	{"sku", "item"},
	{"via", "shipper"},
	{"carrier", "shipper"},
};

static double
by_role(const Words *w, const Words *table, bool itself)
{
	for (int i = 0; i < w->n; i++)
	{
		for (int r = 0; r < lengthof(roles); r++)
		{
			if (strcmp(w->word[i], roles[r].role) != 0)
				continue;
			if (roles[r].who == NULL ? itself : (table->n > 0 && strcmp(table->word[table->n - 1], roles[r].who) == 0))
				return 0.75;
		}
	}
	return 0;
}

/* Does table.column refer to parent.key, by their names? */
double
name_refers(const char *column, const char *table, const char *key, const char *parent, bool itself)
{
	Words w = column_words(column);
	Words k = column_words(key);
	Words p = words_of(parent);
	double own = name_like_own_key(key, parent);
	int end = ends_as_key(&w) && w.n > 1 ? w.n - 1 : w.n;
	double best;

	if (w.n == 0 || k.n == 0)
		return 0;
	/* id refers to nothing by its name */
	if (is_generic(&w))
		return 0;
	/* the same name, which is the parent's own key; one that ends as keys do is likely even if it names another thing */
	if (!itself && pg_strcasecmp(column, key) == 0)
	{
		if (is_generic(&k))
			return 0;
		return own > 0 ? 1 : ends_as_key(&k) ? 0.8
											 : 0.3;
	}
	/* the key must be one that stands for its table */
	if (own == 0 && !is_generic(&k))
	{
		/* or the column ends in its whole name */
		if (w.n > k.n && k.n > 1)
		{
			for (int i = 0; i < k.n; i++)
			{
				if (strcmp(w.word[w.n - k.n + i], k.word[i]) != 0)
					return 0;
			}
			return 0.6;
		}
		return 0;
	}
	best = itself ? 0 : best_ending(&w, end, &p);
	if (itself && w.n > 1)
	{
		/* parent_account_id in account */
		for (int start = 1; start < end; start++)
			best = Max(best, names_table(&w, start, end, &p) * 0.9);
	}
	best = Max(best, by_role(&w, &p, itself));
	/* a key's word behind it is a good sign */
	return best * (ends_as_key(&w) || best == 1 ? 1 : 0.9);
}
