/*
 * export.c
 *		Tables that are kept in lakes.
 *
 * A run is one transaction, and one version of the lake, which is published just before that transaction commits.  If
 * the server ends in between, the lake has more than is known here: so the next run asks the lake up to where it has
 * the rows, and goes on from there.  What the engine itself keeps is for people.
 *
 * All is done as the owner of the export, in a security-restricted operation, under UTC: in which folder a row belongs
 * must not depend on who runs it.
 */
#include "postgres.h"

#include "common/attribute.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/lock.h"
#include "ingest/event/event.h"
#include "ingest/export/export.h"
#include "ingest/export/lake.h"
#include "ingest/repository/access.h"
#include "ingest/repository/run.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

SQL_FUNCTION(ingest_create_export);
SQL_FUNCTION(ingest_export);

/* The mark of a writer that another one has taken over from */
#define TAKEN_OVER PG_INT64_MAX

typedef struct Exporting
{
	const char *name;
	int32 id;
	bool locked;
	Export *e;
	Run *run;
	Lake *lake;
	char *app;
	int64 has;    /* the lake has all up to this; -1: nothing */
	int64 before; /* and up to this as its last writer's, which may be one of another era */
	int64 newest; /* and shall have all up to this */
	Snapshot snapshot;
	const char *whole; /* why all is written anew, or NULL */
	Failure failure;
} Exporting;

/* -- what may be done -- */

static void
in_utc(void)
{
	(void) set_config_option("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* Whoever exports a copy's history owns it; of what else there is, whoever reads it exports what it shows them */
static Oid
owner_for(Oid relation)
{
	Oid of_relation = to_oid(own_value("SELECT relowner FROM pg_class WHERE oid = $1", arg_oid(relation)));

	return superuser() && !is_member_of_role_nosuper(GetUserId(), of_relation) ? of_relation : GetUserId();
}

static void
require_history(const Export *e)
{
	if (is_snapshot(e))
		return;
	if (e->sync == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s is not a copy with history", e->from_name),
						errdetail("Mode %s writes what changed.", e->mode),
						errhint("ingest.create_sync or ingest.alter_sync with history => true; or export it with mode "
								"=> 'snapshot'.")));
	if (!owns_relation(e->owner, e->from_relation))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of %s", e->from_name),
						errdetail("Mode %s exports its history.", e->mode)));
}

static void
require_writes(const Export *e, const Lake *lake)
{
	AclMode wanted = ACL_INSERT | ACL_SELECT | ACL_TRUNCATE | (lake->folder && !is_snapshot(e) ? ACL_DELETE : 0);

	if (pg_class_aclmask(e->to_relation, GetUserId(), wanted, ACLMASK_ALL) != wanted)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for foreign table %s", e->to_name),
						errhint("GRANT SELECT, INSERT, DELETE, TRUNCATE ON %s TO %s.", e->to_name,
								quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/* Rows that are nobody's of ours go only if that was said */
pg_noreturn static void
refuse_rows(const Export *e)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("lake %s already has rows", e->to_name),
					errdetail("They are not from this export, and would be removed."),
					errhint("Name an empty one, or drop the export and create it with replace => true.")));
}

/* -- making one -- */

static const char *
mode_of(FunctionCallInfo fcinfo, Oid relation)
{
	char *mode = text_or_null(2);

	if (mode == NULL)
		return repo_value("SELECT 1 FROM ingest.sync WHERE target = $1 AND history", arg_oid(relation)) ? "state"
																										: "snapshot";
	if (strcmp(mode, "state") != 0 && strcmp(mode, "snapshot") != 0 && strcmp(mode, "changes") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no mode \"%s\" of exports", mode),
						errhint("The modes are state, snapshot and changes.")));
	return mode;
}

