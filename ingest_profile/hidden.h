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
	const char *type;       /* bigint, numeric, boolean, date, timestamp ... ; NULL: text it is */
	char *format;           /* of dates and timestamps, or NULL */
	const char *expression; /* that reads every value that fits, $1 being the value and $2 the extension's schema; NULL: no one does */
	const char *date;       /* of dates and timestamps the one order of day, month and year, or NULL */
	const char *swapped;    /* the other one that it may be, or NULL */
	int orders;             /* which order of day, month and year it may be, as bits; 0: several, or no date */
	const char *layout;     /* and what is between them; NULL likewise */
	bool grouped;           /* thousands are divided in some of the numbers, and none is money or percent */
	double share;           /* of the texts that are not empty */
} HiddenGuess;

extern bool is_date_text(const char *text, int len);
extern bool is_timestamp_text(const char *text, int len);
extern bool is_boolean_text(const char *text, int len);
extern bool is_uuid_text(const char *text, int len);
extern bool is_json_document(const char *text, int len);
extern HiddenGuess hidden_guess(Sketch *s);
/* Of the values that are kept, how many fit a guess that was made of this column or of another */
extern int hidden_fit(Sketch *s, const HiddenGuess *guess, int *of);
extern char *hidden_cast(const HiddenGuess *guess, const char *column, const char *schema);

#endif /* PROFILE_HIDDEN_H */
