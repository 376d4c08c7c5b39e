/*
 * outcome_test.c
 *		What a client may send again, held against the rule as NetSuite's behaviour dictates it.
 */
#include "postgres.h"

#include <stdio.h>

#include "netsuite_fdw/outcome.h"

#undef printf /* the server's own is not linked */

static int failed = 0;
static int done = 0;

static void
check(const char *what, int got, int wanted)
{
	printf("%sok %d - %s\n", got == wanted ? "" : "not ", ++done, what);
	failed += got != wanted;
}

/* One letter for each effect: none, same, named, adds */
static void
check_row(const char *what, Outcome outcome, const char *wanted)
{
	char got[N_EFFECTS + 1] = "";

	for (int effect = 0; effect < N_EFFECTS; effect++)
		got[effect] = "o+1?"[outcome_verdict(outcome, effect)];
	printf("# %s: %s\n", what, got);
	check(what, strcmp(got, wanted), 0);
}

int
main(void)
{
	/* o: over, +: again, 1: once more, ?: unknown whether it was done */
	check_row("refused for concurrency", OUTCOME_BUSY, "++++");
	check_row("refused login", OUTCOME_LOGIN, "1111");
	check_row("never left", OUTCOME_UNREACHED, "++++");
	check_row("lost on the way", OUTCOME_LOST, "++1?");
	check_row("failed there", OUTCOME_FAILED, "++1?");
	check_row("reply broken", OUTCOME_NONSENSE, "++1?");
	check_row("refused for good", OUTCOME_REFUSED, "oooo");
	check_row("denied", OUTCOME_DENIED, "oooo");
	check_row("untrusted", OUTCOME_UNTRUSTED, "oooo");

	check("a timeout before anything left", outcome_of(HTTP_TIMEOUT, false, 0, NULL, NULL), OUTCOME_UNREACHED);
	check("a timeout after", outcome_of(HTTP_TIMEOUT, true, 0, NULL, NULL), OUTCOME_LOST);
	check("a dead kept connection", outcome_of(HTTP_LOST, true, 0, NULL, NULL), OUTCOME_LOST);
	check("204", outcome_of(HTTP_OK, true, 204, NULL, NULL), OUTCOME_DONE);
	check("429 without a word", outcome_of(HTTP_OK, true, 429, NULL, NULL), OUTCOME_BUSY);
	check("429 with another code", outcome_of(HTTP_OK, true, 429, "USER_ERROR", "no"), OUTCOME_BUSY);
	check("400 SSS_REQUEST_LIMIT_EXCEEDED", outcome_of(HTTP_OK, true, 400, "SSS_REQUEST_LIMIT_EXCEEDED", NULL), OUTCOME_BUSY);
	check("400 in words", outcome_of(HTTP_OK, true, 400, "USER_ERROR", "Error while accessing a resource. concurrent Request limit exceeded. Request blocked."), OUTCOME_BUSY);
	check("503 in words", outcome_of(HTTP_OK, true, 503, NULL, "Too many requests"), OUTCOME_BUSY);
	check("words that quote the query prove nothing",
		  outcome_of(HTTP_OK, true, 400, "INVALID_PARAMETER", "Invalid search query. Search error occurred: near 'Concurrent request limit exceeded'"), OUTCOME_REFUSED);
	check("too much time is not too many requests", outcome_of(HTTP_OK, true, 400, "SSS_TIME_LIMIT_EXCEEDED", "Script Execution Time Exceeded."), OUTCOME_REFUSED);
	check("401", outcome_of(HTTP_OK, true, 401, NULL, NULL), OUTCOME_LOGIN);
	check("400 of the token endpoint", outcome_of(HTTP_OK, true, 400, "invalid_grant", NULL), OUTCOME_LOGIN);
	check("INVALID_PARAMETER is no login", outcome_of(HTTP_OK, true, 400, "INVALID_PARAMETER", NULL), OUTCOME_REFUSED);
	check("403", outcome_of(HTTP_OK, true, 403, NULL, NULL), OUTCOME_DENIED);
	check("403 for a login", outcome_of(HTTP_OK, true, 403, "INVALID_LOGIN_ATTEMPT", "Invalid login attempt."), OUTCOME_LOGIN);
	check("403 INSUFFICIENT_PERMISSION", outcome_of(HTTP_OK, true, 403, "INSUFFICIENT_PERMISSION", NULL), OUTCOME_DENIED);
	check("400 for a role", outcome_of(HTTP_OK, true, 400, "USER_ERROR", "Your role does not give you permission to view this page."), OUTCOME_DENIED);
	check("400 for privileges", outcome_of(HTTP_OK, true, 400, "USER_ERROR", "You do not have privileges to perform this operation."), OUTCOME_DENIED);
	check("400 USER_ERROR without permission", outcome_of(HTTP_OK, true, 400, "USER_ERROR", "Your current role does not have permission to perform this action."), OUTCOME_DENIED);
	check("500 with the code of a lacking permission stays a fault", outcome_of(HTTP_OK, true, 500, "UNEXPECTED_ERROR", "You do not have permission"), OUTCOME_FAILED);
	check("an unknown record", outcome_of(HTTP_OK, true, 400, "INVALID_PARAMETER", "Invalid search type: x"), OUTCOME_NO_TABLE);
	check("an unknown field", outcome_of(HTTP_OK, true, 400, "INVALID_PARAMETER", "Invalid search query. Search error occurred: Field 'x' for record 'y' was not found."), OUTCOME_NO_COLUMN);
	check("408 may have been done", outcome_of(HTTP_OK, true, 408, NULL, NULL), OUTCOME_FAILED);
	check("a redirect", outcome_of(HTTP_OK, true, 302, NULL, NULL), OUTCOME_REFUSED);
	printf("1..%d\n", done);
	return failed > 0;
}
