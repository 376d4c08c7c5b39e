/*
 * form.c
 *		What columns are on the other side, and how they are written.
 *
 * A foreign table's column has a type here and one there.  They need not agree,
 * and the one here does not tell what =, <, GROUP BY or MAX mean there.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "netsuite_fdw/catalog.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/form.h"
#include "netsuite_fdw/option.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define DAY_MASK "YYYY-MM-DD"
#define SECOND_MASK "YYYY-MM-DD HH24:MI:SS"

Family
family_of(Oid type, int32 typmod)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return FAMILY_NUMBER;
		case NUMERICOID:
			/* numeric(p,s) rounds here what is compared unrounded there */
			return typmod < 0 ? FAMILY_NUMBER : FAMILY_NONE;
		case BOOLOID:
			return FAMILY_BOOL;
		case TEXTOID:
			return FAMILY_TEXT;
		case VARCHAROID:
			/* varchar(n) cuts trailing blanks that count there */
			return typmod < 0 ? FAMILY_TEXT : FAMILY_NONE;
		case DATEOID:
			return FAMILY_DATE;
		case TIMESTAMPOID:
			return typmod < 0 ? FAMILY_TIMESTAMP : FAMILY_NONE;
		case TIMESTAMPTZOID:
			return typmod < 0 ? FAMILY_TIMESTAMPTZ : FAMILY_NONE;
		default:
			return FAMILY_NONE;
	}
}

/* -- types there -- */

static const struct
{
	const char *name;
	char letter; /* in the dictionary */
	RemoteType type;
} remote_types[] = {
	{"number", 'i', REMOTE_NUMBER},
	{"number", 'n', REMOTE_NUMBER},
	{"boolean", 'b', REMOTE_BOOLEAN},
	{"date", 'd', REMOTE_DATE},
	{"datetime", 't', REMOTE_DATETIME},
	{"text", 's', REMOTE_TEXT},
};

/* The value of option remote_type; REMOTE_UNKNOWN if there is no such type */
RemoteType
remote_type_of(const char *name)
{
	for (int i = 0; i < lengthof(remote_types); i++)
	{
		if (pg_strcasecmp(remote_types[i].name, name) == 0)
			return remote_types[i].type;
	}
	return REMOTE_UNKNOWN;
}

/* The value of option remote_type for a letter of the dictionary */
const char *
remote_type_name(char letter)
{
	for (int i = 0; i < lengthof(remote_types); i++)
	{
		if (remote_types[i].letter == letter)
			return remote_types[i].name;
	}
	return NULL;
}

/* The dictionary's letter for a column; \0 if it does not know it */
static char
column_letter(Oid relid, int attnum)
{
	TableOptions *o = table_options(relid);
	const CatalogTable *known = o->table ? catalog_find(o->table) : NULL;
	bool is_expression;
	char *name = column_expression(relid, attnum, &is_expression);

	return known && !is_expression ? catalog_column(known, name) : '\0';
}

/* Is it one of NetSuite's own columns? */
bool
column_in_dictionary(Oid relid, int attnum)
{
	return column_letter(relid, attnum) != '\0';
}

/* What the column is there: as declared, else as the dictionary knows its table */
static RemoteType
column_type(Oid relid, int attnum)
{
	const char *declared = column_remote_type(relid, attnum);
	char letter;

	if (declared != NULL)
		return remote_type_of(declared);
	letter = column_letter(relid, attnum);
	for (int i = 0; i < lengthof(remote_types); i++)
	{
		if (remote_types[i].letter == letter)
			return remote_types[i].type;
	}
	return REMOTE_UNKNOWN;
}

/* -- forms -- */

/* Is the column surely a number there, so that it sorts there as a number does here? */
bool
column_sorts_as_number(Oid relid, int attnum)
{
	return column_type(relid, attnum) == REMOTE_NUMBER;
}

/*
 * The form of a column's value.  Where the type there is unknown, only what its
 * being readable here proves is assumed: a date here comes by TO_CHAR with a
 * date's mask, so that it is a date or a datetime there; a number here may be
 * digits in a text; a text here may be anything.
 */
