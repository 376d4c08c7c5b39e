/*
 * scan.c
 *		Rows of a foreign table's files, as the executor asks for them.
 *
 * Of each row the columns that conditions need are converted first; only if they hold are the others.  So conditions
 * are asked here, and not once more by the executor.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/sysattr.h"
#include "commands/explain.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/executor.h"
#include "files_fdw/listing.h"
#include "files_fdw/plan.h"
#include "files_fdw/scan.h"
#include "files_fdw/share.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* -- values of a row -- */

RowMaker *
row_maker_new(Table *t, Bitmapset *wanted, Bitmapset *early)
{
	RowMaker *m = palloc0(sizeof(RowMaker));

	m->table = t;
	m->wanted = wanted;
	m->soft = t->error > 0 && bms_is_member(t->error, wanted);
	t->wanted = m->soft ? bms_add_range(NULL, 1, Max(t->natts, 1)) : wanted;
	m->context = CurrentMemoryContext;
	m->early.of = palloc0(sizeof(Take) * (t->natts + 1));
	m->late.of = palloc0(sizeof(Take) * (t->natts + 1));
	m->places = palloc(sizeof(int) * (t->natts + 1));
	m->file_atts = palloc(sizeof(int) * (t->natts + 1));
	m->file_values = palloc0(sizeof(Datum) * (t->natts + 1));
	m->file_nulls = palloc(sizeof(bool) * (t->natts + 1));
	m->arena.hold = m->file_arena.hold = CurrentMemoryContext;
	m->arena.context = AllocSetContextCreate(CurrentMemoryContext, "files row", ALLOCSET_DEFAULT_SIZES);
	m->file_arena.context = AllocSetContextCreate(CurrentMemoryContext, "files of a file", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < t->natts; i++)
	{
		const Column *c = &t->columns[i];
		Take take = {.att = i, .converter = &c->converter};

		if (!c->dropped && (c->o.kind == COLUMN_POSITION || c->o.kind == COLUMN_LINE))
			m->places[m->nplaces++] = i;
		if (!c->dropped && column_is_of_file(c))
			m->file_atts[m->nfile_atts++] = i;
		/* whether a row is good, all its values tell */
		if (c->dropped || c->o.kind != COLUMN_DATA || !(m->soft || bms_is_member(i + 1, wanted)))
			continue;
		if (!m->soft && bms_is_member(i + 1, early))
			m->early.of[m->early.n++] = take;
		else
			m->late.of[m->late.n++] = take;
	}
	return m;
}

void
row_maker_file(RowMaker *m, FileInfo *file)
{
	Table *t = m->table;
	MemoryContext old;

	MemoryContextReset(m->file_arena.context);
	arena_reset(&m->file_arena, strlen(file->path) * 2, t->natts);
	memset(m->file_nulls, true, t->natts);
	m->nulls_of = NULL;
	old = MemoryContextSwitchTo(m->file_arena.context);
	for (int i = 0; i < t->natts; i++)
	{
		Complaint complaint = {0};

		if (t->columns[i].dropped || !column_is_of_file(&t->columns[i]))
			continue;
		if (!column_of_file(&t->columns[i], file, &m->file_arena, &m->file_values[i], &m->file_nulls[i], &complaint))
			ereport(ERROR, (errcode(complaint.sqlstate), errmsg("%s", complaint.reason),
							errdetail("Column \"%s\" is taken from the path \"%s\".", t->columns[i].converter.name,
									  file->path)));
	}
	MemoryContextSwitchTo(old);
}

/* Rows of other files have their fields elsewhere */
static void
takes_open(Takes *t, const FileScan *scan)
{
	t->at_once = scan->parquet != NULL;
	t->from = t->to = 0;
	for (int i = 0; i < t->n; i++)
	{
		Take *take = &t->of[i];

		take->field = scan->field_of[take->att];
		take->made = NULL;
		if (scan->parquet && take->field >= 0)
			t->at_once &= scan->parquet->columns[take->att]->direct;
	}
}

void
row_maker_open(RowMaker *m, FileInfo *file)
{
	m->scan = file_scan_open(m->table, file);
	takes_open(&m->early, m->scan);
	takes_open(&m->late, m->scan);
}

void
row_maker_close(RowMaker *m)
{
	if (m->scan)
		file_scan_close(m->scan);
	m->scan = NULL;
}

