/*
 * plan.c
 *		Paths, costs, and the query that a path stands for.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/catalog.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/relation.h"
#include "netsuite_fdw/size.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/prep.h"
#include "optimizer/restrictinfo.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#define DEFAULT_ROWS 10000

/* -- keys -- */

/* FROM for a foreign table: always under the alias t */
char *
table_from(Oid relid)
{
	TableOptions *o = table_options(relid);

	return o->query ? psprintf("(%s) t", o->query) : psprintf("%s t", o->table);
}

/* The local column that a remote name stands for, if its type can be a key; else 0 */
static int
key_attnum(Oid relid, const char *name)
{
	int natts = relation_natts(relid);

	for (int attnum = 1; attnum <= natts; attnum++)
	{
		Oid type = get_atttype(relid, attnum);

		if ((type == INT8OID || type == INT4OID) && column_is(relid, attnum, name))
			return attnum;
	}
	return 0;
}

/*
 * By what to page: the leading integer columns of the key, or a better column
 * that the dictionary names.  False if there is none; spec->order then is the
 * whole key if there is one.
 */
bool
table_keys(Oid relid, CursorSpec *spec, int *attnums)
{
	TableOptions *o = table_options(relid);
	const CatalogTable *known = o->table ? catalog_find(o->table) : NULL;
	StringInfoData order;
	ListCell *lc;

	memset(spec, 0, sizeof(CursorSpec));
	if (known && known->pages_by && (attnums[0] = key_attnum(relid, known->pages_by)) != 0)
	{
		spec->nkeys = 1;
		spec->keys[0] = psprintf("t.%s", known->pages_by);
		spec->key_unique = true;
		return true;
	}
	initStringInfo(&order);
	foreach (lc, o->key)
	{
		char *name = lfirst(lc);
		int n = spec->nkeys;

		appendStringInfo(&order, "%st.%s ASC", order.len > 0 ? ", " : "", name);
		if (n == foreach_current_index(lc) && n < MAX_KEYS &&
			(attnums[n] = key_attnum(relid, name)) != 0)
		{
			spec->keys[n] = psprintf("t.%s", name);
			spec->nkeys++;
		}
	}
	spec->key_unique = spec->nkeys == list_length(o->key);
	if (spec->nkeys == 0 && order.len > 0)
		spec->order = order.data;
	return spec->nkeys > 0;
}

/* -- the row that does not fit -- */

/* Attributes that the plan reads: of the target list, and of checks made here */
static Bitmapset *
attributes_used(RelOptInfo *rel, List *checks)
{
	Bitmapset *used = NULL;
	ListCell *lc;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	foreach (lc, checks)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rel->relid, &used);
	return used;
}

/*
 * The column that says why a row does not fit, if the query names it; else 0.
 * The whole row that a row lock needs does not.
 */
static int
named_error(PlannerInfo *root, RelOptInfo *rel, int error, List *clauses)
{
	Bitmapset *used = error ? attributes_used(rel, clauses) : NULL;

	if (bms_is_member(error - FirstLowInvalidHeapAttributeNumber, used) ||
		(bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used) &&
		 get_plan_rowmark(root->rowMarks, rel->relid) == NULL))
		return error;
	return 0;
}

/* -- size of a base relation -- */

static Oid
user_of(PlannerInfo *root, RelOptInfo *rel)
{
#if PG_VERSION_NUM >= 160000
	return OidIsValid(rel->userid) ? rel->userid : GetUserId();
#else
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);

	return OidIsValid(rte->checkAsUser) ? rte->checkAsUser : GetUserId();
#endif
}

ShipContext
ship_context(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, bool measure)
{
	ShipContext c = {.root = root, .relids = rel->relids, .serverid = info->serverid, .userid = info->userid, .measure = measure};

	return c;
}

/*
 * Sort conditions by how far they may be trusted.  The account is asked for its
 * traits only where that lets a condition be sent that otherwise could not.
 */
static void
classify(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, List *clauses)
{
	ListCell *lc;

	foreach (lc, clauses)
	{
		RestrictInfo *ri = lfirst_node(RestrictInfo, lc);
		ShipContext quiet = ship_context(root, rel, info, info->server->text_equality_exact == DECLARED_YES);
		ShipContext asking = ship_context(root, rel, info, true);
		Ship ship = ship_condition((Node *) ri->clause, &quiet);

		if (ship == SHIP_NO)
			ship = ship_condition((Node *) ri->clause, &asking);
		if (ship == SHIP_EXACT)
			info->shipped = lappend(info->shipped, ri);
		else if (ship == SHIP_WEAK)
			info->weak = lappend(info->weak, ri);
		else
			info->local = lappend(info->local, ri);
	}
}

