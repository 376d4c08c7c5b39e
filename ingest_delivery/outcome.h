/*
 * outcome.h
 *		What an answer means: whose fault it is.
 */
#ifndef DELIVERY_OUTCOME_H
#define DELIVERY_OUTCOME_H

#include "postgres.h"

#include "common/http.h"

typedef enum Verdict
{
	ACCEPTED,
	OF_SINK,   /* nothing can be sent there now */
	OF_EITHER, /* the sink's, unless others arrive while this one does not */
	OF_EVENT,  /* this one is refused, others may not be */
	TOO_LARGE, /* and will never be taken; several at once perhaps fewer at once */
	GONE       /* the sink wants no more */
} Verdict;

extern Verdict outcome_of(const HttpRequest *request);
/* In words; palloc'd */
extern char *outcome_text(const HttpRequest *request);
/* The answer's beginning as text of the server's encoding; NULL if there is none */
extern char *outcome_answer(const HttpRequest *request);

#endif /* DELIVERY_OUTCOME_H */
