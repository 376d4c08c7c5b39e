/*
 * trait.h
 *		What NetSuite's documents leave open, and how far it is known.
 *
 * A trait is declared by a server option, measured on the account, or unknown.
 * What is unknown is never assumed: a condition is checked here as well, or the
 * user is asked.
 */
#ifndef NETSUITE_TRAIT_H
#define NETSUITE_TRAIT_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/zone.h"

typedef enum Trait
{
	TRAIT_UNKNOWN, /* assume nothing */
	TRAIT_YES,
	TRAIT_NO
} Trait;

/* What a session remembers of an account */
typedef struct Traits
{
	ZoneTrait zone;
	List *text;            /* of collation.c: how columns compare */
	List *numbers;         /* of digits.c: how long they are */
	Trait sort_binary;     /* ORDER BY sorts texts by their bytes */
	TimestampTz failed_in; /* statement in which that could not be asked for a passing reason */
	bool sort_asked;       /* and that was found out, or refused */
	bool checking;         /* netsuite_check() tells of a refused login itself */
	Trait large_pages;     /* tried by the first query that would gain */
	Trait fetch_first;
} Traits;

/* How literals compare, for netsuite_check(); columns may differ */
typedef struct LiteralTraits
{
	Trait case_exact;
	Trait accent_exact;
	Trait blank_exact; /* trailing blanks count */
	Trait like_exact;
	Trait empty_is_null;
	bool sysdate_known;
	Timestamp sysdate;
} LiteralTraits;

/* What begins each entry of a list of columns */
typedef struct KnownColumn
{
	const char *from; /* the table, as FROM has it */
	const char *column;
} KnownColumn;

extern Traits *traits_of(Client *client);
/* The entry of a column in such a list of an account, of this size; zero on first sight */
extern void *trait_column(Client *client, List **list, Size size, const char *from, const char *column);
extern Json *trait_ask(Client *client, const char *query, int limit, MemoryContext context,
					   Request **request);
extern bool trait_attempt(Request *request, Json **body);
extern bool trait_lasts(Request *request);
extern const char *trait_problem(Request *request);
extern bool trait_literals(Client *client, MemoryContext context, LiteralTraits *t, const char **problem);

extern Trait trait_large_pages(Client *client);
extern Trait trait_fetch_first(Client *client);
extern void trait_large_pages_tried(Client *client, bool works);
extern void trait_fetch_first_tried(Client *client, bool works);

extern bool parse_moment(const char *text, bool zone_needed, TimestampTz *result);
extern TimestampTz server_time(Client *client, MemoryContext context);

#endif /* NETSUITE_TRAIT_H */
