/*
 * record.c
 *		A sync as the repository has it, with its children.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "ingest/base/compat.h"
#include "ingest/repository/access.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/sync.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_sync_trouble);

ROW_SHAPE(sync_shape, Sync,
		  FIELD(INT4, Sync, id),
		  FIELD(TEXT, Sync, name),
		  FIELD(INT4, Sync, source_id),
		  FIELD(TEXT, Sync, foreign_schema),
		  FIELD(TEXT, Sync, foreign_table),
		  FIELD(TEXT, Sync, remote_table),
		  FIELD(TEXT, Sync, target_schema),
		  FIELD(TEXT, Sync, target_table),
		  FIELD(OID, Sync, foreign_relation),
		  FIELD(OID, Sync, target_relation),
		  FIELD(OID, Sync, owner),
		  FIELD(TEXT, Sync, owner_name),
		  FIELD(TEXT, Sync, mode),
		  FIELD(TEXTS, Sync, key),
		  FIELD(TEXT, Sync, cursor),
		  FIELD(TEXT, Sync, overlap),
		  FIELD(INT8, Sync, batch_rows),
		  FIELD_OF("soft", BOOL, Sync, copy.soft),
		  FIELD_OF("ignore_deletions", BOOL, Sync, copy.ignore_deletions),
		  FIELD(INT4, Sync, parent),
		  FIELD(TEXT, Sync, parent_column),
		  FIELD_OF("history", BOOL, Sync, copy.history),
		  FIELD_OF("row_events", BOOL, Sync, copy.row_events),
		  FIELD(TEXT, Sync, profile),
		  FIELD(TEXT, Sync, reconcile_every),
		  FIELD(FLOAT8, Sync, max_delete_share),
		  FIELD_OF("reject_limit", FLOAT8, Sync, copy.reject_limit),
		  FIELD(TEXT, Sync, state),
		  FIELD(TEXT, Sync, state_reason),
		  FIELD(TEXT, Sync, phase),
		  FIELD(INT4, Sync, generation),
		  FIELD(TEXT, Sync, watermark),
		  FIELD(TEXT, Sync, next_watermark),
		  FIELD(TEXT, Sync, deleted_watermark),
		  FIELD(BOOL, Sync, reload),
		  FIELD(BOOL, Sync, unfilled),
		  FIELD(INT4, Sync, mismatches),
		  FIELD(INT8, Sync, epoch),
		  FIELD(TEXTS, Sync, exclude),
		  FIELD(TEXTS, Sync, pseudonymise),
		  FIELD(TEXT, Sync, pseudonym_key),
		  FIELD(TEXT, Sync, deleted_when));

/* On Citus's nodes? */
static bool
is_distributed(Oid target)
{
	return own_value("SELECT to_regclass('pg_catalog.pg_dist_partition')") != NULL &&
		   own_value("SELECT 1 FROM pg_catalog.pg_dist_partition WHERE logicalrelid = $1", arg_oid(target)) != NULL;
}

/* Both tables are there under the names that the repository knows */
static void
require_tables(const Sync *s)
{
	if (!OidIsValid(s->foreign_relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the foreign table %s of sync \"%s\" is gone",
							   quoted_relation(s->foreign_schema, s->foreign_table), s->name),
						errhint("CALL ingest.crawl(%s).", quote_literal_cstr(s->source->name))));
	if (!OidIsValid(s->target_relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("the table %s of sync \"%s\" is gone",
							   quoted_relation(s->target_schema, s->target_table), s->name),
						errhint("SELECT ingest.drop_sync(%s), and create it again.", quote_literal_cstr(s->name))));
}

/* A column that the connector names, if this foreign table has it; quoted */
static char *
given_column(const Sync *s, const char *name, Oid type)
{
	AttrNumber number = name ? get_attnum(s->foreign_relation, name) : InvalidAttrNumber;

	if (number <= InvalidAttrNumber || (OidIsValid(type) && get_atttype(s->foreign_relation, number) != type))
		return NULL;
	return pstrdup(quote_identifier(name));
}

/* Which of the columns that say where a row stands there are, and which columns are nobody's */
static void
find_given(Sync *s)
{
	const Source *source = s->source;

	s->left_out = reading_left_out(&s->exclude, source, s->foreign_relation, s->mode);
	s->copy.has_secrets = s->exclude.n + s->pseudonymise.n > 0;
	s->copy.error_column = given_column(s, source->error_column, JSONBOID);
	if (!sync_is_in_pieces(s))
		return;
	/* files of changes: what a later one says of a key holds */
	s->copy.stages_gone = s->deleted_when && s->copy.ignore_deletions;
	s->copy.piece_column = given_column(s, source->piece_column, InvalidOid);
	s->copy.position_column = given_column(s, source->position_column, INT8OID);
	s->copy.version_column = given_column(s, source->version_column, InvalidOid);
}

