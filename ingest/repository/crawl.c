/*
 * crawl.c
 *		What a source holds, and what changed since the last look.
 *
 * Foreign tables are imported into a schema of the crawl's own, compared with those
 * that are there, and moved or followed.  A few tables make a transaction: a crawl
 * that dies is taken up where it stopped, since each table says when it was seen.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "ingest/repository/connector.h"
#include "ingest/repository/crawl.h"
#include "ingest/repository/discover.h"
#include "ingest/event/event.h"
#include "ingest/repository/owner.h"
#include "ingest/repository/run.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Tables in one transaction: what a crawl that dies has to look at again */
#define TABLES_AT_ONCE 8

SQL_FUNCTION(ingest_crawl);

/* -- some tables, in one transaction -- */

/* Of the remote schema, which is written down if it is new */
static int32
schema_number(Crawl *c)
{
	return to_int4(repo_value("SELECT ingest_internal.crawl_schema($1::integer, $2)", arg_int8(c->source->id),
							  arg_text(c->remote_schema)));
}

typedef struct Named
{
	char *name;
} Named;

ROW_SHAPE(named_shape, Named, FIELD(TEXT, Named, name));

/* Foreign tables of the source's server in a schema here */
static Named *
tables_in(const Crawl *c, const char *schema, const char *wanted, int *n)
{
	return repo_structs(named_shape, n, "SELECT * FROM ingest_internal.foreign_tables($1, $2, $3::text[])",
						arg_name(c->source->server), arg_name(schema), arg_text(wanted));
}

/* One by one and without CASCADE: what somebody else put there is not ours to drop */
static void
drop_scratch(Crawl *c)
{
	int n;
	Named *tables = tables_in(c, c->scratch, NULL, &n);

	for (int i = 0; i < n; i++)
		user_run(psprintf("DROP FOREIGN TABLE %s", quoted_relation(c->scratch, tables[i].name)));
	user_run(psprintf("DROP SCHEMA %s", quote_identifier(c->scratch)));
}

typedef struct Importing
{
	const Crawl *c;
	char **tables; /* to import; none: all */
	int n;
} Importing;

static void
import_foreign_schema(void *arg)
{
	const Importing *i = arg;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "IMPORT FOREIGN SCHEMA %s", quote_identifier(i->c->remote_schema));
	for (int t = 0; t < i->n; t++)
		appendStringInfo(&sql, "%s%s", t == 0 ? " LIMIT TO (" : ", ", quote_identifier(i->tables[t]));
	appendStringInfo(&sql, "%s FROM SERVER %s INTO %s", i->n > 0 ? ")" : "", quote_identifier(i->c->source->server),
					 quote_identifier(i->c->scratch));
	if (i->c->source->import_options)
		appendStringInfo(&sql, " OPTIONS (%s)", i->c->source->import_options);
	user_run(sql.data);
}

/* A column of a type that is not here fails its import: that table is left out, and told, and holds up no other */
static void
import_into_scratch(Crawl *c)
{
	Importing all = {c, c->tables, c->n_tables};
	Failure failure;

	if (attempt(import_foreign_schema, &all, &failure))
		return;
	if (failure.sqlerrcode != ERRCODE_UNDEFINED_OBJECT || c->n_tables == 0)
		failure_rethrow(&failure);
	for (int i = 0; i < c->n_tables; i++)
	{
		Importing one = {c, c->tables + i, 1};

		if (attempt(import_foreign_schema, &one, &failure))
			continue;
		if (failure.sqlerrcode != ERRCODE_UNDEFINED_OBJECT)
			failure_rethrow(&failure);
		discover_warn(c, psprintf("table %s was left out: %s", c->tables[i], failure.message));
		repo_run("SELECT ingest_internal.crawl_left_out($1, $2, $3)", arg_int4(c->source->id),
				 arg_text(c->remote_schema), arg_text(c->tables[i]));
	}
}

/*
 * Into a scratch schema of a name that nobody can guess, and from there into their places: what is there already
 * is altered, not replaced
 */
static void
import_tables(void *arg)
{
	Crawl *c = arg;
	int32 schema_id = schema_number(c);
	Named *imported;
	int n;

	user_run(psprintf("CREATE SCHEMA %s", quote_identifier(c->scratch)));
	import_into_scratch(c);
	imported = tables_in(c, c->scratch, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char *name = imported[i].name;
		Place place =
			discover_place(c, schema_id, name, c->prefixed ? psprintf("%s_%s", c->remote_schema, name) : name);

		if (discover_follow(c, name, &place))
			discover_record(c, schema_id, name, &place);
		else
			discover_warn(c, psprintf("table %s was left out: %s is something else here", name,
									  quoted_relation(place.schema, place.name)));
	}
	drop_scratch(c);
	run_progress(c->run, psprintf("%lld tables", (long long) c->seen), -1);
}

