/*
 * outcome.h
 *		What came of an attempt, and whether the request may be sent again.
 */
#ifndef NETSUITE_OUTCOME_H
#define NETSUITE_OUTCOME_H

#include "common/http.h"

typedef enum Outcome
{
	OUTCOME_DONE,
	/* nothing was done */
	OUTCOME_UNREACHED,     /* no name, no connection, no TLS: nothing left this machine */
	OUTCOME_UNTRUSTED,     /* a certificate that is not to be trusted */
	OUTCOME_MISCONFIGURED, /* by the options of the server */
	OUTCOME_NO_MEMORY,     /* of ours */
	OUTCOME_BUSY,          /* refused for concurrency, before any work */
	OUTCOME_LOGIN,         /* refused before any work */
	OUTCOME_DENIED,        /* the role lacks a permission */
	OUTCOME_NO_TABLE,
	OUTCOME_NO_COLUMN,
	OUTCOME_NO_LANGUAGE, /* it wants to be told its own */
	OUTCOME_REFUSED,     /* for any other reason: it would be again */
	/* it may have been done */
	OUTCOME_LOST,     /* it left, and no whole reply came */
	OUTCOME_FAILED,   /* a fault over there */
	OUTCOME_NONSENSE, /* a reply that says success and is not what it should be */
	OUTCOME_TOO_LARGE /* a reply that nobody has room for */
} Outcome;

#define N_OUTCOMES (OUTCOME_TOO_LARGE + 1)

/* What it does to send a request a second time */
typedef enum Effect
{
	EFFECT_NONE,  /* GET, SuiteQL, a login: it reads */
	EFFECT_SAME,  /* PATCH, DELETE, PUT by external id, an idempotency key: the end is the same */
	EFFECT_NAMED, /* POST with an external id of ours: the second is refused and tells of the first */
	EFFECT_ADDS   /* POST, transform, action, lines without a key: it would be there twice */
} Effect;

#define N_EFFECTS (EFFECT_ADDS + 1)

typedef enum Verdict
{
	VERDICT_OVER,   /* settled: do not ask again */
	VERDICT_AGAIN,  /* ask again */
	VERDICT_ONCE,   /* once more, no oftener */
	VERDICT_UNKNOWN /* do not ask again; whether it was done is not known */
} Verdict;

extern Outcome outcome_of(HttpFailure failure, bool sent, int status, const char *code, const char *detail);
extern Verdict outcome_verdict(Outcome outcome, Effect effect);

#endif /* NETSUITE_OUTCOME_H */
