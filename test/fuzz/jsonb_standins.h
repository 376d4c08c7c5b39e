/*
 * jsonb_standins.h
 *		What putting nested values together uses of PostgreSQL: nothing is built, but what is begun must end.
 */
#ifndef FUZZ_JSONB_STANDINS_H
#define FUZZ_JSONB_STANDINS_H

#include "utils/jsonb.h"
#include "utils/timestamp.h"

#undef qsort
#undef sprintf

static int pushed = 0; /* arrays and objects that are open */
static JsonbParseState open_ones[512];

JsonbValue *
pushJsonbValue(JsonbParseState **state, JsonbIteratorToken token, JsonbValue *value)
{
	static JsonbValue whole = {.type = jbvObject};

	switch (token)
	{
		case WJB_BEGIN_ARRAY:
		case WJB_BEGIN_OBJECT:
			CHECK(pushed < 500);
			open_ones[pushed].contVal.type = token == WJB_BEGIN_ARRAY ? jbvArray : jbvObject;
			pushed++;
			break;
		case WJB_END_ARRAY:
		case WJB_END_OBJECT:
			CHECK(pushed > 0 && open_ones[pushed - 1].contVal.type == (token == WJB_END_ARRAY ? jbvArray : jbvObject));
			pushed--;
			break;
		default:
			CHECK(pushed > 0 && value != NULL);
			CHECK((token == WJB_ELEM) == (open_ones[pushed - 1].contVal.type == jbvArray));
			/* the whole of a text is there */
			if (value->type == jbvString)
				(void) hash_bytes((unsigned char *) value->val.string.val, value->val.string.len);
			break;
	}
	*state = pushed > 0 ? &open_ones[pushed - 1] : NULL;
	return &whole;
}

Jsonb *
JsonbValueToJsonb(JsonbValue *value)
{
	return (Jsonb *) value;
}

bool
JsonbExtractScalar(JsonbContainer *container, JsonbValue *value)
{
	(void) container;
	*value = (JsonbValue){.type = jbvNull};
	return true;
}

/* A number, or JSON, that was read: a scalar */
Datum
DirectFunctionCall3Coll(PGFunction func, Oid collation, Datum a, Datum b, Datum c)
{
	(void) func, (void) collation, (void) b, (void) c;
	return a;
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	static struct
	{
		int32 size;
		uint32 header;
		JEntry entry;
	} scalar = {0, JB_FARRAY | JB_FSCALAR | 1, JENTRY_ISNULL};

	(void) datum;
	return (struct varlena *) &scalar;
}

Datum
numeric_in(FunctionCallInfo fcinfo)
{
	(void) fcinfo;
	return 0;
}

char *
pg_any_to_server(const char *s, int len, int encoding)
{
	(void) len, (void) encoding;
	return (char *) s;
}

struct Recoder *
recoder_new(int encoding)
{
	(void) encoding;
	return NULL;
}

size_t
recode(struct Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad)
{
	(void) r, (void) from, (void) n, (void) end, (void) to, (void) room;
	*taken = 0;
	*bad = true;
	return 0;
}

void
check_stack_depth(void)
{
}

List *
lappend(List *list, void *datum)
{
	List *longer = palloc(sizeof(List));
	int n = list ? list->length : 0;

	longer->length = n + 1;
	longer->max_length = n + 1;
	longer->elements = palloc(sizeof(ListCell) * (n + 1));
	if (n > 0)
		memcpy(longer->elements, list->elements, sizeof(ListCell) * n);
	longer->elements[n].ptr_value = datum;
	return longer;
}

void
list_sort(List *list, list_sort_comparator compare)
{
	qsort(list->elements, list->length, sizeof(ListCell), (int (*)(const void *, const void *)) compare);
}

int
timestamp2tm(Timestamp dt, int *tzp, struct pg_tm *tm, fsec_t *fsec, const char **tzn, pg_tz *attimezone)
{
	(void) dt, (void) tzp, (void) tzn, (void) attimezone;
	*tm = (struct pg_tm){.tm_year = 2000, .tm_mon = 1, .tm_mday = 1};
	*fsec = 0;
	return 0;
}

void
EncodeDateTime(struct pg_tm *tm, fsec_t fsec, bool print_tz, int tz, const char *tzn, int style, char *str)
{
	(void) tm, (void) fsec, (void) print_tz, (void) tz, (void) tzn, (void) style;
	strcpy(str, "2000-01-01 00:00:00");
}

void
EncodeDateOnly(struct pg_tm *tm, int style, char *str)
{
	(void) tm, (void) style;
	strcpy(str, "2000-01-01");
}

void
j2date(int jd, int *year, int *month, int *day)
{
	(void) jd;
	*year = 2000;
	*month = *day = 1;
}

int
float_to_shortest_decimal_buf(float f, char *result)
{
	return sprintf(result, "%.9g", (double) f);
}

void
enlargeStringInfo(StringInfo str, int needed)
{
	make_room(str, needed + 1);
}

unsigned char
pg_toupper(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

#endif /* FUZZ_JSONB_STANDINS_H */
