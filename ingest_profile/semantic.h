/*
 * semantic.h
 *		What the values of a column mean: e-mail addresses, IBANs, ISO codes.
 */
#ifndef PROFILE_SEMANTIC_H
#define PROFILE_SEMANTIC_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

#define SEMANTIC_SHARE 0.95 /* of the distinct values must fit */
#define WEAK_BITS 4         /* a value that tells less: */
#define WEAK_SHARE 0.99
#define NAMED_SHARE 0.9  /* where the column's name speaks for it */
#define SEMANTIC_BITS 30 /* of evidence that they do not fit by chance */
#define HINT_BITS 26     /* of them a name gives */

typedef bool (*SemanticCheck)(const char *text, int len);

typedef struct SemanticType
{
	const char *name;
	SemanticCheck fits;
	double bits;       /* what one fitting value tells against chance */
	int distinct;      /* values that are needed */
	const char *hints; /* words of a column's name that speak for it; '!': needs one of them, '-': an id of it is something else */
	const char *describes;
	SemanticCheck wider; /* what fits where the name speaks for it; NULL: the same */
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