/* Words for errors that input functions throw themselves */
static void
say_where(void *arg)
{
	RowMaker *m = arg;
	Complaint c = {.column = m->at_work ? m->at_work->name : NULL};
	Place place;

	if (m->scan == NULL || m->at_work == NULL)
		return;
	file_scan_place(m->scan, &place);
	errcontext("%s", complaint_place(&c, &place));
}

/* A bad row: an error, or a row with nothing but what is wrong with it */
static void
make_bad(RowMaker *m, const Complaint *complaint, Datum *values, bool *nulls)
{
	Table *t = m->table;
	const Row *row = &m->scan->row;
	MemoryContext old;
	Place place;

	m->nulls_of = NULL;
	file_scan_place(m->scan, &place);
	if (!m->soft || row->fatal)
		complaint_raise(complaint, &place);
	for (int i = 0; i < t->natts; i++)
	{
		if (t->columns[i].o.kind == COLUMN_DATA)
			nulls[i] = true;
	}
	old = MemoryContextSwitchTo(m->arena.context);
	if (m->scan->parquet)
	{
		char *text = parquet_row_text(m->scan->parquet, t, row->position);

		values[t->error - 1] = complaint_json(complaint, &place, text, strlen(text));
	}
	else
		values[t->error - 1] = complaint_json(complaint, &place, row->text, row->len);
	nulls[t->error - 1] = false;
	MemoryContextSwitchTo(old);
}

static bool
take_one(RowMaker *m, const Take *take, Datum *value, bool *isnull, Complaint *complaint)
{
	const FileScan *s = m->scan;
	const Row *row = &s->row;

	m->at_work = take->converter;
	if (s->parquet)
		return column_value(s->parquet->columns[take->att], row->position, m->soft, value, isnull, complaint);
	return convert_field(take->converter, s->csv, &row->fields[take->field], &m->arena, m->soft, value, isnull,
						 complaint);
}

static bool
take_each(RowMaker *m, const Takes *t, Datum *values, bool *nulls, Complaint *complaint)
{
	for (int i = 0; i < t->n; i++)
	{
		const Take *take = &t->of[i];

		if (take->field < 0)
			nulls[take->att] = true;
		else if (!take_one(m, take, &values[take->att], &nulls[take->att], complaint))
			return false;
	}
	return true;
}

/* Columns of Parquet have values of a thousand rows, each from another row on: which rows do all of them have? */
static void
find_rows(RowMaker *m, Takes *t, bool *nulls)
{
	int64 row = m->scan->row.position;

	t->from = row;
	t->to = PG_INT64_MAX;
	t->worst = VALUE_FINE;
	for (int i = 0; i < t->n; i++)
	{
		Take *take = &t->of[i];
		ParquetColumn *c;

		if (take->field < 0)
			continue;
		m->at_work = take->converter;
		c = m->scan->parquet->columns[take->att];
		if (row >= c->to)
			column_fill(c, row);
		take->made = c->values + (row - c->from);
		take->states = c->states + (row - c->from);
		t->to = Min(t->to, c->to);
		t->worst = Max(t->worst, c->worst);
	}
	/* of several rows once */
	for (int i = 0; i < t->n; i++)
		nulls[t->of[i].att] = t->of[i].field < 0;
}

/* Their values, of which none is bad */
static inline void
take_made(const Takes *t, int64 row, Datum *values, bool *nulls)
{
	const Take *take = t->of;
	const Take *end = take + t->n;
	int64 k = row - t->from;

	if (t->worst == VALUE_FINE)
	{
		for (; take < end; take++)
		{
			if (take->made)
				values[take->att] = take->made[k];
		}
		return;
	}
	for (; take < end; take++)
	{
		if (take->made == NULL)
			continue;
		values[take->att] = take->made[k];
		nulls[take->att] = take->states[k] == VALUE_NULL;
	}
}

static inline bool
has_row(const Takes *t, int64 row)
{
	return t->at_once && t->worst <= VALUE_NULL && row >= t->from && row < t->to;
}

