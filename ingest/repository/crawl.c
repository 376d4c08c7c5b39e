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
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "ingest/repository/connector.h"
#include "ingest/repository/crawl.h"
#include "ingest/event/event.h"
#include "ingest/repository/run.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define TABLES_AT_ONCE 8

SQL_FUNCTION(ingest_crawl);

typedef struct Crawl
{
	const char *name;
	Source *source;
	Failure failure;
	char **left; /* tables that are still to be looked at */
	int n_left;
	Run *run;
	char *remote_schema;
	bool prefixed; /* local names begin with the remote schema's */
	char *scratch; /* the schema that imports go to, made and dropped within a transaction under a name that nobody can guess */
	Rows *listed;  /* what the connector says of its tables, or NULL */
	char **tables; /* to look at now; NULL: all that the import gives */
	int n_tables;
	char **asked; /* what the caller named */
	int n_asked;
	bool count_rows;
	int64 seen, discovered, changed;
	bool all; /* whether tables that were not seen are gone */
} Crawl;

/* -- one table -- */

/* What the connector says of a table: key, cursor, parent, parent_column, description, kind */
enum
{
	LISTED_TABLE,
	LISTED_KEY,
	LISTED_CURSOR,
	LISTED_PARENT,
	LISTED_PARENT_COLUMN,
	LISTED_DESCRIPTION
};

static const char *
listed(const Crawl *c, const char *table, int what)
{
	for (uint64 i = 0; c->listed && i < c->listed->n; i++)
	{
		if (strcmp(c->listed->v[i][LISTED_TABLE], table) == 0)
			return c->listed->v[i][what];
	}
	return NULL;
}

static void
warn(Crawl *c, const char *message)
{
	run_log(c->run, "warning", message, NULL);
	ereport(WARNING, (errmsg("%s", message)));
}

static void
alter_quietly(void *arg)
{
	user_run(arg);
}

/* Where a table's foreign table is: one that is known is where somebody put it, a new one gets the table's own name */
static void
find_place(Crawl *c, int64 schema_id, const char *name, const char *usual, char **schema, char **local)
{
	Rows *known = repo_rows("SELECT * FROM ingest_internal.place_of_table($1::integer, $2)", arg_int8(schema_id), arg_text(name));

	*schema = known->n > 0 ? known->v[0][0] : c->source->local_schema;
	*local = known->n > 0 ? known->v[0][1] : pstrdup(usual);
}

