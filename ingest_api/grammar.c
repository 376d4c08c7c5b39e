/*
 * grammar.c
 *		PostgREST's grammar of queries, by recursive descent.
 */
#include "postgres.h"

#include "ingest_api/grammar.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define MOST_DEPTH 10
#define MOST_PARAMETERS 200
#define MOST_VALUES 1000
/* Each is planned as a join */
#define MOST_EMBEDDED 50
#define MOST_ITEMS 1000

typedef struct Reader
{
	const char *at;
	const char *what; /* the parameter, for messages */
	int depth;
	int embedded;
	int items;
} Reader;

static void
refuse(Reader *r, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 *r->at ? errmsg("parameter \"%s\" cannot be read from \"%.40s\" on", r->what, r->at)
					: errmsg("parameter \"%s\" ends too early", r->what),
			 errdetail("Expected: %s.", expected)));
}

/* -- escapes -- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
url_decode(const char *text, size_t n, bool form)
{
	StringInfoData out;
	char *converted;

	initStringInfo(&out);
	for (size_t i = 0; i < n; i++)
	{
		if (text[i] == '+' && form)
			appendStringInfoChar(&out, ' ');
		else if (text[i] != '%')
			appendStringInfoChar(&out, text[i]);
		else
		{
			int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_digit(text[i + 2]);

			if (low < 0 || (high == 0 && low == 0))
				ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the address has an invalid escape")));
			appendStringInfoChar(&out, (char) (high * 16 + low));
			i += 2;
		}
	}
	if (!pg_verify_mbstr(PG_UTF8, out.data, out.len, true))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("the address is not UTF-8")));
	converted = pg_any_to_server(out.data, out.len, PG_UTF8);
	return converted;
}

/* -- names and places -- */

/* Up to one of these signs; within double quotes all are part of the name */
static char *
read_word(Reader *r, const char *ends)
{
	StringInfoData out;

	initStringInfo(&out);
	if (*r->at == '"')
	{
		r->at++;
		for (; *r->at && *r->at != '"'; r->at++)
		{
			if (*r->at == '\\' && r->at[1])
				r->at++;
			appendStringInfoChar(&out, *r->at);
		}
		if (*r->at != '"')
			refuse(r, "a double quote at the end of the name");
		r->at++;
		return out.data;
	}
	while (*r->at && !strchr(ends, *r->at) && !(r->at[0] == '-' && r->at[1] == '>'))
		appendStringInfoChar(&out, *r->at++);
	while (out.len > 0 && out.data[out.len - 1] == ' ')
		out.data[--out.len] = '\0';
	return out.data + strspn(out.data, " ");
}

/* ->member->>member, behind a column */
static void
read_steps(Reader *r, Place *place, const char *ends)
{
	while (r->at[0] == '-' && r->at[1] == '>')
	{
		char *step;

		if (place->as_text)
			refuse(r, "nothing after ->>, which gives a text");
		place->as_text = r->at[2] == '>';
		r->at += place->as_text ? 3 : 2;
		step = read_word(r, ends);
		if (step[0] == '\0')
			refuse(r, "a member or the number of an element after the arrow");
		place->steps = lappend(place->steps, step);
	}
}

static Place *
read_place(Reader *r, const char *ends)
{
	Place *place = palloc0(sizeof(Place));

	place->column = read_word(r, ends);
	if (place->column[0] == '\0')
		refuse(r, "the name of a column");
	read_steps(r, place, ends);
	return place;
}

/* -- select -- */

static void read_items(Reader *r, Level *level);

static Level *
new_level(const char *name)
{
	Level *level = palloc0(sizeof(Level));

	level->name = pstrdup(name);
	level->limit = -1;
	return level;
}

/* name!hint!inner( … ) */
static Level *
read_embedded(Reader *r, const char *name, char *alias, bool spread)
{
	Level *level = new_level(name);

	level->alias = alias;
	level->spread = spread;
	while (*r->at == '!')
	{
		char *word;

		r->at++;
		word = read_word(r, "!(,");
		if (strcmp(word, "inner") == 0)
			level->inner = true;
		else if (strcmp(word, "left") != 0)
			level->hint = word;
	}
	if (*r->at != '(')
		refuse(r, "an opening parenthesis");
	if (++r->depth > MOST_DEPTH || ++r->embedded > MOST_EMBEDDED)
		refuse(r, "a depth of ten and fifty resources at most");
	r->at++;
	read_items(r, level);
	if (*r->at != ')')
		refuse(r, "a comma or a closing parenthesis");
	r->at++;
	r->depth--;
	return level;
}