/* One by one, where they are no Parquet's, or not all of them good; or the first row of more */
static pg_noinline bool
take_slowly(RowMaker *m, Takes *t, Datum *values, bool *nulls)
{
	int64 row = m->scan->row.position;
	Complaint complaint;
	ErrorContextCallback callback;
	bool good = true;

	/* but for its words, which are many bytes */
	complaint.sqlstate = 0;
	complaint.column = complaint.value = NULL;
	complaint.len = 0;
	callback.callback = say_where;
	callback.arg = m;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (t->at_once && (row < t->from || row >= t->to))
		find_rows(m, t, nulls);
	if (has_row(t, row))
		take_made(t, row, values, nulls);
	else
		good = take_each(m, t, values, nulls, &complaint);
	m->at_work = NULL;
	error_context_stack = callback.previous;
	if (!good)
		make_bad(m, &complaint, values, nulls);
	return good;
}

static inline bool
take_values(RowMaker *m, Takes *t, Datum *values, bool *nulls)
{
	int64 row = m->scan->row.position;

	if (!has_row(t, row))
		return take_slowly(m, t, values, nulls);
	take_made(t, row, values, nulls);
	return true;
}

/* What a row of the file has before any of its columns is taken */
static void
begin_row(RowMaker *m, Datum *values, bool *nulls)
{
	Table *t = m->table;
	const Row *row = &m->scan->row;

	if (m->scan->parquet == NULL)
	{
		MemoryContextReset(m->arena.context);
		arena_reset(&m->arena, row->len, t->natts);
		memcpy(values, m->file_values, sizeof(Datum) * t->natts);
		memcpy(nulls, m->file_nulls, sizeof(bool) * t->natts);
	}
	else
	{
		/* words about a bad row */
		if (m->nulls_of == NULL)
			MemoryContextReset(m->arena.context);
		/* whose nulls are as they were, but for columns that are taken */
		if (m->nulls_of != nulls)
		{
			memcpy(nulls, m->file_nulls, sizeof(bool) * t->natts);
			m->early.from = m->early.to = m->late.from = m->late.to = 0;
			m->nulls_of = nulls;
		}
		for (int i = 0; i < m->nfile_atts; i++)
			values[m->file_atts[i]] = m->file_values[m->file_atts[i]];
	}
	for (int i = 0; i < m->nplaces; i++)
	{
		int att = m->places[i];
		bool position = t->columns[att].o.kind == COLUMN_POSITION;

		values[att] = Int64GetDatum(position ? row->position : row->line);
		nulls[att] = !position && row->line == 0;
	}
}

bool
row_maker_early(RowMaker *m, Datum *values, bool *nulls)
{
	const Row *row = &m->scan->row;

	begin_row(m, values, nulls);
	if (row->fault.sqlstate != 0)
	{
		make_bad(m, &row->fault, values, nulls);
		return false;
	}
	return m->early.n == 0 || take_values(m, &m->early, values, nulls);
}

bool
row_maker_late(RowMaker *m, Datum *values, bool *nulls)
{
	return take_values(m, &m->late, values, nulls);
}

/* -- the scan -- */

typedef struct ScanInfo
{
	Table *table;
	RowMaker *maker;
	Index relid;
	List *clauses;   /* all conditions */
	ExprState *qual; /* of rows */
	ExprState *file_qual;
	bool has_qual; /* conditions are asked here */
	bool guarded;  /* in their order */
	bool listed;
	List *files;  /* that conditions leave */
	int total;    /* that were looked at */
	bool named;   /* since conditions name them */
	bool cut;     /* files may be read from their middle on */
	bool between; /* the part of the file that is open was read */
	Share *share;
	uint64 unit;    /* without others: the next one */
	int file_index; /* of the file that the next unit may be in */
	uint64 first;   /* number of its first unit */
	int64 from;     /* of positions */
	int64 to;
	MemoryContext context;
	int64 files_read; /* for EXPLAIN */
	int64 bytes;
	int64 rows;
	int64 groups_read;
	int64 groups_left_out;
} ScanInfo;

/* Conditions of files and conditions of rows; those that files alone decide are not asked for each row */
static void
prepare_conditions(ForeignScanState *node, ScanInfo *s)
{
	List *of_files = s->guarded ? NIL : file_clauses(s->table, s->relid, s->clauses);

	s->file_qual = ExecInitQual(of_files, (PlanState *) node);
	s->qual = ExecInitQual(list_difference_ptr(s->clauses, of_files), (PlanState *) node);
	/* what is read again for a row that was locked is asked by the executor itself */
	s->has_qual = node->ss.ps.state->es_epq_active == NULL;
	if (s->has_qual)
		node->ss.ps.qual = NULL;
	position_bounds(s->table, s->relid, s->clauses, node->ss.ps.state->es_param_list_info, &s->from, &s->to);
}

