/*
 * literal.h
 *		Values from here as SuiteQL: literals, and comparisons with them.
 */
#ifndef NETSUITE_LITERAL_H
#define NETSUITE_LITERAL_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "netsuite_fdw/form.h"
#include "pgtime.h"
#include "utils/numeric.h"

#define GREGORIAN_FROM (-152384) /* 1582-10-15, which came after the 4th there */
#define MAX_LITERAL 4000         /* bytes of a text that Oracle takes for a literal */

/* A value from here, in the form of what it meets there */
typedef struct Value
{
	Datum datum;
	bool isnull;
	Oid type;
	RemoteForm form;
	pg_tz *zone; /* the account's, if the form asks for it */
} Value;

extern void append_text_literal(StringInfo out, const char *text);
extern void append_value(StringInfo out, const Value *value);
extern void append_comparison(StringInfo out, const char *subject, const char *comparison,
							  const Value *value);
extern void append_list(StringInfo out, const char *subject, bool all, const Value *array);
extern bool is_sound_number(Numeric number);
extern bool is_sound_day(int64 day);
extern bool zone_skips_days(pg_tz *zone);
extern bool needs_account_zone(RemoteForm form);
extern bool needs_any_zone(RemoteForm form, Oid type);

#endif /* NETSUITE_LITERAL_H */
