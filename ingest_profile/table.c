/*
 * table.c
 *		profile_table(), profile_query(), profile_report().
 *
 * One statement with an aggregate per column, planned and run as the caller:
 * row security and column privileges hold, workers read in parallel, a foreign
 * table is asked for the columns named and no others.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/progress.h"
#include "ingest_profile/stats.h"
#include "ingest_profile/table.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

SQL_FUNCTION(profile_table);
SQL_FUNCTION(profile_query);
SQL_FUNCTION(profile_report);

/* The schema of the function that was called, quoted */
char *
extension_schema(FunctionCallInfo fcinfo)
{
	return pstrdup(quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid))));
}

static char *
relation_title(Oid relation)
{
	char *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

/* Rows by the last ANALYZE; not more than 0 if there was none */
static double
relation_rows(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	double rows;

	if (!HeapTupleIsValid(tuple))
		return 0;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/* -- which columns -- */

static void
add_column(Profiled *p, const char *name, int position)
{
	p->columns[p->n].name = pstrdup(name);
	p->columns[p->n].position = position;
	p->n++;
}

static void
no_column(const char *name, const char *title)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s does not exist", name, title)));
}

static void
add_named(Profiled *p, Relation rel, ArrayType *names)
{
	Datum *elements;
	bool *nulls;
	int n;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	p->columns = palloc0(Max(n, 1) * sizeof(ProfiledColumn));
	for (int i = 0; i < n; i++)
	{
		char *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		AttrNumber attnum = get_attnum(RelationGetRelid(rel), name);

		if (attnum <= 0)
			no_column(name, p->title);
		add_column(p, name, attnum);
	}
}

static void
add_readable(Profiled *p, Relation rel)
{
	TupleDesc desc = RelationGetDescr(rel);
	bool whole = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	StringInfoData unreadable;

	initStringInfo(&unreadable);
	p->columns = palloc0(Max(desc->natts, 1) * sizeof(ProfiledColumn));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (a->attisdropped)
			continue;
		if (whole || pg_attribute_aclcheck(RelationGetRelid(rel), a->attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
			add_column(p, NameStr(a->attname), a->attnum);
		else
			appendStringInfo(&unreadable, "%s%s", unreadable.len > 0 ? ", " : "", NameStr(a->attname));
	}
	if (p->n == 0 && unreadable.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for %s", p->title),
				 errhint("Profiling needs SELECT on the columns.")));
	if (unreadable.len > 0)
		ereport(NOTICE,
				(errmsg("columns of %s that you may not read are left out: %s", p->title, unreadable.data)));
}

static void
columns_of_relation(Profiled *p, const ProfileRequest *request)
{
	Relation rel = relation_open(request->relation, AccessShareLock);

	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_VIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s has no rows to profile", p->title),
					 errhint("Name a table, view, materialized view or foreign table.")));
	}
	if (request->columns)
		add_named(p, rel, request->columns);
	else
		add_readable(p, rel);
	relation_close(rel, AccessShareLock);
}

/* A query without what may end it */
static char *
trimmed(const char *query)
{
	int n = (int) strlen(query);

	while (n > 0 && strchr("; \t\r\n", query[n - 1]) != NULL)
		n--;
	return pnstrdup(query, n);
}

/* Run a SELECT as the caller, in his snapshot; within SPI */
void
profile_select(const char *sql)
{
	int code = SPI_execute(sql, true, 0);

	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
}

/* The same of one that gives one row, unless a condition of the caller's made something else of it */
void
profile_select_row(const char *sql)
{
	profile_select(sql);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the condition or query is not one by itself"),
				 errdetail("With it, the statement gave %llu rows instead of one: %s", (unsigned long long) SPI_processed, sql)));
}

static void
columns_of_query(Profiled *p, const ProfileRequest *request)
{
	TupleDesc desc;

	profile_select(psprintf("SELECT * FROM (\n%s\n) AS q LIMIT 0", trimmed(request->query)));
	desc = SPI_tuptable->tupdesc;
	p->columns = palloc0(Max(desc->natts, 1) * sizeof(ProfiledColumn));
	for (int i = 0; i < desc->natts; i++)
		add_column(p, NameStr(TupleDescAttr(desc, i)->attname), i + 1);
}

/* -- the statement -- */

/* Can rows be picked while they are read? */
static bool
takes_tablesample(Oid relation)
{
	char kind = get_rel_relkind(relation);

	return kind == RELKIND_RELATION || kind == RELKIND_MATVIEW || kind == RELKIND_PARTITIONED_TABLE;
}

