/*
 * connector.c
 *		Sources, and what their wrappers can do.
 *
 * The engine knows wrappers by ingest.connector alone: names of SQL functions for
 * what goes beyond SELECT.  Where there is none, there is a fallback.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_foreign_server.h"
#include "commands/defrem.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "ingest/base/argument.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/repository/access.h"
#include "ingest/repository/connector.h"
#include "ingest/event/event.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_register_source);
SQL_FUNCTION(ingest_check_source);

ROW_SHAPE(source_shape, Source, FIELD(INT4, Source, id), FIELD(TEXT, Source, name), FIELD(TEXT, Source, server),
		  FIELD(OID, Source, owner), FIELD(TEXT, Source, owner_name), FIELD(TEXT, Source, local_schema),
		  FIELD(TEXTS, Source, remote_schemas), FIELD(TEXT, Source, include), FIELD(TEXT, Source, zone),
		  FIELD(TEXT, Source, custom_columns), FIELD(BOOL, Source, paused), FIELD(BOOL, Source, counts),
		  FIELD(BOOL, Source, may_cut),
		  FIELD(TEXT, Source, check), FIELD(TEXT, Source, clock), FIELD(TEXT, Source, tables),
		  FIELD(TEXT, Source, deleted), FIELD(TEXT, Source, changes), FIELD(TEXT, Source, horizon),
		  FIELD(TEXT, Source, pieces), FIELD(TEXT, Source, prefix), FIELD(TEXT, Source, watch),
		  FIELD(TEXT, Source, import_options), FIELD(TEXT, Source, piece_column),
		  FIELD(TEXT, Source, position_column), FIELD(TEXT, Source, version_column),
		  FIELD(TEXT, Source, error_column));

Source *
source_by_id(int32 id)
{
	Source *source =
		repo_struct(source_shape, "SELECT * FROM ingest_internal.source_record($1::integer)", arg_int8(id));

	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("the source with number %d is gone", id)));
	require_owner(source->owner, source->owner_name, "source", source->name);
	return source;
}

Source *
source_by_name(const char *name)
{
	char *id = repo_value("SELECT ingest_internal.source_id($1)", arg_text(name));

	if (id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no source \"%s\"", name),
				 errhint("ingest.register_source creates one; SELECT source FROM ingest.source_status lists them.")));
	return source_by_id(to_int4(id));
}

char *
source_clock(const Source *source)
{
	if (source->clock == NULL)
		return NULL;
	return user_value(psprintf("SELECT %s($1)", source->clock), arg_name(source->server));
}

bool
server_imports(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	Oid handler = GetForeignDataWrapper(server->fdwid)->fdwhandler;

	return OidIsValid(handler) && GetFdwRoutine(handler)->ImportForeignSchema != NULL;
}

/* An argument of the function that was called, as it is */
static SqlArg
arg_given(FunctionCallInfo fcinfo, int n, Oid type)
{
	return arg_datum(type, PG_ARGISNULL(n) ? (Datum) 0 : PG_GETARG_DATUM(n), PG_ARGISNULL(n));
}

/* register_source(name, server, schema, remote_schemas, tables, description, refresh_schedule, max_parallel) */
Datum
ingest_register_source(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	char *server_name = required_name(1);
	char *schema = PG_ARGISNULL(2) ? name : name_or_null(2);
	ForeignServer *server = GetForeignServerByName(server_name, false);
	StringInfoData json;
	char *id;
	int level = sql_begin();

	if (name[0] == '\0' || schema[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a source and its schema need a name")));
	if (foreign_server_aclcheck(server->serverid, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for foreign server \"%s\"", server_name),
						errhint("GRANT USAGE ON FOREIGN SERVER %s TO %s.", quote_identifier(server_name),
								GetUserNameFromId(GetUserId(), false))));
	if (strlen(schema) >= NAMEDATALEN)
		ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("\"%s\" is too long for the name of a schema", schema),
						errhint("Name its schema with schema => '...'.")));
	if (repo_value("SELECT ingest_internal.source_id($1)", arg_text(name)))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("source \"%s\" already exists", name)));
	if (!OidIsValid(get_namespace_oid(schema, true)))
		user_run(psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	id = repo_value("SELECT ingest_internal.source_insert($1, $2, $3, $4, $5, $6, $7, $8, $9::integer, $10, $11)",
					arg_text(name), arg_name(server_name), arg_oid(GetUserId()), arg_name(schema),
					arg_given(fcinfo, 3, TEXTARRAYOID), arg_given(fcinfo, 4, TEXTARRAYOID),
					arg_given(fcinfo, 5, TEXTOID), arg_given(fcinfo, 6, TEXTOID), arg_int8(required_int4(7)),
					arg_name(GetForeignDataWrapper(server->fdwid)->fdwname),
					arg_bool(server_imports(server_name)));
	access_forget();
	audit("register_source", name, NULL, NULL);
	json_open(&json);
	json_text(&json, "source", name);
	json_text(&json, "server", server_name);
	json_text(&json, "schema", schema);
	event_emit("ingest.source.registered", name, name, json_close(&json));
	if (!PG_ARGISNULL(6))
		user_run("SELECT ingest.schedule(ingest.create_job('crawl ' || $1, 'crawl', $1), $2)", arg_text(name),
				 arg_given(fcinfo, 6, TEXTOID));
	return sql_end_int4(level, to_int4(id));
}