static Bitmapset *
columns_of(List *clauses, Index relid)
{
	Bitmapset *attrs = NULL;
	Bitmapset *result = NULL;
	int i = -1;

	pull_varattnos((Node *) clauses, relid, &attrs);
	while ((i = bms_next_member(attrs, i)) >= 0)
	{
		if (i + FirstLowInvalidHeapAttributeNumber > 0)
			result = bms_add_member(result, i + FirstLowInvalidHeapAttributeNumber);
		/* of the whole row */
		else if (i + FirstLowInvalidHeapAttributeNumber == 0)
			return NULL;
	}
	return result;
}

/* Of a view, its owner */
static Oid
user_of(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
#if PG_VERSION_NUM >= 160000
	Oid role = plan->checkAsUser;
#else
	Oid role = exec_rt_fetch(plan->scan.scanrelid, node->ss.ps.state)->checkAsUser;
#endif

	return OidIsValid(role) ? role : GetUserId();
}

/* Can several processes read parts of one file? */
static bool
may_be_cut(const TableOptions *o)
{
	switch (o->format)
	{
		case FORMAT_PARQUET:
			return true;
		case FORMAT_XLSX:
			return false;
		case FORMAT_CSV:
		case FORMAT_FIXED:
			if (o->multiline)
				return false;
			break;
		default:
			if (strcmp(o->records, "lines") != 0)
				return false;
			break;
	}
	return encoding_is_ours(o->encoding) && o->compression <= COMPRESS_NONE;
}

static void
filesBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	ScanInfo *s = palloc0(sizeof(ScanInfo));
	Relation relation = node->ss.ss_currentRelation;
	Bitmapset *wanted = NULL;
	Bitmapset *early;
	ListCell *lc;

	node->fdw_state = s;
	s->context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "files scan", ALLOCSET_DEFAULT_SIZES);
	s->relid = plan->scan.scanrelid;
	s->clauses = plan->scan.plan.qual;
	s->table = table_open_fdw(RelationGetRelid(relation), RelationGetDescr(relation), user_of(node));
	foreach (lc, list_nth(plan->fdw_private, PLAN_WANTED))
		wanted = bms_add_member(wanted, intVal(lfirst(lc)));
	s->guarded = intVal(list_nth(plan->fdw_private, PLAN_GUARDED)) != 0;
	prepare_conditions(node, s);
	early = columns_of(s->clauses, s->relid);
	/* a whole row in a condition needs all of them */
	if (early == NULL && s->qual != NULL)
		early = wanted;
	s->cut = may_be_cut(&s->table->o);
	s->maker = row_maker_new(s->table, wanted, early);
	/* what is wrong with rows is to be seen of all of them; and a view's conditions come first */
	if (s->table->o.format == FORMAT_PARQUET && !s->maker->soft && !s->guarded)
		s->table->prunes =
			prune_clauses(s->table, s->relid, s->clauses, node->ss.ps.state->es_param_list_info);
}

/* Is there a parameter whose value is not known before the scan runs, or not at all, as in EXPLAIN (GENERIC_PLAN)? */
static bool
has_open_param(Node *node, void *known)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC || known == NULL;
	return expression_tree_walker(node, has_open_param, known);
}

bool
row_maker_fits(RowMaker *m, ForeignScanState *node, FileInfo *file, ExprState *qual)
{
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	bool fits;

	row_maker_file(m, file);
	if (qual == NULL)
		return true;
	ExecClearTuple(slot);
	memcpy(slot->tts_values, m->file_values, sizeof(Datum) * m->table->natts);
	memcpy(slot->tts_isnull, m->file_nulls, sizeof(bool) * m->table->natts);
	ExecStoreVirtualTuple(slot);
	econtext->ecxt_scantuple = slot;
	ResetExprContext(econtext);
	fits = ExecQual(qual, econtext);
	ExecClearTuple(slot);
	return fits;
}

