/*
 * convert.h
 *		The text of a field becomes a value of its column's type.
 */
#ifndef FILES_CONVERT_H
#define FILES_CONVERT_H

#include "postgres.h"

#include "files_fdw/complaint.h"
#include "files_fdw/csv.h"
#include "fmgr.h"

typedef enum ConvertClass
{
	CONVERT_INPUT, /* by the type's input function */
	CONVERT_TEXT,
	CONVERT_INT,
	CONVERT_FLOAT,
	CONVERT_NUMERIC,
	CONVERT_BOOL,
	CONVERT_DATE,
	CONVERT_TIMESTAMP,
	CONVERT_TIMESTAMPTZ,
	CONVERT_TIME,
	CONVERT_UUID
} ConvertClass;

typedef struct Converter
{
	ConvertClass class;
	Oid type;
	Oid base; /* of a domain */
	int32 typmod;
	const char *name; /* of the column */
	const char *type_name;
	Manner manner;
	FmgrInfo input;
	Oid ioparam;
	bool plain_numbers; /* nothing of the manner touches them */
	bool strange;       /* it is not PostgreSQL's own, or a domain */
	int most;           /* characters of varchar(n); -1: any */
} Converter;

/* Where values of a row are made: its room is enough for all of them */
typedef struct Arena
{
	char *start;
	char *at;
	size_t size;
	MemoryContext hold;    /* of the block itself */
	MemoryContext context; /* of what input functions make, reset with each row */
} Arena;

extern void converter_init(Converter *c, const char *name, Oid type, int32 typmod, const Manner *manner);
extern void arena_reset(Arena *arena, size_t row, int values);
/*
 * csv tells how to unescape, NULL: the field is JSON's.  soft: whatever is wrong becomes a complaint, an error of an
 * input function as well.
 */
extern bool convert_field(const Converter *c, const Csv *csv, const Field *field, Arena *arena, bool soft, Datum *value,
						  bool *isnull, Complaint *complaint);
/* The same of a text that is no field: of a path */
extern bool convert_text(const Converter *c, const char *text, int len, Arena *arena, Datum *value,
						 Complaint *complaint);

/* -- for inference: what texts are, as the converters read them -- */

/* Digits with a sign, no leading zeros, at most 18 */
extern bool is_plain_integer(const char *p, int len);

#endif /* FILES_CONVERT_H */
