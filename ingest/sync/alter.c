/*
 * alter.c
 *		Changing how a sync is kept: the arguments of create_sync, asked for in the same way.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/sync/create.h"
#include "ingest/sync/history.h"
#include "ingest/sync/settings.h"
#include "ingest/sync/sync.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

SQL_FUNCTION(ingest_alter_sync);

/* The arguments of alter_sync, in its order */
enum
{
	ARG_NAME,
	ARG_MODE,
	ARG_KEY,
	ARG_CURSOR,
	ARG_OVERLAP,
	ARG_BATCH_ROWS,
	ARG_DELETIONS,
	ARG_PARENT,
	ARG_PARENT_COLUMN,
	ARG_HISTORY,
	ARG_HISTORY_RETENTION,
	ARG_ROW_EVENTS,
	ARG_PROFILE,
	ARG_RECONCILE_EVERY,
	ARG_MAX_DELETE_SHARE,
	ARG_REJECT_LIMIT,
	ARG_FRESHNESS,
	ARG_UNSET,
	ARG_EXCLUDE,
	ARG_PSEUDONYMISE,
	ARG_PSEUDONYM_KEY,
	ARG_DELETED_WHEN
};

/* How old the copy may be: what is known of the table, not of the sync */
typedef struct Freshness
{
	bool is_said;
	char *objective; /* NULL: of any age */
} Freshness;

/* Settings that can be null, by their names */
#define UNSET_NAMES "parent, history_retention, reconcile_every, freshness and deleted_when"

ROW_SHAPE(settings_shape, Settings,
		  FIELD(TEXT, Settings, mode),
		  FIELD(TEXTS, Settings, key),
		  FIELD(TEXT, Settings, cursor_column),
		  FIELD(TEXT, Settings, overlap),
		  FIELD(TEXT, Settings, batch_rows),
		  FIELD(TEXT, Settings, deletions),
		  FIELD(INT4, Settings, parent),
		  FIELD(TEXT, Settings, parent_column),
		  FIELD(BOOL, Settings, history),
		  FIELD(TEXT, Settings, history_retention),
		  FIELD(BOOL, Settings, row_events),
		  FIELD(TEXT, Settings, profile),
		  FIELD(TEXT, Settings, reconcile_every),
		  FIELD(TEXT, Settings, max_delete_share),
		  FIELD(TEXT, Settings, reject_limit),
		  FIELD(TEXTS, Settings, exclude),
		  FIELD(TEXTS, Settings, pseudonymise),
		  FIELD(TEXT, Settings, pseudonym_key),
		  FIELD(TEXT, Settings, deleted_when));

/* Null leaves a setting as it is */
static void
take_text(FunctionCallInfo fcinfo, int n, char **setting)
{
	if (!PG_ARGISNULL(n))
		*setting = argument_as_text(fcinfo, n);
}

/* What is null stays as it is */
static void
take_arguments(FunctionCallInfo fcinfo, Settings *s)
{
	take_text(fcinfo, ARG_MODE, &s->mode);
	if (!PG_ARGISNULL(ARG_KEY))
		s->key = argument_as_texts(fcinfo, ARG_KEY, "the key");
	take_text(fcinfo, ARG_CURSOR, &s->cursor_column);
	take_text(fcinfo, ARG_OVERLAP, &s->overlap);
	take_text(fcinfo, ARG_BATCH_ROWS, &s->batch_rows);
	take_text(fcinfo, ARG_DELETIONS, &s->deletions);
	take_text(fcinfo, ARG_PARENT_COLUMN, &s->parent_column);
	if (!PG_ARGISNULL(ARG_HISTORY))
		s->history = PG_GETARG_BOOL(ARG_HISTORY);
	take_text(fcinfo, ARG_HISTORY_RETENTION, &s->history_retention);
	if (!PG_ARGISNULL(ARG_ROW_EVENTS))
		s->row_events = PG_GETARG_BOOL(ARG_ROW_EVENTS);
	take_text(fcinfo, ARG_PROFILE, &s->profile);
	take_text(fcinfo, ARG_RECONCILE_EVERY, &s->reconcile_every);
	take_text(fcinfo, ARG_MAX_DELETE_SHARE, &s->max_delete_share);
	take_text(fcinfo, ARG_REJECT_LIMIT, &s->reject_limit);
	if (!PG_ARGISNULL(ARG_EXCLUDE))
		s->exclude = argument_as_texts(fcinfo, ARG_EXCLUDE, "exclude");
	if (!PG_ARGISNULL(ARG_PSEUDONYMISE))
		s->pseudonymise = argument_as_texts(fcinfo, ARG_PSEUDONYMISE, "pseudonymise");
	take_text(fcinfo, ARG_PSEUDONYM_KEY, &s->pseudonym_key);
	take_text(fcinfo, ARG_DELETED_WHEN, &s->deleted_when);
}

