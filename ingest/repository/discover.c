/*
 * discover.c
 *		One table of a source: its foreign table follows the import, what is known of it
 *		goes into the repository, and what changed is kept and announced.
 */
#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/base/row.h"
#include "ingest/event/event.h"
#include "ingest/repository/discover.h"
#include "utils/builtins.h"

/* Several schemas, and several sources of one server, may have tables of one name */
bool
discover_is_listed_here(const Crawl *c, const Listed *l)
{
	return l->schema == NULL || c->source->remote_schemas.n == 0 || strcmp(l->schema, c->remote_schema) == 0;
}

/* What the connector says of a table; nothing, if it did not list it */
static const Listed *
listed(const Crawl *c, const char *table)
{
	static const Listed nothing = {0};

	for (int i = 0; i < c->n_listed; i++)
	{
		if (strcmp(c->listed[i].table, table) == 0 && discover_is_listed_here(c, &c->listed[i]))
			return &c->listed[i];
	}
	return &nothing;
}

/* To who calls, and to who reads the log of the run later */
void
discover_warn(Crawl *c, const char *message)
{
	c->warned = true;
	run_log(c->run, "warning", message, NULL);
	ereport(WARNING, (errmsg("%s", message)));
}

/* -- the foreign table -- */

ROW_SHAPE(place_shape, Place, FIELD_OF("schema_name", TEXT, Place, schema),
		  FIELD_OF("relation_name", TEXT, Place, name));

Place
discover_place(const Crawl *c, int32 schema_id, const char *name, const char *usual)
{
	Place *known = repo_struct(place_shape, "SELECT * FROM ingest_internal.place_of_table($1::integer, $2)",
							   arg_int8(schema_id), arg_text(name));

	return known ? *known : (Place){c->source->local_schema, pstrdup(usual)};
}

/* Out of the schema of the import, under its name */
static void
move_in(const Crawl *c, const char *imported, const Place *place)
{
	if (strcmp(imported, place->name) != 0)
		user_run(psprintf("ALTER FOREIGN TABLE %s RENAME TO %s", quoted_relation(c->scratch, imported),
						  quote_identifier(place->name)));
	user_run(psprintf("ALTER FOREIGN TABLE %s SET SCHEMA %s", quoted_relation(c->scratch, place->name),
					  quote_identifier(place->schema)));
}

/* A statement that brings a column along, its comment, and what it does to it */
typedef struct Following
{
	char *statement;
	char *comment;
	char *change;
	char *column_name;
} Following;

ROW_SHAPE(following_shape, Following, FIELD(TEXT, Following, statement), FIELD(TEXT, Following, comment),
		  FIELD(TEXT, Following, change), FIELD(TEXT, Following, column_name));

/* What an attempt does: what depends on a column may forbid it */
static void
alter_quietly(void *arg)
{
	user_run(arg);
}

/* New columns, other types, gone ones; what views of the user's depend on stays as it is */
static void
follow_columns(Crawl *c, const char *imported, const char *old, const char *local)
{
	int n;
	Failure failure;
	Following *f = repo_structs(following_shape, &n, "SELECT * FROM ingest_internal.crawl_columns_differ($1, $2)",
								arg_relation(imported), arg_relation(old));

	for (int i = 0; i < n; i++)
	{
		if (attempt(alter_quietly, f[i].statement, &failure))
		{
			if (f[i].comment)
				user_run(f[i].comment);
			continue;
		}
		discover_warn(c, psprintf("column %s.%s was %s at the source but could not be changed here: %s",
								  local, f[i].column_name,
								  f[i].change, failure_text(&failure)));
	}
}

typedef struct Option
{
	char *statement;
} Option;

ROW_SHAPE(option_shape, Option, FIELD(TEXT, Option, statement));

/* Options of the foreign table become what the import says now */
static void
follow_options(const char *imported, const char *old)
{
	int n;
	Option *options = repo_structs(option_shape, &n, "SELECT * FROM ingest_internal.crawl_options_differ($1, $2)",
								   arg_relation(imported), arg_relation(old));

	for (int i = 0; i < n; i++)
		user_run(options[i].statement);
}

bool
discover_follow(Crawl *c, const char *imported, const Place *place)
{
	char *new = quoted_relation(c->scratch, imported);
	char *old = quoted_relation(place->schema, place->name);
	char *there = repo_value("SELECT ingest_internal.crawl_place($1, $2, $3)", arg_name(place->schema),
							 arg_name(place->name), arg_name(c->source->server));

	if (there == NULL)
	{
		move_in(c, imported, place);
		return true;
	}
	if (strcmp(there, "ours") != 0)
		return false;
	follow_columns(c, new, old, place->name);
	follow_options(new, old);
	return true;
}

/* -- the repository -- */

/* What a crawl saw change: the columns of ingest.metadata_change */
typedef struct Change
{
	char *object_kind;
	char *object_name;
	char *change;
	char *before;
	char *after;
} Change;

ROW_SHAPE(change_shape, Change, FIELD(TEXT, Change, object_kind), FIELD(TEXT, Change, object_name),
		  FIELD(TEXT, Change, change), FIELD(TEXT, Change, before), FIELD(TEXT, Change, after));

/* table: whose column it is; of a table its own name */
static void
announce(Crawl *c, const char *table, const Change *change)
{
	bool of_table = strcmp(change->object_kind, "table") == 0;
	StringInfoData json;

	c->changed++;
	json_open(&json);
	json_text(&json, "source", c->source->name);
	json_text(&json, "table", table);
	json_text(&json, change->object_kind, change->object_name);
	json_raw(&json, "before", change->before);
	json_raw(&json, "after", change->after);
	json_int8(&json, "run", c->run->id);
	event_emit(psprintf("ingest.%s.%s", change->object_kind, change->change), c->source->name,
			   of_table ? table : psprintf("%s.%s", table, change->object_name), json_close(&json));
}

