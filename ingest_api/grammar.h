/*
 * grammar.h
 *		PostgREST's grammar of queries: what is read of which relation, under which conditions.
 *
 * What comes out names columns and relations as the client does: nothing of it was looked
 * up yet, and nothing of it is SQL.
 */
#ifndef API_GRAMMAR_H
#define API_GRAMMAR_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* A column, or a place within its JSON: col->a->>b */
typedef struct Place
{
	char *column;
	List *steps;  /* texts: members, or numbers of elements */
	bool as_text; /* the last arrow was ->> */
} Place;

typedef struct Selected
{
	Place *place; /* NULL: all columns */
	char *alias;
	char *cast;
} Selected;

typedef enum ConditionKind
{
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_COMPARE
} ConditionKind;

typedef struct Condition
{
	ConditionKind kind;
	bool negated;
	List *parts; /* Condition */
	Place *place;
	char *op;
	char *quantifier; /* any, all or NULL */
	char *value;
	List *values; /* of in, any and all */
} Condition;

typedef struct Order
{
	Place *place;
	bool descending;
	int nulls; /* -1 first, 1 last, 0: as usual */
} Order;

/* What is read of one relation, and with each of its rows of others */
typedef struct Level
{
	char *name; /* of the resource, as the client says it */
	char *alias;
	char *hint;
	bool inner;
	bool spread;
	List *items;      /* Selected */
	List *embedded;   /* Level */
	List *conditions; /* Condition: all must hold */
	List *order;      /* Order */
	int64 limit;      /* -1: none */
	int64 offset;
	char *after; /* the mark of a place, empty: the beginning; NULL: pages are not asked for so.  Of the first level alone */
	char *asked; /* what else the address says, but for how many rows */
} Level;

/* From the query string, whose escapes are still in it; errors are ERRCODE_SYNTAX_ERROR with what is allowed */
extern Level *grammar_parse(const char *resource, const char *query);
/* Decodes %XX, and + as a blank in a form; an error where that is no text of the database */
extern char *url_decode(const char *text, size_t n, bool form);

#endif /* API_GRAMMAR_H */