static void
append_where(StringInfo sql, const char *where)
{
	if (where)
		appendStringInfo(sql, " WHERE (%s\n)", where);
}

/* FROM ..., so that the columns are those of q; sets the factor if it is known before */
static void
append_source(StringInfo sql, Profiled *p, const ProfileRequest *request)
{
	double rows;

	if (request->query)
	{
		appendStringInfo(sql, " FROM (\n%s\n) AS q (", trimmed(request->query));
		for (int i = 0; i < p->n; i++)
			appendStringInfo(sql, "%sc%d", i > 0 ? ", " : "", i + 1);
		appendStringInfoChar(sql, ')');
		return;
	}
	rows = relation_rows(request->relation);
	if (request->sample_rows > 0 && takes_tablesample(request->relation) && rows > 0)
	{
		double percent = Min(100.0 * (double) request->sample_rows / rows, 100);

		appendStringInfo(sql, " FROM %s AS q", p->title);
		if (percent < 100)
		{
			appendStringInfo(sql, " TABLESAMPLE BERNOULLI (%.10g) REPEATABLE (0)", percent);
			p->sampled = true;
			p->factor = 100 / percent;
		}
		append_where(sql, request->where);
	}
	else if (request->sample_rows > 0)
	{
		/* a reservoir: the rows with the least random numbers */
		appendStringInfoString(sql, " FROM (SELECT ");
		for (int i = 0; i < p->n; i++)
			appendStringInfo(sql, "%s%s", i > 0 ? ", " : "", quote_identifier(p->columns[i].name));
		appendStringInfo(sql, " FROM %s", p->title);
		append_where(sql, request->where);
		appendStringInfo(sql, " ORDER BY pg_catalog.random() LIMIT " INT64_FORMAT ") AS q", request->sample_rows);
		p->sampled = true;
		p->factor = 0;
	}
	else
	{
		appendStringInfo(sql, " FROM %s AS q", p->title);
		append_where(sql, request->where);
	}
}

static char *
statement(Profiled *p, const ProfileRequest *request)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < p->n; i++)
	{
		if (!request->query)
			appendStringInfo(&sql, "%s%s.profile(q.%s)", i > 0 ? ", " : "", request->schema,
							 quote_identifier(p->columns[i].name));
		else
			appendStringInfo(&sql, "%s%s.profile(q.c%d)", i > 0 ? ", " : "", request->schema, i + 1);
	}
	append_source(&sql, p, request);
	return sql.data;
}

/* How many rows a reservoir was filled from */
static void
count_rows(Profiled *p, const ProfileRequest *request)
{
	StringInfoData sql;
	bool null;
	double all;
	double read = p->n > 0 && p->columns[0].sketch ? (double) p->columns[0].sketch->rows : 0;

	p->factor = 1;
	p->sampled = read >= (double) request->sample_rows;
	if (!p->sampled)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.count(*) FROM %s", p->title);
	append_where(&sql, request->where);
	profile_select_row(sql.data);
	all = (double) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	p->factor = Max(all / read, 1);
	p->sampled = all > read;
}

static void
take_sketches(Profiled *p)
{
	for (int i = 0; i < p->n; i++)
	{
		bool null;
		Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &null);

		/* no rows at all */
		if (null)
			continue;
		p->columns[i].stored = (bytea *) PG_DETOAST_DATUM_COPY(value);
		p->columns[i].sketch = sketch_read(VARDATA(p->columns[i].stored), VARSIZE(p->columns[i].stored) - VARHDRSZ,
										   CurrentMemoryContext);
		(void) column_type_resolve(&p->columns[i].sketch->type, CurrentMemoryContext);
	}
}

/* Profile all columns; within SPI */
Profiled *
profile_run(const ProfileRequest *request, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Profiled *p = palloc0(sizeof(Profiled));
	char *sql;

	p->factor = 1;
	if (request->sample_rows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sample_rows must be positive")));
	p->title = !request->query ? relation_title(request->relation) : "query";
	if (!request->query)
		columns_of_relation(p, request);
	else
		columns_of_query(p, request);
	if (p->n == 0)
	{
		MemoryContextSwitchTo(old);
		return p;
	}
	sql = statement(p, request);
	progress_start(p->title, !request->query ? relation_rows(request->relation) : 0);
	PG_TRY();
	{
		profile_select_row(sql);
	}
	PG_FINALLY();
	{
		progress_stop();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	take_sketches(p);
	if (p->sampled && p->factor == 0)
		count_rows(p, request);
	MemoryContextSwitchTo(old);
	return p;
}

/* -- as rows -- */

/* Bounds of a share of n, at 95 %: Wilson's interval */
static void
wilson(double share, double n, double *low, double *high)
{
	double z = 1.96;
	double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
	double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));

	*low = Max(centre - half, 0);
	*high = Min(centre + half, 1);
}

