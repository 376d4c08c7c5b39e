/*
 * row_json.c
 *		A row as JSON: what to_jsonb(row) gives, without finding out of each row again what its columns are.
 *
 * Names, their order in an object and what becomes of each type are looked up once for all rows of a statement.  What
 * is not simple (arrays, composites, JSON) is to_jsonb's.  A type of somebody's own is what it writes, even if there
 * is a cast to json: a version is to be read again, by the type's input.
 *
 * What JSON has no word for is a string that the type reads again: NaN and infinities, -0, arrays that do not begin at
 * 1.  A null of JSON, which is another one than SQL's, is {"$json": null}; so that this can be told from a value that
 * looks the same, that one is put into such an object as well.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/attribute.h"
#include "common/json_build.h"
#include "ingest/base/compat.h"
#include "nodes/makefuncs.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

SQL_FUNCTION(ingest_row_json);
SQL_FUNCTION(ingest_row_of_json);
SQL_FUNCTION(ingest_key_json);

typedef enum Way
{
	WAY_BOOL,
	WAY_INT2,
	WAY_INT4,
	WAY_INT8,
	WAY_NUMERIC,
	WAY_TIME,   /* date, timestamp, timestamptz */
	WAY_TEXT,   /* what is a text inside */
	WAY_OUTPUT, /* what its output function writes, as a string */
	WAY_FLOAT,  /* the same as a number */
	WAY_ARRAY,  /* to_jsonb's; what does not begin at 1 as a string */
	WAY_JSONB   /* what to_jsonb makes of it */
} Way;

/* The one member of an object around a value of JSON that could be taken for another one */
#define MARK "$json"

typedef struct Member
{
	int attribute; /* from 0 */
	const char *name;
	int name_length;
	Oid type;     /* a domain's base */
	bool as_text; /* it is to be read again, rather than to be compared */
	Way way;
	FmgrInfo function; /* output, or to_jsonb */
	FmgrInfo output;   /* of an array */
} Member;

/* What is known of the rows of one type */
typedef struct RowType
{
	TupleDesc desc;
	Datum *values;
	bool *nulls;
	JsonbPair *pairs;
	int n;
	Member members[FLEXIBLE_ARRAY_MEMBER]; /* in the order of an object */
} RowType;

/* Shorter ones first, as in any object */
static int
compare_names(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;

	if (x->name_length != y->name_length)
		return x->name_length - y->name_length;
	return memcmp(x->name, y->name, x->name_length);
}

/* Can the JSON of it be read?  What a cast to json makes of hstore or geometry, in an array, too, nothing reads */
static bool
json_reads_again(Oid type)
{
	Oid element;
	TupleDesc desc;
	bool all = true;

	type = getBaseType(type);
	if (type < FirstNormalObjectId)
		return true;
	element = get_element_type(type);
	if (OidIsValid(element))
		return json_reads_again(element);
	if (!type_is_rowtype(type))
		return get_typtype(type) != TYPTYPE_BASE;
	desc = lookup_rowtype_tupdesc_copy(type, -1);
	for (int i = 0; i < desc->natts && all; i++)
		all = TupleDescAttr(desc, i)->attisdropped || json_reads_again(TupleDescAttr(desc, i)->atttypid);
	return all;
}

/* as_text: as its own input reads it again */
static Way
way_of(Oid type, bool as_text)
{
	switch (type)
	{
		case BOOLOID:
			return WAY_BOOL;
		case INT2OID:
			return WAY_INT2;
		case INT4OID:
			return WAY_INT4;
		case INT8OID:
			return WAY_INT8;
		case NUMERICOID:
			return WAY_NUMERIC;
		case FLOAT4OID:
		case FLOAT8OID:
			return WAY_FLOAT;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return WAY_TIME;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return WAY_TEXT;
		case UUIDOID:
		case BYTEAOID:
		case TIMEOID:
		case TIMETZOID:
		case INTERVALOID:
		case INETOID:
		case CIDROID:
		case NAMEOID:
			return WAY_OUTPUT;
		default:
			if (as_text && !json_reads_again(type))
				return WAY_OUTPUT;
			if (type_is_array(type))
				return WAY_ARRAY;
			return WAY_JSONB;
	}
}