/* What is to be written is written down as a plan: PostgreSQL's own checks of names, types and rights */
static void
check_new(const Export *e)
{
	Lake *lake = lake_of(e->to_relation, e->to_name);
	char *stranger = repo_value("SELECT ingest_internal.export_strangers($1, $2::name[])", arg_jsonb(e->expressions),
								arg_text(lake->written));

	if (stranger)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("lake %s has no column \"%s\" that could be written", e->to_name, stranger)));
	lake_fill(lake, e);
	require_writes(e, lake);
	(void) own_rows(psprintf("EXPLAIN %s", lake_insert_all(lake, e)), arg_int8(0));
	if (!is_changes(e) && !is_snapshot(e) && lake->folder && !lake_row_decides(lake, e))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the folder of a row of lake %s may change over time", e->to_name),
						errdetail("An expression of a column by which rows are deleted has a subquery, the time or "
								  "user, or a function that is volatile: its earlier result is no longer known."),
						errhint("Compute it from the row's columns alone.")));
	if (!e->replaces && lake_has_rows(e->to_name))
		refuse_rows(e);
}

static void
say_left_out(const char *name, const char *left_out)
{
	if (strcmp(left_out, "{}") != 0)
		ereport(NOTICE, (errmsg("export \"%s\" leaves out columns that the lake's table does not have: %s", name,
								left_out)));
}

static char *
qualified(Oid relid, const char *what)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("%s is not a table: there is none with OID %u", what, relid)));
	return quoted_relation(get_namespace_name(get_rel_namespace(relid)), name);
}

/* create_export(relation, lake, mode, name, expressions, replace) */
Datum
ingest_create_export(PG_FUNCTION_ARGS)
{
	Oid relation = required_oid(0);
	Oid to = required_oid(1);
	char *from_name = qualified(relation, "relation");
	char *to_name = qualified(to, "lake");
	char *name = text_or_null(3);
	SqlArg expressions = arg_datum(JSONBOID, required(fcinfo, 4), false);
	SqlArg replaces = arg_bool(required_bool(5));
	int level = sql_begin();
	Oid owner = owner_for(relation);
	Identity caller;
	const char *mode;
	char *stands, *left_out;
	Export *e;
	text *result;
	int32 id;

	if (name == NULL)
		name = from_name;
	mode = mode_of(fcinfo, relation);
	if (!to_bool(repo_value("SELECT jsonb_typeof($1) = 'object' AND NOT EXISTS (SELECT FROM jsonb_each($1) c WHERE "
							"jsonb_typeof(c.value) <> 'string')",
							expressions)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("expressions must be a JSON object of texts, named by columns of the lake"),
						errhint("For example: '{\"year\": \"extract(year FROM trandate)\"}'.")));
	stands = repo_value("SELECT ingest_internal.export_stands($1, $2)", arg_text(name), arg_oid(to));
	if (stands)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("there is an export \"%s\", or one into %s, already", stands, to_name)));
	become_restricted(owner, &caller);
	left_out = repo_value("SELECT ingest_internal.export_left_out($1, $2::name[])", arg_oid(relation),
						  arg_text(lake_of(to, to_name)->written));
	id = to_int4(repo_value("SELECT ingest_internal.export_insert($1, $2, $3, $4, $5, $6, $7, $8::name[])",
							arg_text(name), arg_oid(relation), arg_oid(to), arg_oid(owner), arg_text(mode), expressions,
							replaces, arg_text(left_out)));
	e = export_by_id(id);
	require_history(e);
	check_new(e);
	become_again(&caller);
	say_left_out(name, left_out);
	audit("create_export", name, NULL, NULL);
	result = text_kept(name);
	sql_end(level);
	PG_RETURN_TEXT_P(result);
}

/* -- a run -- */

static void
require_there(const Export *e)
{
	if (e->held)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("export \"%s\" does not run: %s", e->name, e->held)));
	if (!OidIsValid(e->from_relation) || !OidIsValid(e->to_relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("%s of export \"%s\" is gone", OidIsValid(e->to_relation) ? e->from_name : e->to_name,
							   e->name),
						errdetail("What has its name now is a different object."),
						errhint("SELECT ingest.drop_export(%s), and create_export with what is there.",
								quote_literal_cstr(e->name))));
	if (GetUserNameFromId(e->owner, true) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("the owner %s of export \"%s\" is gone", e->owner_name, e->name),
						errhint("SELECT * FROM ingest.reassign('-', 'new_owner', called => %s).",
								quote_literal_cstr(e->owner_name))));
}