/* Find out whether weak conditions are exact after all; true if none is left unsure */
bool
settle_weak(PlannerInfo *root, RelOptInfo *rel, RelInfo *info)
{
	ShipContext asking = ship_context(root, rel, info, true);
	List *still = NIL;
	ListCell *lc;

	if (info->local != NIL)
		return false;
	foreach (lc, info->weak)
	{
		RestrictInfo *ri = lfirst_node(RestrictInfo, lc);

		if (ship_condition((Node *) ri->clause, &asking) == SHIP_EXACT)
			info->shipped = lappend(info->shipped, ri);
		else
			still = lappend(still, ri);
	}
	info->weak = still;
	return still == NIL;
}

/* Conditions joined by AND; NIL for none */
List *
deparse_where(List *clauses, Deparse *d)
{
	ListCell *lc;

	deparse_begin(d);
	foreach (lc, clauses)
	{
		Node *clause = lfirst(lc);

		if (IsA(clause, RestrictInfo))
			clause = (Node *) ((RestrictInfo *) clause)->clause;
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(d->out, " AND ");
		deparse_condition(clause, d);
	}
	return deparse_end(d);
}

/* COUNT(*) by the account itself, under the conditions whose values are known */
static bool
remote_count(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, double *rows)
{
	ShipContext c = ship_context(root, rel, info, true);
	Deparse d = {.ship = &c};
	char *where = plain_code(deparse_where(list_concat_copy(info->shipped, info->weak), &d));
	int64 n;

	if (d.values != NIL)
		return false;
	if (where == NULL && size_recall(info->relid).rows >= 0)
	{
		*rows = size_recall(info->relid).rows;
		return true;
	}
	n = client_count(client_get(info->serverid, info->userid),
					 psprintf("SELECT COUNT(*) AS n FROM %s%s%s", table_from(info->relid), where ? " WHERE " : "", where ? where : ""), NULL);
	/* what is no count is no estimate either */
	if (n < 0)
		return false;
	*rows = n;
	if (where == NULL)
		size_remember_rows(info->relid, *rows);
	return true;
}

static void
estimate_size(PlannerInfo *root, RelOptInfo *rel, RelInfo *info)
{
	TableOptions *o = table_options(info->relid);
	double rows = DEFAULT_ROWS;

	if (info->server->use_remote_estimate && remote_count(root, rel, info, &rows))
	{
		rel->tuples = Max(rel->tuples, rows);
		info->rows = clamp_row_est(rows * clauselist_selectivity(root, info->local, 0, JOIN_INNER, NULL));
		rel->rows = info->rows;
		return;
	}
	if (size_recall(info->relid).rows >= 0)
		rows = size_recall(info->relid).rows;
	else if (o->rows >= 0)
		rows = o->rows;
	else if (rel->tuples > 0)
		rows = rel->tuples;
	rel->tuples = rows;
	set_baserel_size_estimates(root, rel);
	info->rows = rel->rows;
}

static void
netsuiteGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	RelInfo *info = palloc0(sizeof(RelInfo));

	info->relid = relid;
	info->serverid = GetForeignServerIdByRelId(relid);
	info->userid = user_of(root, rel);
	info->server = server_options(info->serverid);
	rel->fdw_private = info;
	classify(root, rel, info, rel->baserestrictinfo);
	table_keys(relid, &info->keys, info->key_attnums);
	info->error = named_error(root, rel, error_column(relid), rel->baserestrictinfo);
	estimate_size(root, rel, info);
}

/* -- costs -- */

/*
 * A request costs fdw_startup_cost, as many run at once as the server allows;
 * a row costs fdw_tuple_cost.
 */
void
cost(RelInfo *info, double fetched, bool sequential, Cost *startup, Cost *total)
{
	double pages = ceil(Max(fetched, 1) / info->server->page_size);
	double rounds = sequential ? pages : 1 + ceil((pages - 1) / info->server->max_concurrency);

	*startup = info->server->fdw_startup_cost;
	*total = rounds * info->server->fdw_startup_cost +
			 fetched * (info->server->fdw_tuple_cost + cpu_tuple_cost);
}

/* Rows that come over the wire */
static double
fetched_rows(PlannerInfo *root, RelOptInfo *rel, RelInfo *info)
{
	double share = clauselist_selectivity(root, info->local, rel->relid, JOIN_INNER, NULL);

	return share > 0 ? Min(info->rows / share, Max(rel->tuples, info->rows)) : info->rows;
}

