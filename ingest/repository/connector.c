/*
 * connector.c
 *		Sources, and what their wrappers can do.
 *
 * The engine knows wrappers by ingest.connector alone: names of SQL functions for
 * what goes beyond SELECT.  Where there is none, there is a fall-back.
 */
#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "commands/defrem.h"
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

static char *
qualified(const char *function, const char *schema)
{
	if (function == NULL)
		return NULL;
	if (strchr(function, '.') != NULL || schema == NULL)
		return pstrdup(function);
	return psprintf("%s.%s", quote_identifier(schema), quote_identifier(function));
}

static Source *
source_of(Rows *rows)
{
	Source *source = palloc0(sizeof(Source));
	char **v = first_row(rows);

	source->id = to_int4(v[0]);
	source->name = v[1];
	source->server = v[2];
	source->owner = to_oid(v[3]);
	source->local_schema = v[4];
	source->remote_schemas = parse_array(v[5], &source->n_remote_schemas);
	source->include = v[6];
	source->paused = strcmp(v[7], "paused") == 0;
	source->zone = v[8];
	source->custom_columns = v[9];
	source->check = qualified(v[11], v[10]);
	source->clock = qualified(v[12], v[10]);
	source->tables = qualified(v[13], v[10]);
	source->deleted = qualified(v[14], v[10]);
	source->counts = to_bool(v[15]);
	source->changes = qualified(v[17], v[10]);
	require_owner(source->owner, v[16], "source", source->name);
	return source;
}

#define SOURCE_QUERY \
	"SELECT d.id, d.name, d.server, d.owner, d.local_schema, d.remote_schemas, d.include, d.state, " \
	"(SELECT option_value FROM pg_options_to_table(s.srvoptions) WHERE option_name = 'timezone'), c.custom_columns, " \
	"(SELECT n.nspname FROM pg_depend p JOIN pg_extension e ON e.oid = p.refobjid JOIN pg_namespace n ON n.oid = e.extnamespace " \
	"WHERE p.classid = 'pg_foreign_data_wrapper'::regclass AND p.objid = w.oid AND p.deptype = 'e'), " \
	"c.check_function, c.clock_function, c.tables_function, c.deleted_function, c.counts, d.owner_name, c.changes_function " \
	"FROM ingest.data_source d LEFT JOIN pg_foreign_server s ON s.srvname = d.server " \
	"LEFT JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw LEFT JOIN ingest.connector c ON c.wrapper = w.fdwname "

Source *
source_by_name(const char *name)
{
	Rows *rows = repo_rows(SOURCE_QUERY "WHERE d.name = $1", arg_text(name));

	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no source \"%s\"", name),
				 errhint("ingest.register_source makes one; SELECT source FROM ingest.source_status lists them.")));
	return source_of(rows);
}

Source *
source_by_id(int32 id)
{
	Rows *rows = repo_rows(SOURCE_QUERY "WHERE d.id = $1", arg_int8(id));

	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the source with number %d is gone", id)));
	return source_of(rows);
}

char *
source_clock(const Source *source)
{
	if (source->clock == NULL)
		return NULL;
	return user_value(psprintf("SELECT %s($1)", source->clock), arg_name(source->server));
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
	char *remote;
	char *id;
	int level = sql_begin();

	if (name[0] == '\0' || schema[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a source and its schema need a name")));
	if (!to_bool(own_value("SELECT has_server_privilege($1::text, 'USAGE')", arg_text(server_name))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for foreign server \"%s\"", server_name),
				 errhint("GRANT USAGE ON FOREIGN SERVER %s TO %s.", quote_identifier(server_name), GetUserNameFromId(GetUserId(), false))));
	if (strlen(schema) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("\"%s\" is too long for the name of a schema", schema),
				 errhint("Name its schema with schema => '…'.")));
	if (repo_value("SELECT 1 FROM ingest.data_source WHERE name = $1", arg_text(name)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a source \"%s\" already", name)));
	if (own_value("SELECT 1 FROM pg_namespace WHERE nspname = $1", arg_text(schema)) == NULL)
		user_run(psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	remote = repo_value("SELECT coalesce($1, ARRAY(SELECT remote_schema FROM ingest.connector WHERE wrapper = $2 AND remote_schema IS NOT NULL))",
						arg_datum(TEXTARRAYOID, PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3), PG_ARGISNULL(3)),
						arg_name(GetForeignDataWrapper(server->fdwid)->fdwname));
	id = repo_value("INSERT INTO ingest.data_source (name, server, owner, owner_name, local_schema, remote_schemas, include, description, refresh_schedule, max_parallel) "
					"VALUES ($1, $2, $3, pg_get_userbyid($3), $4, $5::text[], $6, $7, $8, $9) RETURNING id",
					arg_text(name), arg_name(server_name), arg_oid(GetUserId()), arg_name(schema), arg_text(remote),
					arg_datum(TEXTARRAYOID, PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4), PG_ARGISNULL(4)),
					PG_ARGISNULL(5) ? arg_null(TEXTOID) : arg_datum(TEXTOID, PG_GETARG_DATUM(5), false),
					PG_ARGISNULL(6) ? arg_null(TEXTOID) : arg_datum(TEXTOID, PG_GETARG_DATUM(6), false),
					arg_int8(required_int4(7)));
	access_forget();
	repo_run("INSERT INTO ingest.circuit (source) VALUES ($1)", arg_int8(to_int8(id)));
	audit("register_source", name, NULL, NULL);
	json_open(&json);
	json_text(&json, "source", name);
	json_text(&json, "server", server_name);
	json_text(&json, "schema", schema);
	event_emit("ingest.source.registered", name, name, json_close(&json));
	if (!PG_ARGISNULL(6))
		user_run("SELECT ingest.schedule(ingest.create_job('crawl ' || $1, 'crawl', $1), $2)", arg_text(name),
				 arg_datum(TEXTOID, PG_GETARG_DATUM(6), false));
	return sql_end_int4(level, to_int4(id));
}