/* The files, less those that conditions leave out whose values are known */
static void
list_files(ForeignScanState *node, ScanInfo *s)
{
	MemoryContext old = MemoryContextSwitchTo(s->context);
	List *clauses = NIL;
	List *paths;
	List *files;
	ExprState *qual;
	ListCell *lc;

	s->named = named_files(s->table, s->relid, s->clauses, node->ss.ps.state->es_param_list_info, &paths);
	files = s->named ? table_files_named(s->table, paths) : table_files(s->table);
	s->total = list_length(files);
	foreach (lc, s->guarded ? NIL : file_clauses(s->table, s->relid, s->clauses))
	{
		if (!has_open_param(lfirst(lc), node->ss.ps.state->es_param_list_info))
			clauses = lappend(clauses, lfirst(lc));
	}
	qual = ExecInitQual(clauses, (PlanState *) node);
	s->files = NIL;
	foreach (lc, files)
	{
		if (qual == NULL || row_maker_fits(s->maker, node, lfirst(lc), qual))
			s->files = lappend(s->files, lfirst(lc));
	}
	s->listed = true;
	MemoryContextSwitchTo(old);
}

/* The unit of a number; false: there are not so many.  Numbers only grow. */
static bool
find_unit(ScanInfo *s, uint64 number, bool cut, Unit *unit)
{
	while (s->file_index < list_length(s->files))
	{
		FileInfo *file = list_nth(s->files, s->file_index);
		int64 n = units_of(file, cut);

		if (number < s->first + n)
		{
			int64 part = (int64) (number - s->first);

			*unit = (Unit){file, part * CHUNK_BYTES, part == n - 1 ? PG_INT64_MAX : (part + 1) * CHUNK_BYTES};
			return true;
		}
		s->first += n;
		s->file_index++;
	}
	return false;
}

static void
close_file(ScanInfo *s)
{
	FileScan *scan = s->maker->scan;

	if (scan)
		s->bytes += file_scan_bytes(scan);
	if (scan && scan->parquet)
	{
		s->groups_read += scan->parquet->groups_read;
		s->groups_left_out += scan->parquet->groups_left_out;
	}
	row_maker_close(s->maker);
	s->between = false;
}

/* Rows of a unit of a file that is open; false: it is another process's */
static bool
begin_unit(ScanInfo *s, const Unit *unit)
{
	FileScan *scan = s->maker->scan;

	/* positions are numbers of rows there, and a part has the row groups that begin in it */
	if (scan->parquet)
	{
		file_scan_part(scan, unit->from, unit->to, Max(s->from, 0));
		scan->stop = s->to;
		return true;
	}
	if (file_scan_can_seek(scan))
	{
		file_scan_seek(scan, Max(unit->from, s->from));
		scan->stop = Min(unit->to, s->to);
		return true;
	}
	/* whole, by whoever has its first part */
	scan->stop = s->to;
	return unit->from == 0;
}

/* Open the next part of a file; false: all are read */
static bool
open_next(ForeignScanState *node, ScanInfo *s)
{
	bool parquet = s->table->o.format == FORMAT_PARQUET;
	MemoryContext old;
	Unit unit;

	for (;;)
	{
		bool cut = s->share ? share_is_cut(s->share) : false;

		CHECK_FOR_INTERRUPTS();
		if (!find_unit(s, s->share ? share_take(s->share) : s->unit++, cut, &unit))
		{
			close_file(s);
			return false;
		}
		/* the first part may be the whole, whose positions are no bytes of the file */
		if (!parquet && unit.from > 0 && (unit.to <= s->from || unit.from >= s->to))
			continue;
		/* of Parquet the footer is not read for each part */
		if (!s->between || s->maker->scan->file != unit.file)
		{
			close_file(s);
			if (!row_maker_fits(s->maker, node, unit.file, s->file_qual))
				continue;
			old = MemoryContextSwitchTo(s->context);
			row_maker_open(s->maker, unit.file);
			MemoryContextSwitchTo(old);
		}
		s->between = false;
		if (!begin_unit(s, &unit))
		{
			close_file(s);
			continue;
		}
		s->files_read += unit.from == 0;
		return true;
	}
}