/* -- paths of a base relation -- */

/*
 * Do the pathkeys ask for the order of the key?  A key that may be digits in a text
 * there pages in the order of a text, which is no order of ours.
 */
static bool
is_key_order(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, List *pathkeys)
{
	Oid relid = planner_rt_fetch(rel->relid, root)->relid;
	ListCell *lc;

	if (!info->keys.nkeys || !info->keys.key_unique || list_length(pathkeys) > info->keys.nkeys)
		return false;
	foreach (lc, pathkeys)
	{
		PathKey *pk = lfirst_node(PathKey, lc);
		ListCell *m;
		bool found = false;

		if (pathkey_descends(pk) || pk->pk_nulls_first ||
			!column_sorts_as_number(relid, info->key_attnums[foreach_current_index(lc)]))
			return false;
		foreach (m, pk->pk_eclass->ec_members)
		{
			EquivalenceMember *em = lfirst(m);

			found |= IsA(em->em_expr, Var) && ((Var *) em->em_expr)->varno == rel->relid &&
					 ((Var *) em->em_expr)->varattno == info->key_attnums[foreach_current_index(lc)];
		}
		if (!found)
			return false;
	}
	return true;
}

/* The member of an equivalence class that can be sorted there, or NULL */
Expr *
sortable_member(PathKey *pk, ShipContext *c, List *tlist)
{
	ListCell *lc;

	/* nulls last ascending, first descending, as there */
	if (pk->pk_nulls_first != pathkey_descends(pk))
		return NULL;
	foreach (lc, pk->pk_eclass->ec_members)
	{
		EquivalenceMember *em = lfirst(lc);
		Expr *expr = em->em_expr;

		if (em->em_is_child || !ship_order((Node *) expr, pk->pk_eclass->ec_collation, c))
			continue;
		if (tlist != NIL && !tlist_member(expr, tlist))
			continue;
		return expr;
	}
	return NULL;
}

bool
all_sortable(List *pathkeys, ShipContext *c, List *tlist)
{
	ListCell *lc;

	foreach (lc, pathkeys)
	{
		if (sortable_member(lfirst_node(PathKey, lc), c, tlist) == NULL)
			return false;
	}
	return pathkeys != NIL;
}

/* Is the rel the whole query, so that its LIMIT is the query's? */
static bool
limit_is_ours(PlannerInfo *root, RelOptInfo *rel)
{
	Query *q = root->parse;

	return bms_equal(root->all_baserels, rel->relids) && q->rowMarks == NIL && !q->hasAggs &&
		   !q->hasWindowFuncs && !q->hasTargetSRFs && q->groupClause == NIL &&
		   q->groupingSets == NIL && q->distinctClause == NIL && q->setOperations == NULL &&
		   q->havingQual == NULL;
}

static void
add_ordered_paths(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, double fetched)
{
	ShipContext asking = ship_context(root, rel, info, true);
	List *pathkeys = root->query_pathkeys;
	Cost startup;
	Cost total;

	if (pathkeys == NIL)
		return;
	if (is_key_order(root, rel, info, pathkeys))
	{
		cost(info, fetched, true, &startup, &total);
		add_path(rel, (Path *) make_scan_path(root, rel, rel->rows, startup, total, pathkeys, NULL,
											  list_make2(makeInteger(true), NIL)));
		return;
	}
	/* any other order only for the first few: NetSuite sorts all to give them */
	if (root->limit_tuples < 1 || root->limit_tuples > info->server->page_size ||
		!limit_is_ours(root, rel) || !settle_weak(root, rel, info) ||
		!all_sortable(pathkeys, &asking, NIL))
		return;
	cost(info, fetched, false, &startup, &total);
	add_path(rel, (Path *) make_scan_path(root, rel, rel->rows, startup, total, pathkeys, NULL,
										  list_make2(makeInteger(false), pathkeys)));
}