/* -- checking -- */

/* Does the wrapper let us in?  Its own import of a table that is not there says so; else a row of a table that is. */
static void
generic_check(void *arg)
{
	Source *source = arg;
	Rows *table;

	if (source->n_remote_schemas > 0)
	{
		(void) own_rows(psprintf("IMPORT FOREIGN SCHEMA %s LIMIT TO (ingest_checks_the_connection) FROM SERVER %s INTO %s",
								 quote_identifier(source->remote_schemas[0]), quote_identifier(source->server), quote_identifier(source->local_schema)));
		return;
	}
	table = own_rows("SELECT t.ftrelid::regclass FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver "
					 "JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
					 "WHERE s.srvname = $1 AND n.nspname = $2 ORDER BY 1 LIMIT 1",
					 arg_text(source->server), arg_text(source->local_schema));
	if (table->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no foreign table of server \"%s\" in schema \"%s\" to try", source->server, source->local_schema)));
	(void) own_rows(psprintf("SELECT FROM %s LIMIT 1", first_row(table)[0]));
}

typedef struct SourceCheck
{
	Source *source;
	Rows *rows;
} SourceCheck;

static void
connector_check(void *arg)
{
	SourceCheck *check = arg;

	check->rows = own_rows(psprintf("SELECT * FROM %s($1)", check->source->check), arg_name(check->source->server));
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
	Failure failure = {0};
	StringInfoData json,
		row;
	bool all_ok = true;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	check.source = source_by_name(name);
	if (!attempt(check_as_owner, &check, &failure))
		check.rows = NULL;
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (uint64 i = 0; i < (check.rows ? check.rows->n : 1); i++)
	{
		const char *what = check.rows ? check.rows->v[i][0] : "connection";
		bool ok = check.rows ? to_bool(check.rows->v[i][1]) : failure.message == NULL;
		const char *detail = check.rows ? check.rows->v[i][2] : failure.message ? failure_text(&failure)
																				: "connected and logged in";
		Datum values[3] = {CStringGetTextDatum(what), BoolGetDatum(ok), detail ? CStringGetTextDatum(detail) : (Datum) 0};
		bool nulls[3] = {false, false, detail == NULL};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		all_ok = all_ok && ok;
		json_open(&row);
		json_text(&row, "check", what);
		json_raw(&row, "ok", ok ? "true" : "false");
		json_text(&row, "detail", detail);
		appendStringInfo(&json, "%s%s", i > 0 ? "," : "", json_close(&row));
	}
	appendStringInfoChar(&json, ']');
	repo_run("UPDATE ingest.data_source SET last_check_at = clock_timestamp(), last_check_ok = $2, last_check = $3::jsonb WHERE id = $1",
			 arg_int8(check.source->id), arg_bool(all_ok), arg_text(json.data));
	json_open(&row);
	json_text(&row, "source", name);
	json_raw(&row, "ok", all_ok ? "true" : "false");
	json_raw(&row, "checks", json.data);
	event_emit("ingest.source.checked", name, name, json_close(&row));
	sql_end(level);
	return (Datum) 0;
}
