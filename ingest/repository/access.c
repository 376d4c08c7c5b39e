/*
 * access.c
 *		Who sees what, and who acts for whom.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/repository/access.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_my_sources);
SQL_FUNCTION(ingest_my_syncs);
SQL_FUNCTION(ingest_acts_for);
SQL_FUNCTION(ingest_role_acts_for);
SQL_FUNCTION(ingest_changes_for);
SQL_FUNCTION(ingest_sees_rows);

/* -- what is remembered: until the transaction ends, the engine writes, or somebody's roles change -- */

typedef struct Pair
{
	Oid actor;
	Oid owner;
} Pair;

typedef struct Acting
{
	Pair pair;
	bool may;
} Acting;

typedef struct Remembered
{
	Oid role; /* whose; InvalidOid: nothing is remembered */
	Datum array;
} Remembered;

static HTAB *acting; /* NULL: nothing is remembered */
static Remembered sources_seen;
static Remembered syncs_seen;
static uint64 forgotten; /* how often: an answer that was found before and is written down after is not kept */

void
access_forget(void)
{
	acting = NULL;
	sources_seen.role = syncs_seen.role = InvalidOid;
	forgotten++;
}

/* The next transaction may see other grants */
static void
forget_at_end(XactEvent event, void *arg)
{
	access_forget();
}

/* Grants that were undone do not count */
static void
forget_below(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		access_forget();
}

/* A membership or a role changed */
static void
forget_roles(Datum arg, int cache, uint32 hash)
{
	access_forget();
}

/* What is remembered ends with the transaction, or as soon as roles change */
static void
forget_in_time(void)
{
	static bool registered = false;

	if (registered)
		return;
	RegisterXactCallback(forget_at_end, NULL);
	RegisterSubXactCallback(forget_below, NULL);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, forget_roles, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_roles, (Datum) 0);
	registered = true;
}

/* -- acting -- */

/* Owners act for themselves, admins for all; without the role of admins superusers do */
static bool
acts_for_now(Oid actor, Oid owner)
{
	Oid admin = get_role_oid("ingest_admin", true);

	/* an owner that is gone has no members, and one whose number is of another cluster is somebody else here */
	if (OidIsValid(owner) && !home_is_elsewhere() && SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)) &&
		has_privs_of_role(actor, owner))
		return true;
	return OidIsValid(admin) ? has_privs_of_role(actor, admin) : superuser_arg(actor);
}

/* In the transaction's memory: views ask for every row of a history */
static void
remember_acting(const Acting *found)
{
	if (acting == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Pair), .entrysize = sizeof(Acting), .hcxt = TopTransactionContext};

		acting = hash_create("whom roles act for", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	((Acting *) hash_search(acting, &found->pair, HASH_ENTER, NULL))->may = found->may;
}

bool
acts_for(Oid actor, Oid owner)
{
	Acting found = {{actor, owner}};
	Acting *known = acting ? hash_search(acting, &found.pair, HASH_FIND, NULL) : NULL;
	uint64 before = forgotten;

	if (known)
		return known->may;
	forget_in_time();
	found.may = acts_for_now(actor, owner);
	/* in a repository that was restored it is another answer as soon as enable() was called */
	if (!home_is_elsewhere() && before == forgotten)
		remember_acting(&found);
	return found.may;
}

/* A superuser, who can become one, or the engine itself */
static bool
is_mighty(Oid role)
{
	return superuser_arg(role) || role == engine_role() || has_createrole_privilege(role) ||
		   has_privs_of_role(role, ROLE_PG_EXECUTE_SERVER_PROGRAM) ||
		   has_privs_of_role(role, ROLE_PG_WRITE_SERVER_FILES) || has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES);
}

/*
 * To change what somebody has is to run code as that role, as soon as a job, a rule or a trigger of a copy runs.  That
 * an admin may, but not become mightier by it.
 */
bool
changes_for(Oid actor, Oid owner)
{
	return acts_for(actor, owner) &&
		   (superuser_arg(actor) || !is_mighty(owner) || is_member_of_role_nosuper(actor, owner));
}

/* Who is not granted a source is not told that there is one, nor whose it is */
static void
require_visible(const char *what, const char *name)
{
	bool is_source = strcmp(what, "source") == 0;
	const char *sql = is_source ? "SELECT 1 FROM ingest.data_source WHERE name = $1 AND id = ANY ($2)"
								: "SELECT 1 FROM ingest.sync WHERE name = $1 AND source = ANY ($2)";

	if ((is_source || strcmp(what, "sync") == 0) &&
		repo_value(sql, arg_text(name), arg_datum(INT4ARRAYOID, my_sources(), false)) == NULL)
		repo_run("SELECT ingest_internal.require($1, $2, false, false, false, NULL)", arg_text(what), arg_text(name));
}

