/*
 * outlier.c
 *		outliers(): rows that do not look like the others.
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
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_outliers);

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
