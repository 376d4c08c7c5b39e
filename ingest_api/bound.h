/*
 * bound.h
 *		How large an answer may become: looked at while it is put together, not afterwards.
 */
#ifndef API_BOUND_H
#define API_BOUND_H

#include "postgres.h"

/* Of class 54, program limits: the answer, not what was asked */
#define ERRCODE_ANSWER_TOO_LARGE MAKE_SQLSTATE('5', '4', 'P', 'I', '1')

/* What comes is another answer */
extern void bound_begin(void);
/* An error if an answer of so many bytes is too large */
extern void bound_check(size_t n);
/* A type whose values can be large */
extern bool bound_is_wide(Oid type);

#endif /* API_BOUND_H */
