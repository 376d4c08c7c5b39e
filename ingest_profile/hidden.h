/*
 * hidden.h
 *		The type that a text column's values would have if they were not text.
 */
#ifndef PROFILE_HIDDEN_H
#define PROFILE_HIDDEN_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

typedef struct HiddenGuess
{
	const char *type;    /* bigint, numeric, boolean, date, timestamp ... ; NULL: text it is */
	char *format;        /* of dates and timestamps, or NULL */
	const char *date;    /* of dates and timestamps the one order of day, month and year, or NULL */
	const char *swapped; /* the other one that it may be, or NULL */
	double share;        /* of the texts that are not empty */
} HiddenGuess;

extern bool is_date_text(const char *text, int len);
extern bool is_timestamp_text(const char *text, int len);
extern bool is_boolean_text(const char *text, int len);
extern bool is_uuid_text(const char *text, int len);
extern bool is_json_document(const char *text, int len);
extern bool is_month_name(const char *text, int len);
extern HiddenGuess hidden_guess(Sketch *s);

#endif /* PROFILE_HIDDEN_H */