static void
read_item(Reader *r, Level *level)
{
	Selected *item = palloc0(sizeof(Selected));
	bool spread = strncmp(r->at, "...", 3) == 0;
	char *word;

	if (spread)
		r->at += 3;
	word = read_word(r, ",:!()");
	/* alias:name, but not name::type */
	if (r->at[0] == ':' && r->at[1] != ':')
	{
		item->alias = word;
		r->at++;
		word = read_word(r, ",:!()");
	}
	if (*r->at == '!' || (*r->at == '(' && word[0] != '\0'))
	{
		level->embedded = lappend(level->embedded, read_embedded(r, word, item->alias, spread));
		return;
	}
	if (spread)
		refuse(r, "a resource and its columns in parentheses after ...");
	if (strcmp(word, "*") != 0)
	{
		item->place = palloc0(sizeof(Place));
		item->place->column = word;
		if (word[0] == '\0')
			refuse(r, "the name of a column, * or a resource with its columns in parentheses");
		read_steps(r, item->place, ",:!()");
		if (r->at[0] == ':' && r->at[1] == ':')
		{
			r->at += 2;
			item->cast = read_word(r, ",:!()");
		}
	}
	level->items = lappend(level->items, item);
}

static void
read_items(Reader *r, Level *level)
{
	check_stack_depth();
	/* nothing of it but that it is there */
	if (*r->at == ')' || *r->at == '\0')
		return;
	for (;;)
	{
		if (++r->items > MOST_ITEMS)
			refuse(r, "a thousand columns at most");
		read_item(r, level);
		if (*r->at != ',')
			return;
		r->at++;
	}
}

/* -- conditions -- */

/* (a,b,"c,d") or {a,b}, behind the opening sign */
static List *
read_values(Reader *r, char close)
{
	List *values = NIL;
	char ends[] = {',', close, '\0'};

	while (*r->at && *r->at != close)
	{
		StringInfoData out;

		initStringInfo(&out);
		if (*r->at == '"')
		{
			for (r->at++; *r->at && *r->at != '"'; r->at++)
			{
				if (*r->at == '\\' && r->at[1])
					r->at++;
				appendStringInfoChar(&out, *r->at);
			}
			if (*r->at != '"')
				refuse(r, "a double quote at the end of the value");
			r->at++;
		}
		else
			while (*r->at && !strchr(ends, *r->at))
				appendStringInfoChar(&out, *r->at++);
		values = lappend(values, out.data);
		if (list_length(values) > MOST_VALUES)
			refuse(r, "a thousand values at most");
		if (*r->at == ',')
			r->at++;
		else if (*r->at != close)
			refuse(r, "a comma or the end of the list");
	}
	if (*r->at != close)
		refuse(r, "the end of the list");
	r->at++;
	return values;
}

/* [not.]operator[(any|all)].value; within and() and or() a value ends at a comma */
static void
read_comparison(Reader *r, Condition *c, bool nested)
{
	const char *start = r->at;
	char *word = read_word(r, ".(");

	c->kind = CONDITION_COMPARE;
	if (strcmp(word, "not") == 0 && *r->at == '.')
	{
		c->negated = true;
		r->at++;
		word = read_word(r, ".(");
	}
	c->op = word;
	if (*r->at == '(')
	{
		r->at++;
		c->quantifier = read_word(r, ")");
		if ((strcmp(c->quantifier, "any") != 0 && strcmp(c->quantifier, "all") != 0) || *r->at != ')')
			refuse(r, "any or all in parentheses after an operator");
		r->at++;
	}
	if (*r->at != '.')
	{
		r->at = start;
		refuse(r, "an operator, a dot and a value, such as eq.5");
	}
	r->at++;
	if (strcmp(c->op, "in") == 0)
	{
		if (*r->at != '(')
			refuse(r, "values in parentheses after in.");
		r->at++;
		c->values = read_values(r, ')');
	}
	else if (c->quantifier)
	{
		if (*r->at != '{')
			refuse(r, "values in braces after any and all");
		r->at++;
		c->values = read_values(r, '}');
	}
	else if (!nested)
	{
		c->value = pstrdup(r->at);
		r->at += strlen(r->at);
	}
	else if (*r->at == '{' || *r->at == '[')
	{
		/* an array or a document holds commas of its own */
		const char *from = r->at;
		int depth = 0;
		bool quoted = false;

		for (; *r->at; r->at++)
		{
			if (*r->at == '"' && (r->at == from || r->at[-1] != '\\'))
				quoted = !quoted;
			else if (!quoted && (*r->at == '{' || *r->at == '['))
				depth++;
			else if (!quoted && (*r->at == '}' || *r->at == ']') && --depth == 0)
			{
				r->at++;
				break;
			}
		}
		c->value = pnstrdup(from, r->at - from);
	}
	else
	{
		StringInfoData out;

		initStringInfo(&out);
		if (*r->at == '"')
			c->value = read_word(r, "");
		else
		{
			while (*r->at && *r->at != ',' && *r->at != ')')
				appendStringInfoChar(&out, *r->at++);
			c->value = out.data;
		}
	}
	if (!nested && *r->at != '\0')
		refuse(r, "nothing after the value");
}

