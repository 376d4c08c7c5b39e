/*
 * deparse.h
 *		PostgreSQL expressions into SuiteQL.
 */
#ifndef NETSUITE_DEPARSE_H
#define NETSUITE_DEPARSE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "netsuite_fdw/shippable.h"
#include "pgtime.h"

/* How a value from here is written there */
typedef enum ValueForm
{
	FORM_NUMBER,
	FORM_TEXT,
	FORM_BOOL,
	FORM_DAY,       /* a date */
	FORM_DAY_UP,    /* the first midnight not before the value */
	FORM_DAY_NEXT,  /* the first midnight after it */
	FORM_SECOND_UP, /* the same for whole seconds */
	FORM_SECOND_NEXT,
	FORM_SECOND_UP_ZONED, /* and for wall clock in the account's zone */
	FORM_SECOND_NEXT_ZONED,
	FORM_LIST,      /* column IN (numbers or texts) */
	FORM_LIST_OUT,  /* column NOT IN (...) */
	FORM_LIST_DAYS, /* column within one of the days */
	FORM_LIST_SECONDS,
	FORM_LIST_SECONDS_ZONED
} ValueForm;

/* Text with marks where values belong that are known only when it is sent */
typedef struct Deparse
{
	ShipContext *ship;
	StringInfo out;
	List *values; /* expressions, in the order of the marks */
	List *forms;  /* of each, a list: form, column text */
} Deparse;

#define MARK_BEGIN '\001'
#define MARK_END '\002'

extern void deparse_condition(Node *expr, Deparse *d);
extern void deparse_value(Node *expr, Deparse *d);
extern void deparse_output(Node *expr, Deparse *d);
extern char *deparse_column(Oid relid, int attnum);
extern void append_output(StringInfo out, Family family, const char *text);

extern void render_value(StringInfo out, ValueForm form, const char *column, Datum value,
						 bool isnull, Oid type, pg_tz *zone);
extern char *fill_marks(const char *text, List *forms, Datum *values, bool *nulls, Oid *types,
						pg_tz *zone);
extern char *show_marks(const char *text);
extern bool form_needs_zone(ValueForm form);

#endif /* NETSUITE_DEPARSE_H */