static TupleTableSlot *
filesIterateForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;
	RowMaker *m = s->maker;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	if (!s->listed)
		list_files(node, s);
	ExecClearTuple(slot);
	for (;;)
	{
		if ((m->scan == NULL || s->between) && !open_next(node, s))
			return ExecClearTuple(slot);
		if (!file_scan_next(m->scan))
		{
			if (m->scan->parquet)
				s->between = true;
			else
				close_file(s);
			continue;
		}
		if (m->scan->row.position < s->from)
			continue;
		/* a page of a million lines that nobody wants is left as soon as somebody says so */
		if ((++s->rows & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (row_maker_early(m, slot->tts_values, slot->tts_isnull))
		{
			if (s->has_qual && s->qual && !m->soft)
			{
				ExecStoreVirtualTuple(slot);
				econtext->ecxt_scantuple = slot;
				ResetExprContext(econtext);
				if (!ExecQual(s->qual, econtext))
				{
					InstrCountFiltered1(node, 1);
					ExecClearTuple(slot);
					continue;
				}
				ExecClearTuple(slot);
			}
			(void) row_maker_late(m, slot->tts_values, slot->tts_isnull);
		}
		ExecStoreVirtualTuple(slot);
		if (s->has_qual && s->qual && m->soft)
		{
			econtext->ecxt_scantuple = slot;
			ResetExprContext(econtext);
			if (!ExecQual(s->qual, econtext))
			{
				InstrCountFiltered1(node, 1);
				ExecClearTuple(slot);
				continue;
			}
		}
		return slot;
	}
}

static void
from_the_start(ScanInfo *s)
{
	close_file(s);
	s->unit = s->first = 0;
	s->file_index = 0;
}

static void
filesReScanForeignScan(ForeignScanState *node)
{
	from_the_start(node->fdw_state);
}

static void
filesEndForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;

	if (s == NULL)
		return;
	row_maker_close(s->maker);
	MemoryContextDelete(s->context);
}

/* -- EXPLAIN -- */

static void
filesExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ScanInfo *s = node->fdw_state;

	if (!s->listed)
		list_files(node, s);
	if (s->named)
		ExplainPropertyInteger("Files", NULL, list_length(s->files), es);
	else
		ExplainPropertyText("Files", psprintf("%d of %d", list_length(s->files), s->total), es);
	if (es->verbose)
		ExplainPropertyText("Path", s->table->o.path, es);
	if (es->analyze)
	{
		close_file(s);
		ExplainPropertyInteger("Files Read", NULL, s->files_read, es);
		ExplainPropertyInteger("Bytes Read", NULL, s->bytes, es);
		if (s->table->o.format == FORMAT_PARQUET)
			ExplainPropertyText("Row Groups Read",
								psprintf(INT64_FORMAT " of " INT64_FORMAT, s->groups_read,
										 s->groups_read + s->groups_left_out),
								es);
	}
}

/* -- several processes -- */

static Size
filesEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
	ScanInfo *s = node->fdw_state;

	if (!s->listed)
		list_files(node, s);
	return share_size(s->files);
}

static void
filesInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	ScanInfo *s = node->fdw_state;

	s->share = coordinate;
	share_write(s->share, s->files, s->cut);
}

static void
filesReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
	ScanInfo *s = node->fdw_state;

	share_again(s->share);
	from_the_start(s);
}

static void
filesInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
	ScanInfo *s = node->fdw_state;
	MemoryContext old = MemoryContextSwitchTo(s->context);

	s->share = coordinate;
	s->files = share_files(s->share);
	s->total = list_length(s->files);
	s->listed = true;
	MemoryContextSwitchTo(old);
}

/* The memory that the others share goes before the end of the scan; a DELETE, which is shut down too, has none */
static void
filesShutdownForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;

	if (s && castNode(ForeignScan, node->ss.ps.plan)->operation == CMD_SELECT)
		s->share = NULL;
}

void
scan_routine(FdwRoutine *routine)
{
	routine->BeginForeignScan = filesBeginForeignScan;
	routine->IterateForeignScan = filesIterateForeignScan;
	routine->ReScanForeignScan = filesReScanForeignScan;
	routine->EndForeignScan = filesEndForeignScan;
	routine->ExplainForeignScan = filesExplainForeignScan;
	routine->EstimateDSMForeignScan = filesEstimateDSMForeignScan;
	routine->InitializeDSMForeignScan = filesInitializeDSMForeignScan;
	routine->ReInitializeDSMForeignScan = filesReInitializeDSMForeignScan;
	routine->InitializeWorkerForeignScan = filesInitializeWorkerForeignScan;
	routine->ShutdownForeignScan = filesShutdownForeignScan;
}