/* Find it, lock it, and write down that it runs, as its owner */
static void
begin(void *arg)
{
	Exporting *x = arg;
	Identity caller;

	x->id = to_int4(repo_value("SELECT id FROM ingest_internal.own_export($1, $2)", arg_oid(GetUserId()),
							   arg_text(x->name)));
	if (!session_lock(LOCK_EXPORT, x->id))
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("export \"%s\" is already running", x->name),
						errhint("SELECT * FROM ingest.run_status shows its run; ingest.cancel(run) stops it.")));
	x->locked = true;
	x->e = export_by_id(x->id);
	if (GetUserNameFromId(x->e->owner, true) == NULL)
		require_there(x->e);
	become_owner(x->e->owner, &caller);
	x->run = run_begin("export", x->name, NULL, 0, 0);
	repo_run("SELECT ingest_internal.export_begun($1, $2)", arg_int4(x->id), arg_int8(x->run->id));
	become_again(&caller);
}

/* The lake tells up to where it has our rows, and whether it is ours */
static void
ask_lake(Exporting *x)
{
	const Export *e = x->e;
	bool same;

	x->app = repo_value("SELECT ingest_internal.export_app($1, $2)", arg_int4(e->id), arg_int4(home_era()));
	same = e->app && strcmp(e->app, x->app) == 0;
	x->has = lake_has(x->lake, x->app);
	x->before = same ? x->has : e->app ? lake_has(x->lake, e->app)
									   : -1;
	/* of two that were restored from one copy, each knows the writer that the other one has taken over from */
	if (x->has == TAKEN_OVER || (x->has < 0 && x->before == TAKEN_OVER && !e->replaces))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("lake %s is written by another installation of this repository now", e->to_name),
						errdetail("One that was restored or promoted from it, and has begun a new era."),
						errhint("Drop the export in one of them; the one that is to write the lake creates it again "
								"with replace => true.")));
	if (x->has >= 0)
		return;
	if (!e->replaces && x->before < 0 && lake_has_rows(e->to_name))
		refuse_rows(e);
	x->whole = e->app == NULL ? "it is the first time" : same ? "the lake has nothing of it any more"
															  : "a new era of the repository has begun";
}

/* A lake that has less than was exported last, such as one that was restored from a copy */
static bool
is_older(const Exporting *x)
{
	return x->has < x->e->mark;
}

/* Of which nothing has to be read twice; of an older lake that is not known */
static SqlArg
seen_since(const Exporting *x)
{
	return arg_text(is_older(x) ? NULL : x->e->since);
}

/*
 * Is everything known that came after what the lake has?  History since the last run is; if it is not, or the lake has
 * another state than that run left, the version that it has must be there still.
 */
static bool
follows(const Exporting *x)
{
	const Export *e = x->e;

	if (e->known && !is_older(x))
		return true;
	return to_bool(repo_value("SELECT ingest_internal.export_follows($1, $2)", arg_int4(e->sync), arg_int8(x->has)));
}

pg_noreturn static void
refuse_lost(const Exporting *x)
{
	const Export *e = x->e;

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("changes of %s can no longer be written to lake %s", e->from_name, e->to_name),
			 is_older(x) ? errdetail("The lake is older than what was exported last, and what came after it is not in "
									 "history any more.")
						 : errdetail("History is not known since %s, when it was exported last.", e->known_at),
			 errhint("Drop the export, and create it with replace => true: it begins again with what is known. Keep "
					 "history for longer than the time between exports.")));
}

/* What is in the lake can be followed by what changed since; else all of it is written anew, where that may be */
static void
look_back(Exporting *x)
{
	const Export *e = x->e;
	char *shape = psprintf("%s: %s; %s", x->lake->names, x->lake->values,
						   x->lake->folder ? x->lake->folder : "no folders");

	if (x->whole == NULL && is_snapshot(e))
		x->whole = "";
	if (x->whole == NULL && !follows(x))
	{
		if (is_changes(e))
			refuse_lost(x);
		x->whole = is_older(x) ? "the lake is older than what was exported last"
							   : "history does not reach back to when it was exported last";
	}
	if (x->whole == NULL && !is_changes(e) && (e->shape == NULL || strcmp(e->shape, shape) != 0))
		x->whole = "its columns changed";
	x->e->shape = shape;
}