/* Conditions with other relations that can be sent with their values */
static void
add_parameterized_path(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, List *clauses)
{
	ShipContext quiet = ship_context(root, rel, info, false);
	ListCell *lc;

	foreach (lc, clauses)
	{
		RestrictInfo *ri = lfirst_node(RestrictInfo, lc);
		ParamPathInfo *ppi;
		Relids outer;
		Cost startup;
		Cost total;

		if (!join_clause_is_movable_to(ri, rel) ||
			ship_condition((Node *) ri->clause, &quiet) == SHIP_NO)
			continue;
		outer = bms_del_member(bms_union(ri->clause_relids, rel->lateral_relids), rel->relid);
		if (bms_is_empty(outer))
			continue;
		ppi = get_baserel_parampathinfo(root, rel, outer);
		cost(info, ppi->ppi_rows, false, &startup, &total);
		add_path(rel, (Path *) make_scan_path(root, rel, ppi->ppi_rows, startup, total, NIL, outer,
											  list_make2(makeInteger(false), NIL)));
	}
}

static bool
matches_any_column(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec,
				   EquivalenceMember *em, void *arg)
{
	return IsA(em->em_expr, Var) && bms_equal(em->em_relids, rel->relids);
}

static void
netsuiteGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	RelInfo *info = rel->fdw_private;
	double fetched = fetched_rows(root, rel, info);
	Cost startup;
	Cost total;

	cost(info, fetched, false, &startup, &total);
	add_path(rel, (Path *) make_scan_path(root, rel, rel->rows, startup, total, NIL,
										  rel->lateral_relids, list_make2(makeInteger(false), NIL)));
	/* rows that do not fit have nulls wherever they stand */
	if (info->error == 0)
		add_ordered_paths(root, rel, info, fetched);
	add_parameterized_path(root, rel, info, rel->joininfo);
	if (rel->has_eclass_joins)
		add_parameterized_path(root, rel, info, generate_implied_equalities_for_column(root, rel, matches_any_column, NULL, rel->lateral_referencers));
}

/* -- the plan -- */

static bool
is_plain_name(const char *name)
{
	const char *p = name;

	if (*p < 'a' || *p > 'z' || strlen(name) > 30)
		return false;
	for (; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return false;
	}
	return true;
}

static bool
is_taken(Select *s, const char *name)
{
	ListCell *lc;

	foreach (lc, s->names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/*
 * Add a column.  A bare one keeps its name, others get an alias: the local name
 * if that is a plain word, else c1, c2 ...
 */
void
select_column(Select *s, List *expression, const char *bare, const char *wish, Oid type,
			  int32 typmod, int target, int key, int divides, bool midnight, const char *label)
{
	char *name = NULL;

	s->text = list_concat(s->text, code_piece(s->text != NIL ? ", " : "SELECT "));
	s->text = list_concat(s->text, expression);
	if (bare && is_plain_name(bare) && !is_taken(s, bare))
		name = pstrdup(bare);
	else
	{
		if (wish && is_plain_name(wish) && !is_taken(s, wish))
			name = pstrdup(wish);
		for (int n = list_length(s->columns) + 1; name == NULL; n++)
		{
			char *numbered = psprintf("c%d", n);

			if (!is_taken(s, numbered))
				name = numbered;
		}
		s->text = list_concat(s->text, code_piece(psprintf(" AS %s", name)));
	}
	s->names = lappend(s->names, name);
	s->columns = lappend(s->columns, list_concat(
										 list_make5(makeString(name), makeInteger((int) type), makeInteger(typmod),
													makeInteger(target), makeInteger(key)),
										 list_make3(makeInteger(divides), makeInteger(midnight), makeString(pstrdup(label)))));
}

static int
key_place(RelInfo *info, int attnum)
{
	for (int i = 0; i < info->keys.nkeys; i++)
	{
		if (info->key_attnums[i] == attnum)
			return i;
	}
	return -1;
}

/* A table's column, under the name it has there if it is shown as it is */
static void
select_attribute(Select *s, RelInfo *info, int attnum, bool wanted, bool use_key)
{
	Oid type;
	int32 typmod;
	Oid collation;
	bool is_expression;
	char *remote = column_expression(info->relid, attnum, &is_expression);
	char *column = deparse_column(info->relid, attnum);
	char *output = deparse_column_output(info->relid, attnum);
	char *local = get_attname(info->relid, attnum, false);

	get_atttypetypmodcoll(info->relid, attnum, &type, &typmod, &collation);
	for (char *p = remote; !is_expression && *p; p++)
		*p = pg_tolower((unsigned char) *p);
	select_column(s, code_piece(output), is_expression || strcmp(output, column) != 0 ? NULL : remote,
				  is_expression ? local : remote, decoded_type(type), typmod, wanted ? attnum - 1 : -1,
				  use_key ? key_place(info, attnum) : -1, -1, false, local);
	s->order = lappend(s->order, column);
}

/* Columns that a base scan needs, and those of the key */
static void
select_attributes(Select *s, RelInfo *info, Bitmapset *used, bool use_key)
{
	int natts = relation_natts(info->relid);
	bool all = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);

	for (int attnum = 1; attnum <= natts; attnum++)
	{
		bool wanted = all ||
					  bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used);

		if (get_atttype(info->relid, attnum) == InvalidOid || is_error_column(info->relid, attnum))
			continue; /* dropped, or made here */
		if (wanted || (use_key && key_place(info, attnum) >= 0))
			select_attribute(s, info, attnum, wanted, use_key);
	}
	if (s->columns == NIL)
		select_column(s, code_piece("1"), NULL, NULL, INT4OID, -1, -1, -1, -1, false, "1");
}