/* Null as an argument leaves a setting alone: which become null is said by name */
static void
unset(Settings *s, Freshness *freshness, const Texts *names)
{
	for (int i = 0; i < names->n; i++)
	{
		if (strcmp(names->v[i], "history_retention") == 0)
			s->history_retention = NULL;
		else if (strcmp(names->v[i], "reconcile_every") == 0)
			s->reconcile_every = NULL;
		else if (strcmp(names->v[i], "deleted_when") == 0)
			s->deleted_when = NULL;
		else if (strcmp(names->v[i], "parent") == 0)
		{
			s->parent = 0;
			s->parent_column = NULL;
		}
		else if (strcmp(names->v[i], "freshness") == 0)
			*freshness = (Freshness){.is_said = true};
		else
			settings_refuse(psprintf("a sync has no setting \"%s\" that can be null", names->v[i]),
							"Those are " UNSET_NAMES ".");
	}
}

/* Nothing that does nothing says nothing */
static void
require_something(FunctionCallInfo fcinfo, const char *name)
{
	for (int i = ARG_NAME + 1; i <= ARG_DELETED_WHEN; i++)
	{
		if (!PG_ARGISNULL(i))
			return;
	}
	settings_refuse(psprintf("nothing to change in sync \"%s\"", name),
					"Name settings as in ingest.create_sync: batch_rows => 10000. unset => '{reconcile_every}' "
					"creates one null.");
}

/* The parent, as create_sync asks for it; and not one that is below this sync */
static void
take_parent(Settings *settings, const Sync *s, const char *parent, const SourceTable *table)
{
	settings_set_parent(settings, parent, table, s->source, s->foreign_relation);
	if (to_bool(
			repo_value("SELECT ingest_internal.sync_is_above($1, $2)", arg_int4(s->id), arg_int4(settings->parent))))
		settings_refuse(psprintf("sync \"%s\" cannot be the parent of \"%s\"", parent, s->name),
						"A parent must not be one of its own children.");
}