/* -- checking -- */

/* Does the wrapper let us in?  Its own import of a table that is not there says so; else a row of a table that is. */
static void
generic_check(void *arg)
{
	Source *source = arg;
	char *table;

	if (source->remote_schemas.n > 0)
	{
		(void) own_rows(
			psprintf("IMPORT FOREIGN SCHEMA %s LIMIT TO (ingest_checks_the_connection) FROM SERVER %s INTO %s",
					 quote_identifier(source->remote_schemas.v[0]), quote_identifier(source->server),
					 quote_identifier(source->local_schema)));
		return;
	}
	table = repo_value("SELECT name FROM ingest_internal.foreign_tables($1, $2, NULL) LIMIT 1",
					   arg_name(source->server), arg_name(source->local_schema));
	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("there is no foreign table of server \"%s\" in schema \"%s\" to try", source->server,
							   source->local_schema)));
	(void) own_rows(psprintf("SELECT FROM %s LIMIT 1", quoted_relation(source->local_schema, table)));
}

/* What a connector's function, which may be anybody's, says of one thing; a type that it should not give is an error */
typedef struct Checked
{
	char *what;
	bool ok;
	char *detail;
} Checked;

ROW_SHAPE(checked_shape, Checked, FIELD_OF("check", TEXT, Checked, what), FIELD(BOOL, Checked, ok),
		  FIELD(TEXT, Checked, detail));

typedef struct SourceCheck
{
	Source *source;
	Checked *found;
	int n;
} SourceCheck;

/* What an attempt does: an error of the connector is one of its answers */
static void
connector_check(void *arg)
{
	SourceCheck *check = arg;

	check->found = own_structs(checked_shape, &check->n, psprintf("SELECT * FROM %s($1)", check->source->check),
							   arg_name(check->source->server));
}

/* What it finds is the owner's, and so is what runs meanwhile */
static void
check_as_owner(void *arg)
{
	SourceCheck *check = arg;
	Identity caller;

	become_restricted(check->source->owner, &caller);
	if (check->source->check)
		connector_check(check);
	else
		generic_check(check->source);
	become_again(&caller);
}

/* check_source(name) → check, ok, detail */
Datum
ingest_check_source(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	SourceCheck check = {0};
	Checked connection = {"connection"};
	Failure failure = {0};
	StringInfoData json, row;
	bool all_ok = true;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	check.source = source_by_name(name);
	if (!attempt(check_as_owner, &check, &failure) || check.found == NULL)
	{
		connection.ok = failure.message == NULL;
		connection.detail = connection.ok ? "connected and logged in" : failure_text(&failure);
		check.found = &connection;
		check.n = 1;
	}
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < check.n; i++)
	{
		const Checked *c = &check.found[i];
		Datum values[3] = {c->what ? CStringGetTextDatum(c->what) : (Datum) 0, BoolGetDatum(c->ok),
						   c->detail ? CStringGetTextDatum(c->detail) : (Datum) 0};
		bool nulls[3] = {c->what == NULL, false, c->detail == NULL};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		all_ok = all_ok && c->ok;
		json_open(&row);
		json_text(&row, "check", c->what);
		json_raw(&row, "ok", c->ok ? "true" : "false");
		json_text(&row, "detail", c->detail);
		appendStringInfo(&json, "%s%s", i > 0 ? "," : "", json_close(&row));
	}
	appendStringInfoChar(&json, ']');
	repo_run("SELECT ingest_internal.source_checked($1::integer, $2, $3)", arg_int8(check.source->id), arg_bool(all_ok),
			 arg_jsonb(json.data));
	json_open(&row);
	json_text(&row, "source", name);
	json_raw(&row, "ok", all_ok ? "true" : "false");
	json_raw(&row, "checks", json.data);
	event_emit("ingest.source.checked", name, name, json_close(&row));
	sql_end(level);
	return (Datum) 0;
}
