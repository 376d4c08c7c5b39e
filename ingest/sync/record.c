/*
 * record.c
 *		A sync as the repository has it, with its children.
 */
#include "postgres.h"

#include "ingest/repository/access.h"
#include "ingest/sync/sync.h"
#include "utils/builtins.h"

/* A relation by its name, whoever may look into its schema */
#define RELATION_OF(schema, name) \
	"(SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = " schema " AND c.relname = " name ")"
#define SYNC_QUERY \
	"SELECT s.id, s.name, s.source, t.local_schema, t.local_name, t.name, s.target_schema, s.target_table, s.owner, s.mode, s.key, s.cursor_column, s.overlap, " \
	"s.batch_rows, s.deletions, s.parent, s.parent_column, s.history, s.row_events, s.profile, s.reconcile_every, s.max_delete_share, s.reject_limit, s.state, " \
	"s.state_reason, z.phase, z.generation, z.watermark, z.next_watermark, z.deleted_watermark, z.reload, z.mismatches, z.epoch, t.gone_at, " RELATION_OF("t.local_schema", "t.local_name") ", " RELATION_OF("s.target_schema", "s.target_table") ", z.unfilled IS NOT NULL, s.owner_name " \
																																																												  "FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.sync_state z ON z.sync = s.id "

/* On Citus's nodes? */
static bool
is_distributed(const char *target)
{
	return own_value("SELECT to_regclass('pg_catalog.pg_dist_partition')") != NULL &&
		   own_value("SELECT 1 FROM pg_catalog.pg_dist_partition WHERE logicalrelid = $1::regclass", arg_text(target)) != NULL;
}

static Sync *
sync_of(char **v)
{
	Sync *s = palloc0(sizeof(Sync));

	s->context = CurrentMemoryContext;
	s->missing_limit = -1;
	s->id = to_int4(v[0]);
	s->name = v[1];
	s->owner = to_oid(v[8]);
	require_owner(s->owner, v[37], "sync", s->name);
	s->source = source_by_id(to_int4(v[2]));
	s->foreign_schema = v[3];
	s->foreign_table = v[4];
	s->remote_table = v[5];
	s->target_schema = v[6];
	s->target_table = v[7];
	s->mode = v[9];
	s->key = parse_array(v[10], &s->n_key);
	s->cursor = v[11];
	s->overlap = v[12];
	s->batch_rows = to_int8(v[13]);
	s->deletions = v[14];
	s->parent = v[15] ? to_int4(v[15]) : 0;
	s->parent_column = v[16];
	s->profile = v[19];
	s->reconcile_every = v[20];
	s->max_delete_share = strtod(v[21], NULL);
	s->state = v[23];
	s->state_reason = v[24];
	s->phase = v[25];
	s->generation = to_int4(v[26]);
	s->watermark = v[27];
	s->next_watermark = v[28];
	s->deleted_watermark = v[29];
	s->reload = to_bool(v[30]);
	s->mismatches = to_int4(v[31]);
	s->epoch = to_int8(v[32]);
	s->unfilled = to_bool(v[36]);
	if (v[34] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the foreign table %s of sync \"%s\" is gone", quoted_relation(s->foreign_schema, s->foreign_table), s->name),
				 errhint("CALL ingest.crawl('%s').", s->source->name)));
	if (v[35] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table %s of sync \"%s\" is gone", quoted_relation(s->target_schema, s->target_table), s->name),
				 errhint("SELECT ingest.drop_sync('%s'), and create it again.", s->name)));
	s->copy.sync = s->id;
	s->copy.name = s->name;
	s->copy.source = s->source->name;
	s->copy.target = quoted_relation(s->target_schema, s->target_table);
	s->copy.foreign = quoted_relation(s->foreign_schema, s->foreign_table);
	s->copy.stage_name = psprintf("pg_temp.ingest_stage_%d", s->id);
	s->copy.distributed = is_distributed(s->copy.target);
	s->copy.soft = strcmp(s->deletions, "soft") == 0;
	s->copy.ignore_deletions = strcmp(s->deletions, "ignore") == 0;
	s->copy.history = to_bool(v[17]);
	s->copy.row_events = to_bool(v[18]);
	s->copy.reject_limit = strtod(v[22], NULL);
	return s;
}

static void
read_children(Sync *s)
{
	Rows *rows = repo_rows(SYNC_QUERY "WHERE s.parent = $1 AND s.state = 'active' ORDER BY s.id", arg_int8(s->id));

	if (rows->n > lengthof(s->children))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sync \"%s\" has %d children, more than %d", s->name, (int) rows->n, (int) lengthof(s->children))));
	for (uint64 i = 0; i < rows->n; i++)
	{
		s->children[i] = sync_of(rows->v[i]);
		read_children(s->children[i]);
	}
	s->n_children = rows->n;
}

Sync *
sync_by_id(int32 id)
{
	Rows *rows = repo_rows(SYNC_QUERY "WHERE s.id = $1", arg_int8(id));
	Sync *s = sync_of(first_row(rows));

	read_children(s);
	return s;
}

bool
sync_is_full(const Sync *s)
{
	return strcmp(s->mode, "full") == 0;
}
