/*
 * check.h
 *		What must hold of every input, or the fuzzer stops and tells.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(what) \
	do \
	{ \
		if (!(what)) \
		{ \
			fprintf(stderr, "does not hold: %s\n", #what); \
			abort(); \
		} \
	} while (0)

#endif /* FUZZ_CHECK_H */