/* What to do with a column of this type, once for all rows */
static void
member_begin(Member *member, const char *name, Oid type, bool as_text, int i, MemoryContext context)
{
	Oid output;
	bool varlena;

	member->attribute = i;
	member->name = MemoryContextStrdup(context, name);
	member->name_length = strlen(member->name);
	member->type = getBaseType(type);
	member->as_text = as_text;
	member->way = way_of(member->type, as_text);
	if (member->way == WAY_OUTPUT || member->way == WAY_FLOAT || member->way == WAY_ARRAY)
	{
		getTypeOutputInfo(member->type, &output, &varlena);
		fmgr_info_cxt(output, member->way == WAY_ARRAY ? &member->output : &member->function, context);
	}
	if (member->way == WAY_ARRAY || member->way == WAY_JSONB)
	{
		Node *typed = (Node *) makeNullConst(type, -1, InvalidOid);

		fmgr_info_cxt(F_TO_JSONB, &member->function, context);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(typed), InvalidOid, InvalidOid,
												 COERCE_EXPLICIT_CALL),
						   &member->function);
	}
}

/* n values in the current memory context, of which no member is known yet */
static RowType *
row_type_alloc(int n)
{
	RowType *row = palloc0(offsetof(RowType, members) + sizeof(Member) * Max(n, 1));

	row->values = palloc(sizeof(Datum) * Max(n, 1));
	row->nulls = palloc(sizeof(bool) * Max(n, 1));
	row->pairs = palloc0(sizeof(JsonbPair) * Max(n, 1));
	return row;
}

/* All members are known */
static void
row_type_sort(RowType *row)
{
	qsort(row->members, row->n, sizeof(Member), compare_names);
	for (int i = 0; i < row->n; i++)
	{
		row->pairs[i].key.type = jbvString;
		row->pairs[i].key.val.string.val = (char *) row->members[i].name;
		row->pairs[i].key.val.string.len = row->members[i].name_length;
	}
}

/* Not copied: it lives as long as the row */
static void
set_string(JsonbValue *to, char *string, int length)
{
	to->type = jbvString;
	to->val.string.val = string;
	to->val.string.len = length;
}

/* NaN and infinities are strings, as to_jsonb writes them */
static void
set_number(JsonbValue *to, Numeric number)
{
	/* JSON has no word for these */
	if (numeric_is_nan(number) || numeric_is_inf(number))
	{
		char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));

		set_string(to, text, strlen(text));
		return;
	}
	to->type = jbvNumeric;
	to->val.numeric = number;
}

