/*
 * clean.c
 *		What a request leaves in its session.
 *
 * What PostgreSQL itself keeps for a session is in nobody's way: settings and advisory
 * locks end with the request, and a request cannot make statements, cursors, temporary
 * tables or listen.  Libraries keep what they like: a connection that dblink opened is
 * there for whoever comes next, a variable of an untrusted language likewise.  So a
 * session in which a function ran that could have left something is used no more.  Could
 * have: it is of a library or an untrusted language, and says itself that it has effects,
 * by being volatile; what this distribution brings is known to leave nothing.
 *
 * Of what is built in nobody is told that it runs.  What of it leaves something is for
 * owners of functions that may much: the origin of what is replicated, a slot, a backup
 * that has begun.  These are to be seen afterwards.  Whoever says where random() begins
 * would know what it gives the next one, so it begins anew for each.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "ingest_api/clean.h"
#include "ingest_api/compat.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "replication/slot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/syscache.h"

static needs_fmgr_hook_type next_needs = NULL;
static fmgr_hook_type next_hook = NULL;
static bool serving = false;
static bool is_over = false;

static bool
is_of_this_distribution(Oid function)
{
	static const char *const names[] = {"ingest", "ingest_api", "ingest_delivery", "ingest_profile", "netsuite_fdw"};
	Oid extension = getExtensionOfObject(ProcedureRelationId, function);
	char *name = OidIsValid(extension) ? get_extension_name(extension) : NULL;

	for (size_t i = 0; name && i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Who hands out other functions runs nothing */
static bool
is_handler(Oid type)
{
	return type == FDW_HANDLEROID || type == LANGUAGE_HANDLEROID || type == INDEX_AM_HANDLEROID || type == TABLE_AM_HANDLEROID || type == TSM_HANDLEROID;
}

static bool
is_trusted(Oid language)
{
	HeapTuple tuple;
	bool trusted;

	if (language == INTERNALlanguageId || language == SQLlanguageId)
		return true;
	if (language == ClanguageId)
		return false;
	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	trusted = HeapTupleIsValid(tuple) && ((Form_pg_language) GETSTRUCT(tuple))->lanpltrusted;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return trusted;
}

static void
look_at(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc f;

	if (!HeapTupleIsValid(tuple))
		return;
	f = (Form_pg_proc) GETSTRUCT(tuple);
	if (f->provolatile == PROVOLATILE_VOLATILE && !is_handler(f->prorettype) && !is_trusted(f->prolang) && !is_of_this_distribution(function))
		is_over = true;
	ReleaseSysCache(tuple);
}

/* Asked whenever a function that is not built in is made ready to be called */
static bool
needs(Oid function)
{
	if (serving && !is_over)
		look_at(function);
	return next_needs && next_needs(function);
}

/* Of those that run as their owner or with settings of their own the other is not asked */
static void
hook(FmgrHookEventType event, FmgrInfo *function, Datum *arg)
{
	if (event == FHET_START && serving && !is_over)
		look_at(function->fn_oid);
	if (next_hook)
		next_hook(event, function, arg);
}

void
clean_init(void)
{
	next_needs = needs_fmgr_hook;
	needs_fmgr_hook = needs;
	next_hook = fmgr_hook;
	fmgr_hook = hook;
}

/* A slot that is this session's own goes with it */
static bool
has_slot(void)
{
	for (int i = 0; i < max_replication_slots; i++)
		if (ReplicationSlotCtl->replication_slots[i].in_use && slot_is_mine(&ReplicationSlotCtl->replication_slots[i]))
			return true;
	return false;
}

static void
look_around(void)
{
	if (has_replication_origin() || get_backup_status() != SESSION_BACKUP_NONE || has_slot())
		is_over = true;
}

static void
shuffle(void)
{
	uint32 chance;

	if (!pg_strong_random(&chance, sizeof(chance)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("no random bytes could be obtained")));
	(void) DirectFunctionCall1(setseed, Float8GetDatum((double) chance / PG_UINT32_MAX));
}

void
clean_begin(void)
{
	/* who asks here does not heed what was said to him */
	if (is_over)
		ereport(FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("something that a function left behind is in this session"),
				 errhint("Other sessions are not affected.")));
	shuffle();
	serving = true;
}

bool
clean_is_over(void)
{
	serving = false;
	look_around();
	return is_over;
}

void
clean_rethrow(ErrorData *error)
{
	serving = false;
	look_around();
	if (!is_over)
		ReThrowError(error);
	error->elevel = FATAL;
	ThrowErrorData(error);
	pg_unreachable();
}
