/*
 * access.c
 *		Who sees what, and who acts for whom.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/repository/access.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_my_sources);
SQL_FUNCTION(ingest_my_syncs);
SQL_FUNCTION(ingest_acts_for);
SQL_FUNCTION(ingest_role_acts_for);
SQL_FUNCTION(ingest_changes_for);
SQL_FUNCTION(ingest_sees_rows);

/* -- acting -- */

bool
acts_for(Oid actor, Oid owner)
{
	Oid admin = get_role_oid("ingest_admin", true);

	/* an owner that is gone has no members, and one whose number is of another cluster is somebody else here: an admin alone acts for it */
	if (OidIsValid(owner) && !home_is_elsewhere() && SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)) && has_privs_of_role(actor, owner))
		return true;
	return OidIsValid(admin) ? has_privs_of_role(actor, admin) : superuser_arg(actor);
}

/* A superuser, who can become one, or the engine itself */
static bool
is_mighty(Oid role)
{
	return superuser_arg(role) || role == engine_role() || has_createrole_privilege(role) ||
		   has_privs_of_role(role, ROLE_PG_EXECUTE_SERVER_PROGRAM) || has_privs_of_role(role, ROLE_PG_WRITE_SERVER_FILES) ||
		   has_privs_of_role(role, ROLE_PG_READ_SERVER_FILES);
}

/*
 * To change what somebody has is to run code as that role, as soon as a job, a rule or a trigger of a copy runs.  That
 * an admin may, but not become mightier by it.
 */
bool
changes_for(Oid actor, Oid owner)
{
	return acts_for(actor, owner) && (superuser_arg(actor) || !is_mighty(owner) || is_member_of_role_nosuper(actor, owner));
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
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of %s \"%s\"", what, name),
			 now ? errhint("It belongs to %s.", now) : errhint("It belonged to %s, which is gone; an admin gives it to another role with ingest.set_owner.", known)));
}

bool
owns_relation(Oid role, Oid relid)
{
	return to_bool(repo_value("SELECT ingest_internal.owns($1, $2)", arg_oid(role), arg_oid(relid)));
}

void
require_all_readable(Oid relid, const char *what)
{
	char *name = quoted_relation(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));

	if (!to_bool(own_value("SELECT has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AND has_schema_privilege(c.relnamespace, 'USAGE') "
						   "FROM pg_class c WHERE c.oid = $1",
						   arg_oid(relid))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the %s of %s", what, name),
				 errhint("It is for those who may SELECT all columns and rows of %s.", name)));
}

/*
 * Its owner, so that types, policies and functions of views run with no rights of the
 * caller's.  Views and foreign tables may show their owner other rows than the caller,
 * to whom those of a table are the same if no policy hides some.
 */
Oid
reader_of(Oid relid, const char *what)
{
	Rows *rows = own_rows("SELECT c.relowner, pg_has_role(c.relowner, 'USAGE'), c.relkind IN ('r', 'p', 'm') AND NOT EXISTS ("
						  "WITH RECURSIVE part (oid) AS (SELECT c.oid UNION SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid) "
						  "SELECT FROM part p JOIN pg_class k ON k.oid = p.oid WHERE k.relkind = 'f'), c.oid::regclass FROM pg_class c WHERE c.oid = $1",
						  arg_oid(relid));

	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table with the number %u", relid)));
	if (to_bool(first_row(rows)[1]))
		return to_oid(first_row(rows)[0]);
	if (!to_bool(first_row(rows)[2]))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of %s", first_row(rows)[3]),
				 errdetail("The %s of a view or foreign table is for its owner, who may see other rows in it than you.", what)));
	require_all_readable(relid, what);
	return to_oid(first_row(rows)[0]);
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

/* An answer that is the same until the transaction ends, the engine writes, or somebody's roles change */
typedef struct Remembered
{
	Oid role; /* whose; InvalidOid: nothing is remembered */
	Datum array;
} Remembered;

static Remembered sources_seen;
static Remembered syncs_seen;

void
access_forget(void)
{
	sources_seen.role = syncs_seen.role = InvalidOid;
}

static void
forget_at_end(XactEvent event, void *arg)
{
	access_forget();
}

static void
forget_below(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		access_forget();
}

static void
forget_roles(Datum arg, int cache, uint32 hash)
{
	access_forget();
}

/* As the engine: policies on the tables ask these very functions */
static Datum
remember(Remembered *answer, const char *sql)
{
	static bool registered = false;
	MemoryContext old;
	char *text;
	int level;

	if (!registered)
	{
		RegisterXactCallback(forget_at_end, NULL);
		RegisterSubXactCallback(forget_below, NULL);
		CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, forget_roles, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHOID, forget_roles, (Datum) 0);
		registered = true;
	}
	if (answer->role == GetUserId())
		return answer->array;
	level = sql_begin();
	text = repo_value(sql, arg_oid(GetUserId()));
	old = MemoryContextSwitchTo(TopTransactionContext);
	answer->array = OidInputFunctionCall(F_ARRAY_IN, text, INT4OID, -1);
	MemoryContextSwitchTo(old);
	answer->role = GetUserId();
	sql_end(level);
	return answer->array;
}

#define MINE \
	"(SELECT d.id FROM ingest.data_source d WHERE ingest_internal.acts_for($1, d.owner) " \
	"OR EXISTS (SELECT FROM ingest.source_grant g WHERE g.source = d.id AND ingest_internal.at_home() AND pg_has_role($1, g.role, 'USAGE')))"

Datum
my_sources(void)
{
	return remember(&sources_seen, "SELECT ARRAY(SELECT id FROM " MINE " x ORDER BY id)");
}

Datum
ingest_my_sources(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(my_sources());
}

Datum
ingest_my_syncs(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(remember(&syncs_seen, "SELECT ARRAY(SELECT s.id FROM ingest.sync s WHERE s.source IN " MINE " ORDER BY s.id)"));
}

/* sees_rows(sync) */
Datum
ingest_sees_rows(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Rows *rows = repo_rows("SELECT owner, target FROM ingest.sync WHERE id = $1", arg_int8(PG_GETARG_INT32(0)));
	bool sees = rows->n > 0 && (acts_for(GetUserId(), to_oid(first_row(rows)[0])) ||
								to_bool(own_value("SELECT ingest_internal.sees_table($1, $2)", arg_oid(to_oid(first_row(rows)[0])), arg_oid(to_oid(first_row(rows)[1])))));

	sql_end(level);
	PG_RETURN_BOOL(sees);
}