/* Bring a foreign table that is there to what was imported; false: its name is taken by something else */
static bool
follow(Crawl *c, const char *imported, const char *schema, const char *local)
{
	Rows *rows;
	Failure failure;
	char *old = quoted_relation(schema, local);
	char *kind = own_value("SELECT c.relkind::text || (s.srvname = $3)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
						   "LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver "
						   "WHERE n.nspname = $1 AND c.relname = $2",
						   arg_text(schema), arg_text(local), arg_text(c->source->server));

	if (kind == NULL)
	{
		bool taken = own_value("SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
							   arg_text(schema), arg_text(local)) != NULL;

		if (taken)
			return false;
		if (strcmp(imported, local) != 0)
			user_run(psprintf("ALTER FOREIGN TABLE %s RENAME TO %s", quoted_relation(c->scratch, imported), quote_identifier(local)));
		user_run(psprintf("ALTER FOREIGN TABLE %s SET SCHEMA %s", quoted_relation(c->scratch, local), quote_identifier(schema)));
		return true;
	}
	if (strcmp(kind, "ftrue") != 0)
		return false;

	/* columns: new ones, other types, gone ones; then the table's options */
	rows = own_rows(
		"WITH i AS (SELECT * FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped), "
		"o AS (SELECT * FROM pg_attribute WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped), "
		"opt AS (SELECT attname, string_agg(format('%I %L', option_name, option_value), ', ') AS options FROM i, pg_options_to_table(attfdwoptions) GROUP BY attname) "
		"SELECT format('ALTER FOREIGN TABLE %s ADD COLUMN %I %s%s', $2, i.attname, format_type(i.atttypid, i.atttypmod), ' OPTIONS (' || opt.options || ')'), "
		"format('COMMENT ON COLUMN %s.%I IS %L', $2, i.attname, col_description(i.attrelid, i.attnum)), 'added', i.attname "
		"FROM i LEFT JOIN o USING (attname) LEFT JOIN opt ON opt.attname = i.attname WHERE o.attnum IS NULL "
		"UNION ALL SELECT format('ALTER FOREIGN TABLE %s ALTER COLUMN %I TYPE %s', $2, i.attname, format_type(i.atttypid, i.atttypmod)), NULL, 'retyped', i.attname "
		"FROM i JOIN o USING (attname) WHERE (i.atttypid, i.atttypmod) <> (o.atttypid, o.atttypmod) "
		"UNION ALL SELECT format('ALTER FOREIGN TABLE %s DROP COLUMN %I', $2, o.attname), NULL, 'removed', o.attname "
		"FROM o LEFT JOIN i USING (attname) WHERE i.attnum IS NULL",
		arg_text(quoted_relation(c->scratch, imported)), arg_text(old));
	for (uint64 i = 0; i < rows->n; i++)
	{
		/* what views of the user's depend on stays as it is */
		if (!attempt(alter_quietly, rows->v[i][0], &failure))
		{
			if (strcmp(failure_class(&failure), "cancelled") == 0)
				failure_rethrow(&failure);
			warn(c, psprintf("column %s.%s was %s at the source but could not follow: %s", local, rows->v[i][3], rows->v[i][2], failure_text(&failure)));
		}
		else if (rows->v[i][1])
			user_run(rows->v[i][1]);
	}
	rows = own_rows("WITH i AS (SELECT o.* FROM pg_foreign_table, pg_options_to_table(ftoptions) o WHERE ftrelid = $1::regclass), "
					"o AS (SELECT o.* FROM pg_foreign_table, pg_options_to_table(ftoptions) o WHERE ftrelid = $2::regclass) "
					"SELECT format('ALTER FOREIGN TABLE %s OPTIONS (%s %I %L)', $2, CASE WHEN o.option_name IS NULL THEN 'ADD' ELSE 'SET' END, option_name, i.option_value) "
					"FROM i LEFT JOIN o USING (option_name) WHERE i.option_value IS DISTINCT FROM o.option_value",
					arg_text(quoted_relation(c->scratch, imported)), arg_text(old));
	for (uint64 i = 0; i < rows->n; i++)
		user_run(rows->v[i][0]);
	return true;
}

/* Metadata changed: kept, and announced */
static void
announce(Crawl *c, const char *table, Rows *changes)
{
	for (uint64 i = 0; i < changes->n; i++)
	{
		char **v = changes->v[i];
		StringInfoData json;

		c->changed++;
		json_open(&json);
		json_text(&json, "source", c->source->name);
		json_text(&json, "table", table);
		json_text(&json, v[0], v[1]);
		json_raw(&json, "before", v[3]);
		json_raw(&json, "after", v[4]);
		json_int8(&json, "run", c->run->id);
		event_emit(psprintf("ingest.%s.%s", v[0], v[2]), c->source->name,
				   strcmp(v[0], "table") == 0 ? table : psprintf("%s.%s", table, v[1]), json_close(&json));
	}
}

#define CHANGE_RETURNING " RETURNING object_kind, object_name, change, before, after"