/* Is a name among those? */
static bool
is_in(const Texts *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
	{
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * Once something was copied, a column cannot become one that is not to be told: its values are in the copy, in history,
 * in rejected rows, in profiles and in backups of all these.
 */
static void
require_never_copied(const Sync *s, const Settings *now)
{
	const Texts *lists[] = {&now->exclude, &now->pseudonymise};
	const Texts *before[] = {&s->exclude, &s->pseudonymise};

	if (strcmp(s->phase, "new") == 0)
		return;
	for (int l = 0; l < 2; l++)
	{
		for (int i = 0; i < lists[l]->n; i++)
		{
			if (!is_in(before[l], lists[l]->v[i]) && !is_in(&s->exclude, lists[l]->v[i]) &&
				get_attnum(s->target_relation, lists[l]->v[i]) != InvalidAttrNumber)
				settings_refuse(psprintf("column \"%s\" has already been copied: its values are in %s and in what is "
										 "kept of it",
										 lists[l]->v[i], s->copy.target),
								"Drop the sync, which deletes its history, and the table; then create both again.");
		}
	}
	for (int i = 0; i < s->pseudonymise.n; i++)
	{
		if (!is_in(&now->pseudonymise, s->pseudonymise.v[i]) && !is_in(&now->exclude, s->pseudonymise.v[i]))
			settings_refuse(psprintf("column \"%s\" of %s holds pseudonyms", s->pseudonymise.v[i], s->copy.target),
							"Drop the sync and the table, and create both again.");
	}
}

/* The whole row is written, the settings that stay as well */
static void
update_sync(const Sync *s, const Settings *now)
{
	repo_run("SELECT ingest_internal.sync_update($1, $2, $3::name[], $4, $5::interval, $6::integer, $7, $8, $9, $10, "
			 "$11::interval, $12, $13, "
			 "$14::interval, $15::float8, $16::float8, $17::name[], $18::name[], $19, $20)",
			 arg_int4(s->id), arg_text(now->mode), arg_texts(now->key.v, now->key.n), arg_name(now->cursor_column),
			 arg_text(now->overlap), arg_text(now->batch_rows), arg_text(now->deletions),
			 now->parent ? arg_int4(now->parent) : arg_null(INT4OID), arg_name(now->parent_column),
			 arg_bool(now->history), arg_text(now->history_retention), arg_bool(now->row_events),
			 arg_text(now->profile), arg_text(now->reconcile_every), arg_text(now->max_delete_share),
			 arg_text(now->reject_limit), arg_texts(now->exclude.v, now->exclude.n),
			 arg_texts(now->pseudonymise.v, now->pseudonymise.n), arg_text(now->pseudonym_key),
			 arg_text(now->deleted_when));
}

typedef struct Changed
{
	char *before, *after; /* NULL: nothing differs */
} Changed;

ROW_SHAPE(changed_shape, Changed, FIELD(TEXT, Changed, before), FIELD(TEXT, Changed, after));

/* What is written down of it, unless nothing differs */
static void
note_change(const char *name, const Changed *changed, bool *differs)
{
	if (changed == NULL || changed->after == NULL)
		return;
	audit("alter_sync", name, changed->before, changed->after);
	*differs = true;
}

/* alter_sync(name, …) */
Datum
ingest_alter_sync(PG_FUNCTION_ARGS)
{
	char *name = required_text(ARG_NAME);
	char *parent = text_or_null(ARG_PARENT);
	int level = sql_begin();
	Sync *s = sync_by_name(name);
	Settings *settings;
	SourceTable *table;
	Texts names = argument_as_texts(fcinfo, ARG_UNSET, "unset");
	Freshness freshness = {!PG_ARGISNULL(ARG_FRESHNESS), argument_as_text(fcinfo, ARG_FRESHNESS)};
	Identity caller;
	char *was;
	bool differs = false;

	require_something(fcinfo, name);
	settings = repo_struct(settings_shape, "SELECT * FROM ingest_internal.sync_settings($1)", arg_int4(s->id));
	table = source_table_of(s->foreign_relation);
	take_arguments(fcinfo, settings);
	unset(settings, &freshness, &names);
	become_owner(s->owner, &caller);
	settings_check_words(settings);
	if (parent)
		take_parent(settings, s, parent, table);
	settings_complete(settings, table, s->source, s->foreign_relation, s->cursor);
	require_never_copied(s, settings);
	settings_prepare_target(settings, s->copy.target);
	was = repo_value("SELECT to_jsonb(s) FROM ingest.sync s WHERE id = $1", arg_int4(s->id));
	update_sync(s, settings);
	if (settings->history)
		(void) history_view_create(name);
	become_again(&caller);
	note_change(name,
				repo_struct(changed_shape, "SELECT * FROM ingest_internal.sync_changed($1, $2)", arg_int4(s->id),
							arg_jsonb(was)),
				&differs);
	if (freshness.is_said)
		note_change(name,
					repo_struct(changed_shape, "SELECT * FROM ingest_internal.sync_freshness($1, $2::interval)",
								arg_int4(s->id), arg_text(freshness.objective)),
					&differs);
	if (!settings->history)
		repo_run("SELECT ingest_internal.drop_history_view($1)", arg_int4(s->id));
	if (!differs)
		ereport(NOTICE, (errmsg("sync \"%s\" already has these settings", name)));
	sql_end(level);
	PG_RETURN_VOID();
}
