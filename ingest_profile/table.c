/*
 * table.c
 *		profile_table(), profile_query(), profile_report().
 *
 * One statement with an aggregate per column, planned and run as the caller:
 * row security and column privileges hold, workers read in parallel, a foreign
 * table is asked for the columns named and no others.  Where that would come to
 * reading a table from end to end, scan.c does it faster.
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
#include "ingest_profile/scan.h"
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
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_table);
SQL_FUNCTION(profile_query);
SQL_FUNCTION(profile_report);

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
		p->reservoir = true;
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

/* What a statement of aggregates gave */
static void
take_values(Profiled *p)
{
	for (int i = 0; i < p->n; i++)
	{
		bool null;
		Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &null);

		if (!null)
			p->columns[i].stored = (bytea *) PG_DETOAST_DATUM_COPY(value);
	}
}

static void
take_sketches(Profiled *p)
{
	for (int i = 0; i < p->n; i++)
	{
		/* no rows at all */
		if (p->columns[i].stored == NULL)
			continue;
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
	bool whole = !request->query && request->where == NULL && request->sample_rows == 0;

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
	progress_start(p->title, !request->query ? relation_rows(request->relation) : 0);
	PG_TRY();
	{
		if (!whole || !scan_columns(request->relation, p, context))
		{
			profile_select_row(statement(p, request));
			MemoryContextSwitchTo(context);
			take_values(p);
		}
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

#define Z_95 1.96

/* A number that is estimated, with its bounds at 95 % */
typedef struct Bounded
{
	double value;
	double low;
	double high;
} Bounded;

/*
 * How many there are of which so many were seen, if each of them was read by chance: the score interval of a
 * binomial share that is known and whose number is not.  By a reservoir a known number of rows was read of a known
 * number: that is Wilson's interval for their share, less what no longer can come.
 */
static Bounded
count_of_all(const Profiled *p, double seen, double rows)
{
	double share = 1 / p->factor;
	double z2 = Z_95 * Z_95 * (1 - share);
	Bounded b = {seen * p->factor, seen * p->factor, seen * p->factor};

	if (!p->sampled || rows < 1)
		return b;
	if (p->reservoir)
	{
		double q = seen / rows;
		double centre = (q + z2 / (2 * rows)) / (1 + z2 / rows);
		double half = sqrt(z2) / (1 + z2 / rows) * sqrt(q * (1 - q) / rows + z2 / (4 * rows * rows));

		b.low = Max(centre - half, 0) * rows * p->factor;
		b.high = Min(centre + half, 1) * rows * p->factor;
	}
	else
	{
		double half = sqrt(z2 * seen + z2 * z2 / 4);

		b.low = (seen + z2 / 2 - half) * p->factor;
		b.high = (seen + z2 / 2 + half) * p->factor;
	}
	b.low = Max(b.low, seen);
	b.high = Max(b.high, seen);
	return b;
}

/* Bounds of what a number seen is the outcome of, as numbers of rare things are */
static double
expected_at_least(double seen)
{
	return seen + Z_95 * Z_95 / 2 - Z_95 * sqrt(seen + Z_95 * Z_95 / 4);
}

static double
expected_at_most(double seen)
{
	return seen + Z_95 * Z_95 / 2 + Z_95 * sqrt(seen + Z_95 * Z_95 / 4);
}

/* How many values of a sample came once, and how many twice; at least and at most while only the frequent ones are known */
static void
once_and_twice(const Sketch *s, double distinct, double *once_low, double *once_high, double *twice_high)
{
	int often = 0;

	*once_low = *twice_high = 0;
	for (int i = 0; i < s->set.n; i++)
	{
		*once_low += s->set.exact && s->set.entries[i].count == 1;
		*twice_high += s->set.exact && s->set.entries[i].count == 2;
		often += s->set.entries[i].count > 1;
	}
	*once_high = s->set.exact ? *once_low : distinct - often;
	if (!s->set.exact)
	{
		double values = (double) (s->rows - s->nulls);

		/* each of the others came twice or more */
		*once_low = Max(2 * distinct - values, 0);
		*twice_high = distinct - *once_low;
	}
}

/*
 * Distinct values of all rows from those of a sample: Haas and Stokes' Duj1.  At least so many as were seen and as
 * Chao and Lin's bound says of the unseen (Nonparametric lower bounds for species richness under sampling without
 * replacement, 2012).  At most: a value of which there are c is missed with (1-p)^c and seen once with
 * c p (1-p)^(c-1), so for each that came once there are no more than (1-p) / p unseen ones.
 */
static Bounded
distinct_of_all(const Profiled *p, const Sketch *s, const Bounded *values_of_all)
{
	double error;
	double distinct = sketch_distinct(s, &error);
	double values = (double) (s->rows - s->nulls);
	double share = 1 / p->factor;
	double once_low;
	double once_high;
	double twice;
	Bounded b = {distinct, Max(distinct - 2 * error, 0), Min(distinct + 2 * error, values_of_all->high)};

	if (!p->sampled || p->factor <= 1)
		return b;
	if (values < 1)
	{
		b.high = values_of_all->high;
		return b;
	}
	once_and_twice(s, distinct, &once_low, &once_high, &twice);
	if (s->set.exact)
		b.value = values * distinct / (values - once_low + once_low * share);
	else if (distinct >= 0.95 * values)
		b.value = distinct * p->factor;
	b.high = distinct + 2 * error + expected_at_most(once_high) * (1 - share) / share;
	b.high = Min(b.high, values_of_all->high);
	once_low = expected_at_least(Max(once_low - 4 * error, 0));
	if (once_low > 0)
	{
		double pairs = 2 * values / Max(values - 1, 1) * expected_at_most(twice + 4 * error);

		b.low += once_low * once_low / (pairs + share / (1 - share) * once_low);
	}
	b.low = Min(b.low, b.high);
	b.value = Max(Min(b.value, b.high), b.low);
	return b;
}

static char *
count_text(double value)
{
	return psprintf("%.0f", value);
}

static void
put_bounded(Figures *f, const char *name, const char *low, const char *high, const Bounded *b)
{
	figures_put(f, name, count_text(rint(b->value)));
	figures_put(f, low, count_text(floor(b->low)));
	figures_put(f, high, count_text(ceil(b->high)));
}

/* Which figures are estimates, as an array's text */
static char *
estimates_text(const Sketch *s, bool sampled)
{
	StringInfoData names;

	if (sampled)
		return "{all}";
	initStringInfo(&names);
	appendStringInfoChar(&names, '{');
	if (!s->set.exact)
		appendStringInfoString(&names, "distinct_count,uniqueness,entropy,top_count,top_share,");
	if (!s->set.exact && class_has_key(s->type.class))
		appendStringInfoString(&names, "quantiles,");
	if (s->patterns && s->patterns->guessed)
		appendStringInfoString(&names, "min_length,max_length,mean_length,");
	if (s->patterns && s->patterns->has_shapes && !s->patterns->shapes_exact)
		appendStringInfoString(&names, "pattern_share,");
	/* judged by the sampled values of each shape */
	if (s->type.class == CLASS_TEXT && !s->set.exact)
		appendStringInfoString(&names, "hidden_share,");
	if (names.data[names.len - 1] == ',')
		names.len--;
	names.data[names.len] = '\0';
	appendStringInfoChar(&names, '}');
	return names.data;
}

static void
scaled_figures(const Profiled *p, const Sketch *s, Figures *f)
{
	double rows = (double) s->rows;
	Bounded all = count_of_all(p, rows, rows);
	Bounded nulls = count_of_all(p, (double) s->nulls, rows);
	Bounded values = count_of_all(p, (double) (s->rows - s->nulls), rows);
	Bounded distinct = distinct_of_all(p, s, &values);

	/* a reservoir's rows were counted */
	if (p->reservoir)
		all.low = all.high = all.value;
	figures_put(f, "sampled", p->sampled ? "t" : "f");
	put_bounded(f, "total_rows", "total_rows_low", "total_rows_high", &all);
	put_bounded(f, "total_nulls", "total_nulls_low", "total_nulls_high", &nulls);
	put_bounded(f, "total_distinct", "total_distinct_low", "total_distinct_high", &distinct);
	figures_put(f, "estimates", estimates_text(s, p->sampled));
}

static void
return_columns(FunctionCallInfo fcinfo, Profiled *p)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	AttInMetadata *meta = TupleDescGetAttInMetadata(result->setDesc);
	const char *schema = extension_schema(fcinfo);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "profile row", ALLOCSET_DEFAULT_SIZES);
	/* a sample by chance may have met none of the rows */
	Bounded none = count_of_all(p, 0, 1);

	for (int i = 0; i < p->n; i++)
	{
		ProfiledColumn *c = &p->columns[i];
		MemoryContext old = MemoryContextSwitchTo(row);
		Figures f = {0};

		if (c->sketch)
		{
			sketch_figures(c->sketch, c->name, schema, &f);
			scaled_figures(p, c->sketch, &f);
			figures_put(&f, "sketch", text_to_cstring(DatumGetTextPP(DirectFunctionCall2(binary_encode, PointerGetDatum(c->stored), CStringGetTextDatum("base64")))));
		}
		else
		{
			figures_put(&f, "rows", "0");
			put_bounded(&f, "total_rows", "total_rows_low", "total_rows_high", &none);
			figures_put(&f, "sampled", p->sampled ? "t" : "f");
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
	sketch_figures(s, c->name, NULL, &f);
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