static void
record_columns(Crawl *c, int64 table_id, const char *table, const char *relation, const char *key, bool is_new)
{
	Rows *changes;

	/* what is there now; one that went and one that came at the same place with the same type and description are one that was renamed */
	changes = repo_rows(
		"WITH now AS (SELECT a.attname::text AS name, row_number() OVER (ORDER BY a.attnum)::integer AS position, format_type(a.atttypid, a.atttypmod) AS type, a.attnum, "
		"NOT a.attnotnull AS nullable, col_description(a.attrelid, a.attnum) AS description, coalesce(a.attname ~ $5, false) AS custom, "
		"array_position($6::text[], a.attname::text) AS key_position, "
		"(SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]) AS constraints "
		"FROM pg_attribute a WHERE a.attrelid = $3 AND a.attnum > 0 AND NOT a.attisdropped), "
		"old AS (SELECT * FROM ingest.source_column WHERE table_id = $2), "
		"came AS (SELECT n.* FROM now n LEFT JOIN old o USING (name) WHERE o.id IS NULL), "
		"went AS (SELECT o.* FROM old o LEFT JOIN now n USING (name) WHERE n.name IS NULL AND o.gone_at IS NULL), "
		"renamed AS (SELECT went.id, went.name AS before, came.name AS after FROM went, came WHERE (SELECT count(*) FROM went) = 1 AND (SELECT count(*) FROM came) = 1 "
		"AND went.type = came.type AND (went.position = came.position OR went.position > (SELECT max(position) FROM now) AND came.position = (SELECT max(position) FROM now)) "
		"AND went.description IS NOT DISTINCT FROM came.description AND went.description IS NOT NULL), "
		"rename AS (UPDATE ingest.source_column s SET name = r.after, attnum = (SELECT n.attnum FROM now n WHERE n.name = r.after) FROM renamed r WHERE s.id = r.id RETURNING s.id), "
		"put AS (INSERT INTO ingest.source_column AS s (source, table_id, name, position, type, nullable, description, custom, key_position, constraints, attnum) "
		"SELECT $1, $2, n.name, n.position, n.type, n.nullable, n.description, n.custom, n.key_position, n.constraints, n.attnum FROM now n "
		"WHERE n.name NOT IN (SELECT after FROM renamed) "
		"ON CONFLICT (table_id, name) DO UPDATE SET position = excluded.position, type = excluded.type, nullable = excluded.nullable, "
		"description = excluded.description, custom = excluded.custom, key_position = excluded.key_position, constraints = excluded.constraints, attnum = excluded.attnum, gone_at = NULL), "
		"gone AS (UPDATE ingest.source_column s SET gone_at = now(), attnum = 0 FROM went WHERE s.id = went.id AND NOT EXISTS (SELECT FROM renamed r WHERE r.id = s.id)) "
		"INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, before, after, run) "
		"SELECT $1, $2, 'column', x.name, x.change, x.before, x.after, $4 FROM ("
		"SELECT name, 'added' AS change, NULL::jsonb AS before, jsonb_build_object('type', type, 'description', description, 'custom', custom) AS after FROM came "
		"WHERE NOT $7 AND name NOT IN (SELECT after FROM renamed) "
		"UNION ALL SELECT name, 'removed', jsonb_build_object('type', type, 'description', description, 'custom', custom), NULL FROM went "
		"WHERE name NOT IN (SELECT before FROM renamed) "
		"UNION ALL SELECT after, 'renamed', jsonb_build_object('name', before), jsonb_build_object('name', after) FROM renamed "
		"UNION ALL SELECT n.name, 'returned', NULL, jsonb_build_object('type', n.type) FROM now n JOIN old o USING (name) WHERE o.gone_at IS NOT NULL "
		"UNION ALL SELECT n.name, 'retyped', jsonb_build_object('type', o.type), jsonb_build_object('type', n.type) FROM now n JOIN old o USING (name) WHERE n.type <> o.type "
		"UNION ALL SELECT n.name, 'altered', jsonb_build_object('nullable', o.nullable, 'description', o.description), "
		"jsonb_build_object('nullable', n.nullable, 'description', n.description) FROM now n JOIN old o USING (name) "
		"WHERE (n.nullable, n.description) IS DISTINCT FROM (o.nullable, o.description)) x" CHANGE_RETURNING,
		arg_int8(c->source->id), arg_int8(table_id), arg_relation(relation), arg_int8(c->run->id), arg_text(c->source->custom_columns), arg_text(key),
		arg_bool(is_new));
	announce(c, table, changes);
}

typedef struct Counting
{
	const char *relation;
	const char *cursor;
	Rows *rows;
} Counting;

static void
count_table(void *arg)
{
	Counting *counting = arg;

	counting->rows = user_rows(psprintf("SELECT count(*), %s FROM %s",
										counting->cursor ? psprintf("max(%s)", quote_identifier(counting->cursor)) : "NULL",
										counting->relation));
}