RemoteForm
column_form(Oid relid, int attnum)
{
	Oid type;
	int32 typmod;
	Oid collation;
	RemoteType there = column_type(relid, attnum);
	bool is_time = there == REMOTE_UNKNOWN || there == REMOTE_DATE || there == REMOTE_DATETIME;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	switch (family_of(type, typmod))
	{
		case FAMILY_NUMBER:
			/* digits in a text may be more than a number has there */
			return there == REMOTE_UNKNOWN || there == REMOTE_NUMBER || (there == REMOTE_TEXT && type != NUMERICOID)
					   ? FORM_NUMBER
					   : FORM_NONE;
		case FAMILY_BOOL:
			return there == REMOTE_UNKNOWN || there == REMOTE_BOOLEAN || there == REMOTE_TEXT
					   ? FORM_BOOL
					   : FORM_NONE;
		case FAMILY_TEXT:
			/* dates come in a form of ours, numbers in one of NetSuite's */
			return there == REMOTE_TEXT || there == REMOTE_DATE || there == REMOTE_DATETIME
					   ? FORM_TEXT
					   : FORM_NONE;
		case FAMILY_DATE:
			return is_time ? FORM_DAY : FORM_NONE;
		case FAMILY_TIMESTAMP:
			return is_time ? FORM_SECOND : FORM_NONE;
		case FAMILY_TIMESTAMPTZ:
			return is_time ? FORM_SECOND_ZONED : FORM_NONE;
		case FAMILY_NONE:
			break;
	}
	return FORM_NONE;
}

/* The form of an expression that yields one or the other */
RemoteForm
common_form(RemoteForm a, RemoteForm b)
{
	if (a == FORM_NULL || a == b)
		return b;
	return b == FORM_NULL ? a : FORM_NONE;
}

/* -- how they are written -- */

static char *
to_char(const char *text, const char *mask)
{
	return psprintf("TO_CHAR(%s,'%s')", text, mask);
}

/* In what form times are asked for, so that no display setting changes it; NULL for others */
const char *
output_mask(RemoteForm form)
{
	switch (form)
	{
		case FORM_DAY:
		case FORM_DAY_HERE:
			return DAY_MASK;
		case FORM_SECOND:
		case FORM_SECOND_ZONED:
			return SECOND_MASK;
		default:
			return NULL;
	}
}

/* A foreign table's column as SuiteQL */
char *
deparse_column(Oid relid, int attnum)
{
	bool is_expression;
	char *text = column_expression(relid, attnum, &is_expression);

	return is_expression ? psprintf("(%s)", text) : psprintf("t.%s", text);
}

/* The same as an expression of the column's form: whole days, and numbers that are numbers */
char *
deparse_column_value(Oid relid, int attnum)
{
	char *text = deparse_column(relid, attnum);

	switch (column_form(relid, attnum))
	{
		case FORM_NUMBER:
			return column_type(relid, attnum) == REMOTE_NUMBER ? text : psprintf("(%s + 0)", text);
		case FORM_DAY:
			return psprintf("TRUNC(%s)", text);
		case FORM_TEXT:
			return deparse_column_output(relid, attnum);
		default:
			return text;
	}
}

/* The same as a column of the result; also where the type here has no counterpart there */
char *
deparse_column_output(Oid relid, int attnum)
{
	char *text = deparse_column(relid, attnum);
	RemoteType there = column_type(relid, attnum);

	if (there == REMOTE_NUMBER || there == REMOTE_BOOLEAN || there == REMOTE_TEXT)
		return text;
	switch (getBaseType(get_atttype(relid, attnum)))
	{
		case DATEOID:
			return to_char(text, DAY_MASK);
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return to_char(text, SECOND_MASK);
		default:
			return there == REMOTE_DATE ? to_char(text, DAY_MASK) : there == REMOTE_DATETIME ? to_char(text, SECOND_MASK)
																							 : text;
	}
}

/*
 * The type that a column's values are decoded as.  A domain's input function
 * would read a datetime in the session's zone.
 */
Oid
decoded_type(Oid type)
{
	Oid base = getBaseType(type);

	if (base == type || base != TIMESTAMPTZOID)
		return type;
	if (domain_has_constraints(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("datetimes cannot be read into domain %s", format_type_be(type)),
				 errdetail("Its constraints would not be checked."),
				 errhint("Let the foreign table's column be timestamptz, and use the domain in a view.")));
	return base;
}
