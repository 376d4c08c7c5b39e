/*
 * statement.c
 *		Statements of requests: prepared once for a role, and run as it.
 *
 * A plan that row-level security is part of belongs to one role: with two in turn on one
 * plan each would plan anew each time.  So the role is part of the key.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "ingest_api/bound.h"
#include "ingest_api/cache.h"
#include "ingest_api/compile.h"
#include "ingest_api/statement.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

/* A plan takes 150 kB and more, and much more where its text is long */
#define MOST_PLANS 64
#define MOST_TEXT (512 * 1024)

typedef struct Kept
{
	dlist_node node; /* the one used last comes first */
	Oid role;
	uint64 hash;
	char *sql;
	int n;
	Oid *types;
	SPIPlanPtr plan;
} Kept;

static dlist_head kept = DLIST_STATIC_INIT(kept);
static int n_kept = 0;
static size_t n_text = 0;
static int running = 0; /* within one another */

static bool
same_types(const Kept *k, const Oid *types, int n)
{
	return k->n == n && (n == 0 || memcmp(k->types, types, sizeof(Oid) * n) == 0);
}

static SPIPlanPtr
find(const char *sql, uint64 hash, const Oid *types, int n)
{
	dlist_iter i;

	dlist_foreach(i, &kept)
	{
		Kept *k = dlist_container(Kept, node, i.cur);

		if (k->hash != hash || k->role != GetUserId() || strcmp(k->sql, sql) != 0 || !same_types(k, types, n))
			continue;
		dlist_move_head(&kept, &k->node);
		return k->plan;
	}
	return NULL;
}

static void
forget_oldest(void)
{
	Kept *k = dlist_container(Kept, node, dlist_tail_node(&kept));

	dlist_delete(&k->node);
	n_kept--;
	n_text -= strlen(k->sql);
	SPI_freeplan(k->plan);
	pfree(k->sql);
	pfree(k->types);
	pfree(k);
}

static SPIPlanPtr
new_plan(const char *sql, int n, Oid *types)
{
	SPIPlanPtr plan = SPI_prepare(sql, n, types);

	if (plan == NULL)
		elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static SPIPlanPtr
kept_plan(const char *sql, int n, Oid *types)
{
	SPIPlanPtr plan = new_plan(sql, n, types);

	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
	return plan;
}

SPIPlanPtr
own_plan(SPIPlanPtr *plan, const char *sql, int n, Oid *types)
{
	if (*plan == NULL)
		*plan = kept_plan(sql, n, types);
	return *plan;
}

/* What a role may is part of some plans, too, where functions became part of them; of that PostgreSQL itself tells no plan */
static void
forget_for_roles(void)
{
	static uint64 seen = 0;
	uint64 now = cache_changes(CHANGE_ROLES);

	if (running > 0 || seen == now)
		return;
	while (n_kept > 0)
		forget_oldest();
	seen = now;
}

static SPIPlanPtr
plan_of(const char *sql, Oid *types, int n)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) sql, strlen(sql), 0);
	SPIPlanPtr plan;
	Kept *k;

	forget_for_roles();
	plan = find(sql, hash, types, n);
	if (plan)
		return plan;
	/* a view may ask, too: of those that run none is forgotten, and what is asked there is not kept */
	if (running > 0)
		return new_plan(sql, n, types);
	plan = kept_plan(sql, n, types);
	while (n_kept > 0 && (n_kept == MOST_PLANS || n_text + strlen(sql) > MOST_TEXT))
		forget_oldest();
	k = MemoryContextAllocZero(TopMemoryContext, sizeof(Kept));
	k->role = GetUserId();
	k->hash = hash;
	k->sql = MemoryContextStrdup(TopMemoryContext, sql);
	k->n = n;
	k->types = MemoryContextAlloc(TopMemoryContext, sizeof(Oid) * Max(n, 1));
	memcpy(k->types, types, sizeof(Oid) * n);
	k->plan = plan;
	dlist_push_head(&kept, &k->node);
	n_kept++;
	n_text += strlen(sql);
	return plan;
}

/* In the types' own form, so that what a client gives is checked by whoever knows it */
static SPIPlanPtr
bind(const char *sql, List *values, Datum **datums, char **nulls)
{
	int n = list_length(values);
	Oid *types = palloc(sizeof(Oid) * Max(n, 1));

	*datums = palloc0(sizeof(Datum) * Max(n, 1));
	*nulls = palloc0(n + 1);
	for (int i = 0; i < n; i++)
	{
		Value *v = list_nth(values, i);
		Oid input,
			element;

		types[i] = v->type;
		(*nulls)[i] = v->text ? ' ' : 'n';
		if (v->text == NULL)
			continue;
		getTypeInputInfo(v->type, &input, &element);
		(*datums)[i] = OidInputFunctionCall(input, v->text, element, -1);
	}
	return plan_of(sql, types, n);
}

void
statement_run(const char *sql, List *values, bool writes)
{
	Datum *datums;
	char *nulls;
	SPIPlanPtr plan = bind(sql, values, &datums, &nulls);
	int code = 0;

	if (running == 0)
		bound_begin();
	running++;
	PG_TRY();
	{
		/* what only reads cannot write by a function behind it either */
		code = SPI_execute_plan(plan, datums, nulls, !writes, 0);
	}
	PG_FINALLY();
	{
		running--;
	}
	PG_END_TRY();
	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
}

void
statement_in_parts(const char *sql, List *values, bool writes, int most, void (*take)(void *of), void *of)
{
	Datum *datums;
	char *nulls;
	SPIPlanPtr plan = bind(sql, values, &datums, &nulls);

	if (running == 0)
		bound_begin();
	running++;
	PG_TRY();
	{
		Portal portal = SPI_cursor_open(NULL, plan, datums, nulls, !writes);
		bool all = false;

		while (!all)
		{
			SPI_cursor_fetch(portal, true, most);
			all = SPI_processed < most;
			take(of);
			SPI_freetuptable(SPI_tuptable);
		}
		SPI_cursor_close(portal);
	}
	PG_FINALLY();
	{
		running--;
	}
	PG_END_TRY();
}

int64
statement_number(const char *sql, List *values)
{
	bool isnull;

	statement_run(sql, values, false);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

int64
statement_estimate(const char *sql, List *values)
{
	Datum *datums;
	char *nulls;
	SPIPlanPtr plan = bind(sql, values, &datums, &nulls);
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	double rows = 0;

	if (cached == NULL)
		return statement_number(sql, values);
	if (list_length(cached->stmt_list) == 1)
	{
		PlannedStmt *planned = linitial(cached->stmt_list);

		/* below the count, which is one row, and below parts of it that parallel workers take */
		Plan *top = planned->planTree;

		while (IsA(top, Agg) && outerPlan(top))
			top = outerPlan(top);
		if (IsA(top, Gather) && outerPlan(top))
		{
			top = outerPlan(top);
			if (IsA(top, Agg) && outerPlan(top))
				top = outerPlan(top);
		}
		rows = top->plan_rows;
	}
	ReleaseCachedPlan(cached, CurrentResourceOwner);
	return (int64) Max(rows, 0);
}
