/*
 * written.h
 *		What texts are written as: numbers, truths, dates and times in the ways of many countries.
 *
 * The recognisers look at one text at a time and allocate nothing.  What a whole column is, who calls them
 * decides: often one text alone leaves open which sign is the decimal one, or whether day or month comes first.
 */
#ifndef COMMON_WRITTEN_H
#define COMMON_WRITTEN_H

#include "postgres.h"

#include "common/month_name.h"

#define WRITTEN_BYTES 160 /* longer texts are none of these */

typedef struct WrittenNumber
{
	char decimal;      /* '.' or ',' where the text tells, else 0 */
	bool either;       /* its only sign may be decimal or divide thousands */
	bool plain;        /* as a cast to numeric reads it */
	bool leading_zero; /* so it is a code rather */
	bool blank_groups; /* thousands divided by blanks */
	bool grouped;
	bool fraction;
	bool percent;
	bool money;
	int digits;                /* before the decimal sign */
	char value[WRITTEN_BYTES]; /* as numeric_in() takes it */
} WrittenNumber;

/* With '.' or ',' as decimal sign; 0: whichever fits, a single sign before three digits being decimal only if it is a point */
extern bool written_number(const char *text, int len, char decimal, WrittenNumber *n);

/* A word for true or false in some language; which of the pairs of such words it belongs to */
extern bool written_truth(const char *text, int len, bool *value, uint64 *pairs);
/* Is it one that a cast to boolean reads? */
extern bool truth_is_plain(uint64 pair);

/* Orders that the fields of a date may have */
#define ORDER_YMD 1
#define ORDER_DMY 2
#define ORDER_MDY 4
#define ORDER_FIXED 8 /* the layout has no fields: weeks, days of a year, month and day before a time with the year */

#define NAME_SHORT 1 /* as to_date() reads English ones by Mon */
#define NAME_FULL 2  /* by Month */

typedef struct WrittenDate
{
	char layout[32]; /* a template of to_date() with \1, \2, \3 for day, month and year as they come */
	uint8 orders;
	uint8 year_digits;
	int fields[3];
	uint8 names;         /* NAME_SHORT, NAME_FULL: what an English month's name may be read by; 0: there are only numbers */
	bool words;          /* besides there is what to_date() does not read: weekdays, dots, "de" */
	const NameSense *in; /* the languages that have such a name */
	int nin;
	const NameSense *days; /* those that have its day of the week */
	int ndays;
	const char *between; /* date and time, or "" */
	const char *time;    /* or "" */
	const char *zone;    /* behind that, or "" */
	bool zone_word;      /* the zone is a word: Z, UTC */
	bool beyond;         /* no template reads it: 24:00, a seventh decimal of a second */
	bool comma;          /* before the fraction of a second */
	bool iso;            /* a cast to timestamp reads it, whatever the session */
} WrittenDate;

extern bool written_date(const char *text, int len, WrittenDate *d);
extern bool written_timestamp(const char *text, int len, WrittenDate *d);
extern bool written_time(const char *text, int len, bool *two_digits);

/* A JSON object or array; of one that was cut only the beginning */
extern bool written_json(const char *text, int len, bool cut);

#endif /* COMMON_WRITTEN_H */
