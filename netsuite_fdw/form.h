/*
 * form.h
 *		What a column or an expression is on the other side.
 */
#ifndef NETSUITE_FORM_H
#define NETSUITE_FORM_H

#include "postgres.h"

/* What a column is there; its type here does not tell */
typedef enum RemoteType
{
	REMOTE_UNKNOWN,
	REMOTE_NUMBER,
	REMOTE_BOOLEAN, /* T or F */
	REMOTE_DATE,
	REMOTE_DATETIME,
	REMOTE_TEXT
} RemoteType;

/*
 * What an expression that is sent yields there, and how that is read here.  One
 * thing decides how it is written as output, how the decoder reads it, and what
 * it may be compared with.
 */
typedef enum RemoteForm
{
	FORM_NONE, /* it is not certain to have the same value there */
	FORM_NULL, /* a null, which goes with every form */
	FORM_NUMBER,
	FORM_BOOL,
	FORM_TEXT,
	FORM_DAY,         /* midnight of a day; a date here */
	FORM_DAY_HERE,    /* the same, and here that midnight in the session's zone */
	FORM_SECOND,      /* wall clock; a timestamp here */
	FORM_SECOND_ZONED /* wall clock in the account's zone; a timestamptz here */
} RemoteForm;

/* Types that NetSuite and PostgreSQL agree on */
typedef enum Family
{
	FAMILY_NONE,
	FAMILY_NUMBER, /* integers and numeric: exact decimals */
	FAMILY_BOOL,   /* T and F */
	FAMILY_TEXT,
	FAMILY_DATE,       /* whole days */
	FAMILY_TIMESTAMP,  /* whole seconds, wall clock */
	FAMILY_TIMESTAMPTZ /* whole seconds, in the account's zone */
} Family;

extern Family family_of(Oid type, int32 typmod);
extern RemoteType remote_type_of(const char *name);
extern const char *remote_type_name(char letter);
extern bool column_sorts_as_number(Oid relid, int attnum);
extern bool column_in_dictionary(Oid relid, int attnum);
extern RemoteForm column_form(Oid relid, int attnum);
extern RemoteForm common_form(RemoteForm a, RemoteForm b);
extern const char *output_mask(RemoteForm form);
extern Oid decoded_type(Oid type);
extern char *deparse_column(Oid relid, int attnum);
extern char *deparse_column_value(Oid relid, int attnum);
extern char *deparse_column_output(Oid relid, int attnum);

#endif /* NETSUITE_FORM_H */