static Condition *read_logic(Reader *r);

/* and(…), or(…), not.and(…), column.operator.value */
static Condition *
read_part(Reader *r)
{
	static const char *const heads[] = {"and(", "or(", "not.and(", "not.or("};
	Condition *c;

	for (int i = 0; i < 4; i++)
	{
		if (strncmp(r->at, heads[i], strlen(heads[i])) != 0)
			continue;
		r->at += strlen(heads[i]) - 1;
		c = read_logic(r);
		c->kind = i % 2 == 0 ? CONDITION_AND : CONDITION_OR;
		c->negated = i >= 2;
		return c;
	}
	c = palloc0(sizeof(Condition));
	c->place = read_place(r, ".,()");
	if (*r->at != '.')
		refuse(r, "a column, a dot, an operator, a dot and a value, such as id.eq.5");
	r->at++;
	read_comparison(r, c, true);
	return c;
}

/* In parentheses */
static Condition *
read_logic(Reader *r)
{
	Condition *c = palloc0(sizeof(Condition));

	check_stack_depth();
	if (*r->at != '(' || ++r->depth > MOST_DEPTH)
		refuse(r, "conditions in parentheses, ten deep at most");
	do
	{
		r->at++;
		c->parts = lappend(c->parts, read_part(r));
		if (list_length(c->parts) > MOST_VALUES)
			refuse(r, "a thousand conditions at most");
	} while (*r->at == ',');
	if (*r->at != ')')
		refuse(r, "a comma or a closing parenthesis");
	r->at++;
	r->depth--;
	return c;
}

/* -- order, limit -- */

static void
read_order(Reader *r, Level *level)
{
	for (;;)
	{
		Order *o = palloc0(sizeof(Order));

		o->place = read_place(r, ".,");
		while (*r->at == '.')
		{
			char *word;

			r->at++;
			word = read_word(r, ".,");
			if (strcmp(word, "desc") == 0)
				o->descending = true;
			else if (strcmp(word, "nullsfirst") == 0)
				o->nulls = -1;
			else if (strcmp(word, "nullslast") == 0)
				o->nulls = 1;
			else if (strcmp(word, "asc") != 0)
				refuse(r, "asc, desc, nullsfirst or nullslast after a column");
		}
		level->order = lappend(level->order, o);
		if (*r->at == '\0')
			return;
		if (*r->at != ',')
			refuse(r, "a comma or the end");
		r->at++;
	}
}

static int64
read_count(Reader *r)
{
	int64 n = 0;

	if (*r->at == '\0')
		refuse(r, "a whole number that is not negative");
	for (; *r->at; r->at++)
	{
		if (*r->at < '0' || *r->at > '9' || n > 1000000000000)
			refuse(r, "a whole number that is not negative");
		n = n * 10 + (*r->at - '0');
	}
	return n;
}

/* -- parameters -- */

static Level *
embedded_named(Level *level, const char *name)
{
	ListCell *cell;

	foreach (cell, level->embedded)
	{
		Level *e = lfirst(cell);

		if (strcmp(e->alias ? e->alias : e->name, name) == 0)
			return e;
	}
	return NULL;
}

