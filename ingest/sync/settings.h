/*
 * settings.h
 *		How a sync is to be kept: what is asked of it, when it is made and when it is changed.
 */
#ifndef INGEST_SETTINGS_H
#define INGEST_SETTINGS_H

#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/repository/connector.h"

/* Intervals and numbers as text, NULL where they are null; deletions and mode in words */
typedef struct Settings
{
	char *mode;
	Texts key; /* not quoted */
	char *cursor_column;
	char *overlap;
	char *batch_rows;
	char *deletions;
	int32 parent; /* 0: none */
	char *parent_column;
	bool history;
	char *history_retention;
	bool row_events;
	char *profile;
	char *reconcile_every;
	char *max_delete_share;
	char *reject_limit;
	Texts exclude, pseudonymise; /* not quoted */
	char *pseudonym_key;
	char *deleted_when;
} Settings;

/* What a crawl knows of the source's table */
typedef struct SourceTable
{
	int32 id;
	char *source;
	bool has_key;
	Texts key;
	char *cursor;
	char *parent;
	char *parent_column;
} SourceTable;

extern SourceTable *source_table_of(Oid foreign_table);
extern void settings_refuse(const char *what, const char *hint) __attribute__((noreturn));
extern bool settings_soft(const Settings *settings);
extern bool settings_full(const Settings *settings);
/* Words that are none, and what does not go together */
extern void settings_check_words(const Settings *settings);
/*
 * What nobody named is as the source says, or as the data show; then errors unless the foreign table has it all.
 * tried_cursor: the source filters by it already, so that it need not be reached to change something else.
 */
extern void settings_complete(Settings *settings, const SourceTable *table, const Source *source, Oid foreign_table,
							  const char *tried_cursor);
extern bool settings_in_pieces(const Settings *settings);
/* NULL is the source's: pieces where it has some, else incremental */
extern void settings_default_mode(Settings *settings, const Source *source, Oid foreign_table);
/* The sync that is to be the parent, by its name: the column that names its rows is found or checked */
extern void settings_set_parent(Settings *settings, const char *parent, const SourceTable *table, const Source *source,
								Oid foreign_table);
/* A table that is there is the owner's alone: a copy is written without asking */
extern void settings_require_target(const char *target);
/* And has a unique index on the key, and a column for soft deletions, which is added */
extern void settings_prepare_target(const Settings *settings, const char *target);

#endif /* INGEST_SETTINGS_H */