/* Distinct values of all rows from those of a sample: Haas and Stokes' Duj1 */
static double
distinct_of_all(const Sketch *s, double distinct, double values, double factor)
{
	int64 once = 0;

	if (factor <= 1 || values < 1)
		return distinct;
	if (!s->set.exact)
		return distinct >= 0.95 * values ? distinct * factor : distinct;
	for (int i = 0; i < s->set.n; i++)
		once += s->set.entries[i].count == 1;
	return Min(values * distinct / (values - (double) once + (double) once / factor), distinct * factor);
}

static char *
count_text(double value)
{
	return psprintf("%.0f", value);
}

/* Which figures are estimates, as an array's text */
static char *
estimates_text(const Sketch *s, bool sampled)
{
	if (sampled)
		return "{all}";
	if (s->set.exact)
		return "{}";
	return class_has_key(s->type.class) ? "{distinct_count,uniqueness,entropy,top_count,top_share,quantiles}"
										: "{distinct_count,uniqueness,entropy,top_count,top_share,pattern_share,hidden_share}";
}

static void
scaled_figures(const Profiled *p, const Sketch *s, Figures *f)
{
	double rows = (double) s->rows;
	double all = rint(rows * p->factor);
	double error;
	double distinct = sketch_distinct(s, &error);
	double low = (double) s->nulls / Max(rows, 1);
	double high = low;
	double distinct_all = distinct_of_all(s, distinct, rows - (double) s->nulls, p->factor);

	if (p->sampled && rows > 0)
		wilson(low, rows, &low, &high);
	figures_put(f, "sampled", p->sampled ? "t" : "f");
	figures_put(f, "total_rows", count_text(all));
	figures_put(f, "total_nulls", count_text((double) s->nulls * p->factor));
	figures_put(f, "total_nulls_low", count_text(floor(low * all)));
	figures_put(f, "total_nulls_high", count_text(ceil(high * all)));
	figures_put(f, "total_distinct", count_text(distinct_all));
	figures_put(f, "total_distinct_low", count_text(Max(distinct - 2 * error, 0)));
	figures_put(f, "total_distinct_high", count_text(Min(p->sampled ? (distinct + 2 * sqrt(distinct)) * p->factor : distinct + 2 * error, all - (double) s->nulls)));
	figures_put(f, "estimates", estimates_text(s, p->sampled));
}

static void
return_columns(FunctionCallInfo fcinfo, Profiled *p)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttInMetadata *meta = TupleDescGetAttInMetadata(result->setDesc);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "profile row", ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < p->n; i++)
	{
		ProfiledColumn *c = &p->columns[i];
		MemoryContext old = MemoryContextSwitchTo(row);
		Figures f = {0};

		if (c->sketch)
		{
			sketch_figures(c->sketch, c->name, &f);
			scaled_figures(p, c->sketch, &f);
			figures_put(&f, "sketch", text_to_cstring(DatumGetTextPP(DirectFunctionCall2(binary_encode, PointerGetDatum(c->stored), CStringGetTextDatum("base64")))));
		}
		else
		{
			figures_put(&f, "rows", "0");
			figures_put(&f, "total_rows", "0");
			figures_put(&f, "sampled", "f");
		}
		figures_put(&f, "column_name", c->name);
		figures_put(&f, "position", psprintf("%d", c->position));
		tuplestore_puttuple(result->setResult, figures_tuple(&f, meta));
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	MemoryContextDelete(row);
}

static void
take_arguments(FunctionCallInfo fcinfo, ProfileRequest *request)
{
	memset(request, 0, sizeof(*request));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the relation to profile must not be null")));
	request->relation = PG_GETARG_OID(0);
	request->columns = PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1);
	if (!PG_ARGISNULL(2))
	{
		request->sample_rows = PG_GETARG_INT64(2);
		if (request->sample_rows < 1)
			request->sample_rows = -1;
	}
	request->where = PG_NARGS() <= 3 || PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	request->schema = extension_schema(fcinfo);
}

Datum
profile_table(PG_FUNCTION_ARGS)
{
	ProfileRequest request;

	take_arguments(fcinfo, &request);
	rows_begin(fcinfo);
	SPI_connect();
	return_columns(fcinfo, profile_run(&request, CurrentMemoryContext));
	SPI_finish();
	PG_RETURN_NULL();
}

