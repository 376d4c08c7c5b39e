/*
 * settings.c
 *		How a sync is to be kept: what is asked of it, when it is made and when it is changed.
 *
 * Ranges of numbers and intervals are the trigger's on ingest.sync, whoever writes it.
 */
#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/repository/access.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/settings.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Columns of a key that is looked for in the data */
#define KEY_COLUMNS_AT_MOST 3

ROW_SHAPE(source_table_shape, SourceTable,
		  FIELD(INT4, SourceTable, id),
		  FIELD(TEXT, SourceTable, source),
		  FIELD(BOOL, SourceTable, has_key),
		  FIELD(TEXTS, SourceTable, key),
		  FIELD(TEXT, SourceTable, cursor),
		  FIELD(TEXT, SourceTable, parent),
		  FIELD(TEXT, SourceTable, parent_column));

/* Qualified, for messages and statements */
static char *
relation_name(Oid relation)
{
	return quoted_relation(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

/* Only what was crawled: the rest has no key, no cursor and no lineage that is known */
SourceTable *
source_table_of(Oid foreign_table)
{
	SourceTable *table =
		repo_struct(source_table_shape, "SELECT * FROM ingest_internal.sync_source_table($1)", arg_oid(foreign_table));

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s is not a table of a source that was crawled", relation_name(foreign_table)),
				 errhint("Register its server with ingest.register_source, then CALL ingest.crawl.")));
	return table;
}

/* One form for all that cannot be */
void
settings_refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", what),
			 errhint("%s", hint)));
}

/* Deleted rows stay and are marked */
bool
settings_soft(const Settings *settings)
{
	return strcmp(settings->deletions, "soft") == 0;
}

/* The whole table is read each time */
bool
settings_full(const Settings *settings)
{
	return strcmp(settings->mode, "full") == 0;
}

/* Only pieces that are other ones are read */
bool
settings_in_pieces(const Settings *settings)
{
	return strcmp(settings->mode, "pieces") == 0;
}

/* Words of three */
static bool
is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

void
settings_check_words(const Settings *s)
{
	if (!is_one_of(s->mode, "full", "incremental", "append") && !settings_in_pieces(s))
		settings_refuse(psprintf("there is no mode \"%s\"", s->mode), "The modes are full, incremental, append and "
																	  "pieces.");
	if (!is_one_of(s->deletions, "hard", "soft", "ignore"))
		settings_refuse(psprintf("there is no deletion policy \"%s\"", s->deletions), "The policies are hard, soft "
																					  "and ignore.");
	if (!is_one_of(s->profile, "all", "sample", "none"))
		settings_refuse(psprintf("there is no way to profile a copy \"%s\"", s->profile), "profile is all, sample or "
																						  "none.");
}

static bool
has_column(Oid relation, const char *column)
{
	return column && get_attnum(relation, column) > InvalidAttrNumber;
}

void
settings_default_mode(Settings *s, const Source *source, Oid foreign_table)
{
	if (s->mode == NULL)
		s->mode = source->pieces && has_column(foreign_table, source->piece_column) ? "pieces" : "incremental";
}

/* A key that the data have, where nobody names one: verified by reading the table */
static Texts
key_of_data(const char *relation)
{
	char *schema = own_value("SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = "
							 "e.extnamespace "
							 "WHERE e.extname = 'ingest_profile'");
	Texts key;

	ereport(NOTICE,
			(errmsg("the source names no key of %s: it is read to find one", relation),
			 errhint("Name the key to avoid that: key => '{...}'.")));
	key.v = parse_array(own_value(psprintf("SELECT columns FROM %s.candidate_keys($1::regclass, $2) ORDER BY score "
										   "DESC LIMIT 1",
										   schema),
								  arg_text(relation), arg_int4(KEY_COLUMNS_AT_MOST)),
						&key.n);
	return key;
}

/* Where a row stands is its key, where the connector says so */
static Texts
places_of(const Source *source, Oid foreign_table)
{
	Texts key = {0};

	if (!has_column(foreign_table, source->piece_column) || !has_column(foreign_table, source->position_column))
		return key;
	key.n = 2;
	key.v = palloc(sizeof(char *) * 2);
	key.v[0] = source->piece_column;
	key.v[1] = source->position_column;
	return key;
}