/* Items of an order, each a text */
List *
deparse_order(List *pathkeys, RelInfo *info, Deparse *d)
{
	List *items = NIL;
	ListCell *lc;

	foreach (lc, pathkeys)
	{
		PathKey *pk = lfirst_node(PathKey, lc);

		deparse_begin(d);
		deparse_value((Node *) sortable_member(pk, d->ship, info->grouped_tlist), d);
		appendStringInfoString(d->out, pathkey_descends(pk) ? " DESC" : " ASC");
		items = lappend(items, deparse_end(d));
	}
	return items;
}

/* An order in which no two rows that differ are equal; none if nothing is selected */
static List *
total_order(RelInfo *info, List *columns)
{
	List *items = NIL;
	ListCell *lc;

	for (int i = 0; info->keys.key_unique && i < info->keys.nkeys; i++)
		items = lappend(items, code_piece(psprintf("%s ASC", info->keys.keys[i])));
	if (items != NIL)
		return items;
	/* a declared key that repeats must not leave the order of its rows open */
	if (info->keys.order)
		items = list_make1(code_piece(info->keys.order));
	/* every selected column: rows that tie are alike, so their order is of no account */
	foreach (lc, columns)
		items = lappend(items, code_piece(psprintf("%s ASC", (char *) lfirst(lc))));
	return items;
}

/* The wanted order, made total: rows that tie must not change places between two pages */
List *
join_order(List *wanted, List *total)
{
	List *text = NIL;
	ListCell *lc;

	foreach (lc, list_concat_unique(wanted, total))
	{
		text = list_concat(text, code_piece(text != NIL ? ", " : NULL));
		text = list_concat(text, lfirst(lc));
	}
	return text;
}

/* SELECT ... FROM ... */
List *
select_text(Select *s, RelInfo *info)
{
	return list_concat(s->text, code_piece(psprintf(" FROM %s", table_from(info->relid))));
}

/* Does the query, or one around it, look at this table through a security barrier? */
static bool
is_guarded(PlannerInfo *root)
{
	ListCell *lc;

	if (root->qual_security_level > 0)
		return true;
	for (PlannerInfo *outer = root->parent_root; outer != NULL; outer = outer->parent_root)
	{
		foreach (lc, outer->parse->rtable)
		{
			if (lfirst_node(RangeTblEntry, lc)->security_barrier)
				return true;
		}
	}
	return false;
}

/*
 * Does a condition compare with another table?  Its value comes as a column in
 * some plans, and as a parameter in others, also from around a subquery.
 */