/* A foreign table that is in its place goes into the repository */
static void
record_table(Crawl *c, int64 schema_id, const char *name, const char *schema, const char *local)
{
	char *relation = quoted_relation(schema, local);
	const char *key_list = listed(c, name, LISTED_KEY);
	const char *cursor = listed(c, name, LISTED_CURSOR);
	Rows *rows;
	char *key;
	int64 id;
	bool is_new;
	char *type;

	/* the key: by the connector, or by a constraint on what stands behind it; never one whose columns are not there */
	key = own_value("SELECT k FROM (SELECT regexp_split_to_array($1, '\\s*,\\s*') AS k) x WHERE $1 IS NOT NULL AND "
					"NOT EXISTS (SELECT FROM unnest(k) e WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $2::regclass AND attname = e AND NOT attisdropped))",
					arg_text(key_list), arg_text(relation));
	type = cursor ? own_value("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = $1::regclass AND attname = $2 AND NOT attisdropped",
							  arg_text(relation), arg_text(cursor))
				  : NULL;
	if (type == NULL)
		cursor = NULL;
	is_new = repo_value("SELECT 1 FROM ingest.source_table WHERE schema_id = $1 AND name = $2", arg_int8(schema_id), arg_text(name)) == NULL;
	rows = repo_rows("INSERT INTO ingest.source_table AS t (source, schema_id, name, local_schema, local_name, kind, description, key, key_origin, cursor_column, parent, parent_column, crawled_at, relation) "
					 "VALUES ($1, $2, $3, $4, $5, CASE WHEN $3 LIKE 'customrecord\\_%' THEN 'custom record' ELSE 'table' END, coalesce(obj_description($6, 'pg_class'), $7), "
					 "$8::text[], CASE WHEN $8 IS NOT NULL THEN 'source' END, $9, $10, $11, clock_timestamp(), $6::oid) "
					 "ON CONFLICT (schema_id, name) DO UPDATE SET description = excluded.description, "
					 "key = CASE WHEN excluded.key IS NULL OR t.key_origin = 'user' THEN t.key ELSE excluded.key END, "
					 "key_origin = CASE WHEN excluded.key IS NULL OR t.key_origin = 'user' THEN t.key_origin ELSE excluded.key_origin END, "
					 "cursor_column = coalesce(excluded.cursor_column, t.cursor_column), "
					 "parent = excluded.parent, parent_column = excluded.parent_column, crawled_at = excluded.crawled_at, local_schema = excluded.local_schema, local_name = excluded.local_name, relation = excluded.relation "
					 "RETURNING id, gone_at IS NOT NULL, key",
					 arg_int8(c->source->id), arg_int8(schema_id), arg_text(name), arg_name(schema), arg_name(local),
					 arg_relation(relation), arg_text(listed(c, name, LISTED_DESCRIPTION)), arg_text(key), arg_text(cursor),
					 arg_text(listed(c, name, LISTED_PARENT)), arg_text(listed(c, name, LISTED_PARENT_COLUMN)));
	id = to_int8(first_row(rows)[0]);
	if (is_new || to_bool(first_row(rows)[1]))
	{
		StringInfoData json;

		c->discovered += is_new;
		repo_run("UPDATE ingest.source_table SET gone_at = NULL WHERE id = $1", arg_int8(id));
		repo_run("INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, after, run) VALUES ($1, $2, 'table', $3, $4, $5::jsonb, $6)",
				 arg_int8(c->source->id), arg_int8(id), arg_text(name), arg_text(is_new ? "added" : "returned"),
				 arg_text(repo_value("SELECT jsonb_build_object('relation', $1::text)", arg_text(relation))), arg_int8(c->run->id));
		json_open(&json);
		json_text(&json, "source", c->source->name);
		json_text(&json, "table", name);
		json_text(&json, "relation", relation);
		json_raw(&json, "columns", own_value("SELECT jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) ORDER BY attnum) "
											 "FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
											 arg_text(relation)));
		json_int8(&json, "run", c->run->id);
		event_emit(is_new ? "ingest.table.discovered" : "ingest.table.returned", c->source->name, name, json_close(&json));
	}
	record_columns(c, id, name, relation, first_row(rows)[2], is_new);
	repo_run("INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column, kind, job, run) "
			 "SELECT $1, $2, $3, name, $4, $5, name, 'import', $6, $7 FROM ingest.source_column WHERE table_id = $8 AND gone_at IS NULL "
			 "ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind) DO UPDATE SET last_seen = now(), run = excluded.run, job = excluded.job",
			 arg_int8(c->source->id), arg_text(psprintf("%s:%s", c->source->name, c->remote_schema)), arg_text(name), arg_text(schema),
			 arg_text(local), run_job ? arg_int8(run_job) : arg_null(INT8OID), arg_int8(c->run->id), arg_int8(id));
	if (c->count_rows)
	{
		Counting counting = {relation, cursor && strncmp(type, "timestamp", 9) == 0 ? cursor : NULL};
		Failure failure;

		if (attempt(count_table, &counting, &failure))
			repo_run("UPDATE ingest.source_table SET row_count = $2::bigint, last_change = $3::timestamptz WHERE id = $1", arg_int8(id),
					 arg_text(first_row(counting.rows)[0]), arg_text(first_row(counting.rows)[1]));
		else if (strcmp(failure_class(&failure), "cancelled") == 0)
			failure_rethrow(&failure);
		else
			warn(c, psprintf("rows of %s could not be counted: %s", name, failure_text(&failure)));
	}
	c->seen++;
}

