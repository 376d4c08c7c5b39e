/*
 * lineage.c
 *		From where to where data flow: views and foreign keys, read from the catalogue.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "funcapi.h"
#include "ingest/base/compat.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/repository/edge.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_view_columns);

/* Queries around a variable, the innermost last */
typedef struct Walk
{
	List *levels;
	ReturnSetInfo *out;
	const char *column; /* of the view */
	List *seen;         /* outputs of queries that were walked for it: a recursive one comes back to itself */
} Walk;

typedef struct Output
{
	Query *query;
	int n;
} Output;

static bool walk_expression(Node *node, Walk *walk);

/* A column that the view's column is computed from */
static void
report(Walk *walk, Oid relid, AttrNumber attnum)
{
	char *column = attnum > 0 ? get_attname(relid, attnum, true) : NULL;
	char *schema = get_namespace_name(get_rel_namespace(relid));
	char *table = get_rel_name(relid);
	Datum values[4];
	bool nulls[4] = {0};

	/* dropped meanwhile */
	if (schema == NULL || table == NULL)
		return;
	values[0] = CStringGetTextDatum(walk->column);
	values[1] = CStringGetTextDatum(schema);
	values[2] = CStringGetTextDatum(table);
	values[3] = CStringGetTextDatum(column ? column : "");
	tuplestore_putvalues(walk->out->setResult, walk->out->setDesc, values, nulls);
}

/* Is it the first time? */
static bool
first_walk(Query *query, int n, Walk *walk)
{
	Output *output;
	ListCell *lc;

	foreach (lc, walk->seen)
	{
		output = lfirst(lc);
		if (output->query == query && output->n == n)
			return false;
	}
	output = palloc(sizeof(Output));
	*output = (Output){query, n};
	walk->seen = lappend(walk->seen, output);
	return true;
}

/* Column n of a query: of each branch, if it is a set operation */
static void
walk_output(Query *query, int n, Walk *walk)
{
	ListCell *lc;

	if (!first_walk(query, n, walk))
		return;
	check_stack_depth();
	walk->levels = lappend(walk->levels, query);
	if (query->setOperations)
	{
		foreach (lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_SUBQUERY)
				walk_output(rte->subquery, n, walk);
		}
	}
	else
	{
		TargetEntry *entry = get_tle_by_resno(query->targetList, n);

		if (entry)
			(void) walk_expression((Node *) entry->expr, walk);
	}
	walk->levels = list_delete_last(walk->levels);
}

/* Into the query of that name, of the level that it was made at */
static void
walk_cte(RangeTblEntry *rte, AttrNumber attnum, Walk *walk)
{
	int level = list_length(walk->levels) - 1 - rte->ctelevelsup;
	ListCell *lc;

	if (level < 0)
		return;
	foreach (lc, list_nth_node(Query, walk->levels, level)->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 && IsA(cte->ctequery, Query))
		{
			List *saved = walk->levels;

			/* it was written at that level */
			walk->levels = list_copy_head(saved, level + 1);
			walk_output(castNode(Query, cte->ctequery), attnum, walk);
			walk->levels = saved;
		}
	}
}

/* To what the variable means: a column of a relation, or of a subquery, a CTE, a join */
static void
walk_variable(Var *var, Walk *walk)
{
	int level = list_length(walk->levels) - 1 - var->varlevelsup;
	List *saved = walk->levels;
	RangeTblEntry *rte;

	if (level < 0)
		return;
	walk->levels = list_copy_head(saved, level + 1);
	rte = rt_fetch(var->varno, list_nth_node(Query, walk->levels, level)->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			report(walk, rte->relid, var->varattno);
			break;
		case RTE_SUBQUERY:
			if (var->varattno > 0 && rte->subquery)
				walk_output(rte->subquery, var->varattno, walk);
			break;
		case RTE_JOIN:
			if (var->varattno > 0 && var->varattno <= list_length(rte->joinaliasvars))
				(void) walk_expression(list_nth(rte->joinaliasvars, var->varattno - 1), walk);
			break;
		case RTE_CTE:
			walk_cte(rte, var->varattno, walk);
			break;
#if PG_VERSION_NUM >= 180000
		case RTE_GROUP:
			(void) walk_expression(list_nth(rte->groupexprs, var->varattno - 1), walk);
			break;
#endif
		default:
			break;
	}
	walk->levels = saved;
}

/* All variables of an expression, in subqueries as well */
static bool
walk_expression(Node *node, Walk *walk)
{
	if (node == NULL)
		return false;
	CHECK_FOR_INTERRUPTS();
	if (IsA(node, Var))
	{
		walk_variable((Var *) node, walk);
		return false;
	}
	if (IsA(node, SubLink) && IsA(((SubLink *) node)->subselect, Query))
	{
		walk_output((Query *) ((SubLink *) node)->subselect, 1, walk);
		return walk_expression(((SubLink *) node)->testexpr, walk);
	}
	return expression_tree_walker(node, walk_expression, walk);
}

