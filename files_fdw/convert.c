/*
 * convert.c
 *		The text of a field becomes a value of its column's type.
 *
 * The types that files are full of are read here; what is not as usual goes to the type's own input function, but for
 * dates and times: that would read them by the session's settings.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/stored_numeric.h"
#include "files_fdw/compat.h"
#include "files_fdw/convert.h"
#include "files_fdw/json.h"
#include "files_fdw/moment.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define NUMBER_BYTES 512 /* of a number that is not as usual */

static ConvertClass
class_of(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			return CONVERT_TEXT;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return CONVERT_INT;
		case FLOAT4OID:
		case FLOAT8OID:
			return CONVERT_FLOAT;
		case NUMERICOID:
			return CONVERT_NUMERIC;
		case BOOLOID:
			return CONVERT_BOOL;
		case DATEOID:
			return CONVERT_DATE;
		case TIMESTAMPOID:
			return CONVERT_TIMESTAMP;
		case TIMESTAMPTZOID:
			return CONVERT_TIMESTAMPTZ;
		case TIMEOID:
			return CONVERT_TIME;
		case UUIDOID:
			return CONVERT_UUID;
		default:
			return CONVERT_INPUT;
	}
}

void
converter_init(Converter *c, const char *name, Oid type, int32 typmod, const Manner *manner)
{
	Oid function;

	memset(c, 0, sizeof(Converter));
	c->name = pstrdup(name);
	c->type = type;
	c->typmod = typmod;
	c->manner = *manner;
	c->type_name = format_type_be(type);
	c->base = getBaseType(type);
	c->strange = type >= FirstGenbkiObjectId;
	/* a domain's checks are its input function's */
	c->class = c->base == type ? class_of(type) : CONVERT_INPUT;
	/* precision is the input function's as well */
	if (typmod >= 0 && (c->class == CONVERT_TIMESTAMP || c->class == CONVERT_TIMESTAMPTZ || c->class == CONVERT_TIME))
		c->typmod = typmod;
	c->most = c->class == CONVERT_TEXT && typmod >= (int32) VARHDRSZ ? typmod - VARHDRSZ : -1;
	c->plain_numbers = manner->decimal == '.' && manner->thousands == 0;
	getTypeInputInfo(type, &function, &c->ioparam);
	fmgr_info(function, &c->input);
}

void
arena_reset(Arena *arena, size_t row, int values)
{
	size_t needed = row + (size_t) values * (BUILT_SIZE + MAXIMUM_ALIGNOF * 2 + VARHDRSZ) + 64;

	if (arena->size < needed)
	{
		if (arena->start)
			pfree(arena->start);
		arena->size = Max(needed * 2, 8192);
		arena->start = MemoryContextAllocHuge(arena->hold, arena->size);
	}
	arena->at = arena->start;
}

static inline char *
arena_take(Arena *arena, size_t n)
{
	char *result = arena->at;

	arena->at += MAXALIGN(n);
	Assert(arena->at <= arena->start + arena->size);
	return result;
}

/* -- complaints -- */

static bool
not_valid(const Converter *c, Complaint *complaint)
{
	return complain(complaint, ERRCODE_INVALID_TEXT_REPRESENTATION, "invalid value for type %s", c->type_name);
}

