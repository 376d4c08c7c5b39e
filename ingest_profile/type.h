/*
 * type.h
 *		How the values of a type are read: as a key that sorts, as a number, as text.
 */
#ifndef PROFILE_TYPE_H
#define PROFILE_TYPE_H

#include "postgres.h"

#include "fmgr.h"

/* Part of the stored form: add at the end only */
typedef enum ValueClass
{
	CLASS_INTEGER = 0,
	CLASS_FLOAT = 1,
	CLASS_NUMERIC = 2,
	CLASS_BOOLEAN = 3,
	CLASS_DATE = 4,
	CLASS_TIMESTAMP = 5,
	CLASS_TIMESTAMPTZ = 6,
	CLASS_TIME = 7,
	CLASS_TEXT = 8,
	CLASS_BYTES = 9,
	CLASS_OTHER = 10 /* by its output and its btree comparison, if it has one */
} ValueClass;

#define CLASS_LAST CLASS_OTHER

/* Is there a 64-bit key that sorts as the values do? */
#define class_has_key(class) ((class) <= CLASS_TIME)
/* Does the key say all? */
#define class_key_is_value(class) (class_has_key(class) && (class) != CLASS_NUMERIC)
#define class_is_number(class) ((class) <= CLASS_NUMERIC)
#define class_is_moment(class) ((class) >= CLASS_DATE && (class) <= CLASS_TIMESTAMPTZ)

typedef struct ColumnType
{
	ValueClass class;
	char *name;           /* as SQL spells it, with its schema if needed */
	char *collation_name; /* with its schema, or "" */
	bool is_real;         /* a float of four bytes */
	bool resolved;        /* what follows is known in this database */
	Oid declared;
	Oid base; /* below domains */
	Oid collation;
	int16 typlen;
	bool typbyval;
	bool blank_padded;
	bool is_array;
	bool is_json;
	bool is_name;
	bool is_cstring_like; /* "char" */
	bool ordered;
	FmgrInfo output;
	bool is_varlena;
	FmgrInfo compare;
} ColumnType;

extern void column_type_init(ColumnType *type, Oid typid, Oid collation);
extern char *column_type_output(ColumnType *type, Datum value);
extern bool column_type_resolve(ColumnType *type, MemoryContext context);
extern int64 key_of_double(double value);
extern double double_of_key(int64 key);
extern double number_of_key(ValueClass class, int64 key);
extern char *text_of_key(const ColumnType *type, int64 key);

#define DECIMAL_BYTES 24
extern int decimal_text(int64 key, int scale, char *text);
extern int text_compare(const char *a, int alen, const char *b, int blen, Oid collation);

/* Between two texts, by the first place where those differ */
typedef struct TextRange
{
	const char *start;         /* what they have in common, */
	int place;                 /* up to here */
	int low;                   /* the byte there, or its rank, must be above; equal to high: nothing is known */
	int high;                  /* and below */
	const unsigned char *rank; /* of ASCII; NULL: bytes by themselves */
} TextRange;

extern TextRange text_range(const char *low, int low_len, const char *high, int high_len, Oid collation);

/* Is a text between them for certain? */
static inline bool
text_is_within(const TextRange *r, const char *text, int len)
{
	const unsigned char *at = (const unsigned char *) text + r->place;
	int rank;

	if (len <= r->place || r->high - r->low < 2)
		return false;
	rank = *at;
	if (r->rank != NULL)
	{
		if (rank >= 128 || (len > r->place + 1 && at[1] >= 128))
			return false;
		rank = r->rank[rank];
	}
	return rank > r->low && rank < r->high && memcmp(text, r->start, r->place) == 0;
}

/* Whether reading a value of the type runs nobody's code */
extern bool type_reads_safely(Oid typid);

#endif /* PROFILE_TYPE_H */
