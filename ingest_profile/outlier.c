/*
 * outlier.c
 *		outliers(): rows that do not look like the others; anomaly_score(): a
 *		point that does not fit its history.
 *
 * Outliers come from one profile of the column; each finding carries the
 * condition that selects its rows, and is counted by it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/outlier.h"
#include "ingest_profile/stats.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

SQL_FUNCTION(profile_outliers);
SQL_FUNCTION(profile_anomaly_score);

/* Count the rows of a condition and show a few of their values; false if there are none, or too many */
bool
outlier_report(OutlierSearch *o, const char *kind, const char *detail, const char *where, double most)
{
	bool nulls[5] = {false};
	Datum row[5];
	int64 count;
	char *sql = psprintf("SELECT (SELECT pg_catalog.count(*) FROM %s WHERE %s), "
						 "ARRAY(SELECT DISTINCT pg_catalog.left(%s::pg_catalog.text, 100) FROM (SELECT %s FROM %s WHERE %s LIMIT 1000) x ORDER BY 1 LIMIT 5)",
						 o->p->title, where, o->column, o->column, o->p->title, where);

	profile_select_row(sql);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &nulls[2]));
	if (count == 0 || (double) count > most)
		return false;
	row[0] = CStringGetTextDatum(kind);
	row[1] = CStringGetTextDatum(detail);
	row[2] = Int64GetDatum(count);
	row[3] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &nulls[3]);
	row[4] = CStringGetTextDatum(where);
	tuplestore_putvalues(o->result->setResult, o->result->setDesc, row, nulls);
	return true;
}

/*
 * What a condition compares with texts.  Sketches tell bytes apart: so does =, but in collations where different
 * texts are equal; json and xml have none.
 */
static char *
comparable(const OutlierSearch *o)
{
	const ColumnType *type = &o->s->type;

	if (type->class != CLASS_TEXT)
		return o->column;
	if (type->base == JSONOID || type->base == XMLOID)
		return psprintf("%s::pg_catalog.text", o->column);
	if (OidIsValid(type->collation) && !get_collation_isdeterministic(type->collation))
		return psprintf("%s COLLATE \"C\"", o->column);
	return o->column;
}

/* For regular expressions, whatever the collation */
char *
outlier_text_in_c(const OutlierSearch *o)
{
	return psprintf("%s%s COLLATE \"C\"", o->column, o->s->type.is_json || o->s->type.is_cstring_like ? "::pg_catalog.text" : "");
}

char *
outlier_equals(const OutlierSearch *o, const char *text)
{
	return psprintf("%s = %s", o->text, quote_literal_cstr(text));
}

Datum
profile_outliers(PG_FUNCTION_ARGS)
{
	Datum name = PointerGetDatum(PG_GETARG_TEXT_PP(1));
	ProfileRequest request = {.relation = PG_GETARG_OID(0), .schema = extension_schema(fcinfo)};
	OutlierSearch o = {.result = (ReturnSetInfo *) fcinfo->resultinfo, .relation = PG_GETARG_OID(0)};

	request.columns = construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT);
	rows_begin(fcinfo);
	SPI_connect();
	o.p = profile_run(&request, CurrentMemoryContext);
	o.s = o.p->columns[0].sketch;
	if (o.s != NULL && o.s->rows > o.s->nulls)
	{
		o.column = pstrdup(quote_identifier(o.p->columns[0].name));
		o.text = comparable(&o);
		o.values = (double) (o.s->rows - o.s->nulls);
		if (class_is_number(o.s->type.class) || class_is_moment(o.s->type.class))
			outlier_far_values(&o);
		outlier_spellings(&o);
		outlier_shapes(&o);
		outlier_forms(&o);
		outlier_placeholders(&o);
		outlier_dependencies(&o);
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* -- a metric's history -- */

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static double
median_of(double *values, int n)
{
	qsort(values, n, sizeof(double), compare_doubles);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/*
 * Robust standard deviations of a new point from the median of its history; of
 * the same phase if a season is given.  On logarithms where nothing is
 * negative, since metrics grow by factors.  A spread of less than 2 % of the
 * level is not believed: a metric that never moved may still move a little.
 */
static double
score_point(const double *history, int n, double value, int season)
{
	double *points = palloc(Max(n, 1) * sizeof(double));
	bool logs = value >= 0;
	int used = 0;
	double median;
	double spread;

	for (int i = 0; i < n; i++)
		logs = logs && !(history[i] < 0);
	for (int i = 0; i < n; i++)
	{
		/* the new point stands at place n */
		if (isnan(history[i]) || isinf(history[i]) || (season > 0 && (n - i) % season != 0))
			continue;
		points[used++] = logs ? log1p(history[i]) : history[i];
	}
	if (used < 5)
		return get_float8_nan();
	value = logs ? log1p(value) : value;
	median = median_of(points, used);
	for (int i = 0; i < used; i++)
		points[i] = fabs(points[i] - median);
	spread = 1.4826 * median_of(points, used);
	spread = Max(spread, logs ? 0.02 : Max(0.02 * fabs(median), 1e-12));
	return (value - median) / spread;
}

Datum
profile_anomaly_score(PG_FUNCTION_ARGS)
{
	Datum *elements;
	bool *nulls;
	int n;
	double *history;
	int season = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	double value;
	double score;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2) && season < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a season has at least 2 points, not %d", season)));
	value = PG_GETARG_FLOAT8(1);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &n);
	history = palloc(Max(n, 1) * sizeof(double));
	for (int i = 0; i < n; i++)
		history[i] = nulls[i] ? get_float8_nan() : DatumGetFloat8(elements[i]);
	if (isnan(value))
		PG_RETURN_NULL();
	score = score_point(history, n, value, season);
	if (isnan(score))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(score);
}
