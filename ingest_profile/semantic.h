/*
 * semantic.h
 *		What the values of a column mean: e-mail addresses, IBANs, ISO codes.
 */
#ifndef PROFILE_SEMANTIC_H
#define PROFILE_SEMANTIC_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

#define SEMANTIC_SHARE 0.9 /* of the distinct values must fit */
#define SEMANTIC_BITS 30   /* of evidence that they do not fit by chance */

typedef bool (*SemanticCheck)(const char *text, int len);

typedef struct SemanticType
{
	const char *name;
	SemanticCheck fits;
	double bits;       /* what one fitting value tells against chance */
	int distinct;      /* values that are needed */
	const char *hints; /* words of a column's name that speak for it; '!': needs one of them */
	const char *describes;
} SemanticType;

typedef struct SemanticGuess
{
	const SemanticType *type;
	double share;
	int checked;
} SemanticGuess;

extern const SemanticType semantic_types[];
extern const int semantic_ntypes;

extern const SemanticType *semantic_find(const char *name);
extern bool semantic_guess(Sketch *s, const char *column, SemanticGuess *guess);

#endif /* PROFILE_SEMANTIC_H */
