/*
 * hidden.h
 *		The type that a text column's values would have if they were not text.
 */
#ifndef PROFILE_HIDDEN_H
#define PROFILE_HIDDEN_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

/* A date's or timestamp's format as to_date() takes it, in pieces */
typedef struct HiddenFormat
{
	const char *date;    /* YYYY-MM-DD ... */
	const char *swapped; /* the other reading where day and month both may come first, or NULL */
	const char *time;    /* behind it, or "" */
} HiddenFormat;

typedef struct HiddenGuess
{
	const char *type; /* bigint, numeric, boolean, date, timestamp ... ; NULL: text it is */
	char *format;     /* of dates and timestamps, or NULL */
	double share;     /* of the texts that are not empty */
} HiddenGuess;

extern bool hidden_date(const char *text, int len, HiddenFormat *format);
extern bool hidden_timestamp(const char *text, int len, HiddenFormat *format);
extern bool hidden_boolean(const char *text, int len);
extern bool is_json_document(const char *text, int len);
extern bool is_month_name(const char *text, int len);
extern HiddenGuess hidden_guess(Sketch *s);

#endif /* PROFILE_HIDDEN_H */