void
discover_gone(Crawl *c)
{
	int n;
	Change *gone = repo_structs(change_shape, &n, "SELECT * FROM ingest_internal.crawl_ends($1::integer, $2)",
								arg_int8(c->source->id), arg_int8(c->run->id));

	for (int i = 0; i < n; i++)
		announce(c, gone[i].object_name, &gone[i]);
}

typedef struct Recorded
{
	int32 id;
	bool is_new;
	bool was_gone;
	char *key;
} Recorded;

ROW_SHAPE(recorded_shape, Recorded, FIELD(INT4, Recorded, id), FIELD(BOOL, Recorded, is_new),
		  FIELD(BOOL, Recorded, was_gone), FIELD(TEXT, Recorded, key));

/* Writes down the columns as they are, and tells what differs from before */
static void
record_columns(Crawl *c, const Recorded *table, const char *name, const char *relation)
{
	int n;
	Change *changes = repo_structs(
		change_shape, &n,
		"SELECT * FROM ingest_internal.crawl_columns($1::integer, $2::integer, $3, $4, $5, $6::text[], $7)",
		arg_int8(c->source->id), arg_int8(table->id), arg_relation(relation), arg_int8(c->run->id),
		arg_text(c->source->custom_columns), arg_text(table->key), arg_bool(table->is_new));

	for (int i = 0; i < n; i++)
		announce(c, name, &changes[i]);
}

/* A table that is new, or is there again */
static void
record_coming(Crawl *c, const Recorded *table, const char *name, const char *relation)
{
	StringInfoData json;

	c->discovered += table->is_new;
	repo_run("SELECT ingest_internal.crawl_came($1::integer, $2::integer, $3, $4, $5)", arg_int8(c->source->id),
			 arg_int8(table->id), arg_bool(table->is_new), arg_text(relation), arg_int8(c->run->id));
	json_open(&json);
	json_text(&json, "source", c->source->name);
	json_text(&json, "table", name);
	json_text(&json, "relation", relation);
	json_raw(&json, "columns", repo_value("SELECT ingest_internal.crawl_column_list($1)", arg_relation(relation)));
	json_int8(&json, "run", c->run->id);
	event_emit(table->is_new ? "ingest.table.discovered" : "ingest.table.returned", c->source->name, name,
			   json_close(&json));
}

typedef struct Counting
{
	const char *relation;
	const char *cursor;
	char *rows;
	char *newest;
} Counting;

ROW_SHAPE(counted_shape, Counting, FIELD(TEXT, Counting, rows), FIELD(TEXT, Counting, newest));

/* What an attempt does: a source that cannot count is no reason to fail */
static void
count_table(void *arg)
{
	Counting *counting = arg;
	const char *newest = counting->cursor ? psprintf("max(%s)", quote_identifier(counting->cursor)) : "NULL";
	Counting *counted = user_answer(
		&counted_shape, psprintf("SELECT count(*) AS rows, %s AS newest FROM %s", newest, counting->relation));

	counting->rows = counted->rows;
	counting->newest = counted->newest;
}

/* How many rows it has, and how new the newest is: what cannot be counted is told, and stops nothing */
static void
count_rows(Crawl *c, const Recorded *table, const char *name, const char *relation, const char *cursor)
{
	Counting counting = {relation, cursor};
	Failure failure;

	if (attempt(count_table, &counting, &failure))
		repo_run("SELECT ingest_internal.crawl_counted($1::integer, $2::bigint, $3::timestamptz)", arg_int8(table->id),
				 arg_text(counting.rows), arg_text(counting.newest));
	else
		discover_warn(c, psprintf("rows of %s could not be counted: %s", name, failure_text(&failure)));
}

void
discover_record(Crawl *c, int32 schema_id, const char *name, const Place *place)
{
	char *relation = quoted_relation(place->schema, place->name);
	const Listed *l = listed(c, name);
	char *type = l->cursor ? repo_value("SELECT ingest_internal.column_type($1, $2)", arg_relation(relation),
										arg_name(l->cursor))
						   : NULL;
	const char *cursor = type ? l->cursor : NULL;
	char *key = repo_value("SELECT ingest_internal.crawl_key($1, $2)", arg_text(l->key), arg_relation(relation));
	Recorded *table = repo_struct(
		recorded_shape,
		"SELECT * FROM ingest_internal.crawl_table($1::integer, $2::integer, $3, $4, $5, $6::text[], $7, $8, $9)",
		arg_int8(c->source->id), arg_int8(schema_id), arg_text(name), arg_relation(relation), arg_text(l->description),
		arg_text(key), arg_text(cursor), arg_text(l->parent), arg_text(l->parent_column));

	if (table->is_new || table->was_gone)
		record_coming(c, table, name, relation);
	record_columns(c, table, name, relation);
	repo_run("SELECT ingest_internal.crawl_flows($1::integer, $2, $3, $4)", arg_int8(table->id),
			 arg_text(psprintf("%s:%s", c->source->name, c->remote_schema)),
			 run_job ? arg_int8(run_job) : arg_null(INT8OID), arg_int8(c->run->id));
	if (c->count_rows && c->source->counts)
		count_rows(c, table, name, relation,
				   cursor && strncmp(type, "timestamp", strlen("timestamp")) == 0 ? cursor : NULL);
	c->seen++;
}
