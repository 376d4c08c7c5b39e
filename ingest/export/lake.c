/*
 * lake.c
 *		An export, and the lake's table that it writes: what there is to write, and in which words.
 *
 * Of a lake's table the engine knows what its connector's functions tell: the columns that are written, those by which
 * rows are deleted, and up to where somebody's rows are in it.
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "common/attribute.h"
#include "ingest/export/lake.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

ROW_SHAPE(export_shape, Export, FIELD(INT4, Export, id), FIELD(TEXT, Export, name), FIELD(OID, Export, owner),
		  FIELD(TEXT, Export, owner_name), FIELD(TEXT, Export, mode), FIELD(TEXT, Export, expressions),
		  FIELD(BOOL, Export, replaces), FIELD(TEXT, Export, held), FIELD(TEXT, Export, app), FIELD(INT8, Export, mark),
		  FIELD(TEXT, Export, shape), FIELD(TEXT, Export, since), FIELD(OID, Export, from_relation),
		  FIELD(OID, Export, to_relation), FIELD(TEXT, Export, from_name), FIELD(TEXT, Export, to_name),
		  FIELD(INT4, Export, sync), FIELD(INT4, Export, source), FIELD(BOOL, Export, loaded),
		  FIELD(BOOL, Export, soft), FIELD(TEXT, Export, known_at), FIELD(BOOL, Export, known),
		  FIELD(TEXT, Export, now));

Export *
export_by_id(int32 id)
{
	Export *e = repo_struct(export_shape, "SELECT * FROM ingest_internal.export_record($1)", arg_int4(id));

	if (e == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("export %d is gone", id)));
	return e;
}

ROW_SHAPE(lake_shape, Lake, FIELD(TEXT, Lake, columns), FIELD(TEXT, Lake, mark), FIELD(TEXT, Lake, published));

Lake *
lake_of(Oid relation, const char *name)
{
	Lake *lake =
		repo_struct(lake_shape, "SELECT * FROM ingest_internal.export_connector($1)", arg_oid(relation));

	if (lake)
		lake->written = own_value(psprintf("SELECT array_agg(c.\"column\") FROM %s($1::regclass) c", lake->columns),
								  arg_oid(relation));
	if (lake == NULL || lake->written == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("%s is not the table of a lake", name),
						errhint("It can be, for example, a foreign table of files_fdw with format 'parquet' and "
								"layout 'delta'.")));
	lake->relation = relation;
	return lake;
}

typedef struct Written
{
	char *name, *value, *type;
	char *misfit; /* the type that it has here, which does not fit */
} Written;

ROW_SHAPE(written_shape, Written, FIELD(TEXT, Written, name), FIELD(TEXT, Written, value), FIELD(TEXT, Written, type),
		  FIELD(TEXT, Written, misfit));

pg_noreturn static void
nothing_for(const Export *e, const char *column)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("nothing is known for column %s of lake %s", column, e->to_name),
					errdetail("%s has no column of that name%s.", e->from_name,
							  e->sync == 0 ? "" : ", which may have gone at the source"),
					errhint("ALTER FOREIGN TABLE %s DROP COLUMN %s, or drop the export and create it with "
							"expressions => '{\"column\": \"an expression\"}'.",
							e->to_name, column)));
}

void
lake_fill(Lake *lake, const Export *e)
{
	StringInfoData names, values, folder, folder_of;
	int n;
	Written *columns =
		repo_structs(written_shape, &n, "SELECT * FROM ingest_internal.export_columns($1, $2, $3, $4, $5::name[])",
					 arg_oid(e->from_relation), arg_oid(lake->relation), arg_text(e->mode), arg_jsonb(e->expressions),
					 arg_text(lake->written));
	Rows *folders = own_rows(psprintf("SELECT quote_ident(c.\"column\") FROM %s($1::regclass) c WHERE c.folder",
									  lake->columns),
							 arg_oid(lake->relation));

	initStringInfo(&names);
	initStringInfo(&values);
	initStringInfo(&folder);
	initStringInfo(&folder_of);
	for (int i = 0; i < n; i++)
	{
		const char *comma = i > 0 ? ", " : "";

		if (columns[i].value == NULL)
			nothing_for(e, columns[i].name);
		if (columns[i].misfit)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column %s of lake %s is of type %s, and that of %s of type %s", columns[i].name,
								   e->to_name, columns[i].type, e->from_name, columns[i].misfit),
							errdetail("Values might change in the lake without notice."),
							errhint("Declare it as %s or text, or drop the export and create it with "
									"expressions => '{\"column\": \"an expression\"}'.",
									columns[i].misfit)));
		if (strcmp(columns[i].name, "_deleted_at") == 0)
			lake->tells_deleted = true;
		appendStringInfo(&names, "%s%s", comma, columns[i].name);
		appendStringInfo(&values, "%s%s", comma, columns[i].value);
		for (uint64 f = 0; f < folders->n; f++)
		{
			if (strcmp(folders->v[f][0], columns[i].name) != 0)
				continue;
			appendStringInfo(&folder, "%s%s", folder.len > 0 ? ", " : "", columns[i].name);
			appendStringInfo(&folder_of, "%s(%s)::%s", folder_of.len > 0 ? ", " : "", columns[i].value,
							 columns[i].type);
		}
	}
	lake->names = names.data;
	lake->values = values.data;
	if (folder.len > 0)
	{
		lake->folder = psprintf("ROW(%s)::text", folder.data);
		lake->folder_of = psprintf("ROW(%s)::text", folder_of.data);
	}
}