/* By its text, which is the shortest that gives the same number again; a key has no -0, which equals 0 */
static void
set_float(JsonbValue *to, char *text, bool as_text)
{
	if (*text == 'N' || *text == 'I' || (*text == '-' && text[1] == 'I') || (as_text && strcmp(text, "-0") == 0))
		set_string(to, text, strlen(text));
	else
		set_number(to, DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
														   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
}

/* The value of a container or a scalar that is stored as such */
static JsonbValue
unpacked(Jsonb *json)
{
	JsonbValue value;
	JsonBuild build = {0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;

	if (JB_ROOT_IS_SCALAR(json))
	{
		(void) JsonbExtractScalar(&json->root, &value);
		return value;
	}
	iterator = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
		json_build(&build, token, token < WJB_BEGIN_ARRAY ? &value : NULL);
	return *build.result;
}

static bool
begins_at_one(ArrayType *array)
{
	for (int i = 0; i < ARR_NDIM(array); i++)
		if (ARR_LBOUND(array)[i] != 1)
			return false;
	return true;
}

static bool
is_json(Oid type)
{
	return type == JSONOID || type == JSONBOID;
}

/* Is it an object with that one member, or what has to be put into one? */
static bool
is_marked(JsonbValue *value)
{
	return value->type == jbvObject && value->val.object.nPairs == 1 &&
		   value->val.object.pairs[0].key.val.string.len == strlen(MARK) &&
		   memcmp(value->val.object.pairs[0].key.val.string.val, MARK, strlen(MARK)) == 0;
}

static void
mark(JsonbValue *to)
{
	JsonbPair *pair = palloc0(sizeof(JsonbPair));

	set_string(&pair->key, MARK, strlen(MARK));
	pair->value = *to;
	to->type = jbvObject;
	to->val.object.nPairs = 1;
	to->val.object.pairs = pair;
}

/* A column as to_jsonb would have it, without asking again how */
static void
set_value(JsonbValue *to, Member *member, Datum value)
{
	char *text;

	switch (member->way)
	{
		case WAY_BOOL:
			to->type = jbvBool;
			to->val.boolean = DatumGetBool(value);
			break;
		case WAY_INT2:
			set_number(to, int64_to_numeric(DatumGetInt16(value)));
			break;
		case WAY_INT4:
			set_number(to, int64_to_numeric(DatumGetInt32(value)));
			break;
		case WAY_INT8:
			set_number(to, int64_to_numeric(DatumGetInt64(value)));
			break;
		case WAY_NUMERIC:
			set_number(to, DatumGetNumeric(value));
			break;
		case WAY_TIME:
			text = JsonEncodeDateTime(NULL, value, member->type, NULL);
			set_string(to, text, strlen(text));
			break;
		case WAY_TEXT:
			text = (char *) PG_DETOAST_DATUM_PACKED(value);
			set_string(to, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
			break;
		case WAY_OUTPUT:
			text = OutputFunctionCall(&member->function, value);
			set_string(to, text, strlen(text));
			break;
		case WAY_FLOAT:
			set_float(to, OutputFunctionCall(&member->function, value), member->as_text);
			break;
		case WAY_ARRAY:
			if (!begins_at_one(DatumGetArrayTypeP(value)))
			{
				text = OutputFunctionCall(&member->output, value);
				set_string(to, text, strlen(text));
				break;
			}
			pg_fallthrough;
		case WAY_JSONB:
			*to = unpacked(DatumGetJsonbP(FunctionCall1(&member->function, value)));
			if (member->as_text && is_json(member->type) && (to->type == jbvNull || is_marked(to)))
				mark(to);
			break;
	}
}

static void
set_values(RowType *row)
{

	for (int i = 0; i < row->n; i++)
	{
		Member *member = &row->members[i];

		if (row->nulls[member->attribute])
			row->pairs[i].value.type = jbvNull;
		else
			set_value(&row->pairs[i].value, member, row->values[member->attribute]);
	}
}

/*
 * The object of the values.  Moments are written in UTC, whatever the zone of the session: a row has one key, whoever
 * syncs it and whoever asks.
 */
static Datum
object_of(RowType *row)
{
	static pg_tz *utc = NULL;
	pg_tz *volatile zone = session_timezone;
	JsonbValue object = {0};

	if (utc == NULL)
		utc = pg_tzset("UTC");
	PG_TRY();
	{
		session_timezone = utc;
		set_values(row);
	}
	PG_FINALLY();
	{
		session_timezone = zone;
	}
	PG_END_TRY();
	object.type = jbvObject;
	object.val.object.nPairs = row->n;
	object.val.object.pairs = row->pairs;
	return JsonbPGetDatum(JsonbValueToJsonb(&object));
}

/* Kept over the calls of a statement, until rows of another type come */
static RowType *
row_type_of(FunctionCallInfo fcinfo, HeapTupleHeader row)
{
	RowType *known = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	TupleDesc desc;

	if (known && known->desc->tdtypeid == HeapTupleHeaderGetTypeId(row) &&
		known->desc->tdtypmod == HeapTupleHeaderGetTypMod(row))
		return known;
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	known = row_type_alloc(desc->natts);
	known->desc = CreateTupleDescCopy(desc);
	ReleaseTupleDesc(desc);
	for (int i = 0; i < known->desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(known->desc, i);

		if (!column->attisdropped)
			member_begin(&known->members[known->n++], NameStr(column->attname), column->atttypid, true, i,
						 CurrentMemoryContext);
	}
	row_type_sort(known);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = known;
	return known;
}

/* row_json(record) */
Datum
ingest_row_json(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	RowType *row = row_type_of(fcinfo, header);
	HeapTupleData tuple = {0};

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, row->desc, row->values, row->nulls);
	PG_RETURN_DATUM(object_of(row));
}

/* -- and back -- */

/* Of the rows of a type, as long as the statement */
typedef struct Reader
{
	TupleDesc desc;
	FmgrInfo populate;
	Bitmapset *json; /* columns of JSON, from 0 */
} Reader;

static Reader *
reader_of(FunctionCallInfo fcinfo)
{
	Reader *reader = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	Oid type;
	List *arguments;

	if (reader)
		return reader;
	type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	if (!type_is_rowtype(type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("the first argument must be a row")));
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	reader = palloc0(sizeof(Reader));
	reader->desc = lookup_rowtype_tupdesc_copy(type, -1);
	arguments = list_make2(makeNullConst(type, -1, InvalidOid), makeNullConst(JSONBOID, -1, InvalidOid));
	fmgr_info_cxt(F_JSONB_POPULATE_RECORD, &reader->populate, CurrentMemoryContext);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD, type, arguments, InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &reader->populate);
	for (int i = 0; i < reader->desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(reader->desc, i);

		if (!column->attisdropped && is_json(getBaseType(column->atttypid)))
			reader->json = bms_add_member(reader->json, i);
	}
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = reader;
	return reader;
}

/* What was put into an object around it; false: it was not */
static bool
read_marked(Jsonb *row, const char *name, Oid type, Datum *value)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&row->root, name, strlen(name), NULL);
	JsonbValue whole;

	if (found == NULL || found->type != jbvBinary)
		return false;
	whole = unpacked(JsonbValueToJsonb(found));
	if (!is_marked(&whole))
		return false;
	*value = JsonbPGetDatum(JsonbValueToJsonb(&whole.val.object.pairs[0].value));
	if (type == JSONOID)
		*value = CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(jsonb_out, *value)));
	return true;
}