/* -- some tables, in one transaction -- */

static int64
schema_number(Crawl *c)
{
	return to_int8(repo_value("INSERT INTO ingest.source_schema (source, name) VALUES ($1, $2) ON CONFLICT (source, name) DO UPDATE SET gone_at = NULL RETURNING id",
							  arg_int8(c->source->id), arg_text(c->remote_schema)));
}

static void
drop_scratch(Crawl *c)
{
	Rows *rows = own_rows("SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'f'",
						  arg_text(c->scratch));

	for (uint64 i = 0; i < rows->n; i++)
		user_run(psprintf("DROP FOREIGN TABLE %s", rows->v[i][0]));
	user_run(psprintf("DROP SCHEMA %s", quote_identifier(c->scratch)));
}

static void
import_tables(void *arg)
{
	Crawl *c = arg;
	int64 schema_id = schema_number(c);
	StringInfoData sql;
	Rows *imported;

	user_run(psprintf("CREATE SCHEMA %s", quote_identifier(c->scratch)));
	initStringInfo(&sql);
	appendStringInfo(&sql, "IMPORT FOREIGN SCHEMA %s", quote_identifier(c->remote_schema));
	for (int i = 0; i < c->n_tables; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? " LIMIT TO (" : ", ", quote_identifier(c->tables[i]));
	appendStringInfo(&sql, "%s FROM SERVER %s INTO %s", c->n_tables > 0 ? ")" : "", quote_identifier(c->source->server), quote_identifier(c->scratch));
	user_run(sql.data);
	imported = own_rows("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'f' ORDER BY 1",
						arg_text(c->scratch));
	for (uint64 i = 0; i < imported->n; i++)
	{
		char *name = imported->v[i][0];
		char *schema,
			*local;

		find_place(c, schema_id, name, c->prefixed ? psprintf("%s_%s", c->remote_schema, name) : name, &schema, &local);
		if (follow(c, name, schema, local))
			record_table(c, schema_id, name, schema, local);
		else
			warn(c, psprintf("table %s was left out: %s is something else here", name, quoted_relation(schema, local)));
	}
	drop_scratch(c);
	run_progress(c->run, psprintf("%lld tables", (long long) c->seen), -1);
}

/* Foreign tables that somebody made by hand */
static void
record_handmade(void *arg)
{
	Crawl *c = arg;
	int64 schema_id = schema_number(c);
	Rows *tables = own_rows("SELECT c.relname FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver JOIN pg_class c ON c.oid = t.ftrelid "
							"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.srvname = $1 AND n.nspname = $2 AND ($3::text[] IS NULL OR c.relname = ANY ($3::text[])) ORDER BY 1",
							arg_text(c->source->server), arg_text(c->source->local_schema), arg_text(c->source->include));

	for (uint64 i = 0; i < tables->n; i++)
		record_table(c, schema_id, tables->v[i][0], c->source->local_schema, tables->v[i][0]);
	run_progress(c->run, psprintf("%lld tables", (long long) c->seen), -1);
}

/* -- the whole -- */

static void
begin(void *arg)
{
	Crawl *c = arg;

	repo_run("UPDATE ingest.run SET state = 'lost', finished_at = clock_timestamp() WHERE kind = 'crawl' AND source = $1 AND state = 'running'",
			 arg_int8(c->source->id));
	c->run = run_begin("crawl", c->source->name, c->source->name, c->source->id, 0);
	if (c->all)
		repo_run("UPDATE ingest.data_source SET crawl_began_at = clock_timestamp() WHERE id = $1 AND crawl_began_at IS NULL", arg_int8(c->source->id));
}

static void
list_tables(void *arg)
{
	Crawl *c = arg;

	c->listed = user_rows(psprintf("SELECT j->>'table', j->>'key', j->>'cursor', j->>'parent', j->>'parent_column', j->>'description' "
								   "FROM %s($1) t, to_jsonb(t) j ORDER BY 1",
								   c->source->tables),
						  arg_name(c->source->server));
}