/* The source's key, or one that the data have, if they have just one */
static void
complete_key(Settings *s, const SourceTable *table, const Source *source, Oid foreign_table, const char *foreign)
{
	if (s->key.v == NULL)
		s->key = table->key;
	if (s->key.v == NULL && settings_in_pieces(s))
		s->key = places_of(source, foreign_table);
	if (s->key.v == NULL && !settings_full(s))
	{
		s->key = key_of_data(foreign);
		if (s->key.v)
			repo_run("SELECT ingest_internal.sync_note_key($1, $2)", arg_int4(table->id),
					 arg_texts(s->key.v, s->key.n));
	}
	if (s->key.n == 0 && !settings_full(s))
		settings_refuse(psprintf("mode %s needs a key, and %s has none", s->mode, foreign),
						"Name its columns with key => '{...}', or use mode => 'full'.");
	if (s->key.n == 0 && (s->history || s->row_events || settings_soft(s)))
		settings_refuse("history, row_events and soft deletions need a key", "Name its columns with key => '{...}'.");
}

/* What the crawl found; full needs none */
static void
complete_cursor(Settings *s, const SourceTable *table, const char *foreign)
{
	if (s->cursor_column == NULL)
		s->cursor_column = table->cursor;
	if (settings_full(s) || settings_in_pieces(s))
		s->cursor_column = NULL;
	/* rows of a parent come with it */
	else if (s->cursor_column == NULL && !(s->parent && strcmp(s->mode, "incremental") == 0))
		settings_refuse(psprintf("mode %s needs a cursor, a column that shows that a row changed, and none is known "
								 "for %s",
								 s->mode, foreign),
						"Name it with cursor_column => '...', or use mode => 'full'.");
}

/* System columns are none */
static void
require_columns(Oid relation, const char *name)
{
	if (repo_value("SELECT 1 FROM ingest_internal.sync_definitions($1, '{}', '{}') LIMIT 1", arg_oid(relation)) == NULL)
		settings_refuse(psprintf("%s has no columns: there is nothing to copy", name),
						"If it has some at the source by now, CALL ingest.crawl.");
}

static void
require_column(Oid relation, const char *name, const char *column)
{
	if (get_attnum(relation, column) <= InvalidAttrNumber)
		settings_refuse(psprintf("%s has no column \"%s\"", name, column),
						"Key and cursor must be columns of the foreign table.");
}

/* For attempt(): the type may have no max() */
static void
ask_greatest(void *arg)
{
	user_run(arg);
}

/* A cursor is what has a greatest value: a uuid, a bytea, a boolean and a document have none in every version */
static void
require_greatest(const char *foreign, const char *cursor)
{
	Failure failure;

	if (attempt(ask_greatest, psprintf("SELECT max(%s) FROM %s WHERE false", quote_identifier(cursor), foreign),
				&failure))
		return;
	if (failure.sqlerrcode != ERRCODE_UNDEFINED_FUNCTION)
		failure_rethrow(&failure);
	settings_refuse(psprintf("column \"%s\" of %s cannot be a cursor: values of its type have no maximum", cursor,
							 foreign),
					"A cursor is a time or a number that grows with every change; without one use mode => 'full'.");
}

/* What is written as text grows otherwise than what it says */
static void
warn_of_text(Oid relation, const char *foreign, const char *cursor)
{
	char category;
	bool preferred;

	get_type_category_preferred(getBaseType(get_atttype(relation, get_attnum(relation, cursor))), &category,
								&preferred);
	if (category == TYPCATEGORY_STRING)
		ereport(NOTICE,
				(errmsg("column \"%s\" is text, and is compared as text: '10' comes before '9'", cursor),
				 errhint("Changes below the greatest value of %s are found only by the comparison of keys.",
						 foreign)));
}

/* Who keeps a copy in pieces has a connector that lists them */
static void
require_pieces(const Settings *s, const Source *source, Oid foreign_table, const char *foreign)
{
	if (source->pieces == NULL || source->piece_column == NULL)
		settings_refuse(psprintf("the connector of source \"%s\" lists no pieces", source->name),
						"ingest.connector says what it can do; use mode => 'full' or 'incremental'.");
	if (!has_column(foreign_table, source->piece_column))
		settings_refuse(psprintf("%s has no column \"%s\", which names the piece of a row", foreign,
								 source->piece_column),
						"CALL ingest.crawl, which asks for it; or add it by hand.");
	if (s->parent_column || s->parent)
		settings_refuse("a copy in pieces belongs to no parent", "It follows its own pieces.");
}