Datum
profile_query(PG_FUNCTION_ARGS)
{
	ProfileRequest request = {.query = text_to_cstring(PG_GETARG_TEXT_PP(0)), .schema = extension_schema(fcinfo)};

	rows_begin(fcinfo);
	SPI_connect();
	return_columns(fcinfo, profile_run(&request, CurrentMemoryContext));
	SPI_finish();
	PG_RETURN_NULL();
}

/* -- as a picture -- */

#define REPORT_COLUMNS 7

static int
display_width(const char *text)
{
	int width = 0;

	for (const char *p = text; *p; p += pg_mblen(p))
		width += Max(pg_dsplen(p), 0);
	return width;
}

/* At most so wide; control characters shown as dots */
static char *
fitted(const char *text, int width)
{
	StringInfoData out;
	int used = 0;
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;

	initStringInfo(&out);
	for (const char *p = text; *p; p += pg_mblen(p))
	{
		int w = (unsigned char) *p < ' ' || *p == 127 ? 1 : Max(pg_dsplen(p), 0);

		if (used + w > width - 1 && display_width(p) > width - used)
		{
			appendStringInfoString(&out, utf8 ? "\342\200\246" : "~");
			break;
		}
		if ((unsigned char) *p < ' ' || *p == 127)
			appendStringInfoChar(&out, '.');
		else
			appendBinaryStringInfo(&out, p, pg_mblen(p));
		used += w;
	}
	return out.data;
}

/* One of eight heights; 0 for nothing */
static const char *
block(int height, bool utf8)
{
	static const char *const blocks[] = {" ", "\342\226\201", "\342\226\202", "\342\226\203", "\342\226\204",
										 "\342\226\205", "\342\226\206", "\342\226\207", "\342\226\210"};
	static const char *const plain[] = {" ", ".", ".", ":", ":", "|", "|", "#", "#"};

	return utf8 ? blocks[height] : plain[height];
}

static char *
null_bar(double share)
{
	static const char *const eighths[] = {"", "\342\226\217", "\342\226\216", "\342\226\215", "\342\226\214",
										  "\342\226\213", "\342\226\212", "\342\226\211", "\342\226\210"};
	StringInfoData out;
	int n = share > 0 ? Max((int) rint(share * 64), 1) : 0;
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;

	initStringInfo(&out);
	for (; n >= 8; n -= 8)
		appendStringInfoString(&out, utf8 ? eighths[8] : "#");
	appendStringInfoString(&out, utf8 ? eighths[n] : n > 3 ? "#"
														   : "");
	return psprintf("%s%*s%5.1f %%", out.data, 8 - display_width(out.data), "", 100 * share);
}

static char *
bars(const double *heights, int n)
{
	StringInfoData out;
	double top = 0;

	initStringInfo(&out);
	for (int i = 0; i < n; i++)
		top = Max(top, heights[i]);
	for (int i = 0; i < n; i++)
	{
		int height = heights[i] <= 0 || top <= 0 ? 0 : Max((int) rint(heights[i] / top * 8), 1);

		appendStringInfoString(&out, block(height, GetDatabaseEncoding() == PG_UTF8));
	}
	return out.data;
}

/* The distribution: of values where they have an order to count in, else of lengths */
static char *
sparkline(Sketch *s)
{
	double heights[16];
	int n;

	if (class_has_key(s->type.class) && s->type.class != CLASS_BOOLEAN)
	{
		Distribution d = sketch_distribution(s);
		double low;
		double high;

		if (d.n == 0)
			return "";
		low = number_of_key(s->type.class, d.items[0].key);
		high = number_of_key(s->type.class, d.items[d.n - 1].key);
		memset(heights, 0, sizeof(heights));
		for (int i = 0; i < d.n; i++)
		{
			double x = number_of_key(s->type.class, d.items[i].key);

			if (high > low && isfinite(high - low))
				heights[Min((int) ((x - low) / (high - low) * 12), 11)] += d.items[i].weight;
			else
				heights[0] += d.items[i].weight;
		}
		return bars(heights, high > low ? 12 : 1);
	}
	if (s->type.class == CLASS_TEXT && s->patterns->max_length > s->patterns->min_length)
	{
		int first = (int) Min(s->patterns->min_length, LENGTHS_EXACT);
		int last = (int) Min(s->patterns->max_length, LENGTHS_EXACT);

		memset(heights, 0, sizeof(heights));
		n = Min(last - first + 1, 12);
		for (int i = first; i <= last; i++)
			heights[(i - first) * n / (last - first + 1)] += (double) s->patterns->lengths[i];
		return bars(heights, n);
	}
	return "";
}

