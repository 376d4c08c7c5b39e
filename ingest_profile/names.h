/*
 * names.h
 *		What the names of tables and columns say about keys.
 *
 * The words are those of the schema itself: what it puts before the names of tables and columns, how it ends those of
 * keys and makes plurals, what it runs together and shortens is learned from all of its names.
 */
#ifndef PROFILE_NAMES_H
#define PROFILE_NAMES_H

#include "postgres.h"

#define MOST_WORDS 12
#define MOST_FORMS 6

/* Words in lower case, the plural's ending off, written without a break */
typedef struct Phrase
{
	int8 n;
	uint8 at[MOST_WORDS + 1]; /* where each begins, and the end */
	char text[NAMEDATALEN + 1];
} Phrase;

typedef struct ColumnName
{
	const char *name;
	bool unique; /* it may be a key */
	Phrase whole;
	Phrase stem;  /* without what stands before all the table's columns, and without words such as id and code: may be empty */
	bool keyed;   /* such a word was there */
	bool fronted; /* it stood in front: fk_customer, id_cliente */
	bool own;     /* the stem is the table's name: customer_id in customer */
	bool other;   /* the stem is another table's name */
	bool person;  /* someone who does something */
	bool counts;  /* so many of something: reports_count, nodes */
} ColumnName;

typedef struct TableName
{
	const char *name;
	int ncolumns;
	ColumnName *columns;
	int nforms;
	Phrase forms[MOST_FORMS]; /* what others may call it, its name first */
	Phrase before;            /* the word that its columns begin with, or none */
	bool people;              /* its columns speak of persons */
} TableName;

/* How a column names the key that it refers to, the plainest first */
typedef enum NameKind
{
	NAME_KEY,    /* the key's own name, which is its table's */
	NAME_SAME,   /* the key's own name, which is not a table's */
	NAME_OTHER,  /* the key's own name, which is that of another table */
	NAME_WORD,   /* the key's own name, without a word as keys have */
	NAME_TABLE,  /* the table and the key, or a word as keys have */
	NAME_BARE,   /* the table alone */
	NAME_ROLE,   /* a role before them: billing_customer_id */
	NAME_BEHIND, /* a role behind them: account_to */
	NAME_PART,   /* the end of the table's name: line_id of order_line */
	NAME_FRONT,  /* its beginning: order_id of order_header */
	NAME_SHORT,  /* an abbreviation: cust, dept */
	NAME_SELF,   /* a role among the rows of one table: parent_id, reports_to */
	NAME_PERSON, /* who does something, and a table of persons */
	NAME_NOTHING
} NameKind;

/* Fills in what follows from the names and from which columns may be keys */
extern void names_learn(TableName *tables, int n);
extern NameKind name_refers(const TableName *table, const ColumnName *column, const TableName *parent, const ColumnName *key, bool first);
extern bool name_stands(const ColumnName *key, bool first);
extern bool name_extends(const TableName *table, const TableName *other);

/* 0 to 1 */
extern double name_like_key(const char *column);

#endif /* PROFILE_NAMES_H */
