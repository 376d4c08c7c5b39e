/*
 * month_name.h
 *		Names of months and of the days of the week in the languages that ICU knows.
 */
#ifndef COMMON_MONTH_NAME_H
#define COMMON_MONTH_NAME_H

#include "postgres.h"

#define MONTH_LANGUAGES 256 /* at most */
#define NO_MONTH 0          /* a day of the week */

typedef struct NameSense
{
	int16 language;
	int16 month; /* 1 to 12, or NO_MONTH */
} NameSense;

/* What a word means, whatever its case, in all languages; the first call of a process reads ICU's names */
extern const NameSense *month_name_find(const char *text, int len, int *n);
extern const char *month_language(int language);
/* -1: there is none of this name */
extern int month_language_find(const char *name);
/* May the byte belong to a word? */
extern bool word_byte(const char *p, const char *end);
/* Words folded for comparison, as UTF-16; how many units, 0 if they are too many */
extern int folded_word(const char *text, int len, uint16 *out, int room);

#endif /* COMMON_MONTH_NAME_H */