/* One sync without its children, for who acts for its owner */
static Sync *
read_one(int32 id)
{
	Sync *s = repo_struct(sync_shape, "SELECT * FROM ingest_internal.sync_record($1)", arg_int4(id));

	if (s == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("a sync that is needed is gone"),
				 errhint("It was dropped in the meantime, or the repository is being restored.")));
	require_owner(s->owner, s->owner_name, "sync", s->name);
	s->context = CurrentMemoryContext;
	s->missing_limit = -1;
	s->source = source_by_id(s->source_id);
	require_tables(s);
	s->copy.sync = s->id;
	s->copy.name = s->name;
	s->copy.source = s->source->name;
	s->copy.may_cut = s->source->may_cut;
	s->copy.target = quoted_relation(s->target_schema, s->target_table);
	s->copy.foreign = quoted_relation(s->foreign_schema, s->foreign_table);
	s->copy.there = s->copy.read = s->copy.foreign;
	find_given(s);
	s->copy.stage_name = psprintf("pg_temp.ingest_stage_%d", s->id);
	s->copy.distributed = is_distributed(s->target_relation);
	return s;
}

/* One that is stopped or paused is left out, and owed what it misses: see batch_owe() */
static void
read_children(Sync *s)
{
	Rows *rows =
		repo_rows("SELECT id FROM ingest.sync WHERE parent = $1 AND state = 'active' ORDER BY id", arg_int4(s->id));

	if (rows->n > CHILDREN_AT_MOST)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sync \"%s\" has %d children, more than %d", s->name, (int) rows->n, CHILDREN_AT_MOST)));
	for (uint64 i = 0; i < rows->n; i++)
	{
		s->children[i] = read_one(to_int4(rows->v[i][0]));
		read_children(s->children[i]);
	}
	s->n_children = rows->n;
	s->n_followers =
		to_int4(repo_value("SELECT count(*) FROM ingest.sync WHERE parent = $1", arg_int4(s->id)));
}

Sync *
sync_by_id(int32 id)
{
	Sync *s = read_one(id);

	read_children(s);
	return s;
}

void
sync_refuse_unknown(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no sync \"%s\"", name),
			 errhint("ingest.create_sync creates one; SELECT sync FROM ingest.table_status lists them.")));
}

Sync *
sync_by_name(const char *name)
{
	char *id = repo_value("SELECT id FROM ingest.sync WHERE name = $1", arg_text(name));

	if (id == NULL)
		sync_refuse_unknown(name);
	return sync_by_id(to_int4(id));
}

bool
sync_is_full(const Sync *s)
{
	return strcmp(s->mode, "full") == 0;
}

bool
sync_is_in_pieces(const Sync *s)
{
	return strcmp(s->mode, "pieces") == 0;
}

/* -- what a view says of one -- */

/* Of the catalogue, as of now */
static Oid
owner_of(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Not into a table of others as a superuser, who may write everywhere: its triggers would run as the superuser */
static bool
may_write(Oid owner, Oid target)
{
	return has_privs_of_role(owner, owner_of(target)) && (!superuser_arg(owner) || superuser_arg(owner_of(target)));
}

void
sync_require_target(const Sync *s)
{
	Oid target = get_relname_relid(s->target_table, get_namespace_oid(s->target_schema, true));

	if (target != s->target_relation || !may_write(s->owner, target))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the table %s of the copy belongs to another role now, or is another table", s->copy.target),
				 errhint("Give it back to %s: ALTER TABLE %s OWNER TO ....", GetUserNameFromId(s->owner, false),
						 s->copy.target)));
}

/*
 * sync_trouble(owner, origin, its schema and name, target, its schema and name): why a
 * copy cannot be kept, whatever its state says; NULL: both tables are there.  Views ask
 * it of each of thousands of copies.
 */
Datum
ingest_sync_trouble(PG_FUNCTION_ARGS)
{
	Oid owner = PG_GETARG_OID(0);
	Oid origin = PG_GETARG_OID(1);
	Oid target = PG_GETARG_OID(4);
	char *foreign_name = quoted_relation(NameStr(*PG_GETARG_NAME(2)), NameStr(*PG_GETARG_NAME(3)));
	char *target_name = quoted_relation(NameStr(*PG_GETARG_NAME(5)), NameStr(*PG_GETARG_NAME(6)));
	char *trouble;

	if (!OidIsValid(owner_of(target)))
		trouble = psprintf("The table %s of the copy is gone: drop the sync and create it again.", target_name);
	else if (!may_write(owner, target))
		trouble = psprintf("The table %s of the copy belongs to another role now.", target_name);
	else if (!OidIsValid(owner_of(origin)))
		trouble = psprintf("The foreign table %s is gone: crawl its source.", foreign_name);
	else
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(trouble));
}