/* view_columns(view regclass) → column_name, from_schema, from_table, from_column */
Datum
ingest_view_columns(PG_FUNCTION_ARGS)
{
	Walk walk = {0};
	Relation view;
	ListCell *lc;

	rows_begin(fcinfo);
	walk.out = (ReturnSetInfo *) fcinfo->resultinfo;
	view = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (view == NULL)
		return (Datum) 0;
	if (view->rd_rel->relkind == RELKIND_VIEW || view->rd_rel->relkind == RELKIND_MATVIEW)
	{
		Query *query = get_view_query(view);

		foreach (lc, query->targetList)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, lc);

			if (entry->resjunk || entry->resno > RelationGetNumberOfAttributes(view))
				continue;
			walk.column = NameStr(TupleDescAttr(RelationGetDescr(view), entry->resno - 1)->attname);
			walk.seen = NIL;
			walk_output(query, entry->resno, &walk);
		}
	}
	relation_close(view, AccessShareLock);
	return (Datum) 0;
}

/* -- around an object -- */

SQL_FUNCTION(ingest_lineage);

typedef struct LineageNode
{
	char *schema, *table, *column;
	int distance;
} LineageNode;

ROW_SHAPE(flow_shape, Flow, FIELD(TEXT, Flow, from_schema), FIELD(TEXT, Flow, from_table),
		  FIELD(TEXT, Flow, from_column), FIELD(TEXT, Flow, to_schema), FIELD(TEXT, Flow, to_table),
		  FIELD(TEXT, Flow, to_column), FIELD(TEXT, Flow, kind));

#define CATALOGUE_ARGS 3

/* Flows into a node, or out of it */
typedef struct Direction
{
	bool up;
	Prepared catalogue;
} Direction;

static Direction upstream = {
	true, {"SELECT * FROM ingest_internal.lineage_upstream($1, $2, $3)", CATALOGUE_ARGS, {NAMEOID, NAMEOID, NAMEOID}}};
static Direction downstream = {
	false,
	{"SELECT * FROM ingest_internal.lineage_downstream($1, $2, $3)", CATALOGUE_ARGS, {NAMEOID, NAMEOID, NAMEOID}}};

/* As lineage() shows a column or relation */
static char *
object_name(const char *schema, const char *table, const char *column)
{
	return psprintf("%s%s%s", quote_qualified_identifier(schema, table), column[0] ? "." : "",
					column[0] ? quote_identifier(column) : "");
}

/* A row, and the other end is a node, too, if it is not yet */
static List *
take_flow(ReturnSetInfo *rsinfo, List *nodes, const LineageNode *node, bool up, const Flow *flow)
{
	LineageNode *other = palloc(sizeof(LineageNode));
	Datum row[4];
	bool nulls[4] = {0};
	ListCell *lc;

	row[0] = Int32GetDatum(up ? -node->distance - 1 : node->distance + 1);
	row[1] = CStringGetTextDatum(object_name(flow->from_schema, flow->from_table, flow->from_column));
	row[2] = CStringGetTextDatum(object_name(flow->to_schema, flow->to_table, flow->to_column));
	row[3] = CStringGetTextDatum(flow->kind);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	other->schema = up ? flow->from_schema : flow->to_schema;
	other->table = up ? flow->from_table : flow->to_table;
	other->column = node->column[0] == '\0' ? "" : up ? flow->from_column
													  : flow->to_column;
	other->distance = node->distance + 1;
	foreach (lc, nodes)
	{
		LineageNode *old = lfirst(lc);

		if (strcmp(old->schema, other->schema) == 0 && strcmp(old->table, other->table) == 0 &&
			strcmp(old->column, other->column) == 0)
			return nodes;
	}
	return lappend(nodes, other);
}

/* What SPI just answered */
static List *
take_flows(ReturnSetInfo *rsinfo, List *nodes, const LineageNode *node, bool up)
{
	SPITupleTable *found = SPI_tuptable;
	uint64 n = SPI_processed;

	for (uint64 i = 0; i < n; i++)
	{
		Flow flow;

		row_read(&flow_shape, found, i, &flow);
		nodes = take_flow(rsinfo, nodes, node, up, &flow);
	}
	SPI_freetuptable(found);
	return nodes;
}

/* -- foreign keys, as the session has them in memory -- */

/* Partitions have copies of their table's keys, and keys to a partitioned table one for each partition */
static bool
is_copy_of_key(Oid constraint)
{
	HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool copy = !HeapTupleIsValid(tuple) || OidIsValid(((Form_pg_constraint) GETSTRUCT(tuple))->conparentid);

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return copy;
}