/* Neither schemas to import nor foreign tables: whoever waits for tables hears why there are none */
static void
found_nothing(Crawl *c)
{
	const Source *s = c->source;

	if (server_imports(s->server) && !to_bool(repo_value("SELECT ingest_internal.has_tables($1)", arg_int4(s->id))))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("source \"%s\" does not say which schemas of server \"%s\" to import", s->name, s->server),
			 errdetail("Neither ingest.connector nor the server's options name one, and there is no foreign table of "
					   "the server in schema \"%s\".",
					   s->local_schema),
			 errhint("SELECT ingest.drop_source(%s), and register it again with remote_schemas => '{...}'.",
					 quote_literal_cstr(s->name))));
	discover_warn(c,
				  psprintf("there is no foreign table of server \"%s\" in schema \"%s\"", s->server, s->local_schema));
}

/* Foreign tables that somebody made by hand */
static void
record_handmade(void *arg)
{
	Crawl *c = arg;
	int32 schema_id = schema_number(c);
	int n;
	Named *tables = tables_in(c, c->source->local_schema, c->source->include, &n);

	for (int i = 0; i < n; i++)
	{
		Place place = {c->source->local_schema, tables[i].name};

		discover_record(c, schema_id, place.name, &place);
	}
	if (n == 0)
		found_nothing(c);
	run_progress(c->run, psprintf("%lld tables", (long long) c->seen), -1);
}

/* -- the whole -- */

/* The run is there before anything is asked of the source */
static void
begin(void *arg)
{
	Crawl *c = arg;

	repo_run("SELECT ingest_internal.crawl_begins($1::integer, $2)", arg_int8(c->source->id), arg_bool(c->all));
	c->run = run_begin("crawl", c->source->name, c->source->name, c->source->id, 0);
}

ROW_SHAPE(listed_shape, Listed, FIELD(TEXT, Listed, schema), FIELD(TEXT, Listed, table), FIELD(TEXT, Listed, key),
		  FIELD(TEXT, Listed, cursor), FIELD(TEXT, Listed, parent), FIELD(TEXT, Listed, parent_column),
		  FIELD(TEXT, Listed, description));

/* Through JSON, since a connector's function need not have all of the columns */
static void
list_tables(void *arg)
{
	Crawl *c = arg;

	c->listed = user_structs(
		listed_shape, &c->n_listed,
		psprintf("SELECT j->>'schema' AS schema, j->>'table' AS \"table\", j->>'key' AS key, j->>'cursor' AS cursor, "
				 "j->>'parent' AS parent, j->>'parent_column' AS parent_column, j->>'description' AS description "
				 "FROM %s($1) t, to_jsonb(t) j ORDER BY 2, 1",
				 c->source->tables),
		arg_name(c->source->server));
}

/* What was not seen is gone, if all was looked at */
static void
finish(void *arg)
{
	Crawl *c = arg;
	StringInfoData json;

	if (c->all)
		discover_gone(c);
	/* those that were asked for by name */
	for (int i = 0; !c->all && i < c->n_asked; i++)
	{
		if (!to_bool(repo_value("SELECT ingest_internal.crawl_saw($1::integer, $2, $3)", arg_int8(c->source->id),
								arg_text(c->asked[i]), arg_int8(c->run->id))))
			discover_warn(c, psprintf("source \"%s\" has no table \"%s\"", c->source->name, c->asked[i]));
	}
	c->run->left_out = c->warned ? "{warnings}" : NULL;
	run_succeed(c->run);
	json_open(&json);
	json_text(&json, "source", c->source->name);
	json_int8(&json, "run", c->run->id);
	json_int8(&json, "tables", c->seen);
	json_int8(&json, "discovered", c->discovered);
	json_int8(&json, "changes", c->changed);
	event_emit("ingest.crawl.completed", c->source->name, c->source->name, json_close(&json));
}

/* What an attempt does to write down how the run failed */
static void
write_failure(void *arg)
{
	Crawl *c = arg;

	run_fail(c->run, &c->failure);
}

/* A transaction of the crawl, as the source's owner: what is done stays done if a later one fails */
static bool
step(Crawl *c, void (*function)(void *))
{
	Failure failure;

	if (attempt_as_owner_and_commit(c->source->owner, function, c, &c->failure))
		return true;
	if (c->run && !attempt_as_owner_and_commit(c->source->owner, write_failure, c, &failure))
		ereport(WARNING, (errmsg("the failure of run %lld could not be recorded: %s", (long long) c->run->id,
								 failure.message)));
	return false;
}