static bool
is_in(const Texts *names, const char *name)
{
	for (int i = 0; name && i < names->n; i++)
	{
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

/* A column by which rows are told apart or found must be what it is at the source */
static void
refuse_needed(const Settings *s, const char *column, const char *what)
{
	if (is_in(&s->exclude, column) || is_in(&s->pseudonymise, column))
		settings_refuse(psprintf("column \"%s\" cannot be excluded or pseudonymised: it is %s", column, what),
						"Rows are identified and found by it. Use another key, or leave the table out.");
}

/* What is not to be told */
static void
check_secrets(const Settings *s, const Source *source, Oid foreign_table, const char *foreign)
{
	for (int i = 0; i < s->exclude.n; i++)
	{
		require_column(foreign_table, foreign, s->exclude.v[i]);
		if (is_in(&s->pseudonymise, s->exclude.v[i]))
			settings_refuse(psprintf("column \"%s\" is both excluded and pseudonymised", s->exclude.v[i]),
							"Choose one of them.");
	}
	for (int i = 0; i < s->pseudonymise.n; i++)
		require_column(foreign_table, foreign, s->pseudonymise.v[i]);
	for (int i = 0; i < s->key.n; i++)
		refuse_needed(s, s->key.v[i], "of the key");
	refuse_needed(s, s->cursor_column, "the cursor");
	refuse_needed(s, s->parent_column, "the parent's");
	if (settings_in_pieces(s))
		refuse_needed(s, source->piece_column, "which names the piece of a row");
	if (s->pseudonymise.n > 0 && s->pseudonym_key == NULL)
		settings_refuse("pseudonymise needs a pseudonym_key", "For example: pseudonym_key => "
															  "'file:/run/secrets/pseudonyms'.");
	if (s->pseudonym_key)
		pseudonym_require_key(GetUserId(), s->pseudonym_key);
}

/* SELECT and nothing else than an expression */
static bool
is_one_value(const SelectStmt *select)
{
	return select->op == SETOP_NONE && list_length(select->targetList) == 1 &&
		   linitial_node(ResTarget, select->targetList)->name == NULL && !select->distinctClause &&
		   !select->intoClause && !select->fromClause && !select->whereClause && !select->groupClause &&
		   !select->havingClause && !select->windowClause && !select->sortClause && !select->limitCount &&
		   !select->limitOffset && !select->lockingClause && !select->withClause;
}

/* One expression, which the server understands of the table's rows: the statement that has it holds nothing else */
static void
require_condition(const Settings *s, const char *foreign)
{
	List *statements = raw_parser(psprintf("SELECT %s", s->deleted_when), RAW_PARSE_DEFAULT);
	SelectStmt *select = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;

	if (select == NULL || !IsA(select, SelectStmt) || !is_one_value(select))
		settings_refuse("deleted_when must be one condition on a row of the source's table",
						"For example: deleted_when => 'op = ''D'''.");
	if (strcmp(s->mode, "append") == 0)
		settings_refuse("mode append deletes nothing, so deleted_when would have no effect",
						"Use another mode, or leave "
						"it out.");
	user_run(psprintf("SELECT FROM %s WHERE (%s) IS TRUE LIMIT 0", foreign, s->deleted_when));
}

void
settings_complete(Settings *s, const SourceTable *table, const Source *source, Oid foreign_table,
				  const char *tried_cursor)
{
	char *foreign = relation_name(foreign_table);

	require_columns(foreign_table, foreign);
	if (settings_in_pieces(s))
		require_pieces(s, source, foreign_table, foreign);
	complete_key(s, table, source, foreign_table, foreign);
	complete_cursor(s, table, foreign);
	for (int i = 0; i < s->key.n; i++)
		require_column(foreign_table, foreign, s->key.v[i]);
	check_secrets(s, source, foreign_table, foreign);
	if (s->deleted_when)
		require_condition(s, foreign);
	if (s->cursor_column)
	{
		require_column(foreign_table, foreign, s->cursor_column);
		require_greatest(foreign, s->cursor_column);
		if (tried_cursor == NULL || strcmp(tried_cursor, s->cursor_column) != 0)
			warn_of_text(foreign_table, foreign, s->cursor_column);
		/* can the source filter by the cursor? Better to know now */
		if (tried_cursor == NULL || strcmp(tried_cursor, s->cursor_column) != 0)
			user_run(
				psprintf("SELECT FROM %s WHERE %s IS NOT NULL LIMIT 1", foreign, quote_identifier(s->cursor_column)));
	}
}

typedef struct Parent
{
	int32 id;
	int32 key_columns;
	int32 source_id;
	char *remote_table;
	Oid owner;
	char *owner_name;
} Parent;

ROW_SHAPE(parent_shape, Parent,
		  FIELD(INT4, Parent, id),
		  FIELD(INT4, Parent, key_columns),
		  FIELD(INT4, Parent, source_id),
		  FIELD(TEXT, Parent, remote_table),
		  FIELD(OID, Parent, owner),
		  FIELD(TEXT, Parent, owner_name));

void
settings_set_parent(Settings *s, const char *name, const SourceTable *table, const Source *source, Oid foreign_table)
{
	Parent *parent = repo_struct(parent_shape, "SELECT * FROM ingest_internal.sync_parent($1)", arg_text(name));

	if (parent == NULL)
		settings_refuse(psprintf("there is no sync \"%s\" that could be the parent", name), "Create the parent's sync "
																							"first.");
	if (parent->key_columns != 1 || parent->source_id != source->id)
		settings_refuse(psprintf("sync \"%s\" cannot be a parent", name),
						"A parent must be of the same source and have a key of one column.");
	if (parent->owner != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("sync \"%s\", the parent, belongs to another role", name),
				 errdetail("A parent and its children are written in one transaction, as their owner."),
				 errhint("SET ROLE %s.", quote_identifier(parent->owner_name))));
	if (s->parent_column == NULL && table->parent && strcmp(table->parent, parent->remote_table) == 0)
		s->parent_column = table->parent_column;
	if (s->parent_column == NULL || get_attnum(foreign_table, s->parent_column) <= InvalidAttrNumber)
		settings_refuse(
			psprintf("which column of %s names the row of \"%s\" is not known", relation_name(foreign_table), name),
			"Name it with parent_column => '...'.");
	s->parent = parent->id;
}

/* What stands where a copy is to be */
typedef struct Target
{
	Oid oid;
	bool is_table;
	char *owner_name;
} Target;

ROW_SHAPE(target_shape, Target, FIELD(OID, Target, oid), FIELD(BOOL, Target, is_table),
		  FIELD(TEXT, Target, owner_name));

/* A copy is written without asking: into what is its owner's alone */
void
settings_require_target(const char *name)
{
	Target *target = repo_struct(target_shape, "SELECT * FROM ingest_internal.sync_target($1)", arg_relation(name));

	if (target == NULL || !owns_relation(GetUserId(), target->oid))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", name),
				 target ? errdetail("It belongs to %s; a sync of %s would replace its rows.", target->owner_name,
									GetUserNameFromId(GetUserId(), false))
						: 0,
				 errhint("Name a table that does not exist yet, or one of your own.")));
	if (!target->is_table)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", name),
				 errhint("A copy is a table: name one that does not exist yet.")));
}

/* A merge by a key that is not unique would write a row twice */
static void
require_unique_key(const char *target, const Texts *key)
{
	if (key->n > 0 && !to_bool(repo_value("SELECT ingest_internal.sync_is_unique($1, $2)", arg_relation(target),
										  arg_texts(key->v, key->n))))
		settings_refuse(psprintf("table %s has no unique index on the key (%s)", target, array_literal(key->v, key->n)),
						"Create one, or let the sync create the table.");
}

void
settings_prepare_target(const Settings *s, const char *target)
{
	require_unique_key(target, &s->key);
	if (settings_soft(s) &&
		!to_bool(repo_value("SELECT ingest_internal.has_column($1, '_deleted_at')", arg_relation(target))))
		user_run(psprintf("ALTER TABLE %s ADD COLUMN _deleted_at timestamptz", target));
}