static bool
out_of_range(const Converter *c, Complaint *complaint)
{
	return complain(complaint, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range for type %s", c->type_name);
}

static bool
wrong_moment(const Converter *c, MomentFault fault, Complaint *complaint)
{
	static const char *const orders[] = {"year, month, day", "day, month, year", "month, day, year"};

	switch (fault)
	{
		case MOMENT_RANGE:
			return complain(complaint, ERRCODE_DATETIME_FIELD_OVERFLOW,
							"not a valid %s, or one finer than a microsecond (option dateorder: %s)", c->type_name,
							orders[c->manner.dates]);
		case MOMENT_ZONE:
			return complain(complaint, ERRCODE_INVALID_DATETIME_FORMAT, "the time has a zone, which type %s would lose",
							c->type_name);
		case MOMENT_NO_ZONE:
			return complain(complaint, ERRCODE_INVALID_DATETIME_FORMAT,
							"the time has no zone, and option timezone is not set");
		default:
			if (c->class == CONVERT_TIME)
				return not_valid(c, complaint);
			return complain(complaint, ERRCODE_INVALID_DATETIME_FORMAT,
							"invalid value for type %s, in the order %s (option dateorder)", c->type_name,
							orders[c->manner.dates]);
	}
}

/* -- the type's own input function -- */

static Datum
hard_input(const Converter *c, char *text)
{
	return InputFunctionCall((FmgrInfo *) &c->input, text, c->ioparam, c->typmod);
}

#if PG_VERSION_NUM >= 160000
static bool
soft_input(const Converter *c, char *text, Datum *value, Complaint *complaint)
{
	ErrorSaveContext context = {.type = T_ErrorSaveContext, .details_wanted = true};

	if (InputFunctionCallSafe((FmgrInfo *) &c->input, text, c->ioparam, c->typmod, (Node *) &context, value))
		return true;
	return complain(complaint, context.error_data->sqlerrcode, "%s", context.error_data->message);
}
#else
/* Is a value to blame for what its type's input function threw? */
static bool
is_about_value(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return false;
		default:
			return sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE;
	}
}

/*
 * Before 16 an input function can only throw.  Code that is not PostgreSQL's own may hold whatever it likes then, which
 * only the end of a subtransaction takes from it; and in a query that several processes run there can be none.
 */
static bool
soft_input(const Converter *c, char *text, Datum *value, Complaint *complaint)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	if (c->strange && IsInParallelMode())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("values of type %s cannot be tried in a query that several processes run", c->type_name),
				 errhint("SET max_parallel_workers_per_gather = 0, or do not read the column of errors.")));
	if (c->strange)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(old);
	}
	PG_TRY();
	{
		*value = hard_input(c, text);
		if (c->strange)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		FlushErrorState();
		if (c->strange)
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
	if (error == NULL)
		return true;
	if (!is_about_value(error->sqlerrcode))
		ReThrowError(error);
	complain(complaint, error->sqlerrcode, "%s", error->message);
	FreeErrorData(error);
	return false;
}
#endif

static bool
by_input(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	MemoryContext old = MemoryContextSwitchTo(arena->context);
	char *text = pnstrdup(p, len);
	bool good = true;

	if (soft)
		good = soft_input(c, text, value, complaint);
	else
		*value = hard_input(c, text);
	MemoryContextSwitchTo(old);
	return good;
}

/* -- numbers -- */

/*
 * A number as the column writes them becomes one as PostgreSQL does: thousands must be divided everywhere or nowhere.
 * False: it is none.
 */
static bool
plain_number(const Manner *m, const char *p, int len, char *out, int *outlen)
{
	const char *end = p + len;
	char *start = out;
	int digits = 0;
	int since = -1; /* digits since the last mark */
	bool fraction = false;

	if (len >= NUMBER_BYTES)
		return false;
	if (p < end && (*p == '-' || *p == '+'))
		*out++ = *p++;
	for (; p < end; p++)
	{
		if (IS_DIGIT(*p))
		{
			*out++ = *p;
			digits++;
			since += since >= 0;
		}
		else if (*p == m->decimal && !fraction)
		{
			if (since >= 0 && since != 3)
				return false;
			since = -1;
			fraction = true;
			*out++ = '.';
		}
		else if (*p == m->thousands && !fraction && m->thousands != 0)
		{
			if (since >= 0 ? since != 3 : digits < 1 || digits > 3)
				return false;
			since = 0;
		}
		else if ((*p == 'e' || *p == 'E') && digits > 0 && since < 0)
		{
			memcpy(out, p, end - p);
			out += end - p;
			break;
		}
		else
			return false;
	}
	if (since >= 0 && since != 3)
		return false;
	*outlen = (int) (out - start);
	return digits > 0;
}