/* Leave out what was seen since the crawl began that did not end */
static void
skip_done(void *arg)
{
	Crawl *c = arg;
	int n_seen,
		n = 0;
	Named *seen = repo_structs(named_shape, &n_seen, "SELECT * FROM ingest_internal.crawl_done($1, $2)",
							   arg_int4(c->source->id), arg_text(c->remote_schema));

	for (int i = 0; i < c->n_left; i++)
	{
		bool done = false;

		for (int k = 0; c->all && k < n_seen; k++)
			done = done || strcmp(seen[k].name, c->left[i]) == 0;
		if (!done)
			c->left[n++] = c->left[i];
	}
	c->n_left = n;
}

/* A few tables to a transaction, so that a crawl that dies loses little, and locks are held briefly */
static bool
crawl_schema(Crawl *c, char **tables, int n_tables)
{
	if (n_tables == 0)
	{
		c->n_tables = 0;
		return step(c, import_tables);
	}
	c->left = palloc(sizeof(char *) * n_tables);
	memcpy(c->left, tables, sizeof(char *) * n_tables);
	c->n_left = n_tables;
	if (!step(c, skip_done))
		return false;
	for (int i = 0; i < c->n_left; i += TABLES_AT_ONCE)
	{
		c->tables = c->left + i;
		c->n_tables = Min(TABLES_AT_ONCE, c->n_left - i);
		if (!step(c, import_tables))
			return false;
	}
	return true;
}

/* Names of the tables that the connector lists of the schema */
static char **
listed_here(const Crawl *c, int *n)
{
	char **tables = palloc(sizeof(char *) * Max(c->n_listed, 1));

	*n = 0;
	for (int i = 0; i < c->n_listed; i++)
	{
		if (discover_is_listed_here(c, &c->listed[i]))
			tables[(*n)++] = c->listed[i].table;
	}
	return tables;
}

/* What is asked for: tables by name, those that the source includes, those that the connector lists, or everything */
static bool
crawl_all(Crawl *c, char **tables, int n_tables)
{
	if (!step(c, begin) || (c->source->tables && !step(c, list_tables)))
		return false;
	if (c->all && c->source->include)
		tables = parse_array(c->source->include, &n_tables);
	for (int i = 0; i < c->source->remote_schemas.n; i++)
	{
		c->remote_schema = c->source->remote_schemas.v[i];
		c->prefixed = i > 0;
		if (c->all && c->source->include == NULL && c->source->tables)
			tables = listed_here(c, &n_tables);
		if (!crawl_schema(c, tables, n_tables))
			return false;
	}
	if (c->source->remote_schemas.n == 0)
	{
		c->remote_schema = c->source->local_schema;
		if (!step(c, record_handmade))
			return false;
	}
	return step(c, finish);
}

/* Two crawls of one source would make the same tables */
static void
find_source(void *arg)
{
	Crawl *c = arg;

	c->source = source_by_name(c->name);
	if (!session_lock(LOCK_CRAWL, c->source->id))
	{
		c->source = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("source \"%s\" is already being crawled", c->name)));
	}
}

/* One that nobody has made already, to catch what is imported */
static char *
scratch_name(int32 source)
{
	uint64 number;

	if (!pg_strong_random(&number, sizeof(number)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not draw a random number")));
	return psprintf("ingest_crawl_%d_%016llx", source, (unsigned long long) number);
}

bool
crawl(const char *source, char **tables, int n_tables, bool count_rows, Failure *failure)
{
	Crawl c = {.name = source, .count_rows = count_rows, .all = n_tables == 0, .asked = tables, .n_asked = n_tables};
	volatile bool ok = false;

	if (attempt_and_commit(find_source, &c, &c.failure))
	{
		c.scratch = scratch_name(c.source->id);
		PG_TRY();
		{
			ok = crawl_all(&c, tables, n_tables);
		}
		PG_FINALLY();
		{
			session_unlock(LOCK_CRAWL, c.source->id);
		}
		PG_END_TRY();
	}
	*failure = c.failure;
	return ok;
}

/* CALL crawl(source text, tables text[], count_rows boolean) */
Datum
ingest_crawl(PG_FUNCTION_ARGS)
{
	char *source = required_text(0);
	char **tables = NULL;
	bool count_rows = required_bool(2);
	int n_tables = 0;
	Failure failure;

	if (!PG_ARGISNULL(1))
	{
		Datum *values;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n_tables);
		tables = palloc(sizeof(char *) * Max(n_tables, 1));
		for (int i = 0; i < n_tables; i++)
			tables[i] = TextDatumGetCString(values[i]);
	}
	procedure_begin(fcinfo, "ingest.crawl");
	if (!crawl(source, tables, n_tables, count_rows, &failure))
		failure_rethrow(&failure);
	procedure_end();
	PG_RETURN_VOID();
}