void
require_owner(Oid owner, const char *known, const char *what, const char *name)
{
	char *now = GetUserNameFromId(owner, true);

	if (changes_for(GetUserId(), owner))
		return;
	require_visible(what, name);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of %s \"%s\"", what, name),
			 now ? errhint("It belongs to %s.", now)
				 : errhint("It belonged to %s, which is gone; an admin can give what it had to another role: SELECT * "
						   "FROM ingest.reassign('-', 'new_owner', called => %s).",
						   known, quote_literal_cstr(known))));
}

bool
owns_relation(Oid role, Oid relid)
{
	return to_bool(repo_value("SELECT ingest_internal.owns($1, $2)", arg_oid(role), arg_oid(relid)));
}

bool
all_readable(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		   check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED &&
		   namespace_aclcheck(get_rel_namespace(relid), GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

void
require_all_readable(Oid relid, const char *what)
{
	char *name = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));

	if (!all_readable(relid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for the %s of %s", what, name),
				 errhint("It is for those who may SELECT all columns and rows of %s.", name)));
}

typedef struct Reading
{
	Oid owner;
	bool as_owner;
	bool same_rows;
	char *name;
} Reading;

ROW_SHAPE(reading_shape, Reading, FIELD(OID, Reading, owner), FIELD(BOOL, Reading, as_owner),
		  FIELD(BOOL, Reading, same_rows), FIELD(TEXT, Reading, name));

/*
 * Its owner, so that types, policies and functions of views run with no rights of the
 * caller's.  Views and foreign tables may show their owner other rows than the caller,
 * to whom those of a table are the same if no policy hides some.
 */
Oid
reader_of(Oid relid, const char *what)
{
	Reading *reading = repo_struct(reading_shape, "SELECT * FROM ingest_internal.reading($1, $2)", arg_oid(GetUserId()),
								   arg_oid(relid));

	if (reading == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with the number %u", relid)));
	if (reading->as_owner)
		return reading->owner;
	if (!reading->same_rows)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of %s", reading->name),
				 errdetail("The %s of a view or foreign table is for its owner, who may see rows in it that you may "
						   "not.",
						   what)));
	require_all_readable(relid, what);
	return reading->owner;
}

/* acts_for(owner) */
Datum
ingest_acts_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && acts_for(GetUserId(), PG_GETARG_OID(0)));
}

/* acts_for(actor, owner) */
Datum
ingest_role_acts_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && acts_for(PG_GETARG_OID(0), PG_GETARG_OID(1)));
}

/* changes_for(actor, owner) */
Datum
ingest_changes_for(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && changes_for(PG_GETARG_OID(0), PG_GETARG_OID(1)));
}

/* -- seeing -- */

static Prepared sources_asked = {
	"SELECT array_agg(s ORDER BY s) FROM ingest_internal.sources_seen($1) s", 1, {OIDOID}};
static Prepared syncs_asked = {"SELECT array_agg(s ORDER BY s) FROM ingest_internal.syncs_seen($1) s", 1, {OIDOID}};

/* As the engine: policies on the tables ask these very functions */
static Datum
remember(Remembered *answer, Prepared *asked)
{
	Datum role = ObjectIdGetDatum(GetUserId());
	MemoryContext old;
	ArrayType *array;
	bool isnull;
	Datum found;
	int level;

	forget_in_time();
	if (answer->role == GetUserId())
		return answer->array;
	level = sql_begin();
	prepared_run(asked, &role, NULL, 1);
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	old = MemoryContextSwitchTo(TopTransactionContext);
	array = isnull ? construct_empty_array(INT4OID) : DatumGetArrayTypePCopy(found);
	MemoryContextSwitchTo(old);
	sql_end(level);
	answer->array = PointerGetDatum(array);
	answer->role = GetUserId();
	return answer->array;
}

Datum
my_sources(void)
{
	return remember(&sources_seen, &sources_asked);
}

/* my_sources(): remembered, since policies ask it once per statement, or per row */
Datum
ingest_my_sources(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(my_sources());
}

/* my_syncs(), likewise */
Datum
ingest_my_syncs(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(remember(&syncs_seen, &syncs_asked));
}

typedef struct Copied
{
	Oid owner;
	Oid target;
} Copied;

ROW_SHAPE(copied_shape, Copied, FIELD(OID, Copied, owner), FIELD(OID, Copied, target));

/* sees_rows(sync) */
Datum
ingest_sees_rows(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Copied *copied =
		repo_struct(copied_shape, "SELECT owner, target FROM ingest.sync WHERE id = $1", arg_int8(PG_GETARG_INT32(0)));
	bool sees = copied && (acts_for(GetUserId(), copied->owner) ||
						   to_bool(own_value("SELECT ingest_internal.sees_table($1, $2)", arg_oid(copied->owner),
											 arg_oid(copied->target))));

	sql_end(level);
	PG_RETURN_BOOL(sees);
}