static Rows *
rows_at(Exporting *x, const char *sql, int nargs, const SqlArg *args)
{
	return sql_rows_at(AS_CALLER, x->snapshot, sql, nargs, args);
}

/* All of it; whoever wrote it in another era is told that it does no more */
static void
write_all(Exporting *x)
{
	Export *e = x->e;
	SqlArg newest = arg_int8(x->newest);

	if (*x->whole)
	{
		ereport(NOTICE, (errmsg("export \"%s\" writes the whole table: %s", e->name, x->whole)));
		run_log(x->run, "info", psprintf("the whole table is written: %s", x->whole), NULL);
	}
	if (e->app && strcmp(e->app, x->app) != 0 && x->before >= 0 && x->before != TAKEN_OVER)
		lake_sign(x->lake, e->app, TAKEN_OVER);
	(void) own_rows(psprintf("TRUNCATE %s", e->to_name));
	x->run->inserted = rows_at(x, lake_insert_all(x->lake, e), is_changes(e) ? 1 : 0, &newest)->n;
}

/* A lake that is signed without them would never get them */
pg_noreturn static void
refuse_gap(const Exporting *x)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("history of %s after version " INT64_FORMAT " cannot be found", x->e->from_name, x->has),
					errdetail("Its newest version is " INT64_FORMAT ".", x->newest),
					errhint("Drop the export, and create it with replace => true: all of it is written then.")));
}

/* What came since: appended, or the folders in which it stands and stood */
static void
write_new(Exporting *x)
{
	Export *e = x->e;
	SqlArg between[] = {arg_int8(x->has), arg_int8(x->newest), seen_since(x)};
	char *touched;
	SqlArg folders;

	if (is_changes(e))
	{
		x->run->inserted = rows_at(x, lake_insert_new(x->lake, e), lengthof(between), between)->n;
		if (x->run->inserted == 0)
			refuse_gap(x);
		return;
	}
	touched = rows_value(rows_at(x, lake_touched(x->lake, e), lengthof(between), between));
	if (touched == NULL)
		refuse_gap(x);
	folders = arg_text(touched);
	x->run->deleted = rows_at(x, psprintf("DELETE FROM %s WHERE %s = ANY ($1::text[])", e->to_name, x->lake->folder),
							  1, &folders)
						  ->n;
	x->run->inserted = rows_at(x, lake_insert_new(x->lake, e), 1, &folders)->n;
}

static char *
newest_version(Exporting *x)
{
	const Export *e = x->e;
	SqlArg args[] = {arg_int4(e->sync), x->whole ? arg_text(NULL) : seen_since(x)};

	return rows_value(sql_rows_at(AS_REPOSITORY, x->snapshot,
								  "SELECT ingest_internal.export_newest($1, $2::timestamptz)", lengthof(args), args));
}

/*
 * One snapshot for all statements: rows that move from one folder to another are seen in one of them.  It is taken when
 * all that is read is locked: a table that is truncated or rewritten after a snapshot is empty for it.
 */
static void
take_snapshot(Exporting *x)
{
	Export *e = x->e;

	(void) own_rows(psprintf("EXPLAIN %s", lake_insert_all(x->lake, e)), arg_int8(0));
	/* of changes the copy is read by a function, in which no plan looks */
	if (is_changes(e))
		(void) own_rows(psprintf("EXPLAIN SELECT FROM %s", e->from_name));
	x->snapshot = RegisterSnapshot(GetLatestSnapshot());
}