/* row_of_json(base anyelement, row jsonb): what row_json made an object of, as jsonb_populate_record reads it */
Datum
ingest_row_of_json(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 2);
	Reader *reader;
	Datum result;
	Datum *values;
	bool *nulls;
	HeapTupleData tuple = {0};
	int i = -1;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	reader = reader_of(fcinfo);
	InitFunctionCallInfoData(*call, &reader->populate, 2, InvalidOid, NULL, NULL);
	call->args[0].isnull = true;
	call->args[1].value = PG_GETARG_DATUM(1);
	call->args[1].isnull = false;
	result = FunctionCallInvoke(call);
	if (call->isnull)
		PG_RETURN_NULL();
	if (bms_is_empty(reader->json))
		PG_RETURN_DATUM(result);
	values = palloc(sizeof(Datum) * reader->desc->natts);
	nulls = palloc(sizeof(bool) * reader->desc->natts);
	tuple.t_data = DatumGetHeapTupleHeader(result);
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	heap_deform_tuple(&tuple, reader->desc, values, nulls);
	while ((i = bms_next_member(reader->json, i)) >= 0)
	{
		Form_pg_attribute column = TupleDescAttr(reader->desc, i);

		if (read_marked(PG_GETARG_JSONB_P(1), NameStr(column->attname), getBaseType(column->atttypid), &values[i]))
			nulls[i] = false;
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(reader->desc, values, nulls)));
}

/* key_json(name, value, name, value, …): as jsonb_build_object, of names that are the same in each call */
Datum
ingest_key_json(PG_FUNCTION_ARGS)
{
	RowType *key = fcinfo->flinfo->fn_extra;

	if (key == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (PG_NARGS() % 2 != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("each name needs a value")));
		key = row_type_alloc(PG_NARGS());
		for (int i = 0; i + 1 < PG_NARGS(); i += 2)
		{
			if (PG_ARGISNULL(i) || get_fn_expr_argtype(fcinfo->flinfo, i) != TEXTOID ||
				get_fn_expr_variadic(fcinfo->flinfo))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a name must be a text that is not null")));
			member_begin(&key->members[key->n++], TextDatumGetCString(PG_GETARG_DATUM(i)),
						 get_fn_expr_argtype(fcinfo->flinfo, i + 1), false, i + 1, CurrentMemoryContext);
		}
		row_type_sort(key);
		MemoryContextSwitchTo(old);
		fcinfo->flinfo->fn_extra = key;
	}
	for (int i = 0; i < key->n; i++)
	{
		int argument = key->members[i].attribute;

		key->values[argument] = PG_GETARG_DATUM(argument);
		key->nulls[argument] = PG_ARGISNULL(argument);
	}
	PG_RETURN_DATUM(object_of(key));
}