/* Digits with a sign; more than an int64 holds, or anything else: false */
static inline bool
parse_int(const char *p, int len, int64 *result)
{
	bool negative = len > 0 && *p == '-';
	int64 value = 0;

	if (negative || (len > 0 && *p == '+'))
	{
		p++;
		len--;
	}
	if (len < 1 || len > 18)
		return false;
	for (int i = 0; i < len; i++)
	{
		unsigned digit = (unsigned char) p[i] - '0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*result = negative ? -value : value;
	return true;
}

/* What a number's text may hold: no 0x1F, no 1_000, which newer versions of the input functions take */
static bool
is_number_text(const char *p, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (!IS_DIGIT(p[i]) && (p[i] == '\0' || strchr("+-.eE", p[i]) == NULL))
			return false;
	}
	return len > 0;
}

static bool
to_int(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	int64 n;

	if (!parse_int(p, len, &n))
	{
		if (!is_number_text(p, len))
			return not_valid(c, complaint);
		/* an integer written as 5.0 stays none; one of 19 digits may fit */
		return by_input(c, p, len, arena, soft, value, complaint);
	}
	switch (c->type)
	{
		case INT2OID:
			if (n < PG_INT16_MIN || n > PG_INT16_MAX)
				return out_of_range(c, complaint);
			*value = Int16GetDatum((int16) n);
			break;
		case INT4OID:
			if (n < PG_INT32_MIN || n > PG_INT32_MAX)
				return out_of_range(c, complaint);
			*value = Int32GetDatum((int32) n);
			break;
		default:
			*value = Int64GetDatum(n);
			break;
	}
	return true;
}

/* Digits, perhaps a point: up to 18 of them; anything else: false */
static inline bool
parse_decimal(const char *p, int len, uint64 *magnitude, bool *negative, int *scale)
{
	const char *end = p + len;
	uint64 m = 0;
	int digits = 0;
	const char *point = NULL;

	*negative = len > 0 && *p == '-';
	if (*negative || (len > 0 && *p == '+'))
		p++;
	for (; p < end; p++)
	{
		unsigned digit = (unsigned char) *p - '0';

		if (digit <= 9)
		{
			m = m * 10 + digit;
			digits++;
		}
		else if (*p == '.' && point == NULL)
			point = p;
		else
			return false;
	}
	if (digits == 0 || digits > 18)
		return false;
	*magnitude = m;
	*scale = point ? (int) (end - point - 1) : 0;
	return true;
}

static bool
is_special_number(const char *p, int len)
{
	if (len > 0 && (*p == '-' || *p == '+'))
	{
		p++;
		len--;
	}
	return (len == 3 && pg_strncasecmp(p, "nan", 3) == 0) || (len == 3 && pg_strncasecmp(p, "inf", 3) == 0) ||
		   (len == 8 && pg_strncasecmp(p, "infinity", 8) == 0);
}

