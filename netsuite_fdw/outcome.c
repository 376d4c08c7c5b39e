/*
 * outcome.c
 *		Statuses, codes and words to outcomes; outcomes to what may be done next.
 *
 * Nothing here depends on a server: it is tested by itself.
 */
#include "postgres.h"

#include "netsuite_fdw/outcome.h"

/*
 * What was refused before any work may be asked again, whatever it is.  What may
 * have been done is asked again only where a second time does no harm; a record
 * that is added is not.
 */
static const Verdict verdicts[N_OUTCOMES][N_EFFECTS] = {
	/*                         NONE           SAME           NAMED            ADDS */
	[OUTCOME_DONE] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_UNREACHED] = {VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_AGAIN},
	[OUTCOME_UNTRUSTED] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_MISCONFIGURED] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_NO_MEMORY] = {VERDICT_OVER, VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_UNKNOWN},
	[OUTCOME_BUSY] = {VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_AGAIN},
	[OUTCOME_LOGIN] = {VERDICT_ONCE, VERDICT_ONCE, VERDICT_ONCE, VERDICT_ONCE},
	[OUTCOME_DENIED] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_NO_TABLE] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_NO_COLUMN] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_NO_LANGUAGE] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_REFUSED] = {VERDICT_OVER, VERDICT_OVER, VERDICT_OVER, VERDICT_OVER},
	[OUTCOME_LOST] = {VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_ONCE, VERDICT_UNKNOWN},
	[OUTCOME_FAILED] = {VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_ONCE, VERDICT_UNKNOWN},
	[OUTCOME_NONSENSE] = {VERDICT_AGAIN, VERDICT_AGAIN, VERDICT_ONCE, VERDICT_UNKNOWN},
	[OUTCOME_TOO_LARGE] = {VERDICT_OVER, VERDICT_UNKNOWN, VERDICT_UNKNOWN, VERDICT_UNKNOWN},
};

Verdict
outcome_verdict(Outcome outcome, Effect effect)
{
	return verdicts[outcome][effect];
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Does the text hold the words, in any case of ASCII letters, whatever the locale? */
static bool
holds(const char *text, const char *words)
{
	if (text == NULL)
		return false;
	for (; *text; text++)
	{
		const char *t = text;
		const char *w = words;

		while (*w && lower(*t) == lower(*w))
			t++, w++;
		if (*w == '\0')
			return true;
	}
	return false;
}

/* Words that came with a query may quote it, and prove nothing */
static bool
may_quote(const char *detail)
{
	return holds(detail, "Search error occurred") || holds(detail, "Invalid search query");
}

static bool
is_busy(int status, const char *code, const char *detail)
{
	if (status == 429)
		return true;
	if (status < 400)
		return false;
	if (holds(code, "CONCUR") || holds(code, "REQUEST_LIMIT") || holds(code, "REQUEST_BLOCKED"))
		return true;
	return !may_quote(detail) &&
		   (holds(detail, "Concurrent request limit exceeded") || holds(detail, "concurrency limit") ||
			holds(detail, "Request blocked") || holds(detail, "Too many requests") ||
			holds(detail, "Request limit exceeded"));
}

/* NetSuite says 403, or 400 USER_ERROR for one and the same */
static bool
is_denied(int status, const char *code, const char *detail)
{
	if (status == 403 || holds(code, "INSUFFICIENT_PERMISSION"))
		return true;
	return status == 400 && !may_quote(detail) &&
		   (holds(detail, "does not have permission") || holds(detail, "do not have permission") ||
			holds(detail, "not give you permission") || holds(detail, "not have privileges") ||
			holds(detail, "Permission Violation") || holds(detail, "insufficient permission"));
}

/* OAuth 2.0's own codes for a login that is refused */
static bool
is_login_code(const char *code)
{
	return code != NULL && (strncmp(code, "invalid_", 8) == 0 || strcmp(code, "unauthorized_client") == 0 ||
							strncmp(code, "INVALID_LOGIN", 13) == 0);
}

/* No code tells an unknown table or column: only the words do */
static bool
names_no_table(const char *detail)
{
	return (holds(detail, "Record '") && holds(detail, "not found")) || holds(detail, "Invalid search type");
}

static bool
names_no_column(const char *detail)
{
	return holds(detail, "Field '") || holds(detail, "Unknown identifier");
}

static Outcome
outcome_of_status(int status, const char *code, const char *detail)
{
	if (status >= 200 && status < 300)
		return OUTCOME_DONE;
	if (is_busy(status, code, detail))
		return OUTCOME_BUSY;
	if (status == 401 || ((status == 400 || status == 403) && is_login_code(code)))
		return OUTCOME_LOGIN;
	if (status >= 500 || status == 408)
		return OUTCOME_FAILED;
	if (is_denied(status, code, detail))
		return OUTCOME_DENIED;
	if (status == 400 && holds(code, "INVALID_HEADER"))
		return OUTCOME_NO_LANGUAGE;
	if (names_no_column(detail))
		return OUTCOME_NO_COLUMN;
	if (names_no_table(detail))
		return OUTCOME_NO_TABLE;
	return OUTCOME_REFUSED;
}

/*
 * What came of an attempt, by how it ended, whether some of it had left, and what
 * the reply says: status and code first, words only where these say too little.
 */
Outcome
outcome_of(HttpFailure failure, bool sent, int status, const char *code, const char *detail)
{
	switch (failure)
	{
		case HTTP_OK:
			return outcome_of_status(status, code, detail);
		case HTTP_UNTRUSTED:
			return OUTCOME_UNTRUSTED;
		case HTTP_FORBIDDEN: /* nothing is here */
		case HTTP_NO_LOGIN:  /* nor this */
		case HTTP_MISCONFIGURED:
			return OUTCOME_MISCONFIGURED;
		case HTTP_NO_MEMORY:
			return OUTCOME_NO_MEMORY;
		case HTTP_TOO_LARGE:
			return OUTCOME_TOO_LARGE;
		case HTTP_UNREACHABLE:
		case HTTP_TIMEOUT:
		case HTTP_BROKEN:
		case HTTP_LOST:
			break;
	}
	return sent ? OUTCOME_LOST : OUTCOME_UNREACHED;
}