/* "a.b.column": the level a.b, and where the rest begins.  What no embedded level is called is part of the column */
static Level *
find_level(Level *level, const char *name, const char **rest)
{
	const char *arrow = strstr(name, "->");
	const char *point;

	while ((point = strchr(name, '.')) != NULL && (arrow == NULL || point < arrow))
	{
		Level *e = embedded_named(level, pnstrdup(name, point - name));

		if (e == NULL)
			break;
		level = e;
		name = point + 1;
	}
	*rest = name;
	return level;
}

static void
take_parameter(Level *top, const char *name, const char *value)
{
	Reader r = {.at = value, .what = name};
	const char *rest;
	Level *level = find_level(top, name, &rest);

	/* a mark has no point, and a condition on a column that is called so has one */
	if (level == top && strcmp(rest, "after") == 0 && strchr(value, '.') == NULL)
	{
		if (top->after)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("parameter \"after\" is given twice")));
		top->after = pstrdup(value);
		return;
	}
	if (level != top || strcmp(rest, "limit") != 0)
		top->asked = psprintf("%s%s=%s\n", top->asked ? top->asked : "", name, value);
	if (strcmp(rest, "order") == 0)
	{
		if (*value)
			read_order(&r, level);
	}
	else if (strcmp(rest, "limit") == 0)
		level->limit = read_count(&r);
	else if (strcmp(rest, "offset") == 0)
		level->offset = read_count(&r);
	else if (strcmp(rest, "and") == 0 || strcmp(rest, "or") == 0 || strcmp(rest, "not.and") == 0 || strcmp(rest, "not.or") == 0)
	{
		Condition *c = read_logic(&r);

		c->kind = strstr(rest, "and") ? CONDITION_AND : CONDITION_OR;
		c->negated = strncmp(rest, "not.", 4) == 0;
		if (*r.at)
			refuse(&r, "nothing after the parenthesis");
		level->conditions = lappend(level->conditions, c);
	}
	else if (strcmp(rest, "columns") == 0 || strcmp(rest, "on_conflict") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("parameter \"%s\" is for writing, and nothing is written here", name)));
	else
	{
		Condition *c = palloc0(sizeof(Condition));
		Reader place = {.at = rest, .what = name};

		c->place = read_place(&place, "");
		if (*place.at)
			refuse(&place, "the name of a column");
		read_comparison(&r, c, false);
		level->conditions = lappend(level->conditions, c);
	}
}

typedef struct Parameter
{
	char *name;
	char *value;
} Parameter;

static List *
split(const char *query)
{
	List *parameters = NIL;
	const char *at = query;

	while (at && *at)
	{
		const char *end = at + strcspn(at, "&");
		const char *equal = memchr(at, '=', end - at);
		Parameter *p = palloc(sizeof(Parameter));

		if (equal == NULL)
			equal = end;
		p->name = url_decode(at, equal - at, true);
		p->value = equal < end ? url_decode(equal + 1, end - equal - 1, true) : pstrdup("");
		if (end > at)
			parameters = lappend(parameters, p);
		if (list_length(parameters) > MOST_PARAMETERS)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the address has more than %d parameters", MOST_PARAMETERS)));
		at = *end ? end + 1 : end;
	}
	return parameters;
}

Level *
grammar_parse(const char *resource, const char *query)
{
	List *parameters = split(query);
	Level *top = new_level(resource);
	bool selected = false;
	ListCell *cell;

	/* others speak of what is embedded, so it is read first */
	foreach (cell, parameters)
	{
		Parameter *p = lfirst(cell);
		Reader r = {.at = p->value, .what = "select"};

		if (strcmp(p->name, "select") != 0)
			continue;
		if (selected)
			ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("parameter \"select\" is given twice")));
		selected = true;
		read_items(&r, top);
		if (*r.at)
			refuse(&r, "a comma or the end");
	}
	if (!selected || (top->items == NIL && top->embedded == NIL))
		top->items = list_make1(palloc0(sizeof(Selected)));
	foreach (cell, parameters)
	{
		Parameter *p = lfirst(cell);

		if (strcmp(p->name, "select") != 0)
			take_parameter(top, p->name, p->value);
		else
			top->asked = psprintf("%sselect=%s\n", top->asked ? top->asked : "", p->value);
	}
	if (top->after && top->offset > 0)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("a page begins at \"after\" or at \"offset\", not at "
															  "both")));
	return top;
}