static void
write_version(Exporting *x)
{
	Export *e = x->e;
	char *newest;

	x->lake = lake_of(e->to_relation, e->to_name);
	lake_fill(x->lake, e);
	require_writes(e, x->lake);
	take_snapshot(x);
	ask_lake(x);
	look_back(x);
	newest = is_snapshot(e) ? NULL : newest_version(x);
	x->newest = is_snapshot(e) ? x->has + 1 : newest ? to_int8(newest)
													 : Max(x->has, 0);
	if (x->whole == NULL && x->newest > x->has && !is_changes(e) && x->lake->folder == NULL)
		x->whole = "";
	if (x->whole)
		write_all(x);
	else if (x->newest > x->has)
		write_new(x);
	/* a lake that has it already is signed already */
	if (x->newest > x->has)
		lake_sign(x->lake, x->app, x->newest);
	x->run->read = x->run->inserted;
}

static void
announce(const Exporting *x)
{
	const Export *e = x->e;
	StringInfoData json;

	json_open(&json);
	json_text(&json, "export", e->name);
	json_text(&json, "relation", e->from_name);
	json_text(&json, "lake", e->to_name);
	json_text(&json, "mode", e->mode);
	json_int8(&json, "run", x->run->id);
	json_int8(&json, "written", x->run->total_inserted);
	json_int8(&json, "replaced", x->run->total_deleted);
	json_raw(&json, "whole", x->whole ? "true" : "false");
	event_emit_for(e->owner, "ingest.export.completed", e->name, json_close(&json));
}

/* What is written is published with the transaction */
static void
finish(Exporting *x)
{
	Export *e = x->e;
	Run *run = x->run;

	run_progress(run, "published", -1);
	if (repo_value("SELECT ingest_internal.export_done($1, $2, $3, $4, $5::timestamptz, $6)", arg_int4(e->id),
				   arg_text(x->app), arg_int8(x->newest), arg_text(e->shape), arg_text(e->now),
				   arg_int8(run->id)) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("export \"%s\" is gone", e->name),
						errdetail("It was dropped while it ran; nothing is written.")));
	repo_run("SELECT ingest_internal.export_note_lineage($1, $2, $3, $4)", arg_int4(e->id),
			 e->source ? arg_int4(e->source) : arg_null(INT4OID), run_job ? arg_int8(run_job) : arg_null(INT8OID),
			 arg_int8(run->id));
	run->left_out = repo_value("SELECT ingest_internal.export_misses($1, $2::name[])", arg_int4(e->id),
							   arg_text(x->lake->written));
	run_succeed(run);
	announce(x);
}

static void
publish(void *arg)
{
	Exporting *x = arg;
	Identity caller;

	in_utc();
	/* as it is now that it is locked, and what ran before the snapshot */
	x->e = export_by_id(x->id);
	require_there(x->e);
	become_restricted(x->e->owner, &caller);
	require_history(x->e);
	if (!is_snapshot(x->e) && !x->e->loaded)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s has not been loaded yet", x->e->from_name),
						errhint("It can be exported when its first sync has ended.")));
	write_version(x);
	finish(x);
	UnregisterSnapshot(x->snapshot);
	become_again(&caller);
}

static void
note_failure(void *arg)
{
	Exporting *x = arg;
	Identity caller;

	/* errors may quote values: they are for the owner */
	become_owner(x->e->owner, &caller);
	run_fail(x->run, &x->failure);
	become_again(&caller);
}

static bool
run(Exporting *x)
{
	Failure again;

	if (attempt_and_commit(begin, x, &x->failure) && attempt_and_commit(publish, x, &x->failure))
		return true;
	if (x->run && !attempt_and_commit(note_failure, x, &again))
		ereport(WARNING,
				(errmsg("the failure of export \"%s\" could not be recorded: %s", x->name, again.message)));
	return false;
}

bool
export_run(const char *name, Failure *failure)
{
	Exporting *x = palloc0(sizeof(Exporting));
	volatile bool ok = false;

	x->name = name;
	PG_TRY();
	{
		ok = run(x);
	}
	PG_FINALLY();
	{
		if (x->locked)
			session_unlock(LOCK_EXPORT, x->id);
	}
	PG_END_TRY();
	*failure = x->failure;
	return ok;
}

/* CALL export(export) */
Datum
ingest_export(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	Failure failure;

	procedure_begin(fcinfo, "ingest.export");
	if (!export_run(name, &failure))
		failure_rethrow(&failure);
	procedure_end();
	PG_RETURN_VOID();
}