/* The columns of one key */
static List *
take_key(ReturnSetInfo *rsinfo, List *nodes, const LineageNode *node, const ForeignKeyCacheInfo *key)
{
	char *table = get_rel_name(key->confrelid);
	char *schema = table ? get_namespace_name(get_rel_namespace(key->confrelid)) : NULL;

	for (int i = 0; i < key->nkeys && schema; i++)
	{
		char *there = get_attname(key->confrelid, key->confkey[i], true);
		char *here = get_attname(key->conrelid, key->conkey[i], true);
		Flow flow = {schema, table, there, node->schema, node->table, here, "foreign key"};

		if (there && here && (node->column[0] == '\0' || strcmp(node->column, here) == 0))
			nodes = take_flow(rsinfo, nodes, node, true, &flow);
	}
	return nodes;
}

/* Nobody is waited for: keys are looked at without a lock, as a statement on the catalogue does */
static List *
take_keys(ReturnSetInfo *rsinfo, List *nodes, const LineageNode *node, Oid relid)
{
	Relation relation = RelationIdGetRelation(relid);
	List *keys;
	ListCell *lc;

	/* dropped meanwhile */
	if (relation == NULL)
		return nodes;
	/* the list goes when the session hears of a change */
	keys = copyObject(RelationGetFKeyList(relation));
	RelationClose(relation);
	foreach (lc, keys)
	{
		const ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, lc);

		if (!is_copy_of_key(key->conoid))
			nodes = take_key(rsinfo, nodes, node, key);
	}
	return nodes;
}

/* -- step by step -- */

/* What the catalogue tells of a node.  Most are tables, of which a statement would take longest and tell least */
static List *
take_catalogue(ReturnSetInfo *rsinfo, List *nodes, const LineageNode *node, Direction *direction)
{
	Oid schema = get_namespace_oid(node->schema, true);
	Oid relation = OidIsValid(schema) ? get_relname_relid(node->table, schema) : InvalidOid;
	char kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
	Datum values[CATALOGUE_ARGS];

	if (kind == '\0')
		return nodes;
	/* into what is no view only keys lead; out of any relation views may */
	if (direction->up && kind != RELKIND_VIEW && kind != RELKIND_MATVIEW)
		return take_keys(rsinfo, nodes, node, relation);
	values[0] = DirectFunctionCall1(namein, CStringGetDatum(node->schema));
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(node->table));
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(node->column));
	prepared_run(&direction->catalogue, values, NULL, 0);
	return take_flows(rsinfo, nodes, node, direction->up);
}

/* Node by node, each once: the shortest way there is the one that is told */
static void
follow(ReturnSetInfo *rsinfo, LineageNode *start, Direction *direction, int depth)
{
	List *nodes = list_make1(start);
	Edges *edges = edges_begin();

	for (int next = 0; next < list_length(nodes); next++)
	{
		LineageNode *node = list_nth(nodes, next);
		ListCell *lc;

		CHECK_FOR_INTERRUPTS();
		if (node->distance >= depth)
			break;
		foreach (lc, edges_at(edges, direction->up, node->schema, node->table, node->column))
			nodes = take_flow(rsinfo, nodes, node, direction->up, lfirst(lc));
		nodes = take_catalogue(rsinfo, nodes, node, direction);
	}
	edges_end(edges);
}

/* What is meant by table, schema.table or schema.table.column */
static LineageNode *
object_named(Datum name, char *default_schema)
{
	ArrayType *array = DatumGetArrayTypeP(DirectFunctionCall2(parse_ident, name, BoolGetDatum(true)));
	LineageNode *node = palloc0(sizeof(LineageNode));
	Datum *parts;
	int n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &parts, NULL, &n);
	node->schema = n == 1 ? default_schema : TextDatumGetCString(parts[0]);
	node->table = TextDatumGetCString(parts[n == 1 ? 0 : 1]);
	node->column = n > 2 ? TextDatumGetCString(parts[2]) : "";
	return node;
}

/* lineage(object, direction, depth) → distance, from_object, to_object, kind */
Datum
ingest_lineage(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char *direction = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int depth = PG_GETARG_INT32(2);
	bool both = strcmp(direction, "both") == 0;
	LineageNode *start;
	char *schema;
	int level;

	if (!both && strcmp(direction, "upstream") != 0 && strcmp(direction, "downstream") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no direction \"%s\"", direction),
						errhint("The directions are upstream, downstream and both.")));
	rows_begin(fcinfo);
	/* before the search_path is ours */
	schema = get_namespace_name(linitial_oid(fetch_search_path(true)));
	level = sql_begin();
	start = object_named(PG_GETARG_DATUM(0), schema ? schema : "");
	if (both || strcmp(direction, "upstream") == 0)
		follow(rsinfo, start, &upstream, depth);
	if (both || strcmp(direction, "downstream") == 0)
		follow(rsinfo, start, &downstream, depth);
	if (tuplestore_tuple_count(rsinfo->setResult) == 0)
		ereport(NOTICE, (errmsg("no flow is known from or to %s", text_to_cstring(PG_GETARG_TEXT_PP(0))),
						 errhint("Objects are named as schema.table or schema.table.column; "
								 "ingest.lineage_edge has those that are recorded.")));
	sql_end(level);
	return (Datum) 0;
}
