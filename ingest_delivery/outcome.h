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

/* What came of something that was sent */
typedef struct Answer
{
	Verdict verdict;
	int status;        /* 0: there is none */
	int retry_after;   /* seconds; not more than 0: it does not say */
	const char *error; /* in words; NULL where it was accepted */
	const char *body;  /* what was said, not NUL-terminated */
	size_t body_len;
} Answer;

/* Of an answer a kilobyte is kept */
#define KEPT_ANSWER 1024

extern Verdict outcome_of_status(int status);
/* judge: of a status of the receiver; NULL: outcome_of_status */
extern Verdict outcome_of(const HttpRequest *request, Verdict (*judge)(int status));
/* In words; palloc'd */
extern char *outcome_text(const HttpRequest *request);
/* The answer's beginning as text of the server's encoding; NULL if there is none */
extern char *outcome_answer(const Answer *answer);

#endif /* DELIVERY_OUTCOME_H */