static char *
range_text(Sketch *s, const Figures *f)
{
	char *min = figure_of(f, "min");
	char *max = figure_of(f, "max");
	const char *dots = GetDatabaseEncoding() == PG_UTF8 ? "\342\200\246" : "..";

	if (min == NULL || max == NULL)
		return "";
	if (strcmp(min, max) == 0)
		return min;
	return psprintf("%s %s %s", fitted(min, 20), dots, fitted(max, 20));
}

static char *
top_text(Sketch *s)
{
	int n;
	TopValue *top = sketch_top(s, 3, &n);
	double values = (double) (s->rows - s->nulls);
	StringInfoData out;

	initStringInfo(&out);
	/* where every value is as rare as any, none is worth naming */
	if (s->set.n > 3 && n > 0 && (top[0].count <= 1 || (double) top[0].count / values < 0.001))
		return "";
	for (int i = 0; i < n; i++)
	{
		if (top[i].text)
			appendStringInfo(&out, "%s%s %.0f%%", i > 0 ? ", " : "", top[i].text[0] ? fitted(top[i].text, 16) : "''",
							 100 * (double) top[i].count / values);
	}
	return out.data;
}

static void
report_line(const Profiled *p, const ProfiledColumn *c, char **cells)
{
	Sketch *s = c->sketch;
	Figures f = {0};
	double error;
	double distinct;
	char *meaning;

	cells[0] = fitted(c->name, 28);
	for (int i = 1; i < REPORT_COLUMNS; i++)
		cells[i] = "";
	if (s == NULL)
		return;
	sketch_figures(s, c->name, &f);
	distinct = sketch_distinct(s, &error);
	meaning = figure_of(&f, "semantic_type");
	if (meaning == NULL)
		meaning = figure_of(&f, "hidden_type");
	cells[1] = fitted(meaning ? psprintf("%s: %s", s->type.name, meaning) : s->type.name, 32);
	cells[2] = null_bar(s->rows > 0 ? (double) s->nulls / (double) s->rows : 0);
	cells[3] = psprintf("%s%.0f%s", s->set.exact && !p->sampled ? "" : "~", distinct,
						distinct > 1 && distinct + 2 * error >= (double) (s->rows - s->nulls) ? " unique" : "");
	cells[4] = range_text(s, &f);
	cells[5] = sparkline(s);
	cells[6] = top_text(s);
	if (cells[6][0] == '\0' && figure_of(&f, "pattern"))
		cells[6] = psprintf("%s %.0f%%", fitted(figure_of(&f, "pattern"), 24), 100 * strtod(figure_of(&f, "pattern_share"), NULL));
}

static void
put_line(ReturnSetInfo *result, const char *line)
{
	Datum value = CStringGetTextDatum(line);
	bool null = false;

	tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
}

static void
return_report(ReturnSetInfo *result, Profiled *p)
{
	static char *const heads[REPORT_COLUMNS] = {"column", "type", "nulls", "distinct", "range", "distribution", "frequent"};
	char *(*cells)[REPORT_COLUMNS] = palloc((p->n + 1) * sizeof(*cells));
	int widths[REPORT_COLUMNS] = {0};
	double rows = p->n > 0 && p->columns[0].sketch ? (double) p->columns[0].sketch->rows : 0;

	memcpy(cells[0], heads, sizeof(heads));
	for (int i = 0; i < p->n; i++)
		report_line(p, &p->columns[i], cells[i + 1]);
	for (int i = 0; i <= p->n; i++)
	{
		for (int j = 0; j < REPORT_COLUMNS; j++)
			widths[j] = Max(widths[j], display_width(cells[i][j]));
	}
	if (p->sampled)
		put_line(result, psprintf("%s: about %.0f rows (a sample of %.0f), %d columns", p->title, rint(rows * p->factor), rows, p->n));
	else
		put_line(result, psprintf("%s: %.0f rows, %d columns", p->title, rows, p->n));
	for (int i = 0; i <= p->n; i++)
	{
		StringInfoData line;

		initStringInfo(&line);
		for (int j = 0; j < REPORT_COLUMNS; j++)
			appendStringInfo(&line, "%s%*s", cells[i][j], widths[j] - display_width(cells[i][j]) + 2, "");
		while (line.len > 0 && line.data[line.len - 1] == ' ')
			line.data[--line.len] = '\0';
		put_line(result, line.data);
	}
}

Datum
profile_report(PG_FUNCTION_ARGS)
{
	ProfileRequest request;

	take_arguments(fcinfo, &request);
	rows_begin(fcinfo);
	SPI_connect();
	return_report((ReturnSetInfo *) fcinfo->resultinfo, profile_run(&request, CurrentMemoryContext));
	SPI_finish();
	PG_RETURN_NULL();
}
