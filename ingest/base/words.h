/*
 * words.h
 *		What the repository's constraints refuse, in words.
 */
#ifndef INGEST_WORDS_H
#define INGEST_WORDS_H

#include "postgres.h"

/* An error of a statement of the engine's, before a user meets it */
extern void error_in_words(ErrorData *error);

#endif /* INGEST_WORDS_H */
