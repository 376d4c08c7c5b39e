/*
 * allowance_test.c
 *		What an account is believed to take after refusals and good replies, step by step.
 */
#include "postgres.h"

#include <stdio.h>

#include "netsuite_fdw/allowance.h"
#include "utils/timestamp.h"

#undef printf /* the server's own is not linked */

#define LIMIT 5
#define SECOND 1000000

static int failed = 0;
static int done = 0;
static TimestampTz now = SECOND;

/* the server's own is not linked */
bool
TimestampDifferenceExceeds(TimestampTz start, TimestampTz stop, int msec)
{
	return stop - start >= msec * (TimestampTz) 1000;
}

static void
check(const char *what, int got, int wanted)
{
	printf("%sok %d - %s", got == wanted ? "" : "not ", ++done, what);
	if (got == wanted)
		printf("\n");
	else
		printf(": %d, not %d\n", got, wanted);
	failed += got != wanted;
}

/* Good replies to requests that left just now */
static void
answers(Allowance *a, int n)
{
	for (int i = 0; i < n; i++)
	{
		now += 2;
		allowance_answered(a, LIMIT, now - 1, now);
	}
}

/* Refusals, one after the other */
static void
refusals(Allowance *a, int n)
{
	for (int i = 0; i < n; i++)
	{
		now += 2;
		allowance_refused(a, LIMIT, now - 1, now);
	}
}

int
main(void)
{
	Allowance a;
	TimestampTz together;

	allowance_init(&a, LIMIT);
	answers(&a, 100);
	check("good replies alone raise nothing above the limit", a.allowed, LIMIT);

	together = now;
	now += 10;
	for (int i = 0; i < LIMIT; i++)
		allowance_refused(&a, LIMIT, together, now + i);
	check("those refused together count once", a.allowed, 2);
	for (int i = 0; i < 100; i++)
		allowance_answered(&a, LIMIT, together, now + i);
	check("what left before says nothing of the lower number", a.allowed, 2);
	answers(&a, 2 + 3);
	check("a round of good replies gives one more, up to below what was refused", a.allowed, 4);
	answers(&a, 39);
	check("which is not tried again before forty", a.allowed, 4);
	answers(&a, 1);
	check("but then", a.allowed, LIMIT);

	allowance_init(&a, LIMIT);
	answers(&a, 1);
	refusals(&a, 6);
	check("nothing but refusals: one at a time", a.allowed, 1);
	answers(&a, 1 + 2 + 3);
	check("when the burst is over, back in three rounds below what was refused first", a.allowed, 4);
	answers(&a, 40);
	check("and all of it", a.allowed, LIMIT);

	allowance_init(&a, LIMIT);
	refusals(&a, 1);
	answers(&a, 1);
	refusals(&a, 1);
	check("two were answered and then refused", a.allowed, 1);
	answers(&a, 39);
	check("two are tried again after forty", a.allowed, 1);
	answers(&a, 1 + 40 + 2 + 3 + 4);
	check("and once they hold, the rest comes in rounds", a.allowed, LIMIT);

	allowance_init(&a, LIMIT);
	refusals(&a, 1);
	answers(&a, 5);
	now += 31 * SECOND;
	answers(&a, 4);
	check("what was refused half a minute ago says nothing", a.allowed, LIMIT);

	allowance_init(&a, 1000);
	refusals(&a, 1);
	check("the server's limit is what was sent, not what is believed", a.allowed, 2);
	printf("1..%d\n", done);
	return failed > 0;
}