static bool
ties_to_another(Node *node, void *arg)
{
	RelOptInfo *rel = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varno != rel->relid || ((Var *) node)->varlevelsup > 0;
	if (IsA(node, PlaceHolderVar) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		return true;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC;
	return expression_tree_walker(node, ties_to_another, arg);
}

/*
 * May rows that do not fit stay, whatever the condition says?  They have nulls in
 * the columns that it looks at, so nothing is known: where the query asks for
 * them they stay.  But a security barrier lets no row through that it knows
 * nothing of; and no null is joined with anything, whether the join is made
 * above the scan or by the scan.
 */
static bool
lets_bad_through(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *ri, int error)
{
	Bitmapset *used = NULL;

	pull_varattnos((Node *) ri->clause, rel->relid, &used);
	return error != 0 && !bms_is_member(error - FirstLowInvalidHeapAttributeNumber, used) &&
		   !ties_to_another((Node *) ri->clause, rel) && !is_guarded(root);
}

/* A condition as it is checked here */
static Expr *
checked_here(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *ri, int error)
{
	NullTest *test;

	if (!lets_bad_through(root, rel, ri, error))
		return ri->clause;
	test = makeNode(NullTest);
	test->arg = (Expr *) makeVar(rel->relid, error, JSONBOID, -1, InvalidOid, 0);
	test->nulltesttype = IS_NOT_NULL;
	test->argisrow = false;
	test->location = -1;
	return makeBoolExpr(OR_EXPR, list_make2(ri->clause, test), -1);
}

static ForeignScan *
plan_base(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, ForeignPath *path, List *tlist,
		  List *scan_clauses, Plan *outer_plan)
{
	ShipContext asking = ship_context(root, rel, info, true);
	bool in_key_order = intVal(linitial(path->fdw_private));
	List *pathkeys = lsecond(path->fdw_private);
	bool use_key = info->keys.nkeys > 0 && pathkeys == NIL;
	List *sent = NIL;
	List *checked = NIL;
	List *checked_infos = NIL;
	List *rechecked = NIL; /* that are not checked here, unless a row is found to have changed */
	Bitmapset *used;
	Deparse d = {.ship = &asking};
	Select s = {0};
	List *where;
	List *order;
	List *keys = NIL;
	int wanted = -1;
	ListCell *lc;

	foreach (lc, scan_clauses)
	{
		RestrictInfo *ri = lfirst_node(RestrictInfo, lc);
		Ship ship = SHIP_NO;

		if (ri->pseudoconstant)
			continue;
		if (list_member_ptr(info->shipped, ri))
			ship = SHIP_EXACT;
		else if (list_member_ptr(info->weak, ri))
			ship = SHIP_WEAK;
		else if (!list_member_ptr(info->local, ri))
		{
			/* a join condition of a parameterized path */
			ShipContext quiet = ship_context(root, rel, info, false);

			ship = ship_condition((Node *) ri->clause, &quiet);
		}
		if (ship != SHIP_NO)
			sent = lappend(sent, ri);
		/* what ties rows that do not fit to another table is checked on the nulls that they have here */
		if (ship == SHIP_EXACT && (info->error == 0 || !ties_to_another((Node *) ri->clause, rel)))
			rechecked = lappend(rechecked, checked_here(root, rel, ri, info->error));
		else
		{
			checked = lappend(checked, checked_here(root, rel, ri, info->error));
			checked_infos = lappend(checked_infos, ri);
		}
	}
	/* whether a row fits depends on all of its columns */
	used = attributes_used(rel, checked_infos);
	if (info->error != 0)
		used = bms_add_member(used, 0 - FirstLowInvalidHeapAttributeNumber);
	select_attributes(&s, info, used, use_key);
	where = deparse_where(sent, &d);
	order = join_order(deparse_order(pathkeys, info, &d), total_order(info, s.order));
	for (int i = 0; use_key && i < info->keys.nkeys; i++)
		keys = lappend(keys, makeString(pstrdup(info->keys.keys[i])));
	if (checked == NIL && root->limit_tuples >= 1 && root->limit_tuples <= PG_INT32_MAX &&
		limit_is_ours(root, rel) &&
		(root->sort_pathkeys == NIL || in_key_order || pathkeys != NIL))
		wanted = (int) root->limit_tuples;
	return make_foreignscan(
		tlist, checked, rel->relid, d.values,
		list_concat(
			list_make5(select_text(&s, info), where, NIL, order, keys),
			list_concat(
				list_make5(makeInteger(info->keys.key_unique),
						   makeInteger(in_key_order || pathkeys != NIL), makeInteger(wanted),
						   s.columns, d.holes),
				lappend(list_make5(makeInteger((int) info->serverid),
								   makeString(get_rel_name(info->relid)),
								   makeInteger(where == NIL ? (int) info->relid : 0),
								   makeInteger(info->error - 1),
								   makeInteger(root->tuple_fraction <= 0)),
						makeInteger(d.days)))),
		NIL, rechecked, outer_plan);
}

static ForeignScan *
netsuiteGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
					   List *tlist, List *scan_clauses, Plan *outer_plan)
{
	RelInfo *info = rel->fdw_private;

	if (IS_UPPER_REL(rel))
		return plan_grouped(root, info, path, tlist, outer_plan);
	return plan_base(root, rel, info, path, tlist, scan_clauses, outer_plan);
}

void
plan_routine(FdwRoutine *routine)
{
	routine->GetForeignRelSize = netsuiteGetForeignRelSize;
	routine->GetForeignPaths = netsuiteGetForeignPaths;
	routine->GetForeignPlan = netsuiteGetForeignPlan;
	routine->GetForeignUpperPaths = netsuiteGetForeignUpperPaths;
}