static void
finish(void *arg)
{
	Crawl *c = arg;
	StringInfoData json;

	if (c->all)
	{
		Rows *gone = repo_rows("WITH g AS (UPDATE ingest.source_table t SET gone_at = now() FROM ingest.data_source d WHERE t.source = $1 AND d.id = $1 "
							   "AND t.gone_at IS NULL AND t.crawled_at < d.crawl_began_at RETURNING t.id, t.name, t.local_schema, t.local_name) "
							   "INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, before, run) "
							   "SELECT $1, id, 'table', name, 'removed', jsonb_build_object('relation', format('%I.%I', local_schema, local_name)), $2 FROM g" CHANGE_RETURNING,
							   arg_int8(c->source->id), arg_int8(c->run->id));

		for (uint64 i = 0; i < gone->n; i++)
		{
			Rows one = {1, gone->columns, &gone->v[i]};

			announce(c, gone->v[i][1], &one);
		}
		repo_run("UPDATE ingest.data_source SET last_crawl_at = clock_timestamp(), crawl_began_at = NULL WHERE id = $1", arg_int8(c->source->id));
	}
	/* those that were asked for by name */
	for (int i = 0; !c->all && i < c->n_asked; i++)
	{
		if (repo_value("SELECT 1 FROM ingest.source_table WHERE source = $1 AND name = $2 AND crawled_at >= (SELECT started_at FROM ingest.run WHERE id = $3)",
					   arg_int8(c->source->id), arg_text(c->asked[i]), arg_int8(c->run->id)) == NULL)
			warn(c, psprintf("source \"%s\" has no table \"%s\"", c->source->name, c->asked[i]));
	}
	run_succeed(c->run);
	json_open(&json);
	json_text(&json, "source", c->source->name);
	json_int8(&json, "run", c->run->id);
	json_int8(&json, "tables", c->seen);
	json_int8(&json, "discovered", c->discovered);
	json_int8(&json, "changes", c->changed);
	event_emit("ingest.crawl.completed", c->source->name, c->source->name, json_close(&json));
}

static void
write_failure(void *arg)
{
	Crawl *c = arg;

	run_fail(c->run, &c->failure);
}

static bool
step(Crawl *c, void (*function)(void *))
{
	Failure failure;

	if (attempt_as_owner_and_commit(c->source->owner, function, c, &c->failure))
		return true;
	if (c->run && !attempt_as_owner_and_commit(c->source->owner, write_failure, c, &failure))
		ereport(WARNING, (errmsg("the failure of run %lld could not be written down: %s", (long long) c->run->id, failure.message)));
	return false;
}

/* Leave out what was seen since the crawl began that did not end */
static void
skip_done(void *arg)
{
	Crawl *c = arg;
	Rows *rows = repo_rows("SELECT t.name FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source JOIN ingest.source_schema s ON s.id = t.schema_id "
						   "WHERE d.id = $1 AND s.name = $2 AND t.crawled_at >= d.crawl_began_at",
						   arg_int8(c->source->id), arg_text(c->remote_schema));
	int n = 0;

	for (int i = 0; i < c->n_left; i++)
	{
		bool done = false;

		for (uint64 k = 0; c->all && k < rows->n; k++)
			done = done || strcmp(rows->v[k][0], c->left[i]) == 0;
		if (!done)
			c->left[n++] = c->left[i];
	}
	c->n_left = n;
}

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

static bool
crawl_all(Crawl *c, char **tables, int n_tables)
{
	if (!step(c, begin) || (c->source->tables && !step(c, list_tables)))
		return false;
	if (c->all && c->source->include)
		tables = parse_array(c->source->include, &n_tables);
	else if (c->all && c->listed)
	{
		n_tables = c->listed->n;
		tables = palloc(sizeof(char *) * Max(n_tables, 1));
		for (int i = 0; i < n_tables; i++)
			tables[i] = c->listed->v[i][LISTED_TABLE];
	}
	for (int i = 0; i < c->source->n_remote_schemas; i++)
	{
		c->remote_schema = c->source->remote_schemas[i];
		c->prefixed = i > 0;
		if (!crawl_schema(c, tables, n_tables))
			return false;
	}
	if (c->source->n_remote_schemas == 0)
	{
		c->remote_schema = c->source->local_schema;
		if (!step(c, record_handmade))
			return false;
	}
	return step(c, finish);
}

static void
find_source(void *arg)
{
	Crawl *c = arg;

	c->source = source_by_name(c->name);
	if (!session_lock(LOCK_CRAWL, c->source->id))
	{
		c->source = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("source \"%s\" is being crawled already", c->name)));
	}
}

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