static bool
to_numeric(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	static const uint64 tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
	uint64 magnitude;
	bool negative;
	int scale;

	if (!parse_decimal(p, len, &magnitude, &negative, &scale))
	{
		if (!is_number_text(p, len) && !is_special_number(p, len))
			return not_valid(c, complaint);
		return by_input(c, p, len, arena, soft, value, complaint);
	}
	if (c->typmod >= 0)
	{
		int precision = ((c->typmod - VARHDRSZ) >> 16) & 0xffff;
		int wanted = (((c->typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;

		/* what would be rounded, and what may not fit, is left to the input function */
		if (wanted < scale || wanted - scale > 9 || precision > 18 || precision + (wanted - scale) > 18 ||
			magnitude >= UINT64CONST(100000000000000000))
			return by_input(c, p, len, arena, soft, value, complaint);
		if (magnitude > UINT64CONST(999999999999999999) / tens[wanted - scale])
			return by_input(c, p, len, arena, soft, value, complaint);
		magnitude *= tens[wanted - scale];
		scale = wanted;
		for (uint64 limit = 1, i = 0; i <= precision; i++, limit *= 10)
		{
			if (i == precision && magnitude >= limit)
				return by_input(c, p, len, arena, soft, value, complaint);
		}
	}
	/* the digits to the base 10000 are aligned at the point: 18 of ten and three more fit */
	if (scale > 15)
		return by_input(c, p, len, arena, soft, value, complaint);
	if (magnitude >= UINT64CONST(10000000000000000))
		return by_input(c, p, len, arena, soft, value, complaint);
	*value = build_numeric(arena_take(arena, BUILT_SIZE), magnitude, negative, scale);
	return true;
}

/* Up to 15 digits and a small power of ten: both are exact doubles, and so is rounding once */
static bool
to_float(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
								  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
	uint64 magnitude;
	bool negative;
	int scale;

	if (c->type == FLOAT8OID && parse_decimal(p, len, &magnitude, &negative, &scale) &&
		magnitude < UINT64CONST(1000000000000000) && scale <= 18)
	{
		double d = (double) magnitude / tens[scale];

		*value = Float8GetDatum(negative ? -d : d);
		return true;
	}
	if (!is_number_text(p, len) && !is_special_number(p, len))
		return not_valid(c, complaint);
	return by_input(c, p, len, arena, soft, value, complaint);
}

/* A number in the column's manner, then as PostgreSQL writes it */
static bool
to_number(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	char plain[NUMBER_BYTES];

	if (!c->plain_numbers)
	{
		if (!plain_number(&c->manner, p, len, plain, &len))
			return complain(complaint, ERRCODE_INVALID_TEXT_REPRESENTATION,
							"invalid value for type %s, with the decimal sign \"%c\" and thousands separated by "
							"\"%.1s\" (options decimal, thousands)",
							c->type_name, c->manner.decimal,
							c->manner.thousands ? (char[]){c->manner.thousands, 0} : "");
		p = plain;
	}
	switch (c->class)
	{
		case CONVERT_INT:
			return to_int(c, p, len, arena, soft, value, complaint);
		case CONVERT_NUMERIC:
			return to_numeric(c, p, len, arena, soft, value, complaint);
		default:
			return to_float(c, p, len, arena, soft, value, complaint);
	}
}

/* -- other types -- */

static bool
is_word(const char *word, const char *p, int len)
{
	return word != NULL && (int) strlen(word) == len && pg_strncasecmp(word, p, len) == 0;
}

static bool
to_bool(const Converter *c, const char *p, int len, Datum *value, Complaint *complaint)
{
	static const char *const words[][2] = {
		{"true", "false"},
		{"t", "f"},
		{"1", "0"},
		{"yes", "no"},
		{"y", "n"},
		{"on", "off"},
	};

	if (c->manner.true_word || c->manner.false_word)
	{
		if (is_word(c->manner.true_word, p, len) || is_word(c->manner.false_word, p, len))
		{
			*value = BoolGetDatum(is_word(c->manner.true_word, p, len));
			return true;
		}
		return not_valid(c, complaint);
	}
	for (int i = 0; i < lengthof(words); i++)
	{
		for (int side = 0; side < 2; side++)
		{
			if (is_word(words[i][side], p, len))
			{
				*value = BoolGetDatum(side == 0);
				return true;
			}
		}
	}
	return not_valid(c, complaint);
}

static bool
to_uuid(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	unsigned char *out;
	int n = 0;

	if (len != 36)
		return by_input(c, p, len, arena, soft, value, complaint);
	out = (unsigned char *) arena_take(arena, UUID_LEN);
	for (int i = 0; i < 36; i++)
	{
		char ch = p[i];
		int digit;

		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (ch != '-')
				return not_valid(c, complaint);
			continue;
		}
		digit = IS_DIGIT(ch) ? ch - '0' : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10
																			   : -1;
		if (digit < 0)
			return not_valid(c, complaint);
		if (n % 2 == 0)
			out[n / 2] = (unsigned char) (digit << 4);
		else
			out[n / 2] |= (unsigned char) digit;
		n++;
	}
	*value = PointerGetDatum(out);
	return true;
}

static bool
to_moment(const Converter *c, const char *p, int len, Datum *value, Complaint *complaint)
{
	MomentFault fault;
	DateADT date = 0;
	Timestamp stamp = 0;
	TimeADT time = 0;

	switch (c->class)
	{
		case CONVERT_DATE:
			fault = read_date(p, len, c->manner.dates, &date);
			*value = DateADTGetDatum(date);
			break;
		case CONVERT_TIME:
			fault = read_time(p, len, &time);
			if (fault == MOMENT_FINE && c->typmod >= 0)
				AdjustTimeForTypmod(&time, c->typmod);
			*value = TimeADTGetDatum(time);
			break;
		default:
			fault = read_timestamp(p, len, c->manner.dates, c->class == CONVERT_TIMESTAMPTZ, c->manner.zone, &stamp);
			if (fault == MOMENT_FINE && c->typmod >= 0)
				*value = DirectFunctionCall2(c->class == CONVERT_TIMESTAMPTZ ? timestamptz_scale : timestamp_scale,
											 TimestampGetDatum(stamp), Int32GetDatum(c->typmod));
			else
				*value = TimestampGetDatum(stamp);
			break;
	}
	return fault == MOMENT_FINE ? true : wrong_moment(c, fault, complaint);
}

/* -- one field -- */

static inline void
trim(const char **p, int *len)
{
	while (*len > 0 && (**p == ' ' || **p == '\t'))
	{
		(*p)++;
		(*len)--;
	}
	while (*len > 0 && ((*p)[*len - 1] == ' ' || (*p)[*len - 1] == '\t'))
		(*len)--;
}

static bool
convert_plain(const Converter *c, const char *p, int len, Arena *arena, bool soft, Datum *value, Complaint *complaint)
{
	char *twice;
	bool good;

	if (c->class != CONVERT_INPUT)
		trim(&p, &len);
	switch (c->class)
	{
		case CONVERT_INT:
		case CONVERT_NUMERIC:
		case CONVERT_FLOAT:
			good = to_number(c, p, len, arena, soft, value, complaint);
			break;
		case CONVERT_BOOL:
			good = to_bool(c, p, len, value, complaint);
			break;
		case CONVERT_DATE:
		case CONVERT_TIME:
		case CONVERT_TIMESTAMP:
		case CONVERT_TIMESTAMPTZ:
			good = to_moment(c, p, len, value, complaint);
			break;
		case CONVERT_UUID:
			good = to_uuid(c, p, len, arena, soft, value, complaint);
			break;
		default:
			if (c->base == JSONBOID && json_member_twice(p, len, &twice))
				good = complain(complaint, ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE,
								"member \"%s\" appears twice",
								twice);
			else
				good = by_input(c, p, len, arena, soft, value, complaint);
			break;
	}
	if (!good)
	{
		complaint->column = c->name;
		complaint->value = p;
		complaint->len = len;
	}
	return good;
}

static int
unescape(const Csv *csv, const Field *field, char *to)
{
	return csv ? csv_unescape(csv, field, to) : json_unescape(field, to);
}

static bool
convert_text_field(const Converter *c, const Csv *csv, const Field *field, Arena *arena, bool soft, Datum *value,
				   Complaint *complaint)
{
	char *result = arena_take(arena, (size_t) field->len + VARHDRSZ);
	int len = field->len;

	if (field->flags & FIELD_ESCAPED)
		len = unescape(csv, field, VARDATA(result));
	else
		memcpy(VARDATA(result), field->p, len);
	if (len < 0)
	{
		complaint->column = c->name;
		complaint->value = field->p;
		complaint->len = field->len;
		return complain(complaint, ERRCODE_UNTRANSLATABLE_CHARACTER, "an escape is not a character of the database's "
																	 "encoding");
	}
	if (c->most >= 0 && len > c->most && pg_mbstrlen_with_len(VARDATA(result), len) > c->most)
		return convert_plain(&(Converter){.class = CONVERT_INPUT,
										  .type = c->type,
										  .typmod = c->typmod,
										  .name = c->name,
										  .type_name = c->type_name,
										  .input = c->input,
										  .ioparam = c->ioparam},
							 VARDATA(result), len, arena, soft, value, complaint);
	SET_VARSIZE(result, len + VARHDRSZ);
	*value = PointerGetDatum(result);
	return true;
}

/* Is the field one that stands for null? */
static inline bool
is_null(const Converter *c, const Field *field)
{
	ListCell *lc;

	if (field->flags & FIELD_MISSING)
		return true;
	if ((field->flags & FIELD_QUOTED) && !c->manner.force_null)
		return false;
	if (field->len == 0)
		return true;
	foreach (lc, c->manner.null_words)
	{
		const char *word = lfirst(lc);

		if (strncmp(word, field->p, field->len) == 0 && word[field->len] == '\0')
			return true;
	}
	return false;
}

/* What a sheet has in place of a value is none, not even a text */
static bool
error_of_cell(const Converter *c, const Field *field, Complaint *complaint)
{
	complaint->column = c->name;
	complaint->value = field->p;
	complaint->len = field->len;
	return complain(complaint, ERRCODE_INVALID_TEXT_REPRESENTATION,
					field->len > 0 && *field->p == '#' ? "the cell has an error instead of a value"
													   : "the cell has a day that its calendar does not have");
}

bool
convert_field(const Converter *c, const Csv *csv, const Field *field, Arena *arena, bool soft, Datum *value,
			  bool *isnull, Complaint *complaint)
{
	*isnull = is_null(c, field);
	if (*isnull)
	{
		/* a domain may not take it */
		if (c->base != c->type && (field->flags & FIELD_MISSING) == 0)
			return soft ? soft_input(c, NULL, value, complaint) : (hard_input(c, NULL), true);
		*value = (Datum) 0;
		return true;
	}
	if (field->flags & FIELD_ERROR)
		return error_of_cell(c, field, complaint);
	if (c->class == CONVERT_TEXT)
		return convert_text_field(c, csv, field, arena, soft, value, complaint);
	/* a JSON text as a JSON value keeps its quotes */
	if (csv == NULL && (field->flags & (FIELD_QUOTED | FIELD_CELL)) == FIELD_QUOTED && (c->base == JSONOID || c->base == JSONBOID))
		return convert_plain(c, field->p - 1, field->len + 2, arena, soft, value, complaint);
	if (field->flags & FIELD_ESCAPED)
	{
		char *plain = MemoryContextAlloc(arena->context, (size_t) field->len + 1);
		int len = unescape(csv, field, plain);

		if (len >= 0)
			return convert_plain(c, plain, len, arena, soft, value, complaint);
		complaint->column = c->name;
		complaint->value = field->p;
		complaint->len = field->len;
		return complain(complaint, ERRCODE_UNTRANSLATABLE_CHARACTER, "an escape is not a character of the database's "
																	 "encoding");
	}
	return convert_plain(c, field->p, field->len, arena, soft, value, complaint);
}

bool
convert_text(const Converter *c, const char *text, int len, Arena *arena, Datum *value, Complaint *complaint)
{
	Field field = {.p = text, .len = len, .flags = FIELD_QUOTED};

	if (c->class == CONVERT_TEXT)
		return convert_text_field(c, NULL, &field, arena, false, value, complaint);
	return convert_plain(c, text, len, arena, false, value, complaint);
}

bool
is_plain_integer(const char *p, int len)
{
	if (len > 0 && *p == '-')
	{
		p++;
		len--;
	}
	if (len < 1 || len > 18 || (*p == '0' && len > 1))
		return false;
	for (int i = 0; i < len; i++)
	{
		if (!IS_DIGIT(p[i]))
			return false;
	}
	return true;
}
