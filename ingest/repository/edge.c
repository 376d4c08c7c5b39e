/*
 * edge.c
 *		Flows that were recorded.
 *
 * lineage() asks for those of one relation after the other, a few rows each.  To start a
 * statement takes many times what it then finds takes, so the table is read here by its
 * index, as PostgreSQL reads its catalogue; it is the engine's, and what of it the caller
 * may see is said here.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "ingest/repository/access.h"
#include "ingest/repository/edge.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define SCHEMA "ingest"

typedef enum Column
{
	FROM_SCHEMA,
	FROM_TABLE,
	FROM_COLUMN,
	TO_SCHEMA,
	TO_TABLE,
	TO_COLUMN,
	KIND,
	SOURCE,
	OWNER,
	N_COLUMNS
} Column;

static const char *const columns[] = {"from_schema", "from_table", "from_column", "to_schema", "to_table",
									  "to_column", "kind", "source", "owner"};

struct Edges
{
	Relation relation;
	Oid index_from, index_to;
	AttrNumber number[N_COLUMNS];
	bool knows_sources; /* asked of few, so not before one is met */
	int n_sources;
	int32 *sources;
};

/* A row, as far as it is looked at */
typedef struct Edge
{
	ItemPointerData place;
	Flow flow;
} Edge;

Edges *
edges_begin(void)
{
	Edges *edges = palloc0(sizeof(Edges));
	Oid schema = get_namespace_oid(SCHEMA, false);

	edges->relation = table_open(get_relname_relid("lineage_edge", schema), AccessShareLock);
	edges->index_from = get_relname_relid("lineage_edge_from", schema);
	edges->index_to = get_relname_relid("lineage_edge_flow", schema);
	for (int i = 0; i < N_COLUMNS; i++)
		edges->number[i] = get_attnum(RelationGetRelid(edges->relation), columns[i]);
	/* what this transaction wrote is seen, also by the statement that wrote it */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	return edges;
}

void
edges_end(Edges *edges)
{
	PopActiveSnapshot();
	table_close(edges->relation, NoLock);
}

/* NULL is null */
static const Datum *
value_of(const Edges *edges, HeapTuple tuple, Column column, Datum *value)
{
	bool isnull;

	*value = heap_getattr(tuple, edges->number[column], RelationGetDescr(edges->relation), &isnull);
	return isnull ? NULL : value;
}

static char *
name_of(const Edges *edges, HeapTuple tuple, Column column)
{
	Datum value;

	return value_of(edges, tuple, column, &value) ? pstrdup(NameStr(*DatumGetName(value))) : "";
}

static void
know_sources(Edges *edges)
{
	ArrayType *array = DatumGetArrayTypeP(my_sources());

	edges->knows_sources = true;
	edges->n_sources = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	edges->sources = (int32 *) ARR_DATA_PTR(array);
}

static bool
sees(Edges *edges, HeapTuple tuple)
{
	Datum value;

	if (value_of(edges, tuple, SOURCE, &value) == NULL)
		return value_of(edges, tuple, OWNER, &value) && acts_for(GetUserId(), DatumGetObjectId(value));
	if (!edges->knows_sources)
		know_sources(edges);
	for (int i = 0; i < edges->n_sources; i++)
		if (edges->sources[i] == DatumGetInt32(value))
			return true;
	return false;
}

/* An edge of the whole relation is one of each column, too */
static bool
is_of_column(const char *asked, const char *there)
{
	return asked[0] == '\0' || there[0] == '\0' || strcmp(asked, there) == 0;
}

static int
by_place(const ListCell *a, const ListCell *b)
{
	return ItemPointerCompare(&((Edge *) lfirst(a))->place, &((Edge *) lfirst(b))->place);
}

static Edge *
edge_of(const Edges *edges, HeapTuple tuple)
{
	Edge *edge = palloc(sizeof(Edge));
	Datum kind;

	edge->place = tuple->t_self;
	edge->flow = (Flow){name_of(edges, tuple, FROM_SCHEMA), name_of(edges, tuple, FROM_TABLE),
						name_of(edges, tuple, FROM_COLUMN), name_of(edges, tuple, TO_SCHEMA),
						name_of(edges, tuple, TO_TABLE), name_of(edges, tuple, TO_COLUMN)};
	edge->flow.kind = value_of(edges, tuple, KIND, &kind) ? TextDatumGetCString(kind) : "";
	return edge;
}

List *
edges_at(Edges *edges, bool into, const char *schema, const char *table, const char *column)
{
	Datum names[] = {DirectFunctionCall1(namein, CStringGetDatum(schema)),
					 DirectFunctionCall1(namein, CStringGetDatum(table)),
					 DirectFunctionCall1(namein, CStringGetDatum(column))};
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	List *found = NIL;
	ListCell *lc;

	for (int i = 0; i < 2; i++)
		ScanKeyInit(&keys[i], edges->number[into ? TO_SCHEMA + i : FROM_SCHEMA + i], BTEqualStrategyNumber, F_NAMEEQ,
					names[i]);
	scan = systable_beginscan(edges->relation, into ? edges->index_to : edges->index_from, true, GetActiveSnapshot(), 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_of_column(NameStr(*DatumGetName(names[2])), name_of(edges, tuple, into ? TO_COLUMN : FROM_COLUMN)) &&
			sees(edges, tuple))
			found = lappend(found, edge_of(edges, tuple));
	systable_endscan(scan);
	list_sort(found, by_place);
	foreach (lc, found)
		lfirst(lc) = &((Edge *) lfirst(lc))->flow;
	return found;
}
