/*
 * trait.c
 *		Traits of an account as a whole, and what all measuring shares.
 *
 * What is learnt is remembered in the session's client: an answer, and a refusal
 * that lasts.  A passing failure is never remembered, and never fails a query
 * that can do without the answer.
 */
#include "postgres.h"

#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/trait.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

Traits *
traits_of(Client *client)
{
	return client_slot(client, sizeof(Traits));
}

void *
trait_column(Client *client, List **list, Size size, const char *from, const char *column)
{
	KnownColumn *c;
	MemoryContext old;
	ListCell *lc;

	foreach (lc, *list)
	{
		c = lfirst(lc);
		if (strcmp(c->column, column) == 0 && strcmp(c->from, from) == 0)
			return c;
	}
	old = MemoryContextSwitchTo(GetMemoryChunkContext(traits_of(client)));
	c = palloc0(size);
	c->from = pstrdup(from);
	c->column = pstrdup(column);
	*list = lappend(*list, c);
	MemoryContextSwitchTo(old);
	return c;
}

/* -- asking -- */

/*
 * Run a request whose answer one can do without; true and its body if it
 * succeeded.  A login that is refused is an error: the query itself would ask
 * with the same one.
 */
bool
trait_attempt(Request *request, Json **body)
{
	*body = NULL;
	request->spare = true;
	request_start(request);
	if (request_settle(request))
	{
		*body = request_json(request);
		return true;
	}
	if (request->state == REQUEST_FAILED && !traits_of(request->client)->checking &&
		request_sqlstate(request) == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		request_raise(request);
	return false;
}

/* Is the outcome of an attempt worth remembering: an answer, or a refusal that lasts? */
bool
trait_lasts(Request *request)
{
	return request->state == REQUEST_DONE || request_refused(request);
}

/* Why an attempt brought nothing, in words */
const char *
trait_problem(Request *request)
{
	if (request->state == REQUEST_DONE)
		return "the reply contains no answer";
	if (request->http->status == 200)
		return request->detail ? request_words(request) : "the reply cannot be used";
	if (request->http->failure != HTTP_OK)
		return psprintf("no reply: %s", request->detail ? request_words(request) : "unknown reason");
	return psprintf("NetSuite answered %d: %s", request->http->status,
					request->detail ? request_words(request) : "no reason given");
}

/* The items of a query's first page; NULL if there is no such reply: then look at the request */
Json *
trait_ask(Client *client, const char *query, int limit, MemoryContext context, Request **request)
{
	Json *body;

	*request = request_new(client, context);
	request_query(*request, query, limit, 0);
	(*request)->what = "measure the account";
	return trait_attempt(*request, &body) ? json_member(body, "items") : NULL;
}

/* -- what the first query that would gain from it tries -- */

/* Is a limit of LARGE_PAGE honoured?  A declared page_size is never exceeded. */
Trait
trait_large_pages(Client *client)
{
	return client_options(client)->page_size_declared ? TRAIT_NO : traits_of(client)->large_pages;
}

/* Does FETCH FIRST n ROWS ONLY work? */
Trait
trait_fetch_first(Client *client)
{
	const ServerOptions *o = client_options(client);

	if (o->fetch_first != DECLARED_MEASURE)
		return o->fetch_first == DECLARED_YES ? TRAIT_YES : TRAIT_NO;
	return traits_of(client)->fetch_first;
}

void
trait_large_pages_tried(Client *client, bool works)
{
	traits_of(client)->large_pages = works ? TRAIT_YES : TRAIT_NO;
}

void
trait_fetch_first_tried(Client *client, bool works)
{
	traits_of(client)->fetch_first = works ? TRAIT_YES : TRAIT_NO;
}

/* -- literals -- */

#define SUBSTR_OF(text, n) "SUBSTR('" text "',1," n ")"

/*
 * SUBSTR makes its argument a varying-length text, as columns are; two bare
 * literals would compare as fixed-length ones and ignore trailing blanks.
 */
#define ASK(condition, name) \
	"CASE WHEN " condition " THEN 'T' ELSE 'F' END AS " name

/* clang-format off */
static const char question[] =
	"SELECT "
	ASK(SUBSTR_OF("a", "1") " = " SUBSTR_OF("A", "1"), "case_equal") ", "
	ASK(SUBSTR_OF("e", "1") " = TRANSLATE(" SUBSTR_OF("e", "1") ",'e','\303\251')", "accent_equal") ", "
	ASK(SUBSTR_OF("a", "1") " = " SUBSTR_OF("a ", "2"), "blank_equal") ", "
	ASK(SUBSTR_OF("a", "1") " LIKE 'A'", "like_case") ", "
	ASK("'' IS NULL", "empty_null") ", "
	"TO_CHAR(SYSDATE,'YYYY-MM-DD HH24:MI:SS') AS sys_now FROM ";
/* clang-format on */

/* Tables of one row, and such as nearly every account has and role sees */
static const char *const small_tables[] = {"dual", "account", "employee", "customer", "transaction"};

static Trait
is_false(Json *row, const char *name)
{
	const char *text = json_text(row, name);

	if (text == NULL)
		return TRAIT_UNKNOWN;
	return strcmp(text, "F") == 0 ? TRAIT_YES : TRAIT_NO;
}

static Trait
is_true(Json *row, const char *name)
{
	Trait t = is_false(row, name);

	return t == TRAIT_UNKNOWN ? t : t == TRAIT_YES ? TRAIT_NO
												   : TRAIT_YES;
}

/* Ask for how literals compare and for SYSDATE; false and why if no table answers */
bool
trait_literals(Client *client, MemoryContext context, LiteralTraits *t, const char **problem)
{
	Json *row = NULL;
	Request *request = NULL;
	const char *now;

	for (int i = 0; row == NULL && i < lengthof(small_tables); i++)
	{
		Json *items = trait_ask(client, psprintf("%s%s", question, small_tables[i]), 1, context, &request);

		row = json_count(items) > 0 ? json_item(items, 0) : NULL;
		if (row == NULL)
			*problem = trait_problem(request);
		/* another table helps only where this one is refused or empty */
		if (request->state == REQUEST_FAILED && !request_refused(request))
			break;
	}
	if (row == NULL)
		return false;
	t->case_exact = is_false(row, "case_equal");
	t->accent_exact = is_false(row, "accent_equal");
	t->blank_exact = is_false(row, "blank_equal");
	t->like_exact = is_false(row, "like_case");
	t->empty_is_null = is_true(row, "empty_null");
	now = json_text(row, "sys_now");
	t->sysdate_known = now != NULL && parse_seconds(now, strlen(now), &t->sysdate);
	return true;
}

/* -- moments -- */

/* Z, +01, +0100 or +01:00 as seconds east */
static bool
parse_offset(const char *p, int *seconds)
{
	int hours;
	int minutes = 0;
	int n = 0;

	*seconds = 0;
	if ((*p == 'Z' || *p == 'z') && p[1] == '\0')
		return true;
	if (*p != '+' && *p != '-')
		return false;
	if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 &&
		sscanf(p + 1, "%2d%2d%n", &hours, &minutes, &n) != 2 &&
		sscanf(p + 1, "%2d%n", &hours, &n) != 1)
		return false;
	if (n == 0 || p[1 + n] != '\0' || hours < 0 || hours > 15 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * 60 * (*p == '-' ? -1 : 1);
	return true;
}

/*
 * A moment as REST services write it: 2025-03-26T16:21:00.000Z, or with an offset
 * in place of the Z.  Without either it is one only where nothing else can be meant.
 */
bool
parse_moment(const char *text, bool zone_needed, TimestampTz *result)
{
	char plain[20];
	Timestamp wall;
	const char *p;
	int offset = 0;

	if (text == NULL || strlen(text) < 19 || (text[10] != 'T' && text[10] != ' '))
		return false;
	strlcpy(plain, text, sizeof(plain));
	plain[10] = ' ';
	if (!parse_seconds(plain, 19, &wall))
		return false;
	p = text + 19;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if (!(*p == '\0' && !zone_needed) && !parse_offset(p, &offset))
		return false;
	*result = wall - offset * USECS_PER_SEC;
	return true;
}

/* NetSuite's clock */
TimestampTz
server_time(Client *client, MemoryContext context)
{
	Request *request = request_new(client, context);
	TimestampTz result;

	request_get(request, "/services/rest/system/v1/serverTime", "application/json");
	request->what = "ask for the time";
	request_start(request);
	request_wait(request);
	if (!parse_moment(json_text(request_json(request), "serverTime"), false, &result))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("server \"%s\" did not answer with its time",
						client_options(client)->name),
				 errhint("Check the server options account and base_url.")));
	request_stop(request);
	return result;
}