/* -- the folder of a row -- */

static bool
is_of_moment(Oid function, void *context)
{
	switch (function)
	{
		/* stable only for as long as a statement: with UTC, others of PostgreSQL's that are give the same each time */
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_AGE_TIMESTAMP:
		case F_AGE_TIMESTAMPTZ:
			return true;
		default:
			return func_volatile(function) == PROVOLATILE_VOLATILE;
	}
}

static bool
has_more_than_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink) || IsA(node, SQLValueFunction) || check_functions_in_node(node, is_of_moment, context))
		return true;
	return expression_tree_walker(node, has_more_than_row, context);
}

/* What a version of a row says is in which folder that row stood, so that it is found there again */
bool
lake_row_decides(const Lake *lake, const Export *e)
{
	char *sql = psprintf("SELECT %s FROM %s t", lake->folder_of, e->from_name);
	RawStmt *statement = linitial_node(RawStmt, pg_parse_query(sql));

	return !has_more_than_row((Node *) parse_analyze_fixedparams(statement, sql, NULL, 0, NULL)->targetList, NULL);
}

/* -- how far it is -- */

int64
lake_has(const Lake *lake, const char *app)
{
	char *mark = own_value(psprintf("SELECT %s($1::regclass, $2)", lake->published), arg_oid(lake->relation),
						   arg_text(app));

	return mark ? to_int8(mark) : -1;
}

void
lake_sign(const Lake *lake, const char *app, int64 mark)
{
	(void) own_rows(psprintf("SELECT %s($1::regclass, $2, $3)", lake->mark), arg_oid(lake->relation), arg_text(app),
					arg_int8(mark));
}

bool
lake_has_rows(const char *name)
{
	return own_value(psprintf("SELECT 1 FROM %s LIMIT 1", name)) != NULL;
}

/* -- statements -- */

/* Softly deleted rows are none, unless the lake can say what they are */
static const char *
living(const Lake *lake, const Export *e)
{
	return e->soft && !lake->tells_deleted ? "t._deleted_at IS NULL" : "true";
}

#define NEW_CHANGES "ingest_internal.new_changes(%d, $1, $2, $3::timestamptz) c"

char *
lake_insert_all(const Lake *lake, const Export *e)
{
	const char *from;

	if (!is_changes(e))
		return psprintf("INSERT INTO %s (%s) SELECT %s FROM %s t WHERE %s", e->to_name, lake->names, lake->values,
						e->from_name, living(lake, e));
	/* rows as they were when history began, and what became of them since */
	from = psprintf("(SELECT coalesce(h.operation, 'snapshot') AS operation, h.seq, nullif(h.valid_from, '-infinity') "
					"AS seen_at, h.version FROM ingest.row_history(NULL::%s, NULL) h WHERE h.seq IS NULL OR h.seq <= "
					"$1) c, LATERAL (SELECT (c.version).*) t ORDER BY c.seq NULLS FIRST",
					e->from_name);
	return psprintf("INSERT INTO %s (%s) SELECT %s FROM %s", e->to_name, lake->names, lake->values, from);
}

char *
lake_insert_new(const Lake *lake, const Export *e)
{
	if (!is_changes(e))
		return psprintf("%s AND %s = ANY ($1::text[])", lake_insert_all(lake, e), lake->folder_of);
	return psprintf("INSERT INTO %s (%s) SELECT %s FROM " NEW_CHANGES ", LATERAL "
					"ingest_internal.row_of_json(NULL::%s, coalesce(c.after, c.before)) t ORDER BY c.seq",
					e->to_name, lake->names, lake->values, e->sync, e->from_name);
}

char *
lake_touched(const Lake *lake, const Export *e)
{
	return psprintf("SELECT array_agg(DISTINCT %s) FROM " NEW_CHANGES ", LATERAL (VALUES (c.before), (c.after)) v "
					"(version), LATERAL ingest_internal.row_of_json(NULL::%s, v.version) t WHERE v.version IS NOT NULL",
					lake->folder_of, e->sync, e->from_name);
}
