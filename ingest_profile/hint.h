/*
 * hint.h
 *		What a column's name says about its meaning.
 */
#ifndef PROFILE_HINT_H
#define PROFILE_HINT_H

#include "postgres.h"

#define HINT_WORDS 12
#define HINT_BYTES 24

typedef struct HintWords
{
	int n;
	char word[HINT_WORDS][HINT_BYTES];
} HintWords;

extern void hint_words(const char *name, HintWords *w);
extern bool hinted(const char *hints, const HintWords *w);

#endif /* PROFILE_HINT_H */
